"""The judgement: is this structure a lead, one that a professional would call for this lot?

A sum of small tables, each over one to three columns of `matcher.matching.evidence`, learnt from judged pairs (`matcher
train judgement`) and read from JSON with numpy alone.  The sum is the log-odds of a lead; its parts by theme are the
reasons.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from matcher.catalogue.catalogue import Catalogue
from matcher.domain import BadInput, NotFound
from matcher.matching import declared, evidence
from matcher.matching.rankers import RULES, AdditiveRanker, logistic
from matcher.matching.shortlist import Column, Shortlist
from matcher.reference import paths
from matcher.reference.arrays import F64, I64, Mask

Cells = Mapping[str, I64]
Part = tuple[tuple[str, ...], F64]  # a table: columns, and a value for each combination of their cells


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

    def over(self, at: Mapping[str, int]) -> F64:
        """The sum for the cells of a lot."""
        found: F64 | float = 0.0
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


def _flat(places: Sequence[I64], shape: Sequence[int]) -> I64:
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


#: Themes of the judgement, each a signal that explains its contribution in French.
THEMES = ("likely_trade", "likely_place", "likely_role", "likely_need")
#: Columns that cost little and tell most of those who are out of reach.
PLACED = ("kind", "lends", "same_department", "kilometres", "beyond", "code_near")
#: Columns of what names, codes and texts say of the trade, without comparing texts with the lot.
TRADED = ("name_trade", "code_trade", "prior_trade", "other_trade", "sure", "silent", "kind_rate")
GRID = ("beyond", "kind", "sure")  # those that tables combine with other columns
STEPS: tuple[tuple[str, ...], ...] = (PLACED, (*PLACED, *TRADED))  # in which candidates are left out
ROUNDING = 1e-6  # of a sum of tables, at most

CLOSED = 10.0  # log-odds subtracted for an establishment closed according to the register


@dataclass(frozen=True, slots=True)
class Table:
    """Contribution by values of one to three columns: cell i is at or under cut i, the last but one above all, the last NaN."""

    columns: tuple[str, ...]
    theme: str
    cuts: tuple[F64, ...]
    values: F64


def ended(cuts: F64) -> F64:
    """The cuts of an axis and infinity, after which searchsorted puts NaN: it finds the cell of a value."""
    return np.append(cuts, np.inf)


def cell(cuts: F64, values: Column) -> I64:
    """The cell of a table's axis for each value; NaN is the last."""
    return ended(cuts).searchsorted(values)


class Judgement:
    """The fitted tables, with the interface of a ranker: `signals`, `contributions`, `probability`, `fingerprint`."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.base = float(data["base"])
        self.likely, self.plausible = float(data["likely"]), float(data["plausible"])
        read = partial(np.asarray, dtype=np.float64)
        self.tables = tuple(
            Table(tuple(one["columns"]), one["theme"], tuple(map(read, one["cuts"])), read(one["values"]))
            for one in data["tables"]
        )
        for table in self.tables:
            if table.values.shape != tuple(len(cuts) + 2 for cuts in table.cuts) or table.theme not in THEMES:
                raise KeyError(f"the table of {table.columns} is not whole")
        self._cuts = {
            name: ended(cuts)
            for table in self.tables
            for name, cuts in zip(table.columns, table.cuts, strict=True)
        }
        self._of_lot = tuple(name for name in self.columns if name not in evidence.PER_CANDIDATE)
        self._bounds = {known: self._summed(THEMES, known) for known in STEPS}
        self._sums = {theme: self._summed((theme,), self.columns) for theme in THEMES}
        self.fingerprint = hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:12]
        self._rules = AdditiveRanker(RULES)

    @property
    def signals(self) -> tuple[str, ...]:
        return (*THEMES, *RULES)

    @property
    def columns(self) -> tuple[str, ...]:
        """The evidence columns used."""
        return tuple(dict.fromkeys(name for table in self.tables for name in table.columns))

    def _summed(self, themes: Collection[str], known: Collection[str]) -> Bounds:
        """The sum of the tables of some themes, of which some columns are known."""
        tables = [(table.columns, table.values) for table in self.tables if table.theme in themes]
        return Bounds(tables, known, self._of_lot, GRID)

    def _parts_of(
        self, cells: Mapping[str, I64], size: int, themes: Collection[str] = THEMES
    ) -> dict[str, Column]:
        """Contribution of some themes to the log-odds of a lead, by the cells of the columns; shape (size,)."""
        found = {theme: self._sums[theme].highest(cells) for theme in themes}
        if "likely_need" in found:
            found["likely_need"] = found["likely_need"] + self.base
        return {theme: np.repeat(sums, size) if len(sums) < size else sums for theme, sums in found.items()}

    def may_reach(
        self, shortlist: Shortlist, chance: float, given: Mapping[str, float | Column], known: tuple[str, ...]
    ) -> Mask:
        """Candidates whose `known` columns, of one of STEPS, allow a probability of `chance`, some of them replaced; (n,)."""
        columns = {name: np.atleast_1d(values) for name, values in given.items()}
        asked = (name for name in (*known, *self._of_lot) if name in self._cuts)  # a table may use fewer
        highest = self.base + self._bounds[known].highest(self._cells_with(shortlist, columns, asked))
        least = np.log(chance) - np.log1p(-chance) - ROUNDING if chance > 0 else -np.inf
        may = highest >= least
        # naming the trade may count less than saying nothing, and the parts make up for it
        if "sure" in known:
            may = may | (evidence.of(shortlist, "said_trade") >= evidence.NAMES_IT)
        return np.broadcast_to(may, (len(shortlist),))

    def _parts_with(self, shortlist: Shortlist, given: Mapping[str, Column]) -> dict[str, Column]:
        """The parts of the candidates of a lot, with some columns replaced; the cells of the others are found once.

        Who names the trade has at least what it would have had saying nothing: completing a profile lowers nobody.
        """
        cells = self._cells_with(shortlist, given, self._cuts)
        parts = self._parts_of(cells, len(shortlist))
        rows, columns = shortlist.once("unsaid", lambda: evidence.unsaid(shortlist))
        if len(rows):
            # nor may another text lower it beside its nearest, which counts for two where it is the only one, or its name or
            # code, which may be of another trade
            unknown = np.full(len(rows), np.nan)
            less = (
                columns,
                {"said_second": evidence.of(shortlist, "said_best")[rows]},
                {"name_trade": unknown, "code_trade": unknown},
            )
            twice = np.tile(rows, len(less))
            some = {name: at if len(at) == 1 else at[twice] for name, at in cells.items()}
            changed = {name for each in less for name in each if name in self._cuts}
            for name in changed:
                some[name] = np.array(np.broadcast_to(some[name], twice.shape))
                for part, each in zip(some[name].reshape(len(less), -1), less, strict=True):
                    if name in each:
                        part[:] = self._cuts[name].searchsorted(each[name])
            themes = {table.theme for table in self.tables if not changed.isdisjoint(table.columns)}
            others = self._parts_of(some, len(twice), themes)
            sums = np.sum([*others.values()], axis=0).reshape(len(less), -1)
            higher = np.flatnonzero(
                sums.max(axis=0) > np.sum([parts[theme][rows] for theme in others], axis=0)
            )
            at = sums.argmax(axis=0)[higher] * len(rows) + higher
            for theme, values in others.items():
                parts[theme][rows[higher]] = values[at]
        return parts

    def _cells_with(
        self, shortlist: Shortlist, given: Mapping[str, Column], names: Iterable[str]
    ) -> Mapping[str, I64]:
        """The cells of these columns, some replaced; those of the others are found once for a lot."""
        kept: dict[str, I64] = shortlist.once(("cells", self.fingerprint), dict)
        for name in names:
            if name not in kept and name not in given:
                kept[name] = self._cuts[name].searchsorted(evidence.axis(shortlist, name))
        return kept | {
            k: self._cuts[k].searchsorted(column) for k, column in given.items() if k in self._cuts
        }

    def contributions(self, shortlist: Shortlist) -> dict[str, Column]:
        """Contributions of themes and rules for each candidate of a lot; they sum to the score."""
        themes = self._parts_with(shortlist, {})
        themes["likely_role"] = themes["likely_role"] - CLOSED * evidence.closed(shortlist)
        return themes | self._rules.contributions(shortlist)

    def probability(self, scores: Column) -> Column:
        """Probability of being a lead for each score."""
        return logistic(scores)

    def levels(self, chances: Column) -> I64:
        """LIKELY, PLAUSIBLE or UNLIKELY for each probability."""
        return np.searchsorted([self.plausible, self.likely], chances, side="right")

    def levels_of(self, scores: Column) -> I64:
        """The level of each score."""
        return self.levels(self.probability(scores))

    def scores_with(self, shortlist: Shortlist, given: Mapping[str, float | Column]) -> Column:
        """Log-odds of the candidates with some columns replaced by these values, without the rules; (n,)."""
        columns = {name: np.atleast_1d(values) for name, values in given.items()}
        return np.asarray(np.sum(list(self._parts_with(shortlist, columns).values()), axis=0))

    def levels_with(self, shortlist: Shortlist, given: Mapping[str, float | Column]) -> I64:
        """Levels of the candidates with some columns replaced, see `scores_with`."""
        return self.levels_of(self.scores_with(shortlist, given))


def read(path: Path) -> Judgement:
    """Load a judgement.  Raises NotFound, BadInput."""
    if not path.is_file():
        raise NotFound(f"no judgement in {path}: `matcher train judgement` makes one")
    try:
        return Judgement(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{path} holds no judgement ({error}): make it again") from None


@cache
def shipped() -> Judgement:
    """The judgement of models/judgement, loaded once."""
    return read(paths.learnt_file("judgement", "judgement.json"))


def of_another_encoder(catalogue: Catalogue) -> str:
    """The sentence that says that the judgement is not used, where its vectors are of another encoder; else ""."""
    if not catalogue.recipe.judgement or declared.reads(catalogue):
        return ""
    return (
        f"the judgement was learnt with another encoder than {catalogue.recipe.encoder} "
        f"{catalogue.recipe.encoder_options.get('model', '')}".rstrip()
        + ": structures are ranked by past awards alone, without levels and without 'nobody' "
        "(`matcher train judgement` relearns it)"
    )
