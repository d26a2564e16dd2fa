"""Releases and records of the Open Contracting Data Standard 1.1: tenders with lots, awards with their suppliers.

A release with a tender is one notice, with its awards; one that only awards gives those awards.  Of a record the compiled release is
read, else the newest of those it embeds.  What `reading.ocds` adds for this program is read where it stands; elsewhere the texts are.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields, replace
from datetime import datetime
from typing import Any, BinaryIO, TypeVar

from matcher import codec
from matcher.domain import Award, BadInput, Buyer, Criterion, Lot, Nature, Place, Rejected, Tender
from matcher.reading import clauses, ocds
from matcher.reading.sources import _facts, _tabular
from matcher.reading.sources._json import Json, dig, first, listed, objects, text
from matcher.reading.sources._places import located
from matcher.reference.identifiers import clean_amount
from matcher.reference.tables import code_list
from matcher.reference.text import clean

YIELDS = "tender"
Value = TypeVar("Value", Tender, Lot, Award)
#: Tag of a release -> nature of the notice: the last of those it has.
TAGS: Mapping[str, Nature] = code_list("ocds tags")
CONTRACTS: Mapping[str, Any] = {category: kind for kind, category in ocds.CATEGORIES.items()}
ENDED = ("cancelled", "unsuccessful", "withdrawn")  # states of an award that nobody holds
ORGANISATION = re.compile(r"[A-Z]{2,3}-[A-Z0-9]+-(.+)")  # of org-id.guide: scheme and number
UNITS = {"percentageExact": "%", "points": "points"}


def _at(raw: Any, *path: str) -> str:
    return text(dig(raw, *path))


def recognises(name: str, head: bytes) -> bool:
    """True for JSON with `releases` or `records` that have an `ocid`."""
    keys = _tabular.keys_of(head)
    return "ocid" in keys and bool(keys & {"releases", "records"})


def read(stream: BinaryIO, name: str) -> Iterator[Tender | Award | Rejected]:
    """The notices and awards of a package, release by release.  Raises BadInput where there is no release at all."""
    number = 0
    groups = [("releases.item", "item.releases.item"), ("records.item", "item.records.item")]
    for place, record in _tabular.json_records(stream, name, groups, lambda record: False):
        number += 1
        if isinstance(record, str):
            yield Rejected(path=name, record=place, reason=record)
            continue
        try:
            yield from _of_release(_release(record))
        except BadInput as error:
            yield Rejected(path=name, record=text(record.get("ocid")) or place, reason=str(error))
    if not number:
        raise BadInput(f"{name} holds neither releases nor records: give an OCDS package of version 1.1")


def _release(record: Json) -> Json:
    """The release of a record, itself where it is none.  Raises BadInput where a record only links to its releases."""
    if "compiledRelease" in record or "releases" in record:
        embedded = [one for one in objects(record.get("releases")) if "tag" in one]
        newest = max(embedded, key=lambda one: text(one.get("date")), default=None)
        whole = first(record.get("compiledRelease"), newest)
        if not isinstance(whole, dict):
            raise BadInput(
                "a record that only links to its releases: give the package of the releases themselves"
            )
        return whole
    return record


def _of_release(release: Json) -> Iterator[Tender | Award]:
    if not text(release.get("ocid")):
        raise BadInput("a release without ocid: an OCDS release names its contracting process")
    tender = release.get("tender")
    if isinstance(tender, dict) and any(tender.get(key) for key in ("title", "description", "lots")):
        yield _tender(release, tender)
        return
    awards = list(_awards(release, (), _buyer(release), _at(tender, "procurementMethodDetails")))
    if not awards:
        raise BadInput("neither a tender that says what is bought nor an award: nothing to read")
    yield from awards


def _tender(release: Json, raw: Json) -> Tender:
    own, process = _own(raw), text(release["ocid"])
    number = text(release.get("id")) or "1"
    id = _at(own, "id") or (number if number.startswith(process) else f"{process}/{number}")
    parties = [one for one in listed(release.get("parties")) if "buyer" in listed(dig(one, "roles"))]
    buyer, buyers = _buyer(release), [_party(release, party) for party in parties]
    point = first(*(dig(party, "contactPoint") for party in parties))
    deadline = _facts.moment(_at(raw, "tenderPeriod", "endDate"))
    items = objects(raw.get("items"))
    lots = tuple(_lot(lot, id, raw, items, deadline) for lot in objects(raw.get("lots")))
    if not lots:
        lots = _facts.divided(_lot({**raw, "id": "1", ocds.OWN: None}, id, raw, items, deadline))
    documents = {
        _at(one, "documentType"): _facts.link(_at(one, "url")) for one in listed(raw.get("documents"))
    }
    tags = [TAGS[tag] for tag in map(text, listed(release.get("tag"))) if tag in TAGS]
    known: Nature = "award" if listed(release.get("awards")) else "call"
    tender = Tender(
        id=id,
        format="ocds",
        title=clean(text(raw.get("title")) or lots[0].title, 5_000),
        description=clean(text(raw.get("description")), 200_000),
        buyer=buyer,
        joint_buyers=tuple(each for each in buyers if each != buyer),
        lots=_facts.placed(lots, buyer.place) if own is None else lots,
        nature=tags[-1] if tags else known,
        reference=text(raw.get("id")) if text(raw.get("id")) not in (id, process) else "",
        procedure=clean(text(raw.get("procurementMethodDetails")) or text(raw.get("procurementMethod")), 200),
        language=text(release.get("language")) or "fr",
        published=_facts.day(text(release.get("date"))),
        deadline=deadline,
        url=documents.get("tenderNotice", ""),
        documents_url=documents.get("biddingDocuments", ""),
        contact=_facts.contact(_at(point, key) for key in ("name", "email", "telephone")),
        lots_per_tender=_facts.count(_at(raw, "lotDetails", "maximumLotsBidPerSupplier")),
        lots_per_winner=_facts.count(_at(raw, "lotDetails", "maximumLotsAwardedPerSupplier")),
        related=tuple(_at(one, "identifier") for one in listed(release.get("relatedProcesses"))),
        folder=process,
    )
    tender = replace(tender, awards=tuple(_awards(release, tender.lots, buyer, tender.procedure)))
    whole = _with(tender, own, ocds.OWN_OF_TENDER)
    return clauses.complete(whole, whole.description) if own is None else whole


def _lot(raw: Json, notice: str, tender: Json, items: list[Json], deadline: datetime | None) -> Lot:
    own, number = _own(raw), text(raw.get("id")) or "1"
    reserved = listed(dig(raw, "otherRequirements", "reservedParticipation"))
    mine = [item for item in items if text(item.get("relatedLot")) in ("", number)]
    lot = Lot(
        id=number if number.startswith(f"{notice}/") else f"{notice}/{number}",
        number=number,
        title=clean(text(raw.get("title")) or text(tender.get("title")), 5_000),
        description=clean(text(raw.get("description")), 200_000),
        cpv=_codes(mine),
        places=_places(mine),
        amount=clean_amount(dig(raw, "value", "amount")),
        currency=_at(raw, "value", "currency") or "EUR",
        contract_type=CONTRACTS.get(
            text(first(raw.get("mainProcurementCategory"), tender.get("mainProcurementCategory"))), ""
        ),
        duration_months=_months(raw.get("contractPeriod")),
        start=_facts.day(_at(raw, "contractPeriod", "startDate")),
        deadline=_facts.moment(_at(raw, "tenderPeriod", "endDate")) or deadline,
        reservation=_facts.reserved(
            "shelteredWorkshop" in reserved, "publicServiceMissionOrganization" in reserved
        ),
        criteria=tuple(map(_criterion, listed(dig(raw, "awardCriteria", "criteria")))),
    )
    return _with(lot, own, (*ocds.OWN_OF_LOT, *(("places",) if own and "places" in own else ())))


def _criterion(raw: Any) -> Criterion:
    number: Json = next(iter(listed(dig(raw, "numbers"))), {})
    kind, unit = _at(raw, "type"), UNITS.get(_at(number, "weight"), "")
    known: Any = {"kind": kind if kind in ("price", "cost", "quality") else "", "weight_unit": unit}
    name = _at(raw, "name") or _at(raw, "description")
    return Criterion(name=clean(name, 500), weight=clean_amount(dig(number, "number")), **known)


def _awards(release: Json, lots: tuple[Lot, ...], buyer: Buyer, procedure: str) -> Iterator[Award]:
    counts = {
        _at(one, "id"): _facts.count(_at(one, "value")) for one in listed(dig(release, "bids", "statistics"))
    }
    process = text(release["ocid"])
    for raw in objects(release.get("awards")):
        if text(raw.get("status")) in ENDED:
            continue
        own, id = _own(raw), text(raw.get("id"))
        named = [text(one) for one in listed(raw.get("relatedLots"))]
        lot = next((lot for lot in lots if lot.id in named or lot.id.rpartition("/")[2] in named), None)
        known = (_organisation(release, one) for one in listed(raw.get("suppliers")))
        suppliers = [_facts.holder(number, name, _placed(party)) for number, name, party in known]
        items = objects(raw.get("items"))
        award = Award(
            uid=f"{process}/award-{id}" if own is None else id,
            title=clean(
                text(raw.get("title")) or (lot.title if lot else _at(release, "tender", "title")), 5_000
            ),
            buyer=buyer,
            holders=tuple(one for one in suppliers if one.id or one.name),
            cpv=next(iter(_codes(items) or (lot.cpv if lot else ())), None),
            place=next(iter(_places(items) or (lot.places if lot else ())), Place()),
            amount=clean_amount(dig(raw, "value", "amount")),
            notified=_facts.day(text(raw.get("date"))),
            duration_months=_months(raw.get("contractPeriod")),
            procedure=procedure,
            offers_received=counts.get(id),
            relation="single" if len(suppliers) == 1 else "unknown",
            source="ocds",
        )
        yield _with(award, own, ocds.OWN_OF_AWARD)


def _buyer(release: Json) -> Buyer:
    """The buyer, else who runs the procedure."""
    named = first(release.get("buyer"), dig(release, "tender", "procuringEntity"))
    return _party(release, named) if isinstance(named, dict) else Buyer()


def _organisation(release: Json, reference: Any) -> tuple[str, str, Json]:
    """The number, name and party of a reference to an organisation; a party's own id is one where it says of which register."""
    local, name = _at(reference, "id"), _at(reference, "name")
    of_id = [one for one in listed(release.get("parties")) if _at(one, "id") == local]
    party: Json = next((one for one in of_id if _at(one, "name") == name), next(iter(of_id), {}))
    registered = ORGANISATION.fullmatch(local)
    number = _at(party, "identifier", "id") or (registered[1] if registered else "")
    return number, name or _at(party, "name"), party


def _party(release: Json, reference: Any) -> Buyer:
    number, name, party = _organisation(release, reference)
    kind: Any = _at(party, "details", "type")
    place = _placed(party)
    buyer = _facts.buyer(number, name, place, kind if kind in ("state", "local", "entity") else "")
    return buyer if place != Place() else replace(buyer, place=_facts.home(buyer.id))


def _placed(party: Json) -> Place:
    return _place({**(dig(party, "address") or {}), **party})


def _codes(items: list[Json]) -> tuple[str, ...]:
    classes = [
        one
        for item in items
        for one in (item.get("classification"), *listed(item.get("additionalClassifications")))
    ]
    return _facts.cpvs(_at(one, "id") for one in classes if _at(one, "scheme").upper() in ("CPV", ""))


def _places(items: list[Json]) -> tuple[Place, ...]:
    raw = [
        each
        for item in items
        for each in listed(item.get("deliveryAddresses")) or [{**(item.get("deliveryAddress") or {}), **item}]
    ]
    return tuple(dict.fromkeys(place for one in raw if (place := _place(one)) != Place()))


def _place(raw: Any) -> Place:
    """The place of an address, with the number of its commune or department where a gazetteer gives it."""
    gazetteer = dig(raw, "deliveryLocation", "gazetteer")
    numbers = listed(dig(gazetteer, "identifiers")) if _at(gazetteer, "scheme") == ocds.COMMUNES else []
    number, postcode, region = text(first(*numbers)), _at(raw, "postalCode"), _at(raw, "region")
    label = _at(raw, "locality") or _at(raw, "streetAddress")
    nuts = region if re.fullmatch(r"[A-Z]{2}[0-9A-Z]{1,3}", region) else ""
    if not (number or postcode or label or nuts):
        return Place()
    country = _facts.country(_at(raw, "countryName"))
    if number:
        commune, department = (number, None) if len(number) == 5 else (None, number)
        known = Place(label=label, postcode=postcode or None, nuts=nuts or None, country=country or "FR")
        return located(replace(known, commune=commune, department=department))
    return _facts.place(label, postcode=postcode, nuts=nuts, nation=country or "")


def _months(period: Any) -> float | None:
    """Months of a period: of its days, else between its two ends."""
    days = _facts.months(_at(period, "durationInDays"), "DAY")
    return days or _facts.span(_at(period, "startDate")[:10], _at(period, "endDate")[:10])


def _own(raw: Json) -> Mapping[str, Any] | None:
    """What this program added; None where another wrote it."""
    own = raw.get(ocds.OWN)
    return own if isinstance(own, dict) else None


def _with(value: Value, own: Mapping[str, Any] | None, names: tuple[str, ...]) -> Value:
    """The value with the fields that are its own, those left out by default.  Raises BadInput for one that does not fit."""
    if own is None:
        return value
    given = {name: own[name] for name in names if name in own}
    known = (each for each in fields(value) if each.name in names and each.default is not MISSING)
    plain: dict[str, Any] = {each.name: each.default for each in known}
    return codec.from_json(type(value), {**codec.to_json(replace(value, **plain)), **given})
