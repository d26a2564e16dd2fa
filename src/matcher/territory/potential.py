"""The potential of a need before a tender: who could answer, and what the buyer may do about it, with reasons.

Who could answer are those whom the list of the same need says to call; the facts count them.
`advise` is a pure function of these facts: each rule gives an advice with its reasons and articles, or says
why it does not apply.  Every rule is read in `matcher.reference.law` on the day asked.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np

from matcher.domain import SIAE_KINDS, BadInput, Filters, Lot, Match, Place, Tender
from matcher.learned import asks
from matcher.matching.engine import Matcher
from matcher.matching.parts import parts_of
from matcher.matching.ranking import LIKELY, UNLIKELY, Ranking
from matcher.reference import amounts, law
from matcher.territory import facilitators
from matcher.territory import hours as insertion
from matcher.territory.able import Levels, likely
from matcher.territory.advice import Advice, Advised, Facts, Weight, advise, effect
from matcher.territory.supply import Mask, Supply, Worth, placed, trades_of_lot

ARTICLES = (law.DISABILITY, law.INSERTION, law.COMBINED, law.ESS)
CUTS = (2, 3, 4, 6)


# ------------------------------------------------------------------------------------------------- rules


# ------------------------------------------------------------------------------------------------- facts


@dataclass(frozen=True, slots=True, kw_only=True)
class LotPotential:
    """A lot, its counts, its advice, and the structures first presented by the engine."""

    lot: Lot
    trades: tuple[str, ...]
    eligible: Mapping[str, Worth]  # article -> everywhere, with the trade
    facts: Facts
    advised: Advised
    first: tuple[Match, ...]
    hours: insertion.Hours | None
    facilitator: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Potential:
    """The potential of a need, lot by lot, with versions and sources."""

    tender: Tender
    lots: tuple[LotPotential, ...]
    on: date
    sources: tuple[str, ...]
    assumed: tuple[str, ...]
    versions: Mapping[str, str]


ORDER = "ordre de présentation, ne préjuge pas du choix"


def potential(
    matcher: Matcher, tender: Tender, supply: Supply, *, amount: float | None = None,
    like_needs: float | None = None, works: bool | None = None, buyer: law.BuyerType = "local",
    defence: bool = False, public_service: bool | None = None, rate: float | None = None,
    contribution: float | None = None, most: int = 5
) -> Potential:  # fmt: skip
    """The potential of every lot of a need.  `amount` is that of the whole need where the lots do not say.

    `rate` (direct employment, 0 to 1) and `contribution` (euros) of the buyer tell the OETH effect.  Raises
    BadInput on a negative amount or a rate that is none.
    """
    if rate is not None and not 0 <= rate <= 1:
        raise BadInput(f"un taux d'emploi de {100 * rate:g} % : donnez un taux entre 0 et 100 %")
    for given in (amount, like_needs, contribution):
        if given is not None and not 0 <= given < 1e11:
            raise BadInput(f"un montant de {given:g} € : donnez un montant hors taxes, en euros")
    stated = [lot.amount for lot in tender.lots]
    known = [value for value in stated if value is not None]
    whole = amount if amount is not None else sum(known) if len(known) == len(stated) and known else None
    found = []
    only = Filters(sirets=tuple(s.siret for s in supply.structures))
    for query in matcher.queries(tender, filters=only):
        lot = query.lot
        if lot.amount is None and len(tender.lots) == 1 and whole is not None:
            lot = replace(lot, amount=whole)
        ranking = matcher.rank(query) if len(supply) else None
        first = matcher.answer(ranking, most).matches if ranking is not None else ()
        found.append(
            _of_lot(
                lot,
                tender,
                supply,
                _standing(matcher, supply, lot, tender, ranking),
                first,
                whole,
                like_needs,
                works,
                buyer,
                defence,
                public_service,
                rate,
                contribution,
            )
        )
    desk = supply.desk
    assumed = tuple(
        desk[k].shown()
        for k in (
            "competition",
            "verified",
            "reach_km",
            "turnover_comfort",
            "turnover_most",
            "clause_hours",
            "clause_months",
            "clause_share",
        )
    )
    return Potential(
        tender=tender,
        lots=tuple(found),
        on=supply.on,
        sources=(supply.source(),),
        assumed=assumed,
        versions=matcher.versions,
    )


@dataclass(frozen=True, slots=True)
class _Standing:
    """Levels of the structures for a lot where it is and on the spot, and who is likely for each of its parts."""

    levels: Levels
    spot: Levels
    parts: Mapping[str, Mask]


def _standing(
    matcher: Matcher, supply: Supply, lot: Lot, tender: Tender, ranking: Ranking | None
) -> _Standing:
    """What the judgement says of a lot; of several trades whoever is likely for all of them.  Else the trades known."""
    read = asks.of_lot(lot, tender)
    asked = {part.id: part for part in read.several}
    if supply.judged is None or ranking is None:
        place = placed(lot, tender)
        here = place if place.department is not None or place.latitude is not None else None
        return _by_trade(supply, tuple(need.trade for need in asked.values()) or trades_of_lot(lot), here)
    levels, _ = supply.judged.of_lot(ranking)  # the list's own
    _, spot = supply.judged.of_lot(supply.judged.rank(ranking.shortlist.query))
    parts = {}
    for query in matcher.queries(replace(tender, lots=parts_of(lot, read))) if asked else ():
        there, anywhere = supply.judged.of_lot(supply.judged.rank(query))
        parts[asked[query.lot.id].label] = likely(there)
        first = len(parts) == 1
        levels = there if first else np.minimum(levels, there)
        spot = anywhere if first else np.minimum(spot, anywhere)
    return _Standing(levels, spot, parts)


def _by_trade(supply: Supply, trades: Sequence[str], place: Place | None) -> _Standing:
    """Standing where no judgement stands: everybody in reach where no trade is recognised."""
    labels = supply.labels
    if not trades:
        reached = supply.reach(place) if place else np.ones(len(supply), dtype=bool)
        return _Standing(np.where(reached, LIKELY, UNLIKELY), np.full(len(supply), LIKELY), {})
    levels = np.asarray(np.min([supply.levels((t,), place) for t in trades], axis=0), dtype=np.int64)
    spot = np.asarray(np.min([supply.levels((t,)) for t in trades], axis=0), dtype=np.int64)
    parts = {labels[t]: supply.able((t,), place) for t in trades} if len(trades) > 1 else {}
    return _Standing(levels, spot, parts)


def _of_lot(
    lot: Lot, tender: Tender, supply: Supply, standing: _Standing, first: Sequence[Match], whole: float | None, like_needs: float | None,
    works: bool | None, buyer: law.BuyerType, defence: bool, public_service: bool | None, rate: float | None, contribution: float | None,
) -> LotPotential:  # fmt: skip
    desk = supply.desk
    trades = trades_of_lot(lot)
    place = placed(lot, tender)
    located = place.department is not None or place.latitude is not None
    notes = [] if located else ["lieu inconnu : toutes les structures du catalogue sont comptées"]
    if not trades and supply.judged is None:
        notes.append(
            "métier non reconnu dans l'intitulé ni le code CPV : les comptes ne disent que les types et la distance"
        )
    if place.inferred:
        notes.append(f"lieu déduit : {place.label or place.department}")
    admitted = {article: supply.admitted((article,)) for article in ARTICLES}
    levels, spot = standing.levels, standing.spot
    every = likely(levels)
    within: dict[str, Mask] = {article: every & mask for article, mask in admitted.items()}
    lasts, worth = amounts.months(lot), amounts.total(lot)
    months = None if math.isnan(lasts) else lasts
    total = None if math.isnan(worth) else worth
    yearly = None if total is None else total / max((months or 12.0) / 12.0, 1.0)
    if lot.amount_period == "year" and len(tender.lots) == 1 and whole == lot.amount:
        whole = total
    nature = insertion.nature_of(trades, () if "cpv" in lot.inferred else lot.cpv)
    plan = None
    if total:
        plan = insertion.plan(
            supply,
            amount=total,
            trades=trades,
            place=place if located else None,
            cpv=lot.cpv,
            months=months,
            shares=tuple(dict.fromkeys((desk["clause_share"].value, *insertion.SHARES))),
        )
    lenders = supply.bidders_of(
        insertion.lending(supply, trades, place if located else None)
        | np.isin(supply.kinds, list(SIAE_KINDS)) & every
    )
    cpv = lot.cpv[:1]
    facts = Facts(
        on=supply.on, amount=whole, like_needs=like_needs, lot_amount=total, months=months,
        works=nature == "works" if works is None else works, buyer=buyer, lots=len(tender.lots), defence=defence,
        ess_service=any(map(law.ess_service, cpv)), social=any(map(law.social_service, cpv)), public_service=public_service,
        reserved=lot.reservation.opened_by if lot.reservation else None,
        within={a: supply.count(np.where(mask, levels, UNLIKELY)) for a, mask in admitted.items()}, everyone=supply.count(levels),
        weight={**{a: _weight(supply, mask, yearly) for a, mask in within.items()}, "": _weight(supply, every, yearly)},
        by_need={label: supply.bidders_of(mask) for label, mask in standing.parts.items()},
        whole=supply.bidders_of(every) if standing.parts else None,
        cuts={k: _weight(supply, every, yearly / k).comfortable for k in CUTS} if yearly else {},
        clause_hours=plan.targets[0].hours if plan else None, clause_share=desk["clause_share"].value, carriers=lenders,
        competition=int(desk["competition"].value), verified=int(desk["verified"].value),
        least_hours=desk["clause_hours"].value, least_months=desk["clause_months"].value, trade_known=bool(trades) or supply.judged is not None,
        yearly=yearly or None, labour=insertion.labour_of(trades, lot.cpv) if trades else None, rate=rate, contribution=contribution,
    )  # fmt: skip
    return LotPotential(
        lot=lot, trades=tuple(supply.labels[t] for t in trades), eligible={a: supply.count(np.where(mask, spot, UNLIKELY)) for a, mask in admitted.items()},
        facts=facts, advised=advise(facts), first=tuple(first), hours=plan, facilitator=facilitators.named(place), notes=tuple(notes),
    )  # fmt: skip


def _weight(supply: Supply, mask: Mask, yearly: float | None) -> Weight:
    turnover: dict[int, float] = {}
    for i in np.flatnonzero(mask):
        bidder, own = int(supply.bidders[i]), float(supply.turnover[i])
        held = turnover.get(bidder, float("nan"))
        turnover[bidder] = own if held != held else held if own != own else max(held, own)
    known = np.array([value for value in turnover.values() if value == value and value > 0])
    if yearly is None or not len(known):
        return Weight(
            known=len(known) if yearly is not None else 0,
            unknown=len(turnover) - (len(known) if yearly is not None else 0),
        )
    shares = yearly / known
    comfort, top = supply.desk["turnover_comfort"].value, supply.desk["turnover_most"].value
    return Weight(
        known=len(known), unknown=len(turnover) - len(known), median=float(np.median(shares)),
        comfortable=int((shares <= comfort).sum()), small=int((shares > top).sum()),
    )  # fmt: skip


# ------------------------------------------------------------------------------------------------ shown


def rows(found: Potential) -> Iterator[dict[str, Any]]:
    """One flat row a lot, for a spreadsheet."""
    for one in found.lots:
        f, first = one.facts, one.advised.first
        yield {
            "besoin": found.tender.id, "lot": one.lot.number, "intitulé": one.lot.title, "métiers": ", ".join(one.trades),
            "conseil": first.title, "raisons": " ; ".join(first.reasons), "conditions": " ; ".join(first.conditions),
            "articles": ", ".join(first.articles), "aussi possible": " ; ".join(a.title for a in one.advised.also),
            "écarté": " ; ".join(f"{r.title} : {r.reason}" for r in one.advised.refused),
            "OETH": effect(one.advised.oeth), "à portée": f.everyone.possible, **{f"admissibles {a} à portée": w.possible for a, w in f.within.items()},
            "vérifiées actives": f.everyone.verified, "ont répondu depuis un an": f.everyone.answered,
            "part du chiffre d'affaires": f.weight.get("", Weight()).shown(), "facilitateur": one.facilitator,
            "sources": " | ".join(found.sources), "date": found.on.isoformat(),
        }  # fmt: skip


def sentences(found: Potential) -> Iterator[str]:
    """The potential as a person reads it in a terminal, line by line."""
    yield f"{found.tender.title}"
    for one in found.lots:
        f = one.facts
        yield f"\nLot {one.lot.number} : {one.lot.title} [{', '.join(one.trades) or 'métier non reconnu'}]"
        yield f"  À portée : {f.everyone.shown()}"
        for article, worth in f.within.items():
            yield f"  {article} : {one.eligible[article].possible} admissibles dans le catalogue, à portée {worth.shown()}"
        yield f"  Poids du lot : {f.weight.get('', Weight()).shown()}"
        for number, advice in enumerate((one.advised.first, *one.advised.also)):
            yield f"  {'Conseil' if not number else 'Aussi possible'} : {advice.title}"
            yield from (f"    parce que {reason}" for reason in advice.reasons)
            yield from (f"    à condition : {condition}" for condition in advice.conditions)
            yield from (f"    règle : {rule.shown()}" for rule in advice.rules)
        for refused in one.advised.refused:
            yield f"  Écarté : {refused.title}, {refused.reason}"
        oeth = one.advised.oeth
        yield f"  OETH : {effect(oeth)}"
        if isinstance(oeth, Advice):
            yield from (f"    à condition : {condition}" for condition in oeth.conditions)
            yield from (f"    règle : {rule.shown()}" for rule in oeth.rules)
        if one.first:
            yield f"  Structures ({ORDER}) :"
        for match in one.first:
            s = match.structure
            far = "distance inconnue" if match.distance_km is None else f"{match.distance_km:.0f} km"
            yield f"    {s.brand or s.name} ({s.kind}, {s.place.label}, {far}) {s.phone or s.email or s.website or 'aucun contact connu'}"
        yield f"  {one.facilitator}"
        yield from (f"  note : {note}" for note in one.notes)
    yield from (f"hypothèse : {assumption}" for assumption in found.assumed)
    yield from (f"source : {source}" for source in found.sources)
