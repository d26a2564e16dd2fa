"""A write asked twice under one `Idempotency-Key` is done once: the second time its answer is replayed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel
from sqlalchemy import select

from matcher.domain import BadInput
from matcher.records.keys import Bearer
from matcher.records.store import now
from matcher.records.tables import Once
from service.access import store_of
from service.problems import Refused


def once(
    request: Request, who: Bearer, asked: BaseModel, do: Callable[[], Any], status: int = 200
) -> Response:
    """Do it and keep its answer for two days, or replay the answer kept.

    Raises Refused (422) where the key was used for another request.
    """
    key = request.headers.get("idempotency-key", "")
    if not key:
        return JSONResponse(do(), status)
    if len(key) > 200:
        raise BadInput("an Idempotency-Key has at most 200 characters")
    store = store_of(request)
    whole = f"{request.method} {request.url.path} {asked.model_dump_json()}"
    digest = hashlib.sha256(whole.encode()).hexdigest()
    with store.reading() as connection:
        query = select(Once.request, Once.response).where(Once.key == key, Once.actor == who.actor)
        row = connection.execute(query).mappings().first()
    if row is not None:
        if row["request"] != digest:
            raise Refused(422, "this Idempotency-Key was used for another request: take a new one")
        return JSONResponse(
            row["response"]["body"], row["response"]["status"], {"Idempotency-Replayed": "true"}
        )
    body = json.loads(json.dumps(do(), default=str))
    response = {"body": body, "status": status}
    kept = {"key": key, "actor": who.actor, "request": digest, "response": response, "at": now()}
    with store.writing() as connection:
        store.put(connection, Once, [kept], keep=("request", "response", "at"))
    return JSONResponse(body, status)
