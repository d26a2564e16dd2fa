"""Lots told by digest, changes of notices, sharing of records, the exchange's messages, hours, alerts, webhooks; no logos"""

import hashlib

import sqlalchemy as sa
from alembic import op

from matcher.records.migrations._tables import column, create

revision = "0013"
down_revision = "0006"

TOLD = ("addressee", "notice_id", "lot_id", "channel", "digest_id", "at")


def upgrade() -> None:
    _told()
    op.drop_table("logo")  # no source of today gives one
    for spec, default in (("source 64", ""), ("reader 64", ""), ("changes json", "[]")):
        op.add_column("notice", column(spec, default=default))
    # what was matched before counts as unchanged: no old lot is news because of this migration
    unchanged = hashlib.sha256(b"[]").hexdigest()[:16]
    op.execute(
        sa.text(
            "UPDATE notice SET catalogue = substr(catalogue, 1, 17) || :unchanged WHERE catalogue <> ''"
        ).bindparams(unchanged=unchanged)
    )
    create("read_file", "hash 64, reader 64, notices int, rejected int, at time", key="hash")
    create(
        "sourcing_member",
        "record_id 64, person 64, label 200, archived_at time?, at time",
        key="record_id person",
        parent="record_id sourcing.id",
        indexes={"ix_sourcing_member_person": ["person"]},
    )
    create(
        "agreement",
        "declaration_id 64, with_id 64, role 16, part text, at time",
        key="declaration_id with_id",
        parent="declaration_id declaration.id",
    )
    create(
        "declaration_message",
        "id 64, declaration_id 64, other 14, sender 14, text text, at time",
        key="id",
        parent="declaration_id declaration.id",
        indexes={"ix_declaration_message_declaration_id": ["declaration_id"]},
    )
    create(
        "worked_hours",
        "contract 200, siret 14, month date, category 16, hours float, promised float?, people int?, part text, "
        "by 64, at time",
        key="contract siret month category",
    )
    create("alert", "id 64, search text, owner 64, address text, told json, data 64", key="id")
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


def _told() -> None:
    """The table again, with the digest in its key; its rows are kept."""
    op.rename_table("told", "told_before")
    create(
        "told_now",
        "addressee 64, notice_id 200, lot_id 200, channel 16, digest_id 64, at time",
        key="addressee notice_id lot_id channel digest_id",
        parent="digest_id digest.id",
    )
    now, before = (sa.table(name, *map(sa.column, TOLD)) for name in ("told_now", "told_before"))
    op.execute(sa.insert(now).from_select(TOLD, sa.select(before)))
    op.drop_table("told_before")
    op.rename_table("told_now", "told")
