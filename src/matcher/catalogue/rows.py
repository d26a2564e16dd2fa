"""Structures and awards as rows of the two tables of a catalogue."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pyarrow as pa
import xxhash

from matcher import codec
from matcher.catalogue.columns import DECLARED, NATURES, days, department_number, zone_bits
from matcher.domain import Award, Offer, Place, Structure
from matcher.reference.codes import cpv_label, naf_label
from matcher.reference.places import department, departments_within, locate, town_name
from matcher.reference.text import clean, coded, fold

ZONED = frozenset(("offer", "description", "job"))  # what a zone declared for the whole structure holds for


@dataclass(frozen=True, slots=True)
class _Row:
    """One piece of evidence on its way into the table."""

    nature: str
    text: str
    offer: Offer


def _profile(structure: Structure) -> Iterator[_Row]:
    """The pieces of a structure: its name, its trade by NAF, its description, offers and jobs."""
    name = structure.name.strip()
    if structure.brand and fold(structure.brand) != fold(name):
        name = f"{name} {structure.brand}".strip()
    source = structure.source
    yield _Row("name", name, Offer(id=f"{structure.siret}#name", title=name, nature="name", source=source))
    if structure.naf:
        label = naf_label(structure.naf)
        if label:
            yield _Row(
                "naf",
                label,
                Offer(
                    id=f"{structure.siret}#naf", title=label, nature="naf", naf=structure.naf, source=source
                ),
            )
    described = any(offer.nature == "description" for offer in structure.offers)
    if structure.description and not described:
        text = structure.description
        yield _Row(
            "description",
            text,
            Offer(
                id=f"{structure.siret}#description",
                title=text[:80],
                text=text,
                nature="description",
                source=source,
                zone=structure.zone,
            ),
        )
    for offer in structure.offers:
        text = clean(
            f"{offer.title}. {offer.text}"
            if offer.text and not offer.text.startswith(offer.title)
            else offer.text or offer.title
        )
        if text:
            yield _Row(offer.nature, text, _zoned(offer, structure))


def _zoned(offer: Offer, structure: Structure) -> Offer:
    """The offer within the zone that the structure declares for all it does, where it states none of its own."""
    if offer.zone is not None or structure.zone is None or offer.nature not in ZONED:
        return offer
    return replace(offer, zone=structure.zone)


def _evidence_of_awards(
    known: dict[str, Structure], awards: Iterable[Award], undated: date | None, suppliers: bool
) -> dict[str, list[_Row]]:
    """Each award as evidence of each of its holders; unknown holders are added to `known` as suppliers."""
    of_siren: dict[str, str] = {}
    for siret in sorted(known):
        of_siren.setdefault(siret[:9], siret)
    names: dict[str, Counter[str]] = defaultdict(Counter)
    sirets: dict[str, str] = {}
    pieces: dict[str, list[_Row]] = defaultdict(list)
    for award in awards:
        piece = _award_row(award, undated)
        for siren in dict.fromkeys(holder.siren for holder in award.holders if holder.id):
            pieces[siren].append(piece)
        for holder in award.holders:
            if holder.id:
                names[holder.siren][clean(holder.name)] += 1
                # a whole SIRET before a bare SIREN, which a VAT number gives
                both = (sirets.get(holder.siren, holder.id), holder.id)
                sirets[holder.siren] = min(both, key=lambda number: (len(number) < 14, number))
    placed: dict[str, list[_Row]] = defaultdict(list)
    for siren in sorted(pieces):
        if siren not in of_siren:
            if not suppliers:
                continue
            # of several spellings, the most frequent, then the first by alphabet: independent of file order
            name = min(names[siren].items(), key=lambda item: (-item[1], item[0]))[0]
            supplier = Structure(siret=sirets[siren], name=name, place=Place(country=None), source="decp")
            of_siren[siren] = f"{supplier.siret} "
            known[of_siren[siren]] = supplier
        placed[of_siren[siren]] = sorted(pieces[siren], key=lambda row: (days(row.offer.since), row.offer.id))
    return placed


def centred(place: Place) -> Place:
    """The place, at the centre of its department where it has no coordinates of its own."""
    found = department(place.department) if place.department and place.latitude is None else None
    return replace(place, latitude=found.latitude, longitude=found.longitude) if found else place


def spread(place: Place) -> tuple[Place, ...]:
    """The place centred; one for each department of a region where no more is known."""
    codes = () if place.latitude is not None else departments_within(place)
    return tuple(centred(replace(place, department=code)) for code in codes) or (place,)


def _award_row(award: Award, undated: date | None) -> _Row:
    title = clean(award.title)
    # a place deduced from the buyer's address describes the buyer, not the work: its department is enough
    place = replace(award.place, latitude=None, longitude=None) if award.place.inferred else award.place
    offer = Offer(
        id=award.uid, title=title, nature="award", cpv=(award.cpv,) if award.cpv else (), place=centred(place),
        amount=award.amount, buyer=award.buyer.id[:9] or None, since=award.notified or undated, source=award.source or "decp",
    )  # fmt: skip
    label = cpv_label(award.cpv) if award.cpv else ""
    return _Row("award", f"{title}. {label}" if label else title, offer)


def _evidence_table(rows: Sequence[_Row]) -> pa.Table:
    offers = [row.offer for row in rows]
    zones = [offer.zone for offer in offers]
    bits = [zone_bits(zone) for zone in zones]
    places = [offer.place for offer in offers]
    natures = {nature: number for number, nature in enumerate(NATURES)}
    nan = float("nan")
    return pa.table({
        "nature": pa.array([natures[row.nature] for row in rows], pa.int8()),
        "since": pa.array([days(offer.since) for offer in offers], pa.int32()),
        "cpv": pa.array([int(offer.cpv[0]) if offer.cpv else 0 for offer in offers], pa.int32()),
        "department": pa.array([department_number(p.department) if p else -1 for p in places], pa.int16()),
        "latitude": pa.array([p.latitude if p and p.latitude is not None else nan for p in places], pa.float32()),
        "longitude": pa.array([p.longitude if p and p.longitude is not None else nan for p in places], pa.float32()),
        "amount": pa.array([offer.amount or nan for offer in offers], pa.float32()),
        "buyer": pa.array([int(b) if (b := offer.buyer) and b.isdecimal() else 0 for offer in offers], pa.int64()),
        "radius": pa.array([z.radius_km if z and z.radius_km is not None else nan for z in zones], pa.float32()),
        "zone_low": pa.array([low for low, _ in bits], pa.uint64()),
        "zone_high": pa.array([high for _, high in bits], pa.uint64()),
        "text": pa.array([row.text for row in rows], pa.large_string()),
        "payload": pa.array([codec.to_text(offer, brief=True) for offer in offers], pa.large_string()),
    })  # fmt: skip


def _structure_table(
    structures: Sequence[Structure], first_rows: Sequence[int], evidence: pa.Table
) -> pa.Table:
    nan = float("nan")
    bidders: dict[str, int] = {}
    located = [_located(s) for s in structures]

    def held(words: Iterable[str]) -> str:
        folded = [fold(word) for word in words]
        return f"|{'|'.join(folded)}|" if folded else ""

    payloads = [codec.to_text(s, brief=True) for s in located]
    return pa.table({
        "siret": pa.array([s.siret for s in located], pa.string()),
        "siren": pa.array([s.siren for s in located], pa.string()),
        "bidder": pa.array([bidders.setdefault(s.siren, len(bidders)) for s in located], pa.int32()),
        "name": pa.array([f"{s.name} {s.brand}".strip() for s in located], pa.string()),
        "town": pa.array([s.place.label for s in located], pa.string()),
        "kind": pa.array([s.kind for s in located], pa.string()),
        "naf": pa.array([s.naf or "" for s in located], pa.string()),
        "department": pa.array([s.place.department or "" for s in located], pa.string()),
        "region": pa.array([s.place.region or "" for s in located], pa.string()),
        "latitude": pa.array([s.place.latitude if s.place.latitude is not None else nan for s in located], pa.float64()),
        "longitude": pa.array([s.place.longitude if s.place.longitude is not None else nan for s in located], pa.float64()),
        "turnover": pa.array([s.turnover if s.turnover is not None else nan for s in located], pa.float64()),
        "headcount": pa.array([s.headcount if s.headcount is not None else nan for s in located], pa.float64()),
        "active": pa.array([-1 if s.active is None else int(s.active) for s in located], pa.int8()),
        "networks": pa.array([held(s.networks) for s in located], pa.string()),
        "labels": pa.array([held(s.labels) for s in located], pa.string()),
        "services": pa.array([held({t for o in s.offers for t in o.service_types}) for s in located], pa.string()),
        "jobs": pa.array([_jobs(s) for s in located], pa.string()),
        "predecessors": pa.array([" ".join(s.predecessors) for s in located], pa.string()),
        "denied": pa.array([list(s.denied) for s in located], pa.list_(pa.string())),
        "first_row": pa.array(first_rows, pa.int64()),
        "digest": pa.array(_digests(payloads, first_rows, evidence), pa.binary(16)),
        "payload": pa.array(payloads, pa.large_string()),
    })  # fmt: skip


def _jobs(structure: Structure) -> str:
    """The codes (ROME) of the jobs that a structure declares, the first of each, in order."""
    return " ".join(
        sorted({offer.rome[0] for offer in structure.offers if offer.rome and offer.nature in DECLARED})
    )


def _located(structure: Structure) -> Structure:
    """The structure with its place completed, and its town in normal case; itself where nothing is to be completed."""
    place = locate(structure.place) if structure.place.country else structure.place
    if (town := town_name(place)) != place.label:
        place = replace(place, label=town)
    return structure if place == structure.place else replace(structure, place=place)


def _digests(payloads: Sequence[bytes], first_rows: Sequence[int], evidence: pa.Table) -> Iterator[bytes]:
    """A hash of each structure with all that is known of it."""
    columns = [_written(evidence.column(name)) for name in ("text", "payload")]
    ends = [*first_rows[1:], evidence.num_rows][: len(payloads)]
    for payload, low, high in zip(payloads, first_rows, ends, strict=True):
        digest = xxhash.xxh3_128(payload)
        for starts, content in columns:
            digest.update(content[starts[low] : starts[high]])
        yield digest.digest()


def _written(column: pa.ChunkedArray) -> tuple[list[int], memoryview]:
    """Where each text of a column begins, and where the last ends, in the bytes of all."""
    array = column.chunk(0)
    _, starts, content = array.buffers()
    offsets = np.frombuffer(starts, dtype=np.int64)[array.offset : array.offset + len(array) + 1]
    return offsets.tolist(), memoryview(content or b"")


def index_words(evidence: pa.Table) -> list[str]:
    """The text of each evidence row given to a word index."""
    texts, payloads = (evidence.column(name).to_pylist() for name in ("text", "payload"))
    return [
        coded(text, tuple(json.loads(payload).get("cpv") or ()))
        for text, payload in zip(texts, payloads, strict=True)
    ]
