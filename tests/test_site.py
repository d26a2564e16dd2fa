"""The reference of the site is generated from the code: nothing that exists is missing from it."""

import re
from pathlib import Path
from types import ModuleType

import pytest

from importing import module_at
from matcher import plugins
from matcher.matching import recipes

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    return module_at(ROOT / "docs" / "generate.py")


def test_every_route_and_model_is_in_the_reference(generate: ModuleType) -> None:
    text, schema = generate.api(), generate._schema()
    for path, verbs in schema["paths"].items():
        assert all(f"### {verb.upper()} {path}\n" in text for verb in verbs)
    anchors = set(re.findall(r"\]\(#(\w+)\)", text))
    assert anchors <= {name.lower() for name in schema["components"]["schemas"]} and len(anchors) > 30


def test_every_public_name_is_in_the_reference_with_what_it_does(generate: ModuleType) -> None:
    import matcher

    text = generate.python()
    assert all(f"## {name}\n" in text for name in matcher.__all__ if name != "__version__")
    assert "### Matcher.match\n" in text and "Matcher.match(" in text


def test_every_command_recipe_and_source_is_in_the_reference(generate: ModuleType) -> None:
    commands = generate.commands()
    for name in plugins.names("commands"):
        assert f"## matcher {name.replace('_', '-')}\n" in commands
    assert "`--catalogue`" in commands and str(Path.home()) not in commands
    assert all(f"| `{name}` |" in generate.recipes() for name in recipes.SHIPPED)
    formats = generate.formats()
    assert all(f"### {name}\n" in formats for name in plugins.names("reading.sources"))
    assert "| `turnover` | `float or None` | euros a year |" in formats
