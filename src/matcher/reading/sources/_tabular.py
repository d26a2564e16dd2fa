"""Rows of a spreadsheet, whatever it was saved as: CSV, XLSX, ODS, JSON lines or a JSON list, one dict a row.

The encoding of bytes is guessed; JSON is sanitised for a strict streaming parser: no NaN, no raw control characters.
"""

import codecs
import csv
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, count, islice, pairwise, zip_longest
from typing import Any, BinaryIO

import ijson

from matcher.domain import BadInput, Rejected, Structure
from matcher.reading.limits import in_force

Row = dict[str, Any]
Placed = tuple[str, Row | str]  # place in the file, and its row or the reason why there is none
Cells = Iterator[tuple[int, Sequence[Any] | str]]  # number of the line, and its cells or why there are none
Score = Callable[[Sequence[str]], int]  # how many of these headings are known

MAX_LINE = 4 << 20  # characters of one record of a text file
MAX_UNPACKED = 200 << 20  # bytes an XLSX may unpack to
MAX_COLUMNS = 2_000
LAST_ROW = 1_048_576  # of a workbook
DELIMITERS = ";,\t|"
NAME = "Nom"  # the label of a card's title


def _cp1252(error: UnicodeError) -> tuple[str, int]:
    """Bytes that are not UTF-8 are read as cp1252: spreadsheets mix both within one file."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    # Only the first offending byte: what follows may be sound UTF-8 again.
    raw = error.object[error.start : error.start + 1]
    return raw.decode("cp1252", errors="replace"), error.start + 1


codecs.register_error("matcher-cp1252", _cp1252)


def encoding_of(head: bytes) -> str:
    """UTF-16 where the byte order mark or the zero bytes say so, else UTF-8 (cp1252 byte by byte where not)."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    sample = head[:2000]
    if len(sample) >= 20 and sample.count(0) > len(sample) // 4:
        return "utf-16-le" if sample[1:2] == b"\0" else "utf-16-be"
    return "utf-8-sig"


def text_of(data: bytes) -> str:
    """Bytes as text, whatever their encoding."""
    encoding = encoding_of(data)
    return data.decode(encoding, "matcher-cp1252" if encoding == "utf-8-sig" else "replace")


def decoded(stream: BinaryIO) -> io.TextIOWrapper:
    """The stream as text, line ends untouched; the wrapper must be detached, not closed, by its user."""
    stream.seek(0)
    head = stream.read(4096)
    stream.seek(0)
    encoding = encoding_of(head)
    errors = "matcher-cp1252" if encoding == "utf-8-sig" else "replace"
    return io.TextIOWrapper(stream, encoding=encoding, errors=errors, newline="")


#: Written by Python's json and by several publishers of awards, but not valid JSON.
_NOT_JSON = re.compile(r"(?<=[:\[,\s])-?(?:NaN|Infinity)(?=\s*[,}\]])")
_CONTROLS = dict.fromkeys(range(32), " ")
#: What the parser raises on invalid JSON.
BROKEN = (ijson.JSONError, UnicodeError, ValueError, OverflowError)
PIECE = 1 << 16
#: Brackets opened and not closed since the last record.  The parser keeps the whole path of each level, so
#: depth costs its square; a stray bracket in a text may count too, hence two bounds.
DEEP, DEEPEST = 500, 5_000


class Clean:
    """A readable stream of clean UTF-8 bytes over any stream of JSON text."""

    def __init__(self, stream: BinaryIO) -> None:
        self._text = decoded(stream)
        self._held = ""
        self._ready = b""
        self.depth = 0

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes, possibly fewer; b"" at the end."""
        while not self._ready:
            piece = self._text.read(PIECE)
            if not piece and not self._held:
                return b""
            opened = piece.count("[") + piece.count("{") - piece.count("]") - piece.count("}")
            self.depth = max(0, self.depth + opened)
            if (self.depth > DEEP and opened > DEEP // 2) or self.depth > DEEPEST:
                raise ValueError("nested too deep")
            text = self._held + piece.translate(_CONTROLS)
            # The last characters wait for the next chunk: a NaN may be cut in two.
            keep = 24 if piece else 0
            text, self._held = (text[:-keep], text[-keep:]) if keep else (text, "")
            if "N" in text or "I" in text:
                text = _NOT_JSON.sub("null", text)
            self._ready = text.encode("utf-8", errors="replace")
        size = len(self._ready) if size is None or size < 0 else size
        out, self._ready = self._ready[:size], self._ready[size:]
        return out

    def close(self) -> None:
        """Leave the underlying stream open."""
        self._text.detach()


def items(stream: BinaryIO, prefix: str) -> Iterator[Any]:
    """The values found at an ijson prefix ("marches.item").  Raises one of BROKEN where the JSON breaks."""
    clean = Clean(stream)
    try:
        for item in ijson.items(clean, prefix, use_float=True, buf_size=PIECE):
            clean.depth = 0
            yield item
    finally:
        clean.close()


# ------------------------------------------------------------------------------------- the shape of a table


def shape_of(head: bytes) -> str:
    """ "xlsx", "ods", "xls", "parquet", "json", "jsonl", "csv" or "" by the first bytes."""
    if head.startswith(b"PK\x03\x04"):
        if b"opendocument.spreadsheet" in head[:200]:
            return "ods"
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

    def merit(separator: str) -> float:
        try:
            widths = [len(row) for row in csv.reader(io.StringIO(sample), delimiter=separator) if row][:30]
        except csv.Error:
            return 0.0
        common = max(set(widths), key=lambda width: (width > 1, widths.count(width), width), default=1)
        return common * widths.count(common) / len(widths) if common > 1 else 0.0

    best = max(DELIMITERS, key=merit)
    return best if merit(best) else ","


def headings_of(head: bytes) -> tuple[str, ...]:
    """The headings, or JSON keys, that the first bytes show; () where they show none (an XLSX, say)."""
    shape = shape_of(head)
    if shape == "csv":
        grid = _grid(head)
        return tuple(max(grid, key=lambda row: sum(map(bool, row)), default=[])) if grid else ()
    if shape in ("json", "jsonl"):
        text = head[:20_000].decode(encoding_of(head), errors="replace")
        return tuple(dict.fromkeys(re.findall(r'"([^"\\]{1,60})"\s*:', text)))
    return ()


def keys_of(head: bytes) -> frozenset[str]:
    """The keys that the first bytes of JSON show; none of another shape."""
    return frozenset(headings_of(head)) if shape_of(head) in ("json", "jsonl") else frozenset()


def peek(head: bytes, score: Score) -> list[Row]:
    """The first records of a CSV by its first bytes, under the headings that `score` tells; none of another shape."""
    grid = _grid(head, 30) if shape_of(head) == "csv" else []
    if not any(map(_filled, chain(*grid))):
        return []
    rows = (row for _, row in _table(iter(enumerate(grid, 1)), "", score) if isinstance(row, dict))
    return [{heading: cell for heading, cell in row.items() if heading} for row in rows]


def _grid(head: bytes, most: int = 12) -> list[list[str]]:
    text = head.decode(encoding_of(head), errors="replace").lstrip("\ufeff")
    sample = "\n".join(text.splitlines()[:most])
    try:
        return list(csv.reader(io.StringIO(sample), delimiter=delimiter_of(sample)))
    except csv.Error:
        return []


def rows(
    stream: BinaryIO, name: str, score: Score = lambda headings: 0, lists: Sequence[str] = ()
) -> Iterator[Placed]:
    """(place in the file, row) for each record; a str instead of a row is the reason it cannot be read.

    `score` separates headings from title lines above them; `lists` are the keys, or dotted paths, of a JSON object that may
    hold the list of records, or at a path one record alone; of those in one string all are read.  Raises BadInput when the
    file is empty or of no shape known here.
    """
    stream.seek(0)
    head = stream.read(65_536)
    groups = [group.split() for group in lists]

    def alone(single: Row) -> bool:
        keys = (key.partition(".") for group in groups for key in group)
        return not any(isinstance(single.get(key), dict if path else list) for key, path, _ in keys)

    if not head.strip(b"\0 \r\n\t\xef\xbb\xbf"):
        raise BadInput(f"{name} is empty: give a file with at least a line of headings and one record")
    shape = shape_of(head)
    if shape == "csv":
        text = decoded(stream)
        try:
            sample = "".join(text.readline(100_000) for _ in range(30))
            text.seek(0)
            yield from _table(_csv_cells(text, delimiter_of(sample)), name, score)
        finally:
            text.detach()
    elif shape in ("xlsx", "ods"):
        yield from _workbook(stream, name, score, _xlsx if shape == "xlsx" else _ods)
    elif shape in ("json", "jsonl"):
        opened = [group for group in groups if any(_opens(head, key) for key in group)]
        if shape == "jsonl" and not opened:  # else a whole file on one line
            yield from json_lines(stream)
            return
        # what the first bytes open comes first: each search reads the whole file
        groups.sort(key=lambda group: group not in opened)
        singles = [group for group in groups if "." in group[0]]
        prefixes = [*([f"{key}.item" for key in group] for group in groups), *singles, [""]]
        array = head.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"[")
        yield from json_records(stream, name, [["item"]] if array else prefixes, alone)
    elif shape == "xls":
        raise BadInput(
            f"{name} is an old Excel workbook (.xls) or a protected one: save it as .xlsx without a password"
        )
    else:
        raise BadInput(f"{name} is not a table: give CSV, XLSX, ODS, JSON lines or a JSON list")


def _opens(head: bytes, path: str) -> bool:
    """Do the first bytes of JSON open a list at a key, or a list or an object at a dotted path?"""
    names = path.encode().split(b".")
    sign = rb"[\[{]" if len(names) > 1 else rb"\["
    return bool(re.match(rb'.{0,4000}"%s"\s*:\s*%s' % (rb'"\s*:\s*\{\s*"'.join(names), sign), head, re.S))


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


def _table(cells: Cells, name: str, score: Score, sheet: str = "") -> Iterator[Placed]:
    """Find the headings among the first lines, then zip each row with them; the title of its sheet stands under ""."""
    ahead = list(islice(cells, 30))
    lines = [(line, row) for line, row in ahead if not isinstance(row, str) and any(map(_filled, row))]
    if not lines:
        raise BadInput(f"{name} holds no line of headings: put the names of the columns on the first line")
    blocks = _abreast(lines)
    if all(_labels(_within(lines, block), score) for block in blocks):
        whole = list(chain(ahead, cells))
        for block in blocks:
            yield from _cards(_within(whole, block), {"": sheet} if sheet else {})
        return
    if _turned(lines, score):
        begin = next(at for at, (_, row) in enumerate(lines) if sum(map(_filled, row)) > 1)
        sheet = " ".join(
            filter(None, (sheet, *(str(c) for _, row in lines[:begin] for c in row if _filled(c))))
        )
        records = [row for _, row in lines[begin:]]
        if not _filled(records[0][0]):  # the corner above the labels is blank: beside it stand the names
            records[0] = [NAME, *records[0][1:]]
        lines, cells = list(enumerate(zip_longest(*records), 1)), iter(())
        ahead = [*lines]
    headings, first = _headings(lines, score)
    if len(headings) > MAX_COLUMNS:
        raise BadInput(f"{name} has {len(headings)} columns: keep the {MAX_COLUMNS} that are needed")
    above = [str(cell) for line, row in lines if line < first - 1 for cell in row if _filled(cell)]
    title = {"": " ".join([sheet, *above])[:300].strip()} if sheet or above else {}
    before, apart = first - 1, False  # the line before, and whether a gap or a title parts this one from it
    for line, row in chain((item for item in ahead if item[0] >= first), cells):
        if isinstance(row, str):
            yield f"row {line}", row
            continue
        filled = sum(map(_filled, row))
        apart = apart or line > before + 1
        before = line
        if filled > 2 and unique(row) == headings:
            continue  # the headings repeated
        fresh = filled > 2 and apart and not _is_record(row)
        if fresh and score(_texts(row)) >= max(3, 0.6 * filled):
            headings = unique(row)  # those of another table below
        elif filled:
            missing = len(headings) - len(row)
            yield f"row {line}", dict(zip(headings, (*row, *[None] * missing), strict=False)) | title
        apart = filled < 2


def _texts(row: Sequence[Any]) -> list[str]:
    return [str(cell if cell is not None else "") for cell in row]


def _pair(row: Sequence[Any] | str) -> tuple[str, Any] | None:
    """(label, value) of a row of two cells, or of one that holds both ("Tél. : 02 …"), the label "" of a value alone; else None."""
    filled = [] if isinstance(row, str) else [cell for cell in row if _filled(cell)]
    begins_early = any(map(_filled, row[:3]))
    if not begins_early or len(filled) not in (1, 2):
        return None
    if len(filled) == 1 and (
        both := re.match(r"\s*([^\W\d][^:@]{1,40}?)\s*:\s+(\S.*)", str(filled[0]), re.S)
    ):
        filled = [*both.groups()]
    label = re.sub(r"[\W\d]+$", "", str(filled[0]))  # "Fiche 1 :", "Fiche 2 :" are one
    return (label, filled[1]) if len(filled) == 2 else ("", filled[0])


def _abreast(lines: Sequence[tuple[int, Sequence[Any]]]) -> list[slice]:
    """The blocks of columns that blank columns part, of two columns or more each; else one of them all."""
    used = [any(map(_filled, column)) for column in zip_longest(*(row for _, row in lines))]
    edges = [at for at, (left, right) in enumerate(pairwise([False, *used, False])) if left != right]
    blocks = [slice(begin, end) for begin, end in zip(edges[::2], edges[1::2], strict=True)]
    parted = len(blocks) > 1 and all(block.stop - block.start > 1 for block in blocks)
    return blocks if parted else [slice(None)]


def _within(lines: Iterable[tuple[int, Any]], block: slice) -> list[tuple[int, Any]]:
    """These lines, of each the cells of a block."""
    return [(line, row if isinstance(row, str) else row[block]) for line, row in lines]


def _labels(lines: Sequence[tuple[int, Sequence[Any]]], score: Score) -> bool:
    """Are these cards, a label and its value a line, rather than a table?"""
    pairs = [pair for _, row in lines if (pair := _pair(row))]
    labels = list(dict.fromkeys(label for label, _ in pairs if label))
    several = sum(sum(map(_filled, row)) > 1 for _, row in lines)
    return len(pairs) >= 0.8 * several and len(labels) > 2 and score(labels) >= max(3, 0.5 * len(labels))


def _turned(lines: Sequence[tuple[int, Sequence[Any]]], score: Score) -> bool:
    """Do the headings stand in the first column, and the records beside each other?"""
    labels = [str(row[0]) for _, row in lines if row and _filled(row[0])]
    known = score(labels)
    return known >= max(3, 0.6 * len(lines)) and all(
        score([text for text in texts if not re.match(r"\d", text)])  # "8 rue …" is no heading
        < known * min(1.0, sum(map(_filled, texts)) / len(labels))
        for texts in (_texts(row) for _, row in lines)
        if sum(map(_filled, texts)) > 1
    )


def _cards(cells: Iterable[tuple[int, Any]], title: Row) -> Iterator[Placed]:
    """A row for each card: one begins where the first label of all comes again, or after a gap any that it has already.

    Where several begin with a value alone, above their labels, that is the name.
    """
    lines = [(line, pair) for line, row in cells if (pair := _pair(row))]
    after = [(-1, ("", "")), *lines]
    above = {line: line - before > 1 for (before, _), (line, _) in pairwise(after)}  # does a gap part it?
    heads = {
        line
        for (line, pair), (below, label) in pairwise(lines)
        if not pair[0] and above[line] and label[0] and below == line + 1
    }
    cards: list[tuple[int, Row]] = []
    first, label = "", ""
    for line, pair in lines:
        named = len(heads) > 1 and line in heads
        if not pair[0] and not named:
            if cards and label:
                cards[-1][1][label] = f"{cards[-1][1][label]}\n{pair[1]}"
            continue
        label = pair[0] or NAME
        first = first or label
        if label == first or not cards or (above[line] and label in cards[-1][1]):
            cards.append((line, {}))
        cards[-1][1].setdefault(label, pair[1])
    every = dict.fromkeys(label for _, card in cards for label in card)
    for line, card in cards:
        yield f"row {line}", every | card | title


def _headings(lines: Sequence[tuple[int, Sequence[Any]]], score: Score) -> tuple[list[str], int]:
    """(headings, number of the first line below them): the line that `score` knows best above the first record.

    Where it knows none it is the line above the first record, and where there is none the columns are numbered.  A
    heading that spans two lines is read from both.
    """
    record = next((at for at, (_, row) in enumerate(lines) if _is_record(row)), len(lines))
    marks = [score(_texts(row)) for _, row in lines[:record]]
    for at, mark in enumerate(marks):  # of two tables in a sheet the first begins it
        parted = next((i for i in range(at + 2, record) if lines[i][0] > lines[i - 1][0] + 1), record)
        if mark >= max(3, 0.6 * sum(map(_filled, lines[at][1]))) and parted < record:
            marks, record = marks[:parted], parted
            break
    wide = [at for at in range(record) if sum(map(_filled, lines[at][1])) > 1]
    if any(marks):
        at = max(range(len(marks)), key=lambda at: (marks[at] * (at in wide or not wide), at in wide))
    elif record < len(lines) and not wide:
        return unique([None] * len(lines[record][1])), lines[record][0]
    else:
        at = wide[-1] if record < len(lines) else 0
    line, row = lines[at]
    if at and lines[at - 1][0] == line - 1 and at - 1 in wide:
        row = _over(row, lines[at - 1][1], score)
    if at + 1 in wide and lines[at + 1][0] == line + 1:
        lower, both = lines[at + 1][1], _over(lines[at + 1][1], row, score)
        pairs = [bool(_filled(high)) for low, high in zip_longest(lower, row) if _filled(low)]
        # "Métiers" over columns that the line below names: it fills what is blank above
        if score(_texts(both)) > score(_texts(row)) or pairs.count(False) > max(1, sum(pairs)):
            line, row = line + 1, both
    return unique(row), line + 1


#: The rest of a heading that the line above begins: "Domaine" over "d'intervention", "Salariés" over "(ETP)".
_CONTINUES = re.compile(r"[a-zà-ÿ(]|(?i:(?:du|des?|la|en|au|par|et) |[dl]['’])")


def _over(lower: Sequence[Any], upper: Sequence[Any], score: Score) -> list[str]:
    """One line of headings of two: the lower where it has one, both where it continues the upper or says nothing by itself."""
    pairs = [
        *zip_longest(*([text.strip() for text in _texts(line)] for line in (lower, upper)), fillvalue="")
    ]
    alone = [low or high for low, high in pairs]
    joined = [
        f"{high} {low}"
        # what stands above several columns is no half of the first one's heading
        if low and high and (after[1] or not after[0]) and (_CONTINUES.match(low) or not score([low]))
        else low or high
        for (low, high), after in pairwise([*pairs, ("", "")])
    ]
    of_values = any(re.fullmatch(r"\W*\d[\d\W]*", low) for low, _ in pairs)
    return alone if of_values or score(joined) < score(alone) else joined


#: What no heading holds: a SIRET, a telephone number, an address of mail.
_OF_A_RECORD = re.compile(
    r"^\D{0,12}(?:\d[\s.\u00a0\u202f-]?){14}(?:\.0)?$|(?<!\d)0[1-9](?:[\s.-]?\d{2}){4}(?!\d)|[^\s@]@[^\s@]+\.[a-z]"
)


def _is_record(row: Sequence[Any]) -> bool:
    return sum(map(_filled, row)) > 1 and any(
        _OF_A_RECORD.search(str(cell).strip()) for cell in row if cell is not None
    )


def _filled(cell: Any) -> bool:
    return cell is not None and str(cell).strip() != ""


def _csv_cells(text: io.TextIOWrapper, delimiter: str) -> Cells:
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


def _workbook(
    stream: BinaryIO, name: str, score: Score, sheets_of: Callable[..., list[tuple[str, Cells]]]
) -> Iterator[Placed]:
    """The rows of the visible sheets of a workbook, which `sheets_of` opens."""
    try:
        with zipfile.ZipFile(stream) as archive:
            entries = archive.infolist()
        size = sum(entry.file_size for entry in entries)
        if size > min(MAX_UNPACKED, in_force().total):
            raise BadInput(f"{name} unpacks to {size >> 20} MB: save it as CSV, which is read line by line")
        if any(entry.flag_bits & 1 for entry in entries):
            raise BadInput(f"{name} is protected by a password: save it without one")
        stream.seek(0)
        sheets = sheets_of(stream)
    except BadInput:
        raise
    except Exception as error:  # the libraries let many kinds of error through on a damaged workbook
        raise BadInput(
            f"{name} is a damaged workbook ({type(error).__name__}): open it and save it again"
        ) from None
    read = 0
    for title, cells in sheets:
        try:
            for place, row in _table(cells, name, score, title):
                read += 1
                yield (place if len(sheets) == 1 else f"{title} {place}"), row
        except BadInput:
            if len(sheets) == 1:
                raise
    if not read and len(sheets) != 1:
        raise BadInput(f"{name} holds no visible sheet with headings: put them on the first line of a sheet")


def _xlsx(stream: BinaryIO) -> list[tuple[str, Cells]]:
    from openpyxl import load_workbook

    book = load_workbook(stream, read_only=True, data_only=True)
    sheets = [sheet for sheet in book.worksheets if getattr(sheet, "sheet_state", "visible") == "visible"]
    return [(sheet.title, _xlsx_cells(sheet)) for sheet in sheets]


_TABLE, _OFFICE, _STYLE, _TEXT = (
    f"{{urn:oasis:names:tc:opendocument:xmlns:{part}:1.0}}" for part in ("table", "office", "style", "text")
)


def _ods(stream: BinaryIO) -> list[tuple[str, Cells]]:
    """The sheets of an OpenDocument workbook; equal rows and cells, which it writes once, stand once where they are empty."""
    from lxml import etree

    from matcher.reading.sources._tree import SAFELY

    sheets: list[tuple[str, list[tuple[int, Sequence[Any] | str]]]] = []
    hidden: set[str | None] = set()
    number = 0
    with zipfile.ZipFile(stream) as archive, archive.open("content.xml") as content:
        for event, element in etree.iterparse(content, ("start", "end"), **SAFELY):
            if event == "start":
                if element.tag == f"{_TABLE}table":
                    sheets.append((element.get(f"{_TABLE}name") or "", []))
                    number = 0
            elif element.tag == f"{_TABLE}table-properties" and element.get(f"{_TABLE}display") == "false":
                hidden.add(element.getparent().get(f"{_STYLE}name"))
            elif element.tag == f"{_TABLE}table-row":
                row = _ods_row(element)
                if any(map(_filled, row)):
                    sheets[-1][1].append((number + 1, row))
                number += int(element.get(f"{_TABLE}number-rows-repeated", "1"))
                element.clear()
            elif element.tag == f"{_TABLE}table" and element.get(f"{_TABLE}style-name") in hidden:
                sheets.pop()
    return [(title, iter(rows)) for title, rows in sheets]


def _ods_row(element: Any) -> list[Any]:
    row: list[Any] = []
    for cell in element:
        if not cell.tag.endswith("table-cell"):
            continue
        kind = cell.get(f"{_OFFICE}value-type", "")
        value = cell.get(f"{_OFFICE}date-value") if kind == "date" else None
        value = float(cell.get(f"{_OFFICE}value")) if kind in ("float", "currency") else value
        text = "\n".join("".join(part.itertext()) for part in cell.findall(f"{_TEXT}p"))
        times = min(int(cell.get(f"{_TABLE}number-columns-repeated", "1")), MAX_COLUMNS + 1 - len(row))
        row += [value if value is not None else text or None] * times
    while row and not _filled(row[-1]):
        row.pop()
    return row


def sheet_rows(sheet: Any) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """(number, values) of the rows that a sheet holds; the library's own loop makes each row that is missing between two.

    Raises ValueError for a cell beyond the last row or the columns kept.
    """
    from openpyxl.worksheet._reader import WorkSheetParser

    book = sheet.parent
    kinds = {"date_formats": book._date_formats, "timedelta_formats": book._timedelta_formats}
    kinds |= {"data_only": book.data_only, "epoch": book.epoch}
    with sheet._get_source() as source:
        for number, cells in WorkSheetParser(source, sheet._shared_strings, **kinds).parse():
            width = max((cell["column"] for cell in cells), default=0)
            if number > LAST_ROW or width > MAX_COLUMNS:
                raise ValueError(f"row {number} of {width} columns")
            row: list[Any] = [None] * width
            for cell in cells:
                row[cell["column"] - 1] = cell["value"]
            yield number, tuple(row)


def _xlsx_cells(sheet: Any) -> Cells:
    from lxml.etree import XMLSyntaxError

    number = 0
    try:
        for number, row in sheet_rows(sheet):
            yield number, row
    except (ValueError, LookupError, SyntaxError, XMLSyntaxError, zipfile.BadZipFile, EOFError) as error:
        yield number + 1, f"damaged sheet from here on ({type(error).__name__}): save the workbook again"


def json_lines(stream: BinaryIO) -> Iterator[Placed]:
    """The object of each line, or the reason why there is none."""
    text = decoded(stream)
    try:
        for number in count(1):
            line = text.readline(MAX_LINE)
            if len(line) >= MAX_LINE and not line.endswith("\n"):
                while len(text.readline(MAX_LINE)) == MAX_LINE:
                    pass
                yield f"line {number}", f"a line of more than {MAX_LINE >> 20} MB: write one record a line"
            elif line.strip():
                yield f"line {number}", _object(line)
            elif not line:
                return
    finally:
        text.detach()


def _object(line: str) -> Row | str:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        return f"invalid JSON ({getattr(error, 'msg', 'nested too deep')}): write one whole object a line"
    return record if isinstance(record, dict) else "not an object: write {...} on each line"


def json_records(
    stream: BinaryIO, name: str, prefixes: Iterable[Sequence[str]], alone: Callable[[Row], bool]
) -> Iterator[Placed]:
    """(place, record) of the first of these groups of ijson prefixes that holds any; a str says why there is none.

    A single object, at a prefix that is no "...item", counts where `alone` says so.  Raises BadInput where the JSON is
    broken before the first record.
    """
    number = 0
    for prefix in (prefix for group in prefixes if not number for prefix in group):
        try:
            for record in items(stream, prefix):
                if prefix.endswith("item") or (isinstance(record, dict) and alone(record)):
                    number += 1
                    sound = isinstance(record, dict)
                    yield f"record {number}", record if sound else "not an object: a record is {...}"
        except BROKEN as error:
            sentence = " ".join(str(error).split())[:80]
            if not number:
                raise BadInput(f"{name} is not valid JSON ({sentence}): export it again") from None
            yield f"record {number + 1}", f"invalid JSON from here on ({sentence}): is the file cut short?"
            return


def is_workbook(name: str, head: bytes) -> bool:
    """Is this a workbook, by its content and its name?"""
    return shape_of(head) in ("xlsx", "ods") and name.lower().endswith((".xlsx", ".xlsm", ".ods"))


def source_of(name: str) -> str:
    """The file's own name: what is kept as a source must not depend on where the file lay."""
    return re.split(r"[/\\\\]", name)[-1]


def structures(
    rows: Iterable[Placed], name: str, made: Callable[[Row], Structure | str | None]
) -> Iterator[Structure | Rejected]:
    """What `made` gives for each row; a str is the reason why the row is rejected, None leaves it out."""
    for place, row in rows:
        structure = row if isinstance(row, str) else made(row)
        if isinstance(structure, str):
            yield rejected(name, place, structure)
        elif structure is not None:
            yield structure


def rejected(name: str, place: str, reason: str) -> Rejected:
    return Rejected(path=name, record=place, reason=reason)
