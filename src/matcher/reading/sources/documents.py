"""A consultation file: PDF, DOCX, plain text, or a ZIP of them with its spreadsheets, as one notice.

Extracted as stated: object, reference, buyer, deadline, CPV, lots, criteria, clauses.  What is not found stays
unknown; nothing is guessed.  A scan or a protected file is refused with the remedy.
"""

from __future__ import annotations

import io
import itertools
import logging
import re
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import blake2b
from typing import BinaryIO

from matcher import plugins
from matcher.domain import BadInput, Buyer, Condition, Lot, Rejected, Tender
from matcher.reading import clauses
from matcher.reading.limits import FILE, in_force
from matcher.reading.sources import _facts, _preamble
from matcher.reading.sources._tabular import sheet_rows
from matcher.reference.text import clean, fold, shorten

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
#: Fewer letters a page than this, on average, and the PDF holds images of pages.
SCAN = 25
HEAD = 20_000  # characters in which a sentence says what the consultation is about
KEPT = 60_000  # characters of the description
PLAIN = (".txt", ".md", ".text", ".markdown")
SHEETS = (".xlsx", ".xlsm")
#: Relevant members that cannot be read: rejected with the remedy; plans and images are skipped.
UNREAD = {
    ".doc": "an old Word file: save it as .docx", ".xls": "an old Excel file: save it as .xlsx",
    ".odt": "an OpenDocument text: save it as .docx or PDF", ".ods": "an OpenDocument sheet: save it as .xlsx",
    ".rtf": "a rich text file: save it as .docx or PDF", ".7z": "packed by 7-Zip: pack it as a ZIP",
    ".rar": "packed by RAR: pack it as a ZIP",
}  # fmt: skip


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
    return lowered.endswith(PLAIN) and states(_decoded(head))


def states(text: str) -> bool:
    """Whether a plain text looks like a consultation: its object, deadline, reference or lots, or its papers."""
    text = squeezed(text)
    statements = (_OBJECT, _REFERENCE, _DEADLINE, _BUYER, _CPV, _PAPERS)
    return sum(pattern.search(text) is not None for pattern in statements) + (len(lots_of(text)) > 1) >= 2


def squeezed(text: str) -> str:
    """The text with each run of spaces made one space and each run of empty lines one: patterns then look back little."""
    lines = (" ".join(line.split()) for line in text.splitlines())
    return "\n".join(
        "\n" if empty else "\n".join(run) for empty, run in itertools.groupby(lines, lambda line: not line)
    )


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

    Raises BadInput when nothing in it can be read, with what to do.
    """
    stream.seek(0, io.SEEK_END)
    size = stream.tell()
    stream.seek(0)
    head = stream.read(65_536)
    stream.seek(0)
    if head.startswith(b"PK\x03\x04") and b"word/" not in head and not name.lower().endswith(".docx"):
        documents: list[_Document] = []
        refused: list[Rejected] = []
        for found in _members(stream, name):
            (documents if isinstance(found, _Document) else refused).append(found)  # type: ignore[arg-type]
        if not documents:
            why = refused[0].reason if refused else "it holds neither PDF, nor DOCX, nor plain text"
            raise BadInput(f"{name}: nothing to read in this archive: {why}")
        yield from refused
        yield tender_of(documents, name)
        return
    if size > MAX_FILE:
        raise BadInput(f"{name} is over {MAX_FILE >> 20} MB: give the rules of the consultation alone")
    yield tender_of([_document(stream.read(), name)], name)


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
                yield Rejected(path=name, record=member.filename, reason=remedy)
                continue
            left.size -= member.file_size
            bomb = member.file_size > FREE_RATIO and member.file_size > MAX_RATIO * max(
                member.compress_size, 1
            )
            if member.file_size > _most() or left.size < 0 or bomb:
                yield Rejected(
                    path=name, record=member.filename, reason="unpacks to too much: refused, as a bomb would"
                )
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
                yield Rejected(
                    path=name, record=member.filename, reason=str(error).removeprefix(f"{where}: ")
                )
            except (RuntimeError, NotImplementedError):
                yield Rejected(
                    path=name, record=member.filename, reason="protected by a password: unpack it first"
                )
            except (zipfile.BadZipFile, OSError, EOFError, ValueError) as error:
                yield Rejected(
                    path=name, record=member.filename, reason=f"damaged ({error}): download it again"
                )


def _most() -> int:
    """Bytes that one document may unpack to."""
    return min(MAX_FILE, in_force().total)


def _pages_until() -> float:
    """The moment of this process's time until which pages are read: one for all the files of an upload."""
    limits = in_force()
    return limits.pages if limits is not FILE else time.process_time() + limits.pages


def _shown(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    return parts[0] != "__MACOSX" and not parts[-1].startswith((".", "~$"))


def _decoded(data: bytes) -> str:
    """Plain text, whatever its encoding: UTF-8 or 16 where it holds, else Windows."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if error.start > len(data) - 4:  # cut within a character
            return data[: error.start].decode("utf-8-sig", "replace")
        return data.decode("cp1252", "replace")


def _plain(data: bytes, name: str) -> str:
    text = _decoded(data)
    if "\x00" in text or sum(char.isalpha() for char in text[:4000]) < 3:
        raise BadInput(f"{name}: no readable text in it: save it as plain text (UTF-8)")
    return text


def _sheet(data: bytes, name: str) -> tuple[str, bool]:
    """The rows of a workbook of prices or lots, cells parted by " | ", under the name of their sheet."""
    from openpyxl import load_workbook

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
            if size > _most() or (size > FREE_RATIO and size > MAX_RATIO * len(data)):
                raise BadInput(f"{name}: unpacks to {size >> 20} MB: refused, as a bomb would")
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
    except BadInput:
        raise
    except Exception as error:  # the library lets many kinds of error through on a damaged workbook
        raise BadInput(f"{name}: damaged workbook ({type(error).__name__}): save it again as .xlsx") from None
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
        from pypdf.errors import DependencyError, PyPdfError

    # The library logs every oddity of a damaged file; what matters is reported below, once.
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    until = _pages_until()
    pages: list[str] = []
    cut = False
    try:
        reader = PdfReader(io.BytesIO(data), strict=False)
        if reader.is_encrypted and not reader.decrypt(""):
            raise BadInput(f"{name}: protected by a password: save it without one")
        count = len(reader.pages)
        for number in range(min(count, MAX_PAGES)):
            if time.process_time() > until or sum(map(len, pages)) > MAX_TEXT:
                cut = True
                break
            try:
                page = reader.pages[number]
                drawn = page.get_contents()
                if drawn is not None and len(drawn.get_data()) > MAX_PAGE:
                    pages.append("")
                    cut = True
                    continue
                pages.append(page.extract_text() or "")
            except BadInput:
                raise
            except Exception:
                # A damaged page may raise anything: the others may still be readable.
                pages.append("")
        cut = cut or count > MAX_PAGES
    except BadInput:
        raise
    except DependencyError:
        raise BadInput(f"{name}: protected: save it without protection") from None
    except (
        PyPdfError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        IndexError,
        OSError,
        RecursionError,
    ) as error:
        raise BadInput(f"{name}: damaged PDF ({type(error).__name__}): download it again") from None
    except (AssertionError, NotImplementedError, OverflowError, MemoryError, ZeroDivisionError) as error:
        raise BadInput(f"{name}: damaged PDF ({type(error).__name__}): download it again") from None
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
        from docx.opc.exceptions import PackageNotFoundError
        from docx.oxml.ns import qn
        from docx.table import Table
        from docx.text.paragraph import Paragraph
    from lxml.etree import XMLSyntaxError

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            size = sum(entry.file_size for entry in entries)
            if size > _most() or (size > FREE_RATIO and size > MAX_RATIO * len(data)):
                raise BadInput(f"{name}: unpacks to {size >> 20} MB: refused, as a bomb would")
            if any(
                b"<!ENTITY" in archive.read(entry)[:4096]
                for entry in entries
                if entry.filename == "word/document.xml"
            ):
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
    except BadInput:
        raise
    except (zipfile.BadZipFile, PackageNotFoundError, XMLSyntaxError, RuntimeError) as error:
        raise BadInput(
            f"{name}: damaged or protected Word file ({type(error).__name__}): save it again"
        ) from None
    except (
        KeyError,
        ValueError,
        AttributeError,
        IndexError,
        TypeError,
        OSError,
        NotImplementedError,
    ) as error:
        raise BadInput(f"{name}: damaged Word file ({type(error).__name__}): save it again") from None
    if not any(char.isalpha() for line in lines for char in line):
        raise BadInput(
            f"{name}: a Word file without text: are its pages images? run a text recognition (OCR) over them"
        )
    return "\n".join(lines), False


# ---------------------------------------------------------------------------------- what a text states

_SEP = r"\s*(?::|\||–|—|\n)\s*"
_OBJECT = re.compile(
    rf"^[ \t]{{0,40}}(?:\d{{1,3}}[.\d]{{0,12}}\s?[-–.)]?\s?)?(?:objet\s+(?:du\s+march[ée]|de\s+la\s+consultation|du\s+contrat|de\s+l['’]accord[- ]cadre"
    rf"|de\s+l['’]appel\s+d['’]offres)|intitul[ée]\s+d[ue]\s+(?:march[ée]|la\s+consultation)|objet){_SEP}(.+)$",
    re.I | re.M,
)
_REFERENCE = re.compile(
    r"^[^\w\n]{0,40}(?:num[ée]ro|n\s*°|r[ée]f[ée]rence)\s+(?:de\s+la\s+|de\s+|du\s+)?(?:consultation|march[ée]|dossier|l['’]affaire)"
    r"\s*[:|–-]?\s*([A-Z0-9][\w./-]{2,40})",
    re.I | re.M,
)
_BUYER = re.compile(
    rf"^[^\w\n]{{0,40}}(?:pouvoir\s+adjudicateur|acheteur(?:\s+public)?|ma[îi]tre\s+d['’]ouvrage|entit[ée]\s+adjudicatrice"
    rf"|nom\s+de\s+l['’]acheteur|organisme\s+acheteur){_SEP}(.+)$",
    re.I | re.M,
)
_SIRET = re.compile(r"\bsiret\s*(?:n\s*°)?\s*[:|]?\s*((?:\d[\s.]?){14})(?!\d)", re.I)
_DEADLINE = re.compile(
    r"dates?\s+(?:et\s+heures?\s+)?limites?\s+(?:de\s+)?(?:r[ée]ception|remise|d[ée]p[ôo]t)\s*(?:des\s+(?:offres|plis|candidatures"
    r"(?:\s+et\s+des\s+offres)?|propositions))?[^0-9]{0,80}?(?:lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche)?\s*(?:le\s+)?"
    r"(\d{1,2}[/.-]\d{1,2}[/.-]\d{4}|\d{1,2}(?:er)?\s+[a-zéûôà]{3,9}\.?\s+\d{4})(?:\s*(?:à|a|,|-|\||avant)?\s*(\d{1,2}\s*(?:h|H|:)\s*\d{0,2}))?",
    re.I,
)
_CPV = re.compile(r"(?<!\d)(\d{8})\s?-\s?\d(?!\d)")
_LOT_LINE = re.compile(
    r"^\W{0,3}lot\s*(?:n\s*[°ºo]\s*\.?\s*|num[ée]ro\s+)?(\d{1,3}[a-z]?|[A-H])(?![\w])\s*(?:[:|.)–—-]+|\s)\s*(\S.{2,300})$",
    re.I | re.M,
)
_LOT_ROW = re.compile(r"^[ \t]{0,40}(\d{1,3})[ \t]?\|[ \t]?([^|\n]{4,300}?)[ \t]?(?:\|.*)?$", re.M)
_CRITERION = re.compile(
    r"^[^\w\n]{0,40}(?:crit[èe]re\s*(?:n\s*°)?\s*\d*\s*[:–-]?\s*)?([A-ZÀ-Ý][^\n|:%]{2,90}?)\s*(?:[:|–—(-]|\bpour\b|\bnot[ée]e?\s+sur\b|\.{2,}|\s)\s*"
    r"(?:pond[ée]r[ée]e?\s+[àa]\s+)?(\d{1,3}(?:[.,]\d+)?)\s*(%|points?|pts?|/\s*\d{2,3})\)?\s*\.?\s*$",
    re.M,
)
#: The papers and words of a consultation.
_PAPERS = re.compile(
    r"\b(?:r[èe]glement\s+de\s+(?:la\s+)?consultation|cctp|ccap|cahier\s+des\s+(?:clauses|charges)|march[ée]\s+public|accord[- ]cadre|appel\s+d['’]offres|mise\s+en\s+concurrence|proc[ée]dure\s+adapt[ée]e)\b",
    re.I,
)
_MONTHS = dict(
    zip(
        ("janv", "fevr", "mars", "avri", "mai", "juin", "juil", "aout", "sept", "octo", "nove", "dece"),
        range(1, 13),
        strict=True,
    )
)


def tender_of(documents: list[_Document], name: str) -> Tender:
    """The notice that the texts state; the first statement of each thing counts, in the order of the documents."""
    # The rules of the consultation come first where there are any: they speak of the whole.
    documents = sorted(documents, key=lambda d: (d.kind == "sheet", not _is_rules(d.name)))
    text = "\n\n".join(document.text for document in documents)[:MAX_TEXT]
    written = text
    text = squeezed(text)
    own = re.split(r"[/\\:]", name)[-1]
    identifier = blake2b(written.encode("utf-8", "replace"), digest_size=8).hexdigest()
    flags = ["cut"] if any(document.cut for document in documents) else []
    title = _first(_OBJECT, text, 500) or _preamble.concerned(text[:HEAD])
    if not title and documents[0].kind == "plain":
        # a free-text need: its first line is what it is about
        line = next(
            (clean(each.strip(" #*=_-")) for each in text.splitlines() if re.search(r"[^\W\d_]", each)), ""
        )
        title = shorten(line, 160)
        flags.append("title-from-text")
    if not title:
        title = re.sub(r"[_-]+", " ", re.sub(r"\.(pdf|docx|zip|xlsx)$", "", own, flags=re.I)).strip() or own
        flags.append("title-from-file")
    siret = _SIRET.search(text)
    buyer_id = re.sub(r"\D", "", siret.group(1)) if siret else ""
    deadline = _deadline(text)
    codes = _facts.cpvs(_CPV.findall(text))
    whole = Lot(
        id=f"{identifier}/1",
        title=title,
        description=clean(text, KEPT),
        cpv=codes,
        deadline=deadline,
        conditions=tuple(criteria(text)),
        places=_preamble.site(text),
    )
    named = lots_of(text)
    lots = tuple(
        replace(whole, id=f"{identifier}/{position}", number=number, title=words, description="", cpv=())
        for position, (number, words) in enumerate(named, 1)
    )
    tender = Tender(
        id=identifier,
        format="documents",
        title=title,
        description=clean(text, KEPT),
        buyer=Buyer(
            id=buyer_id, name=_first(_BUYER, text, 200) or _preamble.body(text), place=_preamble.seat(text)
        ),
        lots=lots or (whole,),
        reference=_first(_REFERENCE, text, 60),
        deadline=deadline,
        flags=tuple(flags),
    )
    return clauses.complete(tender, text)


def _is_rules(name: str) -> bool:
    plain = fold(re.split(r"[/\\:]", name)[-1])
    return bool(re.search(r"(?<![a-z])(rc|reglement|avis|aapc)(?![a-z])", plain))


def _first(pattern: re.Pattern[str], text: str, limit: int) -> str:
    found = next(
        (clean(match.group(1), limit) for match in pattern.finditer(text) if clean(match.group(1))), ""
    )
    return found.strip(" .:;|–-")


def _deadline(text: str) -> datetime | None:
    for match in _DEADLINE.finditer(text):
        day = _numeric(match.group(1))
        if day:
            return _facts.moment(day, re.sub(r"\s", "", match.group(2) or ""))
    return None


def _numeric(raw: str) -> str:
    """ "12 mars 2026" as "12/03/2026"; "" where the month is none."""
    if re.match(r"\d{1,2}[/.-]", raw):
        return raw
    day, month, year = raw.split()
    number = next(
        (n for stem, n in _MONTHS.items() if fold(month).startswith(stem[: max(3, len(month.strip(".")))])), 0
    )
    number = number or next((n for stem, n in _MONTHS.items() if fold(month).startswith(stem)), 0)
    return f"{int(re.sub('[^0-9]', '', day)):02d}/{number:02d}/{year}" if number else ""


def lots_of(text: str) -> tuple[tuple[str, str], ...]:
    """(number, title) of the lots that lines name, each once, in order; none unless at least two are named.

    A table under a heading row "Lot | ..." counts; sentences that speak of a lot ("le lot 1 comprend") do not.
    """
    found: dict[str, str] = {}
    for match in _LOT_LINE.finditer(text):
        words = clean(match.group(2).split(" | ")[0], 300).strip(" .:;|–-")
        if _is_title(words):
            found.setdefault(_plain_number(match.group(1)), words)
    for table in re.finditer(
        r"^[^\w\n]{0,40}(?:n\s*°\s*(?:du\s+|de\s+)?)?lots?\s*(?:n\s*°)?\s*\|.*\n((?:\s*\d{1,3}\s*\|.*\n?)+)",
        text,
        re.I | re.M,
    ):
        for row in _LOT_ROW.finditer(table.group(1)):
            words = clean(row.group(2), 300).strip(" .:;|–-")
            if _is_title(words):
                found.setdefault(_plain_number(row.group(1)), words)
    return tuple(found.items()) if len(found) > 1 else ()


def _plain_number(raw: str) -> str:
    return raw.lstrip("0").upper() or "0"


def _is_title(words: str) -> bool:
    """A title begins with no verb or preposition of a running sentence and holds some letters."""
    if len(re.findall(r"[^\W\d_]", words)) < 3:
        return False
    return not re.match(
        r"(?i)(?:est|sont|a|ont|comprend|comporte|concerne|sera|seront|fait|porte|du|de\s+la|des|et\s+(?:le\s+)?lot|à|ou|pour|qui|dans)\b",
        words,
    )


def criteria(text: str) -> Iterator[Condition]:
    """The award criteria that lines state with their weight, within reach of the word "critères"."""
    seen: set[str] = set()
    read = 0  # text already covered by an earlier heading is skipped
    for heading in re.finditer(r"crit[èe]res?\b", text, re.I):
        start, read = max(read, heading.start()), max(read, min(len(text), heading.start() + 1_500))
        for match in _CRITERION.finditer(text, start, read):
            name, weight, unit = (
                match.group(1).strip(" .:-–("),
                match.group(2),
                match.group(3).replace(" ", ""),
            )
            label = (
                f"{clean(name, 90)} : {weight} {unit}"
                if unit[0] != "/"
                else f"{clean(name, 90)} : {weight}{unit}"
            )
            if fold(label) not in seen and not re.search(
                r"(?i)\b(tva|p[ée]nalit|avance|retenue|garantie)", name
            ):
                seen.add(fold(label))
                yield Condition(code="criterion", label=label, passage=clean(match.group(0), 300))
