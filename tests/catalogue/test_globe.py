"""The nearest points, as a comparison of all of them finds them."""

from __future__ import annotations

import numpy as np
import pytest

from matcher.catalogue.globe import Globe
from matcher.reference.places import distance_km

RANDOM = np.random.default_rng(4)
#: Mainland, islands on both sides of the date line, a pole.
LATITUDE = np.concatenate([RANDOM.uniform(42, 51, 3_000), [-14.3, -21.3, 16.2, -17.5, 89.9]])
LONGITUDE = np.concatenate([RANDOM.uniform(-5, 9, 3_000), [-178.1, 165.5, -61.5, 179.9, 10.0]])


@pytest.mark.parametrize("place", [(48.85, 2.35), (42.5, 9.4), (-15.0, 179.5), (16.0, -61.0), (88.0, -170.0)])
@pytest.mark.parametrize("k", [1, 3, 250, 10_000])
def test_nearest(place: tuple[float, float], k: int) -> None:
    found = Globe(LATITUDE, LONGITUDE).nearest(*place, k)
    kilometres = np.asarray(distance_km(LATITUDE, LONGITUDE, *place))
    assert len(set(found.tolist())) == min(k, len(LATITUDE))
    np.testing.assert_allclose(np.sort(kilometres[found]), np.sort(kilometres)[:k], rtol=1e-6)


def test_without_points() -> None:
    assert len(Globe(np.zeros(0), np.zeros(0)).nearest(48.0, 2.0, 5)) == 0
