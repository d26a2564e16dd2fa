"""A tender completed from its texts: fields take precedence, and contradictions between a field and the text are flagged."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import chain

from matcher.domain import AWARDED, Clause, Condition, Lot, Tender
from matcher.reading import criteria, terms
from matcher.reading.clauses import grammar
from matcher.reading.clauses.reading import QUOTED, STEMS, Reading, read_all
from matcher.reading.clauses.sentences import Page, pages
from matcher.reading.procedure import lot_number
from matcher.reading.sources import _facts as facts
from matcher.reference import toponyms
from matcher.reference.prose import folded
from matcher.reference.text import shorten

BOX_AT_ODDS = "Case « réservé » cochée pour tout l'avis ; le texte ne réserve que d'autres lots"
BOX_OTHER = "La case cochée et le texte ne réservent pas aux mêmes structures ; le texte est suivi"
BOX_DENIED = "Case « réservé » cochée, mais le texte dit que ce n'est pas réservé"


def complete(tender: Tender, general: str = "", by_lot: Mapping[str, str] | None = None) -> Tender:
    """The tender, completed lot by lot with what its texts state beyond its fields.

    `general` is the text of the whole notice, `by_lot` that of each lot by its id.  A statement of the whole
    holds for every lot, or for those it names.
    """
    general = "\n".join(filter(None, (tender.title, general)))
    texts = [(by_lot or {}).get(lot.id) or f"{lot.title}\n{lot.description}" for lot in tender.lots]
    *own, last = ready = pages([*texts, general], STEMS)
    *read, whole = read_all(ready)
    only = tender.format == "need" and len(own) == 1  # "lot 3 réservé EA/ESAT" is then all that is needed
    numbers = ["" if only else lot_number(lot.number) for lot in tender.lots]
    held = [said.of_lot(number, whole) for number, said in zip(numbers, read, strict=True)]
    lots = [
        _completed(lot, here, page, last, len(own) == 1, tender.nature in AWARDED)
        for lot, here, page in zip(tender.lots, held, own, strict=True)
    ]
    ticked = tender.lots[0].reservation if tender.lots else None
    if ticked and all(lot.reservation == ticked for lot in tender.lots):  # the box is the whole notice's
        named = [
            any(one.lots or one in said.reservations for one in here.reservations)
            for said, here in zip(read, held, strict=True)
        ]
        others = any(named) and all(one.lots for one in whole.reservations)
        lots = [
            lot if words else _contradicted(lot, here, others)
            for lot, here, words in zip(lots, held, named, strict=True)
        ]
    if len(lots) == 1 and lots[0].title == tender.title and lots[0].number == "1":
        sole = terms.sole_lot(tender.title, f"{own[0].text}\n{last.text}")
        lots = [replace(lots[0], number=sole[0], title=sole[1])] if sole else lots
    limits = (terms.lots_per_winner(page.plain) for page in (last, *own))
    most = tender.lots_per_winner
    if not most and (most := next(filter(None, limits), None)):
        limit = tuple(facts.lot_limits(str(most), ""))
        lots = [replace(lot, conditions=(*lot.conditions, *limit)) for lot in lots]
    lots = [toponyms.placed(lot, tender) for lot in lots]
    return replace(tender, lots=tuple(lots), lots_per_winner=most)


def _completed(lot: Lot, held: Reading, own: Page, general: Page, alone: bool, awarded: bool) -> Lot:
    """The lot with what holds for it; where its field reserves it, the words add beneficiaries and articles."""
    box, words = lot.reservation, held.reservation
    fields = {one.code for one in lot.conditions if one.code in ("variants", "framework")}
    field = next((one for one in lot.conditions if one.code == "framework"), None)
    framework = terms.framework(field, own.plain, general.plain)
    known = [
        *filter(None, [framework or field]),
        *(  # whom a lot is reserved to may stand where a profession is asked for
            one
            for one in lot.conditions
            if one is not field and (one.code != "profession" or not grammar.who(folded(one.passage)))
        ),
        *(one.what for one in held.conditions if one.what.code not in fields),
    ]
    if box and words:
        passage = f"{box.passage} — {words.passage}" if box.passage else words.passage
        articles = words.articles if words.articles or words.who else box.articles
        if not set(box.articles) <= set(articles):
            known.append(_odd(BOX_OTHER, passage))
        box = replace(box, articles=articles, who=words.who, passage=passage)
    stated = (criteria.stated(*page[:2]) for page in ((general, own) if alone else (own, general)))
    values = {
        "reservation": box or words,
        "clauses": _distinct([*lot.clauses, *_of_criteria(lot), *held.social]),
        "conditions": tuple({(one.code, one.label): one for one in reversed(known)}.values())[::-1],
        "criteria": next(filter(None, map(criteria.weighed, chain((lot.criteria,), stated))), ()),
        **terms.completed(lot, own.plain, general.plain, alone, awarded),
    }
    return replace(lot, **values)


def _contradicted(lot: Lot, held: Reading, others: bool) -> Lot:
    """A lot that the box of the notice reserves and no words do: not reserved where the words reserve others; flagged."""
    if others:
        odd = _odd(BOX_AT_ODDS, lot.reservation.passage if lot.reservation else "")
        return replace(lot, reservation=None, conditions=(*lot.conditions, odd))
    denied = [_odd(BOX_DENIED, one.what) for one in held.denials[:1]]
    return replace(lot, conditions=(*lot.conditions, *denied)) if denied else lot


def _odd(label: str, words: str) -> Condition:
    return Condition(code="reservation-unclear", label=label, passage=shorten(words, QUOTED))


def _of_criteria(lot: Lot) -> Iterator[Clause]:
    """The award criteria of the form that are social."""
    for one in lot.criteria:
        if one.kind != "price" and grammar.social_name(one.name):
            plain = folded(one.name)
            stated = None if one.weight else grammar.social_weight(plain)
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
