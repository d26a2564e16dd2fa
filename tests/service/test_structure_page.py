"""A structure's own page: what it says is right at once, what is supposed of it is never told as said, one click each."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi.testclient import TestClient
from service.page import gaps
from service.settings import Settings

from matcher.catalogue.build import build_catalogue
from matcher.domain import READ_ON_SITE, Lot, Offer, Place, Recipe, Structure, Zone
from matcher.records import self_declared
from matcher.records.store import Store
from pages_client import SIRET, signed_in, token


def test_what_was_saved_is_shown_and_no_longer_asked_for(page: TestClient, settings: Settings) -> None:
    form = {"csrf": signed_in(page, f"structure:{SIRET}", "read"), "phone": "01 99 00 77 77"}
    form |= {"radius": "25", "turnover": "250000"}
    saved = page.post(f"/structure/{SIRET}/fiche", data=form).text
    fiche = saved[saved.index('id="fiche"') : saved.index('id="ameliorer"')]
    asked = saved[saved.index('id="ameliorer"') : saved.index('id="alertes"')]
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
    csrf = signed_in(page, f"structure:{SIRET}", "read")
    yes = page.post(f"/structure/{SIRET}/offres", data={"title": "Cycles", "csrf": csrf})
    assert supposed(yes.text) == ["blanchisserie"]
    no = page.post(f"/structure/{SIRET}/metier", data={"skill": "trade:blanchisserie", "csrf": csrf})
    assert supposed(no.text) == []
    assert "Ce n'est pas votre métier" in no.text


def test_no_offer_holds_a_supposed_trade(page: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gaps, "inferred_trades", lambda catalogue, row: [("cycles", 0.9)])
    page.get(f"/structure/{SIRET}")
    told = page.get(f"/v1/structures/{SIRET}").text.lower()
    assert "cycles" not in told


GARDENS = Structure(
    siret=SIRET, name="Les Allées", kind="EI", place=Place(department="93", latitude=48.9, longitude=2.4)
)
NEAR, FAR = (
    Place(department="93", latitude=48.95, longitude=2.45),
    Place(department="57", latitude=49.1, longitude=6.2),
)


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
    today = datetime.now(UTC).date()
    lot = Lot(id="l", title="Tonte et entretien des espaces verts", places=(NEAR,))
    tenders = [
        replace(t, id=f"n{n}", published=today, lots=(replace(lot, id=f"l{n}"),))
        for n, t in enumerate(serving.answerable()[:2])
    ]
    old = replace(tenders[0], id="old", published=today.replace(year=today.year - 2))

    class Last:
        catalogue = serving.catalogue

        def answerable(self) -> list[object]:
            return [*tenders, old]

        def once(self, name: str, make: object) -> object:
            return make()  # type: ignore[operator]

    bare = replace(
        serving.structure(SIRET),
        phone="",
        email="",
        zone=None,
        turnover=None,
        headcount=None,
        offers=(Offer(id="a", title="Tonte"),),
        place=GARDENS.place,
    )
    found = {gap.title: gap for gap in gaps.gaps(bare, Last())}  # type: ignore[arg-type]
    assert found["Donnez un téléphone ou un courriel"].notices == 2
    assert "2 avis de l'an dernier étaient à votre portée" in found["Donnez un téléphone ou un courriel"].gain
    assert "Donnez un téléphone ou un courriel" not in {
        g.title for g in gaps.gaps(replace(bare, phone="01"), Last())
    }  # type: ignore[arg-type]


def test_contacts_and_proof_of_life_stand_wherever_a_structure_is_named() -> None:
    """A structure with a site alone has a contact, in a group too; its state by the register and its convention have a day."""
    from service.page import render

    macros = render._environment.get_template("rows.html").module
    site = replace(
        GARDENS,
        website="https://allees.example",
        active=True,
        checked=datetime(2026, 3, 2).date(),
        convention="active",
    )
    assert "https://allees.example" in macros.contacts(site) and "à chercher" not in macros.contacts(site)  # type: ignore[attr-defined]
    told = macros.proof(site)  # type: ignore[attr-defined]
    assert "en activité au" in told and "2026" in told and "convention en vigueur" in told
    assert "fermée" in macros.proof(replace(site, active=False))  # type: ignore[attr-defined]


def test_a_structure_forbids_its_site_to_be_read(page: TestClient, settings: Settings) -> None:
    csrf = signed_in(page, f"structure:{SIRET}", "read")
    saved = page.post(f"/structure/{SIRET}/fiche", data={"csrf": csrf, "unread": "oui"}).text
    assert re.search(r'name="unread" value="oui" checked', saved)
    assert self_declared.unread_sites(settings.store) == {SIRET}
    read = Offer(id="r", title="Lavage de vitres", inferred=True, source=f"{READ_ON_SITE}01/11/2026")
    listed = Structure(siret=SIRET, name="Les Allées", place=Place(), offers=(read,), source="annuaire")
    with Store.open(settings.store) as store, store.reading() as connection:
        words = self_declared.declared_by(connection)
    assert self_declared.overlay([listed], words)[0][0].offers == ()
    page.post(f"/structure/{SIRET}/fiche", data={"csrf": token(saved)})
    assert self_declared.unread_sites(settings.store) == frozenset()
