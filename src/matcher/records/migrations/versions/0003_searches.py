"""Searches and favourites"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from matcher.records.tables import UtcTime

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "search",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("asked", sa.JSON(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "favourite",
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("siret", sa.String(length=14), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "siret"),
    )


def downgrade() -> None:
    op.drop_table("favourite")
    op.drop_table("search")
