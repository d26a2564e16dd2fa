"""Trades in words: those found by their beginnings are what a search of each finds."""

import pytest

from matcher.reference.trades import _in_words, trades

TEXTS = """nettoyage des locaux, vitrerie et espace vert|gros oeuvre - lot 3|renettoyage||deee, papier et velos|wc|\
entretien ev|lot 2 : peinture; revetements de sols souples|desherbage des trottoirs|meubles d'occasion|ramassage scolaire"""


@pytest.mark.parametrize("text", TEXTS.split("|"))
def test_the_same_as_searching_each(text: str) -> None:
    expected = {(trade.name, hit.span()) for trade in trades() if (hit := trade.words.search(text))}
    assert {(trade.name, hit.span()) for trade, hit in _in_words(text)} == expected
