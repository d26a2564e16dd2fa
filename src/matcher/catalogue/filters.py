"""Which structures may be candidates: exact filters, names, distances."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from functools import cached_property, reduce
from heapq import nsmallest
from itertools import islice
from typing import TypeVar

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from matcher.catalogue.catalogue import Catalogue
from matcher.domain import BadInput, Filters, Place
from matcher.reference import law
from matcher.reference.arrays import F64, I64, Mask
from matcher.reference.codes import everyday_words
from matcher.reference.places import EARTH_RADIUS_KM, Whereabouts, whereabouts
from matcher.reference.text import clean, fold, plain_words, tokens

SIREN = 9  # digits
WORDS_KEPT = 5_000  # whose results are cached
#: Geometric mean of the distances from the centre of an area, in its root mean squares (Rayleigh).
TYPICAL = 0.75
UNSURE = 2.0  # spreads within which a place may well lie
K = TypeVar("K")
V = TypeVar("V")


def search_names(catalogue: Catalogue, words: str, limit: int = 20) -> list[int]:
    """Rows of the structures whose name, brand or town holds all the words, shortest name first."""
    wanted = fold(words).split()
    if not wanted:
        return []
    return names_of(catalogue).holding(wanted, limit)


def sirets_at(catalogue: Catalogue, address: str, most: int | None = None) -> list[str]:
    """The SIRETs of the structures that publish this mail address, in lower case; of the first `most` that mention it."""
    texts = catalogue.structures.column("payload")
    rows = pc.indices_nonzero(pc.match_substring(texts, address, ignore_case=True)).to_pylist()
    found = map(catalogue.structure, rows[:most])
    return list(dict.fromkeys(one.siret for one in found if one.email.strip().lower() == address))


class Names:
    """What names structures, notices or buyers, folded, a line each in one text, in which they are searched."""

    def __init__(self, text: NDArray[np.uint8]) -> None:
        self.text = text
        self._text = text.tobytes()
        self._ends = np.flatnonzero(text == ord("\n"))

    @classmethod
    def of(cls, lines: Iterable[str]) -> "Names":
        """Those of lines as they are written."""
        text = "".join(f"{' '.join(fold(line).split())}\n" for line in lines).encode(errors="replace")
        return cls(np.frombuffer(text, dtype=np.uint8))

    def holding(self, words: Sequence[str], limit: int) -> list[int]:
        """The lines that hold all the words, the shortest first."""
        first, *others = sorted((word.encode(errors="replace") for word in words), key=len, reverse=True)
        hits = [found.start() for found in re.finditer(re.escape(first), self._text)]
        rows = np.unique(np.searchsorted(self._ends, hits)).tolist()
        lines = ((row, self._line(row)) for row in rows)
        found = [(len(line), row) for row, line in lines if all(word in line for word in others)]
        return [row for _, row in nsmallest(limit, found)]

    def respelt(self, words: str) -> str:
        """The words with each that no line holds replaced by the nearest one that some does; "" where none is near."""
        from rapidfuzz import fuzz, process

        typed, near = fold(words).split(), dict[str, str]()
        for word in typed:
            if not re.search(r"\d", word) and not self.holding([word], 1):  # no number is taken for another
                nearest = process.extractOne(word, self._known, scorer=fuzz.ratio, score_cutoff=80)
                near |= {word: nearest[0]} if nearest else {}
        return " ".join(near.get(word, word) for word in typed) if near else ""

    @cached_property
    def _known(self) -> list[str]:
        """Every word: "l'ourcq" with its article, and without."""
        return sorted({*re.findall(r"(?=\b([a-z0-9][\w'-]*))", self._text.decode())})

    def _line(self, row: int) -> bytes:
        return self._text[self._ends[row - 1] + 1 if row else 0 : self._ends[row]]


def names_of(catalogue: Catalogue) -> Names:
    """The names of a catalogue's structures, as searched."""

    def read() -> Names:
        columns = (catalogue.structures.column(name).to_pylist() for name in ("siret", "name", "town"))
        return Names.of(map(" ".join, zip(*columns, strict=True)))

    return catalogue.once("names", read)


def rare_name(catalogue: Catalogue, word: str) -> tuple[float, I64] | None:
    """The self-information of a word in nats, and the structures whose names hold it.

    None unless it occurs in few names and few texts, and in no nomenclature or place name; nor without an index of words.
    Read from the names and texts alone, not the awards, so that nothing leaks.
    """
    return remembered(catalogue, "rare names", word, _rare_name, WORDS_KEPT) or None


def remembered(catalogue: Catalogue, name: str, key: K, find: Callable[[Catalogue, K], V], most: int) -> V:
    """What `find` says of a key, kept with the catalogue (which nothing kept refers to) for `most` keys."""
    known: dict[K, V] = catalogue.once(name, dict)
    found = known.get(key)
    if found is None:
        found = find(catalogue, key)
        if len(known) >= most:
            known.clear()
        known[key] = found
    return found


def _rare_name(catalogue: Catalogue, word: str) -> tuple[float, I64] | tuple[()]:
    index = catalogue.index("words")
    if word in everyday_words() or index is None:
        return ()
    rows = np.concatenate([index.holding(stem) for stem in tokens(word)[:1]] or [[]]).astype(int)

    def holding(*natures: str) -> Iterator[int]:
        """Rows of the word itself, of those of its stem."""
        chosen = rows[catalogue.nature_mask(natures)[rows]].tolist()
        return (row for row in chosen if word in plain_words(catalogue.text(row)))

    limit = max(30, catalogue.evidence.num_rows // 500)
    if sum(1 for _ in islice(holding("award", "offer", "description"), limit)) == limit:
        return ()
    named = np.unique(catalogue.owners[list(holding("name"))])
    return (float(np.log(len(catalogue) / len(named))), named) if len(named) else ()


def located(places: Iterable[Place]) -> list[Whereabouts]:
    """Where places are, of those of which anything is known."""
    return [here for here in map(whereabouts, places) if here is not None]


def on_sphere(latitude: F64, longitude: F64) -> F64:
    """Degrees as (n, 3) points of the unit sphere: the nearest by chord is the nearest by arc."""
    lat, lon = np.radians(latitude), np.radians(longitude)
    return np.column_stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])


def distances_km(catalogue: Catalogue, places: Sequence[Place], rows: I64 | None = None) -> F64:
    """Kilometres from each structure (or each of `rows`) to the nearest place; NaN where either is unknown.

    Where a point is only the centre of an area, the typical distance from its places: an unknown address is never nearer
    than a known one at the same point.  None where they share a commune of which no coordinates are known.
    """
    points, doubts = _standing(catalogue, rows)
    squares = (
        _squares(points, _on_sphere(here)) + (TYPICAL * here.spread_km / EARTH_RADIUS_KM) ** 2
        for here in located(places)
    )
    nearest = reduce(np.minimum, squares, np.full(len(points), np.inf)) + doubts
    nearest[of_one_commune(catalogue, places, rows)] = 0.0
    return np.asarray(np.where(np.isinf(nearest), np.nan, _kilometres(nearest)))


def of_one_commune(catalogue: Catalogue, places: Sequence[Place], rows: I64 | None = None) -> Mask:
    """Who stands in the commune of a place, of those that `unmapped` tells."""
    codes = {place.commune for place in places if place.commune}
    size = len(catalogue) if rows is None else len(rows)
    return catalogue.one_of("unmapped", codes, rows) if codes else np.zeros(size, dtype=bool)


def least_km(catalogue: Catalogue, places: Sequence[Place], rows: I64 | None = None) -> F64:
    """The least that the kilometres may well be: UNSURE spreads of both points less than between the points."""
    points, doubts = _standing(catalogue, rows)
    least = np.full(len(points), np.nan)
    for here in located(places):
        spread = np.hypot(np.sqrt(doubts) * EARTH_RADIUS_KM / TYPICAL, here.spread_km)
        least = np.fmin(least, _kilometres(_squares(points, _on_sphere(here))) - UNSURE * spread)
    return np.asarray(np.maximum(least, 0.0))


def _standing(catalogue: Catalogue, rows: I64 | None) -> tuple[F64, F64]:
    """The points of structures on the unit sphere, and the square of the spread of each there; (n, 3), (n,)."""

    def make() -> tuple[F64, F64]:
        points = on_sphere(catalogue.of_structure("latitude"), catalogue.of_structure("longitude"))
        return points, (TYPICAL * catalogue.of_structure("spread_km") / EARTH_RADIUS_KM) ** 2

    points, doubts = catalogue.once("points", make)
    return (points, doubts) if rows is None else (points.take(rows, axis=0), doubts.take(rows))


def _on_sphere(here: Whereabouts) -> F64:
    return np.asarray(on_sphere(np.array([here.latitude]), np.array([here.longitude]))[0])


def _kilometres(squares: F64) -> F64:
    """Kilometres on the Earth of squares of chords of the unit sphere."""
    return np.asarray(2 * EARTH_RADIUS_KM * np.arcsin(np.minimum(np.sqrt(squares) / 2, 1.0)))


def _squares(points: F64, point: F64) -> F64:
    """The square of the chord from each point of the sphere (n, 3) to one; (n,)."""
    x, y, z = (points[:, axis] - point[axis] for axis in range(3))
    return np.asarray(x * x + y * y + z * z)


def allowed_mask(catalogue: Catalogue, filters: Filters, places: Sequence[Place] = ()) -> Mask | None:
    """Mask of the structures that pass the filters; None when there is no filter."""
    masks: list[Mask] = []
    if filters.sirets is not None:
        masks.append(holding_any(catalogue, filters.sirets, prefixes=False))
    if filters.excluded:
        masks.append(~holding_any(catalogue, filters.excluded, prefixes=True))
    if filters.articles:
        articles, today = tuple(filters.articles), date.today()
        masks.append(catalogue.among("kind", lambda kind: law.eligible(kind, articles, today) is True))
    words_of = (("kind", filters.kinds), ("department", filters.departments), ("region", filters.regions))
    masks += [catalogue.one_of(name, wanted) for name, wanted in words_of if wanted]
    for name, wanted in (
        ("networks", filters.networks),
        ("labels", filters.labels),
        ("services", filters.service_types),
    ):
        if wanted:
            numbers, words = catalogue.coded(name)
            keys = [f"|{fold(word)}|" for word in wanted]
            masks.append(np.array([any(key in held for key in keys) for held in words], bool)[numbers])
    if filters.active_only:
        masks.append(catalogue.of_structure("active") != 0)
    if filters.radius_km is not None:
        if not located(places):
            raise BadInput(
                "a radius needs a place: name the commune, the postcode or the department of the need"
            )
        masks.append(np.nan_to_num(distances_km(catalogue, places), nan=np.inf) <= filters.radius_km)
    for phrase in filters.phrases:
        masks.append(_holding(catalogue, phrase))
    if not masks:
        return None
    result: Mask = np.logical_and.reduce(masks)
    return result


def holding_any(catalogue: Catalogue, identifiers: Iterable[str], *, prefixes: bool) -> Mask:
    """Structures of one of these SIRETs, and with `prefixes` of one of these SIRENs too."""
    wanted = np.array(list(dict.fromkeys(identifiers)), dtype=np.str_)
    first = np.searchsorted(catalogue.sirets, wanted)
    after = np.searchsorted(catalogue.sirets, wanted, side="right")
    if prefixes and len(wanted):  # ":" comes after every digit: the end of those that begin so
        ends = np.searchsorted(catalogue.sirets, np.char.add(wanted, ":"))
        after = np.where(np.char.str_len(wanted) == SIREN, ends, after)
    bounds = np.zeros(len(catalogue) + 1, dtype=np.int64)
    np.add.at(bounds, first, 1)
    np.add.at(bounds, after, -1)
    return np.asarray(np.cumsum(bounds)[:-1] > 0)


def _holding(catalogue: Catalogue, phrase: str) -> Mask:
    """Structures of which some evidence holds the exact words, whatever their case and accents."""
    wanted = fold(clean(phrase))
    column = catalogue.evidence.column("text")
    texts = catalogue.once("folded_texts", lambda: [*map(fold, column.to_pylist())])
    hits = np.array([wanted in text for text in texts], dtype=bool)
    padded = np.append(hits, False)
    held = (
        np.logical_or.reduceat(padded, catalogue.offsets[:-1]) if len(catalogue) else np.zeros(0, dtype=bool)
    )
    return held & (np.diff(catalogue.offsets) > 0)
