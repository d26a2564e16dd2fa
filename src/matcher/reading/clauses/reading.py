"""Reservations, social clauses and conditions stated in a text: windows are classified, sentences that carry a label parsed."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any, TypeVar

from matcher.domain import AUDIENCES, Clause, Condition, Reservation
from matcher.learned import clauses as classifier
from matcher.learned.clauses import ClauseModel
from matcher.reading.clauses import conditions, grammar, hours, sentences
from matcher.reading.clauses.sentences import Finding, Page, Sentence, cut, pages, speaking, windows
from matcher.reading.criteria import Unit, per_cent, shares, weights
from matcher.reference.text import shorten

T = TypeVar("T")
Window = tuple[Sentence, ...]
LIKELY = 0.61  # of a condition of performance
QUOTED = 400  # characters of a passage that is shown


@dataclass(frozen=True, slots=True)
class Reading:
    """All statements found in a text."""

    reservations: tuple[Finding[Reservation], ...] = ()
    clauses: tuple[Finding[Clause], ...] = ()
    conditions: tuple[Finding[Condition], ...] = ()
    denials: tuple[Finding[str], ...] = ()  # passages that explicitly deny a reservation

    def of_lot(self, number: str, whole: Reading) -> Reading:
        """What holds for a lot: of the reading of its own text, and of that of the whole notice what names it or no lot."""
        pairs = ((getattr(self, name), getattr(whole, name)) for name in self.__slots__)
        return Reading(
            *(tuple(one for one in (*own, *of_all) if one.holds_for(number)) for own, of_all in pairs)
        )

    @property
    def reservation(self) -> Reservation | None:
        """The reservation merged from its statements: the most probable passage, every article and beneficiary."""
        found = [one.what for one in self.reservations]
        if not found:
            return None
        best = max(found, key=lambda one: (one.confidence, bool(one.articles)))
        articles = sorted({article for one in found for article in one.articles})
        who = tuple(name for name in AUDIENCES if any(name in one.who for one in found))
        return replace(best, articles=tuple(articles), who=who)

    @property
    def social(self) -> tuple[Clause, ...]:
        return tuple(one.what for one in self.clauses)


STEMS = (*sentences.STEMS, *conditions.STEMS)


def read(text: str) -> Reading:
    """What a French text states of reservations, social clauses and conditions."""
    return read_all(pages([text], STEMS))[0]


def read_all(found: Iterable[Page]) -> list[Reading]:
    """What each of the texts of a notice states."""
    return [_read(classifier.shipped(), one) if one.stems else Reading() for one in found]


def _read(model: ClauseModel, page: Page) -> Reading:
    found = cut(page)
    reserved: list[Finding[Reservation]] = []
    social: list[Finding[Clause]] = []
    kept = speaking(found, [stem for stem in page.stems if stem in sentences.STEMS])
    for window in windows(found, kept):
        chances = model.chances(" ".join(one.text for one in window))
        reserved += _reserved(model, window, chances["reserved"])
        social += _conditioned(model, window, chances["execution"], page, found)
        social += _judged(model, window, chances["criterion"], page)
        bought = [one for one in window if grammar.OBJECT.match(one.plain)]
        social += [Finding(_clause(one, 0.9, nature="objective"), one.lots) for one in bought]
    weighed = list(_weighed(found, page)) if kept else []
    told = frozenset().union(*(one.lots for one in weighed))
    social = [
        one for one in social if one.what.nature != "criterion" or not weighed or one.lots - told
    ] + weighed
    denying = (one for one in map(found.__getitem__, kept) if grammar.DENIED.search(one.plain))
    denials = tuple(Finding(one.text, one.lots) for one in denying)
    practical = conditions.stated(found, [stem for stem in page.stems if stem in conditions.STEMS])
    return Reading(_named_first(reserved), _named_first(social), tuple(practical), denials)


def _named_first(found: list[Finding[T]]) -> tuple[Finding[T], ...]:
    """The findings without those that name no lot where others of their kind do: "le lot 6 est réservé"."""
    naming = {getattr(one.what, "nature", "") for one in found if one.lots or one.but}
    return tuple(one for one in found if one.lots or one.but or getattr(one.what, "nature", "") not in naming)


def _sayers(model: ClauseModel, window: Window, label: str) -> list[Sentence]:
    """The sentences of a window that carry its label by themselves; else the most probable one."""
    chances = [model.chances(one.text)[label] for one in window]
    saying = [one for one, chance in zip(window, chances, strict=True) if chance > 0.5]
    return saying or [window[chances.index(max(chances))]]


def _reserved(model: ClauseModel, window: Window, chance: float) -> Iterator[Finding[Reservation]]:
    saying = _sayers(model, window, "reserved") if chance > 0.5 else []
    told = [one for one in saying if grammar.who(one.plain)]
    for one in saying:
        if told and one not in told and "reserv" not in one.plain:
            continue  # "Fondements respectifs : L. 2113-12 et L. 2113-13"
        parts = grammar.shared_out(one.plain)
        for part in parts:
            found = _reservation(one._replace(plain=part), window, chance)
            denied = grammar.DENIED.search(part) and (len(parts) > 1 or not found.lots)
            if not denied:
                yield found


def _reservation(one: Sentence, window: Window, chance: float) -> Finding[Reservation]:
    around = " ; ".join(other.plain for other in window if other.lots in (frozenset(), one.lots))
    what = Reservation(
        articles=grammar.articles(grammar.ticked(one.plain)) or grammar.articles(grammar.ticked(around)),
        who=grammar.who(one.plain) or grammar.who(around),
        origin="text",
        passage=shorten(one.text, QUOTED),
        confidence=round(chance, 3),
    )
    lots, left_out = grammar.lots_of(one.plain)
    return Finding(what, lots or (frozenset() if left_out else one.lots), left_out)


def _conditioned(
    model: ClauseModel, window: Window, chance: float, page: Page, found: Window
) -> Iterator[Finding[Clause]]:
    for one in _sayers(model, window, "execution") if chance > LIKELY else []:
        if not grammar.NOT_OWED.search(one.plain):
            # "Elle ne concerne pas le lot 3": a sentence about no lot leaves one out
            also = (each for each in found if not (one.lots or each.lots or "reserv" in each.plain))
            sides = (grammar.lots_of(each.plain, reserving=False)[1] for each in (one, *also))
            left_out = next(filter(None, sides), frozenset())
            for number, part, lots in hours.owed_at(page.plain, found, found.index(one)):
                what = _clause(one, chance, hours=number, share=part or grammar.share(one.plain))
                lots = (lots or one.lots) - left_out
                yield Finding(what, lots, left_out)


def _judged(model: ClauseModel, window: Window, chance: float, page: Page) -> Iterator[Finding[Clause]]:
    if chance <= 0.5:
        return
    saying = _sayers(model, window, "criterion")
    social = [one for one in window if grammar.SOCIAL_WORD.search(one.plain)]
    for one in [one for one in saying if one in social] or social:
        after = window[window.index(one) + 1 :]
        stated = (grammar.social_weight(one.plain), *weights(" ; ".join(other.plain for other in after)))
        none: tuple[float | None, Unit] = (None, "")
        weight, unit = next(filter(None, stated), none)
        left_out = grammar.lots_of(one.plain, reserving=False)[1]
        more = takewhile(grammar.LOT_WEIGHT.fullmatch, (other.plain for other in after))
        run = " ; ".join((one.plain, *more))
        each = hours.by_lot(run, "respectiv" in run)  # lot by lot where they differ
        for number, lots in (*each,) or ((weight, one.lots),):
            number, of = per_cent(number, unit, page.plain)
            what = _clause(one, chance, nature="criterion", weight=number, weight_unit=of)
            yield Finding(what, lots - left_out, left_out)


def _weighed(found: Window, page: Page) -> Iterator[Finding[Clause]]:
    """The social criteria among weights that make a whole; the part that is social, of a criterion that is so in part."""
    starts = [one.span[0] for one in found]
    for share in shares(page.plain):
        social = [part for part in share.parts if grammar.social_name(part.name)]
        names = " ".join(one.name for one in (share, *share.parts))
        mixed = "environ" in names and 0 < len(social) < len(share.parts)
        if grammar.social_name(share.name) and not mixed:
            social = [share]
        for part in social:
            one = found[bisect_right(starts, part.at) - 1]
            left_out = grammar.lots_of(one.plain, reserving=False)[1]
            what = _clause(one, 0.9, nature="criterion", weight=part.weight, weight_unit="%")
            yield Finding(what, one.lots - left_out, left_out)


def _clause(one: Sentence, chance: float, **stated: Any) -> Clause:
    return Clause(origin="text", passage=shorten(one.text, QUOTED), confidence=round(chance, 3), **stated)
