"""From a lot to its candidates: the query, and the union of what every index finds."""

from __future__ import annotations

from matcher.domain import Lot
from matcher.reference.codes import cpv_label

#: Up to this many evidence rows every row is compared, so that nothing can be missed.
EXHAUSTIVE_UP_TO = 8_000


def question(lot: Lot) -> str:
    """The words a lot is searched by: title, the head of its description, the label of its main CPV."""
    label = cpv_label(lot.cpv[0]) if lot.cpv and "cpv" not in lot.inferred else ""
    description = lot.description[:600].rsplit(" ", 1)[0] if len(lot.description) > 600 else lot.description
    return ". ".join(part for part in (lot.title, description, label) if part)
