"""Checksums of the shipped models (`models/manifest.json`): what answers is what was released, or nothing answers."""

import hashlib
import json
from functools import cache
from pathlib import Path

from matcher.domain import StaleArtefact

NAME = "manifest.json"
REMEDY = "install maillage again, restore it (`git checkout models`) or, where you trained it, run `matcher train manifest`"
WEIGHTS = (".json", ".npz", ".safetensors")  # cards and pictures are not read


def verified(models: Path, name: str = "*") -> Path:
    """The folder of a model, whole; of all, where none is named.

    Raises StaleArtefact, with the remedy, where a file is missing, damaged or not of the release.
    """
    path = models / NAME
    _verify(models, name, path.stat().st_mtime_ns if path.is_file() else 0)
    return models / name


def write(models: Path) -> Path:
    """Write the checksums of the models as they are."""
    text = json.dumps(_found(models, "*"), indent=1, sort_keys=True)
    (models / NAME).write_text(text + "\n", encoding="utf-8")
    return models / NAME


@cache
def _verify(models: Path, name: str, written: int) -> None:
    """Once in a process for each manifest."""
    try:
        named = dict(json.loads((models / NAME).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        raise StaleArtefact(f"models/{NAME} is missing or damaged: {REMEDY}") from None
    wanted = {file: digest for file, digest in named.items() if name in ("*", file.partition("/")[0])}
    sums = _found(models, name)
    wrong = {file for file in wanted.keys() | sums.keys() if wanted.get(file) != sums.get(file)}
    if wrong or not wanted:
        raise StaleArtefact(
            f"models/{min(wrong, default=name)} is missing, damaged or not of this release: {REMEDY}"
        )


def _found(models: Path, name: str) -> dict[str, str]:
    """File -> SHA-256."""
    files = (path for path in models.glob(f"{name}/**/*") if path.suffix in WEIGHTS)
    return {
        path.relative_to(models).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    }
