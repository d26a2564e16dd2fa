"""Equal scores: the order among them is drawn for each lot, and is not that of the identifiers."""

from __future__ import annotations

import itertools

from matcher.catalogue.build import build_catalogue
from matcher.domain import Offer, Place, Structure
from matcher.matching import recipes
from matcher.matching.engine import Matcher
from matcher.reading.need import free_text_tender

GARDEN = "Entretien d'espaces verts, tonte, taille de haies"


def test_equals_stand_in_an_order_of_each_lot_and_not_in_that_of_their_siret() -> None:
    listed = [
        Structure(
            siret=f"0000000{number}00013", name="Structure", kind="EI", place=Place(postcode="92000", label="Nanterre", department="92"),
            offers=(Offer(id=f"{number}/1", title=GARDEN, text=GARDEN, nature="offer"),),
        )
        for number in range(11, 31)
    ]  # fmt: skip
    matcher = Matcher(build_catalogue(listed, [], recipes.named("default")))

    def order(need: str) -> list[str]:
        (lot,) = matcher.match(free_text_tender(need, Place(postcode="92000")), 20, groups=0).lots
        assert len({round(match.score, 9) for match in lot.matches}) == 1 and len(lot.matches) == 20
        return [match.structure.siret for match in lot.matches]

    first, second = order("tonte et taille de haies"), order("tonte et taille de haies du parc")
    assert first not in (sorted(first), second) and first == order("tonte et taille de haies")
    assert sum(a < b for a, b in itertools.pairwise(first)) < 15
