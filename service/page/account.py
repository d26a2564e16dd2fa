"""Signing in with a key, and claiming the account of a structure."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from sqlalchemy import select, update

from matcher.domain import Forbidden, NotFound
from matcher.records import keys
from matcher.records.store import Store, now
from matcher.records.tables import Claim
from service import access
from service.page import render
from service.page.visitor import CheckedForm

router = APIRouter()
CLAIM_DAYS = 7
BLANK: dict[str, Any] = {
    "problem": "",
    "problems": {},
    "address": "",
    "sent": False,
}  # the page of signing in


@router.get("/connexion")
def sign_in(request: Request) -> Response:
    return render.page(request, "signin.html", **BLANK)


@router.post("/connexion")
def signed_in(request: Request, form: CheckedForm, key: Annotated[str, Form(max_length=200)]) -> Response:
    try:
        bearer = keys.prove(access.store_of(request), key)
    except Forbidden as error:
        access.audited(request, "auth.refuse")
        problem = render.initial(str(error)) + "."
        return render.page(request, "signin.html", 403, **{**BLANK, "problem": problem})
    home = (
        f"/structure/{bearer.sirets[0]}"
        if bearer.sirets
        else "/exploitant"
        if bearer.may("operator")
        else "/acheteur"
    )
    access.audited(request, "auth.sign-in", bearer.id, bearer.actor)
    return render.give(render.go(home), request, access.Session.fresh(bearer.id))


@router.post("/deconnexion")
def sign_out(request: Request, form: CheckedForm) -> Response:
    if session := access.Session.of(request):
        session.end(request)
    answer = render.go("/")
    answer.delete_cookie(access.cookie_name(request), path="/", secure=access.secure(request))
    return answer


@router.post("/structure/{siret}/revendiquer")
def claim(request: Request, siret: str, form: CheckedForm) -> Response:
    """Ask for the account: the operator sends the link to the address known for the structure."""
    structure = request.app.state.serving.get().structure(siret)
    ask(access.store_of(request), structure.siret, structure.email)
    return render.page(request, "claimed.html", structure=structure)


def ask(store: Store, siret: str, address: str) -> str:
    """Record a claim, once a day; returns its id.  The link is made only when the operator approves."""
    identifier = f"{siret}-{now():%Y%m%d}"
    with store.writing() as connection:
        row = {
            "id": identifier, "siret": siret, "address": address or None, "token_hash": "", "status": "asked", "created_at": now(),
            "expires_at": now() + timedelta(days=CLAIM_DAYS), "decided_at": None,
        }  # fmt: skip
        store.put(connection, Claim, [row], keep=tuple(k for k in row if k != "id"))
        store.audit(connection, "page", "claim.ask", siret)
    return identifier


def waiting(store: Store) -> list[dict[str, Any]]:
    with store.reading() as connection:
        rows = connection.execute(
            select(Claim.__table__)
            .where(Claim.status == "asked", Claim.expires_at > now())
            .order_by(Claim.created_at)
        ).mappings()
        return [dict(row) for row in rows]


def decide(store: Store, identifier: str, approved: bool, by: str) -> str:
    """Approve or refuse; approved, returns the token of the link, shown this once."""
    token = secrets.token_urlsafe(32)
    values = {
        "status": "approved" if approved else "refused",
        "decided_at": now(),
        "token_hash": _hash(token) if approved else "",
    }
    with store.writing() as connection:
        done = connection.execute(
            update(Claim).where(Claim.id == identifier, Claim.status == "asked").values(values)
        ).rowcount
        if not done:
            raise NotFound("cette demande n'attend plus de décision")
        store.audit(connection, by, "claim.approve" if approved else "claim.refuse", identifier)
    return token if approved else ""


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


@router.get("/revendication/{token}")
def proof(request: Request, token: str) -> Response:
    """Reading the link changes nothing: mail scanners follow every link."""
    return render.page(request, "claim.html", token=token, claim=_claim(access.store_of(request), token))


@router.post("/revendication/{token}")
def prove(request: Request, token: str, form: CheckedForm) -> Response:
    store = access.store_of(request)
    found = _claim(store, token)
    with store.writing() as connection:
        done = connection.execute(
            update(Claim)
            .where(Claim.id == found["id"], Claim.status == "approved")
            .values(status="proved", token_hash="", decided_at=now())
        ).rowcount
        if not done:
            raise NotFound("ce lien a déjà servi : demandez-en un autre")
        store.audit(connection, found["siret"], "claim.prove", found["id"])
    secret = keys.create(store, [f"structure:{found['siret']}", "read"], label="compte revendiqué", days=365)
    bearer = keys.prove(store, secret)
    answer = render.page(request, "proved.html", siret=found["siret"], key=secret)
    return render.give(answer, request, access.Session.fresh(bearer.id))


def _claim(store: Store, token: str) -> dict[str, Any]:
    with store.reading() as connection:
        approved = select(Claim.__table__).where(
            Claim.token_hash == _hash(token), Claim.status == "approved", Claim.expires_at > now()
        )
        row = connection.execute(approved).mappings().first()
    if row is None:
        raise NotFound(
            "Ce lien n'est pas valable ou a déjà servi : demandez-en un autre depuis la fiche de la structure."
        )
    return dict(row)
