"""The page of contracts that end soon."""

import re
from dataclasses import asdict, dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request, Response

from matcher import codec
from matcher.console import csv_text
from matcher.domain import BadInput
from matcher.matching import renewals
from matcher.reference import places, trades
from service import wire
from service.page import fields, render
from service.page.fields import FieldErrors, Short
from service.page.visitor import Reader
from service.snapshot import snapshot_of

router = APIRouter()
SHOWN = 200
BUYER_WANTED = "Un SIREN a neuf chiffres, un SIRET quatorze."
NO_DEPARTMENT = "Le département {} n'existe pas : écrivez son numéro ou son nom, 93 ou Nord."


@dataclass(frozen=True)
class Wanted:
    """Whose contracts: of a buyer, of a department, of the trade of a structure, of a trade."""

    acheteur: Short = ""
    departement: Short = ""
    siret: Short = ""
    metier: Short = ""


ContractsOf = Annotated[Wanted, Depends()]


@router.get("/renouvellements")
def ending(request: Request, who: Reader, wanted: ContractsOf, forme: Short = "") -> Response:
    """Contracts that end in 3 to 18 months, of those wanted; as CSV too."""
    asked = asdict(wanted)
    known = sorted(((one.name, one.label) for one in trades.trades()), key=lambda one: one[1])
    typed: dict[str, Any] = {"asked": asked, "departments_by": _department, "trades": known}
    try:
        read = fields.checked(
            acheteur=lambda: _digits(wanted.acheteur, (9, 14), BUYER_WANTED),
            departement=lambda: _code(wanted.departement),
            siret=lambda: _digits(wanted.siret, (14,), "Un SIRET a quatorze chiffres."),
        )
    except FieldErrors as error:
        return render.page(request, "renewals.html", 422, problems=error.problems, **typed)
    snapshot, months = snapshot_of(request), (renewals.SOONEST, renewals.LATEST)
    found = snapshot.renewals(read["siret"], read["acheteur"], read["departement"], "", *months)
    if wanted.metier:
        found = [one for one in found if wanted.metier in snapshot.contract_trades.get(one.title, ())]
    if forme == "csv":
        return wire.attachment(csv_text(map(_row, found)), "text/csv; charset=utf-8", "renouvellements.csv")
    shown = {"found": found[:SHOWN], "total": len(found), "here": urlencode({**asked, "forme": "csv"})}
    return render.page(request, "renewals.html", note=renewals.NOTE, **shown, **typed)


def _row(one: renewals.Renewal) -> dict[str, object]:
    row = codec.flat(one, "fin=ends, objet=title, acheteur=buyer.name, SIRET de l'acheteur=buyer.id")
    row |= {"titulaires": " ; ".join(h.name or h.id for h in one.holders)}
    row["lieu"] = one.place.label or one.place.department or ""
    return row | codec.flat(one, "montant € HT=amount, notifié le=notified, mois=months, source")


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
        raise BadInput(NO_DEPARTMENT.format(text[:30]))
    return code


def _department(code: str) -> str:
    found = places.department(code)
    return f"{found.name} ({code})" if found else code
