"""Merge records of several sources into one structure: by SIRET, by successor, then by SIREN and name.

Each field keeps the source and day it comes from.  Two kinds, or two workshops, of one bidder stay two
structures: an ACI and an AI under one SIRET answer differently, and so do two ESATs of one association.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from datetime import date

from matcher.domain import DISABILITY_KINDS, SELF, SIAE_KINDS, Offer, Place, Rejected, Structure
from matcher.reference import identifiers, places
from matcher.reference.text import fold

#: Kinds that define the activity of a structure; the others (ESS, SCOP, ASSO ...) are legal forms that any of these may have.
SPECIFIC = SIAE_KINDS | DISABILITY_KINDS | {"GEIQ", "SEP"}
#: Minimum name similarity (rapidfuzz token_sort_ratio, 0 to 100, folded) for one name within a SIREN and town.
SAME_NAME = 90.0
HIDDEN = "[nom non diffusible]"

_COMMON = frozenset("esat ea eatt atelier ateliers entreprise adaptee centre site sarl services".split())
RARE = 5  # bidders at most that bear a word by which alone a structure is known
#: Fields that are merged or handled separately; all others are taken from one source.
_APART = frozenset(
    "siret kind offers flags provenance predecessors networks labels denied source updated".split()
)


def merge(structures: Iterable[Structure]) -> tuple[tuple[Structure, ...], tuple[Rejected, ...]]:
    """Join the records of one establishment, and of those that it followed (`predecessors`), in order of first appearance.

    Records with offers alone (flag "offers-only") go to the structure of their SIRET, to all of their SIREN where they
    name no establishment, or are rejected: they come second.  A legal unit that the register says has ceased closes its establishments.
    """
    listed = list(structures)
    follows = _successors(listed)
    listed = _placed(_ceased(listed), follows)
    groups: dict[str, list[Structure]] = {}
    for record in listed:
        siret = _latest(record.siret, follows)
        if siret != record.siret:
            record = replace(record, siret=siret, predecessors=(record.siret, *record.predecessors))
        groups.setdefault(siret, []).append(record)
    clusters: list[list[Structure]] = []
    for records in groups.values():
        clusters += _by_kind(records)
    made = [_one(cluster) for cluster in _by_name(clusters)]
    orphans = tuple(
        Rejected(
            path=structure.source,
            record=structure.siret,
            reason="offers of a SIRET without a name: read them with the list that names it",
        )
        for structure in made
        if not structure.name
    )
    return tuple(s for s in made if s.name), orphans


def _placed(records: Sequence[Structure], follows: Mapping[str, str]) -> list[Structure]:
    """Records of offers alone under the SIRETs of the list: those of a legal unit under each of its establishments.

    One whose SIRET the list does not know goes to the only establishment of its SIREN: it moved.
    """
    named: dict[str, dict[str, None]] = {}
    for record in records:
        if record.name:
            named.setdefault(record.siren, {})[_latest(record.siret, follows)] = None
    placed: list[Structure] = []
    for record in records:
        sirets = list(named.get(record.siren, ()))
        known = bool(record.name) or _latest(record.siret, follows) in sirets
        moves = not known and (not identifiers.is_siret(record.siret) or len(sirets) == 1)
        placed += [replace(record, siret=siret) for siret in sirets] if moves and sirets else [record]
    return placed


def _ceased(records: Sequence[Structure]) -> list[Structure]:
    """The records, closed where the register says of their legal unit that it has ceased (flag "unit-ceased")."""
    days = {record.siren: record.checked for record in records if "unit-ceased" in record.flags}

    def since(record: Structure) -> bool:
        day = days.get(record.siren) or date.max
        return record.siren in days and record.active is not False and (record.checked or date.min) <= day

    return [replace(r, active=False, checked=days[r.siren]) if since(r) else r for r in records]


def _successors(records: Sequence[Structure]) -> dict[str, str]:
    """Earlier SIRET -> later one; a SIRET that the register says is open is no predecessor."""
    open_ = {record.siret for record in records if record.active}
    follows: dict[str, str] = {}
    for record in records:
        for old in record.predecessors:
            if old != record.siret and old not in open_:
                follows.setdefault(old, record.siret)
    return _by_other_identity(records) | follows


def _by_other_identity(records: Sequence[Structure]) -> dict[str, str]:
    """An association's RNA number, a SIREN or a name in a department -> the identity of the structure, where one alone answers."""
    loose = any(_loose(record.siret) for record in records)
    sirets: dict[str, set[str]] = {}
    #: Of each name, or SIREN, in a department, who bears it, and in which commune.
    named: dict[tuple[str, str | None], dict[str, str | None]] = {}
    for record in records:
        if record.rna and identifiers.is_siret(record.siret):
            sirets.setdefault(identifiers.rna_identity(record.rna), set()).add(record.siret)
        if loose:
            department, commune = record.place.department, record.place.commune
            keys = [(identifiers.name_words(record.name), department), (record.siren, department)]
            for key in (key for key in keys if key[0]):
                named.setdefault(key, {})[record.siret] = commune
    follows = {rna: next(iter(only)) for rna, only in sirets.items() if rna and len(only) == 1}
    for bearers in named.values():
        for other in filter(_loose, bearers):
            by_siren = other[:9] if other[:1].isdecimal() else ""
            placed = (one for one in bearers if bearers[one] and not bearers[other])
            known = [
                one for one in bearers if identifiers.is_siret(one) and one.startswith(by_siren)
            ] or list(placed)
            near = [one for one in known if bearers[one] == bearers[other]] or known
            rivals = [one for one in bearers if by_siren and _loose(one) and bearers[one] == bearers[other]]
            if len(near) == 1 and len(rivals) < 2:
                follows[other] = near[0]
    return (_same_house(records) if loose else {}) | follows


def _same_house(records: Sequence[Structure]) -> dict[str, str]:
    """Who is known by its name -> the one bidder of its kind and town whose name has its rare words, with more or fewer.

    Of namesakes of one kind in a department, whose numbers are all unknown, the first.
    """
    rare = {record.siret: _rare(record) for record in records}
    bearers: dict[str, set[str]] = {}
    towns: dict[str, dict[str, Structure]] = {}
    for record in records:
        for word in rare[record.siret]:
            bearers.setdefault(word, set()).add(record.siren)
        towns.setdefault(_town(record.place), {})[record.siret] = record
    follows, namesakes = dict[str, str](), dict[tuple[str, ...], str]()
    for other in filter(lambda record: record.siret.startswith(identifiers.BY_NAME), records):
        words = rare[other.siret]
        known = [
            one
            for siret, one in towns[_town(other.place)].items()
            if identifiers.is_siret(siret) and {one.kind, other.kind} & SPECIFIC in ({one.kind}, {other.kind})
            if (shared := words & rare[siret]) and shared in (words, rare[siret])
            if len(shared) > 1 or min(len(bearers[word]) for word in shared) <= RARE
        ]
        if _town(other.place) and len({one.siren for one in known}) == 1:
            follows[other.siret] = known[0].siret
        elif len(words) > 1 and other.place.department:
            first = namesakes.setdefault((other.kind, other.place.department, *sorted(words)), other.siret)
            follows |= {other.siret: first} if first != other.siret else {}
    return follows


def _rare(record: Structure) -> frozenset[str]:
    """The words of a name that tell one structure of its town from another."""
    words = identifiers.name_words(identifiers.without_brackets(record.name)).split()
    return frozenset(words) - _COMMON - {*identifiers.bare_name(record.place.label).split()}


def _town(place: Place) -> str:
    """The commune of a place, of an arrondissement its city; "" where it is not known."""
    code = place.commune or ""
    return places.city_of(code)


def _loose(identity: str) -> bool:
    """Is it known by its name and place alone, or with its SIREN?"""
    return identity.startswith(identifiers.BY_NAME) or (
        identity[:1].isdecimal() and not identifiers.is_siret(identity)
    )


def _latest(siret: str, follows: Mapping[str, str]) -> str:
    """The end of the chain of successors; a cycle leads nowhere."""
    seen = [siret]
    while (after := follows.get(seen[-1])) and after not in seen:
        seen.append(after)
    return siret if after else seen[-1]


def _by_kind(records: Sequence[Structure]) -> list[list[Structure]]:
    """Records of one SIRET: one cluster a specific kind, each with the records that state no such kind."""
    kinds = list(dict.fromkeys(record.kind for record in records if record.kind in SPECIFIC))
    if len(kinds) < 2:
        return [list(records)]
    return [[r for r in records if r.kind == kind or r.kind not in SPECIFIC] for kind in kinds]


def _by_name(clusters: list[list[Structure]]) -> list[list[Structure]]:
    """Join clusters of one SIREN whose SIRETs differ: same name, kind and town, in different sources."""
    by_siren: dict[str, list[int]] = {}
    for index, cluster in enumerate(clusters):
        by_siren.setdefault(cluster[0].siren, []).append(index)
    gone: set[int] = set()
    for indexes in by_siren.values():
        if not 1 < len(indexes) <= 200:
            continue  # a bidder with hundreds of establishments: its SIRETs are distinct on purpose
        for position, first in enumerate(indexes):
            for second in indexes[position + 1 :]:
                if first in gone or second in gone or not _twins(clusters[first], clusters[second]):
                    continue
                kept, joined = sorted((clusters[first], clusters[second]), key=_rank, reverse=True)
                moved = [
                    replace(record, siret=kept[0].siret, predecessors=(record.siret, *record.predecessors))
                    for record in joined
                ]
                clusters[first] = [*kept, *moved]
                gone.add(second)
    return [cluster for index, cluster in enumerate(clusters) if index not in gone]


def _twins(one: Sequence[Structure], two: Sequence[Structure]) -> bool:
    if one[0].siret == two[0].siret or {r.source for r in one} & {r.source for r in two}:
        return False  # one list with two SIRETs means two establishments
    if any(r.active for r in one) and any(r.active for r in two):
        return False  # both known to be open: two establishments
    kinds = {record.kind for record in (*one, *two) if record.kind in SPECIFIC}
    if len(kinds) > 1:
        return False
    return any(_alike(a, b) for a in one for b in two)


def _alike(one: Structure, two: Structure) -> bool:
    """Same name (and brand, where both have one) in the same town: workshops differ by one or the other."""
    from rapidfuzz import fuzz

    first, second = identifiers.bare_name(one.name), identifiers.bare_name(two.name)
    if not first or not second or HIDDEN in (one.name, two.name):
        return False
    # "Atelier 1" and "Atelier 2" have similar names and are two workshops
    numbers, other_numbers = (re.findall(r"\d+|\b[ivx]{1,4}\b", name) for name in (first, second))
    if numbers != other_numbers or fuzz.token_sort_ratio(first, second) < SAME_NAME:
        return False
    brands = map(identifiers.bare_name, (one.brand, two.brand))
    if one.brand and two.brand and fuzz.token_sort_ratio(*brands) < SAME_NAME:
        return False
    shared = ((one.place.commune, two.place.commune), (one.place.postcode, two.place.postcode))
    return any(ours == theirs for ours, theirs in shared if ours)


def _rank(cluster: Sequence[Structure]) -> tuple[bool, int, date]:
    """The highest keeps its SIRET: known before unknown, open before closed, the latest."""
    states = {record.active for record in cluster}
    standing = 1 if True in states else -1 if False in states else 0
    return identifiers.is_siret(cluster[0].siret), standing, max(map(_day, cluster))


def _day(record: Structure) -> date:
    return max(filter(None, (record.updated, record.checked)), default=date.min)


def _one(cluster: Sequence[Structure]) -> Structure:
    """The records of one establishment merged: the latest value of each field, offers and labels joined."""
    if len(cluster) == 1:
        return replace(cluster[0], provenance=_stated(cluster[0]))
    ranked = sorted(cluster, key=lambda record: (_day(record), record.kind in SPECIFIC), reverse=True)
    taken: dict[str, object] = {}
    provenance: dict[str, str] = {}
    for field in fields(Structure):
        if (name := field.name) in _APART:
            continue
        filled = [record for record in ranked if _filled(name, getattr(record, name))]
        own = (record for record in filled if record.provenance.get(name, "").startswith(SELF))
        if chosen := next(own, next(iter(filled), None)):
            taken[name] = getattr(chosen, name)
            provenance[name] = chosen.provenance.get(name) or _origin(chosen)
    kind_record = max(ranked, key=lambda r: (r.kind in SPECIFIC, bool(r.kind)))
    provenance["kind"] = kind_record.provenance.get("kind") or _origin(kind_record)
    stated = [record for record in ranked if record.active is not None]
    if stated:
        # Whether it is open is decided by the most recent check, not by the most recent edit.
        latest = max(stated, key=lambda record: record.checked or date.min)
        taken |= {"active": latest.active, "checked": latest.checked}
        provenance["active"] = _origin(latest)
    located = _best_place(ranked)
    taken["place"], provenance["place"] = located.place, _origin(located)
    flags = _flags(ranked, bool(taken.get("name")), bool(kind_record.kind))
    if "partial-diffusion" in flags:
        taken["address"] = ""
        provenance.pop("address", None)
    merged = replace(
        ranked[0],
        siret=cluster[0].siret,
        kind=kind_record.kind,
        networks=_union(record.networks for record in ranked),
        labels=_union(record.labels for record in ranked),
        denied=_union(record.denied for record in ranked),
        predecessors=tuple(
            s for s in _union(record.predecessors for record in ranked) if s != cluster[0].siret
        ),
        source=" + ".join(dict.fromkeys(record.source for record in cluster)),
        updated=max((record.updated for record in cluster if record.updated), default=None),
        flags=flags,
        provenance=provenance,
        **taken,  # type: ignore[arg-type]
    )
    stem = f"{merged.siret}/{merged.kind}" if merged.kind else merged.siret
    numbered = (replace(offer, id=f"{stem}#{n}") for n, offer in enumerate(_distinct(ranked)))
    return replace(merged, offers=tuple(numbered))


_EMPTY = (None, "", (), Place())


def _filled(name: str, value: object) -> bool:
    return value not in _EMPTY and (name, value) != ("name", HIDDEN)


def _origin(record: Structure) -> str:
    day = _day(record)
    return record.source if day == date.min else f"{record.source}, {day.isoformat()}"


def _stated(record: Structure) -> dict[str, str]:
    """Field -> "source, day" for the fields that a single record fills."""
    origin = _origin(record)
    filled = {
        f.name: origin
        for f in fields(Structure)
        if f.name not in ("siret", "provenance", "flags", "source", "updated")
        and _filled(f.name, getattr(record, f.name))
    }
    return {**filled, **record.provenance}


def _best_place(ranked: Sequence[Structure]) -> Structure:
    """The latest record that knows the address's own coordinates, else a commune, else a department."""
    hidden = any("partial-diffusion" in record.flags for record in ranked)

    def merit(record: Structure) -> int:
        place = record.place
        exact = place.latitude is not None and not place.inferred and bool(record.address)
        return (
            4 * (exact and not hidden)
            + 2 * bool(place.commune)
            + bool(place.department)
            + 8 * (hidden and "partial-diffusion" in record.flags)
        )

    return max(ranked, key=merit)


def _flags(ranked: Sequence[Structure], named: bool, kinded: bool) -> tuple[str, ...]:
    """Flags still valid after merging: another source may supply what one lacked."""
    flags = list(_union(record.flags for record in ranked))
    resolved = {"offers-only"} if named else set()
    if kinded:
        resolved |= {"kind-missing", "kind-unknown"}
    if any(record.place.department for record in ranked):
        resolved.add("place-unknown")
    doubts = {"kind-inferred", "kind-unsure"}
    if any(r.kind in SPECIFIC and doubts.isdisjoint(r.flags) for r in ranked):
        resolved |= doubts
    return tuple(flag for flag in flags if flag not in resolved)


def _union(lists: Iterable[Sequence[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item for items in lists for item in items))


def _distinct(ranked: Sequence[Structure]) -> list[Offer]:
    """Descriptions first, then all distinct offers: declared ones before those of a list, those before read or inferred ones.

    The day a source first stated it is kept.
    """
    offers: dict[tuple[object, ...], Offer] = {}
    listed = [offer for record in ranked for offer in record.offers]
    declared = {fold(offer.title) for offer in listed if not offer.inferred}
    for inferred in (False, True):
        for offer in sorted((o for o in listed if o.inferred == inferred), key=lambda o: o.source != SELF):
            mark = (fold(offer.title), fold(offer.text), offer.nature)
            if inferred and fold(offer.title) in declared:
                continue
            if mark not in offers:
                offers[mark] = offer
            else:
                known = offers[mark]
                days = [day for day in (known.since, offer.since) if day]
                since = min(days) if len(days) == 2 else None
                offers[mark] = replace(known, since=since, zone=known.zone or offer.zone)
    return sorted(offers.values(), key=lambda offer: offer.nature != "description")
