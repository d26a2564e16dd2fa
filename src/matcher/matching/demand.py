"""What a lot requires, as numbers: its trades as an array, and the columns of the judgement that are equal for all candidates."""

from functools import cache

import numpy as np

from matcher.domain import Asked, BadInput, Lot
from matcher.learned.asks import names
from matcher.matching import trades
from matcher.matching.parts import INSERTION
from matcher.matching.shortlist import Demand
from matcher.reference import tables
from matcher.reference.arrays import F32, F64

SHARE = 0.5  # threshold on probabilities


def of(asked: Asked, lot: Lot) -> Demand:
    """The numbers of what a lot asks for."""
    weights = np.zeros(len(names()), dtype=np.float32)
    for name, chance in asked.chances.items():
        weights[trades.place(name)] = chance
    if any(name != INSERTION for name in asked.trades):
        weights[trades.place(INSERTION)] = (
            0.0  # what insertion is done with is the trade, and who does it are its kinds
        )
    weights /= max(float(weights.sum()), 1.0)
    return Demand(weights, *trades.relevant(weights), usual_km(weights), _columns(asked, lot))


@cache
def usual_kilometres() -> F64:
    """Usual kilometres of each trade; the last entry is for an unknown one."""
    try:
        km = {row["trade"]: float(row["km"]) for row in tables.assumptions("trade_reach.csv")}
        return np.array([km.get(name, km[""]) for name in (*names(), "")])
    except (KeyError, TypeError, ValueError) as error:
        path = tables.assumptions_file("trade_reach.csv")
        raise BadInput(f"{path} ({error}) : il faut trade, km et une ligne sans métier") from None


def usual_km(weights: F32) -> float:
    """Usual distance for such a lot: the geometric mean over its trades."""
    weight = np.append(weights, max(1.0 - float(weights.sum()), 0.0)).astype(np.float64) ** 2
    return float(np.exp((weight * np.log(usual_kilometres())).sum() / weight.sum()))


def _columns(asked: Asked, lot: Lot) -> dict[str, float]:
    """Probabilities of what is asked and of who answers."""
    works = asked.natures.get("works", 0.0)
    served, clause = asked.answers.get("yes", 0.0), asked.answers.get("clause", 0.0)
    if (
        lot.social_conditions
    ):  # a notice that requires hours: at least those are answered, and for works those alone
        served *= works <= SHARE
        clause = 1.0 - served
    answers = {"offered": asked.offered, "staff": asked.staff, "clause": clause, "served": served}
    clear, beyond = max(asked.chances.values(), default=0.0), asked.carriers.get("beyond", 0.0)
    return answers | {"works": works, "clear": clear, "beyond_size": beyond}
