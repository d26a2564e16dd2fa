"""Odd requests, made from the contract itself and from raw bytes: each gets an answer, and none an internal error.

`python tests/bench/fuzz_service.py` sends ten thousand of them; here a few of each kind.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("schemathesis", reason="schemathesis is not installed")

from bench import fuzz_service as fuzz


@pytest.fixture(scope="module", params=[False, pytest.param(True, marks=pytest.mark.postgres)])
def served(request: pytest.FixtureRequest) -> Iterator[tuple[Any, dict[str, str]]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fuzz, "POSTGRES", request.param)
        with fuzz.served() as found:
            yield found


@pytest.mark.parametrize(("kind", "examples"), [("of_contract", 2), ("of_bytes", 60), ("of_visitors", 60)])
def test_no_request_makes_a_fault(served: tuple[Any, dict[str, str]], kind: str, examples: int) -> None:
    tally: Counter[int] = Counter()
    getattr(fuzz, kind)(*served, examples, tally)
    assert tally.total() >= examples and fuzz.FAULTS == []
    assert kind != "of_visitors" or tally[200] > examples / 3, tally
