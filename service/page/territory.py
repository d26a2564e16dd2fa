"""The territory desk: five pages, each with one question, an example and a shareable result."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from fastapi import File, Form, Query, Request, Response, UploadFile

from matcher.domain import BadInput, MatcherError
from matcher.records import searches
from matcher.reference import places
from matcher.reference import trades as trades_
from matcher.reference.identifiers import clean_amount
from matcher.territory import advice, coverage, facilitators, ledger, meeting, potential
from service import desk, schemas, wire
from service.access import identify, store_of
from service.page import fields, render
from service.page.fields import FieldError, problems_of
from service.page.visitor import Buyer, Reader
from service.router import Router

router = Router()
LINES = 25  # zones of a page
INVITED = 60  # most structures that a day invites unless it says how many
SHAPES = {
    "xlsx": (wire.XLSX, "xlsx"),
    "ics": ("text/calendar", "ics"),
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
        "Le rapport pour un SPASER ou un bilan, d’après votre grand livre ou vos marchés attribués (DECP).",
    ),
}
BUYERS = frozenset({"rencontre", "rapport"})  # whose result needs a buyer's key
FIELDS = ("need", "place", "amount", "like", "rate", "contribution")
AMOUNTS = {"amount": "Montant estimé", "like": "Besoins semblables", "contribution": "Contribution"}
EXAMPLE = {
    "need": "Entretien des espaces verts de trois écoles",
    "place": "93100",
    "amount": "30 000",
    "like": "0",
    "rate": "",
    "contribution": "",
}
BLANK = {"theme": "", "place": "", "on": "", "buyers": "", "slots": "12", "minutes": "20", "invite": ""}
DAY = BLANK | {
    "theme": "Espaces verts et nettoyage",
    "place": "93100",
    "on": "2027-03-16",
    "buyers": "acheteur;besoin\nVille A;tonte des écoles\nVille B;nettoyage des vitres",
}


def _page(request: Request, name: str, status: int = 200, **values: Any) -> Response:
    buyers_only = name in BUYERS and not (who := identify(request)).may("buyer") and not who.may("operator")
    facts: dict[str, Any] = {
        "tools": TOOLS,
        "tool": name,
        "problems": {},
        "buyers_only": buyers_only,
        **values,
    }
    return render.page(request, f"territory_{name}.html" if name else "territory.html", status, **facts)


def _plain(sentence: str) -> str:
    """The sentence without hints that only apply to an operator at a terminal."""
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
    request: Request, who: Reader, need: Annotated[str, Form(max_length=20_000)] = "", place: fields.Line = "", amount: fields.Word = "",
    like: fields.Word = "", rate: fields.Word = "", contribution: fields.Word = "",
) -> Response:  # fmt: skip
    """Study the need, and store its result at an unguessable address."""
    values = dict(zip(FIELDS, (need, place, amount, like, rate, contribution), strict=True))
    try:
        _studied(request, values)
    except (MatcherError, ValueError) as error:
        return _study(request, values, None, problems_of(error, "need"))
    return render.go(f"/territoire/potentiel/r/{searches.keep(store_of(request), {'potential': values})}")


@router.get("/territoire/potentiel/r/{reference}")
def studied(request: Request, who: Reader, reference: str) -> Response:
    given = searches.read(store_of(request), reference).get("potential") or {}
    values = {name: str(given.get(name, "")) for name in FIELDS}
    return _study(request, values, _studied(request, values))


def _study(
    request: Request, values: dict[str, str], found: Any, problems: Mapping[str, str] | None = None
) -> Response:
    return _page(
        request, "potentiel", 422 if problems else 200, asked=values, found=found, problems=problems or {}, order=potential.ORDER,
        effect=advice.effect, plain=_plain,
    )  # fmt: skip


def _studied(request: Request, values: dict[str, str]) -> potential.Potential:
    """The potential of a need.  Raises FieldErrors, BadInput, ValueError."""
    read = fields.checked(
        need=lambda: fields.words(values["need"], "Dites ce qu'il y a à faire : quelques mots."),
        place=lambda: desk.place_of(values["place"]) and values["place"],
        rate=lambda: _rate(values["rate"]),
        **{name: partial(_amount, values[name], what) for name, what in AMOUNTS.items()},
    )
    asked = schemas.PotentialIn(
        need=values["need"], place=read["place"] or "", amount=read["amount"] or None, like_needs=read["like"], rate=read["rate"],
        contribution=read["contribution"],
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
    named = {near.siret for cell in short[:LINES] for near in (*cell.nearest, *cell.neighbours)}
    return _page(
        request, "carte", coverage=made, drawing=desk.drawn(made, chosen), cells=short[:LINES], lacking=len(short), known={siret: snapshot.structure(siret) for siret in named}, left=max(0, len(short) - LINES), region=region,
        trade=metier, measure=chosen, regions=places.regions(), trades=trades_.trades(), measures=coverage.MEASURES, plain=_plain,
    )  # fmt: skip


@router.get("/territoire/facilitateurs")
def facilitator(request: Request, who: Reader, lieu: Annotated[str, Query(max_length=100)] = "") -> Response:
    named, problems = "", {}
    if lieu.strip():
        try:
            named = _plain(facilitators.named(coverage.somewhere(lieu)))
        except BadInput as error:
            problems = problems_of(error, "place")
    return _page(
        request, "facilitateurs", 422 if problems else 200, where=lieu, named=named, known=len(facilitators.read()[0]), problems=problems,
    )  # fmt: skip


def _amount(text: str, what: str) -> float | None:
    if text.strip() in ("", "0"):
        return 0.0 if text.strip() else None
    found = clean_amount(text)
    if found is None:
        raise BadInput(f"{what} : écrivez un montant en euros, 45 000 ou 45000,50.")
    return found


def _rate(text: str) -> float | None:
    sentence = "Le taux d'emploi ne peut être lu : écrivez 4,2 pour 4,2 %."
    value = fields.number(text, sentence)
    if value is not None and not 0 <= value <= 100:
        raise BadInput(sentence)
    return None if value is None else value / 100


# --------------------------------------------------------------------------------------- meeting, report


@router.get("/territoire/rencontre")
def day(request: Request, who: Reader, exemple: Annotated[str, Query(max_length=5)] = "") -> Response:
    return _page(request, "rencontre", asked=DAY if exemple else BLANK)


@router.get("/territoire/rencontre/r/{reference}")
def planned(
    request: Request, who: Buyer, reference: str, forme: Annotated[str, Query(max_length=5)] = "html"
) -> Response:
    """A prepared day, for anyone with its address and a buyer's key."""
    given = searches.read(store_of(request), reference).get("day")
    if not given:
        raise BadInput("Cette adresse n'est pas celle d'une rencontre.")
    return _made(request, given, forme)


@router.get("/territoire/rapport")
def books(request: Request, who: Reader) -> Response:
    return _page(request, "rapport", typed={})


@router.post("/territoire/rencontre")
def meet(
    request: Request, who: Buyer, theme: Annotated[str, Form(max_length=2000)] = "", place: fields.Line = "", on: fields.Word = "",
    buyers: Annotated[str, Form(max_length=200_000)] = "", slots: fields.Word = "12", minutes: fields.Word = "20", first: fields.Word = "10:00",
    invite: fields.Word = "", shape: fields.Word = "html",
) -> Response:  # fmt: skip
    """The day as printable pages, at an address of its own, or as a workbook or a calendar."""
    given = {
        "theme": theme, "place": place, "on": on, "buyers": buyers, "slots": slots, "minutes": minutes, "first": first, "invite": invite,
    }  # fmt: skip
    try:
        made = _made(request, given, shape)
    except MatcherError as error:
        return _page(request, "rencontre", 422, problems=problems_of(error, "invite"), asked=given)
    if shape != "html":
        return made
    return render.go(f"/territoire/rencontre/r/{searches.keep(store_of(request), {'day': given})}")


def _made(request: Request, given: Mapping[str, Any], shape: str) -> Response:
    """The day in a shape.  Raises FieldErrors, MatcherError."""
    read = fields.checked(
        theme=lambda: fields.words(
            given["theme"], "Donnez un thème : les métiers ou les achats de la journée."
        ),
        place=lambda: coverage.somewhere(given["place"]),
        on=lambda: meeting.day_of(given["on"]),
        buyers=lambda: _guests(given["buyers"]),
        slots=lambda: _whole(given["slots"], "Créneaux", 1, 24),
        minutes=lambda: _whole(given["minutes"], "Minutes par créneau", 5, 120),
        invite=lambda: (
            _whole(given["invite"], "Structures à inviter", 1, 120) if given["invite"].strip() else None
        ),
    )
    most = read.pop("invite") or min(INVITED, read["slots"] * len(read["buyers"]))
    supply = desk.supply_of(request)
    planned = meeting.plan(
        request.app.state.serving.get().matcher, supply, first=given["first"], most=most, store=supply.store, seconds=20, **read,
    )  # fmt: skip
    made = {"xlsx": meeting.workbook, "ics": meeting.calendar}.get(shape, meeting.page)(planned)
    return _sent(made, "rencontre", shape)


def _guests(listed: str) -> tuple[meeting.Guest, ...]:
    """The buyers of a day, typed as a table.  Raises BadInput."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "besoins.csv"
        path.write_text(listed, encoding="utf-8")
        with desk.named(path, "la liste"):
            return meeting.guests(path)[0]


def _whole(text: object, what: str, least: int, most: int) -> int:
    """A whole number within bounds.  Raises BadInput."""
    sentence = f"{what} : écrivez un nombre entier de {least} à {most}."
    value = fields.number(str(text), sentence)
    if value is None or value != int(value) or not least <= value <= most:
        raise BadInput(sentence)
    return int(value)


@router.post("/territoire/rapport")
def report(
    request: Request, who: Buyer, book: Annotated[UploadFile | None, File()] = None, awards: Annotated[UploadFile | None, File()] = None,
    buyer: fields.Word = "", year: Annotated[str, Form(max_length=60)] = "", shape: fields.Word = "html",
) -> Response:  # fmt: skip
    """The report of the files sent; nothing of them is kept."""
    books, files = ([file] if file is not None and file.filename else [] for file in (book, awards))
    try:
        if not books and not files:
            raise FieldError("book", "Rien à rapporter : joignez le grand livre (CSV), ou un fichier DECP.")
        years = fields.checked(year=lambda: _years(year))["year"]
        made = desk.reported(request, books, files, buyer, years)
    except MatcherError as error:
        problems = problems_of(error, "book" if books else "awards")
        return _page(request, "rapport", 422, problems=problems, typed={"buyer": buyer, "year": year})
    return _sent(ledger.workbook(made) if shape == "xlsx" else ledger.page(made), "rapport", shape)


def _years(text: str) -> list[int]:
    """The years of a text.  Raises BadInput."""
    words = text.replace(",", " ").replace(";", " ").split()
    if wrong := [word for word in words if not re.fullmatch(r"(19|20)\d\d", word)]:
        raise BadInput(f"« {wrong[0][:20]} » n'est pas une année : écrivez 2025 2026.")
    return [int(word) for word in words]


def _sent(made: str | bytes, name: str, shape: str) -> Response:
    if isinstance(made, str):
        return wire.printable(render.typographic(_plain(made)))
    media, suffix = SHAPES[shape]
    return Response(
        made, media_type=media, headers={"Content-Disposition": f'attachment; filename="{name}.{suffix}"'}
    )
