"""One contract for each room, asked of every file in it: a new sibling is tested by existing."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pytest import MonkeyPatch

from matcher import plugins
from matcher.catalogue.build import build_catalogue
from matcher.catalogue.catalogue import Catalogue
from matcher.catalogue.files import save_catalogue
from matcher.catalogue.texts import Vectors
from matcher.domain import Place
from matcher.matching.engine import Matcher
from matcher.matching.search import query_of, shortlist_of
from matcher.matching.shortlist import Shortlist
from matcher.reading import gather
from matcher.reading.need import free_text_tender
from matcher.reference.paths import models_dir

TEXTS = "entretien des espaces verts,nettoyage,peinture de logements,blanchisserie,traiteur".split(",")
ROOMS = ("learned.encoders", "catalogue.indexes", "matching.signals", "matching.rankers")
ROOMS += ("reading.sources", "commands")
#: What an index needs to be loaded here; a sibling that cannot is skipped with its reason.
NEEDS = {"pgvector": "wants a PostgreSQL server"}


COPIES = "copied"  # a package of copies of every sibling, under names of its own


@pytest.fixture(scope="module", autouse=True)
def _copies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Every sibling once more as a plug outside the tree, under another name: nobody may ask for a file name."""
    home = tmp_path_factory.mktemp("plugs")
    for room in ROOMS:
        folder = home / COPIES / room.replace(".", "_")
        folder.mkdir(parents=True)
        for name in plugins.names(room):
            source = Path(str(plugins.find(room, name).__file__))
            shutil.copy(source, folder / f"another_{name}.py")
    with MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(home))
        yield


def renamed(room: str, name: str) -> str:
    return f"{COPIES}.{room.replace('.', '_')}.another_{name}"


def both(room: str) -> list[str]:
    """Each sibling of a room by its file name, and by the dotted path of its copy."""
    return [*plugins.names(room), *(renamed(room, name) for name in plugins.names(room))]


def skip_without(name: str) -> None:
    bare = name.rpartition("another_")[2]
    if bare in NEEDS:
        pytest.skip(NEEDS[bare])


#: Directions, then texts without one.
BROKEN = "March\ufffd de ma\ufffdtrise d'\ufffduvre"
ODD = ["RÉNOVATION D’UN GYMNASE <br /> LOT N°2 : MENUISERIES", BROKEN, "", " \n ", "???"]


def loaded(name: str) -> Any:
    sentence = {"model": str(models_dir() / "encoder")} if name.endswith("sentence") else {}
    return plugins.find("learned.encoders", name).load(**sentence)


@pytest.mark.parametrize("name", both("learned.encoders"))
def test_encoder(name: str) -> None:
    encoder, texts = loaded(name), [*TEXTS, *ODD]
    vectors = encoder.encode(texts)
    assert vectors.shape == (len(texts), encoder.dimension)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors[:-3], axis=1), 1, atol=1e-5)
    assert not vectors[-3:].any()
    np.testing.assert_array_equal((vectors[:-3] @ vectors[:-3].T).argmax(axis=1), np.arange(len(texts) - 3))
    again = loaded(name)
    assert encoder.fingerprint == again.fingerprint
    np.testing.assert_array_equal(vectors, again.encode(texts))
    alone = np.vstack([encoder.encode([text], "query") for text in texts])
    np.testing.assert_allclose(encoder.encode(texts, "query"), alone, atol=1e-6)
    assert encoder.encode([]).shape == (0, encoder.dimension)


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    return plugins.find("learned.encoders", "hashing").load().encode(TEXTS)


@pytest.mark.parametrize("name", both("catalogue.indexes"))
def test_index(name: str, vectors: np.ndarray, tmp_path: Path) -> None:
    skip_without(name)
    module = plugins.find("catalogue.indexes", name)
    held = Vectors.of(TEXTS, vectors)
    index = module.build(TEXTS, held)
    for text, vector in zip(TEXTS, vectors, strict=True):
        every = index.compare(text, vector, None)
        assert every.shape == (len(TEXTS),)
        np.testing.assert_allclose(index.compare(text, vector, np.array([3, 1])), every[[3, 1]], rtol=1e-6)
        found = index.search(text, vector, 3)
        assert found[0] == TEXTS.index(text)  # itself first: higher is better
        assert list(every[found]) == sorted(every[found], reverse=True)
        allowed = np.array([False, True, True, False, True])
        assert allowed[index.search(text, vector, 5, allowed)].all()
        assert len(index.search(text, vector, 5, np.zeros(5, dtype=bool))) == 0
    index.save(tmp_path / name)
    again = module.load(tmp_path / name, held)
    likeness = index.compare(TEXTS[0], vectors[0], None)
    np.testing.assert_array_equal(again.compare(TEXTS[0], vectors[0], None), likeness)
    best = index.search(TEXTS[1], vectors[1], 4)
    np.testing.assert_array_equal(again.search(TEXTS[1], vectors[1], 4), best)


@pytest.mark.parametrize("name", both("catalogue.indexes"))
def test_index_of_nothing_and_of_one(name: str, vectors: np.ndarray) -> None:
    skip_without(name)
    build = plugins.find("catalogue.indexes", name).build
    empty = build([], Vectors.of([], vectors[:0]))
    assert len(empty.search("nettoyage", vectors[0], 5)) == 0
    assert empty.compare("nettoyage", vectors[0], None).shape == (0,)
    assert list(build(TEXTS[:1], Vectors.of(TEXTS[:1], vectors[:1])).search(TEXTS[0], vectors[0], 5)) == [0]


@pytest.fixture(scope="module")
def shortlist(catalogue: Catalogue) -> Shortlist:
    tender = free_text_tender("entretien des espaces verts d'une école", Place(department="93"))
    return shortlist_of(catalogue, query_of(catalogue, tender.lots[0], tender))


@pytest.mark.parametrize("name", both("matching.signals"))
def test_signal(name: str, shortlist: Shortlist, catalogue: Catalogue) -> None:
    signal = plugins.find("matching.signals", name)
    column = signal.measure(shortlist)
    assert column.shape == (len(shortlist),)
    np.testing.assert_array_equal(column, signal.measure(shortlist))
    assert not np.isinf(column).any()
    for i in (0, len(shortlist) // 2, len(shortlist) - 1):
        why = signal.explain(shortlist, i, float(column[i]))
        assert why.text and not why.text.startswith("nan")
    nothing = free_text_tender("xyzzy")  # no place, no known word: unknown, never an error
    bare = shortlist_of(catalogue, query_of(catalogue, nothing.lots[0], nothing))
    assert signal.measure(bare).shape == (len(bare),)


@pytest.mark.parametrize("name", both("matching.rankers"))
def test_ranker_is_additive_and_monotone(name: str, matcher: Matcher, shortlist: Shortlist) -> None:
    ranker = plugins.find("matching.rankers", name).load()
    for signal in ranker.signals:
        column = plugins.find("matching.signals", signal).measure(shortlist)
        shortlist = replace(shortlist, columns={**shortlist.columns, signal: column})
    parts = ranker.contributions(shortlist)
    assert set(parts) == set(ranker.signals)
    assert not any(np.isnan(part).any() for part in parts.values())
    for signal in ranker.signals:  # more of a good thing never costs
        values = np.sort(shortlist.columns[signal])
        given = replace(shortlist, columns={**shortlist.columns, signal: values})
        steps = np.diff(ranker.contributions(given)[signal][~np.isnan(values)])
        assert (steps >= -1e-9).all(), signal
    chances = ranker.probability(np.linspace(-20, 20, 50))
    assert ((chances >= 0) & (chances <= 1)).all()
    assert (np.diff(chances) >= 0).all()


@pytest.mark.parametrize("name", both("reading.sources"))
def test_source_declares_its_contract(name: str) -> None:
    source = plugins.find("reading.sources", name)
    assert source.YIELDS in ("tender", "structure", "award")
    for head in (b"\x00\x01\x02", b"", b"lorem ipsum dolor sit amet"):
        assert source.recognises("x.bin", head) is False
    for head in (b"\x00" * 64, b"<html>", b"{", b"PK\x03\x04"):
        source.recognises("x", head)  # never raises on what may not be its own


def test_plugs_of_other_names_answer_alike(sample: gather.Gathered, matcher: Matcher, tmp_path: Path) -> None:
    recipe = matcher.catalogue.recipe
    encoder, ranker = renamed("learned.encoders", recipe.encoder), renamed("matching.rankers", recipe.ranker)
    indexes = tuple(renamed("catalogue.indexes", name) for name in recipe.indexes)
    other = replace(recipe, name="renamed", encoder=encoder, indexes=indexes, ranker=ranker)
    save_catalogue(build_catalogue(sample.structures, sample.awards, other), tmp_path / "catalogue")
    again = Matcher.load(tmp_path / "catalogue")
    tender = free_text_tender("entretien des espaces verts d'une école", Place(department="93"))
    for mine, theirs in zip(matcher.match(tender).lots, again.match(tender).lots, strict=True):
        ours, other = ([(m.structure.siret, m.score) for m in each.matches] for each in (mine, theirs))
        assert ours == other
