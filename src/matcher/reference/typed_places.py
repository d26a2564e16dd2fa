"""Places in a need as people type it: in lower case, without preposition, a number of a department, "Marseille nord".

A notice is long, so that `toponyms.mentioned` asks for a clear sign that a name is the place of work; who types a line of
search says little, and a name of a place in it is the place.  Names that are also words ("tours", "nord") need a sign.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import dropwhile, islice, takewhile

from matcher.reference import places, toponyms
from matcher.reference.tables import assumptions, remembered
from matcher.reference.text import fold
from matcher.reference.toponyms import Places

LONGEST = 400  # characters of a line or two
WORDS = 7  # of the longest name
SIZABLE = 5_000  # population from which a commune is recognised in lower case
_TOKEN = re.compile(r"[^\W_]+")
_JOINED = re.compile(r" |-|['’]|/| \(|, ")  # between words of one name: "Saint-Denis, 93"
_PHRASE = re.compile(r"\s*['’]?\s*|-")  # between words of one phrase
_SENTENCE = re.compile(r"[.!?:•]\s|\n")
_POSTCODE = re.compile(r"(?<!\d)\d{5}(?!\d)")
_OF = frozenset("de d du des".split())
_AT = frozenset("a au aux sur vers pres autour ville commune mairie secteur".split())
_IN = frozenset("dans en departement region nord sud ouest pays".split())
_SIDES = frozenset("nord sud est ouest".split())
#: What has such a side itself.
_PARTS = frozenset("secteur secteurs territoire zone quartier quartiers facade facades lot site aile".split())
#: Goods named after a place where they need not come from.
_GOODS = frozenset("savon moutarde jambon dentelle porcelaine saucisse nougat galette toile riz".split())
_FROM_TO = re.compile(r" (?:à|au|aux) ")  # "de Toulouse à Albi"
#: Are named after people and trees more than after towns: "collège Saint-Exupéry".
_BUILDINGS = frozenset(
    "ecole college lycee gymnase stade residence cite foyer square parc creche salle clinique maison".split()
)
_NUMBERED = frozenset("departement dept dep dpt".split())
#: Before a number that counts something.
_COUNTED = frozenset("lot lots no n article taille format de d a x et ou".split())
#: After a number of a date or a time.
_DATED = frozenset(
    "janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre au et h heures a".split()
)


@dataclass(frozen=True, slots=True)
class _Name:
    """A name of a place in the text, what it may mean, and how clearly it is the place."""

    words: str
    options: Places
    clear: int  # 3 after "à" or "dans le", 2 written as a name, 1 in lower case
    listed: bool  # does it go on a list of names?

    @property
    def town(self) -> bool:
        return places.precise(self.options[0])


def mentioned(text: str) -> Places:
    """The places that a typed need names, marked inferred: towns, else areas; none where it names none.

    A text longer than a few lines is read as a notice is.  Raises Homonyms where several communes bear the name and nothing
    tells which.
    """
    if len(text) > LONGEST:
        return toponyms.mentioned(text)
    names = list(_Line(text).names())
    within = [places.departments_within(one.options[0]) for one in names if len(one.options) == 1]
    near = frozenset(code for codes in within for code in codes)
    candidates = [one for one in names if one.town] or names
    clearest = max((one.clear for one in candidates), default=0)
    rest = dropwhile(lambda one: one.clear < clearest, candidates)
    chosen = list(islice(rest, 1))
    chosen += takewhile(lambda one: one.listed and one.clear >= min(clearest, 2), rest)
    settled = (toponyms.settled(one.words, one.options, near) for one in chosen)
    return tuple(dict.fromkeys(replace(place, inferred=True) for place in settled))


class _Line:
    """A typed line, its words, and which of them name places."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = list(_TOKEN.finditer(text))
        self.plain = [fold(token.group()) for token in self.tokens]
        self.loud = sum(map(str.isupper, text)) > sum(map(str.islower, text))

    def names(self) -> Iterator[_Name]:
        """The names of places, left to right, the longest first."""
        i, end = 0, -1
        last: _Name | None = None
        while i < len(self.tokens):
            may_begin = self.plain[i] in toponyms.first_words() or self.plain[i][0].isdigit()
            for stop in range(self._furthest(i) if may_begin else i, i, -1):
                options = _options(self._words(i, stop))
                clear = self._clearness(i, stop, options) if options else 0
                if clear:
                    gap = self.text[end : self.tokens[i].start()] if last else ""
                    way = bool(last and last.town and options[0].commune and _FROM_TO.fullmatch(gap))
                    listed = way or bool(toponyms.LISTED.fullmatch(gap))
                    sided = _sided(options, self._before(i))
                    last = _Name(self._words(i, stop), sided, last.clear if last and way else clear, listed)
                    yield last
                    i, end = stop - 1, self.tokens[stop - 1].end()
                    break
            i += 1

    def _words(self, i: int, stop: int) -> str:
        return self.text[self.tokens[i].start() : self.tokens[stop - 1].end()]

    def _gap(self, i: int) -> str:
        """What stands between word i and the one before; "" before the first."""
        return self.text[self.tokens[i - 1].end() : self.tokens[i].start()] if i else ""

    def _furthest(self, i: int) -> int:
        """Where the longest name that starts at word i could end."""
        stop = i + 1
        while stop < min(i + WORDS, len(self.tokens)) and _JOINED.fullmatch(self._gap(stop)):
            stop += 1
        return stop

    def _before(self, i: int) -> frozenset[str]:
        """The words before word i in its phrase: links, and the first that is none."""
        back = i
        while back > 0 and _PHRASE.fullmatch(self._gap(back)):
            back -= 1
            if self.plain[back] not in toponyms.LINKS:
                break
        return frozenset(self.plain[back:i])

    def _clearness(self, i: int, stop: int, options: Places) -> int:
        """How clearly words are the name of the place (see `_Name`); 0 where they are not taken for one."""
        before, key = self._before(i), places.name_key(" ".join(self.plain[i:stop]))
        if before & toponyms.STREETS or "quartier" in before:
            return 0
        if key.isdigit():
            return self._of_number(i, key)
        if any(map(str.isdigit, key)):
            return 3
        numbered = stop < len(self.plain) and self.plain[stop].isdigit() and self._gap(stop) == " "
        side = key in _SIDES and (places.precise(options[0]) or before & _PARTS)
        if side or (key == "lot" and numbered):
            return 0  # "le Sud" that some groupings are called, "secteur Nord", "Lot 2"
        if (before & _BUILDINGS and not before & _OF) or (
            before & _OF and _GOODS & {word.removesuffix("s") for word in before}
        ):
            return 0
        town = places.commune(options[0].commune or "")
        several_words = " " in key or key in toponyms.natural_regions()
        if several_words and town is not None and options[0].label != town.name:
            town = None  # a grouping or a natural region called after it
        if "pays" in before and town and town.population < SIZABLE:
            return 0  # a natural region that is not known
        sign = bool(before & (_AT | _IN))
        called = places.name_key(town.name) if town else key
        word = not _also_words().isdisjoint((key, called))
        begins = not i or _SENTENCE.search(self._gap(i))
        common = word or (town is not None and town.population < SIZABLE)
        if self.tokens[i].group()[0].isupper() and not self.loud and not (begins and common):
            return 2 + sign
        if word:
            at = "a" in before and " " not in called  # "à la crèche" is no town, "à tours" is
            return 3 * bool(before & _IN if town is None else at or self._confirmed(stop, options))
        whole = key == called
        return 0 if town and town.population < (SIZABLE if whole else toponyms.SHORTENED) else 1 + 2 * sign

    def _confirmed(self, start: int, options: Places) -> bool:
        """Is a name followed by that of an area that holds it: "Die, Drôme"?"""
        departments = {place.department for place in options}
        return any(
            not places.precise(area) and departments & set(places.departments_within(area))
            for end in range(self._furthest(start) if start < len(self.tokens) else start, start, -1)
            for area in _options(self._words(start, end))
        )

    def _of_number(self, i: int, key: str) -> int:
        """The same of a number: a postcode at either end, a department at the end, in brackets, or after "dans le" or "du"."""
        following = self.plain[i + 1] if i + 1 < len(self.plain) else ""
        if len(key) == 5:
            ends = i in (0, len(self.tokens) - 1) or not self._gap(i).isspace()
            return 2 * (ends and (not key.endswith("000") or not following))
        before = self.plain[max(0, i - 2) : i]
        last = before[-1] if before else ""
        if last == "du" or last in _NUMBERED or before == ["dans", "le"] or self._gap(i).endswith("("):
            return 3 * (following not in _DATED and not following.isdigit())
        return int(i > 0 and not following and len(key) == 2 and last not in _COUNTED)


@lru_cache(20_000)
def _options(words: str) -> Places:
    """What words may name: a place of that name, a number of a department, or a town by the start of its name."""
    key = places.name_key(words)
    if len(key) < 2 or key in toponyms.LINKS:
        return ()
    options = toponyms.named(words)
    if any(map(str.isdigit, key)):
        beside = _POSTCODE.sub("", words).strip(" ,()")
        return options if beside in ("", words) or _options(beside) else ()
    exact = tuple(
        place for place in options if not (place.commune and toponyms.people(place) <= toponyms.HAMLET)
    )
    return exact if not exact and key in _also_words() else toponyms.called(words, exact)


@remembered()
def _also_words() -> frozenset[str]:
    """Names of towns and areas that are also words of the language."""
    return frozenset(row["name"] for row in assumptions("place_words.csv"))


def _sided(options: Places, before: frozenset[str]) -> Places:
    """The towns among the options after "à", the areas after "dans"; all of them otherwise."""
    towns = bool(before & _AT)
    sided = tuple(place for place in options if places.precise(place) == towns)
    return sided if sided and before & (_AT | _IN) else options
