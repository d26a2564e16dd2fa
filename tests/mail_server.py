"""A mail server on a free port of this machine: what it received, and how it answers an address."""

from __future__ import annotations

import email
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import policy
from typing import Any

import pytest


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


class MailServer:
    """`reply` answers each recipient; `received` holds the recipients and the message of each mail taken."""

    def __init__(self, reply: Callable[[str], str] = lambda address: "250 OK") -> None:
        self.reply, self.asked, self.port = reply, 0, free_port()
        self.received: list[tuple[list[str], Any]] = []
        self.url = f"smtp://127.0.0.1:{self.port}"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        self.asked += 1
        answer = self.reply(address)
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        mail = email.message_from_bytes(envelope.content, policy=policy.default)
        self.received.append((envelope.rcpt_tos, mail))
        return "250 OK"

    @contextmanager
    def running(self) -> Iterator[MailServer]:
        controllers = pytest.importorskip("aiosmtpd.controller", reason="pip install aiosmtpd")
        controller = controllers.Controller(self, hostname="127.0.0.1", port=self.port)
        controller.start()
        try:
            yield self
        finally:
            controller.stop()


@pytest.fixture
def smtp() -> Iterator[MailServer]:
    with MailServer().running() as server:
        yield server
