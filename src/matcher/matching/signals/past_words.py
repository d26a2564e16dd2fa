"""Past words: the weighty words of the lot in the best three awards won (BM25)."""

from __future__ import annotations

from matcher.matching.signals import _past

ALIKE = "unknown"

measure, explain = _past.similar("words", "a déjà remporté un marché aux mêmes mots", telling=0.5)
