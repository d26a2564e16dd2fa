"""The public benchmark: measures on judged needs and of probabilities, results as files, and the tables that stand in the docs."""

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from pytest import MonkeyPatch

from matcher.catalogue.build import build_catalogue
from matcher.domain import BadInput, Buyer, NotFound, Structure, Tender
from matcher.lab import benchmark, evaluation, leads, published
from matcher.lab.benchmark import bins, brier
from matcher.lab.evaluation import Question, question_of
from records import cases

ROOT = Path(__file__).parents[2]
NEEDS = ROOT / "data" / "benchmark" / "sample.queries.jsonl"


def test_measures_are_those_of_the_guide() -> None:
    yes = {"s": "yes", "j": {"x": [3, "said"], "y": [0, ""], "z": [2, "name"]}}
    rows = {"a": yes, "b": {"s": "no", "j": {"x": [0, ""]}}}
    ranking = [["unjudged", 9, 0.9], ["y", 1, 0.5], ["x", 0, 0.4]]
    lines = [{"query_id": "a", "ranking": ranking, "nobody": False}]
    lines += [{"query_id": "b", "ranking": [], "nobody": True}]
    found = leads.figures(lines, rows)
    ideal = 7 + 3 / math.log2(3)
    gained = (7 / math.log2(3) + 3 / 2) / ideal  # y, x, then z that was not ranked
    assert found["nDCG@5"] == [pytest.approx(gained)]
    assert (found["top1"], found["leads@5"], found["nobody wrong"]) == ([0.0], [1.0], [0.0])
    assert found["wrong@5"] == [pytest.approx(1 / 3)]
    assert found["nobody right"] == [1.0]
    assert leads.calibration(lines, rows)["AUC"] == 0.0  # the one wrong is given the better chance


@pytest.mark.parametrize(("notice", "departments"), cases("places of judged needs"))
def test_a_judged_need_stands_where_it_is_typed(notice: Mapping[str, object], departments: list[str]) -> None:
    (lot,) = question_of("q", notice).tender.lots
    assert [place.department for place in lot.places] == departments


def test_grades_of_structures_that_are_not_there_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    held = build_catalogue([Structure(siret=f"{1:014d}", name="A", kind="EI")], ())
    row = {"s": "yes", "j": {"000000000": [3, ""], "999999999": [0, ""]}}
    gone = {"s": "yes", "j": {"999999999": [3, ""]}}
    tenders = [Tender(id=name, format="need", title="x", buyer=Buyer()) for name in "ab"]
    asked = [Question(id=tender.id, tender=tender, day=None) for tender in tenders]
    made = leads.known(leads.Judgements(name="ours", questions=asked, rows={"a": row, "b": gone}), held)
    assert [q.id for q in made.questions] == ["a"] and made.rows["a"]["j"] == {"000000000": [3, ""]}
    assert "2 grades of ours" in capsys.readouterr().err
    with pytest.raises(BadInput, match="no need of ours"):
        leads.known(leads.Judgements(name="ours", questions=asked[1:], rows={"b": gone}), held)


def test_files_that_are_not_there_are_named(tmp_path: Path) -> None:
    (tmp_path / "own.queries.jsonl").write_text("{}\n", encoding="utf-8")
    with pytest.raises(NotFound, match=r"own\.judged\.jsonl"):
        leads.load(tmp_path / "own.queries.jsonl")
    with pytest.raises(BadInput, match=r"NAME\.queries\.jsonl"):
        leads.load(tmp_path / "own.jsonl")
    graded = {"query_id": "a", "s": "yes", "j": {"12345678900012": [2, ""], "987654321": [0, ""]}}
    (judged := tmp_path / "own.judged.jsonl").write_text(json.dumps(graded), encoding="utf-8")
    assert [*leads.judged(judged)["a"]["j"]] == ["123456789", "987654321"]  # a SIRET names its bidder too


def test_results_say_what_they_were_made_with(tmp_path: Path, monkeypatch: MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark, "SIMPLE", {name: benchmark.SIMPLE[name] for name in ("reference BM25", "badge and sector")})  # fmt: skip
    found = list(benchmark.on_judged([NEEDS], [ROOT / "data" / "sample"], ["default"], most=40))
    assert [each["method"] for each in found] == ["reference BM25", "badge and sector", "default"]
    yardstick, sector, ours = (each["figures"]["nDCG@5"][0] for each in found)
    assert ours > max(yardstick, sector) > 0.5
    alone = benchmark.on_judged([NEEDS], [ROOT / "data" / "sample"], ["lexical"], baselines=False, most=2)
    assert [each["method"] for each in alone] == ["reference BM25", "lexical"]
    published.write(found, tmp_path)
    kept = json.loads((tmp_path / "sample" / "default.json").read_text(encoding="utf-8"))
    assert kept["data"]["needs"] == 40 and len(kept["data"]["revision"]) == 12
    assert kept["recipe"]["judgement"] and kept["encoder"]
    assert kept["machine"]["cpu"] and kept["cost"]["ms"] > 0
    table = (tmp_path / "index.md").read_text(encoding="utf-8")
    assert table.index("reference BM25 | default | badge and sector") > 0
    assert "{:.3f} [{:.2f}, {:.2f}]".format(*kept["figures"]["nDCG@5"]) in table
    assert "default 0." in (tmp_path / "cost.svg").read_text(encoding="utf-8")
    ours_alone = [{**each, "task": "ours"} for each in found]  # a folder of one's own has a plot too
    assert "on the ours set" in published.plot(ours_alone) and "default 0." in published.plot(ours_alone)


def test_the_tables_of_the_docs_are_generated_from_the_results() -> None:
    folder = ROOT / "docs" / "benchmark"
    found = published.read(folder)
    assert {each["method"] for each in found if each["task"] == "sample"} >= {"reference BM25", "e5-small", "default", "rotating", "dense", "place alone", "badge and sector"}  # fmt: skip
    for task in {each["task"] for each in found} | set(benchmark.TASKS):
        methods = {each["method"] for each in found if each["task"] == task}
        assert {"reference BM25", "default", "dense", "lexical"} <= methods
    assert (folder / "index.md").read_text(encoding="utf-8") == published.tables(found)
    assert (folder / "cost.svg").read_text(encoding="utf-8") == published.plot(found)


def test_the_table_of_the_readme_is_that_of_the_results() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    folder = ROOT / "docs" / "benchmark"
    for task in benchmark.TASKS:
        (row,) = re.findall(rf"^\| {task}: .*$", text, flags=re.M)
        stated = [cell.strip().replace(",", "") for cell in row.split("|")[2:-1]]
        files = (folder / task / f"{name}.json" for name in ("default", "reference-BM25"))
        ours, reference = (json.loads(path.read_text(encoding="utf-8")) for path in files)
        of = [(each, name) for name in ("R@10", "nDCG@10") for each in (reference, ours)]
        figures = [f"{each['figures'][name][0]:.3f}" for each, name in of]
        assert stated == [str(ours["data"]["needs"]), str(ours["data"]["structures"]), *figures], task
    for method in ("badge-and-sector", "dense", "lexical"):
        kept = json.loads((folder / "notices_dev" / f"{method}.json").read_text(encoding="utf-8"))
        assert f"{kept['figures']['nDCG@5'][0]:.3f}" in text, method


def test_brier_and_skill_are_those_worked_by_hand_of_few_cases_too() -> None:
    result = brier([0.8, 0.8, 0.2, 0.2], [True, False, False, False])
    assert result["brier"] == pytest.approx((0.04 + 0.64 + 0.04 + 0.04) / 4)
    assert result["rate"] == 0.25 and result["base"] == pytest.approx(0.25 * 0.75)
    assert result["skill"] == pytest.approx(1 - 0.19 / 0.1875)
    assert sum(each["count"] for each in bins([0.1, 0.9], [False, True])) == 2
    with pytest.raises(BadInput, match="at least one"):
        brier([], [])


def test_well_calibrated_probabilities_lie_on_the_diagonal_and_have_skill() -> None:
    rng = np.random.default_rng(3)
    said = rng.random(20_000)
    outcomes = (rng.random(20_000) < said).tolist()
    tenths = bins(said.tolist(), outcomes)
    assert [each["count"] for each in tenths] == [2_000] * 10
    assert all(abs(each["mean_predicted"] - each["observed_rate"]) < 0.05 for each in tenths)
    assert brier(said.tolist(), outcomes)["skill"] > 0.2
    assert brier(said.tolist(), (rng.random(20_000) < said[::-1]).tolist())["skill"] < 0


def test_a_table_of_grades_is_a_judged_set(tmp_path: Path) -> None:
    rows = (
        "Nos notes",
        "Besoin;Lieu;SIRET;Note",
        "tonte;Brioude;000 000 001 00016;3",
        "tonte;Brioude;00000000200014;",
    )
    (table := tmp_path / "notes.csv").write_text(
        "\n".join([*rows, "audit;;00000000100010;0", "peinture;;;"]), "utf-8-sig"
    )
    out = tmp_path / "ours.judged.jsonl"
    queries = [leads.of_table(table, out) for _ in range(2)][1]  # twice adds nothing
    read = leads.load(queries)
    assert [one.tender.lots[0].places[0].label for one in read.questions[:1]] == ["Brioude"]
    expected = [("yes", {"000000001": [3]}), ("no", {"000000001": [0]})]
    assert [(row["s"], row["j"]) for row in read.rows.values()] == expected and len(
        out.read_text().splitlines()
    ) == 2
    assert [one.id for one in evaluation.questions(queries, [])] == ["tonte, Brioude", "audit", "peinture"]


@pytest.mark.parametrize(("line", "said"), cases("tables of grades that are none"))
def test_a_table_of_grades_that_is_none_is_told(tmp_path: Path, line: str, said: str) -> None:
    (table := tmp_path / "notes.csv").write_text(line)
    with pytest.raises(BadInput, match=said):
        leads.of_table(table, tmp_path / "ours.judged.jsonl")


def test_what_a_grade_leaves_out_is_taken_as_said(tmp_path: Path) -> None:
    path = tmp_path / "ours.judged.jsonl"
    grades = {"00000000100010": 3, "000000002": [1, "said"], "000000003": None}
    path.write_text(json.dumps({"query_id": "1", "j": grades}))
    expected = {"query_id": "1", "s": "yes", "j": {"000000001": [3], "000000002": [1, "said"]}}
    assert leads.judged(path)["1"] == expected
