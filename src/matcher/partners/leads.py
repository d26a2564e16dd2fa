"""Awards as leads: an ordinary firm that won a lot with a social clause needs someone to carry its hours.

The clause often stands in the call and not in the award notice: pass the earlier notices of the procedure
(see `deduplicate.Dossier`), and the lots are met by their numbers.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from matcher.domain import Award, Buyer, Clause, Holder, Lot, Tender
from matcher.reference import law
from matcher.reference.text import fold

#: Names by which a structure of the social economy is known for one.
_STRUCTURE = re.compile(
    r"\b(?:esat|entreprise adaptee|ea|insertion|chantier d'insertion|regie de quartiers?|association intermediaire|"
    r"apf entreprises|geiq|siae|etti|emmaus|scop|scic|croix.rouge|handicap)\b"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lead:
    """A firm to call: what it won, the hours it owes, and the words of the notice that say so."""

    firm: Holder
    award: Award
    lot: Lot | None
    buyer: Buyer
    notice: str  # id of the award notice
    hours: float | None
    passage: str
    notified: date | None
    case: str  # French: how a structure may come in


def leads(tender: Tender, structures: Collection[str] = (), earlier: Iterable[Tender] = ()) -> Iterator[Lead]:
    """The leads of an award notice: one for each ordinary firm and lot with a social clause of execution.

    `structures` are the SIRENs of known structures: what they won is no lead.  A firm is taken for ordinary
    when neither its SIREN nor its name tells otherwise.
    """
    called = {lot.number: lot for notice in earlier for lot in notice.lots}
    for award in tender.awards:
        lot = _lot_of(award, tender)
        before = called.get(lot.number) if lot else None
        clause = _clause(lot) or _clause(before) or _declared(award)
        reserved = any(one is not None and one.reservation is not None for one in (lot, before))
        if clause is None or reserved:
            continue
        for firm in award.holders:
            if not ordinary(firm, structures):
                continue
            yield Lead(
                firm=firm,
                award=award,
                lot=lot or before,
                buyer=tender.buyer,
                notice=tender.id,
                hours=clause.hours,
                passage=clause.passage,
                notified=award.notified,
                case=_case(clause, award, tender.published),
            )


def leads_of(awards: Iterable[Award], structures: Collection[str] = ()) -> Iterator[Lead]:
    """The leads of awards that stand alone (DECP): those whose publisher declares a social clause."""
    for award in awards:
        clause = _declared(award)
        if clause is None or award.relation in ("modification", "repeat"):
            continue
        for firm in award.holders:
            if ordinary(firm, structures):
                yield Lead(
                    firm=firm,
                    award=award,
                    lot=None,
                    buyer=award.buyer,
                    notice=award.uid,
                    hours=None,
                    passage=clause.passage,
                    notified=award.notified,
                    case=_case(clause, award, None),
                )


def ordinary(firm: Holder, structures: Collection[str] = ()) -> bool:
    """Is a winner an ordinary firm: neither its SIREN among `structures` nor its name tells otherwise."""
    return firm.siren not in structures and not _STRUCTURE.search(fold(firm.name))


def _declared(award: Award) -> Clause | None:
    """The social clause that DECP declares of an award; None where it is reserved, or nothing is declared."""
    said = [fold(word) for word in award.social]
    if any("reserve" in word for word in said):
        return None
    if any(word.startswith(("clause sociale", "condition")) for word in said):
        return Clause(passage=f"considération sociale déclarée : {', '.join(award.social)}", confidence=0.8)
    return None


def _lot_of(award: Award, tender: Tender) -> Lot | None:
    """The lot that an award is for: its source ends with the id of the lot; a lone lot otherwise."""
    for lot in tender.lots:
        if award.source.endswith(f":{lot.id}"):
            return lot
    return tender.lots[0] if len(tender.lots) == 1 else None


def _clause(lot: Lot | None) -> Clause | None:
    """The condition of execution of a lot, the one that states hours first."""
    found = [clause for clause in lot.clauses if clause.nature == "execution"] if lot else []
    return max(found, key=lambda clause: (clause.hours is not None, clause.confidence), default=None)


def owed(clause: Clause) -> str:
    """What a condition of execution asks for, in French: hours or a share where stated, else no more than it says."""
    if clause.hours:
        return f"{clause.hours:,.0f} heures d'insertion".replace(",", "\u202f")
    return (
        f"{100 * clause.share:g} % des heures en insertion"
        if clause.share
        else "une condition sociale d'exécution"
    )


def _case(clause: Clause, award: Award, published: date | None) -> str:
    who = "Le groupement titulaire" if len(award.holders) > 1 else "Le titulaire"
    article = law.article_of("clause.execution", award.notified or published or date.today())
    return (
        f"{who} doit tenir {owed(clause)} ({article}) : il peut y répondre par sous-traitance à une structure d'insertion, "
        "ou par mise à disposition de personnel (ETTI, AI, GEIQ). À vérifier auprès de l'acheteur ou du facilitateur."
    )
