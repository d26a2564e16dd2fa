"""Meaning: similarity of the lot and the best three awards or declared pieces, by vector."""

from matcher.matching.signals import _pieces

measure, explain = _pieces.similar("meaning", "semblable", threshold=0.45)
