"""A list of results to take away, as the page narrows it: to print with room for notes, CSV, XLSX."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any

from fastapi import Query, Request, Response

from matcher import spreadsheet
from matcher.domain import Answer, NotFound
from matcher.reference.text import fold
from service import wire
from service.page import lots, render
from service.page.buyer import Facets, Short, answer_of, places_in_words
from service.page.visitor import Searcher
from service.router import Router

router = Router()
Reference = Annotated[str, Query(max_length=210)]
#: Heading, width in characters.
COLUMNS = (
    ("Lot", 6),
    ("À faire", 13),
    ("Structure", 34),
    ("Type", 8),
    ("Ville", 20),
    ("Distance (km)", 10),
    ("Métier", 44),
    ("Source du métier", 24),
    ("Téléphone", 16),
    ("Courriel", 30),
    ("Site", 30),
    ("SIRET", 17),
    ("Notes", 50),
)


@router.get("/acheteur/liste.{format}")
def take(
    request: Request, format: str, who: Searcher, wanted: Facets, de: Reference, lot: Short = ""
) -> Response:
    if format not in ("csv", "xlsx"):
        raise NotFound("Une liste s'emporte en csv ou en xlsx.")
    _, found, answer = answer_of(request, de, lot, wanted)
    name = f"structures-{'-'.join(fold(found.tender.title).split())[:40]}-{date.today():%Y%m%d}.{format}"
    if format == "csv":
        return wire.attachment(spreadsheet.to_csv(_table(answer)), spreadsheet.CSV, name)
    widths = [width for _, width in COLUMNS]
    listed = spreadsheet.Sheet(
        title="Structures", rows=_table(answer), widths=widths, frozen="D2", filtered=True
    )
    facts = [
        ("Besoin", found.tender.title),
        ("Lieu", places_in_words(found.tender)),
        ("Date", date.today()),
        ("Limitée à", " ; ".join(wanted.words()) or "rien"),
        ("Mention", "Ordre de présentation, ne préjuge pas du choix."),
    ]
    about = spreadsheet.Sheet(title="Recherche", rows=facts, widths=(14, 100), heading=False)
    return wire.attachment(spreadsheet.to_xlsx(listed, about), spreadsheet.XLSX, name)


def _table(answer: Answer) -> Iterator[list[Any]]:
    yield [heading for heading, _ in COLUMNS]
    for each in answer.lots:
        for match in each.matches:
            line, s = lots.line(match), match.structure
            km = None if match.distance_km is None else round(match.distance_km)
            yield [
                each.lot.number,
                line.mark,
                render.called(s),
                s.kind,
                render.town(s.place),
                km,
                line.trade,
                line.by,
                s.phone,
                s.email,
                s.website,
                s.siret,
                "",
            ]


@router.get("/acheteur/imprimer")
def printed(request: Request, who: Searcher, wanted: Facets, de: Reference, lot: Short = "") -> Response:
    """The list on paper: where, when, what limits it, a legend, and room to write what was said."""
    _, found, answer = answer_of(request, de, lot, wanted)
    shown = [(each, [lots.line(match) for match in each.matches]) for each in answer.lots]
    return render.page(
        request,
        "printed.html",
        tender=found.tender,
        place=places_in_words(found.tender),
        shown=shown,
        filters=wanted.words(),
        several=len(found.tender.lots) > 1,
    )
