"""Signing in without a key: by a link to an address of an allowed domain, or by an OIDC issuer."""

import secrets
import time
from collections.abc import Sequence
from typing import Annotated

import pyarrow.compute as pc
from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import delete

from matcher.domain import BadInput, Forbidden, NotFound
from matcher.outreach import letters, links, post
from matcher.records import keys
from matcher.records.store import Store, now
from matcher.records.tables import Key, Letter, Once
from service import access, oidc
from service.page import account, fields, render
from service.page.visitor import CheckedForm
from service.settings import Settings, mail_transport

router = APIRouter()
MINUTES = 20  # lifetime of a link
ONCE = "sign-in"  # actor under which the links that have served are kept
MOST_OF_AN_ADDRESS = 12  # structures that one address opens: beyond, it is of a network, not of one of them
USED = "Ce lien n'est pas valable, a expiré ou a déjà servi : demandez-en un autre."


@router.post("/connexion/lien")
def send(request: Request, form: CheckedForm, address: fields.Line = "") -> Response:
    """Always the same answer, which does not disclose the allowed domains, nor who has an account."""
    settings = request.app.state.settings
    try:
        to = fields.address(address, needed=True).lower()
    except BadInput as error:
        return account.signing_in(request, problems=fields.problems_of(error, "address"), address=address)
    access.spend(request, "letter", to)
    opened_by = _scopes(request, to)
    link = f"{settings.public_url.rstrip('/')}/connexion/lien/{_token(to)}"
    store = access.store_of(request)
    letter = letters.letter("signin", "", to, mail_transport(settings), link, link=link)
    # the same work for every domain: its time does not tell which are served
    with store.writing() as connection:
        post.queue(store, connection, letter, kind="sign-in", siret="")
        if not opened_by:
            connection.execute(delete(Letter).where(Letter.id == post.id_of(letter)))
    request.app.state.mailer.wake()
    return account.signing_in(request, sent=True)


def _token(address: str) -> str:
    """Address, end and number of a link, signed."""
    body = f"{address}|{int(time.time()) + 60 * MINUTES}|{secrets.token_hex(8)}".encode().hex()
    return f"{body}-{links.token('sign-in', body)}"


def _proved(token: str) -> tuple[str, str]:
    """The address and the number of a link.  Raises NotFound."""
    body, _, signature = token.partition("-")
    if not access.same(links.token("sign-in", body), signature):
        raise NotFound(USED)
    address, end, number = bytes.fromhex(body).decode().rsplit("|", 2)  # an address may hold one
    if int(end) < time.time():
        raise NotFound(USED)
    return address, number


@router.get("/connexion/lien/{token}")
def shown(request: Request, token: str) -> Response:
    """Reading the link opens nothing: mail scanners follow every link."""
    address, _ = _proved(token)
    return render.page(request, "signin_link.html", address=address, token=token)


@router.post("/connexion/lien/{token}")
def opened(request: Request, token: str, form: CheckedForm) -> Response:
    address, number = _proved(token)
    store = access.store_of(request)
    row = {"key": number, "actor": ONCE, "request": "", "response": {}, "at": now()}
    with store.writing() as connection:
        if not store.put(connection, Once, [row], keep=("request", "response", "at")):
            raise NotFound(USED)
    scopes = _scopes(request, address)
    sirets = [scope.removeprefix("structure:") for scope in scopes if scope.startswith("structure:")]
    home = "/acheteur" if "buyer" in scopes or not sirets else f"/structure/{sirets[0]}"
    session = access.Session.fresh(key_of(store, account.LABEL + address, scopes=scopes))
    return render.give(render.go(home), request, session)


def _scopes(request: Request, address: str) -> list[str]:
    """What an address opens: its account, a buyer's by its domain, structures that publish it."""
    label, settings = account.LABEL + address, request.app.state.settings
    mine = keys.listed(access.store_of(request), Key.label == label)
    held = [scope for key in mine for scope in key.scopes]
    if address.rpartition("@")[2] in settings.buyer_domains:
        held += ["buyer", "read"]
    if snapshot := request.app.state.serving.current:
        payloads = snapshot.catalogue.structures.column("payload")
        near = pc.indices_nonzero(pc.match_substring(payloads, address, ignore_case=True)).to_pylist()
        structures = [snapshot.catalogue.structure(row) for row in near[: 10 * MOST_OF_AN_ADDRESS]]
        sirets = {s.siret: s for s in structures if s.email.strip().lower() == address}
        if sirets and len(sirets) <= MOST_OF_AN_ADDRESS:
            held += [*(f"structure:{siret}" for siret in sirets), "read"]
    return list(dict.fromkeys(held))


def key_of(store: Store, account: str, shown: str = "", scopes: Sequence[str] = ("buyer", "read")) -> str:
    """The key of an account, made at its first sign-in: its records and favourites stay its own.

    An account that opens more than before, of a structure that now publishes its address, gets a further key.
    """
    label = f"{account} {shown}".strip()
    same = Key.label.startswith(f"{account} ", autoescape=True) if shown else Key.label == account
    mine = keys.listed(store, same)
    if any(k.revoked_at for k in mine):
        raise NotFound("Cet accès a été fermé par l'exploitant : écrivez-lui.")
    held = next((k for k in mine if set(scopes) <= set(k.scopes)), None)
    return held.id if held else keys.prove(store, keys.create(store, scopes, label=label, days=None)).id


COME_BACK_MINUTES = 10  # to come back from the issuer
#: Cookies for these pages only: the pending request to the issuer, and the token for logging out there.
ASKED, ENDS = "maillage-oidc", "maillage-oidc-fin"
NOT_ALLOWED = "Cette adresse n'est pas d'un domaine que l'exploitant admet : demandez-lui un accès."
STALE = "Cette identification n'a pas été demandée d'ici, ou il y a trop longtemps : recommencez."
Code = Annotated[str, Query(max_length=4000)]


@router.get("/connexion/oidc")
def leave(request: Request) -> Response:
    """Redirect to the issuer, with a state and a nonce bound to this browser."""
    settings = _settings(request)
    state, nonce = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    try:
        answer = render.go(oidc.asked(settings, state, nonce))
    except Forbidden as error:
        return _refused(request, error)
    _keep(answer, request, ASKED, f"{state}.{nonce}", "/connexion/oidc", 60 * COME_BACK_MINUTES)
    return answer


@router.get("/connexion/oidc/retour")
def come_back(request: Request, code: Code = "", state: Code = "", error: Code = "") -> Response:
    """Callback of the issuer: the code is exchanged for an address, which opens the buyer's account."""
    settings = _settings(request)
    known, _, nonce = request.cookies.get(ASKED, "").partition(".")
    try:
        if error or not code or not known or not access.same(state, known):
            raise Forbidden(STALE)
        account, address, token = oidc.identified(settings, code, nonce)
        if address.rpartition("@")[2] not in settings.oidc_domains:
            raise Forbidden(NOT_ALLOWED)
        key = key_of(access.store_of(request), account, address)
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
    if session := access.Session.of(request):
        session.end(request)
    settings: Settings = request.app.state.settings
    token = request.cookies.get(ENDS, "")
    there = oidc.ended(settings, token, secrets.token_urlsafe(32)) if token and settings.federated else ""
    answer = render.go("/")
    if there:
        answer = render.page(request, "signed_out.html", issuer=settings.oidc_name, there=there)
    answer.delete_cookie(access.cookie_name(request), path="/", secure=access.secure(request))
    answer.delete_cookie(ENDS, path="/deconnexion")
    # on a shared machine, what the next visitor would find
    answer.headers["Clear-Site-Data"] = '"cache", "storage"'
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
    safe = access.secure(request)
    answer.set_cookie(name, value, seconds, path=path, secure=safe, httponly=True, samesite="lax")
