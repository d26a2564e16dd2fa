"""A catalogue built beside its folder is the one built in memory, and leaves no file of its own behind."""

from __future__ import annotations

import gc
from pathlib import Path

import numpy as np
import pytest

from matcher.catalogue import build
from matcher.catalogue.files import load_catalogue, save_catalogue
from matcher.domain import Recipe
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
