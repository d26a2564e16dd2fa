"""Contracts that end, by the API, the page and the terminal."""

import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from service.app import create_app

from matcher.catalogue.build import build_catalogue
from matcher.catalogue.files import save_catalogue
from matcher.domain import Award, Buyer, Holder, Offer, Place, Structure
from matcher.matching import recipes
from matcher.reading import gather
from pages_client import OTHER as CLEAN
from pages_client import SIRET as GARDEN
from serving import settings_of
from terminal import command

PANTIN = Place(
    commune="93055", postcode="93500", department="93", latitude=48.89, longitude=2.41, label="Pantin"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("renewals") / "catalogue"
    hedges = Structure(siret=GARDEN, name="Les Allées", kind="EI", place=PANTIN)
    hedges = replace(hedges, offers=(Offer(id="1", title="Entretien des espaces verts"),))
    clean = replace(hedges, siret=CLEAN, name="Net", offers=(Offer(id="2", title="Nettoyage de bureaux"),))
    save_catalogue(build_catalogue([hedges, clean], [], recipes.named("default")), made)
    ended = date.today() - timedelta(days=3 * 365)
    gardens = Award(
        uid="1", title="Entretien des espaces verts <b>", cpv="77310000", place=PANTIN, notified=ended
    )
    buyer, holder = Buyer(id="21930055900016", name="Pantin"), Holder(id="00010099900010", name="Jardins")
    gardens = replace(gardens, duration_months=48.0, buyer=buyer, holders=(holder,))
    offices = replace(gardens, uid="2", title="Nettoyage des écoles", cpv="90910000", holders=())
    paris = Buyer(id="21750001600019", name="Paris")
    gather.save_contracts([gardens, replace(offices, buyer=paris)], made)
    return made


def test_by_buyer_and_by_the_trade_of_a_structure(folder: Path, tmp_path: Path) -> None:
    page = {"accept": "text/html"}
    with TestClient(create_app(settings_of(folder, tmp_path))) as service:
        assert service.get("/v1/renewals").json()["total"] == 2
        (one,) = service.get("/v1/renewals", params={"buyer": "219300559"}).json()["items"]
        assert one["holders"] == [{"siret": "00010099900010", "name": "Jardins"}] and one["buyer"] == "Pantin"
        (mine,) = service.get("/v1/renewals", params={"siret": CLEAN}).json()["items"]
        assert mine["title"] == "Nettoyage des écoles"
        (named,) = service.get("/v1/renewals", params={"buyer": "pantin"}).json()["items"]
        assert named == one and not service.get("/v1/renewals", params={"buyer": "x"}).json()["total"]
        misspelt = service.get("/v1/renewals", params={"buyer": "pantain"}).json()
        assert (misspelt["items"], misspelt["read_as"]) == ([one], "pantin")
        shown = service.get("/renouvellements?acheteur=219300559", headers=page).text
        assert "Jardins" in shown and "&lt;b&gt;" in shown and "Nettoyage des écoles" not in shown
        assert "Aucun contrat connu" in service.get("/renouvellements?departement=13", headers=page).text


def test_in_the_terminal(folder: Path) -> None:
    done = command("renewals", "--catalogue", str(folder), "--siret", GARDEN, "--format", "jsonl")
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert [one["title"] for one in found] == ["Entretien des espaces verts <b>"]
