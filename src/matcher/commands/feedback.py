"""`matcher feedback`: record the feedback of a structure or a buyer on a lot."""

from __future__ import annotations

from typing import Annotated

import typer


def run(
    siret: Annotated[str, typer.Argument(help="SIRET of the structure.")],
    notice: Annotated[str, typer.Argument(help="Id of the notice.")],
    verb: Annotated[str, typer.Argument(help="interested, declined, contacted, submitted or won.")],
    lot: Annotated[str, typer.Option(help="Id of the lot; the whole notice by default.")] = "",
    reason: Annotated[
        str, typer.Option(help="Why not: not-our-trade, too-far, too-big ... or free text.")
    ] = "",
    by: Annotated[str, typer.Option(help="Author of the feedback.")] = "operator",
) -> None:
    """Record feedback on a lot; a refusal is effective immediately: the lot is never proposed to this structure again.

    \b
    matcher feedback 00010001600013 26-130101 declined --reason too-far
    """
    from sqlalchemy import select

    from matcher.console import say
    from matcher.records import feedback
    from matcher.records.store import Store
    from matcher.records.tables import Notice

    store = Store.open()
    with store.reading() as connection:
        tender = connection.execute(select(Notice.tender).where(Notice.id == notice)).scalar() or {"lots": []}
    codes = [one["cpv"][0] for one in tender["lots"] if one["cpv"] and lot in ("", one["id"])]
    feedback.record(
        store, siret, notice, lot, verb, reason=reason, cpv=codes[0] if len(codes) == 1 else "", by=by
    )
    recorded = f"{siret} {feedback.VERBS[verb][0]}, {notice}" + (f" lot {lot}" if lot else "")
    say(recorded + ("" if tender["lots"] else " (this notice has not been seen by `matcher batch` yet)"))
