"""First tables"""

from matcher.records.migrations._tables import create

revision = "0001"
down_revision = None


def upgrade() -> None:
    create(
        "api_key",
        "id 64, hash 64, scopes json, label text, created_at time, expires_at time?, revoked_at time?",
        key="id",
    )
    create(
        "audit",
        "id int, at time, actor 80, action 40, subject 200, detail json",
        key="id",
        indexes={"ix_audit_at": ["at"]},
    )
    create(
        "claim",
        "id 64, siret 14, address text?, token_hash 64, status 16, created_at time, expires_at time, "
        "decided_at time?",
        key="id",
        indexes={"ix_claim_siret": ["siret"]},
    )
    create(
        "declaration",
        "id 64, siret 14, notice_id 200, lot_id 200, brings text, seeks text, contact text?, "
        "visibility 16, buyer_may_see bool, named json, deadline time, created_at time, "
        "updated_at time, withdrawn_at time?",
        key="id",
        unique="siret notice_id lot_id",
        indexes={"ix_declaration_notice": ["notice_id", "lot_id"]},
    )
    create("denied_skill", "siret 14, skill 200, by 64, at time", key="siret skill")
    create(
        "digest",
        "id 64, addressee 64, day date, channel 16, status 16, content json, created_at time, sent_at time?",
        key="id",
        unique="addressee day channel",
        indexes={"ix_digest_status": ["status"]},
    )
    create(
        "feedback",
        "siret 14, notice_id 200, lot_id 200, verb 16, reason text, position int?, shown int?, "
        "by 64, at time",
        key="siret notice_id lot_id verb",
        indexes={"ix_feedback_siret": ["siret"]},
    )
    create(
        "notice",
        "id 200, twin 200, fingerprint 64, catalogue 64, owner 64, published date?, deadline time?, "
        "tender json, seen_at time, matched_at time?",
        key="id",
        indexes={"ix_notice_deadline": ["deadline"]},
    )
    create("once", "key 200, actor 80, request 64, response json, at time", key="key actor")
    create("profile", "siret 14, facts json, by 64, at time", key="siret")
    create("run", "id 64, started_at time, finished_at time?, state json", key="id")
    create(
        "sourcing",
        "id 64, owner 64, need json, filters json, answer json, versions json, created_at time",
        key="id",
        indexes={"ix_sourcing_owner": ["owner"]},
    )
    create("unsubscription", "subject 80, cause 16, at time", key="subject")
    create(
        "declaration_view",
        "declaration_id 64, viewer 64, kind 16, day date, at time",
        key="declaration_id viewer kind day",
        parent="declaration_id declaration.id",
    )
    create(
        "match",
        "notice_id 200, lot_id 200, siret 14, rank int, score float, probability float, detail json, "
        "versions json, at time",
        key="notice_id lot_id siret",
        parent="notice_id notice.id",
        indexes={"ix_match_siret": ["siret"]},
    )
    create(
        "sourcing_event",
        "record_id 64, number int, kind 16, siret 14, payload json?, salt 64?, commitment 64, "
        "seal 64, at time",
        key="record_id number",
        parent="record_id sourcing.id",
    )
    create(
        "told",
        "addressee 64, notice_id 200, lot_id 200, channel 16, digest_id 64, at time",
        key="addressee notice_id lot_id channel",
        parent="digest_id digest.id",
    )
