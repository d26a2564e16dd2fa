"""Past words: BM25 similarity of the best three awards."""

from __future__ import annotations

from matcher.matching.signals import _past

SAME_TEXT_FOR = "unknown"

measure, explain = _past.similar("words", "a déjà remporté un marché aux mêmes mots", threshold=0.5)
