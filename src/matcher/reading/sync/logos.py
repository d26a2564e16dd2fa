"""Logos whose address Le Marché gives with a structure: fetched over checked connections, decoded in another process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from matcher import plugins
from matcher.domain import BadInput
from matcher.reading import confined
from matcher.reading.sync._client import TRANSIENT, Report, _read_json
from matcher.reading.sync._guard import Fetcher, Refused, Silent, host_of
from matcher.reading.sync._robots import Rules
from matcher.reference.identifiers import digits

SOURCE = "lemarche"
ACCEPT = "image/webp, image/png, image/jpeg, image/gif;q=0.9"
PAUSE = 0.2  # seconds between two images, which one host gives
SECONDS = 10.0  # for an image, with its redirects
AGAIN = 90  # days until an image of the same address is fetched again
SILENT = 5  # images in a row that a host does not answer for: the others are left to the next run


@dataclass(frozen=True, slots=True)
class Fetched:
    """A logo made small (WebP), or without an image `why` there is none."""

    siret: str
    url: str
    image: bytes
    why: str
    day: date


Held = Mapping[str, tuple[str, date, bool]]  # SIRET -> address, day fetched, removed by its structure


def logos(
    folder: Path,
    held: Held,
    keep: Callable[[Fetched], None],
    *,
    only: Collection[str] | None = None,
    opted_out: Collection[str] = (),
    fetcher: Fetcher | None = None,
    today: date | None = None,
    progress: Callable[[int, int, str], None] = lambda done, total, name: None,
) -> tuple[Report, list[str]]:
    """Hand each new logo of the list in `folder` to `keep`; and the SIRETs of `held` whose logo the list gives no more.

    An image is fetched again where its address changed or after `AGAIN` days.  `only` names the structures wanted.
    Raises BadInput where there is no list, MissingExtra without the package that decodes.
    """
    with plugins.optional("sites", "reading logos"):
        import PIL  # noqa: F401
    report, day = Report("logos", folder), today or datetime.now(UTC).date()
    listed = _listed(folder)
    wanted = {
        siret: url for siret, url in listed.items()
        if (only is None or siret in only) and not {siret, siret[:9], host_of(url)} & set(opted_out)
    }  # fmt: skip
    refused, silent = Counter[str](), Counter[str]()
    with fetcher or Fetcher(pause=PAUSE, seconds=SECONDS, accept=ACCEPT) as fetch:
        rules = Rules(fetch)
        for number, (siret, url) in enumerate(wanted.items(), 1):
            progress(number, len(wanted), siret)
            if _fresh(held.get(siret), url, day):
                report.unchanged += 1
            elif silent[host_of(url)] < SILENT:
                try:
                    image, why = _small(fetch, rules, url)
                except Silent:
                    silent[host_of(url)] += 1
                    continue
                silent.pop(host_of(url), None)
                keep(Fetched(siret, url, image, why, day))
                report.records += bool(image)
                refused[why] += not image
        report.requests = fetch.requests
    report.notes += [f"{count} logos not kept: {why}" for why, count in refused.most_common() if count]
    report.notes += [f"{host} does not answer: its logos are left to the next run" for host in silent]
    gone = [siret for siret in held if listed and siret not in wanted and (only is None or siret in only)]
    return report, gone


def _fresh(known: tuple[str, date, bool] | None, url: str, day: date) -> bool:
    if known is None:
        return False
    address, fetched, removed = known
    return removed or (address == url and (day - fetched).days < AGAIN)


def _small(fetch: Fetcher, rules: Rules, url: str) -> tuple[bytes, str]:
    """The image made small, or why it is not kept.  Raises Silent where another time may do better."""
    try:
        page = fetch.get(url, rules.allow, rules.delay(url))
        if page.status in TRANSIENT:
            raise Silent(f"the host answered {page.status}")
        if page.status != 200:
            return b"", f"the host answered {page.status}"
        return confined.small_picture(page.body), ""
    except Silent:
        raise
    except Refused as error:
        if rules.unknown(url):
            raise Silent(str(error)) from None
        return b"", str(error)[:200]
    except BadInput as error:
        return b"", str(error)


def _listed(folder: Path) -> dict[str, str]:
    """SIRET -> address of its logo, by the pages of the list as they came.  Raises BadInput where there are none."""
    pages = sorted((folder / "pages").rglob("*.json"))
    if not pages:
        raise BadInput(f"{folder} holds no list of structures: run `matcher sync siae` first")
    return {siret: url for path in pages for siret, url in _of_page(_read_json(path))}


def _of_page(page: object) -> Iterator[tuple[str, str]]:
    for row in page.get("results", ()) if isinstance(page, dict) else ():
        url = row.get("logo_url") if isinstance(row, dict) else None
        siret = digits(row.get("siret")) if url else ""
        if len(siret) == 14 and isinstance(url, str) and url.startswith(("http://", "https://")):
            yield siret, url.strip()
