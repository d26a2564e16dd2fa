"""The exchange (bourse): what structures bring and look for on a notice, shown as their authors allow.

Writing for a SIRET requires a key scoped to it.  A declaration is seen by the members of the
exchange, or by a named few; by the buyer of that notice only if its author says so.  It ends at the deadline or when it is
withdrawn.  Those who agree with each other are a group, with roles and parts.  Who saw what is recorded.  No personal data but a contact address, which its owner can delete.
"""

from __future__ import annotations

import math
import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import Connection, and_, delete, or_, select, update
from sqlalchemy.engine import RowMapping

from matcher.domain import BadInput, Forbidden, NotFound, Tender, UnknownNotice
from matcher.learned import asks
from matcher.records.keys import Bearer
from matcher.records.store import Store, now
from matcher.records.tables import Agreement, Declaration, Feedback, Letter, Message, Notice, View
from matcher.reference import trades
from matcher.reference.identifiers import IDENTITY, is_address
from matcher.reference.places import POSTCODE_KM, distance_km
from matcher.reference.text import clean, fold

if TYPE_CHECKING:
    from matcher.catalogue.catalogue import Catalogue

Visibility = Literal["members", "named"]
HIDDEN = "aucune déclaration {!r} ne vous est visible"
ROLES = ("mandataire", "cotraitant", "sous-traitant")
#: Whether the bearer is the buyer of a notice, by its id; a caller that cannot tell shows a buyer nothing.
BuyerOf = Callable[[str], bool]
LONGEST = 2_000  # characters of what is brought or looked for, or of a message
MESSAGES = 10  # of one member about a declaration in a day
_WORD = re.compile(r"[a-z]{4,}")
_EMPTY = frozenset("avec dans pour nous vous leur cette avons cherche recherche apporte lots".split())


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A declaration as its viewer may see it: the contact is given on request, and the request recorded."""

    id: str
    siret: str
    notice_id: str
    lot_id: str
    brings: str
    seeks: str
    has_contact: bool
    visibility: Visibility
    buyer_may_see: bool
    deadline: datetime
    updated_at: datetime
    state: Literal["open", "expired", "withdrawn"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """Another declaration on the same notice, with the reasons why the two are complementary."""

    offer: Offer
    score: float  # 0 to 1
    reasons: tuple[str, ...]
    distance_km: float = math.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """A member of a group, as it said itself."""

    siret: str
    role: str  # one of ROLES
    part: str  # what it does


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A message about a declaration, between its author and another member."""

    other: str  # the SIRET of who is not its author
    sender: str
    text: str
    at: datetime


def nobody(notice_id: str) -> bool:
    return False


def _until(
    connection: Connection, notice_id: str, tender: Tender | None, deadline: datetime | None, moment: datetime
) -> datetime:
    """The deadline of a declaration: the one given, else that of the notice.  Raises BadInput, UnknownNotice."""
    wanted = select(Notice.deadline, Notice.owner).where(Notice.id == notice_id)
    known = connection.execute(wanted).mappings().first()
    # an unpublished need is private: the answer is the one for an unknown notice
    public = known if known and not known["owner"] else None
    if tender is None and public is None:
        raise UnknownNotice(f"aucun avis {notice_id!r} n'est connu : cherchez son identifiant parmi les avis")
    until = deadline or (public["deadline"] if public else None)
    if until is None:
        raise BadInput("la date limite de cet avis n'est pas connue : donnez-la")
    if until.tzinfo is None:
        raise BadInput("la date limite doit porter son fuseau : 2026-12-01T12:00:00+01:00")
    if until <= moment:
        raise BadInput(f"la date limite de l'avis est passée ({until:%d/%m/%Y}) : on ne s'y déclare plus")
    return until


def declare(
    store: Store,
    bearer: Bearer,
    *,
    siret: str,
    notice_id: str,
    lot_id: str = "",
    brings: str = "",
    seeks: str = "",
    contact: str | None = None,
    visibility: str = "members",
    named: Sequence[str] = (),
    buyer_may_see: bool = False,
    deadline: datetime | None = None,
    tender: Tender | None = None,
) -> Offer:
    """Declare what a structure brings and looks for on a notice or lot; declaring again replaces the earlier one.

    Idempotent: one declaration for each (siret, notice, lot).  The notice must be known: given as
    `tender`, or in the store, which then gives the deadline too.  Raises Forbidden without a key for this SIRET, UnknownNotice,
    BadInput on inconsistent values.
    """
    _own(bearer, siret)
    text = {"brings": clean(brings), "seeks": clean(seeks)}
    if not any(text.values()):
        raise BadInput("dites ce que vous apportez ou ce que vous cherchez : les deux sont vides")
    if len(max(text.values(), key=len)) > LONGEST:
        raise BadInput(f"{LONGEST} caractères au plus pour chaque texte : raccourcissez")
    if visibility not in ("members", "named"):
        raise BadInput(f"visibilité {visibility!r} inconnue : choisissez members ou named")
    if visibility == "named" and not named:
        raise BadInput("visibilité réservée : nommez au moins un SIRET")
    if wrong := [s for s in named if not re.fullmatch(IDENTITY, s)]:
        raise BadInput(f"{wrong[0]!r} n'est pas un SIRET : 14 chiffres")
    if not notice_id.strip() or len(notice_id) > 200 or len(lot_id) > 200:
        raise BadInput("donnez l'identifiant de l'avis (et du lot), 200 caractères au plus")
    if contact is not None and not is_address(contact):
        raise BadInput("l'adresse de contact est invalide : corrigez-la ou laissez-la vide")
    if tender is not None and lot_id and lot_id not in {lot.id for lot in tender.lots}:
        raise BadInput(f"l'avis {notice_id} n'a pas de lot {lot_id!r} : laissez vide pour tout l'avis")
    moment = now()
    with store.writing() as connection:
        until = _until(connection, notice_id, tender, deadline, moment)
        pair = {"siret": siret, "notice_id": notice_id, "lot_id": lot_id}
        row: dict[str, Any] = {**pair, **text}
        row |= {"contact": contact, "visibility": visibility, "buyer_may_see": buyer_may_see}
        row |= {"named": sorted(set(named)), "deadline": until, "updated_at": moment, "withdrawn_at": None}
        # the first ones stay, where it is declared again
        row |= {"id": secrets.token_hex(12), "created_at": moment}
        store.put(connection, Declaration, [row], key=tuple(pair), keep=("id", "created_at"))
        interest = {**pair, "verb": "interested", "by": bearer.id, "reason": "exchange", "at": moment}
        store.put(connection, Feedback, [interest], keep=("at", "by", "reason"))
        stood = connection.execute(select(Declaration.__table__).filter_by(**pair)).mappings().one()
        store.audit(connection, bearer.actor, "exchange.declare", stood["id"])
    return _offer(stood, moment)


def withdraw(store: Store, bearer: Bearer, identifier: str) -> tuple[tuple[str, ...], str]:
    """Withdraw a declaration at once, and what was agreed on it; who was in its group, and on which notice; idempotent.

    Raises NotFound, also for somebody else's.
    """
    with store.writing(bearer.actor, "exchange.withdraw", identifier) as connection:
        mine = _mine(connection, bearer, identifier)
        group = tuple(member.siret for member in _agreed(connection, mine)[1:])
        still_open = (Declaration.id == identifier, Declaration.withdrawn_at.is_(None))
        connection.execute(update(Declaration).where(*still_open).values(withdrawn_at=now(), contact=None))
        both = or_(Agreement.declaration_id == identifier, Agreement.with_id == identifier)
        connection.execute(delete(Agreement).where(both))
        unsent = (Letter.record_id == identifier, Letter.kind == "exchange", Letter.status == "ready")
        connection.execute(delete(Letter).where(*unsent))
    return group, mine["notice_id"]


def forget_contact(store: Store, bearer: Bearer, identifier: str) -> None:
    """Delete the contact address of one's own declaration.  Raises NotFound, also for somebody else's."""
    with store.writing(bearer.actor, "exchange.forget-contact", identifier) as connection:
        _mine(connection, bearer, identifier)
        connection.execute(update(Declaration).where(Declaration.id == identifier).values(contact=None))


def listing(
    store: Store,
    bearer: Bearer,
    *,
    notice_id: str | None = None,
    lot_id: str | None = None,
    mine: bool = False,
    buyer_of: BuyerOf = nobody,
) -> tuple[Offer, ...]:
    """The open declarations that this bearer may see, newest first; `mine`: its own, in any state.

    Each view of another's declaration is recorded.
    """
    moment = now()
    table = Declaration.__table__
    query = select(table)
    if notice_id is not None:
        query = query.where(table.c.notice_id == notice_id)
    if lot_id is not None:
        query = query.where(or_(table.c.lot_id == lot_id, table.c.lot_id == ""))
    if mine:
        query = query.where(table.c.siret.in_(bearer.sirets))
    else:
        query = query.where(and_(table.c.withdrawn_at.is_(None), table.c.deadline > moment))
    with store.writing() as connection:
        rows = connection.execute(query.order_by(table.c.updated_at.desc(), table.c.id)).mappings().all()
        seen = [_offer(row, moment) for row in rows if mine or _visible(bearer, row, buyer_of)]
        _record(store, connection, bearer, seen, "seen", moment)
    return tuple(seen)


def contact(store: Store, bearer: Bearer, identifier: str, buyer_of: BuyerOf = nobody) -> str:
    """The address of a declaration that this bearer may see; the request is recorded.

    Raises NotFound where there is none, or none that this bearer may see.
    """
    moment = now()
    with store.writing() as connection:
        row = _one(connection, identifier)
        offer = _offer(row, moment)
        seen = offer.state == "open" and _visible(bearer, row, buyer_of)
        if offer.siret not in bearer.sirets and not seen:
            raise NotFound(HIDDEN.format(identifier))
        if not offer.has_contact:
            raise NotFound("cette déclaration ne donne pas d'adresse : passez par l'exploitant de la bourse")
        _record(store, connection, bearer, [offer], "contact", moment)
    address: str = row["contact"]
    return address


def agree(store: Store, bearer: Bearer, identifier: str, other: str, role: str, part: str) -> tuple[str, str]:
    """Agree with the author of another declaration on the same notice; saying it again replaces it; with whom, on which notice.

    Raises NotFound for a declaration that is not one's own, or another that one may not see, BadInput on the rest.
    """
    told = clean(part)
    if role not in ROLES or not told or len(told) > LONGEST:
        raise BadInput(f"donnez votre rôle ({', '.join(ROLES)}) et votre part, {LONGEST} caractères au plus")
    moment = now()
    with store.writing(bearer.actor, "exchange.agree", identifier) as connection:
        mine, theirs = _mine(connection, bearer, identifier), _one(connection, other)
        if theirs["siret"] == mine["siret"] or not _visible(bearer, theirs):
            raise NotFound(HIDDEN.format(other))
        if not _same_lot(mine, theirs):
            raise BadInput("les deux annonces ne portent pas sur le même avis ou le même lot")
        if any(_offer(row, moment).state != "open" for row in (mine, theirs)):
            raise BadInput("une des deux annonces est retirée ou échue : déclarez-vous de nouveau")
        said = (Agreement.declaration_id == other, Agreement.with_id == identifier)
        answer = connection.execute(select(Agreement.role).where(*said)).scalar_one_or_none()
        roles = {answer, *(m.role for m in _agreed(connection, mine)[1:])}
        if role == "mandataire" and role in roles:
            raise BadInput("ce groupement a déjà un mandataire : choisissez un autre rôle")
        row = {"declaration_id": identifier, "with_id": other, "role": role, "part": told, "at": moment}
        store.put(connection, Agreement, [row])
    return theirs["siret"], theirs["notice_id"]


def write(store: Store, bearer: Bearer, identifier: str, other: str, text: str) -> tuple[str, str]:
    """Write to the author of a declaration as `other`, or, as its author, back to `other`; to whom, and on which notice.

    Raises NotFound for a declaration that one may not see, or an answer to who never wrote; BadInput on the rest.
    """
    said, moment = clean(text), now()
    if not said or len(said) > LONGEST:
        raise BadInput(f"écrivez votre message, en {LONGEST} caractères au plus")
    with store.writing(bearer.actor, "exchange.write", identifier) as connection:
        row = _one(connection, identifier)
        mine = row["siret"] in bearer.sirets
        sender, to = (row["siret"], other) if mine else (other, row["siret"])
        thread = (Message.declaration_id == identifier, Message.other == other)
        sent = connection.execute(select(Message.sender, Message.at).where(*thread)).all()
        if not (sent if mine else other in bearer.sirets and _visible(bearer, row)):
            raise NotFound(HIDDEN.format(identifier))
        if _offer(row, moment).state != "open":
            raise BadInput("cette annonce est retirée ou échue : on n'y écrit plus")
        if sum(by == sender and at.date() == moment.date() for by, at in sent) >= MESSAGES:
            raise BadInput(f"{MESSAGES} messages par jour au plus sur une annonce : appelez-vous")
        fresh = {"id": secrets.token_hex(12), "declaration_id": identifier, "other": other}
        store.put(connection, Message, [{**fresh, "sender": sender, "text": said, "at": moment}])
    return to, row["notice_id"]


def messages(store: Store, bearer: Bearer, identifier: str) -> tuple[Said, ...]:
    """The messages about a declaration, oldest first: all to its author, to another member its own.  Raises NotFound."""
    with store.reading() as connection:
        mine = _one(connection, identifier)["siret"] in bearer.sirets
        query = select(Message.other, Message.sender, Message.text, Message.at).order_by(Message.at)
        rows = connection.execute(query.where(Message.declaration_id == identifier)).mappings().all()
    return tuple(Said(**row) for row in rows if mine or row["other"] in bearer.sirets)


def group(store: Store, bearer: Bearer, identifier: str) -> tuple[Agreed, ...]:
    """Oneself and those with whom one agreed, and who agreed too; empty while nobody did.  Raises NotFound."""
    with store.reading() as connection:
        members = _agreed(connection, _mine(connection, bearer, identifier))
    return members if len(members) > 1 else ()


def waiting(store: Store, bearer: Bearer, identifier: str) -> tuple[Agreed, ...]:
    """Those who agreed with one's own declaration and wait for one's own answer.  Raises NotFound."""
    with store.reading() as connection:
        mine = _mine(connection, bearer, identifier)["id"]
        answered = select(Agreement.with_id).where(Agreement.declaration_id == mine)
        query = select(Declaration.siret, Agreement.role, Agreement.part).join(
            Declaration, Declaration.id == Agreement.declaration_id
        )
        query = query.where(Agreement.with_id == mine, Agreement.declaration_id.not_in(answered))
        return tuple(Agreed(**row._mapping) for row in connection.execute(query.order_by(Agreement.at)))


def _agreed(connection: Connection, mine: RowMapping) -> tuple[Agreed, ...]:
    """The author of a declaration, where it agreed with somebody, then those who agreed with it as it did with them."""
    author = Declaration.id == Agreement.declaration_id
    query = select(Agreement.__table__, Declaration.siret).join(Declaration, author)
    both = or_(Agreement.declaration_id == mine["id"], Agreement.with_id == mine["id"])
    rows = connection.execute(query.where(both).order_by(Agreement.at)).mappings().all()
    said = [row for row in rows if row["declaration_id"] == mine["id"]]
    others = [row for row in rows if row["declaration_id"] in {each["with_id"] for each in said}]
    members = (*said[-1:], *others)
    return tuple(Agreed(siret=row["siret"], role=row["role"], part=row["part"]) for row in members)


def viewers(store: Store, bearer: Bearer, identifier: str) -> tuple[dict[str, Any], ...]:
    """Who saw one's own declaration, and when.  Raises NotFound, also for somebody else's."""
    with store.reading() as connection:
        _mine(connection, bearer, identifier)
        views = select(View.viewer, View.kind, View.day, View.at).where(View.declaration_id == identifier)
        rows = connection.execute(views.order_by(View.at, View.viewer, View.kind))
        return tuple(dict(row._mapping) for row in rows)


def suggest(
    store: Store,
    bearer: Bearer,
    siret: str,
    *,
    notice_id: str | None = None,
    kilometres: Callable[[str, str], float] | None = None,
    reach_km: float = 100.0,
    n: int = 10,
    record: bool = True,
) -> tuple[Suggestion, ...]:
    """Others' declarations that complete those of `siret`, best first; symmetric, so it is suggested to them.

    What one brings is compared with what the other looks for, both ways: by trade, else by words.
    `kilometres` (siret, siret), NaN unknown, leaves out those farther than `reach_km`.  Views are recorded, unless nobody
    looks (not `record`).
    """
    _own(bearer, siret)
    moment = now()
    table = Declaration.__table__
    alive = and_(table.c.withdrawn_at.is_(None), table.c.deadline > moment)
    with store.writing() as connection:
        query = select(table).where(alive)
        if notice_id is not None:
            query = query.where(table.c.notice_id == notice_id)
        own = connection.execute(query.where(table.c.siret == siret)).mappings().all()
        notices = {row["notice_id"] for row in own}
        theirs = (table.c.notice_id.in_(notices), table.c.siret.not_in(bearer.sirets))
        others = connection.execute(query.where(*theirs)).mappings()
        found = []
        for other in others:
            if other["siret"][:9] == siret[:9] or not _visible(bearer, other):
                continue
            far = kilometres(siret, other["siret"]) if kilometres else math.nan
            if far > reach_km:
                continue
            pairs = (_complementarity(mine, other) for mine in own if _same_lot(mine, other))
            best = max(pairs, default=None)
            if best is not None and best[0] > 0:
                (score, reasons), offer = best, _offer(other, moment)
                found.append(Suggestion(offer=offer, score=score, reasons=reasons, distance_km=far))
        found.sort(key=lambda one: (-one.score, math.isnan(one.distance_km), one.offer.id))
        if record:
            _record(store, connection, bearer, [one.offer for one in found[:n]], "seen", moment)
    return tuple(found[:n])


def distances(catalogue: Catalogue) -> Callable[[str, str], float]:
    """Kilometres between two structures of a catalogue by SIRET; NaN where one is unknown or not placed."""

    def between(one: str, other: str) -> float:
        try:
            rows = [catalogue.row(one), catalogue.row(other)]
        except NotFound:
            return math.nan
        columns = ("latitude", "longitude", "spread_km")
        lat, lon, spread = (catalogue.of_structure(name)[rows] for name in columns)
        if (spread > POSTCODE_KM).any():
            return math.nan
        return float(distance_km(lat[0], lon[0], lat[1], lon[1]))

    return between


# ------------------------------------------------------------------------------------------------- rules


def _own(bearer: Bearer, siret: str) -> None:
    if siret not in bearer.sirets:
        raise Forbidden(f"votre clé ne vaut pas pour le SIRET {siret!r} : demandez-en une à l'exploitant")


def _one(connection: Any, identifier: str) -> RowMapping:
    query = select(Declaration.__table__).where(Declaration.id == identifier)
    row: RowMapping | None = connection.execute(query).mappings().first()
    if row is None:
        raise NotFound(HIDDEN.format(identifier))
    return row


def _mine(connection: Any, bearer: Bearer, identifier: str) -> RowMapping:
    """One's own declaration.  Raises NotFound for another's too: that there is one is nobody else's business."""
    row = _one(connection, identifier)
    if row["siret"] not in bearer.sirets:
        raise NotFound(HIDDEN.format(identifier))
    return row


def _visible(bearer: Bearer, row: RowMapping, buyer_of: BuyerOf = nobody) -> bool:
    """Visibility rules of the author: its own SIRET, named SIRETs or members; of buyers that of the notice alone, if opted in."""
    if set(bearer.sirets) & {row["siret"], *row["named"]}:
        return True
    if "buyer" in bearer.scopes:
        return bool(row["buyer_may_see"]) and buyer_of(row["notice_id"])
    member = bool(bearer.sirets) or "operator" in bearer.scopes
    return member and row["visibility"] == "members"


def _record(
    store: Store, connection: Any, bearer: Bearer, seen: Sequence[Offer], kind: str, moment: datetime
) -> None:
    view = {"viewer": bearer.actor, "kind": kind, "day": moment.date(), "at": moment}
    views = [{"declaration_id": one.id} | view for one in seen if one.siret not in bearer.sirets]
    store.put(connection, View, views, keep=("at",))


def _offer(row: RowMapping, moment: datetime) -> Offer:
    withdrawn, expired = row["withdrawn_at"] is not None, row["deadline"] <= moment
    return Offer(
        **{name: row[name] for name in Offer.__slots__ if name in row},
        has_contact=bool(row["contact"]),
        state="withdrawn" if withdrawn else "expired" if expired else "open",
    )


def _same_lot(mine: RowMapping, other: RowMapping) -> bool:
    """The same lot, or one of the two speaks of the whole notice."""
    same_notice = bool(mine["notice_id"] == other["notice_id"])
    lots = {mine["lot_id"], other["lot_id"]}
    return same_notice and (len(lots) == 1 or "" in lots)


def _complementarity(mine: RowMapping, other: RowMapping) -> tuple[float, tuple[str, ...]]:
    """Complementarity of two declarations, 0 to 1, and why; symmetric."""
    theirs, shared_in = _coverage(mine["seeks"], other["brings"])
    ours, shared_out = _coverage(other["seeks"], mine["brings"])
    reasons = [f"apporte ce que vous cherchez : {shared_in}"] if theirs else []
    reasons += [f"cherche ce que vous apportez : {shared_out}"] if ours else []
    if not reasons and mine["seeks"] and other["seeks"]:
        return 0.1, ("cherche aussi un partenaire sur cet avis",)
    return round((theirs + ours) / 2, 4), tuple(reasons)


def _coverage(asked: str, given: str) -> tuple[float, str]:
    """The share of the request that is covered, by trades where both name some, else by words."""
    labels = {trade.name: trade.label for trade in trades.trades()}
    wanted, had = (asks.of_text(text).trades for text in (asked, given))
    if wanted and had:
        both = [name for name in wanted if name in had]
        return len(both) / len(wanted), ", ".join(labels[name] for name in both)
    words = {w for w in _WORD.findall(fold(asked)) if w not in _EMPTY}
    common = sorted(words & set(_WORD.findall(fold(given))))
    return (len(common) / len(words) if words else 0.0), ", ".join(common[:5])
