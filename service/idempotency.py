"""A write repeated under one `Idempotency-Key` is done once; the repetition gets the same answer.

The key is a row inserted first, in the transaction of the effect: of requests that race, in any number of processes,
one does the work while the others wait for its row, and a process killed halfway leaves neither key nor effect.
"""

import hashlib
import json
from collections.abc import Callable
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse, Response
from sqlalchemy import Connection, select, update

from matcher.domain import BadInput
from matcher.records.keys import Bearer
from matcher.records.store import now
from matcher.records.tables import Once
from service.access import store_of
from service.problems import Refused

Work = Callable[[], Any]
Step = Work | None


def once(
    request: Request, who: Bearer, do: Work, status: int = 200, *, before: Step = None, after: Step = None
) -> Response:
    """Do it in one transaction with the key and its answer, kept for two days, or replay the answer kept.

    `before` is the slow part that writes nothing (a search), run outside the transaction; `after` acts on what is
    committed.  Raises Refused (422) where the key was used for another request.
    """
    key = request.headers.get("idempotency-key", "")
    if len(key) > 200 or "\x00" in key:
        raise BadInput("an Idempotency-Key has at most 200 characters, none of them NUL")
    store = store_of(request)
    # of the request as it came, which may be nested deeper than can be written again
    whole = f"{request.method} {request.url.path} {request.scope['state'].get('body', '')}"
    digest = hashlib.sha256(whole.encode()).hexdigest()
    claim = {"key": key, "actor": who.actor, "request": digest, "response": {}, "at": now()}
    if key:
        with store.reading() as connection:
            if kept := _answer(connection, claim):
                return kept
    if before is not None:
        before()
    with store.writing() as connection:
        if key and not store.put(connection, Once, [claim], keep=("request", "response", "at")):
            kept = _answer(connection, claim)
            assert kept is not None
            return kept
        body = json.loads(json.dumps(do(), default=str))
        if key:
            answer = update(Once).where(Once.key == key, Once.actor == who.actor)
            connection.execute(answer.values(response={"body": body, "status": status}))
    if after is not None:
        after()
    return JSONResponse(body, status)


def _answer(connection: Connection, claim: dict[str, Any]) -> Response | None:
    """The answer kept under a key, None where there is none."""
    query = select(Once.request, Once.response).where(Once.key == claim["key"], Once.actor == claim["actor"])
    row = connection.execute(query).mappings().first()
    if row is None:
        return None
    if row["request"] != claim["request"]:
        raise Refused(422, "this Idempotency-Key was used for another request: take a new one")
    return JSONResponse(row["response"]["body"], row["response"]["status"], {"Idempotency-Replayed": "true"})
