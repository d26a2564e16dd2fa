"""Exception handlers: errors as problem+json or as pages, and why a field is invalid, in both languages."""

import tomllib
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse, Response
from starlette.exceptions import HTTPException
from starlette.types import Scope

from matcher.domain import MatcherError, StoreUnavailable
from matcher.reference.deadline import TooLong
from service.page import render
from service.problems import Fault, Headers, Refused, bare, log, of_error, problem, status_of
from service.schemas import CPV, DEPARTMENT, WANTED

NOT_RECORDED = "Le service ne peut rien enregistrer pour le moment. Rien n'a été fait à moitié : réessayez dans quelques minutes."

UNAVAILABLE = "the service cannot record anything now, and nothing was half done: try again in some minutes"
NO_JSON = {
    False: "the body is no JSON: send one JSON object in UTF-8",
    True: "le corps n'est pas du JSON : envoyez un objet JSON en UTF-8",
}


def french(request: Request) -> bool:
    """Is the sentence of an error for a visitor: of a page, or of a portal that asks the API in French?"""
    return render.wants_page(request) or request.headers.get("accept-language", "").lower().startswith("fr")


def unheard(scope: Scope, status: int, detail: str, headers: Mapping[str, str]) -> Response:
    """The answer to a request refused apart from what it asks: a page for a browser, else a problem."""
    request = Request(scope)
    if render.wants_page(request):
        return render.unheard(request, status, headers)
    if french(request):
        detail = render.UNHEARD.get(status, detail)
    return problem(status, detail, headers=headers)


def install(app: FastAPI) -> None:
    """Every error of the application becomes a problem; those of the pages become pages (service.page)."""

    def shown(
        request: Request, status: int, detail: str, errors: Sequence[Fault] = (), headers: Headers = None
    ) -> Response:
        if render.wants_page(request):
            return render.error(request, status, detail, headers)
        return problem(status, detail, errors, headers)

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, Refused)
        detail = render.CODED.get(error.code, error.detail) if french(request) else error.detail
        return shown(request, error.status, detail, headers=error.headers)

    async def late(request: Request, error: Exception) -> Response:
        return unheard(request.scope, 503, str(error), {"Retry-After": "30"})

    async def core(request: Request, error: Exception) -> Response:
        if isinstance(error, StoreUnavailable):
            log.error("store unavailable", extra={"why": str(error)})
            message = NOT_RECORDED if french(request) else UNAVAILABLE  # why is the operator's to know
            return shown(request, 503, message, headers={"Retry-After": "30"})
        message = render.sentence(error) if french(request) else str(error)
        if not render.wants_page(request):
            return of_error(error, bare(message))
        return shown(request, status_of(error), bare(message))

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        detail = str(error.detail)
        if error.status_code == 404 and detail == HTTPStatus.NOT_FOUND.phrase:
            detail = "there is nothing at this address: see /docs for those there are"
            detail = render.NO_PAGE if render.wants_page(request) else detail
        if error.status_code == 405 and request.method == "GET" and render.wants_page(request):
            # the address of a form that was sent, opened again: the page that the form was on
            return RedirectResponse(request.url.path.rpartition("/")[0] or "/", 303)
        if render.wants_page(request):
            detail = render.UNHEARD.get(error.status_code, detail)
        elif error.status_code == 405:
            detail = f"{request.method} is not possible at this address: see /docs"
        elif error.status_code == 400:  # FastAPI has no other: a form or body that cannot be decoded
            detail = "the body cannot be decoded: send JSON in UTF-8"
        return shown(request, error.status_code, detail, headers=error.headers)

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        told = why_in_french if french(request) else why
        faults = [
            Fault(where=".".join(map(str, e["loc"])), why=told(e, _fields(request, e["loc"])))
            for e in error.errors()[:20]
        ]
        if any(e["type"] == "json_invalid" for e in error.errors()):
            return shown(request, 400, NO_JSON[french(request)], faults)
        if render.wants_page(request):
            return shown(request, 422, render.misread(error.errors()))
        first = faults[0] if faults else Fault(where="body", why="cannot be taken")
        sign = " :" if french(request) else ":"
        return shown(request, 422, f"{first.where}{sign} {first.why}", faults)

    app.add_exception_handler(Refused, refused)
    app.add_exception_handler(TooLong, late)
    app.add_exception_handler(MatcherError, core)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, invalid)  # any other is answered by limits.Guard


def _fields(request: Request, where: Sequence[Any]) -> str:
    """The fields there are where one stands in the body asked ("body", "filters", "kind"); "" where that is not known."""
    body = getattr(request.scope.get("route"), "body_field", None)
    model = getattr(getattr(body, "field_info", None), "annotation", None)
    for name in where[1:-1]:
        fields = getattr(model, "model_fields", {})
        model = fields[name].annotation if name in fields else None
    return ", ".join(getattr(model, "model_fields", ()))


#: Type of error -> what is wanted, with what pydantic tells of it.
FRENCH: dict[str, str] = tomllib.loads(Path(__file__).with_name("faults.toml").read_text(encoding="utf-8"))
FRENCH |= {DEPARTMENT: "un numéro de département est attendu : 35, 2A ou 974"}
FRENCH |= {CPV: "un code CPV ou ses premiers chiffres sont attendus : 77 ou 77310000"}
DAY = "une date est attendue : AAAA-MM-JJ"
IDENTITY = "un SIRET de 14 chiffres est attendu (ou un numéro FINESS, SIREN, RNA ou d'adhérent, que donne la recherche par nom, /v1/structures)"


def why(fault: Mapping[str, Any], fields: str = "") -> str:
    """What is wanted of an invalid field, in English; `fields` are those there are."""
    if wanted := WANTED.get(fault.get("ctx", {}).get("pattern", "")):
        return f"give a {wanted}"
    if fault["type"] == "extra_forbidden":
        return f"no such field{f': the fields are {fields}' if fields else ': leave it out'}"
    if fault["type"].startswith("date"):
        return "a day is wanted: YYYY-MM-DD"
    return str(fault["msg"]).removeprefix("Value error, ")


def why_in_french(fault: Mapping[str, Any], fields: str = "") -> str:
    """The same in French."""
    if (pattern := fault.get("ctx", {}).get("pattern", "")) in WANTED:
        return FRENCH.get(pattern, IDENTITY)
    if fault["type"] == "extra_forbidden":
        return f"champ inconnu{f' : les champs sont {fields}' if fields else ' : retirez-le'}"
    if fault["type"].startswith("date"):
        return DAY
    told = FRENCH.get(fault["type"], "valeur invalide (voyez /docs)")
    return told.format_map({"expected": "", **fault.get("ctx", {})}).replace(" or ", " ou ")
