"""Since 0.2.0: what is new is created as `records.tables` has it, what was there is altered; a test begins at 0.2.0's store"""

import hashlib

import sqlalchemy as sa
from alembic import op

from matcher.records.tables import Base

revision = "0013"
down_revision = "0006"

TOLD = ("addressee", "notice_id", "lot_id", "channel", "digest_id", "at")


def upgrade() -> None:
    op.drop_table("logo")  # no source of today gives one
    op.rename_table("told", "told_before")  # has another key since: its rows are kept
    Base.metadata.create_all(op.get_bind())
    now, before = (sa.table(name, *map(sa.column, TOLD)) for name in ("told", "told_before"))
    op.execute(sa.insert(now).from_select(TOLD, sa.select(before)))
    op.drop_table("told_before")
    for name, kind, default in (
        ("source", sa.String(64), ""),
        ("reader", sa.String(64), ""),
        ("changes", sa.JSON(), "[]"),
    ):
        op.add_column("notice", sa.Column(name, kind, nullable=False, server_default=default))
    # what was matched before counts as unchanged: no old lot is news because of this migration
    unchanged = hashlib.sha256(b"[]").hexdigest()[:16]
    op.execute(
        sa.text(
            "UPDATE notice SET catalogue = substr(catalogue, 1, 17) || :unchanged WHERE catalogue <> ''"
        ).bindparams(unchanged=unchanged)
    )
