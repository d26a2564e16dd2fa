"""The application: `uvicorn --factory service.app:create_app`, or `matcher serve`."""

import asyncio
import contextlib
import gc
import logging
import sys
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from functools import partial
from typing import Any

import anyio.to_thread
from cachetools import TTLCache
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.staticfiles import StaticFiles
from sqlalchemy.exc import SQLAlchemyError
from starlette.types import ASGIApp, Receive, Scope, Send

from matcher.domain import MatcherError, __version__
from matcher.outreach import delivery
from matcher.outreach.sourcing import questions
from matcher.reading import confined
from matcher.records import self_declared
from matcher.records.store import Busy, Store, now
from matcher.reference import paths
from service import access, handlers, limits, observability, page, routes
from service.page import alert, buyer
from service.routes import webhooks
from service.routes.jobs import Jobs
from service.settings import Settings, mail_transport, read
from service.snapshot import Serving, warm

log = logging.getLogger("service")
CORS: dict[str, Any] = {"allow_methods": ["GET", "POST", "PUT", "DELETE"]}
CORS["allow_headers"] = "authorization x-api-key content-type idempotency-key if-none-match".split()
CORS["expose_headers"] = "etag x-request-id retry-after ratelimit ratelimit-policy".split()
READERS = 16  # threads of requests that only read
SWITCH = 0.0001  # seconds after which a thread that computes lets another one work
DESCRIPTION = """Match French public tenders to structures of the social and solidarity economy, and propose with whom
to answer.  Errors are problem+json.  The order of a list is an order of presentation: it does not prejudge the choice."""


def create_app(settings: Settings | None = None) -> FastAPI:
    """A service over one catalogue.  Without settings: those of the environment, `var/catalogue`, loopback.

    Raises BadInput, naming the variable, on an invalid setting, StaleArtefact for a model that is not whole.
    """
    settings = settings or read()
    paths.model()  # a model that is missing or damaged is a refusal to start
    observability.set_up_logs(settings)
    about: dict[str, Any] = {"title": "Maillage", "version": __version__, "description": DESCRIPTION}
    app = FastAPI(**about, lifespan=_lifespan, docs_url=None, redoc_url=None)
    app.state.settings = settings
    app.state.serving = Serving(settings)
    app.state.store = None
    transport = mail_transport(settings)

    mails = partial(delivery.drain, rules=transport, settle=questions.SETTLE)
    app.state.mailer = Sender("mail", app, mails, lambda _: alert.look(app))
    events = partial(webhooks.drain, hosts=settings.webhook_hosts)
    app.state.webhooks = Sender("webhooks", app, events, webhooks.look)
    app.state.jobs = Jobs(settings.workers_jobs, lambda job: webhooks.job_finished(app, job))
    app.state.ended = TTLCache(maxsize=100_000, ttl=access.SESSION_SECONDS)
    app.state.proved = TTLCache(maxsize=10_000, ttl=limits.PROVED_SECONDS)
    app.state.acts = {act: tuple(map(limits.Rate, rates)) for act, rates in limits.ACTS.items()}
    app.state.metrics = observability.Metrics()
    app.state.warmed = threading.Event()  # readiness waits for it
    handlers.install(app)
    routes.include(app)
    page.include(app)
    app.mount("/static", StaticFiles(directory=page.STATIC), name="static")
    # the middleware added last runs first: RequestLog sees everything, Guard refuses before the application works
    if settings.cors:
        app.add_middleware(CORSMiddleware, allow_origins=list(settings.cors), **CORS)
    app.add_middleware(GZipMiddleware, minimum_size=1_000, compresslevel=5)
    app.add_middleware(HeadAsGet)
    app.add_middleware(limits.Guard, settings=settings, proved=app.state.proved, shown=handlers.unheard)
    app.add_middleware(observability.RequestLog, metrics=app.state.metrics, secret=settings.secret)
    return app


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    serving: Serving = app.state.serving
    # requests that compare or write are queued (service.limits); requests that only read get a thread immediately
    threads = app.state.settings.at_once + limits.LONG_ONES + limits.SEARCHERS + limits.WRITERS + READERS
    anyio.to_thread.current_default_thread_limiter().total_tokens = threads
    sys.setswitchinterval(SWITCH)
    for refresh in (refreshed := (_refresh_catalogue, _refresh_store)):
        await anyio.to_thread.run_sync(refresh, app)
    if serving.current is None:
        log.warning(serving.refusal)
    warming = asyncio.create_task(anyio.to_thread.run_sync(_warm, app))
    for sender in (senders := (app.state.mailer, app.state.webhooks)):
        sender.start()
    # apart: a catalogue that is loaded holds up neither denials nor the ends of sessions
    watchers = [asyncio.create_task(_watch(app, refresh)) for refresh in refreshed]
    try:
        yield
    finally:
        serving.close()
        for watcher in watchers:
            watcher.cancel()
        await asyncio.gather(warming, *watchers, return_exceptions=True)
        app.state.jobs.close()
        for sender in senders:
            await anyio.to_thread.run_sync(sender.close)
        if app.state.store is not None:
            app.state.store.close()


def _warm(app: FastAPI) -> None:
    """Prepare, while the first requests are answered, what others would wait for; then the service is ready.

    Last the processes that read uploads and that match; where the former cannot start, the first upload says so.
    """
    serving: Serving = app.state.serving
    try:
        for route in app.routes:  # FastAPI analyses the parameters of a router when it is first asked for
            route.matches({"type": "http", "method": "GET", "path": "/", "root_path": "", "headers": []})
        if serving.current is not None:
            warm(serving.current.matcher)
            page.warm()
    finally:
        gc.freeze()  # what a start makes stays
        gc.enable()
        app.state.warmed.set()
    with contextlib.suppress(OSError):
        confined.start()
    serving.staff()
    if serving.current is not None:
        buyer.examples_of(serving.current)  # what the home proposes: readiness does not wait for it


def _refresh_catalogue(app: FastAPI) -> None:
    app.state.serving.refresh()
    if app.state.warmed.is_set():
        app.state.serving.staff()


def _refresh_store(app: FastAPI) -> None:
    """Apply what structures have denied, and which sessions have ended, in this process or in another."""
    serving: Serving = app.state.serving
    try:
        if app.state.store is None and self_declared.exists(app.state.settings.store):
            app.state.store = Store.open(app.state.settings.store)
        if app.state.store is not None:
            serving.apply_denials(app.state.store)
            since = now() - timedelta(seconds=access.SESSION_SECONDS)
            app.state.ended.update(dict.fromkeys(access.ended_since(app.state.store, since), True))
    except (MatcherError, SQLAlchemyError) as error:
        later = "the store cannot be read: what structures deny is applied later"
        log.warning(later, extra={"why": str(error)[:300]})


async def _watch(app: FastAPI, refresh: Callable[[FastAPI], None]) -> None:
    """Refresh every `reload_seconds`."""
    while True:
        await asyncio.sleep(app.state.settings.reload_seconds)
        try:
            await anyio.to_thread.run_sync(refresh, app)
        except Exception:  # one bad folder must not end the watch
            log.exception("reload failed")


class HeadAsGet:
    """HEAD wherever there is GET: the same status and headers; the server itself leaves the body out."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope = {**scope, "method": "GET"} if scope.get("method") == "HEAD" else scope
        await self.app(scope, receive, send)


AGAIN = 30.0  # seconds before a retry
SOON = 1.0  # while another process is sending


class Sender:
    """Empties a queue when woken, and every half minute; before that `look` may queue more."""

    def __init__(
        self, name: str, app: FastAPI, drain: Callable[[Store], Counter[str]], look: Callable[[Store], None]
    ) -> None:
        self._name, self._app, self._drain, self._look = name, app, drain, look
        self._woken, self._ended = threading.Event(), False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, or begin again after `close`."""
        self._ended = False
        self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        self._thread.start()

    def wake(self) -> None:
        self._woken.set()

    def close(self) -> None:
        """End after what is being sent."""
        self._ended = True
        self._woken.set()
        if self._thread is not None:
            self._thread.join(timeout=20)

    def _run(self) -> None:
        while not self._ended:
            self._woken.clear()
            self._woken.wait(self._empty())

    def _empty(self) -> float:
        """Send what waits; returns the seconds after which to look again."""
        store: Store | None = self._app.state.store
        if store is None:
            return AGAIN
        try:
            self._look(store)
        except Exception as error:  # what waits leaves all the same, and the thread goes on
            log.exception("who is to be told could not be found", exc_info=error)
        try:
            counts = self._drain(store)
        except Busy:
            return SOON
        except (MatcherError, SQLAlchemyError, OSError) as error:
            log.warning(f"{self._name} cannot leave now: all stays queued", extra={"why": str(error)[:300]})
            return AGAIN
        if counts:
            log.info(self._name, extra={"outcomes": dict(counts)})
        return SOON if counts["more"] else AGAIN
