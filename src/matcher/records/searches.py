"""What pages of results were asked, by unguessable id, and the structures that a buyer set aside."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select

from matcher.domain import NotFound
from matcher.records.store import Store, now
from matcher.records.tables import RETENTION, Favourite, Search

DAYS = RETENTION["search"][1]  # how long a search is kept
MOST = 200  # favourites of one owner


def keep(store: Store, asked: Mapping[str, Any]) -> str:
    """Keep what was asked (JSON); returns the id that gives it back.  Those that have expired are deleted."""
    identifier = secrets.token_urlsafe(16)
    with store.writing() as connection:
        connection.execute(delete(Search).where(Search.at < now() - timedelta(days=DAYS)))
        store.put(connection, Search, [{"id": identifier, "asked": dict(asked), "at": now()}])
    return identifier


def read(store: Store, identifier: str) -> dict[str, Any]:
    """What was asked.  Raises NotFound where the id is unknown or has expired."""
    row = store.ask(select(Search.asked, Search.at).where(Search.id == identifier)).first()
    if row is None or row.at < now() - timedelta(days=DAYS):
        remedy = "refaites-la, ou redemandez l'adresse à qui vous l'a donnée."
        raise NotFound(f"Cette recherche n'est pas, ou plus, conservée : {remedy}")
    return dict(row.asked)


def since(store: Store, moment: datetime, most: int = 3000) -> list[dict[str, Any]]:
    """What was asked since a moment, the last first; `most` of it."""
    query = select(Search.asked).where(Search.at >= moment).order_by(Search.at.desc()).limit(most)
    return [dict(asked) for asked in store.ask(query).scalars()]


def favourites(store: Store, owner: str) -> list[str]:
    """The SIRETs that an owner set aside, the last first."""
    query = select(Favourite.siret).where(Favourite.owner == owner)
    return list(store.ask(query.order_by(Favourite.at.desc(), Favourite.siret)).scalars())


def set_aside(store: Store, owner: str, sirets: Sequence[str]) -> None:
    """Add favourites; beyond `MOST` the others are left out."""
    with store.writing() as connection:
        room = max(0, MOST - len(favourites(store, owner)))
        rows = [{"owner": owner, "siret": siret, "at": now()} for siret in dict.fromkeys(sirets)]
        store.put(connection, Favourite, rows[:room], keep=("at",))


def put_back(store: Store, owner: str, siret: str) -> None:
    """Remove a favourite; unknown ones are ignored."""
    mine = (Favourite.owner == owner, Favourite.siret == siret)
    with store.writing() as connection:
        connection.execute(delete(Favourite).where(*mine))
