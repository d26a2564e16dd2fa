"""`matcher exposure`: who is shown over a set of needs, and who is not."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from matcher.commands._options import DEFAULT_CATALOGUE, CatalogueFolder, OutputFormat


def run(
    notices: Annotated[list[Path], typer.Argument(help="Notices whose lots are matched.")],
    catalogue: CatalogueFolder = DEFAULT_CATALOGUE,
    n: Annotated[int, typer.Option("-n", min=1, help="Structures per lot that count as shown.")] = 10,
    format: OutputFormat = "table",
) -> None:
    """Report the exposure of structures and kinds: Gini, share never shown, by kind and by what they say.

    \b
    matcher exposure data/sample
    matcher exposure notices/ -n 5 --format csv
    """
    from matcher import codec
    from matcher.console import check_format, emit, progress, say
    from matcher.matching.engine import Matcher
    from matcher.outreach import exposure
    from matcher.reading import gather

    check_format(format)
    matcher = Matcher.load(catalogue)
    tenders = gather.gather(notices).tenders
    found = exposure.measure(matcher, progress(tenders, "asking"), n)
    if format == "jsonl":
        emit([codec.to_json(found)], "jsonl")
        return
    say(
        f"{found.lots} lots, {found.structures} structures : Gini {found.gini:.3f}, "
        f"{100 * found.never_shown:.1f} % jamais montrées parmi les {n} premières"
    )
    emit(found.by_kind, format, "Par type")
    emit(found.by_evidence, format, "Par ce qu'elles disent d'elles")
    emit(found.by_size, format, "Par effectif")
