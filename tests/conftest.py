"""What several test files share: the sample's catalogue, built once, and the real data where present."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest import MonkeyPatch

from browsing import browser  # noqa: F401  fixture of tests in a browser
from databases import postgres, store, store_url  # noqa: F401  fixtures of tests on a store
from mail_server import smtp  # noqa: F401  fixture of tests that send mail
from matcher.catalogue.build import build_catalogue
from matcher.catalogue.catalogue import Catalogue
from matcher.matching import recipes
from matcher.matching.engine import Matcher
from matcher.reading import gather
from matcher.reference import paths

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "data" / "sample"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that take longest first: of processes that share the files, none is left alone with one at the end."""
    slow = (item for item in items if any(map(item.get_closest_marker, ("slow", "browser"))))
    long = {item.path for item in slow}
    items.sort(key=lambda item: item.path not in long)


@pytest.fixture(scope="session", autouse=True)
def _private_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home for stores, secrets and tables that a test does not place itself: never the user's, nor another process's."""
    folder = tmp_path_factory.mktemp("home")
    with MonkeyPatch.context() as patch:
        patch.setenv("MATCHER_HOME", os.fspath(folder))
        yield folder


@pytest.fixture(scope="session")
def sample() -> gather.Gathered:
    """Everything in data/sample."""
    return gather.gather([SAMPLE])


@pytest.fixture(scope="session")
def catalogue(sample: gather.Gathered) -> Catalogue:
    """The sample's catalogue by the default recipe."""
    return build_catalogue(sample.structures, sample.awards, recipes.named("default"))


@pytest.fixture(scope="session")
def matcher(catalogue: Catalogue) -> Matcher:
    """A matcher over the sample."""
    return Matcher(catalogue)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data; the test is skipped where there is none."""
    folder = paths.shared_dir() / "data"
    if not folder.is_dir():
        pytest.skip("no real data: set MATCHER_SHARED to the folder that holds data/")
    return folder
