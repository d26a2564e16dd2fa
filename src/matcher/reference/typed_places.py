"""Places in a need as people type it: in lower case, without preposition, a number of a department, "Marseille nord".

A notice is long, so that `toponyms.mentioned` asks for a clear sign that a name is the place of work; who types a line of
search says little, and a name of a place in it is the place.  Names that are also words ("tours", "nord") need a sign.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import takewhile

from matcher.domain import Place
from matcher.reference import places, toponyms
from matcher.reference.tables import assumptions_file, remembered
from matcher.reference.text import fold

LONGEST = 400  # characters of a line or two
WORDS = 7  # of the longest name
HAMLET = 300  # population below which a name is more often a word than a place
SIZABLE = 5_000  # population from which a commune is recognised in lower case
SHORTENED = 8_000  # and from which by the first word of its name
_TOKEN = re.compile(r"[^\W_]+")
_JOINED = re.compile(r" |-|['’]|/| \(|, ")
_LINKS = frozenset("de d du des la le les l".split())
_OF = frozenset("de d du des".split())
_AT = frozenset("a au aux sur vers pres autour ville commune mairie secteur".split())
_IN = frozenset("dans en departement region".split())
_ROADS = frozenset(
    "rue avenue av bd boulevard route chemin allee place impasse cours quai pont ligne".split()
)
_SENTENCE = re.compile(r"[.!?:•\n]\s")
_POSTCODE = re.compile(r"(?<!\d)\d{5}(?!\d)")
_PHRASE = re.compile(r"[\s'’-]*")
_LISTED = re.compile(r"(?: ?[,;/] ?| et |, et )(?:de |d['’]|du |des |à |sur )?")
_BUILDINGS = frozenset(  # are named after people and trees more than after towns: "collège Saint-Exupéry"
    "ecole college lycee gymnase stade residence cite foyer square parc creche salle clinique maison".split()
)
_NUMBERED = frozenset("departement dept dep dpt".split())
_COUNTED = frozenset("lot lots no n article taille format de d a x et ou".split())
_DATED = frozenset(
    "janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre au et h heures a".split()
)


@dataclass(frozen=True, slots=True)
class _Name:
    """A name of a place in the text, what it may mean, and how clearly it is the place."""

    words: str
    options: tuple[Place, ...]
    clear: int  # 3 after "à" or "dans le", 2 written as a name, 1 in lower case
    listed: bool  # does it go on a list of names?

    @property
    def town(self) -> bool:
        return self.options[0].commune is not None


def mentioned(text: str) -> tuple[Place, ...]:
    """The places that a typed need names, marked inferred: towns, else areas; none where it names none.

    A text longer than a few lines is read as a notice is.  Raises Homonyms where several communes bear the name and nothing
    tells which.
    """
    if len(text) > LONGEST:
        return toponyms.mentioned(text)
    names = list(_names(text))
    within = [places.departments_within(one.options[0]) for one in names if len(one.options) == 1]
    near = frozenset(code for codes in within for code in codes)
    found = [one for one in names if one.town] or names
    clearest = max((one.clear for one in found), default=0)
    first = next((number for number, one in enumerate(found) if one.clear == clearest), 0)
    chosen = found[first : first + 1] + list(
        takewhile(lambda one: one.listed and one.clear >= min(clearest, 2), found[first + 1 :])
    )
    settled = (toponyms.settled(one.words, one.options, near) for one in chosen)
    return tuple(dict.fromkeys(replace(place, inferred=True) for place in settled))


def _names(text: str) -> Iterator[_Name]:
    """The names of places in a text, left to right, the longest first."""
    tokens = list(_TOKEN.finditer(text))
    plain = [fold(token.group()) for token in tokens]
    loud = sum(map(str.isupper, text)) > sum(map(str.islower, text))
    i, end = 0, -1
    while i < len(tokens):
        for stop in range(_furthest(text, tokens, i), i, -1):
            words = text[tokens[i].start() : tokens[stop - 1].end()]
            options = _options(words)
            clear = _clearness(text, tokens, plain, i, stop, options, loud) if options else 0
            if clear:
                between = text[end : tokens[i].start()] if end >= 0 else "."
                yield _Name(
                    words,
                    _sided(options, _before(text, tokens, plain, i)),
                    clear,
                    _LISTED.fullmatch(between) is not None,
                )
                i, end = stop - 1, tokens[stop - 1].end()
                break
        i += 1


def _furthest(text: str, tokens: Sequence[re.Match[str]], i: int) -> int:
    """Where the longest name that starts at word i could end."""
    stop = i + 1
    while stop < min(i + WORDS, len(tokens)) and _JOINED.fullmatch(
        text[tokens[stop - 1].end() : tokens[stop].start()]
    ):
        stop += 1
    return stop


@lru_cache(20_000)
def _options(words: str) -> tuple[Place, ...]:
    """What words may name: a place of that name, a number of a department, or a town by the start of its name."""
    key = places.name_key(words)
    if len(key) < 2 or key in _LINKS:
        return ()
    found = toponyms.named(words)
    if any(map(str.isdigit, key)):
        beside = _POSTCODE.sub("", words).strip(" ,()")
        return found if beside in ("", words) or _options(beside) else ()
    return tuple(place for place in found if not _hamlet(place)) or tuple(
        toponyms.of_commune(code) for code in _short_names().get(key, ())
    )


def _hamlet(place: Place) -> bool:
    town = places.commune(place.commune) if place.commune else None
    return town is not None and town.population <= HAMLET


@remembered()
def _short_names() -> dict[str, list[str]]:
    """Towns of a compound name by its first word: Brive, Cherbourg; those of two towns left out."""
    towns = [one for one in places.communes() if one.population >= SHORTENED]
    table: dict[str, list[str]] = {}
    for town in towns:
        first, _, rest = places.name_key(town.name).partition(" ")
        if rest:
            table.setdefault(first, []).append(town.code)
    return {
        first: codes
        for first, codes in table.items()
        if len(codes) == 1 and len(first) >= 4 and first not in _also_words()
    }


@remembered()
def _also_words() -> frozenset[str]:
    """Names of towns and areas that are also words of the language."""
    with assumptions_file("place_words.csv").open(encoding="utf-8-sig", newline="") as source:
        return frozenset(row["name"] for row in csv.DictReader(source))


def _sided(options: tuple[Place, ...], before: frozenset[str]) -> tuple[Place, ...]:
    """The towns among the options after "à", the areas after "dans"; all of them otherwise."""
    if before & _AT:
        return tuple(place for place in options if place.commune) or options
    if before & _IN:
        return tuple(place for place in options if not place.commune) or options
    return options


def _before(text: str, tokens: Sequence[re.Match[str]], plain: Sequence[str], i: int) -> frozenset[str]:
    """The words before word i in its phrase: links, and the first that is none."""
    back = i
    while back > 0 and _PHRASE.fullmatch(text[tokens[back - 1].end() : tokens[back].start()]):
        back -= 1
        if plain[back] not in _LINKS:
            break
    return frozenset(plain[back:i])


def _clearness(
    text: str, tokens: Sequence[re.Match[str]], plain: Sequence[str], i: int, stop: int, options: tuple[Place, ...], loud: bool
) -> int:  # fmt: skip
    """How clearly words are the name of the place (see `_Name`); 0 where they are not taken for one."""
    before, key = _before(text, tokens, plain, i), " ".join(plain[i:stop])
    if before & _ROADS or "quartier" in before:
        return 0
    if key.isdigit():
        return _of_number(text, tokens, plain, i, key)
    key = places.name_key(key)
    sign = bool(before & (_AT | _IN))
    town = places.commune(options[0].commune) if options[0].commune else None
    if any(map(str.isdigit, key)):
        return 3
    if before & _BUILDINGS and not before & _OF:
        return 0
    starts = not i or _SENTENCE.search(text[tokens[i - 1].end() : tokens[i].start()])
    if tokens[i].group()[0].isupper() and not loud and not (starts and _common(key, town)):
        return 2 + sign
    if key in _also_words():
        return 3 * bool(
            before & _IN if town is None else before & {"a"} or _confirmed(text, tokens, stop, options)
        )
    whole = town is None or key == places.name_key(town.name)
    return 0 if town and town.population < (SIZABLE if whole else SHORTENED) else 1 + 2 * sign


def _common(key: str, town: places.Commune | None) -> bool:
    """Is a name that begins a sentence as likely a word: also a word, or that of a small place?"""
    return key in _also_words() or (town is not None and town.population < SIZABLE)


def _confirmed(text: str, tokens: Sequence[re.Match[str]], stop: int, options: tuple[Place, ...]) -> bool:
    """Is a name followed by that of an area that holds it: "Die, Drôme"?"""
    for end in range(_furthest(text, tokens, stop) if stop < len(tokens) else stop, stop, -1):
        for area in _options(text[tokens[stop].start() : tokens[end - 1].end()]):
            if not area.commune and {place.department for place in options} & set(
                places.departments_within(area)
            ):
                return True
    return False


def _of_number(text: str, tokens: Sequence[re.Match[str]], plain: Sequence[str], i: int, key: str) -> int:
    """The same of a bare number: a postcode at either end of the text, a department at its end, in brackets, after "dans le" or "du"."""
    following = plain[i + 1] if i + 1 < len(plain) else ""
    if len(key) == 5:
        ends = i in (0, len(tokens) - 1) or not text[tokens[i - 1].end() : tokens[i].start()].isspace()
        return 2 * (ends and (not key.endswith("000") or not following))
    before = plain[max(0, i - 2) : i]
    dated = following in _DATED or following.isdigit()
    said = before[-1:] == ["du"] or before == ["dans", "le"] or (before[-1:] and before[-1] in _NUMBERED)
    if said or text[: tokens[i].start()].endswith("("):
        return 3 * (not dated)
    return int(i > 0 and not following and len(key) == 2 and before[-1] not in _COUNTED)
