"""What a buyer does with a list: compare, set aside, write, take away; one structure for a need."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Annotated, Any
from urllib.parse import quote, urlencode, urlsplit

from fastapi import APIRouter, Form, Request, Response

from matcher import spreadsheet
from matcher.domain import Answer, Match, MatcherError, NotFound, Structure
from matcher.matching import reasons, skills
from matcher.records import searches, self_declared
from matcher.reference.text import fold
from service import wire
from service.access import store_of
from service.page import facets, fields, lots, records, render, search
from service.page.buyer import Facets, answer_of, places_in_words
from service.page.fields import From, Short, Ticked
from service.page.lots import line
from service.page.render import Facts
from service.page.visitor import CheckedForm, RecordOwner, Searcher, record_owner
from service.problems import Refused
from service.snapshot import Snapshot, snapshot_of

router = APIRouter()
COMPARED = 4  # structures of a comparison
ARROWS: Mapping[str, Any] = {"frozen": "D2", "filtered": True}
WRITTEN = 60  # recipients of one message


@router.post("/acheteur/cochees")
def ticked(
    request: Request,
    form: CheckedForm,
    who: Searcher,
    faire: Annotated[str, Form(max_length=12)],
    s: fields.Lists = None,
    de: fields.Reference = "",
    lot: fields.Word = "",
    retour: fields.Sentences = "",
) -> Response:
    """The buttons under a list; with nothing ticked, back to the list with an error next to the button."""
    back, wanted = _here(retour), facets.of_address(retour)
    if faire == "demander":
        return _ask(request, de, lot, back)
    chosen = list(dict.fromkeys(s or ()))[:WRITTEN]
    if not chosen:
        return _nothing(back, faire)
    if faire == "comparer":
        pairs = [("de", de), ("lot", lot), *(("s", siret) for siret in chosen[:COMPARED])]
        return render.go("/acheteur/comparer?" + urlencode([pair for pair in pairs if pair[1]]))
    owner = record_owner(request)
    if faire == "favoris":
        known = [snapshot_of(request).structure(siret).siret for siret in chosen]
        searches.set_aside(store_of(request), owner, known)
        return render.go("/acheteur/favoris")
    asked, _, answer = answer_of(request, de, lot, wanted)
    return _write(records.kept(request, owner, asked, answer, wanted), chosen)


def _ask(request: Request, de: str, lot: str, back: str) -> Response:
    """Keep the whole list, and prepare one message to all whose trade is unknown, as their facets are."""
    asked, _, answer = answer_of(request, de, lot)
    unknown = list(dict.fromkeys(one.siret for each in answer.lots for one in each.asking))
    if not unknown:
        return _nothing(back, "demander")
    made = records.kept(request, record_owner(request), asked, answer, facets.Chosen())
    return _write(made, unknown[:WRITTEN])


def _nothing(back: str, button: str) -> Response:
    return render.go(f"{back}{'&' if '?' in back else '?'}manque={quote(button)}#actions")


def _write(record: str, chosen: Sequence[str]) -> Response:
    """The message to some structures of a kept list."""
    return render.go(f"/acheteur/fiches/{record}/ecrire?{urlencode([('s', siret) for siret in chosen])}")


def _here(address: str) -> str:
    """An address of this site, else the form."""
    parts = urlsplit(address)
    own = not parts.scheme and not parts.netloc and parts.path.startswith("/acheteur")
    return f"{parts.path}?{parts.query}" if own and parts.query else parts.path if own else "/acheteur"


@router.get("/acheteur/comparer")
def compare(request: Request, who: Searcher, de: From = "", lot: Short = "", s: Ticked = None) -> Response:
    snapshot = snapshot_of(request)
    lots = answer_of(request, de, lot)[2].lots if de else ()
    # for a structure listed under two kinds, the better line is the one that was ticked
    matches = {match.structure.siret: match for each in reversed(lots) for match in reversed(each.matches)}
    chosen = [snapshot.structure(siret) for siret in list(dict.fromkeys(s or ()))[:COMPARED]]
    listed = [(one, matches.get(one.siret)) for one in chosen]
    shown = [_known(snapshot, match.structure if match else one, match) for one, match in listed]
    if not shown:
        raise NotFound("Cochez des structures dans une liste de résultats pour les comparer.")
    back = search.address(de, lot=lot) if de else "/acheteur/favoris"
    return render.page(request, "compare.html", shown=shown, back=back, de=de, lot=lot)


def _known(snapshot: Snapshot, structure: Structure, match: Match | None) -> Facts:
    """What is known of a structure, and its line for a need."""
    past = snapshot.past_contracts(structure.siret)
    known: Facts = {"s": structure, "past": past, "skills": skills.skills(structure, past[-8:])}
    known |= {"warnings": reasons.warnings(structure, match.eligible if match else None)}
    return {**known, "line": line(match) if match else None}


@router.get("/acheteur/favoris")
def favourites(request: Request, owner: RecordOwner) -> Response:
    known, sirets = snapshot_of(request).catalogue.known, searches.favourites(store_of(request), owner)
    shown = list(filter(None, map(known, sirets)))
    return render.page(request, "favourites.html", shown=shown, gone=len(sirets) - len(shown))


@router.post("/acheteur/favoris")
def set_aside(
    request: Request,
    form: CheckedForm,
    owner: RecordOwner,
    siret: Annotated[str, Form(max_length=14)],
    verdict: Annotated[str, Form(max_length=5)] = "oui",
    retour: fields.Sentences = "",
) -> Response:
    """Set a structure aside, or put it back."""
    if verdict == "non":
        searches.put_back(store_of(request), owner, siret)
    else:
        searches.set_aside(store_of(request), owner, [snapshot_of(request).structure(siret).siret])
    return render.go(_here(retour) if retour else "/acheteur/favoris")


@router.get("/acheteur/structure/{siret}")
def structure(request: Request, siret: str, who: Searcher, de: From = "", lot: Short = "") -> Response:
    """One structure for a buyer: references, trades, zone, capacity, state, contact, reasons."""
    snapshot = snapshot_of(request)
    shown = snapshot.structure(siret)
    shown = self_declared.over(shown, self_declared.read(store_of(request), shown.siret))
    explanation = None
    if de:
        asked = search.of(request, de)
        tender = search.taken(request, asked).tender
        numbers = [each.number for each in tender.lots]
        number = lot if lot in numbers else next(iter(numbers), "")
        told = snapshot.matcher.why(shown.siret, tender, number, filters=search.filters_of(asked))
        explanation = next(iter(told), None)
    match = explanation.match if explanation else None
    known = _known(snapshot, shown, match) | {"why": reasons.subjects(match.reasons) if match else ()}
    known |= {"others": [p for p in snapshot.catalogue.establishments_of(shown.siren) if p != shown.siret]}
    known |= {"favourite": _favourite(request, shown.siret), "explanation": explanation, "match": match}
    back = search.address(de, lot=lot) if de else "/acheteur/favoris"
    return render.page(request, "shown.html", back=back, de=de, **known)


def _favourite(request: Request, siret: str) -> bool | None:
    """Is it a favourite; None where this visitor has none."""
    try:
        return siret in searches.favourites(store_of(request), record_owner(request))
    except (Refused, MatcherError):
        return None


#: Heading, width in characters, and the cell of a line of a list.
COLUMNS: tuple[tuple[str, int, Callable[[lots.Line], Any]], ...] = (
    ("Lot", 6, lambda line: line.match.lot.number),
    ("À faire", 13, lambda line: line.mark),
    ("Structure", 34, lambda line: render.called(line.match.structure)),
    ("Type", 8, lambda line: line.match.structure.kind),
    ("Ville", 20, lambda line: render.town(line.match.structure.place)),
    ("Distance (km)", 10, lambda line: None if (km := line.match.distance_km) is None else round(km)),
    ("Métier", 44, lambda line: line.trade),
    ("Source du métier", 24, lambda line: line.by),
    ("Téléphone", 16, lambda line: line.match.structure.phone),
    ("Courriel", 30, lambda line: line.match.structure.email),
    ("Site", 30, lambda line: line.match.structure.website),
    ("SIRET", 17, lambda line: line.match.structure.siret),
    ("Notes", 50, lambda line: ""),
)


@router.get("/acheteur/liste.{format}")
def take(request: Request, format: str, who: Searcher, wanted: Facets, de: From, lot: Short = "") -> Response:
    if format not in ("csv", "xlsx"):
        raise NotFound("Une liste s'emporte en csv ou en xlsx.")
    _, found, answer = answer_of(request, de, lot, wanted)
    name = f"structures-{'-'.join(fold(found.tender.title).split())[:40]}-{date.today():%Y%m%d}.{format}"
    if format == "csv":
        return wire.attachment(spreadsheet.to_csv(_table(answer)), spreadsheet.CSV, name)
    facts = {"Besoin": found.tender.title, "Lieu": places_in_words(found.tender), "Date": date.today()}
    facts |= {"Limitée à": " ; ".join(wanted.words()) or "rien"}
    facts |= {"Mention": "Ordre de présentation, ne préjuge pas du choix."}
    widths = [width for _, width, _ in COLUMNS]
    listed = spreadsheet.Sheet(title="Structures", rows=_table(answer), widths=widths, **ARROWS)
    about = spreadsheet.Sheet(title="Recherche", rows=list(facts.items()), widths=(14, 100), heading=False)
    return wire.attachment(spreadsheet.to_xlsx(listed, about), spreadsheet.XLSX, name)


def _table(answer: Answer) -> Iterator[list[Any]]:
    yield [heading for heading, _, _ in COLUMNS]
    for match in (match for each in answer.lots for match in each.matches):
        yield [read(line(match)) for _, _, read in COLUMNS]


@router.get("/acheteur/imprimer")
def printed(request: Request, who: Searcher, wanted: Facets, de: From, lot: Short = "") -> Response:
    """The list on paper: where, when, what limits it, a legend, and room to write what was said."""
    _, found, answer = answer_of(request, de, lot, wanted)
    shown = [(each, [lots.line(match) for match in each.matches]) for each in answer.lots]
    about: Facts = {"tender": found.tender, "place": places_in_words(found.tender), "filters": wanted.words()}
    return render.page(request, "printed.html", shown=shown, several=len(found.tender.lots) > 1, **about)
