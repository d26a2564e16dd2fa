"""Display names of the sources of records."""

from __future__ import annotations

import re
from functools import lru_cache

#: Prefix of the name of a source -> display name.
SOURCES = {
    "siae": "Les emplois de l’inclusion", "emplois": "Les emplois de l’inclusion", "lemarche": "Le marché de l’inclusion", "marche": "Le marché de l’inclusion",
    "sirene": "Répertoire Sirene", "entreprises": "Annuaire des entreprises", "history": "Marchés attribués (DECP)", "decp": "Marchés attribués (DECP)",
    "ted": "Avis d’attribution (TED)", "geiq": "Annuaire des GEIQ", "ea": "Annuaire des entreprises adaptées", "esat": "Annuaire des ESAT",
}  # fmt: skip


@lru_cache(256)
def source_name(text: str) -> str:
    """The display name of a source, from its file or record name.

    "siae_2021.jsonl" is "Les emplois de l’inclusion", "ted:123-2024/1" is "Avis d’attribution (TED)".
    """
    record = re.match(r"([a-z]+):", text)
    stem = record[1] if record else re.split(r"[/\\]", text)[-1]
    word = re.match(r"[a-z]+", stem.lower())
    first = word[0] if word else ""
    known = SOURCES.get(first) or SOURCES.get(first.removesuffix("s"))
    return known or re.sub(r"\.(csv|jsonl?|xlsx|xml|gz|parquet)\b", "", stem)
