"""The desk over HTTP: every figure with its source, needs of buyers kept from others, errors that tell the remedy; contracts that end."""

import html
import io
import json
import re
import shutil
import tempfile
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
import openpyxl
import pytest
from fastapi.testclient import TestClient
from service.app import create_app
from service.page import territory

from matcher.catalogue.build import build_catalogue
from matcher.domain import Award, Buyer, Holder, Place, Recipe
from matcher.reading import gather
from pages_client import SIRET as GARDEN
from pages_client import holding
from serving import indexed, settings_of
from terminal import command

LEDGER = "SIRET;montant;année\n00010001600013;1200,50;2026\n".encode()
WON = Award(
    uid="w1", title="Entretien des espaces verts du cimetière", buyer=Buyer(name="Ville de Pantin"), cpv="77310000",
    holders=(Holder(id="00010001600013", name="Les Jardins"),), place=Place(department="93"), amount=48_000.0,
    notified=date(2025, 3, 1), duration_months=36, offers_received=4, social=("Marché réservé",),
)  # fmt: skip
SAMPLE = Path(__file__).parents[2] / "data" / "sample"
DAY = {
    "theme": "espaces verts", "place": "93100", "on": "2026-12-15", "slots": "6", "invite": "6",
    "buyers": "acheteur;besoin\nVille A;tonte\nVille B;nettoyage",
}  # fmt: skip


@pytest.fixture(scope="module")
def client(sample: gather.Gathered, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    home = tmp_path_factory.mktemp("desk-service")
    hashed = build_catalogue(sample.structures, sample.awards, Recipe(encoder="hashing"))
    folder = indexed(home, hashed, sample) / "catalogue"
    gather.save_contracts([WON], folder)
    with TestClient(create_app(settings_of(folder, home))) as client:
        yield client


@pytest.fixture(scope="module")
def head(client: TestClient) -> dict[str, str]:
    """A buyer's."""
    return holding(client, "buyer")


def workbook(answer: httpx.Response) -> Any:
    return openpyxl.load_workbook(io.BytesIO(answer.content))


def test_the_map_in_every_shape_has_its_source(client: TestClient) -> None:
    answer = client.get("/v1/territory/map", params={"region": "11"}).json()
    assert len(answer["result"]["zones"]) == 8 and "structures (" in answer["sources"][0] and answer["on"]
    assert client.get("/v1/territory/map.svg").headers["content-type"].startswith("image/svg")
    assert "structures (" in client.get("/v1/territory/map.csv").text
    assert "Zones où les structures manquent" in client.get("/v1/territory/map.html").text
    book = workbook(client.get("/v1/territory/map.xlsx", params={"trade": "nettoyage"}))
    assert book["Carte"].max_row == 9, "the filter is kept"
    assert len(client.get("/v1/territory/map.geojson", params={"department": "93"}).json()["features"]) >= 1
    assert client.get("/v1/territory/map", params={"department": "99"}).status_code == 422


def test_potential_hours_and_oeth_answer_with_reasons(client: TestClient) -> None:
    need = {"need": "entretien des espaces verts", "place": "93100", "amount": 30000}
    answer = client.post("/v1/territory/potential", json=need).json()
    advice = answer["result"]["lots"][0]["advised"]["first"]
    assert advice["code"] == "direct" and advice["reasons"] and "Facilitateur" in answer["facilitator"]
    asked = {"need": "nettoyage", "amount": 1000, "labour": 0.5, "hourly_cost": 25}
    worked = client.post("/v1/territory/hours", json=asked).json()
    assert worked["result"]["worked"] == 20.0
    refused = client.post("/v1/territory/oeth", json={"purchase": 20000})
    assert refused.status_code == 422 and "taux d'emploi" in refused.json()["detail"]
    effect = {**need, "place": "78200", "rate": 0.025}  # its effect is told next to the advice
    (lot,) = client.post("/v1/territory/potential", json=effect).json()["result"]["lots"]
    assert lot["advised"]["oeth"]["code"] == "oeth"
    typed = {**need, "rate": "2,5"}
    assert "OETH" in client.post("/territoire/potentiel", data=typed).text
    assert client.post("/territoire/potentiel", data={**typed, "rate": "beaucoup"}).status_code == 422


def test_a_meeting_is_for_buyers_and_comes_as_a_workbook(client: TestClient, head: dict[str, str]) -> None:
    body = {"theme": "propreté", "place": "93100", "on": "2026-12-15", "slots": 4, "invite": 4}
    body |= {"buyers": [{"name": "Ville A", "needs": ["nettoyage secret"]}]}
    assert client.post("/v1/territory/meeting", json=body).status_code in (401, 403)
    answer = client.post("/v1/territory/meeting", json=body, headers=head)
    assert answer.status_code == 200 and len(answer.json()["result"]["appointments"]) == 4
    assert "secret" not in answer.text
    book = workbook(client.post("/v1/territory/meeting?as=xlsx", json=body, headers=head))
    assert book.sheetnames == ["Rendez-vous", "Invitations", "Présentations", "Sources"]


def test_a_report_is_made_of_uploaded_files(client: TestClient, head: dict[str, str]) -> None:
    decp = (SAMPLE / "decp_2024.json").read_bytes()
    answer = client.post("/v1/territory/report", files={"awards": ("decp_2024.json", decp)}, headers=head)
    assert answer.status_code == 200
    groups = {line["key"] for line in answer.json()["result"]["tables"]["cible"]}
    assert groups == {"SIAE", "EA", "ESAT", "ESUS"}
    bad = client.post("/v1/territory/report", files={"books": ("livre.csv", b"a,b\n1,2\n")}, headers=head)
    assert bad.status_code == 422 and tempfile.gettempdir() not in bad.text


def test_the_page_shows_the_map_and_advises(client: TestClient) -> None:
    assert client.get("/territoire").text.count('class="door"') == 7
    page = client.get("/territoire/carte", headers={"accept": "text/html"})
    assert page.status_code == 200 and "<svg" in page.text and "Sources, et ce qui" in page.text
    assert "structures.csv" not in page.text
    for asked, shown in (("departement=35", "Bretagne"), ("region=53&departement=93", "Bretagne")):
        chosen = client.get(f"/territoire/carte?{asked}").text
        assert f"selected>{shown}<" in chosen and "selected>Seine-Saint-Denis<" not in chosen
    need = {"need": "entretien des espaces verts", "place": "93100", "amount": "30 000", "like": "0"}
    studied = client.post("/territoire/potentiel", data=need)
    assert studied.status_code == 200 and "en demandant des devis" in studied.text
    assert "Ce que la loi demande, quelle que soit la voie" in studied.text
    assert client.get(studied.url.path).status_code == 200  # the address can be sent to a colleague
    wrong = client.post("/territoire/potentiel", data={"need": "nettoyage", "place": "Zzyzx"})
    assert wrong.status_code == 422 and "Zzyzx" in wrong.text


def test_every_answer_names_the_facilitator(client: TestClient, head: dict[str, str]) -> None:
    made = client.get("/v1/territory/map", params={"department": "93"}).json()
    assert made["facilitator"] == made["result"]["zones"][0]["facilitator"]
    assert "sur la page des facilitateurs" in made["facilitator"]
    answers = [
        client.post("/v1/territory/potential", json={"need": "nettoyage", "place": "93100"}),
        client.post("/v1/territory/hours", json={"need": "peinture", "amount": 90000, "place": "93100"}),
        client.post("/v1/territory/oeth", json={"purchase": 1000, "rate": 0.02, "place": "93100"}),
        client.get("/v1/territory/facilitators", params={"place": "93100"}),
        client.post("/v1/territory/report", files={"books": ("livre.csv", LEDGER)}, headers=head),
    ]
    for answer in answers:
        assert answer.status_code == 200 and "Facilitateur" in answer.json()["facilitator"], answer.text[:300]
    nowhere = client.post("/v1/territory/oeth", json={"purchase": 1000, "rate": 0.02}).json()
    assert "donnez le lieu" in nowhere["facilitator"]
    for path in ("/territoire/carte", "/v1/territory/map.html"):
        assert "Facilitateur" in client.get(path).text
    none = client.get("/territoire/facilitateurs", params={"lieu": "93100"}).text.replace("’", "'")
    assert "aucun n'est connu pour Montreuil" in none


def test_who_holds_a_buyer_key_makes_a_day_and_a_report(client: TestClient, head: dict[str, str]) -> None:
    assert client.post("/territoire/rencontre", data=DAY).status_code in (401, 403)
    made = client.post("/territoire/rencontre", data=DAY, headers=head)
    assert made.status_code == 200 and "Rendez-vous" in made.text and "Facilitateur" in made.text
    book = client.post("/territoire/rencontre", data={**DAY, "shape": "xlsx"}, headers=head)
    assert workbook(book).sheetnames[0] == "Rendez-vous"
    wrong = client.post("/territoire/rencontre", data={**DAY, "buyers": "rien"}, headers=head)
    assert wrong.status_code == 422 and "acheteur, besoin" in wrong.text
    assert tempfile.gettempdir() not in wrong.text
    example = territory.DAY | {"first": "10:00"}  # as « Remplir avec un exemple » fills the form
    assert "Rendez-vous" in client.post("/territoire/rencontre", data=example, headers=head).text
    many = client.post("/territoire/rencontre", data={**DAY, "slots": "x", "invite": "999"}, headers=head)
    linked = re.findall(r'<a href="#(\w+)">([^<:]+)', many.text)
    assert [(name, words.strip("\xa0 ")) for name, words in linked] == [("slots", "Créneaux"), ("invite", "Structures à inviter")]  # fmt: skip
    sent = client.post("/territoire/rapport", files={"book": ("livre.csv", LEDGER)}, headers=head)
    assert sent.status_code == 200 and "Par type" in sent.text and "Facilitateur" in sent.text
    # its styles and the colours of its charts apply, no command is shown, nothing runs
    for printed in (made, sent):
        policy = printed.headers["content-security-policy"]
        assert "style-src 'unsafe-inline'" in policy and "script" not in policy
        assert "matcher facil" not in printed.text
    assert client.post("/territoire/rapport", data={"buyer": ""}, headers=head).status_code == 422


def test_past_contracts_of_the_trade_there_are_told_with_who_won(client: TestClient) -> None:
    asked = {"need": "tonte et entretien des espaces verts", "place": "93100", "amount": "30 000"}
    page = html.unescape(client.post("/territoire/potentiel", data=asked).text)
    told = page[page.index("Marchés passés semblables") :]
    assert WON.title in told and "Les Jardins" in told and "4 offres, réservé" in told
    for need, place in (("tonte et entretien des espaces verts", "75012"), ("nettoyage de bureaux", "93100")):
        result = client.post("/v1/territory/potential", json={"need": need, "place": place}).json()["result"]
        assert result["past"] == [[]]


def test_a_kept_search_has_a_feed_of_those_to_call(client: TestClient) -> None:
    page = client.get("/acheteur/r/metier:espaces-verts:93")
    offered = client.get(html.unescape(re.findall(r'href="(/acheteur/alerte/[^"]+)"', page.text)[0])).text
    told = client.get(html.unescape(re.findall(r'href="(/acheteur/alerte/[^"]+[.]atom[^"]+)"', offered)[0]))
    assert told.headers["content-type"].startswith("application/atom+xml")
    need = {"need": "espaces verts", "place": "93", "groups": 0}
    (count,) = client.post("/v1/match", json=need).json()["lots"]
    assert count["likely"] and told.text.count("<entry>") == count["likely"]


def test_each_number_of_the_map_opens_the_list_that_it_counts(client: TestClient) -> None:
    for trade in ("nettoyage", "espaces-verts", "collecte-dechets"):
        made = client.get("/v1/territory/map", params={"region": "11", "trade": trade}).json()
        page = client.get(f"/territoire/carte?region=11&metier={trade}&mesure=likely").text
        for cell in made["result"]["cells"]:
            count, address = cell["count"], f"/acheteur/r/metier%3A{trade}%3A{cell['zone']}"
            opened = re.search(rf'<a href="{address}#liste">(\d+)</a>', page)
            assert opened and int(opened[1]) == count["likely"]
            need = {"need": cell["label"], "place": cell["zone"], "n": 100, "groups": 0}
            (listed,) = client.post("/v1/match", json=need).json()["lots"]
            for level in ("likely", "plausible"):
                assert listed[level] == count[level], (trade, cell["zone"])
            assert client.get(address).status_code == 200
    assert client.get("/acheteur/r/metier:magie:93").status_code == 404


def test_a_programme_is_sent_shared_and_comes_back_as_a_workbook(client: TestClient) -> None:
    table = "objet;montant;lieu\nNettoyage des écoles;90000;93100\n;3;\n".encode()
    made = client.post("/territoire/programme", files={"file": ("achats.csv", table)})
    assert made.status_code == 200 and "Nettoyage des écoles" in made.text and "Ligne 3" in made.text
    assert "Nettoyage des écoles" in client.get(made.url.path).text
    book = workbook(client.get(made.url.path, params={"forme": "xlsx"}))
    assert book["Achats"]["C2"].value == "Nettoyage des écoles"
    wrong = client.post("/territoire/programme", files={"file": ("achats.csv", b"a;b\n1;2\n")})
    assert wrong.status_code == 422 and "objet" in wrong.text
    assert client.post("/territoire/programme", data={"text": ""}).status_code == 422


def test_only_the_operator_edits_facilitators_on_the_page(
    client: TestClient, head: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MATCHER_HOME", str(tmp_path))
    typed = {"name": "PLIE Plaine", "territory": "Pantin, Saint-Denis (93)", "trades": "bâtiment"}
    typed |= {"email": "plie@example.org"}
    assert client.post("/territoire/facilitateurs", data=typed, headers=head).status_code == 403
    assert "Ajouter un facilitateur" not in client.get("/territoire/facilitateurs", headers=head).text
    operator = client.get("/territoire/facilitateurs", headers=holding(client, "operator")).text
    assert "Ajouter un facilitateur" in operator and 'name="territory"' in operator


def test_appointments_of_a_day_are_edited_on_the_page(client: TestClient, head: dict[str, str]) -> None:
    form = client.post("/territoire/rencontre", data={**DAY, "shape": "edit"}, headers=head).text
    listed = re.search(r'name="appointments"[^>]*>([^<]+)<', form)
    assert listed is not None
    lines = html.unescape(listed[1]).split("\n")
    fewer, again = ({**DAY, "appointments": "\n".join(each)} for each in (lines[:-1], [*lines, lines[-1]]))
    made = client.post("/territoire/rencontre", data=fewer, headers=head)
    assert made.status_code == 200 and "modifié à la main" in made.text
    twice = client.post("/territoire/rencontre", data=again, headers=head)
    assert twice.status_code == 422 and "a déjà un rendez-vous" in twice.text


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
