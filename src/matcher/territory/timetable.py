"""A timetable of bilateral appointments of the highest total relevance, exact.

Without absences the choice of pairs is a transport problem, whose linear programme is integral, and any
choice of pairs in which nobody has more than T appointments fits T slots (König's edge-colouring theorem);
the colouring is then evened out so that no slot needs more tables than there are.  With absences the slots
enter the model, solved by CP-SAT.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matcher.domain import BadInput

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
    way: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bounds:
    """What a timetable must respect: appointments of each, tables of a slot, and the slots each misses."""

    slots: int
    least: int
    caps: NDArray[np.int64]
    buyer_caps: NDArray[np.int64]
    tables: int | None
    gone: Mapping[int, AbstractSet[int]]
    buyer_gone: Mapping[int, AbstractSet[int]]

    @property
    def room(self) -> int:
        """Appointments that all slots together can hold."""
        n, m = len(self.caps), len(self.buyer_caps)
        return self.tables * self.slots if self.tables is not None else n * m


def solve(
    relevance: NDArray[np.float64],
    slots: int,
    *,
    least: int = 1,
    most: Sequence[int] | int | None = None,
    buyer_most: Sequence[int] | int | None = None,
    tables: int | None = None,
    absent: Mapping[int, AbstractSet[int]] | None = None,
    buyer_absent: Mapping[int, AbstractSet[int]] | None = None,
    seconds: float = 60.0,
) -> Timetable:
    """Appointments for `relevance` (structures, buyers), 0 to 1: each structure gets at least `least`.

    `most` and `buyer_most` bound the appointments of each, `tables` those of a slot; `absent` names the slots
    that a structure (a buyer) misses.  Raises BadInput, naming the remedy, where no timetable exists.
    """
    values = np.nan_to_num(np.asarray(relevance, dtype=np.float64))
    if values.ndim != 2 or not values.size:
        raise BadInput(
            "aucun rendez-vous possible : il faut au moins une structure, un acheteur et un créneau"
        )
    if slots < 1 or slots > 200:
        raise BadInput(f"{slots} créneaux : donnez de 1 à 200 créneaux")
    n, m = values.shape
    gone = {i: {s for s in missed if 0 <= s < slots} for i, missed in (absent or {}).items()}
    buyer_gone = {j: {s for s in missed if 0 <= s < slots} for j, missed in (buyer_absent or {}).items()}
    bounds = _Bounds(
        slots=slots,
        least=least,
        caps=np.minimum(_each(most, n, slots), [slots - len(gone.get(i, ())) for i in range(n)]),
        buyer_caps=np.minimum(
            _each(buyer_most, m, slots), [slots - len(buyer_gone.get(j, ())) for j in range(m)]
        ),
        tables=tables,
        gone=gone,
        buyer_gone=buyer_gone,
    )
    _check_possible(bounds)
    weights = np.rint(values * UNIT).astype(np.int64)
    if not any(gone.values()) and not any(buyer_gone.values()):
        pairs = _pairs(weights, bounds)
        placed = _even(_colour(pairs, slots), slots)
        return _made(
            placed,
            values,
            bound=sum(weights[i, j] for i, j in pairs) / UNIT,
            optimal=True,
            way="transport et coloration (exact)",
        )
    return _with_absences(weights, values, bounds, seconds)


def _each(given: Sequence[int] | int | None, count: int, slots: int) -> NDArray[np.int64]:
    if given is None:
        return np.full(count, slots)
    values = np.full(count, given) if isinstance(given, int) else np.asarray(given, dtype=np.int64)
    if len(values) != count or (values < 0).any():
        raise BadInput("les plafonds de rendez-vous sont des nombres positifs, un pour chacun")
    return values


def _check_possible(bounds: _Bounds) -> None:
    n, m, slots, least, caps = (
        len(bounds.caps),
        len(bounds.buyer_caps),
        bounds.slots,
        bounds.least,
        bounds.caps,
    )
    short = [i for i in range(n) if caps[i] < least]
    if short:
        raise BadInput(
            f"{len(short)} structures ont moins de {least} créneau disponible (la première est à la ligne {short[0] + 1}) : libérez un créneau ou ne l'invitez pas"
        )
    if least > m:
        raise BadInput(
            f"{least} rendez-vous au moins par structure pour {m} acheteurs : invitez plus d'acheteurs"
        )
    offered = min(int(bounds.buyer_caps.sum()), bounds.room)
    if n * least > offered:
        raise BadInput(
            f"{n} structures pour {offered} rendez-vous possibles ({m} acheteurs, {slots} créneaux) : chacune doit en avoir {least} ; "
            f"ajoutez {math.ceil((n * least - offered) / max(m, 1))} créneaux, des acheteurs ou des tables, ou invitez {n - offered // max(least, 1)} structures de moins"
        )


def _pairs(weights: NDArray[np.int64], limits: _Bounds) -> list[tuple[int, int]]:
    """The pairs of highest total weight within the bounds: an integral linear programme, by HiGHS."""
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import csr_array, kron, vstack

    n, m = weights.shape
    by_structure = kron(csr_array(np.eye(n)), csr_array(np.ones((1, m))))
    by_buyer = kron(csr_array(np.ones((1, n))), csr_array(np.eye(m)))
    everything = csr_array(np.ones((1, n * m)))
    matrix = vstack([by_structure, by_buyer, everything], format="csr")
    low = np.concatenate([np.full(n, limits.least), np.zeros(m), [0]])
    high = np.concatenate([limits.caps, limits.buyer_caps, [limits.room]])
    # half a millionth a pair: an appointment that is worth nothing is held only where one is due
    found = milp(
        0.5 - weights.ravel(),
        constraints=LinearConstraint(matrix, low, high),
        bounds=Bounds(0, 1),
        integrality=np.ones(n * m),
    )
    if found.x is None:
        raise BadInput(
            "aucun emploi du temps ne respecte ces plafonds : augmentez les créneaux ou les plafonds des acheteurs"
        )
    return [(int(k) // m, int(k) % m) for k in np.flatnonzero(np.rint(found.x))]


def _colour(pairs: Sequence[tuple[int, int]], slots: int) -> dict[tuple[int, int], int]:
    """A slot for each pair so that nobody is double-booked (König 1916), by alternating paths."""
    at: dict[tuple[str, int], dict[int, tuple[int, int]]] = {}
    slot_of: dict[tuple[int, int], int] = {}

    def free(node: tuple[str, int]) -> int:
        return next(s for s in range(slots) if s not in at.setdefault(node, {}))

    for pair in pairs:
        left, right = ("s", pair[0]), ("b", pair[1])
        a, b = free(left), free(right)
        if a != b and a in at[right]:
            # walk the path of slots a, b, a ... from the buyer, and swap the two slots along it
            path, node, colour = [], right, a
            while colour in at.get(node, {}):
                edge = at[node][colour]
                path.append(edge)
                node = ("s", edge[0]) if node[0] == "b" else ("b", edge[1])
                colour = b if colour == a else a
            for edge in path:
                for end in (("s", edge[0]), ("b", edge[1])):
                    del at[end][slot_of[edge]]
            for edge in path:
                slot_of[edge] = b if slot_of[edge] == a else a
                for end in (("s", edge[0]), ("b", edge[1])):
                    at[end][slot_of[edge]] = edge
        slot_of[pair] = a
        at[left][a] = at[right][a] = pair
    return slot_of


def _even(slot_of: dict[tuple[int, int], int], slots: int) -> dict[tuple[int, int], int]:
    """The same pairs with slots of sizes that differ by one at most: alternating paths are swapped."""
    while True:
        sizes = np.bincount(list(slot_of.values()), minlength=slots)
        full, empty = int(sizes.argmax()), int(sizes.argmin())
        if sizes[full] - sizes[empty] <= 1:
            return slot_of
        ends: dict[tuple[str, int], list[tuple[int, int]]] = {}
        for edge, slot in slot_of.items():
            if slot in (full, empty):
                ends.setdefault(("s", edge[0]), []).append(edge)
                ends.setdefault(("b", edge[1]), []).append(edge)
        seen: set[tuple[int, int]] = set()
        for start in [e for e, s in slot_of.items() if s == full]:
            if start in seen:
                continue
            component, queue = [], [start]
            while queue:
                edge = queue.pop()
                if edge not in seen:
                    seen.add(edge)
                    component.append(edge)
                    queue += ends["s", edge[0]] + ends["b", edge[1]]
            if sum(1 if slot_of[e] == full else -1 for e in component) == 1:
                for edge in component:
                    slot_of[edge] = empty if slot_of[edge] == full else full
                break


def _with_absences(
    weights: NDArray[np.int64], values: NDArray[np.float64], bounds: _Bounds, seconds: float
) -> Timetable:
    """First the best pairs without slots: where they fit the slots, they are the optimum.  Else the whole model."""
    n, m = weights.shape
    pairs = _pairs(weights, bounds)
    ceiling = sum(int(weights[i, j]) for i, j in pairs) / UNIT
    begun = time.monotonic()
    fitted = _fit(pairs, weights, replace(bounds, least=0), seconds / 3, every=True)
    if fitted is not None:
        return _made(fitted[0], values, bound=ceiling, optimal=True, way="transport, puis créneaux (exact)")
    left = max(seconds - (time.monotonic() - begun), 1.0)
    everything = [(i, j) for i in range(n) for j in range(m)]
    found = _fit(everything, weights, bounds, left, every=False)
    if found is None:
        raise BadInput(
            "aucun emploi du temps ne respecte ces absences : libérez des créneaux, ou invitez moins de structures"
        )
    placed, bound, optimal = found
    return _made(
        placed, values, bound=min(bound, ceiling), optimal=optimal, way="créneaux et absences (CP-SAT)"
    )


def _fit(
    pairs: Sequence[tuple[int, int]],
    weights: NDArray[np.int64],
    bounds: _Bounds,
    seconds: float,
    *,
    every: bool,
) -> tuple[dict[tuple[int, int], int], float, bool] | None:
    """Slots for `every` pair, or for the best of them: the slots, a bound, and whether it is proven optimal."""
    from ortools.sat.python import cp_model

    model = cp_model.CpModel()
    of_structure: dict[int, list[Any]] = {}
    of_buyer: dict[int, list[Any]] = {}
    groups: dict[tuple[Any, ...], list[Any]] = {}
    x: dict[tuple[int, int, int], Any] = {}
    for i, j in pairs:
        for t in range(bounds.slots):
            if t not in bounds.gone.get(i, ()) and t not in bounds.buyer_gone.get(j, ()):
                x[i, j, t] = variable = model.new_bool_var("")
                of_structure.setdefault(i, []).append(variable)
                of_buyer.setdefault(j, []).append(variable)
                for key in (("s", i, t), ("b", j, t), ("pair", i, j), ("slot", t)):
                    groups.setdefault(key, []).append(variable)
    if every and any(("pair", i, j) not in groups for i, j in pairs):
        return None
    for key, members in groups.items():
        if key[0] == "slot":
            if bounds.tables is not None:
                model.add(sum(members) <= bounds.tables)
        elif key[0] == "pair" and every:
            model.add_exactly_one(members)
        else:
            model.add_at_most_one(members)
    if not every:
        for i, cap in enumerate(bounds.caps):
            model.add_linear_constraint(sum(of_structure.get(i, [])), bounds.least, int(cap))
        for j, cap in enumerate(bounds.buyer_caps):
            model.add(sum(of_buyer.get(j, [])) <= int(cap))
        # twice the millionths less one: an appointment that is worth nothing is held only where one is due
        model.maximize(sum((2 * int(weights[i, j]) - 1) * variable for (i, j, _), variable in x.items()))
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = seconds
    solver.parameters.num_workers = 2
    solver.parameters.random_seed = 1
    status = solver.solve(model)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return None
    placed = {(i, j): t for (i, j, t), variable in x.items() if solver.boolean_value(variable)}
    return placed, (solver.best_objective_bound + len(placed)) / (2 * UNIT), status == cp_model.OPTIMAL


def _made(
    placed: Mapping[tuple[int, int], int],
    values: NDArray[np.float64],
    *,
    bound: float,
    optimal: bool,
    way: str,
) -> Timetable:
    found: list[Appointment] = []
    seated: dict[int, int] = {}
    for (i, j), t in sorted(placed.items(), key=lambda item: (item[1], item[0][1], item[0][0])):
        table = seated.setdefault(t, 0)
        seated[t] += 1
        found.append(Appointment(structure=i, buyer=j, slot=t, table=table, relevance=float(values[i, j])))
    value = sum(a.relevance for a in found)
    return Timetable(
        appointments=tuple(found),
        value=value,
        bound=max(bound, value) if not optimal else value,
        optimal=optimal,
        way=way,
    )
