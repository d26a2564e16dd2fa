"""A sourcing record as CSV, XLSX and JSON."""

import json
from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Any

from matcher import codec, spreadsheet
from matcher.outreach.sourcing.record import NOTE, STEPS, Record, Step, filters_in_words, steps, why
from matcher.reference.naming import as_written

#: Field, heading, width in characters.
COLUMNS: tuple[tuple[str, str, int], ...] = (
    ("lot_number", "Lot", 6), ("lot_title", "Intitulé du lot", 30), ("rank", "Ordre de présentation", 10),
    ("siret", "SIRET", 17), ("name", "Structure", 32), ("kind", "Type", 8), ("town", "Ville", 18),
    ("distance_km", "Distance (km)", 10), ("band", "À faire", 14), ("why", "Raisons", 60),
    ("missing", "Non connu", 30), ("warnings", "Alertes", 30), ("phone", "Téléphone", 16),
    ("email", "Courriel", 30), ("website", "Site", 30), ("source", "Source", 18),
    ("updated", "Mise à jour", 12), ("prepared", "Message préparé le", 14), ("sent", "Envoyé le", 14),
    ("state", "Suivi", 24), ("answered", "Réponse le", 14), ("answer", "Réponse", 40), ("notes", "Notes", 50),
    ("next", "Prochaine étape", 24), ("due", "Le", 12),
)  # fmt: skip


def rows(record: Record, *, firms: bool = False) -> Iterator[dict[str, Any]]:
    """One row for each structure of each lot, with what happened with it.

    Ordinary firms that are not proposed are no structures: they are left out, or alone with `firms`.
    """
    happened = steps(record)
    for lot in record.lots:
        for event in record.lines(lot["id"]):
            erased = {"name": "(ligne effacée à la demande de la personne)", "kind": "?"}
            facts = dict(event.payload or erased)
            facts["name"] = as_written(str(facts.get("name") or ""))
            ordinary = not facts.get("kind") and facts.get("band") not in ("à appeler", "à vérifier")
            if ordinary is not firms:
                continue
            own = happened.get(event.siret, ())
            by_kind, notes = {step.kind: step for step in own}, [s for s in own if s.kind in NOTED]
            last = next(reversed(by_kind.values()), None)
            prepared = by_kind.get("prepared", by_kind.get("contacted"))
            sent, answer = by_kind.get("sent"), by_kind.get("answered")
            facts |= {
                "lot_number": lot["number"],
                "lot_title": lot["title"],
                "siret": event.siret,
                "why": " ; ".join(why(facts, 6)),
                "missing": " ; ".join(facts.get("missing", [])),
                "warnings": " ; ".join(facts.get("warnings", [])),
                "updated": _day(facts.get("updated")),
                "prepared": _day(prepared and prepared.at),
                "sent": _day(sent and sent.at),
                "state": STEPS[last.kind] if last else "",
                "answered": _day(answer and answer.at),
                "answer": answer.payload.get("text", "") if answer else "",
                "notes": " ; ".join(map(noted, notes)),
                "next": last.payload.get("next", "") if last else "",
                "due": _day(last and last.payload.get("due")),
            }
            yield {name: facts.get(name) for name, _, _ in COLUMNS}


NOTED = ("called", "met", "noted", "aside", "promoted")


def noted(step: Step) -> str:
    """What a buyer noted, in one line: what happened, when, with whom, what was said."""
    who = f" ({step.payload['who']})" if step.payload.get("who") else ""
    text = f" : {step.payload['text']}" if step.payload.get("text") else ""
    return f"{STEPS[step.kind]} le {step.at:%d/%m/%Y}{who}{text}"


def _day(value: Any) -> date | None:
    """The day of a moment, or of an ISO text."""
    if isinstance(value, datetime):
        return value.date()
    return date.fromisoformat(value) if value else None


def _table(record: Record, firms: bool = False) -> Iterator[list[Any]]:
    yield [heading for _, heading, _ in COLUMNS]
    yield from (list(row.values()) for row in rows(record, firms=firms))


def to_csv(record: Record) -> bytes:
    """The list for a spreadsheet: the header first, days as they are written in French."""
    days = ([f"{v:%d/%m/%Y}" if isinstance(v, date) else v for v in row] for row in _table(record))
    return spreadsheet.to_csv(days)


def to_xlsx(record: Record) -> bytes:
    """The same as a workbook: the list, the ordinary firms apart, and a sheet that says what made it."""
    widths = [width for _, _, width in COLUMNS]
    listed, firms = (
        spreadsheet.Sheet(title=title, rows=_table(record, of), widths=widths, frozen="F2", filtered=True)
        for title, of in (("Structures", False), ("Autres entreprises", True))
    )
    facts = [
        ("Besoin", record.tender.title),
        ("Description", record.tender.lots[0].description if record.tender.lots else ""),
        ("Date", record.created_at.replace(tzinfo=None)),
        ("Filtres", " ; ".join(filters_in_words(record.filters)) or "aucun"),
        *((f"Version : {name}", value) for name, value in record.versions.items()),
        ("Sceau", record.seal),
        ("Mention", NOTE),
    ]
    about = spreadsheet.Sheet(title="Fiche", rows=facts, widths=(20, 100), heading=False)
    return spreadsheet.to_xlsx(listed, firms, about)


def to_json(record: Record) -> dict[str, Any]:
    """Everything, events and seals included."""
    data: dict[str, Any] = codec.to_json(record)
    return data | {"seal": record.seal, "note": NOTE}


#: Format -> what writes a record in it, and its media type.
FORMATS: dict[str, tuple[Callable[[Record], bytes], str]] = {
    "csv": (to_csv, spreadsheet.CSV),
    "xlsx": (to_xlsx, spreadsheet.XLSX),
    "json": (lambda r: json.dumps(to_json(r), ensure_ascii=False, indent=1).encode(), "application/json"),
}
