"""`matcher columns`: the guessed column mapping of a spreadsheet, with samples; corrected with --map, kept with --save."""

from itertools import islice
from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option

from matcher.commands._options import Output
from matcher.console import emit, say
from matcher.domain import BadInput

SEEN = 500  # rows sampled


def run(
    path: Path = Argument(..., help="A CSV, XLSX, ODS, JSON or JSON lines file."),
    source: str | None = Option(None, "--source", "-s", help="directory (structures) or table (notices)."),
    map: list[str] = Option([], "--map", help="field='heading' corrects a guess; or a saved profile."),
    save: Annotated[Path | None, Option(help="Keep the mapping as a profile for --map.")] = None,
    format: Output = "table",
) -> None:
    """Show the guessed column mapping before reading: one line per field, then the unused columns.

    A profile is a JSON file that `--map` takes, here and in `read` and `index`; `kind:WORDS` in it (or in `--map`) says
    what kind of structure words of your own mean.

    Examples:

    matcher columns data/sample/structures.csv

    matcher columns members.xlsx --map zone='Secteur couvert' --map 'kind:Tiers-lieu=ESS' --save members.json

    matcher index members.xlsx --map members.json
    """
    import json

    from matcher.reading.sources import _columns, _tabular

    corrections = _columns.pairs(map)
    with path.open("rb") as stream:
        module = _source(path, stream.read(65_536), source)
        nested = getattr(module, "LISTS", ())
        rows = _tabular.rows(stream, path.name, lambda keys: len(module.mapping(keys)), nested)
        good = [row for _, row in islice(rows, SEEN) if isinstance(row, dict)]
    if not good:
        raise BadInput(f"{path} holds no row below its headings: fill in at least one")
    cells = _columns.cells_of(good)
    headings = tuple(heading for heading in cells if heading)
    found = _columns.settled(module.mapping, headings, cells, corrections, module.FIELDS)
    used = {column: field for field, column in found.items()}

    def taken_for(column: str) -> str:
        lists = any(isinstance(row.get(column), list) for row in good)
        nested = lists and column.lower() in getattr(module, "NESTED", ())
        return "offers, nested" if nested else used.get(column, "")

    lines = []
    for column in headings:
        sample = " ; ".join(dict.fromkeys(cell[:40] for cell in cells[column]))[:90]
        lines.append({"column": column, "taken for": taken_for(column), "sample": sample})
    emit(sorted(lines, key=lambda line: not line["taken for"]), format)
    say(f"read as {module.__name__.rsplit('.', 1)[-1]}; the fields are {', '.join(sorted(module.FIELDS))}")
    if save is not None:
        kinds = {key: value for key, value in (corrections or {}).items() if key.startswith(_columns.VALUE)}
        save.write_text(json.dumps(found | kinds, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        say(f"{save} written: give it to --map of `matcher read` and `matcher index`")


def _source(path: Path, head: bytes, named: str | None) -> Any:
    """The reader of tables that takes this file, or the one named.  Raises BadInput where none does."""
    from matcher import plugins
    from matcher.reading import files

    candidates = [plugins.find("reading.sources", named)] if named else files.recognise(path.name, head)
    for module in candidates:
        if hasattr(module, "mapping"):
            return module
    raise BadInput(f"{path} is no table of structures or notices: name one with --source directory or table")
