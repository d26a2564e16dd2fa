"""A buyer signs in by an OpenID Connect provider in the shape of ProConnect, and out of both, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("jwt", reason="the extra oidc is not installed")
from service.settings import Settings

from mail_server import free_port
from matcher.records import keys
from matcher.records.store import Store
from oidc_provider import CLIENT, SECRET, Provider, provider
from serving import serving

pytestmark = pytest.mark.browser


@pytest.fixture
def issuer() -> Iterator[Provider]:
    with provider() as known:
        yield known


@pytest.fixture
def settings(issuer: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("MATCHER_HOME", str(tmp_path))
    port = free_port()
    return Settings(
        catalogue=tmp_path / "none", store=f"sqlite:///{tmp_path / 's.sqlite'}", log_level="ERROR", read="key", oidc_domains=("ville.example",),
        public_url=f"http://127.0.0.1:{port}", oidc_issuer=issuer.base, oidc_client=CLIENT, oidc_client_secret=SECRET,
    )  # fmt: skip


def identify(tab: Any, address: str) -> None:
    tab.goto(f"{address}/connexion")
    tab.click("text=S’identifier avec ProConnect")
    tab.click("#oui")


def test_a_buyer_signs_in_by_the_provider_and_out_of_both(
    browser: Any, issuer: Provider, settings: Settings
) -> None:
    with serving(settings, int(settings.public_url.rpartition(":")[2])) as address:
        tab = browser.new_context().new_page()
        identify(tab, address)
        tab.wait_for_selector("text=Se déconnecter")
        tab.goto(f"{address}/acheteur/fiches")
        assert tab.locator("h1").inner_text() == "Mes listes"
        # an account of this subject, not of whoever has the address
        with Store.open(settings.store) as store:
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
            assert (
                stranger.locator("#federation-fault").count() == 1
                and stranger.locator("text=Se déconnecter").count() == 0
            )
        with Store.open(settings.store) as store:
            assert len(keys.listed(store)) == 1
