"""`matcher enrich`: complete a directory by what is public about its structures."""

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from typer import Argument, Option

from matcher import codec
from matcher.commands._options import Output
from matcher.console import counted, emit, say
from matcher.domain import BadInput, Structure
from matcher.matching.trades import LIKELY_TRADE, prior_chances
from matcher.reading import enrich, gather
from matcher.reading.sync import site
from matcher.records import self_declared


def run(
    files: list[Path] = Argument(..., help="The directory of structures."),
    to: Path = Option(Path("var/sync"), "--to", help="Folder of what is fetched, as for `matcher sync`."),
    out: Path = Option(Path("var/enriched.jsonl"), "--out", help="The completed directory, to be indexed."),
    only: str = Option("", "--only", help="Some sources alone, as site,emplois; all by default."),
    offline: bool = Option(False, "--offline", help="Fetch nothing: use what --to holds."),
    opt_out: Path | None = Option(None, "--opt-out", help="Hosts, SIRETs, SIRENs whose sites are not read."),
    by: Literal["kind", "department", "both"] = Option("kind", help="What trades are counted by."),
    format: Output = "table",
) -> None:
    """Complete a directory with what publishers and the structures' own sites say.

    Prints how many have a declared, a read or only a likely trade, before and after. A publisher that fails is named; its
    cached data are used.

    \b
    matcher enrich members.xlsx
    matcher enrich members.xlsx --only site,emplois --opt-out opt-out.txt
    matcher enrich members.xlsx --offline --by both
    matcher index var/enriched.jsonl awards.json.gz
    """
    before = gather.gather(files).structures
    if not before:
        raise BadInput(f"{files[0]} holds no structure with a SIRET: give a directory of structures")
    chosen = [name.strip() for name in only.split(",") if name.strip()]
    unread = site.opted_out(opt_out) | self_declared.unread_sites()
    found = enrich.enrich(before, to, chosen, not offline, unread, say)
    for report in found.reports:
        say(*(f"{report.what}: {note}" for note in report.notes))
    say(*(f"{name} failed: {sentence}" for name, sentence in found.failed.items()))
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("w", encoding="utf-8") as sink:
        for structure in found.structures:
            sink.write(json.dumps(codec.to_json(structure), ensure_ascii=False) + "\n")
    say(
        f"{counted(len(found.structures), 'structure')} written to {out}: index it with `matcher index {out}`"
    )
    emit(report_rows(before, found.structures, by), format)


def report_rows(before: Iterable[Structure], after: Iterable[Structure], by: str) -> list[dict[str, object]]:
    """One row for each kind (or department, or both), then the total: how the trades are known, before and after."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for when, structures in (("before", before), ("after", after)):
        for structure in structures:
            kind, department = structure.kind or "?", structure.place.department or "?"
            names = {"kind": kind, "department": department, "both": f"{department} {kind}"}
            counts.update((key, when, speaks(structure)) for key in (names[by], "all"))
    ways = ("said", "read", "likely", "silent")
    return [
        {by: key, "structures": sum(counts[key, "after", way] for way in ways)}
        | {f"{way} {when}": counts[key, when, way] for way in ways for when in ("before", "after")}
        for key in sorted({key for key, _, _ in counts}, key=lambda key: (key == "all", key))
    ]


def speaks(structure: Structure) -> str:
    """ "said" for a declared trade, "read" for one read of it, "likely" for one inferred from kind, code and name, else "silent"."""
    texts = [o for o in structure.offers if o.nature in ("offer", "description", "job")]
    if structure.description or any(not o.inferred for o in texts):
        return "said"
    if texts:
        return "read"
    chances = prior_chances(structure.kind, structure.naf or "", structure.name)
    return "likely" if chances.max() >= LIKELY_TRADE else "silent"
