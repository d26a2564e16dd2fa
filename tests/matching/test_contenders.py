"""Who is left out before the texts are compared: never one whom the whole comparison would propose."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray

import made
from matcher.domain import Clause, Filters, Lot, LotAnswer, Place, Reservation, Tender
from matcher.lab import synth
from matcher.matching import by_clause, judgement, standing
from matcher.matching.engine import Matcher
from matcher.matching.judgement import Bounds
from matcher.matching.ranking import PLAUSIBLE, Ranking
from matcher.matching.suitability import ON_THE_SPOT
from matcher.reading import gather
from matcher.reading.need import free_text_tender
from records import cases

MONTREUIL = Place(commune="93048", label="Montreuil", department="93", latitude=48.86, longitude=2.44)
RENNES = Place(commune="35238", label="Rennes", department="35", latitude=48.11, longitude=-1.68)
NEEDS = (
    "tonte et taille de haies pour trois écoles", "nettoyage de bureaux trois fois par semaine", "bonjour",
    "besoin de deux agents d'entretien en remplacement", "travaux de maçonnerie",
    "mise sous pli de courriers",
)  # fmt: skip


@pytest.mark.parametrize("seed", range(6))
def test_no_sum_of_tables_exceeds_its_bound(seed: int) -> None:
    draw = np.random.default_rng(seed)
    sizes = dict(zip("abcdef", draw.integers(2, 5, 6).tolist(), strict=True))
    single = [(name,) for name in sizes]
    pairs = [tuple(draw.choice(list(sizes), 2, replace=False).tolist()) for _ in range(8)]
    tables = [(of, draw.normal(size=[sizes[name] for name in of])) for of in [*single, *pairs]]
    everyone = np.array(list(product(*map(range, sizes.values()))))
    cells = dict(zip(sizes, everyone.T, strict=True))
    known, of_lot = {"b", "c", "d"}, {"a"}
    for asked in range(sizes["a"]):
        some = {name: at[cells["a"] == asked] for name, at in cells.items()}
        sums = np.sum([values[tuple(some[name] for name in of)] for of, values in tables], axis=0)
        given = {name: some[name] for name in known} | {"a": np.array([asked])}
        highest = np.broadcast_to(Bounds(tables, known, of_lot, ("b", "c")).highest(given), sums.shape)
        assert (sums <= highest + 1e-9).all()
        given = some | {"a": np.array([asked])}
        every = Bounds(tables, set(sizes) - {"a"}, of_lot, ("b", "c")).highest(given)
        assert every == pytest.approx(sums), "where all is known the bound is the sum"


def tenders(sample: gather.Gathered) -> Sequence[Tender]:
    typed = [free_text_tender(text, place) for text in NEEDS for place in (MONTREUIL, RENNES)]
    hours = Clause(nature="execution", origin="field", passage="heures d'insertion", confidence=1.0)
    kept = Reservation(articles=("L2113-13",), origin="field", passage="réservé")
    works = Lot(id="1", title="Réfection de murs", cpv=("45000000",), places=(MONTREUIL,), clauses=(hours,))
    green = Lot(id="2", title="Entretien des espaces verts", places=(MONTREUIL,), reservation=kept)
    made = Tender(id="made", format="ted", title="Travaux", lots=(works, green))
    return [*typed, made, *sample.tenders[:4], *synth.tenders(5, seed=2)]


@pytest.mark.parametrize("filters", [Filters(), Filters(kinds=("EI", "AI")), Filters(radius_km=10.0)])
def test_answers_are_as_of_comparing_all(matcher: Matcher, sample: gather.Gathered, filters: Filters) -> None:
    left_out = 0
    for tender in tenders(sample):
        for query in matcher.queries(tender):
            placed = any(place.latitude is not None for place in query.places)
            asked = replace(query, filters=filters if placed else Filters())
            whole, some = (matcher.rank(asked, whole=each) for each in (True, False))
            left_out += len(whole.shortlist) - len(some.shortlist)
            assert told(matcher.answer(some, 5)) == told(matcher.answer(whole, 5)), query.lot.title
            assert names(some, some.levels >= PLAUSIBLE) == names(whole, whole.levels >= PLAUSIBLE)
            assert carriers(some) == carriers(whole)
    assert filters.radius_km is not None or left_out > 500


def test_whoever_reaches_a_probability_may_reach_it(matcher: Matcher, sample: gather.Gathered) -> None:
    judge = judgement.shipped()
    for query in (query for tender in tenders(sample) for query in matcher.queries(tender)):
        shortlist = matcher.rank(query).shortlist
        for given in ({}, by_clause.asked(shortlist), ON_THE_SPOT):
            chances = judge.probability(judge.scores_with(shortlist, given))
            for chance, known in product((0.01, 0.09, 0.43, 0.8), judgement.STEPS):
                may = judge.may_reach(shortlist, chance, given, known)
                assert may[chances >= chance].all()


def test_what_several_structures_lack_is_what_each_lacks(matcher: Matcher) -> None:
    lot = Lot(id="1", title="Nettoyage des bureaux et entretien des espaces verts", places=(MONTREUIL,))
    query = matcher.queries(Tender(id="two", format="ted", title=lot.title, lots=(lot,)))[0]
    ranking = matcher.rank(query)
    rows = ranking.shortlist.candidates[ranking.order[:40]].tolist()
    structures = [matcher.catalogue.structure(row) for row in rows]
    together = standing.lacking(matcher, structures, query)
    assert len({tuple(labels) for labels in together.values()}) > 1, "some lack one trade, some another"
    for structure in structures:
        assert standing.lacking(matcher, [structure], query) == {structure.siret: together[structure.siret]}


def told(answer: LotAnswer) -> tuple[object, ...]:
    """What an answer says, with probabilities to the precision at which they are shown."""
    matches = [
        [(m.structure.siret, m.rank, m.level, round(m.score, 9), [r.text for r in m.reasons]) for m in each]
        for each in (answer.matches, answer.by_clause)
    ]
    return (*matches, answer.relaxations, answer.likely, answer.plausible, answer.considered, answer.nobody)


def names(ranking: Ranking, mask: NDArray[np.bool_]) -> list[str]:
    sirets = ranking.shortlist.catalogue.of_structure("siret")
    return [str(sirets[ranking.shortlist.candidates[i]]) for i in ranking.order if mask[i]]


def carriers(ranking: Ranking) -> list[str]:
    lot = ranking.shortlist.query.lot
    found = by_clause.by_clause(ranking, 10) if by_clause.clause_asked(lot) else []
    sirets = ranking.shortlist.catalogue.of_structure("siret")
    return [str(sirets[ranking.shortlist.candidates[i]]) for i, _, _ in found]


@pytest.mark.parametrize(("title", "owing"), cases("hours that are carried"))
def test_hours_are_carried_of_works_and_not_of_studies_or_of_training(title: str, owing: bool) -> None:
    lender = made.structure("90000000100001", "Vignes Intérim", kind="ETTI", place=MONTREUIL, active=True)
    hours = Clause(nature="execution", origin="field", passage="heures d'insertion", confidence=1.0)
    lot = Lot(id="1", title=title, places=(MONTREUIL,), clauses=(hours,))
    matcher = made.matcher_over([lender])
    tender = Tender(id="made", format="ted", nature="call", title=title, lots=(lot,))
    ranking = matcher.rank(matcher.queries(tender)[0])
    assert bool(carriers(ranking)) is owing
