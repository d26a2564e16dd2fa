"""Small random mutations of the product, and whether the tests notice: what survives is tested by nobody.

    python tests/bench/mutate.py                                      200 mutations of the rooms named below
    python tests/bench/mutate.py --count 30 --seed 3 outreach records
    python tests/bench/mutate.py --only src/matcher/outreach/delivery.py:61     every mutation of one line

Each mutation is made in a copy of the tree, where the mirror tests of the file run, those that import it, then the others of its
wing; a test that fails, or does not end, has caught it.  Prints what survived and the share caught for each room.
"""

import ast
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import typer

ROOT = Path(__file__).parents[2]
ROOMS = ["matching", "reading/clauses", "partners", "outreach", "records", "service/routes"]
_SWAPPED = "Eq NotEq, Lt GtE, LtE Gt, In NotIn, Is IsNot, And Or, Add Sub, Mult Div"
_PAIRS = [[getattr(ast, name) for name in pair.split()] for pair in _SWAPPED.split(", ")]
OTHER: dict[type[ast.AST], type[ast.AST]] = {one: two for pair in _PAIRS for one, two in (pair, pair[::-1])}


@dataclass(frozen=True)
class Mutation:
    """A piece of source and what stands in its place."""

    path: Path  # relative to the root
    line: int
    span: tuple[int, int]  # bytes of the file
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.old!r} -> {self.new!r}"


def changed(node: ast.AST) -> Iterator[str]:
    """What this node may become: an operator swapped, a condition inverted, a check that is never made."""
    if isinstance(node, ast.Compare | ast.BoolOp | ast.BinOp):
        held = node.ops[0] if isinstance(node, ast.Compare) else node.op
        if type(held) in OTHER:
            copy = ast.parse(ast.unparse(node), mode="eval").body
            if isinstance(copy, ast.Compare):
                copy.ops[0] = OTHER[type(held)]()  # type: ignore[call-overload]
            else:
                copy.op = OTHER[type(held)]()  # type: ignore[attr-defined]
            yield f"({ast.unparse(copy)})"
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield f"({ast.unparse(node.operand)})"
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield repr(not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int):
        yield repr(node.value + 1)


def mutations(path: Path) -> Iterator[Mutation]:
    """Every mutation of a file, those of annotations and defaults of fields left out."""
    text = (ROOT / path).read_bytes()
    starts = [0, *(found.end() for found in re.finditer(rb"\n", text))]

    def made(node: ast.expr, new: str) -> Mutation:
        assert node.end_lineno is not None and node.end_col_offset is not None
        span = starts[node.lineno - 1] + node.col_offset, starts[node.end_lineno - 1] + node.end_col_offset
        return Mutation(path, node.lineno, span, text[slice(*span)].decode(), new)

    for function in ast.walk(ast.parse(text)):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for statement in function.body:
                for node in ast.walk(statement):
                    if isinstance(node, ast.If | ast.IfExp | ast.comprehension):
                        tests = node.ifs if isinstance(node, ast.comprehension) else [node.test]
                        yield from (made(test, f"(not ({ast.unparse(test)}))") for test in tests)
                        if isinstance(node, ast.If) and isinstance(node.body[0], ast.Raise | ast.Return):
                            yield made(node.test, "False")
                    if isinstance(node, ast.expr):
                        yield from (made(node, new) for new in changed(node))


def tests_of(path: Path) -> list[str]:
    """The mirror test of a file, those of its package, the test files that import it, then all others of its wing."""
    parts = path.with_suffix("").parts
    of_product = parts[:2] == ("src", "matcher")
    dotted = ".".join(parts[1:] if of_product else parts).removesuffix(".__init__")
    package, _, name = dotted.rpartition(".")
    imported = re.compile(rf"\b{re.escape(dotted)}\b|from {re.escape(package)} import (.*|\([^)]*)\b{name}\b")
    wing = ROOT / "tests" / (parts[2] if of_product else parts[0])
    every = sorted((ROOT / "tests").rglob("test_*.py"))
    mirrors = [f"test_{part}" for part in reversed(dotted.split(".")) if part != "routes"]
    named = [each for each in every if each.stem in mirrors or imported.search(each.read_text("utf-8"))]
    # what is nearest is tried first: one failure is enough
    named.sort(key=lambda each: (each.parent != wing, [*mirrors, each.stem].index(each.stem)))
    return [str(each.relative_to(ROOT)) for each in dict.fromkeys((*named, *sorted(wing.glob("test_*.py"))))]


def copied(folder: Path) -> Path:
    """A copy of what a mutation changes, beside links to the rest."""
    for entry in ROOT.iterdir():
        if entry.name in ("src", "service", "tests"):
            shutil.copytree(entry, folder / entry.name, ignore=shutil.ignore_patterns("__pycache__"))
        elif not entry.name.startswith("."):
            (folder / entry.name).symlink_to(entry)
    return folder


def run(folder: Path, seconds: float, *asked: str) -> int:
    """The exit status of pytest in the copy."""
    more = {"PYTHONPATH": f"{folder / 'src'}{os.pathsep}{folder}", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *asked]
    environment = {**os.environ, **more}
    how = {"cwd": folder, "env": environment, "capture_output": True, "timeout": seconds}
    return subprocess.run(command, **how).returncode  # type: ignore[call-overload]


def caught(mutation: Mutation, folder: Path, seconds: float) -> bool:
    """Does a test fail, or never end, with the mutation?"""
    target = folder / mutation.path
    before = target.read_bytes()
    low, high = mutation.span
    target.write_bytes(before[:low] + mutation.new.encode() + before[high:])
    chosen = ("-m", "not slow and not browser and not shared", *tests_of(mutation.path))
    try:
        return run(folder, seconds, *chosen) not in (0, 5)  # 5: no test was chosen
    except subprocess.TimeoutExpired:
        return True
    finally:
        target.write_bytes(before)


def main(
    rooms: list[str] = typer.Argument(ROOMS),
    count: int = 200,
    seed: int = 0,
    seconds: float = 600,
    only: str = "",
) -> None:
    """`--seconds`: after which the tests of one count as failed; `--only`: PATH:LINE, or PATH."""
    if only:
        path, _, line = only.partition(":")
        chosen = [each for each in mutations(Path(path)) if not line or each.line == int(line)]
    else:
        folders = [ROOT / (room if room.startswith("service") else f"src/matcher/{room}") for room in rooms]
        files = [path.relative_to(ROOT) for folder in folders for path in sorted(folder.rglob("*.py"))]
        every = [each for path in files if "migrations" not in path.parts for each in mutations(path)]
        chosen = random.Random(seed).sample(every, min(count, len(every)))
    told: dict[str, Counter[bool]] = {}
    with tempfile.TemporaryDirectory() as home:
        folder = copied(Path(home))
        tests = {test for path in {each.path for each in chosen} for test in tests_of(path)}
        if run(folder, seconds, "--collect-only", *tests):  # else every mutation would count as caught
            raise SystemExit("the tests cannot be collected as they are: run them without a mutation first")
        for mutation in chosen:
            found = caught(mutation, folder, seconds)
            told.setdefault(str(mutation.path.parent), Counter())[found] += 1
            print(f"{'caught  ' if found else 'SURVIVED'} {mutation}", flush=True)
    for room, counts in sorted(told.items()):
        print(f"{room:40s} {counts[True]} of {counts.total()} caught")


if __name__ == "__main__":
    typer.run(main)
