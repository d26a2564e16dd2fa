"""Likely trade: how sure it is that the structure does the work asked, from what it says, its name and its code."""

from __future__ import annotations

import numpy as np

from matcher.catalogue.columns import DECLARED
from matcher.domain import Offer
from matcher.matching import evidence, said, trades
from matcher.matching.shortlist import Column, Shortlist
from matcher.matching.signals import Why
from matcher.reference import codes
from matcher.reference import trades as trades_
from matcher.reference.text import shorten

TOLD, NEAR = 0.6, 0.25  # from here on a source tells the trade, or one beside it


def measure(shortlist: Shortlist) -> Column:
    """0 where nothing tells it to 1 where every source does; NaN where nothing tells any trade."""
    return np.where(evidence.of(shortlist, "silent") > 0, np.nan, evidence.of(shortlist, "sure"))


def explain(shortlist: Shortlist, i: int, value: float) -> Why:
    if value != value:
        return _inferred(shortlist, i)
    worth = {
        source: evidence.WORTH[source] * float(np.nan_to_num(evidence.of(shortlist, source)[i]))
        for source in evidence.TELLING
    }
    said_sure = float(np.nan_to_num(evidence.of(shortlist, "said_trade")[i]))
    source = "said_trade" if said_sure >= TOLD else max(worth, key=worth.__getitem__)  # its own words first
    sure = float(evidence.of(shortlist, source)[i])
    if not sure >= NEAR:
        return _other(shortlist, i)
    return {"said_trade": _said, "code_trade": _coded, "name_trade": _named}[source](shortlist, i, sure)


def _said(shortlist: Shortlist, i: int, sure: float) -> Why:
    piece, offer = _piece(shortlist, i)
    how = "le métier demandé" if sure >= TOLD else "proche du métier demandé"
    who = (
        f"selon {offer.source}," if offer.inferred and offer.source else "déclare"
    )  # read of it is not said by it
    return Why(f"{who} « {shorten(piece, 90)} » : {how}", shorten(shortlist.query.text, 160), piece)


def _piece(shortlist: Shortlist, i: int) -> tuple[str, Offer]:
    """The piece of candidate i that is surest of the trade asked, and the offer it is of."""
    low, high = int(shortlist.starts[i]), int(shortlist.starts[i + 1])
    rows = shortlist.rows[low:high][shortlist.known(*DECLARED)[low:high]]
    pieces = said.pieces(shortlist)
    slots, owner = pieces.of(rows)
    values = trades.match(trades.asked(shortlist), trades.by_piece(pieces), slots)
    best = int(np.argmax(values))
    return pieces.text(int(slots[best])), shortlist.catalogue.offer(int(rows[owner[best]]))


def _coded(shortlist: Shortlist, i: int, sure: float) -> Why:
    code = str(shortlist.catalogue.of_structure("naf")[shortlist.candidates[i]])
    label = shorten(codes.naf_label(code.upper()).removesuffix(" n.c.a."), 80)
    how = "le métier demandé" if sure >= TOLD else "un métier voisin"
    return Why(f"activité au registre « {label} » (NAF {code}) : {how}", "", label)


def _named(shortlist: Shortlist, i: int, sure: float) -> Why:
    held = trades.by_name(shortlist.catalogue)[shortlist.candidates[i]]
    met = held * trades.asked(shortlist)
    if sure >= TOLD and met.any():
        return Why(f"son nom évoque ce métier ({_label(met)})")
    return Why(f"son nom évoque un métier voisin ({_label(held)})")


def _inferred(shortlist: Shortlist, i: int) -> Why:
    if evidence.of(shortlist, "prior_trade")[i] >= trades.LIKELY_TRADE:
        return Why(
            "ne dit pas son métier ; celui-ci est fréquent chez ses pareilles (type, activité) : à demander"
        )
    return Why("rien ne dit son métier : à demander", tells=False)


def _other(shortlist: Shortlist, i: int) -> Why:
    row = shortlist.candidates[i]
    code = trades.by_code(shortlist.catalogue)[row]
    held = np.maximum(code, trades.by_name(shortlist.catalogue)[row])
    if held.max(initial=0.0) >= NEAR:
        return Why(f"connue pour un autre métier ({_label(held)})", tells=False)
    return Why("ce qu'elle dit ne désigne pas ce métier", tells=False)


def _label(weights: trades.Floats) -> str:
    return trades_.trades()[int(weights.argmax())].label
