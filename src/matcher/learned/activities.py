"""A vector and a usual service radius for each activity code (NAF rev. 2).

The vector is that of the code's label, of those above it, and of the words of its trades.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from matcher.domain import BadInput
from matcher.reference import tables
from matcher.reference.arrays import F32, F64
from matcher.reference.codes import naf_codes, naf_label, naf_words

#: Catch-all codes of structures of insertion and disability: no trade can be inferred from them.
VAGUE = frozenset(
    "8899B 9499Z 7820Z 7830Z 8810C 8790B 8559A 8559B 8299Z 9609Z 7010Z 8411Z 8899A 8891A".split()
)
#: Cosine distance below the nearest code at which proximity falls by a factor e.
WIDTH = 0.15
FLOOR = 0.25  # beyond this distance a text is near no code
ABOVE = ((4, 0.5), (3, 0.25))  # digits of class and group, and how much their labels weigh


@dataclass(frozen=True, slots=True)
class Activities:
    """The codes that imply a trade, with a unit vector and a usual service radius for each.

    `vectors` has shape (codes, dimension), `reach` (codes,), in kilometres.
    """

    places: Mapping[str, int]
    vectors: F32
    reach: F64

    def closeness(self, vector: F32) -> F64:
        """1 for the code nearest to a text's vector (where any is near), e times less for each WIDTH of cosine below it; (codes,)."""
        cosines = np.asarray(self.vectors @ vector, dtype=np.float64)
        return np.asarray(np.exp((cosines - cosines.max(initial=FLOOR)) / WIDTH))

    def reach_km(self, closeness: F64) -> float:
        """The usual service radius for such a need: the geometric mean over the codes near it."""
        weight = closeness**2
        return float(np.exp((weight * np.log(self.reach)).sum() / max(float(weight.sum()), 1e-9)))


_MADE: dict[str, Activities] = {}  # by fingerprint of the encoder


def of(encoder: Any) -> Activities:
    """The codes as an encoder sees them, encoded once per process."""
    if encoder.fingerprint not in _MADE:
        total = sum(weight * encoder.encode(described, role="passage") for weight, described in texts())
        lengths = np.linalg.norm(total, axis=1, keepdims=True)
        keep(encoder, np.divide(total, lengths, out=np.zeros_like(total), where=lengths > 1e-9))
    return _MADE[encoder.fingerprint]


def keep(encoder: Any, vectors: F32) -> None:
    """Give the vectors of `of` before it is asked."""
    _MADE.setdefault(encoder.fingerprint, _with_reach(vectors))


def texts() -> list[tuple[float, list[str]]]:
    """What describes each code, by weight: its label, those above it, and the words of its trades."""
    codes = _codes()
    parts = [(1.0, [naf_label(code) for code in codes])]
    parts += [(weight, [naf_label(code[:digits]) for code in codes]) for digits, weight in ABOVE]
    return [*parts, (2.0, [naf_words(code) for code in codes])]


def _codes() -> list[str]:
    return [code for code in naf_codes() if code not in VAGUE]


def _with_reach(vectors: F32) -> Activities:
    codes, far = _codes(), usual_reach()
    begun = ([code[:length] for length in range(len(code), -1, -1)] for code in codes)
    kilometres = np.array([next(far[start] for start in starts if start in far) for starts in begun])
    return Activities({code: place for place, code in enumerate(codes)}, vectors, kilometres)


def usual_reach() -> Mapping[str, float]:
    """Kilometres by beginning of a code (`data/assumptions/reach.csv`); the row without a code applies to the others.

    Raises BadInput, naming the line, for a row that cannot be read.
    """
    table, line = {"": 60.0}, 1
    try:
        for line, row in enumerate(tables.assumptions("reach.csv"), 2):  # noqa: B007
            kilometres = float(row["km"].replace(",", "."))
            if not 1 <= kilometres <= 20_000:
                raise ValueError("km")
            table[row["naf"].strip()] = kilometres
        return table
    except (KeyError, AttributeError, ValueError):
        path = tables.assumptions_file("reach.csv")
        raise BadInput(
            f"{path}, ligne {line} : il faut les colonnes naf, km et reasoning, et un nombre de kilomètres de 1 à 20000"
        ) from None
