"""What is told of the rows of each table (`tests/data/cases.json`)."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.reference.test_toponyms import codes, lot_at

from matcher import codec
from matcher.domain import Buyer, Lot, Place
from matcher.reading.sources import decp
from matcher.reference import amounts, law, places, toponyms
from matcher.reference.naming import as_written, source_name
from matcher.reference.trades import _in_words, trades, trades_of_cpv
from records import facts, misread


def seat(buyer: dict[str, Any]) -> str | None:
    town = toponyms.seat(codec.from_json(Buyer, buyer))
    return town.code if town else None


def in_words(label: str, department: str) -> list[str | None]:
    buyer = Buyer(name="Ville de Cannes" if department == "06" else "Ville de Lyon")
    return codes(lot_at(Place(label=label, department=department), buyer=buyer)[0])


def narrowed(label: str, nuts: str, name: str) -> str | None:
    buyer = Buyer(name=name, place=Place(commune="29232" if nuts == "FRH02" else "35288"))
    (found,), deduced = lot_at(Place(label=label, nuts=nuts), buyer=buyer)
    (code,) = codes((found,))
    return code if deduced == (code == "35288") else f"{code}, deduced: {deduced}"


def counted(stated: dict[str, Any]) -> list[float | None]:
    made = Lot(id="n/1", title="Entretien de locaux", **stated)
    found = (amounts.months(made), amounts.total(made), amounts.yearly(made))
    return [None if value != value else round(value, 4) for value in found]


TOLD: dict[str, Callable[..., Any]] = {
    "durations and values": counted,
    "places typed in a field": lambda typed: codes(
        tuple(each for each in toponyms.asked(typed) if each.label)
    ),
    "places in a text": lambda text, within: codes(
        tuple(p for p in toponyms.mentioned(text, within) if p.inferred)
    ),
    "labels that name communes": in_words,
    "places wider than a town": narrowed,
    "towns written oddly": lambda label, code: places.locate(Place(label=label, department=code)).commune,
    "articles written": law.article,
    "types of buyers": lambda buyer: law.buyer_type(Buyer(**buyer)),
    "names in capitals": as_written,
    "names of sources": source_name,
    "departments of postcodes": places.department_of_postcode,
    "places of awards": lambda code, kind: facts(decp.place_of_decp(code, kind), "commune department"),
    "five digits": lambda code, kind, words: decp.place_of_decp(code, kind, words=words).commune,
    "seats of buyers": seat,
    "names that are words": lambda text: sorted(map(str, codes(tuple(toponyms.typed(text))))),
    "trades of codes": lambda code: next(iter(trades_of_cpv([code])), ""),
}


@pytest.mark.parametrize("name", TOLD)
def test_each_row_is_as_it_is_told(name: str) -> None:
    assert misread(name, TOLD[name]) == {}


def test_trades_in_words_are_those_that_a_search_of_each_finds() -> None:
    for text in """nettoyage des locaux, vitrerie et espace vert|gros oeuvre - lot 3|renettoyage||deee, papier et velos|wc|\
entretien ev|lot 2 : peinture; revetements de sols souples|desherbage des trottoirs|meubles d'occasion|ramassage scolaire""".split(
        "|"
    ):
        expected = {(trade.name, hit.span()) for trade in trades() if (hit := trade.words.search(text))}
        assert {(trade.name, hit.span()) for trade, hit in _in_words(text)} == expected, text
