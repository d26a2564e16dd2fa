"""Searching by a need and keeping the whole ranked list."""

from dataclasses import replace

import numpy as np

from matcher.domain import Answer, Filters, Tender
from matcher.matching.engine import Matcher
from matcher.matching.ranking import examined
from matcher.outreach.sourcing.record import FULL

LINES = 30_000  # lines of one record, shared by its lots: what is left out beyond is counted


def search(matcher: Matcher, tender: Tender, filters: Filters | None = None) -> Answer:
    """The whole ranked list of each lot: likely leads first, then plausible ones, then the rest."""
    most = max(FULL, LINES // max(1, len(tender.lots)))
    answers = []
    for query in matcher.queries(tender, filters=filters):
        ranking = matcher.rank(query)
        answer = matcher.answer(ranking, most)
        order = ranking.order[examined(ranking.shortlist, ranking.judged)[ranking.order]]
        # what the answer shows comes first, whatever its rank; each structure is listed once
        bidder, catalogue = matcher.catalogue.of_structure("bidder"), matcher.catalogue
        shown = [bidder[catalogue.row(match.structure.siret)] for match in answer.matches]
        order = order[~np.isin(bidder[ranking.shortlist.candidates[order]], shown)]
        done = len(answer.matches)
        more = matcher.explained(ranking, order[: most - done].tolist(), done + 1)
        answers.append(replace(answer, matches=(*answer.matches, *more)))
    return Answer(tender=tender, lots=tuple(answers), versions=matcher.versions)
