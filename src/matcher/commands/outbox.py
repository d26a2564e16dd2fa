"""`matcher outbox`: operator control of digests: inspect, approve, cancel, send, bounces."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from matcher.commands._options import DEFAULT_CATALOGUE, CatalogueFolder

app = typer.Typer(help="Pending digests: list, sample, approve, cancel, send, bounces.", no_args_is_help=True)

Day = Annotated[str | None, typer.Option(help="Only of this day (2026-11-24).")]
Format = Annotated[str, typer.Option(help="table, jsonl or csv.")]


@app.command("list")
def list_(format: Format = "table") -> None:
    """How many digests stand in which state, by day."""
    from sqlalchemy import func, select

    from matcher.console import emit
    from matcher.records.store import Store
    from matcher.records.tables import Digest

    with Store.open().reading() as connection:
        rows = connection.execute(
            select(Digest.day, Digest.status, func.count().label("digests")).group_by(Digest.day, Digest.status).order_by(Digest.day)
        ).all()  # fmt: skip
    emit(({"day": row.day.isoformat(), "state": row.status, "digests": row.digests} for row in rows), format)


@app.command()
def sample(n: Annotated[int, typer.Option("-n", min=1, help="How many.")] = 5) -> None:
    """Show some of the digests that are held, as their readers would see them."""
    from matcher.console import say
    from matcher.outreach import digests, review
    from matcher.records.store import Store

    held = review.sample(Store.open(), n)
    if not held:
        say("nothing is held")
    for content in held:
        typer.echo(digests.rendered(content, "text").decode())


@app.command()
def approve(day: Day = None) -> None:
    """Let the digests that are held go; `matcher outbox send` sends them."""
    from matcher.console import say
    from matcher.outreach import review
    from matcher.records.store import Store

    say(f"{review.approve(Store.open(), _day(day))} digests approved")


@app.command()
def cancel(day: Day = None) -> None:
    """Cancel the digests that are held: they are never sent, and their lots count as announced."""
    from matcher.console import say
    from matcher.outreach import review
    from matcher.records.store import Store

    say(f"{review.approve(Store.open(), _day(day), refuse=True)} digests cancelled")


@app.command()
def send(
    to: Annotated[
        Path | None, typer.Option("--outbox", help="Write the mails into this folder instead of SMTP.")
    ] = None,
    rules: Annotated[Path | None, typer.Option(help="JSON file of rules, as for `matcher batch`.")] = None,
    catalogue: CatalogueFolder = DEFAULT_CATALOGUE,
    format: Format = "table",
) -> None:
    """Send what is ready, within sending hours; later unsubscriptions, bounces and deadlines are honoured."""
    from matcher.console import emit
    from matcher.matching.engine import Matcher
    from matcher.outreach import delivery
    from matcher.outreach.rules import Rules
    from matcher.records.store import Store

    chosen = Rules.read(rules.read_text(encoding="utf-8")) if rules else Rules()
    sent = delivery.deliver(Store.open(), Matcher.load(catalogue).catalogue, chosen, outbox=to)
    emit(({"state": state, "mails": count} for state, count in sorted(sent.items())), format)


@app.command()
def doubtful(
    sent: Annotated[
        bool, typer.Option("--sent", help="They were sent, according to the server's log.")
    ] = False,
    again: Annotated[bool, typer.Option("--again", help="They were not: send them again.")] = False,
    format: Format = "table",
) -> None:
    """Mails that a crash left unconfirmed by the server; they are never resent automatically."""
    from matcher.console import emit, say
    from matcher.domain import BadInput
    from matcher.outreach import delivery
    from matcher.records.store import Store

    if sent and again:
        raise BadInput("either --sent or --again")
    store = Store.open()
    rows = delivery.doubtful(store)
    emit(rows, format)
    if sent or again:
        say(f"{delivery.settle(store, [row['id'] for row in rows], sent)} settled")


@app.command()
def bounce(reports: Annotated[list[Path], typer.Argument(help="Delivery reports (.eml).")]) -> None:
    """Suppress the addresses with a permanent failure in these delivery reports."""
    from matcher.console import say
    from matcher.outreach import transport
    from matcher.records.store import Store

    store = Store.open()
    for path in reports:
        stopped = transport.bounced(store, path.read_bytes())
        say(f"{path.name}: {len(stopped)} address(es) stopped")


def _day(text: str | None):  # type: ignore[no-untyped-def]
    from matcher.domain import BadInput
    from matcher.reference.identifiers import clean_date

    day = clean_date(text) if text else None
    if text and day is None:
        raise BadInput(f"--day {text!r} is not a day: write it 2026-11-24")
    return day
