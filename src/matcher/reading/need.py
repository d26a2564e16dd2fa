"""A free-text need of a buyer as a tender, with places, lots, reservations and clauses."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from matcher.domain import BadInput, Buyer, Lot, Place, Tender
from matcher.learned import wanted
from matcher.reference import needs, places, toponyms, trades, typed_places
from matcher.reference.text import clean


@lru_cache(8192)
def communes(name: str, department: str | None = None, limit: int = 8) -> tuple[places.Commune, ...]:
    """`reference.search_commune`, cached: it scans every commune of the country."""
    return places.search_commune(name, department, limit)


def spot(need: str) -> tuple[Place, ...]:
    """The places that the words of a need name ("à Pantin", "(92)"), marked as inferred; none where it names none.

    Raises Homonyms where a name is plainly the place and several communes bear it.
    """
    return typed_places.mentioned(need)


_LOT = re.compile(r"(?:^|(?<=[\s;,.]))lot\s*(?:n\s*°\s*)?(\d{1,3})\s*[:–—-]\s*", re.I)


def numbered_lots(need: str, tender: Tender) -> tuple[Lot, ...]:
    """The lots that the words of a need number themselves ("Lot 1 : ... Lot 2 : ..."); none where fewer than two."""
    marks = list(_LOT.finditer(need))
    numbers = [mark.group(1).lstrip("0") or "0" for mark in marks]
    if len(marks) < 2 or len(set(numbers)) < len(numbers):
        return ()
    ends = [mark.start() for mark in marks[1:]] + [len(need)]
    found = []
    for number, mark, end in zip(numbers, marks, ends, strict=True):
        words = clean(need[mark.end() : end]).strip(" ;,.")
        if not any(c.isalpha() for c in words):
            return ()
        title = words if len(words) <= 120 else words[:120].rsplit(" ", 1)[0] + "…"
        description = words[:20_000] if title != words else ""
        found.append(
            Lot(
                id=f"need-{number}",
                number=number,
                title=title,
                description=description,
                places=tender.lots[0].places,
            )
        )
    return tuple(found)


_SENTENCE = re.compile(r"(?<=[.!?;])\s+|\s{0,9}[\n•▪·]+\s*")
_AFTER = re.compile(  # connectives and speakers, not part of the need
    r"^(?:(?:d'abord|ensuite|puis|enfin|aussi|également|egalement|et|il faudra|il faut|nous (?:cherchons|avons besoin|souhaitons)"
    r"|qui peut|assurer|de|d'|pour)\W+)+", re.I,
)  # fmt: skip
_ASKED = re.compile(r"(?:la|le|les|une?|du|des|aussi|ainsi que)\b|l'|d'", re.I)  # how a requested item begins
_OBJECT = re.compile(r"\b(?:des|du|de)\s|\bd'", re.I)  # how the object of a work begins
_FIGURE = re.compile(r"\d")  # "5 000 heures d'insertion", "300 couverts": how much, not what
SURE = 0.25  # minimum probability of a suggested code to give the trade of a piece that names none
AHEAD = 2.0  # and its minimum ratio to the next one
#: Minimum weight of the trade of a piece, with those related to it, to the learnt reader: in the piece, in the whole text.
SURE_OF_PIECE, SEEN_IN_WHOLE = 0.65, 0.01


def several_needs(tender: Tender) -> tuple[Lot, ...]:
    """The needs of a typed text, one lot per trade required; empty where it requires one.

    Each lot keeps the places, the reservation and the clauses of the whole.
    """
    (lot,) = tender.lots
    found: dict[str, list[str]] = {}
    for trade, piece in _pieces(lot.description or lot.title):
        found.setdefault(trade, []).append(piece)
    specific = {trade: pieces for trade, pieces in found.items() if trade not in needs.GENERIC}
    if not 2 <= len(specific) <= needs.MOST:
        return ()
    groups = _apart(lot.description or lot.title, specific)
    if len(groups) < 2:
        return ()
    return tuple(
        replace(lot, id=f"need-{number}", number=str(number), title=_title(", ".join(pieces)), description="")
        for number, pieces in enumerate(groups, 1)
    )


def _apart(text: str, found: Mapping[str, Sequence[str]]) -> Sequence[Sequence[str]]:
    """Pieces by their trade, those of related trades together; none where the learnt reader doubts one of them.

    A word may suggest a trade that is not asked for ("lavoir" a laundry): the reader must be sure of one for each piece.  Two
    pieces may be one need ("fabrication et pose"): the reader must see both in the whole text, too, with none clearer.  Of a
    longer list it sees the clearest alone.
    """
    told = {trade: words for trade, pieces in found.items() if (words := _without_places(pieces))}
    whole, *read = wanted.found([text, *told.values()])
    asked = list(map(_confirmed, told, read))
    if not all(asked):
        return ()
    if len(asked) > 2:
        return [found[stated] for stated in told]
    seen = all(_weight(whole, trade) >= SEEN_IN_WHOLE for trade in asked)
    if (
        not seen
        or max(whole, key=whole.__getitem__) not in {*told, *asked}
        or asked[-1] in trades.related()[asked[0]]
    ):
        return ()
    return [found[stated] for stated in told]


def _confirmed(stated: str, weights: Mapping[str, float]) -> str:
    """The trade of a piece: that of its words, or another that the reader is sure of; "" where it is sure of none."""
    read = max(weights, key=weights.__getitem__)
    return next((trade for trade in (stated, read) if _weight(weights, trade) >= SURE_OF_PIECE), "")


def _weight(weights: Mapping[str, float], trade: str) -> float:
    """That of a trade and of those related to it."""
    return sum(weights.get(one, 0.0) for one in trades.related()[trade])


def _without_places(pieces: Sequence[str]) -> str:
    """The pieces as the reader is asked about them: without places and what introduces a need."""
    return ", ".join(_bare(piece) for piece in pieces if not toponyms.named(piece.strip(" ;,.")))


def _bare(words: str) -> str:
    return _AFTER.sub("", words).strip(" ,;.") or words


def _title(words: str) -> str:
    bare = _bare(words)
    return bare if len(bare) <= 120 else bare[:120].rsplit(" ", 1)[0] + "…"


def _pieces(text: str) -> Iterator[tuple[str, str]]:
    """(trade, piece of the text that requires it), by its words, else by the suggested code.

    Pieces without a trade stay with the previous trade of the sentence, so that no words of a list are lost.
    """
    for sentence in _SENTENCE.split(text):
        head, _, _ = sentence.partition(" : ")
        wording = head if trades.named(head) else sentence  # text after a trade and a colon is its detail
        pieces, objects = _without_objects(re.split(r"\s{0,9},\s*|\s{1,9}et\s+", wording))
        wording = ", ".join(pieces)
        named = trades.named(wording)
        yield from named.items()
        begins = sorted((wording.find(words), trade) for trade, words in named.items())
        listed = bool(named) and not any(map(_ASKED.match, pieces))  # a list without articles
        for piece in (*pieces, *objects):
            if piece in pieces and trades.named(piece):
                continue
            start = wording.find(objects.get(piece, piece))
            before = [trade for at, trade in begins if at <= start] or [trade for _, trade in begins[:1]]
            asked = piece not in objects and (
                piece == wording or _ASKED.match(piece) or (listed and not _FIGURE.search(piece))
            )
            trade = _suggested(piece) if asked else ""
            if not trade and before and (listed or piece in objects):
                trade = before[-1]
            if trade:
                yield trade, piece


def _without_objects(pieces: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Pieces, and further objects with the piece that they belong to: "nettoyage des bureaux" has "des sanitaires"."""
    kept: list[str] = []
    objects: dict[str, str] = {}
    for piece in pieces:
        if kept and _OBJECT.match(piece) and _OBJECT.search(kept[-1], 1):
            objects[piece] = kept[-1]
        else:
            kept.append(piece)
    return kept, objects


@lru_cache(2048)
def _suggested(piece: str) -> str:
    """The trade of the suggested code of a piece; "" where none is clear."""
    from matcher.learned import cpv

    if len(re.findall(r"\w{3,}", piece)) < 2:
        return ""
    try:
        found = cpv.shipped().suggest(piece, 2)
    except BadInput:  # no word of it is known
        return ""
    likely = found[0][2] if found else 0.0
    if likely < SURE or (len(found) > 1 and likely < AHEAD * found[1][2]):
        return ""
    return next(iter(trades.trades_of_cpv([found[0][0]])), "")


def with_clauses(tender: Tender) -> Tender:
    """Reservations and clauses required in the text of a need."""
    from matcher.reading import clauses

    return clauses.complete(tender)


def typed_need(need: str, where: Sequence[Place] = (), *, whole: bool = False) -> Tender:
    """A typed need at these places, with the lots, reservations and clauses stated in its text.

    Unless it is one `whole`, it has the lots that it numbers, else a lot for each trade that it asks for.

    Raises BadInput as `free_text_tender`.
    """
    tender = free_text_tender(need, where)
    lots = () if whole else numbered_lots(need, tender)
    tender = with_clauses(replace(tender, lots=lots) if lots else tender)
    return tender if lots or whole else replace(tender, lots=several_needs(tender) or tender.lots)


def free_text_tender(
    text: str, place: Place | Sequence[Place] | None = None, buyer: Buyer | None = None
) -> Tender:
    """A need typed by a buyer, as a tender of one lot, at one place or at several.  Raises BadInput when it says nothing, or far too much."""
    words = clean(text)
    if not any(char.isalpha() for char in words):
        raise BadInput("the need is empty: say in a few words what is to be done, and where")
    if len(text) > 1_000_000:
        raise BadInput(
            "the need is over a million characters: give the description of the lots, not the whole file"
        )
    title = words if len(words) <= 120 else words[:120].rsplit(" ", 1)[0] + "…"
    where = (place,) if isinstance(place, Place) else tuple(place or ())
    lot = Lot(id="need-1", title=title, description=words[:20_000] if len(words) > 120 else "", places=where)
    return Tender(id="need", format="need", title=title, buyer=buyer or Buyer(), lots=(lot,))
