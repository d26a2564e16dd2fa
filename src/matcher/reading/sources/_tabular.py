"""Rows of a spreadsheet, whatever it was saved as: CSV, XLSX, JSON lines or a JSON list, one dict a row."""

from __future__ import annotations

import codecs
import csv
import io
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO

from matcher.domain import BadInput, Rejected, Structure
from matcher.reading.limits import in_force
from matcher.reading.sources._bytes import decoded, encoding_of
from matcher.reference.text import fold

Row = dict[str, Any]
Score = Callable[[Sequence[str]], int]  # how many of these headings are known

MAX_LINE = 4 << 20  # characters of one record of a text file
MAX_UNPACKED = 200 << 20  # bytes an XLSX may unpack to
MAX_COLUMNS = 2_000
LAST_ROW = 1_048_576  # of a workbook
DELIMITERS = ";,\t|"


def _cp1252(error: UnicodeError) -> tuple[str, int]:
    """Bytes that are not UTF-8 are read as cp1252: spreadsheets mix both within one file."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    # Only the first offending byte: what follows may be sound UTF-8 again.
    raw = error.object[error.start : error.start + 1]
    return raw.decode("cp1252", errors="replace"), error.start + 1


codecs.register_error("matcher-cp1252", _cp1252)


def shape_of(head: bytes) -> str:
    """ "xlsx", "xls", "parquet", "json", "jsonl", "csv" or "" by the first bytes."""
    if head.startswith(b"PK\x03\x04"):
        return "xlsx" if b"xl/" in head or b"[Content_Types]" in head else ""
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        return "xls"
    if head.startswith(b"PAR1"):
        return "parquet"
    text = head.decode(encoding_of(head), errors="replace").lstrip("\ufeff \r\n\t")
    if text[:1] == "[":
        return "json"
    if text[:1] == "{":
        first = text.split("\n", 1)[0].strip()
        return "jsonl" if first.endswith("}") and first.count("{") == first.count("}") else "json"
    if not text or text[:1] == "<" or "\0" in text or text.startswith("%PDF"):
        return ""
    return "csv"


def delimiter_of(sample: str) -> str:
    """The separator that cuts the first lines into the most columns, consistently from line to line."""
    best, found = (0.0, 0), ","
    for candidate in DELIMITERS:
        try:
            widths = [len(row) for row in csv.reader(io.StringIO(sample), delimiter=candidate) if row][:30]
        except csv.Error:
            continue
        if not widths:
            continue
        common = max(set(widths), key=lambda width: (width > 1, widths.count(width), width))
        merit = (widths.count(common) / len(widths) if common > 1 else 0.0, common)
        if merit[0] * merit[1] > best[0] * best[1]:
            best, found = merit, candidate
    return found


def headings_of(head: bytes) -> tuple[str, ...]:
    """The headings, or JSON keys, that the first bytes show; () where they show none (an XLSX, say)."""
    shape = shape_of(head)
    if shape == "csv":
        text = head.decode(encoding_of(head), errors="replace").lstrip("\ufeff")
        sample = "\n".join(text.splitlines()[:12])
        try:
            rows = list(csv.reader(io.StringIO(sample), delimiter=delimiter_of(sample)))
        except csv.Error:
            return ()
        return tuple(max(rows, key=lambda row: sum(map(bool, row)), default=[])) if rows else ()
    if shape in ("json", "jsonl"):
        text = head[:20_000].decode(encoding_of(head), errors="replace")
        return tuple(dict.fromkeys(re.findall(r'"([^"\\]{1,60})"\s*:', text)))
    return ()


def rows(
    stream: BinaryIO, name: str, score: Score, lists: Sequence[str] = ()
) -> Iterator[tuple[str, Row | str]]:
    """(place in the file, row) for each record; a str instead of a row is the reason it cannot be read.

    `score` separates headings from title lines above them; `lists` are the keys of a JSON object that may hold
    the list of records.  Raises BadInput when the file is empty or of no shape known here.
    """
    stream.seek(0)
    head = stream.read(65_536)
    if not head.strip(b"\0 \r\n\t\xef\xbb\xbf"):
        raise BadInput(f"{name} is empty: give a file with at least a line of headings and one record")
    shape = shape_of(head)
    if shape == "csv":
        yield from _csv(stream, name, score)
    elif shape == "xlsx":
        yield from _xlsx(stream, name, score)
    elif shape == "jsonl" and any(
        re.match(rb'.{0,2000}"%s"\s*:\s*\[' % key.encode(), head, re.S) for key in lists
    ):
        yield from _json(stream, name, lists)  # a whole file on one line
    elif shape == "jsonl":
        yield from _jsonl(stream)
    elif shape == "json":
        yield from _json(stream, name, lists)
    elif shape == "xls":
        raise BadInput(
            f"{name} is an old Excel workbook (.xls) or a protected one: save it as .xlsx without a password"
        )
    else:
        raise BadInput(f"{name} is not a table: give CSV, XLSX, JSON lines or a JSON list")


def unique(headings: Sequence[Any]) -> list[str]:
    """Headings as texts, a repeated one numbered ("offre", "offre 2"), an empty one called "column N"."""
    seen: dict[str, int] = {}
    named = []
    for position, heading in enumerate(headings, 1):
        text = " ".join(str(heading if heading is not None else "").replace("\ufeff", "").split())
        text = text or f"column {position}"
        seen[text] = seen.get(text, 0) + 1
        named.append(text if seen[text] == 1 else f"{text} {seen[text]}")
    return named


def _table(
    cells: Iterator[tuple[int, Sequence[Any] | str]], name: str, score: Score
) -> Iterator[tuple[str, Row | str]]:
    """Find the heading line among the first fifteen, then zip each row with it."""
    waiting: list[tuple[int, Sequence[Any] | str]] = []
    for item in cells:
        waiting.append(item)
        if len(waiting) == 15:
            break
    lines = [(line, row) for line, row in waiting if not isinstance(row, str) and any(map(_filled, row))]
    if not lines:
        raise BadInput(f"{name} holds no line of headings: put the names of the columns on the first line")
    scores = [(score([str(cell or "") for cell in row]), line) for line, row in lines]
    top = max(mark for mark, _ in scores)
    first = next(line for mark, line in scores if mark == top) if top else lines[0][0]
    headings = unique(next(row for line, row in lines if line == first))
    if len(headings) > MAX_COLUMNS:
        raise BadInput(f"{name} has {len(headings)} columns: keep the {MAX_COLUMNS} that are needed")
    below = [item for item in waiting if item[0] > first]
    for source in (iter(below), cells):
        for line, row in source:
            if isinstance(row, str):
                yield f"row {line}", row
            elif any(map(_filled, row)):
                yield f"row {line}", dict(zip(headings, row, strict=False))


def _filled(cell: Any) -> bool:
    return cell is not None and str(cell).strip() != ""


def _csv(stream: BinaryIO, name: str, score: Score) -> Iterator[tuple[str, Row | str]]:
    text = decoded(stream)
    try:
        sample = "".join(text.readline(100_000) for _ in range(30))
        text.seek(0)
        yield from _table(_csv_cells(text, delimiter_of(sample)), name, score)
    finally:
        text.detach()


def _csv_cells(text: io.TextIOWrapper, delimiter: str) -> Iterator[tuple[int, Sequence[Any] | str]]:
    csv.field_size_limit(MAX_LINE)
    reader = csv.reader(text, delimiter=delimiter)
    while True:
        begin = reader.line_num + 1
        try:
            yield begin, next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield begin, f"unreadable line ({error}): look for a quotation mark that is never closed"


def _xlsx(stream: BinaryIO, name: str, score: Score) -> Iterator[tuple[str, Row | str]]:
    from openpyxl import load_workbook

    try:
        with zipfile.ZipFile(stream) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
            if size > min(MAX_UNPACKED, in_force().total):
                raise BadInput(
                    f"{name} unpacks to {size >> 20} MB: save it as CSV, which is read line by line"
                )
            if any(entry.flag_bits & 1 for entry in archive.infolist()):
                raise BadInput(f"{name} is protected by a password: save it without one")
        stream.seek(0)
        book = load_workbook(stream, read_only=True, data_only=True)
    except BadInput:
        raise
    except Exception as error:  # openpyxl lets many kinds of error through on a damaged workbook
        raise BadInput(
            f"{name} is a damaged workbook ({type(error).__name__}): open it and save it again"
        ) from None
    try:
        sheets = [sheet for sheet in book.worksheets if getattr(sheet, "sheet_state", "visible") == "visible"]
        read = 0
        for sheet in sheets:
            if hasattr(sheet, "reset_dimensions"):
                sheet.reset_dimensions()  # the stated size is wrong in many generated files
            try:
                for place, row in _table(_xlsx_cells(sheet), name, score):
                    read += 1
                    yield (place if len(sheets) == 1 else f"{sheet.title} {place}"), row
            except BadInput:
                if len(sheets) == 1:
                    raise
        if not read and len(sheets) != 1:
            raise BadInput(
                f"{name} holds no visible sheet with headings: put them on the first line of a sheet"
            )
    finally:
        book.close()


def sheet_rows(sheet: Any) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """(number, values) of the rows that a sheet holds; the library's own loop makes each row that is missing between two.

    Raises ValueError for a cell beyond the last row or the columns kept.
    """
    from openpyxl.worksheet._reader import WorkSheetParser

    book = sheet.parent
    with sheet._get_source() as source:
        parser = WorkSheetParser(
            source, sheet._shared_strings, data_only=book.data_only, epoch=book.epoch, date_formats=book._date_formats,
            timedelta_formats=book._timedelta_formats,
        )  # fmt: skip
        for number, cells in parser.parse():
            width = max((cell["column"] for cell in cells), default=0)
            if number > LAST_ROW or width > MAX_COLUMNS:
                raise ValueError(f"row {number} of {width} columns")
            row: list[Any] = [None] * width
            for cell in cells:
                row[cell["column"] - 1] = cell["value"]
            yield number, tuple(row)


def _xlsx_cells(sheet: Any) -> Iterator[tuple[int, Sequence[Any] | str]]:
    from lxml.etree import XMLSyntaxError

    number = 0
    cells = sheet_rows(sheet)
    while True:
        number += 1
        try:
            number, row = next(cells)
            yield number, row
        except StopIteration:
            return
        except (
            ValueError,
            KeyError,
            IndexError,
            SyntaxError,
            XMLSyntaxError,
            zipfile.BadZipFile,
            EOFError,
        ) as error:
            yield number, f"damaged sheet from here on ({type(error).__name__}): save the workbook again"
            return


def _jsonl(stream: BinaryIO) -> Iterator[tuple[str, Row | str]]:
    import json

    text = decoded(stream)
    try:
        number = 0
        while line := text.readline(MAX_LINE):
            number += 1
            if not line.strip():
                continue
            if len(line) >= MAX_LINE and not line.endswith("\n"):
                yield f"line {number}", f"a line of more than {MAX_LINE >> 20} MB: write one record a line"
                while len(text.readline(MAX_LINE)) == MAX_LINE:
                    pass
                continue
            try:
                record = json.loads(line)
            except (ValueError, RecursionError) as error:
                reason = getattr(error, "msg", "nested too deep")
                yield f"line {number}", f"invalid JSON ({reason}): write one whole object a line"
                continue
            yield (
                f"line {number}",
                record if isinstance(record, dict) else "not an object: write {...} on each line",
            )
    finally:
        text.detach()


def _json(stream: BinaryIO, name: str, lists: Sequence[str]) -> Iterator[tuple[str, Row | str]]:
    from matcher.reading.sources import _stream

    stream.seek(0)
    start = stream.read(4096).decode("utf-8", errors="replace").lstrip("\ufeff \r\n\t")[:1]
    prefixes = ["item"] if start == "[" else [f"{key}.item" for key in lists]
    number = 0
    for prefix in prefixes:
        try:
            for number, record in enumerate(_stream.items(stream, prefix), 1):
                yield (
                    f"record {number}",
                    record if isinstance(record, dict) else "not an object: a record is written {...}",
                )
        except _stream.BROKEN as error:
            if not number:
                raise BadInput(f"{name} is not valid JSON ({_short(error)}): export it again") from None
            yield (
                f"record {number + 1}",
                f"invalid JSON from here on ({_short(error)}): is the file cut short?",
            )
        if number:
            return
    if start == "{":
        # A single record, written over several lines.
        try:
            single = next(iter(_stream.items(stream, "")), None)
        except _stream.BROKEN as error:
            raise BadInput(f"{name} is not valid JSON ({_short(error)}): export it again") from None
        if isinstance(single, Mapping) and not any(isinstance(single.get(key), list) for key in lists):
            yield "record 1", dict(single)


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:80]


def words(heading: str) -> str:
    """A heading made comparable: no accent, case, underscore, punctuation nor plural; numbers kept apart."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", heading)
    plain = re.sub(r"[^a-z0-9]+", " ", fold(spaced))
    plain = re.sub(r"(?<=[a-z])(?=[0-9])|(?<=[0-9])(?=[a-z])", " ", plain)
    return " ".join(word[:-1] if len(word) > 3 and word[-1] in "sx" else word for word in plain.split())


def guess(
    headings: Sequence[str], aliases: Mapping[str, Sequence[str]], numbered: frozenset[str] = frozenset()
) -> dict[str, str]:
    """Field -> heading: exact aliases first, then aliases found as whole words, the longest first.

    A field of `numbered` may stand in several columns: "offre 2" becomes the field "offer.2".
    """
    exact = {words(alias): field for field, names in aliases.items() for alias in names}
    order = sorted(exact, key=lambda alias: -len(alias))
    found: dict[str, str] = {}
    taken: set[str] = set()

    def claim(field: str, number: str, heading: str) -> None:
        key = f"{field}.{number}" if number and field in numbered else field
        if key not in found and not (number and field not in numbered and field in found):
            found[key] = heading
            taken.add(heading)

    split = {heading: _numbered(words(heading)) for heading in headings}
    for heading, (text, number) in split.items():
        whole = exact.get(words(heading))
        if whole:
            claim(whole, "", heading)
        elif text in exact and (not number or exact[text] in numbered):
            claim(exact[text], number, heading)
    for alias in order:
        if len(alias) < 5:
            continue
        for heading, (text, number) in split.items():
            if heading in taken or f" {alias} " not in f" {text} " or len(text) > len(alias) + 24:
                continue
            if text.split()[0] in _QUALIFIERS and alias.split()[0] not in _QUALIFIERS:
                continue
            if number and exact[alias] not in numbered:
                continue
            claim(exact[alias], number, heading)
    return found


#: A heading that begins so counts, dates or codes the thing: "nb postes" is no post, "date creation" no creation.
_QUALIFIERS = frozenset(
    (
        "nb",
        "nombre",
        "tranche",
        "date",
        "annee",
        "code",
        "id",
        "identifiant",
        "contact",
        "flag",
        "type",
        "taux",
    )
)


def _numbered(text: str) -> tuple[str, str]:
    """ "offre 2 titre" -> ("offre titre", "2")."""
    match = re.search(r"(?:^|\s)(\d{1,3})(?:\s|$)", text)
    if not match:
        return text, ""
    return " ".join((text[: match.start()] + " " + text[match.end() :]).split()), str(int(match.group(1)))


def correct(
    guessed: Mapping[str, str],
    columns: Mapping[str, str] | None,
    headings: Sequence[str],
    fields: Sequence[str],
) -> dict[str, str]:
    """The guess with the user's corrections (`field=column`, an empty column drops the field).

    Raises BadInput naming the fields, or the columns, there are.
    """
    result = dict(guessed)
    for field, column in (columns or {}).items():
        stem = field.split(".", 1)[0]
        if stem not in fields:
            raise BadInput(f"--map: no field {field!r}; the fields are {', '.join(sorted(fields))}")
        if not column:
            result.pop(field, None)
            continue
        match = next((h for h in headings if h == column), None) or next(
            (h for h in headings if words(h) == words(column)), None
        )
        if match is None:
            raise BadInput(f"--map: no column {column!r}; the columns are {', '.join(headings[:40])}")
        # The column now serves this field only.
        result = {key: value for key, value in result.items() if value != match}
        result[field] = match
    return result


def mapped(
    found: Iterable[tuple[str, Row | str]],
    guess: Callable[[Sequence[str]], dict[str, str]],
    check: Callable[[Mapping[str, str], Sequence[str], str], None],
) -> Iterator[tuple[str, Row | str, dict[str, str]]]:
    """Each row with its columns (field -> heading), guessed once for each set of headings; the first guess is checked."""
    guesses: dict[tuple[str, ...], dict[str, str]] = {}
    first = True
    for place, row in found:
        if isinstance(row, str):
            yield place, row, {}
            continue
        keys = tuple(row)
        if keys not in guesses:
            if len(guesses) >= 5_000:
                guesses.clear()
            guesses[keys] = guess(keys)
            if first:
                check(guesses[keys], keys, place)
            first = False
        yield place, row, guesses[keys]


def score_of(mapping: Callable[[Sequence[str]], Mapping[str, str]]) -> Score:
    """How many columns a mapping finds among headings."""
    return lambda headings: len(mapping([heading for heading in headings if heading]))


def is_zip(head: bytes) -> bool:
    """True for a ZIP file, which a workbook is."""
    return shape_of(head) == "xlsx"


def is_workbook(name: str) -> bool:
    return name.lower().endswith((".xlsx", ".xlsm"))


def source_of(name: str) -> str:
    """The file's own name: what is kept as a source must not depend on where the file lay."""
    return re.split(r"[/\\\\]", name)[-1]


def structures(
    rows: Iterable[tuple[str, Row | str]], name: str, made: Callable[[Row], Structure | str | None]
) -> Iterator[Structure | Rejected]:
    """What `made` gives for each row; a str is the reason why the row is rejected, None leaves it out."""
    for place, row in rows:
        found = row if isinstance(row, str) else made(row)
        if isinstance(found, str):
            yield rejected(name, place, found)
        elif found is not None:
            yield found


def rejected(name: str, place: str, reason: str) -> Rejected:
    return Rejected(path=name, record=place, reason=reason)
