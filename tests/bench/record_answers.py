"""Record and compare the product's answers, as a safety net for changes that must not alter behaviour.

    python tests/bench/record_answers.py record --out before [--product CLONE]
    python tests/bench/record_answers.py compare before after [--allow FILE]
    python tests/bench/record_answers.py ratio CLONE_BEFORE CLONE_AFTER

The product is a black box, driven by its command and over HTTP, so that the script runs on any layout of the package.  One item is one command, one request or one page, written as text in DIR/GROUP/NAME.txt with what
changes from run to run (today, keys, tokens, durations, fingerprints) replaced by a name.  Both recordings must be
of one day: deadlines of the sample count from today.  Data of MATCHER_SHARED is used where it is present; what is
recorded of it must not be committed.
"""

from __future__ import annotations

import argparse
import base64
import csv
import difflib
import email
import email.policy
import fnmatch
import hashlib
import io
import json
import math
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import xml.etree.ElementTree as ET
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import httpx

SIRET, OTHER, THIRD, CLOSED = "00010001600013", "00010007300014", "00010032100017", "00010076800019"
NIGHT = "2026-11-25T09:00"
TOLERANCE = 1e-6

# --------------------------------------------------------------------------------------------- what is stable

_HEX = re.compile(r"(?<![0-9A-Za-z])[0-9a-f]{8,128}(?![0-9A-Za-z])")
_UUID = re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
_KEY = re.compile(r"mlg_[0-9a-f]{12}_[\w-]{43}")
_RFC = re.compile(r"\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{1,2} \w{3} \d{4} \d\d:\d\d:\d\d( [+-]\d{4}| GMT)?")
_INSTANT = re.compile(r"(\d{4}-\d\d-\d\d)[T ]\d\d:\d\d(:\d\d)?(\.\d+)?( ?[+-]\d\d:?\d\d|Z)?")
_PACKED = re.compile(r'(?<=value=")e[\w-]{60,}=*(?=")')
_BOUNDARY = re.compile(r"={8,}\d{8,}==")
_VERSIONS = re.compile(r'"versions": \{[^{}]*\}')
_CONTEXT = (
    (re.compile(r'("(?:ms|seconds|duration|elapsed)": )[\d.]+'), r"\1<time>"),
    (re.compile(r"(matcher|Maillage|maillage/) ?\d+\.\d+\.\d+\w*"), r"\1 <version>"),
    (re.compile(r"(?<=127\.0\.0\.1:)\d{4,5}"), "<port>"),
    (re.compile(r"(?<=/acheteur/fiches/)[\w-]{16}(?![\w-])"), "<record>"),
    (re.compile(r"(?<=/v1/sourcing/)[\w-]{16}(?![\w-])"), "<record>"),
    (re.compile(r"(?<=/v1/jobs/)[\w-]{22}(?![\w-])"), "<job>"),
    (re.compile(r"(?<=/revendication/)[\w-]{43}"), "<token>"),
    (re.compile(r"/m/[\w.-]+/[\w.-]{16,}"), "/m/<mail>/<proof>"),
    (re.compile(r"/q/[\w.-]+/(\d{14})/[\w.-]{16,}"), r"/q/<record>/\1/<proof>"),
    (re.compile(r"\b\d+([.,]\d+)? ?(ms|secondes?|seconds?)\b"), r"<time> \2"),
)


class Normaliser:
    """Replaces what changes from run to run; learns the secrets and ids that answers bring."""

    def __init__(self, folders: dict[str, str], learned: dict[str, str] | None = None) -> None:
        self.folders = sorted(folders.items(), key=lambda pair: -len(pair[0]))
        self.learned: dict[str, str] = dict(learned or {})
        moment = datetime.now(UTC)
        shifts = (0, 7, 365, 366)
        self.days = {
            f"{moment + timedelta(days=n):%Y-%m-%d}": "<today>" if n == 0 else f"<today+{n}>" for n in shifts
        }
        self.today = moment

    def learn(self, value: str, name: str) -> None:
        """From now on, `value` is written as `name`."""
        if len(value) > 7:
            self.learned[value] = name

    def __call__(self, text: str) -> str:
        text = text.replace("\r\n", "\n")
        text = _PACKED.sub(_unpacked, text)
        for folder, name in self.folders:
            text = text.replace(folder, name)
        for value, name in self.learned.items():
            text = text.replace(value, name)
        text = _KEY.sub("<key>", text)
        text = _VERSIONS.sub(_unversioned, text)
        for pattern, name in _CONTEXT:
            text = pattern.sub(name, text)
        text = _UUID.sub("<uuid>", text)
        text = _HEX.sub(_hex, text)
        text = _RFC.sub("<instant>", _BOUNDARY.sub("<boundary>", text))
        text = _INSTANT.sub(lambda m: f"{self.days[m[1]]} <time>" if m[1] in self.days else m[0], text)
        for day, name in self.days.items():
            text = text.replace(day, name)
        french, compact = f"{self.today:%d/%m/%Y}", f"{self.today:%Y%m%d}"
        text = re.sub(rf"{french}((?: à|,)? \d{{1,2}}[:h ]+\d\d)?", "<today>", text)
        return re.sub(rf"(?<!\d){compact}(T\d{{6}}Z?)?", "<today>", text)


def _hex(found: re.Match[str]) -> str:
    """A fingerprint or an id, told from a number and from a word by having letters and digits."""
    word = found[0]
    return word if word.isdigit() or word.isalpha() else "<hex>"


def _unversioned(found: re.Match[str]) -> str:
    """Which versions an answer names, without the versions themselves; the recipe is part of the answer."""
    return re.sub(r'("(?!recipe|versions)\w+": )"[^"]*"', r'\1"<version>"', found[0])


def _unpacked(found: re.Match[str]) -> str:
    """A notice that a form carries, as a number of its content: its letters depend on the order of its keys."""
    try:
        held = json.loads(zlib.decompress(base64.urlsafe_b64decode(found[0] + "==")))
    except (ValueError, zlib.error):
        return found[0]
    canonical = json.dumps(held, sort_keys=True, ensure_ascii=False).encode()
    return f"packed:{int(hashlib.sha256(canonical).hexdigest(), 16) % 10**15:015d}"


def pretty(data: bytes, kind: str) -> str:
    """Bytes as text that a line-by-line comparison reads well."""
    if kind == "xlsx" or data[:4] == b"PK\x03\x04":
        return "\n".join(_cells(data))
    if kind == "eml":
        return _mail(data)
    text = data.decode("utf-8-sig", errors="replace")
    if kind in ("html", "svg", "xml"):
        return re.sub(r">\s*<", ">\n<", re.sub(r"[ \t\n]+", " ", text)).strip()
    if kind == "json" or (kind == "" and text[:1] in "{["):
        return _json(text)
    return text


def _json(text: str) -> str:
    """One document, or one a line, with sorted keys; anything else as it is."""
    try:
        return _dumped(json.loads(text))
    except ValueError:
        pass
    out = []
    for line in text.splitlines():
        try:
            out.append(_dumped(json.loads(line)) if line[:1] in "{[" else line)
        except ValueError:
            out.append(line)
    return "\n".join(out)


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True)


def _cells(data: bytes) -> Iterator[str]:
    """The cells of a workbook, a line a row: the way strings are stored does not matter."""
    space = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names, shared = archive.namelist(), []
        if "xl/sharedStrings.xml" in names:
            table = ET.fromstring(archive.read("xl/sharedStrings.xml"))
            shared = ["".join(t.text or "" for t in si.iter(f"{space}t")) for si in table]
        book = ET.fromstring(archive.read("xl/workbook.xml"))
        yield "sheets: " + ", ".join(sheet.get("name", "") for sheet in book.iter(f"{space}sheet"))
        for name in sorted(n for n in names if n.startswith("xl/worksheets/sheet")):
            yield f"[{Path(name).stem}]"
            for row in ET.fromstring(archive.read(name)).iter(f"{space}row"):
                yield " | ".join(_cell(c, space, shared) for c in row.iter(f"{space}c"))


def _cell(cell: ET.Element, space: str, shared: Sequence[str]) -> str:
    value = cell.find(f"{space}v")
    if cell.get("t") == "s" and value is not None:
        return shared[int(value.text or 0)]
    if cell.get("t") == "inlineStr":
        return "".join(t.text or "" for t in cell.iter(f"{space}t"))
    return (value.text or "") if value is not None else ""


def _mail(data: bytes) -> str:
    """A message: its headers, then each part decoded."""
    message = email.message_from_bytes(data, policy=email.policy.default)
    lines = [f"{name}: {value}" for name, value in message.items()]
    lines = [re.sub(r"^Message-ID: .*", "Message-ID: <id>", line, flags=re.I) for line in lines]
    for part in message.walk():
        if not part.is_multipart():
            body = part.get_payload(decode=True) or b""
            lines.append(f"\n[{part.get_content_type()}]")
            lines.append(pretty(body, "html" if part.get_content_subtype() == "html" else ""))
    return "\n".join(lines)


# ------------------------------------------------------------------------------------------- running commands

#: Keeps one warm interpreter and forks it for each command: what each would import anew is imported once.
DRIVER = r"""
import json, os, resource, signal, sys, time
with open(os.devnull, "w") as hole:
    kept = os.dup(1), os.dup(2)
    os.dup2(hole.fileno(), 1); os.dup2(hole.fileno(), 2)
    from matcher.cli import main
    for words in json.loads(sys.argv[1]):
        sys.argv = ["matcher", *words]
        try:
            main()
        except SystemExit:
            pass
    sys.stdout.flush(); sys.stderr.flush()
    os.dup2(kept[0], 1); os.dup2(kept[1], 2)
for line in sys.stdin:
    job = json.loads(line)
    begun = time.perf_counter()
    child = os.fork()
    if child == 0:
        for number, path in ((1, job["out"]), (2, job["err"])):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), number)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for name, value in job["env"].items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        signal.alarm(job["limit"])
        sys.argv = ["matcher", *job["argv"]]
        code = 0
        try:
            main()
        except SystemExit as left:
            code = left.code if isinstance(left.code, int) else int(left.code is not None)
        except BaseException as error:
            import traceback
            traceback.print_exc(); code = 99
        finally:
            for stream in (sys.stdout, sys.stderr):
                try: stream.flush()
                except Exception: pass
        os._exit(code)
    _, status, used = os.wait4(child, 0)
    print(json.dumps({"code": os.waitstatus_to_exitcode(status), "wall": time.perf_counter() - begun,
                      "cpu": used.ru_utime + used.ru_stime}), flush=True)
"""


#: What the interpreter that is forked has done before: libraries and tables are then in its memory.
WARM = [
    ["match", "--need", "nettoyage et tonte", "--place", "Pantin"],
    ["match", "data/sample/eforms/2026-etat-renovation.xml", "--format", "csv"],
    ["cpv", "tonte"],
    ["leads", "--department", "93"],
    ["map", "--department", "93"],
    ["digest", "show", "00010001600013"],
]


class Product:
    """One clone of the product, and the scratch folder in which its commands run."""

    def __init__(self, clone: Path, scratch: Path) -> None:
        self.clone, self.scratch = clone.resolve(), scratch
        self.shared = _shared()
        (scratch / "data").mkdir(parents=True)
        shutil.copytree(self.clone / "data" / "sample", scratch / "data" / "sample")
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("MATCHER_")} | {
            "PYTHONPATH": f"{self.clone / 'src'}{os.pathsep}{self.clone}",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONUTF8": "1",
            "OMP_WAIT_POLICY": "passive",
            "OMP_NUM_THREADS": "1",
            "COLUMNS": "100",
            "TERM": "dumb",
            "NO_COLOR": "1",
            "MATCHER_HOME": str(scratch / "home"),
            "MATCHER_STORE": f"sqlite:///{scratch / 'store.sqlite'}",
            "MATCHER_SECRET": "a secret of the recording, thirty-two",
            "MATCHER_MAIL_SECRET": "a secret of the recording, for mails",
            "MATCHER_SHARED": str(self.shared or scratch / "nothing-shared"),
        }
        self.driver: subprocess.Popen[str] | None = None
        self.count = 0

    def warm(self, *commands: Sequence[str]) -> None:
        """Start the interpreter that is forked, with what these commands import already there."""
        self.driver = subprocess.Popen(
            [sys.executable, "-c", DRIVER, json.dumps(commands)], cwd=self.scratch, env=self.env, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def run(
        self,
        argv: Sequence[str],
        env: dict[str, str | None] | None = None,
        *,
        plain: bool = False,
        limit: int = 240,
    ) -> dict[str, Any]:
        """One command: exit status, both streams, seconds on the clock and of the processor."""
        self.count += 1
        out, err = (self.scratch / "streams" / f"{self.count}.{name}" for name in ("out", "err"))
        out.parent.mkdir(exist_ok=True)
        if plain or self.driver is None:
            told = self._plain(argv, env or {}, out, err, limit)
        else:
            job = {"argv": list(argv), "env": env or {}, "out": str(out), "err": str(err), "limit": limit}
            assert self.driver.stdin and self.driver.stdout
            self.driver.stdin.write(json.dumps(job) + "\n")
            self.driver.stdin.flush()
            told = json.loads(self.driver.stdout.readline())
        return {**told, "out": out.read_bytes(), "err": err.read_bytes()}

    def _plain(
        self, argv: Sequence[str], env: dict[str, str | None], out: Path, err: Path, limit: int
    ) -> dict[str, Any]:
        whole = {k: v for k, v in {**self.env, **env}.items() if v is not None}
        begun = time.perf_counter()
        command = [sys.executable, "-m", "matcher.cli", *argv]
        with out.open("wb") as stdout, err.open("wb") as stderr:
            process = subprocess.Popen(
                command, cwd=self.scratch, env=whole, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr
            )
            stop = threading.Timer(limit, process.kill)
            stop.start()
            _, status, used = os.wait4(process.pid, 0)
            stop.cancel()
            process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - begun
        return {"code": process.returncode, "wall": wall, "cpu": used.ru_utime + used.ru_stime}

    def close(self) -> None:
        """End the interpreter that is forked."""
        if self.driver is not None and self.driver.stdin:
            self.driver.stdin.close()
            self.driver.wait(10)


def _shared() -> Path | None:
    """The real data, where it is present."""
    given = os.environ.get("MATCHER_SHARED")
    folder = Path(given).resolve() if given else None
    return folder if folder and (folder / "data" / "structures" / "siae_2021.jsonl").is_file() else None


# -------------------------------------------------------------------------------------------------- the record


class Recorder:
    """Runs, normalises and writes items."""

    def __init__(self, product: Product, out: Path) -> None:
        self.product, self.out = product, out
        folders = {str(product.scratch): "<scratch>", str(product.clone): "<product>"}
        if product.shared:
            folders[str(product.shared)] = "<shared>"
        self.normal = Normaliser(folders)
        self.items: dict[str, dict[str, Any]] = {}
        self.said = 0.0

    def keep(self, name: str, text: str, **facts: Any) -> None:
        """Write one item."""
        if name in self.items:
            raise SystemExit(f"two items are called {name}")
        path = self.out / f"{name}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.normal(text).rstrip() + "\n", encoding="utf-8")
        self.items[name] = facts
        if time.monotonic() - self.said > 10:
            self.said = time.monotonic()
            print(f"{len(self.items)} items, now {name}", file=sys.stderr)

    def command(
        self, name: str, *argv: str, files: Sequence[str] = (), env: dict[str, str | None] | None = None,
        plain: bool = False,
    ) -> dict[str, Any]:  # fmt: skip
        """Record one command and the files that it wrote."""
        told = self.product.run(argv, env, plain=plain)
        parts = [f"$ matcher {' '.join(argv)}", f"exit {told['code']}"]
        parts += ["--- stdout", pretty(told["out"], "")]
        parts += ["--- stderr", _lines(told["err"].decode("utf-8", "replace"))]
        for wanted in files:
            parts += self._files(wanted)
        self.keep(f"command/{name}", "\n".join(parts), wall=round(told["wall"], 3), cpu=round(told["cpu"], 3))
        return told

    def _files(self, wanted: str) -> Iterator[str]:
        path = self.product.scratch / wanted
        found = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        mails = []
        for one in found if path.exists() else ():
            text = pretty(one.read_bytes(), one.suffix.lstrip("."))
            if one.suffix == ".eml":
                mails.append(f"--- file {wanted}/*.eml\n{text}")
            else:
                yield f"--- file {one.relative_to(self.product.scratch)}\n{text}"
        # names of mails hold ids of the run: they stand in the order of their content
        yield from sorted(map(self.normal, mails))
        if not path.exists():
            yield f"--- file {wanted}: not written"


def _lines(text: str) -> str:
    """What stays of a progress bar is its last state; a traceback keeps its last line alone."""
    lines = [line.rsplit("\r", 1)[-1].rstrip() for line in text.splitlines()]
    return "\n".join(line for line in lines if not re.match(r'\s+File ".*", line \d+', line))


def record_help(r: Recorder) -> None:
    """`--help` of every command, found by walking."""
    waiting: list[tuple[str, ...]] = [()]
    while waiting:
        words = waiting.pop(0)
        told = r.command("help/" + ("-".join(words) or "matcher"), *words, "--help")
        listed = told["out"].decode().partition("\nCommands:\n")[2]
        waiting += [(*words, found) for found in re.findall(r"^  ([a-z][\w-]*)(?:  |$)", listed, re.M)]
    r.command("help/version", "--version")
    r.command("help/none")
    r.command("help/unknown-command", "nothing-of-the-kind")
    r.command("help/unknown-option", "match", "--nothing")


README = """\
match|match --need "entretien des espaces verts d'une école" --place Nanterre|
explain|explain 00010001600013 26-130101|
opportunities|opportunities 00010001600013|
partners|partners 00010001600013 26-130101|
"""

#: name | command line | files that it writes.  `@` in a name runs it in an interpreter of its own.
SAMPLE = """\
read-table|read data/sample|
read-jsonl|read data/sample/boamp_page_1.json data/sample/structures_lemarche.json --format jsonl|
read-csv|read data/sample/structures.csv data/sample/decp_2024.json -f csv|
read-as-stated|read data/sample/boamp_page_2.json --as-stated -f csv|
read-source|read data/sample/structures.csv --source directory --map name=Type|
read-need|read data/sample/needs.txt|
read-eforms|read data/sample/eforms -f jsonl|
read-missing|read nowhere.xml|
read-bad-map|read data/sample/structures.csv --map name|
read-nothing|read extra/empty.csv|
read-bad-source|read data/sample/structures.csv --source nothing|
columns-table|columns data/sample/structures.csv|
columns-jsonl|columns data/sample/structures.csv -f jsonl --map zone=Ville|
columns-notices|columns extra/notices.csv|
columns-none|columns data/sample/README.md|
cpv-table|cpv entretien des espaces verts et tonte|
cpv-jsonl|cpv "bornes de recharge" --level class --top 3 --format jsonl|
cpv-csv|cpv "nettoyage de bureaux" -l code -k 8 -f csv|
cpv-none|cpv|
match-table|match data/sample -n 5|
match-jsonl|match data/sample/boamp_page_1.json -n 3 --format jsonl --groups 2|
match-csv|match data/sample -n 10 --format csv --groups 0|
match-need-bare|match --need "audit RGAA du site internet de la ville + formation des agents"|
match-need-nobody|match --need "maintenance d'un scanner d'imagerie médicale" --place 75|
match-need-jsonl|match --need "nettoyage des bureaux, tonte et blanchisserie" --place 93500 --format jsonl|
match-kinds|match data/sample/boamp_page_1.json --kind ESAT --kind EA --radius 50 --format csv|
match-filters|match data/sample/boamp_page_2.json --department 93 --word tonte --exclude 000100016 --active -n 3|
match-weighted|match data/sample/eforms/2026-etat-renovation.xml --recipe weighted -n 3 --format csv|
match-lexical|match data/sample/eforms/2026-etat-renovation.xml --recipe lexical -n 3 --format csv|
match-dense|match data/sample/eforms/2026-etat-renovation.xml --recipe dense -n 3 --format csv|
match-rotating|match data/sample/eforms/2026-etat-renovation.xml --recipe rotating -n 3 --format csv|
match-nothing|match|
match-bad-format|match data/sample --format yaml|
match-bad-recipe|match data/sample --recipe nothing|
match-bad-n|match data/sample -n 0|
match-place-unknown|match --need tonte --place Zzyzx|
match-place-several|match --need tonte --place Saint-Denis|
match-no-catalogue|match data/sample --catalogue var/none|
match-no-notice|match data/sample/structures.csv|
explain-jsonl|explain 00010001600013 26-130101 --format jsonl|
explain-lot|explain 00010032100017 26-130377 2|
explain-file|explain 00010003200010 data/sample/eforms/2026-metropole-proprete.xml|
explain-siren|explain 000100016 26-130741|
explain-closed|explain 00010076800019 26-130212|
explain-unknown|explain 99999999999999 26-130101|
explain-no-notice|explain 00010001600013 26-999999|
exposure-table|exposure data/sample/boamp_page_2.json|
exposure-jsonl|exposure data/sample/eforms -n 5 --format jsonl|
consortium-first|consortium data/sample/boamp_page_1.json|
consortium-works|consortium data/sample/boamp_page_1.json --id 26-130377 --members 3 --impose 00010029700019 --format jsonl|
consortium-greedy|consortium data/sample/boamp_page_1.json --id 26-130377 --solver greedy --format csv|
consortium-one-group|consortium data/sample/boamp_page_1.json --id 26-130101 --one-group -n 2|
consortium-no-firms|consortium data/sample/boamp_page_1.json --id 26-130377 --no-firms --mandataire 00010029700019 --exclude 00010034700012|
consortium-eforms|consortium data/sample/eforms/2026-etat-renovation.xml --format jsonl|
consortium-bad-solver|consortium data/sample/boamp_page_1.json --solver best|
consortium-unknown|consortium data/sample/boamp_page_1.json --id 26-1|
partners-table|partners 00010001600013 data/sample/boamp_page_1.json --id 26-130101|
partners-jsonl|partners 00010001600013 data/sample/boamp_page_1.json --id 26-130101 --lot 2 -n 5 --format jsonl|
partners-works|partners 00010029700019 data/sample/boamp_page_1.json --id 26-130377 --no-firms --format csv|
partners-award|partners 00010032100017 data/sample/boamp_page_1.json --id 26-128900|
partners-award-eforms|partners 00010032100017 data/sample/eforms/2026-universite-attribution.xml|
partners-unknown|partners 99999999999999 data/sample/boamp_page_1.json|
opportunities-jsonl|opportunities 00010001600013 --format jsonl|
opportunities-csv|opportunities 00010007300014 --since 2026-11-01 --department 93 --format csv|
opportunities-files|opportunities 00010007300014 data/sample/boamp_page_2.json --cpv 909 --on 2026-11-25|
opportunities-reserved|opportunities 00010001600013 --reserved --most 100000|
opportunities-firm|opportunities 00010083400019 --format csv|
opportunities-bad-day|opportunities 00010001600013 --since yesterday|
opportunities-unknown|opportunities 12345678900011|
leads-table|leads|
leads-jsonl|leads --format jsonl -n 2 --most 4|
leads-csv|leads data/sample/decp_2024.json data/sample/boamp_page_1.json --department 93 --format csv|
leads-awarded|leads --awarded|
leads-none|leads data/sample/needs.txt --department 2A|
map-region|map --region "Île-de-France" --svg out/region.svg --html out/region.html|out/region.svg out/region.html
map-blank|map --department 93 --blank|
map-commune|map --commune Nanterre --radius 15 --trade nettoyage --format csv|
map-jsonl|map --department 93 --kind EI -n 2 --format jsonl|
map-files|map data/sample/decp_2019.json --department 94 --measure lots --svg out/lots.svg|out/lots.svg
map-all|map --blank --format csv|
map-unknown|map --department 99|
potential-need|potential --need "entretien des espaces verts" --place Nanterre --amount 45000 --like-needs 0|
potential-html|potential data/sample/boamp_page_1.json --html out/potential.html|out/potential.html
potential-jsonl|potential --need "peinture de quatre écoles" --place 93100 --amount 900000 --months 14 --works --rate 2.5 --contribution 15000 --on 2026-11-24 --format jsonl|
potential-csv|potential data/sample/eforms --format csv --buyer state|
potential-service|potential --need "aide à domicile de personnes âgées" --place 37000 --amount 60000 --public-service --on 2026-06-01|
potential-bad-buyer|potential --need tonte --buyer king|
potential-nothing|potential|
potential-no-place|potential --need tonte --place Zzyzx|
hours-plan|hours plan "peinture d'une école" --amount 300000 --months 8 --place Montreuil|
hours-plan-own|hours plan nettoyage --amount 90000 --labour 85 --hourly 24 --share 10|
hours-plan-jsonl|hours plan "nettoyage de bureaux" --amount 90000 --place 93100 --format jsonl|
hours-plan-csv|hours plan "chose inconnue" --amount 90000 --format csv|
hours-plan-bad|hours plan nettoyage --amount 90000 --labour 850|
hours-oeth|hours oeth 20000 --rate 2.5 --contribution 15000 --need "entretien d'espaces verts" --on 2026-11-24 --place 93|
hours-oeth-jsonl|hours oeth 20000 --rate 6 --labour-cost 9000 --headcount 80 --on 2026-11-24 --format jsonl|
hours-oeth-no-rate|hours oeth 20000|
meeting|meeting extra/besoins.csv --theme "propreté et espaces verts" --place 93200 --on 2026-12-15 --slots 6 --invite 12 --xlsx out/day.xlsx --ics out/day.ics --html out/day.html|out/day.xlsx out/day.ics out/day.html
meeting-tables|meeting extra/besoins.csv --theme propreté --place 93200 --on 2026-12-15 --slots 4 --invite 9 --tables 2 --per-structure 2 --format jsonl|
meeting-bad-day|meeting extra/besoins.csv --theme propreté --place 93200 --on demain|
meeting-bad-file|meeting data/sample/structures.csv --theme propreté --place 93200 --on 2026-12-15|
spaser|spaser data/sample/decp_2024.json data/sample/decp_2019.json --ledger extra/ledger.csv --html out/report.html --xlsx out/report.xlsx|out/report.html out/report.xlsx
spaser-csv|spaser data/sample/decp_2024.json --format csv|
spaser-ledger|spaser --ledger extra/ledger.csv --buyer 21930055500014 --year 2025 --format jsonl|
spaser-nothing|spaser|
rank|rank extra/queries.jsonl --history data/sample/decp_2019.json --out out/run.jsonl|out/run.jsonl
rank-structures|rank extra/queries.jsonl --history data/sample/decp_2019.json --structures data/sample/structures.csv --out out/run_structures.jsonl --top 10 --incumbents|out/run_structures.jsonl
rank-lexical|rank extra/queries.jsonl --history data/sample/decp_2019.json --structures data/sample/structures.csv --out out/run_lexical.jsonl --recipe lexical|out/run_lexical.jsonl
rank-nothing|rank data/sample/needs.txt --history data/sample/decp_2019.json --out out/none.jsonl|
index-other|index data/sample/structures.csv data/sample/decp_2024.json --out var/other --recipe weighted|
index-update|index data/sample/structures_lemarche.json --update --gone 00010072700015 --out var/other|
index-update-awards|index data/sample/decp_2024.json --update --out var/other|
index-nothing|index|
index-missing|index nowhere.csv|
index-bad-recipe|index data/sample --recipe nothing|
index-map|index data/sample/structures.csv --out var/mapped --map name=Réseau|
match-other|match data/sample/eforms --catalogue var/other -n 3 --format csv|
synth|synth --out out/synth --structures 30 --notices 4 --seed 7|out/synth
evaluate-none|evaluate --data nowhere|
reliability-none|reliability --data nowhere|
train-encoder-bad-day|train encoder --data data --out out/encoder --before someday|
train-ranker-nothing|train ranker|
sync-unknown|sync nothing|
sync-bad-day|sync boamp --since someday|
sync-no-structure|sync entreprises --structures data/sample/decp_2019.json|
serve-bad-port|serve --port 99999|
@facilitators-import|facilitators import extra/facilitateurs.csv|
@facilitators-list|facilitators list|
@facilitators-place|facilitators list --place 93100 --format jsonl|
@facilitators-refer|facilitators refer plie-est 26-130101 --note "à voir"|
@facilitators-refer-unknown|facilitators refer nobody 26-130101|
@facilitators-map|map --department 93 --trade espaces-verts|
facilitators-referrals|facilitators referrals --format csv|
facilitators-needs|facilitators needs plie-est|
facilitators-bad|facilitators import data/sample/README.md|
cpv-import-none|cpv --import nowhere.csv|
"""

NIGHTS = """\
dry|batch data/sample --dry-run --at 2026-11-25T09:00 --format jsonl --rules extra/rules.json|
dry-since|batch data/sample/boamp_page_1.json --dry-run --at 2026-11-25T09:00 --since 2026-11-20 --top 5 --format csv|
first|batch data/sample --at 2026-11-25T09:00 --format jsonl --rules extra/rules.json --outbox out/mails --report out/night.html|out/mails out/night.html
again|batch data/sample --at 2026-11-25T10:00 --rules extra/rules.json --outbox out/mails2 --format csv|out/mails2
stale|batch data/sample/boamp_page_2.json --at 2027-01-25T09:00 --dry-run --format jsonl|
bad-day|batch data/sample --since someday|
bad-instant|batch data/sample --at someday|
nothing|batch|
no-catalogue|batch data/sample --catalogue var/none|
bad-rules|batch data/sample --rules extra/ledger.csv|
outbox-list|outbox list|
outbox-doubtful|outbox doubtful|
outbox-bad-day|outbox approve --day someday|
digest-show-text|digest show 00010001600013|
digest-show-html|digest show 00010001600013 --form html|
digest-show-json|digest show 00010001600013 --form json|
digest-show-csv|digest show 00010001600013 --form csv --limit 2|
digest-show-xlsx|digest show 00010001600013 --form xlsx --out out/digest.xlsx|out/digest.xlsx
digest-show-atom|digest show 00010001600013 --form atom|
digest-show-icalendar|digest show 00010001600013 --form icalendar --out out/digest.ics|out/digest.ics
digest-show-other|digest show 00010001600013 --form papyrus|
digest-why|digest why 00010001600013|
digest-why-jsonl|digest why 00010001600013 2026-11-25 --format jsonl|
digest-why-bad-day|digest why 00010001600013 someday|
digest-buyer|digest buyer 21930055500014|
digest-buyer-html|digest buyer 21930055500014 --form html|
digest-buyer-json|digest buyer 21930055500014 --form json|
digest-buyer-form|digest buyer 21930055500014 --form csv|
feedback-declined|feedback 00010001600013 26-130101 declined --reason too-far|
feedback-trade|feedback 00010007300014 26-130145 declined --reason not-our-trade|
feedback-unknown-notice|feedback 00010001600013 26-999999 interested|
feedback-bad-verb|feedback 00010001600013 26-130101 perhaps|
digest-show-after|digest show 00010001600013|
digest-buyer-after|digest buyer 21930055500014|
info|store info|
migrate|store migrate|
backup|backup out/backup.jsonl.gz|
store-backup|store backup out/backup2.jsonl.gz|
prune|store prune|
personal-export|personal export 00010001600013|
personal-dry|personal erase 00010001600013|
personal-erase|personal erase 00010037000014 --yes|
"""

RESTORED = """\
restore|restore out/backup.jsonl.gz|
restored-info|store info --format csv|
restore-again|store restore out/backup.jsonl.gz|
restore-none|store restore nowhere.jsonl.gz|
"""

HELD = """\
held-night|batch data/sample/boamp_page_1.json --at 2026-11-25T09:00 --hold --rules extra/rules.json --format csv|
held-sample|outbox sample -n 2|
held-list|outbox list --format csv|
held-approve|outbox approve --day 2026-11-25|
held-send|outbox send --outbox out/mails3 --rules extra/rules.json|
held-cancel|outbox cancel|
"""


def script(r: Recorder, prefix: str, text: str, env: dict[str, str | None] | None = None) -> None:
    """Record each line of a script."""
    import shlex

    for line in text.splitlines():
        name, command, files = line.split("|")
        bare = name.lstrip("@")
        words = shlex.split(command)
        r.command(f"{prefix}/{bare}", *words, files=files.split(), env=env, plain=name != bare)


def extras(scratch: Path) -> None:
    """Small inputs of our own, invented, and queries made of the sample's awards."""
    folder = scratch / "extra"
    folder.mkdir()
    (scratch / "out").mkdir()
    write = lambda name, text: (folder / name).write_text(text, encoding="utf-8")  # noqa: E731
    write("empty.csv", "")
    write(
        "notices.csv", "Objet;Acheteur;Date limite;Code postal\nTonte des pelouses;Ville A;15/01/2027;93500\n"
    )
    write(
        "besoins.csv",
        "acheteur;besoin;lieu;publiable;absent;maximum\nVille A;nettoyage des écoles;93100;oui;1;3\n"
        "Ville A;vitrerie;;oui;;\nHôpital B;entretien des espaces verts;93200;non;;4\nBailleur C;débarras de caves;92000;;2;\n",
    )
    write(
        "ledger.csv",
        "SIRET;montant;année;catégorie;objet\n00010001600013;1200,50;2025;Espaces verts;tonte\n00010003200010;8 000;2025;;linge\n"
        "00010079200019;45000;2025;Travaux;toiture\n00010007300014;3100;2024;Nettoyage;bureaux\nnon;12;2025;;\n00010032100017;;2025;;\n",
    )
    write(
        "facilitateurs.csv",
        "nom;type;communes;departements;courriel;telephone;site;source;date\n"
        "PLIE Est;PLIE;93066, 93048;;contact@plie.example.org;01 99 00 11 11;;annuaire;2026-09-01\n"
        "Maison de l'emploi;MDE;;93;;;https://mde.example.org;annuaire;2026-09-01\n;;93066;;;;;;\n",
    )
    rules = {"base_url": "http://127.0.0.1:8000", "opens": 0, "closes": 24, "weekend": True, "cap": 3}
    write("rules.json", json.dumps(rules))
    awards = json.loads((scratch / "data/sample/decp_2019.json").read_text(encoding="utf-8"))["marches"]
    lines = [{"query_id": f"q{i}", "notice": award} for i, award in enumerate(awards)]
    lines += [
        {"query_id": "partner", "notice": awards[0], "member": SIRET},
        {"query_id": "q0", "notice": awards[1]},
    ]
    write(
        "queries.jsonl", "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines) + "no JSON\n"
    )


class _Publisher(BaseHTTPRequestHandler):
    """Publishers of notices and structures on loopback, with the records of the sample."""

    notices: ClassVar[list[dict[str, Any]]] = []
    structures: ClassVar[list[dict[str, Any]]] = []

    def log_message(self, *_: Any) -> None:
        """Silence."""

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        body: Any = {"count": len(self.structures), "next": None, "results": self.structures}
        if parts.path.startswith("/boamp"):
            days = re.findall(r"dateparution([<>]=)date'(\d{4}-\d{2}-\d{2})'", query.get("where", ""))
            low, high = (
                next((d for s, d in days if s == sign), end) for sign, end in ((">=", ""), ("<=", "9"))
            )
            found = [n for n in self.notices if low <= str(n.get("dateparution")) <= high]
            first = int(query.get("offset", 0))
            page = found[first : first + int(query.get("limit", 10))]
            body = found if parts.path.endswith("/json") else {"total_count": len(found), "results": page}
        data = json.dumps(body, ensure_ascii=False).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


# fmt: off
def record_sync(r: Recorder) -> None:
    """What `matcher sync` fetches, from publishers of our own."""
    sample = r.product.scratch / "data" / "sample"
    for page in ("boamp_page_1.json", "boamp_page_2.json"):
        _Publisher.notices += json.loads((sample / page).read_text(encoding="utf-8"))["results"]
    listed = json.loads((sample / "structures_lemarche.json").read_text(encoding="utf-8"))
    _Publisher.structures = listed["results"] if isinstance(listed, dict) else listed
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Publisher)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    env: dict[str, str | None] = {"MATCHER_BOAMP_URL": f"{url}/boamp", "MATCHER_SIAE_URL": f"{url}/siae/"}
    words = ["sync", "boamp", "--since", "2026-11-16", "--until", "2026-11-25"]
    r.command("sync/boamp", *words, "--format", "jsonl", env=env)
    r.command("sync/boamp-again", *words, env=env)
    r.command("sync/boamp-read", "read", "var/sync/boamp", "-f", "csv", env=env)
    r.command("sync/siae", "sync", "siae", "--format", "csv", env=env)
    r.command("sync/siae-read", "read", "var/sync/siae", env=env)
    r.command("sync/insecure-token", "sync", "siae", env={"MATCHER_SIAE_URL": "http://example.org/", "MATCHER_SIAE_TOKEN": "t"})
    r.command("sync/no-address", "sync", "boamp", env={"MATCHER_BOAMP_URL": "nothing"})
    server.shutdown()


def record_keys(r: Recorder) -> dict[str, str]:
    """Keys, and the exchange and needs of facilitators that are done with them; returns the keys of the service."""
    env: dict[str, str | None] = {"MATCHER_STORE": f"sqlite:///{r.product.scratch / 'night.sqlite'}"}
    keys: dict[str, str] = {}
    scopes = {"read": "read", "buyer": "buyer", "operator": "operator", "own": f"structure:{SIRET}"}
    scopes |= {"other": f"structure:{OTHER}", "gone": "read"}
    for name, scope in scopes.items():
        told = r.command(f"keys/create-{name}", "keys", "create", "--scope", scope, "--label", name, env=env)
        keys[name] = told["out"].decode().strip()
        r.normal.learn(keys[name], f"<key {name}>")
        r.normal.learn([*keys[name].split("_"), ""][1], f"<id {name}>")
    public = [*keys["gone"].split("_"), "", ""][1]
    r.command("keys/revoke", "keys", "revoke", public, env=env)
    r.command("keys/revoke-again", "keys", "revoke", public, env=env)
    r.command("keys/bad-scope", "keys", "create", "--scope", "structure:123", env=env)
    r.command("keys/list", "keys", "list", env=env)
    r.command("keys/list-csv", "keys", "list", "--format", "csv", env=env)
    own, other = ({**env, "MATCHER_KEY": keys[who]} for who in ("own", "other"))
    declare = ["exchange", "declare", SIRET, "26-130101", "--brings", "tonte", "--seeks", "nettoyage des allées"]
    told = r.command("exchange/declare", *declare, "--contact", "a@example.org", "--deadline", "2027-03-01", "--format", "jsonl", env=own)
    r.command("exchange/declare-other", "exchange", "declare", OTHER, "26-130101", "--brings", "nettoyage", "--seeks", "tonte",
              "--deadline", "2027-03-01", env=other)  # fmt: skip
    r.command("exchange/declare-not-mine", *declare, "--deadline", "2027-03-01", env=other)
    r.command("exchange/declare-past", *declare, "--deadline", "2020-01-01", env=own)
    r.command("exchange/list", "exchange", "list", env=other)
    r.command("exchange/list-mine", "exchange", "list", "--mine", "--format", "csv", env=own)
    r.command("exchange/suggest", "exchange", "suggest", SIRET, env=own)
    r.command("exchange/suggest-jsonl", "exchange", "suggest", OTHER, "--notice", "26-130101", "--format", "jsonl", env=other)
    found = re.search(r'"id": "([^"]+)"', told["out"].decode())
    identifier = found[1] if found else "nothing"
    r.command("exchange/contact", "exchange", "contact", identifier, env=other)
    r.command("exchange/viewers", "exchange", "viewers", identifier, env=own)
    r.command("exchange/viewers-not-mine", "exchange", "viewers", identifier, env=other)
    r.command("exchange/contact-delete", "exchange", "contact", identifier, "--delete", env=own)
    r.command("exchange/withdraw", "exchange", "withdraw", identifier, env=own)
    r.command("exchange/list-after", "exchange", "list", "--format", "jsonl", env=other)
    r.command("exchange/no-key", "exchange", "list", env=env)
    r.command("exchange/bad-key", "exchange", "list", env={**env, "MATCHER_KEY": "mlg_nothing_nothing"})
    r.command("keys/facilitators-show", "facilitators", "show", "26-130101", "plie-est", env={**env, "MATCHER_KEY": keys["buyer"]})
    return keys


def record_shared(r: Recorder) -> None:
    """A bounded part of the real data."""
    if r.product.shared is None:
        return
    scratch, data = r.product.scratch, r.product.shared / "data"
    (scratch / "shared").symlink_to(data)
    r.command("shared/index", "index", "shared/structures/siae_2021.jsonl", "shared/awards/history.json.gz", "--out", "var/shared")
    take = lambda name, n: (data / name).read_text(encoding="utf-8").splitlines()[:n]  # noqa: E731
    firms = take("awards/suppliers_dev.queries.jsonl", 60) + take("awards/partners_dev.queries.jsonl", 20)
    ours = take("awards/siae_dev.queries.jsonl", 20)
    for name in ("notices", "typed", "spoken"):
        ours += take(f"judged/{name}_dev.queries.jsonl", 20)
    for name, lines in (("firms", firms), ("ours", ours)):
        (scratch / "extra" / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    history = ["--history", "shared/awards/history.json.gz"]
    r.command("shared/rank-suppliers", "rank", "extra/firms.jsonl", *history, "--out", "out/firms.jsonl", files=["out/firms.jsonl"])
    listed = ["--structures", "shared/structures/siae_2021.jsonl"]
    r.command("shared/rank-structures", "rank", "extra/ours.jsonl", *history, *listed, "--out", "out/ours.jsonl", files=["out/ours.jsonl"])
    (scratch / "ted").mkdir()
    notices = sorted((data / "notices" / "ted").glob("*.xml"))
    for path in notices[:: max(1, len(notices) // 40)][:40]:
        shutil.copy(path, scratch / "ted")
    at = ["--catalogue", "var/shared"]
    r.command("shared/match-jsonl", "match", "ted", *at, "--format", "jsonl", "--groups", "1", "-n", "3")
    r.command("shared/read", "read", "shared/notices/eforms", "shared/notices/boamp", "ted", "--format", "csv")
    r.command("shared/leads", "leads", "ted", *at, "--format", "csv", "-n", "3")
    rows = [json.loads(line) for line in take("structures/siae_2021.jsonl", 3852)]
    chosen = [row["siret"] for row in rows if len(row.get("offers") or []) > 2][::60][:5]
    for number, siret in enumerate(chosen, 1):
        r.command(f"shared/opportunities-{number}", "opportunities", siret, "ted", *at, "--on", "2018-06-01", "--format", "jsonl")
        r.command(f"shared/partners-{number}", "partners", siret, f"ted/{sorted(p.name for p in (scratch / 'ted').iterdir())[number * 5]}",
                  *at, "--format", "jsonl", "-n", "5")  # fmt: skip
    store: dict[str, str | None] = {"MATCHER_STORE": f"sqlite:///{scratch / 'shared.sqlite'}"}
    r.command("shared/batch", "batch", "ted", *at, "--dry-run", "--at", "2018-06-01T09:00", "--format", "jsonl", env=store)
    r.command("shared/potential", "potential", "--need", "nettoyage de bureaux et vitrerie", "--place", "67000", "--amount", "150000",
              *at, "--format", "jsonl", env=store)  # fmt: skip
    r.command("shared/map", "map", "--department", "67", "--department", "93", *at, "--format", "csv", env=store)
    r.command("shared/consortium", "consortium", "shared/notices/eforms_sdk/cn_24_maximal.xml", *at, "--format", "jsonl")


# ---------------------------------------------------------------------------------------------------- over HTTP

HEADERS = ("content-type", "location", "www-authenticate", "cache-control", "content-disposition", "idempotency-replayed",
           "content-security-policy", "x-frame-options", "allow")  # fmt: skip


class Site:
    """A real server on a free port, and the requests whose answers are recorded."""

    def __init__(self, r: Recorder, keys: dict[str, str]) -> None:
        self.r, self.keys = r, keys
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.base = f"http://127.0.0.1:{self.port}"
        r.normal.learn(self.base, "http://<site>")
        r.normal.learn(f"127.0.0.1:{self.port}", "<site>")
        env = {**r.product.env, "MATCHER_STORE": f"sqlite:///{r.product.scratch / 'night.sqlite'}", "MATCHER_RATE": "900/minute",
               "MATCHER_MAX_BODY": "600000", "MATCHER_MAX_NEED": "20000", "MATCHER_PUBLIC_URL": self.base,
               "MATCHER_RELOAD_SECONDS": "3600"}  # fmt: skip
        self.log = (r.product.scratch / "server.err").open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "matcher.cli", "serve", "--port", str(self.port)], cwd=r.product.scratch, env=env, stderr=self.log
        )
        self.client = httpx.Client(base_url=self.base, timeout=60, follow_redirects=False)
        self._ready()

    def _ready(self) -> None:
        for _ in range(2000):
            if self.process.poll() is not None:
                raise SystemExit(f"the server ended: {Path(self.log.name).read_text()[-2000:]}")
            try:
                if self.client.get("/v1/health/readiness").status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.1)
        raise SystemExit("the server did not answer within some minutes")

    def close(self) -> None:
        """SIGTERM, as an operator would."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(30)
        self.log.close()
        lines = Path(self.log.name).read_text(encoding="utf-8").splitlines()
        faults = [line for line in lines if not line.startswith("{") or '"ERROR"' in line or "fault" in line]
        self.r.keep("api/server", f"ended with {code}\n" + _lines("\n".join(faults)))

    def ask(self, name: str, method: str, path: str, key: str = "", headers: dict[str, str] | None = None, **more: Any) -> httpx.Response:
        """Send one request and record its answer."""
        heads = {"X-API-Key": self.keys[key]} if key else {}
        answer = self.client.request(method, path, headers=heads | (headers or {}), **more)
        if (method, path, answer.status_code) == ("POST", "/v1/sourcing", 201):
            self.r.normal.learn(str(answer.json().get("id", "none")), "<record>")
        self.write(name, method, path, answer)
        return answer

    def write(self, name: str, method: str, path: str, answer: httpx.Response, body: str | None = None) -> None:
        """Record an answer."""
        media = answer.headers.get("content-type", "")
        kind = next((k for k in ("json", "html", "svg", "xml", "csv", "calendar", "sheet") if k in media), "text")
        kind = {"sheet": "xlsx"}.get(kind, kind)
        shown = [f"{h}: {answer.headers[h]}" for h in HEADERS if h in answer.headers]
        text = pretty(answer.content, kind) if body is None else body
        self.r.keep(name, "\n".join([f"{method} {path}", f"status {answer.status_code}", *shown, "", text]))


def record_api(s: Site) -> None:
    """Every route of the API, rightly and wrongly asked."""
    scratch = s.r.product.scratch
    n = iter(range(1, 1000))
    ask = lambda name, *a, **k: s.ask(f"api/{next(n):03d}-{name}", *a, **k)  # noqa: E731
    boamp = (scratch / "data/sample/boamp_page_1.json").read_bytes()
    eforms = (scratch / "data/sample/eforms/2026-metropole-proprete.xml").read_bytes()
    _health(ask)
    _match(ask, (scratch / "data/sample/needs.txt").read_text(encoding="utf-8").splitlines(), boamp, eforms)
    _read(ask)
    _errors(ask)
    _territory(ask, (scratch / "data/sample/decp_2024.json").read_bytes(), (scratch / "extra/ledger.csv").read_bytes())
    _writes(s, ask)
    _jobs(s, ask)
    answer = s.client.get("/v1/metrics")
    named = sorted({line.split()[2] for line in answer.text.splitlines() if line.startswith("# TYPE")})
    s.write(f"api/{next(n):03d}-metrics", "GET", "/v1/metrics", answer, "\n".join(named))


def _health(ask: Callable[..., httpx.Response]) -> None:
    for path in ("/v1/health", "/v1/health/live", "/v1/health/readiness", "/openapi.json"):
        ask(path.strip("/").replace("/", "-"), "GET", path)


def _match(ask: Callable[..., httpx.Response], needs: Sequence[str], boamp: bytes, eforms: bytes) -> None:
    match: Callable[..., Any] = lambda name, **body: ask(name, "POST", "/v1/match", json=body)  # noqa: E731
    for number, need in enumerate(needs, 1):
        match(f"match-need-{number}", need=need, n=5)
    match("match-place", need="Tonte et taille de haies pour trois écoles", place="Pantin", n=5)
    match("match-filters", need="Numériser les archives de l'état civil", place="Montreuil (93)",
          filters={"kinds": ["EA", "ESAT"], "radius_km": 60, "active_only": True})  # fmt: skip
    match("match-groups", need="Nettoyage des bureaux, entretien des espaces verts et repas de midi", place="93", groups=2)
    match("match-recipe", need="Mise sous pli de 40 000 courriers", place="Paris", recipe="lexical", groups=0)
    match("match-subset", need="tonte", filters={"sirets": [SIRET, OTHER]})
    match("match-excluded", need="tonte", place="Pantin", filters={"excluded": [SIRET[:9]], "articles": ["L2113-12"]}, n=3)
    match("match-phrases", need="tonte", filters={"phrases": ["haies"], "departments": ["93", "75"], "regions": ["11"]}, n=3)
    match("match-notice-id", notice_id="26-130101", n=4)
    match("match-notice-reserved", notice_id="26-130760", n=3)
    match("match-notice-text", notice=eforms.decode(), n=3)
    match("match-notice-json", notice=json.loads(boamp), n=2, pick="26-130212")
    match("match-notice-several", notice=json.loads(boamp), n=1, groups=0)
    match("match-clause", need="construction d'une école, gros œuvre, 5 000 heures d'insertion", place="Bobigny", n=3)
    match("match-nobody", need="fourniture d'un appareil d'IRM", place="Lille")
    ask("match-file", "POST", "/v1/match/file", files={"file": ("avis.xml", eforms)}, data={"n": "3", "groups": "1"})
    ask("match-file-pick", "POST", "/v1/match/file", files={"file": ("avis.json", boamp)}, data={"pick": "26-130402", "n": "2"})
    group: Callable[..., Any] = lambda name, **body: ask(name, "POST", "/v1/consortium", json=body)  # noqa: E731
    group("consortium", need="Nettoyage des bureaux, entretien des espaces verts et blanchisserie", place="Bobigny", max_members=3, groups=2)
    group("consortium-notice", notice_id="26-130377", imposed=[OTHER], excluded_members=[THIRD], groups=1, n=20)
    group("consortium-one", notice_id="26-130101", one_group=True, mandataire=SIRET)
    group("consortium-unknown", notice_id="26-130101", imposed=["999999999"])


def _read(ask: Callable[..., httpx.Response]) -> None:
    for name, body in {
        "partners": {"siret": SIRET, "notice_id": "26-130101", "n": 5},
        "partners-lot": {"siret": OTHER, "notice_id": "26-130101", "lot": "1", "n": 3},
        "partners-award": {"siret": THIRD, "notice_id": "26-128900"},
    }.items():
        ask(name, "POST", "/v1/partners", json=body)
    ask("explain", "POST", "/v1/explain", json={"siret": SIRET, "notice_id": "26-130101", "n": 5})
    ask("explain-need", "POST", "/v1/explain", json={"siret": CLOSED, "need": "blanchisserie", "filters": {"kinds": ["EA"]}})
    ask("explain-lot", "GET", "/v1/explain", params={"siret": OTHER, "notice_id": "26-130101", "lot": "2"})
    ask("leads", "POST", "/v1/leads", json={"notice_id": "26-128900"})
    ask("leads-open", "POST", "/v1/leads", json={"notice_id": "26-130377", "n": 3})
    ask("exposure", "GET", "/v1/exposure")
    ask("cpv", "POST", "/v1/cpv", json={"text": "Location et entretien de linge pour un EHPAD", "n": 3})
    ask("cpv-code", "POST", "/v1/cpv", json={"text": "élagage", "level": "code"})
    for name, path in {
        "structures": "/v1/structures?limit=100", "structures-q": "/v1/structures?q=atelier", "structures-page": "/v1/structures?offset=80&limit=5",
        "structure": f"/v1/structures/{SIRET}", "structure-closed": f"/v1/structures/{CLOSED}", "structure-firm": "/v1/structures/00010083400019",
        "opportunities": f"/v1/structures/{SIRET}/opportunities", "opportunities-page": f"/v1/structures/{OTHER}/opportunities?offset=1&limit=2",
        "opportunities-atom": f"/v1/structures/{SIRET}/opportunities.atom", "notices": "/v1/notices?limit=100", "notices-q": "/v1/notices?q=nettoyage&answerable=true",
        "notices-since": "/v1/notices?since=2026-11-21", "notice": "/v1/notices/26-130101", "notice-award": "/v1/notices/26-128900",
        "notices-atom": "/v1/notices.atom?since=2026-11-01", "notices-atom-q": "/v1/notices.atom?q=tonte", "places": "/v1/places?q=saint-den", "places-code": "/v1/places?q=93500",
    }.items():  # fmt: skip
        ask(name, "GET", path)
    answer = ask("etag", "GET", "/v1/structures/00010003200010")
    ask("etag-same", "GET", "/v1/structures/00010003200010", headers={"If-None-Match": answer.headers.get("etag", "")})


def _errors(ask: Callable[..., httpx.Response]) -> None:
    post: Callable[..., Any] = lambda name, path, **k: ask(name, "POST", path, **k)  # noqa: E731
    plain = {"Content-Type": "application/json"}
    post("400-no-json", "/v1/match", content=b"{need", headers=plain)
    post("400-no-utf8", "/v1/match", content=b'{"need": "\xff\xfe"}', headers=plain)
    post("413-body", "/v1/match", json={"need": "tonte " * 120_000})
    post("413-need", "/v1/match", json={"need": "tonte " * 4_000})
    post("413-cpv", "/v1/cpv", json={"text": "tonte " * 4_000})
    for name, body in {
        "nothing": {}, "two": {"need": "a", "notice_id": "b"}, "empty": {"need": "  "}, "extra": {"need": "tonte", "colour": "red"},
        "n": {"need": "tonte", "n": 0}, "radius": {"need": "tonte", "filters": {"radius_km": -1}}, "place": {"need": "tonte", "place": "Zzyzx"},
        "recipe": {"need": "tonte", "recipe": "nothing"}, "notice": {"notice": "bonjour"}, "pick": {"notice_id": "26-130101", "pick": "x"},
        "siret": {"need": "tonte", "filters": {"sirets": ["12"]}}, "unknown": {"notice_id": "26-999999"}, "article": {"need": "tonte", "filters": {"articles": ["L1"]}},
        "kind": {"need": "tonte", "filters": {"kinds": ["NOTHING"]}},
    }.items():  # fmt: skip
        post(f"match-bad-{name}", "/v1/match", json=body)
    post("cpv-empty", "/v1/cpv", json={"text": "12 !"})
    post("cpv-level", "/v1/cpv", json={"text": "tonte", "level": "all"})
    post("partners-unknown", "/v1/partners", json={"siret": "99999999999999", "notice_id": "26-130101"})
    post("leads-two", "/v1/leads", json={"notice_id": "26-130101", "notice": "x"})
    post("leads-strange", "/v1/leads", json={"notice": "x"})
    post("file-strange", "/v1/match/file", files={"file": ("x.xml", b"<a/>")})
    post("file-none", "/v1/match/file")
    post("jobs-empty", "/v1/jobs", json={"items": []})
    for name, path in {
        "structure": "/v1/structures/99999999999999", "structure-short": "/v1/structures/123", "notice": "/v1/notices/26-999999", "nowhere": "/v1/nowhere",
        "job": "/v1/jobs/none", "explain": f"/v1/explain?siret={SIRET}&notice_id=26-999999", "explain-siret": "/v1/explain?siret=1&notice_id=26-130101",
        "limit": "/v1/structures?limit=1000", "since": "/v1/notices?since=yesterday", "places": "/v1/places", "department": "/v1/territory/map?department=99",
        "shape": "/v1/territory/map.pdf", "atom": "/v1/structures/99999999999999/opportunities.atom",
    }.items():  # fmt: skip
        ask(f"get-bad-{name}", "GET", path)
    ask("405", "DELETE", "/v1/match")
    ask("401-key", "GET", "/v1/structures", headers={"X-API-Key": "mlg_nothing_nothing"})
    ask("401-gone", "GET", "/v1/structures", key="gone")
    ask("401-forwarded", "GET", "/v1/structures", headers={"X-Forwarded-For": "203.0.113.9"})
    ask("401-sourcing", "POST", "/v1/sourcing", json={"need": "pain"})
    ask("403-sourcing", "POST", "/v1/sourcing", key="read", json={"need": "pain"})
    ask("403-profile", "GET", f"/v1/structures/{OTHER}/profile", key="own")
    ask("404-record", "GET", "/v1/sourcing/nothing", key="buyer")


def _territory(ask: Callable[..., httpx.Response], decp: bytes, ledger: bytes) -> None:
    for name, path in {
        "map": "/v1/territory/map?department=93&department=92", "map-region": "/v1/territory/map?region=11&trade=nettoyage&n=2",
        "map-commune": "/v1/territory/map?commune=Nanterre&radius=15", "map-svg": "/v1/territory/map.svg", "map-csv": "/v1/territory/map.csv?department=93",
        "map-html": "/v1/territory/map.html?measure=short", "facilitators": "/v1/territory/facilitators?place=93100", "facilitators-none": "/v1/territory/facilitators?place=Ajaccio",
    }.items():  # fmt: skip
        ask(f"territory-{name}", "GET", path)

    def post(name: str, path: str, **more: Any) -> httpx.Response:
        return ask(f"territory-{name}", "POST", f"/v1/territory/{path}", **more)

    post("potential", "potential", json={"need": "Entretien des espaces verts de trois écoles", "place": "Pantin", "amount": 45000, "like_needs": 0})
    post("potential-oeth", "potential", json={"need": "entretien des espaces verts", "place": "78200", "amount": 30000, "rate": 0.025, "contribution": 9000})
    post("potential-bad", "potential", json={"need": "", "amount": -1})
    post("hours", "hours", json={"need": "Peinture d'une école", "amount": 300000, "months": 8, "place": "93100"})
    post("hours-own", "hours", json={"need": "nettoyage", "amount": 1000, "labour": 0.5, "hourly_cost": 25, "shares": [0.2]})
    post("oeth", "oeth", json={"purchase": 20000, "rate": 0.025, "contribution": 15000, "need": "espaces verts", "place": "93"})
    post("oeth-no-rate", "oeth", json={"purchase": 20000})
    day = {"theme": "propreté et espaces verts", "place": "93100", "on": "2026-12-15", "slots": 6, "invite": 8,
           "buyers": [{"name": "Ville A", "needs": ["nettoyage des écoles"], "public": True}, {"name": "Hôpital B", "needs": ["entretien des espaces verts"]}]}  # fmt: skip
    post("meeting-401", "meeting", json=day)
    for shape in ("json", "xlsx", "ics", "html"):
        post(f"meeting-{shape}", f"meeting?as={shape}", json=day, key="buyer")
        if shape != "ics":
            post(f"report-{shape}", f"report?as={shape}", key="buyer", files=[("awards", ("decp.json", decp)), ("books", ("livre.csv", ledger))])
    post("report-bad", "report", key="buyer", files={"books": ("livre.csv", b"a,b\n1,2\n")})
    post("referral", "referrals", key="buyer", json={"facilitator": "plie-est", "subject": "26-130101", "note": "à voir"})
    post("referral-unknown", "referrals", key="buyer", json={"facilitator": "nobody", "subject": "26-130101"})
    post("show-unknown", "needs", key="buyer", json={"need": "nothing", "facilitator": "plie-est"})
    ask("territory-needs", "GET", "/v1/territory/needs?facilitator=plie-est", key="operator")
    ask("territory-needs-403", "GET", "/v1/territory/needs?facilitator=plie-est", key="buyer")


def _writes(s: Site, ask: Callable[..., httpx.Response]) -> None:
    body = {"need": "Mise sous pli de 40 000 courriers", "place": "Paris", "label": "Élections"}
    once = {"Idempotency-Key": "first"}
    made = ask("sourcing-keep", "POST", "/v1/sourcing", key="buyer", json=body, headers=once)
    identifier = str(made.json().get("id", "none"))
    s.r.normal.learn(identifier, "<record>")
    ask("sourcing-replayed", "POST", "/v1/sourcing", key="buyer", json=body, headers=once)
    ask("sourcing-reused", "POST", "/v1/sourcing", key="buyer", json={**body, "label": "x"}, headers=once)
    at = f"/v1/sourcing/{identifier}"
    ask("sourcing-list", "GET", "/v1/sourcing", key="buyer")
    ask("sourcing-read", "GET", at, key="buyer")
    ask("sourcing-verify", "GET", f"{at}/verify", key="buyer")
    ask("sourcing-replay", "GET", f"{at}/replay", key="buyer")
    lines = [
        e["payload"]
        for e in s.client.get(at, headers={"X-API-Key": s.keys["buyer"]}).json().get("events", [])
        if isinstance(e, dict) and "siret" in e.get("payload", {})
    ]
    sirets = [line["siret"] for line in lines][:3] or [SIRET]
    ask("sourcing-contact", "POST", f"{at}/contacts", key="buyer", json={"sirets": sirets[:2], "message": "Bonjour, faites-vous cela ?"})
    sent = {"sirets": sirets, "message": "Bonjour, faites-vous cela ?", "reply_to": "achats@example.org"}
    ask("sourcing-send", "POST", f"{at}/contacts", key="buyer", json=sent)
    ask("sourcing-send-again", "POST", f"{at}/contacts", key="buyer", json=sent)
    ask("sourcing-answer", "POST", f"{at}/answers", key="buyer", json={"siret": sirets[0], "text": "=Oui, en mars"})
    ask("sourcing-answer-bad", "POST", f"{at}/answers", key="buyer", json={"siret": "99999999999999", "text": "?"})
    ask("sourcing-after", "GET", at, key="buyer")
    ask("sourcing-not-mine", "GET", at, key="operator")
    for shape in ("csv", "xlsx", "json", "pdf"):
        ask(f"sourcing-export-{shape}", "GET", f"{at}/export/{shape}", key="buyer")
    profile = {"description": "Chantier", "offers": [{"title": "Tonte de prairies"}], "zone": {"radius_km": 30}, "denied": ["trade:nettoyage"]}
    ask("profile-put", "PUT", f"/v1/structures/{SIRET}/profile", key="own", json=profile)
    ask("profile-get", "GET", f"/v1/structures/{SIRET}/profile", key="own")
    ask("profile-bad", "PUT", f"/v1/structures/{SIRET}/profile", key="own", json={"email": "no"})
    ask("profile-not-mine", "PUT", f"/v1/structures/{OTHER}/profile", key="own", json=profile)
    ask("profile-felt", "POST", "/v1/explain", json={"siret": SIRET, "need": "nettoyage de bureaux", "place": "Pantin"})
    offer = {"siret": SIRET, "notice_id": "26-130145", "brings": "tonte", "seeks": "nettoyage", "contact": "a@example.org"}
    made = ask("exchange-declare", "POST", "/v1/exchange", key="own", json=offer)
    ask("exchange-declare-other", "POST", "/v1/exchange", key="other", json={**offer, "siret": OTHER, "brings": "nettoyage", "seeks": "tonte"})
    ask("exchange-bad", "POST", "/v1/exchange", key="own", json={**offer, "notice_id": "26-999999"})
    ask("exchange-403", "POST", "/v1/exchange", key="other", json=offer)
    at = f"/v1/exchange/{made.json().get('id', 'none')}"
    ask("exchange-list", "GET", "/v1/exchange", key="other")
    ask("exchange-mine", "GET", "/v1/exchange?mine=true", key="own")
    ask("exchange-suggestions", "GET", f"/v1/exchange/suggestions?siret={SIRET}", key="own")
    ask("exchange-contact", "GET", f"{at}/contact", key="other")
    ask("exchange-viewers", "GET", f"{at}/viewers", key="own")
    ask("exchange-forget", "DELETE", f"{at}/contact", key="own")
    ask("exchange-withdraw", "DELETE", at, key="own")
    ask("exchange-withdraw-again", "DELETE", at, key="own")
    word = {"siret": SIRET, "notice_id": "26-130101", "lot_id": "26-130101/2", "verb": "declined", "reason": "too-far"}
    ask("feedback", "POST", "/v1/feedback", key="own", json=word)
    ask("feedback-bad", "POST", "/v1/feedback", key="own", json={**word, "verb": "perhaps"})
    ask("feedback-403", "POST", "/v1/feedback", key="other", json=word)
    ask("feedback-buyer", "POST", "/v1/feedback", key="buyer", json={**word, "verb": "contacted", "reason": ""})


def _jobs(s: Site, ask: Callable[..., httpx.Response]) -> None:
    items = [{"need": "Repeindre deux cages d'escalier", "place": "Aubervilliers", "n": 3}, {"need": "Traiteur", "place": "Saint-Denis (93)", "n": 2},
             {"need": "tonte", "place": "Zzyzx"}]  # fmt: skip
    answer = s.client.post("/v1/jobs", json={"items": items})
    identifier = str(answer.json().get("id", "none"))
    s.r.normal.learn(identifier, "<job>")
    told = answer.json()
    s.write("api/jobs-start", "POST", "/v1/jobs", answer, _dumped({**told, "done": 0, "state": "running"}))
    for _ in range(300):
        if s.client.get(f"/v1/jobs/{identifier}").json().get("state") != "running":
            break
        time.sleep(0.1)
    ask("jobs-ended", "GET", f"/v1/jobs/{identifier}")
    ask("jobs-page", "GET", f"/v1/jobs/{identifier}?offset=1&limit=1")
    ask("jobs-events", "GET", f"/v1/jobs/{identifier}/events")


def record_pages(s: Site) -> None:
    """Every page as HTML, with the forms of visitors, buyers, structures and the operator."""
    html = {"accept": "text/html"}

    def page(name: str, method: str, path: str, **more: Any) -> httpx.Response:
        headers = html | more.pop("headers", {})
        return s.ask(f"page/{name}", method, path, headers=headers, **more)

    def csrf(path: str = "/connexion") -> str:
        found = re.search(r'name="csrf" value="([\w-]+)"', s.client.get(path, headers=html).text)
        return found[1] if found else "none"

    # the desk of a territory reads the store anew each minute: what the API wrote has to be seen by all its pages
    time.sleep(61 - time.time() % 60)
    _visitor(s, page)
    _buyer_desk(s, page, csrf)
    _buyer(s, page, csrf)
    _mails(s, page)
    _owner(s, page, csrf)
    for name in ("page.css", "page.js", "mark.svg", "none.css"):
        page(f"static-{name}", "GET", f"/static/{name}")


def _visitor(s: Site, page: Callable[..., httpx.Response]) -> None:
    for name, path in {
        "home": "/", "buyer": "/acheteur", "buyer-notice": "/acheteur?avis=26-130101", "buyer-notice-lot": "/acheteur?avis=26-130101&lot=2",
        "buyer-works": "/acheteur?avis=26-130377", "buyer-works-groups": "/acheteur?avis=26-130377&vue=groupes", "buyer-page-2": "/acheteur?avis=26-130377&page=2", "buyer-award": "/acheteur?avis=26-128900",
        "buyer-unknown": "/acheteur?avis=26-999999", "sign-in": "/connexion", "about": "/a-propos", "docs": "/docs", "operator": "/exploitant",
        "structures": "/structure", "structures-q": "/structure?q=atelier", "structures-one": "/structure?q=Ourcq", "structures-none": "/structure?q=zzzz",
        "structure": f"/structure/{SIRET}", "structure-closed": f"/structure/{CLOSED}", "structure-poor": "/structure/00010071900012", "structure-firm": "/structure/00010083400019",
        "structure-unknown": "/structure/99999999999999", "partners": f"/structure/{SIRET}/partenaires?avis=26-130101", "partners-works": "/structure/00010029700019/partenaires?avis=26-130377",
        "territory": "/territoire", "territory-trade": "/territoire?region=11&metier=nettoyage&mesure=lots", "territory-place": "/territoire?lieu=93100", "territory-bad": "/territoire?lieu=Zzyzx",
        "nowhere": "/nulle-part", "claim-bad": "/revendication/nothing", "mail-bad": "/m/nothing/nothing", "question-bad": f"/q/nothing/{SIRET}/nothing", "records-none": "/acheteur/fiches",
        "favicon": "/favicon.ico", "robots": "/robots.txt",
    }.items():  # fmt: skip
        page(name, "GET", path)
    page("forwarded", "GET", "/", headers={"X-Forwarded-For": "203.0.113.9"})
    sample = s.r.product.scratch / "data" / "sample"
    for number, need in enumerate((sample / "needs.txt").read_text(encoding="utf-8").splitlines(), 1):
        page(f"need-{number:02d}", "POST", "/acheteur", data={"need": need})
    for name, data in {
        "place": {"need": "entretien des espaces verts d'une école", "place": "Nanterre"}, "namesakes": {"need": "tonte", "place": "Saint-Denis"},
        "misspelt": {"need": "tonte", "place": "Zblurgville"}, "nobody": {"need": "fourniture d'un appareil d'IRM", "place": "Lille"},
        "clause": {"need": "construction d'une école, gros œuvre, 5 000 heures d'insertion", "place": "Bobigny"}, "far": {"need": "nettoyage de vitres", "place": "Bleurville"},
        "lots": {"need": "Lot 1 : nettoyage des locaux. Lot 2 : entretien des espaces verts.", "place": "Montreuil"}, "empty": {"need": " "},
        "filters": {"need": "tonte", "place": "Pantin", "kinds": ["ESAT", "EA"], "radius": "60", "phrase": "haies", "active": "oui"}, "bad-radius": {"need": "tonte", "radius": "loin"},
        "bad-place": {"need": "pain", "place": "Xyzzyville"}, "several": {"need": "Nettoyage des bureaux, entretien des espaces verts et blanchisserie", "place": "Bobigny"},
        "bad-notice": {"need": "", "notice": "eJbroken"},
    }.items():  # fmt: skip
        page(f"need-{name}", "POST", "/acheteur", data=data)
    for name in ("2026-metropole-proprete", "2026-universite-attribution"):
        page(f"file-{name}", "POST", "/acheteur", data={"need": ""}, files={"file": (f"{name}.xml", (sample / "eforms" / f"{name}.xml").read_bytes())})
    page("file-several", "POST", "/acheteur", data={"need": ""}, files={"file": ("avis.json", (sample / "boamp_page_1.json").read_bytes())})
    page("file-strange", "POST", "/acheteur", data={"need": ""}, files={"file": ("x.xml", b"<a/>")})
    asked = {"need": "entretien des espaces verts", "place": "93100", "amount": "30 000", "like": "0", "rate": "2,5", "contribution": "9 000"}
    for name, data in {
        "study": asked, "study-large": {**asked, "need": "peinture de quatre écoles", "amount": "900 000"}, "study-none": {**asked, "need": "blanchisserie", "place": "97400"},
        "study-bad-rate": {**asked, "rate": "beaucoup"}, "study-bad-place": {**asked, "place": "Zzyzx"}, "study-bad-amount": {**asked, "amount": "cher"}, "study-empty": {},
    }.items():  # fmt: skip
        page(f"territory-{name}", "POST", "/territoire", data=data)
    page("meeting-401", "POST", "/territoire/rencontre", data={"theme": "x", "place": "93100", "on": "2026-12-15", "buyers": "x"})


def _buyer_desk(s: Site, page: Callable[..., httpx.Response], csrf: Callable[..., str]) -> None:
    """The meeting day and the report, for who holds a buyer's key."""
    s.client.post("/connexion", data={"key": s.keys["buyer"], "csrf": csrf()})
    day = {
        "theme": "espaces verts", "place": "93100", "on": "2026-12-15", "slots": "6", "invite": "6",
        "buyers": "acheteur;besoin\nVille A;tonte\nVille B;nettoyage",
    }  # fmt: skip
    for name, data in {
        "meeting": day,
        "meeting-xlsx": {**day, "shape": "xlsx"},
        "meeting-ics": {**day, "shape": "ics"},
        "meeting-bad": {**day, "buyers": "rien"},
    }.items():
        page(name, "POST", "/territoire/rencontre", data=data)
    ledger = (s.r.product.scratch / "extra" / "ledger.csv").read_bytes()
    page("report", "POST", "/territoire/rapport", files={"book": ("livre.csv", ledger)}, data={"year": "2025"})
    page("report-xlsx", "POST", "/territoire/rapport", files={"book": ("livre.csv", ledger)}, data={"shape": "xlsx"})
    page("report-none", "POST", "/territoire/rapport", data={"buyer": ""})
    s.client.cookies.clear()


def _buyer(s: Site, page: Callable[..., httpx.Response], csrf: Callable[..., str]) -> None:
    token = csrf()
    need = {"need": "taille de haies à Pantin", "csrf": token, "label": "Haies"}
    page("keep-no-csrf", "POST", "/acheteur/fiches", data={"need": "pain"})
    page("keep-other-site", "POST", "/acheteur/fiches", data=need, headers={"origin": "https://elsewhere.example"})
    made = page("keep", "POST", "/acheteur/fiches", data=need)
    at = made.headers.get("location", "/acheteur/fiches/none").split("#")[0].split("?")[0]
    s.r.normal.learn(at.rsplit("/", 1)[1], "<record>")
    shown = page("record", "GET", at)
    sirets = re.findall(r'name="sirets" value="(\d+)"', shown.text)
    page("records", "GET", "/acheteur/fiches")
    page("record-contact-none", "POST", f"{at}/contacter", data={"message": "Bonjour, faites-vous cela ?", "csrf": token})
    page("record-contact", "POST", f"{at}/contacter", data={"sirets": sirets[:2], "message": "Bonjour, faites-vous cela ?", "csrf": token})
    page("record-answer", "POST", f"{at}/reponse", data={"siret": (sirets or [SIRET])[0], "text": "=1+1", "csrf": token})
    page("record-answer-empty", "POST", f"{at}/reponse", data={"siret": SIRET, "text": " ", "csrf": token})
    page("record-after", "GET", f"{at}?tout=oui")
    page("record-replay", "GET", f"{at}?rejouer=oui")
    for shape in ("csv", "xlsx", "json", "pdf"):
        page(f"record-export-{shape}", "GET", f"{at}/export.{shape}")
    page("sign-in-bad", "POST", "/connexion", data={"key": "mlg_nothing_nothing", "csrf": token})
    page("sign-in-buyer", "POST", "/connexion", data={"key": s.keys["buyer"], "csrf": token})
    page("buyer-records", "GET", "/acheteur/fiches")
    token = csrf("/acheteur/fiches")
    made = page("buyer-keep", "POST", "/acheteur/fiches", data={"need": "nettoyage de bureaux à Montreuil", "csrf": csrf("/")})
    at = made.headers.get("location", "/acheteur/fiches/none").split("#")[0].split("?")[0]
    s.r.normal.learn(at.rsplit("/", 1)[1], "<record>")
    sirets = re.findall(r'name="sirets" value="(\d+)"', s.client.get(at, headers={"accept": "text/html"}).text)
    page(
        "buyer-send",
        "POST",
        f"{at}/contacter",
        data={"sirets": sirets[:2], "message": "Bonjour, faites-vous cela ?", "reply_to": "achats@example.org", "csrf": csrf(at)},
    )
    page("buyer-record", "GET", at)
    page("operator-forbidden", "POST", "/exploitant/demandes/x", data={"verdict": "oui", "csrf": csrf("/")})
    page("sign-out", "POST", "/deconnexion", data={"csrf": csrf("/")})
    s.client.cookies.clear()


def _mails(s: Site, page: Callable[..., httpx.Response]) -> None:
    """Links of the digests of the night and of the buyers' questions."""
    held = [pretty(path.read_bytes(), "eml") for path in sorted(s.r.product.scratch.rglob("*.eml"))]
    mails = sorted({found for text in held for found in re.findall(r"/m/[\w.:%-]+/[\w.-]+", text)})
    questions = sorted({found for text in held for found in re.findall(r"/q/[\w.-]+/\d{14}/[\w.-]+", text)})
    s.r.keep("page/mail-links", f"{len(mails)} links of digests, {len(questions)} links of questions")
    for number, at in enumerate(mails[:2], 1):
        page(f"mail-{number}", "GET", at)
        page(f"mail-{number}-unsubscribe-get", "GET", f"{at}/unsubscribe")
        page(f"mail-{number}-interested", "POST", at, data={"item": "1", "verb": "interested"})
        page(f"mail-{number}-declined", "POST", at, data={"item": "1", "verb": "declined", "reason": "too-far"})
        page(f"mail-{number}-bad", "POST", at, data={"item": "1", "verb": "perhaps"})
        page(f"mail-{number}-unsubscribe", "POST", f"{at}/unsubscribe")
    for at in sorted(questions, key=lambda q: q.split("/")[3])[:1]:
        page("question", "GET", at)
        page("question-reply", "POST", at, data={"interest": "oui", "text": "Oui, en mars"})
        page("question-empty", "POST", at, data={"interest": "", "text": ""})
        page("question-stop", "POST", f"{at}/stop")


def _owner(s: Site, page: Callable[..., httpx.Response], csrf: Callable[..., str]) -> None:
    """A structure claims its account, the operator approves, the structure edits itself."""
    siret = "00010024800012"
    at = f"/structure/{siret}"
    asking = {"name": "Aline Petit", "role": "directrice", "address": "aline@allees.example"}
    page("claim", "POST", f"{at}/revendiquer", data={**asking, "csrf": csrf(at)})
    page("refuse-403", "POST", f"{at}/ecarter", data={"notice_id": "26-130702", "lot_id": "x", "csrf": csrf(at)})
    page("sign-in-operator", "POST", "/connexion", data={"key": s.keys["operator"], "csrf": csrf()})
    desk = page("operator-desk", "GET", "/exploitant").text
    wanted = (re.findall(r'action="(/exploitant/demandes/[^"]+)"', desk) or ["/exploitant/demandes/none"])[0]
    approved = page("operator-approves", "POST", wanted, data={"verdict": "oui", "csrf": csrf("/exploitant")})
    link = (re.findall(r"/revendication/[\w-]+", approved.text) or ["/revendication/none"])[0]
    page("operator-approves-again", "POST", wanted, data={"verdict": "oui", "csrf": csrf("/exploitant")})
    s.client.cookies.clear()
    page("account-link", "GET", link)
    opened = s.client.post(link, data={"csrf": csrf(link)}, headers={"accept": "text/html"})
    key = re.search(r"mlg_[0-9a-f]+_[\w-]+", opened.text)
    s.r.normal.learn(key[0] if key else "no key was shown", "<key>")
    s.write("page/account-opened", "POST", link, opened)
    mine = page("mine", "GET", at).text
    pairs = re.findall(r'name="notice_id" value="([^"]+)">\s*<input type="hidden" name="lot_id" value="([^"]+)"', mine)
    notice, lot = pairs[0] if pairs else ("26-130702", "26-130702/1")
    token = csrf(at)
    text = "Nous reprenons le matériel informatique réformé, effaçons les disques et vendons des ordinateurs reconditionnés."
    for name, path, data in (
        ("decline", "ecarter", {"notice_id": notice, "lot_id": lot, "motif": "trade"}), ("brochure", "brochure", {"text": text}), ("brochure-empty", "brochure", {}),
        ("offers", "offres", {"title": "Reprise d'imprimantes", "text": "collecte et tri"}), ("offers-none", "offres", {}), ("card", "fiche", {"description": "Atelier", "phone": "01 99 00 22 22", "radius": "40"}),
        ("card-bad", "fiche", {"email": "no"}), ("card-number", "fiche", {"turnover": "beaucoup"}), ("trade-no", "metier", {"skill": "trade:nettoyage", "verdict": "non"}),
        ("trade-yes", "metier", {"skill": "trade:nettoyage", "verdict": "oui"}), ("alerts", "alertes", {"frequency": "off"}), ("alerts-bad", "alertes", {"address": "no"}),
        ("exchange", "bourse", {"notice_id": "26-130702", "brings": "tri", "seeks": "transport", "contact": "a@example.org"}),
    ):  # fmt: skip
        page(f"mine-{name}", "POST", f"{at}/{path}", data={**data, "csrf": token})
    page("mine-after", "GET", at)
    page("mine-done", "GET", f"{at}?fait=fiche")
    page("mine-other", "POST", f"/structure/{OTHER}/fiche", data={"description": "x", "csrf": token})
    s.client.cookies.clear()


def record_limits(s: Site) -> None:
    """Too many requests of one caller: 429 with the wait."""
    answer = None
    for _ in range(1000):
        answer = s.client.get("/static/mark.svg", headers={"X-API-Key": "flood"})
        if answer.status_code == 429:
            break
    assert answer is not None
    body = re.sub(r"in \d+ s", "in <n> s", pretty(answer.content, "json"))
    s.write("api/429", "GET", "/static/mark.svg", answer, body)


# fmt: on
# ------------------------------------------------------------------------------------------------------ timings

MATCH = ["match", "data/sample", "-n", "5", "--format", "jsonl", "--groups", "0"]
NIGHTLY = ["batch", "data/sample", "--dry-run", "--at", NIGHT, "--format", "jsonl"]


def timings(product: Product, rounds: int) -> dict[str, dict[str, float]]:
    """The least of some rounds, of a warm interpreter: seconds of the processor, which others' load stretches least."""
    out = {}
    for name, argv in (("match", MATCH), ("night", NIGHTLY)):
        env: dict[str, str | None] = {"MATCHER_STORE": f"sqlite:///{product.scratch / 'timings.sqlite'}"}
        told = [product.run(argv, env) for _ in range(rounds)]
        out[name] = {key: round(min(t[key] for t in told), 4) for key in ("cpu", "wall")}
    return out


def served(s: Site, times: int = 25) -> dict[str, float]:
    """Milliseconds of one match over HTTP, the server warm."""
    body = {"need": "Tonte et taille de haies pour trois écoles", "place": "Pantin", "n": 5}
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        s.client.post("/v1/match", json=body)
        taken.append(1000 * (time.perf_counter() - begun))
    return {"median_ms": round(statistics.median(taken), 2), "least_ms": round(min(taken), 2)}


PARTS = ("help", "sample", "night", "shared", "site")


def record(out: Path, clone: Path, parts: Sequence[str] = PARTS) -> int:
    """Record these parts into a folder, beside those that it holds of earlier calls."""
    begun = time.monotonic()
    if out.exists() and not (out / "about.json").is_file() and any(out.iterdir()):
        raise SystemExit(f"{out} is not empty and holds no recording: give another folder")
    out.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix="answers-")).resolve()
    product = Product(clone, scratch)
    extras(scratch)
    r = Recorder(product, out)
    measured: dict[str, Any] = {}
    try:
        _prepare(r, "sample" in parts)
        if "help" in parts:
            record_help(r)
        if "sample" in parts:
            script(r, "readme", README)
            script(r, "sample", SAMPLE)
            record_sync(r)
        if "night" in parts:
            script(r, "night", NIGHTS, store_at(scratch, "night2"))
            script(r, "night", RESTORED, store_at(scratch, "restored"))
            script(r, "night", HELD, store_at(scratch, "held"))
        if "shared" in parts:
            record_shared(r)
        if "site" in parts:
            measured = record_site(r)
    finally:
        product.close()
        shutil.rmtree(scratch, ignore_errors=True)
    _about(out, clone, r, measured)
    print(f"{len(r.items)} items in {out}, {time.monotonic() - begun:.0f} s")
    return 0


def store_at(scratch: Path, name: str) -> dict[str, str | None]:
    """The environment of a store of its own."""
    return {"MATCHER_STORE": f"sqlite:///{scratch / name}.sqlite"}


def _prepare(r: Recorder, kept: bool) -> None:
    """The catalogue of the sample, and the interpreter that is forked."""
    if kept:
        r.command("readme/index", "index", "data/sample")
    else:
        r.product.run(["index", "data/sample"])
    r.product.warm(*WARM)


def record_site(r: Recorder) -> dict[str, Any]:
    """Keys and exchange, the API, the pages; returns the timings."""
    product, store = r.product, store_at(r.product.scratch, "night")
    product.run(["facilitators", "import", "extra/facilitateurs.csv"])
    night = ["batch", "data/sample", "--at", NIGHT, "--rules", "extra/rules.json", "--outbox", "out/served"]
    product.run(night, store)
    keys = record_keys(r)
    measured: dict[str, Any] = timings(product, 2)
    site = Site(r, keys)
    try:
        record_api(site)
        measured["served"] = served(site)
        record_pages(site)
        record_limits(site)
    finally:
        site.close()
    return measured


def _about(out: Path, clone: Path, r: Recorder, measured: dict[str, Any]) -> None:
    """What was recorded, when and of what, added to what earlier calls wrote."""
    held = json.loads(path.read_text(encoding="utf-8")) if (path := out / "timings.json").is_file() else {}
    commands = {**held.get("commands", {}), **{name: facts for name, facts in r.items.items() if facts}}
    path.write_text(json.dumps({**held, **measured, "commands": commands}, indent=1), encoding="utf-8")
    count = sum(1 for _ in out.rglob("*.txt"))
    about = {
        "on": f"{datetime.now(UTC):%Y-%m-%d}",
        "commit": _commit(clone),
        "shared": r.product.shared is not None,
        "items": count,
    }
    (out / "about.json").write_text(json.dumps(about, indent=1), encoding="utf-8")


def _commit(clone: Path) -> str:
    told = subprocess.run(
        ["git", "-C", str(clone), "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    return told.stdout.strip()


# --------------------------------------------------------------------------------------------------- comparison

_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?(?![\w])")


def same(one: str, two: str) -> bool:
    """Equal but for numbers with a decimal point, which may differ by a millionth."""
    if one == two:
        return True
    if _NUMBER.sub("#", one) != _NUMBER.sub("#", two):
        return False
    return all(_close(a, b) for a, b in zip(_NUMBER.findall(one), _NUMBER.findall(two), strict=True))


def _close(a: str, b: str) -> bool:
    if a == b:
        return True
    if not any("." in x or "e" in x.lower() for x in (a, b)):
        return False
    return math.isclose(float(a), float(b), rel_tol=TOLERANCE, abs_tol=TOLERANCE)


def difference(one: str, two: str, most: int) -> list[str]:
    """The first lines of a unified diff, without the lines that differ by rounding alone."""
    left, right = one.splitlines(), two.splitlines()
    if len(left) == len(right):
        right = [a if same(a, b) else b for a, b in zip(left, right, strict=True)]
    lines = list(difflib.unified_diff(left, right, "before", "after", lineterm="", n=1))[2:]
    shown = [line if len(line) < 220 else line[:217] + "..." for line in lines[:most]]
    return shown + ([f"... and {len(lines) - most} more lines"] if len(lines) > most else [])


def allowances(path: Path | None) -> dict[str, str]:
    """Item name (or a pattern with *) -> why it may differ, one a line: `NAME  REASON`."""
    found: dict[str, str] = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path else ():
        if line.strip() and not line.lstrip().startswith("#"):
            name, _, reason = line.strip().partition(" ")
            if not reason.strip():
                raise SystemExit(f"{path}: {name} is allowed without a reason")
            found[name] = reason.strip().lstrip("# ")
    return found


def compare(before: Path, after: Path, allow: Path | None, most: int, table: Path | None) -> int:
    """Print what differs; 1 where something differs that is not allowed."""
    sides = [{str(p.relative_to(d))[:-4]: p for p in d.rglob("*.txt")} for d in (before, after)]
    abouts = [json.loads((d / "about.json").read_text(encoding="utf-8")) for d in (before, after)]
    if abouts[0]["on"] != abouts[1]["on"]:
        print(f"! recorded on different days, {abouts[0]['on']} and {abouts[1]['on']}: deadlines differ")
    allowed = allowances(allow)
    used: set[str] = set()
    equal, excused, wrong = [], [], []
    for name in sorted(sides[0].keys() | sides[1].keys()):
        paths = [side.get(name) for side in sides]
        if all(paths):
            texts = [path.read_text(encoding="utf-8") for path in paths if path]
            if same(*texts):
                equal.append(name)
                continue
            told = difference(*texts, most)
        else:
            told = [f"only {'before' if paths[0] else 'after'}"]
        pattern = next((p for p in allowed if fnmatch.fnmatchcase(name, p)), None)
        (wrong if pattern is None else excused).append(name)
        used |= {pattern} if pattern else set()
        print(
            f"\n{'DIFFERS' if pattern is None else 'allowed'} {name}"
            + (f"  ({allowed[pattern]})" if pattern else "")
        )
        print("\n".join(f"    {line}" for line in told))
    print(f"\n{len(equal)} equal, {len(excused)} allowed, {len(wrong)} differ")
    for pattern in allowed.keys() - used:
        print(f"! allowed but equal or absent: {pattern}")
    _ratios(before, after)
    if table:
        with table.open("w", newline="", encoding="utf-8") as sink:
            rows = csv.writer(sink)
            rows.writerows(
                [n, s]
                for s, names in (("equal", equal), ("allowed", excused), ("differs", wrong))
                for n in names
            )
    return int(bool(wrong))


def _ratios(before: Path, after: Path) -> None:
    told = [json.loads((d / "timings.json").read_text(encoding="utf-8")) for d in (before, after)]
    for name, key in (("match", "cpu"), ("night", "cpu"), ("served", "least_ms")):
        old, new = (t.get(name, {}).get(key) for t in told)
        if old and new:
            print(f"{name}: {old:g} then {new:g} ({key}), ratio {new / old:.2f}")


def ratio(clones: Sequence[Path], rounds: int) -> int:
    """One match and one night of two clones, in turns in one run."""
    scratch = Path(tempfile.mkdtemp(prefix="answers-")).resolve()
    products = [Product(clone, scratch / str(i)) for i, clone in enumerate(clones)]
    try:
        for product in products:
            product.run(["index", "data/sample"])
            product.warm(*WARM)
        told = [[timings(product, 1) for product in products] for _ in range(rounds)]
    finally:
        for product in products:
            product.close()
        shutil.rmtree(scratch, ignore_errors=True)
    for name in ("match", "night"):
        old, new = ([turn[i][name]["cpu"] for turn in told] for i in (0, 1))
        pairs = sorted(b / a for a, b in zip(old, new, strict=True))
        print(f"{name}: {min(old):.3f} s then {min(new):.3f} s of the processor, ratio of the least {min(new) / min(old):.3f}, "
              f"median of {rounds} turns {statistics.median(pairs):.3f}")  # fmt: skip
    return 0


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    here = Path(__file__).resolve().parents[2]
    recording = verbs.add_parser("record", help="record what a clone answers")
    recording.add_argument("--out", type=Path, required=True)
    recording.add_argument(
        "--product", type=Path, default=here, help="the clone to drive; that of this script by default"
    )
    recording.add_argument(
        "--parts", default=",".join(PARTS), help=f"some of {', '.join(PARTS)}; may be added call by call"
    )
    comparing = verbs.add_parser("compare", help="compare two recordings")
    comparing.add_argument("before", type=Path)
    comparing.add_argument("after", type=Path)
    comparing.add_argument(
        "--allow", type=Path, help="item names (or patterns) that may differ, each with its reason"
    )
    comparing.add_argument("--lines", type=int, default=14, help="lines of each difference that are shown")
    comparing.add_argument("--table", type=Path, help="also write every item and its state as CSV")
    turns = verbs.add_parser("ratio", help="seconds of one match and one night of two clones, in turns")
    turns.add_argument("clones", type=Path, nargs=2)
    turns.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    if given.verb == "record":
        parts = given.parts.split(",")
        if set(parts) - set(PARTS):
            parser.error(f"--parts knows {', '.join(PARTS)}")
        return record(given.out, given.product, parts)
    if given.verb == "compare":
        return compare(given.before, given.after, given.allow, given.lines, given.table)
    return ratio(given.clones, given.rounds)


if __name__ == "__main__":
    sys.exit(main())
