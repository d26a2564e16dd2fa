"""Building a catalogue: structures and awards to tables, vectors and indexes; an update equals a full build."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from matcher import __version__, codec
from matcher.catalogue.catalogue import Catalogue
from matcher.catalogue.columns import NATURES
from matcher.catalogue.files import FORMAT
from matcher.domain import Place, Recipe, Structure

BLOCK = 20_000  # structures made at once


#: From this many evidence rows on vectors are kept in half precision.
HALVED_FROM = 1_000_000


def _manifest(structures: pa.Table, evidence: pa.Table, recipe: Recipe, encoder: Any) -> dict[str, Any]:
    data = hashlib.sha256()
    for chunk in structures.column("digest").chunks:
        data.update(b"".join(chunk.to_pylist()))
    nature = Catalogue._column(evidence, "nature")
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


def _joined(table: pa.Table, more: pa.Table, rows: NDArray[np.int64]) -> pa.Table:
    """These rows of the two tables, one behind the other, in this order; runs of rows are copied at once."""
    more = more.select(table.column_names).cast(table.schema)
    parts = [
        table.slice(low, size) if low < table.num_rows else more.slice(low - table.num_rows, size)
        for low, size in _runs(rows, table.num_rows)
    ]
    return pa.concat_tables(parts).combine_chunks() if parts else table.slice(0, 0)


def _runs(rows: NDArray[np.int64], border: int) -> Iterator[tuple[int, int]]:
    """Rows as runs (first, how many) of rows that follow each other; none crosses `border`."""
    cuts = np.flatnonzero((np.diff(rows, prepend=-2) != 1) | (rows == border))
    for low, high in zip(cuts.tolist(), [*cuts[1:].tolist(), len(rows)], strict=True):
        yield int(rows[low]), high - low


def _written(
    blocks: Iterable[NDArray[Any]], shape: tuple[int, int], dtype: Any, home: Path | None
) -> tuple[NDArray[Any], Path | None]:
    """The blocks as one array: in memory, or in a file beside `home` and mapped, and then the file."""
    if home is None:
        parts = list(blocks)
        return np.concatenate(parts) if parts else np.zeros(shape, dtype=dtype), None
    descriptor, name = tempfile.mkstemp(prefix=f"{home.name}.", suffix=".npy", dir=home.parent)
    with os.fdopen(descriptor, "wb") as sink:
        np.lib.format.write_array_header_1_0(
            sink,
            {"descr": np.lib.format.dtype_to_descr(np.dtype(dtype)), "fortran_order": False, "shape": shape},
        )
        for block in blocks:
            sink.write(np.ascontiguousarray(block).data)
    return np.asarray(np.load(name, mmap_mode="r", allow_pickle=False)), Path(name)


def _is_supplier(structure: Structure) -> bool:
    """Is it one that the catalogue made of a holder of awards?"""
    made = Structure(siret=structure.siret, name=structure.name, place=Place(country=None), source="decp")
    return structure == made


def _numbered(structures: pa.Table, evidences: Sequence[pa.Table]) -> pa.Table:
    """The structures of several blocks, whose first rows and bidders were counted from nought in each."""
    before = np.cumsum([0, *(evidence.num_rows for evidence in evidences)])
    block = np.arange(structures.num_rows) // BLOCK
    return _renumbered(structures, Catalogue._column(structures, "first_row") + before[block])


def _renumbered(structures: pa.Table, first_rows: NDArray[np.int64]) -> pa.Table:
    """The table with these first rows, and its bidders numbered in the order in which they stand."""
    sirens = structures.column("siren").combine_chunks()
    numbers = sirens.dictionary_encode().indices if structures.num_rows else pa.array([], pa.int32())
    for name, values in (
        ("bidder", numbers.cast(pa.int32())),
        ("first_row", pa.array(first_rows, pa.int64())),
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
) -> NDArray[np.float32]:
    """Vectors of the texts, each different text encoded once, those of `held` taken from `reuse`."""
    distinct = list(dict.fromkeys(texts))
    place = {text: i for i, text in enumerate(distinct)}
    table = np.zeros((len(distinct), encoder.dimension), dtype=np.float32)
    missing = distinct
    if reuse is not None and held:
        for text in distinct:
            if text in held:
                table[place[text]] = reuse.vectors[held[text]]
        missing = [text for text in distinct if text not in held]
    if missing:
        table[[place[text] for text in missing]] = encoder.encode(missing, role="passage")
    return table[[place[text] for text in texts]]
