"""The buyer's pages: a need or a notice, the structures, the groups, and the records kept."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, File, Form, Request, Response, UploadFile

from matcher import codec, sourcing
from matcher.domain import Answer, BadInput, Filters, MatcherError, Tender
from matcher.keys import Bearer
from service import guard, wire
from service.page import atlas, render
from service.problems import Refused
from service.serving import Snapshot

router = APIRouter()
SHOWN = 12
KEPT = 200


def owner_of(request: Request) -> str:
    """Whose records these are: those of a key, or, on an open demonstration, of this very session."""
    who = guard.identify(request)
    if who.may("buyer"):
        return who.actor
    session = guard.Session.of(request)
    if guard.open_to_read(request) and not (session and session.key):
        return f"session:{session.id}" if session else "session:none"
    raise Refused(
        403 if who.scopes else 401,
        "Une clé d'acheteur est nécessaire : connectez-vous, ou demandez-en une à l'exploitant.",
    )


def reader(request: Request) -> Bearer:
    who = guard.identify(request)
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


def form(
    need: Annotated[str, Form()] = "", place: Annotated[str, Form(max_length=200)] = "", notice_id: Annotated[str, Form(max_length=200)] = "",
    notice: Annotated[str, Form()] = "", kinds: Annotated[list[str] | None, Form()] = None, radius: Annotated[str, Form(max_length=10)] = "",
    phrase: Annotated[str, Form(max_length=200)] = "", active: Annotated[str, Form(max_length=5)] = "",
) -> Search:  # fmt: skip
    return Search(need, place, notice_id, notice, tuple(kinds or ()), radius, phrase, bool(active))


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


def taken(search: Search, file: bytes, name: str, snapshot: Snapshot, max_need: int) -> wire.Taken:
    try:
        where = wire.place(search.place)
    except BadInput:
        raise BadInput(
            f"Aucune commune, aucun code postal ni département ne s'appelle « {search.place[:60]} » : vérifiez l'orthographe."
        ) from None
    if file.strip():
        return wire.from_bytes(file, name, None, where)
    if search.notice:
        return wire.Taken(codec.from_json(Tender, json.loads(search.notice)))
    if search.notice_id:
        return wire.Taken(snapshot.notice(search.notice_id))
    if not any(c.isalpha() for c in search.need):
        raise BadInput("Dites en quelques mots ce qui est à faire, ou déposez un avis.")
    return wire.from_need(search.need, where, max_need)


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
def empty(request: Request, who: Annotated[Bearer, Depends(reader)], avis: str = "") -> Response:
    snapshot = request.app.state.serving.get()
    if avis:
        return _results(request, Search(notice_id=avis), wire.Taken(snapshot.notice(avis)), snapshot)
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
            search.notice = json.dumps(codec.to_json(found.tender), ensure_ascii=False)
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


def _results(request: Request, search: Search, found: wire.Taken, snapshot: Snapshot) -> Response:
    wanted = filters_of(search)
    answer = snapshot.matcher.match(found.tender, SHOWN, filters=wanted, groups=3)
    request.app.state.figures.nobody.inc(sum(lot.nobody for lot in answer.lots))
    return render.page(request, "buyer.html", search=search, answer=answer, problem="", found=found, lots=[lot_view(each) for each in answer.lots],
        teams=[team_view(team, answer) for team in answer.consortia], place=_places(answer), versions_=answer.versions)  # fmt: skip


def _places(answer: Answer) -> str:
    return ", ".join(
        dict.fromkeys(
            p.label or p.department or ""
            for each in answer.lots
            for p in each.lot.places
            if p.label or p.department
        )
    )


def lot_view(each: Any) -> dict[str, Any]:
    """A lot's answer as the page shows it: lines, map, potential for reserving."""
    best = wire.best_of(each)
    lines = [(m, wire.band(m.score, best)) for m in each.matches]
    points = [
        (p, m)
        for m in each.matches
        if (p := atlas.point(m.structure.place.latitude, m.structure.place.longitude))
    ]
    site = [p for place in each.lot.places if (p := atlas.point(place.latitude, place.longitude))]
    near = [m for m, word in lines if word != "éloignée"]
    reserve = {
        "L2113-13 (insertion)": [m for m in near if m.structure.kind in ("EI", "ACI", "AI", "ETTI")],
        "L2113-12 (handicap)": [m for m in near if m.structure.kind in ("EA", "EATT", "ESAT")],
    }
    potential = [
        (name, len(who), sum(m.structure.active is True for m in who)) for name, who in reserve.items()
    ]
    return {
        "answer": each, "lot": each.lot, "lines": lines, "points": points, "site": site, "potential": potential,
        "window": atlas.window(_close(points, bool(site)) + site), "kinds": Counter(render.family(m.structure.kind) for m in each.matches),
    }  # fmt: skip


def _close(points: list[Any], site: bool) -> list[tuple[float, float]]:
    """The points to draw near: those of a day's work around the site; all where none is, or no site is known."""
    near = [p for p, m in points if m.distance_km is not None and m.distance_km <= 120]
    return near if site and near else [p for p, _ in points]


def team_view(team: Any, answer: Answer) -> dict[str, Any]:
    """A group as a picture: a row for each lot or need, a column for each member."""
    from matcher.consortium import lot_label
    from matcher.needs import trades

    labels = {trade.name: trade.label for trade in trades()}
    lots = {each.lot.id: each.lot for each in answer.lots}

    def label(task: str) -> str:
        lot, _, trade = task.partition("#")
        if trade:
            prefix = f"lot {lots[lot].number} : " if lot in lots and len(lots) > 1 else ""
            return render.initial(prefix + labels.get(trade, trade))
        return render.initial(lot_label(lots[lot])) if lot in lots else task

    tasks = [*team.covered, *team.uncovered]
    return {
        "team": team,
        "tasks": [(t, label(t), [t in m.lots for m in team.members], t in team.uncovered) for t in tasks],
    }


# ------------------------------------------------------------------------------------------------- records


@router.post("/acheteur/fiches")
def keep(
    request: Request,
    search: Annotated[Search, Depends(form)],
    csrf: Annotated[str, Form()] = "",
    label: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    guard.check_csrf(request, csrf)
    owner, snapshot = owner_of(request), request.app.state.serving.get()
    found = taken(search, b"", "", snapshot, request.app.state.settings.max_need)
    wanted = filters_of(search)
    answer = snapshot.matcher.match(found.tender, KEPT, filters=wanted, groups=0)
    identifier = sourcing.keep(
        guard.store_of(request),
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
        request, "records.html", records=sourcing.listing(guard.store_of(request), owner_of(request))
    )


@router.get("/acheteur/fiches/{identifier}")
def record(request: Request, identifier: str, rejouer: str = "", envoye: int = -1) -> Response:
    store, owner, snapshot = guard.store_of(request), owner_of(request), request.app.state.serving.get()
    found = sourcing.read(store, owner, identifier)
    changes = None
    if rejouer:
        matcher = snapshot.under(found.recipe)
        changes = sourcing.replay(
            found,
            lambda tender, wanted, n: matcher.match(tender, n, filters=wanted, groups=0),
            matcher.versions,
        )
    asked = {e.siret: e for e in found.events if e.kind == "contacted" and e.siret}
    said: dict[str, list[str]] = {}
    for event in found.events:
        if event.kind == "answered":
            said.setdefault(event.siret, []).append((event.payload or {}).get("text", ""))
    lines = [e for e in found.events if e.kind == "listed" and e.payload]
    addresses = sorted(
        {e.payload["email"] for e in lines if e.siret in asked and e.payload and e.payload.get("email")}
    )
    message = next(
        (str(e.payload["message"]) for e in reversed(found.events) if e.kind == "contacted" and e.payload), ""
    )
    mailto = (
        f"mailto:?bcc={quote(','.join(addresses))}&subject={quote(found.tender.title[:120])}&body={quote(message)}"
        if addresses
        else ""
    )
    return render.page(request, "record.html", record=found, verdict=sourcing.verify(store, owner, identifier), changes=changes, asked=asked, said=said,
        mailto=mailto, addresses=addresses, sent=envoye, message=message, draft=_draft(found))  # fmt: skip


def _draft(found: sourcing.Record) -> str:
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
    message: Annotated[str, Form(min_length=10, max_length=5000)],
    csrf: Annotated[str, Form()] = "",
    sirets: Annotated[list[str] | None, Form()] = None,
) -> Response:
    guard.check_csrf(request, csrf)
    if not sirets:
        raise BadInput("Cochez au moins une structure à contacter.")
    count = sourcing.contact(guard.store_of(request), owner_of(request), identifier, sirets[:200], message)
    return render.go(f"/acheteur/fiches/{quote(identifier)}?envoye={count}#message")


@router.post("/acheteur/fiches/{identifier}/reponse")
def answered(
    request: Request,
    identifier: str,
    siret: Annotated[str, Form(max_length=14)],
    text: Annotated[str, Form(min_length=1, max_length=5000)],
    csrf: Annotated[str, Form()] = "",
) -> Response:
    guard.check_csrf(request, csrf)
    sourcing.answered(guard.store_of(request), owner_of(request), identifier, siret, text)
    return render.go(f"/acheteur/fiches/{quote(identifier)}#s{siret}")


@router.get("/acheteur/fiches/{identifier}/export.{format}")
def export(request: Request, identifier: str, format: str) -> Response:
    from matcher.domain import NotFound

    makers: dict[str, tuple[Any, str]] = {
        "csv": (sourcing.to_csv, "text/csv; charset=utf-8"),
        "xlsx": (sourcing.to_xlsx, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        "json": (
            lambda r: json.dumps(sourcing.to_json(r), ensure_ascii=False, indent=1).encode(),
            "application/json",
        ),
    }
    if format not in makers:
        raise NotFound("Les exports sont csv, xlsx et json.")
    store, owner = guard.store_of(request), owner_of(request)
    found = sourcing.read(store, owner, identifier)
    make, media = makers[format]
    sourcing.exported(store, owner, identifier, format)
    return Response(
        make(found),
        media_type=media,
        headers={
            "Content-Disposition": f'attachment; filename="sourcing-{found.created_at:%Y%m%d}.{format}"',
            "Cache-Control": "no-store",
        },
    )
