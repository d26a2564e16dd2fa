"""What the judgement reads in texts and names, stored with a catalogue: a new process need not read them again.

Without it, or where the models or tables have changed since, everything is read on first use.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import xxhash
from numpy.typing import NDArray

from matcher.catalogue.catalogue import Catalogue
from matcher.catalogue.columns import DECLARED
from matcher.catalogue.files import save_derived
from matcher.catalogue.filters import Names, names_of
from matcher.learned import activities
from matcher.matching import declared, evidence, judgement, trades
from matcher.matching.shortlist import heads
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
    catalogue.once("names", lambda: Names(held["names"]))
    for key in evidence.NAMES:
        catalogue.keep_answers(key, held[_file_of(key)])


def fingerprint(catalogue: Catalogue) -> str:
    """A hash of what readings depend on: encoder, models, tables, code; computed once for a catalogue."""
    found: str = catalogue.once("made by", lambda: _fingerprint(catalogue))
    return found


def _fingerprint(catalogue: Catalogue) -> str:
    package, data = Path(__file__).parents[1], paths.reference_dir()
    files = [paths.judgement_file(file.name) for file in (paths.models_dir() / "judgement").glob("*.*[nz]")]
    files += chain.from_iterable((paths.models_dir() / room).glob("*.npz") for room in ("offers", "vocation"))
    files += chain.from_iterable(
        folder.glob("*.*")
        for folder in (
            data,
            data.parent / "assumptions",
            tables.user_dir(),
            tables.user_dir() / "assumptions",
        )
    )
    files += chain.from_iterable((package / wing).rglob("*.py") for wing in CODE)
    digest = xxhash.xxh3_128(catalogue.encoder.fingerprint.encode())
    for file in sorted(filter(Path.is_file, files)):
        digest.update(file.read_bytes())
    return str(digest.hexdigest())


# ------------------------------------------------------------------------------------------ declared texts


def _of_texts(catalogue: Catalogue) -> dict[str, NDArray[Any]]:
    """The texts that rows declare, their pieces, and what is derived of them; without texts that no row declares."""
    rows = np.flatnonzero(catalogue.nature_mask(DECLARED))
    pieces = declared.of(catalogue)
    texts, at = np.unique(pieces.texts(rows), return_inverse=True)
    numbers = np.full(catalogue.evidence.num_rows, -1, dtype=np.int32)
    numbers[rows] = at
    reading, by_piece, by_text = pieces.reading, trades.by_piece(pieces), trades.by_text(pieces)
    slots, _ = reading.slots(texts)
    many = reading.many[texts]
    words, ends = _joined([reading.text(slot) for slot in slots.tolist()])
    return {
        "numbers": numbers, "keys": np.array(reading.keys, dtype=np.int64)[texts], "many": many, "starts": np.cumsum(many) - many,
        "words": words, "ends": ends, "views": reading.views[slots], "same": reading.same[slots],
        "trades_of_pieces": by_piece[slots], "trades_of_texts": by_text[texts],
        "trades_of_structures": _of_structures(catalogue.owners[rows], len(catalogue), by_text[texts], at),
    }  # fmt: skip


def _of_structures(
    owners: NDArray[np.int64], count: int, by_text: NDArray[np.float32], at: NDArray[np.int64]
) -> NDArray[np.float16]:
    """Maximum weight of each trade over the texts of each structure; (structures, trades), trade by trade: few are asked at a time."""
    found = np.zeros((count, by_text.shape[1]), dtype=np.float16, order="F")
    first = heads(owners)
    ends = np.append(first, len(owners))
    for low in range(0, len(first), BLOCK):
        begins = first[low : low + BLOCK]
        end = ends[min(low + BLOCK, len(first))]
        found[owners[begins]] = np.maximum.reduceat(by_text[at[begins[0] : end]], begins - begins[0])
    return found


def _reading(catalogue: Catalogue, held: Mapping[str, NDArray[Any]]) -> declared.Reading:
    """The reading of a catalogue as stored; texts read later come after it."""
    found = declared.Reading(catalogue.encoder)
    found.keys, found.starts, found.many = held["keys"].tolist(), held["starts"], held["many"]
    found.views, found.same, found.stored = held["views"], held["same"], len(held["same"])
    found.text_of = _Words(held["words"], held["ends"])
    for name, stored in ((trades.OF_PIECES, "trades_of_pieces"), (trades.OF_TEXTS, "trades_of_texts")):
        found.derived[name], found.done[name] = held[stored], len(held[stored])
    declared.keep(found)
    return found


class _Words:
    """Texts joined in one array of bytes, read one by one."""

    def __init__(self, words: NDArray[np.uint8], ends: NDArray[np.int64]) -> None:
        self._words, self._ends = words, ends

    def __call__(self, place: int) -> str:
        low = int(self._ends[place - 1]) if place else 0
        return self._words[low : int(self._ends[place])].tobytes().decode("utf-8", "surrogatepass")


def _joined(texts: Sequence[str]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    coded = [text.encode("utf-8", "surrogatepass") for text in texts]
    return np.frombuffer(b"".join(coded), dtype=np.uint8), np.cumsum(
        [len(each) for each in coded], dtype=np.int64
    )


# ------------------------------------------------------------------------------------------ names


def _of_names(catalogue: Catalogue) -> dict[str, NDArray[Any]]:
    """What each name says, by the number of the name."""
    evidence.read_names(catalogue, BLOCK)
    return {_file_of(key): catalogue.answers(key) for key in evidence.NAMES}


def _file_of(key: str) -> str:
    return f"names_{key.replace(' ', '_')}"
