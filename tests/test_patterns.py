"""Every pattern of the package takes time in proportion to the text: asked of texts that are made from the pattern itself.

Patterns are found by walking the modules and their source, so that a new one is tried as soon as it is written.
"""

import ast
import importlib
import itertools
import pkgutil
import re
import signal
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from re import _compiler, _parser  # type: ignore[attr-defined]
from re import _constants as sre  # type: ignore[attr-defined]
from typing import Any

import pytest

import matcher
import service

ROOT = Path(__file__).resolve().parents[1]
LENGTH = 3_000  # of the longer text
GROWTH = 9.0  # of the time where the text is four times as long: 4 in linear time, 16 in quadratic time
ENOUGH, MOST_TURNS = 0.15, 150  # seconds of one measure, and readings in it
FOR_EVER = 1.0  # seconds after which a pattern in exponential time is stopped
METHODS = ("search", "match", "fullmatch", "sub", "subn", "split", "findall", "finditer")
ANCHORED = frozenset({"match", "fullmatch"})  # tried at one place of a text alone
#: Patterns that are given a few characters alone, where the text is cut: how many.
BOUNDED = {
    "matcher.reading.clauses.hours._OTHER_LASTS": 48,
    "matcher.reading.terms._LEAST": 250,
    "matcher.reference.prose._ABBREVIATED": 12,
}


def held(value: Any, name: str, depth: int = 0) -> Iterator[tuple[str, re.Pattern[Any]]]:
    """The patterns that a value is or holds."""
    if isinstance(value, re.Pattern):
        yield name, value
    elif depth < 3 and isinstance(value, dict | tuple | list | set | frozenset) and len(value) < 3_000:
        for one in value.values() if isinstance(value, dict) else value:
            yield from held(one, name, depth + 1)


def of_modules() -> Iterator[tuple[str, re.Pattern[Any]]]:
    """The patterns that modules hold, by the module and the name."""
    for package in (matcher, service):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if found.name.endswith(("__main__", "migrations.env")) or ".lab" in found.name:
                continue  # they act when they are imported, or read the operator's own labels alone
            try:
                module = importlib.import_module(found.name)
            except ImportError:  # of an extra that is not installed
                continue
            for name, value in vars(module).items():
                yield from held(value, f"{found.name}.{name}")


@cache
def trees() -> tuple[tuple[str, ast.Module], ...]:
    paths = sorted([*ROOT.glob("src/matcher/**/*.py"), *ROOT.glob("service/**/*.py")])
    return tuple((str(path.relative_to(ROOT)), ast.parse(path.read_text(encoding="utf-8"))) for path in paths)


def inline() -> Iterator[tuple[str, re.Pattern[Any], str]]:
    """The patterns written where they are used (`re.sub("...", ...)`), with how they are used."""
    for path, tree in trees():
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and ast.unparse(node.func).startswith("re.") and node.args):
                continue
            first, method = node.args[0], ast.unparse(node.func)[3:]
            if method in METHODS and isinstance(first, ast.Constant):
                flags = re.findall(r"\bre\.([A-Z]+)\b", ast.unparse(node))
                both = sum((getattr(re, flag) for flag in set(flags)), re.RegexFlag(0))
                yield f"{path}: {first.value!r}", re.compile(first.value, both), method


@cache
def uses() -> dict[tuple[str, str], frozenset[str]]:
    """How a pattern of this file and name is used; one that others may import, wherever the name is."""
    found = defaultdict(set)
    for path, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr in METHODS:
                for name in re.findall(r"\w+", ast.unparse(node.value)):
                    found[path if name.startswith("_") else "", name].add(node.attr)
    return {key: frozenset(methods) for key, methods in found.items()}


def methods_of(name: str) -> frozenset[str]:
    """How the pattern of a module's name is used: as a search, where its uses are not seen."""
    module, _, own = name.rpartition(".")
    stem = module.replace(".", "/")
    keys = [(f"{base}{stem}{end}", own) for base in ("", "src/") for end in (".py", "/__init__.py")]
    return frozenset().union(*(uses().get(key, ()) for key in [*keys, ("", own)])) or frozenset({"search"})


@cache
def every() -> dict[str, tuple[re.Pattern[Any], bool]]:
    """Each pattern by its first name, and whether it is tried at one place of a text alone."""
    found: dict[tuple[Any, int], tuple[str, bool]] = {}
    patterns = {}
    for name, pattern in of_modules():
        found.setdefault((pattern.pattern, pattern.flags), (name, methods_of(name) <= ANCHORED))
        patterns[pattern.pattern, pattern.flags] = pattern
    for name, pattern, method in inline():
        found.setdefault((pattern.pattern, pattern.flags), (name, method in ANCHORED))
        patterns[pattern.pattern, pattern.flags] = pattern
    return {name: (patterns[key], anchored) for key, (name, anchored) in found.items()}


LETTERS = "a1 \n-;.é"


def letter_of(items: list[tuple[Any, Any]]) -> str:
    """A letter of a class of letters: a common one where it holds any."""
    one = _compiler.compile(_parser.SubPattern(_parser.State(), [(sre.IN, items)]))
    return next(filter(one.match, itertools.chain(LETTERS, map(chr, range(0x10000)))))


def example(tree: Any, times: int, branch: int, repeated: set[str]) -> str:
    """A text much like what a pattern matches, repetitions `times` over; what it repeats goes to `repeated`."""
    return "".join(piece(kind, what, times, branch, repeated) for kind, what in tree)


def piece(kind: Any, what: Any, times: int, branch: int, repeated: set[str]) -> str:
    if kind is sre.LITERAL:
        return chr(what)
    if kind is sre.IN:
        return letter_of(what)
    if kind in (sre.ANY, sre.NOT_LITERAL):
        return "a"
    if kind is sre.BRANCH:
        return example(what[1][branch % len(what[1])], times, branch, repeated)
    if kind is sre.SUBPATTERN:
        return example(what[3], times, branch, repeated)
    if kind in (sre.MAX_REPEAT, sre.MIN_REPEAT):
        least, most, inner = what
        one = example(inner, times, branch, repeated)
        if most is sre.MAXREPEAT or most > 9:
            repeated.add(one)
        return one * max(least, min(most, times) if most is not sre.MAXREPEAT else times)
    return ""


def units(pattern: re.Pattern[Any]) -> list[str]:
    """What a text that is hard for this pattern may be made of."""
    source = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
    flags = pattern.flags if isinstance(pattern.pattern, str) else pattern.flags & ~re.UNICODE
    tree, repeated = _parser.parse(source, flags), set[str]()
    every = {example(tree, times, branch, repeated)[:200] for times in (0, 1, 2) for branch in range(3)}
    wholes = every - {""}
    made = ["\n", " ", "a", "1", "a ", ".", *sorted(repeated - {""})[:6], *sorted(wholes)[:5]]
    made += [whole[:-1] for whole in sorted(wholes)[:3]] + [whole + " " for whole in sorted(wholes)[:2]]
    return [unit for unit in dict.fromkeys(made) if unit]


@contextmanager
def stopped(after: float) -> Iterator[None]:
    """Raises TimeoutError after so much processor time."""

    def stop(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, after)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def seconds(pattern: re.Pattern[Any], unit: str, length: int, anchored: bool) -> float:
    """Processor time for a text of this length, the unit again and again and an end that fits nothing."""
    text: Any = (unit * (length // len(unit) + 1))[:length] + "\x01"
    text = text if isinstance(pattern.pattern, str) else text.encode("latin-1", "replace")
    begun = time.thread_time()
    try:
        with stopped(FOR_EVER):
            pattern.match(text) if anchored else sum(1 for _ in pattern.finditer(text))
    except TimeoutError:
        return float("inf")
    return time.thread_time() - begun


@cache
def quick() -> float:
    """Seconds in which a pattern in linear time reads the longer text here: a third of the fastest that is quadratic."""
    return sum(seconds(re.compile(r"\s+x"), " ", LENGTH, False) for _ in range(8)) / 24


def grows(pattern: re.Pattern[Any], unit: str, length: int, anchored: bool) -> bool:
    """Does four times the text take far more than four times as long, over so many turns that the clock is fine enough?"""
    long, turns = 0.0, 0
    while long < ENOUGH:
        if turns == MOST_TURNS:
            return False  # so short a time is linear
        long += seconds(pattern, unit, length, anchored)
        turns += 1
    return long > GROWTH * sum(seconds(pattern, unit, length // 4, anchored) for _ in range(turns))


def hard(pattern: re.Pattern[Any], anchored: bool, length: int = LENGTH) -> str:
    """The unit of which a text takes more than time in proportion; "" where none does."""
    for unit in units(pattern):
        if seconds(pattern, unit, length, anchored) == float("inf"):
            return unit
        # a clock that ticks seldom shows a tick by chance, and not three times
        if all(seconds(pattern, unit, length, anchored) >= quick() for _ in range(3)) and all(
            grows(pattern, unit, length, anchored) for _ in range(3)
        ):
            return unit
    return ""


@pytest.mark.parametrize("part", range(4))
def test_every_pattern_takes_time_in_proportion_to_the_text(part: int) -> None:
    found = {
        name: unit
        for name, (pattern, anchored) in itertools.islice(sorted(every().items()), part, None, 4)
        if (unit := hard(pattern, anchored, BOUNDED.get(name, LENGTH)))
    }
    assert not found


def test_the_walk_finds_patterns_and_tells_a_quadratic_one() -> None:
    assert len(every()) > 250
    assert hard(re.compile(r"\s+x"), False) and hard(re.compile(r"^(?:\d+|n)*$"), True) == "1"
    assert not hard(re.compile(r"\s{1,20}x"), False) and not hard(re.compile(r"\s+x"), True)
    assert not BOUNDED.keys() - every().keys()
