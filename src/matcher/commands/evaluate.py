"""`matcher evaluate`: recipes and baselines on known answers or judged needs, compared with confidence intervals."""

from pathlib import Path
from typing import Annotated

from typer import Option

from matcher.commands._options import Files, Output, Words
from matcher.console import emit
from matcher.domain import BadInput
from matcher.lab import benchmark, published


def run(
    data: Annotated[Path | None, Option(help="Folder with awards/ and structures/: who won.")] = None,
    task: Annotated[str, Option(help="With --data: suppliers, siae or partners.")] = "suppliers",
    judged: Annotated[Files, Option(help="NAME.queries.jsonl, graded in NAME.judged.jsonl.")] = None,
    structures: Annotated[Files, Option(help="With --judged: the directory and past awards.")] = None,
    recipe: Annotated[Words, Option(help="Recipes to compare; repeatable.")] = None,
    baselines: Annotated[bool, Option(help="Also evaluate simple baselines; BM25 is always one.")] = True,
    ablation: Annotated[
        bool, Option("--ablation", help="The default recipe less each signal in turn.")
    ] = False,
    incumbents: Annotated[
        bool, Option("--incumbents", help="Also with the buyer's own past holders.")
    ] = False,
    most: Annotated[int | None, Option(min=1, help="Maximum number of queries.")] = None,
    out: Annotated[
        Path | None, Option(help="Write one JSON a task and method, tables and a plot here.")
    ] = None,
    note: Annotated[str, Option(help="A remark kept in the JSON of the recipes that are judged.")] = "",
    format: Output = "table",
) -> None:
    """Evaluate recipes and simple methods on judged needs, or on past notices with known winners as of their date.

    \b
    matcher evaluate --judged data/benchmark/sample.queries.jsonl --structures data/sample
    matcher evaluate --data ../shared/data --task suppliers
    matcher evaluate --data ../shared/data --task siae --ablation
    """
    if (data is None) == (not judged):
        raise BadInput("give either --data (who won) or --judged with --structures (who could do it)")
    if judged and not structures:
        raise BadInput("--judged wants --structures: the directory whose structures were graded")
    names = recipe or ["default", "lexical", "dense"]
    if judged:
        found = list(benchmark.on_judged(judged, structures or [], names, baselines, most, note))
        emit((benchmark.row_of(each) for each in found), format, "judged needs, 95 % bootstrap intervals")
        if out is not None:
            published.write(found, out)
        return
    assert data is not None
    rows = benchmark.compare(data, task, names, baselines, ablation, most, incumbents, out)
    emit(rows, format, f"{task}, 95 % bootstrap intervals")
