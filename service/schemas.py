"""The wire models of `/v1`: what is sent, what comes back."""

import math
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from operator import attrgetter
from typing import Annotated, Any, ClassVar, Literal, Self

from fastapi import Query
from pydantic import AfterValidator, AliasPath, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from matcher.domain import KINDS, Carried, Clause, Criterion, LotNature, Served
from matcher.matching.reasons import clause_in_words, mark, missing
from matcher.outreach.sourcing.record import NOTE
from matcher.reading.procedure import remark
from matcher.reference.identifiers import IDENTITY, is_address
from matcher.reference.naming import source_name

Euros = Annotated[float, Field(gt=0, lt=1e11, allow_inf_nan=False)]
Months = Annotated[float, Field(ge=0.1, le=600, allow_inf_nan=False)]
Rate = Annotated[
    float, Field(ge=0, le=1, allow_inf_nan=False, description="Direct employment rate, for the OETH effect.")
]
PlaceName = Annotated[str, Query(max_length=100, description="Commune, postcode, INSEE code or department.")]


_SIRET, _BIDDER = rf"^(?:{IDENTITY})$", rf"^(?:[0-9]{{9}}|{IDENTITY})$"
#: What a pattern wants, in place of the pattern.
DEPARTMENT, CPV = r"^(\d{2,3}|2[AB])?$", r"^(\d{2,8})?$"  # or nothing
WANTED = {
    _SIRET: "SIRET, 14 digits; else FINESS (F), SIREN and four signs, RNA (W), own id (ID-), or that of a name (NOM-): search the structures by name for it.",
    _BIDDER: "SIREN or SIRET, 9 or 14 digits; else an identity: search the structures by name for it.",
    DEPARTMENT: "department by its number: 35, 2A or 974",
    CPV: "CPV code or its first digits: 77 or 77310000",
}
Siret = Annotated[str, Field(pattern=_SIRET, description=WANTED[_SIRET])]
Bidder = Annotated[str, Field(pattern=_BIDDER, description=WANTED[_BIDDER])]
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


class In(BaseModel):
    """A request body; an unknown field is rejected by name."""

    model_config = ConfigDict(extra="forbid")


class FiltersIn(In):
    """Exact filters, applied before the search."""

    kinds: list[Short] = Field(default=[], max_length=30)
    articles: list[Short] = Field(default=[], max_length=10)
    departments: list[Short] = Field(default=[], max_length=120)
    regions: list[Short] = Field(default=[], max_length=30)
    radius_km: float | None = Field(default=None, ge=0, le=20_000)
    service_types: list[Literal["DISP", "PREST", "BUILD"]] = Field(default=[], max_length=3)
    labels: list[Short] = Field(default=[], max_length=30)
    networks: list[Short] = Field(default=[], max_length=30)
    sirets: list[Siret] | None = Field(default=None, max_length=10000)
    excluded: list[Bidder] = Field(default=[], max_length=10_000)
    phrases: list[Short] = Field(default=[], max_length=10)
    active_only: bool = False


class Asked(In):
    """Exactly one of: a need in free text, a notice in a known format, the id of an indexed notice."""

    need: str | None = None
    notice: str | dict[str, Any] | list[Any] | None = None
    notice_id: Short | None = None
    pick: Short | None = None
    lots: list[Short] = Field([], max_length=1000)
    trades: list[Short] = Field([], max_length=12)
    nature: LotNature | None = None
    place: Short = ""
    amount: Euros | None = None
    months: Months | None = None
    n: int = Field(10, ge=1, le=200)
    groups: int = Field(3, ge=0, le=10)
    filters: FiltersIn = FiltersIn()
    recipe: Short | None = None


class ConsortiumIn(Asked):
    """The same, with constraints on the group."""

    groups: int = Field(3, ge=1, le=10)
    n: int = Field(30, ge=1, le=200)
    max_members: int = Field(5, ge=1, le=12)
    mandataire: Bidder | None = None
    imposed: list[Bidder] = Field([], max_length=12)
    excluded_members: list[Bidder] = Field([], max_length=1000)
    one_group: bool = False


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
    n: Annotated[int, Field(ge=1, le=200)] = 5


class CpvIn(In):
    text: str = Field(max_length=50000)
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
    named: list[Siret] = Field([], max_length=100)
    buyer_may_see: bool = False
    deadline: Moment | None = None


class AgreementIn(In):
    """What the author of a declaration agrees with that of another on the same notice."""

    other: Short
    role: Literal["mandataire", "cotraitant", "sous-traitant"]
    part: str = Field(min_length=1, max_length=2000)


class MessageIn(In):
    """What a member writes to the author of a declaration, or its author back to it."""

    siret: Siret
    text: str = Field(min_length=1, max_length=2000)


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
    departments: list[Annotated[str, Field(pattern=r"^(\d{2,3}|2[AB])$")]] = Field([], max_length=110)
    country: bool = False


class OwnOffer(In):
    title: str = Field(min_length=3, max_length=300)
    text: str = Field("", max_length=3000)
    evidence: str = Field("", max_length=3000)
    since: date | None = None


class ProfileIn(In):
    """What a structure says of itself, over what the sources say; applied when the catalogue is next built.

    `denied` adds to the earlier denials: it is permanent and effective immediately.
    """

    description: str = Field("", max_length=5000)
    website: str = Field("", max_length=300, pattern=r"^(https?://[^\s<>\"']+)?$")
    phone: str = Field("", max_length=30, pattern=r"^[0-9 +().]*$")
    email: Address = ""
    turnover: float | None = Field(None, ge=0, le=1000000000000.0, allow_inf_nan=False)
    headcount: float | None = Field(None, ge=0, le=1e6, allow_inf_nan=False)
    zone: ZoneIn | None = None
    site_unread: bool = False
    offers: list[OwnOffer] = Field([], max_length=60)
    denied: list[Short] = Field([], max_length=60)


class SourcingIn(Asked):
    """A search to be kept: the whole ranked list is recorded, whatever `n`."""

    label: Short = ""


class ContactIn(In):
    """The same message with the same questions, to each of those named."""

    sirets: list[Siret] = Field(min_length=1, max_length=200)
    message: str = Field(min_length=10, max_length=5000)
    reply_to: Address = ""


class AnswerIn(In):
    siret: Siret
    text: str = Field(min_length=1, max_length=5000)


def number(value: float | None) -> float | None:
    """NaN is unknown, and JSON knows no NaN."""
    return None if value is None or not math.isfinite(value) else value


def kind_label(kind: str) -> str:
    return KINDS.get(kind, kind)


def safe_url(url: str) -> str:
    """A site one may link to: http or https, else nothing."""
    text = url.strip()
    if text.startswith("www."):
        text = "https://" + text
    return text if re.match(r"https?://[^\s<>\"']+$", text) else ""


def _called(value: Any) -> str:
    return str(value.brand or value.name)


Number = Annotated[float | None, BeforeValidator(number)]
Url = Annotated[str, BeforeValidator(safe_url)]
KindLabel = Annotated[str, BeforeValidator(kind_label)]
SourceName = Annotated[str, BeforeValidator(source_name)]
PlaceWords = Annotated[str, BeforeValidator(lambda place: place.label or place.department or "")]


def rounded(digits: int) -> BeforeValidator:
    return BeforeValidator(lambda value: round(value, digits))


class _With:
    """A value with more attributes, or others."""

    def __init__(self, value: Any, more: Mapping[str, Any]) -> None:
        self._value, self._more = value, more

    def __getattr__(self, name: str) -> Any:
        return self._more[name] if name in self._more else getattr(self._value, name)


class Out(BaseModel):
    """What is answered, read from a value of the domain; `DERIVED` fields are said by the whole value."""

    model_config = ConfigDict(
        from_attributes=True, validate_by_name=True, json_schema_serialization_defaults_required=True
    )
    DERIVED: ClassVar[Mapping[str, Callable[[Any], Any]]] = {}

    @classmethod
    def of(cls, value: Any, **more: Any) -> Self:
        """The model of a value, with what the value itself does not say."""
        return cls.model_validate(_With(value, more) if more else value)

    @model_validator(mode="before")
    @classmethod
    def _derived(cls, value: Any) -> Any:
        if isinstance(value, Mapping | BaseModel) or not cls.DERIVED:
            return value
        return _With(value, {name: of(value) for name, of in cls.DERIVED.items()})


class ReasonOut(Out):
    code: str
    text: str
    contribution: Annotated[float, BeforeValidator(lambda value: number(value) or 0.0)]
    notice_passage: str = ""
    offer_passage: str = ""
    tells: bool = True


class OfferOut(Out):
    id: str
    title: str
    text: str = ""
    nature: str
    cpv: list[str] = []
    since: date | None = None
    source: str = ""
    inferred: bool = False


class Contact(Out):
    website: Url = ""
    phone: str = ""
    email: str = ""


class Named(Out):
    siret: str
    name: str


class Located(Named):
    kind: str
    kind_label: KindLabel = Field(validation_alias="kind")
    town: str = Field(validation_alias=AliasPath("place", "label"))
    department: str | None = Field(None, validation_alias=AliasPath("place", "department"))


class StructureBrief(Located):
    DERIVED = {"name": _called, "contact": lambda structure: structure}
    latitude: Number = Field(None, validation_alias=AliasPath("place", "latitude"))
    longitude: Number = Field(None, validation_alias=AliasPath("place", "longitude"))
    active: bool | None = None
    checked: date | None = None
    contact: Contact
    source: str = ""
    source_name: SourceName = Field("", validation_alias="source")
    updated: date | None = None


class MatchOut(Out):
    DERIVED = {"band": mark}
    rank: int
    structure: StructureBrief
    score: Annotated[float, rounded(6)]
    probability: Number
    level: Literal["likely", "plausible", "unlikely", ""] = ""
    band: str
    distance_km: Number = None
    eligible: bool | None = None
    offer: OfferOut | None = None
    reasons: list[ReasonOut]
    missing: list[str] = []
    warnings: list[str] = []
    other_places: list[str] = []


class ReservationOut(Out):
    articles: list[str]
    who: list[str] = []
    origin: str
    passage: str = ""


class LotOut(Out):
    id: str
    number: str
    title: str
    cpv: list[str] = []
    places: list[PlaceWords] = []
    amount: Number = None
    deadline: datetime | None = None
    reservation: ReservationOut | None = None
    clauses: list[Annotated[str, BeforeValidator(clause_in_words)]] = []
    social: list[Clause] = Field([], validation_alias="clauses")
    criteria: list[Criterion] = []
    conditions: list[Annotated[str, BeforeValidator(attrgetter("label"))]] = []
    inferred: list[str] = []


class WarningOut(Out):
    code: str
    text: str
    article: str = ""
    since: date | None = None


class PartOut(Out):
    trade: str
    label: str
    words: str
    share: Annotated[float, rounded(3)]


class ReadOut(Out):
    """What was read of a lot, and used to answer it; a correction is sent as `trades` and `nature` with the request."""

    trades: dict[str, Annotated[float, rounded(3)]]
    nature: LotNature
    carried: Carried
    served: Served
    places: list[PlaceWords] = []
    parts: list[PartOut] = []


class LotAnswerOut(Out):
    lot: LotOut
    asked: ReadOut | None = None
    nobody: bool
    relaxations: list[str] = []
    considered: int
    calls_for: str = ""
    likely: int = 0
    plausible: int = 0
    to_ask: int = 0
    asking: list[Annotated[str, BeforeValidator(attrgetter("siret"))]] = []
    matches: list[MatchOut]
    by_clause: list[MatchOut] = []
    law: list[WarningOut] = []


class MemberOut(Named):
    DERIVED = {"name": lambda member: _called(member.structure)}
    siret: str = Field(validation_alias=AliasPath("structure", "siret"))
    kind: str = Field(validation_alias=AliasPath("structure", "kind"))
    role: str
    lots: list[str]
    reason: str = ""
    town: str = Field(validation_alias=AliasPath("structure", "place", "label"))
    contact: Contact = Field(validation_alias="structure")
    source: str = Field("", validation_alias=AliasPath("structure", "source"))
    updated: date | None = Field(None, validation_alias=AliasPath("structure", "updated"))


class ConsortiumOut(Out):
    members: list[MemberOut]
    covered: list[str]
    uncovered: list[str]
    score: float
    form: str
    form_reason: str
    gap: float
    optimal: bool
    warnings: list[WarningOut] = []


class MissingOut(Out):
    task: str
    ask: list[StructureBrief]


class NoticeOut(Out):
    DERIVED = {"standing": remark}
    id: str
    format: str
    nature: str
    title: str
    buyer: str = Field("", validation_alias=AliasPath("buyer", "name"))
    published: date | None = None
    deadline: datetime | None = None
    url: Url = ""
    standing: str = ""
    corrections: list[str] = []
    repeats: list[str] = []
    lots: list[LotOut]


class RejectedOut(Out):
    record: str
    reason: str


class Answered(Out):
    notice: NoticeOut
    lots: list[LotAnswerOut]
    consortia: list[ConsortiumOut]
    missing: list[MissingOut] = []
    others: list[str] = []
    rejected: list[RejectedOut] = []
    place_found: str = ""
    place_choices: list[str] = []
    versions: dict[str, str]
    note: str = NOTE


class Health(Out):
    status: Literal["ok", "unavailable"]
    detail: str = ""
    versions: dict[str, str] = {}
    indexes: list[str] = []
    structures: int = 0
    notices: int = 0
    loaded_at: datetime | None = None


class StructureOut(StructureBrief):
    DERIVED = {**StructureBrief.DERIVED, "missing": missing}
    siren: str
    brand: str = ""
    naf: str | None = None
    address: str = ""
    description: str = ""
    offers: list[OfferOut]
    networks: list[str]
    labels: list[str]
    turnover: Number = None
    headcount: Number = None
    convention: str = ""
    predecessors: list[str] = []
    flags: list[str] = []
    provenance: dict[str, str] = {}
    other_places: list[str] = []
    missing: list[str] = []


class Page(Out):
    total: int
    offset: int
    limit: int


class StructurePage(Page):
    read_as: str = ""
    items: list[StructureBrief]


class NoticePage(Page):
    read_as: str = ""
    items: list[NoticeOut]


class OpportunityOut(Out):
    notice: NoticeOut
    lot: LotOut
    part: Literal["alone", "with-partner", "clause", "watch"]
    why: list[str]
    partner: StructureBrief | None = None
    match: MatchOut


class OpportunityPage(Page):
    items: list[OpportunityOut]
    nothing: list[str]
    versions: dict[str, str]


class Place(Out):
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
