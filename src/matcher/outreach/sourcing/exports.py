"""A sourcing record as CSV, XLSX and JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from matcher import codec
from matcher.outreach import spreadsheet
from matcher.outreach.sourcing.record import NOTE, Record, why

#: Field, heading, width in characters.
COLUMNS: tuple[tuple[str, str, int], ...] = (
    ("lot_number", "Lot", 6), ("lot_title", "Intitulé du lot", 30), ("rank", "Ordre de présentation", 10), ("siret", "SIRET", 17),
    ("name", "Structure", 32), ("kind", "Type", 8), ("town", "Ville", 18), ("distance_km", "Distance (km)", 10),
    ("band", "Proximité avec le besoin", 16), ("why", "Raisons", 60), ("missing", "Non connu", 30), ("warnings", "Alertes", 30),
    ("phone", "Téléphone", 16), ("email", "Courriel", 30), ("website", "Site", 30), ("source", "Source", 18),
    ("updated", "Mise à jour", 12), ("contacted", "Contactée le", 14), ("answer", "Réponse", 40),
)  # fmt: skip


def rows(record: Record) -> Iterator[dict[str, Any]]:
    """One row for each line of each lot, with contact and answer."""
    asked = {e.siret: e.at for e in record.events if e.kind == "contacted" and e.siret}
    answers = {
        e.siret: (e.payload or {}).get("text", "") for e in record.events if e.kind == "answered" and e.siret
    }
    for lot in record.lots:
        for event in record.lines(lot["id"]):
            facts = dict(event.payload or {"name": "(ligne effacée à la demande de la personne)"})
            facts |= {
                "lot_number": lot["number"], "lot_title": lot["title"], "siret": event.siret, "why": " ; ".join(why(facts, 6)),
                "missing": " ; ".join(facts.get("missing", [])), "warnings": " ; ".join(facts.get("warnings", [])),
                "contacted": f"{asked[event.siret]:%d/%m/%Y}" if event.siret in asked else "", "answer": answers.get(event.siret, ""),
            }  # fmt: skip
            yield {name: facts.get(name) for name, _, _ in COLUMNS}


def _table(record: Record) -> Iterator[list[Any]]:
    yield [heading for _, heading, _ in COLUMNS]
    yield from (list(row.values()) for row in rows(record))


def to_csv(record: Record) -> bytes:
    """The list for a spreadsheet, under a line that says what it is."""
    title = [f"Sourcing du {record.created_at:%d/%m/%Y}", record.tender.title, NOTE]
    return spreadsheet.to_csv([title, *_table(record)])


def to_xlsx(record: Record) -> bytes:
    """The same as a workbook: the list, and a sheet that says what made it."""
    listed = spreadsheet.Sheet(
        title="Structures", rows=_table(record), widths=[width for _, _, width in COLUMNS], frozen="F2"
    )
    facts = [
        ("Besoin", record.tender.title), ("Description", record.tender.lots[0].description if record.tender.lots else ""), ("Date", f"{record.created_at:%d/%m/%Y %H:%M} UTC"),
        ("Filtres", json.dumps(codec.to_json(record.filters), ensure_ascii=False)), ("Versions", json.dumps(dict(record.versions), ensure_ascii=False)),
        ("Sceau", record.seal), ("Mention", NOTE),
    ]  # fmt: skip
    return spreadsheet.to_xlsx(
        listed, spreadsheet.Sheet(title="Fiche", rows=facts, widths=(16, 100), heading=False)
    )


def to_json(record: Record) -> dict[str, Any]:
    """Everything, events and seals included."""
    data: dict[str, Any] = codec.to_json(record)
    return data | {"seal": record.seal, "note": NOTE}


def _json_text(record: Record) -> bytes:
    return json.dumps(to_json(record), ensure_ascii=False, indent=1).encode()


#: Format -> what writes a record in it, and its media type.
FORMATS: dict[str, tuple[Callable[[Record], bytes], str]] = {
    "csv": (to_csv, spreadsheet.CSV),
    "xlsx": (to_xlsx, spreadsheet.XLSX),
    "json": (_json_text, "application/json"),
}
