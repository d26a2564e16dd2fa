"""Opportunities of one structure: time, and what comparing only the nearest lots loses.

    python tests/bench/bench_opportunities.py --catalogue CATALOGUE --structures 40

All notices indexed with the catalogue count as open.  Prints one JSON line.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from matcher.matching.engine import Matcher
from matcher.partners import opportunities as o
from matcher.reading import gather

EVER = datetime(1970, 1, 1, tzinfo=UTC)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--catalogue", type=Path, required=True)
    parser.add_argument("--structures", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    wanted = parser.parse_args()
    matcher = Matcher.load(wanted.catalogue)
    tenders = gather.load_notices(wanted.catalogue)
    kinds = matcher.catalogue.of_structure("kind")
    rows = np.random.default_rng(wanted.seed).choice(
        np.flatnonzero(kinds != ""), wanted.structures, replace=False
    )
    seconds, found, lost, near = [], 0, [], o.NEAR
    for row in rows.tolist():
        structure = matcher.catalogue.structure(row)
        o.NEAR = near
        began = time.perf_counter(), time.process_time()
        some = {
            (x.tender.id, x.lot.id): x.part for x in o.opportunities(matcher, structure, tenders, now=EVER)
        }
        seconds.append((time.perf_counter() - began[0], time.process_time() - began[1]))
        o.NEAR = 10**9
        whole = {
            (x.tender.id, x.lot.id): x.part for x in o.opportunities(matcher, structure, tenders, now=EVER)
        }
        found += len(whole)
        lost += [part for key, part in whole.items() if key not in some]
    wall, cpu = ([pair[i] for pair in seconds] for i in (0, 1))
    print(json.dumps({
        "notices": len(tenders), "lots_open": sum(len(t.lots) for t in tenders if t.nature in ("call", "prior")),
        "structures": len(rows), "first_seconds": round(wall[0], 2), "first_cpu": round(cpu[0], 2),
        "median_seconds": round(float(np.median(wall[1:])), 2), "median_cpu": round(float(np.median(cpu[1:])), 2),
        "found_among_all": found, "lost": len(lost), "lost_to_answer": sum(part != "watch" for part in lost),
    }))  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
