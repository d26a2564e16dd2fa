"""Access control of pages: rights to read, to buy, to write for a structure, and CSRF checks of forms."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Form, Request

from matcher.records.keys import Bearer
from service import access
from service.problems import Refused

BUYER_NEEDED = "Une clé d'acheteur est nécessaire : connectez-vous, ou demandez-en une à l'exploitant."
READER_NEEDED = "Une clé est nécessaire pour lire : connectez-vous, ou demandez-en une à l'exploitant."


def reader(request: Request) -> Bearer:
    """Requires the right to read.  Raises Refused (401)."""
    who = access.identify(request)
    if not who.scopes:
        raise Refused(401, READER_NEEDED)
    return who


def buyer(request: Request) -> Bearer:
    """Requires a buyer's or the operator's key.  Raises Refused (401, 403)."""
    who = access.identify(request)
    if not (who.may("buyer") or who.may("operator")):
        raise Refused(403 if who.scopes else 401, BUYER_NEEDED)
    return who


def operator(request: Request) -> Bearer:
    """Requires the operator's key.  Raises Refused (401, 403)."""
    who = access.identify(request)
    if not who.may("operator"):
        raise Refused(403 if who.scopes else 401, "Une clé d'exploitant est nécessaire : connectez-vous.")
    return who


def record_owner(request: Request) -> str:
    """The owner of records: a key, or, on an open demonstration, the session."""
    who = access.identify(request)
    if who.may("buyer"):
        return who.actor
    session = access.Session.of(request)
    if access.open_to_read(request) and not (session and session.key):
        return f"session:{session.id}" if session else "session:none"
    raise Refused(403 if who.scopes else 401, BUYER_NEEDED)


def checked_form(request: Request, csrf: Annotated[str, Form()] = "") -> None:
    """Raises Refused (403) unless the form was made for this session."""
    access.check_csrf(request, csrf)


CheckedForm = Annotated[None, Depends(checked_form)]


def structure_owner(request: Request, siret: str, form: CheckedForm) -> Bearer:
    """Requires the verified owner of this SIRET, by a form of this session."""
    who = access.identify(request)
    access.own(who, siret)
    return who


Reader = Annotated[Bearer, Depends(reader)]
Buyer = Annotated[Bearer, Depends(buyer)]
RecordOwner = Annotated[str, Depends(record_owner)]
StructureOwner = Annotated[Bearer, Depends(structure_owner)]


def mail_route(request: Request) -> str:
    """How mails of this visitor leave: "smtp", "outbox", or "" where they do not (then by the visitor's own mail program)."""
    who, settings = access.identify(request), request.app.state.settings
    if settings.smtp:
        return "smtp" if who.may("buyer") else ""
    return "outbox" if who.may("buyer") or access.local(request) else ""
Operator = Annotated[Bearer, Depends(operator)]
