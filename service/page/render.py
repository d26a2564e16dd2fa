"""Templates with what every page needs, errors as pages, and the session's cookie."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from matcher.domain import AUDIENCES, DISABILITY_KINDS, KINDS, SIAE_KINDS, Structure, __version__
from matcher.matching import reasons
from matcher.records.keys import Bearer
from matcher.reference import law, places
from matcher.reference.french import day, due, euros, grouped
from matcher.reference.law import ESS_KINDS
from matcher.reference.text import shorten
from matcher.territory import outlines
from service import wire
from service.access import SESSION_SECONDS, Session, cookie_name, open_to_read, secure

if TYPE_CHECKING:
    from service.snapshot import Snapshot

TEMPLATES = Path(__file__).parent / "templates"
#: Families of kinds, as the map and the legend show them.
FAMILIES: dict[str, tuple[str, frozenset[str]]] = {
    "insertion": ("Insertion (EI, ACI, AI, ETTI, GEIQ)", SIAE_KINDS | {"GEIQ"}),
    "handicap": ("Handicap (EA, ESAT)", DISABILITY_KINDS),
    "ess": ("Autres ESS", ESS_KINDS | {"SEP"}),
    "firm": ("Entreprise ordinaire", frozenset({""})),
}


ROLES = (("operator", "operator"), ("buyer", "buyer"))  # scope -> who it is, for the menu
#: Beginning of the name of a source -> what it is called on a page.
SOURCES = {
    "siae": "Les emplois de l’inclusion", "emplois": "Les emplois de l’inclusion", "lemarche": "Le marché de l’inclusion", "marche": "Le marché de l’inclusion",
    "sirene": "Répertoire Sirene", "entreprises": "Annuaire des entreprises", "history": "Marchés attribués (DECP)", "decp": "Marchés attribués (DECP)",
    "ted": "Avis d’attribution (TED)", "geiq": "Annuaire des GEIQ", "ea": "Annuaire des entreprises adaptées", "esat": "Annuaire des ESAT",
}  # fmt: skip


def called(structure: Structure) -> str:
    """The name that a structure goes by; its SIRET where none is known."""
    return structure.brand or structure.name or f"SIRET {siret(structure.siret)}"


def siret(number: str) -> str:
    """A SIRET as it is read: 123 456 789 00012."""
    return f"{number[:3]} {number[3:6]} {number[6:9]} {number[9:]}" if len(number) == 14 else number


def source_name(text: str) -> str:
    """A source by its name rather than by that of its file: "siae_2021.jsonl" is "Les emplois de l’inclusion"."""
    stem = re.split(r"[/\\]", text)[-1]
    word = re.match(r"[a-z]+", stem.lower())
    known = SOURCES.get(word.group(0).removesuffix("s") if word else "") or SOURCES.get(
        word.group(0) if word else ""
    )
    return known or re.sub(r"\.(csv|jsonl?|xlsx|xml|gz|parquet)\b", "", stem)


def sourced(structure: Structure) -> str:
    """Where what is known of a structure comes from, with its day."""
    name = source_name(structure.source) if structure.source else "inconnue"
    return f"{name}, {day(structure.updated)}" if structure.updated else name


def zone_of(structure: Structure) -> str:
    """Where it works, in words; "" where it does not say."""
    zone = structure.zone
    if zone is None:
        return ""
    parts = ["toute la France"] if zone.country else []
    parts += [f"{zone.radius_km:.0f} km autour de son adresse"] if zone.radius_km else []
    names = [found.name if (found := places.department(code)) else code for code in zone.departments]
    regions = [places.regions().get(code, code) for code in zone.regions]
    return " ; ".join(
        [*parts, *([", ".join(names)] if names else []), *([", ".join(regions)] if regions else [])]
    )


def capacity(structure: Structure) -> str:
    """Staff and turnover, as far as they are known."""
    staff = f"{structure.headcount:.0f} personnes" if structure.headcount else ""
    turnover = f"{euros(structure.turnover)} de chiffre d’affaires" if structure.turnover else ""
    return ", ".join(filter(None, (staff, turnover)))


def alive(structure: Structure) -> str:
    """Is it open, and since when one knows."""
    state = {None: "activité non vérifiée", True: "établissement actif", False: "établissement fermé"}[
        structure.active
    ]
    return f"{state}, vérifié le {day(structure.checked)}" if structure.checked else state


_TAGS = re.compile(
    r"(<(?:textarea|pre|code|script|style)\b.*?</(?:textarea|pre|code|script|style)>|<[^>]*>)", re.S
)
_MARKS = re.compile(r"(?<=\S) (?=[:»%€](?:\W|$))|(?<=«) (?=\S)")
_THIN = re.compile(r"(?<=\S) (?=[;?!](?:\W|$))")


def typographic(html: str) -> str:
    """The page with unbreakable spaces before and within French punctuation, outside tags and what is typed."""
    parts = _TAGS.split(html)
    parts[::2] = [_THIN.sub("\u202f", _MARKS.sub("\u00a0", text)) for text in parts[::2]]
    return "".join(parts)


def role(who: Bearer | None, visitor: bool) -> str:
    """Who is at the page, for its menu: operator, buyer, structure, visitor (may keep things), reader."""
    if who is not None and who.id != "anonymous":
        found = next((name for scope, name in ROLES if who.may(scope)), "")
        return found or ("structure" if who.sirets else "reader")
    return "visitor" if visitor else "reader"


def family(kind: str) -> str:
    return next((name for name, (_, kinds) in FAMILIES.items() if kind in kinds), "ess")


def kilometres(value: float | None) -> str:
    if wire.number(value) is None or value is None:
        return "distance inconnue"
    return "sur place" if value < 1 else f"{grouped(value)}\u00a0km"


def dated(text: str) -> str:
    """An origin ("annuaire.csv, 2026-09-15") with its day as it is written in French."""
    return re.sub(r"\b(\d{4})-(\d{2})-(\d{2})\b", r"\3/\2/\1", text)


def points(value: float) -> str:
    """What a subject adds to a score, as it is written in French: +7,8 or −0,3."""
    return f"{value:+.2f}".replace("-", "−").replace(".", ",")


def initial(text: str) -> str:
    return text[:1].upper() + text[1:]


_environment = Environment(
    loader=FileSystemLoader(TEMPLATES), autoescape=select_autoescape(default=True), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
)  # fmt: skip


def cited(code: str) -> str:
    """The article of a rule of `law` as it stands today, to cite in a page."""
    return law.article_of(code, date.today())


_environment.filters |= {
    "day": day, "due": due, "euros": euros, "km": kilometres, "points": points, "family": family, "initial": initial, "url": wire.safe_url,
    "kind": wire.kind_label, "short": shorten, "clause_in_words": reasons.clause_in_words,
}  # fmt: skip
_environment.filters |= {
    "dated": dated, "called": called, "siret": siret, "sourced": sourced, "source": source_name, "zone": zone_of, "capacity": capacity,
    "alive": alive, "grouped": grouped,
}  # fmt: skip
#: Article -> whom it reserves a lot to, as a buyer may correct it; the prisons' article is no choice of a search.
RESERVED_TO = {article: label for who, (label, article) in AUDIENCES.items() if who != "prison"}
_environment.globals |= {
    "reserved_to": RESERVED_TO,
    "sentences": reasons.sentences,
    "why_nobody": reasons.why_nobody,
    "version": __version__,
    "kinds": KINDS,
    "families": FAMILIES,
    "outlines": outlines,
    "departments": places.departments,
    "social_duty": law.social_duty,
    "article": cited,
    "id": id,
}


def wants_page(request: Request) -> bool:
    """Is a page shown here, and a page wanted?"""
    api = request.url.path.startswith(("/v1", "/static", "/openapi", "/metrics"))
    return not api and (
        "text/html" in request.headers.get("accept", "")
        or "application/x-www-form-urlencoded" in request.headers.get("content-type", "")
    )


def _structures(snapshot: Snapshot) -> int:
    """How many structures are known: ordinary firms of past awards are none."""
    found: int = snapshot.once(
        "structures", lambda: int((snapshot.catalogue.of_structure("kind") != "").sum())
    )
    return found


def page(request: Request, name: str, status: int = 200, /, **facts: Any) -> Response:
    """A template as a response; a visitor without a session gets one, for the forms."""
    session = Session.of(request)
    fresh = session is None
    if session is None:
        session = Session.fresh()
        request.scope["state"]["session"] = session
    snapshot = request.app.state.serving.current
    who = session.bearer(request) if session.key else None
    text = _environment.get_template(name).render(
        request=request, csrf=session.csrf(request), who=who, path=request.url.path, today=date.today(),
        versions=snapshot.matcher.versions if snapshot else {}, structures=_structures(snapshot) if snapshot else 0,
        notices=len(snapshot.notices) if snapshot else 0, by_link=bool(request.app.state.settings.buyer_domains), role=role(who, open_to_read(request)), **facts,
    )  # fmt: skip
    answer = HTMLResponse(typographic(text), status, {"Cache-Control": "no-store"})
    return give(answer, request, session) if fresh else answer


def give(answer: Response, request: Request, session: Session) -> Response:
    """The response with the session's cookie."""
    answer.set_cookie(
        cookie_name(request), session.cookie(request), max_age=SESSION_SECONDS, httponly=True, samesite="lax", secure=secure(request), path="/",
    )  # fmt: skip
    return answer


def go(address: str) -> Response:
    """See other: after a form, the page it made."""
    return RedirectResponse(address, 303)


TITLES = {
    401: "Accès réservé",
    403: "Accès refusé",
    404: "Introuvable",
    413: "Trop volumineux",
    422: "À corriger",
    429: "Trop de demandes",
    503: "Service momentanément indisponible",
}


NO_PAGE = "Aucune page n'existe à cette adresse."


def error(request: Request, status: int, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    """An error as a page: what went wrong, and the way out."""
    title = TITLES.get(status, "Une erreur est survenue" if status >= 500 else HTTPStatus(status).phrase)
    answer = page(request, "error.html", status, title=title, detail=detail)
    answer.headers.update(headers or {})
    return answer
