"""A buyer signs in by a link sent to an address of an allowed domain."""

import re
from pathlib import Path

import pytest
from service.app import create_app
from service.settings import Settings

from matcher.catalogue.catalogue import Catalogue
from matcher.catalogue.files import save_catalogue
from matcher.records import keys
from matcher.records.store import Store
from pages_client import PagesClient, mails
from serving import settings_of, until

ADDRESS = "achats@ville.example"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("MATCHER_HOME", str(tmp_path))
    return settings_of(tmp_path / "none", tmp_path, buyer_domains=("ville.example",), read="key")


def sent(settings: Settings, count: int) -> list[str]:
    """The text of the mails dropped, once there are so many."""
    until(lambda: len(mails(settings.outbox)) >= count)
    return [mail.get_content() for mail in mails(settings.outbox)]


def test_a_link_opens_once_and_the_same_account_each_time(page: PagesClient, settings: Settings) -> None:
    page.get("/connexion")
    for turn in (1, 2):
        assert "un lien vient" in page.post("/connexion/lien", data={"address": ADDRESS}).text
        known = set(re.findall(r"/connexion/lien/[\da-f]+-[\da-f]+", " ".join(sent(settings, turn))))
        fresh = [link for link in known if "Me connecter" in page.get(link).text]
        opened = [page.post(link, data={}, follow_redirects=False).status_code for link in fresh]
        assert opened.count(303) == 1
        page.cookies.clear()
    with Store.open(settings.store) as store:
        assert [k.label for k in keys.listed(store)] == [f"courriel:{ADDRESS}"]


def test_another_domain_gets_the_same_answer_and_no_mail(page: PagesClient, settings: Settings) -> None:
    asked = {"address": "moi@ailleurs.example"}
    assert "un lien vient" in page.post("/connexion/lien", data=asked).text
    wrong = page.post("/connexion/lien", data={"address": "personne"})
    assert wrong.status_code == 422 and 'id="address-fault"' in wrong.text
    for forged in ("/connexion/lien/00-00", "/connexion/lien/zz", "/connexion/lien/" + "0" * 80):
        assert page.get(forged).status_code == 404
    assert not list(settings.outbox.glob("*.eml"))


def test_a_structure_signs_in_by_a_known_address(settings: Settings, catalogue: Catalogue) -> None:
    save_catalogue(catalogue, settings.catalogue)
    structure = next(s for s in map(catalogue.structure, range(len(catalogue))) if s.email)
    with PagesClient(create_app(settings), headers={"accept": "text/html"}) as page:
        for address in (structure.email.upper(), "personne@ailleurs.example"):
            page.post("/connexion/lien", data={"address": address})
        (mail,) = sent(settings, 1)
        (link,) = set(re.findall(r"/connexion/lien/[0-9a-f]+-[0-9a-f]+", mail))
        opened = page.post(link, data={})
        assert opened.url.path == f"/structure/{structure.siret}" and "Votre fiche" in opened.text
        assert page.get("/acheteur/fiches").status_code == 200  # who is signed in may keep lists


def test_the_door_is_open_with_a_key_for_the_rest(settings: Settings, catalogue: Catalogue) -> None:
    save_catalogue(catalogue, settings.catalogue)
    siret = catalogue.structure(0).siret
    with PagesClient(create_app(settings), headers={"accept": "text/html"}) as page:
        for address in ("/", "/acheteur", "/structure", f"/structure/{siret}", "/a-propos", "/connexion"):
            assert page.get(address).status_code == 200, address
        assert page.get(f"/structure/{siret}/revendiquer").status_code == 200
        shown = page.post("/acheteur", data={"need": "taille de haies", "place": "Pantin"})
        assert shown.status_code == 200 and 'class="row"' in shown.text
        refused = page.get("/acheteur/fiches")
        assert refused.status_code == 401 and "/connexion?retour=/acheteur/fiches" in refused.text
        assert page.get("/v1/structures?q=les").status_code == page.get("/territoire").status_code == 401
    shut = Settings(**{**settings.model_dump(), "closed": ("search",)})
    with PagesClient(create_app(shut), headers={"accept": "text/html"}) as page:
        assert page.get("/").status_code == page.get("/structure").status_code == 200
        assert page.get("/acheteur").status_code == 401


def test_signing_in_leads_back_to_this_site_alone(page: PagesClient, settings: Settings) -> None:
    with Store.open(settings.store) as store:
        secret = keys.create(store, ["buyer"])
    ways = (("/acheteur/fiches",) * 2, ("//x.example", "/acheteur"), ("https://x.example", "/acheteur"))
    for asked, led in ways:
        shown = page.post("/connexion", data={"key": secret, "retour": asked}, follow_redirects=False)
        assert shown.headers["location"] == led


def test_head_answers_as_get_and_a_sent_form_reopens_as_its_page(page: PagesClient) -> None:
    head = page.head("/connexion")
    assert head.status_code == 200 and head.content == b""
    assert head.headers["content-type"].startswith("text/html")
    again = page.get("/connexion/lien", follow_redirects=False)
    assert again.status_code == 303 and again.headers["location"] == "/connexion"
    packed = page.get("/connexion", headers={"accept-encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
