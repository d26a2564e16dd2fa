"""The vectors of evidence rows: rows of one text share one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from matcher.catalogue.texts import Texts
from matcher.reference.arrays import Array


class Vectors:
    """A table of one vector for each text, read as the array of those of all rows (rows, dimension)."""

    def __init__(self, texts: Texts, table: Array) -> None:
        self.texts, self.table = texts, table

    @classmethod
    def of(cls, texts: Sequence[str], vectors: Array) -> Vectors:
        """The vectors of some rows, of which those of one text are equal."""
        numbered = Texts.of(texts)
        return cls(numbered, np.ascontiguousarray(vectors[numbered.first]))

    @property
    def shape(self) -> tuple[int, int]:
        return len(self), self.table.shape[1]

    @property
    def dtype(self) -> Any:
        return self.table.dtype

    def __len__(self) -> int:
        return len(self.texts.numbers)

    def __getitem__(self, rows: Any) -> Array:
        return np.asarray(self.table[self.texts.numbers[rows]])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return self[:].astype(dtype or self.dtype, copy=False)
