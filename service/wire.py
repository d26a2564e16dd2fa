"""From the nouns of the domain to the wire models, and from what is asked to the nouns."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from functools import lru_cache
from typing import Any

from fastapi import Request, Response
from pydantic import BaseModel

from matcher import reading, reference
from matcher.catalogue import free_text_tender
from matcher.domain import (
    KINDS,
    Answer,
    BadInput,
    Consortium,
    Filters,
    Lot,
    LotAnswer,
    Match,
    Offer,
    Place,
    Reason,
    Rejected,
    Structure,
    Tender,
)
from matcher.text import clean, fold
from service import schemas as s
from service.problems import Refused
from service.serving import CALLS, Snapshot

# ------------------------------------------------------------------------------------------------ outwards

BANDS = ((0.75, "très proche"), (0.5, "proche"), (0.25, "possible"), (-math.inf, "éloignée"))


def number(value: float | None) -> float | None:
    """NaN is unknown, and JSON knows no NaN."""
    return None if value is None or not math.isfinite(value) else value


def band(score: float, best: float) -> str:
    """How near, in words, beside the best of the same list: bare figures read like an award."""
    if best <= 0 or not math.isfinite(score):
        return BANDS[-1][1]
    return next(word for least, word in BANDS if score / best >= least)


def best_of(value: LotAnswer) -> float:
    """The score beside which bands are told; infinite where nobody fits: then the best is far too."""
    return math.inf if value.nobody else max((m.score for m in value.matches), default=0.0)


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
        "source": value.source, "updated": value.updated,
    }  # fmt: skip


def brief(value: Structure) -> s.StructureBrief:
    return s.StructureBrief(**_brief(value))


def structure(value: Structure, snapshot: Snapshot) -> s.StructureOut:
    from matcher.engine import missing

    row = snapshot.catalogue.row(value.siret)
    rows = range(int(snapshot.catalogue.offsets[row]), int(snapshot.catalogue.offsets[row + 1]))
    past = [o for o in map(snapshot.catalogue.offer, rows) if o.nature == "award"]
    return s.StructureOut(
        **_brief(value), siren=value.siren, brand=value.brand, naf=value.naf, address=value.address,
        description=value.description, offers=[offer(o) for o in (*value.offers, *past)], networks=list(value.networks),
        labels=list(value.labels), turnover=number(value.turnover), headcount=number(value.headcount),
        convention=value.convention, predecessors=list(value.predecessors), flags=list(value.flags),
        provenance=dict(value.provenance), missing=list(missing(value)),
        other_places=[p for p in snapshot.catalogue.places_of(value.siren) if p != value.siret],
    )  # fmt: skip


def reason(value: Reason, told: dict[int, s.ReasonOut]) -> s.ReasonOut:
    """A reason as sent; most of those of a lot are shared by its candidates, and `told` keeps them by identity."""
    sent = told.get(id(value))
    if sent is None:
        sent = told[id(value)] = s.ReasonOut(
            code=value.code, text=value.text, contribution=number(value.contribution) or 0.0,
            notice_passage=value.notice_passage, offer_passage=value.offer_passage,
        )  # fmt: skip
    return sent


def match(value: Match, best: float | None = None, told: dict[int, s.ReasonOut] | None = None) -> s.MatchOut:
    told = {} if told is None else told
    return s.MatchOut(
        rank=value.rank, structure=brief(value.structure), score=round(value.score, 6), probability=number(value.probability),
        band=band(value.score, value.score if best is None else best), distance_km=number(value.distance_km), eligible=value.eligible,
        offer=offer(value.offer) if value.offer else None,
        reasons=[reason(each, told) for each in value.reasons],
        missing=list(value.missing), warnings=list(value.warnings), other_places=list(value.other_places),
    )  # fmt: skip


def lot(value: Lot) -> s.LotOut:
    held = value.reservation
    clauses = [
        "clause sociale" + (f", {c.hours:.0f} heures d'insertion" if number(c.hours) else "")
        if c.nature == "execution"
        else "critère social"
        for c in value.clauses
    ]
    return s.LotOut(
        id=value.id, number=value.number, title=value.title, cpv=list(value.cpv), places=[p.label or p.department or "" for p in value.places],
        amount=number(value.amount), deadline=value.deadline, clauses=clauses, conditions=[c.label for c in value.conditions], inferred=list(value.inferred),
        reservation=s.ReservationOut(articles=list(held.articles), origin=held.origin, passage=held.passage) if held else None,
    )  # fmt: skip


def lot_answer(value: LotAnswer) -> s.LotAnswerOut:
    best = best_of(value)
    told: dict[int, s.ReasonOut] = {}  # the answer holds its reasons, so that an id stays one reason's
    return s.LotAnswerOut(
        lot=lot(value.lot), nobody=value.nobody, relaxations=list(value.relaxations), considered=value.considered,
        matches=[match(m, best, told) for m in value.matches], by_clause=[match(m) for m in value.by_clause],
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
    warnings = [
        s.WarningOut(code=w.code, text=w.text, article=w.article, since=w.since) for w in value.warnings
    ]
    return s.ConsortiumOut(
        members=members, covered=list(value.covered), uncovered=list(value.uncovered), score=value.score, form=value.form,
        form_reason=value.form_reason, gap=value.gap, optimal=value.optimal, warnings=warnings,
    )  # fmt: skip


def notice(value: Tender) -> s.NoticeOut:
    if value.format != "need" and not all(each.cpv for each in value.lots):
        from matcher import inference

        value = inference.tender(value)  # shown as supposed; what was compared is what the notice states
    return s.NoticeOut(
        id=value.id, format=value.format, nature=value.nature, title=value.title, buyer=value.buyer.name, published=value.published,
        deadline=value.deadline, url=safe_url(value.url), lots=[lot(each) for each in value.lots],
    )  # fmt: skip


def answered(answer: Answer, found: Taken) -> s.Answered:
    return s.Answered(
        notice=notice(answer.tender), lots=[lot_answer(each) for each in answer.lots],
        consortia=[consortium(each) for each in answer.consortia], others=found.others,
        rejected=[s.RejectedOut(record=bad.record, reason=bad.reason) for bad in found.rejected],
        place_found=found.place_found, versions=dict(answer.versions),
    )  # fmt: skip


def send(request: Request, model: BaseModel, status: int = 200, tagged: bool = False) -> Response:
    """The model as JSON; `tagged` with an ETag, and 304 where who asks has it already."""
    body = model.model_dump_json().encode()
    headers = {}
    if tagged:
        tag = f'"{hashlib.sha256(body).hexdigest()[:24]}"'
        headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
        if tag in [t.strip().removeprefix("W/") for t in request.headers.get("if-none-match", "").split(",")]:
            return Response(status_code=304, headers=headers)
    return Response(body, status, headers, "application/json")


# ------------------------------------------------------------------------------------------------- inwards


class Taken:
    """A tender taken from a request, and what else was in it."""

    def __init__(
        self,
        tender: Tender,
        others: Iterable[str] = (),
        rejected: Iterable[Rejected] = (),
        place_found: str = "",
    ) -> None:
        self.tender, self.others, self.rejected, self.place_found = (
            tender,
            list(others),
            list(rejected),
            place_found,
        )


def filters(asked: s.FiltersIn) -> Filters:
    """Raises BadInput on a kind that is none."""
    if unknown := [k for k in asked.kinds if k not in KINDS]:
        raise BadInput(
            f"{unknown[0]!r} is no kind of structure: choose among {', '.join(k for k in KINDS if k)}"
        )
    data: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in asked.model_dump().items()}
    return Filters(**data)


@lru_cache(8192)
def communes(name: str, department: str | None = None, limit: int = 8) -> tuple[reference.Commune, ...]:
    """`reference.search_commune`, remembered: it looks through every commune of the country."""
    return reference.search_commune(name, department, limit)


@lru_cache(4096)
def place(words: str) -> Place | None:
    """The place named: commune, postcode, INSEE code, department by number or name.  Raises BadInput on none such."""
    text = clean(words)
    if not text:
        return None
    code = text.upper()
    by_name = next((d for d in reference.departments() if fold(d.name) == fold(text)), None)
    found = reference.department(code) or by_name
    if found and fold(text) != "paris":  # Paris named is the commune, with its coordinates
        return reference.locate(Place(label=found.name, department=found.code))
    digits = re.search(r"(?<!\d)(\d{5}|2[AB]\d{3})(?!\d)", code)
    stated = Place(label=re.sub(r"[\d(),]+", " ", text).strip())
    if digits:
        if reference.communes_of_postcode(digits.group(1)):
            stated = Place(label=stated.label, postcode=digits.group(1))
        elif reference.commune(digits.group(1)):
            stated = Place(label=stated.label, commune=digits.group(1))
    else:
        hint = re.search(r"\((\d{2,3}|2[AB])\)", code)
        near = communes(stated.label, hint.group(1) if hint else None, 1)
        if near:
            stated = Place(label=near[0].name, commune=near[0].code)
    located = reference.locate(stated)
    if located.department is None and located.latitude is None:
        raise BadInput(f"no commune, postcode or department is called {text[:60]!r}: check the spelling")
    return located


_NAMED = re.compile(
    r"(?:\b[àÀ]|\bsur|\bde|\bdu|\bd'|,|\()\s*((?:[A-ZÉÈÎÔ][\w'’éèêëîïôûç]+(?:[- ](?:[A-ZÉÈÎÔ][\w'’éèêëîïôûç]+|sur|sous|en|le|la|les|de|des|du))*)|\d{2,3}\b|2[AB]\b)"
)


def spot(need: str) -> Place | None:
    """A place that the words of a need name ("à Pantin", "(92)"), marked as inferred; None where there is none."""
    for words in _NAMED.findall(need[:2000]):
        if words[0].isdigit():
            found = reference.department(words) if f"({words})" in need else None
            if found:
                return replace(
                    reference.locate(Place(label=found.name, department=found.code)), inferred=True
                )
            continue
        parts = words.split()
        for stop in range(len(parts), 0, -1):
            name = " ".join(parts[:stop])
            near = communes(name, None, 1)
            exact = near and fold(near[0].name).replace("-", " ") == fold(name).replace("-", " ")
            dep = next(
                (
                    d
                    for d in reference.departments()
                    if fold(d.name).replace("-", " ") == fold(name).replace("-", " ")
                ),
                None,
            )
            if exact and near[0].population > 300:
                return replace(
                    reference.locate(Place(label=near[0].name, commune=near[0].code)), inferred=True
                )
            if dep:
                return replace(reference.locate(Place(label=dep.name, department=dep.code)), inferred=True)
    return None


def take(asked: s.Asked, snapshot: Snapshot, max_need: int) -> Taken:
    """The tender that a request asks about.  Raises BadInput, NotFound, Refused (413)."""
    given = [name for name in ("need", "notice", "notice_id") if getattr(asked, name) is not None]
    if len(given) != 1:
        raise BadInput(
            "give exactly one of need, notice, notice_id" + (f", not {' and '.join(given)}" if given else "")
        )
    where = place(asked.place)
    if asked.notice_id is not None:
        return Taken(snapshot.notice(asked.notice_id))
    if asked.notice is not None:
        data = asked.notice if isinstance(asked.notice, str) else json.dumps(asked.notice, ensure_ascii=False)
        return from_bytes(data.encode("utf-8", "replace"), "notice", asked.pick, where)
    assert asked.need is not None
    return from_need(asked.need, where, max_need)


def from_need(need: str, where: Place | None, max_need: int) -> Taken:
    """A need typed in; its place is read in its words where none was given."""
    if len(need) > max_need:
        raise Refused(
            413, f"the need is over {max_need} characters: say it in a page, or send the notice as `notice`"
        )
    found = None if where else spot(need)
    tender = free_text_tender(need, where or found)
    lots = _lots(need, tender)
    if lots:
        tender = replace(tender, lots=lots)
    return Taken(_understood(tender), place_found=found.label if found else "")


_LOT = re.compile(r"(?:^|(?<=[\s;,.]))lot\s*(?:n\s*°\s*)?(\d{1,3})\s*[:–—-]\s*", re.I)


def _lots(need: str, tender: Tender) -> tuple[Lot, ...]:
    """The lots that the words of a need number themselves ("Lot 1 : ... Lot 2 : ..."); none where fewer than two."""
    marks = list(_LOT.finditer(need))
    numbers = [mark.group(1).lstrip("0") or "0" for mark in marks]
    if len(marks) < 2 or len(set(numbers)) < len(numbers):
        return ()
    ends = [mark.start() for mark in marks[1:]] + [len(need)]
    found = []
    for number, mark, end in zip(numbers, marks, ends, strict=True):
        words = clean(need[mark.end() : end]).strip(" ;,.")
        if not any(c.isalpha() for c in words):
            return ()
        title = words if len(words) <= 120 else words[:120].rsplit(" ", 1)[0] + "…"
        description = words[:20_000] if title != words else ""
        found.append(
            Lot(
                id=f"need-{number}",
                number=number,
                title=title,
                description=description,
                places=tender.lots[0].places,
            )
        )
    return tuple(found)


def _understood(tender: Tender) -> Tender:
    """Reservations and clauses that the words of a need ask for."""
    from matcher import clauses

    return clauses.complete(tender)


def from_bytes(data: bytes, name: str, pick: str | None = None, where: Place | None = None) -> Taken:
    """The notice of a file of a known format; of several, the one picked, else the first to answer."""
    if not data.strip():
        raise BadInput("the notice is empty: send the file as it was published")
    tenders: list[Tender] = []
    rejected: list[Rejected] = []
    for record in reading.read_bytes(data, name):
        if isinstance(record, Tender):
            tenders.append(record)
        elif isinstance(record, Rejected):
            rejected.append(record)
    if not tenders:
        why = (
            rejected[0].reason
            if rejected
            else "no notice of a known format (BOAMP, eForms, TED, DECP) was recognised"
        )
        raise BadInput(f"{why}; to search by words send them as `need`")
    ids = [t.id for t in tenders]
    if pick is not None and pick not in ids:
        raise BadInput(f"no notice {pick!r} in what was sent: it holds {', '.join(ids[:10])}")
    calls = [t for t in tenders if t.nature in CALLS]
    if not calls and pick is None:
        raise BadInput(
            f"this notice is no call ({tenders[0].nature}): there is nothing to answer; send the call for tenders"
        )
    chosen = next(t for t in tenders if t.id == pick) if pick else calls[0]
    if where is not None:
        chosen = replace(
            chosen,
            lots=tuple(each if each.places else replace(each, places=(where,)) for each in chosen.lots),
        )
    return Taken(chosen, [i for i in ids if i != chosen.id], rejected)


def today() -> date:
    return date.today()
