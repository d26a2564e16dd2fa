"""The HTTP server's connections: closed when a request's head does not arrive, bounded in number, with security headers on their own errors."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from service.limits import HEADERS

HEAD_SECONDS = 10.0  # for the head of a request to arrive, and for an idle connection to ask


class Connection(HttpToolsProtocol):
    """A connection that is closed when no complete head arrives in time (uvicorn itself has no timeout)."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._head_timer: asyncio.TimerHandle | None = self.loop.call_later(HEAD_SECONDS, self._cut)

    def _cut(self) -> None:
        self._head_timer = None
        self.transport.close()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_SECONDS, self._cut)

    def on_headers_complete(self) -> None:
        self._stop_timer()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def send_400_response(self, msg: str) -> None:
        """The answer to invalid HTTP, with the headers of every other answer."""
        body = msg.encode("ascii", "replace")
        lines = [
            b"HTTP/1.1 400 Bad Request",
            b"content-type: text/plain; charset=utf-8",
            b"content-length: %d" % len(body),
        ]
        lines += [f"{k.lower()}: {v}".encode() for k, v in HEADERS.items()]
        lines += [b"cache-control: no-store", b"connection: close", b"", body]
        self.transport.write(b"\r\n".join(lines))
        self.transport.close()
