"""A structure's own site is read politely, kept without persons, and never at the price of this machine."""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from hostile_sites import Web, bomb, endless, fetcher, moved, page, serving, slow
from matcher.domain import Structure
from matcher.reading.sync import _guard, site
from matcher.reading.sync._guard import Refused
from records import cases

SIRET = "00010001600013"
DAY = date(2026, 11, 28)
HOME = """<html><head><title>Les Allées</title></head><body><form><nav><a href="/login">Connexion</a>
<a href="/nos-prestations">Nos prestations</a></nav><h1>Les Allées</h1><p>Entreprise d'insertion à Pantin.</p>
<p>Contact : Mme Aline Dupont, 01 99 00 00 00, aline@allees.example</p>
<ul><li>Tonte et taille de haies</li></ul>
<a href="/metiers">Nos métiers</a> <a href="/actualites">Actualités</a> <a href="/activites/vert.html">Espaces verts</a>
<a href="http://autre.example/services">Services</a><a href="/plaquette.pdf">Nos activités</a><footer><p>Mentions</p></footer></form></body></html>"""


@pytest.fixture
def web() -> Iterator[Web]:
    with serving() as found:
        found.pages["allees.example", "/"] = page(HOME)
        for path in ("/nos-prestations", "/metiers", "/activites/vert.html"):
            found.pages["allees.example", path] = page(f"<h2>Page {path}</h2><p>Entretien de {path}.</p>")
        yield found


def structure(website: str = "http://allees.example", siret: str = SIRET) -> Structure:
    return Structure(siret=siret, name="Les Allées", kind="EI", website=website)


def run(web: Web, folder: Path, *structures: Structure, **options: Any) -> Any:
    given: dict[str, Any] = {"today": DAY, **options}
    return site.site(folder, structures or [structure()], fetcher=fetcher(web, seconds=2.0), **given)


def kept(folder: Path, siret: str = SIRET) -> Any:
    return site._read_json(folder / "pages" / siret[:3] / f"{siret}.json")


def text(folder: Path) -> str:
    found = kept(folder)
    return " ".join(line for one in found["pages"] for line in one["lines"]) if found else ""


def test_home_and_the_pages_that_tell_what_is_done(web: Web, tmp_path: Path) -> None:
    report = run(web, tmp_path)
    assert (report.records, report.pages) == (1, 4)
    read = ["/robots.txt", "/", "/nos-prestations", "/metiers", "/activites/vert.html"]
    assert [path for _, path in web.asked] == read
    found = kept(tmp_path)
    assert (found["read"], found["pages"][0]["title"]) == ("2026-11-28", "Les Allées")
    assert "• Tonte et taille de haies" in found["pages"][0]["lines"]
    for personal in ("Dupont", "01 99", "aline@", "Mentions", "Connexion"):
        assert personal not in text(tmp_path)
    asked = len(web.asked)
    assert run(web, tmp_path).unchanged == 1
    assert len(web.asked) == asked


def test_at_most_five_pages_after_the_home_page(web: Web, tmp_path: Path) -> None:
    links = "".join(f'<a href="/services/{n}">Service {n}</a>' for n in range(40))
    web.pages["allees.example", "/"] = page(f"<p>Bienvenue ici</p>{links}")
    web.default = lambda host, path: (
        page(f"<p>Texte de {path}</p>{links}") if path.startswith("/s") else page("", status="404 Not")
    )
    assert run(web, tmp_path).pages == 6


@pytest.mark.parametrize(("rules", "read"), cases("robots.txt"))
def test_robots_txt_is_obeyed(web: Web, tmp_path: Path, rules: str, read: int) -> None:
    web.pages["allees.example", "/robots.txt"] = page(rules, kind="text/plain")
    run(web, tmp_path)
    assert len(kept(tmp_path)["pages"]) == read


def test_rules_that_cannot_be_read_close_the_site(web: Web, tmp_path: Path) -> None:
    web.pages["allees.example", "/robots.txt"] = page("", status="503 Later")
    run(web, tmp_path)
    assert kept(tmp_path)["pages"] == [] and ("allees.example", "/") not in web.asked


@pytest.mark.parametrize("how", ["header", "meta"])
def test_noindex_removes_what_was_kept(web: Web, tmp_path: Path, how: str) -> None:
    run(web, tmp_path)
    assert text(tmp_path)
    header = ["X-Robots-Tag: noindex"] if how == "header" else []
    meta = '<meta name="ROBOTS" content="noindex, nofollow">' if how == "meta" else ""
    html = f"<html><head>{meta}</head><body><p>Texte du site</p></body></html>"
    web.pages["allees.example", "/"] = page(html, *header)
    run(web, tmp_path, today=date(2027, 6, 1))
    assert kept(tmp_path)["pages"] == []


@pytest.mark.parametrize("name", ["allees.example", SIRET, SIRET[:9]])
def test_who_opts_out_is_never_read_and_is_forgotten(web: Web, tmp_path: Path, name: str) -> None:
    run(web, tmp_path)
    listed = tmp_path / "opt-out.txt"
    listed.write_text(f"# asked by letter\n{name}  # 2026-11-20\n")
    web.asked.clear()
    run(web, tmp_path, opted_out=site.opted_out(listed))
    assert (web.asked, kept(tmp_path)) == ([], None)


def test_a_site_that_fails_or_is_under_repair_leaves_its_last_reading(web: Web, tmp_path: Path) -> None:
    run(web, tmp_path)
    before = text(tmp_path)
    for answer in (page("", status="500 Broken"), page("<p>En travaux</p>")):
        web.pages["allees.example", "/"] = answer
        run(web, tmp_path, today=date(2027, 6, 1))
        (tmp_path / "state.json").unlink(missing_ok=True)
        assert text(tmp_path) == before
        assert kept(tmp_path)["read"] == "2026-11-28"
    assert kept(tmp_path)["asked"] == "2027-06-01"


PRIVATE = """http://127.0.0.1/ http://localhost/ http://169.254.169.254/latest/meta-data/ http://[::1]/
    http://10.0.0.1/ http://192.168.1.1/ http://2130706433/ http://0x7f000001/ http://0.0.0.0/
    http://[::ffff:127.0.0.1]/ http://[64:ff9b::7f00:1]/ http://[2002:7f00:1::]/ http://100.64.0.1/
    http://224.0.0.1/ http://172.16.0.9/ http://allees.example:22/ http://u:p@allees.example/
    file:///etc/passwd gopher://allees.example/ ftp://allees.example/ http://[fe80::1]/
    http://[fd00::1]/ javascript:alert(1) // http://"""


@pytest.mark.parametrize("where", PRIVATE.split())
def test_no_private_address_directly_or_by_a_redirect(web: Web, tmp_path: Path, where: str) -> None:
    web.addresses["localhost"] = [["127.0.0.1"]]
    with fetcher(web) as fetch, pytest.raises(Refused):
        fetch.get(where)
    assert web.connected == []
    web.pages["allees.example", "/go"] = moved(where)
    with fetcher(web) as fetch, pytest.raises(Refused):
        fetch.get("http://allees.example/go")
    assert set(web.connected) == {"93.184.216.34"}


def test_a_name_that_resolves_to_this_machine_a_moment_later(web: Web) -> None:
    web.addresses["allees.example"] = [["93.184.216.34"], ["127.0.0.1"], ["93.184.216.34", "10.0.0.5"]]
    with fetcher(web) as fetch:
        assert fetch.get("http://allees.example/").status == 200
        for _ in range(2):
            with pytest.raises(Refused, match="not on the public internet"):
                fetch.get("http://allees.example/")
    assert web.connected == ["93.184.216.34"]


def test_bodies_without_end_bombs_and_slow_heads_are_cut(web: Web) -> None:
    web.pages["allees.example", "/gb"] = endless(b"<p>x</p>" * 8192, 1 << 30)
    web.pages["allees.example", "/length"] = endless(b"x" * 65536, 1 << 30, f"Content-Length: {1 << 30}")
    web.pages["allees.example", "/bomb"] = bomb(64 << 20)
    web.pages["allees.example", "/slow"] = slow(0.05)
    web.pages["allees.example", "/circle"] = moved("/circle2")
    web.pages["allees.example", "/circle2"] = moved("http://allees.example/circle")
    with fetcher(web, seconds=0.5) as fetch:
        start = time.monotonic()
        for path in ("/gb", "/length", "/bomb", "/slow", "/circle"):
            with pytest.raises(Refused):
                fetch.get(f"http://allees.example{path}")
    assert time.monotonic() - start < 10


@pytest.mark.parametrize(("stated", "written", "inside"), cases("encodings of pages"))
def test_encodings_stated_wrongly_or_not_at_all(web: Web, stated: str, written: str, inside: str) -> None:
    body = inside.encode() + "Menuiserie légère".encode(written)
    web.pages["allees.example", "/x"] = page(body, kind=f"text/html{stated}")
    with fetcher(web) as fetch:
        assert "légère" in fetch.get("http://allees.example/x").text


def test_public_addresses() -> None:
    assert _guard.public("93.184.216.34") and _guard.public("2a00:1450:4007:80e::200e")
    others = ("::ffff:10.0.0.1", "fec0::1", "192.0.2.1", "not an address", "fe80::1%eth0", "255.255.255.255")
    assert not any(map(_guard.public, others))


def test_one_address_that_cannot_be_read_stops_nobody_else(web: Web, tmp_path: Path) -> None:
    broken = replace(structure(), siret="00010002400014", website="http://[")
    run(web, tmp_path, broken, structure(), opted_out={"ailleurs.example"})
    assert kept(tmp_path)["pages"] and not kept(tmp_path, broken.siret)["pages"]


def test_hostile_pages_do_no_harm(tmp_path: Path) -> None:
    from bench.fuzz_sites import hostile

    found = hostile(30, tmp_path, seed=7, seconds=0.1)
    assert (found["forbidden"], found["personal"], found["crashes"]) == (0, 0, [])
    assert found["pages"] >= 30


def test_what_was_read_becomes_offers_marked_with_the_day(web: Web, tmp_path: Path) -> None:
    from matcher.reading import files

    run(web, tmp_path)
    (one,) = [record for record in files.read([tmp_path / "pages"]) if isinstance(record, Structure)]
    assert (one.siret, one.name) == (SIRET, "")
    assert "Tonte et taille de haies" in [offer.title for offer in one.offers]
    assert {offer.source for offer in one.offers} == {"son site, lu le 28/11/2026"}
    assert all(offer.inferred and offer.evidence and offer.since == DAY for offer in one.offers)
