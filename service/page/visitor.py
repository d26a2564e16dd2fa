"""Access control of pages: rights to read, to buy, to write for a structure, and CSRF checks of forms."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote

from fastapi import Depends, Request

from matcher.records.keys import Bearer
from matcher.records.store import Store
from service import access
from service.problems import Refused

ACCOUNT_NEEDED = "Ce que vous gardez est lié à votre adresse : connectez-vous, sans mot de passe."


def holding(sentence: str, *scopes: str) -> Callable[[Request], Bearer]:
    """A dependency: who holds one of these scopes, any by default.  Raises Refused (401, 403) with the sentence."""

    def allowed(request: Request) -> Bearer:
        who = access.identify(request)
        if not (any(map(who.may, scopes)) if scopes else who.scopes):
            raise Refused(403 if who.scopes else 401, sentence)
        return who

    return allowed


reader = holding("Cette page est réservée : connectez-vous, ou demandez un accès à l'exploitant.")


def public(part: str) -> Callable[[Request], Bearer]:
    """A dependency of pages that anyone reads, unless the operator closed them (`MATCHER_CLOSED`).

    A service without a public address (`loopback`) is for its own machine: there nothing is open to others.
    """

    def anyone(request: Request) -> Bearer:
        settings = request.app.state.settings
        closed = part in settings.closed or settings.read == "loopback"
        return reader(request) if closed else access.identify(request)

    return anyone


def record_owner(request: Request) -> str:
    """The owner of lists: whoever signed in, or, where anyone reads, the session.  Raises Refused (401)."""
    who = access.identify(request)
    if who.id != access.ANONYMOUS:
        return who.actor
    session = access.Session.of(request)
    if access.open_to_read(request) and not (session and session.key):
        return f"session:{session.id}" if session else "session:none"
    raise Refused(401, ACCOUNT_NEEDED)


CheckedForm = Annotated[None, Depends(access.check_csrf)]


def structure_owner(request: Request, siret: str, form: CheckedForm) -> Bearer:
    """Requires the verified owner of this SIRET, by a form of this session."""
    who = access.identify(request)
    access.own(who, siret)
    return who


Reader = Annotated[Bearer, Depends(reader)]
AtHome = Annotated[Bearer, Depends(public("home"))]
Searcher = Annotated[Bearer, Depends(public("search"))]
SeesStructures = Annotated[Bearer, Depends(public("structures"))]
_OF_BUYERS = "Cette page est réservée aux acheteurs : connectez-vous."
Buyer = Annotated[Bearer, Depends(holding(_OF_BUYERS, "buyer"))]
_OF_OPERATOR = "Cette page est réservée à l'exploitant : connectez-vous."
Operator = Annotated[Bearer, Depends(holding(_OF_OPERATOR, "operator"))]
RecordOwner = Annotated[str, Depends(record_owner)]
StructureOwner = Annotated[Bearer, Depends(structure_owner)]


@dataclass(frozen=True)
class OwnStructure:
    """What the verified owner of a structure sends by a form of this session."""

    request: Request
    siret: str
    who: StructureOwner

    @property
    def store(self) -> Store:
        return access.store_of(self.request)

    def apply_denials(self) -> None:
        self.request.app.state.serving.apply_denials(self.store)


@dataclass(frozen=True)
class OwnRecord:
    """A record as its owner, or one with whom it is shared, asks for it."""

    request: Request
    identifier: str
    owner: RecordOwner

    @property
    def store(self) -> Store:
        return access.store_of(self.request)

    @property
    def address(self) -> str:
        return f"/acheteur/fiches/{quote(self.identifier)}"

    @property
    def named(self) -> tuple[Store, str, str]:
        """What every function of a record begins with."""
        return self.store, self.owner, self.identifier


Mine = Annotated[OwnStructure, Depends()]
Kept = Annotated[OwnRecord, Depends()]


def mail_route(request: Request) -> str:
    """How mails of this visitor leave: "smtp", "outbox", or "" where by their own mail program."""
    who, settings = access.identify(request), request.app.state.settings
    if settings.smtp:
        return "smtp" if who.may("buyer") else ""
    return "outbox" if who.may("buyer") or access.local(request) else ""
