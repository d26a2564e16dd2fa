"""Silence is not absence: silent structures of kinds that often have a trade are counted and named, to be asked."""

import pytest

import made
from matcher.domain import LotAnswer, Place, Reservation, Structure
from matcher.matching import reasons
from matcher.matching.engine import Matcher
from matcher.matching.ranking import PLAUSIBLE
from matcher.reading.need import free_text_tender

NANTES = Place(commune="44109", label="Nantes", department="44", latitude=47.22, longitude=-1.55)
LILLE = Place(commune="59350", label="Lille", department="59", latitude=50.63, longitude=3.06)


def structure(number: int, kind: str, name: str, place: Place = NANTES, says: str = "") -> Structure:
    return made.structure(920000000 + number, name, says, kind=kind, naf="8810C", place=place)


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    near = [structure(n, "ESAT", f"ESAT Horizon {n}") for n in range(1, 5)]
    far = [structure(10, "ESAT", "ESAT du Nord", LILLE)]
    speaks = [structure(11, "ESAT", "ESAT des Tilleuls", says="Imprimerie et façonnage de brochures")]
    return made.matcher_over([*near, *far, *speaks])


def answer(matcher: Matcher, words: str, **facts: object) -> LotAnswer:
    return matcher.match(made.need(words, NANTES, **facts), 10).lots[0]


def told(found: LotAnswer) -> set[str]:
    return {m.structure.name for m in found.matches} | {s.name for s in found.asking}


@pytest.mark.parametrize(
    "words",
    ["tonte des pelouses", "mise sous pli de courriers", "nettoyage de bureaux", "blanchisserie de linge"],
)
def test_silent_esat_in_reach_are_shown_or_counted_and_others_are_not(matcher: Matcher, words: str) -> None:
    found = answer(matcher, words)
    silent = {f"ESAT Horizon {n}" for n in range(1, 5)}
    assert silent <= told(found)
    assert {s.name for s in found.asking} <= silent and found.to_ask == len(found.asking)
    assert ("ESAT" in reasons.unknown_in_words(found)) is bool(found.asking)
    assert not found.nobody or "à interroger" in reasons.why_nobody(found)
    assert "ESAT du Nord" not in told(found)


def test_what_esat_seldom_do_and_what_is_reserved_to_others_asks_nobody(matcher: Matcher) -> None:
    assert answer(matcher, "formation au permis poids lourd").to_ask == 0
    siae = Reservation(articles=("L2113-13",))
    assert answer(matcher, "tonte des pelouses", reservation=siae).to_ask == 0


def test_a_silent_one_that_is_shown_says_the_share_of_its_kind(matcher: Matcher) -> None:
    ranking = matcher.rank(matcher.queries(free_text_tender("tonte des pelouses", NANTES))[0])
    shown = matcher.explained(ranking, ranking.order[ranking.levels[ranking.order] >= PLAUSIBLE].tolist())
    assert shown
    for match in shown:
        assert any("63" in reason.text and "ESAT et EA" in reason.text for reason in match.reasons)
