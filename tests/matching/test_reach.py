"""Whether structures come to a place: zones, distances as sure as the points are known; who may come, as all compared tell it."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pytest import MonkeyPatch

from matcher.catalogue.build import build_catalogue, spread
from matcher.catalogue.catalogue import Catalogue
from matcher.catalogue.filters import allowed_mask
from matcher.domain import Filters, Lot, Offer, Place, Structure, Tender, Zone
from matcher.matching import reach, recipes, search
from matcher.matching.search import query_of, shortlist_of
from matcher.matching.shortlist import Query
from matcher.matching.signals import likely_place
from matcher.reference import places
from matcher.reference.places import distance_km, locate

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


def test_a_zone_of_communes_holds_them_and_no_more() -> None:
    zone = Zone(communes=("02408", "69123"))
    one = Structure(siret="000000001", name="A", kind="EI", place=LAON, zone=zone)
    held = build_catalogue(
        [replace(one, offers=(Offer(id="1", title="tonte", zone=zone),))], [], recipes.named("lexical")
    )
    towns = {"02408": "inside", "69383": "inside", "69123": "inside", "02722": "outside"}
    where = {
        code: reach.to_places(held, [locate(Place(commune=code))], np.arange(1)).pair(0, 40.0).where
        for code in towns
    }
    assert where == towns
    assert reach.to_places(held, [AISNE], np.arange(1)).pair(0, 40.0).where == "near"


def standing(*towns: Place, zones: Sequence[float] = ()) -> Catalogue:
    """A structure in each of these towns, of so many kilometres around."""
    offers = [(Offer(id="1", title="Tonte", zone=Zone(radius_km=km)),) for km in zones] or [()] * len(towns)
    numbered = enumerate(zip(towns, offers, strict=True))
    listed = [
        Structure(siret=f"{n:09d}00010", name="A", kind="EI", place=town, offers=some)
        for n, (town, some) in numbered
    ]
    return build_catalogue(listed, [], recipes.named("lexical"))


def test_who_stands_in_the_commune_of_a_lot_is_on_the_spot_though_no_coordinates_of_it_are_known() -> None:
    code = next(one.code for one in places.communes(5_000) if one.latitude != one.latitude)
    town = locate(Place(commune=code))
    held = standing(town, LAON)
    here, far = (reach.to_places(held, [town], np.arange(2)).pair(i, 40.0) for i in (0, 1))
    assert here.kilometres == 0 and far.kilometres != 0
    assert allowed_mask(held, Filters(radius_km=1.0), [town]).tolist() == [True, False]


def test_a_town_taken_by_its_name_or_postcode_is_at_an_approximate_distance_and_its_zone_counts() -> None:
    by_name, by_postcode = locate(Place(label="Châteaubourg")), locate(Place(commune="61214"))
    assert by_name.inferred and by_postcode.inferred and not LAON.inferred
    held = standing(by_name, by_name, by_postcode, LAON, zones=(10.0, 30.0, 60.0, 60.0))
    told = {
        "35238": ("à 20 km environ, outside", "à 20 km environ, inside"),
        "35068": ("sur place, inside", "sur place, inside"),
        "27679": ("", "", "à 20 km environ, inside"),  # Verneuil, near L'Aigle
        "02691": ("", "", "", "à 40 km, inside"),  # Saint-Quentin
    }
    for code, expected in told.items():
        shortlist = shortlist_of(held, asked(held, [locate(Place(commune=code))]), exhaustive=True)
        for i, sentence in enumerate(expected):
            text = likely_place.explain(shortlist, i, 0.0).text.partition(" (")[0]
            where = reach.of(shortlist).pair(i, 40.0).where
            assert not sentence or f"{text}, {where}" == sentence


def test_a_lot_known_by_its_department_is_within_reach_of_whoever_stands_in_it() -> None:
    towns = ("02168", "02381", "51454")  # Château-Thierry, Hirson, Reims
    held = standing(*(locate(Place(commune=code)) for code in towns))
    of_all = reach.to_places(held, [AISNE], np.arange(len(held)))
    assert [of_all.pair(i, 30.0).where for i in range(3)] == ["near", "near", "far"]
    of_town = reach.to_places(held, [LAON], np.arange(len(held)))
    assert {of_town.pair(i, 30.0).where for i in range(3)} == {"far"}, "a town tells how far it is"


def test_the_nearest_of_several_places_counts_without_any_nobody_is_near(
    held: Catalogue, crowd: Catalogue
) -> None:
    assert found(held, BULLY, LAON)["laon"] == found(held, LAON)["laon"]
    mask = allowed_mask(held, Filters(radius_km=15.0), (LAON,))
    assert mask.tolist() == [value <= 15 for value in km(held, LAON).values()]
    assert len(reach.nearest(crowd, (Place(label="Atlantide"),), 5, None)) == 0
    assert not reach.has_point(asked(crowd, (Place(label="Atlantide"),)))


def test_a_commune_without_coordinates_is_placed_by_its_postcode_or_department_with_that_doubt() -> None:
    airport = places.whereabouts(locate(Place(label="COLOMBIER SAUGNIEU", postcode="69124")))
    eagle = places.whereabouts(locate(Place(commune="61214")))
    assert airport is not None and airport.spread_km > 10
    assert eagle is not None and eagle.spread_km == places.POSTCODE_KM
    paris = places.whereabouts(locate(Place(commune="75056")))
    assert paris is not None and paris.spread_km == 0


#: What reads a declared zone, or measures how far a structure is from a lot.
READS = re.compile(r"zone_(?:bits|low)|zone\.(?:radius_km|departments|regions|country)|least_km|distances_km")
_CATALOGUE = ("catalogue", "columns", "build", "filters")
READERS = {"matching/reach.py", *(f"catalogue/{name}.py" for name in _CATALOGUE)}


def test_nothing_else_reads_zones_and_distances() -> None:
    source = Path(reach.__file__).parents[1]
    wings = ("catalogue", "matching", "partners", "outreach", "territory")
    files = (path for wing in wings for path in (source / wing).rglob("*.py"))
    texts = {path: re.sub(r"`[^`]*`", "", path.read_text(encoding="utf-8")) for path in files}
    read = {str(path.relative_to(source)) for path, text in texts.items() if READS.search(text)}
    assert read == READERS


NEAREST = 40  # of those that declare no zone
PARIS = Place(commune="75056", label="Paris", department="75", latitude=48.86, longitude=2.34)
SAINT_DENIS = Place(commune="97411", label="Saint-Denis", department="974", latitude=-20.9, longitude=55.45)
NANTERRE = Place(commune="92050", label="Nanterre", department="92", latitude=48.89, longitude=2.2)


def structures(count: int = 600) -> list[Structure]:
    """Around Paris and overseas: with a radius, with departments, without zone, without coordinates, closed."""
    draw = np.random.default_rng(5)
    made = []
    for number in range(count):
        here = PARIS if number % 9 else SAINT_DENIS
        latitude, longitude = (float(x) for x in draw.normal((here.latitude, here.longitude), 0.4))
        point = {"latitude": latitude, "longitude": longitude}
        place = Place(label=f"Lieu {number}", department=here.department, **point)
        if number % 17 == 0:
            place = replace(place, latitude=None, longitude=None)
        around, listed = Zone(radius_km=float(draw.uniform(1, 60))), (("75", "92"), ("974",))
        zone = (None, around, *(Zone(departments=codes) for codes in listed))[number % 4]
        offer = Offer(id=str(number), title="Entretien d'espaces verts", zone=zone)
        closed = False if number % 23 == 0 else None
        facts = {"kind": "EI", "place": place, "offers": (offer,), "active": closed}
        made.append(Structure(siret=f"{number:09d}00010", name=f"S{number}", **facts))
    return made


@pytest.fixture(scope="module")
def crowd() -> Catalogue:
    return build_catalogue(structures())


def asked(catalogue: Catalogue, places: Sequence[Place], filters: Filters | None = None) -> Query:
    lot = Lot(id="1", title="Tonte des pelouses", places=tuple(places))
    tender = Tender(id="t", format="ted", title=lot.title, lots=(lot,))
    return query_of(catalogue, lot, tender, filters=filters)


# in La Réunion, as located from its number
SOMEWHERE = replace(SAINT_DENIS, commune=None, latitude=-21.13, longitude=55.53)


@pytest.mark.parametrize("places", [(PARIS,), (NANTERRE, SAINT_DENIS), (SAINT_DENIS,), (SOMEWHERE,)])
@pytest.mark.parametrize("kinds", [(), ("EI",), ("AI",)])
def test_zones_that_hold_it_and_the_nearest(crowd: Catalogue, places: Sequence[Place], kinds: Any) -> None:
    query = asked(crowd, places, Filters(kinds=kinds))
    everyone = shortlist_of(crowd, replace(query, filters=Filters()), exhaustive=True)
    may = reach.proposable(crowd)
    assert 0 < (~may).sum() < len(crowd)
    zones, kilometres = reach.of(everyone).zone, reach.of(everyone).kilometres
    found = reach.coming(crowd, query, NEAREST, allowed_mask(crowd, query.filters, query.places))
    if kinds == ("AI",):
        assert len(found) == 0
        return
    assert set(np.flatnonzero(may & (zones > 0))) <= set(found.tolist())
    assert may[found].all()
    outside = found[zones[found] < 0]
    radius = reach.zones_of(crowd)[1][outside]
    assert not (kilometres[outside] > radius + 5).any(), "rounded outward, or without coordinates"
    assert len(outside) < len(found) / 10
    declared = reach.zones_of(crowd)[0]
    unsure = np.flatnonzero(may & declared & (zones == 0))
    assert set(unsure) <= set(found.tolist())
    without = found[~declared[found]]
    assert len(without) == NEAREST
    left = np.setdiff1d(np.flatnonzero(may & ~declared), without)
    left, without = (rows[~np.isnan(kilometres[rows])] for rows in (left, without))
    assert kilometres[without].max() <= kilometres[left].min() + 0.1


@pytest.mark.parametrize("k", [1, 3, 250, 10_000])
@pytest.mark.parametrize("place", [PARIS, SAINT_DENIS, replace(PARIS, latitude=-89.9, longitude=-170.0)])
def test_nearest(crowd: Catalogue, place: Place, k: int) -> None:
    found = reach.nearest(crowd, (place,), k, None)
    latitude, longitude = crowd.of_structure("latitude"), crowd.of_structure("longitude")
    kilometres = np.asarray(distance_km(latitude, longitude, place.latitude or 0.0, place.longitude or 0.0))
    known = found[~np.isnan(kilometres[found])]
    assert len(set(found.tolist())) == min(k, len(crowd))
    nearest = np.sort(kilometres)[: len(known)]
    np.testing.assert_allclose(np.sort(kilometres[known]), nearest, atol=1.0, err_msg="narrow floats")


def test_a_radius_within_the_department_of_a_lot_placed_no_better_excludes_nobody(crowd: Catalogue) -> None:
    (somewhere,) = spread(Place(department="974", label="La Réunion"))
    for place, unsure in ((somewhere, True), (SAINT_DENIS, False)):
        query = asked(crowd, (place,))
        found = reach.of(shortlist_of(crowd, query, exhaustive=True))
        zones = found.zone
        radius = reach.zones_of(crowd)[1]
        here = crowd.one_of("department", ("974",)) & (radius >= 0) & (found.kilometres < 48)
        assert (zones[here] == 1).any()
        assert ((zones[here] == 0).any(), (zones[here] == -1).any()) == (unsure, not unsure)
        assert (zones[(radius >= 0) & (found.kilometres > 5_000)] == -1).all(), "elsewhere a radius tells"


def test_indexes_find_more_of_many_without_zone(crowd: Catalogue, monkeypatch: MonkeyPatch) -> None:
    monkeypatch.setattr(search, "COMPARED", NEAREST)
    query = asked(crowd, (PARIS,))
    found = shortlist_of(crowd, query, 60, coming=True).candidates
    more = np.setdiff1d(found, reach.coming(crowd, query, NEAREST, None))
    assert len(more) and reach.undeclared(crowd, query)[more].all()
    monkeypatch.setattr(search, "COMPARED", len(crowd) - 1)
    assert not search.asks_indexes(crowd, query), "whoever may come is found by place"


def test_whoever_is_shown_is_explained(crowd: Catalogue, monkeypatch: MonkeyPatch) -> None:
    """The shortlist of a whole ranking holds that of those who may come, however many there are."""
    monkeypatch.setattr(search, "COMPARED", NEAREST)
    for where in ((PARIS,), (NANTERRE, SAINT_DENIS), ()):
        query = asked(crowd, where)
        whole, some = (shortlist_of(crowd, query, 60, coming=each).candidates for each in (False, True))
        assert set(some.tolist()) <= set(whole.tolist())


def test_a_grouping_as_a_zone_reaches_its_members_and_no_other_commune() -> None:
    (siren,) = places.groupings_at(LAON)
    zone = Zone(groupings=(siren,))
    stated = (Offer(id="1", title="Tonte", zone=zone),)
    one = Structure(siret="00000000100010", name="x", kind="EI", place=LAON, offers=stated)
    held = build_catalogue([one], [], recipes.named("lexical"))
    member = locate(Place(commune=places.groupings()[siren].members[-1]))
    for place, expected in (
        (member, 1),
        (places.of_grouping(siren), 1),
        (locate(Place(commune="02691")), -1),  # Saint-Quentin, of another one
        (AISNE, 0),
        (Place(department="62"), -1),
    ):
        assert reach.to_places(held, [place], np.arange(1)).zone.tolist() == [expected], place.label
    assert reach.coming(held, asked(held, (member,)), 0, None).tolist() == [0]


@pytest.mark.parametrize(
    ("need", "expected"),
    [
        ("Nettoyage des bureaux", [-1, -1, 0]),  # of who says no trade, the zone is that of its name
        ("Mise sous pli de courriers", [1, -1, 0]),
        ("Tonte des pelouses", [0, -1, 0]),  # a trade that it declares without a zone
        ("Repas livrés à la crèche", [1, -1, 0]),  # none of its own: any zone of it may be meant
    ],
)
def test_a_zone_is_that_of_the_activity_for_which_it_is_declared(need: str, expected: list[int]) -> None:
    near, far = Zone(radius_km=10.0), Zone(departments=("62",))
    told = {"Nettoyage de bureaux": near, "Mise sous pli": far, "Entretien d'espaces verts": None}
    offers = tuple(Offer(id=title, title=title, zone=zone) for title, zone in told.items())
    facts = ({"offers": offers}, {"name": "Laon Nettoyage", "zone": near}, {"name": "Laon Nettoyage"})
    numbered = enumerate(facts)
    stated = [
        Structure(siret=f"{n:09d}00010", kind="EI", place=LAON, **{"name": "x", **each})
        for n, each in numbered
    ]
    held = build_catalogue(stated)
    lot = Lot(id="1", title=need, places=(BULLY,))
    query = query_of(held, lot, Tender(id="t", format="ted", title=need, lots=(lot,)))
    assert reach.of(shortlist_of(held, query)).zone.tolist() == expected
