"""What is told of the rows of each table (`tests/data/cases.json`)."""

from collections.abc import Callable
from typing import Any

import pytest

from matcher import codec
from matcher.domain import Buyer
from matcher.reading.sources import decp
from matcher.reference import law, places, toponyms
from matcher.reference.naming import as_written, source_name
from matcher.reference.trades import trades_of_cpv
from records import misread


def seat(buyer: dict[str, Any]) -> str | None:
    town = toponyms.seat(codec.from_json(Buyer, buyer))
    return town.code if town else None


def of_award(code: str, kind: str) -> tuple[str | None, str | None]:
    found = decp.place_of_decp(code, kind)
    return found.commune, found.department


def mentioned(text: str) -> list[str]:
    return sorted(p.commune or p.grouping or p.department or p.region or "" for p in toponyms.typed(text))


TOLD: dict[str, Callable[..., Any]] = {
    "articles written": law.article,
    "types of buyers": lambda buyer: law.buyer_type(Buyer(**buyer)),
    "names in capitals": as_written,
    "names of sources": source_name,
    "departments of postcodes": places.department_of_postcode,
    "places of awards": of_award,
    "five digits": lambda code, kind, words: decp.place_of_decp(code, kind, words=words).commune,
    "seats of buyers": seat,
    "names that are words": mentioned,
    "trades of codes": lambda code: next(iter(trades_of_cpv([code])), ""),
}


@pytest.mark.parametrize("name", TOLD)
def test_each_row_is_as_it_is_told(name: str) -> None:
    assert misread(name, TOLD[name]) == {}
