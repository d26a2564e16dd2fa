"""Feedback of structures and buyers on a lot, per pair and effective immediately: a refused lot is never proposed again.

The latest feedback of a pair counts.  A refusal follows the establishment when its SIRET changes, and a trade that a
structure denies ("ce n'est pas notre métier") excludes it from every lot of that trade.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, delete, select

from matcher.catalogue import denials
from matcher.domain import BadInput, Lot
from matcher.learned import asks
from matcher.records.store import Store, now
from matcher.records.tables import DeniedSkill, Feedback, Notice
from matcher.reference.identifiers import IDENTITY

#: verb -> French
VERBS: dict[str, str] = {
    "interested": "intéressée",
    "declined": "pas intéressée",
    "contacted": "contactée",
    "submitted": "a répondu",
    "won": "a remporté",
}
#: The reason that also denies the trade of the lot.
NOT_OUR_TRADE = "not-our-trade"
#: Reasons offered with "not interested"; free text is accepted as well.
REASONS: dict[str, str] = {
    NOT_OUR_TRADE: "ce n'est pas notre métier",
    "too-far": "trop loin",
    "too-big": "trop gros pour nous",
    "too-small": "trop petit pour nous",
    "too-late": "délai trop court",
    "full": "pas de disponibilité",
    "other": "autre raison",
}
#: Those that are asked: a trade is denied by what the refusal bears on.
OFFERED = {code: words for code, words in REASONS.items() if code != NOT_OUR_TRADE}
REFUSALS = frozenset({"declined"})
#: What only the structure may say of itself: a buyer's word neither lifts a refusal nor is one.
OWN = ("", "mail")  # who speaks for the structure, besides its SIRET
OF_STRUCTURES = frozenset({"interested", "declined", "submitted"})


def check_identity(siret: str) -> None:
    """Raises BadInput on what identifies no structure."""
    if not re.fullmatch(IDENTITY, siret):
        raise BadInput(f"invalid SIRET {siret!r}: expected 14 digits")


def record(
    store: Store,
    siret: str,
    notice_id: str,
    lot_id: str = "",
    verb: str = "interested",
    *,
    reason: str = "",
    cpv: str = "",
    position: int | None = None,
    shown: int | None = None,
    by: str = "",
) -> None:
    """Record feedback on one pair; `lot_id` "" is the whole notice, `cpv` the trade of the lot where known.

    "Ce n'est pas notre métier" also denies the lot's CPV group.  Raises BadInput on another verb.
    """
    if verb not in VERBS:
        raise BadInput(f"no such word {verb!r}: say one of {', '.join(VERBS)}")
    check_identity(siret)
    if not notice_id:
        raise BadInput("say which notice: its id")
    pair = {"siret": siret, "notice_id": notice_id, "lot_id": lot_id}
    row: dict[str, Any] = {**pair, "verb": verb, "reason": reason[:2000], "by": by, "at": now()}
    row |= {"position": position, "shown": shown}
    with store.writing(by or f"structure:{siret}", f"feedback:{verb}", notice_id) as connection:
        said = connection.execute(select(Feedback.verb, Feedback.by, Feedback.at).filter_by(**pair)).all()
        # after the words before it, also where the clock was set back since
        row["at"] = max([row["at"], *(each.at + timedelta(microseconds=1) for each in said)])
        of_another = any(each.verb == verb and each.by != by for each in said)
        if not of_another or by in (siret, *OWN):  # a buyer does not overwrite what the structure said
            store.put(connection, Feedback, [row])
        if verb in REFUSALS and reason == NOT_OUR_TRADE and len(cpv) >= 3:
            deny(store, siret, f"cpv:{cpv[:3]}", by)


def of_buyer(store: Store, notice_id: str, actor: str) -> bool:
    """Was this notice written by this buyer here?"""
    asked = select(Notice.owner).where(Notice.id == notice_id)
    return bool(actor) and store.ask(asked).scalar() == actor


def take_back(store: Store, siret: str, notice_id: str, lot_id: str, by: str = "") -> bool:
    """Withdraw a refusal of this pair; returns True if there was one.  What it denied stays until it is allowed."""
    refused = (Feedback.siret == siret, Feedback.notice_id == notice_id, Feedback.lot_id == lot_id)
    with store.writing(by or f"structure:{siret}", "feedback:taken-back", notice_id) as connection:
        gone = connection.execute(delete(Feedback).where(*refused, Feedback.verb.in_(REFUSALS))).rowcount
    return bool(gone)


def deny(store: Store, siret: str, skill: str, by: str = "") -> None:
    """ "Ce n'est pas notre métier": a skill of `matcher.catalogue.denials` ("trade:", "cpv:" or "offer:"), or a trade in words.

    Raises BadInput on words that name no trade.
    """
    row = {"siret": siret, "skill": denials.skill(skill), "by": by, "at": now()}
    with store.writing() as connection:
        store.put(connection, DeniedSkill, [row])


def allow(store: Store, siret: str, skill: str) -> None:
    """Withdraw a denial, for the structure itself only."""
    with store.writing() as connection:
        connection.execute(delete(DeniedSkill).where(DeniedSkill.siret == siret, DeniedSkill.skill == skill))


@dataclass(frozen=True, slots=True)
class Refusals:
    """Refusals: pairs of structure and lot, and trades denied, by SIRET."""

    pairs: Mapping[tuple[str, str], frozenset[str]]  # (notice, lot or "") -> SIRETs
    skills: Mapping[str, frozenset[str]]  # SIRET -> denied skills

    def of(self, notice_ids: Iterable[str], lot_id: str) -> frozenset[str]:
        """SIRETs that refused this lot, under any id of its notice (a duplicate, a correction)."""
        none: frozenset[str] = frozenset()
        return none.union(*(self.pairs.get((id, lot), none) for id in notice_ids for lot in ("", lot_id)))

    def denies(self, sirets: Iterable[str], lot: Lot) -> bool:
        """Whether one of these SIRETs (of one establishment) denied a trade that the lot names."""
        return any(
            denials.touches(skills, lot, asks.of_lot(lot).trades)
            for siret in sirets
            if (skills := self.skills.get(siret, frozenset()))
        )


def denied(connection: Connection) -> dict[str, tuple[str, ...]]:
    """SIRET -> its structure's denials."""
    found: dict[str, list[str]] = defaultdict(list)
    for siret, skill in connection.execute(select(DeniedSkill.siret, DeniedSkill.skill)):
        found[siret].append(skill)
    return {siret: tuple(sorted(skills)) for siret, skills in sorted(found.items())}


def refusals(connection: Connection) -> Refusals:
    """Every refusal in force; the latest word of the structure on each pair counts."""
    columns = (Feedback.siret, Feedback.notice_id, Feedback.lot_id, Feedback.verb, Feedback.at)
    said = connection.execute(select(*columns).where(Feedback.verb.in_(OF_STRUCTURES)))
    last = {row[:3]: row.verb for row in sorted(said, key=attrgetter("at", "verb"))}
    pairs: dict[tuple[str, str], set[str]] = defaultdict(set)
    for (siret, notice_id, lot_id), verb in last.items():
        if verb in REFUSALS:
            pairs[notice_id, lot_id].add(siret)
    denials_of = {siret: frozenset(skills) for siret, skills in denied(connection).items()}
    return Refusals({key: frozenset(sirets) for key, sirets in pairs.items()}, denials_of)
