"""Which trades a structure's name tells, and its name, activity code and kind together (`matcher train names`).

Two linear models of hashed words, pairs of words, runs of letters, beginnings of the code and the kind; numpy alone.  A name of
a network ("Envie"), of a trade ("La Recyclerie") or of a house that is known tells its trades; most names tell none.
"""

import re
from collections.abc import Iterable
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

import numpy as np

from matcher.learned import asks
from matcher.reference.arrays import F32, I8, Array, model_arrays
from matcher.reference.text import fold

BUCKETS = 2**15  # of hashed features
RUNS = range(3, 7)  # letters of a run
LEAST = 0.25  # chance below which a name does not tell a trade
_MARKS = re.compile(r"[-'’./&()]+")
_FORM = re.compile(
    r"\b(?:assoc(?:iation)?|sarl|sas|sasu|eurl|scop|scic|sa|snc|ste|societe|com|ville|commune) "
)
_WORD = re.compile(r"[a-z0-9]+")


def plain(name: str) -> str:
    """A name in lower case, without accents, hyphens, apostrophes and legal form."""
    return _FORM.sub(" ", _MARKS.sub(" ", fold(name)) + " ")


def of_name(name: str) -> list[list[int]]:
    """Buckets of the words and pairs of words of a name, and of the runs of letters in its words."""
    words = _WORD.findall(plain(name))
    runs = {f" {word} "[i : i + n] for word in words for n in RUNS for i in range(len(word) + 3 - n)}
    return [_hashed([*words, *map(" ".join, pairwise(words))]), _hashed(f"_{run}" for run in runs)]


def of_code(code: str) -> list[list[int]]:
    """Buckets of the beginnings of an activity code (NAF)."""
    return [_hashed(f"naf {code[:n]}" for n in range(2, len(code) + 1))]


def of_kind(kind: str) -> list[list[int]]:
    """The bucket of a kind."""
    return [_hashed([f"kind {kind}"])]


def _hashed(words: Iterable[str]) -> list[int]:
    return sorted({crc32(word.encode()) % BUCKETS for word in words})


class Weights(NamedTuple):
    """Weights in eight bits (buckets, trades), the scale of each trade and its bias (trades,)."""

    weights: I8
    scale: F32
    bias: F32

    def of(self, views: Iterable[list[int]]) -> F32:
        """What views of features add to each trade, each view of unit length; (trades,)."""
        total = np.zeros(len(self.bias), dtype=np.float32)
        for buckets in views:
            some = self.weights[np.array(buckets, dtype=np.int64)].sum(axis=0, dtype=np.float32)
            total += self.scale * some / max(np.sqrt(len(buckets)), 1.0)
        return total


class Reader(NamedTuple):
    """What names tell (`named`), and what a structure of such a name, code and kind does (`does`)."""

    named: Weights
    does: Weights

    def told(self, name: str) -> F32:
        """The chance that a name tells each trade, in tenths, 0 below LEAST; (trades,)."""
        z = self.named.of(of_name(name)) + self.named.bias
        # in tenths, since many names are to share one row of a table
        return np.where(z < LEAST, 0.0, np.round(np.minimum(z, 0.9), 1)).astype(np.float32)

    def by_name(self, name: str) -> I8:
        """What a name adds to the chance that a structure does each trade, in hundredths; (trades,)."""
        return np.asarray(np.clip(np.round(100 * self.does.of(of_name(name))), -100, 100), dtype=np.int8)

    def by_code(self, code: str) -> F32:
        """What an activity code adds; (trades,)."""
        return self.does.of(of_code(code))

    def by_kind(self, kind: str) -> F32:
        """What a kind adds, and what all have; (trades,)."""
        return self.does.of(of_kind(kind)) + self.does.bias


def chance(by_name: Array, by_code: Array, by_kind: Array) -> F32:
    """The chance that a structure does a trade, by what `Reader` says its name, code and kind add."""
    return np.asarray(np.clip(by_name / 100 + by_code + by_kind, 0.0, 1.0), dtype=np.float32)


@cache
def shipped(folder: Path | None = None) -> Reader:
    """The models of models/names, read once.  Raises BadInput where they are absent or damaged."""
    with model_arrays("names", folder) as held:
        if tuple(held["names"].tolist()) != asks.names():
            raise ValueError("of other trades")
        parts = ([held[f"{of}_{part}"] for part in Weights._fields] for of in Reader._fields)
        return Reader(*(Weights(*arrays) for arrays in parts))
