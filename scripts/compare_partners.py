"""Partners beside simple methods on known cases: R@10, R@100, nDCG@10, and the paired interval of R@10.

usage: python scripts/compare_partners.py QUERIES.jsonl QRELS.json HISTORY.json.gz [RECIPE] [--failures]
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from matcher import evaluation, recipes
from matcher.domain import Rejected
from matcher.engine import Matcher
from matcher.partner_baselines import baselines
from matcher.partners import ranked


def main(queries: str, qrels: str, history: str, recipe: str = "default", *flags: str) -> None:
    rejected: list[Rejected] = []
    chosen = recipes.named(recipe)
    catalogue = evaluation.catalogue_of([Path(history)], None, chosen, rejected)
    matcher = Matcher(catalogue, chosen)
    asked = list(evaluation.questions(Path(queries), rejected))
    gold = evaluation.load_gold(Path(qrels))
    runs = {recipe: {q.id: [x[0] for x in ranked(matcher, q, 100)["ranking"]] for q in asked}}
    runs["without the member"] = {q.id: _alone(matcher, q) for q in asked}
    for name, baseline in baselines(catalogue).items():
        runs[name] = {q.id: baseline(q) for q in asked}
    own = evaluation.figures(runs[recipe], gold)
    print(f"{len(gold)} cases, {len(catalogue)} candidates")
    print(
        f"{'method':20s} {'R@10':>6s} {'R@100':>6s} {'nDCG@10':>8s}  difference of R@10 and its 95 % interval"
    )
    for name, run in runs.items():
        found = evaluation.figures(run, gold)
        gain, low, high = evaluation.paired(own["R@10"], found["R@10"])
        means = [float(np.mean(found[k])) for k in ("R@10", "R@100", "nDCG@10")]
        print(
            f"{name:20s} {means[0]:6.3f} {means[1]:6.3f} {means[2]:8.3f}  {gain:+.3f} [{low:+.3f}, {high:+.3f}]"
        )
    if "--failures" in flags:
        _failures(matcher, asked, gold, runs[recipe])


def _alone(matcher: Matcher, question: evaluation.Question) -> list[str]:
    from matcher.engine import interleave

    lists = [r.sirens(101) for r in evaluation.rankings_of(matcher, question)]
    return [s for s, _ in interleave(lists, 101) if s != question.member][:100]


def _failures(
    matcher: Matcher, asked: list[evaluation.Question], gold: dict[str, list[str]], run: dict[str, list[str]]
) -> None:
    """Why a right answer is not among the first hundred: what was known of it on the day."""
    from matcher.columns import days

    catalogue = matcher.catalogue
    awards, since = catalogue.nature_mask(("award",)), catalogue.of_row("since")
    siren = catalogue.of_structure("siren")[catalogue.owners]
    causes = {"first ten": 0, "rank 11 to 100": 0, "no award known on the day": 0, "known, not found": 0}
    member_unknown = 0
    for question in asked:
        known = awards & (since < days(question.day)) if question.day else awards
        member_unknown += not (known & (siren == question.member)).any()
        for right in gold.get(question.id, ()):
            place = run[question.id].index(right) if right in run[question.id] else None
            if place is not None:
                causes["first ten" if place < 10 else "rank 11 to 100"] += 1
            elif not (known & (siren == right)).any():
                causes["no award known on the day"] += 1
            else:
                causes["known, not found"] += 1
    for cause, count in causes.items():
        print(f"{cause}: {count} right answers")
    print(f"member without any award known on the day: {member_unknown} of {len(asked)} cases")


if __name__ == "__main__":
    main(*sys.argv[1:])
