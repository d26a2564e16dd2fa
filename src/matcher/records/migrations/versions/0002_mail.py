"""Letters in a queue; who a mail was addressed to and what the server said last"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from matcher.records.tables import UtcTime

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "letter",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("record_id", sa.String(length=64), nullable=False),
        sa.Column("siret", sa.String(length=14), nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("mail", sa.Text(), nullable=True),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("claimed_at", UtcTime(), nullable=True),
        sa.Column("sent_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_letter_status", "letter", ["status"])
    op.create_index("ix_letter_record_id", "letter", ["record_id"])
    op.add_column("digest", sa.Column("address", sa.Text(), nullable=True))
    op.add_column("digest", sa.Column("said", sa.Text(), nullable=False, server_default=""))
    op.add_column("digest", sa.Column("claimed_at", UtcTime(), nullable=True))


def downgrade() -> None:
    for column in ("claimed_at", "said", "address"):
        op.drop_column("digest", column)
    op.drop_index("ix_letter_record_id", table_name="letter")
    op.drop_index("ix_letter_status", table_name="letter")
    op.drop_table("letter")
