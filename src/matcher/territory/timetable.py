"""A timetable of bilateral appointments of the highest total relevance, by CP-SAT.

The pairs of highest total relevance are chosen first, without slots.  Where nobody misses a slot they always fit: any choice
of pairs in which nobody has more than T appointments fits T slots of even size (König's edge-colouring theorem).  With
absences they mostly do; else pairs and slots are chosen in one model.
"""

import math
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from matcher.domain import BadInput
from matcher.reference.arrays import F64, I64

#: Relevance is counted in millionths, so that two solvers count alike.
UNIT = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Appointment:
    """Structure and buyer by position, in a slot and at a table, both from 0."""

    structure: int
    buyer: int
    slot: int
    table: int
    relevance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Timetable:
    """The appointments in order of slots; `bound` is the proven upper bound of the total relevance."""

    appointments: tuple[Appointment, ...]
    value: float
    bound: float
    optimal: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bounds:
    """What a timetable must respect: appointments of each, tables of a slot, and the slots that each buyer misses."""

    slots: int
    most: int  # of a structure
    buyer_caps: I64
    tables: int
    gone: Mapping[int, AbstractSet[int]]


def solve(
    relevance: F64,
    slots: int,
    *,
    most: int | None = None,
    buyer_most: Sequence[int] | None = None,
    tables: int | None = None,
    buyer_absent: Mapping[int, AbstractSet[int]] | None = None,
    seconds: float = 60.0,
) -> Timetable:
    """Appointments for `relevance` (structures, buyers), 0 to 1: each structure gets at least one.

    `most` bounds the appointments of a structure, `buyer_most` those of each buyer, `tables` those of a slot;
    `buyer_absent` names the slots that a buyer misses.  Raises BadInput, naming the remedy, where no timetable exists.
    """
    values = np.nan_to_num(np.asarray(relevance, dtype=np.float64))
    if values.ndim != 2 or not values.size:
        raise BadInput("aucun rendez-vous possible : il faut une structure, un acheteur et un créneau")
    if slots < 1 or slots > 200:
        raise BadInput(f"{slots} créneaux : donnez de 1 à 200 créneaux")
    n, m = values.shape
    gone = {j: {s for s in missed if 0 <= s < slots} for j, missed in (buyer_absent or {}).items()}
    present = np.array([slots - len(gone.get(j, ())) for j in range(m)])
    buyer_caps = present if buyer_most is None else np.minimum(buyer_most, present)
    most = min(most or slots, slots)
    bounds = _Bounds(slots=slots, most=most, buyer_caps=buyer_caps, tables=tables or n, gone=gone)
    if n > (offered := min(int(buyer_caps.sum()), bounds.tables * slots)):
        raise BadInput(
            f"{n} structures pour {offered} rendez-vous possibles ({m} acheteurs, {slots} créneaux) : chacune doit en avoir un ; "
            f"ajoutez {math.ceil((n - offered) / m)} créneaux, des acheteurs ou des tables, ou invitez {n - offered} structures de moins"
        )
    return _placed(np.rint(values * UNIT).astype(np.int64), values, bounds, seconds)


def _pairs(weights: I64, limits: _Bounds) -> list[tuple[int, int]]:
    """The pairs of highest total weight within the bounds: a flow, whose linear program has a whole solution."""
    from scipy.optimize import linprog

    n, m = weights.shape
    of_structure, of_buyer = np.kron(np.eye(n), np.ones((1, m))), np.kron(np.ones((1, n)), np.eye(m))
    at_most = np.vstack([of_structure, -of_structure, of_buyer, np.ones((1, n * m))])
    bounds = np.concatenate(
        [np.full(n, limits.most), np.full(n, -1), limits.buyer_caps, [limits.tables * limits.slots]]
    )
    # twice the millionths less one: an appointment that is worth nothing is held only where one is due
    cost = -(2 * weights - 1).ravel() / UNIT
    solution = linprog(cost, A_ub=at_most, b_ub=bounds, bounds=(0, 1), method="highs-ds")
    if solution.x is None or not solution.success:
        remedy = "augmentez les créneaux ou les plafonds des acheteurs"
        raise BadInput(f"aucun emploi du temps ne respecte ces plafonds : {remedy}")
    return [(int(i), int(j)) for i, j in np.argwhere(np.asarray(solution.x).reshape(n, m) > 0.5)]


def _placed(weights: I64, values: F64, bounds: _Bounds, seconds: float) -> Timetable:
    """First the best pairs without slots: where they fit the slots, they are the optimum.  Else the whole model."""
    pairs = _pairs(weights, bounds)
    ceiling = sum(int(weights[i, j]) for i, j in pairs) / UNIT
    begun = time.monotonic()
    even = replace(bounds, tables=math.ceil(len(pairs) / bounds.slots))
    # a full day of sixty buyers fits in a second, but in no time that a visitor waits for with slots of one size
    for limits in (bounds,) if any(bounds.gone.values()) else (even, bounds):
        if fitted := _fit(pairs, weights, limits, seconds / 3, every=True):
            return _made(fitted[0], values, ceiling, True)
    left = max(seconds - (time.monotonic() - begun), 1.0)
    best = _fit(list(np.ndindex(*weights.shape)), weights, bounds, left, every=False)
    if best is None:
        remedy = "libérez des créneaux, ou invitez moins de structures"
        raise BadInput(f"aucun emploi du temps ne respecte ces absences : {remedy}")
    placed, bound, optimal = best
    return _made(placed, values, min(bound, ceiling), optimal)


def _fit(
    pairs: Sequence[tuple[int, int]], weights: I64, bounds: _Bounds, seconds: float, *, every: bool
) -> tuple[dict[tuple[int, int], int], float, bool] | None:
    """Slots for `every` pair, or for the best of them: the slots, a bound, and whether it is proven optimal."""
    from ortools.sat.python import cp_model

    model = cp_model.CpModel()
    x = {
        (i, j, t): model.new_bool_var("")
        for i, j in pairs
        for t in range(bounds.slots)
        if t not in bounds.gone.get(j, ())
    }
    groups = defaultdict[tuple[Any, ...], list[Any]](list)
    for (i, j, t), variable in x.items():
        keys = (
            ("structure", i, t),
            ("buyer", j, t),
            ("pair", i, j),
            ("slot", t),
            ("structure", i),
            ("buyer", j),
        )
        for key in keys:
            groups[key].append(variable)
    for (what, *at), members in groups.items():
        if what == "slot":
            model.add(sum(members) <= bounds.tables)
        elif what == "pair" and every:
            model.add_exactly_one(members)
        elif len(at) == 2:
            model.add_at_most_one(members)
        elif not every:
            least, cap = (1, bounds.most) if what == "structure" else (0, int(bounds.buyer_caps[at[0]]))
            model.add_linear_constraint(sum(members), least, cap)
    if not every:
        # twice the millionths less one: an appointment that is worth nothing is held only where one is due
        model.maximize(sum((2 * int(weights[i, j]) - 1) * variable for (i, j, _), variable in x.items()))
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = seconds
    solver.parameters.num_workers = 1  # with two the same day would have another timetable
    solver.parameters.random_seed = 1
    status = solver.solve(model)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return None
    placed = {(i, j): t for (i, j, t), variable in x.items() if solver.boolean_value(variable)}
    return placed, (solver.best_objective_bound + len(placed)) / (2 * UNIT), status == cp_model.OPTIMAL


def _made(placed: Mapping[tuple[int, int], int], values: F64, bound: float, optimal: bool) -> Timetable:
    appointments: list[Appointment] = []
    seated: dict[int, int] = {}
    for (i, j), t in sorted(placed.items(), key=lambda item: (item[1], item[0][1], item[0][0])):
        table, worth = seated.get(t, 0), float(values[i, j])
        seated[t] = table + 1
        appointments.append(Appointment(structure=i, buyer=j, slot=t, table=table, relevance=worth))
    value = sum(a.relevance for a in appointments)
    proven = value if optimal else max(bound, value)
    return Timetable(appointments=tuple(appointments), value=value, bound=proven, optimal=optimal)
