"""Grading by people: blind, resumable, in the format that the judgement learns from."""

import json
from pathlib import Path

import pytest
from pytest import MonkeyPatch
from typer.testing import CliRunner

from matcher.catalogue.files import save_catalogue
from matcher.cli import build
from matcher.commands import train
from matcher.domain import BadInput
from matcher.lab import evaluation, leads
from matcher.lab.training import judgement as training
from matcher.lab.training.texts import OURS
from matcher.matching import recipes
from matcher.matching.engine import Matcher
from matcher.reference import paths

NEEDS = (
    {"query_id": "a", "notice": {"objet": "tonte des pelouses de la mairie", "lieuExecution": {"code": "35238", "typeCode": "Code commune"}}},
    {"query_id": "b", "notice": {"objet": "fourniture de gaz naturel", "lieuExecution": {"code": "35238", "typeCode": "Code commune"}}},
)  # fmt: skip


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    recipe = recipes.named("default")
    held = evaluation.catalogue_of([], [OURS / "judged_own.structures.jsonl.gz"], recipe, [])
    return Matcher(held, recipe, exhaustive=True)


@pytest.fixture
def queries(tmp_path: Path) -> Path:
    path = tmp_path / "ours.queries.jsonl"
    path.write_text("".join(json.dumps(need) + "\n" for need in NEEDS), encoding="utf-8")
    return path


def answers(*told: str):
    left = list(told)
    return lambda prompt: left.pop(0) if left else leads.STOP


def test_a_pool_is_shuffled_and_holds_the_best_of_the_ranking(matcher: Matcher, queries: Path) -> None:
    question = next(iter(evaluation.questions(queries, [])))
    query = matcher.queries(question.tender)[0]
    rows = leads.pool(matcher, query, "a")
    ranking = matcher.rank(query)
    best = [int(ranking.shortlist.candidates[i]) for i in ranking.order[: leads.FIRST]]
    assert set(best) <= set(rows)
    assert [row for row in rows if row in set(best)] != best
    assert rows == leads.pool(matcher, query, "a")
    sirens = matcher.catalogue.of_structure("siren")[rows]
    assert len(set(sirens)) == len(sirens) == leads.FIRST + leads.MEANT + leads.NEAREST


def test_what_is_shown_tells_no_rank(matcher: Matcher, queries: Path) -> None:
    shown: list[str] = []
    list(leads.graded(matcher, evaluation.questions(queries, []), answers("o"), shown.append))
    assert any("Rennes" in text for text in shown)
    assert not any(word in text for text in shown for word in ("score", "probab", "appeler"))


def test_words_wrong_keys_and_second_thoughts(matcher: Matcher, queries: Path) -> None:
    prompts: list[str] = []
    ask = answers("x", "oui", "9", "3", "dit", "2", "r", "1", "nom", *["0"] * 15)

    def heard(prompt: str) -> str:
        prompts.append(prompt)
        return ask(prompt)

    lines = list(leads.graded(matcher, evaluation.questions(queries, []), heard, lambda text: None))
    assert "« x » n'est pas une réponse : o, c, n" in prompts[1] and "« 9 »" in prompts[3]
    assert [(line["query_id"], line["s"], len(line["j"])) for line in lines] == [("a", "yes", 16)]
    assert sorted(value[0] for value in lines[0]["j"].values()) == [0] * 15 + [1]


def test_the_command_writes_what_training_reads(matcher: Matcher, queries: Path, tmp_path: Path) -> None:
    save_catalogue(matcher.catalogue, tmp_path / "catalogue")
    out = tmp_path / "ours.judged.jsonl"
    call = ["judge", str(queries), "--out", str(out), "--catalogue", str(tmp_path / "catalogue")]
    elsewhere = CliRunner().invoke(
        build(), [call[0], call[1], "--out", str(tmp_path / "ours.jsonl"), *call[4:]]
    )
    assert isinstance(elsewhere.exception, BadInput), "`evaluate` would not find it"
    # the end of what is typed stops as "q" does
    for typed, graded in (("o\n3\nd\n0\n\n", 2), ("q\n", 2), ("0\n" * 13 + "q\n", 15)):
        first = CliRunner().invoke(build(), call, input=typed)
        assert first.exit_code == 0, first.output
        assert {id: len(row["j"]) for id, row in training.judged(out).items()} == {"a": graded}
    assert "=== fourniture de gaz naturel" in first.output and "\n--- 4 sur 16" in first.output
    second = CliRunner().invoke(build(), call, input="n\n")
    assert second.exit_code == 0, second.output
    assert training.judged(out)["b"]["s"] == "no"
    assert [need.id for need in training.asked(matcher, tmp_path, "ours")] == ["a", "b"]
    lines = [json.loads(line) for line in out.read_text().splitlines()][-2:]
    lines[0]["j"] = {"999999999": [3, "said"]}  # of another directory
    out.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert [need.id for need in training.asked(matcher, tmp_path, "ours")] == ["b"]


def test_what_is_learnt_goes_where_it_is_read(monkeypatch: MonkeyPatch, tmp_path: Path) -> None:
    """From whatever folder the command runs."""
    written: list[object] = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(train, "_trained", lambda *given, **options: written.extend(given[2:]))
    monkeypatch.setattr(train.paths, "write_manifest", lambda folder: None)
    for name in ("asks", "said"):
        done = CliRunner().invoke(build(), ["train", name, "--data", str(tmp_path)])
        assert done.exit_code == 0, done.output
    assert written == [paths.models_dir() / "asks", paths.models_dir() / "judgement"]
