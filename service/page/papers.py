"""What the public may ask of the service: how it ranks, its accessibility, what it keeps."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from service.page import render

router = APIRouter()


@router.get("/a-propos")
def about(request: Request) -> Response:
    return render.page(request, "about.html")
