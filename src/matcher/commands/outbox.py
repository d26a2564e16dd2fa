"""Mails: list, show, approve, cancel, send, settle, bounces."""

from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from service.settings import rules_of
from sqlalchemy import func, select
from typer import Argument, Option

from matcher import codec
from matcher.commands._options import CATALOGUE, Folder, Output, Words, day, loaded, open_store
from matcher.console import emit, say
from matcher.domain import BadInput, NoValidRecords
from matcher.outreach import delivery, digests, review, transport
from matcher.outreach.sourcing.questions import SETTLE
from matcher.records.tables import Digest

app = typer.Typer(help=__doc__, no_args_is_help=True)

Day = Annotated[date | None, Option(parser=day, help="Only of this day (2026-11-24).")]


@app.command("list")
def list_(format: Output = "table") -> None:
    """Number of digests by day and state."""
    counted = select(Digest.day, Digest.status.label("state"), func.count().label("digests"))
    rows = open_store().ask(counted.group_by(Digest.day, Digest.status).order_by(Digest.day)).mappings()
    emit((codec.flat(row, "day, state, digests") for row in rows), format)


@app.command()
def show(
    state: Annotated[Words, Option(help="Only in this state; repeatable.")] = None,
    day: Day = None,
    format: Output = "table",
) -> None:
    """Every mail, digests and letters of the pages: to whom, when, what, and what the server said last."""
    emit(delivery.listed(open_store(), state or (), day), format)


@app.command()
def sample(n: Annotated[int, Option("-n", min=1, help="How many.")] = 5) -> None:
    """Show some of the digests that are held, as their readers would see them."""
    held = review.sample(open_store(), n)
    if not held:
        say("nothing is held")
    for content in held:
        typer.echo(digests.rendered(content, "text").decode())


@app.command()
def approve(day: Day = None) -> None:
    """Let the digests that are held go; `matcher outbox send` sends them."""
    say(f"{review.decide(open_store(), 'ready', day)} digests approved")


@app.command()
def cancel(
    day: Day = None,
    for_good: Annotated[bool, Option("--for-good", help="Their lots count as announced.")] = False,
) -> None:
    """Cancel the digests that are held: they are never sent; their lots are announced again while they are open."""
    to = "dropped" if for_good else "cancelled"
    say(f"{review.decide(open_store(), to, day)} digests cancelled")


@app.command()
def send(
    to: Annotated[Path | None, Option("--outbox", help="A folder for the mails, instead of SMTP.")] = None,
    rules: Annotated[Path | None, Option(help="JSON file of rules, as for `matcher batch`.")] = None,
    catalogue: Folder = CATALOGUE,
    format: Output = "table",
) -> None:
    """Send what is ready, within sending hours; later unsubscriptions, bounces and deadlines are honoured.

    Letters of the pages (questions of buyers, account links) leave at any hour.  Sending stops where the server refuses
    several letters in a row; what was refused for good is announced again the next night.

    \b
    Exit status:
       0  done
       2  wrong usage, no catalogue, or no mail server
       5  the mail server refuses us, or refused more than it took: see `matcher outbox show --state failed`
    """
    chosen, store = rules_of(rules, to), open_store()
    sent = delivery.deliver(store, loaded(catalogue).catalogue, chosen)
    letters = delivery.drain(store, chosen, SETTLE)
    if sent.stopped:
        say(f"mail stopped early: {sent.stopped}")
    mails = [("digest", *pair) for pair in sorted(sent.items())]
    mails += [("letter", *pair) for pair in sorted(letters.items())]
    emit(({"kind": kind, "state": state, "mails": count} for kind, state, count in mails), format)
    refused = letters["failed"] + letters["bounced"] > letters["sent"] + letters["outbox"]
    if sent.trouble or refused:
        raise typer.Exit(delivery.REFUSED)


@app.command()
def doubtful(
    who: Annotated[Words, Argument(help="Addresses, SIRETs or ids; by default all.")] = None,
    sent: Annotated[bool, Option("--sent", help="They left, according to the server's log.")] = False,
    again: Annotated[bool, Option("--again", help="They did not: send them again.")] = False,
    format: Output = "table",
) -> None:
    """Mails that a crash left unconfirmed: to whom, when, and what the server said last; settled one by one.

    \b
    matcher outbox doubtful
    matcher outbox doubtful contact@example.org --sent
    matcher outbox doubtful 00010001600013 --again
    """
    if sent and again:
        raise BadInput("either --sent or --again")
    if bool(who) != (sent or again):
        raise BadInput("name the mails to settle, by address, SIRET or id, with --sent or --again")
    store = open_store()
    if not who:
        emit(delivery.doubtful(store), format)
        return
    say(f"{delivery.settle(store, who, sent)} settled: {'sent' if sent else 'to be sent again'}")


@app.command()
def bounce(reports: Annotated[list[Path], Argument(help="Delivery reports (.eml).")]) -> None:
    """Take delivery reports: an address that does not exist is suppressed, and what did not arrive is announced again.

    An address without any mail sent is rejected: reports can be forged.
    """
    store, count = open_store(), 0
    for path in reports:
        found = transport.returned(store, path.read_bytes())
        count += len(found.stopped) + len(found.failed)
        say(f"{path.name}: {len(found.stopped)} address(es) stopped")
        say(*(f"{path.name}: {one} did not arrive; the address is not stopped" for one in found.failed))
        say(*(f"{path.name}: {one} refused: no mail was ever sent to it" for one in found.unknown))
    if not count:
        raise NoValidRecords("no address stopped: give delivery reports (RFC 3464) of mails that were sent")


@app.command()
def bounces(
    who: Annotated[Words, Argument(help="Addresses or SIRETs, with --lift.")] = None,
    lift: Annotated[bool, Option("--lift", help="Write to these again.")] = False,
    every: Annotated[bool, Option("--all", help="--lift: all of them.")] = False,
    format: Output = "table",
) -> None:
    """The addresses suppressed since they bounced: since when, and what the server said; `--lift` writes to them again.

    \b
    matcher outbox bounces
    matcher outbox bounces contact@example.org --lift
    """
    store = open_store()
    if lift != bool(who or every):
        raise BadInput("name the addresses to lift, or --all, with --lift")
    rows = transport.suppressed(store)
    if lift:
        say(f"{transport.lift(store, who or [row['address'] for row in rows])} addresses lifted")
    else:
        emit(rows, format)
