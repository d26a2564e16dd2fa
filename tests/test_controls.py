"""The table of controls names every requirement of ASVS 5.0, levels 1 and 2, once, and only tests that exist."""

import ast
import re
from functools import cache
from pathlib import Path

from records import cases

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| ([\d., ]+) \| (held|partly|not held|not used) \| (.+?) \| (.*?) \|$", PAGE, re.M)


@cache
def names_in(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def test_every_requirement_is_in_the_table_once() -> None:
    named = [one for row in ROWS for one in row[0].split(", ")]
    sections = cases("requirements of OWASP ASVS 5.0.0 in each section")
    every = (f"{section}.{n}" for section, most in sections for n in range(1, most + 1))
    assert sorted(named) == sorted(every)


def test_what_is_held_names_a_test_and_every_named_test_exists() -> None:
    for names, state, _, tests in ROWS:
        assert tests or state != "held", names
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)
    assert len(named) > 100
    assert not [f"{path}::{test}" for path, test in named if test not in names_in(path)]
