"""What `matcher sync site` kept of structures' own sites, as proposed offers, marked with the day they were read."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, BinaryIO

from matcher.domain import READ_ON_SITE, Offer, Rejected, Structure
from matcher.reading import brochure
from matcher.reading.sources import _tabular
from matcher.reading.sources._structure import siret_of
from matcher.reference.identifiers import clean_date
from matcher.reference.text import fold

YIELDS = "structure"


def recognises(name: str, head: bytes) -> bool:
    """True for a reading: a SIRET, its website, the day and the pages."""
    return {"siret", "website", "asked", "read", "pages"} <= _tabular.keys_of(head)


def read(stream: BinaryIO, name: str) -> Iterator[Structure | Rejected]:
    """The offers of each reading, which go to the structure of their SIRET (flag "offers-only"); none for an empty one."""
    return _tabular.structures(_tabular.rows(stream, name), name, structure_of)


def structure_of(row: Mapping[str, Any]) -> Structure | str | None:
    """The proposed offers of one reading; a str is the reason why it is rejected, None where it says nothing."""
    siret, flags, refused = siret_of(row.get("siret"))
    day = clean_date(row.get("read"))
    if refused or day is None:
        return refused or "no day on which the site was read: fetch it again with `matcher sync site`"
    source = f"{READ_ON_SITE}{day:%d/%m/%Y}"
    by_title: dict[str, Offer] = {}
    for page in row.get("pages") or ():
        for offer in (
            brochure.propose(text_of(page), source, day, row.get("names") or ()) if page.get("lines") else ()
        ):
            by_title.setdefault(fold(offer.title), offer)
    if not by_title:
        return None
    offers = tuple(
        replace(offer, id=f"{siret}#site-{number}")
        for number, offer in enumerate([*by_title.values()][: brochure.MOST])
    )
    return Structure(
        siret=siret,
        name="",
        offers=offers,
        source=source,
        updated=day,
        flags=(*flags, "offers-only", "place-unknown"),
    )


def text_of(page: Mapping[str, Any]) -> str:
    """The lines of a page as a text: headings stand apart, as a brochure writes them."""
    lines = [str(line) for line in page["lines"]]
    return "\n".join(f"\n{line[2:].rstrip(' :')} :" if line.startswith("# ") else line for line in lines)[
        : brochure.LONGEST
    ]
