"""Learn from the opinions of structures and buyers on the lots shown to them (`matcher.records.feedback`).

Each signal's part of the score is rescaled or shrunk by one factor, so that the score stays additive and monotone.  The
factors are those of a pairwise logistic (Joachims, "Optimizing search engines using clickthrough data", 2002): who was
judged better, against who was judged worse on the same lot, and against those shown above it of whom nothing was
given.  Weights are corrected for position and for being shown often (`feedback.labels`); factors are held near 1, the
more so the fewer opinions.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select

from matcher import codec
from matcher.domain import BadInput, Tender
from matcher.matching.engine import Matcher
from matcher.records import feedback
from matcher.records.store import Store
from matcher.records.tables import Notice

HOLD = 20.0  # prior strength towards a factor of 1, in pairs
FEWEST = 20  # lots with a judged pair: fewer teach nothing
ABOVE = 10  # at most so many unjudged structures above a judged one count against it


@dataclass(frozen=True, slots=True)
class Pair:
    """By how much each signal's part of the better one exceeds that of the worse one (signals,), and a weight."""

    gain: NDArray[np.float64]
    weight: float
    lot: str


def pairs(store: Store, matcher: Matcher) -> list[Pair]:
    """Every pair of opinions on a public notice; an unpublished need teaches nothing."""
    judged: dict[tuple[str, str], list[feedback.Label]] = defaultdict(list)
    for label in feedback.labels(store):
        judged[label.notice_id, label.lot_id].append(label)
    found: list[Pair] = []
    with store.reading() as connection:
        for row in connection.execute(select(Notice.id, Notice.owner, Notice.tender).order_by(Notice.id)):
            tender = codec.from_json(Tender, row.tender)
            if row.owner or tender.confidential:
                continue
            for lot in tender.lots:
                labels = judged.get((row.id, lot.id), []) + judged.get((row.id, ""), [])
                if labels:
                    found += _of_lot(matcher, replace(tender, lots=(lot,)), labels)
    return found


def _of_lot(matcher: Matcher, tender: Tender, labels: Sequence[feedback.Label]) -> list[Pair]:
    ranking = matcher.rank(matcher.queries(tender)[0])
    parts = np.column_stack(list(ranking.contributions.values()))
    sirets = matcher.catalogue.of_structure("siret")[ranking.shortlist.candidates]
    place = {str(siret): i for i, siret in enumerate(sirets)}
    rank = {int(i): position for position, i in enumerate(ranking.order.tolist())}
    known = [(place[label.siret], label) for label in labels if label.siret in place]
    name = f"{tender.id} {tender.lots[0].id}"
    found = [
        Pair(parts[i] - parts[j], better.weight * worse.weight, name)
        for i, better in known
        for j, worse in known
        if better.gain > worse.gain
    ]
    judged = {i for i, _ in known}
    for i, label in known:
        if label.gain > 0 and i in rank:
            above = [int(j) for j in ranking.order[: rank[i]] if int(j) not in judged][-ABOVE:]
            found += [Pair(parts[i] - parts[j], label.weight / len(above), name) for j in above]
    return found


def factors(found: Sequence[Pair], signals: Sequence[str]) -> dict[str, float]:
    """The factor of each signal, 0 to 4; 1 without evidence for another."""
    from scipy.optimize import minimize

    gains = np.array([pair.gain for pair in found])
    weights = np.array([pair.weight for pair in found])
    # the law, and what is the same for every candidate, are nobody's opinion
    free = np.array([name not in ("reservation", "deadline") for name in signals]) & (
        np.abs(gains).max(axis=0) > 0
    )

    def loss(given: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        margins = gains @ given
        chance = 1 / (1 + np.exp(np.clip(margins, -500, 500)))
        value = float(weights @ np.logaddexp(0, -margins)) + HOLD / 2 * float(((given - 1) ** 2).sum())
        return value, -(weights * chance) @ gains + HOLD * (given - 1)

    bounds = [(0.0, 4.0) if each else (1.0, 1.0) for each in free]
    found_ = minimize(loss, np.ones(len(signals)), jac=True, method="L-BFGS-B", bounds=bounds)
    return {name: round(float(value), 4) for name, value in zip(signals, found_.x, strict=True)}


def rescaled(data: Mapping[str, Any], by: Mapping[str, float]) -> dict[str, Any]:
    """A ranker file with each signal's line, step function and missing value times its factor."""
    signals = {}
    for name, spec in data["signals"].items():
        factor, new = by.get(name, 1.0), dict(spec)
        for key in ("weight", "offset", "missing"):
            if key in spec:
                new[key] = round(float(spec[key]) * factor, 6)
        if "values" in spec:
            new["values"] = [round(float(value) * factor, 6) for value in spec["values"]]
        signals[name] = new
    return {**data, "signals": signals}


def learn(store: Store, matcher: Matcher, out: Path) -> dict[str, float]:
    """Write the matcher's ranker file rescaled by opinions; returns the factors.  Raises BadInput on too few opinions."""
    found = pairs(store, matcher)
    lots = {pair.lot for pair in found}
    if len(lots) < FEWEST:
        raise BadInput(
            f"only {len(lots)} lots hold opinions that can be compared, {FEWEST} are needed: "
            "let more feedback come in, or learn from awards alone with --data"
        )
    by = factors(found, matcher.ranker.signals)
    file = rescaled(matcher.ranker.data, by)
    file["opinions"] = {"pairs": len(found), "lots": len(lots), "factors": by, "hold": HOLD}
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(file, ensure_ascii=False, indent=1), encoding="utf-8")
    return by
