"""Learn to distinguish a need from any other text (see `matcher.matching.clarity`), from texts of this project alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matcher.lab.training.texts import OURS, read_table
from matcher.lab.training.trades import bags, reader_arrays
from matcher.learned.encoders import Encoder
from matcher.matching import clarity

DRAWN = 3_000  # needs, and words of trades, that are learnt from
WORTH = 0.1  # of one of these, a text of typed_texts.csv.gz being 1
GREETED, SHORT = 200, 90  # needs of up to so many characters that are put into a greeting
GREETINGS = (
    "Bonjour, nous cherchons {}", "bonjour il me faudrait {}", "Bonjour, {}, merci d'avance", "salut, vous faites {} ?",
    "Bonjour, qui pourrait nous faire {} ? Cordialement",
)  # fmt: skip
VECTOR, WORDS, C = 2.0, 5.0, 2.0  # weights of the vector and of the words; inverse strength of the penalty


def texts(seed: int = 0) -> tuple[list[str], list[bool], list[float]]:
    """Texts, whether each states a need, and its weight."""
    rng = np.random.default_rng(seed)
    typed = [(row["text"], row["need"] == "1") for row in read_table(OURS / "typed_texts.csv.gz")]
    written = [row[name] for row in read_table(OURS / "choices.csv.gz") for name in ("need", "need2")]
    words = [row["word"] for row in read_table(OURS / "words.csv.gz")]
    needs = [text for sort in (written, words) for text in rng.permutation(sort)[:DRAWN].tolist()]
    needs += [
        row["text"] for name in ("ess_needs", "staff_texts") for row in read_table(OURS / f"{name}.csv.gz")
    ]
    needs += [row["text"] for row in read_table(OURS / "speech.csv.gz") if row["role"] == "need"][:DRAWN]
    short = rng.permutation([text for text in needs if len(text) < SHORT])[:GREETED].tolist()
    greeted = [
        GREETINGS[number % len(GREETINGS)].format(text[:1].lower() + text[1:])
        for number, text in enumerate(short)
    ]
    asked = [need for _, need in typed] + [True] * (len(greeted) + len(needs))
    weight = [1.0] * (len(typed) + len(greeted)) + [WORTH] * len(needs)
    return [text for text, _ in typed] + greeted + needs, asked, weight


def fit(encoder: Encoder) -> dict[str, Any]:
    """The arrays of clarity.npz."""
    from scipy.sparse import csr_matrix, hstack
    from sklearn.linear_model import LogisticRegression

    given, asked, weight = texts()
    vectors = encoder.encode(given, role="query")
    words, rarity = bags(given)
    table = hstack(
        [VECTOR * csr_matrix(vectors), WORDS * words, csr_matrix(_measured(encoder, given, vectors))]
    )
    model = LogisticRegression(C=C, max_iter=3000).fit(table.tocsr(), asked, weight)
    size, ends = vectors.shape[1], vectors.shape[1] + words.shape[1]
    arrays = reader_arrays(
        VECTOR * model.coef_[:, :size], WORDS * model.coef_[:, size:ends], model.intercept_, rarity
    )
    return arrays | {"measures": model.coef_[0, ends:].astype(np.float32)}


def _measured(encoder: Encoder, given: Sequence[str], vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.array([clarity.measures(text, v, encoder) for text, v in zip(given, vectors, strict=True)])


def train(encoder: Encoder, out: Path) -> Path:
    """Write clarity.npz into a folder."""
    out.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(out / clarity.FILE, **fit(encoder))
    return out / clarity.FILE
