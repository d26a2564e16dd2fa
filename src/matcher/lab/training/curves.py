"""Learning curves, to check before a full training run: the encoder by its steps, the ranker by its rounds.

Both are measured on what was not learnt from: pairs held out for the encoder, winners held out for the
ranker.  `invented` makes a small history where the real one is absent; its figures mean nothing but the slope.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matcher import plugins
from matcher.domain import Award, BadInput, Holder
from matcher.lab import synth
from matcher.lab.evaluation import measures
from matcher.lab.training import encoder, ranker
from matcher.lab.training.texts import Material, Pairs

HELD_OUT = 5  # one in this many is held out
MOST = 500  # pairs measured on each side


def encoder_curve(
    material: Material, watched: str, lengths: Sequence[int], settings: encoder.Settings
) -> Iterator[dict[str, float]]:
    """One point for each training length: how often the right text is nearer than all others.

    A fifth of the pairs `watched` is held out.  "learnt" and "held_out" are the shares of left texts whose right
    one is first among at most MOST.  Raises BadInput where there are too few pairs.
    """
    pairs = material.pairs.get(watched, Pairs())
    keys = sorted(set(pairs.key))
    if len(keys) < 2 * HELD_OUT:
        raise BadInput(f"{len(keys)} pairs of {watched!r}: a curve wants {2 * HELD_OUT} at least")
    out = set(keys[::HELD_OUT])
    learnt, held_out = Pairs(), Pairs()
    for row in zip(pairs.left, pairs.right, pairs.key, pairs.near, strict=True):
        (held_out if row[2] in out else learnt).add(*row)
    kept = Material(pairs=material.pairs | {watched: learnt}, sources=material.sources)
    for steps in lengths:
        with tempfile.TemporaryDirectory() as folder:
            chosen = replace(settings, steps=steps)
            encoder.save(encoder.fit(kept, chosen), Path(folder), chosen)
            model = plugins.find("learned.encoders", "static").load(path=folder)
            yield {
                "steps": float(steps),
                "learnt": _first(model, learnt),
                "held_out": _first(model, held_out),
            }


def _first(model: Any, pairs: Pairs) -> float:
    """The share of left texts whose right text is the nearest, each right text once."""
    rows = list(dict(zip(pairs.right, range(len(pairs)), strict=True)).values())[:MOST]
    left = model.encode([pairs.left[i] for i in rows], role="query")
    right = model.encode([pairs.right[i] for i in rows], role="passage")
    return float(((left @ right.T).argmax(axis=1) == np.arange(len(rows))).mean())


def ranker_curve(
    splits: Sequence[ranker.Split], rounds: Sequence[int], seed: int = 1
) -> Iterator[dict[str, float]]:
    """One point for each number of rounds: nDCG@10 on the queries learnt from, and on the winners held out.

    A fifth of the winners is held out; one model is fitted, and cut at each number of rounds.  Raises BadInput
    where fewer than ten queries have a winner among their candidates.
    """
    findable = [split for split in splits if split.findable]
    if len(findable) < 2 * HELD_OUT:
        raise BadInput(
            f"{len(findable)} queries with a winner known before: a curve wants {2 * HELD_OUT} at least"
        )
    out = set(ranker.folds(findable, HELD_OUT)[0])
    learnt = [split for i, split in enumerate(findable) if i not in out]
    held_out = [findable[i] for i in sorted(out)]
    model = ranker.boost(learnt, seed)
    for count in rounds:
        yield {
            "rounds": float(count),
            "learnt": _ndcg(model, learnt, count),
            "held_out": _ndcg(model, held_out, count),
        }


def _ndcg(model: Any, splits: Sequence[ranker.Split], rounds: int) -> float:
    found = []
    for split in splits:
        scores: NDArray[np.float64] = np.asarray(model.predict(split.values, num_iteration=rounds))
        order = [str(j) for j in np.argsort(-scores, kind="stable")]
        found.append(measures(order, {str(j) for j in np.flatnonzero(split.won)})["nDCG@10"])
    return float(np.mean(found))


def invented(awards: int = 300, suppliers: int = 60, seed: int = 0) -> list[Award]:
    """A history of our own making: suppliers that keep to their trades and win near home, over three years."""
    rng = np.random.default_rng(seed)
    firms = list(synth.structures(suppliers, seed))
    trades = [{code[:2] for offer in firm.offers for code in offer.cpv} for firm in firms]
    made: list[Award] = []
    for tender in synth.tenders(4 * awards, seed + 1):
        for lot in tender.lots:
            able = [i for i, held in enumerate(trades) if lot.cpv and lot.cpv[0][:2] in held]
            if not able:
                continue
            if len(made) >= awards:
                return made
            home = np.array(
                [firms[i].place.region == (lot.places[0].region if lot.places else "") for i in able]
            )
            winner = firms[able[int(rng.choice(len(able), p=(1 + 4 * home) / (1 + 4 * home).sum()))]]
            made.append(
                Award(
                    uid=f"invented-{len(made)}", title=lot.title, buyer=tender.buyer, cpv=lot.cpv[0].ljust(8, "0"),
                    place=lot.places[0] if lot.places else tender.buyer.place,
                    holders=(Holder(id=winner.siret, name=winner.name),),
                    notified=date(2018, 1, 1) + timedelta(days=int(rng.integers(0, 1000))), source="invented",
                )
            )  # fmt: skip
    return made
