"""Reservations, social clauses and conditions stated in a text.

A window of sentences is scored once by the classifier; where a label is found, the sentences of
the window that carry it are located, and the grammar extracts beneficiaries, articles, lots, hours, share and weight.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from matcher.domain import AUDIENCES, Clause, Condition, Reservation
from matcher.learned import clauses as classifier
from matcher.learned.clauses import ClauseModel
from matcher.reading.clauses import conditions, grammar, hours, sentences
from matcher.reading.clauses.sentences import Finding, Page, Sentence, cut, pages, passage, speaking, windows

T = TypeVar("T")
Window = tuple[Sentence, ...]
#: Threshold for explicit sentences; others need 0.5.
IN_WORDS = 0.15
QUOTED = 400  # characters of a passage that is shown
NAME = 120  # characters in which an item of a list names its criterion
SHORT = 12  # characters of a sentence that holds nothing but a weight: "10 points"


@dataclass(frozen=True, slots=True)
class Reading:
    """All statements found in a text."""

    reservations: tuple[Finding[Reservation], ...] = ()
    clauses: tuple[Finding[Clause], ...] = ()
    conditions: tuple[Finding[Condition], ...] = ()
    denials: tuple[Finding[str], ...] = ()  # passages that explicitly deny a reservation

    def of_lot(self, number: str, whole: Reading) -> Reading:
        """What holds for a lot: of the reading of its own text, and of that of the whole notice what names it or no lot."""
        if self is whole is NOTHING:
            return NOTHING
        pairs = ((getattr(self, name), getattr(whole, name)) for name in self.__slots__)
        return Reading(
            *(tuple(one for one in (*own, *of_all) if one.holds_for(number)) for own, of_all in pairs)
        )

    @property
    def reservation(self) -> Reservation | None:
        """The reservation merged from its statements: the most probable passage, every article and beneficiary."""
        return merged([one.what for one in self.reservations])

    @property
    def social(self) -> tuple[Clause, ...]:
        return tuple(one.what for one in self.clauses)

    @property
    def hours(self) -> float | None:
        """The hours of insertion stated for the whole, else the sum of those of its lots, None where none are."""
        stated = {one.lots: one.what.hours for one in reversed(self.clauses) if one.what.hours}
        return stated.get(frozenset()) or sum(filter(None, stated.values())) or None


STEMS = (*sentences.STEMS, *conditions.STEMS)
NOTHING = Reading()


def read(text: str) -> Reading:
    """What a French text states of reservations, social clauses and conditions."""
    return read_all(pages([text], STEMS))[0]


def read_all(found: Iterable[Page]) -> list[Reading]:
    """What each of the texts of a notice states."""
    return [_read(classifier.shipped(), one) if one.stems else NOTHING for one in found]


def _read(model: ClauseModel, page: Page) -> Reading:
    found = cut(page)
    reserved: list[Finding[Reservation]] = []
    social: list[Finding[Clause]] = []
    kept = speaking(found, [stem for stem in page.stems if stem in sentences.STEMS])
    for window in windows(found, kept):
        chances = model.chances(passage(window))
        reserved += _reserved(model, window, chances["reserved"])
        social += _conditioned(model, window, chances, page, found)
        social += _judged(model, window, chances["criterion"])
        bought = [one for one in window if grammar.names_object(one.plain)]
        social += [Finding(_clause(one, 0.9, nature="objective"), one.lots) for one in bought]
    social += [one for one in _named_criteria(found, kept) if not _said_already(one, social)]
    denials = tuple(Finding(found[at].text, found[at].lots) for at in kept if grammar.denied(found[at].plain))
    practical = conditions.stated(found, [stem for stem in page.stems if stem in conditions.STEMS])
    return Reading(_named_first(_for_whom(reserved)), _named_first(social), tuple(practical), denials)


def _named_first(found: list[Finding[T]]) -> tuple[Finding[T], ...]:
    """The findings without those that name no lot where others of their kind do: "le lot 6 est réservé"."""
    naming = {_kind(one.what) for one in found if one.lots}
    return tuple(one for one in found if one.lots or one.all_lots or _kind(one.what) not in naming)


def _for_whom(found: list[Finding[Reservation]]) -> list[Finding[Reservation]]:
    """The reservations; those that name a lot but nobody are for whom the others name: "Les lots réservés le sont aux ESAT"."""
    told = [one.what for one in found if not one.lots and one.what.who]
    for at, one in enumerate(found if told else ()):
        if one.lots and not (one.what.who or one.what.articles):
            found[at] = replace(one, what=replace(one.what, who=told[0].who, articles=told[0].articles))
    return found


def _kind(what: object) -> str:
    return what.nature if isinstance(what, Clause) else ""


def _sayers(model: ClauseModel, window: Window, label: str) -> list[Sentence]:
    """The sentences of a window that carry its label by themselves; else the most probable one."""
    if len(window) == 1:
        return [window[0]]
    chances = [model.chances(one.text)[label] for one in window]
    saying = [one for one, chance in zip(window, chances, strict=True) if chance > 0.5]
    return saying or [window[chances.index(max(chances))]]


# --------------------------------------------------------------------------------------- reservations


def _reserved(model: ClauseModel, window: Window, chance: float) -> Iterator[Finding[Reservation]]:
    plainly = [one for one in window if grammar.plainly_reserved(one.plain)] if chance > IN_WORDS else []
    if not plainly and IN_WORDS < chance <= 0.5:
        plainly = [one for one in window if grammar.marked_reserved(one.plain)]
    if chance > 0.5 or plainly:
        for one in plainly or _sayers(model, window, "reserved"):
            found = _reservation(one, window, max(chance, 0.9) if plainly else chance)
            named = bool(found.what.who or found.what.articles)
            if grammar.may_reserve(one.plain, named) and (found.lots or not grammar.denied(one.plain)):
                yield found


def _reservation(one: Sentence, window: Window, chance: float) -> Finding[Reservation]:
    around = " ".join(other.plain for other in window if other.lots in (frozenset(), one.lots))
    what = Reservation(
        articles=grammar.articles(grammar.ticked(one.plain)) or grammar.articles(grammar.ticked(around)),
        who=grammar.who(one.plain) or grammar.who(around),
        origin="text",
        passage=quote(one.text),
        confidence=round(chance, 3),
    )
    lots, left_out = grammar.lots_of(one.plain)
    every = grammar.all_lots(one.plain)
    return Finding(what, lots or (frozenset() if every or left_out else one.lots), left_out, every)


def merged(found: Iterable[Reservation]) -> Reservation | None:
    """Several reservations merged: the most probable, with every article and beneficiary."""
    found = list(found)
    if not found:
        return None
    best = max(found, key=lambda one: (one.confidence, bool(one.articles)))
    articles = sorted({article for one in found for article in one.articles})
    who = [name for name in AUDIENCES if any(name in one.who for one in found)]
    return replace(best, articles=tuple(articles), who=tuple(who))


# -------------------------------------------------------------------------------------- social clauses


def _conditioned(
    model: ClauseModel, window: Window, chances: dict[str, float], page: Page, found: Window
) -> Iterator[Finding[Clause]]:
    chance = chances["execution"]
    plainly = [one for one in window if grammar.plainly_conditioned(one.plain)]
    if chance <= IN_WORDS:  # a list of criteria, or of reserved lots, may drown the sentence before it
        drowned = plainly if chances["criterion"] > 0.5 else [one for one in plainly if one.lots]
        alone = drowned if max(chances["criterion"], chances["reserved"]) > 0.5 else []
        plainly = [one for one in alone if model.chances(one.text)["execution"] > IN_WORDS]
    sure = max(chance, 0.9) if plainly else chance
    if not plainly and (chance <= 0.5 or not any(grammar.may_condition(one.plain) for one in window)):
        return
    for one in plainly or _sayers(model, window, "execution"):
        if not (grammar.names_object(one.plain) or grammar.runs_clauses(one.plain)):
            _, left_out = grammar.lots_of(one.plain, reserving=False)
            for number, part, lots in hours.owed_at(page.plain, found, found.index(one)):
                what = _clause(one, sure, hours=number, share=part or grammar.share(one.plain))
                lots = (lots or one.lots) - left_out
                yield Finding(what, lots, left_out, not lots and grammar.all_lots(one.plain))


def _judged(model: ClauseModel, window: Window, chance: float) -> Iterator[Finding[Clause]]:
    if chance <= 0.5:
        return
    saying = _sayers(model, window, "criterion")
    social = [one for one in window if grammar.of_social(one.plain)]
    for one in [one for one in saying if one in social] or social:
        if not grammar.names_object(one.plain) and not one.plain.endswith(":"):
            after = window[window.index(one) + 1 :]
            own = grammar.social_weight(one.plain) or grammar.listed_weight(one.plain)
            weights = (own, *(grammar.weight(other.plain) for other in after))
            yield _criterion(one, next(filter(None, weights), (None, "")), chance)


def _criterion(one: Sentence, stated: tuple[float | None, grammar.Unit], chance: float) -> Finding[Clause]:
    """The criterion that a sentence names, with its weight and the weight's unit."""
    weight, unit = stated
    return Finding(_clause(one, chance, nature="criterion", weight=weight, weight_unit=unit), one.lots)


def _named_criteria(found: Window, kept: list[int]) -> Iterator[Finding[Clause]]:
    """Items of a list of criteria whose name is social and that state their weight, there or in the next sentence."""
    for at in kept:
        one, then = found[at], found[at + 1 : at + 2]
        named = grammar.social_name(one.text[:NAME]) and not grammar.names_object(one.plain)
        if named and not grammar.share(one.plain):
            stated = grammar.social_weight(one.plain)
            if stated is None and "heure" not in one.plain:
                stated = grammar.listed_weight(one.plain)
            listed = one.item or len(one.plain) <= NAME
            if stated is None and listed and then and ("not" in then[0].plain or len(then[0].plain) < SHORT):
                stated = None if then[0].item else grammar.weight(then[0].plain)
            if stated:
                yield _criterion(one, stated, 0.9)


def _said_already(one: Finding[Clause], found: list[Finding[Clause]]) -> bool:
    return any(other.what.passage == one.what.passage and other.what.weight is not None for other in found)


def _clause(one: Sentence, chance: float, **stated: Any) -> Clause:
    return Clause(origin="text", passage=quote(one.text), confidence=round(chance, 3), **stated)


def quote(text: str) -> str:
    """A passage, cut at `QUOTED` characters."""
    return text if len(text) <= QUOTED else text[:QUOTED].rstrip() + "…"
