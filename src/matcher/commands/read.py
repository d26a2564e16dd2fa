"""`matcher read`: files, folders and archives to records, whatever their format."""

from __future__ import annotations

import sys
from itertools import chain
from pathlib import Path
from typing import Annotated, Any

import typer

from matcher.console import check_format, emit, progress, say
from matcher.domain import Award, NoValidRecords, Rejected, Structure, Tender

#: Of a table, in order.
COLUMNS = "record id what who where cpv lots amount date reserved clauses".split()


def _format(name: str) -> str:
    return name if name == "ocds" else check_format(name)


def run(
    paths: list[Path] = typer.Argument(..., help="Files, folders or archives (ZIP, tar, gzip)."),
    format: Annotated[
        str, typer.Option("--format", "-f", help="table, jsonl, csv or ocds.", callback=_format)
    ] = "table",
    source: str | None = typer.Option(
        None, "--source", "-s", help="Name the format instead of recognising it."
    ),
    map: list[str] = typer.Option(
        [], "--map", help="Correct a column that was guessed: --map siret='N° SIRET'; or a saved profile."
    ),
    infer: bool = typer.Option(
        True, "--infer/--as-stated", help="Give lots without a CPV code the likeliest ones, marked inferred."
    ),
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
    from matcher.reading import files, inference, ocds
    from matcher.reading.sources import _columns

    summary = files.Summary()
    found = files.read(paths, source=source, columns=_columns.pairs(map))
    records = summary.watch(inference.coded(found) if infer else found)
    good = (record for record in progress(records, "reading") if not isinstance(record, Rejected))
    if format == "ocds":
        sys.stdout.writelines(ocds.text(one for one in good if isinstance(one, Tender | Award)))
    columns = dict.fromkeys(COLUMNS)
    rows = (whole(record) if format == "jsonl" else columns | brief(record) for record in good)
    first = next(rows, None)
    if first is not None:
        emit(chain([first], rows), format)
    for line in summary.lines():
        say(line)
    if not summary.good:
        if summary.internal_errors:
            raise typer.Exit(1)
        raise NoValidRecords("no record could be read; the reasons are above")


def whole(record: Any) -> dict[str, Any]:
    """The record as JSON, with the kind of record it is."""
    from matcher.codec import to_json

    return {"record": type(record).__name__.lower(), **to_json(record)}


def brief(record: Any) -> dict[str, Any]:
    """One table row: type, owner, place, amount and date of the record."""
    from matcher.reference.text import shorten

    if isinstance(record, Tender):
        amounts = [lot.amount for lot in record.lots if lot.amount is not None]
        places = (lot.places[0] for lot in record.lots if lot.places)
        return {
            "record": record.nature,
            "id": record.id,
            "what": shorten(record.title, 70),
            "who": shorten(record.buyer.name, 40),
            "where": ", ".join(dict.fromkeys(p.department or p.nuts or p.label[:20] for p in places)),
            "cpv": ", ".join(
                dict.fromkeys("≈" * ("cpv" in lot.inferred) + lot.cpv[0] for lot in record.lots if lot.cpv)
            ),
            "lots": len(record.lots),
            "amount": sum(amounts) if amounts else None,
            "date": str(record.deadline.date() if record.deadline else record.published or ""),
            "reserved": sum(lot.reservation is not None for lot in record.lots) or None,
            "clauses": sum(bool(lot.clauses) for lot in record.lots) or None,
        }
    if isinstance(record, Structure):
        return {
            "record": record.kind or "structure",
            "id": record.siret,
            "what": shorten(record.offers[0].title if record.offers else record.description, 70),
            "who": shorten(record.name, 40),
            "where": " ".join(filter(None, (record.place.department, record.place.label))),
            "date": str(record.updated or ""),
        }
    return {
        "record": "award",
        "id": record.uid,
        "what": shorten(record.title, 70),
        "who": shorten(", ".join(holder.name or holder.id for holder in record.holders), 40),
        "where": record.place.department or record.place.label,
        "cpv": record.cpv or "",
        "amount": record.amount,
        "date": str(record.notified or ""),
        "clauses": len(record.social) or None,
    }
