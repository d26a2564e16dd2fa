"""Declared objects of associations: pages of the Journal officiel (JOAFE) and the national register (RNA, waldec).

A record completes the structure of its SIREN; it names no establishment and adds none (flag "offers-only").
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from matcher.domain import Offer, Rejected, Structure
from matcher.reading.impersonal import impersonal
from matcher.reading.sources import _tabular
from matcher.reading.sources._structure import siret_of
from matcher.reference.identifiers import clean_date, digits
from matcher.reference.text import clean, shorten

YIELDS = "structure"
LISTS = ("results", "records")
SOURCE = "objet déclaré de l'association"


def recognises(name: str, head: bytes) -> bool:
    """True for records with `numero_rna` and `objet` (JOAFE), or the columns of the RNA (`adrs_codepostal`, `objet`)."""
    if not (shape := _tabular.shape_of(head)) or shape == "xlsx":
        return False
    keys = {key.lower() for key in _tabular.headings_of(head)}
    return "objet" in keys and bool(keys & {"numero_rna", "adrs_codepostal"})


def read(stream: BinaryIO, name: str) -> Iterator[Structure | Rejected]:
    """One Structure an object that a SIRET or SIREN goes with; the others are passed over: the file is the nation's."""
    for place, row in _tabular.rows(
        stream, name, lambda keys: sum(k in ("objet", "titre") for k in keys), LISTS
    ):
        if isinstance(row, str):
            yield _tabular.rejected(name, place, row)
        elif found := structure_of(row):
            yield found


def structure_of(row: Mapping[str, Any]) -> Structure | None:
    """The object under its association's SIRET, or its SIREN where no more is known."""
    cells = {key.lower(): value for key, value in row.items()}
    text = impersonal(clean(str(cells.get("objet") or ""), 5_000))
    number = siret_of(cells.get("siret"))[0] or digits(str(cells.get("siren") or ""))[:9]
    if not text or len(number) not in (9, 14):
        return None
    day = clean_date(cells.get("dateparution") or cells.get("date_publi") or cells.get("date_creat"))
    offer = Offer(
        id=f"{number}#object",
        title=shorten(text, 120),
        text=text,
        nature="description",
        since=day,
        source=SOURCE,
    )
    return Structure(
        siret=number,
        name="",
        rna=str(cells.get("numero_rna") or cells.get("id") or ""),
        offers=(offer,),
        source=SOURCE,
        updated=day,
        flags=("offers-only", "place-unknown"),
    )
