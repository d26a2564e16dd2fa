"""Mails other than digests."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from typing import Any

from matcher.domain import BadInput
from matcher.outreach import digests
from matcher.outreach.digest_formats import templates
from matcher.outreach.links import link
from matcher.outreach.rules import Rules
from matcher.outreach.transport import POLICY, MailTransport, checked
from matcher.records.store import now
from matcher.reference.identifiers import mailbox
from matcher.reference.text import shorten


def message(content: Mapping[str, Any], address: str, rules: Rules) -> EmailMessage:
    """The mail of a digest: text, HTML, the deadlines as a calendar; one-click unsubscription (RFC 8058)."""
    to = mailbox(address)
    if not to:
        raise BadInput(f"invalid address {address!r}: expected name@domain")
    reply = parseaddr(rules.reply_to)
    page = link(rules, content["id"])
    shown = {**content, "link": page}
    made = datetime.fromisoformat(content["made"]).astimezone(UTC)
    mail = _headed(rules.sender, to, " ".join(str(content["subject"]).split()), content["id"], made)
    mail["Reply-To"] = Address(reply[0], addr_spec=reply[1])
    unsubscribe = [f"<{page}/unsubscribe>"] if page else []
    unsubscribe.append(f"<mailto:{reply[1]}?subject=stop%20{content['addressee']}>")
    mail["List-Unsubscribe"] = ", ".join(unsubscribe)
    if page.startswith("https://"):
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail.set_content(digests.rendered(shown, "text").decode())
    mail.add_alternative(digests.rendered(shown, "html").decode(), subtype="html")
    if not content["addressee"].startswith("buyer:") and any(i["deadline"] for i in content["items"]):
        calendar = digests.rendered(shown, "icalendar")
        mail.add_attachment(calendar, maintype="text", subtype="calendar", filename="dates-limites.ics")
    return mail


def question(
    title: str, message: str, address: str, reply_to: str, link: str, transport: MailTransport, name: str
) -> EmailMessage:
    """The mail of a buyer's question: plain text, an answer goes to the buyer, or by the link into the record.

    The same `name` gives the same Message-ID, hence one letter.
    """
    facts = {"message": message.strip(), "link": link, "reply_to": reply_to}
    subject = f"Question d'un acheteur : {_line(title)[:120]}"
    mail = _plain("_question", subject, address, transport, name, facts)
    mail["Reply-To"] = Address("", addr_spec=checked(reply_to))
    mail["List-Unsubscribe"] = f"<{link}>"
    return mail


def account_link(name: str, address: str, link: str, transport: MailTransport) -> EmailMessage:
    """The mail that lets a structure prove its account: whoever reads this address may open it."""
    called = _line(name)
    facts = {"called": called, "link": link}
    return _plain("_account", f"Votre compte de structure : {called[:120]}", address, transport, link, facts)


def announcement(
    author: str, title: str, said: str, address: str, link: str, transport: MailTransport, name: str
) -> EmailMessage:
    """The mail that tells a member, or the buyer, what another said at the exchange; the same `name` gives the same letter."""
    facts = {"author": author, "title": _line(title), "said": said, "link": link}
    subject = f"Bourse à la cotraitance : {shorten(_line(title), 120)}"
    return _plain("_announcement", subject, address, transport, name, facts)


def joined(
    title: str, names: Sequence[str], address: str, link: str, end: str, transport: MailTransport, name: str
) -> EmailMessage:
    """The mail that tells a buyer who became one to call for a kept search, with the link that ends such mails."""
    facts = {"title": _line(title), "names": names, "link": link, "end": end}
    mail = _plain("_joined", f"À appeler aussi : {_line(title)[:120]}", address, transport, name, facts)
    mail["List-Unsubscribe"] = f"<{end}>"
    return mail


def sign_in(address: str, link: str, transport: MailTransport) -> EmailMessage:
    """The mail by which a buyer signs in without a key."""
    return _plain("_signin", "Votre lien de connexion", address, transport, link, {"link": link})


def _line(text: str) -> str:
    return " ".join(text.split())


def _plain(
    template: str, subject: str, address: str, transport: MailTransport, name: str, facts: Mapping[str, Any]
) -> EmailMessage:
    """A mail of the pages, in plain text."""
    id = hashlib.sha256(name.encode()).hexdigest()[:32]
    mail = _headed(transport.sender, checked(address), subject, id, now())
    mail.set_content(templates().get_template(f"{template}.txt").render(facts) + "\n")
    return mail


def _headed(sender: str, to: str, subject: str, id: str, at: datetime) -> EmailMessage:
    name, address = parseaddr(sender)
    mail = EmailMessage(policy=POLICY)
    mail["From"] = Address(name, addr_spec=address)
    mail["To"] = Address("", addr_spec=to)
    mail["Subject"] = subject
    mail["Date"] = format_datetime(at)
    mail["Message-ID"] = f"<{id}@{address.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    return mail
