"""`matcher index`: build the catalogue that matching asks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DEFAULT_CATALOGUE = Path("var/catalogue")


def run(
    files: Annotated[
        list[Path],
        typer.Argument(help="Directories of structures and past awards: files, folders, archives."),
    ],
    out: Annotated[Path, typer.Option(help="The folder of the catalogue.")] = DEFAULT_CATALOGUE,
    recipe: Annotated[str, typer.Option(help="default, weighted, lexical or dense.")] = "default",
    map: Annotated[list[str] | None, typer.Option(help="Correct a guessed column: field=heading.")] = None,
) -> None:
    """Index structures (CSV, XLSX, JSON ...) with the awards they won (DECP) as evidence.

    Notices found among the files are kept beside the catalogue for `matcher opportunities`.  What structures say of
    themselves in the store (offers, contacts, zones, "ce n'est pas notre métier") is laid over the files.

    \b
    matcher index data/sample
    matcher index my-network.xlsx awards.json.gz --out var/catalogue --map siret="N° SIRET"
    """
    from matcher import declared, gathering, recipes
    from matcher.catalogue import Catalogue
    from matcher.terminal import say

    chosen = recipes.named(recipe)
    gathered = gathering.gather(files, gathering.columns(map or []))
    for sentence in gathered.summary():
        say(sentence)
    gathered.structures, taken = declared.of_store(gathered.structures, gathered.awards)
    if taken:
        say(taken)
    catalogue = Catalogue.build(gathered.structures, gathered.awards, chosen)
    catalogue.save(out)
    gathering.save_notices(gathered.tenders, out)
    counts = catalogue.manifest
    say(
        f"{len(catalogue)} structures, {counts['evidence']} pieces of evidence ({counts['awards']} awards), "
        f"{len(gathered.tenders)} notices; {out} written"
    )
