"""The wire models of `/v1`: what is sent, what comes back."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import Body, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from matcher.domain import Carried, LotNature, Served
from matcher.outreach.sourcing.record import NOTE
from matcher.reference.identifiers import IDENTITY
from matcher.reference.mailbox import is_address

Euros = Annotated[float, Field(gt=0, lt=1e11, allow_inf_nan=False)]
Months = Annotated[float, Field(ge=0.1, le=600, allow_inf_nan=False)]
Rate = Annotated[
    float, Field(ge=0, le=1, allow_inf_nan=False, description="Direct employment rate, for the OETH effect.")
]
PlaceName = Annotated[str, Query(max_length=100, description="Commune, postcode, INSEE code or department.")]


Siret = Annotated[
    str,
    Field(
        pattern=rf"^(?:{IDENTITY})$",
        description="SIRET, 14 digits; else FINESS (F), RNA (W) or own id (ID-).",
    ),
]
Short = Annotated[str, Field(max_length=200)]


def _address(value: str) -> str:
    if value and not is_address(value):
        raise ValueError("this is no mail address: write name@domain")
    return value


Address = Annotated[
    str,
    Field(max_length=200, pattern=r"^([^\s@<>,;\"]{1,64}@[A-Za-z0-9.-]{1,120}\.[A-Za-z]{2,24})?$"),
    AfterValidator(_address),
]


def _of_our_time(value: datetime) -> datetime:
    """A time that can be converted to every time zone."""
    if not 1970 <= value.year <= 2200:
        raise ValueError("give a date between 1970 and 2200")
    return value


Moment = Annotated[datetime, AfterValidator(_of_our_time)]


def example(name: str, summary: str, **value: Any) -> Any:
    """A request body with an example for the documentation."""
    return Body(openapi_examples={name: {"summary": summary, "value": value}})


class In(BaseModel):
    """A request body; an unknown field is rejected by name."""

    model_config = ConfigDict(extra="forbid")


# ---------------------------------------------------------------------------------------------------- asked


class FiltersIn(In):
    """Exact filters, applied before the search."""

    kinds: list[Short] = Field(
        default_factory=list, max_length=30, description="EI, ACI, AI, ETTI, EA, ESAT ..."
    )
    articles: list[Short] = Field(
        default_factory=list,
        max_length=10,
        description="Only who may answer under one of these reserving articles of the code.",
    )
    departments: list[Short] = Field(default_factory=list, max_length=120)
    regions: list[Short] = Field(default_factory=list, max_length=30, description="INSEE region codes.")
    radius_km: float | None = Field(default=None, ge=0, le=20_000)
    service_types: list[Literal["DISP", "PREST", "BUILD"]] = Field(default_factory=list, max_length=3)
    labels: list[Short] = Field(default_factory=list, max_length=30)
    networks: list[Short] = Field(default_factory=list, max_length=30)
    sirets: list[Siret] | None = Field(
        default=None, max_length=10_000, description="Match within this subset only."
    )
    excluded: list[Annotated[str, Field(pattern=r"^([0-9]{9}|[0-9]{14})$")]] = Field(
        default_factory=list, max_length=10_000
    )
    phrases: list[Short] = Field(
        default_factory=list, max_length=10, description="Exact words that must occur."
    )
    active_only: bool = False


class Asked(In):
    """Exactly one of: a need in free text, a notice in a known format, the id of an indexed notice."""

    need: str | None = Field(None, description="What is to be done, in free text.")
    notice: str | dict[str, Any] | list[Any] | None = Field(
        None, description="A notice (BOAMP, eForms, TED, DECP): its text, or its JSON."
    )
    notice_id: Short | None = Field(None, description="The id of an indexed notice.")
    pick: Short | None = Field(None, description="Where `notice` holds several: the id of one.")
    lots: list[Short] = Field(
        default_factory=list, max_length=1000, description="Numbers of the lots asked about; by default all."
    )
    trades: list[Short] = Field(
        default_factory=list,
        max_length=12,
        description="Names of trades that correct what was read of the lots asked about.",
    )
    nature: LotNature | None = Field(None, description="What is bought, in place of what was read.")
    place: Short = Field(
        "", description="Where: a commune, a postcode, an INSEE code, a department or its number."
    )
    n: int = Field(10, ge=1, le=200, description="Structures for each lot.")
    groups: int = Field(3, ge=0, le=10, description="Groups proposed for the whole.")
    filters: FiltersIn = FiltersIn()
    recipe: Short | None = Field(None, description="Pin a recipe; by default that of the catalogue.")


class ConsortiumIn(Asked):
    """The same, with constraints on the group."""

    groups: int = Field(3, ge=1, le=10)
    n: int = Field(30, ge=1, le=200)
    max_members: int = Field(5, ge=1, le=12)
    mandataire: str | None = Field(None, pattern=r"^([0-9]{9}|[0-9]{14})$")
    imposed: list[Annotated[str, Field(pattern=r"^([0-9]{9}|[0-9]{14})$")]] = Field(
        default_factory=list, max_length=12
    )
    excluded_members: list[Annotated[str, Field(pattern=r"^([0-9]{9}|[0-9]{14})$")]] = Field(
        default_factory=list, max_length=1000
    )
    one_group: bool = Field(False, description="The same group must sign every lot.")


class PotentialIn(In):
    """A need before a tender, with what its buyer knows."""

    need: str = Field(min_length=1, max_length=20_000)
    place: str = Field("", max_length=100)
    amount: Euros | None = None
    like_needs: Annotated[float, Field(ge=0, lt=1e11, allow_inf_nan=False)] | None = None
    months: Months | None = None
    works: bool | None = None
    buyer: Literal["state", "local", "entity"] = "local"
    defence: bool = False
    public_service: bool | None = None
    rate: Rate | None = None
    contribution: Annotated[float, Field(ge=0, lt=1e11, allow_inf_nan=False)] | None = None


class CpvIn(In):
    text: str = Field(max_length=50_000, description="What is bought.")
    n: int = Field(5, ge=1, le=50)
    level: Literal["division", "group", "class", "code"] = "class"


class JobIn(In):
    """A long list, matched in the background."""

    items: list[Asked] = Field(min_length=1, max_length=500)


class DeclarationIn(In):
    """What a structure brings and looks for on a notice."""

    siret: Siret
    notice_id: Short
    lot_id: Short = ""
    brings: str = Field("", max_length=2000)
    seeks: str = Field("", max_length=2000)
    contact: Short | None = None
    visibility: Literal["members", "named"] = "members"
    named: list[Siret] = Field(default_factory=list, max_length=100)
    buyer_may_see: bool = False
    deadline: Moment | None = None


class FeedbackIn(In):
    siret: Siret
    notice_id: Short
    lot_id: Short = ""
    verb: Literal["interested", "declined", "contacted", "submitted", "won"]
    reason: str = Field("", max_length=1000)
    position: int | None = Field(None, ge=1, le=10_000)
    shown: int | None = Field(None, ge=1, le=10_000)


class ZoneIn(In):
    """Where it works: kilometres around its address, departments, or the whole country; empty is unknown."""

    radius_km: float | None = Field(None, ge=0, le=2_000, allow_inf_nan=False)
    departments: list[Annotated[str, Field(pattern=r"^(\d{2,3}|2[AB])$")]] = Field(
        default_factory=list, max_length=110
    )
    country: bool = False


class OwnOffer(In):
    title: str = Field(min_length=3, max_length=300)
    text: str = Field("", max_length=3000)
    evidence: str = Field("", max_length=3000, description="The passage of a brochure that it was read in.")
    since: date | None = Field(
        None, description="The day it was first stated; that of the write where left out."
    )


class ProfileIn(In):
    """What a structure says of itself, over what the sources say; applied when the catalogue is next built.

    `denied` adds to the earlier denials: it is permanent and effective immediately.
    """

    description: str = Field("", max_length=5000)
    website: str = Field("", max_length=300, pattern=r"^(https?://[^\s<>\"']+)?$")
    phone: str = Field("", max_length=30, pattern=r"^[0-9 +().]*$")
    email: Address = ""
    turnover: float | None = Field(None, ge=0, le=1e12, allow_inf_nan=False, description="Euros a year.")
    headcount: float | None = Field(None, ge=0, le=1e6, allow_inf_nan=False)
    zone: ZoneIn | None = None
    site_unread: bool = Field(
        False, description="Our site is not to be read; what was read there is dropped."
    )
    offers: list[OwnOffer] = Field(default_factory=list, max_length=60)
    denied: list[Short] = Field(
        default_factory=list,
        max_length=60,
        description="Trades that are not ours: trade:NAME, cpv:DIGITS, offer:ID, or in plain words.",
    )


class SourcingIn(Asked):
    """A search to be kept: the whole ranked list is recorded, whatever `n`."""

    label: Short = ""


class ContactIn(In):
    """The same message with the same questions, to each of those named."""

    sirets: list[Siret] = Field(min_length=1, max_length=200)
    message: str = Field(min_length=10, max_length=5000)
    reply_to: Address = Field(
        "",
        description="Your address: given, the mails are sent; left out, the contact is recorded and nothing leaves.",
    )


class AnswerIn(In):
    siret: Siret
    text: str = Field(min_length=1, max_length=5000)


# ------------------------------------------------------------------------------------------------- answered


class ReasonOut(BaseModel):
    code: str
    text: str
    contribution: float
    notice_passage: str = ""
    offer_passage: str = ""
    tells: bool = Field(True, description="False where it only states something unknown, absent or usual.")


class OfferOut(BaseModel):
    id: str
    title: str
    text: str = ""
    nature: str
    cpv: list[str] = Field(default_factory=list)
    since: date | None = None
    source: str = ""
    inferred: bool = False


class Contact(BaseModel):
    website: str = ""
    phone: str = ""
    email: str = ""


class Named(BaseModel):
    siret: str
    name: str


class Located(Named):
    kind: str
    kind_label: str
    town: str
    department: str | None = None


class StructureBrief(Located):
    latitude: float | None = None
    longitude: float | None = None
    active: bool | None = Field(None, description="Open by the register; null where not verified.")
    checked: date | None = None
    contact: Contact
    source: str = ""
    source_name: str = Field("", description="The source as it is shown.")
    updated: date | None = None


class MatchOut(BaseModel):
    rank: int
    structure: StructureBrief
    score: float
    probability: float | None
    level: Literal["likely", "plausible", "unlikely", ""] = Field(
        "",
        description="What the judgement of leads says; empty where none is asked (suppliers of past awards).",
    )
    band: str = Field(description="The level in French: à appeler, à vérifier.")
    distance_km: float | None = None
    eligible: bool | None = Field(None, description="Under the lot's reservation; null where it is unknown.")
    offer: OfferOut | None = None
    reasons: list[ReasonOut]
    missing: list[str] = Field(default_factory=list)
    warnings: list[str] = Field(default_factory=list)
    other_places: list[str] = Field(default_factory=list)


class ReservationOut(BaseModel):
    articles: list[str]
    who: list[str] = Field(
        default_factory=list, description="Whom the words name: ESAT/EA, SIAE, ESS, prison."
    )
    origin: str
    passage: str = ""


class ClauseOut(BaseModel):
    nature: str = Field(description="execution (a condition), criterion (weighs on the award) or objective.")
    hours: float | None = None
    share: float | None = Field(None, description="Of the hours worked, 0 to 1.")
    weight: float | None = None
    weight_unit: str = Field("", description="%, points, or empty for a bare number.")
    origin: str
    passage: str = ""
    confidence: float = 1.0


class CriterionOut(BaseModel):
    name: str
    kind: str = ""
    weight: float | None = None
    weight_unit: str = ""


class LotOut(BaseModel):
    id: str
    number: str
    title: str
    cpv: list[str] = Field(default_factory=list)
    places: list[str] = Field(default_factory=list)
    amount: float | None = None
    deadline: datetime | None = None
    reservation: ReservationOut | None = None
    clauses: list[str] = Field(default_factory=list)
    social: list[ClauseOut] = Field(default_factory=list, description="The same as values.")
    criteria: list[CriterionOut] = Field(default_factory=list, description="Award criteria of the form.")
    conditions: list[str] = Field(default_factory=list)
    inferred: list[str] = Field(
        default_factory=list,
        description="Fields that the notice does not state and that were supposed: cpv, places",
    )


class WarningOut(BaseModel):
    code: str
    text: str
    article: str = ""
    since: date | None = None


class PartOut(BaseModel):
    trade: str
    label: str = Field(description="The trade in French.")
    words: str = Field(description="The words that ask for it, as published.")
    share: float = Field(description="Its share of the lot; those of a lot sum to 1.")


class ReadOut(BaseModel):
    """What was read of a lot, and used to answer it; a correction is sent as `trades` and `nature` with the request."""

    trades: dict[str, float] = Field(
        description="Share of each trade asked for, largest first; empty where none is recognised."
    )
    nature: LotNature = Field(
        description="What is bought: operation is the running of a service, staff is lent."
    )
    carried: Carried = Field(description="Who can carry it: a structure alone, several, or none even so.")
    served: Served = Field(
        description="Do structures answer such a lot: themselves (yes), by the hours of a clause, or not at all."
    )
    places: list[str] = Field(default_factory=list, description="Where, as stated or the buyer's own place.")
    parts: list[PartOut] = Field(
        default_factory=list, description="The trades with the words that ask for each."
    )


class LotAnswerOut(BaseModel):
    lot: LotOut
    asked: ReadOut | None = Field(None, description="What was read of the lot; null without a judgement.")
    nobody: bool
    relaxations: list[str] = Field(default_factory=list)
    considered: int
    calls_for: str = Field(
        "",
        description="staff: persons lent to the buyer; unclear: the words say no need; clause: hours by a social clause; beyond: what no structure does.",
    )
    likely: int = Field(0, description="Bidders to be called, of all those considered.")
    plausible: int = Field(0, description="Bidders to be asked first.")
    to_ask: int = Field(
        0, description="Bidders in reach that say nothing of their trade, of kinds that often have it."
    )
    asking: list[str] = Field(default_factory=list, description="SIRETs of the first of those to be asked.")
    matches: list[MatchOut]
    by_clause: list[MatchOut] = Field(default_factory=list)
    law: list[WarningOut] = Field(
        default_factory=list, description="Legal requirements for this lot that its notice does not mention."
    )


class MemberOut(Named):
    kind: str
    role: str
    lots: list[str]
    reason: str = ""


class ConsortiumOut(BaseModel):
    members: list[MemberOut]
    covered: list[str]
    uncovered: list[str]
    score: float
    form: str
    form_reason: str
    gap: float
    optimal: bool
    warnings: list[WarningOut] = Field(default_factory=list)


class NoticeOut(BaseModel):
    id: str
    format: str
    nature: str
    title: str
    buyer: str = ""
    published: date | None = None
    deadline: datetime | None = None
    url: str = ""
    lots: list[LotOut]


class RejectedOut(BaseModel):
    record: str
    reason: str


class Answered(BaseModel):
    notice: NoticeOut
    lots: list[LotAnswerOut]
    consortia: list[ConsortiumOut]
    others: list[str] = Field(default_factory=list, description="Ids of the other notices in what was sent.")
    rejected: list[RejectedOut] = Field(default_factory=list)
    place_found: str = Field("", description="The place read in the words of the need, where none was given.")
    place_choices: list[str] = Field(
        default_factory=list,
        description="What the place named in the need may mean, where several bear its name and none was taken.",
    )
    versions: dict[str, str]
    note: str = NOTE


class Health(BaseModel):
    status: Literal["ok", "unavailable"]
    detail: str = ""
    versions: dict[str, str] = Field(default_factory=dict)
    indexes: list[str] = Field(default_factory=list)
    structures: int = 0
    notices: int = 0
    loaded_at: datetime | None = None


class StructureOut(StructureBrief):
    siren: str
    brand: str = ""
    naf: str | None = None
    address: str = ""
    description: str = ""
    offers: list[OfferOut]
    networks: list[str]
    labels: list[str]
    turnover: float | None = None
    headcount: float | None = None
    convention: str = ""
    predecessors: list[str] = Field(default_factory=list)
    flags: list[str] = Field(default_factory=list)
    provenance: dict[str, str] = Field(default_factory=dict)
    other_places: list[str] = Field(default_factory=list)
    missing: list[str] = Field(default_factory=list)


class Page(BaseModel):
    total: int
    offset: int
    limit: int


class StructurePage(Page):
    items: list[StructureBrief]


class NoticePage(Page):
    items: list[NoticeOut]


class OpportunityOut(BaseModel):
    notice: NoticeOut
    lot: LotOut
    part: Literal["alone", "with-partner", "watch"]
    why: list[str]
    partner: StructureBrief | None = None
    match: MatchOut


class OpportunityPage(Page):
    items: list[OpportunityOut]
    versions: dict[str, str]


class Place(BaseModel):
    code: str
    name: str
    department: str
    postcodes: list[str]


class CpvOut(BaseModel):
    code: str
    label: str
    score: float


class CpvAnswer(BaseModel):
    items: list[CpvOut]
