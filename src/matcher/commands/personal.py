"""Export or erase what the store holds about a person.

\b
matcher personal export contact@example.org
matcher personal erase contact@example.org --yes
"""

import json
from collections.abc import Collection
from contextlib import suppress

import typer
from service.settings import read
from typer import Argument, Option

from matcher.catalogue.files import load_catalogue
from matcher.commands._options import StoreAddress, open_store
from matcher.console import emit, say
from matcher.domain import NotFound, StaleArtefact
from matcher.outreach.transport import erase_mails
from matcher.records import personal

LISTED = "{} est dans le catalogue l'adresse de {} : demandez aussi par ce SIRET, ce qui attend pour lui y serait envoyé"
BEYOND = (
    "hors d'atteinte, à chercher et à effacer vous-même : les dossiers donnés à --outbox (autres que {}), les sauvegardes, et l'annuaire : "
    "retirez-y la personne, puis relancez `matcher index`"
)
KEPT = "gardé : un désabonnement, haché, pour que plus aucun message ne parte à cette adresse"
app = typer.Typer(help=__doc__, no_args_is_help=True)


@app.command()
def export(
    person: str = Argument(..., help="An e-mail address or a SIRET."), store: StoreAddress = None
) -> None:
    """Everything that the store holds about a person, as JSON on stdout; the catalogue is beyond it."""
    with open_store(store) as opened:
        held = personal.export(opened, person)
    typer.echo(json.dumps(held, ensure_ascii=False, indent=2))
    _say_the_rest(person, held, read().outbox)


def _say_the_rest(person: str, held: Collection[str], outbox: object) -> None:
    """Say that nothing is held where nothing is, and always what lies outside the store."""
    if not held:
        say(f"la base ne contient rien sur {person}")
    if sirets := _listed_with(person):
        say(LISTED.format(person, ", ".join(sirets)))
    say(BEYOND.format(outbox))


def _listed_with(person: str) -> list[str]:
    """The SIRETs of the structures that the catalogue lists with this address; none where there is no catalogue."""
    if "@" not in person:
        return []
    with suppress(NotFound, StaleArtefact):
        catalogue = load_catalogue(read().catalogue)
        address = person.strip().lower()
        payloads = catalogue.structures.column("payload").to_pylist()
        known = (
            catalogue.structure(row) for row, text in enumerate(payloads) if address in str(text).lower()
        )
        return [one.siret for one in known if one.email.lower() == address]
    return []


@app.command()
def erase(
    person: str = Argument(..., help="An e-mail address or a SIRET."),
    yes: bool = Option(False, "--yes", help="Erase; without it, only report what would be erased."),
    store: StoreAddress = None,
) -> None:
    """Erase a person from every table; keys of a SIRET are revoked.

    An address that was known stays as a hashed unsubscription, so that no mail is sent again; notices stay as published.
    """
    with open_store(store) as opened:
        held = personal.export(opened, person)
        if held and "@" in person:
            say(KEPT)
        if yes:
            gone = personal.erase(opened, person) | {
                "mails in the outbox": erase_mails(read().outbox, person)
            }
            emit(({"table": t, "erased": n} for t, n in gone.items()), "table")
        elif held:
            emit(({"table": t, "rows": len(rows)} for t, rows in held.items()), "table")
            say("rien n'a été effacé : ajoutez --yes")
    _say_the_rest(person, held, read().outbox)
