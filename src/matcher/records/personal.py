"""A person's data, found by walking the schema: every column in which an address or a SIRET can stand.

By address: only the address is removed, wherever it is written, and no mail is sent again to one that was known.  By SIRET: the rows of the
structure are deleted and its keys revoked; elsewhere its number is removed.  Kept: the fact of having unsubscribed (it keeps mail
away), and notices as published.  A sealed event loses its content and keeps its commitment.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import JSON, Connection, Table, Text, and_, cast, delete, func, or_, select, update
from sqlalchemy.types import String

from matcher.domain import BadInput
from matcher.records import chain
from matcher.records.store import Store, address_subject, now, plain
from matcher.records.tables import Base
from matcher.reference.identifiers import IDENTITY

#: Table -> the column of the row's owner: rows of an erased structure are deleted.
OWNED: Mapping[str, str] = {
    "declaration": "siret", "declaration_view": "viewer", "feedback": "siret", "match": "siret",
    "digest": "addressee", "told": "addressee", "denied_skill": "siret", "claim": "siret", "profile": "siret",
    "letter": "siret", "once": "actor", "declaration_message": "sender", "worked_hours": "siret",
}  # fmt: skip
#: Never erased: unsubscriptions, by SIRET or by the hash of an address, and SIRETs in notices as published.
KEPT = {"unsubscription"}
PUBLISHED = {("notice", "tender"), ("notice", "changes")}
#: Never shown, even to the person: what proves a key or a link.
SECRET = {("api_key", "hash"), ("claim", "token_hash")}


class _Person:
    """An address or a SIRET, and how it is found in a text."""

    def __init__(self, name: str) -> None:
        self.name = name.strip()
        if not self.name:
            raise BadInput("say who: an address or a SIRET")
        self.by_address = "@" in self.name
        if not self.by_address and not re.fullmatch(IDENTITY, self.name):
            raise BadInput(f"invalid person {self.name!r}: give a mail address, or a SIRET of 14 digits")
        edges = (r"(?<![\w.+-])", r"(?![\w-]|\.\w)") if self.by_address else (r"(?<!\d)", r"(?!\d)")
        self._said = re.compile(edges[0] + re.escape(self.name) + edges[1], re.IGNORECASE)

    def columns(self, table: Table) -> list[Any]:
        """The columns of a table that can name the person."""
        texts = (c for c in table.c if isinstance(c.type, String | JSON))
        return [c for c in texts if self.by_address or (table.name, c.name) not in PUBLISHED]

    def named(self, value: Any) -> bool:
        """Does a value of a column, JSON or text, name the person?"""
        if isinstance(value, Mapping):
            return any(self.named(one) for pair in value.items() for one in pair)
        if isinstance(value, list):
            return any(map(self.named, value))
        return isinstance(value, str) and bool(self._said.search(value))

    def without(self, value: Any) -> Any:
        """The value without the person: the name goes out of texts, and a SIRET's own entry out of a list."""
        if isinstance(value, Mapping):
            return {self.without(key): self.without(one) for key, one in value.items()}
        if isinstance(value, list):
            kept = [one for one in value if not self._entry(one)]
            return [self.without(one) for one in kept]
        return self._said.sub("", value) if isinstance(value, str) else value

    def _entry(self, value: Any) -> bool:
        """Is an entry of a list all about the person: the name itself, or a line under its SIRET?"""
        if isinstance(value, str):
            return bool(self._said.fullmatch(value.rpartition(":")[2].strip()))
        return not self.by_address and isinstance(value, Mapping) and value.get("siret") == self.name


def _rows(connection: Connection, person: _Person) -> Iterator[tuple[Table, Any]]:
    """(table, row) of every row that names the person."""
    for table in Base.metadata.sorted_tables:
        columns = person.columns(table)
        if not columns:
            continue
        within = [func.lower(cast(c, Text)).contains(person.name.lower(), autoescape=True) for c in columns]
        if table.name == "unsubscription" and person.by_address:
            within.append(table.c.subject == address_subject(person.name))
        hashed = address_subject(person.name) if person.by_address else ""
        for row in connection.execute(select(table).where(or_(*within))):
            values = [row._mapping[c.name] for c in columns]
            if any(map(person.named, values)) or (hashed and hashed in values):
                yield table, row


def export(store: Store, name: str) -> dict[str, list[dict[str, Any]]]:
    """Every row that names a person, table by table (right of access); secrets of keys and links are left out."""
    person, found = _Person(name), dict[str, list[dict[str, Any]]]()
    with store.reading() as connection:
        for table, row in _rows(connection, person):
            shown = {k: v for k, v in plain(row._mapping).items() if (table.name, k) not in SECRET}
            found.setdefault(table.name, []).append(shown)
    return found


def erase(store: Store, name: str) -> dict[str, int]:
    """Erase a person; returns rows touched by table."""
    person, gone = _Person(name), dict[str, int]()
    blanked: dict[str, list[int]] = defaultdict(list)  # events by record
    with store.writing("operator", "erase", detail=gone) as connection:
        for table, row in list(_rows(connection, person)):
            if table.name in KEPT:
                continue
            if table.name == "sourcing_event":
                blanked[row.record_id].append(row.number)
            here = and_(*(c == row._mapping[c.name] for c in table.primary_key))
            values = _without(person, table, row._mapping)
            if values is None:
                connection.execute(delete(table).where(here))
            elif values:
                connection.execute(update(table).where(here).values(values))
            if table.name == "sourcing":
                blanked[row.id] += []  # what it commits to has changed
            gone[table.name] = gone.get(table.name, 0) + 1
        for record, numbers in blanked.items():
            chain.erase(connection, record, numbers, siret=not person.by_address)
        if person.by_address and gone:  # of an address that nothing holds nothing is written either
            store.unsubscribe(connection, address_subject(person.name), "operator")
    return gone


def _without(person: _Person, table: Table, row: Mapping[Any, Any]) -> dict[str, Any] | None:
    """What of a row is written anew without the person; None where it goes whole."""
    owner = OWNED.get(table.name)
    mine = owner is not None and not person.by_address and row[owner] == person.name
    if mine or any(person.named(row[c.name]) for c in table.primary_key):
        return None
    values = {c.name: person.without(row[c.name]) for c in person.columns(table) if person.named(row[c.name])}
    empty = {name for name, value in values.items() if value == "" and table.c[name].nullable}
    values |= dict.fromkeys(empty)
    if table.name == "api_key" and not person.by_address:
        values["revoked_at"] = row["revoked_at"] or now()
    if table.name == "letter" and person.by_address:
        values |= {"mail": None} | ({"status": "cancelled"} if row["status"] == "ready" else {})
    return values
