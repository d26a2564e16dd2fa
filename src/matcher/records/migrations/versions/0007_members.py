"""Names, archives and sharing of sourcing records; alerts and questions are stopped apart"""

from __future__ import annotations

from alembic import op

from matcher.records.migrations._tables import column, create

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    create(
        "sourcing_member",
        "record_id 64, person 64, archived_at time?, at time",
        key="record_id person",
        parent="record_id sourcing.id",
        indexes={"ix_sourcing_member_person": ["person"]},
    )
    op.add_column("sourcing_member", column("label 200", default=""))
    # who had stopped one had stopped both
    op.execute(
        "INSERT INTO unsubscription (subject, cause, at) SELECT 'questions:' || subject, cause, at "
        "FROM unsubscription WHERE length(subject) = 14"
    )


def downgrade() -> None:
    op.execute("DELETE FROM unsubscription WHERE subject LIKE 'questions:%'")
    op.drop_table("sourcing_member")
