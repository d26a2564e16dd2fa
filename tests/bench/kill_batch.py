"""Kill the nightly run at random instants and restart it: nothing lost, nothing duplicated, the same rows.

    python tests/bench/kill_batch.py --kills 200 [--postgres]

A child process runs the batch, delivers by SMTP to a server of another process, and notes what structures answer, on SQLite or
on a PostgreSQL server of its own; it is killed (SIGKILL) after a
random time, and run again, until it ends by itself; then a fresh store begins, until `--kills` have struck.
"""

import asyncio
import hashlib
import json
import os
import random
import signal
import sys
import tempfile
import time
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import typer

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

# rounds are forked: threads of matrix libraries do not follow, and a child would wait for them for ever
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_name] = "1"

from sqlalchemy import select

import databases
import night as n
from mail_server import free_port
from matcher.outreach import batch, delivery
from matcher.outreach.rules import Rules
from matcher.outreach.work import _opened
from matcher.records import feedback
from matcher.records.store import Store
from matcher.records.tables import Announcement, DeniedSkill, Digest, Feedback, Found, Letter, Notice

LETTERS = 8  # of the pages, beside the digests of each night
SAID = 12  # words of structures about lots, of each night


def serve(port: int, received: Path) -> None:
    """A real SMTP server that writes the Message-ID of each mail to a file before it says 250."""
    from aiosmtpd.controller import UnthreadedController

    class Box:
        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
            head = envelope.content.decode("latin-1").partition("Message-ID: ")[2].splitlines()[0]
            with received.open("a") as sink:
                sink.write(head + "\n")
            return "250 OK"

    loop = asyncio.new_event_loop()
    UnthreadedController(Box(), hostname="127.0.0.1", port=port, loop=loop).begin()
    loop.run_forever()


def night(url: str, folder: Path, port: int) -> None:
    """One whole night on the store of this address."""
    store = Store.open(url)
    rules = Rules(floor=0.0005, smtp=f"smtp://127.0.0.1:{port}")
    tenders = [n.tender(f"k{i}", *list(n.TRADES)[: 1 + i % 3]) for i in range(12)]
    tenders.append(n.correction("k1-c", "k1", deadline=n.MOMENT.replace(day=30)))
    options = batch.Options(rules=rules)
    batch.run(store, folder, tenders, options, moment=n.MOMENT)
    delivery.deliver(store, _opened(str(folder)).catalogue, rules, at=n.MOMENT)
    transport = replace(rules, base_url="https://maillage.example")
    with store.writing() as connection:  # questions of a buyer, asked again by a request that is repeated
        for number in range(LETTERS):
            siret, to = n.siret(100 + number), f"tonte{number}@example.org"
            told = {"message": "Réalisez-vous la tonte ?", "reply_to": "achats@ville.example"}
            told |= {"link": "https://maillage.example/q", "siret": siret}
            delivery.queue(store, connection, transport, "question", "Tonte", to, siret, **told)
    delivery.drain(store, transport)
    for number in range(SAID):  # a word that is sent twice, as by a browser that tries again, is one
        siret, verb = n.siret(100 + number % 8), ("declined", "interested", "submitted")[number % 3]
        reason = feedback.NOT_OUR_TRADE if number == 3 else ""
        feedback.record(store, siret, f"k{number}", f"k{number}-1", verb, reason=reason, cpv="77310000")
    batch.run(store, folder, tenders, options, moment=n.MOMENT)  # who declined is no longer matched
    store.close()


KEPT = {
    Found: "notice_id lot_id siret rank score detail",
    Announcement: "addressee notice_id lot_id",
    Notice: "id twin catalogue",
    Feedback: "siret notice_id lot_id verb reason",
    DeniedSkill: "siret skill",
}


def rows(store: Store) -> str:
    """Every row that matters, as one hash; the ids of runs are random and left out."""
    asked = [select(*(getattr(table, name) for name in names.split())) for table, names in KEPT.items()]
    with store.reading() as connection:
        plain = [sorted(([*row] for row in connection.execute(each)), key=str) for each in asked]
        letters = connection.execute(select(Digest.id, Digest.content).order_by(Digest.id))
        plain.append([[row.id, {k: v for k, v in row.content.items() if k != "run"}] for row in letters])
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


def child(work: Any, *arguments: Any) -> int:
    pid = os.fork()
    if pid == 0:
        try:
            work(*arguments)
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
            os._exit(1)
        os._exit(0)
    return pid


def main(kills: int = 200, seed: int = 0, postgres: bool = False) -> None:
    """`--postgres`: on a PostgreSQL server of its own."""
    wanted, chance = kills, random.Random(seed)
    os.environ["MATCHER_MAIL_SECRET"] = "secret of the trial"
    kills = rounds = different = doubled = lost = doubtful = failed = nameless = 0
    with (
        tempfile.TemporaryDirectory(prefix="maillage-") as name,
        databases.server() if postgres else nullcontext() as server_address,
    ):
        home = Path(name)

        def address(store: object) -> str:
            """Of an empty store of this name."""
            at = f"sqlite:///{home}/{store}.sqlite"
            return at if server_address is None else databases.schema(server_address)

        folder = n.catalogue(home / "catalogue")
        _opened(str(folder))  # loaded once, inherited by every child
        port = free_port()
        box = home / "received"
        box.touch()
        server = child(serve, port, box)
        time.sleep(1)
        # all that is imported on the way is inherited too, so that kills strike the work and not the start
        night(address("first"), folder, port)
        box.write_text("")
        url = address("undisturbed")
        began = time.monotonic()
        _, status = os.waitpid(child(night, url, folder, port), 0)
        whole = time.monotonic() - began
        if status:
            raise typer.Exit(1)
        undisturbed = Store.open(url)
        truth, count = rows(undisturbed), undisturbed.counts()["digest"]
        try:
            while kills < wanted:
                rounds += 1
                box.write_text("")
                url = address(rounds)
                # several kills a round while the run is young, so that every stage is struck
                for _ in range(50):
                    pid = child(night, url, folder, port)
                    left = chance.uniform(0, 0.8 * whole) if kills < wanted else 60.0
                    deadline = time.monotonic() + left
                    while (done := os.waitpid(pid, os.WNOHANG))[0] == 0 and time.monotonic() < deadline:
                        time.sleep(0.002)
                    if done[0]:
                        failed += done[1] != 0
                        break
                    os.kill(pid, signal.SIGKILL)
                    os.waitpid(pid, 0)
                    kills += 1
                else:
                    os.waitpid(child(night, url, folder, port), 0)
                store = Store.open(url)
                different += rows(store) != truth
                received = box.read_text().split()
                doubled += len(received) - len(set(received))
                unsure = {row["id"] for row in delivery.doubtful(store)}
                doubtful += len(unsure)
                with store.reading() as connection:
                    every = set(connection.execute(select(Digest.id)).scalars())
                    letters = set(connection.execute(select(Letter.id)).scalars())
                nameless += sum(not row["address"] or not row["said"] for row in delivery.doubtful(store))
                sent = {line.strip("<>").partition("@")[0] for line in received}
                lost += abs(len(letters) - LETTERS) + abs(len(every) - count)
                lost += len((every | letters) - sent - unsure)
                store.close()
        finally:
            os.kill(server, signal.SIGKILL)
    told = {"database": "PostgreSQL" if postgres else "SQLite", "kills": kills, "rounds": rounds}
    told |= {"digests_a_round": count, "rounds_that_differ": different, "digests_doubled": doubled}
    told |= {"seconds_undisturbed": round(whole, 2), "digests_lost": lost, "letters_a_round": LETTERS}
    told |= {"words_a_round": SAID, "left_to_the_operator": doubtful}
    told |= {"of_these_without_address": nameless, "runs_that_failed": failed}
    print(json.dumps(told))
    raise typer.Exit(bool(different or doubled or lost or failed or nameless))


if __name__ == "__main__":
    typer.run(main)
