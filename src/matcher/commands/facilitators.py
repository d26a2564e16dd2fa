"""Facilitators of a place, referrals, and early access to needs."""

from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option

from matcher import codec
from matcher.commands._options import Output, open_store, proved, rejects
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
def refer(
    facilitator: Annotated[str, Argument(help="Its id.")],
    subject: Annotated[str, Argument(help="Id of the notice or need.")],
    note: Annotated[str, Option(help="A note, without personal data.")] = "",
) -> None:
    """Record that a notice or a need was referred to a facilitator."""
    facilitators.refer(open_store(), "operator", facilitator, subject, note)
    say("orientation enregistrée")


@app.command()
def referrals(
    facilitator: Annotated[str, Option(help="Only referrals to this facilitator.")] = "",
    format: Output = "table",
) -> None:
    """The referrals recorded, newest first."""
    names = "date=at, facilitateur=facilitator, objet=subject, par=actor, note"
    found = facilitators.referrals(open_store(), facilitator)
    emit((codec.flat(row, names) for row in found), format)


@app.command()
def show(
    need: Annotated[str, Argument(help="Id of your unpublished need.")],
    facilitator: Annotated[str, Argument(help="Who may see it early.")],
    withdraw: Annotated[bool, Option("--withdraw", help="Withdraw the permission.")] = False,
    key: Annotated[str, Option(envvar="MATCHER_KEY", help="Your API key.")] = "",
) -> None:
    """Let a facilitator see your unpublished need early, or withdraw the permission; only its buyer can."""
    with proved(key) as (kept, bearer):
        facilitators.allow(kept, bearer, need, facilitator, withdraw=withdraw)
    say("permission retirée" if withdraw else "permission donnée, pour un an")


@app.command()
def needs(facilitator: Annotated[str, Argument(help="Its id.")], format: Output = "table") -> None:
    """The unpublished needs that their buyers let this facilitator see."""
    found = facilitators.early(open_store(), facilitator)
    emit(({"id": t.id, "besoin": t.title, "acheteur": t.buyer.name} for t in found), format)
