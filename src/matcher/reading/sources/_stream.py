"""The encoding of bytes, guessed and decoded; JSON sanitised for a strict streaming parser: no NaN, no raw control characters."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

import ijson


def encoding_of(head: bytes) -> str:
    """UTF-16 where the byte order mark or the zero bytes say so, else UTF-8 (cp1252 byte by byte where not)."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    sample = head[:2000]
    if len(sample) >= 20 and sample.count(0) > len(sample) // 4:
        return "utf-16-le" if sample[1:2] == b"\0" else "utf-16-be"
    return "utf-8-sig"


def decoded(stream: BinaryIO) -> io.TextIOWrapper:
    """The stream as text, line ends untouched; the wrapper must be detached, not closed, by its user."""
    stream.seek(0)
    head = stream.read(4096)
    stream.seek(0)
    encoding = encoding_of(head)
    errors = "matcher-cp1252" if encoding == "utf-8-sig" else "replace"
    return io.TextIOWrapper(stream, encoding=encoding, errors=errors, newline="")


#: Written by Python's json and by several publishers of awards, but not valid JSON.
_NOT_JSON = re.compile(r"(?<=[:\[,\s])-?(?:NaN|Infinity)(?=\s*[,}\]])")
_CONTROLS = dict.fromkeys(range(32), " ")
#: What the parser raises on invalid JSON.
BROKEN = (ijson.JSONError, UnicodeError, ValueError, OverflowError)
PIECE = 1 << 16
#: Brackets opened and not closed since the last record.  The parser keeps the whole path of each level, so
#: depth costs its square; a stray bracket in a text may count too, hence two bounds.
DEEP, DEEPEST = 500, 5_000


class Clean:
    """A readable stream of clean UTF-8 bytes over any stream of JSON text."""

    def __init__(self, stream: BinaryIO) -> None:
        self._text = decoded(stream)
        self._held = ""
        self._ready = b""
        self.depth = 0

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes, possibly fewer; b"" at the end."""
        while not self._ready:
            piece = self._text.read(PIECE)
            if not piece and not self._held:
                return b""
            opened = piece.count("[") + piece.count("{") - piece.count("]") - piece.count("}")
            self.depth = max(0, self.depth + opened)
            if (self.depth > DEEP and opened > DEEP // 2) or self.depth > DEEPEST:
                raise ValueError("nested too deep")
            text = self._held + piece.translate(_CONTROLS)
            # The last characters wait for the next chunk: a NaN may be cut in two.
            keep = 24 if piece else 0
            text, self._held = (text[:-keep], text[-keep:]) if keep else (text, "")
            if "N" in text or "I" in text:
                text = _NOT_JSON.sub("null", text)
            self._ready = text.encode("utf-8", errors="replace")
        size = len(self._ready) if size is None or size < 0 else size
        out, self._ready = self._ready[:size], self._ready[size:]
        return out

    def close(self) -> None:
        """Leave the underlying stream open."""
        self._text.detach()


def items(stream: BinaryIO, prefix: str) -> Iterator[Any]:
    """The values found at an ijson prefix ("marches.item").  Raises one of BROKEN where the JSON breaks."""
    clean = Clean(stream)
    try:
        for item in ijson.items(clean, prefix, use_float=True, buf_size=PIECE):
            clean.depth = 0
            yield item
    finally:
        clean.close()
