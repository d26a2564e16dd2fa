"""The buyer's sourcing records: kept searches, contacts, answers, exports."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Form, Query, Request, Response

from matcher.domain import BadInput, Filters, NotFound
from matcher.outreach.sourcing import exports, questions
from matcher.outreach.sourcing import record as record_
from service import sourcing
from service.access import store_of
from service.page import render
from service.page.buyer import TOGETHER, SearchForm, SentFile, filters_of, taken
from service.page.visitor import CheckedForm, RecordOwner, mail_route

router = APIRouter()
LINES = 50  # lines of a page of a record
RECIPIENTS = 40  # addresses of a mailto link


@router.post("/acheteur/fiches")
def keep(
    request: Request,
    form: CheckedForm,
    owner: RecordOwner,
    search: SearchForm,
    file: SentFile,
    label: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    snapshot = request.app.state.serving.get()
    found = taken(request, search, file, snapshot)
    made, _ = sourcing.keep(request, owner, snapshot.matcher, found.tender, filters_of(search), label)
    return render.go(f"/acheteur/fiches/{made}")


@router.get("/acheteur/fiches")
def records(request: Request, owner: RecordOwner) -> Response:
    return render.page(request, "records.html", records=record_.listing(store_of(request), owner))


@router.get("/acheteur/fiches/{identifier}")
def record(
    request: Request,
    identifier: str,
    owner: RecordOwner,
    rejouer: str = "",
    lot: Annotated[int, Query(ge=1, le=10_000)] = 1,
    debut: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
    tout: str = "",
    issue: Annotated[str, Query(max_length=200, pattern=r"^([a-z-]+\.\d{1,3}_?)*$")] = "",
) -> Response:
    """A record of one's own: `debut` is the first line of the lot numbered `lot`, `tout` shows every line."""
    store = store_of(request)
    found = record_.read(store, owner, identifier)
    return render.page(
        request, "record.html", record=found, verdict=record_.verify(store, owner, identifier),
        changes=sourcing.replay(request, found) if rejouer else None, **_contacts(found),
        outcomes=dict(pair.split(".") for pair in issue.split("_") if pair), words=questions.OUTCOMES, draft=_draft(found),
        shown=_shown(found, lot, debut, bool(tout)), page_lines=LINES, filters=_filters_in_words(found.filters), why=record_.why,
        sends=mail_route(request), everything=bool(tout), note=record_.NOTE,
    )  # fmt: skip


def _contacts(found: record_.Record) -> dict[str, Any]:
    """Who was asked, what became of the mail, what was answered, and a link that writes to all of them."""
    asked = {e.siret: e for e in found.events if e.kind == "contacted" and e.siret}
    state = {e.siret: questions.outcome_label(str(e.payload.get("outcome"))) for e in found.events if e.kind == "sent" and e.payload}  # fmt: skip
    answers: dict[str, list[tuple[Any, str, str]]] = {}
    for event in found.events:
        if event.kind == "answered" and event.payload:
            answer = (event.at, str(event.payload.get("text", "")), str(event.payload.get("by", "buyer")))
            answers.setdefault(event.siret, []).append(answer)
    listed = {e.siret: e.payload for e in reversed(found.events) if e.kind == "listed" and e.payload}
    known = {siret: listed[siret] for siret in asked if siret in listed}
    addresses = sorted({str(line["email"]) for line in known.values() if line.get("email")})
    message = next((str(e.payload["message"]) for e in asked.values() if e.payload), "")
    return {
        "asked": asked, "state": state, "answers": answers, "names": {s: str(p.get("name", s)) for s, p in known.items()},
        "addresses": addresses, "message": message, "mailto": _mailto(addresses, found.tender.title, message),
    }  # fmt: skip


def _mailto(addresses: list[str], title: str, message: str) -> str:
    if not addresses:
        return ""
    hidden = quote(",".join(addresses[:RECIPIENTS]))
    return f"mailto:?bcc={hidden}&subject={quote(title[:120])}&body={quote(message[:1500])}"


def _shown(found: record_.Record, lot: int, first_line: int, everything: bool) -> list[dict[str, Any]]:
    """The lines of each lot: all, or a page of the lot asked for and the first page of few others."""
    number, shown = min(lot, len(found.lots)), []
    for index, each in enumerate(found.lots, 1):
        lines = found.lines(each["id"])
        first = (first_line if index == number else 1) - 1
        open_ = len(found.lots) <= TOGETHER or index == number
        kept = lines if everything else lines[first : first + LINES] if open_ else []
        shown.append({"lot": each, "lines": kept, "first": first + 1, "total": len(lines), "index": index})
    return shown


def _filters_in_words(wanted: Filters) -> list[str]:
    lists = {
        "types": wanted.kinds, "départements": wanted.departments, "régions": wanted.regions, "articles": wanted.articles,
        "réseaux": wanted.networks, "labels": wanted.labels, "services": wanted.service_types, "mots exigés": wanted.phrases,
    }  # fmt: skip
    found = [f"{name} {', '.join(values)}" for name, values in lists.items() if values]
    if wanted.radius_km is not None:
        found.append(f"à {wanted.radius_km:g} km au plus")
    if wanted.active_only:
        found.append("établissements fermés écartés")
    if wanted.sirets is not None:
        found.append(f"parmi {len(wanted.sirets)} SIRET donnés")
    if wanted.excluded:
        found.append(f"{len(wanted.excluded)} SIRET exclus")
    return found


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
    form: CheckedForm,
    owner: RecordOwner,
    message: Annotated[str, Form(max_length=5000)] = "",
    reply_to: Annotated[str, Form(max_length=200)] = "",
    sirets: Annotated[list[str] | None, Form()] = None,
    lot: Annotated[int, Form(ge=1, le=10_000)] = 1,
    debut: Annotated[int, Form(ge=1, le=1_000_000)] = 1,
) -> Response:
    """The same message to those ticked: sent where mail can leave and an address is given, else recorded alone."""
    if not sirets:
        raise BadInput("Cochez au moins une structure à contacter.")
    if len(message.strip()) < 10:
        raise BadInput("Écrivez le message : quelques mots au moins.")
    given = reply_to if mail_route(request) and reply_to.strip() else ""
    outcomes = sourcing.contact(request, owner, identifier, sirets[:200], message, given)
    sourcing.send(request)
    counts = "_".join(f"{name}.{count}" for name, count in sorted(outcomes.items()) if count)
    return render.go(
        f"/acheteur/fiches/{quote(identifier)}?lot={lot}&debut={debut}&issue={counts or 'again.0'}#message"
    )


@router.post("/acheteur/fiches/{identifier}/reponse")
def answered(
    request: Request,
    identifier: str,
    form: CheckedForm,
    owner: RecordOwner,
    siret: Annotated[str, Form(max_length=14)] = "",
    text: Annotated[str, Form(max_length=5000)] = "",
) -> Response:
    if not text.strip():
        raise BadInput("Écrivez ce que la structure a répondu.")
    record_.answered(store_of(request), owner, identifier, siret, text)
    return render.go(f"/acheteur/fiches/{quote(identifier)}#s{siret}")


@router.get("/acheteur/fiches/{identifier}/export.{format}")
def export(request: Request, identifier: str, format: str, owner: RecordOwner) -> Response:
    if format not in exports.FORMATS:
        raise NotFound("Les exports sont csv, xlsx et json.")
    store = store_of(request)
    found = record_.read(store, owner, identifier)
    write, media = exports.FORMATS[format]
    record_.exported(store, owner, identifier, format)
    headers = {
        "Content-Disposition": f'attachment; filename="sourcing-{found.created_at:%Y%m%d}.{format}"',
        "Cache-Control": "no-store",
    }
    return Response(write(found), media_type=media, headers=headers)
