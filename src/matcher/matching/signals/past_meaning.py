"""Past meaning: similarity of the lot and the best three awards, by vector."""

from __future__ import annotations

from matcher.matching.signals import _past

SAME_TEXT_FOR = "unknown"

measure, explain = _past.similar("meaning", "a déjà remporté un marché semblable", threshold=0.45)
