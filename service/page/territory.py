"""The territory: five pages, each one question with an example and a result that can be shared."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Query, Request, Response, UploadFile

from matcher.domain import BadInput, MatcherError
from matcher.records import searches
from matcher.reference import places
from matcher.reference import trades as trades_
from matcher.reference.identifiers import clean_amount
from matcher.territory import advice, coverage, facilitators, ledger, meeting, potential
from service import desk, schemas, wire
from service.access import store_of
from service.page import render
from service.page.visitor import Buyer, Reader

router = APIRouter()
LINES = 25  # zones of a page
SHAPES = {
    "xlsx": (wire.XLSX, "xlsx"),
    "ics": ("text/calendar", "ics"),
    "html": ("text/html; charset=utf-8", ""),
}
#: Page -> (its question, what it gives); in the order of the menu.
TOOLS: dict[str, tuple[str, str]] = {
    "potentiel": (
        "Faut-il réserver ou clausifier ce besoin ?",
        "Qui pourrait y répondre, ce que la loi permet, les heures d’insertion.",
    ),
    "carte": (
        "Où manque-t-il des structures ?",
        "Par département et par métier, les zones blanches et fragiles.",
    ),
    "facilitateurs": (
        "Qui est le facilitateur d’ici ?",
        "La personne qui accompagne les clauses sociales sur ce territoire.",
    ),
    "rencontre": (
        "Comment préparer une journée de rencontres ?",
        "Les rendez-vous entre acheteurs et structures, à imprimer.",
    ),
    "rapport": (
        "Qu’avons-nous acheté à ces structures ?",
        "Le rapport (SPASER, mission) d’après votre grand livre ou vos DECP.",
    ),
}
FIELDS = ("need", "place", "amount", "like", "rate", "contribution")
EXAMPLE = {
    "need": "Entretien des espaces verts de trois écoles",
    "place": "93100",
    "amount": "30 000",
    "like": "0",
    "rate": "",
    "contribution": "",
}
DAY = {
    "theme": "Espaces verts et nettoyage",
    "place": "93100",
    "on": "2027-03-16",
    "buyers": "acheteur;besoin\nVille A;tonte des écoles\nVille B;nettoyage des vitres",
}


def _page(request: Request, name: str, status: int = 200, **values: Any) -> Response:
    facts: dict[str, Any] = {"tools": TOOLS, "tool": name, "problem": "", "example": False, **values}
    return render.page(request, f"territory_{name}.html" if name else "territory.html", status, **facts)


def _plain(sentence: str) -> str:
    """The sentence without what only the operator can do at a terminal."""
    return sentence.replace(facilitators.ADD, "demandez à l’exploitant du service de l’ajouter")


@router.get("/territoire")
def index(request: Request, who: Reader) -> Response:
    return _page(request, "")


# ---------------------------------------------------------------------------------------------- potential


@router.get("/territoire/potentiel")
def ask(request: Request, who: Reader, exemple: Annotated[str, Query(max_length=5)] = "") -> Response:
    return _study(request, EXAMPLE if exemple else dict.fromkeys(FIELDS, ""), found=None)


@router.post("/territoire/potentiel")
def study(
    request: Request, who: Reader, need: Annotated[str, Form(max_length=20_000)] = "",
    place: Annotated[str, Form(max_length=100)] = "", amount: Annotated[str, Form(max_length=30)] = "", like: Annotated[str, Form(max_length=30)] = "",
    rate: Annotated[str, Form(max_length=10)] = "", contribution: Annotated[str, Form(max_length=30)] = "",
) -> Response:  # fmt: skip
    """Study the need, and give its result an address that nobody can guess."""
    values = dict(zip(FIELDS, (need, place, amount, like, rate, contribution), strict=True))
    try:
        _studied(request, values)
    except (MatcherError, ValueError) as error:
        return _study(request, values, None, str(error), 422)
    return render.go(f"/territoire/potentiel/r/{searches.keep(store_of(request), {'potential': values})}")


@router.get("/territoire/potentiel/r/{reference}")
def studied(request: Request, who: Reader, reference: str) -> Response:
    given = searches.read(store_of(request), reference).get("potential") or {}
    values = {name: str(given.get(name, "")) for name in FIELDS}
    return _study(request, values, _studied(request, values))


def _study(
    request: Request, values: dict[str, str], found: Any, problem: str = "", status: int = 200
) -> Response:
    return _page(
        request,
        "potentiel",
        status,
        asked=values,
        found=found,
        problem=problem,
        order=potential.ORDER,
        effect=advice.effect,
        plain=_plain,
    )


def _studied(request: Request, values: dict[str, str]) -> potential.Potential:
    """The potential of a need.  Raises BadInput, ValueError."""
    given = {name: _amount(values[name]) for name in ("amount", "like", "contribution")}
    asked = schemas.PotentialIn(
        need=values["need"] or " ", place=values["place"], amount=given["amount"] or None, like_needs=given["like"], rate=_rate(values["rate"]),
        contribution=given["contribution"],
    )  # fmt: skip
    return desk.studied(request, desk.supply_of(request), asked)


# ------------------------------------------------------------------------------------- map, facilitators


@router.get("/territoire/carte")
def drawn(
    request: Request,
    who: Reader,
    region: Annotated[str, Query(max_length=60)] = "11",
    metier: Annotated[str, Query(max_length=50)] = "",
    mesure: Annotated[str, Query(max_length=20)] = "share",
) -> Response:
    chosen = mesure if mesure in coverage.MEASURES else "share"
    asked = desk.MapQuery(region=region, trade=[metier] if metier else [])
    snapshot = request.app.state.serving.get()
    made: coverage.Coverage = snapshot.for_a_minute(
        ("map", region, metier), lambda: desk.covered(request, asked)
    )
    short = sorted(desk.lacking(made), key=lambda c: (-c.short, c.area.code, c.label))
    return _page(
        request, "carte", coverage=made, drawing=desk.drawn(made, chosen), cells=short[:LINES], left=max(0, len(short) - LINES), region=region,
        trade=metier, measure=chosen, regions=places.regions(), trades=trades_.trades(), measures=coverage.MEASURES, plain=_plain,
    )  # fmt: skip


@router.get("/territoire/facilitateurs")
def facilitator(request: Request, who: Reader, lieu: Annotated[str, Query(max_length=100)] = "") -> Response:
    named, problem = "", ""
    if lieu.strip():
        try:
            named = _plain(facilitators.named(coverage.somewhere(lieu)))
        except BadInput as error:
            problem = str(error)
    known = len(facilitators.read()[0])
    return _page(
        request,
        "facilitateurs",
        422 if problem else 200,
        where=lieu,
        named=named,
        known=known,
        problem=problem,
    )


def _amount(text: str) -> float | None:
    if text.strip() in ("", "0"):
        return 0.0 if text.strip() else None
    found = clean_amount(text)
    if found is None:
        raise BadInput("Un montant ne peut être lu : écrivez 45 000 ou 45000,50.")
    return found


def _rate(text: str) -> float | None:
    bare = text.replace("%", "").replace(",", ".").strip()
    if not bare:
        return None
    try:
        value = float(bare)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 100:
        raise BadInput("Le taux d'emploi ne peut être lu : écrivez 4,2 pour 4,2 %.")
    return value / 100


# --------------------------------------------------------------------------------------- meeting, report


@router.get("/territoire/rencontre")
def day(request: Request, who: Reader, exemple: Annotated[str, Query(max_length=5)] = "") -> Response:
    return _page(request, "rencontre", asked=DAY if exemple else dict.fromkeys(DAY, ""))


@router.get("/territoire/rencontre/r/{reference}")
def planned(
    request: Request, who: Buyer, reference: str, forme: Annotated[str, Query(max_length=5)] = "html"
) -> Response:
    """A day that was prepared, again: whoever has its address and a buyer's key reads it."""
    given = searches.read(store_of(request), reference).get("day")
    if not given:
        raise BadInput("Cette adresse n'est pas celle d'une rencontre.")
    return _made(request, given, forme)


@router.get("/territoire/rapport")
def books(request: Request, who: Reader) -> Response:
    return _page(request, "rapport")


@router.post("/territoire/rencontre")
def meet(
    request: Request, who: Buyer, theme: Annotated[str, Form(max_length=2000)], place: Annotated[str, Form(max_length=100)],
    on: Annotated[str, Form(max_length=10)], buyers: Annotated[str, Form(max_length=200_000)], slots: Annotated[int, Form(ge=1, le=24)] = 12,
    minutes: Annotated[int, Form(ge=5, le=120)] = 20, first: Annotated[str, Form(max_length=5)] = "10:00", invite: Annotated[int, Form(ge=1, le=120)] = 60,
    shape: Annotated[str, Form(max_length=5)] = "html",
) -> Response:  # fmt: skip
    """The day as printable pages, at an address of its own, or as a workbook or a calendar."""
    given = {
        "theme": theme, "place": place, "on": on, "buyers": buyers, "slots": slots, "minutes": minutes, "first": first, "invite": invite,
    }  # fmt: skip
    try:
        made = _made(request, given, shape)
    except MatcherError as error:
        asked = {"theme": theme, "place": place, "on": on, "buyers": buyers}
        return _page(request, "rencontre", 422, problem=str(error), asked=asked)
    if shape != "html":
        return made
    return render.go(f"/territoire/rencontre/r/{searches.keep(store_of(request), {'day': given})}")


def _made(request: Request, given: dict[str, Any], shape: str) -> Response:
    """The day in a shape.  Raises MatcherError."""
    supply = desk.supply_of(request)
    with tempfile.TemporaryDirectory() as scratch:
        listed = Path(scratch) / "besoins.csv"
        listed.write_text(given["buyers"], encoding="utf-8")
        with desk.named(listed, "les besoins"):
            guests, _ = meeting.guests(listed)
    planned = meeting.plan(
        request.app.state.serving.get().matcher, supply, theme=given["theme"], place=coverage.somewhere(given["place"]), buyers=guests,
        on=meeting.day_of(given["on"]), slots=given["slots"], minutes=given["minutes"], first=given["first"], most=given["invite"], store=supply.store, seconds=20,
    )  # fmt: skip
    made = {"xlsx": meeting.workbook, "ics": meeting.calendar}.get(shape, meeting.page)(planned)
    return _sent(made, "rencontre", shape)


@router.post("/territoire/rapport")
def report(
    request: Request, who: Buyer, book: Annotated[UploadFile | None, File()] = None,
    awards: Annotated[UploadFile | None, File()] = None, buyer: Annotated[str, Form(max_length=20)] = "", year: Annotated[str, Form(max_length=60)] = "",
    shape: Annotated[str, Form(max_length=5)] = "html",
) -> Response:  # fmt: skip
    """The report of the files sent; nothing of them is kept."""
    try:
        years = [int(word) for word in year.replace(",", " ").replace(";", " ").split() if word.isdecimal()]
        books, files = ([file] if file is not None and file.filename else [] for file in (book, awards))
        if not books and not files:
            raise BadInput("Rien à rapporter : joignez le grand livre (CSV), ou un fichier DECP.")
        made = desk.reported(request, books, files, buyer, years)
    except MatcherError as error:
        return _page(request, "rapport", 422, problem=str(error))
    return _sent(ledger.workbook(made) if shape == "xlsx" else ledger.page(made), "rapport", shape)


def _sent(made: str | bytes, name: str, shape: str) -> Response:
    media, suffix = SHAPES.get(shape, SHAPES["html"])
    head = {"Content-Disposition": f'attachment; filename="{name}.{suffix}"'} if suffix else {}
    return Response(made, media_type=media, headers=head)
