"""Digests on their way: into an outbox folder or out by SMTP, never twice; links that a scanner may follow.

A mail is claimed ("sending") just before the dot that ends it is sent: a server that never saw the dot must not
deliver (RFC 5321, 4.1.1.4), so a crash before the claim is sent again and a crash after it is left to the operator.
"""

from __future__ import annotations

import email
import hashlib
import hmac
import os
import re
import secrets
import smtplib
import ssl
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage, Message
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from sqlalchemy import select, update

from matcher import digests, feedback
from matcher.catalogue import Catalogue
from matcher.digests import Rules
from matcher.domain import BadInput, Forbidden, NotFound
from matcher.procedure import PARIS
from matcher.store import Store, address_subject, now
from matcher.tables import Digest, Unsubscription

TIMEOUT = 30.0
_ADDRESS = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-][A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{0,63}@[A-Za-z0-9.-]{1,250}\.[A-Za-z0-9-]{2,60}"
)


# ---------------------------------------------------------------------------------------------- links


def secret() -> bytes:
    """What signs the links of mails: MATCHER_MAIL_SECRET, else made once and kept under MATCHER_HOME."""
    if given := os.environ.get("MATCHER_MAIL_SECRET"):
        return given.encode()
    home = Path(os.environ.get("MATCHER_HOME") or Path.home() / ".local" / "share" / "maillage")
    path = home / "mail.secret"
    if not path.exists():
        home.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"mail.secret.{os.getpid()}")
        part.touch(mode=0o600)
        part.write_text(secrets.token_hex(32))
        with suppress(FileExistsError):
            path.hardlink_to(part)  # whoever comes first makes it; the others read his
        part.unlink()
    return path.read_text().strip().encode()


def token(digest_id: str) -> str:
    """The proof that a link came out of a mail: 32 hexadecimal digits."""
    return hmac.new(secret(), digest_id.encode(), hashlib.sha256).hexdigest()[:32]


def link(rules: Rules, digest_id: str) -> str:
    """The page of a digest; "" where the service has no address."""
    base = rules.base_url.rstrip("/")
    return f"{base}/m/{digest_id}/{token(digest_id)}" if base else ""


def opened(store: Store, digest_id: str, proof: str) -> dict[str, Any]:
    """What a link shows.  Reading changes nothing, however often a scanner follows it.  Raises Forbidden."""
    if not hmac.compare_digest(token(digest_id).encode(), proof.encode()):
        raise Forbidden("ce lien n'est pas valable : ouvrez celui du message, sans le modifier")
    with store.reading() as connection:
        content = connection.execute(select(Digest.content).where(Digest.id == digest_id)).scalar()
        if content is None:
            raise NotFound("ce message n'est plus conservé")
        gone = connection.execute(
            select(Unsubscription.cause).where(Unsubscription.subject == content["addressee"])
        ).scalar()
    return {**content, "unsubscribed": gone is not None}


def act(store: Store, digest_id: str, proof: str, item: int, verb: str, reason: str = "") -> None:
    """What a POST does: a word on the item of this number (from 1).  Raises Forbidden, BadInput."""
    content = opened(store, digest_id, proof)
    if verb not in ("interested", "declined"):
        raise BadInput("dites « intéressée » ou « pas intéressée »")
    if not 1 <= item <= len(content["items"]):
        raise BadInput("ce lot n'est pas dans ce message")
    one = content["items"][item - 1]
    feedback.record(
        store, content["addressee"], one["notice_id"], one["lot_id"], verb, reason=reason,
        cpv=(one["cpv"] or [""])[0], position=one["rank"], shown=one["shown"], by="mail",
    )  # fmt: skip


def unsubscribe(store: Store, digest_id: str, proof: str, cause: str = "one-click") -> str:
    """Stop every mail to the addressee of a digest, at once; returns who it is.  Only a POST may call this."""
    addressee = str(opened(store, digest_id, proof)["addressee"])
    with store.writing() as connection:
        store.unsubscribe(connection, addressee, cause)
        store.audit(connection, addressee, "unsubscribe", digest_id)
    return addressee


# -------------------------------------------------------------------------------------------- message


def message(content: Mapping[str, Any], address: str, rules: Rules) -> EmailMessage:
    """The mail of a digest: text, HTML, the deadlines as a calendar; one-click unsubscription (RFC 8058)."""
    if not _ADDRESS.fullmatch(address):
        raise BadInput(f"{address!r} is no address")
    sender, reply = parseaddr(rules.sender), parseaddr(rules.reply_to)
    host = sender[1].rpartition("@")[2]
    page = link(rules, content["id"])
    shown = {**content, "link": page}
    mail = EmailMessage(policy=SMTP)
    mail["From"] = Address(sender[0], addr_spec=sender[1])
    mail["Reply-To"] = Address(reply[0], addr_spec=reply[1])
    mail["To"] = Address("", addr_spec=address)
    mail["Subject"] = " ".join(str(content["subject"]).split())
    mail["Date"] = format_datetime(datetime.fromisoformat(content["made"]).astimezone(UTC))
    mail["Message-ID"] = f"<{content['id']}@{host}>"
    mail["Auto-Submitted"] = "auto-generated"
    ways = [f"<{page}/unsubscribe>"] if page else []
    ways.append(f"<mailto:{reply[1]}?subject=stop%20{content['addressee']}>")
    mail["List-Unsubscribe"] = ", ".join(ways)
    if page.startswith("https://"):
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail.set_content(digests.rendered(shown, "text").decode())
    mail.add_alternative(digests.rendered(shown, "html").decode(), subtype="html")
    if not content["addressee"].startswith("buyer:") and any(i["deadline"] for i in content["items"]):
        calendar = digests.rendered(shown, "icalendar")
        mail.add_attachment(calendar, maintype="text", subtype="calendar", filename="dates-limites.ics")
    return mail


# -------------------------------------------------------------------------------------------- sending


class Sent(Counter[str]):
    """How many digests came to which state: sent, waiting, cancelled, failed, no-address."""


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
    if outbox is None and not rules.smtp:
        counts["waiting"] = len(ready)
        return counts
    if outbox is None and not rules.may_leave(at):
        counts["waiting"] = len(ready)
        return counts
    if outbox is not None:
        outbox.mkdir(parents=True, exist_ok=True)
        for id in ready:
            counts[
                _one(store, catalogue, rules, id, at, lambda mail, _claim, name=id: _drop(mail, outbox, name))
            ] += 1
        return counts
    with _server(rules.smtp) as server:
        for done, id in enumerate(ready):
            try:
                counts[_one(store, catalogue, rules, id, at, server)] += 1
            except (OSError, smtplib.SMTPException):
                # the line is down: those not claimed stay ready, one claimed is told as doubtful
                counts["waiting"] += len(ready) - done
                break
    return counts


def _one(store: Store, catalogue: Catalogue, rules: Rules, id: str, at: datetime, send: Any) -> str:
    """Send one digest; returns the state it came to."""
    with store.reading() as connection:
        content = dict(connection.execute(select(Digest.content).where(Digest.id == id)).scalar_one())
        refused = feedback.refusals(connection)
        silent = set(connection.execute(select(Unsubscription.subject)).scalars())
    siret = content["addressee"]
    names = digests.earlier_names(catalogue, siret)
    address = digests.address_of(store, catalogue, siret)
    if silent & names or (address and address_subject(address) in silent):
        return _state(store, id, "cancelled")
    kept = [
        item for item in content["items"]
        if (not item["deadline"] or _instant(item["deadline"]) > at) and not names & refused.of([item["notice_id"]], item["lot_id"])
    ]  # fmt: skip
    if not kept:
        return _state(store, id, "cancelled")
    if not _ADDRESS.fullmatch(address):
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
    moment = datetime.fromisoformat(iso)
    return moment if moment.tzinfo else moment.replace(tzinfo=PARIS)


def _state(store: Store, id: str, state: str, sent_at: datetime | None = None) -> str:
    values: dict[str, Any] = {"status": state} | ({"sent_at": sent_at} if sent_at else {})
    with store.writing() as connection:
        connection.execute(update(Digest).where(Digest.id == id).values(values))
    return state


def _drop(mail: EmailMessage, folder: Path, name: str) -> str:
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
def _server(address: str) -> Iterator[Any]:
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


def doubtful(store: Store) -> list[dict[str, Any]]:
    """Mails claimed and never confirmed: a crash between the dot and the answer; the server's log tells."""
    with store.reading() as connection:
        rows = connection.execute(
            select(Digest.id, Digest.addressee, Digest.day).where(Digest.status == "sending").order_by(Digest.day, Digest.id)
        )  # fmt: skip
        return [{"id": row.id, "addressee": row.addressee, "day": row.day.isoformat()} for row in rows]


def settle(store: Store, ids: Iterable[str], sent: bool) -> int:
    """The operator's word on doubtful mails: they left, or they are to be sent again."""
    with store.writing() as connection:
        count = connection.execute(
            update(Digest).where(Digest.id.in_(list(ids)), Digest.status == "sending").values(status="sent" if sent else "ready")
        ).rowcount  # fmt: skip
        store.audit(connection, "operator", "outbox:settle", detail={"count": count, "sent": sent})
    return count


# ------------------------------------------------------------------------------------ a buyer's questions


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How mails of the pages leave: by SMTP where an address is given, else into a folder as .eml files."""

    base_url: str
    sender: str
    smtp: str = ""
    outbox: Path | None = None


def is_address(address: str) -> bool:
    return bool(_ADDRESS.fullmatch(address))


def checked(address: str) -> str:
    """The address without spaces around.  Raises BadInput on what is none."""
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


def _question_proof(record: str, siret: str) -> str:
    return hmac.new(secret(), f"question|{record}|{siret}".encode(), hashlib.sha256).hexdigest()[:32]


def question_link(base_url: str, record: str, siret: str) -> str:
    """Where a structure answers a question of a record."""
    return f"{base_url.rstrip('/')}/q/{record}/{siret}/{_question_proof(record, siret)}"


def prove_question(record: str, siret: str, proof: str) -> None:
    """Raises Forbidden unless the link came out of the mail."""
    if not hmac.compare_digest(_question_proof(record, siret).encode(), proof.encode()):
        raise Forbidden("ce lien n'est pas valable : ouvrez celui du message, sans le modifier")


def question(title: str, message: str, address: str, reply_to: str, link: str, way: Way) -> EmailMessage:
    """The mail of a buyer's question: plain text, an answer goes to the buyer, or by the link into the record."""
    sender = parseaddr(way.sender)
    mail = EmailMessage(policy=SMTP)
    mail["From"] = Address(sender[0], addr_spec=sender[1])
    mail["Reply-To"] = Address("", addr_spec=checked(reply_to))
    mail["To"] = Address("", addr_spec=checked(address))
    mail["Subject"] = "Question d'un acheteur : " + " ".join(title.split())[:120]
    mail["Date"] = format_datetime(now())
    mail["Message-ID"] = f"<{secrets.token_hex(16)}@{sender[1].rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["List-Unsubscribe"] = f"<{link}>"
    mail.set_content(
        f"{message.strip()}\n\n-- \nRépondre en deux minutes : {link}\n"
        f"Ou répondez à ce message : votre réponse va à {reply_to}.\n\n"
        "Ce message vous est adressé parce qu'un acheteur public cherche qui peut répondre à son besoin. Il est le même pour "
        "toutes les structures consultées et ne préjuge pas du choix. Pour ne plus en recevoir : la page du lien ci-dessus.\n"
    )
    return mail


def account_link(name: str, address: str, link: str, way: Way) -> EmailMessage:
    """The mail that lets a structure prove its account: whoever reads this address may open it."""
    sender = parseaddr(way.sender)
    mail = EmailMessage(policy=SMTP)
    mail["From"] = Address(sender[0], addr_spec=sender[1])
    mail["To"] = Address("", addr_spec=checked(address))
    mail["Subject"] = "Votre compte de structure : " + " ".join(name.split())[:120]
    mail["Date"] = format_datetime(now())
    mail["Message-ID"] = f"<{secrets.token_hex(16)}@{sender[1].rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(
        f"Bonjour,\n\nLe compte de {' '.join(name.split())} a été demandé. Si c'est bien vous, ouvrez ce lien, puis le bouton de la page :\n"
        f"{link}\n\nIl vaut sept jours et ne sert qu'une fois. Si vous n'avez rien demandé, ne faites rien : personne d'autre ne peut ouvrir ce compte.\n"
    )
    return mail


def post(store: Store, letters: Mapping[str, EmailMessage], way: Way) -> dict[str, str]:
    """Send each letter once; SIRET -> "sent", "outbox", "bounced", or "waiting" where it may be tried again."""
    if not letters:
        return {}
    if not way.smtp:
        if way.outbox is None:
            return dict.fromkeys(letters, "waiting")
        way.outbox.mkdir(parents=True, exist_ok=True)
        for letter in letters.values():
            _drop(letter, way.outbox, str(letter["Message-ID"]).strip("<>").partition("@")[0])
        return dict.fromkeys(letters, "outbox")
    outcomes = dict.fromkeys(letters, "waiting")
    with suppress(BadInput, OSError, smtplib.SMTPException), _server(way.smtp) as send:
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


# -------------------------------------------------------------------------------------------- bounces


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
