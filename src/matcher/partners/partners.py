"""Partners for a structure on a notice, ranked by what they add to its chance of carrying a lot.

Two kinds are distinguished: a *complement* takes a lot or a part that the structure does not do; a *reinforcement* has the
same trade, and is proposed only where size is what is missing.  Each is judged on the part that it would take; what past
awards say of the two is added, and told apart.  A third option is to be subcontractor of the holder of a large lot with
insertion hours.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache, partial
from typing import Literal

import numpy as np

from matcher.catalogue.catalogue import Catalogue
from matcher.catalogue.columns import days
from matcher.catalogue.filters import rare_name
from matcher.domain import Filters, Lot, Match, Reason, Structure, Tender, Warning_
from matcher.matching import parts, reach, standing
from matcher.matching.engine import Matcher
from matcher.matching.groups import firms as firms_
from matcher.matching.groups.table import called, lot_label
from matcher.matching.parts import executed, parts_of
from matcher.matching.ranking import LIKELY, PLAUSIBLE, Ranking
from matcher.matching.shortlist import Column, Query
from matcher.partners import subcontracting
from matcher.reference import law
from matcher.reference.arrays import I64, Array
from matcher.reference.french import counted
from matcher.reference.text import plain_words, shorten

#: Column -> its weight, learnt from 347 past groups (`data/build/train_partners.py`), and its sentence in French.
AFFINITIES: Mapping[str, tuple[float, str]] = {
    "together": (0.6703, "ont déjà gagné ensemble"),
    "likeness": (0.1141, "a gagné un marché très proche de ceux de l'autre"),
    "profile": (0.7104, "ont des marchés semblables dans l'ensemble"),
    "trades": (0.1543, "travaillent dans les mêmes familles d'achat"),
    "buyers": (0.6316, "servent les mêmes acheteurs"),
    "departments": (0.6744, "travaillent dans les mêmes départements"),
    "names": (0.5741, "portent un nom en commun (même groupe ?)"),
}
COLUMNS = tuple(AFFINITIES)


def award_codes(catalogue: Catalogue) -> I64:
    """A number for the award of each evidence row: rows of one award share it; -1 for no award; shape (m,)."""

    def read() -> I64:
        ids = catalogue.in_payloads(r'^\{"id":\s*"(?P<found>[^"]*)"')
        codes = np.asarray(ids.dictionary_encode().indices.fill_null(-1).to_numpy(zero_copy_only=False))
        return np.where(catalogue.nature_mask(("award",)), codes.astype(np.int64), -1)

    return catalogue.once("award codes", read)


def affinities(catalogue: Catalogue, siren: str, as_of: date | None) -> Mapping[str, Column]:
    """One column per name of COLUMNS over all structures, higher is closer; all zero for an unknown member."""
    return catalogue.once("affinities", lambda: lru_cache(64)(partial(_affinities, catalogue)))(siren, as_of)


def _affinities(catalogue: Catalogue, siren: str, as_of: date | None) -> Mapping[str, Column]:
    n = len(catalogue)
    columns: dict[str, Column] = {name: np.zeros(n) for name in COLUMNS}
    own = np.flatnonzero(catalogue.of_structure("siren") == siren)
    if not len(own):
        return columns
    member = int(own[0])
    columns["names"] = _names(catalogue, member)
    awards = catalogue.nature_mask(("award",))
    if as_of is not None:
        awards = awards & (catalogue.of_row("since") < days(as_of))
    rows = np.flatnonzero(awards)
    owners = catalogue.owners[rows]
    bidder = catalogue.of_structure("bidder")
    mine = bidder[owners] == bidder[member]
    if not mine.any():
        return columns

    def per_structure(values: Array) -> Column:
        return np.asarray(np.bincount(owners, weights=values, minlength=n), dtype=np.float64)

    count = np.maximum(per_structure(np.ones(len(rows))), 1.0)

    def share(name: str, divide: int = 1, unknown: int = 0) -> Column:
        """The share of each one's awards whose value of a column is among the member's."""
        values = catalogue.of_row(name)[rows] // divide
        wanted = np.setdiff1d(values[mine], [unknown])
        return per_structure(np.isin(values, wanted)) / count

    codes = award_codes(catalogue)[rows]
    columns["together"] = np.log1p(per_structure(np.isin(codes, codes[mine]) & ~mine))
    vectors = np.asarray(catalogue.vectors[rows], dtype=np.float32)
    centre = vectors[mine].mean(axis=0)
    nearness = np.maximum(vectors @ (centre / (np.linalg.norm(centre) + 1e-9)), 0.0).astype(np.float64)
    best = np.zeros(n)
    np.maximum.at(best, owners, nearness)
    columns["likeness"] = best
    columns["profile"] = per_structure(nearness) / count
    columns["trades"] = share("cpv", 10**6)
    columns["buyers"] = share("buyer")
    columns["departments"] = share("department", unknown=-1)
    return columns


def _names(catalogue: Catalogue, member: int) -> Column:
    """Rarity of the rarest word that a name shares with the member's, 0 to 1: it reveals firms of one group."""
    shared = np.zeros(len(catalogue))
    for word in set(plain_words(catalogue.structures.column("name")[member].as_py())):
        if found := rare_name(catalogue, word):
            information, rows = found
            shared[rows] = np.maximum(shared[rows], information / np.log(max(len(catalogue), 2)))
    shared[member] = 0.0
    return shared


def together(catalogue: Catalogue, one: str, other: str, as_of: date | None = None) -> tuple[str, ...]:
    """Titles of the awards that two bidders won together before a day, newest first."""
    codes = award_codes(catalogue)
    known = codes >= 0
    if as_of is not None:
        known &= catalogue.of_row("since") < days(as_of)
    siren = catalogue.of_structure("siren")[catalogue.owners]
    both = np.intersect1d(codes[known & (siren == one)], codes[known & (siren == other)])
    rows = np.flatnonzero(known & (siren == one) & np.isin(codes, both))
    ordered = rows[np.argsort(-catalogue.of_row("since")[rows], kind="stable")]
    return tuple(catalogue.offer(int(row)).title for row in ordered)


Kind = Literal["complement", "reinforcement", "subcontracting"]
OUTSIDE = "rien de ce que l'on sait de vous n'établit une part de ce qui est demandé : d'autres le feraient sans vous"
LACKED = 1.0  # worth of taking any part that is lacking, to which its share of the lot is added
CAPACITY = 0.5  # worth of a look-alike where size is what is missing
PAST = 0.1  # worth of affinities in past awards, of which the weights sum to 3.5: less than a part that is lacking
ASKED = 5  # of those to be asked for a task, and of the lots that ask for a part, how many are named
TOLD = 0.03  # what an affinity must add to be told: a common word of two names says nothing
#: Of the score by past awards beside affinities; of the logistic map of both to the chance of being the partner.
BASE, SLOPE, INTERCEPT = 0.45, 0.9, -8.1


def rank_partners(matcher: Matcher, ranking: Ranking, siren: str, as_of: date | None = None) -> Ranking:
    """The ranking of a lot by past awards as candidates for a partnership with a bidder: without it, with their affinities.

    The score is the log-odds of being the partner.  Recipes that compare other signals do without affinities.
    """
    shortlist = ranking.shortlist
    columns = {} if matcher.recipe.ranker_options else affinities(matcher.catalogue, siren, as_of)
    added = {name: AFFINITIES[name][0] * column[shortlist.candidates] for name, column in columns.items()}
    contributions = {name: BASE * column for name, column in ranking.contributions.items()} | added
    scores = np.sum(list(contributions.values()), axis=0)
    sirens = matcher.catalogue.of_structure("siren")[shortlist.candidates]
    order = np.lexsort((shortlist.candidates, -scores))
    order = order[sirens[order] != siren]
    _, first = np.unique(sirens[order], return_index=True)
    return replace(ranking, scores=scores, order=order[np.sort(first)], contributions=contributions)


# ------------------------------------------------------------------------------------------- the product


@dataclass(frozen=True, slots=True, kw_only=True)
class Partner:
    """A proposed partner: the sentence of what it brings, and the legal rules; reasons sum to the score."""

    structure: Structure
    kind: Kind
    score: float
    adds: tuple[str, ...]  # French: what it takes and why, one sentence a task
    tasks: tuple[str, ...]  # ids of the lots or parts that it would take
    reasons: tuple[Reason, ...] = ()  # what it adds, then its affinity in past awards
    warnings: tuple[Warning_, ...] = ()
    distance_km: float | None = None  # to the lot; None where unknown
    confirm: bool = False  # plausible, not likely, for every task that it would take

    @property
    def past(self) -> tuple[str, ...]:
        """What past awards say of the two, in French."""
        return tuple(r.text for r in self.reasons if r.code.startswith("affinity."))


@dataclass(frozen=True, slots=True, kw_only=True)
class Partners:
    """What the structure covers by itself, what it lacks, and who adds it: structures, and ordinary firms in reach."""

    structure: Structure
    tender: Tender
    alone: tuple[str, ...] = ()  # ids of the tasks it covers by itself
    lacking: tuple[str, ...] = ()  # ids of the tasks it does not
    perhaps: tuple[str, ...] = ()  # of these, what it may do itself though nothing known says so
    barred: Mapping[str, str] = field(default_factory=dict)  # lot id -> why it may not answer there
    partners: tuple[Partner, ...] = ()
    firms: tuple[Partner, ...] = ()
    subcontracting: tuple[Partner, ...] = ()
    nobody: tuple[str, ...] = ()  # French: what it lacks and no partner is known for
    # task id -> who may do it though little says so
    ask: Mapping[str, tuple[Structure, ...]] = field(default_factory=dict)
    size: str = ""  # French: why one alone is too small
    outside: str = ""  # French: that it has no part in what is asked, by all that is known of it


def partners(
    matcher: Matcher,
    structure: Structure,
    tender: Tender,
    lot: str | None = None,
    n: int = 10,
    *,
    filters: Filters | None = None,
    ordinary: bool = True,
    earlier: Sequence[Tender] = (),
) -> Partners:
    """With whom `structure` should answer the lots of `tender` that it could enter (or one `lot`, by id or number), best first.

    Who takes a part that it lacks comes before who only adds capacity, which is looked for where size is what is missing.
    `ordinary` firms are proposed for what no structure is likely to take, or to whom staff may be lent, and only where the
    law allows it: never on a lot that is reserved.  An award notice offers no
    partnership: the winner of a lot with a social clause is named instead, the clause being read in it or in the call among
    the `earlier` notices.  Raises UnknownLot for a lot that the notice does not have.
    """
    asked = tender.only(lot)
    on = tender.published or date.today()
    if asked.awards or asked.nature == "award":
        told = _subcontracting(matcher, structure, asked, on, earlier)[:n]
        return Partners(structure=structure, tender=tender, subcontracting=told)
    barred = {each.id: why for each in asked.lots if (why := _barred(structure, each, on))}
    open_ = [q for q in matcher.queries(asked, filters=filters) if q.lot.id not in barred]
    tasks = [task for query in open_ for task in _tasks(matcher, structure, query)]
    # of the lots that it could enter; of all where it is asked for one lot, or could enter none
    entered = {task.lot_id for task in tasks if task.level >= PLAUSIBLE}
    tasks = [task for task in tasks if task.lot_id in entered] if entered and lot is None else tasks
    wanted = [task for task in tasks if task.missing]
    rankings = list(zip(wanted, matcher.rank_each([task.query for task in wanted]), strict=True))
    found = _candidates(matcher, structure, rankings)
    done = {task.id for one in found for _, task, ranking, i in one.held if ranking.levels[i] >= LIKELY}
    rest = [task for task in wanted if task.lends or task.id not in done]
    ask = _to_ask(structure, found, [pair for pair in rankings if pair[0].id not in done])
    firms = _firms(matcher, structure, rest, n, on) if ordinary else ()
    filled = {task for one in found for task in one.tasks} | {task for one in firms for task in one.tasks}
    lacking = tuple(task.id for task in tasks if not task.able)
    may = (task for task in tasks if task.level >= PLAUSIBLE and not (task.able or task.lends))
    perhaps = tuple(task.id for task in may)
    return Partners(
        structure=structure,
        tender=tender,
        alone=tuple(task.id for task in tasks if task.able),
        lacking=lacking,
        perhaps=perhaps,
        barred=barred,
        partners=tuple(_partner(matcher, structure, one, on) for one in found[:n]),
        firms=firms,
        subcontracting=_subcontracting(matcher, structure, asked, on, earlier)[:n] if ordinary else (),
        nobody=tuple(
            f"aucun partenaire connu pour {_called(alike)}"
            for alike in _by_part([(task, None) for task in wanted if task.id not in filled])
        ),
        ask=ask,
        size=next((task.size for task in tasks if task.size), ""),
        outside=OUTSIDE if tasks and not entered else "",
    )


def _barred(structure: Structure, lot: Lot, on: date) -> str:
    kept_for = lot.reservation
    if (
        kept_for is None
        or law.eligible(structure.kind, kept_for.opened_by, on, structure.labels) is not False
    ):
        return ""
    barred = "votre structure n'y est pas admissible, un groupement avec elle non plus"
    return f"lot réservé ({kept_for.cited}) : {barred}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    """A lot of one trade or a part of another, and how the structure stands to it."""

    query: Query
    part: str  # the label of the trade; of a lot of one, the label of the lot
    share: float
    level: int  # of the structure
    able: bool  # does it execute the task by itself
    lends: bool = False  # does it lend staff to whoever does
    size: str = ""  # French: why one alone is too small, where that is what is missing

    @property
    def id(self) -> str:
        return self.query.lot.id

    @property
    def parted(self) -> bool:
        return self.id != self.lot_id

    @property
    def lot_id(self) -> str:
        return self.id.partition("#")[0]

    @property
    def missing(self) -> bool:
        return not self.able or bool(self.size)


def _tasks(matcher: Matcher, structure: Structure, query: Query) -> list[_Task]:
    """The tasks of a lot; of a lot whose parts it all does, its size is missing where the lot is beyond it."""
    parts = executed(query.asked)
    lots = parts_of(query.lot, query.asked) if parts else ()
    queries = (
        matcher.queries(replace(query.tender, lots=lots), filters=query.filters, as_of=query.as_of)
        if lots
        else [query]
    )
    labels = [part.label for part in parts] or [lot_label(query.lot)]
    shares = [part.share for part in parts] or [1.0]
    standings = [_standing(matcher, structure, each) for each in queries]
    able = [level == LIKELY and not lends for level, lends, _ in standings]
    if lots and not any(able) and _standing(matcher, structure, query)[:2] == (LIKELY, False):
        # who is likely for the whole is so for one of its parts at least, as in `standing.lacking`
        able[max(range(len(lots)), key=lambda part: standings[part][2])] = True
    each_part = zip(queries, labels, shares, standings, able, strict=True)
    tasks = [
        _Task(query=part, part=label, share=share, level=level, able=does, lends=lends)
        for part, label, share, (level, lends, _), does in each_part
    ]
    if all(task.able for task in tasks) and standing.too_small(structure, query):
        tasks = [replace(tasks[0], size=standing.size(structure, query)), *tasks[1:]]
    return tasks


def _standing(matcher: Matcher, structure: Structure, query: Query) -> tuple[int, bool, float]:
    """The level of the structure for a lot or part, whether it lends staff to who executes it, and its score."""
    ranking = matcher.rank(replace(query, filters=Filters(sirets=(structure.siret,))))
    level = standing.level_of(ranking, structure)
    score = float(ranking.scores[ranking.order[0]]) if len(ranking.order) else -math.inf
    return level, standing.way_in(structure.kind, ranking) == "clause", score


Pair = tuple[_Task, Match | None]


@dataclass(slots=True, kw_only=True)
class _Candidate:
    """A structure that could take tasks, with its place in the ranking of each."""

    row: int
    siren: str
    affinity: Mapping[str, float]
    held: list[tuple[float, _Task, Ranking, int]] = field(default_factory=list)  # what it adds, of which task

    @property
    def tasks(self) -> tuple[str, ...]:
        return tuple(task.id for _, task, _, _ in self.held)

    @property
    def score(self) -> float:
        return math.fsum((*(gain for gain, *_ in self.held), *self.affinity.values()))


def _candidates(
    matcher: Matcher, structure: Structure, rankings: Sequence[tuple[_Task, Ranking]]
) -> list[_Candidate]:
    """Who is likely, or plausible by what it says or is, for what is missing, by what each adds to carrying the lot."""
    catalogue, found = matcher.catalogue, dict[str, _Candidate]()
    sirens = catalogue.of_structure("siren")
    columns = affinities(catalogue, structure.siren, rankings[0][0].query.as_of) if rankings else {}
    for task, ranking in rankings:
        for i in _takers(structure, ranking):
            row = int(ranking.shortlist.candidates[i])
            if not standing.proposed(ranking, i):
                continue
            asked = task.query.asked.parts
            if not ranking.judged and not parts.known(asked, catalogue.structure(row)).any():
                continue
            siren = str(sirens[row])
            if siren not in found:
                past = {
                    name: PAST * weight * float(columns[name][row])
                    for name, (weight, _) in AFFINITIES.items()
                }
                past = {name: value for name, value in past.items() if value >= TOLD}
                found[siren] = _Candidate(row=row, siren=siren, affinity=past)
            found[siren].held.append((_gain(task, float(ranking.chances[i])), task, ranking, i))
    ordered = sorted(found.values(), key=lambda one: (-one.score, one.row))
    # two directories may name one structure each in its way
    known: dict[tuple[object, ...], _Candidate] = {}
    for one in ordered:
        known.setdefault(called(catalogue.structure(one.row)), one)
    known.pop(called(structure), None)
    return _in_turn(list(known.values()))


def _takers(structure: Structure, ranking: Ranking) -> list[int]:
    """The other structures that are plausible for a task at least, of which the place is known, best first."""
    shortlist = ranking.shortlist
    catalogue, rows, order = shortlist.catalogue, shortlist.candidates, ranking.order
    nowhere = reach.of(shortlist).unknown & bool(shortlist.query.places)
    kept = (ranking.levels >= PLAUSIBLE) & (ranking.chances > 0) & ~nowhere
    kept = kept & (catalogue.of_structure("siren")[rows] != structure.siren)
    kinds = catalogue.of_structure("kind")[rows]
    taking = [bool(kind) and standing.way_in(str(kind), ranking) == "self" for kind in kinds[order].tolist()]
    return [int(i) for i in order[kept[order] & np.array(taking, dtype=bool)]]


def _to_ask(
    structure: Structure, found: Sequence[_Candidate], rankings: Sequence[tuple[_Task, Ranking]]
) -> dict[str, tuple[Structure, ...]]:
    """Whom the judgement finds plausible for a task though little that is known tells the trade, best first.

    Each once, for the first of the tasks, and none that is a partner of another.
    """
    asking: dict[str, tuple[Structure, ...]] = {}
    named = {one.siren for one in found}
    for task, ranking in rankings:
        catalogue, rows = ranking.shortlist.catalogue, ranking.shortlist.candidates
        unsure = [int(rows[i]) for i in _takers(structure, ranking) if not standing.proposed(ranking, i)]
        fresh = [one for one in map(catalogue.structure, unsure[:ASKED]) if one.siren not in named]
        named.update(one.siren for one in fresh)
        if fresh:
            asking[task.id] = tuple(fresh)
    return asking


def _in_turn(ordered: list[_Candidate]) -> list[_Candidate]:
    """The first for each task that is lacking, by what they add, then the second of each: one part does not hide another."""
    before: Counter[str] = Counter()
    turns = []
    for one in ordered:
        main = max(one.held, key=lambda held: held[0])[1].id
        turns.append((before[main], one))
        before[main] += 1
    return [one for _, one in sorted(turns, key=lambda turn: turn[0])]


def _gain(task: _Task, chance: float) -> float:
    """What a candidate adds: a part that is lacking by its share, capacity less than any part."""
    return CAPACITY * chance if task.able else (LACKED + task.share) * chance


Held = tuple[float, _Task, Match]  # what one adds, of which task, as a match of it


def _partner(matcher: Matcher, structure: Structure, one: _Candidate, on: date) -> Partner:
    held = [(gain, task, matcher.explain(ranking, i, 1)) for gain, task, ranking, i in one.held]
    past = together(matcher.catalogue, structure.siren, one.siren, held[0][1].query.as_of)
    won = f" : « {shorten(past[0], 80)} »" if past else ""  # a contract won together
    reasons = [
        Reason(
            code=f"affinity.{name}",
            text=AFFINITIES[name][1] + (won if name == "together" else ""),
            contribution=value,
        )
        for name, value in one.affinity.items()
    ]
    return _made(held, on, reasons)


def _made(held: Sequence[Held], on: date, past: Sequence[Reason] = ()) -> Partner:
    """A partner by what it adds to each task, and what past awards say."""
    tasks, matches = [task for _, task, _ in held], [match for *_, match in held]
    gains = [
        Reason(code="capacity" if task.able else "added", text=_brings([(task, match)]), contribution=gain)
        for gain, task, match in held
    ]
    lots, rules = [task.query.lot for task in tasks], {}  # what two bidders should read before they group
    if any((r := lot.reservation) is not None and not r.articles for lot in lots):
        rules["reservation-unspecified"] = law.rule("reservation.stated", on)
    if any(c.code == "several-groups" for lot in lots for c in lot.conditions):
        rules["several-groups"] = law.rule("group.several", on)
    return Partner(
        structure=matches[0].structure,
        kind="reinforcement" if all(task.able for task in tasks) else "complement",
        score=math.fsum(reason.contribution for reason in (*gains, *past)),
        adds=tuple(map(_brings, _by_part(list(zip(tasks, matches, strict=True))))),
        tasks=tuple(task.id for task in tasks),
        reasons=(*gains, *past),
        warnings=tuple(
            subcontracting.warning(code, rule) for code, rule in rules.items() if rule is not None
        ),
        distance_km=matches[0].distance_km,
        confirm=all(match.level == "plausible" for match in matches),
    )


def _by_part(pairs: Sequence[Pair]) -> list[list[Pair]]:
    """Tasks with their matches, those of one trade together, which many lots may ask for."""
    alike: dict[tuple[str, bool], list[Pair]] = {}
    for task, match in pairs:
        alike.setdefault((task.part, task.able), []).append((task, match))
    return list(alike.values())


def _called(alike: Sequence[Pair]) -> str:
    """The name of tasks of one trade, with what of which lots they are, in French."""
    task, numbers = alike[0][0], [one.query.lot.number for one, _ in alike]
    if not task.parted:
        return task.part
    if len(numbers) == 1:
        return f"{task.part} ({100 * task.share:.0f} % du lot {numbers[0]})"
    more = f" et {counted(len(numbers) - ASKED, 'autre')}" if len(numbers) > ASKED else ""
    return f"{task.part} (lots {', '.join(numbers[:ASKED])}{more})"


def _brings(alike: Sequence[Pair]) -> str:
    """What a partner takes of one trade, and what says that it can, in French."""
    task, match = alike[0]
    takes = f"renfort pour {_called(alike)}" if task.able else f"prend {_called(alike)}"
    sure = any(one and one.level != "plausible" for _, one in alike)
    confirm = "" if sure else ", à confirmer"
    reasons = match.reasons if match else ()
    # what tells of its trade before what is to be checked
    of_trade = sorted((r for r in reasons if r.code in ("likely_trade", "holder")), key=lambda r: not r.tells)
    trade = of_trade[0].text if of_trade else ""
    return f"{takes}{confirm}" + (f" : {trade.removeprefix(f'{task.part} : ')}" if trade else "")


def _firms(
    matcher: Matcher, structure: Structure, wanted: Sequence[_Task], n: int, on: date
) -> tuple[Partner, ...]:
    """Ordinary firms in reach for what is missing, the missing parts first."""
    found: dict[str, Partner] = {}
    for task in wanted:
        for match in firms_.of_lot(matcher, task.query, n, without=(structure.siren,)):
            gain = _gain(task, min(1.0, match.probability))
            found.setdefault(match.structure.siren, _made([(gain, task, match)], on))
    return tuple(sorted(found.values(), key=lambda p: (-p.score, p.structure.siret))[:n])


def _subcontracting(
    matcher: Matcher, structure: Structure, tender: Tender, on: date, earlier: Sequence[Tender]
) -> tuple[Partner, ...]:
    """Subcontracting: the firms that could be asked for a share of a lot's insertion hours.

    Never on a reserved lot, nor where the structure does not come.
    """
    found: dict[str, Partner] = {}
    for opening in subcontracting.ways_in(matcher, tender, earlier) if structure.kind else ():
        lot, awarded = opening.lot, opening.state == "awarded"
        if not opening.firms:
            continue
        only = Filters(sirets=(structure.siret,))
        ranking = matcher.rank(matcher.queries(replace(tender, lots=(lot,)), filters=only)[0])
        mine = matcher.explain(ranking, int(ranking.order[0]), 1) if len(ranking.order) else None
        if mine is None or mine.reach.where == "outside":
            continue  # it does not come to the place of the lot
        case = opening.case if awarded else f"{opening.case}."
        told = [f"{case} Votre façon d'y entrer : {subcontracting.way(structure, lot)}"]
        told += [f"l'avis dit : « {shorten(opening.passage, 160)} »"] if awarded else []
        for firm in opening.firms:
            if firm.siren != structure.siren and firm.siren not in found:
                found[firm.siren] = Partner(
                    structure=firm,
                    kind="subcontracting",
                    score=mine.score,
                    adds=tuple(told),
                    tasks=(lot.id,),
                    reasons=mine.reasons,
                    warnings=subcontracting.rules(on),
                )
    return tuple(sorted(found.values(), key=lambda p: (-p.score, p.structure.siret)))
