"""A person is read out and erased wherever an address or a SIRET can stand: the tests walk the schema."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import JSON, ForeignKeyConstraint, Table, insert, select
from sqlalchemy.types import Boolean, Date, Float, Integer, String

from matcher.catalogue.build import build_catalogue
from matcher.commands import personal as personal_command
from matcher.domain import BadInput, Forbidden, Structure
from matcher.matching import recipes
from matcher.records import keys, personal
from matcher.records.store import Store, address_subject
from matcher.records.tables import Base, UtcTime

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
SIRET, OTHER = "00010001600013", "00010073500018"
ADDRESS = "Anne@Example.org"


def value(column: Any, given: dict[type, Any]) -> Any:
    """Something that a column takes; `given` says what stands in texts and in JSON."""
    for kind, found in given.items():
        if isinstance(column.type, kind):
            length = getattr(column.type, "length", None)
            return found if length is None or length >= len(found) else "x"
    plain = {UtcTime: NOW, Date: date(2026, 3, 2), Boolean: False, Integer: -1, Float: 0.5, JSON: {}}
    plain[String] = "x"
    return next(one for kind, one in plain.items() if isinstance(column.type, kind))


def fill(store: Store, given: dict[type, Any], where: str = "any") -> int:
    """One row in every table with what is given in every column but keys; returns how many columns were filled."""
    filled = 0
    with store.writing() as connection:
        for table in Base.metadata.sorted_tables:
            fixed = {c.name for c in table.primary_key} | _foreign(table)
            row = {c.name: value(c, {} if c.name in fixed else given) for c in table.c}
            filled += sum(row[c.name] in given.values() for c in table.c)
            connection.execute(insert(table), row)
    return filled


def _foreign(table: Table) -> set[str]:
    return {c for k in table.constraints if isinstance(k, ForeignKeyConstraint) for c in k.column_keys}


def everything(store: Store) -> str:
    return str([list(store.ask(select(table))) for table in Base.metadata.sorted_tables])


def test_an_address_is_found_and_erased_in_every_column_of_every_table(store: Store) -> None:
    said = f"écrire à {ADDRESS}, ou rappeler"
    filled = fill(store, {JSON: {"deep": [{"said": said}, ADDRESS.lower()]}, String: said})
    assert filled > 40
    # columns too short for an address: those that hold a SIRET or a word of ours
    free = {t.name for t in Base.metadata.sorted_tables if any(map(_free, t.c))}
    assert set(personal.export(store, ADDRESS.upper())) == free
    personal.erase(store, ADDRESS)
    left = everything(store).lower()
    assert ADDRESS.lower() not in left and "ou rappeler" in left  # the address alone goes
    assert address_subject(ADDRESS) in left
    assert set(personal.export(store, ADDRESS)) == {"unsubscription"}


def _free(column: Any) -> bool:
    """May a sentence stand in this column?"""
    text = isinstance(column.type, String) and (column.type.length or 200) >= 60
    return (text or isinstance(column.type, JSON)) and not column.primary_key and not column.foreign_keys


def test_a_longer_address_with_the_same_ending_is_another_person(store: Store) -> None:
    fill(store, {JSON: {"contact": "joanne@example.org"}, String: "anne@example.org.uk"})
    assert personal.export(store, ADDRESS) == {}
    personal.erase(store, ADDRESS)
    assert "joanne@example.org" in everything(store) and "anne@example.org.uk" in everything(store)
    assert personal.export(store, ADDRESS) == {}  # of whom nothing is held nothing is written


def test_a_siret_is_erased_in_every_column_but_unsubscriptions_and_published_notices(store: Store) -> None:
    named = {"by": f"structure:{SIRET}", "list": [{"siret": SIRET, "name": "x"}, OTHER]}
    fill(store, {JSON: named, String: SIRET})
    with store.writing() as connection:
        store.unsubscribe(connection, SIRET, "one-click")
    personal.erase(store, SIRET)
    for table in Base.metadata.sorted_tables:
        columns = [c for c in table.c if (table.name, c.name) not in personal.PUBLISHED]
        shown = str(list(store.ask(select(*columns))))
        assert (SIRET in shown) == (table.name == "unsubscription"), table.name
    assert OTHER in everything(store)


def test_the_keys_of_an_erased_siret_no_longer_open_anything(store: Store) -> None:
    mine, theirs = (keys.create(store, [f"structure:{siret}", "read"]) for siret in (SIRET, OTHER))
    assert "hash" not in personal.export(store, SIRET)["api_key"][0]  # no secret is shown
    personal.erase(store, SIRET)
    with pytest.raises(Forbidden):
        keys.prove(store, mine)
    assert keys.prove(store, theirs).sirets == (OTHER,)


@pytest.mark.parametrize("name", ["", " ", "Anne", "123", "12345678200010 x"])
def test_who_is_neither_an_address_nor_a_siret_is_asked_back(store: Store, name: str) -> None:
    with pytest.raises(BadInput):
        personal.export(store, name)


def test_a_listed_address_is_answered_with_the_siret_to_ask_by(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = Structure(siret=SIRET, name="Les Sentiers", email="contact@sentiers.example")
    catalogue = build_catalogue([listed], (), recipes.named("lexical"))
    monkeypatch.setattr(personal_command, "load_catalogue", lambda folder: catalogue)
    assert personal_command._listed_with("Contact@sentiers.example ") == [SIRET]
    assert personal_command._listed_with("tact@sentiers.example") == []
