"""Maillage: matches French public tenders to structures of the social and solidarity economy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from matcher.catalogue.catalogue import Catalogue
    from matcher.domain import Answer, Lot, Offer, Structure, Tender
    from matcher.matching.engine import Matcher

_DOORS = {
    "Answer": "matcher.domain",
    "Catalogue": "matcher.catalogue.catalogue",
    "Lot": "matcher.domain",
    "Matcher": "matcher.matching.engine",
    "Offer": "matcher.domain",
    "Structure": "matcher.domain",
    "Tender": "matcher.domain",
}

__all__ = ["Answer", "Catalogue", "Lot", "Matcher", "Offer", "Structure", "Tender", "__version__"]


def __getattr__(name: str) -> Any:
    """The few public names, imported when first asked for: `import matcher` loads nothing heavy."""
    if name in _DOORS:
        import importlib

        return getattr(importlib.import_module(_DOORS[name]), name)
    raise AttributeError(f"module 'matcher' has no attribute {name!r}")
