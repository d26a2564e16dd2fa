"""The operator's review of a night and its digests: approve or cancel those held, look at some, say why one was sent; the report of a run.

The report is one HTML page with its plots embedded, readable without any outside host.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from matcher import codec
from matcher.domain import NotFound
from matcher.outreach.changes import LEVEL, lots_at
from matcher.outreach.digest_formats import templates
from matcher.outreach.states import move
from matcher.records import feedback
from matcher.records.store import Store, now
from matcher.records.tables import Digest, Feedback, Found, Letter, Notice, Run, Unsubscription
from matcher.reference import codes

RECENT_DAYS = 30


def decide(store: Store, to: str, day: date | None = None) -> int:
    """Bring held digests (of a day) to "ready", "cancelled" (their lots are news again) or "dropped"; returns how many."""
    with store.writing() as connection:
        of_day = [Digest.day == day] if day else []
        count = move(connection, to, Digest.status == "held", *of_day)
        store.audit(connection, "operator", f"digests:{to}", detail={"count": count})
    return count


def night(store: Store, at: datetime | None = None) -> tuple[dict[str, float], dict[str, int]]:
    """How the last night went and what waits at a moment (now), for the operator's page and the metrics; digests by state.

    Of the last run that ended when, in seconds since 1970, whether its notices arrived, its digests, the lots announced;
    mails refused in thirty days, addresses that bounced, letters of the pages that wait.
    """
    last = select(Run.finished_at, Run.state).where(Run.finished_at.is_not(None))
    recent = Digest.created_at > (at or now()) - timedelta(days=RECENT_DAYS)
    counts = {
        "failed": select(func.count()).where(Digest.status == "failed", recent),
        "suppressed": select(func.count()).where(Unsubscription.cause == "bounce"),
        "waiting_letters": select(func.count()).where(Letter.status == "ready"),
    }
    with store.reading() as connection:
        run = connection.execute(last.order_by(Run.started_at.desc()).limit(1)).first()
        states = connection.execute(select(Digest.status, func.count()).group_by(Digest.status)).all()
        figures: dict[str, float] = {
            name: connection.execute(query).scalar_one() for name, query in counts.items()
        }
    state = run.state if run else {}
    figures |= {"last_run_seconds": run.finished_at.timestamp() if run else 0}
    figures |= {"source_up": state.get("source", "") not in ("down", "stale")}
    return figures | {"digests": state.get("digests", 0), "told_lots": state.get("told", 0)}, dict(states)


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


#: `Summary.held` -> why digests are held, in French.
HOLDS = {
    "": "", "asked": "à la demande de l'exploitant (--hold)",
    "first": "trop de messages sans trois exécutions pour comparer",
    "volume": "bien plus de messages que d'habitude",
}  # fmt: skip


def of_run(store: Store, run: str) -> str:
    """The page of a run.  Raises NotFound."""
    return str(templates().get_template("report.html").render(f=gathered(store, run)))


def gathered(store: Store, run: str) -> dict[str, Any]:
    """The figures of the report: of the run, and of the lots now matched in the store (unpublished needs left out)."""
    public = (Notice.owner == "") & (Notice.matched_at.is_not(None))
    with store.reading() as connection:
        state = connection.execute(select(Run.state).where(Run.id == run)).scalar()
        if state is None:
            raise NotFound(f"no run {run}: `matcher batch` prints the id of each")
        matched_at = Notice.matched_at == datetime.fromisoformat(state["started"])
        notices = connection.execute(select(Notice.id, Notice.tender).where(public, matched_at)).all()
        served, clause = (lots_at(connection, one, public) for one in ("likely", "clause"))
        told = LEVEL.in_(("likely", "clause"))  # as digests do
        counted = select(func.count()).select_from(Found).join(Notice, Notice.id == Found.notice_id)
        appearances = counted.where(told, public).group_by(Found.siret)
        exposure = sorted(connection.execute(appearances).scalars(), reverse=True)
        last = select(Run.state).where(Run.finished_at.is_not(None)).order_by(Run.started_at.desc()).limit(30)
        states = list(connection.execute(last).scalars())
        digests = dict(connection.execute(select(Digest.status, func.count()).group_by(Digest.status)).all())
        words = dict(connection.execute(select(Feedback.verb, func.count()).group_by(Feedback.verb)).all())
    lots = list(_lots(notices))
    empty = [lot for key, lot in lots if key not in served and key not in clause]
    found = [lot for key, lot in lots if key in served]
    return {
        "run": state,
        "held": HOLDS.get(state["held"], state["held"]),
        "digests": digests,
        "words": {feedback.VERBS.get(k, k): v for k, v in words.items()},
        "empty_count": len(empty),
        "empty": empty[:200],
        "volumes": [(f"{s['started'][8:10]}/{s['started'][5:7]}", s["digests"]) for s in reversed(states)],
        "departments": Counter(d for _, lot in lots for d in lot["departments"]).most_common(25),
        "covered": Counter(d for lot in found for d in lot["departments"]).most_common(),
        "trades": Counter(lot["trade"] for _, lot in lots).most_common(15),
        "trades_covered": Counter(lot["trade"] for lot in found).most_common(),
        "exposure": exposure,
        "exposed": len(exposure),
        "shares": [sum(exposure[:n]) / sum(exposure) for n in range(len(exposure) + 1)] if exposure else [],
        # the share of all matches that the most shown tenth of structures holds
        "top_tenth": sum(exposure[: max(1, len(exposure) // 10)]) / sum(exposure) if exposure else None,
    }


def _lots(notices: Iterable[Any]) -> Iterator[tuple[tuple[str, str], dict[str, Any]]]:
    """The key of each lot, and what the report says of it: notice, number, title, trade, departments."""
    for notice in notices:
        for lot in notice.tender["lots"]:
            named = sorted({p["department"] for p in lot["places"] if p["department"]})
            departments = named or ["non précisé"]
            division = lot["cpv"][0][:2] if lot["cpv"] else ""
            label = codes.cpv_label(f"{division}000000") if division else "sans CPV"
            trade = f"{division} {label}".strip()[:45] if label else f"CPV {division}"
            told = {"notice": notice.id, "lot": lot["number"], "title": lot["title"][:120], "trade": trade}
            yield (notice.id, lot["id"]), told | {"departments": departments, "where": ", ".join(departments)}
