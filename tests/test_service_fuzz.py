"""Thousands of odd requests, made from the contract itself: each gets an answer, and none a fault of ours."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from service.app import create_app
from service.settings import Settings

from matcher import gathering, keys, recipes
from matcher.catalogue import Catalogue
from matcher.store import Store

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")
SAMPLE = Path(__file__).parents[1] / "data" / "sample"
EXAMPLES = int(os.environ.get("MATCHER_FUZZ", "5"))  # a route; 300 makes ten thousand requests
BOUND = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate], derandomize=True, database=None
)  # fmt: skip


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, dict[str, str]]]:
    """The application, and the key of one who may do everything."""
    folder = tmp_path_factory.mktemp("fuzz")
    gathered = gathering.gather([SAMPLE])
    Catalogue.build(gathered.structures[:40], gathered.awards, recipes.named("weighted")).save(
        folder / "catalogue"
    )
    gathering.save_notices(gathered.tenders[:6], folder / "catalogue")
    address = f"sqlite:///{folder / 'store.sqlite'}"
    store = Store.open(address)
    key = keys.create(store, ["operator", "buyer", "structure:00010001600013"])
    store.close()
    given = Settings(catalogue=folder / "catalogue", store=address, log_level="ERROR", rate="1000000/minute")
    app = create_app(given)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client, {"X-API-Key": key}


@pytest.fixture(scope="module")
def contract(served: tuple[Any, dict[str, str]]) -> Any:
    return schemathesis.openapi.from_dict(served[0].get("/openapi.json").json())


def test_no_request_of_the_contract_makes_a_fault(served: tuple[Any, dict[str, str]], contract: Any) -> None:
    client, head = served
    sent = 0
    for found in contract.get_all_operations():
        operation = found.ok()
        if operation.path.endswith("/events"):
            continue  # a stream without an end of its own

        @BOUND
        @given(case=operation.as_strategy())
        def ask(case: Any) -> None:
            nonlocal sent
            path = case.formatted_path if hasattr(case, "formatted_path") else case.path
            body = case.body if not isinstance(case.body, type(schemathesis.core.NOT_SET)) else None
            more: dict[str, Any] = {}
            if case.media_type == "application/json" and body is not None:
                more["json"] = body
            elif body is not None:
                more["data"] = {k: str(v) for k, v in body.items()} if isinstance(body, dict) else str(body)
            query = {k: v for k, v in (case.query or {}).items() if v is not None}
            answer = client.request(case.method, path, params=query, headers=head, **more)
            sent += 1
            assert answer.status_code < 500, (case.method, path, body, answer.text[:300])
            if answer.status_code >= 400:
                assert answer.headers["content-type"] == "application/problem+json"

        ask()
    assert sent > 100


@settings(BOUND, max_examples=EXAMPLES * 5)
@given(
    raw=st.binary(max_size=400) | st.text(max_size=200).map(str.encode),
    media=st.sampled_from(["application/json", "text/plain", "multipart/form-data", "multipart/form-data; boundary=x", "application/xml", ""]),
    path=st.sampled_from(["/v1/match", "/v1/match/file", "/v1/consortium", "/v1/jobs", "/v1/sourcing", "/acheteur", "/connexion", "/acheteur/fiches"]),
)  # fmt: skip
def test_raw_bytes_make_no_fault(
    served: tuple[Any, dict[str, str]], raw: bytes, media: str, path: str
) -> None:
    client, head = served
    answer = client.post(path, content=raw, headers={**head, "content-type": media})
    assert answer.status_code < 500, (path, media, raw, answer.text[:300])
