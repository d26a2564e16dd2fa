"""A free-text need of a buyer as a tender, with places, lots, reservations and clauses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from matcher.domain import BadInput, Buyer, Lot, Place, Tender
from matcher.learned import asks
from matcher.reading import consultation
from matcher.reference import places, typed_places
from matcher.reference.text import clean


@lru_cache(8192)
def communes(name: str, department: str | None = None, limit: int = 8) -> tuple[places.Commune, ...]:
    """`reference.search_commune`, cached: it scans every commune of the country."""
    return places.search_commune(name, department, limit)


def spot(need: str) -> tuple[Place, ...]:
    """The places that the words of a need name ("à Pantin", "(92)"), marked as inferred; none where it names none.

    None of a whole consultation, which `typed_need` places.  Raises Homonyms where a name is plainly the place and several communes bear it.
    """
    return () if consultation.states(need) else typed_places.mentioned(need)


def numbered_lots(need: str, tender: Tender) -> tuple[tuple[Lot, ...], str]:
    """The lots that the words of a need number themselves, and the words outside them; no lots where fewer than two."""
    named, rest = consultation.lots_in(need)
    return tuple(
        replace(tender.lots[0], id=f"need-{one.number}", number=one.number, title=one.title, description=one.detail[:20_000])
        for one in named
    ), rest  # fmt: skip


def several_needs(tender: Tender) -> tuple[Lot, ...]:
    """The needs of a typed text, one lot per trade required; empty where it requires one.

    Each lot keeps the places, the reservation and the clauses of the whole.
    """
    (lot,) = tender.lots
    words = lot.description or lot.title
    parts = sorted(asks.of_lot(lot, tender).several, key=lambda part: words.find(part.words.split(", ")[0]))
    return tuple(
        replace(
            lot,
            id=f"need-{number}",
            number=str(number),
            title=part.words,
            description="",
            trades=(part.trade,),
        )
        for number, part in enumerate(parts, 1)
    )


def with_clauses(tender: Tender, general: str = "") -> Tender:
    """Reservations and clauses required in the text of a need, `general` what it says outside its lots."""
    from matcher.reading import clauses

    return clauses.complete(tender, general)


def typed_need(need: str, where: Sequence[Place] = (), *, whole: bool = False) -> Tender:
    """A typed need at these places, with the lots, reservations and clauses stated in its text.

    A whole consultation pasted in is read as one uploaded is.  Unless it is one `whole`, a text that numbers no lots has
    a lot for each trade that it asks for.

    Raises BadInput as `free_text_tender`.
    """
    tender = free_text_tender(need, where)
    if consultation.states(need):
        made = consultation.tender_of(need)
        given = tender.lots[0].places
        lots = tuple(replace(one, id=f"need-{one.number}", places=given or one.places) for one in made.lots)
        return replace(made, id="need", format="need", lots=lots)
    lots, rest = ((), need) if whole else numbered_lots(need, tender)
    tender = with_clauses(replace(tender, lots=lots), rest) if lots else with_clauses(tender)
    return tender if lots or whole else replace(tender, lots=several_needs(tender) or tender.lots)


def free_text_tender(
    text: str, place: Place | Sequence[Place] | None = None, buyer: Buyer | None = None
) -> Tender:
    """A need typed by a buyer, as a tender of one lot, at one place or at several.  Raises BadInput when it says nothing, or far too much."""
    words = clean(text)
    if not any(char.isalpha() for char in words):
        raise BadInput("the need is empty: say in a few words what is to be done, and where")
    if len(text) > 1_000_000:
        raise BadInput(
            "the need is over a million characters: give the description of the lots, not the whole file"
        )
    title = words if len(words) <= 120 else words[:120].rsplit(" ", 1)[0] + "…"
    where = (place,) if isinstance(place, Place) else tuple(place or ())
    lot = Lot(id="need-1", title=title, description=words[:20_000] if len(words) > 120 else "", places=where)
    return Tender(id="need", format="need", title=title, buyer=buyer or Buyer(), lots=(lot,))
