"""The floors: an import only goes down, siblings of a room never import each other, and the front door is light."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SRC = Path(__file__).parents[1] / "src" / "matcher"
SERVICE = SRC.parents[1] / "service"
#: From the ground up; a name is a module or a room of matcher.  What stands on one line is one floor.
FLOORS = [
    "domain",
    "identifiers paths text prose plug codec",
    "reference terminal",
    "columns telling",
    "accents activities clauses law shortlist vocation tables needs",
    "sources encoders indexes signals rankers denials",
    "reading catalogue store",
    "gathering merge deduplicate leads keys procedure brochure reach",
]
ROOMS = ("sources", "encoders", "indexes", "signals", "rankers", "commands")
HEAVY = ("torch", "faiss", "sklearn", "pandas", "sentence_transformers", "lightgbm", "fastapi", "sqlalchemy")


def floor(name: str) -> int:
    for level, names in enumerate(FLOORS):
        if name in names.split():
            return level
    return len(FLOORS)  # the engine and all that stands on it


def imports(path: Path) -> set[str]:
    """Parts of matcher that a file imports when it is loaded: type checking and function bodies left out."""
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "matcher":
            rest = node.module.split(".")[1:]
            found |= {".".join(rest)} if rest else {alias.name for alias in node.names}
    return found


def parts() -> list[tuple[str, Path]]:
    return sorted(
        (path.relative_to(SRC).with_suffix("").as_posix().replace("/", "."), path)
        for path in SRC.rglob("*.py")
        if "migrations" not in path.parts and path.name != "__init__.py"
    )


@pytest.mark.parametrize(("name", "path"), parts(), ids=[name for name, _ in parts()])
def test_imports_go_down(name: str, path: Path) -> None:
    top = name.split(".")[0]
    for other in imports(path):
        below = other.split(".")[0]
        if below in ("__version__", top):
            continue
        assert floor(below) <= floor(top), f"{name} imports {other}, which stands on a higher floor"


@pytest.mark.parametrize("room", [room for room in ROOMS if room != "commands"])
def test_siblings_do_not_know_each_other(room: str) -> None:
    for path in (SRC / room).glob("*.py"):
        for other in imports(path):
            if other.startswith(f"{room}."):
                assert other.split(".")[1].startswith("_"), f"{path.name} imports its sibling {other}"


def test_only_the_commands_know_the_service() -> None:
    for name, path in parts():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            modules += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if any(module.split(".")[0] == "service" for module in modules):
                assert name.startswith("commands."), f"{name} imports the service"


@pytest.mark.parametrize("what", ["import matcher", "import matcher.cli; matcher.cli.build()"])
def test_the_door_is_light(what: str) -> None:
    code = f"{what}\nimport sys\nprint([name for name in {HEAVY!r} if name in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"


def test_no_vague_file_names() -> None:
    vague = {"utils", "helpers", "common", "manager", "base", "processor"}
    assert not [
        path for folder in (SRC, SERVICE) for path in folder.rglob("*.py") if path.stem.strip("_") in vague
    ]
