"""The vectors of evidence rows: rows of one text share one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from matcher.catalogue.products import distinct
from matcher.catalogue.texts import Texts
from matcher.reference.arrays import I64, Array

FEW = 8_000  # texts: so few are compared one by one, and numbered anew by an update
WORN = 0.2  # share of texts without a row at which the others are numbered anew


class Vectors:
    """A table of one vector for each text, read as the array of those of all rows (rows, dimension).

    `grown` says that the texts of the catalogue that was amended keep their numbers: new ones come after them.
    """

    def __init__(self, texts: Texts, table: Array, grown: bool = False) -> None:
        self.texts, self.table, self.grown = texts, table, grown

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

    def amended(
        self,
        kept: I64,
        texts: Sequence[str],
        encode: Callable[[Sequence[str]], Array],
        joined: Callable[[Sequence[Array]], Array] = np.concatenate,
    ) -> Vectors:
        """The vectors of other rows: row i is the old row `kept[i]`, or has the next of `texts` where that is -1."""
        fresh, known = Texts.of(texts), len(self.table)
        encoded = encode([texts[row] for row in fresh.first.tolist()]).astype(self.dtype)
        numbers = np.empty(len(kept), dtype=np.int64)
        numbers[kept >= 0] = self.texts.numbers[kept[kept >= 0]]
        numbers[kept < 0] = known + fresh.numbers
        count = known + len(encoded)
        used, gapless = distinct(numbers, count)
        if count > FEW and known - np.searchsorted(used, known) <= WORN * known:
            table = joined([self.table, encoded])
            return Vectors(Texts(numbers.astype(np.int32), count), table, grown=True)
        table = joined([self.table[used[used < known]], encoded])  # every new text has a row
        return Vectors(Texts(gapless.astype(np.int32), len(used)), table)
