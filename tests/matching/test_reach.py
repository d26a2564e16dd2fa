"""Whether structures come to a place: their zones, and distances as sure as the points are known."""

import re
from pathlib import Path

import numpy as np
import pytest

from matcher.catalogue.build import build_catalogue
from matcher.catalogue.catalogue import Catalogue
from matcher.catalogue.filters import allowed_mask
from matcher.domain import Filters, Offer, Place, Structure, Zone
from matcher.matching import reach, recipes
from matcher.reference import places
from matcher.reference.places import locate

LAON, BULLY = locate(Place(commune="02408")), locate(Place(commune="62186"))
AISNE = Place(department="02", label="Aisne")
NAMES = ("laon", "aisne", "région", "nowhere", "aisne 20 km", "nowhere 20 km", "laon 20 km", "laon 62")


@pytest.fixture(scope="module")
def held() -> Catalogue:
    """Structures at a town, of a department, of a region, and of which no place is known."""
    stands = (LAON, AISNE, Place(region="32"), Place(label="Atlantide"), AISNE, Place(), LAON, LAON)
    zones = (*[None] * 4, *[Zone(radius_km=20.0)] * 3, Zone(departments=("62",)))
    named = enumerate(zip(NAMES, stands, zones, strict=True))
    offers = [(Offer(id=str(number), title="Tonte", zone=zone),) for number, zone in enumerate(zones)]
    listed = [
        Structure(siret=f"{number:09d}00010", name=name, kind="EI", place=place, offers=offers[number])
        for number, (name, place, _) in named
    ]
    return build_catalogue(listed, [], recipes.named("lexical"))


def found(held: Catalogue, *asked: Place) -> dict[str, reach.Reached]:
    of_all = reach.to_places(held, asked, np.arange(len(held)))
    return {name: of_all.pair(i, 40.0) for i, name in enumerate(NAMES)}


def km(held: Catalogue, *asked: Place) -> dict[str, float]:
    values = reach.to_places(held, asked, np.arange(len(held))).kilometres
    return dict(zip(NAMES, values.tolist(), strict=True))


def test_who_is_known_by_its_area_alone_stands_at_its_centre_and_is_never_nearer(held: Catalogue) -> None:
    at_laon, far = km(held, LAON), km(held, BULLY)
    assert at_laon["laon"] == 0 < at_laon["aisne"] < at_laon["région"]
    assert far["aisne"] > 80, "the centre of Aisne is as far from Bully as it is"
    centre = places.whereabouts(AISNE)
    assert centre is not None
    there = Place(commune="02408", latitude=centre.latitude + 0.001, longitude=centre.longitude)
    assert km(held, there)["aisne"] > 20, "at the very centre its own place is still unknown"


def test_no_kilometres_are_shown_where_the_point_is_not_its_own(held: Catalogue) -> None:
    shown = {name for name, one in found(held, LAON).items() if one.kilometres is not None}
    assert shown == {"laon", "laon 20 km", "laon 62"}
    assert all(one.kilometres is None for one in found(held, AISNE).values())


def test_zones_decide_where_they_are_declared_and_the_usual_distance_elsewhere(held: Catalogue) -> None:
    at_laon, at_bully = found(held, LAON), found(held, BULLY)
    assert at_laon["laon"].where == "near" and at_bully["laon"].where == "far"
    assert at_laon["nowhere"].where == at_bully["nowhere"].where == "unknown"
    assert at_laon["laon 20 km"].where == "inside" and at_bully["laon 20 km"].where == "outside"
    assert at_laon["laon 62"].where == "outside" and at_bully["laon 62"].where == "inside"
    assert at_laon["aisne 20 km"].where == "near", "it may stand anywhere in Aisne: a radius does not refuse"
    assert at_laon["nowhere 20 km"].where == at_bully["nowhere 20 km"].where == "unknown"
    of_department = found(held, AISNE)
    assert of_department["laon 20 km"].where == "near" and of_department["laon 62"].where == "outside"


def test_who_stands_in_the_commune_of_a_lot_is_on_the_spot_though_no_coordinates_of_it_are_known() -> None:
    code = next(one.code for one in places.communes(5_000) if one.latitude != one.latitude)
    town = locate(Place(commune=code))
    listed = [
        Structure(siret=f"{n:09d}00010", name="A", kind="EI", place=p) for n, p in enumerate((town, LAON))
    ]
    held = build_catalogue(listed, [], recipes.named("lexical"))
    here, far = (reach.to_places(held, [town], np.arange(2)).pair(i, 40.0) for i in (0, 1))
    assert here.kilometres == 0 and far.kilometres != 0
    assert allowed_mask(held, Filters(radius_km=1.0), [town]).tolist() == [True, False]


def test_a_lot_known_by_its_department_is_within_reach_of_whoever_stands_in_it() -> None:
    towns = {"Château-Thierry": "02168", "Hirson": "02381", "Reims": "51454"}
    listed = [
        Structure(siret=f"{number:09d}00010", name=name, kind="EI", place=locate(Place(commune=code)))
        for number, (name, code) in enumerate(towns.items())
    ]
    held = build_catalogue(listed, [], recipes.named("lexical"))
    of_all = reach.to_places(held, [AISNE], np.arange(len(held)))
    assert [of_all.pair(i, 30.0).where for i in range(3)] == ["near", "near", "far"]
    of_town = reach.to_places(held, [LAON], np.arange(len(held)))
    assert {of_town.pair(i, 30.0).where for i in range(3)} == {"far"}, "a town tells how far it is"


def test_the_nearest_of_several_places_counts(held: Catalogue) -> None:
    assert found(held, BULLY, LAON)["laon"] == found(held, LAON)["laon"]


def test_a_radius_keeps_whom_the_reach_puts_within_it(held: Catalogue) -> None:
    mask = allowed_mask(held, Filters(radius_km=15.0), (LAON,))
    assert mask is not None
    assert mask.tolist() == [value <= 15 for value in km(held, LAON).values()]


def test_a_commune_without_coordinates_is_placed_by_its_postcode_or_department_with_that_doubt() -> None:
    airport = places.whereabouts(locate(Place(label="COLOMBIER SAUGNIEU", postcode="69124")))
    eagle = places.whereabouts(locate(Place(commune="61214")))
    assert airport is not None and airport.spread_km > 10
    assert eagle is not None and eagle.spread_km == places.POSTCODE_KM
    paris = places.whereabouts(locate(Place(commune="75056")))
    assert paris is not None and paris.spread_km == 0


#: What reads a declared zone, or measures how far a structure is from a lot.
READS = re.compile(
    r"zone_bits|zone_low|zone\.(?:radius_km|departments|regions|country)|least_km|distances_km"
)
_CATALOGUE = ("catalogue", "columns", "build", "filters")
READERS = {"matching/reach.py", *(f"catalogue/{name}.py" for name in _CATALOGUE)}


def test_nothing_else_reads_zones_and_distances() -> None:
    source = Path(reach.__file__).parents[1]
    wings = ("catalogue", "matching", "partners", "outreach", "territory")
    files = (path for wing in wings for path in (source / wing).rglob("*.py"))
    texts = {path: re.sub(r"`[^`]*`", "", path.read_text(encoding="utf-8")) for path in files}
    read = {str(path.relative_to(source)) for path, text in texts.items() if READS.search(text)}
    assert read == READERS
