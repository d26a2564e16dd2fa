"""Tools for assistants, asked by the client of the official SDK over both transports."""

import asyncio
import json
import os
import re
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from service.app import create_app
from service.assistant import results
from service.assistant.results import TEXTS
from service.assistant.server import Api, Tools, build
from service.settings import Settings

from mail_server import free_port
from matcher.catalogue.catalogue import Catalogue
from matcher.reading import gather
from matcher.records import keys
from matcher.records.store import Store
from records import cases
from serving import indexed, serving, settings_of, until

mcp = pytest.importorskip("mcp", reason="the extra mcp is not installed")

ROOT = Path(__file__).parents[2]
SIRET = "00010001600013"  # of the sample
NEED = {"need": "tonte et taille de haies pour trois écoles, projet Zyxomma", "place": "Pantin"}
SENTENCE = "Ordre de présentation, ne préjuge pas du choix."
NOTICE = {"notice_id": "26-130101"}
PAGE = ROOT / "data" / "sample" / "boamp_page_1.json"
#: What the answers show is asserted by the place of a call.
CALLS = cases("calls of tools")
# a client, and the SDK, may hand on the object in place of its text
CALLS.append(["find_structures_for_need", {"notice": PAGE.read_text(encoding="utf-8")}])
REFUSED = cases("calls of tools that are refused")


@pytest.fixture(scope="module")
def folder(catalogue: Catalogue, sample: gather.Gathered, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalogue with the notices of the sample and one that is not published, and the place of a store."""
    here = indexed(tmp_path_factory.mktemp("assistant"), catalogue, sample)
    hidden = replace(sample.tenders[0], id="hidden-1", title="Projet Wyvern", confidential=True)
    gather.save_notices([*sample.tenders, hidden], here / "catalogue")
    gather.save_contracts(sample.awards, here / "catalogue")
    return here


def given(folder: Path, **more: Any) -> Settings:
    return settings_of(folder / "catalogue", folder, **more)


@pytest.fixture(scope="module")
def good(folder: Path) -> str:
    """A key that reads."""
    with Store.open(given(folder).store) as store:
        return keys.create(store, ["read"])


def environment(folder: Path, **more: str) -> dict[str, str]:
    mine = {name: value for name, value in os.environ.items() if not name.startswith("MATCHER_")}
    about = given(folder, deadline=120)  # on a busy machine
    told = {f"MATCHER_{one.upper()}": str(getattr(about, one)) for one in ("catalogue", "store", "deadline")}
    return {**mine, **told, **more}


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


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def served(folder: Path, *options: str, **more: str) -> Iterator[str]:
    """The address of a server over HTTP."""
    port = free_port()
    command = [sys.executable, "-m", "matcher.cli", "mcp", "--http", "--port", str(port), *options]
    with (
        (folder / "log").open("w", encoding="utf-8") as log,
        subprocess.Popen(command, env=environment(folder, **more), cwd=ROOT, stderr=log) as running,
    ):
        try:
            until(lambda: running.poll() is not None or listens(port))
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


def within(api: Api, work: Callable[[Any], Coroutine[Any, Any, Any]]) -> Any:
    """What is told in this process."""

    async def run() -> Any:
        async with api.open(), mcp.Client(build(api)) as client:
            return await work(client)

    return asyncio.run(run())


def knocked(url: str, host: str) -> int:
    """The status of a first message that a proxy hands on under the name that was asked."""
    about = {"protocolVersion": "2025-06-18", "capabilities": {}}
    about |= {"clientInfo": {"name": "test", "version": "1"}}
    asked = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": about}
    media = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
    head = {**media, "host": host, "x-forwarded-for": "192.0.2.7"}
    request = urllib.request.Request(url, json.dumps(asked).encode(), head)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def result_of(answer: Any) -> results.Result:
    """What a tool told: once, as one text that can be read at once."""
    (content,) = answer.content
    assert answer.structured_content is None and len(content.text.encode()) <= results.MOST
    told: results.Result = json.loads(content.text)
    return told


async def call_all(client: Any) -> list[Any]:
    return [await client.call_tool(*call) for call in CALLS]


async def call_first(client: Any) -> Any:
    return await client.call_tool(*CALLS[0])


def test_every_tool_answers_over_stdio_and_a_need_leaves_no_trace(folder: Path, good: str) -> None:
    async def work(client: Any) -> tuple[Any, ...]:
        refused = [await client.call_tool(name, arguments) for name, arguments, _ in REFUSED]
        return (await client.list_tools()).tools, await call_all(client), refused

    listed, answers, refused = over_stdio(folder, work, MATCHER_READ="key", MATCHER_KEY=good)
    assert {tool.name for tool in listed} == {name for name, _ in CALLS}
    assert set(re.findall("`([a-z]+_[a-z_]+)`", TEXTS["instructions"])) == {"propose_groups", "find_partners"}
    assert all(tool.annotations.read_only_hint and tool.description for tool in listed)
    assert not any(tool.input_schema["additionalProperties"] for tool in listed)
    told: list[results.Result] = []
    for (name, asked), answer in zip(CALLS, answers, strict=True):
        assert not answer.is_error, (name, answer.content)
        told.append(result_of(answer))
        assert told[-1]["note"].endswith(SENTENCE)
        # who asks about a notice is told which, and of when
        assert "notice_id" not in asked or any("(2026-" in each for each in told[-1]["sources"]), name
    answered = [each["answer"] for each in told]
    first = answered[0]["lots"][0]["matches"][0]
    shown = first["structure"]
    assert (shown["siret"], first["band"], shown["updated"]) == (SIRET, "à appeler", "2026-09-15")
    assert shown["source"] == "structures.csv" and all(isinstance(each, str) for each in first["reasons"])
    partners, groups, beyond, file, unclear = (answered[place] for place in (3, 4, 13, -1, 14))
    assert answered[8]["total"] and not answered[10]["total"]
    assert partners["alone"][0].startswith("lot 1 « ")
    assert groups["consortia"][0]["covered"][0].startswith("lot 1 « ")
    assert groups["consortia"][0]["members"][0]["lots"][0].startswith("lot ")
    assert groups["lots"][0]["likely"] and "matches" not in groups["lots"][0]
    assert answered[15]["notice"]["id"] == NOTICE["notice_id"] and answered[16]["total"]
    assert "find_structures_for_need" in answered[10]["hint"] and "hint" not in answered[8]
    assert "« Nanttes » : Nantes (44) a été compris" in beyond["hint"]
    assert answered[12]["hint"] == results.TEXTS["how_long"]  # who is proposed depends on the months
    advised = beyond["lots"][0]["advised"]
    assert advised["first"]["title"].startswith("Ni achat direct") and "refused" not in advised
    oeth = advised["oeth"]
    assert oeth["title"].startswith("Acheter à une EA ou à un ESAT") and oeth["reason"]
    assert len(file["others"]) > 1 and unclear["lots"][0]["calls_for"] == "unclear"
    for (_, _, remedy), answer in zip(REFUSED, refused, strict=True):
        text = answer.content[0].text
        assert answer.is_error and remedy in text and "pydantic" not in text
    for path in (each for each in folder.rglob("*") if each.is_file()):
        assert b"Zyxomma" not in path.read_bytes(), path.name


def test_tools_say_what_the_api_says_and_refuse_whom_it_refuses(folder: Path) -> None:
    async def ask(client: Any) -> Any:
        return await client.call_tool("find_structures_for_need", {**NEED, "n": 5})

    with TestClient(create_app(given(folder))) as api:
        (lot,) = api.post("/v1/match", json={**NEED, "n": 5, "groups": 0}).json()["lots"]
    sent = [(m["structure"]["siret"], m["band"]) for m in lot["matches"]]
    answer = result_of(within(Api(create_app(given(folder))), ask))["answer"]
    assert [(m["structure"]["siret"], m["band"]) for m in answer["lots"][0]["matches"]] == sent
    refused = within(Api(create_app(given(folder, read="key"))), ask)
    assert refused.is_error and "a key with the scope read is needed" in refused.content[0].text
    gone = within(Api(None, f"http://127.0.0.1:{free_port()}"), ask)  # nobody listens there
    assert gone.is_error and "does not answer: check its address" in gone.content[0].text


def test_resources_and_a_prompt_for_each_user(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def ask(client: Any) -> tuple[Any, ...]:
        said = await client.get_prompt("acheteur", {"besoin": "tonte", "lieu": "Pantin"})
        with pytest.raises(mcp.MCPError, match="besoin"):
            await client.get_prompt("acheteur", {"need": "tonte"})
        for unknown, remedy in (("notice/nope", "search the notices"), ("structure/123", "give a SIRET")):
            with pytest.raises(mcp.MCPError, match=remedy):
                await client.read_resource(f"maillage://{unknown}")
        shown = await client.read_resource(f"maillage://structure/{SIRET}")
        return (await client.list_prompts()).prompts, said, shown

    prompts, said, shown = within(Api(create_app(given(folder))), ask)
    assert "Traceback" not in caplog.text
    assert {each.name for each in prompts} == {"acheteur", "structure", "facilitateur"}
    assert "Besoin : tonte. Lieu : Pantin." in said.messages[0].content.text
    assert json.loads(shown.contents[0].text)["answer"]["siret"] == SIRET


def test_keys_are_those_of_the_callers_over_http(folder: Path, good: str) -> None:
    with Store.open(given(folder).store) as store:
        keys.revoke(store, ended := keys.create(store, ["read"]))
    public = "https://maillage.example.org"
    # the server's own key serves no caller
    with served(folder, MATCHER_READ="key", MATCHER_KEY=good, MATCHER_PUBLIC_URL=public) as url:
        names = ("maillage.example.org", "elsewhere.example.org")
        assert [knocked(url, host) for host in names] == [200, 400]  # refused by the limits of the service
        assert "answered with status 400" in (folder / "log").read_text(encoding="utf-8")
        unknown, revoked, answer = (over_http(url, call_first, key) for key in ("", ended, good))
    assert unknown.is_error and "a key with the scope read is needed" in unknown.content[0].text
    assert revoked.is_error and "révoquée" in revoked.content[0].text
    assert not answer.is_error, answer.content  # every tool is called over stdio
    assert result_of(answer)["note"].endswith(SENTENCE)


def test_tools_over_http_ask_a_service_that_runs_beside_them(folder: Path) -> None:
    with serving(given(folder)) as address, served(folder, "--url", address) as url:
        answer = over_http(url, call_first)
    assert not answer.is_error, answer.content
    assert result_of(answer)["answer"]["lots"][0]["matches"][0]["structure"]["siret"] == SIRET


def told_by(folder: Path, *calls: tuple[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """What tools told, each answer beside what was cut of it."""

    async def ask(client: Any) -> list[Any]:
        return [await client.call_tool(name, arguments) for name, arguments in calls]

    told = within(Api(create_app(given(folder))), ask)
    texts = [each.content[0].text for each in told]
    whole = [json.loads(text) for text in texts]
    return [{"cut": each.get("cut", ""), "hint": "", **each, **each["answer"]} for each in whole]


def test_a_correction_and_a_cancellation_are_part_of_the_notice_that_they_concern(folder: Path) -> None:
    open_there = {"department": "94", "q": "lavage", "open_on": "2026-12-01"}
    asked, corrected, cancelled, still, listed = told_by(
        folder,
        ("find_structures_for_need", {"notice_id": "26-131010", "n": 1}),
        ("get_notice", {"notice_id": "26-131010"}),
        ("find_structures_for_need", {"notice_id": "26-130877"}),
        ("search_notices", open_there),
        ("search_notices", {"department": "93", "open_on": "2026-12-01"}),
    )
    for answer in (asked, corrected):
        assert (answer["notice"]["id"], answer["notice"]["deadline"][:10]) == ("26-130101", "2027-01-04")
        assert "26-131010 fait partie de l'avis 26-130101" in answer["hint"]
    assert [len(asked["lots"]), asked["notice"]["lots"], asked["notice"]["reserved"]] == [3, 3, ["1"]]
    assert cancelled["notice"]["id"] == "26-127700" and "Marché annulé (26-130877)" in cancelled["hint"]
    assert still["total"] == 0
    assert "26-130101" in (ids := [item["id"] for item in listed["items"]]) and "26-131010" not in ids


def test_of_a_notice_one_lot_is_asked_and_nothing_is_dropped_in_silence(folder: Path) -> None:
    of_lots = {"notice_id": "26-130377"}
    third, far, *pages, owed, nowhere, several, few, groups, others = told_by(
        folder,
        ("find_structures_for_need", {**of_lots, "lot": "3", "n": 2}),
        ("find_structures_for_need", {**NOTICE, "place": "Lyon"}),
        *(("find_opportunities", {"siret": "00010032100017", "n": 4, "offset": start}) for start in (0, 4)),
        ("find_insertion_hours", NOTICE),
        ("find_structures_for_need", {"need": "nettoyage de locaux"}),
        ("find_structures_for_need", {"need": "nettoyage de locaux à Beaumont"}),
        ("find_structures_for_need", {"need": "tonte", "place": "Guéret", "kinds": ["EA"]}),
        ("propose_groups", {**of_lots, "n": 10}),
        ("propose_groups", {**of_lots, "offset": 1}),
    )
    assert [lot["lot"]["number"] for lot in third["lots"]] == ["3"]
    assert far["notice"]["places"] == ["Lyon"] and far["lots"][0]["nobody"]
    lots = {(item["notice"]["id"], item["lot"]["number"]) for page in pages for item in page["items"]}
    assert len(lots) == pages[0]["total"] and "offset=4" in pages[0]["cut"]
    assert owed["hint"].endswith(results.TEXTS["no_hours"]) and nowhere["note"].startswith(
        "Aucun lieu n'est lu"
    )
    assert several["hint"].startswith("Le lieu lu dans le besoin peut être Beaumont (63)")
    assert "sans kinds ou" in few["hint"] and "radius_km" not in few["hint"]
    assert "consortia (" in groups["cut"] and "offset=1" in groups["cut"]
    assert others["consortia"][0] != groups["consortia"][0]


def test_whom_an_answer_names_is_told_with_source_and_place(folder: Path) -> None:
    both = {"need": "espaces verts et nettoyage de bureaux", "place": "Pantin"}
    year = {"need": "espaces verts pendant un an à Pantin", "amount": 60_000}
    groups, why, lots, ending, none, misspelt, town, title, buyer, listed, study, rest = told_by(
        folder,
        ("propose_groups", NEED),
        ("explain_structure", {"siret": SIRET, **NEED}),
        ("find_structures_for_need", {**both, "n": 1}),
        ("find_ending_contracts", {"n": 2}),
        ("find_ending_contracts", {"buyer": "Wyvern"}),
        ("search_structures", {"q": "Sentiers Ourq"}),
        ("search_structures", {"q": "Pantain"}),
        ("search_notices", {"q": "netoyage"}),
        ("search_notices", {"buyer": "commune de pantain"}),
        ("search_notices", {"q": "routage"}),
        *(("study_purchase", {**year, "n": 2, "offset": n}) for n in (0, 2)),
    )
    member = groups["consortia"][0]["members"][0]
    assert member["town"] and member["contact"] and member["role"] and member["lots"]
    assert all("structures (2026-09-15)" in each["sources"] for each in (groups, why))
    assert [each["name"] for each in lots["lots"][1]["asking"]] == ["Nouvel Élan"]
    assert all(holder["name"] for item in ending["items"] for holder in item["holders"])
    assert none["hint"] == results.TEXTS["no_contract"]
    for near, read_as in ((misspelt, "sentiers ourcq"), (town, "pantin")):
        assert near["items"][0]["siret"] == SIRET and f"« {read_as} »" in near["hint"]
    for near, read_as in ((title, "nettoyage"), (buyer, "commune de pantin")):
        assert near["total"] and f"« {read_as} »" in near["hint"]
    assert [item["repeats"] for item in listed["items"] if "repeats" in item] == [["26-130610"]]
    assert [len(page["lots"][0]["first"]) for page in (study, rest)] == [2, 1]
    assert study["hint"] == "Durée lue dans le besoin : 12 mois."


def test_a_list_is_read_on_by_offset_and_a_siret_is_taken_as_papers_print_it(folder: Path) -> None:
    first, second, beyond, head, following, structure, nobody = told_by(
        folder,
        *(("search_notices", {"n": 2, "offset": start}) for start in (0, 2, 149)),
        *(("find_structures_for_need", {**NEED, "n": 1, "offset": start}) for start in (0, 1)),
        ("get_structure", {"siret": "000 100 016 00013"}),
        ("search_structures", {"q": "zyxomma"}),
    )
    ids = [item["id"] for page in (first, second) for item in page["items"]]
    assert len(set(ids)) == 4 and "Tout a été lu" in beyond["hint"]
    ranks = [match["rank"] for answer in (head, following) for match in answer["lots"][0]["matches"]]
    assert ranks == [1, 2]
    assert structure["siret"] == SIRET
    assert nobody["hint"] == results.TEXTS["no_structure"]


def test_what_an_answer_leaves_out_is_counted_by_its_name() -> None:
    """Whole items go, the inner ones first: what is told of a lot, a team or a structure is never told in part."""
    teams = [{"members": [{"name": f"membre {k} de {n}"} for k in range(12)]} for n in range(40)]
    matches = [{"why": f"{n}" + "x" * 300} for n in range(4)]
    lots = [{"number": str(n), "matches": matches} for n in range(1, 30)]
    for answer, said in (({"consortia": teams}, "consortia ({})"), ({"lots": lots}, "lots ({})")):
        (name, items), text = next(iter(answer.items())), results.text_of(results.of(answer), {"offset"})
        kept = json.loads(text)
        rest = kept["answer"][name]
        assert len(text.encode()) <= results.MOST and len(items) > len(rest) > 0
        assert said.format(len(items) - len(rest)) in kept["cut"] and "offset=" in kept["cut"]
        assert all(len(team["members"]) == 12 for team in rest if "members" in team)
    assert all(len(lot["matches"]) == 1 for lot in rest) and "matches du lot 1 (3)" in kept["cut"]
    aside = {"first": [{"name": "a" * 300}] * 5, "assumed": [f"{k}" * 900 for k in range(10, 20)]}
    cut = json.loads(results.text_of(results.of(aside), {"n", "offset"}))["cut"]
    assert "assumed (" in cut and "n=1 laisse la place" in cut


def test_the_first_question_waits_for_what_loads() -> None:
    async def answers(scope: Any, receive: Any, send: Any) -> None:
        told.append(loaded.is_set())
        media = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": media})
        await send({"type": "http.response.body", "body": b"{}"})

    told: list[bool] = []
    app, loaded = FastAPI(), threading.Event()
    app.state.warmed = loaded
    app.mount("/v1", answers)
    api = Api(app)

    async def work() -> None:
        async with api.open():
            threading.Timer(0.2, loaded.set).start()
            await api.ask("GET", "/law")

    asyncio.run(work())
    assert told == [True]


def test_a_catalogue_without_notices_says_so_and_not_to_ask_with_fewer_words() -> None:
    class Bare(Api):
        async def ask(self, method: str, path: str, **more: Any) -> Any:
            return {"total": 0, "items": []}

    tools = Tools(Bare())
    notices, contracts = (
        asyncio.run(asked)["answer"]["hint"]
        for asked in (tools.search_notices(q="tonte"), tools.find_ending_contracts(buyer="Pantin"))
    )
    assert notices == results.TEXTS["no_notices"] and "aucun avis" in notices
    assert contracts == results.TEXTS["no_contracts"]


def test_that_a_trade_is_not_stated_is_told_and_what_tells_nothing_is_not() -> None:
    def reason(code: str, text: str) -> dict[str, Any]:
        return {"code": code, "text": text, "contribution": -0.2, "tells": False}

    told, empty = "ne dit pas ce métier : à demander", "lot non réservé"
    assert results.pruned([reason("likely_trade", told), reason("reservation", empty)], {}) == [told]
