"""Names of a register as people write them."""

import pytest

from matcher.reference.naming import as_written
from records import cases


@pytest.mark.parametrize(("registered", "written"), cases("names in capitals"))
def test_capitals_become_a_name_and_initials_stay(registered: str, written: str) -> None:
    assert as_written(registered) == written
