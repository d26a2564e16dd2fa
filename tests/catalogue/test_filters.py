"""Structures are found by their SIRETs, and by their SIRENs where these are asked for."""

from __future__ import annotations

import pytest

from matcher.catalogue.catalogue import Catalogue
from matcher.catalogue.filters import holding_any


@pytest.mark.parametrize("prefixes", [True, False])
def test_identifiers_hold_as_when_each_is_compared_with_each(catalogue: Catalogue, prefixes: bool) -> None:
    sirets = catalogue.sirets.tolist()
    asked = [
        sirets[0],
        sirets[0],
        sirets[-1][:9],
        sirets[3],
        sirets[5][:9],
        sirets[7][:8],
        "99999999900000",
        "9",
        "",
    ]
    for given in (asked, asked[:1], [], sirets):
        held = holding_any(catalogue, given, prefixes=prefixes)
        wanted = set(given)
        assert held.tolist() == [s in wanted or (prefixes and s[:9] in wanted) for s in sirets]
