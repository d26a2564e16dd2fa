"""What a reader is told of a match: by subject, trade first, nothing unknown or banal, and the points still sum."""

import io
import itertools
import re
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from matcher.catalogue.files import save_catalogue
from matcher.cli import build
from matcher.commands.match import show
from matcher.domain import Answer, BadInput, Filters, Place, Reason, Tender, UnknownStructure
from matcher.matching.engine import Matcher
from matcher.matching.ranking import PLAUSIBLE
from matcher.matching.reasons import OTHER, SUBJECTS, mark, sentences, subjects
from matcher.matching.suitability import bidders_of
from matcher.outreach.sourcing import record
from matcher.reading import gather
from matcher.reading.need import free_text_tender
from matcher.reference import places

UNKNOWN = re.compile(r"inconnu|aucun marché|sans rapport|réalise des prestations|encore \d+ jour|ne dit rien")


def near(postcode: str) -> Place:
    return places.locate(Place(postcode=postcode))


def test_reasons_sum_to_the_score_and_say_nothing_banal(matcher: Matcher, sample: gather.Gathered) -> None:
    answers = (matcher.match(tender, 20, groups=0) for tender in sample.tenders[:10])
    for lot in (lot for answer in answers for lot in answer.lots):
        bidders = [match.structure.siren for match in lot.matches]
        assert len(bidders) == len(set(bidders))
        for match in lot.matches:
            assert sum(r.contribution for r in match.reasons) == pytest.approx(match.score, abs=1e-9)
            assert 0 <= match.probability <= 1
            told = subjects(match.reasons)
            # a subject left out says nothing and adds less than half a hundredth
            assert sum(s.points for s in told) == pytest.approx(match.score, abs=0.005 * 7)
            names = [s.name for s in told]
            assert names == [n for n in (*SUBJECTS, OTHER) if n in names]
            said = sentences(match.reasons, 9)
            assert all(r.code and r.text.strip() and "nan" not in r.text.split() for r in match.reasons)
            assert len(set(said)) == len(said)
            assert not [sentence for sentence in said if UNKNOWN.search(sentence)]


def test_of_the_signals_that_read_one_contract_one_is_shown() -> None:
    won = "a déjà remporté un marché"
    reasons = (
        Reason(code="likely_place", text="à 3 km", contribution=2.0),
        Reason(code="meaning", text=f"{won} semblable", contribution=3.0, offer_passage="Tonte"),
        Reason(code="words", text=f"{won} aux mêmes mots", contribution=1.0, offer_passage="Tonte"),
        Reason(code="cpv", text="peu de marchés de cette nature", contribution=0.4, tells=False),
        Reason(code="named", text="son nom figure dans l'avis", contribution=0.001),
    )
    assert sentences(reasons, 9) == ("à 3 km", "a déjà remporté un marché semblable : « Tonte »")


def test_a_structure_whose_trade_nothing_tells_is_not_called_near(matcher: Matcher) -> None:
    need = free_text_tender("entretien des espaces verts d'une école", near("93500"))
    marks = {m.structure.name: mark(m) for m in matcher.match(need, 10, groups=0).lots[0].matches}
    assert marks["Les Sentiers de l'Ourcq"] == "à appeler"
    assert marks.get("Nouvel Élan") in (None, "à vérifier")


def test_who_stands_far_is_counted_not_called(matcher: Matcher) -> None:
    for place, counted in (("89000", True), ("88000", False)):  # 140 km and 280 km from the nearest
        lot = matcher.match(free_text_tender("tonte et haies", near(place)), 20, groups=0).lots[0]
        assert not any(mark(m) == "à appeler" for m in lot.matches)
        assert lot.considered > 50
        assert any("au-delà" in said for said in lot.relaxations) is counted, "nobody is called from 280 km"


@pytest.mark.parametrize(
    "given",
    [{}, {"kinds": ("ESAT",)}, {"radius_km": 10.0, "kinds": ("EI",)}, {"departments": ("92",)}],
    ids=str,
)
def test_a_relaxation_gives_what_it_promises(matcher: Matcher, given: dict[str, Any]) -> None:
    """Whoever does what the sentence says, all else equal, gets as many structures more."""
    changed = {"type": {"kinds": ()}, "département": {"departments": ()}}
    told = 0
    asked = itertools.product(("tonte et haies", "nettoyage de vitres"), ("92000", "93200", "89000"))
    for words, place in asked:
        need = free_text_tender(words, near(place))

        def proposed(filters: Filters, need: Tender = need) -> set[str]:
            ranking = matcher.rank(matcher.queries(need, filters=filters)[0])
            return set(bidders_of(ranking.shortlist, ranking.levels >= PLAUSIBLE).tolist())

        shown = proposed(Filters(**given))
        for sentence in matcher.match(need, 500, filters=Filters(**given), groups=0).lots[0].relaxations:
            how, _, count = sentence.rpartition(" : ")
            kilometres = re.search(r"(\d+) km", how)
            relaxed = {"radius_km": float(kilometres[1])} if kilometres else changed[how.split()[-1]]
            assert len(proposed(Filters(**given | relaxed)) - shown) == int(count.split()[0]), sentence
            told += 1
    assert told or given == {"departments": ("92",)}, "no relaxation was met"


def test_a_record_lists_every_bidder_once_even_where_few_are_shown(matcher: Matcher) -> None:
    for text, where in (("fourniture d'un appareil d'IRM", "59000"), ("nettoyage de vitres", "88410")):
        need = free_text_tender(text, near(where))
        kept = record.search(matcher, need).lots[0]
        shown = matcher.match(need, 10, groups=0).lots[0]
        sirets = [m.structure.siret for m in kept.matches]
        assert len(set(sirets)) == len(sirets) == kept.considered
        assert sirets[: len(shown.matches)] == [m.structure.siret for m in shown.matches]
        assert [m.rank for m in kept.matches] == list(range(1, len(sirets) + 1))


def printed(*answers: Answer) -> str:
    """What the terminal shows of these."""
    with redirect_stdout(io.StringIO()) as out:
        for answer in answers:
            show(answer)
    return out.getvalue()


def test_the_terminal_shows_what_matters_in_120_columns(matcher: Matcher, sample: gather.Gathered) -> None:
    text = printed(*(matcher.match(tender, 5, groups=1) for tender in sample.tenders[:6]))
    assert max(len(line) for line in text.splitlines()) <= 120
    assert "score" not in text and "lot(s)" not in text and "26-130101/1#" not in text
    assert not UNKNOWN.search(text.replace("acheteur inconnu", ""))
    assert text.index("selon sa fiche, «") < text.index("sur place (Pantin)")  # the trade before the place


def test_the_terminal_says_how_those_not_listed_are_shown_and_prints_no_empty_table(matcher: Matcher) -> None:
    need = free_text_tender("entretien des espaces verts", near("93055"))
    (lot,) = matcher.match(need, 1, groups=0).lots
    every = lot.likely + lot.plausible
    one, all_ = (printed(matcher.match(need, n, groups=0)) for n in (1, every))
    assert f"-n {every} montre la suite" in one and "montre la suite" not in all_
    need = free_text_tender("fourniture d'un appareil d'IRM", near("59000"))
    answer = matcher.match(need, 5, groups=0)
    told = printed(replace(answer, lots=(replace(answer.lots[0], matches=()),)))
    assert "Aucune structure adaptée" in told and "pourquoi" not in told


def test_a_typed_need_is_explained_as_a_notice_is(matcher: Matcher, tmp_path: Path) -> None:
    save_catalogue(matcher.catalogue, tmp_path)
    call = ["explain", "00010001600013", "--catalogue", str(tmp_path)]
    asked = CliRunner().invoke(build(), [*call, "--need", "tonte de pelouses", "--place", "Pantin"])
    assert asked.exit_code == 0 and "tonte de pelouses" in asked.output and "rang" in asked.output
    assert "selon sa fiche, « Tonte" in asked.output  # its own words, before its activity code
    named = matcher.catalogue.structure(matcher.catalogue.row("00010001600013")).name.upper()
    by_name = ["explain", named, *call[2:], "--need", "tonte de pelouses", "--place", "Pantin"]
    assert "rang" in CliRunner().invoke(build(), by_name).output
    # borne by several; misspelt, which is told
    for words in ("e", f"{named[0]}{named[2]}{named[1]}{named[3:]}"):
        several = CliRunner().invoke(build(), ["explain", words, *by_name[2:]]).exception
        assert isinstance(several, UnknownStructure) and "give the SIRET of one of" in str(several)
    assert f"00010001600013 {named}" in str(several).upper()
    nothing = CliRunner().invoke(build(), call)
    assert isinstance(nothing.exception, BadInput) and '--need "what is to be done"' in str(nothing.exception)
