"""Facilitators of a place, and referrals to them."""

from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option

from matcher import codec
from matcher.commands._options import Output, open_store, rejects
from matcher.console import emit, say
from matcher.records import facilitators
from matcher.reference.french import counted
from matcher.territory.areas import place_of

app = typer.Typer(help=__doc__, no_args_is_help=True)
SHOWN = (
    "id, nom=name, type=kind, communes, départements=departments, courriel=email, téléphone=phone, "
    "site=website, source, date=on"
)


@app.command("import")
def import_(
    file: Annotated[Path, Argument(help="CSV: nom, type, communes, departements, courriel, telephone ...")],
) -> None:
    """Import a file, replacing the former one; unreadable rows are reported.

    \b
    matcher facilitators import facilitateurs.csv
    """
    good, bad = facilitators.keep(file)
    rejects(bad)
    say(f"{counted(len(good), 'facilitateur gardé')}, {counted(len(bad), 'ligne écartée')}")


@app.command("list")
def list_(
    place: Annotated[str, Option(help="Only those of this commune, postcode or department.")] = "",
    format: Output = "table",
) -> None:
    """The facilitators, or those of a place, the most local first."""
    known, _ = facilitators.read()
    where = place_of(place)
    found = facilitators.of(where, known) if where else known
    rows = (codec.flat(f, SHOWN) | {"communes": len(f.communes), "date": str(f.on or "")} for f in found)
    emit(rows, format)
    if where:
        say(facilitators.named(where, known))


@app.command()
def referrals(
    facilitator: Annotated[str, Option(help="Only referrals to this facilitator.")] = "",
    format: Output = "table",
) -> None:
    """The referrals recorded, newest first."""
    names = "date=at, facilitateur=facilitator, objet=subject, par=actor, note"
    found = facilitators.referrals(open_store(), facilitator)
    emit((codec.flat(row, names) for row in found), format)
