"""Shipped recipes: the default, two that differ from it in one setting, and two that rank by a single criterion."""

from __future__ import annotations

from matcher.domain import NotFound, Recipe

SHIPPED: dict[str, Recipe] = {
    "default": Recipe(name="default", judgement=True),
    "rotating": Recipe(name="rotating", judgement=True, rotation=0.2),
    "pgvector": Recipe(name="pgvector", judgement=True, indexes=("pgvector", "lexical")),
    "lexical": Recipe(name="lexical", ranker_options={"signals": {"words": {"weight": 1.0}}}),
    "dense": Recipe(name="dense", ranker_options={"signals": {"meaning": {"weight": 1.0}}}),
}


def named(name: str) -> Recipe:
    """A shipped recipe by name.  Raises NotFound, listing the names."""
    if name not in SHIPPED:
        raise NotFound(f"no recipe {name!r}: choose one of {', '.join(SHIPPED)}")
    return SHIPPED[name]
