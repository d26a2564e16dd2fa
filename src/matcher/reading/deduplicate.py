"""One notice once: corrections, twins (BOAMP and TED), reposts and awards of one procedure, with their history.

A step after reading.  Certain links come first (the notices a notice names, the id of the procedure); then,
for one buyer, the same reference or nearly the same words within the dates that each role allows.  Two
titles that differ by a number ("lot 1", "lot 2", "2025", "2026") are two notices whatever their words.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Literal

from rapidfuzz import fuzz

from matcher.domain import Tender
from matcher.reference.text import fold

Role = Literal["original", "twin", "correction", "cancellation", "repost", "award", "modification", "prior"]

SAME = 92.0  # token-set similarity (0 to 100) of titles taken for one, of the same buyer
SAME_WITH_REFERENCE = 60.0  # where the buyer's own reference agrees
TWIN_DAYS = 21  # between the publications of one notice in two journals
CORRECTION_DAYS = 200
REPOST_DAYS = 270  # beyond, it is next year's contract
AWARD_DAYS = 900
WINDOW = 40  # neighbours compared within a block: a buyer may have published thousands

_NOISE = re.compile(
    r"\b(?:commune|ville|mairie|communaute|agglomeration|communes|de|du|des|la|le|les|d|l|et|metropole|conseil|departemental|regional)\b"
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A notice in the history of its procedure: its role, and why it was put there."""

    tender: Tender
    role: Role
    why: str = ""


@dataclass(frozen=True, slots=True)
class Dossier:
    """All the notices of one procedure, oldest first; `current` is what holds today."""

    current: Tender
    history: tuple[Entry, ...]

    @property
    def status(self) -> Literal["open", "cancelled", "awarded"]:
        """What the last word of the history is."""
        roles = [entry.role for entry in self.history]
        after = roles[max((i for i, r in enumerate(roles) if r in ("original", "repost")), default=0) :]
        return "cancelled" if "cancellation" in after else "awarded" if "award" in after else "open"


def group(tenders: Iterable[Tender]) -> list[Dossier]:
    """The dossiers of the notices, in the order of their first notice; every notice is in exactly one."""
    given = list(tenders)
    parent = list(range(len(given)))
    why: dict[int, str] = {}

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    def join(i: int, j: int, reason: str) -> None:
        a, b = root(i), root(j)
        if a != b:
            parent[max(a, b)] = min(a, b)
        why.setdefault(i, reason)
        why.setdefault(j, reason)

    for i, j, reason in (*_named(given), *_alike(given)):
        join(i, j, reason)
    members: defaultdict[int, list[int]] = defaultdict(list)
    for i in range(len(given)):
        members[root(i)].append(i)
    return [_dossier([given[i] for i in rows], [why.get(i, "") for i in rows]) for rows in members.values()]


def _named(given: Sequence[Tender]) -> Iterator[tuple[int, int, str]]:
    """Links that are certain: the same id, a notice that names another, one procedure."""
    ids: dict[str, int] = {}
    folders: dict[str, int] = {}
    for i, tender in enumerate(given):
        for key, table, reason in (
            (tender.id, ids, "même identifiant"),
            (tender.folder, folders, "même procédure"),
        ):
            if key:
                if key in table:
                    yield table[key], i, reason
                table.setdefault(key, i)
    for i, tender in enumerate(given):
        for other in tender.related:
            if other in ids and ids[other] != i:
                yield ids[other], i, f"renvoie à l'avis {other}"


def _alike(given: Sequence[Tender]) -> Iterator[tuple[int, int, str]]:
    """Links by buyer and reference, or by buyer, words and dates, among the neighbours of a block."""
    blocks: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    titles = [fold(tender.title) for tender in given]
    numbers = [frozenset(re.findall(r"\d+", title)) for title in titles]
    for i, tender in enumerate(given):
        reference = re.sub(r"[^0-9a-z]", "", fold(tender.reference))
        for buyer in _buyers(tender):
            if len(reference) >= 4:
                blocks[(buyer, "reference", reference)].append(i)
            if tender.deadline:
                blocks[(buyer, "deadline", tender.deadline.date().isoformat())].append(i)
            for lot in tender.lots[:1]:
                for code in lot.cpv[:1]:
                    blocks[(buyer, "cpv", code[:5])].append(i)
            blocks[(buyer, "title", " ".join(titles[i].split()[:4]))].append(i)
    seen: set[tuple[int, int]] = set()
    for key, rows in blocks.items():
        rows.sort(key=lambda i: (given[i].published or date.min, i))
        for place, i in enumerate(rows):
            for j in rows[place + 1 : place + 1 + WINDOW]:
                pair = (min(i, j), max(i, j))
                if i == j or pair in seen:
                    continue
                by_reference = key[1] == "reference"
                needed = SAME_WITH_REFERENCE if by_reference else SAME
                if not by_reference and numbers[i] != numbers[j]:
                    continue
                if not _in_time(given[i], given[j]) or fuzz.token_set_ratio(titles[i], titles[j]) < needed:
                    continue
                if not by_reference and fuzz.token_sort_ratio(titles[i], titles[j]) < SAME - 12:
                    continue  # one title within a longer one is another object
                seen.add(pair)
                yield *pair, "même acheteur, même référence" if by_reference else "même acheteur, même objet"


def _buyers(tender: Tender) -> Iterator[str]:
    """The keys of a buyer: its SIREN where published, and its name without the words that all names share."""
    if re.fullmatch(r"\d{9}|\d{14}", tender.buyer.id):
        yield tender.buyer.id[:9]
    name = " ".join(sorted(set(_NOISE.sub(" ", re.sub(r"[^a-z0-9]", " ", fold(tender.buyer.name))).split())))
    if name:
        yield name


def _in_time(one: Tender, other: Tender) -> bool:
    """Whether the roles of two notices allow the days between them; unknown dates are allowed."""
    if one.published is None or other.published is None:
        return True
    first, last = sorted((one, other), key=lambda t: t.published or date.min)
    gap = (last.published or date.min) - (first.published or date.min)
    if last.nature in ("award", "modification"):
        return gap <= timedelta(days=AWARD_DAYS)
    if first.nature == "award":
        return False  # a call after an award is another contract
    if last.nature in ("correction", "cancellation"):
        return gap <= timedelta(days=CORRECTION_DAYS)
    if first.nature == "prior":
        return gap <= timedelta(days=AWARD_DAYS)
    return gap <= timedelta(days=REPOST_DAYS)


def _dossier(tenders: list[Tender], reasons: list[str]) -> Dossier:
    order = sorted(range(len(tenders)), key=lambda i: (tenders[i].published or date.min, i))
    entries: list[Entry] = []
    for i in order:
        tender = tenders[i]
        entries.append(Entry(tender, _role(tender, entries), reasons[i] if entries else ""))
    return Dossier(_current(entries), tuple(entries))


def _role(tender: Tender, before: Sequence[Entry]) -> Role:
    if any(entry.tender.id == tender.id for entry in before):
        return "twin"
    if tender.nature in ("correction", "cancellation", "award", "modification", "prior"):
        return tender.nature
    calls = [entry.tender for entry in before if entry.role in ("original", "repost")]
    if not calls:
        return "original"
    last = calls[-1]
    if last.published and tender.published and tender.published - last.published > timedelta(days=TWIN_DAYS):
        return "repost"
    return "twin" if last.format != tender.format or last.deadline == tender.deadline else "correction"


def _current(entries: Sequence[Entry]) -> Tender:
    """The last full notice, the richest of its twins, with the deadline that its last correction gives."""
    calls = [e.tender for e in entries if e.role in ("original", "repost", "twin", "correction", "prior")]
    if not calls:
        return entries[-1].tender
    started = [i for i, e in enumerate(entries) if e.role in ("original", "repost")]
    recent = [
        e
        for e in entries[started[-1] if started else 0 :]
        if e.role in ("original", "repost", "twin", "correction")
    ]
    full = [e.tender for e in recent] or calls
    richest = max(
        full, key=lambda t: (len(t.lots), sum(len(lot.description) for lot in t.lots) > 200, _age(t))
    )
    corrections = [e.tender for e in recent if e.role == "correction" and e.tender.deadline]
    if corrections and corrections[-1].deadline != richest.deadline:
        deadline = corrections[-1].deadline
        lots = tuple(replace(lot, deadline=deadline) for lot in richest.lots)
        return replace(richest, deadline=deadline, lots=lots)
    return richest


def _age(tender: Tender) -> int:
    return (tender.published or date.min).toordinal()
