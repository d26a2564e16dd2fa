"""A digest as an Atom feed (RFC 4287): one entry a lot; ids are stable, so readers show each once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matcher.outreach.digest_formats._words import facts, tags

MEDIA = "application/atom+xml"
SUFFIX = ".atom"
ATOM = "http://www.w3.org/2005/Atom"


def render(content: Mapping[str, Any]) -> bytes:
    from lxml import etree

    names: Any = {None: ATOM}  # the default namespace
    feed = etree.Element(f"{{{ATOM}}}feed", nsmap=names)

    def add(parent: Any, name: str, text: str = "", href: str = "") -> Any:
        node = etree.SubElement(parent, f"{{{ATOM}}}{name}", {"href": href} if href else None)
        if text:
            node.text = "".join(c for c in text if c.isprintable() or c in "\n\t")
        return node

    add(feed, "id", f"urn:maillage:digest:{content['addressee']}")
    add(feed, "title", f"Marchés pour {content['name'] or content['addressee']}")
    add(feed, "updated", content["made"])
    add(add(feed, "author"), "name", "Maillage")
    for item in content["items"]:
        entry = add(feed, "entry")
        add(entry, "id", f"urn:maillage:lot:{item['notice_id']}:{item['lot_id']}:{item['edition']}")
        add(entry, "title", _title(item))
        add(entry, "updated", content["made"])
        link = item["documents_url"] or item["url"]
        if link.startswith(("https://", "http://")):
            add(entry, "link", href=link)
        lines = [
            *tags(item),
            item["notice_title"],
            item["text"],
            *(f"{label} : {value}" for label, value in facts(item)),
            item["reservation"],
            item["clauses"],
            *item["conditions"],
            item["alone"],
            *item["reasons"],
        ]
        add(entry, "summary", "\n".join(line for line in lines if line))
    return bytes(etree.tostring(feed, xml_declaration=True, encoding="utf-8", pretty_print=True))


def _title(item: Mapping[str, Any]) -> str:
    """The lot, the notice that it is of, and the buyer: "Lot 2" alone tells a reader of feeds nothing."""
    names = dict.fromkeys((item["title"], item["notice_title"]))
    named = " – ".join(name for name in names if name)
    return f"{named} ({item['buyer']})" if item["buyer"] else named
