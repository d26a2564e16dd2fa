"""Patterns at the beginnings of words: what a search of each of them finds."""

import pytest

from matcher.reference.trades import trades
from matcher.reference.word_patterns import WordPatterns, beginning

LISTED = [trade.written for trade in trades()] + ["a?bc|x", "(?:de|du) la|z", "l'eau", "gros[- ]oeuvre"]


TEXTS = """nettoyage des locaux, vitrerie et espace vert|gros oeuvre - lot 3|bc|abc|x|pose de l'eau|du la|renettoyage||\
entretien ev|lot 2 : peinture; revetements de sols souples|desherbage des trottoirs"""


@pytest.mark.parametrize("text", TEXTS.split("|"))
def test_the_same_as_searching_each(text: str) -> None:
    expected = [(n, hit.span()) for n, words in enumerate(LISTED) if (hit := beginning(words).search(text))]
    assert [(number, hit.span()) for number, hit in WordPatterns(LISTED).found(text)] == expected
