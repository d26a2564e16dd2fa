"""What names tell, alone and with code and kind."""

from pathlib import Path

import numpy as np
import pytest

from matcher.domain import BadInput
from matcher.lab.training import names as training
from matcher.learned import asks, names


def chance(name: str, code: str, kind: str, trade: str) -> float:
    reader = names.shipped()
    told = names.chance(reader.by_name(name), reader.by_code(code), reader.by_kind(kind))
    return float(told[asks.names().index(trade)])


def test_a_name_outweighs_a_code_of_other_things() -> None:
    sorted_waste = chance("SARL MARTIN", "3832Z", "EI", "collecte-dechets")
    assert sorted_waste >= 0.5 > chance("SARL MARTIN", "3832Z", "EI", "textile")
    assert chance("LE RELAIS GIRONDE", "3832Z", "EI", "textile") >= 0.5


@pytest.mark.parametrize(
    ("code", "trade"), [("4321A", "electricite"), ("8130Z", "espaces-verts"), ("9601B", "blanchisserie")]
)
def test_a_code_tells_what_a_name_does_not(code: str, trade: str) -> None:
    assert chance("ASSOC HORIZON", code, "EI", trade) >= 0.5
    assert chance("ASSOC HORIZON", "8899B", "EI", trade) < 0.2  # social action, whatever its workshops do


def test_what_was_taught_is_told_of_other_names_with_the_words() -> None:
    taught = "LAVOIR DU PORT|LAVOIR MARTIN|LE LAVOIR|LE PHARE|SARL DU MOULIN|CAP VERT|TREMPLIN".split("|")
    washing = asks.names().index("blanchisserie")
    chances = np.zeros((len(taught), len(asks.names())), dtype=np.float32)
    chances[:3, washing] = 0.9
    model = training.fit([*map(names.of_name, taught)], chances)
    reader = names.Reader(model, model)
    assert reader.told("LAVOIR DES DUNES")[washing] >= 0.4
    assert reader.told("ASSOC HORIZON")[washing] < 0.4


def test_a_missing_model_is_told_with_its_remedy(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="matcher train names"):
        names.shipped(tmp_path)


def test_hashes_hide_names_and_forget_their_legal_form() -> None:
    assert training.hidden("Assoc. Le Phare") == training.hidden("LE PHARE") != training.hidden("LE PORT")
    assert "phare" not in training.hidden("LE PHARE")
