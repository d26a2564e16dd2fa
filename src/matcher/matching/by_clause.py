"""Structures that could provide the social-clause hours of a lot that none can perform itself."""

from functools import lru_cache

import numpy as np

from matcher.domain import LENDING_KINDS, Lot
from matcher.matching import demand, evidence, reach, suitability
from matcher.matching.judgement import shipped
from matcher.matching.ranking import LIKELY, PLAUSIBLE, Ranking
from matcher.matching.shortlist import Column, Shortlist
from matcher.reference.arrays import I64, Mask
from matcher.reference.text import fold

#: Tasks that can be cut out of most works contracts, with words that identify them in an offer.
SEPARABLE = {
    "nettoyage de chantier": ("nettoyage",),
    "peinture": ("peinture",),
    "espaces verts": ("espaces verts", "espace vert", "paysag"),
    "second œuvre": ("second oeuvre", "platrerie", "menuiserie"),
    "manutention et déménagement": ("manutention", "demenagement"),
}
SUPPORT = frozenset({"insertion", "formation"})  # who buys these owes nobody's hours of another work
FEW = 2  # lenders of staff who are asked about hours that nobody is likely to carry


def clause_asked(lot: Lot) -> bool:
    """Is an answer "by the clause" relevant: the lot states a clause, or is for works?"""
    return bool(lot.social_conditions) or any(code.startswith("45") for code in lot.cpv[:1])


def by_clause(ranking: Ranking, n: int = 5, few: int = FEW) -> list[tuple[int, str, str]]:
    """Who can provide the hours: positions in the shortlist with a code and a French sentence, likeliest first.

    Structures that lend staff, and of works those that could take a separable task, that the judgement finds likely
    if an ordinary firm takes the lot and owes hours, else `few` of the plausible lenders; at least half of the places are
    reserved for those that lend staff.
    """
    shortlist = ranking.shortlist
    works = shortlist.query.demand.columns["works"] > demand.SHARE
    kinds = shortlist.catalogue.of_structure("kind")
    hire: list[tuple[int, str, str]] = []
    serve: list[tuple[int, str, str]] = []
    for i in _carriers(ranking, few).tolist():
        if len(hire) >= n and len(serve) == n:
            break
        kind = str(kinds[shortlist.candidates[i]])
        if kind in LENDING_KINDS:
            carries = f"{kind} : peut porter des heures par mise à disposition de personnel"
            hire.append((i, "clause-hire", carries))
        elif works and kind and len(serve) < n:
            rows = shortlist.rows_of(i, "offer", "description", "job", "naf").tolist()
            if task := next(filter(None, (_separable(shortlist.catalogue.text(row)) for row in rows)), ""):
                sentence = f"{kind} : peut porter des heures par une tâche séparable ({task})"
                serve.append((i, "clause-task", sentence))
    return [*hire[: n - min(len(serve), n // 2)], *serve][:n]


def _carriers(ranking: Ranking, few: int) -> I64:
    """Positions of whom the judgement would call for the hours of a clause, the likeliest first.

    Where it would call no lender of staff though the notice states a clause, the few of them with at least `least_chance`.
    """
    shortlist = ranking.shortlist
    if not ranking.judged or not len(shortlist):
        return ranking.order[ranking.levels[ranking.order] >= LIKELY]
    asks = shortlist.query.asked
    if asks.nature == "studies" or next(iter(asks.trades), "") in SUPPORT:
        return ranking.order[:0]
    judge = shipped()
    scores = judge.scores_with(shortlist, asked(shortlist))
    levels = suitability.judged_levels(shortlist, judge.levels_of(scores))
    first = ranking.order[np.argsort(-scores[ranking.order], kind="stable")]
    likely, lending = (
        (levels == LIKELY) & _around(shortlist),
        evidence.of(shortlist, "kind") <= evidence.LENDS,
    )
    if not (likely & lending).any():
        enough = judge.probability(scores) >= least_chance(shortlist.query.lot)
        near = lending & enough & (levels >= PLAUSIBLE)
        likely[first[near[first]][:few]] = True
    return np.asarray(first[likely[first]])


def _around(shortlist: Shortlist) -> Mask:
    """Who carries hours at the places of a lot: in its department, next door to a stated point, or in a declared zone; (n,)."""
    stated = not all(place.inferred or reach.vague(place) for place in shortlist.query.places)
    coming = reach.of(shortlist).comes(evidence.NEXT_DOOR if stated else -1.0)
    return np.asarray(coming | (evidence.of(shortlist, "same_department") > 0))


def least_chance(lot: Lot) -> float:
    """Chance from which a structure may be called for hours: half the usual one where a stated clause obliges the firm."""
    return shipped().likely / (2 if lot.owed_condition is not None else 1)


def asked(shortlist: Shortlist) -> dict[str, float | Column]:
    """Columns of the judgement as if an ordinary firm took the lot, whose size is its own matter, and owed hours."""
    return {
        "served": 0.0,
        "clause": 1.0,
        "beyond_size": 0.0,
        "lends": np.where(evidence.of(shortlist, "kind") <= evidence.LENDS, 1.0, 0.0),
    }


@lru_cache(maxsize=50_000)
def _separable(text: str) -> str:
    """The first separable task that a text mentions; "" if none."""
    folded = fold(text)
    return next((name for name, words in SEPARABLE.items() if any(word in folded for word in words)), "")
