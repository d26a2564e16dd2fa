"""`matcher read`: files, folders and archives to records, whatever their format."""

import sys
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from typer import Argument, Option

from matcher.codec import to_json
from matcher.console import emit, progress, say
from matcher.domain import Award, NoValidRecords, Rejected, Structure, Tender
from matcher.reading import files, inference, ocds
from matcher.reading.sources import _columns
from matcher.reference.text import shorten

#: Of a table, in order.
COLUMNS = "record id what who where cpv lots amount date reserved clauses".split()


def run(
    paths: list[Path] = Argument(..., help="Files, folders or archives (ZIP, tar, gzip)."),
    format: Annotated[
        Literal["table", "jsonl", "csv", "ocds"], Option("--format", "-f", help="Of the answer on stdout.")
    ] = "table",
    source: str | None = Option(None, "--source", "-s", help="Name the format instead of recognising it."),
    map: list[str] = Option([], "--map", help="field='heading' corrects a guess; or a saved profile."),
    infer: bool = Option(True, "--infer/--as-stated", help="Infer CPV codes that are missing."),
) -> None:
    """Read notices, structures and awards: one record per source record, lots nested, on stdout.

    The format is recognised by content.  Missing fields are inferred where the text allows it, and marked:
    "≈" before a CPV code in the table, `inferred` in the lots.  A rejected record is reported with its reason and counted in the summary,
    on stderr.  `ocds` writes notices and awards as a release package of the Open Contracting Data Standard 1.1.  Exit status: 0 if at least one record was valid, 2 if none.

    Examples:

    matcher read data/sample

    matcher read notices.zip --format jsonl > notices.jsonl

    matcher read data/sample --format ocds > releases.json

    matcher read annuaire.xlsx --source directory --map name='Raison sociale'
    """
    summary = files.Summary()
    found = files.read(paths, source=source, columns=_columns.pairs(map))
    records = summary.watch(inference.coded(found) if infer else found)
    good = (record for record in progress(records, "reading") if not isinstance(record, Rejected))
    if format == "ocds":
        sys.stdout.writelines(ocds.text(one for one in good if isinstance(one, Tender | Award)))
    else:
        columns = dict.fromkeys(COLUMNS)
        rows = (whole(record) if format == "jsonl" else columns | brief(record) for record in good)
        if first := next(rows, None):
            emit(chain([first], rows), format)
    for line in summary.lines():
        say(line)
    if not summary.good:
        if summary.internal_errors:
            raise typer.Exit(1)
        raise NoValidRecords("no record could be read; the reasons are above")


def whole(record: Any) -> dict[str, Any]:
    """The record as JSON, with the kind of record it is."""
    return {"record": type(record).__name__.lower(), **to_json(record)}


def brief(record: Any) -> dict[str, Any]:
    """One table row: type, owner, place, amount and date of the record."""
    named: tuple[str, str, str, str, str]
    if isinstance(record, Tender):
        amounts = [lot.amount for lot in record.lots if lot.amount is not None]
        places = (lot.places[0] for lot in record.lots if lot.places)
        departments = (p.department or p.nuts or p.label[:20] for p in places)
        codes = ("≈" * ("cpv" in lot.inferred) + lot.cpv[0] for lot in record.lots if lot.cpv)
        where = ", ".join(dict.fromkeys(departments))
        named = (record.nature, record.id, record.title, record.buyer.name, where)
        rest: dict[str, Any] = {
            "cpv": ", ".join(dict.fromkeys(codes)),
            "lots": len(record.lots),
            "amount": sum(amounts) if amounts else None,
            "reserved": sum(lot.reservation is not None for lot in record.lots) or None,
            "clauses": sum(bool(lot.clauses) for lot in record.lots) or None,
        }
        day = record.deadline.date() if record.deadline else record.published
    elif isinstance(record, Structure):
        titles = [offer.title for offer in record.offers]
        more = f" (+ {len(titles) - 1})" if len(titles) > 1 else ""
        what = shorten(titles[0], 60) + more if titles else record.description
        where = " ".join(filter(None, (record.place.department, record.place.label)))
        named, rest = (record.kind or "structure", record.siret, what, record.name, where), {}
        day = record.updated
    else:
        holders = ", ".join(holder.name or holder.id for holder in record.holders)
        named = ("award", record.uid, record.title, holders, record.place.department or record.place.label)
        rest = {"cpv": record.cpv or "", "amount": record.amount, "clauses": len(record.social) or None}
        day = record.notified
    row = dict(zip(("record", "id", "what", "who", "where"), named, strict=True))
    row |= {"what": shorten(row["what"], 70), "who": shorten(row["who"], 40)}
    return row | {"date": str(day or "")} | rest
