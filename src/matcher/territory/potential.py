"""The potential of a need before a tender: who could answer, and what the buyer may do about it, with reasons.

Who could answer is the list of the same need; the facts count it.  `advise` is a pure function of these facts: each rule
gives an advice with its reasons and articles, or says why it does not apply.  Every rule is read in
`matcher.reference.law` on the day asked.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any

import numpy as np

from matcher import codec
from matcher.domain import Lot, Match, Tender
from matcher.learned import asks
from matcher.matching.parts import parts_of
from matcher.matching.ranking import Ranking
from matcher.matching.standing import way_in
from matcher.reading.need import sized_need
from matcher.records import facilitators
from matcher.reference import amounts, law, toponyms
from matcher.reference.naming import as_written
from matcher.territory import exports
from matcher.territory import hours as insertion
from matcher.territory.advice import Advised, Facts, Given, Weight, advise, effect
from matcher.territory.counts import Count, Desk, Rows

ARTICLES = (law.DISABILITY, law.INSERTION, law.COMBINED, law.ESS)
CUTS = (2, 3, 4, 6)
NAMED = 5  # carriers of hours that an advice names
ORDER = "ordre de présentation, ne préjuge pas du choix"
ASSUMED = tuple(
    "competition verified turnover_comfort turnover_most clause_hours clause_months clause_share".split()
)
#: Fact -> the assumption that it is.
ASSUMED_FACTS = {
    "clause_share": "clause_share",
    "least_hours": "clause_hours",
    "least_months": "clause_months",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LotPotential:
    """A lot, its count, its advice, and the first structures of its list."""

    lot: Lot
    trades: tuple[str, ...]
    count: Count
    eligible: Mapping[str, Count]  # article -> those who may answer under it
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


def potential(desk: Desk, tender: Tender, given: Given | None = None, n: int = 5) -> Potential:
    """The potential of every lot of a need, with the first `n` structures of each.  Raises BadInput as `Given.checked`."""
    given = (given or Given()).checked()
    tender = sized_need(tender, given.amount)
    rankings = list(desk.matcher.rank_each(desk.matcher.queries(tender)))  # those that its list shows
    lots = tender.lots
    known = [whole for lot in lots if (whole := _whole(lot)) is not None]
    total = sum(known) if len(known) == len(lots) and known else given.amount
    return Potential(
        tender=tender,
        lots=tuple(_of_lot(desk, tender, *one, given, total, n) for one in zip(lots, rankings, strict=True)),
        on=desk.on,
        sources=(desk.source,),
        assumed=tuple(desk.assumed[key].shown() for key in ASSUMED),
        versions=desk.matcher.versions,
    )


def _whole(lot: Lot) -> float | None:
    """The amount of a lot over its whole duration."""
    value = amounts.total(lot)
    return None if math.isnan(value) else value


def _of_lot(
    desk: Desk, tender: Tender, lot: Lot, ranking: Ranking, given: Given, total: float | None, n: int
) -> LotPotential:
    code, amount, months = insertion.code_of(lot), _whole(lot), lot.duration_months
    trades = tuple(ranking.shortlist.query.asked.trades)
    share, labour = desk.assumed["clause_share"].value, insertion.labour_of(trades, code)
    shares = tuple(dict.fromkeys((share, *insertion.SHARES)))
    place, answer, hours = toponyms.of_lot(lot, tender)[0][0], desk.matcher.answer(ranking, n), None
    facts = _facts(desk, tender, lot, ranking, given, code)
    facts = replace(facts, amount=total, labour=labour if trades else None)
    if amount:
        hours = insertion.plan(desk, ranking, amount=amount, labour=labour, months=months, shares=shares)
        named = [] if answer.calls_for == "beyond" else hours.carriers[:NAMED]
        carriers = tuple(f"{as_written(c.name)} ({c.kind or 'entreprise'})" for c in named)
        facts = replace(facts, clause_hours=hours.targets[0].hours, carriers=carriers)
    located = place.department is not None or place.latitude is not None
    notes = () if located else ("lieu inconnu : toute la France est comptée tant qu'il n'est pas donné",)
    if place.inferred:
        notes = (f"lieu déduit : {place.label or place.department}",)
    return LotPotential(
        lot=lot,
        trades=tuple(desk.labels[name] for name in trades),
        count=facts.everyone,
        eligible={article: facts.within(article) for article in ARTICLES},
        facts=facts,
        advised=advise(facts),
        first=answer.matches,
        hours=hours,
        facilitator=facilitators.named(place),
        notes=notes,
    )


def _facts(desk: Desk, tender: Tender, lot: Lot, ranking: Ranking, given: Given, code: str) -> Facts:
    count, rows, whole = desk.count(ranking), desk.shown(ranking), _whole(lot)
    # the yearly part of its amount; of a year where no duration is known
    year = None if whole is None else whole / max((lot.duration_months or 12.0) / 12.0, 1.0)
    kinds = [str(kind) for kind in desk.catalogue.of_structure("kind")[rows]]
    holding = [way_in(kind, ranking) == "self" for kind in kinds]

    read = asks.of_lot(lot, tender)
    trades = {part.id: part.label for part in read.several}  # where the lot asks for several
    apart = desk.matcher.queries(replace(tender, lots=parts_of(lot, read))) if trades else ()
    by_need = {trades[r.shortlist.query.lot.id]: desk.count(r).likely for r in desk.matcher.rank_each(apart)}

    def holders(article: str) -> Rows:
        """The rows of those who would hold the lot, under an article if any."""
        may = [not article or law.eligible(kind, (article,), desk.on) is True for kind in kinds]
        return np.asarray(rows[np.logical_and(holding, may)])

    facts: dict[str, Any] = {name: desk.assumed[key].value for name, key in ASSUMED_FACTS.items()}
    facts |= {name: int(desk.assumed[name].value) for name in ("competition", "verified")}
    if given.works is None:
        given = replace(given, works=insertion.nature_of(code) == "works")
    given = replace(given, defence=given.defence or "defence" in tender.flags)
    facts |= asdict(given)
    facts |= {"ess_service": law.ess_service(code), "social": law.social_service(code)}
    facts |= {"weight": {article: _weight(desk, holders(article), year) for article in ("", *ARTICLES)}}
    facts |= {"cuts": {k: _weight(desk, rows, year / k).comfortable for k in CUTS} if year else {}}
    facts |= {"reserved": lot.reservation.opened_by if lot.reservation else None, "by_need": by_need}
    lots: dict[str, Any] = {"lots": len(tender.lots), "months": lot.duration_months}
    lots |= {"lot_amount": whole, "yearly": year or None}
    return Facts(on=desk.on, everyone=count, staff=all(holding), **facts, **lots)


def _weight(desk: Desk, rows: Rows, yearly: float | None) -> Weight:
    turnover = np.asarray(desk.catalogue.of_structure("turnover")[rows], dtype=np.float64)
    known = turnover[turnover > 0] if yearly is not None else turnover[:0]
    counted = Weight(known=len(known), unknown=len(rows) - len(known))
    if yearly is None or not len(known):
        return counted
    shares = yearly / known
    comfort, top = (desk.assumed[key].value for key in ("turnover_comfort", "turnover_most"))
    small, easy = int((shares > top).sum()), int((shares <= comfort).sum())
    return replace(counted, median=float(np.median(shares)), comfortable=easy, small=small)


def advised_row(one: LotPotential) -> dict[str, Any]:
    """What a row says of the advice for a lot, and its counts."""
    advised = codec.flat(one.advised.first, "conseil=title, raisons=reasons, conditions")
    also = {
        "articles": ", ".join(one.advised.first.articles),
        "aussi possible": " ; ".join(a.title for a in one.advised.also),
        "obligations": " ; ".join(a.title for a in one.advised.duties),
    }
    counts = codec.flat(one.count, "à appeler=likely, à vérifier=plausible, à interroger=to_ask")
    return advised | also | counts


def rows(found: Potential) -> Iterator[dict[str, Any]]:
    """One flat row a lot, for a spreadsheet."""
    for one in found.lots:
        f = one.facts
        refused = " ; ".join(f"{r.title} : {r.reason}" for r in one.advised.refused)
        row: dict[str, Any] = {"besoin": found.tender.id, "lot": one.lot.number, "intitulé": one.lot.title}
        row |= {"métiers": ", ".join(one.trades), **advised_row(one), "écarté": refused}
        row |= {"OETH": effect(one.advised.oeth)}
        row |= {f"à appeler, admissibles {a}": f.within(a).likely for a in ARTICLES}
        row |= codec.flat(one.count, "vérifiées actives=verified, ont répondu depuis un an=answered")
        weight = f.weight.get("", Weight()).shown()
        row |= {"part du chiffre d'affaires": weight, "facilitateur": one.facilitator}
        yield row | {"sources": " | ".join(found.sources), "date": found.on.isoformat()}


def text(found: Potential) -> str:
    """The potential as a person reads it in a terminal."""
    return exports.filled("potential.txt", found=found, order=ORDER, effect=effect).rstrip()
