"""Partners with whom a structure can answer a notice, and its declaration to the exchange."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Depends, Request, Response

from matcher.domain import BadInput
from matcher.partners import partners
from matcher.records.keys import Bearer
from service import announced
from service.page import exchange as announcements
from service.page import fields, render
from service.page.lots import task_label
from service.page.visitor import SeesStructures, StructureOwner
from service.router import Router
from service.snapshot import snapshot_of

router = Router()


@router.get("/structure/{siret}/partenaires")
def together(request: Request, siret: str, avis: fields.Asked, who: SeesStructures) -> Response:
    return _shown(request, siret, avis, who)


def _shown(request: Request, siret: str, notice_id: str, who: Bearer, **form: Mapping[str, str]) -> Response:
    """The partners; after an invalid declaration, with its errors."""
    snapshot = snapshot_of(request)
    structure, tender = snapshot.structure(siret), snapshot.notice(notice_id)
    found = partners.partners(snapshot.matcher, structure, tender, n=8)
    lots = {lot.id: lot for lot in tender.lots}
    mine = structure.siret in who.sirets
    offers = announcements.others(request, who, structure.siret, tender.id) if mine else []
    shown: dict[str, Any] = {"structure": structure, "tender": tender, "mine": mine, "offers": offers}
    shown |= {"found": found, "label": lambda task: task_label(task, lots)}
    return render.page(request, "partners.html", **shown, **form)


@dataclass(frozen=True)
class DeclarationForm:
    """What a structure offers and looks for, as it is typed."""

    notice_id: fields.Name
    lot_id: fields.Name = ""
    brings: fields.Sentences = ""
    seeks: fields.Sentences = ""
    contact: fields.Line = ""
    visible: fields.Sentences = ""
    buyer: fields.Word = ""


@router.post("/structure/{siret}/bourse")
def declare(
    request: Request, siret: str, who: StructureOwner, typed: Annotated[DeclarationForm, Depends()]
) -> Response:
    """Declare what one offers and looks for; a new declaration replaces the former."""
    snapshot_of(request).notice(typed.notice_id)
    empty = "Dites ce que vous apportez ou ce que vous cherchez : les deux sont vides."
    try:
        read = fields.checked(
            contact=lambda: fields.address(typed.contact) or None,
            visible=lambda: _sirets(typed.visible),
            brings=lambda: fields.words(typed.brings + typed.seeks, empty, 1),
        )
        facts = {name: getattr(typed, name) for name in ("notice_id", "lot_id", "brings", "seeks")}
        facts |= {"visibility": "named" if read["visible"] else "members", "named": read["visible"]}
        facts |= {"contact": read["contact"], "buyer_may_see": bool(typed.buyer)}
        announced.declare(request, who, siret=siret, **facts)
    except BadInput as error:
        problems = fields.problems_of(error, "brings")
        return _shown(request, siret, typed.notice_id, who, problems=problems, typed=asdict(typed))
    return render.go(f"/structure/{quote(siret)}/bourse#annonces")


def _sirets(text: str) -> list[str]:
    """The SIRETs of a text, with or without spaces in them.  Raises BadInput."""
    named = [re.sub(r"\s", "", word) for word in re.split(r"[,;\n]+", text) if word.strip()]
    found = [siret for word in named for siret in ([word[i : i + 14] for i in range(0, len(word), 14)])]
    if wrong := [siret for siret in found if not re.fullmatch(r"[0-9]{14}", siret)]:
        raise BadInput(f"« {wrong[0][:20]} » n'est pas un SIRET : quatorze chiffres.")
    return found
