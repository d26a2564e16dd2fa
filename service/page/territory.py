"""The territory desk: pages with one question each, an example and a shareable result."""

import base64
import re
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query, Request, Response
from starlette.background import BackgroundTask

from matcher.domain import KINDS, BadInput, MatcherError
from matcher.records import facilitators, searches
from matcher.reference import law, places
from matcher.reference import trades as trades_
from matcher.territory import areas, choropleth, coverage, ledger, meeting, potential, programme
from matcher.territory.potential import Weight, effect
from service import schemas, wire
from service.access import identify, store_of
from service.page import fields, render, search
from service.page.fields import FieldErrors, Texts, problems_of
from service.page.render import Facts
from service.page.visitor import Buyer, CheckedForm, Operator, Reader, record_owner
from service.routes import territory as desk
from service.snapshot import snapshot_of

router = APIRouter()
Flag = Annotated[str, Query(max_length=5)]
FILE = 2_000_000  # bytes of a programme
Table = Annotated[str, Form(max_length=FILE)]
INVITED = 60  # most structures that a day invites unless it says how many
BUYERS = frozenset({"rencontre", "rapport"})  # whose result needs a buyer's key
NATURES = {"": None, "travaux": True, "autre": False}
#: What a potential and a map are written with.
ADVICE = {"order": potential.ORDER, "effect": effect, "articles": potential.ARTICLES}
ADVICE |= {"weight": Weight()}
MAP = {"measures": coverage.MEASURES, "supply": coverage.SUPPLY, "divisions": areas.DIVISIONS}
MAP |= {"shapes": [shape for shape in choropleth.SHAPES if shape != "html"], "shades": choropleth.STATES}
AMOUNTS = {"amount": "Montant estimé", "like": "Besoins semblables", "contribution": "Contribution"}


#: Fields of a need, a meeting day and a facilitator as they are typed -> their longest texts.
NEED = {
    "need": 20_000,
    "place": 300,
    **dict.fromkeys(("amount", "like", "works", "rate", "contribution"), 40),
}
MEETING = {"theme": 2000, "place": 300, "on": 40, "buyers": 200_000, "slots": 40, "minutes": 40, "first": 40}
MEETING |= {"invite": 40, "come": 20_000, "appointments": 200_000}
FACILITATOR = dict.fromkeys(("id", "name", "kind", "trades", "email", "phone", "website"), 300)
FACILITATOR |= {"territory": 5000}
NO_NEED = dict.fromkeys(NEED, "")
BLANK = dict.fromkeys(MEETING, "") | {"slots": "12", "minutes": "20", "first": "10:00"}
Typed = Annotated[Texts, fields.form(BLANK, **MEETING)]
EXAMPLE = NO_NEED | {"need": "Entretien des espaces verts de trois écoles", "place": "93100"}
EXAMPLE |= {"amount": "30 000", "like": "0"}
DAY = BLANK | {"theme": "Espaces verts et nettoyage", "place": "93100", "on": "2027-03-16"}
DAY |= {"buyers": "acheteur;besoin\nVille A;tonte des écoles\nVille B;nettoyage des vitres"}


def _page(request: Request, name: str, **values: Any) -> Response:
    buyers_only = name in BUYERS and not identify(request).may("buyer")
    template = f"territory_{name}.html" if name else "territory.html"
    return render.page(request, template, tool=name, buyers_only=buyers_only, **values)


@router.get("/territoire")
def index(request: Request, who: Reader) -> Response:
    """The menu of the desk; while it is read, the map is counted."""
    shown = _page(request, "")
    shown.background = BackgroundTask(desk.warm, snapshot_of(request))
    return shown


@router.get("/territoire/potentiel")
def ask(request: Request, who: Reader, exemple: Flag = "") -> Response:
    return _study(request, EXAMPLE if exemple else NO_NEED, found=None)


@router.post("/territoire/potentiel")
def study(request: Request, who: Reader, values: Annotated[Texts, fields.form(**NEED)]) -> Response:
    """Study the need, and store its result at an unguessable address."""
    try:
        _studied(request, values)
    except (MatcherError, ValueError) as error:
        return _study(request, values, None, problems=problems_of(error, "need"))
    return render.go(f"/territoire/potentiel/r/{searches.keep(store_of(request), {'potential': values})}")


@router.get("/territoire/potentiel/r/{reference}")
def studied(request: Request, who: Reader, reference: str) -> Response:
    given = searches.read(store_of(request), reference).get("potential") or {}
    values = {name: str(given.get(name, "")) for name in NO_NEED}
    return _study(request, values, _studied(request, values), reference)


def _study(
    request: Request, values: dict[str, str], found: Any, reference: str = "", **form: Any
) -> Response:
    shown: dict[str, Any] = {"asked": values, "found": found, "listed": "", "past": (), **form}
    if found:
        shown["listed"] = search.address(reference)
        kinds = {a: [k for k in KINDS if law.eligible(k, (a,), found.on)] for a in potential.ARTICLES}
        pairs = {a: [("type", kind) for kind in own] for a, own in kinds.items()}
        shown["reserved"] = {a: search.address(reference, pairs=own) for a, own in pairs.items()}
        shown["past"] = [desk.similar(request, lot) for lot in found.lots]
    return _page(request, "potentiel", **shown, **ADVICE)


def _studied(request: Request, values: dict[str, str]) -> potential.Potential:
    """The potential of a need.  Raises FieldErrors, BadInput, ValueError."""
    read = fields.checked(
        need=lambda: fields.words(values["need"], "Dites ce qu'il y a à faire : quelques mots."),
        place=lambda: areas.place_of(values["place"]) and values["place"],
        rate=lambda: _rate(values["rate"]),
        **{name: partial(fields.euros, values[name], what, name) for name, what in AMOUNTS.items()},
    )
    given: Facts = {"need": values["need"], "place": read["place"] or "", "amount": read["amount"] or None}
    given |= {"like_needs": read["like"], "works": NATURES.get(values["works"]), "rate": read["rate"]}
    asked = schemas.PotentialIn(**given, contribution=read["contribution"])
    return desk.studied(request, asked)


def _rate(text: str) -> float | None:
    sentence = "Le taux d'emploi ne peut être lu : écrivez 4,2 pour 4,2 %."
    value = fields.number(text, sentence)
    if value is not None and not 0 <= value <= 100:
        raise BadInput(sentence)
    return None if value is None else value / 100


@router.get("/territoire/programme")
def planned_purchases(request: Request, who: Reader, exemple: Flag = "") -> Response:
    return _page(request, "programme", found=None, example=bool(exemple))


@router.post("/territoire/programme")
def send_programme(request: Request, who: Reader, file: fields.File = None, text: Table = "") -> Response:
    """Study every line of a programme, and store it at an unguessable address."""
    data, name = text.encode(), "le texte"
    if file and file.filename:
        data, name = file.file.read(FILE + 1), file.filename
    try:
        if not data.strip():
            raise FieldErrors({"file": "Joignez un tableau (XLSX ou CSV), ou collez-le."})
        if len(data) > FILE:
            raise FieldErrors({"file": "Le fichier dépasse 2 Mo : envoyez le programme en plusieurs fois."})
        programme.read(data, name)
    except MatcherError as error:
        return _page(request, "programme", problems=problems_of(error, "file"), found=None, example=False)
    kept = {"programme": {"name": name, "data": base64.b64encode(data).decode()}}
    return render.go(f"/territoire/programme/r/{searches.keep(store_of(request), kept)}")


@router.get("/territoire/programme/r/{reference}")
def studied_programme(request: Request, who: Reader, reference: str, forme: Flag = "html") -> Response:
    """A programme studied, for anyone with its address; as a workbook too."""
    given = searches.read(store_of(request), reference).get("programme")
    if not given:
        raise BadInput("Cette adresse n'est pas celle d'un programme.")
    study = partial(programme.study, desk.desk_of(request), base64.b64decode(given["data"]), given["name"])
    made = snapshot_of(request).for_a_minute(("programme", reference), study)
    if forme == "xlsx":
        return wire.attachment(made.workbook(), wire.XLSX, "programme.xlsx")
    rows = list(zip(made.lines, made.rows(), strict=True))
    shown: Facts = {"found": made, "reference": reference, "rows": rows}
    return _page(
        request, "programme", **shown, address=search.address, planned=f"{search.PLANNED}{reference}:"
    )


@router.get("/territoire/carte")
def drawn(
    request: Request,
    who: Reader,
    region: Annotated[str, Query(max_length=60)] = "",
    departement: Annotated[str, Query(max_length=3)] = "",
    par: Annotated[str, Query(max_length=12)] = "departement",
    metier: Annotated[str, Query(max_length=50)] = "",
    type: Annotated[list[str] | None, Query(max_length=30)] = None,
    mesure: Annotated[str, Query(max_length=20)] = "gap",
) -> Response:
    one = places.department(departement)
    # the region was changed before one of its departments could be chosen
    if one and region not in ("", one.region):
        one, departement = None, ""
    region = one.region if one else region or desk.FIRST
    if departement and par == "departement":
        par = "commune"
    allowed = (*coverage.MEASURES, "state") if metier else set(coverage.MEASURES) - set(coverage.SUPPLY)
    measure = mesure if mesure in allowed else "gap"
    where: Facts = {"department": [departement]} if departement else {"region": region}
    by: Any = par if par in areas.DIVISIONS else "departement"
    asked = desk.MapQuery(**where, by=by, trade=metier, kind=type or [])
    snapshot, opened, key = snapshot_of(request), desk.desk_of(request), asked.model_dump_json()
    made = snapshot.for_a_minute(("map", key), lambda: desk.covered(snapshot, opened, asked))
    query = asked.model_dump(include={"region", "department", "by", "trade", "kind"}) | {"measure": measure}
    files = urlencode({name: value for name, value in query.items() if value}, doseq=True)
    links = {}  # a department leads to its map, what is smaller to the trade's list
    for area in made.areas:
        if area.whole_department:
            closer = {"region": asked.region, "departement": area.code, "par": "commune"}
            closer |= {"metier": asked.trade, "mesure": ""}
            links[area.code] = "/territoire/carte?" + urlencode({k: v for k, v in closer.items() if v})
        elif asked.trade:
            links[area.code] = _list_of(asked.trade, area)
    picture = choropleth.picture(made, measure, links)
    map_ = {"coverage": made, "drawing": choropleth.svg(picture, legend=False), "legend": picture.legend}
    map_ |= {"gaps": desk.gaps(snapshot, opened, made, asked), "list_of": _list_of, "files": files}
    map_ |= {"left": max(0, len(made.lacking) - desk.LINES)}
    chosen = {"region": region, "departement": departement, "by": by, "trade": metier}
    chosen |= {"kinds": asked.kind, "measure": measure}
    choices: Facts = {"departments": [d for d in places.departments() if d.region == region]}
    choices |= {"regions": places.regions(), "trades": sorted(trades_.trades(), key=lambda one: one.label)}
    return _page(request, "carte", **map_, **chosen, **choices, **MAP)


def _list_of(trade: str, area: areas.Area, kinds: tuple[str, ...] = ()) -> str:
    """The address of the list that a number of the map is of."""
    radius = f":{area.radius_km:g}" if area.radius_km else ""
    reference = f"{search.TRADE}{trade}:{area.words}{radius}"
    return search.address(reference, pairs=[("type", kind) for kind in kinds]) + "#liste"


@router.get("/territoire/facilitateurs")
def facilitator(
    request: Request,
    who: Reader,
    lieu: Annotated[str, Query(max_length=100)] = "",
    modifier: Annotated[str, Query(max_length=60)] = "",
) -> Response:
    try:
        named = facilitators.named(areas.somewhere(lieu)) if lieu.strip() else ""
    except BadInput as error:
        problems = problems_of(error, "place")
        return _facilitators(request, edited=modifier, where=lieu, problems=problems)
    return _facilitators(request, edited=modifier, where=lieu, named=named)


@router.post("/territoire/facilitateurs")
def put_facilitator(
    request: Request, who: Operator, form: CheckedForm, given: Annotated[Texts, fields.form(**FACILITATOR)]
) -> Response:
    """Add or change a facilitator; the operator's alone."""
    given["name"] = given["name"].strip()
    where = "Donnez son territoire : des communes ou des départements, séparés par des virgules."
    try:
        fields.checked(
            name=lambda: fields.words(given["name"], "Donnez le nom de la personne ou de l'organisme."),
            territory=lambda: fields.words(given["territory"], where),
            email=lambda: fields.address(given["email"]),
        )
        facilitators.put(given)
    except BadInput as error:
        return _facilitators(request, problems=problems_of(error, "territory"), given=given)
    return render.go("/territoire/facilitateurs#liste")


@router.post("/territoire/facilitateurs/retirer")
def remove_facilitator(request: Request, who: Operator, form: CheckedForm, id: fields.Line = "") -> Response:
    facilitators.remove(id)
    return render.go("/territoire/facilitateurs#liste")


def _facilitators(request: Request, *, edited: str = "", **form: Any) -> Response:
    known = facilitators.read()[0]
    chosen = next((one for one in known if one.id == edited), None)
    given = {name: getattr(chosen, name, "") for name in FACILITATOR}
    given["territory"] = facilitators.territory(chosen) if chosen else ""
    shown = {"where": "", "named": "", "given": given, **form}
    may_edit = identify(request).may("operator")
    territory = facilitators.territory
    return _page(request, "facilitateurs", known=known, territory=territory, may_edit=may_edit, **shown)


@router.get("/territoire/rencontre")
def day(request: Request, who: Reader, exemple: Flag = "", favoris: Flag = "") -> Response:
    """The form; with an example, or with the favourites of the visitor as those who come."""
    listed = searches.favourites(store_of(request), record_owner(request)) if favoris else ()
    return _page(request, "rencontre", asked=(DAY if exemple else BLANK) | {"come": "\n".join(listed)})


@router.get("/territoire/rencontre/r/{reference}")
def planned(request: Request, who: Buyer, reference: str, forme: Flag = "html") -> Response:
    """A prepared day, for anyone with its address and a buyer's key."""
    given = searches.read(store_of(request), reference).get("day")
    if not given:
        raise BadInput("Cette adresse n'est pas celle d'une rencontre.")
    return _made(request, given, forme)


@router.get("/territoire/rapport")
def books(request: Request, who: Reader) -> Response:
    return _page(request, "rapport")


@router.post("/territoire/rencontre")
def meet(
    request: Request, who: Buyer, given: Typed, shape: fields.Word = "html", file: fields.File = None
) -> Response:
    """The day as printable pages, at an address of its own, or as a workbook or a calendar."""
    try:
        if file and file.filename:
            given["come"] = "\n".join(meeting.sirets(file.file.read(FILE), file.filename))
        made = _made(request, given, shape)
    except MatcherError as error:
        at = "appointments" if given["appointments"] else "invite"
        return _page(request, "rencontre", problems=problems_of(error, at), asked=given)
    if shape != "html":
        return made
    return render.go(f"/territoire/rencontre/r/{searches.keep(store_of(request), {'day': given})}")


def _made(request: Request, given: Mapping[str, Any], shape: str) -> Response:
    """The day in a shape; "edit" is the form with its appointments.  Raises FieldErrors, MatcherError."""
    theme = "Donnez un thème : les métiers ou les achats de la journée."
    read = fields.checked(
        theme=lambda: fields.words(given["theme"], theme),
        place=lambda: areas.somewhere(given["place"]),
        on=lambda: meeting.day_of(given["on"]),
        buyers=lambda: meeting.guests(given["buyers"].encode(), "la liste")[0],
        slots=lambda: _whole(given["slots"], "Créneaux", 1, 24),
        minutes=lambda: _whole(given["minutes"], "Minutes par créneau", 5, 120),
        invite=lambda: given["invite"].strip() and _whole(given["invite"], "Structures à inviter", 1, 120),
    )
    most = read.pop("invite") or min(INVITED, read["slots"] * len(read["buyers"]))
    come = meeting.named(str(given.get("come", "")))
    opened, first = desk.desk_of(request), given["first"]
    day = meeting.plan(opened, first=first, most=most, participants=come, seconds=6, **read)
    listed = str(given.get("appointments", ""))
    planned = meeting.edited(day, listed) if listed.strip() else day
    if shape == "edit":
        return _page(request, "rencontre", asked={**BLANK, **given, "appointments": meeting.typed(planned)})
    return desk.sent(meeting, planned, shape, "rencontre", render.typographic)


def _whole(text: object, what: str, least: int, most: int) -> int:
    """A whole number within bounds.  Raises BadInput."""
    sentence = f"{what} : écrivez un nombre entier de {least} à {most}."
    value = fields.number(str(text), sentence)
    if value is None or value != int(value) or not least <= value <= most:
        raise BadInput(sentence)
    return int(value)


@router.post("/territoire/rapport")
def report(
    request: Request,
    who: Buyer,
    book: fields.File = None,
    awards: fields.File = None,
    buyer: fields.Word = "",
    year: Annotated[str, Form(max_length=60)] = "",
    shape: fields.Word = "html",
) -> Response:
    """The report of the files sent; nothing of them is kept."""
    books, files = ([file] if file is not None and file.filename else [] for file in (book, awards))
    try:
        if not books and not files:
            raise FieldErrors(
                {"book": "Rien à rapporter : joignez le grand livre (CSV), ou un fichier DECP."}
            )
        years = fields.checked(year=lambda: _years(year))["year"]
        made = desk.reported(request, who, books, files, buyer, years)
    except MatcherError as error:
        problems = problems_of(error, "book" if books else "awards")
        return _page(request, "rapport", problems=problems, typed={"buyer": buyer, "year": year})
    return desk.sent(ledger, made, "xlsx" if shape == "xlsx" else "html", "rapport", render.typographic)


def _years(text: str) -> list[int]:
    """The years of a text.  Raises BadInput."""
    words = text.replace(",", " ").replace(";", " ").split()
    if wrong := [word for word in words if not re.fullmatch(r"(19|20)\d\d", word)]:
        raise BadInput(f"« {wrong[0][:20]} » n'est pas une année : écrivez 2025 2026.")
    return [int(word) for word in words]
