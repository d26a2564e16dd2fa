"""Trades of a need and of a structure, as weights over one taxonomy (`data/reference/trades.csv`).

Trades of a need come from its text and CPV code; trades of a structure from declared texts, name and activity code
(NAF).  Sources are kept separate, so that the judgement can weigh them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from operator import and_
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matcher.catalogue.catalogue import Catalogue
from matcher.domain import LENDING_KINDS, Offer
from matcher.learned import names as structure_names
from matcher.learned.activities import VAGUE
from matcher.learned.asks import names
from matcher.matching.parts import INSERTION
from matcher.matching.shortlist import Shortlist
from matcher.reference import tables, trades
from matcher.reference.arrays import model_arrays
from matcher.reference.text import fold

Floats = NDArray[np.float32]
NEGLIGIBLE = 0.05  # trades of less relevance to a need are ignored
MAIN = 0.6  # share from which a trade is the one that a lot asks for, no part of it
ASKED = 6  # trades of a lot that are looked at
CLEARLY = 0.5  # chance from which a trade is named as the one asked for
LENT = "personnel"  # the trade of lending staff, which the kind tells
RESALE = "reemploi"
#: Trades of many things: who collects or sells some does no part of what is asked of others.
BY_OBJECT = frozenset({"collecte-dechets", RESALE})
#: Trades whose share is published together with others, and with which: it tells nothing of a part of a lot.
WIDE = {
    "logistique": "du conditionnement, de la mise sous pli, de la manutention ou de la logistique",
    "industrie": "de la sous-traitance industrielle ou du montage",
}
#: What regulated trades require.
CARDS = {"gardiennage": "carte professionnelle", "nuisibles": "Certibiocide"}
RARELY = 0.15  # share of a kind below which it is no reason to call one
#: Confidence from which words state a trade, a code or a name indicates it, or near to it.
STATED, INDICATED, NEAR = 0.6, 0.4, 0.25
KNOWN = 0.9  # confidence of a code that is of one trade
NAMED = 0.75  # chance that a name tells a trade from which it is known for it
FIRST = 0.75  # of the highest that a name indicates, from which it indicates a trade too
PLAINLY = 0.9  # chance from which a lot asks for a trade that its words do not spell
HOUSE = frozenset(
    {"nettoyage", "gardiennage", "transport"}
)  # what whoever has another trade hires for itself
#: Trades that a structure has for itself: what it receives, trains and accompanies its own people with is no service.
OWN = frozenset({"accueil", "formation", "insertion", LENT})
PUBLISHED = ("ESAT", "EA")  # kinds whose shares by trade are published together
CLEAR_FROM = 0.3  # below this weight of its main trade, a need has no clear trade
NEIGHBOUR_WEIGHT = 0.35  # relevance of a neighbouring trade
WIDER, NARROWER = 0.5, 0.6  # of the trade that the one needed is part of, and of a part of it


@cache
def place(name: str) -> int:
    """Where a trade stands in every array of this module."""
    return names().index(name)


@cache
def among(some: frozenset[str]) -> NDArray[np.bool_]:
    """Which trades are of a set; (trades,)."""
    return np.array([name in some for name in names()])


@cache
def neighbourhood() -> Floats:
    """Relevance of each trade of a structure (columns) to each of a need (rows); shape (trades, trades).

    1 on the diagonal, NEIGHBOUR_WEIGHT between neighbouring trades, WIDER of the trade that a needed one is part of,
    NARROWER of the parts of a needed one.
    """
    near = np.eye(len(names()), dtype=np.float32)
    for first, second in (map(place, pair) for pair in trades.neighbours()):
        near[first, second] = near[second, first] = NEIGHBOUR_WEIGHT
    for trade in trades.trades():
        for wider in filter(None, trade.within):
            near[place(trade.name), place(wider)] = WIDER
            near[place(wider), place(trade.name)] = NARROWER
    return near


def weights_of(cell: str, sure: float = 1.0) -> Floats:
    """ "nettoyage 0.9|peinture 0.6" as a row of weights; trades outside the taxonomy are left out."""
    row = np.zeros(len(names()), dtype=np.float32)
    for part in cell.split("|"):
        name, _, weight = part.strip().partition(" ")
        if name in names():
            row[place(name)] = sure * float(weight)
    return row


# ------------------------------------------------------------------------------------------ of a need


def relevance(need: Floats) -> Floats:
    """Relevance of each trade to a need: 1 for its main trade, less for others and for neighbours; (trades,)."""
    return np.asarray(np.minimum((need @ neighbourhood()) / max(float(need.max()), CLEAR_FROM), 1.0))


def relevant(need: Floats) -> tuple[NDArray[np.int64], Floats]:
    """The trades that are not negligible to a need, and the relevance of each as a column; (asked,), (asked, 1)."""
    worth = relevance(need)
    asked = np.flatnonzero(worth > NEGLIGIBLE)
    return asked, worth[asked, None]


def match(
    shortlist: Shortlist,
    held: NDArray[Any],
    rows: NDArray[np.integer] | None = None,
    worth: Floats | None = None,
) -> NDArray[np.float64]:
    """Match of trade weights (or of rows of them) with the lot: 1 where its main trade is certain; (rows,).

    `worth` is what each trade counts, (trades,), if not its relevance.
    """
    if rows is not None and len(held) < len(rows):
        return np.asarray(match(shortlist, held, None, worth)[rows])
    trades_, each = shortlist.query.demand.trades, shortlist.query.demand.worth
    if worth is not None:
        trades_ = np.flatnonzero(worth)
        each = worth[trades_, None]
    # whole rows are read faster than some of their places; one row for each trade is reduced faster than many short ones
    weights = (held if rows is None else held.take(rows, axis=0)).T[trades_]
    return np.asarray((weights * each).max(axis=0, initial=0.0), dtype=np.float64)


def shares(shortlist: Shortlist) -> Floats:
    """The share of the lot that is of each trade, 0 of neighbours; support of people, or lent staff, is no other part; (trades,).

    Who resells things is a neighbour of who makes of them what is asked more than that.
    """

    def make() -> Floats:
        asked = shortlist.query.asked.trades
        made = max((asked.get(name, 0.0) for name in _makers()), default=0.0)
        if asked.get(RESALE, 0.0) < made:
            asked = {name: share for name, share in asked.items() if name != RESALE}
        beside = {name: share for name, share in asked.items() if name in (INSERTION, LENT)}
        rest = sum(asked.values()) - sum(beside.values())
        of_rest = {name: share / rest if rest > 0.0 else 0.0 for name, share in asked.items()} | beside
        return np.array([of_rest.get(name, 0.0) for name in names()])

    return shortlist.query.memo.once("shares of trades", make)


@cache
def _makers() -> frozenset[str]:
    """Trades that make something of things that others resell."""
    pairs = (pair for pair in trades.neighbours() if RESALE in pair)
    return frozenset(name for pair in pairs for name in pair) - BY_OBJECT


def lent_beside(shortlist: Shortlist) -> NDArray[np.bool_]:
    """The trade of lending staff, which the kind tells, where another is asked for; (trades,)."""
    several = any(name != LENT for name in shortlist.query.asked.trades)
    return np.array([several and name == LENT for name in names()])


def near(shortlist: Shortlist) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which trades are neighbours of those asked for, and which of them the wider ones that those are parts of; (trades,) each.

    A part of the main one is another part, no neighbour.
    """

    def make() -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        share = shares(shortlist)
        asked = [
            trade for trade, part in zip(trades.trades(), share, strict=True) if part and trade.name != LENT
        ]
        around = {name for trade in asked for name in trades.related()[trade.name]}
        main = names()[int(share.argmax())]
        told = [trade.name in around and main not in trade.within for trade in trades.trades()]
        wider = [any(name in trade.within for trade in asked) for name in names()]
        return np.array(told) & (share == 0), np.array(wider) & (share == 0)

    return shortlist.query.memo.once("neighbours of trades", make)


def for_itself(trade: int, offer: Offer, otherwise: Floats, kind: str) -> bool:
    """Is a trade told by an offer what a structure trains its own in, or hires for?  Name and code tell each trade `otherwise`."""
    # the posts of whoever lends staff are what it lends
    post = bool(offer.rome) and kind not in LENDING_KINDS
    if otherwise[trade] >= NEAR or not (post or offer.nature == "description"):
        return False
    return bool(among(OWN)[trade] or (post and among(HOUSE)[trade] and otherwise.max() >= STATED))


def label(trade: int) -> str:
    """What a trade is called, in a few words."""
    return trades.trades()[trade].label.partition(" : ")[0]


def plainly(shortlist: Shortlist, trade: int) -> bool:
    """Do the words of the lot spell a trade, or leave no doubt of it, for the things that it is usually of?"""

    def make() -> bool:
        spelt = spells(shortlist.query.text, trade)
        sure = spelt or shortlist.query.asked.chances.get(names()[trade], 0.0) >= PLAINLY
        return sure and not other_things(shortlist, trade, label(trade))

    return shortlist.query.memo.once(("plainly", trade), make)


def other_things(shortlist: Shortlist, trade: int, *texts: str) -> bool:
    """Does the first of these texts that tells of things tell of a trade for others than the lot is about?"""
    if not telling(shortlist)[trade]:
        return False
    ours = _told_of(trade, shortlist.query.text)
    theirs = next(filter(any, (_told_of(trade, text) for text in texts)), ours)
    return not any(map(and_, ours, theirs))


def said_of_others(shortlist: Shortlist, trade: int, *texts: str) -> bool:
    """The same of what a structure says: who states a trade as it is called, where that lists several things, does them all."""
    called = label(trade)
    whole = " et " in called and any(fold(called) in fold(text) for text in texts)
    return not whole and other_things(shortlist, trade, *texts)


def telling(shortlist: Shortlist) -> NDArray[np.bool_]:
    """The trades of whose things the lot tells; (trades,)."""
    query = shortlist.query
    every = range(len(trades.trades()))
    return query.memo.once("things", lambda: np.array([any(_told_of(trade, query.text)) for trade in every]))


@lru_cache(20_000)  # a structure is explained for many lots
def spells(text: str, trade: int) -> bool:
    """Do words of a trade stand in a text?"""
    return trades.trades()[trade].words.search(fold(text)) is not None


@lru_cache(4_000)  # a structure is explained for many lots
def _told_of(trade: int, text: str) -> list[bool]:
    things = trades.trades()[trade].things
    return [re.search(rf"\b(?:{words})\b", fold(text)) is not None for words in things]


def in_words(shortlist: Shortlist, trade: int, main: str = "") -> str:
    """What a trade is to the lot, with its name; `main` of the one asked for, the name alone of one that is perhaps, « quoted »."""
    share = shares(shortlist)[trade]
    if share and not plainly(shortlist, trade):
        return f"« {label(trade)} »" if main else label(trade)
    what = main if share > MAIN else "une part du besoin" if share else "un métier voisin"
    return f"{what} ({label(trade)})" if what else label(trade)


def asked_in_words(shortlist: Shortlist) -> str:
    """The trades that the lot clearly asks for, the first two of several: "ce métier (peinture)"."""

    def make() -> str:
        chances, share = shortlist.query.asked.chances, shares(shortlist)
        asked = [at for at in np.argsort(-share)[:ASKED].tolist() if share[at] > 0 and names()[at] != LENT]
        clear = [label(at) for at in asked if chances.get(names()[at], 0.0) >= CLEARLY]
        told = ", ".join([*{name.partition(" ")[0]: name for name in reversed(clear)}.values()][:-3:-1])
        return f"ces métiers ({told})" if len(clear) > 1 else f"ce métier ({told})" if told else "ce métier"

    return shortlist.query.memo.once("trades in words", make)


# ------------------------------------------------------------------------------------------ of a structure


@cache
def _code_table(kind: str) -> Mapping[str, Floats]:
    """Trades by code: "naf" of activities, "rome" of jobs."""
    return {row[kind]: weights_of(row["trades"]) for row in tables.assumptions(f"{kind}_trades.csv")}


def of_name(name: str) -> Floats:
    """Trades that a name tells; zeros if none.

    Who is known for collecting and selling things does not make them, but what is a part of it, or what the name spells.
    Places and "services", which weakly tell cleaning and another kind of trade alike, tell none.
    """
    told = structure_names.shipped().told(name)
    alike = told >= FIRST * told.max()
    if told.max() < STATED and (neighbourhood()[alike & among(HOUSE)][:, alike] == 0).any():
        told = told * among(frozenset(trades.named(name)))
    known = float((told * among(BY_OBJECT)).max())
    if known:
        parts = (each.name for each in trades.trades() if not BY_OBJECT.isdisjoint((each.name, *each.within)))
        own = among(frozenset((*parts, *trades.named(name))))
        told = np.where((known >= FIRST * told) & ~own, np.float32(0.0), told)
    return told


def of_code(code: str) -> Floats:
    """Trades indicated by an activity code, by its longest prefix in the table; zeros for a vague code."""
    return weights_of("") if code.upper() in VAGUE else _by_prefix(_code_table("naf"), code.upper())


def _by_prefix(known: Mapping[str, Floats], code: str) -> Floats:
    """What is known of the longest prefix of a code, of two characters at least; zeros if none."""
    return next((known[code[:n]] for n in range(len(code), 1, -1) if code[:n] in known), weights_of(""))


def by_name(catalogue: Catalogue, rows: Any) -> tuple[Floats, NDArray[np.int32]]:
    """Trades of the different names, with their highest as last column, and which of them each of `rows` has.

    Shapes: (kinds of names, trades and one), (rows,).
    """
    like = np.zeros(len(names()) + 1, dtype=np.float32)
    return catalogue.words_read("trades", "name", lambda name: _with_highest(of_name(name or "")), rows, like)


def called(catalogue: Catalogue) -> tuple[NDArray[np.int64], Floats]:
    """The trade but HOUSE that each of the different names tells first, and how surely; (kinds of names,) each."""

    def make() -> tuple[NDArray[np.int64], Floats]:
        own = np.where(among(HOUSE), np.float32(0.0), by_name(catalogue, ())[0][:, :-1])
        return own.argmax(axis=1), own.max(axis=1)

    return catalogue.once("called by name", make)


def by_code(catalogue: Catalogue, rows: Any) -> tuple[Floats, NDArray[np.int32]]:
    """The same of activity codes."""
    numbers, codes = catalogue.coded("naf")
    known = catalogue.once(
        "trades by code", lambda: np.array([_with_highest(of_code(code or "")) for code in [*codes, ""]])
    )
    return known, numbers[rows]


def _with_highest(weights: Floats) -> Floats:
    return np.append(weights, weights.max(initial=0.0)).astype(np.float32)


def of_job(code: str) -> Floats:
    """Trades of a job (ROME code), by its longest prefix in the table; zeros if none."""
    return _by_prefix(_code_table("rome"), code.strip().upper())


@lru_cache(10_000)  # the posts of a structure are read for many lots
def of_jobs(codes: tuple[str, ...]) -> Floats:
    """The highest weight of each trade of several jobs (ROME codes); zeros of none."""
    return np.asarray(np.max([of_job(code) for code in ("", *codes)], axis=0), dtype=np.float32)


def by_job(catalogue: Catalogue) -> tuple[NDArray[np.float16], NDArray[np.int32]]:
    """Trades of each combination of declared job codes (ROME), and that of each structure; (rows, trades), (structures,)."""
    numbers, listed = catalogue.coded("jobs")

    def make() -> NDArray[np.float16]:
        found = [of_jobs(tuple(codes.split())) for codes in [*listed, ""]]
        return np.array(found, dtype=np.float16)

    return catalogue.once("trades by job", make), numbers


# ------------------------------------------------------------------------------------------ of a silent structure


class Priors(NamedTuple):
    """Prior probability of each trade from kind, activity code and name alone (logistic regression), as in priors.npz."""

    kinds: NDArray[np.str_]
    rates: Floats  # log-odds of each kind, then of all kinds together; (kinds and one, trades)
    weights: Floats  # of the rate of the kind, and of what name, code and kind tell
    bias: Floats

    def rate(self, kind: str) -> Floats:
        """Log-odds of each trade for a kind, of all kinds together for another; (trades,)."""
        known = np.flatnonzero(self.kinds == kind)
        return np.asarray(self.rates[known[0] if len(known) else -1], np.float32)

    def chances(self, rate: Floats, told: Floats) -> Floats:
        """Probabilities for log-odds of a kind and what else is told, of one shape."""
        of_rate, of_told = self.weights
        return np.asarray(1 / (1 + np.exp(-(of_rate * rate + of_told * told + self.bias))))


BLOCK = 20_000  # structures of which all trades are read at once
LIKELY_TRADE = 0.3  # threshold to name an inferred trade: nearly half of those above are confirmed by contracts or hirings


@cache
def priors(folder: Path | None = None) -> Priors:
    """The learnt priors of models/judgement."""
    with model_arrays("priors", folder, "judgement") as held:
        return Priors(**held)


def told(kind: str, code: str, name: str) -> Floats:
    """The chance of each trade by what a structure's name, code and kind tell together; (trades,)."""
    reader = structure_names.shipped()
    return structure_names.chance(reader.by_name(name), reader.by_code(code), reader.by_kind(kind))


def prior_chances(kind: str, code: str, name: str, model: Priors | None = None) -> Floats:
    """The same with the rates of the kind; (trades,)."""
    model = model or priors()
    return model.chances(model.rate(kind), told(kind, code, name))


def inferred_trades(catalogue: Catalogue, row: int) -> list[tuple[str, float]]:
    """Trades likely by kind, activity code and name: French label and probability, likeliest first."""
    kind, code, name = (catalogue.of_structure(column)[row] or "" for column in ("kind", "naf", "name"))
    chances = prior_chances(kind, code, name)
    labels = [trade.label for trade in trades.trades()]
    order = np.argsort(-chances, kind="stable")
    return [(labels[i], float(chances[i])) for i in order if chances[i] >= LIKELY_TRADE]


@cache
def kind_rates() -> Floats:
    """Published share of ESAT and EA that practise each trade; (trades,)."""
    found = np.zeros(len(names()), dtype=np.float32)
    for row in tables.assumptions("kind_trades.csv"):
        found[place(row["trade"])] = float(row["rate"])
    return found


@cache
def rates_of(kind: str) -> Floats:
    """The share of a kind that does each trade: published, else of those whose hours or jobs tell it; 0 if unknown; (trades,)."""
    if kind in PUBLISHED:
        return kind_rates()
    known = kind in ("", *priors().kinds)
    return np.asarray(known / (1 + np.exp(-priors().rate(kind))), dtype=np.float32)


def usual(shortlist: Shortlist, kind: str) -> tuple[int, float]:
    """The trade of a lot, or a part of it, that most of a kind do, and their share; one of a wide trade tells nothing of a part."""

    def make() -> tuple[int, float]:
        beside = (LENT, INSERTION)
        least = [1.0 if name in beside else MAIN if name in WIDE else 0.0 for name in names()]
        rates = rates_of(kind) * (shares(shortlist) > least)
        trade = int(rates.argmax())
        known = rates[trade] >= RARELY and not other_things(shortlist, trade, label(trade))
        return trade, float(rates[trade]) * known

    return shortlist.query.memo.once(("usual", kind), make)


def usual_in_words(shortlist: Shortlist, kind: str) -> str:
    """The share of a kind that does what is asked, in French; of a trade that it may be, the trade alone; "" if few or unknown."""
    trade, share = usual(shortlist, kind)
    lends = kind in LENDING_KINDS
    if not share or not (lends or kind in PUBLISHED):
        return ""
    what = in_words(shortlist, trade, "ce métier")
    if lends:
        return f"environ {100 * share:.0f} % des {kind} placent dans {what}"
    return f"environ {100 * share:.0f} % des {' et '.join(PUBLISHED)} font {WIDE.get(names()[trade], what)}"


def kind_rate(shortlist: Shortlist) -> float:
    """The share of ESAT and EA that practise what the lot asks for, by the rates of their sector."""
    asked = shortlist.query.demand
    return float((kind_rates()[asked.trades] * asked.worth[:, 0]).max(initial=0.0))


def barred(shortlist: Shortlist) -> bool:
    """Is it nothing that lent staff may do: of a regulated trade, or the removal of asbestos alone (D4154-1 of the labour code)?"""
    demolition = place("demolition")
    removal = shares(shortlist)[demolition] > 0 and other_things(shortlist, demolition, label(demolition))
    return bool(removal) or not CARDS.keys().isdisjoint(shortlist.query.asked.trades)


def told_trade(shortlist: Shortlist) -> NDArray[np.float64]:
    """Match of the lot with the trades that name, code and kind tell together; (n,)."""
    return np.asarray((shortlist.query.demand.worth * _told(shortlist)).max(axis=0, initial=0.0), np.float64)


def prior_trade(shortlist: Shortlist) -> NDArray[np.float64]:
    """Match of the lot with the trades that kind, code and name make likely, whatever is declared; (n,)."""
    catalogue, asked = shortlist.catalogue, shortlist.query.demand.trades
    rates = catalogue.once(
        "rates", lambda: np.array([priors().rate(kind or "") for kind in _words(catalogue, "kind")])
    )
    rate = np.ascontiguousarray(rates[:, asked].T).take(
        catalogue.coded("kind")[0][shortlist.candidates], axis=1
    )
    chances = priors().chances(rate, _told(shortlist))
    return np.asarray((shortlist.query.demand.worth * chances).max(axis=0, initial=0.0), dtype=np.float64)


def _told(shortlist: Shortlist) -> Floats:
    """The chance of each trade of the lot for each candidate, by name, code and kind; (trades asked, n)."""

    def make() -> Floats:
        asked, rows = shortlist.query.demand.trades, shortlist.candidates
        # few kinds, codes and names for many structures: the tables are small; one whole row for each trade is read fastest
        parts = (
            (np.ascontiguousarray(table[:, asked].T), at[rows]) for table, at in _parts(shortlist.catalogue)
        )
        return structure_names.chance(*(table.take(at, axis=1) for table, at in parts))

    return shortlist.once("told chances", make)


def surest(catalogue: Catalogue) -> Floats:
    """The chance of the likeliest trade of each structure, by its name, code and kind; (structures,)."""

    def make() -> Floats:
        parts, most = _parts(catalogue), np.zeros(len(catalogue), dtype=np.float32)
        for low in range(0, len(most), BLOCK):
            some = slice(low, low + BLOCK)
            most[some] = structure_names.chance(*(table[at[some]] for table, at in parts)).max(axis=1)
        return most

    return catalogue.once("surest trade", make)


def _parts(catalogue: Catalogue) -> tuple[tuple[Any, Any], ...]:
    """What the different names, codes and kinds add to the chance of each trade, and which each structure has."""

    def make() -> tuple[tuple[Any, Any], ...]:
        reader = structure_names.shipped()
        codes, kinds = ([word or "" for word in _words(catalogue, column)] for column in ("naf", "kind"))
        return (
            does_by_name(catalogue, np.arange(len(catalogue))),
            (np.array([*map(reader.by_code, codes)]), catalogue.coded("naf")[0]),
            (np.array([*map(reader.by_kind, kinds)]), catalogue.coded("kind")[0]),
        )

    return catalogue.once("told parts", make)


def _words(catalogue: Catalogue, column: str) -> list[str | None]:
    """The different words of a column, and none."""
    return [*catalogue.coded(column)[1], ""]


def does_by_name(catalogue: Catalogue, rows: Any) -> tuple[Any, NDArray[np.int32]]:
    """What the different names add to the chance of each trade, in hundredths, and which of them each of `rows` has."""
    like = np.zeros(len(names()), dtype=np.int8)
    return catalogue.words_read(
        "does", "name", lambda name: structure_names.shipped().by_name(name or ""), rows, like
    )
