"""What a structure could answer: open notices, lot by lot, alone, in a group, by the clause, or to watch.

The engine evaluates each lot for this one structure; what depends on the lots alone is cached for the next one.  An
unpublished need is never shown here.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from itertools import compress, pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np
import xxhash

from matcher import codec
from matcher.catalogue.catalogue import Catalogue
from matcher.catalogue.columns import DECLARED
from matcher.catalogue.files import save_derived
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
from matcher.matching import by_clause, evidence, reach, standing, stored, suitability
from matcher.matching.engine import Matcher
from matcher.matching.judgement import shipped
from matcher.matching.parts import executed, named_first
from matcher.matching.ranking import LIKELY, PLAUSIBLE, Ranking
from matcher.matching.reasons import SUBJECTS, sentences
from matcher.matching.search import query_of
from matcher.matching.shortlist import Query
from matcher.partners.partners import Partner, partners
from matcher.reading.procedure import open_at
from matcher.reference import places
from matcher.reference.amounts import yearly
from matcher.reference.arrays import F32, Mask
from matcher.reference.french import counted, in_paris
from matcher.reference.text import shorten

Part = Literal["alone", "with-partner", "clause", "watch"]
PARTS: tuple[Part, ...] = ("alone", "with-partner", "clause", "watch")
SILENT = "votre fiche ne dit pas votre métier : ajoutez une offre, vous serez comparée sur ce que vous faites"
PRIOR: Mapping[Nature, str] = {
    "prior": "avis préalable : rien à remettre encore, dites votre intérêt à l'acheteur",
    "project": "projet d'achat : rien à remettre encore, dites votre intérêt à l'acheteur",
}
UNSURE = "à vérifier, si c'est votre métier, à votre taille, et si vous y allez"
BARRED = "réservé à d'autres structures que la vôtre"
UNASKED = "sans heures d'insertion demandées, à proposer aux entreprises qui y répondent"
BY_CLAUSE = (
    "par la clause : ce lot demande des heures d'insertion à qui le prendra ; proposez-vous aux entreprises du métier, ou "
    "signalez-vous au facilitateur"
)
NAMED_IT = 0.99  # confidence of what is declared that names this trade itself, none near it
NAMED = 3  # partners of an opportunity
KEPT = 5_000  # notices whose prepared lots are cached
NEAR = 1_000  # lots compared with one structure; of more, the nearest in meaning
FAR_KM = 150.0  # beyond it no structure without a declared zone is a lead (none lost on 602 notices)
Key = tuple[str, str, str]
Told = tuple[float, float, Asked]  # chance, kilometres (NaN unknown), and what a lot asks
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
    asked = _opened(tenders, wishes or Wishes(), now or datetime.now(UTC))
    each = _rankings(matcher, structure, asked)
    found = (_of_lot(matcher, structure, tender, ranking) for tender, ranking in each)

    def place(one: Opportunity) -> tuple[Any, ...]:
        ids = (one.tender.id, one.lot.number)
        return PARTS.index(one.part), one.tender.nature in PRIOR, -one.match.probability, *ids

    return tuple(sorted(filter(None, found), key=place))


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
    if structure.active is False:
        return ("l'établissement est fermé d'après le registre : écrivez à l'exploitant s'il est ouvert",)
    speaks = any(o.nature in DECLARED for o in structure.offers)
    told = [] if speaks else [SILENT]
    zoned = any((structure.zone, *(offer.zone for offer in structure.offers)))
    if structure.place == Place() and not zoned:
        return (*told, "votre fiche ne dit pas où vous êtes : donnez votre adresse ou votre zone")
    lends = structure.kind in LENDING_KINDS
    unsure, unasked, away, barred = list[Told](), list[Told](), list[Told](), list[Told]()
    around = Counter[str]()
    for _, ranking in _rankings(matcher, structure, asked, usual=True):
        shortlist, query, coming = ranking.shortlist, ranking.shortlist.query, reach.of(ranking.shortlist)
        if not query.located:
            continue
        km, itself = float(coming.kilometres[0]), standing.way_in(structure.kind, ranking) == "self"
        told_of = (float(ranking.chances[0]), km, query.asked)
        level = standing.level_of(ranking, structure)
        if not suitability.admitted(shortlist)[0]:
            barred += [told_of] if level == LIKELY and itself else []
            continue
        owing = query.lot.owed_condition is not None
        if level >= PLAUSIBLE:
            (unsure if itself else away if owing else unasked).append(told_of)
        elif itself and km <= FAR_KM and not suitability.asked_at_most(shortlist)[0]:
            # likely, were it at the place of the lot
            there = shipped().levels_with(shortlist, suitability.ON_THE_SPOT)[0] == LIKELY
            away += [told_of] if there else []
        main = next(iter(query.asked.parts), None)
        owes = owing and main and main.trade not in by_clause.SUPPORT
        if main and coming.comes(FAR_KM)[0] and (owes if lends else query.asked.served == "yes"):
            around[main.label] += 1
    lists = {UNSURE: unsure, UNASKED: unasked, BARRED: barred}
    told += [f"{words} : {_likeliest_of(lots)}" for words, lots in lists.items() if lots]
    trade = "de votre métier" if speaks else "d'un métier courant des structures de votre type"
    if away:
        beyond = f"{'où des heures d’insertion sont dues' if lends else trade}, au-delà de votre portée : {_likeliest_of(away)}"
        told.append(f"{beyond} ; déclarez la zone où vous allez")
    if speaks and (unsure or unasked or barred or away):
        return tuple(told)
    where = f"{'dans votre zone' if zoned else f'à moins de {FAR_KM:.0f} km'} parmi les avis ouverts"
    told += [f"aucun lot de votre métier {where} ({len(asked)})"] if speaks else []
    which = "où des heures d'insertion sont dues" if lends else "que des structures prennent d'ordinaire"
    if not around:
        none = f"aucun lot {which} {where} ({len(asked)})"
        return (*told, f"{none} : choisissez d'être prévenue des nouveaux")
    most = ", ".join(f"{label} ({count})" for label, count in around.most_common(NAMED))
    zone = "" if zoned else ", et la zone où vous allez"
    known = f"{counted(around.total(), 'lot')} {which} {where} : {most}"
    return (*told, f"{known} ; ajoutez à votre fiche ceux de ces métiers que vous faites{zone}")


def _likeliest_of(lots: Sequence[Told]) -> str:
    """How many lots there are and the likeliest of them, in French."""
    _, km, asked = max(lots, key=lambda one: one[0])
    away = "" if math.isnan(km) else f" à {km:.0f} km"
    trades = ", ".join(part.label for part in asked.parts)
    which = f"« {shorten(asked.text, 60)} »{f' ({trades})' if trades else ''}{away}"
    return f"{counted(len(lots), 'lot')}, {which}"


def _opened(tenders: Iterable[Tender], wanted: Wishes, moment: datetime) -> list[Pair]:
    """The notices with their lots that are open and wanted, those that have some."""

    def open_here(tender: Tender, lot: Lot) -> bool:
        due = lot.deadline or tender.deadline
        abroad = lot.places and all(map(places.is_abroad, lot.places))
        return not abroad and open_at(in_paris(due) if due else None, tender.published, moment)

    known = [each for each in tenders if not each.confidential and each.nature in ANSWERABLE]
    recent = (t for t in known if not wanted.since or (t.published and t.published >= wanted.since))
    kept = ((t, tuple(x for x in t.lots if open_here(t, x) and _wanted(x, t, wanted))) for t in recent)
    return [(tender, replace(tender, lots=lots)) for tender, lots in kept if lots]


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


def _of_lot(matcher: Matcher, structure: Structure, tender: Tender, ranking: Ranking) -> Opportunity | None:
    """What a lot is for the only candidate, and why; None where it does not concern it, or nothing tells the way there."""
    query, level = ranking.shortlist.query, standing.level_of(ranking, structure)
    own = standing.way_in(structure.kind, ranking) == "self" and _own(ranking, structure, level)
    hours = "" if own else _hours(matcher, ranking)
    if not (own or hours):
        return None
    match = matcher.explain(ranking, i := int(ranking.order[0]), 1)
    nowhere = match.reach.where == "unknown" and query.places
    if match.eligible is False or match.reach.where == "outside" or nowhere:
        return None

    def made(part: Part, why: Iterable[str], *found: Partner) -> Opportunity:
        whom: dict[str, Any] = {"partner": found[0] if found else None, "others": found[1:]}
        return Opportunity(tender=tender, lot=match.lot, part=part, match=match, why=tuple(why), **whom)

    reasons = sentences(r for r in match.reasons if r.contribution > 0 and r.tells)
    if tender.nature in PRIOR:
        return made("watch", (PRIOR[tender.nature], *reasons))
    if hours:
        where = (r.text for r in match.reasons if r.code in SUBJECTS["Lieu"] and r.tells)
        return made("clause", (f"{BY_CLAUSE} ({hours})", *where))
    small, sized = standing.too_small(structure, query), standing.size(structure, query)
    if level == PLAUSIBLE:
        doubt = sized if small else suitability.at_most(ranking)
        return made("watch", (f"{standing.CHECK} : {doubt}", *reasons)) if doubt else None
    lacking = standing.lacking(matcher, [structure], query)[structure.siret]
    first, sure = named_first(query.asked), suitability.established(ranking, i)
    if (first and first.label in lacking) or ((lacking or small) and not sure):
        return None  # a group is needed and nothing tells its part, or it lacks what is named first
    if doubt := standing.unsure(ranking, structure, i):
        return made("watch", (f"{standing.CHECK} : {doubt}", *reasons))
    if not lacking and not small:
        return made("alone", (*reasons, *((sized,) if sized else ())))
    does = [part.label for part in executed(query.asked) if part.label not in lacking]
    wanting = [f"vous : {', '.join(does)} ; il manque : {', '.join(lacking)}"] if lacking else [sized]
    with_whom = partners(matcher, structure, tender, match.lot.id, NAMED)
    found = (*with_whom.partners, *with_whom.firms)[:NAMED]
    together = [f"avec {one.structure.name} : {one.adds[0]}" for one in found[:1]]
    if found and not (lacking and with_whom.nobody):
        return made("with-partner", (*wanting, *together), *found)
    asking = ", ".join(one.name for who in with_whom.ask.values() for one in who[:NAMED])
    known = with_whom.nobody or ("aucun partenaire connu pour ce lot",)
    return made("watch", (*wanting, *together, *known, *([f"à interroger : {asking}"] if asking else [])))


def _hours(matcher: Matcher, ranking: Ranking) -> str:
    """How the only candidate carries hours of a lot that owes them, in French; "" where nobody would call it for them.

    Who is not likely is told where it is one of the few whom the night calls for want of a likely one.
    """
    query = ranking.shortlist.query
    if query.lot.owed_condition is None:
        return ""
    likely, all_ = by_clause.by_clause(ranking, 1, few=0), by_clause.by_clause(ranking, 1)
    if likely or not all_:
        return likely[0][2] if likely else ""

    def called() -> frozenset[int]:
        each = matcher.rank(replace(query, filters=Filters()))
        return frozenset(int(each.shortlist.candidates[i]) for i, _, _ in by_clause.by_clause(each))

    mine = int(ranking.shortlist.candidates[ranking.order[0]])
    return all_[0][2] if mine in query.memo.once("called for hours", called) else ""


def _own(ranking: Ranking, structure: Structure, level: int) -> bool:
    """Is the only candidate likely, or, of a likely trade or one that it names, with one thing to verify: trade, who may, size?"""
    i, query = int(ranking.order[0]), ranking.shortlist.query
    if level == LIKELY:
        return bool(ranking.levels[i] >= LIKELY or suitability.established(ranking, i))
    unsure = shipped().levels(ranking.chances[i]) < LIKELY
    if level < PLAUSIBLE or not standing.proposed(ranking, i):
        return False
    if unsure and not evidence.of(ranking.shortlist, "said_trade")[i] >= NAMED_IT:
        return False
    doubts = (unsure, suitability.asked_at_most(ranking.shortlist)[i], standing.too_small(structure, query))
    return sum(map(bool, doubts)) <= 1


def _rankings(
    matcher: Matcher, structure: Structure, asked: Sequence[Pair], usual: bool = False
) -> Iterator[tuple[Tender, Ranking]]:
    """The structure alone, ranked for each lot that is not too far; of more than NEAR, for the nearest in meaning.

    For structures that lend staff, lots that state a clause are included whatever their words.  With `usual`,
    only lots that structures take as a rule, or by the clause.
    """
    lots = [lot for _, open_ in asked for lot in open_.lots]
    # past awards do not tell a service radius: a distant lot is shown, to watch
    chosen = ~_too_far(structure, lots) if matcher.judges else np.ones(len(lots), dtype=bool)
    if int(chosen.sum()) > NEAR:
        catalogue = matcher.catalogue
        row = catalogue.row(structure.siret)
        first, last = catalogue.offsets[row : row + 2]
        mine = np.asarray(catalogue.vectors[first:last], dtype=np.float32)
        best = np.where(chosen, (_vectors(matcher, asked) @ mine.T).max(axis=1, initial=-1.0), -2.0)
        if structure.kind in LENDING_KINDS:
            best[chosen & np.array([lot.owed_condition is not None for lot in lots])] = 2.0
        chosen[np.argsort(-best, kind="stable")[max(NEAR, int((best > 1.5).sum())) :]] = False
    only, low = Filters(sirets=(structure.siret,)), 0
    for tender, open_ in asked:
        kept = tuple(compress(open_.lots, chosen[low : low + len(open_.lots)]))
        low += len(open_.lots)
        near = replace(open_, lots=kept)
        for query in _ready(matcher, tender, near) if kept else ():
            if usual and query.asked.served == "no":
                continue
            ranking = matcher.rank(replace(query, filters=only))
            if len(ranking.order):  # it has not denied the trade
                yield near, ranking


def _too_far(structure: Structure, lots: Sequence[Lot]) -> Mask:
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


def _vectors(matcher: Matcher, asked: Sequence[Pair]) -> F32:
    """The vectors of the lots, cached across structures; (lots, dimensions)."""
    held: dict[str, F32] = matcher.catalogue.once("lot vectors", dict)
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
    stored_ = stored_lots(matcher.catalogue)
    for lot in asked.lots:
        if _key(lot) not in held and (query := stored_.query(matcher.catalogue, tender, lot)):
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


# ---------------------------------------------------------- lots of the notices indexed with a catalogue, read in advance

#: What is stored of them: what they ask for, and their vectors, by the hash of their whole text.
NAMES = ("made", "keys", "vectors", "texts", "asked")


def save_lots(matcher: Matcher, tenders: Iterable[Tender], folder: Path) -> None:
    """Read the lots that structures may answer, and store them in the folder to which the catalogue is being saved."""
    asked = [tender for tender in tenders if tender.nature in ANSWERABLE and tender.lots]
    queries = [query for tender in asked for query in matcher.queries(tender)]
    if not queries or not matcher.judges:
        return
    text = json.dumps([codec.to_json(query.asked) for query in queries], ensure_ascii=False).encode()
    arrays = {
        "made": np.array(stored.fingerprint(matcher.catalogue)),
        "asked": np.frombuffer(text, dtype=np.uint8),
        "keys": np.array([_hash(query.tender, query.lot) for query in queries], dtype=np.uint64),
        "vectors": np.array([query.vector for query in queries]),
        "texts": np.array([query.text for query in queries]),
    }
    save_derived(folder, {f"lots_{name}": values for name, values in arrays.items()})


def stored_lots(catalogue: Catalogue) -> Lots:
    """The lots stored with a catalogue; none where they were read by other models, tables or code."""
    return catalogue.once("prepared lots", lambda: Lots(catalogue))


class Lots:
    """Queries of lots by their text: one that changed since is read anew."""

    def __init__(self, catalogue: Catalogue) -> None:
        held: dict[str, Any] = {name: catalogue.derived.get(f"lots_{name}") for name in NAMES}
        self._rows: dict[int, int] = {}
        if held["made"] is not None and held["made"].item() == stored.fingerprint(catalogue):
            self._held, self._asked = held, json.loads(held["asked"].tobytes())
            self._rows = {key: row for row, key in enumerate(held["keys"].tolist())}

    def query(self, catalogue: Catalogue, tender: Tender, lot: Lot) -> Query | None:
        """The query of a lot, None where it is not stored."""
        row = self._rows.get(_hash(tender, lot)) if self._rows else None
        if row is None:
            return None
        read = codec.from_json(Asked, self._asked[row])
        text, vector = str(self._held["texts"][row]), self._held["vectors"][row]
        return query_of(catalogue, lot, tender, read, text=text, vector=vector)


def _hash(tender: Tender, lot: Lot) -> int:
    return int(xxhash.xxh3_64_intdigest(codec.to_text(replace(tender, lots=(lot,)))))
