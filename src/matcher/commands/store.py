"""The store: status, migration, backup, restore and pruning."""

from __future__ import annotations

from pathlib import Path

import typer

from matcher.commands._options import OutputFormat

app = typer.Typer(
    help="The persistent store (MATCHER_STORE: a SQLite file by default, or PostgreSQL).",
    no_args_is_help=True,
)
STORE = typer.Option(None, "--store", help="Address of the store; MATCHER_STORE by default.")


@app.command()
def info(format: OutputFormat = "table") -> None:
    """Where the store is, its version, and how many rows each table holds."""
    from matcher.console import emit, say
    from matcher.records.store import Store
    from matcher.records.tables import RETENTION

    with Store.open() as store:
        say(f"{store.engine.url.render_as_string(hide_password=True)}, version {store.version()}")
        counts = store.counts()
    emit(
        ({"table": t, "rows": n, "kept_days": RETENTION.get(t, ("", None))[1]} for t, n in counts.items()),
        format,
    )


@app.command()
def migrate() -> None:
    """Create the store, or migrate it to this program's version."""
    from matcher.console import say
    from matcher.records.store import Store

    with Store.open() as store:
        say(f"version {store.version()}")


@app.command()
def backup(
    path: Path = typer.Argument(
        ..., help="File to write, .jsonl.gz, or a folder: the file is then named by the time."
    ),
    store: str | None = STORE,
    keep: int = typer.Option(
        0, min=0, help="In a folder: keep this many of the newest backups; 0 keeps all."
    ),
) -> None:
    """Write every row to one file, from one consistent snapshot, while others write.

    \b
    matcher store backup maillage-2026-11-24.jsonl.gz
    matcher store backup /var/lib/maillage/backup --keep 30
    """
    from matcher.console import say
    from matcher.records.store import Store, now

    folder = None if path.name.endswith(".gz") else path
    if folder is not None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / f"store-{now():%Y%m%dT%H%M%S}.jsonl.gz"
    with Store.open(store) as opened:
        say(f"{opened.backup(path)} rows written to {path}")
    for old in sorted(folder.glob("store-*.jsonl.gz"))[:-keep] if folder is not None and keep else ():
        old.unlink()


@app.command()
def restore(
    path: Path = typer.Argument(..., help="A file that `matcher store backup` wrote."),
    store: str | None = STORE,
) -> None:
    """Fill an empty store from a backup, all or nothing, on SQLite or PostgreSQL.

    Example: matcher store restore maillage-2026-11-24.jsonl.gz --store postgresql://maillage@localhost/maillage
    """
    from matcher.console import say
    from matcher.records.store import Store

    with Store.open(store) as opened:
        say(f"{opened.restore(path)} rows restored")


@app.command()
def prune(format: OutputFormat = "table") -> None:
    """Delete what is older than its table's retention."""
    from matcher.console import emit
    from matcher.records.store import Store

    with Store.open() as store:
        gone = store.prune()
    emit(({"table": table, "deleted": count} for table, count in gone.items()), format)
