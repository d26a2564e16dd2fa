"""View models of a lot's answer and of a group: lines by level, their map, what was understood, who takes what."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from matcher.domain import Answer, BadInput, Carried, Consortium, Lot, LotAnswer, Match, Place, Reason
from matcher.learned import cpv
from matcher.matching import reasons
from matcher.matching.groups.consortium import task_label
from matcher.reference import law
from matcher.reference.codes import cpv_label
from matcher.reference.text import shorten
from matcher.territory import outlines
from service.page import render, search

ROWS = 40  # rows of a group's table
OPEN = 24  # lines of a level shown initially; the others on demand
TITLED, QUOTED = 70, 115  # characters of an offer's title; of the words of a presentation that name the trade
SUGGESTED = 5  # codes proposed in a correction
#: Articles whose potential is shown, with their beneficiaries.
RESERVATIONS = ((law.INSERTION, "insertion"), (law.DISABILITY, "handicap"))
#: What tells a trade -> is it declared or proved by past contracts; words of a line; of many, why they are to be checked.
TOLD: Mapping[str, tuple[bool, str, str]] = {
    "offer": (True, "déclaré par elle", "par ce qu’elles déclarent"),
    "description": (True, "déclaré par elle", "par ce qu’elles déclarent"),
    "award": (True, "d’après un marché remporté", "par un marché remporté"),
    "job": (True, "d’après une offre d’emploi", "par une offre d’emploi"),
    "naf": (False, "d’après son code d’activité", "par leur code d’activité"),
    "name": (False, "retenue d’après son nom", "par leur nom"),
    "kind": (False, "son type le fait souvent", "par leur type"),
    "read": (False, "lu, à confirmer", "par ce qu’on a lu d’elles"),  # on its site, not declared by it
    "": (False, "", "sans métier connu"),
}
#: Who can carry a lot, in words.
CARRIED: Mapping[Carried, str] = {
    "alone": "À la taille d’une structure",
    "group": "À plusieurs structures",
    "beyond": "Au-delà de leur taille",
}


@dataclass(frozen=True, slots=True)
class Line:
    """View model of a match."""

    match: Match
    mark: str  # what to do, in a word

    @property
    def known(self) -> str:
        """What tells its trade, of `TOLD`; "" where nothing does."""
        offer, told = self.match.offer, self._told
        if offer is None or offer.inferred:
            return "read" if offer else ""
        if (
            offer.nature == "name" and told and not (told.tells and told.offer_passage)
        ):  # no word of its name tells it
            return "kind" if told.tells else ""
        return offer.nature if offer.nature in TOLD else ""

    @property
    def _told(self) -> Reason | None:
        """What tells its trade, with the words that do."""
        return next((reason for reason in self.match.reasons if reason.code == "likely_trade"), None)

    @property
    def by(self) -> str:
        """What tells its trade, in words."""
        return TOLD[self.known][1]

    @property
    def stated(self) -> bool:
        """Does the structure, or a contract it won, name the trade?"""
        return TOLD[self.known][0]

    @property
    def trade(self) -> str:
        if self.match.offer is None:
            return ""
        if self.match.offer.nature == "name":
            return "Métier non précisé"
        if self.match.offer.nature == "description" and self._told and self._told.offer_passage:
            return render.initial(shorten(self._told.offer_passage, QUOTED))
        return render.initial(shorten(self.match.offer.title.replace(" n.c.a.", "").rstrip(" ."), TITLED))

    @property
    def why(self) -> tuple[str, ...]:
        return reasons.sentences(self.match.reasons, 4)


def line(match: Match) -> Line:
    return Line(match, reasons.mark(match))


def plausible_because(lines: Sequence[Line]) -> str:
    """What makes the structures to check plausible, counted: "6 par leur code d’activité, 2 par leur nom"."""
    found = Counter(TOLD[each.known][2] for each in lines)
    return ", ".join(f"{count} {why}" for why, count in found.most_common())


def potential(matches: Sequence[Match]) -> list[tuple[str, int, int]]:
    """Article and its public, structures to call that it admits for certain, those verified as active."""
    today, found = date.today(), []
    near = [m for m in matches if m.level in ("likely", "")]
    for article, public in RESERVATIONS:
        may = [m.structure for m in near if law.eligible(m.structure.kind, (article,), today)]
        found.append((f"{article} ({public})", len(may), sum(s.active is True for s in may)))
    return found


def understood(answer: LotAnswer, corrected: bool = False) -> dict[str, Any]:
    """What was read of a lot, and what it may be corrected to; `corrected`: its buyer gave the trade."""
    asked = answer.asked
    if asked is None:
        return {}
    shares = [f" ({round(100 * part.share)} %)" if asked.several else "" for part in asked.parts]
    named = [part.label + share for part, share in zip(asked.parts, shares, strict=True)]
    code = next(iter(asked.codes), "")
    read: dict[str, Any] = {"trades": named, "names": list(asked.trades), "code": code}
    read |= {"by": "vous" if corrected else "ses mots et son code CPV" if code else "ses mots"}
    read |= {"label": cpv_label(code) if code else "", "others": suggested(answer.lot.title[:400])}
    size = CARRIED[asked.carried] if named else ""  # of what is not read no size is known
    return read | {"nature": asked.nature, "natures": search.NATURES, "size": size}


@lru_cache(512)
def suggested(text: str) -> tuple[tuple[str, str], ...]:
    """The likeliest CPV codes of a text, with their labels; none where no word of it is known."""
    try:
        return tuple((code, label) for code, label, _ in cpv.shipped().suggest(text, SUGGESTED))
    except BadInput:
        return ()


def team_view(team: Consortium, answer: Answer) -> dict[str, Any]:
    """A group as a table: a row for each lot or need, a column for each member."""
    tasks = [*team.covered, *team.uncovered]
    shown = (*tasks[:ROWS], *team.uncovered[: ROWS if len(team.covered) > ROWS else 0])
    taken = [dict(zip(m.lots, m.caveats, strict=False)) for m in team.members]
    named = [task_label(answer.tender, task) for task in shown]
    rows = [(n, [m.get(t) for m in taken], t in team.uncovered) for n, t in zip(named, shown, strict=True)]
    counted: render.Facts = {"asked": len(tasks), "left": max(0, len(tasks) - len(rows))}
    return {"team": team, "several": len(team.members) > 1, "tasks": rows, **counted}


def examined(answer: LotAnswer) -> int:
    """How many were examined and are neither to call nor to check."""
    return max(0, answer.considered - answer.likely - answer.plausible)


DAY_TRIP_KM = 120  # structures farther from the site are left out of the frame
SHOWN = 352  # pixels of the map on a wide page, for which sizes are chosen
POINTS = 40
LEAST = 24.0  # units of the drawing, of 1.85 km each
APART = 17  # pixels between two points
Spot = tuple[float, float]


def chart(lot: Lot, lines: Sequence[Line]) -> dict[str, Any]:
    """The map data of these lines; without points where no place is known."""
    at = [(p, line) for line in lines[:POINTS] if (p := _point(line.match.structure.place))]
    site = [p for place in lot.places if (p := _point(place))]
    # points within a day trip of the site; all points if there are none, or the site is unknown
    away = ((p, line.match.distance_km) for p, line in at)
    near = [p for p, km in away if km is not None and km <= DAY_TRIP_KM]
    window = _window([*(near if site and near else [p for p, _ in at]), *site])
    scale = float(window.split()[2]) / SHOWN
    spots = _spread([p for p, _ in at], APART * scale, site)
    points = [(spot, line) for spot, (_, line) in zip(spots, at, strict=True)]
    towns = [town for town in outlines.towns(window) if not _covered(town, spots, scale)]
    return {"points": points, "site": site, "window": window, "scale": scale, "towns": towns}


def _covered(town: tuple[float, float, str], points: Iterable[Spot], scale: float) -> bool:
    """Whether a point stands on a town's name, which is written to its right."""
    x, y, name = town
    wide, high = (10 + 6 * len(name)) * scale, 12 * scale
    return any(-10 * scale < px - x < wide and abs(py - y) < high for px, py in points)


def _window(points: Sequence[Spot]) -> str:
    """The square viewBox around these points, some forty kilometres at least; or the country."""
    if not points:
        return outlines.WHOLE
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    side = max(max(xs) - min(xs), max(ys) - min(ys), LEAST) * 1.25
    if side > 0.8 * outlines.HEIGHT:
        return outlines.WHOLE
    return f"{(min(xs) + max(xs) - side) / 2:.1f} {(min(ys) + max(ys) - side) / 2:.1f} {side:.1f} {side:.1f}"


def _point(place: Place) -> Spot | None:
    return outlines.point(place.latitude, place.longitude)


def _spread(points: Iterable[Spot], apart: float, taken: Sequence[Spot] = ()) -> list[Spot]:
    """The points moved along a spiral until none overlaps an earlier one, nor a pin."""
    placed = [spot for x, y in taken for spot in ((x, y), (x, y - apart))]  # a pin stands above its place
    pins = len(placed)
    for x, y in points:
        turn = 0
        spot = (x, y)
        while any(math.dist(spot, other) < apart for other in placed) and turn < 200:
            turn += 1
            radius, angle = apart * 0.35 * math.sqrt(turn), turn * 2.4
            spot = (x + radius * math.cos(angle), y + radius * math.sin(angle))
        placed.append((round(spot[0], 2), round(spot[1], 2)))
    return placed[pins:]
