"""Trades of a structure, each with its source, whether declared or inferred, and since when."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from matcher.domain import Offer, Structure
from matcher.reference import codes, trades
from matcher.reference.text import shorten


@dataclass(frozen=True, slots=True, kw_only=True)
class Skill:
    """A trade of a structure; `inferred` where it is not declared, with the passage it was inferred from."""

    trade: str
    label: str
    inferred: bool
    evidence: str  # French
    source: str
    since: date | None = None


def skills(structure: Structure, awards: Iterable[Offer] = ()) -> tuple[Skill, ...]:
    """The trades of a structure, declared ones first; denied ones are left out.

    `awards` are its past contracts, as evidence.  A trade found several times keeps its strongest evidence: a declared
    offer, what an offer was inferred from, a contract won, its name, its activity code.
    """
    found: dict[str, Skill] = {}
    labels = {trade.name: trade.label for trade in trades.trades()}
    for trade, inferred, evidence, source, since in _trades_with_evidence(structure, awards):
        if f"trade:{trade}" not in structure.denied and trade not in found:
            origin = {"evidence": evidence, "source": source}
            found[trade] = Skill(trade=trade, label=labels[trade], inferred=inferred, since=since, **origin)
    return tuple(sorted(found.values(), key=lambda skill: skill.inferred))


def _trades_with_evidence(
    structure: Structure, awards: Iterable[Offer]
) -> Iterator[tuple[str, bool, str, str, date | None]]:
    declared = sorted(structure.offers, key=lambda offer: offer.inferred)
    for offer in declared:
        named = trades.named(f"{offer.title}. {offer.text}") or trades.trades_of_cpv(offer.cpv)
        for trade, piece in named.items():
            why = offer.evidence if offer.inferred and offer.evidence else piece
            yield trade, offer.inferred, shorten(why, 160), offer.source or structure.source, offer.since
    for trade, piece in trades.named(structure.description).items():
        yield trade, False, shorten(piece, 160), structure.source, structure.updated
    for offer in awards:
        for trade in trades.named(offer.title):
            yield trade, True, f"marché remporté : {shorten(offer.title, 140)}", offer.source, offer.since
    for trade in trades.named(f"{structure.name}. {structure.brand}"):
        yield (trade, True, f"votre nom : {structure.known_as}", structure.source, structure.updated)
    for known in trades.trades():
        if structure.naf and structure.naf.startswith(known.naf):
            text = f"code d'activité {structure.naf} : {codes.naf_label(structure.naf) or 'sans libellé'}"
            yield known.name, True, text, structure.source, structure.updated
