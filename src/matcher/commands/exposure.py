"""`matcher exposure`: exposure of structures over a set of needs, compared with their probability of being a lead."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from matcher import codec
from matcher.commands._options import CATALOGUE, Folder, Output, Words, loaded
from matcher.console import emit, progress, say
from matcher.lab import leads
from matcher.outreach import exposure


def run(
    notices: Annotated[list[Path], Argument(help="Notices, or judged needs (NAME.queries.jsonl), to match.")],
    catalogue: Folder = CATALOGUE,
    recipe: Annotated[Words, Option(help="A recipe to compare; default the catalogue's.")] = None,
    n: Annotated[int, Option("-n", min=1, help="Structures per lot that count as shown.")] = 10,
    days: Annotated[int, Option(min=1, max=366, help="Days on which the lots are matched.")] = 1,
    sheet: Annotated[Path | None, Option(help="Write the public sheet (French) here.")] = None,
    format: Output = "table",
) -> None:
    """Report exposure and the probability of being a lead: Gini, share never shown, by kind, size, département, evidence.

    Where NAME.judged.jsonl is next to NAME.queries.jsonl, the nDCG@5 of each recipe is printed too.

    \b
    matcher exposure data/sample
    matcher exposure notices/ --recipe default --recipe rotating --days 30
    matcher exposure data/benchmark/sample.queries.jsonl --sheet sheet.md
    """
    tenders = [tender for _, tender in leads.tenders(notices, [])]
    measured = []
    names: list[str | None] = list(recipe) if recipe else [None]
    for name in names:
        matcher = loaded(catalogue, name)
        found = exposure.measure(matcher, progress(tenders, "asking"), n, days)
        cost = leads.quality(matcher, notices, days)
        measured.append(exposure.Measured(matcher.versions, found, cost))
        if format == "jsonl":
            emit([{"recipe": matcher.recipe.name, "nDCG@5": cost, **codec.to_json(found)}], "jsonl")
            continue
        share = found.neglected
        whom = "de celles du métier à portée ni montrées ni à interroger"
        neglected = "" if share is None else f" ; {100 * share:.1f} % {whom}"
        quality_text = "" if cost is None else f", nDCG@5 {cost:.3f}"
        say(
            f"{matcher.recipe.name} : {found.lots} lots, {found.structures} structures, Gini {found.gini:.3f}, "
            f"{100 * found.never_shown:.1f} % jamais montrées parmi les {n} premières ; {100 * found.credible:.1f} % à vérifier au moins "
            f"une fois, dont {100 * found.passed_over:.1f} % jamais montrées{neglected} ; écart à la chance {found.distance:.3f}{quality_text}"
        )
        for key, heading in exposure.GROUPINGS.items():
            emit(found.groups[key], format, f"{heading} ({matcher.recipe.name})")
    if sheet is not None:
        sheet.write_text(exposure.written(measured), encoding="utf-8")
        say(f"{sheet} written")
