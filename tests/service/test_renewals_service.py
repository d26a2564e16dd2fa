"""Contracts that end, by the API, the page and the terminal."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from service.app import create_app
from service.settings import Settings
from typer.testing import CliRunner

from matcher.catalogue.build import build_catalogue
from matcher.catalogue.files import save_catalogue
from matcher.cli import build
from matcher.domain import Award, Buyer, Holder, Offer, Place, Structure
from matcher.matching import recipes
from matcher.reading import gather

PANTIN = Place(
    commune="93055", postcode="93500", label="Pantin", department="93", latitude=48.89, longitude=2.41
)
GARDEN, CLEAN = "00010001600013", "00010073500018"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("renewals") / "catalogue"
    listed = [
        Structure(siret=siret, name=name, kind="EI", place=PANTIN, offers=(Offer(id=siret, title=offer),))
        for siret, name, offer in (
            (GARDEN, "Les Allées", "Entretien des espaces verts"),
            (CLEAN, "Net", "Nettoyage de bureaux"),
        )
    ]
    save_catalogue(build_catalogue(listed, [], recipes.named("default")), made)
    ended = date.today() - timedelta(days=3 * 365)
    gather.save_contracts([
        Award(uid="1", title="Entretien des espaces verts <b>", cpv="77310000", place=PANTIN, notified=ended, duration_months=48.0,
              buyer=Buyer(id="21930055900016", name="Pantin"), holders=(Holder(id="00010099900010", name="Jardins"),)),
        Award(uid="2", title="Nettoyage des écoles", cpv="90910000", place=PANTIN, notified=ended, duration_months=48.0,
              buyer=Buyer(id="21750001600019", name="Paris")),
    ], made)  # fmt: skip
    return made


def test_by_buyer_and_by_the_trade_of_a_structure(folder: Path, tmp_path: Path) -> None:
    given = Settings(catalogue=folder, store=f"sqlite:///{tmp_path / 's.sqlite'}", log_level="ERROR")
    with TestClient(create_app(given)) as service:
        assert service.get("/v1/renewals").json()["total"] == 2
        (one,) = service.get("/v1/renewals", params={"buyer": "219300559"}).json()["items"]
        assert one["holders"] == [{"siret": "00010099900010", "name": "Jardins"}] and one["buyer"] == "Pantin"
        (mine,) = service.get("/v1/renewals", params={"siret": CLEAN}).json()["items"]
        assert mine["title"] == "Nettoyage des écoles"
        assert service.get("/v1/renewals", params={"buyer": "x"}).status_code == 422
        page = service.get(
            "/renouvellements", params={"acheteur": "219300559"}, headers={"accept": "text/html"}
        ).text
        assert "Jardins" in page and "&lt;b&gt;" in page and "Nettoyage des écoles" not in page
        empty = service.get(
            "/renouvellements", params={"departement": "13"}, headers={"accept": "text/html"}
        ).text
        assert "Aucun contrat connu" in empty


def test_in_the_terminal(folder: Path) -> None:
    asked = ["renewals", "--catalogue", str(folder), "--siret", GARDEN, "--format", "jsonl"]
    done = CliRunner().invoke(build(), asked)
    assert done.exit_code == 0, done.output
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert [one["title"] for one in found] == ["Entretien des espaces verts <b>"]
