"""Observability: one structured log line for each request, and Prometheus metrics."""

import hashlib
import hmac
import json
import logging
import secrets
import sys
import time
from collections.abc import Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from matcher.outreach.states import MOVES
from service.limits import address_of, route_of
from service.settings import Settings

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message", "taskName"}


class JsonFormatter(logging.Formatter):
    """JSON lines: time, level, message, the facts given as `extra`; never a body, a key or an address."""

    def format(self, record: logging.LogRecord) -> str:
        facts: dict[str, Any] = {
            "at": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "what": record.getMessage(),
        }
        facts |= {k: v for k, v in vars(record).items() if k not in _STANDARD}
        if record.exc_info and record.exc_info[0]:
            facts["error"] = self.formatException(record.exc_info)
        return json.dumps(facts, ensure_ascii=False, default=str)


def set_up_logs(settings: Settings) -> None:
    """Log lines on stderr, which replace the access log of the server."""
    logger = logging.getLogger("service")
    logger.setLevel(settings.log_level)
    if not logger.handlers:
        handler = logging.StreamHandler(sys.stderr)
        if settings.log_format == "json":
            handler.setFormatter(JsonFormatter())
        logger.addHandler(handler)
    logger.propagate = False


#: Figure of the last run, or of what waits (`review.night`) -> what it is.
NIGHT: Mapping[str, str] = {
    "last_run_seconds": "When the last run ended, in seconds since 1970; 0 before the first",
    "source_up": "Did the notices of the last run arrive: 0 where the source is down or stale",
    "digests": "Digests of the last run",
    "told_lots": "Lots that the last run announced",
    "failed": "Digests refused by the mail server in thirty days",
    "suppressed": "Addresses that nothing is sent to since they bounced",
    "waiting_letters": "Letters of the pages that wait",
}


class Metrics:
    """The metrics of one application."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)  # memory, CPU, open files
        labels = ["method", "route", "status"]
        self.requests = Counter("maillage_requests_total", "Requests", labels, registry=registry)
        powers = [0.005 * 2**n for n in range(11)]  # 5 ms to 5 s
        self.seconds = Histogram(
            "maillage_request_seconds", "Time of a request", ["route"], buckets=powers, registry=registry
        )
        nobody = "Lots answered by nobody"
        self.nobody = Counter("maillage_lots_without_anyone_total", nobody, registry=registry)

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(f"maillage_{name}", text, labels, registry=registry)

        self.running = gauge("requests_running", "Requests under way")
        self.structures = gauge("structures", "Structures in the catalogue")
        self.notices = gauge("notices", "Notices indexed")
        self.swaps = gauge("catalogue_loads", "Catalogues loaded since the start")
        self.processes = gauge("matching_processes", "Processes that match")
        self._night = {name: gauge(f"night_{name}", text) for name, text in NIGHT.items()}
        states = (
            "Digests kept, by state: held for the operator, ready (waiting), sending (doubtful after a crash)"
        )
        self._digests = gauge("digests", states, "state")

    def set_night(self, figures: Mapping[str, float], states: Mapping[str, int]) -> None:
        """The last run and the mails, as they stand at a scrape."""
        for name, value in figures.items():
            self._night[name].set(value)
        for state in MOVES:
            self._digests.labels(state).set(states.get(state, 0))


REFUSED = frozenset({401, 403, 429})


class RequestLog:
    """Counts and logs each request, refusals with who asked; its answer carries its identifier."""

    def __init__(self, app: ASGIApp, metrics: Metrics, secret: str) -> None:
        self.app, self.metrics, self.secret = app, metrics, secret
        self.log = logging.getLogger("service.request")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        identifier, begun, status = secrets.token_hex(8), time.perf_counter(), 500

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", identifier.encode())]
            await send(message)

        self.metrics.running.inc()
        try:
            await self.app(scope, receive, answer)
        finally:
            self.metrics.running.dec()
            seconds = time.perf_counter() - begun
            # the template, never the address: an address may hold a search, a SIRET, a token
            route = route_of(scope)
            method = scope["method"] if scope["method"].isalpha() else "?"
            self.metrics.requests.labels(method, route, status).inc()
            self.metrics.seconds.labels(route).observe(seconds)
            facts = {"id": identifier, "method": scope["method"], "route": route, "status": status}
            if status in REFUSED:  # who asked: the public part of the key, else a mark of the address
                mark = hmac.new(self.secret.encode(), address_of(scope).encode(), hashlib.sha256).hexdigest()
                facts["by"] = scope.get("state", {}).get("actor") or f"address:{mark[:12]}"
            self.log.info("request", extra={**facts, "ms": round(1000 * seconds, 1)})
