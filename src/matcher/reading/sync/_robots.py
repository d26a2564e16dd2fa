"""robots.txt of the hosts that are read (RFC 9309)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from matcher import plugins
from matcher.reading.sync._guard import Fetcher, Refused

AGENT = "maillage"
LONGEST_DELAY = (
    10.0  # seconds between two requests that robots.txt may ask for; beyond, the site is left alone
)


class Rules:
    """robots.txt of each host met, read once; a host whose rules cannot be read is not read (RFC 9309)."""

    def __init__(self, fetch: Fetcher) -> None:
        self._fetch = fetch
        self._known: dict[str, Any] = {}

    def allow(self, url: str) -> bool:
        found = self._of(url)
        return found is not None and bool(found.can_fetch(url, AGENT)) and self.delay(url) <= LONGEST_DELAY

    def delay(self, url: str) -> float:
        found = self._of(url)
        return float((found.crawl_delay(AGENT) if found is not None else 0) or 0)

    def _of(self, url: str) -> Any:
        parts = urlsplit(url)
        root = f"{parts.scheme}://{parts.netloc}"
        if root not in self._known:
            self._known[root] = self._read(f"{root}/robots.txt")
        return self._known[root]

    def _read(self, url: str) -> Any:
        with plugins.optional("sites", "reading robots.txt"):
            from protego import Protego
        try:
            page = self._fetch.get(url)
        except Refused:
            return None
        if page.status >= 500 or page.status == 429:
            return None
        return Protego.parse(page.text if page.status < 400 and "html" not in page.kind else "")
