"""Mails other than digests."""

import hashlib
from collections.abc import Mapping
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
from matcher.outreach.transport import POLICY, checked
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


def letter(
    kind: str,
    about: str,
    address: str,
    rules: Rules,
    name: str,
    *,
    reply_to: str = "",
    end: str = "",
    **facts: Any,
) -> EmailMessage:
    """A letter of the pages in plain text by the template of its kind, its subject first; the same `name` gives the same Message-ID, hence one letter.

    Answers go to `reply_to`; `end` is the link by which such letters stop.  Raises BadInput on an invalid address.
    """
    title = " ".join(about.split())
    told = {"title": title, "reply_to": reply_to, "end": end, **facts}
    subject, _, text = str(templates().get_template(f"_{kind}.txt").render(told)).partition("\n\n")
    id = hashlib.sha256(name.encode()).hexdigest()[:32]
    mail = _headed(rules.sender, checked(address), subject, id, now())
    mail.set_content(text + "\n")
    if reply_to:
        mail["Reply-To"] = Address("", addr_spec=checked(reply_to))
    if end:
        mail["List-Unsubscribe"] = f"<{end}>"
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
