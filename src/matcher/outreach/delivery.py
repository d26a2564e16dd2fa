"""Delivery of digests: into an outbox folder or by SMTP, never twice.

One process sends at a time.  A mail is claimed ("sending", in a committed row) just before the dot that ends it: a
server that never saw the dot must not deliver (RFC 5321, 4.1.1.4), so a crash before the claim is sent again and a
crash after it is left to the operator.  An error of one letter does not stop the others.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select, update

from matcher import plugins
from matcher.catalogue.catalogue import Catalogue
from matcher.outreach import alerts
from matcher.outreach.alerts import address_of, earlier_names
from matcher.outreach.letters import message
from matcher.outreach.rules import Rules
from matcher.outreach.states import move
from matcher.outreach.transport import LostConnection, bounce, is_address, leaving, named
from matcher.records import feedback
from matcher.records.store import Store, address_subject, alone, now
from matcher.records.tables import Digest, Letter
from matcher.reference.french import PARIS, in_paris

log = logging.getLogger("matcher")
REFUSED = 5  # exit status where the mail server refuses us, or refused more than it took


class Sent(Counter[str]):
    """How many digests reached which state: sent, waiting, cancelled, failed, no-address; why it stopped early."""

    stopped = ""
    refused = 0  # by the server, for good or for now

    @property
    def trouble(self) -> bool:
        """Is this for the operator to look at: sending stopped, or more was refused than taken?"""
        return bool(self.stopped) or self.refused + self["failed"] > self["sent"]


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
    if outbox is None and not (rules.smtp and rules.may_leave(at)):
        if left := len(waiting(store)):
            counts["waiting"] = left
        return counts
    with alone(store, "mail", "mails are being sent by another process"):
        ready = waiting(store)
        if not ready:
            return counts
        with leaving(rules.smtp, outbox) as send:
            for done, id in enumerate(ready):
                try:
                    outcome = _one(store, catalogue, rules, id, at, send)
                    counts[outcome] += 1
                    counts.refused += outcome == "waiting"
                except LostConnection as error:
                    # those not claimed stay ready, one claimed is listed as doubtful
                    counts["waiting"] += len(ready) - done
                    counts.stopped = str(error)
                    break
    return counts


def waiting(store: Store) -> list[str]:
    """The ids of the digests to send."""
    query = select(Digest.id).where(Digest.status == "ready").order_by(Digest.id)
    return list(store.ask(query).scalars())


def _one(store: Store, catalogue: Catalogue, rules: Rules, id: str, at: datetime, send: Any) -> str:
    """Send one digest; returns the state it reached."""
    with store.reading() as connection:
        content = dict(connection.execute(select(Digest.content).where(Digest.id == id)).scalar_one())
        refused = feedback.refusals(connection)
        silent = alerts.silent(connection, "alerts")
        silent |= alerts.paused(connection, at.astimezone(PARIS).date())
    siret = content["addressee"]
    names = earlier_names(catalogue, siret)
    address = address_of(store, catalogue, siret)
    if silent & names:
        return _state(store, id, "cancelled", said="unsubscribed, or paused")
    content["items"] = [
        item
        for item in content["items"]
        if (not item["deadline"] or in_paris(datetime.fromisoformat(item["deadline"])) > at)
        and not names & refused.of([item["notice_id"]], item["lot_id"])
    ]
    if not content["items"] and not content.get("quiet"):
        return _state(store, id, "cancelled", said="nothing left to tell: past or declined")
    if address and address_subject(address) in silent:
        return _state(store, id, "no-address", address=address, said="this address bounced before")
    if not is_address(address):
        return _state(store, id, "no-address", address=address)
    try:
        mail = message(content, address, rules)
    except Exception as error:  # an error of this letter must not stop the others
        log.exception("a digest cannot be written as a mail")
        why = f"not sent: {type(error).__name__}: {error}"[:300]
        return _state(store, id, "failed", address=address, said=why)
    outcome, reply = send(mail, lambda text: claim(store, Digest, id, address, text))
    if outcome == "bounced":
        bounce(store, address)
    if outcome == "waiting":  # what was claimed is ready again, and what the server said is kept
        with store.writing() as connection:
            move(connection, "ready", Digest.id == id)
            connection.execute(update(Digest).where(Digest.id == id).values(address=address, said=reply))
        return "waiting"
    state = "sent" if outcome == "sent" else "failed"
    sent = {"sent_at": at} if state == "sent" else {}
    return _state(store, id, state, address=address, said=reply, **sent)


def claim(store: Store, table: type[Digest] | type[Letter], id: str, address: str, reply: str) -> None:
    """Mark a mail as leaving, in a committed row.  Raises LostConnection where another process claimed it first."""
    values = {"address": address, "said": reply, "claimed_at": now()}
    with store.writing() as connection:
        if table is Digest:
            mine = move(connection, "sending", Digest.id == id, **values)
        else:
            ready = update(Letter).where(Letter.id == id, Letter.status == "ready")
            mine = connection.execute(ready.values(status="sending", **values)).rowcount
        if not mine:
            raise LostConnection("another process is sending the same letter")


def _state(store: Store, id: str, to: str, **values: Any) -> str:
    with store.writing() as connection:
        move(connection, to, Digest.id == id, **values)
    return to


# --------------------------------------------------------------------------------- what the operator sees


def listed(store: Store, status: Sequence[str] = (), day: date | None = None) -> list[dict[str, Any]]:
    """Every mail, digests and letters, oldest first: id, address, who, when, what, state, what the server said."""
    digest = select(Digest.__table__).order_by(Digest.day, Digest.id)
    letter = select(Letter.__table__).order_by(Letter.created_at, Letter.id)
    if status:
        digest, letter = digest.where(Digest.status.in_(status)), letter.where(Letter.status.in_(status))
    with store.reading() as connection:
        digests = [
            (
                row,
                row.addressee,
                row.content.get("name", ""),
                "digest",
                row.content.get("subject", ""),
                row.day,
            )
            for row in connection.execute(digest)
        ]
        letters = [
            (row, row.siret, "", row.kind, row.subject, row.created_at.astimezone(PARIS).date())
            for row in connection.execute(letter)
        ]

    def at(moment: datetime | None) -> str | None:
        return moment.astimezone(PARIS).isoformat(timespec="seconds") if moment else None

    return [
        {"id": row.id, "address": row.address or "", "who": who, "name": name, "kind": kind, "what": what}
        | {"day": of.isoformat(), "state": row.status, "claimed_at": at(row.claimed_at)}
        | {"sent_at": at(row.sent_at), "said": row.said}
        for row, who, name, kind, what, of in (*digests, *letters)
        if day in (None, of)
    ]


def doubtful(store: Store) -> list[dict[str, Any]]:
    """Mails claimed and never confirmed: a crash between the dot and the answer; only the server's log tells which were sent."""
    return listed(store, ["sending"])


def settle(store: Store, which: Iterable[str], sent: bool) -> int:
    """The operator settles doubtful mails, each by its id, its address or its SIRET: it left, or is to be sent again.

    Raises NotFound where one names no doubtful mail, and settles none then.
    """
    missing = "no doubtful mail of {!r}: `matcher outbox doubtful` lists them"
    ids = {row["id"] for row in named(doubtful(store), which, missing)}
    to = "sent" if sent else "ready"
    values = {"sent_at": now()} if sent else {}
    with store.writing("operator", "outbox:settle", detail={"ids": sorted(ids), "sent": sent}) as connection:
        letters = update(Letter).where(Letter.id.in_(ids), Letter.status == "sending")
        count = move(connection, to, Digest.id.in_(ids), Digest.status == "sending", **values)
        count += connection.execute(letters.values(status=to, **values)).rowcount
    return count
