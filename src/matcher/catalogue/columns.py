"""Encoding of domain values in the columns of a catalogue: days, departments, zones and natures as numbers."""

from datetime import date
from functools import lru_cache

from matcher.domain import Zone
from matcher.reference import places

EPOCH = date(1970, 1, 1)
KEPT = 5_000  # zones whose numbers are remembered
TIMELESS = -(2**30)
FORMAT = 9  # of the folder of a saved catalogue
#: The natures of evidence; a row holds the position of its own.
NATURES = ("name", "naf", "description", "offer", "job", "award")
DECLARED = ("offer", "description", "job")

_LISTED = [f"{n:02d}" for n in range(1, 96) if n != 20] + ["2A", "2B", *map(str, range(971, 990))]
_DEPARTMENTS = {code: i for i, code in enumerate(_LISTED)}


def days(day: date | None) -> int:
    """Days since 1970-01-01, or a very early day for what is timeless."""
    return TIMELESS if day is None else (day - EPOCH).days


def department_number(department: str | None) -> int:
    """A number from 0 to 127 for a department code; -1 is unknown."""
    return _DEPARTMENTS.get(department or "", -1)


@lru_cache(KEPT)
def zone_bits(zone: Zone | None) -> tuple[int, int]:
    """The departments of a zone as two words of 64 bits, in the order of `department_number`."""
    if zone is None:
        return 0, 0
    codes = set(zone.departments)
    if zone.country:
        # "France entière" is metropolitan France: overseas departments count only when named
        codes |= {code for code in _DEPARTMENTS if len(code) == 2}
    codes |= {d.code for d in places.departments() if d.region in zone.regions}
    bits = sum(1 << _DEPARTMENTS[code] for code in codes if code in _DEPARTMENTS)
    return bits & (2**64 - 1), bits >> 64
