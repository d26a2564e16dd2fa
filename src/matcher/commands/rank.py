"""`matcher rank`: rank the candidates of each query of a file, in the benchmark's format."""

import json
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from matcher.commands._options import Files
from matcher.console import progress, say
from matcher.domain import NoValidRecords, Rejected
from matcher.lab import evaluation
from matcher.matching import recipes
from matcher.matching.engine import Matcher
from matcher.matching.recipes import SHIPPED


def run(
    queries: Annotated[Path, Argument(help="JSONL: query_id, notice, and member for partners.")],
    history: Annotated[list[Path], Option(help="Past awards (DECP): evidence, and the candidates.")],
    out: Annotated[Path, Option(help="The run file to write, JSONL.")],
    structures: Annotated[Files, Option(help="Rank these structures instead.")] = None,
    recipe: Annotated[str, Option(help=f"One of {', '.join(SHIPPED)}.")] = "default",
    top: Annotated[int, Option(min=1, help="Maximum SIRENs per query.")] = 100,
    incumbents: Annotated[bool, Option("--incumbents", help="Use the buyer's own past holders.")] = False,
) -> None:
    """Rank structures, or the suppliers of past awards, for each notice of a file.

    Only awards dated before a notice are used for it.

    \b
    matcher rank needs.jsonl --history history.json.gz --out run.jsonl
    matcher rank needs.jsonl --history history.json.gz --structures siae.jsonl --out run.jsonl --recipe lexical
    """
    chosen = recipes.named(recipe)
    rejected: list[Rejected] = []
    asked = list(evaluation.questions(queries, rejected))
    if not asked:
        say(*(f"set aside {bad.record}: {bad.reason}" for bad in rejected[:5]))
        raise NoValidRecords(f"no query was read in {queries}: give query_id and notice, one object a line")
    catalogue = evaluation.catalogue_of(history, structures, chosen, rejected)
    matcher = Matcher(catalogue, chosen, exhaustive=True)
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("w", encoding="utf-8") as sink:
        for question in progress(asked, "ranking"):
            sink.write(json.dumps(evaluation.ranked(matcher, question, top, incumbents)) + "\n")
    say(*(f"set aside {bad.record}: {bad.reason}" for bad in rejected[:20]))
    if len(rejected) > 20:
        say(f"... and {len(rejected) - 20} more")
    done = f"{len(asked)} queries ranked among {len(catalogue)} candidates"
    say(f"{done}, {len(rejected)} set aside; {out} written")
