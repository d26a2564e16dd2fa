"""Notices and awards as releases of the Open Contracting Data Standard 1.1; `sources.ocds` reads them back.

A notice is a release of its procedure, with the lots extension and the fields of OCDS for the European Union; an award that no
notice announces is a release of its own.  What the standard has no field for (social clauses, reservations with their articles ...) is in
an object `maillage` of the tender, the lot or the award.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from datetime import UTC, date, datetime, time
from typing import Any

from matcher import codec
from matcher.domain import Award, Buyer, Holder, Lot, Place, Tender, __version__
from matcher.reading.sources._facts import MONTH_DAYS
from matcher.reference import law

Json = dict[str, Any]
PREFIX = "maillage"  # of an `ocid`: whoever publishes releases registers one of their own
OWN = "maillage"  # what OCDS has no field for
OWN_OF_TENDER = ("id", "family", "change", "cancels", "flags", "folder", "nature", "related")
OWN_OF_LOT = (
    "number", "amount_period", "amount_max", "duration_months", "renewals", "renewal_months", "options", "turnover_min", "reservation",
    "clauses", "conditions", "criteria", "inferred",
)  # fmt: skip
OWN_OF_AWARD = (
    "duration_months", "nature", "procedure", "group_form", "social", "environment", "relation", "source", "flags",
)  # fmt: skip
#: Nature of a notice -> the tag of its release, the status of its tender.
NATURES: Mapping[str, tuple[str, str]] = {
    "call": ("tender", "active"),
    "prior": ("planning", "planning"),
    "project": ("planning", "planning"),
    "award": ("award", "complete"),
    "correction": ("tenderUpdate", "active"),
    "cancellation": ("tenderCancellation", "cancelled"),
    "modification": ("contractAmendment", "complete"),
    "other": ("tender", "active"),
}
CATEGORIES = {"works": "works", "supplies": "goods", "services": "services"}
#: The article of a reservation -> the code of BT-71 as OCDS for the European Union names it.
RESERVED = {
    law.DISABILITY: "shelteredWorkshop",
    law.INSERTION: "shelteredWorkshop",
    law.ESS: "publicServiceMissionOrganization",
}
LIMITS = "maximumLotsBidPerSupplier=lots_per_tender, maximumLotsAwardedPerSupplier=lots_per_winner"
SIRENE = "FR-INSEE"  # of org-id.guide: SIRET and SIREN
COMMUNES = "FR-COG"  # communes and departments by their number


def text(records: Iterable[Tender | Award], uri: str = "") -> Iterator[str]:
    """A release package as JSON, piece by piece.  Needs that are not published are left out."""
    head = {
        "uri": uri or f"urn:{PREFIX}:releases",
        "version": "1.1",
        "publishedDate": datetime.now(UTC).isoformat(timespec="seconds"),
        "publisher": {"name": f"Maillage {__version__}"},
    }
    yield json.dumps(head)[:-1] + ', "releases": ['
    glue = "\n"
    for record in records:
        if not (isinstance(record, Tender) and record.confidential):
            release = of_tender(record) if isinstance(record, Tender) else of_award(record)
            yield glue + json.dumps(release)
            glue = ",\n"
    yield "\n]}\n"


def of_tender(tender: Tender) -> Json:
    tag, status = NATURES[tender.nature]
    parties = _Parties()
    buyer = parties.add("buyer", tender.buyer.id, tender.buyer.name, tender.buyer)
    for other in tender.joint_buyers:
        parties.add("buyer", other.id, other.name, other)
    if party := next(iter(parties.listed), None):
        party["contactPoint"] = _some(codec.flat(tender.contact, "name, email, telephone=phone"))
    types = {CATEGORIES[lot.contract_type] for lot in tender.lots if lot.contract_type}
    documents = (
        ("notice", "tenderNotice", tender.url),
        ("documents", "biddingDocuments", tender.documents_url),
    )
    about = {
        "id": tender.reference or tender.id,
        "title": tender.title,
        "description": tender.description,
        "status": status,
        "procurementMethodDetails": tender.procedure,
        "mainProcurementCategory": next(iter(types)) if len(types) == 1 else "",
        "tenderPeriod": _some({"endDate": tender.deadline.isoformat() if tender.deadline else ""}),
        "documents": [{"id": id, "documentType": kind, "url": url} for id, kind, url in documents if url],
        "lots": [_lot(lot, tender) for lot in tender.lots],
        "items": [item for lot in tender.lots if (item := _item(lot.id, lot.cpv, _stated(lot), lot.id))],
        "lotDetails": _some(codec.flat(tender, LIMITS)),
        OWN: _own(tender, OWN_OF_TENDER),
    }
    awards = [_award(award, parties) for award in tender.awards]
    related = [
        {"id": str(number), "relationship": ["prior"], "scheme": "ocid", "identifier": f"{PREFIX}-{id}"}
        for number, id in enumerate(tender.related, 1)
    ]
    made = {"language": tender.language, "parties": parties.listed, "buyer": buyer, "tender": _some(about)}
    made |= {"awards": awards, "relatedProcesses": related, **_bids(tender.awards)}
    return _head(tender.folder or tender.id, tender.id, [tag], tender.published) | _some(made)


def of_award(award: Award) -> Json:
    parties = _Parties()
    buyer = parties.add("buyer", award.buyer.id, award.buyer.name, award.buyer)
    tender = {"id": award.uid, "procurementMethodDetails": award.procedure}
    made = {"language": "fr", "parties": parties.listed, "buyer": buyer, "tender": _some(tender)}
    made |= {"awards": [_award(award, parties)], **_bids([award])}
    return _head(award.uid, award.uid, ["award", "contract"], award.notified) | _some(made)


def _head(process: str, id: str, tags: list[str], day: date | None) -> Json:
    moment = datetime.combine(day, time(), UTC) if day else datetime.now(UTC)
    known = {"ocid": f"{PREFIX}-{process}", "id": id.replace("#", "-"), "date": moment.isoformat()}
    return {**known, "tag": tags, "initiationType": "tender"}


def _lot(lot: Lot, tender: Tender) -> Json:
    reserved = lot.reservation and sorted({RESERVED[a] for a in lot.reservation.articles if a in RESERVED})
    kinds = {"%": "percentageExact", "points": "points"}
    criteria = []
    for each in lot.criteria:
        number = {"number": each.weight, "weight": kinds.get(each.weight_unit, "decimalExact")}
        numbers = [] if each.weight is None else [number]
        criteria.append(_some({"type": each.kind, "name": each.name, "numbers": numbers}))
    own_deadline = lot.deadline if lot.deadline != tender.deadline else None
    return _some(
        {
            "id": lot.id,
            "title": lot.title,
            "description": lot.description,
            "value": _value(lot.amount, lot.currency),
            "contractPeriod": _period(lot.duration_months, lot.start),
            "tenderPeriod": _some({"endDate": own_deadline.isoformat() if own_deadline else ""}),
            "mainProcurementCategory": CATEGORIES.get(lot.contract_type, ""),
            "awardCriteria": _some({"criteria": criteria}),
            "otherRequirements": _some({"reservedParticipation": reserved}),
            OWN: _own(lot, (*OWN_OF_LOT, "places") if _stated(lot) != list(lot.places) else OWN_OF_LOT),
        }
    )


def _award(award: Award, parties: _Parties) -> Json:
    lot = award.source.partition(":")[2]
    return _some(
        {
            "id": award.uid,
            "title": award.title,
            "status": "active",
            "date": datetime.combine(award.notified, time(), UTC).isoformat() if award.notified else "",
            "value": _value(award.amount, "EUR"),
            "suppliers": [parties.add("supplier", one.id, one.name, one) for one in award.holders],
            "items": [item] if (item := _item("1", [award.cpv or ""], [award.place])) else [],
            "contractPeriod": _period(award.duration_months, None),
            "relatedLots": [lot] if lot else [],
            OWN: _own(award, OWN_OF_AWARD),
        }
    )


def _bids(awards: Iterable[Award]) -> Json:
    """How many tenders were received for each award (bid statistics extension)."""
    counts = [
        {"id": award.uid, "measure": "bids", "value": award.offers_received}
        for award in awards
        if award.offers_received is not None
    ]
    return {"bids": {"statistics": counts}} if counts else {}


class _Parties:
    """The organisations of a release, each once with its roles."""

    def __init__(self) -> None:
        self.listed: list[Json] = []

    def add(self, role: str, id: str, name: str, of: Buyer | Holder) -> Json:
        """The reference to an organisation, now listed with this role; empty where nothing is known of it."""
        if not (id or name):
            return {}
        number = id if id[:9].isdecimal() and len(id) in (9, 14) else ""
        key = f"{SIRENE}-{number}" if number else id or f"party-{len(self.listed) + 1}"
        party = next((each for each in self.listed if each["id"] == key and each["name"] == name), None)
        if party is None:
            party = {"id": key, "name": name, "roles": []}
            if id:
                party["identifier"] = _some({"scheme": SIRENE if number else "", "id": id, "legalName": name})
            if isinstance(of, Buyer):
                place = Place() if of.place.inferred else of.place
                party |= _some({"address": _address(place), "details": _some({"type": of.type})})
                party |= _located(place)
            self.listed.append(party)
        if role not in party["roles"]:
            party["roles"].append(role)
        return {"id": key, "name": name}


def _stated(lot: Lot) -> list[Place]:
    return [place for place in lot.places if not place.inferred]


def _item(id: str, codes: Iterable[str], places: Iterable[Place], lot: str = "") -> Json:
    """What is bought and where; empty where neither is known."""
    classes = [{"scheme": "CPV", "id": code} for code in codes if code]
    known = [place for place in places if place != Place()]
    if not (classes or known):
        return {}
    addresses = [{**_address(place), **_located(place)} for place in known]
    made: Json = {"id": id, "classification": classes[0] if classes else {}, "deliveryAddresses": addresses}
    return _some(made | {"additionalClassifications": classes[1:], "relatedLot": lot})


def _address(place: Place) -> Json:
    if place == Place():
        return {}
    return _some(codec.flat(place, "locality=label, postalCode=postcode, region=nuts, countryName=country"))


def _located(place: Place) -> Json:
    """The number of the commune or department, as a gazetteer of the location extension."""
    number = place.commune or place.department
    return (
        {"deliveryLocation": {"gazetteer": {"scheme": COMMUNES, "identifiers": [number]}}} if number else {}
    )


def _value(amount: float | None, currency: str) -> Json:
    return {} if amount is None else {"amount": amount, "currency": currency}


def _period(months: float | None, start: date | None) -> Json:
    days = None if months is None else round(months * MONTH_DAYS)
    return _some({"startDate": f"{start.isoformat()}T00:00:00Z" if start else "", "durationInDays": days})


def _own(value: Tender | Lot | Award, names: tuple[str, ...]) -> Json:
    """The fields of these names that have not their default."""
    defaults = {each.name: each.default for each in fields(value)}
    whole = codec.to_json(value)
    return {name: whole[name] for name in names if getattr(value, name) != defaults[name]}


def _some(given: Mapping[str, Any]) -> Json:
    """Without what is unknown; what is `OWN`, even empty, says who wrote it."""
    return {
        name: value for name, value in given.items() if name == OWN or value not in (None, "", [], {}, ())
    }
