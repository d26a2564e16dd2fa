"""Learn which trades names tell, and what structures of a name, an activity code and a kind do (see `matcher.learned.names`)."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from matcher.domain import BadInput
from matcher.lab.training import packed, save, write_card
from matcher.lab.training.texts import OURS, read_lines, read_table
from matcher.learned import names
from matcher.learned.asks import names as trades
from matcher.matching.trades import of_code
from matcher.reference import codes
from matcher.reference.arrays import F32

#: What structures of the real directories do, read from their names alone and from name, code and kind, by a hash and no text.
NAMED, DOES = "read_names.csv.gz", "read_structures.csv.gz"
DIRECTORIES = ("mixed_2026.jsonl", "siae_2021.jsonl")
ALPHA, FOLDS = 0.3, 5  # strength of the ridge penalty
TELLS = 0.5  # chance from which a trade was read, or is told
Views = list[list[int]]
Taught = tuple[list[Views], F32]


def hidden(*facts: str) -> str:
    """What stands for a name, or a name, code and kind, in our own files, which hold no text of the shared data."""
    name, *others = facts
    return hashlib.sha256("|".join([names.plain(name).strip(), *others]).encode()).hexdigest()[:10]


def _structures(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Name and brand, as a catalogue keeps them, code and kind."""
    for path in filter(Path.is_file, (folder / name for name in DIRECTORIES)):
        for row in read_lines(path):
            brand = row.get("brand") or ""
            name = row["name"] if brand.lower() == row["name"].lower() else f"{row['name']} {brand}"
            yield name.strip(), row.get("naf") or "", row["kind"]


def labelled(data: Path, file: str) -> Taught:
    """Features of the structures of a folder that were read, each once, and the chance of each trade; (structures, trades).

    Raises BadInput where none is there.
    """
    read = {row["of"]: row["trades"] for row in read_table(OURS / file)}
    given: dict[str, Views]
    if file == NAMED:
        given = {hidden(name): names.of_name(name) for name, _, _ in _structures(data / "structures")}
    else:
        given = {
            hidden(name, code, kind): [*names.of_name(name), *names.of_code(code), *names.of_kind(kind)]
            for name, code, kind in _structures(data / "structures")
        }
    known = sorted(given.keys() & read.keys())
    if not known:
        raise BadInput(f"no structure that was read in {data}: give the folder that holds structures/")
    chances = np.zeros((len(known), len(trades())), dtype=np.float32)
    for row, key in zip(chances, known, strict=True):
        for trade, _, percent in (each.partition(" ") for each in read[key].split("|") if each):
            row[trades().index(trade)] = int(percent) / 100
    return [given[key] for key in known], chances


def coded() -> Taught:
    """Features of every activity code alone, many of which no structure read has, and the trades that our table tells of it."""
    return [*map(names.of_code, codes.naf_codes())], np.array([*map(of_code, codes.naf_codes())])


def fit(given: Sequence[Views], chances: F32) -> names.Weights:
    """A ridge regression of the chances on the features."""
    from scipy.sparse import csr_matrix
    from sklearn.linear_model import Ridge

    entries = [(i, view) for i, views in enumerate(given) for view in views if view]
    counts = np.array([len(view) for _, view in entries])
    rows = np.repeat([i for i, _ in entries], counts)
    columns = np.concatenate([view for _, view in entries])
    worth = np.repeat(1 / np.sqrt(counts), counts)
    table = csr_matrix((worth, (rows, columns)), shape=(len(given), names.BUCKETS))
    model = Ridge(alpha=ALPHA, solver="sparse_cg").fit(table, chances)
    weights, scale = packed(model.coef_)
    return names.Weights(np.ascontiguousarray(weights.T), scale, model.intercept_.astype(np.float32))


def crossed(given: Sequence[Views], chances: F32, beside: Taught) -> F32:
    """The chances by models that had not seen the structure, but what is `beside`; (structures, trades)."""
    told, fold = np.zeros_like(chances), np.random.default_rng(0).permutation(len(given)) % FOLDS
    for part in range(FOLDS):
        seen = [views for views, of in zip(given, fold, strict=True) if of != part]
        model = fit([*seen, *beside[0]], np.vstack([chances[fold != part], beside[1]]))
        for i in np.flatnonzero(fold == part).tolist():
            told[i] = model.of(given[i]) + model.bias
    return told


def figures(chances: F32, told: F32) -> dict[str, float]:
    """How often a trade told is one that was read, one read is told, and of whom none was read none is told."""
    says, reads = told >= TELLS, chances >= TELLS
    none = np.logical_not(chances.any(axis=1))
    return {
        "precision": float((chances[says] > 0).mean()),
        "recall": float(says[reads].mean()),
        "none": float((told[none] < names.LEAST).all(axis=1).mean()),
    }


def train(data: Path, out: Path) -> dict[str, float]:
    """Write names.npz and its card into a folder; returns the figures, of structures that were not learnt from."""
    arrays: dict[str, Any] = {"names": np.array(trades())}
    values = dict[str, Any]()
    nothing: Taught = [], np.zeros((0, len(trades())), dtype=np.float32)
    for of, file, beside in zip(names.Reader._fields, (NAMED, DOES), (nothing, coded()), strict=True):
        given, chances = labelled(data, file)
        model = fit([*given, *beside[0]], np.vstack([chances, beside[1]]))
        arrays |= {f"{of}_{part}": array for part, array in model._asdict().items()}
        found = figures(chances, crossed(given, chances, beside))
        found |= {"read": len(given), "telling": int(chances.any(axis=1).sum())}
        values |= {f"{of}_{name}": figure for name, figure in found.items()}
    save(out, "names", arrays)
    write_card(out, "names", **values)
    return values
