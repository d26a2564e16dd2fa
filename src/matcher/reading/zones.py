"""The zone that a text states: kilometres around, departments and regions by name or number, the whole country."""

import re
from collections.abc import Iterator
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
#: "Paris et petite couronne".
_SUBURBS = re.compile(r"\b(paris (?:et|\+|&) (?:la |sa )?)?petite couronne\b")
_PARIS, _AROUND_PARIS = "75", ("92", "93", "94")
#: Department names that are also words or towns count after "département", or in a list with another department.
_COMMON = frozenset(
    "nord lot cher manche aube somme creuse landes var ain loire vienne marne orne eure oise indre gard".split()
)
_DEPARTMENT = re.compile(r"departements?\s(?:de\s|du\s|des\s|d'|de la\s|de l')?$")
#: What stands between two departments of a list: "en Lozère et dans le Gard", "du Nord et du Pas-de-Calais".
_BETWEEN = re.compile(
    r"\s?(?:,|/|et)\s?(?:et\s)?(?:en |dans |sur )?(?:le |la |les |l'|du |de la |de l'|des )?"
)
#: A region is named as an area: "en Bretagne", "Hauts-de-France".
_IN_REGION = r"(?:en|de|d'|la|region|toute|hors)[ ]?"


def stated(text: str) -> Zone | None:
    """The zone of a text, None where it states none."""
    plain = fold(text).replace("\n", " ")
    radius = _RADIUS.search(plain)
    zone = Zone(
        radius_km=float(radius[1] or radius[2]) if radius else None,
        departments=tuple(dict.fromkeys(_departments(plain))),
        country=bool(_COUNTRY.search(plain)),
    )
    return zone if zone != Zone() else None


def _departments(plain: str) -> Iterator[str]:
    """Departments given by number, by name, and by the region that holds them."""
    for match in _NUMBERS.finditer(plain):
        listed = re.findall(r"\d{2,3}|2[ab]", match[1] or match[2])
        yield from (code for part in listed if places.department(code := part.upper()))
    yield from _named(plain)
    for codes, pattern in _regions():
        if pattern.search(plain):
            yield from codes
    for match in _SUBURBS.finditer(plain):
        yield from (_PARIS, *_AROUND_PARIS) if match[1] else _AROUND_PARIS


def _named(plain: str) -> list[str]:
    names = sorted(
        (match.start(), match.end(), code, _is_certain(plain, match.start(), name))
        for code, name, pattern in _names()
        for match in pattern.finditer(plain)
    )
    certain = [(start, end) for start, end, _, sure in names if sure]

    def listed(start: int, end: int) -> bool:
        return any(
            _BETWEEN.fullmatch(plain[end:other] if end <= other else plain[last:start])
            for other, last in certain
        )

    return [code for start, end, code, sure in names if sure or listed(start, end)]


def _is_certain(plain: str, start: int, name: str) -> bool:
    """Whether a name can only be the department's: no common word nor town, or "département" stands before it."""
    ordinary = name in _COMMON or bool(places.communes_named(name))
    return not ordinary or bool(_DEPARTMENT.search(plain[max(0, start - 20) : start]))


@cache
def _names() -> tuple[tuple[str, str, re.Pattern[str]], ...]:
    """(code, folded name, pattern): "Haute-Garonne" holds no "Garonne"."""
    rows = [(one.code, fold(one.name)) for one in places.departments() if one.name]
    alone = r"(?<![a-z0-9-]){}(?![a-z0-9-])"
    return tuple((code, name, re.compile(alone.format(_body(name)))) for code, name in rows)


@cache
def _regions() -> tuple[tuple[tuple[str, ...], re.Pattern[str]], ...]:
    """The departments of each region of several, and its pattern."""
    within = ((places.departments_of_region(code), fold(name)) for code, name in places.regions().items())
    return tuple(
        (
            codes,
            re.compile(rf"(?<![a-z0-9-]){_IN_REGION if name.isalpha() else ''}{_body(name)}(?![a-z0-9-])"),
        )
        for codes, name in within
        if len(codes) > 1
    )


def _body(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", r"[ '\\-]", name)
