"""Normalisation of French public text: tags removed, spaces collapsed, accents and case folded for matching."""

import html
import re
import unicodedata
from collections.abc import Sequence
from functools import cache, lru_cache
from itertools import pairwise
from typing import Any
from zlib import crc32

#: A tag, and not an address between angle brackets: a name, then nothing or attributes.
_TAG = re.compile(
    r"<(?:/?[A-Za-z][A-Za-z0-9:-]{0,30}(?:\s[^<>]{0,500})?/?|!--(?:(?!<!--).){0,2000}?--)>", re.S
)
_SPACE = re.compile(r"[\s\u00a0\u200b\u202f\ufeff]+")
REPLACEMENT = "\ufffd"


def clean(raw: str | None, limit: int = 200_000) -> str:
    """Readable text: entities and tags removed, control characters and runs of space folded to one space."""
    text = str(raw or "")[:limit]
    if "&" in text or "<" in text:
        text = html.unescape(_TAG.sub(" ", html.unescape(text)))
    text = unicodedata.normalize("NFC", text)
    if text.isprintable():  # as most texts, whose only blank is then the space
        return " ".join(text.split()) if "  " in text else text.strip()
    for char in "\u200b\ufeff":  # blanks that `split` takes for letters
        text = text.replace(char, " ")
    text = " ".join(text.split())
    return _SPACE.sub(" ", "".join(c if c.isprintable() else " " for c in text)).strip()


class _Bare(dict[int, str]):
    """Each character without its accents, cached."""

    def __missing__(self, code: int) -> str:
        found = "".join(c for c in unicodedata.normalize("NFKD", chr(code)) if not unicodedata.combining(c))
        self[code] = found
        return found


_BARE = _Bare()


def fold(text: str) -> str:
    """Lower case without accents, ligatures expanded, apostrophes unified: for comparison, not for display."""
    if text.isascii():
        return text.lower()
    text = text.replace("œ", "oe").replace("Œ", "oe").replace("æ", "ae").replace("’", "'")
    return text.lower().translate(_BARE)


def shorten(text: str, width: int = 160) -> str:
    """The beginning of a text, cut at a word, with an ellipsis when something was cut."""
    if len(text) <= width:
        return text
    return text[: width - 1].rsplit(" ", 1)[0].rstrip(" ,;:.-") + "…"


_WORD = re.compile(r"[a-z][a-z0-9]+")

#: Stop words: French function words, and the boilerplate of notices.
STOP = frozenset(
    """au aux avec ce ces cet cette dans de des du elle elles en et eux il ils je la le les leur leurs lui ma mais me
    meme mes moi mon ne nos notre nous on ou par pas pour qu que qui sa se ses son sur ta te tes toi ton tu un une vos
    votre vous ete etre est sont sera seront ainsi que dont afin sous sans entre vers chez tout tous toute toutes autre
    autres plus moins tres comme si leur y a l d c s n m t j qu lot lots marche marches accord accords cadre objet
    consultation bons commande present presente relatif relative relatifs relatives concernant portant annee annees ans
    mois numero tranche ferme conditionnelle optionnelle groupement commandes public publics publique publiques
    procedure adaptee compte besoins""".split()
)


@cache
def _stemmer() -> Any:
    import Stemmer

    return Stemmer.Stemmer("french")


@lru_cache(maxsize=200_000)
def stem(word: str) -> str:
    """The French stem of a folded word."""
    return str(_stemmer().stemWord(word))


def plain_words(text: str) -> list[str]:
    """Folded words of a text, whole, without stop words and figures, in order."""
    return [word for word in _WORD.findall(fold(text)) if word not in STOP]


def tokens(text: str) -> list[str]:
    """Folded French stems of a text, without stop words and figures, in order."""
    return [stem(word) for word in plain_words(text)]


_LOT = re.compile(
    r"\blots?\s*(?:n\s*[°o�.:]*\s*)?(?:\d{1,3}[a-z]?|[ivx]{1,4}|unique)\b\s*[-:–.)]*\s*", re.IGNORECASE
)


def lot_part(title: str) -> str:
    """What follows "lot n" in a title ("Construction d'une école - Lot 4 : peinture" gives "peinture"), of several lots joined.

    The whole title where it names no lot, or where nothing but figures follows.
    """
    parts = [part.strip() for part in _LOT.split(title)[1:] if tokens(part)]
    return " ; ".join(parts) or title


def coded(text: str, cpv: tuple[str, ...]) -> str:
    """A text with its CPV codes as words, for the lexical index: group, class and category of each code.

    Rows of one class then match even without a common word, each level weighted by its rarity.
    """
    if not cpv:
        return text
    return " ".join([text, *(f"cpv{code[:length]}" for code in cpv[:3] for length in (3, 4, 5))])


def hashed(words: Sequence[str], buckets: int) -> list[int]:
    """Hash buckets, in order, of the distinct words and adjacent pairs of words (feature hashing; Weinberger et al., 2009)."""
    seen = {*words, *map(" ".join, pairwise(words))}
    return sorted({crc32(each.encode()) % buckets for each in seen})
