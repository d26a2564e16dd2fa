"""Areas of a territory: departments, groupings of communes, communes, and circles around one.

Each is asked of the engine by the words that a user would type, so that the list of the same words counts the same.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from matcher.domain import BadInput, Place
from matcher.reference import places, tables, toponyms

#: What a region or a department is divided into -> its French name.
DIVISIONS = {"departement": "Départements", "epci": "Intercommunalités", "commune": "Communes"}
MOST = 60  # areas of a map: the most populous communes, all groupings of a department or a small region


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """A part of the country; `words` are what one types to mean its place, `radius_km` makes it a circle."""

    code: str
    label: str
    words: str
    place: Place
    radius_km: float | None = None

    @property
    def whole_department(self) -> bool:
        """Is it a department, rather than a place in one?"""
        return not places.precise(self.place)

    @property
    def centre(self) -> tuple[float, float] | None:
        """Latitude and longitude of its place; of the middle of a department."""
        if self.place.latitude is not None and self.place.longitude is not None:
            return self.place.latitude, self.place.longitude
        found = places.department(self.place.department or "")
        return None if found is None else (found.latitude, found.longitude)


def department(code: str) -> Area:
    """The area of a department.  Raises BadInput for a code that does not exist."""
    found = places.department(places.department_typed(code) or "")
    if found is None:
        raise BadInput(f"le département « {code} » n'existe pas : écrivez son code ou son nom (75, Nord)")
    return Area(code=found.code, label=found.name, words=found.code, place=toponyms.asked(found.code)[0])


def region(name: str) -> tuple[Area, ...]:
    """The departments of a region of today, by its code or name, or of one of before 2016, by its name.  Raises BadInput where there is none."""
    code = name.strip() if name.strip() in places.regions() else places.area_named(name)[1]
    within = (
        places.departments_of_region(code) if code else places.former_regions().get(places.name_key(name))
    )
    if not within:
        remedy = "écrivez son nom ou son code, 11 pour l'Île-de-France"
        raise BadInput(f"la région « {name} » n'existe pas : {remedy}")
    return tuple(map(department, within))


def within(region_named: str = "", departments: Iterable[str] | None = None) -> tuple[Area, ...]:
    """The departments of a region and those named beside it; none where nothing is named.  Raises BadInput."""
    return (*(region(region_named) if region_named else ()), *map(department, departments or ()))


def codes_within(region_named: str, departments: Iterable[str] | None) -> tuple[str, ...]:
    """The codes of `within`, in order."""
    return tuple(sorted(departments_of(within(region_named, departments))))


def circle(commune: str, radius_km: float) -> Area:
    """The circle around a commune (name, postcode or INSEE code).  Raises BadInput where it cannot be placed."""
    place = somewhere(commune)
    if place.latitude is None:
        raise BadInput(f"la commune « {commune} » ne peut être située : donnez son code postal")
    if not 0 < radius_km <= 500:
        raise BadInput(f"un rayon de {radius_km:g} km : donnez un nombre de 1 à 500")
    label = f"{place.label} et {radius_km:g} km autour"
    return Area(code=place.commune or commune, label=label, words=commune, place=place, radius_km=radius_km)


def divided(wholes: tuple[Area, ...], by: str) -> tuple[Area, ...]:
    """Departments cut into groupings or into their most populous communes, at most MOST.  Raises BadInput."""
    if by not in DIVISIONS:
        raise BadInput(f"découpage {by!r} inconnu : choisissez {', '.join(DIVISIONS)}")
    if by == "departement":
        return wholes
    codes = frozenset(area.place.department for area in wholes)
    inside = (
        [places.of_grouping(code) for code in places.groupings()]
        if by == "epci"
        else [toponyms.of_commune(one.code) for code in codes for one in largest().get(code or "", ())]
    )
    inside = sorted((one for one in inside if one.department in codes), key=toponyms.people, reverse=True)[
        :MOST
    ]
    named = ((one.commune or f"{one.label} ({one.department})", one) for one in inside)
    return tuple(
        Area(code=one.commune or one.grouping or "", label=one.label, words=words, place=one)
        for words, one in named
    )


@tables.remembered()
def largest() -> dict[str, tuple[places.Commune, ...]]:
    """The most populous communes of each department, at most MOST; an arrondissement is none."""
    found: dict[str, list[places.Commune]] = {}
    for one in sorted(places.communes(), key=lambda one: -one.population):
        if len(held := found.setdefault(one.department, [])) < MOST and "rrondissement" not in one.name:
            held.append(one)
    return {code: tuple(held) for code, held in found.items()}


def holding(areas: tuple[Area, ...], place: Place) -> Iterator[int]:
    """The positions of the areas that hold a place: none for one that is known less precisely than they are.

    Of the communes of a department, the nearest.
    """
    nearest: list[tuple[float, int]] = []
    for number, area in enumerate(areas):
        if area.whole_department:
            if place.department == area.place.department:
                yield number
        elif area.place.grouping:
            if area.place.grouping in places.groupings_at(place) and places.precise(place):
                yield number
        elif place.latitude is not None and places.precise(place):
            at = area.place
            far = float(places.distance_km(place.latitude, place.longitude, at.latitude, at.longitude))
            if area.radius_km is not None:
                if far <= area.radius_km:
                    yield number
            elif area.place.department == place.department:
                nearest.append((far, number))
    if nearest:
        yield min(nearest)[1]


def departments_of(areas: Iterable[Area]) -> frozenset[str]:
    """The departments whose needs may lie in these areas: of a circle the neighbours too."""
    own = {code for area in areas if (code := area.place.department)}
    wide = {code for area in areas if area.radius_km is not None and (code := area.place.department)}
    return frozenset(own.union(*(places.neighbours(code) for code in wide)))


def place_of(words: str) -> Place | None:
    """The place that a user typed, None where none is.  Raises BadInput on an unknown one."""
    return somewhere(words) if words.strip() else None


def somewhere(words: str) -> Place:
    """A place typed by a user: INSEE code, postcode, department, or a name.  Raises BadInput where none is."""
    try:
        found = toponyms.asked(words)
    except toponyms.Homonyms as error:
        several = f"plusieurs lieux s'appellent « {words} » ({', '.join(error.choices)})"
        raise BadInput(f"{several} : précisez le département ou le code postal") from None
    except BadInput as error:
        hint = toponyms.suggested(getattr(error, "choices", ()))
        raise BadInput(f"aucune commune, ni code postal, ni département « {words} » : {hint}") from None
    if len(found) != 1 or not found[0].department:
        remedy = "donnez une commune, un code postal ou un département"
        raise BadInput(f"« {words} » n'est pas un lieu : {remedy}")
    return found[0]
