"""Subcontracting: lots with insertion hours that a firm wins or won, and the structures that could carry them.

From an award notice (or a DECP award) with a social clause the firm to call is the winner; from an open lot
with hours those whose trade it is.  These structures do the work, lend staff, or take a task of the
lot.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from matcher.catalogue.catalogue import Catalogue
from matcher.domain import (
    ANSWERABLE,
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
from matcher.learned import asks
from matcher.matching import by_clause
from matcher.matching.engine import Matcher
from matcher.matching.groups import firms as firms_
from matcher.matching.groups.table import lot_label
from matcher.reading.procedure import procedures
from matcher.reference import law, trades
from matcher.reference.amounts import in_words
from matcher.reference.french import grouped
from matcher.reference.text import fold

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
    hours: float | None
    passage: str
    case: str  # French: how a structure may come in
    on: date
    warnings: tuple[Warning_, ...] = ()
    carriers: tuple[Match, ...] = ()


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
    found: dict[tuple[str, str, str], Opening] = {}
    standing = (  # an award that stands alone (DECP) is a notice of its own
        Tender(
            id=a.uid,
            format="decp",
            title=a.title,
            buyer=a.buyer,
            nature="award",
            lots=(_won(a),),
            awards=(a,),
        )
        for a in awards
        if a.relation != "modification"
    )
    for tender in (*tenders, *standing):
        for one in () if tender.confidential else ways_in(matcher, tender, earlier):
            if lot is None or lot in (one.lot.id, one.lot.number):
                # the holders of one contract are called together
                if same := found.get(key := (one.notice, one.lot.id, one.state)):
                    found[key] = replace(same, firms=(*same.firms, *one.firms))
                else:
                    called = carriers(matcher, replace(tender, lots=(one.lot,)), n)
                    found[key] = replace(one, carriers=called)

    def place(one: Opening) -> tuple[Any, ...]:
        return -(one.hours or 0.0), -(one.lot.amount or 0.0), one.notice, one.lot.number

    return sorted(found.values(), key=place)


def ways_in(matcher: Matcher, tender: Tender, earlier: Sequence[Tender] = ()) -> Iterator[Opening]:
    """The openings of a notice, without the structures that could carry their hours.

    Of an award notice each ordinary firm that won a lot with a clause; of an open one the lots that owe hours, or so large that
    the law makes a condition due, each with the firms of its trade in reach.
    """

    if tender.awards:
        for holder, lead in leads(tender, _structures(matcher.catalogue), before(tender, earlier)):
            yield replace(lead, firms=(firm(matcher, holder),))
    elif tender.nature in ANSWERABLE:
        for lot in tender.lots:
            if case := case_of(lot, tender):
                named = {"title": tender.title, "firms": takers(matcher, tender, lot), "case": case}
                on = tender.published or date.today()
                yield _opening(tender, lot, lot.owed_condition, on, state="open", **named)


def _opening(tender: Tender, lot: Lot, clause: Clause | None, on: date, **facts: Any) -> Opening:
    return Opening(
        notice=tender.id,
        buyer=tender.buyer,
        lot=lot,
        hours=clause.hours if clause else None,
        passage=clause.passage if clause else "aucune clause sociale lue dans l'avis",
        on=on,
        warnings=rules(on),
        **facts,
    )


def _structures(catalogue: Catalogue) -> frozenset[str]:
    """SIRENs of the structures of the catalogue whose kind is known: what they won is no lead."""

    def read() -> frozenset[str]:
        return frozenset(catalogue.of_structure("siren")[catalogue.of_structure("kind") != ""].tolist())

    return catalogue.once("sirens of known kind", read)


def before(tender: Tender, earlier: Sequence[Tender]) -> list[Tender]:
    """The other notices of the same procedure, oldest first."""
    others = [one for one in earlier if one.id != tender.id]
    same = next(found for found in procedures([*others, tender]) if tender in found) if others else []
    return [one for one in same if one.id != tender.id]


def case_of(lot: Lot, tender: Tender) -> str | None:
    """How a structure may come into an open lot, in French: by its clause, else by what the law makes due.

    A legal requirement is attributed to the law, never to the notice.  None where neither applies.
    """
    on = tender.published or date.today()
    if (clause := lot.owed_condition) is not None:
        money = in_words(lot)
        size = f", pour {money}" if money else ""
        return (
            f"{lot_label(lot)} demande {owed(clause)}{size} ({law.article_of('clause.execution', on)}) : à proposer en "
            "sous-traitance aux entreprises qui y répondront, ou par mise à disposition de personnel (ETTI, AI, GEIQ)"
        )
    duty = law.social_duty(tender, lot)
    if duty is None or lot.reservation is not None:  # an ordinary firm cannot win it, and owes nothing
        return None
    return (
        f"{duty.text} {lot_label(lot)} : demandez à l'acheteur la condition retenue ; si elle porte des heures, elles "
        "peuvent être confiées en sous-traitance, ou tenues par mise à disposition de personnel (ETTI, AI, GEIQ)"
    )


def carriers(matcher: Matcher, tender: Tender, n: int) -> tuple[Match, ...]:
    """The structures that could be asked for the hours of the only lot of `tender`, of known kind, each once.

    First those of the trade, then those that lend staff or could take a task of the lot.
    """
    ranking = matcher.rank(matcher.queries(tender)[0])
    answer = matcher.answer(ranking, 3 * n)
    near = [m for m in answer.matches if m.structure.kind and m.reach.where != "outside"]
    building = [] if answer.nobody else near
    lending = matcher.explained(ranking, [i for i, _, _ in by_clause.by_clause(ranking, n)])
    taken: dict[str, Match] = {}
    half = max(n - len(lending), (n + 1) // 2)
    for match in [*building[:half], *lending, *building[half:]]:
        if match.structure.active is not False and match.reach.where != "outside":
            taken.setdefault(match.structure.siren, match)
    return tuple(list(taken.values())[:n])


def way(structure: Structure, lot: Lot) -> str:
    """How a structure may carry hours of a lot, in French."""
    if structure.kind in LENDING_KINDS:
        return "par mise à disposition de personnel"
    parts = asks.of_lot(lot).parts
    fits = trades.cover([part.trade for part in parts], [structure])
    for part, (fit,) in zip(parts, fits, strict=True):
        if fit >= trades.INDIRECT_FIT:
            return f"en sous-traitance, pour {part.label}"
    return "en sous-traitance, par une tâche à détacher (nettoyage, espaces verts, peinture...), à proposer"


def takers(matcher: Matcher, tender: Tender, lot: Lot, n: int = FIRMS) -> tuple[Structure, ...]:
    """Ordinary firms that could take a lot, see `groups.firms`."""
    (query,) = matcher.queries(replace(tender, lots=(lot,)))
    return tuple(match.structure for match in firms_.of_lot(matcher, query, n))


def firm(matcher: Matcher, holder: Holder) -> Structure:
    """A winner as the catalogue knows it, else by its name and number as published."""
    rows = (matcher.catalogue.of_structure("siren") == holder.siren).nonzero()[0]
    if holder.siren and len(rows):
        known_ = matcher.catalogue.structure(int(rows[0]))
        return known_ if known_.name else replace(known_, name=holder.name or f"SIRET {holder.id}")
    return Structure(siret=holder.id, name=holder.name or f"SIRET {holder.id}", source="avis d'attribution")


def rules(on: date) -> tuple[Warning_, ...]:
    """What the law says of hours carried for another, with article and date."""
    codes = ("clause.execution", "subcontracting", "capacity.others")
    return tuple(warning("clause", rule) for code in codes if (rule := law.rule(code, on)) is not None)


def warning(code: str, rule: law.Rule) -> Warning_:
    return Warning_(code=code, text=f"{rule.text}. À vérifier.", article=rule.article, since=rule.since)


# ------------------------------------------------------------------------------------------------ leads


#: Names by which a structure of the social economy is known for one.
_STRUCTURE = re.compile(
    r"\b(?:esat|entreprise adaptee|ea|insertion|chantier d'insertion|regie de quartiers?|association intermediaire|"
    r"apf entreprises|geiq|siae|etti|emmaus|scop|scic|croix.rouge|handicap)\b"
)


def leads(
    tender: Tender, structures: Collection[str] = (), earlier: Iterable[Tender] = ()
) -> Iterator[tuple[Holder, Opening]]:
    """The leads of an award notice: each ordinary firm that won a lot with a social clause of execution, and what it owes.

    `structures` are the SIRENs of known structures: what they won is no lead.  A firm is taken for ordinary
    when neither its SIREN nor its name says otherwise.
    """
    called = {lot.number: lot for notice in earlier for lot in notice.lots}
    for award in tender.awards:
        lot = _lot_of(award, tender)
        before = called.get(lot.number) if lot else None
        notices = [one for one in (lot, before) if one is not None]
        clause = next(filter(None, (one.owed_condition for one in notices)), None) or _declared(award)
        if clause is None or any(one.reservation for one in notices):
            continue
        for firm in award.holders:
            if ordinary(firm, structures):
                who = "Le groupement titulaire" if len(award.holders) > 1 else "Le titulaire"
                on = award.notified or tender.published or date.today()
                case = (
                    f"{who} doit tenir {owed(clause)} ({law.article_of('clause.execution', on)}) : il peut y répondre par sous-traitance "
                    "à une structure d'insertion, ou par mise à disposition de personnel (ETTI, AI, GEIQ). À vérifier auprès de "
                    "l'acheteur ou du facilitateur."
                )
                title = award.title or tender.title
                facts = {"state": "awarded", "title": title, "firms": (), "case": case}
                yield firm, _opening(tender, lot or _won(award), clause, on, **facts)


def _won(award: Award) -> Lot:
    """The lot that an award tells of itself."""
    return Lot(
        id=award.uid,
        title=award.title,
        cpv=(award.cpv,) if award.cpv else (),
        places=(award.place,) if award.place != Place() else (),
        amount=award.amount,
        duration_months=award.duration_months,
    )


def ordinary(firm: Holder, structures: Collection[str] = ()) -> bool:
    """Returns True for an ordinary firm: neither its SIREN among `structures` nor its name says otherwise."""
    return firm.siren not in structures and not _STRUCTURE.search(fold(firm.name))


def _declared(award: Award) -> Clause | None:
    """The social clause that DECP declares of an award; None where it is reserved, or nothing is declared."""
    considerations = [fold(word) for word in award.social]
    if any("reserve" in word for word in considerations):
        return None
    if any(word.startswith(("clause sociale", "condition")) for word in considerations):
        return Clause(passage=f"considération sociale déclarée : {', '.join(award.social)}", confidence=0.8)
    return None


def _lot_of(award: Award, tender: Tender) -> Lot | None:
    """The lot that an award is for: its source ends with the id of the lot; a lone lot otherwise."""
    for lot in tender.lots:
        if award.source.endswith(f":{lot.id}"):
            return lot
    return tender.lots[0] if len(tender.lots) == 1 else None


def owed(clause: Clause) -> str:
    """The requirement of a condition of performance, in French: hours or a share where stated, else its words."""
    if clause.hours:
        return f"{grouped(clause.hours)} heures d'insertion"
    share = f"{100 * clause.share:g} % des heures en insertion" if clause.share else ""
    return share or "une condition sociale d'exécution"
