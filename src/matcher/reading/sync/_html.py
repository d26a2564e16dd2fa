"""Lines, links and robots directives of a web page, in one linear pass.

No tree is built: hostile pages can hang tree builders (one tag with sixty thousand attributes takes a minute).
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from matcher.reference.text import clean, shorten

LINES, LINE, LINKS = 400, 1_000, 1_000  # lines kept of a page, characters of one, links looked at
#: Elements whose text says nothing of what a structure does, and those whose content is no text at all.
ASIDE = frozenset(
    ("nav", "footer", "aside", "form", "select", "button", "svg", "iframe", "noscript", "template")
)
RAW = frozenset(("script", "style", "textarea", "xmp", "title"))
MARKED = {**dict.fromkeys(("h1", "h2", "h3", "h4", "h5"), "# "), **dict.fromkeys(("li", "dt", "dd"), "• ")}
INLINE = frozenset(
    ("a", "b", "i", "em", "strong", "span", "small", "font", "u", "abbr", "sup", "sub", "mark", "q", "cite", "time", "wbr")
)  # fmt: skip
_NAME = re.compile(r"/?([a-zA-Z][a-zA-Z0-9-]{0,20})")
_ATTRIBUTE = re.compile(r"([a-zA-Z-]{1,20})\s{0,5}=\s{0,5}(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))")
MOST_TOKENS = 20_000  # tags and texts read of a page
ATTRIBUTES = 3_000  # characters of a tag in which attributes are looked for


@dataclass
class Document:
    """What a page holds: title, lines (headings marked "# ", items "• "), links as (address, words), robots directives."""

    title: str = ""
    lines: dict[str, None] = field(default_factory=dict)
    links: list[tuple[str, str]] = field(default_factory=list)
    directives: list[tuple[str, str]] = field(default_factory=list)


def read(text: str) -> Document:
    """A page read from its first to its last tag; what is not well formed is read as far as it goes."""
    reader = _Reader()
    for kind, value in islice(_tokens(text), MOST_TOKENS):
        if kind == "text":
            reader.text(value)
        elif kind == "raw":
            reader.raw(value)
        else:
            reader.tag(kind, value)
        if len(reader.found.lines) >= LINES and len(reader.found.links) >= LINKS:
            break
    reader.flush()
    return reader.found


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    """("text", words), ("raw", a title), or (the name of a tag, with "/" where it closes; its attributes)."""
    place = 0
    while (begin := text.find("<", place)) >= 0:
        if begin > place:
            yield "text", text[place:begin]
        if text.startswith("<!--", begin):
            end, skip = text.find("-->", begin + 4), 3
        else:
            end, skip = text.find(">", begin + 1), 1
        if end < 0:
            return
        name = _NAME.match(text, begin + 1, end)
        place = end + skip
        if name is None:
            if text[begin + 1 : begin + 2] not in ("!", "?", "/"):
                yield "text", text[begin:place]  # "3 < 4"
            continue
        word = name.group().lower()
        yield word, text[name.end() : min(end, name.end() + ATTRIBUTES)]
        if word in RAW:
            close = re.compile(f"</{word}", re.I).search(text, place)
            if close is None:
                return
            if word == "title":
                yield "raw", text[place : close.start()]
            place = close.start()
    yield "text", text[place:]


class _Reader:
    def __init__(self) -> None:
        self.found = Document()
        self._aside: list[str] = []
        self._pieces: list[str] = []
        self._length = 0
        self._mark = ""
        self._link: tuple[str, list[str]] | None = None

    def text(self, piece: str) -> None:
        piece = html.unescape(piece[: 4 * LINE])
        if self._link is not None and len(self._link[1]) < 20:
            self._link[1].append(piece[:200])
        if not self._aside and self._length <= 4 * LINE:
            self._pieces.append(piece)
            self._length += len(piece)

    def raw(self, piece: str) -> None:
        if not self.found.title:
            self.found.title = shorten(clean(piece, LINE), 200)

    def tag(self, name: str, rest: str) -> None:
        bare = name.lstrip("/")
        if bare == "a":
            self._anchor(name, rest)
        elif name == "meta":
            given = _attributes(rest)
            self.found.directives.append((given.get("name", "").lower(), given.get("content", "").lower()))
        if bare in INLINE:
            return
        self.flush()
        if name in MARKED:
            self._mark = MARKED[name]
        elif bare in MARKED:
            self._mark = ""
        if name in ("main", "h1", "body"):
            self._aside.clear()  # a menu that was never closed
        elif name in ASIDE and len(self._aside) < 200:
            self._aside.append(name)
        elif bare in self._aside:
            del self._aside[len(self._aside) - 1 - self._aside[::-1].index(bare) :]

    def _anchor(self, name: str, rest: str) -> None:
        if self._link is not None and len(self.found.links) < LINKS:
            self.found.links.append((self._link[0], clean(" ".join(self._link[1]))[:200]))
        self._link = None
        if name == "a" and (address := _attributes(rest).get("href")):
            self._link = (address, [])

    def flush(self) -> None:
        line = clean(" ".join(self._pieces))[: 2 * LINE] if self._pieces else ""  # cut again once impersonal
        self._pieces, self._length = [], 0
        if len(line) > 2 and len(self.found.lines) < LINES:
            self.found.lines.setdefault(self._mark + line)


def _attributes(rest: str) -> dict[str, str]:
    found = _ATTRIBUTE.finditer(rest)
    return {m[1].lower(): html.unescape(next(filter(None, m.groups()[1:]), "")) for m in found}
