"""« Ce n'est pas notre métier » : decline a lot, a kind of lot or a trade, with what it hides and how to undo it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated
from urllib.parse import quote, urlencode

from fastapi import Form, Query, Request, Response

from matcher.catalogue import denials
from matcher.domain import Lot, NotFound, Tender
from matcher.learned import asks
from matcher.records import feedback
from service import access
from service.access import store_of
from service.page import render
from service.page.visitor import Reader, StructureOwner
from service.router import Router
from service.snapshot import Snapshot

router = Router()
DAYS = 120  # notices published within so many days of the newest are counted
Text = Annotated[str, Form(max_length=200)]


@dataclass(frozen=True, slots=True)
class Scope:
    """One way to decline, and the lots that it would have hidden."""

    code: str  # "lot", "kind", "trade-NAME"
    label: str
    skill: str  # in the form of `denials`; "" for this lot alone
    hidden: Sequence[tuple[Tender, Lot]]


@router.get("/structure/{siret}/ecarter")
def choose(
    request: Request, siret: str, who: Reader, avis: Annotated[str, Query(max_length=200)], lot: Annotated[str, Query(max_length=200)]
) -> Response:  # fmt: skip
    access.own(who, siret)
    return _page(request, siret, avis, lot)


def _page(
    request: Request, siret: str, notice: str, lot: str, problems: Mapping[str, str] | None = None
) -> Response:
    snapshot = request.app.state.serving.get()
    tender, chosen = _lot(snapshot, notice, lot)
    reasons = {code: words for code, words in feedback.REASONS.items() if code != feedback.NOT_OUR_TRADE}
    return render.page(
        request, "decline.html", structure=snapshot.structure(siret), tender=tender, lot=chosen,
        scopes=_scopes(snapshot, tender, chosen), reasons=reasons, days=DAYS, problems=problems,
    )  # fmt: skip


def _lot(snapshot: Snapshot, notice: str, identifier: str) -> tuple[Tender, Lot]:
    tender = snapshot.notice(notice)
    found = next((each for each in tender.lots if each.id == identifier), None)
    if found is None:
        raise NotFound("Ce lot n'est plus dans l'avis.")
    return tender, found


def _scopes(snapshot: Snapshot, tender: Tender, lot: Lot) -> list[Scope]:
    found = [Scope("lot", "Ce lot seulement", "", [(tender, lot)])]
    if lot.cpv:
        skill = f"cpv:{lot.cpv[0][:4]}"
        found.append(
            Scope("kind", f"Ce genre de lot : {denials.label(skill)}", skill, _hidden(snapshot, skill))
        )
    for need in asks.of_lot(lot, tender).parts[:3]:
        skill = f"trade:{need.trade}"
        found.append(
            Scope(f"trade-{need.trade}", f"Ce métier : {need.label}", skill, _hidden(snapshot, skill))
        )
    return found


def _hidden(snapshot: Snapshot, skill: str) -> list[tuple[Tender, Lot]]:
    """Lots of the last months that a denial would have hidden."""
    listed = snapshot.answerable()
    newest = max((t.published for t in listed if t.published), default=date.min)
    since = newest - timedelta(days=DAYS) if newest > date.min else newest

    def hides() -> list[tuple[Tender, Lot]]:
        recent = ((t, each) for t in listed if (t.published or newest) >= since for each in t.lots)
        return [
            (t, each) for t, each in recent if denials.refuses((skill,), each, asks.of_lot(each, t).trades)
        ]

    found: list[tuple[Tender, Lot]] = snapshot.once(("hidden", skill), hides)
    return found


@router.post("/structure/{siret}/ecarter")
def decline(
    request: Request,
    siret: str,
    who: StructureOwner,
    notice_id: Text,
    lot_id: Text,
    motif: Annotated[str, Form(max_length=60)] = "",
) -> Response:
    """Decline: the lot, or every lot of the kind or trade, is never shown again to this structure."""
    snapshot, store = request.app.state.serving.get(), store_of(request)
    tender, lot = _lot(snapshot, notice_id, lot_id)
    scope = next((each for each in _scopes(snapshot, tender, lot) if each.code == motif), None)
    if scope is None and (motif not in feedback.REASONS or motif == feedback.NOT_OUR_TRADE):
        return _page(request, siret, notice_id, lot_id, {"motif": "Choisissez un motif dans la liste."})
    reason = feedback.NOT_OUR_TRADE if scope else motif
    feedback.record(store, siret, notice_id, lot_id, "declined", reason=reason, by=who.actor)
    skill = scope.skill if scope else ""
    if skill:
        with store.writing() as connection:
            feedback.deny(store, connection, siret, skill, who.actor)
        request.app.state.serving.apply_denials(store)
    return render.go(
        f"/structure/{quote(siret)}?{urlencode({'fait': 'refus', 'avis': notice_id, 'lot': lot_id, 'skill': skill})}"
    )


@router.post("/structure/{siret}/reprendre")
def undo(
    request: Request,
    siret: str,
    who: StructureOwner,
    notice_id: Text,
    lot_id: Text,
    skill: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Undo a refusal, with the denial recorded with it."""
    store = store_of(request)
    feedback.take_back(store, siret, notice_id, lot_id, who.actor)
    if skill:
        with store.writing() as connection:
            feedback.allow(store, connection, siret, skill)
        request.app.state.serving.apply_denials(store)
    return render.go(f"/structure/{quote(siret)}?fait=repris")
