"""What suppliers did, row by row: past awards known before the query's date, never the choices of the asking buyer.

Where a supplier worked and on what, not for whom.  Pieces that a structure declares are compared as awards are.
"""

import re
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from matcher.catalogue.columns import DECLARED, department_number
from matcher.matching import evidence, reach
from matcher.matching.shortlist import Column, Shortlist
from matcher.matching.signals import Why
from matcher.reference import places
from matcher.reference.text import shorten

DISCOUNT = (1.0, 0.5, 0.25)  # best piece, second, third
SCALE_KM = 150.0
_AREA = {
    "department": ("dans le même département", "dans un autre département"),
    "region": ("dans la même région", "dans une autre région"),
}
#: How far a text says that its structure comes, where no zone was read of it.
LIMIT = re.compile(
    r"[Zz]one (?:locale|départementale|régionale|hexagone|nationale)|dans (?:un rayon de )?\d+ ?km"
)
NEAR = 0.3  # of an award whose place or that of the lot is unknown
#: Nature of a piece -> what it says, before "semblable" or "aux mêmes mots".
TOLD = {
    "award": "a déjà remporté un marché",
    "offer": "propose une prestation",
    "description": "se présente en des termes",
    "job": "recrute pour un métier",
}


def awards(shortlist: Shortlist) -> NDArray[np.bool_]:
    """Award rows known on the query's date; shape (m,)."""
    return shortlist.known("award")


def said(shortlist: Shortlist) -> NDArray[np.bool_]:
    """Rows of awards and of what is declared, known on the query's date; shape (m,)."""
    return shortlist.known(*DECLARED, "award")


def scaled(shortlist: Shortlist, view: str) -> NDArray[np.float64]:
    """Similarity of each row relative to the catalogue's best row, 0 to 1, by a `view`; shape (m,).

    That is the role of an index, or "part" for the lot's own words; zeros where the recipe has no such index.
    """
    query = shortlist.query
    words = query.part if view == "part" else query.words
    role = "words" if view == "part" else view

    def make() -> NDArray[np.float64]:
        index = shortlist.catalogue.index(role)
        if index is None:
            return np.zeros(len(shortlist.rows))
        values = index.compare(words, query.vector, None if shortlist.whole else shortlist.rows)
        # relative to all rows: scores must not depend on a filter
        best = index.compare(words, query.vector, index.search(words, query.vector, 1))
        peak = max(float(each.max(initial=0.0)) for each in (values, best))
        return np.maximum(np.asarray(values, dtype=np.float64), 0) / (peak or 1.0)

    return shortlist.once(("scaled", role, words), make)


def similar(
    view: str, how: str, threshold: float
) -> tuple[Callable[[Shortlist], Column], Callable[[Shortlist, int, float], Why]]:
    """Measure and explain of a signal: the best three pieces by one `view` of similarity.

    The measure is the discounted sum of their shares of the catalogue's best, NaN without pieces.  At or above `threshold`
    the best is similar to the lot; below, it is only the least dissimilar.
    """

    def measure(shortlist: Shortlist) -> Column:
        return shortlist.discounted(scaled(shortlist, view), said(shortlist), DISCOUNT)

    def explain(shortlist: Shortlist, i: int, value: float) -> Why:
        return nearest_piece(shortlist, i, scaled(shortlist, view), how, value >= threshold)

    return measure, explain


def nearest_piece(shortlist: Shortlist, i: int, values: NDArray[np.float64], how: str, tells: bool) -> Why:
    """The piece of candidate i with the highest of `values` (m,), and `how` it is near to the lot."""
    row = shortlist.best_row(i, values, said(shortlist))
    if row is None:
        return Why("ne dit pas ce qu'elle fait, aucun marché public connu", tells=False)
    offer = shortlist.catalogue.offer(row)
    when = f" ({offer.since.year})" if offer.since and offer.nature == "award" else ""
    return Why(f"{TOLD[offer.nature]} {how}{when}", "", shorten(offer.title or offer.text, 200), tells=tells)


def agreement(shortlist: Shortlist) -> NDArray[np.float64]:
    """Agreement of the CPV code of each award with that of the lot, 0 (other division) to 1 (same code); (m,)."""

    def make() -> NDArray[np.float64]:
        codes = np.where(awards(shortlist), shortlist.catalogue.of_row("cpv")[shortlist.rows], 0)
        best = np.zeros(len(codes))
        for asked in {int(code) for code in shortlist.query.cpv[:3]}:
            # divisions, groups, classes, categories: digits 2, 3, 4, 5 of the code (regulation EC 213/2008)
            for power, value in ((6, 0.35), (5, 0.6), (4, 0.8), (3, 0.9), (0, 1.0)):
                same = (codes // 10**power == asked // 10**power) & (codes > 0)
                best = np.maximum(best, value * same)
        return best

    return shortlist.once("agreement", make)


def kilometres(shortlist: Shortlist) -> NDArray[np.float64]:
    """Kilometres from the lot to the place of each award, NaN where either is unknown; (m,)."""

    def make() -> NDArray[np.float64]:
        points = [p for p in shortlist.query.places if p.latitude is not None and p.longitude is not None]
        lat, lon = (
            np.where(awards(shortlist), shortlist.catalogue.of_row(name)[shortlist.rows], np.nan)
            for name in ("latitude", "longitude")
        )
        each = (np.asarray(places.distance_km(lat, lon, p.latitude, p.longitude)) for p in points)
        return np.asarray(np.fmin.reduce([np.full(len(lat), np.nan), *each]), dtype=np.float64)

    return shortlist.once("kilometres", make)


def at_centre(shortlist: Shortlist, i: int) -> bool:
    """Is the award of candidate i that is nearest to the lot located only by its department?"""
    first = int(shortlist.starts[i])
    far = kilometres(shortlist)[first : int(shortlist.starts[i + 1])]
    row = int(shortlist.rows[first + int(np.nanargmin(far))])
    point = tuple(float(shortlist.catalogue.of_row(name)[row]) for name in ("latitude", "longitude"))
    return point in {(d.latitude, d.longitude) for d in places.departments()}


def near(shortlist: Shortlist) -> NDArray[np.float64]:
    """exp(-km / 150) of each award, NEAR where the distance is unknown; (m,)."""
    return np.nan_to_num(np.exp(-kilometres(shortlist) / SCALE_KM), nan=NEAR)


def here(shortlist: Shortlist) -> NDArray[np.bool_]:
    """Awards carried out in a department of the lot; (m,)."""
    numbers = {department_number(p.department) for p in shortlist.query.places} - {-1}
    return np.asarray(np.isin(shortlist.catalogue.of_row("department")[shortlist.rows], list(numbers)))


def without_address(shortlist: Shortlist, values: Column) -> Column:
    """The values, NaN for candidates whose own address is known: `place` covers those."""
    home = shortlist.catalogue.of_structure("latitude")[shortlist.candidates]
    return np.where(np.isnan(home), values, np.nan)


def where(shortlist: Shortlist, i: int) -> list[str]:
    """How far structure i is from the place of work, and what its declared zones tell of it, in words."""
    zone = reach.of(shortlist).zone[i]
    told = ["intervient dans cette zone" if zone > 0 else "hors de la zone déclarée"] if zone else []
    return [_where(shortlist, i), *told]


def says(shortlist: Shortlist, i: int, words: re.Pattern[str]) -> str:
    """The first words of this pattern in the texts of structure i, "" where there are none."""
    texts = map(shortlist.catalogue.text, shortlist.rows_of(i, *DECLARED).tolist())
    return next(filter(None, (_first_words(words, text) for text in texts)), "")


@lru_cache(8_000)  # a structure is explained for many lots
def _first_words(words: re.Pattern[str], text: str) -> str:
    hit = words.search(text)
    return hit[0] if hit else ""


def at_home(shortlist: Shortlist, i: int) -> Why:
    """Where structure i is, of a lot whose place is unknown."""
    row, of = int(shortlist.candidates[i]), shortlist.catalogue.of_structure
    town, code = (str(of(name)[row]) for name in ("town", "department"))
    if not code:
        return Why("implantation inconnue", tells=False)
    name = getattr(places.department(code), "name", code)
    area = "" if not town or name in town or code in town else f" ({name})"
    return Why(f"établie à {town or name}{area}")


def _where(shortlist: Shortlist, i: int) -> str:
    """Kilometres where both places are known, else the department; never kilometres from the centre of a department."""
    row = int(shortlist.candidates[i])
    catalogue = shortlist.catalogue
    way = reach.of(shortlist)
    kilometres, about = float(way.shown_km[i]), " environ" * bool(way.about[i])
    town, code = (str(catalogue.of_structure(name)[row]) for name in ("town", "department"))
    if kilometres == kilometres:
        shown = round(kilometres, 1)  # rounded as in a match
        return ("sur place" if shown < 1 else f"à {shown:.0f} km{about}") + (f" ({town})" if town else "")
    if not code:
        return "implantation inconnue"
    found = places.department(code)
    same = np.nan_to_num(evidence.of(shortlist, "same_department")[i]) > 0
    query = shortlist.query
    several = len({p.department for p in query.places}) > 1
    regional = several and not any(p.department for p in query.lot.places)  # it names no department
    if regional and not same:
        same = places.region_of(code) in {places.region_of(near) for near in query.departments}
    within, outside = _AREA["region" if regional else "department"]
    known = [town] if town and (same or code in town) else filter(None, [town, found.name if found else code])
    return f"{within if same else outside} ({', '.join(dict.fromkeys(known))})"
