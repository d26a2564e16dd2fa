"""Sending mail by SMTP or to a folder, and bounces."""

import email
import os
import re
import smtplib
import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage, Message
from email.policy import SMTP
from email.utils import parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from sqlalchemy import delete, func, select

from matcher.domain import BadInput, NotFound
from matcher.outreach import alerts
from matcher.outreach.rules import Rules
from matcher.outreach.states import move
from matcher.records.store import Store, address_subject
from matcher.records.tables import Digest, Letter, Unsubscription
from matcher.reference.identifiers import is_address as is_address
from matcher.reference.identifiers import mailbox
from matcher.reference.paths import write_whole

TIMEOUT = 30.0
#: Headers are folded at the limit of the protocol alone: a folded List-Unsubscribe is encoded, and no mail program reads it.
POLICY = SMTP.clone(max_line_length=998)
MANY = 5  # letters refused in a row after which nothing more is sent: the server refuses us, not them

#: A reply to one letter: its state ("sent", "bounced", "failed", "waiting") and the last reply of the server.
Reply = tuple[str, str]

#: An enhanced status (RFC 3463), and words of servers that give none when an address does not exist.
_STATUS = re.compile(r"(?<![\d.])[245]\.(\d{1,3})\.(\d{1,3})(?![\d.])")
_NOBODY = re.compile(
    r"(?i)(?:no such|unknown|invalid|inexistent|inconnue?) (?:\w+ ){0,2}(?:user|mailbox|recipient|address|adresse|destinataire|utilisateur)"
    r"|(?:user|mailbox|recipient|address|adresse|destinataire|utilisateur)s? (?:\S+ ){0,3}(?:unknown|not found|does not exist|inconnue?|n'existe pas)"
)
_BLOCK = re.compile(r"(?i)block|spam|black ?list|denylist|reputation|policy|listed|bloqu")
OUR_FAULT = ("7", "8")  # 5.1.7 and 5.1.8 speak of the sender's address


class LostConnection(Exception):
    """The server cannot take any letter now: those left stay in the queue."""


def nobody_there(reply: str) -> bool:
    """Does a permanent refusal say that the address does not exist?  A full mailbox, a policy or a block does not."""
    if found := _STATUS.search(reply):
        return found[1] == "1" and found[2] not in OUR_FAULT
    return bool(_NOBODY.search(reply)) and not _BLOCK.search(reply)


@contextmanager
def leaving(rules: Rules) -> Iterator[Any]:
    """How mails leave, as a function of a mail and of what claims it: by SMTP where there is a server, else into the folder."""
    if not (outbox := rules.outbox) or rules.smtp:
        with smtp_connection(rules.smtp) as send:
            yield send
        return

    def write(mail: EmailMessage, claim: object) -> Reply:
        """A file that appears whole or not at all, under the mail's own name: written twice it is one, and needs no claim."""
        name = str(mail["Message-ID"]).strip("<>").partition("@")[0]
        write_whole(outbox / f"{name}.eml", mail.as_bytes(), 0o600)
        return "sent", f"{name}.eml written"

    outbox.mkdir(parents=True, exist_ok=True)
    yield write


def erase_mails(folder: Path, person: str) -> int:
    """Delete the files of `leaving` that name an address or a SIRET; returns how many."""
    person_named = re.compile(rf"(?<![\w.+-]){re.escape(person)}(?![\w-])", re.I)
    gone = 0
    for path in list(folder.glob("*.eml")):
        mail = email.message_from_bytes(path.read_bytes(), policy=SMTP)
        assert isinstance(mail, EmailMessage)
        parts = (part.get_content() for part in mail.walk() if part.get_content_maintype() == "text")
        if person_named.search("\n".join([*map(str, mail.values()), *parts])):
            path.unlink()
            gone += 1
    return gone


def server_of(address: str) -> tuple[SplitResult, int]:
    """A mail server's address and its port.  Raises ValueError (BadInput) on one that is none."""
    try:
        url = urlsplit(address)
        if url.scheme not in ("smtp", "smtps") or not url.hostname or url.path.strip("/"):
            raise ValueError
        return url, url.port or (465 if url.scheme == "smtps" else 587 if url.username else 25)
    except ValueError:
        raise BadInput("no address of a mail server: write smtp://host:port or smtps://user@host") from None


@contextmanager
def smtp_connection(address: str) -> Iterator[Any]:
    """A connection to an SMTP server, as a function of a mail and of what claims it."""
    url, port = server_of(address)
    context = ssl.create_default_context()
    try:
        assert url.hostname
        if url.scheme == "smtps":
            server: smtplib.SMTP = smtplib.SMTP_SSL(url.hostname, port, timeout=TIMEOUT, context=context)
        else:
            server = smtplib.SMTP(url.hostname, port, timeout=TIMEOUT)
            server.ehlo()
            if server.has_extn("starttls"):
                server.starttls(context=context)
        server.ehlo()
        if url.username:
            if url.scheme == "smtp" and not server.has_extn("auth"):
                raise BadInput(f"{url.hostname} offers no login: use smtps://, or leave the user out")
            server.login(unquote(url.username), os.environ.get("MATCHER_SMTP_PASSWORD", ""))
    except (OSError, smtplib.SMTPException) as error:
        raise BadInput(
            f"the mail server {url.hostname}:{port} does not answer as it should ({type(error).__name__}): "
            "the digests stay ready; correct the rule smtp, or try again later"
        ) from None

    refused, last = 0, ""

    def send(mail: EmailMessage, claim: Callable[[str], None]) -> Reply:
        nonlocal refused, last
        if refused >= MANY:
            raise LostConnection(f"{MANY} letters refused in a row, the last with: {last}")
        state, last = _submit(server, mail, claim)
        refused = refused + 1 if state in ("failed", "waiting") else 0
        return state, last

    try:
        yield send
    finally:
        try:
            server.quit()
        except (OSError, smtplib.SMTPException):
            server.close()


def _submit(server: smtplib.SMTP, mail: EmailMessage, claim: Callable[[str], None]) -> Reply:
    """One mail, claimed just before the dot that ends it (RFC 5321, 4.1.1.4): cut off earlier, no server delivers it.

    "bounced": the address does not exist; "failed": this letter is refused; "waiting": not now.
    Raises LostConnection where the connection ends or the server refuses the sender, thus every letter.
    """
    sender, receiver = parseaddr(str(mail["From"]))[1], parseaddr(str(mail["To"]))[1]
    plain = mail.as_bytes(policy=POLICY.clone(cte_type="7bit"))
    body = re.sub(rb"(?m)^\.", b"..", re.sub(rb"\r\n|\r|\n", b"\r\n", plain))
    try:
        code, reply = server.mail(sender)
        if code != 250:
            raise LostConnection(f"the sender {sender} is refused: {_reply_text(code, reply)}")
        code, reply = server.rcpt(receiver)
        if code in (250, 251):
            code, reply = server.docmd("DATA")
            if code == 354:
                server.send(body if body.endswith(b"\r\n") else body + b"\r\n")
                claim(_reply_text(code, reply))
                server.send(b".\r\n")
                code, reply = server.getreply()
                return _reply(code, reply, final=True)
        if code == 421:
            raise LostConnection(_reply_text(code, reply))
        server.rset()
    except (OSError, smtplib.SMTPException) as error:
        raise LostConnection(f"{type(error).__name__}: {error}"[:200]) from None
    return _reply(code, reply)


def _reply(code: int, reply: bytes, final: bool = False) -> Reply:
    said = _reply_text(code, reply)
    if final and code == 250:
        return "sent", said
    if code < 500:
        return "waiting", said
    return "bounced" if not final and nobody_there(said) else "failed", said


def _reply_text(code: int, reply: bytes) -> str:
    """A reply of the server, on one line."""
    return f"{code} {' '.join(reply.decode('ascii', 'replace').split())}"[:300]


def checked(address: str) -> str:
    """The address as a mail server takes it.  Raises BadInput on an invalid one."""
    if not (found := mailbox(address)):
        raise BadInput("Donnez l'adresse où les structures vous répondront, achats@ville.example.")
    return found


def unreachable(store: Store, addresses: Mapping[str, str]) -> set[str]:
    """Of SIRET -> address: the SIRETs that want no questions of buyers, or whose address rejected mail."""
    with store.reading() as connection:
        silent = alerts.silent(connection, "questions")
    return {who for who, to in addresses.items() if {who, address_subject(to) if to else who} & silent}


def bounce(store: Store, address: str) -> None:
    """Never write to this address again; it is kept as a hash alone."""
    with store.writing("mail", "bounce", address_subject(address)[:24]) as connection:
        store.unsubscribe(connection, address_subject(address), "bounce")


@dataclass(slots=True)
class Returned:
    """What delivery reports told: addresses stopped, reports on mails never sent, mails that did not arrive."""

    stopped: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


def returned(store: Store, raw: bytes) -> Returned:
    """Take a delivery report (RFC 3464): what it names did not arrive, and an address that does not exist is stopped.

    A report on an address that nothing was ever sent to counts for nothing: anybody can write one.
    """
    found = Returned()
    for address, status in _failed(raw):
        with store.writing() as connection:
            mails = select(Digest.id).where(func.lower(Digest.address) == address.lower())
            letters = select(Letter.id).where(func.lower(Letter.address) == address.lower()).limit(1)
            known = connection.execute(mails.limit(1)).first() or connection.execute(letters).first()
            last = mails.where(Digest.status == "sent").order_by(Digest.sent_at.desc()).limit(1)
            if id := connection.execute(last).scalar():
                move(connection, "failed", Digest.id == id, said=f"returned: {status}")
        if not known:
            found.unknown.append(address)
        elif nobody_there(status):
            bounce(store, address)
            found.stopped.append(address)
        else:
            found.failed.append(f"{address} ({status})")
    return found


def suppressed(store: Store) -> list[dict[str, Any]]:
    """The addresses that nothing is sent to since they bounced, each with the mail that says why; hashed where no mail is kept."""
    bounces = select(Unsubscription.subject, Unsubscription.at).where(Unsubscription.cause == "bounce")
    with store.reading() as connection:
        stopped = {row.subject: row.at for row in connection.execute(bounces.order_by(Unsubscription.at))}
        mails: list[Any] = []
        for table, who in ((Digest, Digest.addressee), (Letter, Letter.siret)) if stopped else ():
            asked = select(table.address, who.label("who"), table.said, table.claimed_at)
            mails += connection.execute(asked.where(table.address.is_not(None)))
    mails.sort(key=lambda row: row.claimed_at or datetime.min.replace(tzinfo=UTC))
    known = {address_subject(row.address): (row.address, row.who, row.said) for row in mails}
    return [
        {"address": address, "who": who, "since": at.isoformat(timespec="seconds"), "said": said}
        for subject, at in stopped.items()
        for address, who, said in [known.get(subject, (subject, "", ""))]
    ]


def named(
    rows: Sequence[Mapping[str, Any]], names: Iterable[str], missing: str
) -> Iterator[Mapping[str, Any]]:
    """The rows of mails named by id, address or SIRET.  Raises NotFound with `missing`, which names it, where a name is of none."""
    for name in names:
        word = name.strip().lower()
        found = [row for row in rows if word in (row.get("id"), row["address"].lower(), row["who"])]
        if not found:
            raise NotFound(missing.format(name))
        yield from found


def lift(store: Store, names: Iterable[str]) -> int:
    """Write again to these suppressed addresses, each named as `suppressed` lists it or by SIRET.  Raises NotFound, and lifts none then."""
    missing = "{!r} is not suppressed: `matcher outbox bounces` lists the addresses that are"
    chosen = (row["address"] for row in named(suppressed(store), names, missing))
    subjects = {one if one.startswith("address:") else address_subject(one) for one in chosen}
    with store.writing() as connection:
        bounced = (Unsubscription.subject.in_(subjects), Unsubscription.cause == "bounce")
        count = connection.execute(delete(Unsubscription).where(*bounced)).rowcount
        store.audit(connection, "operator", "bounce:lift", detail={"count": count})
    return count


def _failed(raw: bytes) -> Iterator[tuple[str, str]]:
    """(address, status with the server's words) of each failure for good in a delivery report."""
    for part in email.message_from_bytes(raw).walk():
        if part.get_content_type() != "message/delivery-status":
            continue
        blocks = part.get_payload()
        for fields in blocks if isinstance(blocks, list) else ():
            if not isinstance(fields, Message):
                continue
            names = ("Status", "Final-Recipient", "Diagnostic-Code")
            status, who, why = (" ".join(str(fields.get(name, "")).split()) for name in names)
            address = mailbox(who.partition(";")[2])
            if status.startswith("5.") and address:
                # "5.0.0" tells nothing: the server's own words do
                yield address, f"{'' if status.startswith('5.0') else status} {why}".strip()[:300] or status
