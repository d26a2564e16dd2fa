"""Letters of the pages: queued in the transaction of their cause, then claimed one by one and sent.

A letter is a row under the id of its Message-ID: queued twice it is one letter, whatever races.  No request waits for
a mail server: the queue is emptied by a thread of the service (`service.mailer`) or by `matcher outbox send`.
"""

import email
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Any

from sqlalchemy import Connection, RowMapping, func, select, update

from matcher.outreach.delivery import claim
from matcher.outreach.transport import POLICY, LostConnection, MailTransport, bounce, leaving, unreachable
from matcher.records.store import Busy as Busy
from matcher.records.store import Store, alone, now
from matcher.records.tables import Letter

log = logging.getLogger("matcher")
#: Called with the outcome of a letter, in the transaction that records it.
Settle = Callable[[Connection, RowMapping, str], None]


def queue(
    store: Store, connection: Connection, mail: EmailMessage, *, kind: str, siret: str, record_id: str = ""
) -> bool:
    """Queue a letter; False where it is queued already."""
    row: dict[str, Any] = {"id": id_of(mail), "kind": kind, "record_id": record_id, "siret": siret}
    row |= {"address": parseaddr(str(mail["To"]))[1], "subject": str(mail["Subject"]), "status": "ready"}
    row |= {"mail": mail.as_string(), "said": "", "created_at": now()}
    return bool(store.put(connection, Letter, [row], keep=tuple(k for k in row if k != "id")))


def count_today(connection: Connection, kind: str, siret: str) -> int:
    """Letters of a kind queued for somebody since midnight, UTC."""
    since = now().replace(hour=0, minute=0, second=0, microsecond=0)
    mine = (Letter.kind == kind, Letter.siret == siret, Letter.created_at >= since)
    return int(connection.execute(select(func.count()).select_from(Letter).where(*mine)).scalar_one())


def id_of(mail: EmailMessage) -> str:
    """The id of a letter: the first part of its Message-ID."""
    return str(mail["Message-ID"]).strip("<>").partition("@")[0]


def waiting(store: Store) -> list[str]:
    """The ids of the letters to send, oldest first."""
    query = select(Letter.id).where(Letter.status == "ready").order_by(Letter.created_at, Letter.id)
    return list(store.ask(query).scalars())


def drain(store: Store, transport: MailTransport, settle: Mapping[str, Settle] | None = None) -> Counter[str]:
    """Send what is queued; returns how many reached which outcome.  `settle` acts by the kind of letter.

    Raises Busy where another process is sending, BadInput where the server does not answer: all stay queued.
    """
    counts: Counter[str] = Counter()
    if not waiting(store) or not (transport.smtp or transport.outbox):
        return counts
    with alone(store, "mail", "mails are being sent by another process"):
        folder = None if transport.smtp else transport.outbox
        with leaving(transport.smtp, folder) as send:
            if folder is not None:
                written, send = send, lambda mail, claim: ("outbox", written(mail, claim)[1])
            for id in waiting(store):
                try:
                    counts[_one(store, id, send, settle or {})] += 1
                except LostConnection as error:
                    log.warning("mail stopped: those left stay queued", extra={"why": str(error)})
                    counts["waiting"] += 1
                    break
    return counts


def _one(store: Store, id: str, send: Any, settle: Mapping[str, Settle]) -> str:
    row = store.ask(select(Letter.__table__).where(Letter.id == id)).mappings().one()
    address = row["address"] or ""
    if row["siret"] in unreachable(store, {row["siret"]: address}):
        return _settled(store, row, settle, "unsubscribed", "")
    try:
        mail = email.message_from_string(row["mail"] or "", policy=POLICY)
        assert isinstance(mail, EmailMessage)
        outcome, reply = send(mail, lambda text: claim(store, Letter, id, address, text))
    except (ValueError, LookupError, AssertionError) as error:  # of this letter: the others go
        return _settled(store, row, settle, "failed", f"not sent: {type(error).__name__}: {error}"[:300])
    if outcome == "bounced":
        bounce(store, address)
    return _settled(store, row, settle, outcome, reply)


STATES = {"unsubscribed": "cancelled", "bounced": "failed", "waiting": "ready", "outbox": "sent"}


def _settled(store: Store, row: RowMapping, settle: Mapping[str, Settle], outcome: str, reply: str) -> str:
    state = STATES.get(outcome, outcome)
    values: dict[str, Any] = {"status": state, "said": reply} | ({"mail": None} if state != "ready" else {})
    values |= {"sent_at": now()} if state == "sent" else {}
    with store.together() as connection:
        connection.execute(update(Letter).where(Letter.id == row["id"]).values(values))
        if state != "ready" and row["kind"] in settle:
            settle[row["kind"]](connection, row, outcome)
    return outcome
