"""The API as a client meets it: examples that work, errors that tell the remedy, nothing dropped by a swap."""

import gc
import json
import re
import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
from fastapi.testclient import TestClient
from service.app import create_app
from service.routes.webhooks import EVENTS
from service.settings import Settings

from matcher.catalogue.files import load_catalogue, save_catalogue
from matcher.reading import gather
from pages_client import SIRET, holding
from records import cases
from service import page
from serving import serving, settings_of, until

SAMPLE = Path(__file__).parents[2] / "data" / "sample"


@pytest.fixture
def settings(plain_sample: Path, tmp_path: Path) -> Settings:
    return settings_of(plain_sample, tmp_path)


@pytest.fixture
def client(settings: Settings) -> Iterator[TestClient]:
    with TestClient(create_app(settings)) as client:
        yield client


def test_every_example_of_the_schema_works(client: TestClient) -> None:
    head = holding(client, "operator", "buyer", f"structure:{SIRET}")
    asked = set()
    for path, verbs in client.get("/openapi.json").json()["paths"].items():
        for parameter in verbs.get("get", {}).get("parameters", []):
            for example in parameter.get("examples", {}).values():
                at = path.replace("{" + parameter["name"] + "}", str(example["value"]))
                query = {parameter["name"]: example["value"]} if parameter["in"] == "query" else {}
                assert client.get(at, params=query, headers=head).status_code == 200, at
        for verb, operation in verbs.items():
            for media, content in operation.get("requestBody", {}).get("content", {}).items():
                for name, example in content.get("examples", {}).items():
                    asked.add(path)
                    assert media == "application/json"
                    at = path.replace("{siret}", SIRET)
                    answer = client.request(verb, at, json=example["value"], headers=head)
                    assert answer.status_code < 300, (path, name, answer.text)
    assert {"/v1/match", "/v1/consortium", "/v1/jobs"} <= asked


def test_the_schema_tells_every_field_and_shows_every_answer(client: TestClient) -> None:
    schema = client.get("/openapi.json").json()
    untold = [
        f"{name}.{field}"
        for name, model in schema["components"]["schemas"].items()
        for field, of in model.get("properties", {}).items()
        if not of.get("description")
    ]
    assert untold == []
    assert schema["webhooks"].keys() == {*EVENTS, "webhook.test"}
    streamed, drawn = (
        schema["paths"][path]["get"]["responses"]["200"]["content"].keys()
        for path in ("/v1/jobs/{job_id}/events", "/v1/territory/map.{shape}")
    )
    assert streamed == {"text/event-stream"}
    assert "application/json" not in drawn and {"image/svg+xml", "image/png", "text/csv"} <= drawn
    for path, verbs in schema["paths"].items():
        for verb, operation in verbs.items():
            assert all(p["description"] for p in operation.get("parameters", [])), (verb, path)
            answer = next(answer for code, answer in operation["responses"].items() if code.startswith("2"))
            assert ("RateLimit" in answer.get("headers", {})) == ("/health" not in path), (verb, path)
            assert "Retry-After" in operation["responses"].get("429", {"headers": ["Retry-After"]})["headers"]
            for media, content in answer.get("content", {}).items():
                assert content.get("schema") or "xml" in media, (verb, path, media)
                assert "example" in content or media != "application/json" or "{format}" in path, (verb, path)
                if "example" in content and content.get("schema"):
                    whole = {**content["schema"], "components": schema["components"]}
                    jsonschema.validate(content["example"], whole)


def test_match_names_the_gardeners_of_the_town_first(client: TestClient) -> None:
    need = {"need": "tonte et taille de haies pour 3 écoles à Pantin", "n": 3}
    answer = client.post("/v1/match", json=need).json()
    first = answer["lots"][0]["matches"][0]
    shown = first["structure"]
    assert answer["place_found"] == "Pantin"
    misspelt = client.post("/v1/match", json={"need": "tonte", "place": "Pantinn"}).json()
    assert misspelt["place_found"] == "Pantin (lu pour « Pantinn »)"
    assert (shown["siret"], shown["town"], first["distance_km"]) == (SIRET, "Pantin", 0.0)
    assert shown["contact"]["phone"] and shown["source"] and shown["updated"]
    assert sum(r["contribution"] for r in first["reasons"]) == pytest.approx(first["score"], abs=1e-4)
    assert answer["versions"]["data"] and answer["versions"]["ranker"]


def test_filters_are_obeyed(client: TestClient) -> None:
    def lot(**filters: object) -> Any:
        body = {"need": "entretien des espaces verts d'une école", "place": "Pantin (93)", "n": 50}
        (one,) = client.post("/v1/match", json={**body, "filters": filters}).json()["lots"]
        return one

    kinds = {match["structure"]["kind"] for match in lot(kinds=["ESAT"], sirets=None)["matches"]}
    assert kinds == {"ESAT"}
    assert [match["structure"]["siret"] for match in lot(sirets=[SIRET])["matches"]] == [SIRET]
    none = lot(sirets=["99999999900014"])
    assert (none["matches"], none["nobody"], none["considered"]) == ([], True, 0)


def test_a_notice_is_matched_lot_by_lot_from_text_json_and_file(client: TestClient) -> None:
    path = SAMPLE / "eforms" / "2026-metropole-proprete.xml"
    as_text = client.post("/v1/match", json={"notice": path.read_text(encoding="utf-8"), "n": 2})
    as_file = client.post("/v1/match/file", files={"file": (path.name, path.read_bytes())}, data={"n": "2"})
    assert as_text.status_code == as_file.status_code == 200
    assert as_text.json()["lots"] == as_file.json()["lots"] and len(as_text.json()["lots"]) > 1
    page = json.loads((SAMPLE / "boamp_page_1.json").read_text(encoding="utf-8"))
    answer = client.post("/v1/match", json={"notice": page, "n": 1, "groups": 0}).json()
    other = {"notice": page, "n": 1, "groups": 0, "pick": answer["others"][0]}
    picked = client.post("/v1/match", json=other).json()
    assert picked["notice"]["id"] == answer["others"][0] != answer["notice"]["id"]


BAD = [(content.encode(), status, word) for content, status, word in cases("bodies that are refused")]
BAD += [(b"\xff\xfe{}", 400, "JSON"), (b'{"need": "' + b"x" * 9_000_000 + b'"}', 413, "MB")]
BAD += [(b'{"need": "' + b"pain " * 400_000 + b'"}', 413, "characters")]


@pytest.mark.parametrize(("content", "status", "word"), BAD, ids=range(len(BAD)))
def test_bad_bodies_get_one_sentence(client: TestClient, content: bytes, status: int, word: str) -> None:
    answer = client.post("/v1/match", content=content, headers={"content-type": "application/json"})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status and word in problem["detail"] and "Traceback" not in answer.text
    choices = problem.get("place_choices", [])  # of an ambiguous place, for a program to offer
    assert bool(choices) == (b"Saint-Denis" in content) and all(one in problem["detail"] for one in choices)


def test_external_entities_are_not_opened(client: TestClient) -> None:
    bomb = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'
    answer = client.post("/v1/match", json={"notice": bomb})
    assert answer.status_code == 422 and "root:" not in answer.text


def test_structure_and_opportunities(client: TestClient) -> None:
    found = client.get(f"/v1/structures/{SIRET}")
    assert found.json()["name"] == "Les Sentiers de l'Ourcq" and found.json()["offers"]
    again = client.get(f"/v1/structures/{SIRET}", headers={"If-None-Match": found.headers["etag"]})
    assert again.status_code == 304 and not again.content
    chances = client.get(f"/v1/structures/{SIRET}/opportunities").json()
    assert chances["total"] and "espaces verts" in chances["items"][0]["notice"]["title"].lower()
    assert client.get("/v1/structures/99999999999999").status_code == 404
    assert client.get("/v1/structures/1").status_code == 422


def test_pages_of_a_list_follow_each_other(client: TestClient) -> None:
    whole = client.get("/v1/structures", params={"limit": 200}).json()
    pages = (client.get(f"/v1/structures?limit=40&offset={start}").json() for start in (0, 40, 80))
    assert [item for page in pages for item in page["items"]] == whole["items"]
    assert whole["total"] == len(whole["items"])


def test_without_a_catalogue_it_says_how_to_build_one(tmp_path: Path) -> None:
    gc.disable()  # as `matcher serve` starts: once it is warm, garbage is collected again
    app = create_app(Settings(catalogue=tmp_path / "none", log_level="ERROR"))
    with TestClient(app) as client:
        assert app.state.warmed.wait(60) and gc.isenabled()
        ready = client.get("/v1/health/readiness")
        assert ready.status_code == 503 and "make demo" in ready.json()["detail"]
        assert client.get("/v1/health/live").status_code == 200
        answer = client.post("/v1/match", json={"need": "pain"})
        assert answer.status_code == 503 and "make demo" in answer.json()["detail"]


def test_it_is_ready_once_it_is_prepared(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    prepared = threading.Event()
    monkeypatch.setattr(page, "warm", prepared.wait)
    with TestClient(app := create_app(settings)) as client:
        assert client.get("/", headers={"accept": "text/html"}).status_code == 200
        assert client.get("/v1/health/readiness").status_code == 503
        prepared.set()
        assert app.state.warmed.wait(60)
        assert client.get("/v1/health/readiness").status_code == 200


def test_a_new_catalogue_is_taken_up_without_dropping_a_request(plain_sample: Path, tmp_path: Path) -> None:
    folder = tmp_path / "catalogue"
    shutil.copytree(plain_sample, folder)
    settings = Settings(catalogue=folder, reload_seconds=0.05, log_level="ERROR")
    with ThreadPoolExecutor(1) as pool, TestClient(create_app(settings)) as client:
        loaded, stop = client.app.state.serving, threading.Event()  # type: ignore[attr-defined]

        def ask() -> set[int]:
            need, statuses = {"need": "nettoyage", "n": 1, "groups": 0}, set()
            while not stop.is_set():
                statuses.add(client.post("/v1/match", json=need).status_code)
            return statuses

        asked = pool.submit(ask)
        for _ in range(5):
            before = loaded.swaps
            fresh = load_catalogue(folder)
            save_catalogue(fresh, folder)
            shutil.copy(plain_sample / gather.NOTICES, folder)
            until(lambda: loaded.swaps > before)  # noqa: B023
        stop.set()
        assert asked.result() == {200}


def test_a_job_tells_its_progress_and_keeps_to_its_owner(client: TestClient) -> None:
    body = {"items": [{"need": need, "n": 1, "groups": 0} for need in ("pain", "", "peinture")]}
    body["items"] += [{"need": "tonte", "place": place} for place in ("Saint-Denis", "Boulogn")]
    started = client.post("/v1/jobs", json=body)
    assert started.status_code == 202
    with client.stream("GET", started.headers["location"] + "/events") as events:
        told = "".join(events.iter_text())
    assert '"done": 5' in told and '"state": "done"' in told
    answers = client.get(started.headers["location"]).json()["answers"]
    assert [("problem" in a) for a in answers] == [False, True, False, True, True]
    assert [len(a["problem"]["place_choices"]) > 1 for a in answers[3:]] == [True, True]
    assert client.get(started.headers["location"], headers=holding(client, "read")).status_code == 404


def test_only_loopback_reads_without_a_key(settings: Settings) -> None:
    app = create_app(settings)
    with TestClient(app, client=("203.0.113.9", 1)) as far:
        refused = far.post("/v1/match", json={"need": "pain"})
        assert refused.status_code == 401 and refused.headers["content-type"] == "application/problem+json"
        assert far.post("/v1/match", json={"need": "pain"}, headers=holding(far, "read")).status_code == 200
        assert far.get("/v1/health").status_code == 200
        assert far.get("/metrics").status_code in (401, 404)
    with TestClient(app, client=("127.0.0.1", 1)) as near:
        assert near.post("/v1/match", json={"need": "pain"}).status_code == 200
        proxied = near.post("/v1/match", json={"need": "pain"}, headers={"X-Forwarded-For": "203.0.113.9"})
        assert proxied.status_code == 401
        # a wrong key is refused even where reading is open
        assert near.get("/v1/structures", headers={"X-API-Key": "mlg_x_y"}).status_code == 401


@pytest.mark.parametrize(
    ("language", "detail"),
    [
        ("en", "the notice 26-130377 has no lot 99: its lots are 1, 2, 3, 4, 5"),
        ("fr", "L'avis 26-130377 n'a pas de lot 99 : choisissez parmi 1, 2, 3, 4, 5."),
    ],
)
def test_an_absent_lot_is_told_in_the_language_asked(client: TestClient, language: str, detail: str) -> None:
    asked = {"siret": "00010032100017", "notice_id": "26-130377", "lot": "99"}
    refused = client.post("/v1/partners", json=asked, headers={"Accept-Language": language})
    assert (refused.status_code, refused.json()["detail"]) == (404, detail)


def test_an_answer_tells_what_is_left_and_a_refusal_when_to_ask_again(settings: Settings) -> None:
    slow = settings.model_copy(update={"rate": "3/minute"})
    with serving(slow) as address, httpx.Client(base_url=address) as client:
        answers = [client.get("/v1/notices", params={"limit": 1}) for _ in range(5)]
        assert [each.status_code for each in answers] == [200, 200, 200, 429, 429]
        assert {each.headers["ratelimit-policy"] for each in answers} == {'"default";q=3;w=60'}
        told = [re.fullmatch(r'"default";r=(\d);t=(\d+);a=\1;w=\2', a.headers["ratelimit"]) for a in answers]
        assert [match and match[1] for match in told] == ["2", "1", "0", "0", "0"]
        assert answers[4].headers["retry-after"] == told[4][2]  # type: ignore[index]
        assert 50 < int(answers[4].headers["retry-after"]) <= 60
        health = client.get("/v1/health")
        assert health.status_code == 200 and "ratelimit" not in health.headers
        assert "default-src 'none'" in health.headers["content-security-policy"]


def test_what_was_read_is_told_and_a_correction_counts(client: TestClient) -> None:
    who, need = holding(client, "read"), {"need": "nettoyage des bureaux", "place": "Pantin"}
    (read,) = client.post("/v1/match", json=need, headers=who).json()["lots"]
    assert list(read["asked"]["trades"]) == ["nettoyage"] and read["asked"]["nature"] == "service"
    mended = {**need, "trades": ["espaces-verts"], "nature": "works"}
    (other,) = client.post("/v1/match", json=mended, headers=who).json()["lots"]
    assert other["asked"]["trades"] == {"espaces-verts": 1.0} and other["asked"]["nature"] == "works"
    first, second = ([m["structure"]["siret"] for m in lot["matches"]] for lot in (read, other))
    assert first != second
    unknown = client.post("/v1/match", json={**need, "trades": ["zorglub"]}, headers=who)
    assert unknown.status_code == 422 and "espaces-verts" in unknown.json()["detail"]
