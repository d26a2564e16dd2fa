"""The sealed events of a sourcing record: commitments, chained by keyed seals, with head and count kept outside the chain.

Each event is committed to by sha256(salt + SIRET + payload), and each seal, made with a key that no database holds, covers
the one before.  Erasing a person removes payload, salt and SIRET of its events, and is an event itself: what is left identifies
nobody, and a line blanked without such an event is distinguished from an erased one.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from matcher.records.store import now
from matcher.records.tables import Sourcing, SourcingEvent, SourcingHead
from matcher.reference.tables import stated_or_made

GENESIS = "0" * 64
KEY = "MATCHER_SEAL_KEY"  # names the key where several machines seal in one store
ERASED = "erased"
NEVER_ERASED = ("created", ERASED)
#: What is printed of a record, which its first event commits to.
CONTENT = ("owner", "created_at", "need", "filters", "answer", "versions")
SALT = 32  # characters: what follows in a commitment is the SIRET


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A line of a record; `payload` is None once the person was erased."""

    number: int
    kind: str  # "created", "listed", "contacted", "sent", "answered", "exported", "erased"
    siret: str
    payload: Mapping[str, Any] | None
    at: datetime
    seal: str


def key() -> bytes:
    """The key of the seals, which the store never holds.  Raises BadInput for one of fewer than 32 characters."""
    return stated_or_made(KEY, 32, "seal.key")


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str).encode()


def _commitment(salt: str, siret: str, payload: Any) -> str:
    return hashlib.sha256(salt.encode() + siret.encode() + _canonical(payload)).hexdigest()


def _keyed(*parts: Any) -> str:
    return hmac.new(key(), _canonical(parts), hashlib.sha256).hexdigest()


def committed(row: Mapping[str, Any]) -> dict[str, Any]:
    """What a first event, or an erasure, says of its record: the digest of its columns, and which they are."""
    digest = hashlib.sha256(_canonical({k: row[k] for k in CONTENT})).hexdigest()
    return {"digest": digest, "of": list(CONTENT)}


def _seal(record: str, number: int, before: str, commitment: str, kind: str, at: datetime) -> str:
    return _keyed("event", record, number, before, commitment, kind, at.isoformat())


def append(connection: Connection, record: str, fresh: Sequence[tuple[str, str, dict[str, Any]]]) -> None:
    """Seal (kind, siret, payload) after the last event of a record: of those who write each waits for the one before."""
    ends = select(SourcingEvent.number, SourcingEvent.seal).where(SourcingEvent.record_id == record)
    end = connection.execute(ends.order_by(SourcingEvent.number.desc()).limit(1)).first()
    number, before = end or (0, GENESIS)
    made = []
    for kind, siret, payload in fresh:
        number, salt, at = number + 1, secrets.token_hex(16), now()
        commitment = _commitment(salt, siret, payload)
        before = _seal(record, number, before, commitment, kind, at)
        event = {"record_id": record, "number": number, "kind": kind, "siret": siret, "payload": payload}
        made.append(event | {"salt": salt, "commitment": commitment, "seal": before, "at": at})
    if made:
        connection.execute(insert(SourcingEvent), made)
        _keep_head(connection, record, number, before)


def _keep_head(connection: Connection, record: str, count: int, seal: str) -> None:
    row = {"record_id": record, "count": count, "seal": seal, "proof": _keyed("head", record, count, seal)}
    connection.execute(delete(SourcingHead).where(SourcingHead.record_id == record))
    connection.execute(insert(SourcingHead), row)


def erase(connection: Connection, record: str, numbers: Sequence[int] = (), *, siret: bool = True) -> None:
    """Blank these events, and seal that they were, with what the record commits to from now on."""
    listed = rows(connection, record)
    content = connection.execute(select(Sourcing.__table__).where(Sourcing.id == record)).mappings().first()
    if content is None or not listed:
        return
    gone = [e["number"] for e in listed if e["number"] in set(numbers) and e["kind"] not in NEVER_ERASED]
    blank = {"payload": None, "salt": None} | ({"siret": ""} if siret else {})
    here = SourcingEvent.record_id == record
    connection.execute(update(SourcingEvent).where(here, SourcingEvent.number.in_(gone)).values(blank))
    kept = {
        str(e["number"]): _keyed("siret", record, e["number"], e["siret"])
        for e in listed
        if e["number"] in gone
    }
    payload = {"numbers": gone, "sirets": {} if siret else kept, **committed(dict(content))}
    append(connection, record, [(ERASED, "", payload)])


def broken_at(
    listed: Sequence[RowMapping], content: Mapping[str, Any], head: RowMapping | None, record: str
) -> int | None:
    """The number of the first event that does not hold, None where all do; `content` is the row of the record."""
    erasures = [e["payload"] for e in listed if e["kind"] == ERASED and e["payload"]]
    # the last sealed erasure that names each line
    before, erased = GENESIS, {number: payload for payload in erasures for number in payload["numbers"]}
    for number, event in enumerate(listed, 1):
        if event["number"] != number or not _holds(event, before, record, erased):
            return number
        before = event["seal"]
    stated = [e["payload"] for e in listed if e["kind"] in NEVER_ERASED and e["payload"]]
    if not stated or listed[0]["kind"] != "created":
        return 1
    # the record is what its first event, or the last erasure, commits to
    if stated[-1]["digest"] != committed(content)["digest"]:
        return 1
    proof = _keyed("head", record, len(listed), before)
    same = head is not None and (head["count"], head["seal"]) == (len(listed), before)
    whole = same and head is not None and hmac.compare_digest(head["proof"], proof)
    return None if whole else len(listed) + 1  # else events were removed from the end


def _holds(event: RowMapping, before: str, record: str, erased: Mapping[int, Mapping[str, Any]]) -> bool:
    payload, number, siret = event["payload"], event["number"], event["siret"]
    seal = _seal(record, number, before, event["commitment"], event["kind"], event["at"])
    if not hmac.compare_digest(event["seal"], seal):
        return False
    if payload is None:
        # its commitment cannot be recomputed: a sealed erasure must name it, and the SIRET it left
        if number not in erased or event["kind"] in NEVER_ERASED or event["salt"] is not None:
            return False
        left = erased[number].get("sirets", {}).get(str(number))
        return siret == "" if left is None else bool(left == _keyed("siret", record, number, siret))
    # a salt of fixed length, and no SIRET with the sign by which a payload begins: none borrows a character of another
    whole = len(event["salt"] or "") == SALT and "{" not in siret and isinstance(payload, dict)
    return whole and bool(event["commitment"] == _commitment(event["salt"], siret, payload))


def rows(connection: Connection, record: str) -> Sequence[RowMapping]:
    """The events of a record as stored, in order."""
    query = select(SourcingEvent.__table__).where(SourcingEvent.record_id == record)
    return connection.execute(query.order_by(SourcingEvent.number)).mappings().all()


def head(connection: Connection, record: str) -> RowMapping | None:
    """How many events a record has, and its last seal, as kept outside the chain."""
    query = select(SourcingHead.__table__).where(SourcingHead.record_id == record)
    return connection.execute(query).mappings().first()


def events(connection: Connection, record: str) -> list[Event]:
    """The events of a record, in order."""
    return [Event(**{name: row[name] for name in Event.__slots__}) for row in rows(connection, record)]


def anchors(connection: Connection) -> Iterator[tuple[str, int, str]]:
    """(record, count, seal) of every record, to be kept outside the store: they reveal a store that was rolled back."""
    for row in connection.execute(select(SourcingHead.__table__).order_by(SourcingHead.record_id)).mappings():
        yield row["record_id"], row["count"], row["seal"]


def missing_since(connection: Connection, kept: Sequence[tuple[str, int, str]]) -> Iterator[str]:
    """The records of an anchor that no longer hold the event it names, with the seal it had."""
    for record, count, seal in kept:
        here = (SourcingEvent.record_id == record, SourcingEvent.number == count)
        if connection.execute(select(SourcingEvent.seal).where(*here)).scalar() != seal:
            yield record
