"""Recipes: one TOML file each, named by the file; the shipped ones lie in `recipe_files/`."""

import tomllib
from dataclasses import fields, replace
from pathlib import Path

from matcher import codec, plugins
from matcher.domain import BadInput, NotFound, Recipe


def _read(path: Path) -> Recipe:
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
        known = [each.name for each in fields(Recipe)]
        if unknown := [key for key in given if key not in known]:
            raise BadInput(f"{path} has the key {unknown[0]!r}: a recipe knows {', '.join(known)}")
        return codec.from_json(Recipe, {"name": path.stem, **given})
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise BadInput(f"{path} is no recipe ({error}): write its fields as TOML") from None


SHIPPED: dict[str, Recipe] = {
    file.stem: _read(file) for file in sorted((Path(__file__).parent / "recipe_files").glob("*.toml"))
}


def named(name: str, encoder: str = "") -> Recipe:
    """A shipped recipe by name, or one of a TOML file, with another encoder where one is named.

    `encoder` is an encoder's name, or a sentence-transformers model by folder or name.  Raises NotFound, BadInput.
    """
    recipe = _read(Path(name)) if name.endswith(".toml") else SHIPPED.get(name)
    if recipe is None:
        raise NotFound(f"no recipe {name!r}: choose one of {', '.join(SHIPPED)}, or give a TOML file")
    if not encoder:
        return recipe
    if encoder in plugins.names("learned.encoders"):
        return replace(recipe, encoder=encoder, encoder_options={})
    return replace(recipe, encoder="sentence", encoder_options={**recipe.encoder_options, "model": encoder})
