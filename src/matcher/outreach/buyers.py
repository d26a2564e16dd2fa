"""Digests for buyers."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from matcher.domain import NotFound
from matcher.outreach.digests import identifier
from matcher.records import feedback
from matcher.records.store import Store, now
from matcher.records.tables import Feedback, Found, Notice, Told
from matcher.reference.france import PARIS
from matcher.reference.text import shorten

if TYPE_CHECKING:
    from matcher.catalogue.catalogue import Catalogue


def of_buyer(
    store: Store, buyer: str, catalogue: Catalogue | None = None, *, at: datetime | None = None
) -> dict[str, Any]:
    """What came of a buyer's needs: for each lot how many could serve, were told, are interested, or are not and why.

    `buyer` is an id (SIRET), a SIREN, or the owner of unpublished needs.  Names of those interested are given
    for the buyer's own unpublished needs alone; of public notices only numbers.
    """
    at = at or now()
    items = []
    with store.reading() as connection:
        rows = connection.execute(
            select(Notice.id, Notice.twin, Notice.owner, Notice.tender, Notice.deadline)
        ).all()
        mine = [
            row for row in rows
            if not row.twin and (row.owner == buyer if row.owner else row.tender["buyer"]["id"].startswith(buyer))
        ]  # fmt: skip
        if not buyer or not mine:
            raise NotFound(f"no need of buyer {buyer!r} was seen: give the SIRET or SIREN of its notices")
        for row in sorted(mine, key=lambda r: r.id):
            ids = [row.id, *(other.id for other in rows if other.twin == row.id)]
            possible = dict(
                connection.execute(
                    select(Found.lot_id, func.count()).where(Found.notice_id == row.id).group_by(Found.lot_id)
                ).all()
            )
            told = dict(
                connection.execute(
                    select(Told.lot_id, func.count()).where(Told.notice_id.in_(ids)).group_by(Told.lot_id)
                ).all()
            )
            words = (
                connection.execute(
                    select(Feedback.__table__).where(Feedback.notice_id.in_(ids)).order_by(Feedback.at)
                )
                .mappings()
                .all()
            )
            last = {(w["siret"], w["lot_id"]): w for w in words}
            lots = []
            for lot in row.tender["lots"]:
                said = [w for (_, lot_id), w in last.items() if lot_id in ("", lot["id"])]
                lots.append({
                    "lot": f"Lot {lot['number']} : {shorten(lot['title'], 80)}", "lot_id": lot["id"],
                    "possible": possible.get(lot["id"], 0), "told": told.get(lot["id"], 0),
                    "interested": sum(w["verb"] in ("interested", "submitted", "won") for w in said),
                    "declined": sum(w["verb"] == "declined" for w in said),
                })  # fmt: skip
            reasons = Counter(
                feedback.REASONS.get(w["reason"], w["reason"])
                for w in last.values()
                if w["verb"] == "declined" and w["reason"]
            )
            names = (
                sorted({s for (s, _), w in last.items() if w["verb"] == "interested"})
                if row.owner == buyer
                else []
            )
            items.append({
                "notice_id": row.id, "title": shorten(row.tender["title"], 120),
                "deadline": row.deadline.isoformat() if row.deadline else None, "lots": lots,
                "reasons": [f"{reason} ({count})" for reason, count in reasons.most_common()],
                "names": [_called(catalogue, siret) for siret in names],
            })  # fmt: skip
    day = at.astimezone(PARIS).date()
    return {
        "id": identifier(f"buyer:{buyer}", day), "addressee": f"buyer:{buyer}", "name": "", "day": day.isoformat(),
        "made": at.isoformat(), "items": items, "subject": f"Ce que sont devenus vos {len(items)} besoin(s)", "link": "",
    }  # fmt: skip


def _called(catalogue: Catalogue | None, siret: str) -> str:
    if catalogue is None:
        return siret
    try:
        return f"{catalogue.structure(catalogue.row(siret)).name} ({siret})"
    except NotFound:
        return siret
