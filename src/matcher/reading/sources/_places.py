"""The place of a structure, buyer or award from the fields of a source, by matcher.reference.places."""

import re
from dataclasses import replace
from functools import cache, lru_cache

from matcher.domain import Place
from matcher.reference import places, toponyms
from matcher.reference.identifiers import digits, number_of
from matcher.reference.tables import code_list
from matcher.reference.text import clean, fold
from matcher.reference.toponyms import Homonyms

#: The place with commune, department, region and coordinates, where the reference tables know them.
located = places.locate


def postcode_of(raw: object) -> str | None:
    """Five digits, a leading zero lost by a spreadsheet given back; None where there are none."""
    text = re.sub(r"\.0+$", "", str(raw if raw is not None else "").strip())
    match = re.search(r"(?<!\d)(\d{5})(?!\d)", text)
    if match:
        return match.group(1)
    return text.zfill(5) if re.fullmatch(r"\d{4}", text) else None


def coordinate(raw: object, limit: float) -> float | None:
    """Degrees within +-limit, a decimal comma accepted; 0 and anything else is unknown."""
    value = number_of(raw)
    return value if value and abs(value) <= limit else None


def place_of(
    *,
    town: object = None,
    postcode: object = None,
    commune: object = None,
    department: str | None = None,
    region: str | None = None,
    latitude: object = None,
    longitude: object = None,
) -> Place:
    """The place with what is stated, completed from the table of communes; coordinates stated are kept."""
    named = clean(str(town if town is not None else ""), 200)
    name = re.sub(r"\s{1,9}cedex(\s+\d+)?$", "", named, flags=re.I)
    code = postcode_of(postcode)
    insee = str(commune if commune is not None else "").strip().upper().removesuffix(".0")
    insee = insee.zfill(5) if insee.isdigit() and len(insee) >= 4 else insee
    insee = insee if re.fullmatch(r"(?:\d{2}|2[AB])\d{3}", insee) else ""
    lat, lon = coordinate(latitude, 90), coordinate(longitude, 180)
    stated = Place(
        label=name,
        commune=insee or None,
        postcode=code,
        department=department or (places.department_of_postcode(code) if code else None),
        region=region,
        latitude=lat if lon is not None else None,
        longitude=lon if lat is not None else None,
    )
    return located(stated)


@lru_cache(50_000)
def loosely(words: str) -> tuple[Place, ...] | None:
    """The places that loose words name ("Brest centre", "près de Quimper"), none or several; None where a homonym stays open."""
    try:
        return toponyms.typed(words)
    except Homonyms:
        return None


@cache
def department_names() -> dict[str, str]:
    """Code -> name of the departments."""
    return {department.code: department.name for department in places.departments()}


def place_of_decp(
    code: str, type_code: str = "", name: str = "", buyer_id: str = "", words: str = ""
) -> Place:
    """The place of an award's `lieuExecution`, whose type is often wrong: the format of the code takes precedence.

    "1520" is 01520, "74" a department whatever its type (unless it is called a region), "341" an
    arrondissement of 34, "FRK26" a NUTS code; "FR", "DEP" and the like tell nothing.
    Of five digits that are both a postcode and an INSEE code the name, the title in `words` or the buyer's own
    commune decides, then the type.
    """
    label = name.strip()
    if with_town := re.fullmatch(r"\s*([0-9]{5})\s+([^\W\d].*)", str(code or "")):
        code, label = with_town.group(1), label or with_town.group(2).strip()
    text = re.sub(r"\.0+$", "", re.sub(r"\s", "", str(code or "")).upper())
    kind = fold(type_code)
    place = _of_region(text, kind)
    if place is None:
        text = _digits_of(text, kind)
        place = _of_five(text, kind, label, buyer_id, words) or _of_department(text, kind)
    if place is None:
        if not label and re.fullmatch(r"[A-ZÀ-Ü' -]{4,}", text) and text not in {"FRANCE", "NATIONAL"}:
            label = str(code).strip()
        return places.locate(Place(label=label), digits(buyer_id) or buyer_id)
    return places.locate(replace(place, label=label or place.label), buyer_id)


def _of_region(text: str, kind: str) -> Place | None:
    if re.fullmatch(r"FR[A-Z0-9]{1,3}", text) and places.department_of_nuts(text):
        return Place(nuts=text)
    if "region" in kind and (region := code_list("former regions").get(text, text)) in places.regions():
        return Place(region=region)
    return None


def _digits_of(text: str, kind: str) -> str:
    """A code without its country, with the leading zero that a spreadsheet dropped."""
    text = code_list("overseas by ISO 3166").get(text, re.sub(r"^FR(?=[0-9]{5}$)", "", text))
    cut = (len(text) == 1 and "pays" not in kind) or (len(text) == 4 and "arrondissement" not in kind)
    return f"0{text}" if cut and re.fullmatch(r"[0-9]+", text) else text


def _of_five(text: str, kind: str, label: str, buyer_id: str, words: str) -> Place | None:
    """The commune of an INSEE code or postcode; the postcode where it is of no known commune."""
    if not re.fullmatch(r"[0-9AB]{5}", text):
        return None
    home = places.commune_of_siren(buyer_id) if buyer_id else None
    around = f"{label} {words} {home.name if home else ''}"
    known = places.commune_or_postcode(text, around, "commune" in kind)
    return known or (Place(postcode=text) if places.department_of_postcode(text) else None)


def _of_department(text: str, kind: str) -> Place | None:
    """The department of a code; "250" as a country and "563" as nothing are codes of other lists."""
    whole = (text, text.lstrip("0").zfill(2))
    # only a code of these lists begins with its department
    listed = "arrondissement" in kind or "canton" in kind
    for candidate in (*whole, text[:3], text[:2]) if listed else whole:
        if "pays" not in kind and places.department(candidate):
            return Place(department=candidate)
    return None
