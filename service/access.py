"""Authentication and authorisation: keys, OIDC, sessions of the pages."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import ipaddress
import json
import logging
import math
import secrets
import threading
import time
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import Depends, Form, Request
from fastapi.security import APIKeyHeader, HTTPBearer
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from matcher.domain import Forbidden
from matcher.records import keys
from matcher.records.keys import Bearer
from matcher.records.store import Store
from matcher.records.tables import Audit
from service import oidc
from service.limits import LOCAL, address_of, host_of, mark_of
from service.problems import Refused
from service.settings import Settings

log = logging.getLogger("service")
ANONYMOUS = "anonymous"
SESSION_COOKIE = "maillage"
SESSION_SECONDS = 12 * 3600
IDLE_SECONDS = 2 * 3600  # after which a session that signed in ends
SEEN_SECONDS = 300  # how often a session that is used says so in its cookie
SESSION_END = "session.end"  # the line of the audit trail that ends a session before its time

_header = APIKeyHeader(name="X-API-Key", auto_error=False, description="A key made by `matcher keys create`.")
_BEARER = "A key, or a token of the OIDC issuer where one is configured."
ShownKey = Annotated[Any, Depends(_header)]
ShownToken = Annotated[Any, Depends(HTTPBearer(auto_error=False, description=_BEARER))]


class NotYours(Forbidden):
    """A structure that is not proved to be that of who asks."""


def local(request: Request) -> bool:
    """Does the request come from this machine, and not through a proxy?

    A service with a public address is behind a proxy, even one that sets no headers.
    """
    if "x-forwarded-for" in request.headers or "forwarded" in request.headers:
        return False
    host = request.client.host if request.client else ""
    if host == "testclient":  # in process: there is no network
        return True
    if not loopback(urlsplit(request.app.state.settings.public_url).hostname or ""):
        return False
    # a foreign name that resolves to this machine makes a local browser send requests (DNS rebinding)
    if host_of(request.headers.get("host", "")) not in LOCAL:
        return False
    return loopback(host)


@lru_cache(1024)
def loopback(host: str) -> bool:
    """Is this the name or the address of the machine itself?"""
    with contextlib.suppress(ValueError):
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    return False


def owner(request: Request, who: Bearer) -> str:
    """The owner of work that a request starts: the key's actor, else the visitor's address."""
    return who.actor if who.id != ANONYMOUS else f"{ANONYMOUS}:{address_of(request.scope)}"


def audited(request: Request, action: str, subject: str = "", actor: str = "") -> None:
    """Write a line of the audit trail, by key or address; a read-only store does not prevent the answer."""
    by = actor or f"address:{address_of(request.scope)}"
    try:
        with store_of(request).writing(by[:80], action, subject[:200]):
            pass
    except SQLAlchemyError:
        log.warning("the audit trail cannot be written", extra={"action": action})


_SPENDING = threading.Lock()


def spend(request: Request, act: str, reached: str = "") -> None:
    """Count what anybody may cause, by network, by whom it reaches and in all.  Raises Refused (429)."""
    rates = request.app.state.acts[act]
    counted = [*zip(rates, (address_of(request.scope), reached or "all", "all"), strict=True)]
    with _SPENDING:  # of requests at once none passes beyond the last place
        wait = math.ceil(max(rate.wait(caller) for rate, caller in counted))
        for rate, caller in counted if not wait else ():
            rate.count(caller)
    if wait:
        sentence = "Trop de demandes de cette sorte en une heure : réessayez plus tard."
        raise Refused(429, sentence, {"Retry-After": str(wait)})


def open_to_read(request: Request) -> bool:
    """May this request read without a key?"""
    rule = request.app.state.settings.read
    return rule == "open" or (rule == "loopback" and local(request))


def store_of(request: Request) -> Store:
    """The store of the service, opened when it is first needed."""
    state = request.app.state
    if state.store is None:
        state.store = Store.open(state.settings.store)
    found: Store = state.store
    return found


def identify(request: Request) -> Bearer:
    """The bearer: by X-API-Key, by bearer token, by the session of the pages, else anonymous."""
    token = request.headers.get("x-api-key", "")
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if not token and scheme.lower() == "bearer":
        token = value.strip()
    return _proved(request, token) if token else (Session.of(request) or Session("")).bearer(request)


def _proved(request: Request, token: str) -> Bearer:
    settings: Settings = request.app.state.settings
    try:
        if settings.oidc_issuer and token.count(".") == 2:
            found = oidc.prove(token, settings)
        elif not (token.isascii() and token.isprintable()):
            raise Forbidden(keys.REFUSED)
        else:
            found = keys.prove(store_of(request), token)
    except Forbidden as error:
        if request.scope.get("state", {}).get("spent"):  # its good keys stay good
            why = "too many keys were refused: try again in a minute"
            raise Refused(429, why, {"Retry-After": "60"}) from None
        audited(request, "auth.refuse")
        raise Refused(401, str(error), {"WWW-Authenticate": "Bearer"}) from None
    request.app.state.proved[mark_of(token)] = True
    return found


def needs(*scopes: str) -> Any:
    """A dependency: the bearer, who holds one of these scopes ("structure" is any structure:SIRET)."""
    wanted = " or ".join(scopes)

    async def allowed(request: Request, _a: ShownKey, _b: ShownToken) -> Bearer:
        # a thread, which may have to wait in a busy service, only where the store is queried
        shown = {"x-api-key", "authorization", "cookie"} & set(request.headers)
        who = await run_in_threadpool(identify, request) if shown else identify(request)
        if who.id != ANONYMOUS:
            request.scope.setdefault("state", {})["actor"] = who.actor
        reads = "read" in scopes and who.scopes  # every key reads
        if reads or any(who.may(s) or (s == "structure" and who.sirets) for s in scopes):
            return who
        if who.id == ANONYMOUS:
            sentence = f"a key with the scope {wanted} is needed: ask the operator (`matcher keys create`)"
            raise Refused(401, sentence, {"WWW-Authenticate": "Bearer"})
        held = ", ".join(who.scopes) or "nothing"
        raise Forbidden(f"your key holds {held}; {wanted} is needed: ask the operator")

    allowed.wanted = wanted  # type: ignore[attr-defined]  # told in the schema
    return Depends(allowed)


def own(who: Bearer, siret: str) -> None:
    """Raises Forbidden unless this SIRET is proved to be theirs."""
    if siret not in who.sirets:
        raise NotYours(f"the structure {siret} is not proved to be yours: claim its account first")


Reader = Annotated[Bearer, needs("read")]
BuyerKey = Annotated[Bearer, needs("buyer")]
StructureKey = Annotated[Bearer, needs("structure")]
Operator = Annotated[Bearer, needs("operator")]
Member = Annotated[Bearer, needs("buyer", "structure")]


@dataclass(frozen=True, slots=True)
class Session:
    """A signed cookie: the user of the pages, and the CSRF token of their forms.

    It holds the public part of a key (checked at each request, so that a revoked key ends immediately) and
    the SIRETs claimed; never a secret.
    """

    id: str
    key: str = ""
    until: int = 0
    seen: int = 0  # when it was last used, to some minutes

    @classmethod
    def of(cls, request: Request) -> Session | None:
        """The session of a request, None without one that holds."""
        state: dict[str, Session | None] = request.scope.setdefault("state", {})
        if "session" not in state:
            state["session"] = cls._read(request)
        return state["session"]

    @classmethod
    def _read(cls, request: Request) -> Session | None:
        if "cookie" not in request.headers:  # nearly all of the API
            return None
        body, _, signature = request.cookies.get(cookie_name(request), "").partition(".")
        if not signature or not same(signature, sign(request, body)):
            return None
        try:
            data = json.loads(base64.urlsafe_b64decode(body + "=="))
        except ValueError:
            return None
        session = cls(str(data["id"]), str(data["key"]), int(data["until"]), int(data.get("seen", 0)))
        end = min(session.until, session.seen + IDLE_SECONDS) if session.key else session.until
        return session if end > time.time() and session.id not in request.app.state.ended else None

    @classmethod
    def fresh(cls, key: str = "") -> Session:
        seen = int(time.time())
        return cls(secrets.token_urlsafe(12), key, seen + SESSION_SECONDS, seen)

    def used(self) -> Session:
        """The session as it is used now: itself where its cookie said so lately."""
        moment = int(time.time())
        return replace(self, seen=moment) if self.key and self.seen + SEEN_SECONDS < moment else self

    def cookie(self, request: Request) -> str:
        """The value of its cookie."""
        data = json.dumps(asdict(self), separators=(",", ":"))
        body = base64.urlsafe_b64encode(data.encode()).decode().rstrip("=")
        return f"{body}.{sign(request, body)}"

    def end(self, request: Request) -> None:
        """End it here and, by the audit trail, in every other process: its cookie is no longer accepted."""
        request.app.state.ended[self.id] = True
        audited(request, SESSION_END, self.id, f"key:{self.key}" if self.key else "")

    def csrf(self, request: Request) -> str:
        """The token that a form of this session must bring back."""
        return sign(request, f"csrf:{self.id}:{self.key}")

    def bearer(self, request: Request) -> Bearer:
        """The bearer of its key; anonymous once the key has ended."""
        if self.key and (bearer := keys.held(store_of(request), self.key)):
            return bearer
        return Bearer(id=ANONYMOUS, scopes=("read",) if open_to_read(request) else ())


def sign(request: Request, body: str) -> str:
    """The signature of a text by this service."""
    secret: str = request.app.state.settings.secret
    return hmac.new(secret.encode(), body.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def same(one: str, other: str) -> bool:
    """Compared in constant time, whatever the characters."""
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode("utf-8", "replace"))


def secure(request: Request) -> bool:
    """Is the service reached by https, as its public address says?"""
    public: str = request.app.state.settings.public_url
    return public.startswith("https:") or request.url.scheme == "https"


def cookie_name(request: Request) -> str:
    """The cookie's name; under https one that browsers accept from this host alone (`__Host-`)."""
    return f"__Host-{SESSION_COOKIE}" if secure(request) else SESSION_COOKIE


def ended_since(store: Store, since: datetime) -> list[str]:
    """The sessions ended since, in any process."""
    ended = select(Audit.subject).where(Audit.action == SESSION_END, Audit.at >= since)
    return list(store.ask(ended).scalars())


def check_csrf(request: Request, csrf: Annotated[str, Form()] = "") -> None:
    """Raises Refused (403) unless a form of this very session, on this very site, was sent."""
    session = Session.of(request)
    if session is None or not same(csrf, session.csrf(request)):
        raise Refused(403, "Ce formulaire a expiré : rechargez la page, puis recommencez.")
    origin = request.headers.get("origin")
    if origin not in (None, "null") and origin.partition("://")[2] != request.headers.get("host"):
        raise Refused(403, "Ce formulaire vient d'un autre site : ouvrez la page ici, puis recommencez.")
