"""Learn from judged pairs what makes a structure a lead (see `matcher.matching.judgement`).

Boosted trees held to one column or one named group of columns on each path, monotone where it must be, are turned into
tables that sum: a generalised additive model with interactions (GA2M; Lou et al., 2013).
"""

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from matcher.catalogue.catalogue import Catalogue
from matcher.catalogue.filters import distances_km
from matcher.console import counted, progress, say
from matcher.domain import BadInput
from matcher.lab import evaluation
from matcher.lab.leads import TOP, calibration, ece, figures, gain, judged
from matcher.lab.training import CARDS, platt, priors, write_card
from matcher.lab.training import asks as asks_
from matcher.lab.training.texts import OURS, read_table
from matcher.learned.asks import assembled, wording
from matcher.matching import declared, demand, evidence, recipes, trades
from matcher.matching.engine import Matcher
from matcher.matching.judgement import cell
from matcher.matching.rankers import logistic
from matcher.matching.search import shortlist_of
from matcher.matching.shortlist import Query
from matcher.reading.need import free_text_tender
from matcher.reference import paths
from matcher.reference.arrays import F32, F64, I64, Array, Mask

MIXED = "mixed_2026.jsonl"  # the directory over which sets named mixed... were judged, beside the other
INVENTED, STAFF, OWN = "invented", "staff-", "judged_*.queries.jsonl.gz"
#: Needs of our own read for this project over the real directories, whose grades name a bidder by `hidden`.
READ, READ_MIXED = "read_pairs", "read_pairs_mixed"
#: Of which the card tells what they are.
SETS = frozenset(("notices_dev", "typed_dev", "spoken_dev", "mixed_dev"))
Paths = Sequence[Path]
TRADE, PLACE, ROLE, NEED = "likely_trade", "likely_place", "likely_role", "likely_need"
_GIVEN = json.loads((CARDS / "judgement.json").read_text(encoding="utf-8"))
#: Columns by their theme, each after the way a value must pull: up (+), down (-), either (~).
THEMES: dict[str, str] = _GIVEN["themes"]
#: Column -> its theme, and 1, -1 or 0.
MAIN: Mapping[str, tuple[str, int]] = {
    column[1:]: (theme, {"+": 1, "-": -1, "~": 0}[column[0]])
    for theme, columns in THEMES.items()
    for column in columns.split()
}
COLUMNS = tuple(MAIN)
#: Columns that tell something together; chosen by their gain where boosted trees may join any three.
GROUPS = tuple(tuple(group.split()) for group in _GIVEN["groups"])
#: The gain of each grade.
LEAD = np.array([0.0, 0.15, 0.85, 1.0])
ROUNDS, LEAVES, RATE, BINS = 1000, 8, 0.05, 16
SEEDS, FOLDS = 4, 8
#: Unjudged structures of each need taken as weak zeros: of the trade but far, of others, any.
FAR, OTHER, ANY = 8, 8, 4
WEAK = 0.15
TYPED = 2.0  # the weight of a pair of a typed need: they are few compared with those of notices
#: Of our own needs that ask for staff one in STEP, each at a place of the directory; graded by the guide's rule, as weak pairs.
STEP, LENT, NEAR_KM, FAR_KM = 3, 0.3, 25.0, 50.0


@dataclass
class Pairs:
    """Judged pairs as a table: `rows` of evidence (pairs, COLUMNS), of which need, grade (NaN: not judged), weight."""

    rows: F64
    need: I64
    grade: F64
    weight: F64


@dataclass
class Asked:
    """A judged need with its query and its directory."""

    set: str
    id: str
    row: Mapping[str, Any]
    query: Query
    catalogue: Catalogue

    @property
    def real(self) -> bool:
        """Is it no need of our own?"""
        return self.set != INVENTED


@dataclass
class Seen:
    """A judged need with all evidence of its candidates, (candidates, COLUMNS)."""

    need: Asked
    table: F32
    #: Of those who name the trade, which rows they are and their evidence as if they said nothing.
    unsaid: tuple[I64, F32]
    rows: Mapping[str, I64]  # of each judged SIREN

    @property
    def grades(self) -> dict[str, int]:
        """By SIREN, of the bidders that this directory holds."""
        return {siren: self.need.row["j"][siren][0] for siren in self.rows}


def asked(matcher: Matcher, folder: Path, name: str, end: str = ".jsonl") -> Iterator[Asked]:
    """The needs of NAME.queries.jsonl in a folder with their judgements of NAME.judged.jsonl."""
    return _asked(matcher, name, folder / f"{name}.queries{end}", judged(folder / f"{name}.judged{end}"))


def hidden(siren: str) -> str:
    """What stands for a SIREN in our own files, which hold no identifier of the shared data."""
    return hashlib.sha256(f"siren {siren}".encode()).hexdigest()[:10]


def read_asked(matcher: Matcher, name: str) -> Iterator[Asked]:
    """The needs of one of our own files with the grades of the bidders that this directory holds."""
    path, rows = OURS / f"{name}.jsonl.gz", dict[str, Any]()
    known = {hidden(siren): siren for siren in set(matcher.catalogue.of_structure("siren").tolist()) if siren}
    # needs of other directories are not told: nobody asked for this file
    for id, row in judged(path).items():
        if grades := {known[one]: grade for one, grade in row["j"].items() if one in known}:
            rows[id] = {"s": row["s"], "j": grades}
    return _asked(matcher, name, path, rows)


def _asked(matcher: Matcher, name: str, queries: Path, rows: Mapping[str, Any]) -> Iterator[Asked]:
    """The needs of which this directory holds somebody who was graded."""
    sirens, unknown = set(matcher.catalogue.of_structure("siren").tolist()), 0
    for question in evaluation.questions(queries, []):
        row = rows.get(question.id)
        if row and sirens.isdisjoint(row["j"]):
            unknown += 1
        elif row:
            query = matcher.queries(question.tender, as_of=question.day)[0]
            yield Asked(name, question.id, row, query, matcher.catalogue)
    if unknown:
        say(f"{name}: {unknown} needs left out, none of those they grade is in the directory")


def own_asked() -> list[Asked]:
    """The needs of our own, each set over its invented directory, whose structures speak, ESAT and EA among them."""
    recipe, found = recipes.named("lexical"), list[Asked]()
    for path in sorted(OURS.glob(OWN)):
        name = path.name.partition(".")[0]
        candidates = evaluation.catalogue_of([], [OURS / f"{name}.structures.jsonl.gz"], recipe, [])
        found += asked(Matcher(candidates, recipe, exhaustive=True), OURS, name, ".jsonl.gz")
    return [replace(need, set=INVENTED) for need in found]


def reread(needs: Sequence[Asked], readings: Mapping[str, Any]) -> list[Asked]:
    """The needs, with readings by a model that had not seen their labels, where there are any (`asks.unseen`)."""
    needs_read = []
    for need in needs:
        query = need.query
        if need.id in readings:
            given = wording(query.lot, query.tender)
            read = assembled(query.lot, query.tender, given, *readings[need.id])
            query = replace(query, asked=read, demand=demand.of(read, query.lot))
        needs_read.append(replace(need, query=query))
    return needs_read


def invented(matcher: Matcher, texts: Sequence[str]) -> Iterator[Asked]:
    """Needs of our own that ask staff, at places of the directory, graded by the guide: who lends, nearest first.

    A lender within NEAR_KM is 3, within FAR_KM 2, one beyond 0; who does not lend is 0, whatever its trade. None where nobody lends.
    """
    rng = np.random.default_rng(1)
    catalogue = matcher.catalogue
    kinds = catalogue.among("kind", lambda word: evidence.KINDS.get(word, 9))
    lending = np.flatnonzero(np.isin(kinds, (0, 1)))
    for number, text in enumerate(texts if lending.size else ()):
        home = catalogue.structure(int(rng.choice(lending))).place
        query = matcher.queries(free_text_tender(text, home))[0]
        kilometres = distances_km(catalogue, [home])
        near = np.argsort(np.nan_to_num(kilometres, nan=np.inf))
        lenders = near[np.isin(kinds[near], (0, 1))][:8]
        chosen = np.union1d(lenders, rng.choice(near[:200], min(12, near.size), replace=False))
        close = 1 + (kilometres < FAR_KM) + (kilometres < NEAR_KM)
        grades = np.where(np.isin(kinds, (0, 1)) & (close > 1), close, 0)
        sirens = catalogue.of_structure("siren")
        row = {"s": "yes", "j": {str(sirens[i]): [int(grades[i]), "kind"] for i in chosen}}
        yield Asked(INVENTED, f"{STAFF}{number}", row, query, catalogue)


def gathered(need: Asked) -> Seen:
    """All evidence of all candidates of a need."""
    shortlist = shortlist_of(need.catalogue, need.query, exhaustive=True)
    table = np.stack([evidence.of(shortlist, name) for name in COLUMNS], axis=1).astype(np.float32)
    rows, columns = evidence.unsaid(shortlist)
    others = table[rows]
    others[:, list(map(COLUMNS.index, columns))] = np.stack(list(columns.values()), axis=1)
    sirens = need.catalogue.of_structure("siren")
    of = {siren: np.flatnonzero(sirens == siren) for siren in need.row["j"]}
    return Seen(need, table, (rows, others), {siren: each for siren, each in of.items() if len(each)})


def paired(needs: Sequence[Seen], seed: int = 5) -> Pairs:
    """The judged pairs, and unjudged structures as weak zeros: far ones of the trade, near ones of others."""
    rng = np.random.default_rng(seed)
    rows, of, grade, weight = [], [], [], []
    for i, one in enumerate(needs):
        table, grades = one.table, one.grades.values()
        sure, beyond, kind = (table[:, COLUMNS.index(name)] for name in ("sure", "beyond", "kind"))
        beyond = np.nan_to_num(beyond, nan=1.0)
        drawn: list[int] = []
        for pool, most in (
            (np.flatnonzero((beyond > 1.5) & (sure > 0.4)), FAR),
            (np.flatnonzero((sure < 0.1) & (kind > evidence.LENDS)), OTHER),
            (np.arange(len(table)), ANY),
        ):
            drawn += rng.choice(pool, min(most, len(pool)), replace=False).tolist() if len(pool) else []
        known = set(np.concatenate(list(one.rows.values())).tolist())
        weak = [row for row in dict.fromkeys(drawn) if row not in known]
        # the establishment meant by a judged bidder: the most certain of the trade, then the nearest
        worth = sure - 0.5 * np.nan_to_num(table[:, COLUMNS.index("beyond")], nan=0.0)
        chosen = [*(int(each[np.argmax(worth[each])]) for each in one.rows.values()), *weak]
        rows.append(table[chosen])
        of += [i] * len(chosen)
        typed = not one.need.query.cpv  # without a code, as in a search box
        counts = (TYPED if typed else 1.0) if one.need.real else LENT
        grade += [*map(float, grades), *[math.nan] * len(weak)]
        weight += [counts] * len(grades) + [counts * WEAK] * len(weak)
    return Pairs(np.vstack(rows).astype(np.float64), np.array(of), np.array(grade), np.array(weight))


# ------------------------------------------------------------------------------------------ the model


@dataclass
class Tables:
    """Learnt tables by columns: cuts of each axis and values, with a last cell for unknown."""

    base: float
    cuts: Mapping[str, F64]
    values: dict[tuple[str, ...], F64]

    def cells(self, rows: Array) -> dict[str, I64]:
        """The cell of each column in each row."""
        columns = zip(COLUMNS, rows.T.astype(np.float64), strict=True)
        return {name: cell(self.cuts[name], column) for name, column in columns}

    def score(self, rows: Array) -> F64:
        """The log-odds of each row; shape (len(rows),)."""
        at = self.cells(rows)
        total = np.full(len(rows), self.base)
        for names, values in self.values.items():
            total += values[tuple(at[name] for name in names)]
        return total


def cuts_of(pairs: Pairs, chosen: Mask) -> dict[str, F64]:
    """Where each column is cut, in at most BINS cells: at the quantiles of the thresholds that trees take, by their gain."""
    met: dict[str, list[tuple[float, float]]] = {name: [] for name in COLUMNS}
    for node in _splits(_boosted(pairs, pairs.rows, chosen, 0)):
        met[COLUMNS[int(node["split_feature"])]].append((node["threshold"], node["split_gain"]))
    cuts = {}
    for i, name in enumerate(COLUMNS):
        different = np.unique(pairs.rows[:, i][~np.isnan(pairs.rows[:, i])])
        cuts[name] = (different[:-1] + different[1:]) / 2 if len(different) <= BINS else np.zeros(0)
        if len(different) <= BINS or not met[name]:
            continue
        thresholds, of = np.unique([threshold for threshold, _ in met[name]], return_inverse=True)
        gains = np.cumsum(np.bincount(of, np.sqrt([gain for _, gain in met[name]])))
        shares = np.linspace(0, gains[-1], BINS + 1)[1:-1]
        cuts[name] = np.unique(np.round(thresholds[np.searchsorted(gains, shares)], 5))
    return cuts


def fit(pairs: Pairs, chosen: Mask, seeds: int = SEEDS) -> Tables:
    """The tables learnt from the chosen pairs, the mean of `seeds` runs."""
    tables = Tables(0.0, cuts_of(pairs, chosen), {})
    at = tables.cells(pairs.rows)
    cells = np.column_stack([*at.values()]).astype(np.float64)
    cells[np.isnan(pairs.rows)] = np.nan
    for seed in range(seeds):
        for tree in _boosted(pairs, cells, chosen, seed):
            _add(tables, tree, 1.0 / seeds)
    return purified(tables, {name: of_pairs[chosen] for name, of_pairs in at.items()})


def leads(pairs: Pairs) -> F64:
    """How much of a lead each pair is, by its grade; (pairs,)."""
    return np.asarray(LEAD[np.nan_to_num(pairs.grade).astype(int)], dtype=np.float64)


def _boosted(pairs: Pairs, table: F64, chosen: Mask, seed: int) -> list[Mapping[str, Any]]:
    """Trees over the columns of a table of the pairs, each path within one column or one of GROUPS."""
    import lightgbm

    told = Pairs(pairs.rows[chosen], pairs.need[chosen], pairs.grade[chosen], pairs.weight[chosen])
    together = [[*map(COLUMNS.index, group)] for group in (*((name,) for name in COLUMNS), *GROUPS)]
    params: dict[str, Any] = {"objective": _pull(told), "learning_rate": RATE, "num_leaves": LEAVES}
    params |= {"lambda_l2": 5.0, "bagging_fraction": 0.7, "bagging_freq": 1, "feature_fraction": 0.7}
    params |= {"min_data_in_leaf": 20, "max_bin": 255, "min_data_in_bin": 1, "boost_from_average": False}
    params |= {"interaction_constraints": together, "monotone_constraints": [way for _, way in MAIN.values()]}
    params |= {"num_threads": 1, "deterministic": True, "verbosity": -1, "seed": seed}
    data = lightgbm.Dataset(table[chosen], leads(told), params=params)
    trees = lightgbm.train(params, data, ROUNDS).dump_model()["tree_info"]
    return [tree["tree_structure"] for tree in trees]


def _pull(pairs: Pairs) -> Callable[[F64, Any], tuple[F64, F64]]:
    """Gradient and curvature by pair: how likely a lead it is, and that it stands above those of its need graded lower.

    The order counts by the share of the need's gain that an exchange of two would cost (LambdaMART; Burges, 2010).
    """
    need, weight, lead = pairs.need, pairs.weight, leads(pairs)
    together = np.argsort(need, kind="stable")
    above, below, worth = list[I64](), list[I64](), list[F64]()
    for rows in np.split(together, np.flatnonzero(np.diff(need[together])) + 1):
        rows = rows[~np.isnan(pairs.grade[rows])]
        gains = 2.0 ** pairs.grade[rows]
        best = gain(sorted(map(int, pairs.grade[rows]), reverse=True)[:5])
        over, under = np.nonzero(gains[:, None] > gains)
        above.append(rows[over])
        below.append(rows[under])
        worth.append((gains[over] - gains[under]) / max(best, 1.0) * weight[rows[over]])
    i, j, cost = np.concatenate(above), np.concatenate(below), np.concatenate(worth)

    def pull(scores: F64, _: Any) -> tuple[F64, F64]:
        order = np.lexsort((np.where(np.isnan(pairs.grade), np.inf, -scores), need))
        place = np.empty(len(need))
        place[order] = np.arange(len(need)) - np.searchsorted(need[order], need[order])
        discount = 1 / np.log2(place + 2)
        wrong = logistic(scores[j] - scores[i])
        push = cost * np.abs(discount[i] - discount[j]) * wrong
        bend = push * (1 - wrong)
        chance, size = logistic(scores), len(scores)
        slope = (chance - lead) * weight + np.bincount(j, push, size) - np.bincount(i, push, size)
        return slope, chance * (1 - chance) * weight + np.bincount(i, bend, size) + np.bincount(j, bend, size)

    return pull


def _splits(trees: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for node in trees:
        if "split_feature" in node:
            yield node
            yield from _splits((node["left_child"], node["right_child"]))


def _add(tables: Tables, tree: Mapping[str, Any], share: float) -> None:
    """One tree added: each leaf to the table of the column on its path, or of the first group that holds them all."""
    for value, masks in _leaves(tree, tables.cuts, {}):
        if not masks:
            tables.base += share * value
            continue
        key = tuple(masks) if len(masks) == 1 else next(g for g in GROUPS if masks.keys() <= set(g))
        grid: Any = share * value
        for name in key:
            grid = np.multiply.outer(grid, masks.get(name, np.ones(len(tables.cuts[name]) + 2)))
        tables.values[key] = tables.values.get(key, np.zeros(np.shape(grid))) + grid


def _leaves(
    node: Mapping[str, Any], cuts: Mapping[str, F64], masks: Mapping[str, F64]
) -> Iterator[tuple[float, Mapping[str, F64]]]:
    """The value of each leaf with the cells of each column that lead to it."""
    if "split_feature" not in node:
        yield float(node["leaf_value"]), masks
        return
    name = COLUMNS[int(node["split_feature"])]
    cells = np.append(np.arange(len(cuts[name]) + 1.0), np.nan)
    unknown = np.isnan(cells)
    if node["missing_type"] != "NaN":
        cells, unknown = np.nan_to_num(cells), np.zeros(len(cells), dtype=bool)
    left = np.where(unknown, float(node["default_left"]), cells <= node["threshold"]).astype(np.float64)
    before = masks.get(name, np.ones(len(cells)))
    for child, mask in (("left_child", left), ("right_child", 1.0 - left)):
        yield from _leaves(node[child], cuts, {**masks, name: before * mask})


def purified(tables: Tables, at: Mapping[str, I64]) -> Tables:
    """The same sums, with the main effects of a group moved to its columns, and means to the base.

    Means are over the pairs learnt from, whose cells these are, so that a part of 0 is usual (Lengerich et al., 2020).
    """
    values = {key: table.copy() for key, table in tables.values.items()}
    for key in [key for key in values if len(key) > 1]:
        weight = np.zeros(values[key].shape)
        np.add.at(weight, tuple(at[name] for name in key), 1.0)
        for axis, name in [*enumerate(key)] * 8:
            others = tuple(i for i in range(len(key)) if i != axis)
            total, sums = weight.sum(axis=others), (values[key] * weight).sum(axis=others)
            mean = np.divide(sums, total, out=np.zeros(len(total)), where=total > 0)
            values[key] -= np.expand_dims(mean, others)
            values[(name,)] = values.get((name,), np.zeros(len(mean))) + mean
    base = tables.base
    for name in COLUMNS:
        if (name,) in values:
            counts = np.bincount(at[name], minlength=len(values[(name,)])).astype(np.float64)
            usual = float((values[(name,)] * counts).sum() / counts.sum())
            values[(name,)] -= usual
            base += usual
    return Tables(base, tables.cuts, values)


# ------------------------------------------------------------------------------------------ figures

FEWEST = 100  # judged pairs of a kind, below which its figures say little
PRECISE = 0.65  # precision required of "likely"
#: Of needs with a lead so many may be said to have nobody; on needs not seen it is a little more.
SILENCED = 0.05
APART = 0.05  # between the cut-offs of two levels that differ in use


def folds(texts: Sequence[str], seed: int) -> I64:
    """The fold of each need, one for a text that is judged over two directories: many structures stand in both."""
    _, same = np.unique(texts, return_inverse=True)
    return np.asarray((np.random.default_rng(seed).permutation(same.max() + 1) % FOLDS)[same])


def _folds(needs: Sequence[Seen], seed: int) -> I64:
    return folds([one.need.query.tender.title for one in needs], seed)


def crossed(needs: Sequence[Seen], pairs: Pairs, seed: int = 0) -> list[F64]:
    """The log-odds of every candidate of each need by tables that saw no judgement of the need."""
    fold = _folds(needs, seed)
    scores: list[F64] = [np.zeros(0)] * len(needs)
    for part in progress(range(FOLDS), "learning"):
        tables = fit(pairs, fold[pairs.need] != part, seeds=1)
        for i in np.flatnonzero(fold == part).tolist():
            scores[i] = tables.score(needs[i].table)
            rows, unsaid = needs[i].unsaid
            scores[i][rows] = np.maximum(scores[i][rows], tables.score(unsaid))
    return scores


def judged_scores(needs: Sequence[Seen], scores: Sequence[F64]) -> tuple[F64, Mask, I64]:
    """Score, lead and need of every judged pair."""
    rows = [
        (scores[i][one.rows[siren]].max(), grade >= 2, i)
        for i, one in enumerate(needs)
        if one.need.real
        for siren, grade in one.grades.items()
    ]
    return np.array([r[0] for r in rows]), np.array([r[1] for r in rows]), np.array([r[2] for r in rows])


def scaled(needs: Sequence[Seen], scores: Sequence[F64]) -> tuple[tuple[float, float], list[F64]]:
    """Slope and intercept that make scores log-odds, and the chances by those of the other folds (Platt, 1999)."""
    score, lead, need = judged_scores(needs, scores)
    fold = _folds(needs, 77)
    lines = [platt(score[fold[need] != part], lead[fold[need] != part]) for part in range(FOLDS)]
    odds = (each * lines[fold[i]][0] + lines[fold[i]][1] for i, each in enumerate(scores))
    chances = [1 / (1 + np.exp(-each)) for each in odds]
    return platt(score, lead), chances


def thresholds(needs: Sequence[Seen], chances: Sequence[F64]) -> tuple[float, float]:
    """The cut-offs of "likely" and "plausible"."""
    chance, lead, _ = judged_scores(needs, chances)
    grid = np.arange(0.02, 0.9, 0.005)
    likely = next((c for c in grid if c > 0.3 and lead[chance >= c].mean() >= PRECISE), 0.5)
    pairs = zip(needs, chances, strict=True)
    best = np.array(
        [each.max() for one, each in pairs if one.need.real and max(one.grades.values(), default=0) >= 2]
    )
    plausible = max((c for c in grid if (best < c).mean() <= SILENCED), default=0.1)
    return round(float(likely), 3), round(float(min(plausible, likely)), 3)


def _ranked(one: Seen, chance: F64, plausible: float) -> dict[str, Any]:
    """The line of a run file of a need, with all bidders."""
    sirens = one.need.catalogue.of_structure("siren")
    order = np.argsort(-chance, kind="stable")
    _, first = np.unique(sirens[order].astype(str), return_index=True)
    ranking = [[str(sirens[row]), float(chance[row]), float(chance[row])] for row in order[np.sort(first)]]
    return {"query_id": one.need.id, "ranking": ranking, "nobody": bool(chance.max() < plausible)}


# ------------------------------------------------------------------------------------------ all of it


def collected(folder: Path, sets: Sequence[str], structures: Paths, history: Paths) -> list[Seen]:
    """Read the judged sets of a folder, and our own.  Raises BadInput where nothing was judged."""
    recipe = recipes.named("lexical")  # no judgement yet: the ranker alone
    matcher = Matcher(evaluation.catalogue_of(history, structures, recipe, []), recipe, exhaustive=True)
    mixed = structures[0].parent / MIXED if structures else Path(MIXED)
    apart = [name for name in sets if name.startswith("mixed") and mixed.is_file()]
    wanted = [need for name in sets if name not in apart for need in asked(matcher, folder, name)]
    if apart:
        whole = Matcher(evaluation.catalogue_of(history, [mixed], recipe, []), recipe, exhaustive=True)
        wanted += [need for name in apart for need in asked(whole, folder, name)]
        wanted += read_asked(whole, READ_MIXED)
    if structures:
        wanted += read_asked(matcher, READ)
    wanted = reread(wanted, asks_.unseen(folder.parent))
    if not any(value[0] >= 2 for need in wanted for value in need.row["j"].values()):
        raise BadInput(f"no lead is judged in {folder}: grades of 2 or 3 are wanted in NAME.judged.jsonl")
    staff = [row["text"] for row in read_table(OURS / "staff_texts.csv.gz") if row["staff"] == "1"]
    learnt = [*wanted, *own_asked(), *invented(matcher, staff[::STEP])]
    given = sum(need.set in sets for need in wanted)
    say(
        f"learning from {given} needs judged and {len(learnt) - given} shipped ones, "
        f"{FOLDS} times for the figures and once for all: some minutes"
    )
    return [gathered(need) for need in progress(learnt, "reading")]


def train(
    folder: Path, sets: Sequence[str], structures: Paths, history: Paths, out: Path, data: Path | None = None
) -> Path:
    """Learn from NAME.queries.jsonl and NAME.judged.jsonl of a folder; write the tables, their readers and the card.

    `data` holds structures/ and nomenclatures/ for the priors; without them those already learnt are used.  Raises BadInput where nothing was judged.
    """
    out.mkdir(parents=True, exist_ok=True)
    if data is not None and priors.known(data):
        for name, figure in priors.train(data, out).items():
            say(f"priors, {name}: {figure:.3f}")
    with reading(out):
        needs = collected(folder, sets, structures, history)
    pairs = paired(needs)
    (slope, intercept), chances = scaled(needs, crossed(needs, pairs))
    likely, plausible = thresholds(needs, chances)
    tables = fit(pairs, np.ones(len(pairs.need), dtype=bool))
    weights = packed(tables, slope, intercept, likely, plausible)
    (out / "judgement.json").write_text(json.dumps(weights, separators=(",", ":")) + "\n", encoding="utf-8")
    judged_rows = [one.need.row for one in needs if one.need.real]
    report = _report(needs, chances, plausible)
    say(report)
    if likely - plausible < APART:
        say(
            f"{counted(len(judged_rows), 'need')} are too few to tell two levels apart: hardly any structure will be to check first"
        )
    known = CARDS / f"judged_{'shipped' if set(sets) <= SETS else 'own'}.md"
    lent = sum(one.need.id.startswith(STAFF) for one in needs if not one.need.real)
    write_card(
        out,
        "judgement",
        date=date.today().isoformat(),
        judged=known.read_text(encoding="utf-8").format(sets=", ".join(sets)),
        needs=len(judged_rows),
        pairs=sum(len(row["j"]) for row in judged_rows),
        leads=sum(any(value[0] >= 2 for value in row["j"].values()) for row in judged_rows),
        tables=len(weights["tables"]),
        likely=likely,
        plausible=plausible,
        lent=lent,
        own=len(needs) - len(judged_rows) - lent,
        folds=FOLDS,
        report=report,
    )
    return out / "judgement.json"


@contextmanager
def reading(out: Path) -> Iterator[None]:
    """What was learnt into `out` is read from there, and forgotten afterwards."""
    readers = (trades.priors, declared.groups)
    with paths.learnt_into(out):
        for each in readers:
            each.cache_clear()
        yield
    for each in readers:
        each.cache_clear()


def packed(tables: Tables, slope: float, intercept: float, likely: float, plausible: float) -> dict[str, Any]:
    """The file of `matcher.matching.judgement.Judgement`: tables times slope, so that the sum is log-odds."""
    rows = [
        {
            "columns": list(key),
            "theme": theme_of(key),
            "cuts": [tables.cuts[name].tolist() for name in key],
            "values": np.round(slope * values, 4).tolist(),
        }
        for key, values in sorted(tables.values.items(), key=lambda item: (len(item[0]), item[0]))
    ]
    base = round(slope * tables.base + intercept, 4)
    return {"base": base, "likely": likely, "plausible": plausible, "tables": rows}


def theme_of(columns: tuple[str, ...]) -> str:
    """The theme of a column, or of a group: of the place or the role where it holds either, else of its first column."""
    if len(columns) > 1 and "beyond" in columns:
        return PLACE
    return ROLE if len(columns) > 1 and {"kind", "lends"} & set(columns) else MAIN[columns[0]][0]


def _report(needs: Sequence[Seen], chances: Sequence[F64], plausible: float) -> str:
    lines = ["| needs | measure | figure | 95 % |", "|---|---|---:|---|"]
    for name, (measured, calibrated) in by_set(needs, chances, plausible).items():
        for measure, values in measured.items():
            if values:
                mean, low, high = evaluation.bootstrap(values)
                lines.append(f"| {name} ({len(values)}) | {measure} | {mean:.3f} | {low:.3f} to {high:.3f} |")
        pairs = sum(len(one.rows) for one in needs if one.need.set == name)
        lines += [
            f"| {name} ({pairs} pairs) | {what} | {value:.3f} | |" for what, value in calibrated.items()
        ]
    return "\n".join([*lines, "", *_by_kind(needs, chances)])


def _by_kind(needs: Sequence[Seen], chances: Sequence[F64]) -> list[str]:
    """How well the chances of each kind hold, silent and speaking apart, where at least FEWEST pairs were judged."""
    kind, silent = (COLUMNS.index(name) for name in ("kind", "silent"))
    held: dict[tuple[int, bool], list[tuple[float, bool]]] = {}
    for one, chance in zip(needs, chances, strict=True):
        for siren, grade in one.grades.items() if one.need.real else ():
            row = max(one.rows[siren], key=chance.__getitem__)
            group = (int(one.table[row, kind]), bool(one.table[row, silent]))
            held.setdefault(group, []).append((float(chance[row]), grade >= 2))
    lines = ["| kind | pairs | mean chance | leads | ECE |", "|---|---:|---:|---:|---:|"]
    for (rank, quiet), pairs in sorted(held.items()):
        chance, lead = np.array([pair[0] for pair in pairs]), np.array([pair[1] for pair in pairs])
        if len(pairs) >= FEWEST:
            kinds = ", ".join(name for name, other in evidence.KINDS.items() if other == rank) or "other"
            says = "nothing tells its trade" if quiet else "its trade is told"
            lines.append(
                f"| {kinds}: {says} | {len(pairs)} | {chance.mean():.3f} | {lead.mean():.3f} | {ece(chance, lead):.3f} |"
            )
    return lines


def by_set(
    needs: Sequence[Seen], chances: Sequence[F64], plausible: float
) -> dict[str, tuple[dict[str, list[float]], dict[str, float]]]:
    """`figures`, of the first places as in a run file, and `calibration` of each judged set."""
    lines: dict[str, list[dict[str, Any]]] = {}
    for one, chance in zip(needs, chances, strict=True):
        if one.need.real:
            lines.setdefault(one.need.set, []).append(_ranked(one, chance, plausible))
    rows = {one.need.id: one.need.row for one in needs if one.need.real}
    cut = {
        name: [{**line, "ranking": line["ranking"][:TOP]} for line in each] for name, each in lines.items()
    }
    return {name: (figures(cut[name], rows), calibration(each, rows)) for name, each in lines.items()}
