"""The sealed events of a sourcing record: commitments, chained by seals.

Each event is committed to by sha256(salt + SIRET + payload), and each seal covers the one before.  Erasing a person
removes payload, salt and SIRET: what is left names nobody, and the chain still holds.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select

from matcher.records.store import now
from matcher.records.tables import SourcingEvent

GENESIS = "0" * 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A line of a record; `payload` is None once the person was erased."""

    number: int
    kind: str  # "created", "listed", one of `record.STEPS`, "corrected", "exported"
    siret: str
    payload: Mapping[str, Any] | None
    at: datetime
    seal: str


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str).encode()


def digest(value: Any) -> str:
    """The hash of a JSON value in canonical form."""
    return hashlib.sha256(_canonical(value)).hexdigest()


def _commitment(salt: str, siret: str, payload: Any) -> str:
    return hashlib.sha256(salt.encode() + siret.encode() + _canonical(payload)).hexdigest()


def _seal(before: str, commitment: str, kind: str, at: datetime) -> str:
    return hashlib.sha256(f"{before}{commitment}{kind}{at.isoformat()}".encode()).hexdigest()


def append(
    connection: Connection,
    record: str,
    fresh: Sequence[tuple[str, str, dict[str, Any]]],
    after: tuple[int, str] = (0, GENESIS),
) -> tuple[int, str]:
    """Seal (kind, siret, payload) after the event (number, seal); returns the number and seal of the last."""
    number, before = after
    made = []
    for kind, siret, payload in fresh:
        number, salt, at = number + 1, secrets.token_hex(16), now()
        commitment = _commitment(salt, siret, payload)
        before = _seal(before, commitment, kind, at)
        made.append({
            "record_id": record, "number": number, "kind": kind, "siret": siret, "payload": payload, "salt": salt,
            "commitment": commitment, "seal": before, "at": at,
        })  # fmt: skip
    if made:
        connection.execute(insert(SourcingEvent), made)
    return number, before


def broken_at(listed: Sequence[RowMapping], sealed: Any) -> int | None:
    """The number of the first event that does not hold, None where all do; `sealed` is what the first commits to."""
    before = GENESIS
    for number, event in enumerate(listed, 1):
        first = number == 1
        if event["number"] != number or not _holds(event, before, sealed if first else None):
            return number
        before = event["seal"]
    return None if listed else 1


def _holds(event: RowMapping, before: str, sealed: Any) -> bool:
    payload = event["payload"]
    if event["seal"] != _seal(before, event["commitment"], event["kind"], event["at"]):
        return False
    if payload is None:  # erased: its commitment cannot be recomputed
        return True
    if event["commitment"] != _commitment(event["salt"] or "", event["siret"], payload):
        return False
    return sealed is None or payload.get("digest") == digest(sealed)


def rows(connection: Connection, record: str) -> Sequence[RowMapping]:
    """The events of a record as stored, in order."""
    query = select(SourcingEvent.__table__).where(SourcingEvent.record_id == record)
    return connection.execute(query.order_by(SourcingEvent.number)).mappings().all()


def events(connection: Connection, record: str) -> list[Event]:
    """The events of a record, in order."""
    return [
        Event(number=r["number"], kind=r["kind"], siret=r["siret"], payload=r["payload"], at=r["at"], seal=r["seal"])
        for r in rows(connection, record)
    ]  # fmt: skip


def last(listed: Sequence[Event]) -> tuple[int, str]:
    """The number and seal after which the next event is sealed."""
    return (listed[-1].number, listed[-1].seal) if listed else (0, GENESIS)
