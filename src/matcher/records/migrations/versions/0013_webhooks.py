"""Webhooks, and the events on their way to them"""

from matcher.records.migrations._tables import create

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    create(
        "webhook",
        "id 64, key_id 64, url text, events json, created_at time",
        key="id",
        parent="key_id api_key.id",
    )
    create(
        "webhook_delivery",
        "id 64, webhook_id 64, event 32, body text, status 16, tries int, outcome text, due time, created_at time",
        key="id",
        parent="webhook_id webhook.id",
        indexes={
            "ix_webhook_delivery_status": ["status", "due"],
            "ix_webhook_delivery_webhook_id": ["webhook_id"],
        },
    )
