"""Maillage: matches French public tenders to structures of the social and solidarity economy."""

import importlib
from typing import TYPE_CHECKING, Any

from matcher.domain import __version__ as __version__

if TYPE_CHECKING:  # the same names, for type checkers and editors
    from matcher.catalogue.build import build_catalogue as build_catalogue
    from matcher.catalogue.catalogue import Catalogue as Catalogue
    from matcher.catalogue.files import load_catalogue as load_catalogue
    from matcher.catalogue.files import save_catalogue as save_catalogue
    from matcher.domain import Answer as Answer
    from matcher.domain import Lot as Lot
    from matcher.domain import Offer as Offer
    from matcher.domain import Place as Place
    from matcher.domain import Structure as Structure
    from matcher.domain import Tender as Tender
    from matcher.matching.engine import Matcher as Matcher
    from matcher.matching.reasons import sentences as sentences
    from matcher.reading.files import read as read
    from matcher.reading.gather import gather as gather
    from matcher.reading.need import placed_need as placed_need

#: The public names by the module that holds them, imported when first asked for: `import matcher` loads nothing heavy.
_DOORS = {
    "matcher.domain": "Answer Lot Offer Place Structure Tender",
    "matcher.catalogue.build": "build_catalogue",
    "matcher.catalogue.catalogue": "Catalogue",
    "matcher.catalogue.files": "load_catalogue save_catalogue",
    "matcher.matching.engine": "Matcher",
    "matcher.matching.reasons": "sentences",
    "matcher.reading.files": "read",
    "matcher.reading.gather": "gather",
    "matcher.reading.need": "placed_need",
}
__all__ = ["__version__", *sorted(" ".join(_DOORS.values()).split())]


def __getattr__(name: str) -> Any:
    for module, names in _DOORS.items():
        if name in names.split():
            return getattr(importlib.import_module(module), name)
    raise AttributeError(f"module 'matcher' has no attribute {name!r}")
