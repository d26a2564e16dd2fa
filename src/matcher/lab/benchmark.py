"""The real cases of a data folder: three tasks, the recipes and the simple methods they are compared with."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from matcher import plugins
from matcher.catalogue.build import build_catalogue
from matcher.catalogue.catalogue import Catalogue
from matcher.console import progress, say
from matcher.domain import BadInput, MissingExtra, NotFound, Recipe, Rejected
from matcher.lab import evaluation, leads, published
from matcher.lab.evaluation import HISTORY, Question
from matcher.lab.methods import SIMPLE, TOP
from matcher.matching import recipes
from matcher.matching.engine import Matcher
from matcher.reading import gather

TASKS = ("suppliers", "siae", "partners")
REFERENCE = "reference BM25"  # measured beside everything else
#: Of suppliers of the history, who have no kinds, profiles or places of their own; no method but one knows a member.
BASELINES = {"suppliers": (REFERENCE, "e5-small", "potion"), "partners": (REFERENCE,)}
T = TypeVar("T")
MEASURES = ("R@1", "R@10", "R@50", "R@100", "nDCG@10")


def load(data: Path, task: str, most: int | None = None) -> tuple[list[Question], dict[str, list[str]]]:
    """The queries of a task and their answers.  Raises BadInput for an unknown task, NotFound without the files."""
    if task not in TASKS:
        raise BadInput(f"no task {task!r}: choose one of {', '.join(TASKS)}")
    queries = data / "awards" / f"{task}_dev.queries.jsonl"
    if not queries.is_file():
        raise NotFound(f"no {queries}: --data wants a folder with awards/{task}_dev.queries.jsonl")
    rejected: list[Rejected] = []
    needs = list(evaluation.questions(queries, rejected))[:most]
    gold = evaluation.load_gold(data / "awards" / f"{task}_dev.qrels.json")
    return needs, {question.id: gold[question.id] for question in needs if question.id in gold}


def catalogue(data: Path, task: str, recipe: str = "default") -> Catalogue:
    """The candidates of a task: structures for siae, the suppliers of the history for the others."""
    structures = [data / "structures" / "siae_2021.jsonl"] if task == "siae" else None
    return evaluation.catalogue_of([data / HISTORY], structures, recipes.named(recipe), [])


def compare(
    data: Path,
    task: str,
    names: Sequence[str],
    baselines: bool = True,
    ablation: bool = False,
    most: int | None = None,
    incumbents: bool = False,
    out: Path | None = None,
) -> Iterator[dict[str, Any]]:
    """A row for each method: its figures with intervals, and its paired gain over the first baseline.

    With `out` each method leaves a result there too (see `published`).

    With `incumbents` the default recipe is also asked with the buyer's own past holders favoured, and every method
    is measured apart on the notices whose winner had never worked for that buyer, as far as is known.
    """
    asked, gold = load(data, task, most)
    candidates = catalogue(data, task)
    methods: dict[str, Callable[[Question], Sequence[str]]] = {}
    methods |= simple(candidates, BASELINES.get(task, SIMPLE) if baselines else (REFERENCE,))
    for name in names:
        methods[name] = by_matcher(Matcher(candidates, recipes.named(name), exhaustive=True))
    if incumbents:
        matcher = Matcher(candidates, recipes.named("default"), exhaustive=True)
        methods["default --incumbents"] = by_matcher(matcher, incumbents=True)
    if ablation:
        methods |= without_each(candidates)
    parts: dict[str, Mapping[str, Sequence[str]]] = {"all": gold}
    if incumbents:
        parts["never seen"] = never_seen(candidates, asked, gold)
    first: dict[str, dict[str, list[float]]] = {}
    listed = [data / "awards" / f"{task}_dev.queries.jsonl", data / "awards" / f"{task}_dev.qrels.json"]
    about = _about("Who won.", gold, candidates, listed)
    for name, method in methods.items():
        lines, ms = _timed(method, asked, name)
        run = {question.id: line for question, line in zip(asked, lines, strict=True)}
        for part, answers in parts.items():
            if not answers:
                continue
            figures = evaluation.figures(run, answers)
            made = published.result(task, name, figures, ms=ms, data=about, more=_made_with(name, candidates))
            if out is not None and answers is gold:
                published.write([made], out)
            first.setdefault(part, figures)
            row: dict[str, Any] = {"method": name}
            if incumbents:
                row["notices"] = f"{part} ({len(answers)})"
            cells = {measure: made["figures"][measure] for measure in MEASURES}
            row |= {measure: "{:.4f} [{:.4f}, {:.4f}]".format(*three) for measure, three in cells.items()}
            gain, low, high = evaluation.paired(figures["nDCG@10"], first[part]["nDCG@10"])
            row["nDCG@10 gain"] = f"{gain:+.4f} [{low:+.4f}, {high:+.4f}]"
            yield row


def on_judged(
    queries: Sequence[Path],
    structures: Sequence[Path],
    names: Sequence[str],
    baselines: bool = True,
    most: int | None = None,
    note: str = "",
) -> Iterator[published.Result]:
    """A result for each judged set and method, over a directory in any known format; simple methods first."""
    sets = {path: leads.load(path, most) for path in queries}  # a file that cannot be read is told at once
    given, recipe = gather.gather(structures), recipes.named("default")
    candidates = build_catalogue(
        given.structures, given.awards, recipe, undated=evaluation.UNDATED, suppliers=False
    )
    compared = simple(candidates, SIMPLE if baselines else (REFERENCE,))
    directory = [each for path in structures for each in (path, *path.rglob("*")) if each.is_file()]
    for path, judged in sets.items():
        one = leads.known(judged, candidates)
        listed = [path, path.with_name(one.name + leads.JUDGED), *directory]
        about = _about("Who could do it.", one.questions, candidates, listed)
        methods: dict[str, Any] = {name: leads.by_order(method) for name, method in compared.items()}
        for name in names:
            matcher = Matcher(candidates, recipes.named(name), exhaustive=True)
            methods[name] = leads.by_matcher(matcher)
        for name, method in methods.items():
            lines, ms = _timed(method, one.questions, f"{one.name}, {name}")
            figures = leads.figures(lines, one.rows)
            more = _made_with(name, candidates)
            if more["recipe"].get("judgement"):
                more |= {"note": note, "calibration": leads.calibration(lines, one.rows)}
            yield published.result(one.name, name, figures, ms=ms, data=about, more=more)


def _timed(method: Callable[[Question], T], asked: Sequence[Question], name: str) -> tuple[list[T], float]:
    """What a method answers, and CPU milliseconds for a need."""
    method(asked[0])  # loading is not counted as a cost of a need
    since = time.process_time()
    lines = [method(question) for question in progress(asked, name)]
    say(f"{name}: {len(lines)} needs answered")
    return lines, 1000 * (time.process_time() - since) / max(1, len(lines))


def simple(held: Catalogue, names: Iterable[str]) -> dict[str, Callable[[Question], list[str]]]:
    """These simple methods, where their packages are installed; the reference BM25 is never left out."""
    methods: dict[str, Callable[[Question], list[str]]] = {}
    for name in names:
        try:
            methods[name] = SIMPLE[name](held)
        except MissingExtra as error:
            if name == REFERENCE:
                raise
            say(f"left out: {error}")
    return methods


def _about(what: str, needs: Sized, held: Catalogue, files: Sequence[Path]) -> dict[str, Any]:
    sizes = {"needs": len(needs), "structures": len(held)}
    return {"about": what, **sizes, "revision": published.revision(files)}


def _made_with(name: str, held: Catalogue) -> dict[str, Any]:
    """The recipe of a method, empty for a simple one, and the encoder of the catalogue."""
    recipe = asdict(recipes.named(name)) if name in recipes.SHIPPED else {}
    return {"recipe": recipe, "encoder": str(held.manifest["encoder"])}


def row_of(found: published.Result) -> dict[str, Any]:
    """A result as a row for the terminal."""
    cells = {name: "{:.3f} [{:.3f}, {:.3f}]".format(*three) for name, three in found["figures"].items()}
    calibration = {name: f"{value:.3f}" for name, value in found.get("calibration", {}).items()}
    named = {"set": found["task"], "method": found["method"]}
    return {**named, **cells, **calibration, "ms": found["cost"]["ms"]}


def never_seen(
    held: Catalogue, asked: Sequence[Question], gold: Mapping[str, Sequence[str]]
) -> dict[str, Sequence[str]]:
    """The answers to those notices of which no winner has an award of that very buyer in the evidence."""
    awarded = zip(held.of_row("buyer"), held.of_structure("siren")[held.owners], strict=True)
    pairs = {(int(buyer), str(siren)) for buyer, siren in awarded if buyer}
    buyers = {question.id: question.tender.buyer.id[:9] for question in asked}
    return {
        id: right
        for id, right in gold.items()
        if buyers[id].isdecimal() and not any((int(buyers[id]), siren) in pairs for siren in right)
    }


def by_matcher(matcher: Matcher, incumbents: bool = False) -> Callable[[Question], list[str]]:
    """A method that ranks by a matcher."""
    return lambda question: [
        siren for siren, *_ in evaluation.ranked(matcher, question, TOP, incumbents)["ranking"]
    ]


def without_each(held: Catalogue) -> dict[str, Callable[[Question], list[str]]]:
    """The default ranker with each signal left out, in turn."""
    full = plugins.loaded("matching.rankers", recipes.named("default").ranker, {}).lines
    methods = {}
    for name in full.keys() - {"reservation", "holder"}:
        signals = {key: line for key, line in full.items() if key != name}
        recipe = Recipe(name=f"without {name}", judgement=False, ranker_options={"signals": signals})
        methods[f"without {name}"] = by_matcher(Matcher(held, recipe, exhaustive=True))
    return methods
