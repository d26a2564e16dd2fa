"""Tables of patterns that begin at a word: only those that a word of a text may begin are compiled and searched."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache

KEPT = 50_000  # words whose patterns are remembered
_WORD = re.compile(r"[a-z0-9]+")
_LITERAL = re.compile(r"[a-z0-9]*(?![*?{])")


@cache
def beginning(words: str) -> re.Pattern[str]:
    """The pattern of alternatives ("tonte|tailles? de haies?"), found at the beginnings of words of a folded text."""
    return re.compile(rf"(?<![a-z0-9])(?:{words})")


class WordPatterns:
    """Patterns as for `beginning`, by number, indexed by the first letters of their alternatives."""

    def __init__(self, listed: Sequence[str]) -> None:
        self._listed = listed
        self._begun: dict[str, list[tuple[str, int]]] = defaultdict(list)
        unbegun: dict[str, int] = {}  # alternatives that any word may begin
        for number, words in enumerate(listed):
            for each in _alternatives(words):
                begins = _LITERAL.match(each).group()  # type: ignore[union-attr]
                if len(begins) > 1:
                    self._begun[begins[:2]].append((begins, number))
                else:
                    unbegun[each] = number
        self._unbegun = frozenset(unbegun.values())
        self._any_unbegun = beginning("|".join(unbegun)) if unbegun else None
        self._begun_by = lru_cache(KEPT)(self._numbers)

    def found(self, text: str) -> Iterator[tuple[int, re.Match[str]]]:
        """The numbers of the patterns found in a folded text, in order, with the first match of each."""
        words = [word for word in _WORD.findall(text) if word[:2] in self._begun]
        possible = set().union(*map(self._begun_by, words))
        if self._any_unbegun and self._any_unbegun.search(text):
            possible |= self._unbegun
        for number in sorted(possible):
            if hit := beginning(self._listed[number]).search(text):
                yield number, hit

    def _numbers(self, word: str) -> frozenset[int]:
        return frozenset(number for begins, number in self._begun[word[:2]] if word.startswith(begins))


def _alternatives(words: str) -> Iterator[str]:
    """Top-level alternatives of a pattern."""
    depth, low = 0, 0
    for at, letter in enumerate(words):
        depth += (letter == "(") - (letter == ")")
        if letter == "|" and not depth:
            yield words[low:at]
            low = at + 1
    yield words[low:]
