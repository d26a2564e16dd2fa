"""A consultation as its text states it, whichever door it came through: pasted, plain text, PDF, Word file, archive.

Extracted as stated: object, reference, buyer, place, deadline, CPV, lots, criteria, clauses.  What is not found stays
unknown; nothing is guessed.
"""

import itertools
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from hashlib import blake2b
from typing import NamedTuple

from matcher.domain import BadInput, Buyer, Condition, Lot, Place, Tender
from matcher.reading import clauses
from matcher.reading.sources import _facts
from matcher.reference import toponyms
from matcher.reference.french import MONTHS
from matcher.reference.text import clean, fold, shorten

FIRST_PAGES = 6_000  # characters in which a line names the buyer or its address
HEAD = 20_000  # characters in which a sentence says what the consultation is about
KEPT = 60_000  # characters of the description
TITLE = 120  # characters of a lot's title that is a running sentence


def states(text: str) -> bool:
    """Whether a plain text looks like a consultation: its object, deadline, reference or lots, or its papers."""
    text = squeezed(text)
    statements = (_OBJECT, _REFERENCE, _DEADLINE, _BUYER, _CPV, _PAPERS)
    return sum(pattern.search(text) is not None for pattern in statements) + (len(lots_in(text)[0]) > 1) >= 2


def squeezed(text: str) -> str:
    """The text with each run of spaces made one space and each run of empty lines one: patterns then look back little."""
    lines = (" ".join(line.split()) for line in text.splitlines())
    return "\n".join(
        "\n" if empty else "\n".join(run) for empty, run in itertools.groupby(lines, lambda line: not line)
    )


_SEP = r"\s*(?::|\||–|—|\n)\s*"
_OBJECT = re.compile(
    rf"^[ \t]{{0,40}}(?:\d{{1,3}}[.\d]{{0,12}}\s?[-–.)]?\s?)?(?:objet\s+(?:du\s+march[ée]|de\s+la\s+consultation|du\s+contrat|de\s+l['’]accord[- ]cadre"
    rf"|de\s+l['’]appel\s+d['’]offres)|intitul[ée]\s+d[ue]\s+(?:march[ée]|la\s+consultation)|objet){_SEP}(.+)$",
    re.I | re.M,
)
_REFERENCE = re.compile(
    r"^[^\w\n]{0,40}(?:num[ée]ro|n\s*°|r[ée]f[ée]rence)\s+(?:de\s+la\s+|de\s+|du\s+)?(?:consultation|march[ée]|dossier|l['’]affaire)"
    r"\s*[:|–-]?\s*([A-Z0-9][\w./-]{2,40})",
    re.I | re.M,
)
_BUYER = re.compile(
    rf"^[^\w\n]{{0,40}}(?:pouvoir\s+adjudicateur|acheteur(?:\s+public)?|ma[îi]tre\s+d['’]ouvrage|entit[ée]\s+adjudicatrice"
    rf"|nom\s+de\s+l['’]acheteur|organisme\s+acheteur){_SEP}(.+)$",
    re.I | re.M,
)
_SIRET = re.compile(r"\bsiret\s*(?:n\s*°)?\s*[:|]?\s*((?:\d[\s.]?){14})(?!\d)", re.I)
_DEADLINE = re.compile(
    r"dates?\s+(?:et\s+heures?\s+)?limites?\s+(?:de\s+)?(?:r[ée]ception|remise|d[ée]p[ôo]t)\s*(?:des\s+(?:offres|plis|candidatures"
    r"(?:\s+et\s+des\s+offres)?|propositions))?[^0-9]{0,80}?(?:lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche)?\s*(?:le\s+)?"
    r"(\d{1,2}[/.-]\d{1,2}[/.-]\d{4}|\d{1,2}(?:er)?\s+[a-zéûôà]{3,9}\.?\s+\d{4})(?:\s*(?:à|a|,|-|\||avant)?\s*(\d{1,2}\s*(?:h|H|:)\s*\d{0,2}))?",
    re.I,
)
_CPV = re.compile(r"(?<!\d)(\d{8})\s?-\s?\d(?!\d)")
_LOT_LINE = re.compile(
    r"^\W{0,3}lot\s*(?:n\s*[°ºo]\s*\.?\s*|num[ée]ro\s+)?(\d{1,3}[a-z]?|[A-H])(?![\w])\s*(?:[:|.)–—-]+|\s)\s*(\S.{2,300})$",
    re.I | re.M,
)
_LOT_ROW = re.compile(r"^[ \t]{0,40}(\d{1,3})[ \t]?\|[ \t]?([^|\n]{4,300}?)[ \t]?(?:\|.*)?$", re.M)
#: The papers and words of a consultation.
_PAPERS = re.compile(
    r"\b(?:r[èe]glement\s+de\s+(?:la\s+)?consultation|cctp|ccap|cahier\s+des\s+(?:clauses|charges)|march[ée]\s+public|accord[- ]cadre|appel\s+d['’]offres|mise\s+en\s+concurrence|proc[ée]dure\s+adapt[ée]e)\b",
    re.I,
)
_TABLE = re.compile(
    r"^[^\w\n]{0,40}(?:n\s*°\s*(?:du\s+|de\s+)?)?lots?\s*(?:n\s*°)?\s*\|.*\n((?:\s*\d{1,3}\s*\|.*\n?)+)",
    re.I | re.M,
)
#: "Lot 1 : nettoyage des écoles. Lot 2 : vitrerie" within a line.
_LOT_ITEM = re.compile(r"(?:^|(?<=[\s;,.]))lot\s*(?:n\s*°\s*)?(\d{1,3})\s*[:–—-]\s*(?=(\S.{2,300}))", re.I)

_CONCERNS = re.compile(
    r"(?:consultation|march[ée]|accord[- ]cadre|contrat)\s+(?:a|ont)\s+pour\s+objet\s*:?\s*(.{8,300}?)(?:\.\s|\.$|\n\s*\n|;)"
    r"|(?:pr[ée]sente?|cette|ce)\s+(?:consultation|march[ée]|accord[- ]cadre)\s+(?:concerne|porte\s+sur|est\s+relatif?\s+[àa])\s*:?\s*(.{8,300}?)(?:\.\s|\.$|\n\s*\n|;)",
    re.I | re.S,
)
_NAME_ALONE = re.compile(
    r"^[^\w\n]{0,40}((?:commune|ville|mairie|d[ée]partement|r[ée]gion|conseil\s+\w+|communaut[ée]\s+\w+|m[ée]tropole|centre\s+hospitalier|chu|ch|syndicat|lyc[ée]e|coll[èe]ge"
    r"|universit[ée]|office|ccas|sdis|hôpital)\b[^\n|]{2,120})$",
    re.I | re.M,
)
_SITE = re.compile(
    r"lieux?(?:\(x\))?\s+(?:principal\s+)?(?:d['’]ex[ée]cution|de\s+livraison|d['’]intervention)[^:\n|]{0,60}[:|]\s*([^\n|.]{3,160})",
    re.I,
)
_ADDRESS = re.compile(r"(?<!\d)(\d{5})\s+([A-ZÀ-Ý][A-Za-zÀ-ÿ' -]{2,40})")


def tender_of(written: str, name: str = "") -> Tender:
    """The notice that a text states; the first statement of each thing counts.  `name` is that of its file."""
    text = squeezed(written)
    identifier = blake2b(written.encode("utf-8", "replace"), digest_size=8).hexdigest()
    title, flags = _title_of(text, name)
    siret = _SIRET.search(text)
    name_of_buyer = _first(_BUYER, text, 200) or body(text)
    buyer = Buyer(
        id=re.sub(r"\D", "", siret.group(1)) if siret else "",
        name=name_of_buyer,
        place=seat(text, name_of_buyer),
    )
    deadline = _deadline(text, buyer.place.department)
    whole = Lot(
        id=f"{identifier}/1",
        title=title,
        description=clean(text, KEPT),
        cpv=_facts.cpvs(_CPV.findall(text)),
        deadline=deadline,
        places=site(text),
    )
    named, rest = lots_in(text)
    lots = tuple(
        replace(
            whole,
            id=f"{identifier}/{place}",
            number=one.number,
            title=one.title,
            description=one.detail,
            cpv=(),
        )
        for place, one in enumerate(named, 1)
    )
    tender = Tender(
        id=identifier,
        format="documents",
        title=title,
        description=clean(text, KEPT),
        buyer=buyer,
        lots=_facts.placed(lots or (whole,), buyer.place),
        reference=_first(_REFERENCE, text, 60),
        deadline=deadline,
        flags=flags,
    )
    made = clauses.complete(tender, rest, {lot.id: one.text for lot, one in zip(lots, named, strict=True)})
    return replace(
        made, lots=tuple(replace(lot, conditions=(*lot.conditions, *_judged(lot))) for lot in made.lots)
    )


def _judged(lot: Lot) -> Iterator[Condition]:
    """The award criteria as conditions to be shown."""
    for one in lot.criteria:
        yield Condition(code="criterion", label=shorten(one.name, 90), passage=one.name)


def _title_of(text: str, name: str) -> tuple[str, tuple[str, ...]]:
    """What a consultation is about, and a flag where no sentence says so: its first line, else the name of its file."""
    if title := _first(_OBJECT, text, 500) or concerned(text[:HEAD]):
        return title, ()
    lines = (clean(line.strip(" #*=_-")) for line in text.splitlines() if re.search(r"[^\W\d_]", line))
    if line := next((one for one in lines if one != body(text) and not _PAPERS.fullmatch(one)), ""):
        return shorten(line, 160), ("title-from-text",)
    return re.sub(r"[_-]+", " ", re.sub(r"\.\w+$", "", name)).strip() or name, ("title-from-file",)


def concerned(text: str) -> str:
    """The object of the consultation as stated in a sentence; "" where none does."""
    sentence = _CONCERNS.search(text)
    return clean(sentence.group(1) or sentence.group(2)).rstrip(" .") if sentence else ""


def body(text: str) -> str:
    """The buyer, from a line of the first pages that is only its name; "" where there is none."""
    line = _NAME_ALONE.search(text[:FIRST_PAGES])
    return clean(line.group(1)) if line else ""


def site(text: str) -> tuple[Place, ...]:
    """The place of work from a labelled line; empty where it names no place."""
    for found in _SITE.finditer(text):
        words = re.sub(
            r"^(?:commune|ville|territoire)s?\s+(?:de\s+la\s+|de\s+|du\s+|d['’])",
            "",
            clean(found.group(1)),
            flags=re.I,
        )
        try:
            if places := toponyms.asked(words) if toponyms.spelt(words) else toponyms.mentioned(words):
                return places
        except BadInput:  # a homonym, or no place at all
            continue
    return ()


def seat(text: str, buyer: str = "") -> Place:
    """The town that the name of the buyer holds, else that of the first postal address; an empty place where there is none."""
    addresses = (f"{code} {clean(town)}" for code, town in _ADDRESS.findall(text[:FIRST_PAGES]))
    for words in (buyer, *addresses):
        try:
            return (toponyms.mentioned(words) if words == buyer else toponyms.asked(words))[0]
        except (BadInput, IndexError):  # a homonym, or no place at all
            continue
    return Place()


# ------------------------------------------------------------------------------------------------- lots


class Named(NamedTuple):
    """A lot as a text names it, with all that is written under its name."""

    number: str
    title: str
    text: str

    @property
    def detail(self) -> str:
        """What is said beyond the title; "" where it says no more."""
        return clean(self.text, KEPT) if len(self.text) > len(self.title) + 3 else ""


#: What ends the words about a lot: an empty line, unless "Ce lot ..." follows, and a line about the whole.
_ENDS = re.compile(
    r"\n\s*\n(?!\W{0,3}(?:pour )?ce lot\b)"
    r"|\n(?=\W{0,3}(?:\d{1,2}(?:\.\d{1,2})*[.) –-]{1,3}[A-ZÀ-Ý]|(?:articles?|chapitre|annexe|objet|dates?|crit[èe]res?|renseignements"
    r"|pouvoir adjudicateur|acheteur|remise|tous les lots|l['’]ensemble|les? (?:march[ée]s?|lots|candidats?|offres?|accord)"
    r"|la consultation|l['’]accord)\b))",
    re.I,
)


def lots_in(text: str) -> tuple[tuple[Named, ...], str]:
    """The lots that lines or items of a text name, each once, in order, and what is said outside them.

    None unless at least two are named: a table under a heading row "Lot | ..." counts, sentences that speak of a lot
    ("le lot 1 comprend") do not.
    """
    marks = _marks(text)
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    lots: dict[str, Named] = {}
    rest, read = [], 0
    for mark, end in zip(marks, ends, strict=False):
        number, stop = (mark.group(1).lstrip("0").upper() or "0"), _ENDS.search(text, mark.start(2), end)
        end = mark.end(2) if mark.re is _LOT_ROW else stop.start() if stop else end
        if number not in lots:
            block = text[mark.start(2) : end]
            line = clean(re.split(r"\n| \| ", block, maxsplit=1)[0], 300).strip(" .:;,|–-")
            first = re.split(r"(?<=[.;])\s", line, maxsplit=1)[0].strip(" .:;,|–-")
            lots[number] = Named(
                number,
                shorten(line if len(line) <= TITLE else first, TITLE if len(first) > 300 else 300),
                block.strip(" ;,\n"),
            )
            rest.append(text[read : mark.start()])
            read = end
    return (tuple(lots.values()), "\n".join([*rest, text[read:]])) if len(lots) > 1 else ((), text)


def _marks(text: str) -> list[re.Match[str]]:
    """Where lots are named: at the beginning of lines or in rows of a table, else within lines."""
    tables = [found.span(1) for found in _TABLE.finditer(text)]
    rows = (row for start, end in tables for row in _LOT_ROW.finditer(text, start, end))
    for marks in ([*_LOT_LINE.finditer(text), *rows], list(_LOT_ITEM.finditer(text))):
        sound = sorted((one for one in marks if _is_title(one.group(2))), key=lambda one: one.start())
        if len({one.group(1) for one in sound}) > 1:
            return sound
    return []


def _first(pattern: re.Pattern[str], text: str, limit: int) -> str:
    stated = (clean(match.group(1), limit) for match in pattern.finditer(text))
    first = next(filter(None, stated), "")
    return first.strip(" .:;|–-")


def _deadline(text: str, department: str | None) -> datetime | None:
    for match in _DEADLINE.finditer(text):
        day = _numeric(match.group(1))
        if day:
            return _facts.moment(day, re.sub(r"\s", "", match.group(2) or ""), department)
    return None


def _numeric(raw: str) -> str:
    """ "12 mars 2026" as "12/03/2026"; "" where the month is none."""
    if re.match(r"\d{1,2}[/.-]", raw):
        return raw
    day, month, year = raw.split()
    named = (n for n, name in enumerate(MONTHS, 1) if fold(name).startswith(fold(month).rstrip(".")))
    return f"{int(day.removesuffix('er')):02d}/{number:02d}/{year}" if (number := next(named, 0)) else ""


def _is_title(words: str) -> bool:
    """A title begins with no verb or preposition of a running sentence, nor a quantity, and holds some letters."""
    if len(re.findall(r"[^\W\d_]", re.split(r"(?i)\blots?\b", words)[0])) < 3:
        return False
    if re.match(r"(?i)\d[\d .,]*(?:h(?:eures?)?|€|euros?|%|mois|points?)(?!\w)", words):
        return False
    return not re.match(
        r"(?i)(?:est|sont|a|ont|comprend|comporte|concerne|sera|seront|fait|porte|du|de\s+la|des|et\s+(?:le\s+)?lot|à|ou|pour|qui|dans)\b",
        words,
    )
