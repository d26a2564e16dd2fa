"""Past part: similarity of awards to the words of the lot itself, without those of the whole operation."""

from __future__ import annotations

from matcher.matching.signals import _past

SAME_TEXT_FOR = "unknown"

measure, explain = _past.similar("part", "a déjà remporté un lot semblable", threshold=0.5)
