"""The OpenID Connect issuer: its bearer tokens, and signing in to the pages (extra: PyJWT)."""

import hashlib
from typing import Any
from urllib.parse import urlencode

import httpx
from cachetools import TTLCache, cached

from matcher import plugins
from matcher.domain import Forbidden
from matcher.records.keys import PLAIN_SCOPES, Bearer
from matcher.reference.identifiers import mailbox, siret_valid
from service.settings import Settings

Claims = dict[str, Any]
ID_TOKEN, ACCESS_TOKEN = "an ID token", "an access token"
ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]  # never "none", never a shared secret
SECONDS = 5  # to wait for the issuer
SCOPE = "openid email"  # all that signing in asks for
UNREACHABLE = "Le service d'identification ne répond pas : réessayez, ou connectez-vous autrement."
REFUSED = "Votre identité n'a pas pu être vérifiée : recommencez."


@cached(TTLCache(maxsize=4, ttl=24 * 3600))
def _found(issuer: str) -> dict[str, Any]:
    """The endpoints of an issuer (OpenID Connect Discovery 1.0).  Raises httpx.HTTPError, ValueError."""
    address = issuer.rstrip("/") + "/.well-known/openid-configuration"
    found = dict(httpx.get(address, timeout=SECONDS, follow_redirects=False).raise_for_status().json())
    if str(found.get("issuer", "")).rstrip("/") != issuer.rstrip("/"):
        raise ValueError("the endpoints are described as those of another issuer")
    return found


@cached(TTLCache(maxsize=4, ttl=24 * 3600))
def _keys(issuer: str) -> Any:
    """The client of the issuer's keys."""
    from jwt import PyJWKClient

    return PyJWKClient(_found(issuer)["jwks_uri"], cache_keys=True, lifespan=300, timeout=SECONDS)


def _claims(token: str, settings: Settings, audience: str, required: list[str], kind: str = "") -> Claims:
    """The claims of a token signed for `audience`, of this kind, as strong as asked.  Raises Forbidden."""
    with plugins.optional("oidc", "signing in by OIDC"):
        import jwt
    issuer = str(settings.oidc_issuer)
    try:
        key = _keys(issuer).get_signing_key_from_jwt(token)
        issuers, options = [issuer, issuer.rstrip("/")], jwt.types.Options(require=required)
        claims = jwt.decode(token, key.key, ALGORITHMS, options, audience=audience, issuer=issuers)
        # what a token is for is told by its head (RFC 9068), else by the nonce that ID tokens alone have
        head = str(jwt.get_unverified_header(token).get("typ", "")).lower().removeprefix("application/")
        for_us = ID_TOKEN if "nonce" in claims and head != "at+jwt" else ACCESS_TOKEN
        weak = bool(settings.oidc_acr) and claims.get("acr") not in settings.oidc_acr
        if kind and (kind != for_us or weak):
            raise ValueError("a token of another kind, or of a weaker identification")
        return dict(claims)
    except (jwt.PyJWTError, httpx.HTTPError, OSError, KeyError, ValueError):
        raise Forbidden("this token is not one of the issuer, or has expired: sign in again") from None


def prove(token: str, settings: Settings) -> Bearer:
    """The bearer of a token, by its `scope` and the SIRET proved, `siret`.  Raises Forbidden."""
    claims = _claims(token, settings, settings.oidc_audience, ["exp", "iss", "aud", "sub"], ACCESS_TOKEN)
    scopes = [s for s in str(claims.get("scope", "")).split() if s in PLAIN_SCOPES]
    siret = str(claims.get("siret", ""))
    if siret_valid(siret):
        scopes.append(f"structure:{siret}")
    id = f"oidc-{_account(settings, claims['sub'])}"
    return Bearer(id=id, scopes=tuple(scopes) or ("read",), label="OIDC")


def back(settings: Settings) -> str:
    """The address to which the issuer sends a visitor back; it is registered there, letter by letter."""
    return f"{settings.public_url}/connexion/oidc/retour"


def asked(settings: Settings, state: str, nonce: str) -> str:
    """The issuer's page of identification, for one visitor.  Raises Forbidden where it does not answer.

    Only the parameters of the authorization code flow, for ProConnect refuses others; and the strength, where it is asked for.
    """
    query = {"response_type": "code", "client_id": settings.oidc_client, "redirect_uri": back(settings)}
    query |= {"scope": SCOPE, "state": state, "nonce": nonce}
    query |= {"acr_values": " ".join(settings.oidc_acr)} if settings.oidc_acr else {}
    return f"{_endpoint(settings, 'authorization_endpoint')}?{urlencode(query)}"


def identified(settings: Settings, code: str, nonce: str) -> tuple[str, str, str]:
    """The account that a code of the issuer proves, its mail address, and the token that ends the session there.

    The account is the subject, which no one else is given, and not the address.  Raises Forbidden.
    """
    form = {"grant_type": "authorization_code", "redirect_uri": back(settings), "code": code}
    form |= {"client_id": settings.oidc_client, "client_secret": settings.oidc_client_secret}
    required = ["exp", "iss", "aud", "sub", "nonce"]
    with httpx.Client(timeout=SECONDS, follow_redirects=False) as client:
        tokens = _answer(client, "POST", settings, "token_endpoint", data=form).json()
        token = str(tokens.get("id_token"))
        identity = _claims(token, settings, settings.oidc_client, required, ID_TOKEN)
        head = {"Authorization": f"Bearer {tokens.get('access_token')}"}
        userinfo = _answer(client, "GET", settings, "userinfo_endpoint", headers=head)
    if userinfo.headers.get("content-type", "").startswith("application/jwt"):  # as ProConnect does
        person = _claims(userinfo.text.strip(), settings, settings.oidc_client, ["iss", "aud", "sub"])
    else:
        try:
            person = dict(userinfo.json())
        except ValueError:
            raise Forbidden(REFUSED) from None
    if identity["nonce"] != nonce or person.get("sub") != identity["sub"]:
        raise Forbidden(REFUSED)
    address = mailbox(str(person.get("email", ""))).lower()
    if not address or person.get("email_verified", True) is not True:
        raise Forbidden(REFUSED)
    return f"oidc:{_account(settings, identity['sub'])}", address, str(tokens["id_token"])


def _account(settings: Settings, subject: Any) -> str:
    """Of a user of the issuer; whole: two users may share the beginning of their names."""
    whole = f"{str(settings.oidc_issuer).rstrip('/')}\0{subject}"
    return hashlib.sha256(whole.encode("utf-8", "replace")).hexdigest()[:32]


def ended(settings: Settings, token: str, state: str) -> str:
    """The issuer's page that ends the session there; "" where it has none or does not answer."""
    try:
        page = _found(str(settings.oidc_issuer)).get("end_session_endpoint", "")
    except (httpx.HTTPError, ValueError):
        return ""
    query = {"id_token_hint": token, "state": state}
    query |= {"post_logout_redirect_uri": f"{settings.public_url}/connexion/oidc/fin"}
    return f"{page}?{urlencode(query)}" if page else ""


def _endpoint(settings: Settings, name: str) -> str:
    try:
        return str(_found(str(settings.oidc_issuer))[name])
    except (httpx.HTTPError, KeyError, ValueError):
        raise Forbidden(UNREACHABLE) from None


def _answer(client: httpx.Client, method: str, settings: Settings, name: str, **sent: Any) -> httpx.Response:
    try:
        return client.request(method, _endpoint(settings, name), **sent).raise_for_status()
    except httpx.HTTPStatusError:
        raise Forbidden(REFUSED) from None
    except httpx.HTTPError:
        raise Forbidden(UNREACHABLE) from None
