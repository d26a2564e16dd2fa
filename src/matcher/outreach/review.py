"""The operator's review of digests: approve or cancel those held, look at some, say why one was sent."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from matcher import codec
from matcher.domain import NotFound
from matcher.outreach.states import move
from matcher.records.store import Store, now
from matcher.records.tables import Digest, Letter, Run, Unsubscription

RECENT_DAYS = 30


def decide(store: Store, to: str, day: date | None = None) -> int:
    """Bring held digests (of a day) to "ready", "cancelled" (their lots are news again) or "dropped"; returns how many."""
    with store.writing() as connection:
        of_day = [Digest.day == day] if day else []
        count = move(connection, to, Digest.status == "held", *of_day)
        store.audit(connection, "operator", f"digests:{to}", detail={"count": count})
    return count


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """The last run and the mails as they stand, for the operator's page and the metrics."""

    ended: datetime | None  # of the last run that ended
    digests: int  # it composed
    told: int  # lots it announced
    states: Mapping[str, int]  # digests by state
    refused: int  # of the last thirty days: failed
    letters: int  # of the pages, waiting
    suppressed: int  # addresses that bounced
    source: str  # of the last run: "ok", "nothing new", "down", "stale"


def night(store: Store, at: datetime | None = None) -> Night:
    """How the last night went and what waits, at a moment (now)."""
    with store.reading() as connection:
        last = select(Run.finished_at, Run.state).where(Run.finished_at.is_not(None))
        run = connection.execute(last.order_by(Run.started_at.desc()).limit(1)).first()
        by_state = select(Digest.status, func.count()).group_by(Digest.status)
        recent = Digest.created_at > (at or now()) - timedelta(days=RECENT_DAYS)
        counts = {
            "refused": select(func.count()).where(Digest.status == "failed", recent),
            "letters": select(func.count()).where(Letter.status == "ready"),
            "suppressed": select(func.count()).where(Unsubscription.cause == "bounce"),
        }
        state = run.state if run else {}
        return Night(
            ended=run.finished_at if run else None,
            digests=state.get("digests", 0),
            told=state.get("told", 0),
            states=dict(connection.execute(by_state).all()),
            source=state.get("source", ""),
            **{name: connection.execute(query).scalar_one() for name, query in counts.items()},
        )


def sample(store: Store, n: int = 5) -> list[dict[str, Any]]:
    """Some held digests, spread evenly, for the operator to look at."""
    with store.reading() as connection:
        held = select(Digest.id).where(Digest.status == "held").order_by(Digest.id)
        ids = list(connection.execute(held).scalars())
        chosen = Digest.id.in_(ids[:: max(1, len(ids) // n)][:n])
        rows = connection.execute(select(Digest.content).where(chosen).order_by(Digest.id))
        return [dict(content) for content in rows.scalars()]


def why(store: Store, siret: str, day: date | None = None) -> list[dict[str, Any]]:
    """ "Pourquoi ai-je reçu cela ?": every mail of a SIRET (of a day), each item with its reasons and versions."""
    which = [Digest.addressee == siret] + ([Digest.day == day] if day else [])
    rows = store.ask(select(Digest.__table__).where(*which).order_by(Digest.day)).mappings().all()
    if not rows:
        raise NotFound(f"no mail to {siret}{f' on {day}' if day else ''}: check the SIRET and the day")
    return [{**codec.flat(row, "id, day, status, sent_at"), **row["content"]} for row in rows]
