"""What a lot requires: a service that structures sell, social-clause hours, staff, or nothing they offer."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from matcher.learned import cpv, vocation, wanted
from matcher.matching import trades
from matcher.reference import paths
from matcher.reference.text import fold

if TYPE_CHECKING:
    from matcher.matching.shortlist import Query, Shortlist

ANSWERS = ("no", "clause", "yes")  # do structures normally answer such a lot?
SHARE = 0.5  # threshold on probabilities and shares of the lot
#: Building trades, where social-clause hours are usual.
SITE = frozenset(
    "demolition maconnerie charpente-couverture menuiserie platrerie peinture sols electricite plomberie-chauffage"
    " metallerie voirie-reseaux entretien-batiment patrimoine".split()
)
_INSERTION = re.compile(r"\binsertion|qualification professionnelle|chantiers? d.insertion|reserve")
STAFF_CPV, INSERTION_CPV = "796", "7523"


@dataclass(frozen=True, slots=True)
class Answers:
    """A linear model of `inputs`: probabilities that structures do not answer a lot, answer by the clause, or themselves."""

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    divisions: Sequence[str]

    def chances(self, row: NDArray[np.float64]) -> NDArray[np.float64]:
        """One probability for each of ANSWERS, summing to 1."""
        z = self.weights @ row + self.bias
        z = np.exp(z - z.max())
        return np.asarray(z / z.sum())


def inputs(
    query: Query, asked: NDArray[np.float32], divisions: Sequence[str], usual: float
) -> NDArray[np.float64]:
    """Features of the model: vector, trades, vocation (`usual`), CPV division and group of a lot."""
    code = query.cpv[0] if query.cpv else ""
    begun = {code[:n] for n in range(1, len(code) + 1)}
    return np.concatenate([2.0 * query.vector, 2.0 * asked, [usual], [float(d in begun) for d in divisions]])


@cache
def answers(folder: Path | None = None) -> Answers:
    """The learnt model of models/judgement."""
    with np.load(paths.judgement_file("demand.npz", folder), allow_pickle=False) as held:
        weights = held["weights"].astype(np.float32) * held["scale"][:, None]
        return Answers(weights, held["bias"].astype(np.float32), held["divisions"].tolist())


@cache
def staffing(folder: Path | None = None) -> wanted.Reader:
    """The learnt model of models/judgement of whether a text asks for staff to be lent."""
    return wanted.learnt("staffing.npz", folder)


def staff(query: Query) -> float:
    """The probability that a lot asks for staff to be lent: by its published code, else by its text; computed once."""
    if query.cpv:
        return float(query.cpv[0].startswith(STAFF_CPV))
    found: float = query.memo.once("staff", lambda: _staff_in(query.text))
    return found


def _staff_in(text: str) -> float:
    # the catalogue may be of another encoder (`Query.vector`); a need without a code is rare enough to be encoded again
    vector = cpv.shipped().encoder.encode([text], role="query")
    return float(1 / (1 + np.exp(-staffing().logits(vector, [text])[0, 0])))


def of(shortlist: Shortlist) -> Mapping[str, float]:
    """Probabilities and shares of what the lot requires, by name, computed once."""
    query = shortlist.query
    found: Mapping[str, float] = shortlist.once("demand", lambda: of_query(query, trades.asked(shortlist)))
    return found


def of_query(query: Query, asked: NDArray[np.float32]) -> Mapping[str, float]:
    """The same of a lot, of which `asked` are the trades."""
    model, usual = answers(), vocation.shipped().probability(query.text)
    chances = model.chances(inputs(query, asked, model.divisions, usual))
    return {"vocation": usual} | described(query, asked, chances)


@cache
def _site() -> NDArray[np.int64]:
    """The building trades, among those of the taxonomy."""
    return np.flatnonzero([name in SITE for name in trades.names()])


def stated(query: Query, asked: NDArray[np.float32]) -> dict[str, float]:
    """Features stated by words, codes and reservation: staff, insertion, works, and how clear the trade is."""
    words, code = fold(query.text), query.cpv[0] if query.cpv else ""
    insertion = bool(_INSERTION.search(f"{fold(query.lot.title)} {words}")) or code.startswith(INSERTION_CPV)
    site = float(asked[_site()].sum())
    return {
        "staff": max(staff(query), float(asked[trades.names().index("personnel")])),
        "insertion": float(insertion or query.lot.reservation is not None),
        "works": max(site, float(code.startswith("45"))),
        "clear": float(asked.max()),
    }


def described(query: Query, asked: NDArray[np.float32], chances: NDArray[np.float64]) -> dict[str, float]:
    """Stated features, probabilities of the model, and the category: 3 staff, 2 works and 1 services by the clause, 0 a service."""
    facts = stated(query, asked)
    chances = _by_its_clauses(query, chances, facts["works"] > SHARE)
    clause = chances[1] > SHARE
    asks = 3 if facts["staff"] > SHARE else (1 + (facts["works"] > SHARE)) if clause else 0
    return facts | {"clause": float(chances[1]), "served": float(chances[2]), "asks": float(asks)}


def _by_its_clauses(query: Query, chances: NDArray[np.float64], works: bool) -> NDArray[np.float64]:
    """Probabilities adjusted for a notice that requires hours: at least those are answered, and for works those alone."""
    if not query.lot.social_conditions:
        return chances
    moved = chances[0] + (chances[2] if works else 0.0)
    return np.array([0.0, chances[1] + moved, chances[2] * (not works)])
