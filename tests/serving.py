"""A catalogue on disk with its notices, and the service on a free port, for tests that ask over the network."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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
