"""Questions of a buyer to structures, and their replies."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, RowMapping, select

from matcher import codec
from matcher.catalogue import denials
from matcher.domain import BadInput, NotFound, Tender
from matcher.learned import asks
from matcher.outreach import delivery, links, transport
from matcher.outreach.rules import Rules
from matcher.outreach.sourcing.record import PREPARED, contact, read
from matcher.records import chain, feedback, self_declared
from matcher.records.store import Store
from matcher.records.tables import Letter, Sourcing

#: Outcome of a message -> French.
OUTCOMES = {
    "queued": "message en cours d'envoi",
    "sent": "message envoyé",
    "outbox": "message déposé dans la boîte d'envoi",
    "no-address": "aucune adresse de courriel connue",
    "unsubscribed": "ne veut plus de question par courriel : appelez",
    "bounced": "adresse refusée : appelez",
    "failed": "message refusé par le serveur : appelez",
    "by-hand": "depuis la messagerie de l'acheteur",
}


INTERESTS: dict[str, str] = {
    "yes": "Oui, nous réalisons cette prestation",
    "partly": "En partie, ou avec d'autres",
    "no": "Non, ce n'est pas pour nous",
}


MOST_ANSWERS = 5  # answers by the link of one structure


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a structure sees at its link: the need, the message, what it answered."""

    record: str
    siret: str
    name: str
    title: str
    message: str
    reply_to: str
    asked_at: datetime
    answers: tuple[str, ...]
    need: Tender


def outcomes(store: Store, addresses: Mapping[str, str]) -> dict[str, str]:
    """What a message to each SIRET at its address will come to: queued, no-address or unsubscribed."""
    silent = transport.unreachable(store, addresses)
    reached = {s: "queued" if transport.is_address(to) else "no-address" for s, to in addresses.items()}
    return reached | dict.fromkeys(silent, "unsubscribed")


def ask(
    store: Store,
    owner: str,
    identifier: str,
    sirets: Sequence[str],
    message: str,
    reply_to: str,
    rules: Rules,
    address_of: Callable[[str], str],
) -> Counter[str]:
    """Contact these and queue the same message to each, with a link of its own; how many came to which outcome.

    `reply_to` is the buyer's own address.  All in one transaction: parallel requests queue each letter once.  Whoever
    had no address may be asked again; every other is contacted once.  Raises NotFound, BadInput.
    """
    reply_to = transport.checked(reply_to)
    with store.writing() as connection:
        contact(store, owner, identifier, sirets, message)
        record = read(store, owner, identifier)
        queued = select(Letter.siret).where(Letter.record_id == identifier)
        asked = set(connection.execute(queued).scalars())
        listed = ((e.siret, e.payload) for e in record.events if e.kind == "listed" and e.payload)
        known = {siret: str(payload.get("email") or "") for siret, payload in listed}
        due = [s for s in dict.fromkeys(sirets) if s not in asked]
        addresses = {siret: address_of(siret) or known.get(siret, "") for siret in due}
        reached = outcomes(store, addresses)
        for siret in (s for s, outcome in reached.items() if outcome == "queued"):
            link = links.question_link(rules.base_url, identifier, siret)
            told = {"message": message.strip(), "reply_to": reply_to, "link": link, "end": link}
            told |= {"siret": siret, "record_id": identifier}
            about, to, name = record.tender.title, addresses[siret], f"{identifier}|{siret}"
            delivery.queue(store, connection, rules, "question", about, to, name, **told)
        past = {e.siret: (e.payload or {}).get("outcome") for e in record.events if e.kind in SENDINGS}
        fresh = [(s, o) for s, o in reached.items() if o != past.get(s)]
        sealed = [(_kind(o), s, {"outcome": o, "reply_to": reply_to}) for s, o in fresh]
        chain.append(connection, identifier, sealed)
        store.audit(connection, owner, "sourcing.ask", identifier, dict(Counter(reached.values())))
    return Counter(o for s, o in reached.items() if past.get(s) != "unsubscribed")


def settled(connection: Connection, row: RowMapping, outcome: str) -> None:
    """Record in its record what became of a letter: an event, sealed."""
    identifier = row["record_id"]
    if (
        connection.execute(select(Sourcing.id).where(Sourcing.id == identifier)).first() is None
    ):  # erased meanwhile
        return
    events = chain.events(connection, identifier)
    mine = (e for e in events if e.kind in SENDINGS and e.siret == row["siret"])
    before = next((e.payload for e in mine if e.payload), {})
    payload = {"outcome": outcome, "reply_to": (before or {}).get("reply_to", "")}
    chain.append(connection, identifier, [(_kind(outcome), row["siret"], payload)])


#: What is recorded of each kind of letter that left the queue.
SETTLE: dict[str, delivery.Settle] = {"question": settled}


SENDINGS = ("sent", "queued", "unsent")


def _kind(outcome: str) -> str:
    """The kind of event that an outcome is: only what has left is sent."""
    return {"sent": "sent", "outbox": "queued", "queued": "queued"}.get(outcome, "unsent")


def questioned(store: Store, identifier: str, siret: str, proof: str) -> Question:
    """What a link of a mail shows; reading it changes nothing.  Raises Forbidden, NotFound."""
    links.prove(proof, "question", identifier, siret)
    with store.reading() as connection:
        row = connection.execute(select(Sourcing.need).where(Sourcing.id == identifier)).first()
        events = chain.events(connection, identifier)
    contacted = next((e for e in events if e.kind in PREPARED and e.siret == siret and e.payload), None)
    if row is None or contacted is None:
        raise NotFound("cette question n'est plus conservée")
    listed = next((e.payload for e in events if e.kind == "listed" and e.siret == siret and e.payload), {})
    sent = [e.payload for e in events if e.kind in SENDINGS and e.siret == siret and e.payload]
    # what a buyer notes of a call is the buyer's own: a structure sees only what it wrote itself
    own = [e.payload for e in events if e.kind == "answered" and e.siret == siret and e.payload]
    answers = [payload["text"] for payload in own if payload.get("by") == "structure"]
    return Question(
        record=identifier,
        siret=siret,
        name=str((listed or {}).get("name", "")),
        title=row.need["title"],
        message=str((contacted.payload or {})["message"]),
        reply_to=str(sent[-1].get("reply_to", "")) if sent else "",
        asked_at=contacted.at,
        answers=tuple(answers),
        need=codec.from_json(Tender, row.need),
    )


def skill_asked(question: Question) -> str:
    """The trade that the need asks first, as a skill ("trade:NAME"); "" where none is recognised."""
    named = (name for lot in question.need.lots for name in asks.of_lot(lot, question.need).trades)
    return next((f"trade:{name}" for name in named), "")


def opened(store: Store, identifier: str, siret: str, proof: str) -> None:
    """Record that a structure opened its question, once.  Only a POST may call this: scanners follow links."""
    questioned(store, identifier, siret, proof)
    with store.writing() as connection:
        events = chain.events(connection, identifier)
        if not any(e.kind == "opened" and e.siret == siret for e in events):
            chain.append(connection, identifier, [("opened", siret, {"by": "structure"})])


def reply(
    store: Store,
    identifier: str,
    siret: str,
    proof: str,
    interest: str,
    text: str,
    *,
    remembered: bool = False,
) -> None:
    """A structure's answer by its link, into the record.  Only a POST may call this.  Raises Forbidden, BadInput.

    An answer that is to be remembered is the structure's word on the trade that was asked for.
    """
    if interest not in INTERESTS:
        raise BadInput("Dites d'abord si vous réalisez cette prestation.")
    words = f"{INTERESTS[interest]}. {text.strip()}".strip()
    # a need is read before others are kept from writing
    skill = skill_asked(questioned(store, identifier, siret, proof)) if remembered else ""
    with store.writing() as connection:  # answers that race are counted one after the other
        if len(questioned(store, identifier, siret, proof).answers) >= MOST_ANSWERS:
            raise BadInput("Vous avez déjà répondu plusieurs fois : écrivez directement à l'acheteur.")
        opened(store, identifier, siret, proof)
        payload = {"text": words[:5000], "by": "structure", "interest": interest}
        chain.append(connection, identifier, [("answered", siret, payload)])
        store.audit(connection, siret, "sourcing.reply", identifier)
        if not skill or interest not in ("yes", "no"):  # one that does a part says neither
            return
        facts, offer = self_declared.read(store, siret).facts, {"title": denials.label(skill)}
        kept = [each for each in facts.get("offers", ()) if each["title"] != offer["title"]]
        does = interest == "yes"  # the last word holds
        self_declared.write(store, siret, {**facts, "offers": [*kept, offer] if does else kept}, siret)
        if does:
            feedback.allow(store, siret, skill)
        else:
            feedback.deny(store, siret, skill, siret)
