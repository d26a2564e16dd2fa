"""The catalogue: structures and their evidence, encoded and indexed; columns on disk, objects on demand.

A folder holds `manifest.json` (recipe, counts, hashes), `structures.arrow` and `evidence.arrow`
(Arrow IPC, memory-mapped), `vectors.npy` with the vector of each different text and `texts/` with the number of the
text of each row, one folder for each index, and `derived/`, arrays that wings above store (what is read in texts, names
and lots; without it they read on first use).  Evidence rows are in the order of their structures; structures are sorted
by SIRET, so that the same data give the same rows.
"""

from __future__ import annotations

import copy
from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from typing import Any, TypeVar, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from matcher import codec
from matcher.catalogue.columns import NATURES
from matcher.catalogue.texts import Vectors
from matcher.domain import Offer, Recipe, Structure, UnknownStructure
from matcher.reference.arrays import I32, I64, Array, Mask

KEPT = 5_000  # structures, and offers, kept as objects

T = TypeVar("T")


@dataclass(eq=False, repr=False)
class Catalogue:
    """Structures and their evidence, open for queries.  Immutable: a change makes a new one."""

    structures: pa.Table
    evidence: pa.Table
    vectors: Vectors
    indexes: Mapping[str, Any]
    recipe: Recipe
    manifest: Mapping[str, Any]
    encoder: Any

    def __post_init__(self) -> None:
        structures, evidence = self.structures, self.evidence
        self._denied: Mapping[int, tuple[str, ...]] | None = None  # where more is denied than was published
        self.derived: Mapping[str, Array] = {}  # arrays that a wing above stored with it, by name
        # nothing kept here refers to the catalogue: it is given back when nobody holds it, without a search for cycles
        self._structure_of = lru_cache(KEPT)(partial(_read, Structure, structures.column("payload")))
        self._offer_of = lru_cache(KEPT)(partial(_read, Offer, evidence.column("payload")))
        self._made: dict[Hashable, Any] = {}
        self.offsets: I64 = np.append(column_of(structures, "first_row"), evidence.num_rows)

    # ------------------------------------------------------------------------------------ columns

    def of_structure(self, name: str) -> Array:
        """A column over structures, cached; shape (len(self),)."""
        return self.once(("structure", name), lambda: self._column(name))

    def _column(self, name: str) -> Array:
        if not pa.types.is_string(self.structures.schema.field(name).type):
            return column_of(self.structures, name)
        numbers, words = self.coded(name)  # one object per word, not per row
        return np.array([*words, ""], dtype=object)[numbers]

    def of_row(self, name: str) -> Array:
        """A column over evidence rows, cached."""
        return self.once(("row", name), lambda: column_of(self.evidence, name))

    def nature_mask(self, natures: tuple[str, ...]) -> Mask:
        """Mask over every evidence row: of one of these natures."""
        return self.once(
            ("nature", natures), lambda: np.isin(self.of_row("nature"), [*map(NATURES.index, natures)])
        )

    def coded(self, name: str) -> tuple[I32, list[str]]:
        """A column of words over structures as numbers, shape (len(self),), and the words they encode."""

        def made() -> tuple[I32, list[str]]:
            column = one_chunk(self.structures.column(name)).dictionary_encode()
            if isinstance(column, pa.ChunkedArray):
                column = column.combine_chunks()
            return plain(column.indices).astype(np.int32, copy=False), column.dictionary.to_pylist()

        return self.once(("coded", name), made)

    def among(self, name: str, wanted: Callable[[str], Any], rows: I64 | None = None) -> Array:
        """`wanted` of each word of a column of structures (or of `rows`), evaluated once for each distinct word."""
        numbers, words = self.coded(name)
        table = np.array([wanted(word) for word in words] or [False])
        return np.asarray(table[numbers if rows is None else numbers[rows]])

    def worded(self, key: str, name: str, wanted: Callable[[str], Any], rows: Any, like: Array) -> Array:
        """`wanted` of the word of a column in each of `rows`, as values of the shape and type of `like`."""
        table, at = self.words_read(key, name, wanted, rows, like)
        return np.asarray(table[at])

    def words_read(
        self, key: str, name: str, wanted: Callable[[str], Any], rows: Any, like: Array
    ) -> tuple[Array, I32]:
        """The different values of `wanted` for words of a column, as a table, and which is that of each of `rows`."""
        numbers, words = self.coded(name)

        def read() -> tuple[Array, I32]:
            values = (np.asarray(wanted(word), like.dtype).tobytes() for word in words)
            places: dict[bytes, int] = {}  # many names say the same of their trade
            at = [places.setdefault(value, len(places)) for value in values]
            table = np.frombuffer(b"".join(places), like.dtype).reshape(-1, *like.shape)
            return table, np.array(at, dtype=np.int32)

        table, at = self.once(("read", key), read)
        return table, at[numbers[rows]]

    def answers(self, key: str) -> tuple[Array, I32]:
        """What `words_read` has read under a key: the different values, and which is that of each word."""
        answers: tuple[Array, I32] = self._made["read", key]
        return answers

    def keep_answers(self, key: str, table: Array, at: I32) -> None:
        """Have `words_read` answer from what was read before."""
        self._made["read", key] = table, at

    def one_of(self, name: str, wanted: Iterable[str], rows: I64 | None = None) -> Mask:
        """Mask over structures (or over `rows`): is the word of a column one of these?"""
        numbers, words = self.coded(name)
        places = self.once(("place", name), lambda: {word: place for place, word in enumerate(words)})
        table = np.zeros(len(words) + 1, dtype=bool)
        table[[places[word] for word in wanted if word in places]] = True
        return np.asarray(table[numbers if rows is None else numbers[rows]])

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """The value of `make()`, computed once for this catalogue."""
        if key not in self._made:
            self._made[key] = make()
        return cast("T", self._made[key])

    @cached_property
    def unlisted(self) -> Mask:
        """Structures of no directory, known by awards alone: without kind, town and activity; shape (len(self),)."""
        blank = [self.one_of(name, ("",)) for name in ("kind", "town", "naf")]
        return np.asarray(np.logical_and.reduce(blank))

    @cached_property
    def zoned(self) -> Mask:
        """Evidence rows that declare a zone."""
        zones = (self.of_row("zone_low") > 0) | (self.of_row("zone_high") > 0)
        zones[[row for row, _ in self.groupings]] = True
        return np.asarray(zones | ~np.isnan(self.of_row("radius")))

    @cached_property
    def groupings(self) -> list[tuple[int, str]]:
        """Evidence rows that declare groupings or communes as their zone, each with their SIRENs and INSEE codes, parted by spaces."""
        listed = self.evidence.column("groupings")
        rows = pc.indices_nonzero(pc.not_equal(listed, ""))
        return list(zip(rows.to_pylist(), listed.take(rows).to_pylist(), strict=True))

    @cached_property
    def owners(self) -> I64:
        """The structure row of each evidence row."""
        return np.repeat(np.arange(len(self)), np.diff(self.offsets))

    def index(self, role: str) -> Any:
        """The first index of a role ("meaning" or "words"), or None where the recipe has none."""
        return next((index for index in self.indexes.values() if index.role == role), None)

    def __len__(self) -> int:
        return int(self.structures.num_rows)

    # ------------------------------------------------------------------------------------ objects

    def row(self, siret: str) -> int:
        """The row of a SIRET, of an earlier SIRET of the same establishment, or of a SIREN (its first place)."""
        sirets: Any = self.sirets  # NumPy's types do not say that its strings compare
        row = bisect_left(sirets, siret)
        there = str(sirets[row]) if row < len(self) else ""
        if there != siret and (later := self._successors.get(siret)) is not None:
            return later
        if there != siret and not (len(siret) == 9 and there.startswith(siret)):
            raise UnknownStructure(
                f"no structure {siret!r} in the catalogue: check the SIRET or the name, or index its directory first"
            )
        return row

    @cached_property
    def _successors(self) -> dict[str, int]:
        listed = self.structures.column("predecessors").to_pylist()
        return {old: row for row, olds in enumerate(listed) for old in olds.split()}

    def establishments_of(self, siren: str) -> tuple[str, ...]:
        """SIRETs of every establishment of a bidder."""
        last = f"{siren}\uffff" if siren[:1].isdecimal() else siren
        low, high = np.searchsorted(self.sirets, siren), np.searchsorted(self.sirets, last, "right")
        return tuple(self.sirets[low:high].tolist())

    @cached_property
    def sirets(self) -> NDArray[np.str_]:
        """The SIRETs, which are the order of the rows."""
        return np.array(self.structures.column("siret").to_pylist(), dtype=np.str_)

    def structure(self, row: int) -> Structure:
        """The structure of a row as it was given; its past awards are evidence, not repeated here."""
        return self._structure_of(row)

    def known(self, siret: str) -> Structure | None:
        """The structure of a SIRET, as `row` takes one; None where the catalogue has none."""
        try:
            return self.structure(self.row(siret))
        except UnknownStructure:
            return None

    def offer(self, evidence_row: int) -> Offer:
        """The piece of evidence of a row."""
        return self._offer_of(evidence_row)

    def text(self, evidence_row: int) -> str:
        """The text of an evidence row."""
        return str(self.texts[evidence_row].as_py())

    @cached_property
    def texts(self) -> Any:
        """The texts of all evidence rows, as an Arrow array."""
        return one_chunk(self.evidence.column("text"))

    def in_payloads(self, pattern: str) -> Any:
        """What the group `found` of a pattern holds in the JSON of every evidence row, null where it does not fit."""
        from pyarrow import compute as pc

        return pc.struct_field(
            pc.extract_regex(self.evidence.column("payload"), pattern), "found"
        ).combine_chunks()

    @property
    def denied(self) -> Mapping[int, tuple[str, ...]]:
        """Structure row -> the trades it denies (`matcher.catalogue.denials`)."""
        return self._published if self._denied is None else self._denied

    @cached_property
    def _published(self) -> dict[int, tuple[str, ...]]:
        denied = self.structures.column("denied").combine_chunks()
        rows = np.flatnonzero(np.diff(plain(denied.offsets))).tolist()  # hardly any denies one
        return {row: tuple(denied[row].as_py()) for row in rows if denied[row].is_valid}

    def denying(self, denied: Mapping[str, Iterable[str]]) -> Catalogue:
        """The same catalogue with these denials added, without a new build."""
        more = dict(self.denied)
        for name, skills in denied.items():
            found = {
                name,
                *(str(self.sirets[row]) for row in (self._successors.get(name),) if row is not None),
            }
            for siret in found:  # one SIRET may be two structures
                low, high = (int(np.searchsorted(self.sirets, siret, side)) for side in ("left", "right"))
                for row in range(low, high):
                    more[row] = tuple(sorted({*more.get(row, ()), *skills}))
        other = copy.copy(self)
        other._denied = more
        return other


# ---------------------------------------------------------------------------------------------- rows


def _read(cls: type[T], payloads: Any, row: int) -> T:
    return codec.from_text(cls, payloads[row].as_py())


def column_of(table: pa.Table, name: str) -> Array:
    """A column of a table as a plain array."""
    return plain(one_chunk(table.column(name)))


def one_chunk(column: pa.ChunkedArray) -> Any:
    """A column as one Arrow array, not copied where it is one already."""
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def plain(array: Any) -> Array:
    """An Arrow array as one of NumPy.  Numbers without gaps go the way that does not import pandas (half a second)."""
    kind = array.type
    if (pa.types.is_integer(kind) or pa.types.is_floating(kind)) and not array.null_count:
        return np.asarray(np.from_dlpack(array))
    return np.asarray(array.to_numpy(zero_copy_only=False))
