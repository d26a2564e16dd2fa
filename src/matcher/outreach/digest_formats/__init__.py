"""Forms of a digest: the same content as mail text, page, table, feed or calendar.  The file name is the key.

To add one, write a file with `MEDIA` (its media type), `SUFFIX`, and `render(content) -> bytes`, where `content`
is what `matcher.outreach.digests` composed (plain JSON).  Texts come from notices: each form makes them inert itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class Form(Protocol):
    """One way to write a digest."""

    MEDIA: str
    SUFFIX: str

    def render(self, content: Mapping[str, Any]) -> bytes:
        """The digest in this form, UTF-8 where it is text."""
