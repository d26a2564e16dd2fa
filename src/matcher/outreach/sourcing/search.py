"""Searching by a need and keeping the whole ranked list."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from matcher.domain import Filters, Tender
from matcher.outreach.sourcing.record import FULL

if TYPE_CHECKING:
    from matcher.domain import Answer
    from matcher.matching.engine import Matcher


OTHER_TRADE = "connue pour d'autres métiers que celui du lot"


LINES = 30_000  # lines of one record, shared by its lots: what is left out beyond is counted


def search(matcher: Matcher, tender: Tender, filters: Filters | None = None) -> Answer:
    """The whole ranked list of each lot: the suitable structures first, then those known for other trades."""
    from matcher.domain import Answer
    from matcher.matching import suitability

    most = max(FULL, LINES // max(1, len(tender.lots)))
    answers = []
    for query in matcher.queries(tender, filters=filters):
        ranking = matcher.rank(query)
        answer, order = matcher.answer(ranking, most), ranking.order
        if ranking.regime == "structure" and not answer.nobody:
            fitting = suitability.suitable(ranking.shortlist)[order]
            order = np.concatenate([order[fitting], order[~fitting]])
        # what the answer shows stands first, wherever it stands in the ranking; nobody is left out or listed twice
        bidder, catalogue = matcher.catalogue.of_structure("bidder"), matcher.catalogue
        shown = [bidder[catalogue.row(match.structure.siret)] for match in answer.matches]
        order = order[~np.isin(bidder[ranking.shortlist.candidates[order]], shown)]
        done = len(answer.matches)
        more = (
            matcher.explain(ranking, int(i), rank) for rank, i in enumerate(order[: most - done], done + 1)
        )
        listed = [
            replace(match, warnings=(*match.warnings, OTHER_TRADE)) if match.of_trade is False else match
            for match in more
        ]
        answers.append(replace(answer, matches=(*answer.matches, *listed)))
    return Answer(tender=tender, lots=tuple(answers), versions=matcher.versions)
