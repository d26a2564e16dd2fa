"""The judgement of leads: parts that sum, ways that values must pull, and lists that a person of the trade would make."""

from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pytest import MonkeyPatch

import made
from matcher import codec
from matcher.domain import Answer, Offer, Place, Structure
from matcher.lab import evaluation
from matcher.lab.training import judgement as training
from matcher.lab.training.texts import OURS
from matcher.learned import asks
from matcher.matching import demand, evidence, judgement, recipes, trades
from matcher.matching.engine import Matcher
from matcher.matching.reasons import sentences
from matcher.matching.search import shortlist_of
from matcher.matching.shortlist import Shortlist
from matcher.reading.need import free_text_tender
from matcher.reference import tables
from records import cases

DATA = Path(__file__).parents[1] / "data"
ANGERS = Place(commune="49007", label="Angers", department="49", latitude=47.47, longitude=-0.55)
_POINT = {"department": "49", "latitude": 47.47, "longitude": -0.49}
NEAR = Place(commune="49267", label="Saint-Barthélemy-d'Anjou", **_POINT)
LAVAL = Place(commune="53130", label="Laval", department="53", latitude=48.07, longitude=-0.77)
LILLE = Place(commune="59350", label="Lille", department="59", latitude=50.63, longitude=3.06)
LOTS = 20  # of the columns drawn


def structure(number: int, kind: str, name: str, says: str = "", **facts: object) -> Structure:
    return made.structure(f"{900000000 + number}00001", name, says, **{"kind": kind, "place": NEAR, **facts})


GARDEN = "Entretien d'espaces verts : tonte, taille de haies, débroussaillage"
SITE = "Chantier d'insertion espaces verts"
DIRECTORY = (
    structure(1, "EI", "Alpha", GARDEN),
    structure(2, "EI", "Beta"),
    structure(3, "EI", "Gamma", GARDEN, place=LILLE),
    structure(4, "AI", "Delta"),
    structure(5, "ETTI", "Epsilon intérim", naf="7820Z"),
    structure(6, "ACI", "Commune de Laval", f"{SITE} de la ville", place=LAVAL, naf="8411Z"),
    structure(7, "EI", "Zeta Propreté", "Nettoyage de bureaux et de vitres", naf="8121Z"),
    structure(8, "EA", "Eta", "Câblage et conditionnement à façon"),
    structure(9, "ACI", "Association Thêta Laval", SITE, place=LAVAL),
)


def column(value: float, some: Shortlist) -> np.ndarray:
    return np.full(len(some), value)


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    return made.matcher_over(DIRECTORY)


def chances(matcher: Matcher, text: str, place: Place = ANGERS) -> dict[str, float]:
    ranking = matcher.rank(matcher.queries(free_text_tender(text, place))[0])
    sirens = matcher.catalogue.of_structure("siren")[ranking.shortlist.candidates]
    return dict(zip((s[-1] for s in sirens), matcher.ranker.probability(ranking.scores), strict=True))


def answer(matcher: Matcher, text: str, place: Place = ANGERS) -> Answer:
    return matcher.match(free_text_tender(text, place), groups=0)


@pytest.mark.parametrize(("need", "first", "then"), cases("whom one calls first"))
def test_whom_a_person_of_the_trade_calls_first(matcher: Matcher, need: str, first: str, then: str) -> None:
    chance = chances(matcher, need)
    assert min(map(chance.__getitem__, first)) > max(map(chance.__getitem__, then))


@pytest.mark.parametrize("place", [Place(), Place(region="52", label="Pays de la Loire")])
def test_a_need_without_a_town_is_answered_by_the_trade(matcher: Matcher, place: Place) -> None:
    found = answer(matcher, "tonte des pelouses et taille des haies", place).lots[0]
    assert not found.nobody
    assert "1" in {match.structure.siren[-1] for match in found.matches}


def figures(judged: Path, structures: Path, *awards: Path) -> dict[str, list[float]]:
    """The measures of a judged set that the shipped tables saw: guards, no proof; a fall means other evidence."""
    recipe = recipes.named("default")
    held = evaluation.catalogue_of(awards, [structures], recipe, [])
    matcher, rows = Matcher(held, recipe, exhaustive=True), training.judged(judged)
    asked = evaluation.questions(judged.with_name(judged.name.replace(".judged.", ".queries.")), [])
    return training.figures([evaluation.ranked(matcher, question, 60) for question in asked], rows)


def test_structures_of_all_kinds_are_called_for_what_they_say() -> None:
    """Over the invented directory: its pairs are learnt from as weak ones, with ESAT, EA and EATT among them."""
    found = figures(OURS / "judged_own.judged.jsonl.gz", OURS / "judged_own.structures.jsonl.gz")
    assert np.mean(found["nDCG@5"]) > 0.85
    assert np.mean(found["top1"]) > 0.8
    assert np.mean(found["nobody wrong"]) < 0.1
    assert np.mean(found["nobody right"]) > 0.6


def test_what_is_stated_is_shown_as_published(matcher: Matcher) -> None:
    first = answer(matcher, "tonte des pelouses et taille des haies").lots[0].matches[0]
    passages = [reason.offer_passage for reason in first.reasons if reason.code == "likely_trade"]
    assert passages[0] and passages[0] in first.structure.offers[0].text
    assert first.offer == first.structure.offers[0]  # the one quoted is the one shown


@pytest.mark.parametrize(("kind", "facts", "need", "told", "untold"), cases("reasons and their sources"))
def test_a_reason_and_its_source(kind: str, facts: dict[str, Any], need: str, told: str, untold: str) -> None:
    one = structure(1, kind, facts.get("name", "Alpha"), facts.get("says", ""))
    alone = made.matcher_over([codec.from_json(Structure, codec.to_json(one) | facts)])
    (query,) = alone.queries(free_text_tender(need, ANGERS))
    text = " | ".join(sentences(alone.explain(alone.rank(query), 0, 1).reasons, 9))
    assert told in text and untold not in text


def test_of_who_is_silent_another_of_its_establishments_speaks() -> None:
    silent = structure(1, "ESAT", "Alpha")
    speaks = replace(structure(1, "ESAT", "Alpha", GARDEN, place=LAVAL), siret="90000000100002")
    other = replace(structure(1, "ESAT", "Alpha", "Blanchisserie", place=LILLE), siret="90000000100003")
    said = f"ne dit rien de ses métiers ; un autre de ses établissements ({LAVAL.label}), espaces verts : selon sa fiche, « {GARDEN} »"
    for others, told in (((speaks, other), said), ((other,), "ne dit rien de ses métiers ; environ 63 %")):
        matcher = made.matcher_over([silent, *others])
        ranking = matcher.rank(matcher.queries(free_text_tender("tonte des pelouses", ANGERS))[0])
        i = ranking.shortlist.candidates.tolist().index(matcher.catalogue.row(silent.siret))
        assert sentences(matcher.explain(ranking, i, 1).reasons)[0].startswith(told)


@pytest.mark.parametrize(("kind", "facts", "need", "proposed"), cases("who is proposed by its kind"))
def test_the_silent_are_proposed_by_kind(kind: str, facts: dict[str, Any], need: str, proposed: bool) -> None:
    who = structure(1, kind, "Alpha", facts.get("says", ""))
    who = replace(who, offers=tuple(replace(each, nature="description") for each in who.offers))
    alone = made.matcher_over([codec.from_json(Structure, codec.to_json(who) | facts)])
    assert bool(alone.match(free_text_tender(need, ANGERS), 5, groups=0).lots[0].matches) is proposed


def test_of_a_post_declared_since_the_day_asked_its_code_alone_tells() -> None:
    post = Offer(id="1", title="Ouvrier agricole", nature="job", rome=("A1416",), since=date(2026, 1, 1))
    alone = made.matcher_over([replace(structure(1, "EI", "Alpha"), offers=(post,))])
    need = free_text_tender("fabrication de confitures", ANGERS)
    days = (None, date(1990, 1, 1))
    found = [bool(alone.match(need, 5, groups=0, as_of=day).lots[0].matches) for day in days]
    assert found == [False, True], "its title tells of other things"


def columns(n: int = 400, seed: int = 0) -> dict[str, np.ndarray]:
    """Columns of evidence at random, some unknown."""
    rng = np.random.default_rng(seed)
    found = {}
    for name in judgement.shipped().columns:
        values = rng.uniform(-1, 3, n) if name == "beyond" else rng.uniform(0, 1, n)
        if name not in evidence.PER_CANDIDATE:
            values = np.repeat(values[:LOTS], n // LOTS)
        drawn = {"kind": np.floor(values * 7), "asks": np.floor(values * 4), "kilometres": values * 300}
        found[name] = drawn.get(name, values)
    return found


def score(held: dict[str, np.ndarray], judged: judgement.Judgement | None = None) -> np.ndarray:
    """The scores of rows, each a candidate of a lot: rows of equal columns of the lot are judged together."""
    judged = judged or judgement.shipped()
    of_lot = [name for name in judged.columns if name not in evidence.PER_CANDIDATE]
    _, lots = np.unique(np.nan_to_num([held[name] for name in of_lot], nan=9e9), axis=1, return_inverse=True)
    found = np.empty(len(lots))
    for lot in range(lots.max() + 1):
        some = np.flatnonzero(lots == lot)
        given = {name: held[name][some[:1] if name in of_lot else some] for name in judged.columns}
        cells = {name: judged._cuts[name].searchsorted(values) for name, values in given.items()}
        found[some] = np.sum(list(judged._parts_of(cells, len(some)).values()), axis=0)
    return found


@pytest.mark.parametrize(("name", "way"), [(n, way) for n, (_, way) in training.MAIN.items() if way])
def test_what_must_pull_one_way_does(name: str, way: int) -> None:
    held = columns()
    if name not in held:
        pytest.skip("not read by the shipped tables")
    steps = np.linspace(-1, 3, 25) if name == "beyond" else np.linspace(0, 1, 25)
    steps = steps * 300 if name == "kilometres" else steps
    before = score(held | {name: np.full(400, steps[0])})
    for step in steps[1:]:
        after = score(held | {name: np.full(400, step)})
        assert (way * (after - before) > -1e-3).all()  # the file is rounded
        before = after
    assert np.isfinite(score({each: np.full(400, np.nan) for each in held})).all()  # unknown is judged too


def test_naming_a_trade_counts_as_much_as_silence(matcher: Matcher, monkeypatch: MonkeyPatch) -> None:
    (query,) = matcher.queries(free_text_tender("tonte des pelouses et taille des haies", ANGERS))
    for said, silent in ((np.nan, 1.0), (0.4, 0.0), (0.9, 0.0), (0.1, 0.0)):
        shortlist = shortlist_of(matcher.catalogue, query, exhaustive=True)
        rate = trades.kind_rate(shortlist)
        everybody = {"said_trade": said, "silent": silent, "kind": float(evidence.KINDS["ESAT"])}
        for name, value in everybody.items():
            monkeypatch.setitem(evidence.PER_CANDIDATE, name, partial(column, value))
        expected = rate if silent else max(rate, said) if said >= evidence.NAMES_IT else said
        assert 0.4 < rate < 0.9 and evidence.of(shortlist, "kind_rate") == pytest.approx(expected)


def test_naming_its_trade_lowers_nobody(matcher: Matcher, monkeypatch: MonkeyPatch) -> None:
    (query,) = matcher.queries(free_text_tender("tonte des pelouses et taille des haies", ANGERS))

    def scores(said: float, nearest: float) -> evidence.Column:
        for name, value in {"said_trade": said, "said_best": nearest, "said_second": nearest}.items():
            monkeypatch.setitem(evidence.PER_CANDIDATE, name, partial(column, value))
        shortlist = shortlist_of(matcher.catalogue, query, exhaustive=True)
        return judgement.shipped().scores_with(shortlist, {})

    silent, other = scores(np.nan, np.nan), scores(evidence.NAMES_IT - 0.01, 0.0)
    assert (other < silent).any()  # what says other things may stand lower
    for said in (evidence.NAMES_IT, 0.4, 0.6, 1.0):
        assert (scores(said, 0.0) >= silent).all()


def test_nobody_who_names_the_trade_is_left_out_before_it_is_compared(matcher: Matcher) -> None:
    table = {"columns": ["silent"], "theme": "likely_trade", "cuts": [[0.5]], "values": [-5.0, 5.0, 0.0]}
    judge = judgement.Judgement({"base": 0.0, "likely": 0.5, "plausible": 0.1, "tables": [table]})
    (query,) = matcher.queries(free_text_tender("tonte des pelouses et taille des haies", ANGERS))
    shortlist = shortlist_of(matcher.catalogue, query, exhaustive=True)
    likely = judge.scores_with(shortlist, {}) > 0
    named = evidence.of(shortlist, "said_trade") >= evidence.NAMES_IT
    assert likely[named].any()  # by what they would be silent
    for known in judgement.STEPS:
        assert judge.may_reach(shortlist, judge.likely, {}, known)[likely].all()


def test_likeness_is_that_of_the_nearest_of_all_that_a_structure_says() -> None:
    need = "pose de chalets sur la place du marché"
    said = (need,), (need, "Blanchisserie"), ("Blanchisserie",)
    alone = made.matcher_over(made.structure(number, "Alpha", *texts) for number, texts in enumerate(said, 1))
    (query,) = alone.queries(free_text_tender(need, ANGERS))
    same, more, other = evidence.of(shortlist_of(alone.catalogue, query, exhaustive=True), "likeness")
    assert same == pytest.approx(1.0, abs=0.1) and other < 0.6
    assert more == same  # another text lowers nothing


def test_learnt_tables_sum_to_what_the_trees_say() -> None:
    rng = np.random.default_rng(0)
    n = len(training.MAIN)
    rows = rng.uniform(0, 1, (800, n))
    rows[rng.uniform(size=rows.shape) < 0.1] = np.nan
    grade = np.where(np.nan_to_num(rows[:, 0]) + rng.normal(0, 0.2, 800) > 0.7, 3.0, 0.0)
    pairs = training.Pairs(rows, np.arange(800) % 40, grade, np.ones(800))
    tables = training.fit(pairs, np.ones(800, dtype=bool), seeds=1)
    judged = judgement.Judgement(training.packed(tables, 1.0, 0.0, 0.5, 0.1))
    held = {name: rows[:, i] for i, name in enumerate(training.MAIN)}
    total = score(held, judged)
    assert total == pytest.approx(tables.score(rows), abs=0.01)
    assert total[grade > 2].mean() > total[grade < 2].mean() + 1


@pytest.mark.parametrize(("name", "trade"), cases("names and their trades"))
def test_names_of_networks_and_trades_tell_trades_and_others_none(name: str, trade: str) -> None:
    told = trades.of_name(name)
    assert told[trades.names().index(trade)] >= 0.4 if trade else not told.any()


def test_neighbouring_codes_count_and_tables_name_trades_of_the_taxonomy() -> None:
    painting = trades.names().index("peinture")
    assert 0 < trades.of_code("4333Z")[painting] < trades.of_code("4334Z")[painting]
    assert not trades.of_code("8899B").any()
    known = set(asks.names())
    for file in ("naf_trades.csv", "rome_trades.csv"):
        for row in tables.assumptions(file):
            named = {part.split()[0] for part in row["trades"].split("|")}
            assert named <= known, row


@pytest.mark.parametrize(("kind", "code", "name", "trade"), cases("trades by kind, code and name"))
def test_kind_code_and_name_make_trades_likely(kind: str, code: str, name: str, trade: str) -> None:
    assert trades.prior_chances(kind, code, name)[trades.names().index(trade)] >= trades.LIKELY_TRADE
    assert trades.prior_chances("ACI", "", "ASSOC HORIZON").max() < trades.LIKELY_TRADE  # nothing tells


def test_inferred_trades_are_likely_and_in_order(matcher: Matcher) -> None:
    for row in range(len(matcher.catalogue)):
        found = trades.inferred_trades(matcher.catalogue, row)
        chances = [chance for _, chance in found]
        assert chances == sorted(chances, reverse=True)
        assert all(trades.LIKELY_TRADE <= chance <= 1 for chance in chances)


@pytest.mark.parametrize(("text", "staff"), cases("needs of staff"))
def test_who_asks_for_staff_is_understood(matcher: Matcher, text: str, staff: bool) -> None:
    (query,) = matcher.queries(free_text_tender(text, ANGERS))
    assert (query.asked.staff > demand.SHARE) is staff


@pytest.mark.parametrize(("text", "cpv", "trade"), cases("trades that needs ask for"))
def test_a_need_is_read_by_what_is_done(matcher: Matcher, text: str, cpv: str, trade: str) -> None:
    """Not by where, nor by the code of insertion where what supports it is named."""
    tender = made.need(text, ANGERS, cpv=(cpv,) if cpv else ())
    chances = matcher.queries(tender)[0].asked.chances
    assert max(chances, key=chances.__getitem__) == trade


def test_a_job_is_read_by_its_code_whatever_its_title() -> None:
    def hires(number: int, *codes: str) -> Structure:
        job = Offer(id=f"{number}", title="Agent polyvalent", nature="job", rome=codes, source="emplois")
        return structure(number, "EI", "Iota", offers=(job,), source="emplois")

    matcher = made.matcher_over((hires(21, "K2204"), hires(22)))
    (query,) = matcher.queries(free_text_tender("nettoyage de bureaux", ANGERS))
    asked = shortlist_of(matcher.catalogue, query)
    sure = dict(zip(asked.candidates.tolist(), evidence.of(asked, "sure").tolist(), strict=True))
    assert sure[0] > 0.8 > sure[1]
