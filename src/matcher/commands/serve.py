"""`matcher serve`: the API and the pages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def run(
    host: Annotated[
        str, typer.Option(help="Address to listen on; beyond loopback a key is required.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 picks a free one.")] = 8000,
    processes: Annotated[
        int | None,
        typer.Option(min=0, max=256, help="That match; by default one a processor, none where there is one."),
    ] = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Whole services; a job stays in one.")] = 1,
    catalogue: Annotated[Path | None, typer.Option(help="Its folder; default var/catalogue.")] = None,
) -> None:
    """Serve the catalogue: pages at /, the API under /v1, its documentation at /docs.

    \b
    matcher serve
    matcher serve --host 0.0.0.0 --port 8080 --catalogue /srv/maillage/catalogue
    """
    import gc
    import os
    import secrets

    import uvicorn

    from matcher.console import say

    if catalogue is not None:
        os.environ["MATCHER_CATALOGUE"] = str(catalogue)
    os.environ.setdefault("MATCHER_PROCESSES", str(_processes(workers)))
    if processes is not None:
        os.environ["MATCHER_PROCESSES"] = str(processes)
    # every process signs with the same secret
    os.environ.setdefault("MATCHER_SECRET", secrets.token_urlsafe(32))
    from service.connections import SERVER
    from service.settings import read

    settings = read()
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - only compared
    say(
        f"serving {settings.catalogue} on http://{shown}:{port} (Ctrl-C ends it; pages /, API /v1, documentation /docs)"
    )
    gc.disable()  # until it is ready: what a start makes stays, and searches through it take a fifth of it
    uvicorn.run("service.app:create_app", factory=True, host=host, port=port, workers=workers, **SERVER)


def _processes(workers: int) -> int:
    """One a processor; none where there is one, or as many services as processors."""
    import os

    mine = len(os.sched_getaffinity(0)) // workers
    return mine if mine > 1 else 0
