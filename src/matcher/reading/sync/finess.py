"""ESAT and entreprises adaptées of FINESS, with their places."""

from __future__ import annotations

from pathlib import Path

from matcher.domain import Structure
from matcher.reading import files
from matcher.reading.sync._client import ADDRESSES, Client, Report, _state, address, client_of
from matcher.reading.sync._files import file, resource

ESTABLISHMENTS, PLACES = "finess.csv", "places.csv"


def finess(folder: Path, client: Client | None = None) -> Report:
    """The establishments, and the equipment that holds their places, each fetched when it has changed."""
    report = Report("finess", folder)
    with _state(folder) as state, client or client_of("finess") as http:
        for what, name, marks in (
            ("finess", ESTABLISHMENTS, ("cs1100507", "cs1100502")),
            ("finess-places", PLACES, ("cs1100505",)),
        ):
            url = resource(http, address(what), *marks)
            count = _structures if name == ESTABLISHMENTS else _lines
            file(http, folder, state, report, url, name, count, ADDRESSES[what][0])
        report.requests = http.requests
    return report


def _structures(path: Path) -> int:
    return sum(isinstance(record, Structure) for record in files.read([path], source="finess"))


def _lines(path: Path) -> int:
    with path.open("rb") as lines:
        return sum(line.startswith(b"equipementsocial;") for line in lines)
