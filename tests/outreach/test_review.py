"""What an operator lets go, looks at and asks about; to whom a structure wants its mail sent; rules as they are written."""

from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select

from matcher.domain import BadInput, NotFound
from matcher.outreach import review
from matcher.outreach.alerts import address_of
from matcher.outreach.rules import Rules
from matcher.records.store import Store
from matcher.records.tables import Audit, Digest, Profile
from records import cases

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
FIRST, SECOND = date(2026, 3, 1), date(2026, 3, 2)
SIRET = "12345678200010"


def composed(store: Store, *told: tuple[str, date, str]) -> None:
    """One mail for each (addressee, day, status), whose content is its number."""
    rows: list[dict[str, Any]] = [
        {"id": f"d{number:02}", "addressee": to, "day": day, "status": status, "created_at": NOW}
        | {"content": {"number": number}}
        for number, (to, day, status) in enumerate(told)
    ]
    with store.writing() as connection:
        store.put(connection, Digest, rows)


def statuses(store: Store) -> list[str]:
    return list(store.ask(select(Digest.status).order_by(Digest.id)).scalars())


def test_what_is_approved_goes_of_the_day_that_was_named_and_nothing_else(store: Store) -> None:
    composed(store, ("a", FIRST, "held"), ("a", SECOND, "held"), ("b", FIRST, "sent"), ("c", FIRST, "failed"))
    assert review.decide(store, "ready", FIRST) == 1
    assert statuses(store) == ["ready", "held", "sent", "failed"]
    assert review.decide(store, "ready") == 1 and review.decide(store, "ready") == 0
    assert statuses(store) == ["ready", "ready", "sent", "failed"]
    noted = store.ask(select(Audit.actor, Audit.detail).order_by(Audit.at)).all()
    assert ("operator", {"count": 1}) in [tuple(row) for row in noted]


def test_a_sample_is_spread_over_all_that_is_held(store: Store) -> None:
    held = [(str(number), FIRST, "held") for number in range(10)]
    composed(store, *held, ("sent", FIRST, "sent"))
    assert [each["number"] for each in review.sample(store, 5)] == [0, 2, 4, 6, 8]
    assert [each["number"] for each in review.sample(store, 3)] == [0, 3, 6]
    assert len(review.sample(store, 20)) == 10


def test_why_tells_the_mails_of_one_structure_on_one_day(store: Store) -> None:
    composed(store, (SIRET, SECOND, "sent"), ("other", FIRST, "sent"), (SIRET, FIRST, "held"))
    assert [one["number"] for one in review.why(store, SIRET)] == [2, 0]  # by day
    (only,) = review.why(store, SIRET, SECOND)
    assert (only["number"], only["status"], only["day"], only["sent_at"]) == (0, "sent", "2026-03-02", None)
    with pytest.raises(NotFound, match="on 2026-03-03: check the SIRET and the day"):
        review.why(store, SIRET, date(2026, 3, 3))
    with pytest.raises(NotFound, match=r"no mail to nobody: check"):
        review.why(store, "nobody")


def test_the_address_that_a_structure_gave_comes_before_that_of_its_directory(store: Store) -> None:
    listed = {SIRET: SimpleNamespace(email="listed@example.org")}
    held: Any = SimpleNamespace(known=listed.get)
    assert address_of(store, held, SIRET) == "listed@example.org"
    assert address_of(store, held, "00000000000000") == ""
    for facts, wanted in (
        ({"email": "own@example.org"}, "own@example.org"),
        ({"email": "own@example.org", "alerts_email": "alerts@example.org"}, "alerts@example.org"),
        ({"email": ""}, "listed@example.org"),
    ):
        with store.writing() as connection:
            store.put(connection, Profile, [{"siret": SIRET, "facts": facts, "by": "", "at": NOW}])
        assert address_of(store, held, SIRET) == wanted


@pytest.mark.parametrize(("text", "words"), cases("rules that cannot stand"))
def test_rules_that_cannot_stand_are_refused_by_name(text: str, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        Rules.read(text)


def test_rules_stand_over_those_of_the_service() -> None:
    made = Rules.read('{"cap": 1, "closes": 24, "opens": 0, "floor": 1}', {"cap": 9, "wave": 1})
    assert (made.cap, made.wave, made.opens, made.closes, made.floor) == (1, 1, 0, 24, 1.0)
