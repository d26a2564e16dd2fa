"""`matcher spaser`: purchases by kind of structure, from the buyer's ledger and DECP."""

from typing import Annotated

from typer import Argument, Option

from matcher.catalogue.files import load_catalogue
from matcher.commands._options import CATALOGUE, Files, Folder, Html, Output, Xlsx, gathered, rejects, write
from matcher.console import emit, say
from matcher.domain import BadInput
from matcher.reference.french import euros
from matcher.territory import ledger as desk


def run(
    awards: Annotated[Files, Argument(help="DECP files.")] = None,
    ledger: Annotated[Files, Option(help="The buyer's ledger: SIRET, montant, année.")] = None,
    hours: Annotated[Files, Option(help="Hours done (`matcher hours done --lines -f csv`).")] = None,
    buyer: Annotated[str, Option(help="SIREN or SIRET of the buyer; all buyers by default.")] = "",
    year: Annotated[list[int] | None, Option(help="Only this year; repeatable.")] = None,
    catalogue: Folder = CATALOGUE,
    html: Html = None,
    xlsx: Xlsx = None,
    format: Output = "table",
) -> None:
    """Purchases from SIAE, EA, ESAT and ESUS by trade, year and department; social, SME and group shares.

    \b
    matcher spaser decp.json.gz --ledger grand-livre.csv --buyer 217500016 --year 2025 --html rapport.html --xlsx rapport.xlsx
    """
    if not awards and not ledger and not hours:
        raise BadInput("rien à rapporter : donnez des fichiers DECP, --ledger grand-livre.csv ou --hours")
    books = [desk.read(path.read_bytes(), path.name) for path in ledger or ()]
    tables = [desk.read_hours(path.read_bytes(), path.name) for path in hours or ()]
    rejected = [one for _, bad in (*books, *tables) for one in bad]
    listed = []
    if awards:
        found = gathered(awards)
        listed = found.awards
        rejected += found.rejected
    bought = [purchase for good, _ in books for purchase in good]
    done = [line for good, _ in tables for line in good]
    sources = ", ".join(path.name for path in ledger or ())
    made = desk.report(
        load_catalogue(catalogue),
        purchases=bought,
        awards=listed,
        buyer=buyer,
        years=tuple(year or ()),
        rejected=rejected,
        ledger_source=sources,
        lines=done,
    )
    for path_, content in ((html, desk.page), (xlsx, desk.workbook)):
        if path_:
            write(path_, content(made))
    emit(desk.rows(made), format)
    say(*(f"{share.shown()} [{share.source}]" for share in made.shares if not share.year))
    unseen = f"{made.small} achats à des structures de l'ESS ({euros(made.small_amount)} HT)"
    say(f"{unseen} dont DECP ne dit rien")
    say(*made.notes, made.facilitator, *(f"source : {s}" for s in made.sources))
    rejects(made.rejected[:10])
    if len(made.rejected) > 10:
        say(f"... et {len(made.rejected) - 10} autres lignes écartées")
