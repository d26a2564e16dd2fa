"""French words for the facts of a digest, shared by its forms."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")
MONTHS = (
    "janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre",
    "décembre",
)  # fmt: skip
COLUMNS: tuple[tuple[str, str], ...] = (
    ("notice_id", "Avis"), ("lot", "Lot"), ("title", "Intitulé du lot"), ("notice_title", "Objet du marché"),
    ("buyer", "Acheteur"), ("place", "Lieu"), ("deadline", "Date limite"), ("reservation", "Réservation"),
    ("clauses", "Clauses et critères sociaux"), ("conditions", "À savoir"), ("alone", "Seule ou avec qui"), ("why", "Pourquoi vous"),
    ("documents_url", "Dossier"), ("url", "Avis en ligne"),
)  # fmt: skip


def day(iso: str | None) -> str:
    """ "5 mars 2026" of an ISO date or time; times are told in Paris time."""
    if not iso:
        return ""
    moment = datetime.fromisoformat(iso)
    if moment.tzinfo is not None:
        moment = moment.astimezone(PARIS)
    first = "1er" if moment.day == 1 else str(moment.day)
    return f"{first} {MONTHS[moment.month - 1]} {moment.year}"


def hour(iso: str | None) -> str:
    """ "à 12 h 00" where a time is stated, else nothing."""
    if not iso or "T" not in iso:
        return ""
    moment = datetime.fromisoformat(iso)
    moment = moment.astimezone(PARIS) if moment.tzinfo else moment
    return f"à {moment.hour} h {moment.minute:02d}" if (moment.hour, moment.minute) != (0, 0) else ""


def deadline(item: Mapping[str, Any]) -> str:
    if not item.get("deadline"):
        return "date limite non précisée : voir le dossier"
    return " ".join(part for part in (day(item["deadline"]), hour(item["deadline"])) if part)


def cells(item: Mapping[str, Any]) -> list[str]:
    """One row of a table, in the order of COLUMNS."""
    values = {**item, "deadline": deadline(item), "why": " ; ".join(item.get("reasons", ())),
              "conditions": " ; ".join(item.get("conditions", ()))}  # fmt: skip
    return [str(values.get(key) or "") for key, _ in COLUMNS]


@cache
def templates() -> Any:
    """The mail templates; everything that is filled in is escaped in HTML."""
    from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

    made = Environment(
        loader=PackageLoader("matcher", "digest_templates"),
        autoescape=select_autoescape(enabled_extensions=("html",), default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(day=day, deadline=deadline)
    return made
