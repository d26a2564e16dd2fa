"""The server's connections: closed when no head arrives, few of one network, errors with headers."""

import asyncio
import socket
from collections import Counter
from http import HTTPStatus
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from matcher.domain import BadInput
from service.limits import HEADERS, LOCAL, address_of

HEAD_BYTES = 65_536  # of the head of a request
MOST_OF_ONE = 128  # connections of one network; a proxy on this machine has as many as it wants
#: What every server of ours is run with.
SERVER: dict[str, Any] = {"access_log": False, "log_level": "warning", "server_header": False}
SERVER |= {"limit_concurrency": 1_000, "timeout_keep_alive": 10, "timeout_graceful_shutdown": 20}
SERVER["http"] = "service.connections:Connection"
HEAD_SECONDS = 10.0  # for the head of a request to arrive, and for an idle connection to ask


class Connection(HttpToolsProtocol):
    """A connection that is closed when no complete head arrives in time (uvicorn itself has no timeout)."""

    _open: ClassVar[Counter[str]] = Counter()  # connections, by network

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._head_timer: asyncio.TimerHandle | None = self.loop.call_later(HEAD_SECONDS, self._cut)
        self._head_bytes = 0
        self._network = address_of({"client": self.client})
        self._open[self._network] += 1
        if self._open[self._network] > MOST_OF_ONE and self._network not in LOCAL and self.client:
            self.transport.close()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._head_timer is not None:  # a head, or a part of one, that is not whole yet
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES and not self.transport.is_closing():
                self._refuse(431, b"the head of the request is too long")

    def _cut(self) -> None:
        self._head_timer = None
        self.transport.close()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_SECONDS, self._cut)

    def on_headers_complete(self) -> None:
        self._stop_timer()
        self._head_bytes = 0
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        self._open[self._network] -= 1
        if not self._open[self._network]:
            del self._open[self._network]
        super().connection_lost(exc)

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def send_400_response(self, msg: str) -> None:
        self._refuse(400, msg.encode("ascii", "replace"))

    def _refuse(self, status: int, body: bytes) -> None:
        """The answer to what is no request, with the headers of every other answer."""
        own = f"content-type: text/plain; charset=utf-8\r\ncontent-length: {len(body)}\r\ncache-control: no-store"
        others = "".join(f"{name.lower()}: {value}\r\n" for name, value in HEADERS.items())
        head = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n{own}\r\n{others}connection: close\r\n\r\n"
        self.transport.write(head.encode() + body)
        self.transport.close()


def free_port(host: str, port: int) -> int:
    """The port, one that is free for 0.  Raises BadInput where the port cannot be listened on, before anything says that it is served."""
    try:
        family, kind, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            return int(probe.getsockname()[1])
    except OSError as error:
        raise BadInput(
            f"cannot listen on {host}:{port} ({error.strerror}): give another with --host or --port (0 picks a free one)"
        ) from None
