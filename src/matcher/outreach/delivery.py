"""Delivery of mails, of digests and of the letters of pages: into an outbox folder or by SMTP, never twice.

One process sends at a time.  A mail is claimed ("sending", in a committed row) just before the dot that ends it: a
server that never saw the dot must not deliver (RFC 5321, 4.1.1.4), so a crash before the claim is sent again and a
crash after it is left to the operator.  An error of one letter does not stop the others.

A letter is a row under the id of its Message-ID, queued in the transaction of its cause: queued twice it is one, whatever
races.  No request waits for a mail server: a thread of the service (`service.app`) or `matcher outbox send` empties the queue.
"""

import email
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from email.message import EmailMessage
from functools import partial
from typing import Any

from sqlalchemy import Connection, RowMapping, func, select, update

from matcher import plugins
from matcher.catalogue.catalogue import Catalogue
from matcher.outreach import alerts, transport
from matcher.outreach.alerts import address_of, earlier_names
from matcher.outreach.letters import letter, message
from matcher.outreach.rules import Rules
from matcher.outreach.states import Mails, move
from matcher.records import feedback
from matcher.records.store import Store, address_subject, alone, now
from matcher.records.tables import Digest, Letter
from matcher.reference.french import PARIS, in_paris
from matcher.reference.identifiers import is_address

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


def deliver(store: Store, catalogue: Catalogue, rules: Rules, *, at: datetime | None = None) -> Sent:
    """Send every digest that is ready: by `rules.smtp` within sending hours, else into the folder `rules.outbox`.

    What changed since it was composed counts: an unsubscription, a bounce, a refusal, a deadline past.
    """
    able()
    at = at or now()
    if not (rules.may_leave(at) if rules.smtp else rules.outbox):
        left = len(waiting(store))
        return Sent(waiting=left) if left else Sent()
    return _emptied(store, Digest, rules, lambda id, send: _digest(store, catalogue, rules, id, at, send))


def _emptied(store: Store, of: Mails, rules: Rules, one: Callable[[str, Any], str]) -> Sent:
    """Send every mail that is ready, each by `one`, until the server takes none any more.  Raises Busy, BadInput."""
    counts = Sent()
    with alone(store, "mail", "mails are being sent by another process"):
        if not (ready := waiting(store, of)):
            return counts
        with transport.leaving(rules) as send:
            for done, id in enumerate(ready):
                try:
                    outcome = one(id, send)
                    counts[outcome] += 1
                    counts.refused += outcome == "waiting"
                except transport.LostConnection as error:
                    # those not claimed stay ready, one claimed is listed as doubtful
                    log.warning("mail stopped: those left stay queued", extra={"why": str(error)})
                    counts["waiting"] += len(ready) - done
                    counts.stopped = str(error)
                    break
    return counts


def waiting(store: Store, of: Mails = Digest) -> list[str]:
    """The ids of the digests, or of the letters, to send, oldest first."""
    query = select(of.id).where(of.status == "ready").order_by(of.created_at, of.id)
    return list(store.ask(query).scalars())


def _digest(store: Store, catalogue: Catalogue, rules: Rules, id: str, at: datetime, send: Any) -> str:
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
        transport.bounce(store, address)
    if outcome == "waiting":  # what was claimed is ready again, and what the server said is kept
        with store.writing() as connection:
            move(connection, "ready", Digest.id == id)
            connection.execute(update(Digest).where(Digest.id == id).values(address=address, said=reply))
        return "waiting"
    state = "sent" if outcome == "sent" else "failed"
    sent = {"sent_at": at} if state == "sent" else {}
    return _state(store, id, state, address=address, said=reply, **sent)


def claim(store: Store, of: Mails, id: str, address: str, reply: str) -> None:
    """Mark a mail as leaving, in a committed row.  Raises LostConnection where another process claimed it first."""
    values = {"address": address, "said": reply, "claimed_at": now()}
    with store.writing() as connection:
        if not move(connection, "sending", of.id == id, of=of, **values):
            raise transport.LostConnection("another process is sending the same letter")


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

    def at(moment: datetime | None) -> str | None:
        return moment.astimezone(PARIS).isoformat(timespec="seconds") if moment else None

    def shown(mail: Any, who: str, name: str, kind: str, what: str, of: date) -> dict[str, Any]:
        told = {"id": mail.id, "address": mail.address or "", "who": who, "name": name, "kind": kind}
        told |= {"what": what, "day": of.isoformat(), "state": mail.status}
        return told | {"claimed_at": at(mail.claimed_at), "sent_at": at(mail.sent_at), "said": mail.said}

    with store.reading() as connection:
        rows = [(m, m.addressee, m.content, "digest", m.day) for m in connection.execute(digest)]
        letters = [
            (m, m.siret, {"subject": m.subject}, m.kind, m.created_at.astimezone(PARIS).date())
            for m in connection.execute(letter)
        ]
    return [
        shown(mail, who, said.get("name", ""), kind, said.get("subject", ""), of)
        for mail, who, said, kind, of in (*rows, *letters)
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
    ids = {row["id"] for row in transport.named(doubtful(store), which, missing)}
    to = "sent" if sent else "ready"
    values = {"sent_at": now()} if sent else {}
    with store.writing("operator", "outbox:settle", detail={"ids": sorted(ids), "sent": sent}) as connection:
        doubts = ((of, of.id.in_(ids) & (of.status == "sending")) for of in (Digest, Letter))
        return sum(move(connection, to, doubt, of=of, **values) for of, doubt in doubts)


# --------------------------------------------------------------------------------- letters of the pages


#: Called with the outcome of a letter, in the transaction that records it.
Settle = Callable[[Connection, RowMapping, str], None]


def queue(
    store: Store,
    connection: Connection,
    rules: Rules,
    kind: str,
    about: str,
    to: str,
    name: str,
    *,
    siret: str = "",
    record_id: str = "",
    **facts: Any,
) -> str:
    """Queue a letter of the pages, see `letters.letter`, and return its id; one that is queued already stays as it is."""
    mail = letter(kind, about, to, rules, name, **facts)
    id = str(mail["Message-ID"]).strip("<>").partition("@")[0]
    row: dict[str, Any] = {"id": id, "kind": kind, "record_id": record_id, "siret": siret}
    row |= {"address": str(mail["To"]), "subject": str(mail["Subject"]), "mail": mail.as_string()}
    row |= {"status": "ready", "said": "", "created_at": now()}
    store.put(connection, Letter, [row], keep=tuple(row))
    return id


def count_today(connection: Connection, kind: str, siret: str) -> int:
    """Letters of a kind queued for somebody since midnight, UTC."""
    since = now().replace(hour=0, minute=0, second=0, microsecond=0)
    mine = (Letter.kind == kind, Letter.siret == siret, Letter.created_at >= since)
    return int(connection.execute(select(func.count()).select_from(Letter).where(*mine)).scalar_one())


def drain(store: Store, rules: Rules, settle: Mapping[str, Settle] | None = None) -> Counter[str]:
    """Send what is queued; returns how many reached which outcome.  `settle` acts by the kind of letter.

    Raises Busy where another process is sending, BadInput where the server does not answer: all stay queued.
    """
    if not waiting(store, Letter) or not (rules.smtp or rules.outbox):
        return Counter()
    written = "" if rules.smtp else "outbox"
    return _emptied(store, Letter, rules, partial(_letter, store, settle or {}, written))


def _letter(store: Store, settle: Mapping[str, Settle], written: str, id: str, send: Any) -> str:
    """Send one letter; returns its outcome, `written` where it was and no server took it."""
    row = store.ask(select(Letter.__table__).where(Letter.id == id)).mappings().one()
    address = row["address"] or ""
    if row["siret"] in transport.unreachable(store, {row["siret"]: address}):
        return _settled(store, row, settle, "unsubscribed", "")
    try:
        mail = email.message_from_string(row["mail"] or "", policy=transport.POLICY)
        assert isinstance(mail, EmailMessage)
        outcome, reply = send(mail, lambda text: claim(store, Letter, id, address, text))
    except (ValueError, LookupError, AssertionError) as error:  # of this letter: the others go
        return _settled(store, row, settle, "failed", f"not sent: {type(error).__name__}: {error}"[:300])
    if outcome == "bounced":
        transport.bounce(store, address)
    return _settled(store, row, settle, written or outcome, reply)


STATES = {"unsubscribed": "cancelled", "bounced": "failed", "waiting": "ready", "outbox": "sent"}


def _settled(store: Store, row: RowMapping, settle: Mapping[str, Settle], outcome: str, reply: str) -> str:
    state = STATES.get(outcome, outcome)
    values: dict[str, Any] = {"status": state, "said": reply} | ({"mail": None} if state != "ready" else {})
    values |= {"sent_at": now()} if state == "sent" else {}
    with store.writing() as connection:
        connection.execute(update(Letter).where(Letter.id == row["id"]).values(values))
        if state != "ready" and row["kind"] in settle:
            settle[row["kind"]](connection, row, outcome)
    return outcome
