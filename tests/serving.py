"""A catalogue on disk with its notices, and the service on a free port, for tests that ask over the network."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from service.app import create_app
from service.settings import Settings

from matcher.catalogue.catalogue import Catalogue
from matcher.catalogue.files import save_catalogue
from matcher.reading import gather


def indexed(folder: Path, catalogue: Catalogue, found: gather.Gathered) -> Path:
    """The folder, which now holds `catalogue/` with its notices."""
    save_catalogue(catalogue, folder / "catalogue")
    gather.save_notices(found.tenders, folder / "catalogue")
    return folder


def settings_of(catalogue: Path, home: Path, **more: Any) -> Settings:
    """Settings of a service of the tests: its store and its outbox in `home`, and no lines of log."""
    own = {"store": f"sqlite:///{home / 'store.sqlite'}", "outbox": home / "outbox", "log_level": "ERROR"}
    return Settings(catalogue=catalogue, **own | more)


@contextmanager
def listening(app: Any, port: int = 0, **more: Any) -> Iterator[int]:
    """The port of a server of this application, run in a thread without its lifespan."""
    server = uvicorn.Server(uvicorn.Config(app, port=port, lifespan="off", **more))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    while not server.started:
        time.sleep(0.02)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def serving(settings: Settings, port: int = 0) -> Iterator[str]:
    """The address of the service with these settings, on a free port by default, once it is ready."""
    app = create_app(settings)
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.02)
        app.state.warmed.wait()
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
