"""One judgement: every place of the product says the same of the same pair of a need and a structure."""

from datetime import UTC, datetime

import numpy as np
import pytest

from matcher.domain import LENDING_KINDS, Place, Structure, Tender
from matcher.lab import evaluation
from matcher.lab.training.texts import OURS
from matcher.matching import recipes
from matcher.matching.engine import Matcher
from matcher.matching.ranking import CONFIRM
from matcher.outreach.work import Task, matches_of
from matcher.partners.opportunities import FAR_KM, UNASKED, UNSURE, opportunities, why_nothing
from matcher.partners.partners import partners
from matcher.reading import gather
from matcher.reading.need import free_text_tender

PARIS = Place(commune="75056", label="Paris", department="75", latitude=48.86, longitude=2.35)
ALL = 10_000
NOW = datetime(2020, 1, 1, tzinfo=UTC)
NEEDS = (
    "tonte et taille de haies; nettoyage de bureaux et de vitres; plateaux repas pour une réunion; "
    "mise sous pli de courriers; débarras et réemploi de mobilier; remplacement d'agents absents; "
    "numérisation d'archives; peinture de cages d'escalier; assurance responsabilité civile; collecte de papiers"
).split("; ")
Pairs = list[tuple[Matcher, Tender, tuple[Structure, ...]]]
DRAWN = 10  # structures of each need
TOLD = {"ranked", "below-floor"}  # states of an explanation that come from the judgement


def cases(matcher: Matcher, tenders: list[Tender]) -> Pairs:
    """Needs with structures drawn at random and the likeliest ones."""
    rng = np.random.default_rng(3)
    found = []
    for tender in tenders:
        ranking = matcher.rank(matcher.queries(tender)[0])
        order = ranking.shortlist.candidates[ranking.order]
        drawn = rng.choice(order, DRAWN, replace=False)
        rows = dict.fromkeys([*order[: DRAWN // 2].tolist(), *drawn.tolist()])
        found.append((matcher, tender, tuple(matcher.catalogue.structure(row) for row in list(rows)[:DRAWN])))
    return found


@pytest.fixture(scope="module")
def pairs(sample: gather.Gathered) -> Pairs:
    """Two hundred pairs: ten needs over the sample, ten over the invented directory that speaks."""
    recipe = recipes.named("default")
    listed = OURS / "judged_own.structures.jsonl.gz"
    speaks = Matcher(evaluation.catalogue_of([], [listed], recipe, []), recipe)
    own = [q.tender for q in evaluation.questions(OURS / "judged_own.queries.jsonl.gz", [])][::5]
    ours = Matcher(evaluation.build_catalogue(sample.structures, (), recipe), recipe)
    return [*cases(ours, [free_text_tender(text, PARIS) for text in NEEDS]), *cases(speaks, own)]


def test_every_place_gives_one_answer(pairs: Pairs) -> None:
    asked, seen = 0, set()
    for matcher, tender, structures in pairs:
        answer = matcher.match(tender, ALL).lots[0]
        listed = {match.structure.siret: match.level for match in answer.matches}
        task = Task(id="n", tender=tender, key="", excluded={})
        mailed = {row["siret"] for row in matches_of(matcher, task, ALL, 0.0)}
        assert answer.nobody == (not listed)
        likely = {match.structure.siret for match in answer.matches if match.level == "likely"}
        lends = {match.structure.siret for match in answer.matches if match.structure.kind in LENDING_KINDS}
        # who lends is told of lots that ask for staff or hours alone
        assert likely - lends <= mailed <= likely
        for structure in structures:
            level = listed.get(structure.siret, "unlikely")
            explained = matcher.why(structure.siret, tender)[0]
            if explained.state not in TOLD:
                continue
            asked += 1
            seen.add(level)
            told = explained.match and explained.match.level
            assert told == level, (tender.title, structure.name)
            assert (explained.state == "ranked") == (level != "unlikely")
            given = opportunities(matcher, structure, [tender], now=NOW)
            away = level != "unlikely" and (explained.match.distance_km or 0.0) > FAR_KM
            # who has two things to verify is told that it may be its own, and gets no line; nor does who lends staff
            # for what asks for none; lots that are farther than notices are looked for are told by that distance
            unsure = not given and any(
                w.startswith((UNSURE, UNASKED)) or (away and f"à moins de {FAR_KM:.0f} km" in w)
                for w in why_nothing(matcher, structure, [tender], now=NOW)
            )
            assert (bool(given) or unsure) == (level != "unlikely"), (tender.title, structure.name)
            lent = structure.kind in LENDING_KINDS
            assert lent or level == "plausible" if unsure else all(one.match.level == level for one in given)
            if level == "plausible":
                assert [one.part for one in given] == ["watch"] * len(given)
    assert asked >= 180
    assert seen == {"likely", "plausible", "unlikely"}


def test_groups_take_whom_the_list_calls(pairs: Pairs) -> None:
    for matcher, tender, _ in pairs:
        answer = matcher.match(tender, ALL)
        parts = matcher.parts(tender, answer.lots, ALL)  # a member takes a whole lot or one part of it
        tasks = {**{one.lot.id: one for one in answer.lots}, **parts}
        matches = {name: {m.structure.siren: m for m in one.matches} for name, one in tasks.items()}
        for group in answer.consortia:
            sure = 0
            for member in group.members:
                for task in member.lots:
                    match = matches[task][member.structure.siren]
                    whole = matches[task.partition("#")[0]].get(member.structure.siren, match)
                    # who is likely for the whole is so for its best part
                    likely = "likely" in (match.level, whole.level)
                    sure += likely or match.established or match.probability >= CONFIRM
                    assert likely or ("à confirmer" in member.reason and match.level == "plausible")
            assert sure, tender.title  # never a group of those alone whom one checks first


def test_partners_are_whom_the_list_calls(pairs: Pairs) -> None:
    seen = 0
    for matcher, tender, structures in pairs:
        lots = matcher.match(tender, ALL, groups=0).lots
        answers = [*lots, *matcher.parts(tender, lots, ALL).values()]
        listed = {
            level: {m.structure.siren for answer in answers for m in answer.matches if m.level == level}
            for level in ("likely", "plausible")
        }
        for structure in structures[:3]:
            found = partners(matcher, structure, tender, ordinary=False, n=50)
            for one in found.partners:
                assert one.structure.siren in listed["plausible" if one.confirm else "likely"], tender.title
            assert bool(found.alone) <= (structure.siren in listed["likely"]), (tender.title, structure.name)
            seen += len(found.partners)
    assert seen >= 20
