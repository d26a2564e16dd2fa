"""A catalogue built beside its folder is the one built in memory, and leaves no file of its own behind."""

from __future__ import annotations

import gc
from pathlib import Path

import numpy as np
import pytest

from matcher import codec
from matcher.catalogue import build
from matcher.catalogue.collecting import FEW, no_collections
from matcher.catalogue.files import load_catalogue, save_catalogue
from matcher.catalogue.rows import offers_in
from matcher.domain import Offer, Recipe, Structure, Zone
from matcher.reading import gather


@pytest.mark.parametrize("halved_from", [10**6, 150, 10])
def test_vectors_written_as_they_are_made_are_those_kept_in_memory(
    sample: gather.Gathered, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, halved_from: int
) -> None:
    monkeypatch.setattr(build, "BLOCK", 20)  # several blocks, before and after the border
    monkeypatch.setattr(build, "HALVED_FROM", halved_from)
    recipe, home = Recipe(encoder="hashing"), tmp_path / "catalogue"
    plain = build.build_catalogue(sample.structures, sample.awards, recipe)
    made = build.build_catalogue(sample.structures, sample.awards, recipe, home=home)
    assert made.vectors.dtype == plain.vectors.dtype == (np.float32 if halved_from == 10**6 else np.float16)
    assert np.array_equal(made.vectors, plain.vectors) and made.manifest == plain.manifest
    save_catalogue(made, home)
    assert np.array_equal(load_catalogue(home).vectors, plain.vectors)
    assert (home / "vectors.npy").stat().st_mode & 0o777 == (home / "manifest.json").stat().st_mode & 0o777
    del made
    gc.collect()
    assert [path.name for path in tmp_path.iterdir()] == ["catalogue"]


def test_offers_cut_from_a_structure_are_those_written_one_by_one() -> None:
    """Whatever their texts hold of what they are cut at."""
    hostile = ("}],", '},{"id":"x"', '"offers":[{"id":', "}]}", '}],"website":', "\\", "é}],\u2028\n", "")
    offers = tuple(
        Offer(id=text, title=text, text=other, sectors=(text,), zone=Zone(regions=(other,)), evidence=text)
        for text in hostile
        for other in hostile
    )
    for some in ((), offers[:1], offers, *((offer, offers[0]) for offer in offers)):
        for more in (
            {},
            {"website": "}]"},
            {"provenance": {'}],"a': "}]}"}},
            {"description": '"offers":[{"id":'},
        ):
            written = codec.to_text(Structure(siret="1", name="}]", offers=some, **more), brief=True)  # type: ignore[arg-type]
            assert offers_in(written) == [codec.to_text(offer, brief=True) for offer in some]


def test_what_was_made_without_collections_is_not_searched_at_once() -> None:
    gc.unfreeze()  # where another test has frozen, nothing more is
    gc.collect()
    with no_collections():
        made = [[] for _ in range(2_000)]  # type: ignore[var-annotated]
    assert gc.isenabled() and gc.get_freeze_count() < FEW
    assert set(map(id, made)) <= set(map(id, gc.get_objects(generation=2)))
