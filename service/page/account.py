"""Signing in by a key, by a link to an address or by an OIDC issuer; claiming the account of a structure."""

import re
import secrets
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import delete, select, update

from matcher.catalogue.filters import sirets_at
from matcher.domain import BadInput, Forbidden, NotFound, Structure
from matcher.outreach import delivery, links
from matcher.records import keys
from matcher.records.store import Store, now
from matcher.records.tables import Claim, Key, Letter, Once
from matcher.reference.text import clean
from service import access, oidc
from service.page import fields, render
from service.page.fields import FieldErrors, Line
from service.page.render import Facts
from service.page.visitor import CheckedForm
from service.settings import Settings, mail_transport
from service.snapshot import snapshot_of

router = APIRouter()
CLAIM_DAYS, LETTER_DAYS = 7, 30  # of a link or a code read aloud; of the code of a letter
LABEL = "courriel:"  # begins the label of a key that an address opens
NO_LINK = "Ce lien n'est pas valable ou a déjà servi : demandez-en un autre depuis la page de la structure."
WRONG_CODE = "Ce code n'est pas connu, ou a déjà servi : relisez la lettre signe par signe."
REFUSED = {"status": "refused", "token_hash": ""}
WAITING_DAYS = 30  # that a claim waits for the operator


def signing_in(request: Request, status: int = 200, /, **shown: Any) -> Response:
    """The page of signing in."""
    return render.page(request, "signin.html", status, **{"address": "", "sent": False, "back": "", **shown})


@router.get("/connexion")
def sign_in(request: Request, retour: Annotated[str, Query(max_length=300)] = "") -> Response:
    return signing_in(request, back=retour)


@router.post("/connexion")
def signed_in(request: Request, form: CheckedForm, key: fields.Name, retour: Line = "") -> Response:
    try:
        bearer = keys.prove(access.store_of(request), key)
    except Forbidden as error:
        access.audited(request, "auth.refuse")
        return signing_in(request, 403, problems=fields.problems_of(error, "key"), back=retour)
    home = "/exploitant" if bearer.may("operator") else "/acheteur"
    home = f"/structure/{bearer.sirets[0]}" if bearer.sirets else home
    access.audited(request, "auth.sign-in", bearer.id, bearer.actor)
    back = retour if retour.startswith("/") and not retour.startswith(("//", "/\\")) else home
    return render.give(render.go(back), request, access.Session.fresh(bearer.id))


@router.get("/structure/{siret}/revendiquer")
def claiming(request: Request, siret: str) -> Response:
    """The form: who claims, as what and why, and how the claim may be proved."""
    structure = snapshot_of(request).structure(siret)
    return render.page(request, "claiming.html", structure=structure, ways=ways(structure), given={})


#: Who claims an account, as what, why, and how it may be proved.
NAMED = {"name": Claim.name.type.length, "role": Claim.role.type.length}
CLAIM = fields.form(**NAMED, address=300, reason=5000, way=40)


@router.post("/structure/{siret}/revendiquer")
def claim(request: Request, siret: str, form: CheckedForm, given: Annotated[fields.Texts, CLAIM]) -> Response:
    """Claim the account: the operator verifies by mail, by letter or by a call to the known number."""
    structure = snapshot_of(request).structure(siret)
    shown: dict[str, Any] = {"structure": structure, "ways": ways(structure)}
    try:
        read = fields.checked(
            name=lambda: fields.words(
                given["name"], "Donnez votre nom : l'exploitant doit savoir qui demande."
            ),
            role=lambda: fields.words(given["role"], "Donnez votre fonction dans la structure."),
            address=lambda: fields.address(given["address"], needed=True),
        )
    except FieldErrors as error:
        return render.page(request, "claiming.html", problems=error.problems, given=given, **shown)
    access.spend(request, "claim", structure.siret)
    way = given["way"] if given["way"] in shown["ways"] else shown["ways"][0]
    read["reason"] = clean(given["reason"])[:2000]
    ask(access.store_of(request), structure.siret, structure.email, **read, way=way)
    return render.page(request, "claimed.html", structure=structure, way=way)


def ways(structure: Structure) -> list[str]:
    """The codes of the ways to verify a claim that the structure's contacts allow."""
    known = {"mail": structure.email, "phone": structure.phone.strip(), "letter": True}
    return [code for code, contact in known.items() if contact]


def ask(store: Store, siret: str, known: str, *, address: str, **said: str) -> str:
    """Record a claim and return its id; a repeated claim before the decision replaces the pending one.

    `said` are name, role, reason and way.  The link or code is made only when the operator approves.
    """
    moment = now()
    row: dict[str, Any] = {"reason": "", "way": "", **said, "siret": siret, "claimant": address}
    row |= {"address": known or None, "token_hash": "", "status": "asked", "decided_at": None}
    row |= {"created_at": moment, "expires_at": moment + timedelta(days=WAITING_DAYS)}
    waits = (Claim.status == "asked", Claim.expires_at > moment)
    same = select(Claim.id).where(Claim.siret == siret, Claim.claimant == address, *waits)
    with store.writing("page", "claim.ask", siret) as connection:
        id = str(connection.execute(same).scalar() or secrets.token_hex(8))
        store.put(connection, Claim, [{**row, "id": id}])
    return id


def waiting(store: Store) -> list[dict[str, Any]]:
    asked = select(Claim.__table__).where(Claim.status == "asked", Claim.expires_at > now())
    return [dict(row) for row in store.ask(asked.order_by(Claim.created_at)).mappings()]


def decide(store: Store, identifier: str, approved: bool, by: str, way: str = "mail") -> str:
    """Approve or refuse; approved, returns the token or the code that opens the account, this once."""
    letters = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
    # to be typed or read aloud: 60 bits, without ambiguous letters
    code = "-".join("".join(secrets.choice(letters) for _ in range(4)) for _ in range(3))
    token = "" if not approved else secrets.token_urlsafe(32) if way == "mail" else code
    days = LETTER_DAYS if way == "letter" else CLAIM_DAYS
    values: Facts = {"status": "approved", "token_hash": keys.hashed(token)} if approved else dict(REFUSED)
    values |= {"way": way, "decided_at": now(), "expires_at": now() + timedelta(days=days)}
    waiting = update(Claim).where(Claim.id == identifier, Claim.status == "asked")
    with store.writing(by, f"claim.approve.{way}" if approved else "claim.refuse", identifier) as connection:
        if not connection.execute(waiting.values(values)).rowcount:
            raise NotFound("cette demande n'attend plus de décision")
    return token


def refuse_all(store: Store, by: str) -> None:
    """Refuse every claim that waits."""
    with store.writing() as connection:
        waiting = update(Claim).where(Claim.status == "asked")
        gone = connection.execute(waiting.values(REFUSED | {"decided_at": now()})).rowcount
        store.audit(connection, by, "claim.refuse-all", detail={"count": gone})


@router.get("/revendication")
def typed(request: Request, code: Annotated[str, Query(max_length=40)] = "") -> Response:
    """The form for the code of a letter or a call."""
    plain = re.sub(r"[^A-Z0-9]", "", code.upper())
    grouped = f"{plain[:4]}-{plain[4:8]}-{plain[8:]}"
    with suppress(NotFound):
        _held(access.store_of(request), grouped)
        return render.go(f"/revendication/{grouped}")
    wrong = WRONG_CODE if len(plain) == 12 else "Un code a douze signes : relisez-le."
    return render.page(request, "code.html", problems={"code": wrong} if code else {}, code=code)


@router.get("/revendication/{token}")
def proof(request: Request, token: str) -> Response:
    """Reading the link changes nothing: mail scanners follow every link."""
    return render.page(request, "claim.html", claim=_held(access.store_of(request), token), typed="")


@router.post("/revendication/{token}")
def prove(request: Request, token: str, form: CheckedForm, address: Line = "") -> Response:
    """Open the account, with the address of its holder, not that of who asked."""
    store = access.store_of(request)
    found = _held(store, token)
    try:
        to = fields.address(address, needed=True).lower()
    except BadInput as error:
        problems = fields.problems_of(error, "address")
        return render.page(request, "claim.html", 422, claim=found, problems=problems, typed=address)
    approved = update(Claim).where(Claim.id == found["id"], Claim.status == "approved")
    proved = approved.values(status="proved", token_hash="", decided_at=now())
    with store.writing(found["siret"], "claim.prove", found["id"]) as connection:
        if not connection.execute(proved).rowcount:
            raise NotFound("ce lien a déjà servi : demandez-en un autre")
    secret = keys.create(store, [f"structure:{found['siret']}", "read"], label=LABEL + to, days=None)
    bearer = keys.prove(store, secret)
    answer = render.page(request, "proved.html", siret=found["siret"], address=to)
    return render.give(answer, request, access.Session.fresh(bearer.id))


def _held(store: Store, token: str) -> dict[str, Any]:
    """The approved claim of a link or a code.  Raises NotFound."""
    approved = (Claim.token_hash == keys.hashed(token), Claim.status == "approved", Claim.expires_at > now())
    row = store.ask(select(Claim.__table__).where(*approved)).mappings().first()
    if row is None:
        raise NotFound(NO_LINK)
    return dict(row)


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
        return signing_in(request, problems=fields.problems_of(error, "address"), address=address)
    access.spend(request, "letter", to)
    opened_by = _scopes(request, to)
    link = f"{settings.public_url.rstrip('/')}/connexion/lien/{_token(to)}"
    store = access.store_of(request)
    # the same work for every domain: its time does not tell which are served
    with store.writing() as connection:
        id = delivery.queue(store, connection, mail_transport(settings), "sign-in", "", to, link, link=link)
        if not opened_by:
            connection.execute(delete(Letter).where(Letter.id == id))
    request.app.state.mailer.wake()
    return signing_in(request, sent=True)


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
    session = access.Session.fresh(key_of(store, LABEL + address, scopes=scopes))
    return render.give(render.go(home), request, session)


def _scopes(request: Request, address: str) -> list[str]:
    """What an address opens: its account, a buyer's by its domain, structures that publish it."""
    label, settings = LABEL + address, request.app.state.settings
    mine = keys.listed(access.store_of(request), Key.label == label)
    held = [scope for key in mine for scope in key.scopes]
    if address.rpartition("@")[2] in settings.buyer_domains:
        held += ["buyer", "read"]
    if snapshot := request.app.state.serving.current:
        sirets = sirets_at(snapshot.catalogue, address, 10 * MOST_OF_AN_ADDRESS)
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
    return signing_in(request, 403, problems={"federation": str(error)})


def _keep(answer: Response, request: Request, name: str, value: str, path: str, seconds: int) -> None:
    safe = access.secure(request)
    answer.set_cookie(name, value, seconds, path=path, secure=safe, httponly=True, samesite="lax")
