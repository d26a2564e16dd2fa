"""From paths to records: formats recognised by their content, folders and archives walked, nothing lost silently.

`read(paths)` yields every record, and a `Rejected` for each one rejected; `Summary` counts them.
Archives (ZIP, tar, gzip) are read member by member with bounds on what they may unpack to; documents and workbooks are
read in a process of their own (`reading.confined`), and so is all that a visitor sends (`read_upload`).
"""

import hashlib
import inspect
import io
import os
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import metadata
from itertools import chain
from pathlib import Path
from types import ModuleType
from typing import BinaryIO

from matcher import codec, plugins
from matcher.console import say
from matcher.domain import KINDS, Award, BadInput, BrokenPlugin, MatcherError, Rejected, Structure, Tender
from matcher.reading import cancellation, clauses, confined, unpacking
from matcher.reading.limits import FILE, UPLOAD, Limits, in_force
from matcher.reading.sources import Columns, Record, _columns, _structure, _tabular
from matcher.reading.unpacking import DAMAGED
from matcher.reference import accents, places
from matcher.reference.identifiers import IDENTITY
from matcher.reference.paths import reference_dir

SYNC_STATE = "state.json"  # state of `matcher sync` next to the fetched files: not a record
HEAD = 65536  # bytes shown to `recognises`
#: Catch-all formats for any table or document: tried last.
GENERAL = ("table", "documents", "brochure")
#: How the names of plain texts end.
PLAIN = (".txt", ".md", ".text", ".markdown")
#: First bytes of documents and workbooks: third-party libraries read them whole, in a separate process.
DOCUMENTS = (b"PK\x03\x04", b"%PDF-", b"\xd0\xcf\x11\xe0")


@dataclass
class Summary:
    """What was read and what was rejected, counted; `examples` names one record of each reason."""

    counts: Counter[type[Record]] = field(default_factory=Counter)
    lots: int = 0
    natures: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)

    @property
    def good(self) -> int:
        """How many records were read."""
        return self.counts.total() - self.counts[Rejected]

    @property
    def internal_errors(self) -> int:
        return sum(n for reason, n in self.reasons.items() if reason.startswith(INTERNAL_ERROR))

    def watch(self, records: Iterable[Record]) -> Iterator[Record]:
        """Pass the records through, counting them."""
        for record in records:
            self.counts[type(record)] += 1
            if isinstance(record, Tender):
                self.lots += len(record.lots)
                self.natures[record.nature] += 1
            elif isinstance(record, Rejected):
                known = record.reason in self.reasons or len(self.reasons) < 1000
                reason = record.reason if known else "other reasons"
                self.reasons[reason] += 1
                of_file = record.record in ("", record.path)
                self.examples.setdefault(
                    reason, record.path if of_file else f"{record.path}, {record.record}"
                )
            yield record

    def lines(self, most: int = 12) -> Iterator[str]:
        """Summary for display: counts, then reasons, most frequent first."""
        parts = []
        if self.counts[Tender] or not self.good:
            kinds = ", ".join(f"{n} {nature}" for nature, n in self.natures.most_common())
            notices = f"{self.counts[Tender]} notices" + (f" ({kinds})" if kinds else "")
            parts.append(f"{notices}, {self.lots} lots")
        named = ((self.counts[Structure], "structures"), (self.counts[Award], "awards"))
        parts += [f"{count} {name}" for count, name in named if count]
        yield f"read: {', '.join(parts)}; set aside: {self.counts[Rejected]}"
        for reason, count in self.reasons.most_common(most):
            yield f"  {count} × {reason}  [{self.examples.get(reason, '')}]"
        if len(self.reasons) > most:
            yield f"  … and {len(self.reasons) - most} other reasons"


INTERNAL_ERROR = "internal error"


def _refused(name: str, reason: str) -> Rejected:
    return Rejected(path=name, record=name, reason=reason)


def read(
    paths: Iterable[str | Path], source: str | None = None, columns: Columns = None, *, walked: bool = False
) -> Iterator[Record]:
    """The records of files, folders (walked) and archives (opened), in order; a path that fails is rejected.

    `source` names the format and skips its recognition; `columns` (field -> heading) corrects the columns that
    a spreadsheet's reader guesses; `walked` are files of a folder, not named one by one.  Raises NotFound for a source that
    does not exist.
    """
    if source:
        plugins.find("reading.sources", source)
    for path in paths:
        yield from _Reader(source, columns, walked, confine=FILE).path(Path(path))


def recognise(name: str, head: bytes) -> list[ModuleType]:
    """The sources that recognise a content, the specific formats before the general ones."""
    rooms = sorted(plugins.names("reading.sources"), key=lambda n: (n in GENERAL, n))
    modules = []
    for each in rooms:
        try:
            module = plugins.find("reading.sources", each)
        except BrokenPlugin as error:
            _left_out(str(error))
            continue
        try:
            if module.recognises(name, head):
                modules.append(module)
        except (ValueError, LookupError, RecursionError):
            continue  # a head cut in the middle of a character or of a value is no match
    return modules


@cache
def _left_out(sentence: str) -> None:
    """Say once that a source is left out."""
    say(f"{sentence}; left out")


@cache
def reader(source: str = "") -> str:
    """Sixteen digits that change with the program that reads, and with the source that is named."""
    package = Path(__file__).parents[1]
    code = hashlib.sha256(f"{metadata.version('maillage')}{source}".encode())
    wings = (sorted((package / wing).rglob("*.py")) for wing in ("reading", "reference", "learned"))
    for path in chain(*wings, sorted(reference_dir().glob("*.json"))):
        code.update(path.read_bytes())
    return code.hexdigest()[:16]


class _Reader:
    """Reads one path given by the user, and its archives."""

    def __init__(
        self, source: str | None, columns: Columns, walked: bool = False, confine: Limits | None = None
    ) -> None:
        self.named, self.columns = source, columns
        self.source = plugins.find("reading.sources", source) if source else None
        self.walked = walked  # found in a folder rather than named by the user
        self.confine = confine  # the limits of a process for documents; None to read them in this one
        self.unpacker = unpacking.Unpacker()

    def path(self, path: Path) -> Iterator[Record]:
        if path.is_dir():
            if (path / "structures.arrow").is_file():
                why = "a catalogue of `matcher index`, nothing to read: name it with --catalogue"
                yield _refused(str(path), why)
                return
            for found in walk(path):
                yield from _Reader(self.named, self.columns, True, self.confine).path(found)
            return
        name = str(path)
        try:
            with path.open("rb") as stream:
                yield from self.stream(stream, name, 0)
        except FileNotFoundError:
            yield _refused(name, "no such file; check the path")
        except OSError as error:
            yield _refused(name, f"cannot be opened: {error.strerror or error}")

    def stream(self, stream: BinaryIO, name: str, depth: int) -> Iterator[Record]:
        """The records of one stream: of an archive's members, or of the first source that reads it."""
        head = stream.read(HEAD)
        stream.seek(0)
        if not head.strip():
            yield _refused(name, "the file is empty; export it again from its source")
            return
        try:
            if head[:2] == b"\x1f\x8b":
                inner = re.sub(r"\.tgz$", ".tar", re.sub(r"\.gz$", "", name, flags=re.I))
                with closing(self.unpacker.gzip(stream, name)) as unpacked:
                    yield from self.deeper(unpacked, inner, depth)
                return
            if head[:4] == b"PK\x03\x04" and not _office(stream) and not self._whole_zip(stream, name, head):
                yield from self.members(self.unpacker.zip(stream, name), name, depth)
                return
            if head[257:262] == b"ustar":
                yield from self.members(self.unpacker.tar(stream, name), name, depth)
                return
        except BadInput as error:
            yield _refused(name, str(error).removeprefix(f"{name}: "))
            return
        stream.seek(0)
        if self.confine and head.startswith(DOCUMENTS):
            yield from self.confined(stream, name, self.confine)
        else:
            yield from self.file(stream, name, head)

    def confined(self, stream: BinaryIO, name: str, limits: Limits) -> Iterator[Record]:
        try:
            yield from confined.read(
                stream, name, limits, source=self.named, columns=self.columns, walked=self.walked
            )
        except OSError as error:
            yield _refused(name, str(error))

    def file(self, stream: BinaryIO, name: str, head: bytes) -> Iterator[Record]:
        candidates = [self.source] if self.source else recognise(name, head)
        if not candidates and name.lower().endswith(PLAIN):
            if self.walked:
                need = "to have it read as a need, give the file itself"
                yield _refused(name, f"plain text that states no consultation; {need}")
                return
            candidates = [plugins.find("reading.sources", "documents")]  # a free-text need
        if not candidates:
            formats = ", ".join(plugins.names("reading.sources"))
            yield _refused(name, f"format not recognised; the formats read are {formats}")
            return
        # said by the format that the user corrected, not by the one tried last
        miscorrected: BadInput | None = None
        for module in candidates:
            yielded = False
            ours = module.__name__.startswith(f"{plugins.PACKAGE}.")
            stream.seek(0)
            corrected = self.columns and "columns" in inspect.signature(module.read).parameters
            options = {"columns": self.columns} if corrected else {}
            try:
                for record in _sourced(module.read(stream, name, **options), stream):
                    yielded = True
                    if not ours and (wrong := codec.mistyped(record)):
                        yield _refused(
                            name, f"{wrong}: mend the source {plugins.called('reading.sources', module)}"
                        )
                        continue
                    record = repaired(self.completed(record, name, ours))
                    yield cancellation.settled(record) if isinstance(record, Tender) else record
            except MatcherError as error:
                if miscorrected is None and isinstance(error, _columns.BadCorrection):
                    miscorrected = error
                if yielded or module is candidates[-1]:
                    yield _refused(name, str(miscorrected or error).removeprefix(f"{name}: "))
                    return
                continue  # only its head matched: try the next format
            except (OSError, EOFError, zlib.error, zipfile.BadZipFile) as error:
                yield _refused(name, f"damaged file: {error}; download it again")
                return
            except (MemoryError, SystemError):  # SystemError: a library in C that found no memory
                yield _refused(name, confined.too_heavy(in_force()))
                return
            except Exception as error:
                if os.environ.get("MATCHER_DEBUG"):
                    raise
                source = plugins.called("reading.sources", module)
                whom = "us" if ours else "who made it"
                why = f"{type(error).__name__}: {str(error)[:120]}"
                reason = f"{INTERNAL_ERROR} in the source {source} ({why}); MATCHER_DEBUG=1 shows where: report it to {whom}"
                yield _refused(name, reason)
                return
            return

    def completed(self, record: Record, name: str, ours: bool) -> Record:
        """A structure of any source with the file it is of, and its kind as the user says (`--map kind:WORDS=KIND`).

        A notice of another package has its places found, and what its texts state beside its fields.
        """
        if isinstance(record, Tender) and not ours:
            buyer = replace(record.buyer, place=places.locate(record.buyer.place))
            lots = (replace(lot, places=tuple(map(places.locate, lot.places))) for lot in record.lots)
            return clauses.complete(replace(record, buyer=buyer, lots=tuple(lots)), record.description)
        if not isinstance(record, Structure):
            return record
        kind = _structure.kind_of((self.columns or {}).get(f"kind:{record.kind}")) or record.kind
        flags = tuple(flag for flag in record.flags if kind == record.kind or flag != "kind-unknown")
        return replace(record, source=record.source or _tabular.source_of(name), kind=kind, flags=flags)

    # -- archives

    def _whole_zip(self, stream: BinaryIO, name: str, head: bytes) -> bool:
        """True for a ZIP of documents that a source reads as one consultation."""
        papers = plugins.find("reading.sources", "documents")
        if papers not in ([self.source] if self.source else recognise(name, head)):
            return False
        data = (".json", ".jsonl", ".ndjson", ".csv", ".gz", ".tar", ".tgz", ".parquet")
        try:
            with zipfile.ZipFile(stream) as archive:
                listed = archive.namelist()[: in_force().members]
                names = [m for m in listed if not m.endswith("/") and unpacking.visible(m)]
                if not papers.of_consultation(names) or any(m.lower().endswith(data) for m in names):
                    return False
                # the XML of a consultation is a form or a signature; where one is a notice, it is an archive of notices
                forms = [m for m in names if m.lower().endswith(".xml")][:20]
                return not any(_is_notice(archive, member) for member in forms)
        except DAMAGED:
            return False
        finally:
            stream.seek(0)

    def members(self, members: Iterator[unpacking.Member], name: str, depth: int) -> Iterator[Record]:
        for member, unpack in members:
            inner = f"{name}:{member}"
            try:
                unpacked = unpack()
            except unpacking.Unreadable as error:
                yield _refused(inner, str(error))
                continue
            with closing(unpacked):
                yield from self.deeper(unpacked, inner, depth)

    def deeper(self, stream: BinaryIO, name: str, depth: int) -> Iterator[Record]:
        if depth >= unpacking.MAX_NESTING:
            reason = f"archives nested deeper than {unpacking.MAX_NESTING}; unpack them first"
            yield _refused(name, reason)
            return
        yield from self.stream(stream, name, depth + 1)


def _sourced(records: Iterable[Record], stream: BinaryIO) -> Iterator[Record]:
    """The notices with the hash of their source: of the record where its reader gives that, else of the file."""
    whole = None
    for number, record in enumerate(records):
        if isinstance(record, Tender) and not record.source_hash:
            if whole is None:
                at = stream.tell()
                stream.seek(0)
                whole = hashlib.file_digest(stream, "sha256").hexdigest()  # type: ignore[arg-type]
                stream.seek(at)
            record = replace(record, source_hash=f"{whole[:48]}:{number}")
        yield record


def repaired(record: Record) -> Record:
    """The record with destroyed accents of titles and descriptions repaired where certain; the original title is flagged."""
    if isinstance(record, Structure):
        return _checked(record)
    if isinstance(record, Rejected):
        return record
    lots = record.lots if isinstance(record, Tender) else ()
    texts = [record.title, *(text for lot in lots for text in (lot.title, lot.description))]
    texts += [record.description] if isinstance(record, Tender) else []
    if not any(accents.LOST in text for text in texts):
        return record
    flags = (*record.flags, "accents-repaired", f"as published: {record.title}")
    record = replace(record, title=accents.repair(record.title), flags=flags)
    if isinstance(record, Award):
        return record
    lots = tuple(
        replace(lot, title=accents.repair(lot.title), description=accents.repair(lot.description))
        for lot in lots
    )
    return replace(record, description=accents.repair(record.description), lots=lots)


def _checked(structure: Structure) -> Structure | Rejected:
    """A structure as any source must give it: an identity, a kind and a place that are known, or flagged."""
    if not (re.fullmatch(IDENTITY, structure.siret) or "offers-only" in structure.flags):
        why = f"invalid SIRET {structure.siret!r}: give 14 digits, or F and a FINESS number, W and an RNA number, ID- and one of your own"
        return Rejected(path=structure.source, record=structure.name or structure.siret, reason=why)
    place = structure.place
    if place.department is None and place.latitude is None:
        place = places.locate(place)
    doubts = ["kind-unknown"] if structure.kind not in KINDS else []
    if place.department is None and place.latitude is None:
        doubts.append(f"town-unread: {place.label}" if place.label else "place-unknown")
    known = {flag.partition(":")[0] for flag in structure.flags}
    flags = (flag for flag in doubts if flag.partition(":")[0] not in known)
    return replace(structure, place=place, flags=(*structure.flags, *flags))


def _is_notice(archive: zipfile.ZipFile, member: str) -> bool:
    try:
        with archive.open(member) as stream:
            head = stream.read(HEAD)
    except (*DAMAGED, RuntimeError):
        return False
    return any(found.__name__.rsplit(".", 1)[-1] not in GENERAL for found in recognise(member, head))


def walk(folder: Path) -> Iterator[Path]:
    """The files below a folder, in order of their names; hidden ones, links to folders, sync's own state left out."""
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        yield from (Path(root) / f for f in sorted(files) if not f.startswith(".") and f != SYNC_STATE)


def _office(stream: BinaryIO) -> bool:
    """True for a ZIP that is itself a document (XLSX, DOCX, ODS...): it is passed to a source whole."""
    try:
        with zipfile.ZipFile(stream) as archive:
            return not {"[Content_Types].xml", "mimetype"}.isdisjoint(archive.namelist()[:1000])
    except DAMAGED:
        return False
    finally:
        stream.seek(0)


def read_bytes(data: bytes, name: str = "notice", source: str | None = None) -> Iterator[Record]:
    """Records of in-memory bytes, as by `read`, in this process."""
    yield from _Reader(source, None).stream(io.BytesIO(data), name, 0)


def read_stream(
    stream: BinaryIO, name: str, source: str | None = None, columns: Columns = None, walked: bool = False
) -> Iterator[Record]:
    """Records of an open file, read in this process."""
    stream.seek(0)
    yield from _Reader(source, columns, walked).stream(stream, name, 0)


def read_upload(data: bytes, name: str) -> Iterator[Record]:
    """Records of an upload, read in a process under resource limits.

    Raises TimeoutError where too many files are being read.
    """
    yield from confined.read_bytes(data, name, UPLOAD)
