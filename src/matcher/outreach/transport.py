"""Sending mail by SMTP or to a folder, and bounces."""

from __future__ import annotations

import email
import os
import re
import smtplib
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage, Message
from email.policy import SMTP
from email.utils import parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from sqlalchemy import func, select

from matcher.domain import BadInput
from matcher.records.store import Store, address_subject
from matcher.records.tables import Digest, Letter, Unsubscription
from matcher.reference.mailbox import is_address as is_address
from matcher.reference.mailbox import mailbox

TIMEOUT = 30.0


#: A reply to one letter: its state ("sent", "bounced", "failed", "waiting") and the last reply of the server.
Reply = tuple[str, str]


class LostConnection(Exception):
    """The server cannot take any letter now: those left stay in the queue."""


def write_mail(mail: EmailMessage, folder: Path, name: str) -> Reply:
    """A file that appears whole or not at all, under a name that is the digest's: written twice is one file."""
    target = folder / f"{name}.eml"
    part = target.with_suffix(".part")
    with part.open("wb") as sink:
        part.chmod(0o600)
        sink.write(mail.as_bytes())
        sink.flush()
        os.fsync(sink.fileno())
    part.replace(target)
    return "sent", f"{target.name} written"


def erase_mails(folder: Path, person: str) -> int:
    """Delete the files of `write_mail` that name an address or a SIRET; returns how many."""
    named = re.compile(rf"(?<![\w.+-]){re.escape(person)}(?![\w-])", re.I)
    gone = [path for path in folder.glob("*.eml") if named.search(_text_of(path))]
    for path in gone:
        path.unlink()
    return len(gone)


def _text_of(path: Path) -> str:
    """Headers and decoded parts of a mail."""
    mail = email.message_from_bytes(path.read_bytes(), policy=SMTP)
    assert isinstance(mail, EmailMessage)
    parts = (part.get_content() for part in mail.walk() if part.get_content_maintype() == "text")
    return "\n".join([*(f"{value}" for value in mail.values()), *parts])


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

    def send(mail: EmailMessage, claim: Callable[[str], None]) -> Reply:
        return _submit(server, mail, claim)

    try:
        yield send
    finally:
        try:
            server.quit()
        except (OSError, smtplib.SMTPException):
            server.close()


def _submit(server: smtplib.SMTP, mail: EmailMessage, claim: Callable[[str], None]) -> Reply:
    """One mail, claimed just before the dot that ends it (RFC 5321, 4.1.1.4): cut off earlier, no server delivers it.

    "bounced": the server refuses the address for good; "failed": it refuses this letter; "waiting": not now.
    Raises LostConnection where the connection ends or the server refuses the sender, thus every letter.
    """
    sender, receiver = parseaddr(str(mail["From"]))[1], parseaddr(str(mail["To"]))[1]
    body = re.sub(
        rb"(?m)^\.", b"..", re.sub(rb"\r\n|\r|\n", b"\r\n", mail.as_bytes(policy=SMTP.clone(cte_type="7bit")))
    )
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
    if final and code == 250:
        return "sent", _reply_text(code, reply)
    refused = "failed" if final or not 550 <= code <= 553 else "bounced"
    return refused if code >= 500 else "waiting", _reply_text(code, reply)


def _reply_text(code: int, reply: bytes) -> str:
    """A reply of the server, on one line."""
    return f"{code} {' '.join(reply.decode('ascii', 'replace').split())}"[:300]


@dataclass(frozen=True, slots=True, kw_only=True)
class MailTransport:
    """How mails of the pages leave: by SMTP where an address is given, else into a folder as .eml files."""

    base_url: str
    sender: str
    smtp: str = ""
    outbox: Path | None = None


def checked(address: str) -> str:
    """The address as a mail server takes it.  Raises BadInput on an invalid one."""
    if not (found := mailbox(address)):
        raise BadInput(
            "Donnez l'adresse à laquelle les structures vous répondront, par exemple achats@ville.example."
        )
    return found


def unreachable(store: Store, addresses: Mapping[str, str]) -> set[str]:
    """Of SIRET -> address: the SIRETs that want no mail, or whose address rejected it."""
    with store.reading() as connection:
        silent = set(connection.execute(select(Unsubscription.subject)).scalars())
    return {
        s
        for s, address in addresses.items()
        if s in silent or (address and address_subject(address) in silent)
    }


def bounce(store: Store, address: str) -> None:
    """Never write to this address again; it is kept as a hash alone."""
    with store.writing() as connection:
        store.unsubscribe(connection, address_subject(address), "bounce")
        store.audit(connection, "mail", "bounce", address_subject(address)[:24])


def bounced(store: Store, raw: bytes) -> tuple[list[str], list[str]]:
    """Stop the addresses that a delivery report (RFC 3464) says failed for good: (stopped, refused).

    A report on an address that nothing was ever sent to is refused: anybody can write one.
    """
    stopped: list[str] = []
    refused: list[str] = []
    with store.reading() as connection:
        for address in _failed(raw):
            known = any(
                connection.execute(select(table.id).where(func.lower(table.address) == address.lower()).limit(1)).first()
                for table in (Digest, Letter)
            )  # fmt: skip
            (stopped if known else refused).append(address)
    for address in stopped:
        bounce(store, address)
    return stopped, refused


def _failed(raw: bytes) -> Iterator[str]:
    """The addresses of a delivery report that failed for good."""
    for part in email.message_from_bytes(raw).walk():
        if part.get_content_type() != "message/delivery-status":
            continue
        blocks = part.get_payload()
        for fields in blocks if isinstance(blocks, list) else ():
            if not isinstance(fields, Message):
                continue
            status, who = (str(fields.get(name, "")).strip() for name in ("Status", "Final-Recipient"))
            address = mailbox(who.partition(";")[2])
            if status.startswith("5.") and address:
                yield address
