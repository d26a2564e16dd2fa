"""Generated states of the pages, of every kind of visitor: none is an internal error.

`MATCHER_STATES=500 pytest tests/service/test_states_of_pages.py` generates as many as it says; the suite a few.
"""

import os
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lxml import html
from service.app import create_app
from service.settings import Settings

from matcher.records import keys
from matcher.records.store import Store
from pages_client import SIRET, PagesClient, token
from serving import settings_of

STATES = int(os.environ.get("MATCHER_STATES", "60"))
NEEDS = (
    "taille de haies", "nettoyage des bureaux, espaces verts et blanchisserie", "", " ", "é" * 3000, "=1+1", "a",
    "Lot 1 : tonte. Lot 2 : peinture.", "fourniture d'un appareil d'IRM", "<script>alert(1)</script> tonte",
    "mise sous pli à Pantin, 2 000 heures d'insertion, réservé aux ESAT", "\x00\ud7ff",
)  # fmt: skip
SEVERAL = "Pantin, Bobigny et Nanterre"
PLACES = ("", "Pantin", "Saint-Denis", "93", "2A", "97400", "99999", "Île-de-France", "Plaine Commune")
PLACES += (SEVERAL, "Xyzzyville", "\x00")
NUMBERS = ("0", "-1", "1", "2", "10", "99", "351")
WORDS = ("abc", "é", "EI", "connu", "telephone", "distance", "nom", "groupes", "mecanique", "oui", "lot")
ODD = ("", *NUMBERS, *WORDS, "%00", "' OR 1=1 --", "L2113-12")


@pytest.fixture(scope="module")
def settings(odd_sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return settings_of(odd_sample, tmp_path_factory.mktemp("states"), buyer_domains=("v.example",))


@pytest.fixture(scope="module")
def page(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PagesClient]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MATCHER_HOME", str(tmp_path_factory.mktemp("home")))
        app, head = create_app(settings), {"accept": "text/html"}
        with PagesClient(app, headers=head, raise_server_exceptions=False) as client:
            yield client


class Visitor:
    """Goes from page to page by what they offer, and by addresses and fields that they do not."""

    def __init__(self, page: PagesClient, settings: Settings, seed: int) -> None:
        self.page, self.any, self.settings = page, random.Random(seed), settings
        first = "/ /acheteur /acheteur?avis=26-130101 /acheteur?avis=26-130377 /territoire /exploitant"
        self.seen = first.split()
        self.forms: list[tuple[str, dict[str, Any]]] = []
        self.tally: Counter[int] = Counter()
        self.faults: list[str] = []
        self.csrf = ""

    def take(self, answer: Any, what: str) -> None:
        self.tally[answer.status_code] += 1
        if answer.status_code >= 500 and answer.status_code != 503:
            self.faults.append(f"{answer.status_code} {what}")
        if not answer.headers.get("content-type", "").startswith("text/html"):
            return
        shown = html.fromstring(answer.text)
        self.csrf = next(iter(shown.xpath("//input[@name='csrf']/@value")), self.csrf)
        links = [link.partition("#")[0] for link in shown.xpath("//@href[starts-with(., '/')]")]
        self.seen += self.any.sample(links, min(4, len(links)))
        for form in shown.xpath("//form[@method='post']")[:12]:
            fields: dict[str, Any] = {}
            for tag in form.xpath(".//*[@name and not(@type='file')]"):
                fields.setdefault(tag.get("name"), []).append(tag.get("value", ""))
            self.forms.append((form.get("action"), fields))
        del self.forms[:-60], self.seen[:-120]

    def sign_in(self) -> None:
        scopes = self.any.choice((["buyer"], [f"structure:{SIRET}", "read"], ["operator"], []))
        self.page.cookies.clear()
        self.csrf = token(self.page.get("/connexion").text)
        if scopes:
            with Store.open(self.settings.store) as store:
                secret = keys.create(store, scopes)
            self.take(self.page.post("/connexion", data={"key": secret, "csrf": self.csrf}), "sign in")

    def search(self) -> None:
        asked = {"need": self.any.choice(NEEDS), "place": self.any.choice(PLACES)}
        asked |= {"radius": self.any.choice(("", "", "30", "x", "-1"))}
        sent = ("a.xml", self.any.choice((b"", b"<a/>", b"%PDF-1.4", b"\xff\xfe")))
        files = {"file": sent} if self.any.random() < 0.15 else None
        self.take(self.page.post("/acheteur", data=asked, files=files), f"search {asked} {files}")

    def follow(self) -> None:
        address = self.any.choice(self.seen)
        if address.startswith(("/territoire/carte", "/openapi")):
            return
        self.take(self.page.get(address), f"GET {address}")

    def stray(self) -> None:
        address = self.any.choice([a for a in self.seen if a.startswith(("/acheteur", "/structure"))])
        names = "lot page vue tri type km metier contact label tout manque debut de s issue fait modifier"
        query = "&".join(f"{self.any.choice(names.split())}={self.any.choice(ODD)}" for _ in range(3))
        where = f"{address}{'&' if '?' in address else '?'}{query}"
        self.take(self.page.get(where), f"GET {where}")

    def submit(self) -> None:
        if not self.forms:
            return self.search()
        action, fields = self.any.choice(self.forms)
        data = {name: self.any.choice((*values, self.any.choice(ODD))) for name, values in fields.items()}
        for name in ("s", "sirets"):
            if name in fields:
                data[name] = self.any.sample(fields[name], min(len(fields[name]), 3))
        if "csrf" in data:
            data["csrf"] = self.csrf
        self.take(self.page.post(action, data=data), f"POST {action} {data}")
        return None

    def step(self) -> None:
        acts = (self.search, *[self.follow] * 2, self.stray, *[self.submit] * 3)
        (self.sign_in if self.any.random() < 0.05 else self.any.choice(acts))()


def test_no_generated_state_is_an_internal_error(page: PagesClient, settings: Settings) -> None:
    visitor = Visitor(page, settings, 7)
    while visitor.tally.total() < STATES:
        visitor.step()
    assert visitor.faults == [] and visitor.tally[200] > STATES / 3, (visitor.faults[:5], visitor.tally)
