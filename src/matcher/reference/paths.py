"""Location of the shipped tables and models: next to the sources in a clone, inside the package in a wheel."""

import fcntl
import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from matcher.domain import StaleArtefact

_PACKAGE = Path(__file__).resolve().parents[1]
_SHIPPED = _PACKAGE / "_shipped"
_CLONE = _PACKAGE.parents[1]
#: Checksums of the shipped models: what answers is what was released, or nothing answers.
MANIFEST = "manifest.json"
REMEDY = "install maillage again, restore it (`git checkout models`) or, where you trained it, run `matcher train manifest`"
WEIGHTS = (".json", ".npz", ".safetensors")  # cards and pictures are not read


def reference_dir() -> Path:
    """The folder of built tables (communes, departments, NAF, CPV)."""
    return _SHIPPED / "reference" if _SHIPPED.is_dir() else _CLONE / "data" / "reference"


def models_dir() -> Path:
    """The folder of shipped models, each with its card."""
    return _SHIPPED / "models" if _SHIPPED.is_dir() else _CLONE / "models"


def model(name: str = "*") -> Path:
    """The folder of a shipped model, or of all, verified by their checksums.

    Raises StaleArtefact, with the remedy, where a file is missing, damaged or not of the release.
    """
    models = models_dir()
    if not _LEARNT_INTO:
        path = models / MANIFEST
        _verify(models, name, path.stat().st_mtime_ns if path.is_file() else 0)
    return models / name


def write_manifest(models: Path) -> Path:
    """Write the checksums of the models as they are."""
    text = json.dumps(_found(models, "*"), indent=1, sort_keys=True)
    (models / MANIFEST).write_text(text + "\n", encoding="utf-8")
    return models / MANIFEST


@cache
def _verify(models: Path, name: str, written: int) -> None:
    """Once in a process for each manifest."""
    try:
        named = dict(json.loads((models / MANIFEST).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        raise StaleArtefact(f"models/{MANIFEST} is missing or damaged: {REMEDY}") from None
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


def sample_dir() -> Path:
    """The folder of the invented sample."""
    return _SHIPPED / "sample" if _SHIPPED.is_dir() else _CLONE / "data" / "sample"


def reach_service() -> None:
    """Make `import service` find this program's, first of all, here and in the processes started from here.

    The wheel holds that package inside this one: the name is too common to be installed beside others.
    """
    folder = str(_SHIPPED / "web" if _SHIPPED.is_dir() else _CLONE)
    if folder not in sys.path:
        sys.path.insert(0, folder)


_LEARNT_INTO: list[Path] = []


def learnt_file(of: str, name: str, folder: Path | None = None) -> Path:
    """A file of a model: in `folder`, else in the folder that is being learnt into, else the shipped one."""
    if folder is not None:
        return folder / name
    files = (place / name for place in reversed(_LEARNT_INTO))
    return next((path for path in files if path.is_file()), None) or model(of) / name


@contextmanager
def learnt_into(folder: Path) -> Iterator[None]:
    """Within this context, files of the judgement are read from this folder where present; clear caches of them first."""
    _LEARNT_INTO.append(folder)
    try:
        yield
    finally:
        _LEARNT_INTO.remove(folder)


def write_whole(path: Path, data: bytes | str, mode: int = 0o644) -> None:
    """Write a file whole or not at all, whoever else writes it; its folder is made where needed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(data if isinstance(data, bytes) else data.encode("utf-8"))
            out.flush()
            os.fsync(out.fileno())
        Path(name).chmod(mode)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


@contextmanager
def locked(path: Path, wait: bool = False) -> Iterator[None]:
    """Hold the lock of a file, which is made where needed: free again when the process dies.

    Raises OSError where another process holds it, unless one may wait.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", opener=lambda given, flags: os.open(given, flags, 0o600)) as handle:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield


def shared_dir() -> Path:
    """Real data to measure on (`MATCHER_SHARED`, by default `../shared` next to the clone)."""
    return Path(os.environ.get("MATCHER_SHARED") or _CLONE.parent / "shared")
