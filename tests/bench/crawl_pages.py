"""Crawl a running service as a visitor, a buyer, a structure and an operator: `python tests/bench/crawl_pages.py ADDRESS STORE`.

Prints the pages read, those refused or broken (404, 405, 5xx), and the heaviest as it is sent, compressed.  A link that
leads nowhere is a stumble of whoever follows it.
"""

from __future__ import annotations

import argparse
import re
from collections import deque
from urllib.parse import urljoin, urlsplit

import httpx

from matcher.records import keys
from matcher.records.store import Store

SKIPPED = re.compile(r"/export\.|/liste\.|\.atom|/static/|/openapi|/docs|/logos?/|rejouer=|/connexion/oidc")
NEEDS = (
    ("taille de haies", "Pantin"),
    ("nettoyage des bureaux", "Paris"),
    ("Acquisition d'un scanner IRM", "Nantes"),
)


def crawl(page: httpx.Client, wanted: int) -> tuple[int, list[str], int]:
    """Pages read, faults, and the most bytes of a page."""
    waiting, seen, faults, heaviest = deque(["/"]), {"/"}, list[str](), 0
    for need, place in NEEDS:
        made = page.post("/acheteur", data={"need": need, "place": place})
        waiting.append(urlsplit(made.headers.get("location", "/")).path)
    read = 0
    while waiting and read < wanted:
        address = waiting.popleft()
        answer = page.get(address, follow_redirects=True)
        read += 1
        heaviest = max(heaviest, int(answer.headers.get("content-length", 0)))
        if answer.status_code in (404, 405) or answer.status_code >= 500:
            faults.append(f"{answer.status_code} {address}")
        for link in re.findall(r'href="([^"#]+)"', answer.text.replace("&amp;", "&")):
            path = urljoin(address, link)
            if path.startswith("/") and path not in seen and not SKIPPED.search(path):
                seen.add(path)
                waiting.append(path)
    return read, faults, heaviest


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address")
    parser.add_argument("store", help="the service's store, to make a key of each role")
    parser.add_argument("--pages", type=int, default=600)
    parser.add_argument("--siret", default="00010001600013")
    asked = parser.parse_args()
    roles = {
        "visitor": (),
        "buyer": ("buyer",),
        "structure": (f"structure:{asked.siret}", "read"),
        "operator": ("operator",),
    }
    for role, scopes in roles.items():
        with httpx.Client(base_url=asked.address, headers={"accept": "text/html"}, timeout=120) as page:
            form = page.get("/connexion").text
            if scopes:
                with Store.open(asked.store) as store:
                    secret = keys.create(store, scopes, days=1)
                csrf = re.findall(r'name="csrf" value="(\w+)"', form)[0]
                page.post("/connexion", data={"key": secret, "csrf": csrf})
            read, faults, heaviest = crawl(page, asked.pages // len(roles))
            print(f"{role}: {read} pages, heaviest {heaviest:,} bytes compressed, {len(faults)} faults")
            print("\n".join(faults[:20]))


if __name__ == "__main__":
    main()
