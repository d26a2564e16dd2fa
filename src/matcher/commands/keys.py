"""API keys: made by the operator, scoped, shown once; kept in the store (MATCHER_STORE=sqlite:///FILE)."""

from typing import Any

import typer
from typer import Argument, Option

from matcher.commands._options import Output, open_store
from matcher.console import emit, say
from matcher.records import keys

app = typer.Typer(help=__doc__, no_args_is_help=True)


@app.command()
def create(
    scope: list[str] = Option(..., help="read, buyer, operator or structure:SIRET; repeat for several."),
    label: str = Option("", help="The holder."),
    days: int = Option(365, help="Days of validity."),
) -> None:
    """Create a key; its secret is printed only once.

    Example: matcher keys create --scope structure:SIRET --label "Atelier du Canal"
    """
    with open_store() as store:
        typer.echo(keys.create(store, scope, label=label, days=days))
    say(
        "Cette clé ne sera plus montrée : gardez-la, puis donnez-la par la variable MATCHER_KEY, ou à l'API par l'en-tête X-API-Key."
    )


@app.command("list")
def list_(format: Output = "table") -> None:
    """All keys, without their secrets."""

    def shown(key: keys.Bearer) -> dict[str, Any]:
        moments = {"created": key.created_at, "expires": key.expires_at, "revoked": key.revoked_at}
        row = {"id": key.id, "scopes": " ".join(key.scopes), "label": key.label}
        return row | {name: at and at.isoformat(timespec="seconds") for name, at in moments.items()}

    with open_store() as store:
        emit(map(shown, keys.listed(store)), format)


@app.command()
def revoke(key: str = Argument(..., help="The id that `matcher keys list` shows.")) -> None:
    """Revoke a key."""
    with open_store() as store:
        keys.revoke(store, key)
    say("clé révoquée")
