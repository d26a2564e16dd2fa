"""A full or read-only disk: 503 with a sentence that names no path, nothing lost, and all is well once it is mended."""

import stat
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from service.app import create_app
from service.settings import Settings
from sqlalchemy import event

from matcher.records import keys
from matcher.records.store import Store

SIRET = "00010001600013"
WORD = {"siret": SIRET, "notice_id": "after", "verb": "interested"}


@pytest.mark.parametrize(
    ("pragma", "mended", "why"),
    [("query_only=1", "query_only=0", "read-only"), ("max_page_count=1", "max_page_count=1000000", "full")],
)
def test_what_cannot_be_recorded_is_reported_and_nothing_is_lost(
    tmp_path: Path, pragma: str, mended: str, why: str
) -> None:
    url = f"sqlite:///{tmp_path / 'store.sqlite'}"
    given = Settings(catalogue=tmp_path / "none", store=url, log_level="ERROR")
    with Store.open(url) as store:
        head = {"X-API-Key": keys.create(store, [f"structure:{SIRET}"]), "Idempotency-Key": "k"}
    with TestClient(create_app(given)) as service:
        store = service.app.state.store
        state = [pragma]

        @event.listens_for(store.engine, "checkout")
        def _limited(raw: object, *_: object) -> None:
            raw.execute(f"PRAGMA {state[0]}")  # type: ignore[attr-defined]

        big = {**WORD, "reason": "x" * 900}
        words = [({**big, "notice_id": f"n{i}"}, {**head, "Idempotency-Key": f"k{i}"}) for i in range(40)]
        many = [service.post("/v1/feedback", json=word, headers=key) for word, key in words]
        assert {a.status_code for a in many} <= {200, 503}, many[0].text
        refused = [answer for answer in many if answer.status_code == 503]
        assert refused, "all were recorded"
        assert "try again" in refused[-1].json()["detail"] and why not in refused[-1].text
        assert str(tmp_path) not in refused[-1].text
        assert refused[-1].headers["Retry-After"]
        state[0] = mended
        assert store.counts()["feedback"] == store.counts()["once"] == 40 - len(refused)
        assert service.post("/v1/feedback", json=WORD, headers=head).status_code == 200
        assert store.counts()["feedback"] == 41 - len(refused)


def test_the_files_of_a_store_are_of_their_owner_alone(tmp_path: Path) -> None:
    with Store.open(f"sqlite:///{tmp_path / 'store.sqlite'}") as store:
        keys.create(store, ["buyer"])
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert set(modes.values()) == {0o600} and "store.sqlite-wal" in modes


@pytest.mark.parametrize(
    "where",
    [f"sqlite:////{path}/store.sqlite" for path in ("proc/nowhere", "etc/hostname")]
    + ["postgresql://someone:hunter2@127.0.0.1:9/none"],
)
def test_who_asks_is_not_told_where_a_store_is_that_does_not_open(where: str, tmp_path: Path) -> None:
    if where.startswith("postgresql"):
        pytest.importorskip("psycopg")
    given = Settings(catalogue=tmp_path / "none", store=where, log_level="ERROR")
    with TestClient(create_app(given), raise_server_exceptions=False) as service:
        head, page = {"X-API-Key": "mlg_a_b"}, {"Accept": "text/html"}
        answers = [service.get("/v1/exchange", headers=head), service.get("/acheteur/fiches", headers=page)]
        answers.append(service.post("/v1/feedback", json=WORD, headers=head))
    for answer in answers:
        assert answer.status_code == 503, answer.text
        inner = "/proc /etc hunter2 someone 127.0.0.1:9 MATCHER_STORE"
        assert not any(word in answer.text for word in inner.split())
