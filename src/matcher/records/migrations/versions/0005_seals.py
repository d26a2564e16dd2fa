"""Seals with a key, and the head of each record outside its chain"""

import sqlalchemy as sa
from alembic import op

from matcher.records import chain
from matcher.records.migrations._tables import create

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    create(
        "sourcing_head",
        "record_id 64, count int, seal 64, proof 64",
        key="record_id",
        parent="record_id sourcing.id",
    )
    connection = op.get_bind()
    for (record,) in connection.execute(sa.text("SELECT id FROM sourcing")).all():
        chain.reseal(connection, record)
