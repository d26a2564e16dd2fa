"""Rendering: templates and their filters, error pages, and the session cookie."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from matcher import domain
from matcher.domain import KINDS, Place, Structure
from matcher.matching import reasons
from matcher.reading.need import reservation_unread
from matcher.records.keys import Bearer
from matcher.records.store import Unfit
from matcher.reference import law, places, toponyms
from matcher.reference.french import PARIS, day, due, euros, grouped
from matcher.reference.identifiers import clean_date, identity_in_words
from matcher.reference.law import ESS_KINDS
from matcher.reference.naming import as_written, source_name
from matcher.reference.text import shorten
from matcher.territory import outlines
from service import schemas
from service.access import SESSION_SECONDS, NotYours, Session, cookie_name, open_to_read, secure

Facts = dict[str, Any]  # what a template is written with, by name
TEMPLATES = Path(__file__).parent / "templates"
#: Families of kinds, as the map and the legend show them.
FAMILIES: dict[str, tuple[str, frozenset[str]]] = {
    "insertion": ("Insertion (EI, ACI, AI, ETTI, GEIQ)", domain.SIAE_KINDS | {"GEIQ"}),
    "handicap": ("Handicap (EA, ESAT)", domain.DISABILITY_KINDS),
    "ess": ("Autres ESS", ESS_KINDS | {"SEP"}),
    "firm": ("Entreprise ordinaire", frozenset({""})),
}


siret = identity_in_words  # what identifies a structure, for display


def called(structure: Structure) -> str:
    """The display name of a structure; its SIRET where none is known."""
    return as_written(structure.brand or structure.name) or siret(structure.siret)


def sourced(structure: Structure) -> str:
    """Sources of the facts about a structure, with dates."""
    name = source_name(structure.source) if structure.source else "inconnue"
    return f"{name}, {day(structure.updated)}" if structure.updated else name


def zone_of(structure: Structure) -> str:
    """Its zone in words; "" where not declared."""
    zone = structure.zone
    if zone is None:
        return ""
    radius = f"{zone.radius_km:.0f} km autour de son adresse" if zone.radius_km else ""
    around = ", ".join(places.groupings()[code].name for code in zone.groupings if code in places.groupings())
    towns = ", ".join(town.name for code in zone.communes if (town := places.commune(code)))
    names = ", ".join(found.name if (found := places.department(code)) else code for code in zone.departments)
    regions = ", ".join(places.regions().get(code, code) for code in zone.regions)
    return " ; ".join(
        filter(None, ("toute la France" if zone.country else "", radius, around, towns, names, regions))
    )


def recorded(line: Mapping[str, Any], siret: str) -> Structure:
    """A structure as far as a line of a record tells it."""
    names = ("name", "kind", "phone", "email", "website", "convention")
    text: Facts = {name: str(line.get(name) or "") for name in names}
    place, checked = Place(label=str(line.get("town") or "")), clean_date(line.get("checked"))
    return Structure(siret=siret, place=place, active=line.get("active"), checked=checked, **text)


_APOSTROPHE = re.compile(r"(?<=\w)(?:'|&#39;)(?=\w|$)")
_TAGS = re.compile(
    r"(<(?:textarea|pre|code|script|style)\b.*?</(?:textarea|pre|code|script|style)>|<[^<>]*>)", re.S
)
_MARKS = re.compile(r"(?<=\S) (?=[:»%€](?:\W|$))|(?<=«) (?=\S)")
_THIN = re.compile(r"(?<=\S) (?=[;?!](?:\W|$))")


def typographic(html: str) -> str:
    """The page with French apostrophes and non-breaking spaces, outside tags and user input."""
    parts = _TAGS.split(html)
    plain = (_MARKS.sub("\u00a0", _APOSTROPHE.sub("’", text)) for text in parts[::2])
    parts[::2] = [_THIN.sub("\u202f", text) for text in plain]
    return "".join(parts)


def role(who: Bearer | None, visitor: bool) -> str:
    """Who is at the page, for its menu: operator, buyer, structure, visitor (may keep things), reader."""
    if who is not None and who.id != "anonymous":
        found = next((scope for scope in ("operator", "buyer") if who.may(scope)), "")
        return found or ("structure" if who.sirets else "reader")
    return "visitor" if visitor else "reader"


def family(kind: str) -> str:
    return next((name for name, (_, kinds) in FAMILIES.items() if kind in kinds), "ess")


def town(place: Place) -> str:
    """The name of a town, in normal case."""
    return places.town_name(place) or "ville non précisée"


def address(structure: Structure) -> str:
    """Its postal address as far as it is known: street, postcode, town."""
    place = structure.place
    where = " ".join(filter(None, (place.postcode, places.town_name(place))))
    street = structure.address
    whole = street and place.postcode and place.postcode in street
    return street if whole else ", ".join(filter(None, (street, where)))


def moment(value: datetime) -> str:
    """A moment of the store in the time of Paris: 15/09/2026 à 19 h 05."""
    there = (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(PARIS)
    return f"{there:%d/%m/%Y} à {there.hour}\u00a0h\u00a0{there.minute:02}"


def kilometres(value: float | None) -> str:
    if schemas.number(value) is None or value is None:
        return "distance inconnue"
    return "sur place" if value < 1 else f"{grouped(value)}\u00a0km"


def origin(text: str) -> str:
    """Where a fact comes from ("annuaire.csv, 2026-09-15"): the name of its source, its day in French."""
    name, mark, day_ = text.rpartition(", ")
    source = source_name(name if mark else text)
    return re.sub(r"\b(\d{4})-(\d{2})-(\d{2})\b", r"\3/\2/\1", f"{source}, {day_}" if mark else source)


def points(value: float) -> str:
    """Points of a subject in French notation: +7,8 or −0,3."""
    return f"{value:+.2f}".replace("-", "−").replace(".", ",")


def initial(text: str) -> str:
    return text[:1].upper() + text[1:]


def short(text: str, width: int = 160) -> str:
    """The beginning of a text; a quotation cut in the middle is closed."""
    beginning = shorten(text, width)
    cut = beginning != text and beginning.rfind("«") > beginning.rfind("»")
    return f"{beginning} »" if cut else beginning


_environment = Environment(
    loader=FileSystemLoader(TEMPLATES),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def compiled(names: Iterable[str]) -> None:
    """Compile templates before they are first asked for."""
    for name in names:
        _environment.get_template(name)


def text(name: str, **facts: Any) -> str:
    """A template as plain text, or as a page that stands by itself."""
    return _environment.get_template(name).render(facts)


def cited(code: str) -> str:
    """The article of a rule of `law` as it stands today, to cite in a page."""
    return law.article_of(code, date.today())


_FILTERS: list[Any] = [address, as_written, called, day, due, euros, family]
_FILTERS += [grouped, initial, moment, origin, points, reasons.clause_in_words, short, sourced, town]
_FILTERS += [typographic]
_environment.filters |= {each.__name__: each for each in _FILTERS}
_environment.filters["indented"] = partial(json.dumps, ensure_ascii=False, indent=1)
_environment.filters |= {"km": kilometres, "kind": schemas.kind_label, "siret": siret}
_environment.filters |= {"source": source_name, "url": schemas.safe_url, "zone": zone_of}
#: Article -> whom it reserves a lot to, as a buyer may correct it; the prisons' article is no choice of a search.
RESERVED_TO = {article: label for who, (label, article) in domain.AUDIENCES.items() if who != "prison"}
_environment.globals |= {
    "reserved_to": RESERVED_TO,
    "sentences": reasons.sentences,
    "why_nobody": reasons.why_nobody,
    "reservation_unread": reservation_unread,
    "silent": reasons.silent,
    "kinds": KINDS,
    "families": FAMILIES,
    "outlines": outlines,
    "departments": places.departments,
    "social_duty": law.social_duty,
    "article": cited,
}


def wants_page(request: Request) -> bool:
    """Is this a page URL, requested as HTML?"""
    api = request.url.path.startswith(("/v1", "/static", "/openapi", "/metrics"))
    return not api and (
        "text/html" in request.headers.get("accept", "")
        or "application/x-www-form-urlencoded" in request.headers.get("content-type", "")
    )


def _written(name: str, request: Request, **facts: Any) -> str:
    """The text of a template; what neither a session nor a catalogue tells is left empty."""
    shown: dict[str, Any] = {"csrf": "", "who": None, "role": "reader", "by_link": False, "oidc": ""}
    shown |= {"versions": {}, "structures": 0, "notices": 0}
    shown |= {"request": request, "path": request.url.path, "today": date.today(), **facts}
    return typographic(_environment.get_template(name).render(shown))


def page(request: Request, name: str, status: int = 200, /, **facts: Any) -> Response:
    """A template as a response, 422 where a form has `problems`; a visitor without a session gets one.

    `problems` are sentences by field, `typed` what its visitor wrote in a form.
    """
    facts |= {"problems": facts.get("problems") or {}}
    facts |= {"typed": {} if facts.get("typed") is None else facts["typed"]}
    status = 422 if facts["problems"] and status == 200 else status
    session = Session.of(request)
    fresh = session is None
    if session is None:
        session = Session.fresh()
        request.scope["state"]["session"] = session
    settings, snapshot = request.app.state.settings, request.app.state.serving.current
    if snapshot is not None:
        # ordinary firms of past awards are no structures
        kinds = snapshot.catalogue.of_structure("kind")
        count = snapshot.once("structures", lambda: int((kinds != "").sum()))
        facts |= {"structures": count, "notices": len(snapshot.notices)}
        facts["versions"] = snapshot.matcher.versions
    facts["by_link"] = bool(settings.buyer_domains)
    facts["oidc"] = settings.oidc_name if settings.federated else ""
    facts["who"] = who = session.bearer(request) if session.key else None
    facts["role"] = role(who, open_to_read(request))
    text = _written(name, request, csrf=session.csrf(request), **facts)
    answer = HTMLResponse(text, status, {"Cache-Control": "no-store"})
    used = session.used()
    return give(answer, request, used) if fresh or used is not session else answer


def give(answer: Response, request: Request, session: Session) -> Response:
    """The response with the session's cookie."""
    name, value, safe = cookie_name(request), session.cookie(request), secure(request)
    answer.set_cookie(name, value, SESSION_SECONDS, secure=safe, httponly=True, samesite="lax")
    return answer


def go(address: str) -> Response:
    """See Other: redirect after a form."""
    return RedirectResponse(address, 303)


#: Code of a refusal -> its sentence for a visitor.
CODED = {"no-catalogue": "Le catalogue n'est pas encore construit : l'exploitant du service doit l'indexer."}
#: Status -> what a visitor reads where a request is refused before, or apart from, what it asks.
UNHEARD = {
    400: "Cette demande ne peut être lue : revenez à la page précédente et recommencez.",
    405: "Cette adresse ne s'ouvre pas ainsi : revenez à la page précédente et recommencez.",
    408: "L'envoi a mis trop de temps à arriver : recommencez.",
    413: "Ce que vous envoyez est trop volumineux : déposez l'avis seul, sans ses annexes.",
    415: "L'encodage de ce texte n'est pas lu ici : envoyez-le en UTF-8.",
    429: "Vous avez fait beaucoup de demandes en peu de temps : réessayez dans une minute.",
    500: "Une erreur est survenue ; elle est notée. Réessayez, ou signalez-la à l'exploitant.",
    503: "Le service est très demandé, ou cette demande est trop longue à calculer : réessayez dans un instant.",
}
NO_PAGE = "Aucune page n'existe à cette adresse."
#: Kind of an error -> its sentence for a visitor; the sentence of any other is shown.
SENTENCES: dict[type[Exception], str] = {
    Unfit: "Un texte est trop long, ou contient un caractère qui ne peut être conservé : corrigez-le et recommencez.",
    domain.UnknownStructure: "Aucune structure connue ne porte ce SIRET : vérifiez-le, ou cherchez-la par son nom.",
    domain.UnknownNotice: "Cet avis n'est pas, ou plus, parmi ceux que le service connaît.",
    NotYours: "Cette structure n'est pas la vôtre, ou vous n'êtes pas connecté : connectez-vous, ou demandez son compte depuis sa fiche.",
}
MISREAD = "L'adresse ou le formulaire contient une valeur qui ne peut être lue"


def sentence(error: Exception) -> str:
    """The message of an error for a visitor."""
    if isinstance(error, toponyms.Homonyms):
        return f"Plusieurs lieux s'appellent « {error.words[:60]} » : {', '.join(error.choices)}. Écrivez celui que vous voulez dire."
    if isinstance(error, toponyms.UnknownPlace):
        hint = toponyms.suggested(error.choices)
        return f"Aucune commune, aucun code postal, département, région ni intercommunalité ne s'appelle « {error.words[:60]} » : {hint}"
    if isinstance(error, domain.UnknownLot):
        return f"L'avis {error.notice} n'a pas de lot {error.lot[:20]} : choisissez parmi {error.numbers}."
    return initial(SENTENCES.get(type(error), str(error)))


def misread(faults: Sequence[Any]) -> str:
    """The error of a form or URL that cannot be parsed."""
    long = [fault for fault in faults if fault["type"] == "string_too_long"]
    if long:
        return f"Un texte est trop long : {grouped(long[0]['ctx']['max_length'])} caractères au plus. Revenez à la page précédente pour le raccourcir."
    names = ", ".join(dict.fromkeys(str(fault["loc"][-1]) for fault in faults if fault["loc"]))
    return f"{MISREAD}{f' ({names[:60]})' if names else ''} : revenez à la page précédente et recommencez."


def unheard(request: Request, status: int, headers: Mapping[str, str]) -> Response:
    """The page of a request that is refused unheard: neither a session nor the store is asked."""
    detail = UNHEARD.get(status, UNHEARD[400])
    text = _written("error.html", request, status=status, detail=detail)
    return HTMLResponse(text, status, {"Cache-Control": "no-store", **headers})


def error(request: Request, status: int, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    """An error page."""
    answer = page(request, "error.html", status, status=status, detail=detail)
    answer.headers.update(headers or {})
    return answer
