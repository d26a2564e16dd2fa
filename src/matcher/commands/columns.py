"""`matcher columns`: the guessed column mapping of a spreadsheet, with samples; correct it with --map."""

from __future__ import annotations

from pathlib import Path

import typer

SEEN = 500  # rows sampled


def run(
    path: Path = typer.Argument(..., help="A CSV, XLSX, JSON or JSON lines file."),
    source: str | None = typer.Option(
        None, "--source", "-s", help="directory (structures) or table (notices)."
    ),
    map: list[str] = typer.Option([], "--map", help="Correct a guess: --map name='Raison sociale'."),
    format: str = typer.Option("table", "--format", "-f", help="table, jsonl or csv."),
) -> None:
    """Show the guessed column mapping before reading: one line per field, then the unused columns.

    Examples:

    matcher columns members.xlsx

    matcher columns members.xlsx --map zone='Secteur couvert'

    matcher read members.xlsx --map zone='Secteur couvert'
    """
    from itertools import islice

    from matcher import console, plugins
    from matcher.domain import BadInput
    from matcher.reading.sources import _tabular

    kind = console.check_format(format)
    with path.open("rb") as stream:
        head = stream.read(65_536)
        candidates = [source] if source else ["directory", "table"]
        module = next(
            (
                m
                for m in (plugins.find("reading.sources", n) for n in candidates)
                if source or m.recognises(path.name, head)
            ),
            None,
        )
        if module is None or not hasattr(module, "mapping"):
            raise BadInput(
                f"{path} is no table of structures or notices: name one with --source directory or table"
            )
        score = lambda headings: len(module.mapping(headings))  # noqa: E731
        rows = [row for _, row in islice(_tabular.rows(stream, path.name, score, module.LISTS), SEEN)]
    good = [row for row in rows if isinstance(row, dict)]
    if not good:
        raise BadInput(f"{path} holds no row below its headings: fill in at least one")
    headings = tuple(dict.fromkeys(key for row in good for key in row))
    found = _tabular.correct(
        module.mapping(headings), dict(map_pair(pair) for pair in map), headings, module.FIELDS
    )
    used = {column: field for field, column in found.items()}

    def sample(column: str) -> str:
        values = (str(row[column]) for row in good if row.get(column) not in (None, ""))
        return " ; ".join(dict.fromkeys(value[:40] for value in values))[:90]

    def nested(column: str) -> str:
        lists = any(isinstance(row.get(column), list) for row in good)
        return "offers, nested" if lists and column.lower() in getattr(module, "NESTED", ()) else ""

    lines = [
        {"column": column, "taken for": nested(column) or used.get(column, ""), "sample": sample(column)}
        for column in headings
    ]
    console.emit(sorted(lines, key=lambda line: not line["taken for"]), kind)
    console.say(
        f"read as {module.__name__.rsplit('.', 1)[-1]}; the fields are {', '.join(sorted(module.FIELDS))}"
    )


def map_pair(pair: str) -> tuple[str, str]:
    """`field=column` as its two parts.  Raises BadInput without an `=`."""
    from matcher.domain import BadInput

    field, sign, column = pair.partition("=")
    if not sign or not field.strip():
        raise BadInput(f"--map {pair!r}: write field=column, for example --map siret='N° SIRET'")
    return field.strip(), column.strip()
