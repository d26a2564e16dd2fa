"""A meeting day between buyers and structures: invitations, pitches, timetable."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from fastapi import Body, Query, Request, Response
from pydantic import Field

from matcher.territory import meeting
from matcher.territory.areas import somewhere
from service import wire
from service.access import BuyerKey
from service.desk import DeskAnswer, answered, desk_of
from service.router import Router
from service.schemas import In
from service.wire import XLSX

router = Router(tags=["territory"])


class GuestIn(In):
    name: str = Field(min_length=1, max_length=200)
    needs: list[Annotated[str, Field(min_length=1, max_length=2000)]] = Field(min_length=1, max_length=20)
    public: bool = Field(False, description="May its needs be shown to structures?")
    absent: list[Annotated[int, Field(ge=1, le=60)]] = Field(
        default=[], max_length=60, description="Slots it misses, from 1."
    )
    most: Annotated[int, Field(ge=0, le=60)] | None = None


class MeetingIn(In):
    theme: str = Field(min_length=1, max_length=2000)
    place: str = Field(min_length=1, max_length=100)
    on: date
    buyers: list[GuestIn] = Field(min_length=1, max_length=60)
    slots: int = Field(12, ge=1, le=24)
    minutes: int = Field(20, ge=5, le=120)
    first: str = Field("10:00", max_length=5)
    invite: int = Field(60, ge=1, le=120)
    tables: Annotated[int, Field(ge=1, le=200)] | None = None
    participants: list[Annotated[str, Field(pattern=r"^\d{14}$")]] = Field(
        default=[], max_length=300, description="SIRETs of the structures that come, instead of a choice."
    )


MEETING: dict[str, Any] = {
    "day": {"summary": "Two buyers, six slots", "value": {
        "theme": "propreté et espaces verts", "place": "93100", "on": "2026-12-15", "slots": 6, "invite": 8,
        "buyers": [{"name": "Ville A", "needs": ["nettoyage des écoles"], "public": True}, {"name": "Hôpital B", "needs": ["entretien des espaces verts"]}]}},
}  # fmt: skip


@router.post(
    "/territory/meeting",
    summary="A meeting day: invitations, pitches, timetable; JSON, or ?as=xlsx, ics, html",
    response_model=DeskAnswer,
)
def meeting_(
    request: Request,
    who: BuyerKey,
    asked: Annotated[MeetingIn, Body(openapi_examples=MEETING)],
    shape: Annotated[Literal["json", "xlsx", "ics", "html"], Query(alias="as")] = "json",
) -> Response:
    buyers = [
        meeting.Guest(
            name=g.name, needs=tuple(g.needs), public=g.public, absent=frozenset(slot - 1 for slot in g.absent), most=g.most
        )
        for g in asked.buyers
    ]  # fmt: skip
    day = meeting.plan(
        desk_of(request), theme=asked.theme, place=somewhere(asked.place), buyers=buyers, on=asked.on,
        slots=asked.slots, minutes=asked.minutes, first=asked.first, most=asked.invite, tables=asked.tables, participants=asked.participants, seconds=20,
    )  # fmt: skip
    if shape == "xlsx":
        return wire.attachment(meeting.workbook(day), XLSX, "rencontre.xlsx")
    if shape == "ics":
        return wire.attachment(meeting.calendar(day), "text/calendar", "rencontre.ics")
    if shape == "html":
        return wire.printable(meeting.page(day))
    result = {
        "appointments": meeting.rows(day), "invitations": meeting.invitations(day.invited), "pitches": meeting.invitations(day.pitches),
        "notes": list(day.notes), "optimal": day.timetable.optimal, "value": day.timetable.value, "bound": day.timetable.bound,
    }  # fmt: skip
    return answered(request, result, day.sources, date.today(), day.facilitator)
