"""Results as files: one JSON for each task and method, and the tables and the plot that are generated from them."""

import hashlib
import json
import math
import os
import platform
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from matcher.domain import __version__
from matcher.lab import evaluation

Result = dict[str, Any]
Facts = Mapping[str, Any]
PLOTTED = ("sample", "nDCG@5")  # of a folder without that set the first that has the measure


def result(
    task: str, method: str, figures: Mapping[str, Sequence[float]], *, ms: float, data: Facts, more: Facts
) -> Result:
    """A result: means with 95 % bootstrap intervals, the cost of a need in CPU milliseconds, what it was made with."""
    intervals = {name: evaluation.bootstrap(values) for name, values in figures.items() if values}
    return {
        "task": task,
        "method": method,
        "commit": commit(),
        "version": __version__,
        "on": date.today().isoformat(),
        "data": dict(data),
        "machine": machine(),
        **more,
        "figures": {name: [round(value, 4) for value in three] for name, three in intervals.items()},
        "cost": {"ms": round(ms, 3)},
    }


def commit() -> str:
    """The commit of the clone that the code runs from, with "+" where files differ; "" outside a clone."""
    here = Path(__file__).parent

    def git(*arguments: str) -> str:
        command = ["git", *arguments]
        done = subprocess.run(command, cwd=here, capture_output=True, text=True, check=False)  # noqa: S603
        return done.stdout.strip() if done.returncode == 0 else ""

    try:
        revision = git("rev-parse", "--short=12", "HEAD")
        return revision + ("+" if revision and git("status", "--porcelain", "--", "../../../src") else "")
    except FileNotFoundError:
        return ""


def machine() -> dict[str, Any]:
    """The machine that the costs were measured on."""
    model = platform.processor() or platform.machine()
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
        model = next(named, model)
    system = {"python": platform.python_version(), "system": platform.system()}
    return {"cpu": model, "cores": os.cpu_count(), **system}


def machine_in_words() -> str:
    """The same in a few words."""
    return ", ".join(f"{value} cores" if name == "cores" else str(value) for name, value in machine().items())


def revision(paths: Iterable[Path]) -> str:
    """A short hash of the bytes of these files, in the order of their names."""
    digest = hashlib.sha256()
    for path in sorted(paths, key=lambda each: each.name):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


def write(found: Iterable[Result], folder: Path) -> None:
    """One file for each result, then the tables and the plot of all that the folder holds."""
    for each in found:
        path = folder / each["task"] / f"{each['method'].replace(' ', '-')}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(each, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    everything = read(folder)
    (folder / "index.md").write_text(tables(everything, folder), encoding="utf-8")
    (folder / "cost.svg").write_text(plot(everything), encoding="utf-8")


def read(folder: Path) -> list[Result]:
    """Every result of a folder, by task and method."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*/*.json"))]


@cache
def _templates() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

    return Environment(
        loader=PackageLoader("matcher.lab"),
        autoescape=select_autoescape(["svg"], default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )


def tables(found: Sequence[Result], folder: Path = Path("docs/benchmark")) -> str:
    """A section for each task: methods as columns, measures as rows; of the results in a folder."""
    sections = []
    for task in sorted({each["task"] for each in found}):
        ours = sorted((each for each in found if each["task"] == task), key=_place)
        measures = dict.fromkeys(name for each in ours for name in each["figures"])
        notes = dict.fromkeys(f"{each['method']}: {each['note']}" for each in ours if each.get("note"))
        sections.append({"task": task, "ours": ours, "measures": measures, "notes": notes})
    return str(_templates().get_template("index.md").render(sections=sections, folder=folder.as_posix()))


def _place(each: Result) -> tuple[int, str]:
    """The reference first, then the recipes, then the rest."""
    first = ("reference BM25", "default", "rotating", "lexical", "dense")
    return (first.index(each["method"]) if each["method"] in first else len(first), each["method"])


WIDTH, HEIGHT, LEFT, BOTTOM = 640, 320, 60, 46


def plot(found: Sequence[Result]) -> str:
    """Quality against cost on one task as SVG: nDCG@5 up, CPU milliseconds of a need to the right (logarithmic)."""
    task, measure = PLOTTED
    tasks = [each["task"] for each in found if measure in each["figures"]]
    task = task if task in tasks else next(iter(tasks), task)
    shown = [each for each in found if each["task"] == task and measure in each["figures"]]
    shown.sort(key=lambda each: -each["figures"][measure][0])
    if not shown:
        return '<svg xmlns="http://www.w3.org/2000/svg"/>\n'
    costs = [float(each["cost"]["ms"]) for each in shown]
    low, high = math.log10(min(costs) / 2), math.log10(max(costs) * 4)

    def across(ms: float) -> float:
        return LEFT + (math.log10(ms) - low) / (high - low) * (WIDTH - LEFT - 20)

    def up(value: float) -> float:
        return HEIGHT - BOTTOM - value * (HEIGHT - BOTTOM - 20)

    values = [float(each["figures"][measure][0]) for each in shown]
    spots = [(across(ms), up(value)) for ms, value in zip(costs, values, strict=True)]
    heights = _apart([(x, y + 4) for x, y in spots])
    facts = {"task": task, "measure": measure, "width": WIDTH, "height": HEIGHT, "left": LEFT}
    return str(
        _templates()
        .get_template("cost.svg")
        .render(
            points=list(zip((each["method"] for each in shown), values, spots, heights, strict=True)),
            grid=[(v / 5, up(v / 5)) for v in range(6)],
            ticks=[(10.0**n, across(10.0**n)) for n in range(math.ceil(low), math.floor(high) + 1)],
            **facts,
        )
    )


def _apart(labels: Sequence[tuple[float, float]]) -> list[float]:
    """The heights of labels, moved down where they would overlap."""
    placed: list[tuple[float, float]] = []
    for x, y in labels:
        while any(abs(x - other) < 120 and abs(y - high) < 13 for other, high in placed):
            y += 1
        placed.append((x, y))
    return [y for _, y in placed]
