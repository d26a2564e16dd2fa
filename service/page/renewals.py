"""The page of contracts that end soon."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from matcher.matching import renewals
from service.page import render
from service.page.visitor import Reader

router = APIRouter()
SHOWN = 200


@router.get("/renouvellements")
def ending(
    request: Request,
    who: Reader,
    acheteur: Annotated[str, Query(max_length=14, pattern=r"^([0-9]{9}|[0-9]{14})?$")] = "",
    departement: Annotated[str, Query(max_length=3, pattern=r"^(\d{2,3}|2[AB])?$")] = "",
    siret: Annotated[str, Query(max_length=14, pattern=r"^([0-9]{14})?$")] = "",
) -> Response:
    """Contracts that end in 3 to 18 months, of a buyer, a department or the trade of a structure."""
    snapshot = request.app.state.serving.get()
    found = snapshot.renewals(siret, acheteur, departement, "", renewals.SOONEST, renewals.LATEST)
    return render.page(
        request, "renewals.html", found=found[:SHOWN], total=len(found), buyer=acheteur, department=departement,
        siret=siret, note=renewals.NOTE,
    )  # fmt: skip
