"""The store of release 0.2.0: where it stands a migration begins; a new store is created whole, from `records.tables`"""

revision = "0006"
down_revision = None


def upgrade() -> None:
    """Nothing: a store that is older is opened by release 0.2.0 first."""
