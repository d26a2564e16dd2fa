"""Parsing of requests: tenders, filters and needs from JSON or files."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from matcher import codec
from matcher.domain import ANSWERABLE, BadInput, Filters, NotFound, Place, Rejected, Tender, kinds_named
from matcher.reading import files
from matcher.reading.need import corrected, placed, sized_need, spot, typed_need
from matcher.reading.procedure import by_id, in_force
from matcher.reading.sources import Record
from matcher.reference import toponyms
from service import schemas as s
from service.problems import Refused, UnusableNotice
from service.settings import Settings
from service.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Taken:
    """A tender taken from a request, and what else was in it."""

    tender: Tender
    others: Sequence[str] = ()  # ids of the other notices of the same file
    rejected: Sequence[Rejected] = ()
    place_found: str = ""  # read in the words of the need, or for a place that is misspelt
    place_choices: Sequence[str] = ()  # the candidates of an ambiguous place name in the need


LONG_TITLE = 5_000  # characters of a title; published ones hold some hundreds
LONG_LOT = 100_000  # characters of a lot's description; published ones hold some thousands


def filters(asked: s.FiltersIn) -> Filters:
    """The filters of a request.  Raises BadInput on an unknown kind."""
    return codec.from_json(Filters, asked.model_dump() | {"kinds": kinds_named(asked.kinds)})


def take(asked: s.Asked, snapshot: Snapshot, settings: Settings, *, whole: bool = False) -> Taken:
    """The tender and the lots that a request asks about; a need typed in is one lot if `whole`, else one for each trade.

    Raises BadInput, NotFound, Refused (413).
    """
    found = _taken(asked, snapshot, settings.max_need, whole)
    if asked.lots:
        lots = tuple(lot for lot in found.tender.lots if lot.number in asked.lots)
        if not lots:
            numbers = ", ".join(lot.number for lot in found.tender.lots[:20])
            raise NotFound(f"no lot {', '.join(asked.lots[:5])} in this notice: its lots are {numbers}")
        found = replace(found, tender=replace(found.tender, lots=lots))
    bounded(found.tender, settings)
    tender = sized_need(found.tender, asked.amount, asked.months)
    return replace(found, tender=corrected(tender, asked.trades, asked.nature or ""))


def bounded(tender: Tender, settings: Settings) -> None:
    """Raises Refused (413) for too many lots or too much text."""
    if len(tender.lots) > settings.max_lots:
        why = f"{len(tender.lots)} lots: ask of at most {settings.max_lots} at once, named in `lots`"
        raise Refused(413, why, code="too-many-lots")
    if sum(len(lot.title) + len(lot.description) for lot in tender.lots) > settings.max_text:
        why = f"the lots hold over {settings.max_text:,} characters: ask of some, named in `lots`"
        raise Refused(413, why, code="too-many-lots")


def _taken(asked: s.Asked, snapshot: Snapshot, max_need: int, whole: bool) -> Taken:
    given = [name for name in ("need", "notice", "notice_id") if getattr(asked, name) is not None]
    if len(given) != 1:
        others = f", not {' and '.join(given)}" if given else ""
        raise BadInput(f"give exactly one of need, notice, notice_id{others}")
    where = toponyms.asked(asked.place, asked.need or "")
    if asked.notice_id is not None:
        return Taken(placed(snapshot.notice(asked.notice_id), where))
    if asked.notice is not None:
        data = asked.notice if isinstance(asked.notice, str) else json.dumps(asked.notice, ensure_ascii=False)
        return from_bytes(data.encode("utf-8", "replace"), "notice", asked.pick, where)
    assert asked.need is not None
    found = from_need(asked.need, where, max_need, whole=whole)
    if asked.place and not toponyms.spelt(asked.place):
        found = replace(found, place_found=read_as(asked.place, where))
    return found


def read_as(written: str, where: Sequence[Place]) -> str:
    """What a misspelt place was taken for, beside what was written."""
    return f"{', '.join(place.label for place in where)} (lu pour « {written} »)"


def from_need(need: str, where: Sequence[Place], max_need: int, *, whole: bool = False) -> Taken:
    """A need typed in, a lot for each trade it asks for unless it is one `whole`.

    Its place is read in its words where none was given, and left open where it is a homonym.
    """
    if len(need) > max_need:
        why = f"the need is over {max_need} characters: say it in a page, or send the notice as `notice`"
        raise Refused(413, why, code="need-too-long")
    found: tuple[Place, ...] = ()
    choices: tuple[str, ...] = ()
    try:
        found = () if where else spot(need)
    except toponyms.Homonyms as error:
        choices = error.choices
    tender = typed_need(need, where or found, whole=whole)
    return Taken(tender, place_found=", ".join(place.label for place in found), place_choices=choices)


def uploaded(data: bytes, name: str = "notice") -> Iterator[Record]:
    """The records of what was sent, read by another process.  Raises Refused (503) where it is busy."""
    try:
        yield from files.read_upload(data, name)
    except TimeoutError as error:
        raise Refused(503, str(error), {"Retry-After": "60"}, "busy") from None


def from_bytes(data: bytes, name: str, pick: str | None = None, where: Sequence[Place] = ()) -> Taken:
    """The notice of a file of a known format; of several, the one picked, else the first to answer."""
    if not data.strip():
        raise UnusableNotice("empty", "the notice is empty: send the file as it was published")
    records = list(uploaded(data, name))
    tenders = [record for record in records if isinstance(record, Tender)]
    rejected = [record for record in records if isinstance(record, Rejected)]
    if not tenders:
        unknown = "no notice of a known format (BOAMP, eForms, TED, DECP, OCDS) was recognised"
        why = rejected[0].reason if rejected else unknown
        raise UnusableNotice(
            "unknown-format",
            f"{why}; to search by words send them as `need`, a notice listed here by its `notice_id`",
        )
    ids = [t.id for t in tenders]
    if pick is not None and pick not in ids:
        raise BadInput(f"no notice {pick!r} in what was sent: it holds {', '.join(ids[:10])}")
    tenders = in_force(tenders)
    calls = [t for t in tenders if t.nature in ANSWERABLE]
    if not calls and pick is None:
        nothing = f"this notice is no call ({tenders[0].nature}): there is nothing to answer"
        raise UnusableNotice("not-a-call", f"{nothing}; send the call for tenders")
    chosen = by_id(tenders)[pick] if pick else calls[0]
    titles = (chosen.title, *(lot.title for lot in chosen.lots))
    # a text that no notice holds would hold up every request
    if max(map(len, titles)) > LONG_TITLE or any(len(lot.description) > LONG_LOT for lot in chosen.lots):
        long = f"a title is over {LONG_TITLE:,} characters, or a description over {LONG_LOT:,}"
        raise UnusableNotice("too-long", f"{long}: send the notice without its annexes")
    return Taken(placed(chosen, where), [t.id for t in tenders if t.id != chosen.id], rejected)
