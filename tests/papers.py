"""Papers as buyers and networks send them: a PDF, a Word file, a workbook."""

import io
import re
from collections.abc import Iterable, Sequence
from typing import Any

import docx
import openpyxl
from pypdf import PdfWriter

import bombs


def _saved(document: Any) -> bytes:
    out = io.BytesIO()
    (document.write if isinstance(document, PdfWriter) else document.save)(out)
    return out.getvalue()


def pdf(text: str, password: str = "") -> bytes:
    """A small true PDF: one page, one line of text a line."""
    escaped = (re.sub(rb"([\\()])", rb"\\\1", line.encode("cp1252")) for line in text.splitlines())
    lines = b"\n".join(b"(%s) Tj T*" % line for line in escaped)
    made = bombs.pdf_page(b"BT /F 9 Tf 11 TL 40 800 Td\n%s\nET" % lines, b"")
    if not password:
        return made
    writer = PdfWriter(io.BytesIO(made))
    writer.encrypt(password, algorithm="RC4-128")
    return _saved(writer)


def word(text: str, rows: Sequence[Sequence[str]] = ()) -> bytes:
    """A Word file of these lines and, below, a table."""
    document = docx.Document()
    for line in text.splitlines():
        document.add_paragraph(line)
    if rows:
        grid = document.add_table(rows=0, cols=len(rows[0]))
        for row in rows:
            for cell, value in zip(grid.add_row().cells, row, strict=True):
                cell.text = value
    return _saved(document)


def workbook(rows: Iterable[Iterable[Any]] = (), **sheets: Iterable[Iterable[Any]]) -> bytes:
    """A workbook of one sheet, or of those named."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, lines in (sheets or {"Sheet": rows}).items():
        page = book.create_sheet(title)
        for row in lines:
            page.append(list(row))
    return _saved(book)
