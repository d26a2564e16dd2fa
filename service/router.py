"""Routes: HEAD wherever there is GET."""

from fastapi import APIRouter
from starlette.types import ASGIApp, Message, Receive, Scope, Send

Router = APIRouter  # of the API or of the pages, to be included by an application


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
