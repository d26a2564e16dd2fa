"""Learn what a lot asks for (see `matcher.learned.asks`): from lots and needs labelled by reading, and texts of our own.

The first reading of trades is learnt from our texts with a CPV code and the labels of the CPV, and where a folder of open data
is given from objets of past contracts with their code; `matcher.lab.training.offers` learns from the other side of the same
texts.  The outputs are logistic regressions over its readings, vectors, words and codes.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from matcher.console import say
from matcher.domain import BadInput, Lot, Tender
from matcher.lab import evaluation
from matcher.lab.evaluation import HISTORY
from matcher.lab.training import every_output, hashed_rows, linear_arrays, save, write_card
from matcher.lab.training.texts import OURS, past_awards, read_lines, read_table
from matcher.learned import asks
from matcher.learned.asks import ALONE, BUCKETS, CHOICES, Wording, names
from matcher.learned.encoders import Encoder, static
from matcher.matching import trades
from matcher.reading import gather
from matcher.reference import paths
from matcher.reference.arrays import F32, I64, Array, model_arrays
from matcher.reference.paths import reference_dir
from matcher.reference.tables import csv_rows
from matcher.reference.text import fold
from matcher.reference.trades import narrower, trade_of_cpv
from matcher.reference.trades import trades as taxonomy

NEED, OFFER, BOTH = "need", "offer", "both"  # roles of our texts
WORD, LABEL, TITLE = 0.2, 0.3, 0.3  # weights of a bare word, a CPV label and a job title, a sentence being 1
WORDS = 2.0  # weight of a need's words, its vector being 1
FIRST_C, FIRST_ROUNDS = 3.0, 60  # inverse strength of the penalty, iterations of the first fit
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


def texts() -> Iterator[Text]:
    """The texts of this project, and the labels of the CPV."""
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

    every = [*(each for each in texts() if each.role != OFFER), *(awarded(data) if data is not None else ())]
    chosen = [each for each in every if each.trade is not None]
    vectors = encoder.encode([each.text for each in chosen], role="query")
    words, rarity = bags([each.text for each in chosen])
    model = LogisticRegression(C=FIRST_C, max_iter=FIRST_ROUNDS, tol=1e-3)
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


LABELS = {"lots_dev": "", "typed_needs_dev": "mixed_dev", "objets_dev": "notices_dev,typed_dev,spoken_dev"}
CARRIED = {"yes": "alone", "group": "group", "no": "beyond"}  # "alone" of the labels
OWN = "needs.jsonl.gz"  # lots and needs of our own, labelled by their authors
#: Labels of more lots and objets of the real data, by the hash of their identifiers.
READ = "read_lots.jsonl.gz"
C, ALONE_C, POOL_C, ROUNDS = 1.0, 3.0, 1.0, 200  # inverse strengths of the penalties, iterations
#: Added to the log-odds of outputs whose positive texts are rarer, or more frequent, among what is learnt from than among what is typed.
LEAN = {"staff": 0.405, "stated": -0.2}
SIZES = 3  # last numbers of a wording: what large yearly amounts add
FEWEST = 2  # labelled lots of a trade from which more than its pooled columns are learnt
FOLDS = 5
DRAWN = 3_000  # texts drawn of each of our larger tables
#: Of a text of our own, a labelled lot being 1.
WORTH = {"staff": 1.0, "stated": 1.0, "offered": 0.6, "others": 0.1}


@dataclass
class Example:
    """A text to learn from: its wording, the group that is left out whole, and what is known of each output."""

    id: str
    source: str
    group: str
    given: Wording
    trades: frozenset[str] | None = None
    main: frozenset[str] = frozenset()
    choices: Mapping[str, str] = field(default_factory=dict)  # output of CHOICES -> its value
    alone: Mapping[str, bool] = field(default_factory=dict)
    weight: float = 1.0


def labelled(data: Path) -> list[Example]:
    """Lots and needs of the folder of real data that were labelled by reading.  Raises BadInput where there are none."""
    folder = data / "judged"
    tenders = {lot.id: (tender, lot) for tender, lot in _lots(data / "notices" / "ted")}
    examples: list[Example] = []
    for name, queries in LABELS.items():
        for query in filter(None, queries.split(",")):
            questions = evaluation.questions(folder / f"{query}.queries.jsonl", [])
            tenders |= {q.id: (q.tender, q.tender.lots[0]) for q in questions}
        path = folder / f"{name}.labels.jsonl"
        rows = read_lines(path) if path.is_file() else []
        examples += [_example(row, *tenders[row["lot"]], name) for row in rows if row["lot"] in tenders]
    if not examples:
        raise BadInput(f"no labelled lot in {folder}: NAME.labels.jsonl with the notices and needs is wanted")
    return examples


def _lots(folder: Path) -> Iterator[tuple[Tender, Lot]]:
    for tender in gather.gather([folder]).tenders if folder.is_dir() else ():
        for lot in tender.lots:
            yield tender, lot


def _example(row: Mapping[str, Any], tender: Tender, lot: Lot, source: str, weight: float = 1.0) -> Example:
    choices = {"nature": row["nature"], "served": row["s"]}
    if row["alone"] in CARRIED:
        choices["carried"] = CARRIED[row["alone"]]
    return Example(
        id=row["lot"],
        source=source,
        group=tender.id,
        given=asks.wording(lot, tender),
        trades=frozenset(row["trades"]),
        main=frozenset(name for name, role in row["trades"].items() if role == "main"),
        choices={name: value for name, value in choices.items() if value in CHOICES[name]},
        alone={"staff": row["nature"] == "staff", "stated": True},
        weight=weight,
    )


def read_by_us(data: Path) -> list[Example]:
    """Lots of the notices and objets of past contracts that were labelled by reading for this project."""
    lots = [*_lots(data / "notices" / "ted"), *_lots(data / "notices" / "eforms"), *_objets(data)]
    lot_of = {hashlib.sha256(lot.id.encode()).hexdigest()[:16]: (tender, lot) for tender, lot in lots}
    rows = [(row, lot_of[row["key"]]) for row in read_lines(OURS / READ) if row["key"] in lot_of]
    return [_example({**row, "lot": lot.id}, tender, lot, "read") for row, (tender, lot) in rows]


def _objets(data: Path) -> Iterator[tuple[Tender, Lot]]:
    path = data / HISTORY
    for award in past_awards(path) if path.is_file() else ():
        facts: dict[str, Any] = {"cpv": (award.cpv,) if award.cpv else (), "amount": award.amount}
        yield _need(award.uid, award.title, **facts, duration_months=award.duration_months)


def _need(key: str, title: str, notice: str | None = None, **facts: Any) -> tuple[Tender, Lot]:
    lot = Lot(id=key, title=title, **facts)
    return Tender(id=key, format="need", title=notice or title, lots=(lot,)), lot


def _own_needs() -> Iterator[Example]:
    """Labelled lots and needs of this project."""
    for number, row in enumerate(read_lines(OURS / OWN)):
        facts = {"description": row.get("description", ""), "cpv": tuple(row.get("cpv", ()))}
        facts |= {"amount": row.get("amount"), "duration_months": row.get("months")}
        tender, lot = _need(f"own-{number}", row["title"], row.get("notice"), **facts)
        yield _example({**row, "lot": lot.id}, tender, lot, "own", 0.5)


def _own_texts() -> Iterator[Example]:
    """Texts of this project of which one output is known."""
    rng = np.random.default_rng(0)
    for row in read_table(OURS / "staff_texts.csv.gz"):
        yield _of_text(row["text"], {"staff": row["staff"] == "1", "stated": True}, WORTH["staff"])
    for row in read_table(OURS / "typed_texts.csv.gz"):
        yield _of_text(row["text"], {"stated": row["need"] == "1"}, WORTH["stated"])
    for row in read_table(OURS / "ess_needs.csv.gz"):
        yield _of_text(row["text"], {"offered": row["served"] == "1", "stated": True}, WORTH["offered"])
    spoken = [row for row in read_table(OURS / "speech.csv.gz") if row["role"] == "need" and row["served"]]
    for row in (spoken[i] for i in rng.permutation(len(spoken))[: 2 * DRAWN]):
        yield _of_text(row["text"], {"offered": row["served"] == "1", "stated": True}, WORTH["offered"] / 2)
    coded = [row for row in read_table(OURS / "choices.csv.gz") if row["cpv"] and row["cpv"][:3] != "796"]
    for row in (coded[i] for i in rng.permutation(len(coded))[:DRAWN]):
        yield _of_text(row["need"], {"staff": False, "stated": True}, WORTH["others"])
    words = [row["word"] for row in read_table(OURS / "words.csv.gz")]
    for word in rng.permutation(words)[:DRAWN].tolist():
        yield _of_text(word, {"stated": True}, WORTH["others"])


def _of_text(text: str, alone: Mapping[str, bool], weight: float) -> Example:
    tender, lot = _need("text", text)
    wording = asks.wording(lot, tender)
    return Example(id=text, source="texts", group=text, given=wording, alone=alone, weight=weight)


# ------------------------------------------------------------------------------------------ the fit


@dataclass
class Inputs:
    """Of every example: dense inputs, pooled columns, and words and codes as a sparse table of known buckets."""

    dense: F32
    pools: F32
    words: Any
    buckets: I64
    rarity: F32


def inputs_of(examples: Sequence[Example], reader: asks.Reader) -> Inputs:
    """The inputs of all examples; buckets that only one labelled lot holds are left out."""
    from scipy.sparse import csr_matrix

    wordings = [one.given for one in examples]
    count = np.zeros(BUCKETS)
    for one in examples:
        for each in asks.terms(one.given).values() if one.trades is not None else ():
            count[list(each)] += 1
    buckets = np.flatnonzero(count >= FEWEST)
    rarity = np.log((1 + len(wordings)) / (1 + count[buckets])) + 1
    at = asks.rows_of(buckets, BUCKETS)
    columns, weights = zip(*(asks.weighed(one, at, rarity) for one in wordings), strict=True)
    filled = (np.concatenate(weights), np.concatenate(columns), np.cumsum([0, *map(len, columns)]))
    words = csr_matrix(filled, shape=(len(wordings), len(buckets)))
    words.sum_duplicates()
    dense, pools = reader.inputs(wordings)
    return Inputs(dense, pools, words, buckets, rarity.astype(np.float32))


def fit(examples: Sequence[Example], inputs: Inputs, chosen: I64) -> dict[str, Array]:
    """The arrays of the pooled columns and of the outputs, learnt from the chosen examples."""
    from scipy.sparse import csr_matrix, hstack
    from sklearn.linear_model import LogisticRegression

    names = asks.names()
    with_trades = np.array([i for i in chosen if examples[i].trades is not None])
    wanted = np.array([[name in (examples[i].trades or ()) for name in names] for i in with_trades])
    weight = np.array([one.weight for one in examples])
    pools = inputs.pools[with_trades].reshape(-1, inputs.pools.shape[2])
    pooled = LogisticRegression(C=POOL_C, max_iter=ROUNDS * 5)
    pooled.fit(pools, wanted.ravel(), np.repeat(weight[with_trades], len(names)))
    shared = np.append(pooled.coef_[0], pooled.intercept_[0])
    offset = inputs.pools @ shared[:-1] + shared[-1]
    table = hstack([csr_matrix(inputs.dense), inputs.words]).tocsr()
    # the columns of large amounts tell who carries a lot; for its trades they would be noise
    plain = np.delete(np.arange(table.shape[1]), inputs.dense.shape[1] - 2 - np.arange(1, 1 + SIZES))
    size, heads = table.shape[1], len(names) + sum(map(len, CHOICES.values())) + len(ALONE)
    weights, bias, trusted = np.zeros((size, heads)), np.zeros(heads), np.ones(len(names))

    def learnt(
        some: I64, value: Sequence[Any], extra: Any = None, strength: float = C, sized: bool = False
    ) -> LogisticRegression:
        features = table[some] if sized else table[some][:, plain]
        if extra is not None:
            features = hstack([features, csr_matrix(extra[some, None])]).tocsr()
        solver = "lbfgs" if len(set(value)) > 2 else "liblinear"
        model = LogisticRegression(C=strength, solver=solver, max_iter=ROUNDS, tol=1e-3)
        return model.fit(features, value, weight[some])

    for j in range(len(names)):
        if wanted[:, j].sum() >= FEWEST:
            model = learnt(with_trades, wanted[:, j].tolist(), offset[:, j])
            *weights[plain, j], trusted[j] = model.coef_[0]
            bias[j] = model.intercept_[0]
    at = len(names)
    for name, choices in CHOICES.items():
        some = np.array([i for i in chosen if name in examples[i].choices])
        sized = name == "carried"
        model = learnt(some, [choices.index(examples[i].choices[name]) for i in some], sized=sized)
        rows = np.arange(size) if sized else plain
        columns = at + model.classes_
        weights[np.ix_(rows, columns)], bias[columns] = model.coef_.T, model.intercept_
        at += len(choices)
    for name in ALONE:
        some = np.array([i for i in chosen if name in examples[i].alone])
        model = learnt(some, [examples[i].alone[name] for i in some], strength=ALONE_C)
        weights[plain, at], bias[at] = model.coef_[0], model.intercept_[0] + LEAN.get(name, 0.0)
        at += 1
    dense, words = np.split(weights, [inputs.dense.shape[1]])
    arrays = linear_arrays("outputs", dense, words.T, bias, inputs.buckets, inputs.rarity)
    return {"pooled": shared.astype(np.float32), "trusted": trusted.astype(np.float32), **arrays}


@dataclass
class Fitted:
    """The readings of each labelled example by a model that saw none of its group."""

    examples: list[Example]
    chances: F32
    others: Mapping[str, F32]

    def trades(self, i: int) -> list[str]:
        """The trades of a reading, likeliest first."""
        return [asks.names()[j] for j in asks.told(self.chances[i], bool(self.examples[i].given.codes))]


def learnt_from(data: Path, encoder: Encoder, begun: Mapping[str, Array]) -> tuple[list[Example], Inputs]:
    """All examples and their inputs; `begun` holds the arrays of the first reading."""
    examples = [*labelled(data), *read_by_us(data), *_own_needs(), *_own_texts()]
    return examples, inputs_of(examples, asks.of_arrays(_without_outputs(begun), encoder))


def crossed(
    examples: Sequence[Example], inputs: Inputs, encoder: Encoder, begun: Mapping[str, Array]
) -> Fitted:
    """Cross-validate the outputs by notice or need."""
    from sklearn.model_selection import GroupKFold

    real = np.array([i for i, one in enumerate(examples) if one.source in (*LABELS, "read")])
    rest = np.setdiff1d(np.arange(len(examples)), real)
    chances = np.zeros((len(real), len(asks.names())), dtype=np.float32)
    others: dict[str, Any] = {}
    groups = [examples[i].group for i in real]
    for seen, unseen in GroupKFold(FOLDS).split(real, groups=groups):
        outputs = fit(examples, inputs, np.concatenate([real[seen], rest]))
        part = asks.of_arrays({**begun, **outputs}, encoder)
        read, more = part.read([examples[i].given for i in real[unseen]])
        chances[unseen] = read
        for name, table in more.items():
            others.setdefault(name, np.zeros((len(real), *table.shape[1:]), dtype=np.float32))[unseen] = table
    return Fitted([examples[i] for i in real], chances, others)


def unseen(data: Path) -> dict[str, tuple[F32, dict[str, Any]]]:
    """Of each labelled lot or need, by its id, the outputs of a model that saw none of its group; none without labels."""
    if not any((data / "judged" / f"{name}.labels.jsonl").is_file() for name in LABELS):
        return {}
    encoder = static.load()
    with model_arrays("asks") as held:
        begun = {name: array for name, array in held.items() if name.startswith("first_")}
    fitted = crossed(*learnt_from(data, encoder, begun), encoder, begun)
    return {
        one.id: (fitted.chances[i], {name: table[i] for name, table in fitted.others.items()})
        for i, one in enumerate(fitted.examples)
    }


def _without_outputs(begun: Mapping[str, Array]) -> dict[str, Array]:
    unread = {name.replace("first", "outputs"): values for name, values in begun.items()}
    return {"pooled": np.zeros(1), "trusted": np.zeros(1), **unread, **begun}


def train(data: Path, out: Path, encoder: Encoder | None = None) -> Fitted:
    """Write asks.npz and its card into a folder; prints the figures, cross-validated by notice."""
    encoder = encoder or static.load()
    begun = first_arrays(encoder, data)
    save(out, "asks", _without_outputs(begun))
    _forget()
    with paths.learnt_into(out):  # the wording of an insertion contract asks the first reading
        examples, inputs = learnt_from(data, encoder, begun)
        fitted = crossed(examples, inputs, encoder, begun)
        whole = begun | fit(examples, inputs, np.arange(len(examples)))
        save(out, "asks", whole)
    _forget()
    report = figures(fitted)
    say(report)
    count = {name: sum(one.source == name for one in fitted.examples) for name in LABELS}
    write_card(
        out,
        "asks",
        date=date.today().isoformat(),
        report=report,
        folds=FOLDS,
        uncoded=(asks.FIRST, asks.MORE),
        coded=(asks.FIRST_CODED, asks.MORE_CODED),
        read=sum(one.source == "read" for one in fitted.examples),
        **count,
    )
    return fitted


def _forget() -> None:
    """What was read by the model of before is read again."""
    for reader in (asks.shipped, asks.supported):
        reader.cache_clear()


def figures(found: Fitted) -> str:
    """The figures of each set as a table in Markdown."""
    from sklearn.metrics import roc_auc_score

    lines = [
        "| set | lots | precision | recall | main first | none where none | several, with a false one | nature | AUC of beyond |",
        "|---|" + "---:|" * 8,
    ]
    for name in LABELS:
        some = [i for i, one in enumerate(found.examples) if one.source == name]
        gold, read = [found.examples[i] for i in some], [found.trades(i) for i in some]
        pairs = [({*each}, one.trades or frozenset()) for each, one in zip(read, gold, strict=True)]
        right, told, true = (
            sum(map(len, each)) for each in ([a & b for a, b in pairs], *zip(*pairs, strict=True))
        )
        firsts = [bool(one.main & {*each[:1]}) for each, one in zip(read, gold, strict=True) if one.main]
        none = [not trades for trades, labels in pairs if not labels]
        several = [bool(trades - labels) for trades, labels in pairs if len(trades) > 1]
        nature, carried = (
            [(i, one.choices[what]) for i, one in zip(some, gold, strict=True) if what in one.choices]
            for what in ("nature", "carried")
        )
        natures = [CHOICES["nature"][int(found.others["nature"][i].argmax())] == value for i, value in nature]
        beyond = found.others["carried"][[i for i, _ in carried], 2]
        auc = roc_auc_score([value == "beyond" for _, value in carried], beyond)
        rates = (right / max(told, 1), right / max(true, 1))
        shares = (*rates, *map(np.mean, (firsts, none, several, natures)), auc)
        lines.append(f"| {name} | {len(some)} | " + " | ".join(f"{share:.2f}" for share in shares) + " |")
    return "\n".join(lines)
