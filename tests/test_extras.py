"""A package of an extra that is not installed is one sentence with the command that installs it."""

import ast
import sys
import tomllib
from pathlib import Path

import pytest
from pytest import MonkeyPatch

from matcher import plugins
from matcher.domain import MissingExtra
from records import cases

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
IMPORTED: dict[str, str] = dict(cases("packages of extras, as they are imported"))


def test_a_missing_package_names_the_command(monkeypatch: MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pypdf", None)
    with (
        pytest.raises(MissingExtra, match=r"reading a PDF needs pypdf: pip install 'maillage\[documents\]'"),
        plugins.optional("documents", "reading a PDF"),
    ):
        import pypdf  # noqa: F401


@pytest.mark.parametrize("path", sorted([*ROOT.glob("src/**/*.py"), *ROOT.glob("service/**/*.py")]))
def test_the_extras_are_imported_where_their_absence_is_reported(path: Path) -> None:
    """Every import of an extra's package is inside `plugins.optional` of that extra, never at the top of a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    top = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert not {name for node in top for name in packages(node)} & set(IMPORTED), "at the top of the file"
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.With)):
        given = call.items[0].context_expr
        if isinstance(given, ast.Call) and ast.unparse(given.func) == "plugins.optional":
            extra = ast.literal_eval(given.args[0])
            assert extra in PROJECT["optional-dependencies"]
            for name in (n for node in ast.walk(call) for n in packages(node) if n in IMPORTED):
                assert extra in IMPORTED[name].split(), f"{name} is not of the extra {extra}"


def packages(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name.partition(".")[0] for alias in node.names]
    if isinstance(node, ast.ImportFrom) and not node.level:
        return [(node.module or "").partition(".")[0]]
    return []
