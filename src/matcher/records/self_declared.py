"""Self-declared profiles of structures, overlaid on the sources; every item is dated.

A profile (`Profile.facts`) holds `description`, `phone`, `email`, `website`, `turnover`, `headcount`, `zone` and
`offers`; empty fields keep the source's value.  With `site_unread` its site is not read, and what was read there is
dropped.  A denied skill (`matcher.catalogue.denials`) is permanent.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select

from matcher import codec
from matcher.catalogue import denials
from matcher.console import counted
from matcher.domain import READ_ON_SITE, SELF, Award, NotFound, Offer, Place, Structure, Zone
from matcher.records import feedback
from matcher.records.store import Store, address_of, now
from matcher.records.tables import DeniedSkill, Profile
from matcher.reference.text import clean, fold

if TYPE_CHECKING:
    from matcher.catalogue.catalogue import Catalogue

SOURCE = SELF
#: Facts that a profile keeps when the rest is rewritten; they are settings, not shown.
SETTINGS = ("alerts", "alerts_email", "alerts_plausible")
FIELDS = ("description", "phone", "email", "website", "turnover", "headcount")


@dataclass(frozen=True, slots=True)
class Declared:
    """What one structure declares: its facts, the day it stated them, what it denies."""

    facts: Mapping[str, Any] = field(default_factory=dict)
    at: datetime | None = None
    denied: tuple[str, ...] = ()


def exists(url: str | None = None) -> bool:
    """Whether there is a store to read: a SQLite file may not exist yet."""
    where = address_of(url)
    return where.get_backend_name() != "sqlite" or Path(where.database or "").is_file()


def declared_of(store: Store, sirets: Iterable[str]) -> dict[str, Declared]:
    """SIRET -> what its structure declares now, of those that declare something."""
    wanted = list(sirets)
    query = select(Profile.siret, Profile.facts, Profile.at)
    declared: dict[str, Declared] = {}
    for first in range(0, len(wanted), 500):  # SQLite bounds the values of a query
        rows = store.ask(query.where(Profile.siret.in_(wanted[first : first + 500])))
        declared |= {siret: Declared(facts, at) for siret, facts, at in rows}
    return declared


def unread_sites() -> frozenset[str]:
    """SIRETs of the structures whose site is not to be read; none where there is no store."""
    return frozenset(siret for siret, own in _in_force().items() if own.facts.get("site_unread"))


def over(structure: Structure, words: Declared) -> Structure:
    """The structure with its own declarations applied and its denied trades removed."""
    facts, day = words.facts, words.at.date() if words.at else None
    given = {name: facts[name] for name in FIELDS if facts.get(name) not in (None, "")}
    zone = _zone(facts.get("zone"))
    if zone is not None:
        given["zone"] = zone
    offers = tuple(offer for each in facts.get("offers", ()) if (offer := _offer(structure.siret, each, day)))
    own = {fold(offer.title) for offer in offers}
    stamp = f"{SOURCE}, {day:%d/%m/%Y}" if day else SOURCE
    origin = dict.fromkeys((*given, *(("offers",) if offers else ())), stamp)
    kept = tuple(o for o in structure.offers if not (o.nature == "offer" and fold(o.title) in own))
    if facts.get("site_unread"):
        kept = tuple(o for o in kept if not o.source.startswith(READ_ON_SITE))
    if "description" in given:
        kept = tuple(o for o in kept if o.nature != "description")
    stated = {**structure.provenance, **origin}
    described = replace(structure, offers=(*kept, *offers), provenance=stated, **given)
    return denials.applied(described, words.denied)


def _offer(siret: str, given: Mapping[str, Any], day: date | None) -> Offer | None:
    title = clean(str(given.get("title", "")))
    if not title:
        return None
    since = date.fromisoformat(given["since"]) if given.get("since") else day
    return Offer(
        id=f"{siret}#own-{hashlib.sha256(fold(title).encode()).hexdigest()[:10]}",  # the same title keeps it
        title=title,
        text=clean(str(given.get("text", ""))),
        nature="offer",
        since=since,
        source=SOURCE,
        zone=_zone(given.get("zone")),
        evidence=clean(str(given.get("evidence", ""))),
    )


def _zone(given: Any) -> Zone | None:
    if not given:
        return None
    zone = codec.from_json(Zone, given)
    return zone if zone != Zone() else None


def overlay(structures: Iterable[Structure], words: Mapping[str, Declared]) -> tuple[list[Structure], int]:
    """The structures with what they declare, and how many declare something; a declaration follows a changed SIRET."""
    listed, count = list(structures), 0
    for index, structure in enumerate(listed) if words else ():
        for name in (*reversed(structure.predecessors), structure.siret):
            if name in words:
                listed[index] = over(listed[index], words[name])
                count += name == structure.siret or structure.siret not in words
    return listed, count


def _in_force() -> Mapping[str, Declared]:
    """SIRET -> its structure's declarations and denials; none where there is no store."""
    if not exists():
        return {}
    with Store.open() as store, store.reading() as connection:
        found = {siret: Declared(denied=skills) for siret, skills in feedback.denied(connection).items()}
        for siret, facts, at in connection.execute(select(Profile.siret, Profile.facts, Profile.at)):
            if given := {name: value for name, value in facts.items() if name not in SETTINGS}:
                found[siret] = replace(found.get(siret, Declared()), facts=given, at=at)
    return found


def overlay_from_store(
    structures: Iterable[Structure], awards: Iterable[Award] = ()
) -> tuple[list[Structure], str]:
    """`overlay` by the store in force, and a message saying what was applied; unchanged where there is no store.

    A firm known by its awards alone, that says something of itself, becomes a structure of the list.  Raises BadInput where a store is named and cannot be opened.
    """
    given, words = list(structures), _in_force()
    known = {name for structure in given for name in (structure.siret, *structure.predecessors)}
    nowhere = Place(country=None)
    firms = {
        holder.id: Structure(siret=holder.id, name=clean(holder.name), place=nowhere, source="decp")
        for award in (awards if words.keys() - known else ())
        for holder in award.holders
        if holder.id in words and holder.id not in known and clean(holder.name)
    }
    listed, count = overlay([*given, *firms.values()], words)
    refused = sum(bool(structure.denied) for structure in listed)
    told = f"{counted(count, 'structure')} taken from the store as described there ({refused} deny a trade)"
    return listed, told if count else ""


def amended(catalogue: Catalogue, given: Iterable[Structure] = ()) -> list[Structure]:
    """The structures of a catalogue that declared or denied something since it was built, as they declare it now.

    For `Catalogue.updated`; those of `given` are left out: they are overlaid already.  A source's value that a structure
    no longer overrides returns with the next full build.
    """
    words = _in_force()
    sirets = catalogue.structures.column("siret").to_pylist()
    rows = set(catalogue.denied)
    for siret in words:
        with suppress(NotFound):
            rows.add(catalogue.row(siret))
    names = {sirets[row] for row in rows} - {structure.siret for structure in given}
    held = [catalogue.structure(row) for row, siret in enumerate(sirets) if siret in names]
    plain = [replace(s, denied=(), offers=tuple(o for o in s.offers if o.source != SOURCE)) for s in held]
    fresh, _ = overlay(plain, words)
    changed = {new.siret for old, new in zip(held, fresh, strict=True) if old != new}
    return [structure for structure in fresh if structure.siret in changed]


def facts_of(connection: Connection, siret: str) -> dict[str, Any]:
    """What one structure declares, and its settings; empty where it says nothing."""
    return dict(connection.execute(select(Profile.facts).where(Profile.siret == siret)).scalar() or {})


def read(store: Store, siret: str) -> Declared:
    """The declarations and denials of one structure."""
    with store.reading() as connection:
        row = connection.execute(select(Profile.facts, Profile.at).where(Profile.siret == siret)).first()
        skills = connection.execute(select(DeniedSkill.skill).where(DeniedSkill.siret == siret)).scalars()
        return Declared(dict(row.facts) if row else {}, row.at if row else None, tuple(sorted(skills)))


def write(
    store: Store, siret: str, facts: Mapping[str, Any], by: str, denied: Iterable[str] = ()
) -> Declared:
    """Replace a structure's earlier declarations by these; denials are added to the earlier ones.

    An offer stated before keeps its day.  Raises BadInput on a denied skill that names no trade.
    """
    moment = now()
    skills = [denials.skill(each) for each in denied]
    with store.writing(by, "profile.set", siret) as connection:
        before = facts_of(connection, siret)
        days = {fold(each["title"]): each.get("since") for each in before.get("offers", ())}
        offers = [
            {**each, "since": each.get("since") or days.get(fold(each["title"])) or moment.date().isoformat()}
            for each in facts.get("offers", ())
        ]
        kept = {**facts, "offers": offers, **{name: before[name] for name in SETTINGS if name in before}}
        store.put(connection, Profile, [{"siret": siret, "facts": kept, "by": by, "at": moment}])
        for each in skills:
            feedback.deny(store, siret, each, by)
    return read(store, siret)
