"""Encoders: texts to unit vectors.  One file each; the file name is the key.

To add one, write a file with `load(**options) -> Encoder`.
"""

from collections.abc import Iterator, Sequence
from typing import Literal, Protocol

import numpy as np

from matcher.reference.arrays import F32

BLOCK = 768  # vectors computed at a time, in the processor's cache; OpenBLAS cuts large products there
Role = Literal["query", "passage"]


class Encoder(Protocol):
    """Texts to unit vectors, deterministic.  `fingerprint` changes whenever the vectors would."""

    dimension: int
    fingerprint: str

    def encode(self, texts: Sequence[str], role: Role = "passage") -> F32:
        """Vectors of shape (len(texts), dimension), float32, length 1; a text without a known piece gives zeros."""


def in_context(
    encoder: Encoder, texts: Sequence[str], contexts: Sequence[str], weight: float
) -> Iterator[F32]:
    """Vectors of passages, each mixed with `weight` of that of its context; unit rows, in blocks, at least one."""
    place = {text: number for number, text in enumerate(dict.fromkeys((*texts, *contexts)))}
    vectors = encoder.encode(list(place), role="passage")
    own, around = (np.array([place[text] for text in some], dtype=np.int64) for some in (texts, contexts))
    for low in range(0, max(len(texts), 1), BLOCK):
        some = slice(low, low + BLOCK)
        mixed = vectors[own[some]] + weight * vectors[around[some]]
        yield mixed / np.maximum(np.linalg.norm(mixed, axis=1, keepdims=True), 1e-9)
