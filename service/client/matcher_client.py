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
    """An error answered by the service: status (0 where it does not answer), one sentence, and the invalid fields."""

    def __init__(self, status: int, detail: str, errors: list[Any]) -> None:
        super().__init__(detail)
        self.status, self.detail, self.errors = status, detail, errors


# generated: models


class AnswerIn(TypedDict):
    siret: str
    text: str


class Answered(TypedDict):
    consortia: list[ConsortiumOut]
    lots: list[LotAnswerOut]
    note: str
    notice: NoticeOut
    others: list[str]
    place_choices: list[str]
    place_found: str
    rejected: list[RejectedOut]
    versions: dict[str, str]


class Asked(TypedDict):
    """Exactly one of: a need in free text, a notice in a known format, the id of an indexed notice."""

    filters: NotRequired[FiltersIn]
    groups: NotRequired[int]
    lots: NotRequired[list[str]]
    n: NotRequired[int]
    need: NotRequired[str | None]
    notice: NotRequired[str | dict[str, Any] | list[Any] | None]
    notice_id: NotRequired[str | None]
    pick: NotRequired[str | None]
    place: NotRequired[str]
    recipe: NotRequired[str | None]


class Carrier(TypedDict):
    distance_km: float | None
    structure: StructureBrief
    way: str


class ClauseOut(TypedDict):
    confidence: float
    hours: float | None
    nature: str
    origin: str
    passage: str
    share: float | None
    weight: float | None
    weight_unit: str


class ConsortiumOut(TypedDict):
    covered: list[str]
    form: str
    form_reason: str
    gap: float
    members: list[MemberOut]
    optimal: bool
    score: float
    uncovered: list[str]
    warnings: list[WarningOut]


class Contact(TypedDict):
    email: str
    phone: str
    website: str


class ContactIn(TypedDict):
    """The same message with the same questions, to each of those named."""

    message: str
    reply_to: NotRequired[str]
    sirets: list[str]


class CpvAnswer(TypedDict):
    items: list[CpvOut]


class CpvIn(TypedDict):
    level: NotRequired[Literal["division", "group", "class", "code"]]
    n: NotRequired[int]
    text: str


class CpvOut(TypedDict):
    code: str
    label: str
    score: float


class CriterionOut(TypedDict):
    kind: str
    name: str
    weight: float | None
    weight_unit: str


class DeclarationIn(TypedDict):
    """What a structure brings and looks for on a notice."""

    brings: NotRequired[str]
    buyer_may_see: NotRequired[bool]
    contact: NotRequired[str | None]
    deadline: NotRequired[str | None]
    lot_id: NotRequired[str]
    named: NotRequired[list[str]]
    notice_id: str
    seeks: NotRequired[str]
    siret: str
    visibility: NotRequired[Literal["members", "named"]]


class DeskAnswer(TypedDict):
    """An answer of the desk, with the sources of its figures and the day it was computed."""

    facilitator: str
    on: str
    result: dict[str, Any]
    sources: list[str]


class FeedbackIn(TypedDict):
    lot_id: NotRequired[str]
    notice_id: str
    position: NotRequired[int | None]
    reason: NotRequired[str]
    shown: NotRequired[int | None]
    siret: str
    verb: Literal["interested", "declined", "contacted", "submitted", "won"]


class FiltersIn(TypedDict):
    """Exact filters, applied before the search."""

    active_only: NotRequired[bool]
    articles: NotRequired[list[str]]
    departments: NotRequired[list[str]]
    excluded: NotRequired[list[str]]
    kinds: NotRequired[list[str]]
    labels: NotRequired[list[str]]
    networks: NotRequired[list[str]]
    phrases: NotRequired[list[str]]
    radius_km: NotRequired[float | None]
    regions: NotRequired[list[str]]
    service_types: NotRequired[list[Literal["DISP", "PREST", "BUILD"]]]
    sirets: NotRequired[list[str] | None]


class Firm(TypedDict):
    name: str
    siret: str


class GuestIn(TypedDict):
    absent: NotRequired[list[int]]
    most: NotRequired[int | None]
    name: str
    needs: list[str]
    public: NotRequired[bool]


class Health(TypedDict):
    detail: str
    indexes: list[str]
    loaded_at: str | None
    notices: int
    status: Literal["ok", "unavailable"]
    structures: int
    versions: dict[str, str]


class HolderOut(TypedDict):
    name: str
    siret: str


class HoursIn(TypedDict):
    amount: float
    hourly_cost: NotRequired[float | None]
    labour: NotRequired[float | None]
    months: NotRequired[float | None]
    need: str
    place: NotRequired[str]
    shares: NotRequired[list[float]]


class JobIn(TypedDict):
    """A long list, matched in the background."""

    items: list[Asked]


class JobOut(TypedDict):
    answers: list[dict[str, Any]]
    done: int
    id: str
    state: str
    total: int


class LeadsIn(TypedDict):
    lot: NotRequired[str | None]
    n: NotRequired[int]
    notice: NotRequired[str | dict[str, Any] | list[Any] | None]
    notice_id: NotRequired[str | None]


class LeadsOut(TypedDict):
    leads: list[Opening]
    notices: list[NoticeOut]
    versions: dict[str, str]


class LotAnswerOut(TypedDict):
    by_clause: list[MatchOut]
    calls_for: str
    considered: int
    law: list[WarningOut]
    likely: int
    lot: LotOut
    matches: list[MatchOut]
    nobody: bool
    plausible: int
    relaxations: list[str]


class LotOut(TypedDict):
    amount: float | None
    clauses: list[str]
    conditions: list[str]
    cpv: list[str]
    criteria: list[CriterionOut]
    deadline: str | None
    id: str
    inferred: list[str]
    number: str
    places: list[str]
    reservation: ReservationOut | None
    social: list[ClauseOut]
    title: str


class MatchOut(TypedDict):
    band: str
    distance_km: float | None
    eligible: bool | None
    level: Literal["likely", "plausible", "unlikely", ""]
    missing: list[str]
    offer: OfferOut | None
    other_places: list[str]
    probability: float | None
    rank: int
    reasons: list[ReasonOut]
    score: float
    structure: StructureBrief
    warnings: list[str]


class MeetingIn(TypedDict):
    buyers: list[GuestIn]
    first: NotRequired[str]
    invite: NotRequired[int]
    minutes: NotRequired[int]
    on: str
    place: str
    slots: NotRequired[int]
    tables: NotRequired[int | None]
    theme: str


class MemberOut(TypedDict):
    kind: str
    lots: list[str]
    name: str
    reason: str
    role: str
    siret: str


class NoticeOut(TypedDict):
    buyer: str
    deadline: str | None
    format: str
    id: str
    lots: list[LotOut]
    nature: str
    published: str | None
    title: str
    url: str


class NoticePage(TypedDict):
    items: list[NoticeOut]
    limit: int
    offset: int
    total: int


class OethIn(TypedDict):
    contribution: NotRequired[float | None]
    headcount: NotRequired[float | None]
    labour_cost: NotRequired[float | None]
    need: NotRequired[str]
    place: NotRequired[str]
    purchase: float
    rate: NotRequired[float | None]


class OfferOut(TypedDict):
    cpv: list[str]
    id: str
    inferred: bool
    nature: str
    since: str | None
    source: str
    text: str
    title: str


class Opening(TypedDict):
    carriers: list[Carrier]
    case: str
    firms: list[Firm]
    hours: float | None
    lot: LotOut
    notice: str
    passage: str
    state: str
    warnings: list[WarningOut]


class OpportunityOut(TypedDict):
    lot: LotOut
    match: MatchOut
    notice: NoticeOut
    part: Literal["alone", "with-partner", "watch"]
    partner: StructureBrief | None
    why: list[str]


class OpportunityPage(TypedDict):
    items: list[OpportunityOut]
    limit: int
    offset: int
    total: int
    versions: dict[str, str]


class OwnOffer(TypedDict):
    evidence: NotRequired[str]
    since: NotRequired[str | None]
    text: NotRequired[str]
    title: str


class Partner(TypedDict):
    adds: list[str]
    distance_km: float | None
    kind: str
    reasons: list[ReasonOut]
    score: float
    structure: StructureBrief
    tasks: list[str]
    warnings: list[WarningOut]


class PartnersOut(TypedDict):
    alone: list[str]
    barred: dict[str, str]
    lacking: list[str]
    nobody: list[str]
    notice: NoticeOut
    partners: list[Partner]
    subcontracting: list[Partner]
    versions: dict[str, str]


class Place(TypedDict):
    code: str
    department: str
    name: str
    postcodes: list[str]


class Places(TypedDict):
    items: list[Place]


class PotentialIn(TypedDict):
    """A need before a tender, with what its buyer knows."""

    amount: NotRequired[float | None]
    buyer: NotRequired[Literal["state", "local", "entity"]]
    contribution: NotRequired[float | None]
    defence: NotRequired[bool]
    like_needs: NotRequired[float | None]
    months: NotRequired[float | None]
    need: str
    place: NotRequired[str]
    public_service: NotRequired[bool | None]
    rate: NotRequired[float | None]
    works: NotRequired[bool | None]


class ProfileIn(TypedDict):
    """What a structure says of itself, over what the sources say; applied when the catalogue is next built. `denied` adds to the earlier denials: it is permanent and effective immediately."""

    denied: NotRequired[list[str]]
    description: NotRequired[str]
    email: NotRequired[str]
    headcount: NotRequired[float | None]
    offers: NotRequired[list[OwnOffer]]
    phone: NotRequired[str]
    site_unread: NotRequired[bool]
    turnover: NotRequired[float | None]
    website: NotRequired[str]
    zone: NotRequired[ZoneIn | None]


class ReasonOut(TypedDict):
    code: str
    contribution: float
    notice_passage: str
    offer_passage: str
    tells: bool
    text: str


class ReferralIn(TypedDict):
    facilitator: str
    note: NotRequired[str]
    subject: str


class RejectedOut(TypedDict):
    reason: str
    record: str


class RenewalOut(TypedDict):
    amount: float | None
    buyer: str
    buyer_id: str
    cpv: str
    ends: str
    holders: list[HolderOut]
    id: str
    months: float
    notified: str
    place: str
    source: str
    title: str


class RenewalPage(TypedDict):
    items: list[RenewalOut]
    limit: int
    note: str
    offset: int
    total: int


class ReservationOut(TypedDict):
    articles: list[str]
    origin: str
    passage: str
    who: list[str]


class ShowIn(TypedDict):
    facilitator: str
    need: str
    withdraw: NotRequired[bool]


class StructureBrief(TypedDict):
    active: bool | None
    checked: str | None
    contact: Contact
    department: str | None
    kind: str
    kind_label: str
    latitude: float | None
    longitude: float | None
    name: str
    siret: str
    source: str
    source_name: str
    town: str
    updated: str | None


class StructurePage(TypedDict):
    items: list[StructureBrief]
    limit: int
    offset: int
    total: int


class Verdict(TypedDict):
    """Does the chain hold; if not, from which event on."""

    broken_at: int | None
    erased: int
    events: int
    holds: bool


class WarningOut(TypedDict):
    article: str
    code: str
    since: str | None
    text: str


class Why(TypedDict):
    lot: LotOut
    match: MatchOut | None
    rank: int | None
    sentence: str
    state: str


class ZoneIn(TypedDict):
    """Where it works: kilometres around its address, departments, or the whole country; empty is unknown."""

    country: NotRequired[bool]
    departments: NotRequired[list[str]]
    radius_km: NotRequired[float | None]


class ConsortiumIn(Asked):
    """The same, with constraints on the group."""

    excluded_members: NotRequired[list[str]]
    imposed: NotRequired[list[str]]
    mandataire: NotRequired[str | None]
    max_members: NotRequired[int]
    one_group: NotRequired[bool]


class SourcingIn(Asked):
    """A search to be kept: the whole ranked list is recorded, whatever `n`."""

    label: NotRequired[str]


class StructureOut(StructureBrief):
    address: str
    brand: str
    convention: str
    description: str
    flags: list[str]
    headcount: float | None
    labels: list[str]
    missing: list[str]
    naf: str | None
    networks: list[str]
    offers: list[OfferOut]
    other_places: list[str]
    predecessors: list[str]
    provenance: dict[str, str]
    siren: str
    turnover: float | None


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
        except OSError as error:  # no connection, or no answer in time
            why = f"{self.base} does not answer ({getattr(error, 'reason', error)}): check the address, or try again later"
            raise Problem(0, why, []) from None
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
        """Partners for a structure on a need or a notice."""
        return self.call("POST", "/v1/partners", None, body)

    def post_explain(self, body: WhyIn) -> list[Why]:
        """Why a structure has its rank, or is not in the list."""
        return self.call("POST", "/v1/explain", None, body)

    def explain(self, *, siret: str, notice_id: str, lot: str | None = None) -> list[Why]:
        """The same for an indexed notice, for one lot or all."""
        return self.call("GET", "/v1/explain", {"siret": siret, "notice_id": notice_id, "lot": lot})

    def exposure(self) -> dict[str, Any]:
        """Exposure of structures over the indexed notices, and lots without a lead."""
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
        problem = json.loads(error.read())
        return Problem(error.code, str(problem["detail"]), list(problem.get("errors", [])))
    except (ValueError, KeyError, TypeError):
        return Problem(error.code, f"the service answered {error.code}", [])


def _part(value: object) -> str:
    return urllib.parse.quote(str(value), safe="")
