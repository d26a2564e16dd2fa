"""The tables of the store (SQLAlchemy); migrations bring a database to this schema.

Times are UTC.  Natural keys are unique constraints, so that writing the same thing twice writes it once.
`RETENTION` says how long each table is kept; `matcher.records.personal` finds a person in every table.
"""

from datetime import UTC, date, datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, Date, DateTime, Dialect, ForeignKey, Index, String, Text, TypeDecorator
from sqlalchemy import UniqueConstraint as Unique
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class UtcTime(TypeDecorator[datetime]):
    """An aware UTC time in every database, SQLite included."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time in the store must know its zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UtcTime,
        date: Date,
        dict[str, Any]: JSON(none_as_null=True),
        list[str]: JSON(none_as_null=True),
        str: Text,
    }


Id = String(64)


def _of(table: str) -> ForeignKey:
    """The row goes with that of another table."""
    return ForeignKey(f"{table}.id", ondelete="CASCADE")


class Identified:
    """Rows that have an id of their own."""

    id: Mapped[str] = mapped_column(Id, primary_key=True, sort_order=-1)


class Dated:
    """Rows that say when they were written."""

    at: Mapped[datetime] = mapped_column(sort_order=1)


class Key(Identified, Base):
    """An API key: only the hash of its secret is kept."""

    __tablename__ = "api_key"
    hash: Mapped[str] = mapped_column(String(64))
    scopes: Mapped[list[str]]  # "read", "buyer", "operator", "structure:<siret>"
    label: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class Declaration(Identified, Base):
    """The exchange: what a structure brings and looks for on a notice or a lot."""

    __tablename__ = "declaration"
    __table_args__ = (
        Unique("siret", "notice_id", "lot_id"),
        Index("ix_declaration_notice", "notice_id", "lot_id"),
    )
    siret: Mapped[str] = mapped_column(String(14))
    notice_id: Mapped[str] = mapped_column(String(200))
    lot_id: Mapped[str] = mapped_column(String(200), default="")  # "" is the whole notice
    brings: Mapped[str]
    seeks: Mapped[str]
    contact: Mapped[str | None]  # given by its owner, who can delete it
    visibility: Mapped[str] = mapped_column(String(16))  # "members" or "named"
    buyer_may_see: Mapped[bool] = mapped_column(default=False)
    named: Mapped[list[str]]  # SIRETs that may see it, where visibility is "named"
    deadline: Mapped[datetime]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]


class Agreement(Dated, Base):
    """What the author of a declaration agreed with that of another; a group are those who agreed with each other."""

    __tablename__ = "agreement"
    declaration_id: Mapped[str] = mapped_column(Id, _of("declaration"), primary_key=True)
    with_id: Mapped[str] = mapped_column(Id, primary_key=True)  # the other declaration
    role: Mapped[str] = mapped_column(String(16))  # of the author: see `exchange.ROLES`
    part: Mapped[str]  # what the author does


class Message(Identified, Dated, Base):
    """What the author of a declaration and another member write to each other about it."""

    __tablename__ = "declaration_message"
    declaration_id: Mapped[str] = mapped_column(Id, _of("declaration"), index=True)
    other: Mapped[str] = mapped_column(String(14))  # the SIRET of who is not its author
    sender: Mapped[str] = mapped_column(String(14))
    text: Mapped[str]


class WorkedHours(Dated, Base):
    """Hours of insertion done by a structure on a contract, by month and category of person: see `records.worked`."""

    __tablename__ = "worked_hours"
    contract: Mapped[str] = mapped_column(String(200), primary_key=True)  # id of its notice, or its number
    siret: Mapped[str] = mapped_column(String(14), primary_key=True)
    month: Mapped[date] = mapped_column(primary_key=True)  # its first day
    category: Mapped[str] = mapped_column(String(16), primary_key=True)
    hours: Mapped[float]
    promised: Mapped[float | None]  # by this structure, for the whole contract
    people: Mapped[int | None]
    part: Mapped[str] = mapped_column(default="", server_default="")  # what it does, of a group that won
    by: Mapped[str] = mapped_column(Id)


class View(Dated, Base):
    """Who saw which declaration, once a day and kind ("seen" or "contact")."""

    __tablename__ = "declaration_view"
    declaration_id: Mapped[str] = mapped_column(Id, _of("declaration"), primary_key=True)
    viewer: Mapped[str] = mapped_column(Id, primary_key=True)  # a SIRET, or "key:<id>"
    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)


class Feedback(Dated, Base):
    """Feedback of a structure, or of a buyer on it, on a lot: interested, declined, contacted, submitted, won."""

    __tablename__ = "feedback"
    __table_args__ = (Index("ix_feedback_siret", "siret"),)
    siret: Mapped[str] = mapped_column(String(14), primary_key=True)
    notice_id: Mapped[str] = mapped_column(String(200), primary_key=True)
    lot_id: Mapped[str] = mapped_column(String(200), primary_key=True, default="")
    verb: Mapped[str] = mapped_column(String(16), primary_key=True)
    reason: Mapped[str] = mapped_column(default="")
    position: Mapped[int | None]  # the rank at which it was shown, for position-bias correction
    shown: Mapped[int | None]  # how many were shown with it
    by: Mapped[str] = mapped_column(Id, default="")


class Notice(Base):
    """A notice seen, with the fingerprints that decide whether it must be matched again."""

    __tablename__ = "notice"
    __table_args__ = (Index("ix_notice_deadline", "deadline"),)
    id: Mapped[str] = mapped_column(String(200), primary_key=True)
    twin: Mapped[str] = mapped_column(String(200), default="")  # the first notice of the same procedure
    fingerprint: Mapped[str] = mapped_column(String(64))  # of our reading
    source: Mapped[str] = mapped_column(Id, default="", server_default="")  # hash of what was published
    reader: Mapped[str] = mapped_column(Id, default="", server_default="")  # version of the reading
    changes: Mapped[list[Any]] = mapped_column(JSON, default=list, server_default="[]")  # outreach.changes
    catalogue: Mapped[str] = mapped_column(String(64), default="")  # version it was last matched with
    owner: Mapped[str] = mapped_column(Id, default="")  # of an unpublished need: the only one who sees it
    published: Mapped[date | None]
    deadline: Mapped[datetime | None]
    tender: Mapped[dict[str, Any]]
    seen_at: Mapped[datetime]
    matched_at: Mapped[datetime | None]


class Found(Dated, Base):
    """A match of a lot with a structure, with its reasons and the versions that made it."""

    __tablename__ = "match"
    __table_args__ = (Index("ix_match_siret", "siret"),)
    notice_id: Mapped[str] = mapped_column(String(200), _of("notice"), primary_key=True)
    lot_id: Mapped[str] = mapped_column(String(200), primary_key=True)
    siret: Mapped[str] = mapped_column(String(14), primary_key=True)
    rank: Mapped[int]
    score: Mapped[float]
    probability: Mapped[float]
    detail: Mapped[dict[str, Any]]
    versions: Mapped[dict[str, Any]]


class Digest(Identified, Base):
    """One message to one addressee on one day; `status` is a state of `matcher.outreach.states`."""

    __tablename__ = "digest"
    __table_args__ = (Unique("addressee", "day", "channel"), Index("ix_digest_status", "status"))
    addressee: Mapped[str] = mapped_column(Id)  # a SIRET, or "buyer:<id>"
    day: Mapped[date]
    channel: Mapped[str] = mapped_column(String(16), default="mail")
    status: Mapped[str] = mapped_column(String(16), default="held")
    content: Mapped[dict[str, Any]]
    address: Mapped[str | None]  # it was claimed for
    said: Mapped[str] = mapped_column(default="", server_default="")  # what the mail server answered last
    created_at: Mapped[datetime]
    claimed_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]


class Letter(Base):
    """A mail of the pages, queued in the transaction of its cause and sent by `matcher.outreach.delivery`.

    `status`: ready, sending, sent, failed, cancelled; its text is deleted once it is sent.
    """

    __tablename__ = "letter"
    __table_args__ = (Index("ix_letter_status", "status"),)
    id: Mapped[str] = mapped_column(Id, primary_key=True)  # of its Message-ID: twice the same is one row
    kind: Mapped[str] = mapped_column(String(16))  # "question", "account"
    record_id: Mapped[str] = mapped_column(Id, default="", index=True)  # the sourcing record of a question
    siret: Mapped[str] = mapped_column(String(14))
    address: Mapped[str | None]
    subject: Mapped[str] = mapped_column(default="")
    status: Mapped[str] = mapped_column(String(16), default="ready")
    mail: Mapped[str | None]
    said: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]
    claimed_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]


class Announcement(Dated, Base):
    """A lot that a digest announces; while the digest is not lost, no model nor source announces the lot again."""

    __tablename__ = "told"
    addressee: Mapped[str] = mapped_column(Id, primary_key=True)
    notice_id: Mapped[str] = mapped_column(String(200), primary_key=True)
    lot_id: Mapped[str] = mapped_column(String(200), primary_key=True)
    channel: Mapped[str] = mapped_column(String(16), primary_key=True, default="mail")
    digest_id: Mapped[str] = mapped_column(Id, _of("digest"), primary_key=True)


class Sourcing(Identified, Base):
    """A saved search of a buyer: need, versions, filters and the whole ranked list."""

    __tablename__ = "sourcing"
    owner: Mapped[str] = mapped_column(Id, index=True)
    need: Mapped[dict[str, Any]]
    filters: Mapped[dict[str, Any]]
    answer: Mapped[dict[str, Any]]
    versions: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]


class SourcingMember(Dated, Base):
    """A person's own view of a record: the name they gave it, whether it is archived; a colleague's row lets them in."""

    __tablename__ = "sourcing_member"
    record_id: Mapped[str] = mapped_column(Id, _of("sourcing"), primary_key=True)
    person: Mapped[str] = mapped_column(Id, primary_key=True, index=True)
    label: Mapped[str] = mapped_column(String(200), default="", server_default="")
    archived_at: Mapped[datetime | None]


class SourcingEvent(Dated, Base):
    """What happened to a record, sealed: the seal chains commitments, so an erased payload breaks nothing."""

    __tablename__ = "sourcing_event"
    record_id: Mapped[str] = mapped_column(Id, _of("sourcing"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))  # "created", "contacted", "answered", "exported"
    siret: Mapped[str] = mapped_column(String(14), default="")
    payload: Mapped[dict[str, Any] | None]  # None once erased
    salt: Mapped[str | None] = mapped_column(String(64))  # erased with the payload
    commitment: Mapped[str] = mapped_column(String(64))  # sha256(salt + payload)
    seal: Mapped[str] = mapped_column(String(64))  # sha256(previous seal + commitment + kind + time)


class SourcingHead(Base):
    """How many events a record has, and the last seal: a chain cannot show that its own end was removed."""

    __tablename__ = "sourcing_head"
    record_id: Mapped[str] = mapped_column(Id, _of("sourcing"), primary_key=True)
    count: Mapped[int]
    seal: Mapped[str] = mapped_column(String(64))
    proof: Mapped[str] = mapped_column(String(64))  # keyed


class Unsubscription(Dated, Base):
    """Unsubscriptions: by addressee, from alerts or from questions of buyers, or by the hash of an address (a bounce)."""

    __tablename__ = "unsubscription"
    #: A SIRET (alerts), "questions:<siret>", or "address:<sha256>".
    subject: Mapped[str] = mapped_column(String(80), primary_key=True)
    cause: Mapped[str] = mapped_column(String(16))  # "one-click", "bounce", "operator"


class DeniedSkill(Dated, Base):
    """ "Ce n'est pas notre métier": a trade or an inferred offer that a structure denies."""

    __tablename__ = "denied_skill"
    siret: Mapped[str] = mapped_column(String(14), primary_key=True)
    skill: Mapped[str] = mapped_column(String(200), primary_key=True)
    by: Mapped[str] = mapped_column(Id, default="")


class Claim(Identified, Base):
    """A claim of a structure's account: the claimant, the reason, and how the operator verified it (link or code, hashed)."""

    __tablename__ = "claim"
    siret: Mapped[str] = mapped_column(String(14), index=True)
    address: Mapped[str | None]
    token_hash: Mapped[str] = mapped_column(String(64))
    status: Mapped[str] = mapped_column(String(16))  # "asked", "approved", "proved", "refused"
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    name: Mapped[str] = mapped_column(String(200), default="", server_default="")
    role: Mapped[str] = mapped_column(String(200), default="", server_default="")
    reason: Mapped[str] = mapped_column(String(2000), default="", server_default="")
    way: Mapped[str] = mapped_column(String(16), default="", server_default="")  # "mail", "letter", "phone"
    claimant: Mapped[str | None] = mapped_column(Text)  # the claimant's address


class Profile(Dated, Base):
    """The self-declared profile of a structure, which overrides the sources."""

    __tablename__ = "profile"
    siret: Mapped[str] = mapped_column(String(14), primary_key=True)
    facts: Mapped[dict[str, Any]]
    by: Mapped[str] = mapped_column(Id, default="")


class Audit(Base):
    """Audit trail: who did what, without secrets or contents."""

    __tablename__ = "audit"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    at: Mapped[datetime] = mapped_column(index=True)
    actor: Mapped[str] = mapped_column(String(80))
    action: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(200), default="")
    detail: Mapped[dict[str, Any]]


class Run(Identified, Base):
    """A batch: its input, its progress, its results."""

    __tablename__ = "run"
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    state: Mapped[dict[str, Any]]


class ReadFile(Dated, Base):
    """A file of notices that a night has read, by the hash of its bytes: it is not read again by the same reader."""

    __tablename__ = "read_file"
    hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    reader: Mapped[str] = mapped_column(String(64))
    notices: Mapped[int]
    rejected: Mapped[int]


class Once(Dated, Base):
    """The answer given to an idempotency key, so that a repeated request returns the same answer and is not executed again."""

    __tablename__ = "once"
    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    actor: Mapped[str] = mapped_column(String(80), primary_key=True)
    request: Mapped[str] = mapped_column(String(64))  # hash of what was asked
    response: Mapped[dict[str, Any]]


class Search(Identified, Dated, Base):
    """The query of a page of results: its id is the unguessable part of its address."""

    __tablename__ = "search"
    asked: Mapped[dict[str, Any]]


class Alert(Identified, Base):
    """Who is mailed of the structures that become ones to call for a search, which is kept as long as this."""

    __tablename__ = "alert"
    search: Mapped[str]  # its reference
    owner: Mapped[str] = mapped_column(Id)
    address: Mapped[str]
    told: Mapped[list[str]]  # SIRETs
    data: Mapped[str] = mapped_column(String(64))  # of the catalogue that was looked at last


class Webhook(Identified, Base):
    """An address to which a key has events sent; its secret is made of its id, and kept nowhere."""

    __tablename__ = "webhook"
    key_id: Mapped[str] = mapped_column(Id, _of("api_key"))
    url: Mapped[str]
    events: Mapped[list[str]]
    created_at: Mapped[datetime]


class Delivery(Base):
    """An event on its way to a webhook: "ready", "sent" or "failed"."""

    __tablename__ = "webhook_delivery"
    __table_args__ = (Index("ix_webhook_delivery_status", "status", "due"),)
    # of the event for this webhook, the same at each try
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    webhook_id: Mapped[str] = mapped_column(Id, _of("webhook"), index=True)
    event: Mapped[str] = mapped_column(String(32))
    body: Mapped[str]  # JSON, as it is sent
    status: Mapped[str] = mapped_column(String(16))
    tries: Mapped[int]
    outcome: Mapped[str]  # of the last try; "" where it was taken
    due: Mapped[datetime]  # when it is next tried
    created_at: Mapped[datetime]


class Favourite(Dated, Base):
    """A structure that a buyer, or a session, set aside."""

    __tablename__ = "favourite"
    owner: Mapped[str] = mapped_column(Id, primary_key=True)
    siret: Mapped[str] = mapped_column(String(14), primary_key=True)
    at: Mapped[datetime]


ANONYMOUS, ANONYMOUS_DAYS = "session:", 30  # owners of records without a key, and how long these are kept
#: Table -> (column that dates a row, days it is kept after that); tables not named are kept.
RETENTION: dict[str, tuple[str, int]] = {
    "declaration": ("deadline", 90),
    "declaration_view": ("at", 365),
    "worked_hours": ("at", 10 * 365),
    "feedback": ("at", 3 * 365),
    "notice": ("deadline", 2 * 365),
    "match": ("at", 365),
    "digest": ("created_at", 365),
    "letter": ("created_at", 365),
    "sourcing": ("created_at", 5 * 365),
    "claim": ("expires_at", 30),
    "audit": ("at", 365),
    "run": ("started_at", 365),
    "read_file": ("at", 365),
    "once": ("at", 2),
    "search": ("at", 90),
    "favourite": ("at", 2 * 365),
    "webhook_delivery": ("created_at", 30),
}
