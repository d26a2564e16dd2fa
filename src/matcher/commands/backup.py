"""`matcher backup`: every row of the store in one file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def run(
    path: Annotated[Path, typer.Argument(help="File to write, .jsonl.gz.")],
    store: Annotated[str | None, typer.Option(help="Address of the store; MATCHER_STORE by default.")] = None,
) -> None:
    """Write the whole store to one file, from one consistent view, while others write.

    \b
    matcher backup maillage-2026-11-24.jsonl.gz
    """
    from matcher.console import say
    from matcher.records.store import Store

    say(f"{Store.open(store).backup(path)} rows written to {path}")
