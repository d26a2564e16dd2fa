"""Who could carry the hours of insertion of a lot that no structure can do itself."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from matcher.matching.shortlist import Column, Shortlist
from matcher.matching.suitability import IN_REACH_KM, _open, nobody, within
from matcher.reference.text import fold

if TYPE_CHECKING:
    from matcher.matching.ranking import Ranking


#: Kinds that lend staff, by whom the hours of a social clause are met without any service being bought.
LENDING = ("ETTI", "AI", "GEIQ", "EATT", "EITI")


#: Tasks that can be cut out of most works contracts, with words that tell them in an offer.
SEPARABLE = {
    "nettoyage de chantier": ("nettoyage",),
    "peinture": ("peinture",),
    "espaces verts": ("espaces verts", "espace vert", "paysag"),
    "second œuvre": ("second oeuvre", "platrerie", "menuiserie"),
    "manutention et déménagement": ("manutention", "demenagement"),
}


def clause_asked(ranking: Ranking) -> bool:
    """Does the lot call for the answer "by the clause": it has one, or no structure can build the lot itself?"""
    lot = ranking.shortlist.query.lot
    works = bool(lot.cpv) and lot.cpv[0].startswith("45")
    return any(one.nature == "execution" for one in lot.clauses) or works or nobody(ranking)


def by_clause(ranking: Ranking, n: int = 5) -> list[tuple[int, str, str]]:
    """Who in reach can carry the hours: positions in the shortlist with a code and a French sentence.

    First those that lend staff, nearest first, then those that could take a task cut out of the works.
    """
    from matcher.matching.signals import place

    shortlist = ranking.shortlist
    catalogue, rows = shortlist.catalogue, shortlist.candidates
    kinds = catalogue.of_structure("kind")
    distance = shortlist.once("distances", lambda: place.distances(shortlist))
    able = within(shortlist, IN_REACH_KM) & _open(shortlist)
    lending = catalogue.among("kind", lambda kind: kind in LENDING, rows)
    serving = catalogue.among("kind", lambda kind: bool(kind) and kind not in LENDING, rows)
    order = _nearest(distance)
    hire = [
        (
            int(i),
            "clause-hire",
            f"{kinds[rows[i]]} : peut porter des heures par mise à disposition de personnel",
        )
        for i in order[(able & lending)[order]]
    ]
    half = max(n // 2, 1)
    serve: list[tuple[int, str, str]] = []
    # so many bidders that none of those further could be among the first n
    bidder, met = catalogue.of_structure("bidder"), set()
    for i in order[(able & serving)[order]].tolist():
        if task := _task(shortlist, i):
            said = f"{kinds[rows[i]]} : peut porter des heures par une tâche séparable ({task})"
            serve.append((i, "clause-task", said))
            met.add(int(bidder[rows[i]]))
            if len(met) > 2 * n:
                break
    chosen = _one_bidder(shortlist, [*hire[: n - min(len(serve), half)], *serve])
    return chosen[:n]


def _nearest(distance: Column) -> NDArray[np.int64]:
    return np.argsort(np.nan_to_num(distance, nan=np.inf), kind="stable")


def _task(shortlist: Shortlist, i: int) -> str:
    """The first separable task that candidate i says in a declared piece; "" where it says none."""
    low, high = int(shortlist.starts[i]), int(shortlist.starts[i + 1])
    declared = shortlist.catalogue.nature_mask(("offer", "description", "job", "naf"))
    for row in shortlist.rows[low:high].tolist():
        if declared[row] and (task := _separable(shortlist.catalogue.text(row))):
            return task
    return ""


@lru_cache(maxsize=50_000)
def _separable(text: str) -> str:
    """The first separable task that a text says; "" where it says none."""
    said = fold(text)
    return next((name for name, words in SEPARABLE.items() if any(word in said for word in words)), "")


def _one_bidder(shortlist: Shortlist, rows: Sequence[tuple[int, str, str]]) -> list[tuple[int, str, str]]:
    bidder = shortlist.catalogue.of_structure("bidder")
    seen: dict[Any, tuple[int, str, str]] = {}
    for row in rows:
        seen.setdefault(int(bidder[shortlist.candidates[row[0]]]), row)
    return list(seen.values())
