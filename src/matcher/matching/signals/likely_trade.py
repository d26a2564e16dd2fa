"""Likely trade: confidence that the structure has the trade required, from declared texts, name and activity code."""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from matcher.catalogue.columns import DECLARED
from matcher.learned import asks
from matcher.learned.activities import VAGUE
from matcher.matching import declared, evidence, trades
from matcher.matching.parts import INSERTION
from matcher.matching.shortlist import Column, Shortlist
from matcher.matching.signals import Why
from matcher.reference import codes, toponyms
from matcher.reference import trades as trades_
from matcher.reference.text import fold, shorten, tokens

QUOTED = 90  # characters of a quotation
_CONTINUES = re.compile(r"(?:de|du|des|à|au|aux|en|pour|par|et|ou|avec)\s|d['’]", re.I)
NAMED_RATE = 0.05  # share of its kind from which a structure is said to do it perhaps
#: Trades that a structure has for itself: their posts, and what it trains its employees in, are no service.
OWN = frozenset({"accueil", "formation", "insertion"})
_TRAINED = re.compile(r"\b(?:formations?|former|apprend\w*|apprentissages?|initiations?)\b")
#: Trades of many things: who collects or sells some does no part of what is asked of others.
BY_OBJECT = frozenset({"collecte-dechets", "reemploi"})
FIRST = 0.75  # of the highest that a name indicates, from which an activity code does not contradict it
THIS = "ce métier"
MAIN = 0.6  # share from which a trade is the one that a lot asks for, no part of it
LENT = "personnel"  # the trade of lending staff, which the kind tells
ALIKE = 0.85  # of the highest confidence, from which another is as good
STATED, NEAR = 0.6, 0.25  # thresholds: a source states the trade, or a neighbouring one
#: How much a fact tells of the trade asked for: of several the one that tells most is the reason.
OTHER, PERHAPS, CLOSE, CLEAR = range(4)
Fact = tuple[int, Why]


def measure(shortlist: Shortlist) -> Column:
    """0 (no source) to 1 (every source); where none indicates any trade the share of its kind, NaN if not published."""
    silent = evidence.of(shortlist, "silent") > 0
    return np.where(silent, evidence.of(shortlist, "kind_rate"), evidence.of(shortlist, "sure"))


def explain(shortlist: Shortlist, i: int, value: float) -> Why:
    level, why = -1, Why("")
    for more, fact in _facts(shortlist, i):
        if more > level:  # the first of equals
            level, why = more, fact
        if level == CLEAR:
            return why
    # what its kind makes likely tells no more than CLOSE
    return why if level >= CLOSE else max((level, why), _inferred(shortlist, i), key=itemgetter(0))[1]


def _facts(shortlist: Shortlist, i: int) -> Iterator[Fact]:
    """What tells something of the trade of candidate i, its own words first."""
    if len(slots := declared.slots_of(shortlist).of(i)):
        yield from _said(shortlist, i, slots)
    row = shortlist.candidates[i : i + 1]
    by_code, by_name = (
        held[at[0], :-1]
        for held, at in (read(shortlist.catalogue, row) for read in (trades.by_code, trades.by_name))
    )
    said = declared.pieces(shortlist).trades[slots].max(axis=0, initial=0.0)
    yield from _coded(shortlist, i, by_code, (said, by_name))
    if not len(slots):
        yield from _named(shortlist, i, by_name)


def _said(shortlist: Shortlist, i: int, slots: NDArray[np.integer]) -> Iterator[Fact]:
    """What it declares of its services nearest to the lot, as published: of pieces of the same trade one with its words."""
    pieces, worth = declared.pieces(shortlist), _worth(shortlist)

    def best(slots: NDArray[np.integer]) -> int:
        met = pieces.trades[slots] * worth
        told = met.max(axis=1)
        kept = told >= min(ALIKE * told.max(), STATED)
        texts = map(pieces.text, slots[kept].tolist())
        spelt = [  # a long one says other things too
            _spells(text, int(row.argmax())) * (1.0 if len(text) <= QUOTED else 0.5)
            for text, row in zip(texts, met[kept], strict=True)
        ]
        near = pieces.compare(declared.view_of(shortlist), slots[kept])
        return int(slots[kept][(near + told[kept] + spelt).argmax()])

    name = str(shortlist.catalogue.of_structure("name")[shortlist.candidates[i]])
    while len(slots):
        slot = best(slots)
        row = pieces.row_with(slot, shortlist.rows_of(i, *DECLARED))
        piece, text, offer = pieces.text(slot), shortlist.catalogue.text(row), shortlist.catalogue.offer(row)
        job = offer.nature == "job"
        by_job = np.max([trades.of_job(code) for code in ("", *offer.rome)], axis=0)
        held = np.maximum(pieces.trades[slot], by_job if job else 0.0)
        trade = int((held * worth).argmax())
        own = bool(offer.rome) and not OWN.isdisjoint(
            asks.names()[int(at)] for at in (trade, by_job.argmax())
        )
        sentence = _sentence_with(piece, text)
        before = sentence.partition(piece)[0]
        if not (own or _TRAINED.search(fold(before)) or _heads(sentence, piece, name)):
            break
        slots = slots[slots != slot]
    else:
        return
    who = "parmi ses postes," if job else "selon sa fiche,"
    if offer.inferred and offer.source:  # what was read about it is not its own record
        who = f"selon {offer.source},"
    quote = _quote(piece, text, offer.title if job else "", trade)
    passages = shorten(shortlist.query.text, 160), quote
    # a word alone among what it makes, which is of another trade, is none
    listed = len(tokens(piece)) < 2 and before.rfind("(") > before.rfind(")")
    related = trades_.related()[trades_.trades()[trade].name]
    aside = listed and not any(_spells(before, trades.place(name)) for name in related)
    spelt = (_spells(piece, trade) and not aside) or by_job[trade] >= STATED
    share = _asked(shortlist, trade)
    near = held[trade] >= STATED and (share > 0 or _near(shortlist, trade))
    if near and spelt:
        text = f"{_met(shortlist, trade)} : {who} « {quote} »"
        yield CLEAR if share else CLOSE, Why(text, *passages, tells=share > 0)
    else:
        text = f"{'le plus proche du besoin' if near else 'métier à vérifier'} : {who} « {quote} »"
        yield (CLOSE if near else OTHER), Why(text, *passages, tells=bool(near))


def _heads(sentence: str, piece: str, name: str) -> bool:
    """Is it the name of the structure, or the heading of a page with it or with that of a directory?"""
    name, plain = trades.plain(name).strip(), trades.plain(_bare(sentence))
    return trades.plain(piece).strip() == name or plain.endswith(f": {name} ") or " autour d" in plain


def _spells(text: str, trade: int) -> bool:
    """Do words of a trade stand in a text?"""
    return trades_.trades()[trade].words.search(fold(text)) is not None


_sentence_with = lru_cache(4_000)(declared.sentence_with)  # a structure is explained for many lots


@lru_cache(4_000)
def _quote(piece: str, text: str, title: str, trade: int) -> str:
    """The title or the sentence in which a piece stands, where it is short; else the piece, or the words around a weak one.

    A piece alone may say little ("de vente"); it follows the `title` of a job that it describes.  Of a long one the words of
    the trade are shown.
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
        word = trades_.trades()[trade].words.search(fold(piece))
        late = word.start() if word and len(head) + word.end() > QUOTED - 5 else 0
        piece = "…" + piece[max(0, late - 30) :].partition(" ")[2] if late else piece
        return shorten(head + piece, QUOTED)
    before = sentence[max(0, begun - QUOTED // 2) : begun]
    before = before if len(before) == begun else "…" + before.partition(" ")[2]
    return shorten(head + before + sentence[begun:], QUOTED)


def _bare(text: str) -> str:
    return text.strip(" .,-–;:•…")


def _coded(
    shortlist: Shortlist, i: int, held: trades.Floats, tells: Iterable[NDArray[np.floating]]
) -> Iterator[Fact]:
    """What its activity code indicates first, of what is asked for: perhaps, where it tells several trades alike.

    It claims nothing where its own words or its name, which `tells` holds, indicate another trade first.
    """
    code = str(shortlist.catalogue.of_structure("naf")[shortlist.candidates[i]]).upper()
    label = shorten(codes.naf_label(code).removesuffix(" n.c.a."), 80)
    if not label or code in VAGUE:
        return
    trade, alike = _first(shortlist, held)
    other = any(row.max() >= STATED and row[trade] < FIRST * row.max() for row in tells)
    sure, share = held[trade] >= STATED and (not alike or _spells(label, trade)), _asked(shortlist, trade)
    fact = f"activité au registre « {label} » (NAF {code})"
    if held[trade] >= NEAR and not other and share > (0 if sure else MAIN):
        text = f"{'' if sure else 'peut-être '}{_met(shortlist, trade)} : {fact}"
        yield CLEAR if sure else CLOSE, Why(text, "", label)
    else:
        yield OTHER, Why(fact, tells=False)


def _named(shortlist: Shortlist, i: int, held: trades.Floats) -> Iterator[Fact]:
    """What its name indicates, where it is clear and all that is asked for: perhaps, where it tells several trades alike."""
    trade, alike = _first(shortlist, held)
    if held[trade] >= STATED and _asked(shortlist, trade) > MAIN:
        name = str(shortlist.catalogue.of_structure("name")[shortlist.candidates[i]])
        if not (alike and trades.ambiguous(name)):
            text = f"son nom évoque {'peut-être ' if alike else ''}{_met(shortlist, trade, THIS)}"
            yield CLOSE if alike else CLEAR, Why(text, "", name)


def _first(shortlist: Shortlist, held: trades.Floats) -> tuple[int, bool]:
    """The first trade of a source, of those alike that which the lot asks for, and whether there are others alike."""
    alike = held >= ALIKE * held.max()
    return int((held * (1 + 9 * _worth(shortlist)) * alike).argmax()), int(alike.sum()) > 1


def _inferred(shortlist: Shortlist, i: int) -> Fact:
    """What its kind makes likely, by the published share of those that do what is asked; else nothing."""
    structure = shortlist.catalogue.structure(int(shortlist.candidates[i]))
    what = "places" if structure.kind == "ESAT" else "en effectif"
    size = f" ({structure.headcount:.0f} {what})" if structure.headcount else ""
    rates = trades.kind_rates() * (_shares(shortlist)[: len(trades.kind_rates())] > 0)
    if evidence.of(shortlist, "kind")[i] == evidence.KINDS["ESAT"] and rates.max() >= NAMED_RATE:
        met, share = _met(shortlist, int(rates.argmax()), THIS), 100 * rates.max()
        return PERHAPS, Why(f"ne dit pas ce métier{size} ; environ {share:.0f} % des ESAT et EA font {met}")
    likely = evidence.of(shortlist, "prior_trade")[i] >= trades.LIKELY_TRADE
    if likely and evidence.of(shortlist, "silent")[i] > 0:
        return PERHAPS, Why(
            f"ne dit pas ce métier{size}, fréquent chez ses pareilles (type, activité) : à demander"
        )
    return OTHER, Why("sa fiche ne dit pas son métier : à demander", tells=False)


def _met(shortlist: Shortlist, trade: int, main: str = "") -> str:
    """What a trade is to the lot, with its name; `main` of the one asked for."""
    told, share = trades_.trades()[trade], _asked(shortlist, trade)
    part = "" if told.name in BY_OBJECT else "une part du besoin"
    what = main if share > MAIN else part if share else "un métier voisin"
    return f"{what} ({told.label})" if what else told.label.partition(" : ")[0]


def _near(shortlist: Shortlist, trade: int) -> bool:
    """Is it a neighbour, in the table of those, of the trade that the lot asks for?"""

    main = {name for name, share in shortlist.query.asked.trades.items() if share > MAIN}
    return any(trades_.trades()[trade].name in pair and main & {*pair} for pair in trades_.neighbours())


def _asked(shortlist: Shortlist, trade: int) -> float:
    """The share of the lot that is of a trade, 0 of its neighbours."""
    return float(_shares(shortlist)[trade])


def _shares(shortlist: Shortlist) -> trades.Floats:
    """The same of all trades; the support of people besides is no other part of the lot."""

    def make() -> trades.Floats:
        shares = shortlist.query.asked.trades
        rest = 1.0 - shares.get(INSERTION, 0.0)
        of_rest = {name: share / rest if rest > 0.0 else 0.0 for name, share in shares.items()}
        of_rest[INSERTION] = shares.get(INSERTION, 0.0)
        return np.array([of_rest.get(trade.name, 0.0) for trade in trades_.trades()])

    return shortlist.once("shares of trades", make)


def _worth(shortlist: Shortlist) -> trades.Floats:
    """The relevance of each trade to the lot; lending staff, which the kind tells, counts where nothing else is asked."""

    def make() -> trades.Floats:
        demand = shortlist.query.demand
        worth = np.zeros(len(demand.weights), dtype=np.float32)
        worth[demand.trades] = demand.worth[:, 0]
        if any(name != LENT for name in shortlist.query.asked.trades):
            worth[trades.place(LENT)] = 0.0
        return worth

    return shortlist.once("worth of trades", make)
