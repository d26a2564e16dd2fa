"""The persistent store (MATCHER_STORE=sqlite:///FILE or postgresql://...; a SQLite file by default)."""

from pathlib import Path

import typer
from typer import Argument, Option

from matcher.commands._options import Output, StoreAddress, open_store
from matcher.console import emit, say
from matcher.domain import BadInput
from matcher.records import chain
from matcher.records.store import now
from matcher.records.tables import RETENTION

app = typer.Typer(help=__doc__, no_args_is_help=True)


@app.command()
def info(format: Output = "table") -> None:
    """Where the store is, its version, and how many rows each table holds."""
    with open_store() as store:
        say(f"{store.engine.url.render_as_string(hide_password=True)}, version {store.version()}")
        counts = store.counts()
    rows = ({"table": t, "rows": n, "kept_days": RETENTION.get(t, ("", None))[1]} for t, n in counts.items())
    emit(rows, format)


@app.command()
def migrate() -> None:
    """Create the store, or migrate it to this program's version."""

    with open_store() as store:
        say(f"version {store.version()}")


@app.command()
def anchor(
    check: Path | None = Option(None, help="An anchor printed before: what it names is looked for."),
    store: StoreAddress = None,
) -> None:
    """Print how many events each sourcing record has, with its last seal; kept elsewhere, it reveals a rolled-back store.

    Example: matcher store anchor > anchor-2026-11-24.txt, then matcher store anchor --check anchor-2026-11-24.txt
    """
    with open_store(store) as opened, opened.reading() as connection:
        if check is None:
            for record, count, seal in chain.anchors(connection):
                typer.echo(f"{record} {count} {seal}")
            return
        lines = [line.split() for line in check.read_text(encoding="utf-8").splitlines() if line.strip()]
        if any(len(line) != 3 or not line[1].isdecimal() for line in lines):
            raise BadInput(f"{check} is no anchor: give what `matcher store anchor` printed")
        gone = list(chain.missing_since(connection, [(a, int(b), c) for a, b, c in lines]))
    for record in gone:
        typer.echo(f"{record}: an event sealed when the anchor was printed is not there any more")
    say(f"{len(lines)} records checked, {len(gone)} set back or rewritten")
    if gone:
        raise typer.Exit(2)


@app.command()
def backup(
    path: Path = Argument(..., help="File to write, .jsonl.gz, or a folder: it is then named by the time."),
    store: StoreAddress = None,
    keep: int = Option(0, min=0, help="In a folder: keep this many of the newest backups; 0 keeps all."),
) -> None:
    """Write every row to one file, from one consistent snapshot, while others write.

    \b
    matcher store backup maillage-2026-11-24.jsonl.gz
    matcher store backup /var/lib/maillage/backup --keep 30
    """
    folder = None if path.name.endswith(".gz") else path
    if folder is not None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / f"store-{now():%Y%m%dT%H%M%S}.jsonl.gz"
    with open_store(store) as opened:
        say(f"{opened.backup(path)} rows written to {path}")
    for old in sorted(folder.glob("store-*.jsonl.gz"))[:-keep] if folder is not None and keep else ():
        old.unlink()


@app.command()
def restore(
    path: Path = Argument(..., help="A file that `matcher store backup` wrote."), store: StoreAddress = None
) -> None:
    """Fill an empty store from a backup, all or nothing, on SQLite or PostgreSQL.

    Example: matcher store restore maillage-2026-11-24.jsonl.gz --store postgresql://maillage@localhost/maillage
    """

    with open_store(store) as opened:
        say(f"{opened.restore(path)} rows restored")


@app.command()
def prune(format: Output = "table") -> None:
    """Delete what is older than its table's retention."""

    with open_store() as store:
        gone = store.prune()
    emit(({"table": table, "deleted": count} for table, count in gone.items()), format)
