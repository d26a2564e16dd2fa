"""Equal scores: the order among them is drawn for each lot, and is not that of the identifiers."""

import itertools
from dataclasses import replace
from datetime import date

import numpy as np

import made
from matcher.domain import Place, Structure
from matcher.matching import recipes
from matcher.matching.engine import Matcher
from matcher.reading.need import free_text_tender

GARDEN = "Entretien d'espaces verts, tonte, taille de haies"


def alike(*more: Structure) -> Matcher:
    """A matcher over twenty structures that differ by their SIRET alone, and others."""
    nanterre = Place(postcode="92000", label="Nanterre", department="92")
    twenty = (made.structure(number, "Structure", GARDEN, place=nanterre) for number in range(11, 31))
    return made.matcher_over([*twenty, *more])


def test_near_equals_take_turns_from_lot_to_lot_and_clear_differences_do_not() -> None:
    matcher, day = alike(), date(2026, 11, 30)

    def order(need: str, apart: float, day: date = day) -> list[int]:
        (query,) = matcher.queries(free_text_tender(need, Place(postcode="92000")))
        ranking = matcher.rank(query)
        scores = apart * np.arange(len(ranking.scores))[::-1]
        given = replace(ranking, scores=scores, order=np.argsort(-scores))
        return list(matcher.rotated(given, day).order)

    needs = [f"tonte et taille de haies du parc {name}" for name in ("nord", "sud", "est", "ouest")]
    assert len({order(need, 0.005)[0] for need in needs}) > 1
    # the same search, the same list
    assert order(needs[0], 0.005) == order(needs[0], 0.005, date(2026, 12, 1))
    assert all(order(need, 5.0) == list(range(20)) for need in needs)


def test_equals_stand_in_an_order_of_each_lot_and_not_in_that_of_their_siret() -> None:
    matcher = alike()

    def order(need: str) -> list[str]:
        (lot,) = matcher.match(free_text_tender(need, Place(postcode="92000")), 20, groups=0).lots
        assert len({round(match.score, 9) for match in lot.matches}) == 1 and len(lot.matches) == 20
        return [match.structure.siret for match in lot.matches]

    first, second = order("tonte et taille de haies"), order("tonte et taille de haies du parc")
    assert first not in (sorted(first), second) and first == order("tonte et taille de haies")
    assert sum(a < b for a, b in itertools.pairwise(first)) < 15


def test_near_equals_take_turns_from_day_to_day_only_when_asked_and_it_is_recorded() -> None:
    far = made.structure(40, "Structure", GARDEN, place=Place(label="Pontoise"))
    still = alike(far)
    turning = Matcher(still.catalogue, recipes.named("rotating"))
    days, asked = [date(2026, 3, day) for day in range(1, 21)], made.need("tonte", Place(postcode="92000"))

    def order(matcher: Matcher, day: date) -> tuple[str, ...]:
        answer = matcher.match(asked, 21, as_of=day, groups=0)
        return tuple(match.structure.siren for match in answer.lots[0].matches)

    assert len({order(still, day) for day in days}) == 1
    lists = [order(turning, day) for day in days]
    assert lists[0] == order(turning, days[0])  # the same all day long
    assert len({each[0] for each in lists}) > 5  # many are first in their turn
    assert {each[-1] for each in lists} == {far.siren}  # who is worse is never turned to the front
    said = ["rotation" in matcher.match(asked, 1, groups=0).versions for matcher in (turning, still)]
    assert said == [True, False]
