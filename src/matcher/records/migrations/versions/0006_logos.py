"""Logos of structures"""

from matcher.records.migrations._tables import create

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    create(
        "logo",
        "siret 14, image text?, version 64, url text, source text, fetched date, why text, removed_at time?",
        key="siret",
    )
