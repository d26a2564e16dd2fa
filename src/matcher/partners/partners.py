"""Partners for a structure on a notice, ranked by what they add.

Two kinds are distinguished: a *complement* takes a lot, a need or a zone that the structure does not cover; a
*reinforcement* has the same trade and more capacity, with the reason why one alone is not enough.  A third
option is to be subcontractor of the holder of a large lot with insertion hours.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from matcher.domain import (
    BadInput,
    Filters,
    Level,
    Lot,
    LotAnswer,
    Match,
    NotFound,
    Reason,
    Structure,
    Tender,
    Warning_,
)
from matcher.matching.engine import LEVELS, Matcher
from matcher.matching.groups.table import HALF, WHOLE, tasks_of
from matcher.matching.parts import parts_of
from matcher.matching.ranking import Ranking
from matcher.matching.shortlist import Column
from matcher.partners import subcontracting
from matcher.partners.affinity import COLUMNS, LABELS, affinities, member_row, together
from matcher.reference import law, paths
from matcher.reference.amounts import yearly
from matcher.reference.french import euros
from matcher.reference.text import shorten

Kind = Literal["complement", "reinforcement", "subcontracting"]
ADDED = 6.0  # what a whole notice newly covered adds to the score: more than any proof of the past
POOL = 60  # structures of each lot that are considered


# -------------------------------------------------------------------------------------------- the weights


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """Learnt from past groups (`data/build/train_partners.py`), one file a recipe; without one the score is used alone."""

    base: float = 1.0
    affinity: Mapping[str, float] = field(default_factory=dict)
    slope: float | None = None
    intercept: float = 0.0

    def probability(self, scores: Column) -> Column:
        """The probability of being the partner: a logistic map of the score, learnt on past groups."""
        z = (self.slope or 0.0) * scores + self.intercept
        return np.asarray(1.0 / (1.0 + np.exp(-np.clip(z, -500, 500))), dtype=np.float64)


@cache
def weights_of(recipe: str) -> Weights:
    """The weights of models/partners/RECIPE.json; the plain score where a recipe has no file."""
    path = paths.model("partners") / f"{recipe}.json"
    if "/" in recipe or not path.is_file():
        return Weights()
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        affinity = {str(k): float(v) for k, v in data["affinity"].items()}
        if unknown := affinity.keys() - set(COLUMNS):
            raise KeyError(f"unknown column {min(unknown)}")
        return Weights(
            base=float(data["base"]), affinity=affinity, slope=data["slope"], intercept=data["intercept"]
        )
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{path} holds no partner weights ({error}): train them again") from None


def rank_partners(
    matcher: Matcher,
    ranking: Ranking,
    siren: str,
    as_of: date | None = None,
    able: NDArray[np.bool_] | None = None,
) -> tuple[Ranking, Mapping[str, Column]]:
    """The ranking of a lot as candidates for a partnership with a bidder: without the bidder, with affinities of past awards.

    Restricted to the candidates of the mask `able`, (candidates,), where it is given.
    Returns the ranking and what each column adds, of shape (candidates,): scores are base + their sum.
    """
    weights = weights_of(matcher.recipe.name)
    shortlist = ranking.shortlist
    columns = affinities(matcher.catalogue, siren, as_of) if weights.affinity else {}
    added = {name: weights.affinity[name] * columns[name][shortlist.candidates] for name in weights.affinity}
    scores = weights.base * ranking.scores + np.sum([*added.values(), np.zeros(len(shortlist))], axis=0)
    sirens = matcher.catalogue.of_structure("siren")[shortlist.candidates]
    order = np.lexsort((shortlist.candidates, -scores))
    order = order[(sirens[order] != siren) & (True if able is None else able[order])]
    _, first = np.unique(sirens[order], return_index=True)
    order = order[np.sort(first)]
    contributions = {k: weights.base * v for k, v in ranking.contributions.items()} | added
    return replace(ranking, scores=scores, order=order, contributions=contributions), added


# ------------------------------------------------------------------------------------------- the product


@dataclass(frozen=True, slots=True, kw_only=True)
class Partner:
    """A proposed partner: what it adds, why, and the legal rules; reasons sum to the score."""

    structure: Structure
    kind: Kind
    score: float
    adds: tuple[str, ...]  # French: the lots, needs and capacity it brings
    tasks: tuple[str, ...]  # ids of the lots or needs that it would take
    reasons: tuple[Reason, ...] = ()
    warnings: tuple[Warning_, ...] = ()
    distance_km: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Partners:
    """What the structure covers alone, what it lacks, and the partners that add it."""

    structure: Structure
    tender: Tender
    alone: tuple[str, ...]  # ids of the tasks it covers by itself
    lacking: tuple[str, ...]  # ids of the tasks it does not
    barred: Mapping[str, str]  # lot id -> why it may not answer there, in French
    partners: tuple[Partner, ...]
    subcontracting: tuple[Partner, ...] = ()
    nobody: tuple[str, ...] = ()  # French: what it lacks and no partner is known for


def partners(
    matcher: Matcher,
    structure: Structure,
    tender: Tender,
    lot: str | None = None,
    n: int = 10,
    *,
    filters: Filters | None = None,
    as_of: date | None = None,
    ordinary: bool = True,
    earlier: Sequence[Tender] = (),
) -> Partners:
    """With whom `structure` should answer `tender` (or one `lot`, by id or number), best first.

    `ordinary` firms are proposed only where the law allows it: never on a lot that is reserved.  An award notice
    offers no partnership: the winner of a lot with a social clause is named instead, the clause being read in it or in the call among the `earlier` notices.  Raises NotFound for a lot that the notice
    does not have.
    """
    asked = _narrowed(tender, lot)
    on = tender.published or as_of or date.today()
    if asked.awards or asked.nature == "award":
        return Partners(
            structure=structure, tender=tender, alone=(), lacking=(), barred={}, partners=(),
            subcontracting=_subcontracting(matcher, structure, asked, (), on, earlier)[:n],
        )  # fmt: skip
    answers, affinity = _pools(matcher, structure, asked, filters, as_of)
    parts: dict[str, Sequence[Match]] = {}
    pieces = tuple(part for a in answers if a.asked for part in parts_of(a.lot, a.asked))
    if pieces and matcher.judges:
        found_of, more = _pools(matcher, structure, replace(asked, lots=pieces), filters, as_of)
        parts, affinity = {a.lot.id: a.matches for a in found_of}, more | affinity
    barred = {a.lot.id: why for a in answers if (why := _barred(structure, a.lot, on))}
    tasks = [(task, cells) for a in answers for task, cells in tasks_of(a, a.matches, parts=parts)]
    own: dict[str, int] = {}
    offers: dict[str, dict[str, tuple[int, int, Match]]] = {}
    for task, cells in tasks:
        for match, degree, score in cells:
            siren = match.structure.siren
            if (
                not degree
                or match.level == "plausible"
                or match.eligible is False
                or match.reach.where == "outside"
            ):
                continue
            if siren == structure.siren:
                own[task.id] = max(own.get(task.id, 0), degree)
            else:
                offers.setdefault(siren, {}).setdefault(task.id, (degree, score, match))
    own = {t: d for t, d in own.items() if t.partition("#")[0] not in barred}
    lots = {task.id: task.lot for task, _ in tasks}
    weight = {task.id: task.weight for task, _ in tasks}
    labels = {task.id: task.label for task, _ in tasks}
    asked_of = _Asked(
        structure=structure, own=own, lots=lots, weight=weight, labels=labels, on=on, ordinary=ordinary
    )
    found = []
    for siren, given in offers.items():
        usable = {task: cell for task, cell in given.items() if asked_of.may_join(cell[2].structure, task)}
        if usable and (added := _adds(asked_of, usable)):
            past = _past_reasons(matcher, structure, added.best, affinity.get(siren, {}), as_of)
            found.append(_partner(asked_of, usable, added, past, weights_of(matcher.recipe.name).base))
    found.sort(key=lambda p: (-p.score, p.structure.siret))
    lacking = tuple(t for t in weight if own.get(t, 0) < WHOLE)
    filled = {t for p in found if p.kind == "complement" for t in p.tasks}
    return Partners(
        structure=structure,
        tender=tender,
        alone=tuple(t for t in weight if own.get(t, 0) == WHOLE),
        lacking=lacking,
        nobody=tuple(f"aucun partenaire connu pour {labels[t]}" for t in lacking if t not in filled),
        barred=barred,
        partners=tuple(found[:n]),
        subcontracting=_subcontracting(matcher, structure, asked, answers, on, earlier)[:n],
    )


def _narrowed(tender: Tender, lot: str | None) -> Tender:
    if lot is None:
        return tender
    kept = tuple(x for x in tender.lots if lot in (x.id, x.number))
    if not kept:
        numbers = ", ".join(x.number for x in tender.lots)
        raise NotFound(f"l'avis {tender.id} n'a pas de lot {lot!r} : choisissez parmi {numbers}")
    return replace(tender, lots=kept)


def _pools(
    matcher: Matcher, structure: Structure, tender: Tender, filters: Filters | None, as_of: date | None
) -> tuple[list[LotAnswer], dict[str, dict[str, float]]]:
    """For each lot the structure itself and the best candidates; for each candidate its affinities in past awards.

    Of a directory the judgement says who is able; past awards, by which partners are chosen, say in which order.
    """
    answers: list[LotAnswer] = []
    affinity: dict[str, dict[str, float]] = {}
    weights = weights_of(matcher.recipe.name)
    columns = affinities(matcher.catalogue, structure.siren, as_of)
    own = member_row(matcher.catalogue, structure.siren)
    for query in matcher.queries(tender, filters=filters, as_of=as_of):
        ranking = matcher.rank(query, past=True)
        levels = _levels(matcher, ranking)
        able = np.isin(levels, ("likely", ""))
        best, _ = rank_partners(matcher, ranking, structure.siren, as_of, able)
        picked = list(best.order[:POOL])
        if own is not None:
            bidder = matcher.catalogue.of_structure("bidder")[ranking.shortlist.candidates]
            mine = np.flatnonzero(bidder == matcher.catalogue.of_structure("bidder")[own])
            picked += sorted(mine, key=lambda i: (not able[i], -ranking.scores[i]))[:1]
        picked.sort(key=lambda i: -ranking.scores[i])
        explained = matcher.explained(ranking, [int(i) for i in picked])
        matches = tuple(replace(match, level=levels[i]) for match, i in zip(explained, picked, strict=True))
        answers.append(
            LotAnswer(lot=query.lot, matches=matches, asked=query.asked, considered=len(ranking.order))
        )
        for i in picked:
            row = int(ranking.shortlist.candidates[i])
            siren = str(matcher.catalogue.of_structure("siren")[row])
            affinity[siren] = {
                name: weights.affinity.get(name, 0.0) * float(columns[name][row]) for name in COLUMNS
            }
    return answers, affinity


def _levels(matcher: Matcher, ranking: Ranking) -> list[Level]:
    """The level of each candidate by the judgement; "" for firms known by past awards alone, and without a judgement."""
    if not matcher.judges:
        return [""] * len(ranking.shortlist)
    firm = matcher.catalogue.unlisted[ranking.shortlist.candidates]
    judged = matcher.rank(ranking.shortlist.query).levels
    return ["" if alone else LEVELS[level] for alone, level in zip(firm, judged.tolist(), strict=True)]


def _barred(structure: Structure, lot: Lot, on: date) -> str:
    if (
        lot.reservation is None
        or law.eligible(structure.kind, lot.reservation.opened_by, on, structure.labels) is not False
    ):
        return ""
    stated = lot.reservation.stated or "article non précisé"
    return (
        f"lot réservé ({stated}) : votre structure n'y est pas admissible, un groupement avec elle non plus"
    )


Cells = Mapping[str, tuple[int, int, Match]]  # task -> degree, score and match of a candidate


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What a partner is asked for: the tasks of a notice, and how far the structure covers each by itself."""

    structure: Structure
    own: Mapping[str, int]
    lots: Mapping[str, Lot]
    weight: Mapping[str, int]
    labels: Mapping[str, str]
    on: date
    ordinary: bool

    def may_join(self, other: Structure, task: str) -> bool:
        """Both must be admissible on a reserved lot; an ordinary firm joins only where it is asked for."""
        lot = self.lots[task]
        if other.active is False or (not self.ordinary and not other.kind):
            return False
        if lot.reservation is None:
            return True
        opened_by, pair = lot.reservation.opened_by, (self.structure, other)
        return all(law.eligible(s.kind, opened_by, self.on, s.labels) is not False for s in pair)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Added:
    """What one candidate adds, as a complement or a reinforcement."""

    kind: Kind
    best: Match
    adds: tuple[str, ...]
    tasks: tuple[str, ...]
    reason: Reason


def _adds(asked: _Asked, usable: Cells) -> _Added | None:
    """What the candidate of these cells adds; None where it adds nothing."""
    own, weight = asked.own, asked.weight
    gains = {t: (d - own.get(t, 0)) * weight[t] for t, (d, _, _) in usable.items() if d > own.get(t, 0)}
    if gains:
        adds = tuple(
            _brings(asked.labels[t], own.get(t, 0), usable[t][0])
            for t in sorted(gains, key=lambda t: -gains[t])
        )
        value = ADDED * sum(gains.values()) / (sum(weight.values()) * WHOLE)
        reason = Reason(code="added", text=adds[0], contribution=value)
        kind: Kind = "complement"
        tasks = tuple(t for t in weight if t in gains)
    else:
        usable = {task: cell for task, cell in usable.items() if cell[0] >= HALF}
        if not usable:
            return None  # near, but not known for this trade
        tasks = tuple(t for t in weight if t in usable)
    best = max(usable.values(), key=lambda cell: (cell[0], cell[1]))[2]
    if not gains:
        short, why = _capacity(asked.structure, best.structure, [asked.lots[t] for t in usable])
        kind, adds = "reinforcement", (why,)
        reason = Reason(code="capacity", text=why, contribution=ADDED / 4 * short)
    return _Added(kind=kind, best=best, adds=adds, tasks=tasks, reason=reason)


def _past_reasons(
    matcher: Matcher, structure: Structure, best: Match, affinity: Mapping[str, float], as_of: date | None
) -> list[Reason]:
    """A reason for each affinity in past awards, with a contract won together where there is one."""
    past = together(matcher.catalogue, structure.siren, best.structure.siren, as_of)
    won = f" : « {shorten(past[0], 80)} »" if past else ""
    return [
        Reason(
            code=f"affinity.{name}",
            text=LABELS[name] + (won if name == "together" else ""),
            contribution=value,
        )
        for name, value in affinity.items()
        if value > 0
    ]


def _partner(asked: _Asked, usable: Cells, added: _Added, past: Sequence[Reason], scale: float) -> Partner:
    """The partner with its reasons, largest first; those of the ranking count `scale` times."""
    own = [replace(r, contribution=scale * r.contribution) for r in added.best.reasons]
    reasons = sorted((added.reason, *own, *past), key=lambda r: -abs(r.contribution))
    if added.kind == "reinforcement":
        usable = {task: cell for task, cell in usable.items() if cell[0] >= HALF}
    return Partner(
        structure=added.best.structure,
        kind=added.kind,
        score=sum(r.contribution for r in reasons),
        adds=added.adds,
        tasks=added.tasks,
        reasons=tuple(reasons),
        warnings=_warnings(asked.own, usable, asked.lots, asked.on),
        distance_km=added.best.distance_km,
    )


def _brings(label: str, held: int, degree: int) -> str:
    extent = "" if degree == WHOLE else " en partie"
    return f"prend {label}{extent}" if not held else f"complète {label}, que vous ne couvrez qu'en partie"


def _capacity(structure: Structure, other: Structure, lots: Sequence[Lot]) -> tuple[float, str]:
    """How much more capacity is needed (0 to 1), and why one alone is not enough."""
    due = math.fsum(a for lot in {x.id: x for x in lots}.values() if not math.isnan(a := yearly(lot)))
    if not due:
        return 0.0, "même métier : renfort de capacité ; le montant du lot n'est pas publié"
    amount = euros(due)
    if structure.turnover is None:
        return (
            0.5,
            f"même métier : renfort de capacité pour {amount} par an ; votre chiffre d'affaires est inconnu",
        )
    missing = max(0.0, due - structure.turnover)
    if not missing:
        return 0.0, f"même métier : vous pourriez porter seul {amount} par an, grouper demande une raison"
    if other.turnover is None:
        return (
            0.5,
            f"même métier : seul, vous ne portez pas {amount} par an ; la capacité de ce partenaire est inconnue",
        )
    share = min(1.0, other.turnover / missing)
    return (
        share,
        f"même métier : seul, vous ne portez pas {amount} par an ; il en apporte {share:.0%} de ce qui manque",
    )


def _warnings(
    own: Mapping[str, int], usable: Cells, lots: Mapping[str, Lot], on: date
) -> tuple[Warning_, ...]:
    """Rules that two bidders should read before they group."""
    found = []
    if all(own.get(t) == WHOLE and t in usable and usable[t][0] == WHOLE for t in lots):
        found.append(_warn("group.competition", "competition", on))
    if any((r := lots[t].reservation) is not None and not r.articles for t in usable):
        found.append(_warn("reservation.stated", "reservation-unspecified", on))
    if any(c.code == "several-groups" for t in usable for c in lots[t].conditions):
        found.append(_warn("group.several", "several-groups", on))
    return tuple(found)


def _warn(rule: str, code: str, on: date) -> Warning_:
    held = law.rule(rule, on)
    text = f"{held.text}. À vérifier." if held else "À vérifier."
    return Warning_(
        code=code, text=text, article=held.article if held else "", since=held.since if held else None
    )


def _subcontracting(
    matcher: Matcher,
    structure: Structure,
    tender: Tender,
    answers: Iterable[LotAnswer],
    on: date,
    earlier: Sequence[Tender],
) -> tuple[Partner, ...]:
    """Subcontracting: the firms that could be asked for a share of a lot's insertion hours.

    Of an award notice with a social clause the ordinary firm that won; of an open lot with a clause, or so large
    that the law makes a social condition due, the firms whose trade it is.  Never on a reserved lot.
    """
    if not structure.kind:
        return ()
    found: dict[str, Partner] = {}
    for lead in subcontracting.leads(
        tender, subcontracting.known(matcher), subcontracting.before(tender, earlier)
    ):
        lot = lead.lot or tender.lots[0]
        mine = _own_match(matcher, structure, replace(tender, lots=(lot,)))
        if mine is None or mine.reach.where == "outside":
            continue
        text = f"{lead.case} Votre façon d'y entrer : {subcontracting.way(structure, lot)}"
        partner = Partner(
            structure=subcontracting.firm(matcher, lead.firm),
            kind="subcontracting",
            score=mine.score,
            adds=(text, f"l'avis dit : « {shorten(lead.passage, 160)} »"),
            tasks=(lot.id,),
            reasons=mine.reasons,
            warnings=subcontracting.rules(on),
        )
        if lead.firm.siren not in found or found[lead.firm.siren].score < partner.score:
            found[lead.firm.siren] = partner
    for answer in answers:
        case = subcontracting.case_of(answer.lot, tender)
        if case is None:
            continue
        text = f"{case}. Votre façon d'y entrer : {subcontracting.way(structure, answer.lot)}"
        firms = [m for m in answer.matches if not m.structure.kind and m.structure.active is not False]
        for match in firms:
            other = match.structure
            if other.siren == structure.siren:
                continue
            partner = Partner(
                structure=other,
                kind="subcontracting",
                score=match.score,
                adds=(text,),
                tasks=(answer.lot.id,),
                reasons=match.reasons,
                warnings=subcontracting.rules(on),
                distance_km=match.distance_km,
            )
            if other.siren not in found or found[other.siren].score < partner.score:
                found[other.siren] = partner
    return tuple(sorted(found.values(), key=lambda p: (-p.score, p.structure.siret)))


def _own_match(matcher: Matcher, structure: Structure, tender: Tender) -> Match | None:
    """How the structure itself stands on the only lot of a notice; None where it is not in the catalogue."""
    query = matcher.queries(tender, filters=Filters(sirets=(structure.siret,)))[0]
    ranking = matcher.rank(query)
    return matcher.explain(ranking, int(ranking.order[0]), 1) if len(ranking.order) else None
