"""How much of the invented spreadsheets is read: fields right of fields stated, file by file.

python tests/bench/read_sheets.py          # a line a file, then what was read wrong
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import sheets
from matcher.domain import Structure
from matcher.reading import files


def main() -> None:
    right = stated = 0
    errors: list[str] = []
    for make in sheets.TWENTY + sheets.OTHERS:
        sheet = make()
        records = list(files.read_stream(io.BytesIO(sheet.content), sheet.name))
        read, all_of, wrong = sheets.measured(sheet, [r for r in records if isinstance(r, Structure)])
        print(f"{sheet.name:28} {read:3} of {all_of:3}")
        right, stated, errors = right + read, stated + all_of, errors + wrong
    print(f"{'all':28} {right:3} of {stated:3}: {right / stated:.1%}", *errors, sep="\n")


if __name__ == "__main__":
    main()
