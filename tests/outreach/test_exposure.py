"""Who is shown beside the chance of being a lead, and the turns of near-equals."""

import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pytest import MonkeyPatch
from service.page import operator

import made
from matcher.catalogue.catalogue import Catalogue
from matcher.domain import Place, Structure
from matcher.lab import leads
from matcher.matching import recipes
from matcher.matching.engine import Matcher
from matcher.outreach import exposure
from matcher.reading import gather
from matcher.reading.need import free_text_tender

NEEDS = Path(__file__).parents[2] / "data" / "benchmark" / "sample.queries.jsonl"
GARDEN = "Entretien d'espaces verts, tonte, taille de haies"


def gardeners(count: int) -> Catalogue:
    """Structures alike but for their number."""
    where = Place(postcode="92000", label="Nanterre", department="92")
    sirets = (f"0000000{number}00013" for number in range(11, 11 + count))
    listed = (made.structure(siret, "Structure", GARDEN, place=where) for siret in sirets)
    return made.matcher_over(listed).catalogue


def test_near_equals_get_their_turn_over_the_days() -> None:
    catalogue = gardeners(15)
    asked = [free_text_tender("tonte et taille de haies", Place(postcode="92000"))]
    still = exposure.measure(Matcher(catalogue), asked, n=5, days=20)
    turning = exposure.measure(Matcher(catalogue, recipes.named("rotating")), asked, n=5, days=20)
    assert (still.lots, still.credible) == (20, 1.0)
    assert still.never_shown == still.passed_over == pytest.approx(10 / 15)
    assert still.neglected == pytest.approx(10 / 15)
    attention = [1 / math.log2(rank + 1) for rank in range(1, 6)] + 10 * [0.0]
    assert still.gini == pytest.approx(exposure.gini(attention))
    assert still.distance == pytest.approx(10 / 15)  # what five have beyond their fifteenth each
    assert turning.never_shown == 0.0 and turning.gini < still.gini / 2
    assert turning.distance < still.distance / 2  # as likely each, so as much attention each


def test_who_is_to_be_asked_is_not_neglected() -> None:
    """Of twelve likely in reach five are shown; the three ESAT that say nothing are to be asked for laundry."""
    catalogue = gardeners(9)
    near = Place(postcode="92000", label="Nanterre", department="92")
    sirets = (f"0000000{number}00013" for number in (31, 32, 33))
    silent = [Structure(siret=siret, name="Alpha", kind="ESAT", place=near) for siret in sirets]
    said = [catalogue.structure(row) for row in range(len(catalogue))]
    matcher = made.matcher_over([*said, *silent])
    texts = ("tonte et taille de haies", "blanchisserie du linge")
    gardens, laundry = (free_text_tender(text, near) for text in texts)
    assert exposure.measure(matcher, [gardens], n=5).neglected == pytest.approx(7 / 12)
    assert exposure.measure(matcher, [gardens, laundry], n=5).neglected == pytest.approx(4 / 12)


def test_the_operators_page_tells_of_turns_and_counts_within_its_time(monkeypatch: MonkeyPatch) -> None:
    catalogue = gardeners(15)
    asked = [free_text_tender("tonte et taille de haies", Place(postcode="92000")) for _ in range(3)]

    def page(recipe: str) -> dict[str, Any]:
        turning = Matcher(catalogue, recipes.named(recipe))
        snapshot: Any = SimpleNamespace(matcher=turning, catalogue=catalogue, answerable=lambda: asked)
        snapshot.structure = lambda siret: catalogue.structure(catalogue.row(siret))
        return operator.exposure(snapshot)

    still = page("default")
    assert still["lots"] == 3
    assert still["passed_over_by_turns"] < still["passed_over"] == pytest.approx(5 / 15)
    assert page("rotating")["passed_over_by_turns"] is None
    monkeypatch.setattr(operator, "PATIENCE", 0.0)
    assert page("default")["lots"] == 1


def test_shares_of_groups_add_up_without_secret_needs(matcher: Matcher, sample: gather.Gathered) -> None:
    found = exposure.measure(matcher, sample.tenders[:6])
    assert set(found.groups) == {"kind", "evidence", "size", "department"}
    for rows in found.groups.values():
        assert sum(float(str(row["part de l'exposition"])) for row in rows) == pytest.approx(1, abs=0.01)
        assert sum(float(str(row["part des chances"])) for row in rows) == pytest.approx(1, abs=0.01)
    hidden = [replace(tender, confidential=True) for tender in sample.tenders[:6]]
    assert exposure.measure(matcher, hidden).lots == 0


def test_turns_cost_little_on_judged_needs_as_the_sheet_tells(catalogue: Catalogue, matcher: Matcher) -> None:
    turning = Matcher(catalogue, recipes.named("rotating"))
    before, after = leads.quality(matcher, [NEEDS]), leads.quality(turning, [NEEDS])
    assert before is not None and after is not None
    assert before > 0.85 and before - after < 0.02
    asked = [tender for _, tender in leads.tenders([NEEDS], [])]
    found = exposure.measure(matcher, asked[:10])
    text = exposure.written([exposure.Measured(matcher.versions, found, before)])
    assert f"{100 * found.never_shown:.1f} %".replace(".", ",") in text
    assert f"{before:.3f}".replace(".", ",") in text and matcher.versions["ranker"] in text
    written = (NEEDS.parents[2] / "docs" / "authority" / "algorithme.md").read_text(encoding="utf-8")
    figures = "## Qui est montré"  # what stands in the docs before them is what is generated
    assert written.partition(figures)[0] == text.partition(figures)[0] != text
    assert "L311-3-1" in text and "Recours" in text and "inventaire" in text
