"""Logos of structures go: no source of today gives them"""

from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.drop_table("logo")
