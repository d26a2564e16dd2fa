"""The tasks of a tender and the degree to which each bidder covers them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import repeat

import numpy as np

from matcher.domain import LENDING_KINDS, BadInput, Lot, LotAnswer, Match, Part, Structure
from matcher.learned.names import plain
from matcher.matching.by_clause import SUPPORT
from matcher.matching.parts import executed
from matcher.matching.ranking import CONFIRM
from matcher.reference import law
from matcher.reference.amounts import covers, yearly
from matcher.reference.text import shorten
from matcher.reference.trades import INDIRECT_FIT, cover

WHOLE, HALF, QUARTER = 4, 2, 1
MAIN = 0.4  # share of a lot from which a part is a main one, of which the size matters


#: The ordinary firms for a lot or a part that no structure does (`groups.firms`).
Firms = Callable[[Lot], Sequence[Match]]
LOTS = 3  # that a structure of unknown turnover carries at once
LOT_WEIGHT = 60  # divisible by 2, 3, 4, 5 and 6: a lot's weight is shared among its needs


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A lot, or one need of a lot: what a member takes."""

    id: str
    lot: Lot
    label: str
    weight: int
    share: float = 1.0  # of the lot's amount
    need: Part | None = None


@dataclass(frozen=True, slots=True)
class _Table:
    """The tender as a table of tasks x bidders, with the match behind each cell."""

    tasks: tuple[Task, ...]
    bidders: tuple[str, ...]  # SIRENs
    cells: Mapping[tuple[int, int], Match]
    degree: np.ndarray[tuple[int, int], np.dtype[np.int64]]
    score: np.ndarray[tuple[int, int], np.dtype[np.int64]]
    structures: Mapping[str, Structure] = field(default_factory=dict)
    barred: Mapping[tuple[str, str], str] = field(default_factory=dict)  # (lot id, siren) -> why
    on: date = date.min  # date of the rules applied
    firms: frozenset[str] = frozenset()  # SIRENs of ordinary firms that take what no structure can
    answers: Mapping[str, LotAnswer] = field(default_factory=dict)  # by lot id
    unsized: frozenset[tuple[int, str]] = frozenset()  # (task, siren) of which the size is to be confirmed

    def alone(self, task: int) -> bool:
        """Is the lot of a task one that a structure carries alone, as far as known?"""
        asked = self.answers[self.tasks[task].lot.id].asked
        return asked is None or asked.carried == "alone"

    def ineligible(self, lot: Lot, siren: str) -> bool:
        """True where this bidder is not eligible for the reserved lot, ranked on it or not."""
        if lot.reservation is None:
            return False
        if why := self.barred.get((lot.id, siren)):
            return why.startswith("non éligible")
        who = self.structures[siren]
        return law.eligible(who.kind, lot.reservation.opened_by, self.on, who.labels) is False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Constraints:
    imposed: tuple[str, ...]
    excluded: frozenset[str]
    mandataire: str | None
    structures: Mapping[str, Structure]


def _constraints(
    answers: Sequence[LotAnswer],
    max_members: int,
    mandataire: str | None,
    imposed: Sequence[str | Structure],
    excluded: Sequence[str],
) -> _Constraints:
    known = {m.structure.siren: m.structure for a in answers for m in reversed(a.matches)}
    known.update({s.siren: s for s in imposed if isinstance(s, Structure)})
    names = [s.siren if isinstance(s, Structure) else _siren(s) for s in imposed]
    if mandataire:
        names.insert(0, _siren(mandataire))
    forced = tuple(dict.fromkeys(names))
    out = frozenset(map(_siren, excluded))
    if both := [s for s in forced if s in out]:
        raise BadInput(f"{both[0]} est à la fois imposé et exclu : retirez-le de l'une des deux listes.")
    if max_members < 1:
        raise BadInput("Un groupement compte au moins un membre : donnez un maximum de 1 ou plus.")
    if len(forced) > max_members:
        many = f"{len(forced)} membres imposés pour un maximum de {max_members}"
        raise BadInput(f"{many} : relevez le maximum ou imposez-en moins.")
    if unknown := [s for s in forced if s not in known]:
        remedy = "vérifiez le SIRET, ou demandez plus de structures par lot."
        raise BadInput(f"{unknown[0]} n'est classé sur aucun lot : {remedy}")
    return _Constraints(
        imposed=forced,
        excluded=out,
        mandataire=_siren(mandataire) if mandataire else None,
        structures={s: known[s] for s in forced},
    )


def _siren(identifier: str) -> str:
    digits = "".join(c for c in identifier if c.isdigit())
    if len(digits) not in (9, 14):
        raise BadInput(f"{identifier!r} n'est ni un SIRET (14 chiffres) ni un SIREN (9 chiffres).")
    return digits[:9]


def _table(
    answers: Sequence[LotAnswer],
    constraints: _Constraints,
    on: date,
    parts: Mapping[str, LotAnswer],
    firms: Firms | None = None,
) -> _Table:
    """Lots become tasks, structures of one SIREN one bidder; ineligible ones are left out.

    What no structure can take is given to `firms`, to be confirmed.
    """
    tasks: list[Task] = []
    best: dict[tuple[int, int], tuple[int, int, Match]] = {}  # degree, score and match of each cell
    column: dict[str, int] = {}
    barred: dict[tuple[str, str], str] = {}
    ordinary, unsized, known = set[str](), set[tuple[int, str]](), dict[tuple[object, ...], str]()
    for answer in answers:
        lot, beyond = answer.lot, answer.asked is not None and answer.asked.carried == "beyond"
        found = {
            need: _able(part, answer, constraints, known, barred)
            for need, part in parts.items()
            if need.rpartition("#")[0] == lot.id
        }
        for task, cells_of in tasks_of(answer, _able(answer, answer, constraints, known, barred), found):
            row = len(tasks)
            tasks.append(task)
            large = lot.reservation is None and task.share >= MAIN and beyond
            if large:
                members = (m.structure for m, _, _ in cells_of)
                small = {firm.siren for firm in members if not covers(firm.turnover, yearly(lot))}
                cells_of = [
                    (m, min(d, HALF) if m.structure.siren in small else d, score) for m, d, score in cells_of
                ]
                unsized |= {(row, siren) for siren in small}
            if firms and lot.reservation is None and (large or not any(degree for _, degree, _ in cells_of)):
                whole_or_part = parts[task.id].lot if task.id in parts else task.lot
                outside = [m for m in firms(whole_or_part) if m.structure.siren not in constraints.excluded]
                ordinary |= {match.structure.siren for match in outside}
                degree = WHOLE if large else HALF
                cells_of += [(match, degree, round(100 * min(1.0, match.probability))) for match in outside]
            for match, degree, score in (each for each in cells_of if each[1]):
                cell = (row, column.setdefault(match.structure.siren, len(column)))
                # one SIREN is one bidder, represented by its best establishment
                if (degree, score) > best.get(cell, (0, -1))[:2]:
                    best[cell] = degree, score, match
    for siren in constraints.imposed:
        column.setdefault(siren, len(column))
    grade, points = np.zeros((2, len(tasks), len(column)), dtype=np.int64)
    for cell, (degree, score, _) in best.items():
        grade[cell], points[cell] = degree, score
    cells = {cell: match for cell, (*_, match) in best.items()}
    structures = {m.structure.siren: m.structure for m in cells.values()} | dict(constraints.structures)
    by_lot = {answer.lot.id: answer for answer in answers}
    cellwise = (tuple(tasks), tuple(column), cells, grade, points)
    return _Table(*cellwise, structures, barred, on, frozenset(ordinary), by_lot, frozenset(unsized))


def _able(
    answer: LotAnswer,
    whole: LotAnswer,
    constraints: _Constraints,
    known: dict[tuple[object, ...], str],
    barred: dict[tuple[str, str], str],
) -> list[Match]:
    """Who may take a lot, or a part of the `whole` one; `known` and `barred` gain who is named first, and who may not, why."""
    kept, lot, asked = [], whole.lot, whole.asked
    staff = asked is not None and asked.nature == "staff"
    closed = asked is not None and bool(asked.trades) and not answered(whole)
    # what firms do as a rule is given to no structure on a mere chance, and the large ones of it not to be confirmed
    by_firms = lot.reservation is None and whole.calls_for in ("clause", "beyond")
    small = asked is None or asked.carried == "alone"
    for match in () if answer.nobody else answer.matches:
        siren = match.structure.siren
        twin = known.setdefault(called(match.structure), siren) != siren
        if siren in constraints.excluded or (twin and siren not in constraints.imposed):
            continue  # two directories may name one structure each in its way
        lends = match.structure.kind in LENDING_KINDS and not staff
        if (lends or closed) and siren not in constraints.imposed:
            continue  # who lends staff executes nothing
        if why := _exclusion(match):
            barred[lot.id, siren] = why
        elif match.level != "plausible" or not by_firms or (match.established and small):
            kept.append(match)
    return kept


def answered(answer: LotAnswer, run: bool = False) -> bool:
    """Do structures answer such a lot, so that somebody is worth a question?

    Those that a reservation admits, where a trade is read; of another lot not what is run at its own risk (unless `run`), nor
    goods and work that nobody of them does, nor the support of people alone.
    """
    asked = answer.asked
    if asked is None or answer.lot.reservation is not None:
        return asked is None or bool(asked.trades)
    work = (run or asked.nature != "operation") and answer.calls_for not in ("beyond", "unclear")
    return work and bool(asked.trades.keys() - SUPPORT)


def tasks_of(
    answer: LotAnswer, matches: Sequence[Match], parts: Mapping[str, Sequence[Match]]
) -> Iterator[tuple[Task, list[tuple[Match, int, int]]]]:
    """The tasks of a lot, each with (match, degree in quarters, score in hundredths).

    `parts` holds the matches of each need by its id; for other needs the matches of the lot count as far as their
    declared trades or activity code fit.
    """
    lot, asked = answer.lot, answer.asked.parts if answer.asked else ()
    split = executed(answer.asked) if answer.asked else ()
    if not split:
        whole = Task(id=lot.id, lot=lot, label=lot_label(lot), weight=LOT_WEIGHT)
        # without a judgement, a structure of another trade covers a lot little, however near it is
        yield whole, _fitted(_degrees(matches), asked, QUARTER)
    # who is likely for the whole is so for the part for which it has the best chance at least
    likely = {match.structure.siren for match in matches if match.level == "likely"}
    chances = sorted((m.probability, m.structure.siren, need) for need, held in parts.items() for m in held)
    best = {siren: need for _, siren, need in chances if siren in likely}
    for need in split:
        task = Task(
            id=need.id,
            lot=lot,
            label=f"{lot_label(lot)}, besoin {need.label}",
            weight=max(1, round(LOT_WEIGHT * need.share)),
            share=need.share,
            need=need,
        )
        if need.id in parts:
            surely = {siren for siren, part in best.items() if part == need.id}
            held = (replace(m, level="likely") if m.structure.siren in surely else m for m in parts[need.id])
            yield task, _degrees(list(held))
        else:
            unjudged = [replace(match, level="") if match.level == "likely" else match for match in matches]
            yield task, _fitted(_degrees(unjudged), (need,), 0)


def _fitted(
    cells: list[tuple[Match, int, int]], asked: Sequence[Part], least: int
) -> list[tuple[Match, int, int]]:
    """Cells of those that no judgement graded capped by their known trades; `least` for an unknown or other trade."""
    unjudged = [match.structure for match, _, _ in cells if not match.level]
    table = cover([part.trade for part in asked], unjudged)
    fits = map(max, zip(*table, strict=True)) if asked else repeat(1.0)
    result = []
    for match, degree, score in cells:
        if not match.level:
            fit = next(fits)
            most = max(least, round(WHOLE * fit) if fit >= INDIRECT_FIT else 0)
            degree, score = min(degree, most), round(score * fit)
        result.append((match, degree, score))
    return result


def _degrees(matches: Sequence[Match]) -> list[tuple[Match, int, int]]:
    """Degree to which each match covers the lot: full for likely ones, half for plausible ones, which are to be confirmed.

    Of those of little chance only the ones whose trade is established, on a reserved lot, which no others may take.

    Without a judgement (suppliers of past awards), by the probability relative to the best: half of it or more is
    full.  Degrees are coarse on purpose: a fifth member is not worth a hundredth of fit.
    """
    best = max((match.probability for match in matches), default=1.0)
    result = []
    for match in matches:
        ratio = match.probability / best
        degree = WHOLE if ratio >= 0.5 else HALF if ratio >= 0.2 else QUARTER
        if match.level:
            little = QUARTER if match.established and match.lot.reservation is not None else 0
            maybe = HALF if match.probability >= CONFIRM else little
            degree = {"likely": WHOLE, "plausible": maybe}.get(match.level, 0)
        elif far(match):
            degree = QUARTER
        result.append((match, degree, round(100 * ratio)))
    return result


def _exclusion(match: Match) -> str:
    """Why this structure may not take the lot; "" where it may, or where that is unknown."""
    if match.eligible is False:
        articles = " ou ".join(match.lot.reservation.articles) if match.lot.reservation else ""
        return f"non éligible au titre de {articles}" if articles else "non éligible au marché réservé"
    if match.reach.where == "outside":
        return "hors de la zone que la structure déclare servir"
    return ""


def far(match: Match) -> bool:
    """Is a structure without a declared zone beyond the usual distance of the trade?  Ordinary firms are exempt."""
    return bool(match.structure.kind) and match.reach.where == "far"


def called(structure: Structure) -> tuple[object, ...]:
    """A key that spellings of the name of one structure share: its words, without legal form and short ones, and its department."""
    words = frozenset(w for w in plain(structure.name).split() if len(w) > 2 or w.isdigit())
    return words, structure.place.department or structure.siren


def lot_label(lot: Lot) -> str:
    """Display name of a lot: its number and the beginning of its title."""
    return f"lot {lot.number} « {shorten(lot.title, 60)} »" if lot.title else f"lot {lot.number}"
