"""`matcher columns`: the guessed column mapping of a spreadsheet, with samples; corrected with --map, kept with --save."""

import json
import textwrap
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option

from matcher import plugins
from matcher.commands._options import Output
from matcher.console import emit, say
from matcher.domain import BadInput
from matcher.reading import files
from matcher.reading.sources import _columns, _tabular

SEEN = 500  # rows sampled


def run(
    path: Path = Argument(..., help="A CSV, XLSX, ODS, JSON or JSON lines file."),
    source: str | None = Option(None, "--source", "-s", help="directory (structures) or table (notices)."),
    map: list[str] = Option(
        [], "--map", help="field='heading' corrects a guess, field=none drops it; or a saved profile."
    ),
    save: Annotated[Path | None, Option(help="Keep the mapping as a profile for --map.")] = None,
    format: Output = "table",
) -> None:
    """Show the guessed column mapping before reading: one line per field, then the unused columns.

    A profile is a JSON file that `--map` takes, here and in `read` and `index`; `kind:WORDS` in it (or in `--map`) says
    what kind of structure words of your own mean, `sheet:NAME=none` leaves a sheet out.

    Examples:

    matcher columns data/sample/structures.csv

    matcher columns members.xlsx --map zone='Secteur couvert' --map 'kind:Tiers-lieu=ESS' --save members.json

    matcher index members.xlsx --map members.json
    """
    corrections = _columns.pairs(map)
    with path.open("rb") as stream:
        module = _source(path, stream.read(65_536), source)
        nested = getattr(module, "LISTS", ())
        rows = _tabular.rows(stream, path.name, lambda keys: len(module.mapping(keys)), nested)
        tables: dict[tuple[str, tuple[str, ...]], list[Any]] = {}
        for place, row in islice(filter(partial(_columns.wanted, corrections or {}), rows), SEEN):
            # "Membres row 4": of a workbook of several sheets; JSON rows are one table
            if isinstance(row, dict):
                sheet, _, number = place.rpartition(" row ")
                keys = tuple(filter(None, row)) if number else ()
                tables.setdefault((sheet, keys), []).append(row)
    if not tables:
        raise BadInput(f"{path} holds no row below its headings: fill in at least one")
    every = _columns.cells_of(row for rows in tables.values() for row in rows)
    taken: dict[str, str] = {}
    lines = []
    for (sheet, _), rows_of in tables.items():
        cells = _columns.cells_of(rows_of)
        headings = tuple(filter(None, cells))
        settled = _columns.settled(module.mapping, headings, every | cells, corrections, module.FIELDS)
        taken = settled | taken
        of_sheet = [_line(column, settled, cells, rows_of, module) for column in headings]
        named = {"sheet": sheet} if len(tables) > 1 else {}
        lines += [named | line for line in sorted(of_sheet, key=lambda line: not line["taken for"])]
    emit(lines, format)
    if lacking := _columns.absent(corrections, tuple(every), taken, module.FIELDS):
        say(f"{path.name}: {lacking}")
    free = sorted({*module.FIELDS} - {key.partition(".")[0] for key in taken})
    told = f"read as {module.__name__.rsplit('.', 1)[-1]}; --map FIELD=COLUMN corrects (docs/how-to/spreadsheet.md has the "
    told += f"fields); no column is taken for {', '.join(free)}"
    say(textwrap.fill(told, 110, subsequent_indent="  ", break_on_hyphens=False))
    if save is not None:
        named = {key: column for key, column in taken.items() if key.partition(".")[0] in module.FIELDS}
        own = (_columns.VALUE, _columns.SHEET)
        for key, value in (corrections or {}).items():
            if key.startswith(own) or not value:
                named[key.removeprefix(_columns.SAVED)] = value or "none"
        save.write_text(json.dumps(named, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        say(f"{save} written: give it to --map of `matcher read` and `matcher index`")


def _line(
    column: str, settled: Mapping[str, str], cells: Any, rows: Sequence[Any], module: Any
) -> dict[str, str]:
    """What one column is taken for, with a sample."""
    lists = any(isinstance(row.get(column), list) for row in rows)
    nested = lists and column.lower() in getattr(module, "NESTED", ())
    fields = [field for field, heading in settled.items() if heading == column]
    if not fields and hasattr(module, "reaches") and module.reaches(column, cells[column]):
        fields = ["phone, email or website within"]
    sample = " ; ".join(dict.fromkeys(cell[:40] for cell in cells[column]))[:90]
    return {
        "column": column,
        "taken for": "offers, nested" if nested else ", ".join(fields),
        "sample": sample,
    }


def _source(path: Path, head: bytes, named: str | None) -> Any:
    """The reader of tables that takes this file, or the one named.  Raises BadInput where none does."""
    candidates = [plugins.find("reading.sources", named)] if named else files.recognise(path.name, head)
    for module in candidates:
        if hasattr(module, "mapping"):
            return module
    raise BadInput(f"{path} is no table of structures or notices: name one with --source directory or table")
