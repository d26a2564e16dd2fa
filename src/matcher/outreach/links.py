"""Signed links of mails."""

import hashlib
import hmac
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from matcher.domain import BadInput, Forbidden, NotFound
from matcher.outreach import alerts
from matcher.outreach.rules import Rules
from matcher.records import feedback
from matcher.records.store import Store, now
from matcher.records.tables import Digest
from matcher.reference import codes
from matcher.reference.tables import stated_or_made


def token(*parts: object) -> str:
    """The proof that a link of these parts was made here: 32 hexadecimal digits, by MATCHER_MAIL_SECRET or a key made once."""
    secret = stated_or_made("MATCHER_MAIL_SECRET", 16, "mail.secret")
    return hmac.new(secret, "|".join(map(str, parts)).encode(), hashlib.sha256).hexdigest()[:32]


def prove(proof: str, *parts: object) -> None:
    """Raises Forbidden unless the link of these parts came out of a mail."""
    if not hmac.compare_digest(token(*parts).encode(), proof.encode()):
        raise Forbidden("ce lien n'est pas valable : ouvrez celui du message, sans le modifier")


def link(rules: Rules, digest_id: str) -> str:
    """The page of a digest; "" where the service has no address."""
    base = rules.base_url.rstrip("/")
    return f"{base}/m/{digest_id}/{token(digest_id)}" if base else ""


def opened(store: Store, digest_id: str, proof: str) -> dict[str, Any]:
    """What a link shows.  Reading changes nothing, however often a scanner follows it.  Raises Forbidden."""
    prove(proof, digest_id)
    with store.reading() as connection:
        content = connection.execute(select(Digest.content).where(Digest.id == digest_id)).scalar()
        if content is None:
            raise NotFound("ce message n'est plus conservé")
        silent = alerts.silent(connection, "alerts")
    return {**content, "unsubscribed": content["addressee"] in silent}


MONTHS = 6  # of which lots like one are counted
#: What "not interested" bears on: this lot alone, lots of its CPV class, its whole CPV group; digits of the code.
SCOPES: Mapping[str, int] = {"lot": 0, "like": 5, "trade": 3}


def scopes(store: Store, content: Mapping[str, Any]) -> list[list[tuple[str, str]]]:
    """For each item of a digest what a refusal can bear on: (scope, in French, with how many lots of the last months)."""
    since = now() - timedelta(days=MONTHS * 30)
    rows = select(Digest.content).where(Digest.addressee == content["addressee"], Digest.created_at > since)
    told = {
        (item["notice_id"], item["lot_id"]): item["cpv"][0]
        for row in store.ask(rows).scalars()
        for item in row["items"]
        if item.get("cpv")
    }

    def wider(item: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        for scope, words in (("like", "les lots semblables"), ("trade", "tout ce métier")):
            code = item["cpv"][0][: SCOPES[scope]] if item["cpv"] else ""
            if label := codes.cpv_label(code.ljust(8, "0")) if code else "":
                count = sum(one.startswith(code) for one in told.values())
                yield scope, f"{words} : {label} ({count} lot{'s' * (count > 1)} en {MONTHS} mois)"

    return [[("lot", "ce lot seulement"), *wider(item)] for item in content["items"]]


def act(
    store: Store, digest_id: str, proof: str, item: int, verb: str, reason: str = "", scope: str = "lot"
) -> None:
    """What a POST does: feedback on the item of this number (from 1).  Raises Forbidden, BadInput.

    A trade is denied by its scope alone, never by a reason.
    """
    content = opened(store, digest_id, proof)
    if verb not in ("interested", "declined"):
        raise BadInput("dites « intéressée » ou « pas intéressée »")
    if scope not in SCOPES:
        raise BadInput("dites sur quoi porte votre refus : ce lot, les lots semblables ou tout ce métier")
    if not 1 <= item <= len(content["items"]):
        raise BadInput("ce lot n'est pas dans ce message")
    one = content["items"][item - 1]
    with store.writing():
        told = {"reason": reason, "position": one["rank"], "shown": one["shown"], "by": "mail"}
        feedback.record(store, content["addressee"], one["notice_id"], one["lot_id"], verb, **told)
        if verb == "declined" and (digits := SCOPES[scope]) and one["cpv"]:
            feedback.deny(store, content["addressee"], f"cpv:{one['cpv'][0][:digits]}", "mail")


def unsubscribe(store: Store, digest_id: str, proof: str, kind: str = "alerts") -> None:
    """Stop the alerts, or every mail (kind ""), to the addressee of a digest.  Only a POST may call this."""
    alerts.stop(store, str(opened(store, digest_id, proof)["addressee"]), kind, "one-click")


def question_link(base_url: str, record: str, siret: str) -> str:
    """Where a structure answers a question of a record."""
    return f"{base_url.rstrip('/')}/q/{record}/{siret}/{token('question', record, siret)}"
