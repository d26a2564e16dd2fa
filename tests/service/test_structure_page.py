"""A structure's own pages: what it says is right at once, what is supposed of it is never told as said; refusals; claims."""

import html
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote

import pytest
from fastapi.testclient import TestClient
from service.app import create_app
from service.page import gaps, render
from service.settings import Settings

from mail_server import MailServer
from matcher.catalogue.build import build_catalogue
from matcher.domain import READ_ON_SITE, Lot, Offer, Place, Recipe, Structure, Zone
from matcher.outreach import links
from matcher.records import self_declared
from pages_client import OTHER, SIRET, PagesClient, signed_in
from serving import until


def test_what_was_saved_is_shown_and_no_longer_asked_for(page: TestClient, settings: Settings) -> None:
    signed_in(page, f"structure:{SIRET}", "read")
    form = {"phone": "01 99 00 77 77", "radius": "25", "turnover": "250000"}
    saved = page.post(f"/structure/{SIRET}/fiche", data=form).text
    asked = saved[saved.index('id="ameliorer"') : saved.index('id="fiche"')]
    fiche = saved[saved.index('id="fiche"') : saved.index('id="alertes"')]
    assert "01 99 00 77 77" in fiche and "25 km autour" in fiche and "la structure elle-même" in fiche
    for piece in ("Donnez un téléphone", "Dites où vous intervenez", "Indiquez votre chiffre"):
        assert piece not in asked
    page.cookies.clear()
    assert "01 99 00 77 77" in page.get(f"/structure/{SIRET}").text  # for everybody


def supposed(text: str) -> list[str]:
    found = re.search(r"Souvent, pour une telle structure : ([^<]*)\.", html.unescape(text))
    return found[1].split(", ") if found else []


def test_supposed_trades(page: TestClient, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    guess = [("cycles", 0.6), ("blanchisserie", 0.4)]
    monkeypatch.setattr(gaps, "inferred_trades", lambda catalogue, row: guess)
    assert supposed(page.get(f"/structure/{SIRET}").text) == ["cycles", "blanchisserie"]
    assert "cycles" not in page.get(f"/v1/structures/{SIRET}").text.lower()  # no offer holds what is supposed
    signed_in(page, f"structure:{SIRET}", "read")
    yes = page.post(f"/structure/{SIRET}/offres", data={"title": "Cycles"})
    assert supposed(yes.text) == ["blanchisserie"]
    no = page.post(f"/structure/{SIRET}/metier", data={"skill": "trade:blanchisserie"})
    assert supposed(no.text) == []
    assert "Ce n'est pas votre métier" in no.text


HERE = Place(department="93", latitude=48.9, longitude=2.4)
NEAR, FAR = replace(HERE, latitude=48.95), Place(department="57", latitude=49.1, longitude=6.2)
GARDENS = Structure(siret=SIRET, name="Les Allées", kind="EI", place=HERE)


@pytest.mark.parametrize(
    ("zone", "near", "far"),
    [
        (None, True, False),
        (Zone(radius_km=2), False, False),
        (Zone(departments=("57",)), False, True),
        (Zone(country=True), True, True),
    ],
)
def test_reach_is_what_it_says_else_what_lies_near(zone: Zone | None, near: bool, far: bool) -> None:
    one = replace(GARDENS, zone=zone, description="Tonte")
    held: Any = SimpleNamespace(catalogue=build_catalogue([one], [], Recipe()))
    assert gaps.reaches(one, Lot(id="a", title="x", places=(NEAR,)), held) is near
    assert gaps.reaches(one, Lot(id="b", title="x", places=(FAR,)), held) is far
    assert gaps.reaches(one, Lot(id="c", title="x"), held)


def test_each_piece_tells_the_notices_of_the_last_year_that_it_would_bring(page: TestClient) -> None:
    serving = page.app.state.serving.get()  # type: ignore[attr-defined]
    today, base = datetime.now(UTC).date(), serving.answerable()[0]
    lot = Lot(id="l", title="Tonte et entretien des espaces verts", places=(NEAR,))
    days = (today, today, today.replace(year=today.year - 2))
    tenders = [
        replace(base, id=f"n{n}", published=day, lots=(replace(lot, id=f"l{n}"),))
        for n, day in enumerate(days)
    ]
    last: Any = SimpleNamespace(catalogue=serving.catalogue, answerable=lambda: tenders)
    last.once = lambda name, make: make()
    unsaid: dict[str, Any] = {"phone": "", "email": "", "zone": None, "turnover": None, "headcount": None}
    unsaid |= {"offers": (Offer(id="a", title="Tonte"),), "place": HERE}
    bare = replace(serving.structure(SIRET), **unsaid)
    (gap,) = (gap for gap in gaps.gaps(bare, last) if gap.code == "contact")
    assert gap.notices == 2
    assert "contact" not in {gap.code for gap in gaps.gaps(replace(bare, phone="01"), last)}


def test_contacts_and_proof_of_life_stand_wherever_a_structure_is_named() -> None:
    """A structure with a site alone has a contact, in a group too; its state by the register and its convention have a day."""
    macros = render._environment.get_template("rows.html").module
    known: dict[str, Any] = {"active": True, "checked": datetime(2026, 3, 2).date(), "convention": "active"}
    site = replace(GARDENS, website="https://allees.example", **known)
    assert "https://allees.example" in macros.contacts(site) and "à chercher" not in macros.contacts(site)  # type: ignore[attr-defined]
    told = macros.proof(site)  # type: ignore[attr-defined]
    assert "en activité au" in told and "2026" in told and "convention en vigueur" in told
    assert "fermée" in macros.proof(replace(site, active=False))  # type: ignore[attr-defined]


def test_a_site_is_left_unread(page: TestClient, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATCHER_STORE", str(settings.store))
    signed_in(page, f"structure:{SIRET}", "read")
    saved = page.post(f"/structure/{SIRET}/fiche", data={"unread": "oui"}).text
    assert re.search(r'name="unread" value="oui" checked', saved)
    assert self_declared.unread_sites() == {SIRET}
    read = Offer(id="r", title="Lavage de vitres", inferred=True, source=f"{READ_ON_SITE}01/11/2026")
    listed = Structure(siret=SIRET, name="Les Allées", place=Place(), offers=(read,), source="annuaire")
    assert self_declared.overlay_from_store([listed])[0][0].offers == ()
    page.post(f"/structure/{SIRET}/fiche", data={})
    assert self_declared.unread_sites() == frozenset()


SEEN = [f"structure:{SIRET}", "read"]


@pytest.fixture
def member(settings: Settings, open_sample: Path) -> Iterator[PagesClient]:
    """A visitor of a service with open notices, which nobody reads without a key."""
    given = settings.model_copy(update={"catalogue": open_sample, "read": "key"})
    with PagesClient(create_app(given), headers={"accept": "text/html"}) as client:
        yield client


def offered(text: str) -> list[tuple[str, str]]:
    return re.findall(r"/ecarter\?avis=([^&]+)&amp;lot=([^\"]+)", text)


def test_a_trade_denied_hides_as_many_lots_as_announced_and_comes_back(member: PagesClient) -> None:
    signed_in(member, *SEEN)
    before = offered(member.get(f"/structure/{SIRET}").text)
    notice, lot = before[0]
    asked = member.get(f"/structure/{SIRET}/ecarter?avis={notice}&lot={lot}").text
    offers = r'value="(trade-[\w-]+)"> <span>[^<]+<br><span class="meta">(\d+) lot'
    scope, count = re.findall(offers, asked)[0]
    assert int(count) > 0
    notice, lot = unquote(notice), unquote(lot)
    word = {"notice_id": notice, "lot_id": lot, "motif": scope}
    told = member.post(f"/structure/{SIRET}/ecarter", data=word)
    assert "Sont cachés aussi" in told.text
    hidden = set(before) - set(offered(told.text))
    assert 0 < len(hidden) <= int(count) + 1
    skill = re.findall(r'name="skill" value="([^"]*)"', told.text)[0]
    assert skill.startswith("trade:")
    undone = {"notice_id": notice, "lot_id": lot, "skill": skill}
    back = member.post(f"/structure/{SIRET}/reprendre", data=undone)
    assert offered(back.text) == before
    assert "not-our-trade" not in asked  # a trade is denied by what the refusal bears on
    for motif in ("nothing", "not-our-trade"):
        assert member.post(f"/structure/{SIRET}/ecarter", data={**word, "motif": motif}).status_code == 422


def test_reasons_of_a_partner_are_few_and_tell_something(member: PagesClient) -> None:
    signed_in(member, *SEEN)
    text = member.get(f"/structure/{SIRET}/partenaires?avis=26-130377").text
    structures, firms, *_ = re.findall(r'<ul class="plain lines">(.*?)</ul>', text, flags=re.S)
    lines = structures.split("<li>")[1:] + firms.split("<li>")[1:]
    told = re.compile(
        r"<br>Prend .* : (?:ces? métiers? .*?à vérifier : )?(?:selon sa fiche,|a eu|activité au registre) «"
    )
    assert len(lines) > 2 and all(map(told.search, lines))
    assert "aucun marché public connu" not in text


def test_a_feed_reader_fetches_by_the_token_alone(member: PagesClient) -> None:
    signed_in(member, *SEEN)
    feed = re.findall(r'href="(/v1/structures/[^"]+atom[^"]*)"', member.get(f"/structure/{SIRET}").text)[0]
    member.cookies.clear()
    assert member.get(feed).status_code == 200
    assert member.get(feed.partition("?")[0]).status_code == 401
    assert member.get(feed.replace(SIRET, OTHER)).status_code == 401
    assert links.token("feed", "/v1/notices.atom") not in feed


def test_a_trade_that_is_stated_brings_its_lots_and_takes_them_away(page: PagesClient) -> None:
    signed_in(page, *SEEN)
    at = f"/structure/{SIRET}"

    def lots(text: str) -> set[str]:
        return set(re.findall(r'<h4><a href="[^"]+">([^<]+)<', text))

    before, title = lots(page.get(at).text), "Nettoyage de bureaux, d'écoles et de gymnases"
    stated = page.post(at + "/offres", data={"title": title}).text
    assert lots(stated) > before and "dès maintenant" in stated
    assert lots(page.post(at + "/offres", data={"retirer": title}).text) == before


ASKING = {"name": "Aline Petit", "role": "directrice", "address": "aline@allees.example"}
ASKING |= {"reason": "Corriger nos métiers"}


def ask(page: TestClient, **changed: str) -> str:
    path = f"/structure/{SIRET}/revendiquer"
    return page.post(path, data={**ASKING, **changed}).text


def desk(page: TestClient) -> str:
    signed_in(page, "operator")
    return page.get("/exploitant").text


def decide(page: TestClient, text: str, **choice: str) -> str:
    wanted = re.findall(r'action="(/exploitant/demandes/[^"]+)"', text)[0]
    return page.post(wanted, data=choice).text


def test_the_operator_sees_who_asks_and_why(page: TestClient) -> None:
    assert "Demande enregistrée" in ask(page)
    shown = desk(page)
    for said in (*ASKING.values(), "téléphone connu"):
        assert said in shown
    assert "Demande enregistrée" not in ask(page, name="", address="nobody")


def test_a_second_claim_is_not_swallowed_and_a_refused_one_can_be_made_again(page: TestClient) -> None:
    ask(page)
    ask(page, reason="J'ai oublié : nous avons déménagé")  # the same person corrects the claim
    ask(page, name="Bruno Roy", address="bruno@ailleurs.example")
    shown = desk(page)
    assert shown.count("/exploitant/demandes/") == 2
    assert "déménagé" in shown and "Bruno Roy" in shown
    assert "refusée" in decide(page, shown, verdict="non")
    left = page.get("/exploitant").text
    refused = "aline@allees.example" if "bruno@" in left else "bruno@ailleurs.example"
    ask(page, address=refused)
    assert page.get("/exploitant").text.count("/exploitant/demandes/") == 2


@pytest.mark.parametrize("way", ["letter", "phone"])
def test_a_letter_or_a_call_carries_a_code_that_opens_the_account_once(page: TestClient, way: str) -> None:
    ask(page, way=way)
    decided = decide(page, desk(page), verdict="oui", way=way)
    code = re.findall(r"[A-Z2-9]{4}-[A-Z2-9]{4}-[A-Z2-9]{4}", decided)[0]
    assert ("Imprimez" in decided) == (way == "letter")
    page.cookies.clear()
    assert "douze signes" in page.get("/revendication").text
    wrong = page.get("/revendication", params={"code": "ABCD-EFGH-JKLM"})
    assert wrong.status_code == 422 and 'value="ABCD-EFGH-JKLM"' in wrong.text and "relisez" in wrong.text
    shown = page.get("/revendication", params={"code": code.lower().replace("-", " ")})
    assert "Aline Petit (aline@allees.example)" in shown.text
    opens_once(page, f"/revendication/{code}")


def opens_once(page: TestClient, link: str) -> None:
    """Reading opens nothing, as scanners follow links; the button does, with an address to sign in again, and once."""
    assert [page.get(link).status_code for _ in range(3)] == [200] * 3
    assert page.post(link, data={}).status_code == 422
    opened = page.post(link, data={"address": "direction@allees.example"})
    assert "Compte ouvert" in opened.text and "mlg_" not in opened.text
    assert page.get(link).status_code == 404
    assert "Votre fiche" in page.get(f"/structure/{SIRET}").text


def test_an_approved_claim_is_mailed(settings: Settings, hedges: Path, smtp: MailServer) -> None:
    given = settings.model_copy(update={"catalogue": hedges, "smtp": smtp.url})
    with PagesClient(create_app(given), headers={"accept": "text/html"}) as page:
        ask(page)
        told = decide(page, desk(page), verdict="oui")
        until(lambda: bool(smtp.received))
        ((to, mail),) = smtp.received
        assert "a@allees.example" in told and to == ["a@allees.example"]
        page.cookies.clear()
        opens_once(page, re.findall(r"(/revendication/\S+)", mail.get_content())[0])
