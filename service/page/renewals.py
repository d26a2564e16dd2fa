"""The page of contracts that end soon."""

from __future__ import annotations

import re
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Query, Request, Response

from matcher.console import csv_text
from matcher.domain import BadInput
from matcher.matching import renewals
from matcher.reference import places, trades
from service import wire
from service.page import fields, render
from service.page.fields import FieldErrors
from service.page.visitor import Reader
from service.router import Router
from service.snapshot import snapshot_of

router = Router()
SHOWN = 200
Asked = Annotated[str, Query(max_length=40)]


@router.get("/renouvellements")
def ending(
    request: Request, who: Reader, acheteur: Asked = "", departement: Asked = "", siret: Asked = "", metier: Asked = "", forme: Asked = ""
) -> Response:  # fmt: skip
    """Contracts that end in 3 to 18 months, of a buyer, a department, a trade or that of a structure; as CSV too."""
    asked = {"acheteur": acheteur, "departement": departement, "siret": siret, "metier": metier}
    typed: dict[str, Any] = {"asked": asked, "departments_by": _department, "trades": known_trades()}
    try:
        read = fields.checked(
            acheteur=lambda: _digits(acheteur, (9, 14), "Un SIREN a neuf chiffres, un SIRET quatorze."),
            departement=lambda: _code(departement),
            siret=lambda: _digits(siret, (14,), "Un SIRET a quatorze chiffres."),
        )
    except FieldErrors as error:
        return render.page(request, "renewals.html", 422, problems=error.problems, **typed)
    snapshot = snapshot_of(request)
    found = snapshot.renewals(
        read["siret"], read["acheteur"], read["departement"], "", renewals.SOONEST, renewals.LATEST
    )
    if metier:
        found = [one for one in found if metier in snapshot.contract_trades.get(one.title, ())]
    if forme == "csv":
        return wire.attachment(csv_text(map(_row, found)), "text/csv; charset=utf-8", "renouvellements.csv")
    return render.page(
        request,
        "renewals.html",
        here=urlencode({**asked, "forme": "csv"}),
        found=found[:SHOWN],
        total=len(found),
        note=renewals.NOTE,
        **typed,
    )


def _row(one: renewals.Renewal) -> dict[str, object]:
    return {
        "fin": one.ends.isoformat(), "objet": one.title, "acheteur": one.buyer.name, "SIRET de l'acheteur": one.buyer.id,
        "titulaires": " ; ".join(h.name or h.id for h in one.holders), "lieu": one.place.label or one.place.department or "",
        "montant € HT": one.amount, "notifié le": one.notified.isoformat(), "mois": one.months, "source": one.source,
    }  # fmt: skip


def known_trades() -> list[tuple[str, str]]:
    return sorted(((one.name, one.label) for one in trades.trades()), key=lambda one: one[1])


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
