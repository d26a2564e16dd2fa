"""What each reader tells of the rows of its table (`tests/data/cases.json`)."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from tests.reading.test_clauses import hours_stated
from tests.reading.test_fields import completed

from matcher.reading import brochure, cancellation, clauses, consultation, criteria, terms
from matcher.reading.need import reservation_unread, typed_need
from matcher.reading.sources import _facts, _zones, table
from matcher.reading.sources._objet import lots_named
from matcher.reference.accents import repair
from matcher.reference.prose import folded, support_trade
from records import misread


def conditions(text: str) -> list[str]:
    return sorted({one.what.label for one in clauses.read(text).conditions})  # type: ignore[union-attr]


def weights(text: str) -> list[tuple[float | None, str]]:
    return [(one.weight, one.weight_unit) for one in clauses.read(text).social if one.nature == "criterion"]


def framework(text: str) -> str | None:
    return next((one.label for one in completed(text).conditions if one.code == "framework"), None)


def nature(stated: str) -> str:
    (tender,) = table.read(io.BytesIO(f"objet;acheteur;nature\nX;Y;{stated}\n".encode()), "notices.csv")
    return tender.nature


def departments(said: str) -> list[str]:
    zone = _zones.stated(said)
    return sorted(zone.departments if zone else ())


def reservation(words: str) -> str:
    return reservation_unread(typed_need(f"entretien des espaces verts, {words}"))[: len("« réservé »")]


def withdrawn(text: str) -> str:
    found = cancellation.withdrawn(text)
    return "whole" if found.whole else " ".join(found.lots)


READERS: dict[str, Callable[..., Any]] = {
    "amounts of lots": lambda text: terms.amount(folded(text)),
    "months between two days": _facts.span,
    "months of days": _facts.months,
    "what a sentence withdraws": withdrawn,
    "durations": lambda text: terms.duration(folded(text)),
    "procedures in sentences": lambda text: (terms.adapted(folded(text)), terms.procedure(folded(text))),
    "criteria in running text": lambda text: [one.weight for one in completed(text).criteria],
    "criteria of contests": lambda text: [(c.name.rstrip(" :"), c.weight) for c in criteria.listed(text)],
    "agents and whom they buy for": _facts.principals,
    "frameworks and their holders": framework,
    "articles that stand there": clauses.articles,
    "hours of insertion": lambda text: hours_stated(clauses.read(text)),
    "conditions to know": conditions,
    "supports of insertion": support_trade,
    "weights of social criteria": weights,
    "natures in a table": nature,
    "lots of a text": lambda text: [(one.number, one.title) for one in consultation.lots_in(text)[0]],
    "lots of an objet": lambda text: dict(lots_named(text)[1]),
    "destroyed accents": repair,
    "ways to write an offer": lambda text: [offer.title for offer in brochure.propose(text)],
    "zones in a brochure": departments,
    "lists of works": lambda text: sorted({lot.title for lot in typed_need(text).lots}),
    "one need in many words": lambda text: len(typed_need(text).lots),
    "trades of needs": lambda text: [lot.trades for lot in typed_need(text).lots],
    "reservations not understood": reservation,
}


@pytest.mark.parametrize("name", READERS)
def test_each_row_is_read_as_it_is_told(name: str) -> None:
    assert misread(name, READERS[name]) == {}
