"""Location of the shipped tables and models: next to the sources in a clone, inside the package in a wheel."""

from __future__ import annotations

import os
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]
_SHIPPED = _PACKAGE / "_shipped"
_CLONE = _PACKAGE.parents[1]


def reference_dir() -> Path:
    """The folder of built tables (communes, departments, NAF, CPV)."""
    return _SHIPPED / "reference" if _SHIPPED.is_dir() else _CLONE / "data" / "reference"


def models_dir() -> Path:
    """The folder of shipped models, each with its card."""
    return _SHIPPED / "models" if _SHIPPED.is_dir() else _CLONE / "models"


def shared_dir() -> Path:
    """Real data to measure on (`MATCHER_SHARED`, by default `../shared` next to the clone)."""
    return Path(os.environ.get("MATCHER_SHARED") or _CLONE.parent / "shared")
