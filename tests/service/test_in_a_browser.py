"""First-time tasks of a buyer, a structure and an operator in a real browser; by keyboard alone; without script; with axe."""

import email.policy
import re
import time
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


def test_a_buyer_asks_all_whose_trade_is_unknown_without_ticking_them(tab: Any) -> None:
    search(tab, "nettoyage de bureaux")
    tab.click("text=ne dit pas ce métier")
    tab.click("text=Lui demander si elle le fait")
    tab.wait_for_url("**/ecrire?**")
    assert "Écrire à 1 structure" in tab.locator("h1").inner_text()


def test_buyer_2_narrows_and_sorts_the_list(tab: Any) -> None:
    search(tab)
    before = tab.locator(".row").count()
    tab.locator(".facet summary", has_text="Distance").click()
    option = tab.locator("label:has(input[name=km]:not([value='']))").first
    told = int(re.findall(r"\((\d+)\)", option.inner_text())[0])
    option.locator("input").check()
    tab.locator(".facet[open] button").click()
    tab.wait_for_url("**km=**")
    assert tab.locator(".row").count() == told < before  # the count beside the facet was true
    tab.click("nav.sort >> text=distance")
    tab.wait_for_url("**tri=distance**")
    lines = " ".join(tab.locator(".who .meta").all_inner_texts())
    near = [float(km) for km in re.findall(r"(\d+)\s?km", lines)]
    assert tab.locator(".row").count() == told
    assert tab.locator("nav.sort [aria-current]").inner_text() == "Distance"
    assert near == sorted(near) or tab.locator("details.level").count()  # each level in order
    tab.locator(".removals a").first.click()
    assert "km=" not in tab.url and "tri=distance" in tab.url and tab.locator(".row").count() == before


def test_buyer_3_sends_it_goes_back_and_reloads(tab: Any, browser: Any, site: tuple[str, str]) -> None:
    search(tab)
    names = tab.locator(".who > a").all_inner_texts()
    address = tab.url
    tab.locator(".who > a").first.click()
    tab.wait_for_selector("text=Pourquoi pour ce besoin")
    tab.go_back()
    assert tab.url == address and tab.locator(".who > a").all_inner_texts() == names
    tab.reload()
    assert tab.locator(".who > a").all_inner_texts() == names
    colleague = browser.new_context(base_url=site[0]).new_page()
    colleague.goto(address)
    assert colleague.locator(".who > a").all_inner_texts() == names
    colleague.context.close()


def test_buyer_4_says_that_a_trade_was_misunderstood(tab: Any) -> None:
    search(tab, "entretien du parc", "Pantin")
    tab.locator(".fix summary").nth(1).click()
    tab.select_option("select[name=metier]", "mecanique")
    tab.click("text=Corriger le métier")
    tab.wait_for_selector(".fix summary:has-text('véhicules')")
    search(tab, FIVE, "Bobigny")
    assert tab.locator("section.lot").count() == 5 and tab.locator("#groupements td.takes").count() > 0


def test_structure_1_finds_itself(tab: Any) -> None:
    visit(tab, "/", "text=Vous êtes une structure")
    tab.fill("#q", "sentiers ourcq")
    tab.keyboard.press("Enter")
    tab.wait_for_selector("text=Comment on vous voit")
    assert tab.locator("main h2").first.inner_text().startswith("Marchés")


def test_structure_2_stops_its_alerts(tab: Any, site: tuple[str, str]) -> None:
    sign_in(tab, key(site, f"structure:{SIRET}", "read"))
    tab.click("text=Ne plus recevoir d’alerte")
    tab.wait_for_selector("text=Vous ne recevez pas d’alerte")


def test_operator_1_sees_the_state_on_one_screen(tab: Any, site: tuple[str, str]) -> None:
    sign_in(tab, key(site, "operator"))
    state = ["Dernière nuit", "Messages retenus", "Courriels", "Sources", "Demandes de compte"]
    assert tab.locator("h2").all_inner_texts()[:5] == state
    assert tab.evaluate("document.documentElement.scrollHeight") < 2 * WIDE["height"]
    assert int(tab.locator(".tiles li:has-text('avis ouverts') strong").inner_text()) > 0


def test_what_is_wrong_in_a_form_is_reported_next_to_its_field_and_linked_from_a_summary(tab: Any) -> None:
    tab.goto(f"/structure/{SIRET}/revendiquer")
    tab.fill("#role", "Direction")
    tab.click("main form button.button")
    tab.wait_for_selector("#probleme:focus")
    assert tab.title().startswith("Erreur") and tab.locator("#probleme a").count() == 2
    assert tab.input_value("#role") == "Direction"  # what was right stays
    tab.click("#probleme a >> nth=1")
    assert tab.evaluate("document.activeElement.id") == "address"
    assert "courriel" in tab.locator("#address-fault").inner_text()
    sound(tab)


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


def test_errors_of_a_profile_and_of_a_study_lead_to_their_fields(tab: Any, site: tuple[str, str]) -> None:
    visit(tab, "/territoire/potentiel", "summary:has-text('OETH')")
    wrong = {"need": "tonte", "place": "Xyzzy", "amount": "cher", "rate": "beaucoup"}
    assert faults(tab, wrong, "Étudier") == ["place", "rate", "amount"]
    sign_in(tab, key(site, f"structure:{SIRET}", "read"))
    visit(tab, f"/structure/{SIRET}", "summary:has-text('Corriger présentation')")
    wrong = {"phone": "appelez", "email": "moi", "radius": "loin", "description": "Nous tondons."}
    assert faults(tab, wrong, "Enregistrer") == ["phone", "email", "radius"]


def test_a_buyer_signs_in_by_the_link_of_a_mail(tab: Any, site: tuple[str, str]) -> None:
    tab.goto("/connexion")
    tab.fill("#address", "nouveau@v.example")
    tab.click("text=Recevoir un lien")
    tab.wait_for_selector("text=un lien vient de lui être envoyé")
    link = mailed(Path(site[1].removeprefix("sqlite:///")).parent / "outbox", "nouveau@v.example")
    tab.goto(link)
    # opening the link shows whom it signs in, and signs in nobody
    tab.wait_for_selector("text=nouveau@v.example")
    assert tab.locator("text=Se déconnecter").count() == 0
    tab.click("text=Me connecter")
    tab.wait_for_selector("text=Se déconnecter")
    search(tab)
    tab.click("text=Garder cette liste")
    tab.wait_for_selector(".desk")
    tab.goto("/acheteur/fiches")
    assert tab.locator("main .lines li").count() == 1 and tab.locator("text=douze heures").count() == 0
    tab.click("text=Se déconnecter")
    tab.goto(link)
    tab.click("text=Me connecter")  # the link has served
    tab.wait_for_selector("h1:has-text('Introuvable')")


def mailed(folder: Path, address: str) -> str:
    """The path of the link in the mail to an address, once it is dropped."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        for path in folder.glob("*.eml"):
            mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            text = mail.get_body(("plain",)).get_content()
            if mail["To"] == address and (found := re.search(r"/connexion/lien/\S+", text)):
                return found.group()
        time.sleep(0.05)
    raise AssertionError(f"no mail to {address}")


def test_operator_2_sees_who_is_shown_and_lots_without_anyone(tab: Any) -> None:
    visit(tab, "/exploitant", "text=Qui est montré")
    tab.wait_for_selector("text=Indice de Gini")
    body = re.sub(r"(?<=\d)\s(?=\d{3}\b)", "", tab.inner_text("body"))  # thousands
    counted = r",\s+(\d+)\s+structures\s+apparaissent.*?;\s+(\d+)\s+n’apparaissent"
    shown, never = re.findall(counted, body, re.S)[0]
    assert int(shown) + int(never) == int(re.findall(r"(\d+)\s+structures\s+et", body)[0])  # no ordinary firm
    assert tab.locator("h2:has-text('Lots sans personne')").count() == 1


def test_operator_3_reads_the_coverage_of_a_department(tab: Any) -> None:
    visit(tab, "/exploitant", "text=Couverture par département")
    assert tab.locator("tr:has-text('Seine-Saint-Denis (93)')").count() == 1


def test_operator_4_studies_a_need_and_shares_the_result(tab: Any) -> None:
    visit(tab, "/territoire", "text=Faut-il réserver", "text=Remplir avec un exemple")
    tab.click("button:has-text('Étudier')")
    tab.wait_for_url("**/territoire/potentiel/r/*")
    assert tab.locator("text=Structures (").count() > 0


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
    press(tab, "a[href='/exploitant/couverture']", "h1:has-text('Couverture')")


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
