"""Tools for assistants, asked by the client of the official SDK over both transports."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from service.app import create_app
from service.assistant import results
from service.assistant.server import Api, build
from service.settings import Settings

from matcher.catalogue.catalogue import Catalogue
from matcher.reading import gather
from matcher.records import keys
from matcher.records.store import Store
from serving import indexed

mcp = pytest.importorskip("mcp", reason="the extra mcp is not installed")

ROOT = Path(__file__).parents[2]
SIRET = "00010001600013"  # of the sample
NEED = {"need": "tonte et taille de haies pour trois écoles, projet Zyxomma", "place": "Pantin"}
SENTENCE = "Ordre de présentation, ne préjuge pas du choix."
NOTICE = {"notice_id": "26-130101"}
CALLS: tuple[tuple[str, dict[str, Any], type[results.Result]], ...] = (
    ("match", NEED, results.Matched),
    ("match", NOTICE, results.Matched),
    ("why", {"siret": SIRET, **NOTICE}, results.Explained),
    ("partners", {"siret": SIRET, **NOTICE}, results.Partnered),
    ("groups", {"notice_id": "26-130377"}, results.Grouped),
    ("structures", {"q": "atelier"}, results.Found),
    ("structure", {"siret": SIRET}, results.Described),
    ("opportunities", {"siret": SIRET}, results.Opportunities),
    ("notices", {"q": "espaces verts"}, results.Notices),
    ("leads", {"notice_id": "26-130377"}, results.Leads),
    ("renewals", {}, results.Renewals),
    ("potential", {**NEED, "amount": 45000}, results.Potential),
)


@pytest.fixture(scope="module")
def folder(catalogue: Catalogue, sample: gather.Gathered, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalogue with the notices of the sample, and the place of a store."""
    return indexed(tmp_path_factory.mktemp("assistant"), catalogue, sample)


@pytest.fixture(scope="module")
def good(folder: Path) -> str:
    """A key that reads."""
    return made(folder, "read")


def made(folder: Path, *scopes: str) -> str:
    store = Store.open(store_of(folder))
    try:
        return keys.create(store, scopes)
    finally:
        store.close()


def store_of(folder: Path) -> str:
    return f"sqlite:///{folder / 'store.sqlite'}"


def environment(folder: Path, **more: str) -> dict[str, str]:
    mine = {name: value for name, value in os.environ.items() if not name.startswith("MATCHER_")}
    return {**mine, "MATCHER_CATALOGUE": str(folder / "catalogue"), "MATCHER_STORE": store_of(folder), **more}


def over_stdio(folder: Path, work: Callable[[Any], Coroutine[Any, Any, Any]], **more: str) -> Any:
    from mcp.client.stdio import stdio_client

    started = mcp.StdioServerParameters(
        command=sys.executable, args=["-m", "matcher.cli", "mcp"], env=environment(folder, **more), cwd=ROOT
    )

    async def run() -> Any:
        with (folder / "stderr").open("w", encoding="utf-8") as log:
            async with mcp.Client(stdio_client(started, log)) as client:
                return await work(client)

    return asyncio.run(run())


@contextmanager
def served(folder: Path, **more: str) -> Iterator[str]:
    """The address of a server over HTTP."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "matcher.cli", "mcp", "--http", "--port", str(port)]
    with subprocess.Popen(
        command, env=environment(folder, **more), cwd=ROOT, stderr=subprocess.DEVNULL
    ) as running:
        try:
            for _ in range(3000):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                assert running.poll() is None, "the server ended"
                time.sleep(0.1)
            yield f"http://127.0.0.1:{port}/mcp"
        finally:
            running.terminate()


def over_http(url: str, work: Callable[[Any], Coroutine[Any, Any, Any]], key: str = "") -> Any:
    import httpx2
    from mcp.client.streamable_http import streamable_http_client

    async def run() -> Any:
        async with (
            httpx2.AsyncClient(headers={"X-API-Key": key} if key else {}, timeout=60) as http,
            mcp.Client(streamable_http_client(url, http_client=http)) as client,
        ):
            return await work(client)

    return asyncio.run(run())


async def call_all(client: Any) -> list[Any]:
    return [await client.call_tool(name, arguments) for name, arguments, _ in CALLS]


async def call_first(client: Any) -> Any:
    return await client.call_tool(*CALLS[0][:2])


def test_every_tool_answers_over_stdio_and_an_unpublished_need_leaves_no_trace(
    folder: Path, good: str
) -> None:
    async def work(client: Any) -> tuple[Any, ...]:
        unknown = await client.call_tool("match", {"need": "tonte", "notice_id": "26-130101"})
        return (await client.list_tools()).tools, await call_all(client), unknown

    listed, answers, refused = over_stdio(folder, work, MATCHER_READ="key", MATCHER_KEY=good)
    assert {tool.name for tool in listed} == {name for name, _, _ in CALLS}
    assert all(tool.annotations.read_only_hint and tool.output_schema for tool in listed)
    for (name, _, kind), answer in zip(CALLS, answers, strict=True):
        assert not answer.is_error, (name, answer.content)
        found = kind.model_validate(answer.structured_content)
        assert found.note.endswith(SENTENCE) and (found.sources or not getattr(found, "total", 1)), name
    first = results.Matched.model_validate(answers[0].structured_content).lots[0].candidates[0]
    assert (first.structure.siret, first.level, str(first.structure.updated)) == (
        SIRET,
        "à appeler",
        "2026-09-15",
    )
    assert first.structure.source == "structures.csv" and first.reasons
    assert refused.is_error and "exactly one of need, notice, notice_id" in refused.content[0].text
    for path in (each for each in folder.rglob("*") if each.is_file()):
        assert b"Zyxomma" not in path.read_bytes(), path.name


def test_tools_say_what_the_api_says_and_refuse_whom_it_refuses(folder: Path) -> None:
    async def ask(client: Any) -> Any:
        return await client.call_tool("match", {**NEED, "n": 5})

    async def both() -> Any:
        api = Api(app)
        async with api.open(), mcp.Client(build(api)) as client:
            return await ask(client)

    about: dict[str, Any] = {
        "catalogue": folder / "catalogue",
        "store": store_of(folder),
        "log_level": "ERROR",
    }
    app = create_app(Settings(**about))
    with TestClient(app) as api:
        (lot,) = api.post("/v1/match", json={**NEED, "n": 5, "groups": 0}).json()["lots"]
    sent = [(m["structure"]["siret"], m["band"]) for m in lot["matches"] if m["level"] != "unlikely"]
    app = create_app(Settings(**about))
    answer = results.Matched.model_validate(asyncio.run(both()).structured_content)
    assert [(one.structure.siret, one.level) for one in answer.lots[0].candidates] == sent
    app = create_app(Settings(**about, read="key"))
    refused = asyncio.run(both())
    assert refused.is_error and "a key with the scope read is needed" in refused.content[0].text


def test_keys_are_those_of_the_callers_over_http(folder: Path, good: str) -> None:
    ended = made(folder, "read")
    store = Store.open(store_of(folder))
    try:
        keys.revoke(store, ended)
    finally:
        store.close()

    async def one(client: Any) -> Any:
        return await client.call_tool("match", NEED)

    with served(folder, MATCHER_READ="key", MATCHER_KEY=good) as url:  # the server's own key serves no caller
        unknown, revoked = over_http(url, one), over_http(url, one, ended)
        answer = over_http(url, call_first, good)
    assert unknown.is_error and "a key with the scope read is needed" in unknown.content[0].text
    assert revoked.is_error and "révoquée" in revoked.content[0].text
    assert not answer.is_error, answer.content  # every tool is called over stdio
    assert CALLS[0][2].model_validate(answer.structured_content).note.endswith(SENTENCE)
