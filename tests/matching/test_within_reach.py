"""Who may come to a place, as a comparison of every structure's zone and distance tells it."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from pytest import MonkeyPatch

from matcher.catalogue.build import build_catalogue, spread
from matcher.catalogue.catalogue import Catalogue
from matcher.catalogue.filters import allowed_mask
from matcher.domain import Filters, Lot, Offer, Place, Structure, Tender, Zone
from matcher.matching import reach, search
from matcher.matching.search import query_of, shortlist_of
from matcher.matching.shortlist import Query
from matcher.reference.places import distance_km

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
def held() -> Catalogue:
    return build_catalogue(structures())


def asked(catalogue: Catalogue, places: Sequence[Place], filters: Filters | None = None) -> Query:
    lot = Lot(id="1", title="Tonte des pelouses", places=tuple(places))
    tender = Tender(id="t", format="ted", title=lot.title, lots=(lot,))
    return query_of(catalogue, lot, tender, filters=filters)


# in La Réunion, as located from its number
SOMEWHERE = replace(SAINT_DENIS, commune=None, latitude=-21.13, longitude=55.53)


@pytest.mark.parametrize("places", [(PARIS,), (NANTERRE, SAINT_DENIS), (SAINT_DENIS,), (SOMEWHERE,)])
@pytest.mark.parametrize("kinds", [(), ("EI",), ("AI",)])
def test_all_whose_zone_holds_the_place_and_the_nearest_without_zone(
    held: Catalogue, places: Sequence[Place], kinds: tuple[str, ...]
) -> None:
    query = asked(held, places, Filters(kinds=kinds))
    everyone = shortlist_of(held, replace(query, filters=Filters()), exhaustive=True)
    may = reach.proposable(held)
    assert 0 < (~may).sum() < len(held)
    zones, kilometres = reach.of(everyone).zone, reach.of(everyone).kilometres
    found = reach.coming(held, query, NEAREST, allowed_mask(held, query.filters, query.places))
    if kinds == ("AI",):
        assert len(found) == 0
        return
    assert set(np.flatnonzero(may & (zones > 0))) <= set(found.tolist())
    assert may[found].all()
    outside = found[zones[found] < 0]
    radius = reach.zones_of(held)[1][outside]
    assert not (kilometres[outside] > radius + 5).any(), "rounded outward, or without coordinates"
    assert len(outside) < len(found) / 10
    declared = reach.zones_of(held)[0]
    unsure = np.flatnonzero(may & declared & (zones == 0))
    assert set(unsure) <= set(found.tolist())
    without = found[~declared[found]]
    assert len(without) == NEAREST
    left = np.setdiff1d(np.flatnonzero(may & ~declared), without)
    left, without = (rows[~np.isnan(kilometres[rows])] for rows in (left, without))
    assert kilometres[without].max() <= kilometres[left].min() + 0.1


@pytest.mark.parametrize("k", [1, 3, 250, 10_000])
@pytest.mark.parametrize("place", [PARIS, SAINT_DENIS, replace(PARIS, latitude=-89.9, longitude=-170.0)])
def test_nearest(held: Catalogue, place: Place, k: int) -> None:
    found = reach.nearest(held, (place,), k, None)
    latitude, longitude = held.of_structure("latitude"), held.of_structure("longitude")
    kilometres = np.asarray(distance_km(latitude, longitude, place.latitude or 0.0, place.longitude or 0.0))
    known = found[~np.isnan(kilometres[found])]
    assert len(set(found.tolist())) == min(k, len(held))
    nearest = np.sort(kilometres)[: len(known)]
    np.testing.assert_allclose(np.sort(kilometres[known]), nearest, atol=1.0, err_msg="narrow floats")


def test_without_a_place_nobody_is_near(held: Catalogue) -> None:
    assert len(reach.nearest(held, (Place(label="Atlantide"),), 5, None)) == 0
    assert not reach.has_point(asked(held, (Place(label="Atlantide"),)))


def test_a_radius_within_the_department_of_a_lot_placed_no_better_excludes_nobody(held: Catalogue) -> None:
    (somewhere,) = spread(Place(department="974", label="La Réunion"))
    for place, unsure in ((somewhere, True), (SAINT_DENIS, False)):
        query = asked(held, (place,))
        found = reach.of(shortlist_of(held, query, exhaustive=True))
        zones = found.zone
        _, radius, _ = reach.zones_of(held)
        here = held.one_of("department", ("974",)) & (radius >= 0) & (found.kilometres < 48)
        assert (zones[here] == 1).any()
        assert ((zones[here] == 0).any(), (zones[here] == -1).any()) == (unsure, not unsure)
        assert (zones[(radius >= 0) & (found.kilometres > 5_000)] == -1).all(), "elsewhere a radius tells"


def test_indexes_find_more_of_many_without_zone(held: Catalogue, monkeypatch: MonkeyPatch) -> None:
    monkeypatch.setattr(search, "COMPARED", NEAREST)
    query = asked(held, (PARIS,))
    found = shortlist_of(held, query, 60, coming=True).candidates
    more = np.setdiff1d(found, reach.coming(held, query, NEAREST, None))
    assert len(more) and reach.undeclared(held, query)[more].all()
    monkeypatch.setattr(search, "COMPARED", len(held) - 1)
    assert not search.asks_indexes(held, query), "whoever may come is found by place"


def test_whoever_is_shown_is_explained(held: Catalogue, monkeypatch: MonkeyPatch) -> None:
    """The shortlist of a whole ranking holds that of those who may come, however many there are."""
    monkeypatch.setattr(search, "COMPARED", NEAREST)
    for places in ((PARIS,), (NANTERRE, SAINT_DENIS), ()):
        query = asked(held, places)
        whole, some = (shortlist_of(held, query, 60, coming=each).candidates for each in (False, True))
        assert set(some.tolist()) <= set(whole.tolist())
