"""Maillage: matches French public tenders to structures of the social and solidarity economy."""

from __future__ import annotations

import importlib
from typing import Any

from matcher.domain import __version__

#: The public names and where they stand, imported when first asked for: `import matcher` loads nothing heavy.
_DOORS = {
    "Answer": "matcher.domain",
    "Catalogue": "matcher.catalogue.catalogue",
    "Lot": "matcher.domain",
    "Matcher": "matcher.matching.engine",
    "Offer": "matcher.domain",
    "Structure": "matcher.domain",
    "Tender": "matcher.domain",
    "build_catalogue": "matcher.catalogue.build",
    "load_catalogue": "matcher.catalogue.files",
    "save_catalogue": "matcher.catalogue.files",
}

__all__ = [*_DOORS, "__version__"]


def __getattr__(name: str) -> Any:
    if name in _DOORS:
        return getattr(importlib.import_module(_DOORS[name]), name)
    raise AttributeError(f"module 'matcher' has no attribute {name!r}")
