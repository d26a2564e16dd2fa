"""The CPV codes of what is bought, from its description."""

from fastapi import APIRouter, Request, Response

from matcher.domain import BadInput
from matcher.learned import cpv as cpv_
from service import schemas, wire
from service.access import Reader
from service.problems import Refused

router = APIRouter(tags=["cpv"])


@router.post("/cpv", response_model=schemas.CpvAnswer)
def cpv(request: Request, who: Reader, asked: schemas.CpvIn) -> Response:
    if len(asked.text) > request.app.state.settings.max_need:
        raise Refused(413, "the description is too long: a page is enough")
    if not any(char.isalpha() for char in asked.text):
        raise BadInput("the description is empty: say what is bought")
    found = cpv_.shipped().suggest(asked.text, asked.n, asked.level)
    items = [schemas.CpvOut(code=code, label=label, score=score) for code, label, score in found]
    return wire.send(request, schemas.CpvAnswer(items=items))
