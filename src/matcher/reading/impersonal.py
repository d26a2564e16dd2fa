"""Personal data removed from texts: addresses, telephone numbers and named contacts."""

import re

_MAIL = re.compile(r"[\w.+-]{1,99}\s?(?:@|\[at\]|\(at\)|\[@\])\s?[\w-]+(?:\s?(?:\.|\[dot\])\s?[\w-]+)+", re.I)
_PHONE = re.compile(r"(?<![\d/])(?:\+33|0033|0)\s?[1-9](?:[\s.\-/]?\d{2}){4}(?!\d)")
_TITLE = r"(?:\b(?:M|Mr|MM|Mme|Mlle|Dr|Me)\b\.?|\b(?:Monsieur|Madame|Mademoiselle))"
_NAMED = re.compile(rf"{_TITLE}\s+(?:(?!{_TITLE}\s)[A-ZÀ-Ý][\w'’-]*\.?\s?){{1,4}}")
HIDDEN = "…"


def impersonal(text: str) -> str:
    """The text with mail addresses, telephone numbers and persons named by a title (« Mme Durand ») left out."""
    for pattern in (_MAIL, _PHONE, _NAMED):
        text = pattern.sub(HIDDEN, text)
    return text
