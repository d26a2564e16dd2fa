"""What each activity code (NAF rev. 2) is about, as vectors: its label, those above it, and the words of its trades."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matcher import reference

#: Codes under which structures of insertion and disability do anything: no trade can be read from them.
VAGUE = frozenset(
    "8899B 9499Z 7820Z 7830Z 8810C 8790B 8559A 8559B 8299Z 9609Z 7010Z 8411Z 8899A 8891A".split()
)
#: How far below the nearest code another may lie (cosine) to be as near by a factor e.
WIDTH = 0.15
FLOOR = 0.25  # a text whose nearest code lies further than this is near none
ABOVE = ((4, 0.5), (3, 0.25))  # digits of class and group, and how much their labels weigh


@dataclass(frozen=True, slots=True)
class Activities:
    """The codes that tell a trade, and a unit vector for each; `vectors` has shape (codes, dimension)."""

    places: Mapping[str, int]
    vectors: NDArray[np.float32]

    def closeness(self, vector: NDArray[np.float32]) -> NDArray[np.float64]:
        """1 for the code nearest to a text's vector (where any is near), e times less for each WIDTH of cosine below it; (codes,)."""
        cosines = np.asarray(self.vectors @ vector, dtype=np.float64)
        return np.asarray(np.exp((cosines - cosines.max(initial=FLOOR)) / WIDTH))


_MADE: dict[str, Activities] = {}  # by fingerprint of the encoder


def of(encoder: Any) -> Activities:
    """The codes as an encoder sees them, encoded once a process."""
    found = _MADE.get(encoder.fingerprint)
    if found is None:
        found = _MADE[encoder.fingerprint] = _encoded(encoder)
    return found


def _encoded(encoder: Any) -> Activities:
    codes = [code for code in reference.naf_codes() if code not in VAGUE]
    parts = [(1.0, [reference.naf_label(code) for code in codes])]
    parts += [(weight, [reference.naf_label(code[:digits]) for code in codes]) for digits, weight in ABOVE]
    parts += [(1.0, [reference.naf_words(code) for code in codes])]
    total = np.zeros((len(codes), encoder.dimension), dtype=np.float32)
    for weight, texts in parts:
        total += weight * encoder.encode(texts, role="passage")
    lengths = np.linalg.norm(total, axis=1, keepdims=True)
    vectors = np.divide(total, lengths, out=np.zeros_like(total), where=lengths > 1e-9)
    return Activities({code: place for place, code in enumerate(codes)}, vectors)
