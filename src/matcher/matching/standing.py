"""The position of one structure towards a lot: answers itself, by the clause, lacks a trade, or is too small.

Opportunities, digests and partners share it, so that they agree.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from matcher.domain import LENDING_KINDS, Filters, Structure
from matcher.matching import demand, evidence, reach, suitability
from matcher.matching.engine import Matcher
from matcher.matching.judgement import shipped
from matcher.matching.parts import executed, known, parts_of
from matcher.matching.ranking import CONFIRM, LIKELY, PLAUSIBLE, UNLIKELY, Ranking
from matcher.matching.shortlist import Query
from matcher.reference.amounts import covers, yearly

#: "self": takes the lot; "clause": carries hours of it for whoever takes it.
Way = Literal["self", "clause"]
LARGE = 300_000.0  # yearly euros, unreserved, that nobody of unknown turnover is told to carry alone
CHECK = "à vérifier avant de répondre"
LENT = "par mise à disposition de personnel : à proposer aux entreprises qui répondent à ce lot"


def way_in(kind: str, ranking: Ranking) -> Way:
    """Whether a structure of this kind answers itself, or through the contractor (kinds that lend staff, unless staff is asked)."""
    if kind not in LENDING_KINDS or not ranking.judged:
        return "self"
    return "self" if ranking.shortlist.query.asked.staff > demand.SHARE else "clause"


def level_of(ranking: Ranking, structure: Structure) -> int:
    """The level of the only candidate, by its trade alone: reservations are handled separately.

    Without a known place nobody is in reach.
    """
    if not len(ranking.order):
        return UNLIKELY  # it has denied the trade of this lot, or of this part
    return _level_at(ranking, structure, int(ranking.order[0]))


def _level_at(ranking: Ranking, structure: Structure, i: int) -> int:
    """The same of candidate i, which is the structure."""
    query = ranking.shortlist.query
    if not ranking.judged:
        return LIKELY if known(query.asked.parts, structure).any() else UNLIKELY
    if evidence.refused(ranking.shortlist)[i] or not evidence.supported(ranking.shortlist)[i]:
        return UNLIKELY
    free = ranking.scores[i : i + 1] - ranking.contributions["reservation"][i : i + 1]
    level = int(shipped().levels_of(free)[0])
    sure = query.located and not suitability.asked_at_most(ranking.shortlist)[i]
    return level if sure else min(level, PLAUSIBLE)


def proposed(ranking: Ranking, i: int) -> bool:
    """Is candidate i likely, or plausible with some chance and its trade established?"""
    if ranking.levels[i] >= LIKELY:
        return True
    maybe = ranking.levels[i] >= PLAUSIBLE and ranking.chances[i] >= CONFIRM
    return bool(maybe and suitability.established(ranking, i))


def lacking(matcher: Matcher, structures: Sequence[Structure], query: Query) -> Mapping[str, list[str]]:
    """Labels of the parts of a lot for which structures that are likely for the whole are not, by SIRET.

    Who is likely for the whole is so for one of its trades at least: for that in which it scores highest.
    """
    asked = executed(query.asked)
    if not asked or not structures:
        return {structure.siret: [] for structure in structures}
    if not matcher.judges:
        able = {structure.siret: known(asked, structure) for structure in structures}
    else:
        only = Filters(sirets=tuple(structure.siret for structure in structures))
        lots = parts_of(query.lot, query.asked)
        each = matcher.queries(replace(query.tender, lots=lots))
        found = [_levels(matcher.rank(replace(part, filters=only)), structures) for part in each]
        able = {}
        for structure in structures:
            standings = [of_part.get(structure.siret, (UNLIKELY, -math.inf)) for of_part in found]
            does = np.array([reached == LIKELY for reached, _ in standings])
            if not does.any():
                does[np.argmax([score for _, score in standings])] = True
            able[structure.siret] = does
    return {
        siret: [need.label for need, does in zip(asked, each_, strict=True) if not does]
        for siret, each_ in able.items()
    }


def _levels(ranking: Ranking, structures: Sequence[Structure]) -> dict[str, tuple[int, float]]:
    """The level and score of each in a ranking of them alone, by SIRET."""
    shortlist = ranking.shortlist
    sirets = shortlist.catalogue.of_structure("siret")[shortlist.candidates]
    best = {str(sirets[i]): int(i) for i in np.argsort(ranking.scores, kind="stable")}
    return {
        structure.siret: (_level_at(ranking, structure, i), float(ranking.scores[i]))
        for structure in structures
        if (i := best.get(structure.siret, -1)) >= 0
    }


def unsure(ranking: Ranking, structure: Structure, i: int) -> str:
    """What candidate i, which is the structure, verifies before it answers alone, its size apart, in French; "" for nothing."""
    if not suitability.established(ranking, i):
        return "votre métier, que rien de ce que l'on sait de vous n'établit"
    query, zoned = ranking.shortlist.query, reach.of(ranking.shortlist).zone[i] > 0 or not ranking.judged
    if query.asked.deduced and reach.only_vague(query.places) and not zoned:
        return "le lieu du lot, que l'avis ne dit pas"
    return (
        "" if zoned or not reach.vague(structure.place) else "votre lieu, dont seul le département est connu"
    )


def size(structure: Structure, query: Query) -> str:
    """What to check about its size before it answers alone, in French; "" where its turnover covers the lot."""
    amount = yearly(query.lot)
    if covers(structure.turnover, amount):
        return ""
    if query.asked.carried == "beyond":
        return "marché d'une taille qu'une petite structure ne porte pas seule"
    if structure.turnover is not None and not math.isnan(amount):
        return "le montant annuel du lot dépasse votre chiffre d'affaires connu"
    if query.asked.carried == "group":
        return "marché à la taille de plusieurs structures"
    what = "montant annuel du lot inconnu" if math.isnan(amount) else "votre chiffre d'affaires est inconnu"
    return f"capacité à vérifier : {what}"


def too_small(structure: Structure, query: Query) -> bool:
    """Is the lot beyond the turnover of a structure; where that or the amount is unknown, not one that a structure carries alone?"""
    amount = yearly(query.lot)
    if structure.turnover is None or math.isnan(amount):
        return query.asked.carried != "alone" or (amount >= LARGE and not query.lot.reserved)
    return not covers(structure.turnover, amount)
