"""Limits and headers applied to every request: rate, bytes, time, turns of what computes."""

import asyncio
import contextlib
import hashlib
import ipaddress
import logging
import math
import re
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Mapping
from functools import lru_cache
from urllib.parse import urlsplit

from cachetools import TTLCache
from python_multipart.multipart import parse_options_header
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from limits import parse
from matcher.reference import deadline
from service.problems import Refused
from service.settings import LOOPBACK, Settings

log = logging.getLogger("service")
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
}
SECURE = {"Strict-Transport-Security": "max-age=31536000; includeSubDomains"}  # where reached by https
AT_ONCE = "at once: try again in a few seconds"
PROVED_SECONDS = 600  # for which a token that was proved counts by itself, and not by its address
FAILURES = "30/minute"  # keys and tokens refused, by address
#: What anybody may cause without a key, an hour: by the network that asks, by whom it reaches, in all.
ACTS = {
    "letter": ("20/hour", "5/hour", "300/hour"),
    "claim": ("10/hour", "5/hour", "200/hour"),
    "record": ("60/hour", "600/hour", "600/hour"),
}
CALLERS = 100_000  # whose requests are counted at once
BODY_SECONDS = 15.0  # for a body to arrive
SEND_SECONDS = 30.0  # for a part of an answer to be taken
HELD = 64_000_000  # bytes of all bodies being received
HELD_BY_ONE = 24_000_000  # of them, by address
SMALL = 65_536  # bytes of a body that is received whatever others send
ENCODINGS = frozenset({"utf-8", "utf8", "us-ascii", "iso-8859-1", "latin-1", "windows-1252"})
WAITING = 64  # requests that wait for their turn; further ones are refused
WAITING_OF_ONE = 32  # of them, of one caller
MAX_FIELDS = 100_000  # of a JSON body: more is no notice
WRITERS = 4  # concurrent requests that write
LONG = 10_000  # bytes of a body beyond which what is compared is long; so is every file
SEARCHERS = 2  # concurrent searches by name
LONG_ONES = 2  # concurrent comparisons of files and of long texts
# a form's part that is a file, and not an empty field for one
FILE = re.compile(rb'filename\*?=(?:"[^"]|[^"\s;])')
#: A surrogate, as JSON escapes it, without its other half.
HALVES = re.compile(
    rb"(?<!\\)(?:\\\\)*(?:\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F])"
)
#: Routes that compare lots with structures: queued, so that reads never wait for them.
HEAVY = re.compile(
    r"POST /(?:v1/(?:match|consortium|partners|leads|explain|cpv|sourcing$|territory)|acheteur$|acheteur/(?:fiches|corriger|cochees)$|acheteur/alerte/[^/]+$|territoire|structure/\d+/brochure)"
    r"|GET /(?:acheteur/(?:r/|comparer|favoris|structure|liste\.|imprimer|alerte/[^/]+$|relance)|v1/(?:explain|exposure|renewals|territory/(?:map|needs)|sourcing/[^/]+/replay)|territoire"
    r"|renouvellements|exploitant/exposition"
    r"|v1/structures/\d+/opportunities|structure/\d+(?:/partenaires)?$)"
)
SEARCH = frozenset({"GET /v1/structures", "GET /structure"})  # by name, through all of the catalogue
#: Routes that write or read whole records, thousands of lines each: queued with what is long.
RECORDS = re.compile(r"GET /(?:acheteur/fiches|v1/sourcing)/[^/]+(?:/export[./]\w+|/verify|/note)?$")
LIMITED = re.compile("/(?:v1/(?!health)|mcp)")  # answers that tell their caller of its limit
LOCAL = LOOPBACK | {"testserver"}


Shown = Callable[[Scope, int, str, Mapping[str, str]], ASGIApp]


class Rate:
    """Requests of each caller in a moving window, such as "30/minute"."""

    def __init__(self, rate: str) -> None:
        item = parse(rate)
        self.most: int = item.amount
        self.seconds: float = item.get_expiry()
        self._seen: TTLCache[str, deque[float]] = TTLCache(CALLERS, ttl=self.seconds)

    def left(self, caller: str) -> tuple[int, float]:
        """How many more requests this caller may make, and in how many seconds its oldest ends to count."""
        times, moment = self._seen.get(caller) or deque[float](), time.monotonic()
        while times and times[0] + self.seconds <= moment:
            times.popleft()
        return self.most - len(times), times[0] + self.seconds - moment if times else 0.0

    def wait(self, caller: str) -> float:
        """Seconds until this caller may ask again; 0 where it may now."""
        left, seconds = self.left(caller)
        return 0.0 if left else seconds

    def count(self, caller: str) -> None:
        """Count a request."""
        times = self._seen.get(caller) or deque(maxlen=self.most)
        times.append(time.monotonic())
        self._seen[caller] = times  # kept for a window from now on

    def fields(self, caller: str) -> dict[str, str]:
        """The fields that tell a caller of its limit (draft-ietf-httpapi-ratelimit-headers).

        What is left and for how long are `r` and `t` until draft 11, `a` and `w` in the next; unknown parameters are ignored.
        """
        left, seconds = self.left(caller)
        soon = math.ceil(seconds)
        return {
            "RateLimit-Policy": f'"default";q={self.most};w={self.seconds:.0f}',
            "RateLimit": f'"default";r={left};t={soon};a={left};w={soon}',
        }


class Turns:
    """Places for requests under way, and a bounded queue for those that wait.

    The last free place is for a caller who holds none: long requests of one visitor never keep all others waiting.
    """

    def __init__(self, places: int, most: int, most_of_one: int) -> None:
        self._places = self._free = places
        self._most, self._most_of_one = most, most_of_one
        self._held: Counter[str] = Counter()
        self._queue: list[tuple[str, asyncio.Future[None]]] = []

    async def take(self, caller: str, seconds: float) -> None:
        """Wait for a place.  Raises TimeoutError where none is free in time, at once where no more may wait."""
        if self._may(caller):  # whoever waits may not: else `give` would have let them in
            self._enter(caller)
            return
        waiting = sum(name == caller for name, _ in self._queue)
        if len(self._queue) >= self._most or waiting >= self._most_of_one:
            raise TimeoutError
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append((caller, turn))
        try:
            async with asyncio.timeout(seconds):
                await turn
        except BaseException:
            if turn.done() and not turn.cancelled():
                self.give(caller)  # it came as the wait ended
            else:
                self._queue.remove((caller, turn))
            raise

    def _may(self, caller: str) -> bool:
        """May this caller have a place now?"""
        return self._free > 1 or (self._free == 1 and (self._places == 1 or not self._held[caller]))

    def _enter(self, caller: str) -> None:
        self._free -= 1
        self._held[caller] += 1

    def give(self, caller: str) -> None:
        """Give a place back: to who waits and holds fewest, of these to the first."""
        self._held -= Counter({caller: 1})
        self._free += 1
        while waiting := [each for each in self._queue if not each[1].done()]:  # some just ended their wait
            name, turn = min(waiting, key=lambda each: self._held[each[0]])
            if not self._may(name):
                return
            self._queue.remove((name, turn))
            self._enter(name)
            turn.set_result(None)


class Guard:
    """Host, rate, body, turn and deadline, before and around the application; security headers on every answer.

    `shown` makes the answer of a refusal, by its status, detail and headers.
    """

    def __init__(self, app: ASGIApp, settings: Settings, proved: TTLCache[str, bool], shown: Shown) -> None:
        self.app, self.settings, self.shown = app, settings, shown
        self.asked, self.refused = Rate(settings.rate), Rate(FAILURES)
        self.proved = proved  # hashes of the tokens that were proved lately
        self.held: Counter[str] = Counter()  # bytes of the bodies on their way, by address
        places = {"heavy": settings.at_once, "long": LONG_ONES, "search": SEARCHERS, "write": WRITERS}
        self.turns = {lane: Turns(most, WAITING, WAITING_OF_ONE) for lane, most in places.items()}
        self.hosts = hosts_of(settings)
        self.always = HEADERS | (SECURE if settings.public_url.startswith("https:") else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers, started, status = Headers(scope=scope), False, 0
        private = not {"x-api-key", "authorization", "cookie"}.isdisjoint(headers.keys())

        async def answer(message: Message) -> None:
            nonlocal started, status
            if message["type"] == "http.response.start":
                started, status = True, message["status"]
                limited = LIMITED.match(scope["path"]) and not 300 <= status < 400
                fields = MutableHeaders(scope=message)
                for name, value in (self.always | (self.asked.fields(caller) if limited else {})).items():
                    fields.setdefault(name, value)
                if not scope["path"].startswith("/static"):  # personal answers are cached nowhere
                    fields["Cache-Control"] = (
                        "no-store" if private else fields.get("Cache-Control", "no-store")
                    )
            async with asyncio.timeout(SEND_SECONDS):  # a client that does not read its answer loses it
                await send(message)

        # a proved token, else the address, whatever tokens are made up
        mark = mark_of(token_of(headers))
        caller = mark if mark and mark in self.proved else address_of(scope)
        try:
            self._admit(scope, headers, caller)
            await self._run(scope, receive, answer, headers, caller)
        except Refused as refusal:
            if started:
                raise
            await self.shown(scope, refusal.status, refusal.detail, refusal.headers)(scope, receive, answer)
        except Exception as error:
            if started:
                raise
            log.error("internal error", exc_info=error, extra={"route": route_of(scope)})
            sentence = "internal error: it was logged; try again, or tell the operator"
            await self.shown(scope, 500, sentence, {})(scope, receive, answer)
        if status == 401 and token_of(headers):
            self.refused.count(address_of(scope))

    def _admit(self, scope: Scope, headers: Headers, caller: str) -> None:
        """Raises Refused for another host, a body that is too large or unreadable, and too many requests."""
        if self.hosts and host_of(headers.get("host", "")) not in self.hosts:
            raise Refused(400, "this host is not served here: use the public address of the service")
        length = headers.get("content-length", "0")
        if not (length.isascii() and length.isdecimal()):
            raise Refused(400, "Content-Length is no number", {"Connection": "close"})
        if int(length) > self.settings.max_body:
            raise Refused(413, self._too_large(), {"Connection": "close"})
        if "\0" in scope["path"] or b"%00" in scope.get("query_string", b""):
            raise Refused(400, "the address holds a null character: take it out")
        if scope["path"].startswith("/v1/health"):
            return
        scope.setdefault("state", {})["spent"] = bool(self.refused.wait(address_of(scope)))
        if wait := math.ceil(self.asked.wait(caller)):
            raise Refused(
                429, f"more than {self.settings.rate}: try again in {wait} s", {"Retry-After": str(wait)}
            )
        self.asked.count(caller)

    def _too_large(self) -> str:
        return f"the body is over {self.settings.max_body // 1_000_000} MB: send the notice alone, without its annexes"

    async def _run(self, scope: Scope, receive: Receive, send: Send, headers: Headers, caller: str) -> None:
        async with contextlib.AsyncExitStack() as stack:
            taken, body = await stack.enter_async_context(self._body(scope, receive, headers))
            lane = lane_of(scope, body)
            await stack.enter_async_context(self._turn(lane, caller))
            if scope["path"].endswith("/events"):  # a stream, which has bounds of its own
                await self.app(scope, taken, send)
                return
            await self._in_time(scope, taken, send, stack, lane)

    @contextlib.asynccontextmanager
    async def _body(
        self, scope: Scope, receive: Receive, headers: Headers
    ) -> AsyncIterator[tuple[Receive, bytes]]:
        """The complete body, before any work on it: a slow sender holds no thread."""
        if "content-length" not in headers and "transfer-encoding" not in headers:
            yield receive, b""
            return
        address, body = address_of(scope), bytearray()
        try:
            async with asyncio.timeout(BODY_SECONDS):
                more = True
                while more:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise Refused(400, "the body was cut: send it again")
                    part, more = message.get("body", b""), message.get("more_body", False)
                    body += part
                    self.held[address] += len(part)
                    if len(body) > self.settings.max_body:
                        raise Refused(413, self._too_large(), {"Connection": "close"})
                    crowded = self.held[address] > HELD_BY_ONE or self.held.total() > HELD
                    if crowded and len(body) > SMALL:
                        raise Refused(503, f"too many bodies {AT_ONCE}", {"Retry-After": "5"})
            whole = bytes(body)
            unfit(whole, headers.get("content-type", ""))
            scope.setdefault("state", {})["body"] = hashlib.sha256(whole).hexdigest()
            yield _given(whole, receive), whole
        except TimeoutError:
            raise Refused(
                408, "the body takes too long to arrive: send it again", {"Connection": "close"}
            ) from None
        finally:
            self.held[address] -= len(body)
            if self.held[address] <= 0:
                del self.held[address]

    @contextlib.asynccontextmanager
    async def _turn(self, lane: str, caller: str) -> AsyncIterator[None]:
        """A place among the requests of its kind; reads need none."""
        turns = self.turns.get(lane)
        if turns is None:
            yield
            return
        try:
            await turns.take(caller, self.settings.deadline)
        except TimeoutError:
            raise Refused(503, f"too many requests {AT_ONCE}", {"Retry-After": "5"}) from None
        try:
            yield
        finally:
            turns.give(caller)

    async def _in_time(
        self, scope: Scope, receive: Receive, send: Send, stack: contextlib.AsyncExitStack, lane: str
    ) -> None:
        """The application's answer; past the deadline a refusal, and its turn ends with its thread."""
        late = started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            if not late:
                await send(message)

        deadline.set_in(self.settings.deadline)
        work = asyncio.ensure_future(self.app(scope, receive, watched))
        try:
            done, _ = await asyncio.wait({work}, timeout=self.settings.deadline + 1)
        except asyncio.CancelledError:
            work.cancel()
            raise
        if done or started:
            await work
            return
        late = True
        kept = stack.pop_all()

        async def release() -> None:
            with contextlib.suppress(Exception):
                await work
            await kept.aclose()

        self._last = asyncio.ensure_future(release())
        why = deadline.LATE if lane in ("heavy", "long") else deadline.UNWRITTEN
        raise Refused(503, why, {"Retry-After": "30"})


def _given(body: bytes, receive: Receive) -> Receive:
    """A body that has arrived, then what comes after it."""
    waiting = [body]

    async def taken() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return taken


def unfit(body: bytes, media: str) -> None:
    """Raises Refused for what nothing should parse: odd encodings, too many fields, half characters."""
    charset = parse_options_header(media)[1].get(b"charset", b"").decode("latin-1").lower()
    if charset and charset not in ENCODINGS:
        raise Refused(415, "this encoding is not read here: send UTF-8")
    if "multipart/" in media:
        return
    if "urlencoded" in media:
        if b"%00" in body or b"\0" in body:
            raise Refused(400, "the form holds a null character: take it out")
        return
    if body.count(b'":') + body.count(b',"') > MAX_FIELDS:
        raise Refused(413, f"more than {MAX_FIELDS:,} fields: send one notice, or a shorter list")
    if b"\\u0000" in body or b"\0" in body:
        raise Refused(400, "the body holds a null character: take it out")
    if HALVES.search(body):
        raise Refused(400, "the body holds half of a character: send JSON in UTF-8")


def lane_of(scope: Scope, body: bytes) -> str:
    """ "heavy" for what matches ("long" where it brings a file or a long text), "write" for what changes something, else "read"."""
    method, path = scope["method"], scope["path"]
    route = f"{method} {path}"
    if RECORDS.match(route):
        return "long"
    if route in SEARCH:
        return "search"
    if HEAVY.match(route):
        return "long" if len(body) > LONG or FILE.search(body) else "heavy"
    # an assistant's call requests the API in this process: it must not hold the slot that this request needs
    return "read" if method in ("GET", "HEAD", "OPTIONS") or path.startswith("/mcp") else "write"


def host_of(header: str) -> str:
    """The name in a Host header, without its port."""
    name = header.strip().lower()
    return name[1:].partition("]")[0] if name.startswith("[") else name.partition(":")[0]


def token_of(headers: Headers) -> str:
    """The key or token that a request shows; "" where it shows none."""
    scheme, _, value = headers.get("authorization", "").partition(" ")
    return headers.get("x-api-key", "") or (value.strip() if scheme.lower() == "bearer" else scheme)


def mark_of(token: str) -> str:
    """The hash by which a token is remembered."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest() if token else ""


def address_of(scope: Scope) -> str:
    """The address that a request comes from: of IPv6 the network, of which one visitor has the whole."""
    return _network(str((scope.get("client") or ("", 0))[0]))


@lru_cache(1024)
def _network(host: str) -> str:
    with contextlib.suppress(ValueError):
        address = ipaddress.ip_address(host)
        if address.version == 6:
            return str(ipaddress.ip_network((address, 64), strict=False))
    return host


def route_of(scope: Scope) -> str:
    """The template of a request's route, never its path: a path may hold a token, a SIRET, a search."""
    found = getattr(scope.get("route"), "path", None)
    return found or ("/static" if scope["path"].startswith("/static") else "-")


def hosts_of(settings: Settings) -> frozenset[str]:
    """The allowed hosts; empty where the service has no public address of its own."""
    public = (urlsplit(settings.public_url).hostname or "").lower()
    named = {host.lower() for host in settings.hosts} | ({public} if public not in LOCAL else set())
    return frozenset(named | LOCAL) if named else frozenset()
