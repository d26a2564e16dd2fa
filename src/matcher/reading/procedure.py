"""The notices of one procedure: which repeats, corrects or cancels which, and how it stands after them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from matcher.domain import Tender
from matcher.reference.french import PARIS as PARIS
from matcher.reference.text import fold

CALLS = frozenset({"call", "prior", "project"})
ANSWERABLE = CALLS | {"correction"}
#: A notice that states no deadline is taken as closed so long after its publication.
UNDATED_DAYS = 90


def keys(tender: Tender) -> Iterator[tuple[str, ...]]:
    """What two notices of one procedure share, the surest first."""
    for related in tender.related:
        if tender.nature in ("correction", "cancellation", "modification"):
            yield ("id", related)
    if tender.folder:
        yield ("folder", tender.folder)
    buyer = tender.buyer.id[:9] if tender.buyer.id[:9].isdecimal() else fold(tender.buyer.name)
    if not buyer or tender.nature == "award":
        return
    titles = "|".join(sorted(fold(lot.title) for lot in tender.lots))
    day = closing(tender)
    if day is not None and tender.nature in CALLS:
        yield ("text", buyer, fold(tender.title), titles, day.date().isoformat())
        if len(tender.reference) >= 4:
            yield ("reference", buyer, fold(tender.reference), day.date().isoformat())


def closing(tender: Tender) -> datetime | None:
    """The last instant at which some lot can be answered; None where none is stated."""
    stated = [d for d in (tender.deadline, *(lot.deadline for lot in tender.lots)) if d is not None]
    if not stated:
        return None
    return max(d if d.tzinfo else d.replace(tzinfo=PARIS) for d in stated)


def open_at(deadline: datetime | None, published: date | None, at: datetime) -> bool:
    """Can it still be answered at this instant?"""
    if deadline is not None:
        return deadline > at
    return published is None or published > (at - timedelta(days=UNDATED_DAYS)).date()


def effective(first: Tender, later: Sequence[Tender]) -> tuple[Tender, bool]:
    """A notice as its corrections leave it, and whether it was cancelled.

    A correction moves the deadline and the link to the documents; what it says it changes is kept in `change`.
    """
    tender, cancelled = first, False
    for notice in sorted(later, key=lambda t: (t.published or date.max, t.id)):
        if notice.nature == "cancellation":
            cancelled = True
        elif notice.nature in ("correction", "modification"):
            moved = closing(notice)
            if moved is not None and moved != closing(tender):
                lots = tuple(replace(lot, deadline=moved) if lot.deadline else lot for lot in tender.lots)
                tender = replace(tender, deadline=moved, lots=lots)
            tender = replace(
                tender,
                change=" ".join(part for part in (tender.change, notice.change) if part),
                documents_url=notice.documents_url or tender.documents_url,
            )
    return tender, cancelled
