"""HTTP client for public data: BOAMP notices, DECP awards, Le Marché's structures, the register, the nomenclatures.

Pages are stored unchanged, for `matcher read`; an interrupted run resumes where it stopped, a second run requests
only what is new.  Addresses and tokens come from the environment (`ADDRESSES`, `TOKENS`).
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from matcher.domain import BadInput, MatcherError
from matcher.reference.paths import locked, write_whole
from matcher.reference.tables import lists

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")
Fields = Mapping[str, Any] | None

#: Where each list is published; MATCHER_BOAMP_URL and the like name another address.
ADDRESSES: dict[str, str] = lists("publishers.json")
#: Publishers that may ask for a token (MATCHER_SIAE_TOKEN and the like); it goes out as `Authorization: Bearer` to that
#: address alone.
TOKENS = {what: f"MATCHER_{what.upper()}_TOKEN" for what in ("siae", "boamp", "inclusion", "emplois")}
#: Seconds between two requests, for a publisher that states a lower rate than `INTERVAL` allows.
PACE = {"emplois": 5.0}  # twelve a minute

#: Transient statuses.
TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})
ATTEMPTS, TIMEOUT = 6, 60.0  # requests, seconds of one
FIRST_WAIT, LONGEST_WAIT = 1.0, 300.0  # seconds; the wait doubles, a Retry-After is obeyed up to the longest
INTERVAL = 0.2  # seconds between two requests to one publisher
pause = time.sleep
MAX_PAGE = 256 << 20  # bytes of one page
MAX_FILE = 20 << 30  # bytes of one file


class Unreachable(MatcherError):
    """The publisher did not answer, or not as expected; what was fetched is kept and the next run resumes."""


class Gone(Unreachable):
    """There is nothing at that address (404 or 410)."""


@dataclass
class Report:
    """What one run did: requests made, pages written, records in them, and what needed no fetching."""

    what: str
    folder: Path
    requests: int = 0
    pages: int = 0
    records: int = 0
    unchanged: int = 0
    notes: list[str] = field(default_factory=list)


# ------------------------------------------------------------------------------------------ the client


class Client:
    """Requests: retries with exponential backoff, Retry-After, one request at a time, a polite pace."""

    def __init__(self, token: str = "", interval: float = 0.0) -> None:
        import httpx

        from matcher.domain import __version__

        headers = {"User-Agent": f"maillage/{__version__} (matching public tenders; one request at a time)"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        self._http = httpx.Client(headers=headers, timeout=TIMEOUT, follow_redirects=True)
        self._interval, self._last = interval or INTERVAL, -1e9
        self.requests = 0

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def get(self, url: str) -> bytes:
        """The body of the answer.  Raises Unreachable or BadInput."""
        return self._patiently(url, lambda: self._answered(url)[1])

    def json(
        self, url: str, params: Fields = None, known: Fields = None, body: Fields = None
    ) -> tuple[Any, dict[str, str]]:
        """(the decoded object or list, its validators); the value is None when it has not changed.

        `known` holds the validators of a copy already kept; `body` is posted as JSON.  A body cut short without a sign is
        asked for again, like a broken connection.  Raises as `get`.
        """

        def decoded() -> tuple[Any, dict[str, str]]:
            answer, content = self._answered(url, params, known, body)
            validators = _validators(answer.headers)
            try:
                return None if answer.status_code == 304 else json.loads(content), validators
            except (ValueError, RecursionError):
                moved = f"the address may have changed; set {_variable(url)}"
                other = f"answered something other than JSON: {moved}"
                if "html" in answer.headers.get("content-type", ""):
                    raise Unreachable(f"{_shown(url)} {other}") from None
                raise _Transient(other) from None

        return self._patiently(url, decoded)

    def download(self, url: str, target: Path, known: Fields = None) -> dict[str, str] | None:
        """Fetch a large file to `target` in one step at the end; a broken download goes on where it stopped.

        Returns the validators of the new copy, or None when it has not changed.
        """
        part, mark = (target.with_suffix(target.suffix + end) for end in (".part", ".part.json"))
        size = 0

        def fetched() -> dict[str, str] | None:
            nonlocal size
            size, validators = _partial(part, mark)
            since = validators["etag"] or validators["last-modified"]
            headers = {"Range": f"bytes={size}-", "If-Range": since} if size else _conditions(known)
            with self._open(url, None, headers) as answer:
                if answer.status_code == 304:
                    return None
                if answer.status_code == 416:
                    part.unlink(missing_ok=True)  # the partial copy is longer than the file: start over
                    raise _Transient("answered 416")
                self._check(answer)
                validators = _validators(answer.headers)
                _write_json(mark, validators)
                with part.open("ab" if answer.status_code == 206 else "wb") as out:
                    for block in answer.iter_bytes(1 << 16):
                        out.write(block)
                        if out.tell() > MAX_FILE:
                            most = f"is over {MAX_FILE >> 30} GiB: is it the right address?"
                            raise BadInput(f"{_shown(url)} {most}")
            part.replace(target)
            mark.unlink(missing_ok=True)
            return validators

        return self._patiently(url, fetched, lambda: part.exists() and part.stat().st_size > size)

    def _answered(
        self, url: str, params: Fields = None, known: Fields = None, body: Fields = None
    ) -> tuple[httpx.Response, bytes]:
        with self._open(url, params, _conditions(known), body) as answer:
            self._check(answer)
            content = bytearray()
            for block in answer.iter_bytes():
                content += block
                if len(content) > MAX_PAGE:
                    size = f"{MAX_PAGE >> 20} MB for one page"
                    raise Unreachable(f"{_shown(url)} sent over {size}: its rules may have changed")
            return answer, bytes(content)

    def _patiently(
        self, url: str, attempt: Callable[[], T], advanced: Callable[[], bool] = lambda: False
    ) -> T:
        """What `attempt` returns, tried again until it has failed so many times without having `advanced`."""
        import httpx

        failures = 0
        while True:
            try:
                return attempt()
            except httpx.InvalidURL:
                remedy = "correct the variable of the environment"
                raise BadInput(f"{_shown(url)} is not a valid address: {remedy}") from None
            except (_Transient, httpx.TransportError) as error:
                failures = 1 if advanced() else failures + 1
                asked = error.wait if isinstance(error, _Transient) else None
                why = error if isinstance(error, _Transient) else f"broke off ({type(error).__name__})"
            if failures >= ATTEMPTS:
                again = "try again later; what was fetched is kept"
                raise Unreachable(f"{_shown(url)} {why}, {ATTEMPTS} times: {again}")
            pause(min(FIRST_WAIT * 2**failures, LONGEST_WAIT) if asked is None else asked)

    @contextmanager
    def _open(
        self, url: str, params: Fields, headers: dict[str, str], body: Fields = None
    ) -> Iterator[httpx.Response]:
        rest = self._last + self._interval - time.monotonic()
        if rest > 0:
            pause(rest)
        self._last = time.monotonic()
        self.requests += 1
        method = "GET" if body is None else "POST"
        with self._http.stream(method, url, params=params, headers=headers, json=body) as answer:
            yield answer

    def _check(self, answer: httpx.Response) -> None:
        status, where = answer.status_code, _shown(str(answer.url))
        if status in (200, 206, 304):
            return
        if status in TRANSIENT:
            raise _Transient(f"answered {status}", _retry_after(answer))
        if status in (401, 403):
            tokens = ", ".join(TOKENS.values())
            raise BadInput(f"{where} refused us ({status}): set the token in the environment ({tokens})")
        if status in (404, 410):
            moved = f"the address may have changed; set {_variable(where)}"
            raise Gone(f"{where} is not there ({status}): {moved}")
        raise Unreachable(f"{where} answered {status}: its rules may have changed; nothing fetched is lost")


class _Transient(Exception):
    """A transient failure; `wait` is how many seconds the publisher asks for, None where it does not say."""

    def __init__(self, why: str, wait: float | None = None) -> None:
        super().__init__(why)
        self.wait = wait


def _retry_after(answer: httpx.Response) -> float | None:
    """Retry-After in seconds, from a number or a date.  Raises Unreachable where it is too long."""
    header = answer.headers.get("retry-after", "").strip()
    try:
        seconds = float(header)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError):
            return None
    if seconds > LONGEST_WAIT:
        raise Unreachable(f"{_shown(str(answer.url))} asks to wait {seconds:.0f} s: run again after that")
    return max(seconds, 0.0)


def _conditions(known: Fields) -> dict[str, str]:
    pairs = {"etag": "If-None-Match", "last-modified": "If-Modified-Since"}
    return {header: known[name] for name, header in pairs.items() if known and known.get(name)}


def _validators(headers: Mapping[str, str]) -> dict[str, str]:
    """For the next conditional request: ETag and Last-Modified, as published."""
    return {name: headers.get(name, "") for name in ("etag", "last-modified")}


def _partial(part: Path, mark: Path) -> tuple[int, dict[str, str]]:
    """Bytes already fetched and the validators they came with; without validators the part is of no use."""
    validators = _validators(_read_json(mark) or {})
    if validators["etag"].startswith("W/"):  # a weak one promises no equal bytes
        validators["etag"] = ""
    return part.stat().st_size if part.exists() and any(validators.values()) else 0, validators


def _shown(url: str) -> str:
    """The URL without its query, which may contain a secret."""
    return url.split("?", 1)[0]


def _variable(url: str) -> str:
    """The environment variable of this address, for error messages."""
    names = (variable_of(what) for what in ADDRESSES if _shown(address_of(what)) in url)
    return next(names, "its MATCHER_..._URL")


def variable_of(what: str) -> str:
    """The variable of the environment that names another address."""
    return f"MATCHER_{what.upper().replace('-', '_')}_URL"


def address_of(what: str) -> str:
    """The address of a list, from the environment or as shipped; "" where there is none."""
    return os.environ.get(variable_of(what), "").strip() or ADDRESSES[what]


def address(what: str) -> str:
    """The address in force.  Raises BadInput when there is none or it is not http."""
    variable, url = variable_of(what), address_of(what)
    if not url:
        raise BadInput(f"no address is known for {what}: set {variable} to the list's address")
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc:
        raise BadInput(f"{variable} is no http address: write it whole, with https://")
    return url


def client_of(what: str) -> Client:
    """A client with the token of the environment, which goes to https or to this machine only."""
    token = os.environ.get(TOKENS.get(what, ""), "").strip()
    parts = urlsplit(address(what))
    if token and parts.scheme != "https" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        raise BadInput(f"{variable_of(what)} is not https: a token is not sent in clear")
    return Client(token, PACE.get(what, INTERVAL))


# --------------------------------------------------------------------------------------------- the state


def _write_json(path: Path, value: Any) -> None:
    write_whole(path, json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True).encode())


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None


@contextmanager
def _state(folder: Path) -> Iterator[dict[str, Any]]:
    """The state of a folder, alone: a second run at the same time is refused.  Saving is the caller's."""
    with ExitStack() as held:
        try:
            held.enter_context(locked(folder / ".lock"))
        except OSError:
            raise BadInput(f"another run is writing to {folder}: wait for it to end") from None
        state = _read_json(folder / "state.json")
        yield state if isinstance(state, dict) else {}


@dataclass
class Run:
    """One run into a folder, alone: its client, the state that it leaves there, and its report."""

    http: Client
    folder: Path
    state: dict[str, Any]
    report: Report

    def save(self) -> None:
        """Keep the state, from which the next run goes on."""
        _write_json(self.folder / "state.json", self.state)


@contextmanager
def run(what: str, folder: Path, publisher: str | None = None) -> Iterator[Run]:
    """A run into a folder, alone, asking `publisher` (`what`, if not given; "" for several that know no token)."""
    report, publisher = Report(what, folder), what if publisher is None else publisher
    with _state(folder) as state, client_of(publisher) if publisher else Client() as http:
        yield Run(http, folder, state, report)
        report.requests = http.requests


# ------------------------------------------------------------------- files that publishers replace


def file(work: Run, url: str, name: str, count: Callable[[Path], int], what: str) -> Path | None:
    """Fetch a file as `name` when it has changed; None where it has not.

    `count` gives its good records: with none, or fewer than four fifths of those held, the old file stands.
    """
    target, fetched = work.folder / name, work.folder / f".{name}.download"
    last = work.state.get(name, {})
    known = last if target.exists() and last.get("url") == url else {}
    validators = work.http.download(url, fetched, known)
    if validators is None:
        work.report.unchanged += 1
        return None
    records = count(fetched)
    before = int(last.get("records", 0))
    if not records or (target.exists() and records < 0.8 * before):
        fetched.unlink()
        raise Unreachable(
            f"{_shown(url)} holds {records} records"
            + (f" where {before} were held: those are kept" if before else "")
            + f"; its form may have changed; look at it, and set {variable_of(what)}"
        )
    fetched.replace(target)
    fetched_on = datetime.now(UTC).date().isoformat()
    work.state[name] = {**validators, "url": url, "records": records, "fetched": fetched_on}
    work.save()
    work.report.pages += 1
    work.report.records += records
    return target


def resource(http: Client, url: str, *marks: str) -> str:
    """The newest file of a data.gouv.fr dataset whose address holds one of the marks; `url` itself for a plain file."""
    if "/datasets/" not in url or "/datasets/r/" in url:
        return url
    found, _ = http.json(url)
    listed = found.get("resources") if isinstance(found, dict) else None
    rows = (row for row in listed or () if isinstance(row, dict))
    files = [row for row in rows if any(mark in str(row.get("url")) for mark in marks)]
    if not files:
        raise Unreachable(
            f"{_shown(url)} lists no file named {' or '.join(marks)}: the dataset may have moved"
        )
    newest = max(files, key=lambda row: str(row.get("last_modified") or ""))
    chosen = str(newest["url"])
    if not chosen.startswith(("https://", "http://")):
        raise BadInput(f"{_shown(url)} lists a file without an http address")
    return chosen
