"""Is "aucune structure adaptée" answered when it should be?  Needs by other authors, and the real SIAE notices.

    python tests/bench/bench_abstention.py

`tests/data/abstention_needs*.jsonl`, judged from the words alone (`matcher.learned.vocation`) and by the whole engine over the
real structures (MATCHER_SHARED), each need asked in its department; then how many of the notices that a SIAE won are
answered "nobody".
"""

from __future__ import annotations

import json
from pathlib import Path

from matcher.domain import Place
from matcher.lab import benchmark, evaluation
from matcher.learned import vocation
from matcher.matching import recipes
from matcher.matching.engine import Matcher
from matcher.reading.need import free_text_tender
from matcher.reference import paths, places

SETS = sorted((Path(__file__).parents[2] / "tests" / "data").glob("abstention_needs*.jsonl"))


def main() -> None:
    data = paths.shared_dir() / "data"
    matcher = None
    if (data / "structures").is_dir():
        matcher = Matcher(benchmark.catalogue(data, "siae"), recipes.named("default"))
    else:
        print("no real structures (set MATCHER_SHARED): judged from the words alone")
    model = vocation.shipped()
    for path in SETS:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        for served in (True, False):
            asked = [row for row in rows if row["served"] is served]
            words = sum(model.offered(row["need"]) is served for row in asked)
            said = f"{path.stem:20s} {'served    ' if served else 'not served'} of {len(asked)}: words alone {words}"
            if matcher is not None:
                said += f", engine {sum(nobody(matcher, row) is not served for row in asked)}"
            print(said + " right", flush=True)
    if matcher is not None:
        asked_, _ = benchmark.load(data, "siae")
        none = sum(bool(evaluation.ranked(matcher, question, 10)["nobody"]) for question in asked_)
        print(f"{none} of {len(asked_)} notices that a SIAE won are answered nobody")


def nobody(matcher: Matcher, row: dict[str, str]) -> bool:
    """Does the engine answer that no structure fits a need in its department?"""
    where = places.locate(Place(label=row["department"], department=row["department"]))
    return matcher.match(free_text_tender(row["need"], where), 10, groups=0).lots[0].nobody


if __name__ == "__main__":
    main()
