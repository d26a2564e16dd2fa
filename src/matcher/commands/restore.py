"""`matcher restore`: fill an empty store from a backup."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def run(
    path: Annotated[Path, typer.Argument(help="A file that `matcher backup` wrote.")],
    store: Annotated[str | None, typer.Option(help="Address of the store; MATCHER_STORE by default.")] = None,
) -> None:
    """Fill an empty store from a backup, all or nothing, on SQLite or PostgreSQL alike.

    \b
    matcher restore maillage-2026-11-24.jsonl.gz --store postgresql://maillage@localhost/maillage
    """
    from matcher.console import say
    from matcher.records.store import Store

    say(f"{Store.open(store).restore(path)} rows restored")
