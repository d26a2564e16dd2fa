"""Dated rules: the expected values are written from the articles and from the notice of thresholds."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from matcher.domain import DISABILITY_KINDS, KINDS, SIAE_KINDS, BadInput
from matcher.reference import law

NOW = date(2026, 11, 24)


# -------------------------------------------------------------------------------------------- thresholds


@pytest.mark.parametrize(
    ("year", "state", "local", "entity", "works"),
    [
        (2016, 135_000, 209_000, 418_000, 5_225_000),
        (2017, 135_000, 209_000, 418_000, 5_225_000),
        (2018, 144_000, 221_000, 443_000, 5_548_000),
        (2020, 139_000, 214_000, 428_000, 5_350_000),
        (2022, 140_000, 215_000, 431_000, 5_382_000),
        (2024, 143_000, 221_000, 443_000, 5_538_000),
        (2026, 140_000, 216_000, 432_000, 5_404_000),
    ],
)
def test_formal_thresholds_of_each_period(year: int, state: int, local: int, entity: int, works: int) -> None:
    for day in (date(year, 1, 1), date(year, 12, 31)):
        found = {code: law.value(f"formal.{code}", day) for code in ("state", "local", "entity", "works")}
        assert found == {"state": state, "local": local, "entity": entity, "works": works}


@pytest.mark.parametrize(
    ("day", "supplies", "works"),
    [
        (date(2019, 12, 31), 25_000, 25_000),
        (date(2020, 1, 1), 40_000, 40_000),
        (date(2020, 7, 24), 40_000, 70_000),  # temporary, for works alone
        (date(2020, 12, 8), 40_000, 100_000),
        (date(2025, 12, 31), 40_000, 100_000),
        (date(2026, 3, 31), 40_000, 100_000),
        (date(2026, 4, 1), 60_000, 100_000),
        (NOW, 60_000, 100_000),
    ],
)
def test_direct_purchase(day: date, supplies: int, works: int) -> None:
    assert law.value("direct.supplies", day) == supplies
    assert law.value("direct.works", day) == works


def test_thresholds_leave_no_day_without_a_rule_and_none_with_two() -> None:
    codes = [f"formal.{k}" for k in ("state", "local", "entity", "works")] + [
        "direct.supplies",
        "direct.works",
    ]
    day = date(2016, 1, 1)
    while day <= date(2027, 12, 31):
        for code in codes:
            assert sum(r.holds(day) for r in law.all_rules() if r.code == code) == 1, (code, day)
        day += timedelta(days=1 if (day.month, day.day) in {(12, 31), (3, 31), (7, 23), (12, 7)} else 7)
    for day in (date(2016, 6, 1), date(2020, 8, 1), NOW):
        in_force = [r.code for r in law.rules(day)]
        assert len(in_force) == len(set(in_force))


@pytest.mark.parametrize(
    ("amount", "options", "expected"),
    [
        (59_999, {}, "direct"),
        (60_000, {}, "profile"),
        (89_999, {}, "profile"),
        (90_000, {}, "boamp"),
        (139_999, {"buyer": "state"}, "boamp"),
        (140_000, {"buyer": "state"}, "formal"),
        (215_999, {}, "boamp"),
        (216_000, {}, "formal"),
        (431_999, {"buyer": "entity"}, "boamp"),
        (99_999, {"works": True}, "direct"),
        (100_000, {"works": True}, "boamp"),
        (5_403_999, {"works": True}, "boamp"),
        (5_404_000, {"works": True}, "formal"),
        (5_000_000, {"social": True}, "social"),
        (10_000, {"social": True}, "direct"),
    ],
)
def test_the_procedure_of_an_amount_in_november_2026(
    amount: float, options: dict[str, object], expected: str
) -> None:
    found = law.procedure(amount, NOW, **options)  # type: ignore[arg-type]
    assert found is not None
    assert found[0] == expected
    assert all(r.holds(NOW) for r in found[1])


def test_the_same_amount_depends_on_the_day() -> None:
    march, april = law.procedure(50_000, date(2026, 3, 31)), law.procedure(50_000, date(2026, 4, 1))
    assert march is not None and april is not None
    assert (march[0], april[0]) == ("profile", "direct")
    assert law.procedure(50_000, date(2010, 1, 1)) is None  # thresholds of that day are not known here


# ------------------------------------------------------------------------------------------- reservations


@pytest.mark.parametrize(
    ("kind", "disability", "insertion", "prison", "ess"),
    [
        # L2113-12, L2113-13, L2113-13-1, L2113-15
        ("EA", True, False, False, None),
        ("EATT", True, False, False, None),
        ("ESAT", True, False, False, None),
        ("EI", False, True, False, None),
        ("ACI", False, True, False, None),
        ("AI", False, True, False, True),
        ("ETTI", False, True, False, None),
        ("EITI", False, None, False, None),  # uncertain
        ("GEIQ", False, False, False, None),  # an employers' group is not a SIAE
        ("SEP", False, False, True, False),
        ("ESUS", False, False, False, True),
        ("SCOP", False, False, False, True),
        ("SCIC", False, False, False, True),
        ("ASSO", False, False, False, True),
        ("MUTUELLE", False, False, False, True),
        ("FONDATION", False, False, False, True),
        ("", False, False, False, False),
        ("XYZ", None, None, None, None),
    ],
)
def test_kinds_admitted_by_each_article(
    kind: str, disability: bool | None, insertion: bool | None, prison: bool | None, ess: bool | None
) -> None:
    found = [law.eligible(kind, (a,), NOW) for a in ("L2113-12", "L2113-13", "L2113-13-1", "L2113-15")]
    assert found == [disability, insertion, prison, ess]


def test_every_kind_of_the_domain_gets_an_answer_under_every_article() -> None:
    for kind in KINDS:
        for one in ("L2113-12", "L2113-13", "L2113-14", "L2113-13-1", "L2113-15"):
            assert law.eligible(kind, (one,), NOW) in (True, False, None)


@pytest.mark.parametrize("articles", [(), ("L2113-14",), ("L2113-12", "L2113-13"), ("L2113-13", "L2113-12")])
def test_no_article_or_both_open_to_disability_and_insertion(articles: tuple[str, ...]) -> None:
    sure = (SIAE_KINDS - {"EITI"}) | DISABILITY_KINDS
    assert {k for k in KINDS if law.eligible(k, articles, NOW)} == sure
    assert law.eligible("EITI", articles, NOW) is None
    assert law.eligible("GEIQ", articles, NOW) is False
    assert law.eligible("", articles, NOW) is False


def test_another_status_held_counts() -> None:
    assert law.eligible("SCOP", ("L2113-12",), NOW) is False
    assert law.eligible("SCOP", ("L2113-12",), NOW, labels=("Qualibat", "ea")) is True


def test_the_prison_article_did_not_exist_before_2022() -> None:
    assert law.eligible("SEP", ("L2113-13-1",), date(2021, 6, 1)) is False
    assert law.eligible("SEP", ("L2113-13-1",), date(2022, 6, 1)) is True


def test_an_article_unknown_here_cannot_be_told() -> None:
    assert law.eligible("EA", ("L9999-1",), NOW) is None
    assert law.eligible("EA", ("L9999-1", "L2113-12"), NOW) is True


@pytest.mark.parametrize(
    ("written", "article"),
    [
        ("L2113-13", "L2113-13"),
        ("L. 2113-13", "L2113-13"),
        ("article L.2113-12 du code de la commande publique", "L2113-12"),
        ("L 2113-13-1", "L2113-13-1"),
        ("l2113-14", "L2113-14"),
        ("2113-15", "L2113-15"),
        ("R2113-7", "R2113-7"),
        ("voir le règlement", "voir le règlement"),
    ],
)
def test_articles_are_read_in_any_notation(written: str, article: str) -> None:
    assert law.article(written) == article


def test_articles_of_a_kind() -> None:
    assert law.articles_of("ESAT", NOW) == ("L2113-12",)
    assert law.articles_of("AI", NOW) == ("L2113-13", "L2113-15")
    assert law.articles_of("", NOW) == ()


def test_a_group_with_an_ordinary_firm_is_not_admissible_on_a_reserved_lot() -> None:
    assert law.group_admissible(("EI", "ACI"), ("L2113-13",), NOW) is True
    assert law.group_admissible(("EI", ""), ("L2113-13",), NOW) is False
    assert law.group_admissible(("EI", "ESAT"), ("L2113-13",), NOW) is False
    assert law.group_admissible(("EI", "ESAT"), ("L2113-14",), NOW) is True
    assert law.group_admissible(("EI", "EITI"), ("L2113-13",), NOW) is None
    assert law.group_admissible(("EI", "EITI", ""), ("L2113-13",), NOW) is False


def test_half_of_the_workers_and_three_years() -> None:
    share = law.rule("reservation.share", NOW)
    assert share is not None
    assert (share.article, share.value) == ("R2113-7", 0.5)
    assert law.value("reservation.ess-years", NOW) == 3


# -------------------------------------------------------------------------------- clauses, capacity, groups


def test_a_social_condition_is_mandatory_above_the_european_thresholds_from_22_august_2026() -> None:
    assert law.social_clause_mandatory(216_000, date(2026, 8, 21)) is False
    assert law.social_clause_mandatory(216_000, date(2026, 8, 22)) is True
    assert law.social_clause_mandatory(215_999, date(2026, 8, 22)) is False
    assert law.social_clause_mandatory(140_000, NOW, buyer="state") is True
    assert law.social_clause_mandatory(5_403_999, NOW, works=True) is False
    assert law.social_clause_mandatory(5_404_000, NOW, works=True) is True
    assert law.social_clause_mandatory(None, NOW) is None
    assert law.social_clause_mandatory(None, date(2020, 1, 1)) is False


def test_the_turnover_asked_is_capped_by_date() -> None:
    before, after = law.turnover_ceiling(date(2025, 12, 31)), law.turnover_ceiling(date(2026, 1, 1))
    assert before is not None and after is not None
    assert (before.value, after.value) == (2.0, 1.5)
    assert before.article == after.article == "R2142-7"


@pytest.mark.parametrize(
    ("code", "article"),
    [
        ("group.form", "R2142-20"), ("group.several", "R2142-21"), ("group.one-mandataire", "R2142-23"),
        ("group.mandataire-solidaire", "R2142-24"), ("group.several-offers", "R2151-7"), ("sourcing.allowed", "R2111-1"),
        ("sourcing.equal", "R2111-2"), ("allotment", "L2113-10"), ("clause.criterion", "R2152-7"), ("same-supplier", "R2122-8"),
    ],
)  # fmt: skip
def test_rules_bear_their_articles(code: str, article: str) -> None:
    found = law.rule(code, NOW)
    assert found is not None
    assert found.article == article


def test_changes_of_a_group_depend_on_the_day() -> None:
    before, after = law.rule("group.fixed", date(2024, 12, 31)), law.rule("group.fixed", date(2025, 1, 1))
    assert before is not None and after is not None
    assert "négociée" not in before.text
    assert "négociée" in after.text


def test_a_rule_is_shown_with_its_article_its_date_and_that_it_is_to_be_checked() -> None:
    found = law.turnover_ceiling(NOW)
    assert found is not None
    assert found.shown().endswith("(R2142-7, depuis le 01/01/2026 ; à vérifier).")
    for one in law.all_rules():
        assert one.article and one.text and not one.text.endswith(".")
        assert one.until is None or one.since <= one.until


def test_a_code_that_does_not_exist_is_said() -> None:
    with pytest.raises(BadInput, match="aucune règle"):
        law.rule("group.forme", NOW)
