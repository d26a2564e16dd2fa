"""The letter of a buyer to several structures: who can be reached, and the whole of it before it leaves."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request, Response

from matcher.domain import Tender
from matcher.outreach import letters, links
from matcher.outreach.alerts import address_of
from matcher.outreach.sourcing import questions
from matcher.outreach.sourcing import record as record_
from matcher.reference.french import PARIS, day, euros, in_paris
from matcher.reference.text import shorten
from service import access
from service.access import store_of
from service.page import fields, render
from service.page.account import LABEL
from service.page.buyer import places_in_words
from service.page.fields import FieldErrors
from service.page.records import listed, mailto
from service.page.visitor import CheckedForm, Kept, mail_route
from service.routes import sourcing
from service.settings import mail_transport
from service.snapshot import snapshot_of

router = APIRouter()
Ticked = Annotated[list[str] | None, Query()]
MOST = 200  # structures of one letter
DRAFT = """Bonjour,

Nous préparons l'achat décrit ci-dessous. Avant de lancer la consultation, nous aimerions savoir :
1. Réalisez-vous cette prestation, et sur quel secteur géographique ?
2. Quel volume pouvez-vous assurer, et avec quel délai de démarrage ?
3. Répondriez-vous seul, en groupement ou en sous-traitance ?
4. Quelles conditions (allotissement, réservation, visite) vous aideraient à répondre ?
"""


@router.get("/acheteur/fiches/{identifier}/ecrire")
def write(kept: Kept, s: Ticked = None) -> Response:
    """To whom, what each should know, from where."""
    request, found = kept.request, record_.read(*kept.named)
    chosen = [siret for siret in dict.fromkeys(s or ()) if siret in listed(found)]
    if not chosen:
        return render.go(f"{kept.address}?manque=coche#contact")
    label = access.identify(request).label
    address = label.removeprefix(LABEL) if label.startswith(LABEL) else ""
    # what the need says already of what a letter tells
    tender, lots = found.tender, found.tender.lots[:20]
    amount = sum(lot.amount or 0 for lot in lots)
    detail = lots[0].description if len(lots) == 1 and lots[0].description != lots[0].title else ""
    volume = " ; ".join(filter(None, (shorten(detail, 300), euros(amount) if amount else "")))
    known = {"message": DRAFT, "buyer": tender.buyer.name, "volume": volume, "reply_to": address}
    return _form(request, found, chosen, typed={**known, "place": places_in_words(tender)})


def _form(request: Request, found: record_.Record, sirets: Sequence[str], **form: Any) -> Response:
    return render.page(request, "write.html", sent=_sent(found), **_reach(request, found, sirets), **form)


def _reach(request: Request, found: record_.Record, sirets: Sequence[str]) -> dict[str, Any]:
    """Those of a record whom a mail reaches; the others, with why none does; and how mails leave."""
    store, catalogue, lines = store_of(request), snapshot_of(request).catalogue, listed(found)
    addresses = {s: address_of(store, catalogue, s) or str(lines[s].get("email") or "") for s in sirets}
    outcomes = questions.outcomes(store, addresses)
    contacts = {s: render.recorded({**lines[s], "email": addresses[s]}, s) for s in sirets}
    reached = [contacts[s] for s in sirets if outcomes[s] == "queued"]
    words = {s: questions.OUTCOMES[outcome] for s, outcome in outcomes.items() if outcome != "queued"}
    others = [(contacts[s], words[s]) for s in sirets if s in words]
    return {"record": found, "reached": reached, "others": others, "sends": mail_route(request)}


def _sent(found: record_.Record) -> str:
    """The letter that this record has already made; "" before the first."""
    prepared = (e for e in found.events if e.kind in record_.PREPARED and e.payload)
    return next((str(e.payload["message"]) for e in prepared if e.payload), "")


@dataclass(frozen=True)
class LetterForm:
    """A letter as its buyer types it."""

    message: fields.Lines = ""
    buyer: fields.Line = ""
    place: fields.Line = ""
    volume: fields.Lines = ""
    before: fields.Line = ""
    reply_to: fields.Line = ""


@router.post("/acheteur/fiches/{identifier}/contacter")
def contact(
    form: CheckedForm,
    kept: Kept,
    written: Annotated[LetterForm, Depends()],
    sirets: fields.Lists = None,
    confirme: fields.Word = "",
    revoir: fields.Word = "",
) -> Response:
    """The form, then the letter as it will be read, then sent: the same information for all."""
    request, found, at = kept.request, record_.read(*kept.named), kept.address
    known = listed(found)
    chosen = [siret for siret in dict.fromkeys(sirets or ()) if siret in known][:MOST]
    if not chosen:
        return render.go(f"{at}?manque=coche#contact")
    sent = _sent(found)
    if not written.message.strip() and not sent:  # ticked in the list: write it next
        return render.go(f"{at}/ecrire?{urlencode([('s', siret) for siret in chosen])}")
    typed = asdict(written)
    problems = _problems(typed, written=bool(sent), sends=bool(mail_route(request)))
    if problems or revoir:
        return _form(request, found, chosen, typed=typed, problems=problems)
    text = sent or composed(found.tender, typed)
    if not confirme:
        return _preview(request, found, chosen, typed, text)
    given = written.reply_to if mail_route(request) else ""
    outcomes = sourcing.contacted(request, kept.owner, kept.identifier, chosen, text, given)
    request.app.state.mailer.wake()
    counts = "_".join(f"{name}.{count}" for name, count in sorted(outcomes.items()) if count)
    return render.go(f"{at}?{urlencode({'vue': 'suivies', 'issue': counts or 'again.0'})}#message")


def _problems(typed: Mapping[str, str], *, written: bool, sends: bool) -> dict[str, str]:
    """What a letter lacks to be answered, by field; one `written` before lacks nothing of its own."""
    missing = "Écrivez le message : quelques mots au moins."
    nobody = "Dites qui achète : la structure doit savoir qui l'interroge."
    try:
        fields.checked(
            message=lambda: written or fields.words(typed["message"], missing, 10),
            buyer=lambda: written or fields.words(typed["buyer"], nobody),
            reply_to=lambda: fields.address(typed["reply_to"], needed=sends),
        )
    except FieldErrors as error:
        return error.problems
    return {}


def composed(tender: Tender, typed: Mapping[str, str]) -> str:
    """The text of the letter: the buyer's words, then what each structure should know to answer."""
    lots = [f"lot {lot.number}, {lot.title}" for lot in tender.lots[:30]] if len(tender.lots) > 1 else []
    end = day(in_paris(tender.deadline).astimezone(PARIS)) if tender.deadline else ""
    facts = {"Acheteur": typed["buyer"], "Besoin": tender.title, "Lots": " ; ".join(lots)}
    facts |= {"Lieu": typed["place"], "Volumes et durée": typed["volume"], "Date limite des offres": end}
    facts |= {"Documents": tender.documents_url or tender.url}
    facts |= {"Réponse souhaitée avant le": typed["before"]}
    told = "\n".join(f"{name} : {' '.join(value.split())}" for name, value in facts.items() if value.strip())
    return f"{typed['message'].strip()}\n\n{told}"


def _preview(
    request: Request, found: record_.Record, sirets: Sequence[str], typed: Mapping[str, str], text: str
) -> Response:
    """The letter to the first of them, whole: what is sent is what is shown."""
    facts, mail = _reach(request, found, sirets), None
    reached = facts["reached"]
    if facts["sends"] and reached:
        transport, first = mail_transport(request.app.state.settings), reached[0]
        link = links.question_link(transport.base_url, found.id, first.siret)
        told = {"message": text.strip(), "reply_to": typed["reply_to"], "link": link, "end": link}
        mail = letters.letter("question", found.tender.title, first.email, transport, "preview", **told)
    facts["mail"] = {"subject": str(mail["Subject"]), "text": mail.get_content()} if mail else {}
    facts["mailto"] = mailto([each.email for each in reached], found.tender.title, text)
    return render.page(request, "letter.html", sirets=sirets, typed=typed, text=text, **facts)
