"""How well typed needs are read, on texts of authors who had seen no code.

    python tests/bench/read_typed.py

Prints the share of needs taken for needs and of other texts rejected (tests/data/typed_texts.csv), of needs of staff found and of
wrong ones among what is found (staff_texts.csv), and of places read rightly by kind (places_typed*.csv).
"""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import numpy as np

from matcher.domain import Place
from matcher.learned import asks
from matcher.matching import demand
from matcher.reference import toponyms, typed_places

DATA = Path(__file__).parents[1] / "data"


def rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader((DATA / name).read_text(encoding="utf-8").splitlines()))


def main() -> None:
    typed = rows("typed_texts.csv")
    said = np.array([asks.of_text(row["text"]).stated for row in typed])
    need = np.array([row["need"] == "1" for row in typed])
    print(f"needs read as needs {said[need].mean():.3f}, other texts rejected {1 - said[~need].mean():.3f}")

    asked = rows("staff_texts.csv")
    found = np.array([asks.of_text(row["text"]).staff > demand.SHARE for row in asked])
    staff = np.array([row["staff"] == "1" for row in asked])
    print(
        f"needs of staff found {found[staff].mean():.3f}, wrong among those found {1 - staff[found].mean():.3f}"
    )

    for name in ("places_typed.csv", "places_typed_2.csv"):
        right, total = places_read(rows(name))
        print(f"places of {name}: " + ", ".join(f"{kind} {right[kind]} of {n}" for kind, n in total.items()))


def places_read(given: list[dict[str, str]]) -> tuple[Counter[str], Counter[str]]:
    """How many places of each kind are read rightly, and how many there are; arrondissements stand for their town."""
    right: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for row in given:
        total[row["kind"]] += 1
        try:
            found = {_code(place) for place in typed_places.mentioned(row["text"])}
        except toponyms.Homonyms:
            continue
        known = (
            {row["place"]}
            if row["kind"] == "department"
            else {_code(p) for p in toponyms.asked(row["place"])}
        )
        right[row["kind"]] += found == known
    return right, total


def _code(place: Place) -> str:
    code = place.commune or place.department or place.region or ""
    whole = {"751": "75056", "6938": "69123", "132": "13055"}
    return next((town for begun, town in whole.items() if place.commune and code.startswith(begun)), code)


if __name__ == "__main__":
    main()
