"""What commands share: options, each described once, the store, what files hold, and answers in three formats."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from typer import Argument, Option

from matcher import codec
from matcher.console import Format, emit, say
from matcher.domain import ANSWERABLE, BadInput, NotFound, NoValidRecords, Structure, Tender, UnknownStructure
from matcher.reference.identifiers import clean_date, identity_in_words
from matcher.reference.paths import write_whole
from matcher.reference.text import fold

if TYPE_CHECKING:
    from matcher.domain import Rejected
    from matcher.matching.engine import Matcher
    from matcher.reading.gather import Gathered
    from matcher.records.keys import Bearer
    from matcher.records.store import Store
    from matcher.territory.counts import Desk

T = TypeVar("T")
CATALOGUE = Path(os.environ.get("MATCHER_CATALOGUE") or "var/catalogue")

HELP = "Your API key; better given by MATCHER_KEY than typed."
KEY = Option(..., envvar="MATCHER_KEY", help=HELP, show_default=False)
Files = list[Path] | None
Words = list[str] | None
Folder = Annotated[Path, Option(help="The folder written by `matcher index`.")]
Output = Annotated[Format, Option("--format", "-f", help="Of the answer on stdout.")]
NoticeOf = Annotated[str, Argument(help="A notice: its file, or the id of one that was indexed.")]
Which = Annotated[str | None, Option(help="Which notice of the file; the first by default.")]
StoreAddress = Annotated[
    str | None, Option("--store", help="Address of the store; MATCHER_STORE by default.")
]
Source = Annotated[str | None, Option("--source", "-s", help="Name the format of the files.")]
# what they bound (structures, notices, what is fetched) is said by the command's own text
Region = Annotated[
    str, Option(help="Only this region, by name (several words with hyphens) or code: its departments.")
]
Departments = Annotated[Words, Option(help="Only this department, beside --region; repeatable.")]
NoFirms = Annotated[bool, Option("--no-firms", help="Leave out ordinary firms.")]


def day(text: str) -> date:
    """The day of an option, for its `parser`.  Raises BadInput."""
    found = clean_date(text)
    if found is None:
        raise BadInput(f"{text!r} is not a date: write it as 2026-11-24")
    return found


ReferenceDay = Annotated[
    date | None, Option(parser=day, help="Reference date instead of today (YYYY-MM-DD).")
]
Html = Annotated[Path | None, Option(help="Write the page here, printable.")]
Xlsx = Annotated[Path | None, Option(help="Write the workbook here.")]


def open_store(address: str | None = None) -> Store:
    """The store of MATCHER_STORE, or at this address; imported only where a command needs it."""
    from matcher.records.store import Store

    return Store.open(address)


@contextmanager
def proved(key: str) -> Iterator[tuple[Store, Bearer]]:
    """The store of MATCHER_STORE, and who holds a key of it."""
    from matcher.records import keys

    with open_store() as store:
        yield store, keys.prove(store, key)


Rows = Mapping[str, Any] | Iterable[Mapping[str, Any]]
Lines = Callable[[], Iterable[str]]


def emit_values(
    values: Iterable[T], format: Format, flat: Callable[[T], Rows], lines: Lines | None = None
) -> None:
    """Values whole as JSON lines; `flat`, each as a row or some, as CSV; for people as `lines`, else as a table of rows."""
    if format == "jsonl":
        emit(map(codec.to_json, values), format)
    elif format == "table" and lines:
        for line in lines():
            typer.echo(line)
    else:
        made = map(flat, values)
        emit((row for each in made for row in ([each] if isinstance(each, Mapping) else each)), format)


def gathered(files: Sequence[Path], source: str | None = None) -> Gathered:
    """What the files hold, with a summary on stderr."""
    from matcher.reading import gather

    read = gather.gather(files, source=source)
    say(*read.summary())
    return read


def rejects(bad: Iterable[Rejected]) -> None:
    """Say which records of a user's table were set aside, and why."""
    say(*(f"écarté, {one.record} : {one.reason}" for one in bad))


def loaded(catalogue: Path, recipe: str | None = None) -> Matcher:
    """The matcher over a saved catalogue, imported only where a command needs it."""
    from matcher.matching.engine import Matcher

    return Matcher.load(catalogue, recipe)


def named_structure(matcher: Matcher, words: str) -> Structure:
    """The structure of a SIRET or SIREN, or the one whose name holds these words.

    Raises UnknownStructure, listing those that the words may mean, or whose names are near.
    """
    from matcher.catalogue.filters import names_of, search_names

    catalogue, named = matcher.catalogue, not words[:9].isdigit()
    rows = search_names(catalogue, words, 6) if named else []
    near = names_of(catalogue).respelt(words) if named and not rows else ""
    rows = search_names(catalogue, near, 6) if near else rows
    if not rows:
        return catalogue.structure(catalogue.row(words))
    alike = list(map(catalogue.structure, rows))
    same = [one for one in alike if fold(words) in (fold(one.name), fold(one.brand))] or alike
    if near or len({one.siren for one in same}) > 1:
        listed = "; ".join(f"{one.siret} {one.name} ({one.place.label})" for one in alike)
        raise UnknownStructure(f"{words!r} may be several structures: give the SIRET of one of {listed}")
    say(f"{same[0].name} ({same[0].place.label}) : {identity_in_words(same[0].siret)}")
    return same[0]


def desk(catalogue: Path, on: date | None = None) -> Desk:
    """The desk of a territory over a catalogue and the store, on a day (today)."""
    from matcher.territory.counts import Desk

    return Desk(loaded(catalogue), open_store(), on)


def write(path: Path, content: bytes | str) -> None:
    """Write a file whole, and say so."""
    write_whole(path, content)
    say(f"{path} écrit")


def one_notice(notice: str, id: str | None, catalogue: Path, awarded: bool = False) -> Tender:
    """The notice of a file, or the one indexed with the catalogue under this id.

    Of a file the first that can be answered (else awarded, if `awarded`), unless `id` names one.
    Raises NotFound, listing the ids available; NoValidRecords where the file holds none.
    """
    from matcher.reading import gather
    from matcher.reading.procedure import in_force

    path = Path(notice)
    if not path.exists():
        return gather.notice(gather.load_notices(catalogue), notice)
    notices = in_force(gather.gather([path]).tenders)
    answerable = [t for t in notices if t.nature in ANSWERABLE]
    named = [t for t in notices if id is not None and id in (t.id, t.reference, *t.corrections)]
    if id is not None and not named:
        there = ", ".join(t.id for t in notices[:10])
        raise NotFound(f"no notice {id!r} in {path.name}: it holds {there or 'none'}")
    if awarded and not answerable:
        answerable = [t for t in notices if t.awards]
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
    return f"{structure.known_as} ({kind}, {town}{away})"
