"""Who claims an account, why, and the way in which the claim was proved"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    for name, length in (("name", 200), ("role", 200), ("reason", 2000), ("way", 16)):
        op.add_column("claim", sa.Column(name, sa.String(length=length), nullable=False, server_default=""))
    op.add_column("claim", sa.Column("claimant", sa.Text(), nullable=True))


def downgrade() -> None:
    for name in ("claimant", "way", "reason", "role", "name"):
        op.drop_column("claim", name)
