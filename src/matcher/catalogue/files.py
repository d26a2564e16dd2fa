"""A catalogue saved to a folder and opened from it; the swap is atomic."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path

import numpy as np
import pyarrow as pa

from matcher import codec, plugins
from matcher.catalogue.catalogue import Catalogue
from matcher.catalogue.columns import FORMAT
from matcher.domain import NotFound, Recipe, StaleArtefact

SWAPS = 20  # attempts at opening a catalogue that is being swapped


def save_catalogue(catalogue: Catalogue, folder: Path) -> None:
    """Write the catalogue to a sibling of `folder`, then swap it in atomically."""
    folder = Path(folder)
    fresh = folder.with_name(folder.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    for name, table in (("structures", catalogue.structures), ("evidence", catalogue.evidence)):
        with (
            pa.OSFile(str(fresh / f"{name}.arrow"), "wb") as sink,
            pa.ipc.new_file(sink, table.schema) as out,
        ):
            out.write_table(table.combine_chunks())
    try:  # files are immutable, so that two catalogues may share one
        if catalogue.written is None:
            raise FileNotFoundError
        os.link(catalogue.written, fresh / "vectors.npy")
    except OSError:
        np.save(fresh / "vectors.npy", catalogue.vectors, allow_pickle=False)
    for name, index in catalogue.indexes.items():
        index.save(fresh / name)
    text = json.dumps(catalogue.manifest, ensure_ascii=False, indent=1, default=str)
    (fresh / "manifest.json").write_text(text, encoding="utf-8")
    old = _aside(folder)
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    fresh.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def load_catalogue(folder: Path, recipe: str | None = None) -> Catalogue:
    """Open a saved catalogue, memory-mapped.

    Raises NotFound where there is none, StaleArtefact when it was built by another recipe, encoder
    or format than the one asked for: the message names the command that rebuilds it.  During a swap, either
    the old or the new catalogue is opened whole.
    """
    folder = Path(folder)
    for _ in range(SWAPS):
        before = _place(folder)
        try:
            found = _opened(folder, recipe)
        except (NotFound, StaleArtefact):
            if before == _place(folder) and (before is not None or not _aside(folder).is_dir()):
                raise
        else:
            if before == _place(folder):
                return found
        time.sleep(0.05)
    return _opened(folder, recipe)


def _opened(folder: Path, recipe: str | None) -> Catalogue:
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
    found = Catalogue(tables[0], tables[1], vectors, indexes, saved, manifest, encoder)
    found.home = folder
    return found


def _aside(folder: Path) -> Path:
    """Where the old catalogue is kept while the new one is swapped in."""
    return folder.with_name(folder.name + ".old")


def _place(folder: Path) -> int | None:
    """The identity of the folder at this path; None where there is none."""
    try:
        return folder.stat().st_ino
    except OSError:
        return None
