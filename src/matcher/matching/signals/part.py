"""Part: BM25 similarity of the words of the lot itself, without those of the whole operation."""

from matcher.matching.signals import _pieces

measure, explain = _pieces.similar("part", "comme ce lot", threshold=0.5)
