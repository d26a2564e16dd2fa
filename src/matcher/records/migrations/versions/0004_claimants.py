"""Who claims an account, why, and the way in which the claim was proved"""

from alembic import op

from matcher.records.migrations._tables import column

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    for spec in ("name 200", "role 200", "reason 2000", "way 16"):
        op.add_column("claim", column(spec, default=""))
    op.add_column("claim", column("claimant text?"))
