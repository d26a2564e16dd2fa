"""French words for the facts of a digest, shared by its forms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from matcher.reference.french import PARIS, long_day

COLUMNS: tuple[tuple[str, str], ...] = (
    ("notice_id", "Avis"), ("lot", "Lot"), ("title", "Intitulé du lot"), ("notice_title", "Objet du marché"),
    ("buyer", "Acheteur"), ("place", "Lieu"), ("amount", "Montant"), ("duration", "Durée"), ("deadline", "Date limite"), ("procedure", "Procédure"),
    ("limits", "Limite"), ("contact", "Contact"), ("reservation", "Réservation"),
    ("clauses", "Clauses et critères sociaux"), ("conditions", "À savoir"), ("alone", "Seule ou avec qui"), ("why", "Pourquoi vous"),
    ("documents_url", "Dossier"), ("url", "Avis en ligne"),
)  # fmt: skip


DEADLINE = [name for name, _ in COLUMNS].index("deadline")


def day(iso: str | None) -> str:
    """ "5 mars 2026" of an ISO date or time, in Paris time; "" for none."""
    return long_day(_paris(iso)) if iso else ""


def hour(iso: str | None) -> str:
    """ "à 12 h 00" where a time is stated, else nothing."""
    if not iso or "T" not in iso:
        return ""
    moment = _paris(iso)
    return f"à {moment.hour} h {moment.minute:02d}" if (moment.hour, moment.minute) != (0, 0) else ""


def _paris(iso: str) -> datetime:
    moment = datetime.fromisoformat(iso)
    return moment.astimezone(PARIS) if moment.tzinfo else moment


def deadline(item: Mapping[str, Any]) -> str:
    if not item.get("deadline"):
        return "date limite non précisée : voir le dossier"
    return f"{day(item['deadline'])} {hour(item['deadline']) or '(heure non précisée)'}"


def facts(item: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What every form says of a lot, in order: (label, value)."""
    due = "Date annoncée" if item.get("prior") else "Réponse avant"
    yield "Acheteur", item["buyer"] or "non précisé"
    yield "Où", item["place"] or "lieu non précisé"
    yield "Montant", item["amount"]
    if item.get("duration"):
        yield "Durée", item["duration"]
    if item["deadline"] or not item.get("prior"):
        yield due, deadline(item)
    for name, label in (
        ("procedure", "Procédure"),
        ("limits", "Limite"),
        ("contact", "Contact de l'acheteur"),
    ):
        if item.get(name):
            yield label, item[name]
    if item.get("facilitators"):
        yield "Facilitateur de la clause", " ; ".join(item["facilitators"])


def tags(item: Mapping[str, Any]) -> Iterator[str]:
    """What stands above a lot: that it changed, that it is over, that it is not open yet."""
    if item.get("prior"):
        yield "Avis de préinformation : il n'y a rien à remettre encore"
    if item["kind"] == "correction":
        yield "Avis modifié : " + " ; ".join(item["changes"])
    elif item["kind"] == "cancellation":
        yield "Lot annulé ou déclaré sans suite"
    elif item["kind"] == "wave":
        yield (
            "Un acheteur prépare un besoin et souhaite connaître les structures intéressées. Besoin non publié : merci de le "
            "garder confidentiel"
        )


#: What a lot of a card says by itself where it differs from the first.
APART = ("changes", "reservation", "clauses", "conditions", "alone")
MOST_LOTS = 10  # of a card, one by one


Card = list[tuple[int, Mapping[str, Any]]]  # the items of a card with their numbers, from 1 on


def cards(items: Sequence[Mapping[str, Any]]) -> list[Card]:
    """The items with their numbers, one card for each notice and kind of news."""
    found: dict[tuple[str, str], Card] = {}
    for number, item in enumerate(items, 1):
        found.setdefault((item["notice_id"], item["kind"]), []).append((number, item))
    return list(found.values())


def apart(item: Mapping[str, Any], first: Mapping[str, Any]) -> Iterator[str]:
    """What a further lot of a card says otherwise than its first."""
    if item["title"] not in (first["title"], item["notice_title"]):
        yield item["title"]
    if item["text"] and item["text"] != first["text"]:
        yield item["text"]
    yield item["place"] or "lieu non précisé"
    yield item["amount"]
    if item["deadline"] != first["deadline"]:
        yield f"avant : {deadline(item)}"
    for name in APART:
        if item[name] and item[name] != first[name]:
            yield item[name] if isinstance(item[name], str) else " ; ".join(item[name])


def table(content: Mapping[str, Any], *, typed: bool = False) -> Iterator[list[Any]]:
    """A heading, then a row for each lot, in the order of COLUMNS; `typed` keeps a date limit as a time of Paris."""
    yield [label for _, label in COLUMNS]
    for item in content["items"]:
        cells: list[Any] = _cells(item)
        if typed and item.get("deadline"):
            cells[DEADLINE] = _paris(item["deadline"]).replace(tzinfo=None)
        yield cells


def _cells(item: Mapping[str, Any]) -> list[str]:
    values = {**item, "deadline": deadline(item), "why": " ; ".join(item.get("reasons", ())),
              "conditions": " ; ".join(item.get("conditions", ()))}  # fmt: skip
    return [str(values.get(key) or "") for key, _ in COLUMNS]


@cache
def templates() -> Any:
    """The mail templates; everything that is filled in is escaped in HTML."""
    from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

    made = Environment(
        loader=PackageLoader("matcher.outreach", "digest_templates"),
        autoescape=select_autoescape(enabled_extensions=("html",), default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(
        day=day, deadline=deadline, cards=cards, facts=facts, tags=tags, apart=apart, most=MOST_LOTS
    )
    return made
