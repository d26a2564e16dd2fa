"""Learn the ranker's step functions listwise from rolling time splits of past awards.

Each award of the later part of the history becomes a query as of its own day: its holders are to stand above
the other suppliers, whose awards before that day (and the undated, but for a copy of the same text) are the
evidence.  LambdaMART with one-split trees (Burges, "From RankNet to LambdaRank to LambdaMART", 2010), monotone
in every signal; a sum of such trees is one step function for each signal, so that the score stays additive.
"""

import json
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from matcher import plugins
from matcher.catalogue.build import build_catalogue
from matcher.catalogue.catalogue import Catalogue
from matcher.catalogue.columns import days
from matcher.console import progress, say
from matcher.domain import Award, BadInput, Lot, Recipe, Tender
from matcher.lab.evaluation import HISTORY, UNDATED, bootstrap, measures
from matcher.lab.training import BOOSTING, conditional_logit, platt
from matcher.lab.training.texts import past_awards
from matcher.learned import asks
from matcher.matching.rankers._additive import contribution
from matcher.matching.search import query_of, shortlist_of
from matcher.matching.shortlist import Evidence, Memo, Shortlist
from matcher.reference.arrays import F64, Array, Mask

#: The signals learnt here: what suppliers did, and whether a notice names them.
LEARNT = ("meaning", "words", "part", "similar", "cpv", "reach", "department", "named")
#: What the history cannot teach.  Place: a conditional logit on cases won by structures of known address.
HAND: Mapping[str, Mapping[str, Any]] = {
    "place": {"weight": 8.2, "missing": 0.0, "why": "conditional logit on cases won by structures"},
    "reservation": {"weight": 1e3, "offset": -1e3, "missing": -0.5, "why": "who may not answer is last"},
    "capacity": {
        "weight": 2.0,
        "offset": -2.0,
        "missing": 0.0,
        "why": "hand-set: no past query states an amount",
    },
    "holder": {"weight": 1.0, "why": "only with --incumbents"},
}
#: Of a directory without a judgement: an order of magnitude, from held-out scores of those cases.
STRUCTURE = {"slope": 0.73289, "intercept": -10.99748}
#: Weights by which the hardest candidates of a training query are found.
GUESS = {"meaning": 0.9, "words": 0.7, "part": 1.5, "cpv": 1.5, "reach": 1.0, "named": 2.3}
ROUNDS, RATE, LEAVES_MIN, SEED = 500, 0.1, 100, 1
BAGS = (1, 7, 13, 29)  # seeds of the models whose step functions are averaged
LINE = 1.2  # how much of the conditional logit's line is added: both learn the same, and err apart
RIDGE = 1e-4
NEAREST, DRAWN = 300, 60


@dataclass(frozen=True, slots=True)
class Split:
    """One training query: signal values of its candidates (n, signals), and which of them won (n,)."""

    values: F64
    won: Mask
    siren: str  # of a winner, for the split into folds

    @property
    def findable(self) -> bool:
        """Is a winner among the candidates?  Nothing is learnt from the others, but chances must count them."""
        return bool(self.won.any())


def train(data: Path, out: Path, since: date, encoder: Path | None = None, most: int = 4000) -> Path:
    """Write the learned ranker file from `data`/awards/history.json.gz; queries are awards from `since` on.

    `encoder` is a model learnt on awards before `since` (it is trained first, where none is given), so that
    the vectors have not seen the answers.  Raises BadInput where the history is too small.
    """
    awards = past_awards(data / HISTORY)
    with tempfile.TemporaryDirectory() as folder:
        if encoder is None:
            from matcher.lab.training import encoder as encoding

            say(f"training an encoder on the awards before {since}, so that it has not seen the answers")
            encoder = encoding.train(data, Path(folder) / "encoder", before=since)
        recipe = Recipe(encoder_options={"path": str(encoder)}, judgement=False)
        catalogue = build_catalogue([], awards, recipe, undated=UNDATED)
        splits = collect(catalogue, awards, since, most)
    findable = sum(split.findable for split in splits)
    if findable < 50:
        raise BadInput(
            f"only {findable} awards since {since} have a holder with earlier awards: give an earlier --since"
        )
    return write(splits, out, {"since": since.isoformat(), "awards": len(awards)})


def write(splits: Sequence[Split], out: Path, facts: Mapping[str, Any]) -> Path:
    """Fit, calibrate and write the ranker file: learnt signals, and the lines set by hand."""
    findable = [split for split in splits if split.findable]
    learnt = fit(findable)
    scores = unseen(findable)
    # a supplier never met before cannot be found: its award counts as one on which every candidate lost
    lost = [split for split in splits if not split.findable]
    every = [score(learnt, split) for split in lost] + scores
    settings = {"rounds": ROUNDS, "rate": RATE, "bags": list(BAGS), "line": LINE}
    file = {
        "signals": {**HAND, **learnt},
        "probability": {"structure": STRUCTURE, "supplier": calibrate([*lost, *findable], every)},
        "trained": {"queries": len(findable), "unfindable": len(lost), **facts, **settings},
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(file, ensure_ascii=False, indent=1), encoding="utf-8")
    for name, value in held_out(findable, scores).items():
        say(f"three folds over the training queries, {name}: {value[0]:.4f} [{value[1]:.4f}, {value[2]:.4f}]")
    return out


def collect(catalogue: Catalogue, awards: Sequence[Award], since: date, most: int) -> list[Split]:
    """Training queries with the signal values of their hardest candidates and some drawn at random."""
    rng = np.random.default_rng(SEED)
    late = [award for award in awards if award.notified and award.notified >= since and award.holders]
    late = [late[i] for i in np.sort(rng.permutation(len(late))[:most])]
    modules = {name: plugins.find("matching.signals", name) for name in LEARNT}
    uids = np.array([json.loads(text)["id"] for text in catalogue.evidence.column("payload").to_pylist()])
    texts = catalogue.evidence.column("text").to_pylist()
    same_text: dict[str, list[int]] = defaultdict(list)
    for row, text in enumerate(texts):
        same_text[text].append(row)
    undated = catalogue.of_row("since") == days(UNDATED)
    splits = []
    for award in progress(late, "collecting training queries"):
        shortlist = as_of(catalogue, award, uids, undated, same_text)
        row_of = {str(s): i for i, s in enumerate(catalogue.of_structure("siren"))}
        known = shortlist.count(shortlist.known("award")) > 0
        right = [row_of[holder.siren] for holder in award.holders if holder.siren in row_of]
        right = [row for row in right if known[row]]
        columns = {name: module.measure(shortlist) for name, module in modules.items()}
        scores = np.sum([weight * np.nan_to_num(columns[name]) for name, weight in GUESS.items()], axis=0)
        hardest, drawn = np.argsort(-scores)[:NEAREST], rng.integers(0, len(scores), DRAWN)
        chosen = np.unique(np.concatenate([hardest, drawn, np.array(right, dtype=np.int64)]))
        values = np.column_stack([columns[name][chosen] for name in LEARNT])
        splits.append(Split(values, np.isin(chosen, right), award.holders[0].siren))
    return splits


def as_of(
    catalogue: Catalogue, award: Award, uids: Array, undated: Mask, same_text: Mapping[str, Sequence[int]]
) -> Shortlist:
    """The shortlist of an award asked as a notice on its own day, without itself and its undated copies."""
    lot = Lot(id=award.uid, title=award.title, cpv=(award.cpv,) if award.cpv else (), places=(award.place,))
    tender = Tender(id=award.uid, format="decp", title=award.title, buyer=award.buyer, lots=(lot,))
    query = query_of(catalogue, lot, tender, asks.of_lot(lot, tender), as_of=award.notified)
    shortlist = shortlist_of(catalogue, query, exhaustive=True)
    admissible = (shortlist.admissible | undated) & (uids != award.uid)
    copies = same_text.get(asks.compared(lot), ())
    admissible[list(copies)] &= ~undated[list(copies)]
    return replace(
        shortlist, evidence=Evidence(catalogue, shortlist.candidates, award.notified, admissible), memo=Memo()
    )


def boost(splits: Sequence[Split], seed: int) -> Any:
    """One LightGBM model over the splits."""
    with plugins.optional("train", "learning the ranker"):
        import lightgbm

    data = lightgbm.Dataset(
        np.vstack([split.values for split in splits]),
        np.concatenate([split.won for split in splits]).astype(int),
        group=[len(split.won) for split in splits],
        feature_name=list(LEARNT),
    )
    options = BOOSTING | {"objective": "lambdarank", "lambdarank_truncation_level": 10, "num_leaves": 2}
    options |= {"learning_rate": RATE, "min_data_in_leaf": LEAVES_MIN, "feature_fraction": 0.5, "seed": seed}
    options |= {"monotone_constraints": [1] * len(LEARNT), "force_row_wise": True}
    return lightgbm.train(options, data, num_boost_round=ROUNDS)


def fit(splits: Sequence[Split]) -> dict[str, dict[str, Any]]:
    """For each signal the step function averaged over BAGS, and a line of LINE times the conditional logit's weight."""
    trees = [tree for seed in BAGS for tree in boost(splits, seed).dump_model()["tree_info"]]
    result = step_functions(trees, 1 / len(BAGS))
    for name, weight in zip(LEARNT, logit(splits), strict=True):
        result[name]["weight"] = round(LINE * float(weight), 5)
    return result


def logit(splits: Sequence[Split]) -> F64:
    """Weights (signals,) >= 0 of a conditional logit (McFadden, 1973) over the splits; unknown counts as 0.

    Two more terms, left out of the answer, absorb the effect of being unknown.
    """
    unknown = [LEARNT.index("words"), LEARNT.index("reach")]
    cases = [(np.hstack([np.nan_to_num(s.values), np.isnan(s.values[:, unknown])]), s.won) for s in splits]
    scale = np.vstack([values for values, _ in cases]).std(axis=0) + 1e-9
    scaled = [(values / scale, won, 1.0) for values, won in cases]
    start, free = np.zeros(len(scale)), len(scale) - len(LEARNT)
    weights: F64 = conditional_logit(scaled, RIDGE * len(cases), start, free, most=80) / scale
    return weights[: len(LEARNT)]


def step_functions(trees: Sequence[Mapping[str, Any]], share: float = 1.0) -> dict[str, dict[str, Any]]:
    """Trees of one split each, times `share`, as one step function for each signal, 0 at its lowest step."""
    steps: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
    absent: dict[str, float] = defaultdict(float)
    for tree in trees:
        node = tree["tree_structure"]
        if "split_feature" not in node:
            continue
        name = LEARNT[node["split_feature"]]
        left, right = (share * node[side]["leaf_value"] for side in ("left_child", "right_child"))
        steps[name].append((float(node["threshold"]), left, right))
        absent[name] += left if node["default_left"] else right
    result = {}
    for name in LEARNT:
        knots = sorted({threshold for threshold, _, _ in steps[name]})
        middles = [-np.inf, *knots]
        # value on each stair: just above its lower knot
        values = [sum(r if low >= t else lft for t, lft, r in steps[name]) for low in middles]
        foot = values[0]
        result[name] = {
            "knots": [round(knot, 6) for knot in knots],
            "values": [round(value - foot, 5) for value in values],
            "missing": round(absent[name] - foot, 5),
            "why": "learnt listwise from past awards",
        }
    return result


def score(fitted: Mapping[str, Any], split: Split) -> F64:
    """The learnt part of the score of each candidate of a split."""
    return np.asarray(
        np.sum([contribution(fitted[name], split.values[:, i]) for i, name in enumerate(LEARNT)], axis=0)
    )


def unseen(splits: Sequence[Split], parts: int = 3) -> list[F64]:
    """The score of each split's candidates by a model that was not fitted on its winner: all of one fall together."""
    winners = sorted({split.siren for split in splits})
    part_of = [winners.index(split.siren) % parts for split in splits]
    pairs = list(zip(splits, part_of, strict=True))
    fitted = [fit([split for split, at in pairs if at != part]) for part in range(parts)]
    return [score(fitted[at], split) for split, at in pairs]


def held_out(splits: Sequence[Split], scores: Sequence[F64]) -> dict[str, tuple[float, float, float]]:
    """nDCG@10 and R@10 of unseen scores, with intervals."""
    rows = []
    for split, values in zip(splits, scores, strict=True):
        won = {str(j) for j in np.flatnonzero(split.won)}
        rows.append(measures([str(j) for j in np.argsort(-values, kind="stable")], won))
    return {name: bootstrap([row[name] for row in rows]) for name in ("nDCG@10", "R@10")}


def calibrate(splits: Sequence[Split], scores: Sequence[F64]) -> dict[str, float]:
    """Slope and intercept of the logistic map from score to the chance of winning, over unseen scores (Platt, 1999)."""
    tops = [np.argsort(-values)[:100] for values in scores]
    margins = np.concatenate([values[top] for values, top in zip(scores, tops, strict=True)])
    won = np.concatenate([split.won[top] for split, top in zip(splits, tops, strict=True)])
    slope, intercept = platt(margins, won)
    return {"slope": round(slope, 5), "intercept": round(intercept, 5)}
