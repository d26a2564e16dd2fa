"""Learn which trades a structure does from its kind, activity code and name (see `matcher.matching.trades.Priors`).

Learnt from hours worked by trade and from the jobs of a directory; the judged pairs teach the judgement how much such a
trade counts.  No name and no text is kept.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from matcher.lab.training import save
from matcher.lab.training.texts import read_lines
from matcher.learned.asks import names
from matcher.matching import trades
from matcher.reference.arrays import F32, F64, Mask
from matcher.reference.tables import csv_rows

KINDS = ("ACI", "EI", "AI", "ETTI", "GEIQ")
DOES = 0.5  # a trade that a job tells at least so surely is done
PART = 0.05  # of a structure's hours, from which a job counts
#: Structures that a kind's rates are drawn to all kinds by; the rate of a trade never seen.
PRIOR, ALL = 4.0, 0.05
FOLDS, C = 5, 1.0


@dataclass(frozen=True, slots=True)
class Seen:
    """A structure with the trades that it was seen to do; shape of `does`: (trades,)."""

    kind: str
    code: str
    name: str
    does: Mask
    source: str  # "hours" or "jobs"


def _does(codes: Sequence[str]) -> Mask:
    return np.asarray(np.max([trades.of_job(code) for code in codes], axis=0, initial=0.0) >= DOES)


def known(data: Path) -> bool:
    """Does a folder hold what the priors are learnt from?"""
    structures = ("structures/siae_2021.jsonl", "structures/siae37_hours_2012.csv")
    return all((data / name).is_file() for name in structures)


def seen(data: Path) -> Iterator[Seen]:
    """The structures of a folder whose hours or jobs tell what they do."""
    directory = read_lines(data / "structures" / "siae_2021.jsonl")
    known = {row["siret"]: row for row in directory}
    worked = defaultdict(list)
    for row in csv_rows(data / "structures" / "siae37_hours_2012.csv"):
        worked[row["structure"]].append(row)
    for name, rows in worked.items():
        total = sum(float(row["heures"] or 0) for row in rows)
        counted = [row for row in rows if float(row["heures"] or 0) >= PART * total]
        # the source gives the ROME code of painting wrongly
        jobs = ["F1606" if "einture en b" in row["intitule"] else row["rome"] for row in counted]
        found = known.get(rows[0]["siret_rapproche"], {})
        code = found.get("naf", "")
        yield Seen(rows[0]["type_iae"], code, rows[0]["nom_annuaire"] or name, _does(jobs), "hours")
    taken = {rows[0]["siret_rapproche"] for rows in worked.values()}
    for row in directory:
        does = _does([offer.get("rome", "") for offer in row.get("offers") or ()])
        if does.any() and row["siret"] not in taken:
            yield Seen(row["kind"], row["naf"], row["name"], does, "jobs")


def rates(known: Sequence[Seen]) -> F64:
    """Log-odds of each trade by kind, drawn to those of all kinds, which stand last; (kinds and one more, trades)."""
    does = np.array([one.does for one in known], dtype=np.float64)
    kinds = np.array([one.kind for one in known])
    whole = (does.sum(axis=0) + ALL) / (len(known) + 1)
    of = [does[kinds == kind] for kind in KINDS]
    rows = [(seen.sum(axis=0) + PRIOR * whole) / (len(seen) + PRIOR) for seen in of]
    table = np.array([*rows, whole])
    return np.asarray(np.log(table / (1 - table)))


def _folds(known: Sequence[Seen], folds: int) -> Iterator[tuple[list[Seen], Sequence[int]]]:
    """The structures to learn from and the places of the others, in turn."""
    part = np.random.default_rng(0).permutation(len(known)) % folds
    for fold in range(folds):
        others = np.flatnonzero(part != fold).tolist()
        yield [known[i] for i in others], np.flatnonzero(part == fold).tolist()


def fit(known: Sequence[Seen]) -> trades.Priors:
    """The priors; how much each input counts is learnt on rates that did not see the structure."""
    from sklearn.linear_model import LogisticRegression

    kinds, none, inputs, does = np.array(KINDS), np.zeros(2, np.float32), list[F32](), list[Mask]()
    for others, held in _folds(known, FOLDS):
        bare = trades.Priors(kinds, rates(others).astype(np.float32), none, none)
        for one in (known[i] for i in held):
            told = trades.told(one.kind, one.code, one.name)
            inputs.append(np.stack([bare.rate(one.kind), told], axis=1))
            does.append(one.does)
    line = LogisticRegression(C=C, max_iter=1000).fit(np.vstack(inputs), np.concatenate(does))
    weights, bias = (values.astype(np.float32) for values in (line.coef_[0], line.intercept_[0]))
    return trades.Priors(kinds, rates(known).astype(np.float16), weights, bias)


def crossed(known: Sequence[Seen], folds: int = 10) -> F64:
    """The chances of each structure by priors that did not see it; (structures, trades)."""
    chances = np.zeros((len(known), len(names())))
    for others, held in _folds(known, folds):
        model = fit(others)
        for one, i in ((known[i], i) for i in held):
            chances[i] = trades.prior_chances(one.kind, one.code, one.name, model)
    return chances


def figures(known: Sequence[Seen], chances: F64) -> dict[str, float]:
    """Precision of the first and of the three first trades of structures with hours and of those with jobs."""
    shares = {}
    for source in ("hours", "jobs"):
        chosen = [i for i, one in enumerate(known) if one.source == source]
        hits = [known[i].does[np.argsort(-chances[i], kind="stable")[:3]] for i in chosen]
        shares[f"{source}, first"] = float(np.mean([hit[0] for hit in hits]))
        shares[f"{source}, three first"] = float(np.mean(hits))
    likely = chances >= trades.LIKELY_TRADE
    shares["likely"] = float(np.array([one.does for one in known])[likely].mean())
    return shares


def train(data: Path, out: Path) -> dict[str, float]:
    """Write priors.npz into a folder; returns the figures, cross-validated by structure."""
    structures = list(seen(data))
    save(out, "priors", fit(structures)._asdict())
    return figures(structures, crossed(structures))
