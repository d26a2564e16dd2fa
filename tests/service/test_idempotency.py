"""One Idempotency-Key is one effect: under a race of two services on one store, and when the work fails halfway."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from service.app import create_app

from matcher.outreach.sourcing import record
from matcher.records import keys
from matcher.records.store import Store
from serving import settings_of

SEARCH = {"need": "taille de haies", "place": "Pantin"}


def test_of_requests_that_race_on_two_services_one_makes_the_record(hedges: Path, store_url: str) -> None:
    with Store.open(store_url) as store:
        head = {"X-API-Key": keys.create(store, ["buyer"])}
        given = settings_of(hedges, hedges, store=store_url)
        with TestClient(create_app(given)) as one, TestClient(create_app(given)) as other:
            for service in (one, other):  # routes are built at the first request
                assert service.get("/v1/sourcing", headers=head).json() == []

            def post(turn: int, key: str) -> Any:
                service = (one, other)[turn % 2]
                return service.post("/v1/sourcing", json=SEARCH, headers={**head, "Idempotency-Key": key})

            with ThreadPoolExecutor(8) as pool:
                for number in range(4):
                    answers = list(pool.map(post, range(8), [f"k{number}"] * 8))
                    assert {a.status_code for a in answers} == {201}
                    assert len({a.json()["id"] for a in answers}) == 1
                    assert sum("idempotency-replayed" in a.headers for a in answers) == 7
        assert store.counts()["sourcing"] == store.counts()["once"] == 4


def test_work_that_fails_leaves_neither_its_effect_nor_its_key(
    hedges: Path, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store.open(store_url) as store:
        head = {"X-API-Key": keys.create(store, ["buyer"]), "Idempotency-Key": "k"}
        with TestClient(
            create_app(settings_of(hedges, hedges, store=store_url)), raise_server_exceptions=False
        ) as service:
            whole = record.keep

            def halfway(*given: Any, **more: Any) -> str:
                whole(*given, **more)
                raise RuntimeError("the process ends here")

            monkeypatch.setattr(record, "keep", halfway)
            assert service.post("/v1/sourcing", json=SEARCH, headers=head).status_code == 500
            assert store.counts()["sourcing"] == store.counts()["once"] == 0
            monkeypatch.setattr(record, "keep", whole)
            assert service.post("/v1/sourcing", json=SEARCH, headers=head).status_code == 201
        assert store.counts()["sourcing"] == 1
