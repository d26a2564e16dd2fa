"""Terminal output: data on stdout, progress and messages on stderr."""

import csv
import io
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, TypeVar

Format = Literal["table", "jsonl", "csv"]
T = TypeVar("T")
LEGIBLE = 12  # characters that a column of a table needs at least

#: A cell that a spreadsheet would run as a formula begins with one of these (OWASP, CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def inert(value: Any) -> str:
    """A cell's text, safe from formula injection: a leading =, +, - or @ is escaped with a quote."""
    if value is None:
        return ""
    if isinstance(value, float | int):
        return f"{value:.6g}" if isinstance(value, float) else str(value)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return "'" + text if text.startswith(_FORMULA) else text


def emit(rows: Iterable[Mapping[str, Any]], format: Format = "table", title: str = "") -> int:
    """Print rows on stdout as a table, as JSON lines or as CSV; returns their number."""
    if format == "jsonl":
        encoding, count = (sys.stdout.encoding or "").lower().replace("-", ""), 0
        for row in rows:
            plain = encoding not in ("utf8", "utf16", "utf32")
            sys.stdout.write(json.dumps(row, ensure_ascii=plain, default=str) + "\n")
            count += 1
        return count
    listed = list(rows)
    if format == "csv":
        sys.stdout.write(csv_text(listed))
    else:
        _table(listed, title)
    return len(listed)


def csv_text(rows: Iterable[Mapping[str, Any]]) -> str:
    """Rows as CSV with a header, cells safe from formula injection."""
    listed = list(rows)
    columns = list(dict.fromkeys(key for row in listed for key in row))
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([inert(row.get(column)) for column in columns] for row in listed)
    return buffer.getvalue()


def _table(rows: Sequence[Mapping[str, Any]], title: str) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    columns = list(dict.fromkeys(key for row in rows for key in row))
    if len(rows) == 1 and len(columns) > 6:  # one long record reads down the page
        rows = [{"": column, " ": _cell(rows[0].get(column))} for column in columns]
        columns = ["", " "]
    console = Console(width=None if sys.stdout.isatty() else int(os.environ.get("COLUMNS") or 140))
    columns, more = columns[: console.width // LEGIBLE], columns[console.width // LEGIBLE :]
    table = Table(title=title or None, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        numeric = all(isinstance(row.get(column), int | float | None) for row in rows)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(_cell(row.get(column))) for column in columns))
    console.print(table)
    if more:
        say(f"not shown in {console.width} columns: {', '.join(more)} (--format csv shows all)")


def _cell(value: Any) -> str:
    if value is None or value != value:
        return "–"
    if isinstance(value, float):
        return f"{value:.3f}" if abs(value) < 10 else f"{value:,.0f}".replace(",", "\u202f")
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return str(value)


_SILENT = False


def quiet(silent: bool | None = None) -> bool:
    """Are `say` and `progress` silent?  From here on as given."""
    global _SILENT
    _SILENT = _SILENT if silent is None else silent
    return _SILENT


def printable() -> None:
    """Print a character that the terminal's encoding lacks (cp1252 has no "≈") as "?", rather than fail."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def say(*sentences: str) -> None:
    """Lines for the user, on stderr."""
    if not _SILENT:
        sys.stderr.writelines(f"{sentence}\n" for sentence in sentences)


def counted(number: int, noun: str) -> str:
    """A number with its noun, in English: "1 structure", "2 pieces of evidence"; `reference.french.counted` is the French one."""
    first, space, rest = noun.partition(" ")
    return f"{number} {first if number == 1 else f'{first}s'}{space}{rest}"


def progress(items: Iterable[T], description: str, total: int | None = None) -> Iterator[T]:
    """The same items, with a progress bar on stderr in an interactive terminal."""
    if total is None and hasattr(items, "__len__"):
        total = len(items)  # type: ignore[arg-type]
    if _SILENT or not sys.stderr.isatty():
        yield from items
        if total and total > 1000:
            say(f"{description}: {total} done")
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield from bar.track(items, total=total, description=description)
