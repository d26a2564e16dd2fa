"""Candidate offers extracted from a structure's own text (a brochure, a page, a declared object), each with its passage.

Each proposal quotes a passage of the text; all are marked inferred, the user decides.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import islice

import numpy as np

from matcher.domain import BadInput, Offer
from matcher.learned import offers as reading
from matcher.learned.offers import Part
from matcher.reading.sources import _zones
from matcher.reading.sources._structure import kind_in_name
from matcher.reference.arrays import F32
from matcher.reference.text import clean, fold, shorten

MOST = 40  # proposals of one text
LONGEST = 200_000  # characters of a brochure
PARAGRAPH = 2_000  # characters beyond which a line is not joined to the one before
TITLE = 120  # characters of a proposed title
UNITS = 1_500  # parts of a text that are read

_BULLET = re.compile(r"^\s*(?:[•▪◦●○■□✓✔➢►→*·–—-]|\d{1,2}\s?[.)/]|[a-z]\))\s+(?=\S)")
#: Contact lines, never an offer.
_CONTACT = re.compile(
    r"@|https?:|www\.|\b(?:0\d(?:[\s.-]?\d{2}){4}|\+33)|^\W*\d{5}\s+[a-z]|\bsiret\b|\bsiren\b|\btel\b|telephone|\bfax\b|horaires"
    r"|mentions legales|cookies|copyright|©|tous droits"
)
#: Short navigation and boilerplate lines around offers.
_AROUND = re.compile(
    r"nous contacter|contactez|ouvert du|newsletter|plan d'acces|en savoir plus|lire la suite|qui sommes|nos valeurs|notre equipe"
    r"|nos partenaires|ils nous font confiance|rejoignez|suivez|facebook|linkedin|instagram|politique de|accueil$|actualites"
    r"|temoignages?|siege social|rapport d'activite|adherents?|subventions?|financeurs?"
)
SHORT = 60
#: Phrases that introduce a list of activities: offers follow.
_OPENS = re.compile(
    r"(?:nos (?:activites|prestations|services|metiers|savoir-faire|competences|domaines?(?: d'activites?| d'intervention)?|produits|ateliers)"
    r"(?: (?:sont|principales|principaux))?|activites?(?: proposees| principales)?|prestations?(?: proposees)?"
    r"|nous (?:vous )?(?:proposons|realisons|assurons|effectuons|fabriquons|offrons|intervenons(?: (?:en|dans|pour|sur))?|prenons en charge)"
    r"|(?:specialis[ea]e?s?|expert(?:e|s|es)?|intervient|intervenons|propose|realise|assure|fabrique) (?:dans|en|sur|pour)?"
    r"|domaines? d'(?:activite|intervention)s?|savoir-faire|services? proposes?)"
)
_SUBJECT = re.compile(
    r"(?:nous|notre équipe|il|elle|ils|elles|la structure|l['’](?:association|atelier|esat|entreprise))\b",
    re.I,
)
_LEAD = re.compile(
    r"^(?:et |ou |ainsi que |mais aussi |de |du |des |d'|l'|le |la |les |en |dans |sur |pour |a |notamment |:|,|aussi |[eé]galement )+",
    re.I,
)


@dataclass(frozen=True, slots=True)
class _Line:
    text: str
    bullet: bool
    heading: bool


OFFERED = 0.45  # chance of an offer from which it is proposed; the structure confirms it
SHOWN = 0.4  # share of the clearest part of a trade from which others are shown with it
OF_GOODS = 0.4  # share of goods among what a part may be, from which it is one
_PIECES = re.compile(r"[,;:•/()]|\s{1,9}(?:et|ou|ainsi que|puis)\s+|\s[-–—>]\s")
_SENTENCES = re.compile(r"(?<=[.!?;])\s+(?=[A-ZÀ-Ý«])|;\s")


def propose(
    text: str, source: str = "brochure", since: date | None = None, names: Collection[str] = ()
) -> tuple[Offer, ...]:
    """Offers to tick, in the order of the text: title, passage (`evidence`), trade (`sectors`), service type, zone.

    All are marked inferred.  A trade is proposed where the text is likely to offer it (`matcher.learned.offers`).  Raises BadInput when the text is empty or too long.
    """
    if not text.strip():
        raise BadInput("the brochure is empty: paste the text that says what the structure does")
    if len(text) > LONGEST:
        raise BadInput(f"the brochure has {len(text):,} characters: paste the pages that describe the offers")
    units = parts(text, names)
    if not units:
        return ()
    zone, found = _zones.stated(text), _distinct(_chosen(units, *reading.read(units)))
    types = _service_types(found)
    return tuple(
        Offer(
            id=f"proposal-{number}",
            title=unit.title,
            text=unit.passage if unit.passage != unit.title else "",
            source=source,
            sectors=(reading.label(trade),),
            service_types=types[trade],
            zone=zone,
            since=since,
            inferred=True,
            evidence=unit.passage,
        )
        for number, (unit, trade) in enumerate(found, 1)
    )


def parts(text: str, names: Collection[str] = ()) -> list[Part]:
    """Headings, bullets, sentences and their pieces, in the order of the text, without contacts and the structure's own `names`."""
    own = {fold(name) for name in names}
    lines = [line for line in _lines(text) if fold(line.text).strip(" :") not in own or not line.text]
    return list(islice(_units(lines), UNITS))


def _chosen(
    units: Sequence[Part], names: Sequence[str], weighted: F32, offered: F32
) -> Iterator[tuple[Part, str]]:
    """Units that support a trade that the text offers, with that trade, in the order of the text."""
    sure = offered >= OFFERED
    titled = np.array([bool(unit.title) for unit in units])
    masked = np.where(sure[None, :] & titled[:, None], weighted, 0.0)
    best = masked.argmax(axis=1)
    most, peak = masked[np.arange(len(units)), best], np.zeros(len(names))
    np.maximum.at(peak, best, most)
    clear = (most > 0) & (most >= SHOWN * peak[best])
    headed = {(unit.under, best[i]) for i, unit in enumerate(units) if clear[i] and unit.shape == "heading"}
    for i in np.flatnonzero(clear & titled):
        unit = units[int(i)]
        if unit.shape == "sentence" and (unit.under, best[i]) in headed:
            continue  # covered by the text of the heading
        yield unit, names[best[i]]


def _distinct(found: Iterable[tuple[Part, str]]) -> list[tuple[Part, str]]:
    """Distinct titles, longer wordings replacing shorter ones; pieces of one sentence and trade joined."""
    kept: dict[str, tuple[Part, str]] = {}
    for unit, trade in _joined(found):
        mark = re.sub(r"[^a-z0-9]+", " ", fold(unit.title)).strip()
        if not mark or any(f" {mark} " in f" {known} " for known in kept):
            continue
        for shorter in [known for known in kept if f" {known} " in f" {mark} "]:
            kept.pop(shorter)
        kept[mark] = (unit, trade)
        if len(kept) >= MOST:
            break
    return list(kept.values())


def _joined(found: Iterable[tuple[Part, str]]) -> Iterator[tuple[Part, str]]:
    """Neighbouring pieces of one sentence that say one trade as one ("ponçage, vernis et peinture")."""
    last_ones: list[tuple[Part, str]] = []
    for unit, trade in found:
        last = last_ones[-1] if last_ones else None
        if (
            last
            and last[1] == trade
            and unit.shape == last[0].shape == "sentence"
            and unit.sentence == last[0].sentence
        ):
            begin, end = unit.sentence.find(last[0].words), unit.sentence.find(unit.words) + len(unit.words)
            span = unit.sentence[begin:end]
            if 0 <= begin < end and len(span) <= TITLE * 2 // 3:
                last_ones[-1] = (replace(last[0], words=span, title=_cut(_item(span))), trade)
                continue
        last_ones.append((unit, trade))
    yield from last_ones


def _service_types(found: Sequence[tuple[Part, str]]) -> Mapping[str, tuple[str, ...]]:
    """Of each trade: staff where the text mentions lending, goods where its parts have CPV codes of goods, else services."""
    trades_said = dict.fromkeys(trade for _, trade in found)
    if "personnel" in trades_said:
        return dict.fromkeys(trades_said, ("DISP",))
    shares = np.nan_to_num(reading.goods([unit.words for unit, _ in found])) if found else np.zeros(0)
    trades_ = np.array([trade for _, trade in found])
    of_trade = {name: float(shares[trades_ == name].mean()) for name in trades_said}
    return {name: ("BUILD",) if share > OF_GOODS else ("PREST",) for name, share in of_trade.items()}


def _lines(text: str) -> Iterator[_Line]:
    """Lines without noise; a line broken by the page's width is joined to the one before."""
    made: list[_Line] = []
    for raw in text.replace("\r", "\n").split("\n"):
        bullet = bool(_BULLET.match(raw))
        line = clean(_BULLET.sub("", raw, count=1) if bullet else raw)
        if not line:
            made.append(_Line("", False, False))
            continue
        before = made[-1] if made else None
        open_end = before and before.text and not before.heading and before.text[-1] not in ".!?:;"
        if before and open_end and not bullet and line[0].islower() and len(before.text) < PARAGRAPH:
            made[-1] = _Line(f"{before.text} {line}", before.bullet, False)
            continue
        made.append(_Line(line, bullet, not bullet and _is_heading(line)))
    yield from (line for line in made if not _noise(fold(line.text)))


def _noise(plain: str) -> bool:
    if len(plain) > 300:
        return False  # a whole page on one line: sentences are processed one by one
    return bool(_CONTACT.search(plain)) or (len(plain) <= SHORT and bool(_AROUND.search(plain)))


def _is_heading(line: str) -> bool:
    """A short line without a full stop, in capitals, ended by a colon, or a few words with a capital."""
    if len(line) > 80 or line.endswith((".", ",", ";", "!")):
        return False
    return (
        line.isupper()
        or line.endswith(":")
        or (len(line.split()) <= 8 and line[0].isupper() and not _SUBJECT.match(line))
    )


def _units(lines: list[_Line]) -> Iterator[Part]:
    """Headings with what stands under them, bullets, sentences, and the pieces of these, in the order of the text."""
    under, heading = -1, ""
    for index, line in enumerate(lines):
        if not line.text:
            continue
        if line.heading:
            under, heading = index, ""
            for unit in _of_heading(lines, index):
                heading = unit.words
                yield unit
            continue
        for sentence in [line.text] if line.bullet else _SENTENCES.split(line.text):
            if line.bullet or not _noise(fold(sentence)):
                made = _of_bullet(sentence, under) if line.bullet else _of_sentence(sentence, under)
                yield from (replace(unit, heading=heading) for unit in made)


def _of_heading(lines: list[_Line], index: int) -> Iterator[Part]:
    """A heading is described by what stands under it; "Nos activités" only opens a list."""
    heading = lines[index].text.strip(" :")
    below: list[str] = []
    for line in lines[index + 1 :]:
        if line.heading or (not line.text and below):
            break
        if line.text:
            below.append(line.text)
    if _OPENS.fullmatch(fold(heading)) or kind_in_name(heading):
        return  # "Nos activités", or who they are
    title = heading.capitalize() if heading.isupper() else heading
    passage = shorten(" ".join([heading, *below]), 1_500)
    yield Part(title, title, _cut(title), passage, index, "heading")


def _of_bullet(text: str, under: int) -> Iterator[Part]:
    """A bullet is one offer, named by what stands before its colon; where it says nothing as a whole, its pieces do."""
    head = re.split(r"\s{0,9}[:–—]\s+", text, maxsplit=1)[0]
    yield Part(text, text, _cut(_LEAD.sub("", head) or head), text, under, "bullet")
    pieces = list(_pieces(text))
    for piece in pieces if len(pieces) > 1 else ():
        yield Part(piece, text, _cut(_item(piece) or piece), text, under, "bullet")


def _of_sentence(sentence: str, under: int) -> Iterator[Part]:
    """The pieces of a sentence, after what opens a list in it; the whole as evidence."""
    plain = fold(sentence)
    opened = _OPENS.search(plain) if len(plain) == len(sentence) else None
    pieces = list(_pieces(sentence[opened.end() :] if opened else sentence))
    for piece in pieces:
        yield Part(piece, sentence, _cut(_item(piece) or piece), sentence, under, "sentence")
    if len(pieces) != 1:
        yield Part(sentence, sentence, "", sentence, under, "sentence")


def _pieces(text: str) -> Iterator[str]:
    stripped = (piece.strip(" -•>[]#.:()…«»") for piece in _PIECES.split(text))
    return (piece for piece in stripped if len(piece) > 3)


def _item(part: str) -> str:
    item = _LEAD.sub("", clean(part).strip(" :.…()-"))
    return item.strip(" :.…")


def _cut(title: str) -> str:
    title = shorten(title.strip(" :.;,-"), TITLE)
    return title[:1].upper() + title[1:]
