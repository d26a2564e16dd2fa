"""What visitors come for, done from the door to the end in a real browser, without a stumble, the clicks counted."""

# ruff: noqa: F811

from __future__ import annotations

import csv
import io
import re
from typing import Any

import pytest
from test_in_a_browser import key, send, sign_in, site, tab  # noqa: F401

from browsing import NARROW, sound

pytestmark = pytest.mark.browser
OFFICES, LINEN = ("mise sous pli de courriers", "Paris"), ("taille de haies", "Pantin")


class Hand:
    """Clicks in a tab, and counts them."""

    def __init__(self, tab: Any) -> None:
        self.tab, self.clicks = tab, 0

    def click(self, what: str) -> None:
        self.clicks += 1
        self.tab.locator(f"{what} >> visible=true").first.click()
        self.tab.wait_for_load_state()

    def search(self, need: str, place: str) -> None:
        self.tab.goto("/")
        self.tab.fill("#need", need)
        self.tab.fill("#place", place)
        self.click("text=Trouver les structures")
        self.tab.wait_for_selector(".row, .empty, section.lot")

    def words(self, where: str = "main") -> str:
        return re.sub("[\u00a0\u202f]", " ", self.tab.inner_text(where)).replace("’", "'")


@pytest.fixture
def hand(tab: Any) -> Hand:
    return Hand(tab)


def test_whom_to_call_is_on_the_first_screen_of_a_telephone(hand: Hand) -> None:
    hand.tab.set_viewport_size(NARROW)
    hand.search(*LINEN)
    name = hand.tab.locator(".who > a").first.bounding_box()
    assert name["y"] + name["height"] < 420 and hand.clicks == 1
    hand.click("a.to-map")
    assert hand.tab.locator("#carte").is_visible() and not hand.tab.locator(".rows").first.is_visible()
    before = hand.tab.get_attribute("#carte svg", "viewBox")
    hand.click("[data-zoom] button")
    assert hand.tab.get_attribute("#carte svg", "viewBox") != before
    hand.click("a.to-list")
    assert hand.tab.locator(".rows").first.is_visible()


def test_an_example_on_the_home_answers(hand: Hand) -> None:
    hand.tab.goto("/")
    assert hand.tab.locator(".examples button").count() == 3
    hand.click(".examples button")
    assert hand.tab.locator(".row a[href^='tel:']").count() and hand.clicks == 1


def test_the_narrowed_list_is_exported_and_printed_in_one_click_each(hand: Hand) -> None:
    hand.search(*OFFICES)
    hand.click(".facet summary:has-text('Contact')")
    hand.tab.check("input[name=contact][value=telephone]")
    hand.click(".facet[open] button")
    rows = hand.tab.locator(".row").count()
    with hand.tab.expect_download() as saved:
        hand.click("a:text-is('CSV')")
    listed = list(csv.DictReader(io.StringIO(saved.value.path().read_text("utf-8-sig")), delimiter=";"))
    assert len(listed) == rows and all(line["Téléphone"] for line in listed)
    hand.tab.evaluate("window.print = () => {}")
    hand.click("a:text-is('Imprimer')")
    assert hand.tab.locator("td.notes").count() == rows and "Téléphone" in hand.words() and hand.clicks == 5


def test_a_call_is_noted_and_found_again_the_next_day(hand: Hand) -> None:
    hand.search(*LINEN)
    hand.click("text=Garder cette liste")
    hand.click(".note-it summary")
    hand.tab.locator("[name=qui] >> visible=true").fill("Mme Ba")
    hand.tab.locator("textarea[name=text] >> visible=true").fill("Partante, rappelle jeudi.")
    hand.tab.locator("[name=suite] >> visible=true").fill("Relancer")
    hand.click(".note-it[open] button")
    assert (
        hand.tab.locator(".story q:has-text('Partante, rappelle jeudi.')").is_visible() and hand.clicks == 4
    )
    hand.tab.goto("/acheteur/fiches")
    hand.click("main .lines a")
    assert "suite à donner" in hand.words()
    hand.click("a:has-text('Note pour le dossier')")
    assert "Mme Ba" in hand.words() and "Pantin (93)" in hand.words()


def test_a_list_is_shared_with_a_colleague_who_notes_in_it(
    hand: Hand, browser: Any, site: tuple[str, str]
) -> None:
    hand.search(*LINEN)
    hand.click("text=Garder cette liste")
    hand.click(".tools summary:has-text('Partager')")
    invitation = hand.tab.input_value("#lien")
    other = browser.new_context(base_url=site[0])
    colleague = Hand(other.new_page())
    colleague.tab.goto(site[0] + re.sub(r"^https?://[^/]+", "", invitation))
    colleague.click("text=Ouvrir la liste")
    colleague.click("summary:has-text('Écarter')")
    colleague.tab.locator("[name=text] >> visible=true").fill("Déjà titulaire")
    colleague.click("button:text-is('Écarter')")
    other.close()
    hand.tab.reload()
    hand.click(".tabs a:has-text('Écartées')")
    assert "Déjà titulaire" in hand.words()


def test_three_are_written_to_once_the_letter_was_read(hand: Hand) -> None:
    hand.search(*OFFICES)
    for box in hand.tab.locator("input[name=s]").all():
        if box.is_visible():
            box.check()
    hand.click("button[value=ecrire]")
    send(hand.tab)
    assert hand.tab.locator(".story").count() >= 2


def test_three_lots_pasted_are_three_and_may_be_one(hand: Hand) -> None:
    hand.search("Lot 1 : tonte des pelouses. Lot 2 : ménage des bureaux. Lot 3 : mise sous pli.", "Pantin")
    assert hand.tab.locator("section.lot").count() == 3
    hand.click("text=C’est un seul besoin")
    assert hand.tab.locator("section.lot").count() == 0 and hand.clicks == 2


def test_four_are_compared_on_a_telephone_with_two_whole_columns(hand: Hand) -> None:
    hand.tab.set_viewport_size(NARROW)
    hand.search(*LINEN)
    for box in hand.tab.locator("input[name=s]").all()[:2]:
        box.check()
    hand.click("button[value=comparer]")
    edges = [th.bounding_box() for th in hand.tab.locator("thead th").all()]
    assert len(edges) == 2 and all(
        box["x"] >= 0 and box["x"] + box["width"] <= NARROW["width"] for box in edges
    )


def test_a_structure_sees_in_one_glance_what_it_gets_and_what_is_missing(
    hand: Hand, site: tuple[str, str]
) -> None:
    sign_in(hand.tab, key(site, "structure:00010073500018", "read"))
    glance = hand.words(".glance")
    assert "pour vous" in glance and "recherches de votre métier" in glance
    if hand.tab.locator(".glance a[href^='#t'], .glance a[href^='#p'], .glance a[href^='#r']").count():
        hand.click(".glance li:nth-child(3) a")
        assert hand.tab.evaluate("document.activeElement.matches('input, textarea')")
    sound(hand.tab)


def test_a_long_word_does_not_scroll_the_page_sideways(hand: Hand) -> None:
    hand.tab.set_viewport_size(NARROW)
    hand.search("é" * 3000, "Pantin")
    assert hand.tab.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_lists_of_a_visitor_without_an_account_lead_to_signing_in(hand: Hand) -> None:
    hand.tab.goto("/acheteur/fiches")
    assert "Aucune liste gardée" in hand.words()
    hand.click("a:has-text('Faire une recherche')")
    assert hand.tab.locator("#need").is_visible()


def test_where_nobody_answers_the_page_says_what_would_widen_the_search(hand: Hand) -> None:
    hand.search("Acquisition d'un scanner IRM pour le service de radiologie", "Nantes")
    assert "Aucune structure adaptée" in hand.words() and "Ce que vous pouvez faire" in hand.words()
    hand.click("text=Modifier")
    hand.tab.fill("#need", "nettoyage de bureaux")
    hand.click("text=Trouver les structures")
    hand.tab.wait_for_selector(".row, .empty")
    assert hand.clicks == 3


def test_a_meeting_day_is_planned_from_the_example(hand: Hand, site: tuple[str, str]) -> None:
    sign_in(hand.tab, key(site, "buyer"))  # what is not published is a buyer's
    hand.tab.goto("/territoire/rencontre")
    hand.click("text=Remplir avec un exemple")
    hand.click("main form button.button")
    assert hand.clicks == 2 and not hand.tab.locator("#probleme").count()


def test_the_markers_of_the_map_are_tabbed_in_the_order_of_the_list(hand: Hand) -> None:
    hand.search(*OFFICES)
    shown = [
        int(re.findall(r"\d+", point.get_attribute("aria-label"))[0])
        for point in hand.tab.locator(".point").all()
    ]
    assert shown == sorted(shown) != []
