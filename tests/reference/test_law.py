"""Dated rules: the expected values are written from the articles and from the notice of thresholds."""

import ast
import csv
import json
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest import MonkeyPatch

from matcher import domain
from matcher.domain import Buyer, Clause, Lot, Reservation, Tender
from matcher.reference import law
from records import cases

NOW = date(2026, 11, 24)


@pytest.mark.parametrize(("kinds", "articles"), cases("kinds admitted"))
def test_kinds_admitted_by_each_article(kinds: list[str], articles: dict[str, bool | None]) -> None:
    """Unknown where it depends on the structure."""
    for kind in kinds:
        assert {article: law.eligible(kind, (article,), NOW) for article in articles} == articles


@pytest.mark.parametrize("articles", [(), ("L2113-14",), ("L2113-12", "L2113-13"), ("L2113-13", "L2113-12")])
def test_no_article_or_both_open_to_disability_and_insertion(articles: tuple[str, ...]) -> None:
    sure = (domain.SIAE_KINDS - {"EITI"}) | domain.DISABILITY_KINDS
    assert {k for k in domain.KINDS if law.eligible(k, articles, NOW)} == sure
    assert law.eligible("EITI", articles, NOW) is None
    assert law.eligible("GEIQ", articles, NOW) is False
    assert law.eligible("", articles, NOW) is False


def test_another_status_held_counts() -> None:
    assert law.eligible("SCOP", ("L2113-12",), NOW) is False
    assert law.eligible("SCOP", ("L2113-12",), NOW, labels=("Qualibat", "ea")) is True


# ordonnance 2022-1336, article 19, published on 2022-10-20: "des opérateurs économiques qui les exécutent [...] en
# établissement pénitentiaire [...] des personnes détenues dans une proportion minimale fixée par voie réglementaire"
def test_the_prison_article_holds_since_20_october_2022_for_whoever_executes_there() -> None:
    assert law.eligible("SEP", ("L2113-13-1",), date(2022, 10, 19)) is False
    assert law.eligible("SEP", ("L2113-13-1",), date(2022, 10, 20)) is True
    assert law.eligible("", ("L2113-13-1",), NOW) is None, "no status is asked of who works in prison"
    assert law.value("reservation.prison-share", NOW) == 0.5
    assert law.value("reservation.prison-share", date(2022, 11, 1)) is None


# loi 2018-771, article 83: the experiment runs until 2026-12-22
def test_the_experiment_of_the_eiti_ends_on_22_december_2026() -> None:
    assert law.eligible("EITI", ("L2113-13",), date(2026, 12, 22)) is None
    assert law.eligible("EITI", ("L2113-13",), date(2026, 12, 23)) is False


# L3113-1 to L3113-3: the same structures for concessions
def test_reserved_concessions_admit_the_same_structures() -> None:
    admitted = ("ESAT L3113-1", "EI L3113-2", "SEP L3113-2-1", "ESAT L3113-3")
    for kind, article in map(str.split, admitted):
        assert law.eligible(kind, (article,), NOW) is True, article
    assert law.eligible("EI", ("L3113-1",), NOW) is False


def test_what_is_unknown_leaves_the_answer_unknown_but_before_there_was_a_rule() -> None:
    assert law.eligible("EA", ("L9999-1",), NOW) is None
    assert law.eligible("EA", ("L9999-1", "L2113-12"), NOW) is True
    assert law.social_clause_mandatory(None, NOW) is None
    assert law.social_clause_mandatory(None, date(2020, 1, 1)) is False


def test_social_services_and_entities_have_their_own_thresholds_and_defence_is_free() -> None:
    due = law.social_clause_mandatory
    assert [due(a, NOW, social=True) for a in (749_999, 750_000)] == [False, True]  # R2131-14
    assert [due(a, NOW, buyer="entity", social=True) for a in (999_999, 1_000_000)] == [False, True]
    assert [due(a, NOW, buyer="entity") for a in (431_999, 432_000)] == [False, True]
    assert due(9e6, NOW, defence=True) is False  # L2312-1-1: it may, it need not
    assert [due(a, NOW, buyer=None) for a in (100_000, 200_000, 500_000)] == [False, None, True]


CLEANING = Lot(id="l", title="Nettoyage des locaux", cpv=("90910000",), amount=300_000)


def call(*lots: Lot, buyer: str = "21750001600019", day: date = NOW, flags: tuple[str, ...] = ()) -> Tender:
    stated: dict[str, Any] = {"buyer": Buyer(id=buyer), "lots": lots, "published": day, "flags": flags}
    return Tender(id="t", format="boamp", title="Nettoyage", **stated)


def test_what_the_law_wants_is_reported_as_the_laws_with_its_choice_exceptions_and_reasons() -> None:
    found = law.social_duty(call(CLEANING), CLEANING)
    assert found is not None and found.article == "L2112-2-1" and found.since == date(2026, 8, 22)
    told = """Aucune clause sociale n'a été lue|216\u202f000|L'acheteur choisit laquelle|pas forcément des heures
        immédiatement disponible|lien suffisant|concurrence|six mois|raisons|À vérifier"""
    assert not [words for words in re.split(r"\||\n\s*", told) if words not in found.text]
    assert "demande des heures" not in found.text and "le lot demande" not in found.text.lower()
    assert "à vérifier" in found.short and "L2112-2-1" in found.short


def test_the_api_tells_the_duty_next_to_the_lot_and_not_among_its_clauses() -> None:
    from service import wire

    told = wire.lot_answer(domain.LotAnswer(lot=CLEANING, matches=()), call(CLEANING))
    assert [(w.code, w.article) for w in told.law] == [("social-duty", "L2112-2-1")]
    assert told.lot.clauses == []
    stated = replace(CLEANING, clauses=(Clause(hours=200.0),))
    assert wire.lot_answer(domain.LotAnswer(lot=stated, matches=()), call(stated)).law == []


def test_no_duty_is_reported_where_the_notice_speaks_the_law_does_not_hold_or_no_size_is_stated() -> None:
    def duty(lot: Lot = CLEANING, **given: Any) -> law.SocialDuty | None:
        return law.social_duty(call(lot, **given), lot)

    assert duty(day=date(2026, 8, 21)) is None
    assert duty(replace(CLEANING, clauses=(Clause(hours=200.0),))) is None
    assert duty(replace(CLEANING, reservation=Reservation())), "the article excepts no reserved lot"
    assert duty(replace(CLEANING, amount=None)) is None
    read = duty(replace(CLEANING, inferred=("amount",)))
    assert read and "lu dans le texte" in read.text
    assert duty(flags=("defence",)) is None
    small = replace(CLEANING, amount=150_000)
    criterion = replace(CLEANING, clauses=(Clause(nature="criterion"),))
    assert duty(small) is None and duty(small, buyer="11000201100044")
    assert duty(replace(CLEANING, cpv=("85320000",))) is None, "social services: 750 000"
    assert duty(criterion), "a criterion is no condition of execution"


def test_a_concession_has_its_own_threshold_and_lots_and_years_are_added_up() -> None:
    theatre = Lot(id="c", title="Exploitation du théâtre", cpv=("92320000",), amount=6e6)
    found = law.social_duty(call(theatre, flags=("concession",)), theatre)
    assert found is not None and found.article == "L3114-2-1" and "5\u202f404\u202f000" in found.text
    smaller = replace(theatre, amount=5e6)
    assert law.social_duty(call(smaller, flags=("concession",)), smaller) is None
    half = replace(CLEANING, amount=120_000)
    assert law.social_duty(call(half), half) is None
    assert law.social_duty(call(half, replace(half, id="m", number="2")), half)
    yearly = replace(half, amount_period="year", duration_months=24)
    assert law.social_duty(call(yearly), yearly)


def test_the_value_counts_renewals_and_the_maximum_of_a_framework() -> None:
    yearly = replace(CLEANING, amount=60_000, amount_period="year", duration_months=12)
    assert law.social_duty(call(yearly), yearly) is None
    renewed = replace(yearly, renewals=3, renewal_months=12.0)
    assert law.social_duty(call(renewed), renewed)
    least = replace(CLEANING, amount=None, amount_max=215_999)
    assert law.social_duty(call(least), least) is None
    most = replace(CLEANING, amount=None, amount_max=216_000)
    assert law.social_duty(call(most), most)


def test_the_threshold_is_that_of_the_nature_that_the_notice_states() -> None:
    works = Lot(id="w", title="Pose", cpv=("44112000",), amount=3e6, contract_type="works")
    assert law.social_duty(call(works), works) is None
    supplies = Lot(id="s", title="Bungalows", cpv=("45223810",), amount=1e6, contract_type="supplies")
    assert law.social_duty(call(supplies), supplies)
    unstated = replace(supplies, contract_type="")
    assert law.social_duty(call(unstated), unstated) is None, "by its code, works"


def test_short_works_mention_that_their_exception_is_open() -> None:
    works = Lot(id="w", title="Réfection", cpv=("45450000",), amount=6e6, duration_months=5)
    found = law.social_duty(call(works), works)
    assert found is not None and "Durée de 5 mois" in found.text
    longer = replace(works, duration_months=6)
    told = law.social_duty(call(longer), longer)
    assert told is not None and "Durée de" not in told.text


def test_a_rule_is_shown_with_its_article_its_date_and_that_it_is_to_be_checked() -> None:
    found = law.turnover_ceiling(NOW)
    assert found is not None
    assert found.shown().endswith("(R2142-7, depuis le 01/01/2026 ; texte non relu, à vérifier).")
    read = law.rule("reservation.prison", NOW)
    assert read is not None and read.shown().endswith("(L2113-13-1, depuis le 20/10/2022 ; à vérifier).")
    for one in law.all_rules():
        assert one.article and one.text and not one.text.endswith(".") and one.source
        assert one.until is None or one.since <= one.until


def test_the_articles_of_the_code_are_cited_since_the_code_came_and_older_ones_before() -> None:
    for one in law.all_rules():
        if re.match(r"[LRD][23]\d{3}-", one.article):
            assert one.since >= date(2019, 4, 1), one
    assert law.article_of("reservation.disability", date(2018, 5, 1)) == "ordonnance 2015-899, article 36, I"
    # the latest where none held yet
    assert law.article_of("clause.mandatory", date(2020, 1, 1)) == "L2112-2-1"


def test_public_employers_and_services_of_ess_enterprises_have_their_own_rules() -> None:
    found = law.rule("oeth.public", NOW)
    assert found is not None and "FIPHFP" in found.text and not found.verified and "non relu" in found.shown()
    assert all(map(law.ess_service, ("92511000", "92521000", "85312310")))
    assert not any(map(law.ess_service, ("80530000", "90910000", "55523000")))


def written() -> dict[tuple[str, str], tuple[str, str, str]]:
    """Each row written a second time, for these tests, by code and first day: article, last day, figure."""
    with (Path(__file__).parents[1] / "data" / "law.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {(row["code"], row["since"]): (row["article"], row["until"], row["value"]) for row in rows}


def as_written(found: law.Rule | None) -> tuple[str, str, str] | None:
    figure = "" if found is None or found.value is None else f"{found.value:.12g}"
    return found and (found.article, str(found.until or ""), figure)


@pytest.mark.parametrize("rule", law.all_rules(), ids=lambda rule: f"{rule.code} {rule.since}")
def test_each_rule_applies_on_its_first_and_last_day_and_not_the_day_before_or_after(rule: law.Rule) -> None:
    """Both cases of every rule, against the second writing: a slip of the pen in either is seen, and a rule left out."""
    expected = written()[rule.code, str(rule.since)]
    last, day = date.fromisoformat(expected[1] or str(max(NOW, rule.since))), timedelta(days=1)
    assert [as_written(law.rule(rule.code, on)) for on in (rule.since, last)] == [expected, expected]
    assert as_written(law.rule(rule.code, rule.since - day)) != expected
    assert not expected[1] or as_written(law.rule(rule.code, last + day)) != expected


def test_no_rule_is_lost_and_a_code_that_does_not_exist_is_stated() -> None:
    assert written().keys() == {(rule.code, str(rule.since)) for rule in law.all_rules()}
    with pytest.raises(domain.BadInput, match="aucune règle"):
        law.rule("group.forme", NOW)


def test_the_users_own_table_corrects_the_law(tmp_path: Path, monkeypatch: MonkeyPatch) -> None:
    shipped = Path(__file__).parents[2] / "data" / "assumptions" / "law.csv"
    own = tmp_path / "assumptions" / "law.csv"
    own.parent.mkdir()
    written = shipped.read_text(encoding="utf-8")
    own.write_text(written.replace(",2026-12-22,", ",2028-12-22,"), encoding="utf-8")
    monkeypatch.setenv("MATCHER_HOME", str(tmp_path))
    assert law.eligible("EITI", ("L2113-13",), date(2027, 6, 1)) is None
    own.write_text(written.replace(",2026-12-22,", ",22/12/2028,"), encoding="utf-8")
    os.utime(own, (1, 1))
    law._by_code.cache_clear()
    with pytest.raises(domain.BadInput, match=r"law\.csv, ligne"):
        law.all_rules()


def test_the_command_shows_the_rules_of_a_day_and_which_were_read(capsys: pytest.CaptureFixture[str]) -> None:
    from matcher.commands import law as command

    command.run("reservation.prison", on=date(2022, 10, 20), format="jsonl")
    (row,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (row["article"], row["depuis"], row["texte"]) == ("L2113-13-1", "2022-10-20", "lu")
    with pytest.raises(domain.NoValidRecords, match=r"reservation\.prison"):
        command.run("reservation.prison", on=date(2022, 10, 19), format="jsonl")


#: What a notice says is read there, in its own words and codes; the domain names which article a reservation is.
READERS = re.compile(r"clause|sources/|domain\.py$|law\.py$|training/")
CITED = re.compile(r"\b[LRD]\.? ?(?:[23]\d{3}|5212|351)-\d")


def _literals(path: Path) -> Iterator[str]:
    if path.suffix == ".html":
        yield path.read_text(encoding="utf-8")
        return
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    told = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}  # docstrings
    strings = (node for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))
    yield from (str(node.value) for node in strings if id(node) not in told)


def test_no_article_of_law_is_written_outside_the_table() -> None:
    root = Path(__file__).parents[2]
    globs = ("src/**/*.py", "service/**/*.py", "service/**/*.html")
    files = (path for each in globs for path in root.glob(each))
    others = (path for path in files if not READERS.search(path.as_posix()))
    found = [f"{path}: {text[:80]}" for path in others for text in _literals(path) if CITED.search(text)]
    assert not found, "ask matcher.reference.law for the article of a day"
