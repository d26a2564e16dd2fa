"""Geographic reference data: communes, departments, regions, NUTS; and locating places by them.

Tables are read on first use, once, from `data/reference` (their sources are listed there).  An unknown
code gives None, "" or an empty tuple, never an error; unknown coordinates are NaN.
"""

import math
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain, takewhile
from types import MappingProxyType
from typing import Any, Literal

import numpy as np

from matcher.domain import Place
from matcher.reference.tables import OFFICIAL_COMMUNES, _column, _own_rows, _rows, code_list, remembered
from matcher.reference.text import fold

Unplaced = Literal["", "unsaid", "unknown", "abroad"]
MOST_WORDS = 8  # of a name
EARTH_RADIUS_KM = 6371.0088
NAN = float("nan")


@dataclass(frozen=True, slots=True)
class Commune:
    """A commune or an arrondissement of Paris, Lyon, Marseille; coordinates in degrees, NaN if unknown."""

    code: str
    name: str
    postcodes: tuple[str, ...]
    department: str
    region: str
    population: int
    siren: str
    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class Department:
    """A department or overseas collectivity; its coordinates are its centre weighted by population.

    `spread_km` tells how far from it people live (root mean square).
    """

    code: str
    name: str
    region: str
    region_name: str
    latitude: float
    longitude: float
    spread_km: float


@dataclass(frozen=True, slots=True)
class Grouping:
    """An inter-communal grouping (EPCI, EPT) by its SIREN; `members` are INSEE codes, the most populous first."""

    siren: str
    name: str
    kind: str
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """A point in degrees, and how far from it the place usually lies, in kilometres; 0 where the point is its own."""

    latitude: float
    longitude: float
    spread_km: float = 0.0


# ------------------------------------------------------------------------------------------------ tables


@remembered()
def _communes() -> list[list[str]]:
    """The rows as strings, in the order of their codes, to avoid building 35,000 objects for the few looked up."""
    rows = list(_rows("communes.csv.gz"))
    own = list(_own_rows(OFFICIAL_COMMUNES))
    if own:
        rows = sorted({**{row[0]: row for row in rows}, **{row[0]: row for row in own}}.values())
    return rows


def _number(text: str) -> float:
    return float(text) if text else NAN


@remembered(8192)
def _commune_at(row: int) -> Commune:
    code, name, postcodes, department, region, people, siren, *point = _communes()[row]
    population, (latitude, longitude) = int(people or 0), map(_number, point)
    codes = tuple(postcodes.split())
    return Commune(code, name, codes, department, region, population, siren, latitude, longitude)


@remembered()
def _by_code() -> dict[str, int]:
    return {row[0]: number for number, row in enumerate(_communes())}


def _row_of(code: str) -> int | None:
    """The row of a commune; of that of today where a delegated or associated one is named."""
    row = _by_code().get(code)
    return _by_code().get(_column("former_communes.csv.gz", 2).get(code, "")) if row is None else row


def _grouped(pairs: Iterable[tuple[str, int]]) -> dict[str, list[int]]:
    table: dict[str, list[int]] = {}
    for key, row in pairs:
        table.setdefault(key, []).append(row)
    return table


@remembered()
def _by_former_key() -> dict[str, list[int]]:
    rows = ((name_key(name), _by_code().get(today)) for _, name, today in _rows("former_communes.csv.gz"))
    return _grouped((key, row) for key, row in rows if row is not None)


CITIES = {"75056": "75", "69123": "6938", "13055": "132"}  # cities cut in arrondissements, and their prefix


@remembered()
def _by_postcode() -> dict[str, list[int]]:
    rows = [(row[2].split(), number, row[0] in CITIES) for number, row in enumerate(_communes())]
    table = _grouped((code, number) for codes, number, city in rows if not city for code in codes)
    cities = _grouped((code, number) for codes, number, city in rows if city for code in codes)
    return cities | table  # a city only where no arrondissement, which is more specific, has the postcode


@remembered()
def _by_siren() -> dict[str, str]:
    table = {one.siren: one.members[0] for one in groupings().values()}
    table.update((row[6], row[0]) for row in _communes() if row[6])
    return table


KINDS = {"CC": "Communauté de communes ", "CA": "Communauté d'agglomération ", "CU": "Communauté urbaine "}


@remembered()
def groupings() -> Mapping[str, Grouping]:
    """Groupings of communes by SIREN."""
    return {
        siren: Grouping(
            siren, f"{KINDS.get(kind, '')}{name.removeprefix(f'{kind} ')}", kind, tuple(codes.split())
        )
        for siren, name, kind, codes in _rows("groupings.csv.gz")
    }


@remembered()
def _groupings_of() -> dict[str, set[str]]:
    """The groupings that hold each commune (one, in Greater Paris two), and those that reach into each department."""
    table: dict[str, set[str]] = {}
    for one in groupings().values():
        for code in one.members:
            town = commune(code)
            for held in (code, town.department) if town else (code,):
                table.setdefault(held, set()).add(one.siren)
    return table


@remembered()
def _grouping_area(siren: str) -> Whereabouts:
    """The centre of a grouping weighted by population, and how far from it its people live (root mean square)."""
    every = [town for code in groupings()[siren].members if (town := commune(code))]
    towns = [town for town in every if not math.isnan(town.latitude)] or every
    points = np.array([coordinates(town)[:2] for town in towns])
    latitude, longitude = centre = np.average(
        points, axis=0, weights=(people := [t.population + 1 for t in towns])
    )
    squares = distance_km(*points.T, *centre) ** 2
    return Whereabouts(float(latitude), float(longitude), math.sqrt(np.average(squares, weights=people)))


def largest_of(place: Place) -> Commune | None:
    """The commune of a place, or the most populous of its grouping."""
    made = groupings().get(place.grouping or "")
    return commune(made.members[0] if made else place.commune or "")


@remembered()
def of_grouping(siren: str) -> Place:
    """The place that is all of a grouping: at its centre, in the department of its most populous member."""
    made, here = groupings()[siren], _grouping_area(siren)
    town = locate(Place(commune=made.members[0]))
    latitude, longitude = round(here.latitude, 4), round(here.longitude, 4)
    return replace(
        town,
        label=made.name,
        commune=None,
        postcode=None,
        grouping=siren,
        latitude=latitude,
        longitude=longitude,
    )


def groupings_at(place: Place) -> frozenset[str]:
    """The groupings that hold a commune, or share a member with a grouping; of a wider place all that may reach into it."""
    codes = _communes_at(place) or departments_within(place)
    return frozenset(siren for code in codes for siren in _groupings_of().get(code, ()))


def codes_at(place: Place) -> frozenset[str]:
    """The groupings of `groupings_at`, and the communes that hold a place or that it may hold."""
    communes = _communes_at(place) or (code for one in departments_within(place) for code in _within(one))
    return groupings_at(place).union(communes)


def _communes_at(place: Place) -> tuple[str, ...]:
    """A commune and its city, or the members of a grouping; none of a wider place."""
    if place.commune:
        return place.commune, city_of(place.commune)
    made = groupings().get(place.grouping or "")
    return made.members if made else ()


@remembered()
def _within(department: str) -> tuple[str, ...]:
    return tuple(row[0] for row in _communes() if row[3] == department)


@remembered()
def _departments() -> tuple[dict[str, Department], dict[str, tuple[str, ...]]]:
    table, near = {}, {}
    for code, name, region, region_name, *numbers, neighbours_ in _rows("departments.csv"):
        latitude, longitude, spread = map(_number, numbers)
        table[code] = Department(code, name, region, region_name, latitude, longitude, spread)
        near[code] = tuple(neighbours_.split())
    return table, near


# ---------------------------------------------------------------------------------------------- communes


def commune(code: str) -> Commune | None:
    """The commune of an INSEE code; a delegated or associated commune gives the commune of today."""
    row = _row_of(code)
    return None if row is None else _commune_at(row)


def communes(population: int = 0) -> Iterator[Commune]:
    """Every commune of so many people at least, in the order of its code."""
    return (_commune_at(number) for number, row in enumerate(_communes()) if int(row[5] or 0) >= population)


def city_of(code: str) -> str:
    """The INSEE code of Paris, Lyon or Marseille of one of its arrondissements; any other code as it is."""
    return next((city for city, begun in CITIES.items() if code.startswith(begun)), code)


def unmapped(place: Place) -> str:
    """The code of a commune that has no coordinates, or that is only inferred and tells where the place is; "" of any other.

    Who shares it is on the spot; kilometres to elsewhere are approximate.
    """
    found = commune(place.commune) if place.commune else None
    if found is None or not (place.inferred or math.isnan(found.latitude)):
        return ""
    own = not math.isnan(found.latitude) and (place.latitude, place.longitude) != coordinates(found)[:2]
    return "" if own else found.code


def _largest_first(found: Iterable[Commune]) -> tuple[Commune, ...]:
    return tuple(sorted(found, key=lambda c: (-c.population, c.code)))


def communes_of_postcode(postcode: str) -> tuple[Commune, ...]:
    """The communes served by a postcode, most populous first; none for a CEDEX."""
    served = [_commune_at(row) for row in _by_postcode().get(postcode, ())]
    return _largest_first(served)


_ABBREVIATED = (
    (re.compile(r"\bste\b"), "sainte"),
    (re.compile(r"\bst\b"), "saint"),
    (re.compile(r"\bs/"), "sur "),
    (re.compile(r"\blez\b"), "les"),
)
_NO_KEY = re.compile(r"[^a-z0-9\n]+")
_ARTICLE = re.compile(r"^(?:le|la|les|l) ")


def postcodes(department: str) -> tuple[str, ...]:
    """The postcodes of a department's communes, in order."""
    codes = {code for one in communes() if one.department == department for code in one.postcodes}
    return tuple(sorted(codes))


@lru_cache(50_000)
def name_key(name: str) -> str:
    """Normalised name: without accents, case, hyphens, and with "St" as "saint"."""
    return _line_keys(name.replace("\n", " "))[0]


def _line_keys(names: str) -> list[str]:
    """The keys of names, one per line: a single pass over all names of the country is much faster than one per name."""
    text = fold(names)
    for pattern, whole in _ABBREVIATED:
        text = pattern.sub(whole, text)
    return [line.strip() for line in _NO_KEY.sub(" ", text).split("\n")]


@remembered()
def _keys() -> list[str]:
    return _line_keys("\n".join(row[1] for row in _communes()))


@remembered()
def _by_key() -> dict[str, list[int]]:
    return _grouped((key, number) for number, key in enumerate(_keys()))


@remembered()
def _by_bare_key() -> dict[str, list[int]]:
    bare = ((_ARTICLE.sub("", key), key, number) for number, key in enumerate(_keys()))
    return _grouped((short, number) for short, key, number in bare if short != key)


@remembered()
def _by_joined_key() -> dict[str, list[int]]:
    return _grouped((joined, number) for number, key in enumerate(_keys()) if (joined := _joined(key)))


def _joined(key: str) -> str:
    """What is left of a compound name without spaces and links: "Mont-Denis" and "Montdenis", "la Porte" and "de la Porte"."""
    words = [word for word in key.split() if word not in ("de", "du", "des", "d", "la", "le", "les", "l")]
    return "".join(words) if len(words) > 2 else ""


def communes_named(name: str, department: str | None = None) -> tuple[Commune, ...]:
    """The communes of exactly this name, most populous first; without its article, or its links, where none is called so."""
    key = name_key(name)
    rows = _by_key().get(key) or _by_bare_key().get(key) or _by_joined_key().get(_joined(key)) or ()
    towns = [_commune_at(n) for n in rows]
    if department:
        towns = [c for c in towns if c.department == department]
    return _largest_first(towns)


@remembered()
def _sorted_keys() -> list[tuple[str, int]]:
    return sorted((key, number) for number, key in enumerate(_keys()))


def communes_once_named(name: str, department: str | None = None) -> tuple[Commune, ...]:
    """The communes of today that bore this name, or whose name it begins; most populous first.

    Short of a department, only one that no other's name begins so.
    """
    key = name_key(name)
    towns = [_commune_at(n) for n in _by_former_key().get(key, ())]
    if not any(department in (None, c.department) for c in towns):
        keys = _sorted_keys()
        after = map(keys.__getitem__, range(bisect_left(keys, (f"{key} ", 0)), len(keys)))
        begun = takewhile(lambda pair: pair[0].startswith(f"{key} "), after)
        towns = [_commune_at(n) for _, n in begun] if len(key) > 3 else []
    within = {c.code: c for c in towns if department in (None, c.department)}
    return _largest_first(within.values()) if len(within) < 2 else ()


@remembered()
def first_words() -> Mapping[str, int]:
    """The words with which names of communes, departments and regions begin, with or without article or title.

    Each with how many words such a name has at most.
    """
    by_department, by_region = _area_names()
    most = dict.fromkeys(("departement", "region", "conseil"), MOST_WORDS)
    for key in chain(_by_key(), _by_bare_key(), by_department, by_region):
        first, count = key.partition(" ")[0], key.count(" ") + 1
        if count > most.get(first, 0):
            most[first] = count
    return most


def mentions(words: str, place: Commune | None) -> bool:
    """Do the words hold the whole name of a commune?"""
    return place is not None and f" {name_key(place.name)} " in f" {name_key(words)} "


def is_twofold(code: str) -> bool:
    """Are these digits both a postcode and an INSEE code?"""
    return code in _by_postcode() and code in _by_code()


def commune_or_postcode(code: str, words: str = "", insee: bool = False) -> Place | None:
    """The place of five digits that are a postcode, an INSEE code, or both; None where they are neither.

    For a code that is both, the commune named in `words` decides, else `insee`.
    """
    as_commune, served = commune(code), communes_of_postcode(code)
    named = [c for c in served if mentions(words, c)]
    if as_commune and served and bool(named) != mentions(words, as_commune):
        insee = not named
    if as_commune and (insee or not served):
        return locate(Place(commune=as_commune.code))
    if not served:
        return None
    best = max(named, key=lambda c: len(c.name)) if named else served[0]
    return locate(Place(commune=best.code, postcode=code))


@lru_cache(8192)  # every commune of the country is looked at
def abbreviated(name: str, department: str | None = None) -> tuple[Commune, ...]:
    """The communes of whose name these words are short, most populous first: "Clermont-Fd", "Chalon s/S", "Bourg-en-B.".

    Each word is, or shortens, one of the name, and one that counts is whole.
    """
    words = name_key(re.sub(r"(?:\bs)?/", " s ", fold(name))).split()
    whole = {word for word in words if len(word) > 2} - {"saint", "sainte", "sur", "sous", "les", "lez"}
    if not 1 < len(words) <= MOST_WORDS or not whole or not all(map(str.isalpha, words)):
        return ()
    link = "(?:(?:la|le|les|l|de|du|d) )?"
    short = link + f" {link}".join(
        letter_by_letter + "[a-z]*" for letter_by_letter in map("[a-z]*".join, words)
    )
    found = re.finditer(f"^{short}$", _lines_of_keys(), re.M)
    rows = (row for one in found if whole & {*one.group().split()} for row in _by_key()[one.group()])
    towns = (_commune_at(row) for row in rows)
    return _largest_first(town for town in towns if department in (None, town.department))


@remembered()
def _lines_of_keys() -> str:
    return "\n".join(dict.fromkeys(_keys()))


@remembered(8192)  # every commune of the country is looked at
def search_commune(name: str, department: str | None = None, limit: int = 10) -> tuple[Commune, ...]:
    """Communes whose name is, begins with, or resembles `name`, best first, then most populous first; those of a postcode.

    Accents, case, hyphens, "St" for "Saint" and a leading article do not count.
    """
    wanted = name_key(name)
    if not wanted or limit < 1 or name.isdecimal():
        return communes_of_postcode(name)[:limit]
    keys, rows = _keys(), _communes()
    within = [n for n in range(len(rows)) if department is None or rows[n][3] == department]

    def level(key: str) -> int | None:
        bare = _ARTICLE.sub("", key)
        if wanted in (key, bare):
            return 0
        return 1 if key.startswith(wanted) or bare.startswith(wanted) else None

    best = sorted((level(keys[n]), -int(rows[n][5] or 0), n) for n in within if level(keys[n]) is not None)
    numbers = [n for _, _, n in best[:limit]]
    if len(numbers) < limit and len(wanted) > 3:
        from rapidfuzz import fuzz, process
        from rapidfuzz.distance import OSA

        choices = {n: keys[n] for n in within if n not in set(numbers)}
        near = process.extract(wanted, choices, scorer=fuzz.ratio, score_cutoff=82, limit=limit)
        alike = [
            n
            for key, _, n in near
            # few misspell the first letter and another ("Nulleville" is no Boulleville), or add a word
            if (differing := _differing(wanted, key))[1]
            and OSA.distance(*differing) <= max(1, len(wanted) // 5 * (key[0] == wanted[0]))
        ]
        numbers += alike[: limit - len(numbers)]
    return tuple(_commune_at(n) for n in numbers)


def _differing(one: str, other: str) -> tuple[str, str]:
    """Two names without the words that both hold: "sur mer" tells nothing of what is misspelt."""
    ours, theirs = one.split(), other.split()
    return " ".join(w for w in ours if w not in theirs), " ".join(w for w in theirs if w not in ours)


def commune_of_siren(siren: str) -> Commune | None:
    """The commune of a town hall's SIREN, or the most populous member of an inter-communal grouping's.

    The number of a commune that has merged since holds its old INSEE code, and so the commune of today.
    """
    code = _by_siren().get(siren[:9])
    if code:
        return commune(code)
    merged = commune(siren[2:4] + siren[5:8]) if re.match(r"21[0-9]{2}0[0-9]{4}", siren) else None
    # A commune that kept a number of the old kind has not merged: the digits then say something else.
    return merged if merged and not merged.siren.startswith("21") else None


#: Numbers that INSEE gave to public bodies of a place carry the department after two digits: 17 services
#: of the State, 19 secondary schools, 21 communes, 22 departments, 23 regions, 24 and 25 groupings, 26
#: hospitals and CCAS, 27 public housing and the like (newer bodies have 13 and 20, which tell no place).
_PLACED_SIREN = re.compile(r"^(?:17|19|21|22|23|24|25|26|27)(97[1-8]|[0-9]{2})")


def department_of_siren(siren: str) -> str | None:
    """The department in the number of an older public body, or None; Corsica\'s two are not distinguished."""
    match = _PLACED_SIREN.match(siren[:9]) if len(siren) >= 9 else None
    return match.group(1) if match and match.group(1) in _departments()[0] else None


# --------------------------------------------------------------------------------- departments, regions


def department(code: str) -> Department | None:
    """The department of a code ("01", "2A", "974")."""
    return _departments()[0].get(code)


def department_typed(words: str) -> str | None:
    """The code of a department that is typed by its number or its name; None where there is none."""
    code = words.strip().upper()
    return code.zfill(2) if code.zfill(2) in _departments()[0] else area_named(words)[0]


def departments() -> tuple[Department, ...]:
    """All departments and overseas collectivities, by code."""
    return tuple(_departments()[0].values())


def region_of(department: str) -> str | None:
    """The INSEE region code of a department."""
    area = _departments()[0].get(department)
    return area.region if area else None


@remembered()
def regions() -> Mapping[str, str]:
    """Region codes and names."""
    return MappingProxyType({d.region: d.region_name for d in sorted(departments(), key=lambda d: d.region)})


def departments_of_region(region: str) -> tuple[str, ...]:
    """The departments of a region, by code."""
    return tuple(d.code for d in departments() if d.region == region)


@remembered()
def former_regions() -> Mapping[str, tuple[str, ...]]:
    """The departments of the regions of before 2016 that were merged, and of several regions together, by the key of their name."""
    listed = code_list("names of former regions").items()
    return {name_key(name): sum(map(department_of_nuts, codes.split()), ()) for name, codes in listed}


def departments_within(place: Place) -> tuple[str, ...]:
    """The department of a place; all those of its NUTS code or region where no more is known."""
    if place.department:
        return (place.department,)
    within = department_of_nuts(place.nuts) if place.nuts else ()
    return within or (departments_of_region(place.region) if place.region else ())


def precise(place: Place) -> bool:
    """Is a place known more precisely than by its department?"""
    return bool(place.commune or place.grouping) or (place.latitude is not None and not _doubt(place))


#: How far communes without coordinates usually lie from the mean of those that share their postcode.
POSTCODE_KM = 8.5


def whereabouts(place: Place) -> Whereabouts | None:
    """Where a place is, as far as it is known: its own point, else the centre of its department or region.

    None where none of these is known.
    """
    if place.latitude is not None and place.longitude is not None:
        return Whereabouts(place.latitude, place.longitude, _doubt(place))
    centre = department(place.department) if place.department else None
    if centre is not None and not math.isnan(centre.latitude):
        return Whereabouts(centre.latitude, centre.longitude, centre.spread_km)
    return _centres_of_regions().get(place.region or "") if centre is None else None


def _doubt(place: Place) -> float:
    """How far a place usually lies from its coordinates: these may be of its postcode or department alone."""
    if place.grouping and place.grouping in groupings():
        return _grouping_area(place.grouping).spread_km
    point, town = (place.latitude, place.longitude), commune(place.commune) if place.commune else None
    if town is not None and not math.isnan(town.latitude):
        return 0.0
    centre = department(place.department) if place.department else None
    if centre is not None and point == (centre.latitude, centre.longitude):
        return centre.spread_km
    return POSTCODE_KM if town is not None and point == coordinates(town)[:2] else 0.0


def is_abroad(place: Place) -> bool:
    """Is a place in another country, or in none?"""
    return place.country not in (None, "", "FR")


def unplaced(stated: Iterable[Place]) -> Unplaced:
    """Why nothing tells where in France these places are: none is stated, it is not known, or abroad; "" where one is known."""
    stated = tuple(stated)
    if any(place.department or whereabouts(place) for place in stated):
        return ""
    if any(map(is_abroad, stated)):
        return "abroad"
    return "unknown" if any(place.label for place in stated) else "unsaid"


@remembered()
def _centres_of_regions() -> dict[str, Whereabouts]:
    """The mean of the centres of each region's departments, and how far from it their people live."""
    centres = {}
    for code in regions():
        within = [d for d in departments() if d.region == code and not math.isnan(d.latitude)]
        if within:
            latitude = sum(d.latitude for d in within) / len(within)
            longitude = sum(d.longitude for d in within) / len(within)
            far = ((distance_km(d.latitude, d.longitude, latitude, longitude), d.spread_km) for d in within)
            squares = [away**2 + spread**2 for away, spread in far]
            centres[code] = Whereabouts(latitude, longitude, math.sqrt(sum(squares) / len(within)))
    return centres


def neighbours(department: str) -> tuple[str, ...]:
    """The departments adjacent to this one, by code; none for those overseas."""
    return _departments()[1].get(department, ())


def department_of_postcode(postcode: str) -> str | None:
    """The department of a postcode, a CEDEX included; the table wins where a postcode crosses a border."""
    if not re.fullmatch(r"[0-9]{5}", postcode):
        return None
    rows = _by_postcode().get(postcode)
    if rows:
        return communes_of_postcode(postcode)[0].department
    if postcode.startswith("20"):
        return "2A" if postcode[:3] in ("200", "201") else "2B"
    # the islands that left Guadeloupe keep its postcodes: 977 is Réunion's, of a CEDEX
    prefix = postcode[:3].replace("977", "974") if postcode[:2] in ("97", "98") else postcode[:2]
    return prefix if prefix in _departments()[0] else None


def department_of_nuts(nuts: str) -> tuple[str, ...]:
    """The departments of a NUTS code of France, of any level and version; none for "FR" or abroad."""
    code = nuts.strip().upper()
    if len(code) < 3 or not code.startswith("FR"):
        return ()
    return tuple(sorted({d for key, d in _column("nuts.csv", 1).items() if key.startswith(code)}))


# ----------------------------------------------------------------------------------------------- placing


def distance_km(lat1: Any, lon1: Any, lat2: Any, lon2: Any) -> Any:
    """Great-circle distance in kilometres between points in degrees; arrays broadcast, NaN stays NaN."""
    p1, p2 = np.radians(lat1), np.radians(lat2)
    half_lat, half_lon = (p2 - p1) / 2, (np.radians(lon2) - np.radians(lon1)) / 2
    h = np.sin(half_lat) ** 2 + np.cos(p1) * np.cos(p2) * np.sin(half_lon) ** 2
    km = 2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.clip(h, 0.0, 1.0)))
    return float(km) if np.ndim(km) == 0 else km


def coordinates(place: Commune) -> tuple[float, float, bool]:
    """Latitude, longitude, and whether they are approximate: the postcode's mean, else the department's centre."""
    if not math.isnan(place.latitude):
        return place.latitude, place.longitude, False
    around = [c for pc in place.postcodes for c in communes_of_postcode(pc) if not math.isnan(c.latitude)]
    if around:
        sums = sum(c.latitude for c in around), sum(c.longitude for c in around)
        return sums[0] / len(around), sums[1] / len(around), True
    centre = department(place.department)
    return (centre.latitude, centre.longitude, True) if centre else (NAN, NAN, True)


_POSTCODE = re.compile(r"(?<![0-9])(?:F-?)?([0-9]{5})(?![0-9])")
_BRACKET = re.compile(r"\((2[AB]|[0-9]{2,3})\)", re.I)
_IN_BRACKETS = re.compile(r"\([^()]{2,40}\)")
_TITLE = re.compile(
    r"^(?:ville|commune|mairie|communaute de communes|agglomeration) d(?:e la|e l|es|u|e) |^(?:ville|commune|mairie) d "
)
_DEPARTMENT_TITLE = re.compile(r"^(?:departement|conseil departemental) (?:d(?:e la|e l|es|u|e) |d )?")
_REGION_TITLE = re.compile(r"^(?:region|conseil regional) (?:d(?:e la|e l|es|u|e) |d )?")
#: An ambiguous commune name is accepted without a department when one commune is this much larger.
CLEARLY_LARGEST = 5


def _named(label: str, near: str | None) -> tuple[Commune | None, bool]:
    """The commune that a label names, and whether it is ambiguous."""
    label = _IN_BRACKETS.sub(lambda named: " " if any(_area_in(named.group())) else named.group(), label)
    bare = re.sub(r"\b(?:cedex|cx)\b.*$", "", _POSTCODE.sub(" ", label), flags=re.I).strip()
    for number, key in enumerate(dict.fromkeys((_TITLE.sub("", name_key(bare)), *shorter(bare, near)))):
        towns = list(communes_named(key, near))
        if not towns and not number:
            towns = list(communes_once_named(key, near or None) or abbreviated(bare, near or None))
        if towns and (len(towns) == 1 or towns[0].population >= CLEARLY_LARGEST * towns[1].population):
            return towns[0], len(towns) > 1 or number > 0
    return None, False


#: What stands before the name of its town: "centre hospitalier de Laon", "arrondissement de Lens".
INSTITUTIONS = frozenset(
    "arrondissement canton secteur bassin hopital centre chu chr ch clinique ehpad lycee college ecole universite campus"
    " prefecture sous maison foyer residence caserne mairie hotel commune ville site agglomeration pays atelier".split()
)
#: Before a town, of what it is only the middle or the edge: "métropole de Lyon", "sud de la Basse-Terre".
OF_MORE = ("departement", "metropole", "europeenne", "nord", "sud", "ouest", "nord est", "sud est", " l est")
_PART = re.compile(r"\s{1,9}(?:et|&)\s+|[/,;+]")
_LINK = re.compile(r"(?:\b(?:de la|de l|de|du|des|d|a|au|aux)|[-–,(])[ '’]+(?=\w)", re.I)


def shorter(label: str, near: str | None = None) -> Iterator[str]:
    """Names within a label: each of several, and what follows an institution, or any word where a department is known."""
    parts = _PART.split(label)
    yield from map(name_key, parts if len(parts) > 1 else ())
    if near or (name_key(label).split() or [""])[0] in INSTITUTIONS:
        for link in _LINK.finditer(label):
            if not name_key(label[: link.start()]).endswith(OF_MORE):
                yield name_key(label[link.end() :])


@remembered()
def _area_names() -> tuple[dict[str, str], dict[str, str]]:
    """Departments and regions by folded name, with and without their article."""
    by_department = {name_key(d.name): d.code for d in departments()}
    by_region = {name_key(name): code for code, name in regions().items()}
    bare = {_ARTICLE.sub("", key): code for key, code in by_department.items()}
    return bare | by_department, by_region


def area_named(name: str) -> tuple[str | None, str | None]:
    """The department, or else the region, of exactly this name: (code, None), (None, code) or (None, None)."""
    by_department, by_region = _area_names()
    key = name_key(name)
    of_department = by_department.get(_DEPARTMENT_TITLE.sub("", key))
    if of_department and not key.startswith("region"):
        return of_department, None
    return None, by_region.get(_REGION_TITLE.sub("", key))


def _area_in(bracket: str) -> tuple[str | None, str | None]:
    """The department or region of "(69)", "(Morbihan)" or "(Département du Pas-de-Calais)"."""
    number = _BRACKET.fullmatch(bracket)
    return (number.group(1).upper(), None) if number else area_named(bracket[1:-1])


def _areas(label: str) -> tuple[str | None, str | None]:
    """The department and the region that a label names, whole, in brackets or after its last comma."""
    bracket = re.search(r"\(([^()]{3,40})\)", label)
    for part in (label, bracket.group(1) if bracket else "", label.rpartition(",")[2]):
        code, region = area_named(part)
        if code or region:
            return code, region or (region_of(code) if code else None)
    return None, None


def _with_commune(place: Place, found: Commune, inferred: bool = False) -> Place:
    latitude, longitude, approximate = coordinates(found)
    if place.latitude is not None and place.longitude is not None:
        latitude, longitude, approximate = place.latitude, place.longitude, False
    known = not math.isnan(latitude)
    return replace(
        place,
        label=place.label or found.name,
        commune=place.commune or found.code,
        postcode=place.postcode or (found.postcodes[0] if len(found.postcodes) == 1 else None),
        department=place.department or found.department,
        region=place.region or region_of(place.department or found.department),
        latitude=latitude if known else None,
        longitude=longitude if known else None,
        inferred=place.inferred or inferred or approximate,
    )


def _postcode_of(place: Place) -> str:
    """The postcode in a label, of several that of the NUTS; "" where there is none."""
    stated = _POSTCODE.findall(place.label)
    within = department_of_nuts(place.nuts or "") if len(stated) > 1 else ()
    return next((one for one in stated if department_of_postcode(one) in within), stated[0] if stated else "")


def _commune_of(place: Place) -> tuple[Commune | None, bool]:
    """The commune that a place states, and whether it is ambiguous."""
    if place.commune and (found := commune(place.commune)):
        return found, False
    postcode = place.postcode or _postcode_of(place)
    served = communes_of_postcode(postcode)
    if served:
        key = name_key(_POSTCODE.sub(" ", place.label))
        by_name = [c for c in served if key and f" {name_key(c.name)} " in f" {key} "]
        if by_name:  # the first, and not "Deauville" in "Deauville-Saint-Clair"
            return min(by_name, key=lambda c: (key.index(name_key(c.name)), -len(c.name))), False
        called = _named(place.label, served[0].department)[0] if key else None
        if called and not place.postcode and served[0].name.startswith(f"{called.name} "):
            called = served[0]  # a site at "75016 Paris"; who has its address there works in all the town
        return called or served[0], called is None and bool(key) and len(served) > 1
    bracket = _BRACKET.search(place.label)
    near = place.department or (department_of_postcode(postcode) if postcode else None)
    near = near or (bracket.group(1).upper() if bracket else None)
    if not near and place.label and area_named(place.label)[0] in (None, "75"):  # Paris is both
        near = _area_of(place)[0]
    if place.label and (near or _areas(place.label) == (None, None)):
        return _named(place.label, near)
    return None, False


def _area_of(place: Place) -> tuple[str | None, str | None]:
    """The department and region that a place states without naming a commune."""
    code = place.department
    if not code and place.postcode:
        code = department_of_postcode(place.postcode)
    if not code and (stated := _postcode_of(place)):
        code = department_of_postcode(stated)
    if not code and (bracket := _BRACKET.search(place.label)) and department(bracket.group(1).upper()):
        code = bracket.group(1).upper()
    region = place.region
    if not code and place.nuts:
        within = department_of_nuts(place.nuts)
        code = within[0] if len(within) == 1 else None
        shared = {region_of(d) for d in within}
        region = region or (shared.pop() if len(shared) == 1 else None)
    if not code and not region and place.label:
        code, region = _areas(place.label)
    return code, region or (region_of(code) if code else None)


#: "Formations sur tout le territoire, 75001 Paris": where they are organised
_NATIONWIDE = re.compile(r"\b(?:tout le|ensemble du) territoire(?! d)|\bfrance entiere")


def _whole(place: Place) -> bool:
    """Whether a place states all that could be completed, as addresses of registers and whole countries do."""
    if place.nuts == "FR" and _NATIONWIDE.search(fold(place.label)):
        return True
    stated = place.label and place.commune and place.postcode and place.department and place.region
    at = place.latitude is not None and place.longitude is not None
    return bool(stated and at and place.commune and _row_of(place.commune) is not None)


@remembered(50_000)
def locate(place: Place, buyer_id: str = "") -> Place:
    """Complete a place by what it states, and by the buyer's commune (inferred) where it states none.

    Tried in turn: commune, postcode (the label chooses among the communes that share one, else the most
    populous), name in the label, department, NUTS; then the buyer's SIREN, if its commune lies in the
    department or region stated.  What is stated is kept.  A place known by its department alone gets no
    coordinates: `department(code)` has its centre.
    """
    if is_abroad(place) or place.grouping or _whole(place):
        return place
    found, doubt = _commune_of(place)
    if found:
        return _with_commune(place, found, inferred=doubt)
    code, region = _area_of(place)
    if code or region:
        place = replace(place, department=code, region=region)
    if place.latitude is not None and place.longitude is not None:
        return place
    buyer = commune_of_siren(buyer_id) if buyer_id else None
    stated = (place.department,) if place.department else department_of_nuts(place.nuts or "")
    if buyer and (buyer.department in stated if stated else place.region in (None, buyer.region)):
        return _with_commune(place, buyer, inferred=True)
    if buyer_id and not code and not region and not place.nuts and (code := department_of_siren(buyer_id)):
        return replace(place, department=code, region=region_of(code), inferred=True)
    return place


def town_name(place: Place) -> str:
    """The name of a place in normal case: where it is in capitals, as in a register, that of its commune."""
    town = commune(place.commune) if place.label.isupper() and place.commune else None
    return town.name if town else place.label.title() if place.label.isupper() else place.label
