"""Signing in to the pages by an OpenID Connect issuer, as for ProConnect: login, callback and logout."""

from __future__ import annotations

import secrets
from typing import Annotated

from fastapi import Query, Request, Response

from matcher.domain import Forbidden, NotFound
from service import access
from service.page import account, render, signin
from service.page.visitor import CheckedForm
from service.router import Router
from service.settings import Settings

router = Router()
MINUTES = 10  # to come back from the issuer
#: Cookies for these pages only: the pending request to the issuer, and the token for logging out there.
ASKED, ENDS = "maillage-oidc", "maillage-oidc-fin"
NOT_ALLOWED = "Cette adresse n'est pas d'un domaine que l'exploitant admet : demandez-lui un accès."
STALE = "Cette identification n'a pas été demandée d'ici, ou il y a trop longtemps : recommencez."
Text = Annotated[str, Query(max_length=4000)]


@router.get("/connexion/oidc")
def leave(request: Request) -> Response:
    """Redirect to the issuer, with a state and a nonce bound to this browser."""
    from service import oidc

    settings = _settings(request)
    state, nonce = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    try:
        answer = render.go(oidc.asked(settings, state, nonce))
    except Forbidden as error:
        return _refused(request, error)
    _keep(answer, request, ASKED, f"{state}.{nonce}", "/connexion/oidc", 60 * MINUTES)
    return answer


@router.get("/connexion/oidc/retour")
def come_back(request: Request, code: Text = "", state: Text = "", error: Text = "") -> Response:
    """Callback of the issuer: the code is exchanged for an address, which opens the buyer's account."""
    from service import oidc

    settings = _settings(request)
    known, _, nonce = request.cookies.get(ASKED, "").partition(".")
    try:
        if error or not code or not known or not access.same(state, known):
            raise Forbidden(STALE)
        account, address, token = oidc.identified(settings, code, nonce)
        if address.rpartition("@")[2] not in settings.oidc_domains:
            raise Forbidden(NOT_ALLOWED)
        key = signin.key_of(access.store_of(request), account, address)
    except (Forbidden, NotFound) as refusal:
        return _refused(request, refusal)
    access.audited(request, "auth.sign-in", key, f"key:{key}")
    answer = render.give(render.go("/acheteur"), request, access.Session.fresh(key))
    answer.delete_cookie(ASKED, path="/connexion/oidc")
    _keep(answer, request, ENDS, token, "/deconnexion", access.SESSION_SECONDS)
    return answer


@router.get("/connexion/oidc/fin")
def done(request: Request) -> Response:
    """Callback after logging out at the issuer."""
    return render.page(request, "signed_out.html", issuer="", there="")


@router.post("/deconnexion")
def sign_out(request: Request, form: CheckedForm) -> Response:
    """End the session here; that of the issuer too, where the visitor came from there.

    By a page with a link, not a redirect: the form-action policy does not allow leaving this site.
    """
    from service import oidc

    if session := access.Session.of(request):
        session.end(request)
    settings: Settings = request.app.state.settings
    token = request.cookies.get(ENDS, "")
    there = oidc.ended(settings, token, secrets.token_urlsafe(32)) if token and settings.federated else ""
    answer = (
        render.page(request, "signed_out.html", issuer=settings.oidc_name, there=there)
        if there
        else render.go("/")
    )
    answer.delete_cookie(access.cookie_name(request), path="/", secure=access.secure(request))
    answer.delete_cookie(ENDS, path="/deconnexion")
    answer.headers["Clear-Site-Data"] = (
        '"cache", "storage"'  # on a shared machine, what the next visitor would find
    )
    return answer


def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    if not settings.federated:
        raise NotFound(render.NO_PAGE)
    return settings


def _refused(request: Request, error: Exception) -> Response:
    access.audited(request, "auth.refuse")
    return account.signing_in(request, 403, problems={"federation": str(error)})


def _keep(answer: Response, request: Request, name: str, value: str, path: str, seconds: int) -> None:
    answer.set_cookie(
        name, value, max_age=seconds, httponly=True, samesite="lax", secure=access.secure(request), path=path
    )
