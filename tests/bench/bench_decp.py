"""Cost of reading DECP: the real files, 10,000 rows of CSV, and the memory of one large file.

python tests/bench/bench_decp.py                  the real files of MATCHER_SHARED and the CSV
python tests/bench/bench_decp.py --large 1024     also a generated JSON file of 1,024 MB (about two minutes)
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from matcher.domain import Award, Rejected
from matcher.reading import contracts
from matcher.reading.sources import decp
from matcher.reference.paths import shared_dir


def record(number: int) -> dict[str, Any]:
    """A synthetic award; its identifiers are unassigned (SIRENs that begin with 000)."""
    return {
        "id": f"2019-{number}", "nature": "Marché", "objet": f"Entretien des espaces verts du secteur {number % 97}",
        "codeCPV": "77310000-6", "procedure": "Procédure adaptée", "dureeMois": 12, "montant": 1000 + number % 5000,
        "acheteur": {"id": f"000{number % 5000:05d}700010"[:14], "nom": "Commune d'Essai"},
        "lieuExecution": {"code": f"{1 + number % 95:02d}", "typeCode": "Code département", "nom": "Essai"},
        "dateNotification": f"2019-{1 + number % 12:02d}-{1 + number % 28:02d}",
        "titulaires": [{"typeIdentifiant": "SIRET", "id": f"000{number % 7000:05d}700010"[:14], "denominationSociale": "ESSAI"}],
    }  # fmt: skip


def real_files() -> None:
    folder = shared_dir() / "data"
    paths = sorted([*(folder / "decp_raw").glob("*"), *(folder / "awards").glob("*.json.gz")])
    if not paths:
        print("real files: none (set MATCHER_SHARED)")
        return
    total, seconds = Counter[str](), 0.0
    for path in paths:
        begin = time.perf_counter()
        with gzip.open(path) as stream:
            records = list(decp.read(stream, path.name))  # type: ignore[arg-type]
        seconds += time.perf_counter() - begin
        awards = [r for r in records if isinstance(r, Award)]
        aside = [r for r in records if isinstance(r, Rejected)]
        flags = Counter(flag for award in awards for flag in award.flags)
        flags.update(flag for award in awards for holder in award.holders for flag in holder.flags)
        shown = ", ".join(f"{name} {count}" for name, count in flags.most_common())
        print(
            f"{path.name}: {len(records)} records, {len(awards)} awards, {len(aside)} set aside; flags: {shown or 'none'}"
        )
        for reason, count in Counter(r.reason for r in aside).most_common():
            print(f"  {count} x {reason}")
        grouped = contracts.consolidate(awards)
        relations = ", ".join(
            f"{name} {count}" for name, count in Counter(a.relation for a in grouped).most_common()
        )
        print(f"  consolidated: {len(grouped)} ({relations or 'none'})")
        total.update(
            files=1, records=len(records), awards=len(awards), aside=len(aside), consolidated=len(grouped)
        )
    print(f"all: {dict(total)} in {seconds:.1f} s, consolidation not counted")


def ten_thousand_rows() -> None:
    buffer = io.StringIO()
    names = [
        "uid", "id", "objet", "codeCPV", "nature", "procedure", "montant", "dateNotification", "dureeMois", "acheteur_id",
        "acheteur_nom", "titulaire_id", "titulaire_typeIdentifiant", "titulaire_nom", "lieuExecution_code", "lieuExecution_typeCode",
    ]  # fmt: skip
    writer = csv.DictWriter(buffer, names)
    writer.writeheader()
    for number in range(10_000):
        row = record(number)
        writer.writerow(
            {
                **{name: row[name] for name in ("id", "objet", "codeCPV", "nature", "procedure", "montant", "dateNotification", "dureeMois")},
                "uid": f"u{number}", "acheteur_id": row["acheteur"]["id"], "acheteur_nom": row["acheteur"]["nom"],
                "titulaire_id": row["titulaires"][0]["id"], "titulaire_typeIdentifiant": "SIRET", "titulaire_nom": "ESSAI",
                "lieuExecution_code": row["lieuExecution"]["code"], "lieuExecution_typeCode": "Code département",
            }
        )  # fmt: skip
    raw = buffer.getvalue().encode()
    begin, cpu = time.perf_counter(), time.process_time()
    count = sum(isinstance(r, Award) for r in decp.read(io.BytesIO(raw), "decp.csv"))
    wall, cpu = time.perf_counter() - begin, time.process_time() - cpu
    print(f"CSV of 10,000 rows: {count} awards in {wall:.2f} s ({cpu:.2f} s of processor)")


def large(megabytes: int) -> None:
    """Peak memory of reading a small and a large file, each in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        for size in (16, megabytes):
            path = Path(folder) / f"decp_{size}.json"
            with path.open("w", encoding="utf-8") as out:
                out.write('{"marches": [')
                number = 0
                while out.tell() < size << 20:
                    block = [json.dumps(record(number + n), ensure_ascii=False) for n in range(1000)]
                    out.write(("," if number else "") + ",".join(block))
                    number += 1000
                out.write("]}")
            print(f"{size} MB of JSON, {number} records: ", end="", flush=True)
            subprocess.run([sys.executable, __file__, "--measure", str(path)], check=True)
            path.unlink()


def measure(path: Path) -> None:
    begin, cpu, count = time.perf_counter(), time.process_time(), 0
    with path.open("rb") as stream:
        for _ in decp.read(stream, path.name):
            count += 1
    seconds, cpu = time.perf_counter() - begin, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{count} read in {seconds:.1f} s ({cpu:.1f} s of processor), peak memory {peak:.0f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--large", type=int, default=0, metavar="MB")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure(options.measure)
        return
    real_files()
    ten_thousand_rows()
    if options.large:
        large(options.large)


if __name__ == "__main__":
    main()
