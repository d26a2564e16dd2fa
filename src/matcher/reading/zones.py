"""The zone that a text states: kilometres around, departments by name or number, the whole country."""

from __future__ import annotations

import re
from functools import cache

from matcher.domain import Zone
from matcher.reference import places
from matcher.reference.text import fold

_COUNTRY = re.compile(
    r"\b(?:toute la france|france entiere|territoire national|partout en france|echelle nationale)\b"
)
_RADIUS = re.compile(
    r"(?:rayon|autour|alentours|jusqu'a|perimetre)[^.;\n]{0,40}?(\d{1,3})\s?km\b|(\d{1,3})\s?km\s(?:autour|a la ronde)"
)
#: "(75, 92, 93)", "départements 22 et 35": numbers are departments where two or more stand together, or the word does.
_NUMBERS = re.compile(
    r"\(\s*((?:\d{2,3}|2[ab])(?:\s*(?:,|et|-|/)\s*(?:\d{2,3}|2[ab]))+)\s*\)|departements?\s+((?:\d{2,3}|2[ab])(?:(?:,|\s|et)+(?:\d{2,3}|2[ab]))*)\b"
)
#: Department names that are also words or towns count only after "département".
_COMMON = frozenset(
    "nord lot cher manche aube somme creuse landes var ain loire vienne marne orne eure oise indre gard".split()
)


def stated(text: str) -> Zone | None:
    """The zone of a text, None where it states none."""
    plain = fold(text).replace("\n", " ")
    radius = _RADIUS.search(plain)
    found = dict.fromkeys(code for match in _NUMBERS.finditer(plain) for code in _codes(match[1] or match[2]))
    for code, name, pattern in _names():
        if any(_meant(plain, match, name) for match in pattern.finditer(plain)):
            found[code] = None
    zone = Zone(
        radius_km=float(radius[1] or radius[2]) if radius else None,
        departments=tuple(found),
        country=bool(_COUNTRY.search(plain)),
    )
    return zone if zone != Zone() else None


def _codes(listed: str) -> list[str]:
    known = {department.code for department in places.departments()}
    return [code for part in re.findall(r"\d{2,3}|2[ab]", listed) if (code := part.upper()) in known]


@cache
def _names() -> tuple[tuple[str, str, re.Pattern[str]], ...]:
    """(code, folded name, pattern), the longest names first: "Haute-Garonne" holds no "Garonne"."""
    rows = [(d.code, fold(d.name)) for d in places.departments() if d.name]
    rows.sort(key=lambda row: -len(row[1]))
    made = []
    for code, name in rows:
        body = re.sub(r"[^a-z0-9]+", r"[ '\\-]", name)
        made.append((code, name, re.compile(rf"(?<![a-z0-9-]){body}(?![a-z0-9-])")))
    return tuple(made)


def _meant(plain: str, match: re.Match[str], name: str) -> bool:
    """Whether a name means the department: a common word or town name needs "département" before it."""
    if name not in _COMMON and not places.communes_named(name):
        return True
    return bool(
        re.search(
            r"departements?\s(?:de\s|du\s|des\s|d'|de la\s|de l')?$",
            plain[max(0, match.start() - 20) : match.start()],
        )
    )
