"""The pages as a visitor meets them: three journeys, rights, inert texts; in a real browser where there is one."""

import io
import re
from typing import Any
from urllib.parse import quote, unquote

import pytest
from fastapi.testclient import TestClient
from service.app import create_app
from service.page import render
from service.settings import Settings
from sqlalchemy import select, update

import pages_client
from matcher.domain import Filters
from matcher.matching.engine import Matcher
from matcher.outreach.sourcing import record as record_
from matcher.outreach.sourcing.record import keep, read, replay
from matcher.reading.need import free_text_tender
from matcher.records import keys, personal
from matcher.records.store import Store
from matcher.records.tables import SourcingEvent
from matcher.reference.deadline import TooLong
from pages_client import NASTY, OTHER, SIRET, PagesClient, exported, holding, kept, reference, signed_in


def test_hostile_texts_come_out_inert(page: TestClient) -> None:
    import openpyxl

    address = kept(page, need=f"{NASTY} taille de haies", place="Pantin")
    results = page.post("/acheteur", data={"need": f"taille de haies à Pantin {NASTY}"}).text
    assert len(results) < 120_000
    for text in (results, page.get(f"/structure/{pages_client.HOSTILE}").text, page.get(address).text):
        assert "<script>alert" not in text and 'href="javascript' not in text
    for row in exported(page, address):
        assert not any(cell.startswith(("=", "+", "-", "@")) for cell in row.values())
    book = openpyxl.load_workbook(io.BytesIO(page.get(address + "/export.xlsx").content))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert any(str(cell.value).startswith(NASTY) for cell in cells)
    assert not any(cell.data_type == "f" for cell in cells)


def test_a_quotation_that_is_cut_is_closed() -> None:
    assert render.short("selon sa fiche, « tonte et taille de haies »", 30) == "selon sa fiche, « tonte et… »"
    assert render.short("selon sa fiche, « tonte » et taille de haies", 32) == "selon sa fiche, « tonte » et…"


def test_a_homonym_is_asked_back_and_a_place_shown_with_its_department(page: TestClient) -> None:
    asked = page.post("/acheteur", data={"need": "tonte", "place": "Saint-Denis"})
    assert asked.status_code == 422 and "précisez le département ou le code postal" in asked.text
    assert 'value="Saint-Denis (93)"' in asked.text and 'value="Saint-Denis (974)"' in asked.text
    again = page.post("/acheteur", data={"need": "tonte", "place": "Saint-Denis (93)"})
    assert again.status_code == 200 and "<summary>Saint-Denis (93)<" in again.text
    coded = page.post("/acheteur", data={"need": "tonte, 93200", "place": "Saint-Denis"})
    assert "<summary>Saint-Denis (93)<" in coded.text
    read = page.post("/acheteur", data={"need": "Nettoyage des bureaux à Saint-Denis"}).text
    assert "Plusieurs lieux répondent au nom lu dans votre texte" in read
    assert 'value="Saint-Denis (93)"' in read


def test_a_place_is_shown_as_it_was_understood(page: TestClient) -> None:
    for place, words in {
        "Pantin, Bobigny et Romainville": "Pantin (93), Bobigny (93), Romainville (93)",
        "ile de france": "<summary>Île-de-France<",
        "Plaine Commune": "Plaine Commune",
        "Bleurvile": "compris comme <strong>Bleurville (88)</strong>",
        "nanterre": "Nanterre (92)",
    }.items():
        shown = page.post("/acheteur", data={"need": "tonte", "place": place}).text
        assert words in shown and ("compris comme" in shown) == (place == "Bleurvile"), place


def test_nobody_is_stated_without_blaming_filters_that_are_not_set(page: TestClient) -> None:
    bare = page.post("/acheteur", data={"need": "fourniture d'un appareil d'IRM", "place": "Lille"}).text
    assert "Aucune structure adaptée" in bare and "filtres." not in bare and "L2112-2" in bare
    assert '<li class="row"' not in bare and "structures ont été examinées" in bare
    clause = {"need": "fourniture d'un appareil d'IRM, 5 000 heures d'insertion", "place": "Bobigny"}
    asked = page.post("/acheteur", data=clause).text
    assert "Pour les heures d'insertion" in asked and "Prévoir une clause" not in asked
    clause["need"] = "construction d'une école, gros œuvre, 5 000 heures d'insertion"
    works = page.post("/acheteur", data=clause).text  # who may carry them is named
    assert "Peut porter des heures par mise à disposition de personnel" in works


def test_who_stands_too_far_is_counted_and_not_shown(page: TestClient) -> None:
    far = page.post("/acheteur", data={"need": "tonte et haies", "place": "Auxerre"}).text
    assert "Aucune structure adaptée" in far and '<li class="row"' not in far
    assert re.search(r"[Dd]ans un rayon de \d+ km.* : \d+ structures? de plus", far)


def test_a_list_says_whom_to_call_and_how_many_were_examined(page: TestClient) -> None:
    text = page.post("/acheteur", data={"need": "taille de haies", "place": "Pantin"}).text
    both = page.post("/acheteur", data={"need": "mise sous pli", "place": "Paris"}).text
    said = r"<strong>(\d+) à appeler</strong>(?:, (\d+) à vérifier)?.*?sur (\d+) examinées"
    for shown in (text, both):
        call, check, examined = (int(n or 0) for n in re.findall(said, shown, re.S)[0])
        first, _, folded = shown.partition('<details class="level"')
        assert (first.count('<li class="row"'), folded.count('<li class="row"')) == (call, check)
        assert call and examined > 50
    assert check
    only = page.post("/acheteur", data={"need": "entretien du linge", "place": "Meaux"}).text
    assert "0 à appeler" not in only
    text = page.post("/acheteur", data={"need": "nettoyage de bureaux", "place": "Pantin"}).text
    listed, _, asked = text.partition(" à interroger <span")
    assert "Nouvel Élan" not in listed and "Nouvel Élan" in asked  # nothing tells its trade


def test_the_page_of_a_structure_for_a_need_tells_by_subject_what_is_known(page: TestClient) -> None:
    found = reference(page, need="entretien des espaces verts d'une école", place="Nanterre")
    at = f"/acheteur/r/{found}"
    sheets = re.findall(r'href="(/acheteur/structure/\d+\?de=[^"]+)"', page.get(at).text)
    subjects = ("Pourquoi pour ce besoin", "Contact", "Références", "Zone", "Capacité", "Revenir à la liste")
    for sheet in sheets:
        text = page.get(sheet).text
        figures = text.replace("−", "-").replace(",", ".")
        points = map(float, re.findall(r'"points">(.[\d.]+)<', figures))
        total = float(re.findall(r"exactement : (.\d+\.\d+)", figures)[0])
        assert sum(points) == pytest.approx(total, abs=0.05)
        assert not re.search(r"marchés inconnus|rien de plus à dire|n\.c\.a\.|Améliorez votre fiche", text)
        assert "tel:" in text or "mailto:" in text or "Aucun contact connu" in text
        assert all(subject in text for subject in (*subjects, f'href="{at}"'))
    assert sheets and page.get(f"/acheteur/structure/{pages_client.NAMELESS}?de={found}").status_code == 200


def test_the_seal_tells_a_change_and_outlives_an_erasure(page: TestClient, settings: Settings) -> None:
    address = kept(page)
    identifier = address.rsplit("/", 1)[1]
    store = Store.open(settings.store)
    first = re.findall(r'name="sirets" value="(\d+)"', page.get(address).text)[0]
    personal.erase(store, first)
    text = page.get(address).text
    assert "Chaîne intacte" in text and "à la demande de personnes" in text and first not in text
    with store.writing() as connection:
        third = (SourcingEvent.record_id == identifier, SourcingEvent.number == 3)
        payload = connection.execute(select(SourcingEvent.payload).where(*third)).scalar_one()
        changed = {**payload, "rank": 1, "name": "Un autre"}
        connection.execute(update(SourcingEvent).where(*third).values(payload=changed))
    assert "La chaîne est rompue à l'événement 3" in page.get(address).text
    store.close()


def test_forms_of_another_site_or_session_change_nothing(page: TestClient) -> None:
    found = reference(page, need="pain")
    for forged in ("", "0" * 64):
        assert page.post("/acheteur/fiches", data={"de": found, "csrf": forged}).status_code == 403
    away = {"origin": "https://elsewhere.example"}
    assert page.post("/acheteur/fiches", data={"de": found}, headers=away).status_code == 403


def test_an_unpublished_need_is_in_nobody_elses_answers(page: TestClient) -> None:
    kept(page, need="besoin tout à fait secret de zinguerie à Pantin")
    of_one = (f"/v1/structures/{SIRET}/opportunities", f"/structure/{SIRET}")
    for at in (*of_one, "/v1/notices", "/v1/exposure", "/exploitant", "/"):
        text = page.get(at).text
        assert "secret" not in text and "Besoin non publié" not in text
    assert page.get("/v1/notices/secret-1").status_code == 404


def test_a_structure_edits_itself_alone_until_its_key_ends(page: TestClient, settings: Settings) -> None:
    refusal = {"notice_id": "26-130101", "lot_id": "x"}
    assert page.post(f"/structure/{SIRET}/ecarter", data=refusal).status_code == 403
    signed_in(page, f"structure:{SIRET}", "read")
    mine = page.get(f"/structure/{SIRET}").text
    assert "Votre fiche" in mine and "Votre fiche" not in page.get(f"/structure/{OTHER}").text
    lots = r"/ecarter\?avis=([^&]+)&amp;lot=([^\"]+)"
    links = re.findall(lots, mine)
    notice, lot = (unquote(part) for part in links[0])
    asked = page.get(f"/structure/{SIRET}/ecarter", params={"avis": notice, "lot": lot}).text
    assert "Ce lot seulement" in asked and "été caché" in asked
    word = {"notice_id": notice, "lot_id": lot, "motif": "lot"}
    refused = page.post(f"/structure/{SIRET}/ecarter", data=word).text
    assert "ne vous sera plus proposé" in refused and f"lot={quote(lot)}" not in refused
    undo = {"notice_id": notice, "lot_id": lot}
    assert links[0] in re.findall(lots, page.post(f"/structure/{SIRET}/reprendre", data=undo).text)
    assert page.post(f"/structure/{OTHER}/ecarter", data=word).status_code == 403
    with Store.open(settings.store) as store:
        for bearer in keys.listed(store):
            keys.revoke(store, bearer.id)
    assert "Votre fiche" not in page.get(f"/structure/{SIRET}").text


def test_scopes_of_keys_over_the_api(page: TestClient, settings: Settings) -> None:
    heads = {s: holding(page, s) for s in ("read", "buyer", f"structure:{SIRET}", "operator")}
    once = {**heads["buyer"], "Idempotency-Key": "k"}
    search = {"need": "pain", "n": 5}
    assert page.post("/v1/sourcing", json=search).status_code == 401
    assert page.post("/v1/sourcing", json=search, headers=heads["read"]).status_code == 403
    twice = [page.post("/v1/sourcing", json=search, headers=once) for _ in range(2)]
    assert [r.status_code for r in twice] == [201, 201] and twice[0].json() == twice[1].json()
    assert page.post("/v1/sourcing", json={"need": "vin"}, headers=once).status_code == 422
    record = f"/v1/sourcing/{twice[0].json()['id']}"
    assert page.get(record + "/verify", headers=heads["buyer"]).json()["holds"] is True
    assert page.get(record + "/replay", headers=heads["buyer"]).json() == {"same": True, "changes": []}
    assert page.get(record, headers=heads["operator"]).status_code == 404
    own, profile = heads[f"structure:{SIRET}"], {"offers": [{"title": "Tonte"}]}
    assert page.put(f"/v1/structures/{SIRET}/profile", json=profile, headers=own).status_code == 200
    assert page.get(f"/v1/structures/{SIRET}/profile", headers=own).json()["offers"][0]["title"] == "Tonte"
    assert page.put(f"/v1/structures/{OTHER}/profile", json=profile, headers=own).status_code == 403


def test_replay_says_what_changed(matcher: Matcher) -> None:
    need = free_text_tender("blanchisserie")
    with Store.open("sqlite://") as store:
        made = keep(store, "key:b", matcher.match(need, 5, groups=0), recipe="default")
        found = read(store, "key:b", made)
    without = Filters(excluded=(gone := found.lines("need-1")[0].siret,))
    again, versions = record_.search(matcher, need, without), {**matcher.versions, "data": "new"}
    said = replay(found, again, versions)
    assert said[0].startswith("data :") and f"lot 1 : 1 sorties ({gone}), 1 entrées" in said[1]


def test_who_answers_rights_accessibility_and_sources_are_on_a_page(settings: Settings) -> None:
    names = {"controller": "Ville de Niort, 79000", "hosting": "Hôte SAS, Roubaix"}
    names |= {"objection": "dpo@ville.example"}
    given = settings.model_copy(update=names)
    with PagesClient(create_app(given), headers={"accept": "text/html"}) as page:
        shown = page.get("/a-propos").text
    rights = ("non conforme", "R311-3-1-2", "article 14", "CNIL")
    for stated in (*names.values(), *rights, "GeoNames", "Licence Ouverte", "Contours"):
        assert stated in shown, stated


def test_a_refusal_before_anything_is_asked_is_a_page_in_french(settings: Settings) -> None:
    given = Settings(**{**settings.model_dump(), "rate": "2/minute"})
    with PagesClient(create_app(given), headers={"accept": "text/html"}) as page:
        shown = [page.get("/a-propos") for _ in range(3)][-1]
        assert shown.status_code == 429 and "<h1>Trop de demandes</h1>" in shown.text
        assert "réessayez dans une minute" in shown.text and shown.headers["retry-after"]
        assert page.get("/v1/notices").json()["title"] == "Too Many Requests"


def test_a_late_or_broken_page_says_so_in_french(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def late(*_: Any, **__: Any) -> None:
        raise TooLong("the answer takes too long")

    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError

    app = create_app(settings)
    with PagesClient(app, headers={"accept": "text/html"}, raise_server_exceptions=False) as page:
        for failure, status in ((late, 503), (broken, 500)):
            monkeypatch.setattr("service.page.structure.search_names", failure)
            shown = page.get("/structure?q=pain")
            assert shown.status_code == status and 'lang="fr"' in shown.text and "éessayez" in shown.text
            assert "takes" not in shown.text and "internal" not in shown.text
