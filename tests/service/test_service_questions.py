"""A buyer's questions leave by mail, answers come back into the record; feeds; a structure's own choices."""

import html
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from lxml import etree
from service.app import create_app
from service.settings import Settings
from sqlalchemy import select

import made
from mail_server import MailServer
from matcher import codec
from matcher.catalogue.build import build_catalogue
from matcher.catalogue.files import save_catalogue
from matcher.domain import Buyer, Lot, Place, Recipe, Tender
from matcher.matching import recipes
from matcher.outreach import alerts
from matcher.outreach.sourcing import exports
from matcher.outreach.sourcing import record as record_
from matcher.reading import gather
from matcher.records import keys, personal, searches, self_declared
from matcher.records.store import Store
from matcher.records.tables import Letter, Unsubscription
from pages_client import PagesClient, holding, kept, mails, signed_in
from serving import settings_of, until
from sheets import siret

SIRET, OTHER, MUTE = "00010001600013", "00010073500018", "00010099900010"
SILENT = siret(77)  # an ESAT that says nothing of its trades
BUYER = "achats@ville.example"
PANTIN = Place(commune="93055", postcode="93500", label="Pantin")
TEXT = "Bonjour, réalisez-vous la taille de haies ?\nQuel volume ?"
NASTY = "haies\r\nBcc: all@x.example <script>alert(1)</script>"


AT = {"place": PANTIN, "source": "annuaire"}
STRUCTURES = [
    made.structure(SIRET, "Les Allées", "Taille de haies", email="contact@allees.example", **AT),
    made.structure(
        OTHER, "Au Vert", "Taille de haies et tonte", "Blanchisserie", email="vert@asso.example", **AT
    ),
    made.structure(MUTE, "Sans Adresse", "Taille de haies", **AT),
    made.structure(SILENT, "Les Tilleuls", email="tilleuls@esat.example", kind="ESAT", **AT),
]
HEDGES = Lot(id="1", number="1", title="Taille de haies", cpv=("77310000",), places=(PANTIN,))
LINEN = replace(HEDGES, id="2", number="2", title="Blanchisserie du linge <b>plat</b>", cpv=("98310000",))
NOTICE = Tender(id="n1", format="boamp", title="Services 1", lots=(HEDGES, LINEN), buyer=Buyer(name="V & Co"))
NOTICES = [NOTICE, replace(NOTICE, id="n2", title="Services 2")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("questions") / "catalogue"
    save_catalogue(build_catalogue(STRUCTURES, [], recipes.named("default")), place)
    gather.save_notices(NOTICES, place)
    return place


@pytest.fixture
def settings(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("MATCHER_HOME", str(tmp_path))
    return settings_of(folder, tmp_path, public_url="https://maillage.example", read="open")


def client(settings: Settings) -> TestClient:
    # cookies of a site of https are sent over https alone
    return PagesClient(create_app(settings), base_url=settings.public_url, headers={"accept": "text/html"})


def left(store: Store) -> dict[str, str]:
    """SIRET -> state of each letter, once none is queued or being sent."""
    until(lambda: not {"ready", "sending"} & set(store.ask(select(Letter.status)).scalars()))
    return dict(store.ask(select(Letter.siret, Letter.status)).all())


def test_the_same_message_leaves_and_the_answer_comes_back(settings: Settings, store: Store) -> None:
    with client(settings) as page:
        signed_in(page, "buyer")
        address = kept(page, need=f"taille de haies à Pantin {NASTY}")
        asked = {"sirets": [SIRET, OTHER, MUTE], "message": TEXT, "reply_to": BUYER}
        asked |= {"buyer": "Ville de Pantin", "confirme": "oui"}
        told = page.post(address + "/contacter", data=asked).text
        assert "2 structures : message en cours d'envoi" in told.replace("’", "'").replace("&#39;", "'")
        assert "1 structure : aucune adresse de courriel connue" in told
        left(store)
        sent = mails(settings.outbox)
        assert {m["To"] for m in sent} == {"contact@allees.example", "vert@asso.example"}
        bodies = [m.get_content() for m in sent]
        links = [re.findall(r"https://maillage\.example(/q/\S+)", body)[0] for body in bodies]
        assert len(set(links)) == 2 and len({re.sub(r"/q/\S+", "", body) for body in bodies}) == 1
        for mail in sent:
            assert mail["Reply-To"] == BUYER and mail["Bcc"] is None
            assert TEXT.splitlines()[0] in mail.get_content()
            assert mail.get_content_type() == "text/plain"
        # asked once; the one without an address may be tried again
        page.post(address + "/contacter", data=asked)
        left(store)
        assert len(mails(settings.outbox)) == 2
        assert "même pour toutes" in page.get(f"{address}/ecrire?s={SIRET}").text
        mine = next(link for link in links if SIRET in link)
        page.cookies.clear()
        for _ in range(3):  # scanners follow links: nothing is answered by reading
            shown = page.get(mine)
            assert shown.status_code == 200 and "réalisez-vous la taille de haies" in shown.text
            assert "<script>alert" not in shown.text
        assert page.get(mine[:-1] + ("0" if mine[-1] != "0" else "1")).status_code == 403
        assert page.get(mine.replace(SIRET, OTHER)).status_code == 403
        assert page.post(mine, data={"text": "oui"}).status_code == 422
        done = page.post(mine, data={"interest": "partly", "text": "=1+1 <b>dès mars</b>"})
        assert "l'acheteur a votre réponse" in done.text
    found = record_.read(store, owner(store), address.rsplit("/", 1)[1])
    assert [e.siret for e in found.events if e.kind == "unsent"] == [MUTE]  # asked twice, noted once
    assert {(e.payload or {})["reply_to"] for e in found.events if e.kind == "queued"} == {BUYER}
    said = [(e.siret, e.payload or {}) for e in found.events if e.kind == "answered"]
    assert [(s, word["interest"], word["by"]) for s, word in said] == [(SIRET, "partly", "structure")]
    assert record_.verify(store, owner(store), found.id).holds
    record_.report(store, owner(store), found.id, SIRET, "called", text="rappeler lundi")
    found = record_.read(store, owner(store), found.id)
    rows = {row["siret"]: row for row in exports.rows(found)}
    assert "rappeler lundi" in rows[SIRET]["notes"] and "dès mars" not in rows[SIRET]["notes"]
    assert "dès mars" in rows[SIRET]["answer"] and rows[OTHER]["answer"] == ""
    personal.erase(store, SIRET)
    assert record_.verify(store, owner(store), found.id).holds
    with client(settings) as page:
        assert page.get(mine).status_code == 404


def test_those_whose_trade_is_unknown_are_asked_at_once(settings: Settings, store: Store) -> None:
    with client(settings) as page:
        signed_in(page, "buyer")
        painting = {"need": "peinture de bureaux", "place": "Pantin"}
        shown = page.post("/acheteur", data=painting)
        de = shown.url.path.removeprefix("/acheteur/r/")
        assert "Les Tilleuls" in shown.text and "Lui demander si elle le fait" in shown.text
        act = {"de": de, "lot": "", "retour": shown.url.path, "faire": "demander"}
        form = page.post("/acheteur/cochees", data=act)
        assert form.url.path.endswith("/ecrire") and "Les Tilleuls" in form.text
        record = form.url.path.removesuffix("/ecrire")
        assert "À interroger" in page.get(record).text
        asked = {"sirets": [SILENT], "message": TEXT, "reply_to": BUYER, "buyer": "Ville"}
        page.post(record + "/contacter", data={**asked, "confirme": "oui"})
        left(store)
        (mail,) = mails(settings.outbox)
        (mine,) = re.findall(r"https://maillage\.example(/q/\S+)", mail.get_content())
        page.cookies.clear()
        assert "pour le métier" in page.get(mine).text
        for interest, offers, denied in (("yes", 1, ()), ("no", 0, ("trade:peinture",)), ("yes", 1, ())):
            page.post(mine, data={"interest": interest, "retenir": "1"})
            word = self_declared.read(store, SILENT)
            assert (len(word.facts["offers"]), word.denied) == (offers, denied)
        page.post(mine, data={"interest": "no"})  # told to the buyer alone
        assert self_declared.read(store, SILENT).denied == ()


def owner(store: Store) -> str:
    return next(bearer.actor for bearer in keys.listed(store) if bearer.may("buyer"))


def test_a_visitor_without_a_key_sends_no_mail_by_a_server(settings: Settings) -> None:
    given = Settings(**{**settings.model_dump(), "smtp": "smtp://127.0.0.1:1"})
    with client(given) as page:
        address = kept(page)
        asked = {"sirets": [SIRET], "message": TEXT, "buyer": "Ville", "confirme": "oui"}
        told = page.post(address + "/contacter", data=asked).text
        assert "Message préparé pour 1 structure" in told and "mailto:?bcc=contact%40allees.example" in told
        assert not list(settings.outbox.glob("*"))


def test_by_a_real_server_and_when_it_is_down(settings: Settings, store: Store) -> None:
    server = MailServer(lambda address: "550 no such user" if address.startswith("vert@") else "250 OK")
    given = Settings(**{**settings.model_dump(), "smtp": server.url})
    head = {"X-API-Key": keys.create(store, ["buyer"])}
    with TestClient(create_app(given), headers=head) as api:
        record = api.post("/v1/sourcing", json={"need": "taille de haies", "place": "Pantin"}).json()["id"]
        asked = {"sirets": [SIRET, OTHER], "message": TEXT, "reply_to": BUYER}
        at = f"/v1/sourcing/{record}/contacts"
        with ThreadPoolExecutor(8) as pool:  # no server yet: the letters wait in the queue, each once
            outcomes = [a.json()["outcomes"] for a in pool.map(lambda _: api.post(at, json=asked), range(8))]
        assert sorted(map(str, outcomes)) == ["{'queued': 2}", *["{}"] * 7]
        with server.running():
            # asked once, and the queue is looked at again
            assert api.post(at, json=asked).json()["outcomes"] == {}
            assert left(store) == {SIRET: "sent", OTHER: "failed"}
        assert [mail["Reply-To"] for _, mail in server.received] == ["achats@ville.example"]
        bad = api.post(at, json={**asked, "reply_to": "nobody"})
        assert bad.status_code == 422
    assert alerts.chosen(store, OTHER).barred is False  # the directory's address refused, not one of its own
    assert store.ask(select(Unsubscription.__table__)).first() is not None


def test_a_whole_list_is_kept_in_pages(settings: Settings, store: Store, tmp_path: Path) -> None:
    many = [made.structure(300_000_000 + n, f"Haies {n}", "Taille de haies", **AT) for n in range(320)]
    save_catalogue(build_catalogue(many, [], Recipe()), tmp_path / "many")
    given = Settings(**{**settings.model_dump(), "catalogue": tmp_path / "many"})
    head = {"X-API-Key": keys.create(store, ["buyer"])}
    with TestClient(create_app(given), headers=head) as api:
        record = api.post("/v1/sourcing", json={"need": "taille de haies", "place": "Pantin", "n": 3}).json()
        assert record["lines"] == {"need-1": 320}
        assert api.get(f"/v1/sourcing/{record['id']}/replay").json()["same"] is True
        told = api.get(f"/v1/sourcing/{record['id']}/export/csv").content.decode("utf-8-sig").splitlines()
        assert len(told) == 321
        assert "raisons" in told[0].lower() and all(line.count(";") >= 18 for line in told[1:])
    with client(given) as page:
        signed_in(page, "buyer")
        address = kept(page, need="taille de haies")
        first, second = page.get(address).text, page.get(address + "?debut=51").text
        ticks = [set(re.findall(r'name="sirets" value="(\d+)"', text)) for text in (first, second)]
        assert len(ticks[0]) == len(ticks[1]) == 50 and not ticks[0] & ticks[1]
        whole = page.get(address + "?tout=oui").text  # to print
        (total,) = re.findall(r'aria-current="page">[^<]+<span class="meta">(\d+)<', whole)
        assert len(re.findall(r'name="sirets"', whole)) == int(total) > 100


def test_a_notice_of_many_lots_stays_a_light_page(settings: Settings) -> None:
    words = "Entretien des espaces verts, tonte, taille de haies et désherbage de la zone "

    def lot(n: int) -> Lot:
        description = f"{words} numéro {n}. " * 12
        return replace(HEDGES, id=str(n), number=str(n), title=words + str(n), description=description)

    lots = tuple(map(lot, range(1, 301)))
    with client(settings) as page, Store.open(settings.store) as store:
        held = {"notice": codec.to_json(replace(NOTICES[0], lots=lots))}
        at = "/acheteur/r/" + searches.keep(store, held)
        for query in ("", "?page=50", "?lot=7", "?vue=groupes"):
            found = page.get(at + query)
            assert found.status_code == 200 and len(found.content) < 120_000
        assert "Lot 300" in page.get(at + "?page=50").text
        assert page.get("/acheteur/r/nothing").status_code == 404


def test_feeds_tell_what_is_new(settings: Settings) -> None:
    names = {"a": "http://www.w3.org/2005/Atom"}
    with TestClient(create_app(settings)) as api:
        counts = {"/v1/notices.atom": 2, "/v1/notices.atom?q=services%202": 1}
        for at, count in (counts | {f"/v1/structures/{SIRET}/opportunities.atom": 2}).items():
            told = api.get(at)
            assert told.status_code == 200 and told.headers["content-type"].startswith("application/atom+xml")
            feed = etree.fromstring(told.content)
            ids = feed.xpath("a:entry/a:id/text()", namespaces=names)
            assert len(ids) == len(set(ids)) == count
            assert all(feed.xpath(f"a:{n}", namespaces=names) for n in ("id", "title", "updated", "author"))
            assert api.get(at, headers={"if-none-match": told.headers["etag"]}).status_code == 304
        later = etree.fromstring(api.get("/v1/notices.atom?since=2030-01-01").content)
        assert not later.xpath("a:entry", namespaces=names)


def test_a_structure_edits_denies_and_chooses_its_alerts(settings: Settings, store: Store) -> None:
    with client(settings) as page:
        signed_in(page, f"structure:{OTHER}", "read")
        at = f"/structure/{OTHER}"
        assert "Blanchisserie" in page.get(at).text
        # what it denies is gone at once, everywhere
        ask = {"need": "blanchisserie à Pantin"}
        assert "Au Vert" in page.post("/acheteur", data=ask).text
        page.post(at + "/metier", data={"skill": "trade:blanchisserie"})
        assert "Au Vert" not in page.post("/acheteur", data=ask).text.partition("<footer")[0]
        shown = page.get(at).text
        assert "Ce n'est pas votre métier" in shown and "C'est bien notre métier" in shown
        parts = page.get(f"/v1/structures/{OTHER}/opportunities").json()["items"]
        assert parts and {item["lot"]["number"] for item in parts} == {"1"}
        why = page.get("/v1/explain", params={"siret": OTHER, "notice_id": "n1", "lot": "2"}).json()
        assert [w["state"] for w in why] == ["denied"]
        page.post(at + "/metier", data={"skill": "trade:blanchisserie", "verdict": "oui"})
        assert "Au Vert" in page.post("/acheteur", data=ask).text
        # its own words
        words = {"phone": "01 99 00 00 02", "radius": "45 km", "turnover": "1 200 000 €"}
        words |= {"departments": "93, 2a"}
        assert "01 99 00 00 02" not in page.post("/acheteur", data=ask).text
        assert "Votre fiche est gardée" in page.post(at + "/fiche", data=words).text
        # who searches calls the new number at once
        assert "01 99 00 00 02" in page.post("/acheteur", data=ask).text
        assert "01 99 00 00 02" in page.get(f"/acheteur/structure/{OTHER}").text
        wrong = {"email": "x", "departments": "93, 99", "turnover": "beaucoup", "phone": "01 99"}
        again = page.post(at + "/fiche", data=wrong)
        assert again.status_code == 422 and 'value="beaucoup"' in again.text
        assert set(re.findall(r'id="(\w+)-fault"', again.text)) == {"email", "departments", "turnover"}
        brochure = {"text": "Nous assurons la mise sous pli et le gardiennage."}
        found = page.post(at + "/brochure", data=brochure).text
        value = html.unescape(re.findall(r'name="offer" value="([^"]+)"', found)[0])
        kept_ = page.post(at + "/offres", data={"offer": value}).text
        assert "bientôt dans le classement" in kept_
        said = self_declared.read(store, OTHER)
        assert said.facts["zone"] == {"radius_km": 45.0, "departments": ["93", "2A"], "country": False}
        assert said.facts["turnover"] == 1_200_000 and len(said.facts["offers"]) == 1
        assert page.post(at + "/offres", data={"offer": "{"}).status_code == 422
        # alerts
        page.post(at + "/alertes", data={"frequency": "weekly", "address": "a@asso.example"})
        assert alerts.chosen(store, OTHER) == alerts.Alerts("weekly", "a@asso.example")
        stopped = page.post(at + "/alertes", data={"frequency": "off"})
        assert "Vous ne recevez pas" in stopped.text
        assert alerts.chosen(store, OTHER).frequency == "off"
        page.post(at + "/alertes", data={"frequency": "daily"})
        assert alerts.chosen(store, OTHER).frequency == "daily"
        # a rival may none of it
        theirs = {"skill": "trade:nettoyage", "frequency": "off"}
        for way in ("metier", "fiche", "offres", "alertes"):
            assert page.post(f"/structure/{SIRET}/{way}", data=theirs).status_code == 403
        head = holding(page, f"structure:{OTHER}")
        page.put(f"/v1/structures/{OTHER}/profile", json={"offers": []}, headers=head)
        # a profile written anew keeps the alerts
        assert alerts.chosen(store, OTHER).address == "a@asso.example"


def test_no_path_of_the_machine_in_what_a_visitor_reads(settings: Settings, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(settings.catalogue, tmp_path / "broken")
    (tmp_path / "broken" / "evidence.arrow").write_bytes(b"")
    for folder in (tmp_path / "broken", tmp_path / "absent"):
        given = Settings(**{**settings.model_dump(), "catalogue": folder})
        with client(given) as page:
            for at in ("/v1/health", "/v1/health/readiness", "/", "/v1/notices", "/acheteur"):
                told = page.get(at).text
                assert str(tmp_path) not in told and str(tmp_path.parent) not in told, at
            assert "matcher index" in page.get("/v1/health").text


def test_a_record_says_its_filters(settings: Settings, store: Store) -> None:
    with client(settings) as page:
        signed_in(page, "buyer")
        asked = {"need": "haies à Pantin", "radius": "30", "kinds": "insertion", "active": "oui"}
        text = page.get(kept(page, **asked)).text
        assert "à 30 km au plus" in text and "établissements fermés écartés" in text and "types ACI" in text
