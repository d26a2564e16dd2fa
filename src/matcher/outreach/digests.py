"""Composition of the digests: a few lots a day for each structure, each lot once, under the operator's rules.

A lot announced is a row of `told`: no new program, model, catalogue or duplicate notice announces it again; a correction
does only if its source changed what a reader needs.  What did not leave is not told (`outreach.states`).  A public notice is announced to every structure in reach on the same day; a buyer's own
unpublished need goes out in waves, which stop when enough structures are interested; of its outcome the buyer has a digest too.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from itertools import groupby, islice
from statistics import median
from typing import Any

from sqlalchemy import Connection, delete, func, select, update

from matcher import codec
from matcher.catalogue.catalogue import Catalogue
from matcher.domain import Award, NotFound, Structure
from matcher.matching.renewals import Renewal, renewals
from matcher.outreach import alerts, changes
from matcher.outreach.alerts import address_of, earlier_names
from matcher.outreach.changes import LEVEL, WAVES, Case, cases
from matcher.outreach.digest_formats import FORMS, templates
from matcher.outreach.digest_formats import day as day_in_words
from matcher.outreach.intake import Summary
from matcher.outreach.items import PRIOR, ItemWriter, News
from matcher.outreach.rules import Rules
from matcher.outreach.states import LOST, move
from matcher.records import feedback
from matcher.records.store import Store, now
from matcher.records.tables import Announcement, Digest, Feedback, Found, Notice, Run
from matcher.reference.french import PARIS
from matcher.reference.identifiers import is_address
from matcher.reference.naming import as_written
from matcher.reference.text import shorten

MAIL = "mail"
#: Fields that older digests lack.
LATER: dict[str, Any] = {"unsure": (), "ending": (), "quiet": False}
LATER_ITEM: dict[str, Any] = {
    "amount": "montant non publié", "text": "", "level": "likely", "edition": 0, "prior": False,
    "procedure": "", "limits": "", "contact": "", "facilitators": (), "duration": "", "profile": "",
    "trades": "",
}  # fmt: skip
TOGETHER = 50  # digests written in one transaction
Composed = tuple[Mapping[str, Any], Sequence[News]]  # the content of a digest, and the lots it announces
UNSURE = 3  # lots of the line "à vérifier, si c'est votre métier"
RENEWAL = "renewal:"
ENDING = 2  # contracts ending soon in one message
QUIET = "Peu ou rien dans votre métier ces temps-ci"
QUIET_INTRO = (
    "Depuis un mois, aucun lot ouvert n'était clairement de votre métier et à votre portée : ce message le dit une fois, "
    "plutôt que de vous écrire pour rien."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What the store knows at the instant of a run, before any digest is composed."""

    cases: Mapping[str, Case]
    refused: feedback.Refusals
    # when last, by addressee, first notice and lot
    announced: Mapping[tuple[str, str, str], datetime] = field(default_factory=dict)
    silent: Set[str] = frozenset()  # addressees without mail today
    done: Set[str] = frozenset()  # addressees that have today's digest already
    waves: Mapping[str, list[str]] = field(default_factory=dict)  # unpublished need -> today's structures
    quiet: Sequence[str] = ()  # addressees without mail for a month
    ending: Set[tuple[str, str]] = frozenset()  # (addressee, "renewal:" id) announced before


def compose(
    store: Store,
    catalogue: Catalogue,
    rules: Rules,
    summary: Summary,
    at: datetime,
    *,
    hold: bool = False,
    ending: Mapping[str, Sequence[Renewal]] | None = None,
) -> None:
    """Write the digests of a run: all of them as "composing", then, counted, held or ready in one step.

    `ending` are contracts that end soon by the SIRET that would be called for them: announced once, along with other news.
    """
    day = at.astimezone(PARIS).date()
    with store.writing() as connection:
        # a run of an earlier day that nothing resumed: its lots are news again
        move(connection, "cancelled", Digest.status == "composing", Digest.day < day)
    known = _known(
        store, rules, summary, at, day, lambda siret: is_address(address_of(store, catalogue, siret))
    )
    summary.waves = dict(known.waves)
    with store.writing() as connection:
        connection.execute(update(Run).where(Run.id == summary.run).values(state=asdict(summary)))
    writer = ItemWriter(store, catalogue, known.cases)
    choices = _choices(store, catalogue, rules, known, ending or {})
    while some := list(islice(choices, TOGETHER)):
        writer.read({one.structure.siret: [*one.sure, *one.unsure] for one in some})
        _keep(store, day, at, [_written(rules, summary, at, one, writer) for one in some])
    unmailed = (siret for siret in known.quiet if siret not in known.done)
    heard = (siret for siret in unmailed if not known.silent & earlier_names(catalogue, siret))
    left = filter(None, map(catalogue.known, heard))
    nothing = {"quiet": True, "subject": QUIET, "intro": QUIET_INTRO}
    while silent := list(islice(left, TOGETHER)):
        _keep(store, day, at, [(_content(summary, at, one) | nothing, []) for one in silent])
    _release(store, rules, summary, day, hold)


@dataclass(frozen=True, slots=True)
class _Choice:
    """What there is to tell a structure: lots in the order of presentation, of which the first will be; contracts that end."""

    structure: Structure
    sure: Sequence[News]  # the lots of the first notices
    left: int  # lots of other notices
    unsure: Sequence[News]
    ending: Sequence[Renewal]


def _choices(
    store: Store, catalogue: Catalogue, rules: Rules, known: _Known, ending: Mapping[str, Sequence[Renewal]]
) -> Iterator[_Choice]:
    """The structures that have news and are to be written to, by SIRET."""
    # above the floor, best first
    columns = (Found.siret, Found.notice_id, Found.lot_id, Found.probability, LEVEL.label("level"))
    is_news = Found.detail["cause"].as_string() == "notice"
    pairs = select(*columns).where(Found.probability >= rules.floor, is_news)
    ordered = pairs.order_by(Found.siret, Found.probability.desc(), Found.notice_id, Found.lot_id)
    open_ones = (row for row in store.ask(ordered) if row.notice_id in known.cases)
    grouped = groupby(open_ones, key=lambda row: row.siret)
    by_siret = {siret: [*rows] for siret, rows in grouped}
    # a cancelled lot has no matches left: its addressees are those it was announced to
    # lots announced earlier that were cancelled since, announced as such once; by addressee
    cancelled: dict[str, list[News]] = defaultdict(list)
    for (addressee, notice_id, lot_id), at in known.announced.items():
        case = known.cases[notice_id]
        if lot_id in case.cancelled and case.lot(lot_id):
            changed = changes.since(case.changes, lot_id, at)
            if any(one["field"] == "cancelled" for one in changed):
                cancelled[addressee].append(News(notice_id, lot_id, 1.0, "cancellation", "likely", changed))
    for siret in sorted({*by_siret, *cancelled}):
        names = earlier_names(catalogue, siret)
        if siret in known.done or known.silent & names:
            continue
        rows = by_siret.get(siret, ())
        found = (_news(known, r.notice_id, r.lot_id, r.probability, r.level, names) for r in rows)
        news = [*filter(None, found), *(one for name in sorted(names) for one in cancelled.get(name, ()))]
        # one announced once may since have gone from the directory
        if any(one.level != "plausible" for one in news) and (structure := catalogue.known(siret)):
            contracts = ending.get(siret, ())
            fresh = [c for c in contracts if not known.ending & {(n, RENEWAL + c.id) for n in names}]
            yield _chosen(rules, known, structure, news, fresh[:ENDING])


def _chosen(
    rules: Rules, known: _Known, structure: Structure, news: Sequence[News], ending: Sequence[Renewal]
) -> _Choice:
    urgent = {"cancellation": 0, "correction": 1}

    def place(one: News) -> tuple[Any, ...]:
        to_prepare = known.cases[one.notice_id].tender.nature in PRIOR  # after what can be answered
        merit = (to_prepare, one.level != "likely", -one.chance)
        return (urgent.get(one.kind, 2), *merit, one.notice_id, one.lot_id)

    ordered = sorted(news, key=place)
    sure = [one for one in ordered if one.level != "plausible"]
    first = set(islice(dict.fromkeys(one.notice_id for one in sure), rules.cap))
    shown = [one for one in sure if one.notice_id in first]
    unsure = [one for one in ordered if one.level == "plausible"][:UNSURE]
    return _Choice(structure, shown, len(sure) - len(shown), unsure, ending)


def _known(
    store: Store, rules: Rules, summary: Summary, at: datetime, day: date, reachable: Callable[[str], bool]
) -> _Known:
    with store.reading() as connection:
        open_cases = cases(connection, at)
        today = (Digest.day == day, Digest.channel == MAIL)
        sent = select(Digest.addressee).where(*today, Digest.status.not_in(LOST))
        silent = alerts.silent(connection, "alerts") | alerts.paused(connection, day)
        ending = select(Announcement.addressee, Announcement.notice_id)
        ending = ending.where(Announcement.notice_id.startswith(RENEWAL))
        # a resumed run keeps the waves of its first attempt
        waves = summary.waves if summary.resumed else {}
        # (addressee, first notice id, lot) -> when last, for open procedures, under any of their ids
        first = {id: key for key, case in open_cases.items() for id in case.ids}
        told = select(Announcement.__table__).where(Announcement.channel == MAIL).order_by(Announcement.at)
        return _Known(
            cases=open_cases,
            announced={
                (row.addressee, first[row.notice_id], row.lot_id): row.at
                for row in connection.execute(told)
                if row.notice_id in first
            },
            refused=feedback.refusals(connection),
            silent=silent | alerts.too_recent(connection, day),
            done=set(connection.execute(sent).scalars()),
            waves=waves or _waves(connection, open_cases, rules, at, reachable),
            quiet=alerts.quiet(connection, day),
            ending={(who, id) for who, id in connection.execute(ending)},
        )


def _waves(
    connection: Connection,
    open_cases: Mapping[str, Case],
    rules: Rules,
    at: datetime,
    reachable: Callable[[str], bool],
) -> dict[str, list[str]]:
    """For each unpublished need that its buyer wants announced: the structures of today's wave, best first.

    Who has no address takes no place in a wave.
    """
    waves: dict[str, list[str]] = {}
    for id, case in open_cases.items():
        if not case.owner or WAVES not in case.tender.flags or case.over:
            continue
        verbs = Feedback.verb.in_(("interested", "declined"))
        answers = select(Feedback.siret, Feedback.verb).where(Feedback.notice_id.in_(case.ids), verbs)
        words = connection.execute(answers).all()
        interested = {row.siret for row in words if row.verb == "interested"}
        if len(interested) >= rules.enough:
            continue
        announced = select(Announcement.addressee, Announcement.at).where(Announcement.notice_id == id)
        rows = connection.execute(announced).all()
        if any(row.at.astimezone(PARIS).date() == at.astimezone(PARIS).date() for row in rows):
            continue
        asked = {row.addressee for row in rows} | {row.siret for row in words}
        ranked = connection.execute(
            select(Found.siret)
            .where(Found.notice_id == id, Found.probability >= rules.floor, LEVEL == "likely")
            .group_by(Found.siret)
            .order_by(func.max(Found.probability).desc(), Found.siret)
        ).scalars()
        open_ones = (siret for siret in ranked if siret not in asked and reachable(siret))
        waves[id] = list(islice(open_ones, rules.wave))
    return waves


def _news(
    known: _Known, notice_id: str, lot_id: str, chance: float, level: str, names: set[str]
) -> News | None:
    """The news of this pair today, None where there is none."""
    case = known.cases[notice_id]
    lot = case.lot(lot_id)
    if lot is None or lot_id in case.cancelled:
        return None
    if names & known.refused.of(case.ids, lot_id) or known.refused.denies(names, lot):
        return None
    private = case.owner or case.tender.confidential
    if private and not names & set(known.waves.get(notice_id, ())):
        return None
    keys = ((name, notice_id, lot_id) for name in names)
    before = next((known.announced[key] for key in keys if key in known.announced), None)
    if before is None:
        return News(notice_id, lot_id, chance, "wave" if case.owner else "notice", level)
    changed = changes.since(case.changes, lot_id, before)
    return News(notice_id, lot_id, chance, "correction", level, changed) if changed else None


def identifier(addressee: str, day: date, channel: str = MAIL) -> str:
    """The one id of a digest: the same addressee, day and channel give the same."""
    return hashlib.sha256(f"{addressee}|{day.isoformat()}|{channel}".encode()).hexdigest()[:32]


def _written(rules: Rules, summary: Summary, at: datetime, one: _Choice, writer: ItemWriter) -> Composed:
    """The content of one digest, and the lots it announces."""
    items = [writer.item(one.structure, news) for news in one.sure]
    told: dict[str, Any] = {"items": items, "left": one.left, "cap": rules.cap}
    told |= {"unsure": [writer.item(one.structure, news) for news in one.unsure]}
    told |= _announced(items)
    ending = [contract.sentence() for contract in one.ending]
    content = _content(summary, at, one.structure) | told | {"ending": ending}
    ending_news = [News(RENEWAL + contract.id, "", 1.0, "renewal") for contract in one.ending]
    return content, [*one.sure, *one.unsure, *ending_news]


def _content(summary: Summary, at: datetime, structure: Structure) -> dict[str, Any]:
    """What every digest of a structure holds."""
    day = at.astimezone(PARIS).date()
    run = {"id": identifier(structure.siret, day), "run": summary.run, "versions": summary.versions}
    who = codec.flat(structure, "addressee=siret, name, kind, source")
    empty: dict[str, Any] = {"items": [], "unsure": [], "ending": [], "quiet": False, "left": 0, "cap": 0}
    return run | who | empty | {"day": day.isoformat(), "made": at.isoformat(), "link": ""}


def _keep(store: Store, day: date, at: datetime, composed: Sequence[Composed]) -> None:
    """Some digests and the lots they announce, in one transaction; an existing one is not changed."""
    with store.writing() as connection:
        ids = [content["id"] for content, _ in composed]
        addressees = [content["addressee"] for content, _ in composed]
        # what was lost today is written anew, and what had no address before is not kept beside it
        connection.execute(delete(Digest).where(Digest.id.in_(ids), Digest.status.in_(LOST)))
        unsent = (Digest.addressee.in_(addressees), Digest.status == "no-address")
        connection.execute(delete(Digest).where(*unsent))
        there = set(connection.execute(select(Digest.id).where(Digest.id.in_(ids))).scalars())
        fresh = [(content, news) for content, news in composed if content["id"] not in there]
        rows = [
            {"id": content["id"], "addressee": content["addressee"], "day": day, "channel": MAIL}
            | {"status": "composing", "content": content, "said": "", "created_at": at, "sent_at": None}
            for content, _ in fresh
        ]
        store.put(connection, Digest, rows, keep=[column.name for column in Digest.__table__.columns])
        told = [
            {"addressee": content["addressee"], "notice_id": one.notice_id, "lot_id": one.lot_id}
            | {"channel": MAIL, "digest_id": content["id"], "at": at}
            for content, news in fresh
            for one in news
        ]
        store.put(connection, Announcement, told)


def _announced(items: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The subject and the first words of a digest: what it brings by kind, and the first title; the first deadline."""
    due = min((i["deadline"] for i in items if i["deadline"] and i["kind"] != "cancellation"), default=None)
    subject = templates().get_template("_subject.txt").render(items=items)
    return {"subject": str(subject), "intro": f"Première date limite : {day_in_words(due)}." if due else ""}


def _release(store: Store, rules: Rules, summary: Summary, day: date, hold: bool) -> None:
    """Count the digests of the run and let them go, or hold them all for the operator."""
    with store.writing() as connection:
        told = func.json_array_length(Digest.content["items"])
        ours = (Digest.day == day, Digest.channel == MAIL, Digest.content["run"].as_string() == summary.run)
        totals = select(func.count(), func.coalesce(func.sum(told), 0)).where(*ours)
        summary.digests, summary.told = connection.execute(totals).one()
        ended = select(Run.state).where(Run.finished_at.is_not(None)).order_by(Run.started_at.desc())
        states = connection.execute(ended.limit(rules.usual_runs)).scalars()
        volumes = [state["digests"] for state in states if state.get("digests")]  # of runs that sent any
        usual = float(median(volumes)) if len(volumes) >= 3 else None
        if hold:
            summary.held = "asked"
        elif usual is None and summary.digests > rules.first_volume:
            summary.held = "first"
        elif usual is not None and summary.digests > rules.brake * max(1.0, usual):
            summary.held = "volume"
        move(connection, "held" if summary.held else "ready", Digest.day == day, Digest.status == "composing")
        connection.execute(update(Run).where(Run.id == summary.run).values(state=asdict(summary)))


def current(
    store: Store, catalogue: Catalogue, siret: str, *, at: datetime | None = None, limit: int = 50
) -> dict[str, Any]:
    """Everything open and in reach of a structure today, announced or not: for feeds, calendars and tables."""
    at = at or now()
    structure = catalogue.structure(catalogue.row(siret))
    with store.reading() as connection:
        every = cases(connection, at).items()
        open_cases = {k: c for k, c in every if not (c.owner or c.tender.confidential)}
        refused = feedback.refusals(connection)
        rows = connection.execute(
            select(Found.notice_id, Found.lot_id, Found.probability, LEVEL.label("level"))
            .where(Found.siret == structure.siret, Found.probability >= Rules().floor, LEVEL != "plausible")
            .order_by(LEVEL.desc(), Found.probability.desc(), Found.notice_id, Found.lot_id)
        ).all()
    names = earlier_names(catalogue, structure.siret)
    known = _Known(cases=open_cases, refused=refused)
    found = (_news(known, id, lot, p, level, names) for id, lot, p, level in rows if id in open_cases)
    news = [one for one in found if one]
    writer = ItemWriter(store, catalogue, open_cases)
    writer.read({structure.siret: news[:limit]})
    items = [writer.item(structure, one) for one in news[:limit]]
    versions = items[0]["versions"] if items else {"recipe": "", "data": ""}
    listed = {"items": items, "left": max(0, len(news) - limit), "cap": limit, **_announced(items)}
    content = _content(Summary("", at.isoformat(), versions), at, structure)
    return content | listed | {"id": identifier(siret, at.date(), "feed")}


def rendered(content: Mapping[str, Any], form: str) -> bytes:
    """A digest in one of `FORMS`.  Raises NotFound, naming them."""
    if form not in FORMS:
        raise NotFound(f"no form {form!r} of a digest: choose one of {', '.join(sorted(FORMS))}")
    items = [{**LATER_ITEM, **item} for item in content["items"]]
    return FORMS[form]({**LATER, **content, "items": items})


LISTED = 10  # contracts ending soon that are listed for their buyer


def of_buyer(
    store: Store, buyer: str, catalogue: Catalogue | None = None, *, at: datetime | None = None
) -> dict[str, Any]:
    """The outcome of a buyer's needs: for each lot how many could serve, were notified, are interested, or are not and why.

    `buyer` is an id (SIRET), a SIREN, or the owner of unpublished needs.  Names of those interested are given
    for the buyer's own unpublished needs alone; of public notices only numbers.
    """
    at = at or now()
    with store.reading() as connection:
        columns = (Notice.id, Notice.twin, Notice.owner, Notice.tender, Notice.deadline)
        rows = connection.execute(select(*columns)).all()
        mine = [
            row
            for row in rows
            if not row.twin
            and (row.owner == buyer if row.owner else row.tender["buyer"]["id"].startswith(buyer))
        ]
        if not buyer or not mine:
            raise NotFound(f"no need of buyer {buyer!r} was seen: give the SIRET or SIREN of its notices")
        items = []
        for row in sorted(mine, key=lambda r: r.id):
            ids = [row.id, *(other.id for other in rows if other.twin == row.id)]
            items.append(_item(connection, row, ids, catalogue, named=row.owner == buyer))
        awards = [
            codec.from_json(Award, award)
            for row in rows
            if not row.owner and row.tender["nature"] == "award"
            for award in row.tender.get("awards", ())
        ]
    day = at.astimezone(PARIS).date()
    known = buyer[:9] if buyer[:9].isdecimal() else ""
    ending = renewals(awards, day, buyer=known) if known else []
    whose = f"buyer:{buyer}"
    digest: dict[str, Any] = {"id": identifier(whose, day), "addressee": whose, "name": "", "link": ""}
    digest |= {"day": day.isoformat(), "made": at.isoformat(), "items": items}
    subject = f"Ce que sont devenus vos {len(items)} besoin(s)"
    return digest | {"subject": subject, "ending": [one.sentence() for one in ending[:LISTED]]}


def _item(
    connection: Connection, row: Any, ids: Sequence[str], catalogue: Catalogue | None, *, named: bool
) -> dict[str, Any]:
    """The outcome of one notice, known under `ids`."""

    def counted(table: Any, who: Any, which: Any) -> dict[str, int]:
        query = select(table.lot_id, func.count(who.distinct())).where(which).group_by(table.lot_id)
        return dict(connection.execute(query).all())

    possible = counted(Found, Found.siret, (Found.notice_id == row.id) & (LEVEL == "likely"))
    notified = counted(Announcement, Announcement.addressee, Announcement.notice_id.in_(ids))
    given = select(Feedback.__table__).where(Feedback.notice_id.in_(ids)).order_by(Feedback.at)
    last = {(w["siret"], w["lot_id"]): w for w in connection.execute(given).mappings()}
    reasons = Counter(
        feedback.REASONS.get(w["reason"], w["reason"])
        for w in last.values()
        if w["verb"] == "declined" and w["reason"]
    )

    def outcome(lot: Mapping[str, Any]) -> dict[str, Any]:
        """How many could serve a lot, were notified, are interested, or declined."""
        verbs = [w["verb"] for (_, lot_id), w in last.items() if lot_id in ("", lot["id"])]
        return {
            "lot": f"Lot {lot['number']} : {shorten(lot['title'], 80)}",
            "lot_id": lot["id"],
            "possible": possible.get(lot["id"], 0),
            "told": notified.get(lot["id"], 0),
            "interested": sum(verb in ("interested", "submitted", "won") for verb in verbs),
            "declined": verbs.count("declined"),
        }

    interested = sorted({siret for (siret, _), w in last.items() if w["verb"] == "interested"})
    known = [(siret, catalogue.known(siret) if catalogue is not None else None) for siret in interested]
    return {
        "notice_id": row.id,
        "title": shorten(row.tender["title"], 120),
        "deadline": row.deadline.isoformat() if row.deadline else None,
        "lots": list(map(outcome, row.tender["lots"])),
        "reasons": [f"{reason} ({count})" for reason, count in reasons.most_common()],
        "names": [f"{as_written(who.name)} ({siret})" if who else siret for siret, who in known]
        if named
        else [],
    }
