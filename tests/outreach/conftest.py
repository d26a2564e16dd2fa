from pathlib import Path

import pytest

import night as n


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return n.catalogue(tmp_path_factory.mktemp("night") / "catalogue")
