"""The buyer's records: kept lists, where each call, answer and decision is noted; the letter to some; sharing, note, exports."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Depends, Form, Query, Request, Response

from matcher.domain import Answer, BadInput, Structure
from matcher.outreach import letters, links
from matcher.outreach.alerts import address_of
from matcher.outreach.sourcing import questions
from matcher.outreach.sourcing import record as record_
from matcher.records.chain import Event
from matcher.records.store import now
from matcher.reference.french import PARIS, day, euros, in_paris
from matcher.reference.identifiers import clean_date
from matcher.reference.text import shorten
from service import wire
from service.access import identify, spend, store_of
from service.page import facets, fields, render, search
from service.page.account import LABEL
from service.page.buyer import answer_of, places_in_words
from service.page.fields import FieldErrors, Ticked
from service.page.render import Facts
from service.page.visitor import CheckedForm, Kept, OwnRecord, RecordOwner, mail_route
from service.routes import sourcing
from service.settings import mail_transport
from service.snapshot import snapshot_of

router = APIRouter()
LINES = 50  # lines of a page of a view
RECIPIENTS = 40  # addresses of a mailto link
#: View of a record -> its name; the first is shown unless another is asked for.
VIEWS = {
    "appeler": "À appeler",
    "verifier": "À vérifier",
    "interroger": "À interroger",
    "suivies": "Suivies",
    "ecartees": "Écartées",
    "toutes": "Toutes",
}
EventNumber = Annotated[int, Form(ge=1, le=10_000_000)]
CALL, CHECK = "à appeler", "à vérifier"
#: What every page of a record is written with.
ALWAYS = {"why": record_.why, "note": record_.NOTE, "steps": record_.STEPS, "reported": record_.REPORTED}
ALWAYS |= {"outcome": questions.OUTCOMES.get}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A line of a record as its buyer stands with it."""

    number: int  # of its lot, from 1
    event: Event
    contact: Structure
    band: str  # as listed, or as the buyer moved it
    steps: tuple[record_.Step, ...]

    @property
    def aside(self) -> bool:
        return self.band == record_.STEPS["aside"]

    @property
    def next(self) -> Mapping[str, Any]:
        """The next step that was noted last; empty where none is."""
        last = self.steps[-1].payload if self.steps else {}
        return last if last.get("next") or last.get("due") else {}

    @property
    def story(self) -> list[record_.Step]:
        """Its steps, of the letter only how it stands now; what was corrected stays."""
        letter = [s for s in self.steps if s.kind in record_.PREPARED or s.payload.get("outcome")]
        return [s for s in self.steps if s not in letter[:-1] or s.corrections]

    def seen_in(self, view: str) -> bool:
        bands = {"appeler": CALL, "verifier": CHECK, "interroger": record_.TO_ASK}
        own = {name: self.band == band for name, band in bands.items()} | {"ecartees": self.aside}
        return view == "toutes" or own.get(view, bool(self.steps) and not self.aside)


@router.post("/acheteur/fiches")
def keep(
    request: Request,
    form: CheckedForm,
    owner: RecordOwner,
    de: fields.Reference,
    lot: fields.Word = "",
    retour: fields.Sentences = "",
    label: fields.Name = "",
) -> Response:
    """Keep the list as it is shown: what `retour`, its address, narrows is not kept."""
    if owner.startswith(record_.ANONYMOUS):
        spend(request, "record")
    wanted = facets.of_address(retour)
    asked, _, answer = answer_of(request, de, lot, wanted)
    made = kept(request, owner, asked, answer, wanted, label)
    return render.go(f"/acheteur/fiches/{made}")


def kept(
    request: Request, owner: str, asked: search.Search, answer: Answer, wanted: facets.Chosen, label: str = ""
) -> str:
    """Keep the answer to a search, as the facets narrowed it; the record's id."""
    recipe, filters = snapshot_of(request).matcher.recipe.name, search.filters_of(asked)
    more = {"recipe": recipe, "label": label}
    return record_.keep(store_of(request), owner, answer, filters=filters, facets=wanted.values, **more)


@router.get("/acheteur/fiches")
def records(request: Request, owner: RecordOwner, archives: str = "") -> Response:
    store = store_of(request)
    listed = record_.listing(store, owner, archived=bool(archives))
    archived = 0 if archives else len(record_.listing(store, owner, archived=True))
    return render.page(request, "records.html", records=listed, archives=bool(archives), archived=archived)


@dataclass(frozen=True)
class View:
    """What of a record is shown: whom (`vue`), from which line (`debut`) or all (`tout`); what was done."""

    rejouer: str = ""
    vue: Annotated[str, Query(max_length=10)] = ""
    debut: Annotated[int, Query(ge=1, le=1_000_000)] = 1
    tout: Annotated[str, Query(max_length=5)] = ""
    issue: Annotated[str, Query(max_length=200, pattern=r"^([a-z-]+\.\d{1,3}_?)*$")] = ""
    manque: Annotated[str, Query(max_length=20)] = ""
    fait: Annotated[str, Query(max_length=20)] = ""


@router.get("/acheteur/fiches/{identifier}")
def record(kept: Kept, asked: Annotated[View, Depends()]) -> Response:
    return _record(kept, asked)


def _record(kept: OwnRecord, asked: View, **form: Any) -> Response:
    """A record; after an invalid form, with its input and its errors."""
    request, found = kept.request, record_.read(*kept.named)
    rows = rows_of(found)
    counts = {name: sum(row.seen_in(name) for row in rows) for name in VIEWS}
    view = asked.vue if asked.vue in VIEWS else next((name for name in VIEWS if counts[name]), "toutes")
    shown, start = [row for row in rows if row.seen_in(view)], asked.debut - 1
    listed: Facts = {"rows": shown if asked.tout else shown[start : start + LINES], "first": asked.debut}
    listed |= {"total": len(shown), "page_lines": LINES, "due": sum(bool(row.next) for row in rows)}
    listed |= {"view": view, "views": [(name, title, counts[name]) for name, title in VIEWS.items()]}
    happened: Facts = {"outcomes": dict(pair.split(".") for pair in asked.issue.split("_") if pair)}
    happened |= {"words": questions.OUTCOMES, "missing": asked.manque, "done": asked.fait}
    happened |= {"changes": sourcing.replayed(request, found) if asked.rejouer else None}
    address = request.app.state.settings.public_url + kept.address
    shared: Facts = {"invitation": f"{address}/rejoindre/{record_.share_proof(found)}", "owner": kept.owner}
    shared |= {"colleagues": record_.colleagues(*kept.named)}
    common = _shown(kept, found)
    return render.page(request, "record.html", **common, **listed, **happened, **shared, **form)


def rows_of(found: record_.Record) -> list[Row]:
    """The lines of every lot in order, where they stand now; erased lines are left out."""
    happened, moved = record_.steps(found), record_.standing(found)
    rows = []
    for number, lot in enumerate(found.lots, 1):
        for event in found.lines(lot["id"]):
            if event.payload:
                mark = {"aside": record_.STEPS["aside"], "promoted": CALL}.get(moved.get(event.siret, ""))
                contact = render.recorded(event.payload, event.siret)
                band = mark or str(event.payload.get("band") or "")
                steps = tuple(happened.get(event.siret, ()))
                rows.append(Row(number=number, event=event, contact=contact, band=band, steps=steps))
    return rows


@router.get("/acheteur/fiches/{identifier}/note")
def note(kept: Kept) -> Response:
    """The note of the sourcing for the file of the contract, to print."""
    found = record_.read(*kept.named)
    rows = rows_of(found)
    counts = Counter((row.number, row.band) for row in rows)
    return render.page(kept.request, "note.html", rows=rows, counts=counts, **_shown(kept, found))


def listed(found: record_.Record) -> dict[str, Mapping[str, Any]]:
    """SIRET -> its line."""
    return {e.siret: e.payload for e in reversed(found.events) if e.kind == "listed" and e.payload}


def _shown(kept: OwnRecord, found: record_.Record) -> dict[str, Any]:
    """A record on its page and its note: what happened with whom, and a link that writes to all."""
    happened, lines = record_.steps(found), listed(found)
    prepared = (s for s, each in happened.items() if any(step.kind in record_.PREPARED for step in each))
    addresses = sorted({str(lines[s]["email"]) for s in prepared if s in lines and lines[s].get("email")})
    letter: Facts = {"addresses": addresses, "message": (message := _sent(found))}
    letter |= {"mailto": mailto(addresses, found.tender.title, message)}
    limits = record_.filters_in_words(found.filters) + facets.chosen(found.narrowed, "").words()
    about = {"record": found, "filters": limits, "places": places_in_words(found.tender)}
    about |= {"verdict": record_.verify(*kept.named), "happened": happened}
    about |= {"names": {s: str(p.get("name") or s) for s, p in lines.items() if s in happened}}
    return {**ALWAYS, **about, **letter}


def mailto(addresses: list[str], title: str, message: str) -> str:
    """A link that opens the message in the buyer's own mail program, recipients hidden; "" without any."""
    if not addresses:
        return ""
    hidden = quote(",".join(addresses[:RECIPIENTS]))
    return f"mailto:?bcc={hidden}&subject={quote(title[:120])}&body={quote(message[:1500])}"


#: What was done with a structure, as it is typed.
DONE = fields.form({"fait": "called"}, siret=40, fait=40, text=5000, qui=300, suite=300, le=40)


@router.post("/acheteur/fiches/{identifier}/noter")
def report(
    form: CheckedForm, kept: Kept, typed: Annotated[fields.Texts, DONE], vue: fields.Word = ""
) -> Response:
    """Note a call, an answer or a decision; an invalid form comes back with what was typed."""
    siret, done = typed["siret"], typed["fait"]
    said: dict[str, Any] = {"text": typed["text"], "who": typed["qui"], "next_step": typed["suite"]}
    try:
        due = clean_date(typed["le"])
        if typed["le"].strip() and due is None:
            raise FieldErrors({"le": "Cette date ne se lit pas : écrivez-la ainsi, 15/12/2026."})
        record_.report(*kept.named, siret, done, due=due, **said)
    except BadInput as error:
        where = f"n-{siret}-le" if isinstance(error, FieldErrors) else f"n-{siret}"
        return _record(kept, View(vue=vue), problems={where: str(error)}, typed=typed)
    query = urlencode({name: value for name, value in (("vue", vue), ("fait", done)) if value})
    return render.go(f"{kept.address}?{query}#s{quote(siret)}")


@router.post("/acheteur/fiches/{identifier}/corriger")
def corrected(
    form: CheckedForm, kept: Kept, number: EventNumber, text: fields.Lines = "", vue: fields.Word = ""
) -> Response:
    """Correct by a further entry: sealed entries are never changed."""
    if not text.strip():
        return _record(kept, View(vue=vue), problems={f"c{number}": "Écrivez ce qui est exact."})
    record_.corrected(*kept.named, number, text)
    return render.go(f"{kept.address}?{urlencode({'vue': vue})}")


@router.post("/acheteur/fiches/{identifier}/ranger")
def arrange(form: CheckedForm, kept: Kept, faire: fields.Word, nom: fields.Line = "") -> Response:
    """Rename a record, archive it or take it back, or end what was shared."""
    if faire == "nommer":
        record_.view(*kept.named, label=" ".join(nom.split())[:200])
    elif faire == "separer":
        record_.unshare(*kept.named)
    else:
        record_.view(*kept.named, archived_at=now() if faire == "archiver" else None)
        return render.go("/acheteur/fiches")
    return render.go(kept.address)


@router.get("/acheteur/fiches/{identifier}/rejoindre/{proof}")
def invitation(request: Request, identifier: str, proof: str, owner: RecordOwner) -> Response:
    """What a colleague shares; reading the link opens nothing."""
    record = record_.invited(store_of(request), identifier, proof)
    return render.page(request, "join.html", record=record, proof=proof)


@router.post("/acheteur/fiches/{identifier}/rejoindre/{proof}")
def join(proof: str, form: CheckedForm, kept: Kept) -> Response:
    record_.join(*kept.named, proof)
    return render.go(kept.address)


@router.get("/acheteur/fiches/{identifier}/export.{format}")
def export(kept: Kept, format: str) -> Response:
    found, content, media = sourcing.exported(kept.request, kept.owner, kept.identifier, format)
    return wire.attachment(content, media, f"sourcing-{found.created_at:%Y%m%d}.{format}")


MOST = 200  # structures of one letter


@router.get("/acheteur/fiches/{identifier}/ecrire")
def write(kept: Kept, s: Ticked = None) -> Response:
    """To whom, what each should know, from where."""
    request, found = kept.request, record_.read(*kept.named)
    chosen = [siret for siret in dict.fromkeys(s or ()) if siret in listed(found)]
    if not chosen:
        return render.go(f"{kept.address}?manque=coche#contact")
    label = identify(request).label
    address = label.removeprefix(LABEL) if label.startswith(LABEL) else ""
    # what the need says already of what a letter tells
    tender, lots = found.tender, found.tender.lots[:20]
    amount = sum(lot.amount or 0 for lot in lots)
    detail = lots[0].description if len(lots) == 1 and lots[0].description != lots[0].title else ""
    volume = " ; ".join(filter(None, (shorten(detail, 300), euros(amount) if amount else "")))
    known = {
        "message": render.text("draft.txt"),
        "buyer": tender.buyer.name,
        "volume": volume,
        "reply_to": address,
    }
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
    prepared = (e.payload for e in found.events if e.kind in record_.PREPARED and e.payload)
    return next((str(payload["message"]) for payload in prepared), "")


#: A letter as its buyer types it.
LETTER = fields.form(message=5000, buyer=300, place=300, volume=5000, before=300, reply_to=300)


@router.post("/acheteur/fiches/{identifier}/contacter")
def contact(
    form: CheckedForm,
    kept: Kept,
    typed: Annotated[fields.Texts, LETTER],
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
    if not typed["message"].strip() and not sent:  # ticked in the list: write it next
        return render.go(f"{at}/ecrire?{urlencode([('s', siret) for siret in chosen])}")
    problems = _problems(typed, written=bool(sent), sends=bool(mail_route(request)))
    if problems or revoir:
        return _form(request, found, chosen, typed=typed, problems=problems)
    tender = found.tender
    end = day(in_paris(tender.deadline).astimezone(PARIS)) if tender.deadline else ""
    text = sent or render.text("lettre.txt", tender=tender, typed=typed, end=end).strip()
    if not confirme:
        return _preview(request, found, chosen, typed, text)
    given = typed["reply_to"] if mail_route(request) else ""
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
