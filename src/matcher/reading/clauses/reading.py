"""What a notice states of reservations, social clauses and conditions: fields first, then the words of its texts.

A window of sentences is scored once by the classifier; where a statement is found, the sentences of the window
that make it are located, and the grammar reads beneficiaries, articles, lots, hours, share and weight in them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from matcher.domain import AUDIENCES, Clause, Condition, Lot, Reservation, Tender
from matcher.reading.clauses import amounts, classifier, conditions, grammar, hours
from matcher.reading.clauses.findings import Finding
from matcher.reading.clauses.sentences import Sentence, cut, passage, speaking, windows
from matcher.reference.prose import lots_named

Window = tuple[Sentence, ...]
RESERVED, EXECUTION, CRITERION = range(3)


@dataclass(frozen=True, slots=True)
class Reading:
    """All that a text states."""

    reservations: tuple[Finding[Reservation], ...] = ()
    clauses: tuple[Finding[Clause], ...] = ()
    conditions: tuple[Finding[Condition], ...] = ()
    denials: tuple[Finding[str], ...] = ()  # passages that say outright that nothing is reserved
    hints: tuple[Finding[Reservation], ...] = ()  # beneficiaries and article, used if a field says "reserved"

    @property
    def reservation(self) -> Reservation | None:
        """The statements of reservation made one: the surest passage, every article and public stated."""
        return merged([one.what for one in self.reservations])

    @property
    def social(self) -> tuple[Clause, ...]:
        return tuple(one.what for one in self.clauses)

    @property
    def hours(self) -> float | None:
        """The hours of insertion stated for the whole, else the sum of those of its lots, None where none are."""
        stated = [one for one in self.clauses if one.what.hours]
        for_all = [one.what.hours for one in stated if not one.lots]
        if for_all:
            return for_all[0]
        by_lot = {one.lots: one.what.hours for one in stated}
        silent = {
            lot
            for one in self.clauses
            if one.what.nature == "execution" and one.what.hours is None
            for lot in one.lots
        }.difference(*by_lot)
        return sum(filter(None, by_lot.values())) if by_lot and not silent else None


@lru_cache(maxsize=1024)
def read(text: str) -> Reading:
    """What a French text states of reservations, social clauses and conditions."""
    return read_with(classifier.shipped(), text)


def read_with(model: classifier.ClauseModel, text: str) -> Reading:
    """The same, by another model."""
    found = cut(text)
    reserved: list[Finding[Reservation]] = []
    social: list[Finding[Clause]] = []
    hints: list[Finding[Reservation]] = []
    listed = hours.Listed(text, found)
    kept = speaking(found)
    worth = [found[place] for place in kept]
    for window in windows(found, kept):
        scores = model.scores(passage(window))
        reserved += _reserved(model, window, float(scores[RESERVED]))
        social += _social(model, window, scores.tolist(), listed)
        hints += _hints(model, window, float(scores[RESERVED]))
    social += [one for one in _named_criteria(found, kept) if not _said_already(one, social)]
    denials = [Finding(one.text, one.lots) for one in worth if grammar.denied(one.plain)]
    return Reading(
        _named_first(reserved),
        _named_first(social),
        tuple(conditions.stated(found)),
        tuple(denials),
        tuple(hints),
    )


def _named_first(found: list[Finding]) -> tuple[Finding, ...]:  # type: ignore[type-arg]
    """The findings without those that name no lot where others of their kind do: "le lot 6 est réservé"."""
    naming = {_kind(one.what) for one in found if one.lots}
    return tuple(one for one in found if one.lots or one.all_lots or _kind(one.what) not in naming)


def _kind(what: object) -> str:
    return what.nature if isinstance(what, Clause) else ""


# --------------------------------------------------------------------------------------- reservations


def _reserved(model: classifier.ClauseModel, window: Window, score: float) -> Iterator[Finding[Reservation]]:
    verdict = model.verdicts["reserved"]
    plainly = [one for one in window if grammar.plainly_reserved(one.plain)]
    stated = verdict.holds(score) and any(grammar.names_audience(one.plain) for one in window)
    if not stated and not plainly:
        return
    chance = round(verdict.chance(score), 3)
    for one in plainly or _sayers(model, window, RESERVED):
        if grammar.asks_papers(one.plain):
            continue
        for side in _sides(model, one):
            yield _reservation(side, window, max(chance, 0.9) if plainly else chance)


def _sayers(model: classifier.ClauseModel, window: Window, column: int) -> list[Sentence]:
    """The sentences of a window that say by themselves what the whole says; else the one that says it most."""
    if len(window) == 1:
        return [window[0]]
    scores = [float(model.scores(one.text)[column]) for one in window]
    verdict = model.verdicts[classifier.LABELS[column]]
    saying = [one for one, score in zip(window, scores, strict=True) if verdict.holds(score)]
    return saying or [window[scores.index(max(scores))]]


def _sides(model: classifier.ClauseModel, one: Sentence) -> list[Sentence]:
    """A sentence whole, or its sides that reserve where it sets lots against one another."""
    parts = grammar.sides(one.plain)
    if len(parts) < 2 or len(one.lots) < 2:
        return [one]
    sides = [
        Sentence(one.text[a:b].strip(" ,"), one.plain[a:b], lots_named(one.plain[a:b])) for a, b in parts
    ]
    scored = [(float(model.scores(side.text)[RESERVED]), side) for side in sides]
    verdict = model.verdicts["reserved"]
    kept = [side for score, side in scored if verdict.holds(score)]
    best = max(scored, key=lambda each: each[0])[1]
    return [replace(side, text=one.text) for side in kept or [best]]


def _reservation(one: Sentence, window: Window, chance: float) -> Finding[Reservation]:
    around = _neighbours(one, window)
    what = Reservation(
        articles=grammar.articles(one.plain) or grammar.articles(around),
        who=grammar.who(one.plain) or grammar.who(around),
        origin="text",
        passage=quote(one.text),
        confidence=chance,
    )
    left_out = grammar.excepted(one.plain)
    if left_out or grammar.all_lots(one.plain):
        return Finding(what, frozenset(), lots_named(left_out), all_lots=True)
    return Finding(what, one.lots)


def _neighbours(one: Sentence, window: Window) -> str:
    """The folded words of the window's sentences that name no other lots."""
    return " ".join(other.plain for other in window if other.lots in (frozenset(), one.lots))


def _hints(model: classifier.ClauseModel, window: Window, score: float) -> Iterator[Finding[Reservation]]:
    """The beneficiaries named by a window that nearly reserves: it completes a box and reserves nothing by itself."""
    if model.verdicts["reserved"].chance(score) < HINT:
        return
    for one in window:
        named, stated = grammar.who(one.plain), grammar.articles(one.plain)
        if named or stated:
            yield Finding(
                Reservation(articles=stated, who=named, origin="text", passage=quote(one.text)), one.lots
            )


#: Minimum probability for a passage to name the beneficiaries of a ticked box.
HINT = 0.15


def merged(found: Iterable[Reservation]) -> Reservation | None:
    """One reservation of several: the surest, with every article and public."""
    found = list(found)
    if not found:
        return None
    best = max(found, key=lambda one: (one.confidence, bool(one.articles)))
    articles = sorted({article for one in found for article in one.articles})
    who = [name for name in AUDIENCES if any(name in one.who for one in found)]
    return replace(best, articles=tuple(articles), who=tuple(who))


# -------------------------------------------------------------------------------------- social clauses


def _social(
    model: classifier.ClauseModel, window: Window, scores: list[float], listed: hours.Listed
) -> Iterator[Finding[Clause]]:
    plainly = [one for one in window if grammar.plainly_conditioned(one.plain)]
    verdict = model.verdicts["execution"]
    chance = round(verdict.chance(scores[EXECUTION]), 3)
    if plainly or verdict.holds(scores[EXECUTION]):
        for one in plainly or _sayers(model, window, EXECUTION):
            if not _no_condition(one):
                yield from _condition(one, max(chance, 0.9) if plainly else chance, listed)
    verdict = model.verdicts["criterion"]
    if verdict.holds(scores[CRITERION]):
        chance = round(verdict.chance(scores[CRITERION]), 3)
        for one in _sayers(model, window, CRITERION):
            if grammar.of_people(one.plain) and not grammar.names_object(one.plain):
                yield _criterion(one, window, chance)
    for one in window:
        if grammar.names_object(one.plain):
            what = Clause(nature="objective", origin="text", passage=quote(one.text), confidence=0.9)
            yield Finding(what, one.lots)


def _no_condition(one: Sentence) -> bool:
    return (
        grammar.names_object(one.plain)
        or grammar.tells_who_they_are(one.plain)
        or not grammar.of_people(one.plain)
    )


def _condition(one: Sentence, chance: float, listed: hours.Listed) -> Iterator[Finding[Clause]]:
    what = Clause(origin="text", share=grammar.share(one.plain), passage=quote(one.text), confidence=chance)
    for number, lots in listed.hours_at(one.span):
        yield Finding(replace(what, hours=number), lots or one.lots)


def _criterion(one: Sentence, window: Window, chance: float) -> Finding[Clause]:
    following = window[window.index(one) + 1 :]
    stated = grammar.weight(one.plain) or next(
        filter(None, (grammar.weight(o.plain) for o in following)), None
    )
    return _weighted(one, stated or (None, ""), chance)


def _weighted(one: Sentence, stated: tuple[float | None, grammar.Unit], chance: float) -> Finding[Clause]:
    """The criterion that a sentence names, with its weight and the weight's unit."""
    weight, unit = stated
    what = Clause(
        nature="criterion",
        weight=weight,
        weight_unit=unit,
        origin="text",
        passage=quote(one.text),
        confidence=chance,
    )
    return Finding(what, one.lots)


def _named_criteria(found: tuple[Sentence, ...], kept: list[int]) -> Iterator[Finding[Clause]]:
    """Items of a list of criteria whose name is social and that state their weight, there or in the next sentence."""
    for place in kept:
        one = found[place]
        if not grammar.social_name(one.text[:160]):
            continue
        stated = grammar.weight(one.plain)
        if (
            stated is None
            and place + 1 < len(found)
            and not found[place + 1].item
            and "not" in found[place + 1].plain
        ):
            stated = grammar.weight(found[place + 1].plain)
        if stated and not grammar.share(one.plain):
            yield _weighted(one, stated, 0.9)


def _said_already(one: Finding[Clause], found: list[Finding[Clause]]) -> bool:
    return any(other.what.passage == one.what.passage and other.what.weight is not None for other in found)


def quote(text: str, width: int = 400) -> str:
    """A passage, cut at `width` characters."""
    return text if len(text) <= width else text[:width].rstrip() + "…"


# ------------------------------------------------------------------------------------------ the tender


def complete(tender: Tender, general: str = "", by_lot: Mapping[str, str] | None = None) -> Tender:
    """The tender with what its texts state, lot by lot, added to what its fields state.

    `general` is the text of the whole notice, `by_lot` that of each lot by its id.  A statement of the whole
    holds for every lot, or for those it names.
    """
    whole = read("\n".join(filter(None, (tender.title, general))))
    texts = {lot.id: (by_lot or {}).get(lot.id) or f"{lot.title}\n{lot.description}" for lot in tender.lots}
    own = {lot.id: read(texts[lot.id]) for lot in tender.lots}
    alone = len(tender.lots) == 1
    lots = [_other_public(_completed(lot, own[lot.id], whole), lot.reservation) for lot in tender.lots]
    lots = [amounts.completed(lot, f"{texts[lot.id]}\n{general}" if alone else texts[lot.id]) for lot in lots]
    return replace(tender, lots=_contradicted(tender.lots, tuple(lots), own, whole))


def _number(lot: Lot) -> str:
    return re.sub(r"^(?:lot|n°)?\s*0*(?=\w)", "", lot.number.strip().lower()) or lot.number


def _holding(lot: Lot, own: Iterable[Finding], whole: Iterable[Finding]) -> list:  # type: ignore[type-arg]
    """What holds for a lot: the findings of its own text, and those of the whole that name it or name none."""
    number = _number(lot)
    kept = [one.what for one in own if one.holds_for(number)]
    return kept + [one.what for one in whole if one.holds_for(number) and not (not one.lots and one.of_some)]


def _completed(lot: Lot, own: Reading, whole: Reading) -> Lot:
    reservation = merged(_holding(lot, own.reservations, whole.reservations))
    hint = merged(_holding(lot, own.hints, whole.hints))
    clauses = [*lot.clauses, *_of_criteria(lot), *_holding(lot, own.clauses, whole.clauses)]
    stated = {one.code for one in lot.conditions if one.code in ("variants", "framework")}
    known = [one for one in _holding(lot, own.conditions, whole.conditions) if one.code not in stated]
    every = {
        (one.code, one.label): replace(one, passage=" ".join(one.passage.split()))
        for one in reversed([*lot.conditions, *known])
    }
    return replace(
        lot,
        reservation=_by_field(lot.reservation, reservation, hint) if lot.reservation else reservation,
        clauses=_distinct(clauses),
        conditions=tuple(every.values())[::-1],
    )


def _by_field(box: Reservation, text: Reservation | None, hint: Reservation | None) -> Reservation:
    """What a field reserves, completed by the beneficiaries and article named in the text."""
    said = text or hint
    if said is None:
        return box
    passage = f"{box.passage} — {said.passage}" if box.passage else said.passage
    return replace(
        box,
        articles=said.articles if said.articles or said.who else box.articles,
        who=said.who,
        passage=passage,
    )


def _of_criteria(lot: Lot) -> Iterator[Clause]:
    """The award criteria of the form that are social."""
    for one in lot.criteria:
        if one.kind != "price" and grammar.social_name(one.name):
            stated = grammar.weight(one.name.lower()) if one.weight is None else None
            weight, unit = stated or (one.weight, one.weight_unit)
            yield Clause(nature="criterion", weight=weight, weight_unit=unit, passage=one.name)


def _distinct(found: list[Clause]) -> tuple[Clause, ...]:
    """One clause of each nature and origin, completed by the others of its kind; objectives stand each alone."""
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


# ------------------------------------------------------------------------------ conflicts between boxes and text

BOX_AT_ODDS = "Case « réservé » cochée pour tout l'avis ; le texte ne réserve que d'autres lots"
BOX_OTHER = "La case cochée et le texte ne réservent pas aux mêmes structures ; le texte est suivi"
BOX_DENIED = "Case « réservé » cochée, mais le texte dit que ce n'est pas réservé"


def _contradicted(
    stated: tuple[Lot, ...], lots: tuple[Lot, ...], own: Mapping[str, Reading], whole: Reading
) -> tuple[Lot, ...]:
    """The lots, where a box of the whole notice and its words disagree: the words that name lots win, and it is shown."""
    boxed = stated[0].reservation if stated else None
    if boxed is None or any(lot.reservation != boxed for lot in stated):
        return lots
    named = [bool(_naming(lot, own[lot.id].reservations, whole.reservations)) for lot in lots]
    for_all = any(not one.lots for one in whole.reservations)
    some = any(named) and not all(named) and not for_all and len(lots) > 1
    made = []
    for lot, by_text in zip(lots, named, strict=True):
        if some and not by_text:
            lot = _shown(replace(lot, reservation=None), BOX_AT_ODDS, boxed.passage)
        elif denial := next(iter(_holding(lot, own[lot.id].denials, whole.denials)), ""):
            lot = _shown(lot, BOX_DENIED, denial) if not by_text else lot
        made.append(lot)
    return tuple(made)


def _other_public(lot: Lot, box: Reservation | None) -> Lot:
    """The lot, where the words name others than those of the box's article, with that shown."""
    held = lot.reservation
    if box is None or held is None or set(box.articles) <= set(held.articles):
        return lot
    return _shown(lot, BOX_OTHER, held.passage)


def _naming(
    lot: Lot, own: Iterable[Finding[Reservation]], whole: Iterable[Finding[Reservation]]
) -> list[Reservation]:
    number = _number(lot)
    return [one.what for one in own if one.holds_for(number)] + [
        one.what for one in whole if number in one.lots
    ]


def _shown(lot: Lot, label: str, words: str) -> Lot:
    odd = Condition(code="reservation-unclear", label=label, passage=quote(words))
    return replace(lot, conditions=(*lot.conditions, odd))
