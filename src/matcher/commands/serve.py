"""`matcher serve`: the API and the pages."""

import gc
import os
import secrets
from pathlib import Path
from typing import Annotated

import uvicorn
from service.connections import SERVER, free_port
from service.settings import read
from typer import Option

from matcher.console import say
from matcher.domain import BadInput


def run(
    host: Annotated[
        str, Option(help="Address to listen on; beyond loopback a key is required.")
    ] = "127.0.0.1",
    port: Annotated[int, Option(min=0, max=65535, help="Port; 0 picks a free one.")] = 8000,
    processes: Annotated[
        int | None, Option(min=0, max=256, help="That match; default one a processor.")
    ] = None,
    workers: Annotated[int, Option(min=1, max=64, help="Whole services; a job stays in one.")] = 1,
    catalogue: Annotated[Path | None, Option(help="Its folder; default var/catalogue.")] = None,
) -> None:
    """Serve the catalogue: pages at /, the API under /v1, its documentation at /docs.

    \b
    matcher serve
    matcher serve --host 0.0.0.0 --port 8080 --catalogue /srv/maillage/catalogue
    """
    if catalogue is not None:
        os.environ["MATCHER_CATALOGUE"] = str(catalogue)
    # none where there is one, or as many services as processors
    each = len(os.sched_getaffinity(0)) // workers
    os.environ.setdefault("MATCHER_PROCESSES", str(each if each > 1 else 0))
    if processes is not None:
        os.environ["MATCHER_PROCESSES"] = str(processes)
    # every process signs with the same secret
    os.environ.setdefault("MATCHER_SECRET", secrets.token_urlsafe(32))
    port = free_port(host, port)
    settings = read()
    if settings.unnamed:
        missing = ", ".join(settings.unnamed)
        raise BadInput(
            f"{settings.public_url} is public: say who answers for it in {missing} (docs/operation.md)"
        )
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - only compared
    pages = "(pages /, API /v1, documentation /docs; Ctrl-C ends)"
    say(f"loading {settings.catalogue}, to serve it on http://{shown}:{port} {pages}")
    gc.disable()  # until it is ready: what a start makes stays, and searches through it take a fifth of it
    app = "matcher.commands._service:create_app"
    uvicorn.run(app, factory=True, host=host, port=port, workers=workers, **SERVER)
