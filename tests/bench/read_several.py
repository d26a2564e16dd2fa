"""How many lots are made of typed needs that ask for one thing or for several (tests/data/several_needs.csv).

    python tests/bench/read_several.py [--all]

Prints the share of needs with the right number of lots, of those that ask for several things and of those that ask for one; the
wrong ones with their lots, or all.
"""

from __future__ import annotations

import csv
import sys
from collections import Counter
from pathlib import Path

from matcher.reading.need import typed_need

FILE = Path(__file__).parents[1] / "data" / "several_needs.csv"


def main(everything: bool = False) -> None:
    right: Counter[bool] = Counter()
    total: Counter[bool] = Counter()
    for row in csv.DictReader(FILE.read_text(encoding="utf-8").splitlines()):
        wanted, lots = int(row["lots"]), typed_need(row["text"]).lots
        total[wanted > 1] += 1
        right[wanted > 1] += len(lots) == wanted
        if everything or len(lots) != wanted:
            print(f"{wanted} -> {len(lots)}: {row['text']}: {' | '.join(lot.title for lot in lots)}")
    print(f"several things: {right[True]} of {total[True]}; one thing: {right[False]} of {total[False]}")


if __name__ == "__main__":
    main("--all" in sys.argv)
