"""Fuzz the service with requests of the API contract, raw bytes and strays of the pages: each is answered, none by an internal error.

    python tests/bench/fuzz_service.py --requests 10000
    python tests/bench/fuzz_service.py --requests 10000 --postgres
    python tests/bench/fuzz_service.py --requests 0 --contract 500

The application runs in this process over a catalogue of the sample; requests of the contract name what exists or what
does not, hypothesis makes bodies that fit nothing, and a visitor goes from page to page.  `--contract` has `schemathesis run`
ask a service of its own, so many times a route.  Prints how many were sent and what came back.
"""

import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import urlencode

import typer

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from lxml import html

from databases import server
from matcher.catalogue.build import build_catalogue
from matcher.domain import Recipe
from matcher.reading import gather
from matcher.records import keys
from matcher.records.store import Store
from serving import indexed, serving, settings_of

SAMPLE = ROOT / "data" / "sample"
SIRET = "00010001600013"  # of the sample
RAW_PATHS = f"""
    /v1/match /v1/match/file /v1/consortium /v1/jobs /v1/sourcing /v1/partners /v1/explain /v1/feedback /v1/exchange /v1/cpv
    /v1/structures/{SIRET}/profile /acheteur /connexion /acheteur/fiches /acheteur/fiches/x/contacter
    /structure/{SIRET}/offres /structure/{SIRET}/fiche /structure/{SIRET}/metier /structure/{SIRET}/alertes
    /structure/{SIRET}/brochure /structure/{SIRET}/ecarter /exploitant/demandes/x /q/x/{SIRET}/y /m/x/y /revendication/z
""".split()
_FORM, _PARTS = "application/x-www-form-urlencoded", "multipart/form-data"
MEDIA = ("application/json", "text/plain", _PARTS, f"{_PARTS}; boundary=x", "application/xml", _FORM)
MEDIA += (f"{_FORM}; charset=utf-99", "")
#: What visitors type, and what addresses and forms are changed into.
NEEDS = (
    "taille de haies", "nettoyage des bureaux, espaces verts et blanchisserie", "", " ", "é" * 3000, "=1+1", "a",
    "Lot 1 : tonte. Lot 2 : peinture.", "fourniture d'un appareil d'IRM", "<script>alert(1)</script> tonte",
    "mise sous pli à Pantin, 2 000 heures d'insertion, réservé aux ESAT", "\x00\ud7ff",
)  # fmt: skip
PLACES = ("", "Pantin", "Saint-Denis", "93", "2A", "97400", "99999", "Île-de-France", "Plaine Commune")
PLACES += ("Pantin, Bobigny et Nanterre", "Xyzzyville", "\x00")
ODD = """0 -1 1 2 10 99 351 1e999 NaN null '"><script> ../../etc/passwd %00 =1+1 2026-13-99 ${7*7} {{7*7}} abc é EI connu telephone
    distance nom groupes mecanique oui lot L2113-12""".split()
ODD += ["", "\x00", "a" * 5000, "\U0001f600", "' OR 1=1 --"]
FIRST = """/ /acheteur /acheteur?avis=26-130101 /acheteur?avis=26-130377 /acheteur/fiches /structure /territoire /exploitant /docs
    /a-propos /v1/notices.atom /v1/places /v1/territory/map.csv /nulle-part""".split()


@contextmanager
def prepared() -> Iterator[tuple[Any, str]]:
    """Settings of a service over a part of the sample, and the key of one who may do everything."""
    with (
        tempfile.TemporaryDirectory() as made,
        server() if POSTGRES else nullcontext() as address,
        mock.patch.dict(os.environ, MATCHER_HOME=made),  # an operator's forms write there
    ):
        whole = gather.gather([SAMPLE])
        catalogue = build_catalogue(whole.structures[:40], whole.awards, Recipe())
        folder = indexed(Path(made), catalogue, replace(whole, tenders=whole.tenders[:6]))
        own = {"buyer_domains": ("v.example",)} | ({"store": address} if address else {})
        given_ = settings_of(folder / "catalogue", folder, rate="1000000/minute", deadline=120, **own)
        with Store.open(given_.store) as store:
            key = keys.create(store, ["operator", "buyer", f"structure:{SIRET}"])
        yield given_, key


@contextmanager
def served() -> Iterator[tuple[Any, dict[str, str]]]:
    """The application in this process, and the headers of one who may do everything."""
    from service.app import create_app

    with prepared() as (given_, key), TestClient(create_app(given_), raise_server_exceptions=False) as client:
        yield client, {"X-API-Key": key}


#: Another number makes other requests.
SEED = 0
#: Is the store on a PostgreSQL server of our own, and not in a SQLite file?
POSTGRES = False


def bound(examples: int) -> Any:
    """So many examples, the same at each run of a seed."""
    checks, phases = list(HealthCheck), [Phase.generate]
    given_ = settings(
        max_examples=examples, deadline=None, suppress_health_check=checks, phases=phases, database=None
    )
    return lambda asked: seed(SEED)(given_(asked))


#: What was asked where the answer was an internal error, or no problem+json where one was due.
FAULTS: list[str] = []


def judge(answer: Any, told: str, tally: Counter[int], *, api: bool = False) -> None:
    """Count an answer, and note an internal error with its request."""
    tally[answer.status_code] += 1
    problem = "application/problem+json" in answer.headers.get("content-type", "")
    odd = api and answer.status_code >= 400 and not problem
    # 503: something is missing, such as a reference table; it names the remedy
    if odd or (answer.status_code >= 500 and answer.status_code != 503):
        FAULTS.append(f"{answer.status_code} {told}")


def existing(client: Any, head: dict[str, str]) -> dict[str, str]:
    """Values of the parameters of paths that name what exists."""

    def made(path: str, body: dict[str, Any]) -> Any:
        return client.post(path, json=body, headers=head).json()

    record = made("/v1/sourcing", {"need": "nettoyage de bureaux", "place": "Pantin", "label": "a"})["id"]
    job = made("/v1/jobs", {"items": [{"need": "tonte", "n": 1}]})["id"]
    notice = client.get("/v1/notices", headers=head).json()["items"][0]["id"]
    known = {"siret": SIRET, "record_id": record, "job_id": job, "notice_id": notice}
    return known | dict.fromkeys(("format", "shape"), "csv")


def of_contract(client: Any, head: dict[str, str], examples: int, tally: Counter[int]) -> None:
    """Requests that schemathesis makes of each route of the contract; a path names in turn what exists and what does not."""
    known = existing(client, head)
    for found in schemathesis.openapi.from_asgi("/openapi.json", client.app).get_all_operations():
        operation = found.ok()
        if operation.path.endswith("/events"):
            continue  # a stream without an end of its own

        @bound(examples)
        @given(case=operation.as_strategy(), exists=st.booleans())
        def ask(case: Any, exists: bool) -> None:
            case.path_parameters |= {k: v for k, v in known.items() if exists and k in case.path_parameters}
            told = f"{case.method} {case.formatted_path} {case.query} {str(case.body)[:300]}"
            judge(case.call(headers=head), told, tally, api=True)

        ask()


def by_command(examples: int) -> int:
    """`schemathesis run` against a service of its own: its examples, all its phases, data that fits and data that does not."""
    command = Path(sys.executable).with_name("schemathesis")
    with prepared() as (given_, key), serving(given_) as url:
        asked = [
            *(str(command), "run", f"{url}/openapi.json", "--header", f"X-API-Key: {key}"),
            *("--max-examples", str(examples), "--exclude-path-regex", "/events$"),
            *"--checks not_a_server_error --mode all --suppress-health-check all --request-timeout 60".split(),
            *"--generation-deterministic --no-color".split(),
        ]
        return subprocess.run(asked).returncode


def of_bytes(client: Any, head: dict[str, str], examples: int, tally: Counter[int]) -> None:
    """Arbitrary bodies under any media type; half of them as a visitor of the pages."""

    @bound(examples)
    @given(
        raw=st.binary(max_size=400) | st.text(max_size=200).map(lambda t: t.encode("utf-8", "replace")),
        media=st.sampled_from(MEDIA),
        path=st.sampled_from(RAW_PATHS),
        page=st.booleans(),
    )
    def ask(raw: bytes, media: str, path: str, page: bool) -> None:
        accept = {"accept": "text/html"} if page else {}
        verb = "PUT" if path.endswith("/profile") else "POST"
        answer = client.request(verb, path, content=raw, headers={"content-type": media, **accept, **head})
        judge(answer, f"{verb} {path} {media!r} {raw[:200]!r}", tally)

    ask()


class Visitor:
    """Goes from page to page by what they offer, and by addresses and fields that they do not."""

    def __init__(self, client: Any, tally: Counter[int]) -> None:
        self.page, self.tally, self.any = client, tally, random.Random(SEED)
        self.seen, self.forms, self.csrf = [*FIRST], list[tuple[str, dict[str, Any]]](), ""

    def take(self, verb: str, path: str, **more: Any) -> None:
        answer = self.page.request(verb, path, headers={"accept": "text/html"}, **more)
        judge(answer, f"{verb} {path} {more}"[:600], self.tally)
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
        self.take("GET", "/connexion")
        if scopes:
            with Store.open(self.page.app.state.settings.store) as store:
                secret = keys.create(store, scopes)
            self.take("POST", "/connexion", data={"key": secret, "csrf": self.csrf})

    def search(self) -> None:
        asked = {"need": self.any.choice(NEEDS), "place": self.any.choice(PLACES), "csrf": self.csrf}
        asked |= {"radius": self.any.choice(("", "", "30", "x", "-1"))}
        sent = ("a.xml", self.any.choice((b"", b"<a/>", b"%PDF-1.4", b"\xff\xfe")))
        self.take("POST", "/acheteur", data=asked, files={"file": sent} if self.any.random() < 0.15 else None)

    def follow(self) -> None:
        address = self.any.choice(self.seen)
        if not address.startswith(("/territoire/carte", "/openapi")):
            self.take("GET", address)

    def stray(self) -> None:
        address = self.any.choice([a for a in self.seen if a.startswith(("/acheteur", "/structure"))])
        names = "lot page vue tri type km metier contact label tout manque debut de s issue fait modifier q"
        asked = {self.any.choice(names.split()): self.any.choice(ODD) for _ in range(3)}
        self.take("GET", f"{address}{'&' if '?' in address else '?'}{urlencode(asked)}")

    def submit(self) -> None:
        if not self.forms:
            return self.search()
        action, fields = self.any.choice(self.forms)
        data = {name: self.any.choice((*values, self.any.choice(ODD))) for name, values in fields.items()}
        for name in {"s", "sirets"} & fields.keys():
            data[name] = self.any.sample(fields[name], min(len(fields[name]), 3))
        return self.take("POST", action, data=data | ({"csrf": self.csrf} if "csrf" in data else {}))

    def step(self) -> None:
        acts = (self.search, *[self.follow] * 2, self.stray, *[self.submit] * 3)
        (self.sign_in if self.any.random() < 0.05 else self.any.choice(acts))()


def of_visitors(client: Any, _: dict[str, str], examples: int, tally: Counter[int]) -> None:
    """A visitor of every kind, who does what the pages offer and what they do not."""
    visitor, most = Visitor(client, tally), tally.total() + examples
    while tally.total() < most:
        visitor.step()


def run(client: Any, head: dict[str, str], requests: int) -> Counter[int]:
    """About so many requests, a fifth of them of the contract, which cost most; how many ended with each status."""
    routes = sum(len(verbs) for verbs in client.get("/openapi.json").json()["paths"].values())
    tally: Counter[int] = Counter()
    of_contract(client, head, max(1, requests // (5 * routes)), tally)
    of_bytes(client, head, max(1, requests * 2 // 5), tally)
    of_visitors(client, head, max(1, requests - tally.total()), tally)
    return tally


def main(requests: int = 10_000, contract: int = 0, seed: int = 0, postgres: bool = False) -> None:
    """`--contract`: so many examples of each route, by `schemathesis run`; `--postgres`: on a server of its own."""
    global SEED, POSTGRES
    SEED, POSTGRES = seed, postgres
    if contract and by_command(contract):
        raise typer.Exit(1)
    if not requests:
        return
    begun = time.perf_counter()
    with served() as (client, head):
        tally = run(client, head, requests)
    told = ", ".join(f"{status}: {count}" for status, count in sorted(tally.items()))
    print(f"{tally.total()} requests in {time.perf_counter() - begun:.0f} s: {len(FAULTS)} faults ({told})")
    for fault in dict.fromkeys(FAULTS):
        print(fault)
    raise typer.Exit(bool(FAULTS))


if __name__ == "__main__":
    typer.run(main)
