"""What a structure could answer: open notices, lot by lot, alone, with a partner, or to watch.

The engine asks each lot about this one structure; what is read of the lots alone is kept for the next one.  An
unpublished need is never shown here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from matcher.domain import ANSWERABLE, Filters, Lot, Match, Structure, Tender
from matcher.matching.amounts import yearly
from matcher.matching.distances import zones
from matcher.matching.engine import Matcher
from matcher.matching.groups.table import far as distant
from matcher.matching.groups.table import lot_label, serves
from matcher.matching.judgement import shipped
from matcher.matching.parts import parts_of
from matcher.matching.ranking import LIKELY, PLAUSIBLE, UNLIKELY, Ranking
from matcher.matching.reasons import sentences
from matcher.matching.shortlist import Query
from matcher.partners.partners import Partner, partners
from matcher.reference import law
from matcher.reference import needs as needs_
from matcher.reference.french import is_over
from matcher.reference.trades import INDIRECT_FIT

Part = Literal["alone", "with-partner", "watch"]
PARTS: tuple[Part, ...] = ("alone", "with-partner", "watch")
CHECK = "à vérifier avant de répondre"
NOT_ESTABLISHED = "à vérifier, si c'est votre métier : rien de ce que vous décrivez ne l'établit"
KEPT = 5_000  # notices whose lots are kept ready


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """Which lots are wanted; every empty wish means all."""

    departments: tuple[str, ...] = ()
    cpv: tuple[str, ...] = ()  # prefixes
    since: date | None = None  # published on this day or later
    reserved: bool = False  # reserved lots only
    most: float | None = None  # yearly euros at most, where known


@dataclass(frozen=True, slots=True, kw_only=True)
class Opportunity:
    """A lot within reach or to watch, and why; `partner` says with whom, and for what."""

    tender: Tender
    lot: Lot
    part: Part
    match: Match
    why: tuple[str, ...]  # French
    partner: Partner | None = None
    others: tuple[Partner, ...] = ()  # further partners


def opportunities(
    matcher: Matcher,
    structure: Structure,
    tenders: Iterable[Tender],
    *,
    wishes: Wishes | None = None,
    now: datetime | None = None,
    partners_of: int = 3,
) -> tuple[Opportunity, ...]:
    """The lots of the open notices that concern `structure`: alone first, then with a partner, then to watch.

    Within a part the likeliest come first.  Lots of other trades are left out.  The structure must be in
    the matcher's catalogue (NotFound otherwise).
    """
    matcher.catalogue.row(structure.siret)
    wanted = wishes or Wishes()
    moment = now or datetime.now(UTC)
    found: list[Opportunity] = []
    for tender in tenders:
        asked = _open(tender, wanted, moment)
        if asked is not None:
            found += _of_tender(matcher, structure, tender, asked, partners_of)
    found.sort(key=lambda o: (PARTS.index(o.part), -o.match.probability, o.tender.id, o.lot.number))
    return tuple(found)


def _open(tender: Tender, wanted: Wishes, moment: datetime) -> Tender | None:
    """The notice with the lots that are open and wanted, None where there are none."""
    if tender.confidential or tender.nature not in ANSWERABLE:
        return None
    if wanted.since and (tender.published is None or tender.published < wanted.since):
        return None
    kept = tuple(
        lot
        for lot in tender.lots
        if not is_over(lot.deadline or tender.deadline, moment) and _wanted(lot, tender, wanted)
    )
    return replace(tender, lots=kept) if kept else None


def _wanted(lot: Lot, tender: Tender, wanted: Wishes) -> bool:
    departments = {p.department for p in (*lot.places, tender.buyer.place) if p.department}
    if wanted.departments and departments and not departments & set(wanted.departments):
        return False
    if wanted.cpv and not any(code.startswith(wanted.cpv) for code in lot.cpv):
        return False
    if wanted.reserved and lot.reservation is None:
        return False
    amount = yearly(lot)
    return wanted.most is None or math.isnan(amount) or amount <= wanted.most


def _of_tender(
    matcher: Matcher, structure: Structure, tender: Tender, asked: Tender, partners_of: int
) -> Iterator[Opportunity]:
    only = Filters(sirets=(structure.siret,))
    for query in _ready(matcher, tender):
        if query.lot not in asked.lots:
            continue
        ranking = matcher.rank(query.within(only))
        level = _level(matcher, ranking, structure)
        if level < PLAUSIBLE:
            continue
        match = matcher.explain(ranking, int(ranking.order[0]), 1)
        if ranking.judged or serves(match) is not False:  # the levels of a judgement know the declared zones
            yield _judged(matcher, structure, asked, match, level, partners_of)


def _ready(matcher: Matcher, tender: Tender) -> list[Query]:
    """The lots of a notice as queries, read once whichever structure asks."""
    kept: dict[str, tuple[Tender, list[Query]]] = matcher.catalogue.once("lots ready", dict)
    if tender.id not in kept or kept[tender.id][0] is not tender:
        if len(kept) >= KEPT:
            kept.clear()
        kept[tender.id] = (tender, matcher.queries(tender))
    return kept[tender.id][1]


def _level(matcher: Matcher, ranking: Ranking, structure: Structure) -> int:
    """The level of the only candidate, its trade alone being asked: that the lot is reserved to others is told apart."""
    if not len(ranking.order):
        return UNLIKELY  # it denies the trade of this lot, or of this part of it
    if not ranking.judged:
        asked = [n for n in needs_.asked(ranking.shortlist.query.lot) if n.trade not in needs_.GENERIC]
        return LIKELY if asked and _known(asked, structure).any() else UNLIKELY
    first = ranking.order[0]
    if zones(ranking.shortlist)[first] < 0:
        return UNLIKELY
    free = ranking.scores - ranking.contributions["reservation"]
    return int(shipped().levels_of(free)[first])


def _known(asked: Sequence[needs_.Need], structure: Structure) -> NDArray[np.bool_]:
    """Which needs are of a trade that the structure says, or its code tells."""
    return np.array(needs_.cover(asked, [structure])).ravel() >= INDIRECT_FIT


def _lacking(matcher: Matcher, structure: Structure, tender: Tender, lot: Lot) -> list[str]:
    """Labels of the needs of a lot of several trades for which the structure is not likely."""
    asked = needs_.split(lot)
    if not asked:
        return []
    if not matcher.judges:
        known = _known(asked, structure)
    else:
        only = Filters(sirets=(structure.siret,))
        alone = replace(tender, lots=parts_of(lot))
        levels = [
            _level(matcher, matcher.rank(query), structure) for query in matcher.queries(alone, filters=only)
        ]
        known = np.array(levels) == LIKELY
    return [need.label for need, does in zip(asked, known, strict=True) if not does]


def _judged(
    matcher: Matcher, structure: Structure, tender: Tender, match: Match, level: int, partners_of: int
) -> Opportunity:
    """The part a lot belongs to, and why."""
    lot = match.lot

    def made(part: Part, why: Iterable[str], *found: Partner) -> Opportunity:
        partner = found[0] if found else None
        return Opportunity(
            tender=tender, lot=lot, part=part, match=match, why=tuple(why), partner=partner, others=found[1:]
        )

    if watch := _out_of_reach(structure, lot, match, tender.published or date.today()):
        return made("watch", watch)
    reasons = sentences(r for r in match.reasons if r.contribution > 0)
    lacking = _lacking(matcher, structure, tender, lot)
    split = len(needs_.split(lot))
    if level == PLAUSIBLE and len(lacking) == split:
        known = any(r.code == "likely_trade" and r.tells for r in match.reasons)
        unsure = CHECK if known else NOT_ESTABLISHED
        return made("watch", (unsure, *reasons))
    amount = yearly(lot)
    small = not math.isnan(amount) and not (structure.turnover or 0.0) >= amount
    if not lacking and not small:
        sized = () if not math.isnan(amount) else ("capacité à vérifier : montant du lot inconnu",)
        return made("alone", (*reasons, *sized))
    wanting = [f"il manque : {', '.join(lacking)}"] if lacking else []
    if small:
        wanting.append(_size(structure))
    with_whom = partners(matcher, structure, tender, lot.id, partners_of)
    kind = "complement" if lacking else "reinforcement"
    found = tuple(sorted(with_whom.partners, key=lambda p: p.kind != kind))
    if not found or found[0].kind != kind:
        return made("watch", (*wanting, *(with_whom.nobody or ("aucun partenaire connu pour ce lot",))))
    return made("with-partner", (*wanting, f"avec {found[0].structure.name} : {found[0].adds[0]}"), *found)


def _size(structure: Structure) -> str:
    if structure.turnover is None:
        return "capacité à vérifier : votre chiffre d'affaires est inconnu"
    return "le montant annuel du lot dépasse votre chiffre d'affaires connu"


def _out_of_reach(structure: Structure, lot: Lot, match: Match, on: date) -> tuple[str, ...]:
    """What no partner would remedy, in French; empty where nothing stands in the way."""
    why = []
    held = lot.reservation
    if held is not None and law.eligible(structure.kind, held.opened_by, on, structure.labels) is False:
        why.append(
            f"{lot_label(lot)} est réservé ({held.stated or 'article non précisé'}) à d'autres "
            "structures que la vôtre"
        )
    if distant(match):
        why.append(
            f"à {match.distance_km:.0f} km, et vous ne déclarez pas de zone : déclarez-la si vous y allez"
        )
    if structure.active is False:
        why.append("l'établissement est fermé d'après le registre")
    return tuple(why)
