"""The mail address of a structure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from matcher.domain import NotFound
from matcher.records.store import Store
from matcher.records.tables import Profile

if TYPE_CHECKING:
    from matcher.catalogue.catalogue import Catalogue


def earlier_names(catalogue: Catalogue, siret: str) -> set[str]:
    """An establishment's SIRET and its earlier ones: refusals and unsubscriptions follow."""
    try:
        row = catalogue.row(siret)
    except NotFound:
        return {siret}
    return {siret, *str(catalogue.structures.column("predecessors")[row].as_py() or "").split()}


def address_of(store: Store, catalogue: Catalogue, siret: str) -> str:
    """The mail address of a structure: the one it gave, else its directory's, else ""."""
    with store.reading() as connection:
        facts = connection.execute(select(Profile.facts).where(Profile.siret == siret)).scalar() or {}
    given = facts.get("alerts_email") or facts.get("email")
    if given:
        return str(given)
    try:
        return catalogue.structure(catalogue.row(siret)).email
    except NotFound:
        return ""
