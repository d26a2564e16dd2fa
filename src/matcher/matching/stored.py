"""What the judgement reads in texts and names, stored with a catalogue: a new process need not read them again.

Without it, or where the models or tables have changed since, everything is read on first use.
"""

from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import xxhash
from numpy.typing import NDArray

from matcher.catalogue.catalogue import Answers, Catalogue
from matcher.catalogue.columns import DECLARED
from matcher.catalogue.files import save_derived
from matcher.catalogue.filters import Names, names_of
from matcher.learned import activities
from matcher.matching import declared, evidence, judgement, trades
from matcher.reference import paths, tables

CODE = ("reference", "learned", "matching")  # wings that read
BLOCK = 2_000  # names, or structures, at a time


def save(catalogue: Catalogue, folder: Path) -> None:
    """Read what a catalogue declares, and its names, and store it in the folder to which it is being saved.

    Nothing is stored where the judgement does not rank: without a directory, or by another recipe.
    """
    listed = bool((catalogue.of_structure("kind") != "").any())
    if listed and catalogue.recipe.judgement and judgement.reads(catalogue):
        made = {
            "made": np.array(fingerprint(catalogue)),
            "activities": activities.of(catalogue.encoder).vectors,
            "names": names_of(catalogue).text,
        }
        save_derived(folder, made | _of_texts(catalogue) | _of_names(catalogue))


def adopt(catalogue: Catalogue) -> None:
    """Have a catalogue use what is stored with it, where it was made by these models and this code."""
    held = catalogue.derived
    if "made" not in held or held["made"].item() != fingerprint(catalogue):
        return
    catalogue.once(
        declared.PIECES, lambda: declared.Pieces(catalogue, _reading(catalogue, held), held["numbers"])
    )
    activities.keep(catalogue.encoder, held["activities"])
    catalogue.once(trades.OF_STRUCTURES, lambda: held["trades_of_structures"])
    catalogue.once(declared.SPANS, lambda: declared.Spans(held["spans"], held["spans_slots"]))
    catalogue.once("names", lambda: Names(held["names"]))
    for key in evidence.NAMES:
        catalogue.keep_answers(key, Answers.held(*(held[name] for name in _files_of(key))))


def fingerprint(catalogue: Catalogue) -> str:
    """A hash of what readings depend on: encoder, models, tables, code; computed once for a catalogue."""
    return catalogue.once("made by", lambda: _fingerprint(catalogue))


def _fingerprint(catalogue: Catalogue) -> str:
    package, data = Path(__file__).parents[1], paths.reference_dir()
    files = [paths.judgement_file(file.name) for file in (paths.models_dir() / "judgement").glob("*.*[nz]")]
    files += chain.from_iterable((paths.models_dir() / room).glob("*.npz") for room in ("offers", "asks"))
    own = (tables.user_dir(), tables.user_dir() / "assumptions")
    folders = (data, data.parent / "assumptions", *own)
    files += chain.from_iterable(folder.glob("*.*") for folder in folders)
    files += chain.from_iterable((package / wing).rglob("*.py") for wing in CODE)
    digest = xxhash.xxh3_128(catalogue.encoder.fingerprint.encode())
    for file in sorted(filter(Path.is_file, files)):
        digest.update(file.read_bytes())
    return str(digest.hexdigest())


def _of_texts(catalogue: Catalogue) -> dict[str, NDArray[Any]]:
    """The texts that rows declare, their pieces, and what is derived of them; without texts that no row declares."""
    rows = np.flatnonzero(catalogue.nature_mask(DECLARED))
    pieces = declared.of(catalogue)
    texts, at = np.unique(pieces.texts(rows), return_inverse=True)
    numbers = np.full(catalogue.evidence.num_rows, -1, dtype=np.int32)
    numbers[rows] = at
    reading, by_piece = pieces.reading, trades.by_piece(pieces)
    slots, _ = reading.slots(texts)
    many = reading.many[texts]
    coded = [reading.text(slot).encode("utf-8", "surrogatepass") for slot in slots.tolist()]
    words = np.frombuffer(b"".join(coded), dtype=np.uint8)
    ends = np.cumsum([len(each) for each in coded], dtype=np.int64)
    spans = declared.spans_of(pieces, rows, catalogue.owners[rows], len(catalogue))
    kept = np.zeros(len(reading), dtype=np.int32)  # texts that no row declares are left out
    kept[slots] = np.arange(len(slots))
    return {
        "numbers": numbers,
        "keys": np.array(reading.keys, dtype=np.int64)[texts],
        "many": many,
        "starts": np.cumsum(many) - many,
        "words": words,
        "ends": ends,
        "views": reading.views[slots],
        "same": reading.same[slots],
        "trades_of_pieces": by_piece[slots],
        "spans": spans.starts,
        "spans_slots": kept[spans.slots],
        "trades_of_structures": _of_structures(spans, by_piece),
    }


def _of_structures(spans: declared.Spans, by_piece: NDArray[np.float16]) -> NDArray[np.float16]:
    """Maximum weight of each trade over the pieces of each structure; (structures, trades)."""
    found = np.zeros((len(spans.starts) - 1, by_piece.shape[1]), dtype=np.float16)
    some = np.flatnonzero(np.diff(spans.starts))
    for low in range(0, len(some), BLOCK):
        block = some[low : low + BLOCK]
        first = spans.starts[block]
        said = by_piece[spans.slots[first[0] : spans.starts[block[-1] + 1]]]
        found[block] = np.maximum.reduceat(said.astype(np.float32), first - first[0])
    return found


def _reading(catalogue: Catalogue, held: Mapping[str, NDArray[Any]]) -> declared.Reading:
    """The reading of a catalogue as stored; texts read later come after it."""
    found = declared.Reading(catalogue.encoder)
    found.keys, found.starts, found.many = held["keys"].tolist(), held["starts"], held["many"]
    found.views, found.same, found.stored = held["views"], held["same"], len(held["same"])
    found.text_of = _Words(held["words"], held["ends"])
    by_piece = held["trades_of_pieces"]
    found.derived[trades.OF_PIECES], found.done[trades.OF_PIECES] = by_piece, len(by_piece)
    declared.keep(found)
    return found


class _Words:
    """Texts joined in one array of bytes, read one by one."""

    def __init__(self, words: NDArray[np.uint8], ends: NDArray[np.int64]) -> None:
        self._words, self._ends = words, ends

    def __call__(self, place: int) -> str:
        low = int(self._ends[place - 1]) if place else 0
        return self._words[low : int(self._ends[place])].tobytes().decode("utf-8", "surrogatepass")


def _of_names(catalogue: Catalogue) -> dict[str, NDArray[Any]]:
    """What each name says, by the number of the name."""
    evidence.read_names(catalogue, BLOCK)
    found: dict[str, NDArray[Any]] = {}
    for key in evidence.NAMES:
        table, at = _files_of(key)
        found |= {table: catalogue.answers(key).table, at: catalogue.answers(key).at}
    return found


def _files_of(key: str) -> tuple[str, str]:
    """The file of the different answers of names, and that of which each name has."""
    name = f"names_{key.replace(' ', '_')}"
    return name, f"{name}_at"
