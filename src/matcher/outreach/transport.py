"""Sending mail by SMTP or to a folder, and bounces."""

from __future__ import annotations

import email
import os
import re
import smtplib
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.message import EmailMessage, Message
from email.policy import SMTP
from email.utils import parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from sqlalchemy import select

from matcher.domain import BadInput
from matcher.records.store import Store, address_subject
from matcher.records.tables import Unsubscription

TIMEOUT = 30.0


_ADDRESS = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-][A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{0,63}@[A-Za-z0-9.-]{1,250}\.[A-Za-z0-9-]{2,60}"
)


def drop(mail: EmailMessage, folder: Path, name: str) -> str:
    """A file that appears whole or not at all, under a name that is the digest's: written twice is one file."""
    target = folder / f"{name}.eml"
    part = target.with_suffix(".part")
    with part.open("wb") as sink:
        sink.write(mail.as_bytes())
        sink.flush()
        os.fsync(sink.fileno())
    part.replace(target)
    return "sent"


@contextmanager
def smtp_connection(address: str) -> Iterator[Any]:
    """A connection to an SMTP server, as a function of a mail and of what claims it."""
    try:
        url = urlsplit(address)
        if url.scheme not in ("smtp", "smtps") or not url.hostname:
            raise ValueError
        port = url.port or (465 if url.scheme == "smtps" else 587 if url.username else 25)
    except ValueError:
        raise BadInput("the rule smtp is no address: write smtp://host:port or smtps://user@host") from None
    context = ssl.create_default_context()
    try:
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

    def send(mail: EmailMessage, claim: Any) -> str:
        return _submit(server, mail, claim)

    try:
        yield send
    finally:
        try:
            server.quit()
        except (OSError, smtplib.SMTPException):
            server.close()


def _submit(server: smtplib.SMTP, mail: EmailMessage, claim: Any) -> str:
    """One mail: "sent", "bounced" (the server refuses the address for good) or "waiting" (later)."""
    sender, receiver = parseaddr(str(mail["From"]))[1], parseaddr(str(mail["To"]))[1]
    for code, _ in (server.mail(sender), server.rcpt(receiver)):
        if code not in (250, 251):
            server.rset()
            return "bounced" if 550 <= code <= 553 else "waiting"
    code, _ = server.docmd("DATA")
    if code != 354:
        server.rset()
        return "waiting"
    body = mail.as_bytes(policy=SMTP.clone(cte_type="7bit"))
    lines = re.sub(rb"(?m)^\.", b"..", re.sub(rb"\r\n|\r|\n", b"\r\n", body))
    server.send(lines if lines.endswith(b"\r\n") else lines + b"\r\n")
    claim()
    server.send(b".\r\n")
    code, _ = server.getreply()
    return "sent" if code == 250 else "bounced" if 550 <= code <= 553 else "waiting"


@dataclass(frozen=True, slots=True, kw_only=True)
class MailTransport:
    """How mails of the pages leave: by SMTP where an address is given, else into a folder as .eml files."""

    base_url: str
    sender: str
    smtp: str = ""
    outbox: Path | None = None


def is_address(address: str) -> bool:
    return bool(_ADDRESS.fullmatch(address))


def checked(address: str) -> str:
    """The address without spaces around.  Raises BadInput on an invalid one."""
    if not is_address(address.strip()):
        raise BadInput(
            "Donnez l'adresse à laquelle les structures vous répondront, par exemple achats@ville.example."
        )
    return address.strip()


def silenced(store: Store, addresses: Mapping[str, str]) -> set[str]:
    """Of SIRET -> address: the SIRETs that want no mail, or whose address refused it."""
    with store.reading() as connection:
        silent = set(connection.execute(select(Unsubscription.subject)).scalars())
    return {
        s
        for s, address in addresses.items()
        if s in silent or (address and address_subject(address) in silent)
    }


def post(store: Store, letters: Mapping[str, EmailMessage], transport: MailTransport) -> dict[str, str]:
    """Send each letter once; SIRET -> "sent", "outbox", "bounced", or "waiting" where it may be tried again."""
    if not letters:
        return {}
    if not transport.smtp:
        if transport.outbox is None:
            return dict.fromkeys(letters, "waiting")
        transport.outbox.mkdir(parents=True, exist_ok=True)
        for letter in letters.values():
            drop(letter, transport.outbox, str(letter["Message-ID"]).strip("<>").partition("@")[0])
        return dict.fromkeys(letters, "outbox")
    outcomes = dict.fromkeys(letters, "waiting")
    with suppress(BadInput, OSError, smtplib.SMTPException), smtp_connection(transport.smtp) as send:
        for siret, letter in letters.items():
            claimed: list[str] = []
            try:
                outcomes[siret] = str(send(letter, lambda kept=claimed: kept.append("sent")))
            except (OSError, smtplib.SMTPException):
                # cut off after the dot: it may have left, and is never sent twice
                outcomes[siret] = "sent" if claimed else "waiting"
                raise
            if outcomes[siret] == "bounced":
                bounce(store, parseaddr(str(letter["To"]))[1])
    return outcomes


def bounce(store: Store, address: str) -> None:
    """Never write to this address again; it is kept as a hash alone."""
    with store.writing() as connection:
        store.unsubscribe(connection, address_subject(address), "bounce")
        store.audit(connection, "mail", "bounce", address_subject(address)[:24])


def bounced(store: Store, raw: bytes) -> list[str]:
    """Stop the addresses that a delivery report (RFC 3464) says failed for good; returns them."""
    report = email.message_from_bytes(raw)
    found = []
    for part in report.walk():
        if part.get_content_type() != "message/delivery-status":
            continue
        blocks = part.get_payload()
        for fields in blocks if isinstance(blocks, list) else ():
            if not isinstance(fields, Message):
                continue
            status, who = (str(fields.get(name, "")).strip() for name in ("Status", "Final-Recipient"))
            address = who.partition(";")[2].strip()
            if status.startswith("5.") and _ADDRESS.fullmatch(address):
                bounce(store, address)
                found.append(address)
    return found
