"""The exchange and the leads over HTTP: who completes whom, who saw what, who owes hours and could be asked."""

import html
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from service.app import create_app
from sqlalchemy import select

from matcher.records import keys, self_declared
from matcher.records.store import now
from matcher.records.tables import Letter
from pages_client import holding, token
from serving import settings_of

SAMPLE = Path(__file__).parents[2] / "data" / "sample"
NOTICE = "26-130101"
GARDEN, CLEAN = "00010001600013", "00010002400017"


Heads = dict[str, dict[str, str]]


@pytest.fixture(scope="module")
def client(plain_sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with TestClient(create_app(settings_of(plain_sample, tmp_path_factory.mktemp("exchange")))) as client:
        yield client


@pytest.fixture(scope="module")
def heads(client: TestClient) -> Heads:
    scopes = {"garden": f"structure:{GARDEN}", "clean": f"structure:{CLEAN}", "buyer": "buyer"}
    return {name: holding(client, scope) for name, scope in scopes.items()}


def declare(client: TestClient, head: dict[str, str], siret: str, **facts: object) -> str:
    until = (now() + timedelta(days=30)).isoformat()
    body = {"siret": siret, "notice_id": NOTICE, "deadline": until, **facts}
    answer = client.post("/v1/exchange", json=body, headers=head)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def test_two_who_complete_each_other_are_suggested_to_each_other(client: TestClient, heads: Heads) -> None:
    said = {"brings": "tonte", "seeks": "nettoyage des locaux", "contact": "a@jardins.example"}
    mine = declare(client, heads["garden"], GARDEN, **said)
    theirs = declare(client, heads["clean"], CLEAN, brings="nettoyage de bureaux", seeks="espaces verts")
    asked = {"siret": GARDEN, "notice_id": NOTICE, "reach_km": 1500}
    found = client.get("/v1/exchange/suggestions", params=asked, headers=heads["garden"]).json()
    assert [one["offer"]["id"] for one in found] == [theirs] and found[0]["reasons"]
    seen = client.get(f"/v1/exchange/{mine}/contact", headers=heads["clean"]).json()
    assert seen["contact"] == said["contact"]
    seen = client.get(f"/v1/exchange/{mine}/viewers", headers=heads["garden"]).json()
    assert {"contact"} <= {view["kind"] for view in seen}
    # one's own alone; nothing to a buyer that was not chosen; the address goes when its owner says so
    assert client.get(f"/v1/exchange/{mine}/viewers", headers=heads["clean"]).status_code == 404
    assert client.get("/v1/exchange", headers=heads["buyer"]).json() == []
    assert client.delete(f"/v1/exchange/{mine}/contact", headers=heads["clean"]).status_code == 404
    assert client.delete(f"/v1/exchange/{mine}/contact", headers=heads["garden"]).status_code == 204
    assert client.get(f"/v1/exchange/{mine}/contact", headers=heads["clean"]).status_code == 404


def test_what_is_declared_is_mailed_agreed_and_undone(client: TestClient, heads: Heads) -> None:
    unknown = {"siret": GARDEN, "notice_id": "x-1", "brings": "tonte"}
    assert client.post("/v1/exchange", json=unknown, headers=heads["garden"]).status_code == 404
    theirs = declare(client, heads["clean"], CLEAN, brings="nettoyage de bureaux", seeks="espaces verts")
    store = client.app.state.store  # type: ignore[attr-defined]
    self_declared.write(store, CLEAN, {"email": "moi@propre.example"}, CLEAN)
    shown = {"seeks": "nettoyage", "contact": "nous@ex.example"}
    mine = declare(client, heads["garden"], GARDEN, brings="tonte", buyer_may_see=True, **shown)
    letters = store.ask(select(Letter.siret, Letter.address).where(Letter.record_id == mine)).all()
    assert (CLEAN, "moi@propre.example") in letters and all("@" in str(address) for _, address in letters)
    assert client.get("/v1/exchange", headers=heads["buyer"]).json() == []  # not the buyer of this notice
    agreed = ("garden", mine, theirs, "mandataire"), ("clean", theirs, mine, "sous-traitant")
    for who, one, to, role in agreed:
        said = {"other": to, "role": role, "part": role}
        client.post(f"/v1/exchange/{one}/agreement", json=said, headers=heads[who])
        page = client.get(f"/structure/{CLEAN}/bourse", headers=heads["clean"]).text
        assert ("accorde avec vous" in page) is (who == "garden")  # until it says its own
        others = page.partition('id="autres"')[2]
        assert "Les Sentiers de l'Ourcq" in html.unescape(others) and "nous@ex.example" not in others
    form = {"csrf": token(client.get("/connexion").text), "faire": "contact"}
    asked = client.post(f"/structure/{CLEAN}/bourse/{mine}", data=form, headers=heads["clean"])
    assert "nous@ex.example" in asked.text
    assert client.get(f"/structure/{GARDEN}/bourse", headers=heads["clean"]).status_code == 403
    second = {"other": mine, "role": "mandataire", "part": "tout"}
    refused = client.post(f"/v1/exchange/{theirs}/agreement", json=second, headers=heads["clean"])
    assert refused.status_code == 422 and "déjà un mandataire" in refused.json()["detail"]
    group = client.get(f"/v1/exchange/{mine}/group", headers=heads["garden"]).json()
    assert [(m["siret"], m["role"]) for m in group] == [(GARDEN, "mandataire"), (CLEAN, "sous-traitant")]
    sheet = f"/structure/{GARDEN}/bourse/{mine}/groupement.txt"
    told = client.get(sheet, headers=heads["garden"])
    assert told.headers["content-disposition"].startswith("attachment")
    assert "Mandataire : " in told.text and GARDEN in told.text and CLEAN in told.text
    assert client.get(sheet, headers=heads["clean"]).status_code == 403
    town = client.app.state.serving.current.notice(NOTICE).buyer.id  # type: ignore[attr-defined]
    buys = {"X-API-Key": keys.create(store, ["buyer", f"structure:{town}"])}
    for head, seen in ((buys, True), (heads["buyer"], False)):
        page = client.get("/acheteur/bourse", params={"avis": NOTICE}, headers=head)
        assert page.status_code == 200 and ("tonte" in page.text) is seen
    assert client.delete(f"/v1/exchange/{mine}", headers=heads["garden"]).status_code == 204
    letters = store.ask(select(Letter.id).where(Letter.siret == CLEAN, Letter.record_id == mine)).all()
    assert len(letters) == 3  # of what is declared, of the agreement, and that it is withdrawn
    assert client.get(sheet, headers=heads["garden"]).status_code == 404
    assert client.get(f"/v1/exchange/{theirs}/group", headers=heads["clean"]).json() == []


def test_a_message_is_mailed_and_hours_are_entered_on_a_page(client: TestClient, heads: Heads) -> None:
    store = client.app.state.store  # type: ignore[attr-defined]
    self_declared.write(store, GARDEN, {"email": "jardins@jardins.example"}, GARDEN)
    mine = declare(client, heads["garden"], GARDEN, brings="tonte")
    asked = {"siret": CLEAN, "text": "Prenez-vous les vitres ?"}
    assert client.post(f"/v1/exchange/{mine}/messages", json=asked, headers=heads["clean"]).status_code == 200
    assert client.post(f"/v1/exchange/{mine}/messages", json=asked, headers=heads["buyer"]).status_code == 403
    told = store.ask(select(Letter.address).where(Letter.record_id == mine)).scalars().all()
    assert "jardins@jardins.example" in told
    page = client.get(f"/structure/{GARDEN}/bourse", headers=heads["garden"]).text
    assert "Prenez-vous les vitres" in page and "Répondre" in page
    page = client.get("/heures", headers=heads["garden"]).text
    csrf = re.search(r'name="csrf" value="([^"]*)"', page)
    assert csrf and NOTICE in page
    line = {"csrf": csrf[1], "contract": NOTICE, "month": "05/2026", "category": "rsa", "hours": "1 200"}
    line |= {"promised": "1000"}
    told = client.post("/heures", data=line, headers=heads["garden"])
    shown = re.sub(r"[\u00a0\u202f]", " ", told.text)
    assert told.status_code == 200 and "(120 %)" in shown and "allocataires du RSA" in shown
    wrong = client.post("/heures", data={**line, "hours": "peu"}, headers=heads["garden"])
    assert "heures illisibles" in wrong.text.lower()
    table = client.get("/heures?forme=csv", headers=heads["garden"])
    assert table.headers["content-disposition"].startswith("attachment")
    assert f"{NOTICE},{GARDEN},2026-05" in table.text
    assert GARDEN not in client.get("/heures?forme=csv", headers=heads["clean"]).text


def test_leads_of_a_notice_name_firms_and_structures(client: TestClient) -> None:
    notice = (SAMPLE / "eforms" / "2026-etat-renovation.xml").read_text(encoding="utf-8")
    answer = client.post("/v1/leads", json={"notice": notice}).json()
    assert all(one["case"] for one in answer["leads"]) and any(one["carriers"] for one in answer["leads"])
    assert {w["article"] for one in answer["leads"] for w in one["warnings"]} >= {"L2112-2"}
    assert client.post("/v1/leads", json={}).status_code == 422
    assert client.post("/v1/leads", json={"notice": "rien"}).status_code == 422
    assert client.post("/v1/leads", json={"notice_id": "inconnu"}).status_code == 404
