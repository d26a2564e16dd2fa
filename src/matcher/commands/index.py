"""`matcher index`: build the catalogue used for matching."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from matcher.catalogue.build import build_catalogue, update_catalogue
from matcher.catalogue.files import load_catalogue, save_catalogue
from matcher.commands._options import CATALOGUE, Departments, Files, Region, Source, Words
from matcher.console import counted, say
from matcher.domain import BadInput
from matcher.matching import judgement, recipes, stored
from matcher.matching.engine import Matcher
from matcher.matching.recipes import SHIPPED
from matcher.partners import opportunities
from matcher.reading import gather
from matcher.reading.procedure import in_force
from matcher.reading.sources import _columns
from matcher.records import self_declared
from matcher.territory import areas


def run(
    files: Annotated[Files, Argument(help="Structures and awards; --update needs none.")] = None,
    out: Annotated[Path, Option("--out", "--catalogue", help="The folder of the catalogue.")] = CATALOGUE,
    recipe: Annotated[str, Option(help=f"One of {', '.join(SHIPPED)}, or a TOML file.")] = "default",
    encoder: Annotated[str, Option(help="Another encoder or sentence-transformers model.")] = "",
    map: Annotated[Words, Option(help="field=heading, or a saved profile.")] = None,
    source: Source = None,
    update: Annotated[
        bool, Option("--update", help="Update: these replace those of the same SIRETs.")
    ] = False,
    region: Region = "",
    department: Departments = None,
    gone: Annotated[Words, Option(help="--update: remove this SIRET; repeatable.")] = None,
) -> None:
    """Index structures (CSV, XLSX, ODS ...) with the awards they won (DECP) as evidence.

    Notices found among the files are kept with the catalogue for `matcher opportunities`.  What structures say of
    themselves in the store (offers, contacts, zones, "ce n'est pas notre métier") overrides the files.
    --region and --department keep the structures whose seat is there.

    \b
    matcher index data/sample
    matcher index my-network.xlsx awards.json.gz --out var/catalogue --map siret="N° SIRET"
    matcher index data/sample --region Île-de-France --department 60
    matcher index changed.xlsx --update --gone 00010000700014
    matcher index --update
    matcher index data/sample --encoder intfloat/multilingual-e5-small --out var/e5
    MATCHER_VECTORS=postgresql://USER@HOST/BASE matcher index data/sample --recipe pgvector
    """
    chosen = recipes.named(recipe, encoder)
    within = areas.codes_within(region, department)
    if within and update:
        raise BadInput("--region and --department bound a full build: leave out --update")
    if not files and not update:
        raise BadInput("give the files to index: matcher index FILES --out FOLDER")
    gathered = gather.gather(files, _columns.pairs(map or []), source) if files else gather.Gathered()
    for sentence in gathered.summary():
        say(sentence)
    gathered.structures, taken = self_declared.overlay_from_store(gathered.structures, gathered.awards)
    if taken:
        say(taken)
    if update:
        if gathered.awards:
            raise BadInput("--update takes structures only: new awards need a full build, without --update")
        held = load_catalogue(out)
        gathered.structures += self_declared.amended(held, gathered.structures)
        catalogue = update_catalogue(held, gathered.structures, gone or ())
        gathered.awards = gather.load_contracts(out)
        notices = [*gather.stored_notices(out), *gathered.tenders]
        gathered.tenders = list({tender.id: tender for tender in notices}.values())
    elif not gathered.structures and ((has := _holds(out)) or not gathered.awards):
        stays = f": {out} stays, with those it has" if has else ""
        raise BadInput(f"no structure in what was given{stays} (is a plug-in missing, or a --source?)")
    else:
        catalogue = build_catalogue(gathered.structures, gathered.awards, chosen, departments=within)

    def also(folder: Path) -> None:
        gather.save_rejects(gathered, folder)
        gather.save_notices(gathered.tenders, folder)
        gather.save_contracts(gathered.awards, folder)
        stored.save(catalogue, folder)
        opportunities.save_lots(Matcher(catalogue), in_force(gathered.tenders), folder)

    save_catalogue(catalogue, out, also)
    if other := judgement.of_another_encoder(catalogue):
        say(other)
    if gathered.rejected:
        say(f"what was set aside, and why: {out / gather.REJECTS}")
    counts = catalogue.manifest
    say(
        f"{counted(len(catalogue), 'structure')}, {counted(counts['evidence'], 'piece')} of evidence "
        f"({counted(counts['awards'], 'award')}), {counted(len(gathered.tenders), 'notice')}; {out} written"
    )


def _holds(out: Path) -> bool:
    return (out / "manifest.json").is_file() and len(load_catalogue(out)) > 0
