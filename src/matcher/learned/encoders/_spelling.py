"""Text normalisation of the static encoder: the part of tokenizer.json that every reader applies."""

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
