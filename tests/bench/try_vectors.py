"""Variants of the encoder's vectors: truncated, in eight bits, concatenated with a larger model's, or with a projection to it.

    python tests/bench/bench_encoder.py --only e5-small --cache build/bench-encoder
    python tests/bench/try_vectors.py --cache build/bench-encoder

`suppliers_dev`, by the encoder alone.  The vectors of multilingual-e5-small are those that the first command kept;
the likeness is a ridge regression from the pieces of each text of the history to them.  Real cases: MATCHER_SHARED.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from bench_encoder import kept, unit
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags
from tokenizers import Tokenizer

from matcher.lab.training.cases import Cases
from matcher.lab.training.encoder import AWARDS
from matcher.learned.encoders import static
from matcher.reference import paths

Rows = NDArray[np.float32]


def eight_bits(rows: Rows) -> Rows:
    """The rows as whole numbers from -127 to 127 of each row's own scale."""
    scale = 127 / np.maximum(np.abs(rows).max(axis=1, keepdims=True), 1e-9)
    return (np.round(rows * scale) / scale).astype(np.float32)


def pieces(texts: list[str]) -> csr_matrix:
    """The pieces of each text, 1 + log of how often, each row of length 1."""
    tokenizer = Tokenizer.from_file(str(paths.models_dir() / "encoder/0_StaticEmbedding/tokenizer.json"))
    found = [one.ids for one in tokenizer.encode_batch(texts, add_special_tokens=False)]
    ends = np.cumsum([0, *map(len, found)])
    counts = (np.ones(ends[-1], np.float32), np.concatenate([np.array(ids, int) for ids in found]), ends)
    rows = csr_matrix(counts, shape=(len(texts), tokenizer.get_vocab_size()))
    rows.sum_duplicates()
    rows.data = 1 + np.log(rows.data)
    lengths = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
    return diags(1 / np.maximum(lengths, 1e-9)) @ rows


def main() -> None:
    """Print R@10, R@100 and nDCG@10 of each variant."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cache", type=Path, default=Path("build") / "bench-encoder")
    options = parser.parse_args()
    cases, encoder = Cases(paths.shared_dir() / "data"), static.load()
    asked, held = encoder.encode(cases.queries, "query"), encoder.encode(cases.texts)

    def show(name: str, likeness: Rows) -> None:
        print(f"{name:34}" + "R@10 {:.3f}  R@100 {:.3f}  nDCG@10 {:.3f}".format(*cases.measure(likeness).mean(axis=0)), flush=True)  # fmt: skip

    half = AWARDS.axes
    show("both parts", asked @ held.T)
    show("part of offers", unit(asked[:, half:]) @ unit(held[:, half:]).T)
    for axes in (half, 128, 64):
        show(f"part of awards, first {axes} axes", unit(asked[:, :axes]) @ unit(held[:, :axes]).T)
    show("eight bits", eight_bits(asked) @ eight_bits(held).T)
    files = [
        kept(options.cache, "e5-small", texts, role)
        for texts, role in ((cases.queries, "query"), (cases.texts, "passage"))
    ]
    if not all(file.is_file() for file in files):
        print("no vectors of multilingual-e5-small: run the first command of --help")
        return
    theirs, known = (np.load(file, allow_pickle=False).astype(np.float32) for file in files)
    middle = known.mean(axis=0)
    theirs, known = unit(theirs - middle), unit(known - middle)
    for weight in (0.1, 0.25, 0.5):
        show(f"and its own, centred, times {weight}", asked @ held.T + weight * theirs @ known.T)
    from sklearn.linear_model import Ridge

    ridge = Ridge(alpha=1.0, solver="sparse_cg", max_iter=60, fit_intercept=False)
    learnt = ridge.fit(pieces(cases.texts), known).coef_.T
    alike = [unit(pieces(texts) @ learnt) for texts in (cases.queries, cases.texts)]
    show("a likeness of it alone", alike[0] @ alike[1].T)
    for weight in (0.1, 0.25, 0.5):
        show(f"and the likeness, times {weight}", asked @ held.T + weight * alike[0] @ alike[1].T)


if __name__ == "__main__":
    main()
