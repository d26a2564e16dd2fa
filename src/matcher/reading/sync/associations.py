"""Declared objects of associations, by their RNA number, from the Journal officiel (JOAFE)."""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

from matcher.reading.sync._client import Report, _read_json, _write_json, address
from matcher.reading.sync._pages import Listing, listed, offset

TOGETHER = 20  # numbers of one question
LISTING = Listing("results", "total_count", offset(100), ("id", "numero_rna", "dateparution", "typeavis"))
RNA = re.compile(r"W\d{9}")


def associations(folder: Path, numbers: Mapping[str, str]) -> Report:
    """The announcements of these associations (RNA number -> SIREN); each question is asked once.

    A wrong number is left out and counted.
    """
    url = address("associations")
    good = sorted(number for number in numbers if RNA.fullmatch(number))
    with listed("associations", folder) as lists:
        if wrong := len(numbers) - len(good):
            lists.report.notes.append(f"{wrong} RNA numbers are not W and nine digits: left out")
        for start in range(0, len(good), TOGETHER):
            group = good[start : start + TOGETHER]
            key = hashlib.sha256(" ".join(group).encode()).hexdigest()[:12]
            numbers_in = ", ".join(f'"{number}"' for number in group)
            question = {"where": f"numero_rna in ({numbers_in})", "order_by": "dateparution, id"}
            if lists.read(key, url, LISTING, question, after="1") == "same":
                continue
            for path in lists.files(key):
                page = _read_json(path)
                for row in page["results"]:
                    if isinstance(row, dict):
                        row["siren"] = numbers.get(str(row.get("numero_rna")), "")
                _write_json(path, page)
    return lists.report
