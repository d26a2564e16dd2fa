"""A real HTTP server on loopback that replays the publishers' shapes, with the failures one asks of it.

BOAMP and JOAFE (explore v2.1: records, exports), Le Marché's list (limit and offset) and pages, Les emplois' pages,
data.inclusion, the tabular API of data.gouv.fr, Recherche d'entreprises, and files with ranges.
All records are invented.  `faults` are taken one a request: ("status", 429, {"Retry-After": "1"}), ("cut", 40),
("truncate", 40), ("html",), ("shape",), or ("then", callable) that changes the data before an honest answer.
"""

import hashlib
import json
import re
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from serving import at_work


class Publisher:
    """What the server holds, and a log of what it was asked."""

    def __init__(self) -> None:
        self.notices: list[dict[str, Any]] = []
        self.structures: list[dict[str, Any]] = []
        self.details: dict[str, dict[str, Any]] = {}
        self.employers: list[dict[str, Any]] = []
        self.inclusion: dict[str, list[dict[str, Any]]] = {"structures": [], "services": []}
        self.announcements: list[dict[str, Any]] = []
        self.rows: list[dict[str, Any]] = []
        self.units: list[dict[str, Any]] = []
        self.files: dict[str, bytes] = {}
        self.ted: list[str] = []  # publication numbers, of every day
        self.faults: deque[tuple[Any, ...]] = deque()
        self.asked: list[tuple[str, dict[str, str], dict[str, str]]] = []
        self.token = ""
        self.url = ""
        self.register_reach = 10_000

    def publish(self, day: date, count: int) -> None:
        start = len(self.notices)
        dated = {"dateparution": day.isoformat()}
        numbers = range(start, start + count)
        self.notices += [{"idweb": f"{day:%y}-{i}", "objet": f"Essai {i}", **dated} for i in numbers]

    @property
    def paths(self) -> list[str]:
        return [path for path, _, _ in self.asked]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    publisher: Publisher

    def log_message(self, *_: Any) -> None:
        """Silence: the test's output is the test's."""

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.publisher.asked.append((parts.path, query, headers))
        fault = self.publisher.faults.popleft() if self.publisher.faults else ("none",)
        if fault[0] == "then":
            fault[1](self.publisher)
        if fault[0] == "status":
            self.answer(fault[1], b'{"error": "later"}', fault[2] if len(fault) > 2 else {})
        elif fault[0] == "html":
            self.answer(200, b"<html>Maintenance</html>", {"Content-Type": "text/html"})
        elif fault[0] == "shape":
            self.answer(200, b'{"items": [], "meta": {}}', {})
        elif self.publisher.token and headers.get("authorization") != f"Bearer {self.publisher.token}":
            self.answer(401, b'{"detail": "no"}', {})
        elif parts.path in self.publisher.files:
            self.file(self.publisher.files[parts.path], headers, fault)
        elif isinstance(found := self.page(parts.path, query), int):
            self.answer(found, b'{"error_code": "InvalidRESTParameterError"}', {})
        else:
            body = json.dumps(found).encode()
            self.file(body, {**headers, "range": ""}, fault, {"Content-Type": "application/json"})

    def do_POST(self) -> None:
        """TED's search, as its API v3 answers in August 2026: two notices a page, the next by its token."""
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.publisher.asked.append((self.path, asked, {}))
        start = int(asked.get("iterationNextToken") or 0)
        rows = self.publisher.ted[start : start + 2]
        more = str(start + 2) if start + 2 < len(self.publisher.ted) else None
        links = {number: {"xml": {"MUL": f"{self.publisher.url}/xml/{number}"}} for number in rows}
        notices = [{"publication-number": number, "links": links[number]} for number in rows]
        found = {"notices": notices, "totalNoticeCount": len(self.publisher.ted)}
        found |= {"iterationNextToken": more, "timedOut": False}
        self.answer(200, json.dumps(found).encode(), {"Content-Type": "application/json"})

    def page(self, path: str, query: dict[str, str]) -> Any:
        if path.startswith("/boamp/"):
            return self.boamp(path, query)
        if path == "/siae/":
            return self.offset(self.publisher.structures, query)
        if path.startswith("/siae/"):
            return self.publisher.details.get(path.strip("/").split("/")[-1], 404)
        if path == "/emplois/":
            asked = query.get("departement")
            rows = [row for row in self.publisher.employers if row["departement"] == asked]
            return self.sliced(rows, {**query, "page_size": "20"}, "page_size", "count") if asked else 400
        if path.startswith("/inclusion/"):
            return self.items(self.publisher.inclusion[path.rsplit("/", 1)[-1]], query)
        if path == "/joafe/":
            return self.journal(query)
        if path == "/rows/":
            return self.tabular(query)
        if path == "/search":
            return self.register(query)
        return 404

    def boamp(self, path: str, query: dict[str, str]) -> Any:
        days = re.findall(r"dateparution([<>]=)date'(\d{4}-\d{2}-\d{2})'", query.get("where", ""))
        low = next(day for sign, day in days if sign == ">=")
        high = next(day for sign, day in days if sign == "<=")
        found = [n for n in self.publisher.notices if low <= n["dateparution"] <= high]
        found.sort(key=lambda n: (n["dateparution"], n["idweb"]))
        if path.endswith("/exports/json"):
            return found
        limit, offset = int(query.get("limit", 10)), int(query.get("offset", 0))
        if limit > 100 or offset + limit > 10_000:
            return 400
        return {"total_count": len(found), "results": found[offset : offset + limit]}

    def offset(self, rows: list[dict[str, Any]], query: dict[str, str]) -> Any:
        """Django's LimitOffsetPagination: `page` and `page_size` mean nothing to it."""
        limit, offset = min(int(query.get("limit", 100)), 100), int(query.get("offset", 0))
        more = f"http://elsewhere.invalid/?offset={offset + limit}" if offset + limit < len(rows) else None
        return {"count": len(rows), "next": more, "previous": None, "results": rows[offset : offset + limit]}

    def items(self, rows: list[dict[str, Any]], query: dict[str, str]) -> Any:
        size, page = int(query["size"]), int(query["page"])
        found = rows[(page - 1) * size : page * size]
        counts = {"total": len(rows), "page": page, "size": len(found), "pages": -(-len(rows) // size)}
        return {"items": found, **counts}

    def journal(self, query: dict[str, str]) -> Any:
        asked = re.findall(r'"(W\d{9})"', query.get("where", ""))
        rows = [row for row in self.publisher.announcements if row["numero_rna"] in asked]
        limit, offset = int(query.get("limit", 10)), int(query.get("offset", 0))
        return 400 if limit > 100 else {"total_count": len(rows), "results": rows[offset : offset + limit]}

    def tabular(self, query: dict[str, str]) -> Any:
        size, page = int(query.get("page_size", 20)), int(query.get("page", 1))
        if size > 200:
            return 400
        rows = self.publisher.rows
        if code := query.get("acheteur_departement_code__exact"):
            rows = [row for row in rows if row["acheteur_departement_code"] == code]
        after = "n" if page * size < len(rows) else None
        links = {"profile": "p", "swagger": "s", "next": after, "prev": None}
        meta = {"page": page, "page_size": size, "total": len(rows)}
        return {"data": rows[(page - 1) * size : page * size], "links": links, "meta": meta}

    def sliced(self, rows: list[dict[str, Any]], query: dict[str, str], size: str, count: str) -> Any:
        per, number = int(query.get(size, 25)), int(query.get("page", 1))
        following = f"http://elsewhere.invalid/?page={number + 1}" if number * per < len(rows) else None
        return {count: len(rows), "next": following, "results": rows[(number - 1) * per : number * per]}

    def register(self, query: dict[str, str]) -> Any:
        names = {"siren": "q", "section": "section_activite_principale"}
        names |= {same: same for same in ("departement", "code_postal")}
        asked = {field: query[name] for field, name in names.items() if query.get(name)}
        rows = [row for row in self.publisher.units if asked.items() <= row.items()]
        per, number = int(query.get("per_page", 10)), int(query.get("page", 1))
        if per > 25 or per * number > self.publisher.register_reach:
            return 400
        page = self.sliced(rows, query, "per_page", "total_results")
        total = min(len(rows), self.publisher.register_reach)  # its count stops there
        return {**page, "total_results": total, "page": number, "per_page": per}

    def file(
        self, body: bytes, headers: dict[str, str], fault: tuple[Any, ...], more: dict[str, str] | None = None
    ) -> None:
        tag = f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'
        extra = {"ETag": tag, **(more or {})}
        span = re.match(r"bytes=(\d+)-", headers.get("range", ""))
        if headers.get("if-none-match") == tag:
            self.answer(304, b"", extra)
        elif span and headers.get("if-range") == tag:
            start = int(span.group(1))
            extra |= {"Content-Range": f"bytes {start}-{len(body) - 1}/{len(body)}"}
            self.answer(206, body[start:], extra, fault)
        else:
            self.answer(200, body, extra, fault)

    def answer(
        self, status: int, body: bytes, extra: dict[str, str], fault: tuple[Any, ...] = ("none",)
    ) -> None:
        self.send_response(status)
        for name, value in extra.items():
            self.send_header(name, value)
        if fault[0] == "truncate":
            body = body[: fault[1]]  # an honest length for a body cut short upstream
        if status != 304:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if fault[0] == "cut":
            body, self.close_connection = body[: fault[1]], True
        if status != 304:
            self.wfile.write(body)


@contextmanager
def serving() -> Iterator[Publisher]:
    """A publisher on a free port of loopback, until the block ends."""
    publisher = Publisher()
    handler = type("Handler", (_Handler,), {"publisher": publisher})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    publisher.url = f"http://127.0.0.1:{server.server_address[1]}"
    with at_work(server):
        yield publisher


def days(first: date, count: int) -> list[date]:
    """`count` days from the first on."""
    return [first + timedelta(days=n) for n in range(count)]
