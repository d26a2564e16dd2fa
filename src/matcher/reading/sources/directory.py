"""A user-supplied list of structures: CSV, XLSX, JSON lines or a JSON list, its columns guessed by their headings.

Several offers a structure: repeat its SIRET, number the columns (`offre_1`, `offre_2`), or nest `offers`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, BinaryIO

from matcher.domain import BadInput, Offer, OfferNature, Rejected, Structure, Zone
from matcher.reading.sources import _structure, _tabular
from matcher.reading.sources._places import place_of
from matcher.reference.identifiers import (
    clean_amount,
    clean_cpv,
    clean_date,
    clean_naf,
    identified,
    rna_identity,
)
from matcher.reference.text import clean, fold, shorten

YIELDS = "structure"

#: Field -> the headings it is known by (accents, case, underscores and plurals do not matter).
ALIASES: dict[str, tuple[str, ...]] = {
    "siret": ("siret", "n siret", "no siret", "numero siret", "num siret", "siret siege", "code siret", "siret number"),
    "siren": ("siren", "n siren", "numero siren"),
    "finess": ("finess", "n finess", "numero finess", "finess et", "no finess"),
    "rna": ("rna", "numero rna", "n rna", "code rna", "identifiant association"),
    "own_id": ("own id", "id", "id structure", "identifiant structure", "numero adherent", "code adherent"),
    "name": (
        "name", "nom", "raison sociale", "denomination", "nom structure", "nom de la structure", "structure",
        "nom complet", "company name", "legal name", "organisation", "entreprise", "nom de l etablissement",
        "denomination sociale", "nom commercial et raison sociale",
    ),
    "brand": ("brand", "enseigne", "nom commercial", "nom usage", "marque", "trade name", "nom d usage"),
    "kind": (
        "kind", "type", "type de structure", "type structure", "type siae", "categorie", "mesure", "statut",
        "famille ess", "category", "dispositif", "nature de la structure", "typologie",
    ),
    "naf": ("naf", "code naf", "ape", "code ape", "activite principale", "nace", "code naf ape", "naf code"),
    "legal_form": ("legal form", "forme juridique", "nature juridique", "categorie juridique", "statut juridique"),
    "address": ("address", "adresse", "rue", "street", "adresse postale", "voie", "adresse complete"),
    "street_number": ("num rue", "numero voie", "numero de voie", "numero rue"),
    "street": ("nom rue", "nom voie", "libelle voie", "nom de la voie"),
    "postcode": ("post code", "postcode", "code postal", "cp", "zip", "postal code", "zip code"),
    "town": ("city", "ville", "commune", "town", "localite", "lieu", "nom commune", "nom de la commune", "municipality"),
    "commune": ("code commune", "code insee", "insee", "code insee commune", "insee code", "commune code"),
    "department": (
        "department", "departement", "dept", "dep", "code departement", "no departement", "department code",
        "numero departement",
    ),
    "region": ("region", "nom region", "region name"),
    "latitude": ("latitude", "lat"),
    "longitude": ("longitude", "lon", "lng", "long"),
    "description": (
        "description", "presentation", "objet social", "resume", "summary", "a propos", "about", "activite globale",
        "description de la structure", "presentation de la structure", "metier principal",
    ),
    "website": ("website", "site", "site web", "site internet", "url", "web", "web site"),
    "phone": ("phone", "telephone", "tel", "telephone standard", "numero de telephone", "phone number"),
    "email": ("email", "e mail", "mail", "courriel", "contact email", "adresse mail", "adresse e mail"),
    "networks": ("networks", "reseau", "reseaux", "network", "federation"),
    "labels": ("labels", "label", "certification", "labels et certifications", "certifications", "agrements"),
    "turnover": ("turnover", "chiffre d affaires", "ca", "revenue", "ca annuel", "chiffre d affaires annuel"),
    "headcount": (
        "headcount", "effectif", "nombre de salaries", "employees", "nb salaries", "etp", "salaries", "effectif etp",
        "employees count",
    ),
    "headcount_band": ("tranche effectif", "tranche effectif salarie", "tranche d effectif", "headcount band"),
    "active": ("active", "est active", "etat administratif", "actif", "en activite", "is active"),
    "convention": ("convention", "etat convention", "statut convention", "conventionnement", "agreement"),
    "updated": ("updated", "updated at", "date de mise a jour", "maj", "date maj", "mise a jour", "last update"),
    "predecessors": (
        "predecessors", "ancien siret", "siret precedent", "previous siret", "ancien numero siret", "anciens siret",
    ),
    "zone": (
        "zone", "zone d intervention", "perimetre", "perimetre d intervention", "perimeters", "rayon d action", "area",
        "secteur geographique", "zone geographique", "service area", "zone intervention", "territoire",
        "territoire d intervention",
    ),
    "radius": ("radius", "rayon", "rayon km", "radius km", "rayon d intervention", "distance max", "mobilite km"),
    "zone_departments": (
        "departements d intervention", "zone departements", "departements couverts", "departements desservis",
        "departments served", "covered departments",
    ),
    "zone_regions": ("regions d intervention", "zone regions", "regions couvertes", "regions served"),
    "sectors": ("sectors", "secteur", "secteur d activite", "secteurs d activite", "domaine", "domaine d activite", "sector"),
    "service_types": ("presta types", "type de prestation", "presta type", "prestation type", "service types"),
    "offer": (
        "offer", "offre", "activite", "prestation", "service", "atelier", "metier", "savoir faire", "competence",
        "poste", "appellation modifiee", "intitule", "titre offre", "offer title", "offre titre", "intitule offre",
        "offre de service", "offres de services", "activite proposee", "title", "titre", "intitule du poste", "job title",
        "nom offre", "produit", "produits et services",
    ),
    "offer_text": (
        "offer description", "offre description", "description offre", "description de l offre", "detail",
        "description de l activite", "description activite", "detail offre", "offre detail", "offer text",
        "activite description", "prestation description", "description prestation",
    ),
    "rome": ("rome", "code rome", "rome code", "offre rome", "offer rome"),
    "rome_label": ("rome libelle", "libelle rome", "rome label"),
    "cpv": ("cpv", "code cpv", "codes cpv", "cpv code", "offre cpv", "offer cpv"),
}  # fmt: skip
#: Keys of a JSON row that hold nested offers; in a table they are headings of offers.
NESTED = ("offers", "offres", "activites", "activities", "prestations", "ateliers", "jobs", "postes")
NUMBERED = frozenset({"offer", "offer_text", "rome", "cpv", "sectors"})
FIELDS = tuple(ALIASES)
#: Words of a heading that describes someone other than the structure: a list of notices has the buyer's SIRET.
_OTHERS = frozenset({"acheteur", "buyer", "titulaire", "adjudicateur", "organisme", "acheteurs"})
LISTS = ("structures", "siaes", "data", "results", "records", "items")
#: Keys that belong to another format, which its own source reads better.
_FOREIGN = frozenset(
    {
        "marches", "titulaires", "acheteur", "donnees", "objet", "nom_complet", "presta_types", "presta_type",
        "bloque_candidatures", "asked", "provenance",
        "score_qualite", "finess_et", "nofinesset", "numero_rna", "adrs_codepostal", "opened", "titulaire_id",
    }
)  # fmt: skip


def mapping(headings: Sequence[str]) -> dict[str, str]:
    """Field -> heading, guessed; a numbered field ("offer.2") stands for a numbered column."""
    own = [h for h in headings if not _OTHERS & set(_tabular.words(h).split())]
    found = _tabular.guess([h for h in own if not _nested_name(h)], ALIASES, NUMBERED)
    plural = next(filter(_nested_name, own), None)
    if plural is not None and not {"offer", "offer.1"} & set(found):
        found["offer"] = plural
    if "offer" not in found and "offer.1" not in found and "description" in found and "rome" in found:
        # A list of jobs: its description is the job's, not the structure's.
        found["offer_text"] = found.pop("description")
    elif "offer" in found and "offer_text" not in found and "name" not in found and "description" in found:
        found["offer_text"] = found.pop("description")
    if "siren" in found and "siret" not in found:
        found["siret"] = found["siren"]
    return found


def _nested_name(heading: str) -> bool:
    return fold(heading) in NESTED


_known = _tabular.score_of(mapping)


def recognises(name: str, head: bytes) -> bool:
    """True for a table, or JSON rows, whose headings hold a SIRET and something of a structure."""
    if _tabular.is_zip(head):
        return _tabular.is_workbook(name)
    headings = _tabular.headings_of(head)
    if {"lots", "buyer"} <= set(headings or ()):  # a list of notices in our own form
        return False
    if not headings or any(heading in _FOREIGN for heading in headings):
        return False
    if any(h.lower().startswith(("titulaire", "acheteur", "codecpv")) for h in headings):
        return False
    found = {name: heading for name, heading in mapping(headings).items() if not _nested_name(heading)}
    # Without SIRETs it is still a directory, whose reader says which column to name.
    if {"website", "latitude"} <= set(found) and {"name", "offer"} & set(found):
        return True
    return {"name", "kind"} <= set(found) or (
        "siret" in found and bool({"name", "kind", "brand", "town", "offer"} & set(found))
    )


@dataclass
class _Draft:
    """A structure under construction: further rows may follow."""

    structure: Structure
    offers: list[Offer] = field(default_factory=list)
    descriptions: list[str] = field(default_factory=list)


def read(
    stream: BinaryIO, name: str, columns: Mapping[str, str] | None = None
) -> Iterator[Structure | Rejected]:
    """One Structure for each SIRET and kind, in the order of their first rows, then its offers in file order.

    `columns` corrects the guessed mapping (field -> heading).  Raises BadInput when there is no SIRET column.
    """
    source = _tabular.source_of(name)

    def check(found: Mapping[str, str], keys: Sequence[str], place: str) -> None:
        if "siret" not in found and not place.startswith(("line", "record")):
            raise BadInput(
                f"{name} has no column of SIRETs among {', '.join(keys[:12])}: "
                "name it with --map siret=COLUMN, or give the notices' own format"
            )

    drafts: dict[tuple[str, str], _Draft] = {}
    first_of: dict[str, tuple[str, str]] = {}  # the first key of each SIRET
    rows = _tabular.rows(stream, name, _known, LISTS)
    for place, row, found in _tabular.mapped(
        rows, lambda keys: _tabular.correct(mapping(keys), columns, keys, FIELDS), check
    ):
        outcome = row if isinstance(row, str) else _draft(row, found, source)
        if isinstance(outcome, str):
            yield _tabular.rejected(name, place, outcome)
            continue
        key = (outcome.structure.siret, outcome.structure.kind)
        if not outcome.structure.kind and key not in drafts:
            # A row that states no kind belongs to the structure of that SIRET, whatever its kind.
            key = first_of.get(key[0], key)
        first_of.setdefault(key[0], key)
        if key in drafts:
            _join(drafts[key], outcome)
        else:
            drafts[key] = outcome
    yield from (_finished(draft) for draft in drafts.values())


_FILLED = (
    "name", "brand", "naf", "legal_form", "address", "website", "phone", "email", "zone", "turnover", "headcount",
    "networks", "labels", "active", "convention", "updated",
)  # fmt: skip


def _join(draft: _Draft, more: _Draft) -> None:
    """A further row of the same structure: its offers are added, its fields fill what was empty."""
    new = more.structure
    empty = {
        name: getattr(new, name)
        for name in _FILLED
        if not getattr(draft.structure, name) and getattr(new, name)
    }
    draft.structure = replace(draft.structure, **empty)
    draft.offers += more.offers
    draft.descriptions += more.descriptions


def _finished(draft: _Draft) -> Structure:
    """The description first, then the distinct offers, each with an id of its own."""
    structure = draft.structure
    texts = list(dict.fromkeys(text for text in draft.descriptions if text))
    zones = list(dict.fromkeys(offer.zone for offer in draft.offers if offer.zone is not None))
    zones += [structure.zone] if structure.zone is not None and structure.zone not in zones else []
    zone = _together(zones) if zones else None
    offers = draft.offers
    if len(zones) == 1:  # one zone is that of all it offers; of several, each activity reaches its own
        offers = [replace(offer, zone=zone) for offer in offers]
    numbered = _structure.numbered_offers(replace(structure, zone=zone), texts, offers)
    flags = structure.flags
    if not structure.name:
        flags = (*flags, "offers-only")
    return replace(structure, description="\n".join(texts), offers=numbered, zone=zone, flags=flags)


def _together(zones: Iterable[Zone]) -> Zone:
    """What several zones reach together: that of a structure whose activities reach each its own."""
    found = list(zones)
    radii = [zone.radius_km for zone in found if zone.radius_km is not None]
    return Zone(
        radius_km=max(radii, default=None),
        departments=tuple(dict.fromkeys(d for zone in found for d in zone.departments)),
        regions=tuple(dict.fromkeys(r for zone in found for r in zone.regions)),
        country=any(zone.country for zone in found),
    )


def _draft(row: Mapping[str, Any], columns: Mapping[str, str], source: str) -> _Draft | str:
    """The structure and offers of one row, or the reason why there are none."""

    def cell(name: str) -> Any:
        return row.get(columns[name]) if name in columns else None

    def text(name: str, limit: int = 300) -> str:
        value = cell(name)
        if value is None or value != value:
            return ""
        if isinstance(value, list | tuple):
            value = " ; ".join(_structure.several(value))
        cleaned = clean(str(value), limit)
        return "" if cleaned.lower() in ("nan", "none", "null", "[nd]", "n/a", "nc") else cleaned

    siret, flags, refused = identified(
        _structure.siret_of(cell("siret"), cell("siren")), cell("finess"), cell("rna"), cell("own_id")
    )
    if refused:
        return refused
    name, brand = text("name"), text("brand")
    offers = list(_offers(row, columns, source, text))
    if not name and not brand and not offers:
        return "no name: fill in the name of the structure, or point to its column with --map name=COLUMN"
    stated_kind = text("kind")
    kind = _structure.kind_of(stated_kind)
    provenance: dict[str, str] = {}
    if kind is None:
        kind = _structure.kind_in_name(name) or ""
        if kind:
            flags = (*flags, "kind-inferred")
            provenance["kind"] = "from the name"
        elif stated_kind:
            flags = (*flags, "kind-unknown")
        else:
            flags = (*flags, "kind-missing")
    department = next(iter(_structure.departments_of(cell("department"))), None)
    region = next(iter(_structure.regions_of(cell("region"))), None)
    place = place_of(
        town=text("town"),
        postcode=cell("postcode"),
        commune=cell("commune"),
        department=department,
        region=region,
        latitude=cell("latitude"),
        longitude=cell("longitude"),
    )
    if place.department is None and place.latitude is None:
        flags = (*flags, "place-unknown")
    updated = clean_date(cell("updated"))
    structure = Structure(
        siret=siret,
        name=name or brand,
        kind=kind,
        brand=brand,
        naf=clean_naf(cell("naf")),
        legal_form=text("legal_form"),
        address=text("address") or " ".join(filter(None, (text("street_number"), text("street")))),
        place=place,
        zone=_zone(cell),
        website=text("website"),
        phone=text("phone", 60),
        email=text("email", 200),
        networks=_structure.several(cell("networks")),
        labels=_structure.several(cell("labels")),
        turnover=clean_amount(cell("turnover")),
        headcount=_structure.number_of(cell("headcount"))
        or _structure.headcount_of_band(cell("headcount_band")),
        active=_structure.yes_no(cell("active")),
        checked=updated if _structure.yes_no(cell("active")) is not None else None,
        convention=text("convention", 100),
        source=source,
        updated=updated,
        rna=rna_identity(cell("rna")),
        predecessors=tuple(
            number
            for number in (_structure.siret_of(part)[0] for part in _structure.several(cell("predecessors")))
            if number
        ),
        flags=flags,
        provenance=provenance,
    )
    if structure.zone is not None:  # a row's zone is that of the activities it states
        offers = [offer if offer.zone else replace(offer, zone=structure.zone) for offer in offers]
    descriptions = [text("description", 20_000)] if text("description", 20_000) else []
    return _Draft(structure, offers, descriptions)


def _zone(cell: Any) -> Zone | None:
    return _structure.zone_of(cell("zone"), cell("radius"), cell("zone_departments"), cell("zone_regions"))


def _offers(row: Mapping[str, Any], columns: Mapping[str, str], source: str, text: Any) -> Iterator[Offer]:
    """The offers of a row: plain columns, numbered columns, nested lists."""
    numbers = sorted(
        {key.partition(".")[2] for key in columns if key.partition(".")[0] in NUMBERED}, key=_rank
    )
    shared_sectors = _structure.several(row.get(columns["sectors"])) if "sectors" in columns else ()
    service_types = (
        _structure.service_types_of(row.get(columns["service_types"])) if "service_types" in columns else ()
    )
    for number in numbers:
        suffix = f".{number}" if number else ""
        # Without a text of their own, titles parted by ; or newlines in one cell are several offers.
        heading = columns.get(f"offer{suffix}", "")
        raw = row.get(heading)
        nested = _nested_name(heading) and isinstance(raw, list)  # read below
        titles: Sequence[str] = ("" if nested else text(f"offer{suffix}", 2_000),)
        body = text(f"offer_text{suffix}", 20_000)
        if (
            not nested
            and not body
            and (isinstance(raw, list) or any(sign in str(raw or "") for sign in ";|\n•"))
        ):
            titles = _structure.several(raw)
        rome = _rome(row.get(columns.get(f"rome{suffix}", "")))
        label = text("rome_label") if not number else ""
        cpv = _cpv(row.get(columns.get(f"cpv{suffix}", "")))
        sectors = _structure.several(row.get(columns.get(f"sectors{suffix}", ""))) or shared_sectors
        for title in titles:
            offer = _offer(title or label, body, rome, cpv, sectors, service_types, None, source)
            if offer:
                yield offer
    if not numbers and shared_sectors:
        for sector in shared_sectors:
            yield Offer(id="", title=sector, sectors=(sector,), service_types=service_types, source=source)
    for key in row:
        if _nested_name(key) and isinstance(row[key], list):
            for item in row[key][:500]:
                yield from _nested(item, shared_sectors, service_types, source)


def _nested(
    item: Any, sectors: tuple[str, ...], service_types: tuple[str, ...], source: str
) -> Iterator[Offer]:
    if isinstance(item, str):
        item = {"title": item}
    if not isinstance(item, Mapping):
        return

    def first(*keys: str) -> Any:
        return next((item[key] for key in keys if item.get(key)), None)

    def plain(value: Any, limit: int) -> str:
        return clean(str(value), limit) if isinstance(value, str | int | float) else ""

    offer = _offer(
        plain(first("title", "titre", "name", "nom", "intitule", "offre", "activite"), 2_000),
        plain(first("description", "text", "texte", "detail"), 20_000),
        _rome(first("rome", "code_rome")),
        _cpv(first("cpv", "code_cpv")),
        _structure.several(first("sectors", "secteurs", "sector", "secteur")) or sectors,
        _structure.service_types_of(first("presta_types", "presta_type", "service_types")) or service_types,
        _structure.zone_of(
            first("zone", "perimeter", "perimeters", "perimetre"),
            first("radius", "rayon", "radius_km"),
            first("departments", "departements"),
            first("regions"),
        ),
        source,
        since=clean_date(first("since", "depuis", "date")),
    )
    if offer:
        yield offer


def _offer(
    title: str,
    body: str,
    rome: tuple[str, ...],
    cpv: tuple[str, ...],
    sectors: tuple[str, ...],
    service_types: tuple[str, ...],
    zone: Zone | None,
    source: str,
    since: date | None = None,
) -> Offer | None:
    """An offer, or a job where all there is is a job's name and its ROME code; None for an empty row."""
    if not title and not body:
        return None
    nature: OfferNature = "job" if rome and not body else "offer"
    return Offer(
        id="", title=title or shorten(body, 120), text=body, nature=nature, cpv=cpv, rome=rome, sectors=sectors,
        service_types=service_types, zone=zone, since=since, source=source,
    )  # fmt: skip


def _rank(number: str) -> int:
    return int(number) if number else 0


def _rome(raw: object) -> tuple[str, ...]:
    codes = (code.strip().upper()[:5] for code in _structure.several(raw))
    return tuple(
        dict.fromkeys(code for code in codes if len(code) == 5 and code[0].isalpha() and code[1:].isdigit())
    )


def _cpv(raw: object) -> tuple[str, ...]:
    return tuple(dict.fromkeys(code for code in map(clean_cpv, _structure.several(raw)) if code))
