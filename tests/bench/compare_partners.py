"""Partner ranking against baselines on known cases: R@10, R@100, nDCG@10, and the paired interval of R@10.

usage: python tests/bench/compare_partners.py QUERIES.jsonl QRELS.json HISTORY.json.gz [RECIPE] [--failures] [--cases]

--failures counts why a right answer is not among the first ten; --cases lists each such case with its cause.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from matcher.catalogue.columns import days, department_number
from matcher.domain import Rejected
from matcher.lab import benchmark, evaluation
from matcher.lab.baselines import baselines
from matcher.matching import recipes
from matcher.matching.engine import Matcher
from matcher.partners.partners import ranked
from matcher.reference.places import locate
from matcher.reference.text import shorten


def main(queries: str, qrels: str, history: str, recipe: str = "default", *flags: str) -> None:
    rejected: list[Rejected] = []
    chosen = recipes.named(recipe)
    catalogue = evaluation.catalogue_of([Path(history)], None, chosen, rejected)
    matcher = Matcher(catalogue, chosen)
    asked = list(evaluation.questions(Path(queries), rejected))
    gold = evaluation.load_gold(Path(qrels))
    runs = {recipe: {q.id: [x[0] for x in ranked(matcher, q, 100)["ranking"]] for q in asked}}
    runs["without the member"] = {q.id: _alone(matcher, q) for q in asked}
    reference_ = benchmark.ReferenceBM25(catalogue)
    runs["reference BM25"] = {q.id: list(reference_(q)) for q in asked}
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
    if {"--failures", "--cases"} & set(flags):
        _failures(matcher, asked, gold, runs[recipe], "--cases" in flags)


def _alone(matcher: Matcher, question: evaluation.Question) -> list[str]:
    from matcher.matching.ranking import interleave

    lists = [r.sirens(101) for r in evaluation.rankings_of(matcher, question)]
    return [s for s, _ in interleave(lists, 101) if s != question.member][:100]


CAUSES = {
    "first ten": "found",
    "unknown": "no award of the right one is known on the day: nothing but its name could tell",
    "other trade": "known, but for other divisions of the CPV than the notice's",
    "elsewhere": "known for the trade, but nowhere near: no award in the department of the notice",
    "crowded": "known for the trade and the department, as more than a hundred others are",
    "outranked": "known for the trade and the department, among fewer than a hundred: the order is wrong",
}


def _failures(
    matcher: Matcher,
    asked: list[evaluation.Question],
    gold: dict[str, list[str]],
    run: dict[str, list[str]],
    cases: bool,
) -> None:
    """Why a right answer is not among the first ten: what was known of it on the day, and of how many others."""
    catalogue = matcher.catalogue
    awards, since = catalogue.nature_mask(("award",)), catalogue.of_row("since")
    siren = catalogue.of_structure("siren")[catalogue.owners]
    division, department = catalogue.of_row("cpv") // 10**6, catalogue.of_row("department")
    causes: dict[str, list[tuple[evaluation.Question, str, int | None]]] = {cause: [] for cause in CAUSES}
    member_unknown = 0
    for question in asked:
        known = awards & (since < days(question.day)) if question.day else awards
        member_unknown += not (known & (siren == question.member)).any()
        codes = [int(code) // 10**6 for lot in question.tender.lots for code in lot.cpv]
        trade = known & np.isin(division, codes)
        places = [
            department_number(locate(p, question.tender.buyer.id).department)
            for lot in question.tender.lots
            for p in lot.places or (question.tender.buyer.place,)
        ]
        here = trade & np.isin(department, [p for p in places if p >= 0])
        for right in gold.get(question.id, ()):
            place = run[question.id].index(right) + 1 if right in run[question.id] else None
            own = siren == right
            cause = (
                "first ten"
                if place is not None and place <= 10
                else "unknown"
                if not (known & own).any()
                else "other trade"
                if not (trade & own).any()
                else "elsewhere"
                if not (here & own).any()
                else "crowded"
                if len(set(siren[here].tolist())) > 100
                else "outranked"
            )
            causes[cause].append((question, right, place))
    for cause, found in causes.items():
        print(f"{len(found):4d} {cause}: {CAUSES[cause]}")
    print(f"member without any award known on the day: {member_unknown} of {len(asked)} cases")
    if cases:
        print(f"{'case':12s} {'rank':>5s} {'cause':12s} {'right one':10s} title")
        for cause, found in causes.items():
            for question, right, place in found if cause != "first ten" else ():
                print(
                    f"{question.id:12s} {place or '>100':>5} {cause:12s} {right:10s} {shorten(question.tender.title, 90)}"
                )


if __name__ == "__main__":
    main(*sys.argv[1:])
