"""Structures that can answer a need or a notice, alone or together."""

from __future__ import annotations

from typing import Annotated

from fastapi import File, Form, Request, Response, UploadFile

from matcher.matching.groups import consortium as groups
from matcher.reference import toponyms
from service import schemas, wire
from service.access import Reader
from service.asked import bounded, filters, from_bytes, take
from service.router import Router
from service.settings import Settings
from service.snapshot import Serving, Snapshot, snapshot_of

router = Router(tags=["match"])


def answer(asked: schemas.Asked, snapshot: Snapshot, settings: Settings) -> schemas.Answered:
    """The answer to what was asked."""
    taken = take(asked, snapshot, settings)
    matcher = snapshot.under(asked.recipe)
    return wire.answered(
        matcher.match(taken.tender, asked.n, filters=filters(asked.filters), groups=asked.groups), taken
    )


@router.post("/match", response_model=schemas.Answered)
def match(request: Request, who: Reader, asked: schemas.Asked) -> Response:
    serving: Serving = request.app.state.serving
    snapshot = serving.get()
    taken = take(asked, snapshot, request.app.state.settings)
    body, nobody = wire.matched(
        snapshot.under(asked.recipe), taken, n=asked.n, filters=filters(asked.filters), groups=asked.groups
    )
    request.app.state.metrics.nobody.inc(nobody)
    return Response(body, media_type="application/json")


@router.post("/match/file", response_model=schemas.Answered)
def match_file(
    request: Request, who: Reader, file: Annotated[UploadFile, File(description="BOAMP JSON, eForms XML, TED XML, DECP JSON.")],
    place: Annotated[str, Form(max_length=200)] = "", pick: Annotated[str | None, Form(max_length=200)] = None,
    n: Annotated[int, Form(ge=1, le=200)] = 10, groups: Annotated[int, Form(ge=0, le=10)] = 3,
) -> Response:  # fmt: skip
    snapshot = snapshot_of(request)
    taken = from_bytes(file.file.read(), file.filename or "notice", pick, toponyms.asked(place))
    bounded(taken.tender, request.app.state.settings)
    return wire.send(request, wire.answered(snapshot.matcher.match(taken.tender, n, groups=groups), taken))


@router.post("/consortium", response_model=schemas.Answered)
def consortium(request: Request, who: Reader, asked: schemas.ConsortiumIn) -> Response:
    snapshot = snapshot_of(request)
    taken = take(asked, snapshot, request.app.state.settings)
    found = snapshot.under(asked.recipe).match(
        taken.tender, asked.n, filters=filters(asked.filters), groups=0
    )
    catalogue = snapshot.catalogue
    # an imposed structure may be in no ranking
    imposed = [catalogue.structure(catalogue.row(one)) for one in asked.imposed]
    matcher = snapshot.under(asked.recipe)
    parts = matcher.parts(taken.tender, found.lots, asked.n, filters=filters(asked.filters))
    teams = groups.recommend(
        found.lots, tender=taken.tender, n=asked.groups, max_members=asked.max_members, mandataire=asked.mandataire,
        imposed=imposed, excluded=asked.excluded_members, one_group=asked.one_group,
        parts=parts, firms=matcher.firms(taken.tender),
    )  # fmt: skip
    result = wire.answered(found, taken)
    result.consortia = [schemas.ConsortiumOut.of(team) for team in teams]
    result.missing = [
        schemas.MissingOut(
            task=task, ask=[schemas.StructureBrief.of(s) for s in groups.to_ask(found.lots, parts, task)]
        )
        for task in groups.uncovered(teams, found.lots, parts)
    ]
    return wire.send(request, result)
