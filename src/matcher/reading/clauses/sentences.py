"""A text cut into sentences, each with the lots it is about, and into the windows that are worth a classifier.

Everything after this works on a sentence or on a window of at most five, so that reading is linear in the text.
"""

from __future__ import annotations

import itertools
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from matcher.reference import prose
from matcher.reference.prose import LOST, french, lots_named

LONGEST = 600  # characters of a sentence; a longer one is cut at a blank
MOST, SHORT = 5, 700  # sentences and characters of a window

#: "? Prix : 60 % ; ? Insertion : 10 %": bullets that were lost on the way.
_LOST_BULLET = re.compile(r"(^|[\n;:] ?)\? (?=\w)")
_ITEM = re.compile(r"[-–—•▪●*+·]|\(?\d{1,2}(?:[.)]|\.\d)|\(?[a-zA-Z][.)]|[a-zà-ÿ]")
#: "Pour les lots 11 à 19 (réservé insertion) :" opens a list that is about these lots.
_OPENS_LIST = re.compile(r":\s*$")

#: Stems of which one must stand in a sentence that is worth the classifier; "?" is a letter that was lost.
_STEMS = tuple(
    (
        "reserv|?serv|2113-1|2113- 1|2113 -1|5132-4|5213-13|344-2|2112-2|2152-7|insertion|inclusi|esat|"
        "siae| iae|'iae|(iae|/iae|handicap|par le travail|entreprise adapt|entreprises adapt|"
        "secteur adapt|travail adapt|et adapt|ou adapt|ni adapt|protege|prot?g|regie de q|regies de q|"
        "solidaire| ess | ess,| ess.| ess)|'ess |'ess,|'ess.|esus|geiq| etti| ei | ei,|(ei| ea | ea,| ea.|"
        "(ea)|(ea |/ea| ea/| aci | aci,| aci.| ai,| ai |nitenti|detenus|detenues|detention|"
        "main de justice|social|sociau|socio|societal|societau| rse|loign| rsa|chomeu|chomage|ch?m|"
        "l'emploi|d'emploi|l?emploi|d?emploi|emplois|sans emploi|un emploi|cap emploi|en difficult|"
        "grande difficult|defavoris|d?favoris|sans qualif|sans dipl|sans travail|mission locale|parcours|"
        "facilitat| clause)|emploi et|prioritaire|intermediaire|interm?diaire|apprenti|"
        "professionnalisation|embauch|recrut|chantier d'|chantiers d'|chantier d?|chantier ecole|claus|"
        " plie|contrat aide|contrats aides|qu'adapt"
    )
    .replace("?", LOST)
    .split("|")
)
#: By stem, the turns of every notice around it that say nothing of either.
_COMMONPLACE = {
    stem: [french(turn) for turn in turns]
    for stem, turns in {
        "reserv": (
            r"\bse réserv",
            r"\b(?:sous|sans|avec|des|les) réserves?\b",
            r"réservoir|préserv",
            r"levées? (?:de |des )?réserves",
            r"réservation (?:hôtel|d'h|de (?:titres|salle|v))",
        ),
        "detention": (r"détention (?:provisoire|par)",),
        "et adapt": (r"et adapt(?:er|ation)",),
        "2113-1": (r"2113-1[01]\b",),
        "2112-2": (r"2112-2\d",),
        "handicap": (
            r"obligations? d'emploi",
            r"emploi (?:des|de) (?:travailleurs|personnes)[^.;]{0,25}handicap",
            r"5212",
        ),
        "protege": (r"(?:données?|secrets?)\b[^.;]{0,12} protég", r"protéger|protège-"),
        "solidaire": (
            r"caution",
            r"(?:groupements?|mandataires?|conjoints?|membres?|entreprises?|cotraitants?)\b[^.;]{0,30} solidaire",
            r"solidaires? (?:du|ou|de|des|pour|avec)\b",
            r"solidairement",
        ),
        "social": (
            r"(?:siège|capital|objet|exercice|habitat|logements?) social",
            r"(?:raison|dénomination|part|sécurité|cotisation|protection|action|cohésion)s? sociale",
            r"fiscale?s?,? (?:et |ou )?sociale",
            r"sociales? et fiscale",
            r"organismes? sociaux",
        ),
        "sociau": (
            r"(?:réseaux|locaux|bailleurs?|logements?|organismes|comptes|fiscaux et) sociaux",
            r"sociaux et fiscaux",
        ),
        "l'emploi": (r"(?:industrie|économie|ministère|travail,?)[^.;]{0,25} l'emploi", r"pôle emploi"),
        "d'emploi": (
            r"obligations? d'emploi (?:des|de)\b",
            r"d'emploi (?:service|universel)",
            r"(?:mode|contrainte|condition)s? d'emploi",
        ),
        "parcours": (
            r"temps de parcours",
            r"parcours (?:de (?:visite|soins|santé|golf)|client|sportif|usager)",
        ),
        "claus": (
            r"clauses? (?:et cond|technique|administrative|particulière|contractuelle|générale|pénale|résolutoire|de révision|de réexamen)",
            r"certaines de ses clauses|ses clauses est",
            r"clausier",
        ),
        "intermediaire": (r"assurance", r"intermédiaires? (?:d'|financ|et final)"),
        "prioritaire": (r"(?:risque|rénovation|véhicule|accès|voie)[^.;]{0,20} prioritaire",),
    }.items()
}


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence, item of a list or cell: as published without line breaks, folded, and the lots it is about."""

    text: str
    plain: str
    lots: frozenset[str] = frozenset()
    span: tuple[int, int] = (0, 0)  # where it stands in the `joined` text
    item: bool = False  # opens with a bullet, a number or a small letter: it belongs to what stands before
    opens: bool = False  # stands at the beginning of a line


def joined(text: str) -> str:
    """The text with every run of blanks made one space, or one line break where it holds one; what was wrapped stays."""
    lines = (" ".join(line.split()) for line in text.splitlines())
    text = "\n".join(filter(None, lines))
    return _LOST_BULLET.sub(r"\1• ", text) if "? " in text else text


@lru_cache(maxsize=64)
def cut(text: str) -> tuple[Sentence, ...]:
    """The sentences of a text, in order; an item that names no lot is about those that its heading names."""
    text = joined(text)
    found: list[Sentence] = []
    heading: frozenset[str] = frozenset()
    for start, end in _short(text):
        published = text[start:end].strip().replace("\n", " ")
        if not published:
            continue
        plain = prose.folded(published)
        own = lots_named(plain) if "lot" in plain else frozenset()
        line = start == 0 or text[start - 1] == "\n"
        item = _ITEM.match(published) is not None
        if own:
            heading = own if _OPENS_LIST.search(plain) else frozenset()
        elif line and not item:
            heading = frozenset()
        found.append(Sentence(published, plain, own or heading, (start, end), item, line))
    return tuple(found)


def _short(text: str) -> Iterator[tuple[int, int]]:
    for start, end in prose.sentences(text):
        while end - start > LONGEST:
            at = text.rfind(" ", start + LONGEST // 2, start + LONGEST)
            at = at if at > 0 else start + LONGEST
            yield start, at
            start = at
        yield start, end


def speaking(found: tuple[Sentence, ...]) -> list[int]:
    """The places of the sentences that may speak of reservations or of insertion."""
    whole = "\n".join(one.plain for one in found)
    starts = list(itertools.accumulate((len(one.plain) + 1 for one in found), initial=0))
    kept = {bisect_right(starts, at) - 1 for stem in _STEMS if stem in whole for at in _standing(whole, stem)}
    return sorted(kept)


def _standing(plain: str, stem: str) -> Iterator[int]:
    """Where a stem stands, but in the turns of every notice; a search for a plain word costs little."""
    turns = _COMMONPLACE.get(stem, ())
    at = plain.find(stem)
    while at >= 0:
        around = plain[max(0, at - 40) : at + 40] if turns else ""
        if not any(turn.search(around) for turn in turns):
            yield at
        at = plain.find(stem, at + len(stem))


def windows(found: tuple[Sentence, ...], kept: list[int]) -> Iterator[tuple[Sentence, ...]]:
    """Runs of neighbouring sentences of those kept; a short text whole."""
    if not kept:
        return
    if len(found) <= MOST and sum(len(one.text) for one in found) <= SHORT:
        yield found
        return
    run: list[int] = []
    size = 0
    for place in kept:
        if run and (place != run[-1] + 1 or len(run) >= MOST or size + len(found[place].text) > SHORT):
            yield tuple(found[i] for i in run)
            run, size = [], 0
        run.append(place)
        size += len(found[place].text) + 1
    yield tuple(found[i] for i in run)


def passage(window: tuple[Sentence, ...]) -> str:
    """The words of a window as the classifier reads them."""
    return " ".join(one.text for one in window)
