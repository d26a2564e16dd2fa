"""What is sent: models of `/v1` that say more than the value itself, files, pages that are printed."""

import hashlib
from typing import Any

from fastapi import Request, Response
from pydantic import BaseModel

from matcher.domain import Answer, LotAnswer, Structure, Tender
from matcher.matching.engine import Matcher
from matcher.matching.reasons import everywhere
from matcher.outreach.sourcing.record import NOTE
from matcher.reading import inference
from matcher.reading.need import reservation_unread
from matcher.reference import law
from matcher.spreadsheet import XLSX as XLSX
from service import schemas as s
from service.asked import Taken
from service.pool import Shared, Unavailable
from service.snapshot import Snapshot


def structure(value: Structure, snapshot: Snapshot) -> s.StructureOut:
    past = snapshot.past_contracts(value.siret)
    others = [p for p in snapshot.catalogue.establishments_of(value.siren) if p != value.siret]
    return s.StructureOut.of(value, offers=[*value.offers, *past], other_places=others)


def lot_answer(value: LotAnswer, tender: Tender) -> s.LotAnswerOut:
    duty = law.social_duty(tender, value.lot)
    return s.LotAnswerOut.of(value, law=[s.WarningOut.of(duty, code="social-duty")] if duty else [])


def notice(value: Tender) -> s.NoticeOut:
    if value.format != "need" and not all(each.cpv for each in value.lots):
        value = inference.tender(value)  # shown as inferred; what was compared is what the notice states
    return s.NoticeOut.of(value)


def answered(answer: Answer, found: Taken) -> s.Answered:
    lots = [lot_answer(each, answer.tender) for each in answer.lots]
    nowhere = dict.fromkeys(map(everywhere, answer.lots))
    note = " ".join(filter(None, (reservation_unread(answer.tender), *nowhere, NOTE)))
    more = {"consortia": answer.consortia, "versions": answer.versions, "note": note}
    return s.Answered.of(found, notice=notice(answer.tender), lots=lots, **more)


def body(answer: Answer, found: Taken) -> tuple[bytes, int]:
    """An answer as JSON, and how many of its lots nobody answers."""
    made = answered(answer, found)
    return made.model_dump_json().encode(), sum(each.nobody for each in made.lots)


def matched(matcher: Shared, found: Taken, **asked: Any) -> tuple[bytes, int]:
    """The same of what was taken from a request, made where it is matched."""
    try:
        nobody, _, made = matcher.ask(found.tender, found, sent=True, **asked).partition(b"\n")
    except Unavailable:
        return body(Matcher.match(matcher, found.tender, **asked), found)
    return made, int(nobody)


def attachment(content: str | bytes, media: str, name: str) -> Response:
    """A file to be saved under this name."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=media, headers=headers)


def send(request: Request, model: BaseModel, status: int = 200, tagged: bool = False) -> Response:
    """The model as JSON; `tagged` with an ETag, and 304 where who asks has it already."""
    body = model.model_dump_json().encode()
    if tagged:
        return send_tagged(request, body, "application/json")
    return Response(body, status, media_type="application/json")


def send_tagged(request: Request, body: bytes, media: str) -> Response:
    """A body with an ETag, or 304 where who asks has it already."""
    tag = f'"{hashlib.sha256(body).hexdigest()[:24]}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if tag in [t.strip().removeprefix("W/") for t in request.headers.get("if-none-match", "").split(",")]:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=media, headers=headers)


#: A page that is printed or saved carries its own styles, those of its charts too, and nothing that runs.
PRINTABLE = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def printable(page: str) -> Response:
    """A page that stands by itself, to print or to save."""
    return Response(page, media_type="text/html", headers={"Content-Security-Policy": PRINTABLE})
