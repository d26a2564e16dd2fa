"""What a structure could answer: open notices, lot by lot, alone, with a partner, or to watch.

The engine asks each lot about this one structure; nothing is ranked twice.  An unpublished need is never
shown here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Literal

from matcher.domain import ANSWERABLE, Filters, Lot, Match, Structure, Tender
from matcher.matching.amounts import yearly
from matcher.matching.engine import Matcher
from matcher.matching.groups.table import far as distant
from matcher.matching.groups.table import lot_label, serves
from matcher.matching.ranking import PLAUSIBLE
from matcher.matching.reasons import sentences
from matcher.partners.partners import Partner, partners
from matcher.reference import law
from matcher.reference import needs as needs_

Part = Literal["alone", "with-partner", "watch"]
PARTS: tuple[Part, ...] = ("alone", "with-partner", "watch")
KNOWN = 0.5  # fit of a trade from which it counts as known


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
        if not _over(lot.deadline or tender.deadline, moment) and _wanted(lot, tender, wanted)
    )
    return replace(tender, lots=kept) if kept else None


def _over(deadline: datetime | None, moment: datetime) -> bool:
    if deadline is None:
        return False
    return (deadline if deadline.tzinfo else deadline.replace(tzinfo=UTC)) <= moment


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
    on = tender.published or date.today()
    for query in matcher.queries(asked, filters=only):
        ranking = matcher.rank(query)
        if not len(ranking.order):
            continue
        match = matcher.explain(ranking, int(ranking.order[0]), 1)
        if ranking.levels[ranking.order[0]] < PLAUSIBLE:
            continue
        parts = needs_.asked(query.lot)
        fits = [row[0] for row in needs_.cover(parts, [structure])]
        yield _judged(matcher, structure, asked, query.lot, match, parts, fits, on, partners_of)


def _judged(
    matcher: Matcher,
    structure: Structure,
    tender: Tender,
    lot: Lot,
    match: Match,
    parts: tuple[needs_.Need, ...],
    fits: list[float],
    on: date,
    partners_of: int,
) -> Opportunity:
    """The part a lot belongs to, and why."""
    watch = _out_of_reach(structure, lot, match, on)
    if watch:
        return Opportunity(tender=tender, lot=lot, part="watch", match=match, why=watch)
    lacking = (
        [need.label for need, fit in zip(parts, fits, strict=True) if fit < KNOWN] if len(parts) > 1 else []
    )
    amount = yearly(lot)
    short = not math.isnan(amount) and structure.turnover is not None and structure.turnover < amount
    reasons = sentences(r for r in match.reasons if r.contribution > 0)
    if match.level == "plausible":
        why = ("à vérifier, si c'est votre métier : rien de ce que vous décrivez ne l'établit", *reasons)
        return Opportunity(tender=tender, lot=lot, part="watch", match=match, why=why)
    if not lacking and not short:
        sized = not math.isnan(amount) and structure.turnover is not None
        why = (
            reasons
            if sized
            else (*reasons, "capacité à vérifier : montant du lot ou chiffre d'affaires inconnu")
        )
        return Opportunity(tender=tender, lot=lot, part="alone", match=match, why=why)
    wanting = [f"il manque : {', '.join(lacking)}"] if lacking else []
    if short:
        wanting.append("le montant annuel du lot dépasse votre chiffre d'affaires connu")
    found = partners(matcher, structure, tender, lot.id, partners_of).partners
    kind = "complement" if lacking else "reinforcement"
    found = tuple(sorted(found, key=lambda p: p.kind != kind))
    if not found or (lacking and found[0].kind != "complement"):
        wanting.append("aucun partenaire trouvé dans ce rayon")
        return Opportunity(tender=tender, lot=lot, part="watch", match=match, why=tuple(wanting))
    wanting.append(f"avec {found[0].structure.name} : {found[0].adds[0]}")
    return Opportunity(
        tender=tender,
        lot=lot,
        part="with-partner",
        match=match,
        why=tuple(wanting),
        partner=found[0],
        others=found[1:],
    )


def _out_of_reach(structure: Structure, lot: Lot, match: Match, on: date) -> tuple[str, ...]:
    """What no partner would remedy, in French; empty where nothing stands in the way."""
    why = []
    held = lot.reservation
    if held is not None and law.eligible(structure.kind, held.opened_by, on, structure.labels) is False:
        why.append(
            f"{lot_label(lot)} est réservé ({held.stated or 'article non précisé'}) à d'autres "
            "structures que la vôtre"
        )
    if serves(match) is False:
        far = f" (à {match.distance_km:.0f} km)" if match.distance_km is not None else ""
        why.append(f"hors de la zone que vous déclarez servir{far}")
    elif distant(match):
        why.append(
            f"à {match.distance_km:.0f} km, et vous ne déclarez pas de zone : déclarez-la si vous y allez"
        )
    if structure.active is False:
        why.append("l'établissement est fermé d'après le registre")
    return tuple(why)
