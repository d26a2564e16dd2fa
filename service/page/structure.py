"""The structure's pages: find oneself, see how one is seen, opportunities, partners, the exchange, a brochure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from sqlalchemy import select

from matcher import engine, exchange, feedback, needs
from matcher.domain import BadInput, Structure
from matcher.keys import Bearer
from matcher.store import now
from matcher.tables import DeniedSkill, Profile
from service import guard, wire
from service.page import render
from service.page.buyer import reader
from service.serving import Snapshot

router = APIRouter()
SHOWN = 10


@dataclass(frozen=True, slots=True)
class Gap:
    """A missing piece, and what it would bring."""

    title: str
    gain: str


@router.get("/structure")
def find(
    request: Request, who: Annotated[Bearer, Depends(reader)], q: Annotated[str, Query(max_length=200)] = ""
) -> Response:
    catalogue = request.app.state.serving.get().catalogue
    words = q.replace(" ", "") if q.replace(" ", "").isdecimal() else q
    rows = catalogue.search_names(words, limit=40) if words.strip() else []
    found = [catalogue.structure(row) for row in rows]
    if len(found) == 1 and q:
        return render.go(f"/structure/{found[0].siret}")
    return render.page(request, "structures.html", q=q, found=found)


@router.get("/structure/{siret}")
def show(request: Request, siret: str, who: Annotated[Bearer, Depends(reader)], fait: str = "") -> Response:
    snapshot = request.app.state.serving.get()
    structure = snapshot.catalogue.structure(snapshot.catalogue.row(siret))
    mine = structure.siret in guard.identify(request).sirets
    own = _own(request, structure.siret) if mine else None
    refused = feedback_refused(request, structure.siret) if mine else set()
    found = [
        o for o in snapshot.opportunities(structure.siret) if (o.tender.id, o.match.lot.id) not in refused
    ]
    best = found[0].match.score if found else 0.0
    chances = [(o, wire.band(o.match.score, best)) for o in found[:SHOWN]]
    declared = exchange.listing(guard.store_of(request), who, mine=True) if mine else ()
    return render.page(request, "structure.html", structure=structure, chances=chances, total=len(found), gaps=gaps(structure, snapshot), mine=mine, own=own,
        declared=declared, done=fait, missing=engine.missing(structure), reasons=feedback.REASONS, past=_past(structure, snapshot),
        trades=[t.label for t in needs.trades() if t.name in needs.skills(structure)])  # fmt: skip


def _past(structure: Structure, snapshot: Snapshot) -> list[Any]:
    row = snapshot.catalogue.row(structure.siret)
    rows = range(int(snapshot.catalogue.offsets[row]), int(snapshot.catalogue.offsets[row + 1]))
    return [o for o in map(snapshot.catalogue.offer, rows) if o.nature == "award"][-8:]


def feedback_refused(request: Request, siret: str) -> set[tuple[str, str]]:
    from matcher.tables import Feedback

    with guard.store_of(request).reading() as connection:
        rows = connection.execute(
            select(Feedback.notice_id, Feedback.lot_id).where(
                Feedback.siret == siret, Feedback.verb == "declined"
            )
        )
        return {(notice, lot) for notice, lot in rows}


def gaps(structure: Structure, snapshot: Snapshot) -> list[Gap]:
    """Which missing piece would bring which notices: the trades near its own that it does not name."""
    found = []
    if not any(o.nature == "offer" for o in structure.offers):
        found.append(
            Gap(
                "Décrivez au moins une offre",
                "sans offre décrite, vous n'êtes trouvé que par votre nom ou votre code NAF.",
            )
        )
    if not structure.phone and not structure.email:
        found.append(
            Gap(
                "Donnez un téléphone ou un courriel",
                "un acheteur qui ne peut pas vous joindre passe à la structure suivante.",
            )
        )
    if structure.zone is None and not any(o.zone for o in structure.offers):
        found.append(
            Gap(
                "Dites où vous intervenez",
                "sans zone, la distance seule décide : vous manquez les marchés un peu plus loin que vous servez pourtant.",
            )
        )
    if structure.turnover is None:
        found.append(
            Gap(
                "Indiquez votre chiffre d'affaires",
                "il permet de vous proposer dans des groupements à votre mesure.",
            )
        )
    known = needs.skills(structure)
    said = {name for name, sure in known.items() if sure >= 1}
    wanted: dict[str, list[str]] = {}
    for tender in snapshot.answerable():
        for lot in tender.lots:
            near = not structure.place.department or any(
                p.department == structure.place.department for p in lot.places
            )
            if near:
                for trade in needs.named(lot.title):
                    if trade not in said:
                        wanted.setdefault(trade, []).append(lot.title)
    labels = {t.name: t.label for t in needs.trades()}
    for trade, titles in sorted(wanted.items(), key=lambda item: (-len(item[1]), item[0]))[:4]:
        count = f"{len(titles)} lot{'s' if len(titles) > 1 else ''} de votre département"
        found.append(
            Gap(
                f"Faites-vous aussi : {labels[trade]} ?",
                f"{count} le demandent en ce moment, par exemple « {titles[0][:90]} ».",
            )
        )
    return found


@router.get("/structure/{siret}/partenaires")
def together(request: Request, siret: str, avis: str, who: Annotated[Bearer, Depends(reader)]) -> Response:
    from matcher import partners

    snapshot = request.app.state.serving.get()
    structure, tender = snapshot.catalogue.structure(snapshot.catalogue.row(siret)), snapshot.notice(avis)
    found = partners.partners(snapshot.matcher, structure, tender, n=8)
    labels = {trade.name: trade.label for trade in needs.trades()}
    lots = {lot.id: lot for lot in tender.lots}

    def label(task: str) -> str:
        lot, _, trade = task.partition("#")
        number = f"lot {lots[lot].number}" if lot in lots else lot
        return (
            f"{number}, {labels.get(trade, trade)}"
            if trade
            else f"{number} « {lots[lot].title[:70]} »"
            if lot in lots
            else task
        )

    mine = structure.siret in guard.identify(request).sirets
    offers = (
        exchange.suggest(guard.store_of(request), who, structure.siret, notice_id=tender.id) if mine else ()
    )
    return render.page(
        request,
        "partners.html",
        structure=structure,
        tender=tender,
        found=found,
        label=label,
        mine=mine,
        offers=offers,
    )


@router.post("/structure/{siret}/bourse")
def declare(
    request: Request,
    siret: str,
    notice_id: Annotated[str, Form(max_length=200)],
    brings: Annotated[str, Form(max_length=2000)] = "",
    seeks: Annotated[str, Form(max_length=2000)] = "",
    contact: Annotated[str, Form(max_length=200)] = "",
    buyer: Annotated[str, Form(max_length=5)] = "",
    csrf: Annotated[str, Form()] = "",
) -> Response:
    guard.check_csrf(request, csrf)
    who = guard.identify(request)
    guard.own(who, siret)
    tender = request.app.state.serving.get().notice(notice_id)
    exchange.declare(guard.store_of(request), who, siret=siret, notice_id=notice_id, brings=brings, seeks=seeks, contact=contact.strip() or None,
        buyer_may_see=bool(buyer), deadline=tender.deadline)  # fmt: skip
    return render.go(f"/structure/{siret}?fait=bourse#bourse")


@router.post("/structure/{siret}/refuser")
def decline(
    request: Request,
    siret: str,
    notice_id: Annotated[str, Form(max_length=200)],
    lot_id: Annotated[str, Form(max_length=200)],
    reason: Annotated[str, Form(max_length=40)] = "not-our-trade",
    csrf: Annotated[str, Form()] = "",
) -> Response:
    """« Ce n'est pas notre métier »: never shown again to this structure."""
    guard.check_csrf(request, csrf)
    who = guard.identify(request)
    guard.own(who, siret)
    tender = request.app.state.serving.get().notice(notice_id)
    lot = next((each for each in tender.lots if each.id == lot_id), None)
    if reason not in feedback.REASONS or lot is None:
        raise BadInput("Choisissez un motif dans la liste.")
    feedback.record(
        guard.store_of(request),
        siret,
        notice_id,
        lot_id,
        "declined",
        reason=reason,
        cpv=lot.cpv[0] if lot.cpv else "",
        by=who.actor,
    )
    return render.go(f"/structure/{siret}?fait=refus#marches")


@router.post("/structure/{siret}/brochure")
def brochure(
    request: Request,
    siret: str,
    text: Annotated[str, Form(max_length=50_000)],
    who: Annotated[Bearer, Depends(reader)],
    csrf: Annotated[str, Form()] = "",
) -> Response:
    """The trades that a pasted text names, each with its passage, to be ticked: nothing is kept before."""
    guard.check_csrf(request, csrf)
    snapshot = request.app.state.serving.get()
    structure = snapshot.catalogue.structure(snapshot.catalogue.row(siret))
    labels = {t.name: t.label for t in needs.trades()}
    named = [(trade, labels[trade], passage) for trade, passage in needs.named(text).items()]
    return render.page(
        request,
        "brochure.html",
        structure=structure,
        named=named,
        mine=structure.siret in guard.identify(request).sirets,
    )


@router.post("/structure/{siret}/offres")
def offers(
    request: Request,
    siret: str,
    csrf: Annotated[str, Form()] = "",
    trade: Annotated[list[str] | None, Form()] = None,
) -> Response:
    """Keep the offers ticked; they enter the catalogue when it is next built."""
    guard.check_csrf(request, csrf)
    who = guard.identify(request)
    guard.own(who, siret)
    labels = {t.name: t.label for t in needs.trades()}
    ticked = [t for t in (trade or []) if t in labels]
    if not ticked:
        raise BadInput("Cochez au moins une activité, ou revenez à votre fiche.")
    facts = dict(_own(request, siret) or {})
    facts["offers"] = list(
        {
            o["title"]: o
            for o in [*facts.get("offers", []), *({"title": labels[t], "text": ""} for t in ticked)]
        }.values()
    )
    store = guard.store_of(request)
    with store.writing() as connection:
        store.put(connection, Profile, [{"siret": siret, "facts": facts, "by": who.actor, "at": now()}])
        store.audit(connection, who.actor, "profile.offers", siret)
    return render.go(f"/structure/{siret}?fait=offres#fiche")


def _own(request: Request, siret: str) -> dict[str, Any] | None:
    with guard.store_of(request).reading() as connection:
        facts: dict[str, Any] | None = connection.execute(
            select(Profile.facts).where(Profile.siret == siret)
        ).scalar()
        denied = (
            connection.execute(select(DeniedSkill.skill).where(DeniedSkill.siret == siret)).scalars().all()
        )
    return {**(facts or {}), "denied": list(denied)} if facts or denied else None
