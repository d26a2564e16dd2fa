"""Building a catalogue: structures and awards to tables, vectors and indexes; an update equals a full build."""

from __future__ import annotations

import hashlib
import secrets
import weakref
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from matcher import codec, plugins
from matcher.catalogue.catalogue import Catalogue, column_of
from matcher.catalogue.collecting import no_collections
from matcher.catalogue.columns import FORMAT, NATURES
from matcher.catalogue.filters import holding_any
from matcher.catalogue.products import runs
from matcher.catalogue.rows import (
    _evidence_of_awards,
    _profile,
    _Row,
    index_words,
    is_supplier,
    numbers,
    tables_of,
)
from matcher.catalogue.texts import Texts
from matcher.catalogue.vectors import Vectors
from matcher.domain import Award, Recipe, Structure, __version__
from matcher.reference.arrays import F32, I32, I64, Array
from matcher.reference.text import coded

BLOCK = 5_000  # structures per block
#: From this many texts on vectors are kept in half precision.
HALVED_FROM = 1_000_000


@no_collections()
def build_catalogue(
    structures: Iterable[Structure] = (),
    awards: Iterable[Award] = (),
    recipe: Recipe | None = None,
    *,
    undated: date | None = None,
    suppliers: bool = True,
    reuse: Catalogue | None = None,
    home: Path | None = None,
) -> Catalogue:
    """A catalogue of the structures, with each award as evidence of its holders.

    Each different text is encoded once.  With `home`, the folder where it will be saved, vectors are written to a file
    beside it as they are made, so that those of millions of texts take no memory.

    A holder that is no known structure becomes one of kind "" (a supplier) unless `suppliers` is
    False.  An award without a
    date counts as known from `undated` (None: always known).  `reuse` gives vectors of texts that
    did not change.  The first of two structures with one SIRET and one kind is kept.
    """
    recipe = recipe or Recipe()
    by_key: dict[str, Structure] = {}
    for structure in structures:
        # one SIRET may be two structures (an ACI and an AI): their offers and kinds stay apart
        by_key.setdefault(f"{structure.siret} {structure.kind}", structure)
    pieces = _evidence_of_awards(by_key, awards, undated, suppliers)
    encoder = plugins.find("learned.encoders", recipe.encoder).load(**recipe.encoder_options)
    order = sorted(by_key)
    rows_held = _held(reuse, encoder)
    tables, evidences = [], []
    words: list[str] = []
    met: dict[str, int] = {}  # the number of each text
    with_codes: dict[tuple[int, tuple[str, ...]], str] = {}  # a text and the codes of an offer, in words
    texts: list[I32] = []
    blocks = _Blocks(encoder.dimension, home)
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
        blocks.add(_encode(encoder, fresh, reuse, rows_held))
        words.extend(_in_words(rows, texts[-1], with_codes))
    structure_table = _numbered(pa.concat_tables(tables).combine_chunks(), evidences)
    del tables  # one table at a time is held twice
    evidence_table = pa.concat_tables(evidences).combine_chunks()
    del evidences
    table, written = blocks.whole()
    vectors = Vectors(Texts(np.concatenate(texts), len(met)), table)
    del met, with_codes
    indexes = {name: plugins.find("catalogue.indexes", name).build(words, vectors) for name in recipe.indexes}
    manifest = _manifest(structure_table, evidence_table, recipe, encoder)
    made = Catalogue(structure_table, evidence_table, vectors, indexes, recipe, manifest, encoder)
    return made if written is None else _kept_at(made, home, written)


def _in_words(
    rows: Sequence[_Row], numbers_of_texts: I32, known: dict[tuple[int, tuple[str, ...]], str]
) -> Iterator[str]:
    """Each row as an index of words reads it; made once for a text and its codes."""
    for row, number in zip(rows, numbers_of_texts.tolist(), strict=True):
        both = number, row.offer.cpv
        if row.offer.cpv and both not in known:
            known[both] = coded(row.text, row.offer.cpv)
        yield known[both] if row.offer.cpv else row.text


def _kept_at(made: Catalogue, home: Path | None, written: Path) -> Catalogue:
    """The catalogue, whose vectors' file goes with it: saving it beside `home` gives the file another name first."""
    made.home, made.written = home, written
    weakref.finalize(made, written.unlink, missing_ok=True)
    return made


class _Blocks:
    """Vectors added block by block: kept in memory, or in a file beside `home`; in half precision beyond `HALVED_FROM` rows."""

    def __init__(self, dimension: int, home: Path | None) -> None:
        self._dimension, self._home = dimension, home
        self._table: Array = np.empty((0, dimension), dtype=np.float32)
        self._file: Path | None = None
        self._rows = 0

    def add(self, block: F32) -> None:
        if self._rows + len(block) > HALVED_FROM and self._table.dtype != np.float16:
            self._halve()
        if self._home is None:
            self._table.resize((self._rows + len(block), self._dimension), refcheck=False)  # without a copy
            self._table[self._rows :] = block
        else:
            self._write(block)
        self._rows += len(block)

    def _halve(self) -> None:
        """Hold in half precision what is there: in single precision it takes twice the room."""
        before, self._file = self._file, None
        self._table = self._table.astype(np.float16)
        if before is not None:
            for part in _blocks_of(before, self._dimension):
                self._write(part)
            before.unlink()

    def _write(self, block: Array) -> None:
        if self._file is None:
            assert self._home is not None
            self._file = _beside(self._home)
            with self._file.open("xb") as sink:
                _head(sink, (0, self._dimension), self._table.dtype)
        with self._file.open("ab") as sink:
            sink.write(np.ascontiguousarray(block, dtype=self._table.dtype).data)

    def whole(self) -> tuple[Array, Path | None]:
        """All of them as one array, and the file from which it is memory-mapped, if it is."""
        if self._file is None:
            return self._table, None
        with self._file.open("r+b") as sink:  # the head has room for the number of rows
            _head(sink, (self._rows, self._dimension), self._table.dtype)
        return np.asarray(np.load(self._file, mmap_mode="r", allow_pickle=False)), self._file


def _beside(home: Path) -> Path:
    """A name of a new file beside a folder: on its disk, so that a link makes it a file of the folder."""
    home.parent.mkdir(parents=True, exist_ok=True)
    return home.with_name(f"{home.name}.{secrets.token_hex(6)}.npy")


def _head(sink: Any, shape: tuple[int, int], dtype: Any) -> None:
    about = {"descr": np.lib.format.dtype_to_descr(np.dtype(dtype)), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(sink, about)


def _blocks_of(file: Path, dimension: int) -> Iterator[F32]:
    """The vectors of a file in single precision whose head does not say how many yet."""
    with file.open("rb") as source:
        np.lib.format.read_magic(source)
        np.lib.format.read_array_header_1_0(source)
        while data := source.read(4 * dimension * BLOCK):
            yield np.frombuffer(data, dtype=np.float32).reshape(-1, dimension)


def update_catalogue(
    catalogue: Catalogue, structures: Iterable[Structure] = (), gone: Iterable[str] = ()
) -> Catalogue:
    """The catalogue as a full rebuild would give it, with these structures replacing those of their SIRETs and without `gone`.

    Only what changed is encoded and passed to the indexes; the rest is copied.  Awards stay with their bidder,
    and are removed with its last structure.
    """
    fresh: dict[str, Structure] = {}
    for structure in structures:
        fresh.setdefault(f"{structure.siret} {structure.kind}", structure)
    out = {structure.siret for structure in fresh.values()} | set(gone)
    sirens = {siret[:9] for siret in out}
    touched = np.flatnonzero(holding_any(catalogue, sirens, prefixes=True))
    by_key, awards = dict(fresh), _awards_of(catalogue, touched)
    for row in touched.tolist():
        structure = catalogue.structure(row)
        if structure.siret not in out:
            by_key.setdefault(f"{structure.siret} {structure.kind}", structure)
    listed = {structure.siren for structure in by_key.values() if not is_supplier(structure)}
    by_key = {
        key: structure
        for key, structure in by_key.items()
        if not (is_supplier(structure) and structure.siren in listed)
    }
    holder: dict[str, str] = {}
    for key in sorted(by_key):
        holder.setdefault(key[:9], key)
    rows: list[_Row] = []
    first_rows: list[int] = []
    for key in sorted(by_key):
        first_rows.append(len(rows))
        rows.extend(_profile(by_key[key]))
        if holder[key[:9]] == key:
            rows.extend(awards.get(key[:9], ()))
    return _spliced(catalogue, touched, [by_key[key] for key in sorted(by_key)], first_rows, rows)


def _awards_of(catalogue: Catalogue, rows: I64) -> dict[str, list[_Row]]:
    """The awards of the bidders of these structure rows, by SIREN; a structure's own declarations are excluded."""
    awards: dict[str, list[_Row]] = defaultdict(list)
    for row in rows.tolist():
        structure = catalogue.structure(row)
        own = sum(1 for _ in _profile(structure))
        for piece in range(int(catalogue.offsets[row]) + own, int(catalogue.offsets[row + 1])):
            awards[structure.siren].append(_Row("award", catalogue.text(piece), catalogue.offer(piece)))
    return awards


def _spliced(
    catalogue: Catalogue,
    touched: I64,
    structures: Sequence[Structure],
    first_rows: Sequence[int],
    rows: Sequence[_Row],
) -> Catalogue:
    """This catalogue without the structure rows `touched`, and with these structures and their rows."""
    added, more = tables_of(structures, first_rows, rows)
    n, m = len(catalogue), catalogue.evidence.num_rows
    stays = np.ones(n, dtype=bool)
    stays[touched] = False
    kinds = catalogue.of_structure("kind")
    keys = [
        (f"{siret} {kinds[row]}", row)
        for row, siret in enumerate(catalogue.structures.column("siret").to_pylist())
        if stays[row]
    ]
    keys += [(f"{s.siret} {s.kind}", n + i) for i, s in enumerate(structures)]
    order = np.array([row for _, row in sorted(keys)], dtype=np.int64)
    lows = np.concatenate([catalogue.offsets[:-1], m + np.array(first_rows, dtype=np.int64)])
    ends = np.array([*first_rows[1:], len(rows)][: len(first_rows)], dtype=np.int64)
    highs = np.concatenate([catalogue.offsets[1:], m + ends])
    many = (highs - lows)[order]
    starts = np.concatenate(([0], np.cumsum(many))).astype(np.int64)
    pieces = runs(lows[order], many)
    evidence = _joined(catalogue.evidence, more, pieces)
    table = _renumbered(_joined(catalogue.structures, added, order), starts[:-1])
    kept = np.where(pieces < m, pieces, -1)
    file = None if catalogue.home is None else _beside(catalogue.home)
    vectors = catalogue.vectors.amended(
        kept,
        [rows[i].text for i in (pieces[kept < 0] - m).tolist()],
        partial(_encode, catalogue.encoder),
        partial(_joined_at, file),
    )
    words = [coded(rows[i].text, rows[i].offer.cpv) for i in (pieces[kept < 0] - m).tolist()]
    indexes = {
        name: index.amended(kept, words, vectors)
        if hasattr(index, "amended")
        else plugins.find("catalogue.indexes", name).build(index_words(evidence), vectors)
        for name, index in catalogue.indexes.items()
    }
    manifest = _manifest(table, evidence, catalogue.recipe, catalogue.encoder)
    made = Catalogue(table, evidence, vectors, indexes, catalogue.recipe, manifest, catalogue.encoder)
    return made if file is None else _kept_at(made, catalogue.home, file)


def _manifest(structures: pa.Table, evidence: pa.Table, recipe: Recipe, encoder: Any) -> dict[str, Any]:
    data = hashlib.sha256()
    for chunk in structures.column("digest").chunks:
        data.update(b"".join(chunk.to_pylist()))
    nature = column_of(evidence, "nature")
    return {
        "format": FORMAT,
        "code": __version__,
        "recipe": codec.to_json(recipe),
        "encoder": encoder.fingerprint,
        "structures": structures.num_rows,
        "evidence": evidence.num_rows,
        "awards": int((nature == NATURES.index("award")).sum()),
        "data": data.hexdigest()[:16],
        "built": date.today().isoformat(),
    }


def _joined(table: pa.Table, more: pa.Table, rows: I64) -> pa.Table:
    """These rows of the two tables, concatenated, in this order; runs of rows are copied as blocks."""
    more = more.select(table.column_names).cast(table.schema)
    parts = [
        table.slice(low, size) if low < table.num_rows else more.slice(low - table.num_rows, size)
        for low, size in _runs(rows, table.num_rows)
    ]
    return pa.concat_tables(parts).combine_chunks() if parts else table.slice(0, 0)


def _runs(rows: I64, border: int) -> Iterator[tuple[int, int]]:
    """Rows as runs (first, length) of consecutive rows; none crosses `border`."""
    cuts = np.flatnonzero((np.diff(rows, prepend=-2) != 1) | (rows == border))
    for low, high in zip(cuts.tolist(), [*cuts[1:].tolist(), len(rows)], strict=True):
        yield int(rows[low]), high - low


def _joined_at(file: Path | None, blocks: Sequence[Array]) -> Array:
    """The blocks as one array: in memory, or memory-mapped from a new file."""
    if file is None:
        return np.concatenate(blocks)
    with file.open("xb") as sink:
        _head(sink, (sum(map(len, blocks)), blocks[0].shape[1]), blocks[0].dtype)
        for block in blocks:
            sink.write(np.ascontiguousarray(block).data)
    return np.asarray(np.load(file, mmap_mode="r", allow_pickle=False))


def _numbered(structures: pa.Table, evidences: Sequence[pa.Table]) -> pa.Table:
    """The structures of several blocks, whose row and bidder numbers start from 0 in each."""
    before = np.cumsum([0, *(evidence.num_rows for evidence in evidences)])
    block = np.arange(structures.num_rows) // BLOCK
    return _renumbered(structures, column_of(structures, "first_row") + before[block])


def _renumbered(structures: pa.Table, first_rows: I64) -> pa.Table:
    """The table with these first rows, and its bidders numbered in order of appearance."""
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


def _encode(
    encoder: Any, texts: Sequence[str], reuse: Catalogue | None = None, held: Mapping[str, int] | None = None
) -> F32:
    """Vectors of the texts, which all differ; those of `held` are taken from `reuse`."""
    if texts and not held:
        fresh: F32 = encoder.encode(texts, role="passage")
        return fresh
    old = np.array([(held or {}).get(text, -1) for text in texts], dtype=np.int64)
    missing = [texts[i] for i in np.flatnonzero(old < 0).tolist()]
    table = np.zeros((len(texts), encoder.dimension), dtype=np.float32)
    if missing:
        table[old < 0] = encoder.encode(missing, role="passage")
    if reuse is not None:
        table[old >= 0] = reuse.vectors[old[old >= 0]]
    return table
