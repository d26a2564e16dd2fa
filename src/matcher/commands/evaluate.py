"""`matcher evaluate`: recipes and baselines on known answers, compared with confidence intervals."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from matcher.commands._options import OutputFormat


def run(
    data: Annotated[Path, typer.Option(help="Folder with awards/ and structures/.")],
    task: Annotated[str, typer.Option(help="suppliers, siae or partners.")] = "suppliers",
    recipe: Annotated[list[str] | None, typer.Option(help="Recipes to compare; repeatable.")] = None,
    baselines: Annotated[
        bool, typer.Option(help="Also evaluate the reference BM25 and other simple baselines.")
    ] = True,
    ablation: Annotated[
        bool, typer.Option("--ablation", help="The default recipe with each signal left out in turn.")
    ] = False,
    incumbents: Annotated[
        bool,
        typer.Option(
            "--incumbents",
            help="Also the default recipe with the buyer's own past holders, and unseen pairs reported separately.",
        ),
    ] = False,
    most: Annotated[
        int | None, typer.Option(min=1, help="Maximum number of queries (for a quick look).")
    ] = None,
    format: OutputFormat = "table",
) -> None:
    """Evaluate recipes on past notices with known winners, each queried as of its date.

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
