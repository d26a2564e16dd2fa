"""Trades of a need and of a structure, as weights over one taxonomy (`data/reference/trades.csv`).

A need says its trades by its words, its CPV code and its meaning; a structure by what it declares, its name and its
activity code (NAF).  Each source is read apart, so that a judgement can weigh how much each is worth.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from matcher.reference import needs, paths, tables, trades
from matcher.reference.text import fold

if TYPE_CHECKING:
    from matcher.catalogue.catalogue import Catalogue
    from matcher.matching.said import Pieces
    from matcher.matching.shortlist import Query, Shortlist

Floats = NDArray[np.float32]
DECLARED = ("offer", "description", "job")
#: What the words of a need, its code and its meaning weigh; a source that says nothing leaves its part to the others.
WORDS, CODE, MEANING = 0.4, 0.25, 0.35
BESIDE = 0.35  # what a neighbouring trade counts


@cache
def names() -> tuple[str, ...]:
    """The trades of the taxonomy, in the order of every array of this module."""
    return tuple(trade.name for trade in trades.trades())


@cache
def _places() -> Mapping[str, int]:
    return {name: place for place, name in enumerate(names())}


@cache
def beside() -> Floats:
    """1 on the diagonal, BESIDE between neighbouring trades; shape (trades, trades)."""
    near = np.eye(len(names()), dtype=np.float32)
    places = _places()
    for row in table("neighbour_trades.csv"):
        pair = [places.get(row["trade"]), places.get(row["neighbour"])]
        if None not in pair:
            near[pair[0], pair[1]] = near[pair[1], pair[0]] = BESIDE
    return near


def table(file: str) -> list[dict[str, str]]:
    """The rows of a table of data/assumptions."""
    with tables.assumptions_file(file).open(encoding="utf-8-sig", newline="") as source:
        return list(csv.DictReader(source))


def pattern(words: str) -> re.Pattern[str]:
    """Words of a table, to be found at the beginning of a word of `plain` text."""
    return re.compile(rf"(?<![a-z0-9])(?:{words})")


def _weights(told: str, sure: float = 1.0) -> Floats:
    """ "nettoyage 0.9|peinture 0.6" as a row of weights; trades outside the taxonomy are left out."""
    row = np.zeros(len(names()), dtype=np.float32)
    for part in told.split("|"):
        name, _, weight = part.strip().partition(" ")
        if name in _places():
            row[_places()[name]] = sure * float(weight)
    return row


# ------------------------------------------------------------------------------------------ by meaning


@dataclass(frozen=True, slots=True)
class Reader:
    """Trades of a vector by a linear model for each role; the last column stands for no trade of the taxonomy."""

    weights: Mapping[str, Floats]
    bias: Mapping[str, Floats]

    def read(self, vectors: Floats, role: str) -> Floats:
        """Weights of each trade, summing to at most 1; shape (len(vectors), trades)."""
        z = vectors @ self.weights[role].T + self.bias[role]
        z = np.exp(z - z.max(axis=1, keepdims=True))
        return np.asarray((z / z.sum(axis=1, keepdims=True))[:, : len(names())], dtype=np.float32)


@cache
def reader(folder: Path | None = None) -> Reader:
    """The learnt model of models/judgement."""
    with np.load((folder or paths.models_dir() / "judgement") / "trades.npz", allow_pickle=False) as held:
        return Reader(
            {role: held[f"{role}_weights"].astype(np.float32) * held[f"{role}_scale"][:, None] for role in ("query", "passage")},
            {role: held[f"{role}_bias"].astype(np.float32) for role in ("query", "passage")},
        )  # fmt: skip


# ------------------------------------------------------------------------------------------ of a need


def of_need(query: Query) -> Floats:
    """How much of the need each trade is, summing to at most 1; shape (trades,)."""
    by_words = np.zeros(len(names()), dtype=np.float32)
    for need in needs.asked(query.lot):
        if need.trade in _places():
            by_words[_places()[need.trade]] = need.weight
    by_code = np.zeros_like(by_words)
    for trade in trades.trades_of_cpv(query.cpv[:1]):
        by_code[_places()[trade]] = 1.0
    parts = [(WORDS, by_words), (CODE, by_code)]
    told = [(weight, row) for weight, row in parts if row.any()]
    told.append((MEANING, reader().read(query.vector[None, :], "query")[0]))
    total = sum(weight for weight, _ in told)
    return np.asarray(sum(weight * row for weight, row in told) / total, dtype=np.float32)


def asked(shortlist: Shortlist) -> Floats:
    """`of_need` of the lot asked, computed once."""
    found: Floats = shortlist.once("trades asked", lambda: of_need(shortlist.query))
    return found


def wide(need: Floats) -> Floats:
    """What each trade is worth to a need: 1 for the one most asked, less for others and for neighbours; (trades,)."""
    return np.asarray(np.minimum((need @ beside()) / max(float(need.max()), 1e-6), 1.0))


def match(need: Floats, held: Floats) -> NDArray[np.float64]:
    """How well held trades meet a need: 1 where every trade asked is held for sure; shape (len(held),)."""
    return np.asarray((held * wide(need)).max(axis=1) if len(held) else np.zeros(0), dtype=np.float64)


# ------------------------------------------------------------------------------------------ of a structure


@cache
def _name_table() -> Sequence[tuple[re.Pattern[str], Floats]]:
    return [
        (pattern(row["words"]), _weights(row["trades"], float(row["sure"])))
        for row in table("name_trades.csv")
    ]


@cache
def _code_table() -> Mapping[str, Floats]:
    return {row["naf"]: _weights(row["trades"]) for row in table("naf_trades.csv")}


_FORM = re.compile(
    r"\b(?:assoc(?:iation)?|sarl|sas|sasu|eurl|scop|scic|sa|snc|ste|societe|com|ville|commune) "
)


def plain(name: str) -> str:
    """A name in small letters, without accents, hyphens, apostrophes and legal form."""
    return _FORM.sub(" ", re.sub(r"[-'’./&()]+", " ", fold(name)) + " ")


def of_name(name: str) -> Floats:
    """The trades that a name tells, by its networks and words; zeros where it tells none."""
    told = plain(name)
    row = np.zeros(len(names()), dtype=np.float32)
    for pattern, weights in _name_table():
        if pattern.search(told):
            np.maximum(row, weights, out=row)
    return row


def of_code(code: str) -> Floats:
    """The trades that an activity code tells, by its longest beginning in the table; zeros for a vague code."""
    from matcher.learned.activities import VAGUE

    known = _code_table()
    code = code.upper()
    if code in VAGUE:
        return np.zeros(len(names()), dtype=np.float32)
    return next((known[code[:n]] for n in range(len(code), 1, -1) if code[:n] in known), _weights(""))


def by_name(catalogue: Catalogue) -> Floats:
    """`of_name` of every structure; shape (structures, trades)."""
    return catalogue.once("trades by name", lambda: _of_words(catalogue, "name", of_name))


def by_code(catalogue: Catalogue) -> Floats:
    """`of_code` of every structure; shape (structures, trades)."""
    return catalogue.once("trades by code", lambda: _of_words(catalogue, "naf", of_code))


def _of_words(catalogue: Catalogue, column: str, of: Callable[[str], Floats]) -> Floats:
    numbers, words = catalogue.coded(column)
    known = np.array([of(word or "") for word in [*words, ""]], dtype=np.float32)
    return np.asarray(known[numbers])


def by_piece(catalogue: Catalogue, pieces: Pieces) -> NDArray[np.float16]:
    """Trades by meaning of every piece of what is declared that was read so far; (pieces, trades)."""
    held: list[NDArray[np.float16]] = catalogue.once(
        "trades by piece", lambda: [np.zeros((0, len(names())), dtype=np.float16)]
    )
    fresh = pieces.vectors(len(held[0]))
    if len(fresh):
        held[0] = np.vstack([held[0], reader().read(fresh, "passage").astype(np.float16)])
    return held[0]
