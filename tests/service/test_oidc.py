"""What an issuer may say: as itself alone, by a token of the right kind, of somebody identified as strongly as asked.

At the end a buyer signs in by a provider in the shape of ProConnect, and out of both, in a real browser.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("jwt", reason="the extra oidc is not installed")
import jwt
from fastapi.testclient import TestClient
from service.app import create_app
from service.page import account as account_page
from service.settings import Settings, read

from mail_server import free_port
from matcher.domain import BadInput, Forbidden
from matcher.records import keys
from matcher.records.store import Store
from oidc_provider import CLIENT, SECRET, Provider, provider
from service import oidc
from serving import serving


@pytest.fixture
def issuer() -> Iterator[Provider]:
    with provider() as known:
        yield known


def settings(issuer: Provider, **more: Any) -> Settings:
    return Settings(oidc_issuer=issuer.base, oidc_client=CLIENT, oidc_client_secret=SECRET, **more)  # type: ignore[arg-type]


def signed_in(issuer: Provider, given: Settings) -> str:
    """The address proved by a code that the issuer gave for this nonce."""
    issuer.codes["c"] = {"nonce": "n", "redirect_uri": oidc.back(given)}
    return oidc.identified(given, "c", "n")[1]


@pytest.mark.parametrize(("name", "odd"), [("described_as", "https://else.example"), ("moved", True)])
def test_an_issuer_described_as_another_is_not_asked(issuer: Provider, name: str, odd: Any) -> None:
    setattr(issuer, name, odd)
    with pytest.raises(Forbidden):
        oidc.asked(settings(issuer), "state", "nonce")
    assert issuer.asked == ["/.well-known/openid-configuration"]


def test_tokens_of_an_issuer_open_the_api_as_far_as_their_scope(issuer: Provider, tmp_path: Path) -> None:
    given = settings(issuer, catalogue=tmp_path, store=f"sqlite:///{tmp_path}/s.sqlite", log_level="ERROR")
    right = {"iss": issuer.base, "aud": "maillage", "sub": "u1", "scope": "buyer"}
    with TestClient(create_app(given)) as client:

        def status(token: str) -> int:
            return client.get("/v1/sourcing", headers={"Authorization": f"Bearer {token}"}).status_code

        assert status(issuer.signed(**right)) == 200
        assert status(issuer.signed(**right | {"scope": "read"})) == 403
        for wrong in ({"exp": 1}, {"aud": "else"}, {"iss": "https://else.example"}):
            assert status(issuer.signed(**right | wrong)) == 401
        assert status(jwt.encode({**right, "exp": int(time.time()) + 60}, "", "none")) == 401


def test_users_of_issuers_are_told_apart(issuer: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    def actor(base: str, sub: str) -> str:
        monkeypatch.setattr(oidc, "_claims", lambda *_: {"sub": sub})
        return oidc.prove("a.b.c", Settings(oidc_issuer=base)).actor  # type: ignore[arg-type]

    begins = "f:0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0:municipality"
    issuers = ("https://one.example", "https://two.example")
    names = [actor(base, f"{begins}{end}") for base in issuers for end in "ab"]
    assert len(set(names)) == 4 and actor("https://one.example", f"{begins}a") == names[0]


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


@pytest.mark.parametrize("verified", [False, "false", "true", 0])
def test_an_address_that_the_issuer_did_not_verify_opens_nothing(issuer: Provider, verified: object) -> None:
    given, issuer.verified = settings(issuer), verified
    with pytest.raises(Forbidden):
        signed_in(issuer, given)
    issuer.verified = True
    assert signed_in(issuer, given) == issuer.email


@pytest.mark.parametrize("address", ["moi@ailleurs.example@ville.example", "", "achats", "a b@ville.example"])
def test_what_is_no_address_opens_nothing(issuer: Provider, address: str) -> None:
    given, issuer.email = settings(issuer), address
    with pytest.raises(Forbidden):
        signed_in(issuer, given)


def test_the_account_is_the_subject_and_neither_its_address_nor_its_siret(issuer: Provider) -> None:
    given = settings(issuer)
    issuer.codes["c"] = {"nonce": "n", "redirect_uri": oidc.back(given)}
    account, address, _ = oidc.identified(given, "c", "n")
    with Store.open("sqlite://") as store:
        mine = account_page.key_of(store, account, address)
        # renamed, the same person; of the same address another; a link sent to that address
        assert account_page.key_of(store, account, "autre@ville.example") == mine
        assert account_page.key_of(store, f"{account[:-1]}x", address) != mine
        assert account_page.key_of(store, account_page.LABEL + address) != mine
    said = {"aud": "maillage", "scope": "buyer", "siret": "00010001600013"}
    both = [oidc.prove(issuer.signed(**said, sub=sub), given) for sub in "ab"]
    assert both[0].actor != both[1].actor and both[0].sirets == both[1].sirets == ("00010001600013",)


def test_an_issuer_without_domains_is_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"ISSUER": "https://one.example", "CLIENT": "c", "CLIENT_SECRET": "s"}.items():
        monkeypatch.setenv(f"MATCHER_OIDC_{name}", value)
    with pytest.raises(BadInput, match="MATCHER_OIDC_DOMAINS"):
        read()
    monkeypatch.setenv("MATCHER_OIDC_DOMAINS", '["ville.example"]')
    assert read().oidc_domains == ("ville.example",)


def identify(tab: Any, address: str) -> None:
    tab.goto(f"{address}/connexion")
    tab.click("text=S’identifier avec ProConnect")
    tab.click("#oui")


@pytest.mark.browser
def test_a_buyer_signs_in_by_the_provider_and_out_of_both(
    browser: Any, issuer: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MATCHER_HOME", str(tmp_path))
    url, domains = f"http://127.0.0.1:{(port := free_port())}", ("ville.example",)
    store = f"sqlite:///{tmp_path / 's.sqlite'}"
    more = {"catalogue": tmp_path / "none", "store": store, "log_level": "ERROR", "read": "key"}
    given = settings(issuer, public_url=url, oidc_domains=domains, **more)
    with serving(given, port) as address:
        tab = browser.new_context().new_page()
        identify(tab, address)
        tab.wait_for_selector("text=Se déconnecter")
        tab.goto(f"{address}/acheteur/fiches")
        assert tab.locator("h1").inner_text() == "Mes listes"
        # an account of this subject, not of whoever has the address
        with Store.open(given.store) as store:
            (label,) = (k.label for k in keys.listed(store))
            assert label.startswith("oidc:") and label.endswith(" achats@ville.example")
        tab.click("text=Se déconnecter")
        tab.wait_for_url("**/connexion/oidc/fin**")
        assert issuer.ended == ["u-1"]
        assert tab.goto(f"{address}/acheteur/fiches").status == 401

        # a code brought by another browser, an answer about somebody else, a domain that is not allowed
        stranger = browser.new_context().new_page()
        stranger.goto(f"{address}/connexion/oidc/retour?code=x&state=y")
        assert "n’a pas été demandée d’ici" in stranger.inner_text("#federation-fault")
        for wrong in ({"userinfo_sub": "u-2"}, {"email": "moi@ailleurs.example", "userinfo_sub": "u-1"}):
            for name, value in wrong.items():
                setattr(issuer, name, value)
            identify(stranger, address)
            assert stranger.locator("#federation-fault").count() == 1
            assert stranger.locator("text=Se déconnecter").count() == 0
        with Store.open(given.store) as store:
            assert len(keys.listed(store)) == 1
