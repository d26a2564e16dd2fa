"""The states of a digest.  Told is what was delivered or handed over: a digest that is lost gives its lots back.

A lot is told by the rows of `told` that its digest wrote.  They go with a digest that ends without having left (`LOST`), so
that the lot is news again the next night, as long as it is open.  docs/batch.md draws this table, and a test holds it to it.
"""

from collections.abc import Mapping

from sqlalchemy import ColumnElement, Connection, delete, select, update

from matcher.records.tables import Announcement, Digest, Letter

Mails = type[Digest] | type[Letter]

#: State -> the states that may follow it.
MOVES: Mapping[str, tuple[str, ...]] = {
    "composing": ("held", "ready", "cancelled"),
    "held": ("ready", "cancelled", "dropped"),
    "ready": ("sending", "sent", "failed", "cancelled", "no-address"),
    "sending": ("sent", "ready", "failed"),  # left behind by a crash, it is the operator's to settle
    "sent": ("failed",),  # by a delivery report
    "failed": (),
    "cancelled": (),
    "no-address": (),
    "dropped": (),  # by the operator, for good: its lots count as told
}
#: Ended without having left: their lots may be told again.
LOST = ("failed", "cancelled", "no-address")


def move(
    connection: Connection, to: str, *which: ColumnElement[bool], of: Mails = Digest, **values: object
) -> int:
    """Bring the digests, or the letters, of a condition to a state that may follow theirs; returns how many."""
    earlier = [state for state, following in MOVES.items() if to in following]
    chosen = (*which, of.status.in_(earlier))
    if of is Digest and to in LOST:
        lost = select(Digest.id).where(*chosen)
        connection.execute(delete(Announcement).where(Announcement.digest_id.in_(lost)))
    return connection.execute(update(of).where(*chosen).values(status=to, **values)).rowcount
