"""Names of structures as people write them, from those of a register in capitals; display names of sources."""

import re
from functools import lru_cache

from matcher.domain import KINDS
from matcher.reference.tables import code_list

SMALL = frozenset("a à au aux d de des du en et l la le les ou par pour sous sur".split())
#: Words of three letters or fewer that are no initials.
SHORT = frozenset(
    "air art bio bon bas eau feu ile île mer mon nez nos nou or pas pin pre pré roi sel sud tri une un val"
    " vie vos".split()
)
INITIALS = frozenset(KINDS) | frozenset(
    "ADAPEI ADMR APAJH APEI CIAS CCAS EARL EPHAD EURL IME PEP SARL SAS SCIC SCOP UDAF UNAPEI".split()
)
FORMS: dict[str, str] = code_list("abbreviated forms")
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


#: Prefix of the name of a source -> display name.
SOURCES: dict[str, str] = code_list("displayed sources")


@lru_cache(256)
def source_name(text: str) -> str:
    """The display name of a source, from its file or record name.

    "siae_2021.jsonl" is "Les emplois de l’inclusion", "ted:123-2024/1" is "Avis d’attribution (TED)".
    """
    record = re.match(r"([a-z]+):", text)
    stem = record[1] if record else re.split(r"[/\\]", text)[-1]
    word = re.match(r"[a-z]+", stem.lower())
    first = word[0] if word else ""
    name = SOURCES.get(first) or SOURCES.get(first.removesuffix("s"))
    return name or re.sub(r"\.(csv|jsonl?|xlsx|xml|gz|parquet)\b", "", stem)
