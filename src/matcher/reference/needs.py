"""Needs of a lot: a lot that requires several trades is split, each need with its own passage.

Trades are a table (`data/reference/trades.csv`: words, CPV and NAF prefixes); a need is one trade that the
title, the description or the CPV codes of the lot ask for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matcher.domain import LENDING_KINDS, Lot, Structure
from matcher.reference.text import fold, shorten
from matcher.reference.trades import INDIRECT_FIT, named, skills, trades, trades_of_cpv

MOST = 12  # most needs of one lot; those of the largest weight are kept
UNKNOWN_FIT = 0.25  # the trades of this structure are unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One trade that a lot requires; `weight` is its share of the lot, the needs of a lot sum to 1."""

    id: str  # "<lot id>#<trade>"
    lot: str
    trade: str
    label: str
    passage: str  # passage of the notice, as published; "CPV 90910000" when only a code does
    cpv: tuple[str, ...] = ()
    weight: float = 1.0


_ASKS = re.compile(
    r"prestation|travaux|compren|porte sur|concern|comport|consist|assur|realis|mission|objet|fourniture|service"
    r"|inclu|ainsi que|entretien"
)
_LEAD = re.compile(  # words that may precede the trade where a piece of a description requires it
    r"^(?:(?:le|la|les|l'|un|une|de|du|des|d'|et|a|aux?|en|marche|lot|(?:n\W?)?\d{1,9}(?!\d)|prestations?|services?"
    r"|travaux|entretien|fourniture|pose|realisation|execution|ensemble|missions?|concernent?|porten?t? sur"
    r"|comprend|comprennent|assure|assurer|petits?|tous?|toutes?|ainsi que|objet|pour|sur)[\s:'’.-]*)*$"
)
_DESIGN = re.compile(
    r"maitrise d.?oeuvre|\bmoe\b|programmist|controle technique|coordination sps|\bopc\b|honoraires"
)
_BREAK = re.compile(
    r"(?<=[.!?;])\s+(?=[A-ZÀ-Ý0-9\-•])|\s{0,9}[•▪·‣]\s*|\s{1,9}[-–—]\s+|\s{0,9}\n\s*|(?<=;)\s*"
)


GENERIC = frozenset(
    {"entretien-batiment", "insertion", "personnel", "etudes"}
)  # superseded by a specific trade


def pieces(title: str) -> list[str]:
    """The pieces of a title that each name a trade, if it names several; else none."""
    found = {name: piece for name, piece in named(title).items() if name not in GENERIC}
    return list(found.values())[:MOST] if len(found) > 1 and not _DESIGN.search(fold(title)) else []


def split(lot: Lot) -> tuple[Need, ...]:
    """The needs of a lot that requires several trades; empty for one trade or none known."""
    found = asked(lot)
    return found if len(found) > 1 else ()


def asked(lot: Lot) -> tuple[Need, ...]:
    """The needs of a lot, one for each trade, in the order of its text; empty where no trade is known.

    The title's trades are needs.  A trade in the description counts where a piece begins with it ("- la
    peinture ;") or a CPV code of the lot confirms it: mere mentions do not count.
    """
    if _DESIGN.search(fold(lot.title)):
        return ()  # designing or inspecting works of many trades is one trade
    passages = named(lot.title)
    weight = dict.fromkeys(passages, 2.0)
    codes = trades_of_cpv(lot.cpv)
    for number, sentence in enumerate(_BREAK.split(lot.description)):
        if number > 2 and len(sentence) > 120 and not _ASKS.search(fold(sentence)):
            continue
        for name, piece in named(sentence).items():
            if name not in weight:
                if name in codes or _heads(name, piece):
                    passages[name], weight[name] = piece, 1.0
            elif len(piece) > len(passages[name]):
                passages[name] = piece  # the description is more detailed than the title
    main = next(iter(trades_of_cpv(lot.cpv[:1])), "")
    for name, code in codes.items():
        if name in weight:
            weight[name] += 0.5
        elif (
            name != main or not passages
        ):  # a main code that differs from the title is the title's trade under another class
            passages[name], weight[name] = f"CPV {code}", 0.5
    if len(set(weight) - GENERIC) > 1:
        weight = {name: value for name, value in weight.items() if name not in GENERIC}
    kept = sorted(weight, key=lambda n: -weight[n])[:MOST]
    total = sum(weight[name] for name in kept)
    labels = {t.name: t.label for t in trades()}
    return tuple(
        Need(
            id=f"{lot.id}#{name}",
            lot=lot.id,
            trade=name,
            label=labels[name],
            passage=shorten(passages[name], 240),
            cpv=tuple(c for c in lot.cpv if name in trades_of_cpv([c])),
            weight=weight[name] / total,
        )
        for name in weight
        if name in kept
    )


def _heads(name: str, piece: str) -> bool:
    folded = fold(piece)
    hit = next(t for t in trades() if t.name == name).words.search(folded)
    return hit is not None and len(piece) < 120 and bool(_LEAD.match(folded[: hit.start()]))


def cover(needs: Sequence[Need], structures: Sequence[Structure]) -> list[list[float]]:
    """Fit of each structure to each need, 0 to 1; shape (needs, structures).

    1 where its offers name the trade, 0.5 where only its NAF does or where it lends staff, 0.25 where
    its trades are unknown, 0 where it is known for other trades only.
    """
    if not needs:
        return []
    known = [skills(structure) for structure in structures]
    return [
        [_fit(need, structure, have) for structure, have in zip(structures, known, strict=True)]
        for need in needs
    ]


def _fit(need: Need, structure: Structure, have: Mapping[str, float]) -> float:
    fit = have.get(need.trade, 0.0)
    if fit < INDIRECT_FIT and structure.kind in LENDING_KINDS:  # they lend staff of many trades
        return INDIRECT_FIT
    vague = not have or set(have) <= {"insertion", "personnel"}
    return max(fit, UNKNOWN_FIT) if vague else fit
