"""Vectors in a real PostgreSQL: recall against the exact answer, filters pushed down, shared, refused when stale."""

import gc
import os
import re
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from pytest import MonkeyPatch

from matcher.catalogue.indexes import pgvector
from matcher.domain import BadInput, StaleArtefact
from terminal import command

pytestmark = pytest.mark.postgres
N, D, K = 4000, 64, 100
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def url(postgres: str) -> str:
    psycopg = pytest.importorskip("psycopg", reason="psycopg is not installed: pip install psycopg[binary]")
    with psycopg.connect(postgres, autocommit=True) as connection:
        try:
            connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        except psycopg.Error:
            pytest.skip("the server lacks pgvector: apt-get install postgresql-17-pgvector")
    return postgres


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    """Unit vectors around 200 centres, as texts of trades are."""
    chance = np.random.default_rng(0)
    centres = chance.normal(size=(200, D))
    made = centres[chance.integers(200, size=N)] + 0.7 * chance.normal(size=(N, D))
    return (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def index(url: str, vectors: np.ndarray) -> Iterator[pgvector.PgvectorIndex]:
    made = pgvector.build([""] * N, vectors, url=url)
    yield made
    made.close()


def questions(vectors: np.ndarray, n: int = 40) -> np.ndarray:
    chance = np.random.default_rng(1)
    asked = vectors[chance.choice(N, n)] + 0.3 * chance.normal(size=(n, D)).astype(np.float32) / np.sqrt(D)
    return (asked / np.linalg.norm(asked, axis=1, keepdims=True)).astype(np.float32)


def exact(vectors: np.ndarray, question: np.ndarray, k: int, allowed: np.ndarray | None = None) -> set[int]:
    scores = vectors @ question
    if allowed is not None:
        scores = np.where(allowed, scores, -np.inf)
    return set(np.argsort(-scores)[:k].tolist())


@pytest.mark.parametrize("share", [None, 0.5, 0.2, 0.05, 0.005])
def test_recall_of_the_exact(index: pgvector.PgvectorIndex, vectors: np.ndarray, share: float | None) -> None:
    allowed = None if share is None else np.random.default_rng(2).random(N) < share
    k = K if allowed is None else min(K, int(allowed.sum()))
    hits = 0
    asked = questions(vectors)
    for question in asked:
        found = index.search("", question, k, allowed)
        assert len(found) == k and (allowed is None or allowed[found].all())
        scores = vectors[found] @ question
        assert (np.diff(scores) <= 1e-6).all()  # best first
        hits += len(exact(vectors, question, k, allowed) & set(found.tolist()))
    assert hits / (k * len(asked)) >= 0.98


def test_a_second_replica_shares_the_table(
    index: pgvector.PgvectorIndex, vectors: np.ndarray, url: str, tmp_path: Path, monkeypatch: MonkeyPatch
) -> None:
    monkeypatch.setenv("MATCHER_VECTORS", url)
    index.save(tmp_path)
    assert "127.0.0.1" not in (tmp_path / "index.json").read_text()
    again = pgvector.load(tmp_path, vectors)
    for question in questions(vectors, 5):
        np.testing.assert_array_equal(again.search("", question, 10), index.search("", question, 10))
        np.testing.assert_array_equal(again.compare("", question, None), index.compare("", question, None))
    again.close()
    with pytest.raises(StaleArtefact):
        pgvector.load(tmp_path, vectors[::-1])


def test_threads_ask_at_once(index: pgvector.PgvectorIndex, vectors: np.ndarray) -> None:
    asked = questions(vectors, 20)

    def ask(question: np.ndarray) -> list[int]:
        found = index.search("", question, 10).tolist()
        index.close()
        return found

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(ask, asked)) == [index.search("", q, 10).tolist() for q in asked]


def test_nothing_and_one(url: str, vectors: np.ndarray) -> None:
    assert len(pgvector.build([], vectors[:0], url=url).search("", vectors[0], 5)) == 0
    one = pgvector.build(["x"], vectors[:1], url=url)
    assert one.search("", vectors[0], 5).tolist() == [0]
    assert len(one.search("", vectors[0], 5, np.array([False]))) == 0
    one.close()


def role_of(url: str, name: str) -> str:
    return re.sub("//[^@]+@", f"//{name}@", url)


@pytest.fixture
def role(postgres: str) -> Iterator[str]:
    """A role without any right, in a database of its own."""
    psycopg = pytest.importorskip("psycopg", reason="psycopg is not installed: pip install psycopg[binary]")
    name = "r" + os.urandom(4).hex()
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {name} LOGIN")
        connection.execute(f"CREATE DATABASE {name}")
    yield name
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
        connection.execute(f"DROP ROLE {name}")


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_role_without_rights_gets_instructions_that_work(url: str, role: str, tmp_path: Path) -> None:
    psycopg = pytest.importorskip("psycopg", reason="psycopg is not installed: pip install psycopg[binary]")
    mine = role_of(url, role).replace("/postgres", f"/{role}")
    out = str(tmp_path / "catalogue")

    def index() -> subprocess.CompletedProcess[str]:
        sample = str(ROOT / "data" / "sample" / "structures.csv")
        return command("index", sample, "--recipe", "pgvector", "--out", out, MATCHER_VECTORS=mine)

    with psycopg.connect(url.replace("/postgres", f"/{role}"), autocommit=True) as owner:
        for step in ("CREATE EXTENSION vector;", f"GRANT CREATE ON SCHEMA public TO {role};"):
            refused = index()
            assert refused.returncode == 2, refused.stderr
            assert "permission denied" in refused.stderr and step in refused.stderr
            owner.execute(step)
    assert (made := index()).returncode == 0, made.stderr
    need = ("match", "--need", "entretien des espaces verts", "--place", "93100", "--format", "jsonl")
    found = command(*need, "--catalogue", out, MATCHER_VECTORS=mine)
    assert found.returncode == 0, found.stderr
    assert '"siret"' in found.stdout
    gc.collect()  # a command leaves its connection to the end of its process


def test_no_address_no_server_get_one_sentence(vectors: np.ndarray, monkeypatch: MonkeyPatch) -> None:
    monkeypatch.delenv("MATCHER_VECTORS", raising=False)
    for url in (None, "postgresql://nobody@127.0.0.1:9/none"):
        with pytest.raises(BadInput, match="MATCHER_VECTORS"):
            pgvector.build(["x"], vectors[:1], url=url)
