"""The highest sum that tables allow where some of their columns are not known yet: who is below a level need not be compared."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from matcher.matching.shortlist import Column

Cells = Mapping[str, NDArray[np.int64]]
Floats = NDArray[np.float64]
Part = tuple[tuple[str, ...], Floats]  # a table: columns, and a value for each combination of their cells


class _Layer:
    """Parts summed over `axes`, each of columns of the lot and of some of the axes."""

    def __init__(self, parts: Sequence[Part], of_lot: Collection[str], axes: Sequence[str]) -> None:
        self._fixed = np.zeros([1] * len(axes))
        self.of_lot: list[Part] = []  # the columns of the lot come first
        for columns, values in parts:
            lot = tuple(name for name in columns if name in of_lot)
            order = [*lot, *(name for name in axes if name in columns)]
            sizes = dict(zip(columns, values.shape, strict=True))
            laid = values.transpose([columns.index(name) for name in order]).reshape(
                [*(sizes[name] for name in lot), *(sizes.get(name, 1) for name in axes)]
            )
            if lot:
                self.of_lot.append((lot, laid))
            else:
                self._fixed = self._fixed + laid
        self.of_lot.sort(key=lambda part: part[1].size)  # small ones are summed first

    def over(self, at: Mapping[str, int]) -> Floats:
        """The sum for the cells of a lot."""
        found: Floats | float = 0.0
        for lot, values in self.of_lot:
            found = found + values[tuple(at[name] for name in lot)]
        return np.asarray(found + self._fixed)


class Bounds:
    """The highest sum of tables for candidates of whom the columns `known` alone are known: the sum itself where all are.

    `of_lot` are the columns that are equal for all candidates.  Tables that share an unknown column are added before the
    maximum over it is taken; where such a table has a second column that is neither of the lot nor one of `grid`, the
    maximum is taken over that one first, which allows no less.
    """

    def __init__(
        self, parts: Sequence[Part], known: Collection[str], of_lot: Collection[str], grid: Sequence[str]
    ) -> None:
        self._of_lot = tuple(of_lot)
        self._grid = tuple(name for name in grid if name in known)
        on_grid, told = {*of_lot, *self._grid}, {*known, *of_lot}
        left = [part for part in parts if not told.issuperset(part[0])]
        self._apart = [
            (columns, values.shape, values.ravel())
            for columns, values in parts
            if told.issuperset(columns) and not on_grid.issuperset(columns)
        ]
        together = [part for part in parts if on_grid.issuperset(part[0])]
        # one for each unknown column, its first axis, of which the lot decides what is highest
        self._hidden: list[_Layer] = []
        while left:
            names = Counter(name for columns, _ in left for name in columns if name not in told)
            shared = max(names, key=lambda name: (names[name], name))
            some = [_highest(part, {shared, *on_grid}) for part in left if shared in part[0]]
            layer = _Layer(some, of_lot, (shared, *self._grid))
            if layer.of_lot:
                self._hidden.append(layer)
            else:
                together.append((self._grid, layer.over({}).max(axis=0)))
            left = [part for part in left if shared not in part[0]]
        self._together = _Layer(together, of_lot, self._grid)

    def highest(self, cells: Cells) -> Column:
        """The highest sum for the cells of the known columns, those of the lot of length 1, the others of length 1 or n.

        Its length is that of the longest of them.
        """
        lot = {name: int(cells[name][0]) for name in self._of_lot}
        found = self._together.over(lot)
        for layer in self._hidden:
            found = found + layer.over(lot).max(axis=0)
        axes = [axis for axis, size in enumerate(found.shape) if size > 1]
        total = found.ravel()
        if axes:
            at = [cells[self._grid[axis]] for axis in axes]
            total = total.take(_flat(at, [found.shape[axis] for axis in axes]))
        for columns, shape, values in self._apart:
            total = total + values.take(_flat([cells[name] for name in columns], shape))
        return np.asarray(total)


def _flat(places: Sequence[NDArray[np.int64]], shape: Sequence[int]) -> NDArray[np.int64]:
    """Places in an array of this shape, laid out in one row: one index is taken in a third of the time of several."""
    found = places[0]
    for place, size in zip(places[1:], shape[1:], strict=True):
        found = found * size + place
    return found


def _highest(part: Part, known: Collection[str]) -> Part:
    """The maximum over the columns that are not known."""
    columns, values = part
    unknown = tuple(axis for axis, name in enumerate(columns) if name not in known)
    return tuple(name for name in columns if name in known), np.asarray(values.max(axis=unknown))
