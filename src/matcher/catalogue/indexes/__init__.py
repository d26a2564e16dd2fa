"""Indexes: vectors or words to rows.  One file each; the file name is the key.

To add one, write a file with `ROLE`, `build(texts, vectors, **options) -> Index` and `load(folder, vectors) -> Index`;
`vectors` are those of the rows (`matcher.catalogue.texts`).
"""

from pathlib import Path
from typing import Literal, Protocol

from matcher.reference.arrays import F32, I64, Mask

Role = Literal["meaning", "words"]


class Index(Protocol):
    """Rows found by a text and its vector.  Similarities are higher for better, and comparable across rows.

    `role` says what is compared: "meaning" (the vectors) or "words" (the text).  Callers ask a catalogue for the
    index of a role, never for a file name.
    """

    role: Role

    def search(self, text: str, vector: F32, k: int, allowed: Mask | None = None) -> I64:
        """At most k rows, best first, all of them `allowed` (a mask over every row) when it is given."""

    def compare(self, text: str, vector: F32, rows: I64 | None) -> F32:
        """The similarity of each of `rows` (None: of every row, in order); shape (len(rows),)."""

    def save(self, folder: Path) -> None:
        """Write the index below `folder`; `load(folder)` gives the same answers."""


def reachable(k: int, rows: int, allowed: Mask | None) -> int:
    """How many rows a search for k can return, of `rows` or of those allowed."""
    return max(0, min(k, rows if allowed is None else int(allowed.sum())))


def selective(allowed: Mask, k: int) -> bool:
    """Is the filter so selective that an exact scan of the allowed rows beats the index?

    A selective filter starves graph search: below a tenth of the rows an exact scan is as fast.
    """
    return bool(allowed.sum() <= max(4 * k, len(allowed) // 10))
