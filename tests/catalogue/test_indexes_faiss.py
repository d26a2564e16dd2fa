"""Rows of one text share one vector in the index: what is found is what all rows compared one by one would give."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from matcher.catalogue.indexes import faiss

N, D, TEXTS = 6_000, 32, 1_500


@pytest.fixture(scope="module")
def texts() -> list[str]:
    return [f"text {i}" for i in np.random.default_rng(1).integers(0, TEXTS, N)]


@pytest.fixture(scope="module")
def vectors(texts: list[str]) -> np.ndarray:
    drawn = np.random.default_rng(2).normal(size=(TEXTS, D)).astype(np.float32)
    drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
    return drawn[[int(text.split()[1]) for text in texts]]


def nearest(scores: np.ndarray, k: int, allowed: np.ndarray | None = None) -> np.ndarray:
    """The oracle: the k best scores of the rows allowed, best first."""
    return -np.sort(-(scores if allowed is None else scores[allowed]))[:k]


@pytest.mark.parametrize("kind", ["flat", "ivf"])
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_shared_vectors_answer_as_every_row_would(
    kind: str, dtype: type, texts: list[str], vectors: np.ndarray, tmp_path: Path
) -> None:
    held = vectors.astype(dtype)
    index = faiss.build(texts, held, kind=kind)
    index.save(tmp_path / "i")
    chance = np.random.default_rng(3)
    for opened in (index, faiss.load(tmp_path / "i", held)):
        for question in vectors[chance.choice(N, 5)]:
            scores = held.astype(np.float32) @ question
            np.testing.assert_allclose(opened.compare("", question, None), scores, atol=1e-6)
            rows = chance.choice(N, 50)
            np.testing.assert_allclose(opened.compare("", question, rows), scores[rows], atol=1e-6)
            for allowed in (None, chance.random(N) < 0.5, chance.random(N) < 0.02):
                found = opened.search("", question, 200, allowed)
                expected = nearest(scores, 200, allowed)
                assert len(set(found.tolist())) == len(found) == len(expected)
                assert allowed is None or allowed[found].all()
                np.testing.assert_allclose(scores[found], expected, atol=1e-6)


@pytest.mark.parametrize("kind", ["flat", "ivf"])
def test_vectors_searched_together_find_what_each_finds_alone(
    kind: str, texts: list[str], vectors: np.ndarray
) -> None:
    index = faiss.build(texts, vectors, kind=kind)
    together = index.search_many(vectors[:7], 90)
    assert [found.tolist() for found in together] == [index.search("", v, 90).tolist() for v in vectors[:7]]


def test_amended_again_and_again_no_row_is_lost_and_none_found_that_is_gone(
    texts: list[str], vectors: np.ndarray
) -> None:
    index = faiss.build(texts, vectors, kind="ivf")
    chance = np.random.default_rng(4)
    said, held = list(texts), vectors
    for turn in range(8):
        stays = np.flatnonzero(chance.random(len(said)) < 0.9)
        kept = np.concatenate([stays, np.full(300, -1)])
        chance.shuffle(kept)
        new = iter([f"new {turn} {i % 100}" for i in range(300)])
        drawn = chance.normal(size=(100, D)).astype(np.float32)
        drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
        said = [said[old] if old >= 0 else next(new) for old in kept]
        held = np.stack(
            [held[old] if old >= 0 else drawn[int(said[i].split()[2])] for i, old in enumerate(kept)]
        )
        index = index.amended(kept, [text for text, old in zip(said, kept, strict=True) if old < 0], held)
        for question in held[chance.choice(len(held), 3)]:
            scores = held @ question
            np.testing.assert_allclose(index.compare("", question, None), scores, atol=1e-6)
            found = index.search("", question, 200)
            assert len(set(found.tolist())) == 200
            np.testing.assert_allclose(scores[found], nearest(scores, 200), atol=1e-6)
    assert index._index.ntotal < 1.5 * len(set(said))  # what is gone does not pile up


def test_an_index_of_an_earlier_version_says_so(
    texts: list[str], vectors: np.ndarray, tmp_path: Path
) -> None:
    faiss.build(texts, vectors).save(tmp_path / "i")
    (tmp_path / "i" / "index.json").write_text('{"kind": "ivf", "rows": 6000}')
    with pytest.raises(ValueError, match="earlier version"):
        faiss.load(tmp_path / "i", vectors)
