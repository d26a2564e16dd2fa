"""Code structure in figures: wings, layers, import cycles, lengths of files and functions, share of comments.

python tests/bench/house.py [ROOT]     ROOT is another checkout to compare with, this one by default
"""

from __future__ import annotations

import ast
import statistics
import sys
import tokenize
from collections.abc import Iterable, Mapping
from pathlib import Path


def module_of(path: Path, root: Path) -> str:
    parts = path.relative_to(root / "src" if (root / "src") in path.parents else root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def product(root: Path) -> dict[str, Path]:
    """Every file of the product by its module."""
    return {
        module_of(path, root): path
        for folder in (root / "src" / "matcher", root / "service")
        for path in sorted(folder.rglob("*.py"))
        if "versions" not in path.parts
    }


def imports(module: str, files: Mapping[str, Path]) -> set[str]:
    """The product's modules that a file imports anywhere, in functions and under TYPE_CHECKING too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(files[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            package = module if files[module].name == "__init__.py" else module.rpartition(".")[0]
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            source = ".".join([*above, *([node.module] if node.module else [])])
            found |= {f"{source}.{a.name}" if f"{source}.{a.name}" in files else source for a in node.names}
    return found & set(files) - {module, "matcher"}


def components(graph: Mapping[str, set[str]]) -> list[set[str]]:
    """Strongly connected components, each after those it imports (Tarjan, 1972)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[set[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in sorted(graph[node]):
            if other not in index:
                visit(other)
            if other in stack:
                low[node] = min(low[node], low[other])
        if low[node] == index[node]:
            at = stack.index(node)
            found.append(set(stack[at:]))
            del stack[at:]

    for node in sorted(graph):
        if node not in index:
            visit(node)
    return found


def wing(module: str) -> str:
    """The part of the house a module stands in: the first folder, or the file at the door."""
    parts = module.split(".")
    return parts[0] if parts[0] == "service" or len(parts) == 1 else parts[1]


def floors(graph: Mapping[str, set[str]]) -> int:
    level: dict[str, int] = {}
    for component in components(graph):
        below = {level[other] for node in component for other in graph[node] if other not in component}
        for node in component:
            level[node] = 1 + max(below, default=0)
    return max(level.values())


def functions(paths: Iterable[Path]) -> list[int]:
    """Lines of each function and method, from `def` to its end."""
    return sorted(
        (node.end_lineno or node.lineno) - node.lineno + 1
        for path in paths
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


def comments(paths: Iterable[Path]) -> tuple[int, int]:
    """Lines that hold a comment, and all lines that are not blank."""
    held = total = 0
    for path in paths:
        with path.open("rb") as handle:
            held += sum(1 for token in tokenize.tokenize(handle.readline) if token.type == tokenize.COMMENT)
        total += sum(1 for line in path.read_text(encoding="utf-8").splitlines() if line.strip())
    return held, total


def main() -> None:
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[2]).resolve()
    files = product(root)
    graph = {module: imports(module, files) for module in files if module != "matcher"}
    wings: dict[str, set[str]] = {wing(module): set() for module in graph}
    for module, others in graph.items():
        wings[wing(module)] |= {wing(other) for other in others} - {wing(module)}
    lengths = {
        path.relative_to(root): len(path.read_text(encoding="utf-8").splitlines()) for path in files.values()
    }
    written = {
        path: length for path, length in lengths.items() if path.parent.name != "client"
    }  # not generated
    longest = max(written, key=lambda path: written[path])
    sizes = functions(files.values())
    held, total = comments(files.values())
    print(f"files directly in src/matcher        {len(list((root / 'src' / 'matcher').glob('*.py')))}")
    print(f"wings (folders and files at the door) {len(wings)}, on {floors(wings)} floors")
    print(f"circles between files                {sum(len(c) > 1 for c in components(graph))}")
    print(f"circles between wings                {sum(len(c) > 1 for c in components(wings))}")
    print(
        f"files {len(files)}, lines {sum(lengths.values())}, median {statistics.median(lengths.values()):.0f}"
    )
    print(f"longest hand-written file            {longest}, {lengths[longest]} lines")
    print(
        f"functions: median {statistics.median(sizes):.0f} lines, 90th percentile {sizes[int(len(sizes) * 0.9)]}, "
        f"{sum(size > 40 for size in sizes)} of {len(sizes)} over 40"
    )
    print(f"comments                             {held / total:.1%} of the lines that are not blank")


if __name__ == "__main__":
    main()
