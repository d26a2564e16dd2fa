"""A structure's own pages: what it says is right at once, what is supposed of it is never told as said; refusals, exchange."""

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
from service.page import gaps, render, structure
from service.settings import Settings

from matcher.catalogue.build import build_catalogue
from matcher.domain import READ_ON_SITE, Lot, Offer, Place, Recipe, Structure, Zone
from matcher.outreach import links
from matcher.records import self_declared
from matcher.records.store import Store
from pages_client import OTHER, SIRET, PagesClient, signed_in


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


def test_supposed_trades_are_reported_as_such_and_answered_by_one_click(
    page: TestClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
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
    bare, contact = replace(serving.structure(SIRET), **unsaid), "Donnez un téléphone ou un courriel"
    (gap,) = (gap for gap in gaps.gaps(bare, last) if gap.title == contact)
    assert gap.notices == 2 and "2 avis de l'an dernier étaient à votre portée" in gap.gain
    assert contact not in {gap.title for gap in gaps.gaps(replace(bare, phone="01"), last)}


def test_contacts_and_proof_of_life_stand_wherever_a_structure_is_named() -> None:
    """A structure with a site alone has a contact, in a group too; its state by the register and its convention have a day."""
    macros = render._environment.get_template("rows.html").module
    known: dict[str, Any] = {"active": True, "checked": datetime(2026, 3, 2).date(), "convention": "active"}
    site = replace(GARDENS, website="https://allees.example", **known)
    assert "https://allees.example" in macros.contacts(site) and "à chercher" not in macros.contacts(site)  # type: ignore[attr-defined]
    told = macros.proof(site)  # type: ignore[attr-defined]
    assert "en activité au" in told and "2026" in told and "convention en vigueur" in told
    assert "fermée" in macros.proof(replace(site, active=False))  # type: ignore[attr-defined]


def test_a_structure_forbids_its_site_to_be_read(
    page: TestClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MATCHER_STORE", str(settings.store))
    signed_in(page, f"structure:{SIRET}", "read")
    saved = page.post(f"/structure/{SIRET}/fiche", data={"unread": "oui"}).text
    assert re.search(r'name="unread" value="oui" checked', saved)
    assert self_declared.unread_sites() == {SIRET}
    read = Offer(id="r", title="Lavage de vitres", inferred=True, source=f"{READ_ON_SITE}01/11/2026")
    listed = Structure(siret=SIRET, name="Les Allées", place=Place(), offers=(read,), source="annuaire")
    with Store.open(settings.store) as store, store.reading() as connection:
        words = self_declared.declared_by(connection)
    assert self_declared.overlay([listed], words)[0][0].offers == ()
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


def test_lots_of_one_notice_are_shown_together() -> None:
    found: list[Any] = [SimpleNamespace(part="alone", tender=SimpleNamespace(id=notice)) for notice in "abab"]
    (_, _, _, notices, count), *others = structure._parts(found)
    assert [[one.tender.id for one in lots] for lots in notices] == [["a", "a"], ["b", "b"]]
    assert count == 4 and not any(other[-1] for other in others)


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


def test_a_trade_that_is_stated_brings_its_lots_at_once_and_takes_them_away_with_it(
    page: PagesClient,
) -> None:
    signed_in(page, *SEEN)
    at = f"/structure/{SIRET}"

    def lots(text: str) -> set[str]:
        return set(re.findall(r'<h4><a href="[^"]+">([^<]+)<', text))

    before, title = lots(page.get(at).text), "Nettoyage de bureaux, d'écoles et de gymnases"
    stated = page.post(at + "/offres", data={"title": title}).text
    assert lots(stated) > before and "dès maintenant" in stated
    assert lots(page.post(at + "/offres", data={"retirer": title}).text) == before
