"""How often a structure gets mail, and at which address: its own choice, kept in its profile, else its directory's."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, func, select

from matcher.catalogue.catalogue import Catalogue
from matcher.domain import BadInput, NotFound
from matcher.outreach.states import LOST
from matcher.records import feedback
from matcher.records.self_declared import facts_of
from matcher.records.store import Store, address_subject, now
from matcher.records.tables import Digest, Profile, Unsubscription

#: frequency -> (French, minimum days between two messages)
FREQUENCIES: dict[str, tuple[str, int]] = {
    "daily": ("dès qu'il y a du nouveau, une fois par jour au plus", 1),
    "weekly": ("une fois par semaine au plus", 7),
    "off": ("jamais", 0),
}
PAUSED = "alerts_until"  # in a profile: the day from which alerts come again
#: What a structure may stop by itself: -> French.
KINDS: dict[str, str] = {"alerts": "les alertes sur les marchés", "questions": "les questions des acheteurs"}
QUIET_DAYS = 30  # without any mail, after which a digest says that there was nothing


@dataclass(frozen=True, slots=True)
class Alerts:
    """What a structure chose; `address` "" is the one that its directory publishes."""

    frequency: str = "daily"
    address: str = ""
    barred: bool = False  # its address bounced: nothing is sent there again
    plausible: bool = False  # also one line of lots to be verified


def chosen(store: Store, siret: str) -> Alerts:
    """The choice in force: an unsubscription by a mail's link counts as "off"."""
    with store.reading() as connection:
        facts = facts_of(connection, siret)
        stopped = silent(connection, "alerts")
    address = _address(facts)
    frequency = "off" if siret in stopped else str(facts.get("alerts", "daily"))
    barred = bool(address) and address_subject(address) in stopped
    return Alerts(frequency, address, barred, bool(facts.get("alerts_plausible")))


def choose(
    store: Store,
    siret: str,
    frequency: str,
    address: str = "",
    by: str = "",
    *,
    plausible: bool | None = None,
) -> None:
    """Keep a choice: "off" stops alerts alone, any other begins them again.  Raises BadInput on an unknown frequency."""
    if frequency not in FREQUENCIES:
        raise BadInput(f"no frequency {frequency!r}: choose {', '.join(FREQUENCIES)}")
    given = {"alerts": frequency, "alerts_email": address or None, "alerts_plausible": plausible}
    stated = {name: value for name, value in given.items() if value is not None}
    with store.writing(by or siret, f"alerts.{frequency}", siret) as connection:
        _keep(store, connection, siret, by, stated)
        if frequency == "off":
            store.unsubscribe(connection, f"alerts:{siret}", "page")
        else:
            subjects = Unsubscription.subject.in_((siret, f"alerts:{siret}"))
            connection.execute(delete(Unsubscription).where(subjects))


def _keep(store: Store, connection: Connection, siret: str, by: str, given: Mapping[str, Any]) -> None:
    feedback.check_identity(siret)
    facts = facts_of(connection, siret)
    row = {"siret": siret, "facts": {**facts, **given}, "by": by, "at": now()}
    store.put(connection, Profile, [row], keep=("at",) if facts else ())


def _address(facts: Mapping[str, Any]) -> str:
    return str(facts.get("alerts_email") or facts.get("email") or "")


def silent(connection: Connection, kind: str) -> set[str]:
    """Who gets no mail of a kind (a key of KINDS): SIRETs, and addresses as `address_subject` writes them."""
    subjects = connection.execute(select(Unsubscription.subject)).scalars()
    return {subject.removeprefix(f"{kind}:") for subject in subjects}


def stop(store: Store, siret: str, kind: str = "", cause: str = "operator", by: str = "") -> None:
    """No more mail of a kind, or none at all, to a structure.  Raises BadInput on an unknown kind."""
    if kind and kind not in KINDS:
        raise BadInput(f"no kind of mail {kind!r}: choose {' or '.join(KINDS)}, or none for all")
    with store.writing(by or siret, "unsubscribe", siret, {"kind": kind or "all"}) as connection:
        store.unsubscribe(connection, f"{kind}:{siret}" if kind else siret, cause)


def pause(store: Store, siret: str, until: date, by: str = "") -> None:
    """No alerts before a day; what is open then is told."""
    with store.writing(by or siret, "alerts.pause", siret, {"until": until.isoformat()}) as connection:
        _keep(store, connection, siret, by, {PAUSED: until.isoformat()})


def paused(connection: Connection, day: date) -> set[str]:
    """SIRETs that asked for no alerts before a later day."""
    rows = connection.execute(select(Profile.siret, Profile.facts))
    return {siret for siret, facts in rows if str(facts.get(PAUSED, "")) > day.isoformat()}


def too_recent(connection: Connection, day: date) -> set[str]:
    """SIRETs that get no mail on this day: their last message is too recent for their chosen frequency."""
    chosen = connection.execute(select(Profile.siret, Profile.facts))
    apart = {siret: FREQUENCIES.get(str(facts.get("alerts")), ("", 0))[1] for siret, facts in chosen}
    last = _last_mail(connection, Digest.day < day) if any(days > 1 for days in apart.values()) else {}
    return {who for who, latest in last.items() if latest > day - timedelta(days=max(1, apart.get(who, 0)))}


def _last_mail(connection: Connection, *which: ColumnElement[bool]) -> dict[str, date]:
    """The day of the last message to each addressee, of those which."""
    days = select(Digest.addressee, func.max(Digest.day)).where(*which, Digest.status.not_in(LOST))
    return dict(connection.execute(days.group_by(Digest.addressee)).all())


def wants_plausible(connection: Connection) -> frozenset[str]:
    """SIRETs that also want one line of lots to be verified."""
    rows = connection.execute(select(Profile.siret, Profile.facts))
    return frozenset(siret for siret, facts in rows if facts.get("alerts_plausible"))


def quiet(connection: Connection, day: date) -> list[str]:
    """SIRETs without mail for a month that had some before or chose a frequency."""
    last = _last_mail(connection)
    chosen = {
        siret: at.date()
        for siret, facts, at in connection.execute(select(Profile.siret, Profile.facts, Profile.at))
        if facts.get("alerts") not in (None, "off")
    }
    since = {
        siret: last.get(siret) or chosen[siret]
        for siret in {*last, *chosen}
        if not siret.startswith("buyer:")
    }
    return sorted(siret for siret, latest in since.items() if latest <= day - timedelta(days=QUIET_DAYS))


def earlier_names(catalogue: Catalogue, siret: str) -> set[str]:
    """An establishment's SIRET and its earlier ones: refusals and unsubscriptions follow."""
    try:
        row = catalogue.row(siret)
    except NotFound:
        return {siret}
    return {siret, *str(catalogue.structures.column("predecessors")[row].as_py() or "").split()}


def address_of(store: Store, catalogue: Catalogue, siret: str) -> str:
    """The mail address of a structure: the one it gave, else its directory's, else ""."""
    with store.reading() as connection:
        given = _address(facts_of(connection, siret))
    structure = None if given else catalogue.known(siret)
    return structure.email if structure else given
