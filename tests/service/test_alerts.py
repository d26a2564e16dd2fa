"""Mails of a kept search: asked by a buyer, sent when somebody new is to call, ended by the link of the mail."""

import email
import json
from email import policy
from urllib.parse import urlsplit

import pytest
from service.page import alert
from service.settings import mail_transport
from sqlalchemy import select, update

from matcher.outreach import delivery, letters
from matcher.records.store import now
from matcher.records.tables import Alert, Delivery, Letter, Webhook
from pages_client import PagesClient, reference, signed_in
from serving import as_documented, until

TO = "achats@ville.example"


def test_a_buyer_is_mailed_of_those_that_join_a_kept_search_until_its_link(page: PagesClient) -> None:
    signed_in(page, "buyer", "read")
    kept = reference(page, need="tonte et taille de haies", place="Pantin")
    where = f"/acheteur/alerte/{kept}"
    assert where in page.get(f"/acheteur/r/{kept}").text
    assert page.post(where, data={"address": "personne"}).status_code == 422
    assert "recevra un courriel" in page.post(where, data={"address": TO}).text
    app, store = page.app, page.app.state.store  # type: ignore[attr-defined]
    alert.look(app)  # the same catalogue: nobody joined
    (row,) = store.ask(select(Alert.__table__)).mappings().all()
    assert row["told"] and row["data"] == app.state.serving.current.matcher.versions["data"]

    def mails() -> list[str]:
        return [m for m in store.ask(select(Letter.mail).where(Letter.kind == "alert")).scalars() if m]

    assert mails() == []
    page.app.state.mailer.close()  # type: ignore[attr-defined]
    joined, *others = row["told"]
    hook = {"id": "h", "key_id": row["owner"].removeprefix("key:"), "url": "x", "events": ["search.joined"]}
    with store.writing() as connection:
        store.put(connection, Webhook, [{**hook, "created_at": now()}])
        connection.execute(update(Alert).values(told=others, data="the catalogue of before"))
    alert.look(app)
    alert.look(app)
    (mail,) = (email.message_from_string(one, policy=policy.default) for one in mails())
    event = as_documented(json.loads(store.ask(select(Delivery.body)).scalar_one()))
    assert event["type"] == "search.joined" and event["data"]["search"] == kept
    assert [each["siret"] for each in event["data"]["joined"]] == [joined]
    text = mail.get_content()
    assert f"/acheteur/r/{kept}" in text and text.count("\n- ") == 1
    assert set(store.ask(select(Alert.told)).scalar_one()) == {joined, *others}
    end = urlsplit(str(mail["List-Unsubscribe"]).strip("<>")).path
    page.cookies.clear()
    assert store.ask(select(Alert.id)).all()  # reading changes nothing
    assert "plus aucun message" in page.post(end, data={}).text
    assert not store.ask(select(Alert.id)).all()


@pytest.mark.parametrize("scopes", [(), ("read",)])
def test_only_a_buyer_has_mails_sent(page: PagesClient, scopes: tuple[str, ...]) -> None:
    kept = reference(page, need="tonte et taille de haies", place="Pantin")
    if scopes:
        signed_in(page, *scopes)
    assert "connectez-vous comme acheteur" in page.get(f"/acheteur/alerte/{kept}").text
    asked = page.post(f"/acheteur/alerte/{kept}", data={"address": TO})
    assert asked.status_code in (401, 403)


def test_a_search_that_fails_holds_no_mail(page: PagesClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(app: object) -> None:
        raise ValueError("a search of an earlier form")

    signed_in(page, "buyer")
    app, store = page.app, page.app.state.store  # type: ignore[attr-defined]
    monkeypatch.setattr(alert, "look", broken)
    transport, link = mail_transport(app.state.settings), "http://localhost/lien"
    mail = letters.letter("signin", "", TO, transport, link, link=link)
    with store.writing() as connection:
        delivery.queue(store, connection, mail, kind="account", siret="")
    app.state.mailer.wake()
    until(lambda: store.ask(select(Letter.status)).scalar_one() not in ("ready", "sending"))
    assert store.ask(select(Letter.status)).scalar_one() == "sent"
