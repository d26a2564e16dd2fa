"""Names of structures as people write them, from those of a register in capitals."""

from __future__ import annotations

import re
from functools import lru_cache

from matcher.domain import KINDS

SMALL = frozenset("a à au aux d de des du en et l la le les ou par pour sous sur".split())
#: Words of three letters or fewer that are no initials.
SHORT = frozenset(
    "air art bio bon bas eau feu ile île mer mon nez nos nou or pas pin pre pré roi sel sud tri une un val"
    " vie vos".split()
)
INITIALS = frozenset(KINDS) | frozenset(
    "ADAPEI ADMR APAJH APEI CIAS CCAS EARL EPHAD EURL IME PEP SARL SAS SCIC SCOP UDAF UNAPEI".split()
)
FORMS = {
    "ASS": "Association",
    "ASSO": "Association",
    "ASSOC": "Association",
    "STE": "Société",
    "ENT": "Entreprise",
    "ETS": "Établissements",
}
_WORD = re.compile(r"[^\W\d_]+")


@lru_cache(50_000)
def as_written(name: str) -> str:
    """A name in capitals in title case, its shortened form in full, initials kept; any other as it is."""
    if not name.isupper():
        return name
    return _WORD.sub(lambda found: _word(found[0], first=found.start() == 0), name)


def _word(word: str, first: bool) -> str:
    plain = word.lower()
    if first and word in FORMS:
        return FORMS[word]
    if plain in SMALL:
        return plain.capitalize() if first else plain
    consonants = not re.search("[AEIOUYÀÂÉÈÊÎÔÛ]", word)
    if word in INITIALS or consonants or (len(word) <= 3 and plain not in SHORT):
        return word
    return plain.capitalize()
