"""Ten French notices that exist as TED XML and as eForms, converted by the Publications Office: one tender, read twice."""

from dataclasses import fields
from typing import Any

import pytest

from matcher.domain import Tender
from matcher.reading.sources import eforms, ted
from matcher.reference.paths import shared_dir
from matcher.reference.text import fold
from records import cases

PAIRS = shared_dir() / "data" / "notices" / "pairs"
pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not PAIRS.is_dir(), reason="needs the pairs of notices of MATCHER_SHARED"),
]

#: What may differ in every pair: what names the reader, ids and what is made of them, and BT-04, stated in eForms alone.
OF_FORMAT = {"format", "id", "uid", "source", "folder"}
#: What may differ in some, the file and the field; why is noted in the table.
STATED = {(file, field) for file, field in cases("differences of pairs")}
#: What is read in words or boxes of conditions: the texts of the two forms do not hold the same ones.  Award criteria
#: too: the converter gives every criterion a kind and leaves out, or makes up, units of weights.
READ_IN_TEXT = {"reservation", "clauses", "conditions", "criteria"}


def _read(reader: Any, folder: str, name: str) -> Tender:
    path = PAIRS / folder / f"{name}-001-EXP.xml"
    with path.open("rb") as stream:
        (found,) = reader.read(stream, path.name)
    assert isinstance(found, Tender)
    return found


def _plain(value: object) -> object:
    """Texts without typography: a superscript stands apart in one form and not in the other."""
    return fold(value).replace(" ", "").rstrip(".") if isinstance(value, str) else value


def _differing(one: Any, other: Any, name: str) -> list[str]:
    return [
        f"{type(one).__name__}.{field.name}: {getattr(one, field.name)!r} | {getattr(other, field.name)!r}"
        for field in fields(one)
        if field.name not in (*OF_FORMAT, "lots", "awards", *READ_IN_TEXT)
        and (name, field.name) not in STATED
        and _plain(getattr(one, field.name)) != _plain(getattr(other, field.name))
    ]


@pytest.mark.parametrize("name", sorted(path.stem[:9] for path in (PAIRS / "ted").glob("*.xml")))
def test_both_readers_give_the_same_tender(name: str) -> None:
    one, other = _read(ted, "ted", name), _read(eforms, "eforms", name)
    assert (one.id, len(one.lots), len(one.awards)) == (other.id, len(other.lots), len(other.awards))
    found = _differing(one, other, name)
    for mine, yours in zip((*one.lots, *one.awards), (*other.lots, *other.awards), strict=True):
        found += _differing(mine, yours, name)
    assert not found, "\n".join(found)
    for mine, yours in zip(one.lots, other.lots, strict=True):
        assert (mine.reservation is None) == (yours.reservation is None)
