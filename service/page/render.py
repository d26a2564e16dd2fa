"""Templates with what every page needs, errors as pages, and the session's cookie."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from http import HTTPStatus
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from matcher.domain import DISABILITY_KINDS, KINDS, LEVEL_LABELS, SIAE_KINDS, __version__
from matcher.matching import reasons
from matcher.reference import law, places
from matcher.reference.french import day, euros, grouped
from matcher.reference.law import ESS_KINDS
from matcher.reference.text import shorten
from matcher.territory import outlines
from service import wire
from service.access import SESSION_COOKIE, SESSION_SECONDS, Session

TEMPLATES = Path(__file__).parent / "templates"
#: Families of kinds, as the map and the legend show them.
FAMILIES: dict[str, tuple[str, frozenset[str]]] = {
    "insertion": ("Insertion (EI, ACI, AI, ETTI, GEIQ)", SIAE_KINDS | {"GEIQ"}),
    "handicap": ("Handicap (EA, ESAT)", DISABILITY_KINDS),
    "ess": ("Autres ESS", ESS_KINDS | {"SEP"}),
    "firm": ("Entreprise ordinaire", frozenset({""})),
}
#: What to do with a match -> the class of its badge.
BAND_CLASSES = {LEVEL_LABELS["likely"]: "b1", LEVEL_LABELS["plausible"]: "b3"}


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
    "day": day, "euros": euros, "km": kilometres, "points": points, "family": family, "initial": initial, "url": wire.safe_url,
    "kind": wire.kind_label, "short": shorten, "clause_in_words": reasons.clause_in_words,
}  # fmt: skip
_environment.filters["dated"] = dated
_environment.globals |= {
    "sentences": reasons.sentences,
    "counts": reasons.counts,
    "why_nobody": reasons.why_nobody,
    "bands": BAND_CLASSES,
    "version": __version__,
    "kinds": KINDS,
    "families": FAMILIES,
    "outlines": outlines,
    "departments": places.departments,
    "social_duty": law.social_duty,
    "article": cited,
}


def wants_page(request: Request) -> bool:
    """Is a page shown here, and a page wanted?"""
    api = request.url.path.startswith(("/v1", "/static", "/openapi", "/metrics"))
    return not api and (
        "text/html" in request.headers.get("accept", "")
        or "application/x-www-form-urlencoded" in request.headers.get("content-type", "")
    )


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
        versions=snapshot.matcher.versions if snapshot else {}, structures=len(snapshot.catalogue) if snapshot else 0,
        notices=len(snapshot.notices) if snapshot else 0, **facts,
    )  # fmt: skip
    answer = HTMLResponse(text, status, {"Cache-Control": "no-store"})
    return give(answer, request, session) if fresh else answer


def give(answer: Response, request: Request, session: Session) -> Response:
    """The response with the session's cookie."""
    answer.set_cookie(
        SESSION_COOKIE, session.cookie(request), max_age=SESSION_SECONDS, httponly=True, samesite="lax", secure=request.url.scheme == "https", path="/",
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
