"""A lot's answer and a group as the pages show them: lines, map, potential for reserving, who takes what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from matcher.domain import Answer, Consortium, Lot, LotAnswer, Match
from matcher.matching import reasons
from matcher.matching.groups.table import lot_label
from matcher.reference import law
from matcher.reference.trades import trades
from matcher.territory import outlines
from service.page import render

ROWS = 40  # rows of a group's table
DAY_TRIP_KM = 120  # farther structures are left out of the map where the site is known
#: Articles whose potential is shown, with whom they are for.
RESERVATIONS = ((law.INSERTION, "insertion"), (law.DISABILITY, "handicap"))


@dataclass(frozen=True, slots=True)
class Line:
    """A match as its line shows it."""

    match: Match
    mark: str  # what to do with it, in a word
    warnings: tuple[str, ...]
    why: tuple[reasons.Subject, ...]

    @property
    def proof(self) -> str:
        """The past contract that speaks most for it; "" where none is known."""
        sentences = next((s.sentences for s in self.why if s.name == "Marchés passés"), ())
        award = self.match.offer is not None and self.match.offer.nature == "award"
        return sentences[0] if sentences and not award else ""


def lot_view(answer: LotAnswer, most: int) -> dict[str, Any]:
    """A lot's answer as the page shows it: lines, map, potential for reserving."""
    lines = [Line(m, reasons.mark(m), m.warnings, reasons.subjects(m.reasons)) for m in answer.matches]
    points = [(p, m) for m in answer.matches if (p := _point(m.structure.place))]
    site = [p for place in answer.lot.places if (p := _point(place))]
    return {
        "answer": answer, "lot": answer.lot, "lines": lines, "points": points, "site": site,
        "potential": _potential([m for m in answer.matches if m.level in ("likely", "")]), "more": len(lines) == most < answer.likely + answer.plausible,
        "window": outlines.window(_close(points, bool(site)) + site), "kinds": Counter(render.family(m.structure.kind) for m in answer.matches),
    }  # fmt: skip


def _potential(near: Sequence[Match]) -> list[tuple[str, int, int]]:
    """Article with whom it is for, structures that it would admit for certain, those of them verified as active."""
    today, found = date.today(), []
    for article, public in RESERVATIONS:
        may = [m.structure for m in near if law.eligible(m.structure.kind, (article,), today)]
        found.append((f"{article} ({public})", len(may), sum(s.active is True for s in may)))
    return found


def _point(place: Any) -> tuple[float, float] | None:
    return outlines.point(place.latitude, place.longitude)


def _close(points: list[Any], site: bool) -> list[tuple[float, float]]:
    """The points to draw near: those of a day's work around the site; all where none is, or no site is known."""
    near = [p for p, m in points if m.distance_km is not None and m.distance_km <= DAY_TRIP_KM]
    return near if site and near else [p for p, _ in points]


def team_view(team: Consortium, answer: Answer) -> dict[str, Any]:
    """A group as a table: a row for each lot or need, a column for each member."""
    lots = {each.lot.id: each.lot for each in answer.lots}
    tasks = [*team.covered, *team.uncovered]
    shown = (*tasks[:ROWS], *team.uncovered[: ROWS if len(team.covered) > ROWS else 0])
    rows = [
        (t, task_label(t, lots), [t in m.lots for m in team.members], t in team.uncovered)
        for t in shown
    ]  # fmt: skip
    return {
        "team": team, "several": len(team.members) > 1, "tasks": rows, "asked": len(tasks), "left": max(0, len(tasks) - len(rows)),
    }  # fmt: skip


def task_label(task: str, lots: Mapping[str, Lot]) -> str:
    """A lot, or one need of a lot ("LOT#TRADE"), in words."""
    lot, _, trade = task.partition("#")
    if trade:
        prefix = f"lot {lots[lot].number} : " if lot in lots and len(lots) > 1 else ""
        labels = {each.name: each.label for each in trades()}
        return render.initial(prefix + labels.get(trade, trade))
    return render.initial(lot_label(lots[lot])) if lot in lots else task
