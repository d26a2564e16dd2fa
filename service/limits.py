"""Limits and headers applied to every request."""

from __future__ import annotations

import hashlib
import time
from typing import Any

from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from limits import RateLimitItem, parse
from service.problems import Refused, problem
from service.settings import Settings

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
}


class Guard:
    """Body limit, rate limit and security headers, before the application sees a request."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app, self.settings = app, settings
        self.limit: RateLimitItem = parse(settings.rate)
        self.limiter = MovingWindowRateLimiter(MemoryStorage())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name for name, _ in message["headers"]}
                extra = dict(HEADERS)
                message["headers"] = [
                    *message["headers"],
                    *(
                        (k.lower().encode(), v.encode())
                        for k, v in extra.items()
                        if k.lower().encode() not in present
                    ),
                ]
            await send(message)

        headers = Headers(scope=scope)
        refusal = self._over(scope, headers)
        if refusal is not None:
            await refusal(scope, receive, answer)
            return
        await self._bounded(scope, receive, answer)

    def _over(self, scope: Scope, headers: Headers) -> Any:
        length = headers.get("content-length", "0")
        if length.isdecimal() and int(length) > self.settings.max_body:
            return problem(413, self._too_large(), headers={"Connection": "close"})
        token = headers.get("x-api-key") or headers.get("authorization") or ""
        client = scope.get("client") or ("", 0)
        caller = hashlib.sha256(token.encode()).hexdigest()[:16] if token else str(client[0])
        if not scope["path"].startswith("/v1/health") and not self.limiter.hit(self.limit, caller):
            wait = max(1, int(self.limiter.get_window_stats(self.limit, caller).reset_time - time.time()) + 1)
            return problem(
                429,
                f"more than {self.settings.rate}: try again in {wait} s",
                headers={"Retry-After": str(wait)},
            )
        return None

    def _too_large(self) -> str:
        return f"the body is over {self.settings.max_body // 1_000_000} MB: send the notice alone, without its annexes"

    async def _bounded(self, scope: Scope, receive: Receive, send: Send) -> None:
        taken, started = 0, False

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self.settings.max_body:
                raise Refused(413, self._too_large())
            return message

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, counted, watched)
        except Refused as error:
            if started:
                raise
            await problem(error.status, error.detail)(scope, receive, send)
