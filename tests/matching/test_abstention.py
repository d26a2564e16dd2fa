"""Needs that no structure offers and needs that one does, by an author who had not seen the code."""

import json
from pathlib import Path

from matcher.learned import asks

NEEDS = sorted((Path(__file__).parents[1] / "data").glob("abstention_needs*.jsonl"))


def test_what_nobody_offers_is_told_from_what_structures_do() -> None:
    """Needs of four authors; what is reached is printed, and not lost by a later training."""
    rows = [json.loads(line) for path in NEEDS for line in path.read_text(encoding="utf-8").splitlines()]
    right: dict[bool, list[bool]] = {True: [], False: []}
    for row in rows:
        right[row["served"]].append((asks.of_text(row["need"]).offered >= 0.5) is row["served"])
    served, unserved = (sum(right[kind]) / len(right[kind]) for kind in (True, False))
    print(f"served {served:.3f} of {len(right[True])}, not served {unserved:.3f} of {len(right[False])}")
    assert served >= 0.94
    assert unserved >= 0.95


def test_a_misspelling_or_capitals_do_not_change_the_verdict() -> None:
    for text in ("entretien des espaces verts", "ENTRETIEN DES ESPACES VERTS", "entretient des éspaces vert"):
        assert asks.of_text(text).offered >= 0.5
    assert asks.of_text("").offered < 0.5
