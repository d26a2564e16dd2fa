"""Shipped recipes: the default, three that differ from it in one setting, and two that rank by a single criterion."""

from __future__ import annotations

from matcher.domain import NotFound, Recipe

_WORDS_ALONE = {
    "past_words": {"weight": 1.0},
    "words": {"weight": 1.0},
}
_MEANING_ALONE = {
    "past_meaning": {"weight": 1.0},
    "meaning": {"weight": 1.0},
    "name_meaning": {"weight": 0.3},
}

SHIPPED: dict[str, Recipe] = {
    "default": Recipe(name="default", ranker="learned", judgement=True),
    "rotating": Recipe(name="rotating", ranker="learned", judgement=True, rotation=0.2),
    "pgvector": Recipe(name="pgvector", indexes=("pgvector", "lexical"), ranker="learned", judgement=True),
    "weighted": Recipe(name="weighted", ranker="weighted"),
    "lexical": Recipe(
        name="lexical",
        indexes=("faiss", "lexical"),
        ranker="weighted",
        ranker_options={"signals": _WORDS_ALONE},
    ),
    "dense": Recipe(
        name="dense",
        indexes=("faiss", "lexical"),
        ranker="weighted",
        ranker_options={"signals": _MEANING_ALONE},
    ),
}


def named(name: str) -> Recipe:
    """A shipped recipe by name.  Raises NotFound, listing the names."""
    if name not in SHIPPED:
        raise NotFound(f"no recipe {name!r}: choose one of {', '.join(SHIPPED)}")
    return SHIPPED[name]
