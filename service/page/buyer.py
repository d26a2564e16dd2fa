"""The buyer's search: a need or a notice, the structures of each lot, the groups."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import APIRouter, Depends, File, Form, Query, Request, Response, UploadFile

from matcher import codec
from matcher.domain import BadInput, Filters, Lot, MatcherError, Place, Tender
from matcher.reference import places, toponyms
from matcher.reference.text import fold
from service.asked import Taken, from_bytes, from_need
from service.page import render
from service.page.lots import lot_view, team_view
from service.page.visitor import Reader
from service.problems import Refused
from service.snapshot import Snapshot

router = APIRouter()
SHOWN = 12  # structures of a lot
ALONE = 30  # structures of a lot that is shown alone
LINES_OF_PAGE = 26  # structures of a page of several lots
LOTS = 6  # lots of a page
TOGETHER = 8  # lots up to which groups are shown at once; beyond, on demand
STATE = 20_000  # characters of a packed notice that a page carries along
RECENT = 6  # notices proposed where nothing is searched yet
#: Code of an error -> the sentence for a visitor; any other error is shown as it is.
SENTENCES = {
    "empty": "Ce fichier est vide : déposez l'avis tel qu'il a été publié.",
    "unknown-format": (
        "Ce fichier n'est pas un avis d'un format connu (BOAMP, eForms, TED, DECP). "
        "Décrivez plutôt le besoin en quelques mots."
    ),
    "not-a-call": (
        "Cet avis n'est pas un appel à la concurrence (attribution, annulation…) : il n'y a rien à quoi répondre. "
        "Déposez l'avis d'appel."
    ),
    "need-too-long": "Le texte est trop long : résumez le besoin en une page, ou déposez l'avis publié.",
}


@dataclass
class Search:
    """What the form holds."""

    need: str = ""
    place: str = ""
    notice_id: str = ""
    notice: str = ""
    kinds: tuple[str, ...] = ()
    radius: str = ""
    phrase: str = ""
    active: bool = False
    page: int = 1
    view: str = ""  # "groupes" shows the groups of a notice of many lots
    lot: str = ""  # number of the one lot to show, with more structures
    too_large: bool = False  # the notice must be given again: no page carries it


@dataclass(frozen=True, slots=True)
class Sent:
    """A file that a form may bring."""

    data: bytes = b""
    name: str = "avis"


def packed(tender: Tender) -> str:
    """A notice as a form carries it: compressed JSON in letters."""
    text = json.dumps(codec.to_json(tender), ensure_ascii=False).encode()
    return base64.urlsafe_b64encode(zlib.compress(text, 9)).decode()


def unpacked(text: str) -> Tender:
    """The notice that a form brought back.  Raises BadInput on anything else, however large it would grow."""
    try:
        reader = zlib.decompressobj()
        data = reader.decompress(base64.urlsafe_b64decode(text), 20_000_000)
        if reader.unconsumed_tail:
            raise ValueError
        return codec.from_json(Tender, json.loads(data))
    except (ValueError, zlib.error, BadInput):
        raise BadInput("La page a perdu l'avis en route : déposez-le à nouveau.") from None


def form(
    need: Annotated[str, Form()] = "", place: Annotated[str, Form(max_length=200)] = "", notice_id: Annotated[str, Form(max_length=200)] = "",
    notice: Annotated[str, Form()] = "", kinds: Annotated[list[str] | None, Form()] = None, radius: Annotated[str, Form(max_length=10)] = "",
    phrase: Annotated[str, Form(max_length=200)] = "", active: Annotated[str, Form(max_length=5)] = "",
    page: Annotated[int, Form(ge=1, le=1000)] = 1, view: Annotated[str, Form(max_length=10)] = "",
    lot: Annotated[str, Form(max_length=40)] = "",
) -> Search:  # fmt: skip
    return Search(
        need, place, notice_id, notice, tuple(kinds or ()), radius, phrase, bool(active), page, view, lot
    )


def sent_file(file: Annotated[UploadFile | None, File()] = None) -> Sent:
    return Sent(file.file.read(), file.filename or "avis") if file else Sent()


SearchForm = Annotated[Search, Depends(form)]
SentFile = Annotated[Sent, Depends(sent_file)]


def filters_of(search: Search) -> Filters:
    """The filters of the form.  Raises BadInput on a radius that is no number."""
    try:
        radius = float(search.radius.replace(",", ".")) if search.radius.strip() else None
    except ValueError:
        raise BadInput("Le rayon est un nombre de kilomètres : corrigez-le ou laissez-le vide.") from None
    if radius is not None and not 0 <= radius <= 20_000:
        raise BadInput("Le rayon est compris entre 0 et 20 000 km.")
    families = {k for name in search.kinds if name in render.FAMILIES for k in render.FAMILIES[name][1]}
    return Filters(
        kinds=tuple(sorted(families)),
        radius_km=radius,
        phrases=(search.phrase,) if search.phrase.strip() else (),
        active_only=search.active,
    )


def taken(request: Request, search: Search, file: Sent, snapshot: Snapshot) -> Taken:
    """The tender of the form: its file, the notice it carries, an indexed notice, or a need in words."""
    where = _where(search)
    if file.data.strip():
        return from_bytes(file.data, file.name, None, where)
    if search.notice:
        return Taken(unpacked(search.notice))
    if search.notice_id:
        return Taken(snapshot.notice(search.notice_id))
    if not any(c.isalpha() for c in search.need):
        raise BadInput("Dites en quelques mots ce qui est à faire, ou déposez un avis.")
    return from_need(search.need, where, request.app.state.settings.max_need)


def _where(search: Search) -> tuple[Place, ...]:
    """The places typed in the form.  Raises Homonyms, and BadInput where none is called so, both in French."""
    try:
        return toponyms.asked(search.place, search.need)
    except toponyms.Homonyms:
        raise
    except BadInput:
        raise BadInput(
            f"Aucune commune, aucun code postal, département, région ni intercommunalité ne s'appelle "
            f"« {search.place[:60]} » : vérifiez l'orthographe."
        ) from None


@router.get("/")
def home(request: Request, who: Reader) -> Response:
    serving = request.app.state.serving
    recent = serving.current.answerable()[:RECENT] if serving.current else []
    return render.page(
        request, "home.html", search=Search(), recent=recent, problem="", refusal=serving.refusal
    )


@router.get("/acheteur")
def empty(
    request: Request,
    who: Reader,
    avis: Annotated[str, Query(max_length=200)] = "",
    page: Annotated[int, Query(ge=1, le=1000)] = 1,
    vue: Annotated[str, Query(max_length=10)] = "",
    lot: Annotated[str, Query(max_length=40)] = "",
) -> Response:
    snapshot = request.app.state.serving.get()
    if avis:
        search = Search(notice_id=avis, page=page, view=vue, lot=lot)
        return _results(request, search, Taken(snapshot.notice(avis)), snapshot)
    return _form(request, Search(), snapshot)


@router.post("/acheteur")
def results(request: Request, who: Reader, search: SearchForm, file: SentFile) -> Response:
    snapshot = request.app.state.serving.get()
    try:
        found = taken(request, search, file, snapshot)
        if file.data.strip():
            notice = packed(found.tender)
            search.too_large = len(notice) > STATE
            search.notice = "" if search.too_large else notice
        return _results(request, search, found, snapshot)
    except toponyms.Homonyms as error:
        problem = (
            f"Plusieurs lieux s'appellent « {error.words[:60]} » : précisez le département ou le code postal."
        )
        return _form(request, search, snapshot, problem, 422, error.choices)
    except (MatcherError, Refused) as error:
        status = error.status if isinstance(error, Refused) else 422
        problem = SENTENCES.get(getattr(error, "code", ""), str(error))
        return _form(request, search, snapshot, problem, status)


def _form(
    request: Request, search: Search, snapshot: Snapshot, problem: str = "", status: int = 200,
    choices: Sequence[str] = (),
) -> Response:  # fmt: skip
    recent = snapshot.answerable()[:RECENT]
    return render.page(
        request,
        "buyer.html",
        status,
        search=search,
        answer=None,
        problem=problem,
        recent=recent,
        choices=choices,
    )


def _results(request: Request, search: Search, found: Taken, snapshot: Snapshot) -> Response:
    wanted, tender, matcher = filters_of(search), found.tender, snapshot.matcher
    lots = tender.lots
    pages = max(1, -(-len(lots) // LOTS)) if len(lots) > TOGETHER else 1
    search.page = min(search.page, pages)
    alone = tuple(lot for lot in lots if lot.number == search.lot)[:1] if search.lot else ()
    shown = alone or (lots[(search.page - 1) * LOTS : search.page * LOTS] if pages > 1 else lots)
    most = SHOWN
    if search.view == "groupes" and pages > 1:
        whole, shown = matcher.match(tender, 1, filters=wanted, groups=3), ()
        answer = replace(whole, lots=())
    else:
        # what a page holds stays about the same, whatever the number of lots
        most = ALONE if alone else min(SHOWN, max(3, LINES_OF_PAGE // max(1, len(shown))))
        groups = 0 if pages > 1 or alone else 3
        whole = answer = matcher.match(replace(tender, lots=shown), most, filters=wanted, groups=groups)
    request.app.state.metrics.nobody.inc(sum(lot.nobody for lot in answer.lots))
    typed = tender.lots[0].places[0] if tender.format == "need" and tender.lots[0].places else None
    return render.page(
        request, "buyer.html", search=search, answer=answer, problem="", found=found, lots=[lot_view(each, most) for each in answer.lots],
        teams=[team_view(team, whole) for team in answer.consortia], place=_places(shown or lots), tender=tender, pages=pages,
        several=len(lots) > 1, alone=bool(alone), understood=_understood(search.place, typed), choices=found.place_choices,
    )  # fmt: skip


def _places(lots: Sequence[Lot]) -> str:
    named = (where for lot in lots for p in lot.places if (where := _named(p)))
    return ", ".join(dict.fromkeys(named))


def _named(place: Place) -> str:
    """A place with its department: one Saint-Denis is not another."""
    label, department = place.label, place.department or ""
    known = places.department(department)
    if not label or not known or fold(known.name) == fold(label) or any(c.isdigit() for c in label):
        return label or department
    return f"{label} ({department})"


def _understood(typed: str, place: Place | None) -> str:
    """The commune that a misspelt name was taken for; "" where it was taken as it stands."""
    return _named(place) if place and place.commune and typed.strip() and not toponyms.spelt(typed) else ""
