"""Award data (DECP) as published."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from matcher.reading.sync._client import Client, Report, Unreachable, _save, _state, address, client_of


def decp(folder: Path, client: Client | None = None) -> Report:
    """The consolidated awards as one file, fetched only when it has changed; its format is recognised by its first bytes."""
    report = Report("decp", folder)
    url = address("decp")
    with _state(folder) as state, client or client_of("decp") as http:
        known = state if (folder / str(state.get("file", "-"))).exists() and state.get("url") == url else {}
        validators = http.download(
            url, folder / "decp.download", {k: str(known.get(k, "")) for k in ("etag", "last-modified")}
        )
        report.requests = http.requests
        if validators is None:
            report.unchanged += 1
            return report
        fetched = folder / "decp.download"
        with fetched.open("rb") as stream:
            suffix = _suffix(stream.read(64))
        target = folder / f"decp{suffix}"
        fetched.replace(target)
        for other in folder.glob("decp.*"):
            if other != target:
                other.unlink()
        _save(
            folder,
            {**validators, "url": url, "file": target.name, "fetched": datetime.now(UTC).date().isoformat()},
        )
        report.pages = 1
    return report


def _suffix(head: bytes) -> str:
    start = head.lstrip(b"\xef\xbb\xbf \r\n\t")
    if start[:1] == b"<":
        raise Unreachable(
            "the DECP address answered with a web page: it may have changed; set MATCHER_DECP_URL"
        )
    if head.startswith(b"PAR1"):
        return ".parquet"
    if head.startswith(b"\x1f\x8b"):
        return ".json.gz"
    return ".json" if start[:1] in (b"{", b"[") else ".csv"
