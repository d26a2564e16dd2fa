"""What an activity code is about, and how far from home the work of a trade is done."""

from pathlib import Path

import numpy as np
import pytest
from pytest import MonkeyPatch

from matcher.domain import BadInput
from matcher.learned import activities
from matcher.learned.encoders import static
from matcher.matching import demand
from matcher.reference.codes import naf_codes, naf_words
from records import cases


@pytest.mark.parametrize(("code", "work"), cases("works of activity codes"))
def test_the_code_of_the_trade_is_among_the_nearest_without_a_word_in_common(code: str, work: str) -> None:
    encoder = static.load()
    known = activities.of(encoder)
    near = known.closeness(encoder.encode([work], "query")[0])
    assert near.max() <= 1.0
    assert near[known.places[code]] >= 0.5, "near"
    assert (near > near[known.places[code]]).sum() < 3, "and few codes nearer"


def test_every_code_has_words_and_a_vague_one_tells_nothing() -> None:
    known = activities.of(static.load())
    assert not set(known.places) & activities.VAGUE
    assert known.closeness(np.zeros(known.vectors.shape[1], dtype=np.float32)).max() < 0.25
    codes = naf_codes()
    assert len(codes) == 732
    assert all(naf_words(code) for code in codes)


def test_the_users_own_reach_of_trades_is_read(tmp_path: Path, monkeypatch: MonkeyPatch) -> None:
    own = tmp_path / "assumptions" / "trade_reach.csv"
    own.parent.mkdir()
    monkeypatch.setenv("MATCHER_HOME", str(tmp_path))
    own.write_text("trade,km,reasoning\n,25,une petite ville\n", encoding="utf-8")
    read = demand.usual_kilometres.__wrapped__  # not what is kept of the shipped table
    assert set(read()) == {25.0}
    for bad in ("trade,km,reasoning\n,loin,\n", "trade,km,reasoning\nnettoyage,25,\n"):
        own.write_text(bad, encoding="utf-8")
        with pytest.raises(BadInput, match="trade_reach"):
            read()
