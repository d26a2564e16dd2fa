"""Declared objects of associations: pages of the Journal officiel (JOAFE) and the national register (RNA, waldec).

Activities in the object become proposed offers; purposes ("favoriser l'insertion") do not.  A record
completes the structures of its SIREN; it names no establishment and adds none (flag "offers-only").
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, BinaryIO

from matcher.domain import Rejected, Structure
from matcher.reading import brochure
from matcher.reading.impersonal import impersonal
from matcher.reading.sources import _tabular
from matcher.reference.identifiers import clean_date, digits
from matcher.reference.text import clean

YIELDS = "structure"
LISTS = ("results", "records")
SOURCE = "objet déclaré de l'association"


def recognises(name: str, head: bytes) -> bool:
    """True for records with `numero_rna` and `objet` (JOAFE), or the columns of the RNA (`adrs_codepostal`, `objet`)."""
    if _tabular.shape_of(head) in ("", "xlsx", "ods"):
        return False
    keys = {key.lower() for key in _tabular.headings_of(head)}
    return "objet" in keys and bool(keys & {"numero_rna", "adrs_codepostal"})


def read(stream: BinaryIO, name: str) -> Iterator[Structure | Rejected]:
    """One Structure an object that says a trade and goes with a SIRET or SIREN; the others are passed over: the file is the nation's."""
    rows = _tabular.rows(stream, name, lambda keys: sum(key in ("objet", "titre") for key in keys), LISTS)
    return _tabular.structures(rows, name, structure_of)


def structure_of(row: Mapping[str, Any]) -> Structure | None:
    """Activities stated in the object, under the SIREN of its association; None where it states only purposes."""
    cells = {key.lower(): value for key, value in row.items()}
    text = impersonal(clean(str(cells.get("objet") or ""), 5_000))
    number = digits(str(cells.get("siren") or cells.get("siret") or ""))[:9]
    day = clean_date(cells.get("dateparution") or cells.get("date_publi") or cells.get("date_creat"))
    offers = brochure.propose(text, SOURCE, day) if text and len(number) == 9 else ()
    if not offers:
        return None
    return Structure(
        siret=number,
        name="",
        rna=str(cells.get("numero_rna") or cells.get("id") or ""),
        offers=tuple(replace(offer, id=f"{number}#object-{place}") for place, offer in enumerate(offers)),
        source=SOURCE,
        updated=day,
        flags=("offers-only", "place-unknown"),
    )
