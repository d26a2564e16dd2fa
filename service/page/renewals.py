"""The page of contracts that end soon."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import Query, Request, Response

from matcher.domain import BadInput
from matcher.matching import renewals
from matcher.reference import places
from service.page import fields, render
from service.page.fields import FieldErrors
from service.page.visitor import Reader
from service.router import Router

router = Router()
SHOWN = 200
Asked = Annotated[str, Query(max_length=40)]


@router.get("/renouvellements")
def ending(
    request: Request, who: Reader, acheteur: Asked = "", departement: Asked = "", siret: Asked = ""
) -> Response:
    """Contracts that end in 3 to 18 months, of a buyer, a department or the trade of a structure."""
    typed = {"buyer": acheteur, "department": departement, "siret": siret, "departments_by": _department}
    try:
        read = fields.checked(
            acheteur=lambda: _digits(acheteur, (9, 14), "Un SIREN a neuf chiffres, un SIRET quatorze."),
            departement=lambda: _code(departement),
            siret=lambda: _digits(siret, (14,), "Un SIRET a quatorze chiffres."),
        )
    except FieldErrors as error:
        return render.page(request, "renewals.html", 422, problems=error.problems, **typed)
    snapshot = request.app.state.serving.get()
    found = snapshot.renewals(
        read["siret"], read["acheteur"], read["departement"], "", renewals.SOONEST, renewals.LATEST
    )
    return render.page(
        request,
        "renewals.html",
        found=found[:SHOWN],
        total=len(found),
        note=renewals.NOTE,
        problems={},
        **typed,
    )


def _digits(text: str, lengths: tuple[int, ...], sentence: str) -> str:
    """A number without its spaces.  Raises BadInput with the sentence."""
    bare = re.sub(r"\s", "", text)
    if bare and not (bare.isdecimal() and len(bare) in lengths):
        raise BadInput(sentence)
    return bare


def _code(text: str) -> str:
    """The number of a department.  Raises BadInput."""
    code = places.department_typed(text) if text.strip() else ""
    if code is None:
        raise BadInput(
            f"Le département {text[:30]} n'existe pas : écrivez son numéro ou son nom, 93 ou Nord."
        )
    return code


def _department(code: str) -> str:
    found = places.department(code)
    return f"{found.name} ({code})" if found else code
