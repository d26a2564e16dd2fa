"""Logos are served from this origin, decorate without moving anything, and leave when their structure says so."""

from __future__ import annotations

import re
from datetime import date

import pytest

pytest.importorskip("fastapi")
from fastapi.testclient import TestClient
from service.settings import Settings

from matcher.records import logos
from matcher.records.store import Store
from pages_client import SIRET, signed_in, token

IMAGE = b"RIFF\x00\x00\x00\x00WEBPVP8 invented"


SCOPES = (f"structure:{SIRET}", "read")


@pytest.fixture
def with_logo(page: TestClient, settings: Settings) -> None:
    with Store.open(settings.store) as store:
        logos.keep(
            store, SIRET, IMAGE, url="https://images.example/1.png", source="lemarche", day=date(2026, 11, 28)
        )


def tag(text: str) -> str:
    found = re.search(r'<img class="logo[^>]*>', text)
    return found[0] if found else ""


def test_a_logo_is_shown_from_here_and_cached(page: TestClient, settings: Settings, with_logo: None) -> None:
    signed_in(page, *SCOPES)
    for address in (f"/structure/{SIRET}", f"/acheteur/structure/{SIRET}"):
        shown = tag(page.get(address).text)
        assert (
            'alt=""' in shown and "width=" in shown and "height=" in shown and "images.example" not in shown
        )
    source = re.search(r'src="([^"]+)"', shown)[1]  # type: ignore[index]
    answer = page.get(source)
    assert (answer.content, answer.headers["content-type"]) == (IMAGE, "image/webp")
    assert (
        answer.headers["x-content-type-options"] == "nosniff"
        and "immutable" in answer.headers["cache-control"]
    )
    assert page.get(source[:-7] + "00.webp").status_code == 404


def test_a_logo_stands_on_its_line_of_the_results(
    page: TestClient, settings: Settings, with_logo: None
) -> None:
    signed_in(page, *SCOPES)
    sent = {
        "need": "entretien des espaces verts",
        "place": "Pantin",
        "csrf": token(page.get("/acheteur").text),
    }
    text = page.post("/acheteur", data=sent).text
    assert [SIRET in line for line in text.split('<li class="row"')[1:] if tag(line)] == [True]


def test_a_removed_logo_does_not_come_back(page: TestClient, settings: Settings, with_logo: None) -> None:
    signed_in(page, *SCOPES)
    shown = page.get(f"/structure/{SIRET}").text
    source = re.search(r'src="([^"]+)"', tag(shown))[1]  # type: ignore[index]
    removed = page.post(f"/structure/{SIRET}/logo", data={"csrf": token(shown)}).text
    assert not tag(removed) and page.get(source).status_code == 404 and "Le montrer de nouveau" in removed
    with Store.open(settings.store) as store:
        assert logos.known(store)[SIRET].removed
        again = {"url": "https://images.example/2.png", "source": "lemarche", "day": date(2026, 11, 29)}
        logos.keep(store, SIRET, IMAGE, **again)  # type: ignore[arg-type]
        logos.forget(store, [SIRET])
        assert not logos.versions(store, [SIRET])
        logos.allow(store, SIRET, "test")
        logos.keep(store, SIRET, IMAGE, **again)  # type: ignore[arg-type]
        assert logos.versions(store, [SIRET])


def test_nobody_removes_the_logo_of_another(page: TestClient, settings: Settings, with_logo: None) -> None:
    csrf = token(page.get(f"/structure/{SIRET}").text)
    assert page.post(f"/structure/{SIRET}/logo", data={"csrf": csrf}).status_code == 403
