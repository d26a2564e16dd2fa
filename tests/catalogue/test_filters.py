"""Structures are found by their SIRETs, and by their SIRENs where these are asked for."""

import pytest

from matcher.catalogue.build import build_catalogue
from matcher.catalogue.catalogue import Catalogue
from matcher.catalogue.filters import holding_any, search_names
from matcher.domain import Recipe, Structure
from matcher.reference.text import fold


@pytest.mark.parametrize("prefixes", [True, False])
def test_identifiers_hold_as_when_each_is_compared_with_each(catalogue: Catalogue, prefixes: bool) -> None:
    sirets = catalogue.sirets.tolist()
    asked = [sirets[0], sirets[0], sirets[-1][:9], sirets[3], sirets[5][:9], sirets[7][:8]]
    asked += ["99999999900000", "9", ""]
    for given in (asked, asked[:1], [], sirets):
        held = holding_any(catalogue, given, prefixes=prefixes)
        assert held.tolist() == [s in given or (prefixes and s[:9] in given) for s in sirets]


def test_names_are_searched_by_all_their_words(catalogue: Catalogue) -> None:
    def plainly(words: str) -> list[int]:
        columns = (catalogue.structures.column(name).to_pylist() for name in ("siret", "name", "town"))
        lines = [fold(" ".join(parts)) for parts in zip(*columns, strict=True)]
        rows = [row for row, line in enumerate(lines) if all(word in line for word in fold(words).split())]
        return sorted(rows, key=lambda row: (len(lines[row]), row))[:20]

    for words in "ateliers|Pantin|les pantin|00010|é|sentiers OURCQ|zz|a b|pantin sentiers zz".split("|"):
        assert search_names(catalogue, words) == plainly(words), words
    assert search_names(catalogue, " ") == []


def test_a_denial_reaches_every_structure_of_its_siret_also_by_an_earlier_one() -> None:
    def structure(siret: str, kind: str, *before: str) -> Structure:
        return Structure(siret=siret, name=f"{kind} {siret}", kind=kind, predecessors=before)

    one, two, three, before = (f"0001000160001{n}" for n in (3, 4, 5, 6))
    both = structure(one, "ACI"), structure(one, "AI")
    listed = [*both, structure(two, "EI", before), structure(three, "EI")]
    made = build_catalogue(listed, recipe=Recipe(encoder="hashing"))
    found = made.denying({one: ("trade:cycles",), before: ("cpv:45",), "00010001600099": ("cpv:1",)})
    assert found.denied == {0: ("trade:cycles",), 1: ("trade:cycles",), 2: ("cpv:45",)}
    assert found.denying({one: ("cpv:77",)}).denied[1] == ("cpv:77", "trade:cycles")
    assert not made.denied
