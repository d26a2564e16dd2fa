"""The exchange of partners (bourse à la cotraitance)."""

from datetime import datetime, time
from pathlib import Path
from typing import Any

import typer
from typer import Argument, Option

from matcher import codec
from matcher.catalogue.files import load_catalogue
from matcher.commands._options import CATALOGUE, KEY, Output, proved
from matcher.console import emit, say
from matcher.reading import gather
from matcher.reading.procedure import by_id, closing
from matcher.records import exchange, worked
from matcher.reference.french import PARIS, iso

app = typer.Typer(help=__doc__, no_args_is_help=True)


@app.command()
def declare(
    siret: str = Argument(..., help="The declaring SIRET; your key must be scoped to it."),
    notice: str = Argument(..., help="Identifier of the notice."),
    lot: str = Option("", help="Identifier of the lot; the whole notice by default."),
    brings: str = Option("", help="What you bring."),
    seeks: str = Option("", help="What you look for."),
    contact: str | None = Option(None, help="An address for those who may see it; you can delete it."),
    visible_to: list[str] = Option([], help="Only these SIRETs may see it; all members by default."),
    buyer: bool = Option(False, "--buyer", help="Let the buyer see it."),
    deadline: datetime | None = Option(
        None, formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S%z"], help="If the notice states none."
    ),
    catalogue: Path = Option(CATALOGUE, help="Catalogue whose notices are known, if it exists."),
    key: str = KEY,
    format: Output = "table",
) -> None:
    """Declare what a structure brings and looks for; declaring again replaces the earlier one.

    Example: matcher exchange declare SIRET 26-1234 --brings "tonte" --seeks "nettoyage" --deadline 2026-12-15
    """
    known = gather.load_notices(catalogue) if catalogue.is_dir() else []
    tender = by_id(known).get(notice)
    if deadline is None and tender is not None:
        deadline = closing(tender)
    if deadline is not None and deadline.tzinfo is None:
        deadline = datetime.combine(deadline, time.max, PARIS)
    with proved(key) as (store, bearer):
        visibility = "named" if visible_to else "members"
        offer = exchange.declare(
            store,
            bearer,
            siret=siret,
            notice_id=notice,
            lot_id=lot,
            brings=brings,
            seeks=seeks,
            contact=contact,
            visibility=visibility,
            named=visible_to,
            buyer_may_see=buyer,
            deadline=deadline,
            tender=tender,
        )
        emit([_row(offer)], format)


@app.command("list")
def list_(
    notice: str | None = Option(None, help="Only this notice."),
    lot: str | None = Option(None, help="Only this lot and declarations on the whole notice."),
    mine: bool = Option(False, "--mine", help="Your own, in any state."),
    key: str = KEY,
    format: Output = "table",
) -> None:
    """The open declarations that your key may see; viewing is recorded."""
    with proved(key) as (store, bearer):
        offers = exchange.listing(store, bearer, notice_id=notice, lot_id=lot, mine=mine)
        emit(map(_row, offers), format)


@app.command()
def withdraw(declaration: str = Argument(..., help="Its id."), key: str = KEY) -> None:
    """Withdraw your declaration; its contact address is deleted with it."""
    with proved(key) as (store, bearer):
        exchange.withdraw(store, bearer, declaration)
        say("déclaration retirée")


@app.command()
def suggest(
    siret: str = Argument(..., help="The declaring SIRET; your key must be scoped to it."),
    notice: str | None = Option(None, help="Only this notice."),
    n: int = Option(10, help="How many."),
    reach: float = Option(100.0, help="Maximum distance in kilometres, where both places are known."),
    catalogue: Path = Option(CATALOGUE, help="Catalogue to read places from, if it exists."),
    key: str = KEY,
    format: Output = "table",
) -> None:
    """Declarations complementary to yours, best first, with the reason."""
    kilometres = exchange.distances(load_catalogue(catalogue)) if catalogue.is_dir() else None
    with proved(key) as (store, bearer):
        suggested = exchange.suggest(
            store, bearer, siret, notice_id=notice, kilometres=kilometres, reach_km=reach, n=n
        )
    rows = (
        {**_row(s.offer), "km": s.distance_km, "score": s.score, "why": " ; ".join(s.reasons)}
        for s in suggested
    )
    emit(rows, format)


@app.command()
def contact(
    declaration: str = Argument(..., help="Its id."),
    delete: bool = Option(False, "--delete", help="Delete the address of your own declaration."),
    key: str = KEY,
) -> None:
    """The contact address of a declaration that you may see; the request is recorded."""
    with proved(key) as (store, bearer):
        if delete:
            exchange.forget_contact(store, bearer, declaration)
            say("adresse effacée")
        else:
            typer.echo(exchange.contact(store, bearer, declaration))


@app.command()
def write(
    declaration: str = Argument(..., help="Its id."),
    member: str = Argument(..., help="Your SIRET, or, as its author, that of whom you answer."),
    text: str = Option("", help="Your message; without one, what was written is printed."),
    key: str = KEY,
    format: Output = "table",
) -> None:
    """Write to the author of a declaration, or back to a member, and print what was written; the pages mail it too."""
    with proved(key) as (store, bearer):
        if text:
            exchange.write(store, bearer, declaration, member, text)
        emit(map(codec.to_json, exchange.messages(store, bearer, declaration)), format)


@app.command()
def agree(
    declaration: str = Argument(..., help="The id of your own."),
    other: str = Argument(..., help="The id of the other."),
    role: str = Option(..., help="Yours: mandataire, cotraitant or sous-traitant."),
    part: str = Option(..., help="What you do."),
    key: str = KEY,
    format: Output = "table",
) -> None:
    """Agree with the author of another declaration, and print the group: those who agreed with each other."""
    with proved(key) as (store, bearer):
        exchange.agree(store, bearer, declaration, other, role, part)
        group = exchange.group(store, bearer, declaration)
        emit(map(codec.to_json, group), format)
        if not group:
            say("votre accord est noté : le groupement se voit quand l'autre dit le sien")


@app.command()
def won(
    declaration: str = Argument(..., help="The id of your own."),
    promised: float | None = Option(None, min=0, help="Hours of insertion of your part."),
    key: str = KEY,
) -> None:
    """Your group won: what you agreed to do, and the hours promised, enter the ledger (`matcher hours done`)."""
    with proved(key) as (store, bearer):
        worked.won(store, bearer, declaration, promised)
        say("votre part est au registre des heures : `matcher hours done`")


@app.command()
def viewers(
    declaration: str = Argument(..., help="Its id."), key: str = KEY, format: Output = "table"
) -> None:
    """Who saw your declaration, and when."""
    with proved(key) as (store, bearer):
        emit(exchange.viewers(store, bearer, declaration), format)


def _row(offer: Any) -> dict[str, Any]:
    same = "id, siret, notice=notice_id, lot=lot_id, brings, seeks"
    return codec.flat(offer, same) | {
        "contact": "yes" if offer.has_contact else "no",
        "visible": offer.visibility + (" + buyer" if offer.buyer_may_see else ""),
        "until": iso(offer.deadline),
        "state": offer.state,
    }
