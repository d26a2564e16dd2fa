"""Random samples of nightly digests and of reasons, for manual review.

python tests/bench/read_by_hand.py night CATALOGUE [--draw 60] [--seed 1] [--notices]
    Counts of a night over the notices of a catalogue (lots, lots announced, structures notified), and pairs of lot and structure;
    with --notices of notice and structure, each by one of its lots: lots of one notice are one card of a digest.
python tests/bench/read_by_hand.py reasons CATALOGUE QUERIES.jsonl [--draw 100] [--seed 1]
    Shown reasons of the first five of 40 needs.

Mark each line relevant, doubtful or noise (true and useful, true, false) and count.
"""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter
from pathlib import Path

from matcher.domain import ANSWERABLE, Reason
from matcher.lab.evaluation import questions
from matcher.matching.engine import Matcher
from matcher.matching.reasons import sentences
from matcher.outreach.batch import Options
from matcher.outreach.rules import Rules
from matcher.outreach.work import Task, matches_of
from matcher.reading import gather

TOP, FLOOR = Options(rules=Rules()).top, Rules().floor


def night(matcher: Matcher, catalogue: Path, draw: int, notices: bool) -> None:
    """What digests would carry: the rows that a night keeps, before any structure's own settings."""
    tenders = [t for t in gather.load_notices(catalogue) if t.nature in ANSWERABLE]
    lots, begun = sum(len(t.lots) for t in tenders), time.process_time()
    rows = [
        (t, row)
        for t in tenders
        for row in matches_of(matcher, Task(id=t.id, ids=(t.id,), tender=t, key="", excluded={}), TOP, FLOOR)
    ]
    spent = 1000 * (time.process_time() - begun) / max(1, lots)
    named = {(tender.id, row["lot_id"]) for tender, row in rows}
    levels = Counter(row["detail"]["level"] for _, row in rows)
    print(f"{len(tenders)} notices, {lots} lots ({spent:.1f} ms of processor time each)")
    print(
        f"told: {len(named)} lots, {len({row['siret'] for _, row in rows})} structures of {len(matcher.catalogue)}, "
        f"{len(rows)} pairs, {levels['likely']} to call and {levels['clause']} by the clause; "
        f"{len({(tender.id, row['siret']) for tender, row in rows})} pairs of notice and structure"
    )
    if notices:
        random.shuffle(rows)
        rows = list({(tender.id, row["siret"]): (tender, row) for tender, row in rows}.values())
    for tender, row in random.sample(rows, min(draw, len(rows))):
        lot = next(lot for lot in tender.lots if lot.id == row["lot_id"])
        who = matcher.catalogue.structure(matcher.catalogue.row(row["siret"]))
        where = lot.places[0].label or lot.places[0].department if lot.places else tender.buyer.place.label
        told = [Reason(**reason) for reason in row["detail"]["reasons"]]
        print(
            f"- {row['probability']:.2f} {row['detail']['level']} {tender.title[:60]} / {lot.title[:60]} "
            f"[{(lot.cpv or ('no CPV',))[0]}], {where} | {who.kind} {(who.brand or who.name)[:40]}, {who.place.label} | "
            f"{' ; '.join(sentences(told, 3))}"
        )


def reasons(matcher: Matcher, queries: Path, draw: int) -> None:
    asked = random.sample(list(questions(queries, [])), 40)
    lines = []
    for question in asked:
        for answer in matcher.match(question.tender, 5, groups=0, as_of=question.day).lots:
            for match in answer.matches:
                lines += [
                    f"- {answer.lot.title[:90]} | {match.structure.kind} {match.structure.name[:40]} | {said}"
                    for said in sentences(match.reasons, 3)
                ]
    print(f"{len(lines)} reasons shown for {len(asked)} needs")
    print("\n".join(random.sample(lines, min(draw, len(lines)))))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("night", "reasons"))
    parser.add_argument("catalogue", type=Path)
    parser.add_argument("queries", type=Path, nargs="?")
    parser.add_argument("--draw", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--notices", action="store_true")
    args = parser.parse_args()
    random.seed(args.seed)
    matcher = Matcher.load(args.catalogue)
    if args.what == "night":
        night(matcher, args.catalogue, args.draw, args.notices)
    else:
        reasons(matcher, args.queries, args.draw)


if __name__ == "__main__":
    main()
