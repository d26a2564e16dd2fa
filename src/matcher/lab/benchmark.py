"""The real cases of a data folder: three tasks, the recipes and the simple methods they are compared with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from matcher import plugins
from matcher.catalogue.catalogue import Catalogue
from matcher.console import progress
from matcher.domain import BadInput, NotFound, Rejected
from matcher.lab import evaluation
from matcher.lab.evaluation import Question
from matcher.matching import recipes
from matcher.matching.engine import Matcher

TASKS = ("suppliers", "siae", "partners")
MEASURES = ("R@1", "R@10", "R@50", "R@100", "nDCG@10")


def load(data: Path, task: str, most: int | None = None) -> tuple[list[Question], dict[str, list[str]]]:
    """The queries of a task and their answers.  Raises BadInput for an unknown task, NotFound without the files."""
    if task not in TASKS:
        raise BadInput(f"no task {task!r}: choose one of {', '.join(TASKS)}")
    queries = data / "awards" / f"{task}_dev.queries.jsonl"
    if not queries.is_file():
        raise NotFound(f"no {queries}: --data wants a folder with awards/{task}_dev.queries.jsonl")
    rejected: list[Rejected] = []
    asked = list(evaluation.questions(queries, rejected))[:most]
    gold = evaluation.load_gold(data / "awards" / f"{task}_dev.qrels.json")
    return asked, {question.id: gold[question.id] for question in asked if question.id in gold}


def catalogue(data: Path, task: str, recipe: str = "default") -> Catalogue:
    """The candidates of a task: structures for siae, the suppliers of the history for the others."""
    structures = [data / "structures" / "siae_2021.jsonl"] if task == "siae" else None
    return evaluation.catalogue_of(
        [data / "awards" / "history.json.gz"], structures, recipes.named(recipe), []
    )


def compare(
    data: Path,
    task: str,
    names: Sequence[str],
    baselines: bool = True,
    ablation: bool = False,
    most: int | None = None,
    incumbents: bool = False,
) -> Iterator[dict[str, Any]]:
    """A row for each method: its figures with intervals, and its paired gain over the first baseline.

    With `incumbents` the default recipe is also asked with the buyer's own past holders favoured, and every method
    is measured apart on the notices whose winner had never worked for that buyer, as far as is known.
    """
    asked, gold = load(data, task, most)
    held = catalogue(data, task)
    methods: dict[str, Callable[[Question], Sequence[str]]] = {}
    if baselines:
        methods |= simple(held, task)
    for name in names:
        methods[name] = by_matcher(Matcher(held, recipes.named(name), exhaustive=True))
    if incumbents:
        matcher = Matcher(held, recipes.named("default"), exhaustive=True)
        methods["default --incumbents"] = by_matcher(matcher, incumbents=True)
    if ablation:
        methods |= without_each(held)
    parts: dict[str, Mapping[str, Sequence[str]]] = {"all": gold}
    if incumbents:
        parts["never seen"] = never_seen(held, asked, gold)
    first: dict[str, dict[str, list[float]]] = {}
    for name, method in methods.items():
        run = {question.id: list(method(question)) for question in progress(asked, name)}
        for part, answers in parts.items():
            if not answers:
                continue
            figures = evaluation.figures(run, answers)
            first.setdefault(part, figures)
            row: dict[str, Any] = {"method": name}
            if incumbents:
                row["notices"] = f"{part} ({len(answers)})"
            for measure in MEASURES:
                mean, low, high = evaluation.bootstrap(figures[measure])
                row[measure] = f"{mean:.4f} [{low:.4f}, {high:.4f}]"
            gain, low, high = evaluation.paired(figures["nDCG@10"], first[part]["nDCG@10"])
            row["nDCG@10 gain"] = f"{gain:+.4f} [{low:+.4f}, {high:+.4f}]"
            yield row


def never_seen(
    held: Catalogue, asked: Sequence[Question], gold: Mapping[str, Sequence[str]]
) -> dict[str, Sequence[str]]:
    """The answers to those notices of which no winner has an award of that very buyer in the evidence."""
    sirens = held.of_structure("siren")[held.owners]
    pairs = {
        (int(buyer), str(siren)) for buyer, siren in zip(held.of_row("buyer"), sirens, strict=True) if buyer
    }
    buyers = {question.id: question.tender.buyer.id[:9] for question in asked}
    return {
        id: right
        for id, right in gold.items()
        if buyers[id].isdecimal() and not any((int(buyers[id]), siren) in pairs for siren in right)
    }


def by_matcher(matcher: Matcher, top: int = 100, incumbents: bool = False) -> Callable[[Question], list[str]]:
    """A method that ranks by a matcher."""

    def method(question: Question) -> list[str]:
        return [siren for siren, _, _ in evaluation.ranked(matcher, question, top, incumbents)["ranking"]]

    return method


def without_each(held: Catalogue) -> dict[str, Callable[[Question], list[str]]]:
    """The default ranker with each signal left out, in turn."""
    full = plugins.find("matching.rankers", recipes.named("default").ranker).load().data
    methods = {}
    for name in full["signals"]:
        if name in ("reservation", "past_holder"):
            continue
        signals = {key: spec for key, spec in full["signals"].items() if key != name}
        recipe = replace(
            recipes.named("weighted"), name=f"without {name}", ranker_options={"signals": signals}
        )
        methods[f"without {name}"] = by_matcher(Matcher(held, recipe, exhaustive=True))
    return methods


def simple(held: Catalogue, task: str) -> dict[str, Callable[[Question], list[str]]]:
    """The reference BM25 of the field, and for partners the other simple methods."""
    methods: dict[str, Callable[[Question], list[str]]] = {"reference BM25": ReferenceBM25(held)}
    if task == "partners":
        from matcher.lab import baselines as baselines_

        methods |= baselines_.baselines(held)
    return methods


class ReferenceBM25:
    """French stems and stop words, one document an award; a supplier's best three awards weigh 1, 1/2, 1/4.

    Structures without awards have one document: name, label of the activity code and texts.
    """

    def __init__(self, held: Catalogue) -> None:
        with plugins.optional("train", "the reference BM25"):
            import bm25s

        self.held = held
        natures = held.of_row("nature")
        award = held.nature_mask(("award",))
        owners = held.owners
        documents: list[str] = []
        self.owner: list[int] = []
        self.since: list[int] = []
        own: Mapping[int, list[str]] = defaultdict(list)
        for row in range(len(natures)):
            # an award's own words, without the label that this project adds
            text = held.offer(row).title if award[row] else held.text(row)
            if award[row]:
                documents.append(text)
                self.owner.append(int(owners[row]))
                self.since.append(int(held.of_row("since")[row]))
            else:
                own[int(owners[row])].append(text)
        if held.of_structure("kind").any():
            for owner, texts in own.items():
                documents.append(". ".join(texts))
                self.owner.append(owner)
                self.since.append(-(2**30))
        self._tokens = _french_tokens
        self.index = bm25s.BM25()
        self.index.index([self._tokens(text) for text in documents], show_progress=False)

    def __call__(self, question: Question) -> list[str]:
        from matcher.catalogue.columns import days

        words = [
            w
            for w in self._tokens(" ".join(lot.title for lot in question.tender.lots))
            if w in self.index.vocab_dict
        ]
        scores = self.index.get_scores(words) if words else np.zeros(len(self.owner))
        before = days(question.day) if question.day else 2**30
        best: dict[int, list[float]] = defaultdict(list)
        for position in np.argsort(-scores, kind="stable"):
            if scores[position] <= 0:
                break
            owner = self.owner[position]
            if self.since[position] < before and len(best[owner]) < 3:
                best[owner].append(float(scores[position]))
        total = {
            owner: sum(s * w for s, w in zip(values, (1, 0.5, 0.25), strict=False))
            for owner, values in best.items()
        }
        sirens = self.held.of_structure("siren")
        ordered = sorted(total, key=lambda owner: (-total[owner], owner))
        ranking = list(dict.fromkeys(str(sirens[owner]) for owner in ordered))
        return [siren for siren in ranking if siren != question.member][:100]


def _french_tokens(text: str) -> list[str]:
    import re

    import Stemmer
    from bm25s.stopwords import STOPWORDS_FRENCH

    stem = Stemmer.Stemmer("french")
    words = [word for word in re.findall(r"(?u)\b\w\w+\b", text.lower()) if word not in STOPWORDS_FRENCH]
    return [str(word) for word in stem.stemWords(words)]
