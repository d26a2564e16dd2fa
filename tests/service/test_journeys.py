"""The fifteen journeys that visitors come for, each from the door to its end on a desk and on a telephone; and what a page owes on the way.

`pytest tests/service/test_journeys.py -k journey -rP` prints how many clicks each takes.
"""

# ruff: noqa: F811

import csv
import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from test_in_a_browser import SAMPLE, SHIFT, key, sign_in, site, tab  # noqa: F401

from browsing import NARROW, WIDE, sound
from pages_client import OTHER as ESAT
from pages_client import SIRET

pytestmark = pytest.mark.browser
OFFICES, LINEN = ("mise sous pli de courriers", "Paris"), ("taille de haies", "Pantin")
THREE = "Lot 1 : tonte des pelouses. Lot 2 : ménage des bureaux. Lot 3 : mise sous pli."


class Hand:
    """Clicks and ticks in a tab, and counts them."""

    def __init__(self, tab: Any, browser: Any, site: tuple[str, str]) -> None:
        self.tab, self.browser, self.site, self.clicks = tab, browser, site, 0

    def click(self, *whats: str) -> None:
        for what in whats:
            self.clicks += 1
            self.tab.locator(f"{what} >> visible=true").first.click()
            self.tab.wait_for_load_state()

    def tick(self, what: str, count: int = 1) -> None:
        for box in [each for each in self.tab.locator(what).all() if each.is_visible()][:count]:
            self.clicks += 1
            box.check()

    def write(self, **fields: str) -> None:
        for name, text in fields.items():
            self.tab.locator(f"[name={name}] >> visible=true").first.fill(text)

    def search(self, need: str, place: str) -> None:
        self.tab.goto("/")
        self.write(need=need, place=place)
        self.click("text=Trouver les structures")
        self.tab.wait_for_selector(".row, .empty, section.lot")

    def words(self, where: str = "main") -> str:
        return re.sub("[\u00a0\u202f]", " ", self.tab.inner_text(where)).replace("’", "'")

    @contextmanager
    def somebody_else(self, *scopes: str) -> Iterator[None]:
        """The same hand in another browser, signed in with these scopes."""
        context = self.browser.new_context(base_url=self.site[0], viewport=self.tab.viewport_size)
        own, self.tab = self.tab, context.new_page()
        if scopes:
            sign_in(self.tab, key(self.site, *scopes))
        yield
        context.close()
        self.tab = own


@pytest.fixture
def hand(tab: Any, browser: Any, site: tuple[str, str]) -> Hand:
    return Hand(tab, browser, site)


Journey = Callable[[Hand], None]
JOURNEYS: list[tuple[Journey, int]] = []


def clicks(count: int) -> Callable[[Journey], Journey]:
    """A journey of the table, done with so many clicks and ticks at most."""

    def listed(journey: Journey) -> Journey:
        JOURNEYS.append((journey, count))
        return journey

    return listed


@clicks(1)
def whom_to_call(hand: Hand) -> None:
    hand.search(*LINEN)
    first = hand.tab.locator(".row").first
    assert first.bounding_box()["y"] + first.bounding_box()["height"] < hand.tab.viewport_size["height"]
    assert first.locator("a[href^='tel:']").is_visible() and "Pantin" in first.inner_text()
    assert hand.tab.evaluate(SHIFT) < 0.01  # nothing moves that an eye would see (good: below 0.1)
    if hand.tab.viewport_size == WIDE:
        assert hand.tab.evaluate("document.documentElement.scrollHeight") <= 2 * WIDE["height"]


@clicks(6)
def export_to_call(hand: Hand) -> None:
    hand.search(*OFFICES)
    hand.click(".facet summary:has-text('Contact')")
    hand.tick("input[name=contact][value=telephone]")
    hand.click(".facet[open] button")
    rows = hand.tab.locator(".row").count()
    with hand.tab.expect_download() as saved:
        hand.click("a:text-is('CSV')")
    listed = list(csv.DictReader(io.StringIO(saved.value.path().read_text("utf-8-sig")), delimiter=";"))
    assert len(listed) == rows and all(line["Téléphone"] for line in listed)
    hand.tab.evaluate("window.print = () => {}")
    hand.click("a:text-is('Imprimer')")
    assert hand.tab.locator("td.notes").count() == rows and "Téléphone" in hand.words()


@clicks(8)
def share_and_return(hand: Hand) -> None:
    hand.search(*LINEN)
    hand.click("text=Garder cette liste", ".tools summary:has-text('Partager')")
    invitation = hand.tab.input_value("#lien")
    with hand.somebody_else():
        hand.tab.goto(hand.site[0] + re.sub(r"^https?://[^/]+", "", invitation))
        hand.click("text=Ouvrir la liste", "summary:has-text('Écarter')")
        hand.write(text="Déjà titulaire")
        hand.click("button:text-is('Écarter')")
    hand.tab.goto("/acheteur/fiches")
    hand.click("main .lines a", ".tabs a:has-text('Écartées')")
    assert "Déjà titulaire" in hand.words()


@clicks(5)
def refine(hand: Hand) -> None:
    hand.search(*LINEN)
    before = hand.tab.locator(".row").count()
    hand.click(".facet summary:has-text('Distance')")
    hand.tick("input[name=km]:not([value=''])")
    hand.click(".facet[open] button")
    assert 0 < hand.tab.locator(".row").count() < before
    hand.click(".removals a")
    assert hand.tab.locator(".row").count() == before


@clicks(8)
def write_to_two(hand: Hand) -> None:
    hand.search(*OFFICES)
    hand.click("button[value=ecrire]")
    assert "Rien n'est coché" in hand.words("[data-missing]")
    hand.tick("input[name=s]", 2)
    hand.click("button[value=ecrire]")
    hand.write(buyer="Ville de Pantin", before="15 janvier", reply_to="achats@ville.example")
    hand.click("text=Relire avant d’envoyer")
    for known in ("Acheteur : Ville de Pantin", "Lieu : Paris", "avant le : 15 janvier", "/q/"):
        assert known in hand.words("pre.message")
    hand.click("button[name=confirme]")
    assert hand.tab.locator(".story").count() == 2


@clicks(9)
def record_answers(hand: Hand) -> None:
    hand.search(*LINEN)
    hand.tick("input[name=s]")
    hand.click("button[value=ecrire]")
    hand.write(buyer="Ville de Pantin", reply_to="achats@ville.example")
    hand.click("text=Relire avant d’envoyer")
    (link,) = re.findall(r"http\S+(/q/\S+)", hand.tab.inner_text("pre.message"))
    hand.click("button[name=confirme]")
    with hand.somebody_else():
        hand.tab.goto(link)
        hand.tick("input[value=yes]")
        hand.write(text="Dès le mois de mars.")
        hand.click("text=Envoyer notre réponse")
        assert "l'acheteur a votre réponse" in hand.words()
    hand.tab.reload()
    assert "Dès le mois de mars." in hand.words(".story")
    hand.click(".note-it summary")
    hand.write(qui="Mme Ba", text="Partante, rappelle jeudi.", suite="Relancer")
    hand.click(".note-it[open] button")
    assert "Mme Ba" in hand.words(".story") and "suite à donner" in hand.words()


@clicks(3)
def paste_and_upload_three_lots(hand: Hand) -> None:
    hand.search(THREE, "Pantin")
    assert hand.tab.locator("section.lot").count() == 3
    hand.click("text=C’est un seul besoin")
    assert hand.tab.locator("section.lot").count() == 0
    hand.tab.goto("/")
    hand.tab.set_input_files("#file", str(SAMPLE / "eforms" / "2026-region-routage.xml"))
    hand.click("text=Trouver les structures")
    hand.tab.wait_for_selector("section.lot")
    assert hand.tab.locator("section.lot").count() == 3


@clicks(3)
def nobody(hand: Hand) -> None:
    hand.search("Acquisition d'un scanner IRM pour le service de radiologie", "Nantes")
    assert "Aucune structure adaptée" in hand.words() and "Ce que vous pouvez faire" in hand.words()
    hand.click("text=Modifier")
    hand.write(need="nettoyage de bureaux")
    hand.click("text=Trouver les structures")
    assert hand.tab.locator(".row, .empty").count()


@clicks(6)
def compare(hand: Hand) -> None:
    hand.search("tonte", "Pantin")
    hand.click("details.level > summary")
    hand.tick("input[name=s]", 3)
    hand.click("button[value=comparer]")
    hand.tab.wait_for_selector("table.compare")
    edges = [th.bounding_box() for th in hand.tab.locator("thead th").all()]
    assert len(edges) == 3
    assert sum(box["x"] + box["width"] <= hand.tab.viewport_size["width"] for box in edges) >= 2


@clicks(6)
def claim(hand: Hand) -> None:
    hand.tab.goto("/")
    hand.click("text=Vous êtes une structure")
    hand.write(q="sentiers ourcq")
    hand.tab.keyboard.press("Enter")
    hand.tab.wait_for_selector("text=Comment on vous voit")
    assert hand.tab.locator("main h2").first.inner_text().startswith("Marchés")
    hand.click("text=C’est ma structure")
    hand.write(name="Dominique Essai", role="Direction", address="direction@essai.example")
    hand.click("main form button.button")
    assert "Demande enregistrée" in hand.words()
    with hand.somebody_else("operator"):
        hand.click("button:has-text('Approuver')")
        link = re.sub(r"^https?://[^/]+", "", hand.tab.inner_text("code.key"))
    hand.tab.goto(link)
    hand.write(address="direction@essai.example")
    hand.click("text=Oui, ouvrir notre compte")
    hand.click("main a.button")
    assert "Votre fiche" in hand.words()


@clicks(3)
def state_ones_trade(hand: Hand) -> None:
    sign_in(hand.tab, key(hand.site, f"structure:{SIRET}", "read"))
    hand.write(text="Nous assurons la mise sous pli.")
    hand.click("text=Y trouver nos offres")
    hand.tick("input[name=offer]")
    hand.click("text=Garder ces offres")
    assert "Vos offres sont gardées" in hand.words() and "Mise sous pli" in hand.words("#fiche")


@clicks(3)
def opportunities(hand: Hand) -> None:
    sign_in(hand.tab, key(hand.site, f"structure:{SIRET}", "read"))
    hand.click("nav >> text=Ma structure", "text=Pourquoi ce lot")
    assert hand.tab.locator(".match details[open] li").count()
    hand.click(".match h4 a")
    assert "à appeler" in hand.words()


@clicks(3)
def exchange(hand: Hand) -> None:
    sign_in(hand.tab, key(hand.site, f"structure:{SIRET}", "read"))
    hand.click("text=Avec qui répondre")
    hand.write(brings="la tonte", seeks="le nettoyage")
    hand.click("text=Publier à la bourse")
    assert "Apporte : la tonte" in hand.words()
    hand.click("text=Retirer cette annonce")
    assert "Votre annonce est retirée" in hand.words()


@clicks(4)
def decline(hand: Hand) -> None:
    sign_in(hand.tab, key(hand.site, f"structure:{SIRET}", "read"))
    before = hand.tab.locator(".match").count()
    hand.click("a:has-text('Écarter')")
    assert "été caché" in hand.words()
    hand.tick("input[value^='trade-']")
    hand.click("button:has-text('Écarter')")
    assert "C'est noté" in hand.words() and hand.tab.locator(".match").count() < before
    hand.click(".ok button:has-text('Annuler')")
    assert hand.tab.locator(".match").count() == before


@clicks(2)
def meeting_day(hand: Hand) -> None:
    sign_in(hand.tab, key(hand.site, "buyer"))  # what is not published is a buyer's
    hand.tab.goto("/territoire/rencontre")
    hand.click("text=Remplir avec un exemple", "main form button.button")
    assert "Structures à inviter" in hand.tab.inner_text("body")


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["1280", "390"])
@pytest.mark.parametrize(("journey", "most"), JOURNEYS, ids=[journey.__name__ for journey, _ in JOURNEYS])
def test_a_journey_has_no_stumble(hand: Hand, journey: Journey, most: int, size: dict[str, int]) -> None:
    hand.tab.set_viewport_size(size)
    journey(hand)
    print(f"{journey.__name__}: {hand.clicks} clicks at {size['width']} px")
    assert hand.clicks <= most
    assert hand.tab.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


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


def test_a_structure_sees_at_a_glance_what_it_gets_and_lacks(hand: Hand, site: tuple[str, str]) -> None:
    sign_in(hand.tab, key(site, f"structure:{ESAT}", "read"))
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


def test_the_markers_of_the_map_are_tabbed_in_the_order_of_the_list(hand: Hand) -> None:
    hand.search(*OFFICES)
    labels = [point.get_attribute("aria-label") for point in hand.tab.locator(".point").all()]
    shown = [int(re.findall(r"\d+", label)[0]) for label in labels]
    assert shown == sorted(shown) != []
