"""What a buyer does from need to message: an address for each result, facets, corrections, ticks, records that are true, mails of a kept search."""

import email
import io
import json
import re
from datetime import date, datetime
from email import policy
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
from service.page import alert, facets
from service.settings import mail_transport
from sqlalchemy import select, update

from matcher.outreach import delivery
from matcher.outreach.sourcing import record as record_
from matcher.records.store import Store, now
from matcher.records.tables import Alert, Delivery, Letter, Sourcing, Webhook
from pages_client import PagesClient, exported, kept, reference, signed_in
from serving import as_documented, until

FIVE = (
    "Nettoyage des bureaux. Entretien des espaces verts. Blanchisserie du linge de la crèche. "
    "Préparation et service des repas du midi. Livraison des colis."
)


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
    named = page.get(at + "?tri=nom").text.partition('class="level"')[2]
    names = re.findall(r'class="who"><a[^>]+>([^<]+)<', named)
    away = re.findall(r"· (\d+|sur place)(?: km)?(?: ·|</span>)", first)
    kilometres = [0.0 if km == "sur place" else float(km) for km in away]
    assert len(kilometres) > 1 and kilometres == sorted(kilometres) and names
    # in the heading; a narrow view has it in its own list
    assert page.get(at + "?tri=metier").text.count('aria-current="true">Métier<') == 1
    assert page.get(at + "?type=ZZZ&km=abc&tri=zzz").status_code == 200
    ticked = page.get(f"{at}?type={value}&tri=distance").text
    assert re.search(r'removals".*?href="[^"?]*[?]tri=distance"', ticked, re.S)


def test_the_heading_of_the_trade_puts_what_is_known_first() -> None:
    lines: list[Any] = [
        SimpleNamespace(stated=stated, known=known)
        for stated, known in ((False, ""), (False, "son nom"), (True, "déclaré"))
    ]
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


def test_several_lots_say_who_is_to_be_asked_and_what_one_may_take_alone(page: PagesClient) -> None:
    asked = {"need": "Lot 1 : traiteur\nLot 2 : réparation de vélos", "place": "Rouen"}
    nobody = page.post("/acheteur", data=asked).text
    assert "le fait peut-être : à interroger" in nobody
    assert ('type="checkbox"' in nobody) == ("Écrire aux cochées" in nobody)
    lots = "Lot 1 : nettoyage des bureaux\nLot 2 : espaces verts\nLot 3 : fourniture d'un scanner IRM"
    for town, alone in (("Nanterre", ["2 sur 3"]), ("Bobigny", [])):  # there a group takes more than one does
        shown = page.post("/acheteur", data={"need": lots, "place": town}).text
        assert re.findall(r"peut prendre (.+?) seule", shown) == alone
    far = {"need": "Nettoyage des bureaux, entretien des espaces verts et blanchisserie", "place": "Bobigny"}
    takes = r'class="takes"[^>]*>✓ prend <span class="meta">\(([^<]+)\)<'
    cells = re.findall(takes, page.post("/acheteur", data=far).text)
    assert any("zone non déclarée : déplacement à confirmer" in each for each in cells)  # as in a terminal


def test_what_was_misunderstood_is_corrected_at_an_address_of_its_own(page: PagesClient) -> None:
    found = reference(page, need="entretien du parc", place="Pantin")
    before = page.get("/acheteur/r/" + found).text
    asked = {"de": found, "lot": "1", "metier": "mecanique"}
    fixed = page.post("/acheteur/corriger", data=asked)
    assert "<summary>Mécanique et entretien de véhicules</summary>" in fixed.text
    assert "Compris d'après vous" in fixed.text and str(fixed.url.path) != f"/acheteur/r/{found}"
    assert "<summary>Mécanique et entretien de véhicules</summary>" not in before
    assert page.get("/acheteur/r/" + found).text.count('class="row"') == before.count('class="row"')
    coded = page.post("/acheteur/corriger", data={**asked, "metier": "cpv:50110000"}).text
    assert "CPV 50110000" in coded and "<summary>Mécanique et entretien de véhicules</summary>" in coded
    bought = page.post("/acheteur/corriger", data={"de": found, "lot": "1", "nature": "supply"}).text
    assert "<summary>Fournitures</summary>" in bought and "<summary>Fournitures</summary>" not in before
    assert 'class="chip">À la taille d\'une structure<' in before  # who can carry it is told in the same line
    reserved = page.post("/acheteur/corriger", data={"de": found, "lot": "1", "reserve": "L2113-12"}).text
    assert "Réservé (L2113-12)" in reserved
    moved = page.post("/acheteur/corriger", data={"de": found, "place": "Nanterre"}).text
    assert "Nanterre (92)" in moved
    assert page.post("/acheteur/corriger", data={"de": found, "place": "Xyzzyville"}).status_code == 422


def test_words_that_name_no_trade_are_not_said_to_be_read_from_a_code(page: PagesClient) -> None:
    text = page.get("/acheteur/r/" + reference(page, need="fourniture de zorglub", place="Pantin")).text
    assert "Métier non reconnu" in text and "CPV" not in text.partition('<select id="metier')[0]
    assert "code CPV" not in text
    assert "la taille d'une" not in text and "Au-delà de leur taille" not in text


def test_errors_stand_next_to_their_field_and_in_a_summary(page: PagesClient) -> None:
    for name, value in {"need": " ", "place": "Xyzzyville", "radius": "x"}.items():
        wrong = page.post("/acheteur", data={"need": "pain", name: value})
        assert wrong.status_code == 422 and "<title>Erreur" in wrong.text
        assert all(mark in wrong.text for mark in (f'href="#{name}"', f'id="{name}-fault"', f'id="{name}"'))
    strange = page.post("/acheteur", data={"need": ""}, files={"file": ("x.xml", b"<a/>")})
    assert strange.status_code == 422 and 'id="file-fault"' in strange.text
    assert "Traceback" not in strange.text
    assert page.get("/nulle-part").status_code == 404 and "Introuvable" in page.get("/nulle-part").text


def test_ticked_structures_are_compared_set_aside_and_written_to(page: PagesClient) -> None:
    found = reference(page, need="taille de haies", place="Pantin")
    at = "/acheteur/r/" + found
    sirets = ticks(page.get(at).text)[:2]
    act = {"de": found, "lot": "", "retour": at}
    none = page.post("/acheteur/cochees", data={**act, "faire": "ecrire"})
    assert none.url.path == at and "Rien n'est coché" in none.text
    compared = page.post("/acheteur/cochees", data={**act, "faire": "comparer", "s": sirets})
    assert compared.text.count('scope="col"') == 2 and compared.url.path == "/acheteur/comparer"
    assert page.get(str(compared.url)).status_code == 200  # it can be sent to a colleague
    aside = page.post("/acheteur/cochees", data={**act, "faire": "favoris", "s": sirets})
    assert aside.text.count(">Retirer</button>") == 2
    less = page.post("/acheteur/favoris", data={"siret": sirets[0], "verdict": "non"})
    assert less.text.count(">Retirer</button>") == 1
    written = page.post("/acheteur/cochees", data={**act, "faire": "ecrire", "s": sirets})
    assert "Écrire à 2 structures" in written.text and written.url.path.endswith("/ecrire")
    away = {**act, "faire": "comparer", "retour": "//elsewhere.example/x"}
    assert page.post("/acheteur/cochees", data=away).url.host == "testserver"


LETTER = {"message": "Bonjour, réalisez-vous cette prestation ?", "buyer": "Ville de Pantin"}
LETTER |= {"reply_to": "a@v.example"}


def listed(text: str) -> list[str]:
    return re.findall(r'name="sirets" value="(\d+)"', text)


def test_a_call_is_noted_with_its_text_for_the_buyer_alone(page: PagesClient) -> None:
    from matcher.outreach import links

    address = kept(page, need="taille de haies", place="Pantin")
    siret = listed(page.get(address).text)[0]
    given = {"siret": siret, "fait": "called", "qui": "Mme Ba", "text": "Elle rappelle jeudi."}
    told = page.post(address + "/noter", data={**given, "suite": "Relancer", "le": "2026-12-03"}).text
    for one in ("appelée au téléphone, Mme Ba", "Elle rappelle jeudi.", "À suivre : Relancer, le 03/12/2026"):
        assert one in told
    word = {**given, "fait": "answered", "text": "Partante, dit-elle."}
    answered = page.post(address + "/noter", data=word)
    assert "noté par vous" in answered.text and "Elle rappelle jeudi." in page.get(address + "/note").text
    assert "1 suivie" in page.get("/acheteur/fiches").text
    row = next(row for row in exported(page, address) if row["SIRET"] == siret)
    assert "Mme Ba" in row["Notes"] and row["Réponse"] == "Partante, dit-elle."
    page.post(address + "/contacter", data={**LETTER, "sirets": [siret], "confirme": "oui"})
    identifier = address.rsplit("/", 1)[1]
    hers = page.get(link := links.question_link("", identifier, siret)).text
    assert "Ville de Pantin" in hers and "Partante" not in hers and "jeudi" not in hers
    assert "message ouvert" not in page.get(address).text  # a message is opened by its button alone
    page.post(link + "/lu")
    assert "message ouvert" in page.get(address).text
    with Store.open(page.app.state.settings.store) as store:  # type: ignore[attr-defined]
        assert record_.verify(store, store.ask(select(Sourcing.owner)).scalar_one(), identifier).holds
    for wrong in ({"text": ""}, {"fait": "unheard of"}, {"siret": "1"}):
        shown = page.post(address + "/noter", data={**given, "fait": "answered", **wrong})
        assert shown.status_code == 422
    typed = page.post(address + "/noter", data={**given, "le": "jeudi"})
    assert typed.status_code == 422 and "Elle rappelle jeudi.</textarea>" in typed.text


def test_a_structure_is_set_aside_with_a_reason_taken_back_and_promoted(page: PagesClient) -> None:
    address = kept(page, need="mise sous pli", place="Paris")
    siret = listed(page.get(address).text)[0]
    assert page.post(address + "/noter", data={"siret": siret, "fait": "aside"}).status_code == 422
    page.post(address + "/noter", data={"siret": siret, "fait": "aside", "text": "Déjà titulaire"})
    assert siret not in listed(page.get(address + "?vue=appeler").text)
    assert "Déjà titulaire" in page.get(address + "?vue=ecartees").text
    page.post(address + "/noter", data={"siret": siret, "fait": "restored"})
    assert siret in listed(page.get(address + "?vue=appeler").text)
    whole = listed(page.get(address + "?vue=toutes").text)
    other = next(s for s in whole if s not in listed(page.get(address + "?vue=appeler").text))
    page.post(address + "/noter", data={"siret": other, "fait": "promoted"})
    assert other in listed(page.get(address).text)


def test_a_list_is_kept_as_it_is_narrowed_and_says_so(page: PagesClient) -> None:
    found = reference(page, need="entretien des espaces verts", place="Pantin")
    at = f"/acheteur/r/{found}"
    kind = re.findall(r'name="type" value="(\w+)"', page.get(at).text)[0]
    narrowed = page.get(f"{at}?type={kind}").text
    made = page.post("/acheteur/fiches", data={"de": found, "retour": f"{at}?type={kind}"})
    assert set(listed(page.get(f"{made.url}?vue=toutes").text)) == set(ticks(narrowed))
    assert f"limitée à : {kind}" in made.text and f"{kind} – " in page.get(f"{made.url}/note").text
    again = page.get(f"{made.url}?rejouer=oui").text
    assert "exactement la même liste" in again


def test_lists_have_names_and_dates_are_archived_and_shared(page: PagesClient) -> None:
    addresses = [kept(page, need="taille de haies", place="Pantin") for _ in range(3)]
    page.post(addresses[0] + "/ranger", data={"faire": "nommer", "nom": "Haies du printemps"})
    mine = page.get("/acheteur/fiches").text
    assert "Haies du printemps" in mine and mine.count("Pantin · le ") == 3
    page.post(addresses[1] + "/ranger", data={"faire": "archiver"})
    assert addresses[1] not in page.get("/acheteur/fiches").text
    assert addresses[1] in page.get("/acheteur/fiches?archives=oui").text
    shown = page.get(addresses[0]).text
    invitation = re.findall(r"http[^\"]+(/acheteur/fiches/[^\"]+/rejoindre/\w+)", shown)[0]
    owner = dict(page.cookies)
    page.cookies.clear()
    colleague = page.get(invitation).text
    for own in (addresses[0], f"{addresses[0]}/export.csv"):
        assert page.get(own).status_code == 404
    assert "Haies du printemps" in colleague
    assert page.get(invitation[:-1] + "z").status_code == 404
    joined = page.post(invitation, data={})
    siret = listed(joined.text)[0]
    note = {"siret": siret, "fait": "answered", "text": "Vue au salon"}
    assert "Vue au salon" in page.post(addresses[0] + "/noter", data=note).text
    refused = page.post(addresses[0] + "/ranger", data={**note, "faire": "separer"})
    assert refused.status_code == 404 and "partagée avec vous" in page.get("/acheteur/fiches").text
    theirs = dict(page.cookies)
    page.cookies.clear()
    page.cookies.update(owner)
    shown = page.get(addresses[0] + "?vue=suivies").text
    assert "Vue au salon" in shown and "noté par un collègue" in shown and "avec 1 collègue" in shown
    page.post(addresses[0] + "/ranger", data={"faire": "separer"})
    page.cookies.clear()
    page.cookies.update(theirs)
    assert page.get(addresses[0]).status_code == page.get(invitation).status_code == 404


def test_a_letter_is_shown_whole_before_it_is_sent(page: PagesClient, tmp_path: Path) -> None:
    address = kept(page, need="taille de haies", place="Pantin")
    text = page.get(address + "?vue=toutes").text
    asked = {**LETTER, "sirets": listed(text), "before": "15 janvier"}
    asked |= {"volume": "800 m", "place": "Pantin (93)"}
    for missing in ("message", "buyer", "reply_to"):
        short = page.post(address + "/contacter", data={**asked, missing: "x"})
        assert short.status_code == 422 and f'id="{missing}-fault"' in short.text
    shown = page.post(address + "/contacter", data=asked).text
    told = ("Acheteur : Ville de Pantin", "Lieu : Pantin (93)", "800 m", "15 janvier")
    assert all(words in shown for words in (*told, "Répondre en deux minutes"))
    assert not list((tmp_path / "outbox").glob("*.eml"))
    assert "Rien n'est encore noté" in page.get(f"{address}?vue=suivies").text
    again = page.post(address + "/contacter", data={**asked, "revoir": "oui"}).text
    assert "800 m</textarea>" in again
    sent = page.post(address + "/contacter", data={**asked, "confirme": "oui"}).text
    assert "message déposé" in sent or "message en cours d'envoi" in sent
    other = page.get(f"{address}/ecrire?s={asked['sirets'][0]}").text
    assert "repris tel quel" in other and "Acheteur : Ville de Pantin" in other


def test_who_cannot_be_reached_by_mail_is_said_before(page: PagesClient) -> None:
    address = kept(page, need="taille de haies", place="Pantin")
    siret = listed(page.get(address).text)[0]

    def without(what: str) -> str:
        with Store.open(page.app.state.settings.store) as store, store.writing() as connection:  # type: ignore[attr-defined]
            store.unsubscribe(connection, f"{what}:{siret}", "page")
        return page.get(f"{address}/ecrire?s={siret}").text

    assert "Écrire à 1 structure" in without("alerts")  # buyers may still ask
    shown = without("questions")
    assert "Aucune ne peut être jointe par courriel" in shown
    assert "ne veut plus de question par courriel" in shown
    assert "tel:" in shown and "<textarea" not in shown


def test_what_is_sealed_is_corrected_by_a_further_entry(page: PagesClient) -> None:
    address = kept(page, need="taille de haies", place="Pantin")
    siret = listed(page.get(address).text)[0]
    sent = page.post(address + "/noter", data={"siret": siret, "fait": "sent"}).text
    assert "message envoyé" in sent
    number = re.findall(r'name="number" value="(\d+)"', sent)[-1]
    correct = {"number": number, "text": "Envoyé la veille."}
    fixed = page.post(address + "/corriger", data=correct)
    assert "Correction : Envoyé la veille." in page.get(address + "?vue=suivies").text
    assert "Chaîne intacte" in fixed.text
    note = page.get(address + "/note").text
    assert "R2111-1" in note and "Envoyé la veille." in note and "Lieu</dt><dd>Pantin" in note
    wrong = page.post(address + "/corriger", data={**correct, "number": "1"})
    assert wrong.status_code == 422


def test_every_page_of_a_record_opens_and_its_note_and_exports_agree(page: PagesClient) -> None:
    import openpyxl

    address = kept(page, need="nettoyage des bureaux", place="Paris")
    for query in "?vue=toutes ?debut=51 ?debut=999999 ?vue=x".split():
        assert page.get(address + query).status_code == 200, query
    note = page.get(address + "/note").text
    counted = int(re.findall(r"(\d+) gardées? :", note)[0])
    told = re.findall(r"<td data-label=.À faire.>À (?:appeler|vérifier|interroger)<", note)
    rows = exported(page, address)
    assert counted == len(told) == len(rows) and all(row["SIRET"].isdecimal() for row in rows)
    assert all(row["Type"] or row["À faire"] in ("à appeler", "à vérifier") for row in rows)
    book = openpyxl.load_workbook(io.BytesIO(page.get(address + "/export.xlsx").content))
    assert book["Structures"].auto_filter.ref
    cells = [value for sheet in book for row in sheet.iter_rows(values_only=True) for value in row if value]
    assert any(isinstance(value, date | datetime) for value in cells)
    assert not any(str(value).startswith(("{", "[")) for value in cells)


def test_the_list_is_printed_and_exported_as_it_is_narrowed(page: PagesClient) -> None:
    import openpyxl

    found = reference(page, need="entretien des espaces verts", place="Pantin")
    kind = re.findall(r'name="type" value="(\w+)"', page.get(f"/acheteur/r/{found}").text)[0]
    shown = page.get(f"/acheteur/r/{found}?type={kind}").text
    offered = re.findall(r'href="(/acheteur/[il][^"]+)">(\w+)<', shown)
    links = {name: link.replace("&amp;", "&") for link, name in offered}
    rows = exported(page, links["CSV"], "")
    assert [row["SIRET"] for row in rows] == ticks(shown) and {row["Type"] for row in rows} == {kind}
    book = openpyxl.load_workbook(io.BytesIO(page.get(links["XLSX"]).content))
    assert book["Structures"].max_row == len(rows) + 1 and book["Recherche"]["B2"].value == "Pantin (93)"
    paper = page.get(links["Imprimer"]).text
    assert paper.count('class="notes"') == len(rows) and "Pantin (93)" in paper
    assert f"limitée à : {kind}" in paper


def test_a_reserved_lot_leads_to_whom_to_call_and_what_to_change(page: PagesClient) -> None:
    need = "tonte et taille de haies, marché réservé aux ESAT et EA (L2113-12)"
    reserved, open_ = (reference(page, need=words, place="Pantin") for words in (need, "tonte"))
    for found, leads in ((reserved, True), (open_, False)):
        assert ("/acheteur/relance?de=" in page.get(f"/acheteur/r/{found}").text) is leads
    told = page.get(f"/acheteur/relance?de={reserved}")
    assert told.status_code == 200
    assert all(words in told.text for words in ("À appeler", "À changer dans le lot", "/acheteur/structure/"))
    assert page.get(f"/acheteur/relance?de={open_}").status_code == 404


TO = "achats@ville.example"


def test_a_buyer_is_mailed_of_those_that_join_a_kept_search_until_its_link(page: PagesClient) -> None:
    signed_in(page, "buyer", "read")
    kept = reference(page, need="tonte et taille de haies", place="Pantin")
    where = f"/acheteur/alerte/{kept}"
    assert where in page.get(f"/acheteur/r/{kept}").text
    assert page.post(where, data={"address": "personne"}).status_code == 422
    assert "recevra un courriel" in page.post(where, data={"address": TO}).text
    app, store = page.app, page.app.state.store  # type: ignore[attr-defined]
    alert.look(app)  # the same catalogue: nobody joined
    (row,) = store.ask(select(Alert.__table__)).mappings().all()
    assert row["told"] and row["data"] == app.state.serving.current.matcher.versions["data"]

    def mails() -> list[str]:
        return [m for m in store.ask(select(Letter.mail).where(Letter.kind == "alert")).scalars() if m]

    assert mails() == []
    page.app.state.mailer.close()  # type: ignore[attr-defined]
    joined, *others = row["told"]
    hook = {"id": "h", "key_id": row["owner"].removeprefix("key:"), "url": "x", "events": ["search.joined"]}
    with store.writing() as connection:
        store.put(connection, Webhook, [{**hook, "created_at": now()}])
        connection.execute(update(Alert).values(told=others, data="the catalogue of before"))
    alert.look(app)
    alert.look(app)
    (mail,) = (email.message_from_string(one, policy=policy.default) for one in mails())
    event = as_documented(json.loads(store.ask(select(Delivery.body)).scalar_one()))
    assert event["type"] == "search.joined" and event["data"]["search"] == kept
    assert [each["siret"] for each in event["data"]["joined"]] == [joined]
    text = mail.get_content()
    assert f"/acheteur/r/{kept}" in text and text.count("\n- ") == 1
    assert set(store.ask(select(Alert.told)).scalar_one()) == {joined, *others}
    end = urlsplit(str(mail["List-Unsubscribe"]).strip("<>")).path
    page.cookies.clear()
    assert store.ask(select(Alert.id)).all()  # reading changes nothing
    assert "plus aucun message" in page.post(end, data={}).text
    assert not store.ask(select(Alert.id)).all()


@pytest.mark.parametrize("scopes", [(), ("read",)])
def test_only_a_buyer_has_mails_sent(page: PagesClient, scopes: tuple[str, ...]) -> None:
    kept = reference(page, need="tonte et taille de haies", place="Pantin")
    if scopes:
        signed_in(page, *scopes)
    assert "connectez-vous comme acheteur" in page.get(f"/acheteur/alerte/{kept}").text
    asked = page.post(f"/acheteur/alerte/{kept}", data={"address": TO})
    assert asked.status_code in (401, 403)


def test_a_search_that_fails_holds_no_mail(page: PagesClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(app: object) -> None:
        raise ValueError("a search of an earlier form")

    signed_in(page, "buyer")
    app, store = page.app, page.app.state.store  # type: ignore[attr-defined]
    monkeypatch.setattr(alert, "look", broken)
    transport, link = mail_transport(app.state.settings), "http://localhost/lien"
    with store.writing() as connection:
        delivery.queue(store, connection, transport, "sign-in", "", TO, link, link=link)
    app.state.mailer.wake()
    until(lambda: store.ask(select(Letter.status)).scalar_one() not in ("ready", "sending"))
    assert store.ask(select(Letter.status)).scalar_one() == "sent"
