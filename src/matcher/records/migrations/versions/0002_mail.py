"""Letters in a queue; who a mail was addressed to and what the server said last"""

from alembic import op

from matcher.records.migrations._tables import column, create

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    create(
        "letter",
        "id 64, kind 16, record_id 64, siret 14, address text?, subject text, status 16, mail text?, "
        "said text, created_at time, claimed_at time?, sent_at time?",
        key="id",
        indexes={"ix_letter_status": ["status"], "ix_letter_record_id": ["record_id"]},
    )
    op.add_column("digest", column("address text?"))
    op.add_column("digest", column("said text", default=""))
    op.add_column("digest", column("claimed_at time?"))
