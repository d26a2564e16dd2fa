"""Texts that are no need and what structures do not do: nobody is proposed; who is silent of its trade is counted, to be asked."""

from dataclasses import replace

import numpy as np
import pytest

import made
from bench import read
from matcher.domain import Clause, Lot, LotAnswer, Place, Reservation, Structure, Tender
from matcher.learned import asks
from matcher.matching import demand, reasons, suitability
from matcher.matching.engine import Matcher
from matcher.matching.ranking import PLAUSIBLE
from matcher.reading.need import free_text_tender, typed_need

NANTES = Place(commune="44109", label="Nantes", department="44", latitude=47.22, longitude=-1.55)


def structure(number: int, kind: str, name: str, naf: str = "", says: str = "") -> Structure:
    return made.structure(910000000 + number, name, says, kind=kind, naf=naf or None, place=NANTES)


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    found = [
        structure(1, "AI", "Coup de pouce", "7830Z"),
        structure(2, "ETTI", "Loire intérim insertion", "7820Z"),
        structure(3, "ACI", "Association Horizon", "8899B"),
        structure(4, "EI", "Régie de quartier Malakoff", "8121Z"),
        structure(5, "EI", "Propreté solidaire", "8121Z", "Nettoyage de bureaux et de vitres"),
        structure(6, "ACI", "Les jardins du pont", "8130Z", "Tonte, taille de haies et désherbage"),
        structure(7, "GEIQ", "GEIQ BTP 44", "7830Z"),
        structure(8, "EI", "Peintres associés", "4334Z"),
    ]
    return made.matcher_over(found)


NO_NEEDS = (
    "bonjour", "test", "Bonjour, merci d'avance", "horaires d'ouverture de la piscine",
    "La piscine est ouverte du lundi au samedi de 10 h à 20 h", "14 rue des Fleurs 44000 Nantes", "1234",
)  # fmt: skip
NEEDS = (
    "ménage", "tonte", "nettoyage de nos bureaux", "bonjour je cherche quelqu'un pour nettoyer les vitres",
    "nettoyage des vitres, 14 rue des Fleurs 44000 Nantes", "peinture", "remplacement d'agents absents",
)  # fmt: skip


@pytest.mark.parametrize("text", NO_NEEDS)
def test_a_text_that_is_no_need_shows_no_structure_and_says_so(matcher: Matcher, text: str) -> None:
    bare = Tender(id="need", format="need", title=text, lots=(Lot(id="1", title=text, places=(NANTES,)),))
    tender = free_text_tender(text, NANTES) if any(map(str.isalpha, text)) else bare
    answer = matcher.match(tender).lots[0]
    assert (answer.matches, answer.by_clause, answer.relaxations) == ((), (), ())
    assert answer.nobody and answer.calls_for == "unclear"
    assert "ne dit pas de besoin" in reasons.why_nobody(answer)


@pytest.mark.parametrize("text", NEEDS)
def test_a_need_in_a_word_or_with_an_address_is_one(matcher: Matcher, text: str) -> None:
    answer = matcher.match(free_text_tender(text, NANTES)).lots[0]
    assert answer.calls_for != "unclear" and answer.matches


def test_a_need_of_staff_and_one_that_no_structure_answers_are_told_as_such(matcher: Matcher) -> None:
    text = "besoin de 2 agents d'entretien en renfort cet été"
    answer = matcher.match(free_text_tender(text, NANTES)).lots[0]
    assert answer.calls_for == "staff"
    assert answer.matches[0].structure.kind in ("AI", "ETTI")
    text = "assurance responsabilité civile et flotte automobile"
    answer = matcher.match(free_text_tender(text, NANTES)).lots[0]
    assert answer.nobody and answer.calls_for == "beyond"
    assert "clause sociale" in reasons.why_nobody(answer)


def test_of_a_need_of_no_trade_what_is_nearest_to_it_is_quoted() -> None:
    texts = ["location solidaire de véhicules, garage", "location de salles", "entretien de véhicules"]
    named = enumerate(texts)
    matcher = made.matcher_over(made.structure(n, f"Maison {n}", text, place=NANTES) for n, text in named)
    need = free_text_tender("location de véhicules pour les agents", NANTES)
    assert matcher.match(need).lots[0].calls_for == "beyond"
    (why,) = matcher.why(f"{0:09d}00014", need)
    trade = next(one.text for one in why.match.reasons if one.code == "likely_trade")
    assert trade.startswith("le plus proche du besoin : selon sa fiche, « location solidaire")


def test_a_lot_of_works_whose_notice_asks_for_hours_is_answered_by_the_clause(matcher: Matcher) -> None:
    clause = Clause(nature="execution", hours=800)
    title = "Travaux de peinture d'un collège"
    work = Lot(id="1", title=title, cpv=("45442100",), places=(NANTES,))
    lots = [replace(work, clauses=clauses) for clauses in ((), (clause,))]
    tenders = [Tender(id="t", format="ted", title=lot.title, lots=(lot,)) for lot in lots]
    asked = [matcher.rank(matcher.queries(tender)[0]) for tender in tenders]
    assert suitability.calls_for(asked[1]) == "clause"
    told = [ranking.shortlist.query.demand.columns for ranking in asked]
    assert told[1]["clause"] > told[0]["clause"] and told[1]["served"] < told[0]["served"]


def test_a_lot_that_is_named_in_passing_makes_no_second_one() -> None:
    for one in ("haies du lot 1 : parc", "Lot 1 : haies, lot 1 : haies", "Lot 1 : haies lot 2 : "):
        assert len(typed_need(one, (NANTES,)).lots) == 1


def test_of_equal_chances_lenders_stand_first_where_staff_is_asked_alone(matcher: Matcher) -> None:
    staff = "renfort : mise à disposition de deux agents"
    for text, lent in ((staff, True), ("nettoyage de bureaux", False)):
        shortlist = matcher.rank(matcher.queries(free_text_tender(text, NANTES))[0]).shortlist
        kinds = shortlist.catalogue.of_structure("kind")[shortlist.candidates]
        turns = zip(kinds, suitability.tie_break(shortlist), strict=True)
        first = {kind for kind, turn in turns if turn < 1 << 14}
        assert ("AI" in first) is lent and ("EI" in first) is not lent


def test_a_lot_named_by_its_place_alone_is_read_with_the_title_of_the_notice(matcher: Matcher) -> None:
    lots = tuple(Lot(id=f"s{n}", title=f"Secteur {n}", places=(NANTES,)) for n in ("Nord", "Sud"))
    notice = Tender(id="a", format="need", title="Tonte et taille des haies", lots=lots)
    for answer in matcher.match(notice, 3).lots:
        assert [m.structure.name for m in answer.matches][:1] == ["Les jardins du pont"]
    named = (replace(lots[0], title="Nettoyage des bureaux"), lots[1])
    first, second = matcher.match(replace(notice, lots=named), 3).lots
    assert first.matches[0].structure.name == "Propreté solidaire"  # its own words say a need
    assert second.matches[0].structure.name == "Les jardins du pont"


@pytest.mark.parametrize(
    ("name", "column", "recall", "wrong"),
    [("typed_texts.csv", "need", 0.94, 0.38), ("staff_texts.csv", "staff", 0.9, 0.05)],
)
def test_texts_of_another_author_are_told_apart(name: str, column: str, recall: float, wrong: float) -> None:
    """Of those that are such a need so many are found; of the others at most so many are taken for one."""
    rows = read.rows(name)
    asked = [asks.of_text(row["text"]) for row in rows]
    said = np.array([one.stated if column == "need" else one.staff > demand.SHARE for one in asked])
    true = np.array([row[column] == "1" for row in rows])
    assert said[true].mean() >= recall
    assert said[~true].mean() <= wrong


LILLE = Place(commune="59350", label="Lille", department="59", latitude=50.63, longitude=3.06)


@pytest.fixture(scope="module")
def workshops() -> Matcher:
    """Silent ESAT, one far away and one that speaks of another trade."""
    near = [structure(n, "ESAT", f"ESAT Horizon {n}", "8810C") for n in range(1, 5)]
    far = replace(structure(10, "ESAT", "ESAT du Nord", "8810C"), place=LILLE)
    speaks = structure(11, "ESAT", "ESAT des Tilleuls", "8810C", "Imprimerie et façonnage de brochures")
    return made.matcher_over([*near, far, speaks])


def answer(matcher: Matcher, words: str, **facts: object) -> LotAnswer:
    return matcher.match(made.need(words, NANTES, **facts), 10).lots[0]


def told(found: LotAnswer) -> set[str]:
    return {m.structure.name for m in found.matches} | {s.name for s in found.asking}


@pytest.mark.parametrize(
    "words",
    ["tonte des pelouses", "mise sous pli de courriers", "nettoyage de bureaux", "blanchisserie de linge"],
)
def test_silent_esat_in_reach_are_shown_or_counted_and_others_are_not(workshops: Matcher, words: str) -> None:
    found = answer(workshops, words)
    silent = {f"ESAT Horizon {n}" for n in range(1, 5)}
    assert silent <= told(found)
    assert {s.name for s in found.asking} <= silent and found.to_ask == len(found.asking)
    assert bool(reasons.unknown_in_words(found)) is bool(found.asking)
    assert not found.nobody or "à interroger" in reasons.why_nobody(found)
    assert "ESAT du Nord" not in told(found)


def test_what_esat_seldom_do_and_what_is_reserved_to_others_asks_nobody(workshops: Matcher) -> None:
    assert answer(workshops, "formation au permis poids lourd").to_ask == 0
    siae = Reservation(articles=("L2113-13",))
    none = answer(workshops, "tonte des pelouses", reservation=siae)
    assert none.to_ask == 0 and none.nobody and "annuaire" in reasons.why_nobody(none)


def test_a_silent_one_that_is_shown_says_the_share_of_its_kind(workshops: Matcher) -> None:
    ranking = workshops.rank(workshops.queries(free_text_tender("tonte des pelouses", NANTES))[0])
    shown = workshops.explained(ranking, ranking.order[ranking.levels[ranking.order] >= PLAUSIBLE].tolist())
    assert shown
    for match in shown:
        assert any("63" in reason.text and "ESAT et EA" in reason.text for reason in match.reasons)
