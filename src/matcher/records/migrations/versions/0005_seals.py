"""Seals with a key, and the head of each record outside its chain"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from matcher.records import chain

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "sourcing_head",
        sa.Column("record_id", sa.String(length=64), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("seal", sa.String(length=64), nullable=False),
        sa.Column("proof", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["record_id"], ["sourcing.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("record_id"),
    )
    connection = op.get_bind()
    for (record,) in connection.execute(sa.text("SELECT id FROM sourcing")).all():
        chain.reseal(connection, record)


def downgrade() -> None:
    op.drop_table("sourcing_head")
