"""Links in mails: a GET only shows a page, its buttons act; and one-click unsubscribe."""

from dataclasses import astuple, dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request, Response

from matcher.catalogue import denials
from matcher.domain import BadInput
from matcher.outreach import alerts, links
from matcher.outreach.sourcing import questions
from matcher.records import feedback
from service.access import store_of
from service.page import fields, render
from service.page.fields import Lines, Word

router = APIRouter(tags=["mail"])


def _shown(request: Request, id: str, proof: str, done: str = "") -> Response:
    store = store_of(request)
    content = links.opened(store, id, proof)
    offered: dict[str, Any] = {"reasons": feedback.OFFERED, "scopes": links.scopes(store, content)}
    return render.page(request, "digest.html", d=content, proof=proof, done=done, **offered)


@router.get("/m/{id}/{proof}")
@router.get("/m/{id}/{proof}/unsubscribe")
def shown(request: Request, id: str, proof: str) -> Response:
    """A digest as it was sent, with its buttons; to unsubscribe too, for mail scanners follow this link."""
    return _shown(request, id, proof)


@router.post("/m/{id}/{proof}/unsubscribe")
def unsubscribe(request: Request, id: str, proof: str, every: fields.Word = "") -> Response:
    """Stop the alerts at once (RFC 8058: a mail program posts here without a cookie), or every mail."""
    links.unsubscribe(store_of(request), id, proof, "" if every else "alerts")
    stopped = "de message" if every else "d'alerte"
    return _shown(request, id, proof, f"C'est fait : vous ne recevrez plus {stopped}.")


@router.post("/m/{id}/{proof}")
def act(
    request: Request,
    id: str,
    proof: str,
    item: Annotated[int, Form(ge=1, le=1000)],
    verb: fields.Word,
    reason: fields.Lines = "",
    scope: fields.Word = "lot",
) -> Response:
    """Interested, or not, why, and what that bears on."""
    store = store_of(request)
    links.act(store, id, proof, item, verb, reason, scope)
    title = links.opened(store, id, proof)["items"][item - 1]["title"]
    if verb == "interested":
        return _shown(request, id, proof, f"Noté : ce lot vous intéresse ({title}).")
    more = {"like": " ni ceux qui lui ressemblent", "trade": " ni les autres de ce métier"}.get(scope, "")
    return _shown(request, id, proof, f"Noté : ce lot ne vous sera plus proposé{more} ({title}).")


@dataclass(frozen=True)
class Link:
    """What a link of a mail names, and its proof."""

    record: str
    siret: str
    proof: str


Asked = Annotated[Link, Depends()]


def _question(request: Request, link: Link, done: str = "", **form: Any) -> Response:
    found = questions.questioned(store_of(request), *astuple(link))
    skill = questions.skill_asked(found)
    shown: render.Facts = {"q": found, "proof": link.proof, "trade": denials.label(skill) if skill else ""}
    return render.page(
        request, "question.html", interests=questions.INTERESTS, done=done, **shown, **{"typed": "", **form}
    )


@router.get("/q/{record}/{siret}/{proof}")
def question(request: Request, link: Asked) -> Response:
    """The question of a buyer; reading it changes nothing: scanners follow every link."""
    return _question(request, link)


@router.post("/q/{record}/{siret}/{proof}")
def reply(
    request: Request, link: Asked, interest: Word = "", text: Lines = "", retenir: Word = ""
) -> Response:
    """The answer, into the buyer's record; `retenir`: and the trade into the structure's profile."""
    store = store_of(request)
    try:
        named = (link.record, link.siret, link.proof)
        questions.reply(store, *named, interest, text[:4500], remembered=bool(retenir))
    except BadInput as error:
        return _question(request, link, problems=fields.problems_of(error, "interest"), typed=text)
    if retenir:
        request.app.state.serving.apply_denials(store)
    return _question(request, link, "Merci : l'acheteur a votre réponse.")


@router.post("/q/{record}/{siret}/{proof}/lu")
def acknowledge(request: Request, link: Asked) -> Response:
    """The structure says that it has read the question: by a button, for scanners follow links."""
    questions.opened(store_of(request), *astuple(link))
    return _question(request, link, "C'est noté : l'acheteur voit que son message est ouvert.")


@router.post("/q/{record}/{siret}/{proof}/stop")
def stop(request: Request, link: Asked) -> Response:
    """No more questions of buyers to this structure; its alerts are a choice of their own."""
    store = store_of(request)
    questions.questioned(store, *astuple(link))
    alerts.stop(store, link.siret, "questions", "one-click")
    done = "C'est fait : vous ne recevrez plus de question d'acheteurs. Vos alertes ne changent pas."
    return _question(request, link, done)
