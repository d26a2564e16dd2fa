"""A structure's own pages: what a refusal hides, its undoing, the exchange with names, a feed by its token."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote

import pytest
from service.page import structure
from service.settings import Settings

from matcher.outreach import links
from pages_client import OTHER, SIRET, PagesClient, signed_in

SEEN = [f"structure:{SIRET}", "read"]


@pytest.fixture
def settings(settings: Settings, open_sample: Path) -> Settings:
    return settings.model_copy(update={"catalogue": open_sample, "read": "key"})


def offered(text: str) -> list[tuple[str, str]]:
    return re.findall(r"/ecarter\?avis=([^&]+)&amp;lot=([^\"]+)", text)


def test_a_trade_denied_hides_as_many_lots_as_announced_and_comes_back(page: PagesClient) -> None:
    csrf = signed_in(page, *SEEN)
    before = offered(page.get(f"/structure/{SIRET}").text)
    notice, lot = before[0]
    asked = page.get(f"/structure/{SIRET}/ecarter?avis={notice}&lot={lot}").text
    scope, count = re.findall(r'value="(trade-[\w-]+)"> <span>[^<]+<br><span class="meta">(\d+) lot', asked)[
        0
    ]
    assert int(count) > 0
    notice, lot = unquote(notice), unquote(lot)
    word = {"notice_id": notice, "lot_id": lot, "motif": scope, "csrf": csrf}
    told = page.post(f"/structure/{SIRET}/ecarter", data=word)
    assert "Sont cachés aussi" in told.text
    hidden = set(before) - set(offered(told.text))
    assert 0 < len(hidden) <= int(count) + 1
    skill = re.findall(r'name="skill" value="([^"]*)"', told.text)[0]
    assert skill.startswith("trade:")
    undone = {"notice_id": notice, "lot_id": lot, "skill": skill, "csrf": csrf}
    back = page.post(f"/structure/{SIRET}/reprendre", data=undone)
    assert offered(back.text) == before
    assert page.post(f"/structure/{SIRET}/ecarter", data={**word, "motif": "nothing"}).status_code == 422


def test_lots_of_one_notice_are_shown_together() -> None:
    found: list[Any] = [SimpleNamespace(part="alone", tender=SimpleNamespace(id=notice)) for notice in "abab"]
    (_, _, _, notices, count), *others = structure._parts(found)
    assert [[one.tender.id for one in lots] for lots in notices] == [["a", "a"], ["b", "b"]]
    assert count == 4 and not any(other[-1] for other in others)


def test_reasons_of_a_partner_are_few_and_tell_something(page: PagesClient) -> None:
    signed_in(page, *SEEN)
    text = page.get(f"/structure/{SIRET}/partenaires?avis=26-130377").text
    structures, firms, *_ = re.findall(r'<ul class="plain lines">(.*?)</ul>', text, flags=re.S)
    lines = structures.split("<li>")[1:] + firms.split("<li>")[1:]
    assert len(lines) > 2 and all(re.search(r"<br>Prend .* : (?:déclare|a eu) «", line) for line in lines)
    assert "aucun marché public connu" not in text


def test_the_exchange_names_who_announces_and_can_be_left(page: PagesClient) -> None:
    for siret, brings, seeks in ((SIRET, "tonte", "nettoyage"), (OTHER, "nettoyage", "tonte")):
        csrf = signed_in(page, f"structure:{siret}", "read")
        asked = {"notice_id": "26-130101", "brings": brings, "seeks": seeks, "contact": "nous@ex.example"}
        asked |= {"csrf": csrf}
        assert page.post(f"/structure/{siret}/bourse", data=asked).status_code == 200
    text = page.get(f"/structure/{OTHER}/bourse").text
    theirs = text.partition('id="autres"')[2]
    assert "Les Sentiers de l'Ourcq" in theirs and "<strong>Apporte :</strong> tonte" in theirs
    assert "nous@ex.example" not in theirs
    act = re.findall(r'action="(/structure/\d+/bourse/[^"]+)"', theirs)[0]
    assert "nous@ex.example" in page.post(act, data={"faire": "contact", "csrf": csrf}).text
    mine = re.findall(r'action="(/structure/\d+/bourse/[^"]+)"', text.partition('id="autres"')[0])[0]
    gone = page.post(mine, data={"faire": "retirer", "csrf": csrf}).text
    assert "Votre annonce est retirée" in gone and "Retirée" in gone
    signed_in(page, *SEEN)
    assert page.get(f"/structure/{OTHER}/bourse").status_code == 403


def test_a_feed_reader_fetches_by_the_token_alone(page: PagesClient) -> None:
    signed_in(page, *SEEN)
    feed = re.findall(r'href="(/v1/structures/[^"]+atom[^"]*)"', page.get(f"/structure/{SIRET}").text)[0]
    page.cookies.clear()
    assert page.get(feed).status_code == 200
    assert page.get(feed.partition("?")[0]).status_code == 401
    assert page.get(feed.replace(SIRET, OTHER)).status_code == 401
    assert links.token("feed", "/v1/notices.atom") not in feed
