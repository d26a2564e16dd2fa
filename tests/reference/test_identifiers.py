"""What identifies a structure where no SIRET is known."""

import re

import pytest

from matcher.domain import Structure
from matcher.matching.reasons import missing, warnings
from matcher.reference import identifiers
from records import cases

NONE = ("", (), identifiers.UNSTATED)


@pytest.mark.parametrize(("given", "identity", "words"), cases("numbers that identify"))
def test_the_first_number_that_is_valid_identifies(given: dict[str, str], identity: str, words: str) -> None:
    found, flags, refused = identifiers.identified(NONE, **given)
    assert (found, flags, refused) == (identity, (identifiers.NO_SIRET,), "")
    assert re.fullmatch(identifiers.IDENTITY, found) and len(found) <= 14
    assert identifiers.identity_in_words(found).replace("\u00a0", " ") == f"{words}, SIRET inconnu"


def test_long_ids_stay_apart_and_a_siret_stands() -> None:
    one, two = (identifiers.own_identity(f"https://annuaire.example/fiche/{n}") for n in (1, 2))
    assert one != two and re.fullmatch(identifiers.IDENTITY, one)
    siret = ("00000011700010", (), "")
    assert identifiers.identified(siret, finess="020004495") == siret
    assert identifiers.identified(NONE) == NONE
    by_name, same, other = (
        identifiers.name_identity(name, "57463") for name in ("Régie de l'Étang", "REGIE DE L ETANG", "Régie")
    )
    assert by_name == same != other
    assert identifiers.identified(NONE, named=by_name) == (by_name, (identifiers.NO_SIRET,), "")
    assert re.fullmatch(identifiers.IDENTITY, by_name)
    assert identifiers.identity_in_words(by_name) == "SIRET inconnu"
    mistyped = ("", (), "SIRET 123 has 3 digits")
    told = f"number-unread: {mistyped[2]}"  # its owner can mend it
    assert identifiers.identified(mistyped, named=by_name) == (by_name, (told, identifiers.NO_SIRET), "")


def test_who_has_no_siret_is_asked_for_it_on_a_reserved_lot() -> None:
    alone, known = (Structure(siret=s, name="x", kind="ESAT") for s in ("F020004495", "00000011700010"))
    assert any("SIRET" in gap for gap in missing(alone)) and not any("SIRET" in gap for gap in missing(known))
    assert any("SIRET" in text for text in warnings(alone, True, True))
    assert not warnings(alone, True, False) and not warnings(known, True, True)
