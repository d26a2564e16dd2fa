"""Indexed notices: search, read, what is new since a day; contracts that end soon."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import AliasPath, Field

from matcher.catalogue.filters import Names
from matcher.domain import ANSWERABLE, Tender
from matcher.matching import renewals as renewals_
from matcher.reading import ocds
from matcher.reading.need import refuse_english
from matcher.reading.procedure import closing, newest_first, unrepeated
from matcher.reference.text import fold
from service import schemas, wire
from service.access import Reader
from service.routes.structures import Limit, Offset
from service.snapshot import Snapshot, snapshot_of

router = APIRouter(tags=["notices"])
NoticeId = Annotated[
    str, Path(max_length=200, openapi_examples={"sample": {"summary": "Of the sample", "value": "26-130101"}})
]


Cpv = Annotated[str, Query(pattern="^[0-9]{0,8}$", description="A CPV code of a lot, or its first digits.")]
Department = Annotated[str, Query(pattern=r"^([0-9]{2,3}|2[AB])?$", description="Of a place of a lot.")]
Buyer = Annotated[str, Query(max_length=200, description="Words of the buyer's name, or its SIREN or SIRET.")]


class Selection(NamedTuple):
    """Notices, and the words that were read in place of those typed, "" where those were."""

    tenders: list[Tender]
    read_as: str = ""


def chosen(
    request: Request,
    who: Reader,
    q: Annotated[str, Query(max_length=200)] = "",
    since: Annotated[date | None, Query(description="Published on that day or later.")] = None,
    answerable: Annotated[bool, Query(description="Only calls that stand.")] = False,
    cpv: Cpv = "",
    department: Department = "",
    buyer: Buyer = "",
    open_on: Annotated[date | None, Query(description="Answers are still taken on that day.")] = None,
) -> Selection:
    """The notices that pass the filters given, the newest first; one without a deadline is not known to be open.

    Where there is none, words that no notice has are read as the nearest that one has.  Raises BadInput for English.
    """
    snapshot = snapshot_of(request)

    def fits(tender: Tender, words: Sequence[str], buyer: str) -> bool:
        last, lots = closing(tender), tender.lots
        return (
            (not cpv or any(code.startswith(cpv) for lot in lots for code in lot.cpv))
            and (not department or department in {place.department for lot in lots for place in lot.places})
            and (not buyer or renewals_.is_buyer(tender.buyer, buyer))
            # a cancelled one is not open
            and (not open_on or (tender.nature in ANSWERABLE and last is not None and last.date() >= open_on))
            and published_since(tender, since)
            and (not words or told(tender, words))
        )

    def passing(q: str, buyer: str) -> list[Tender]:
        words = fold(q).split()
        among = snapshot.answerable() if answerable else newest_first(snapshot.notices)
        return [tender for tender in among if fits(tender, words, buyer)]

    if tenders := passing(q, buyer):
        return Selection(tenders)
    refuse_english(q)
    titles = snapshot.once("words of notices", lambda: Names.of(map(named, snapshot.notices)))
    buyers = (renewals_.name_and_town(tender.buyer) for tender in snapshot.notices)
    near = titles.respelt(q), snapshot.once("words of buyers", lambda: Names.of(buyers)).respelt(buyer)
    tenders = passing(near[0] or q, near[1] or buyer) if any(near) else []
    return Selection(tenders, ", ".join(filter(None, near)) if tenders else "")


Chosen = Annotated[Selection, Depends(chosen)]


def published_since(tender: Tender, day: date | None) -> bool:
    """Was a notice published on this day or later?  Without a day every one was."""
    return day is None or (tender.published is not None and tender.published >= day)


def told(tender: Tender, words: Sequence[str]) -> bool:
    """Are all of these words in what names a notice?"""
    text = fold(named(tender))
    return all(word in text for word in words)


def named(tender: Tender) -> str:
    """What a notice is searched by in words."""
    return " ".join((tender.id, tender.title, tender.buyer.name, *(lot.title for lot in tender.lots)))


@router.get("/notices", response_model=schemas.NoticePage)
def search(
    request: Request,
    selection: Chosen,
    offset: Offset = 0,
    limit: Limit = 20,
    once: Annotated[
        bool, Query(description="One notice that several sources publish is listed once.")
    ] = False,
) -> Response:
    snapshot = snapshot_of(request)
    repeats = unrepeated(selection.tenders) if once else {}
    tenders = [tender for tender in selection.tenders if not once or tender.id in repeats]
    items = [
        _shown(tender, snapshot).model_copy(update={"repeats": repeats.get(tender.id, [])})
        for tender in tenders[offset : offset + limit]
    ]
    counts = {"total": len(tenders), "offset": offset, "limit": limit}
    page = schemas.NoticePage(**counts, items=items, read_as=selection.read_as)
    return wire.send(request, page, tagged=True)


@router.get("/notices.ocds", response_class=Response)
def releases(request: Request, selection: Chosen, offset: Offset = 0, limit: Limit = 20) -> Response:
    uri = request.app.state.settings.public_url + request.url.path
    package = "".join(ocds.text(selection.tenders[offset : offset + limit], uri))
    return Response(package, media_type="application/json")


@router.get("/notices/{notice_id}", response_model=schemas.NoticeOut)
def notice(request: Request, who: Reader, notice_id: NoticeId) -> Response:
    snapshot = snapshot_of(request)
    return wire.send(request, _shown(snapshot.notice(notice_id), snapshot), tagged=True)


def _shown(tender: Tender, snapshot: Snapshot) -> schemas.NoticeOut:
    """The notice as sent, kept: inferring its codes takes most of the time of a list."""
    return snapshot.once(("notice", tender.id), lambda: wire.notice(tender))


class HolderOut(schemas.Named):
    siret: str = Field(validation_alias="id")


class RenewalOut(schemas.Out):
    id: str
    title: str
    buyer: str = Field(validation_alias=AliasPath("buyer", "name"))
    buyer_id: str = Field(validation_alias=AliasPath("buyer", "id"))
    holders: list[HolderOut]
    cpv: str
    place: schemas.PlaceWords
    amount: schemas.Number
    notified: date
    months: float
    ends: date
    source: str


class RenewalPage(schemas.Page):
    note: str = renewals_.NOTE
    read_as: str = ""
    items: list[RenewalOut]


@router.get("/renewals", response_model=RenewalPage)
def listing(
    request: Request,
    who: Reader,
    offset: Offset = 0,
    limit: Limit = 20,
    buyer: Buyer = "",
    department: Annotated[str, Query(pattern=r"^(\d{2,3}|2[AB])?$")] = "",
    cpv: Annotated[str, Query(pattern=r"^[0-9]{0,8}$", description="Prefix.")] = "",
    siret: Annotated[str, Query(pattern=r"^([0-9]{14})?$", description="Of a structure.")] = "",
    after: Annotated[float, Query(ge=0, le=120)] = renewals_.SOONEST,
    before: Annotated[float, Query(ge=0, le=120)] = renewals_.LATEST,
) -> Response:
    snapshot = snapshot_of(request)
    found, read_as = snapshot.renewals(siret, buyer, department, cpv, after, before), ""
    if buyer and not found:
        ending = snapshot.renewals("", "", "", "", after, before)
        read_as = Names.of(renewals_.name_and_town(one.buyer) for one in ending).respelt(buyer)
        found = snapshot.renewals(siret, read_as, department, cpv, after, before) if read_as else []
    items = [RenewalOut.of(snapshot.named(one)) for one in found[offset : offset + limit]]
    page = RenewalPage(
        total=len(found), offset=offset, limit=limit, items=items, read_as=read_as if found else ""
    )
    return wire.send(request, page)
