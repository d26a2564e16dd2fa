"""Files made to stop a reader end their own reading alone; honest ones read the same as without a process of their own."""

import contextlib
import os
import resource
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

import bombs
import sheets
from matcher.domain import Lot, MatcherError, Rejected, Tender
from matcher.reading import brochure, clauses, confined, consultation, files, limits, need
from matcher.reference import accents, prose, text, toponyms
from records import cases

SAMPLE = Path(__file__).parents[2] / "data" / "sample"


def upload(data: bytes, name: str = "notice") -> list[object]:
    return list(files.read_upload(data, name))


@pytest.mark.parametrize("kind", bombs.BOMBS)
def test_a_bomb_costs_little_and_answers(kind: str) -> None:
    make, name = bombs.BOMBS[kind]
    data = make()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert upload(data, name)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 150_000  # KB, of this process


@pytest.mark.parametrize(
    "path", sorted(p for p in SAMPLE.rglob("*.*") if p.suffix in (".json", ".xml", ".csv"))
)
def test_a_process_of_its_own_reads_the_same(path: Path) -> None:
    data = path.read_bytes()
    assert upload(data, path.name) == list(files.read_bytes(data, path.name))


GENEROUS = {"memory": 4 << 30, "member": 4 << 30, "total": 4 << 30, "members": 9, "answer": 1 << 40}
AMPLE = limits.Limits(cpu=300, wall=600.0, pages=60.0, **GENEROUS)
ROWS = b"siret;nom\n" + b"".join(b"%s;Atelier\n" % sheets.siret(n).encode() for n in range(100_000))


def heavy(found: list[object]) -> bool:
    """Was the reading ended from outside?"""
    return isinstance(found[-1], Rejected) and "takes more than" in found[-1].reason


def test_a_reading_is_bounded_in_time_memory_and_answer() -> None:
    assert heavy(list(confined.read_bytes(ROWS, "a.csv", replace(AMPLE, cpu=1))))
    (tender,) = upload(bombs.bomb("reserved"), "besoin.txt")
    assert isinstance(tender, Tender)
    document = bombs.bomb("long_document")
    assert heavy(list(confined.read_bytes(document, "a.docx", replace(AMPLE, memory=1 << 25))))
    found = list(confined.read_bytes(ROWS[:400_000], "a.csv", replace(AMPLE, answer=1 << 20)))
    assert heavy(found) and len(found) < 50_000


def test_members_that_share_their_bytes_are_refused_before_they_are_unpacked() -> None:
    (found,) = upload(bombs.bomb("overlapped"), "avis.zip")
    assert isinstance(found, Rejected) and "overlap" in found.reason


def test_a_reader_that_was_killed_is_started_again() -> None:
    upload(b"Objet : tonte", "a.txt")
    process = confined._READER.process
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert upload(b"Objet : tonte des pelouses", "a.txt")


def test_readings_at_once_each_get_their_own_answer() -> None:
    names = [f"tonte de la pelouse {n}" for n in range(8)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda name: upload(name.encode(), "a.txt"), names))
    assert [[one.title for one in each if isinstance(one, Tender)] for each in found] == [[n] for n in names]


def test_documents_of_the_command_line_have_a_process_too(tmp_path: Path) -> None:
    for kind in ("far_row", "wide_cell"):
        make, name = bombs.BOMBS[kind]
        (tmp_path / name).write_bytes(make())
    found = list(files.read([tmp_path]))
    assert len(found) == 2 and all(isinstance(record, Rejected) for record in found)
    assert confined._READER.process is not None


SEEDS = [seed for (seed,) in cases("seeds of long texts")]


def _complete(words: str) -> None:
    lot = Lot(id="1", title="Tonte", description=words)
    clauses.complete(Tender(id="t", format="x", title="Tonte", lots=(lot,)), words)


READERS: dict[str, Callable[[str], object]] = {
    "document": consultation.tender_of,
    "states": consultation.states,
    "need": lambda words: need.numbered_lots(words, need.free_text_tender(words)),
    "typed": lambda t: need.typed_need(t + " nettoyage"),
    "spot": need.spot,
    "clauses": _complete,
    "brochure": brochure.propose,
    "clean": lambda t: text.clean(t, len(t)),
    "accents": accents.repair,
    "lots": lambda t: prose.lots_named(prose.folded(t)),
}


def seconds(read: Callable[[str], object], words: str) -> float:
    begun = time.process_time()
    with contextlib.suppress(MatcherError):
        read(words)
    return time.process_time() - begun


@pytest.mark.parametrize("name", READERS)
def test_patterns_take_time_in_proportion_to_the_text(name: str) -> None:
    read = READERS[name]
    seconds(read, "premier mot")
    for seed in SEEDS:
        short, long = (seed * (size // len(seed) + 1) for size in (3_000, 24_000))
        once = max(seconds(read, short[:3_000]), 0.004)
        # eight times the text: eight times the time, and not sixty-four
        assert any(seconds(read, long[:24_000] + end) < 24 * once for end in ("", "a")), (name, seed)


def test_a_list_of_places_without_end_is_refused() -> None:
    with pytest.raises(MatcherError, match="at most"):
        toponyms.asked("a," * 100)
