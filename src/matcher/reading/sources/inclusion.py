"""Pages of data.inclusion's structures, each with its services where `matcher sync inclusion` laid them under it."""

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from matcher.domain import Offer, Rejected, Structure, Zone
from matcher.reading.impersonal import impersonal
from matcher.reading.sources import _structure, _tabular
from matcher.reading.sources._json import objects
from matcher.reading.sources._structure import plain, several
from matcher.reference import places
from matcher.reference.identifiers import clean_date, identified
from matcher.reference.text import clean

YIELDS = "structure"
LISTS = ("items",)
#: Networks whose members are of one kind (data.inclusion, schema v1, `reseaux_porteurs`, as published in August 2026).
KIND_OF_NETWORK = {"geiq": "GEIQ", "unea": "EA", "chantier-ecole": "ACI"}


def recognises(name: str, head: bytes) -> bool:
    """True for JSON of structures with `score_qualite`; pages of services alone name no SIRET and are not read."""
    return "score_qualite" in _tabular.keys_of(head)


def read(stream: BinaryIO, name: str) -> Iterator[Structure | Rejected]:
    """One Structure an item with a SIRET, in page order."""
    rows, source = _tabular.rows(stream, name, lists=LISTS), _tabular.source_of(name)
    # a row with `structure_id` is a service, which is listed under its structure
    return _tabular.structures(
        rows, name, lambda row: None if "structure_id" in row else structure_of(row, source)
    )


def structure_of(row: Mapping[str, Any], source: str = "data.inclusion") -> Structure | str:
    """The structure of one item; a str is the reason why it is rejected."""
    identity = identified(_structure.siret_of(row.get("siret")), rna=row.get("rna"), own=row.get("id"))
    # v1 states no kind but the network's, and "siae" says no more than that it is one
    networks = map(KIND_OF_NETWORK.get, several(row.get("reseaux_porteurs")))
    by_network, by_name = next(filter(None, networks), ""), _structure.kind_in_name(plain(row.get("nom")))
    kind = _structure.kind_of(row.get("typologie")) or by_network or by_name or ""
    description = impersonal(clean(str(row.get("description") or ""), 20_000))
    services = [_service(one) for one in objects(row.get("services")) if plain(one.get("nom"))]
    return _structure.published(row, "inclusion", source, identity, kind, told=[description], offers=services)


def _service(row: Mapping[str, Any]) -> Offer:
    """A service to persons is what the structure says of itself, not an offer to a buyer: a description."""
    return Offer(
        id="",
        title=plain(row.get("nom")),
        text=impersonal(
            clean(f"{plain(row.get('nom'))}. {clean(str(row.get('description') or ''), 20_000)}")
        ),
        nature="description",
        zone=_zone(row),
        since=clean_date(row.get("date_maj")),
    )


def _zone(row: Mapping[str, Any]) -> Zone | None:
    """What `zone_eligibilite` (v1) says, or `zone_diffusion_type` (v0): departments, regions or the country."""
    if codes := several(row.get("zone_eligibilite") or []):
        if "france" in codes:
            return Zone(country=True)
        # a commune stands for its department; two digits may be a region's code too, and are read as the smaller area
        known = tuple(dict.fromkeys(found for code in codes for found in _departments(code)))
        groupings = tuple(code for code in codes if code in places.groupings())
        return Zone(departments=known, groupings=groupings) if known or groupings else None
    kind, code = plain(row.get("zone_diffusion_type")), plain(row.get("zone_diffusion_code"))
    if kind == "pays":
        return Zone(country=True)
    if kind == "departement" and (departments := _structure.departments_of(code)):
        return Zone(departments=departments)
    found = _structure.regions_of(row.get("zone_diffusion_nom")) if kind == "region" else ()
    return Zone(regions=found) if found else None


def _departments(code: str) -> tuple[str, ...]:
    """The department of the code of a commune or of a department; none for an EPCI."""
    if len(code) == 5:
        commune = places.commune(code)
        return (commune.department,) if commune else ()
    return _structure.departments_of(code) if len(code) < 4 else ()
