"""A model that is missing or damaged is a refusal with the remedy, whatever happened to it: never another answer."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from pytest import MonkeyPatch
from service.app import create_app
from service.settings import Settings

from matcher.domain import StaleArtefact
from matcher.learned import asks, cpv
from matcher.matching.engine import Matcher
from matcher.reference import paths

FILES = sorted(json.loads((paths.models_dir() / paths.MANIFEST).read_text(encoding="utf-8")))
DAMAGES: dict[str, Callable[[Path], object]] = {
    "missing": Path.unlink,
    "empty": lambda path: path.write_bytes(b""),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "one bit": lambda path: path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:]),
}


@pytest.fixture
def models(tmp_path: Path, monkeypatch: MonkeyPatch) -> Path:
    copied = shutil.copytree(paths.models_dir(), tmp_path / "models")
    monkeypatch.setattr(paths, "models_dir", lambda: copied)
    return copied


def test_the_models_are_those_of_the_manifest(models: Path) -> None:
    assert paths.model("cpv") == models / "cpv"
    before = (models / paths.MANIFEST).read_text(encoding="utf-8")
    assert paths.write_manifest(models).read_text(encoding="utf-8") == before


@pytest.mark.parametrize("damage", DAMAGES)
def test_every_file_damaged_in_every_way_is_named(models: Path, damage: str) -> None:
    for file in FILES:
        whole = (models / file).read_bytes()
        DAMAGES[damage](models / file)
        paths._verify.cache_clear()
        with pytest.raises(StaleArtefact, match=f"models/{file} .*matcher train manifest"):
            paths.model()
        with pytest.raises(StaleArtefact):
            paths.model(file.partition("/")[0])
        (models / file).write_bytes(whole)


@pytest.mark.parametrize("content", [None, "", "{}", "[]", "[1]", "nonsense"])
def test_without_its_manifest_nothing_is_read(models: Path, content: str | None) -> None:
    (models / paths.MANIFEST).unlink()
    if content is not None:
        (models / paths.MANIFEST).write_text(content, encoding="utf-8")
    paths._verify.cache_clear()
    with pytest.raises(StaleArtefact, match="matcher train manifest"):
        paths.model("asks")


def test_a_file_put_beside_a_model_is_used_once_it_is_named(models: Path) -> None:
    shutil.copy(models / "clauses" / "clauses.json", models / "clauses" / "ours.json")
    with pytest.raises(StaleArtefact, match=r"clauses/ours\.json"):
        paths.model("clauses")
    paths.write_manifest(models)
    assert paths.model("clauses").is_dir()


def test_nothing_starts_with_a_damaged_judgement(models: Path, matcher: Matcher, tmp_path: Path) -> None:
    (models / "judgement" / "judgement.json").write_text("", encoding="utf-8")
    paths._verify.cache_clear()
    with pytest.raises(StaleArtefact, match="judgement"):
        create_app(Settings(catalogue=tmp_path / "none", store=f"sqlite:///{tmp_path / 's.sqlite'}"))
    with pytest.raises(StaleArtefact, match="judgement"):
        Matcher(matcher.catalogue)


@pytest.mark.parametrize(("name", "load"), [("cpv", cpv.load), ("asks", asks.shipped.__wrapped__)])
def test_a_model_is_verified_where_it_is_read(models: Path, name: str, load: Callable[[], object]) -> None:
    load()
    next((models / name).glob("*.npz")).write_bytes(b"")
    paths._verify.cache_clear()
    with pytest.raises(StaleArtefact, match=name):
        load()
