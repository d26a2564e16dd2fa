"""Partners are ranked by what they add, obey the law and the time rule; opportunities stand in three parts."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pytest

import made
from matcher import domain
from matcher.catalogue.filters import Filters
from matcher.domain import Award, Buyer, Lot, Place, Structure, Tender
from matcher.lab import evaluation
from matcher.matching import rankers, recipes
from matcher.matching.engine import Matcher
from matcher.partners import partners, subcontracting
from matcher.partners.opportunities import BARRED, UNASKED, Wishes, by_notice, opportunities, why_nothing
from matcher.partners.relaunch import relaunch

DAY, EARLIER = date(2026, 3, 2), date(2024, 1, 1)
NOW = datetime(2026, 3, 2, tzinfo=UTC)
_POINT = {"department": "93", "latitude": 48.9, "longitude": 2.4}
PANTIN = Place(label="Pantin", commune="93055", postcode="93500", **_POINT)


def structure(number: int, name: str, *offers: str, **facts: object) -> Structure:
    return made.structure(900000000 + number, name, *offers, **{"place": PANTIN, **facts})


HAIES = "Tonte, taille de haies, entretien des espaces verts"
GARDEN = structure(1, "Jardins du Nord", HAIES, turnover=90_000.0)
CLEAN = structure(2, "Propre et Net", "Nettoyage des locaux et vitrerie")
TREES = structure(3, "Grands Arbres", "Élagage et entretien des espaces verts", turnover=400_000.0)
SHELTERED = structure(4, "Atelier des Tilleuls", "Nettoyage de bureaux, entretien des locaux", kind="ESAT")
FIRM = structure(5, "Nettoyage Général", "Nettoyage industriel des locaux", kind="")
FAR = structure(6, "Net du Sud", "Nettoyage des locaux", zone=domain.Zone(departments=("13",)))
PAINT = structure(7, "Couleurs", "Peinture intérieure, revêtements muraux")
SILENT = structure(9, "Les Peupliers", kind="ESAT")
ALL = (GARDEN, CLEAN, TREES, SHELTERED, FIRM, FAR, PAINT)


def award(uid: str, day: date | None, *holders: Structure, **facts: object) -> Award:
    given = {"uid": uid, "title": "Entretien", "notified": day, "cpv": "77310000"}
    given |= {"holders": tuple(domain.Holder(id=h.siret, name=h.name, place=h.place) for h in holders)}
    given |= {"buyer": Buyer(id="21930055900016"), "place": Place(department="93"), **facts}
    return Award(**given)  # type: ignore[arg-type]


def matcher(*awards: Award) -> Matcher:
    return made.matcher_over(ALL, awards)


@pytest.fixture(scope="module")
def plain() -> Matcher:
    return matcher()


@pytest.fixture(scope="module")
def past() -> Matcher:
    """The same with a contract that two of them won together."""
    return matcher(award("a", date(2025, 1, 1), GARDEN, SHELTERED, title="Parc de la mairie"))


def tender(*lots: Lot, **facts: object) -> Tender:
    given = {"id": "26-1", "format": "boamp", "title": "Marché", "lots": lots, "published": DAY, **facts}
    return Tender(**given)  # type: ignore[arg-type]


GREEN = Lot(id="26-1-1", number="1", title="Entretien des espaces verts", places=(PANTIN,))
CLEANING = Lot(id="26-1-2", number="2", title="Nettoyage des locaux", places=(PANTIN,))


def by_name(found: partners.Partners) -> dict[str, partners.Partner]:
    return {p.structure.name: p for p in found.partners}


BOTH = Lot(id="x", number="3", title="Nettoyage des locaux et entretien des espaces verts", places=(PANTIN,))


def test_who_takes_the_part_that_is_lacking_is_a_complement_and_says_why(plain: Matcher) -> None:
    found = partners.partners(plain, GARDEN, tender(BOTH))
    assert found.alone == ("x#espaces-verts",) and found.lacking == ("x#nettoyage",)
    first = found.partners[0]
    assert first.kind == "complement" and first.tasks == ("x#nettoyage",)
    assert first.adds[0].startswith("prend nettoyage et propreté (50 % du lot 3) : selon sa fiche, «")
    assert first.distance_km == 0
    assert {"Propre et Net", "Atelier des Tilleuls"} <= set(by_name(found))
    assert not {"Jardins du Nord", "Grands Arbres", "Couleurs", "Net du Sud"} & set(by_name(found))


def test_other_lots_of_the_notice_are_no_gap_of_a_structure(plain: Matcher) -> None:
    found = partners.partners(plain, GARDEN, tender(GREEN, CLEANING))
    assert found.alone == ("26-1-1",) and found.lacking == () and found.partners == () and not found.outside
    found = partners.partners(plain, GARDEN, tender(GREEN, CLEANING), "2")
    assert found.lacking == ("26-1-2",) and found.alone == () and "n'établit" in found.outside
    with pytest.raises(domain.NotFound, match="its lots are 1, 2"):
        partners.partners(plain, GARDEN, tender(GREEN, CLEANING), "9")


def test_who_does_not_say_its_trade_is_told_that_the_lot_may_be_its_own(plain: Matcher) -> None:
    found = partners.partners(made.matcher_over([*ALL, SILENT]), SILENT, tender(CLEANING))
    assert found.perhaps == found.lacking == ("26-1-2",) and found.alone == ()
    assert not partners.partners(plain, TREES, tender(CLEANING)).perhaps, "who says other things does not"


def test_who_says_no_trade_is_to_be_asked_and_no_partner() -> None:
    found = partners.partners(made.matcher_over([GARDEN, SILENT]), GARDEN, tender(BOTH))
    assert found.partners == () and any("nettoyage" in why for why in found.nobody)
    assert [one.siret for one in found.ask["x#nettoyage"]] == [SILENT.siret]
    (shown,) = opportunities(made.matcher_over([GARDEN, SILENT]), GARDEN, [tender(BOTH)], now=NOW)
    assert shown.part == "watch" and shown.why[-1] == "à interroger : Les Peupliers"
    named = partners.partners(made.matcher_over([GARDEN, SILENT, CLEAN]), GARDEN, tender(BOTH))
    assert [p.structure.name for p in named.partners] == ["Propre et Net"] and not named.ask


def test_a_structure_that_two_directories_name_is_one() -> None:
    again = replace(CLEAN, siret=f"{9:014d}", name="Association Propre & Net")
    spelt = replace(again, siret=f"{10:014d}", name="ASSOC PROPRE ET LE NET")
    held = made.matcher_over([GARDEN, CLEAN, again, spelt])
    assert len(partners.partners(held, GARDEN, tender(BOTH)).partners) == 1
    large = replace(CLEANING, amount=1e6, amount_period="year")
    assert partners.partners(held, again, tender(large)).partners == ()


def test_the_reasons_sum_to_the_score_and_the_past_is_told_apart(past: Matcher) -> None:
    found = partners.partners(past, GARDEN, tender(BOTH)).partners
    assert found[0].structure.siret == SHELTERED.siret and "Parc de la mairie" in " ".join(found[0].past)
    for partner in found:
        assert partner.score == pytest.approx(sum(r.contribution for r in partner.reasons))
        assert not set(partner.past) & set(partner.adds)


def test_look_alikes_are_named_only_where_size_is_what_is_missing(plain: Matcher) -> None:
    big = replace(GREEN, amount=300_000.0, amount_period="year")
    found = partners.partners(plain, GARDEN, tender(big))
    assert "dépasse votre chiffre d'affaires" in found.size and found.lacking == ()
    assert [(p.structure.name, p.kind) for p in found.partners] == [("Grands Arbres", "reinforcement")]
    (shown,) = opportunities(plain, GARDEN, [tender(big)], now=NOW)
    assert shown.part == "with-partner" and shown.partner is not None
    assert shown.partner.structure.name == "Grands Arbres"
    small = replace(GREEN, amount=50_000.0, amount_period="year")
    assert partners.partners(plain, GARDEN, tender(small)).partners == ()
    both = tender(replace(BOTH, amount=300_000.0, amount_period="year"))
    assert not partners.partners(plain, GARDEN, both).size, "it is a part that is missing"
    able = structure(8, "Tous Travaux", HAIES, "Nettoyage des locaux", turnover=90_000.0)
    assert partners.partners(made.matcher_over([*ALL, able]), able, both).size


def test_who_lends_staff_takes_no_part_and_is_told_who_does(plain: Matcher) -> None:
    lender = structure(9, "Interim Solidaire", "Nettoyage des locaux", kind="ETTI")
    held = made.matcher_over([*ALL, lender])
    assert lender.name not in by_name(partners.partners(held, GARDEN, tender(BOTH), n=50))
    found = partners.partners(held, lender, tender(CLEANING))
    assert found.alone == () and "Propre et Net" in by_name(found)


def test_on_a_reserved_lot_both_must_be_admissible(plain: Matcher) -> None:
    reserved = replace(BOTH, reservation=domain.Reservation(articles=("L2113-13",)))
    found = partners.partners(plain, GARDEN, tender(reserved), n=50)
    assert set(by_name(found)) == {"Propre et Net"} and found.firms == ()
    other = replace(BOTH, reservation=domain.Reservation(articles=("L2113-12",)))
    found = partners.partners(plain, GARDEN, tender(other), n=50)
    assert "L2113-12" in found.barred["x"] and found.partners == () and found.lacking == ()


def test_what_two_bidders_should_read_before_they_group_is_told(plain: Matcher) -> None:
    said = (domain.Condition(code="several-groups", label="Un seul groupement"),)
    lot = replace(BOTH, reservation=domain.Reservation(), conditions=said)
    first = partners.partners(plain, GARDEN, tender(lot)).partners[0]
    assert {warning.code for warning in first.warnings} == {"reservation-unspecified", "several-groups"}


def test_ordinary_firms_stand_apart_in_reach_for_what_no_structure_takes() -> None:
    roofs = structure(8, "Toits de France", kind="")
    day, cleaning = date(2024, 1, 1), {"title": "Nettoyage industriel", "cpv": "90911200"}
    won = [
        award("r", day, roofs, title="Réfection de la couverture en tuiles", cpv="45261210"),
        award("n", day, FIRM, place=Place(department="13"), **cleaning),
    ]
    lot = replace(BOTH, title="Couverture en tuiles et entretien des espaces verts")
    nameless = made.matcher_over(ALL[:4], [replace(won[0], holders=(domain.Holder(id=roofs.siret),))])
    assert partners.partners(nameless, GARDEN, tender(lot)).firms == ()
    held = made.matcher_over(ALL[:4], won)
    found = partners.partners(held, GARDEN, tender(lot))
    assert found.partners == () and [p.structure.siret for p in found.firms] == [roofs.siret]
    assert "a eu « Réfection de la couverture en tuiles »" in found.firms[0].adds[0]
    assert partners.partners(held, GARDEN, tender(lot), ordinary=False).firms == ()
    marseille = replace(lot, places=(Place(department="13"),))
    assert partners.partners(held, GARDEN, tender(marseille)).firms == ()
    # cleaning is taken by structures: no firm is needed, in reach or not
    assert partners.partners(held, GARDEN, tender(BOTH)).firms == ()


@pytest.mark.parametrize("kept", [None, Filters(), Filters(kinds=("EI",))])
def test_a_group_names_the_firm_for_what_no_structure_takes(kept: Filters | None) -> None:
    roofs = structure(8, "Toits de France", "Couverture en tuiles", kind="")
    lot = replace(BOTH, title="Couverture en tuiles et entretien des espaces verts")
    found = made.matcher_over([*ALL[:4], roofs]).match(tender(lot), filters=kept)
    assert {m.structure.name for m in found.consortia[0].members} == {"Grands Arbres", roofs.name}


def test_who_sold_goods_of_a_trade_is_not_named_for_its_work() -> None:
    sells, tends = structure(8, "Serres du Nord", kind=""), structure(9, "Paysages", kind="")
    sold = award("s", EARLIER, sells, title="Fourniture d'arbustes et de plantes", cpv="03451000")
    won = [sold, award("t", EARLIER, tends, title="Entretien des espaces verts", cpv="77310000")]
    held = made.matcher_over((CLEAN, SHELTERED), won)
    found = partners.partners(held, CLEAN, tender(BOTH))
    assert [p.structure.siret for p in found.firms] == [tends.siret]


def test_who_stands_nowhere_known_is_no_partner_and_is_told_to_give_its_place() -> None:
    nowhere = replace(CLEAN, place=Place())
    held = made.matcher_over((GARDEN, nowhere))
    assert partners.partners(held, GARDEN, tender(BOTH)).partners == ()
    somewhere = made.matcher_over((GARDEN, CLEAN))
    (partner,) = partners.partners(somewhere, GARDEN, tender(BOTH)).partners
    assert partner.structure.name == CLEAN.name
    asked = [tender(CLEANING, deadline=datetime(2026, 4, 1, tzinfo=UTC))]
    assert opportunities(held, nowhere, asked, now=NOW) == ()
    assert any("ne dit pas où vous êtes" in why for why in why_nothing(held, nowhere, asked, now=NOW))
    assert opportunities(somewhere, CLEAN, asked, now=NOW)


def test_a_reserved_lot_without_an_offer_is_asked_for_again_otherwise(plain: Matcher) -> None:
    kept = replace(BOTH, reservation=domain.Reservation(articles=("L2113-12",)))
    (one,) = relaunch(plain, tender(kept, GREEN))
    told = [(m.structure.siret, m.level) for m in (*one.call, *one.check)]
    assert [siret for siret, _ in told] + [s.siret for s in one.ask] == [SHELTERED.siret]
    (listed,) = plain.match(tender(kept), groups=0).lots  # each at the level of the list
    assert set(told) <= {(m.structure.siret, m.level) for m in listed.matches}
    assert any(change.startswith("réservé aussi aux SIAE (L2113-14)") for change in one.changes)
    assert any("nettoyage" in change and "à part" in change for change in one.changes)
    (large,) = relaunch(plain, tender(replace(BOTH, amount=2e6, amount_period="year")), "3")
    assert large.changes[0].startswith("le lot est à la taille de plusieurs structures")
    (open_,) = relaunch(plain, tender(BOTH), "3")
    assert [change[:12] for change in open_.changes] == ["à part, beso"] * 2
    assert open_.teams and all(2 <= len(team.members) <= 4 for team in open_.teams)
    assert GARDEN.siret in {m.structure.siret for team in open_.teams for m in team.members}
    with pytest.raises(domain.NotFound):
        relaunch(plain, tender(GREEN))


def test_a_lot_with_hours_opens_the_way_of_subcontracting(plain: Matcher) -> None:
    hours = replace(CLEANING, clauses=(domain.Clause(hours=1200.0),))
    (firm,) = partners.partners(plain, GARDEN, tender(hours)).subcontracting
    assert firm.structure.name == "Nettoyage Général" and firm.kind == "subcontracting"
    assert "1\u202f200 heures" in firm.adds[0] and len(firm.adds) == 1
    assert partners.partners(plain, GARDEN, tender(CLEANING)).subcontracting == ()
    reserved = replace(hours, reservation=domain.Reservation(articles=("L2113-13",)))
    assert partners.partners(plain, GARDEN, tender(reserved)).subcontracting == ()


HOURS = replace(CLEANING, clauses=(domain.Clause(hours=500.0, passage="500 heures d'insertion"),))


def won_by(firm: Structure, **facts: object) -> Tender:
    lot = replace(HOURS, clauses=())
    given = award("a-1", DAY, firm, title="Nettoyage des locaux", source=f"boamp:{lot.id}")
    return tender(lot, id="26-2", nature="award", awards=(given,), related=("26-1",), **facts)


def test_of_an_award_the_firm_that_won_is_named_to_be_asked_with_the_clause_of_the_call() -> None:
    held = matcher(award("a-0", date(2020, 1, 1), FIRM, title="Nettoyage industriel"))
    call = tender(HOURS)
    found = partners.partners(held, SHELTERED, won_by(FIRM), earlier=[call])
    assert found.partners == () and [p.structure.siret for p in found.subcontracting] == [FIRM.siret]
    text = " ".join(found.subcontracting[0].adds)
    assert text.startswith("Le titulaire doit tenir 500 heures d'insertion")
    assert "nettoyage" in text and "l'avis dit" in text
    assert "L2112-2" in {w.article for w in found.subcontracting[0].warnings}
    # without the call nothing tells that hours are owed; a structure that won is no lead; a firm is not asked to lend
    assert partners.partners(held, SHELTERED, won_by(FIRM)).subcontracting == ()
    assert partners.partners(held, SHELTERED, won_by(CLEAN), earlier=[call]).subcontracting == ()
    assert partners.partners(held, FIRM, won_by(FIRM), earlier=[call]).subcontracting == ()
    # an award that names no lot is for the lone one
    given = won_by(FIRM)
    unnamed = replace(given, awards=(replace(given.awards[0], source="boamp:x"),))
    assert partners.partners(held, SHELTERED, unnamed, earlier=[call]).subcontracting
    two = replace(unnamed, lots=(*unnamed.lots, GREEN))
    assert partners.partners(held, SHELTERED, two, earlier=[call]).subcontracting == ()
    # who declares another zone is not sent there
    assert partners.partners(held, FAR, won_by(FIRM), earlier=[call]).subcontracting == ()


def test_openings_say_who_owes_the_hours_and_who_could_be_asked() -> None:
    held = matcher(award("a-0", date(2020, 1, 1), FIRM, title="Nettoyage industriel"))
    cleaning = {"title": "Nettoyage des locaux", "cpv": "90910000"}
    declared = award("a-9", DAY, FIRM, GARDEN, social=("Clause sociale",), **cleaning)
    reserved = award("a-8", DAY, FIRM, social=("Clause sociale", "Marché réservé"))
    notices = [tender(HOURS, GREEN), won_by(FIRM)]
    found = subcontracting.openings(held, notices, [declared, reserved], earlier=[tender(HOURS)])
    by_notice = {one.notice: one for one in found}
    assert set(by_notice) == {"26-1", "26-2", "a-9"} and found[0].hours == 500.0
    assert by_notice["26-1"].state == "open" and FIRM.siret in {f.siret for f in by_notice["26-1"].firms}
    assert by_notice["a-9"].state == "awarded" and [f.siret for f in by_notice["a-9"].firms] == [FIRM.siret]
    assert by_notice["a-9"].case.startswith("Le groupement titulaire")
    for one in found:
        names = [m.structure.name for m in one.carriers]
        assert {"Propre et Net", "Atelier des Tilleuls"} <= set(names) and "Net du Sud" not in names
        assert FIRM.name not in names
    assert subcontracting.openings(held, [tender(HOURS, confidential=True)]) == []


def test_only_firms_of_the_trade_of_an_open_lot_are_named() -> None:
    guards = structure(8, "Convoyeurs Réunis", kind="")
    guarded = award("g", EARLIER, guards, title="Collecte et transport de fonds", cpv="79714000")
    won = [guarded, award("n", EARLIER, FIRM, title="Nettoyage industriel des locaux", cpv="90911200")]
    held = made.matcher_over([*ALL, guards], won)
    coach = Lot(id="c", title="Lignes régulières d'autocar", cpv=("60130000",), places=(PANTIN,))
    assert subcontracting.takers(held, tender(coach), coach) == ()
    assert [firm.name for firm in subcontracting.takers(held, tender(CLEANING), CLEANING)] == [FIRM.name]


def test_what_is_stated_of_the_amount_and_of_the_clause_is_reported_and_no_more() -> None:
    hours = replace(CLEANING, clauses=(domain.Clause(hours=500.0),), amount=90_000.0, amount_period="total")
    told = str(subcontracting.case_of(hours, tender(hours)))
    assert "90\u202f000 € au total" in told and "par an" not in told
    ways = [subcontracting.way(one, CLEANING) for one in (CLEAN, PAINT, replace(CLEAN, kind="ETTI"))]
    assert all(map(str.__contains__, ways, ("pour nettoyage", "une tâche à détacher", "mise à disposition")))
    told = str(subcontracting.case_of(replace(CLEANING, clauses=(domain.Clause(),)), tender(CLEANING)))
    assert "une condition sociale d'exécution" in told and "heures d'insertion" not in told


def test_of_a_large_lot_without_a_clause_the_law_is_cited_and_no_hours_are_attributed_to_it() -> None:
    works = Lot(id="w", title="Réfection des façades", cpv=("45000000",), amount=9e6, places=(PANTIN,))
    assert subcontracting.case_of(works, tender(works, published=date(2026, 8, 21))) is None
    told = subcontracting.case_of(works, tender(works, published=date(2026, 9, 1)))
    assert told is not None and "L2112-2-1" in told and "L'acheteur choisit laquelle" in told
    assert "demande des heures" not in told and works.owed_condition is None
    small = replace(works, amount=9e4)
    assert subcontracting.case_of(small, tender(small, published=date(2026, 9, 1))) is None


def test_those_who_won_together_before_are_reported_and_the_future_is_not_used(past: Matcher) -> None:
    columns = partners.affinities(past.catalogue, GARDEN.siren, DAY)
    row = past.catalogue.row(SHELTERED.siret)
    assert columns["together"][row] == pytest.approx(np.log(2))
    assert columns["together"].sum() == pytest.approx(np.log(2))
    won = partners.together(past.catalogue, GARDEN.siren, SHELTERED.siren, DAY)
    assert won == ("Parc de la mairie",)
    for day in (date(2025, 1, 1), date(2024, 1, 1)):
        early = partners.affinities(past.catalogue, GARDEN.siren, day)
        assert early["together"].sum() == 0 and early["likeness"].sum() == 0
        assert partners.together(past.catalogue, GARDEN.siren, SHELTERED.siren, day) == ()


def test_affinity_columns_have_the_values_of_their_formulas() -> None:
    catalogue = matcher(
        award("a", date(2025, 1, 1), GARDEN),
        award("b", date(2025, 1, 2), CLEAN, cpv="90910000", place=Place(department="13")),
        award("c", date(2025, 1, 3), CLEAN, buyer=Buyer(id="21130055300016")),
    ).catalogue
    columns = partners.affinities(catalogue, GARDEN.siren, DAY)
    row = catalogue.row(CLEAN.siret)
    shares = {"trades": 0.5, "buyers": 0.5, "departments": 0.5, "together": 0.0}
    assert {name: columns[name][row] for name in shares} == shares
    assert columns["likeness"][row] >= columns["profile"][row] > 0
    assert all(np.all(column >= 0) for column in columns.values())
    nobody = partners.affinities(catalogue, "123456789", DAY)
    assert set(nobody) == set(partners.COLUMNS) and not any(column.any() for column in nobody.values())


def test_the_run_line_never_holds_the_member_nor_depends_on_the_buyer(past: Matcher) -> None:
    def line(siret: str) -> dict[str, Any]:
        facts = {"tender": tender(GREEN, buyer=Buyer(id=siret)), "day": DAY, "member": GARDEN.siren}
        return evaluation.ranked(past, evaluation.Question(id="q", **facts), 3)

    first = line("21930055900016")  # by whom both were chosen
    assert first == line("21750001600019") and first["query_id"] == "q"
    sirens, scores, chances = zip(*first["ranking"], strict=True)
    assert len(set(sirens)) == 3 and GARDEN.siren not in sirens
    for column in (scores, chances):
        assert list(column) == sorted(column, reverse=True)
    odds = partners.SLOPE * scores[0] + partners.INTERCEPT
    assert chances[0] == pytest.approx(rankers.logistic(odds), rel=1e-3) and min(chances) >= 0


def test_contributions_of_a_ranking_sum_to_its_scores(past: Matcher) -> None:
    ranking = past.rank(past.queries(tender(GREEN), as_of=DAY)[0])
    turned = partners.rank_partners(past, ranking, GARDEN.siren, DAY)
    assert np.allclose(np.sum(list(turned.contributions.values()), axis=0), turned.scores)
    added = turned.contributions.keys() - ranking.contributions.keys()
    assert added == set(partners.AFFINITIES)
    assert min(weight for weight, _ in partners.AFFINITIES.values()) >= 0
    comparing = Matcher(past.catalogue, recipes.named("lexical"))  # by its own signal alone
    alone = partners.rank_partners(comparing, comparing.rank(ranking.shortlist.query), GARDEN.siren, DAY)
    assert set(alone.contributions) == {"words"}


def test_opportunities_stand_in_four_lists(plain: Matcher, monkeypatch: pytest.MonkeyPatch) -> None:
    reserved = replace(GREEN, id="r", number="4", reservation=domain.Reservation(articles=("L2113-12",)))
    hours = replace(CLEANING, id="h", number="5", clauses=(domain.Clause(hours=500.0),))
    painters = structure(9, "Interim Solidaire", "Nettoyage des locaux", kind="ETTI")
    found = opportunities(plain, GARDEN, [tender(GREEN, CLEANING, BOTH, reserved)], now=NOW)
    assert [(o.part, o.lot.id) for o in found] == [("alone", "26-1-1"), ("with-partner", "x")]
    _, together = found
    assert together.partner is not None and together.partner.tasks == ("x#nettoyage",)
    assert together.why[0].startswith("vous : espaces verts ; il manque : nettoyage")
    assert why_nothing(plain, GARDEN, [tender(reserved)], now=NOW)[0].startswith(BARRED)
    (notice,) = by_notice(found)  # one line, in the list of its best lot
    assert notice == found
    held = made.matcher_over([painters])
    (lent,) = opportunities(held, painters, [tender(CLEANING, hours)], now=NOW)
    assert (lent.part, lent.lot.id) == ("clause", "h") and "heures" in lent.why[0]
    (why,) = why_nothing(held, painters, [tender(CLEANING)], now=NOW)  # nobody owes hours of that one
    assert why.startswith(UNASKED)
    monkeypatch.setattr("matcher.partners.opportunities.NEAR", 1)  # of many lots, the nearest in meaning
    for matcher_, who, lots, left in (
        (plain, GARDEN, (CLEANING, GREEN), GREEN),
        (held, painters, (CLEANING, hours), hours),
    ):
        assert [one.lot for one in opportunities(matcher_, who, [tender(*lots)], now=NOW)] == [left]


def test_what_cannot_be_answered_yet_is_watched_and_what_is_abroad_or_past_left_out(plain: Matcher) -> None:
    (prior,) = opportunities(plain, GARDEN, [tender(GREEN, nature="prior")], now=NOW)
    assert prior.part == "watch" and "avis préalable" in prior.why[0]
    turin = replace(GREEN, places=(Place(label="Torino", country="IT"),))
    assert opportunities(plain, GARDEN, [tender(turin)], now=NOW) == ()
    assert opportunities(plain, GARDEN, [tender(GREEN, published=date(2019, 1, 1))], now=NOW) == ()


def test_who_gets_nothing_is_told_why_and_what_would_change_it(plain: Matcher) -> None:
    marseille = Place(label="Marseille", commune="13055", department="13", latitude=43.29, longitude=5.37)
    orleans = Place(label="Orléans", commune="45234", department="45", latitude=47.9, longitude=1.9)
    far, near = (replace(GREEN, places=(place,)) for place in (marseille, orleans))
    assert opportunities(plain, GARDEN, [tender(far)], now=NOW) == ()
    told = " ".join(why_nothing(plain, GARDEN, [tender(far)], now=NOW))
    assert "aucun lot de votre métier à moins de 150 km" in told and "déclarez la zone" not in told
    assert "déclarez la zone" in " ".join(why_nothing(plain, GARDEN, [tender(near)], now=NOW))
    silent = structure(9, "Sans Offre")
    held = made.matcher_over([silent])
    assert "ne dit pas votre métier" in why_nothing(held, silent, [tender(far)], now=NOW)[0]
    closed = replace(silent, active=False)
    assert "fermé" in why_nothing(held, closed, [tender(GREEN)], now=NOW)[0]
    around = why_nothing(held, silent, [tender(GREEN)], now=NOW)[-1]  # which trades it would be told of
    assert "1 lot que des structures prennent" in around and "espaces verts (1)" in around
    assert "aucun avis ouvert" in why_nothing(plain, GARDEN, [], now=NOW)[0]


def test_only_what_is_open_wanted_and_published_is_shown(plain: Matcher) -> None:
    def count(notice: Tender, **wishes: object) -> int:
        return len(opportunities(plain, GARDEN, [notice], wishes=Wishes(**wishes), now=NOW))  # type: ignore[arg-type]

    notice = tender(replace(GREEN, cpv=("77310000",)))
    assert count(notice) == 1
    assert count(replace(notice, deadline=datetime(2026, 3, 1, tzinfo=UTC))) == 0
    assert count(replace(notice, deadline=datetime(2026, 3, 3, tzinfo=UTC))) == 1
    assert count(replace(notice, confidential=True)) == 0
    assert count(replace(notice, nature="award")) == 0
    assert count(notice, since=date(2026, 3, 3)) == 0 and count(notice, since=DAY) == 1
    assert count(notice, departments=("75",)) == 0 and count(notice, departments=("93",)) == 1
    assert count(notice, cpv=("90",)) == 0 and count(notice, cpv=("773",)) == 1
    assert count(notice, reserved=True) == 0
    with pytest.raises(domain.NotFound):
        opportunities(plain, structure(99, "Ailleurs"), [notice], now=NOW)
