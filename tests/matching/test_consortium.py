"""Teams: equal to brute force, obedient to the law's constraints, told in words."""

import itertools
import math
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

import made
from matcher import domain
from matcher.commands.consortium import lines
from matcher.domain import Lot, LotAnswer, Match, Place, Reservation, Structure, Tender
from matcher.learned import asks
from matcher.matching.groups.consortium import recommend, task_label, to_ask
from matcher.matching.groups.cover import Cover, solve
from matcher.matching.parts import executed
from records import cases


def brute_force(cover: Cover) -> tuple[int, int, int] | None:
    """The best (coverage, -members, score) over every team and every choice of tasks (Gale's condition)."""
    tasks, bidders = cover.degree.shape
    best = None
    for size in range(cover.max_members + 1):
        for chosen in itertools.combinations(range(bidders), size):
            team = set(chosen)
            if not cover.forced <= team or any(len(team & cut) > most for cut, most in cover.cuts):
                continue
            able = [t for t in range(tasks) if any(cover.degree[t, j] for j in team)]
            able = [t for t in able if not any(t == task and j in team for task, j in cover.clash)]
            for count in range(1, len(able) + 1):
                for taken in itertools.combinations(able, count):
                    if not _carried(cover, team, taken):
                        continue
                    degrees, scores = cover.degree[list(taken)], cover.score[list(taken)]
                    both = zip(degrees, scores, strict=True)
                    lead = [max((int(d[j]), int(s[j])) for j in team) for d, s in both]
                    weights = sum(int(cover.weight[t]) * d for t, (d, _) in zip(taken, lead, strict=True))
                    goals = (weights, -size, sum(s for _, s in lead))
                    best = goals if best is None or goals > best else best
    return best


def _carried(cover: Cover, team: set[int], taken: tuple[int, ...]) -> bool:
    priced = [t for t in taken if not math.isnan(cover.amount[t])]
    for count in range(1, len(priced) + 1):
        for some in itertools.combinations(priced, count):
            able = {j for j in team for t in some if cover.degree[t, j]}
            room = sum(np.inf if math.isnan(cover.turnover[j]) else cover.turnover[j] for j in able)
            if sum(cover.amount[t] for t in some) > room + 1e-6:
                return False
    return True


def random_cover(seed: int) -> Cover:
    rng = np.random.default_rng(seed)
    tasks, bidders = int(rng.integers(1, 6)), int(rng.integers(1, 9))
    degree = rng.choice([0, 0, 1, 2, 4], size=(tasks, bidders)).astype(np.int64)
    limited = rng.random() < 0.6
    return Cover(
        degree=degree,
        score=np.where(degree > 0, rng.integers(0, 101, size=degree.shape), 0),
        weight=rng.choice([1, 2, 3, 5], tasks),
        amount=np.where(rng.random(tasks) < 0.8, rng.integers(1, 20, tasks) * 10.0, np.nan),
        turnover=np.where(rng.random(bidders) < 0.8 * limited, rng.integers(1, 25, bidders) * 10.0, np.nan),
        max_members=int(rng.integers(1, 5)),
        forced=frozenset({int(rng.integers(bidders))}) if rng.random() < 0.3 else frozenset(),
        clash=tuple((int(rng.integers(tasks)), int(rng.integers(bidders))) for _ in range(seed % 3)),
        cuts=((frozenset(range(0, bidders, 2)), 1),) if rng.random() < 0.3 else (),
    )


@pytest.mark.parametrize("block", range(10))
def test_the_exact_team_equals_brute_force_on_500_random_cases(block: int) -> None:
    for seed in range(50 * block, 50 * (block + 1)):
        cover = random_cover(seed)
        best, team, short = brute_force(cover), solve(cover), solve(cover, seconds=1e-6)
        assert (team.goals if team else None) == best, seed
        assert best or short is None
        if team is None or best is None:
            continue
        assert team.optimal and team.gap == 0.0, seed
        again = solve(cover, most=team.coverage)  # a known bound changes nothing but the work
        assert again is not None and again.goals == team.goals and again.gap == 0.0
        carried = np.zeros(len(cover.turnover))  # nobody carries more than its known turnover
        for task, leader in team.lead.items():
            helped = {j: share for (t, j), share in team.shares.items() if t == task}
            for j, share in {**helped, leader: 1.0 - sum(helped.values())}.items():
                carried[j] += share * np.nan_to_num(cover.amount[task])
        assert not (carried > cover.turnover + 0.1).any(), seed
        if short is not None:  # the gap bounds what is missed
            assert short.coverage <= best[0] <= short.coverage / (1.0 - short.gap) + 1e-6, seed


def test_the_greedy_team_obeys_the_same_rules_and_never_beats_the_exact_one() -> None:
    worse = 0
    for seed in range(100):
        cover = random_cover(seed)
        exact, greedy = solve(cover), solve(cover, "greedy")
        if greedy is None:
            continue
        assert exact is not None and greedy.goals <= exact.goals
        assert cover.forced <= greedy.members and len(greedy.members) <= cover.max_members
        assert _carried(cover, set(greedy.members), tuple(greedy.lead))
        worse += greedy.coverage < exact.coverage
    assert worse < 20


DAY = date(2026, 3, 2)


def structure(number: int, **facts: object) -> Structure:
    return made.structure(number, **{"name": f"Structure {number}", **facts})  # type: ignore[arg-type]


def lot(number: int, **facts: object) -> Lot:
    given = {"id": f"t-{number}", "number": str(number), "title": f"Besoin {number}", **facts}
    return Lot(**given)  # type: ignore[arg-type]


def answer(asked: Lot, *found: tuple[Structure, float], **facts: object) -> LotAnswer:
    pairs = enumerate(sorted(found, key=lambda p: -p[1]), 1)
    matches = []
    for rank, (who, value) in pairs:
        may = None if asked.reservation is None else who.kind in {"EA", "ESAT"}
        reasons = (domain.Reason(code="trade", text="même métier", contribution=value),)
        given = {"score": value, "probability": value, "rank": rank, "reasons": reasons, "eligible": may}
        matches.append(Match(lot=asked, structure=who, offer=next(iter(who.offers), None), **given))
    facts.setdefault("asked", asks.of_lot(asked))
    return LotAnswer(lot=asked, matches=tuple(matches), **facts)  # type: ignore[arg-type]


def teams(*answers: LotAnswer, **wishes: object) -> tuple[domain.Consortium, ...]:
    tender = Tender(id="t", format="need", title="Marché", lots=tuple(a.lot for a in answers), published=DAY)
    return recommend(answers, tender=tender, **wishes)  # type: ignore[arg-type]


def takes(team: domain.Consortium) -> dict[str, tuple[str, ...]]:
    return {m.structure.name: m.lots for m in team.members}


def codes(team: domain.Consortium) -> set[str]:
    return {w.code for w in team.warnings}


A, B, C, D = (structure(n) for n in (1, 2, 3, 4))


def test_the_fewest_members_that_cover_every_lot_are_chosen_over_better_scores() -> None:
    alone = (answer(lot(1), (A, 0.9), (C, 0.6)), answer(lot(2), (B, 0.9), (C, 0.6)))
    team = teams(*alone, answer(lot(3), (C, 0.5)))[0]
    assert takes(team) == {"Structure 3": ("t-1", "t-2", "t-3")}
    assert team.form == "" and team.optimal and team.score == 1.0


def test_two_trades_make_a_joint_group_with_one_mandataire_and_its_reasons() -> None:
    answers = answer(lot(1), (A, 0.9)), answer(lot(2), (B, 0.8)), answer(lot(3), (B, 0.8))
    apart, team = teams(*answers)[0], teams(*answers, one_group=True)[0]
    assert takes(apart) == takes(team) == {"Structure 2": ("t-2", "t-3"), "Structure 1": ("t-1",)}
    assert {m.role for m in apart.members} == {"candidat"} and apart.form == ""  # they share no lot
    assert "mandataire-solidaire" not in codes(apart)
    assert [m.role for m in team.members] == ["mandataire", "cotraitant"]
    assert "2 lots sur 3" in team.members[0].reason
    assert team.form == "conjoint" and "R2142-20" in team.form_reason
    assert "mandataire-solidaire" in codes(team)  # the turnover of the small mandataire is unknown
    assert "lot 1 « Besoin 1 » : même métier" in team.members[1].reason


@pytest.mark.parametrize("kind", ["ETTI", "GEIQ", "AI"])
def test_who_only_lends_staff_executes_no_part(kind: str) -> None:
    lender, builder = structure(1, kind=kind, turnover=9e6), structure(2, kind="EI", turnover=1e5)
    trades = enumerate((("Peinture", "45442100"), ("Maçonnerie", "45262500")), 1)
    works = [lot(n, title=title, cpv=(code,)) for n, (title, code) in trades]
    both = teams(answer(works[0], (lender, 0.9)), answer(works[1], (builder, 0.8)))
    assert both and all(m.structure.kind == "EI" for team in both for m in team.members)
    assert not teams(answer(works[0], (lender, 0.9)))
    assert not teams(answer(lot(3, title="Nettoyage de bureaux", cpv=("90919200",)), (lender, 0.9)))
    title = "Mise à disposition de personnel pour remplacer des agents absents"
    staff = lot(4, title=title, cpv=("79620000",))
    assert teams(answer(staff, (lender, 0.9)))
    imposed = teams(answer(works[0], (builder, 0.9)), imposed=(lender,))
    assert all(team.members[0].structure.kind == "EI" for team in imposed)  # never mandataire


def of_level(level: str, one: LotAnswer, **facts: object) -> LotAnswer:
    matches = (replace(m, level=level, **facts) for m in one.matches)  # type: ignore[arg-type]
    return replace(one, matches=tuple(matches))


def test_a_plausible_member_is_to_be_confirmed() -> None:
    likely = of_level("likely", answer(lot(1, title="Nettoyage de bureaux"), (A, 0.8)))
    plausible = of_level("plausible", answer(lot(2, title="Tonte des pelouses"), (B, 0.25)))
    team = teams(likely, plausible)[0]
    assert set(team.covered) == {"t-1", "t-2"}
    assert {m.structure.siret: m.caveats for m in team.members} == {A.siret: ("",), B.siret: ("à confirmer",)}
    assert "(à confirmer)" in next(m.reason for m in team.members if m.structure == B)


SUPPORTED = Reservation(articles=("L2113-12",))


@pytest.mark.parametrize(
    ("title", "chance", "facts", "alone"),
    [
        ("Tonte des pelouses", 0.15, {}, False),
        ("Tonte des pelouses", 0.25, {}, True),
        ("Fourniture de légumes frais", 0.35, {"nature": "supplies"}, False),  # a trade may sell no goods
        ("Tonte des pelouses", 0.25, {"reservation": SUPPORTED}, True),  # those admitted are the ones to ask
    ],
)
def test_a_fair_chance_is_a_team(title: str, chance: float, facts: dict[str, object], alone: bool) -> None:
    who = structure(9, kind="ESAT")
    plausible = of_level("plausible", answer(lot(1, title=title, **facts), (who, chance)))
    assert bool(teams(plausible)) is alone
    others = [answer(lot(n, title="Étanchéité des toitures")) for n in (2, 3)]
    assert teams(plausible, *others) == ()  # less than half of the tender


def test_of_little_chance_only_who_has_the_trade_is_asked_and_only_on_a_reserved_lot() -> None:
    who = structure(9, kind="ESAT")
    for reserved, established, asked in ((True, True, True), (True, False, False), (False, True, False)):
        one = lot(1, title="Tonte des pelouses", reservation=SUPPORTED if reserved else None)
        little = of_level("plausible", answer(one, (who, 0.12)), established=established)
        assert bool(teams(little)) is asked


def test_what_firms_do_is_given_to_no_structure_on_a_mere_chance() -> None:
    garden = of_level("likely", answer(lot(1, title="Plantations"), (A, 0.8)))
    works = of_level("plausible", answer(lot(2, title="Voirie et réseaux"), (B, 0.4)))
    assert takes(teams(garden, works)[0]) == {"Structure 1": ("t-1",), "Structure 2": ("t-2",)}
    for established, covered in ((False, {"t-1"}), (True, {"t-1", "t-2"})):
        firms_do = replace(of_level("plausible", works, established=established), calls_for="clause")
        assert set(teams(garden, firms_do)[0].covered) == covered


def test_two_spellings_of_one_name_are_no_two_members() -> None:
    angers = Place(department="49", label="Angers")
    names = "ESAT Les Genêts", "ESAT-Les Genêts"
    known, again = (structure(n, name=name, place=angers) for n, name in enumerate(names, 1))
    asked = lot(1, title="Nettoyage des 4 000 logements de l'office, trois agences")
    facts = {"asked": replace(asks.of_lot(asked), carriers={"group": 1.0})}
    (team,) = teams(of_level("likely", replace(answer(asked, (known, 0.9), (again, 0.8)), **facts)))
    assert [m.structure for m in team.members] == [known]
    assert "taille à confirmer" in team.members[0].reason  # no other is known to reinforce it
    (pair, *_) = teams(of_level("likely", replace(answer(asked, (known, 0.9), (D, 0.8)), **facts)))
    assert set(takes(pair)) == {known.name, D.name} and pair.form == "solidaire"


def test_nobody_of_unknown_turnover_has_more_than_three_lots() -> None:
    answers = [answer(lot(n), (A, 0.9), (B, 0.7)) for n in range(1, 6)]
    assert sorted(map(len, takes(teams(*answers)[0]).values())) == [2, 3]
    alone = teams(*(answer(lot(n), (A, 0.9)) for n in range(1, 6)))[0]
    assert len(alone.covered) == 3 and len(alone.uncovered) == 2
    rich = structure(5, turnover=9e9)
    (team, *_) = teams(*(answer(lot(n), (rich, 0.9), (B, 0.7)) for n in range(1, 6)))
    assert set(takes(team)) == {rich.name}


@pytest.mark.parametrize("solver", ["exact", "greedy"])
def test_of_equals_the_one_that_the_list_names_first_is_proposed(solver: str) -> None:
    for first, second in ((A, B), (B, A)):
        twins = [replace(one, turnover=None) for one in (first, second)]
        both = [answer(lot(n), *((twin, 0.8) for twin in twins)) for n in (1, 2)]
        (member,) = teams(*both, solver=solver)[0].members
        assert member.structure.siren == first.siren
        together = teams(*both, imposed=(A, B), one_group=True, solver=solver)[0]
        assert together.members[0].role == "mandataire" and together.members[0].structure.siren == first.siren


def test_who_is_likely_for_the_whole_is_so_for_its_best_part() -> None:
    asked = lot(1, title="Nettoyage des locaux et entretien des espaces verts")
    whole = of_level("likely", answer(asked, (A, 0.6)))
    needs = {
        part.id: of_level("plausible", answer(replace(asked, id=part.id), (A, 0.3 if first else 0.25)))
        for first, part in zip((True, False), executed(asks.of_lot(asked)), strict=True)
    }
    reason = teams(whole, parts=needs)[0].members[0].reason
    assert reason.count("à confirmer") == 1


def test_the_terminal_names_whom_lots_are_reserved_to_and_what_is_missing_in_twenty_lines() -> None:
    lots = tuple(lot(n, title="Tonte", reservation=SUPPORTED if n < 3 else None) for n in range(1, 30))
    tender = Tender(id="t", format="own", title="Marché", lots=lots)
    lender = structure(8, kind="ETTI", name="Intérim du Val")
    answers = [of_level("likely", answer(lots[0], (structure(9, kind="ESAT"), 0.9)))]
    answers += [of_level("likely", answer(each, (lender, 0.9))) for each in lots[1:]]
    found = recommend(answers, tender=tender)
    shown = list(lines(tender, found, answers, {}))
    assert shown[0] == "lots 1, 2 : réservé aux ESAT et entreprises adaptées (L2113-12)"
    missing = "  entreprise à trouver : lot 3 « Tonte » ; de même lots 4, 5,"
    assert any(line.startswith(missing) for line in shown)
    assert any("personnel en insertion" in line and "Intérim du Val" in line for line in shown)
    assert len(shown) <= 20
    nobody = list(lines(tender, (), answers, {}))
    assert "aucune équipe ne couvre t :" in nobody and len(nobody) <= 20


@pytest.mark.parametrize(
    ("title", "natures", "named"),
    [
        ("Tonte des pelouses", {"service": 1.0}, [B, C, A]),  # who has the trade, then one of each kind
        ("Tonte des pelouses", {"supply": 1.0}, [B]),  # unknown neighbours make no goods
        ("Gestion du cinéma", {"operation": 1.0}, [B]),  # nor are they asked to run one at their own risk
        ("Formation au permis poids lourd", {"service": 1.0}, []),
    ],
)
def test_who_is_asked_has_the_trade(title: str, natures: dict[str, float], named: list[Structure]) -> None:
    one = lot(1, title=title)
    found = of_level("plausible", answer(one, (B, 0.1)), established=True)
    silent = (replace(C, kind="ESAT"), replace(D, kind="ESAT"), A)
    found = replace(found, asked=replace(asks.of_lot(one), natures=natures), asking=silent)
    assert [who.siret for who in to_ask([found], {}, "t-1")] == [who.siret for who in named]


def test_what_nobody_covers_is_stated() -> None:
    team = teams(answer(lot(1), (A, 0.9)), answer(lot(2)), answer(lot(3), (B, 0.1), nobody=True))[0]
    assert team.covered == ("t-1",) and team.uncovered == ("t-2", "t-3")
    tender = Tender(id="t", format="own", title="Marché", lots=(lot(1, title="Tonte"),))
    assert task_label(tender, "t-1") == "lot 1 « Tonte »"
    assert team.score == pytest.approx(1 / 3, abs=1e-4)
    assert teams(answer(lot(1))) == ()


def test_on_a_reserved_lot_only_the_eligible_answer_and_an_imposed_other_is_a_warning() -> None:
    sheltered = structure(9, kind="ESAT", name="Atelier")
    reserved = answer(lot(1, reservation=SUPPORTED), (A, 0.9), (sheltered, 0.3))
    team = teams(reserved, answer(lot(2), (A, 0.9)))[0]
    assert takes(team) == {"Atelier": ("t-1",), "Structure 1": ("t-2",)}
    (warning,) = [w for w in team.warnings if w.code == "separate-groups"]
    assert warning.article == "L2113-12" and warning.since is not None and "Structure 1" in warning.text
    assert "réservé (L2113-12)" in warning.text
    others = answer(lot(2), (A, 0.9), (sheltered, 0.1)), answer(lot(3), (sheltered, 0.5))
    assert set(takes(teams(reserved, *others, one_group=True)[0])) == {"Atelier"}
    team = teams(reserved, imposed=[A.siret])[0]
    assert set(takes(team)) == {"Structure 1", "Atelier"}
    (warning,) = [w for w in team.warnings if w.code == "mixed-group"]
    assert "irrecevable" in warning.text and "réservé (L2113-12)" in warning.text
    assert warning.article == "L2113-12"
    audiences = domain.AUDIENCES.items()
    named = Reservation(who=tuple(name for name, (_, article) in audiences if article == "L2113-12"))
    team = teams(answer(lot(1, reservation=named), (A, 0.9), (sheltered, 0.3)), imposed=[A.siret])[0]
    assert any(f"réservé ({named.cited})" in w.text for w in team.warnings if w.code == "mixed-group")
    assert domain.AUDIENCES[named.who[0]][0] in named.cited and named.cited.endswith("article non précisé")


def test_turnovers_add_up_and_the_reinforcement_is_named() -> None:
    small, other = structure(1, turnover=60_000.0), structure(2, turnover=50_000.0)
    asked = lot(1, amount=200_000.0, amount_period="total", duration_months=24.0)
    team = teams(answer(asked, (small, 0.9), (other, 0.8)))[0]
    assert takes(team) == {"Structure 1": ("t-1",), "Structure 2": ("t-1",)}
    assert team.form == "solidaire" and "turnover-together" in codes(team)
    assert "renfort" in next(m.reason for m in team.members if m.structure is other)
    assert teams(answer(asked, (small, 0.9))) == ()  # alone it cannot carry 100,000 a year


def test_one_siren_is_one_member_with_its_places() -> None:
    north = structure(7, name="Association", siret="00000000700011")
    south = structure(7, name="Association", siret="00000000700029")
    team = teams(answer(lot(1), (north, 0.9)), answer(lot(2), (south, 0.9)))[0]
    (member,) = team.members
    assert member.lots == ("t-1", "t-2")
    assert "00000000700011" in member.reason and "00000000700029" in member.reason


def test_wishes_are_obeyed() -> None:
    answers = (answer(lot(1), (A, 0.9), (B, 0.8)), answer(lot(2), (C, 0.9), (B, 0.8)))
    assert set(takes(teams(*answers)[0])) == {"Structure 2"}
    assert set(takes(teams(*answers, excluded=[B.siren])[0])) == {"Structure 1", "Structure 3"}
    led = teams(*answers, mandataire=A.siret)[0]
    assert led.members[0].structure is A and led.members[0].role == "mandataire"
    assert len(teams(*answers, excluded=[B.siren], max_members=1)[0].members) == 1
    assert D.name in takes(teams(*answers, imposed=[D])[0])


@pytest.mark.parametrize(("wishes", "words"), cases("impossible wishes"))
def test_impossible_wishes_get_one_sentence(wishes: dict[str, object], words: str) -> None:
    with pytest.raises(domain.BadInput, match=words):
        teams(answer(lot(1), (A, 0.9), (B, 0.5)), **wishes)


def reached(one: LotAnswer, *by: domain.Reached) -> LotAnswer:
    matches = (replace(match, reach=way) for match, way in zip(one.matches, by, strict=True))
    return replace(one, matches=tuple(matches))


def test_who_stands_far_or_declares_another_zone_leaves_the_lot_to_others_or_covers_little() -> None:
    distant, near = structure(61), structure(62)
    far, here = domain.Reached(where="far", kilometres=430.0), domain.Reached(where="near", kilometres=20.0)
    for there in (far, domain.Reached(where="outside")):
        both = reached(answer(lot(1), (distant, 0.9), (near, 0.5)), there, here)
        assert set(takes(teams(both)[0])) == {near.name}
    alone = answer(lot(1), (distant, 0.9))
    (team,) = teams(reached(alone, far))
    assert "430 km" in team.members[0].reason and team.score < 0.5
    (team,) = teams(reached(alone, domain.Reached(where="inside")))
    assert team.score == 1.0


def test_teams_differ_in_half_of_their_members_and_repeats_are_marked() -> None:
    crowd = [structure(n) for n in range(20, 26)]
    ranked = [(s, 0.9 - i % 3 / 50) for i, s in enumerate(crowd)]
    answers = (answer(lot(1), *ranked[:3]), answer(lot(2), *ranked[3:]), answer(lot(3), (D, 0.9)))
    found = teams(*answers, n=3)
    assert len(found) == 3
    sets = [{m.structure.siren for m in team.members} for team in found]
    for first, second in itertools.combinations(sets, 2):
        assert len(first & second) <= len(first) // 2 + len(first) % 2
    repeated = [w for team in found for w in team.warnings if w.code == "several-groups"]
    assert len(repeated) >= 2 and all(w.article == "R2142-21" for w in repeated)
    assert not any(w.text.partition(" figure dans ")[0].isupper() for w in repeated)


def test_a_consultation_that_forbids_several_groups_is_quoted() -> None:
    words = {"label": "Un seul groupement", "passage": "Il est interdit de cumuler"}
    rule = domain.Condition(code="several-groups", **words)
    answers = (answer(lot(1, conditions=(rule,)), (A, 0.9)), answer(lot(2), (B, 0.9), (C, 0.8)))
    found = teams(*answers, n=2)
    assert any("Il est interdit de cumuler" in w.text for team in found for w in team.warnings)


@pytest.mark.parametrize(
    ("code", "facts", "who", "imposed"),
    [
        ("competition", {}, (A, B), (A, B)),  # each able alone
        ("reservation-unspecified", {"reservation": Reservation()}, (structure(9, kind="ESAT"),), ()),
        ("turnover-unknown", {"amount": 500_000.0, "duration_months": 12.0}, (A,), ()),
    ],
)
def test_a_group_is_told_of_it(code: str, facts: dict[str, object], who: tuple, imposed: tuple) -> None:
    asked = answer(lot(1, **facts), *((one, 0.9) for one in who))
    assert code in codes(teams(asked, imposed=imposed)[0])


def test_a_lot_of_two_trades_is_covered_need_by_need() -> None:
    asked = lot(1, title="Nettoyage des locaux et entretien des espaces verts")
    cleaner = structure(1, offers=(domain.Offer(id="a", title="Nettoyage de bureaux"),))
    gardener = structure(2, offers=(domain.Offer(id="b", title="Tonte et taille de haies"),))
    team = teams(answer(asked, (cleaner, 0.6), (gardener, 0.6)))[0]
    assert takes(team) == {"Structure 1": ("t-1#nettoyage",), "Structure 2": ("t-1#espaces-verts",)}
    alone = teams(answer(asked, (cleaner, 0.6)))[0]
    assert alone.uncovered == ("t-1#espaces-verts",) and alone.score == pytest.approx(0.5)


def test_the_support_of_people_is_no_part_of_its_own() -> None:
    title = "Prestation d'insertion sociale et professionnelle, support entretien d'espaces verts"
    (part,) = executed(asks.of_lot(lot(1, title=title)))
    assert part.trade == "espaces-verts" and part.share == 1.0
    washing = asks.of_lot(lot(1, title="Lavage des véhicules municipaux"))
    assert len(washing.several) == 2 and not executed(washing), "one thing, read two ways"
    labels = asks.of_lot(lot(1, title="espaces verts, mise sous pli"))  # what is typed is a label of ours
    assert {part.trade for part in executed(labels)} == {"espaces-verts", "logistique"}
