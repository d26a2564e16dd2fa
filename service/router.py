"""Routes: HEAD wherever there is GET; routers whose routes FastAPI analyses once, and not twice."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class _Later(APIRoute):
    """A route that keeps what it was declared with; anything more that is asked of it analyses it whole."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **declared: Any) -> None:
        self.path, self.endpoint = path, endpoint
        self.stream_item_type = None  # no declared option: found where the route is analysed
        self.__dict__.update({"form_limits": None, **declared})
        self._declared = declared

    def __getattr__(self, name: str) -> Any:
        if "_declared" not in self.__dict__ or name == "_declared":
            raise AttributeError(name)
        super().__init__(self.path, self.endpoint, **self.__dict__.pop("_declared"))
        return getattr(self, name)


class HeadAsGet:
    """HEAD wherever there is GET: the same status and headers, without the body."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return

        async def bare(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        await self.app({**scope, "method": "GET"}, receive, bare)


#: A router of the API or of the pages, to be included by an application.
Router = partial(APIRouter, route_class=_Later)
