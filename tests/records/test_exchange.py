"""The exchange keeps its rules: who may say, see, write and agree, and who is suggested to whom."""

import json
import math
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest import MonkeyPatch
from sqlalchemy import select
from typer.testing import CliRunner, Result

from matcher.catalogue.build import build_catalogue
from matcher.cli import build
from matcher.domain import BadInput, Forbidden, Lot, NotFound, Place, Recipe, Structure, Tender, UnknownNotice
from matcher.records import exchange, keys
from matcher.records.store import Store
from matcher.records.tables import Key, Notice
from matcher.reference.identifiers import siret_valid
from records import cases

LATER = datetime(2090, 1, 1, tzinfo=UTC)


def valid(siren: str) -> str:
    """A SIRET that passes the check sum and belongs to nobody."""
    return next(s for s in (f"{siren}{n:05d}" for n in range(1, 100)) if siret_valid(s))


A, B, C = valid("900000001"), valid("900000002"), valid("900000003")


@pytest.fixture
def bearer(store: Store) -> Any:
    def make(*scopes: str) -> keys.Bearer:
        return keys.prove(store, keys.create(store, scopes))

    return make


def known(store: Store, **facts: Any) -> None:
    """The store knows the notice."""
    row = {"id": "26-1", "fingerprint": "f", "tender": {}, "seen_at": LATER, "deadline": LATER, **facts}
    with store.writing() as connection:
        store.put(connection, Notice, [row])


def say(store: Store, who: keys.Bearer, siret: str, **facts: Any) -> exchange.Offer:
    given = {"notice_id": "26-1", "brings": "tonte", "seeks": "nettoyage des locaux", "deadline": LATER}
    given |= facts
    lots = (Lot(id="1", title="Tonte"), Lot(id="2", title="Nettoyage"))
    given.setdefault("tender", Tender(id=given["notice_id"], format="boamp", title="Entretien", lots=lots))
    return exchange.declare(store, who, siret=siret, **given)


# ----------------------------------------------------------------------------------------------- messages


def test_members_write_to_each_other_about_a_declaration_unread_by_others(store: Store, bearer: Any) -> None:
    one, other, third = (bearer(f"structure:{siret}") for siret in (A, B, C))
    mine = say(store, one, A)
    with pytest.raises(NotFound):  # its author answers, and does not begin
        exchange.write(store, one, mine.id, B, "bonjour")
    with pytest.raises(NotFound):  # for oneself alone
        exchange.write(store, other, mine.id, C, "bonjour")
    assert exchange.write(store, other, mine.id, B, " Prenez-vous  la tonte ? ") == (A, "26-1")
    assert exchange.write(store, one, mine.id, B, "Oui") == (B, "26-1")
    told = [(m.sender, m.text) for m in exchange.messages(store, one, mine.id)]
    assert told == [(B, "Prenez-vous la tonte ?"), (A, "Oui")]
    assert exchange.messages(store, other, mine.id) == exchange.messages(store, one, mine.id)
    assert exchange.messages(store, third, mine.id) == ()
    with pytest.raises(BadInput):
        exchange.write(store, other, mine.id, B, "  ")
    for _ in range(exchange.MESSAGES - 1):
        exchange.write(store, other, mine.id, B, "encore")
    with pytest.raises(BadInput):
        exchange.write(store, other, mine.id, B, "trop")
    exchange.withdraw(store, one, mine.id)
    with pytest.raises(BadInput):
        exchange.write(store, one, mine.id, B, "retirée")
    hidden = say(store, one, A, notice_id="26-2", visibility="named", named=[B])
    with pytest.raises(NotFound):  # nor to the author of one that it may not see
        exchange.write(store, third, hidden.id, C, "bonjour")
    exchange.write(store, other, hidden.id, B, "bonjour")


# --------------------------------------------------------------------------------------------------- keys


def test_a_key_proves_its_holder_and_only_its_hash_is_kept(store: Store) -> None:
    token = keys.create(store, ["read", f"structure:{A}"], label="Atelier")
    holder = keys.prove(store, token)
    assert holder.sirets == (A,) and holder.may("read") and not holder.may("buyer") and holder.actor == A
    assert token.split("_", 2)[2] not in str(list(store.ask(select(Key.__table__))))


def test_wrong_revoked_and_expired_keys_are_refused(store: Store, monkeypatch: MonkeyPatch) -> None:
    token = keys.create(store, ["read"], days=1)
    for wrong in ("", "x", token[:-1], token + "x", token.replace("mlg", "abc"), "mlg__x", "mlg_a_b"):
        with pytest.raises(Forbidden, match="inconnue, expirée ou révoquée"):
            keys.prove(store, wrong)
    with monkeypatch.context() as future:
        future.setattr(keys, "now", lambda: datetime.now(UTC) + timedelta(days=2))
        with pytest.raises(Forbidden):
            keys.prove(store, token)
    keys.prove(store, token)
    keys.revoke(store, keys.listed(store)[0].id)
    with pytest.raises(Forbidden):
        keys.prove(store, token)
    with pytest.raises(NotFound):
        keys.revoke(store, token)


@pytest.mark.parametrize(
    "scopes", [[], ["admin"], ["structure:"], ["structure:123"], ["structure:12345678901234"]]
)
def test_a_scope_that_is_none_is_refused(store: Store, scopes: list[str]) -> None:
    with pytest.raises(BadInput):
        keys.create(store, scopes)


# ----------------------------------------------------------------------------------------------- declaring


def test_declaring_twice_is_one_declaration_and_the_last_word_counts(store: Store, bearer: Any) -> None:
    mine = bearer(f"structure:{A}")
    first = say(store, mine, A)
    second = say(store, mine, A, brings="élagage")
    assert first.id == second.id
    (only,) = exchange.listing(store, mine, mine=True)
    assert only.brings == "élagage"
    known(store)
    assert say(store, mine, A, deadline=None, tender=None).deadline == LATER, "that of the notice"


def test_nobody_declares_for_a_siret_that_is_not_proved_his(store: Store, bearer: Any) -> None:
    for scope in (f"structure:{B}", "read", "operator"):
        with pytest.raises(Forbidden, match=A):
            say(store, bearer(scope), A)


UNFIT = [({"brings": "x" * 2001}, "2000 caractères"), ({"deadline": datetime(2090, 1, 1)}, "fuseau")]
UNFIT += [({"deadline": datetime(2020, 1, 1, tzinfo=UTC)}, "est passée")]


@pytest.mark.parametrize(("facts", "words"), [*cases("declarations that cannot stand"), *UNFIT])
def test_what_cannot_stand_is_refused(store: Store, bearer: Any, facts: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        say(store, bearer(f"structure:{A}"), A, **facts)
    assert store.counts()["declaration"] == 0


def test_a_notice_or_lot_that_exists_nowhere_is_refused(store: Store, bearer: Any) -> None:
    with pytest.raises(UnknownNotice, match="26-1"):
        say(store, bearer(f"structure:{A}"), A, tender=None)
    with pytest.raises(BadInput, match="pas de lot"):
        say(store, bearer(f"structure:{A}"), A, lot_id="9")
    assert store.counts()["declaration"] == 0


def test_an_unpublished_need_does_not_exist_on_the_exchange(store: Store, bearer: Any) -> None:
    known(store, owner="key:b")
    who = bearer(f"structure:{A}")
    answers = []
    for notice in ("26-1", "26-nobody-knows"):  # what is private is answered as what does not exist
        with pytest.raises(UnknownNotice) as caught:
            exchange.declare(store, who, siret=A, notice_id=notice, brings="tonte")
        answers.append(str(caught.value).replace(notice, "?"))
    assert answers[0] == answers[1]


def test_the_id_of_a_declaration_cannot_be_computed_and_stands(store: Store, bearer: Any) -> None:
    who = bearer(f"structure:{A}")
    first, again = (say(store, who, A) for _ in range(2))
    assert first.id == again.id and len(first.id) > 20
    with Store.open("sqlite:///:memory:") as other:
        secret = keys.create(other, [f"structure:{A}"])
        assert say(other, keys.prove(other, secret), A).id != first.id


# ------------------------------------------------------------------------------------------- who sees what


def seen(store: Store, who: keys.Bearer) -> set[str]:
    return {offer.siret for offer in exchange.listing(store, who)}


def test_a_declaration_is_seen_as_its_author_allows(store: Store, bearer: Any) -> None:
    a, b, c = (bearer(f"structure:{s}") for s in (A, B, C))
    buyer, reader, operator = bearer("buyer"), bearer("read"), bearer("operator")
    say(store, a, A)
    assert [seen(store, who) for who in (a, b, c)] == [{A}] * 3
    assert seen(store, buyer) == seen(store, reader) == set() and seen(store, operator) == {A}
    say(store, a, A, visibility="named", named=[B])
    assert seen(store, b) == {A} and seen(store, c) == seen(store, operator) == set()
    allowed = say(store, a, A, buyer_may_see=True)
    assert seen(store, buyer) == seen(store, reader) == set()  # any buyer is not the buyer of this notice

    def ours(notice_id: str) -> bool:
        return notice_id == "26-1"

    assert [o.id for o in exchange.listing(store, buyer, buyer_of=ours)] == [allowed.id]
    assert exchange.listing(store, buyer, buyer_of=lambda _: False) == ()
    both = bearer("buyer", f"structure:{C}")  # a buyer stays a buyer whatever else it is
    say(store, a, A)
    assert seen(store, both) == set()


def test_authors_agree_about_one_notice_in_a_role_that_there_is(store: Store, bearer: Any) -> None:
    a, b, c = (bearer(f"structure:{s}") for s in (A, B, C))
    one, two, apart = say(store, a, A), say(store, b, B), say(store, c, C, notice_id="26-2")
    exchange.agree(store, a, one.id, two.id, "mandataire", "tonte")
    assert exchange.group(store, a, one.id) == exchange.group(store, b, two.id) == ()  # one alone agreed
    assert [one.siret for one in exchange.waiting(store, b, two.id)] == [A]
    exchange.agree(store, b, two.id, one.id, "cotraitant", "nettoyage")
    assert exchange.waiting(store, b, two.id) == () != exchange.group(store, b, two.id)
    with pytest.raises(BadInput, match="même avis"):
        exchange.agree(store, a, one.id, apart.id, "cotraitant", "tonte")
    with pytest.raises(BadInput, match="rôle"):
        exchange.agree(store, a, one.id, two.id, "chef", "tonte")
    with pytest.raises(NotFound):
        exchange.agree(store, c, one.id, two.id, "cotraitant", "tonte")
    with pytest.raises(NotFound):
        exchange.group(store, b, one.id)


def test_a_withdrawn_or_expired_one_is_unseen(store: Store, bearer: Any, monkeypatch: MonkeyPatch) -> None:
    a, b = bearer(f"structure:{A}"), bearer(f"structure:{B}")
    offer = say(store, a, A, contact="a@example.org")
    with pytest.raises(NotFound):
        exchange.withdraw(store, b, offer.id)
    exchange.withdraw(store, a, offer.id)
    exchange.withdraw(store, a, offer.id)
    assert seen(store, b) == set()
    (mine,) = exchange.listing(store, a, mine=True)
    assert mine.state == "withdrawn" and not mine.has_contact
    with pytest.raises(NotFound):
        exchange.contact(store, b, offer.id)
    say(store, a, A)
    assert seen(store, b) == {A}
    monkeypatch.setattr(exchange, "now", lambda: LATER)
    assert seen(store, b) == set()
    assert exchange.listing(store, a, mine=True)[0].state == "expired"


# --------------------------------------------------------------------------------------------- suggestions


def test_how_far_two_complete_each_other_is_the_mean_of_what_each_finds(store: Store, bearer: Any) -> None:
    a, b = bearer(f"structure:{A}"), bearer(f"structure:{B}")
    say(store, a, A, lot_id="1", brings="grutage", seeks="plongeurs scaphandriers")
    for facts in ({"lot_id": "2"}, {"notice_id": "26-2"}):
        say(store, b, B, **facts, brings="scaphandriers", seeks="levage")
    assert exchange.suggest(store, a, A) == ()  # of another lot, and of another notice
    say(store, b, B, brings="scaphandriers", seeks="levage")
    (half,) = exchange.suggest(store, a, A)
    assert half.score == pytest.approx(1 / 4)  # one of two words found, and nothing of what the other seeks
    assert half.reasons == ("apporte ce que vous cherchez : scaphandriers",)
    (turned,) = exchange.suggest(store, b, B)
    assert turned.score == half.score and turned.reasons == ("cherche ce que vous apportez : scaphandriers",)
    say(store, b, B, brings="", seeks="levage")
    (both_seek,) = exchange.suggest(store, a, A)
    assert both_seek.score == 0.1 and both_seek.reasons == ("cherche aussi un partenaire sur cet avis",)


def test_the_hidden_and_the_far_are_not_suggested(store: Store, bearer: Any) -> None:
    a, b = bearer(f"structure:{A}"), bearer(f"structure:{B}")
    say(store, a, A)
    say(store, b, B, brings="nettoyage des locaux")
    assert exchange.suggest(store, a, A, kilometres=lambda x, y: 300.0) == ()
    assert exchange.suggest(store, a, A, kilometres=lambda x, y: 30.0)[0].distance_km == 30.0
    say(store, b, B, brings="nettoyage des locaux", visibility="named", named=[C])
    assert exchange.suggest(store, a, A) == ()


def test_distances_are_read_from_a_catalogue() -> None:
    recipe = Recipe(encoder="hashing")
    west, east = (Place(latitude=48.90, longitude=x) for x in (2.40, 2.54))
    places = {A: west, B: east, C: Place(country="BE")}
    catalogue = build_catalogue([Structure(siret=s, name=s, place=p) for s, p in places.items()], (), recipe)
    between = exchange.distances(catalogue)
    assert between(A, B) == pytest.approx(10.23, abs=0.1)  # 0.14 degree of longitude at 48.9 degrees north
    assert math.isnan(between(A, C)) and math.isnan(between(A, "00000000000000"))


# -------------------------------------------------------------------------------------------- the terminal


def matcher_(*words: str, key: str = "") -> Result:
    return CliRunner().invoke(build(), list(words), env={"MATCHER_KEY": key})


def test_terminal_declares(store: Store, store_url: str, monkeypatch: MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MATCHER_STORE", store_url)
    monkeypatch.chdir(tmp_path)
    known(store)
    a, b = (matcher_("keys", "create", "--scope", f"structure:{s}").stdout.strip() for s in (A, B))
    said = ("26-1", "--deadline", "2090-01-01", "--format", "jsonl")
    words = ("--brings", "tonte", "--seeks", "nettoyage des locaux", "--contact", "a@example.org")
    declared = matcher_("exchange", "declare", A, *said, *words, key=a)
    assert declared.exit_code == 0
    identifier = json.loads(declared.stdout)["id"]
    sought = ("--brings", "nettoyage", "--seeks", "espaces verts")
    other = json.loads(matcher_("exchange", "declare", B, *said, *sought, key=b).stdout)["id"]
    found = json.loads(matcher_("exchange", "suggest", B, "--format", "jsonl", key=b).stdout)
    assert found["id"] == identifier and found["score"] == 1.0
    part = ("--role", "cotraitant", "--part", "nettoyage", "-f", "jsonl")
    agreed = matcher_("exchange", "agree", other, identifier, *part, key=b)
    assert agreed.stdout == "" and "votre accord est noté" in agreed.stderr  # nobody answered it yet
    assert matcher_("exchange", "contact", identifier, key=b).stdout.strip() == "a@example.org"
    viewers = matcher_("exchange", "viewers", identifier, "--format", "csv", key=a).stdout
    assert viewers.count(B) == 2
    assert matcher_("exchange", "contact", identifier, "--delete", key=a).exit_code == 0
    assert matcher_("exchange", "withdraw", identifier, key=a).exit_code == 0
    listed = matcher_("exchange", "list", "--notice", "26-1", "--format", "jsonl", key=a).stdout
    assert [json.loads(line)["siret"] for line in listed.splitlines()] == [B]
    mine = matcher_("exchange", "list", "--mine", "--format", "jsonl", key=a).stdout
    assert json.loads(mine)["state"] == "withdrawn"
    refused = matcher_("exchange", "withdraw", identifier, key=b)
    assert isinstance(refused.exception, NotFound)


def test_terminal_restores(store: Store, store_url: str, monkeypatch: MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MATCHER_STORE", store_url)
    known(store)
    key = matcher_("keys", "create", "--scope", f"structure:{A}", "--label", "=HYPERLINK(1)").stdout.strip()
    words = ("--brings", "tonte", "--contact", "a@example.org", "--deadline", "2090-01-01")
    matcher_("exchange", "declare", A, "26-1", *words, key=key)
    assert "'=HYPERLINK" in matcher_("keys", "list", "--format", "csv").stdout
    backup = tmp_path / "b.jsonl.gz"
    assert matcher_("store", "backup", str(backup)).exit_code == 0
    held = json.loads(matcher_("personal", "export", "a@example.org").stdout)
    assert held["declaration"][0]["siret"] == A
    matcher_("personal", "erase", "a@example.org")
    told = json.loads(matcher_("personal", "export", "a@example.org").stdout)
    assert "declaration" in told  # only told so far
    matcher_("personal", "erase", "a@example.org", "--yes")
    assert "declaration" not in json.loads(matcher_("personal", "export", "a@example.org").stdout)
    monkeypatch.setenv("MATCHER_STORE", f"sqlite:///{tmp_path / 'other.sqlite'}")
    assert matcher_("store", "migrate").exit_code == 0
    assert matcher_("store", "restore", str(backup)).exit_code == 0
    assert json.loads(matcher_("personal", "export", "a@example.org").stdout)["declaration"][0]["siret"] == A
    emptied = matcher_("personal", "export", "a@example.org", "--store", store_url)
    assert (emptied.exit_code, "declaration" in json.loads(emptied.stdout)) == (0, False)
    counts = matcher_("store", "info", "--format", "csv").stdout.splitlines()
    assert any(line.startswith("api_key,1,") for line in counts)
    assert matcher_("store", "prune").exit_code == 0
    identifier = key.split("_")[1]
    assert matcher_("keys", "revoke", identifier).exit_code == 0
    assert isinstance(matcher_("exchange", "list", key=key).exception, Forbidden)
