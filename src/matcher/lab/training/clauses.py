"""Learn to recognise reservations, social conditions of performance and social criteria.

Passages of real notices, labelled lot by lot, come first where they are available (`MATCHER_SHARED`); this project's own passages
come second.  Everything is judged by what was learnt without it: an author's passages by all others, a notice's by all
other notices.
"""

import json
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from matcher.console import say
from matcher.domain import BadInput
from matcher.lab.training import hashed_rows, platt, save, write_card
from matcher.lab.training.texts import read_lines, read_table
from matcher.learned import clauses as classifier
from matcher.learned.clauses import BITS, LABELS, STEPS, VIEWS, Columns, Verdict, Weights
from matcher.reading.clauses import grammar
from matcher.reading.clauses.reading import LIKELY
from matcher.reading.clauses.sentences import cut, pages, speaking, windows
from matcher.reading.sources import _tree, ted
from matcher.reference.arrays import F64, Array, Mask
from matcher.reference.prose import folded

COST = 1.0  # inverse regularisation of the support vectors
LEAST = 2  # passages in which a feature must stand
REAL = 3.0  # weight of a passage of a real notice, one of our own being 1
FOLDS = 5  # of real notices
#: Files of the tests that are learnt from; the others there are held out.
DEVELOPMENT = ("clause_passages", "clause_passages_2", "clause_passages_3", "clause_lots", "clause_sentences")
OURS = "m"  # their authors had seen errors on the others
ASKED = "o"  # made up in the form in which names are asked: there are none like them to learn what they are worth from
NOTICE = "notice "  # and its number, in place of an author
Truth = tuple[bool | None, ...]  # in the order of LABELS; None is not known


@dataclass(frozen=True)
class Passage:
    text: str
    author: str
    truth: Truth


# ----------------------------------------------------------------------------------------- our own passages

_JUDGED = re.compile(
    r"\bcritere|\bnote[es]?\b|\bnotation|\bponder|\bjuge|\bjugement|\bbareme|\bappreci|\d ?(?:points?|pts)\b"
)
_BINDS = re.compile(
    r"\bclauses?\b|\bconditions? d'execution|\bobligat|\bs'engage|\bdevra|\bdoit\b|\bheures?\b|\bminim"
)


def labelled(text: str, reserved: bool, social: bool, hours: float | None) -> Truth:
    """The labels of a passage of which only "reserved" and "says something social" are known."""
    plain = folded(text)
    if not social:
        return reserved, False, False
    if grammar.OBJECT.match(plain) and hours is None:
        return reserved, None if _BINDS.search(plain) else False, None
    if _JUDGED.search(plain):
        return reserved, True if hours else None if _BINDS.search(plain) else False, True
    return reserved, True, False


def passages(texts: Path, tests: Path) -> list[Passage]:
    """The passages of `clauses.jsonl`, labelled by their author, and the development files of the tests."""
    found = [_of_row(row, str(row["author"])) for row in read_lines(texts)]
    for name in DEVELOPMENT:
        path = tests / f"{name}.jsonl"
        found += [_of_row(row, name) for row in read_lines(path)] if path.is_file() else []
    for row in read_table(tests / "clause_sentences.csv"):
        hours = float(row["hours"]) if row["hours"] else None
        truth = labelled(row["text"], row["reserved"] == "1", row["social"] == "1", hours)
        found.append(Passage(row["text"], "clause_sentences", truth))
    silent = tests / "clause_silent.txt"
    lines = silent.read_text("utf-8").splitlines() if silent.is_file() else []
    return found + [Passage(line, silent.stem, (False,) * len(LABELS)) for line in lines]


def _of_row(row: dict[str, Any], author: str) -> Passage:
    if "truth" in row:  # lot by lot, as in `clause_lots.jsonl`
        stated = {name for lot in row["truth"].values() for name in lot}
        return Passage(row["text"], author, tuple(label in stated for label in LABELS))
    truth = labelled(row["text"], bool(row["reserved"]), bool(row["social_clause"]), row.get("hours"))
    return Passage(row["text"], author, truth)


# -------------------------------------------------------------------------------------------- real notices


def notice_number(name: str) -> str:
    """ "007557_2020.xml" and "007557-2020" are one notice."""
    return re.sub(r"\D", "", Path(name).stem).lstrip("0")


def of_notices(notices: Path, judged: Path) -> list[Passage]:
    """The windows of labelled TED notices: what a label quotes is true, what a silent notice says is false.

    In a notice that does state something, what the quotation does not hold is not known for that label.
    """
    gold = {notice_number(row["file"]): row["lots"] for row in read_lines(judged)}
    found: dict[str, Passage] = {}
    for path in sorted(notices.glob("*.xml")):
        number = notice_number(path.name)
        quoted = list(_quoted(gold.get(number, {})))
        form = ted.reader(_tree.parse(path.read_bytes(), path.name), path.stem)
        read = [cut(page) for page in pages([f"{form.title()}\n{form.general}", *form.lot_texts()])]
        for window in (each for found_ in read for each in windows(found_, speaking(found_))):
            text = " ".join(one.text for one in window)
            truth = tuple(_truth(text, label, quoted) for label in LABELS)
            if text not in found or any(truth):
                found[text] = Passage(text, NOTICE + number, truth)
    return list(found.values())


def _bare(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", folded(text))


def _quoted(lots: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(label, quoted words without blanks) of each part of each lot's passage; ("label", "") where none can be found."""
    for lot in lots.values():
        stated = [label for label in LABELS if lot.get(label)]
        for part in re.split(r"…|¶|\|\|", lot["passage"]):
            plain, words = folded(part), _bare(part)
            for label in stated:
                likely = len(stated) == 1 or label == _about(plain)
                yield label, words if likely and len(words) > 15 and "case cochee" not in plain else ""


def _about(plain: str) -> str:
    if "reserve" in plain or "2113" in plain:
        return "reserved"
    return "criterion" if _JUDGED.search(plain) or "%" in plain or "performance" in plain else "execution"


def _truth(text: str, label: str, quoted: list[tuple[str, str]]) -> bool | None:
    words = _bare(text)
    own = [quote for name, quote in quoted if name == label]
    if any(quote and (quote in words or words in quote) for quote in own):
        return True
    return None if own else False


# -------------------------------------------------------------------------------------------------- fitting


class Matrix:
    """The hashed features of passages, one sparse matrix a view."""

    def __init__(self, texts: Sequence[str]) -> None:
        features = [np.unique(classifier.features(text)) for text in texts]
        every = hashed_rows(features, len(VIEWS) << BITS).tocsc()
        self.views = [every[:, view << BITS : (view + 1) << BITS].tocsr() for view in range(len(VIEWS))]

    def fit(self, learnt: Mask) -> tuple[Any, Columns, F64]:
        """All passages as rows of what the chosen ones teach: the rows, their columns, the rarity of each."""
        from scipy.sparse import diags, hstack
        from sklearn.preprocessing import normalize

        rows, columns, rarities = [], [], []
        for number, (view, weight) in enumerate(zip(self.views, VIEWS, strict=True)):
            seen = np.asarray(view[learnt].sum(axis=0)).ravel()
            kept = np.flatnonzero(seen >= LEAST)
            rarity = np.log((learnt.sum() + 1) / (seen[kept] + 1)) + 1
            rarity = np.round(rarity * STEPS) / STEPS
            rows.append(weight * normalize(view[:, kept] @ diags(rarity)))
            columns.append(kept + (number << BITS))
            rarities.append(rarity)
        return hstack(rows).tocsr(), np.concatenate(columns), np.concatenate(rarities)


@dataclass(frozen=True)
class Corpus:
    """Passages as arrays: who is left out together, truths (passages, labels; NaN unknown), weights, features."""

    who: Array
    truth: F64
    weights: F64
    matrix: Matrix

    def fit(self, learnt: Mask) -> tuple[Weights, F64]:
        """The weights that some passages teach by support vectors, and the scores of all passages by them."""
        from sklearn.svm import LinearSVC

        rows, columns, rarity = self.matrix.fit(learnt)
        made = []
        for truth in self.truth.T:
            known = learnt & ~np.isnan(truth)
            model = LinearSVC(C=COST, random_state=0)
            made.append(model.fit(rows[known], truth[known] > 0, sample_weight=self.weights[known]))
        weights = np.column_stack([one.coef_[0] for one in made]).astype(np.float32)
        bias = np.array([one.intercept_[0] for one in made], dtype=np.float32)
        scores = np.column_stack([one.decision_function(rows) for one in made])
        return Weights(columns.astype(np.int64), rarity.astype(np.float32), weights, bias), scores

    def left_out(self) -> F64:
        """The scores (passages, labels) of each group's passages by what all others teach."""
        scores = np.zeros(self.truth.shape)
        for name in np.unique(self.who):
            own = self.who == name
            scores[own] = self.fit(~own)[1][own]
        return scores


def corpus(texts: Path, tests: Path, notices: Path | None = None, judged: Path | None = None) -> Corpus:
    """All passages to learn from.  Raises BadInput with fewer than two authors."""
    found = passages(texts, tests) + (of_notices(notices, judged) if notices and judged else [])
    authors = [one.author for one in found]
    # left out together: the passages of an author, or of a fifth of the notices
    fifths = (f"{NOTICE}{zlib.crc32(name.encode()) % FOLDS}" for name in authors)
    who = np.array(
        [fifth if own.startswith(NOTICE) else own for own, fifth in zip(authors, fifths, strict=True)]
    )
    truth = np.array([one.truth for one in found], dtype=float).reshape(-1, len(LABELS))
    own = [name for name in authors if not name.startswith(NOTICE)]
    shares = np.nanmean(truth, axis=0) if len(found) else np.zeros(len(LABELS))
    if len(set(own) - {OURS, *DEVELOPMENT}) < 2 or not all(0 < share < 1 for share in shares):
        raise BadInput(f"{texts} needs passages of two authors or more, with and without each statement")
    weights = np.array([REAL if name.startswith(NOTICE) else 1.0 for name in who])
    return Corpus(who, truth, weights, Matrix([one.text for one in found]))


def train(
    texts: Path, tests: Path, out: Path, notices: Path | None = None, judged: Path | None = None
) -> Path:
    """Write clauses.npz, clauses.json and card.md; returns the folder.  Raises BadInput with fewer than two authors."""
    data = corpus(texts, tests, notices, judged)
    scores = data.left_out()
    verdicts = {}
    for label, score, truth in zip(LABELS, scores.T, data.truth.T, strict=True):
        known = ~np.isnan(truth) & (data.who != ASKED)
        line = platt(score[known], truth[known] > 0, data.weights[known], strength=100.0)
        verdicts[label] = Verdict(*(round(value, 4) for value in line))
    learnt, _ = data.fit(np.ones(len(data.who), dtype=bool))
    save(out, "clauses", classifier.pack(learnt))
    stated = {"verdicts": {label: vars(one) for label, one in verdicts.items()}}
    (out / "clauses.json").write_text(json.dumps(stated, indent=1) + "\n", encoding="utf-8")
    report(out, data, scores, verdicts, len(learnt.columns))
    return out


# ------------------------------------------------------------------------------------------------- the card


def report(out: Path, data: Corpus, scores: F64, verdicts: dict[str, Verdict], columns: int) -> None:
    """The card, with each group of passages judged by what all others teach."""
    lines = []
    real = np.array([name.startswith(NOTICE) for name in data.who])
    for i, label in enumerate(LABELS):
        predicted = np.array([verdicts[label].holds(one) for one in scores[:, i]])
        for name, own in (("our own passages", ~real), ("windows of real notices", real)):
            known = own & ~np.isnan(data.truth[:, i])
            true = data.truth[known, i] > 0
            right = int((predicted[known] & true).sum())
            of = (predicted[known], true)  # precision and recall
            rates = " | ".join(f"{right / max(int(each.sum()), 1):.3f}" for each in of)
            lines.append(f"| {label} | {name} | {int(known.sum())} | {int(true.sum())} | {rates} |")
    for line in lines:
        say(line.strip("| ").replace(" | ", "  "))
    write_card(
        out,
        "clauses",
        date=date.today().isoformat(),
        own=int((~real).sum()),
        real=int(real.sum()),
        columns=columns,
        size=(out / "clauses.npz").stat().st_size / 1e6,
        cost=COST,
        weight=REAL,
        likely=LIKELY,
        table="\n".join(lines),
    )
