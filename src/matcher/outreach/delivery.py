"""Delivery of digests: into an outbox folder or by SMTP, never twice.

A mail is claimed ("sending") just before the dot that ends it is sent: a server that never saw the dot must not
deliver (RFC 5321, 4.1.1.4), so a crash before the claim is sent again and a crash after it is left to the operator.
"""

from __future__ import annotations

import smtplib
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime
from email.message import EmailMessage
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import select, update

from matcher import plugins
from matcher.catalogue.catalogue import Catalogue
from matcher.outreach.addresses import address_of, earlier_names
from matcher.outreach.letters import message
from matcher.outreach.rules import Rules
from matcher.outreach.transport import bounce, drop, is_address, smtp_connection
from matcher.records import feedback
from matcher.records.store import Store, address_subject, now
from matcher.records.tables import Digest, Unsubscription
from matcher.reference.french import in_paris


class Sent(Counter[str]):
    """How many digests reached which state: sent, waiting, cancelled, failed, no-address."""


def able() -> None:
    """Raises MissingExtra where mails cannot be composed: they carry the deadlines as a calendar."""
    with plugins.optional("night", "a mail of the night"):
        import icalendar  # noqa: F401


def deliver(
    store: Store,
    catalogue: Catalogue,
    rules: Rules,
    *,
    outbox: Path | None = None,
    at: datetime | None = None,
) -> Sent:
    """Send every digest that is ready: into the folder `outbox`, or by `rules.smtp` within sending hours.

    What changed since it was composed counts: an unsubscription, a bounce, a refusal, a deadline past.
    """
    able()
    at = at or now()
    counts = Sent()
    with store.reading() as connection:
        ready = list(
            connection.execute(
                select(Digest.id).where(Digest.status == "ready").order_by(Digest.id)
            ).scalars()
        )
    if not ready:
        return counts
    if outbox is None and not (rules.smtp and rules.may_leave(at)):
        counts["waiting"] = len(ready)
        return counts
    if outbox is not None:
        outbox.mkdir(parents=True, exist_ok=True)
        for id in ready:
            send = partial(_drop, outbox, id)
            counts[_one(store, catalogue, rules, id, at, send)] += 1
        return counts
    with smtp_connection(rules.smtp) as server:
        for done, id in enumerate(ready):
            try:
                counts[_one(store, catalogue, rules, id, at, server)] += 1
            except (OSError, smtplib.SMTPException):
                # the connection is lost: those not claimed stay ready, one claimed is listed as doubtful
                counts["waiting"] += len(ready) - done
                break
    return counts


def _drop(outbox: Path, name: str, mail: EmailMessage, claim: Callable[[], None]) -> str:
    """A file needs no claim: written twice, it is one file."""
    return drop(mail, outbox, name)


def _one(store: Store, catalogue: Catalogue, rules: Rules, id: str, at: datetime, send: Any) -> str:
    """Send one digest; returns the state it reached."""
    with store.reading() as connection:
        content = dict(connection.execute(select(Digest.content).where(Digest.id == id)).scalar_one())
        refused = feedback.refusals(connection)
        silent = set(connection.execute(select(Unsubscription.subject)).scalars())
    siret = content["addressee"]
    names = earlier_names(catalogue, siret)
    address = address_of(store, catalogue, siret)
    if silent & names or (address and address_subject(address) in silent):
        return _state(store, id, "cancelled")
    kept = [
        item for item in content["items"]
        if (not item["deadline"] or _instant(item["deadline"]) > at) and not names & refused.of([item["notice_id"]], item["lot_id"])
    ]  # fmt: skip
    if not kept:
        return _state(store, id, "cancelled")
    if not is_address(address):
        return _state(store, id, "no-address")
    content["items"] = kept
    mail = message(content, address, rules)

    def claim() -> None:
        _state(store, id, "sending")

    outcome = str(send(mail, claim))
    if outcome == "bounced":
        bounce(store, address)
        return _state(store, id, "failed")
    if outcome == "waiting":
        _state(store, id, "ready")
        return outcome
    return _state(store, id, "sent", at)


def _instant(iso: str) -> datetime:
    return in_paris(datetime.fromisoformat(iso))


def _state(store: Store, id: str, state: str, sent_at: datetime | None = None) -> str:
    values: dict[str, Any] = {"status": state} | ({"sent_at": sent_at} if sent_at else {})
    with store.writing() as connection:
        connection.execute(update(Digest).where(Digest.id == id).values(values))
    return state


def doubtful(store: Store) -> list[dict[str, Any]]:
    """Mails claimed and never confirmed: a crash between the dot and the answer; the server's log tells."""
    with store.reading() as connection:
        rows = connection.execute(
            select(Digest.id, Digest.addressee, Digest.day).where(Digest.status == "sending").order_by(Digest.day, Digest.id)
        )  # fmt: skip
        return [{"id": row.id, "addressee": row.addressee, "day": row.day.isoformat()} for row in rows]


def settle(store: Store, ids: Iterable[str], sent: bool) -> int:
    """The operator settles doubtful mails: they left, or they are to be sent again."""
    with store.writing() as connection:
        count = connection.execute(
            update(Digest).where(Digest.id.in_(list(ids)), Digest.status == "sending").values(status="sent" if sent else "ready")
        ).rowcount  # fmt: skip
        store.audit(connection, "operator", "outbox:settle", detail={"count": count, "sent": sent})
    return count
