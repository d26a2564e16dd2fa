"""Logos of structures, from this origin: no visitor is sent to another host to see one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from fastapi import Request, Response

from matcher.domain import StoreUnavailable
from matcher.records import logos
from service.access import store_of
from service.page import fields, render
from service.page.visitor import StructureOwner
from service.router import Router

router = Router()
#: An address holds the version of its image, so that it never changes.
CACHED = {"Cache-Control": "public, max-age=31536000, immutable"}


@router.get("/static/logos/{siret}-{version}.webp")
def image(request: Request, siret: str, version: str) -> Response:
    """A logo; 404 where the structure has another one now, or none."""
    found = logos.image(store_of(request), siret, version) if version else None
    return Response(found, media_type="image/webp", headers=CACHED) if found else Response(status_code=404)


@router.post("/structure/{siret}/logo")
def choose(request: Request, siret: str, who: StructureOwner, verdict: fields.Word = "non") -> Response:
    """Its structure removes the logo, for good, or takes that back."""
    change = logos.allow if verdict == "oui" else logos.remove
    change(store_of(request), siret, who.actor)
    return render.go(f"/structure/{siret}?fait={'logo' if verdict == 'oui' else 'sans-logo'}#fiche")


def shown(request: Request, sirets: Iterable[str]) -> Mapping[str, str]:
    """SIRET -> address of its logo, of those that have one; none where the store does not answer."""
    store = request.app.state.store
    if store is None:
        return {}
    try:
        found = logos.versions(store, sirets)
    except StoreUnavailable:
        return {}
    return {siret: f"/static/logos/{siret}-{version}.webp" for siret, version in found.items()}


def known(request: Request, siret: str) -> Any:
    """(version, source, fetched, removed_at) of a structure's logo; None where nothing is known of one."""
    store = request.app.state.store
    try:
        return logos.of_structure(store, siret) if store is not None else None
    except StoreUnavailable:
        return None
