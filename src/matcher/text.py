"""French public text made comparable: tags out, spaces folded, accents and case folded for matching."""

from __future__ import annotations

import html
import re
import unicodedata

_TAG = re.compile(r"<(?:/?[A-Za-z][^<>]{0,500}|!--.{0,2000}?--)>", re.S)
_SPACE = re.compile(r"[\s\u00a0\u200b\u202f\ufeff]+")
REPLACEMENT = "\ufffd"


def clean(raw: str | None, limit: int = 200_000) -> str:
    """Readable text: entities and tags removed, control characters and runs of space folded to one space."""
    text = str(raw or "")[:limit]
    if "&" in text or "<" in text:
        text = html.unescape(_TAG.sub(" ", html.unescape(text)))
    text = unicodedata.normalize("NFC", text)
    return _SPACE.sub(" ", "".join(c if c.isprintable() or c.isspace() else " " for c in text)).strip()


def fold(text: str) -> str:
    """Lower case without accents, ligatures opened, apostrophes made one: for comparing, not for showing."""
    text = text.replace("œ", "oe").replace("Œ", "oe").replace("æ", "ae").replace("’", "'")
    decomposed = unicodedata.normalize("NFKD", text.lower())
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def shorten(text: str, width: int = 160) -> str:
    """The beginning of a text, cut at a word, with an ellipsis when something was cut."""
    if len(text) <= width:
        return text
    return text[: width - 1].rsplit(" ", 1)[0].rstrip(" ,;:.-") + "…"
