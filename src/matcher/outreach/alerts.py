"""How often a structure gets mail, and at which address: its own choice, kept in its profile."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import Connection, delete, func, select

from matcher.domain import BadInput
from matcher.outreach.states import LOST
from matcher.records.store import Store, address_subject, now
from matcher.records.tables import Digest, Profile, Unsubscription

#: frequency -> (French, minimum days between two messages)
FREQUENCIES: dict[str, tuple[str, int]] = {
    "daily": ("dès qu'il y a du nouveau, une fois par jour au plus", 1),
    "weekly": ("une fois par semaine au plus", 7),
    "off": ("jamais", 0),
}


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
        facts = connection.execute(select(Profile.facts).where(Profile.siret == siret)).scalar() or {}
        silent = set(connection.execute(select(Unsubscription.subject)).scalars())
    address = str(facts.get("alerts_email") or facts.get("email") or "")
    frequency = "off" if siret in silent else str(facts.get("alerts", "daily"))
    barred = bool(address) and address_subject(address) in silent
    return Alerts(frequency, address, barred, bool(facts.get("alerts_plausible")))


def choose(
    store: Store, siret: str, frequency: str, address: str = "", by: str = "", *, plausible: bool | None = None
) -> Alerts:  # fmt: skip
    """Keep a choice: "off" is an unsubscription, any other cancels it.  Raises BadInput on an unknown frequency."""
    if frequency not in FREQUENCIES:
        raise BadInput(f"no frequency {frequency!r}: choose {', '.join(FREQUENCIES)}")
    with store.writing() as connection:
        facts = dict(connection.execute(select(Profile.facts).where(Profile.siret == siret)).scalar() or {})
        fresh = {**facts, "alerts": frequency} | ({"alerts_email": address} if address else {})
        if plausible is not None:
            fresh["alerts_plausible"] = plausible
        row = {"siret": siret, "facts": fresh, "by": by, "at": now()}
        store.put(connection, Profile, [row], keep=("at",) if facts else ())
        if frequency == "off":
            store.unsubscribe(connection, siret, "page")
        else:
            connection.execute(delete(Unsubscription).where(Unsubscription.subject == siret))
        store.audit(connection, by or siret, f"alerts.{frequency}", siret)
    return chosen(store, siret)


def too_recent(connection: Connection, day: date) -> set[str]:
    """SIRETs that get no mail on this day: their last message is too recent for their chosen frequency."""
    slow = {
        siret: FREQUENCIES[facts["alerts"]][1]
        for siret, facts in connection.execute(select(Profile.siret, Profile.facts))
        if FREQUENCIES.get(str(facts.get("alerts")), ("", 0))[1] > 1
    }
    if not slow:
        return set()
    last = connection.execute(
        select(Digest.addressee, func.max(Digest.day)).where(Digest.day < day, Digest.status.not_in(LOST)).group_by(Digest.addressee)
    )  # fmt: skip
    return {who for who, latest in last if who in slow and latest > day - timedelta(days=slow[who])}


def wants_plausible(connection: Connection) -> frozenset[str]:
    """SIRETs that also want one line of lots to be verified."""
    rows = connection.execute(select(Profile.siret, Profile.facts))
    return frozenset(siret for siret, facts in rows if facts.get("alerts_plausible"))


def quiet(connection: Connection, day: date) -> list[str]:
    """SIRETs without mail for a month that had some before or chose a frequency."""
    last = dict(
        connection.execute(
            select(Digest.addressee, func.max(Digest.day)).where(Digest.status.not_in(LOST)).group_by(Digest.addressee)
        ).all()
    )  # fmt: skip
    chosen = {
        siret: at.date() for siret, facts, at in connection.execute(select(Profile.siret, Profile.facts, Profile.at))
        if facts.get("alerts") not in (None, "off")
    }  # fmt: skip
    since = {
        siret: last.get(siret) or chosen[siret]
        for siret in {*last, *chosen}
        if not siret.startswith("buyer:")
    }
    return sorted(siret for siret, latest in since.items() if latest <= day - timedelta(days=QUIET_DAYS))


def labels() -> Iterable[tuple[str, str]]:
    """(frequency, French) to choose from."""
    return ((name, label) for name, (label, _) in FREQUENCIES.items())
