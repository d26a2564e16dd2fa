"""BM25 against the library of the field, the search against all scores."""

from concurrent.futures import ThreadPoolExecutor

import bm25s
import numpy as np
import pytest

import made
from matcher.catalogue.build import build_catalogue
from matcher.catalogue.filters import rare_name
from matcher.catalogue.indexes import lexical
from matcher.domain import Recipe
from matcher.reference import codes
from matcher.reference.text import plain_words, tokens

WORDS = [f"{first}{last}" for first in ("net", "pein", "tail", "mac", "trans", "cuis") for last in "abcdefgh"]


def texts(n: int, seed: int = 0) -> list[str]:
    """Texts of words that are drawn as unevenly as those of a language are."""
    chance = np.random.default_rng(seed)
    shares = 1 / np.arange(1, len(WORDS) + 1)
    sizes = (1 + int(chance.integers(12)) for _ in range(n))
    return [" ".join(chance.choice(WORDS, size=size, p=shares / shares.sum())) for size in sizes]


@pytest.fixture(scope="module")
def said() -> list[str]:
    return texts(3000)


@pytest.fixture(scope="module")
def index(said: list[str]) -> lexical.LexicalIndex:
    return lexical.build(said, np.zeros((len(said), 1)))


NONE = np.zeros(1, dtype=np.float32)


def test_scores_are_those_of_bm25s(said: list[str]) -> None:
    once = list({tuple(sorted(tokens(text))): text for text in said}.values())
    index = lexical.build(once, np.zeros((len(once), 1)))
    oracle = bm25s.BM25(method="lucene", k1=lexical.K1, b=lexical.B)
    oracle.index([tokens(text) for text in once], show_progress=False)
    for question in texts(20, seed=1):
        words = list(dict.fromkeys(tokens(question)))
        expected = oracle.get_scores(words)
        found = index.compare(question, NONE, None)
        np.testing.assert_allclose(found * (expected.max() / found.max()), expected, rtol=1e-5)


def test_a_text_that_several_hold_counts_once(said: list[str]) -> None:
    few = said[:200]
    both = few, [*few, *few[:50], *few[:20]]
    alone, again = (lexical.build(held, np.zeros((len(held), 1))) for held in both)
    for question in texts(10, seed=1):
        found = again.compare(question, NONE, None)[: len(few)]
        np.testing.assert_array_equal(alone.compare(question, NONE, None), found)


@pytest.mark.parametrize("share", [1.0, 0.3])
def test_the_search_finds_the_best_of_all_scores(index: lexical.LexicalIndex, share: float) -> None:
    allowed = None if share == 1.0 else np.random.default_rng(2).random(3000) < share
    for question in texts(40, seed=3):
        scores = index.compare(question, NONE, None)
        if allowed is not None:
            scores = np.where(allowed, scores, 0)
        for k in (1, 10, 200):
            found = index.search(question, NONE, k, allowed)
            assert len(set(found.tolist())) == len(found) == min(k, int((scores > 0).sum()))
            np.testing.assert_array_equal(scores[found], np.sort(scores)[::-1][: len(found)])


def test_threads_ask_at_once(index: lexical.LexicalIndex) -> None:
    asked = texts(60, seed=5)
    alone = [index.search(question, NONE, 20).tolist() for question in asked]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda question: index.search(question, NONE, 20).tolist(), asked)) == alone


def test_rare_names_are_those_counted_text_by_text() -> None:
    """Words count whole: the texts that hold another word of their stem do not make them frequent."""
    words = [f"zz{chr(97 + i // 26)}{chr(97 + i % 26)}" for i in range(38)] + ["zzvoilerie", "zzvoileries"]
    offers = [f"{words[0]} nettoyage de zzvoileries"] * 35 + [f"{words[1]} espaces verts"] * 5
    assert tokens(words[38]) == tokens(words[39])
    numbered = enumerate(offers)
    structures = [made.structure(i, f"Régie {words[i % 10]} {words[i]}", text) for i, text in numbered]
    catalogue = build_catalogue(structures, recipe=Recipe(encoder="hashing"))
    rare = set()
    for word in {word for structure in structures for word in plain_words(structure.name)}:
        rows = [i for i, structure in enumerate(structures) if word in plain_words(structure.name)]
        found = rare_name(catalogue, word)
        everyday = word in codes.everyday_words()
        if everyday or sum(word in plain_words(offer) for offer in offers) >= 30:
            assert found is None
        else:
            rare.add(word)
            assert found is not None
            assert found[0] == float(np.log(len(structures) / len(rows)))
            assert found[1].tolist() == rows
    assert rare == set(words) - {words[0], "zzvoileries"}
    assert rare_name(catalogue, "nettoyage") is None
