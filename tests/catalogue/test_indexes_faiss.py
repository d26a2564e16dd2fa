"""Rows of one text share one vector in the index: what is found is what all rows compared one by one would give."""

from pathlib import Path

import numpy as np
import pytest
from pytest import MonkeyPatch

from matcher.catalogue.indexes import faiss
from matcher.catalogue.texts import Vectors

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


@pytest.mark.parametrize("few", [faiss.FEW, 0], ids=["compared one by one", "coded"])
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_shared_vectors_answer_as_every_row_would(
    few: int, dtype: type, texts: list[str], vectors: np.ndarray, tmp_path: Path, monkeypatch: MonkeyPatch
) -> None:
    monkeypatch.setattr(faiss, "FEW", few)
    held = vectors.astype(dtype)
    shared = Vectors.of(texts, held)
    assert len(shared.table) == len(set(texts))
    np.testing.assert_array_equal(shared[:], held)
    index = faiss.build(texts, shared)
    index.save(tmp_path / "i")
    chance = np.random.default_rng(3)
    for opened in (index, faiss.load(tmp_path / "i", shared)):
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


def test_an_index_of_other_vectors_is_refused(texts: list[str], vectors: np.ndarray, tmp_path: Path) -> None:
    shared = Vectors.of(texts, vectors)
    faiss.build(texts, shared).save(tmp_path / "i")
    with pytest.raises(ValueError, match="other vectors"):
        faiss.load(tmp_path / "i", Vectors(shared.texts, shared.table[:-1]))


def test_the_larger_an_index_the_more_is_compared_exactly(monkeypatch: MonkeyPatch) -> None:
    """Where many vectors lie near a question, codes alone mistake their order."""
    chance = np.random.default_rng(7)
    drawn = (chance.normal(size=(1, D)) + 0.8 * chance.normal(size=(2_000, D))).astype(np.float32)
    drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
    monkeypatch.setattr(faiss, "FEW", 0)
    index = faiss.build((), Vectors.of([str(i) for i in range(len(drawn))], drawn))
    best = {i: set(np.argsort(-(drawn @ drawn[i]))[:50].tolist()) for i in range(20)}

    def recall() -> float:
        found = (best[i] & set(index.search("", drawn[i], 50).tolist()) for i in best)
        return float(np.mean([len(each) / 50 for each in found]))

    monkeypatch.setattr(faiss, "REFINE", 0)
    before = recall()
    monkeypatch.setattr(faiss, "REFINED_OF", 4)
    assert before < 0.8 and recall() > 0.95
