"""The encoding of bytes, guessed and decoded."""

from __future__ import annotations

import codecs
import io
from typing import BinaryIO


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
