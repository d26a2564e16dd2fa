"""The probability that structures of insertion and disability offer a need at all, by its words.

A linear model on stems, pairs of stems and letters (TF-IDF, logistic), trained on needs written
for this project (`data/training/ess_needs.csv.gz`); plain arrays of whole numbers in one file of numpy.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matcher.domain import NotFound
from matcher.reference import paths
from matcher.reference.text import fold, tokens

FILE = "weights.npz"
REMEMBERED = 50_000  # words whose n-grams are cached

#: Words that by themselves show a purchase of insertion services.
_BOUGHT = re.compile(
    r"\binsertion (?:sociale|professionnelle|par l'activite|et de qualification)|chantiers? d'insertion|travail protege|qualification professionnelle"
)


def words(text: str) -> list[str]:
    """Stems and pairs of neighbouring stems."""
    stems = tokens(text)
    return stems + [f"{a} {b}" for a, b in itertools.pairwise(stems)]


def letters(text: str) -> list[str]:
    """Runs of 3 to 5 letters inside words, padded by a space at both ends, so that a misspelling costs little."""
    return [run for word in re.findall(r"[a-z0-9]+", fold(text)) for run in _runs(word)]


def _runs(word: str) -> list[str]:
    """The runs of letters of one word."""
    padded = f" {word} "
    return [padded[i : i + size] for size in (3, 4, 5) for i in range(max(len(padded) - size + 1, 1))]


ANALYSERS = {"words": words, "letters": letters}


RARITY, WEIGHT = 1_000, 10_000  # steps per unit of an inverse document frequency, of a weight


class Table:
    """The terms of an analyser by number, with their inverse document frequency and weight."""

    def __init__(self, terms: list[str], rarity: NDArray[Any], weight: NDArray[Any]) -> None:
        self._numbers = {term: number for number, term in enumerate(terms)}
        self._rarity, self._weight = rarity / RARITY, weight / WEIGHT

    @property
    def terms(self) -> Iterable[str]:
        """The terms, in order."""
        return self._numbers.keys()

    def known(self, terms: Iterable[str]) -> NDArray[np.int64]:
        """The numbers of those that the model knows."""
        return np.array([self._numbers[term] for term in terms if term in self._numbers], dtype=np.int64)

    def added(self, found: NDArray[np.int64]) -> float:
        """What the terms of a text add: their TF-IDF, scaled to length 1, times their weights."""
        if not len(found):
            return 0.0
        numbers, many = np.unique(found, return_counts=True)
        values = (1 + np.log(many)) * self._rarity[numbers]
        return float(values @ self._weight[numbers] / np.sqrt(values @ values))


class Vocation:
    """The model: for each analyser, terms with their inverse document frequency and weight."""

    def __init__(self, folder: Path) -> None:
        path = folder / FILE
        if not path.is_file():
            raise NotFound(f"no vocation model in {folder}: `matcher train vocation` makes one")
        with np.load(path, allow_pickle=False) as held:
            self.intercept, self.floor = float(held["intercept"]), float(held["floor"])
            self.tables = {
                name: Table(
                    held[name].tobytes().decode().split("\n"),
                    held[f"{name}_rarity"],
                    held[f"{name}_weight"],
                )
                for name in ANALYSERS
            }
        self._known_letters: dict[str, NDArray[np.int64]] = {}  # of each word met

    def probability(self, text: str) -> float:
        """The chance, 0 to 1, that some structure offers what the text asks for; the intercept's for an unknown text."""
        z = self.intercept
        for name, table in self.tables.items():
            z += table.added(self._letters(text) if name == "letters" else table.known(ANALYSERS[name](text)))
        return 1 / (1 + math.exp(-z))

    def _letters(self, text: str) -> NDArray[np.int64]:
        """The character n-grams of a text that the model knows, each word analysed once and cached."""
        known, table = self._known_letters, self.tables["letters"]
        if len(known) > REMEMBERED:
            known.clear()
        found = [np.zeros(0, dtype=np.int64)]
        for word in re.findall(r"[a-z0-9]+", fold(text)):
            numbers = known.get(word)
            if numbers is None:
                numbers = known[word] = table.known(_runs(word))
            found.append(numbers)
        return np.concatenate(found)

    def offered(self, text: str, part: str = "") -> bool:
        """True when the text, or the lot's own part of it, is above the floor, or buys insertion by name."""
        if _BOUGHT.search(fold(text)):
            return True
        own = (text, part) if part and part != text else (text,)
        return any(self.probability(words) >= self.floor for words in own)


@cache
def shipped() -> Vocation:
    """The model of models/vocation, read once."""
    return Vocation(paths.model("vocation"))
