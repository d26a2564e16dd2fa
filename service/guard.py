"""Who asks, what that one may do, and how much: keys, OIDC, sessions of the pages, limits, headers."""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import json
import secrets
import time
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.security import APIKeyHeader, HTTPBearer
from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from matcher import keys
from matcher.domain import Forbidden
from matcher.identifiers import siret_valid
from matcher.keys import Bearer
from matcher.store import Store
from service.problems import Refused, problem
from service.settings import Settings

ANONYMOUS = "anonymous"
SESSION_COOKIE = "maillage"
SESSION_SECONDS = 12 * 3600

_header = APIKeyHeader(name="X-API-Key", auto_error=False, description="A key made by `matcher keys create`.")
_bearer = HTTPBearer(
    auto_error=False, description="A key, or a token of the OIDC issuer where one is configured."
)


# ------------------------------------------------------------------------------------------------ where from


def local(request: Request) -> bool:
    """Does the request come from this machine, not through a proxy that speaks for others?"""
    if "x-forwarded-for" in request.headers or "forwarded" in request.headers:
        return False
    host = request.client.host if request.client else ""
    if host == "testclient":  # in-process: there is no network
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def open_to_read(request: Request) -> bool:
    """May this request read without a key?"""
    rule = request.app.state.settings.read
    return rule == "open" or (rule == "loopback" and local(request))


# ---------------------------------------------------------------------------------------------------- who


def store_of(request: Request) -> Store:
    """The store of the service, opened when it is first needed."""
    state = request.app.state
    if state.store is None:
        state.store = Store.open(state.settings.store)
    found: Store = state.store
    return found


def identify(request: Request) -> Bearer:
    """Who asks: by X-API-Key, by bearer token, by the session of the pages, else nobody in particular."""
    token = request.headers.get("x-api-key", "")
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if not token and scheme.lower() == "bearer":
        token = value.strip()
    if token:
        return _proved(request, token)
    session = Session.of(request)
    if session is not None and session.key:
        return session.bearer(request)
    scopes = ("read",) if open_to_read(request) else ()
    return Bearer(id=ANONYMOUS, scopes=scopes)


def _proved(request: Request, token: str) -> Bearer:
    settings: Settings = request.app.state.settings
    try:
        if settings.oidc_issuer and token.count(".") == 2:
            from service import oidc

            return oidc.prove(token, settings)
        return keys.prove(store_of(request), token)
    except Forbidden as error:
        raise Refused(401, str(error), {"WWW-Authenticate": "Bearer"}) from None


async def _who(
    request: Request, _a: Annotated[Any, Depends(_header)], _b: Annotated[Any, Depends(_bearer)]
) -> Bearer:
    # only what must be looked up in the store is worth a thread, for which a busy service makes one wait
    shown = {"x-api-key", "authorization", "cookie"} & set(request.headers)
    return await run_in_threadpool(identify, request) if shown else identify(request)


def needs(*scopes: str) -> Any:
    """A dependency: the bearer, who holds one of these scopes ("structure" is any structure:SIRET)."""

    async def allowed(who: Annotated[Bearer, Depends(_who)]) -> Bearer:
        held = any(who.may(s) or (s == "structure" and who.sirets) for s in scopes)
        reads = "read" in scopes and who.scopes  # every key reads
        if held or reads:
            return who
        if who.id == ANONYMOUS:
            raise Refused(
                401,
                f"a key with the scope {' or '.join(scopes)} is needed: ask the operator (`matcher keys create`)",
                {"WWW-Authenticate": "Bearer"},
            )
        raise Forbidden(
            f"your key holds {', '.join(who.scopes) or 'nothing'}; {' or '.join(scopes)} is needed: ask the operator"
        )

    return Depends(allowed)


def own(who: Bearer, siret: str) -> None:
    """Raises Forbidden unless this SIRET is proved to be theirs."""
    if siret not in who.sirets:
        raise Forbidden(f"the structure {siret} is not proved to be yours: claim its account first")


Reader = Annotated[Bearer, needs("read")]
BuyerKey = Annotated[Bearer, needs("buyer")]
StructureKey = Annotated[Bearer, needs("structure")]
Operator = Annotated[Bearer, needs("operator")]
Member = Annotated[Bearer, needs("buyer", "structure")]


# ---------------------------------------------------------------------------------- the session of the pages


@dataclass(frozen=True, slots=True)
class Session:
    """A signed cookie: who is at the page, and the token that its forms must bring back.

    It holds the public part of a key (asked again at each request, so that a revoked key ends at once) and
    the SIRETs claimed; never a secret.
    """

    id: str
    key: str = ""
    until: int = 0

    @classmethod
    def of(cls, request: Request) -> Session | None:
        """The session of a request, None without one that holds."""
        if "session" not in request.scope.setdefault("state", {}):
            request.scope["state"]["session"] = cls._read(request)
        found: Session | None = request.scope["state"]["session"]
        return found

    @classmethod
    def _read(cls, request: Request) -> Session | None:
        body, _, signature = request.cookies.get(SESSION_COOKIE, "").partition(".")
        if not signature or not hmac.compare_digest(signature.encode(), _sign(request, body).encode()):
            return None
        try:
            data = json.loads(base64.urlsafe_b64decode(body + "=="))
        except ValueError:
            return None
        session = cls(id=str(data["id"]), key=str(data["key"]), until=int(data["until"]))
        return session if session.until > time.time() else None

    @classmethod
    def fresh(cls, key: str = "") -> Session:
        return cls(id=secrets.token_urlsafe(12), key=key, until=int(time.time()) + SESSION_SECONDS)

    def cookie(self, request: Request) -> str:
        """The value of its cookie."""
        data = json.dumps({"id": self.id, "key": self.key, "until": self.until}, separators=(",", ":"))
        body = base64.urlsafe_b64encode(data.encode()).decode().rstrip("=")
        return f"{body}.{_sign(request, body)}"

    def csrf(self, request: Request) -> str:
        """The token that a form of this session must bring back."""
        return _sign(request, f"csrf:{self.id}:{self.key}")

    def bearer(self, request: Request) -> Bearer:
        """The bearer of its key; nobody in particular once the key has ended."""
        from matcher.store import now

        if self.key:
            for bearer in keys.listed(store_of(request)):
                alive = bearer.revoked_at is None and (bearer.expires_at is None or bearer.expires_at > now())
                if bearer.id == self.key and alive:
                    return bearer
        return Bearer(id=ANONYMOUS, scopes=("read",) if open_to_read(request) else ())


def _sign(request: Request, body: str) -> str:
    secret: str = request.app.state.settings.secret
    return hmac.new(secret.encode(), body.encode(), hashlib.sha256).hexdigest()


def check_csrf(request: Request, token: str) -> None:
    """Raises Refused (403) unless a form of this very session, on this very site, was sent."""
    session = Session.of(request)
    if session is None or not hmac.compare_digest(token.encode(), session.csrf(request).encode()):
        raise Refused(403, "Ce formulaire a expiré : rechargez la page, puis recommencez.")
    origin = request.headers.get("origin")
    if origin not in (None, "null") and origin.partition("://")[2] != request.headers.get("host"):
        raise Refused(403, "Ce formulaire vient d'un autre site : ouvrez la page ici, puis recommencez.")


def valid_siret(siret: str) -> bool:
    return siret_valid(siret)


# ----------------------------------------------------------------------------------------------- middleware

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
}


class Guard:
    """Body limit, rate limit and security headers, before the application sees a request."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app, self.settings = app, settings
        self.limit: RateLimitItem = parse(settings.rate)
        self.limiter = MovingWindowRateLimiter(MemoryStorage())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name for name, _ in message["headers"]}
                extra = dict(HEADERS)
                message["headers"] = [
                    *message["headers"],
                    *(
                        (k.lower().encode(), v.encode())
                        for k, v in extra.items()
                        if k.lower().encode() not in present
                    ),
                ]
            await send(message)

        headers = Headers(scope=scope)
        refusal = self._over(scope, headers)
        if refusal is not None:
            await refusal(scope, receive, answer)
            return
        await self._bounded(scope, receive, answer)

    def _over(self, scope: Scope, headers: Headers) -> Any:
        length = headers.get("content-length", "0")
        if length.isdecimal() and int(length) > self.settings.max_body:
            return problem(413, self._too_large(), headers={"Connection": "close"})
        token = headers.get("x-api-key") or headers.get("authorization") or ""
        client = scope.get("client") or ("", 0)
        caller = hashlib.sha256(token.encode()).hexdigest()[:16] if token else str(client[0])
        if not scope["path"].startswith("/v1/health") and not self.limiter.hit(self.limit, caller):
            wait = max(1, int(self.limiter.get_window_stats(self.limit, caller).reset_time - time.time()) + 1)
            return problem(
                429,
                f"more than {self.settings.rate}: try again in {wait} s",
                headers={"Retry-After": str(wait)},
            )
        return None

    def _too_large(self) -> str:
        return f"the body is over {self.settings.max_body // 1_000_000} MB: send the notice alone, without its annexes"

    async def _bounded(self, scope: Scope, receive: Receive, send: Send) -> None:
        taken, started = 0, False

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self.settings.max_body:
                raise Refused(413, self._too_large())
            return message

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, counted, watched)
        except Refused as error:
            if started:
                raise
            await problem(error.status, error.detail)(scope, receive, send)
