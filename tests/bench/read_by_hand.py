"""What a night tells and what a list says, drawn at random to be read by a person.

python tests/bench/read_by_hand.py night CATALOGUE [--draw 60] [--seed 1]
    Counts of a night over the notices of a catalogue (lots, lots told, structures told), and pairs told.
python tests/bench/read_by_hand.py reasons CATALOGUE QUERIES.jsonl [--draw 100] [--seed 1]
    Shown reasons of the first five of 40 needs.

Mark each line relevant, doubtful or noise (true and useful, true, false) and count: no program can.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Iterator
from pathlib import Path

from matcher.domain import ANSWERABLE, Lot, Tender
from matcher.lab.evaluation import questions
from matcher.matching.engine import Matcher
from matcher.matching.ranking import LIKELY, Ranking
from matcher.matching.reasons import sentences
from matcher.reading import gather


def told(matcher: Matcher, tenders: list[Tender]) -> Iterator[tuple[Tender, Lot, Ranking, int]]:
    """Every pair of a lot and a structure that the judgement says to call."""
    for tender in tenders:
        for query in matcher.queries(tender):
            ranking = matcher.rank(query)
            for i in ranking.order[ranking.levels[ranking.order] == LIKELY].tolist():
                yield tender, query.lot, ranking, i


def night(matcher: Matcher, catalogue: Path, draw: int) -> None:
    tenders = [t for t in gather.load_notices(catalogue) if t.nature in ANSWERABLE]
    lots, begun = sum(len(t.lots) for t in tenders), time.process_time()
    pairs = list(told(matcher, tenders))
    spent = 1000 * (time.process_time() - begun) / max(1, lots)
    structures = {int(ranking.shortlist.candidates[i]) for _, _, ranking, i in pairs}
    named = {(tender.id, lot.id) for tender, lot, _, _ in pairs}
    print(f"{len(tenders)} notices, {lots} lots ({spent:.1f} ms of processor time each)")
    print(
        f"told: {len(named)} lots, {len(structures)} structures of {len(matcher.catalogue)}, {len(pairs)} pairs"
    )
    for tender, lot, ranking, i in random.sample(pairs, min(draw, len(pairs))):
        match = matcher.explain(ranking, i, 1)
        where = lot.places[0].label or lot.places[0].department if lot.places else tender.buyer.place.label
        who = match.structure
        print(
            f"- {match.probability:.2f} {lot.title[:90]} [{(lot.cpv or ('no CPV',))[0]}], {where} | {who.kind} "
            f"{(who.brand or who.name)[:40]}, {who.place.label} | {' ; '.join(sentences(match.reasons, 3))}"
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
    args = parser.parse_args()
    random.seed(args.seed)
    matcher = Matcher.load(args.catalogue)
    if args.what == "night":
        night(matcher, args.catalogue, args.draw)
    else:
        reasons(matcher, args.queries, args.draw)


if __name__ == "__main__":
    main()
