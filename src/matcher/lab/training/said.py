"""Fit the network that gives the CPV groups of a declared passage from its vector.

It is distilled from the CPV model, which is too slow for every passage of a large catalogue, on texts of this project
and of the nomenclatures.  No text is kept.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from matcher.console import say
from matcher.lab.evaluation import HISTORY
from matcher.lab.training import packed, save
from matcher.lab.training.texts import OURS, cpv_labels, past_awards, read_table
from matcher.learned import cpv
from matcher.matching import declared
from matcher.reference.arrays import F32

HIDDEN, EPOCHS, BATCH, RATE = 256, 12, 512, 3e-3
AXES = 128  # kept of the vectors and the roots of the groups together
SPREAD = 8.0  # vectors are of length 1: multiplied by it the network learns faster
EACH = 12_000  # texts of one sort at most
AT_ONCE = 500  # texts that the CPV model is asked at once


def texts(data: Path, seed: int = 0) -> list[str]:
    """What the network is taught on: offers, needs, words and phrases of the glossary, awards, labels, jobs."""
    rng = np.random.default_rng(seed)
    chosen = [*read_table(OURS / "choices.csv.gz"), *read_table(OURS / "choices_more.csv.gz")]
    offers = [row[name] for row in chosen for name in row if name.startswith(("right", "wrong"))]
    speech = [row["text"] for row in read_table(OURS / "speech.csv.gz")]
    sorts = [
        offers,
        speech,
        [piece for text in offers + speech for piece in declared.cut(text)],
        [row[name] for row in chosen for name in ("need", "need2")],
        [row["word"] for row in read_table(OURS / "words.csv.gz")],
        [award.title for award in past_awards(data / HISTORY)],
        list(cpv_labels(data / "nomenclatures").values()),
    ]
    drawn = [rng.permutation(sorted(set(sort)))[:EACH].tolist() for sort in sorts]
    return list(dict.fromkeys(text for sort in drawn for text in sort))


def targets(suggester: cpv.Suggester, known: Sequence[str]) -> tuple[F32, F32, Any]:
    """Vectors of texts, the probabilities of their CPV groups by the CPV model, and the groups."""
    vectors = suggester.encoder.encode(known)
    codes, parts = np.empty(0, np.int64), []
    for low in range(0, len(known), AT_ONCE):
        words = [suggester.encoder.normalise(text) for text in known[low : low + AT_ONCE]]
        codes, raw = suggester.short.raw(suggester.views, words, vectors[low : low + AT_ONCE], "group")
        parts.append(raw.astype(np.float32))
    return vectors, np.concatenate(parts), codes


def fit(vectors: F32, wanted: F32, seed: int = 0) -> dict[str, F32]:
    """Weights and biases of two layers that answer with these probabilities (cross-entropy)."""
    import torch
    from torch.nn import functional

    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    net = torch.nn.Sequential(
        torch.nn.Linear(vectors.shape[1], HIDDEN), torch.nn.ReLU(), torch.nn.Linear(HIDDEN, wanted.shape[1])
    )
    steps = EPOCHS * len(vectors) // BATCH
    optimiser = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps)
    inputs, expected = torch.from_numpy(vectors), torch.from_numpy(wanted)
    for _ in range(steps):
        drawn = torch.from_numpy(rng.integers(0, len(vectors), BATCH))
        loss = functional.cross_entropy(net(inputs[drawn] * SPREAD), expected[drawn])
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
    learnt: dict[str, F32] = {name: value.numpy() for name, value in net.state_dict().items()}
    return {
        "inner": learnt["0.weight"].T * np.float32(SPREAD),
        "inner_bias": learnt["0.bias"],
        "outer": learnt["2.weight"].T,
        "outer_bias": learnt["2.bias"],
    }


def axes(vectors: F32, wanted: F32) -> F32:
    """The directions of the widest spread of vectors and roots of probabilities, side by side; (dimension + groups, AXES)."""
    views = np.hstack([vectors, np.sqrt(wanted)])
    _, directions = np.linalg.eigh(views.T @ views)
    return np.asarray(directions[:, ::-1][:, :AXES], dtype=np.float32)


def train(data: Path, out: Path) -> Path:
    """Distil the network and write said.npz, its matrices in eight bits with a scale a column; returns the folder."""
    suggester = cpv.load()
    passages = texts(data)
    say(f"asking the CPV model about {len(passages)} texts")
    vectors, wanted, codes = targets(suggester, passages)
    learnt = fit(vectors, wanted) | {"axes": axes(vectors, wanted)}
    arrays: dict[str, Any] = {name: learnt.pop(name) for name in ("inner_bias", "outer_bias")}
    for layer, weights in learnt.items():
        columns, arrays[f"{layer}_scale"] = packed(weights.T)
        arrays[layer] = np.ascontiguousarray(columns.T)
    arrays |= {"encoder": np.array(suggester.encoder.fingerprint), "codes": codes.astype(np.int16)}
    save(out, "said", arrays)
    return out
