"""The structure's pages: find oneself, see how one is seen, opportunities, partners, the exchange, a brochure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Depends, Form, Query, Request, Response
from pydantic import ValidationError
from sqlalchemy import select

from matcher.catalogue import denials
from matcher.catalogue.filters import search_names
from matcher.domain import BadInput, Lot, Structure, Tender
from matcher.matching import reasons, skills
from matcher.outreach import alerts
from matcher.outreach.transport import is_address
from matcher.reading.brochure import propose
from matcher.reading.procedure import closing, open_at
from matcher.records import exchange, feedback, self_declared
from matcher.records.keys import Bearer
from matcher.reference import needs
from matcher.reference import trades as trades_
from matcher.reference.text import clean
from service import access, schemas
from service.page import render
from service.page.buyer import reader
from service.snapshot import Snapshot

router = APIRouter()
SHOWN = 10
BESIDE = 0.25  # a trade this near (cosine) to what a structure does may be asked of it


@dataclass(frozen=True, slots=True)
class Gap:
    """A missing piece, and what it would bring."""

    title: str
    gain: str
    lots: tuple[tuple[str, str], ...] = ()  # (notice, title of the lot)
    offer: str = ""  # the offer to add


@router.get("/structure")
def find(
    request: Request, who: Annotated[Bearer, Depends(reader)], q: Annotated[str, Query(max_length=200)] = ""
) -> Response:
    catalogue = request.app.state.serving.get().catalogue
    words = q.replace(" ", "") if q.replace(" ", "").isdecimal() else q
    rows = search_names(catalogue, words, limit=40) if words.strip() else []
    found = [catalogue.structure(row) for row in rows]
    if len(found) == 1 and q:
        return render.go(f"/structure/{found[0].siret}")
    return render.page(request, "structures.html", q=q, found=found)


PARTS = {
    "alone": ("Seule", "Vous y répondez sans partenaire."),
    "with-partner": ("À plusieurs", "Il vous manque une part : avec qui la prendre."),
    "watch": ("À surveiller", "Proches de vous, mais quelque chose vous en écarte."),
}


@router.get("/structure/{siret}")
def show(request: Request, siret: str, who: Annotated[Bearer, Depends(reader)], fait: str = "") -> Response:
    snapshot, store = request.app.state.serving.get(), access.store_of(request)
    structure = snapshot.catalogue.structure(snapshot.catalogue.row(siret))
    mine = structure.siret in access.identify(request).sirets
    said = self_declared.read(store, structure.siret) if mine else self_declared.Said()
    refused = feedback_refused(request, structure.siret) if mine else set()
    found = [o for o in snapshot.opportunities(structure.siret) if (o.tender.id, o.lot.id) not in refused]
    moment = datetime.now(UTC)
    over = bool(found) and not any(open_at(closing(o.tender), o.tender.published, moment) for o in found)
    best = max((o.match.score for o in found), default=0.0)
    parts = [
        (name, *PARTS[name], [(o, reasons.band(o.match.score, best)) for o in found if o.part == name])
        for name in PARTS
    ]
    listing = exchange.listing(store, who, mine=True) if mine else ()
    past = _past(structure, snapshot)
    return render.page(
        request, "structure.html", structure=structure, parts=parts, total=len(found), over=over, most=SHOWN, gaps=gaps(structure, snapshot),
        mine=mine, said=said, declared=listing, done=fait, missing=reasons.missing(structure), past=past,
        skills=skills.skills(structure, past), pending=_pending(structure, said), denied=[(skill, denials.label(skill)) for skill in said.denied],
        alerts=alerts.chosen(store, structure.siret) if mine else None, frequencies=list(alerts.labels()), own_source=self_declared.SOURCE,
        zone=(said.facts.get("zone") or {}) if mine else {},
    )  # fmt: skip


def _pending(structure: Structure, said: self_declared.Said) -> list[str]:
    """Titles of the offers it added that the catalogue does not hold yet."""
    known = {offer.title for offer in structure.offers}
    return [o["title"] for o in said.facts.get("offers", ()) if clean(o["title"]) not in known]


def _past(structure: Structure, snapshot: Snapshot) -> list[Any]:
    row = snapshot.catalogue.row(structure.siret)
    rows = range(int(snapshot.catalogue.offsets[row]), int(snapshot.catalogue.offsets[row + 1]))
    return [o for o in map(snapshot.catalogue.offer, rows) if o.nature == "award"][-8:]


def feedback_refused(request: Request, siret: str) -> set[tuple[str, str]]:
    from matcher.records.tables import Feedback

    with access.store_of(request).reading() as connection:
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
    known = trades_.skills(structure)
    said = {name for name, sure in known.items() if sure >= 1} | denials.trades(
        snapshot.catalogue.denied.get(snapshot.catalogue.row(structure.siret), ())
    )
    wanted: dict[str, list[tuple[str, str]]] = {}
    for tender, lot, trades in snapshot.once("trades", lambda: _asked(snapshot)):
        near = not structure.place.department or any(
            p.department == structure.place.department for p in lot.places
        )
        for trade in trades if near else ():
            if trade not in said:
                wanted.setdefault(trade, []).append((tender.id, lot.title))
    labels = {t.name: t.label for t in trades_.trades()}
    nearness = _nearness(structure, snapshot, {trade: labels[trade] for trade in wanted})
    beside = [
        (nearness[trade] * len(lots) ** 0.5, trade)
        for trade, lots in wanted.items()
        if nearness[trade] >= BESIDE
    ]
    for trade in [trade for _, trade in sorted(beside, key=lambda item: (-item[0], item[1]))[:4]]:
        lots = wanted[trade]
        count = f"{len(lots)} lot{'s' if len(lots) > 1 else ''} de votre département"
        found.append(
            Gap(
                f"Faites-vous aussi : {labels[trade]} ?",
                f"{count} le demandent en ce moment.",
                tuple({title: (notice, title) for notice, title in lots}.values())[:3],
                labels[trade],
            )
        )
    return found


def _nearness(structure: Structure, snapshot: Snapshot, labels: dict[str, str]) -> dict[str, float]:
    """How near each trade is to what the structure says it does (cosine with its nearest piece); 1 where it says nothing."""
    catalogue = snapshot.catalogue
    row = catalogue.row(structure.siret)
    rows = np.arange(catalogue.offsets[row], catalogue.offsets[row + 1])
    own = rows[catalogue.nature_mask(("offer", "description", "job"))[rows]]
    if not len(own) or not labels:
        return dict.fromkeys(labels, 1.0)
    told = np.asarray(catalogue.vectors[own], dtype=np.float32)
    asked = catalogue.encoder.encode(list(labels.values()), role="query")
    return dict(zip(labels, (asked @ told.T).max(axis=1).tolist(), strict=True))


def _asked(snapshot: Snapshot) -> list[tuple[Tender, Lot, tuple[str, ...]]]:
    """The lots that can still be answered, with the trades that their titles name."""
    moment = datetime.now(UTC)
    listed = snapshot.answerable()
    still = [t for t in listed if open_at(closing(t), t.published, moment)] or listed[:60]
    return [(tender, lot, tuple(trades_.named(lot.title))) for tender in still for lot in tender.lots]


@router.get("/structure/{siret}/partenaires")
def together(request: Request, siret: str, avis: str, who: Annotated[Bearer, Depends(reader)]) -> Response:
    from matcher.partners import partners

    snapshot = request.app.state.serving.get()
    structure, tender = snapshot.catalogue.structure(snapshot.catalogue.row(siret)), snapshot.notice(avis)
    found = partners.partners(snapshot.matcher, structure, tender, n=8)
    labels = {trade.name: trade.label for trade in trades_.trades()}
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

    mine = structure.siret in access.identify(request).sirets
    offers = (
        exchange.suggest(access.store_of(request), who, structure.siret, notice_id=tender.id) if mine else ()
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
    access.check_csrf(request, csrf)
    who = access.identify(request)
    access.own(who, siret)
    tender = request.app.state.serving.get().notice(notice_id)
    exchange.declare(access.store_of(request), who, siret=siret, notice_id=notice_id, brings=brings, seeks=seeks, contact=contact.strip() or None,
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
    access.check_csrf(request, csrf)
    who = access.identify(request)
    access.own(who, siret)
    tender = request.app.state.serving.get().notice(notice_id)
    lot = next((each for each in tender.lots if each.id == lot_id), None)
    if reason not in feedback.REASONS or lot is None:
        raise BadInput("Choisissez un motif dans la liste.")
    feedback.record(
        access.store_of(request),
        siret,
        notice_id,
        lot_id,
        "declined",
        reason=reason,
        cpv=lot.cpv[0] if lot.cpv else "",
        by=who.actor,
    )
    if reason == "not-our-trade":
        trades = [need.trade for need in needs.asked(lot)]
        if len(trades) == 1:
            with access.store_of(request).writing() as connection:
                feedback.deny(access.store_of(request), connection, siret, f"trade:{trades[0]}", who.actor)
        request.app.state.serving.heed(access.store_of(request))
    return render.go(f"/structure/{siret}?fait=refus#marches")


@router.post("/structure/{siret}/brochure")
def brochure(
    request: Request,
    siret: str,
    who: Annotated[Bearer, Depends(reader)],
    text: Annotated[str, Form(max_length=50_000)] = "",
    csrf: Annotated[str, Form()] = "",
) -> Response:
    """The offers that a pasted text tells, each with its passage, to be ticked: nothing is kept before."""
    access.check_csrf(request, csrf)
    snapshot = request.app.state.serving.get()
    structure = snapshot.catalogue.structure(snapshot.catalogue.row(siret))
    if not text.strip():
        raise BadInput("Collez d'abord le texte de votre plaquette ou de votre site.")
    proposed = [
        (
            json.dumps({"title": o.title, "evidence": o.evidence[:600]}, ensure_ascii=False),
            o.title,
            o.evidence,
        )
        for o in propose(text)
    ]
    mine = structure.siret in access.identify(request).sirets
    return render.page(request, "brochure.html", structure=structure, proposed=proposed, mine=mine)


def _mine(request: Request, siret: str, csrf: str) -> Bearer:
    """Who writes: the proved owner of this SIRET, through a form of this session."""
    access.check_csrf(request, csrf)
    who = access.identify(request)
    access.own(who, siret)
    return who


def _facts(request: Request, siret: str) -> dict[str, Any]:
    return dict(self_declared.read(access.store_of(request), siret).facts)


@router.post("/structure/{siret}/offres")
def offers(
    request: Request,
    siret: str,
    csrf: Annotated[str, Form()] = "",
    offer: Annotated[list[str] | None, Form()] = None,
    title: Annotated[str, Form(max_length=300)] = "",
    text: Annotated[str, Form(max_length=3000)] = "",
    retirer: Annotated[str, Form(max_length=300)] = "",
) -> Response:
    """Keep the offers ticked or typed, or take one back; they enter the catalogue when it is next built."""
    who = _mine(request, siret, csrf)
    facts = _facts(request, siret)
    added = [_ticked(each) for each in (offer or [])[:60]]
    if clean(title):
        added.append({"title": clean(title), "text": clean(text)})
    kept = {o["title"]: o for o in facts.get("offers", []) if o["title"] != retirer}
    if not added and len(kept) == len(facts.get("offers", [])):
        raise BadInput("Cochez au moins une offre, ou donnez-lui un titre.")
    merged = [*kept.values(), *(o for o in added if o["title"] not in kept)]
    if len(merged) > 60:
        raise BadInput("Une fiche porte soixante offres ajoutées au plus : retirez-en une d'abord.")
    self_declared.write(access.store_of(request), siret, {**facts, "offers": merged}, who.actor)
    return render.go(f"/structure/{siret}?fait={'retrait' if retirer else 'offres'}#fiche")


def _ticked(text: str) -> dict[str, str]:
    try:
        told = json.loads(text)
        title, evidence = clean(str(told["title"]))[:300], clean(str(told["evidence"]))[:3000]
    except (ValueError, TypeError, KeyError):
        raise BadInput("La liste des offres est arrivée abîmée : collez à nouveau votre texte.") from None
    if len(title) < 3:
        raise BadInput("Une offre a un titre d'au moins trois lettres.")
    return {"title": title, "text": "" if evidence == title else evidence, "evidence": evidence}


@router.post("/structure/{siret}/fiche")
def edit(
    request: Request,
    siret: str,
    csrf: Annotated[str, Form()] = "",
    description: Annotated[str, Form(max_length=5000)] = "",
    phone: Annotated[str, Form(max_length=30)] = "",
    email: Annotated[str, Form(max_length=200)] = "",
    website: Annotated[str, Form(max_length=300)] = "",
    turnover: Annotated[str, Form(max_length=20)] = "",
    radius: Annotated[str, Form(max_length=10)] = "",
    departments: Annotated[str, Form(max_length=600)] = "",
    country: Annotated[str, Form(max_length=5)] = "",
) -> Response:
    """What it says of itself: empty leaves the directory's word."""
    who = _mine(request, siret, csrf)
    site = website.strip()
    given = {
        "description": clean(description), "phone": phone.strip(), "email": email.strip(),
        "website": f"https://{site}" if site and "://" not in site else site, "turnover": _number(turnover, "chiffre d'affaires"),
        "zone": {"radius_km": _number(radius, "rayon"), "departments": re.findall(r"\b(?:\d{2,3}|2[AB])\b", departments.upper()), "country": bool(country)},
    }  # fmt: skip
    try:
        checked = schemas.ProfileIn.model_validate(given)
    except ValidationError as error:
        fields = {"phone": "téléphone", "email": "courriel", "website": "site", "turnover": "chiffre d'affaires", "zone": "zone", "description": "présentation"}  # fmt: skip
        wrong = fields.get(str(error.errors()[0]["loc"][0]), "un champ")
        raise BadInput(f"Corrigez le champ « {wrong} » : son contenu n'a pas la forme attendue.") from None
    facts = checked.model_dump(mode="json", exclude={"denied", "offers"})
    self_declared.write(access.store_of(request), siret, {**_facts(request, siret), **facts}, who.actor)
    return render.go(f"/structure/{siret}?fait=fiche#fiche")


def _number(text: str, name: str) -> float | None:
    digits = re.sub(r"[\s€\u202f\u00a0]|km", "", text).replace(",", ".")
    try:
        return float(digits) if digits else None
    except ValueError:
        raise BadInput(f"Le champ « {name} » est un nombre : corrigez-le ou laissez-le vide.") from None


@router.post("/structure/{siret}/metier")
def trade(
    request: Request,
    siret: str,
    skill: Annotated[str, Form(max_length=200)] = "",
    verdict: Annotated[str, Form(max_length=10)] = "non",
    csrf: Annotated[str, Form()] = "",
) -> Response:
    """« Ce n'est pas notre métier »: at once and for ever, until the structure itself takes it back."""
    who = _mine(request, siret, csrf)
    store = access.store_of(request)
    with store.writing() as connection:
        if verdict == "oui":
            feedback.allow(store, connection, siret, skill)
        else:
            feedback.deny(store, connection, siret, skill, who.actor)
        store.audit(connection, who.actor, "skill.allow" if verdict == "oui" else "skill.deny", siret)
    request.app.state.serving.heed(store)
    return render.go(f"/structure/{siret}?fait={'repris' if verdict == 'oui' else 'metier'}#metiers")


@router.post("/structure/{siret}/alertes")
def alert(
    request: Request,
    siret: str,
    frequency: Annotated[str, Form(max_length=10)] = "",
    address: Annotated[str, Form(max_length=200)] = "",
    csrf: Annotated[str, Form()] = "",
) -> Response:
    """How often, and where; "off" is one click and stops every mail."""
    who = _mine(request, siret, csrf)
    if address.strip() and not is_address(address.strip()):
        raise BadInput("L'adresse des alertes n'a pas la forme nom@domaine : corrigez-la ou laissez-la vide.")
    alerts.choose(access.store_of(request), siret, frequency, address.strip(), who.actor)
    return render.go(f"/structure/{siret}?fait=alertes#alertes")
