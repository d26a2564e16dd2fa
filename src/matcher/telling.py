"""The reasons of a match as a reader wants them: first the trade, then the place, then the proof.

A score has some thirty parts, of which many say the same thing (six signals read the same past contract) or only that
something is unknown.  Here they are gathered by subject; the points of the subjects still sum to the score.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from matcher.domain import Match, Reason
from matcher.text import shorten

#: Subject -> the codes it gathers, in the order in which they are told.
SUBJECTS: dict[str, tuple[str, ...]] = {
    "Clause sociale": ("clause-hire", "clause-task"),
    "Métier": ("meaning", "trade", "words", "name_meaning", "name_words", "named"),
    "Lieu": ("place", "past_place", "past_department", "past_reach"),
    "Marchés passés": (
        "past_best", "past_meaning", "past_part", "past_words", "past_trade_near", "past_words_near", "past_trade",
        "past_trade_count", "past_trade_share", "past_vote", "past_volume", "past_clientele", "past_holder",
    ),
    "Statut": ("reservation", "service"),
    "Moyens et délai": ("capacity", "deadline"),
}  # fmt: skip
OTHER = "Autres"
#: Signals that say the same thing of the same contracts: one of each line is told.
ALIKE = (
    frozenset({"past_best", "past_meaning", "past_part", "past_words", "past_trade_near", "past_words_near"}),
    frozenset({"past_trade", "past_trade_count", "past_trade_share", "past_vote", "past_volume"}),
    frozenset({"past_place", "past_department", "past_reach"}),
    frozenset({"words", "name_meaning", "name_words"}),
)
ALWAYS = frozenset({"place", "clause-hire", "clause-task"})  # told however little they add
LEAST = 0.05  # points below which a reason is not worth a line
EACH = 2  # sentences of a subject


@dataclass(frozen=True, slots=True)
class Subject:
    """What is said on one subject, and the points of all its signals, told or not."""

    name: str
    sentences: tuple[str, ...]
    points: float


def subjects(reasons: Iterable[Reason]) -> tuple[Subject, ...]:
    """The reasons by subject; the points sum to the score.  Subjects without a sentence nor points are left out."""
    held: dict[str, list[Reason]] = {name: [] for name in (*SUBJECTS, OTHER)}
    for reason in reasons:
        held[next((name for name, codes in SUBJECTS.items() if reason.code in codes), OTHER)].append(reason)
    found = (
        Subject(name, _sentences(each), sum(r.contribution for r in each)) for name, each in held.items()
    )
    return tuple(s for s in found if s.sentences or abs(s.points) >= 0.005)


def sentences(reasons: Iterable[Reason], most: int = 3) -> tuple[str, ...]:
    """The few sentences that matter most: the first of each subject, then the seconds."""
    told = [subject.sentences for subject in subjects(reasons)]
    return tuple(said[turn] for turn in range(EACH) for said in told if turn < len(said))[:most]


def _sentences(reasons: list[Reason]) -> tuple[str, ...]:
    told: dict[str, None] = {}
    used: set[frozenset[str]] = set()
    for reason in sorted(reasons, key=lambda r: -r.contribution):
        alike = next((group for group in ALIKE if reason.code in group), None)
        if not _worth(reason) or alike in used:
            continue
        if alike is not None:
            used.add(alike)
        told.setdefault(_sentence(reason))
    return tuple(told)[:EACH]


def _worth(reason: Reason) -> bool:
    if not reason.text or not reason.tells:
        return False
    return reason.code in ALWAYS or abs(reason.contribution) >= LEAST


def _sentence(reason: Reason) -> str:
    """The sentence, with the title of the contract that it speaks of."""
    if reason.code in ALIKE[0] and reason.offer_passage:
        return f"{reason.text} : « {shorten(reason.offer_passage, 90)} »"
    return reason.text


def mark(match: Match, word: str) -> str:
    """How near the match is to the need, in a word: `word`, unless something else comes first for the reader."""
    if match.eligible is False:
        return "non admissible"
    if match.structure.active is False:
        return "fermée"
    if match.of_trade is False:
        return "autre métier"
    if match.out_of_reach:
        return "loin" if match.out_of_reach == "far" else "hors de sa zone"
    # without a directory (suppliers alone) nothing is known of trades, and the word stands
    return "métier à vérifier" if match.of_trade is None and match.structure.kind else word
