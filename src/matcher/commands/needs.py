"""`matcher needs`: what each lot of a notice, or a typed need, asks for."""

from typing import Annotated, Any

from typer import Argument, Option

from matcher import codec
from matcher.commands._options import Files, Output
from matcher.console import emit, say
from matcher.domain import Asked, BadInput, NoValidRecords, Rejected
from matcher.lab import leads
from matcher.learned import asks
from matcher.reading.need import placed_need


def run(
    files: Annotated[Files, Argument(help="Notices, or queries as for `matcher rank`.")] = None,
    need: Annotated[str, Option(help="A typed need, in place of files.")] = "",
    place: Annotated[str, Option(help="Where: a commune, a postcode or a department.")] = "",
    format: Output = "table",
) -> None:
    """Print what each lot asks for: trades with their shares, nature, who could carry it, who answers, places, parts.

    \b
    matcher needs data/sample/boamp_page_1.json
    matcher needs --need "entretien des espaces verts et nettoyage des vitres à Nanterre"
    matcher needs notices/ --format jsonl
    """
    if bool(need) == bool(files):
        raise BadInput("one thing is read: give files of notices, or --need with a text")
    rejected: list[Rejected] = []
    typed = [("", placed_need(need, place, whole=True))] if need else ()
    tenders = typed or leads.tenders(files or (), rejected)
    rows = [_row(name or read.lot, read) for name, tender in tenders for read in asks.read(tender)]
    say(*(f"set aside {bad.record}: {bad.reason}" for bad in rejected[:20]))
    if not rows:
        raise NoValidRecords("no lot was read: give notices, a file of queries, or --need")
    if format != "jsonl":
        for row in rows:
            several = len(row["parts"]) > 1
            row["trades"] = ", ".join(f"{name} {share:.0%}" for name, share in row["trades"].items())
            row["places"] = ", ".join(row["places"])
            row["parts"] = " | ".join(part["words"] for part in row["parts"]) if several else ""
    emit(rows, format, "What is asked for")


def _row(name: str, read: Asked) -> dict[str, Any]:
    places = [p.label or p.commune or p.department or p.region or "" for p in read.places]
    parts = [{"trade": part.trade, "words": part.words, "share": round(part.share, 3)} for part in read.parts]
    row = {"lot": name, "trades": {trade: round(share, 3) for trade, share in read.trades.items()}}
    return row | codec.flat(read, "nature, carried, served") | {"places": places, "parts": parts}
