"""How often the trade read in the objet of a later contract agrees with its CPV code.

    python tests/bench/read_trades.py

Objets are those of suppliers_dev (MATCHER_SHARED), whose contracts the reader has not learnt from; codes of no trade, or under which
many trades are bought, are left out, and the code is not shown to the reader.
"""

from __future__ import annotations

import json

import numpy as np

from matcher.lab.training.trades import trade_of
from matcher.learned import wanted
from matcher.learned.encoders import static
from matcher.matching import trades
from matcher.reference import paths


def main() -> None:
    lines = (paths.shared_dir() / "data" / "awards" / "suppliers_dev.queries.jsonl").read_text(
        encoding="utf-8"
    )
    notices = [json.loads(line)["notice"] for line in lines.splitlines()]
    known = [(n["objet"], trade_of((n.get("codeCPV") or "")[:8])) for n in notices if n.get("codeCPV")]
    texts, right = zip(*((text, trade) for text, trade in known if trade), strict=True)
    known_trade = np.array([trades.names().index(trade) for trade in right])
    vectors = static.load().encode(texts, role="query")
    for who, told in (("vector alone", ()), ("vector and words", texts)):
        read = wanted.reader().read(vectors, told)
        first = float((read.argmax(axis=1) == known_trade).mean())
        print(f"{who:18s} first trade right {first:.3f} of {len(texts)} objets")


if __name__ == "__main__":
    main()
