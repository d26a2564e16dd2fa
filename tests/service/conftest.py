"""What tests of the service share: the sample as it is served, pages on a store of their own, catalogues loaded once."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from service.app import create_app
from service.settings import Settings

from matcher.catalogue.build import build_catalogue, update_catalogue
from matcher.catalogue.catalogue import Catalogue
from matcher.catalogue.files import save_catalogue
from matcher.domain import Offer, Place, Structure
from matcher.matching import recipes
from matcher.matching.engine import Matcher
from matcher.reading import gather
from matcher.records.store import Store
from pages_client import HOSTILE, NAMELESS, NASTY, SIRET, PagesClient
from service import snapshot
from serving import indexed, settings_of

Temporary = pytest.TempPathFactory


@pytest.fixture(scope="session", autouse=True)
def _loaded_once() -> Iterator[None]:
    """Load and prepare a catalogue once, however many services the tests start on it: nothing writes into one."""
    load, warm = snapshot.load_catalogue, snapshot.warm
    loaded: dict[tuple[Path, int, int], Catalogue] = {}
    warmed: list[Catalogue] = []

    def load_once(folder: Path) -> Catalogue:
        stamp = (folder / "manifest.json").stat()
        key = (folder, stamp.st_mtime_ns, stamp.st_ino)
        if key not in loaded:
            loaded[key] = load(folder)
        return loaded[key]

    def warm_once(matcher: Matcher) -> None:
        if not any(each is matcher.catalogue for each in warmed):
            warm(matcher)
            warmed.append(matcher.catalogue)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(snapshot, "load_catalogue", load_once)
        patch.setattr(snapshot, "warm", warm_once)
        yield


@pytest.fixture(scope="session")
def plain_sample(catalogue: Catalogue, sample: gather.Gathered, tmp_path_factory: Temporary) -> Path:
    """The sample, indexed as `make demo` does."""
    return indexed(tmp_path_factory.mktemp("plain"), catalogue, sample) / "catalogue"


@pytest.fixture(scope="session")
def open_sample(catalogue: Catalogue, sample: gather.Gathered, tmp_path_factory: Temporary) -> Path:
    """The same with notices that are open today."""
    folder = indexed(tmp_path_factory.mktemp("open"), catalogue, sample) / "catalogue"
    later = datetime.now(UTC) + timedelta(days=30)
    gather.save_notices([replace(t, deadline=later) for t in sample.tenders], folder)
    return folder


@pytest.fixture(scope="session")
def odd_sample(catalogue: Catalogue, sample: gather.Gathered, tmp_path_factory: Temporary) -> Path:
    """The same with a structure whose texts are hostile, one without a name, and a notice that is not published."""
    nameless = Structure(siret=NAMELESS, name="", kind="ACI")
    offer = Offer(id="h", title=f"taille de haies {NASTY}", text=NASTY)
    place = Place(postcode="93500", label="Pantin")
    hostile = replace(nameless, siret=HOSTILE, name=NASTY, kind="EI", place=place, offers=(offer,))
    hostile = replace(hostile, website="javascript:alert(1)", description=NASTY, source=NASTY)
    secret = replace(sample.tenders[0], id="secret-1", title="Besoin non publié de tonte", confidential=True)
    whole = replace(sample, tenders=[*sample.tenders, secret])
    more = update_catalogue(catalogue, [hostile, nameless])
    return indexed(tmp_path_factory.mktemp("odd"), more, whole) / "catalogue"


@pytest.fixture(scope="session")
def hedges(tmp_path_factory: Temporary) -> Path:
    """A catalogue of one structure, which trims hedges."""
    place = Place(commune="93055", postcode="93500", label="Pantin")
    known = {"phone": "01 99 00 10 47", "email": "a@allees.example", "place": place}
    offers = (Offer(id="1", title="Taille de haies"),)
    one = Structure(siret=SIRET, name="Les Allées", kind="EI", offers=offers, **known)  # type: ignore[arg-type]
    folder = tmp_path_factory.mktemp("hedges") / "catalogue"
    save_catalogue(build_catalogue([one], [], recipes.named("default")), folder)
    return folder


@pytest.fixture
def settings(odd_sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("MATCHER_HOME", str(tmp_path))
    return settings_of(odd_sample, tmp_path)


@pytest.fixture
def page(settings: Settings) -> Iterator[PagesClient]:
    """A visitor of the pages."""
    with PagesClient(create_app(settings), headers={"accept": "text/html"}) as client:
        yield client


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    with Store.open(settings.store) as opened:
        yield opened
