"""Pages of a structure: find it, its public profile, opportunities, partners; the forms by which it says its own."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Form, Request, Response
from pydantic import BaseModel, ValidationError
from sqlalchemy import select

from matcher.catalogue import denials
from matcher.catalogue.filters import search_names
from matcher.domain import BadInput, Lot, NotFound, Tender
from matcher.learned import asks
from matcher.matching import reasons, skills
from matcher.outreach import alerts, links
from matcher.partners.opportunities import by_notice
from matcher.reading.brochure import propose
from matcher.reading.procedure import closing, open_at
from matcher.records import feedback, searches, self_declared
from matcher.records.keys import Bearer
from matcher.records.store import now
from matcher.records.tables import Feedback
from matcher.reference import places, trades
from matcher.reference.text import clean, fold
from service import access, schemas
from service.page import exchange as announcements
from service.page import fields, render
from service.page.fields import Asked, FieldErrors, problems_of
from service.page.gaps import gaps, likely
from service.page.render import Facts
from service.page.visitor import CheckedForm, Mine, OwnStructure, Reader, SeesStructures
from service.snapshot import Snapshot, snapshot_of

router = APIRouter()
SHOWN = 10  # notices of a part
LOTS = 1  # lots of a notice that are shown at once: one line a notice
FOUND = 40  # structures found by a name
NONE = ("", "", "")  # of a notice, a lot and a skill: nothing was just refused
MONTH, FEW = 30, 3  # days of searches that are counted; searches below which their number is not told
SUPPOSED = 4  # trades suggested from its kind, code and name


def packed(title: str, evidence: str) -> str:
    """An offer as a tick box carries it."""
    return json.dumps({"title": title, "evidence": evidence}, ensure_ascii=False)


FREQUENCIES = [(name, label) for name, (label, _) in alerts.FREQUENCIES.items()]
#: What every page of a structure is written with.
ALWAYS = {"packed": packed, "titled": denials.titled, "frequencies": FREQUENCIES}
ALWAYS |= {"own_source": self_declared.SOURCE}


@router.get("/structure")
def find(request: Request, who: SeesStructures, q: Asked = "") -> Response:
    catalogue = snapshot_of(request).catalogue
    words = q.replace(" ", "") if q.replace(" ", "").isdecimal() else q
    rows = search_names(catalogue, words, limit=FOUND) if words.strip() else []
    found = [catalogue.structure(row) for row in rows]
    if len(found) == 1 and q:
        return render.go(f"/structure/{found[0].siret}")
    return render.page(request, "structures.html", q=q, found=found, most=FOUND)


@router.get("/structure/{siret}")
def show(
    request: Request,
    siret: str,
    who: SeesStructures,
    fait: str = "",
    avis: Asked = "",
    lot: Asked = "",
    skill: Asked = "",
) -> Response:
    return shown(request, siret, who, done=fait, refused=(avis, lot, skill))


def shown(
    request: Request, siret: str, who: Bearer, *, done: str = "", refused: Sequence[str] = NONE, **form: Any
) -> Response:
    """The page of a structure; after an invalid form, with the input and its errors."""
    snapshot, store = snapshot_of(request), access.store_of(request)
    held = snapshot.structure(siret)
    mine = held.siret in who.sirets
    declared = self_declared.read(store, held.siret)
    # as declared now: the lists of buyers include it at the next build
    structure = self_declared.over(held, declared)
    skilled = skills.skills(structure, past := snapshot.past_contracts(held.siret)[-8:])
    refusals = (Feedback.siret == structure.siret, Feedback.verb == "declined")
    query = select(Feedback.notice_id, Feedback.lot_id).where(*refusals)
    declined = set(map(tuple, store.ask(query))) if mine else set()
    # does what it declares say something else than the catalogue?
    plain = replace(structure, provenance=held.provenance, offers=held.offers)
    titles, before = ({offer.title for offer in one.offers} for one in (structure, held))
    amended = mine and (plain != held or titles != before)
    lots = snapshot.opportunities(held.siret, structure if amended else None)
    found = [o for o in lots if (o.tender.id, o.lot.id) not in declined]
    # are all of them closed, and thus shown as examples?
    moment = datetime.now(UTC)
    over = bool(found) and not any(open_at(closing(o.tender), o.tender.published, moment) for o in found)
    feed = f"/v1/structures/{structure.siret}/opportunities.atom"
    own: dict[str, Any] = {"own_facts": {}, "declared": (), "pending": [], "denied": [], "alerts": None}
    own |= {"undo": (), "feed": feed}
    if mine:
        facts, zone = declared.facts, declared.facts.get("zone") or {}
        numbers = {"turnover": facts.get("turnover"), "radius": zone.get("radius_km")}
        texts = {name: f"{value:.0f}" if value else "" for name, value in numbers.items()}
        departments = ", ".join(zone.get("departments") or ())
        facts = {**facts, **texts, "departments": departments, "country": zone.get("country")}
        own = {"own_facts": facts, "declared": announcements.own(request, who)}
        # what it added since is not in the catalogue yet
        added = [o["title"] for o in facts.get("offers", ()) if clean(o["title"]) not in before]
        own |= {"pending": added, "alerts": alerts.chosen(store, structure.siret)}
        own |= {"denied": [(skill, denials.label(skill)) for skill in declared.denied]}
        own |= {"undo": refused if done == "refus" and refused[0] else ()}
        own |= {"feed": f"{feed}?token={links.token('feed', feed)}"}
    notices: Facts = {
        "offered": by_notice(found),
        "total": len(found),
        "over": over,
        "most": SHOWN,
        "lots": LOTS,
    }
    notices |= {"nothing": snapshot.why_nothing(structure) if over or not found else ()}
    # (trade, label) of the trades that such a structure often does and that nothing else says
    known_trades = {skill.trade for skill in skilled} | denials.trades(structure.denied)
    words = {fold(word) for offer in structure.offers for word in (offer.title, *offer.sectors)}
    labels = {trade.name: trade.label for trade in trades.trades()}
    unsaid = (name for name in likely(structure, snapshot) if name not in known_trades)
    supposed = [(name, labels[name]) for name in unsaid if fold(labels[name]) not in words]
    does: Facts = {"skills": skilled, "likely": supposed[:SUPPOSED], "past": past}
    does |= {"looked_for": _looked_for(request, skilled), "missing": reasons.missing(structure)}
    does |= {"gaps": gaps(structure, snapshot), "hidden": denials.label(refused[2]) if refused[2] else ""}
    named = {"structure": structure, "mine": mine, "done": done}
    return render.page(request, "structure.html", **named, **own, **notices, **does, **ALWAYS, **form)


def _looked_for(request: Request, known: Iterable[skills.Skill]) -> int:
    """How many searches of a month asked for these trades; 0 below `FEW`, which could tell whose."""
    snapshot, store = snapshot_of(request), access.store_of(request)

    def asked() -> Counter[frozenset[str]]:
        recent = searches.since(store, now() - timedelta(days=MONTH))
        # the same need asked again counts once
        texts = {str(each.get("need") or "")[:500] for each in recent}
        return Counter(_trades_of(text) for text in texts if text)

    counts: Counter[frozenset[str]] = snapshot.for_a_minute("looked for", asked)
    mine = {skill.trade for skill in known}
    total = sum(count for named, count in counts.items() if named & mine)
    return total if total >= FEW else 0


@lru_cache(20_000)  # the searches of a month are counted again each minute
def _trades_of(text: str) -> frozenset[str]:
    return frozenset(asks.of_text(text).trades)


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
        return shown(request, siret, who, problems=problems)
    proposed = [(packed(o.title, o.evidence[:600]), o.title, o.evidence) for o in propose(text)]
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
        with store.writing():  # of offers added at once none is lost
            facts = self_declared.read(store, mine.siret).facts
            merged = _merged(facts.get("offers", []), offer or [], typed_offer, retirer)
            self_declared.write(store, mine.siret, {**facts, "offers": merged}, mine.who.actor)
    except BadInput as error:
        return _again(mine, problems_of(error, "title"), {"title": title, "offer-text": text})
    return _done(mine.siret, "retrait" if retirer else "offres", "fiche")


def _again(mine: OwnStructure, problems: dict[str, str], typed: dict[str, str]) -> Response:
    """The page of the structure with an invalid form and its errors."""
    return shown(mine.request, mine.siret, mine.who, problems=problems, typed=typed)


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


#: What a structure says of itself, as it is typed, and the longest text of each field.
PROFILE = {"description": 5000, "departments": 600, "email": 300, "website": 300}
PROFILE |= dict.fromkeys(("phone", "turnover", "radius", "country", "unread"), 40)


@router.post("/structure/{siret}/fiche")
def edit(mine: Mine, form: Annotated[fields.Texts, fields.form(**PROFILE)]) -> Response:
    """What it says of itself: an empty field leaves what the directory says."""
    phone, site = form["phone"].strip(), form["website"].strip()
    site = site if not site or "://" in site else f"https://{site}"
    try:
        read = fields.checked(
            phone=lambda: _of("phone", phone, PHONE),
            email=lambda: fields.address(form["email"]),
            website=lambda: _of("website", site, SITE),
            turnover=lambda: _of("turnover", fields.number(form["turnover"], TURNOVER), TURNOVER),
            radius=lambda: _of("radius_km", fields.number(form["radius"], RADIUS), RADIUS, schemas.ZoneIn),
            departments=lambda: _departments(form["departments"]),
        )
    except FieldErrors as error:
        typed = {"form": "fiche", **form, "site_unread": form["unread"]}
        return _again(mine, error.problems, typed)
    zone = {"radius_km": read.pop("radius"), "departments": read.pop("departments")}
    zone |= {"country": bool(form["country"])}
    given = {
        **read,
        "description": clean(form["description"]),
        "zone": zone,
        "site_unread": bool(form["unread"]),
    }
    facts = schemas.ProfileIn.model_validate(given).model_dump(mode="json", exclude={"denied", "offers"})
    with (store := mine.store).writing():
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
    with store.writing(by, "skill.allow" if allowed else "skill.deny", mine.siret):
        if allowed:
            feedback.allow(store, mine.siret, skill)
        else:
            feedback.deny(store, mine.siret, skill, by)
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
    shown: Facts = {"structure": snapshot.structure(siret), "tender": tender, "lot": chosen}
    shown |= {"scopes": _scopes(snapshot, tender, chosen), "reasons": feedback.OFFERED, "days": DAYS}
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
    if scope is None and motif not in feedback.OFFERED:
        problems = {"motif": "Choisissez un motif dans la liste."}
        return _declining(mine.request, siret, notice_id, lot_id, problems=problems)
    reason = feedback.NOT_OUR_TRADE if scope else motif
    feedback.record(store, siret, notice_id, lot_id, "declined", reason=reason, by=by)
    skill = scope.skill if scope else ""
    if skill:
        feedback.deny(store, siret, skill, by)
        mine.apply_denials()
    done = {"fait": "refus", "avis": notice_id, "lot": lot_id, "skill": skill}
    return render.go(f"/structure/{quote(siret)}?{urlencode(done)}")


@router.post("/structure/{siret}/reprendre")
def undo(mine: Mine, notice_id: fields.Name, lot_id: fields.Name, skill: fields.Name = "") -> Response:
    """Undo a refusal, with the denial recorded with it."""
    feedback.take_back(mine.store, mine.siret, notice_id, lot_id, mine.who.actor)
    if skill:
        feedback.allow(mine.store, mine.siret, skill)
        mine.apply_denials()
    return render.go(f"/structure/{quote(mine.siret)}?fait=repris")
