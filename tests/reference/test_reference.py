"""Tables and placing: expected values are official facts, or computed by hand from them."""

import csv
import math
import statistics
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from matcher.domain import BadInput, Place
from matcher.reading.sources import decp
from matcher.reference import codes, french, imports, places
from matcher.reference.identifiers import CPV_DIVISIONS
from matcher.reference.paths import reference_dir, shared_dir
from records import cases

NOMENCLATURES = shared_dir() / "data" / "nomenclatures"


def test_every_commune_is_found_by_its_own_name() -> None:
    some = list(places.communes())[::40]
    assert len(some) > 500
    found = {one.code: {other.code for other in places.communes_named(one.name)} for one in some}
    assert [code for code, codes in found.items() if code not in codes] == []


def test_a_commune_is_known_by_its_insee_code() -> None:
    montreuil = places.commune("93048")
    assert montreuil is not None
    area = (montreuil.department, montreuil.region)
    assert (montreuil.name, montreuil.postcodes, area) == ("Montreuil", ("93100",), ("93", "11"))
    assert montreuil.siren == "219300480"
    assert places.commune("99999") is None
    lomme = places.commune("59355")  # merged
    assert lomme is not None and lomme.name == "Lille"


def test_a_place_that_states_everything_is_left_as_it_is() -> None:
    for code in ("93055", "64533", "2A004", "75118"):
        found = places.locate(Place(commune=code, postcode=places.commune(code).postcodes[0]))  # type: ignore[union-attr]
        assert found.label and found.region and found.latitude is not None
        there = replace(found, label="12 rue du Port", latitude=48.1, longitude=2.1)
        assert places.locate(found) == found and places.locate(there) == there
        assert places.locate(replace(there, region=None)) == there  # what is missing is completed


def test_communes_of_a_postcode() -> None:
    # an arrondissement says more than the city; a CEDEX serves no commune
    served = {"75011": ["Paris 11e Arrondissement"], "20090": ["Ajaccio"], "97400": ["Saint-Denis"]}
    for postcode, names in (served | {"75253": [], "": []}).items():
        assert [c.name for c in places.communes_of_postcode(postcode)] == names


def test_a_commune_is_found_as_people_type_it() -> None:
    for typed, department, first in cases("communes typed"):
        assert places.search_commune(typed, department)[0].name == first, typed
    assert places.search_commune("") == places.search_commune("  - ") == ()
    assert len(places.search_commune("saint", limit=3)) == 3


def test_buyers_are_placed_by_their_number() -> None:
    town = places.commune_of_siren("219300480")
    assert town is not None and town.code == "93048"
    grouping = places.commune_of_siren("200057867")  # Plaine Commune
    assert grouping is not None and grouping.name == "Saint-Denis"
    merged = places.commune_of_siren("216901496")  # Oullins, merged in 2024
    assert merged is not None and merged.name == "Oullins-Pierre-Bénite"
    assert places.commune_of_siren("219309999") is None
    assert places.commune_of_siren("229300082") is None  # a department is no commune
    assert places.department_of_siren("229300082") == "93"
    assert places.department_of_siren("200057867") is None  # newer numbers tell no place
    assert places.department_of_siren("2293") is None


def test_regions_and_departments() -> None:
    assert places.region_of("93") == "11"
    assert places.regions()["11"] == "Île-de-France"
    assert places.departments_of_region("11") == ("75", "77", "78", "91", "92", "93", "94", "95")
    assert places.region_of("00") is None
    paris = places.department("75")
    assert paris is not None and paris.region_name == "Île-de-France"
    assert places.distance_km(paris.latitude, paris.longitude, 48.8566, 2.3522) < 3


def test_neighbours_are_mutual_and_those_of_paris_are_known() -> None:
    assert places.neighbours("75") == ("92", "93", "94")
    assert places.neighbours("974") == ()
    for one in places.departments():
        for other in places.neighbours(one.code):
            assert one.code in places.neighbours(other)


def test_departments_of_nuts() -> None:
    # FR716 is FRK26 in NUTS 2010
    one = {"FR106": ("93",), "FRK26": ("69",), "FR716": ("69",), "FRY40": ("974",), "FRM0": ("2A", "2B")}
    several = {"FR10": ("75", "77", "78", "91", "92", "93", "94", "95"), "FR": (), "DE111": (), "FRZZZ": ()}
    for nuts, departments in (one | several).items():
        assert places.department_of_nuts(nuts) == departments


def test_the_nuts_of_2016_cover_each_of_the_101_departments_once() -> None:
    with (reference_dir() / "nuts.csv").open(encoding="utf-8") as stream:
        now = [r["department"] for r in csv.DictReader(stream) if r["version"] == "2016"]
    assert sorted(now) == sorted(set(now))
    assert len(now) == 101


def test_every_division_of_the_cpv_has_a_label_and_a_code_that_of_its_longest_prefix() -> None:
    labels = codes.cpv_labels()
    assert {code for code in labels if len(code) == 2} == CPV_DIVISIONS
    assert all(labels.values())
    labels = codes.cpv_labels()
    longest = max((k for k in labels if "45442139".startswith(k)), key=len)
    assert len(longest) < 8 and codes.cpv_label("45442139") == labels[longest]
    assert codes.cpv_label("45000000") == labels["45"]
    assert codes.cpv_label("30000000") == labels["30"]
    assert codes.cpv_label("99999999") == ""


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"\xff\xfe\x00"])
def test_a_file_without_cpv_is_refused_with_its_remedy(content: bytes, tmp_path: Path) -> None:
    source = tmp_path / "other.csv"
    source.write_bytes(content)
    with pytest.raises(BadInput, match=r"CSV en UTF-8|colonnes code et label_fr"):
        imports.import_labels("cpv", source)


def test_naf_labels() -> None:
    assert codes.naf_label("81.30Z") == codes.naf_label("8130Z") == "Services d'aménagement paysager"
    assert codes.naf_label("8130X") == codes.naf_label("8130")
    assert codes.naf_label("") == ""


def test_distance_is_that_of_the_great_circle() -> None:
    quarter = math.pi / 2 * places.EARTH_RADIUS_KM
    assert places.distance_km(0.0, 0.0, 90.0, 0.0) == pytest.approx(quarter)
    assert places.distance_km(0.0, 0.0, 0.0, 180.0) == pytest.approx(2 * quarter)
    assert places.distance_km(48.0, 2.0, 48.0, 2.0) == 0.0
    assert math.isnan(places.distance_km(float("nan"), 2.0, 48.0, 2.0))
    row = places.distance_km(0.0, 0.0, np.array([0.0, 90.0, np.nan]), np.zeros(3))
    assert row[:2] == pytest.approx([0.0, quarter])
    assert math.isnan(row[2])


@pytest.mark.parametrize(("stated", "commune", "department"), cases("places completed"))
def test_a_place_is_completed(stated: dict[str, str], commune: str | None, department: str | None) -> None:
    found = places.locate(Place(**stated))
    assert (found.commune, found.department) == (commune, department)
    assert found.region == (places.region_of(department) if department else None)
    assert (found.latitude is not None) == (commune is not None)
    assert not found.inferred


def test_the_label_chooses_among_the_communes_of_a_postcode() -> None:
    shared = places.communes_of_postcode("01250")
    assert len(shared) > 2
    last = shared[-1]
    assert places.locate(Place(postcode="01250", label=last.name)).commune == last.code
    assert places.locate(Place(postcode="01250")).commune == shared[0].code
    region = places.locate(Place(label="Île-de-France"))
    assert (region.region, region.department, region.commune) == ("11", None, None)


def test_a_town_in_the_capitals_of_a_register_is_written_as_a_town() -> None:
    assert places.town_name(Place(label="ST OUEN", commune="93070")) == "Saint-Ouen-sur-Seine"
    assert places.town_name(Place(label="VILLE INVENTEE")) == "Ville Inventee"
    for label in ("L'Haÿ-les-Roses", ""):
        assert places.town_name(Place(label=label)) == label


def test_the_place_of_the_buyer_is_the_default_and_contradicts_nothing_stated() -> None:
    found = places.locate(Place(), buyer_id="21930048000019")
    assert (found.commune, found.inferred) == ("93048", True)
    same = places.locate(Place(department="93"), buyer_id="21930048000019")
    assert (same.commune, same.inferred) == ("93048", True)
    for stated in (Place(department="31"), Place(nuts="FRJ23"), Place(region="76")):
        found = places.locate(stated, buyer_id="21930048000019")
        assert found.region == "76"
        assert found.commune is None
    kept = Place(label="ici", commune="93048", latitude=1.0, longitude=2.0, department="94")
    found = places.locate(kept)
    assert (found.label, found.latitude, found.longitude, found.department) == ("ici", 1.0, 2.0, "94")
    abroad = Place(label="Montreuil", country="BE")
    assert places.locate(abroad) == abroad


def test_a_region_code_is_not_taken_for_a_department() -> None:
    for code, region in {"11": "11", "94": "94", "82": "84", "93": "93"}.items():
        found = decp.place_of_decp(code, "Code région")
        assert (found.region, found.department) == (region, None)


@pytest.mark.shared
@pytest.mark.skipif(not NOMENCLATURES.is_dir(), reason="no nomenclatures: set MATCHER_SHARED")
def test_communes_agree_with_the_official_table() -> None:
    people = covered = 0
    gaps, approximate_gaps, wrong = [], [], []
    with (NOMENCLATURES / "communes.csv").open(encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            if row["type"] != "commune-actuelle":
                continue
            found = places.commune(row["code_insee"])
            population = int(row["population"] or 0)
            people += population
            if found is None or (found.department, found.siren) != (row["departement"], row["siren"]):
                wrong.append(row["code_insee"])
                continue
            latitude, longitude, approximate = places.coordinates(found)
            covered += 0 if approximate else population
            if row["lat"] and not math.isnan(latitude):
                gap = float(places.distance_km(latitude, longitude, float(row["lat"]), float(row["lon"])))
                (approximate_gaps if approximate else gaps).append(gap)
    assert wrong == []
    assert covered / people > 0.90
    assert statistics.median(gaps) < 5
    assert statistics.median(approximate_gaps) < 10


def test_words_agree_with_their_number() -> None:
    assert french.counted("5", "lot attribué") == "5 lots attribués" and french.counted(1, "lot") == "1 lot"


def test_a_deadline_that_has_passed_is_reported_as_closed() -> None:
    noon = datetime(2026, 9, 15, 12, 0)
    before, after = (datetime(2026, 9, 15, hour, tzinfo=french.PARIS) for hour in (11, 13))
    assert french.due(noon, before) == "réponse avant le 15/09/2026"
    assert french.due(noon, after) == "clos depuis le 15/09/2026"
    assert french.due(datetime(2026, 9, 15, 22, 30, tzinfo=UTC), before) == "réponse avant le 16/09/2026"
    assert french.due(None) == "" and not french.is_over(None)
