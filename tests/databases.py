"""Stores to test on: SQLite, and a real PostgreSQL server that the suite starts."""

import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mail_server import free_port
from matcher.records.store import Store

DEBIAN = Path("/usr/lib/postgresql")


def _postgres_bin() -> Path | None:
    """The folder of the newest server binaries, Debian's or on the PATH."""
    found = sorted(DEBIAN.glob("*/bin/initdb"), key=lambda p: int(re.sub(r"\D", "", p.parts[-3]) or 0))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).resolve().parent if on_path else None


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Address of a server of our own; skipped, with the reason, where it cannot be had."""
    with server() as address:
        yield address


@contextmanager
def server() -> Iterator[str]:
    """Address of a PostgreSQL server of our own in a folder of its own, for tests and benchmarks."""
    binaries = _postgres_bin()
    if binaries is None:
        pytest.skip("no PostgreSQL server binaries: apt-get install postgresql-17")
    user = None
    if os.geteuid() == 0:  # the server refuses to run as root
        try:
            user = pwd.getpwnam("postgres").pw_name
        except KeyError:
            pytest.skip("no user postgres to run the server as")
    home = Path(tempfile.mkdtemp(prefix="maillage-pg-"))
    if user:
        shutil.chown(home, user)
    port = free_port()

    def run(*command: str) -> None:
        quiet = {"capture_output": True, "text": True, "timeout": 60, "env": {"LC_ALL": "C.UTF-8"}}
        done = subprocess.run(command, user=user, cwd=home, **quiet)
        if done.returncode:
            pytest.skip(f"PostgreSQL does not start here: {done.stderr.strip()[-200:]}")

    data = str(home / "data")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={home} -c max_connections=40 -c fsync=off"
    run(str(binaries / "initdb"), "-D", data, "-U", "test", "--auth=trust", "-E", "UTF8", "--no-sync")
    start = [str(binaries / "pg_ctl"), "-D", data, "-w", "-l", str(home / "log"), "-o", options, "start"]
    run(*start)
    try:
        yield f"postgresql://test@127.0.0.1:{port}/postgres"
    finally:
        stop = [str(binaries / "pg_ctl"), "-D", data, "-m", "immediate", "stop"]
        subprocess.run(stop, user=user, cwd=home, capture_output=True, timeout=60)
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Address of an empty store, on each kind of database in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.sqlite'}"
    return schema(request.getfixturevalue("postgres"))


def schema(address: str) -> str:
    """Address of an empty store of a PostgreSQL server."""
    psycopg = pytest.importorskip("psycopg", reason="psycopg is not installed: pip install psycopg[binary]")
    name = "t" + os.urandom(6).hex()
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f'CREATE SCHEMA "{name}"')
    return f"{address}?options=-csearch_path%3D{name}"


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """An empty store, on each kind of database in turn."""
    with Store.open(store_url) as opened:
        yield opened
