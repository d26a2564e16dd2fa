"""Bearer tokens of an OpenID Connect issuer, where `MATCHER_OIDC_ISSUER` names one (extra: PyJWT)."""

from __future__ import annotations

import hashlib
from typing import Any

import httpx
from cachetools import TTLCache, cached

from matcher import plugins
from matcher.domain import Forbidden
from matcher.records.keys import PLAIN_SCOPES, Bearer
from matcher.reference.identifiers import siret_valid
from service.settings import Settings

ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]  # never "none", never a shared secret
SECONDS = 5  # to wait for the issuer


@cached(TTLCache(maxsize=4, ttl=24 * 3600))
def _keys(issuer: str) -> Any:
    """The client of the issuer's keys (OpenID Connect Discovery 1.0)."""
    from jwt import PyJWKClient

    address = issuer.rstrip("/") + "/.well-known/openid-configuration"
    found = httpx.get(address, timeout=SECONDS, follow_redirects=False).raise_for_status().json()
    return PyJWKClient(found["jwks_uri"], cache_keys=True, lifespan=300, timeout=SECONDS)


def prove(token: str, settings: Settings) -> Bearer:
    """The bearer of a token: its `scope` holds scopes of this service, its `siret` the SIRET proved.  Raises Forbidden."""
    with plugins.optional("oidc", "signing in by OIDC"):
        import jwt
    issuer = str(settings.oidc_issuer)
    try:
        key = _keys(issuer).get_signing_key_from_jwt(token)
        claims = jwt.decode(
            token,
            key.key,
            algorithms=ALGORITHMS,
            audience=settings.oidc_audience,
            issuer=[issuer, issuer.rstrip("/")],
            options={"require": ["exp", "iss", "aud", "sub"]},
        )
    except (jwt.PyJWTError, httpx.HTTPError, OSError, KeyError, ValueError):
        raise Forbidden("this token is not one of the issuer, or has expired: sign in again") from None
    scopes = [s for s in str(claims.get("scope", "")).split() if s in PLAIN_SCOPES]
    siret = str(claims.get("siret", ""))
    if siret_valid(siret):
        scopes.append(f"structure:{siret}")
    # whole: two users of an issuer may share the beginning of their names
    user = hashlib.sha256(f"{issuer.rstrip('/')}\0{claims['sub']}".encode("utf-8", "replace")).hexdigest()
    return Bearer(id=f"oidc-{user[:32]}", scopes=tuple(scopes) or ("read",), label="OIDC")
