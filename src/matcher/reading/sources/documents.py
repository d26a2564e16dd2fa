"""A consultation file: PDF, DOCX, plain text, or a ZIP of them with its spreadsheets, as one notice.

Its text is read as a typed one is (`reading.consultation`).  A scan or a protected file is refused with the remedy.
"""

import io
import logging
import re
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import BinaryIO

from matcher import plugins
from matcher.domain import BadInput, Rejected, Tender
from matcher.reading import consultation
from matcher.reading.limits import FILE, in_force
from matcher.reading.sources._tabular import rejected, sheet_rows, text_of
from matcher.reference.text import fold

YIELDS = "tender"

MAX_FILE = 100 << 20  # bytes of one document
MAX_UNPACKED = 400 << 20  # bytes that a ZIP or a DOCX may unpack to
MAX_RATIO = 400  # unpacked to packed, beyond FREE_RATIO
FREE_RATIO = 16 << 20
MAX_MEMBERS = 500
MAX_DEPTH = 3  # archives within archives
MAX_ROWS = 20_000  # of a sheet of prices
MAX_PAGES = 1_500
MAX_PAGE = 2 << 20  # bytes of drawing operators of a page: beyond, it is a plan, not text
MAX_SPAN = 63  # columns of a Word table
MAX_TEXT = 4_000_000  # characters kept of a consultation
MOST_NEEDS, LONGEST_NEED, MOSTLY = 1_000, 400, 0.8  # lines, characters of one, share that state a need
#: Fewer letters a page than this, on average, and the PDF holds images of pages.
SCAN = 25
PLAIN = (".txt", ".md", ".text", ".markdown")
SHEETS = (".xlsx", ".xlsm")
#: Relevant members that cannot be read: rejected with the remedy; plans and images are skipped.
UNREAD = {
    ".doc": "an old Word file: save it as .docx",
    ".xls": "an old Excel file: save it as .xlsx",
    ".odt": "an OpenDocument text: save it as .docx or PDF",
    ".ods": "an OpenDocument sheet: save it as .xlsx",
    ".rtf": "a rich text file: save it as .docx or PDF",
    ".7z": "packed by 7-Zip: pack it as a ZIP",
    ".rar": "packed by RAR: pack it as a ZIP",
}


def recognises(name: str, head: bytes) -> bool:
    """True for PDF, DOCX, old Word files (to say what to do), a plain text that states a consultation, a ZIP of these."""
    lowered = name.lower()
    if head[:1024].find(b"%PDF-") >= 0:
        return True
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        return lowered.endswith((".doc", ".docx"))
    if head.startswith(b"PK\x03\x04"):
        if b"xl/" in head[:4096] or lowered.endswith((".xlsx", ".xlsm", ".ods", ".pptx")):
            return False
        return (
            b"word/" in head
            or lowered.endswith((".docx", ".zip"))
            or bool(re.search(rb"(?i)\.(?:pdf|docx)", head))
        )
    return lowered.endswith(PLAIN) and consultation.states(text_of(head))


def of_consultation(names: list[str]) -> bool:
    """Whether the members of an archive, by their names, are those of one consultation, its spreadsheets among them."""
    ends = [name.lower() for name in names]
    return any(end.endswith((".pdf", ".docx")) for end in ends) or (
        any(end.endswith(PLAIN) for end in ends)
        and all(end.endswith((*PLAIN, *SHEETS, ".zip")) for end in ends)
    )


@dataclass(frozen=True, slots=True)
class _Document:
    name: str
    text: str
    cut: bool = False  # longer than we read
    kind: str = "document"  # or "sheet", "plain"


def read(stream: BinaryIO, name: str) -> Iterator[Tender | Rejected]:
    """One Tender for the whole file; a member of a ZIP that cannot be read is set aside by itself.

    A plain text with a need on each line has one for each.

    Raises BadInput when nothing in it can be read, with what to do.
    """
    stream.seek(0, io.SEEK_END)
    size = stream.tell()
    stream.seek(0)
    head = stream.read(65_536)
    stream.seek(0)
    if head.startswith(b"PK\x03\x04") and b"word/" not in head and not name.lower().endswith(".docx"):
        found = list(_members(stream, name))
        documents = [one for one in found if isinstance(one, _Document)]
        refused = [one for one in found if isinstance(one, Rejected)]
        if not documents:
            why = refused[0].reason if refused else "it holds neither PDF, nor DOCX, nor plain text"
            raise BadInput(f"{name}: nothing to read in this archive: {why}")
        yield from refused
        yield _tender(documents, name)
        return
    if size > MAX_FILE:
        raise BadInput(f"{name} is over {MAX_FILE >> 20} MB: give the rules of the consultation alone")
    document = _document(stream.read(), name)
    if lines := _needs(document):
        from matcher.reading.need import placed_need

        stem = re.split(r"[/\\:]", name)[-1].rpartition(".")[0]
        for number, line in lines:
            try:
                yield replace(placed_need(line), id=f"{stem}-{number}")
            except BadInput as error:
                yield rejected(name, f"line {number}", str(error))
        return
    yield _tender([document], name)


@dataclass(slots=True)
class _Budget:
    """The remaining unpacking budget of an archive and its nested archives."""

    members: int = MAX_MEMBERS
    size: int = 0

    def __post_init__(self) -> None:
        self.size = min(MAX_UNPACKED, in_force().total)


def _members(
    stream: BinaryIO, name: str, depth: int = 1, left: _Budget | None = None
) -> Iterator[_Document | Rejected]:
    """The documents of a ZIP, in the order of their names, within the bounds of what it may unpack to."""
    left = left or _Budget()
    try:
        archive = zipfile.ZipFile(stream)
    except (zipfile.BadZipFile, ValueError, OSError) as error:
        raise BadInput(f"{name} is a damaged archive ({error}): download it again") from None
    with archive:
        wanted = (".pdf", ".docx", ".zip", *SHEETS, *PLAIN, *UNREAD)
        members = [
            m
            for m in archive.infolist()
            if not m.is_dir() and m.filename.lower().endswith(wanted) and _shown(m.filename)
        ]
        if sum(member.compress_size for member in members) > stream.seek(0, io.SEEK_END):
            raise BadInput(f"{name}: members that overlap: refused, as a bomb would")
        left.members -= len(members)
        if left.members < 0:
            raise BadInput(f"{name} holds over {MAX_MEMBERS} documents: give those of one consultation")
        for member in sorted(members, key=lambda m: m.filename):
            where = f"{name}:{member.filename}"
            own = member.filename.lower()
            remedy = next((why for end, why in UNREAD.items() if own.endswith(end)), "")
            if remedy:
                yield rejected(name, member.filename, remedy)
                continue
            left.size -= member.file_size
            bomb = member.file_size > max(FREE_RATIO, MAX_RATIO * max(member.compress_size, 1))
            if member.file_size > _most() or left.size < 0 or bomb:
                yield rejected(name, member.filename, "unpacks to too much: refused, as a bomb would")
                continue
            try:
                with archive.open(member) as packed:
                    data = packed.read(MAX_FILE + 1)
                if own.endswith(".zip"):
                    if depth >= MAX_DEPTH:
                        raise BadInput(f"{where}: archives nested deeper than {MAX_DEPTH}: unpack them first")
                    yield from _members(io.BytesIO(data), where, depth + 1, left)
                else:
                    yield _document(data, where)
            except BadInput as error:
                yield rejected(name, member.filename, str(error).removeprefix(f"{where}: "))
            except (RuntimeError, NotImplementedError):
                yield rejected(name, member.filename, "protected by a password: unpack it first")
            except (zipfile.BadZipFile, OSError, EOFError, ValueError) as error:
                yield rejected(name, member.filename, f"damaged ({error}): download it again")


def _most() -> int:
    """Bytes that one document may unpack to."""
    return min(MAX_FILE, in_force().total)


def _shown(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    return parts[0] != "__MACOSX" and not parts[-1].startswith((".", "~$"))


def _plain(data: bytes, name: str) -> str:
    text = text_of(data)
    if "\x00" in text or sum(char.isalpha() for char in text[:4000]) < 3:
        raise BadInput(f"{name}: no readable text in it: save it as plain text (UTF-8)")
    return text


def _bounded(data: bytes, name: str) -> None:
    """Raises BadInput for a workbook or a Word file that unpacks to too much."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        size = sum(entry.file_size for entry in archive.infolist())
    if size > _most() or (size > FREE_RATIO and size > MAX_RATIO * len(data)):
        raise BadInput(f"{name}: unpacks to {size >> 20} MB: refused, as a bomb would")


@contextmanager
def _sound(name: str, what: str, remedy: str) -> Iterator[None]:
    """Raises BadInput for whatever a library lets through on a file: what it is, and the remedy."""
    try:
        yield
    except (BadInput, MemoryError):
        raise
    except Exception as error:
        raise BadInput(f"{name}: {what} ({type(error).__name__}): {remedy}") from None


def _sheet(data: bytes, name: str) -> tuple[str, bool]:
    """The rows of a workbook of prices or lots, cells parted by " | ", under the name of their sheet."""
    from openpyxl import load_workbook

    with _sound(name, "damaged workbook", "save it again as .xlsx"):
        _bounded(data, name)
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        lines: list[str] = []
        cut = False
        for sheet in book.worksheets:
            lines.append(f"{sheet.title}")
            for number, row in sheet_rows(sheet):
                if number > MAX_ROWS:
                    cut = True
                    break
                cells = [" ".join(str(cell).split()) for cell in row[:64] if cell is not None]
                if any(cells):
                    lines.append(" | ".join(cells))
        book.close()
    return "\n".join(lines), cut


def _document(data: bytes, name: str) -> _Document:
    lowered = name.lower()
    if lowered.endswith(SHEETS) and data.startswith(b"PK"):
        text, cut = _sheet(data, name)
        return _Document(name, text[:MAX_TEXT], cut or len(text) > MAX_TEXT, "sheet")
    if lowered.endswith(PLAIN) and not data.startswith((b"%PDF-", b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        text = _plain(data, name)
        return _Document(name, text[:MAX_TEXT], len(text) > MAX_TEXT, "plain")
    if data[:1024].find(b"%PDF-") >= 0:
        text, cut = _pdf(data, name)
    elif data.startswith(b"\xd0\xcf\x11\xe0"):
        raise BadInput(
            f"{name}: an old Word file (.doc) or a protected one: save it as .docx without a password"
        )
    else:
        text, cut = _docx(data, name)
    return _Document(name, text[:MAX_TEXT], cut or len(text) > MAX_TEXT)


def _pdf(data: bytes, name: str) -> tuple[str, bool]:
    """The text of a PDF's pages, one line a line, and whether it was cut."""
    with plugins.optional("documents", "reading a PDF"):
        from pypdf import PdfReader
        from pypdf.errors import DependencyError

    # The library logs every oddity of a damaged file; what matters is reported below, once.
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    limits = in_force()
    until = limits.pages if limits is not FILE else time.process_time() + limits.pages
    pages: list[str] = []
    cut = False
    with _sound(name, "damaged PDF", "download it again"):
        try:
            reader = PdfReader(io.BytesIO(data), strict=False)
            locked = reader.is_encrypted and not reader.decrypt("")
        except DependencyError:
            raise BadInput(f"{name}: protected: save it without protection") from None
        if locked:
            raise BadInput(f"{name}: protected by a password: save it without one")
        for number in range(len(reader.pages)):
            if number == MAX_PAGES or time.process_time() > until or sum(map(len, pages)) > MAX_TEXT:
                cut = True
                break
            try:
                page = reader.pages[number]
                drawn = page.get_contents()
                plan = drawn is not None and len(drawn.get_data()) > MAX_PAGE
                pages.append("" if plan else page.extract_text() or "")
                cut = cut or plan
            except Exception:
                # a damaged page may raise anything: the others may still be readable
                pages.append("")
    letters = sum(char.isalpha() for page in pages for char in page)
    if letters < SCAN * max(len(pages), 1):
        raise BadInput(
            f"{name}: a scan, images without text: run a text recognition (OCR) over it and give the result"
        )
    return "\n".join(pages), cut


def _docx(data: bytes, name: str) -> tuple[str, bool]:
    """The paragraphs and table rows of a DOCX in their order; a row's cells are parted by " | "."""
    with plugins.optional("documents", "reading a Word file"):
        import docx
        from docx.oxml.ns import qn
        from docx.table import Table
        from docx.text.paragraph import Paragraph
    with _sound(name, "damaged or protected Word file", "save it again"):
        _bounded(data, name)
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if b"<!ENTITY" in archive.read("word/document.xml")[:4096]:
                raise BadInput(f"{name}: holds XML entities: save it again with a word processor")
        document = docx.Document(io.BytesIO(data))
        spans = document.element.body.iter(qn("w:gridSpan"))
        if any(int(span.get(qn("w:val"), 1)) > MAX_SPAN for span in spans):
            raise BadInput(f"{name}: a table of more columns than a page holds: save it again")
        lines: list[str] = []
        for block in document.iter_inner_content():
            if isinstance(block, Paragraph):
                lines.append(block.text)
            elif isinstance(block, Table):
                for row in block.rows:
                    lines.append(" | ".join(dict.fromkeys(" ".join(cell.text.split()) for cell in row.cells)))
    if not any(char.isalpha() for line in lines for char in line):
        raise BadInput(
            f"{name}: a Word file without text: are its pages images? run a text recognition (OCR) over them"
        )
    return "\n".join(lines), False


def _needs(document: _Document) -> list[tuple[int, str]]:
    """The lines of a plain text, with their numbers, where most by themselves state a need of a known trade; else none."""
    lines = [
        (number, line.strip()) for number, line in enumerate(document.text.splitlines(), 1) if line.strip()
    ]
    if document.kind != "plain" or not 1 < len(lines) <= MOST_NEEDS or consultation.states(document.text):
        return []
    if max(len(line) for _, line in lines) > LONGEST_NEED or any(line.endswith(":") for _, line in lines):
        return []
    from matcher.learned import asks  # other documents do without

    stated = [one.stated and bool(one.parts) for one in (asks.of_text(line) for _, line in lines)]
    return lines if sum(stated) >= MOSTLY * len(lines) else []


def _tender(documents: list[_Document], name: str) -> Tender:
    """The notice that the texts state; the first statement of each thing counts, in the order of the documents."""
    # The rules of the consultation come first where there are any: they speak of the whole.
    rules = re.compile(r"(?<![a-z])(rc|reglement|avis|aapc)(?![a-z])")
    named = {d.name: fold(re.split(r"[/\\:]", d.name)[-1]) for d in documents}
    documents = sorted(documents, key=lambda d: (d.kind == "sheet", not rules.search(named[d.name])))
    text = "\n\n".join(document.text for document in documents)[:MAX_TEXT]
    made = consultation.tender_of(text, re.split(r"[/\\:]", name)[-1])
    cut = ("cut",) if any(document.cut for document in documents) else ()
    return replace(made, flags=(*cut, *made.flags))
