"""Pages of Les emplois de l'inclusion's public API (`/api/v1/siaes/`): one Structure a result, its jobs as offers."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from matcher.domain import Offer, Rejected, Structure
from matcher.reading.impersonal import impersonal
from matcher.reading.sources import _structure, _tabular
from matcher.reading.sources._json import objects
from matcher.reference.identifiers import clean_date
from matcher.reference.text import clean, shorten

YIELDS = "structure"
LISTS = ("results",)
#: "Entretien des espaces verts (A1203)"
_ROME = re.compile(r"^(.*?)\s{0,9}\(?\b([A-N]\d{4})\b\)?\s*$", re.S)


def recognises(name: str, head: bytes) -> bool:
    """True for JSON whose keys are a SIRET and `bloque_candidatures`, which only this API writes."""
    return {"siret", "bloque_candidatures"} <= _tabular.keys_of(head)


def read(stream: BinaryIO, name: str) -> Iterator[Structure | Rejected]:
    """One Structure a result, in page order; `updated` is the day its own card or a job of it last changed."""
    rows, source = _tabular.rows(stream, name, lists=LISTS), _tabular.source_of(name)
    return _tabular.structures(rows, name, lambda row: structure_of(row, source))


def structure_of(row: Mapping[str, Any], source: str = "emplois") -> Structure | str:
    """The structure of one result; a str is the reason why it is rejected."""
    jobs = filter(None, map(_job, objects(row.get("postes"))))
    return _structure.published(row, "emplois", source, told=[_description(row)], offers=jobs)


def _description(row: Mapping[str, Any]) -> str:
    return impersonal(clean(str(row.get("description") or ""), 20_000))


def _job(row: Mapping[str, Any]) -> Offer | None:
    stated = _structure.plain(row.get("rome"))
    match = _ROME.match(stated)
    label, code = (match.group(1).strip(), match.group(2)) if match else (stated, "")
    text = _description(row)
    title = _structure.plain(row.get("appellation_modifiee")) or label or shorten(text, 120)
    rome = (code,) if code else ()
    since = clean_date(row.get("mis_a_jour_le") or row.get("cree_le"))
    return Offer(id="", title=title, text=text, nature="job", rome=rome, since=since) if title else None
