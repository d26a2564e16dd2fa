"""What commands share: options, each described once, the store, and values as a table, JSON lines or CSV."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from matcher import codec
from matcher.console import check_format, emit
from matcher.domain import BadInput
from matcher.reference.identifiers import clean_date

if TYPE_CHECKING:
    from matcher.records.store import Store

T = TypeVar("T")
DEFAULT_CATALOGUE = Path(os.environ.get("MATCHER_CATALOGUE") or "var/catalogue")

CatalogueFolder = Annotated[Path, typer.Option(help="The folder written by `matcher index`.")]
OutputFormat = Annotated[
    str, typer.Option("--format", "-f", help="table, jsonl or csv.", callback=check_format)
]


def day(text: str) -> date:
    """The day of an option, for its `parser`.  Raises BadInput."""
    found = clean_date(text)
    if found is None:
        raise BadInput(f"{text!r} is not a date: write it as 2026-11-24")
    return found


def open_store(address: str | None = None) -> Store:
    """The store of MATCHER_STORE, or at this address; imported only where a command needs it."""
    from matcher.records.store import Store

    return Store.open(address)


def emit_values(
    values: Iterable[T], format: str, flat: Callable[[T], Mapping[str, Any]], title: str = ""
) -> None:
    """Values whole as JSON lines, or `flat`, as rows of a table or of CSV."""
    emit(map(codec.to_json if format == "jsonl" else flat, values), format, title)
