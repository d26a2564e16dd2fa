"""Words: BM25 similarity of the lot, with its codes as words, and the best three awards or declared pieces."""

from matcher.matching.signals import _pieces

measure, explain = _pieces.similar("words", "aux mêmes mots", threshold=0.5)
