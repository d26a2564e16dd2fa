"""A digest as the HTML of a mail: sober, readable without images, no outside host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matcher.outreach.digest_formats._words import templates

MEDIA = "text/html; charset=utf-8"
SUFFIX = ".html"


def render(content: Mapping[str, Any]) -> bytes:
    name = "buyer.html" if content["addressee"].startswith("buyer:") else "structure.html"
    return str(templates().get_template(name).render(d=content)).encode()
