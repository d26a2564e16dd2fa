"""Data invented for loads: the same for a seed, valid in form, drawn as unevenly as reality, and read back whole."""

from datetime import date
from pathlib import Path

import pytest

from matcher.domain import Structure
from matcher.lab import synth
from matcher.reading import gather
from matcher.reference import identifiers

DAY = date(2026, 11, 2)


@pytest.fixture(scope="module")
def structures() -> list[Structure]:
    return list(synth.structures(3000))


def test_the_same_for_a_seed_and_each_number_one(structures: list[Structure]) -> None:
    tenders = list(synth.tenders(400, day=DAY))[:20]
    assert list(synth.tenders(20, day=DAY)) == tenders != list(synth.tenders(20, seed=2, day=DAY))
    assert list(synth.structures(50)) == structures[:50]
    assert list(synth.structures(50, seed=1)) != structures[:50]
    assert [s.siret for s in synth.structures(50, seed=1)] == [s.siret for s in structures[:50]]


def test_sirets_pass_their_checks_and_are_all_different_and_nobodys(structures: list[Structure]) -> None:
    assert all(s.email.endswith("@example.org") and not s.phone for s in structures)
    assert all(s.siret.startswith("01") for s in structures)  # SIRENs from 01 on: a block of our own
    sirets = [s.siret for s in structures]
    assert len(set(sirets)) == len({siret[:9] for siret in sirets}) == len(sirets)
    for siret in [*sirets[:200], *(synth.siret(n) for n in (0, 9, 10**7, 29_999_999))]:
        assert len(siret) == 14 and identifiers.luhn(siret) and identifiers.luhn(siret[:9])


def test_what_is_written_is_read_back_whole(tmp_path: Path, structures: list[Structure]) -> None:
    synth.write(tmp_path, 60, 20)
    found = gather.gather([tmp_path])
    assert not found.rejected
    expected = {s.siret: s for s in structures[:60]}
    assert {s.siret for s in found.structures} == set(expected)
    for s in found.structures:
        assert s.kind == expected[s.siret].kind and s.place.postcode == expected[s.siret].place.postcode
        assert len(s.offers) == len(expected[s.siret].offers)
    assert [t.id for t in found.tenders] == [t.id for t in synth.tenders(20, 1)]
