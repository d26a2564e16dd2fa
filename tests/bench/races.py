"""Ten who write at once by the forms of the pages, again and again: nothing lost, and the seals hold.

    python tests/bench/races.py --races 200
    python tests/bench/races.py --races 200 --postgres

Races are by turns of what is noted in one record, of the offers of one structure and of the trades that it denies.
"""

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(Path(__file__).parent)]

import fuzz_service
import typer
from service.app import create_app

from matcher.outreach.sourcing import record
from matcher.records import feedback, self_declared
from matcher.records.keys import Bearer, listed
from matcher.records.store import Store
from pages_client import SIRET, PagesClient, kept, signed_in

WRITERS = 10


def main(races: int = 200, postgres: bool = False) -> None:
    fuzz_service.POSTGRES, lost, begun = postgres, 0, time.perf_counter()
    with (
        fuzz_service.prepared() as (given, _),
        PagesClient(create_app(given)) as page,
        ThreadPoolExecutor(WRITERS) as pool,
        Store.open(given.store) as store,
    ):
        csrf = signed_in(page, "buyer", f"structure:{SIRET}")
        at, writer = kept(page, csrf), listed(store)[-1]
        assert isinstance(writer, Bearer)

        def send(path: str, **data: str) -> int:
            return page.post(path, data=data | {"csrf": csrf}, follow_redirects=False).status_code

        def race(path: str, each: list[dict[str, str]]) -> int:
            """How many of these were not taken."""
            return sum(code != 303 for code in pool.map(lambda data: send(path, **data), each))

        noted, offers, denied = 0, f"/structure/{SIRET}/offres", set[str]()
        for number in range(races):
            ten = range(WRITERS)
            if number % 3 == 0:
                noted += WRITERS
                lost += race(
                    f"{at}/noter", [{"siret": SIRET, "fait": "called", "text": f"{number} {n}"} for n in ten]
                )
            elif number % 3 == 1:
                before = self_declared.read(store, SIRET).facts.get("offers", [])
                race(offers, [{"title": f"Offre {number} {n}"} for n in ten])
                held = self_declared.read(store, SIRET).facts["offers"]
                lost += len(before) + WRITERS - len(held)
                race(offers, [{"retirer": each["title"]} for each in held])
                lost += len(self_declared.read(store, SIRET).facts["offers"])
            else:
                codes = {f"cpv:{10000000 + 10 * number + n}" for n in ten}
                denied |= codes
                race(f"/structure/{SIRET}/metier", [{"skill": code} for code in codes])
                with store.reading() as connection:
                    lost += len(denied - set(feedback.denied(connection)[SIRET]))
        found = record.read(store, writer.actor, at.rpartition("/")[2])
        lost += noted - sum(event.kind == "called" for event in found.events)
        holds = record.verify(store, writer.actor, found.id).holds
    print(
        f"{races} races of {WRITERS} writers in {time.perf_counter() - begun:.0f} s: {lost} lost, seals {'hold' if holds else 'broken'}"
    )
    raise typer.Exit(bool(lost or not holds))


if __name__ == "__main__":
    typer.run(main)
