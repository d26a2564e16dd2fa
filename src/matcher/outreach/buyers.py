"""Digests for buyers."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from matcher import codec
from matcher.catalogue.catalogue import Catalogue
from matcher.domain import Award, NotFound
from matcher.matching.renewals import renewals
from matcher.outreach.changes import LEVEL
from matcher.outreach.digests import identifier
from matcher.records import feedback
from matcher.records.store import Store, now
from matcher.records.tables import Announcement, Feedback, Found, Notice
from matcher.reference.french import PARIS
from matcher.reference.naming import as_written
from matcher.reference.text import shorten

ENDING = 10  # contracts ending soon that are listed for their buyer


def of_buyer(
    store: Store, buyer: str, catalogue: Catalogue | None = None, *, at: datetime | None = None
) -> dict[str, Any]:
    """The outcome of a buyer's needs: for each lot how many could serve, were notified, are interested, or are not and why.

    `buyer` is an id (SIRET), a SIREN, or the owner of unpublished needs.  Names of those interested are given
    for the buyer's own unpublished needs alone; of public notices only numbers.
    """
    at = at or now()
    with store.reading() as connection:
        columns = (Notice.id, Notice.twin, Notice.owner, Notice.tender, Notice.deadline)
        rows = connection.execute(select(*columns)).all()
        mine = [
            row
            for row in rows
            if not row.twin
            and (row.owner == buyer if row.owner else row.tender["buyer"]["id"].startswith(buyer))
        ]
        if not buyer or not mine:
            raise NotFound(f"no need of buyer {buyer!r} was seen: give the SIRET or SIREN of its notices")
        items = []
        for row in sorted(mine, key=lambda r: r.id):
            ids = [row.id, *(other.id for other in rows if other.twin == row.id)]
            items.append(_item(connection, row, ids, catalogue, named=row.owner == buyer))
        awards = [
            codec.from_json(Award, award)
            for row in rows
            if not row.owner and row.tender["nature"] == "award"
            for award in row.tender.get("awards", ())
        ]
    day = at.astimezone(PARIS).date()
    known = buyer[:9] if buyer[:9].isdecimal() else ""
    ending = renewals(awards, day, buyer=known) if known else []
    whose = f"buyer:{buyer}"
    digest: dict[str, Any] = {"id": identifier(whose, day), "addressee": whose, "name": "", "link": ""}
    digest |= {"day": day.isoformat(), "made": at.isoformat(), "items": items}
    subject = f"Ce que sont devenus vos {len(items)} besoin(s)"
    return digest | {"subject": subject, "ending": [one.sentence() for one in ending[:ENDING]]}


def _item(
    connection: Connection, row: Any, ids: Sequence[str], catalogue: Catalogue | None, *, named: bool
) -> dict[str, Any]:
    """The outcome of one notice, known under `ids`."""

    def counted(table: Any, who: Any, which: Any) -> dict[str, int]:
        query = select(table.lot_id, func.count(who.distinct())).where(which).group_by(table.lot_id)
        return dict(connection.execute(query).all())

    possible = counted(Found, Found.siret, (Found.notice_id == row.id) & (LEVEL == "likely"))
    notified = counted(Announcement, Announcement.addressee, Announcement.notice_id.in_(ids))
    given = select(Feedback.__table__).where(Feedback.notice_id.in_(ids)).order_by(Feedback.at)
    last = {(w["siret"], w["lot_id"]): w for w in connection.execute(given).mappings()}
    reasons = Counter(
        feedback.REASONS.get(w["reason"], w["reason"])
        for w in last.values()
        if w["verb"] == "declined" and w["reason"]
    )

    def outcome(lot: Mapping[str, Any]) -> dict[str, Any]:
        """How many could serve a lot, were notified, are interested, or declined."""
        verbs = [w["verb"] for (_, lot_id), w in last.items() if lot_id in ("", lot["id"])]
        return {
            "lot": f"Lot {lot['number']} : {shorten(lot['title'], 80)}",
            "lot_id": lot["id"],
            "possible": possible.get(lot["id"], 0),
            "told": notified.get(lot["id"], 0),
            "interested": sum(verb in ("interested", "submitted", "won") for verb in verbs),
            "declined": verbs.count("declined"),
        }

    interested = sorted({siret for (siret, _), w in last.items() if w["verb"] == "interested"})
    known = [(siret, catalogue.known(siret) if catalogue is not None else None) for siret in interested]
    return {
        "notice_id": row.id,
        "title": shorten(row.tender["title"], 120),
        "deadline": row.deadline.isoformat() if row.deadline else None,
        "lots": list(map(outcome, row.tender["lots"])),
        "reasons": [f"{reason} ({count})" for reason, count in reasons.most_common()],
        "names": [f"{as_written(who.name)} ({siret})" if who else siret for siret, who in known]
        if named
        else [],
    }
