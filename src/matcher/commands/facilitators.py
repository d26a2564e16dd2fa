"""`matcher facilitators`: facilitators of a place, referrals, and early access to needs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option

from matcher.commands._options import OutputFormat, open_store
from matcher.console import emit, say

app = typer.Typer(help="Facilitators of a place, referrals, and early access to needs.", no_args_is_help=True)


@app.command("import")
def import_(
    file: Annotated[
        Path,
        Argument(help="CSV: nom, type, communes, departements, courriel, telephone, site, source, date."),
    ],
) -> None:
    """Import a file, replacing the former one; unreadable rows are reported.

    \b
    matcher facilitators import facilitateurs.csv
    """
    from matcher.records import facilitators

    good, bad = facilitators.keep(file)
    for one in bad:
        say(f"écarté, {one.record} : {one.reason}")
    say(f"{len(good)} facilitateurs gardés, {len(bad)} lignes écartées")


@app.command("list")
def list_(
    place: Annotated[str, Option(help="Only those of this commune, postcode or department.")] = "",
    format: OutputFormat = "table",
) -> None:
    """The facilitators, or those of a place, the most local first."""
    from matcher.records import facilitators
    from matcher.territory.areas import somewhere

    known, _ = facilitators.read()
    where = somewhere(place) if place else None
    found = facilitators.of(where, known) if where else known
    emit(
        (
            {
                "id": f.id,
                "nom": f.name,
                "type": f.kind,
                "communes": len(f.communes),
                "départements": " ".join(f.departments),
                "courriel": f.email,
                "téléphone": f.phone,
                "site": f.website,
                "source": f.source,
                "date": str(f.on or ""),
            }
            for f in found
        ),
        format,
    )
    if where:
        say(facilitators.named(where, known))


@app.command()
def refer(
    facilitator: Annotated[str, Argument(help="Its id.")],
    subject: Annotated[str, Argument(help="Id of the notice or need.")],
    note: Annotated[str, Option(help="A note, without personal data.")] = "",
) -> None:
    """Record that a notice or a need was referred to a facilitator."""
    from matcher.records import facilitators

    facilitators.refer(open_store(), "operator", facilitator, subject, note)
    say("orientation enregistrée")


@app.command()
def referrals(
    facilitator: Annotated[str, Option(help="Only referrals to this facilitator.")] = "",
    format: OutputFormat = "table",
) -> None:
    """The referrals recorded, newest first."""
    from matcher.records import facilitators

    names = {"facilitateur": "facilitator", "objet": "subject", "par": "actor", "note": "note"}
    found = facilitators.referrals(open_store(), facilitator)
    rows = (
        {
            "date": r["at"].isoformat(timespec="minutes"),
            **{heading: r[name] for heading, name in names.items()},
        }
        for r in found
    )
    emit(rows, format)


@app.command()
def show(
    need: Annotated[str, Argument(help="Id of your unpublished need.")],
    facilitator: Annotated[str, Argument(help="Who may see it early.")],
    withdraw: Annotated[bool, Option("--withdraw", help="Withdraw the permission.")] = False,
    key: Annotated[str, Option(envvar="MATCHER_KEY", help="Your API key.")] = "",
) -> None:
    """Let a facilitator see your unpublished need early, or withdraw the permission; only its buyer can."""
    from matcher.records import facilitators, keys

    kept = open_store()
    facilitators.allow(kept, keys.prove(kept, key), need, facilitator, withdraw=withdraw)
    say("permission retirée" if withdraw else "permission donnée, pour un an")


@app.command()
def needs(facilitator: Annotated[str, Argument(help="Its id.")], format: OutputFormat = "table") -> None:
    """The unpublished needs that their buyers let this facilitator see."""
    from matcher.records import facilitators

    found = facilitators.early(open_store(), facilitator)
    emit(({"id": t.id, "besoin": t.title, "acheteur": t.buyer.name} for t in found), format)
