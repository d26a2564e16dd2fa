"""Contracts that end, by the API, the page and the terminal."""

import json
import shutil
from datetime import date, timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from service.app import create_app

from matcher.domain import Award, Buyer, Holder, Place
from matcher.reading import gather
from pages_client import SIRET as GARDEN
from serving import settings_of
from terminal import command

CLEAN = "00010007300014"  # of the sample, in Montreuil


@pytest.fixture(scope="module")
def folder(plain_sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample with two contracts that end within the year, of two towns and two trades."""
    made = tmp_path_factory.mktemp("renewals") / "catalogue"
    shutil.copytree(plain_sample, made)
    ended, place = date.today() - timedelta(days=3 * 365), Place(postcode="93500", department="93")
    facts = {"place": place, "notified": ended, "duration_months": 48.0}
    of = {"holders": (Holder(id="00010099900010", name="Jardins"),), "cpv": "77310000"}
    pantin, paris = (Buyer(id=id, name=name) for id, name in (("21930055900016", "Pantin"), ("2", "Paris")))
    gardens = Award(uid="1", title="Entretien des espaces verts <b>", buyer=pantin, **of, **facts)
    offices = Award(uid="2", title="Nettoyage des écoles", cpv="90910000", buyer=paris, **facts)
    gather.save_contracts([gardens, offices], made)
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
        shown = service.get("/renouvellements?acheteur=219300559", headers=page).text
        assert "Jardins" in shown and "&lt;b&gt;" in shown and "Nettoyage des écoles" not in shown
        assert "Aucun contrat connu" in service.get("/renouvellements?departement=13", headers=page).text


def test_in_the_terminal(folder: Path) -> None:
    done = command("renewals", "--catalogue", str(folder), "--siret", GARDEN, "--format", "jsonl")
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert [one["title"] for one in found] == ["Entretien des espaces verts <b>"]
