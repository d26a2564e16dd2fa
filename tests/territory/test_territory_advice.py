"""Each rule of advice by a case of our own, the expected advice written from the article it names."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from matcher.territory.assumptions import Labour
from matcher.territory.counts import Count
from matcher.territory.potential import Advice, Facts, Refused, Weight, advise
from records import cases

ON = date(2026, 11, 24)


def worth(likely: int, verified: int = 1, **kinds: int) -> Count:
    kinds = kinds or {"": likely}
    active = {kind: min(verified, number) for kind, number in kinds.items()}
    return Count(likely=likely, verified=verified, kinds=kinds, kinds_verified=active)


def facts(**given: Any) -> Facts:
    """A services contract of 150 000 € of one year in one lot, with nobody in reach unless said."""
    usual = Facts(on=ON, amount=150_000, like_needs=0.0, lot_amount=150_000, months=12, clause_hours=100)
    return replace(usual, **given)


def open_to(disability: int = 0, insertion: int = 0, ess: int = 0, verified: int = 1) -> Count:
    """The count of a list of ESAT, EI and ESUS to call."""
    return worth(disability + insertion + ess, verified, ESAT=disability, EI=insertion, ESUS=ess)


def codes(f: Facts) -> list[str]:
    made = advise(f)
    return [made.first.code, *(a.code for a in made.also)]


def refusal(f: Facts, code: str) -> str:
    return next(r.reason for r in advise(f).refused if r.code == code)


# R2122-8: below the threshold of the day, a contract may be concluded without publicity or competition
@pytest.mark.parametrize(("on", "works", "amount", "direct"), cases("thresholds of a direct purchase"))
def test_direct_purchase_below_a_dated_threshold(on: str, works: bool, amount: float, direct: bool) -> None:
    made = advise(facts(on=date.fromisoformat(on), works=works, amount=amount, everyone=worth(5)))
    assert (made.first.code == "direct") is direct
    if direct:
        assert made.first.articles == ("R2122-8",)
        assert any("systématiquement" in c for c in made.first.conditions)


def test_like_needs_are_added_up_before_the_threshold_is_read() -> None:
    known = facts(amount=45_000, everyone=worth(5))
    assert codes(replace(known, like_needs=10_000))[0] == "direct"
    assert "direct" not in codes(replace(known, like_needs=20_000))
    assert "besoins semblables compris" in refusal(replace(known, like_needs=20_000), "direct")
    unsaid = advise(replace(known, like_needs=None)).first
    assert any("additionner" in c for c in unsaid.conditions), "not said is not zero"
    assert "montant inconnu" in refusal(facts(amount=None, lot_amount=None), "direct")


# L2113-12 disability, L2113-13 insertion, L2113-14 both together: the notice must say it
@pytest.mark.parametrize(("counts", "article"), cases("articles that leave competition"))
def test_reserve_under_the_article_that_leaves_competition(counts: dict[str, int], article: str) -> None:
    made = advise(facts(everyone=open_to(**counts))).first
    assert made.code == "reserve" and made.title.endswith(f"({article})") and article in made.articles
    # a count is never bare
    assert any("à appeler" in reason and "vérifiée" in reason for reason in made.reasons)
    assert any("doit dire" in c for c in made.conditions) and any("irrecevable" in c for c in made.conditions)


def test_a_reserve_leaves_competition_of_verified_structures_under_the_law_of_the_day() -> None:
    assert codes(facts(everyone=open_to(disability=1, insertion=1))) == ["none"]
    assert "concurrence" in refusal(facts(everyone=open_to(disability=1, insertion=1)), "reserve")
    both = Weight(known=2, small=2)
    small = facts(everyone=open_to(insertion=4), weight={"L2113-13": both, "L2113-14": both})
    assert "trop petites" in refusal(small, "reserve"), "four on paper, two that could bear it"
    assert codes(facts(on=date(2020, 6, 1), everyone=open_to(disability=2, insertion=2))) == ["none"]
    assert codes(facts(on=date(2021, 6, 1), everyone=open_to(disability=2, insertion=2))) == ["reserve"]
    made = advise(facts(everyone=open_to(insertion=9, verified=0))).first
    assert made.code == "reserve-if-verified" and "sous condition" in made.title
    assert "aucune vérifiée active sur 9" in made.conditions[0] and "infructueux" in made.conditions[0]


def test_who_lends_staff_does_not_compete_for_a_lot_that_asks_for_none() -> None:
    lent = facts(works=True, amount=7e6, everyone=worth(5, ETTI=5), carriers=("ETTI A",), clause_hours=4000)
    assert codes(replace(lent, staff=False))[0] == "clause"
    assert "sans les 5 qui prêtent du personnel" in refusal(replace(lent, staff=False), "reserve")
    assert codes(lent)[0] == "reserve"
    quotes = advise(facts(amount=30_000, everyone=worth(4, EI=2, ETTI=2), staff=False)).first
    assert any("2 structures à appeler (sans les 2" in c for c in quotes.conditions)


def test_of_several_lots_one_is_reserved_and_defence_and_the_reserved_are_not() -> None:
    made = advise(facts(lots=4, everyone=open_to(insertion=3))).first
    assert made.code == "reserve-lot" and "ce lot" in made.title
    f = facts(defence=True, everyone=open_to(9, 9, 9), ess_service=True, public_service=True)
    assert "reserve" not in codes(f) and "reserve-ess" not in codes(f) and "défense" in refusal(f, "reserve")
    made = advise(facts(reserved=(), everyone=open_to(insertion=4)))
    assert made.first.code == "reserved"
    assert "article non précisé" in made.first.title, "the article is never guessed"
    assert "reserve" not in [a.code for a in made.also]
    assert "(L2113-12)" in advise(facts(reserved=("L2113-12",))).first.title


# L2113-15 and -16: listed services, with a public-service mission, three years at most
def test_reserve_to_ess_only_listed_services_with_a_public_service_mission() -> None:
    f = facts(ess_service=True, public_service=True, everyone=open_to(ess=4))
    made = advise(f).first
    assert made.code == "reserve-ess" and {"L2113-15", "L2113-16"} <= set(made.articles)
    assert any("trois ans" in c for c in made.conditions)
    assert any("trois années précédentes" in c for c in made.conditions)
    assert "reserve-ess" not in codes(replace(f, ess_service=False))
    assert "reserve-ess" not in codes(replace(f, public_service=False))
    assert "à confirmer" in advise(replace(f, public_service=None)).first.conditions[0]
    assert any("48 mois" in c for c in advise(replace(f, months=48)).first.conditions)
    assert "reserve-ess" not in codes(replace(f, everyone=open_to(ess=2)))


# L2113-10: the lot is the unit; which cut would bring how many
def test_allot_by_trade_where_nobody_has_them_all() -> None:
    f = facts(by_need={"nettoyage": 5, "espaces verts": 4}, everyone=worth(1))
    made = advise(f).first
    assert made.code == "allot" and "L2113-10" in made.articles
    assert "nettoyage : 5 structures" in made.reasons[0]
    assert "1 structure à appeler pour le lot entier" in made.reasons[0]
    assert any("seuils" in c for c in made.conditions), "a cut does not lower the thresholds"
    assert "allot" not in codes(replace(f, everyone=worth(3)))
    assert "allot" not in codes(replace(f, by_need={"nettoyage": 1, "espaces verts": 1}))


def test_allot_by_size_where_the_lot_weighs_too_much() -> None:
    f = facts(weight={"": Weight(known=5, comfortable=1, small=2)}, cuts={2: 3, 3: 4})
    assert advise(f).first.code == "allot" and "en 2 lots : 3" in advise(f).first.reasons[0]
    assert "allot" not in codes(replace(f, weight={"": Weight(known=5, comfortable=5)}, cuts={2: 5}))
    assert "aucun chiffre d'affaires connu" in refusal(facts(), "allot")
    assert "montant du lot inconnu" in refusal(facts(lot_amount=None), "allot")


# L2112-2-1: above the European thresholds, for consultations from 2026-08-22; whatever way is chosen
@pytest.mark.parametrize(("on", "amount", "works", "buyer", "due"), cases("thresholds of a social condition"))
def test_a_social_condition_is_a_duty(on: str, amount: float, works: bool, buyer: Any, due: bool) -> None:
    carriers = ("Relais (AI)", "Atout (ETTI)")
    given = {"on": date.fromisoformat(on), "amount": amount, "works": works, "buyer": buyer}
    f = facts(**given, clause_hours=800, carriers=carriers)
    made = advise(f)
    duties = {duty.code: duty for duty in made.duties}
    assert ("social-condition" in duties) is due and "environment" in duties
    assert made.first.code == "clause" and not {"social-condition", "environment"} & set(codes(f))
    assert not due or "L2112-2-1" in " ".join(duties["social-condition"].articles)
    assert "800 heures" in made.first.reasons[0] and "Relais (AI), Atout (ETTI)" in made.first.reasons[1]
    assert any("facilitateur" in c for c in made.first.conditions)


def test_no_clause_where_it_could_not_be_held() -> None:
    f = facts(clause_hours=800, carriers=("Relais (AI)",))
    assert codes(f) == ["clause"]
    assert "recrutement" in refusal(replace(f, clause_hours=139), "clause")
    assert "trop court" in refusal(replace(f, months=2), "clause")
    assert "aucune structure" in refusal(replace(f, carriers=()), "clause")


def test_quotes_are_asked_of_the_list_and_of_nobody_where_it_is_empty() -> None:
    some = facts(amount=30_000, everyone=Count(likely=1, plausible=4, kinds={"EI": 1}))
    (more,) = [c for c in advise(some).first.conditions if "devis" in c]
    assert "1 structure à appeler" in more and "4 à vérifier" in more
    assert "direct" not in codes(facts(amount=30_000))
    assert "liste ne montre aucune" in refusal(facts(amount=30_000), "direct")
    silent = advise(facts(amount=30_000, everyone=Count(to_ask=6))).first
    assert silent.code == "direct" and any("6 à interroger" in c for c in silent.conditions)


def test_none_is_stated_with_every_reason_and_what_to_do_before() -> None:
    made = advise(facts())
    assert made.first.code == "none" and made.also == () and len(made.first.reasons) == len(made.refused) == 5
    assert "R2111-1" in made.first.articles


HALF_LABOUR = Labour(key="t", label="t", share=0.5, hourly_cost=25.0)


def test_a_purchase_from_an_ea_or_esat_counts() -> None:
    bought = facts(everyone=open_to(disability=2), yearly=150_000.0, labour=HALF_LABOUR)
    made = advise(replace(bought, rate=0.03, contribution=30_000.0)).oeth
    assert isinstance(made, Advice)
    assert "22\u202f500 €" in made.reasons[1] and "75\u202f000 €" in made.reasons[1]
    assert any("attestation" in c for c in made.conditions) and "D5212-22" in " ".join(made.articles)


def test_no_effect_is_told_where_there_is_none_and_the_rate_is_asked_for() -> None:
    full = advise(facts(everyone=open_to(disability=2), yearly=150_000.0, rate=0.06)).oeth
    assert isinstance(full, Refused) and "6 %" in full.reason
    none = advise(facts(yearly=150_000.0, rate=0.02)).oeth
    assert isinstance(none, Refused) and "aucune EA" in none.reason
    made = advise(facts(everyone=open_to(disability=1), yearly=150_000.0))
    assert isinstance(made.oeth, Advice) and "taux d'emploi" in made.oeth.conditions[0]
    assert made.first.code == "none" and made.also == ()
