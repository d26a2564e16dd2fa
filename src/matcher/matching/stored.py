"""What the judgement reads in texts and names, stored with a catalogue: a new process need not read them again.

Without it, or where the models or tables have changed since, everything is read on first use.
"""

from collections.abc import Mapping
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
import xxhash

from matcher.catalogue.catalogue import Catalogue
from matcher.catalogue.files import save_derived
from matcher.catalogue.filters import Names, names_of
from matcher.learned import activities
from matcher.matching import declared, evidence
from matcher.reference import paths, tables
from matcher.reference.arrays import Array

CODE = ("reference", "learned", "matching")  # wings that read
NAMES = ("trades", "does", *evidence.SAID_BY_NAME)  # what names are read for
PLAIN = ("keys", "numbers", "starts", "views", "same", "trades", "of_structures")  # arrays of `Pieces`


def save(catalogue: Catalogue, folder: Path) -> None:
    """Read what a catalogue declares, and its names, and store it in the folder to which it is being saved.

    Nothing is stored where the judgement does not rank: without a directory, or by another recipe.
    """
    listed = bool((catalogue.of_structure("kind") != "").any())
    if listed and catalogue.recipe.judgement and declared.reads(catalogue):
        made = {
            "made": np.array(fingerprint(catalogue)),
            "activities": activities.of(catalogue.encoder).vectors,
            "names": names_of(catalogue).text,
        }
        # what each name says, by the number of the name: the different answers, and which of them it has
        evidence.read_names(catalogue)
        for key in NAMES:
            made[f"names_{key}"], made[f"names_{key}_at"] = catalogue.answers(key)
        pieces = declared.of(catalogue)
        _, ends, letters = pieces.words.buffers()
        made |= {name: getattr(pieces, name) for name in PLAIN}
        made |= {"ends": np.frombuffer(ends, np.int32), "words": np.frombuffer(letters or b"", np.uint8)}
        made |= {"spans": pieces.spans.starts, "spans_slots": pieces.spans.slots.astype(np.int32)}
        save_derived(folder, made)


def adopt(catalogue: Catalogue) -> None:
    """Have a catalogue use what is stored with it, where it was made by these models and this code."""
    held = catalogue.derived
    if "made" not in held or held["made"].item() != fingerprint(catalogue):
        return
    catalogue.once(declared.PIECES, lambda: declared.keep(catalogue.encoder, _pieces(held)))
    activities.keep(catalogue.encoder, held["activities"])
    catalogue.once("names", lambda: Names(held["names"]))
    for key in NAMES:
        catalogue.keep_answers(key, held[f"names_{key}"], held[f"names_{key}_at"])


def fingerprint(catalogue: Catalogue) -> str:
    """A hash of what readings depend on: encoder, models, tables, code; computed once for a catalogue."""
    return catalogue.once("made by", lambda: _fingerprint(catalogue))


def _fingerprint(catalogue: Catalogue) -> str:
    package, data = Path(__file__).parents[1], paths.reference_dir()
    files = [
        paths.learnt_file("judgement", file.name)
        for file in (paths.models_dir() / "judgement").glob("*.*[nz]")
    ]
    read = ("offers", "asks", "names")
    files += chain.from_iterable((paths.models_dir() / room).glob("*.npz") for room in read)
    own = (tables.user_dir(), tables.user_dir() / "assumptions")
    folders = (data, data.parent / "assumptions", *own)
    files += chain.from_iterable(folder.glob("*.*") for folder in folders)
    files += chain.from_iterable((package / wing).rglob("*.py") for wing in CODE)
    digest = xxhash.xxh3_128(catalogue.encoder.fingerprint.encode())
    for file in sorted(filter(Path.is_file, files)):
        digest.update(file.read_bytes())
    return str(digest.hexdigest())


def _pieces(held: Mapping[str, Array]) -> declared.Pieces:
    """The pieces of declared texts, and what was read in them, from arrays."""
    ends, letters = (pa.py_buffer(held[name]) for name in ("ends", "words"))
    words = pa.StringArray.from_buffers(len(held["same"]), ends, letters)
    spans = declared.Spans(held["spans"], held["spans_slots"])
    return declared.Pieces(**{name: held[name] for name in PLAIN}, words=words, spans=spans)
