"""Structures that can answer a need or a notice, alone or together."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Body, File, Form, Request, Response, UploadFile

from matcher.matching.groups import consortium as groups
from matcher.reference import toponyms
from service import schemas, wire
from service.access import Reader
from service.asked import bounded, filters, from_bytes, take
from service.router import Router
from service.settings import Settings
from service.snapshot import Serving, Snapshot

router = Router(tags=["match"])

NOTICE = {
    "dataset": "boamp", "idweb": "26-900001", "nature": "APPEL_OFFRE", "dateparution": "2026-11-20",
    "datelimitereponse": "2027-01-15T12:00:00+01:00", "objet": "Entretien des espaces verts des écoles et nettoyage de la mairie",
    "nomacheteur": "Commune de Pantin", "code_departement": ["93"],
}  # fmt: skip
EXAMPLES: dict[str, Any] = {
    "need": {
        "summary": "A need in one's own words",
        "value": {"need": "Tonte et taille de haies pour trois écoles, à partir de mars", "place": "Pantin", "n": 5},
    },
    "filters": {
        "summary": "Only adapted firms and ESAT within 60 km",
        "value": {
            "need": "Numériser les archives de l'état civil, environ 900 registres", "place": "Montreuil (93)",
            "filters": {"kinds": ["EA", "ESAT"], "radius_km": 60, "active_only": True},
        },
    },
    "several": {
        "summary": "Several trades in one need: groups are proposed",
        "value": {"need": "Nettoyage des bureaux, entretien des espaces verts et repas de midi pour 80 personnes", "place": "93", "groups": 2},
    },
    "recipe": {
        "summary": "A pinned recipe",
        "value": {"need": "Mise sous pli de 40 000 courriers", "place": "Paris", "recipe": "lexical", "groups": 0},
    },
}  # fmt: skip


def answer(asked: schemas.Asked, snapshot: Snapshot, settings: Settings) -> schemas.Answered:
    """The answer to what was asked."""
    taken = take(asked, snapshot, settings)
    matcher = snapshot.under(asked.recipe)
    return wire.answered(
        matcher.match(taken.tender, asked.n, filters=filters(asked.filters), groups=asked.groups), taken
    )


@router.post(
    "/match",
    summary="Ranked structures for each lot, with reasons, and groups",
    response_model=schemas.Answered,
)
def match(
    request: Request, who: Reader, asked: Annotated[schemas.Asked, Body(openapi_examples=EXAMPLES)]
) -> Response:
    serving: Serving = request.app.state.serving
    snapshot = serving.get()
    taken = take(asked, snapshot, request.app.state.settings)
    body, nobody = wire.matched(
        snapshot.under(asked.recipe), taken, n=asked.n, filters=filters(asked.filters), groups=asked.groups
    )
    request.app.state.metrics.nobody.inc(nobody)
    return Response(body, media_type="application/json")


@router.post("/match/file", summary="The same for a notice sent as a file", response_model=schemas.Answered)
def match_file(
    request: Request, who: Reader, file: Annotated[UploadFile, File(description="BOAMP JSON, eForms XML, TED XML, DECP JSON.")],
    place: Annotated[str, Form(max_length=200)] = "", pick: Annotated[str | None, Form(max_length=200)] = None,
    n: Annotated[int, Form(ge=1, le=200)] = 10, groups: Annotated[int, Form(ge=0, le=10)] = 3,
) -> Response:  # fmt: skip
    snapshot = request.app.state.serving.get()
    taken = from_bytes(file.file.read(), file.filename or "notice", pick, toponyms.asked(place))
    bounded(taken.tender, request.app.state.settings)
    return wire.send(request, wire.answered(snapshot.matcher.match(taken.tender, n, groups=groups), taken))


THREE = "Nettoyage des bureaux, entretien des espaces verts et blanchisserie"
AskedTogether = Annotated[
    schemas.ConsortiumIn,
    schemas.example(
        "need", "Three trades, at most three members", need=THREE, place="Bobigny", max_members=3, groups=2
    ),
]


@router.post(
    "/consortium", summary="Who covers together what none covers alone", response_model=schemas.Answered
)
def consortium(request: Request, who: Reader, asked: AskedTogether) -> Response:
    snapshot = request.app.state.serving.get()
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
