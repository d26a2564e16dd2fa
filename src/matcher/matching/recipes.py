"""Shipped recipes: the default, two that differ from it in one setting, and two that rank by a single criterion."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from matcher import codec, plugins
from matcher.domain import BadInput, NotFound, Recipe

SHIPPED: dict[str, Recipe] = {
    "default": Recipe(name="default", judgement=True),
    "rotating": Recipe(name="rotating", judgement=True, rotation=0.2),
    "pgvector": Recipe(name="pgvector", judgement=True, indexes=("pgvector", "lexical")),
    "lexical": Recipe(name="lexical", ranker_options={"signals": {"words": {"weight": 1.0}}}),
    "dense": Recipe(name="dense", ranker_options={"signals": {"meaning": {"weight": 1.0}}}),
}


def named(name: str, encoder: str = "") -> Recipe:
    """A shipped recipe by name, or one of a JSON file, with another encoder where one is named.

    `encoder` is an encoder's name, or a sentence-transformers model by folder or name.  Raises NotFound, BadInput.
    """
    recipe = _read(Path(name)) if name.endswith(".json") else SHIPPED.get(name)
    if recipe is None:
        raise NotFound(f"no recipe {name!r}: choose one of {', '.join(SHIPPED)}, or give a JSON file")
    if not encoder:
        return recipe
    if encoder in plugins.names("learned.encoders"):
        return replace(recipe, encoder=encoder, encoder_options={})
    return replace(recipe, encoder="sentence", encoder_options={**recipe.encoder_options, "model": encoder})


def _read(path: Path) -> Recipe:
    try:
        return codec.from_json(Recipe, json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise BadInput(f"{path} is no recipe ({error}): write its fields as a JSON object") from None
