"""What a structure writes on its own page: offers, facts, trades, alerts, declarations, refusals."""

from __future__ import annotations

import json
import re
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from pydantic import ValidationError

from matcher.domain import BadInput
from matcher.outreach import alerts
from matcher.reading.brochure import propose
from matcher.records import feedback, self_declared
from matcher.reference.mailbox import is_address
from matcher.reference.text import clean
from service import schemas
from service.access import store_of
from service.page import render
from service.page.visitor import CheckedForm, Reader, StructureOwner

router = APIRouter()
OFFERS = 60  # offers that a structure may add
FIELDS = {
    "phone": "téléphone", "email": "courriel", "website": "site", "turnover": "chiffre d'affaires", "zone": "zone",
    "description": "présentation",
}  # fmt: skip


@router.post("/structure/{siret}/brochure")
def brochure(
    request: Request,
    siret: str,
    who: Reader,
    form: CheckedForm,
    text: Annotated[str, Form(max_length=50_000)] = "",
) -> Response:
    """The offers read in a pasted text, each with its passage, to be ticked: nothing is kept before."""
    structure = request.app.state.serving.get().structure(siret)
    if not text.strip():
        raise BadInput("Collez d'abord le texte de votre plaquette ou de votre site.")
    proposed = [(packed(o.title, o.evidence[:600]), o.title, o.evidence) for o in propose(text)]
    mine = structure.siret in who.sirets
    return render.page(request, "brochure.html", structure=structure, proposed=proposed, mine=mine)


@router.post("/structure/{siret}/offres")
def offers(
    request: Request,
    siret: str,
    who: StructureOwner,
    offer: Annotated[list[str] | None, Form()] = None,
    title: Annotated[str, Form(max_length=300)] = "",
    text: Annotated[str, Form(max_length=3000)] = "",
    retirer: Annotated[str, Form(max_length=300)] = "",
) -> Response:
    """Keep the offers ticked or typed, or take one back; they enter the catalogue when it is next built."""
    facts = _facts(request, siret)
    added = [_unpacked(each) for each in (offer or [])[:OFFERS]]
    if clean(title):
        added.append({"title": clean(title), "text": clean(text)})
    kept = {o["title"]: o for o in facts.get("offers", []) if o["title"] != retirer}
    if not added and len(kept) == len(facts.get("offers", [])):
        raise BadInput("Cochez au moins une offre, ou donnez-lui un titre.")
    merged = [*kept.values(), *(o for o in added if o["title"] not in kept)]
    if len(merged) > OFFERS:
        raise BadInput("Une fiche porte soixante offres ajoutées au plus : retirez-en une d'abord.")
    self_declared.write(store_of(request), siret, {**facts, "offers": merged}, who.actor)
    return _done(siret, "retrait" if retirer else "offres", "fiche")


def packed(title: str, evidence: str) -> str:
    """An offer as a tick box carries it."""
    return json.dumps({"title": title, "evidence": evidence}, ensure_ascii=False)


def _unpacked(text: str) -> dict[str, str]:
    try:
        given = json.loads(text)
        title, evidence = clean(str(given["title"]))[:300], clean(str(given["evidence"]))[:3000]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise BadInput("La liste des offres est arrivée abîmée : collez à nouveau votre texte.") from None
    if len(title) < 3:
        raise BadInput("Une offre a un titre d'au moins trois lettres.")
    return {"title": title, "text": "" if evidence == title else evidence, "evidence": evidence}


@router.post("/structure/{siret}/fiche")
def edit(
    request: Request,
    siret: str,
    who: StructureOwner,
    description: Annotated[str, Form(max_length=5000)] = "",
    phone: Annotated[str, Form(max_length=30)] = "",
    email: Annotated[str, Form(max_length=200)] = "",
    website: Annotated[str, Form(max_length=300)] = "",
    turnover: Annotated[str, Form(max_length=20)] = "",
    radius: Annotated[str, Form(max_length=10)] = "",
    departments: Annotated[str, Form(max_length=600)] = "",
    country: Annotated[str, Form(max_length=5)] = "",
) -> Response:
    """What it says of itself: an empty field leaves what the directory says."""
    site = website.strip()
    given = {
        "description": clean(description), "phone": phone.strip(), "email": email.strip(),
        "website": f"https://{site}" if site and "://" not in site else site, "turnover": _number(turnover, "chiffre d'affaires"),
        "zone": {"radius_km": _number(radius, "rayon"), "departments": re.findall(r"\b(?:\d{2,3}|2[AB])\b", departments.upper()), "country": bool(country)},
    }  # fmt: skip
    try:
        checked = schemas.ProfileIn.model_validate(given)
    except ValidationError as error:
        wrong = FIELDS.get(str(error.errors()[0]["loc"][0]), "un champ")
        raise BadInput(f"Corrigez le champ « {wrong} » : son contenu n'a pas la forme attendue.") from None
    facts = checked.model_dump(mode="json", exclude={"denied", "offers"})
    self_declared.write(store_of(request), siret, {**_facts(request, siret), **facts}, who.actor)
    return _done(siret, "fiche", "fiche")


def _number(text: str, name: str) -> float | None:
    digits = re.sub(r"[\s€\u202f\u00a0]|km", "", text).replace(",", ".")
    try:
        return float(digits) if digits else None
    except ValueError:
        raise BadInput(f"Le champ « {name} » est un nombre : corrigez-le ou laissez-le vide.") from None


def _facts(request: Request, siret: str) -> dict[str, Any]:
    return dict(self_declared.read(store_of(request), siret).facts)


@router.post("/structure/{siret}/metier")
def trade(
    request: Request,
    siret: str,
    who: StructureOwner,
    skill: Annotated[str, Form(max_length=200)] = "",
    verdict: Annotated[str, Form(max_length=10)] = "non",
) -> Response:
    """« Ce n'est pas notre métier »: at once and for ever, until the structure itself takes it back."""
    store, allowed = store_of(request), verdict == "oui"
    with store.writing() as connection:
        if allowed:
            feedback.allow(store, connection, siret, skill)
        else:
            feedback.deny(store, connection, siret, skill, who.actor)
        store.audit(connection, who.actor, "skill.allow" if allowed else "skill.deny", siret)
    request.app.state.serving.apply_denials(store)
    return _done(siret, "repris" if allowed else "metier", "metiers")


@router.post("/structure/{siret}/alertes")
def alert(
    request: Request,
    siret: str,
    who: StructureOwner,
    frequency: Annotated[str, Form(max_length=10)] = "",
    address: Annotated[str, Form(max_length=200)] = "",
    plausible: Annotated[str, Form(max_length=3)] = "",
) -> Response:
    """How often, and where; "off" is one click and stops every mail."""
    if address.strip() and not is_address(address.strip()):
        raise BadInput("L'adresse des alertes n'a pas la forme nom@domaine : corrigez-la ou laissez-la vide.")
    wider = bool(plausible) if frequency != "off" else None
    alerts.choose(store_of(request), siret, frequency, address.strip(), who.actor, plausible=wider)
    return _done(siret, "alertes", "alertes")


def _done(siret: str, what: str, section: str) -> Response:
    """Back to the page of the structure, which says what was done."""
    return render.go(f"/structure/{siret}?fait={what}#{section}")
