"""A claim says who asks and why; it is proved by mail, by a letter or by a call; a refused one can be made again."""

import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from service.app import create_app
from service.settings import Settings

from mail_server import MailServer
from pages_client import SIRET, PagesClient, signed_in
from serving import until

ASKING = {"name": "Aline Petit", "role": "directrice", "address": "aline@allees.example"}
ASKING |= {"reason": "Corriger nos métiers"}


def ask(page: TestClient, **changed: str) -> str:
    path = f"/structure/{SIRET}/revendiquer"
    return page.post(path, data={**ASKING, **changed}).text


def desk(page: TestClient) -> str:
    signed_in(page, "operator")
    return page.get("/exploitant").text


def decide(page: TestClient, text: str, **choice: str) -> str:
    wanted = re.findall(r'action="(/exploitant/demandes/[^"]+)"', text)[0]
    return page.post(wanted, data=choice).text


def test_the_operator_sees_who_asks_and_why(page: TestClient) -> None:
    assert "Demande enregistrée" in ask(page)
    shown = desk(page)
    for said in (*ASKING.values(), "téléphone connu"):
        assert said in shown
    assert "Demande enregistrée" not in ask(page, name="", address="nobody")


def test_a_second_claim_is_not_swallowed_and_a_refused_one_can_be_made_again(page: TestClient) -> None:
    ask(page)
    ask(page, reason="J'ai oublié : nous avons déménagé")  # the same person corrects the claim
    ask(page, name="Bruno Roy", address="bruno@ailleurs.example")
    shown = desk(page)
    assert shown.count("/exploitant/demandes/") == 2
    assert "déménagé" in shown and "Bruno Roy" in shown
    assert "refusée" in decide(page, shown, verdict="non")
    left = page.get("/exploitant").text
    refused = "aline@allees.example" if "bruno@" in left else "bruno@ailleurs.example"
    ask(page, address=refused)
    assert page.get("/exploitant").text.count("/exploitant/demandes/") == 2


@pytest.mark.parametrize("way", ["letter", "phone"])
def test_a_letter_or_a_call_carries_a_code_that_opens_the_account_once(page: TestClient, way: str) -> None:
    ask(page, way=way)
    decided = decide(page, desk(page), verdict="oui", way=way)
    code = re.findall(r"[A-Z2-9]{4}-[A-Z2-9]{4}-[A-Z2-9]{4}", decided)[0]
    assert ("Imprimez" in decided) == (way == "letter")
    page.cookies.clear()
    assert "douze signes" in page.get("/revendication").text
    wrong = page.get("/revendication", params={"code": "ABCD-EFGH-JKLM"})
    assert wrong.status_code == 422 and 'value="ABCD-EFGH-JKLM"' in wrong.text and "relisez" in wrong.text
    shown = page.get("/revendication", params={"code": code.lower().replace("-", " ")})
    assert "Aline Petit (aline@allees.example)" in shown.text
    opens_once(page, f"/revendication/{code}")


def opens_once(page: TestClient, link: str) -> None:
    """Reading opens nothing, as scanners follow links; the button does, with an address to sign in again, and once."""
    assert [page.get(link).status_code for _ in range(3)] == [200] * 3
    assert page.post(link, data={}).status_code == 422
    opened = page.post(link, data={"address": "direction@allees.example"})
    assert "Compte ouvert" in opened.text and "mlg_" not in opened.text
    assert page.get(link).status_code == 404
    assert "Votre fiche" in page.get(f"/structure/{SIRET}").text


def test_an_approved_claim_is_mailed_to_the_address_that_is_known(
    settings: Settings, hedges: Path, smtp: MailServer
) -> None:
    given = settings.model_copy(update={"catalogue": hedges, "smtp": smtp.url})
    with PagesClient(create_app(given), headers={"accept": "text/html"}) as page:
        ask(page)
        told = decide(page, desk(page), verdict="oui")
        until(lambda: bool(smtp.received))
        ((to, mail),) = smtp.received
        assert "a@allees.example" in told and to == ["a@allees.example"]
        page.cookies.clear()
        opens_once(page, re.findall(r"(/revendication/\S+)", mail.get_content())[0])
