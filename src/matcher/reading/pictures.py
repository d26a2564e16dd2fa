"""Raster images made small; what came with them (formats with scripts, metadata, further frames) is left out.

Run in the reading process alone (`reading.confined.small_picture`): the decoders are given what strangers publish.
"""

from __future__ import annotations

import io
from typing import BinaryIO

from matcher import plugins
from matcher.domain import BadInput

FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
WIDTH, HEIGHT = 192, 96  # pixels that the small image fits into
LEAST = 16  # pixels of the longer side: less is a mark of a counter, no logo
MOST_PIXELS = 12_000_000
QUALITY = 88


def small(stream: BinaryIO) -> bytes:
    """The first frame as WebP, at most `WIDTH` x `HEIGHT` pixels.  Raises BadInput where it is no such image."""
    with plugins.optional("sites", "reading logos"):
        from PIL import Image, ImageOps
    try:
        found = Image.open(stream, formats=FORMATS)
    except Image.DecompressionBombError:
        raise BadInput("the image is too large") from None
    except (OSError, ValueError, SyntaxError):
        raise BadInput("no PNG, JPEG, GIF or WebP image") from None
    width, height = found.size
    if width * height > MOST_PIXELS:
        raise BadInput(f"an image of {width} x {height} pixels is too large")
    if max(width, height) < LEAST:
        raise BadInput(f"an image of {width} x {height} pixels is too small")
    try:
        image = ImageOps.exif_transpose(found).convert("RGBA")
    except (OSError, ValueError, SyntaxError, EOFError):
        raise BadInput("the image is damaged") from None
    if image.getchannel("A").getbbox() is None:
        raise BadInput("the image is transparent throughout")
    image.thumbnail((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
    made = io.BytesIO()
    image.save(made, "WEBP", quality=QUALITY, method=6)
    return made.getvalue()
