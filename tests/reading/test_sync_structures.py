"""Lists of structures from their publishers: whole, resumed, and never replaced by less."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pytest import MonkeyPatch

from matcher.domain import Award, Structure
from matcher.reading import files
from matcher.reading.sync import _client, adaptees, associations, decp, emplois, finess, inclusion, siae
from matcher.reading.sync._client import Unreachable
from records import published
from replay_server import Publisher

MONDAY = date(2025, 11, 3)


def siret(number: int) -> str:
    return f"{number:09d}{number % 97:05d}"


def rows(folder: Path, key: str = "results") -> list[dict[str, Any]]:
    return [row for path in sorted(folder.rglob("*.json")) for row in json.loads(path.read_text())[key]]


def read(folder: Path) -> list[Structure]:
    return [record for record in files.read([folder / "pages"]) if isinstance(record, Structure)]


def market(count: int, day: str = "2025-10-01") -> list[dict[str, Any]]:
    updated = f"{day}T08:00:00+02:00"
    named = ({"id": n, "siret": siret(n), "name": f"Structure {n}"} for n in range(count))
    return [published("lemarche", updated_at=updated, **names) for names in named]


def fetch_market(folder: Path, **options: Any) -> _client.Report:
    return siae.siae(folder, **{"details": False, **options})


def test_a_broken_reading_resumes_and_the_old_set_stands(publisher: Publisher, tmp_path: Path) -> None:
    publisher.structures = market(250)
    assert fetch_market(tmp_path).records == 250
    assert [query["offset"] for _, query, _ in publisher.asked] == ["0", "100", "200"]
    assert fetch_market(tmp_path).unchanged == 1
    publisher.structures = market(320)
    publisher.faults += [("none",), ("none",), *[("status", 500)] * 4]
    with pytest.raises(Unreachable):
        fetch_market(tmp_path)
    assert len(rows(tmp_path / "pages")) == 250
    publisher.asked.clear()
    assert fetch_market(tmp_path).records == 320
    assert [query["offset"] for _, query, _ in publisher.asked] == ["200", "300"]
    assert len({row["siret"] for row in rows(tmp_path / "pages")}) == 320


def test_other_pages_lose_nothing(publisher: Publisher, tmp_path: Path, monkeypatch: MonkeyPatch) -> None:
    publisher.structures = market(250)
    fetch_market(tmp_path)
    publisher.structures = market(251)
    from replay_server import _Handler

    def first_page_for_ever(self: Any, rows: list[Any], query: dict[str, str]) -> Any:
        return {"count": len(rows), "next": "x", "previous": None, "results": rows[:100]}

    monkeypatch.setattr(_Handler, "offset", first_page_for_ever)
    report = fetch_market(tmp_path)
    assert any("those are kept" in note for note in report.notes)
    assert len(rows(tmp_path / "pages")) == 250


@pytest.mark.parametrize("left", [0, 100])
def test_a_list_that_shrinks_waits_for_consent(publisher: Publisher, tmp_path: Path, left: int) -> None:
    publisher.structures = market(250)
    fetch_market(tmp_path)
    publisher.structures = market(240)  # a few leave, and are gone
    assert fetch_market(tmp_path).notes == []
    publisher.structures = market(left, "2025-11-01")
    report = fetch_market(tmp_path)
    assert "--accept-fewer" in report.notes[-1]
    assert len(rows(tmp_path / "pages")) == 240
    fetch_market(tmp_path, accept_fewer=True)
    assert len(rows(tmp_path / "pages")) == left


def test_the_page_of_a_structure_is_asked_again_once_changed(publisher: Publisher, tmp_path: Path) -> None:
    publisher.structures = market(3)
    said = {
        "sectors": [{"name": "Espaces verts", "slug": "espaces-verts"}],
        "networks": [{"name": "Réseau d'essai", "slug": "essai"}],
        "offers": [{"name": "Tonte", "description": "Tonte et taille de haies"}],
        **{"contact_phone": "01 99 00 00 01", "client_references": [], "labels_old": []},
    }
    publisher.details = {str(n): {**publisher.structures[n], **said} for n in range(2)}  # of the third: 404
    fetch_market(tmp_path, details=True)
    one, two, three = sorted(read(tmp_path), key=lambda s: s.siret)
    assert [offer.title for offer in one.offers] == ["Tonte", "Espaces verts"]
    assert (two.networks, two.phone) == (("Réseau d'essai",), "01 99 00 00 01")
    assert three.name == "Structure 2"
    publisher.asked.clear()
    publisher.structures[0]["updated_at"] = "2025-11-02T08:00:00+02:00"
    publisher.details["0"] = {**publisher.details["0"], **publisher.structures[0], "offers": []}
    fetch_market(tmp_path, details=True)
    assert [path for path in publisher.paths if path != "/siae/"] == ["/siae/0/", "/siae/2/"]
    assert [offer.title for offer in min(read(tmp_path), key=lambda s: s.siret).offers] == ["Espaces verts"]


def test_pages_of_structures_go_on_after_a_break(publisher: Publisher, tmp_path: Path) -> None:
    publisher.structures = market(4)
    publisher.details = {str(n): {**row, "offers": []} for n, row in enumerate(publisher.structures)}
    publisher.faults += [("none",), ("none",), ("none",), *[("status", 503)] * 4]
    with pytest.raises(Unreachable):
        fetch_market(tmp_path, details=True)
    publisher.asked.clear()
    fetch_market(tmp_path, details=True)  # the list has not changed: only the pages that lacked
    assert publisher.paths == ["/siae/", "/siae/2/", "/siae/3/"]


def employer(number: int, department: str = "57") -> dict[str, Any]:
    names = {"raison_sociale": f"ASSOCIATION {number}", "enseigne": f"Atelier {number}"}
    place = {"code_postal": f"{department}000", "departement": department}
    return published("emplois", siret=siret(number), **names, **place)


def job(**changes: Any) -> dict[str, Any]:
    return published("emplois job", **changes)


def test_jobs_of_the_hiring_platform_are_offers_of_kind_job(publisher: Publisher, tmp_path: Path) -> None:
    publisher.employers = [employer(n) for n in range(45)] + [employer(99, "54")]
    sorter = job(appellation_modifiee="Agent de tri", rome="Tri (K2304)", description="")
    publisher.employers[0]["postes"] = [job(), sorter]
    report = emplois.emplois(tmp_path, ["57", "54"], MONDAY)
    assert (report.records, report.notes) == (46, [])
    found = {s.siret: s for s in read(tmp_path)}
    assert len(found) == 46
    first = found[siret(0)]
    assert (first.kind, first.brand, first.place.department) == ("ACI", "Atelier 0", "57")
    one, two = first.offers
    expected = ("job", "Entretien des espaces verts", ("A1203",), "Agent de tri")
    assert (one.nature, one.title, one.rome, two.title) == expected
    assert "Tonte et taille" in one.text
    for personal in ("Durand", "03 87", "rh@"):
        assert personal not in one.text
    publisher.asked.clear()
    assert emplois.emplois(tmp_path, ["57", "54"], MONDAY).unchanged == 2
    assert publisher.asked == []


def test_a_department_that_breaks_leaves_the_others(publisher: Publisher, tmp_path: Path) -> None:
    publisher.employers = [employer(n) for n in range(5)] + [employer(50 + n, "54") for n in range(25)]
    publisher.faults += [("none",), ("none",), ("shape",)]
    with pytest.raises(Unreachable, match="another shape"):
        emplois.emplois(tmp_path, ["57", "54"], MONDAY)
    assert len(read(tmp_path)) == 5
    emplois.emplois(tmp_path, ["57", "54"], MONDAY)
    assert len(read(tmp_path)) == 30


def test_services_stand_under_their_structure(publisher: Publisher, tmp_path: Path) -> None:
    known = ({"id": f"dora--{n}", "siret": siret(n) if n else None, "nom": f"Garage {n}"} for n in range(3))
    publisher.inclusion["structures"] = [published("inclusion", **row) for row in known]
    publisher.inclusion["services"] = [published("inclusion service")]
    assert inclusion.inclusion(tmp_path).records == 4
    found = {s.siret: s for s in read(tmp_path)}
    assert "ID-dora--0" in found and len(found) == 3  # without a SIRET, the directory's own id is one
    one = found[siret(1)]
    assert [offer.title for offer in one.offers] == ["Atelier mécanique.", "Garage solidaire"]
    assert {offer.nature for offer in one.offers} == {"description"}
    assert one.offers[1].zone is not None and one.offers[1].zone.departments == ("57",)


def test_version_one_states_no_kind_but_by_network(publisher: Publisher, tmp_path: Path) -> None:
    """As the public code of data.inclusion has them in August 2026 (inclusion_data/v1/models.py)."""
    structures = (("Groupement", ["geiq"]), ("Garage", ["siae"]), ("ESAT du Test", None))
    publisher.inclusion["structures"] = [
        published("inclusion v1", id=f"dora--{n}", siret=siret(n), nom=name, reseaux_porteurs=networks)
        for n, (name, networks) in enumerate(structures)
    ]
    zones_published = (["57463"], ["57", "54"], ["france"], ["200039865"], None)
    publisher.inclusion["services"] = [
        published("inclusion v1 service", id=f"dora--s{n}", nom=f"Garage {n}", zone_eligibilite=zone)
        for n, zone in enumerate(zones_published)
    ]
    inclusion.inclusion(tmp_path)
    found = {s.siret: s for s in read(tmp_path)}
    assert [found[siret(n)].kind for n in range(3)] == ["GEIQ", "", "ESAT"]
    assert found[siret(1)].networks == ("siae",) and found[siret(1)].email == "a@x.example"
    zones = [offer.zone for offer in found[siret(1)].offers[1:]]
    assert [z.departments if z else None for z in zones] == [("57",), ("57", "54"), (), (), None]
    assert zones[2] is not None and zones[2].country
    assert zones[3] is not None and zones[3].groupings == ("200039865",)


def test_objects_of_associations_come_by_rna_number(publisher: Publisher, tmp_path: Path) -> None:
    ids = [f"W57000{n:04d}" for n in range(30)]
    publisher.announcements = [published("announcement", id=one, numero_rna=one) for one in ids]
    numbers = {f"W57000{n:04d}": f"{n:09d}" for n in range(25)} | {"X1": "000000001"}
    report = associations.associations(tmp_path, numbers)
    assert (report.records, len(publisher.asked)) == (25, 2)
    assert "1 RNA numbers" in report.notes[0]
    assert {row["siren"] for row in rows(tmp_path / "pages")} == set(list(numbers.values())[:25])
    assert associations.associations(tmp_path, numbers).unchanged == 2


ESTABLISHMENT = (
    "structureet;{finess};570000001;ESAT L'ÉRABLE {n};;;;1;R;DU TEST;;;463;57;MOSELLE;57000 METZ;387000000;;{category};Libellé;"
    "4354;Agrégat;{siret};8810C;34;Libellé;9;;1980-01-01;1980-01-01;2025-03-04;"
)


def extract(count: int) -> bytes:
    lines = ["finess;etalab;100;2025-05-12"]
    lines += [
        ESTABLISHMENT.format(finess=f"57{n:07d}", n=n, category=246 if n % 2 else 500, siret=siret(n))
        for n in range(count)
    ]
    return "\n".join([*lines, "geolocalisation;570000001;931000.0;6897000.0;x;y;2025-05-12"]).encode("cp1252")


def test_esat_of_finess_with_their_places(publisher: Publisher, tmp_path: Path) -> None:
    publisher.files["/finess.csv"] = extract(20)
    equipment = ["finess;etalab;1;2025-05-12", "structureet;570000001;570000009"]
    for deleted, places in (("N", 40), ("N", 12), ("O", 99)):
        cells = ["equipementsocial;570000001;908;;13;;110;;A", str(places), ";;;;", deleted]
        equipment.append(";".join(cells))
    publisher.files["/places.csv"] = "\n".join(equipment).encode("cp1252")
    assert finess.finess(tmp_path).records == 10 + 3
    found = [s for s in files.read([tmp_path / "finess.csv"]) if isinstance(s, Structure)]
    assert len(found) == 10
    one = found[0]
    expected = ("ESAT L'ÉRABLE 1", "ESAT", "03 87 00 00 00", "57463")
    assert (one.name, one.kind, one.phone, one.place.commune) == expected
    assert (one.headcount, found[1].headcount) == (52.0, None)
    # a file of another form, or one with a tenth of the lines, takes nothing away
    for broken in (b"<html>moved</html>", extract(3)):
        publisher.files["/finess.csv"] = broken
        with pytest.raises(Unreachable, match="those are kept"):
            finess.finess(tmp_path)
        assert len([s for s in files.read([tmp_path / "finess.csv"]) if isinstance(s, Structure)]) == 10


def test_a_table_made_of_finess_gives_places_as_headcount(tmp_path: Path) -> None:
    table = tmp_path / "esat.csv"
    table.write_text(
        "siret,finess_et,denomination,gestionnaire,adresse,code_postal,code_insee,commune,departement,places\n"
        f"{siret(7)},570000007,LES ÉRABLES,ADAPEI D'ESSAI,1 RUE DU TEST,57000,57463,Metz,57,66\n"
        f"{siret(7)},570000008,LES ÉRABLES (ANNEXE),ADAPEI D'ESSAI,2 RUE DU TEST,57000,57463,Metz,57,4\n",
        "utf-8",
    )
    (one,) = [s for s in files.read([table]) if isinstance(s, Structure)]
    assert (one.kind, one.headcount, one.place.commune) == ("ESAT", 70.0, "57463")
    assert "places" in one.provenance["headcount"]


def test_the_list_of_adapted_firms(publisher: Publisher, tmp_path: Path, monkeypatch: MonkeyPatch) -> None:
    """The newest table of a dataset."""
    days = {"/old.csv": "2025-01-01", "/ea.csv": "2025-11-01", "/note.pdf": "2025-12-01", "/first.csv": None}
    listed = [{"url": publisher.url + path, "last_modified": day} for path, day in days.items()]
    publisher.files["/api/datasets/ea/"] = json.dumps({"resources": [*listed, None]}).encode()
    monkeypatch.setenv("MATCHER_ADAPTEES_URL", f"{publisher.url}/api/datasets/ea/")
    head = "N° SIRET;Raison sociale;Commune;Code postal;Téléphone\n"
    rows = "".join(f"{siret(n)};Adaptée {n};Metz;57000;0387000000\n" for n in range(4))
    publisher.files["/ea.csv"] = f"{head}{rows}".encode("cp1252")
    assert adaptees.adaptees(tmp_path).records == 4
    found = [s for s in files.read([tmp_path]) if isinstance(s, Structure)]
    assert len(found) == 4
    assert {(s.kind, s.place.department) for s in found} == {("EA", "57")}


def test_awards_by_rows_of_one_department(publisher: Publisher, tmp_path: Path) -> None:
    publisher.rows = [
        published("decp api row", __id=n, uid=f"u{n}", id=f"{n}", titulaire_id=siret(n), titulaire_nom="T")
        | {"montant": 1000.0 + n, "acheteur_departement_code": "57" if n < 450 else "54"}
        for n in range(460)
    ]
    report = decp.rows(tmp_path, ["57"], date(2025, 1, 1))
    assert report.records == 450
    assert publisher.asked[0][1]["dateNotification__greater"] == "2025-01-01"
    awards = [record for record in files.read([tmp_path / "pages"]) if isinstance(record, Award)]
    assert len(awards) == 450
    assert awards[0].holders[0].id == siret(0)


def test_an_object_becomes_offers_of_what_it_does_and_nothing_of_what_it_is_for(tmp_path: Path) -> None:
    table = tmp_path / "rna_waldec.csv"
    table.write_text(
        '"id";"siret";"titre";"objet";"adrs_codepostal"\n'
        '"W570000001";"00000000100012";"A";"favoriser l\'insertion de personnes en difficulté par des ateliers de couture, de retouche et de confection";"57000"\n'
        '"W570000002";"00000000200012";"B";"animer la vie du quartier et resserrer les liens entre voisins";"57000"\n',
        "utf-8",
    )
    (one,) = [s for s in files.read([table]) if isinstance(s, Structure)]
    assert (one.siret, one.name, one.rna) == ("000000001", "", "W570000001")
    assert {offer.sectors[0] for offer in one.offers} <= {"textile et couture"}
    assert all(offer.inferred and "insertion" in offer.evidence for offer in one.offers)
