"""Messages between members of the exchange, and hours of insertion done after an award"""

from matcher.records.migrations._tables import create

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    create(
        "declaration_message",
        "id 64, declaration_id 64, other 14, sender 14, text text, at time",
        key="id",
        parent="declaration_id declaration.id",
        indexes={"ix_declaration_message_declaration_id": ["declaration_id"]},
    )
    create(
        "worked_hours",
        "contract 200, siret 14, month date, category 16, hours float, promised float?, people int?, by 64, at time",
        key="contract siret month category",
    )
