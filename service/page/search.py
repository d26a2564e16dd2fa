"""A buyer's search: its form fields, its address, and the tender it searches for."""

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Form, Request

from matcher import codec, domain
from matcher.domain import BadInput, Filters, Lot, LotNature, MatcherError, Place, Reservation, Tender
from matcher.reading.need import placed, sized_need
from matcher.records import searches
from matcher.reference import toponyms, trades
from matcher.reference.codes import cpv_label
from matcher.territory import programme
from service.access import store_of
from service.asked import Taken, from_bytes, from_need
from service.page import render
from service.page.fields import FieldErrors, Lists, Name, Word, euros
from service.snapshot import snapshot_of

NOTICE = "avis:"  # begins the reference of a published notice; any other reference is the id of a kept search
#: Code of an error -> the sentence for a visitor; any other error is shown as it is.
SENTENCES = {
    "empty": "Ce fichier est vide : déposez l'avis tel qu'il a été publié.",
    "unknown-format": "Ce fichier n'est pas un avis d'un format connu (BOAMP, eForms, TED, DECP, OCDS). "
    "Décrivez plutôt le besoin en quelques mots.",
    "not-a-call": "Cet avis n'est pas un appel à la concurrence (attribution, annulation…) : il n'y a rien à quoi "
    "répondre. Déposez l'avis d'appel.",
    "too-long": "Cet avis est trop long pour être gardé : déposez l'avis seul, sans ses annexes.",
    "busy": "Beaucoup de fichiers sont lus en ce moment : réessayez dans une minute.",
    "need-too-long": "Le texte est trop long : résumez le besoin en une page, ou déposez l'avis publié.",
}


PLANNED = "programme:"  # begins the reference of a line of a kept programme
TRADE = "metier:"  # begins the reference of a trade at a place, whose list is what the territory counts
#: What a lot buys, in words.
NATURES: Mapping[LotNature, str] = {
    "service": "Prestation de services", "supply": "Fournitures", "works": "Travaux",
    "studies": "Études, maîtrise d’œuvre", "operation": "Exploitation d’un service",
    "staff": "Personnel mis à disposition",
}  # fmt: skip
KEPT = 2_000_000  # characters of a notice that a search keeps


@dataclass(frozen=True, slots=True)
class Search:
    """A search: a need or a notice, filters, and the buyer's corrections of its interpretation."""

    need: str = ""
    place: str = ""
    notice_id: str = ""
    notice: Mapping[str, Any] | None = None  # a file's, as JSON
    kinds: tuple[str, ...] = ()
    radius: str = ""
    phrase: str = ""
    active: bool = False
    amount: str = ""  # estimated, of a need
    whole: bool = False  # one need, however many trades its words name
    trades: Mapping[str, str] = field(default_factory=dict)  # number of a lot -> trade, or cpv:CODE
    natures: Mapping[str, LotNature] = field(default_factory=dict)  # number of a lot -> what it buys
    reserved: Mapping[str, str] = field(default_factory=dict)  # number of a lot -> article, "" not reserved

    @property
    def narrowed(self) -> bool:
        return bool(self.kinds or self.radius or self.phrase or self.active)


def form(
    need: Annotated[str, Form()] = "",
    place: Name = "",
    notice_id: Name = "",
    kinds: Lists = None,
    radius: Annotated[str, Form(max_length=10)] = "",
    phrase: Name = "",
    active: Annotated[str, Form(max_length=5)] = "",
    amount: Word = "",
) -> Search:
    return Search(need, place, notice_id, None, tuple(kinds or ()), radius, phrase, bool(active), amount)


def kept(request: Request, search: Search) -> str:
    """Keep a search; returns its reference."""
    return searches.keep(store_of(request), asdict(search))


def of(request: Request, reference: str) -> Search:
    """The search of a reference.  Raises NotFound."""
    if reference.startswith(NOTICE):
        return Search(notice_id=reference.removeprefix(NOTICE))
    if reference.startswith(TRADE):
        return of_trade(*reference.removeprefix(TRADE).split(":", 2))
    if reference.startswith(PLANNED):
        return of_programme(request, *reference.removeprefix(PLANNED).split(":", 1))
    asked = searches.read(store_of(request), reference)
    if studied := asked.get("potential"):  # the list behind the numbers of a potential: the same need
        asked = {**studied, "whole": True}
    given: dict[str, Any] = {f.name: asked[f.name] for f in fields(Search) if f.name in asked}
    return replace(Search(**given), kinds=tuple(given.get("kinds", ())))


def of_trade(name: str, place: str = "", radius: str = "") -> Search:
    """The search of a trade at a place, within some kilometres.  Raises NotFound on an unknown trade."""
    label = next((trade.label for trade in trades.trades() if trade.name == name), "")
    if not label:
        raise domain.NotFound("Ce métier n'existe pas : choisissez-en un sur la carte.")
    return Search(need=label, place=place, radius=radius, whole=True)


def of_programme(request: Request, reference: str, line: str = "") -> Search:
    """The search of a line of a kept programme, whose list its page counts.  Raises NotFound."""
    table = searches.read(store_of(request), reference).get("programme")
    lines = programme.read(base64.b64decode(table["data"]), table["name"])[0] if table else []
    for where, _, tender, _given in lines:
        if where == line:
            return Search(notice=codec.to_json(tender))
    raise domain.NotFound("Ce programme n'a pas cette ligne : revenez à sa page.")


def address(reference: str, pairs: Sequence[tuple[str, str]] = (), **query: object) -> str:
    """The address of the results of a reference; empty values are left out."""
    notice = reference.startswith(NOTICE)
    named = {"avis": reference.removeprefix(NOTICE), **query} if notice else query
    given = ((name, value) for name, value in (*named.items(), *pairs) if value not in ("", None, False))
    asked = "&".join(f"{name}={quote(str(value))}" for name, value in given)
    path = "/acheteur" if notice else f"/acheteur/r/{quote(reference)}"
    return f"{path}?{asked}" if asked else path


def filters_of(search: Search) -> Filters:
    """The filters of the form.  Raises FieldErrors on a radius that is no number."""
    wrong = FieldErrors({"radius": "Le rayon est un nombre de kilomètres : corrigez-le ou laissez-le vide."})
    try:
        radius = float(search.radius.replace(",", ".")) if search.radius.strip() else None
    except ValueError:
        raise wrong from None
    if radius is not None and not 0 <= radius <= 20_000:
        raise FieldErrors({"radius": "Le rayon est compris entre 0 et 20 000 km."})
    families = {k for name in search.kinds if name in render.FAMILIES for k in render.FAMILIES[name][1]}
    kinds, phrases = tuple(sorted(families)), (search.phrase,) if search.phrase.strip() else ()
    return Filters(kinds=kinds, radius_km=radius, phrases=phrases, active_only=search.active)


def of_file(search: Search, data: bytes, name: str) -> Search:
    """The search with the notice of a file.  Raises FieldErrors, in French."""
    try:
        found = from_bytes(data, name, None, _where(search))
    except (toponyms.Homonyms, FieldErrors):
        raise
    except MatcherError as error:
        raise FieldErrors({"file": SENTENCES.get(getattr(error, "code", ""), str(error))}) from None
    notice = codec.to_json(found.tender)
    if len(json.dumps(notice)) > KEPT:
        raise FieldErrors({"file": SENTENCES["too-long"]})
    return replace(search, notice=notice, notice_id="")


def taken(request: Request, search: Search) -> Taken:
    """The tender that a search asks about, as its buyer corrected it.  Raises MatcherError, Refused."""
    snapshot, where = snapshot_of(request), _where(search)
    if search.notice:
        found = Taken(placed(codec.from_json(Tender, search.notice), where))
    elif search.notice_id:
        found = Taken(placed(snapshot.notice(search.notice_id), where))
    elif not any(c.isalpha() for c in search.need):
        raise FieldErrors({"need": "Dites en quelques mots ce qui est à faire, ou déposez un avis."})
    else:
        found = from_need(search.need, where, request.app.state.settings.max_need, whole=search.whole)
        amount = euros(search.amount, "Montant estimé", "amount")
        found = replace(found, tender=sized_need(found.tender, amount))
    lots = tuple(_corrected(lot, search) for lot in found.tender.lots)
    return replace(found, tender=replace(found.tender, lots=lots))


def meaning(chosen: str) -> tuple[tuple[str, ...], str] | None:
    """The trades and the code that a buyer said is meant (a trade, or "cpv:" and digits), or None."""
    if re.fullmatch(r"cpv:\d{8}", chosen) and cpv_label(code := chosen[4:]):
        return tuple(filter(None, [trades.trade_of_cpv(code)])), code
    return ((chosen,), "") if chosen in {trade.name for trade in trades.trades()} else None


def _corrected(lot: Lot, search: Search) -> Lot:
    if meant := meaning(search.trades.get(lot.number, "")):
        named, code = meant
        lot = replace(lot, trades=named)
        lot = replace(lot, cpv=(code,), inferred=()) if code else lot
    if nature := next((one for one in NATURES if one == search.natures.get(lot.number)), None):
        lot = replace(lot, nature=nature)
    if lot.number in search.reserved:
        article = search.reserved[lot.number]
        known = article in render.RESERVED_TO
        lot = replace(lot, reservation=Reservation(articles=(article,), origin="typed") if known else None)
    return lot


def _where(search: Search) -> tuple[Place, ...]:
    """The places typed in the form.  Raises Homonyms, and FieldErrors in French where none is called so."""
    try:
        return toponyms.asked(search.place, search.need)
    except toponyms.Homonyms:
        raise
    except BadInput as error:
        many = f"Trop de lieux à la fois : {toponyms.MOST} au plus, ou le département qui les contient."
        unknown = isinstance(error, toponyms.UnknownPlace)
        raise FieldErrors({"place": render.sentence(error) if unknown else many}) from None
