"""The probability that structures of insertion and disability offer a need at all, by its words.

A linear model on stems, pairs of stems and letters (TF-IDF, logistic), trained on needs written
for this project (`data/training/ess_needs.csv.gz`); read from JSON without any heavy library.
"""

from __future__ import annotations

import itertools
import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from matcher.domain import NotFound
from matcher.reference import paths
from matcher.reference.text import fold, tokens

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
    found: list[str] = []
    for word in re.findall(r"[a-z0-9]+", fold(text)):
        padded = f" {word} "
        for size in (3, 4, 5):
            found.extend(padded[i : i + size] for i in range(max(len(padded) - size + 1, 1)))
    return found


ANALYSERS = {"words": words, "letters": letters}


class Vocation:
    """The model: for each analyser, terms with their inverse document frequency and weight."""

    def __init__(self, folder: Path) -> None:
        path = folder / "weights.json"
        if not path.is_file():
            raise NotFound(f"no vocation model in {folder}: `matcher train vocation` makes one")
        data = json.loads(path.read_text(encoding="utf-8"))
        self.intercept = float(data["intercept"])
        self.floor = float(data["floor"])
        self.terms: dict[str, dict[str, list[float]]] = data["terms"]
        self._known_letters: dict[str, list[str]] = {}  # of each word met

    def probability(self, text: str) -> float:
        """The chance, 0 to 1, that some structure offers what the text asks for; the intercept's for an unknown text."""
        z = self.intercept
        for name, table in self.terms.items():
            found = self._letters(text) if name == "letters" else ANALYSERS[name](text)
            square = weighted = 0.0
            for term, n in Counter(found).items():
                if term in table:
                    rarity, weight = table[term]
                    value = (1 + math.log(n)) * rarity
                    square += value * value
                    weighted += value * weight
            if square:
                z += weighted / math.sqrt(square)
        return 1 / (1 + math.exp(-z))

    def _letters(self, text: str) -> Iterator[str]:
        """The character n-grams of a text that the model knows, each word analysed once and cached."""
        known, table = self._known_letters, self.terms["letters"]
        if len(known) > REMEMBERED:
            known.clear()
        for word in re.findall(r"[a-z0-9]+", fold(text)):
            terms = known.get(word)
            if terms is None:
                terms = known[word] = [term for term in letters(word) if term in table]
            yield from terms

    def offered(self, text: str, part: str = "") -> bool:
        """True when the text, or the lot's own part of it, is above the floor, or buys insertion by name."""
        if _BOUGHT.search(fold(text)):
            return True
        own = (text, part) if part and part != text else (text,)
        return any(self.probability(words) >= self.floor for words in own)


@cache
def shipped() -> Vocation:
    """The model of models/vocation, read once."""
    return Vocation(paths.models_dir() / "vocation")
