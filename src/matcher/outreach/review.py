"""The operator's review of digests: approve or cancel those held, look at some, say why one was sent."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import select

from matcher.domain import NotFound
from matcher.outreach.states import move
from matcher.records.store import Store
from matcher.records.tables import Digest


def approve(store: Store, day: date | None = None, by: str = "operator") -> int:
    """Let held digests go; returns how many."""
    return _reviewed(store, "ready", day, by)


def cancel(store: Store, day: date | None = None, by: str = "operator", *, for_good: bool = False) -> int:
    """Cancel held digests; their lots are news again, unless `for_good`.  Returns how many."""
    return _reviewed(store, "dropped" if for_good else "cancelled", day, by)


def _reviewed(store: Store, to: str, day: date | None, by: str) -> int:
    with store.writing() as connection:
        of_day = [Digest.day == day] if day else []
        count = move(connection, to, Digest.status == "held", *of_day)
        store.audit(connection, by, f"digests:{to}", detail={"count": count})
    return count


def sample(store: Store, n: int = 5) -> list[dict[str, Any]]:
    """Some held digests, spread evenly, for the operator to look at."""
    with store.reading() as connection:
        ids = list(
            connection.execute(select(Digest.id).where(Digest.status == "held").order_by(Digest.id)).scalars()
        )
        step = max(1, len(ids) // n)
        chosen = ids[::step][:n]
        rows = connection.execute(
            select(Digest.content).where(Digest.id.in_(chosen)).order_by(Digest.id)
        ).scalars()
        return [dict(content) for content in rows]


def why(store: Store, siret: str, day: date | None = None) -> list[dict[str, Any]]:
    """ "Pourquoi ai-je reçu cela ?": every mail of a SIRET (of a day), each item with its reasons and versions."""
    which = [Digest.addressee == siret] + ([Digest.day == day] if day else [])
    with store.reading() as connection:
        rows = (
            connection.execute(select(Digest.__table__).where(*which).order_by(Digest.day)).mappings().all()
        )
    if not rows:
        raise NotFound(
            f"no mail to {siret}"
            + (f" on {day.isoformat()}" if day else "")
            + ": check the SIRET and the day"
        )
    return [
        {"id": row["id"], "day": row["day"].isoformat(), "status": row["status"],
         "sent_at": row["sent_at"].isoformat() if row["sent_at"] else None, **row["content"]}
        for row in rows
    ]  # fmt: skip
