"""Likely trade: confidence that the structure has the trade required, from declared texts, name and activity code."""

import re
from functools import lru_cache, partial

import numpy as np

from matcher.catalogue.columns import DECLARED
from matcher.matching import declared, evidence, trades
from matcher.matching.parts import INSERTION
from matcher.matching.shortlist import Column, Shortlist
from matcher.matching.signals import Why
from matcher.reference import codes, toponyms
from matcher.reference import trades as trades_
from matcher.reference.text import fold, shorten, tokens

QUOTED = 90  # characters of a quotation
_CONTINUES = re.compile(r"(?:de|du|des|à|au|aux|en|pour|par|et|ou|avec)\s|d['’]", re.I)
NAMED_RATE = 0.1  # share of its kind from which a silent structure is said to do it perhaps
MAIN = 0.6  # share from which a trade is the one that a lot asks for, no part of it
THIS = "ce métier"
ALIKE = 0.85  # of the highest confidence, from which another is as good
STATED, NEAR = 0.6, 0.25  # thresholds: a source states the trade, or a neighbouring one


def measure(shortlist: Shortlist) -> Column:
    """0 (no source) to 1 (every source); where none indicates any trade the share of its kind, NaN if not published."""
    silent = evidence.of(shortlist, "silent") > 0
    return np.where(silent, evidence.of(shortlist, "kind_rate"), evidence.of(shortlist, "sure"))


def explain(shortlist: Shortlist, i: int, value: float) -> Why:
    if evidence.of(shortlist, "silent")[i] > 0:
        return _inferred(shortlist, i)
    sure = {source: float(evidence.of(shortlist, source)[i]) for source in evidence.TRADE_SOURCES}
    answers = {source: value for source, value in sure.items() if value == value}
    worth = {source: evidence.SOURCE_WEIGHTS[source] * value for source, value in answers.items()}
    # its own words first
    source = "said_trade" if sure["said_trade"] >= STATED else max(worth, key=worth.__getitem__)
    if not sure[source] >= NEAR:
        return _other(shortlist, i)
    told = _said if source == "said_trade" else partial(_registered, source=source)
    return told(shortlist, i, sure[source])


def _other(shortlist: Shortlist, i: int) -> Why:
    for source, told in (("code_trade", "connue pour"), ("name_trade", "son nom évoque")):
        held = _held(shortlist, i, source)
        # one of several trades, as of the building, or a neighbour may be this one
        if held.max(initial=0.0) >= STATED and not held[shortlist.query.demand.trades].any():
            label = trades_.trades()[int(held.argmax())].label
            return Why(f"{told} un autre métier ({label})", "", label, tells=False)
    if len(declared.slots_of(shortlist).of(i)):
        return Why("ce qu'elle dit ne désigne pas ce métier", tells=False)
    return Why("ni son nom ni son activité au registre ne désignent ce métier en particulier", tells=False)


def _said(shortlist: Shortlist, i: int, sure: float) -> Why:
    best = _slot(shortlist, i)
    pieces = declared.pieces(shortlist)
    row = pieces.row_with(best, shortlist.rows_of(i, *DECLARED))
    piece, text, offer = pieces.text(best), shortlist.catalogue.text(row), shortlist.catalogue.offer(row)
    job = offer.nature == "job"
    held = trades.by_piece(pieces)[best]
    clear = sure >= STATED and _spells(piece, _nearest(shortlist, held))
    how = _met(shortlist, held) if clear else "le plus proche du besoin"
    who = "parmi ses postes," if job else "déclare"
    if offer.inferred and offer.source:  # what was read about it is not its own declaration
        who = f"selon {offer.source},"
    quote = _quote(piece, text, offer.title if job else "")
    return Why(f"{how} : {who} « {quote} »", shorten(shortlist.query.text, 160), quote)


def _slot(shortlist: Shortlist, i: int) -> int:
    """The slot of the piece of candidate i that tells the trade: of several one with its words, the nearest to the lot."""

    def best() -> int:
        slots, pieces = declared.slots_of(shortlist).of(i), declared.pieces(shortlist)
        held = trades.by_piece(pieces)
        told = trades.match(shortlist, held, slots)
        trade = _nearest(shortlist, held[slots[told.argmax()]])
        slots = slots[told >= ALIKE * told.max()]
        spelt = [_spells(pieces.text(int(slot)), trade) for slot in slots]
        return int(slots[(pieces.compare(declared.view_of(shortlist), slots) + spelt).argmax()])

    return shortlist.once(("piece", i), best)


def _spells(text: str, trade: int) -> bool:
    """Do words of a trade stand in a text?"""
    return trades_.trades()[trade].words.search(fold(text)) is not None


def _quote(piece: str, text: str, title: str) -> str:
    """The title or the sentence in which a piece stands, where it is short; else the piece, or the words around a weak one.

    A piece alone may say little ("de vente"); it follows the `title` of a job that it describes.
    """
    if title and piece in declared.cut(title):
        return shorten(_bare(title), QUOTED)
    sentence = _bare(_sentence_with(piece, text))
    head = f"{_bare(title)} : " if title else ""
    if len(head) + len(sentence) <= QUOTED:
        return head + sentence
    begun = sentence.find(piece)
    # weak by itself: one word of content, the end of a phrase, or the name of a place
    weak = len(tokens(piece)) < 2 or _CONTINUES.match(piece) is not None or bool(toponyms.named(piece))
    if not weak or begun < 0:
        return shorten(head + piece, QUOTED)
    before = sentence[max(0, begun - QUOTED // 2) : begun]
    before = before if len(before) == begun else "…" + before.partition(" ")[2]
    return shorten(head + before + sentence[begun:], QUOTED)


@lru_cache(4_000)  # a structure is explained for many lots
def _sentence_with(piece: str, text: str) -> str:
    return declared.sentence_with(piece, text)


def _bare(text: str) -> str:
    return text.strip(" .,-–;:•…")


def _registered(shortlist: Shortlist, i: int, sure: float, source: str) -> Why:
    """What its activity code or its name indicates first, where that is asked for: perhaps, where they hardly do."""
    held = _held(shortlist, i, source)
    near = _nearest(shortlist, held)
    if held[near] < ALIKE * held.max() or not _asked(shortlist, near):
        return _other(shortlist, i)
    doubt = "" if sure >= STATED else "peut-être "
    name, code = (
        str(shortlist.catalogue.of_structure(column)[shortlist.candidates[i]]) for column in ("name", "naf")
    )
    if source == "name_trade":
        return Why(f"son nom évoque {doubt}{_met(shortlist, held, THIS)}", "", name)
    label = shorten(codes.naf_label(code.upper()).removesuffix(" n.c.a."), 80)
    return Why(f"{doubt}{_met(shortlist, held)} : activité au registre « {label} » (NAF {code})", "", label)


def _held(shortlist: Shortlist, i: int, source: str) -> trades.Floats:
    """The trades that the activity code or the name of candidate i indicates; (trades,)."""
    read = trades.by_code if source == "code_trade" else trades.by_name
    held, at = read(shortlist.catalogue, shortlist.candidates[i : i + 1])
    return held[at[0], :-1]


def _inferred(shortlist: Shortlist, i: int) -> Why:
    structure = shortlist.catalogue.structure(int(shortlist.candidates[i]))
    size = f" (effectif connu : {structure.headcount:.0f})" if structure.headcount else ""
    unsaid = f"ne dit pas ses métiers{size}"
    if evidence.of(shortlist, "kind_rate")[i] >= NAMED_RATE:
        rates = trades.kind_rates()
        share = rates[_nearest(shortlist, rates)]
        return Why(
            f"{unsaid} ; {100 * share:.0f} % des ESAT et EA du pays font {_met(shortlist, rates, THIS)}"
        )
    if evidence.of(shortlist, "prior_trade")[i] >= trades.LIKELY_TRADE:
        return Why(f"{unsaid} ; celui-ci est fréquent chez ses pareilles (type, activité) : à demander")
    return Why("rien ne dit son métier : à demander", tells=False)


def _met(shortlist: Shortlist, held: trades.Floats, main: str = "") -> str:
    """What the trade that these weights of trades meet best is to the lot, with its name; `main` of the one asked for."""
    near = _nearest(shortlist, held)
    label, share = trades_.trades()[near].label, _asked(shortlist, near)
    what = main if share > MAIN else "une part du besoin" if share else "un métier voisin"
    return f"{what} ({label})" if what else label.partition(" : ")[0]


def _asked(shortlist: Shortlist, trade: int) -> float:
    """The share of the lot that is of a trade, 0 of its neighbours; the support of people besides is no other part of it."""
    name, shares = trades_.trades()[trade].name, shortlist.query.asked.trades
    support = shares.get(INSERTION, 0.0) if name != INSERTION else 0.0
    return shares.get(name, 0.0) / (1.0 - support) if support < 1.0 else 0.0


def _nearest(shortlist: Shortlist, held: trades.Floats) -> int:
    """The place of the trade, asked for or its neighbour, that these weights of trades meet best."""
    demand = shortlist.query.demand
    return int(demand.trades[(held[demand.trades] * demand.worth[:, 0]).argmax()])
