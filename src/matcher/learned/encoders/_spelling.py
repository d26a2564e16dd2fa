"""Text normalisation of the static encoder, one specification, two implementations.

`normaliser` is the part of tokenizer.json that every reader applies.  `spell` gives the same words several times faster
for texts of known characters; a test checks that they agree.
"""

import re
import unicodedata
from typing import Any

BROKEN = "\ufffd"
#: Words whose destroyed accent (U+FFFD) is not an e; elsewhere e is right 19 times of 20 in the awards.
_RESTORED = """ma?tr:maitr b?t:bat contr?l:control h?pit:hopit h?tel:hotel fa?ad:facad ma?on:macon fa?on:facon
fran?ais:francais pl?tr:platr ch?teau:chateau p?le:pole c?te:cote ?uvre:oeuvre r?le:role cl?tur:clotur ao?t:aout c?bl:cabl
d?ment:dument"""
RESTORED = dict(pair.replace("?", BROKEN).split(":") for pair in _RESTORED.split())
TAG = "<[^<>]{1,200}>|&[a-z#0-9]{1,8};"
BROKEN_LETTER = "(?<=[a-zà-ÿ])\\x{FFFD}|\\x{FFFD}(?=[a-zà-ÿ])"
NO_WORD = "[^a-z0-9]+"
NUMBER = "\\b[0-9]*[0-9]{3}[a-z0-9]*\\b"  # references and years carry no information on the trade


def normaliser() -> Any:
    """The normalisation as a `tokenizers` normalizer."""
    from tokenizers import Regex, normalizers

    replace = normalizers.Replace
    steps = [
        normalizers.Lowercase(),
        replace(Regex(TAG), " "),
        *(replace(old, new) for old, new in RESTORED.items()),
        replace(Regex(BROKEN_LETTER), "e"),
        replace("œ", "oe"),
        normalizers.NFKD(),
        normalizers.StripAccents(),
        replace(Regex(NO_WORD), " "),
        replace(Regex(NUMBER), " "),
        normalizers.Strip(),
    ]
    return normalizers.Sequence(steps)


def _bare(character: str) -> str:
    letters = unicodedata.normalize("NFKD", character.lower().replace("œ", "oe"))
    return "".join(c for c in letters if not unicodedata.combining(c))


#: Letters of Windows-1252 of which two or more become: replaced before the others, which are looked up byte by byte.
_LONG = {c: _bare(c) for c in "œŒ¼½¾"}


def _byte(number: int) -> str:
    """The letter or figure that a byte of Windows-1252 becomes, else a space."""
    letter = _bare(bytes([number]).decode("cp1252", "replace"))
    return letter if re.fullmatch("[a-z0-9]", letter) else " "


_BARE = "".join(map(_byte, range(256))).encode()
_TAG = re.compile(TAG)
_NUMBER = re.compile("[0-9](?<![a-z0-9][0-9])[0-9]{2}[a-z0-9]*")  # NUMBER, of folded words: found faster
_BROKEN_LETTER = re.compile(BROKEN_LETTER.replace("\\x{FFFD}", BROKEN))


def spell(text: str) -> str | None:
    """The text as `normaliser` gives it, or None where a character is not of Windows-1252."""
    if "<" in text or "&" in text:
        text = _TAG.sub(" ", text.lower())
    if BROKEN in text:
        text = text.lower()
        for old, new in RESTORED.items():
            text = text.replace(old, new)
        text = _BROKEN_LETTER.sub("e", text).replace(BROKEN, " ")
    if not text.isascii():
        for letter, letters in _LONG.items():
            text = text.replace(letter, letters)
    try:
        words = text.encode("cp1252").translate(_BARE).split()
    except UnicodeEncodeError:
        return None
    return _NUMBER.sub(" ", b" ".join(words).decode("ascii")).strip()
