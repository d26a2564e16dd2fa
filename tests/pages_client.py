"""A client that reads pages as a person does: unbreakable spaces are spaces."""

from __future__ import annotations

import csv
import email
import email.policy
import io
import re
from pathlib import Path
from typing import Any

import httpx
from fastapi.testclient import TestClient

from matcher.records import keys
from matcher.records.store import Store

SIRET, OTHER = "00010001600013", "00010073500018"  # structures of the sample
HOSTILE, NAMELESS = "00029999700014", "00029999800012"  # beside it
NASTY = '=HYPERLINK("http://x.example","<script>alert(1)</script>")'


class PagesClient(TestClient):
    """A test client of a service that is ready, whose texts have plain spaces and whose forms hold their token."""

    def __enter__(self) -> PagesClient:
        super().__enter__()
        self.app.state.warmed.wait()  # type: ignore[attr-defined]
        return self

    def request(self, *args: Any, **kwargs: Any) -> httpx.Response:
        answer = super().request(*args, **kwargs)
        if answer.headers.get("content-type", "").startswith("text/html"):
            answer._text = re.sub("[\u00a0\u202f]", " ", answer.text).replace("’", "'")
        return answer

    def post(self, url: Any, *, data: Any = None, **kwargs: Any) -> httpx.Response:
        if isinstance(data, dict) and "csrf" not in data:
            data = {**data, "csrf": token(self.get("/connexion", headers={"accept": "text/html"}).text)}
        return super().post(url, data=data, **kwargs)


def mails(outbox: Path) -> list[Any]:
    """The mails dropped as files, as a mail reader decodes them."""
    texts = (path.read_bytes() for path in sorted(outbox.glob("*.eml")))
    return [email.message_from_bytes(text, policy=email.policy.default) for text in texts]


def token(text: str) -> str:
    """The token that forms of this page bring back."""
    return re.findall(r'name="csrf" value="(\w+)"', text)[0]


def holding(client: TestClient, *scopes: str) -> dict[str, str]:
    """The header of a new key of these scopes."""
    with Store.open(client.app.state.settings.store) as store:  # type: ignore[attr-defined]
        return {"X-API-Key": keys.create(store, scopes)}


def signed_in(page: TestClient, *scopes: str) -> None:
    """Sign in with a key of these scopes."""
    secret = holding(page, *scopes)["X-API-Key"]
    page.cookies.clear()
    page.post("/connexion", data={"key": secret})


def reference(page: TestClient, **asked: Any) -> str:
    """Search, and return the reference of its results."""
    made = page.post("/acheteur", data=asked, follow_redirects=False)
    assert made.status_code == 303, made.text[:2000]
    return str(made.headers["location"]).removeprefix("/acheteur/r/")


def kept(page: TestClient, **asked: Any) -> str:
    """A sourcing record made through the pages: its address."""
    asked = asked or {"need": "taille de haies à Pantin"}
    found = reference(page, **asked)
    made = page.post("/acheteur/fiches", data={"de": found}, follow_redirects=False)
    assert made.status_code == 303, made.text[:2000]
    return str(made.headers["location"])


def exported(page: TestClient, address: str, end: str = "/export.csv") -> list[dict[str, str]]:
    """The lines of a list as it is exported."""
    text = page.get(address + end).content.decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text), delimiter=";"))
