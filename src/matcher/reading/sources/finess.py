"""FINESS: ESAT and entreprises adaptées with their places, from the national extract or a table made of it.

The national file has no headings: lines of "structureet" with the establishment, of "geolocalisation" with Lambert
coordinates, of "equipementsocial" with places.  A table made of it has a column `finess_et`.
"""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, BinaryIO

from matcher.domain import Rejected, Structure
from matcher.reading.sources import Columns, _columns, _structure, _tabular
from matcher.reading.sources._columns import Cells
from matcher.reference.identifiers import finess_identity, identified, number_of
from matcher.reference.tables import code_list
from matcher.reference.text import clean

YIELDS = "structure"
#: Categories of establishment (FINESS, nomenclature T6) that are structures here.
CATEGORIES = {"246": "ESAT", "247": "EA"}
SOURCE = "FINESS"
_MARK = b"finess;etalab;"
#: Columns of a "structureet" line of the national extract, by their place.
_COLUMNS: dict[str, int] = code_list("finess columns")
#: The table made of the extracts: heading -> what it holds.
TABLE: dict[str, str] = code_list("finess table")
FIELDS = (*TABLE.values(), *_columns.TEXTS)
_VOCABULARY = _columns.Vocabulary(_columns.TEXTS, frozenset(_columns.TEXTS))
_DELETED, _INSTALLED = 15, 9  # columns of an "equipementsocial" line: deleted ("O"), installed capacity


def recognises(name: str, head: bytes) -> bool:
    """True for the national extract, or a table with the columns `finess_et` and `siret`."""
    if head.lstrip(b"\xef\xbb\xbf").startswith(_MARK):
        return True
    if _tabular.shape_of(head) != "csv":
        return False
    return {"finess_et", "siret"} <= {heading.lower() for heading in _tabular.headings_of(head)}


def mapping(headings: Sequence[str], cells: Cells | None = None, fixed: Columns = None) -> dict[str, str]:
    """Field -> heading: the columns of TABLE, and those added that say what a structure does."""
    own = {field: heading for heading in headings if (field := TABLE.get(heading.lower()))}
    return _VOCABULARY.guess([h for h in headings if h not in own.values()], cells, fixed) | own


def read(stream: BinaryIO, name: str, columns: Columns = None) -> Iterator[Structure | Rejected]:
    """One Structure an ESAT or EA, its places as headcount; other establishments of the extract are passed over."""
    stream.seek(0)
    whole = stream.read(64).lstrip(b"\xef\xbb\xbf").startswith(_MARK)
    rows = national(stream) if whole else _table(stream, name, columns)
    kept: dict[tuple[str, str], Structure] = {}
    for place, row in rows:
        structure = row if isinstance(row, str) else structure_of(row)
        if isinstance(structure, str):
            yield _tabular.rejected(name, place, structure)
        else:
            key = (structure.siret, structure.kind)
            kept[key] = _with_site(kept[key], structure) if key in kept else structure
    yield from kept.values()


def structure_of(row: Mapping[str, Any]) -> Structure | str:
    """The structure of one row; a str is the reason why it is rejected."""
    number = finess_identity(row.get("finess"))
    identity = identified(_structure.siret_of(row.get("siret")), row.get("finess"))
    named = clean(str(row.get("long_name") or row.get("name") or ""), 300)
    kind = _structure.kind_of(row.get("kind")) or _structure.kind_in_name(named) or "ESAT"
    places = number_of(row.get("places")) or None
    descriptions, offers = row.get("told", ((), ()))
    return _structure.published(
        row,
        "finess",
        SOURCE,
        identity,
        kind,
        phone=_structure.phone_of(row.get("phone")),
        told=descriptions,
        offers=offers,
        predecessors=(number,) if number not in ("", identity[0]) else (),
        headcount=places,
        provenance={"headcount": f"{SOURCE}, places autorisées"} if places else {},
    )


def _with_site(structure: Structure, other: Structure) -> Structure:
    """Two sites under one SIRET are one structure here, with the places of both."""
    places = [one.headcount for one in (structure, other) if one.headcount]
    return replace(
        structure,
        headcount=sum(places) if places else None,
        description=structure.description or other.description,
        offers=_structure.numbered_offers(structure, (), (*structure.offers, *other.offers)),
        predecessors=tuple(dict.fromkeys((*structure.predecessors, *other.predecessors))),
        provenance={**other.provenance, **structure.provenance},
    )


def places_of(stream: BinaryIO) -> dict[str, float]:
    """FINESS number -> places installed, from the extract of equipment ("equipementsocial" lines)."""
    places: dict[str, float] = {}
    for line in _lines(stream):
        if line and line[0] == "equipementsocial" and len(line) > _DELETED and line[_DELETED] != "O":
            places[line[1]] = places.get(line[1], 0.0) + (number_of(line[_INSTALLED]) or 0.0)
    return places


def _table(stream: BinaryIO, name: str, columns: Columns) -> Iterator[_tabular.Placed]:
    rows = _tabular.rows(stream, name, lambda headings: "finess_et" in headings)
    for place, row, found in _columns.mapped(name, rows, mapping, lambda *_: None, columns, FIELDS):
        if isinstance(row, str):
            yield place, row
        else:
            texts = {k: heading for k, heading in found.items() if k.partition(".")[0] in _columns.TEXTS}
            cells = {key: row.get(heading) for key, heading in found.items() if key not in texts}
            yield place, {**cells, "told": _columns.told(row, texts)}


def national(stream: BinaryIO) -> Iterator[tuple[str, dict[str, Any]]]:
    """The ESAT and EA of the national extract, each with its place in the file."""
    stream.seek(0)
    for number, line in enumerate(_lines(stream), 1):
        if not line or line[0] != "structureet" or len(line) <= _COLUMNS["updated"]:
            continue
        cells = {name: line[place].strip() for name, place in _COLUMNS.items()}
        kind = CATEGORIES.get(cells["category"])
        if kind is None:
            continue
        town = re.match(r"\s*(\d{5})\s+(.*)", cells["town"])
        yield (
            f"row {number}",
            {
                **cells,
                "long_name": cells["long_name"] or cells["name"],
                "kind": kind,
                "address": " ".join(filter(None, (cells["number"], cells["way"], cells["street"]))),
                "postcode": town.group(1) if town else None,
                "town": town.group(2) if town else cells["town"],
                "commune": f"{cells['department']}{cells['commune']}"
                if len(cells["department"]) == 2
                else None,
            },
        )


def _lines(stream: BinaryIO) -> Iterator[list[str]]:
    stream.seek(0)
    text = _tabular.decoded(stream)
    try:
        csv.field_size_limit(1 << 20)
        yield from csv.reader(text, delimiter=";", quoting=csv.QUOTE_NONE)
    finally:
        text.detach()
