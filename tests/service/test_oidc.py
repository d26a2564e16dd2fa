"""What an issuer may say: as itself alone, by a token of the right kind, of somebody identified as strongly as asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("jwt", reason="the extra oidc is not installed")
from service.settings import Settings

from matcher.domain import Forbidden
from oidc_provider import CLIENT, SECRET, Provider, provider
from service import oidc


@pytest.fixture
def issuer() -> Iterator[Provider]:
    with provider() as known:
        yield known


def settings(issuer: Provider, **more: Any) -> Settings:
    return Settings(oidc_issuer=issuer.base, oidc_client=CLIENT, oidc_client_secret=SECRET, **more)  # type: ignore[arg-type]


def signed_in(issuer: Provider, given: Settings) -> str:
    """The address proved by a code that the issuer gave for this nonce."""
    issuer.codes["c"] = {"nonce": "n", "redirect_uri": oidc.back(given)}
    return oidc.identified(given, "c", "n")[0]


def test_an_issuer_that_describes_itself_as_another_is_not_asked(issuer: Provider) -> None:
    issuer.described_as = "https://else.example"
    with pytest.raises(Forbidden):
        oidc.asked(settings(issuer), "state", "nonce")


def test_an_id_token_opens_no_api_and_an_access_token_identifies_nobody(issuer: Provider) -> None:
    given = settings(issuer)
    assert oidc.prove(issuer.signed(aud="maillage", sub="u"), given).scopes == ("read",)
    assert oidc.prove(issuer.signed("at+jwt", aud="maillage", sub="u", nonce="n"), given).scopes == ("read",)
    with pytest.raises(Forbidden):
        oidc.prove(issuer.signed(aud="maillage", sub="u", nonce="n"), given)
    assert signed_in(issuer, given) == issuer.email
    plain = issuer.signed
    issuer.signed = lambda **claims: plain("at+jwt" if "nonce" in claims else "JWT", **claims)  # type: ignore[method-assign]
    with pytest.raises(Forbidden):
        signed_in(issuer, given)


def test_the_strength_that_the_operator_asks_is_asked_for_and_required(issuer: Provider) -> None:
    given = settings(issuer, oidc_acr=("eidas2", "eidas3"))
    assert "acr_values=eidas2+eidas3" in oidc.asked(given, "state", "nonce")
    assert "acr" not in oidc.asked(settings(issuer), "state", "nonce")
    for weak in ("", "eidas1"):
        issuer.strength = weak
        with pytest.raises(Forbidden):
            signed_in(issuer, given)
        assert signed_in(issuer, settings(issuer)) == issuer.email
        with pytest.raises(Forbidden):
            oidc.prove(issuer.signed(aud="maillage", sub="u", acr=weak), given)
    issuer.strength = "eidas2"
    assert signed_in(issuer, given) == issuer.email
    assert oidc.prove(issuer.signed(aud="maillage", sub="u", acr="eidas3"), given).scopes == ("read",)
