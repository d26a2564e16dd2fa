"""Workbooks: written row by row, in a time that grows as the rows do, and not past a deadline."""

import contextvars
import io
import time
from collections.abc import Iterator
from datetime import date
from typing import Any

import openpyxl
import pytest

from matcher import spreadsheet
from matcher.reference import deadline


def rows(count: int) -> Iterator[list[Any]]:
    yield [f"Colonne {n}" for n in range(8)]
    day, words = date(2026, 11, 30), "Tonte\x0b des pelouses"
    yield from ([n, "=1+1", f"https://site{n}.example/", day, None, "", words, 3.5] for n in range(count))


def sheet(count: int) -> spreadsheet.Sheet:
    return spreadsheet.Sheet(title="Liste", rows=rows(count), widths=[12.0] * 8, frozen="B2", filtered=True)


def seconds(count: int) -> float:
    began = time.process_time()
    spreadsheet.to_xlsx(sheet(count))
    return time.process_time() - began


def test_four_times_the_rows_take_four_times_the_work_not_sixteen() -> None:
    seconds(10)  # imports
    assert min(seconds(8_000) for _ in range(2)) < 8 * min(seconds(2_000) for _ in range(2))


def test_a_workbook_past_its_deadline_is_given_up() -> None:
    def late() -> None:
        deadline.set_in(0)
        with pytest.raises(deadline.TooLong):
            spreadsheet.to_xlsx(sheet(100))

    contextvars.copy_context().run(late)


def test_dates_links_and_what_looks_like_a_formula_stay_what_they_are() -> None:
    made = openpyxl.load_workbook(io.BytesIO(spreadsheet.to_xlsx(sheet(3)))).active
    number, formula, link, day, *_ = made[3]
    assert (number.value, formula.value, formula.data_type) == (1, "=1+1", "s") and formula.quotePrefix
    assert link.hyperlink.target == "https://site1.example/" and day.number_format == "dd/mm/yyyy"
    assert made["G2"].value == "Tonte  des pelouses" and made["A1"].font.b and made["G2"].alignment.wrap_text
    assert (made.auto_filter.ref, made.freeze_panes) == ("A1:H4", "B2")
