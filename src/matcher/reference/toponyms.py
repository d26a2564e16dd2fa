"""Places named in words: typed by a person, stated in a notice, or part of its buyer's name.

An ambiguous name is never resolved by population: the department, the other places or the rest of the text must
decide, else `Homonyms` lists the choices.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from itertools import chain, dropwhile, islice, takewhile

from matcher.domain import BadInput, Buyer, Lot, Place, Tender
from matcher.reference import places
from matcher.reference.places import Commune, Grouping, departments_within, precise
from matcher.reference.tables import assumptions, remembered
from matcher.reference.text import clean, fold

Places = tuple[Place, ...]
#: Population from which a commune is meant as often as the department or region of its name (Vienne, in Isère).
TOWN = 10_000
#: Population below which a name in a text is more often a word than a place.
HAMLET = 300
MOST_CHOICES = 10
MOST_LIKE = 20  # communes that a name is compared with
SHORTEST = 3  # letters of a name that is completed
SHORTENED = 8_000  # population from which a town is called by the beginning of its name
DOMINANT = 5  # times the people of the village of that very name, or one more like it, from which the town alone is meant


class Homonyms(BadInput):
    """The name typed is ambiguous; `choices` are texts that each name one place."""

    def __init__(self, words: str, choices: tuple[str, ...]) -> None:
        self.words, self.choices = words, choices
        super().__init__(
            f"{words[:60]!r} may be several places: {', '.join(choices)}; write the one that is meant, in the need or as the place"
        )


def suggested(choices: Collection[str]) -> str:
    """The choices as a question, for a French reader; what to do where there are none."""
    return f"vouliez-vous dire {', '.join(choices)} ?" if choices else "vérifiez l'orthographe."


class UnknownPlace(BadInput):
    """No place has the name typed; `choices` are towns whose name it begins with."""

    def __init__(self, words: str, choices: tuple[str, ...]) -> None:
        self.words, self.choices = words, choices
        hint = f"is it {', '.join(choices)}?" if choices else "check the spelling"
        super().__init__(
            f"no commune, postcode, department, region or grouping is called {words[:60]!r}: {hint}"
        )


# ------------------------------------------------------------------------------------------- typed places


def asked(words: str, context: str = "") -> Places:
    """The places typed: communes, postcodes, INSEE codes, a department, region or grouping; none for "".

    Several are separated by commas, semicolons or "et".  `context` is the text of the need: a department that it
    names settles a homonym.  Raises Homonyms, and BadInput where no place has that name.
    """
    text = clean(words)
    if not text:
        return ()
    return _asked(text, hints(context), clean(context)[:2000] if re.search(r"\d{5}", text) else "")


#: Most places at once: each one that is misspelt is searched among all those of the country.
MOST = 12


@lru_cache(4096)
def _asked(text: str, near: frozenset[str], context: str) -> Places:
    if codes := places.former_regions().get(places.name_key(text)):
        return tuple(map(_of_department, codes))
    options, parts = named(text, context), parted(text)
    if len(parts) > MOST:
        raise BadInput(f"{len(parts)} places: give at most {MOST}, or the department that holds them")
    if not options and (town := _of_institution(text)):
        return (settled(text, town, near),)
    if not options and len(parts) > 1:
        return _several(parts, near, context)
    return (settled(text, called(text, options) or _resembling(text), near),)


def _of_institution(text: str) -> Places:
    """The town after the name of an institution or area: "centre hospitalier de Laon", "arrondissement de Lens"."""
    if (places.name_key(text).split() or [""])[0] not in places.INSTITUTIONS:
        return ()
    towns = (tuple(p for p in named(name) if p.commune) for name in places.shorter(text))
    return next(filter(None, towns), ())


def called(name: str, exact: Places) -> Places:
    """What is meant by a name that these places bear exactly: they, and the larger towns whose name begins with it.

    "Cesson" may be Cesson-Sévigné; "Vire" is Vire Normandie, "Viré" the village.
    """
    key, most = places.name_key(name), max(map(people, exact), default=0)
    towns = () if not all(map(precise, exact)) else _towns_begun().get(key, ())
    larger = tuple(of_commune(code) for code, count in towns if count > most)
    if len(exact) != 1 or len(larger) != 1:
        return exact + larger if exact or len(larger) == 1 else ()
    plain, typed = exact[0].label.lower(), name.lower()
    if plain == typed and not larger[0].label.lower().startswith(typed):
        return exact
    return exact + larger if people(larger[0]) < DOMINANT * most else larger


def people(place: Place) -> int:
    """How many people live in a commune, or the largest of a grouping; 0 for an area."""
    town = places.largest_of(place)
    return town.population if town else 0


@remembered()
def _towns_begun() -> Mapping[str, list[tuple[str, int]]]:
    """Towns of a compound name by the words with which it begins, each with its people: Brive, Cherbourg, Saint-Jacques."""
    table: dict[str, list[tuple[str, int]]] = {}
    for town in places.communes(SHORTENED):
        words = places.name_key(town.name).split()
        for end in range(1, len(words)):
            if len(begun := " ".join(words[:end])) >= SHORTEST and begun not in ("saint", "sainte"):
                table.setdefault(begun, []).append((town.code, town.population))
    return table


def spelt(words: str) -> bool:
    """Are the places typed called exactly so, so that none is a guess?"""
    text = clean(words)
    exact = named(text)
    return called(text, exact)[:1] == exact[:1] if exact else all(map(named, parted(text)))


#: What parts the names of a list, the clearest first.
_SIGNS = (r"[;:|()]", r"[,+–]|\s-\s", "/", r"\b(?:et|ou)\b|&")


def parted(text: str) -> list[str]:
    """The names of a list; one that itself holds the sign of a list stays whole: "La Roche s/ Yon", "Entre Dore et Allier"."""
    if not (text := text.strip()):
        return []
    pieces = next((made for sign in _SIGNS if len(made := re.split(sign, text)) > 1), [])
    whole = not pieces or (re.search(r"[^\W\d]", text) and (named(text) or places.abbreviated(text)))
    return [text] if whole else [name for piece in pieces for name in parted(piece)]


def _several(parts: list[str], near: frozenset[str], context: str) -> Places:
    """One place per part; areas that contain one of the communes only disambiguate it."""
    options = [named(part, context) or _resembling(part) for part in parts]
    # an unambiguous name tells where its neighbours in the list are
    sure = frozenset(d for found in options if len(found) == 1 for d in departments_within(found[0]))
    chosen = [
        settled(part, found, sure if len(_within(found, sure)) == 1 else near)
        for part, found in zip(parts, options, strict=True)
    ]
    communes = [place for place in chosen if precise(place)]
    departments = {place.department for place in communes}
    wide = [place for place in chosen if not precise(place)]
    areas = [place for place in wide if not departments.intersection(departments_within(place))]
    return tuple(dict.fromkeys(communes + areas))


def settled(words: str, found: Places, near: frozenset[str]) -> Place:
    """The only place meant.  Raises Homonyms where several are left, UnknownPlace where there is none."""
    if not found:
        key = places.name_key(words).split()
        begun = (f"{' '.join(key[:end])} " for end in range(len(key) - 1, 0, -1))
        towns = ([t for t in _towns_like(b) if f"{places.name_key(t.label)} ".startswith(b)] for b in begun)
        raise UnknownPlace(words, _choices(tuple(next(filter(None, towns), ())))[:MOST_CHOICES])
    left = found if len(found) == 1 else _within(found, near) or _likely(words, found)
    if len(left) > 1:
        raise Homonyms(words, _choices(tuple(dict.fromkeys((*found, *_towns_like(words)))))[:MOST_CHOICES])
    return left[0]


def _likely(words: str, found: Places) -> Places:
    """These places without the villages that bear the very name of a town: "Valence" is that of the Drôme."""
    key = places.name_key(words)
    same = [place for place in found if place.commune and places.name_key(place.label) == key]
    most = max(map(people, same), default=0)
    return tuple(place for place in found if place not in same or people(place) * DOMINANT > most)


def _towns_like(words: str) -> Places:
    """The towns whose name is or begins with these words; those that resemble them where none does."""
    found, key = places.search_commune(words, limit=MOST_LIKE), places.name_key(words)
    begun = [commune for commune in found if places.name_key(commune.name).startswith(key)] or found
    return tuple(of_commune(commune.code) for commune in begun if commune.population >= TOWN)


def _within(found: Iterable[Place], near: Collection[str]) -> Places:
    return tuple(place for place in found if place.department in near)


def _choices(found: Places) -> tuple[str, ...]:
    """Each place as an unambiguous text."""
    several = [p.department for p in found if p.commune]

    def typed(place: Place) -> str:
        if not precise(place):
            return f"département {place.department}" if place.department else place.label
        twin = several.count(place.department) > 1
        known = places.commune(place.commune or "")
        code = known.postcodes[0] if twin and known and known.postcodes else place.department
        return f"{known.name if known else place.label} ({code})"

    return tuple(dict.fromkeys(map(typed, found)))


_ROMAN = "i ii iii iv v vi vii viii ix x xi xii xiii xiv xv xvi xvii xviii xix xx".split()
_ARRONDISSEMENT = re.compile(
    rf"(paris|lyon|marseille) (\d{{1,2}}|(?:{'|'.join(_ROMAN)})(?=er?\b))(?: ?(?:er|e|eme|nd|ieme))?(?: arrondissement)?"
)
ACRONYMS = {"paca": "93", "idf": "11", "aura": "84"}  # of regions, as people type them
_PREFIX = {"paris": ("751", 20), "lyon": ("6938", 9), "marseille": ("132", 16)}
_TRAILING = re.compile(r"[\s,(-]{1,9}(2[AB]|\d{2,3})\s*\)?$", re.I)


def named(text: str, context: str = "") -> Places:
    """Every place with exactly this name, postcode or number; none where it is none."""
    text = re.sub(r"(?<=\w)\s+cedex\b.*$", "", text, flags=re.I)
    text = re.sub(r"^d[ée]partement (?=\d|2[AB]$)", "", text, flags=re.I)
    key = places.name_key(text)
    if match := _ARRONDISSEMENT.fullmatch(key):
        prefix, last = _PREFIX[match.group(1)]
        rank = int(match[2]) if match[2].isdigit() else _ROMAN.index(match[2]) + 1
        if 1 <= rank <= last:
            return (of_commune(prefix + str(rank).zfill(5 - len(prefix))),)
    if digits := re.search(r"(?<![\dA-Z])(\d{5}|2[AB]\d{3})(?!\d)", text.upper()):
        return _coded(text, digits.group(1), context)
    if found := places.department(text.upper().zfill(2) if text.isdigit() else text.upper()):
        return (_of_department(found.code),)
    name, near = _department_at_end(text) or (text, None)
    key = places.name_key(name)
    same = _named(key, near)
    around = (place for place in natural_regions().get(key, ()) if near in (None, place.department))
    same += tuple(place for place in around if place not in same)
    same = same or tuple(of_commune(town.code) for town in places.communes_once_named(name, near))
    same = same or tuple(
        place for place in _shortened_names().get(_unlinked(key), ()) if near in (None, place.department)
    )
    side = None if same else _SIDE.match(text)
    return named(text[side.end() :]) if side else same


#: Of a place: "Nord Vendée", "sud de l'Ardèche".
_SIDE = re.compile(r"(?:nord|sud|est|ouest) (?:de la |de l['’]|du |des |de |d['’])?(?=\w)", re.I)


def _department_at_end(text: str) -> tuple[str, str] | None:
    """A name and the department that follows it: "Saint-Denis (93)"; None where none does."""
    trailing = _TRAILING.search(text)
    area = places.department(trailing.group(1).upper()) if trailing else None
    return (text[: trailing.start()], area.code) if trailing and area else None


def _named(key: str, near: str | None) -> Places:
    """The places of a name: an area before a village, a commune before a grouping that is named after it."""
    same = places.communes_named(key, near)
    areas = () if near else _areas(key)
    if areas and areas[0].department not in _ONE_COMMUNE:
        return areas + tuple(of_commune(c.code) for c in same if c.population >= TOWN)
    grouping = () if same else _groupings(key)
    return tuple(of_commune(c.code) for c in same) or tuple(
        found
        for found in (places.of_grouping(one.siren) for one in grouping)
        if near in (None, found.department)
    )


_ONE_COMMUNE = ("75", "977", "978")  # departments that are one town: Paris, Saint-Barthélemy, Saint-Martin


def _areas(key: str) -> Places:
    code, region = places.area_named(key)
    region = region or ACRONYMS.get(key)
    if code:
        return (_of_department(code),)
    return (Place(label=places.regions()[region], region=region),) if region else ()


def _resembling(text: str) -> Places:
    """The communes that a shortened, misspelt or unfinished name may be: a wrong letter counts as DOMINANT times fewer people."""
    name, code = _department_at_end(text) or (text, None)
    key = places.name_key(re.sub(r"[\d(),]+", " ", name))
    found = places.search_commune(key, code, MOST_LIKE) if len(name) >= SHORTEST else ()
    likely: dict[str, float] = {c.code: c.population for c in places.abbreviated(name, code)}
    likely = likely or {
        c.code: c.population / DOMINANT ** _unlike(key, places.name_key(c.name)) for c in found
    }
    least = max(likely.values(), default=0.0) / DOMINANT
    return tuple(of_commune(code) for code, people in likely.items() if people > least)


def _unlike(typed: str, name: str) -> int:
    """In how many letters a name is not what is typed: words not typed count as one, letters at most as two."""
    from rapidfuzz.distance import OSA

    begun = " ".join(name.split()[: typed.count(" ") + 1])
    wrong = OSA.distance(typed, begun)
    return (min(wrong, 2) if begun.startswith(typed) else wrong) + (begun != name)


def _coded(text: str, code: str, context: str) -> Places:
    """The place of five digits: a postcode, an INSEE code, or the number of a CEDEX with its town."""
    label = clean(
        re.sub(r"\bcedex\b.*", " ", re.sub(rf"{code}|[(),]|\bF-", " ", text, flags=re.I), flags=re.I)
    )
    place = places.commune_or_postcode(code, f"{label} {context}")
    mentioned_too = place and places.mentions(label, places.commune(place.commune or ""))
    if place is None or (label and not mentioned_too and not places.communes_of_postcode(code)):
        # the number of a CEDEX may be the INSEE code of another commune
        area = places.department_of_postcode(code)
        town = places.communes_named(label, area) if area and label else ()
        if town or place is None:
            place = Place(label=label, commune=town[0].code if town else None, department=area)
    located = places.locate(place)
    return (located,) if located.department else ()


@lru_cache(4096)
def of_commune(code: str) -> Place:
    return places.locate(Place(commune=code))


def _of_department(code: str) -> Place:
    area = places.department(code)
    # located before it is named: a commune of that name may lie in it (Doubs, Corrèze)
    return replace(places.locate(Place(department=code)), label=area.name if area else code)


@remembered()
def natural_regions() -> Mapping[str, Places]:
    """Natural regions ("Maurienne") by name, each as the towns that it lies around."""
    return {
        places.name_key(row["name"]): tuple(
            replace(of_commune(code), label=row["name"]) for code in row["communes"].split("|")
        )
        for row in assumptions("natural_regions.csv")
    }


# ---------------------------------------------------------------------------------------------- groupings

#: What a grouping is, at the start of its name or after it.
_KIND = re.compile(
    r"(?:^(?:cc|ca|cu|ept)|\b(?:agglo(?:meration)?|(?:euro)?metropole|intercommunalite|etablissement public territorial"
    r"|communaute(?: (?:de communes|d agglo(?:meration)?|urbaine))?))\b(?: (?:de|du|des|d|la|le|les|l)\b)*"
)
LINKS = frozenset("de d du des la le les l".split())


@remembered()
def _grouping_names() -> Mapping[str, list[Grouping]]:
    """Groupings by their names without what kind they are."""
    table: dict[str, list[Grouping]] = {}
    for made in places.groupings().values():
        outside, _, inside = made.name.partition("(")
        # what stands in brackets is a name too where it is several words: "(Cap Atlantique)"
        for own in (outside, *([inside.strip(" )")] if " " in inside.strip(" )") else ())):
            table.setdefault(_own_name(places.name_key(own)), []).append(made)
    return table


def _own_name(key: str) -> str:
    return " ".join(_KIND.sub(" ", key).split())


@remembered(2048)
def initials(siren: str) -> tuple[str, str]:
    """The initial letters of a grouping's name, without what kind it is and with it: "macs", "ccmacs"."""
    made = places.groupings()[siren]
    own = _unlinked(_own_name(places.name_key(made.name.partition("(")[0]))).split()
    letters = "".join(word[0] for word in own if word != "et")
    return letters, f"{made.kind.lower()}{letters}"


def _unlinked(key: str) -> str:
    return " ".join(word for word in key.split() if word not in LINKS)


@remembered()
def _shortened_names() -> Mapping[str, Places]:
    """Groupings by the beginning of their names, of three words and more, "Grand Paris Sud", and by an end that one alone has."""
    begun, ended = dict[str, list[Place]](), dict[str, list[Place]]()
    for name, made in _grouping_names().items():
        words = name.split()
        for part in (
            *(words[:end] for end in range(3, len(words))),
            *(words[at:] for at in range(1, len(words))),
        ):
            if not {part[0], part[-1]} & LINKS and len(frozenset(part) - LINKS) > 1:
                table = begun if part[0] == words[0] else ended
                table.setdefault(_unlinked(" ".join(part)), []).extend(
                    places.of_grouping(one.siren) for one in made
                )
    alone = {name: found for name, found in ended.items() if len({*found}) == 1}
    return {name: tuple(dict.fromkeys(found)) for name, found in (alone | begun).items()}


@remembered()
def first_words() -> Mapping[str, int]:
    """The words with which names of places begin, as they are typed, each with how many such a name has at most."""
    begun = (name.partition(" ")[0] for name in (*_grouping_names(), *natural_regions()))
    sides = ("nord", "sud", "est", "ouest")
    kinds = "agglo cc ca cu ept communaute metropole eurometropole etablissement intercommunalite".split()
    wide = (*begun, *sides, *kinds, *ACRONYMS, "st", "ste")
    return {**places.first_words(), **dict.fromkeys(wide, places.MOST_WORDS)}


def _groupings(key: str) -> tuple[Grouping, ...]:
    """The groupings of a name; with what kind it is, the only one whose name begins so, or that is called after its town."""
    own, table = _own_name(key), _grouping_names()
    side = _SIDE.match(key) if own == key else None
    if side and _areas(key[side.end() :]):  # "Ouest Aveyron"
        return ()
    made = table.get(own, [])
    if not made and _KIND.search(key) and {*own.split()[-1:]} - LINKS:
        made = [one for name, held in table.items() if name.startswith(f"{own} ") for one in held]
        if not made and not key.startswith("ca "):
            towns = {town.code for town in places.communes_named(own)}
            holding = [one for one in places.groupings().values() if towns.intersection(one.members)]
            made = [one for one in holding if one.members[0] in towns] or holding
        made = made if len(made) == 1 else []
    # a court of appeal is "CA" too
    return tuple(one for one in made if one.kind == "CA" or not key.startswith("ca "))


# --------------------------------------------------------------------------------------- named in a text

_TOKEN = re.compile(r"[^\W_]+")
_JOINED = re.compile(r" |-|['’]|/")  # between words of one name
_DEPARTED = (" (", ", ")  # before the department of a name, as it is typed: "Saint-Denis, 93"
_PHRASE = re.compile(r"\s*['’:]?\s*|-")  # between words of one phrase
_SENTENCE = re.compile(r"[.!?:•]\s|\n")
STREETS = frozenset(
    "rue avenue av bd boulevard route chemin allee allees place porte impasse cours quai rocade pont ligne".split()
)
_TERRITORIES = frozenset(
    "commune communes ville villes mairie territoire agglomeration ccas bourg centre-ville".split()
)
_ARTICLES = frozenset(("la", "le", "les", "l"))
_OF = frozenset("de d du des".split())
_AT = frozenset("a au aux sur vers pres autour ville commune mairie secteur".split())
_STATED_AT = frozenset("a sur entre via emploi".split())
_IN = frozenset("dans en departement region nord sud ouest pays".split())
_INTO = frozenset("en dans departement region".split())
_SIDES = frozenset("nord sud est ouest".split())
#: What has such a side itself.
_PARTS = frozenset("secteur secteurs territoire zone quartier quartiers facade facades lot site aile".split())
#: Goods named after a place where they need not come from.
_GOODS = frozenset("savon moutarde jambon dentelle porcelaine saucisse nougat galette toile riz".split())
#: Are named after people and trees more than after towns: "collège Saint-Exupéry".
_BUILDINGS = frozenset(
    "ecole college lycee gymnase stade residence cite foyer square parc creche salle clinique maison".split()
)
_NUMBERING = frozenset("departement dept dep dpt".split())
#: Before a number that counts something.
_COUNTED = frozenset("lot lots no n article taille format de d a x et ou".split())
#: After a number of a date or a time.
_DATED = frozenset(
    "janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre au et h heures a".split()
)
#: Separators between two names of one list; one name that is not known may stand between them.
LISTED = re.compile(
    r"(?: \([^()]{1,40}\))?(?: ?[,;/] ?| [—–] | et |, et |\. )(?:de |d['’]|du |des |à |sur )?"
)
_LISTED_ON = re.compile(rf"(?:{LISTED.pattern}[A-ZÀ-Ý][\w'’-]+)?{LISTED.pattern}")
_FROM_TO = re.compile(r" (?:à|au|aux) ")  # "de Toulouse à Albi"
#: "toutes les communes du département à l'exception de X", "(exemple : gare de X)"
_LEFT_OUT = re.compile(r"\b(?:exemple|exception|exclusion|exclues?|excepté|sauf|hors)\b[^.;]{0,160}$", re.I)
#: "Lyon 3ème, 6ème et 8ème arrondissement"
_RANKS = re.compile(
    r"\b(Paris|Lyon|Marseille) ((?:\d{1,2}(?:er|e|[èe]me)?s?(?:, ?| et ))+\d{1,2}(?:er|e|[èe]me)s?)(?: arrondissements?)?"
)
#: "le 7e arrondissement de Paris", "3ème arrondissement de Lyon"
_RANKED = re.compile(r"\b(\d{1,2}) ?(?:er|e|è|[èe]me) arrondissement (?:de |d['’])(Paris|Lyon|Marseille)\b")
#: "les 6e et 14e arrondissements", "Paris Centre, 1er à"
_DISTRICTS = re.compile(
    r"((?:\d{1,2}(?:er|e|è|[èe]me)?s?(?:, ?| et )){0,12}\d{1,2} ?(?:er|e|è|[èe]me)s?) arrondissements?\b"
    r"|\b[Aa]rrondissements (\d{1,2}(?:, | et | à )\d{1,2})(?! ?[,\d])"
)
#: A department, or a postcode, in brackets.
_NUMBERED = re.compile(r"\((2[AB]|\d{2,3}|\d{5})\)", re.I)
#: "situés 3 rue du Port, 35000 Rennes"
_SITED = re.compile(r"\b(?:situ[ée]e?|sise?)s?\b[^.;\n]{0,100}\b\d{5} [A-ZÀ-Ý][^.;,\n]*")
LONGEST = 2_000  # characters of a text that are read
TYPED = 400  # characters of a line or two, as people type them
WORDS = places.MOST_WORDS + 1  # of the longest name, with its article
SIZABLE = 5_000  # population from which a commune is recognised in lower case


@dataclass(frozen=True, slots=True)
class _Name:
    """A name of a place in a text, what it may mean, and how clearly it is the place."""

    words: str
    options: Places
    listed: bool  # does it go on a list of names?
    clear: int  # 3 plainly ("à X", "X (93)"), 2 possibly, 1 a hint: in passing, or in lower case

    @property
    def town(self) -> bool:
        return precise(self.options[0])


class _Text:
    """A text, its words, and which of them name places.

    A notice is long: a name is written with a capital, and a clear sign tells that it is the place of work.  Who types a
    line says little, in lower case too: a name is the place, but where it is also a word ("tours", "nord") without a sign.
    """

    def __init__(self, text: str, typed: bool = False) -> None:
        self.text, self.typed = text[:LONGEST], typed
        self.tokens = list(_TOKEN.finditer(self.text))
        self.plain = [fold(token[0]) for token in self.tokens]
        self.loud = sum(map(str.isupper, text)) > sum(map(str.islower, text))  # capitals tell nothing

    def names(self) -> Iterator[_Name]:
        """The names of places, left to right, the longest first."""
        last: _Name | None = None
        i, end = 0, 0
        while i < len(self.tokens):
            gap = self.text[end : self.tokens[i].start()]
            if self._begins(i) and (found := self._longest(i, last, gap)):
                last, i = found
                end = self._end(i)
                yield last
            else:
                i += 1

    def _begins(self, i: int) -> bool:
        """May a name begin with word i?"""
        if self.plain[i][0].isdigit():
            return self.typed or len(self.plain[i]) == 5
        at = i + (not self.typed and self.plain[i] in _ARTICLES and i + 1 < len(self.tokens))
        return self.plain[at] in first_words() and (self.typed or self.tokens[at][0][0].isupper())

    def _longest(self, i: int, last: _Name | None, gap: str) -> tuple[_Name, int] | None:
        """The longest name that begins with word i, after `last` and what stands between, and the word after it."""
        numbered = self.plain[i][0].isdigit()  # "75012 Paris" begins an address
        # the lines of a list are joined by spaces
        goes_on = last and ((last.listed and gap == " ") or _LISTED_ON.fullmatch(gap))
        listed = bool(last and last.clear > 1 - self.typed and goes_on and not numbered)
        before = self._before(i)
        # "à Culoz", "commune de Palneca": a hamlet, or a commune that has joined another, is meant
        plainly = i > 0 and (self.plain[i - 1] == "a" or bool(before & LINKS and before & _TERRITORIES))
        for stop in range(self._furthest(i), i, -1):
            words = self._words(i, stop)
            small = listed or plainly or (not i and LISTED.match(self.text, self._end(stop)) is not None)
            if not (options := _options(words) if self.typed else _known(words, small)):
                continue
            # "Lyon-Saint-Exupéry" is an airport, "Sedan-Givet" a line
            compound = re.match(r"-[^\W\d]", self._after(stop)) or self._gap(i) == "-"
            if compound and not self.typed and not numbered:
                return None
            if not (clear := self._typed(i, stop, options) if self.typed else self._stated(i, stop, options)):
                continue
            if last and self.typed and last.town and options[0].commune and _FROM_TO.fullmatch(gap):
                listed, clear = True, last.clear
            elif last and listed:
                clear = max(clear, last.clear)
            return _Name(words, _sided(options, before), listed, clear), stop
        return None

    def _words(self, i: int, stop: int) -> str:
        return self.text[self.tokens[i].start() : self._end(stop)]

    def _end(self, stop: int) -> int:
        return self.tokens[stop - 1].end()

    def _after(self, stop: int) -> str:
        return self.text[self._end(stop) :]

    def _gap(self, i: int) -> str:
        """What stands between word i and the one before; "" before the first."""
        return self.text[self._end(i) : self.tokens[i].start()] if i else ""

    def _furthest(self, i: int) -> int:
        """Where the longest name that starts at word i could end."""
        stop = i + 1
        while stop < min(i + WORDS, len(self.tokens)) and (
            _JOINED.fullmatch(self._gap(stop)) or (self.typed and self._gap(stop) in _DEPARTED)
        ):
            stop += 1
        return stop

    def _before(self, i: int) -> frozenset[str]:
        """The words before word i in its phrase: links, and the first that is none."""
        back = i
        while back > 0 and _PHRASE.fullmatch(self._gap(back)):
            back -= 1
            if self.plain[back] not in LINKS:
                break
        return frozenset(self.plain[back:i])

    def _stated(self, i: int, stop: int, options: Places) -> int:
        """How clearly the words around a name mark it as the place (see `_Name`)."""
        if any(map(str.isdigit, self._words(i, stop))):
            return 3  # "75002 PARIS"
        after, before = self._after(stop), self._before(i)
        bracket = re.match(r"[\s–-]*\((2[AB]|\d{2,5})\)", after, re.I)
        if bracket and any(bracket[1].upper().startswith(d) for p in options if (d := p.department)):
            return 3
        options, linked = _sided(options, before), bool(before & LINKS)
        head, town = "".join(before - LINKS), options[0].commune
        if (
            head in STREETS
            or (head in places.OF_MORE and town)
            or _LEFT_OUT.search(self.text, 0, self.tokens[i].start())
        ):
            return 1
        if not precise(options[0]):
            wide = self._end(stop) - self.tokens[i].start() >= 8
            return 2 if head in _INTO or (wide and (linked or head in _STATED_AT)) else 1
        if not town:  # a grouping that is called after its town, whatever its own name, is meant
            words = " ".join(self.plain[i:stop])
            return 2 if words.startswith("ca ") or _own_name(words) in _grouping_names() else 3
        if (linked and head in _TERRITORIES) or (head in _STATED_AT and not before & _OF):
            return 3
        ends = re.match(r"\s*(?:$|[-–—,;:.()/])", after) is not None
        first = not i and re.match(r" et [A-ZÀ-Ý]", after) is not None
        alone = first or (ends and not self._gap(i).isspace())
        # "collège des Amandeirets Châteauneuf les Martigues", "école des Tilleuls Baie-Mahault"
        long = (stop - i >= 3 or (ends and "-" in self._words(i, stop))) and len(options) == 1
        return 2 if (i and self.plain[i - 1] in _OF) or alone or long else 1

    def _typed(self, i: int, stop: int, options: Places) -> int:
        """The same of what is typed (see `_Name`); 0 where words are not taken for a name."""
        before, key = self._before(i), places.name_key(" ".join(self.plain[i:stop]))
        if before & STREETS or "quartier" in before:
            return 0
        if key.isdigit():
            return self._of_number(i, key)
        if any(map(str.isdigit, key)):
            return 3
        numbered = stop < len(self.plain) and self.plain[stop].isdigit() and self._gap(stop) == " "
        side = key in _SIDES and (precise(options[0]) or before & _PARTS)
        if side or (key == "lot" and numbered):
            return 0  # "le Sud" that some groupings are called, "secteur Nord", "Lot 2"
        goods = before & _OF and _GOODS & {word.removesuffix("s") for word in before}
        if goods or (before & _BUILDINGS and not before & _OF):
            return 0
        town = places.commune(options[0].commune or "")
        several_words = " " in key or key in natural_regions()
        if several_words and town is not None and options[0].label != town.name:
            town = None  # a grouping or a natural region called after it
        sign = bool(before & (_AT | _IN))
        called = places.name_key(town.name) if town else key
        word = not _also_words().isdisjoint((key, called))
        begins = not i or _SENTENCE.search(self._gap(i))
        common = word or (town is not None and town.population < SIZABLE)
        if self.tokens[i][0][0].isupper() and not self.loud and not (begins and common):
            return 2 + sign
        if word:
            at = "a" in before and " " not in called  # "à la crèche" is no town, "à tours" is
            return 3 * bool(before & _IN if town is None else at or self._confirmed(stop, options))
        whole = key == called
        return 0 if town and town.population < (SIZABLE if whole else SHORTENED) else 1 + 2 * sign

    def _confirmed(self, start: int, options: Places) -> bool:
        """Is a name followed by that of an area that holds it: "Die, Drôme"?"""
        departments = {place.department for place in options}
        return any(
            not precise(area) and departments & set(departments_within(area))
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
        if last == "du" or last in _NUMBERING or before == ["dans", "le"] or self._gap(i).endswith("("):
            return 3 * (following not in _DATED and not following.isdigit())
        return int(i > 0 and not following and len(key) == 2 and last not in _COUNTED)


def _sided(options: Places, before: frozenset[str]) -> Places:
    """The towns among the options after "à", the areas after "dans"; all of them otherwise."""
    towns = bool(before & _AT)
    sided = tuple(place for place in options if precise(place) == towns)
    return sided if sided and before & (_AT | _IN) else options


@lru_cache(20_000)
def _known(words: str, small: bool = False) -> Places:
    """What a name in a text may mean, without single words that name only a grouping, and but for `small` places hamlets."""
    key = places.name_key(words)
    if _ARRONDISSEMENT.fullmatch(key):
        return named(key)
    if any(map(str.isdigit, key)):  # "75002 PARIS"
        beside = _known(words[6:]) if re.match(r"\d{5} ", words) else ()
        return _within(named(words), {p.department for p in beside if p.department}) if beside else ()
    if len(words) < 3 or key in LINKS or key in ("lot", "ville", "commune"):
        return ()
    single = " " not in key and not places.communes_named(key)
    options = tuple(place for place in _named(key, None) if not (single and place.grouping))
    if small:  # on a list, a commune that has joined another too, or a town by the start of its name
        once = () if options else places.communes_once_named(words)
        return tuple(of_commune(town.code) for town in once) or called(words, options)
    return _peopled(options)


@lru_cache(20_000)
def _options(words: str) -> Places:
    """What typed words may name: a place of that name, a number of a department, or a town by the start of its name."""
    key = places.name_key(words)
    if len(key) < 2 or key in LINKS:
        return ()
    options = named(words)
    if any(map(str.isdigit, key)):
        beside = re.sub(r"(?<!\d)\d{5}(?!\d)", "", words).strip(" ,()")
        return options if beside in ("", words) or _options(beside) else ()
    exact = _peopled(options)
    return exact if not exact and key in _also_words() else called(words, exact)


def _peopled(options: Places) -> Places:
    """The options that are no hamlets."""
    return tuple(place for place in options if not (place.commune and people(place) <= HAMLET))


@remembered()
def _also_words() -> frozenset[str]:
    """Names of towns and areas that are also words of the language."""
    return frozenset(row["name"] for row in assumptions("place_words.csv"))


def _sure(names: Iterable[_Name]) -> frozenset[str]:
    """The departments of the names that mean one place."""
    alone = (one.options[0] for one in names if len(one.options) == 1)
    return frozenset(code for place in alone for code in departments_within(place))


def hints(text: str) -> frozenset[str]:
    """Departments that a text names by number, postcode or name, or by an unambiguous commune."""
    head = text[:LONGEST]
    coded = {places.department_of_postcode(code) for code in re.findall(r"(?<!\d)\d{5}(?!\d)", head)}
    numbers = re.findall(r"\((2[AB]|\d{2,3})\)|\bdans le (\d{2,3})\b", head, re.I)
    coded |= {found.code for pair in numbers if (found := places.department("".join(pair).upper()))}
    return _sure(_Text(text).names()).union(filter(None, coded))


def typed(text: str) -> Places:
    """The places that a typed need names, marked inferred: towns, else areas; none where it names none.

    A text longer than a few lines is read as a notice is.  Raises Homonyms where several communes bear the name and nothing
    tells which.
    """
    if len(text) > TYPED:
        return mentioned(text)
    names = list(_Text(text, typed=True).names())
    candidates = [one for one in names if one.town] or names
    clearest = max((one.clear for one in candidates), default=0)
    rest = dropwhile(lambda one: one.clear < clearest, candidates)
    chosen = list(islice(rest, 1))
    chosen += takewhile(lambda one: one.listed and one.clear >= min(clearest, 2), rest)
    return _meant(chosen, _sure(names))


def _meant(chosen: Iterable[_Name], near: frozenset[str]) -> Places:
    """The places that names mean, marked inferred."""
    meant = (settled(one.words, one.options, near) for one in chosen)
    return tuple(dict.fromkeys(replace(place, inferred=True) for place in meant))


def mentioned(text: str, within: Collection[str] = (), passing: int | None = None) -> Places:
    """Places of work stated in a text, marked inferred; none where it states none.

    `within` are departments that are known; `passing` is how many lists of names there may be that are not plainly the
    place, None for any, so that the first is taken.  Raises Homonyms where a name that is plainly the place stays open.
    """
    text = _RANKED.sub(r"à \2 \1e", text)
    text = _RANKS.sub(lambda of: ", ".join(f"{of[1]} {rank}e" for rank in re.findall(r"\d+", of[2])), text)
    near = frozenset(within) or hints(text)
    names = [
        replace(n, options=_within(n.options, near) if within else n.options) for n in _Text(text).names()
    ]
    names = [one for one in names if one.options]
    for i in range(len(names) - 1, 0, -1):  # "Paris 15e et Issy-les-Moulineaux (92)"
        if names[i].listed and names[i].clear == 3 and names[i - 1].clear > 1:
            names[i - 1] = replace(names[i - 1], clear=3)
    towns = [one for one in names if any(map(precise, one.options))]
    plain = [one for one in towns if one.clear == 3]
    if not plain and passing != 0:
        weak = [one for one in towns if one.clear > 1 and len(_within(one.options, near) or one.options) == 1]
        plain = weak[:1] + list(takewhile(lambda one: passing is None or one.listed, weak[1:]))
        others = {one.words for one in weak[len(plain) :]} - {one.words for one in plain}
        plain = [] if passing and others else plain
    if found := _meant(plain or ([] if within else [one for one in names if one.clear > 1][:1]), near):
        return found
    number = None if within else _NUMBERED.search(text[:LONGEST])
    areas = named(number[1])[:1] if number else ()
    return tuple(replace(place, inferred=True) for place in areas if place.department)


# ------------------------------------------------------------------------------------ the place of a lot


def seat(buyer: Buyer, within: Collection[str] = ()) -> Commune | None:
    """The commune of a buyer's seat, by its identifier, address or name; among the departments `within`, if any."""
    if buyer.id.startswith(("22", "23")) or _serves_area(places.name_key(buyer.name)):
        return None  # a department or region works all over its territory, as does who is called after it
    town = places.commune_of_siren(buyer.id) if buyer.id else None
    if town is None and buyer.place.commune:
        town = places.commune(buyer.place.commune)
    if town is None:
        of_number = places.department_of_siren(buyer.id) if buyer.id else None
        near = within or tuple(filter(None, (buyer.place.department or of_number,)))
        town = _called_after(buyer.name, frozenset(near))
    return town if town and (not within or town.department in within) else None


#: A place that is stated to be wide is not narrowed to the buyer's town: "Territoire du syndicat", "Sites de X et de Y".
_AREA = re.compile(
    r"\b(?:regions?|france|departements?|territoires?|perimetres?|secteurs?|communes|sites|unites|emprises)\b"
)
_MUNICIPAL = re.compile(r"(?:ville|commune|mairie|municipalite) (?:de|du|des|d) ")
_TERRITORIAL = re.compile(rf"{_MUNICIPAL.pattern}|\b(?:communaute|metropole|agglo)")
_WIDE = re.compile(r"(?:departement|conseil departemental|conseil general|region|conseil regional)\b")


def _serves_area(name: str) -> bool:
    """Is a department or region what a buyer is, or is called after: "Syndicat d'énergie de l'Oise", not its one hospital?"""
    words = name.split() or [""]
    ends = {" ".join(words[i:]) for i in range(1, len(words))} - {"paris"}
    local = words[0] in places.INSTITUTIONS or _TERRITORIAL.search(name)
    return _WIDE.match(name) is not None or (not local and any(map(_areas, ends)))


def _local(buyer: Buyer) -> bool:
    """Does a buyer serve one town or area, by its type or its name?"""
    key = places.name_key(buyer.name)
    named = buyer.type == "local" or key.startswith("groupement de commandes ")
    return named or _serves_area(key) or _called_after(buyer.name, frozenset()) is not None


@lru_cache(20_000)
def _called_after(name: str, near: frozenset[str]) -> Commune | None:
    """The commune that a buyer's name ends with ("Ville de X", "CCAS du X", "X Habitat"), or that leads the grouping it names."""
    key = re.sub(r"\b(?:cedex|cx)\b.*$" + "| habitat$" * bool(near), "", places.name_key(name)).strip()
    if not key:
        return None
    same = tuple(found for made in _groupings(key) if (found := places.commune(made.members[0])))
    words = key.split()
    starts = [0, *(i for i, word in enumerate(words[:-1], 1) if word in LINKS | _TERRITORIES)]
    for start in () if same else starts:
        same = places.communes_named(" ".join(words[start:]))
        if same:
            break
    left = [c for c in same if c.department in near] if near else list(same)
    return left[0] if len(left) == 1 else None


def of_lot(lot: Lot, tender: Tender) -> tuple[Places, bool]:
    """The places of work of a lot that is `placed`, located, and whether they are only the buyer's place by default.

    What is stated precisely or as an area stands; else they are the buyer's town within what is stated, marked inferred.
    """
    stated, _ = _stated(lot)
    if any(map(precise, stated)) or _wide(stated, lot.title, tender.buyer):
        return stated, False
    buyer = tender.buyer
    supposed = stated or tuple(places.locate(place, buyer.id) for place in lot.places or (buyer.place,))
    only = supposed[0] if len(supposed) == 1 and not places.is_abroad(supposed[0]) else None
    home = _at_home(only, buyer) if only and not precise(only) else None
    return ((home,), True) if home else (supposed, not stated)


def _stated(lot: Lot) -> tuple[Places, frozenset[str]]:
    """The places that the fields of a lot state, located, and their departments."""
    stated = tuple(places.locate(place) for place in lot.places if "places" not in lot.inferred)
    return stated, frozenset(code for place in stated for code in departments_within(place))


def _at_home(place: Place, buyer: Buyer) -> Place | None:
    """The town of a buyer within a place, marked inferred, under the name of that place."""
    town = seat(buyer, departments_within(place))
    return replace(of_commune(town.code), label=place.label or town.name, inferred=True) if town else None


def _wide(stated: Places, title: str, buyer: Buyer) -> bool:
    """Is a whole area or country stated, in words or by its code, where the buyer is no commune, which works at home?"""
    codes = {place.nuts for place in stated}  # 00 is outside every country of the list
    if "00" in codes or _MUNICIPAL.match(places.name_key(buyer.name)):
        return "00" in codes
    label = "".join(place.label for place in stated[:1])
    key = places.name_key(re.sub(r"[\d()]+", " ", label))
    area = _areas(key) or key in places.former_regions() or _AREA.search(fold(label))
    within = {code for place in stated for code in departments_within(place)}
    # "région Réunion, arrondissement sud-ouest"
    entitled = (one.options[0] for one in _Text(title).names() if one.clear > 1 and within)
    wide = (within.issuperset(departments_within(one)) for one in entitled if not precise(one))
    return "FR" in codes or bool(area) or any(wide)


def _named_places(lot: Lot, tender: Tender) -> Places:
    """The places that the words of a lot name within what its fields state; none where these tell as much.

    In turn: departments by number and name, the communes of the label, of the titles, of the descriptions.
    """
    stated, within = _stated(lot)
    label = "".join(place.label[:1].upper() + place.label[1:] for place in stated[:1])
    known = any(map(precise, stated))
    # one site for all the lots is often where the buyer sits: a title that plainly names a commune tells more
    shared = len(tender.lots) > 1 and all(one.places == lot.places for one in tender.lots)
    own = _elsewhere(lot.title) if shared and (known or not label) else ()
    if own and (known or "-" in own[0].label):  # "le Syndicat" is a commune too
        return own
    if any(place.nuts == "00" for place in stated):  # outside every country of the list
        return ()
    if len(within) != 1 and not known and (departments := _departments_in(label, words=not within)):
        return tuple(map(_of_department, departments))  # "78 Yvelines - 95 Val d'Oise"
    # "Eau de Paris" works where it does
    if known:  # its label names several, and its NUTS may be wider than the one that was located
        within |= frozenset(departments_within(places.locate(Place(nuts=stated[0].nuts))))
    called = "" if _TERRITORIAL.search(places.name_key(tender.buyer.name)) else tender.buyer.name
    bare = partial(re.compile(re.escape(called) or "$^").sub, " ")
    listed = _named_in(bare(label), within)
    names = 1 + label.count(",")
    if 0 < len(listed) < names:  # "Cergy, Pontoise, Achères": some lie in a neighbouring department
        every = _named_in(label, within.union(*map(places.neighbours, within)))
        listed = max(listed, every, key=len)
    # "communes de Bonnelles, Bullion et Rambouillet", "Arcueil et Nanterre" in just their departments
    if len(listed) > 1 and (len(stated) == 1 or {place.department for place in listed} >= within):
        return listed
    if known:
        return ()
    around = within or _home_departments(tender.buyer)
    if listed and len(within) == 1:  # else one of many names is known
        return listed
    titles = [lot.title[:1].upper() + lot.title[1:], tender.title]
    # where a label says more of where than a name in passing, the descriptions tell nothing
    told = [lot.description, tender.description] if not label or "places" in lot.inferred else []
    sites = (
        [] if len(within) == 1 else filter(None, map(_SITED.search, (lot.description, tender.description)))
    )
    # a name in passing does not tell which, of several departments, nor of several towns of a description
    of_title, of_rest = (0, 0) if len(around) > 1 else (None, 1)
    texts = dict.fromkeys(titles, of_title)
    texts |= {text: of_rest for text in told if text not in texts}
    # "Réseau du secteur de Vannes" in the title, "les communes de : Arradon, Séné, Vannes" in the description
    named = chain(
        (_named_in(bare(text), around, 0) for text in texts),
        # a town that is plainly named comes before one that is named in passing where the buyer is
        () if within or label else map(_elsewhere, ("\n".join(texts),)),
        (_named_in(one.group(), within, 0) if within else _elsewhere(one.group()) for one in sites),
        (_named_in(bare(text), around, most) for text, most in texts.items()),
    )
    if place := next(filter(None, named), ()):
        return place
    wide = _departments_in("\n".join(texts)) if told and len(stated) < 2 and len(within) != 1 else ()
    # some of the names of a label are known: nearer to the truth than the buyer's seat
    some = listed if len(stated) == 1 else ()
    return tuple(map(_of_department, wide if not within or within.issuperset(wide) else ())) or some


def _districts(stated: Places, texts: Iterable[str]) -> Places:
    """The districts of Paris, Lyon or Marseille by which texts narrow these cities where they are all that is stated."""
    cities = {places.name_key(town.name) for place in stated if (town := places.commune(place.commune or ""))}
    prefix, last = _PREFIX.get(cities.pop(), ("", 0)) if len(cities) == 1 else ("", 0)
    found = next(
        filter(None, (_DISTRICTS.search(text) for text in texts if prefix and "rrondissement" in text)), None
    )
    ranks = [*map(int, re.findall(r"\d+", found[1] or found[2]))] if found else []
    if found and " à " in (found[2] or ""):
        ranks = [*range(ranks[0], ranks[1] + 1)]
    return tuple(of_commune(prefix + str(rank).zfill(5 - len(prefix))) for rank in ranks if 1 <= rank <= last)


def _elsewhere(text: str) -> Places:
    """The only commune of the country that a text plainly names, where its buyer may be anywhere; none for several."""
    named = [one for one in _Text(text).names() if one.clear > 1]
    plain = {one.options for one in named if one.clear == 3}
    if not plain and all("-" in one.words for one in named):  # no word of the language
        plain = {one.options for one in named}
    only = next(iter(plain)) if len(plain) == 1 else ()
    return tuple(replace(place, inferred=True) for place in only) if len(only) == 1 else ()


def placed(lot: Lot, tender: Tender) -> Lot:
    """The lot at the communes that its words name, else at the commune that buys, where its fields tell no more than a department."""
    stated, _ = _stated(lot)
    texts = (
        lot.places[0].label if lot.places else "",
        lot.title,
        tender.title if len(tender.lots) == 1 else "",
    )
    named = _named_places(lot, tender)
    if named := _districts(named or stated, texts) or named:
        codes = {one.nuts for one in stated}
        nuts = next(iter(codes)) if len(codes) == 1 else None
        named = tuple(replace(one, nuts=one.nuts or nuts) for one in named)
        abroad = tuple(filter(places.is_abroad, stated))
        return replace(
            lot, places=named + abroad, inferred=tuple(one for one in lot.inferred if one != "places")
        )
    wide = len(stated) == 1 and not precise(stated[0]) and stated[0].nuts != "00"
    of_town = wide and _MUNICIPAL.match(places.name_key(tender.buyer.name))
    if of_town and (home := _at_home(stated[0], tender.buyer)):
        districts = _districts((home,), texts)
        deduced = lot.inferred if districts else (*lot.inferred, "places")
        return replace(lot, places=districts or (home,), inferred=deduced)
    # the country without a word tells nothing of who serves one town or area
    unsaid = [(one.label, one.nuts) for one in stated] == [("", "FR")]
    return replace(lot, places=()) if unsaid and _local(tender.buyer) else lot


@remembered()
def _department_names() -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    """Departments with their number, "78 Yvelines"; listed after the word, "départements du Lot et du Gers"; any of them."""
    names = {places.name_key(one.name): one.code.lower() for one in places.departments()}
    any_name = "|".join(sorted(names, key=len, reverse=True))
    numbered = "|".join(f"{code} (?:l )?{name}" for name, code in names.items())
    listed = rf"\bdepartements?(?: (?:(?:de|du|des|d|la|le|les|l|et|ou) ){{1,4}}(?:{any_name})\b(?: \d\d)?)+"
    return re.compile(rf"\b(?:{numbered})\b"), re.compile(listed), re.compile(rf"\b(?:{any_name})\b")


def _departments_in(text: str, words: bool = True) -> tuple[str, ...]:
    """The codes of the departments that a text names by number and name together, or in `words`; lowest first."""
    numbered, listed, name = _department_names()
    key = places.name_key(text) if "épartement" in text or re.search(r"\d", text) else ""
    codes = {match.group().split()[0].upper() for match in numbered.finditer(key)}
    if words and not codes:
        named = name.findall(" ".join(match.group() for match in listed.finditer(key)))
        codes = {code for one in named if (code := places.area_named(one)[0])}
    return tuple(sorted(codes))


def _home_departments(buyer: Buyer) -> frozenset[str]:
    town = seat(buyer)
    code = town.department if town else buyer.place.department
    code = code or (places.department_of_siren(buyer.id) if buyer.id else None)
    return frozenset((code,)) if code else frozenset()


@lru_cache(4096)
def _named_in(text: str, within: frozenset[str], passing: int | None = None) -> Places:
    """The places named in a text within departments; none where these are not known, or a name stays open."""
    if not within:
        return ()
    try:
        stated = [place for place in mentioned(text, within, passing) if precise(place)]
    except Homonyms:
        return ()
    one_each = {
        places.largest_of(place): place for place in reversed(stated)
    }  # "Amiens" and "la CA d'Amiens"
    return tuple(one_each.values())[::-1]
