"""A catalogue saved to a folder and opened from it; the swap is atomic."""

import json
import mmap
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import xxhash

from matcher import codec, plugins
from matcher.catalogue import texts
from matcher.catalogue.catalogue import Catalogue
from matcher.catalogue.columns import FORMAT
from matcher.catalogue.texts import Vectors
from matcher.domain import NotFound, Recipe, StaleArtefact
from matcher.reference.arrays import Array

MANIFEST, PART = "manifest.json", "manifest.part"
DERIVED = "derived"  # the folder of arrays that a wing above stores
SWAPS = 20  # attempts at opening a catalogue that is being swapped


def save_catalogue(
    catalogue: Catalogue, folder: Path, also: Callable[[Path], None] = lambda folder: None
) -> None:
    """Write the catalogue to a sibling of `folder`, with what `also` writes there, then swap it in atomically."""
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
    np.save(fresh / "vectors.npy", catalogue.vectors.table, allow_pickle=False)
    catalogue.vectors.texts.save(fresh / "texts")
    for name, index in catalogue.indexes.items():
        index.save(fresh / name)
    also(fresh)
    _write_manifest(fresh, catalogue.manifest)
    old = _aside(folder)
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    fresh.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def load_catalogue(folder: Path) -> Catalogue:
    """Open a saved catalogue, memory-mapped.

    Raises NotFound where there is none, StaleArtefact when it is of another encoder
    or format: the message names the command that rebuilds it.  During a swap, either
    the old or the new catalogue is opened whole.
    """
    folder = Path(folder)
    for _ in range(SWAPS):
        before = _place(folder)
        try:
            catalogue = _opened(folder)
        except (NotFound, StaleArtefact, OSError, RuntimeError, pa.ArrowInvalid):  # a file that is gone
            if before == _place(folder) and (before is not None or not _aside(folder).is_dir()):
                raise
        else:
            if before == _place(folder):
                return catalogue
        time.sleep(0.05)
    return _opened(folder)


def _opened(folder: Path) -> Catalogue:
    again = f"build it with `matcher index FILES --out {folder}`"
    if not (folder / MANIFEST).is_file():
        raise NotFound(f"no catalogue in {folder}: {again}")
    try:
        manifest = dict(json.loads((folder / MANIFEST).read_text(encoding="utf-8")))
    except (ValueError, TypeError):
        raise StaleArtefact(f"the manifest of {folder} is damaged: {again}") from None
    if (format := manifest.get("format")) != FORMAT:
        raise StaleArtefact(f"{folder} is of catalogue format {format}, not {FORMAT}: {again}")
    _verify(folder, manifest, again)
    manifest = {k: v for k, v in manifest.items() if k not in ("files", "checksum")}
    saved = codec.from_json(Recipe, manifest["recipe"])
    encoder = plugins.loaded("learned.encoders", saved.encoder, saved.encoder_options)
    if encoder.fingerprint != manifest["encoder"]:
        raise StaleArtefact(
            f"{folder} was encoded by model {manifest['encoder']}, this one is {encoder.fingerprint}: {again}"
        )
    tables = [
        pa.ipc.open_file(pa.memory_map(str(folder / f"{name}.arrow"))).read_all()
        for name in ("structures", "evidence")
    ]
    # a plain array over the mapped file: slicing a numpy.memmap costs more than the arithmetic
    table = texts.mapped(folder, "vectors")
    vectors = Vectors(texts.Texts(texts.mapped(folder / "texts", "numbers"), len(table)), table)
    indexes = {
        name: plugins.find("catalogue.indexes", name).load(folder / name, vectors) for name in saved.indexes
    }
    derived = {
        path.stem: texts.mapped(folder / DERIVED, path.stem) for path in (folder / DERIVED).glob("*.npy")
    }
    catalogue = Catalogue(tables[0], tables[1], vectors, indexes, saved, manifest, encoder)
    catalogue.derived = derived
    return catalogue


def save_derived(folder: Path, arrays: Mapping[str, Array]) -> None:
    """Store arrays in the folder of a catalogue that is being saved, see `Catalogue.derived`."""
    (folder / DERIVED).mkdir(exist_ok=True)
    for name, array in arrays.items():
        np.save(folder / DERIVED / f"{name}.npy", array, allow_pickle=False)


def _write_manifest(folder: Path, manifest: Mapping[str, Any]) -> None:
    """The manifest with the checksums of the files that are there, and its own."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name not in (MANIFEST, PART))
    sums = {path.relative_to(folder).as_posix(): checksum(path) for path in files}
    made = json.loads(json.dumps({**manifest, "files": sums}, default=str))
    text = json.dumps({**made, "checksum": _own(made)}, ensure_ascii=False, indent=1)
    (folder / PART).write_text(text, encoding="utf-8")
    (folder / PART).replace(folder / MANIFEST)


def add_files(folder: Path) -> None:
    """Add files written since to the manifest of a saved catalogue; without a manifest nothing happens."""
    if (folder / MANIFEST).is_file():
        _write_manifest(folder, json.loads((folder / MANIFEST).read_text(encoding="utf-8")))


def holds(folder: Path, name: str) -> bool:
    """Whether the file belongs to the catalogue.  Raises StaleArtefact where it changed since it was written."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        sums = manifest["files"]
        if name in sums and checksum(folder / name) != sums[name]:
            raise ValueError
    except (OSError, ValueError, KeyError, TypeError):
        raise StaleArtefact(
            f"{name} of {folder} is damaged: build it with `matcher index FILES --out {folder}`"
        ) from None
    return name in sums


def checksum(path: Path) -> str:
    """The XXH3 of a file's bytes: several gigabytes a second; it detects damage, not forgery."""
    with path.open("rb") as stream:
        if not path.stat().st_size:
            return str(xxhash.xxh3_128_hexdigest(b""))
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return str(xxhash.xxh3_128_hexdigest(content))


def _own(manifest: Mapping[str, Any]) -> str:
    """The checksum of a manifest itself, without it."""
    rest = {k: v for k, v in manifest.items() if k != "checksum"}
    return str(xxhash.xxh3_128_hexdigest(json.dumps(rest, sort_keys=True).encode()))


def _verify(folder: Path, manifest: Mapping[str, Any], again: str) -> None:
    """Raises StaleArtefact where a file is not as it was written: damaged bytes would give wrong answers, not errors."""
    if manifest.get("checksum") != _own(manifest):
        raise StaleArtefact(f"the manifest of {folder} is damaged: {again}")
    try:
        spoilt = [name for name, sum in manifest["files"].items() if checksum(folder / name) != sum]
    except OSError as error:
        raise StaleArtefact(f"{folder} is damaged or incomplete ({error.strerror}): {again}") from None
    if spoilt:
        raise StaleArtefact(f"{folder} is damaged: {', '.join(spoilt[:3])} is not as it was written: {again}")


def _aside(folder: Path) -> Path:
    """Where the old catalogue is kept while the new one is swapped in."""
    return folder.with_name(folder.name + ".old")


def _place(folder: Path) -> int | None:
    """The identity (device, inode) of the folder at this path; None where there is none."""
    try:
        return folder.stat().st_ino
    except OSError:
        return None
