"""A web of invented sites on loopback: `Web` serves pages by host, `resolve` and `connect` stand for DNS and the network.

Hosts resolve to public addresses (of which none is contacted: every connection ends at the loopback server), except
where a test says otherwise.
"""

import gzip
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Any

import httpcore

from serving import at_work

PUBLIC = "93.184.216.34"
Answer = bytes | Callable[[socket.socket], None]


class Web:
    """Pages by (host, path), addresses by host, and a log of connections and requests."""

    def __init__(self) -> None:
        self.pages: dict[tuple[str, str], Answer] = {}
        self.addresses: dict[str, list[list[str]]] = {}  # successive answers of the resolver
        self.connected: list[str] = []
        self.asked: list[tuple[str, str]] = []
        self.port = 0
        self.default: Callable[[str, str], Answer] = lambda host, path: page("", status="404 Not Found")

    def resolve(self, host: str, port: int) -> list[str]:
        answers = self.addresses.get(host)
        if answers is None:
            try:  # an address in the place of a name, in any of the forms a resolver reads
                entries = socket.getaddrinfo(host, port, flags=socket.AI_NUMERICHOST)
                return sorted({str(entry[4][0]) for entry in entries})
            except OSError:
                return [PUBLIC]
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def connect(self, address: str, port: int, timeout: float) -> httpcore.NetworkStream:
        self.connected.append(address)
        return httpcore.SyncBackend().connect_tcp("127.0.0.1", self.port, timeout)

    def answer(self, link: socket.socket) -> None:
        with link, suppress(OSError):
            link.settimeout(10)
            head = b""
            while b"\r\n\r\n" not in head:
                block = link.recv(65536)
                if not block:
                    return
                head += block
            lines = head.decode("latin-1").split("\r\n")
            path = lines[0].split(" ")[1]
            host = next(line[6:].strip() for line in lines if line.lower().startswith("host:"))
            self.asked.append((host, path))
            found = self.pages.get((host, path)) or self.default(host, path)
            if callable(found):
                found(link)
            else:
                link.sendall(found)


def page(
    body: str | bytes, *headers: str, status: str = "200 OK", kind: str = "text/html; charset=utf-8"
) -> bytes:
    """A whole answer."""
    raw = body.encode() if isinstance(body, str) else body
    own = (f"Content-Type: {kind}", f"Content-Length: {len(raw)}", "Connection: close")
    lines = [f"HTTP/1.1 {status}", *own, *headers]
    return "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n" + raw


def moved(where: str) -> bytes:
    return page("", f"Location: {where}", status="302 Found")


def endless(block: bytes, total: int, *headers: str) -> Callable[[socket.socket], None]:
    """A body of `total` bytes, sent as long as somebody reads."""

    def send(link: socket.socket) -> None:
        head = ["HTTP/1.1 200 OK", "Content-Type: text/html", *headers, "Connection: close"]
        link.sendall("\r\n".join(head).encode() + b"\r\n\r\n")
        sent = 0
        while sent < total:
            link.sendall(block)
            sent += len(block)

    return send


def bomb(size: int) -> bytes:
    """A page that unpacks to `size` bytes."""
    return page(gzip.compress(b"<p>a</p>" * (size // 8)), "Content-Encoding: gzip")


def slow(pause: float) -> Callable[[socket.socket], None]:
    """A head that comes a byte at a time."""
    stop = threading.Event()

    def send(link: socket.socket) -> None:
        for byte in b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nX-Long: " + b"x" * 10_000:
            link.sendall(bytes([byte]))
            stop.wait(pause)

    return send


@contextmanager
def serving() -> Iterator[Web]:
    """The web, until the block ends."""
    web = Web()
    handler = type("Handler", (BaseRequestHandler,), {"handle": lambda self: web.answer(self.request)})
    server = ThreadingTCPServer(("127.0.0.1", 0), handler)
    server.daemon_threads, web.port = True, server.server_address[1]
    with at_work(server):
        yield web


def fetcher(web: Web, **options: Any) -> Any:
    """A fetcher of this web that does not wait between requests."""
    from matcher.reading.sync._guard import Fetcher

    given: dict[str, Any] = {"pause": 0.0, "resolve": web.resolve, "connect": web.connect, **options}
    return Fetcher(**given)
