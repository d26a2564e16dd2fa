"""Partners with whom a structure can answer a notice, and its declaration to the exchange."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated
from urllib.parse import quote

from fastapi import Form, Query, Request, Response

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
Text = Annotated[str, Form(max_length=2000)]


@router.get("/structure/{siret}/partenaires")
def together(
    request: Request, siret: str, avis: Annotated[str, Query(max_length=200)], who: SeesStructures
) -> Response:
    return _shown(request, siret, avis, who)


def _shown(
    request: Request, siret: str, notice_id: str, who: Bearer, problems: Mapping[str, str] | None = None, typed: Mapping[str, str] | None = None
) -> Response:  # fmt: skip
    """The partners; after an invalid declaration, with its errors."""
    snapshot = snapshot_of(request)
    structure, tender = snapshot.structure(siret), snapshot.notice(notice_id)
    found = partners.partners(snapshot.matcher, structure, tender, n=8)
    lots = {lot.id: lot for lot in tender.lots}
    mine = structure.siret in who.sirets
    offers = announcements.others(request, who, structure.siret, tender.id) if mine else []
    return render.page(
        request, "partners.html", problems=problems, typed=typed, structure=structure, tender=tender,
        found=found, label=lambda task: task_label(task, lots), mine=mine, offers=offers,
    )  # fmt: skip


@router.post("/structure/{siret}/bourse")
def declare(
    request: Request, siret: str, who: StructureOwner, notice_id: Annotated[str, Form(max_length=200)], lot_id: Annotated[str, Form(max_length=200)] = "",
    brings: Text = "", seeks: Text = "", contact: fields.Line = "", visible: Text = "", buyer: fields.Word = "",
) -> Response:  # fmt: skip
    """Declare what one offers and looks for; a new declaration replaces the former."""
    snapshot_of(request).notice(notice_id)
    typed = {
        "lot_id": lot_id,
        "brings": brings,
        "seeks": seeks,
        "contact": contact,
        "visible": visible,
        "buyer": buyer,
    }
    try:
        read = fields.checked(
            contact=lambda: fields.address(contact) or None,
            visible=lambda: _sirets(visible),
            brings=lambda: fields.words(
                brings + seeks, "Dites ce que vous apportez ou ce que vous cherchez : les deux sont vides.", 1
            ),
        )
        announced.declare(
            request, who, siret=siret, notice_id=notice_id, lot_id=lot_id, brings=brings, seeks=seeks, contact=read["contact"],
            visibility="named" if read["visible"] else "members", named=read["visible"], buyer_may_see=bool(buyer),
        )  # fmt: skip
    except BadInput as error:
        return _shown(request, siret, notice_id, who, fields.problems_of(error, "brings"), typed)
    return render.go(f"/structure/{quote(siret)}/bourse#annonces")


def _sirets(text: str) -> list[str]:
    """The SIRETs of a text, with or without spaces in them.  Raises BadInput."""
    named = [re.sub(r"\s", "", word) for word in re.split(r"[,;\n]+", text) if word.strip()]
    found = [siret for word in named for siret in ([word[i : i + 14] for i in range(0, len(word), 14)])]
    if wrong := [siret for siret in found if not re.fullmatch(r"[0-9]{14}", siret)]:
        raise BadInput(f"« {wrong[0][:20]} » n'est pas un SIRET : quatorze chiffres.")
    return found
