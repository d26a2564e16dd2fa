"""Pages of a structure: find it, its public profile, opportunities, partners."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from fastapi import APIRouter, Request, Response
from sqlalchemy import select

from matcher.catalogue import denials
from matcher.catalogue.filters import search_names
from matcher.learned import asks
from matcher.matching import reasons, skills
from matcher.outreach import alerts, links
from matcher.partners.opportunities import Opportunity, by_notice
from matcher.reading.procedure import closing, open_at
from matcher.records import searches, self_declared
from matcher.records.keys import Bearer
from matcher.records.store import now
from matcher.records.tables import Feedback
from matcher.reference import trades
from matcher.reference.text import clean, fold
from service import access
from service.page import exchange as announcements
from service.page import render
from service.page.fields import Asked
from service.page.gaps import gaps, likely
from service.page.render import Facts
from service.page.visitor import SeesStructures
from service.snapshot import snapshot_of

router = APIRouter()
SHOWN = 10  # notices of a part
LOTS = 1  # lots of a notice that are shown at once: one line a notice
FOUND = 40  # structures found by a name
NONE = ("", "", "")  # of a notice, a lot and a skill: nothing was just refused
MONTH, FEW = 30, 3  # days of searches that are counted; searches below which their number is not told
SUPPOSED = 4  # trades suggested from its kind, code and name
PARTS = {
    "alone": ("Seule", "Vous y répondez sans partenaire."),
    "with-partner": ("En groupement", "Il vous manque une part, ou la taille : voyez avec qui répondre."),
    "clause": ("Par la clause", "Le titulaire de ces marchés devra des heures d'insertion."),
    "watch": ("À suivre", "Proches de vous, mais quelque chose vous en écarte."),
}


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
    notices: Facts = {"parts": _parts(found), "total": len(found), "over": over, "most": SHOWN, "lots": LOTS}
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


def _parts(found: Sequence[Opportunity]) -> list[tuple[str, str, str, list[tuple[Opportunity, ...]], int]]:
    """The notices by what the structure would do in the best of their lots; and how many lots they are."""
    notices = by_notice(found)
    of_part = {name: [lots for lots in notices if lots[0].part == name] for name in PARTS}
    return [(name, *words, of_part[name], sum(map(len, of_part[name]))) for name, words in PARTS.items()]
