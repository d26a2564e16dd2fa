"""The Python client is what the schema says, and works; the search box works on a portal of another origin."""

import functools
import http.server
import re
import typing
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from service.client.__main__ import written

from importing import module_at
from matcher.domain import __version__
from serving import at_work, serving, settings_of

ROOT = Path(__file__).parents[2]
SIRET = "00010001600013"  # of the sample


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """The client as `python -m service.client` writes it."""
    path = tmp_path_factory.mktemp("client") / "matcher_client.py"
    path.write_text(written(), encoding="utf-8")
    return module_at(path)


def test_the_client_knows_what_each_route_takes_and_gives(client: ModuleType) -> None:
    assert f"API of Maillage {__version__}" in str(client.__doc__)
    assert typing.get_type_hints(client.Asked, vars(client))["filters"] == client.FiltersIn
    assert client.WhyIn.__annotations__["siret"].__forward_arg__ == "str"
    assert client.WhyIn.__annotations__["need"].__forward_arg__ == "NotRequired[str | None]"
    assert client.ConsortiumOut.__annotations__["warnings"].__forward_arg__ == "list[WarningOut]"
    gives = typing.get_type_hints(client.Client.structure, vars(client))["return"]
    assert "offers" in gives.__annotations__
    assert client.Client.delete_exchange_contact.__annotations__["return"] == "None"


def test_the_client_asks_and_tells_the_remedy(client: ModuleType, plain_sample: Path, tmp_path: Path) -> None:
    Client, Problem = client.Client, client.Problem
    with serving(settings_of(plain_sample, tmp_path)) as address:
        asked = Client(address)
        (lot,) = asked.match({"need": "tonte et taille de haies", "place": "Pantin", "n": 3})["lots"]
        assert lot["matches"][0]["structure"]["siret"] == SIRET
        assert asked.structure(SIRET)["name"] == "Les Sentiers de l'Ourcq"
        assert asked.structures(q="atelier", limit=2)["limit"] == 2
        assert asked.explain(siret=SIRET, notice_id="26-130101")[0]["state"] == "ranked"
        with pytest.raises(Problem, match="exactly one of need, notice, notice_id") as refused:
            asked.match({"place": "Pantin"})
        assert refused.value.status == 422
        with pytest.raises(Problem) as unknown:
            Client(address, key="mlg_no_such").exposure()
        assert unknown.value.status == 401
    with pytest.raises(Problem, match=r"does not answer.*check the address") as gone:
        asked.match({"need": "tonte"})
    assert gone.value.status == 0


PORTAL = """<!doctype html><html lang="fr"><meta charset="utf-8"><title>Portail</title>
<style>* {{ color: rgb(255, 0, 0) !important; display: none }} html, body, maillage-search {{ display: block }}
maillage-search {{ --maillage-color: rgb(122, 31, 92); }}</style>
<body><script src="{service}/static/search-box.js"></script><maillage-search place="Pantin" n="3"></maillage-search></body></html>"""


FRAMED = """<!doctype html><html lang="fr"><meta charset="utf-8"><title>Portail</title>
<iframe title="Recherche" width="600" height="600" sandbox="allow-scripts allow-forms allow-popups allow-same-origin"
 src="{service}/encart?lieu=Pantin"></iframe></html>"""


@contextmanager
def portal(folder: Path) -> Iterator[tuple[str, Path]]:
    """A site of another origin (localhost), and its folder."""
    quiet = type("Quiet", (http.server.SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    handler = functools.partial(quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    with at_work(server):
        yield f"http://localhost:{server.server_port}", folder


@pytest.mark.browser
def test_the_search_box_works_on_another_origin(browser: Any, plain_sample: Path, tmp_path: Path) -> None:
    with (
        portal(tmp_path) as (origin, site),
        serving(settings_of(plain_sample, tmp_path, cors=(origin,), read="open")) as service,
    ):
        (site / "index.html").write_text(PORTAL.format(service=service), encoding="utf-8")
        page = browser.new_page()
        hosts: set[str] = set()
        page.on("request", lambda request: hosts.add("/".join(request.url.split("/")[:3])))
        page.goto(f"{origin}/index.html")
        page.get_by_label("Votre besoin").fill("tonte et <b>taille</b> de haies")
        page.get_by_role("button", name="Trouver des structures").click()
        link = page.get_by_role("link", name="Les Sentiers de l’Ourcq")
        link.wait_for()
        status = page.locator("maillage-search").get_by_role("status")
        told = page.locator("maillage-search .box").inner_text().replace("\u00a0", " ")
        assert "à appeler, " in status.inner_text()
        assert "Ordre de présentation, ne préjuge pas du choix." in told
        assert "Source : structures, 15/09/2026" in told and "01 99 00 10 00" in told
        assert link.get_attribute("href") == f"{service}/structure/{SIRET}"
        colour = "one => getComputedStyle(one).backgroundColor"
        assert page.get_by_role("button").evaluate(colour) == "rgb(122, 31, 92)"  # the theme comes in
        text = page.get_by_text("Votre besoin").evaluate("one => getComputedStyle(one).color")
        assert text != "rgb(255, 0, 0)"  # the styles of the portal do not
        assert page.context.cookies() == [] and hosts == {origin, service}
        # what a visitor may type wrong is answered in French; a need of two trades has two lists with their names
        for need, place, answer in (
            ("acquisition d'un scanner IRM", "Nantes", "Aucune structure adaptée"),
            ("bonjour", "Nantes", "Aucun besoin n’est reconnu"),
            ("tonte", "Zyxomma", "ne s’appelle « Zyxomma » : vérifiez l’orthographe"),
            ("tonte", "Saint-Denis", "Plusieurs lieux s’appellent « Saint-Denis »"),
            ("12", "Pantin", "Dites en quelques mots"),
            ("nettoyage des bureaux et entretien des espaces verts", "Bobigny", "2 besoins"),
        ):
            page.get_by_label("Votre besoin").fill(need)
            page.get_by_label("Lieu").fill(place)
            page.keyboard.press("Enter")
            status.filter(has_text=re.compile(answer.replace(" ", r"\s"))).wait_for()
        assert page.locator("maillage-search h3").count() == 2
        colour = page.get_by_label("Votre besoin").evaluate("one => getComputedStyle(one).backgroundColor")
        assert colour == "rgba(0, 0, 0, 0)"  # a dark theme has light text: no white behind it
        # in a sandboxed frame no script of the service runs in the portal's page
        (site / "framed.html").write_text(FRAMED.format(service=service), encoding="utf-8")
        with urllib.request.urlopen(f"{service}/encart") as framed:
            assert f"frame-ancestors {origin}" in framed.headers["content-security-policy"]
            assert "set-cookie" not in framed.headers
        page.goto(f"{origin}/framed.html")
        frame = page.frame_locator("iframe")
        frame.get_by_label("Votre besoin").fill("tonte et taille de haies")
        frame.get_by_role("button", name="Trouver des structures").click()
        frame.get_by_role("link", name="Les Sentiers de l’Ourcq").wait_for()
        assert page.context.cookies() == []
        page.context.close()
