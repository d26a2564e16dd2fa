"""Purchases by kind of supplier, from a ledger and DECP files."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import File, Form, Query, Request, Response, UploadFile

from matcher import codec
from matcher.territory import ledger
from service import wire
from service.access import BuyerKey
from service.desk import DeskAnswer, answered, reported
from service.router import Router

router = Router(tags=["territory"])


@router.post(
    "/territory/report",
    summary="Purchases by kind from a ledger and DECP files; JSON, or ?as=xlsx, html",
    response_model=DeskAnswer,
)
def report_(
    request: Request, who: BuyerKey,
    books: Annotated[list[UploadFile] | None, File(description="The ledger: CSV with SIRET, montant, année.")] = None,
    awards: Annotated[list[UploadFile] | None, File(description="DECP files.")] = None,
    buyer: Annotated[str, Form(max_length=20)] = "", year: Annotated[list[int] | None, Form()] = None,
    shape: Annotated[Literal["json", "xlsx", "html"], Query(alias="as")] = "json",
) -> Response:  # fmt: skip
    made = reported(request, books or [], awards or [], buyer, year or [])
    if shape == "xlsx":
        return wire.attachment(ledger.workbook(made), wire.XLSX, "rapport.xlsx")
    if shape == "html":
        return wire.printable(ledger.page(made))
    return answered(request, codec.to_json(made), made.sources, made.on, made.facilitator)
