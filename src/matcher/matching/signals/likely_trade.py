"""Likely trade: confidence that the structure has the trade required, from declared texts, name and activity code."""

from __future__ import annotations

import numpy as np

from matcher.domain import Offer
from matcher.matching import declared, evidence, trades
from matcher.matching.shortlist import Column, Shortlist
from matcher.matching.signals import Why
from matcher.reference import codes
from matcher.reference import trades as trades_
from matcher.reference.text import shorten

STATED, NEAR = 0.6, 0.25  # thresholds: a source states the trade, or a neighbouring one


def measure(shortlist: Shortlist) -> Column:
    """0 (no source) to 1 (every source); NaN where no source indicates any trade."""
    return np.where(evidence.of(shortlist, "silent") > 0, np.nan, evidence.of(shortlist, "sure"))


def explain(shortlist: Shortlist, i: int, value: float) -> Why:
    if value != value:
        return _inferred(shortlist, i)
    sure = {source: float(evidence.of(shortlist, source)[i]) for source in evidence.TRADE_SOURCES}
    worth = {
        source: evidence.SOURCE_WEIGHTS[source] * value for source, value in sure.items() if value == value
    }
    source = (
        "said_trade" if sure["said_trade"] >= STATED else max(worth, key=worth.__getitem__)
    )  # its own words first
    if not sure[source] >= NEAR:
        return _other(shortlist, i)
    return {"said_trade": _said, "code_trade": _coded, "name_trade": _named}[source](
        shortlist, i, sure[source]
    )


def _said(shortlist: Shortlist, i: int, sure: float) -> Why:
    piece, offer = _piece(shortlist, i)
    how = "le métier demandé" if sure >= STATED else "proche du métier demandé"
    who = (
        f"selon {offer.source}," if offer.inferred and offer.source else "déclare"
    )  # what was read about it is not its own declaration
    return Why(f"{who} « {shorten(piece, 90)} » : {how}", shorten(shortlist.query.text, 160), piece)


def _piece(shortlist: Shortlist, i: int) -> tuple[str, Offer]:
    """The piece of candidate i with the highest confidence for the trade, and its offer."""
    texts, pieces = declared.texts_of(shortlist), declared.pieces(shortlist)
    place = int(np.searchsorted(texts.parts.owners, i))
    low, high = texts.parts.starts[place : place + 2].tolist()
    row = low + int(np.argmax(evidence.trade_of_texts(shortlist)[texts.at[low:high]]))
    first, end = pieces.reading.span(int(texts.texts[texts.at[row]]))
    values = trades.match(shortlist, trades.by_piece(pieces)[first:end])
    offer = shortlist.catalogue.offer(int(shortlist.rows[texts.parts.inside[row]]))
    return pieces.text(first + int(np.argmax(values))), offer


def _coded(shortlist: Shortlist, i: int, sure: float) -> Why:
    code = str(shortlist.catalogue.of_structure("naf")[shortlist.candidates[i]])
    label = shorten(codes.naf_label(code.upper()).removesuffix(" n.c.a."), 80)
    how = "le métier demandé" if sure >= STATED else "un métier voisin"
    return Why(f"activité au registre « {label} » (NAF {code}) : {how}", "", label)


def _named(shortlist: Shortlist, i: int, sure: float) -> Why:
    held = trades.by_name(shortlist.catalogue, shortlist.candidates[i : i + 1])[0]
    met = held * trades.asked(shortlist)
    if sure >= STATED and met.any():
        return Why(f"son nom évoque ce métier ({_label(met)})")
    return Why(f"son nom évoque un métier voisin ({_label(held)})")


def _inferred(shortlist: Shortlist, i: int) -> Why:
    if evidence.of(shortlist, "prior_trade")[i] >= trades.LIKELY_TRADE:
        return Why(
            "ne dit pas son métier ; celui-ci est fréquent chez ses pareilles (type, activité) : à demander"
        )
    return Why("rien ne dit son métier : à demander", tells=False)


def _other(shortlist: Shortlist, i: int) -> Why:
    row = shortlist.candidates[i : i + 1]
    held = np.maximum(
        trades.by_code(shortlist.catalogue, row)[0], trades.by_name(shortlist.catalogue, row)[0]
    )
    if held.max(initial=0.0) >= NEAR:
        return Why(f"connue pour un autre métier ({_label(held)})", tells=False)
    return Why("ce qu'elle dit ne désigne pas ce métier", tells=False)


def _label(weights: trades.Floats) -> str:
    return trades_.trades()[int(weights.argmax())].label
