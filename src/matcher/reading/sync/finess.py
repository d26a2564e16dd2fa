"""ESAT and entreprises adaptées of FINESS, with their places."""

import csv
import io
from pathlib import Path

from matcher.reading.sources import finess as source
from matcher.reading.sync._client import Report, address, file, resource, run
from matcher.reference.paths import write_whole

#: The extracts as published, hidden: what is read is the table made of both.
ESTABLISHMENTS, PLACES, TABLE = ".establishments.csv", ".places.csv", "finess.csv"


def finess(folder: Path) -> Report:
    """The establishments with their places as one table, made again when either extract has changed."""
    with run("finess", folder) as work:
        for what, name, marks in (
            ("finess", ESTABLISHMENTS, ("cs1100507", "cs1100502")),
            ("finess-places", PLACES, ("cs1100505",)),
        ):
            url = resource(work.http, address(what), *marks)
            file(work, url, name, _records, what)
        if work.report.pages or not (folder / TABLE).is_file():
            write_whole(folder / TABLE, _table(folder))
    return work.report


def _records(path: Path) -> int:
    """The establishments of an extract, or the lines of its equipment."""
    with path.open("rb") as lines:
        equipment = sum(line.startswith(b"equipementsocial;") for line in lines)
        return equipment or sum(1 for _ in source.national(lines))


def _table(folder: Path) -> bytes:
    with (folder / PLACES).open("rb") as stream:
        places = source.places_of(stream)
    text = io.StringIO()
    writer = csv.DictWriter(text, source.TABLE, lineterminator="\n")
    writer.writeheader()
    with (folder / ESTABLISHMENTS).open("rb") as stream:
        for _, row in source.national(stream):
            writer.writerow(
                {heading: row.get(name) or "" for heading, name in source.TABLE.items()}
                | {"places": places.get(row["finess"], "")}
            )
    return text.getvalue().encode()
