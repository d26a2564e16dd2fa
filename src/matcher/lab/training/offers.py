"""Learn to read what texts of structures offer (see `matcher.learned.offers`)."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import numpy as np

from matcher.lab.training import every_output, hashed_rows, packed, save, write_card
from matcher.lab.training.asks import NEED, OFFER, Text, jobs, output_of, texts
from matcher.lab.training.texts import OURS, read_table
from matcher.learned import offers
from matcher.learned.asks import names
from matcher.learned.encoders import Encoder, static
from matcher.reading import brochure
from matcher.reference.arrays import F32, F64, I64, Mask
from matcher.reference.trades import narrower

STATES_OFFER = "O"  # of the classes of lines in structure_texts.csv.gz
#: Weights of our phrases, of parts of offers and of others, a coded text being 1.
PHRASE, PART, NO_OFFER = 20.0, 3.0, 1.5
SENTENCE = 2.0  # scale of the words of a sentence, those of its heading being 1
C, ROUNDS = 10.0, 300  # of the fit of trades
FOLDS = 4
NAMED = 0.1  # chance of a part from which a text is asked about a trade


@dataclass(frozen=True, slots=True)
class Labelled:
    """A text of our own, or an excerpt of it: its parts, which state an offer (1, 0, -1 not known), trades of their lines, and of all."""

    number: int  # of the text
    excerpt: bool
    parts: list[offers.Part]
    states: I64
    said: list[frozenset[str]]
    trades: frozenset[str]


def labelled() -> Iterator[Labelled]:
    """The texts of structure_texts.csv.gz, cut as the reader cuts them; excerpts, and phrases, since many write one or two lines."""
    rows = read_table(OURS / "structure_texts.csv.gz")
    rng = np.random.default_rng(3)
    for number, (_, group) in enumerate(groupby(rows, key=lambda row: row["text"])):
        lines = list(group)
        cuts = np.cumsum(rng.integers(1, 4, len(lines)))
        for low, high in [(0, len(lines)), *pairwise([0, *cuts[cuts < len(lines)].tolist(), len(lines)])]:
            yield _labelled(number, low > 0 or high < len(lines), lines[low:high])
    for row in read_table(OURS / "said.csv.gz"):
        number += 1
        stated = STATES_OFFER if row["trade"] else ""
        yield _labelled(number, True, [{"line": row["text"], "class": stated, "trades": row["trade"]}])


def _labelled(number: int, excerpt: bool, lines: Sequence[Mapping[str, str]]) -> Labelled:
    parts = brochure.parts("\n".join(row["line"] for row in lines))
    trades = [frozenset(narrower(row["line"], name) for name in row["trades"].split()) for row in lines]
    known = [
        (_plain(row["line"]), row["class"] == STATES_OFFER, names)
        for row, names in zip(lines, trades, strict=True)
    ]
    states = [_line_of(_plain(part.sentence), known) for part in parts]
    offered = frozenset[str]().union(*(names for _, offer, names in known if offer))
    at = np.array([state for state, _ in states], dtype=np.int64)
    return Labelled(number, excerpt, parts, at, [names for _, names in states], offered)


def _plain(text: str) -> str:
    return re.sub(r"\W+", " ", text.lower()).strip()


def _line_of(sentence: str, lines: Sequence[tuple[str, bool, frozenset[str]]]) -> tuple[int, frozenset[str]]:
    """Whether the lines that a sentence comes from, or that it joins, state an offer, and their trades."""
    mine = [(offer, said) for line, offer, said in lines if line and (sentence in line or line in sentence)]
    if not mine:
        return -1, frozenset()
    return int(any(offer for offer, _ in mine)), frozenset().union(*(said for offer, said in mine if offer))


#: Texts with a code, then phrases: vectors, trades (the last: none), weights; how many phrases.
Coded = tuple[F32, I64, F64, int]


def coded(encoder: Encoder, data: Path | None) -> Coded:
    rows = [*(each for each in texts() if each.role != NEED), *(jobs(data) if data is not None else ())]
    phrases = read_table(OURS / "said.csv.gz")
    own = [Text(row["text"], narrower(row["text"], row["trade"]), PHRASE, OFFER) for row in phrases]
    every = [row for row in (*rows, *own) if row.trade is not None]
    vectors = encoder.encode([row.text for row in every], role="passage")
    trades, weights = np.array([output_of(row) for row in every]), np.array([row.weight for row in every])
    return vectors, trades, weights, len(own)


def trade_of_parts(given: Labelled, chances: F32) -> I64:
    """The trade to learn from each part: the likeliest of its line's, none for what is no offer, -1 where not known."""
    labels = names()
    trades = np.full(len(given.parts), -1)
    for i, (state, said) in enumerate(zip(given.states, given.said, strict=True)):
        places = [labels.index(name) for name in said if name in labels]
        if state == 1 and places:
            trades[i] = places[int(np.argmax(chances[i][places]))]
        elif state == 0:
            trades[i] = len(labels)
    return trades


def fit_reader(base: Coded, given: Sequence[tuple[F32, I64]], encoder: str) -> offers.Reader:
    """The reader of trades, from coded texts and from the vectors and trades of parts."""
    from sklearn.linear_model import LogisticRegression

    labels, (coded_vectors, coded_trades, coded_weights, _) = names(), base
    vectors = np.vstack([coded_vectors, *(v[t >= 0] for v, t in given)])
    targets = np.concatenate([coded_trades, *(t[t >= 0] for _, t in given)])
    worth = [np.where(t[t >= 0] == len(labels), NO_OFFER, PART) for _, t in given]
    model = LogisticRegression(C=C, max_iter=ROUNDS, tol=1e-3)
    model.fit(vectors, targets, sample_weight=np.concatenate([coded_weights, *worth]))
    weights, bias = every_output(model, len(labels) + 1)
    return offers.Reader(encoder, tuple(labels), weights.astype(np.float32), bias.astype(np.float32))


def fit_stance(given: Sequence[tuple[Labelled, F32]]) -> offers.Stance:
    """Whether a part states an offer, from labelled texts and the chances of trades of their parts."""
    from scipy.sparse import csr_matrix, hstack
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import normalize

    def bag(words: Sequence[str]) -> Any:
        return normalize(hashed_rows([offers.buckets(text) for text in words], offers.BUCKETS))

    parts = [part for text, _ in given for part in text.parts]
    states = np.concatenate([text.states for text, _ in given])
    form = np.vstack([offers.form(text.parts, chances) for text, chances in given])
    sentences, headings = ([getattr(part, name) for part in parts] for name in ("sentence", "heading"))
    table = hstack([csr_matrix(form), bag(sentences) * SENTENCE, bag(headings)]).tocsr()
    model = LogisticRegression(C=1.0, max_iter=2000).fit(table[states >= 0], states[states >= 0])
    weights = model.coef_[0].astype(np.float32)
    size = form.shape[1]
    return offers.Stance(
        weights[:size],
        weights[size : size + offers.BUCKETS] * SENTENCE,
        weights[size + offers.BUCKETS :],
        float(model.intercept_[0]),
    )


def fit_signs(given: Sequence[tuple[Labelled, F32, F32]]) -> tuple[F32, float]:
    """Weights of `offers.SIGNS`, from the chances of trades and of an offer of parts of texts not learnt from."""
    from sklearn.linear_model import LogisticRegression

    rows, right = [], []
    for text, chances, states in given:
        likely = chances.max(axis=0) > NAMED
        rows.append(offers.signs(chances * states[:, None], text.parts)[likely])
        right += [name in text.trades for name, one in zip(names(), likely, strict=True) if one]
    model = LogisticRegression(C=1.0, max_iter=1000).fit(np.vstack(rows), right)
    return model.coef_[0].astype(np.float32), float(model.intercept_[0])


def train(data: Path | None, out: Path, seed: int = 0) -> Path:
    """Write offers.npz and its card into a folder; `data` holds nomenclatures/ with the job titles."""
    encoder = static.load()
    base, given = coded(encoder, data), [text for text in labelled() if text.parts]
    vectors = [offers.mixed(text.parts) for text in given]
    drawn = np.random.default_rng(seed).permutation(given[-1].number + 1)
    fold = drawn[[text.number for text in given]] % FOLDS
    is_whole = np.array([not text.excerpt for text in given])
    plain = fit_reader(base, [], encoder.fingerprint)
    targets = [trade_of_parts(text, plain.read(v)) for text, v in zip(given, vectors, strict=True)]

    def reader(chosen: Mask) -> offers.Reader:
        taught = [(vectors[i], targets[i]) for i in np.flatnonzero(chosen & is_whole)]
        return fit_reader(base, taught, encoder.fingerprint)

    readers = [reader(fold != part) for part in range(FOLDS)]
    chances = [readers[part].read(each) for part, each in zip(fold, vectors, strict=True)]
    pairs = list(zip(given, chances, strict=True))
    stances = [fit_stance([pairs[i] for i in np.flatnonzero(fold != part)]) for part in range(FOLDS)]
    states = [stances[part].chances(text.parts, each) for part, (text, each) in zip(fold, pairs, strict=True)]
    whole, stance = reader(np.ones(len(given), bool)), fit_stance(pairs)
    learnt = zip(given, chances, states, strict=True)
    signs, sign_bias = fit_signs([each for each, full in zip(learnt, is_whole, strict=True) if full])
    arrays: dict[str, Any] = {"encoder": np.array(whole.encoder), "names": np.array(whole.names)}
    arrays["weights"], arrays["scale"] = packed(whole.weights)
    words = packed(np.stack([stance.sentence, stance.heading]))
    arrays["stance_words"], arrays["stance_scale"] = words
    arrays |= {"bias": whole.bias, "stance_form": stance.form, "stance_bias": np.float32(stance.bias)}
    save(out, "offers", arrays | {"signs": signs, "sign_bias": np.float32(sign_bias)})
    known = [
        (state >= 0, (chance >= 0.5) == state)
        for text, each in zip(given, states, strict=True)
        for state, chance in zip(text.states, each, strict=True)
    ]
    right = float(np.mean([same for sure, same in known if sure]))
    told_parts = sum(int((each >= 0).sum()) for each, full in zip(targets, is_whole, strict=True) if full)
    phrases = base[3]
    counts = {"coded": len(base[1]) - phrases, "own": phrases}
    counts |= {"parts": told_parts, "texts": int(is_whole.sum())}
    write_card(out, "offers", **counts, right=right, signs="; ".join(offers.SIGNS))
    return out / "offers.npz"
