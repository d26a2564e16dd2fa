"""What a structure could answer: open notices, lot by lot, alone, in a group, by the clause, or to watch.

The engine evaluates each lot for this one structure; what depends on the lots alone is cached for the next one.  An
unpublished need is never shown here.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from itertools import compress, pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from matcher.catalogue.columns import DECLARED
from matcher.domain import (
    ANSWERABLE,
    LENDING_KINDS,
    Asked,
    Filters,
    Lot,
    Match,
    Nature,
    Place,
    Structure,
    Tender,
)
from matcher.learned import asks
from matcher.matching import by_clause, reach, standing, suitability
from matcher.matching.engine import Matcher
from matcher.matching.groups.table import lot_label
from matcher.matching.judgement import shipped
from matcher.matching.parts import executed
from matcher.matching.ranking import LIKELY, PLAUSIBLE, Ranking
from matcher.matching.reasons import sentences
from matcher.matching.shortlist import Query
from matcher.partners import prepared
from matcher.partners.partners import Partner, partners
from matcher.reading.procedure import open_at
from matcher.reference import law, places
from matcher.reference.amounts import yearly
from matcher.reference.french import counted, in_paris
from matcher.reference.text import shorten

Part = Literal["alone", "with-partner", "clause", "watch"]
PARTS: tuple[Part, ...] = ("alone", "with-partner", "clause", "watch")
CHECK = "à vérifier avant de répondre"
SILENT = "votre fiche ne dit pas votre métier : ajoutez une offre, vous serez comparée sur ce que vous faites"
PRIOR: Mapping[Nature, str] = {
    "prior": "avis préalable : rien à remettre encore, dites votre intérêt à l'acheteur",
    "project": "projet d'achat : rien à remettre encore, dites votre intérêt à l'acheteur",
}
UNSURE = "à vérifier, si c'est votre métier et si vous y allez"
BY_CLAUSE = (
    "par la clause : ce lot demande des heures d'insertion à qui le prendra ; proposez-vous aux entreprises du métier, ou "
    "signalez-vous au facilitateur"
)
NAMED = 3  # partners of an opportunity
KEPT = 5_000  # notices whose prepared lots are cached
AROUND = 100  # lots nearest in meaning among which those of its trade are looked for, wherever they are
NEAR = 1_000  # lots compared with one structure; of more, the nearest in meaning
FAR_KM = 150.0  # beyond it no structure without a declared zone is a lead (none lost on 602 notices)
Key = tuple[str, str, str]
Pair = tuple[Tender, Tender]  # a notice, and the same reduced to the wanted lots


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """Filters of lots; an empty one means all."""

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
) -> tuple[Opportunity, ...]:
    """The lots of the open notices that concern `structure`: alone first, then in a group, by the clause, and to watch.

    Within a part the likeliest come first, those of a notice that is not yet a call last.  Lots of other trades are left out,
    and those whose place cannot be compared with that of the structure, which is nowhere known.  The structure must be in
    the matcher's catalogue (NotFound otherwise).
    """
    matcher.catalogue.row(structure.siret)
    wanted = wishes or Wishes()
    moment = now or datetime.now(UTC)
    found: list[Opportunity] = []
    asked = _opened(tenders, wanted, moment)
    # past awards do not tell a service radius: a distant lot is shown, to watch
    lots = [lot for _, open_ in asked for lot in open_.lots]
    chosen = ~_too_far(structure, lots) if matcher.judges else np.ones(len(lots), dtype=bool)
    for tender, near in _nearest(matcher, structure, asked, NEAR, chosen):
        found += _of_tender(matcher, structure, tender, near)

    def place(one: Opportunity) -> tuple[Any, ...]:
        ids = (one.tender.id, one.lot.number)
        return PARTS.index(one.part), one.tender.nature in PRIOR, -one.match.probability, *ids

    found.sort(key=place)
    return tuple(found)


def by_notice(found: Iterable[Opportunity]) -> tuple[tuple[Opportunity, ...], ...]:
    """The opportunities with those of a notice together, in the list of the best of them, which is first."""
    notices: dict[str, list[Opportunity]] = {}
    for one in found:
        notices.setdefault(one.tender.id, []).append(one)
    return tuple(map(tuple, notices.values()))


def why_nothing(
    matcher: Matcher, structure: Structure, tenders: Iterable[Tender], *, now: datetime | None = None
) -> tuple[str, ...]:
    """Why a structure has no opportunity among these notices, and what would change it, in French."""
    asked = _opened(tenders, Wishes(), now or datetime.now(UTC))
    if not asked or not matcher.judges:
        return ("aucun avis ouvert n'est connu : revenez quand de nouveaux avis seront lus",)
    speaks = any(o.nature in DECLARED for o in structure.offers)
    said = [] if speaks else [SILENT]
    if structure.place == Place() and structure.zone is None:
        said.append("votre fiche ne dit pas où vous êtes : donnez votre adresse ou votre zone")
    away, unsure = [], []
    for tender, lots in _nearest(matcher, structure, asked, AROUND):
        for query in _ready(matcher, tender, lots):
            ranking = matcher.rank(replace(query, filters=Filters(sirets=(structure.siret,))))
            shortlist = ranking.shortlist
            if not len(shortlist):
                continue
            km = float(reach.of(shortlist).kilometres[0])
            if standing.level_of(ranking, structure) == PLAUSIBLE:
                unsure.append((km, query.asked))
            elif km <= FAR_KM and shipped().levels_with(shortlist, suitability.ON_THE_SPOT)[0] == LIKELY:
                away.append((km, query.asked))
    if unsure:
        said.append(f"{UNSURE} : {_nearest_of(unsure)}")
    if away:
        said.append(
            f"de votre métier, au-delà de votre portée : {_nearest_of(away)} ; déclarez la zone où vous allez"
        )
    if not (unsure or away):
        trade = "de votre métier" if speaks else "de ce que font d'ordinaire les structures de votre type"
        more = "ajoutez vos autres métiers à votre fiche, ou " if speaks else ""
        said.append(
            f"aucun lot {trade} à moins de {FAR_KM:.0f} km parmi les {len(asked)} avis ouverts : {more}choisissez "
            "d'être prévenue des nouveaux avis"
        )
    return tuple(said)


def _nearest_of(lots: Sequence[tuple[float, Asked]]) -> str:
    """How many lots there are and the nearest of them, in French; kilometres may be unknown (NaN)."""
    km, asked = min(lots, key=lambda one: math.inf if math.isnan(one[0]) else one[0])
    away = "" if math.isnan(km) else f" à {km:.0f} km"
    trades = ", ".join(part.label for part in asked.parts)
    return (
        f"{counted(len(lots), 'lot')}, « {shorten(asked.text, 60)} »{f' ({trades})' if trades else ''}{away}"
    )


def _opened(tenders: Iterable[Tender], wanted: Wishes, moment: datetime) -> list[Pair]:
    return [(tender, open_) for tender in tenders if (open_ := _open(tender, wanted, moment)) is not None]


def _open(tender: Tender, wanted: Wishes, moment: datetime) -> Tender | None:
    """The notice with the lots that are open and wanted, None where there are none."""
    if tender.confidential or tender.nature not in ANSWERABLE:
        return None
    if wanted.since and (tender.published is None or tender.published < wanted.since):
        return None

    def open_here(lot: Lot) -> bool:
        due = lot.deadline or tender.deadline
        abroad = lot.places and all(place.country not in (None, "FR") for place in lot.places)
        return not abroad and open_at(in_paris(due) if due else None, tender.published, moment)

    kept = tuple(lot for lot in tender.lots if open_here(lot) and _wanted(lot, tender, wanted))
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
    matcher: Matcher, structure: Structure, tender: Tender, asked: Tender
) -> Iterator[Opportunity]:
    only = Filters(sirets=(structure.siret,))
    for query in _ready(matcher, tender, asked):
        ranking = matcher.rank(replace(query, filters=only))
        level = standing.level_of(ranking, structure)
        hours = by_clause.by_clause(ranking, 1) if query.lot.owed_condition is not None else []
        lends = standing.way_in(structure.kind, ranking) == "clause"
        if not len(ranking.order) or not (hours or _own(ranking, level, lends)):
            continue
        match = matcher.explain(ranking, int(ranking.order[0]), 1)
        if match.reach.where == "outside" or (match.reach.where == "unknown" and query.places):
            continue
        own = _own(ranking, level, lends) and not lends
        by_hours = "" if own else hours[0][2] if hours else standing.LENT
        yield _judged(matcher, structure, asked, query, match, level, by_hours)


def _own(ranking: Ranking, level: int, lends: bool) -> bool:
    """Does a lot concern the only candidate without owing hours: is it likely, or otherwise one to propose?

    Who lends staff goes to those who answer, where it is likely.  A lot reserved to others is watched by who says its trade.
    """
    i = int(ranking.order[0])
    if level == LIKELY and (ranking.levels[i] >= LIKELY or suitability.established(ranking, i)):
        return True
    return level >= PLAUSIBLE and not lends and standing.proposed(ranking, i)


def _nearest(
    matcher: Matcher,
    structure: Structure,
    asked: Sequence[Pair],
    most: int,
    among: NDArray[np.bool_] | None = None,
) -> Iterator[Pair]:
    """The notices with at most so many lots, those nearest in meaning among a mask of all lots.

    For structures that lend staff, lots that state a clause are included whatever their words.
    """
    lots = [lot for _, open_ in asked for lot in open_.lots]
    chosen = np.ones(len(lots), dtype=bool) if among is None else among
    if int(chosen.sum()) > most:
        catalogue = matcher.catalogue
        row = catalogue.row(structure.siret)
        low, high = catalogue.offsets[row : row + 2]
        mine = np.asarray(catalogue.vectors[low:high], dtype=np.float32)
        best = np.where(chosen, (_vectors(matcher, asked) @ mine.T).max(axis=1, initial=-1.0), -2.0)
        if structure.kind in LENDING_KINDS:
            best[chosen & np.array([lot.owed_condition is not None for lot in lots])] = 2.0
        chosen[np.argsort(-best, kind="stable")[max(most, int((best > 1.5).sum())) :]] = False
    low = 0
    for tender, open_ in asked:
        kept = tuple(compress(open_.lots, chosen[low : low + len(open_.lots)]))
        low += len(open_.lots)
        if kept:
            yield tender, replace(open_, lots=kept)


def _too_far(structure: Structure, lots: Sequence[Lot]) -> NDArray[np.bool_]:
    """Lots of which every place is known and beyond FAR_KM of a structure that declares no zone; (lots,)."""
    home = places.whereabouts(structure.place)
    zones = (structure.zone, *(offer.zone for offer in structure.offers))
    if home is None or any(zones):
        return np.zeros(len(lots), dtype=bool)
    located = [
        [places.whereabouts(p) if p.department or p.latitude is not None else None for p in lot.places]
        for lot in lots
    ]
    nowhere = (math.nan, math.nan)
    points = [[(here.latitude, here.longitude) if here else nowhere for here in one] for one in located]
    flat = np.array([point for one in points for point in one], dtype=np.float64).reshape(-1, 2)
    far = places.distance_km(flat[:, 0], flat[:, 1], home.latitude, home.longitude)
    beyond = far > FAR_KM + home.spread_km
    ends = np.cumsum([0, *map(len, points)])
    return np.array([high > low and bool(beyond[low:high].all()) for low, high in pairwise(ends)], dtype=bool)


def _vectors(matcher: Matcher, asked: Sequence[Pair]) -> NDArray[np.float32]:
    """The vectors of the lots, cached across structures; (lots, dimensions)."""
    held: dict[str, NDArray[np.float32]] = matcher.catalogue.once("lot vectors", dict)
    texts = [asks.compared(lot) for _, open_ in asked for lot in open_.lots]
    if len(held) > 10 * KEPT:
        held.clear()
    fresh = [text for text in dict.fromkeys(texts) if text not in held]
    if fresh:
        held.update(zip(fresh, matcher.catalogue.encoder.encode(fresh, role="query"), strict=True))
    return np.array([held[text] for text in texts], dtype=np.float32)


def _ready(matcher: Matcher, tender: Tender, asked: Tender) -> list[Query]:
    """The wanted lots of a notice as queries, cached across structures."""
    kept: dict[str, tuple[Tender, dict[Key, Query]]] = matcher.catalogue.once("lots ready", dict)
    if tender.id not in kept or kept[tender.id][0] is not tender:
        if len(kept) >= KEPT:
            kept.clear()
        kept[tender.id] = (tender, {})
    held = kept[tender.id][1]
    stored = prepared.of(matcher.catalogue)
    for lot in asked.lots:
        if _key(lot) not in held and (query := stored.query(matcher.catalogue, tender, lot)):
            held[_key(lot)] = query
    fresh = tuple(lot for lot in asked.lots if _key(lot) not in held)
    if fresh:
        made = matcher.queries(replace(tender, lots=fresh))
        held.update(
            (_key(lot), replace(query, tender=tender)) for lot, query in zip(fresh, made, strict=True)
        )
    return [held[_key(lot)] for lot in asked.lots]


def _key(lot: Lot) -> Key:
    """A key that identifies a lot within its notice: ids and numbers are not always unique."""
    return lot.id, lot.number, lot.title


def _judged(
    matcher: Matcher,
    structure: Structure,
    tender: Tender,
    query: Query,
    match: Match,
    level: int,
    carries: str,
) -> Opportunity:
    """The part a lot belongs to, and why."""
    lot = match.lot

    def made(part: Part, why: Iterable[str], *found: Partner) -> Opportunity:
        partner = found[0] if found else None
        return Opportunity(
            tender=tender, lot=lot, part=part, match=match, why=tuple(why), partner=partner, others=found[1:]
        )

    if watch := _in_the_way(structure, tender, lot, match):
        return made("watch", watch)
    reasons = sentences(r for r in match.reasons if r.contribution > 0 and r.tells)
    if carries:
        owed = lot.owed_condition
        return made("clause", (f"{BY_CLAUSE} ({carries})",)) if owed else made("watch", (carries, *reasons))
    lacking = standing.lacking(matcher, [structure], query, level)[structure.siret]
    small, sized = standing.too_small(structure, query), standing.size(structure, query)
    if level == PLAUSIBLE and len(lacking) == len(executed(query.lot, query.asked)):
        return made("watch", (CHECK, *reasons, *([sized] if small else [])))
    if not lacking and not small:
        return made("alone", (*reasons, *((sized,) if sized else ())))
    wanting = [f"il manque : {', '.join(lacking)}"] if lacking else [sized]
    with_whom = partners(matcher, structure, tender, lot.id, NAMED)
    found = (*with_whom.partners, *with_whom.firms)[:NAMED]
    if not found:
        asking = ", ".join(one.name for who in with_whom.ask.values() for one in who[:NAMED])
        known = with_whom.nobody or ("aucun partenaire connu pour ce lot",)
        return made("watch", (*wanting, *known, *([f"à interroger : {asking}"] if asking else [])))
    return made("with-partner", (*wanting, f"avec {found[0].structure.name} : {found[0].adds[0]}"), *found)


def _in_the_way(structure: Structure, tender: Tender, lot: Lot, match: Match) -> tuple[str, ...]:
    """Obstacles that no partner removes, in French; empty without any."""
    why = [PRIOR[tender.nature]] if tender.nature in PRIOR else []
    on = tender.published or date.today()
    held = lot.reservation
    if held is not None and law.eligible(structure.kind, held.opened_by, on, structure.labels) is False:
        under = held.stated or "article non précisé"
        why.append(f"{lot_label(lot)} est réservé ({under}) à d'autres structures que la vôtre")
    if structure.active is False:
        why.append("l'établissement est fermé d'après le registre")
    return tuple(why)
