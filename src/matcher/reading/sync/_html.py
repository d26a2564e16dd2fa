"""Lines, links and robots directives of a web page."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from lxml import etree

from matcher.reference.text import clean, shorten

LINES, LINE, LINKS = 400, 1_000, 1_000  # lines kept of a page, characters of one, links looked at
#: Characters of a page that are read, and of a tag: libxml2 compares each attribute of a tag with all before it.
LONGEST, TAG = 1 << 20, 3_000
#: Elements whose text says nothing of what a structure does, and those whose content is no text at all.
ASIDE = frozenset("aside button footer form iframe nav noscript select svg template".split())
RAW = frozenset("script style textarea title xmp".split())
MARKED = {**dict.fromkeys(("h1", "h2", "h3", "h4", "h5"), "# "), **dict.fromkeys(("li", "dt", "dd"), "• ")}
INLINE = frozenset("a abbr b cite em font i mark q small span strong sub sup time u wbr".split())
_PARSER = etree.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True)
_LONG_TAG = re.compile(rf"(<[^<>]{{{TAG}}})[^<>]+")


@dataclass
class Document:
    """What a page holds: title, lines (headings marked "# ", items "• "), links as (address, words), robots directives."""

    title: str = ""
    lines: list[str] = field(default_factory=list)
    links: list[tuple[str, str]] = field(default_factory=list)
    directives: list[tuple[str, str]] = field(default_factory=list)


def read(text: str) -> Document:
    """A page; what is not well formed is read as far as it goes."""
    try:
        root = etree.fromstring(_LONG_TAG.sub(r"\1", text[:LONGEST]).encode("utf-8", "replace"), _PARSER)
    except etree.XMLSyntaxError:  # nothing that a page is made of
        root = None
    if root is None:
        return Document()
    title = shorten(clean(root.findtext(".//title") or "", LINE), 200)
    metas = ((meta.get("name", ""), meta.get("content", "")) for meta in root.iter("meta"))
    directives = [(name.lower(), content.lower()) for name, content in metas]
    links = [
        (a.get("href", ""), clean(" ".join(a.itertext()))[:200])
        for a in islice(root.iterfind(".//a[@href]"), LINKS)
    ]
    lines = list(islice(dict.fromkeys(_lines(root)), LINES))
    return Document(title, lines, links, directives)


def _lines(root: etree._Element) -> Iterator[str]:
    pieces: list[str] = []
    mark = ""
    walk = etree.iterwalk(root, events=("start", "end"))
    for event, element in walk:
        start, name = event == "start", element.tag
        if name not in INLINE:
            line = clean(" ".join(pieces), 4 * LINE)[: 2 * LINE]  # cut again once impersonal
            if len(line) > 2:
                yield mark + line
            pieces.clear()
            mark = MARKED.get(name, mark) if start else "" if name in MARKED else mark
        # a menu that was never closed, or a form around the whole page, holds its main part
        if start and (name in RAW or (name in ASIDE and next(element.iter("h1", "main"), None) is None)):
            walk.skip_subtree()
        else:
            pieces.append((element.text if start else element.tail) or "")
