"""Read hostile sites: loops, bombs, internal redirects, endless bodies, broken headers, wrong encodings, huge pages.

python tests/bench/fuzz_sites.py --pages 10000

Prints one JSON line: pages answered, sites with a text kept, connections to addresses that are not public (must be 0),
errors that are no refusal (must be none), the longest site and the growth of memory.
"""

import gzip
import json
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import typer

sys.path[:0] = [str(Path(__file__).parents[1])]

from hostile_sites import Answer, bomb, endless, fetcher, moved, page, serving, slow
from matcher.domain import Structure
from matcher.reading.sync import site
from matcher.reading.sync._guard import public

INWARDS = """
    http://127.0.0.1/ http://169.254.169.254/latest/meta-data/iam/ http://[::1]/ http://localhost/ http://10.1.2.3/
    http://2130706433/ http://[::ffff:7f00:1]/ http://0/ http://192.168.0.1:8080/ file:///etc/passwd
    http://[64:ff9b::a9fe:a9fe]/ http://metadata.internal/ dict://127.0.0.1:11211/ http://127.1/
""".split()
WORDS = "entretien espaces verts nettoyage de locaux services activités métiers prestations menuiserie atelier".split()
WORDS += ["Mme Aline Durand", "06 12 34 56 78", "aline.durand@essai.example"]
CHARSETS = f"utf-7 zip utf-16 hex idna {'x' * 39} cp037 \u00e9 undefined unicode_escape".split()
LENGTHS = [(f"Content-Length: {1 << 30}",), ()]
OTHERS = ["application/pdf", "image/png", "text/plain", "", "a/b;c=\x01"]
HEADS = [
    b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 20_000 + b"\r\n<p>x</p>",
    b"HTTP/9.9 999 ?\r\n\r\n",
    b"\r\n\r\n",
    b"",
    b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nabc",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\nabc",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
    b"SSH-2.0-OpenSSH\r\n",
    b"\xff" * 5000,
    b"HTTP/1.1 301 Moved\r\nLocation: \xe9\xff http://[\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Type: text/html\r\n\r\nnot gzip at all",
    b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Type: text/html\r\n\r\nxx",
]
ENTITIES = '<!DOCTYPE x [<!ENTITY a "&b;&b;"><!ENTITY b SYSTEM "file:///etc/passwd">]><p>&a;&b;'


ATTRIBUTES = " ".join(f"a{n}=1" for n in range(60_000))
INWARD_LINKS = "".join(f'<a href="{url}">Nos services</a>' for url in INWARDS)


class Hostile:
    """Responses of a hostile web, varying by host and path, reproducible by seed."""

    def __init__(self, seed: int, slowness: float) -> None:
        self.seed, self.slowness = seed, slowness
        self.bomb = bomb(64 << 20)

    def __call__(self, host: str, path: str) -> Answer:
        rng = random.Random(f"{self.seed} {host} {path}")
        if path == "/robots.txt" and rng.random() < 0.8:
            return page("", status="404 Not Found")

        def text(count: int = 40) -> str:
            return " ".join(rng.choices(WORDS, k=count))

        def links() -> str:
            numbers = ((rng.randrange(10**6), rng.choice(WORDS)) for _ in range(8))
            return "".join(f'<a href="/services/{n}">Nos {word} activités</a>' for n, word in numbers)

        odd = "éèà nettoyage".encode("cp1252")
        answers: dict[str, Callable[[], Answer]] = {
            "attributes": lambda: page(f"<p {ATTRIBUTES}>Nettoyage de vitres</p>" + "<!--" * 9_000),
            "binary": lambda: page(rng.randbytes(20_000)),
            "bomb": lambda: self.bomb,
            "calendar": lambda: page(f"<p>{text()}</p>" + links() * 50),
            "chain": lambda: moved(f"http://{host}/x{rng.randrange(10**9)}"),
            "circle": lambda: moved(path if rng.random() < 0.5 else f"/services/{rng.randrange(3)}"),
            "deep": lambda: page("<div><li>" * 40_000 + text()),
            "encoding": lambda: page(
                rng.randbytes(3000) + odd, kind=f"text/html; charset={rng.choice(CHARSETS)}"
            ),
            "endless": lambda: endless(b"<p>nettoyage</p>" * 4096, 1 << 30, *rng.choice(LENGTHS)),
            "entities": lambda: page(ENTITIES + "&amp" * 50_000),
            "gzip_cut": lambda: page(gzip.compress(b"<p>nettoyage</p>" * 99)[:-20], "Content-Encoding: gzip"),
            "heads": lambda: rng.choice(HEADS),
            "inwards": lambda: moved(rng.choice(INWARDS)),
            "links_inwards": lambda: page(f"{INWARD_LINKS}<p>Nos services au clair</p>"),
            "nulls": lambda: page("\0<p>nettoyage\0\ufffe\U0010ffff</p>" * 500),
            "other_kind": lambda: page(b"%PDF-1.7" + rng.randbytes(500), kind=rng.choice(OTHERS)),
            "plain": lambda: page(f"<title>{text(4)}</title><h1>Métiers</h1><p>{text()}</p>{links()}"),
            "slow": lambda: slow(self.slowness),
            "wide": lambda: page("<a href=/services>Nos services</a>" * 30_000),
        }
        return answers[rng.choice(list(answers))]()


def hostile(pages: int, folder: Path, seed: int = 1, seconds: float = 0.5) -> dict[str, Any]:
    """Read hostile sites until `pages` answers were given."""
    before, crashes, longest, sites, kept = _memory(), list[str](), 0.0, 0, 0
    with serving() as web:
        web.default = Hostile(seed, seconds / 5)
        web.addresses = {"metadata.internal": [["169.254.169.254"]], "localhost": [["127.0.0.1"]]}
        start = time.monotonic()
        while len(web.asked) < pages and sites < 5 * pages:
            sites += 1
            structure = Structure(siret=f"{sites:014d}", name="x", website=f"http://h{sites}.example/")
            begin = time.monotonic()
            try:
                report = site.site(
                    folder, [structure], fetcher=fetcher(web, seconds=seconds), today=date(2026, 1, 1)
                )
                kept += report.records
            except Exception as error:
                crashes.append(f"{structure.website} {type(error).__name__}: {str(error)[:200]}")
            longest = max(longest, time.monotonic() - begin)
        forbidden = sum(not public(address) for address in web.connected)
        text = "".join(path.read_text(encoding="utf-8") for path in folder.rglob("*.json"))
        personal = text.count("06 12 34") + text.count("urand")
        told = {"pages": len(web.asked), "sites": sites, "kept": kept, "connections": len(web.connected)}
        told |= {"forbidden": forbidden, "personal": personal, "seconds": round(time.monotonic() - start, 1)}
        told |= {"longest_site_s": round(longest, 2), "grown_mb": round((_memory() - before) / 1024)}
        return {**told, "crashes": crashes[:20]}


def _memory() -> int:
    """The highest resident memory so far, in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main(pages: int = 10_000, seed: int = 1, seconds: float = 0.5) -> None:
    """`--seconds`: that a page may take."""
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(hostile(pages, Path(folder), seed, seconds), ensure_ascii=False))


if __name__ == "__main__":
    typer.run(main)
