"""Export or erase what the store holds about a person.

\b
matcher personal export contact@example.org
matcher personal erase contact@example.org --yes
"""

import json

import typer
from service.settings import read
from typer import Argument, Option

from matcher.commands._options import open_store
from matcher.console import emit, say
from matcher.outreach.transport import erase_mails
from matcher.records import personal

BEYOND = (
    "hors d'atteinte, à effacer vous-même : les dossiers donnés à --outbox (autres que {}), les sauvegardes, et l'annuaire : "
    "retirez-y la personne, puis relancez `matcher index`"
)
app = typer.Typer(help=__doc__, no_args_is_help=True)


@app.command()
def export(person: str = Argument(..., help="An e-mail address or a SIRET.")) -> None:
    """Everything held about a person, as JSON on stdout."""
    with open_store() as store:
        typer.echo(json.dumps(personal.export(store, person), ensure_ascii=False, indent=2))


@app.command()
def erase(
    person: str = Argument(..., help="An e-mail address or a SIRET."),
    yes: bool = Option(False, "--yes", help="Erase; without it, only report what would be erased."),
) -> None:
    """Erase a person from every table; keys of a SIRET are revoked.

    Unsubscriptions are kept, hashed, so that no mail is sent again; notices stay as published.
    """
    with open_store() as store:
        if yes:
            gone = personal.erase(store, person) | {"mails in the outbox": erase_mails(read().outbox, person)}
            emit(({"table": t, "erased": n} for t, n in gone.items()), "table")
            say(BEYOND.format(read().outbox))
            return
        emit(({"table": t, "rows": len(rows)} for t, rows in personal.export(store, person).items()), "table")
        say("rien n'a été effacé : ajoutez --yes")
