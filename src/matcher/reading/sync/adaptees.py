"""The official list of entreprises adaptées."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from matcher.reading.sources import _tabular, directory
from matcher.reading.sync._client import Report, address, file, resource, run
from matcher.reference.paths import write_whole
from matcher.reference.text import clean

LIST = "adaptees.jsonl"
KIND = "type de structure"


def adaptees(folder: Path) -> Report:
    """The list as published (CSV or XLSX), a row that states no kind completed with that of the list: EA."""
    with run("adaptees", folder) as work:
        url = resource(work.http, address("adaptees"), ".csv", ".xlsx")
        name = ".list.xlsx" if url.lower().endswith(".xlsx") else ".list.csv"
        # rows with a SIRET: what makes a list of structures
        path = file(
            work, url, name, lambda at: sum("siret" in directory.mapping([*r]) for r in _rows(at)), "adaptees"
        )
        if path is not None:
            rows = [json.dumps(row, ensure_ascii=False, default=str) for row in _rows(path)]
            write_whole(folder / LIST, "\n".join(rows).encode())
    return work.report


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as stream:
        for _, row in _tabular.rows(stream, path.name, lambda headings: len(directory.mapping(headings))):
            if isinstance(row, dict):
                kind = directory.mapping(list(row)).get("kind")
                yield row if kind and clean(str(row[kind] or "")) else {**row, KIND: "EA"}
