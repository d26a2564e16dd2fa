"""Lots told by digest, changes of notices as their source made them, and files read before"""

import hashlib

import sqlalchemy as sa
from alembic import op

from matcher.records.migrations._tables import column, create

revision = "0007"
down_revision = "0006"

TOLD = ("addressee", "notice_id", "lot_id", "channel", "digest_id", "at")
COLUMNS = "addressee 64, notice_id 200, lot_id 200, channel 16, digest_id 64, at time"


def upgrade() -> None:
    _told("addressee notice_id lot_id channel digest_id")
    op.add_column("notice", column("source 64", default=""))
    op.add_column("notice", column("reader 64", default=""))
    op.add_column("notice", column("changes json", default="[]"))
    # what was matched before counts as unchanged: no old lot is news because of this migration
    unchanged = hashlib.sha256(b"[]").hexdigest()[:16]
    op.execute(
        sa.text(
            "UPDATE notice SET catalogue = substr(catalogue, 1, 17) || :unchanged WHERE catalogue <> ''"
        ).bindparams(unchanged=unchanged)
    )
    create("read_file", "hash 64, reader 64, notices int, rejected int, at time", key="hash")


def _told(key: str) -> None:
    """The table again, under another key; its rows are kept."""
    op.rename_table("told", "told_before")
    create("told_now", COLUMNS, key=key, parent="digest_id digest.id")
    now, before = (sa.table(name, *map(sa.column, TOLD)) for name in ("told_now", "told_before"))
    op.execute(sa.insert(now).from_select(TOLD, sa.select(before)))
    op.drop_table("told_before")
    op.rename_table("told_now", "told")
