"""The house: an import only goes down, siblings never import each other, there is no circle, the front door is light."""

import ast
import symtable
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from importing import imported

ROOT = Path(__file__).parents[1]
SRC = ROOT / "src" / "matcher"
SERVICE = ROOT / "service"
#: The wings from the roof down; wings of one line do not import each other.
WINGS = [
    "__main__",
    "cli commands",
    "service",
    "lab",
    "outreach territory partners",
    "matching reading records",
    "learned catalogue spreadsheet",
    "reference plugins codec console",
    "domain",
]
#: Rooms: folders of interchangeable siblings, each found by its file name.
ROOMS = ["catalogue/indexes", "commands", "learned/encoders", "matching/rankers", "matching/signals"]
ROOMS += ["reading/sources", "reading/sync"]
FACE = "matcher"  # `src/matcher/__init__.py` hands the public names on, and is imported by nobody
HEAVY = ("torch", "faiss", "sklearn", "pandas", "sentence_transformers", "lightgbm", "fastapi", "sqlalchemy")


def module_of(path: Path) -> str:
    parts = path.relative_to(SRC.parent if path.is_relative_to(SRC) else ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def files() -> dict[str, Path]:
    """Every Python file of the product by its module, migrations' versions left out (their names are numbers)."""
    paths = (path for folder in (SRC, SERVICE) for path in folder.rglob("*.py"))
    return {module_of(path): path for path in paths if "versions" not in path.parts}


@cache
def written(path: Path) -> frozenset[tuple[str, str]]:
    """Each module that a file imports anywhere, in functions and under TYPE_CHECKING too, and the name asked of it or ""."""
    package = module_of(path) if path.name == "__init__.py" else module_of(path).rpartition(".")[0]
    found: set[tuple[str, str]] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {(alias.name, "") for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")
            base = ".".join(above[: len(above) - node.level + 1]) if node.level else ""
            source = ".".join(part for part in (base, node.module or "") if part)
            found |= {(source, alias.name) for alias in node.names}
    return frozenset(found)


@cache
def imports_of(module: str) -> frozenset[str]:
    """The product's modules that a file imports."""
    asked = {
        f"{source}.{name}" if f"{source}.{name}" in files() else source
        for source, name in written(files()[module])
    }
    return frozenset(asked & set(files()))


@cache
def held(module: str) -> frozenset[str]:
    """The names that a module binds, and those of the modules in it."""
    path = files()[module]
    names = symtable.symtable(path.read_text(encoding="utf-8"), str(path), "exec").get_symbols()
    within = {each.rpartition(".")[2] for each in files() if each.rpartition(".")[0] == module}
    return frozenset(
        {"", *within, *(name.get_name() for name in names if name.is_assigned() or name.is_imported())}
    )


@pytest.mark.parametrize("folder", ["src", "service", "tests"])
def test_what_is_imported_exists(folder: str) -> None:
    for path in (ROOT / folder).rglob("*.py"):
        for source, name in written(path):
            ours = source.partition(".")[0] in ("matcher", "service")
            assert not ours or (source in files() and name in held(source)), f"{path}: {source} {name}"


def wing_of(module: str) -> str:
    parts = module.split(".")
    return parts[0] if parts[0] == "service" or len(parts) == 1 else parts[1]


def floor_of(wing: str) -> int:
    found = [level for level, names in enumerate(reversed(WINGS)) if wing in names.split()]
    assert found, f"{wing} stands in no wing: say in WINGS on which floor it stands"
    return found[0]


@cache
def room_of(module: str) -> str:
    parts = module.removeprefix("matcher.").split(".")
    return next((room for room in ROOMS if parts[:-1] == room.split("/")), "")


@pytest.mark.parametrize("module", sorted(set(files()) - {FACE}))
def test_every_file_stands_in_a_wing_and_imports_go_down(module: str) -> None:
    wing = wing_of(module)
    level = floor_of(wing)
    for other in imports_of(module) - {FACE}:
        below = wing_of(other)
        assert below == wing or floor_of(below) < level, f"{module} imports {other}: not downwards"
    assert FACE not in imports_of(module), f"{module} imports the face of the package"


@pytest.mark.parametrize("module", sorted(m for m in files() if room_of(m)))
def test_siblings_do_not_know_each_other(module: str) -> None:
    for other in imports_of(module):
        same = room_of(module) == room_of(other)
        assert not same or other.rpartition(".")[2].startswith("_"), f"{module} imports its sibling {other}"


def test_no_circles() -> None:
    imports = {module: imports_of(module) for module in files()}
    TopologicalSorter(imports).prepare()  # a circle raises CycleError


def test_rooms_exist_few_files_lie_at_the_door_and_none_has_a_vague_name() -> None:
    assert all((SRC / room / "__init__.py").is_file() for room in ROOMS)
    assert len(list(SRC.glob("*.py"))) <= 8
    vague = {"utils", "helpers", "common", "manager", "base", "processor"}
    paths = (path for folder in (SRC, SERVICE) for path in folder.rglob("*.py"))
    assert not [path for path in paths if path.stem.strip("_") in vague]


LIGHT = {
    "import matcher": HEAVY,
    "import matcher.cli; matcher.cli.build(listed=True)": HEAVY,
    "import matcher.learned.cpv": ("torch", "sklearn", "scipy"),
    "from matcher.learned.encoders.static import load; load().encode(['a'])": ("torch",),
    "from matcher.matching import judgement; judgement.shipped()": ("lightgbm", "sklearn", "interpret"),
}


@pytest.mark.parametrize("what", LIGHT)
def test_the_door_is_light(what: str) -> None:
    assert imported(what, LIGHT[what]) == []
