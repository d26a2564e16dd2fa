"""A need typed by a buyer as a tender: place, lots, what was understood."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache

from matcher.domain import BadInput, Buyer, Lot, Place, Tender
from matcher.reference import places
from matcher.reference.text import clean, fold


@lru_cache(8192)
def communes(name: str, department: str | None = None, limit: int = 8) -> tuple[places.Commune, ...]:
    """`reference.search_commune`, remembered: it looks through every commune of the country."""
    return places.search_commune(name, department, limit)


@lru_cache(4096)
def place(words: str) -> Place | None:
    """The place named: commune, postcode, INSEE code, department by number or name.  Raises BadInput on none such."""
    text = clean(words)
    if not text:
        return None
    code = text.upper()
    by_name = next((d for d in places.departments() if fold(d.name) == fold(text)), None)
    found = places.department(code) or by_name
    if found and fold(text) != "paris":  # Paris named is the commune, with its coordinates
        return places.locate(Place(label=found.name, department=found.code))
    digits = re.search(r"(?<!\d)(\d{5}|2[AB]\d{3})(?!\d)", code)
    stated = Place(label=re.sub(r"[\d(),]+", " ", text).strip())
    if digits:
        if places.communes_of_postcode(digits.group(1)):
            stated = Place(label=stated.label, postcode=digits.group(1))
        elif places.commune(digits.group(1)):
            stated = Place(label=stated.label, commune=digits.group(1))
    else:
        hint = re.search(r"\((\d{2,3}|2[AB])\)", code)
        near = communes(stated.label, hint.group(1) if hint else None, 1)
        if near:
            stated = Place(label=near[0].name, commune=near[0].code)
    located = places.locate(stated)
    if located.department is None and located.latitude is None:
        raise BadInput(f"no commune, postcode or department is called {text[:60]!r}: check the spelling")
    return located


_NAMED = re.compile(
    r"(?:\b[àÀ]|\bsur|\bde|\bdu|\bd'|,|\()\s*((?:[A-ZÉÈÎÔ][\w'’éèêëîïôûç]+(?:[- ](?:[A-ZÉÈÎÔ][\w'’éèêëîïôûç]+|sur|sous|en|le|la|les|de|des|du))*)|\d{2,3}\b|2[AB]\b)"
)


def spot(need: str) -> Place | None:
    """A place that the words of a need name ("à Pantin", "(92)"), marked as inferred; None where there is none."""
    for words in _NAMED.findall(need[:2000]):
        if words[0].isdigit():
            found = places.department(words) if f"({words})" in need else None
            if found:
                return replace(places.locate(Place(label=found.name, department=found.code)), inferred=True)
            continue
        parts = words.split()
        for stop in range(len(parts), 0, -1):
            name = " ".join(parts[:stop])
            near = communes(name, None, 1)
            exact = near and fold(near[0].name).replace("-", " ") == fold(name).replace("-", " ")
            dep = next(
                (
                    d
                    for d in places.departments()
                    if fold(d.name).replace("-", " ") == fold(name).replace("-", " ")
                ),
                None,
            )
            if exact and near[0].population > 300:
                return replace(places.locate(Place(label=near[0].name, commune=near[0].code)), inferred=True)
            if dep:
                return replace(places.locate(Place(label=dep.name, department=dep.code)), inferred=True)
    return None


_LOT = re.compile(r"(?:^|(?<=[\s;,.]))lot\s*(?:n\s*°\s*)?(\d{1,3})\s*[:–—-]\s*", re.I)


def numbered_lots(need: str, tender: Tender) -> tuple[Lot, ...]:
    """The lots that the words of a need number themselves ("Lot 1 : ... Lot 2 : ..."); none where fewer than two."""
    marks = list(_LOT.finditer(need))
    numbers = [mark.group(1).lstrip("0") or "0" for mark in marks]
    if len(marks) < 2 or len(set(numbers)) < len(numbers):
        return ()
    ends = [mark.start() for mark in marks[1:]] + [len(need)]
    found = []
    for number, mark, end in zip(numbers, marks, ends, strict=True):
        words = clean(need[mark.end() : end]).strip(" ;,.")
        if not any(c.isalpha() for c in words):
            return ()
        title = words if len(words) <= 120 else words[:120].rsplit(" ", 1)[0] + "…"
        description = words[:20_000] if title != words else ""
        found.append(
            Lot(
                id=f"need-{number}",
                number=number,
                title=title,
                description=description,
                places=tender.lots[0].places,
            )
        )
    return tuple(found)


def with_clauses(tender: Tender) -> Tender:
    """Reservations and clauses that the words of a need ask for."""
    from matcher.reading import clauses

    return clauses.complete(tender)


def free_text_tender(text: str, place: Place | None = None, buyer: Buyer | None = None) -> Tender:
    """A need typed by a buyer, as a tender of one lot.  Raises BadInput when it says nothing, or far too much."""
    words = clean(text)
    if not any(char.isalpha() for char in words):
        raise BadInput("the need is empty: say in a few words what is to be done, and where")
    if len(text) > 1_000_000:
        raise BadInput(
            "the need is over a million characters: give the description of the lots, not the whole file"
        )
    title = words if len(words) <= 120 else words[:120].rsplit(" ", 1)[0] + "…"
    places = (place,) if place else ()
    lot = Lot(id="need-1", title=title, description=words[:20_000] if len(words) > 120 else "", places=places)
    return Tender(id="need", format="need", title=title, buyer=buyer or Buyer(), lots=(lot,))
