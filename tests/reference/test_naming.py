"""Names of a register and of sources as people write them."""

import pytest

from matcher.reference.naming import as_written, source_name
from records import cases


@pytest.mark.parametrize(("registered", "written"), cases("names in capitals"))
def test_capitals_become_a_name_and_initials_stay(registered: str, written: str) -> None:
    assert as_written(registered) == written


@pytest.mark.parametrize(("stored", "told"), cases("names of sources"))
def test_a_source_goes_by_its_name(stored: str, told: str) -> None:
    assert source_name(stored) == told
