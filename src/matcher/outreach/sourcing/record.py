"""The record of a buyer's search: need, date, versions, whole ranked list, who was asked, what they said.

Each line of the list and each later event is committed to by sha256(salt + payload), and the commitments are
chained by seals.  Erasing a person removes payload, salt and SIRET of its lines: what is left identifies nobody,
and the chain still holds.  Good practice for R2111-1; the order of a list is an order of
presentation and does not prejudge the choice.
"""

import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

import numpy as np
from sqlalchemy import Connection, delete, func, insert, or_, select

from matcher import codec
from matcher.domain import Answer, BadInput, Filters, Match, NotFound, Reason, Structure, Tender
from matcher.matching.engine import Matcher
from matcher.matching.ranking import examined
from matcher.matching.reasons import mark, sentences
from matcher.outreach import links
from matcher.records import chain
from matcher.records.store import Store, now
from matcher.records.tables import ANONYMOUS as ANONYMOUS
from matcher.records.tables import Sourcing, SourcingEvent, SourcingMember

NOTE = "Ordre de présentation, ne préjuge pas du choix."
#: Kind of an event -> what it says of a structure, in the order in which they happen.
STEPS: dict[str, str] = {
    "prepared": "message préparé", "contacted": "message préparé", "unsent": "message non envoyé",
    "queued": "message remis à la boîte d’envoi", "sent": "message envoyé", "called": "appelée au téléphone",
    "met": "rencontrée", "delivered": "accusé de réception reçu", "opened": "message ouvert",
    "answered": "réponse reçue", "noted": "note", "aside": "écartée", "promoted": "passée à appeler",
    "restored": "remise dans la liste",
}  # fmt: skip
PREPARED = ("prepared", "contacted")  # records sealed formerly say "contacted" of what was only prepared
DECISIONS = ("aside", "promoted", "restored")  # of a buyer on where a structure stands; the last one holds
#: What a buyer may report of a structure of the list, whether it was written to or not.
REPORTED = {
    "called": "Je l’ai appelée",
    "answered": "Elle a répondu",
    "sent": "Je lui ai écrit de ma messagerie",
    "met": "Je l’ai rencontrée",
    "delivered": "J’ai reçu un accusé de réception",
    "noted": "Autre chose à noter",
}
TO_ASK = "à interroger"  # of a line: nothing tells the trade of the structure, whose kind often has it
UNSHARED = "unshared"  # event: access was withdrawn from every colleague
NEEDS_TEXT = ("answered", "noted", "aside")  # reports that say nothing without words


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A search that was kept, with everything that happened to it."""

    id: str
    label: str
    tender: Tender
    filters: Filters
    recipe: str | None
    versions: Mapping[str, str]
    lots: tuple[Mapping[str, Any], ...]  # id, number, title, considered, nobody, relaxations
    created_at: datetime
    events: tuple[chain.Event, ...]
    narrowed: Mapping[str, Sequence[str]] = field(default_factory=dict)  # facets of the list that was kept

    def lines(self, lot_id: str) -> list[chain.Event]:
        """The ranked list of a lot, erased lines included, in order."""
        lines = (e for e in self.events if e.kind == "listed")
        return [e for e in lines if (e.payload or {}).get("lot", lot_id) == lot_id]

    @property
    def seal(self) -> str:
        return self.events[-1].seal if self.events else chain.GENESIS


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Does the chain hold; if not, from which event on."""

    holds: bool
    broken_at: int | None
    events: int
    erased: int


MOST, MOST_OF_ANYBODY = 2_000, 20  # records of one key; of a session without a key
FULL = 200  # lines of a lot kept with every reason; the others with the heaviest
LINES = 30_000  # lines of one record, shared by its lots: what is left out beyond is counted


def keep(
    store: Store,
    owner: str,
    answer: Answer,
    *,
    filters: Filters | None = None,
    recipe: str | None = None,
    label: str = "",
    facets: Mapping[str, Sequence[str]] | None = None,
) -> str:
    """Keep an answer with all its lines; returns the id of the record.  `facets` are those that narrowed it."""
    identifier = secrets.token_urlsafe(12)
    narrowed = {name: list(values) for name, values in (facets or {}).items() if values}
    kept = {"filters": codec.to_json(filters or Filters()), "recipe": recipe}
    columns = "id=lot.id, number=lot.number, title=lot.title, considered, nobody"
    lots = [
        codec.flat(each, columns) | {"relaxations": list(each.relaxations), "shown": len(each.matches)}
        for each in answer.lots
    ]
    need = codec.to_json(answer.tender)
    row = {"id": identifier, "owner": owner, "need": need, "versions": dict(answer.versions)}
    row |= {"filters": kept | ({"facets": narrowed} if narrowed else {}), "created_at": now()}
    row |= {"answer": {"label": label, "lots": lots, "note": NOTE}}
    most = MOST_OF_ANYBODY if owner.startswith(ANONYMOUS) else MOST
    with store.writing(owner, "sourcing.keep", identifier) as connection:
        mine = select(func.count()).select_from(Sourcing).where(Sourcing.owner == owner)
        if connection.execute(mine).scalar_one() >= most:
            raise BadInput(f"Vous gardez déjà {most} listes : exportez-les, ou faites-en effacer.")
        connection.execute(insert(Sourcing), row)
        listed = [("created", "", chain.committed(row))]
        for each in answer.lots:
            listed += [("listed", m.structure.siret, _line(m, each.lot.id)) for m in each.matches]
            unknown = enumerate(each.asking, len(each.matches) + 1)
            for rank, one in unknown:  # to be asked whether they do this
                line = _who(one) | {"lot": each.lot.id, "rank": rank, "band": TO_ASK}
                listed.append(("listed", one.siret, line))
        chain.append(connection, identifier, listed)
    return identifier


def search(matcher: Matcher, tender: Tender, filters: Filters | None = None) -> Answer:
    """The whole ranked list of each lot: likely leads first, then plausible ones, then the rest."""
    most = max(FULL, LINES // max(1, len(tender.lots)))
    answers = []
    for query in matcher.queries(tender, filters=filters):
        ranking = matcher.rank(query)
        answer = matcher.answer(ranking, most)
        order = ranking.order[examined(ranking.shortlist, ranking.judged)[ranking.order]]
        # what the answer shows comes first, whatever its rank; each structure is listed once
        bidder, catalogue = matcher.catalogue.of_structure("bidder"), matcher.catalogue
        shown = [bidder[catalogue.row(match.structure.siret)] for match in answer.matches]
        order = order[~np.isin(bidder[ranking.shortlist.candidates[order]], shown)]
        done = len(answer.matches)
        more = matcher.explained(ranking, order[: most - done].tolist(), done + 1)
        answers.append(replace(answer, matches=(*answer.matches, *more)))
    return Answer(tender=tender, lots=tuple(answers), versions=matcher.versions)


def _line(match: Match, lot: str) -> dict[str, Any]:
    structure = match.structure
    reasons = match.reasons if match.rank <= FULL else [r for r in match.reasons if r.tells][:4]
    told = [
        {"code": r.code, "text": r.text, "contribution": round(r.contribution, 6)}
        | ({} if r.tells else {"tells": False})
        for r in reasons
    ]
    line = _who(structure) | {"lot": lot, "rank": match.rank, "distance_km": match.distance_km}
    line |= {"score": round(match.score, 6), "band": mark(match), "eligible": match.eligible, "reasons": told}
    line |= {"missing": list(match.missing), "warnings": list(match.warnings)}
    line |= codec.flat(structure, "active, checked, convention, updated")
    # beyond the first lines what is empty is not written: a list may have thousands
    return line if match.rank <= FULL else {k: v for k, v in line.items() if v not in ("", None, [])}


def _who(structure: Structure) -> dict[str, Any]:
    """Who a structure is and how it is reached."""
    where = "town=place.label, department=place.department"
    who = codec.flat(structure, f"name=known_as, kind, {where}, phone, email, website, source")
    return who | {"name": who["name"] or f"SIRET {structure.siret}"}


def contact(store: Store, owner: str, identifier: str, sirets: Sequence[str], message: str) -> int:
    """Record that the same message is prepared for each of these, once.  Returns for how many.

    Raises NotFound, and BadInput on a SIRET that the record does not list, or on another message than the first:
    the same information for all.
    """
    with store.writing() as connection:
        _owned(connection, owner, identifier)
        events = chain.events(connection, identifier)
        first = next((str(e.payload["message"]) for e in events if e.kind in PREPARED and e.payload), "")
        if first and first.split() != message.split():
            raise BadInput(
                "Cette liste a déjà servi à envoyer un autre message : l'information est la même pour toutes. Reprenez-le, ou "
                "gardez la recherche dans une nouvelle liste."
            )
        listed = {e.siret for e in events if e.kind == "listed"}
        if unknown := [s for s in sirets if s not in listed]:
            raise BadInput(f"{unknown[0]} n'est pas dans cette liste : cochez des structures qui y sont.")
        asked = {e.siret for e in events if e.kind in PREPARED}
        fresh = [s for s in dict.fromkeys(sirets) if s not in asked]
        payload = {"message": message}
        chain.append(connection, identifier, [("prepared", s, payload) for s in fresh])
        store.audit(connection, owner, "sourcing.contact", identifier, {"count": len(fresh)})
    return len(fresh)


def report(
    store: Store,
    owner: str,
    identifier: str,
    siret: str,
    kind: str,
    *,
    text: str = "",
    who: str = "",
    next_step: str = "",
    due: date | None = None,
) -> None:
    """Record what the buyer did, heard or decided about a structure of the list; it is shown to no structure.

    `kind` is one of `REPORTED` or `DECISIONS`; `who` is the person spoken to; `due` is the day of the next step.
    Raises NotFound, BadInput.
    """
    if kind not in REPORTED and kind not in DECISIONS:
        raise BadInput("Dites ce qui s'est passé : choisissez dans la liste.")
    if kind in NEEDS_TEXT and not text.strip():
        raise BadInput("Dites pourquoi." if kind == "aside" else "Écrivez en quelques mots ce qui a été dit.")
    given = {"text": text.strip(), "who": who.strip(), "next": next_step.strip(), "due": str(due or "")}
    with store.writing(owner, "sourcing.report", identifier, {"kind": kind}) as connection:
        _owned(connection, owner, identifier)
        events = chain.events(connection, identifier)
        if siret not in {e.siret for e in events if e.kind == "listed"}:
            raise BadInput(f"{siret} n'est pas dans cette liste : choisissez une structure qui y est.")
        payload = {"by": "buyer", "author": owner, **{name: value for name, value in given.items() if value}}
        payload |= {"outcome": "by-hand"} if kind == "sent" else {}
        chain.append(connection, identifier, [(kind, siret, payload)])


def corrected(store: Store, owner: str, identifier: str, number: int, text: str) -> None:
    """Correct what an event says by a further one: what is sealed stays.  Raises NotFound, BadInput."""
    if not text.strip():
        raise BadInput("Écrivez ce qui est exact.")
    with store.writing(owner, "sourcing.correct", identifier, {"of": number}) as connection:
        _owned(connection, owner, identifier)
        events = chain.events(connection, identifier)
        wrong = next((e for e in events if e.number == number and e.kind in STEPS), None)
        if wrong is None:
            raise BadInput("Cet événement ne se corrige pas : choisissez-en un autre dans la liste.")
        payload = {"of": number, "text": text.strip()[:2000]}
        chain.append(connection, identifier, [("corrected", wrong.siret, payload)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What happened with a structure, and what was said later to be exact instead."""

    number: int
    kind: str
    at: datetime
    payload: Mapping[str, Any]
    corrections: tuple[str, ...] = ()


def steps(record: Record) -> dict[str, list[Step]]:
    """SIRET -> what happened with it, in order; those for whom nothing happened are left out."""
    later: dict[int, list[str]] = {}
    for event in record.events:
        if event.kind == "corrected" and event.payload:
            later.setdefault(int(event.payload["of"]), []).append(str(event.payload["text"]))
    found: dict[str, list[Step]] = {}
    for e in record.events:
        if e.kind in STEPS and e.siret and e.payload is not None:
            corrections = tuple(later.get(e.number, ()))
            step = Step(number=e.number, kind=e.kind, at=e.at, payload=e.payload, corrections=corrections)
            found.setdefault(e.siret, []).append(step)
    return found


def standing(record: Record) -> dict[str, str]:
    """SIRET -> "aside" or "promoted", of the structures that the buyer moved out of their level."""
    found = {e.siret: e.kind for e in record.events if e.kind in DECISIONS and e.siret and e.payload}
    return {siret: kind for siret, kind in found.items() if kind != "restored"}


def filters_in_words(wanted: Filters) -> list[str]:
    """The filters of a search, in French."""
    lists = {
        "types": wanted.kinds,
        "départements": wanted.departments,
        "régions": wanted.regions,
        "articles": wanted.articles,
        "réseaux": wanted.networks,
        "labels": wanted.labels,
        "services": wanted.service_types,
        "mots exigés": wanted.phrases,
    }
    found = [f"{name} {', '.join(values)}" for name, values in lists.items() if values]
    if wanted.radius_km is not None:
        found.append(f"à {wanted.radius_km:g} km au plus")
    if wanted.active_only:
        found.append("établissements fermés écartés")
    if wanted.sirets is not None:
        found.append(f"parmi {len(wanted.sirets)} SIRET donnés")
    if wanted.excluded:
        found.append(f"{len(wanted.excluded)} SIRET exclus")
    return found


def exported(store: Store, owner: str, identifier: str, format: str) -> None:
    """Record that the record was exported."""
    with store.writing(owner, "sourcing.export", identifier, {"format": format}) as connection:
        _owned(connection, owner, identifier)
        chain.append(connection, identifier, [("exported", "", {"format": format})])


def listing(store: Store, owner: str, *, archived: bool = False) -> list[dict[str, Any]]:
    """The records of an owner or shared with them, newest first: what a list shows of each.

    `followed` counts the structures of which something was noted; archived ones are listed apart.
    """
    mine, member = Sourcing.owner == owner, SourcingMember
    own = (member.record_id == Sourcing.id) & (member.person == owner)
    joined = Sourcing.__table__.outerjoin(member.__table__, own)
    step = (SourcingEvent.record_id == Sourcing.id) & SourcingEvent.kind.in_(STEPS)
    followed = select(func.count(SourcingEvent.siret.distinct())).where(step).scalar_subquery()
    query = (
        select(Sourcing.__table__, member.label, member.archived_at, followed.label("followed"))
        .select_from(joined)
        .where(
            or_(mine, member.person == owner),
            member.archived_at.isnot(None) if archived else member.archived_at.is_(None),
        )
        .order_by(Sourcing.created_at.desc(), Sourcing.id)
    )
    rows = store.ask(query).mappings().all()
    return [
        {
            "id": r["id"],
            "label": r["label"] or r["answer"].get("label", ""),
            "title": r["need"]["title"],
            "places": _places(r["need"]),
            "created_at": r["created_at"],
            "versions": r["versions"],
            "shared": r["owner"] != owner,
            "followed": r["followed"],
        }
        for r in rows
    ]


def _places(need: Mapping[str, Any]) -> str:
    """The places of the lots of a need as it was kept, in words."""
    labels = (place.get("label") for lot in need.get("lots", ()) for place in lot.get("places") or ())
    return ", ".join(list(dict.fromkeys(filter(None, labels)))[:4])


# ------------------------------------------------------------------------------- one's own view of a record


def share_proof(record: Record) -> str:
    """The unguessable part of the link by which a colleague joins; access withdrawn from all makes another."""
    withdrawn = sum(e.kind == UNSHARED for e in record.events)
    return links.token("share", record.id, withdrawn)


def invited(store: Store, identifier: str, proof: str) -> Record:
    """The record that a colleague's link opens.  Raises NotFound."""
    owner = store.ask(select(Sourcing.owner).where(Sourcing.id == identifier)).scalar()
    found = read(store, owner, identifier) if owner else None
    if found is None or not hmac.compare_digest(share_proof(found).encode(), proof.encode()):
        raise NotFound("Ce lien de partage n'est pas, ou plus, valable : demandez-en un autre.")
    return found


def join(store: Store, person: str, identifier: str, proof: str) -> None:
    """Let the person whom a colleague gave the link read and note in the record.  Raises NotFound."""
    invited(store, identifier, proof)
    held = store.ask(select(Sourcing.owner).where(Sourcing.id == identifier)).scalar()
    if held != person:
        view(store, person, identifier, let_in=True)


def unshare(store: Store, owner: str, identifier: str) -> None:
    """End every colleague's access; only its owner may.  Raises NotFound."""
    with store.writing(owner, "sourcing.unshare", identifier) as connection:
        if _owned(connection, owner, identifier)["owner"] != owner:
            raise NotFound("seul l'auteur d'une liste peut en retirer l'accès")
        here = (SourcingMember.record_id == identifier, SourcingMember.person != owner)
        connection.execute(delete(SourcingMember).where(*here))
        chain.append(connection, identifier, [(UNSHARED, "", {})])


def colleagues(store: Store, owner: str, identifier: str) -> int:
    """How many others read a record.  Raises NotFound."""
    with store.reading() as connection:
        holder = _owned(connection, owner, identifier)["owner"]
        others = (SourcingMember.record_id == identifier, SourcingMember.person != holder)
        return int(connection.execute(select(func.count()).where(*others)).scalar() or 0)


def view(store: Store, person: str, identifier: str, *, let_in: bool = False, **values: Any) -> None:
    """Change one's own view of a record, its `label` or when it was archived; or let somebody in.  Raises NotFound."""
    with store.writing(person, "sourcing.share" if let_in else "sourcing.view", identifier) as connection:
        if not let_in:
            _owned(connection, person, identifier)
        row = {"record_id": identifier, "person": person, "label": "", "archived_at": None, "at": now()}
        kept = tuple(name for name in row if name not in values)
        store.put(connection, SourcingMember, [row | values], keep=kept)


def read(store: Store, owner: str, identifier: str) -> Record:
    """A record of this owner, or shared with them.  Raises NotFound, also for somebody else's."""
    with store.reading() as connection:
        row = _owned(connection, owner, identifier)
        events = chain.events(connection, identifier)
        mine = (SourcingMember.record_id == identifier, SourcingMember.person == owner)
        label = connection.execute(select(SourcingMember.label).where(*mine)).scalar()
    return Record(
        id=row["id"],
        label=label or row["answer"].get("label", ""),
        tender=codec.from_json(Tender, row["need"]),
        filters=codec.from_json(Filters, row["filters"]["filters"]),
        recipe=row["filters"]["recipe"],
        versions=row["versions"],
        lots=tuple(row["answer"]["lots"]),
        created_at=row["created_at"],
        events=tuple(events),
        narrowed=row["filters"].get("facets") or {},
    )


def verify(store: Store, owner: str, identifier: str) -> Verdict:
    """Recompute every commitment that has its salt, the whole chain and its end; an erased line keeps its place."""
    with store.reading() as connection:
        row = _owned(connection, owner, identifier)
        rows = chain.rows(connection, identifier)
        head = chain.head(connection, identifier)
    erased = sum(event["payload"] is None for event in rows)
    broken = chain.broken_at(rows, row, head, identifier)
    return Verdict(holds=broken is None, broken_at=broken, events=len(rows), erased=erased)


def replay(record: Record, fresh: Answer, versions: Mapping[str, str]) -> list[str]:
    """What the same search, answered anew, changes as French sentences; empty where it gives the same lists."""
    changes = [
        f"{name} : {record.versions.get(name, '?')} alors, {value} aujourd'hui"
        for name, value in versions.items()
        if record.versions.get(name) != value
    ]
    for lot, answer in zip(record.lots, fresh.lots, strict=False):
        lines = [e for e in record.lines(lot["id"]) if (e.payload or {}).get("band") != TO_ASK]
        then = [e.siret for e in lines if e.siret]
        erased = {number for number, e in enumerate(lines) if not e.siret}
        shown = enumerate(answer.matches[: int(lot["shown"])])
        today = [m.structure.siret for number, m in shown if number not in erased]
        if then == today:
            continue
        gone, added = [s for s in then if s not in today], [s for s in today if s not in then]
        moved = sum(a != b for a, b in zip(then, today, strict=False))
        leavers, comers = ", ".join(gone[:3]), ", ".join(added[:3])
        moves = f"{len(gone)} sorties ({leavers}), {len(added)} entrées ({comers}), {moved} places changées"
        changes.append(f"lot {lot['number']} : {moves}")
    return changes


def why(line: Mapping[str, Any], most: int = 3) -> tuple[str, ...]:
    """The few sentences of a line that matter most to its reader."""
    return sentences((Reason(**reason) for reason in line.get("reasons", ())), most)


def _owned(connection: Connection, owner: str, identifier: str) -> Mapping[str, Any]:
    """The row of a record that this person made, or that was shared with them.  Raises NotFound."""
    shared = select(SourcingMember.record_id).where(SourcingMember.person == owner)
    allowed = or_(Sourcing.owner == owner, Sourcing.id.in_(shared))
    query = select(Sourcing.__table__).where(Sourcing.id == identifier, allowed)
    row = connection.execute(query).mappings().first()
    if row is None:
        raise NotFound(f"aucune liste gardée {identifier!r} parmi les vôtres")
    return dict(row)
