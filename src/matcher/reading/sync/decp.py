"""Award data (DECP) as published."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path

from matcher.reading.sync._client import Report, Unreachable, address, run
from matcher.reading.sync._pages import Listing, listed, paged

#: Rows of the consolidated file by data.gouv.fr's tabular API: one a holder and a modification, 200 a page.
ROWS = Listing(
    "data", "meta.total", paged("page_size", 200), ("uid", "titulaire_id", "modification_id", "__id")
)


def decp(folder: Path) -> Report:
    """The consolidated awards as one file, fetched only when it has changed; its format is recognised by its first bytes."""
    url = address("decp")
    with run("decp", folder) as work:
        state, report = work.state, work.report
        known = state if (folder / str(state.get("file", "-"))).exists() and state.get("url") == url else {}
        validators = work.http.download(url, fetched := folder / "decp.download", known)
        if validators is None:
            report.unchanged += 1
            return report
        with fetched.open("rb") as stream:
            suffix = _suffix(stream.read(64))
        target = folder / f"decp{suffix}"
        fetched.replace(target)
        for other in folder.glob("decp.*"):
            if other != target:
                other.unlink()
        fetched_on = datetime.now(UTC).date().isoformat()
        work.state = {**validators, "url": url, "file": target.name, "fetched": fetched_on}
        work.save()
        report.pages = 1
    return report


def rows(
    folder: Path, departments: Iterable[str] = (), since: date | None = None, accept_fewer: bool = False
) -> Report:
    """The awards of the buyers of some departments, since a day, row by row instead of the whole file."""
    with listed("decp", folder, accept_fewer, publisher="decp-rows") as lists:
        for code in list(departments) or [""]:
            question = {"acheteur_departement_code__exact": code} if code else {}
            if since:
                question["dateNotification__greater"] = since.isoformat()
            key = "_".join(filter(None, (code or "all", since.isoformat() if since else "")))
            lists.read(key, address("decp-rows"), ROWS, question)
    return lists.report


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
