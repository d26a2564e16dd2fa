"""What the members of the exchange agreed with each other"""

from matcher.records.migrations._tables import create

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    create(
        "agreement",
        "declaration_id 64, with_id 64, role 16, part text, at time",
        key="declaration_id with_id",
        parent="declaration_id declaration.id",
    )
