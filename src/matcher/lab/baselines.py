"""Baselines for partners: each a function of a question, best first.

`popularity` most awards; `same_trade` most awards in the division of the notice, which is what an exchange
that filters by sector does; `nearest` awards carried out nearest to the notice; `co_awards` who won most
with the member before, then the most popular.  All obey the time rule; none looks at the asking buyer's past.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from matcher.catalogue.catalogue import Catalogue
from matcher.catalogue.columns import days
from matcher.matching.shortlist import Column
from matcher.partners.affinity import affinities
from matcher.reference import places

if TYPE_CHECKING:
    from matcher.lab.evaluation import Question

Baseline = Callable[["Question"], list[str]]
TOP = 100


def baselines(catalogue: Catalogue) -> Mapping[str, Baseline]:
    """The baselines over the suppliers of a catalogue, by name."""

    def ranked(question: Question, *keys: Column) -> list[str]:
        sirens = catalogue.of_structure("siren")
        # ties by SIREN, which says nothing
        order = np.lexsort((sirens, *(-key for key in reversed(keys))))
        found = dict.fromkeys(str(s) for s in sirens[order] if s != question.member)
        return list(found)[:TOP]

    def known(question: Question) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        awards = catalogue.nature_mask(("award",))
        if question.day is not None:
            awards = awards & (catalogue.of_row("since") < days(question.day))
        return np.flatnonzero(awards)

    def count(rows: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Column:
        return np.bincount(catalogue.owners[rows], minlength=len(catalogue)).astype(np.float64)

    def popularity(question: Question) -> list[str]:
        return ranked(question, count(known(question)))

    def same_trade(question: Question) -> list[str]:
        rows = known(question)
        asked = {int(code) // 10**6 for lot in question.tender.lots for code in lot.cpv}
        inside = rows[np.isin(catalogue.of_row("cpv")[rows] // 10**6, list(asked))]
        return ranked(question, count(inside), count(rows))

    def nearest(question: Question) -> list[str]:
        rows = known(question)
        best = np.full(len(catalogue), -np.inf)
        lat, lon = catalogue.of_row("latitude")[rows], catalogue.of_row("longitude")[rows]
        for lot in question.tender.lots:
            for place in lot.places or (question.tender.buyer.place,):
                where = places.locate(place, question.tender.buyer.id)
                if where.latitude is not None and where.longitude is not None:
                    far = np.asarray(places.distance_km(lat, lon, where.latitude, where.longitude))
                    np.maximum.at(best, catalogue.owners[rows], np.nan_to_num(-far, nan=-np.inf))
        return ranked(question, best, count(rows))

    def co_awards(question: Question) -> list[str]:
        won = affinities(catalogue, question.member or "", question.day)["together"]
        return ranked(question, won, count(known(question)))

    return {"popularity": popularity, "same_trade": same_trade, "nearest": nearest, "co_awards": co_awards}
