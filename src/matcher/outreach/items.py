"""The lines of a digest."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from operator import attrgetter
from typing import Any
from urllib.parse import urlsplit

from cachetools import LRUCache, cachedmethod
from sqlalchemy import RowMapping, select

from matcher import codec
from matcher.catalogue.catalogue import Catalogue
from matcher.domain import BadInput, Lot, LotAnswer, Match, Place, Reached, Reason, Structure, Tender
from matcher.learned import asks
from matcher.matching.reasons import clause_in_words, sentences
from matcher.matching.standing import CHECK, LENT
from matcher.outreach import changes
from matcher.outreach.changes import LEVEL, Case, Change
from matcher.records import facilitators
from matcher.records.store import Store
from matcher.records.tables import Found
from matcher.reference import law, places
from matcher.reference.amounts import lasting_in_words, stated_in_words
from matcher.reference.french import counted
from matcher.reference.naming import as_written
from matcher.reference.text import fold, shorten

#: Notices that announce what nobody can answer yet.
PRIOR: frozenset[str] = frozenset({"prior", "project"})
#: How a structure may come in without taking the lot.
BY_CLAUSE = (
    "Par la clause : ce lot demande des heures d'insertion à qui le prendra. {}. Proposez-vous aux entreprises du "
    "métier qui y répondent, ou signalez-vous au facilitateur de la clause."
)
TRADES_TOLD = 3  # of a lot, largest first
PARTNERS = 12  # structures of a lot among which partners are sought


@dataclass(frozen=True, slots=True)
class News:
    """A lot to announce: for the first time, as corrected, as cancelled, or in a wave."""

    notice_id: str
    lot_id: str
    chance: float
    kind: str  # "notice", "correction", "cancellation", "wave"
    level: str = "likely"  # "clause": to carry hours of it; "plausible": to be verified
    changed: Sequence[Change] = ()  # since it was announced


class ItemWriter:
    """Writes the items of digests: a lot in words, and whether to answer alone or with whom."""

    def __init__(self, store: Store, catalogue: Catalogue, open_cases: Mapping[str, Case]) -> None:
        self._store, self._catalogue, self._cases = store, catalogue, open_cases
        self._firsts: LRUCache[str, dict[str, list[Match]]] = LRUCache(maxsize=500)
        self._lots: LRUCache[tuple[str, str], dict[str, Any]] = LRUCache(maxsize=5_000)
        self._lacked: LRUCache[tuple[str, str], Mapping[str, Sequence[str]]] = LRUCache(maxsize=500)
        self._found: dict[tuple[str, str, str], RowMapping] = {}

    def read(self, wanted: Mapping[str, Sequence[News]]) -> None:
        """Read the matches of some structures, by SIRET, whose items are written next."""
        notices = {one.notice_id for news in wanted.values() for one in news}
        columns = (Found.siret, Found.notice_id, Found.lot_id, Found.detail, Found.probability)
        chosen = select(*columns, Found.score, Found.rank, Found.versions)
        chosen = chosen.where(Found.siret.in_(wanted), Found.notice_id.in_(notices))
        rows = self._store.ask(chosen).mappings().all()
        self._found = {(row["siret"], row["notice_id"], row["lot_id"]): row for row in rows}

    def item(self, structure: Structure, news: News) -> dict[str, Any]:
        """The line of a lot for a structure; its match was read."""
        facts = self._lot(news.notice_id, news.lot_id)
        found = self._found.get((structure.siret, news.notice_id, news.lot_id))
        nothing = {"reasons": [], "shown": 0, "distance_km": None}
        detail: dict[str, Any] = dict(found["detail"]) if found else nothing
        # how it comes in by the clause is said once, in its own line
        lent = ("likely_role",) if news.level == "clause" else ()
        reasons = (
            codec.from_json(Reason, r)
            for r in detail["reasons"]
            if r["contribution"] > 0 and r.get("tells", True) and r["code"] not in lent
        )
        alone, partners = "", list[dict[str, Any]]()
        if news.level == "clause":
            ways = (r["text"] for r in detail["reasons"] if r["code"].startswith("clause-"))
            alone = BY_CLAUSE.format(next(ways, ""))
        elif found:
            alone, partners = self._alone(structure, news, detail)
        stored = {name: found[name] if found else None for name in ("probability", "score", "rank")}
        contributions = [{k: r[k] for k in ("code", "text", "contribution")} for r in detail["reasons"]]
        told = {"kind": news.kind, "level": news.level, "shown": detail["shown"]}
        told |= {"distance_km": detail["distance_km"], "reasons": list(sentences(reasons, 4))}
        told |= {"contributions": contributions, "alone": alone, "partners": partners}
        told |= {"changes": list(changes.sentences(news.changed))}
        return facts | stored | told | {"versions": found["versions"] if found else {}}

    @cachedmethod(attrgetter("_lots"))
    def _lot(self, notice_id: str, lot_id: str) -> dict[str, Any]:
        """What a lot says to whomever it is announced."""
        tender, lot = self._cases[notice_id].tender, self._cases[notice_id].lot(lot_id)
        assert lot is not None
        deadline = lot.deadline or tender.deadline
        number = lot.number.strip(" -–:.")
        number = number if fold(number).startswith("lot") else f"Lot {number}"
        contact, documents = tender.contact, tender.documents_url
        home = documents.startswith(("https://", "http://")) and not _link(documents)
        near = facilitators.of(lot.places[0] if lot.places else tender.buyer.place)
        words = _without(" ".join((lot.description or tender.description).split()), number, lot.title)
        # what the notice says beyond its titles: a title may be no more than a reference
        repeats = _letters(words) in {_letters(lot.title), _letters(tender.title)} or len(words) < 20
        stated = lot.reservation.stated if lot.reservation else ""
        unstated = "Lot réservé, article non précisé : voir le règlement"
        reserved = f"Lot réservé ({stated})" if stated else unstated
        duty = law.social_duty(tender, lot)  # what the law makes due is attributed to the law
        clauses = " ; ".join(dict.fromkeys(map(clause_in_words, lot.clauses))) or (duty.short if duty else "")
        where = ", ".join(filter(None, dict.fromkeys(map(_place_name, lot.places))))
        home_of = tender.buyer.place and _place_name(tender.buyer.place)
        named = {
            "lot": number if len(tender.lots) > 1 else "Marché à lot unique",
            "title": shorten(lot.title or tender.title, 200),
            "notice_title": shorten(tender.title, 200),
            "text": "" if repeats else shorten(words, 240),
            "trades": ", ".join(part.label for part in asks.of_lot(lot, tender).parts[:TRADES_TOLD]),
            "place": where or (f"lieu non précisé ; acheteur à {home_of}" if home_of else ""),
            "facilitators": [f.shown() for f in near],
        }
        dated = {
            "published": tender.published.isoformat() if tender.published else None,
            "deadline": deadline.isoformat() if deadline else None,
            "duration": lasting_in_words(lot),
        }
        links = {
            "documents_url": _link(documents),
            "profile": f"à chercher sur le profil d'acheteur, {documents}" if home else "",
            "url": _link(tender.url),
            "contact": ", ".join(filter(None, (contact.name, contact.email, contact.phone))),
        }
        asked = {
            "amount": stated_in_words(lot),
            "cpv": list(lot.cpv),
            "prior": tender.nature in PRIOR,
            "procedure": tender.procedure,
            "limits": _limits(tender),
            "reservation": reserved if lot.reservation else "",
            "clauses": clauses[:1].upper() + clauses[1:],
            "conditions": list(_conditions(lot)),
        }
        edition = len(self._cases[notice_id].changes)
        ids = {"notice_id": notice_id, "lot_id": lot_id, "edition": edition, "buyer": tender.buyer.name}
        return ids | named | dated | links | asked

    def _alone(
        self, structure: Structure, news: News, detail: Mapping[str, Any]
    ) -> tuple[str, list[dict[str, Any]]]:
        """In words: alone, or with whom for what; the partners as data.  As the list of opportunities says it."""
        from matcher.matching.groups import consortium

        case = self._cases[news.notice_id]
        if case.tender.nature in PRIOR:
            return "Rien à remettre encore : dites votre intérêt à l'acheteur, ou préparez un groupement.", []
        lacking, size, wide = detail.get("lacking", []), detail.get("size", ""), _wide(case.lot(news.lot_id))
        small, unsure = detail.get("small"), detail.get("unsure")
        if detail.get("lends"):
            return f"{LENT[:1].upper()}{LENT[1:]}.", []
        if unsure:
            return f"{CHECK[:1].upper()}{CHECK[1:]} : {unsure}.", []
        if not (lacking or small or wide):
            return f"Seule ou en groupement ({size})." if size else "Vous pouvez répondre seule.", []
        why = f"Il manque : {', '.join(lacking)}" if lacking else size if small else wide
        of_lot = (a for a in self._answer_of(news.notice_id, structure) if a.lot.id == news.lot_id)
        mine = [a for a in of_lot if any(m.structure.siren == structure.siren for m in a.matches)]
        rules: dict[str, Any] = {"n": 1, "max_members": 4, "solver": "greedy", "seconds": 0.5}
        team = None
        with suppress(BadInput):  # none is found
            teams = (
                consortium.recommend(mine, tender=case.tender, imposed=[structure], **rules) if mine else ()
            )
            team = next(iter(teams), None)
        others = [m for m in team.members if m.structure.siren != structure.siren] if team else []
        if lacking:  # whoever lacks all of it too is no help
            lacks = self._lacks(news.notice_id, news.lot_id)
            others = [m for m in others if not set(lacking) <= set(lacks.get(m.structure.siret, ()))]
        who = "siret=structure.siret, name=structure.name, kind=structure.kind, why=reason"
        partners = [codec.flat(m, who) | {"lots": list(m.lots)} for m in others]
        towns = ((as_written(m.structure.name), m.structure.place.label) for m in others[:3])
        named = " ; ".join(", ".join(filter(None, each)) for each in towns)
        example = f", par exemple avec : {named}" if named else ""
        return f"{why[:1].upper()}{why[1:]}. À répondre en groupement{example}.", partners

    @cachedmethod(attrgetter("_lacked"))
    def _lacks(self, notice_id: str, lot_id: str) -> Mapping[str, Sequence[str]]:
        """What the structures of a lot lack of it, by SIRET."""
        lot = (Found.notice_id == notice_id, Found.lot_id == lot_id)
        rows = self._store.ask(select(Found.siret, Found.detail["lacking"].label("lacking")).where(*lot))
        return {row.siret: row.lacking or () for row in rows}

    def _answer_of(self, notice_id: str, structure: Structure) -> list[LotAnswer]:
        """The stored matches of a notice as answers: the first PARTNERS of each lot, and the structure itself."""
        held = self._first_of(notice_id)
        own = self._matches(notice_id, Found.siret == structure.siret)
        result, tender = [], self._cases[notice_id].tender
        for lot in tender.lots:
            matches = [*held.get(lot.id, ())]
            matches += [m for m in own.get(lot.id, ()) if m.rank > PARTNERS]
            if matches:
                result.append(LotAnswer(lot=lot, matches=tuple(matches), asked=asks.of_lot(lot, tender)))
        return result

    @cachedmethod(attrgetter("_firsts"))
    def _first_of(self, notice_id: str) -> dict[str, list[Match]]:
        return self._matches(notice_id, (Found.rank <= PARTNERS) & (LEVEL == "likely"))

    def _matches(self, notice_id: str, which: Any) -> dict[str, list[Match]]:
        case = self._cases[notice_id]
        by_lot: dict[str, list[Match]] = defaultdict(list)
        chosen = select(Found.__table__).where(Found.notice_id == notice_id, which)
        rows = self._store.ask(chosen.order_by(Found.lot_id, Found.rank)).mappings().all()
        for row in rows:
            lot, structure = case.lot(row["lot_id"]), self._catalogue.known(row["siret"])
            if lot is not None and structure is not None:
                reasons = tuple(codec.from_json(Reason, reason) for reason in row["detail"]["reasons"])
                reach, may = Reached(kilometres=row["detail"]["distance_km"]), row["detail"]["eligible"]
                given: dict[str, Any] = {name: row[name] for name in ("score", "probability", "rank")}
                given |= {"reasons": reasons, "reach": reach, "eligible": may}
                by_lot[lot.id].append(Match(lot=lot, structure=structure, offer=None, **given))
        return by_lot


def _without(text: str, *beginnings: str) -> str:
    """A text without these words and the mark after them at its beginning: they stand above it."""
    for begun in beginnings:
        whole = re.match(rf"{re.escape(begun)}\s*[-–—:.,;]\s*", text, re.IGNORECASE)
        text = text[whole.end() :] if begun and whole else text
    return text[:1].upper() + text[1:]


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, fold(text)))


LONGEST_PLACE = 80  # characters: what is longer describes the work, not where it is
# to elsewhere
REFERENCE = re.compile(r"(?i)\b(?:voir|cf|se reporter)\b|\b[ivx]+\.\d|\b(?:cctp|ccap|rubrique|annexe)\b")
MANY_DEPARTMENTS = 3


def _place_name(place: Place) -> str:
    label, commune = place.label.strip(" ."), places.commune(place.commune or "")
    if len(label) > LONGEST_PLACE or REFERENCE.search(label):
        label = commune.name if commune else ""
    area = places.department(place.department or "")
    return label or (f"{area.name} ({area.code})" if area else places.regions().get(place.region or "", ""))


def _wide(lot: Lot | None) -> str:
    """Why a lot is too wide for one structure, in French; "" where it is not, or its place is unknown."""

    def vast(place: Place) -> bool:
        """Whether a place is a region or the country; one whose name is not understood may be a street."""
        area = any(places.area_named(place.label.strip(" ."))) or "france" in fold(place.label)
        return not place.department and (area or not place.label)

    where = lot.places if lot else ()
    many = len({place.department for place in where}) > MANY_DEPARTMENTS
    return "marché national ou régional" if many or (where and all(map(vast, where))) else ""


def _conditions(lot: Lot) -> Iterator[str]:
    """What the notice imposes, each passage once; limits on lots have a line of their own."""
    imposed = [one for one in lot.conditions if one.code != "lots-limit"]
    for passage in dict.fromkeys(one.passage or one.label for one in imposed):
        labels = [one.label for one in imposed if passage in (one.passage, one.label)]
        yield " ; ".join(labels) + ("" if passage in labels else f" : « {shorten(passage, 120)} »")


def _limits(tender: Tender) -> str:
    """For how many of its lots one candidate may tender, or be retained, where the notice limits them."""
    given, won = (
        most if most and most < len(tender.lots) else 0
        for most in (tender.lots_per_tender, tender.lots_per_winner)
    )
    said = [f"{counted(given, 'lot')} au plus par candidat"] if given else []
    said += [f"{counted(won, 'lot attribué')} au plus à un candidat"] if won else []
    return " ; ".join(said)


def _link(url: str) -> str:
    """An address that leads somewhere: not a home page, which tells nothing of the notice."""
    parts = urlsplit(url) if url.startswith(("https://", "http://")) else None
    return url if parts and (parts.path.strip("/") or parts.query or parts.fragment) else ""
