"""The place of a structure or buyer from the fields of a source, by matcher.reference.places."""

from __future__ import annotations

import re
from functools import cache, lru_cache

from matcher.domain import Place
from matcher.reference import places
from matcher.reference.text import clean


def postcode_of(raw: object) -> str | None:
    """Five digits, a leading zero lost by a spreadsheet given back; None where there are none."""
    text = re.sub(r"\.0+$", "", str(raw if raw is not None else "").strip())
    match = re.search(r"(?<!\d)(\d{5})(?!\d)", text)
    if match:
        return match.group(1)
    return text.zfill(5) if re.fullmatch(r"\d{4}", text) else None


def coordinate(raw: object, limit: float) -> float | None:
    """Degrees within +-limit, a decimal comma accepted; 0 and anything else is unknown."""
    if raw is None or isinstance(raw, bool):
        return None
    try:
        value = float(str(raw).strip().replace(",", "."))
    except ValueError:
        return None
    return value if 0 < abs(value) <= limit else None


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
    name = re.sub(
        r"\s{1,9}cedex(\s+\d+)?$", "", clean(str(town if town is not None else ""), 200), flags=re.I
    )
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
    return _located(stated)


@lru_cache(50_000)
def _located(stated: Place) -> Place:
    return places.locate(stated)


@cache
def department_names() -> dict[str, str]:
    """Code -> name of the departments."""
    return {department.code: department.name for department in places.departments()}


@cache
def region_names() -> dict[str, str]:
    """INSEE code -> name of the regions."""
    return dict(places.regions())
