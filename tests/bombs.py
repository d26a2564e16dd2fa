"""Files made to stop a reader: each small, each of another kind; generated, so that none is kept in the repository."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable

_TYPES = (
    '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>{parts}</Types>'
)
_MEDIA = "application/vnd.openxmlformats-officedocument"
_PART = '<Override PartName="/{name}" ContentType="' + _MEDIA + '.{kind}+xml"/>'
_RELATIONS = '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{links}</Relationships>'
_LINK = (
    '<Relationship Id="rId{n}" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}" '
    'Target="{target}"/>'
)
_SHEETS = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_WORDS = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def _relations(target: str) -> str:
    """That the document of a package is `target`."""
    return _RELATIONS.format(links=_LINK.format(n=1, kind="officeDocument", target=target))


def packed(members: dict[str, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A ZIP of these members."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", method, compresslevel=9) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return sink.getvalue()


def workbook(rows: str, strings: str = "") -> bytes:
    """An XLSX of one sheet with these rows as XML."""
    parts = _PART.format(name="xl/workbook.xml", kind="spreadsheetml.sheet.main")
    parts += _PART.format(name="xl/worksheets/sheet1.xml", kind="spreadsheetml.worksheet")
    parts += _PART.format(name="xl/sharedStrings.xml", kind="spreadsheetml.sharedStrings") if strings else ""
    links = _LINK.format(n=1, kind="worksheet", target="worksheets/sheet1.xml")
    links += _LINK.format(n=2, kind="sharedStrings", target="sharedStrings.xml") if strings else ""
    members: dict[str, str | bytes] = {
        "[Content_Types].xml": _TYPES.format(parts=parts),
        "_rels/.rels": _relations("xl/workbook.xml"),
        "xl/workbook.xml": f'<workbook xmlns="{_SHEETS}" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
        '<sheets><sheet name="a" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": _RELATIONS.format(links=links),
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{_SHEETS}"><sheetData>{rows}</sheetData></worksheet>',
    }
    if strings:
        members["xl/sharedStrings.xml"] = f'<sst xmlns="{_SHEETS}">{strings}</sst>'
    return packed(members)


def _cell(text: str, place: str = "") -> str:
    at = f' r="{place}"' if place else ""
    return f'<c{at} t="inlineStr"><is><t>{text}</t></is></c>'


def far_row() -> bytes:
    """A second row said to be the 999,999,999,999,999,999th: a reader that fills the gap never ends."""
    first = f'<row r="1">{_cell("SIRET")}{_cell("Nom")}</row>'
    return workbook(first + f'<row r="999999999999999999">{_cell("00010001600013")}</row>')


def far_column() -> bytes:
    """A cell said to be in a column that no spreadsheet has."""
    return workbook(f'<row r="1">{_cell("SIRET")}{_cell("Nom", "ZZZZZZ1")}</row>')


def million_columns() -> bytes:
    """Rows of a million cells."""
    return workbook("".join(f'<row r="{n}">{_cell("a") * 1_000_000}</row>' for n in (1, 2)))


def shared_strings() -> bytes:
    """A table of shared strings that grows to hundreds of megabytes."""
    return workbook('<row r="1"><c t="s"><v>0</v></c></row>', "<si><t>a</t></si>" * 8_000_000)


def newlines() -> bytes:
    """40 KB of line breaks around a few words: patterns that begin by white space look at each from each."""
    return b"objet" + b"\n" * 40_000 + b"fin"


def lots_of_newlines() -> bytes:
    """Lines that begin like a list of lots and never go on."""
    return (b"lot" + b"\n" * 400) * 100


def reserved() -> bytes:
    """24 KB of one word that every window of sentences looks for."""
    return ("réservé " * 2_700).encode()


def hours() -> bytes:
    """Hours of insertion without an end."""
    return ("insertion 120 heures, lot 1 " * 8_000).encode()


def criteria() -> bytes:
    """The word that opens the search for criteria, at every place."""
    return ("critères\n" * 40_000).encode()


def digits() -> bytes:
    """Digits that a SIRET or a CPV may begin at each place."""
    return ("siret : " + "1 2.3 " * 40_000).encode()


def lot_rows() -> bytes:
    """A table of lots of which no row ends as one does."""
    return ("n° de lot | intitulé\n" + "1 |\n" * 60_000).encode()


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
    return packed(
        {
            "[Content_Types].xml": _TYPES.format(
                parts=_PART.format(name="word/document.xml", kind="wordprocessingml.document.main")
            ),
            "_rels/.rels": _relations("word/document.xml"),
            "word/document.xml": f'<w:document xmlns:w="{_WORDS}"><w:body>{body}</w:body></w:document>',
        }
    )


def wide_cell() -> bytes:
    """A Word table of one cell that spans a hundred million columns."""
    cell = '<w:tc><w:tcPr><w:gridSpan w:val="100000000"/></w:tcPr><w:p><w:r><w:t>objet du marché</w:t></w:r></w:p></w:tc>'
    return _document(f"<w:tbl><w:tr>{cell}</w:tr></w:tbl>")


def long_document() -> bytes:
    """A Word file of millions of empty paragraphs."""
    return _document("<w:p><w:r><w:t>a</w:t></w:r></w:p>" * 1_500_000)


def deep_document() -> bytes:
    """A Word file of tables within tables."""
    return _document("<w:tbl><w:tr><w:tc>" * 5_000 + "<w:p/>" + "</w:tc></w:tr></w:tbl>" * 5_000)


def _pdf(objects: list[bytes]) -> bytes:
    out, places = b"%PDF-1.4\n", []
    for n, each in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (n, each)
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    return out + b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, table)


def _stream(content: bytes, more: bytes = b"/Filter/FlateDecode") -> bytes:
    return b"<<%s/Length %d>>\nstream\n%s\nendstream" % (more, len(content), content)


def pdf_page(content: bytes, filters: bytes, pages: int = 1) -> bytes:
    """A PDF whose pages all show one packed content."""
    kids = b" ".join(b"%d 0 R" % (n + 5) for n in range(pages))
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 3 0 R/Resources<</Font<</F 4 0 R>>>>>>"
    catalogue, font = b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
    listed = b"<</Type/Pages/Count %d/Kids[%s]>>" % (pages, kids)
    return _pdf([catalogue, listed, _stream(content, filters), font, *[page] * pages])


def pdf_of_operators() -> bytes:
    """20 KB of PDF that unpack to millions of operators of text, shown again by every page."""
    page = b"BT /F 1 Tf (objet du marche) Tj ET\n" * 160_000
    return pdf_page(zlib.compress(page, 9), b"/Filter/FlateDecode", 50)


def pdf_packed_twice() -> bytes:
    """A PDF of which a page's content is packed twice over: 200 MB in a few hundred bytes."""
    once = zlib.compress(b"BT (a) Tj ET " * 16_000_000, 9)
    return pdf_page(zlib.compress(once, 9), b"/Filter[/FlateDecode/FlateDecode]")


def pdf_of_brackets() -> bytes:
    """A PDF of arrays within arrays."""
    return pdf_page(b"[" * 1_000_000, b"")


def corrupt_lzma() -> bytes:
    """A ZIP member packed by LZMA whose stream is damaged."""
    whole = bytearray(packed({"avis.xml": b"<a>" + bytes(range(256)) * 400}, zipfile.ZIP_LZMA))
    whole[60:90] = b"\xff" * 30
    return bytes(whole)


def corrupt_bzip2() -> bytes:
    """The same by bzip2."""
    whole = bytearray(packed({"avis.xml": b"<a>" + bytes(range(256)) * 400}, zipfile.ZIP_BZIP2))
    whole[60:90] = b"\xff" * 30
    return bytes(whole)


def deflate_bomb() -> bytes:
    """Spaces in a ZIP."""
    return packed({"avis.xml": b" " * (200 << 20)})


def gzip_bomb() -> bytes:
    """Spaces in a gzip."""
    return gzip.compress(b" " * (200 << 20), 9)


def many_members() -> bytes:
    """A ZIP of tens of thousands of tiny notices."""
    return packed({f"{n}.xml": b"<a/>" for n in range(30_000)})


def sparse_tar() -> bytes:
    """A tar whose member says that it holds eight gigabytes."""
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w"):
        entry = tarfile.TarInfo("avis.xml")
        entry.size = 8 << 30
        sink.write(entry.tobuf())
    return sink.getvalue() + b"\0" * 2048


def deep_json() -> bytes:
    """A hundred thousand arrays within one another."""
    return b'[{"idweb":"1","objet":' + b"[" * 100_000 + b"]" * 100_000 + b"}]"


def deep_xml() -> bytes:
    """A hundred thousand elements within one another."""
    return b"<TED_EXPORT>" + b"<a>" * 100_000 + b"</a>" * 100_000 + b"</TED_EXPORT>"


def many_attributes() -> bytes:
    """An XML element of a million attributes."""
    return b"<TED_EXPORT " + b" ".join(b'a%d=""' % n for n in range(300_000)) + b"/>"


_NOTICE = b'[{"idweb":"1","dateparution":"2026-01-01",'


def huge_number() -> bytes:
    """An amount of a million digits."""
    return _NOTICE + b'"objet":"a","nature":"APPEL_OFFRE","montant":' + b"9" * 1_000_000 + b"}]"


def many_keys() -> bytes:
    """A JSON notice of six hundred thousand unknown keys."""
    return b'[{"idweb":"1","objet":"a",' + b",".join(b'"k%d":0' % n for n in range(600_000)) + b"}]"


def wide_csv() -> bytes:
    """A CSV of one line of a million columns."""
    return b"siret;nom;" + b"a;" * 1_000_000 + b"\n" + b"1;" * 1_000_000


def quoted_csv() -> bytes:
    """A quotation mark that is never closed."""
    return b'siret;nom\n"' + b"a;b\n" * 1_000_000


def tags() -> bytes:
    """Opening brackets of tags that never close, in a title."""
    return _NOTICE + b'"nature":"APPEL_OFFRE","objet":"' + b"<a " * 100_000 + b'"}]'


#: Each bomb by what makes it one, with the name under which it is sent.
#: The file that each kind of bomb is.
_FILES: dict[str, tuple[Callable[[], bytes], ...]] = {
    "structures.xlsx": (far_row, far_column, million_columns, shared_strings),
    "structures.csv": (wide_csv, quoted_csv),
    "besoin.txt": (newlines, lots_of_newlines, reserved, hours, criteria, digits, lot_rows),
    "avis.zip": (overlapped, corrupt_lzma, corrupt_bzip2, deflate_bomb, many_members),
    "avis.json": (deep_json, huge_number, many_keys, tags),
    "avis.xml": (deep_xml, many_attributes),
    "avis.json.gz": (gzip_bomb,),
    "avis.tar": (sparse_tar,),
    "dce.docx": (wide_cell, long_document, deep_document),
    "dce.pdf": (pdf_of_operators, pdf_packed_twice, pdf_of_brackets),
}
BOMBS = {make.__name__: (make, file) for file, makers in _FILES.items() for make in makers}
