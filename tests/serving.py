"""A catalogue on disk with its notices, and the service on a free port, for tests that ask over the network."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from socketserver import ThreadingTCPServer
from typing import Any

import jsonschema
import uvicorn
from service.app import create_app
from service.settings import Settings

from matcher.catalogue.catalogue import Catalogue
from matcher.catalogue.files import save_catalogue
from matcher.reading import gather
from service import routes


def indexed(folder: Path, catalogue: Catalogue, found: gather.Gathered) -> Path:
    """The folder, which now holds `catalogue/` with its notices."""
    save_catalogue(catalogue, folder / "catalogue")
    gather.save_notices(found.tenders, folder / "catalogue")
    return folder


def settings_of(catalogue: Path, home: Path, **more: Any) -> Settings:
    """Settings of a service of the tests: its store and its outbox in `home`, and no lines of log."""
    own = {"store": f"sqlite:///{home / 'store.sqlite'}", "outbox": home / "outbox", "log_level": "ERROR"}
    return Settings(catalogue=catalogue, **own | more)


def until(met: Callable[[], bool], seconds: float = 400) -> None:
    """Wait for it, as long as a busy machine takes."""
    end = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < end
        time.sleep(0.02)


@contextmanager
def listening(app: Any, port: int = 0, lifespan: str = "off", **more: Any) -> Iterator[int]:
    """The port of a server of this application, run in a thread, without its lifespan by default."""
    server = uvicorn.Server(uvicorn.Config(app, port=port, lifespan=lifespan, **more))  # type: ignore[arg-type]
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until(lambda: server.started)
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def serving(settings: Settings, port: int = 0) -> Iterator[str]:
    """The address of the service with these settings, on a free port by default, once it is ready."""
    app = create_app(settings)
    with listening(app, port, "on", log_level="error") as port:
        app.state.warmed.wait()
        yield f"http://127.0.0.1:{port}"


@contextmanager
def at_work(server: ThreadingTCPServer) -> Iterator[None]:
    """A small server of the tests answers, in threads of its own, until the block ends."""
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    with server:
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


def as_documented(event: dict[str, Any]) -> dict[str, Any]:
    """An event that a webhook was sent: fails where it is not what the schema of the API says of it."""
    told = json.loads(Path(routes.__file__).parents[1].joinpath("contract.json").read_text(encoding="utf-8"))
    request = told["webhooks"][event["type"]]["post"]["requestBody"]
    jsonschema.validate(event, request["content"]["application/json"]["schema"])
    return event
