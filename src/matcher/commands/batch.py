"""`matcher batch`: the nightly run, for cron and systemd."""

from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer
from service.settings import rules_of
from typer import Argument, Option

from matcher.catalogue.catalogue import Catalogue
from matcher.commands import _options as options
from matcher.console import emit, progress, say
from matcher.domain import BadInput, MissingExtra, NotFound
from matcher.outreach import batch, delivery, intake, review
from matcher.outreach.delivery import Sent
from matcher.outreach.rules import Rules
from matcher.reading.gather import Gathered
from matcher.reading.sync import _client, boamp, ted
from matcher.records.store import Store, now
from matcher.reference.french import in_paris
from matcher.reference.paths import write_whole
from matcher.territory import areas


def run(
    files: Annotated[options.Files, Argument(help="Notices: files, folders, archives.")] = None,
    sync: Annotated[bool, Option("--sync", help="First fetch what BOAMP published since.")] = False,
    ted: Annotated[bool, Option("--ted", help="--sync: fetch the notices of TED too.")] = False,
    to: Annotated[Path, Option("--to", help="--sync: the folder of `matcher sync`.")] = Path("var/sync"),
    catalogue: options.Folder = options.CATALOGUE,
    store: options.StoreAddress = None,
    since: Annotated[
        date | None, Option(parser=options.day, help="Only notices published on this day or later.")
    ] = None,
    dry_run: Annotated[bool, Option("--dry-run", help="Run on a copy; write and send nothing.")] = False,
    source: options.Source = None,
    department: options.Departments = None,
    region: options.Region = "",
    hold: Annotated[bool, Option("--hold", help="Keep the digests until `matcher outbox approve`.")] = False,
    outbox: Annotated[Path | None, Option(help="Write the mails into this folder (.eml).")] = None,
    rules: Annotated[Path | None, Option(help="JSON file of rules: cap, floor, hours, smtp ...")] = None,
    top: Annotated[int, Option(min=1, max=1000, help="Structures kept per lot, above the floor.")] = 50,
    jobs: Annotated[int, Option(min=1, max=256, help="Matching processes.")] = 1,
    scheduler: Annotated[str, Option(help="A Dask cluster to match on, tcp://host:port.")] = "",
    report: Annotated[Path | None, Option(help="Write the operator's report of the run (HTML).")] = None,
    at: Annotated[str | None, Option(help="Replay at this instant (ISO 8601).")] = None,
    format: options.Output = "table",
) -> None:
    """Match new notices, compose the digests, send those that are due.  Idempotent.

    A notice seen is matched again only if it or the catalogue changed; a lot announced is never announced again; a killed
    run is resumed by the next one, with the same result.  --region and --department bound it to notices with a lot there.

    \b
    Exit status:
       0  done: something new, or nothing new
       1  internal error
       2  wrong usage, or no catalogue
       3  source down or stale: no notice could be fetched or read, or none is recent
       4  digests held: by --hold, or because they are over three times the usual; see `matcher outbox`
       5  the mail server refuses us, or refused more than it took; what is left is tried again
      75  another batch is at work on this store (EX_TEMPFAIL): try again later

    \b
    matcher batch --sync --outbox var/outbox --report var/report.html
    matcher batch var/sync --dry-run --format jsonl
    matcher batch --sync --region Bretagne --hold
    matcher batch var/sync --scheduler tcp://10.0.0.5:8786
    """
    try:
        delivery.able()  # checked before the run, not at its end
    except MissingExtra as error:
        if not dry_run:
            raise
        say(f"matcher: the night itself will stop: {error}")
    moment = _moment(at)
    chosen = rules_of(rules, outbox)
    asked = batch.Options(
        rules=chosen,
        top=top,
        since=since,
        departments=frozenset(areas.codes_within(region, department)),
        hold=hold,
        jobs=jobs,
        scheduler=scheduler,
    )
    if not (catalogue / "manifest.json").is_file():
        raise NotFound(f"no catalogue in {catalogue}: build it with `matcher index FILES --out {catalogue}`")
    if not files and not sync:
        raise BadInput("no notices: give files or folders, or --sync to fetch what BOAMP published")
    synced = [to / name for name in ("boamp", *(("ted",) if ted else ())) if sync]
    unreachable = not all(_fetch(folder) for folder in synced)
    opened = options.open_store(store)
    # what was not read before
    found = intake.read(opened, files or (), moment, source=source)
    intake.read(opened, filter(Path.exists, synced), moment, found=found)
    say(*list(Gathered(tenders=found.tenders, rejected=found.rejected).summary())[1:])
    rejected = len(found.rejected) + found.known_rejected
    rest = {"rejected": rejected, "known": found.known, "moment": moment, "progress": progress}
    try:
        if dry_run:
            summary = batch.rehearse(opened, catalogue, found.tenders, asked, **rest)
        else:
            summary = batch.run(opened, catalogue, found.tenders, asked, **rest)  # type: ignore[arg-type]
            if since is None:  # else what was left out would never be read
                intake.remember(opened, found)
    except batch.Busy as error:
        say(f"matcher: {error}")
        raise typer.Exit(batch.BUSY) from None
    say(*summary.sentences())
    row = {key: value for key, value in asdict(summary).items() if key not in ("versions", "waves")}
    if dry_run:
        say("dry run: nothing was written, nothing sent")
    else:
        sent = _deliver(opened, options.loaded(catalogue).catalogue, chosen, moment)
        row |= dict(sorted(sent.items()))
        if report:
            write_whole(report, review.of_run(opened, summary.run))
            say(f"{report} written")
    emit([row], format)
    if unreachable or summary.source in ("down", "stale"):
        raise typer.Exit(batch.SOURCE_DOWN)
    if not dry_run and sent.trouble:
        raise typer.Exit(delivery.REFUSED)
    if summary.held:
        raise typer.Exit(batch.HELD)


def _moment(at: str | None) -> datetime:
    try:
        return in_paris(datetime.fromisoformat(at)) if at else now()
    except ValueError:
        raise BadInput(f"--at {at!r} is not an instant: write it 2026-11-24T02:00") from None


def _fetch(folder: Path) -> bool:
    """Fetch from the publisher that a folder is named after; returns False where it does not answer."""
    try:
        fetched = boamp.boamp(folder) if folder.name == "boamp" else ted.ted(folder)
    except _client.Unreachable as error:
        # notices fetched earlier are matched anyway; the exit status says that some may be missing
        say(f"source down: {error}")
        return False
    say(*fetched.notes)
    say(f"{fetched.records} records fetched from {folder.name.upper()}, {fetched.unchanged} held before")
    return True


def _deliver(store: Store, catalogue: Catalogue, rules: Rules, at: datetime) -> Sent:
    """Send what is due, and print what became of the mails; their number by state."""
    try:
        sent = delivery.deliver(store, catalogue, rules, at=at)
    except batch.Busy as error:  # the matches are kept; the mails stay ready
        say(f"matcher: {error}")
        sent = delivery.Sent(waiting=len(delivery.waiting(store)))
    except BadInput as error:
        sent = delivery.Sent(waiting=len(delivery.waiting(store)))
        sent.stopped = str(error)
    for state, count in sorted(sent.items()):
        why = " (no outbox or server given, or outside sending hours)" if state == "waiting" else ""
        where = f" into the folder {rules.outbox}" if state == "sent" and not rules.smtp else ""
        say(f"{count} mails {state}{where}{why}")
    if sent.stopped:
        say(f"mail stopped early: {sent.stopped}")
    for one in delivery.doubtful(store):
        say(f"the mail to {one['address']} ({one['who']}) may have left: see `matcher outbox doubtful`")
    return sent
