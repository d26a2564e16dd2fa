"""Repair destroyed accents (U+FFFD) where a French vocabulary makes it unambiguous; leave the others as published.

About one objet in five of the published awards lost its accents on the way.  A word is repaired when one
word only, of the list in `data/reference`, has its letters and an accent at each lost place; `n� 3`, `d�un`
and a lone `�` between words have their own rules.
"""

import gzip
import re
from collections import defaultdict
from functools import lru_cache

from matcher.reference.paths import reference_dir

LOST = "\ufffd"
_TOKEN = re.compile(rf"[^\W\d_{LOST}]{{0,60}}{LOST}[^\W\d_]*(?:{LOST}+[^\W\d_]*)*")
_NUMBER = re.compile(rf"\b([nN]){LOST}(?=\s?\d)")
_ELIDED = re.compile(
    rf"(?i)(?<![^\W\d_{LOST}])([dlnscjmt]|qu|lorsqu|puisqu|jusqu|aujourd){LOST}(?=[aeiouyh]|{LOST}[^\W\d_])"
)
#: A lone one is "à" between two words in small letters; before a capital or after a number it may be a dash.
_ALONE = re.compile(rf"(?<=[a-zà-ÿ]\s){LOST}(?=\s[a-zà-ÿ])")
_ACCENTED = re.compile(r"[^\x00-\x7f]")


@lru_cache(maxsize=1)
def _vocabulary() -> dict[str, tuple[str, ...]]:
    """Words by their form with every accented letter destroyed: "march�" -> ("marché",)."""
    words = gzip.decompress((reference_dir() / "accents.txt.gz").read_bytes()).decode("utf-8").split("\n")
    found: defaultdict[str, list[str]] = defaultdict(list)
    for word in words:
        found[_ACCENTED.sub(LOST, word)].append(word)
    return {mask: tuple(same) for mask, same in found.items()}


def repair(text: str) -> str:
    """The text with its lost accents restored where that is certain; unchanged where it holds none."""
    if LOST not in text:
        return text
    text = _NUMBER.sub(r"\1°", text)
    text = _TOKEN.sub(_word, text)
    text = _ELIDED.sub(r"\1'", text)
    text = _TOKEN.sub(_word, text)  # "d��quipement": the apostrophe first, then the word behind it
    return _ALONE.sub("à", text)


def _word(match: re.Match[str]) -> str:
    token = match.group()
    word = _restored(token) or token
    return word[0].upper() + word[1:] if match.start() == 0 and token[0] == LOST else word


@lru_cache(maxsize=65536)
def _restored(token: str) -> str | None:
    """The one word that a damaged token can be, in its case; None where there is none or several."""
    lower = token.lower()
    for mask in dict.fromkeys((lower, re.sub(rf"{LOST}{LOST}", LOST, lower))):  # one accent lost as two bytes
        words = _vocabulary().get(mask, ())
        if len(words) == 1:
            word, letters = words[0], [char for char in token if char.isalpha()]
            if len(letters) > 1 and all(map(str.isupper, letters)):
                return word.upper()
            return word[0].upper() + word[1:] if token[0].isupper() else word
        if words:
            return None
    return None
