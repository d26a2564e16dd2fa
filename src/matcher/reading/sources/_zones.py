"""Where a structure says that it goes: a cell is split into names, each is looked up once, what they hold is put together."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil

from matcher.domain import Place, Zone
from matcher.reading.sources._places import loosely
from matcher.reading.sources._structure import areas_in, departments_of, regions_of, several
from matcher.reference import places, toponyms
from matcher.reference.text import clean, fold

_COUNTRY = re.compile(
    r"\b(?:france entiere|(?:toute la|partout en) france|country|territoire national|national(?:e|es)?|nationwide|france metropolitaine"
    r"|echelle nationale)\b|^\W*france\W*$"
)
_RADIUS = re.compile(r"(?<![\d.,])(\d{1,4}(?:[.,]\d+)?)\s*(?:km|kms|kilometres?)\b")
#: What stands before a list and names it: "Val d'Allier : Issoire, Cournon".
_HEADING = re.compile(r"(?:^|(?<=[;|\n]))[^:;|\n]*:\s*(?=\w)")
_EXCEPT = re.compile(r"\b(?:sauf|hors|hormis|except\w+|(?:a )?l'(?:exception|exclusion))\b")
_BORDERING = re.compile(r"\b(?:limitrophes?|voisins?|environnants?)\b")
_ROUND = re.compile(r"\b(?:proches?|alentours|environs)\b")
_ONLY = re.compile(r"\b(?:uniquement|seulement|exclusivement|intra muros)\b")
#: How a name is limited: "sud du 59", "Nantes uniquement", "Decazeville Communauté (12 communes)".
_LIMITED = re.compile(
    rf"{_ONLY.pattern}|{_ROUND.pattern}|\(\d+ communes?\)|^(?:la |les )?(?:ville|communes?) (?:de |du |des |d')"
    r"|(?<!\bgrand )\b(?:nord|sud|est|ouest|centre) (?:du |de |des |d')?(?=[a-z0-9])|(?<=[a-z0-9])(?<!\bgrand)(?<!\bgrand sud) (?:nord|sud|est|ouest)\b"
)
#: "24 communes", "3 Frontières": no department.
_COUNTED = re.compile(
    r"\b(?:\d+ (?:communes?|villes|cantons?|villages)\b|[2-9] (?!(?:et|ou|nord|sud|est|ouest)\b)(?=[a-z]))"
)
#: A side of what stands beside it: "sud Drôme", "nord de l'Orne", "Sarthe nord"; "Nord Pas-de-Calais" is two departments.
_SIDE = re.compile(
    r"(?:le |l )?(?P<before>nord|sud|est|ouest|centre) (?!pas )(?:du |de |des |la |l |d )*(?P<of>.+)|(?P<of_>.+) (?P<after>nord|sud|est|ouest)"
)
#: Names of an area around a town: "Pays de Rennes", "CdA de La Rochelle", "Vannes agglo".
_AROUND = re.compile(
    r"^(?:le |la |l')?(?:pays|bassins?(?: d'emploi| de vie)?|cantons?|arrondissement|agglo(?:meration)?|cda|cc|ca|secteur|territoire"
    r"|communaute (?:de communes|d'agglomeration|urbaine)|presqu'ile|sud|nord|est|ouest) (?:de |du |des |d')?"
    r"|^(?:le )?grand | (?:agglo(?:meration)?|metropole|communaute)$"
)
AROUND_KM = 15.0  # of what is called after a town, beyond the town itself
#: What is as large as an arrondissement: some 1,700 km², and its towns as far as that again from the one it is called after.
_WIDE, AREA_KM = re.compile(r"(?:l')?arrondissement|bassins? d'emploi"), 30.0
HOMONYM_KM = 150.0  # from which on a place of that name is another one
UNKNOWN_KM = 30.0  # at least, where an area is named that is none known: "Villeneuvois", "Vallée de la Lys"
#: Words of an answer that names no area.
_NO_AREA = frozenset(
    "nous consulter contacter demande selon variable devis definir preciser voir partout tout toute toutes tous non sans "
    "aucune besoin negocier suivant cas communiquer nc nd inconnu inconnue etude".split()
)
_OF_HOME = re.compile(
    r"^(?:\d+ communes de )?(?:la |l')?(?:metropole|agglo(?:meration)?|intercommunalite|communaute)$"
)
MOST = 20  # names of a zone


@dataclass(frozen=True, slots=True)
class _Name:
    """What a name in a zone holds; nothing where it is not known."""

    departments: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    place: Place | None = None
    km: float = 0.0  # from home to the far side of it
    alone: bool = False  # is it the town, rather than an area that is called after it?
    sure: bool = True


def zone_of(
    raw: object,
    radius: object = None,
    departments: object = None,
    regions: object = None,
    home: Place | None = None,
) -> tuple[Zone | None, bool]:
    """A zone from free text ("rayon 30 km", "75, 92", "Pays de Rennes") and columns of its own, and whether it is a guess.

    "Département" is that of `home`.  Towns are the zone where several are named, or one alone is ("uniquement"); else the
    zone reaches round the one.  It is a guess where an area named is none known, or what is left out is no department.
    """
    text = fold(" ; ".join(several(raw)) if isinstance(raw, list | tuple) else clean(str(raw or ""), 5000))
    text, *excepted = _EXCEPT.split(_HEADING.sub("", text.replace("’", "'")), 1)
    km = _kilometres(radius)
    if km is None and (match := _RADIUS.search(text)):
        km = _kilometres(match.group(1))
    if _COUNTRY.search(text):
        return Zone(radius_km=km, country=True), bool(excepted)
    parts = _parted(_RADIUS.sub(" ", text))
    names = [(part, _name(part, home)) for part in parts if _LIMITED.sub(" ", part).strip()]
    names = [(part, one) for part, one in names if one != _Name() or not _NO_AREA & {*part.split()}]
    found = [one for _, one in names]
    areas = [*departments_of(departments, reached=True), *(code for one in found for code in one.departments)]
    wider = [*regions_of(regions), *(code for one in found for code in one.regions)]
    if _BORDERING.search(text):
        around = areas or ([home.department] if home and home.department else [])
        areas = [*around, *(near for code in around for near in places.neighbours(code))]
    said = km is not None or areas or wider
    vague = not said and home is not None and places.whereabouts(home) is not None and _Name() in found
    left_out = [_covered(part) for words in excepted for part in _parted(words)]
    without = {code for codes in left_out for code in codes}
    within = [code for region in wider for code in places.departments_of_region(region)]
    if without.intersection(within):
        areas, wider = areas + within, []
    alone = (len(found) > 1 or _ONLY.search(text)) and not _ROUND.search(text)
    found = [one for one in found if not (one.place and one.place.department in areas)]
    towns = [one for one in found if km is None and one.alone and (alone or one.km > HOMONYM_KM)]
    reaches = [one.km for one in found if one.km and one not in towns] + [UNKNOWN_KM] * vague
    km = km or (ceil(max(reaches)) if reaches else None)
    placed = [one.place for one in found if one.place and not (one in towns and one.km <= (km or 0))]
    zone = Zone(
        radius_km=km,
        groupings=tuple(dict.fromkeys(place.grouping for place in placed if place.grouping)),
        departments=tuple(dict.fromkeys(code for code in areas if code not in without)),
        regions=tuple(dict.fromkeys(wider)),
        communes=tuple(
            dict.fromkeys(one.place.commune for one in towns if one.place in placed and one.place.commune)
        ),
    )
    guess = vague or not all(left_out) or not (said or all(one.sure for one in found))
    return (None, False) if zone == Zone() else (zone, guess)


def _parted(text: str) -> list[str]:
    """The names that a zone lists."""
    return [part for part in toponyms.parted(text) if _COUNTED.sub("", part).strip()][:MOST]


def _covered(words: str) -> tuple[str, ...]:
    """The departments that words name, and those of the regions that they name."""
    of_regions = (code for region in regions_of(words) for code in places.departments_of_region(region))
    return (*departments_of(words, reached=True), *of_regions)


def _name(part: str, home: Place | None) -> _Name:
    """What one name holds: a town or grouping of several words, else areas, else what people call after a town."""
    words = _COUNTED.sub(" ", part)
    exact = toponyms.named(part) if " " in part else ()
    if exact and all(map(places.precise, exact)) and re.search("[a-z]", part):  # "Villeneuve-sur-Lot"
        return _called(part, home)
    code, region = places.area_named(re.sub("^(?:le |la |l')", "", words))  # "Corse-du-Sud", "le Nord"
    codes = (code,) if code else places.former_regions().get(places.name_key(words), ())
    if codes or region:
        return _Name(codes, (region,) if region else ())
    plain = re.sub(r"[^a-z0-9]+", " ", words).strip()
    sided = _SIDE.fullmatch(plain) if home else None
    of = (sided["of"] or sided["of_"]) if sided else words
    areas = departments_of(of, reached=True), regions_of(of)
    if home and _LIMITED.search(words) and not re.search(r"\d", words):  # "sud Loire" is south of a river
        near = (home.department, *places.neighbours(home.department or ""))
        areas = tuple(code for code in areas[0] if code in near), areas[1]
    areas = areas if any(areas) else _own(plain, home)
    area = Place(department=next(iter(areas[0]), None), region=next(iter(areas[1]), None))
    centre = places.whereabouts(area) if sided and len(areas[0]) + len(areas[1]) == 1 else None
    away = _away(home, area)
    if centre is None or away is None or away >= HOMONYM_KM or plain.startswith("nord 59"):
        return _Name(*areas) if any(areas) else _called(part, home)
    return _Name(km=max(away, centre.spread_km, AROUND_KM))


def _away(home: Place | None, place: Place) -> float | None:
    """Kilometres between two places, of which the points are known."""
    here, there = places.whereabouts(home) if home else None, places.whereabouts(place)
    if here is None or there is None:
        return None
    return float(places.distance_km(here.latitude, here.longitude, there.latitude, there.longitude))


def _own(plain: str, home: Place | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The department or region of the structure itself, where the words say no more than that."""
    if home and home.department and re.search(r"\b(?:dep(?:t|artement(?:ale?)?)?|(?<!presqu )ile)\b", plain):
        return (home.department,), ()
    region = home and (home.region or places.region_of(home.department or ""))
    return (), (region,) if region and re.search(r"\bregion(?:al|ale)?\b", plain) else ()


def _called(part: str, home: Place | None) -> _Name:
    """The place of a name, or the town that an area is called after, that is nearest to home; the commune that the words begin with."""
    name = _LIMITED.sub(" ", part).strip()
    if home is not None and _OF_HOME.match(name):
        held = (one for one in places.groupings_at(home) if home.commune)
        own = min(held, key=lambda one: len(places.groupings()[one].members), default=None)
        return _Name(place=places.of_grouping(own) if own else home, km=0.0 if own else AROUND_KM)
    around = _AROUND.sub("", name)
    meant = next(([*found] for n in (part, name, around) if (found := dict.fromkeys(_bearing(n, home)))), [])
    begun = () if meant else (p for p in loosely(part) or () if p.commune and part.startswith(fold(p.label)))
    if home is None or not places.whereabouts(home):
        return _Name(place=meant[0]) if len(meant) == 1 else _Name()
    far = {one: km for one in (*meant, *begun) if (km := _away(home, one)) is not None}
    place = min(far, key=lambda one: far[one], default=None)
    if place is None or (far[place] >= HOMONYM_KM and not re.search(r"\d", part)):
        return _Name()
    if place.grouping:
        return _Name(place=place)
    town = places.commune(place.commune or "")  # else a natural region round it
    exact = town is not None and town.name == place.label and (around == name or any(_bearing(name, home)))
    km = far[place] + (AREA_KM if _WIDE.match(part) else AROUND_KM)
    return _Name(place=place, km=km, alone=bool(meant) and exact, sure=bool(meant))


def _bearing(name: str, home: Place | None) -> Iterator[Place]:
    """The places of this name, and what people call so: "St-Sulpice" a town of home's department, "MACS" its groupings."""
    yield from toponyms.named(name)
    if home is not None and home.department:
        known_as = places.communes_once_named(name, home.department) or places.abbreviated(name)
        yield from (toponyms.of_commune(town.code) for town in known_as)
        around = places.groupings_at(Place(department=home.department)) if len(name) > 2 else ()
        yield from (places.of_grouping(one) for one in around if name in toponyms.initials(one))


def _kilometres(raw: object) -> float | None:
    match = re.search(r"\d+(?:[.,]\d+)?", str(raw))
    value = float(match.group().replace(",", ".")) if match else 0.0
    return value if 0 < value <= 20_000 else None


# ------------------------------------------------------------------------------------------- zones in prose

#: Kilometres of a zone, in a text that may tell of other kilometres.
_REACH = re.compile(
    r"(?:rayon|autour|alentours|jusqu'a|perimetre)[^.;\n]{0,40}?(\d{1,3})\s?km\b|(\d{1,3})\s?km\s(?:autour|a la ronde)"
)
#: "(75, 92, 93)", "départements 22 et 35": numbers are departments where two or more stand together, or the word does.
_NUMBERS = re.compile(
    r"\(\s*((?:\d{2,3}|2[ab])(?:\s*(?:,|et|-|/)\s*(?:\d{2,3}|2[ab]))+)\s*\)|departements?\s+((?:\d{2,3}|2[ab])(?:(?:,|\s|et)+(?:\d{2,3}|2[ab]))*)\b"
)
#: Department names that are also words or towns count after "département", or in a list with another department.
_COMMON = frozenset(
    "nord lot cher manche aube somme creuse landes var ain loire vienne marne orne eure oise indre gard".split()
)
_NAMING = re.compile(r"\bdepartements? (?:de |du |des |d |de la |de l )?$")
#: What stands between two departments of a list: "en Lozère et dans le Gard", "du Nord et du Pas-de-Calais".
_BETWEEN = re.compile(
    r"\s?(?:,|/|et)?\s?(?:et\s)?(?:en |dans |sur )?(?:le |la |les |l'|du |de la |de l'|des )?"
)
#: A region of one word is named as an area: "en Bretagne".
_IN_REGION = re.compile(r" (?:en|de|d|la|region|toute|hors) $")
BEFORE = 30  # characters before a name in which its article and "département" stand


def stated(text: str) -> Zone | None:
    """The zone of a text, None where it states none."""
    plain = fold(text)
    radius = _REACH.search(plain.replace("\n", " "))
    numbers = (code for match in _NUMBERS.finditer(plain) for code in departments_of(match[1] or match[2]))
    named = (code for sentence in re.split(r"[.;:!?\n]", plain) for code in _areas_of(sentence))
    zone = Zone(
        radius_km=float(radius[1] or radius[2]) if radius else None,
        departments=tuple(dict.fromkeys((*numbers, *named))),
        country=bool(_COUNTRY.search(plain)),
    )
    return zone if zone != Zone() else None


def _areas_of(sentence: str) -> Iterator[str]:
    """The departments of the areas that a sentence plainly names, and of those that it lists beside them."""
    text = f" {' '.join(sentence.split())} "
    plain = re.sub("[^a-z0-9]", " ", text)
    found = [one for one in areas_in(plain) if "-" not in (text[one[0]], text[one[1] - 1])]  # "Pont-du-Gard"

    def is_sure(start: int, end: int, departments: Sequence[str]) -> bool:
        name, before = plain[start:end].strip(), plain[max(0, start - BEFORE) : start + 1]
        if len(departments) != 1:  # a region
            return " " in name or _IN_REGION.search(before) is not None
        ordinary = name in _COMMON or places.communes_named(name)
        return not ordinary or _NAMING.search(before) is not None

    sure = [(start, end) for start, end, departments, _ in found if is_sure(start, end, departments)]
    for start, end, departments, region in found:
        gaps = (
            text[end - 1 : other + 1] if end <= other + 1 else text[last - 1 : start + 1]
            for other, last in sure
        )
        if (start, end) in sure or any(_BETWEEN.fullmatch(gap) for gap in gaps):
            yield from departments or places.departments_of_region(region)
