"""What a buyer does from need to message: an address for each result, facets, corrections, ticks, records that are true."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from service.app import create_app
from service.page import facets
from service.settings import Settings

from matcher.catalogue.build import build_catalogue
from matcher.catalogue.files import save_catalogue
from matcher.domain import Structure
from matcher.matching import recipes
from matcher.outreach.sourcing import record as record_
from matcher.reading import gather
from matcher.records.store import Store
from pages_client import PagesClient, kept, reference, token

SAMPLE = Path(__file__).parents[2] / "data" / "sample"
NAMELESS = "00029999800012"
FIVE = (
    "Nous cherchons qui peut assurer le nettoyage des bureaux, l'entretien des espaces verts, la blanchisserie du linge de la "
    "crèche, la restauration du midi et le transport des colis."
)


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample, a structure without a name, and the past suppliers."""
    folder = tmp_path_factory.mktemp("buyer") / "catalogue"
    found = gather.gather([SAMPLE])
    nameless = Structure(siret=NAMELESS, name="", kind="ACI")
    save_catalogue(
        build_catalogue([*found.structures, nameless], found.awards, recipes.named("default")), folder
    )
    gather.save_notices(found.tenders, folder)
    return folder


@pytest.fixture
def page(catalogue: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PagesClient]:
    monkeypatch.setenv("MATCHER_HOME", str(tmp_path))
    store = f"sqlite:///{tmp_path / 'store.sqlite'}"
    given = Settings(catalogue=catalogue, store=store, log_level="ERROR", outbox=tmp_path / "outbox")
    with PagesClient(create_app(given), headers={"accept": "text/html"}) as client:
        yield client


def ticks(text: str) -> list[str]:
    return re.findall(r'name="s" value="(\d+)"', text)


def test_a_result_has_an_address_that_a_colleague_can_open(page: PagesClient) -> None:
    made = page.post("/acheteur", data={"need": "taille de haies", "place": "Pantin"}, follow_redirects=False)
    assert made.status_code == 303
    address = made.headers["location"]
    assert "haies" not in address and len(address) > 30  # unguessable, and says nothing of the need
    first = page.get(address)
    page.cookies.clear()
    again = page.get(address)
    assert first.status_code == again.status_code == 200 and ticks(first.text) == ticks(again.text) != []
    assert page.get(address[:-4] + "AAAA").status_code == 404


def test_facets_count_and_narrow_and_sort(page: PagesClient) -> None:
    at = "/acheteur/r/" + reference(page, need="entretien des espaces verts", place="Pantin")
    whole = page.get(at).text
    value, count = re.findall(r'name="type" value="(\w+)"> [^<]+<span class="meta">\((\d+)\)', whole)[0]
    some = page.get(f"{at}?type={value}").text
    assert len(ticks(some)) == int(count) < len(ticks(whole))
    near = page.get(at + "?tri=distance").text
    first, _, _ = near.partition('<details class="level"')
    names = re.findall(
        r'class="who"><a[^>]+>([^<]+)<', page.get(at + "?tri=nom").text.partition('class="level"')[2]
    )
    kilometres = [
        0.0 if "sur place" in km else float(km)
        for km in re.findall(r"· (\d+|sur place)(?: km)?</span>", first)
    ]
    assert kilometres == sorted(kilometres) and names
    assert page.get(at + "?tri=metier").text.count('aria-current="true">Métier<') == 1
    assert page.get(at + "?type=ZZZ&km=abc&tri=zzz").status_code == 200


def test_the_heading_of_the_trade_puts_what_is_known_first() -> None:
    lines: list[Any] = [
        SimpleNamespace(stated=stated, known=known) for stated, known in ((False, ""), (False, "son nom"), (True, "déclaré"))
    ]  # fmt: skip
    assert facets.narrowed(lines, facets.chosen({}, "metier")) == lines[::-1]


def test_a_siret_or_a_name_leads_to_the_structure(page: PagesClient) -> None:
    shown = page.post("/acheteur", data={"need": "000 100 016 00013"})
    assert shown.request.url.path == "/acheteur/structure/00010001600013" and "Contact" in shown.text
    unknown = page.post("/acheteur", data={"need": "123 456 789 00012"})
    assert unknown.status_code == 422 and 'id="need-fault"' in unknown.text and "ce SIRET" in unknown.text
    name = page.post("/acheteur", data={"need": "Zorglub"}).text
    assert 'href="/structure?q=Zorglub"' in name
    found = page.get("/structure?q=les").text  # a list of names says how to reach each
    assert found.count('class="reach"') == found.count('href="/structure/0') > 1 and "tel:" in found


def test_a_text_of_five_trades_is_five_lots_with_groups(page: PagesClient) -> None:
    found = reference(page, need=FIVE, place="Bobigny")
    text = page.get("/acheteur/r/" + found).text
    assert "5 besoins" in text and text.count('<section class="lot"') == 5 and 'id="groupements"' in text
    assert len(set(re.findall(r'id="(r[\w-]+)"', text))) == text.count('<li class="row"')
    one = page.post("/acheteur/corriger", data={"de": found, "entier": "oui"}).text
    assert '<section class="lot"' not in one and "Un besoin par métier" in one


def test_what_was_misunderstood_is_corrected_at_an_address_of_its_own(page: PagesClient) -> None:
    found = reference(page, need="entretien du parc", place="Pantin")
    before = page.get("/acheteur/r/" + found).text
    asked = {"de": found, "lot": "1", "metier": "mecanique"}
    fixed = page.post("/acheteur/corriger", data=asked)
    assert (
        "Mécanique et entretien de véhicules" in fixed.text and str(fixed.url.path) != f"/acheteur/r/{found}"
    )
    assert page.get("/acheteur/r/" + found).text.count('class="row"') == before.count('class="row"')
    coded = page.post("/acheteur/corriger", data={**asked, "metier": "cpv:50110000"}).text
    assert "CPV 50110000" in coded
    reserved = page.post("/acheteur/corriger", data={"de": found, "lot": "1", "reserve": "L2113-12"}).text
    assert "Réservé (L2113-12)" in reserved
    moved = page.post("/acheteur/corriger", data={"de": found, "place": "Nanterre"}).text
    assert "Nanterre (92)" in moved
    assert page.post("/acheteur/corriger", data={"de": found, "place": "Xyzzyville"}).status_code == 422


def test_errors_stand_next_to_their_field_and_in_a_summary(page: PagesClient) -> None:
    for asked, name in (
        ({"need": " "}, "need"),
        ({"need": "pain", "place": "Xyzzyville"}, "place"),
        ({"need": "pain", "radius": "x"}, "radius"),
    ):
        wrong = page.post("/acheteur", data=asked)
        assert (
            wrong.status_code == 422
            and f'href="#{name}"' in wrong.text
            and f'id="{name}-fault"' in wrong.text
        )
        assert f'id="{name}"' in wrong.text and "<title>Erreur" in wrong.text
    strange = page.post("/acheteur", data={"need": ""}, files={"file": ("x.xml", b"<a/>")})
    assert strange.status_code == 422 and 'id="file-fault"' in strange.text


def test_ticked_structures_are_compared_set_aside_and_written_to(page: PagesClient) -> None:
    found = reference(page, need="taille de haies", place="Pantin")
    at = "/acheteur/r/" + found
    shown = page.get(at).text
    sirets, csrf = ticks(shown)[:2], token(shown)
    act = {"csrf": csrf, "de": found, "lot": "", "retour": at}
    none = page.post("/acheteur/cochees", data={**act, "faire": "ecrire"})
    assert none.url.path == at and "Rien n'est coché" in none.text
    compared = page.post("/acheteur/cochees", data={**act, "faire": "comparer", "s": sirets})
    assert compared.text.count('scope="col"') == 2 and compared.url.path == "/acheteur/comparer"
    assert page.get(str(compared.url)).status_code == 200  # it can be sent to a colleague
    aside = page.post("/acheteur/cochees", data={**act, "faire": "favoris", "s": sirets})
    assert aside.text.count(">Retirer</button>") == 2
    less = page.post("/acheteur/favoris", data={"csrf": csrf, "siret": sirets[0], "verdict": "non"})
    assert less.text.count(">Retirer</button>") == 1
    written = page.post("/acheteur/cochees", data={**act, "faire": "ecrire", "s": sirets})
    assert "Écrire à 2 structures" in written.text and written.url.path.endswith("/ecrire")
    assert (
        page.post(
            "/acheteur/cochees", data={**act, "faire": "comparer", "retour": "//elsewhere.example/x"}
        ).url.host
        == "testserver"
    )


def test_a_structure_shown_to_a_buyer_says_why_and_leads_back(page: PagesClient) -> None:
    found = reference(page, need="taille de haies", place="Pantin")
    siret = ticks(page.get("/acheteur/r/" + found).text)[0]
    text = page.get(f"/acheteur/structure/{siret}?de={found}").text
    for words in (
        "Pourquoi pour ce besoin",
        "Contact",
        "Références",
        "Zone",
        "Capacité",
        "Revenir à la liste",
    ):
        assert words in text
    assert f'href="/acheteur/r/{found}"' in text and "Améliorez votre fiche" not in text
    assert page.get(f"/acheteur/structure/{NAMELESS}?de={found}").status_code == 200


def test_a_record_says_what_happened_and_is_corrected_by_a_further_entry(
    page: PagesClient, tmp_path: Path
) -> None:
    address = kept(page, need="taille de haies", place="Pantin")
    csrf = token(page.get(address).text)
    siret = re.findall(r'name="sirets" value="(\d+)"', page.get(address).text)[0]
    asked = {"csrf": csrf, "sirets": [siret], "message": "Bonjour, réalisez-vous cette prestation ?"}
    short = page.post(address + "/contacter", data={**asked, "message": "Court"})
    assert short.status_code == 422 and 'href="#message"' in short.text and 'id="message-fault"' in short.text
    told = page.post(address + "/contacter", data=asked).text
    assert (
        "message préparé" in told
        and "ontactée" not in told
        and "message envoyé" not in told.partition("Noter ce qui")[0]
    )
    sent = page.post(address + "/reponse", data={"csrf": csrf, "siret": siret, "fait": "sent"}).text
    assert "message envoyé (depuis la messagerie de l'acheteur)" in sent
    number = re.findall(r'name="number" value="(\d+)"', sent)[-1]
    fixed = page.post(
        address + "/corriger", data={"csrf": csrf, "number": number, "text": "Envoyé la veille."}
    ).text
    assert "Correction : Envoyé la veille." in fixed and "Chaîne intacte" in fixed
    note = page.get(address + "/note").text
    assert "R2111-1" in note and "Envoyé la veille." in note and "Chaîne intacte" in note
    assert (
        page.post(address + "/corriger", data={"csrf": csrf, "number": "1", "text": "non"}).status_code == 422
    )


def test_every_page_of_a_record_opens_where_a_structure_has_no_name(page: PagesClient) -> None:
    address = kept(page, need="taille de haies", place="Pantin")
    for query in (
        "?tout=oui",
        "?debut=51",
        "?debut=351",
        "?debut=999999",
        "?lot=9",
        "/note",
        "/export.csv",
        "/export.xlsx",
    ):
        assert page.get(address + query).status_code == 200, query
    assert f"SIRET {NAMELESS}" in page.get(address + "?tout=oui").text


def test_exports_are_tables_of_structures(page: PagesClient) -> None:
    import openpyxl

    address = kept(page, need="taille de haies", place="Pantin")
    rows = list(
        csv.DictReader(
            io.StringIO(page.get(address + "/export.csv").content.decode("utf-8-sig")), delimiter=";"
        )
    )
    assert rows and all(row["SIRET"].isdecimal() for row in rows)
    proposed = ("à appeler", "à vérifier")
    assert all(row["Type"] or row["À faire"] in proposed for row in rows)
    book = openpyxl.load_workbook(io.BytesIO(page.get(address + "/export.xlsx").content))
    assert book["Structures"].auto_filter.ref
    days = [
        cell.value
        for row in book["Structures"].iter_rows(min_row=2)
        for cell in row
        if isinstance(cell.value, date | datetime)
    ]
    assert days
    assert not any(
        str(cell.value).startswith(("{", "["))
        for sheet in book
        for row in sheet.iter_rows()
        for cell in row
        if cell.value
    )


def test_a_message_is_opened_by_a_button_only(page: PagesClient, tmp_path: Path) -> None:
    from matcher.outreach import links

    address = kept(page, need="taille de haies", place="Pantin")
    identifier, csrf = address.rsplit("/", 1)[1], token(page.get(address).text)
    siret = re.findall(r'name="sirets" value="(\d+)"', page.get(address).text)[0]
    page.post(
        address + "/contacter", data={"csrf": csrf, "sirets": [siret], "message": "Bonjour, le faites-vous ?"}
    )
    link = links.question_link("", identifier, siret)
    page.get(link)
    assert "message ouvert" not in page.get(address).text.partition("Noter ce qui")[0]
    page.post(link + "/lu")
    assert "message ouvert" in page.get(address).text.partition("Noter ce qui")[0]
    with Store.open(f"sqlite:///{tmp_path / 'store.sqlite'}") as store:
        owner = str(store.engine.connect().exec_driver_sql("select owner from sourcing").scalar())
        assert record_.verify(store, owner, identifier).holds
