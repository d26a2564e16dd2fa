"""A typed client of the API of Maillage 0.2.0, generated from its OpenAPI schema; standard library alone.

    client = Client("https://maillage.example.org", key="mlg_...")
    for lot in client.match({"need": "tonte et taille de haies", "place": "Pantin"})["lots"]: ...

Errors are raised as `Problem`, whose `detail` names the remedy.  An order of presentation prejudges nothing.
"""

# An answer is trusted to be what the schema says.
# mypy: disable-error-code=no-any-return
from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import Any, Literal, NotRequired, TypedDict


class Problem(Exception):
    """A refusal of the service: its status, one sentence, and the fields at fault."""

    def __init__(self, status: int, detail: str, errors: list[Any]) -> None:
        super().__init__(detail)
        self.status, self.detail, self.errors = status, detail, errors


# generated: models


class AnswerIn(TypedDict):
    siret: str
    text: str


class Answered(TypedDict):
    notice: NoticeOut
    lots: list[LotAnswerOut]
    consortia: list[ConsortiumOut]
    others: list[str]
    rejected: list[RejectedOut]
    place_found: str
    place_choices: list[str]
    versions: dict[str, str]
    note: str


class Asked(TypedDict):
    """A need in one's own words, or a notice in a known format, or the id of an indexed notice: one of the three."""

    need: NotRequired[str | None]
    notice: NotRequired[str | dict[str, Any] | list[Any] | None]
    notice_id: NotRequired[str | None]
    pick: NotRequired[str | None]
    lots: NotRequired[list[str]]
    place: NotRequired[str]
    n: NotRequired[int]
    groups: NotRequired[int]
    filters: NotRequired[FiltersIn]
    recipe: NotRequired[str | None]


class Carrier(TypedDict):
    structure: StructureBrief
    way: str
    distance_km: float | None


class ClauseOut(TypedDict):
    nature: str
    hours: float | None
    share: float | None
    weight: float | None
    weight_unit: str
    origin: str
    passage: str
    confidence: float


class ConsortiumOut(TypedDict):
    members: list[MemberOut]
    covered: list[str]
    uncovered: list[str]
    score: float
    form: str
    form_reason: str
    gap: float
    optimal: bool
    warnings: list[WarningOut]


class Contact(TypedDict):
    website: str
    phone: str
    email: str


class ContactIn(TypedDict):
    """The same message with the same questions, to each of those named."""

    sirets: list[str]
    message: str
    reply_to: NotRequired[str]


class CpvAnswer(TypedDict):
    items: list[CpvOut]


class CpvIn(TypedDict):
    text: str
    n: NotRequired[int]
    level: NotRequired[Literal["division", "group", "class", "code"]]


class CpvOut(TypedDict):
    code: str
    label: str
    score: float


class CriterionOut(TypedDict):
    name: str
    kind: str
    weight: float | None
    weight_unit: str


class DeclarationIn(TypedDict):
    """What a structure brings and looks for on a notice."""

    siret: str
    notice_id: str
    lot_id: NotRequired[str]
    brings: NotRequired[str]
    seeks: NotRequired[str]
    contact: NotRequired[str | None]
    visibility: NotRequired[Literal["members", "named"]]
    named: NotRequired[list[str]]
    buyer_may_see: NotRequired[bool]
    deadline: NotRequired[str | None]


class DeskAnswer(TypedDict):
    """An answer of the desk, with the sources of its figures and the day it was computed."""

    result: dict[str, Any]
    sources: list[str]
    facilitator: str
    on: str


class FeedbackIn(TypedDict):
    siret: str
    notice_id: str
    lot_id: NotRequired[str]
    verb: Literal["interested", "declined", "contacted", "submitted", "won"]
    reason: NotRequired[str]
    position: NotRequired[int | None]
    shown: NotRequired[int | None]


class FiltersIn(TypedDict):
    """Exact wishes: they are obeyed before the search."""

    kinds: NotRequired[list[str]]
    articles: NotRequired[list[str]]
    departments: NotRequired[list[str]]
    regions: NotRequired[list[str]]
    radius_km: NotRequired[float | None]
    service_types: NotRequired[list[Literal["DISP", "PREST", "BUILD"]]]
    labels: NotRequired[list[str]]
    networks: NotRequired[list[str]]
    sirets: NotRequired[list[str] | None]
    excluded: NotRequired[list[str]]
    phrases: NotRequired[list[str]]
    active_only: NotRequired[bool]


class Firm(TypedDict):
    siret: str
    name: str


class GuestIn(TypedDict):
    name: str
    needs: list[str]
    public: NotRequired[bool]
    absent: NotRequired[list[int]]
    most: NotRequired[int | None]


class Health(TypedDict):
    status: Literal["ok", "unavailable"]
    detail: str
    versions: dict[str, str]
    indexes: list[str]
    structures: int
    notices: int
    loaded_at: str | None


class HolderOut(TypedDict):
    siret: str
    name: str


class HoursIn(TypedDict):
    need: str
    amount: float
    place: NotRequired[str]
    months: NotRequired[float | None]
    shares: NotRequired[list[float]]
    labour: NotRequired[float | None]
    hourly_cost: NotRequired[float | None]


class JobIn(TypedDict):
    """A long list, matched in the background."""

    items: list[Asked]


class JobOut(TypedDict):
    id: str
    state: str
    done: int
    total: int
    answers: list[dict[str, Any]]


class LeadsIn(TypedDict):
    notice: NotRequired[str | dict[str, Any] | list[Any] | None]
    notice_id: NotRequired[str | None]
    lot: NotRequired[str | None]
    n: NotRequired[int]


class LeadsOut(TypedDict):
    leads: list[Opening]
    versions: dict[str, str]


class LotAnswerOut(TypedDict):
    lot: LotOut
    nobody: bool
    relaxations: list[str]
    considered: int
    calls_for: str
    likely: int
    plausible: int
    matches: list[MatchOut]
    by_clause: list[MatchOut]
    law: list[WarningOut]


class LotOut(TypedDict):
    id: str
    number: str
    title: str
    cpv: list[str]
    places: list[str]
    amount: float | None
    deadline: str | None
    reservation: ReservationOut | None
    clauses: list[str]
    social: list[ClauseOut]
    criteria: list[CriterionOut]
    conditions: list[str]
    inferred: list[str]


class MatchOut(TypedDict):
    rank: int
    structure: StructureBrief
    score: float
    probability: float | None
    level: Literal["likely", "plausible", "unlikely", ""]
    band: str
    distance_km: float | None
    eligible: bool | None
    offer: OfferOut | None
    reasons: list[ReasonOut]
    missing: list[str]
    warnings: list[str]
    other_places: list[str]


class MeetingIn(TypedDict):
    theme: str
    place: str
    on: str
    buyers: list[GuestIn]
    slots: NotRequired[int]
    minutes: NotRequired[int]
    first: NotRequired[str]
    invite: NotRequired[int]
    tables: NotRequired[int | None]


class MemberOut(TypedDict):
    siret: str
    name: str
    kind: str
    role: str
    lots: list[str]
    reason: str


class NoticeOut(TypedDict):
    id: str
    format: str
    nature: str
    title: str
    buyer: str
    published: str | None
    deadline: str | None
    url: str
    lots: list[LotOut]


class NoticePage(TypedDict):
    total: int
    offset: int
    limit: int
    items: list[NoticeOut]


class OethIn(TypedDict):
    purchase: float
    rate: NotRequired[float | None]
    contribution: NotRequired[float | None]
    labour_cost: NotRequired[float | None]
    headcount: NotRequired[float | None]
    need: NotRequired[str]
    place: NotRequired[str]


class OfferOut(TypedDict):
    id: str
    title: str
    text: str
    nature: str
    cpv: list[str]
    since: str | None
    source: str
    inferred: bool


class Opening(TypedDict):
    notice: str
    lot: LotOut
    state: str
    firms: list[Firm]
    hours: float | None
    passage: str
    case: str
    carriers: list[Carrier]
    warnings: list[WarningOut]


class OpportunityOut(TypedDict):
    notice: NoticeOut
    lot: LotOut
    part: Literal["alone", "with-partner", "watch"]
    why: list[str]
    partner: StructureBrief | None
    match: MatchOut


class OpportunityPage(TypedDict):
    total: int
    offset: int
    limit: int
    items: list[OpportunityOut]
    versions: dict[str, str]


class OwnOffer(TypedDict):
    title: str
    text: NotRequired[str]
    evidence: NotRequired[str]
    since: NotRequired[str | None]


class Partner(TypedDict):
    structure: StructureBrief
    kind: str
    score: float
    adds: list[str]
    tasks: list[str]
    reasons: list[ReasonOut]
    warnings: list[WarningOut]
    distance_km: float | None


class PartnersOut(TypedDict):
    alone: list[str]
    lacking: list[str]
    barred: dict[str, str]
    partners: list[Partner]
    subcontracting: list[Partner]
    versions: dict[str, str]


class Place(TypedDict):
    code: str
    name: str
    department: str
    postcodes: list[str]


class Places(TypedDict):
    items: list[Place]


class PotentialIn(TypedDict):
    """A need before a tender, and what its buyer knows of it."""

    need: str
    place: NotRequired[str]
    amount: NotRequired[float | None]
    like_needs: NotRequired[float | None]
    months: NotRequired[float | None]
    works: NotRequired[bool | None]
    buyer: NotRequired[Literal["state", "local", "entity"]]
    defence: NotRequired[bool]
    public_service: NotRequired[bool | None]
    rate: NotRequired[float | None]
    contribution: NotRequired[float | None]


class ProfileIn(TypedDict):
    """What a structure says of itself, over what the sources say; applied when the catalogue is next built. `denied` adds to what it denied before, for ever and at once."""

    description: NotRequired[str]
    website: NotRequired[str]
    phone: NotRequired[str]
    email: NotRequired[str]
    turnover: NotRequired[float | None]
    headcount: NotRequired[float | None]
    zone: NotRequired[ZoneIn | None]
    offers: NotRequired[list[OwnOffer]]
    denied: NotRequired[list[str]]


class ReasonOut(TypedDict):
    code: str
    text: str
    contribution: float
    notice_passage: str
    offer_passage: str


class ReferralIn(TypedDict):
    facilitator: str
    subject: str
    note: NotRequired[str]


class RejectedOut(TypedDict):
    record: str
    reason: str


class RenewalOut(TypedDict):
    id: str
    title: str
    buyer: str
    buyer_id: str
    holders: list[HolderOut]
    cpv: str
    place: str
    amount: float | None
    notified: str
    months: float
    ends: str
    source: str


class RenewalPage(TypedDict):
    total: int
    offset: int
    limit: int
    note: str
    items: list[RenewalOut]


class ReservationOut(TypedDict):
    articles: list[str]
    who: list[str]
    origin: str
    passage: str


class ShowIn(TypedDict):
    need: str
    facilitator: str
    withdraw: NotRequired[bool]


class StructureBrief(TypedDict):
    siret: str
    name: str
    kind: str
    kind_label: str
    town: str
    department: str | None
    latitude: float | None
    longitude: float | None
    active: bool | None
    checked: str | None
    contact: Contact
    source: str
    updated: str | None


class StructurePage(TypedDict):
    total: int
    offset: int
    limit: int
    items: list[StructureBrief]


class Verdict(TypedDict):
    """Does the chain hold; if not, from which event on."""

    holds: bool
    broken_at: int | None
    events: int
    erased: int


class WarningOut(TypedDict):
    code: str
    text: str
    article: str
    since: str | None


class Why(TypedDict):
    lot: LotOut
    state: str
    sentence: str
    rank: int | None
    match: MatchOut | None


class ZoneIn(TypedDict):
    """Where it works: kilometres around its address, departments, or the whole country; empty is unknown."""

    radius_km: NotRequired[float | None]
    departments: NotRequired[list[str]]
    country: NotRequired[bool]


class ConsortiumIn(Asked):
    """The same, with wishes on the group."""

    max_members: NotRequired[int]
    mandataire: NotRequired[str | None]
    imposed: NotRequired[list[str]]
    excluded_members: NotRequired[list[str]]
    one_group: NotRequired[bool]


class SourcingIn(Asked):
    """A search to be kept: the whole ranked list is recorded, whatever `n`."""

    label: NotRequired[str]


class StructureOut(StructureBrief):
    siren: str
    brand: str
    naf: str | None
    address: str
    description: str
    offers: list[OfferOut]
    networks: list[str]
    labels: list[str]
    turnover: float | None
    headcount: float | None
    convention: str
    predecessors: list[str]
    flags: list[str]
    provenance: dict[str, str]
    other_places: list[str]
    missing: list[str]


class WhyIn(Asked):
    siret: str


class PartnersIn(WhyIn):
    lot: NotRequired[str | None]


# end of the generated part


class Client:
    """The routes of `/v1` that take and give JSON; `base` is the address of the service."""

    def __init__(self, base: str = "http://127.0.0.1:8000", key: str = "", timeout: float = 60) -> None:
        if not base.startswith(("http://", "https://")):
            raise ValueError(f"invalid address {base!r}: expected https://HOST")
        self.base, self.key, self.timeout = base.rstrip("/"), key, timeout

    def call(self, method: str, path: str, query: Mapping[str, Any] | None = None, body: Any = None) -> Any:
        """The JSON of an answer, None where it is empty.  Raises Problem."""
        given = {name: value for name, value in (query or {}).items() if value is not None}
        address = f"{self.base}{path}" + (f"?{urllib.parse.urlencode(given, doseq=True)}" if given else "")
        data = None if body is None else json.dumps(body).encode()
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        if self.key:
            headers["X-API-Key"] = self.key
        request = urllib.request.Request(address, data, headers, method=method)  # noqa: S310 - checked above
        try:
            with urllib.request.urlopen(request, timeout=self.timeout) as answer:  # noqa: S310
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise _problem(error) from None
        return json.loads(text) if text else None

    # generated: routes

    def cpv(self, body: CpvIn) -> CpvAnswer:
        """The likeliest CPV codes of a description."""
        return self.call("POST", "/v1/cpv", None, body)

    def exchange(self, *, notice_id: str | None = None, mine: bool | None = None) -> list[dict[str, Any]]:
        """Open declarations that one may see."""
        return self.call("GET", "/v1/exchange", {"notice_id": notice_id, "mine": mine})

    def post_exchange(self, body: DeclarationIn) -> Any:
        """Say what one brings and looks for."""
        return self.call("POST", "/v1/exchange", None, body)

    def delete_exchange_declaration(self, declaration_id: str) -> None:
        """Take one's declaration back."""
        self.call("DELETE", f"/v1/exchange/{_part(declaration_id)}")

    def exchange_contact(self, declaration_id: str) -> dict[str, str]:
        """Its contact address; the request is recorded."""
        return self.call("GET", f"/v1/exchange/{_part(declaration_id)}/contact")

    def delete_exchange_contact(self, declaration_id: str) -> None:
        """Delete the address of one's own declaration."""
        self.call("DELETE", f"/v1/exchange/{_part(declaration_id)}/contact")

    def exchange_viewers(self, declaration_id: str) -> list[dict[str, Any]]:
        """Who saw one's own declaration, and when."""
        return self.call("GET", f"/v1/exchange/{_part(declaration_id)}/viewers")

    def exchange_suggestions(
        self, *, siret: str, notice_id: str | None = None, reach_km: float | None = None, n: int | None = None
    ) -> list[dict[str, Any]]:
        """Others' declarations that complete one's own, best first, with the reason."""
        return self.call(
            "GET",
            "/v1/exchange/suggestions",
            {"siret": siret, "notice_id": notice_id, "reach_km": reach_km, "n": n},
        )

    def feedback(self, body: FeedbackIn) -> Any:
        """Feedback of a structure on a lot."""
        return self.call("POST", "/v1/feedback", None, body)

    def structure_profile(self, siret: str) -> dict[str, Any]:
        """What it says of itself."""
        return self.call("GET", f"/v1/structures/{_part(siret)}/profile")

    def put_structure_profile(self, siret: str, body: ProfileIn) -> Any:
        """Write it; applied when the catalogue is next built."""
        return self.call("PUT", f"/v1/structures/{_part(siret)}/profile", None, body)

    def territory_facilitators(self, *, place: str) -> DeskAnswer:
        """The facilitators of a place, the most local first."""
        return self.call("GET", "/v1/territory/facilitators", {"place": place})

    def territory_needs(self, *, facilitator: str) -> DeskAnswer:
        """Unpublished needs that their buyers show to a facilitator."""
        return self.call("GET", "/v1/territory/needs", {"facilitator": facilitator})

    def post_territory_needs(self, body: ShowIn) -> DeskAnswer:
        """Let a facilitator see your unpublished need early, or take that back."""
        return self.call("POST", "/v1/territory/needs", None, body)

    def territory_referrals(self, body: ReferralIn) -> DeskAnswer:
        """Record that a notice or a need was referred to a facilitator."""
        return self.call("POST", "/v1/territory/referrals", None, body)

    def health(self) -> Health:
        """Versions of code, data, recipe, encoder and ranker."""
        return self.call("GET", "/v1/health")

    def health_live(self) -> Health:
        """Is the process alive."""
        return self.call("GET", "/v1/health/live")

    def health_readiness(self) -> Health:
        """Can it answer: 503 without a catalogue."""
        return self.call("GET", "/v1/health/readiness")

    def jobs(self, body: JobIn) -> JobOut:
        """Match a long list in the background."""
        return self.call("POST", "/v1/jobs", None, body)

    def job(self, job_id: str, *, offset: int | None = None, limit: int | None = None) -> JobOut:
        """How far it is, and a page of its answers."""
        return self.call("GET", f"/v1/jobs/{_part(job_id)}", {"offset": offset, "limit": limit})

    def job_events(self, job_id: str) -> Any:
        """Progress by server-sent events."""
        return self.call("GET", f"/v1/jobs/{_part(job_id)}/events")

    def leads(self, body: LeadsIn) -> LeadsOut:
        """From an award or a big lot with hours: which firm owes them, and who could be asked."""
        return self.call("POST", "/v1/leads", None, body)

    def match(self, body: Asked) -> Answered:
        """Ranked structures for each lot, with reasons, and groups."""
        return self.call("POST", "/v1/match", None, body)

    def consortium(self, body: ConsortiumIn) -> Answered:
        """Who covers together what none covers alone."""
        return self.call("POST", "/v1/consortium", None, body)

    def territory_meeting(
        self, body: MeetingIn, *, as_: Literal["json", "xlsx", "ics", "html"] | None = None
    ) -> DeskAnswer:
        """A meeting day: invitations, pitches, timetable; JSON, or ?as=xlsx, ics, html."""
        return self.call("POST", "/v1/territory/meeting", {"as": as_}, body)

    def notices(
        self,
        *,
        offset: int | None = None,
        limit: int | None = None,
        q: str | None = None,
        since: str | None = None,
        answerable: bool | None = None,
    ) -> NoticePage:
        """Search by words, newest first; `since` tells what is new."""
        return self.call(
            "GET",
            "/v1/notices",
            {"offset": offset, "limit": limit, "q": q, "since": since, "answerable": answerable},
        )

    def notice(self, notice_id: str) -> NoticeOut:
        """One notice, lot by lot."""
        return self.call("GET", f"/v1/notices/{_part(notice_id)}")

    def partners(self, body: PartnersIn) -> PartnersOut:
        """With whom a structure should answer."""
        return self.call("POST", "/v1/partners", None, body)

    def post_explain(self, body: WhyIn) -> list[Why]:
        """Why a structure stands where it stands, or is not in the list."""
        return self.call("POST", "/v1/explain", None, body)

    def explain(self, *, siret: str, notice_id: str, lot: str | None = None) -> list[Why]:
        """The same of an indexed notice, of one lot or of all."""
        return self.call("GET", "/v1/explain", {"siret": siret, "notice_id": notice_id, "lot": lot})

    def exposure(self) -> dict[str, Any]:
        """Who is shown how often over the indexed notices, and lots without anyone."""
        return self.call("GET", "/v1/exposure")

    def places(self, *, q: str, limit: int | None = None) -> Places:
        """Communes whose name begins like this, or resembles."""
        return self.call("GET", "/v1/places", {"q": q, "limit": limit})

    def territory_potential(self, body: PotentialIn) -> DeskAnswer:
        """What a need could bring before a tender, with advice and its reasons."""
        return self.call("POST", "/v1/territory/potential", None, body)

    def territory_hours(self, body: HoursIn) -> DeskAnswer:
        """Hours of insertion, full-time equivalents, who could carry them."""
        return self.call("POST", "/v1/territory/hours", None, body)

    def territory_oeth(self, body: OethIn) -> DeskAnswer:
        """What a purchase from an EA or ESAT takes off the contribution."""
        return self.call("POST", "/v1/territory/oeth", None, body)

    def renewals(
        self,
        *,
        offset: int | None = None,
        limit: int | None = None,
        buyer: str | None = None,
        department: str | None = None,
        cpv: str | None = None,
        siret: str | None = None,
        after: float | None = None,
        before: float | None = None,
    ) -> RenewalPage:
        """Contracts that end in 3 to 18 months, with their holders as published; `siret` keeps those of its trade."""
        return self.call(
            "GET",
            "/v1/renewals",
            {
                "offset": offset,
                "limit": limit,
                "buyer": buyer,
                "department": department,
                "cpv": cpv,
                "siret": siret,
                "after": after,
                "before": before,
            },
        )

    def sourcing(self) -> list[dict[str, Any]]:
        """One's own records, newest first."""
        return self.call("GET", "/v1/sourcing")

    def post_sourcing(self, body: SourcingIn) -> Any:
        """Keep a search with its whole ranked list."""
        return self.call("POST", "/v1/sourcing", None, body)

    def sourcing_record(self, record_id: str) -> dict[str, Any]:
        """A record, its events and seals."""
        return self.call("GET", f"/v1/sourcing/{_part(record_id)}")

    def sourcing_verify(self, record_id: str) -> Verdict:
        """Does the chain of seals hold."""
        return self.call("GET", f"/v1/sourcing/{_part(record_id)}/verify")

    def sourcing_replay(self, record_id: str) -> dict[str, Any]:
        """What the same search gives today."""
        return self.call("GET", f"/v1/sourcing/{_part(record_id)}/replay")

    def sourcing_contacts(self, record_id: str, body: ContactIn) -> Any:
        """The same message to each of these; sent where `reply_to` is given."""
        return self.call("POST", f"/v1/sourcing/{_part(record_id)}/contacts", None, body)

    def sourcing_answers(self, record_id: str, body: AnswerIn) -> Any:
        """Note what one answered."""
        return self.call("POST", f"/v1/sourcing/{_part(record_id)}/answers", None, body)

    def structures(
        self, *, offset: int | None = None, limit: int | None = None, q: str | None = None
    ) -> StructurePage:
        """Search by words of the name, town or SIRET."""
        return self.call("GET", "/v1/structures", {"offset": offset, "limit": limit, "q": q})

    def structure(self, siret: str) -> StructureOut:
        """One structure, with its offers and their sources."""
        return self.call("GET", f"/v1/structures/{_part(siret)}")

    def structure_opportunities(
        self, siret: str, *, offset: int | None = None, limit: int | None = None
    ) -> OpportunityPage:
        """Lots of open notices it could answer: alone, with a partner, or to watch."""
        return self.call(
            "GET", f"/v1/structures/{_part(siret)}/opportunities", {"offset": offset, "limit": limit}
        )

    def territory_map(
        self,
        *,
        region: str | None = None,
        department: list[str] | None = None,
        commune: str | None = None,
        radius: float | None = None,
        trade: list[str] | None = None,
        n: int | None = None,
    ) -> DeskAnswer:
        """Supply, needs and blank zones, by area and trade."""
        return self.call(
            "GET",
            "/v1/territory/map",
            {
                "region": region,
                "department": department,
                "commune": commune,
                "radius": radius,
                "trade": trade,
                "n": n,
            },
        )

    # end of the generated part


def _problem(error: urllib.error.HTTPError) -> Problem:
    try:
        told = json.loads(error.read())
        return Problem(error.code, str(told["detail"]), list(told.get("errors", [])))
    except (ValueError, KeyError, TypeError):
        return Problem(error.code, f"the service answered {error.code}", [])


def _part(value: object) -> str:
    return urllib.parse.quote(str(value), safe="")
