"""The domain model as frozen dataclasses, and the user-correctable errors.

One symmetry organises the package: Tender : Lot :: Structure : Offer.  A tender asks through its
lots, a structure answers through its offers.  Identifiers are strings; dates are `datetime.date`;
amounts are euros unless `currency` says otherwise; distances are kilometres; NaN or None is unknown.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Literal

__version__ = "0.2.0"

# ---------------------------------------------------------------------------------------------- errors


class MatcherError(Exception):
    """A user-correctable error: one sentence that names the remedy (CLI exit 2, API 4xx)."""


class BadInput(MatcherError):
    """The input given is empty, unreadable, of another format or out of bounds."""


class NoValidRecords(MatcherError):
    """Every record was rejected: no valid record is left."""


class StoreUnavailable(MatcherError):
    """The store cannot be read or written now: disk full or read-only, server down, locked too long.  Nothing is half done."""


class StaleArtefact(MatcherError):
    """An index, a model or a recipe is incompatible with the one requested."""


class BrokenPlugin(MatcherError):
    """A plug-in of another package that cannot be imported."""


class MissingExtra(MatcherError):
    """An optional package is needed; the message holds the command that installs it."""


class NotFound(MatcherError):
    """No such structure, notice, lot, recipe or plugin (API 404)."""


class UnknownStructure(NotFound):
    """No structure of this SIRET is in the catalogue."""


class UnknownLot(NotFound):
    """A notice has no such lot."""

    def __init__(self, notice: str, lot: str, numbers: str) -> None:
        super().__init__(f"the notice {notice} has no lot {lot}: its lots are {numbers}")
        self.notice, self.lot, self.numbers = notice, lot, numbers


class UnknownNotice(NotFound):
    """No notice of this identifier is indexed."""


class Forbidden(MatcherError):
    """The caller is not allowed to do this (API 403)."""


# ---------------------------------------------------------------------------------------------- places


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where something is or is to be done; every field may be unknown, `label` is as published."""

    label: str = ""
    commune: str | None = None  # INSEE code, 5 characters
    postcode: str | None = None
    department: str | None = None  # "01" .. "95", "2A", "2B", "971" .. "976"
    region: str | None = None  # INSEE region code, "11" is Île-de-France
    grouping: str | None = None  # SIREN of an inter-communal grouping, all of which is meant
    country: str | None = "FR"  # ISO 3166-1 alpha-2; ZZ for one that is not named
    nuts: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    inferred: bool = False  # True when deduced rather than stated (the buyer's commune, say)


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """Where an offer is served: a radius around the structure, groupings (SIREN), communes (INSEE), departments, regions, or all France."""

    radius_km: float | None = None
    groupings: tuple[str, ...] = ()
    departments: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    country: bool = False
    communes: tuple[str, ...] = ()


# ---------------------------------------------------------------------------------------------- supply

#: Kinds of structure; "" is an ordinary firm or an unknown kind (suppliers of past awards).
KINDS: dict[str, str] = {
    "EI": "entreprise d'insertion",
    "ACI": "atelier et chantier d'insertion",
    "AI": "association intermédiaire",
    "ETTI": "entreprise de travail temporaire d'insertion",
    "EITI": "entreprise d'insertion par le travail indépendant",
    "EA": "entreprise adaptée",
    "EATT": "entreprise adaptée de travail temporaire",
    "ESAT": "établissement et service d'accompagnement par le travail",
    "GEIQ": "groupement d'employeurs pour l'insertion et la qualification",
    "SEP": "structure produisant en établissement pénitentiaire",
    "ESUS": "entreprise solidaire d'utilité sociale",
    "SCOP": "société coopérative de production",
    "SCIC": "société coopérative d'intérêt collectif",
    "ASSO": "association",
    "MUTUELLE": "mutuelle",
    "FONDATION": "fondation",
    "ESS": "entreprise de l'économie sociale et solidaire",
    "": "entreprise",
}


def kinds_named(codes: Iterable[str]) -> tuple[str, ...]:
    """Kinds asked for, in any case.  Raises BadInput on one that is none."""
    known = {code.upper(): code for code in KINDS if code}
    asked = tuple(codes)
    if unknown := [code for code in asked if code and code.strip().upper() not in known]:
        raise BadInput(f"{unknown[0]!r} is not a kind of structure: choose among {', '.join(known)}")
    return tuple(dict.fromkeys(known.get(code.strip().upper(), "") for code in asked))


SIAE_KINDS = frozenset({"EI", "ACI", "AI", "ETTI", "EITI"})
#: Kinds that mostly lend staff; contractors fulfil social-clause hours through them without buying a service.
LENDING_KINDS = frozenset({"AI", "ETTI", "EITI", "GEIQ", "EATT"})
DISABILITY_KINDS = frozenset({"EA", "EATT", "ESAT"})

#: Source of facts declared by the structure itself; they take precedence over facts read elsewhere, and those over inferred ones.
SELF = "la structure elle-même"
READ_ON_SITE = "son site, lu le "  # the source of what was read on its own site begins so, then the day

OfferNature = Literal["offer", "description", "name", "naf", "job", "award"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """Something that a structure declares, or is known, to do; `since` is the day from which it is known."""

    id: str
    title: str
    text: str = ""
    nature: OfferNature = "offer"
    cpv: tuple[str, ...] = ()
    naf: str | None = None
    rome: tuple[str, ...] = ()
    sectors: tuple[str, ...] = ()
    service_types: tuple[str, ...] = ()  # of DISP (staff), PREST (services), BUILD (goods)
    zone: Zone | None = None
    place: Place | None = None  # of a past award: where it was carried out
    amount: float | None = None  # of a past award
    buyer: str | None = None  # of a past award: the buyer's SIREN
    since: date | None = None  # None is timeless
    source: str = ""
    inferred: bool = False
    evidence: str = ""  # what an inferred offer was inferred from


@dataclass(frozen=True, slots=True, kw_only=True)
class Structure:
    """One establishment that can answer; one SIREN (the first nine digits) is one bidder."""

    siret: str  # or another identity where no SIRET is known, see `matcher.reference.identifiers.IDENTITY`
    name: str
    kind: str = ""
    brand: str = ""
    naf: str | None = None
    address: str = ""
    place: Place = Place()
    zone: Zone | None = None
    description: str = ""
    offers: tuple[Offer, ...] = ()
    website: str = ""
    phone: str = ""
    email: str = ""
    networks: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    turnover: float | None = None  # euros a year
    headcount: float | None = None
    active: bool | None = None  # is the establishment open, by the national register
    checked: date | None = None  # the day `active` was verified
    convention: str = ""  # state of the agreement (convention) with the State, as published
    source: str = ""
    updated: date | None = None
    predecessors: tuple[str, ...] = ()  # earlier SIRETs of the same establishment
    rna: str = ""  # number in the national register of associations, "W" and nine digits
    flags: tuple[str, ...] = ()  # "siret-checksum", "partial-diffusion", ...
    denied: tuple[str, ...] = ()  # "ce n'est pas notre métier": "trade:NAME", "cpv:DIGITS", "offer:ID"
    provenance: Mapping[str, str] = field(default_factory=dict)  # field -> "source, date"

    @property
    def siren(self) -> str:
        """The bidder: the SIREN, or the whole identity of a structure whose SIRET is unknown."""
        return self.siret[:9] if self.siret[:1].isdecimal() else self.siret

    @property
    def known_as(self) -> str:
        """The name under which people know it."""
        return self.brand or self.name

    @property
    def contact(self) -> str:
        """How it is reached: telephone, else mail, else site; "" where nothing is known."""
        return self.phone or self.email or self.website

    @property
    def kind_label(self) -> str:
        """Its kind in one word for display, in French: a firm of no kind is told from one whose list does not say."""
        return self.kind or ("type à préciser" if "kind-missing" in self.flags else "entreprise")


# ---------------------------------------------------------------------------------------------- demand

#: What a contract is for by the field of its notice (TYPE_CONTRACT, BT-23), never by its CPV code; "" not stated.
ContractType = Literal["works", "supplies", "services", ""]

Nature = Literal["call", "prior", "project", "award", "correction", "cancellation", "modification", "other"]
#: Of notices that announce a contract to answer.
CALLS: frozenset[Nature] = frozenset({"call", "prior", "project"})
ANSWERABLE: frozenset[Nature] = CALLS | {"correction"}  # and those that correct one
# results: their amounts are what was awarded
AWARDED: frozenset[Nature] = frozenset({"award", "modification"})


#: Beneficiaries of a reservation named in a text: French label, and the article that admits these structures.
AUDIENCES: dict[str, tuple[str, str]] = {
    "ESAT/EA": ("ESAT et entreprises adaptées", "L2113-12"),
    "SIAE": ("structures d'insertion (SIAE)", "L2113-13"),
    "prison": ("structures en établissement pénitentiaire", "L2113-13-1"),
    "ESS": ("entreprises de l'économie sociale et solidaire", "L2113-15"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """A lot open only to some structures; no article means "article non précisé", which is never guessed."""

    articles: tuple[str, ...] = ()  # "L2113-12", "L2113-13", "L2113-13-1", "L2113-15"
    who: tuple[str, ...] = ()  # beneficiaries named in the text, keys of AUDIENCES
    origin: Literal["field", "text", "typed"] = "field"  # typed: by who searches, as a filter is
    passage: str = ""
    confidence: float = 1.0

    @property
    def opened_by(self) -> tuple[str, ...]:
        """The articles under which a structure may answer: those stated, else those of the structures named."""
        return self.articles or tuple(AUDIENCES[name][1] for name in self.who if name in AUDIENCES)

    @property
    def stated(self) -> str:
        """The articles, else the beneficiaries named, in French; "" where neither is stated."""
        if self.articles:
            return ", ".join(self.articles)
        named = " ; ".join(AUDIENCES[name][0] for name in self.who if name in AUDIENCES)
        return f"{named}, article non précisé" if named else ""

    @property
    def cited(self) -> str:
        """What is stated, or that no article is."""
        return self.stated or "article non précisé"

    @property
    def whom(self) -> str:
        """To whom it is reserved, with the articles, in French."""
        named = " ou aux ".join(label for label, article in AUDIENCES.values() if article in self.opened_by)
        articles = ", ".join(self.articles) or "article non précisé"
        return f"réservé aux {named} ({articles})" if named else f"réservé ({articles})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """A social condition of performance, a social award criterion, or insertion as the object of the contract."""

    nature: Literal["execution", "criterion", "objective"] = "execution"
    hours: float | None = None
    share: float | None = None  # of the hours worked, 0 to 1, when stated
    weight: float | None = None  # of a criterion, in `weight_unit`
    weight_unit: Literal["%", "points", ""] = ""  # "" where the notice gives a bare number
    origin: Literal["field", "text"] = "field"
    passage: str = ""
    confidence: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """An award criterion as the form states it."""

    name: str
    kind: Literal["price", "cost", "quality", ""] = ""
    weight: float | None = None
    weight_unit: Literal["%", "points", ""] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A practical condition of tendering: a visit, a qualification, a form of group imposed or forbidden."""

    code: str  # "visit", "qualification", "profession", "group-form", "several-groups", "framework", ...
    label: str  # French, short: "Visite obligatoire", "Certiphyto"
    passage: str = ""


#: Type of buyer, as far as thresholds distinguish buyers: the State, a local body, a contracting entity; "" not stated.
AuthorityType = Literal["state", "local", "entity", ""]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """Whom the notice names for questions, as published."""

    name: str = ""
    email: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Buyer:
    id: str = ""  # SIRET where published, else what was published
    name: str = ""
    place: Place = Place()
    type: AuthorityType = ""  # as its notice states it: thresholds depend on it


#: What a lot buys: goods, a service, works, studies, the running of a service with its risk, or staff to be lent.
LotNature = Literal["supply", "service", "works", "studies", "operation", "staff"]
#: Who can carry a lot: a small structure alone, several together, or none even so.
Carried = Literal["alone", "group", "beyond"]
#: Do structures normally answer such a lot: themselves, through the hours of a clause, or not at all?
Served = Literal["yes", "clause", "no"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lot:
    """The unit of matching (L2113-10); a tender without allotment has one lot, numbered "1".

    `amount` is the estimate of a call, and what was awarded of a result, for which no estimate stands.
    """

    id: str
    title: str
    number: str = "1"
    description: str = ""
    cpv: tuple[str, ...] = ()  # 8 digits, main first
    places: tuple[Place, ...] = ()
    amount: float | None = None
    amount_period: Literal["total", "year", ""] = ""
    amount_max: float | None = None  # of a framework, over its whole duration with renewals
    currency: str = "EUR"
    contract_type: ContractType = ""
    duration_months: float | None = None  # initial, without renewals
    renewals: int | None = None  # how many at most; 0: stated that there are none
    renewal_months: float | None = None  # of each
    options: str = ""  # as described, "" where none is stated
    start: date | None = None
    turnover_min: float | None = None  # euros a year that the buyer requires of a candidate
    deadline: datetime | None = None
    reservation: Reservation | None = None
    clauses: tuple[Clause, ...] = ()
    conditions: tuple[Condition, ...] = ()
    criteria: tuple[Criterion, ...] = ()  # award criteria, in the order of the form
    inferred: tuple[str, ...] = ()  # names of the fields above that were inferred, not stated
    trades: tuple[str, ...] = ()  # stated by the user, who corrects what was read: they take precedence
    nature: LotNature | Literal[""] = ""  # the same of what it buys

    @property
    def reserved(self) -> bool:
        """Does the notice reserve it?  What its buyer types restricts the list as a filter does, and tells no more."""
        return self.reservation is not None and self.reservation.origin != "typed"

    @property
    def social_conditions(self) -> tuple[Clause, ...]:
        """The social conditions of performance that the notice states, those with hours first, then by confidence."""
        found = [clause for clause in self.clauses if clause.nature == "execution"]
        return tuple(sorted(found, key=lambda clause: (clause.hours is None, -clause.confidence)))

    @property
    def owed_condition(self) -> Clause | None:
        """The social condition that an ordinary firm owes once it has won; None on a reserved lot, which it cannot win."""
        return next(iter(self.social_conditions), None) if self.reservation is None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One trade that a lot asks for; the shares of the parts of a lot sum to 1."""

    id: str  # "<lot id>#<trade>"
    trade: str
    label: str
    words: str  # the words of the notice that ask for it, as published; the label where only a code does
    share: float = 1.0
    cpv: tuple[str, ...] = ()  # the codes of the lot that name the trade


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a lot asks for, read once (`matcher.learned.asks`) and passed on; a correction of the user is part of the lot.

    `chances` are those of each trade to be asked for; of `natures`, `carriers` and `answers` they sum to 1.
    """

    lot: str
    # the words by which it is compared: title, beginning of the description, label of its code
    text: str = ""
    context: str = ""  # the title of the notice, where the lot's own words tell no trade ("Secteur Sud")
    codes: tuple[str, ...] = ()  # the CPV codes that tell its trade, main first
    chances: Mapping[str, float] = field(default_factory=dict)
    parts: tuple[Part, ...] = ()  # the trades asked for, largest share first; empty where none is recognised
    natures: Mapping[LotNature, float] = field(default_factory=dict)
    carriers: Mapping[Carried, float] = field(default_factory=dict)
    answers: Mapping[Served, float] = field(default_factory=dict)
    offered: float = 0.0  # chance that structures of insertion or disability offer such a thing at all
    staff: float = 0.0  # chance that staff is to be lent
    stated: bool = True  # does the text state a need at all
    places: tuple[Place, ...] = ()  # where it is to be done, as far as is known
    deduced: bool = False  # are the places the buyer's, because the lot states none

    @property
    def trades(self) -> Mapping[str, float]:
        """The share of each trade asked for, largest first."""
        return {part.trade: part.share for part in self.parts}

    @property
    def several(self) -> tuple[Part, ...]:
        """The parts of a lot that asks for more than one trade; empty for another."""
        return self.parts if len(self.parts) > 1 else ()

    @property
    def nature(self) -> LotNature:
        return max(self.natures, key=self.natures.__getitem__, default="service")

    @property
    def carried(self) -> Carried:
        return max(self.carriers, key=self.carriers.__getitem__, default="alone")

    @property
    def served(self) -> Served:
        return max(self.answers, key=self.answers.__getitem__, default="yes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A winner of an award, as published; `flags` marks an identifier that fails its checksum."""

    id: str
    name: str = ""
    flags: tuple[str, ...] = ()
    place: Place = field(default=Place(), compare=False)  # its address, which identifies nobody

    @property
    def siren(self) -> str:
        return self.id[:9]


@dataclass(frozen=True, slots=True, kw_only=True)
class Award:
    """A contract award: the ground truth of who won; its date prevents leakage."""

    uid: str
    title: str
    buyer: Buyer = Buyer()
    holders: tuple[Holder, ...] = ()
    cpv: str | None = None
    place: Place = Place()
    amount: float | None = None
    notified: date | None = None
    duration_months: float | None = None
    nature: str = ""
    procedure: str = ""
    group_form: str | None = None
    social: tuple[str, ...] = ()
    environment: tuple[str, ...] = ()
    offers_received: int | None = None
    relation: Literal["single", "group", "framework", "modification", "unknown"] = "unknown"
    source: str = ""
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tender:
    """One notice, its lots nested; `nature` tells a call from a correction, a cancellation, an award."""

    id: str
    format: str  # the source that read it: "boamp", "eforms", "ted", "decp", ...
    title: str
    description: str = ""
    buyer: Buyer = Buyer()
    joint_buyers: tuple[Buyer, ...] = ()  # joint procurement with `buyer`
    lots: tuple[Lot, ...] = ()
    nature: Nature = "call"
    reference: str = ""  # the buyer's own reference
    family: str = ""  # JOUE, FNS, MAPA ...
    procedure: str = ""
    language: str = "fr"
    published: date | None = None
    deadline: datetime | None = None
    url: str = ""
    documents_url: str = ""
    contact: Contact = Contact()
    lots_per_tender: int | None = None  # lots for which one candidate may tender, where limited
    lots_per_winner: int | None = None  # lots that one candidate may be awarded, where limited
    related: tuple[str, ...] = ()  # ids of the notices this one corrects, cancels, follows
    corrections: tuple[str, ...] = ()  # ids of the notices that corrected or cancelled it
    change: str = ""  # what a correction changes, as published
    cancels: tuple[str, ...] = ()  # numbers of the lots withdrawn; of a cancellation that names none, all are
    folder: str = ""  # id of the procedure that all its notices share (eForms BT-04), where published
    awards: tuple[Award, ...] = ()  # of an award notice
    flags: tuple[str, ...] = ()
    confidential: bool = False  # a need not yet published: never shown, counted or learnt from elsewhere
    source_hash: str = ""  # of the record as published, however it is read

    def only(self, lot: str | None) -> "Tender":
        """The notice with the lot of this id or number alone, whole for None.  Raises UnknownLot."""
        kept = tuple(each for each in self.lots if lot in (None, each.id, each.number))
        if not kept and lot is not None:
            raise UnknownLot(self.id, lot, ", ".join(each.number for each in self.lots))
        return replace(self, lots=kept)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A rejected record: where it was, why, and the remedy. Nothing is dropped silently."""

    path: str
    record: str  # its id, or its place in the file ("row 12")
    reason: str


# ---------------------------------------------------------------------------------------------- answers


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One contribution to the score: a stable code for programs, a French sentence for users."""

    code: str
    text: str
    contribution: float = 0.0
    notice_passage: str = ""
    offer_passage: str = ""
    tells: bool = True  # False where the sentence only states something unknown, absent or usual


#: The judgement of a structure for a lot: call it, check first, do not show; "" where no judgement is
#: made (suppliers of past awards, recipes that compare).
Level = Literal["likely", "plausible", "unlikely", ""]
LEVEL_LABELS: Mapping[Level, str] = {
    "likely": "à appeler",
    "plausible": "à vérifier",
    "unlikely": "peu probable",
    "": "",
}


#: Of a structure to the places of a lot: inside or outside the zones that it declares; where it declares none, within
#: the usual distance of the trade or beyond it.
Where = Literal["inside", "outside", "near", "far", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """Whether a structure comes to the places of a lot, see `matcher.matching.reach`."""

    where: Where = "unknown"
    kilometres: float | None = None  # None where the point of either is not its own
    usual_km: float | None = None  # of the trade that the lot asks


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A structure proposed for a lot; the contributions of `reasons` sum to `score`."""

    lot: Lot
    structure: Structure
    offer: Offer | None
    score: float
    probability: float
    rank: int
    reasons: tuple[Reason, ...] = ()
    missing: tuple[str, ...] = ()  # French: what is unknown about this structure
    warnings: tuple[str, ...] = ()
    reach: Reached = Reached()
    eligible: bool | None = None  # under the lot's reservation; None where unknown
    other_places: tuple[str, ...] = ()  # SIRETs of the same bidder
    level: Level = ""
    established: bool = False  # is it more likely than not of the trade asked, by what is known of it alone?

    @property
    def distance_km(self) -> float | None:
        """Kilometres to the lot; None where the point of either is not its own."""
        return self.reach.kilometres


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    structure: Structure
    lots: tuple[str, ...]  # ids of the lots, or of the needs, that it takes
    caveats: tuple[str, ...] = ()  # of each of them, what is partial or to be confirmed, "" for nothing
    # candidat: of offers that share no lot
    role: Literal["mandataire", "cotraitant", "candidat"] = "cotraitant"
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Warning_:
    """A legal warning with its article and date; information, not legal advice."""

    code: str
    text: str
    article: str = ""
    since: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Consortium:
    """A team for a tender: who takes what, what is uncovered, and the legal warnings."""

    members: tuple[Member, ...]
    covered: tuple[str, ...]
    uncovered: tuple[str, ...]
    score: float
    form: Literal["conjoint", "solidaire", ""] = ""
    form_reason: str = ""
    gap: float = 0.0  # proven distance to the optimum, 0 is optimal
    optimal: bool = True
    warnings: tuple[Warning_, ...] = ()


#: No need stated, social-clause hours only, or outside what structures do.
CallsFor = Literal["", "staff", "unclear", "clause", "beyond"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LotAnswer:
    """The ranked structures of a lot; `nobody` is True when none is credible."""

    lot: Lot
    matches: tuple[Match, ...]
    asked: Asked | None = None  # what was read of the lot; None without a judgement
    nobody: bool = False
    relaxations: tuple[str, ...] = ()  # French: "à 70 km au lieu de 50 : 4 structures de plus"
    by_clause: tuple[Match, ...] = ()  # who could carry the insertion hours
    likely: int = 0  # bidders to call, of all those considered
    plausible: int = 0  # bidders to check first
    to_ask: int = 0  # bidders in reach of which nothing tells the trade, of kinds that often have it
    asking: tuple[Structure, ...] = ()  # the first of them
    considered: int = 0
    calls_for: CallsFor = ""  # what the lot calls for, where it is not a service that structures provide


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The whole answer to a tender, with the versions that produced it."""

    tender: Tender
    lots: tuple[LotAnswer, ...]
    consortia: tuple[Consortium, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How to build and rank; saved with the catalogue.  Plugins are named by file name or dotted path.

    Without arguments it is the shipped default.
    """

    name: str = "default"  # that of its file, unless given
    encoder: str = "static"  # a file of `matcher.learned.encoders`
    encoder_options: Mapping[str, Any] = field(default_factory=dict)  # arguments of its `load`
    indexes: tuple[str, ...] = ("faiss", "lexical")  # files of `matcher.catalogue.indexes`
    ranker: str = "learned"  # a file of `matcher.matching.rankers`, without the judgement
    ranker_options: Mapping[str, Any] = field(default_factory=dict)  # its signals with their weights
    judgement: bool = True  # rank and filter the structures of a directory by the judgement
    rotation: float = 0.1  # scale, in the unit of scores, of the draw among near-ties for each lot; 0: never
    daily: bool = False  # drawn anew each day


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Hard filters of the caller, applied before the search so that they cost no recall."""

    kinds: tuple[str, ...] = ()
    articles: tuple[str, ...] = ()  # only structures that may answer under one of these
    departments: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    radius_km: float | None = None
    service_types: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    sirets: tuple[str, ...] | None = None  # match within this subset only
    excluded: tuple[str, ...] = ()  # SIRETs or SIRENs never to be shown
    phrases: tuple[str, ...] = ()  # words that must occur
    active_only: bool = False
