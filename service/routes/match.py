"""Structures that can answer a need or a notice, alone or together."""

from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Request, Response, UploadFile

from matcher.matching.groups import consortium as groups
from matcher.reference import toponyms
from service import schemas, wire
from service.access import Reader
from service.asked import bounded, filters, from_bytes, take
from service.settings import Settings
from service.snapshot import Serving, Snapshot, snapshot_of

router = APIRouter(tags=["match"])


def answer(asked: schemas.Asked, snapshot: Snapshot, settings: Settings) -> schemas.Answered:
    """The answer to what was asked."""
    taken = take(asked, snapshot, settings)
    wanted, matcher = filters(asked.filters), snapshot.under(asked.recipe)
    return wire.answered(matcher.match(taken.tender, asked.n, filters=wanted, groups=asked.groups), taken)


@router.post("/match", response_model=schemas.Answered)
def match(request: Request, who: Reader, asked: schemas.Asked) -> Response:
    serving: Serving = request.app.state.serving
    snapshot = serving.get()
    taken = take(asked, snapshot, request.app.state.settings)
    wanted, matcher = filters(asked.filters), snapshot.under(asked.recipe)
    body, nobody = wire.matched(matcher, taken, n=asked.n, filters=wanted, groups=asked.groups)
    request.app.state.metrics.nobody.inc(nobody)
    return Response(body, media_type="application/json")


@router.post("/match/file", response_model=schemas.Answered)
def match_file(
    request: Request,
    who: Reader,
    file: Annotated[UploadFile, File(description="BOAMP JSON, eForms XML, TED XML, DECP JSON.")],
    place: Annotated[str, Form(max_length=200)] = "",
    pick: Annotated[str | None, Form(max_length=200)] = None,
    n: Annotated[int, Form(ge=1, le=200)] = 10,
    groups: Annotated[int, Form(ge=0, le=10)] = 3,
) -> Response:
    snapshot = snapshot_of(request)
    taken = from_bytes(file.file.read(), file.filename or "notice", pick, toponyms.asked(place))
    bounded(taken.tender, request.app.state.settings)
    return wire.send(request, wire.answered(snapshot.matcher.match(taken.tender, n, groups=groups), taken))


@router.post("/consortium", response_model=schemas.Answered)
def consortium(request: Request, who: Reader, asked: schemas.ConsortiumIn) -> Response:
    snapshot = snapshot_of(request)
    taken = take(asked, snapshot, request.app.state.settings)
    tender, matcher, wanted = taken.tender, snapshot.under(asked.recipe), filters(asked.filters)
    found = matcher.match(tender, asked.n, filters=wanted, groups=0)
    # an imposed structure may be in no ranking
    imposed = [snapshot.structure(one) for one in asked.imposed]
    parts = matcher.parts(tender, found.lots, asked.n, filters=wanted)
    rules: dict[str, Any] = {
        name: getattr(asked, name) for name in ("max_members", "mandataire", "one_group")
    }
    rules |= {"n": asked.groups, "imposed": imposed, "excluded": asked.excluded_members}
    teams = groups.recommend(found.lots, tender=tender, parts=parts, firms=matcher.firms(tender), **rules)
    result = wire.answered(found, taken)
    result.consortia = [schemas.ConsortiumOut.of(team) for team in teams]
    for task in groups.uncovered(teams, found.lots, parts):
        ask = [schemas.StructureBrief.of(one) for one in groups.to_ask(found.lots, parts, task)]
        result.missing.append(schemas.MissingOut(task=task, ask=ask))
    return wire.send(request, result)
