"""Forms of a structure's own page: offers, facts, trades, alerts, lots declined and taken back."""

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Depends, Form, Request, Response
from pydantic import BaseModel, ValidationError

from matcher.catalogue import denials
from matcher.domain import BadInput, Lot, NotFound, Tender
from matcher.learned import asks
from matcher.outreach import alerts
from matcher.reading.brochure import propose
from matcher.records import feedback, self_declared
from matcher.reference import places
from matcher.reference.text import clean
from service import access, schemas
from service.page import fields, render, structure
from service.page.fields import FieldErrors, problems_of
from service.page.render import Facts
from service.page.visitor import CheckedForm, Mine, OwnStructure, Reader
from service.snapshot import Snapshot, snapshot_of

router = APIRouter()
Offers = list[dict[str, Any]]
Brochure = Annotated[str, Form(max_length=50_000)]
OFFERS = 60  # offers that a structure may add
PHONE = "Un téléphone s'écrit en chiffres : 01 99 00 10 00."
SITE = "L'adresse du site ne peut être lue : écrivez www.exemple.fr."
TURNOVER = "Le chiffre d'affaires est un nombre d'euros, positif."
RADIUS = "Le rayon est un nombre de kilomètres, 2 000 au plus."


@router.post("/structure/{siret}/brochure")
def brochure(request: Request, siret: str, who: Reader, form: CheckedForm, text: Brochure = "") -> Response:
    """Offers extracted from a pasted text, each with its passage, to be ticked; nothing is stored yet."""
    held = snapshot_of(request).structure(siret)
    if not text.strip():
        problems = {"text": "Collez d'abord le texte de votre plaquette ou de votre site."}
        return structure.shown(request, siret, who, problems=problems)
    proposed = [(structure.packed(o.title, o.evidence[:600]), o.title, o.evidence) for o in propose(text)]
    mine = held.siret in who.sirets
    return render.page(request, "brochure.html", structure=held, proposed=proposed, mine=mine)


@router.post("/structure/{siret}/offres")
def offers(
    mine: Mine,
    offer: fields.Lists = None,
    title: fields.Line = "",
    text: fields.Lines = "",
    retirer: fields.Line = "",
) -> Response:
    """Keep the offers ticked or typed, or take one back; they enter the catalogue when it is next built."""
    store, typed_offer = mine.store, {"title": clean(title), "text": clean(text)[:3000]}
    try:
        with store.together():  # of offers added at once none is lost
            facts = self_declared.read(store, mine.siret).facts
            merged = _merged(facts.get("offers", []), offer or [], typed_offer, retirer)
            self_declared.write(store, mine.siret, {**facts, "offers": merged}, mine.who.actor)
    except BadInput as error:
        return _again(mine, problems_of(error, "title"), {"title": title, "offer-text": text})
    return _done(mine.siret, "retrait" if retirer else "offres", "fiche")


def _again(mine: OwnStructure, problems: dict[str, str], typed: dict[str, str]) -> Response:
    """The page of the structure with an invalid form and its errors."""
    return structure.shown(mine.request, mine.siret, mine.who, problems=problems, typed=typed)


def _merged(held: Offers, ticked: list[str], typed: dict[str, str], removed: str) -> Offers:
    """The offers of a structure with those added and without the one removed.  Raises BadInput."""
    added = [_unpacked(each) for each in ticked[:OFFERS]] + ([typed] if typed["title"] else [])
    kept = {o["title"]: o for o in held if o["title"] != removed}
    if not added and len(kept) == len(held):
        raise BadInput("Cochez au moins une offre, ou donnez-lui un titre.")
    merged = [*kept.values(), *(o for o in added if o["title"] not in kept)]
    if len(merged) > OFFERS:
        raise BadInput("Une fiche porte soixante offres ajoutées au plus : retirez-en une d'abord.")
    return merged


def _unpacked(text: str) -> dict[str, str]:
    try:
        given = json.loads(text)
        title, evidence = clean(str(given["title"]))[:300], clean(str(given["evidence"]))[:3000]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise BadInput("La liste des offres est arrivée abîmée : collez à nouveau votre texte.") from None
    if len(title) < 3:
        raise BadInput("Une offre a un titre d'au moins trois lettres.")
    return {"title": title, "text": "" if evidence == title else evidence, "evidence": evidence}


@dataclass(frozen=True)
class ProfileForm:
    """What a structure says of itself, as it is typed."""

    description: fields.Lines = ""
    phone: fields.Word = ""
    email: fields.Line = ""
    website: fields.Line = ""
    turnover: fields.Word = ""
    radius: fields.Word = ""
    departments: Annotated[str, Form(max_length=600)] = ""
    country: fields.Word = ""
    unread: fields.Word = ""


@router.post("/structure/{siret}/fiche")
def edit(mine: Mine, form: Annotated[ProfileForm, Depends()]) -> Response:
    """What it says of itself: an empty field leaves what the directory says."""
    phone, site = form.phone.strip(), form.website.strip()
    site = site if not site or "://" in site else f"https://{site}"
    try:
        read = fields.checked(
            phone=lambda: _of("phone", phone, PHONE),
            email=lambda: fields.address(form.email),
            website=lambda: _of("website", site, SITE),
            turnover=lambda: _of("turnover", fields.number(form.turnover, TURNOVER), TURNOVER),
            radius=lambda: _of("radius_km", fields.number(form.radius, RADIUS), RADIUS, schemas.ZoneIn),
            departments=lambda: _departments(form.departments),
        )
    except FieldErrors as error:
        typed = {"form": "fiche", **asdict(form), "site_unread": form.unread}
        return _again(mine, error.problems, typed)
    zone = {"radius_km": read.pop("radius"), "departments": read.pop("departments")}
    zone |= {"country": bool(form.country)}
    given = {**read, "description": clean(form.description), "zone": zone, "site_unread": bool(form.unread)}
    facts = schemas.ProfileIn.model_validate(given).model_dump(mode="json", exclude={"denied", "offers"})
    with (store := mine.store).together():
        before = self_declared.read(store, mine.siret).facts
        self_declared.write(store, mine.siret, {**before, **facts}, mine.who.actor)
    return _done(mine.siret, "fiche", "fiche")


def _of(name: str, value: Any, sentence: str, model: type[BaseModel] = schemas.ProfileIn) -> Any:
    """A value that a field of a model takes.  Raises BadInput with the sentence."""
    try:
        model.model_validate({name: value})
    except ValidationError:
        raise BadInput(sentence) from None
    return value


def _departments(text: str) -> list[str]:
    """The numbers of departments in a text of numbers and names.  Raises BadInput for another."""
    parts = [part.strip() for part in re.split(r"[,;/\n]|\bet\b", text) if part.strip()]
    words = [word for part in parts for word in ([part] if places.department_typed(part) else part.split())]
    if wrong := [word for word in words if places.department_typed(word) is None]:
        named = f"Le département {wrong[0][:30]} n'existe pas"
        raise BadInput(f"{named} : écrivez des numéros ou des noms, 75, Nord, 2A.")
    return [code for word in words if (code := places.department_typed(word))]


@router.post("/structure/{siret}/metier")
def trade(mine: Mine, skill: fields.Line = "", verdict: fields.Word = "non") -> Response:
    """« Ce n'est pas notre métier »: effective immediately, until the structure itself undoes it."""
    store, by, allowed = mine.store, mine.who.actor, verdict == "oui"
    with store.writing(by, "skill.allow" if allowed else "skill.deny", mine.siret) as connection:
        if allowed:
            feedback.allow(store, connection, mine.siret, skill)
        else:
            feedback.deny(store, connection, mine.siret, skill, by)
    mine.apply_denials()
    return _done(mine.siret, "repris" if allowed else "metier", "metiers")


@router.post("/structure/{siret}/alertes")
def alert(
    mine: Mine, frequency: fields.Word = "", address: fields.Line = "", plausible: fields.Word = ""
) -> Response:
    """How often, and where; "off" is one click and stops every mail."""
    try:
        to = fields.address(address)
        wider = bool(plausible) if frequency != "off" else None
        alerts.choose(mine.store, mine.siret, frequency, to, mine.who.actor, plausible=wider)
    except BadInput as error:
        return _again(mine, problems_of(error, "alert-address"), {"alert-address": address})
    return _done(mine.siret, "alertes", "alertes")


def _done(siret: str, what: str, section: str) -> Response:
    """Back to the page of the structure, which says what was done."""
    return render.go(f"/structure/{siret}?fait={what}#{section}")


Reason = Annotated[str, Form(max_length=60)]
DAYS = 120  # notices published within so many days of the newest are counted


@dataclass(frozen=True, slots=True)
class Scope:
    """One way to decline, and the lots that it would have hidden."""

    code: str  # "lot", "kind", "trade-NAME"
    label: str
    skill: str  # in the form of `denials`; "" for this lot alone
    hidden: Sequence[tuple[Tender, Lot]]


@router.get("/structure/{siret}/ecarter")
def choose(request: Request, siret: str, who: Reader, avis: fields.Asked, lot: fields.Asked) -> Response:
    access.own(who, siret)
    return _declining(request, siret, avis, lot)


def _declining(request: Request, siret: str, notice: str, lot: str, **form: Any) -> Response:
    snapshot = snapshot_of(request)
    tender, chosen = _lot_of(snapshot, notice, lot)
    reasons = {code: words for code, words in feedback.REASONS.items() if code != feedback.NOT_OUR_TRADE}
    shown: Facts = {"structure": snapshot.structure(siret), "tender": tender, "lot": chosen}
    shown |= {"scopes": _scopes(snapshot, tender, chosen), "reasons": reasons, "days": DAYS}
    return render.page(request, "decline.html", **shown, **form)


def _lot_of(snapshot: Snapshot, notice: str, identifier: str) -> tuple[Tender, Lot]:
    tender = snapshot.notice(notice)
    found = next((each for each in tender.lots if each.id == identifier), None)
    if found is None:
        raise NotFound("Ce lot n'est plus dans l'avis.")
    return tender, found


def _scopes(snapshot: Snapshot, tender: Tender, lot: Lot) -> list[Scope]:
    kinds = [f"cpv:{code[:4]}" for code in lot.cpv[:1]]
    ways = [("kind", f"Ce genre de lot : {denials.label(skill)}", skill) for skill in kinds]
    for need in asks.of_lot(lot, tender).parts[:3]:
        ways.append((f"trade-{need.trade}", f"Ce métier : {need.label}", f"trade:{need.trade}"))
    wider = [Scope(code, label, skill, _hidden(snapshot, skill)) for code, label, skill in ways]
    return [Scope("lot", "Ce lot seulement", "", [(tender, lot)]), *wider]


def _hidden(snapshot: Snapshot, skill: str) -> list[tuple[Tender, Lot]]:
    """Lots of the last months that a denial would have hidden."""
    listed = snapshot.answerable()
    newest = max((t.published for t in listed if t.published), default=date.min)
    since = newest - timedelta(days=DAYS) if newest > date.min else newest

    def hides() -> list[tuple[Tender, Lot]]:
        recent = ((t, lot) for t in listed if (t.published or newest) >= since for lot in t.lots)
        return [(t, lot) for t, lot in recent if denials.refuses((skill,), lot, asks.of_lot(lot, t).trades)]

    return snapshot.once(("hidden", skill), hides)


@router.post("/structure/{siret}/ecarter")
def decline(mine: Mine, notice_id: fields.Name, lot_id: fields.Name, motif: Reason = "") -> Response:
    """Decline: the lot, or every lot of the kind or trade, is never shown again to this structure."""
    snapshot, store, siret, by = snapshot_of(mine.request), mine.store, mine.siret, mine.who.actor
    tender, lot = _lot_of(snapshot, notice_id, lot_id)
    scope = next((each for each in _scopes(snapshot, tender, lot) if each.code == motif), None)
    if scope is None and (motif not in feedback.REASONS or motif == feedback.NOT_OUR_TRADE):
        problems = {"motif": "Choisissez un motif dans la liste."}
        return _declining(mine.request, siret, notice_id, lot_id, problems=problems)
    reason = feedback.NOT_OUR_TRADE if scope else motif
    feedback.record(store, siret, notice_id, lot_id, "declined", reason=reason, by=by)
    skill = scope.skill if scope else ""
    if skill:
        with store.writing() as connection:
            feedback.deny(store, connection, siret, skill, by)
        mine.apply_denials()
    done = {"fait": "refus", "avis": notice_id, "lot": lot_id, "skill": skill}
    return render.go(f"/structure/{quote(siret)}?{urlencode(done)}")


@router.post("/structure/{siret}/reprendre")
def undo(mine: Mine, notice_id: fields.Name, lot_id: fields.Name, skill: fields.Name = "") -> Response:
    """Undo a refusal, with the denial recorded with it."""
    store = mine.store
    feedback.take_back(store, mine.siret, notice_id, lot_id, mine.who.actor)
    if skill:
        with store.writing() as connection:
            feedback.allow(store, connection, mine.siret, skill)
        mine.apply_denials()
    return render.go(f"/structure/{quote(mine.siret)}?fait=repris")
