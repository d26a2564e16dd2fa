"""The notice given to a command, and how it names a structure."""

from __future__ import annotations

from pathlib import Path

from matcher.console import say
from matcher.domain import ANSWERABLE, NotFound, NoValidRecords, Structure, Tender


def one_notice(notice: str, id: str | None, catalogue: Path, awarded: bool = False) -> Tender:
    """The notice of a file, or the one indexed with the catalogue under this id.

    Of a file the first that can be answered (else awarded, if `awarded`), unless `id` names one.
    Raises NotFound, listing the ids available; NoValidRecords where the file holds none.
    """
    from matcher.reading import gather

    path = Path(notice)
    if not path.exists():
        return gather.notice(gather.load_notices(catalogue), notice)
    found = gather.gather([path])
    answerable = [t for t in found.tenders if t.nature in ANSWERABLE]
    named = [t for t in found.tenders if id is not None and id in (t.id, t.reference)]
    if id is not None and not named:
        there = ", ".join(t.id for t in found.tenders[:10])
        raise NotFound(f"no notice {id!r} in {path.name}: it holds {there or 'none'}")
    if awarded and not answerable:
        answerable = [t for t in found.tenders if t.awards]
    if not named and not answerable:
        raise NoValidRecords(f"no notice to answer in {path.name}: `matcher read` shows what it holds")
    chosen = named[0] if named else answerable[0]
    if not named and len(answerable) > 1:
        say(f"{len(answerable)} notices in {path.name}: {chosen.id} is taken; name another by --id")
    return chosen


def called(structure: Structure, km: float | None = None) -> str:
    """The name of a structure, its kind, town and distance, in French."""
    kind, town = structure.kind_label, structure.place.label or "siège à chercher"
    away = f", {km:.0f} km du lieu" if km is not None else ""
    return f"{structure.brand or structure.name} ({kind}, {town}{away})"
