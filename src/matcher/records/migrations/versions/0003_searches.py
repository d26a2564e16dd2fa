"""Searches and favourites"""

from matcher.records.migrations._tables import create

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    create("search", "id 64, asked json, at time", key="id")
    create("favourite", "owner 64, siret 14, at time", key="owner siret")
