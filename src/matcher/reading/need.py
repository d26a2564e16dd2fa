"""A free-text need of a buyer as a tender, with places, lots, reservations and clauses."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from matcher.domain import Asked, BadInput, Lot, Place, Tender
from matcher.learned import asks
from matcher.reading import consultation
from matcher.reference import toponyms
from matcher.reference.text import clean

#: Chance that a trade has in a phrase and in the whole text, together, from which the phrase asks for it.
AGREED = 0.8
PLAIN, TOO = 0.9, 0.7  # in a single word, and in the whole text, from which the word is a need of its own
BESIDE = 0.1  # in the whole text, where the phrases beside the word plainly ask for something themselves
CLEAR = 0.8  # of the chance of its likeliest: a further trade of a phrase has that share of it at least
_COMPLEMENT = re.compile(r"(?:d[eu]|aux?|à|pour|par|en|avec|sans|sur|dans|chez|y compris)\s|d['’]|\d", re.I)


def spot(need: str) -> tuple[Place, ...]:
    """The places that the words of a need name ("à Pantin", "(92)"), marked as inferred; none where it names none.

    None of a whole consultation, which `typed_need` places.  Raises Homonyms where a name is plainly the place and several communes bear it.
    """
    return () if consultation.states(need) else toponyms.typed(need)


def numbered_lots(need: str, tender: Tender) -> tuple[tuple[Lot, ...], str]:
    """The lots that the words of a need number themselves, and the words outside them; no lots where fewer than two."""
    named, rest = consultation.lots_in(need)
    return tuple(
        replace(
            tender.lots[0],
            id=f"need-{one.number}",
            number=one.number,
            title=one.title,
            description=one.detail[:20_000],
        )
        for one in named
    ), rest


def several_needs(tender: Tender) -> tuple[Lot, ...]:
    """The needs of a typed text, one lot per trade asked for, in its own words; empty where it asks for one thing.

    Each lot keeps the places, the reservation and the clauses of the whole.  Hours of insertion are owed by the whole,
    which stays one lot, of the trades asked for beside them.
    """
    (lot,) = tender.lots
    words = lot.description or lot.title
    pieces = asks.spans(words) if len(words) <= asks.READ_UP_TO else []
    if len(pieces) < 2:
        return ()
    whole, *each = _read(tender, words, [(0, len(words)), *pieces])
    phrases = (one for one, span in zip(each, pieces, strict=True) if " " in words[slice(*span)])
    enough = BESIDE if all(max(one.chances.values(), default=0.0) >= PLAIN for one in phrases) else TOO
    spans = _phrases(words, pieces, [_asks_alone(piece, whole, enough) for piece in each])
    if len(spans) < 2:
        return ()
    known = dict(zip(pieces, each, strict=True))
    joined = [span for span in spans if span not in known]
    known |= zip(joined, _read(tender, words, joined), strict=True)
    needs: list[_Need] = []
    for span in spans:
        read = known[span]
        plain = {trade for trade, chance in read.chances.items() if chance >= asks.MORE}
        chances = {
            trade: chance
            for trade, chance in read.chances.items()
            if trade in whole.chances and whole.chances[trade] + chance >= AGREED
        }
        likely = plain | set(sorted(chances, key=chances.__getitem__)[-1:])
        # the words of a reservation or a clause ask for nothing
        if not (
            (lot.clauses or lot.reservation)
            and likely
            and max(likely, key=read.chances.__getitem__) == "insertion"
        ):
            _added(needs, _Need([span], chances, likely))
    if any(clause.hours for clause in lot.clauses):
        trades = dict.fromkeys(trade for need in needs for trade in need.clear if trade != "insertion")
        return (replace(lot, trades=tuple(trades)),) if len(needs) > 1 else ()
    return tuple(
        replace(
            lot,
            id=f"need-{number}",
            number=str(number),
            title=", ".join(words[start:end].strip(" .;") for start, end in need.spans),
            description="",
            trades=tuple(sorted(need.clear, key=need.asked.__getitem__, reverse=True)),
        )
        for number, need in enumerate(needs if len(needs) > 1 else (), 1)
    )


@dataclass(slots=True)
class _Need:
    """What is read of some phrases: their spans, the chance of each trade asked for, and those they are likely of."""

    spans: list[tuple[int, int]]
    asked: dict[str, float]
    likely: set[str]

    @property
    def clear(self) -> list[str]:
        """The trades that the phrases ask for, without those that they could also be taken for."""
        return [trade for trade, chance in self.asked.items() if chance >= CLEAR * max(self.asked.values())]


def _added(needs: list[_Need], one: _Need) -> None:
    """A phrase goes to the last need that shares a trade with it, or to the one before it if it asks for nothing."""
    same = (n for n in reversed(needs) if not (n.asked and one.asked) or one.likely & n.likely)
    need = next(same, None)
    if need is None:
        needs.append(one)
        return
    if need is needs[-1]:  # no word between them is lost
        need.spans[-1] = (need.spans[-1][0], one.spans[0][1])
    else:
        need.spans += one.spans
    if not need.asked:
        need.asked, need.likely = one.asked, one.likely


def _read(tender: Tender, words: str, spans: Sequence[tuple[int, int]]) -> tuple[Asked, ...]:
    """What each of these pieces of a text asks for."""
    lots = tuple(Lot(id=str(at), title=words[start:end]) for at, (start, end) in enumerate(spans))
    return asks.read(replace(tender, title="", lots=lots))


def _asks_alone(piece: Asked, whole: Asked, enough: float) -> bool:
    """Does a piece by itself plainly ask for a trade that the whole text has `enough` of?"""
    return any(p >= PLAIN and whole.chances.get(trade, 0.0) >= enough for trade, p in piece.chances.items())


def _phrases(words: str, pieces: Sequence[tuple[int, int]], asking: Sequence[bool]) -> list[tuple[int, int]]:
    """Where the phrases of a text are that may each ask for something, of its pieces and whether they ask alone.

    A complement goes with what precedes it; a single word with the phrase that it introduces ("lavage et repassage du
    linge") or, after all phrases, with the last ("…, Agen"), unless it names a trade of its own;
    a text of single words has one phrase for each.
    """
    found: list[tuple[int, int]] = []
    longest = max((at for at, (start, end) in enumerate(pieces) if " " in words[start:end]), default=-1)
    for at, (start, end) in enumerate(pieces):
        introduced = longest >= 0 and " " not in words[slice(*pieces[at - 1])]
        single = introduced and not asking[at - 1]
        trailing = at > longest >= 0 and not asking[at]
        if found and (single or trailing or _COMPLEMENT.match(words, start)):
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found


def typed_need(need: str, where: Sequence[Place] = (), *, whole: bool = False) -> Tender:
    """A typed need at these places, with the lots, reservations and clauses stated in its text.

    A whole consultation pasted in is read as one uploaded is.  Unless it is one `whole`, a text that numbers no lots has
    a lot for each trade that it asks for.

    Raises BadInput as `free_text_tender`.
    """
    from matcher.reading import clauses

    tender = free_text_tender(need, where)
    if consultation.states(need):
        made = consultation.tender_of(need)
        stated = tender.lots[0].places
        lots = tuple(replace(one, id=f"need-{one.number}", places=stated or one.places) for one in made.lots)
        return replace(made, id="need", format="need", lots=lots)
    lots, rest = ((), need) if whole else numbered_lots(need, tender)
    tender = clauses.complete(replace(tender, lots=lots or tender.lots), rest if lots else "")
    tender = replace(tender, lots=tuple(map(_barring, tender.lots)))
    return tender if lots or whole else replace(tender, lots=several_needs(tender) or tender.lots)


def _barring(lot: Lot) -> Lot:
    """The lot, whose reservation if any bars as a filter does."""
    return replace(lot, reservation=lot.reservation and replace(lot.reservation, origin="typed"))


#: "réservé à l'insertion", "reserve aux ESAT", but no "réserve d'eau", nothing "non réservé" and no "places réservées".
_RESERVED = re.compile(
    r"(?<!non )(?<!pas )(?<!place )(?<!places )(?<!voies )(?<!espaces )(?<!parking )(?<!emplacements )\b(?:r[ée]serv(?:ée?s?|ees?)\b|reserve (?:aux?|à|a l)\b)",
    re.I,
)


def reservation_unread(tender: Tender) -> str:
    """What to tell where the words of a typed need reserve it and no reservation was read, in French; "" elsewhere."""
    if tender.format != "need" or any(lot.reservation for lot in tender.lots):
        return ""
    stated = _RESERVED.search(" ".join(f"{lot.title} {lot.description}" for lot in tender.lots))
    how = "Écrivez par exemple « marché réservé aux EA et ESAT » ou « réservé aux SIAE »."
    none = "aucune réservation n'est comprise, le lot est lu comme ouvert à tous"
    return f"« {stated.group()} » : {none}. {how}" if stated else ""


def placed(tender: Tender, where: Sequence[Place]) -> Tender:
    """The notice with the place that was given instead of the one read."""
    lots = tuple(replace(lot, places=tuple(where)) for lot in tender.lots)
    return replace(tender, lots=lots) if where else tender


def placed_need(need: str, place: str = "", *, whole: bool = False) -> Tender:
    """A typed need at the place that is typed beside it, else where its words say.  Raises BadInput as these do."""
    return typed_need(need, toponyms.asked(place, need) or spot(need), whole=whole)


def sized_need(tender: Tender, amount: float | None = None, months: float | None = None) -> Tender:
    """The need with the amount (euros) and the duration that its user gives: those of its only lot, where it states none.

    A duration that is not given is read in the words of a typed need.
    """
    from matcher.reading.terms import typed_duration

    if len(tender.lots) != 1:
        return tender
    (lot,) = tender.lots
    months = lot.duration_months or months
    if months is None and tender.format == "need":
        months = typed_duration(f"{lot.title}\n{lot.description}")
    lot = replace(lot, amount=amount or None if lot.amount is None else lot.amount, duration_months=months)
    return replace(tender, lots=(lot,))


def corrected(tender: Tender, trades: Sequence[str] = (), nature: str = "") -> Tender:
    """The tender with what its user says it asks for.  Raises BadInput on an unknown trade."""
    if unknown := [name for name in trades if name not in asks.names()]:
        raise BadInput(f"{unknown[0]!r} is no trade: choose among {', '.join(asks.names())}")
    given: dict[str, Any] = {"trades": tuple(trades), "nature": nature}
    given = {name: value for name, value in given.items() if value}
    return replace(tender, lots=tuple(replace(lot, **given) for lot in tender.lots)) if given else tender


#: Words of trades that no French need writes: one is enough in a need of three words.
_ENGLISH_TRADE = frozenset(
    "cleaning gardening laundry catering painting moving printing landscaping plumbing carpentry mowing bakery".split()
)
_ENGLISH = _ENGLISH_TRADE.union(
    "the of for with our your we need needs from and in at office offices meals waste delivery premises school schools "
    "building buildings".split()
)
_FRENCH = frozenset("de du des d le la les l et à au aux pour en un une sur dans par nos notre".split())


def refuse_english(words: str) -> None:
    """Raises BadInput for a text that has words of English and none of the small ones of French."""
    tokens = re.findall(r"[^\W\d_]+", words.lower())
    few = bool(_ENGLISH_TRADE.intersection(tokens)) and len(tokens) <= 3
    if not _FRENCH.intersection(tokens) and (few or len(_ENGLISH.intersection(tokens)) > 1):
        raise BadInput("this is in English: write it in French, in which notices and structures are written")


def free_text_tender(text: str, place: Place | Sequence[Place] | None = None) -> Tender:
    """A need typed by a buyer, as a tender of one lot, at one place or at several.  Raises BadInput when it says nothing, or far too much."""
    words = clean(text)
    if not any(char.isalpha() for char in words):
        raise BadInput("the need is empty: say in a few words what is to be done, and where")
    refuse_english(words[:500])
    if len(text) > 1_000_000:
        raise BadInput(
            "the need is over a million characters: give the description of the lots, not the whole file"
        )
    title = words if len(words) <= 120 else words[:120].rsplit(" ", 1)[0] + "…"
    where = (place,) if isinstance(place, Place) else tuple(place or ())
    lot = Lot(id="need-1", title=title, description=words[:20_000] if len(words) > 120 else "", places=where)
    return Tender(id="need", format="need", title=title, lots=(lot,))
