"""Building a catalogue: structures and awards to tables, vectors and indexes; an update equals a full build."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import islice
from typing import Any

import numpy as np
import pyarrow as pa

from matcher import codec, plugins
from matcher.catalogue.catalogue import Catalogue, column_of
from matcher.catalogue.columns import FORMAT, NATURES
from matcher.catalogue.rows import _evidence_of_awards, _profile, _Row, is_supplier, numbers, tables_of
from matcher.catalogue.texts import Texts, Vectors
from matcher.domain import Award, Recipe, Structure, __version__
from matcher.reference.arrays import F32, I32, Array
from matcher.reference.text import coded

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
    reuse: Catalogue | None = None,
) -> Catalogue:
    """A catalogue of the structures, with each award as evidence of its holders.

    Each different text is encoded once.  A holder that is no known structure becomes one of kind "" (a supplier) unless
    `suppliers` is False.  An award without a date counts as known from `undated` (None: always known).  `reuse` gives
    vectors of texts that did not change.  The first of two structures with one SIRET and one kind is kept.
    """
    by_key = _by_key(structures)
    return _built(by_key, _evidence_of_awards(by_key, awards, undated, suppliers), recipe or Recipe(), reuse)


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
        listed, evidence = tables_of(list(block.values()), first_rows, rows)
        tables.append(listed)
        evidences.append(evidence)
        before = len(met)
        texts.append(np.fromiter((met.setdefault(row.text, len(met)) for row in rows), np.int32, len(rows)))
        fresh = [*islice(reversed(met), len(met) - before)][::-1]
        table = _grown(table, _encode(encoder, fresh, reuse, rows_held))
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


def _grown(table: Array, block: F32) -> Array:
    """The table with more rows, in place where there is room; in half precision beyond `HALVED_FROM` rows."""
    rows = len(table)
    if rows + len(block) > HALVED_FROM:
        table = table.astype(np.float16, copy=False)
    table.resize((rows + len(block), table.shape[1]), refcheck=False)
    table[rows:] = block
    return table


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
