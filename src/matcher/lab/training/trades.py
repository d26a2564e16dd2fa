"""Learn to read the trades of our taxonomy in a need (the first reading of `matcher.learned.asks`).

From the texts of this project with a CPV code and the labels of the CPV; where a folder of open data is given, also from
objets of past contracts with their CPV code.  `matcher.lab.training.offers` learns from the other side of the same texts,
and from job titles (ROME) with their code.
"""

from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from matcher.lab.evaluation import HISTORY
from matcher.lab.training import every_output, hashed_rows, linear_arrays
from matcher.lab.training.texts import OURS, past_awards, read_table
from matcher.learned import asks
from matcher.learned.asks import names
from matcher.learned.encoders import Encoder
from matcher.matching import trades
from matcher.reference.arrays import Array
from matcher.reference.paths import reference_dir
from matcher.reference.tables import csv_rows
from matcher.reference.text import fold
from matcher.reference.trades import narrower, trade_of_cpv
from matcher.reference.trades import trades as taxonomy

NEED, OFFER, BOTH = "need", "offer", "both"  # roles of our texts
WORD, LABEL, TITLE = 0.2, 0.3, 0.3  # weights of a bare word, a CPV label and a job title, a sentence being 1
WORDS = 2.0  # weight of a need's words, its vector being 1
C = 3.0  # inverse strength of the penalty
ROUNDS = 60  # iterations of the fit
_CODED = itemgetter("cpv")
SENTENCES = {"need": NEED, "need2": NEED, "right": OFFER, "right2": OFFER}


class Text(NamedTuple):
    """What is learnt from: `trade` is "" where it is of no trade of the taxonomy, None where it is not known; `role` is NEED, OFFER or BOTH."""

    text: str
    trade: str | None
    weight: float
    role: str


def output_of(text: Text) -> int:
    """Which output a text teaches: a trade, the last one for none of the taxonomy."""
    return (*names(), "").index(text.trade or "")


def _named(label: str, code: str) -> str | None:
    """The trade of our own label and CPV code; the CPV has no code for reuse, so that its words decide."""
    reuse = next(trade for trade in taxonomy() if trade.name == "reemploi")
    return part_of(label, reuse.name if reuse.words.search(fold(label)) else trade_of_cpv(code))


def part_of(text: str, trade: str | None) -> str | None:
    """The part of a trade that a text names, None where the trade is not known."""
    return None if trade is None else narrower(text, trade)


def texts(role: str) -> Iterator[Text]:
    """The texts of this project, of a role or both, and the labels of the CPV."""
    return (each for each in _texts() if each.role in (role, BOTH))


def _texts() -> Iterator[Text]:
    for row in filter(_CODED, read_table(OURS / "speech.csv.gz")):
        yield Text(row["text"], _named(row["trade"], row["cpv"]), 1.0, row["role"])
    for row in filter(_CODED, read_table(OURS / "words.csv.gz")):
        yield Text(row["word"], part_of(row["word"], trade_of_cpv(row["cpv"])), WORD, BOTH)
    for name in ("choices", "choices_more"):
        for row in filter(_CODED, read_table(OURS / f"{name}.csv.gz")):
            for column, role in SENTENCES.items():
                yield Text(row[column], _named(row["trade"], row["cpv"]), 1.0, role)
    for row in read_table(reference_dir() / "cpv.csv"):
        yield Text(row["label"], part_of(row["label"], trade_of_cpv(row["code"])), LABEL, BOTH)


def awarded(data: Path) -> Iterator[Text]:
    """Objets of past contracts with a CPV code that is more than a division, each once."""
    known = {fold(award.title)[:100]: award for award in past_awards(data / HISTORY)}
    for award in known.values():
        if award.cpv and not award.cpv.endswith("000000"):
            text = award.title[: asks.READ_UP_TO]
            yield Text(text, part_of(text, trade_of_cpv(award.cpv)), 1.0, NEED)


def jobs(data: Path) -> Iterator[Text]:
    """Job titles, shared out over the trades of their ROME code."""
    for name in ("rome_appellations.csv", "rome_codes.csv"):
        for row in csv_rows(data / "nomenclatures" / name):
            does = trades.of_job(row["rome"])
            total = max(float(does.sum()), 1.0)
            for i in np.flatnonzero(does):
                yield Text(row["libelle"], names()[i], TITLE * float(does[i]) / total, OFFER)
            if does.sum() < 1:  # half as sure: a job of any trade may stand in a structure of this one
                yield Text(row["libelle"], "", TITLE * float(1 - does.sum()) / 2, OFFER)


def bags(given: list[str]) -> tuple[Any, Any]:
    """Words of texts as a sparse table (texts, buckets) of unit rows by idf, and the idf of each bucket."""
    from sklearn.feature_extraction.text import TfidfTransformer

    table = hashed_rows([asks.first_terms(text) for text in given], asks.FIRST_BUCKETS)
    weighing = TfidfTransformer().fit(table)
    return weighing.transform(table), np.where(table.getnnz(axis=0) > 0, weighing.idf_, 0.0)


def first_arrays(encoder: Encoder, data: Path | None = None) -> dict[str, Array]:
    """The arrays of the first reading of `matcher.learned.asks`; its last output is "no trade of the taxonomy"."""
    from scipy.sparse import csr_matrix, hstack
    from sklearn.linear_model import LogisticRegression

    every = [*texts(NEED), *(awarded(data) if data is not None else ())]
    chosen = [each for each in every if each.trade is not None]
    vectors = encoder.encode([each.text for each in chosen], role="query")
    words, rarity = bags([each.text for each in chosen])
    model = LogisticRegression(C=C, max_iter=ROUNDS, tol=1e-3)
    model.fit(
        hstack([csr_matrix(vectors), WORDS * words]).tocsr(),
        [output_of(each) for each in chosen],
        sample_weight=[each.weight for each in chosen],
    )
    size = vectors.shape[1]
    weights, bias = every_output(model, len(names()) + 1)
    buckets = np.flatnonzero(rarity)
    of_words = WORDS * weights[:, size:][:, buckets]
    return linear_arrays("first", weights[:, :size].T, of_words, bias, buckets, rarity[buckets])
