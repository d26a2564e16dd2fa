"""The buyer's sourcing records: kept searches, contacts, answers, exports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from fastapi import Form, Query, Request, Response

from matcher.outreach.sourcing import questions
from matcher.outreach.sourcing import record as record_
from service import sourcing
from service.access import spend, store_of
from service.page import fields, render, search
from service.page.buyer import TOGETHER
from service.page.fields import FieldErrors
from service.page.visitor import CheckedForm, RecordOwner, mail_route
from service.router import Router

router = Router()
LINES = 50  # lines of a page of a record
RECIPIENTS = 40  # addresses of a mailto link


@router.post("/acheteur/fiches")
def keep(
    request: Request,
    form: CheckedForm,
    owner: RecordOwner,
    de: Annotated[str, Form(max_length=210)],
    label: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    if owner.startswith(record_.ANONYMOUS):
        spend(request, "record")
    snapshot, asked = request.app.state.serving.get(), search.of(request, de)
    found = search.taken(asked, snapshot, request.app.state.settings.max_need)
    made, _ = sourcing.keep(request, owner, snapshot.matcher, found.tender, search.filters_of(asked), label)
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
    manque: Annotated[str, Query(max_length=20)] = "",
) -> Response:
    """A record of one's own: `debut` is the first line of the lot numbered `lot`, `tout` shows every line."""
    return _record(
        request, owner, identifier, replayed=bool(rejouer), lot=lot, first=debut, everything=bool(tout), missing=manque,
        outcomes=dict(pair.split(".") for pair in issue.split("_") if pair),
    )  # fmt: skip


def _record(
    request: Request, owner: str, identifier: str, *, replayed: bool = False, lot: int = 1, first: int = 1, everything: bool = False,
    missing: str = "", outcomes: Mapping[str, str] | None = None, problems: Mapping[str, str] | None = None,
) -> Response:  # fmt: skip
    store = store_of(request)
    found = record_.read(store, owner, identifier)
    return render.page(
        request, "record.html", 422 if problems else 200, record=found, verdict=record_.verify(store, owner, identifier),
        changes=sourcing.replay(request, found) if replayed else None, **_contacts(found), missing=missing, outcomes=outcomes or {},
        words=questions.OUTCOMES, shown=_shown(found, lot, first, everything), page_lines=LINES, filters=record_.filters_in_words(found.filters),
        why=record_.why, everything=everything, note=record_.NOTE, problems=problems or {},
    )  # fmt: skip


@router.get("/acheteur/fiches/{identifier}/ecrire")
def write(
    request: Request, identifier: str, owner: RecordOwner, s: Annotated[list[str] | None, Query()] = None
) -> Response:
    """One message to those ticked: to whom, what, from where."""
    found = record_.read(store_of(request), owner, identifier)
    facts, listed = _contacts(found), _listed(found)
    chosen = [siret for siret in dict.fromkeys(s or ()) if siret in listed]
    if not chosen:
        return render.go(f"/acheteur/fiches/{quote(identifier)}?manque=coche#contact")
    to = [(render.contact(listed[siret], siret), siret in facts["happened"]) for siret in chosen]
    return render.page(
        request, "write.html", record=found, to=to, draft=_draft(found), sends=mail_route(request), message=facts["message"], problems={}, reply_to=""
    )  # fmt: skip


@router.get("/acheteur/fiches/{identifier}/note")
def note(request: Request, identifier: str, owner: RecordOwner) -> Response:
    """The note of the sourcing for the file of the contract, to print."""
    store = store_of(request)
    found = record_.read(store, owner, identifier)
    lines = {each["id"]: [e.payload for e in found.lines(each["id"]) if e.payload] for each in found.lots}
    return render.page(
        request, "note.html", record=found, verdict=record_.verify(store, owner, identifier), lines=lines,
        filters=record_.filters_in_words(found.filters), note=record_.NOTE, **_contacts(found),
    )  # fmt: skip


def _listed(found: record_.Record) -> dict[str, Mapping[str, Any]]:
    """SIRET -> its line."""
    return {e.siret: e.payload for e in reversed(found.events) if e.kind == "listed" and e.payload}


def _contacts(found: record_.Record) -> dict[str, Any]:
    """What happened with whom, and a link that writes to all of them."""
    happened, listed = record_.steps(found), _listed(found)
    known = {siret: listed[siret] for siret in happened if siret in listed}
    addresses = sorted({str(line["email"]) for line in known.values() if line.get("email")})
    prepared = (step for each in happened.values() for step in each if step.kind in record_.PREPARED)
    message = next((str(step.payload["message"]) for step in prepared), "")
    return {
        "happened": happened, "known": {s: render.contact(p, s) for s, p in known.items()}, "names": {s: str(p.get("name") or s) for s, p in known.items()}, "steps": record_.STEPS, "reported": record_.REPORTED,
        "addresses": addresses, "message": message, "mailto": _mailto(addresses, found.tender.title, message), "outcome": questions.outcome_label,
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
    message: fields.Lines = "",
    reply_to: fields.Line = "",
    sirets: fields.Lists = None,
) -> Response:
    """One message to all ticked structures: sent if mail is configured and a reply address given, else only prepared."""
    at = f"/acheteur/fiches/{quote(identifier)}"
    if not sirets:
        return render.go(f"{at}?manque=coche#contact")
    if not message.strip():  # ticked in the list: write it next
        return render.go(f"{at}/ecrire?{urlencode([('s', siret) for siret in sirets[:60]])}")
    try:
        fields.checked(
            message=lambda: fields.words(message, "Écrivez le message : quelques mots au moins.", 10),
            reply_to=lambda: fields.address(reply_to),
        )
    except FieldErrors as error:
        return _again(request, owner, identifier, sirets, message, reply_to, error)
    given = reply_to if mail_route(request) and reply_to.strip() else ""
    outcomes = sourcing.contact(request, owner, identifier, sirets[:200], message, given)
    sourcing.send(request)
    counts = "_".join(f"{name}.{count}" for name, count in sorted(outcomes.items()) if count)
    return render.go(f"{at}?issue={counts or 'again.0'}#message")


def _again(
    request: Request,
    owner: str,
    identifier: str,
    sirets: list[str],
    message: str,
    reply_to: str,
    error: FieldErrors,
) -> Response:
    """The message form with its errors."""
    found = record_.read(store_of(request), owner, identifier)
    listed = _listed(found)
    to = [(render.contact(listed[siret], siret), False) for siret in sirets if siret in listed]
    return render.page(
        request, "write.html", 422, record=found, to=to, draft=message, sends=mail_route(request), message=_contacts(found)["message"],
        problems=error.problems, reply_to=reply_to,
    )  # fmt: skip


@router.post("/acheteur/fiches/{identifier}/reponse")
def answered(
    request: Request,
    identifier: str,
    form: CheckedForm,
    owner: RecordOwner,
    siret: fields.Word = "",
    text: fields.Lines = "",
    fait: fields.Word = "answered",
) -> Response:
    """A report by the buyer: an answer, or an action outside the service."""
    store = store_of(request)
    if fait != "answered":
        record_.reported(store, owner, identifier, siret, fait)
    elif not text.strip():
        return _record(
            request, owner, identifier, problems={"rep-text": "Écrivez ce que la structure a répondu."}
        )
    else:
        record_.answered(store, owner, identifier, siret, text)
    return render.go(f"/acheteur/fiches/{quote(identifier)}#suivi")


@router.post("/acheteur/fiches/{identifier}/corriger")
def corrected(
    request: Request,
    identifier: str,
    form: CheckedForm,
    owner: RecordOwner,
    number: Annotated[int, Form(ge=1, le=10_000_000)],
    text: fields.Lines = "",
) -> Response:
    """Correct by a further entry: sealed entries are never changed."""
    if not text.strip():
        return _record(request, owner, identifier, problems={f"c{number}": "Écrivez ce qui est exact."})
    record_.corrected(store_of(request), owner, identifier, number, text)
    return render.go(f"/acheteur/fiches/{quote(identifier)}#suivi")


@router.get("/acheteur/fiches/{identifier}/export.{format}")
def export(request: Request, identifier: str, format: str, owner: RecordOwner) -> Response:
    found, content, media = sourcing.exported(request, owner, identifier, format)
    headers = {
        "Content-Disposition": f'attachment; filename="sourcing-{found.created_at:%Y%m%d}.{format}"',
        "Cache-Control": "no-store",
    }
    return Response(content, media_type=media, headers=headers)
