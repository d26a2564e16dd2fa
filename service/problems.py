"""Errors as problem+json (RFC 9457): what went wrong, and how to correct it."""

import logging
import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from matcher import domain
from matcher.domain import BadInput
from matcher.reference.deadline import TooLong

log = logging.getLogger("service")
Headers = Mapping[str, str] | None
MEDIA = "application/problem+json"


class Fault(BaseModel):
    """One invalid field."""

    where: str = Field(description="Path of the field, such as body.filters.radius_km.")
    why: str


class Problem(BaseModel):
    """The body of every error."""

    type: str = Field(default="about:blank", description="about:blank, or a code of this service.")
    title: str
    status: int
    detail: str = Field(description="One sentence that names the remedy.")
    errors: list[Fault] = Field(default_factory=list)
    place_choices: list[str] = Field(
        default_factory=list,
        description="The places that an ambiguous or unknown `place` may mean, where there are some.",
    )


class Refused(Exception):
    """A refusal by the service rather than by the core: too large, no catalogue, no right.

    `code` names the case for the pages, which have their own sentence for it.
    """

    def __init__(self, status: int, detail: str, headers: Headers = None, code: str = "") -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers, self.code = status, detail, dict(headers or {}), code


class UnusableNotice(BadInput):
    """What was sent holds no notice that can be answered; `code` names the case for the pages."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


#: The first class that fits an error gives its status.
STATUS: Mapping[type[Exception], int] = {
    TooLong: 503,
    domain.NotFound: 404,
    domain.Forbidden: 403,
    domain.StaleArtefact: 503,
    domain.StoreUnavailable: 503,
    domain.MissingExtra: 501,
    domain.MatcherError: 422,  # a request that its sender can correct
}


def problem(
    status: int,
    detail: str,
    errors: Sequence[Fault] = (),
    headers: Headers = None,
    choices: Sequence[str] = (),
) -> JSONResponse:
    """The response of a problem; `choices` are the places that a name may mean."""
    made = Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        errors=list(errors),
        place_choices=list(choices),
    )
    body = made.model_dump(exclude=set() if choices else {"place_choices"})
    return JSONResponse(body, status, dict(headers or {}), MEDIA)


def status_of(error: Exception) -> int:
    """The HTTP status of an error of the core."""
    return next((status for cls, status in STATUS.items() if isinstance(error, cls)), 500)


def of_error(error: Exception, detail: str = "") -> JSONResponse:
    """The problem that an error of the core is, in its words or these, with what a place may mean."""
    return problem(status_of(error), detail or str(error), choices=getattr(error, "choices", ()))


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """`responses=` of a route: these, and those that every route may give."""
    content = {MEDIA: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    every = sorted({400, 401, 403, 408, 413, 415, 422, 429, 503, *statuses})
    return {each: {"description": HTTPStatus(each).phrase, "content": content} for each in every}


def bare(sentence: str) -> str:
    """The sentence with the last part alone of each path of this machine."""
    return re.sub(r"(?<![\w:/.])/(?!v1/)(?:[^\s/`'\",;:()]+/)+([^\s/`'\",;:()]+)", r"\1", sentence)
