"""Features of the judgement: named columns of shape (candidates,), NaN where unknown.

Three groups of columns: confidence in the trade from each source, distance relative to the usual one of the trade,
and what the lot requires (a service, social-clause hours, staff), equal for all candidates.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matcher.catalogue.catalogue import Catalogue
from matcher.catalogue.columns import DECLARED
from matcher.domain import LENDING_KINDS, Offer
from matcher.matching import declared, demand, trades
from matcher.matching import reach as reach_
from matcher.matching.shortlist import Column, Memo, Shortlist
from matcher.matching.trades import INDICATED, STATED
from matcher.reference import codes
from matcher.reference.places import CITIES
from matcher.reference.text import fold

#: Kinds ordered from those that lend staff to those that do the work.
KINDS = {"ETTI": 0, "EITI": 0, "EATT": 0, "AI": 1, "GEIQ": 2, "ACI": 3, "EI": 4, "EA": 5, "ESAT": 5}
LENDS = max(KINDS[kind] for kind in LENDING_KINDS)
#: Weight of each source as evidence of the trade.
SOURCE_WEIGHTS = {"said_trade": 0.85, "code_trade": 0.9, "name_trade": 0.75, "prior_trade": 0.4}
#: Sources that state a trade; the others only make one likely.
TRADE_SOURCES = ("said_trade", "code_trade", "name_trade")
SAID = ("said_trade", "said_best", "said_second")  # columns of what is declared alone
FROM_SAID = ("sure", "silent", "other_trade", "kind_rate")  # and those that combine it with others
NEXT_DOOR, OUT_OF_ZONE = 15.0, 200.0
NAMES_IT = 0.3  # confidence of what is declared from which it names the trade
OFTEN = 0.2  # published share of a kind from which one that says nothing may have the trade


# ------------------------------------------------------------------------------------------ the trade


Worth = trades.Floats | None  # what each trade counts, (trades,); None: its relevance to the lot


def said_trade(shortlist: Shortlist, worth: Worth = None) -> Column:
    """Confidence that a declared piece, or the code of a job, is of the trade required; NaN where nothing is declared."""
    found, catalogue = _said_trade(shortlist, worth), shortlist.catalogue
    held, at = trades.by_job(catalogue)
    by_job = trades.match(shortlist, held, at[shortlist.candidates], worth)
    return np.where(by_job > 0, np.fmax(found, by_job), found)


def _said_trade(shortlist: Shortlist, worth: Worth) -> Column:
    """The same of pieces alone."""
    said, table = np.full(len(shortlist), np.nan), declared.pieces(shortlist)
    if shortlist.query.as_of is None:
        starts, rows = table.spans.starts, shortlist.candidates
        some = np.flatnonzero(starts[rows + 1] > starts[rows])
        said[some] = trades.match(shortlist, table.of_structures, rows[some], worth)
        return said
    spans = declared.slots_of(shortlist)
    some = np.flatnonzero(np.diff(spans.starts))
    if len(some):
        values = trades.match(shortlist, table.trades, spans.slots, worth)
        said[some] = np.maximum.reduceat(values, spans.starts[some])
    return said


def likeness(shortlist: Shortlist) -> Column:
    """Similarity of the lot, by the encoder, to the nearest of all that a candidate is called, coded, or says; NaN without any.

    What no trade of the list tells, such as the setting up of chalets, is told by it; another text never lowers it.
    """
    nearest, known = np.full(len(shortlist), np.nan), shortlist.known("name", "naf", *DECLARED)
    near = shortlist.catalogue.vectors.compare(shortlist.query.vector, shortlist.rows[known])
    np.fmax.at(nearest, shortlist.owner[known], near)
    return nearest


def _trade_by(shortlist: Shortlist, held: trades.Floats, at: NDArray[np.int32], worth: Worth) -> Column:
    """Confidence that the name or code of each candidate is of the trade required; NaN where it indicates no trade."""
    known = np.where(held[:, -1] > 0, trades.match(shortlist, held, None, worth), np.nan)
    return np.asarray(known[at])


def name_trade(shortlist: Shortlist, worth: Worth = None) -> Column:
    """Confidence that the name is of the trade required; NaN where it indicates no trade."""
    return _trade_by(shortlist, *trades.by_name(shortlist.catalogue, shortlist.candidates), worth)


def code_trade(shortlist: Shortlist, worth: Worth = None) -> Column:
    """Confidence that the activity code is of the trade required; NaN where it indicates no trade."""
    return _trade_by(shortlist, *trades.by_code(shortlist.catalogue, shortlist.candidates), worth)


def other_trade(shortlist: Shortlist) -> Column:
    """Confidence that name, code and kind tell another trade than the one required, beyond what supports the latter."""
    met = np.fmax(of(shortlist, "told_trade"), of(shortlist, "said_trade"))
    return np.asarray(
        np.maximum(trades.surest(shortlist.catalogue)[shortlist.candidates] - met, 0.0), np.float64
    )


def sure(shortlist: Shortlist) -> Column:
    """Confidence in the trade from all sources combined as independent evidence (noisy or)."""
    left = np.ones(len(shortlist))
    for source, worth in SOURCE_WEIGHTS.items():
        left = left * (1 - worth * np.fmax(of(shortlist, source), 0.0))
    return 1 - left


def silent(shortlist: Shortlist) -> Column:
    """1 where no source indicates any trade."""
    known = [~np.isnan(of(shortlist, source)) for source in TRADE_SOURCES]
    return np.asarray(1.0 - np.logical_or.reduce(known), dtype=np.float64)


def told(shortlist: Shortlist) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Those of whom a source tells a trade asked for, and of whom words or a code one near to it; (n,) each.

    Words tell a neighbour, or most of what is asked in all where no trade clearly is, a code the trade of which that asked for is a part; a code of
    other things tells nothing, nor does who says the trade of other things alone.  A name counts of who says nothing,
    that of a régie in its quarter; who is surely of another trade by its name, as members of a network are, tells what is
    asked by words alone.
    """

    def make() -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        catalogue, rows = shortlist.catalogue, shortlist.candidates
        asked = (trades.shares(shortlist) > 0) & ~trades.lent_beside(shortlist)
        near, wider = trades.near(shortlist)
        by_name = np.nan_to_num(name_trade(shortlist, asked.astype(np.float32)))
        first, surest = (each[trades.by_name(catalogue, rows)[1]] for each in trades.called(catalogue))
        for_others, which = partial(trades.other_things, shortlist), asked.nonzero()[0].tolist()
        labels = map(trades.label, range(len(asked)))
        of_others = np.array([all(for_others(trade, label) for trade in which) for label in labels])
        other = (surest >= trades.NAMED) & ((by_name < trades.FIRST * surest) | of_others[first])
        area = all(map(reach_.vague, shortlist.query.places))  # somewhere in it, so perhaps in that quarter
        home = reach_.of(shortlist).comes(NEXT_DOOR) | (area & (of(shortlist, "same_department") > 0))
        away = out_of_quarter(shortlist) & ~home
        named = np.isnan(of(shortlist, "said_trade")) & ~(other | away) & (by_name >= INDICATED)
        side = named & (by_name < trades.FIRST * surest)  # of what it is known for
        called = catalogue.of_structure("name")[rows[side]]
        named[side] = [any(trades.spells(str(name), trade) for trade in which) for name in called]
        said, by_code = (source(shortlist, asked.astype(np.float32)) for source in (said_trade, code_trade))
        by_code = (by_code >= INDICATED) & ~other
        beside = (code_trade(shortlist, wider.astype(np.float32)) >= 1.0) & ~other
        for whose, source, things, of_trades in (
            (named, trades.by_name, things_named, asked),
            (by_code, trades.by_code, things_coded, asked),
            (beside, trades.by_code, things_coded, wider),
        ):
            if not (of_trades & trades.telling(shortlist)).any():
                continue
            held, at = source(catalogue, rows[whose])
            texts = zip(*(catalogue.of_structure(key)[rows[whose]] for key in ("name", "naf")), strict=True)
            tells = (held[at, :-1] >= INDICATED) & of_trades
            whose[whose] = [
                not all(
                    for_others(t, *things(t, str(name), str(code or ""))) for t in each.nonzero()[0].tolist()
                )
                for each, (name, code) in zip(tells, texts, strict=True)
            ]
        aside = _say_none(shortlist, asked, said >= INDICATED)
        plain = (said >= INDICATED) | by_code | named
        # of who says a neighbour name and code tell the trade too: of judged ones told by words alone six of ten were no lead
        # and could not be asked, of those two of ten
        words = said_trade(shortlist, near.astype(np.float32)) >= STATED
        words &= ~(other & ~near[first]) & (of(shortlist, "told_trade") >= INDICATED)
        words &= ~(plain | aside)  # of whom more is told already
        words &= ~_say_none(shortlist, near, words)
        unclear = shortlist.query.demand.columns["clear"] < demand.SHARE  # so that every reading counts
        most = (of(shortlist, "said_trade") >= demand.SHARE) & unclear
        beside = beside | words | most
        return plain & ~aside, beside & ~aside

    return shortlist.once("told", make)


def things_named(trade: int, name: str, code: str) -> tuple[str, ...]:
    """What tells for what things a trade is done that a name tells: the name, what the trade is called by, the activity
    code; of a régie the common parts."""
    regie = SAID_BY_NAME["régie"].search(fold(name))
    return name, trades.label(trade), "communs d'immeubles" if regie else codes.naf_label(code)


def things_coded(trade: int, name: str, code: str) -> tuple[str, ...]:
    """The same of the trade of an activity code: its label, else the name."""
    return codes.naf_label(code), name


class Piece(NamedTuple):
    """A declared piece, the sentence that it stands in, its offer, and how surely it is of each trade."""

    text: str
    sentence: str
    offer: Offer
    held: trades.Floats
    by_job: trades.Floats  # the same of the codes of its jobs
    near: float = 0.0  # its similarity to the lot, 0 to 1, where it was compared

    @property
    def read(self) -> bool:
        """Was it read about the structure, so that it is not its own record?"""
        return self.offer.inferred and bool(self.offer.source)

    @property
    def post(self) -> bool:
        """Is it one of its posts?"""
        return self.offer.nature == "job" and not self.read


def pieces_of(shortlist: Shortlist, i: int, slots: NDArray[np.integer]) -> list[Piece]:
    """Some pieces of candidate i, each by its slot."""
    table, catalogue = declared.pieces(shortlist), shortlist.catalogue
    rows = table.rows_with(slots, shortlist.rows_of(i, *DECLARED)).tolist() if len(slots) else []
    made = []
    for slot, row in zip(slots.tolist(), rows, strict=True):
        text, offer = table.text(slot), catalogue.offer(row)
        by_job = trades.of_jobs(offer.rome)
        held = np.maximum(table.trades[slot], by_job if offer.nature == "job" else 0.0)
        made.append(Piece(text, declared.sentence_with(text, catalogue.text(row)), offer, held, by_job))
    return made


class Said(NamedTuple):
    """What a structure says of a trade, as pieces and as the sentences that they stand in, and whether it has it for itself alone."""

    texts: tuple[str, str]
    for_itself: bool


def _said_of(shortlist: Shortlist, i: int, trade: int) -> Said | None:
    """What candidate i says of a trade; None of posts alone that were declared later."""
    catalogue, table, row = shortlist.catalogue, declared.pieces(shortlist), int(shortlist.candidates[i])

    def make() -> Said | None:
        slots, (posts, of_row) = declared.slots_of(shortlist).of(i), trades.by_job(catalogue)
        by_post = posts[of_row[row], trade] >= INDICATED
        if not by_post:  # then the pieces that say it tell all
            slots = slots[table.trades[slots, trade] >= INDICATED]
        pieces = pieces_of(shortlist, i, slots)
        said = [piece for piece in pieces if max(piece.held[trade], piece.by_job[trade]) >= INDICATED]
        sources = (source(catalogue, [row]) for source in (trades.by_name, trades.by_code))  # as stored
        otherwise = np.array([held[at[0], :-1] for held, at in sources], dtype=np.float32).max(axis=0)
        kind = str(catalogue.of_structure("kind")[row])
        own = all(trades.for_itself(trade, piece.offer, otherwise, kind) for piece in said)
        texts = " ; ".join(piece.text for piece in said), " ; ".join(piece.sentence for piece in said)
        return Said(texts, own) if said else None

    # no lot changes it, unless its day limits what is known
    return make() if shortlist.query.as_of is not None else catalogue.once(("said of", row, trade), make)


def _say_none(shortlist: Shortlist, asked: NDArray[np.bool_], chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Those chosen of whom all that they say of these trades is about other things, or what they have for themselves."""
    own = trades.among(trades.OWN | trades.HOUSE)
    # who says another of these trades says one that is neither
    other = asked & ~(own | trades.telling(shortlist))
    chosen = chosen & ~(_said_trade(shortlist, other.astype(np.float32)) >= INDICATED)
    which = np.flatnonzero(asked).tolist()

    def says_none(i: int) -> bool:
        said = [(trade, told) for trade in which if (told := _said_of(shortlist, i, trade))]
        return bool(said) and all(
            told.for_itself or trades.said_of_others(shortlist, trade, *told.texts) for trade, told in said
        )

    found = np.zeros(len(shortlist), dtype=bool)
    found[chosen] = [says_none(i) for i in np.flatnonzero(chosen).tolist()]
    return found


def supported(shortlist: Shortlist) -> NDArray[np.bool_]:
    """Those of whom a source tells the trade, whose kind often has it, or who lend where staff or hours are asked for; (n,).

    No lent staff does what a card or the law keeps to others.  For works of which no hours are asked, a lender's kind is to
    place in what is done; what is near to the trade tells nothing of it, nor does its kind far from home where it is an AI,
    or of a kind that is not known to place in it.
    """
    query, columns = shortlist.query, shortlist.query.demand.columns
    free = not trades.barred(shortlist)
    lent = max(columns["staff"], columns["clause"]) > demand.SHARE or bool(query.lot.social_conditions)

    def may(kind: str) -> bool:
        share = trades.usual(shortlist, kind or "")[1]
        if kind in LENDING_KINDS:
            return free and (lent or (columns["works"] > demand.SHARE and share > 0))
        return kind in trades.PUBLISHED and share >= OFTEN

    def rooted(kind: str) -> bool:
        """Works a kind near its home alone, as far as this trade is concerned?"""
        return kind == "AI" or (kind in LENDING_KINDS and not trades.usual(shortlist, kind)[1])

    plain, beside = told(shortlist)
    far = reach_.of(shortlist).shown_km > AWAY_KM
    by_kind, at_home = (
        shortlist.catalogue.among("kind", which, shortlist.candidates) for which in (may, rooted)
    )
    by_kind = by_kind & ~(at_home & far)
    return np.asarray(plain | (beside & (of(shortlist, "kind") > LENDS)) | by_kind)


def kind_rate(shortlist: Shortlist) -> Column:
    """How surely an ESAT or EA has the trade: by the published share where it says nothing, else by what it says.

    Who names the trade has it at least as surely as who is silent.  NaN for other kinds, and where its name or code alone
    indicates a trade.
    """
    rate, said = trades.kind_rate(shortlist), of(shortlist, "said_trade")
    named = np.where(said >= NAMES_IT, np.maximum(rate, said), said)
    sure = np.where(of(shortlist, "silent") > 0, rate, named)
    return np.where(of(shortlist, "kind") == KINDS["ESAT"], sure, np.nan)


def unsaid(shortlist: Shortlist) -> tuple[NDArray[np.int64], dict[str, Column]]:
    """The positions of the candidates that name the trade, and their columns that differ had they declared nothing.

    What names the trade is no reason to stand below who says nothing (see `Judgement`).
    """
    rows = np.flatnonzero(of(shortlist, "said_trade") >= NAMES_IT)
    some = replace(shortlist, candidates=shortlist.candidates[rows], memo=Memo())
    for name in ("name_trade", "code_trade", "told_trade", "prior_trade", "kind"):
        some.memo.keep(f"evidence {name}", of(shortlist, name)[rows])
    for name in SAID:
        some.memo.keep(f"evidence {name}", np.full(len(rows), np.nan))
    return rows, {name: of(some, name) for name in (*SAID, *FROM_SAID)}


# ------------------------------------------------------------------------------------------ the place


def same_department(shortlist: Shortlist) -> Column:
    """1 in a department of the lot, 0 elsewhere; NaN where a point alone is known.

    A lot without any place counts as near for everybody: only the trade is judged.
    """
    asked = shortlist.query.departments
    if not asked:
        return np.full(len(shortlist), np.nan if shortlist.query.located else 1.0)
    return shortlist.catalogue.one_of("department", asked, shortlist.candidates).astype(np.float64)


def kilometres(shortlist: Shortlist) -> Column:
    """Kilometres to the lot: near inside a declared zone, far outside it and where a structure's place is unknown.

    A lot without any place is next door to everybody.
    """
    if not shortlist.query.located:
        return np.full(len(shortlist), NEXT_DOOR)
    reach = reach_.of(shortlist)
    unknown = np.isnan(reach.kilometres) & bool(shortlist.query.departments)
    known = np.where(reach.refused | unknown, np.fmax(reach.kilometres, OUT_OF_ZONE), reach.kilometres)
    return np.where(reach.zone > 0, np.fmin(known, NEXT_DOOR), known)


def beyond(shortlist: Shortlist) -> Column:
    """log2 of the distance over the usual one of the trade: 0 at it, negative nearer, 1 at twice as far."""
    return np.log2((of(shortlist, "kilometres") + 10.0) / (shortlist.query.demand.usual_km + 10.0))


# ------------------------------------------------------------------------------------------ who, for what


#: What the words of a name tell, as kept with a catalogue.
SAID_BY_NAME = {
    "public_body": re.compile(
        r"^(?:com(?:mune)? |com nouvelle|ville |mairie|centre (?:inter)?com|ctre (?:inter)?com|communaute|c c |cc |metropole"
        r"|synd|departement|conseil (?:general|departemental)|lycee|etab|ca |agglo)|action sociale$|\bc[ci]as\b"
        r"|communaute de communes|communaute d.agglo"
    ),
    "régie": re.compile(r"\bregi(?:es?)?\b"),
}
#: Of 39 judged régies likely for a lot, those farther were a lead in 7 of 19, nearer in 13 of 20
QUARTER_KM = 6.0
AWAY_KM = 40.0  # from which an AI, which is agreed for a territory, is out of its own


def _named(catalogue: Catalogue, what: str, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Structures whose name tells one of SAID_BY_NAME; (rows,)."""

    def tells(name: str) -> bool:
        return bool(SAID_BY_NAME[what].search(fold(name or "")))

    return catalogue.worded(what, "name", tells, rows, np.array(False))


def public_body(shortlist: Shortlist) -> Column:
    """1 where the structure belongs to a commune, EPCI or other public body, by its name or code."""
    catalogue, rows = shortlist.catalogue, shortlist.candidates
    named = _named(catalogue, "public_body", rows)

    def by_code() -> NDArray[Any]:
        return catalogue.among("naf", lambda code: (code or "").startswith("84"))

    coded = catalogue.once("public by code", by_code)
    return np.asarray(named | coded[rows], dtype=np.float64)


def out_of_quarter(shortlist: Shortlist) -> NDArray[np.bool_]:
    """Régies away from their quarter: they rarely work beyond it, or in a whole city or area, unless they declare it; (n,)."""

    def make() -> NDArray[np.bool_]:
        at = reach_.of(shortlist)
        wide = all(reach_.vague(place) or place.commune in CITIES for place in shortlist.query.places)
        away = wide | ~at.comes(QUARTER_KM)
        regies = _named(shortlist.catalogue, "régie", shortlist.candidates)
        return np.asarray(regies & (at.zone <= 0) & away & shortlist.query.located)

    return shortlist.once("out of quarter", make, each=True)


def refused(shortlist: Shortlist) -> NDArray[np.bool_]:
    """Whose declared zones exclude the lot, and régies out of their department where the lot is not reserved; (n,)."""

    def make() -> NDArray[np.bool_]:
        strayed = out_of_quarter(shortlist) & (of(shortlist, "same_department") == 0)
        return np.asarray(reach_.of(shortlist).refused | (strayed & (not shortlist.query.lot.reserved)))

    return shortlist.once("refused", make, each=True)


def read_names(catalogue: Catalogue) -> None:
    """Read the names of a catalogue before they are asked for."""
    nobody = np.zeros(0, dtype=np.int64)
    trades.by_name(catalogue, nobody)
    trades.does_by_name(catalogue, nobody)
    for what in SAID_BY_NAME:
        _named(catalogue, what, nobody)


def closed(shortlist: Shortlist) -> NDArray[np.bool_]:
    """Candidates closed according to the register."""
    return np.asarray(shortlist.catalogue.of_structure("active")[shortlist.candidates] == 0)


def kind(shortlist: Shortlist) -> Column:
    """The rank of the kind in KINDS, 6 for another or none."""
    by_kind = partial(shortlist.catalogue.among, "kind", lambda word: float(KINDS.get(word, 6)))
    ranks: Column = shortlist.catalogue.once("ranks of kinds", by_kind)
    return ranks[shortlist.candidates]


def lends(shortlist: Shortlist) -> Column:
    """For kinds that lend staff, the probability that the lot requires staff or a clause; for others that of staff, negative."""
    asked = shortlist.query.demand.columns
    return np.where(of(shortlist, "kind") <= LENDS, max(asked["staff"], asked["clause"]), -asked["staff"])


PER_CANDIDATE: Mapping[str, Callable[[Shortlist], Column]] = {
    function.__name__: function
    for function in (
        kind,
        public_body,
        lends,
        declared.said_best,
        declared.said_second,
        said_trade,
        name_trade,
        code_trade,
        reach_.code_near,
        trades.told_trade,
        trades.prior_trade,
        other_trade,
        sure,
        silent,
        kind_rate,
        likeness,
        same_department,
        kilometres,
        beyond,
    )
}


def of(shortlist: Shortlist, name: str) -> Column:
    """A column by name, computed once per lot."""

    def make() -> Column:
        if name in PER_CANDIDATE:
            return np.asarray(PER_CANDIDATE[name](shortlist), dtype=np.float64)
        return np.full(len(shortlist), shortlist.query.demand.columns[name])

    return shortlist.once(f"evidence {name}", make, each=True)


def axis(shortlist: Shortlist, name: str) -> Column:
    """A column by name, of length 1 where it is equal for all candidates."""
    return of(shortlist, name) if name in PER_CANDIDATE else np.array([shortlist.query.demand.columns[name]])
