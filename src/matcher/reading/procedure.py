"""Group notices by procedure, and apply corrections and cancellations.

`keys` are identifiers shared by notices of one procedure; `procedures` adds similarity for a batch of notices: one
buyer, the same reference or nearly the same words, and dates compatible with their natures.  Two titles that
differ by a number ("lot 1", "lot 2", "2025", "2026") are two procedures whatever their words.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from matcher.domain import ANSWERABLE, CALLS, Lot, Tender
from matcher.reference.french import in_paris
from matcher.reference.text import fold

#: A notice that states no deadline counts as closed this long after its publication.
UNDATED_DAYS = 90
SAME = 92.0  # token-set similarity (0 to 100) of titles treated as equal, for one buyer
SAME_WITH_REFERENCE = 60.0  # where the buyer's own reference agrees
CORRECTION_DAYS = 200
REPOST_DAYS = 270  # beyond, it is next year's contract
AWARD_DAYS = 900
WINDOW = 40  # neighbours compared within a block: a buyer may publish thousands

_NOISE = re.compile(
    r"\b(?:commune|ville|mairie|communaute|agglomeration|communes|de|du|des|la|le|les|d|l|et|metropole|conseil|departemental|regional)\b"
)


def keys(tender: Tender) -> Iterator[tuple[str, ...]]:
    """Keys shared by notices of one procedure, most reliable first."""
    if tender.nature in ("correction", "cancellation", "modification"):
        yield from (("id", related) for related in tender.related)
    if tender.folder:
        yield ("folder", tender.folder)
    buyer = tender.buyer.id[:9] if tender.buyer.id[:9].isdecimal() else fold(tender.buyer.name)
    if not buyer or tender.nature == "award":
        return
    titles = "|".join(sorted(fold(lot.title) for lot in tender.lots))
    day = closing(tender)
    if day is not None and tender.nature in CALLS:
        yield ("text", buyer, fold(tender.title), titles, day.date().isoformat())
        if len(tender.reference) >= 4:
            yield ("reference", buyer, fold(tender.reference), day.date().isoformat())


def closing(tender: Tender) -> datetime | None:
    """The latest deadline of any lot; None where none is stated."""
    stated = filter(None, (tender.deadline, *(lot.deadline for lot in tender.lots)))
    return max(map(in_paris, stated), default=None)


def open_at(deadline: datetime | None, published: date | None, at: datetime) -> bool:
    """Returns True while the deadline has not passed."""
    if deadline is not None:
        return deadline > at
    return published is None or published > (at - timedelta(days=UNDATED_DAYS)).date()


def effective(first: Tender, later: Sequence[Tender]) -> tuple[Tender, frozenset[str]]:
    """A notice with its corrections applied, and the ids of its lots that were cancelled.

    A correction replaces the deadline and the link to the documents; its text is kept in `change`.
    """
    tender, cancelled = first, set(_withdrawn(first, first.lots))
    for notice in sorted(later, key=lambda t: (t.published or date.max, t.id)):
        cancelled |= _withdrawn(notice, tender.lots)
        if notice.nature in ("correction", "modification"):
            moved = closing(notice)
            if moved is not None and moved != closing(tender):
                lots = tuple(replace(lot, deadline=moved) if lot.deadline else lot for lot in tender.lots)
                tender = replace(tender, deadline=moved, lots=lots)
            texts = (tender.change, "" if notice.change in tender.change else notice.change)
            url = notice.documents_url or tender.documents_url
            tender = replace(tender, change=" ".join(filter(None, texts)), documents_url=url)
    return tender, frozenset(cancelled)


def _withdrawn(notice: Tender, lots: Sequence[Lot]) -> set[str]:
    """The ids of the lots that a notice cancels: those it names, else all where it is a cancellation."""
    if notice.cancels:
        return {lot.id for lot in lots if lot_number(lot.number) in notice.cancels}
    return {lot.id for lot in lots} if notice.nature == "cancellation" else set()


def numbered(text: str) -> tuple[str, str]:
    """A lot's number without the word before it, which pages say, and the title behind: "Lot n° 03 : Peinture" is "03", "Peinture"."""
    bare = re.sub(r"^lots?(?![^\W\d_])\W*(?:n[o\W]*(?=\d))?", "", text, flags=re.I).strip(" -–:.°")
    titled = re.match(r"(\d+\w?)(?: ?[:«–—]| -) ?(.*[^\W\d_]{4}.*)", bare)
    return (titled[1], titled[2].rstrip(" »")) if titled else (bare, "")


def lot_number(text: str) -> str:
    """A lot's number as it is compared: "Lot n° 03" is "3"."""
    return fold(numbered(text)[0]).lstrip("0") or "0"


def in_force(tenders: Iterable[Tender]) -> list[Tender]:
    """The notices as they stand: each as those that name it change it, which are then no notices of their own.

    `corrections` are the ids of these.  Cancelled lots are left out; a notice of which nothing is
    left keeps its lots and is of the nature "cancellation".
    """
    notices = list(tenders)
    related = {t.id: t.related for t in notices if t.nature in ("correction", "cancellation")}
    known = {t.id for t in notices} if related else set()
    later: defaultdict[str, list[Tender]] = defaultdict(list)
    for notice in notices if related else ():
        ahead, seen = list(related.get(notice.id, ())), {notice.id}
        while ahead:  # a correction may name the one before it
            if (ref := ahead.pop()) in known and ref not in seen:
                seen.add(ref)
                earlier = known.intersection(related.get(ref, ()))
                ahead += earlier
                if not earlier:
                    later[ref].append(notice)
    applied = {each.id for changes in later.values() for each in changes}
    return [_standing(t, later[t.id]) if t.id in later else t for t in notices if t.id not in applied]


def _standing(notice: Tender, later: Sequence[Tender]) -> Tender:
    tender, cancelled = effective(notice, later)
    left = tuple(lot for lot in tender.lots if lot.id not in cancelled)
    if not left:
        tender = replace(tender, nature="cancellation")
    return replace(tender, lots=left or tender.lots, corrections=tuple(t.id for t in later))


def by_id(notices: Iterable[Tender]) -> dict[str, Tender]:
    """Notices in force by their ids, and by those of what corrects or cancels them."""
    listed = list(notices)
    named = {id: tender for tender in listed for id in tender.corrections}
    return named | {tender.id: tender for tender in listed}


def remark(tender: Tender) -> str:
    """What has become of a notice, in French: cancelled, corrected, or a correction of one that is not known."""
    by = ", ".join(tender.corrections)
    if tender.nature == "cancellation":
        return f"Marché annulé{f' ({by})' if by else ''} : il n'y a plus rien à répondre."
    if tender.nature == "correction":
        earlier = ", ".join(tender.related) or "un avis qu'il ne nomme pas"
        return f"Avis rectificatif ; ce qu'il corrige n'est pas indexé et peut dire plus : {earlier}."
    return f"Avis tel que corrigé par {by}." if by else ""


def answerable(tenders: Iterable[Tender]) -> list[Tender]:
    """The published notices that one can answer as they stand, newest first."""
    return newest_first(t for t in in_force(tenders) if t.nature in ANSWERABLE and not t.confidential)


def unrepeated(tenders: Iterable[Tender]) -> dict[str, list[str]]:
    """The ids of the notices without those that repeat an earlier one, each with the ids of these: one notice of two sources."""
    first, repeats = dict[tuple[str, ...], str](), dict[str, list[str]]()
    for tender in tenders:
        shared = [(tender.nature, *key) for key in keys(tender) if key[0] != "id"]
        same = next((first[key] for key in shared if key in first), tender.id)
        repeats.setdefault(same, []).extend([tender.id] if same != tender.id else ())
        first |= {key: same for key in shared if key not in first}
    return repeats


def newest_first(tenders: Iterable[Tender]) -> list[Tender]:
    return sorted(tenders, key=lambda t: (t.published or date.min, t.id), reverse=True)


def procedures(tenders: Iterable[Tender]) -> list[list[Tender]]:
    """The notices grouped by procedure, each group oldest first, in the order of their first notices."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    notices = list(tenders)
    if not notices:
        return []
    links = [*((i, i) for i in range(len(notices))), *_certain(notices), *_alike(notices)]
    graph = coo_array(([1] * len(links), tuple(zip(*links, strict=True))), shape=(len(notices),) * 2)
    members: defaultdict[int, list[Tender]] = defaultdict(list)
    for group, tender in zip(connected_components(graph, directed=False)[1], notices, strict=True):
        members[int(group)].append(tender)
    return [sorted(group, key=lambda t: t.published or date.min) for group in members.values()]


def _certain(given: Sequence[Tender]) -> Iterator[tuple[int, int]]:
    """Links by shared identifiers, or by an explicit reference."""
    first: dict[tuple[str, ...], int] = {}
    for i, tender in enumerate(given):
        for key in (("id", tender.id), *keys(tender)) if tender.id else keys(tender):
            yield first.setdefault(key, i), i
    for i, tender in enumerate(given):
        for other in tender.related:
            if ("id", other) in first:
                yield first["id", other], i


def _alike(given: Sequence[Tender]) -> Iterator[tuple[int, int]]:
    """Links by buyer and reference, or by buyer, words and dates, among neighbours within a block."""
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
    from rapidfuzz import fuzz

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
                yield pair


def _buyers(tender: Tender) -> Iterator[str]:
    """The keys of a buyer: its SIREN where published, and its name without common words."""
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
