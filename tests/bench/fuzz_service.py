"""Fuzz the service with requests generated from the API contract and from raw bytes: each is answered, none by an internal error.

    python tests/bench/fuzz_service.py --requests 10000

The application runs in this process over a catalogue of the sample; schemathesis generates requests of the contract,
hypothesis invalid paths, bodies and forms.  Prints the number of requests and the statuses returned.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from matcher.catalogue.build import build_catalogue
from matcher.catalogue.files import save_catalogue

SAMPLE = Path(__file__).parents[2] / "data" / "sample"
SIRET = "00010001600013"  # of the sample
RAW_PATHS = (
    "/v1/match", "/v1/match/file", "/v1/consortium", "/v1/jobs", "/v1/sourcing", "/v1/partners", "/v1/explain", "/v1/feedback", "/v1/exchange",
    "/v1/cpv", f"/v1/structures/{SIRET}/profile", "/acheteur", "/connexion", "/acheteur/fiches", "/acheteur/fiches/x/contacter",
    f"/structure/{SIRET}/offres", f"/structure/{SIRET}/fiche", f"/structure/{SIRET}/metier", f"/structure/{SIRET}/alertes",
    f"/structure/{SIRET}/brochure", f"/structure/{SIRET}/ecarter", "/exploitant/demandes/x", f"/q/x/{SIRET}/y", "/m/x/y", "/revendication/z",
)  # fmt: skip
READ_PATHS = (
    "/", "/acheteur", "/acheteur/fiches", "/acheteur/fiches/x", "/structure", f"/structure/{SIRET}", f"/structure/{SIRET}/partenaires",
    "/exploitant", "/territoire", "/docs", "/a-propos", "/v1/notices", "/v1/notices.atom", "/v1/places", "/v1/structures", "/v1/explain",
    f"/v1/structures/{SIRET}/opportunities.atom", "/v1/territory/map.csv", "/static/page.css", "/nulle-part",
)  # fmt: skip
MEDIA = (
    "application/json", "text/plain", "multipart/form-data", "multipart/form-data; boundary=x", "application/xml",
    "application/x-www-form-urlencoded", "application/x-www-form-urlencoded; charset=utf-99", "",
)  # fmt: skip
ODD = st.text(max_size=60) | st.sampled_from(
    ["", "0", "-1", "1e999", "NaN", "null", "'\"><script>", "../../etc/passwd", "%00", "\x00", "a" * 5000, "=1+1", "\ud83d\ude00", "2026-13-99", "${7*7}", "{{7*7}}", "' OR 1=1 --"]
)  # fmt: skip
NAMES = st.sampled_from(
    ["q", "since", "offset", "limit", "need", "place", "notice", "notice_id", "avis", "page", "lot", "vue", "debut", "issue", "csrf", "key", "sirets", "message",
     "reply_to", "radius", "kinds", "phrase", "offer", "skill", "title", "frequency", "address", "siret", "text", "interest", "region", "trade", "file", "x"]
)  # fmt: skip


@contextmanager
def served() -> Iterator[tuple[Any, dict[str, str]]]:
    """The application over a part of the sample, and the headers of a key with all scopes."""
    from service.app import create_app
    from service.settings import Settings

    from matcher.matching import recipes
    from matcher.reading import gather
    from matcher.records import keys
    from matcher.records.store import Store

    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        gathered = gather.gather([SAMPLE])
        catalogue = build_catalogue(gathered.structures[:40], gathered.awards, recipes.named("weighted"))
        save_catalogue(catalogue, folder / "catalogue")
        gather.save_notices(gathered.tenders[:6], folder / "catalogue")
        address = f"sqlite:///{folder / 'store.sqlite'}"
        with Store.open(address) as store:
            key = keys.create(store, ["operator", "buyer", f"structure:{SIRET}"])
        given_ = Settings(
            catalogue=folder / "catalogue", store=address, log_level="ERROR", rate="1000000/minute", outbox=folder / "outbox"
        )  # fmt: skip
        with TestClient(create_app(given_), raise_server_exceptions=False) as client:
            yield client, {"X-API-Key": key}


def bound(examples: int) -> Any:
    return settings(
        max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate],
        derandomize=True, database=None,
    )  # fmt: skip


#: What was asked where the answer was an internal error, or no problem+json where one was due.
FAULTS: list[str] = []


def judge(answer: Any, told: str, tally: Counter[int], *, api: bool = False) -> None:
    """Count an answer, and note an internal error with its request."""
    tally[answer.status_code] += 1
    odd = api and answer.status_code >= 400 and answer.headers["content-type"] != "application/problem+json"
    # 503: something is missing, such as a reference table; it names the remedy
    if odd or (answer.status_code >= 500 and answer.status_code != 503):
        FAULTS.append(f"{answer.status_code} {told}")


def of_contract(client: Any, head: dict[str, str], examples: int, tally: Counter[int]) -> None:
    """Requests that schemathesis makes of each route of the contract."""
    contract = schemathesis.openapi.from_dict(client.get("/openapi.json").json())
    for found in contract.get_all_operations():
        operation = found.ok()
        if operation.path.endswith("/events"):
            continue  # a stream without an end of its own

        @bound(examples)
        @given(case=operation.as_strategy())
        def ask(case: Any) -> None:
            path = case.formatted_path if hasattr(case, "formatted_path") else case.path
            body = case.body if not isinstance(case.body, type(schemathesis.core.NOT_SET)) else None
            more: dict[str, Any] = {}
            if case.media_type == "application/json" and body is not None:
                more["json"] = body
            elif body is not None:
                more["data"] = {k: str(v) for k, v in body.items()} if isinstance(body, dict) else str(body)
            query = {k: v for k, v in (case.query or {}).items() if v is not None}
            answer = client.request(case.method, path, params=query, headers=head, **more)
            judge(answer, f"{case.method} {path} {query} {str(body)[:300]}", tally, api=True)

        ask()


def of_bytes(client: Any, head: dict[str, str], examples: int, tally: Counter[int]) -> None:
    """Arbitrary bodies under any media type; half of them as a visitor of the pages."""

    @bound(examples)
    @given(
        raw=st.binary(max_size=400) | st.text(max_size=200).map(lambda t: t.encode("utf-8", "replace")), media=st.sampled_from(MEDIA),
        path=st.sampled_from(RAW_PATHS), page=st.booleans(),
    )  # fmt: skip
    def ask(raw: bytes, media: str, path: str, page: bool) -> None:
        accept = {"accept": "text/html"} if page else {}
        verb = "PUT" if path.endswith("/profile") else "POST"
        answer = client.request(verb, path, content=raw, headers={"content-type": media, **accept, **head})
        judge(answer, f"{verb} {path} {media!r} {raw[:200]!r}", tally)

    ask()


def of_forms(client: Any, head: dict[str, str], examples: int, tally: Counter[int]) -> None:
    """Forms and queries whose fields are known and whose values are not; with the session's own token or without."""
    import re

    token = re.findall(
        r'name="csrf" value="(\w+)"', client.get("/connexion", headers={"accept": "text/html"}).text
    )[0]

    @bound(examples)
    @given(
        fields=st.dictionaries(NAMES, ODD, max_size=6), post=st.booleans(), proved=st.booleans(), index=st.integers(0, 99)
    )  # fmt: skip
    def ask(fields: dict[str, str], post: bool, proved: bool, index: int) -> None:
        plain = {k: v.encode("utf-8", "replace").decode() for k, v in fields.items()} | (
            {"csrf": token} if proved else {}
        )
        headers = {"accept": "text/html", **head}
        if post:
            path = RAW_PATHS[index % len(RAW_PATHS)]
            answer = client.post(path, data=plain, headers=headers)
        else:
            path = READ_PATHS[index % len(READ_PATHS)]
            answer = client.get(path, params=plain, headers=headers)
        judge(answer, f"{'POST' if post else 'GET'} {path} {plain!r}"[:600], tally)

    ask()


def run(client: Any, head: dict[str, str], requests: int) -> Counter[int]:
    """About `wanted` requests, half of them from the contract; counts by status."""
    routes = sum(len(verbs) for verbs in client.get("/openapi.json").json()["paths"].values())
    tally: Counter[int] = Counter()
    of_contract(client, head, max(1, requests // (2 * routes)), tally)
    of_bytes(client, head, max(1, requests // 4), tally)
    of_forms(client, head, max(1, requests - sum(tally.values())), tally)
    return tally


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=10_000)
    asked = parser.parse_args().requests
    begun = time.perf_counter()
    with served() as (client, head):
        tally = run(client, head, asked)
    told = ", ".join(f"{status}: {count}" for status, count in sorted(tally.items()))
    print(
        f"{sum(tally.values())} requests in {time.perf_counter() - begun:.0f} s: {len(FAULTS)} faults ({told})"
    )
    for fault in dict.fromkeys(FAULTS):
        print(fault)
    return 1 if FAULTS else 0


if __name__ == "__main__":
    sys.exit(main())
