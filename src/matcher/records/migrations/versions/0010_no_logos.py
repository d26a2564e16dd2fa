"""Logos of structures go: no source of today gives them"""

from __future__ import annotations

from alembic import op

from matcher.records.migrations._tables import create

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.drop_table("logo")


def downgrade() -> None:
    create(
        "logo",
        "siret 14, image text?, version 64, url text, source text, fetched date, why text, removed_at time?",
        key="siret",
    )
