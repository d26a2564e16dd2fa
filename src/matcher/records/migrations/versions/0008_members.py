"""Names, archives and sharing of sourcing records"""

from alembic import op

from matcher.records.migrations._tables import column, create

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    create(
        "sourcing_member",
        "record_id 64, person 64, archived_at time?, at time",
        key="record_id person",
        parent="record_id sourcing.id",
        indexes={"ix_sourcing_member_person": ["person"]},
    )
    op.add_column("sourcing_member", column("label 200", default=""))
