"""`matcher evaluate`: recipes and baselines on known answers, side by side, with intervals."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def run(
    data: Annotated[Path, typer.Option(help="Folder with awards/ and structures/.")],
    task: Annotated[str, typer.Option(help="suppliers, siae or partners.")] = "suppliers",
    recipe: Annotated[list[str] | None, typer.Option(help="Recipes to compare; repeatable.")] = None,
    baselines: Annotated[
        bool, typer.Option(help="Beside them, the reference BM25 and other simple methods.")
    ] = True,
    ablation: Annotated[
        bool, typer.Option("--ablation", help="The default recipe with each signal out, in turn.")
    ] = False,
    incumbents: Annotated[
        bool,
        typer.Option(
            "--incumbents",
            help="The default recipe also with the buyer's own past holders, and the pairs never seen apart.",
        ),
    ] = False,
    most: Annotated[int | None, typer.Option(min=1, help="Only so many queries (for a quick look).")] = None,
    format: Annotated[str, typer.Option(help="table, jsonl or csv.")] = "table",
) -> None:
    """Measure recipes on past notices whose winners are known, asked as of their day.

    \b
    matcher evaluate --data ../shared/data --task suppliers
    matcher evaluate --data ../shared/data --task siae --ablation
    matcher evaluate --data ../shared/data --task suppliers --recipe default --incumbents
    """
    from matcher.console import check_format, emit
    from matcher.lab import benchmark

    check_format(format)
    rows = benchmark.compare(
        data,
        task,
        recipe or ["default", "weighted", "lexical", "dense"],
        baselines,
        ablation,
        most,
        incumbents,
    )
    emit(rows, format, f"{task}, 95 % bootstrap intervals")
