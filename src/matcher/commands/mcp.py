"""`matcher mcp`: the service as tools for assistants, by the Model Context Protocol."""

import logging
import os
from pathlib import Path
from typing import Annotated, Any

import anyio
import uvicorn
from cachetools import TTLCache
from service.assistant.server import Api, build
from service.connections import SERVER, free_port
from service.limits import hosts_of
from service.settings import read
from typer import Option

from matcher.console import say
from matcher.domain import BadInput
from service import handlers, limits


def run(
    http: Annotated[bool, Option("--http", help="Serve HTTP at /mcp, not stdio.")] = False,
    host: Annotated[str, Option(help="Address to listen on, with --http.")] = "127.0.0.1",
    port: Annotated[int, Option(min=1, max=65535, help="Port, with --http.")] = 8010,
    url: Annotated[str, Option(help="Ask the service at this address instead.")] = "",
    catalogue: Annotated[Path | None, Option(help="Its folder; default var/catalogue.")] = None,
) -> None:
    """Serve tools to assistants: who could answer a need, and why; partners, groups, notices, opportunities,
    hours of insertion, contracts that end.

    Over standard input and output the key is that of MATCHER_KEY; over HTTP each caller sends its own.

    \b
    matcher mcp --catalogue var/catalogue
    matcher mcp --http --port 8010
    MATCHER_KEY=mlg_... matcher mcp --url https://maillage.example.org
    """
    if url and not url.startswith(("http://", "https://")):
        raise BadInput(f"invalid --url {url!r}: expected https://HOST")
    if catalogue is not None:
        os.environ["MATCHER_CATALOGUE"] = str(catalogue)
    port = free_port(host, port) if http else port
    api = Api(None if url else _app(), url, os.environ.get("MATCHER_KEY", ""))
    server = build(api)
    anyio.run(_over_http, api, server, host, port) if http else anyio.run(_over_stdio, api, server)


def _app() -> Any:
    from service.app import create_app

    from matcher.catalogue.files import load_catalogue

    settings = read()
    load_catalogue(settings.catalogue)  # where there is none says so, before anyone asks
    app = create_app(settings)
    logging.getLogger("service").setLevel(logging.WARNING)  # standard error is shown by some assistants
    return app


async def _over_stdio(api: Any, server: Any) -> None:
    async with api.open():
        await server.run_stdio_async()


def _security() -> Any:
    """The names under which the tools may be asked, those of the service; None where it has no public address."""
    from mcp.server.transport_security import TransportSecuritySettings

    settings = read()
    named = [f"[{host}]" if ":" in host else host for host in hosts_of(settings)]
    if not named:  # the SDK then guards a server that listens on this machine alone
        return None
    hosts = [*named, *(f"{host}:*" for host in named)]
    origins = [f"{scheme}://{host}" for scheme in ("http", "https") for host in hosts]
    return TransportSecuritySettings(allowed_hosts=hosts, allowed_origins=[*origins, *settings.cors])


def _guarded(app: Any) -> Any:
    """The tools behind the limits of the service: hosts, rates, bytes, time."""
    proved: TTLCache[str, bool] = TTLCache(1, 1)  # the API proves keys, and counts by them
    return limits.Guard(app, settings=read(), proved=proved, shown=handlers.unheard)


def _logged(app: Any) -> Any:
    """The tools with a line of log for each answer of 400 or above: its status, never who asked what."""

    async def logged(scope: Any, receive: Any, send: Any) -> None:
        async def answer(message: Any) -> None:
            if message.get("status", 0) >= 400:
                logging.getLogger("service.tools").warning("answered with status %d", message["status"])
            await send(message)

        await app(scope, receive, answer)

    return logged


async def _over_http(api: Any, server: Any, host: str, port: int) -> None:
    asked = {"host": host, "stateless_http": True, "json_response": True}
    app = _logged(_guarded(server.streamable_http_app(**asked, transport_security=_security())))
    running = uvicorn.Server(uvicorn.Config(app, host=host, port=port, **SERVER))
    async with api.open():
        await api.ready()  # the first question does not wait for the catalogue
        say(f"tools at http://{host}:{port}/mcp (Ctrl-C ends it)")
        await running.serve()
