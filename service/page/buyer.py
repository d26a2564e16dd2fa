"""The buyer's search: a need or a notice, the structures of each lot, groups, each at an address."""

import re
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from sqlalchemy.exc import SQLAlchemyError

from matcher.domain import Answer, Match, MatcherError, NotFound, Place, Tender
from matcher.partners import relaunch
from matcher.reading.procedure import closing, open_at
from matcher.records import facilitators, self_declared
from matcher.reference import places, toponyms, trades
from matcher.reference.text import fold
from service.access import store_of
from service.asked import Taken, from_need
from service.page import facets, fields, lots, render, search
from service.page.fields import Asked, From, Short, Word, problems_of
from service.page.render import Facts
from service.page.search import NOTICE, Search
from service.page.visitor import AtHome, Searcher
from service.problems import Refused
from service.snapshot import Snapshot, snapshot_of

router = APIRouter()
MOST = 1_000  # most structures of a lot that a page lists
SHOWN = 6  # structures of a lot among several
LOTS = 6  # lots of a page
TOGETHER = 8  # most lots for which groups are shown immediately; beyond, on demand
EXAMPLES = 3  # needs to try, on the home
#: Needs that a catalogue may answer, in the order in which they are tried.
TRIED = (
    "Entretien des espaces verts d'une école",
    "Nettoyage de bureaux, deux fois par semaine",
    "Traiteur pour un séminaire de 80 personnes",
    "Mise sous pli de 5 000 courriers",
    "Blanchisserie du linge d'une crèche",
    "Peinture de salles de classe",
    "Collecte de papiers de bureau",
)
RECENT = 6  # notices proposed on the empty form

SearchForm = Annotated[Search, Depends(search.form)]


def facet_query(request: Request, tri: Annotated[str, Query(max_length=10)] = "") -> facets.Chosen:
    asked = request.query_params
    return facets.chosen({name: asked.getlist(name) for name in facets.NAMES}, tri)


Facets = Annotated[facets.Chosen, Depends(facet_query)]
Page = Annotated[int, Query(ge=1, le=1000)]


@dataclass(frozen=True)
class View:
    """What of some results is shown: a page of lots, the groups, one lot, all of it; what was missing."""

    page: Page = 1
    vue: Short = ""
    lot: Short = ""
    tout: Short = ""
    manque: Short = ""


Shown = Annotated[View, Depends()]


@router.get("/")
def home(request: Request, who: AtHome) -> Response:
    serving = request.app.state.serving
    recent = _recent(serving.current) if serving.current else ([], True)
    shown = {"recent": recent, "examples": examples_of(serving.current) if serving.current else []}
    return render.page(request, "home.html", search=Search(), de="", refusal=serving.refusal, **shown)


def examples_of(snapshot: Snapshot) -> list[tuple[str, str]]:
    """Needs with a place that this catalogue answers, to try the service by: at most `EXAMPLES`."""

    def find() -> list[tuple[str, str]]:
        towns = Counter(snapshot.catalogue.of_structure("town").tolist())
        unused = {town: place for town, _ in towns.most_common(6) if town and (place := _placed(town))}
        shown: list[tuple[str, str]] = []
        for words in TRIED:
            tenders = ((town, from_need(words, [place], 1_000).tender) for town, place in unused.items())
            answered = (
                t for t, asked in tenders if snapshot.matcher.match(asked, 1, groups=0).lots[0].likely
            )
            if len(shown) < EXAMPLES and (town := next(answered, None)):
                shown.append((words, town))
                del unused[town]
        return shown

    return snapshot.once("examples", find)


def _placed(town: str) -> Place | None:
    """The place of a town's name; None where it has namesakes or none."""
    try:
        return next(iter(toponyms.asked(town, "")), None)
    except MatcherError:
        return None


def _recent(snapshot: Snapshot) -> tuple[list[Tender], bool]:
    """The newest notices that are open; where none is, the newest of all.  And whether they are open."""
    moment = datetime.now(UTC)

    def found() -> tuple[list[Tender], bool]:
        listed = snapshot.answerable()
        still = [t for t in listed if open_at(closing(t), t.published, moment)]
        return (still or listed)[:RECENT], bool(still)

    return snapshot.for_a_minute("recent", found)


@router.get("/acheteur")
def notice(
    request: Request, who: Searcher, wanted: Facets, view: Shown, avis: Asked = "", modifier: From = ""
) -> Response:
    """The form; or the results of a published notice."""
    if avis:
        return _results(request, NOTICE + avis, wanted, view)
    shown = search.of(request, modifier) if modifier else Search()
    return _form(request, shown, modifier)


@router.get("/acheteur/lieux")
def towns(who: Searcher, q: Annotated[str, Query(max_length=100)] = "") -> list[str]:
    """Communes whose name begins like this, to complete a place, with their departments."""
    found = places.search_commune(q.strip(), limit=8)
    return [f"{commune.name} ({commune.department})" for commune in found]


@router.get("/acheteur/r/{reference}")
def kept(request: Request, who: Searcher, reference: str, wanted: Facets, view: Shown) -> Response:
    """The results of a kept search, readable by anyone with its address."""
    return _results(request, reference, wanted, view)


@router.post("/acheteur")
def ask(
    request: Request, who: Searcher, asked: SearchForm, file: fields.File = None, de: fields.Reference = ""
) -> Response:
    """Keep the search, then redirect to its own address, so that back, reload and bookmarks work."""
    snapshot = snapshot_of(request)
    try:
        number = re.sub(r"\s", "", asked.need)
        if re.fullmatch(r"[0-9]{14}", number):  # a SIRET: the structure itself
            return render.go(f"/acheteur/structure/{snapshot.structure(number).siret}")
        if de:  # the notice of the modified search is kept, unless another is sent
            before = search.of(request, de)
            asked = replace(asked, notice=before.notice, notice_id=before.notice_id)
        data, name = (file.file.read(), file.filename or "avis") if file else (b"", "")
        if data.strip() or (name and not asked.need.strip()):
            asked = search.of_file(asked, data, name)
        return _keep(request, asked)
    except (MatcherError, Refused) as error:
        return _again(request, asked, de, error)


def _keep(request: Request, asked: Search, lot: str = "") -> Response:
    """To the results of a search that is kept once it is validated; raises what its visitor must correct."""
    search.filters_of(asked)
    search.taken(request, asked)
    return render.go(search.address(search.kept(request, asked), lot=lot))


@dataclass(frozen=True)
class Correction:
    """What a buyer says of what was read of a lot, or of the whole need."""

    lot: Word = ""
    metier: Word = ""
    nature: Annotated[str, Form(max_length=20)] = ""
    reserve: Annotated[str | None, Form(max_length=20)] = None
    entier: Annotated[str, Form(max_length=5)] = ""
    place: Annotated[str | None, Form(max_length=200)] = None


Corrected = Annotated[Correction, Depends()]


@router.post("/acheteur/corriger")
def correct(request: Request, who: Searcher, de: fields.Reference, given: Corrected) -> Response:
    """« Ce n'est pas ça »: the search with the buyer's correction, at its own address."""
    asked, lot = search.of(request, de), given.lot
    if search.meaning(given.metier):
        asked = replace(asked, trades={**asked.trades, lot: given.metier})
    if buys := next((name for name in search.NATURES if name == given.nature), None):
        asked = replace(asked, natures={**asked.natures, lot: buys})
    if given.reserve is not None:
        asked = replace(asked, reserved={**asked.reserved, lot: given.reserve})
    if given.entier:
        asked = replace(asked, whole=given.entier == "oui", trades={}, natures={}, reserved={})
        lot = ""
    if given.place is not None:
        asked = replace(asked, place=given.place)
    try:
        return _keep(request, asked, lot)
    except (MatcherError, Refused) as error:
        return _again(request, asked, de, error)


def _again(request: Request, asked: Search, de: str, error: MatcherError | Refused) -> Response:
    """The form with its errors, and the choices for an ambiguous place."""
    if isinstance(error, toponyms.Homonyms):
        several = f"Plusieurs lieux s'appellent « {error.words[:60]} »"
        problems = {"place": f"{several} : précisez le département ou le code postal."}
        return _form(request, asked, de, 422, problems=problems, choices=error.choices)
    sentence = search.SENTENCES.get(getattr(error, "code", "")) or render.SENTENCES.get(type(error))
    problems = {"need": sentence} if sentence else problems_of(error, "need")
    status = error.status if isinstance(error, Refused) else 422
    return _form(request, asked, de, status, problems=problems)


def _form(request: Request, shown: Search, de: str = "", status: int = 200, **form: Any) -> Response:
    recent = _recent(snapshot_of(request)) if not de else ()
    facts = {"search": shown, "recent": recent, "de": de, "choices": (), **form}
    return render.page(request, "search.html", status, **facts)


@router.get("/acheteur/relance")
def again(request: Request, who: Searcher, de: From, lot: Short = "") -> Response:
    """What to do about the reserved lots of a notice or need, or about one lot, that got no answer."""
    matcher = snapshot_of(request).matcher
    tender = search.taken(request, search.of(request, de)).tender
    shown = {"tender": tender, "de": de, "address": search.address, "most": relaunch.MEMBERS}
    found = relaunch.relaunch(matcher, tender, lot or None)
    return render.page(request, "relaunch.html", found=found, **shown)


def answer_of(
    request: Request, reference: str, number: str = "", wanted: facets.Chosen | None = None
) -> tuple[Search, Taken, Answer]:
    """The search of a reference, its tender, and the answer to one lot or all, narrowed as its page is."""
    asked = search.of(request, reference)
    found = search.taken(request, asked)
    chosen = tuple(lot for lot in found.tender.lots if lot.number == number) or found.tender.lots
    answer = _answer(request, asked, replace(found.tender, lots=chosen), MOST, 0)
    return asked, found, facets.of_answer(answer, wanted or facets.Chosen())


def _answer(request: Request, asked: Search, tender: Tender, most: int, groups: int) -> Answer:
    """The answer with what its structures declare now: a new telephone is called at once, the ranking follows by night.

    A store that does not answer leaves what the catalogue says: a list is read without it.
    """
    matcher = snapshot_of(request).matcher
    answer = matcher.match(tender, most, filters=search.filters_of(asked), groups=groups)
    words: Mapping[str, self_declared.Declared] = {}
    with suppress(MatcherError, SQLAlchemyError):
        shown = {m.structure.siret for each in answer.lots for m in each.matches}
        words = self_declared.declared_of(store_of(request), shown)

    def now(match: Match) -> Match:
        declared = words.get(match.structure.siret)
        return replace(match, structure=self_declared.over(match.structure, declared)) if declared else match

    lots_ = (replace(each, matches=tuple(map(now, each.matches))) for each in answer.lots)
    return replace(answer, lots=tuple(lots_)) if words else answer


def _results(request: Request, reference: str, wanted: facets.Chosen, view: View) -> Response:
    asked, lot = search.of(request, reference), view.lot
    found = search.taken(request, asked)
    common: Facts = {"search": asked, "found": found, "tender": found.tender, "de": reference}
    # the commune that a misspelt name was corrected to
    first = next((place for each in found.tender.lots[:1] for place in each.places), None)
    corrected = first and first.commune and asked.place.strip() and not toponyms.spelt(asked.place)
    common |= {
        "place": places_in_words(found.tender),
        "understood": _named(first) if first and corrected else "",
    }
    known = facilitators.read()[0]
    where = (p for each in found.tender.lots[:20] if known for p in toponyms.of_lot(each, found.tender)[0])
    near = dict.fromkeys(one.shown() for place in where for one in facilitators.of(place, known))
    common |= {"facilitators": list(near), "missing": view.manque}
    common |= {"feed": "" if asked.notice_id else f"/acheteur/alerte/{quote(reference)}"}
    common |= {"address": search.address, "known_trades": trades.trades()}
    if lot and lot not in {each.number for each in found.tender.lots}:
        raise NotFound(f"Cet avis n'a pas de lot {lot[:20]}.")
    if lot or len(found.tender.lots) == 1:
        return _lot(request, wanted, lot, bool(view.tout), common)
    return _lots(request, view, common)


def _lot(request: Request, wanted: facets.Chosen, number: str, everything: bool, common: Facts) -> Response:
    """One lot: its list by level, facets, map."""
    reference, asked, tender = common["de"], common["search"], common["tender"]
    chosen = next((each for each in tender.lots if each.number == number), tender.lots[0])
    groups = 3 if len(tender.lots) == 1 else 0
    whole = _answer(request, asked, replace(tender, lots=(chosen,)), MOST, groups)
    (answer,) = whole.lots
    request.app.state.metrics.nobody.inc(int(answer.nobody))
    lines = [lots.line(match) for match in answer.matches]
    kept = facets.narrowed(lines, wanted)
    call = [each for each in kept if each.match.level != "plausible"]
    check = [each for each in kept if each.match.level == "plausible"]
    most = MOST if everything else lots.OPEN
    drawn = [*call[:most], *check[:most]]

    answer = facets.of_asking(answer, wanted)
    listed: Facts = {"call": call, "check": check, "most": most, "because": lots.plausible_because(check)}
    listed |= {"rest": lots.examined(answer), "hours": answer.by_clause}
    listed |= {"potential": lots.potential(answer.matches) if not chosen.reservation else ()}
    mapped: Facts = {"numbers": {each.match.structure.siret: n for n, each in enumerate(drawn, 1)}}
    mapped |= {"chart": lots.chart(chosen, drawn)}
    choices: Facts = {"facets": facets.counted(lines, wanted), "chosen": wanted}
    of_lot: Facts = {"answer": answer, "lot": chosen, "number": number, "several": len(tender.lots) > 1}
    of_lot |= {"read": lots.understood(answer, chosen.number in asked.trades)}
    of_lot |= {"teams": [lots.team_view(team, whole) for team in whole.consortia]}
    taken = urlencode([("de", reference), *([("lot", number)] if number else []), *wanted.query()])
    facts = {**common, **of_lot, **listed, **mapped, **choices}
    return render.page(request, "results.html", taken=taken, **facts)


def _lots(request: Request, view: View, common: dict[str, Any]) -> Response:
    """Several lots: the first of each, and the groups over all."""
    asked, tender = common["search"], common["tender"]
    all_lots = tender.lots
    pages = max(1, -(-len(all_lots) // LOTS)) if len(all_lots) > TOGETHER else 1
    page = min(view.page, pages)
    shown = all_lots if pages == 1 else all_lots[(page - 1) * LOTS : page * LOTS]
    together = pages == 1 or view.vue == "groupes"
    compared = replace(tender, lots=all_lots if together else shown)
    whole = _answer(request, asked, compared, SHOWN, 3 if together else 0)
    numbers = {each.number for each in shown}
    answers = [each for each in whole.lots if each.lot.number in numbers] if view.vue != "groupes" else []
    request.app.state.metrics.nobody.inc(sum(each.nobody for each in answers))
    views = [
        {"answer": each, "lines": [lots.line(m) for m in each.matches], "lot": each.lot}
        | {"read": lots.understood(each, each.lot.number in asked.trades)}
        for each in answers
    ]
    teams = [lots.team_view(team, whole) for team in whole.consortia]
    shown_: Facts = {"views": views, "teams": teams, "pages": pages, "page": page, "view": view.vue}
    taken = urlencode({"de": common["de"]})
    return render.page(request, "lots.html", per_page=LOTS, taken=taken, **shown_, **common)


def places_in_words(tender: Tender) -> str:
    """The places of work as understood: stated, read in the text, or by default the buyer's town."""
    places_ = (p for lot in tender.lots[:20] for p in (lot.places or toponyms.of_lot(lot, tender)[0]))
    return ", ".join(dict.fromkeys(where for p in places_ if (where := _named(p))))


def _named(place: Place) -> str:
    """A place with its department, since names are ambiguous."""
    label, department = place.label, place.department or ""
    known = places.department(department)
    if not label or not known or fold(known.name) == fold(label) or any(c.isdigit() for c in label):
        return label or (f"{known.name} ({department})" if known else department)
    return f"{label} ({department})"
