"""A consultation file: PDF, DOCX, plain text, or a ZIP of them with its spreadsheets, as one notice.

Its text is read as a typed one is (`reading.consultation`).  A scan or a protected file is refused with the remedy.
"""

import io
import logging
import re
import time
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import BinaryIO

from matcher import plugins
from matcher.domain import BadInput, Rejected, Tender
from matcher.reading import consultation
from matcher.reading.limits import FILE, in_force
from matcher.reading.sources._tabular import rejected, sheet_rows, text_of
from matcher.reading.unpacking import FREE_RATIO, MAX_NESTING, MAX_RATIO, Unpacker
from matcher.reference.text import fold

YIELDS = "tender"

MAX_FILE = 100 << 20  # bytes of one document
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
    head = stream.read(65_536)
    stream.seek(0)
    if head.startswith(b"PK\x03\x04") and b"word/" not in head and not name.lower().endswith(".docx"):
        members = list(_members(stream, name, Unpacker()))
        documents = [one for one in members if isinstance(one, _Document)]
        refused = [one for one in members if isinstance(one, Rejected)]
        if not documents:
            why = refused[0].reason if refused else "it holds neither PDF, nor DOCX, nor plain text"
            raise BadInput(f"{name}: nothing to read in this archive: {why}")
        yield from refused
        yield _tender(sorted(documents, key=lambda one: one.name), name)
        return
    document = _document(_whole(stream, name), name)
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


def _members(
    stream: BinaryIO, name: str, unpacker: Unpacker, depth: int = 1
) -> Iterator[_Document | Rejected]:
    """The documents of a ZIP and of those in it; a member that cannot be read is set aside by itself."""
    wanted = (".pdf", ".docx", ".zip", *SHEETS, *PLAIN, *UNREAD)
    for member, unpack in unpacker.zip(stream, name, lambda member: member.lower().endswith(wanted)):
        where, own = f"{name}:{member}", member.lower()
        try:
            if remedy := next((why for end, why in UNREAD.items() if own.endswith(end)), ""):
                raise BadInput(remedy)
            if own.endswith(".zip") and depth >= MAX_NESTING:
                raise BadInput(f"archives nested deeper than {MAX_NESTING}: unpack them first")
            with closing(unpack()) as unpacked:
                if own.endswith(".zip"):
                    yield from _members(unpacked, where, unpacker, depth + 1)
                else:
                    yield _document(_whole(unpacked, where), where)
        except BadInput as error:
            yield rejected(name, member, str(error).removeprefix(f"{where}: "))


def _whole(stream: BinaryIO, name: str) -> bytes:
    """The bytes of one document.  Raises BadInput beyond what one may hold."""
    data = stream.read(_most() + 1)
    if len(data) > _most():
        raise BadInput(f"{name}: over {_most() >> 20} MB: give the rules of the consultation alone")
    return data


def _most() -> int:
    """Bytes that one document may unpack to."""
    return min(MAX_FILE, in_force().total)


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
    lowered, kind = name.lower(), "document"
    if lowered.endswith(SHEETS) and data.startswith(b"PK"):
        (text, cut), kind = _sheet(data, name), "sheet"
    elif lowered.endswith(PLAIN) and not data.startswith((b"%PDF-", b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        text, cut, kind = text_of(data), False, "plain"
        if "\x00" in text or sum(char.isalpha() for char in text[:4000]) < 3:
            raise BadInput(f"{name}: no readable text in it: save it as plain text (UTF-8)")
    elif b"%PDF-" in data[:1024]:
        text, cut = _pdf(data, name)
    elif data.startswith(b"\xd0\xcf\x11\xe0"):
        old = "an old Word file (.doc) or a protected one: save it as .docx without a password"
        raise BadInput(f"{name}: {old}")
    else:
        text, cut = _docx(data, name)
    return _Document(name, text[:MAX_TEXT], cut or len(text) > MAX_TEXT, kind)


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
