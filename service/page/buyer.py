"""The buyer's pages: a need or a notice, the structures, the groups, and the records kept."""

from __future__ import annotations

import base64
import json
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, File, Form, Query, Request, Response, UploadFile

from matcher import codec
from matcher.domain import Answer, BadInput, Filters, Lot, Match, MatcherError, Place, Tender
from matcher.matching import reasons
from matcher.matching.reasons import BEYOND
from matcher.outreach.addresses import address_of
from matcher.outreach.sourcing import exports, questions
from matcher.outreach.sourcing import record as record_
from matcher.outreach.sourcing import search as search_
from matcher.reading import need as need_
from matcher.records.keys import Bearer
from matcher.reference import law, places
from matcher.reference.text import fold
from service import access, wire
from service.asked import Taken, from_bytes, from_need
from service.page import atlas, render
from service.problems import Refused
from service.settings import way
from service.snapshot import Snapshot

router = APIRouter()
SHOWN = 12  # structures of a lot
ALONE = 30  # structures of a lot that is shown alone
LINES_OF_PAGE = 26  # structures of a page of several lots
LOTS = 6  # lots of a page
TOGETHER = 8  # lots up to which groups are shown at once; beyond, on demand
ROWS = 40  # rows of a group's picture
LINES = 50  # lines of a page of a record
STATE = 20_000  # characters of a packed notice that a page carries along


def owner_of(request: Request) -> str:
    """Whose records these are: those of a key, or, on an open demonstration, of this very session."""
    who = access.identify(request)
    if who.may("buyer"):
        return who.actor
    session = access.Session.of(request)
    if access.open_to_read(request) and not (session and session.key):
        return f"session:{session.id}" if session else "session:none"
    raise Refused(
        403 if who.scopes else 401,
        "Une clé d'acheteur est nécessaire : connectez-vous, ou demandez-en une à l'exploitant.",
    )


def reader(request: Request) -> Bearer:
    who = access.identify(request)
    if not who.scopes:
        raise Refused(
            401, "Une clé est nécessaire pour lire : connectez-vous, ou demandez-en une à l'exploitant."
        )
    return who


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


def packed(tender: Tender) -> str:
    """A notice as a form carries it: compressed JSON in letters."""
    told = json.dumps(codec.to_json(tender), ensure_ascii=False).encode()
    return base64.urlsafe_b64encode(zlib.compress(told, 9)).decode()


def unpacked(text: str) -> Tender:
    """The notice that a form brought back.  Raises BadInput on anything else, however large it would grow."""
    try:
        reader = zlib.decompressobj()
        told = reader.decompress(base64.urlsafe_b64decode(text), 20_000_000)
        if reader.unconsumed_tail:
            raise ValueError
        return codec.from_json(Tender, json.loads(told))
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


def filters_of(search: Search) -> Filters:
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


def taken(search: Search, file: bytes, name: str, snapshot: Snapshot, max_need: int) -> Taken:
    try:
        where = need_.place(search.place)
    except BadInput:
        raise BadInput(
            f"Aucune commune, aucun code postal ni département ne s'appelle « {search.place[:60]} » : vérifiez l'orthographe."
        ) from None
    if file.strip():
        return from_bytes(file, name, None, where)
    if search.notice:
        return Taken(unpacked(search.notice))
    if search.notice_id:
        return Taken(snapshot.notice(search.notice_id))
    if not any(c.isalpha() for c in search.need):
        raise BadInput("Dites en quelques mots ce qui est à faire, ou déposez un avis.")
    return from_need(search.need, where, max_need)


@router.get("/")
def home(request: Request, who: Annotated[Bearer, Depends(reader)]) -> Response:
    snapshot = request.app.state.serving.current
    recent = snapshot.answerable()[:6] if snapshot else []
    return render.page(
        request,
        "home.html",
        search=Search(),
        recent=recent,
        problem="",
        refusal=request.app.state.serving.refusal,
    )


@router.get("/acheteur")
def empty(
    request: Request,
    who: Annotated[Bearer, Depends(reader)],
    avis: Annotated[str, Query(max_length=200)] = "",
    page: Annotated[int, Query(ge=1, le=1000)] = 1,
    vue: Annotated[str, Query(max_length=10)] = "",
    lot: Annotated[str, Query(max_length=40)] = "",
) -> Response:
    snapshot = request.app.state.serving.get()
    if avis:
        search = Search(notice_id=avis, page=page, view=vue, lot=lot)
        return _results(request, search, Taken(snapshot.notice(avis)), snapshot)
    return render.page(
        request, "buyer.html", search=Search(), answer=None, problem="", recent=snapshot.answerable()[:6]
    )


@router.post("/acheteur")
def results(
    request: Request,
    who: Annotated[Bearer, Depends(reader)],
    search: Annotated[Search, Depends(form)],
    file: Annotated[UploadFile | None, File()] = None,
) -> Response:
    snapshot = request.app.state.serving.get()
    try:
        data = file.file.read() if file else b""
        found = taken(
            search,
            data,
            (file.filename if file else "") or "avis",
            snapshot,
            request.app.state.settings.max_need,
        )
        if data.strip():
            search.notice = packed(found.tender)
            search.too_large = len(search.notice) > STATE
            if search.too_large:
                search.notice = ""
        return _results(request, search, found, snapshot)
    except (MatcherError, Refused) as error:
        status = error.status if isinstance(error, Refused) else 422
        return render.page(
            request,
            "buyer.html",
            status,
            search=search,
            answer=None,
            problem=_french(str(error)),
            recent=snapshot.answerable()[:6],
        )


def _french(detail: str) -> str:
    """The sentence of the core, told in French where the visitor meets it often."""
    if "to search by words" in detail or "recognised" in detail:
        return "Ce fichier n'est pas un avis d'un format connu (BOAMP, eForms, TED, DECP). Décrivez plutôt le besoin en quelques mots."
    if "no call" in detail:
        return "Cet avis n'est pas un appel à la concurrence (attribution, annulation…) : il n'y a rien à quoi répondre. Déposez l'avis d'appel."
    if "characters" in detail:
        return "Le texte est trop long : résumez le besoin en une page, ou déposez l'avis publié."
    return detail


def _results(request: Request, search: Search, found: Taken, snapshot: Snapshot) -> Response:
    wanted, tender, matcher = filters_of(search), found.tender, snapshot.matcher
    lots = tender.lots
    pages = max(1, -(-len(lots) // LOTS)) if len(lots) > TOGETHER else 1
    search.page = min(search.page, pages)
    shown = lots[(search.page - 1) * LOTS : search.page * LOTS] if pages > 1 else lots
    alone = tuple(lot for lot in lots if lot.number == search.lot)[:1] if search.lot else ()
    shown = alone or shown
    teams: list[dict[str, Any]] = []
    most = SHOWN
    if search.view == "groupes" and pages > 1:
        answer = matcher.match(tender, 1, filters=wanted, groups=3)
        teams, shown = [team_view(team, answer) for team in answer.consortia], ()
        answer = replace(answer, lots=())
    else:
        part = replace(tender, lots=shown)
        # what a page holds stays about the same, whatever the number of lots
        most = ALONE if alone else min(SHOWN, max(3, LINES_OF_PAGE // max(1, len(shown))))
        answer = matcher.match(part, most, filters=wanted, groups=0 if pages > 1 or alone else 3)
        teams = [team_view(team, answer) for team in answer.consortia]
    request.app.state.figures.nobody.inc(sum(lot.nobody for lot in answer.lots))
    typed = tender.lots[0].places[0] if tender.format == "need" and tender.lots[0].places else None
    return render.page(
        request, "buyer.html", search=search, answer=answer, problem="", found=found, lots=[lot_view(each, most) for each in answer.lots],
        teams=teams, place=_places(shown or lots), tender=tender, pages=pages, several=len(lots) > 1, alone=bool(alone),
        understood=_understood(search.place, typed), namesakes=_namesakes(search.place, typed),
    )  # fmt: skip


def _places(lots: Sequence[Lot]) -> str:
    named = (where for lot in lots for p in lot.places if (where := _named(p)))
    return ", ".join(dict.fromkeys(named))


def _named(place: Place) -> str:
    """A place with its department, which tells Saint-Denis from Saint-Denis."""
    label, department = place.label, place.department or ""
    known = places.department(department)
    if not label or not known or fold(known.name) == fold(label) or any(c.isdigit() for c in label):
        return label or department
    return f"{label} ({department})"


def _understood(typed: str, place: Place | None) -> str:
    """The commune that a misspelt name was taken for; "" where it was taken as it stands."""
    asked = "".join(c for c in fold(typed) if c.isalpha())
    taken = "".join(c for c in fold(place.label if place else "") if c.isalpha())
    plain = not place or not place.commune or any(c.isdigit() for c in typed)
    return "" if plain or not asked or taken.startswith(asked) else _named(place) if place else ""


def _namesakes(typed: str, place: Place | None) -> list[str]:
    """The other communes of the very name that was taken, the most populous first."""
    if place is None or not place.commune or any(c.isdigit() for c in typed):
        return []
    same = [c for c in need_.communes(place.label, None, 8) if fold(c.name) == fold(place.label)]
    return [f"{c.name} ({c.department})" for c in same if c.code != place.commune][:4]


@dataclass(frozen=True, slots=True)
class Line:
    """A match as its line shows it."""

    match: Match
    mark: str  # how near to the need, in a word
    warnings: tuple[str, ...]
    why: tuple[reasons.Subject, ...]

    @property
    def proof(self) -> str:
        """The past contract that speaks most for it; "" where none is known."""
        told = next((s.sentences for s in self.why if s.name == "Marchés passés"), ())
        award = self.match.offer is not None and self.match.offer.nature == "award"
        return told[0] if told and not award else ""


def lot_view(each: Any, most: int) -> dict[str, Any]:
    """A lot's answer as the page shows it: lines, map, potential for reserving."""
    best = wire.best_of(each)
    far = bool(each.matches) and not each.nobody and all(m.out_of_reach for m in each.matches)
    usual = next(
        (
            w.removeprefix(BEYOND).strip(" ()")
            for m in each.matches
            for w in m.warnings
            if w.startswith(BEYOND)
        ),
        "",
    )
    lines = [
        Line(
            m,
            reasons.mark(m, reasons.band(m.score, best)),
            # said once above the list where it holds for all
            tuple(w for w in m.warnings if not (far and w.startswith(BEYOND))),
            reasons.subjects(m.reasons),
        )
        for m in each.matches
    ]
    points = [
        (p, m)
        for m in each.matches
        if (p := atlas.point(m.structure.place.latitude, m.structure.place.longitude))
    ]
    site = [p for place in each.lot.places if (p := atlas.point(place.latitude, place.longitude))]
    near = [line.match for line in lines if line.mark in ("très proche", "proche", "possible")]
    today = date.today()
    reserve = {
        f"{article} ({who})": [m for m in near if law.eligible(m.structure.kind, (article,), today)]
        for article, who in ((law.INSERTION, "insertion"), (law.DISABILITY, "handicap"))
    }
    potential = [
        (name, len(who), sum(m.structure.active is True for m in who)) for name, who in reserve.items()
    ]
    return {
        "answer": each, "lot": each.lot, "lines": lines, "points": points, "site": site, "potential": potential, "far": far, "usual": usual, "more": len(lines) == most < each.considered,
        "window": atlas.window(_close(points, bool(site)) + site), "kinds": Counter(render.family(m.structure.kind) for m in each.matches),
    }  # fmt: skip


def _close(points: list[Any], site: bool) -> list[tuple[float, float]]:
    """The points to draw near: those of a day's work around the site; all where none is, or no site is known."""
    near = [p for p, m in points if m.distance_km is not None and m.distance_km <= 120]
    return near if site and near else [p for p, _ in points]


def team_view(team: Any, answer: Answer) -> dict[str, Any]:
    """A group as a picture: a row for each lot or need, a column for each member."""
    from matcher.matching.groups.consortium import FAINT
    from matcher.matching.groups.table import lot_label
    from matcher.reference.trades import trades

    labels = {trade.name: trade.label for trade in trades()}
    lots = {each.lot.id: each.lot for each in answer.lots}

    def label(task: str) -> str:
        lot, _, trade = task.partition("#")
        if trade:
            prefix = f"lot {lots[lot].number} : " if lot in lots and len(lots) > 1 else ""
            return render.initial(prefix + labels.get(trade, trade))
        return render.initial(lot_label(lots[lot])) if lot in lots else task

    # nothing tells that the member does such a thing: the picture must not say that it takes it
    unsure = {
        task
        for member in team.members
        for task in member.lots
        if any(
            f"{labels.get(task.partition('#')[2], '')}{FAINT}" in part for part in member.reason.split(" ; ")
        )
        and "#" in task
    }

    tasks = [*team.covered, *team.uncovered]
    rows = [
        (t, label(t), [(t in m.lots, t in unsure) for m in team.members], t in team.uncovered)
        for t in (*tasks[:ROWS], *team.uncovered[: ROWS if len(team.covered) > ROWS else 0])
    ]
    return {
        "team": team,
        "several": len(team.members) > 1,
        "tasks": rows,
        "asked": len(tasks),
        "left": max(0, len(tasks) - len(rows)),
    }


# ------------------------------------------------------------------------------------------------- records


@router.post("/acheteur/fiches")
def keep(
    request: Request,
    search: Annotated[Search, Depends(form)],
    csrf: Annotated[str, Form()] = "",
    label: Annotated[str, Form(max_length=200)] = "",
    file: Annotated[UploadFile | None, File()] = None,
) -> Response:
    access.check_csrf(request, csrf)
    owner, snapshot = owner_of(request), request.app.state.serving.get()
    data = file.file.read() if file else b""
    found = taken(
        search, data, (file.filename if file else "") or "avis", snapshot, request.app.state.settings.max_need
    )
    wanted = filters_of(search)
    answer = search_.search(snapshot.matcher, found.tender, wanted)
    identifier = record_.keep(
        access.store_of(request),
        owner,
        answer,
        filters=wanted,
        recipe=snapshot.matcher.recipe.name,
        label=label,
    )
    return render.go(f"/acheteur/fiches/{identifier}")


@router.get("/acheteur/fiches")
def records(request: Request) -> Response:
    return render.page(
        request, "records.html", records=record_.listing(access.store_of(request), owner_of(request))
    )


@router.get("/acheteur/fiches/{identifier}")
def record(
    request: Request,
    identifier: str,
    rejouer: str = "",
    lot: Annotated[int, Query(ge=1, le=10_000)] = 1,
    debut: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
    tout: str = "",
    issue: Annotated[str, Query(max_length=200, pattern=r"^([a-z-]+\.\d{1,3}_?)*$")] = "",
) -> Response:
    """A record of one's own: `debut` is the first line of the lot numbered `lot`, `tout` shows every line."""
    store, owner, snapshot = access.store_of(request), owner_of(request), request.app.state.serving.get()
    found = record_.read(store, owner, identifier)
    changes = None
    if rejouer:
        matcher = snapshot.under(found.recipe)
        changes = record_.replay(
            found, lambda tender, wanted: search_.search(matcher, tender, wanted), matcher.versions
        )
    asked = {e.siret: e for e in found.events if e.kind == "contacted" and e.siret}
    state = {
        e.siret: questions.OUTCOMES.get(str(e.payload.get("outcome")), ("", False))[0]
        for e in found.events
        if e.kind == "sent" and e.payload
    }
    said: dict[str, list[tuple[Any, str, str]]] = {}
    for event in found.events:
        if event.kind == "answered" and event.payload:
            said.setdefault(event.siret, []).append(
                (event.at, str(event.payload.get("text", "")), str(event.payload.get("by", "buyer")))
            )
    listed = {e.siret: e.payload for e in reversed(found.events) if e.kind == "listed" and e.payload}
    addresses = sorted({str(listed[s]["email"]) for s in asked if s in listed and listed[s].get("email")})
    message = next(
        (str(e.payload["message"]) for e in found.events if e.kind == "contacted" and e.payload), ""
    )
    mailto = (
        f"mailto:?bcc={quote(','.join(addresses[:40]))}&subject={quote(found.tender.title[:120])}&body={quote(message[:1500])}"
        if addresses
        else ""
    )
    number = min(lot, len(found.lots))
    shown = []
    for index, each in enumerate(found.lots, 1):
        lines = found.lines(each["id"])
        first = (debut if index == number else 1) - 1
        kept = (
            lines
            if tout
            else lines[first : first + LINES]
            if len(found.lots) <= TOGETHER or index == number
            else []
        )
        shown.append({"lot": each, "lines": kept, "first": first + 1, "total": len(lines), "index": index})
    return render.page(
        request, "record.html", record=found, verdict=record_.verify(store, owner, identifier), changes=changes, asked=asked, said=said,
        state=state, names={s: str(p.get("name", s)) for s, p in listed.items() if s in asked}, mailto=mailto, addresses=addresses,
        outcomes=dict(pair.split(".") for pair in issue.split("_") if pair), words=questions.OUTCOMES, message=message, draft=_draft(found), shown=shown, page_lines=LINES,
        filters=_told(found.filters), why=record_.why, sends=sends(request), everything=bool(tout), note=record_.NOTE,
    )  # fmt: skip


def _told(wanted: Filters) -> list[str]:
    """The filters of a record, in words."""
    lists = {
        "types": wanted.kinds, "départements": wanted.departments, "régions": wanted.regions, "articles": wanted.articles,
        "réseaux": wanted.networks, "labels": wanted.labels, "services": wanted.service_types, "mots exigés": wanted.phrases,
    }  # fmt: skip
    said = [f"{name} {', '.join(values)}" for name, values in lists.items() if values]
    if wanted.radius_km is not None:
        said.append(f"à {wanted.radius_km:g} km au plus")
    if wanted.active_only:
        said.append("établissements fermés écartés")
    if wanted.sirets is not None:
        said.append(f"parmi {len(wanted.sirets)} SIRET donnés")
    if wanted.excluded:
        said.append(f"{len(wanted.excluded)} SIRET exclus")
    return said


def sends(request: Request) -> str:
    """How mails of this visitor leave: "smtp", "outbox", or "" where they do not (then by his own mail program)."""
    who, settings = access.identify(request), request.app.state.settings
    if settings.smtp:
        return "smtp" if who.may("buyer") else ""
    return "outbox" if who.may("buyer") or access.local(request) else ""


def _draft(found: record_.Record) -> str:
    return (
        f"Bonjour,\n\nNous préparons l'achat suivant : {found.tender.title}.\n\nAvant de lancer la consultation, nous aimerions savoir :\n"
        "1. Réalisez-vous cette prestation, et sur quel secteur géographique ?\n2. Quel volume pouvez-vous assurer, et avec quel délai de démarrage ?\n"
        "3. Répondriez-vous seul, en groupement ou en sous-traitance ?\n4. Quelles conditions (allotissement, réservation, visite) vous aideraient à répondre ?\n\n"
        "Ce message est adressé dans les mêmes termes à toutes les structures consultées ; il ne préjuge pas du choix.\n"
    )


@router.post("/acheteur/fiches/{identifier}/contacter")
def contact(
    request: Request,
    identifier: str,
    message: Annotated[str, Form(max_length=5000)] = "",
    reply_to: Annotated[str, Form(max_length=200)] = "",
    csrf: Annotated[str, Form()] = "",
    sirets: Annotated[list[str] | None, Form()] = None,
    lot: Annotated[int, Form(ge=1, le=10_000)] = 1,
    debut: Annotated[int, Form(ge=1, le=1_000_000)] = 1,
) -> Response:
    """The same message to those ticked: sent where mail can leave and an address is given, else recorded alone."""
    access.check_csrf(request, csrf)
    if not sirets:
        raise BadInput("Cochez au moins une structure à contacter.")
    if len(message.strip()) < 10:
        raise BadInput("Écrivez le message : quelques mots au moins.")
    store, owner, serving = access.store_of(request), owner_of(request), request.app.state.serving
    if sends(request) and reply_to.strip():
        outcomes = questions.ask(
            store, owner, identifier, sirets[:200], message, reply_to, way(request.app.state.settings),
            lambda siret: address_of(store, serving.get().catalogue, siret),
        )  # fmt: skip
    else:
        outcomes = Counter(noted=record_.contact(store, owner, identifier, sirets[:200], message))
    told = "_".join(f"{name}.{count}" for name, count in sorted(outcomes.items()) if count) or "again.0"
    return render.go(f"/acheteur/fiches/{quote(identifier)}?lot={lot}&debut={debut}&issue={told}#message")


@router.post("/acheteur/fiches/{identifier}/reponse")
def answered(
    request: Request,
    identifier: str,
    siret: Annotated[str, Form(max_length=14)] = "",
    text: Annotated[str, Form(max_length=5000)] = "",
    csrf: Annotated[str, Form()] = "",
) -> Response:
    access.check_csrf(request, csrf)
    if not text.strip():
        raise BadInput("Écrivez ce que la structure a répondu.")
    record_.answered(access.store_of(request), owner_of(request), identifier, siret, text)
    return render.go(f"/acheteur/fiches/{quote(identifier)}#s{siret}")


@router.get("/acheteur/fiches/{identifier}/export.{format}")
def export(request: Request, identifier: str, format: str) -> Response:
    from matcher.domain import NotFound

    makers: dict[str, tuple[Any, str]] = {
        "csv": (exports.to_csv, "text/csv; charset=utf-8"),
        "xlsx": (exports.to_xlsx, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        "json": (
            lambda r: json.dumps(exports.to_json(r), ensure_ascii=False, indent=1).encode(),
            "application/json",
        ),
    }
    if format not in makers:
        raise NotFound("Les exports sont csv, xlsx et json.")
    store, owner = access.store_of(request), owner_of(request)
    found = record_.read(store, owner, identifier)
    make, media = makers[format]
    record_.exported(store, owner, identifier, format)
    return Response(
        make(found),
        media_type=media,
        headers={
            "Content-Disposition": f'attachment; filename="sourcing-{found.created_at:%Y%m%d}.{format}"',
            "Cache-Control": "no-store",
        },
    )
