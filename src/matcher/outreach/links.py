"""Signed links of mails."""

from __future__ import annotations

import hashlib
import hmac
import os
from typing import Any

from sqlalchemy import select

from matcher.domain import BadInput, Forbidden, NotFound
from matcher.outreach.rules import Rules
from matcher.records import feedback
from matcher.records.store import Store
from matcher.records.tables import Digest, Unsubscription
from matcher.reference.keyfile import made_once


def secret() -> bytes:
    """The key that signs the links of mails: MATCHER_MAIL_SECRET, else made once and kept under MATCHER_HOME."""
    if given := os.environ.get("MATCHER_MAIL_SECRET"):
        if len(given) < 16:
            raise BadInput("MATCHER_MAIL_SECRET is too short: 16 characters or more, drawn at random")
        return given.encode()
    return made_once("mail.secret")


def token(digest_id: str) -> str:
    """The proof that a link came out of a mail: 32 hexadecimal digits."""
    return hmac.new(secret(), digest_id.encode(), hashlib.sha256).hexdigest()[:32]


def link(rules: Rules, digest_id: str) -> str:
    """The page of a digest; "" where the service has no address."""
    base = rules.base_url.rstrip("/")
    return f"{base}/m/{digest_id}/{token(digest_id)}" if base else ""


def opened(store: Store, digest_id: str, proof: str) -> dict[str, Any]:
    """What a link shows.  Reading changes nothing, however often a scanner follows it.  Raises Forbidden."""
    if not hmac.compare_digest(token(digest_id).encode(), proof.encode()):
        raise Forbidden("ce lien n'est pas valable : ouvrez celui du message, sans le modifier")
    with store.reading() as connection:
        content = connection.execute(select(Digest.content).where(Digest.id == digest_id)).scalar()
        if content is None:
            raise NotFound("ce message n'est plus conservé")
        gone = connection.execute(
            select(Unsubscription.cause).where(Unsubscription.subject == content["addressee"])
        ).scalar()
    return {**content, "unsubscribed": gone is not None}


def act(store: Store, digest_id: str, proof: str, item: int, verb: str, reason: str = "") -> None:
    """What a POST does: feedback on the item of this number (from 1).  Raises Forbidden, BadInput."""
    content = opened(store, digest_id, proof)
    if verb not in ("interested", "declined"):
        raise BadInput("dites « intéressée » ou « pas intéressée »")
    if not 1 <= item <= len(content["items"]):
        raise BadInput("ce lot n'est pas dans ce message")
    one = content["items"][item - 1]
    feedback.record(
        store, content["addressee"], one["notice_id"], one["lot_id"], verb, reason=reason,
        cpv=(one["cpv"] or [""])[0], position=one["rank"], shown=one["shown"], by="mail",
    )  # fmt: skip


def unsubscribe(store: Store, digest_id: str, proof: str, cause: str = "one-click") -> str:
    """Stop every mail to the addressee of a digest immediately; returns the addressee.  Only a POST may call this."""
    addressee = str(opened(store, digest_id, proof)["addressee"])
    with store.writing() as connection:
        store.unsubscribe(connection, addressee, cause)
        store.audit(connection, addressee, "unsubscribe", digest_id)
    return addressee


def _question_proof(record: str, siret: str) -> str:
    return hmac.new(secret(), f"question|{record}|{siret}".encode(), hashlib.sha256).hexdigest()[:32]


def question_link(base_url: str, record: str, siret: str) -> str:
    """Where a structure answers a question of a record."""
    return f"{base_url.rstrip('/')}/q/{record}/{siret}/{_question_proof(record, siret)}"


def prove_question(record: str, siret: str, proof: str) -> None:
    """Raises Forbidden unless the link came out of the mail."""
    if not hmac.compare_digest(_question_proof(record, siret).encode(), proof.encode()):
        raise Forbidden("ce lien n'est pas valable : ouvrez celui du message, sans le modifier")


def feed_token(path: str) -> str:
    """A token by which a feed reader fetches one feed without a key: it is valid for this path alone."""
    return hmac.new(secret(), f"feed|{path}".encode(), hashlib.sha256).hexdigest()[:32]
