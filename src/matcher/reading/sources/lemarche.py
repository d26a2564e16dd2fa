"""Pages of Le Marché de l'inclusion's public API (`/api/siae/`): one Structure a result."""

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from matcher.domain import Offer, Rejected, Structure, Zone
from matcher.reading.sources import _structure, _tabular, _zones
from matcher.reading.sources._json import objects
from matcher.reading.sources._places import place_of
from matcher.reference.text import clean, shorten

YIELDS = "structure"
LISTS = ("results",)
#: Keys that only this API writes.
_OWN = frozenset(
    "presta_type presta_types contact_website client_references perimeters geo_range is_qpv".split()
)


def recognises(name: str, head: bytes) -> bool:
    """True for JSON whose keys are a SIRET and at least one that only this API writes."""
    keys = _tabular.keys_of(head)
    return "siret" in keys and bool(keys & _OWN)


def read(stream: BinaryIO, name: str) -> Iterator[Structure | Rejected]:
    """One Structure a result, in page order; a page may be a whole response, its results, or JSON lines."""
    rows, source = _tabular.rows(stream, name, lists=LISTS), _tabular.source_of(name)
    return _tabular.structures(rows, name, lambda row: structure_of(row, source))


def structure_of(row: Mapping[str, Any], source: str = "lemarche") -> Structure | str:
    """The structure of one result; a str is the reason why it is rejected."""
    zone = _zone(row)
    # The market says the convention is in force, not that the register knows the establishment open.
    active = _structure.yes_no(row.get("is_active"))
    return _structure.published(
        row,
        "lemarche",
        source,
        zone=zone,
        told=[clean(str(row.get("description") or ""), 20_000)],
        offers=_offers(row, zone),
        convention="" if active is None else "active" if active else "inactive",
    )


def _offers(row: Mapping[str, Any], zone: Zone | None) -> Iterator[Offer]:
    services = _structure.service_types_of(row.get("presta_types") or row.get("presta_type"))
    sectors = _structure.several(row.get("sectors") or [])
    for item in objects(row.get("offers")):
        text, named = clean(str(item.get("description") or ""), 20_000), _structure.plain(item.get("name"))
        if item.get("name") or text:
            title = named or shorten(_structure.plain(item.get("description")), 120)
            yield Offer(id="", title=title, text=text, sectors=sectors, service_types=services)
    activities = objects(row.get("activities"))
    for activity in activities:
        types = _structure.service_types_of(activity.get("presta_types")) or services
        reach = _zone(activity) or zone
        for one in _structure.several(activity.get("sectors") or [activity.get("sector")]):
            yield Offer(id="", title=one, sectors=(one,), service_types=types, zone=reach)
    for one in () if activities else sectors:
        yield Offer(id="", title=one, sectors=(one,), service_types=services)


def _zone(row: Mapping[str, Any]) -> Zone | None:
    """COUNTRY, ZONES (named places) or CUSTOM (kilometres around the structure)."""
    places = row.get("perimeters") or row.get("locations")
    kind = str(row.get("geo_range") or "").upper()
    if kind == "COUNTRY":
        return Zone(country=True)
    if kind == "CUSTOM":
        return _zones.zone_of(None, radius=row.get("geo_range_custom_distance"))[0]
    if not places:
        return None
    listed = places if isinstance(places, list) else [places]
    departments: list[str] = []
    regions: list[str] = []
    for item in listed:
        kind = str(item.get("kind") or "").upper() if isinstance(item, Mapping) else ""
        label = item.get("name") if isinstance(item, Mapping) else item
        if kind != "REGION":
            departments += _structure.departments_of(label) or _department_of_town(item, kind)
        if kind != "DEPARTMENT":
            regions += _structure.regions_of(label)
    if not departments and not regions:
        return None
    return Zone(departments=tuple(dict.fromkeys(departments)), regions=tuple(dict.fromkeys(regions)))


def _department_of_town(item: Any, kind: str) -> tuple[str, ...]:
    """A town as a zone stands for the department it lies in, the smallest area a zone can name."""
    if kind != "CITY" or not isinstance(item, Mapping):
        return ()
    codes = item.get("post_codes") or [item.get("post_code")]
    place = place_of(town=item.get("name"), postcode=codes[0] if isinstance(codes, list) and codes else None)
    return (place.department,) if place.department else ()
