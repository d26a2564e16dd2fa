"""A sourcing record as CSV, XLSX and JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from matcher import codec
from matcher.console import inert
from matcher.outreach.sourcing.record import NOTE, Record, why

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet


COLUMNS: tuple[tuple[str, str], ...] = (
    ("lot_number", "Lot"), ("lot_title", "Intitulé du lot"), ("rank", "Ordre de présentation"), ("siret", "SIRET"), ("name", "Structure"),
    ("kind", "Type"), ("town", "Ville"), ("distance_km", "Distance (km)"), ("band", "Proximité avec le besoin"), ("why", "Raisons"),
    ("missing", "Non connu"), ("warnings", "Alertes"), ("phone", "Téléphone"), ("email", "Courriel"), ("website", "Site"),
    ("source", "Source"), ("updated", "Mise à jour"), ("contacted", "Contactée le"), ("answer", "Réponse"),
)  # fmt: skip


def rows(record: Record) -> Iterable[dict[str, Any]]:
    """One row for each line of each lot, with contact and answer."""
    asked = {e.siret: e.at for e in record.events if e.kind == "contacted" and e.siret}
    said = {
        e.siret: (e.payload or {}).get("text", "") for e in record.events if e.kind == "answered" and e.siret
    }
    for lot in record.lots:
        for event in record.lines(lot["id"]):
            facts = dict(event.payload or {"name": "(ligne effacée à la demande de la personne)"})
            facts |= {
                "lot_number": lot["number"], "lot_title": lot["title"], "siret": event.siret, "why": " ; ".join(why(facts, 6)),
                "missing": " ; ".join(facts.get("missing", [])), "warnings": " ; ".join(facts.get("warnings", [])),
                "contacted": f"{asked[event.siret]:%d/%m/%Y}" if event.siret in asked else "", "answer": said.get(event.siret, ""),
            }  # fmt: skip
            yield {name: facts.get(name) for name, _ in COLUMNS}


def to_csv(record: Record) -> bytes:
    """The list for a spreadsheet: UTF-8 with mark, semicolons; no cell is a formula."""
    sink = io.StringIO()
    writer = csv.writer(sink, delimiter=";", lineterminator="\r\n")
    writer.writerow([f"Sourcing du {record.created_at:%d/%m/%Y}", inert(record.tender.title), NOTE])
    writer.writerow([heading for _, heading in COLUMNS])
    writer.writerows([[inert(row[name]) for name, _ in COLUMNS] for row in rows(record)])
    return b"\xef\xbb\xbf" + sink.getvalue().encode()


def to_xlsx(record: Record) -> bytes:
    """The same as a workbook: the list, and a sheet that says what made it."""
    from openpyxl import Workbook
    from openpyxl.styles import Alignment, Font

    book = Workbook()
    sheet: Worksheet = book.active
    sheet.title = "Structures"
    _row(sheet, [heading for _, heading in COLUMNS])
    for row in rows(record):
        _row(sheet, [row[name] for name, _ in COLUMNS])
    for cell in sheet[1]:
        cell.font = Font(bold=True)
    for index, width in enumerate(
        (6, 30, 10, 17, 32, 8, 18, 10, 16, 60, 30, 30, 16, 30, 30, 18, 12, 14, 40), 1
    ):
        sheet.column_dimensions[sheet.cell(1, index).column_letter].width = width
    for line in sheet.iter_rows(min_row=2, max_row=2_000):
        for cell in line:
            cell.alignment = Alignment(wrap_text=True, vertical="top")
    sheet.freeze_panes = "F2"
    about: Worksheet = book.create_sheet("Fiche")
    for name, value in (
        ("Besoin", record.tender.title), ("Description", record.tender.lots[0].description if record.tender.lots else ""), ("Date", f"{record.created_at:%d/%m/%Y %H:%M} UTC"),
        ("Filtres", json.dumps(codec.to_json(record.filters), ensure_ascii=False)), ("Versions", json.dumps(dict(record.versions), ensure_ascii=False)),
        ("Sceau", record.seal), ("Mention", NOTE),
    ):  # fmt: skip
        _row(about, [name, value])
    about.column_dimensions["A"].width, about.column_dimensions["B"].width = 16, 100
    sink = io.BytesIO()
    book.save(sink)
    return sink.getvalue()


def _row(sheet: Worksheet, values: Sequence[Any]) -> None:
    """A row whose texts stay texts: openpyxl makes a formula of any text that begins with '='."""
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    sheet.append([ILLEGAL_CHARACTERS_RE.sub("", v)[:32_000] if isinstance(v, str) else v for v in values])
    for cell in sheet[sheet.max_row]:
        if isinstance(cell.value, str):
            cell.data_type = "s"
            cell.quotePrefix = cell.value[:1] in "=+-@"


def to_json(record: Record) -> dict[str, Any]:
    """Everything, events and seals included."""
    data: dict[str, Any] = codec.to_json(record)
    return data | {"seal": record.seal, "note": NOTE}
