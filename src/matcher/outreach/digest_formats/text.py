"""A digest as the plain text of a mail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matcher.outreach.digest_formats._words import templates

MEDIA = "text/plain; charset=utf-8"
SUFFIX = ".txt"


def render(content: Mapping[str, Any]) -> bytes:
    name = "buyer.txt" if content["addressee"].startswith("buyer:") else "structure.txt"
    return str(templates().get_template(name).render(d=content)).encode()
