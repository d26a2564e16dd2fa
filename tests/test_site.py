"""The reference of the site is generated from the code: nothing that exists is missing from it."""

import re
from pathlib import Path
from types import ModuleType

import pytest

from importing import module_at

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
