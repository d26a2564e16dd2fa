"""A vector for each activity code (NAF rev. 2): that of its label, of those above it, and of the words of its trades."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

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
    """The codes that imply a trade, with a unit vector for each; `vectors` has shape (codes, dimension)."""

    places: Mapping[str, int]
    vectors: F32

    def closeness(self, vector: F32) -> F64:
        """1 for the code nearest to a text's vector (where any is near), e times less for each WIDTH of cosine below it; (codes,)."""
        cosines = np.asarray(self.vectors @ vector, dtype=np.float64)
        return np.asarray(np.exp((cosines - cosines.max(initial=FLOOR)) / WIDTH))


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
    places = {code: place for place, code in enumerate(_codes())}
    _MADE.setdefault(encoder.fingerprint, Activities(places, vectors))


def texts() -> list[tuple[float, list[str]]]:
    """What describes each code, by weight: its label, those above it, and the words of its trades."""
    codes = _codes()
    parts = [(1.0, [naf_label(code) for code in codes])]
    parts += [(weight, [naf_label(code[:digits]) for code in codes]) for digits, weight in ABOVE]
    return [*parts, (2.0, [naf_words(code) for code in codes])]


def _codes() -> list[str]:
    return [code for code in naf_codes() if code not in VAGUE]
