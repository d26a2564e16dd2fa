"""Nearest neighbours in PostgreSQL (pgvector, HNSW): one table shared by all replicas of the service.

The table is named after the content of its vectors, so that only the first process fills it, and a new
catalogue never disturbs a running service.  The address is read from MATCHER_VECTORS and never saved.  A filter
is passed to the query as a bitmap; the scan is iterative, so that it never returns fewer rows than there are.
"""

import hashlib
import json
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from matcher import plugins
from matcher.catalogue.indexes import Role, reachable, selective
from matcher.catalogue.texts import Vectors
from matcher.domain import BadInput, StaleArtefact
from matcher.reference.arrays import F32, I64, Mask

ROLE: Role = "meaning"

M, EF_CONSTRUCTION, EF_MOST = 16, 100, 1000
LOCK = 0x76656374  # advisory lock of the filling


class PgvectorIndex:
    """A table of vectors at the server, and the same vectors, memory-mapped, for exact comparison."""

    role: Role = ROLE

    def __init__(self, vectors: Vectors, table: str, url: str) -> None:
        self._vectors, self._table, self._url = vectors, table, url
        self._mine = threading.local()  # a connection belongs to one thread

    @property
    def _connection(self) -> Any:
        connection = getattr(self._mine, "connection", None)
        if connection is None or connection.closed:
            connection = self._mine.connection = _connect(self._url)
        return connection

    def search(self, text: str, vector: F32, k: int, allowed: Mask | None = None) -> I64:
        k = reachable(k, len(self._vectors), allowed)
        if not k:
            return np.zeros(0, dtype=np.int64)
        query = f"SELECT row FROM {self._table} {{where}} ORDER BY embedding <#> %(v)s::vector LIMIT %(k)s"  # noqa: S608
        parameters: dict[str, Any] = {"v": _text(vector), "k": k}
        where = ""
        if allowed is not None:
            if selective(allowed, k):  # fetched by key and ordered exactly
                where, parameters["rows"] = "WHERE row = ANY(%(rows)s)", np.flatnonzero(allowed).tolist()
            else:
                where = "WHERE get_bit(%(mask)s::bit varying, row) = 1"
                parameters["mask"] = "".join(np.where(allowed, "1", "0"))
        with self._connection.transaction():
            self._connection.execute("SET LOCAL hnsw.iterative_scan = 'strict_order'")
            self._connection.execute(f"SET LOCAL hnsw.ef_search = {min(EF_MOST, max(100, 2 * k))}")
            self._connection.execute(f"SET LOCAL hnsw.max_scan_tuples = {max(20_000, len(self._vectors))}")
            fetched = self._connection.execute(query.format(where=where), parameters).fetchall()
        return np.array([row for (row,) in fetched], dtype=np.int64)

    def compare(self, text: str, vector: F32, rows: I64 | None) -> F32:
        chosen = self._vectors if rows is None else self._vectors[rows]
        return np.asarray(np.asarray(chosen, dtype=np.float32) @ vector, dtype=np.float32)

    def save(self, folder: Path) -> None:
        """Write which table it is; the vectors stay at the server."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "index.json").write_text(json.dumps({"table": self._table, "rows": len(self._vectors)}))

    def close(self) -> None:
        """Close the connection of this thread."""
        if (connection := getattr(self._mine, "connection", None)) is not None:
            connection.close()


def _text(vector: F32) -> str:
    """A vector as PostgreSQL reads it: text needs no type registration."""
    return f"[{','.join(f'{value:.9g}' for value in np.asarray(vector, dtype=np.float32).tolist())}]"


def _connect(url: str) -> Any:
    with plugins.optional("postgres", "an index in PostgreSQL"):
        import psycopg

    if not url:
        raise BadInput("say where the vectors are kept: set MATCHER_VECTORS to postgresql://USER@HOST/BASE")
    try:
        return psycopg.connect(url, autocommit=True)
    except psycopg.Error as error:
        raise BadInput(
            f"no PostgreSQL answers at MATCHER_VECTORS ({type(error).__name__}): correct the address or start the server"
        ) from None


def table_of(vectors: Vectors) -> str:
    """The name of the table that holds exactly these vectors."""
    digest = hashlib.sha256(np.ascontiguousarray(vectors, dtype=np.float32).data).hexdigest()
    return f"maillage_vectors_{digest[:16]}"


def build(texts: Sequence[str], vectors: Vectors, *, url: str | None = None) -> PgvectorIndex:
    """The index of `vectors` (n, d), unit length; the table is filled and indexed unless it exists.

    Raises BadInput, with what the server says and who must do what, where it refuses.
    """
    address = url or os.environ.get("MATCHER_VECTORS", "")
    table = table_of(vectors)
    index = PgvectorIndex(vectors, table, address)
    if not len(vectors):
        return index
    connection = index._connection
    import psycopg

    try:
        with connection.transaction():  # atomic, and done once by concurrent processes
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
            connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
            if connection.execute("SELECT to_regclass(%s)", (table,)).fetchone()[0] is None:
                _fill(connection, table, vectors)
    except psycopg.Error as error:
        once = f"`CREATE EXTENSION vector; GRANT CREATE ON SCHEMA public TO {connection.info.user};`"
        remedy = f"its administrator installs pgvector and runs {once} in {connection.info.dbname}"
        raise BadInput(
            f"the PostgreSQL server of MATCHER_VECTORS refuses ({error.diag.message_primary}): {remedy}"
        ) from None
    return index


def _fill(connection: Any, table: str, vectors: Vectors) -> None:
    """Make, fill and index the table of these vectors."""
    connection.execute(
        f"CREATE TABLE {table} (row integer PRIMARY KEY, embedding vector({vectors.shape[1]}))"
    )
    with connection.cursor().copy(f"COPY {table} (row, embedding) FROM STDIN") as copy:
        for row, vector in enumerate(vectors[:]):
            copy.write_row((row, _text(vector)))
    connection.execute("SET LOCAL maintenance_work_mem = '512MB'")
    connection.execute(
        f"CREATE INDEX ON {table} USING hnsw (embedding vector_ip_ops) "
        f"WITH (m = {M}, ef_construction = {EF_CONSTRUCTION})"
    )
    connection.execute(f"ANALYZE {table}")


def load(folder: Path, vectors: Vectors) -> PgvectorIndex:
    """The saved index.  Raises StaleArtefact where the table is missing or incomplete."""
    meta = json.loads((folder / "index.json").read_text())
    index = PgvectorIndex(vectors, meta["table"], os.environ.get("MATCHER_VECTORS", ""))
    if meta["rows"]:
        connection = index._connection
        there = connection.execute("SELECT to_regclass(%s)", (meta["table"],)).fetchone()[0] is not None
        if not there or table_of(vectors) != meta["table"]:
            index.close()
            raise StaleArtefact(
                f"the server has no table {meta['table']}: rebuild the catalogue with `matcher index`"
            )
    return index
