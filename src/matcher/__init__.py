"""Maillage: matches French public tenders to structures of the social and solidarity economy."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from matcher.domain import __version__

if TYPE_CHECKING:  # the same names, for type checkers and editors
    from matcher.catalogue.build import build_catalogue
    from matcher.catalogue.catalogue import Catalogue
    from matcher.catalogue.files import load_catalogue, save_catalogue
    from matcher.domain import Answer, Lot, Offer, Structure, Tender
    from matcher.matching.engine import Matcher
    from matcher.reading.files import read

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
    "read": "matcher.reading.files",
    "save_catalogue": "matcher.catalogue.files",
}

__all__ = [
    "Answer",
    "Catalogue",
    "Lot",
    "Matcher",
    "Offer",
    "Structure",
    "Tender",
    "__version__",
    "build_catalogue",
    "load_catalogue",
    "read",
    "save_catalogue",
]


def __getattr__(name: str) -> Any:
    if name in _DOORS:
        return getattr(importlib.import_module(_DOORS[name]), name)
    raise AttributeError(f"module 'matcher' has no attribute {name!r}")
