"""The tables of the trade: communes, departments, regions, NUTS, NAF, ROME, CPV, and placing by them.

Tables are read on first use, once, from `data/reference` (their sources are listed there).  An unknown
code gives None, "" or an empty tuple, never an error; unknown coordinates are NaN.
"""

from __future__ import annotations

import csv
import gzip
import io
import math
import os
import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from .domain import BadInput, Place
from .identifiers import clean_cpv, digits
from .paths import reference_dir
from .text import fold, plain_words

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
    """A department or overseas collectivity; its coordinates are its centre weighted by population."""

    code: str
    name: str
    region: str
    region_name: str
    latitude: float
    longitude: float


# ------------------------------------------------------------------------------------------------ tables


def user_dir() -> Path:
    """The user's own tables: `MATCHER_HOME`, by default `~/.local/share/maillage`."""
    return Path(os.environ.get("MATCHER_HOME") or Path.home() / ".local" / "share" / "maillage")


def assumptions_file(name: str) -> Path:
    """A table of `data/assumptions`: the user's own where there is one, else the one shipped."""
    own = user_dir() / "assumptions" / name
    return own if own.is_file() else reference_dir().parent / "assumptions" / name


#: Official lists that the user imported; they lie in `user_dir` and go before those shipped.
OFFICIAL_CPV, OFFICIAL_NAF, OFFICIAL_COMMUNES = "cpv.csv", "naf.csv", "communes.csv"


def _own_rows(name: str) -> Iterator[list[str]]:
    """The rows of a table that the user imported, none where there is none."""
    path = user_dir() / name
    if not path.is_file():
        return
    with path.open(encoding="utf-8", newline="") as stream:
        rows = csv.reader(stream)
        next(rows, None)
        yield from rows


def _keep(name: str, rows: list[tuple[str, ...]]) -> None:
    """Write a table of the user's, its headings first, and forget what was read of the old one."""
    target = user_dir() / name
    target.parent.mkdir(parents=True, exist_ok=True)
    coming = target.with_suffix(".coming")
    with coming.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows(rows)
    coming.replace(target)
    forget()


def forget() -> None:
    """Read every table anew when next asked: after an import, or under another `MATCHER_HOME`."""
    for held in list(globals().values()):
        if hasattr(held, "cache_clear"):
            held.cache_clear()


def _rows(name: str) -> Iterator[list[str]]:
    path = reference_dir() / name
    raw = path.read_bytes()
    text = (gzip.decompress(raw) if name.endswith(".gz") else raw).decode("utf-8")
    rows = csv.reader(io.StringIO(text, newline=""))
    next(rows)
    return rows


@cache
def _communes() -> tuple[list[str], list[list[str]]]:
    """Codes in order, and the row of each as strings: 35,000 objects are not made for the few looked up."""
    rows = list(_rows("communes.csv.gz"))
    own = list(_own_rows(OFFICIAL_COMMUNES))
    if own:
        rows = sorted({**{row[0]: row for row in rows}, **{row[0]: row for row in own}}.values())
    return [row[0] for row in rows], rows


def _number(text: str) -> float:
    return float(text) if text else NAN


@lru_cache(maxsize=8192)
def _commune_at(row: int) -> Commune:
    code, name, postcodes, department, region, people, siren, latitude, longitude = _communes()[1][row]
    return Commune(
        code,
        name,
        tuple(postcodes.split()),
        department,
        region,
        int(people or 0),
        siren,
        _number(latitude),
        _number(longitude),
    )


def _row_of(code: str) -> int | None:
    codes, _ = _communes()
    row = bisect_left(codes, code)
    return row if row < len(codes) and codes[row] == code else None


@cache
def _former() -> dict[str, str]:
    return {old: today for old, _, today in _rows("former_communes.csv.gz")}


CITIES = {"75056": "75", "69123": "6938", "13055": "132"}  # cities cut in arrondissements, and their prefix


@cache
def _by_postcode() -> dict[str, list[int]]:
    table: dict[str, list[int]] = {}
    cities = []
    for number, row in enumerate(_communes()[1]):
        if row[0] in CITIES:
            cities.append(number)
            continue
        for postcode in row[2].split():
            table.setdefault(postcode, []).append(number)
    for number in cities:  # only where no arrondissement has the postcode: it says more than the city
        for postcode in _communes()[1][number][2].split():
            table.setdefault(postcode, [number])
    return table


@cache
def _by_siren() -> dict[str, str]:
    table = {siren: largest for siren, _, _, largest in _rows("groupings.csv.gz")}
    table.update((row[6], row[0]) for row in _communes()[1] if row[6])
    return table


@cache
def _departments() -> tuple[dict[str, Department], dict[str, tuple[str, ...]]]:
    table, near = {}, {}
    for code, name, region, region_name, latitude, longitude, neighbours_ in _rows("departments.csv"):
        table[code] = Department(code, name, region, region_name, _number(latitude), _number(longitude))
        near[code] = tuple(neighbours_.split())
    return table, near


@cache
def _nuts() -> dict[str, str]:
    return {code: department for code, department, _ in _rows("nuts.csv")}


@cache
def _naf() -> dict[str, str]:
    return {row[0]: row[1] for table in (_rows("naf.csv"), _own_rows(OFFICIAL_NAF)) for row in table}


@cache
def _naf_words() -> dict[str, str]:
    return dict(_rows("naf_words.csv"))


@cache
def _rome() -> dict[str, str]:
    return {code: label for code, label, _ in _rows("rome.csv")}


# ---------------------------------------------------------------------------------------------- communes


def commune(code: str) -> Commune | None:
    """The commune of an INSEE code; a delegated or associated commune gives the commune of today."""
    row = _row_of(code)
    if row is None and code in _former():
        row = _row_of(_former()[code])
    return None if row is None else _commune_at(row)


def communes() -> Iterator[Commune]:
    """Every commune, in the order of its code."""
    return (_commune_at(row) for row in range(len(_communes()[0])))


def communes_of_postcode(postcode: str) -> tuple[Commune, ...]:
    """The communes served by a postcode, most populous first; none for a CEDEX."""
    found = [_commune_at(row) for row in _by_postcode().get(postcode, ())]
    return tuple(sorted(found, key=lambda c: (-c.population, c.code)))


_ABBREVIATED = (
    (re.compile(r"\bste\b"), "sainte"),
    (re.compile(r"\bst\b"), "saint"),
    (re.compile(r"\bs/"), "sur "),
)
_ARTICLE = re.compile(r"^(?:le|la|les|l) ")


def _key(name: str) -> str:
    text = fold(name)
    for pattern, whole in _ABBREVIATED:
        text = pattern.sub(whole, text)
    return " ".join(re.sub(r"[^a-z0-9]+", " ", text).split())


@cache
def _keys() -> list[str]:
    return [_key(row[1]) for row in _communes()[1]]


@cache
def _by_key() -> dict[str, list[int]]:
    table: dict[str, list[int]] = {}
    for number, key in enumerate(_keys()):
        table.setdefault(key, []).append(number)
    return table


def search_commune(name: str, department: str | None = None, limit: int = 10) -> tuple[Commune, ...]:
    """Communes whose name is, begins with, or resembles `name`, best first, then most populous first.

    Accents, case, hyphens, "St" for "Saint" and a leading article do not count.
    """
    wanted = _key(name)
    if not wanted or limit < 1:
        return ()
    keys, rows = _keys(), _communes()[1]
    within = [n for n in range(len(rows)) if department is None or rows[n][3] == department]

    def level(key: str) -> int | None:
        bare = _ARTICLE.sub("", key)
        if wanted in (key, bare):
            return 0
        return 1 if key.startswith(wanted) or bare.startswith(wanted) else None

    found = sorted((level(keys[n]), -int(rows[n][5] or 0), n) for n in within if level(keys[n]) is not None)
    numbers = [n for _, _, n in found[:limit]]
    if len(numbers) < limit and len(wanted) > 3:
        from rapidfuzz import fuzz, process

        choices = {n: keys[n] for n in within if n not in set(numbers)}
        near = process.extract(
            wanted, choices, scorer=fuzz.ratio, score_cutoff=82, limit=limit - len(numbers)
        )
        numbers += [n for _, _, n in near]
    return tuple(_commune_at(n) for n in numbers)


def commune_of_siren(siren: str) -> Commune | None:
    """The commune of a town hall's SIREN, or the most populous member of an inter-communal grouping's.

    The number of a commune that has merged since tells its old INSEE code, and so the commune of today.
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
    """The department that the number of an older public body tells, or None; Corsica's two are not told apart."""
    match = _PLACED_SIREN.match(siren[:9]) if len(siren) >= 9 else None
    return match.group(1) if match and match.group(1) in _departments()[0] else None


# --------------------------------------------------------------------------------- departments, regions


def department(code: str) -> Department | None:
    """The department of a code ("01", "2A", "974")."""
    return _departments()[0].get(code)


def departments() -> tuple[Department, ...]:
    """All departments and overseas collectivities, by code."""
    return tuple(_departments()[0].values())


def region_of(department: str) -> str | None:
    """The INSEE region code of a department."""
    found = _departments()[0].get(department)
    return found.region if found else None


@cache
def _region_names() -> Mapping[str, str]:
    return MappingProxyType({d.region: d.region_name for d in sorted(departments(), key=lambda d: d.region)})


def regions() -> Mapping[str, str]:
    """Region codes and names."""
    return _region_names()


def departments_of_region(region: str) -> tuple[str, ...]:
    """The departments of a region, by code."""
    return tuple(d.code for d in departments() if d.region == region)


def neighbours(department: str) -> tuple[str, ...]:
    """The departments that touch this one, by code; none for those overseas."""
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
    prefix = postcode[:3] if postcode[:2] in ("97", "98") else postcode[:2]
    return prefix if prefix in _departments()[0] else None


def department_of_nuts(nuts: str) -> tuple[str, ...]:
    """The departments of a NUTS code of France, of any level and version; none for "FR" or abroad."""
    code = nuts.strip().upper()
    if len(code) < 3 or not code.startswith("FR"):
        return ()
    return tuple(sorted({d for key, d in _nuts().items() if key.startswith(code)}))


# ---------------------------------------------------------------------------------------- nomenclatures


def _listed(path: str | Path, columns: str) -> Iterator[dict[str, str]]:
    """The rows of a CSV file, headings in lower case.  Raises BadInput when it cannot be read."""
    source = Path(path)
    try:
        text = source.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{source} ne peut être lu ({error}) : donnez un fichier CSV en UTF-8.") from None
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    try:
        for row in csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter):
            yield {
                (name or "").strip().lower(): value for name, value in row.items() if isinstance(value, str)
            }
    except csv.Error as error:
        raise BadInput(f"{source} ne peut être lu ({error}) : il faut les colonnes {columns}.") from None


def import_naf(path: str | Path) -> int:
    """Keep the labels of a CSV file of the NAF (columns code, libelle or label); how many; they go before those shipped.

    Raises BadInput when the file cannot be read or holds no code with a label.
    """
    columns = "code et libelle"
    labels: dict[str, str] = {}
    for row in _listed(path, columns):
        label = next(
            (row[n].strip() for n in ("libelle", "libellé", "label_fr", "label", "intitule") if row.get(n)),
            "",
        )
        code = (
            (row.get("code") or row.get("code_naf") or row.get("naf") or "").replace(".", "").strip().upper()
        )
        if label and re.fullmatch(r"[0-9]{2}(?:[0-9]{1,2}[A-Z]?)?", code):
            labels[code] = label
    if not labels:
        raise BadInput(f"{path} ne contient aucun code NAF : il faut les colonnes {columns}.")
    _keep(OFFICIAL_NAF, [("code", "label"), *sorted(labels.items())])
    return len(labels)


def import_communes(path: str | Path) -> int:
    """Keep the communes of a list of the official code, JSON (geo.api.gouv.fr) or CSV (INSEE); how many.

    What a list does not say (postcodes, coordinates, SIREN) stays as shipped.  Raises BadInput for anything else.
    """
    import json

    source = Path(path)
    try:
        with source.open("rb") as stream:
            start = stream.read(64).lstrip(b"\xef\xbb\xbf \r\n\t")[:1]
        listed: Any = (
            json.loads(source.read_text(encoding="utf-8-sig"))
            if start in (b"[", b"{")
            else list(_listed(source, "code et nom"))
        )
    except (OSError, ValueError) as error:
        raise BadInput(
            f"{source} ne peut être lu ({error}) : donnez la liste des communes en JSON ou en CSV."
        ) from None
    shipped = {row[0]: row for row in _rows("communes.csv.gz")}
    made: dict[str, tuple[str, ...]] = {}
    for row in listed if isinstance(listed, list) else ():
        if not isinstance(row, dict) or str(row.get("typecom") or "COM") not in ("COM", "ARM"):
            continue
        code = str(row.get("code") or row.get("com") or row.get("code_insee") or "").strip().upper()
        name = str(row.get("nom") or row.get("libelle") or row.get("name") or "").strip()
        if not re.fullmatch(r"[0-9][0-9AB][0-9]{3}", code) or not name:
            continue
        old = shipped.get(code, [code, name, "", "", "", "", "", "", ""])
        postcodes = row.get("codesPostaux") or row.get("codes_postaux") or ""
        told = " ".join(
            re.findall(
                r"\b[0-9]{5}\b", " ".join(postcodes) if isinstance(postcodes, list) else str(postcodes)
            )
        )
        point = ((row.get("centre") or {}).get("coordinates") if isinstance(row.get("centre"), dict) else None) or (
            row.get("lon"), row.get("lat"),
        )  # fmt: skip
        longitude, latitude = (_degrees(value) for value in (*point, None, None)[:2])
        within = str(row.get("codeDepartement") or row.get("dep") or row.get("departement") or "") or old[3]
        within = within or (code[:3] if code[:2] in ("97", "98") else code[:2])
        found = department(within)
        made[code] = (
            code, name, told or old[2], within, (found.region if found else "") or old[4],
            digits(str(row.get("population") or "")) or old[5], digits(str(row.get("siren") or "")) or old[6],
            latitude or old[7], longitude or old[8],
        )  # fmt: skip
    if not made:
        raise BadInput(f"{source} ne contient aucune commune : il faut au moins leur code et leur nom.")
    headings = (
        "code",
        "name",
        "postcodes",
        "department",
        "region",
        "population",
        "siren",
        "latitude",
        "longitude",
    )
    _keep(OFFICIAL_COMMUNES, [headings, *sorted(made.values())])
    return len(made)


def beyond_shipped(what: str) -> int:
    """How many codes of an imported list ("cpv", "naf" or "cog") the shipped table lacks."""
    name, shipped = {
        "cpv": (OFFICIAL_CPV, "cpv.csv"), "naf": (OFFICIAL_NAF, "naf.csv"), "cog": (OFFICIAL_COMMUNES, "communes.csv.gz"),
    }[what]  # fmt: skip
    known = {row[0] for row in _rows(shipped)}
    codes = (row[0].rstrip("0").ljust(2, "0") if what == "cpv" else row[0] for row in _own_rows(name))
    return sum(code not in known for code in codes)


def _degrees(value: Any) -> str:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return ""
    return f"{number:.4f}" if -180 <= number <= 180 else ""


def import_cpv(path: str | Path) -> int:
    """Keep the official CPV labels of a CSV file (columns code8 or code, label_fr or label); how many.

    Raises BadInput when the file cannot be read or holds no CPV code with a label.
    """
    source = Path(path)
    labels: dict[str, str] = {}
    for row in _listed(source, "code et label_fr"):
        label = (row.get("label_fr") or row.get("libelle") or row.get("label") or "").strip()
        code = clean_cpv(row.get("code8") or row.get("code") or "")
        if code and label:
            labels[code] = label
    if not labels:
        raise BadInput(f"{source} ne contient aucun code CPV : il faut les colonnes code et label_fr.")
    _keep(OFFICIAL_CPV, [("code", "label"), *sorted(labels.items())])
    return len(labels)


@cache
def cpv_labels() -> Mapping[str, str]:
    """CPV labels by significant digits ("45", "4544"): those imported by the user before those shipped."""
    labels = {row[0]: row[1] for row in _rows("cpv.csv")}
    # 45000000 is the division 45: a group or division keeps at least its two digits.
    labels.update((row[0].rstrip("0").ljust(2, "0"), row[1]) for row in _own_rows(OFFICIAL_CPV))
    return MappingProxyType(labels)


@lru_cache(maxsize=16384)
def cpv_label(code: str) -> str:
    """The label of a CPV code, of its longest known prefix where it has none itself, or ""."""
    labels = cpv_labels()
    stem = code.rstrip("0").ljust(2, "0")
    return next((labels[stem[:n]] for n in range(len(stem), 1, -1) if stem[:n] in labels), "")


def naf_label(code: str) -> str:
    """The label of a NAF rev. 2 code, with or without its dot; of its class or group where unknown, or ""."""
    stem = code.replace(".", "").upper()
    labels = _naf()
    return next((labels[stem[:n]] for n in range(len(stem), 0, -1) if stem[:n] in labels), "")


def naf_codes() -> tuple[str, ...]:
    """Every NAF rev. 2 code of a trade (four digits and a letter), without its dot, sorted."""
    return tuple(sorted(code for code in _naf() if len(code) == 5))


def naf_words(code: str) -> str:
    """Words of the trades that an activity code covers, in our own words, or ""."""
    return _naf_words().get(code.replace(".", "").upper(), "")


def rome_label(code: str) -> str:
    """The label of a ROME job, or ""."""
    return _rome().get(code.upper(), "")


def rome_labels() -> Mapping[str, str]:
    """ROME jobs and their labels."""
    return MappingProxyType(_rome())


@cache
def everyday_words() -> frozenset[str]:
    """Folded words of the nomenclatures and of the names of places: whoever writes them names no firm."""
    named = [
        *_naf().values(),
        *_naf_words().values(),
        *_rome().values(),
        *(row[1] for row in _rows("cpv.csv")),
    ]
    places = [place.name for place in communes()] + [d.name for d in departments()]
    return frozenset(word for text in (*named, *places) for word in plain_words(text))


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
        return (
            sum(c.latitude for c in around) / len(around),
            sum(c.longitude for c in around) / len(around),
            True,
        )
    centre = department(place.department)
    return (centre.latitude, centre.longitude, True) if centre else (NAN, NAN, True)


_POSTCODE = re.compile(r"(?<![0-9])(?:F-?)?([0-9]{5})(?![0-9])")
_BRACKET = re.compile(r"\((2[AB]|[0-9]{2,3})\)", re.I)
_TITLE = re.compile(
    r"^(?:ville|commune|mairie|communaute de communes|agglomeration) d(?:e la|e l|es|u|e) |^(?:ville|commune|mairie) d "
)
_DEPARTMENT_TITLE = re.compile(r"^(?:departement|conseil departemental) (?:d(?:e la|e l|es|u|e) |d )?")
_REGION_TITLE = re.compile(r"^(?:region|conseil regional) (?:d(?:e la|e l|es|u|e) |d )?")
#: A name borne by several communes is believed without a department when one is this much larger.
CLEARLY_LARGEST = 5


def _named(label: str, near: str | None) -> tuple[Commune | None, bool]:
    """The commune that a label names, and whether its homonyms leave a doubt."""
    text = re.sub(r"\b(?:cedex|cx)\b.*$", "", _key(_POSTCODE.sub(" ", _BRACKET.sub(" ", label)))).strip()
    key = _TITLE.sub("", text)
    found = sorted((_commune_at(n) for n in _by_key().get(key, ())), key=lambda c: (-c.population, c.code))
    if near:
        found = [c for c in found if c.department == near]
    if not found:
        return None, False
    if len(found) > 1 and found[0].population < CLEARLY_LARGEST * found[1].population:
        return None, False
    return found[0], len(found) > 1


@cache
def _area_names() -> tuple[dict[str, str], dict[str, str]]:
    """Departments and regions by folded name, with and without their article."""
    return {_key(d.name): d.code for d in departments()}, {
        _key(name): code for code, name in regions().items()
    }


def _areas(label: str) -> tuple[str | None, str | None]:
    """The department and the region that a label names, whole, in brackets or after its last comma."""
    by_department, by_region = _area_names()
    bracket = re.search(r"\(([^()]{3,40})\)", label)
    for part in (label, bracket.group(1) if bracket else "", label.rpartition(",")[2]):
        key = _key(part)
        found = by_department.get(_DEPARTMENT_TITLE.sub("", key))
        if found and not key.startswith("region"):
            return found, region_of(found)
        if region := by_region.get(_REGION_TITLE.sub("", key)):
            return None, region
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


def _commune_of(place: Place) -> tuple[Commune | None, bool]:
    """The commune that a place states, and whether a doubt remains."""
    if place.commune and (found := commune(place.commune)):
        return found, False
    stated = _POSTCODE.search(place.label)
    postcode = place.postcode or (stated.group(1) if stated else "")
    served = communes_of_postcode(postcode)
    if served:
        key = _key(_POSTCODE.sub(" ", place.label))
        by_name = [c for c in served if key and (_key(c.name) == key or f" {_key(c.name)} " in f" {key} ")]
        return max(by_name, key=lambda c: len(c.name)) if by_name else served[0], False
    bracket = _BRACKET.search(place.label)
    near = place.department or (department_of_postcode(postcode) if postcode else None)
    near = near or (bracket.group(1).upper() if bracket else None)
    if place.label and (near or _areas(place.label) == (None, None)):
        return _named(place.label, near)
    return None, False


def _area_of(place: Place) -> tuple[str | None, str | None]:
    """The department and region that a place states without naming a commune."""
    code = place.department
    if not code and place.postcode:
        code = department_of_postcode(place.postcode)
    if not code and (stated := _POSTCODE.search(place.label)):
        code = department_of_postcode(stated.group(1))
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


def locate(place: Place, buyer_id: str = "") -> Place:
    """Complete a place by what it states, and by the buyer's commune (inferred) where it states none.

    Tried in turn: commune, postcode (the label chooses among the communes that share one, else the most
    populous), name in the label, department, NUTS; then the buyer's SIREN, if its commune lies in the
    department or region stated.  What is stated is kept.  A place known by its department alone gets no
    coordinates: `department(code)` has its centre.
    """
    if place.country not in (None, "", "FR"):
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
    if buyer and _consistent(place, buyer):
        return _with_commune(place, buyer, inferred=True)
    if buyer_id and not code and not region and not place.nuts and (code := department_of_siren(buyer_id)):
        return replace(place, department=code, region=region_of(code), inferred=True)
    return place


def _consistent(place: Place, buyer: Commune) -> bool:
    if place.department:
        return place.department == buyer.department
    if place.nuts and (within := department_of_nuts(place.nuts)):
        return buyer.department in within
    return place.region in (None, buyer.region)


#: Regions of before 2016, which older records still name.
FORMER_REGIONS = {
    "21": "44", "22": "32", "23": "28", "25": "28", "26": "27", "31": "32", "41": "44", "42": "44",
    "43": "27", "54": "75", "72": "75", "73": "76", "74": "75", "82": "84", "83": "84", "91": "76",
}  # fmt: skip


#: Overseas departments by their ISO 3166 codes, which some publishers write.
ISO_OVERSEAS = {
    "GP": "971", "MQ": "972", "GF": "973", "RE": "974", "PM": "975", "YT": "976",
    "BL": "977", "MF": "978", "TF": "984", "WF": "986", "PF": "987", "NC": "988",
}  # fmt: skip


def place_of_decp(code: str, type_code: str = "", name: str = "", buyer_id: str = "") -> Place:
    """The place of an award's `lieuExecution`, whose type often lies: the code's own shape is believed first.

    "1520" is 01520, "74" a department whatever its type (unless it is called a region), "341" an
    arrondissement of 34, "FRK26" a NUTS code; "FR", "DEP" and the like tell nothing.
    """
    text = re.sub(r"\s", "", str(code or "")).upper()
    text = re.sub(r"\.0+$", "", text)
    kind = fold(type_code)
    label = name.strip()
    if re.fullmatch(r"FR[A-Z0-9]{1,3}", text) and department_of_nuts(text):
        return locate(Place(label=label, nuts=text), buyer_id)
    if "region" in kind and (region := FORMER_REGIONS.get(text, text)) in regions():
        return locate(Place(label=label, region=region), buyer_id)
    text = ISO_OVERSEAS.get(text, re.sub(r"^FR(?=[0-9]{5}$)", "", text))
    if re.fullmatch(r"[0-9]", text) and "pays" not in kind:
        text = "0" + text
    if re.fullmatch(r"[0-9]{4}", text) and "arrondissement" not in kind:
        text = "0" + text
    if re.fullmatch(r"[0-9AB]{5}", text):
        as_commune, as_postcode = commune(text), communes_of_postcode(text)
        if as_commune and ("commune" in kind or not as_postcode):
            return locate(Place(label=label, commune=as_commune.code), buyer_id)
        if department_of_postcode(text):
            return locate(Place(label=label, postcode=text), buyer_id)
    if "pays" not in kind:
        for candidate in (text, text.lstrip("0").zfill(2), text[:3], text[:2]):
            # "250" as a country and "563" as nothing are codes of other lists: only a stated list is cut short.
            whole = candidate in (text, text.lstrip("0").zfill(2))
            if department(candidate) and (whole or "arrondissement" in kind or "canton" in kind):
                return locate(Place(label=label, department=candidate), buyer_id)
    if not label and re.fullmatch(r"[A-ZÀ-Ü' -]{4,}", text) and text not in {"FRANCE", "NATIONAL"}:
        label = str(code).strip()
    return locate(Place(label=label), digits(buyer_id) or buyer_id)
