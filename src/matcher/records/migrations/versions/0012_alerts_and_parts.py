"""Mails that tell of a kept search, and what a member of a group that won does"""

from alembic import op

from matcher.records.migrations._tables import column, create

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    create("alert", "id 64, search text, owner 64, address text, told json, data 64", key="id")
    op.add_column("worked_hours", column("part text", default=""))
