"""From the nouns of the domain to the models of `/v1`."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable
from functools import cache
from typing import Any

from fastapi import Request, Response
from pydantic import BaseModel

from matcher import codec
from matcher.domain import (
    KINDS,
    Answer,
    Asked,
    Consortium,
    Lot,
    LotAnswer,
    Match,
    Offer,
    Reason,
    Structure,
    Tender,
    Warning_,
)
from matcher.matching import reasons
from matcher.matching.reasons import mark, missing
from matcher.outreach.spreadsheet import XLSX as XLSX
from matcher.reference import law
from matcher.reference.origins import source_name
from service import schemas as s
from service.asked import Taken
from service.snapshot import Snapshot

# ------------------------------------------------------------------------------------------------ outwards


def number(value: float | None) -> float | None:
    """NaN is unknown, and JSON knows no NaN."""
    return None if value is None or not math.isfinite(value) else value


def kind_label(kind: str) -> str:
    return KINDS.get(kind, kind)


def safe_url(url: str) -> str:
    """A site one may link to: http or https, else nothing."""
    text = url.strip()
    if text.startswith("www."):
        text = "https://" + text
    return text if re.match(r"https?://[^\s<>\"']+$", text) else ""


def offer(value: Offer) -> s.OfferOut:
    return s.OfferOut(
        id=value.id, title=value.title, text=value.text, nature=value.nature, cpv=list(value.cpv),
        since=value.since, source=value.source, inferred=value.inferred,
    )  # fmt: skip


def _brief(value: Structure) -> dict[str, Any]:
    return {
        "siret": value.siret, "name": value.brand or value.name, "kind": value.kind, "kind_label": kind_label(value.kind),
        "town": value.place.label, "department": value.place.department, "latitude": number(value.place.latitude),
        "longitude": number(value.place.longitude), "active": value.active, "checked": value.checked,
        "contact": s.Contact(website=safe_url(value.website), phone=value.phone, email=value.email),
        "source": value.source, "source_name": source_name(value.source), "updated": value.updated,
    }  # fmt: skip


def brief(value: Structure) -> s.StructureBrief:
    return s.StructureBrief(**_brief(value))


def structure(value: Structure, snapshot: Snapshot) -> s.StructureOut:
    past = snapshot.past_contracts(value.siret)
    return s.StructureOut(
        **_brief(value), siren=value.siren, brand=value.brand, naf=value.naf, address=value.address,
        description=value.description, offers=[offer(o) for o in (*value.offers, *past)], networks=list(value.networks),
        labels=list(value.labels), turnover=number(value.turnover), headcount=number(value.headcount),
        convention=value.convention, predecessors=list(value.predecessors), flags=list(value.flags),
        provenance=dict(value.provenance), missing=list(missing(value)),
        other_places=[p for p in snapshot.catalogue.establishments_of(value.siren) if p != value.siret],
    )  # fmt: skip


def reason(value: Reason) -> s.ReasonOut:
    return s.ReasonOut(
        code=value.code, text=value.text, contribution=number(value.contribution) or 0.0,
        notice_passage=value.notice_passage, offer_passage=value.offer_passage, tells=value.tells,
    )  # fmt: skip


def warning(value: Warning_) -> s.WarningOut:
    return s.WarningOut(code=value.code, text=value.text, article=value.article, since=value.since)


def match(value: Match, shared: Callable[[Reason], s.ReasonOut] = reason) -> s.MatchOut:
    """A match as sent; `shared` makes a reason that several candidates have once."""
    return s.MatchOut(
        rank=value.rank, structure=brief(value.structure), score=round(value.score, 6), probability=number(value.probability),
        level=value.level, band=mark(value), distance_km=number(value.distance_km), eligible=value.eligible,
        offer=offer(value.offer) if value.offer else None,
        reasons=[shared(each) for each in value.reasons],
        missing=list(value.missing), warnings=list(value.warnings), other_places=list(value.other_places),
    )  # fmt: skip


def lot(value: Lot) -> s.LotOut:
    held = value.reservation
    return s.LotOut(
        id=value.id, number=value.number, title=value.title, cpv=list(value.cpv), places=[p.label or p.department or "" for p in value.places],
        amount=number(value.amount), deadline=value.deadline, clauses=[reasons.clause_in_words(one) for one in value.clauses], conditions=[c.label for c in value.conditions], inferred=list(value.inferred),
        reservation=s.ReservationOut(articles=list(held.articles), who=list(held.who), origin=held.origin, passage=held.passage) if held else None,
        social=[s.ClauseOut(**codec.to_json(one)) for one in value.clauses],
        criteria=[s.CriterionOut(**codec.to_json(one)) for one in value.criteria],
    )  # fmt: skip


def asked(value: Asked) -> s.ReadOut:
    """What was read of a lot."""
    return s.ReadOut(
        trades={name: round(share, 3) for name, share in value.trades.items()}, nature=value.nature, carried=value.carried, served=value.served,
        places=[p.label or p.department or "" for p in value.places],
        parts=[s.PartOut(trade=p.trade, label=p.label, words=p.words, share=round(p.share, 3)) for p in value.parts],
    )  # fmt: skip


def lot_answer(value: LotAnswer, tender: Tender) -> s.LotAnswerOut:
    duty = law.social_duty(tender, value.lot)
    shared = cache(reason)  # most reasons of a lot are shared by its candidates
    return s.LotAnswerOut(
        lot=lot(value.lot), asked=asked(value.asked) if value.asked else None, nobody=value.nobody, calls_for=value.calls_for, relaxations=list(value.relaxations), considered=value.considered, likely=value.likely, plausible=value.plausible, to_ask=value.to_ask, asking=[one.siret for one in value.asking],
        matches=[match(m, shared) for m in value.matches], by_clause=[match(m) for m in value.by_clause],
        law=[s.WarningOut(code="social-duty", text=duty.text, article=duty.article, since=duty.since)] if duty else [],
    )  # fmt: skip


def consortium(value: Consortium) -> s.ConsortiumOut:
    members = [
        s.MemberOut(
            siret=m.structure.siret,
            name=m.structure.brand or m.structure.name,
            kind=m.structure.kind,
            role=m.role,
            lots=list(m.lots),
            reason=m.reason,
        )
        for m in value.members
    ]
    warnings = [warning(w) for w in value.warnings]
    return s.ConsortiumOut(
        members=members, covered=list(value.covered), uncovered=list(value.uncovered), score=value.score, form=value.form,
        form_reason=value.form_reason, gap=value.gap, optimal=value.optimal, warnings=warnings,
    )  # fmt: skip


def notice(value: Tender) -> s.NoticeOut:
    if value.format != "need" and not all(each.cpv for each in value.lots):
        from matcher.reading import inference

        value = inference.tender(value)  # shown as inferred; what was compared is what the notice states
    return s.NoticeOut(
        id=value.id, format=value.format, nature=value.nature, title=value.title, buyer=value.buyer.name, published=value.published,
        deadline=value.deadline, url=safe_url(value.url), lots=[lot(each) for each in value.lots],
    )  # fmt: skip


def answered(answer: Answer, found: Taken) -> s.Answered:
    return s.Answered(
        notice=notice(answer.tender), lots=[lot_answer(each, answer.tender) for each in answer.lots],
        consortia=[consortium(each) for each in answer.consortia], others=list(found.others),
        rejected=[s.RejectedOut(record=bad.record, reason=bad.reason) for bad in found.rejected],
        place_found=found.place_found, place_choices=list(found.place_choices), versions=dict(answer.versions),
    )  # fmt: skip


def body(answer: Answer, found: Taken) -> tuple[bytes, int]:
    """An answer as JSON, and how many of its lots nobody answers."""
    made = answered(answer, found)
    return made.model_dump_json().encode(), sum(each.nobody for each in made.lots)


def attachment(content: str | bytes, media: str, name: str) -> Response:
    """A file to be saved under this name."""
    return Response(
        content, media_type=media, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


def send(request: Request, model: BaseModel, status: int = 200, tagged: bool = False) -> Response:
    """The model as JSON; `tagged` with an ETag, and 304 where who asks has it already."""
    body = model.model_dump_json().encode()
    return (
        send_tagged(request, body, "application/json")
        if tagged
        else Response(body, status, media_type="application/json")
    )


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
