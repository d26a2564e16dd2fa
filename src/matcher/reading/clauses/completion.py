"""A tender completed from its texts: fields take precedence, and contradictions between a field and the text are flagged."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from matcher.domain import Clause, Condition, Lot, Reservation, Tender
from matcher.reading.clauses import amounts, grammar
from matcher.reading.clauses.findings import Finding
from matcher.reading.clauses.reading import STEMS, Reading, merged, quote, read_all
from matcher.reading.clauses.sentences import pages

T = TypeVar("T")

BOX_AT_ODDS = "Case « réservé » cochée pour tout l'avis ; le texte ne réserve que d'autres lots"
BOX_OTHER = "La case cochée et le texte ne réservent pas aux mêmes structures ; le texte est suivi"
BOX_DENIED = "Case « réservé » cochée, mais le texte dit que ce n'est pas réservé"


def complete(tender: Tender, general: str = "", by_lot: Mapping[str, str] | None = None) -> Tender:
    """The tender, completed lot by lot with what its texts state beyond its fields.

    `general` is the text of the whole notice, `by_lot` that of each lot by its id.  A statement of the whole
    holds for every lot, or for those it names.
    """
    general = "\n".join(filter(None, (tender.title, general)))
    texts = {lot.id: (by_lot or {}).get(lot.id) or f"{lot.title}\n{lot.description}" for lot in tender.lots}
    ready = pages([*texts.values(), general], STEMS)
    *read, whole = read_all(ready)
    own = dict(zip(texts, read, strict=True))
    plain = {id: one.plain for id, one in zip(texts, ready, strict=False)}
    alone = [ready[-1].plain] if len(tender.lots) == 1 else []
    lots = [_completed(lot, own[lot.id], whole) for lot in tender.lots]
    lots = [amounts.completed(lot, plain[lot.id], *alone) for lot in lots]
    return replace(tender, lots=_contradicted(tender.lots, tuple(lots), own, whole))


def _number(lot: Lot) -> str:
    return re.sub(r"^(?:lot|n°)?\s*0*(?=\w)", "", lot.number.strip().lower()) or lot.number


def _holding(lot: Lot, own: Sequence[Finding[T]], whole: Sequence[Finding[T]]) -> list[T]:
    """Findings that apply to a lot: those of its own text, and those of the whole notice that name it or no lot."""
    if not (own or whole):
        return []
    number = _number(lot)
    return [one.what for one in (*own, *whole) if one.holds_for(number)]


def _completed(lot: Lot, own: Reading, whole: Reading) -> Lot:
    reservation = merged(_holding(lot, own.reservations, whole.reservations))
    clauses = [*lot.clauses, *_of_criteria(lot), *_holding(lot, own.clauses, whole.clauses)]
    stated = {one.code for one in lot.conditions if one.code in ("variants", "framework")}
    known = [one for one in _holding(lot, own.conditions, whole.conditions) if one.code not in stated]
    every = {(one.code, one.label): _on_one_line(one) for one in reversed([*lot.conditions, *known])}
    made = _with(lot, clauses=_distinct(clauses), conditions=tuple(every.values())[::-1])
    return _reserved(made, lot.reservation, reservation)


def _with(lot: Lot, **values: Any) -> Lot:
    """The lot with these values; itself where it has them, since a copy of its twenty fields takes time."""
    return (
        lot if all(getattr(lot, name) == value for name, value in values.items()) else replace(lot, **values)
    )


def _on_one_line(one: Condition) -> Condition:
    passage = " ".join(one.passage.split())
    return one if passage == one.passage else replace(one, passage=passage)


# ----------------------------------------------------------------------------------------- boxes and words


def _reserved(lot: Lot, box: Reservation | None, from_text: Reservation | None) -> Lot:
    """The lot as reserved by its field, with beneficiaries and article from the text; else by the text alone."""
    if box is None or from_text is None:
        return _with(lot, reservation=box or from_text)
    passage = f"{box.passage} — {from_text.passage}" if box.passage else from_text.passage
    articles = from_text.articles if from_text.articles or from_text.who else box.articles
    lot = replace(lot, reservation=replace(box, articles=articles, who=from_text.who, passage=passage))
    return lot if set(box.articles) <= set(articles) else _shown(lot, BOX_OTHER, passage)


def _contradicted(
    stated: tuple[Lot, ...], lots: tuple[Lot, ...], own: Mapping[str, Reading], whole: Reading
) -> tuple[Lot, ...]:
    """The lots where a field of the whole notice contradicts the text: text that names lots wins, and this is flagged."""
    box = stated[0].reservation if stated else None
    if box is None or any(lot.reservation != box for lot in stated):
        return lots
    naming = [one for one in whole.reservations if one.lots]
    named = [bool(_holding(lot, own[lot.id].reservations, naming)) for lot in lots]
    others = any(named) and len(naming) == len(whole.reservations)  # the text reserves some lots, not all
    made = []
    for lot, by_words in zip(lots, named, strict=True):
        denials = _holding(lot, own[lot.id].denials, whole.denials)
        if others and not by_words:
            lot = _shown(replace(lot, reservation=None), BOX_AT_ODDS, box.passage)
        elif denials and not by_words:
            lot = _shown(lot, BOX_DENIED, denials[0])
        made.append(lot)
    return tuple(made)


def _shown(lot: Lot, label: str, words: str) -> Lot:
    odd = Condition(code="reservation-unclear", label=label, passage=quote(words))
    return replace(lot, conditions=(*lot.conditions, odd))


# ------------------------------------------------------------------------------------------ social clauses


def _of_criteria(lot: Lot) -> Iterator[Clause]:
    """The award criteria of the form that are social."""
    for one in lot.criteria:
        if one.kind != "price" and grammar.social_name(one.name):
            stated = grammar.listed_weight(one.name.lower()) if one.weight is None else None
            weight, unit = stated or (one.weight, one.weight_unit)
            yield Clause(nature="criterion", weight=weight, weight_unit=unit, passage=one.name)


def _distinct(found: list[Clause]) -> tuple[Clause, ...]:
    """One clause per nature and origin, merged from all of that kind; objectives stay separate."""
    best: dict[tuple[str, str], Clause] = {}
    for one in found:
        key = (one.nature, one.passage if one.nature == "objective" and one.origin == "field" else one.origin)
        kept = best.setdefault(key, one)
        leads = one.hours is not None and kept.hours is None
        first, second = (one, kept) if leads else (kept, one)
        best[key] = replace(
            first,
            hours=first.hours or second.hours,
            share=first.share or second.share,
            weight=second.weight if first.weight is None else first.weight,
            weight_unit=second.weight_unit if first.weight is None else first.weight_unit,
        )
    fields = {one.nature for one in best.values() if one.origin == "field" and one.nature == "criterion"}
    return tuple(one for one in best.values() if one.origin == "field" or one.nature not in fields)
