"""A package installed beside this program adds siblings to its rooms by entry points."""

import io
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest import MonkeyPatch

from matcher import plugins
from matcher.catalogue.build import build_catalogue
from matcher.domain import BadInput, NotFound, Recipe, Rejected, Structure
from matcher.matching import judgement, recipes
from matcher.outreach import intake
from matcher.reading import files
from matcher.records.store import Store, now
from matcher.reference.french import iso

SOURCE = """
from matcher.domain import Structure

YIELDS = "structure"

def recognises(name, head):
    return head.startswith(b"#annuaire")

def read(stream, name):
    for line in stream.read().decode().splitlines()[1:]:
        siret, title, *kind = line.split("=")
        zone = {"zone": kind[1]} if kind[1:] else {}
        yield Structure(siret=siret, name=title, kind=kind[0] if kind else "", **zone)
"""
GUIDE = Path(__file__).parents[1] / "docs" / "how-to" / "plugins.md"
NOTICES = next(code for code in GUIDE.read_text("utf-8").split("```python") if '\nYIELDS = "tender"' in code)
ENCODER = "from matcher.learned.encoders.hashing import load\n"
POINTS = "[maillage.sources]\nannuaire = elsewhere_source\navis = elsewhere_notices\n\n[maillage.encoders]\nours = elsewhere_encoder\n"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: MonkeyPatch) -> Iterator[None]:
    (tmp_path / "elsewhere_source.py").write_text(SOURCE)
    (tmp_path / "elsewhere_notices.py").write_text(NOTICES.partition("```")[0], "utf-8")
    (tmp_path / "elsewhere_encoder.py").write_text(ENCODER)
    about = tmp_path / "elsewhere-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: elsewhere\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(POINTS)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    for memo in (plugins.names, plugins.installed):
        memo.cache_clear()
    yield
    for memo in (plugins.names, plugins.installed):
        memo.cache_clear()


@pytest.mark.usefixtures("package")
def test_a_source_and_an_encoder_of_another_package_are_used_by_name() -> None:
    (structure,) = files.read_stream(io.BytesIO(b"#annuaire\n00010001600013=Les Prairies"), "x.txt")
    assert isinstance(structure, Structure) and structure.name == "Les Prairies"
    assert "annuaire" in plugins.names("reading.sources")
    recipe = recipes.named("default", encoder="ours")
    made = build_catalogue([structure], [], recipe)
    assert (made.recipe.encoder, len(made)) == ("ours", 1)
    assert "another encoder than ours" in judgement.of_another_encoder(made)
    assert not judgement.of_another_encoder(build_catalogue([structure], [], recipes.named("default")))


@pytest.mark.usefixtures("package")
def test_what_is_told_of_a_structure_of_another_package_names_its_file_and_a_kind_is_said_for_it() -> None:
    content = b"#annuaire\n00010001600013=Les Prairies=Ferme\n1=Court=EI"
    unknown, short = files.read_stream(io.BytesIO(content), "x.txt")
    assert isinstance(unknown, Structure) and isinstance(short, Rejected)
    assert ("kind-unknown" in unknown.flags, unknown.source, short.path) == (True, "x.txt", "x.txt")
    known, _ = files.read_stream(io.BytesIO(content), "x.txt", columns={"kind:Ferme": "ACI"})
    assert isinstance(known, Structure) and (known.kind, known.flags) == ("ACI", ("place-unknown",))


@pytest.mark.usefixtures("package")
def test_a_field_of_another_type_is_told_and_the_other_structures_go_on() -> None:
    content = b"#annuaire\n00010001600013=Les Prairies=EI=35\n00010001600021=Les Bois=EI"
    wrong, right = files.read_stream(io.BytesIO(content), "x.txt")
    assert isinstance(wrong, Rejected) and isinstance(right, Structure) and right.name == "Les Bois"
    assert "field zone" in wrong.reason and "annuaire" in wrong.reason


@pytest.mark.usefixtures("package")
def test_a_night_reads_the_notices_of_the_source_that_it_names(tmp_path: Path) -> None:
    path = tmp_path / "export.txt"
    path.write_text(
        "ID;ACHETEUR\nA1;Ville;Tonte, lot réservé aux EA et ESAT;Metz;2026-12-01;2026-12-20\nA2;Ville\n",
        "utf-8",
    )
    with Store.open(f"sqlite:///{tmp_path}/s.sqlite") as store:
        intake.remember(store, intake.read(store, [path], now()))  # taken for a text
        found = intake.read(store, [path], now(), source="avis")
        intake.remember(store, found)
        assert intake.read(store, [path], now(), source="avis").known == 1
    (tender,), (bad,) = found.tenders, found.rejected
    assert tender.deadline is not None and iso(tender.deadline) == "2026-12-20"
    assert tender.lots[0].reservation is not None, "as its words say"
    assert (tender.lots[0].places[0].department, bad.record) == ("57", "line 3")


def test_without_the_package_the_names_that_there_are_are_listed() -> None:
    with pytest.raises(NotFound, match=r"choose one of .*static.*, or name .* PACKAGE\.ours"):
        plugins.find("learned.encoders", "ours")


def test_a_model_is_chosen_by_its_name_and_a_recipe_by_its_file(tmp_path: Path) -> None:
    other = recipes.named("default", encoder="some/model")
    assert (other.encoder, other.encoder_options) == ("sentence", {"model": "some/model"})
    path = tmp_path / "ours.toml"
    path.write_text("rotation = 0.5")
    assert recipes.named(str(path)) == Recipe(name="ours", rotation=0.5)
    assert recipes.named("default") == Recipe()
    path.write_text("judgment = false")
    with pytest.raises(BadInput, match=r"the key .judgment.: a recipe knows .*judgement"):
        recipes.named(str(path))
    path.write_text("rotation = much")
    with pytest.raises(BadInput, match="is no recipe"):
        recipes.named(str(path))
