"""First-time tasks of a buyer, a structure and an operator in a real browser; by keyboard alone; without script; with axe."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from browsing import NARROW, WIDE, sound
from matcher.records import keys
from matcher.records.store import Store
from pages_client import SIRET
from serving import serving, settings_of

pytestmark = pytest.mark.browser
SAMPLE = Path(__file__).parents[2] / "data" / "sample"
NEED = "entretien des espaces verts"
#: How far what is shown has moved since the page began to load.
SHIFT = (
    "new Promise(done => { let moved = 0; new PerformanceObserver(seen => { for (const each of seen.getEntries()) moved += each.value })"
    ".observe({type: 'layout-shift', buffered: true}); setTimeout(() => done(moved), 200) })"
)
OUTLINED = "getComputedStyle(document.activeElement).outlineStyle != 'none' || document.activeElement.closest('svg') != null"
FIVE = "Le ménage des bureaux. La tonte des pelouses. La blanchisserie du linge. Un traiteur pour un congrès. Le transport de colis."


@pytest.fixture(scope="module")
def site(open_sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The sample with notices that are open today: its address, and its store."""
    folder = tmp_path_factory.mktemp("site")
    settings = settings_of(open_sample, folder, buyer_domains=("v.example",))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MATCHER_HOME", str(folder))
        with serving(settings) as address:
            yield address, str(settings.store)


@pytest.fixture
def tab(browser: Any, site: tuple[str, str]) -> Iterator[Any]:
    """A first-time visitor's tab; nothing fails in its console, nor is fetched from elsewhere."""
    context = browser.new_context(viewport=WIDE, base_url=site[0])
    page, faults = context.new_page(), []
    page.on("pageerror", lambda e: faults.append(str(e)))
    wrong = lambda m: m.type == "error" and not re.search("404|422", m.text)  # noqa: E731
    page.on("console", lambda m: faults.append(m.text) if wrong(m) else None)
    page.on("request", lambda r: faults.append(r.url) if not r.url.startswith((site[0], "data:")) else None)
    yield page
    context.close()
    assert faults == []


def key(site: tuple[str, str], *scopes: str) -> str:
    with Store.open(site[1]) as store:
        return keys.create(store, list(scopes))


def sign_in(tab: Any, secret: str) -> None:
    tab.goto("/connexion")
    tab.click("summary:has-text('Par une clé')")
    tab.fill("#key", secret)
    tab.click("text=Se connecter")
    tab.wait_for_selector("text=Se déconnecter")


def visit(tab: Any, address: str, *clicks: str) -> None:
    """Open a page, then click these in turn."""
    tab.goto(address)
    for selector in clicks:
        tab.click(selector)


def search(tab: Any, need: str = NEED, place: str = "Pantin") -> None:
    tab.goto("/acheteur")
    tab.fill("#need", need)
    tab.fill("#place", place)
    tab.click("text=Trouver les structures")
    tab.wait_for_url("**/acheteur/r/*")


def test_operator_1_sees_the_state_on_one_screen(tab: Any, site: tuple[str, str]) -> None:
    sign_in(tab, key(site, "operator"))
    state = ["Dernière nuit", "Messages retenus", "Courriels", "Sources", "Demandes de compte"]
    assert tab.locator("h2").all_inner_texts()[:5] == state
    assert tab.evaluate("document.documentElement.scrollHeight") < 2 * WIDE["height"]
    assert int(tab.locator(".tiles li:has-text('avis ouverts') strong").inner_text()) > 0


def faults(tab: Any, fills: dict[str, str], button: str) -> list[str]:
    """Fill a form with what is wrong and send it: each link of the summary leads to its field, which says the same."""
    for field, text in fills.items():
        tab.fill(f"#{field}", text)
    tab.click(f"button:has-text('{button}') >> visible=true")
    tab.wait_for_selector("#probleme:focus")
    said = []
    for link in tab.locator("#probleme a").all():
        link.click()
        focused = tab.evaluate("document.activeElement.id")
        assert link.inner_text() in tab.locator(f"#{focused}-fault").inner_text()
        said.append(focused)
    assert all(tab.input_value(f"#{field}") == text for field, text in fills.items())
    return said


def test_errors_of_a_form_stand_at_their_fields_and_on_top(tab: Any, site: tuple[str, str]) -> None:
    tab.goto(f"/structure/{SIRET}/revendiquer")
    # what was right stays
    assert faults(tab, {"role": "Direction"}, "Envoyer") == ["name", "address"]
    assert tab.title().startswith("Erreur")
    sound(tab)
    visit(tab, "/territoire/potentiel", "summary:has-text('OETH')")
    wrong = {"need": "tonte", "place": "Xyzzy", "amount": "cher", "rate": "beaucoup"}
    assert faults(tab, wrong, "Étudier") == ["place", "rate", "amount"]
    sign_in(tab, key(site, f"structure:{SIRET}", "read"))
    visit(tab, f"/structure/{SIRET}", "summary:has-text('Corriger présentation')")
    wrong = {"phone": "appelez", "email": "moi", "radius": "loin", "description": "Nous tondons."}
    assert faults(tab, wrong, "Enregistrer") == ["phone", "email", "radius"]


def test_operator_2_sees_who_is_shown_and_lots_without_anyone(tab: Any) -> None:
    visit(tab, "/exploitant", "text=Qui est montré")
    tab.wait_for_selector("text=Indice de Gini")
    body = re.sub(r"(?<=\d)\s(?=\d{3}\b)", "", tab.inner_text("body"))  # thousands
    counted = r",\s+(\d+)\s+structures\s+apparaissent.*?;\s+(\d+)\s+n’apparaissent"
    shown, never = re.findall(counted, body, re.S)[0]
    assert int(shown) + int(never) == int(re.findall(r"(\d+)\s+structures\s+et", body)[0])  # no ordinary firm
    assert tab.locator("h2:has-text('Lots sans personne')").count() == 1


def tab_to(tab: Any, selector: str, most: int = 120) -> None:
    """Press Tab until the element has the focus, and can be seen to have it."""
    for _ in range(most):
        tab.keyboard.press("Tab")
        if tab.evaluate("s => document.activeElement.matches(s)", selector):
            assert tab.evaluate(OUTLINED), selector
            return
    raise AssertionError(f"{selector} cannot be reached by Tab at {tab.url}")


def type_in(tab: Any, selector: str, text: str) -> None:
    tab_to(tab, selector)
    tab.keyboard.type(text)


def press(tab: Any, selector: str, then: str) -> None:
    """Reach an element by Tab, press Enter and wait for what appears."""
    tab_to(tab, selector)
    tab.keyboard.press("Enter")
    tab.wait_for_selector(then)


def test_three_journeys_by_keyboard_alone(tab: Any, site: tuple[str, str]) -> None:
    tab.goto("/acheteur")
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.className") == "skip"
    type_in(tab, "#need", NEED)
    type_in(tab, "#place", "Pantin")
    tab.wait_for_selector("#communes option", state="attached")
    tab.keyboard.press("Enter")
    tab.wait_for_url("**/acheteur/r/*")
    tab_to(tab, ".row input[name=s]")
    tab.keyboard.press("Space")
    press(tab, "button[value=ecrire]", "h1:has-text('Écrire à 1 structure')")
    type_in(tab, "#buyer", "Ville de Pantin")
    type_in(tab, "#reply_to", "achats@ville.example")
    press(tab, "form[action$=contacter] button", "pre.message")
    press(tab, "button[name=confirme]", "#message")
    tab.goto("/structure")
    type_in(tab, "#q", "sentiers ourcq")
    tab.keyboard.press("Enter")
    tab.wait_for_selector("text=Améliorez votre fiche")
    type_in(tab, "#text", "Nous assurons la mise sous pli.")
    press(tab, "form[action$=brochure] button", "text=Activités reconnues")
    tab.goto("/connexion")
    press(tab, "summary", "#key")
    type_in(tab, "#key", key(site, "operator"))
    tab.keyboard.press("Enter")
    tab.wait_for_selector("text=Dernière nuit")
    press(tab, "a[href='/exploitant/couverture']", "tr:has-text('Seine-Saint-Denis (93)')")


def test_a_notice_is_dropped_and_kept_without_script(browser: Any, site: tuple[str, str]) -> None:
    context = browser.new_context(java_script_enabled=False, viewport=NARROW, base_url=site[0])
    tab = context.new_page()
    tab.goto("/acheteur")
    tab.set_input_files("#file", str(SAMPLE / "eforms" / "2026-metropole-proprete.xml"))
    tab.click("text=Trouver les structures")
    assert tab.locator("section.lot").count() > 1
    tab.locator("section.lot h2 a").first.click()
    assert not tab.locator("#carte").is_visible()
    tab.click("a.to-map")
    assert tab.locator("#carte").is_visible()
    tab.click("text=Revenir à la liste")
    tab.click("text=Garder cette liste")
    tab.click("summary:has-text('Preuve')")
    assert tab.locator("text=Chaîne intacte").is_visible()
    context.close()


VIEWS = (
    "/", "/acheteur", "/acheteur?avis=26-130377", "/acheteur?avis=26-130499", "/acheteur/favoris", "/acheteur/fiches", "/structure", f"/structure/{SIRET}",
    f"/structure/{SIRET}/bourse", f"/structure/{SIRET}/partenaires?avis=26-130101", f"/acheteur/structure/{SIRET}?de=avis:26-130101", "/exploitant",
    f"/acheteur/comparer?de=avis:26-130101&s={SIRET}&s=00010073500018", "/exploitant/couverture", "/exploitant/exposition", "/territoire", "/territoire/potentiel",
    "/territoire/carte", "/territoire/facilitateurs?lieu=93100", "/territoire/rencontre", "/territoire/rapport", "/v1/territory/map.html?region=11", "/connexion", "/a-propos", "/docs", "/nulle-part",
)  # fmt: skip


def test_no_step_of_a_search_has_a_violation(tab: Any) -> None:
    search(tab)
    for summary in tab.locator("details:not([open]) > summary").all()[:6]:
        summary.click()
    sound(tab, looks=True)
    tab.locator("input[name=s]").first.check()
    tab.click("text=Écrire aux cochées")
    tab.wait_for_selector("h1:has-text('Écrire')")
    sound(tab)
    tab.fill("#buyer", "Ville de Pantin")
    tab.fill("#reply_to", "achats@ville.example")
    tab.click("form[action$=contacter] button.button")
    sound(tab, looks=True)
    tab.click("button[name=confirme]")
    tab.wait_for_selector("#message")
    tab.click(".note-it > summary")
    sound(tab, looks=True)
    tab.goto(tab.url.split("?")[0] + "?vue=toutes")
    sound(tab)
    record = re.sub(r"[?#].*", "", tab.url)
    tab.goto(record + "/note")
    sound(tab)
    search(tab, FIVE, "Bobigny")
    sound(tab)


#: Views that show between them every look: lists, marks, groups, tables, forms, notes, errors.
LOOKS = (
    "/acheteur?avis=26-130377", "/acheteur?avis=26-130499", f"/structure/{SIRET}", "/exploitant", "/territoire/rencontre", "/v1/territory/map.html?region=11", "/connexion", "/nulle-part",
    f"/acheteur/structure/{SIRET}?de=avis:26-130101",
)  # fmt: skip


@pytest.mark.slow
def test_no_view_has_a_violation(browser: Any, site: tuple[str, str]) -> None:
    context = browser.new_context(viewport=WIDE, base_url=site[0])
    tab = context.new_page()
    visit(tab, "/acheteur", "text=Trouver les structures")
    tab.wait_for_selector(".fault")
    sound(tab, looks=True)
    for view in VIEWS:
        tab.goto(view)
        sound(tab, looks=view in LOOKS)
    sign_in(tab, key(site, f"structure:{SIRET}", "read"))
    for view in (f"/structure/{SIRET}", f"/structure/{SIRET}/bourse"):
        tab.goto(view)
        sound(tab)
    tab.locator("text=Structure").first.click()
    sign_in(tab, key(site, "operator"))
    sound(tab)
    context.close()
