"""What is worth telling to whom: a few lots a day for each structure, each told once, under the operator's hand.

A lot told is a row: no new model, catalogue, twin or repeat tells it again; a correction does only if it changes
what a reader needs.  A public notice is told to everyone in reach at once; a buyer's own unpublished need goes out
in waves, and stops when enough are interested.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, date, datetime
from itertools import groupby
from statistics import median
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, func, select, update

from matcher import alerts, codec, feedback, telling
from matcher.domain import BadInput, Lot, LotAnswer, Match, NotFound, Reason, Structure, Tender
from matcher.procedure import CALLS, PARIS, closing, effective, open_at
from matcher.store import Store, now
from matcher.tables import Digest, Feedback, Found, Notice, Profile, Run, Told, Unsubscription
from matcher.text import shorten

if TYPE_CHECKING:
    from matcher.catalogue import Catalogue

MAIL = "mail"
PARTNERS = 12  # structures of a lot among which partners are looked for
#: In a tender's `flags`: its buyer wants its unpublished need told, wave by wave.
WAVES = "waves"
#: States of a digest, in order; "sending" left behind by a crash is never sent again by itself.
STATES = ("composing", "held", "ready", "sending", "sent", "failed", "cancelled", "no-address")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The operator's rules; each may be set in the JSON file of `--rules`."""

    cap: int = 5  # lots told to one structure in a day
    floor: float = 0.0001  # probability under which nothing is told or kept
    brake: float = 3.0  # times the usual median of digests: above it the run is held
    usual_runs: int = 30  # runs that make the median
    first_volume: int = 500  # digests allowed before there are three runs to compare with
    wave: int = 10  # structures in a wave, for an unpublished need
    enough: int = 6  # interested structures that stop the waves
    opens: int = 8  # hour from which mail may leave, Paris time
    closes: int = 19  # hour from which it may not
    weekend: bool = False
    sender: str = "Maillage <ne-pas-repondre@maillage.example.org>"
    reply_to: str = "contact@maillage.example.org"
    base_url: str = ""  # of the service, for the links of mails; without it mails carry none
    smtp: str = ""  # smtp://host:port, smtps://user@host; the password from MATCHER_SMTP_PASSWORD

    def __post_init__(self) -> None:
        if self.cap < 1 or not 0 <= self.floor <= 1 or self.wave < 1 or self.brake <= 1:
            raise BadInput("rules: cap and wave are 1 or more, floor is between 0 and 1, brake is above 1")
        if not 0 <= self.opens < self.closes <= 24:
            raise BadInput("rules: opens and closes are hours, 0 <= opens < closes <= 24")
        if self.base_url and not self.base_url.startswith(("https://", "http://")):
            raise BadInput(f"rules: base_url {self.base_url!r} must begin with https://")

    @classmethod
    def read(cls, text: str) -> Rules:
        """Rules of a JSON object.  Raises BadInput on a name that is none."""
        try:
            given = json.loads(text)
        except ValueError as error:
            raise BadInput(f'the rules are no JSON ({error}): write an object such as {{"cap": 3}}') from None
        names = {f.name for f in fields(cls)}
        if not isinstance(given, dict) or set(given) - names:
            odd = ", ".join(sorted(set(given) - names)) if isinstance(given, dict) else "not an object"
            raise BadInput(f"the rules hold {odd}: choose among {', '.join(sorted(names))}")
        return codec.from_json(cls, given)

    def may_leave(self, at: datetime) -> bool:
        """Are we within sending hours, Paris time?"""
        local = at.astimezone(PARIS)
        return self.opens <= local.hour < self.closes and (self.weekend or local.weekday() < 5)


# ----------------------------------------------------------------------------------------- what matters


def matter(tender: Tender, lot: Lot) -> str:
    """Twelve digits that change when what a reader needs of a lot changes: words, place, time, money, conditions."""
    deadline = lot.deadline or tender.deadline
    needed = (
        lot.title, lot.description, lot.cpv, [codec.to_json(p) for p in lot.places], lot.amount, lot.duration_months,
        deadline.astimezone(UTC).isoformat() if deadline and deadline.tzinfo else str(deadline),
        codec.to_json(lot.reservation) if lot.reservation else None,
        [codec.to_json(c) for c in lot.clauses], [codec.to_json(c) for c in lot.conditions], tender.change,
    )  # fmt: skip
    return hashlib.sha256(json.dumps(needed, ensure_ascii=False).encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Case:
    """A procedure as it stands: all its ids, its notice as corrected, when it last changed, who owns it."""

    ids: tuple[str, ...]
    tender: Tender
    cancelled: bool
    changed_at: datetime
    owner: str

    def lot(self, lot_id: str) -> Lot | None:
        return next((lot for lot in self.tender.lots if lot.id == lot_id), None)


def cases(connection: Connection, at: datetime) -> dict[str, Case]:
    """The procedures that can still be answered at `at`, and those cancelled before their time, by first id."""
    light = select(Notice.id, Notice.twin, Notice.deadline, Notice.published, Notice.seen_at, Notice.owner)
    members: dict[str, list[Any]] = defaultdict(list)
    for row in connection.execute(light):
        members[row.twin or row.id].append(row)
    found: dict[str, Case] = {}
    for id, rows in members.items():
        last = max((row.deadline for row in rows if row.deadline), default=None)
        first = next((row for row in rows if row.id == id), None)
        if first is None or not open_at(last, first.published, at):
            continue
        ids = [row.id for row in rows]
        loaded = {
            row.id: codec.from_json(Tender, row.tender)
            for row in connection.execute(select(Notice.id, Notice.tender).where(Notice.id.in_(ids)))
        }
        tender, cancelled = effective(loaded[id], [loaded[other] for other in ids if other != id])
        if tender.nature not in CALLS | {"correction"} or not open_at(closing(tender), tender.published, at):
            continue
        found[id] = Case(tuple(ids), tender, cancelled, max(row.seen_at for row in rows), first.owner)
    return found


# -------------------------------------------------------------------------------------------- composing


def compose(
    store: Store, catalogue: Catalogue, rules: Rules, summary: Any, at: datetime, *, hold: bool = False
) -> None:
    """Write the digests of a run: all of them as "composing", then, counted, held or ready in one step."""
    day = at.astimezone(PARIS).date()
    with store.reading() as connection:
        open_cases = cases(connection, at)
        refused = feedback.refusals(connection)
        silent = set(connection.execute(select(Unsubscription.subject)).scalars())
        done = set(
            connection.execute(
                select(Digest.addressee).where(Digest.day == day, Digest.channel == MAIL)
            ).scalars()
        )
        told = _told(connection, open_cases)
        resting = alerts.resting(connection, day)
        if not summary.resumed or not summary.waves:
            summary.waves = _waves(connection, open_cases, rules, at)
    with store.writing() as connection:
        connection.execute(update(Run).where(Run.id == summary.run).values(state=asdict(summary)))
    teams = _Teams(store, catalogue, open_cases)
    with store.reading() as connection:
        pairs = _pairs(connection, rules, open_cases)
    by_siret = {siret: list(rows) for siret, rows in groupby(pairs, key=lambda row: row[0])}
    # a cancelled procedure has no matches left: who was told of it is found in what was told
    gone = {addressee for addressee, notice_id, _ in told if open_cases[notice_id].cancelled}
    for siret in sorted({*by_siret, *gone}):
        names = earlier_names(catalogue, siret)
        if siret in done or silent & names or resting & names:
            continue
        news = [
            item
            for _, notice_id, lot_id, chance in by_siret.get(siret, ())
            if (
                item := _news(
                    store, open_cases[notice_id], notice_id, lot_id, chance, names, told, refused, summary
                )
            )
        ]
        news += _cancelled(open_cases, names, told)
        if news:
            _write(store, catalogue, rules, summary, at, day, siret, news, teams)
    _release(store, rules, summary, at, day, hold)


@dataclass(frozen=True, slots=True)
class _News:
    """A lot to tell: for the first time, as corrected, as cancelled, or in a wave."""

    notice_id: str
    lot_id: str
    chance: float
    kind: str  # "notice", "correction", "cancellation", "wave"
    before: Mapping[str, Any] | None = None  # what was told of it before


def _pairs(
    connection: Connection, rules: Rules, open_cases: Mapping[str, Case]
) -> list[tuple[str, str, str, float]]:
    """(siret, notice, lot, probability) above the floor, of open notices, that are news; by SIRET, best first."""
    cause = Found.detail["cause"].as_string()
    rows = connection.execute(
        select(Found.siret, Found.notice_id, Found.lot_id, Found.probability)
        .where(Found.probability >= rules.floor, cause == "notice")
        .order_by(Found.siret, Found.probability.desc(), Found.notice_id, Found.lot_id)
    )
    return [(r.siret, r.notice_id, r.lot_id, r.probability) for r in rows if r.notice_id in open_cases]


def earlier_names(catalogue: Catalogue, siret: str) -> set[str]:
    """An establishment's SIRET and its earlier ones: refusals and unsubscriptions follow."""
    try:
        row = catalogue.row(siret)
    except NotFound:
        return {siret}
    return {siret, *str(catalogue.structures.column("predecessors")[row].as_py() or "").split()}


def _told(
    connection: Connection, open_cases: Mapping[str, Case]
) -> dict[tuple[str, str, str], tuple[str, datetime]]:
    """(addressee, first notice id, lot) -> (digest, when), for open procedures, under any of their ids."""
    first = {id: key for key, case in open_cases.items() for id in case.ids}
    return {
        (row.addressee, first[row.notice_id], row.lot_id): (row.digest_id, row.at)
        for row in connection.execute(select(Told.__table__).where(Told.channel == MAIL))
        if row.notice_id in first
    }


def _waves(
    connection: Connection, open_cases: Mapping[str, Case], rules: Rules, at: datetime
) -> dict[str, list[str]]:
    """For each unpublished need whose buyer wants it told: the structures of today's wave, best first."""
    waves: dict[str, list[str]] = {}
    for id, case in open_cases.items():
        if not case.owner or WAVES not in case.tender.flags or case.cancelled:
            continue
        words = connection.execute(
            select(Feedback.siret, Feedback.verb).where(Feedback.notice_id.in_(case.ids), Feedback.verb.in_(("interested", "declined")))
        ).all()  # fmt: skip
        interested = {row.siret for row in words if row.verb == "interested"}
        if len(interested) >= rules.enough:
            continue
        rows = connection.execute(select(Told.addressee, Told.at).where(Told.notice_id == id)).all()
        if any(row.at.astimezone(PARIS).date() == at.astimezone(PARIS).date() for row in rows):
            continue
        asked = {row.addressee for row in rows} | {row.siret for row in words}
        ranked = connection.execute(
            select(Found.siret).where(Found.notice_id == id, Found.probability >= rules.floor)
            .group_by(Found.siret).order_by(func.max(Found.probability).desc(), Found.siret)
        ).scalars()  # fmt: skip
        waves[id] = [siret for siret in ranked if siret not in asked][: rules.wave]
    return waves


def _news(
    store: Store,
    case: Case,
    notice_id: str,
    lot_id: str,
    chance: float,
    names: set[str],
    told: Mapping[tuple[str, str, str], tuple[str, datetime]],
    refused: feedback.Refusals,
    summary: Any,
) -> _News | None:
    """Is this pair worth telling today?"""
    lot = case.lot(lot_id)
    if lot is None or case.cancelled:
        return None
    if names & refused.of(case.ids, lot_id) or refused.denies(names, lot):
        return None
    private = case.owner or case.tender.confidential
    if private and not names & set(summary.waves.get(notice_id, ())):
        return None
    before = next(
        (told[name, notice_id, lot_id] for name in names if (name, notice_id, lot_id) in told), None
    )
    if before is None:
        return _News(notice_id, lot_id, chance, "wave" if case.owner else "notice")
    digest_id, at = before
    if case.changed_at <= at:
        return None
    item = _item_told(store, digest_id, notice_id, lot_id)
    if item is None or item["matter"] == matter(case.tender, lot):
        return None
    return _News(notice_id, lot_id, chance, "correction", item)


def _cancelled(
    open_cases: Mapping[str, Case], names: set[str], told: Mapping[tuple[str, str, str], tuple[str, datetime]]
) -> Iterator[_News]:
    """Lots told earlier whose procedure was cancelled since, told so once."""
    for (addressee, notice_id, lot_id), (_, at) in told.items():
        case = open_cases[notice_id]
        if case.cancelled and addressee in names and at < case.changed_at and case.lot(lot_id):
            yield _News(notice_id, lot_id, 1.0, "cancellation")


def _item_told(store: Store, digest_id: str, notice_id: str, lot_id: str) -> Mapping[str, Any] | None:
    with store.reading() as connection:
        content = connection.execute(select(Digest.content).where(Digest.id == digest_id)).scalar()
    items = (content or {}).get("items", ())
    return next((i for i in items if i["notice_id"] == notice_id and i["lot_id"] == lot_id), None)


def identifier(addressee: str, day: date, channel: str = MAIL) -> str:
    """The one id of a digest: the same addressee, day and channel give the same."""
    return hashlib.sha256(f"{addressee}|{day.isoformat()}|{channel}".encode()).hexdigest()[:32]


def _write(
    store: Store,
    catalogue: Catalogue,
    rules: Rules,
    summary: Any,
    at: datetime,
    day: date,
    siret: str,
    news: Sequence[_News],
    teams: _Teams,
) -> None:
    """One digest and its told lots, in one transaction."""
    urgent = {"cancellation": 0, "correction": 1}
    ordered = sorted(news, key=lambda n: (urgent.get(n.kind, 2), -n.chance, n.notice_id, n.lot_id))
    chosen, left = ordered[: rules.cap], len(ordered) - rules.cap
    try:
        structure = catalogue.structure(catalogue.row(siret))
    except NotFound:  # told once, and since gone from the directory
        return
    items = [teams.item(structure, one) for one in chosen]
    id = identifier(siret, day)
    content = {
        "id": id, "run": summary.run, "addressee": siret, "name": structure.name, "kind": structure.kind,
        "source": structure.source, "day": day.isoformat(), "made": at.isoformat(), "items": items,
        "left": max(0, left), "cap": rules.cap, "versions": summary.versions, "link": "",
        "subject": _subject(items), "intro": _intro(items),
    }  # fmt: skip
    with store.writing() as connection:
        digest = {
            "id": id, "addressee": siret, "day": day, "channel": MAIL, "status": "composing", "content": content,
            "created_at": at, "sent_at": None,
        }  # fmt: skip
        if not store.put(
            connection, Digest, [digest], key=("id",), keep=tuple(k for k in digest if k != "id")
        ):
            return
        store.put(connection, Told, [
            {"addressee": siret, "notice_id": one.notice_id, "lot_id": one.lot_id, "channel": MAIL, "digest_id": id,
             "at": at} for one in chosen
        ])  # fmt: skip


def _subject(items: Sequence[Mapping[str, Any]]) -> str:
    if len(items) == 1:
        return f"1 lot pour vous : {shorten(items[0]['title'], 70)}"
    return f"{len(items)} lots pour vous, dont : {shorten(items[0]['title'], 60)}"


def _intro(items: Sequence[Mapping[str, Any]]) -> str:
    due = min((i["deadline"] for i in items if i["deadline"]), default=None)
    from matcher.digest_formats._words import day as said

    return f"Première date limite : {said(due)}." if due else ""


def _release(store: Store, rules: Rules, summary: Any, at: datetime, day: date, hold: bool) -> None:
    """Count the digests of the run and let them go, or hold them all for the operator."""
    with store.writing() as connection:
        ours = connection.execute(
            select(Digest.id, Digest.content).where(Digest.status == "composing", Digest.day == day)
        ).all()
        every = connection.execute(
            select(Digest.content).where(Digest.day == day, Digest.channel == MAIL)
        ).scalars()
        mine = [content for content in every if content.get("run") == summary.run]
        summary.digests = len(mine)
        summary.told = sum(len(content["items"]) for content in mine)
        usual = usual_volume(connection, rules)
        if hold:
            summary.held = "asked by --hold"
        elif usual is None and summary.digests > rules.first_volume:
            summary.held = f"{summary.digests} digests, and no three earlier runs to compare with (allowed: {rules.first_volume})"
        elif usual is not None and summary.digests > rules.brake * max(1.0, usual):
            summary.held = f"{summary.digests} digests, over {rules.brake:g} times the usual {usual:g}"
        if ours:
            state = "held" if summary.held else "ready"
            connection.execute(
                update(Digest).where(Digest.status == "composing", Digest.day == day).values(status=state)
            )
        connection.execute(update(Run).where(Run.id == summary.run).values(state=asdict(summary)))


def usual_volume(connection: Connection, rules: Rules) -> float | None:
    """The median of digests of the last finished runs that sent any; None before there are three."""
    states = connection.execute(
        select(Run.state)
        .where(Run.finished_at.is_not(None))
        .order_by(Run.started_at.desc())
        .limit(rules.usual_runs)
    ).scalars()
    volumes = [state["digests"] for state in states if state.get("digests")]
    return float(median(volumes)) if len(volumes) >= 3 else None


# ------------------------------------------------------------------------------------------------ items


class _Teams:
    """Makes the items of digests: a lot in words, and whether to answer alone or with whom."""

    def __init__(self, store: Store, catalogue: Catalogue, open_cases: Mapping[str, Case]) -> None:
        self._store, self._catalogue, self._cases = store, catalogue, open_cases
        self._firsts: dict[str, dict[str, list[Match]]] = {}

    def item(self, structure: Structure, news: _News) -> dict[str, Any]:
        case = self._cases[news.notice_id]
        tender, lot = case.tender, case.lot(news.lot_id)
        assert lot is not None
        with self._store.reading() as connection:
            found = connection.execute(
                select(Found.__table__).where(
                    Found.notice_id == news.notice_id, Found.lot_id == news.lot_id, Found.siret == structure.siret
                )
            ).mappings().first()  # fmt: skip
        detail: dict[str, Any] = (
            dict(found["detail"]) if found else {"reasons": [], "shown": 0, "distance_km": None}
        )
        reasons = (codec.from_json(Reason, r) for r in detail["reasons"] if r["contribution"] > 0)
        deadline = lot.deadline or tender.deadline
        alone, partners = self._alone(structure, news, lot) if found else ("", [])
        return {
            "notice_id": news.notice_id, "lot_id": news.lot_id, "kind": news.kind, "matter": matter(tender, lot),
            "lot": f"Lot {lot.number}" if len(tender.lots) > 1 else "Marché à lot unique",
            "title": shorten(lot.title or tender.title, 200), "notice_title": shorten(tender.title, 200),
            "buyer": tender.buyer.name, "place": ", ".join(dict.fromkeys(p.label or p.department or "" for p in lot.places if p.label or p.department)),
            "published": tender.published.isoformat() if tender.published else None,
            "deadline": deadline.isoformat() if deadline else None,
            "documents_url": _link(tender.documents_url), "url": _link(tender.url), "cpv": list(lot.cpv),
            "reservation": _reserved(lot), "clauses": _clauses(lot),
            "conditions": [f"{c.label} : « {shorten(c.passage, 120)} »" if c.passage else c.label for c in lot.conditions],
            "probability": found["probability"] if found else None, "score": found["score"] if found else None,
            "rank": found["rank"] if found else None, "shown": detail["shown"], "distance_km": detail["distance_km"],
            "reasons": list(telling.sentences(reasons, 4)), "contributions": [{k: r[k] for k in ("code", "text", "contribution")} for r in detail["reasons"]],
            "alone": alone, "partners": partners, "changes": _changes(news, tender, deadline),
            "versions": found["versions"] if found else {},
        }  # fmt: skip

    def _alone(self, structure: Structure, news: _News, lot: Lot) -> tuple[str, list[dict[str, Any]]]:
        """In words: alone, or with whom for what; the partners as data."""
        from matcher import consortium

        case = self._cases[news.notice_id]
        answers = self._answer_of(news.notice_id, structure)
        mine = [a for a in answers if any(m.structure.siren == structure.siren for m in a.matches)]
        if not mine:
            return "", []
        try:
            teams = consortium.recommend(
                mine,
                tender=case.tender,
                n=1,
                max_members=4,
                imposed=[structure],
                solver="greedy",
                seconds=0.5,
            )
        except BadInput:
            return "", []
        if not teams:
            return "", []
        team = teams[0]
        others = [m for m in team.members if m.structure.siren != structure.siren]
        takes = next((m.lots for m in team.members if m.structure.siren == structure.siren), ())
        if not any(t == lot.id or t.startswith(lot.id) for t in takes) or not others:
            return "Vous pouvez répondre seule." if not others else _with(others, case.tender), _partners(
                others
            )
        return _with(others, case.tender), _partners(others)

    def _answer_of(self, notice_id: str, structure: Structure) -> list[LotAnswer]:
        """The stored matches of a notice as answers: the first PARTNERS of each lot, and the structure itself."""
        held = self._first_of(notice_id)
        own = self._matches(notice_id, Found.siret == structure.siret)
        result = []
        for lot in self._cases[notice_id].tender.lots:
            matches = [*held.get(lot.id, ())]
            matches += [m for m in own.get(lot.id, ()) if m.rank > PARTNERS]
            if matches:
                result.append(LotAnswer(lot=lot, matches=tuple(matches)))
        return result

    def _first_of(self, notice_id: str) -> dict[str, list[Match]]:
        if notice_id not in self._firsts:
            if len(self._firsts) > 500:
                self._firsts.clear()
            self._firsts[notice_id] = self._matches(notice_id, Found.rank <= PARTNERS)
        return self._firsts[notice_id]

    def _matches(self, notice_id: str, which: Any) -> dict[str, list[Match]]:
        case = self._cases[notice_id]
        by_lot: dict[str, list[Match]] = defaultdict(list)
        chosen = select(Found.__table__).where(Found.notice_id == notice_id, which)
        with self._store.reading() as connection:
            rows = connection.execute(chosen.order_by(Found.lot_id, Found.rank)).mappings().all()
        for row in rows:
            lot = case.lot(row["lot_id"])
            try:
                structure = self._catalogue.structure(self._catalogue.row(row["siret"]))
            except NotFound:
                continue
            if lot is not None:
                reasons = tuple(codec.from_json(Reason, reason) for reason in row["detail"]["reasons"])
                by_lot[lot.id].append(
                    Match(
                        lot=lot, structure=structure, offer=None, score=row["score"], probability=row["probability"],
                        rank=row["rank"], reasons=reasons, distance_km=row["detail"]["distance_km"],
                        eligible=row["detail"]["eligible"],
                    )
                )  # fmt: skip
        return by_lot


def _with(others: Sequence[Any], tender: Tender) -> str:
    numbers = {lot.id: lot.number for lot in tender.lots}
    parts = []
    for member in others[:3]:
        takes = sorted({numbers[i] for t in member.lots for i in numbers if t == i or t.startswith(i + "#")})
        for_what = f" (lot {', '.join(takes)})" if takes and len(tender.lots) > 1 else ""
        town = f", {member.structure.place.label}" if member.structure.place.label else ""
        parts.append(f"{member.structure.name}{town}{for_what}")
    return "À répondre en groupement, par exemple avec : " + " ; ".join(parts)


def _partners(others: Sequence[Any]) -> list[dict[str, Any]]:
    return [
        {"siret": m.structure.siret, "name": m.structure.name, "kind": m.structure.kind, "lots": list(m.lots), "why": m.reason}
        for m in others
    ]  # fmt: skip


def _link(url: str) -> str:
    return url if url.startswith(("https://", "http://")) else ""


def _reserved(lot: Lot) -> str:
    if lot.reservation is None:
        return ""
    articles = ", ".join(lot.reservation.articles)
    return f"Lot réservé ({articles})" if articles else "Lot réservé, article non précisé : voir le règlement"


def _clauses(lot: Lot) -> str:
    if not lot.clauses:
        return ""
    hours = sum(c.hours or 0 for c in lot.clauses)
    return (
        f"Clause sociale : {hours:,.0f} heures d'insertion".replace(",", "\u202f")
        if hours
        else "Clause sociale"
    )


def _changes(news: _News, tender: Tender, deadline: datetime | None) -> list[str]:
    if news.before is None:
        return []
    from matcher.digest_formats._words import day as said

    found = []
    now_due = deadline.isoformat() if deadline else None
    if news.before["deadline"] != now_due:
        found.append(
            f"date limite : {said(now_due) or 'retirée'} (avant : {said(news.before['deadline']) or 'non précisée'})"
        )
    if tender.change:
        found.append(shorten(tender.change, 300))
    return found or ["contenu modifié : relisez l'avis"]


# -------------------------------------------------------------------------------------- approval, asking


def approve(store: Store, day: date | None = None, *, refuse: bool = False, by: str = "operator") -> int:
    """Let held digests go (or cancel them); returns how many."""
    with store.writing() as connection:
        which = [Digest.status == "held"] + ([Digest.day == day] if day else [])
        count = connection.execute(
            update(Digest).where(*which).values(status="cancelled" if refuse else "ready")
        ).rowcount
        store.audit(
            connection, by, "digests:refuse" if refuse else "digests:approve", detail={"count": count}
        )
    return count


def sample(store: Store, n: int = 5) -> list[dict[str, Any]]:
    """Some held digests, spread evenly, for the operator to look at."""
    with store.reading() as connection:
        ids = list(
            connection.execute(select(Digest.id).where(Digest.status == "held").order_by(Digest.id)).scalars()
        )
        step = max(1, len(ids) // n)
        chosen = ids[::step][:n]
        rows = connection.execute(
            select(Digest.content).where(Digest.id.in_(chosen)).order_by(Digest.id)
        ).scalars()
        return [dict(content) for content in rows]


def why(store: Store, siret: str, day: date | None = None) -> list[dict[str, Any]]:
    """ "Pourquoi ai-je reçu cela ?": every mail of a SIRET (of a day), each item with its reasons and versions."""
    which = [Digest.addressee == siret] + ([Digest.day == day] if day else [])
    with store.reading() as connection:
        rows = (
            connection.execute(select(Digest.__table__).where(*which).order_by(Digest.day)).mappings().all()
        )
    if not rows:
        raise NotFound(
            f"no mail to {siret}"
            + (f" on {day.isoformat()}" if day else "")
            + ": check the SIRET and the day"
        )
    return [
        {"id": row["id"], "day": row["day"].isoformat(), "status": row["status"],
         "sent_at": row["sent_at"].isoformat() if row["sent_at"] else None, **row["content"]}
        for row in rows
    ]  # fmt: skip


def current(store: Store, catalogue: Catalogue, siret: str, rules: Rules | None = None, *, at: datetime | None = None,
            limit: int = 50) -> dict[str, Any]:  # fmt: skip
    """Everything open and in reach of a structure today, told or not: for feeds, calendars and tables."""
    rules, at = rules or Rules(), at or now()
    structure = catalogue.structure(catalogue.row(siret))
    with store.reading() as connection:
        open_cases = {
            k: c
            for k, c in cases(connection, at).items()
            if not c.owner and not c.tender.confidential and not c.cancelled
        }
        refused = feedback.refusals(connection)
        rows = connection.execute(
            select(Found.notice_id, Found.lot_id, Found.probability)
            .where(Found.siret == structure.siret, Found.probability >= rules.floor)
            .order_by(Found.probability.desc(), Found.notice_id, Found.lot_id)
        ).all()
    names = earlier_names(catalogue, structure.siret)
    news = []
    for row in rows:
        case = open_cases.get(row.notice_id)
        lot = case.lot(row.lot_id) if case else None
        if case and lot and not names & refused.of(case.ids, row.lot_id) and not refused.denies(names, lot):
            news.append(_News(row.notice_id, row.lot_id, row.probability, "notice"))
    teams = _Teams(store, catalogue, open_cases)
    items = [teams.item(structure, one) for one in news[:limit]]
    return {
        "id": identifier(siret, at.date(), "feed"), "run": "", "addressee": structure.siret, "name": structure.name,
        "kind": structure.kind, "source": structure.source, "day": at.astimezone(PARIS).date().isoformat(),
        "made": at.isoformat(), "items": items, "left": max(0, len(news) - limit), "cap": limit, "link": "",
        "versions": items[0]["versions"] if items else {"recipe": "", "data": ""},
        "subject": _subject(items) if items else "Aucun lot ouvert pour vous aujourd'hui", "intro": _intro(items),
    }  # fmt: skip


def rendered(content: Mapping[str, Any], form: str) -> bytes:
    """A digest in a form of the room `digest_formats`."""
    from matcher import plug

    result: bytes = plug.find("digest_formats", form).render(content)
    return result


# -------------------------------------------------------------------------------------------- buyers


def of_buyer(
    store: Store, buyer: str, catalogue: Catalogue | None = None, *, at: datetime | None = None
) -> dict[str, Any]:
    """What came of a buyer's needs: for each lot how many could serve, were told, are interested, or are not and why.

    `buyer` is an id (SIRET), a SIREN, or the owner of unpublished needs.  Names of those interested are given
    for the buyer's own unpublished needs alone; of public notices only numbers.
    """
    at = at or now()
    items = []
    with store.reading() as connection:
        rows = connection.execute(
            select(Notice.id, Notice.twin, Notice.owner, Notice.tender, Notice.deadline)
        ).all()
        mine = [
            row for row in rows
            if not row.twin and (row.owner == buyer if row.owner else row.tender["buyer"]["id"].startswith(buyer))
        ]  # fmt: skip
        if not buyer or not mine:
            raise NotFound(f"no need of buyer {buyer!r} was seen: give the SIRET or SIREN of its notices")
        for row in sorted(mine, key=lambda r: r.id):
            ids = [row.id, *(other.id for other in rows if other.twin == row.id)]
            possible = dict(
                connection.execute(
                    select(Found.lot_id, func.count()).where(Found.notice_id == row.id).group_by(Found.lot_id)
                ).all()
            )
            told = dict(
                connection.execute(
                    select(Told.lot_id, func.count()).where(Told.notice_id.in_(ids)).group_by(Told.lot_id)
                ).all()
            )
            words = (
                connection.execute(
                    select(Feedback.__table__).where(Feedback.notice_id.in_(ids)).order_by(Feedback.at)
                )
                .mappings()
                .all()
            )
            last = {(w["siret"], w["lot_id"]): w for w in words}
            lots = []
            for lot in row.tender["lots"]:
                said = [w for (_, lot_id), w in last.items() if lot_id in ("", lot["id"])]
                lots.append({
                    "lot": f"Lot {lot['number']} : {shorten(lot['title'], 80)}", "lot_id": lot["id"],
                    "possible": possible.get(lot["id"], 0), "told": told.get(lot["id"], 0),
                    "interested": sum(w["verb"] in ("interested", "submitted", "won") for w in said),
                    "declined": sum(w["verb"] == "declined" for w in said),
                })  # fmt: skip
            reasons = Counter(
                feedback.REASONS.get(w["reason"], w["reason"])
                for w in last.values()
                if w["verb"] == "declined" and w["reason"]
            )
            names = (
                sorted({s for (s, _), w in last.items() if w["verb"] == "interested"})
                if row.owner == buyer
                else []
            )
            items.append({
                "notice_id": row.id, "title": shorten(row.tender["title"], 120),
                "deadline": row.deadline.isoformat() if row.deadline else None, "lots": lots,
                "reasons": [f"{reason} ({count})" for reason, count in reasons.most_common()],
                "names": [_called(catalogue, siret) for siret in names],
            })  # fmt: skip
    day = at.astimezone(PARIS).date()
    return {
        "id": identifier(f"buyer:{buyer}", day), "addressee": f"buyer:{buyer}", "name": "", "day": day.isoformat(),
        "made": at.isoformat(), "items": items, "subject": f"Ce que sont devenus vos {len(items)} besoin(s)", "link": "",
    }  # fmt: skip


def _called(catalogue: Catalogue | None, siret: str) -> str:
    if catalogue is None:
        return siret
    try:
        return f"{catalogue.structure(catalogue.row(siret)).name} ({siret})"
    except NotFound:
        return siret


def address_of(store: Store, catalogue: Catalogue, siret: str) -> str:
    """Where a structure reads: the address it gave itself, else the one its directory publishes; "" is none."""
    with store.reading() as connection:
        facts = connection.execute(select(Profile.facts).where(Profile.siret == siret)).scalar() or {}
    given = facts.get("alerts_email") or facts.get("email")
    if given:
        return str(given)
    try:
        return catalogue.structure(catalogue.row(siret)).email
    except NotFound:
        return ""
