"""Unlabelled facts from the first page of a consultation: object, buyer, place of work."""

from __future__ import annotations

import re

from matcher.domain import BadInput, Place
from matcher.reference import toponyms
from matcher.reference.text import clean

HEAD = 6_000  # characters of the first pages
_CONCERNS = re.compile(
    r"(?:consultation|march[ée]|accord[- ]cadre|contrat)\s+(?:a|ont)\s+pour\s+objet\s*:?\s*(.{8,300}?)(?:\.\s|\.$|\n\s*\n|;)"
    r"|(?:pr[ée]sente?|cette|ce)\s+(?:consultation|march[ée]|accord[- ]cadre)\s+(?:concerne|porte\s+sur|est\s+relatif?\s+[àa])\s*:?\s*(.{8,300}?)(?:\.\s|\.$|\n\s*\n|;)",
    re.I | re.S,
)
_BODY = re.compile(
    r"^[^\w\n]{0,40}((?:commune|ville|mairie|d[ée]partement|r[ée]gion|conseil\s+\w+|communaut[ée]\s+\w+|m[ée]tropole|centre\s+hospitalier|chu|ch|syndicat|lyc[ée]e|coll[èe]ge"
    r"|universit[ée]|office|ccas|sdis|hôpital)\b[^\n|]{2,120})$",
    re.I | re.M,
)
_SITE = re.compile(
    r"lieux?(?:\(x\))?\s+(?:principal\s+)?(?:d['’]ex[ée]cution|de\s+livraison|d['’]intervention)[^:\n|]{0,60}[:|]\s*([^\n|.]{3,160})",
    re.I,
)
_ADDRESS = re.compile(r"(?<!\d)(\d{5})\s+([A-ZÀ-Ý][A-Za-zÀ-ÿ' -]{2,40})")


def concerned(text: str) -> str:
    """The object of the consultation as stated in a sentence; "" where none does."""
    found = _CONCERNS.search(text)
    return clean(found.group(1) or found.group(2)).rstrip(" .") if found else ""


def body(text: str) -> str:
    """The buyer, from a line of the first pages that is only its name; "" where there is none."""
    found = _BODY.search(text[:HEAD])
    return clean(found.group(1)) if found else ""


def site(text: str) -> tuple[Place, ...]:
    """The place of work from a labelled line; empty where it names no place."""
    for found in _SITE.finditer(text):
        words = re.sub(
            r"^(?:commune|ville|territoire)s?\s+(?:de\s+la\s+|de\s+|du\s+|d['’])",
            "",
            clean(found.group(1)),
            flags=re.I,
        )
        try:
            if places := toponyms.asked(words) if toponyms.spelt(words) else toponyms.mentioned(words):
                return places
        except BadInput:  # a homonym, or no place at all
            continue
    return ()


def seat(text: str, buyer: str = "") -> Place:
    """The town that the name of the buyer holds, else that of the first postal address; an empty place where there is none."""
    addresses = (f"{code} {clean(town)}" for code, town in _ADDRESS.findall(text[:HEAD]))
    for read, words in ((toponyms.mentioned, buyer), *((toponyms.asked, one) for one in addresses)):
        try:
            return read(words)[0]
        except (BadInput, IndexError):  # a homonym, or no place at all
            continue
    return Place()
