"""A damaged catalogue is told in one sentence, whichever byte of it changed; it never answers wrongly."""

import random
import shutil
from pathlib import Path

import pytest

from matcher.catalogue.build import build_catalogue
from matcher.catalogue.catalogue import Catalogue
from matcher.catalogue.files import load_catalogue, save_catalogue
from matcher.matching import recipes
from matcher.reading import gather


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    sample = gather.gather([Path(__file__).parents[2] / "data" / "sample"])
    made = tmp_path_factory.mktemp("damage") / "catalogue"
    catalogue = build_catalogue(sample.structures[:20], sample.awards, recipes.named("default"))
    save_catalogue(catalogue, made, lambda fresh: gather.save_notices(sample.tenders, fresh))
    return made


def opened(folder: Path) -> Catalogue:
    catalogue = load_catalogue(folder)
    gather.load_notices(folder)
    return catalogue


def mutant(folder: Path, target: Path, seed: int) -> str:
    """A copy with one file changed: a byte, a run, cut, emptied, lengthened or gone."""
    chance = random.Random(seed)
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(folder, target)
    path = chance.choice(sorted(p for p in target.rglob("*") if p.is_file()))
    data = bytearray(path.read_bytes())
    place = chance.randrange(len(data))
    how = chance.randrange(6)
    if how == 0:
        data[place] ^= 1 << chance.randrange(8)
    elif how == 1:
        data[place : place + 64] = chance.randbytes(64)
    elif how == 2:
        del data[place:]
    elif how == 3:
        data = bytearray()
    elif how == 4:
        data += b"\0"
    path.unlink() if how == 5 else path.write_bytes(data)
    return f"{path.relative_to(target)}, {how}"


def test_every_mutant_is_reported(folder: Path, tmp_path: Path) -> None:
    assert len(opened(folder)) > 19 and len(gather.load_notices(folder)) > 5
    for seed in range(120):
        what = mutant(folder, tmp_path / "mutant", seed)
        try:
            opened(tmp_path / "mutant")
        except Exception as error:
            sentence = str(error)
            assert type(error).__name__ in ("StaleArtefact", "NotFound"), (what, error)
            assert "matcher index" in sentence and "\n" not in sentence, what
        else:  # only white space of the manifest can change without harm
            assert what.startswith("manifest.json"), what


def test_notices_written_later_are_of_the_catalogue(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "later")
    notices = gather.load_notices(folder)
    gather.save_notices(notices[:2], tmp_path / "later")
    assert gather.load_notices(tmp_path / "later") == notices[:2]
