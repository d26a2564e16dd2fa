"""Links of mails: whoever follows one only looks; the buttons of the page act, and one-click unsubscribes."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from matcher import mail
from matcher.feedback import REASONS
from service.guard import store_of
from service.page import render

router = APIRouter(tags=["mail"])


@router.get("/m/{id}/{proof}")
def shown(request: Request, id: str, proof: str) -> Response:
    """A digest as it was sent, with its buttons."""
    content = mail.opened(store_of(request), id, proof)
    return render.page(request, "digest.html", d=content, proof=proof, reasons=REASONS, done="")


@router.get("/m/{id}/{proof}/unsubscribe")
def asked(request: Request, id: str, proof: str) -> Response:
    """A scanner follows this too: it shows the button, and stops nothing."""
    return shown(request, id, proof)


@router.post("/m/{id}/{proof}/unsubscribe")
def unsubscribe(request: Request, id: str, proof: str) -> Response:
    """Stop every mail at once (RFC 8058: the reader's mail program posts here without a cookie)."""
    store = store_of(request)
    mail.unsubscribe(store, id, proof)
    content = mail.opened(store, id, proof)
    said = "C'est fait : vous ne recevrez plus de message."
    return render.page(request, "digest.html", d=content, proof=proof, reasons=REASONS, done=said)


@router.post("/m/{id}/{proof}")
def act(
    request: Request,
    id: str,
    proof: str,
    item: Annotated[int, Form(ge=1, le=1000)],
    verb: Annotated[str, Form(max_length=16)],
    reason: Annotated[str, Form(max_length=500)] = "",
) -> Response:
    """Interested, or not and why."""
    store = store_of(request)
    mail.act(store, id, proof, item, verb, reason)
    content = mail.opened(store, id, proof)
    title = content["items"][item - 1]["title"]
    if verb == "interested":
        said = f"Noté : ce lot vous intéresse ({title})."
    else:
        said = f"Noté : ce lot ne vous sera plus proposé ({title})."
    return render.page(request, "digest.html", d=content, proof=proof, reasons=REASONS, done=said)
