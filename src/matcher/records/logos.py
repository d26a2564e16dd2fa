"""Logos of structures: kept small, with source and day; one that its structure removed is not fetched again."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import delete, select, update

from matcher.records.store import Store, now
from matcher.records.tables import Logo


@dataclass(frozen=True, slots=True)
class Known:
    """What is kept of a structure's logo: where it was fetched and when, and whether its structure removed it."""

    url: str
    fetched: date
    removed: bool


def known(store: Store) -> dict[str, Known]:
    """SIRET -> what is kept of its logo, of all structures."""
    rows = store.ask(select(Logo.siret, Logo.url, Logo.fetched, Logo.removed_at))
    return {siret: Known(url, fetched, removed is not None) for siret, url, fetched, removed in rows}


def keep(store: Store, siret: str, image: bytes, *, url: str, source: str, day: date, why: str = "") -> None:
    """Keep a logo (WebP), or why there is none; one that its structure removed stays removed."""
    row = {
        "siret": siret, "url": url, "source": source, "fetched": day, "why": why,
        "image": base64.b64encode(image).decode() if image else None, "version": hashlib.sha256(image).hexdigest()[:16] if image else "",
    }  # fmt: skip
    with store.writing() as connection:
        removed = select(Logo.removed_at).where(Logo.siret == siret)
        if connection.execute(removed).scalar() is None:
            store.put(connection, Logo, [row])


def forget(store: Store, sirets: Collection[str]) -> None:
    """Delete the logos that their source no longer gives; what structures removed is remembered."""
    with store.writing() as connection:
        for siret in sirets:
            connection.execute(delete(Logo).where(Logo.siret == siret, Logo.removed_at.is_(None)))


def remove(store: Store, siret: str, by: str) -> None:
    """The structure wants no logo shown."""
    with store.writing() as connection:
        gone = {"image": None, "version": "", "why": "", "removed_at": now()}
        connection.execute(update(Logo).where(Logo.siret == siret).values(gone))
        store.audit(connection, by, "logo.remove", siret)


def allow(store: Store, siret: str, by: str) -> None:
    """The structure takes its removal back: the logo is fetched again at the next sync."""
    with store.writing() as connection:
        connection.execute(delete(Logo).where(Logo.siret == siret, Logo.removed_at.is_not(None)))
        store.audit(connection, by, "logo.allow", siret)


def versions(store: Store, sirets: Iterable[str]) -> Mapping[str, str]:
    """SIRET -> version of its logo, of those that have one."""
    wanted = select(Logo.siret, Logo.version).where(Logo.siret.in_(list(sirets)), Logo.image.is_not(None))
    return {row.siret: row.version for row in store.ask(wanted)}


def image(store: Store, siret: str, version: str) -> bytes | None:
    """The logo in this version (WebP); None where it is another one now, or none."""
    wanted = select(Logo.image).where(Logo.siret == siret, Logo.version == version)
    found = store.ask(wanted).scalar()
    return base64.b64decode(found) if found else None


def of_structure(store: Store, siret: str) -> Any:
    """(version, source, fetched, removed_at) of a structure's logo; None where nothing is known of one."""
    wanted = select(Logo.version, Logo.source, Logo.fetched, Logo.removed_at).where(Logo.siret == siret)
    return store.ask(wanted).first()
