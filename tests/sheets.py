"""Lists of structures as networks, departments and chambers keep them (`data/sheets`), each with what a reader should find.

All of it is invented; the SIRETs of the first forty-three pass their check sums and begin with 000, which belong to nobody.  The
last twenty-four were written six by six, each six before the reader was mended for it; of the last six, by another author, the
SIRETs are drawn at random and zones were settled by what a reader can know.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matcher.domain import Structure, Zone
from matcher.reference.identifiers import luhn, siret_valid
from matcher.reference.text import fold

FOLDER = Path(__file__).parent / "data" / "sheets"


def siret(number: int, office: int = 1) -> str:
    """A SIRET that passes both check sums and belongs to nobody."""
    siren = next(s for last in "0123456789" if luhn(s := f"000{number:05d}{last}"))
    return next(s for last in "0123456789" if siret_valid(s := f"{siren}{office:04d}{last}"))


@dataclass(frozen=True)
class Sheet:
    """A file, and the fields of each structure in it."""

    name: str
    content: bytes
    truth: tuple[dict[str, Any], ...]


def measured(sheet: Sheet, structures: Sequence[Structure]) -> tuple[int, int, list[str]]:
    """(fields read right, fields stated, what was read wrong); a structure that is not in the sheet is one wrong field."""
    right, stated, wrong = 0, 0, []
    by_key: dict[tuple[str, str], Structure] = {}
    for one in structures:
        by_key.setdefault((one.siret, one.kind), one)
        by_key.setdefault((one.siret, ""), one)
    for fields in sheet.truth:
        key = (fields["siret"], fields.get("kind", ""))
        one = by_key.get(key) or by_key.get((fields["siret"], ""))
        for field, value in fields.items():
            stated += 1
            if one is not None and _CHECKS.get(field, _same)(one, field, value):
                right += 1
            else:
                wrong.append(f"{sheet.name} {fields['siret'][3:8]} {field}: {value!r}")
    extra = {one.siret for one in structures} - {fields["siret"] for fields in sheet.truth}
    wrong += [f"{sheet.name}: {number} is no structure of it" for number in extra]
    return right, stated + len(extra), wrong


def _same(one: Structure, field: str, value: Any) -> bool:
    found = getattr(one, field)
    return found == value if not isinstance(value, str) else fold(str(found or "")) == fold(value)


def _digits(one: Structure, field: str, value: Any) -> bool:
    return "".join(filter(str.isdigit, getattr(one, field))) == "".join(filter(str.isdigit, value))


def _says(one: Structure, _: str, value: Any) -> bool:
    texts = [fold(one.description), *(fold(f"{offer.title} {offer.text}") for offer in one.offers)]
    return all(any(fold(part) in text for text in texts) for part in value)


def _stands(one: Structure, _: str, value: Any) -> bool:
    return fold(one.place.label) == fold(value) and one.place.commune is not None


def _areas(zone: Zone) -> tuple[Any, ...]:
    named = map(set, (zone.groupings, zone.departments, zone.regions, zone.communes))
    return zone.radius_km, zone.country, *named


_CHECKS: dict[str, Callable[[Structure, str, Any], bool]] = {
    "phone": _digits,
    "does": _says,
    "town": _stands,
    "department": lambda s, _, v: s.place.department == v,
    "zone": lambda s, _, v: s.zone is not None and _areas(s.zone) == _areas(v),
    "flag": lambda s, _, v: any(flag.startswith(v) for flag in s.flags),
}


def kept() -> list[Sheet]:
    """The sheets of the folder, in the order in which they were written."""
    truth = json.loads((FOLDER / "truth.json").read_text("utf-8"))
    found = []
    for number, rows in truth.items():
        (file,) = (FOLDER / number).iterdir()
        fields = ({**row, "zone": Zone(**row["zone"])} if row.get("zone") else row for row in rows)
        found.append(Sheet(file.name, file.read_bytes(), tuple(fields)))
    return found
