"""Something stated in a text: what it is, and the lots it holds for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Finding(Generic[T]):
    """What is stated, and the lots it names (none: all of them)."""

    what: T
    lots: frozenset[str] = frozenset()
    but: frozenset[str] = frozenset()  # the lots that "à l'exception du lot 3" leaves out
    all_lots: bool = False  # "tous les lots" is said

    def holds_for(self, number: str) -> bool:
        """Whether it holds for the lot of this number."""
        return number not in self.but and (number in self.lots or not self.lots)
