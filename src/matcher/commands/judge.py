"""`matcher judge`: grade pairs of a need and a structure in the terminal, to learn a judgement from your own experts."""

import json
from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option

from matcher.commands._options import CATALOGUE, Folder, loaded
from matcher.console import say
from matcher.domain import BadInput, NoValidRecords, Rejected
from matcher.lab import evaluation, leads
from matcher.lab.leads import judged


def run(
    queries: Annotated[Path, Argument(help="A table (besoin, lieu), or JSONL: query_id, notice.")],
    out: Annotated[Path, Option(help="The file of grades, NAME.judged.jsonl.")],
    catalogue: Folder = CATALOGUE,
) -> None:
    """Grade structures for needs, blind to their rank, by the guide of docs/judging.md; "q" stops, the same command goes on from there.

    Grades kept in a table (besoin, lieu, siret, note: CSV, XLSX) are taken as they are: only needs without any are asked.

    \b
    matcher judge notes.xlsx --out ours/judged/ours.judged.jsonl
    matcher evaluate --judged ours/judged/ours.queries.jsonl --structures directory.xlsx
    matcher train judgement --data ours --sets ours --structures directory.xlsx
    """
    if not out.name.endswith(leads.JUDGED):
        raise BadInput(
            f"--out {out.name}: NAME{leads.JUDGED} is wanted, which `matcher evaluate` finds by this name"
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    rejected: list[Rejected] = []
    if queries.suffix not in (".jsonl", ".gz"):
        queries = leads.of_table(queries, out)
    known = judged(out) if out.is_file() else {}
    asked = [q for q in evaluation.questions(queries, rejected) if "next" in known.get(q.id, {"next": 0})]
    if not asked and not known:
        raise NoValidRecords(f"no need was read in {queries}: give query_id and notice, one object a line")
    matcher = loaded(catalogue) if asked else None

    def prompted(prompt: str) -> str:
        try:
            return str(typer.prompt(prompt, "", show_default=False, prompt_suffix=""))
        except typer.Abort:  # Ctrl-C, or the end of what is piped in
            return leads.STOP

    with out.open("a", encoding="utf-8") as sink:
        for line in leads.graded(matcher, asked, prompted, say, known) if matcher else ():
            sink.write(json.dumps(line) + "\n")
            sink.flush()
            known[line["query_id"]] = line
    begun = sum("next" in line for line in known.values())
    say(f"{len(known) - begun} besoins jugés{f', {begun} commencé' if begun else ''} dans {out}")
