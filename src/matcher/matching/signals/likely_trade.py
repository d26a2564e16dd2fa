"""Likely trade: confidence that the structure has the trade required, from declared texts, name and activity code."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache, lru_cache
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matcher.catalogue.columns import DECLARED
from matcher.domain import LENDING_KINDS, Offer, Structure
from matcher.learned import asks
from matcher.learned.activities import VAGUE
from matcher.learned.names import plain
from matcher.matching import declared, evidence, trades
from matcher.matching.evidence import Piece
from matcher.matching.shortlist import Column, Memo, Shortlist
from matcher.matching.signals import Why
from matcher.matching.trades import BY_OBJECT, FIRST, INDICATED, KNOWN, MAIN, NEAR, OWN, STATED
from matcher.reference import codes
from matcher.reference import trades as trades_
from matcher.reference.text import fold, shorten, tokens

QUOTED = 160  # characters of a quotation
_TRAINED = re.compile(r"\b(?:formations?|former|apprend\w*|apprentissages?|initiations?)\b")
#: What is no offer: how to reach it, whom it hires, and what it does in its own rooms.
_NO_OFFER = re.compile(
    r"^esat et entreprises adaptees|\bretire\]|\b(?:tel|mail|courriel|telephone|adresse|siege social)\b ?:|\b\d{5}\b"
    r"|\bdebutants? accept|\b(?:nos|notre|ses) (?:(?:propres|differents) )?(?:locaux|boutiques?|magasins?|sites|bureaux|ateliers)\b"
)
ALIKE = 0.85  # of the highest confidence, from which another is as good
SHORT = 5  # letters of a word that is too common to name a trade: "bois"
THIS = "ce métier"
#: Confidence in the trade of words that do not spell it, plus their similarity to the lot, from which they tell it, perhaps or plainly
WITNESSED, SURELY = 1.1, 1.7
IRONING = "repassage"  # alone, of laundry
#: How much a fact tells of the trade asked for: of several the one that tells most is the reason.
OTHER, HINTED, PERHAPS, BESIDE, ASIDE, CLOSE, CLEAR = range(7)
Slots = NDArray[np.integer]


def measure(shortlist: Shortlist) -> Column:
    """0 (no source) to 1 (every source); where none indicates any trade the share of its kind, NaN if not published."""
    silent = evidence.of(shortlist, "silent") > 0
    return np.where(silent, evidence.of(shortlist, "kind_rate"), evidence.of(shortlist, "sure"))


def explain(shortlist: Shortlist, i: int, value: float) -> Why:
    """The fact that tells most, and what a second source says where it is not a plain word of its own.

    Where none tells the trade surely, what another establishment of its bidder says of it, or what its kind makes likely.
    """
    # the first of equals; of other things a source tells more than a name
    facts = sorted(_facts(shortlist, i), key=lambda f: (-f.level, f.level == ASIDE and not f.source))
    named = trades.asked_in_words(shortlist)
    asked = f"ne dit pas {named}"
    silent = asked if len(declared.slots_of(shortlist).of(i)) else "ne dit rien de ses métiers"
    best = facts[0] if facts else _Fact(OTHER, silent, "", tells=False)
    told, tells = [best.text], best.tells
    if not (best.level == CLEAR and best.offer):
        others = (fact for fact in facts[1:] if fact.level > OTHER or fact.offer or not best.source)
        told.append(next(filter(None, (fact.source for fact in others)), ""))
    if best.level < (CLOSE if best.source else CLEAR):  # of a name alone what is perhaps
        kind = str(shortlist.catalogue.of_structure("kind")[shortlist.candidates[i]])
        likely = _elsewhere(shortlist, i) or trades.usual_in_words(shortlist, kind)
        told = told if facts or likely or named == THIS else [asked]
        if likely or not best.source:
            told.append(", ".join(filter(None, (likely, _to_ask(shortlist, i)))))
        tells = tells or bool(likely)
    return Why(" ; ".join(filter(None, told)), *best.passages, tells, best.offer)


class _Fact(NamedTuple):
    """What a source tells of the trade asked for: how much, the words that lead to the source, and those of the source."""

    level: float
    lead: str
    source: str
    passages: tuple[str, str] = ("", "")
    tells: bool = True
    offer: Offer | None = None

    @property
    def text(self) -> str:
        return f"{self.lead} {self.source}".strip()


def _facts(shortlist: Shortlist, i: int) -> Iterator[_Fact]:
    """What tells something of the trade of candidate i: its own words, its activity code before mere posts, its name."""
    slots, row = declared.slots_of(shortlist).of(i), shortlist.candidates[i]
    code, name, kind = (str(shortlist.catalogue.of_structure(key)[row]) for key in ("naf", "name", "kind"))
    names, at = trades.by_name(shortlist.catalogue, shortlist.candidates[i : i + 1])  # as stored
    by_code, by_name = trades.of_code(code), names[at[0], :-1]
    held = declared.pieces(shortlist).trades[slots].astype(np.float32)  # of which the maximum is quicker
    said = held.max(axis=0, initial=0.0)
    otherwise = np.maximum(by_code, by_name)
    # what these state is not what it "does not say", though its words tell something else
    all_jobs, of_row = trades.by_job(shortlist.catalogue)
    jobs = all_jobs[of_row[row]]
    asked = np.maximum(otherwise, jobs) * (trades.shares(shortlist) > 0)
    other = "dit d'abord un autre métier :"
    lead = other if asked.max() >= STATED else f"ne dit pas {trades.asked_in_words(shortlist)} ;"
    lead = lead if trades.shares(shortlist).any() else "le plus proche du besoin :"  # no trade is read of it
    own = _said(shortlist, i, slots, held, otherwise, jobs, lead) if len(slots) else None
    coded: Iterable[_Fact] = _coded(shortlist, by_code, code.upper(), (said, by_name), name, lead)
    if kind in LENDING_KINDS:  # its code is of its members, or of lending
        coded = [fact for fact in coded if kind != "GEIQ" and code[:2] != "78" and fact.level > OTHER]
    if own and own[0].level == ASIDE:  # its words tell for what it has the trade of its code
        coded = [fact for fact in coded if fact.level > CLOSE]
    told = [own[0]] if own else []
    if own and own[0].level == OTHER and kind in LENDING_KINDS:  # whoever lends one trade may lend another
        which = np.flatnonzero(_asked(shortlist)).tolist()
        spelt = any(trades.spells(own[0].source, trade) for trade in which)
        told = [own[0]._replace(lead="")] if spelt else []  # spelt, it is not what it "does not say"
    if not told:
        least = CLOSE if kind in LENDING_KINDS else ASIDE  # no neighbour of whoever lends
        yield from (fact for fact in _named(shortlist, by_name, name, code) if fact.level >= least)
    yield from chain(coded, told) if own and own[1].post else chain(told, coded)


def _said(
    shortlist: Shortlist,
    i: int,
    slots: Slots,
    held: trades.Floats,
    otherwise: trades.Floats,
    jobs: NDArray[np.floating],
    lead: str,
) -> tuple[_Fact, Piece] | None:
    """What it declares of its services nearest to the lot, as published: of pieces of the same trade one with its words.

    Where none is of what is asked, one that names it, else one that tells what it does; None where it declares no
    service.  `held` is what its pieces tell of each trade, `otherwise` what its code and name do, `jobs` its posts.
    """
    pieces, worth = declared.pieces(shortlist), _worth(shortlist)
    structure = shortlist.catalogue.structure(int(shortlist.candidates[i]))

    @cache
    def codes_of() -> list[tuple[str, ...]]:
        """The codes of jobs of each piece."""
        listed, offer = shortlist.rows_of(i, *DECLARED), shortlist.catalogue.offer
        return [offer(row).rome for row in pieces.rows_with(slots, listed).tolist()]

    @cache
    def texts() -> trades.Floats:
        """What its texts tell of each trade, beside its posts."""
        return np.asarray(held[[not each for each in codes_of()]].max(axis=0, initial=0.0))

    def first(among: NDArray[np.bool_], weights: NDArray[Any]) -> Piece | None:
        met = held * weights
        told = met.max(axis=1)
        while among.any():
            kept = np.flatnonzero(among & (told >= min(ALIKE * told[among].max(), STATED)))
            spelt = [  # a long one says other things too
                trades.spells(text, trade) * (1.0 if len(text) <= QUOTED else 0.5)
                for text, trade in zip(
                    map(pieces.text, slots[kept].tolist()), met[kept].argmax(axis=1).tolist(), strict=True
                )
            ]
            near = pieces.compare(declared.view_of(shortlist), slots[kept])
            at = kept[(near + told[kept] + spelt).argmax()]
            (piece,) = evidence.pieces_of(shortlist, i, slots[at : at + 1])
            if not _unfit(piece, worth, otherwise, structure):
                return piece._replace(near=float(near[at == kept][0]))
            among = among & (slots != slots[at])
        return None

    def quoted(piece: Piece | None, trade: int = -1) -> tuple[_Fact, Piece] | None:
        if piece is None:
            return None
        doubtful = np.zeros(len(worth), dtype=bool)
        if piece.post and structure.kind not in LENDING_KINDS and texts().max() >= STATED:
            doubtful = texts() < STATED  # a post beside what its texts tell
        return _quoted(shortlist, piece, worth, lead, trade, doubtful, structure.name), piece

    ours = np.ones(len(slots), dtype=bool)
    own = quoted(first(ours, worth))
    if own and own[0].level == ASIDE:  # another of its pieces may be of what the lot is about
        met = held * worth * (trades.shares(shortlist) > 0)
        each = zip(met.argmax(axis=1).tolist(), map(pieces.text, slots.tolist()), strict=True)
        apart = [trades.said_of_others(shortlist, trade, text) for trade, text in each]
        ours = (met.max(axis=1) >= INDICATED) & ~np.array(apart)
        own = quoted(first(ours, worth)) or own
    if own is None or own[0].level == CLEAR:
        return own
    lent = (jobs >= KNOWN) & (trades.shares(shortlist) > 0) & (structure.kind in LENDING_KINDS)
    for trade in np.flatnonzero(_asked(shortlist) | lent).tolist():
        named = np.array([_names(pieces.text(slot), trade) for slot in slots.tolist()])
        if jobs[trade] >= KNOWN:  # a post whose code is of it
            named |= [any(trades.of_job(code)[trade] >= KNOWN for code in each) for each in codes_of()]
        if piece := first(named & ours, worth):
            return quoted(piece, trade)
    stated = (held * ~trades.among(OWN)).max(axis=1) >= STATED
    if own[0].level >= BESIDE:
        return own
    plain = quoted(first(stated, ~trades.among(OWN)))
    level = OTHER if plain is None else plain[0].level
    return own if own[0].level > level else plain


def _unfit(piece: Piece, worth: trades.Floats, otherwise: trades.Floats, structure: Structure) -> bool:
    """Is it no service: what it has for itself, how to reach it, its name, or a heading?"""
    trade = int((piece.held * worth).argmax())
    return bool(
        (piece.held[trade] >= NEAR and trades.for_itself(trade, piece.offer, otherwise, structure.kind))
        or _TRAINED.search(fold(piece.sentence.partition(piece.text)[0]))
        or _NO_OFFER.search(fold(piece.text))
        or plain(piece.text).strip() == plain(structure.name).strip()
        or " autour d" in piece.sentence  # of a page of a directory
    )


def _quoted(
    shortlist: Shortlist,
    piece: Piece,
    worth: trades.Floats,
    lead: str,
    named: int,
    doubtful: NDArray[np.bool_],
    name: str,
) -> _Fact:
    """What a piece says of its trade, or of the one that it, or the `name` of who says it, names; perhaps, if `doubtful`."""
    sure = named >= 0
    trade = named if sure else int((piece.held * worth).argmax())
    share = trades.shares(shortlist)
    plain = not _TRAINED.search(fold(piece.text)) and (share[trade] > 0 or trades.spells(piece.text, trade))
    least = INDICATED if plain else STATED
    if not sure and piece.held[trade] < least:
        trade = int(piece.held.argmax())  # what it tells itself
    who = "parmi ses postes," if piece.post else "selon sa fiche,"
    who = f"selon {piece.offer.source}," if piece.read else who
    title = piece.offer.title if piece.offer.nature == "job" else ""
    quote = _quote(piece.text, piece.sentence, title, trade, bool(share[trade] > 0))
    passages = shorten(shortlist.query.text, 160), quote
    spells = trades.spells(piece.text, trade)
    spelt = sure or (spells and not _aside(piece, trade)) or piece.by_job[trade] >= KNOWN
    spelt = spelt or trades.spells(name, trade)
    # what spells no trade is read: how near it is to the lot is a second witness of it
    elsewhere = piece.post and piece.by_job.max() >= STATED and piece.by_job[trade] < NEAR
    read = 0.0 if elsewhere else float(piece.held[trade]) + piece.near
    known = spelt or (share[trade] > 0 and (spells or read >= WITNESSED))  # a neighbour is not guessed
    held = float(known and (sure or piece.held[trade] >= least))
    weak = not sure and piece.held[trade] < STATED
    clear = bool(spelt or read >= SURELY) and not (doubtful[trade] or (weak and share[trade] > 0))
    level, lead = _told(shortlist, trade, held, clear, (piece.text, piece.sentence), lead)
    if weak and share[trade] > 0:
        level = min(level, PERHAPS)
    tells = bool(level >= CLOSE and share[trade] > 0)
    return _Fact(level, lead, f"{who} « {quote} »", passages, tells, piece.offer)


def _told(
    shortlist: Shortlist, trade: int, held: float, sure: bool, texts: tuple[str, ...], lead: str
) -> tuple[float, str]:
    """How much a source tells that indicates a trade as its own, and the words that lead to it.

    It is asked for, surely or perhaps, or is a neighbour of what is, or another; a source is never of more trades than
    it states.  The first of `texts` that does tells the things that it works on.
    """
    share = trades.shares(shortlist)[trade]
    things = trades.said_of_others(shortlist, trade, *texts)
    if held < STATED or (things and not share):
        return OTHER, lead
    if things:
        return ASIDE, f"{trades.label(trade)}, pour autre chose :"
    if share:
        level, perhaps = (CLEAR, "") if sure else (CLOSE, "peut-être ")
        return level, f"{perhaps}{trades.in_words(shortlist, trade)} :"
    if trades.near(shortlist)[0][trade]:
        return BESIDE if sure else HINTED, f"un métier voisin ({trades.label(trade)}) :"
    return OTHER, lead


def _aside(piece: Piece, trade: int) -> bool:
    """Is it a word alone among what is made, which is of another trade, or ironing, which is no laundry?"""
    before, related = piece.sentence.partition(piece.text)[0], trades_.related()[asks.names()[trade]]
    listed = len(tokens(piece.text)) < 2 and before.rfind("(") > before.rfind(")")
    other = listed and not any(trades.spells(before, trades.place(name)) for name in related)
    return other or fold(piece.text) == IRONING


@lru_cache(20_000)
def _names(text: str, trade: int) -> bool:
    """Does a text name a trade as it is called, and not as what it trains in?"""
    text, label = (fold(each).replace("-", " ") for each in (text, trades.label(trade)))
    hits = (re.search(rf"\b{word}\b", text) for word in label.split(" et ") if len(word) > SHORT)
    return any(hit and not _TRAINED.search(text[: hit.start()]) for hit in hits)


def _asked(shortlist: Shortlist) -> NDArray[np.bool_]:
    """Which trades asked for are services that whoever names them offers; (trades,)."""

    def make() -> NDArray[np.bool_]:
        free = ~trades.among(BY_OBJECT | OWN)
        return np.asarray(free & (trades.shares(shortlist) > 0))

    return shortlist.query.memo.once("trades asked", make)


@lru_cache(4_000)
def _quote(piece: str, sentence: str, title: str, trade: int, asked: bool) -> str:
    """The title or the sentence in which a piece stands, where it is short; else the piece, or the words around a weak one.

    A piece alone may say little ("de vente"); it follows the `title` of a job that it describes.  Of a long one the words of
    the trade are shown; what is `asked` does not begin with what the sentence lists of other trades.
    """
    if title and piece in declared.cut(title):
        return shorten(_bare(title), QUOTED)
    sentence = _bare(sentence)
    begun = sentence.find(piece)
    before = sentence[: max(0, begun)].rstrip()
    others = trades_.named(before) if before.endswith((",", ";")) and "(" not in before else ()
    if asked and others and asks.names()[trade] not in others:
        sentence, begun = "…" + sentence[begun:], 1
    head = f"{_bare(title)} : " if title else ""
    if len(head) + len(sentence) <= QUOTED:
        return head + sentence
    if len(tokens(piece)) > 1 or begun < 0:  # one word of content is weak by itself
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
    shortlist: Shortlist,
    held: trades.Floats,
    code: str,
    told: tuple[trades.Floats, trades.Floats],
    name: str,
    lead: str,
) -> Iterator[_Fact]:
    """What its activity code indicates first: perhaps, where it tells several trades alike.

    It is not sure where `told`, by its words and its name, is another trade first.  A vague code counts where its label
    spells what is asked.
    """
    shares = trades.shares(shortlist)
    label = shorten(codes.naf_label(code).removesuffix(" n.c.a."), 80)
    fact = f"activité au registre « {label} » (NAF {code})"
    if code in VAGUE and shares.max() > MAIN and trades.spells(label, main := int(shares.argmax())):
        level, lead = _told(shortlist, main, 1.0, False, (label,), lead)
        yield _Fact(level, lead, fact, ("", label))
    if not label or code in VAGUE:
        return
    trade, alike = _first(shortlist, held)
    said, named = told
    other = (said.max() >= STATED and said[trade] < INDICATED) or (
        named.max() >= STATED and named[trade] < FIRST * named.max()
    )
    enough = held[trade] >= INDICATED
    sure = held[trade] >= KNOWN and (not alike or trades.spells(label, trade)) and not other
    if shares[trade] > 0:
        sure = sure and trades.plainly(shortlist, trade)
    elif alike or held[trade] < 1.0:  # of a neighbour by a code that is of it in part
        enough = False
    level, lead = _told(shortlist, trade, 1.0 if enough else 0.0, sure, (label, name), lead)
    if held[trade] < STATED:
        level = min(level, PERHAPS)
    yield _Fact(level, lead, fact, ("", label), bool(level >= CLOSE and shares[trade] > 0))


def _named(shortlist: Shortlist, held: trades.Floats, name: str, code: str) -> Iterator[_Fact]:
    """The trade asked for that its name indicates: perhaps, where its words are of several, or of none.

    What it is done for its activity code may tell, where the name does not.
    """
    known, held = held, held * (trades.shares(shortlist) > 0)
    trade, _ = _first(shortlist, held)
    last = fold(name).rpartition(" ")[2]  # registers cut a long name
    cut = len(last) > SHORT and any(word.startswith(last) for word in fold(trades.label(trade)).split())
    spelt = trades.spells(name, trade) or cut
    if held[trade] < INDICATED:
        return
    # who is known for appliances collects no clothes
    elsewhere = asks.names()[trade] in BY_OBJECT and (known * ~trades.among(BY_OBJECT)).max() >= trades.NAMED
    regie = evidence.SAID_BY_NAME["régie"].search(fold(name))
    if elsewhere or trades.other_things(shortlist, trade, *evidence.things_named(trade, name, code)):
        how = "une régie fait d'ordinaire" if regie else "son nom évoque"
        text = f"{how} {trades.label(trade)}, pour autre chose que le besoin"
        yield _Fact(ASIDE, text, "", ("", name), tells=False)
        return
    what = trades.in_words(shortlist, trade, THIS)
    if regie:
        yield _Fact(CLOSE, f"une régie fait d'ordinaire {what}", "", ("", name))
        return
    if held[trade] < FIRST * known.max() and not spelt:  # a side trade of what it is known for
        return
    sure = (spelt or held[trade] >= trades.NAMED) and trades.plainly(shortlist, trade)
    how = "évoque peut-être" if not sure else "évoque" if spelt else "est connu pour"
    text = f"son nom {how} {what}"
    yield _Fact(CLEAR if sure else CLOSE, text, "", ("", name))


def _first(shortlist: Shortlist, held: trades.Floats) -> tuple[int, bool]:
    """The first trade of a source, of those alike that which the lot asks for, and whether there are others alike.

    Where the first is not asked, a lesser one that is, if stated where the first is near.
    """
    alike, shares = held >= ALIKE * held.max(), trades.shares(shortlist)
    first = int((held * (1 + 9 * _worth(shortlist)) * alike).argmax())
    lesser = int((held * (shares > 0)).argmax())
    least = STATED if trades.near(shortlist)[0][first] else INDICATED
    return lesser if not shares[first] and held[lesser] >= least else first, int(alike.sum()) > 1


def _to_ask(shortlist: Shortlist, i: int) -> str:
    """That it is to be asked, and the site on which it may tell it."""
    site = shortlist.catalogue.structure(int(shortlist.candidates[i])).website.rpartition("://")[2].strip("/")
    return f"à demander ou à lire sur {shorten(site, 60)}" if site else "à demander"


def _elsewhere(shortlist: Shortlist, i: int) -> str:
    """What another establishment of its bidder says of the trade asked for; "" where none speaks of it."""
    catalogue, row = shortlist.catalogue, int(shortlist.candidates[i])
    bidder, asked = catalogue.of_structure("bidder"), (trades.shares(shortlist) > 0) & ~trades.among(OWN)
    others = np.flatnonzero(bidder == bidder[row])
    held = declared.pieces(shortlist).of_structures[others][:, asked].max(axis=1, initial=0.0)
    there = replace(shortlist, candidates=others[(held >= STATED) & (others != row)], memo=Memo())
    told = [(fact, at) for at in range(len(there)) for fact in _facts(there, at) if fact.offer]
    if not told or (best := max(told, key=lambda each: each[0].level))[0].level < CLOSE:
        return ""
    place = catalogue.structure(int(there.candidates[best[1]])).place.label
    return f"un autre de ses établissements ({place}), {best[0].text}"


def _worth(shortlist: Shortlist) -> trades.Floats:
    """The relevance of each trade to the lot; lending staff, which the kind tells, counts where nothing else is asked."""

    def make() -> trades.Floats:
        demand = shortlist.query.demand
        worth = np.zeros(len(demand.weights), dtype=np.float32)
        worth[demand.trades] = demand.worth[:, 0]
        return worth * ~trades.lent_beside(shortlist)

    return shortlist.query.memo.once("worth of trades", make)
