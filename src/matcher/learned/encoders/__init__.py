"""Encoders: texts to unit vectors.  One file each; the file name is the key.

To add one, write a file with `load(**options) -> Encoder`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Role = Literal["query", "passage"]


class Encoder(Protocol):
    """Texts to unit vectors, deterministic.  `fingerprint` changes whenever the vectors would."""

    dimension: int
    fingerprint: str

    def encode(self, texts: Sequence[str], role: Role = "passage") -> NDArray[np.float32]:
        """Vectors of shape (len(texts), dimension), float32, length 1; a text without a known piece gives zeros."""
