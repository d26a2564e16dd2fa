"""Structures and awards as rows of the two tables of a catalogue."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pyarrow as pa

from matcher import codec
from matcher.catalogue.columns import DECLARED, NATURES, days, department_number, zone_bits
from matcher.domain import Award, Offer, Place, Structure
from matcher.reference.codes import cpv_label, naf_label
from matcher.reference.places import (
    POSTCODE_KM,
    Whereabouts,
    department,
    departments_within,
    locate,
    town_name,
    unmapped,
    whereabouts,
)
from matcher.reference.text import clean, fold

T = TypeVar("T")


class _Row(NamedTuple):
    """One piece of evidence on its way into the table."""

    nature: str
    text: str
    offer: Offer


def _profile(structure: Structure) -> Iterator[_Row]:
    """The pieces of a structure: its name, its trade by NAF, its description, offers and jobs."""
    name = structure.name.strip()
    if structure.brand and fold(structure.brand) != fold(name):
        name = f"{name} {structure.brand}".strip()

    def stated(nature: Any, words: str, title: str = "", **facts: Any) -> _Row:
        id, source = f"{structure.siret}#{nature}", structure.source
        return _Row(nature, words, Offer(id=id, title=title or words, nature=nature, source=source, **facts))

    yield stated("name", name)
    if structure.naf and (label := naf_label(structure.naf)):
        yield stated("naf", label, naf=structure.naf)
    if structure.description and not any(offer.nature == "description" for offer in structure.offers):
        text = structure.description
        yield stated("description", text, text[:80], text=text, zone=structure.zone)
    for offer in structure.offers:
        both = bool(offer.text) and not offer.text.startswith(offer.title)
        if text := clean(f"{offer.title}. {offer.text}" if both else offer.text or offer.title):
            # within the zone that the structure declares for all it does, where the offer states none of its own
            wide = structure.zone is not None and offer.zone is None and offer.nature in DECLARED
            yield _Row(offer.nature, text, replace(offer, zone=structure.zone) if wide else offer)


def _evidence_of_awards(
    known: dict[str, Structure], awards: Iterable[Award], undated: date | None, suppliers: bool
) -> dict[str, list[_Row]]:
    """Each award as evidence of each of its holders; unknown holders are added to `known` as suppliers."""
    of_siren: dict[str, str] = {}
    for siret in sorted(known):
        of_siren.setdefault(siret[:9], siret)
    names: dict[str, Counter[str]] = defaultdict(Counter)
    homes: dict[str, Counter[Place]] = defaultdict(Counter)
    sirets: dict[str, str] = {}
    pieces: dict[str, list[_Row]] = defaultdict(list)
    for award in awards:
        piece = _award_row(award, undated)
        for siren in dict.fromkeys(holder.siren for holder in award.holders if holder.id):
            pieces[siren].append(piece)
        for holder in award.holders:
            if holder.id:
                names[holder.siren][clean(holder.name)] += 1
                if holder.place.label:
                    homes[holder.siren][holder.place] += 1
                # a whole SIRET before a bare SIREN, which a VAT number gives
                both = (sirets.get(holder.siren, holder.id), holder.id)
                sirets[holder.siren] = min(both, key=lambda number: (len(number) < 14, number))
    placed: dict[str, list[_Row]] = defaultdict(list)
    for siren in sorted(pieces):
        if siren not in of_siren:
            if not suppliers:
                continue
            name, home = _commonest(names[siren]), Place(country=None)
            if siren in homes:
                home = centred(_commonest(homes[siren]))
            supplier = Structure(siret=sirets[siren], name=name, place=home, source="decp")
            of_siren[siren] = f"{supplier.siret} "
            known[of_siren[siren]] = supplier
        placed[of_siren[siren]] = sorted(pieces[siren], key=lambda row: (days(row.offer.since), row.offer.id))
    return placed


def is_supplier(structure: Structure) -> bool:
    """Whether the catalogue created it from an award holder."""
    siret, name, place = structure.siret, structure.name, structure.place
    return structure == Structure(siret=siret, name=name, place=place, source="decp")


def _commonest(spellings: Counter[T]) -> T:
    """Of several spellings the most frequent, then the first by alphabet: independent of file order."""
    return min(spellings.items(), key=lambda item: (-item[1], str(item[0])))[0]


def centred(place: Place) -> Place:
    """The place, at the centre of its department where it has no coordinates of its own."""
    centre = department(place.department) if place.department and place.latitude is None else None
    return replace(place, latitude=centre.latitude, longitude=centre.longitude) if centre else place


def spread(place: Place) -> tuple[Place, ...]:
    """The place centred; one for each department of a region where no more is known."""
    codes = () if place.latitude is not None else departments_within(place)
    return tuple(centred(replace(place, department=code)) for code in codes) or (place,)


def _award_row(award: Award, undated: date | None) -> _Row:
    title = clean(award.title)
    # a place deduced from the buyer's address describes the buyer, not the work: its department is enough
    place = replace(award.place, latitude=None, longitude=None) if award.place.inferred else award.place
    offer = Offer(
        id=award.uid,
        title=title,
        nature="award",
        cpv=(award.cpv,) if award.cpv else (),
        place=centred(place),
        amount=award.amount,
        buyer=award.buyer.id[:9] or None,
        since=award.notified or undated,
        source=award.source or "decp",
    )
    label = cpv_label(award.cpv) if award.cpv else ""
    return _Row("award", f"{title}. {label}" if label else title, offer)


def tables_of(
    structures: Sequence[Structure], first_rows: Sequence[int], rows: Sequence[_Row]
) -> tuple[pa.Table, pa.Table]:
    """Structures and the evidence of them, that of each from its first row on, as the two tables of a catalogue."""
    located = [_located(structure) for structure in structures]
    payloads = [codec.to_text(structure, brief=True) for structure in located]
    return _structure_table(located, payloads, first_rows), _evidence_table(rows)


def _evidence_table(rows: Sequence[_Row]) -> pa.Table:
    offers = [row.offer for row in rows]
    zones = [offer.zone for offer in offers]
    bits_of = {id(zone): zone_bits(zone) for zone in {id(zone): zone for zone in zones}.values()}
    bits = [bits_of[id(zone)] for zone in zones]  # the offers of a structure share one
    places = [offer.place for offer in offers]
    buyers = [offer.buyer for offer in offers]
    payloads = [codec.to_text(offer, brief=True) for offer in offers]
    natures = {nature: number for number, nature in enumerate(NATURES)}
    return pa.table(
        {
            "nature": numbers([natures[row.nature] for row in rows], np.int8),
            "since": numbers([days(offer.since) for offer in offers], np.int32),
            "cpv": numbers([int(offer.cpv[0]) if offer.cpv else 0 for offer in offers], np.int32),
            "department": numbers([department_number(p.department) if p else -1 for p in places], np.int16),
            "latitude": numbers([p and p.latitude for p in places], np.float32),
            "longitude": numbers([p and p.longitude for p in places], np.float32),
            "buyer": numbers([int(b) if b and b.isdecimal() else 0 for b in buyers], np.int64),
            "radius": numbers([z and z.radius_km for z in zones], np.float32),
            "zone_low": numbers([low for low, _ in bits], np.uint64),
            "zone_high": numbers([high for _, high in bits], np.uint64),
            "text": texts([row.text.encode() for row in rows], pa.large_string()),
            "payload": texts(payloads, pa.large_string()),
        }
    )


def _standing(place: Place) -> Whereabouts | None:
    """Where a structure is: of one whose place may be another ("Paris et Lyon") no nearer than a postcode tells."""
    here = whereabouts(place)
    if here is None or not place.inferred:
        return here
    return replace(here, spread_km=max(here.spread_km, POSTCODE_KM))


def _structure_table(
    located: Sequence[Structure], payloads: Sequence[bytes], first_rows: Sequence[int]
) -> pa.Table:
    nan = float("nan")

    def words(values: Iterable[str]) -> pa.Array:
        return texts([value.encode() for value in values], pa.string())

    denials, denied = [len(s.denied) for s in located], words(trade for s in located for trade in s.denied)
    # the codes (ROME) of the jobs that a structure declares, the first of each
    jobs = [{o.rome[0] for o in s.offers if o.rome and o.nature in DECLARED} for s in located]
    services = [tuple(sorted({t for o in s.offers for t in o.service_types})) for s in located]
    standing = [_standing(s.place) or Whereabouts(nan, nan, nan) for s in located]
    return pa.table(
        {
            "siret": words(s.siret for s in located),
            "siren": words(s.siren for s in located),
            "bidder": numbers(np.zeros(len(located)), np.int32),  # numbered with those of all blocks
            "name": words(f"{s.name} {s.brand}".strip() for s in located),
            # of a directory: a holder of awards is in none, wherever it sits (`Catalogue.unlisted`)
            "town": words("" if is_supplier(s) else s.place.label for s in located),
            "kind": words(s.kind for s in located),
            "naf": words(s.naf or "" for s in located),
            "unmapped": words(unmapped(s.place) for s in located),
            "department": words(s.place.department or "" for s in located),
            "region": words(s.place.region or "" for s in located),
            "latitude": numbers([here.latitude for here in standing], np.float64),
            "longitude": numbers([here.longitude for here in standing], np.float64),
            "spread_km": numbers([here.spread_km for here in standing], np.float64),
            "turnover": numbers([s.turnover for s in located], np.float64),
            "headcount": numbers([s.headcount for s in located], np.float64),
            "active": numbers([-1 if s.active is None else int(s.active) for s in located], np.int8),
            "networks": words(_held(s.networks) for s in located),
            "labels": words(_held(s.labels) for s in located),
            "services": words(map(_held, services)),
            "jobs": words(" ".join(sorted(codes)) for codes in jobs),
            "predecessors": words(" ".join(s.predecessors) for s in located),
            "denied": pa.ListArray.from_arrays(numbers(np.cumsum([0, *denials]), np.int32), denied),
            "first_row": numbers(first_rows, np.int64),
            "payload": texts(payloads, pa.large_string()),
        }
    )


def numbers(values: Any, kind: Any) -> pa.Array:
    """Numbers as an Arrow array; `pa.array` would import pandas (half a second)."""
    made = np.array(values, dtype=kind)
    return pa.Array.from_buffers(pa.from_numpy_dtype(made.dtype), len(made), [None, pa.py_buffer(made)])


def texts(values: Sequence[bytes], kind: pa.DataType) -> pa.Array:
    """Texts in UTF-8 as an Arrow array."""
    ends = np.cumsum([0, *map(len, values)], dtype=np.int64)
    starts = ends if kind == pa.large_string() else ends.astype(np.int32)
    buffers = [None, pa.py_buffer(starts), pa.py_buffer(b"".join(values))]
    return pa.Array.from_buffers(kind, len(values), buffers)


@lru_cache(5_000)
def _held(words: tuple[str, ...]) -> str:
    """Words, folded, between bars."""
    return f"|{'|'.join(map(fold, words))}|" if words else ""


def _located(structure: Structure) -> Structure:
    """The structure with its place completed, and its town in normal case; itself where nothing is to be completed."""
    place = locate(structure.place) if structure.place.country else structure.place
    if (town := town_name(place)) != place.label:
        place = replace(place, label=town)
    return structure if place == structure.place else replace(structure, place=place)
