"""The other way in: a lot with hours of insertion that a firm takes or took, and who could be asked to carry them.

From an award notice (or a DECP award) with a social clause the firm to call is the winner; from an open lot
with hours those whose trade it is.  The structures that could be asked take the work, or lend staff, or
carry a task cut out of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from matcher.domain import (
    LENDING_KINDS,
    Award,
    Buyer,
    Clause,
    Holder,
    Lot,
    Match,
    Place,
    Structure,
    Tender,
    Warning_,
)
from matcher.matching import by_clause
from matcher.matching.amounts import yearly
from matcher.matching.engine import Matcher
from matcher.matching.groups.table import lot_label, serves
from matcher.partners.leads import Lead, leads, leads_of, owed
from matcher.reading.deduplicate import group
from matcher.reference import law, needs, trades

FIRMS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """A lot with hours, who has to meet them, and the structures that could be asked to carry them."""

    notice: str
    title: str
    buyer: Buyer
    lot: Lot
    state: str  # "awarded" or "open"
    firms: tuple[Structure, ...]  # the winners, or who could take the lot
    carriers: tuple[Match, ...]
    hours: float | None
    passage: str
    case: str  # French: how a structure may come in
    on: date
    warnings: tuple[Warning_, ...] = ()


def openings(
    matcher: Matcher,
    tenders: Iterable[Tender],
    awards: Iterable[Award] = (),
    *,
    earlier: Sequence[Tender] = (),
    n: int = 5,
    lot: str | None = None,
) -> list[Opening]:
    """Every opening of some notices and awards, those with the most hours first, `n` structures each.

    `earlier` are notices among which the call of an award notice may be, for the clause that it stated.
    """
    found: list[Opening] = []
    structures = known(matcher)
    for tender in tenders:
        if tender.confidential:
            continue
        if tender.awards:
            won = leads(tender, structures, before(tender, earlier))
            found += [_of_lead(matcher, lead, tender, n) for lead in won if lot is None or _is(lead.lot, lot)]
        elif tender.nature in ("call", "prior", "project", "correction"):
            found += [
                _of_lot(matcher, tender, each, n)
                for each in tender.lots
                if case_of(each, tender) is not None and (lot is None or _is(each, lot))
            ]
    found += [_of_lead(matcher, lead, None, n) for lead in leads_of(awards, structures)]
    joined: dict[tuple[str, str, str], Opening] = {}
    for one in found:  # the holders of one contract are called together
        same = joined.get(key := (one.notice, one.lot.id, one.state))
        joined[key] = one if same is None else replace(same, firms=(*same.firms, *one.firms))
    found = list(joined.values())
    return sorted(found, key=lambda o: (-(o.hours or 0.0), -_amount(o.lot), o.notice, o.lot.number))


def known(matcher: Matcher) -> frozenset[str]:
    """SIRENs of the structures of the catalogue whose kind is known: what they won is no lead."""
    catalogue = matcher.catalogue
    return frozenset(catalogue.of_structure("siren")[catalogue.of_structure("kind") != ""].tolist())


def before(tender: Tender, earlier: Sequence[Tender]) -> list[Tender]:
    """The other notices of the same procedure, oldest first."""
    others = [one for one in earlier if one.id != tender.id]
    if not others:
        return []
    dossier = next(d for d in group([*others, tender]) if any(e.tender.id == tender.id for e in d.history))
    return [entry.tender for entry in dossier.history if entry.tender.id != tender.id]


def clause_of(lot: Lot) -> Clause | None:
    """The condition of execution that an open lot states, the one with hours first.

    None on a reserved lot: whoever takes it is a structure already.
    """
    stated = [clause for clause in lot.clauses if clause.nature == "execution" and lot.reservation is None]
    return max(stated, key=lambda c: (c.hours is not None, c.confidence), default=None)


def case_of(lot: Lot, tender: Tender) -> str | None:
    """How a structure may come into an open lot, in French: by its clause, else by what the law makes due.

    What the law wants is told as the law's, never as words of the notice.  None where neither gives a way in.
    """
    on = tender.published or date.today()
    if (clause := clause_of(lot)) is not None:
        return asked(lot, clause, on)
    duty = law.social_duty(tender, lot)
    if duty is None:
        return None
    return (
        f"{duty.text} {lot_label(lot)} : demandez à l'acheteur la condition retenue ; si elle porte des heures, elles "
        "peuvent être confiées en sous-traitance, ou tenues par mise à disposition de personnel (ETTI, AI, GEIQ)"
    )


def carriers(matcher: Matcher, tender: Tender, n: int) -> tuple[Match, ...]:
    """The structures that could be asked for the hours of the only lot of `tender`, of known kind, each once.

    Those whose trade it is, then those that lend staff or could take a task cut out of it.
    """
    ranking = matcher.rank(matcher.queries(tender)[0])
    answer = matcher.answer(ranking, 3 * n)
    building = (
        [] if answer.nobody else [m for m in answer.matches if m.structure.kind and serves(m) is not False]
    )
    lending = [
        matcher.explain(ranking, i, rank) for rank, (i, _, _) in enumerate(by_clause.by_clause(ranking, n), 1)
    ]
    taken: dict[str, Match] = {}
    half = max(n - len(lending), (n + 1) // 2)
    for match in [*building[:half], *lending, *building[half:]]:
        if match.structure.active is not False and serves(match) is not False:
            taken.setdefault(match.structure.siren, match)
    return tuple(list(taken.values())[:n])


def way(structure: Structure, lot: Lot) -> str:
    """How a structure may carry hours of a lot, in French."""
    if structure.kind in LENDING_KINDS:
        return "par mise à disposition de personnel"
    asked = needs.asked(lot)
    fits = [row[0] for row in needs.cover(asked, [structure])]
    for need, fit in zip(asked, fits, strict=True):
        if fit >= trades.INDIRECT_FIT:
            return f"en sous-traitance, pour {need.label}"
    return "en sous-traitance, par une tâche à détacher (nettoyage, espaces verts, peinture...), à proposer"


def _is(lot: Lot | None, wanted: str) -> bool:
    return lot is not None and wanted in (lot.id, lot.number)


def _amount(lot: Lot) -> float:
    return lot.amount or 0.0


def _of_lead(matcher: Matcher, lead: Lead, tender: Tender | None, n: int) -> Opening:
    award = lead.award
    lot = lead.lot or Lot(
        id=award.uid,
        title=award.title,
        cpv=(award.cpv,) if award.cpv else (),
        places=(award.place,) if award.place != Place() else (),
        amount=award.amount,
        duration_months=award.duration_months,
    )
    alone = tender or Tender(
        id=award.uid, format="decp", title=award.title, buyer=award.buyer, nature="award"
    )
    on = lead.notified or alone.published or date.today()
    return Opening(
        notice=lead.notice,
        title=award.title or alone.title,
        buyer=lead.buyer,
        lot=lot,
        state="awarded",
        firms=(firm(matcher, lead.firm),),
        carriers=carriers(matcher, replace(alone, lots=(lot,)), n),
        hours=lead.hours,
        passage=lead.passage,
        case=lead.case,
        on=on,
        warnings=rules(on),
    )


def _of_lot(matcher: Matcher, tender: Tender, lot: Lot, n: int) -> Opening:
    clause, case = clause_of(lot), case_of(lot, tender)
    assert case is not None
    on = tender.published or date.today()
    return Opening(
        notice=tender.id,
        title=tender.title,
        buyer=tender.buyer,
        lot=lot,
        state="open",
        firms=takers(matcher, tender, lot),
        carriers=carriers(matcher, replace(tender, lots=(lot,)), n),
        hours=clause.hours if clause else None,
        passage=clause.passage if clause else "aucune clause sociale lue dans l'avis",
        case=case,
        on=on,
        warnings=rules(on),
    )


def takers(matcher: Matcher, tender: Tender, lot: Lot, n: int = FIRMS) -> tuple[Structure, ...]:
    """Ordinary firms of the catalogue that could take a lot, by their past awards; none where it holds none."""
    ranking = matcher.rank(matcher.queries(replace(tender, lots=(lot,)))[0])
    kinds = matcher.catalogue.of_structure("kind")[ranking.shortlist.candidates]
    positions = [int(i) for i in ranking.order if kinds[i] == ""][:n]
    return tuple(matcher.catalogue.structure(int(ranking.shortlist.candidates[i])) for i in positions)


def firm(matcher: Matcher, holder: Holder) -> Structure:
    """A winner as the catalogue knows it, else by its name and number as published."""
    rows = (matcher.catalogue.of_structure("siren") == holder.siren).nonzero()[0]
    if holder.siren and len(rows):
        known_ = matcher.catalogue.structure(int(rows[0]))
        return known_ if known_.name else replace(known_, name=holder.name or f"SIRET {holder.id}")
    return Structure(siret=holder.id, name=holder.name or f"SIRET {holder.id}", source="avis d'attribution")


def asked(lot: Lot, clause: Clause, on: date) -> str:
    """What an open lot asks for, and what to do with it, in French."""
    amount = yearly(lot)
    size = "" if amount != amount else f", pour {amount:,.0f} € par an".replace(",", "\u202f")
    return (
        f"{lot_label(lot)} demande {owed(clause)}{size} ({law.article_of('clause.execution', on)}) : à proposer en "
        "sous-traitance aux entreprises qui y répondront, ou par mise à disposition de personnel (ETTI, AI, GEIQ)"
    )


def rules(on: date) -> tuple[Warning_, ...]:
    """What the law says of hours carried for another, with article and date."""
    held = (law.rule(code, on) for code in ("clause.execution", "subcontracting", "capacity.others"))
    return tuple(
        Warning_(code="clause", text=f"{rule.text}. À vérifier.", article=rule.article, since=rule.since)
        for rule in held
        if rule is not None
    )
