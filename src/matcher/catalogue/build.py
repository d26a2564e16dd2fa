"""Building a catalogue: structures and awards to rows of tables, vectors and indexes; an update equals a full build."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pyarrow as pa

from matcher import codec, plugins
from matcher.catalogue.catalogue import Catalogue, column_of
from matcher.catalogue.columns import DECLARED, FORMAT, NATURES, days, department_number, zone_bits
from matcher.catalogue.texts import Texts, Vectors
from matcher.domain import Award, Offer, Place, Recipe, Structure, __version__
from matcher.reference import places
from matcher.reference.arrays import F32, I32, Array
from matcher.reference.codes import cpv_label, naf_label
from matcher.reference.text import clean, coded, fold

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

    listed = bool(structure.description) or any(offer.nature in DECLARED for offer in structure.offers)
    # who declares a zone and no trade comes as far for what its name, code or kind tells
    yield stated("name", name, zone=None if listed else structure.zone)
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
    centre = places.department(place.department) if place.department and place.latitude is None else None
    return replace(place, latitude=centre.latitude, longitude=centre.longitude) if centre else place


def spread(place: Place) -> tuple[Place, ...]:
    """The place centred; one for each department of a region where no more is known."""
    codes = () if place.latitude is not None else places.departments_within(place)
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


def _evidence_table(rows: Sequence[_Row]) -> pa.Table:
    offers = [row.offer for row in rows]
    zones = [offer.zone for offer in offers]
    bits_of = {id(zone): zone_bits(zone) for zone in {id(zone): zone for zone in zones}.values()}
    bits = [bits_of[id(zone)] for zone in zones]  # the offers of a structure share one
    where = [offer.place for offer in offers]
    buyers = [offer.buyer for offer in offers]
    payloads = [codec.to_text(offer, brief=True) for offer in offers]
    natures = {nature: number for number, nature in enumerate(NATURES)}
    return pa.table(
        {
            "nature": numbers([natures[row.nature] for row in rows], np.int8),
            "since": numbers([days(offer.since) for offer in offers], np.int32),
            "cpv": numbers([int(offer.cpv[0]) if offer.cpv else 0 for offer in offers], np.int32),
            "department": numbers([department_number(p.department) if p else -1 for p in where], np.int16),
            "latitude": numbers([p and p.latitude for p in where], np.float32),
            "longitude": numbers([p and p.longitude for p in where], np.float32),
            "buyer": numbers([int(b) if b and b.isdecimal() else 0 for b in buyers], np.int64),
            "radius": numbers([z and z.radius_km for z in zones], np.float32),
            "groupings": texts(
                [" ".join(z.groupings + z.communes).encode() if z else b"" for z in zones], pa.string()
            ),
            "zone_low": numbers([low for low, _ in bits], np.uint64),
            "zone_high": numbers([high for _, high in bits], np.uint64),
            "text": texts([row.text.encode() for row in rows], pa.large_string()),
            "payload": texts(payloads, pa.large_string()),
        }
    )


def _structure_table(located: Sequence[Structure], first_rows: Sequence[int]) -> pa.Table:
    nan, payloads = float("nan"), [codec.to_text(structure, brief=True) for structure in located]

    def words(values: Iterable[str]) -> pa.Array:
        return texts([value.encode() for value in values], pa.string())

    denials, denied = [len(s.denied) for s in located], words(trade for s in located for trade in s.denied)
    # the codes (ROME) of the jobs that a structure declares, the first of each
    jobs = [{o.rome[0] for o in s.offers if o.rome and o.nature in DECLARED} for s in located]
    services = [tuple(sorted({t for o in s.offers for t in o.service_types})) for s in located]
    standing = [places.whereabouts(s.place) or places.Whereabouts(nan, nan, nan) for s in located]
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
            "unmapped": words(places.unmapped(s.place) for s in located),
            "department": words(s.place.department or "" for s in located),
            "region": words(s.place.region or "" for s in located),
            "latitude": numbers([here.latitude for here in standing], np.float64),
            "longitude": numbers([here.longitude for here in standing], np.float64),
            "spread_km": numbers([here.spread_km for here in standing], np.float64),
            "turnover": numbers([s.turnover for s in located], np.float64),
            "headcount": numbers([s.headcount for s in located], np.float64),
            "active": numbers([-1 if s.active is None else int(s.active) for s in located], np.int8),
            "networks": words(between_bars(s.networks) for s in located),
            "labels": words(between_bars(s.labels) for s in located),
            "services": words(map(between_bars, services)),
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
def between_bars(words: tuple[str, ...]) -> str:
    """Words, folded, between bars."""
    return f"|{'|'.join(map(fold, words))}|" if words else ""


def _located(structure: Structure) -> Structure:
    """The structure with its place completed, and its town in normal case; itself where nothing is to be completed."""
    place = places.locate(structure.place) if structure.place.country else structure.place
    if (town := places.town_name(place)) != place.label:
        place = replace(place, label=town)
    return structure if place == structure.place else replace(structure, place=place)


BLOCK = 5_000  # structures per block
#: From this many texts on vectors are kept in half precision.
HALVED_FROM = 1_000_000


def build_catalogue(
    structures: Iterable[Structure] = (),
    awards: Iterable[Award] = (),
    recipe: Recipe | None = None,
    *,
    undated: date | None = None,
    suppliers: bool = True,
    departments: Container[str | None] = (),
) -> Catalogue:
    """A catalogue of the structures, with each award as evidence of its holders.

    Each different text is encoded once.  A holder that is no known structure becomes one of kind "" (a supplier) unless
    `suppliers` is False.  With `departments` only those whose seat is there are kept.  An award without a date counts as known from `undated` (None: always known).  The first of two structures with one SIRET and one kind is kept.
    """
    by_key = _by_key(structures)
    evidence = _evidence_of_awards(by_key, awards, undated, suppliers)
    if departments:  # after the awards: a holder left out before them would come back as a supplier
        by_key = {key: one for key, one in by_key.items() if _located(one).place.department in departments}
    return _built(by_key, evidence, recipe or Recipe(), None)


def update_catalogue(
    catalogue: Catalogue, structures: Iterable[Structure] = (), gone: Iterable[str] = ()
) -> Catalogue:
    """The catalogue built anew with these structures replacing those of their SIRETs, and without `gone`.

    Only texts that changed are encoded.  Awards stay with their bidder, and are removed with its last structure.
    """
    by_key = _by_key(structures)
    out = {structure.siret for structure in by_key.values()} | set(gone)
    awards: dict[str, list[_Row]] = defaultdict(list)
    for row in range(len(catalogue)):
        structure = catalogue.structure(row)
        own = sum(1 for _ in _profile(structure))
        for piece in range(int(catalogue.offsets[row]) + own, int(catalogue.offsets[row + 1])):
            awards[structure.siret[:9]].append(_Row("award", catalogue.text(piece), catalogue.offer(piece)))
        if structure.siret not in out:
            by_key.setdefault(f"{structure.siret} {structure.kind}", structure)
    listed = {structure.siren for structure in by_key.values() if not is_supplier(structure)}
    for key in [key for key, s in by_key.items() if is_supplier(s) and s.siren in listed]:
        del by_key[key]
    first_of = {by_key[key].siret[:9]: key for key in sorted(by_key, reverse=True)}
    pieces = {key: awards[siren] for siren, key in first_of.items() if siren in awards}
    return _built(by_key, pieces, catalogue.recipe, catalogue)


def _by_key(structures: Iterable[Structure]) -> dict[str, Structure]:
    """The first structure of each SIRET and kind: one SIRET may be two structures (an ACI and an AI), which stay apart."""
    by_key: dict[str, Structure] = {}
    for structure in structures:
        by_key.setdefault(f"{structure.siret} {structure.kind}", structure)
    return by_key


def _built(
    by_key: dict[str, Structure], pieces: dict[str, list[_Row]], recipe: Recipe, reuse: Catalogue | None
) -> Catalogue:
    """The catalogue of these structures with pieces of evidence of each; both are used up."""
    encoder = plugins.loaded("learned.encoders", recipe.encoder, recipe.encoder_options)
    order = sorted(by_key)
    rows_held = _held(reuse, encoder)
    tables, evidences = [], []
    words: list[str] = []
    met: dict[str, int] = {}  # the number of each text
    texts: list[I32] = []
    table: Array = np.empty((0, encoder.dimension), dtype=np.float32)
    # the objects of a million structures do not fit in memory
    for low in range(0, max(len(order), 1), BLOCK):
        block = {key: by_key.pop(key) for key in order[low : low + BLOCK]}
        first_rows: list[int] = []
        rows: list[_Row] = []
        for key, structure in block.items():
            first_rows.append(len(rows))
            rows.extend(_profile(structure))
            rows.extend(pieces.pop(key, ()))
        tables.append(_structure_table([*map(_located, block.values())], first_rows))
        evidences.append(_evidence_table(rows))
        before = len(met)
        texts.append(np.fromiter((met.setdefault(row.text, len(met)) for row in rows), np.int32, len(rows)))
        fresh = [*islice(reversed(met), len(met) - before)][::-1]
        if (size := len(met)) > HALVED_FROM:
            table = table.astype(np.float16, copy=False)
        encoded = _encode(encoder, fresh, reuse, rows_held)
        table.resize((size, table.shape[1]), refcheck=False)  # in place where there is room
        table[before:] = encoded
        del encoded
        words.extend(coded(row.text, row.offer.cpv) for row in rows)
    structure_table = _numbered(pa.concat_tables(tables).combine_chunks(), evidences)
    del tables  # one table at a time is held twice
    evidence_table = pa.concat_tables(evidences).combine_chunks()
    del evidences
    vectors = Vectors(Texts(np.concatenate(texts), len(met)), table)
    del met
    indexes = {name: plugins.find("catalogue.indexes", name).build(words, vectors) for name in recipe.indexes}
    data = hashlib.sha256(column_of(structure_table, "first_row").tobytes())
    for held, name in ((structure_table, "payload"), (evidence_table, "text"), (evidence_table, "payload")):
        for batch in held.select([name]).to_batches(max_chunksize=BLOCK):
            data.update("".join(f"{text}\n" for text in batch.column(0).to_pylist()).encode())
    nature = column_of(evidence_table, "nature")
    manifest = {
        "format": FORMAT,
        "code": __version__,
        "recipe": codec.to_json(recipe),
        "encoder": encoder.fingerprint,
        "structures": structure_table.num_rows,
        "evidence": evidence_table.num_rows,
        "awards": int((nature == NATURES.index("award")).sum()),
        "data": data.hexdigest()[:16],
        "built": date.today().isoformat(),
    }
    return Catalogue(structure_table, evidence_table, vectors, indexes, recipe, manifest, encoder)


def _numbered(structures: pa.Table, evidences: Sequence[pa.Table]) -> pa.Table:
    """The structures of several blocks, whose row and bidder numbers start from 0 in each; bidders in order of appearance."""
    before = np.cumsum([0, *(evidence.num_rows for evidence in evidences)])
    first_rows = column_of(structures, "first_row") + before[np.arange(structures.num_rows) // BLOCK]
    sirens = structures.column("siren").combine_chunks()
    for name, values in (
        ("bidder", sirens.dictionary_encode().indices.cast(pa.int32())),
        ("first_row", numbers(first_rows, np.int64)),
    ):
        structures = structures.set_column(structures.column_names.index(name), name, values)
    return structures


def _held(reuse: Catalogue | None, encoder: Any) -> dict[str, int]:
    """The rows of the texts that `reuse` holds encoded by the same model."""
    if reuse is None or reuse.manifest["encoder"] != encoder.fingerprint:
        return {}
    return {text: row for row, text in enumerate(reuse.evidence.column("text").to_pylist())}


def _encode(encoder: Any, texts: Sequence[str], reuse: Catalogue | None, held: Mapping[str, int]) -> F32:
    """Vectors of the texts, which all differ; those of `held` are taken from `reuse`."""
    if texts and not held:
        fresh: F32 = encoder.encode(texts, role="passage")
        return fresh
    old = np.array([held.get(text, -1) for text in texts], dtype=np.int64)
    missing = [texts[i] for i in np.flatnonzero(old < 0).tolist()]
    table = np.zeros((len(texts), encoder.dimension), dtype=np.float32)
    if missing:
        table[old < 0] = encoder.encode(missing, role="passage")
    if reuse is not None:
        table[old >= 0] = reuse.vectors[old[old >= 0]]
    return table
