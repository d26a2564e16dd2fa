"""Mails other than digests."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from typing import Any

from matcher.domain import BadInput
from matcher.outreach import digests
from matcher.outreach.links import link
from matcher.outreach.rules import Rules
from matcher.outreach.transport import POLICY, MailTransport, checked
from matcher.records.store import now
from matcher.reference.identifiers import mailbox


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
    mail = _plain(transport, address, "Question d'un acheteur : " + " ".join(title.split())[:120], name)
    mail["Reply-To"] = Address("", addr_spec=checked(reply_to))
    mail["List-Unsubscribe"] = f"<{link}>"
    mail.set_content(
        f"{message.strip()}\n\n-- \nRépondre en deux minutes : {link}\n"
        f"Ou répondez à ce message : votre réponse va à {reply_to}.\n\n"
        "Ce message vous est adressé parce qu'un acheteur public cherche qui peut répondre à son besoin. Il est le même pour "
        "toutes les structures consultées et ne préjuge pas du choix. Pour ne plus en recevoir : la page du lien ci-dessus.\n"
    )
    return mail


def account_link(name: str, address: str, link: str, transport: MailTransport) -> EmailMessage:
    """The mail that lets a structure prove its account: whoever reads this address may open it."""
    called = " ".join(name.split())
    mail = _plain(transport, address, "Votre compte de structure : " + called[:120], link)
    mail.set_content(
        f"Bonjour,\n\nLe compte de {called} a été demandé. Si c'est bien vous, ouvrez ce lien, puis le bouton de la page :\n"
        f"{link}\n\nIl vaut sept jours et ne sert qu'une fois. Si vous n'avez rien demandé, ne faites rien : personne d'autre ne peut ouvrir ce compte.\n"
    )
    return mail


def announcement(
    title: str, brings: str, seeks: str, address: str, link: str, transport: MailTransport, name: str
) -> EmailMessage:
    """The mail that tells a member, or the buyer, of a declaration to the exchange; the same `name` gives the same letter."""
    mail = _plain(transport, address, "Bourse à la cotraitance : " + " ".join(title.split())[:120], name)
    said = [f"Apporte : {brings}" if brings else "", f"Cherche : {seeks}" if seeks else ""]
    mail.set_content(
        f"Une structure s'est déclarée sur l'avis « {' '.join(title.split())} ».\n\n"
        + "\n".join(filter(None, said))
        + (
            f"\n\nLa voir et lui répondre : {link}\n"
            if link
            else "\n\nElle a choisi de vous le faire savoir.\n"
        )
        + "\nCe message vous est adressé une seule fois pour cette annonce.\n"
    )
    return mail


def sign_in(address: str, link: str, transport: MailTransport) -> EmailMessage:
    """The mail by which a buyer signs in without a key."""
    mail = _plain(transport, address, "Votre lien de connexion", link)
    mail.set_content(
        f"Bonjour,\n\nPour vous connecter, ouvrez ce lien, puis le bouton de la page :\n{link}\n\n"
        "Il vaut vingt minutes et ne sert qu'une fois. Si vous n'avez rien demandé, ne faites rien.\n"
    )
    return mail


def _plain(transport: MailTransport, address: str, subject: str, name: str) -> EmailMessage:
    """A mail of the pages, without its text."""
    id = hashlib.sha256(name.encode()).hexdigest()[:32]
    return _headed(transport.sender, checked(address), subject, id, now())


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
