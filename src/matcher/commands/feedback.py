"""What structures say of lots and mails."""

from datetime import date
from typing import Annotated, Any

import typer
from sqlalchemy import select
from typer import Argument, Option
from typer.core import TyperGroup

from matcher.commands._options import day, open_store
from matcher.console import say
from matcher.outreach import alerts
from matcher.records import feedback
from matcher.records.tables import Notice


class _Recording(TyperGroup):
    """Without the name of a subcommand, feedback is recorded."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            args = ["record", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(cls=_Recording, help=__doc__, no_args_is_help=True)
Siret = Annotated[str, Argument(help="SIRET of the structure.")]


@app.command()
def record(
    siret: Siret,
    notice: Annotated[str, Argument(help="Id of the notice.")],
    verb: Annotated[str, Argument(help="interested, declined, contacted, submitted or won.")],
    lot: Annotated[str, Option(help="Id of the lot; the whole notice by default.")] = "",
    reason: Annotated[str, Option(help="Why not: not-our-trade, too-far, too-big ... or free text.")] = "",
    by: Annotated[str, Option(help="Author of the feedback.")] = "operator",
) -> None:
    """Record feedback on a lot; a refusal is effective immediately: the lot is never proposed to this structure again.

    \b
    matcher feedback 00010001600013 26-130101 declined --reason too-far
    """
    store = open_store()
    tender = store.ask(select(Notice.tender).where(Notice.id == notice)).scalar() or {"lots": []}
    codes = [one["cpv"][0] for one in tender["lots"] if one["cpv"] and lot in ("", one["id"])]
    code = codes[0] if len(codes) == 1 else ""
    feedback.record(store, siret, notice, lot, verb, reason=reason, cpv=code, by=by)
    recorded = f"{siret} {feedback.VERBS[verb]}, {notice}" + (f" lot {lot}" if lot else "")
    say(recorded + ("" if tender["lots"] else " (this notice has not been seen by `matcher batch` yet)"))


@app.command()
def stop(
    siret: Siret,
    only: Annotated[str, Option(help="alerts or questions; both by default.")] = "",
    by: Annotated[str, Option(help="Who recorded it.")] = "operator",
) -> None:
    """A structure answered "stop": no more alerts, no more questions of buyers, or neither.

    \b
    matcher feedback stop 00010001600013 --only alerts
    """
    feedback.check_identity(siret)
    alerts.stop(open_store(), siret, only, by=by)
    say(f"{siret}: no more {only or 'mail'}")


@app.command()
def pause(
    siret: Siret,
    until: Annotated[date, Argument(parser=day, help="The day from which alerts come again, 2027-01-05.")],
    by: Annotated[str, Option(help="Who recorded it.")] = "operator",
) -> None:
    """No alerts before a day: what is open then is told."""
    alerts.pause(open_store(), siret, until, by)
    say(f"{siret}: no alerts before {until}")


@app.command()
def frequency(
    siret: Siret,
    often: Annotated[str, Argument(help="daily, weekly or off.")],
    by: Annotated[str, Option(help="Who recorded it.")] = "operator",
) -> None:
    """How often alerts come at most; daily or weekly also begin them again after a stop."""
    alerts.choose(open_store(), siret, often, by=by)
    say(f"{siret}: alerts {often}")
