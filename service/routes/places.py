"""Communes by the beginning of their name, for completion."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from matcher.reference.places import search_commune
from service import schemas, wire
from service.access import Reader

router = APIRouter(tags=["places"])


class Places(BaseModel):
    items: list[schemas.Place]


@router.get("/places", response_model=Places)
def places(
    request: Request,
    who: Reader,
    q: Annotated[str, Query(max_length=100)],
    limit: Annotated[int, Query(ge=1, le=20)] = 8,
) -> Response:
    found = search_commune(q.strip(), limit=limit)
    items = [schemas.Place.of(c, postcodes=c.postcodes[:5]) for c in found]
    return wire.send(request, Places(items=items), tagged=True)
