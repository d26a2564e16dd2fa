"""The catalogue: structures, what is known of them, encoded and indexed; columns on disk, objects on demand.

A folder holds `manifest.json` (recipe, counts, hashes), `structures.arrow` and `evidence.arrow`
(Arrow IPC, memory-mapped), `vectors.npy`, and one folder for each index.  Evidence rows stand in the
order of their structures; structures are sorted by SIRET, so that the same data give the same rows.
"""

from __future__ import annotations

import copy
import json
import os
import shutil
import time
import weakref
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from matcher import codec, plugins
from matcher.catalogue import denials
from matcher.catalogue.build import (
    BLOCK,
    HALVED_FROM,
    _encode,
    _held,
    _is_supplier,
    _joined,
    _manifest,
    _numbered,
    _renumbered,
    _runs,
    _written,
)
from matcher.catalogue.columns import NATURES, days
from matcher.catalogue.files import FORMAT, SWAPS, _aside, _place
from matcher.catalogue.filters import _holds, _on_globe
from matcher.catalogue.rows import (
    _centred,
    _evidence_of_awards,
    _evidence_table,
    _profile,
    _Row,
    _structure_table,
    _words,
)
from matcher.domain import (
    Award,
    BadInput,
    Filters,
    Lot,
    NotFound,
    Offer,
    Place,
    Recipe,
    StaleArtefact,
    Structure,
    Tender,
)
from matcher.matching.search import EXHAUSTIVE_UP_TO, question
from matcher.matching.shortlist import Query, Shortlist
from matcher.reference import needs
from matcher.reference.codes import everyday_words
from matcher.reference.places import department, distance_km, locate
from matcher.reference.text import clean, coded, fold, lot_part, plain_words, tokens

KEPT = 5_000  # structures, and offers, kept as objects

K = TypeVar("K")
T = TypeVar("T")


class Catalogue:
    """Structures and their evidence, open for questions.  Immutable: a change makes a new one."""

    def __init__(
        self,
        structures: pa.Table,
        evidence: pa.Table,
        vectors: NDArray[Any],
        indexes: Mapping[str, Any],
        recipe: Recipe,
        manifest: Mapping[str, Any],
        encoder: Any,
    ) -> None:
        self.structures = structures
        self.evidence = evidence
        self.vectors = vectors
        self.indexes = indexes
        self.recipe = recipe
        self.manifest = manifest
        self.encoder = encoder
        self.home: Path | None = None  # the folder it was opened from
        self.written: Path | None = (
            None  # the file of its vectors, where they were written before it is saved
        )
        self.offsets: NDArray[np.int64] = np.append(self._column(structures, "first_row"), evidence.num_rows)

    # ------------------------------------------------------------------------------------ columns

    @staticmethod
    def _column(table: pa.Table, name: str) -> NDArray[Any]:
        column = table.column(name)
        return plain(column.chunk(0) if column.num_chunks == 1 else column.combine_chunks())

    def of_structure(self, name: str) -> NDArray[Any]:
        """A column over structures, cached; shape (len(self),)."""
        return self._cached("s", name)

    def of_row(self, name: str) -> NDArray[Any]:
        """A column over evidence rows, cached."""
        return self._cached("e", name)

    def _cached(self, which: str, name: str) -> NDArray[Any]:
        key = (which, name)
        if key not in self._columns:
            table = self.structures if which == "s" else self.evidence
            if which == "s" and pa.types.is_string(table.schema.field(name).type):
                numbers, words = self.coded(name)  # one object a word, not one a row
                self._columns[key] = np.array([*words, ""], dtype=object)[numbers]
            else:
                self._columns[key] = self._column(table, name)
        return self._columns[key]

    @cached_property
    def _columns(self) -> dict[tuple[str, str], NDArray[Any]]:
        return {}

    @cached_property
    def _masks(self) -> dict[tuple[str, ...], NDArray[np.bool_]]:
        return {}

    def nature_mask(self, natures: tuple[str, ...]) -> NDArray[np.bool_]:
        """Mask over every evidence row: of one of these natures."""
        if natures not in self._masks:
            wanted = [NATURES.index(nature) for nature in natures]
            self._masks[natures] = np.isin(self.of_row("nature"), wanted)
        return self._masks[natures]

    def coded(self, name: str) -> tuple[NDArray[np.int32], list[str]]:
        """A column of words over structures as numbers, shape (len(self),), and the words that they stand for."""
        if name not in self._codes:
            column = self.structures.column(name).combine_chunks().dictionary_encode()
            if isinstance(column, pa.ChunkedArray):
                column = column.combine_chunks()
            numbers = plain(column.indices).astype(np.int32, copy=False)
            self._codes[name] = numbers, column.dictionary.to_pylist()
        return self._codes[name]

    @cached_property
    def _codes(self) -> dict[str, tuple[NDArray[np.int32], list[str]]]:
        return {}

    def among(
        self, name: str, wanted: Callable[[str], Any], rows: NDArray[np.int64] | None = None
    ) -> NDArray[Any]:
        """`wanted` of each word of a column of structures (or of `rows`), asked once for each different word."""
        numbers, words = self.coded(name)
        table = np.array([wanted(word) for word in words] or [False])
        return np.asarray(table[numbers if rows is None else numbers[rows]])

    def one_of(
        self, name: str, wanted: Iterable[str], rows: NDArray[np.int64] | None = None
    ) -> NDArray[np.bool_]:
        """Mask over structures (or over `rows`): is the word of a column one of these?"""
        numbers, words = self.coded(name)
        places = self._places.get(name)
        if places is None:
            places = self._places[name] = {word: place for place, word in enumerate(words)}
        table = np.zeros(len(words) + 1, dtype=bool)
        table[[places[word] for word in wanted if word in places]] = True
        return np.asarray(table[numbers if rows is None else numbers[rows]])

    @cached_property
    def _places(self) -> dict[str, dict[str, int]]:
        return {}

    def once(self, key: str, make: Callable[[], T]) -> T:
        """The value of `make()`, computed once for this catalogue whoever asks."""
        if key not in self._made:
            self._made[key] = make()
        return cast("T", self._made[key])

    @cached_property
    def _made(self) -> dict[str, Any]:
        return {}

    @cached_property
    def unlisted(self) -> NDArray[np.bool_]:
        """Structures of no directory: without kind, town and activity; shape (len(self),)."""
        blank = [self.one_of(name, ("",)) for name in ("kind", "town", "naf")]
        return np.asarray(np.logical_and.reduce(blank))

    @cached_property
    def centres(self) -> NDArray[np.float64]:
        """Latitude and longitude of the centre of each structure's department, NaN where it is unknown; (len(self), 2)."""
        numbers, codes = self.coded("department")
        found = [department(code) if code else None for code in codes]
        points = [(one.latitude, one.longitude) if one else (np.nan, np.nan) for one in found]
        return np.array(points or [(np.nan, np.nan)])[numbers]

    @cached_property
    def zoned(self) -> NDArray[np.bool_]:
        """Evidence rows that declare a zone."""
        zones = (self.of_row("zone_low") > 0) | (self.of_row("zone_high") > 0)
        return np.asarray(zones | ~np.isnan(self.of_row("radius")))

    @cached_property
    def owners(self) -> NDArray[np.int64]:
        """The structure row of each evidence row."""
        return np.repeat(np.arange(len(self)), np.diff(self.offsets))

    def __len__(self) -> int:
        return int(self.structures.num_rows)

    # ------------------------------------------------------------------------------------ objects

    @cached_property
    def _row_of(self) -> dict[str, int]:
        rows: dict[str, int] = {}
        for row, siret in enumerate(self.structures.column("siret").to_pylist()):
            rows.setdefault(siret, row)
        return rows

    def row(self, siret: str) -> int:
        """The row of a SIRET, of an earlier SIRET of the same establishment, or of a SIREN (its first place)."""
        found = self._row_of.get(siret)
        if found is None:
            found = self._successors.get(siret)
        if found is None and len(siret) == 9:
            found = self._first_of_siren.get(siret)
        if found is None:
            raise NotFound(
                f"no structure {siret} in the catalogue: check the SIRET, or index its directory first"
            )
        return found

    @cached_property
    def _successors(self) -> dict[str, int]:
        listed = self.structures.column("predecessors").to_pylist()
        return {old: row for row, olds in enumerate(listed) for old in (olds or "").split()}

    @cached_property
    def _first_of_siren(self) -> dict[str, int]:
        first: dict[str, int] = {}
        for siret, row in self._row_of.items():
            first.setdefault(siret[:9], row)
        return first

    def places_of(self, siren: str) -> tuple[str, ...]:
        """SIRETs of every establishment of a bidder."""
        row = self._first_of_siren.get(siren)
        if row is None:
            return ()
        order, starts = self._bidders
        bidder = self.of_structure("bidder")[row]
        return tuple(self._sirets[order[starts[bidder] : starts[bidder + 1]]].tolist())

    @cached_property
    def _bidders(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Structure rows by bidder, and where each bidder's begin."""
        bidder = self.of_structure("bidder")
        return np.argsort(bidder, kind="stable"), np.concatenate(([0], np.cumsum(np.bincount(bidder))))

    def structure(self, row: int) -> Structure:
        """The structure of a row as it was given; its past awards are evidence, not repeated here."""
        return self._kept(self._shown, row, self._structure)

    def _structure(self, row: int) -> Structure:
        return codec.from_text(Structure, self.structures.column("payload")[row].as_py())

    def offer(self, evidence_row: int) -> Offer:
        """The piece of evidence of a row."""
        return self._kept(self._pieces, evidence_row, self._offer)

    def _offer(self, row: int) -> Offer:
        return codec.from_text(Offer, self.evidence.column("payload")[row].as_py())

    @staticmethod
    def _kept(kept: dict[K, T], key: K, make: Callable[[K], T]) -> T:
        """The frozen object of a key, of those made last; each step is one of a dict, so threads may share it."""
        found = kept.get(key)
        if found is None:
            found = kept[key] = make(key)
            if len(kept) > KEPT:
                kept.clear()
        return found

    @cached_property
    def _shown(self) -> dict[int, Structure]:
        return {}

    @cached_property
    def _pieces(self) -> dict[int, Offer]:
        return {}

    def text(self, evidence_row: int) -> str:
        """The text of an evidence row."""
        return str(self._texts[evidence_row].as_py())

    @cached_property
    def _texts(self) -> Any:
        texts = self.evidence.column("text")
        return texts.chunk(0) if texts.num_chunks == 1 else texts.combine_chunks()

    @cached_property
    def denied(self) -> dict[int, tuple[str, ...]]:
        """Structure row -> what it says is not its trade (`matcher.catalogue.denials`)."""
        if "denied" not in self.structures.column_names:
            return {}
        told = self.structures.column("denied").to_pylist()
        return {row: tuple(skills) for row, skills in enumerate(told) if skills}

    def denying(self, denied: Mapping[str, Iterable[str]]) -> Catalogue:
        """The same catalogue where these SIRETs deny these skills too, at once and without a new build."""
        more = dict(self.denied)
        names = (self.structures.column(name).to_pylist() for name in ("siret", "predecessors"))
        for row, (siret, olds) in enumerate(zip(*names, strict=True)) if denied else ():
            if said := {skill for name in (siret, *(olds or "").split()) for skill in denied.get(name, ())}:
                more[row] = tuple(sorted({*more.get(row, ()), *said}))
        other = copy.copy(self)
        other.__dict__["denied"] = more
        return other

    def search_names(self, words: str, limit: int = 20) -> list[int]:
        """Rows of the structures whose name, brand or town holds all the words, shortest name first."""
        wanted = fold(words).split()
        if not wanted:
            return []
        hits = [row for row, key in enumerate(self._name_keys) if all(word in key for word in wanted)]
        return sorted(hits, key=lambda row: (len(self._name_keys[row]), row))[:limit]

    @cached_property
    def _name_keys(self) -> list[str]:
        columns = (self.structures.column(name).to_pylist() for name in ("siret", "name", "town"))
        return [fold(" ".join(parts)) for parts in zip(*columns, strict=True)]

    def rare_name(self, word: str) -> tuple[float, NDArray[np.int64]] | None:
        """The information of a word in nats and the structures so named.

        None unless it stands in few names and few texts, and in no nomenclature or name of a place.  Read from the
        names and texts alone, whoever holds which award, so that it does not peek.
        """
        return self._kept(self._named, word, self._rare_name) or None

    def _rare_name(self, word: str) -> tuple[float, NDArray[np.int64]] | tuple[()]:
        if word in everyday_words():
            return ()
        rows = np.concatenate([self._word_index.holding(stem) for stem in tokens(word)[:1]] or [[]]).astype(
            int
        )

        def holding(*natures: str) -> Iterator[int]:
            """Rows of the word itself, of those of its stem."""
            chosen = rows[self.nature_mask(natures)[rows]].tolist()
            return (row for row in chosen if word in plain_words(self.text(row)))

        limit = max(30, self.evidence.num_rows // 500)
        if sum(1 for _ in islice(holding("award", "offer", "description"), limit)) == limit:
            return ()
        named = np.unique(self.owners[list(holding("name"))])
        return (float(np.log(len(self) / len(named))), named) if len(named) else ()

    @cached_property
    def _named(self) -> dict[str, Any]:
        return {}

    @cached_property
    def _word_index(self) -> Any:
        """The index of words, made for the purpose where the recipe has none."""
        index = self.indexes.get("lexical")
        return index or plugins.find("catalogue.indexes", "lexical").build(
            _words(self.evidence), self.vectors
        )

    # ------------------------------------------------------------------------------------ build

    @classmethod
    def build(
        cls,
        structures: Iterable[Structure] = (),
        awards: Iterable[Award] = (),
        recipe: Recipe | None = None,
        *,
        undated: date | None = None,
        suppliers: bool = True,
        reuse: Catalogue | None = None,
    ) -> Catalogue:
        """A catalogue of the structures, with each award as evidence of its holders.

        A holder that is no known structure becomes one of kind "" (a supplier) unless `suppliers` is
        False.  An award without a
        date counts as known from `undated` (None: always known).  `reuse` gives vectors of texts that
        did not change.  The first of two structures with one SIRET and one kind is kept.
        """
        recipe = recipe or Recipe()
        known: dict[str, Structure] = {}
        for structure in structures:
            # one SIRET may be two structures (an ACI and an AI): their offers and kinds stay apart
            known.setdefault(f"{structure.siret} {structure.kind}", structure)
        pieces = _evidence_of_awards(known, awards, undated, suppliers)
        encoder = plugins.find("learned.encoders", recipe.encoder).load(**recipe.encoder_options)
        order = sorted(known)
        held = _held(reuse, encoder)
        tables, evidences, blocks = [], [], []
        words: list[str] = []
        first = 0
        for low in range(
            0, max(len(order), 1), BLOCK
        ):  # the objects of a million structures at once are too many
            block = {key: known.pop(key) for key in order[low : low + BLOCK]}
            first_rows: list[int] = []
            rows: list[_Row] = []
            for key, structure in block.items():
                first_rows.append(len(rows))
                rows.extend(_profile(structure))
                rows.extend(pieces.pop(key, ()))
            evidences.append(_evidence_table(rows))
            tables.append(_structure_table(list(block.values()), first_rows, evidences[-1]))
            blocks.append(_encode(encoder, [row.text for row in rows], reuse, held))
            words.extend(coded(row.text, row.offer.cpv) for row in rows)
            first += len(rows)
            if first > HALVED_FROM:  # as singles they would take twice the memory until the end
                blocks = [part.astype(np.float16, copy=False) for part in blocks]
        structure_table = _numbered(pa.concat_tables(tables).combine_chunks(), evidences)
        evidence_table = pa.concat_tables(evidences).combine_chunks()
        del tables, evidences
        vectors = np.empty((first, encoder.dimension), dtype=blocks[-1].dtype)
        while blocks:  # each is let go of as it is copied
            vectors[first - len(blocks[-1]) : first] = blocks[-1]
            first -= len(blocks.pop())
        indexes = {
            name: plugins.find("catalogue.indexes", name).build(words, vectors) for name in recipe.indexes
        }
        manifest = _manifest(structure_table, evidence_table, recipe, encoder)
        return cls(structure_table, evidence_table, vectors, indexes, recipe, manifest, encoder)

    def updated(self, structures: Iterable[Structure] = (), gone: Iterable[str] = ()) -> Catalogue:
        """The catalogue as built anew with these structures in place of those of their SIRETs, and without `gone`.

        Only what changed is encoded and told to the indexes; the rest is copied.  Awards stay with their bidder;
        those of a bidder none of whose structures is left go with it.
        """
        fresh: dict[str, Structure] = {}
        for structure in structures:
            fresh.setdefault(f"{structure.siret} {structure.kind}", structure)
        out = {structure.siret for structure in fresh.values()} | set(gone)
        sirens = {siret[:9] for siret in out}
        touched = np.flatnonzero(self._holding_any(sirens, prefixes=True))
        known, awards = dict(fresh), self._awards_of(touched)
        for row in touched.tolist():
            structure = self.structure(row)
            if structure.siret not in out:
                known.setdefault(f"{structure.siret} {structure.kind}", structure)
        listed = {structure.siren for structure in known.values() if not _is_supplier(structure)}
        known = {
            key: structure
            for key, structure in known.items()
            if not (_is_supplier(structure) and structure.siren in listed)
        }
        holder: dict[str, str] = {}
        for key in sorted(known):
            holder.setdefault(key[:9], key)
        rows: list[_Row] = []
        first_rows: list[int] = []
        for key in sorted(known):
            first_rows.append(len(rows))
            rows.extend(_profile(known[key]))
            if holder[key[:9]] == key:
                rows.extend(awards.get(key[:9], ()))
        return self._spliced(touched, [known[key] for key in sorted(known)], first_rows, rows)

    def _awards_of(self, rows: NDArray[np.int64]) -> dict[str, list[_Row]]:
        """The awards of the bidders of these structure rows, by SIREN; what a structure tells itself is none."""
        found: dict[str, list[_Row]] = defaultdict(list)
        for row in rows.tolist():
            structure = self.structure(row)
            told = sum(1 for _ in _profile(structure))
            for piece in range(int(self.offsets[row]) + told, int(self.offsets[row + 1])):
                found[structure.siren].append(_Row("award", self.text(piece), self.offer(piece)))
        return found

    def _spliced(
        self,
        touched: NDArray[np.int64],
        structures: Sequence[Structure],
        first_rows: Sequence[int],
        rows: Sequence[_Row],
    ) -> Catalogue:
        """This catalogue without the structure rows `touched`, and with these structures and their rows."""
        more = _evidence_table(rows)
        added = _structure_table(structures, first_rows, more)
        n, m = len(self), self.evidence.num_rows
        stays = np.ones(n, dtype=bool)
        stays[touched] = False
        kinds = self.of_structure("kind")
        keys = [
            (f"{siret} {kinds[row]}", row)
            for row, siret in enumerate(self.structures.column("siret").to_pylist())
            if stays[row]
        ]
        keys += [(f"{s.siret} {s.kind}", n + i) for i, s in enumerate(structures)]
        order = np.array([row for _, row in sorted(keys)], dtype=np.int64)
        lows = np.concatenate([self.offsets[:-1], m + np.array(first_rows, dtype=np.int64)])
        ends = np.array([*first_rows[1:], len(rows)][: len(first_rows)], dtype=np.int64)
        highs = np.concatenate([self.offsets[1:], m + ends])
        many = (highs - lows)[order]
        starts = np.concatenate(([0], np.cumsum(many))).astype(np.int64)
        pieces = np.arange(starts[-1]) + np.repeat(lows[order] - starts[:-1], many)
        evidence = _joined(self.evidence, more, pieces)
        table = _renumbered(_joined(self.structures, added, order), starts[:-1])
        kept = np.where(pieces < m, pieces, -1)
        encoded = _encode(self.encoder, [row.text for row in rows]).astype(self.vectors.dtype)
        blocks = (
            self.vectors[low : low + size] if low < m else encoded[low - m : low - m + size]
            for low, size in _runs(pieces, m)
        )
        vectors, written = _written(blocks, (len(kept), self.vectors.shape[1]), self.vectors.dtype, self.home)
        words = [coded(rows[i].text, rows[i].offer.cpv) for i in (pieces[kept < 0] - m).tolist()]
        indexes = {
            name: index.amended(kept, words, vectors)
            if hasattr(index, "amended")
            else plugins.find("catalogue.indexes", name).build(_words(evidence), vectors)
            for name, index in self.indexes.items()
        }
        manifest = _manifest(table, evidence, self.recipe, self.encoder)
        made = Catalogue(table, evidence, vectors, indexes, self.recipe, manifest, self.encoder)
        if written is not None:
            made.home, made.written = self.home, written
            weakref.finalize(made, written.unlink, missing_ok=True)
        return made

    # ------------------------------------------------------------------------------------ save, load

    def save(self, folder: Path) -> None:
        """Write the catalogue beside `folder`, then put it in its place in one step."""
        folder = Path(folder)
        fresh = folder.with_name(folder.name + ".new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        for name, table in (("structures", self.structures), ("evidence", self.evidence)):
            with (
                pa.OSFile(str(fresh / f"{name}.arrow"), "wb") as sink,
                pa.ipc.new_file(sink, table.schema) as out,
            ):
                out.write_table(table.combine_chunks())
        try:  # files are never written again, so that one may stand in two catalogues
            if self.written is None:
                raise FileNotFoundError
            os.link(self.written, fresh / "vectors.npy")
        except OSError:
            np.save(fresh / "vectors.npy", self.vectors, allow_pickle=False)
        for name, index in self.indexes.items():
            index.save(fresh / name)
        text = json.dumps(self.manifest, ensure_ascii=False, indent=1, default=str)
        (fresh / "manifest.json").write_text(text, encoding="utf-8")
        old = _aside(folder)
        shutil.rmtree(old, ignore_errors=True)
        if folder.exists():
            folder.rename(old)
        fresh.rename(folder)
        shutil.rmtree(old, ignore_errors=True)

    @classmethod
    def load(cls, folder: Path, recipe: str | None = None) -> Catalogue:
        """Open a saved catalogue, memory-mapped.

        Raises NotFound where there is none, StaleArtefact when it was built by another recipe, encoder
        or format than the one asked for: the sentence names the command that builds it anew.  A catalogue that
        is put in the place of another meanwhile is opened whole, the one or the other.
        """
        folder = Path(folder)
        for _ in range(SWAPS):
            before = _place(folder)
            try:
                found = cls._opened(folder, recipe)
            except (NotFound, StaleArtefact):
                if before == _place(folder) and (before is not None or not _aside(folder).is_dir()):
                    raise
            else:
                if before == _place(folder):
                    return found
            time.sleep(0.05)
        return cls._opened(folder, recipe)

    @classmethod
    def _opened(cls, folder: Path, recipe: str | None) -> Catalogue:
        again = f"build it with `matcher index FILES --out {folder}`"
        if not (folder / "manifest.json").is_file():
            raise NotFound(f"no catalogue in {folder}: {again}")
        try:
            manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        except ValueError:
            raise StaleArtefact(f"the manifest of {folder} is damaged: {again}") from None
        if manifest.get("format") != FORMAT:
            raise StaleArtefact(
                f"{folder} is of catalogue format {manifest.get('format')}, not {FORMAT}: {again}"
            )
        saved = codec.from_json(Recipe, manifest["recipe"])
        if recipe is not None and recipe != saved.name:
            raise StaleArtefact(
                f"{folder} was built by recipe {saved.name!r}, not {recipe!r}: {again} --recipe {recipe}"
            )
        encoder = plugins.find("learned.encoders", saved.encoder).load(**saved.encoder_options)
        if encoder.fingerprint != manifest["encoder"]:
            raise StaleArtefact(
                f"{folder} was encoded by model {manifest['encoder']}, this one is {encoder.fingerprint}: {again}"
            )
        try:
            tables = [pa.ipc.open_file(pa.memory_map(str(folder / f"{name}.arrow"))).read_all()
                      for name in ("structures", "evidence")]  # fmt: skip
            # a plain array over the mapped file: slicing a numpy.memmap costs more than the arithmetic
            vectors = np.asarray(np.load(folder / "vectors.npy", mmap_mode="r", allow_pickle=False))
            indexes = {
                name: plugins.find("catalogue.indexes", name).load(folder / name, vectors)
                for name in saved.indexes
            }
        except (OSError, pa.ArrowInvalid, ValueError) as error:
            raise StaleArtefact(f"{folder} is damaged or incomplete ({error}): {again}") from None
        found = cls(tables[0], tables[1], vectors, indexes, saved, manifest, encoder)
        found.home = folder
        return found

    # ------------------------------------------------------------------------------------ shortlist

    def query(
        self,
        lot: Lot,
        tender: Tender,
        *,
        text: str = "",
        vector: NDArray[np.float32] | None = None,
        as_of: date | None = None,
        filters: Filters | None = None,
        incumbents: bool = False,
    ) -> Query:
        """A lot ready to be compared: its places located, its text encoded."""
        words = text or question(lot)
        places = tuple(locate(place, tender.buyer.id) for place in lot.places)
        if not places:
            places = (locate(tender.buyer.place, tender.buyer.id),)
        places = tuple(_centred(place) for place in places)
        if vector is None:
            vector = self.encoder.encode([words], role="query")[0]
        stated = () if "cpv" in lot.inferred else lot.cpv  # a supposed code decides nothing
        pieces = needs.pieces(lot.title)
        return Query(
            lot=lot, tender=tender, text=words, words=coded(words, stated), vector=vector, places=places, cpv=stated, as_of=as_of,
            filters=filters or Filters(), incumbents=incumbents, part=lot_part(lot.title),
            pieces=tuple(self.encoder.encode(pieces, role="query")) if pieces else (),
        )  # fmt: skip

    def shortlist(self, query: Query, k: int = 500, *, exhaustive: bool = False) -> Shortlist:
        """Candidates of a lot: every allowed structure when they are few, else the union of k per way in.

        `exhaustive` compares all of them, however many.  The ways in are each index (words, meaning, the
        lot's own words) and nearness; then every index compares every row of
        every candidate.  A filter is applied before the search, so it never costs recall.
        """
        allowed = self.allowed(query.filters, query.places)
        if exhaustive or self.evidence.num_rows <= EXHAUSTIVE_UP_TO:
            candidates = np.arange(len(self)) if allowed is None else np.flatnonzero(allowed)
        else:
            row_mask = None if allowed is None else allowed[self.owners]
            found = [
                self.owners[index.search(query.words, query.vector, k, row_mask)]
                for index in self.indexes.values()
            ]
            if query.part != query.text and "lexical" in self.indexes:
                part = self.indexes["lexical"].search(query.part, query.vector, k // 2, row_mask)
                found.append(self.owners[part])
            if "faiss" in self.indexes:  # who does one of several trades is seldom near to all of them
                found += [
                    self.owners[self.indexes["faiss"].search("", piece, k // 2, row_mask)]
                    for piece in query.pieces
                ]
            found.append(self.nearest(query.places, k // 2, allowed))
            chosen = np.zeros(len(self), dtype=bool)
            chosen[np.concatenate(found)] = True
            candidates = np.flatnonzero(chosen)
        deniers = denials.deniers(self.denied.items(), query.lot) if self.denied else []
        if deniers:  # "ce n'est pas notre métier"
            candidates = np.setdiff1d(candidates, deniers)
        counts = self.offsets[candidates + 1] - self.offsets[candidates]
        starts = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
        everything = len(candidates) == len(self)
        if everything:
            rows = np.arange(self.evidence.num_rows)
            owner = self.owners
        else:
            owner = np.repeat(np.arange(len(candidates)), counts)
            rows = np.arange(starts[-1]) + np.repeat(self.offsets[candidates] - starts[:-1], counts)
        similarity = {
            name: index.compare(query.words, query.vector, None if everything else rows)
            for name, index in self.indexes.items()
        }
        if query.part and "lexical" in self.indexes:
            if query.part == query.words:  # a need typed in
                similarity["part"] = similarity["lexical"]
            else:
                similarity["part"] = self.indexes["lexical"].compare(
                    query.part, query.vector, None if everything else rows
                )
        peaks = {name: float(values.max(initial=0.0)) for name, values in similarity.items()}
        if allowed is not None or deniers:
            # scores must not depend on the filter: the peak is that of the best row of the whole catalogue
            for name, index in self.indexes.items():
                for key, words in ((name, query.words), ("part", query.part)):
                    if key in peaks and (key != "part" or name == "lexical"):
                        top = index.search(words, query.vector, 1)
                        peaks[key] = max(
                            peaks[key], float(index.compare(words, query.vector, top).max(initial=0.0))
                        )
        if query.as_of is None:
            admissible = np.ones(len(rows), dtype=bool)
        else:
            admissible = self.of_row("since")[rows] < days(query.as_of)
        return Shortlist(
            query=query, catalogue=self, candidates=candidates, rows=rows, starts=starts, owner=owner,
            admissible=admissible, similarity=similarity, peaks=peaks,
        )  # fmt: skip

    def nearest(
        self, places: Sequence[Place], k: int, allowed: NDArray[np.bool_] | None
    ) -> NDArray[np.int64]:
        """The k structures nearest to one of the places (by coordinates), of those allowed."""
        located = [
            (p.latitude, p.longitude) for p in places if p.latitude is not None and p.longitude is not None
        ]
        if not located:
            return np.zeros(0, dtype=np.int64)
        if allowed is None:
            # the lots of one notice, and many notices, are of one place
            return self._kept(self._around, (tuple(located), k), self._nearest)
        distance = self.distances(located)
        distance = np.where(np.isnan(distance) | ~allowed, np.inf, distance)
        near = np.argpartition(distance, min(k, len(distance) - 1))[:k]
        return np.asarray(near[np.isfinite(distance[near])], dtype=np.int64)

    def _nearest(self, asked: tuple[tuple[tuple[float, float], ...], int]) -> NDArray[np.int64]:
        located, k = asked
        tree, rows = self._globe
        if not len(rows):
            return rows
        _, found = tree.query(_on_globe(np.array(located)), k=min(k, len(rows)))
        near = np.atleast_2d(found)
        # of several places each has its nearest, so that no place is forgotten
        kept = np.unique(near[:, : max(1, min(k, len(rows)) // len(located))])
        return np.asarray(rows[kept], dtype=np.int64)

    @cached_property
    def _around(self) -> dict[Any, NDArray[np.int64]]:
        return {}

    @cached_property
    def _globe(self) -> tuple[Any, NDArray[np.int64]]:
        """A tree of the structures that have coordinates, as points of the unit sphere, and their rows."""
        from scipy.spatial import cKDTree

        points = np.column_stack([self.of_structure("latitude"), self.of_structure("longitude")])
        rows = np.flatnonzero(np.isfinite(points).all(axis=1))
        return cKDTree(_on_globe(points[rows])) if len(rows) else None, rows

    def distances(
        self, located: Sequence[tuple[float, float]], rows: NDArray[np.int64] | None = None
    ) -> NDArray[np.float64]:
        """Kilometres from each structure (or each of `rows`) to the nearest point; NaN where it has no coordinates."""
        lat, lon = self.of_structure("latitude"), self.of_structure("longitude")
        if rows is not None:
            lat, lon = lat[rows], lon[rows]
        if len(located) == 1:
            return np.asarray(distance_km(lat, lon, *located[0]), dtype=np.float64)
        each = [np.asarray(distance_km(lat, lon, a, b), dtype=np.float64) for a, b in located]
        return np.asarray(np.minimum.reduce(each), dtype=np.float64)

    def allowed(self, filters: Filters, places: Sequence[Place] = ()) -> NDArray[np.bool_] | None:
        """Mask over structures that obey the filters; None when there is no filter."""
        masks: list[NDArray[np.bool_]] = []
        if filters.sirets is not None:
            masks.append(self._holding_any(filters.sirets, prefixes=False))
        if filters.excluded:
            masks.append(~self._holding_any(filters.excluded, prefixes=True))
        if filters.kinds:
            masks.append(self.one_of("kind", filters.kinds))
        if filters.articles:
            from matcher.reference import law

            articles, today = tuple(filters.articles), date.today()
            masks.append(self.among("kind", lambda kind: law.eligible(kind, articles, today) is True))
        if filters.departments:
            masks.append(self.one_of("department", filters.departments))
        if filters.regions:
            masks.append(self.one_of("region", filters.regions))
        for name, wanted in (
            ("networks", filters.networks),
            ("labels", filters.labels),
            ("services", filters.service_types),
        ):
            if wanted:
                masks.append(self.among(name, _holds(wanted)))
        if filters.active_only:
            masks.append(self.of_structure("active") != 0)
        if filters.radius_km is not None:
            located = [
                (p.latitude, p.longitude)
                for p in places
                if p.latitude is not None and p.longitude is not None
            ]
            if not located:
                raise BadInput(
                    "a radius needs a place: name the commune, the postcode or the department of the need"
                )
            masks.append(np.nan_to_num(self.distances(located), nan=np.inf) <= filters.radius_km)
        for phrase in filters.phrases:
            masks.append(self._holding(phrase))
        if not masks:
            return None
        result: NDArray[np.bool_] = np.logical_and.reduce(masks)
        return result

    def _holding_any(self, identifiers: Iterable[str], *, prefixes: bool) -> NDArray[np.bool_]:
        """Structures of one of these SIRETs, and with `prefixes` of one of these SIRENs too."""
        held = np.zeros(len(self), dtype=bool)
        sirets = self._sirets
        for identifier in identifiers:
            low = int(np.searchsorted(sirets, identifier))
            while low < len(sirets) and (
                sirets[low] == identifier or (prefixes and sirets[low][:9] == identifier)
            ):
                held[low] = True
                low += 1
        return held

    @cached_property
    def _sirets(self) -> NDArray[np.str_]:
        """The SIRETs, which are the order of the rows."""
        return np.array(self.structures.column("siret").to_pylist(), dtype=np.str_)

    def _holding(self, phrase: str) -> NDArray[np.bool_]:
        """Structures of which some evidence holds the exact words, whatever their case and accents."""
        wanted = fold(clean(phrase))
        hits = np.array([wanted in text for text in self.folded_texts], dtype=bool)
        padded = np.append(hits, False)
        held = np.logical_or.reduceat(padded, self.offsets[:-1]) if len(self) else np.zeros(0, dtype=bool)
        return held & (np.diff(self.offsets) > 0)

    @cached_property
    def folded_texts(self) -> list[str]:
        """Every evidence text, folded for comparing."""
        return [fold(text) for text in self.evidence.column("text").to_pylist()]


# ---------------------------------------------------------------------------------------------- rows


def plain(array: Any) -> NDArray[Any]:
    """An Arrow array as one of NumPy.  Numbers without gaps go the way that does not import pandas (half a second)."""
    kind = array.type
    if (pa.types.is_integer(kind) or pa.types.is_floating(kind)) and not array.null_count:
        return np.asarray(np.from_dlpack(array))
    return np.asarray(array.to_numpy(zero_copy_only=False))
