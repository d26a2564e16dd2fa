"""Files made to stop a reader: each small, each of another kind; generated, so that none is kept in the repository."""

import gzip
import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import docx
import openpyxl


def packed(members: Mapping[str, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A ZIP of these members."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", method, compresslevel=9) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return sink.getvalue()


def _altered(document: Any, parts: Mapping[str, str]) -> bytes:
    """A document with these parts in the place of its own."""
    document.save(whole := io.BytesIO())
    with zipfile.ZipFile(whole) as archive:
        return packed({name: archive.read(name) for name in archive.namelist()} | parts)


def workbook(rows: str, strings: str = "") -> bytes:
    """An XLSX of one sheet with these rows as XML."""
    of = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    sheet = f"<worksheet {of}><sheetData>{rows}</sheetData></worksheet>"
    parts = {"xl/worksheets/sheet1.xml": sheet, "xl/sharedStrings.xml": f"<sst {of}>{strings}</sst>"}
    return _altered(openpyxl.Workbook(), parts)


def _cell(text: str, place: str = "") -> str:
    at = f' r="{place}"' if place else ""
    return f'<c{at} t="inlineStr"><is><t>{text}</t></is></c>'


def overlapped() -> bytes:
    """A ZIP whose hundreds of members share one packed body (D. Fifield, "A better zip bomb")."""
    body = zlib.compress(b"a" * (6 << 20), 9)[2:-4]
    crc = zlib.crc32(b"a" * (6 << 20))
    head = (0x04034B50, 20, 0, 8, 0, 0x21, crc, len(body), 6 << 20, 5, 0)
    local = struct.pack("<IHHHHHIIIHH", *head) + b"a.txt"
    entries = b""
    for _ in range(400):
        name = b"a.txt"
        facts = (0x02014B50, 20, 20, 0, 8, 0, 0x21, crc, len(body), 6 << 20, len(name), *[0] * 6)
        entries += struct.pack("<IHHHHHHIIIHHHHHII", *facts) + name
    start = len(local) + len(body)
    end = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 400, 400, len(entries), start, 0)
    return local + body + entries + end


def _document(body: str) -> bytes:
    of = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    text = f"<w:document {of}><w:body>{body}</w:body></w:document>"
    return _altered(docx.Document(), {"word/document.xml": text})


def _pdf(objects: list[bytes]) -> bytes:
    out, places = b"%PDF-1.4\n", []
    for n, each in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (n, each)
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    return out + b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, table)


def pdf_page(content: bytes, filters: bytes, pages: int = 1) -> bytes:
    """A PDF whose pages all show one packed content."""
    kids = b" ".join(b"%d 0 R" % (n + 5) for n in range(pages))
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 3 0 R/Resources<</Font<</F 4 0 R>>>>>>"
    listed = b"<</Type/Pages/Count %d/Kids[%s]>>" % (pages, kids)
    font = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>"
    text = b"<<%s/Length %d>>\nstream\n%s\nendstream" % (filters, len(content), content)
    return _pdf([b"<</Type/Catalog/Pages 2 0 R>>", listed, text, font, *[page] * pages])


def _damaged(method: int) -> bytes:
    """A ZIP of a member whose packed stream is damaged."""
    whole = bytearray(packed({"avis.xml": b"<a>" + bytes(range(256)) * 400}, method))
    whole[60:90] = b"\xff" * 30
    return bytes(whole)


def _sparse_tar() -> bytes:
    """A tar whose member says that it holds eight gigabytes."""
    entry = tarfile.TarInfo("avis.xml")
    entry.size = 8 << 30
    return entry.tobuf() + b"\0" * 2048


_NOTICE = b'[{"idweb":"1","dateparution":"2026-01-01",'
_FAR = _cell("SIRET") + _cell("Nom")
_WIDE_CELL = '<w:tc><w:tcPr><w:gridSpan w:val="100000000"/></w:tcPr><w:p><w:r><w:t>objet du marché</w:t></w:r></w:p></w:tc>'
_TABLES = "<w:tbl><w:tr><w:tc>", "</w:tc></w:tr></w:tbl>"

#: Name of the file that is sent -> the bombs that it may be.
_FILES: dict[str, dict[str, Callable[[], bytes]]] = {
    "structures.xlsx": {
        # a second row said to be the 999,999,999,999,999,999th: a reader that fills the gap never ends
        "far_row": lambda: workbook(
            f'<row r="1">{_FAR}</row><row r="999999999999999999">{_cell("00010001600013")}</row>'
        ),
        # a cell said to be in a column that no spreadsheet has
        "far_column": lambda: workbook(f'<row r="1">{_cell("SIRET")}{_cell("Nom", "ZZZZZZ1")}</row>'),
        "million_columns": lambda: workbook(
            "".join(f'<row r="{n}">{_cell("a") * 1_000_000}</row>' for n in (1, 2))
        ),
        # a table of shared strings that grows to hundreds of megabytes
        "shared_strings": lambda: workbook(
            '<row r="1"><c t="s"><v>0</v></c></row>', "<si><t>a</t></si>" * 8_000_000
        ),
    },
    "structures.csv": {
        "wide_csv": lambda: b"siret;nom;" + b"a;" * 1_000_000 + b"\n" + b"1;" * 1_000_000,
        # a quotation mark that is never closed
        "quoted_csv": lambda: b'siret;nom\n"' + b"a;b\n" * 1_000_000,
    },
    "besoin.txt": {
        # patterns that begin by white space look at each line break from each
        "newlines": lambda: b"objet" + b"\n" * 40_000 + b"fin",
        # lines that begin like a list of lots and never go on
        "lots_of_newlines": lambda: (b"lot" + b"\n" * 400) * 100,
        # one word that every window of sentences looks for
        "reserved": lambda: ("réservé " * 2_700).encode(),
        # hours of insertion without an end
        "hours": lambda: ("insertion 120 heures, lot 1 " * 8_000).encode(),
        # the word that opens the search for criteria, at every place
        "criteria": lambda: ("critères\n" * 40_000).encode(),
        # digits that a SIRET or a CPV may begin at each place
        "digits": lambda: ("siret : " + "1 2.3 " * 40_000).encode(),
        # a table of lots of which no row ends as one does
        "lot_rows": lambda: ("n° de lot | intitulé\n" + "1 |\n" * 60_000).encode(),
    },
    "avis.zip": {
        "overlapped": overlapped,
        "corrupt_lzma": lambda: _damaged(zipfile.ZIP_LZMA),
        "corrupt_bzip2": lambda: _damaged(zipfile.ZIP_BZIP2),
        "deflate_bomb": lambda: packed({"avis.xml": b" " * (200 << 20)}),
        "many_members": lambda: packed({f"{n}.xml": b"<a/>" for n in range(30_000)}),
    },
    "avis.json": {
        "deep_json": lambda: b'[{"idweb":"1","objet":' + b"[" * 100_000 + b"]" * 100_000 + b"}]",
        "huge_number": lambda: (
            _NOTICE + b'"objet":"a","nature":"APPEL_OFFRE","montant":' + b"9" * 1_000_000 + b"}]"
        ),
        "many_keys": lambda: (
            b'[{"idweb":"1","objet":"a",' + b",".join(b'"k%d":0' % n for n in range(600_000)) + b"}]"
        ),
        # opening brackets of tags that never close, in a title
        "tags": lambda: _NOTICE + b'"nature":"APPEL_OFFRE","objet":"' + b"<a " * 100_000 + b'"}]',
    },
    "avis.xml": {
        "deep_xml": lambda: b"<TED_EXPORT>" + b"<a>" * 100_000 + b"</a>" * 100_000 + b"</TED_EXPORT>",
        "many_attributes": lambda: b"<TED_EXPORT " + b" ".join(b'a%d=""' % n for n in range(300_000)) + b"/>",
    },
    "avis.json.gz": {"gzip_bomb": lambda: gzip.compress(b" " * (200 << 20), 9)},
    "avis.tar": {"sparse_tar": _sparse_tar},
    "dce.docx": {
        # a Word table of one cell that spans a hundred million columns
        "wide_cell": lambda: _document(f"<w:tbl><w:tr>{_WIDE_CELL}</w:tr></w:tbl>"),
        "long_document": lambda: _document("<w:p><w:r><w:t>a</w:t></w:r></w:p>" * 1_500_000),
        "deep_document": lambda: _document(_TABLES[0] * 5_000 + "<w:p/>" + _TABLES[1] * 5_000),
    },
    "dce.pdf": {
        # 20 KB that unpack to millions of operators of text, shown again by every page
        "pdf_of_operators": lambda: pdf_page(
            zlib.compress(b"BT /F 1 Tf (objet du marche) Tj ET\n" * 160_000, 9), b"/Filter/FlateDecode", 50
        ),
        # 200 MB in a few hundred bytes
        "pdf_packed_twice": lambda: pdf_page(
            zlib.compress(zlib.compress(b"BT (a) Tj ET " * 16_000_000, 9), 9),
            b"/Filter[/FlateDecode/FlateDecode]",
        ),
        "pdf_of_brackets": lambda: pdf_page(b"[" * 1_000_000, b""),
    },
}
#: Each bomb by what makes it one: its maker, and the name under which it is sent.
BOMBS = {name: (make, file) for file, makers in _FILES.items() for name, make in makers.items()}


def bomb(name: str) -> bytes:
    """A bomb of BOMBS."""
    return BOMBS[name][0]()
