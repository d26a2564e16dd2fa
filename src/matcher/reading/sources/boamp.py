"""BOAMP: pages and exports of its open-data API (explore v2.1), the older API, and records saved by a client.

A record holds the notice in `donnees`, JSON inside a string, under one key that names its schema: EFORMS
(UBL), FNSimple, MAPA, or none of them (Boamp_v230).  What the notice does not say is taken from the record
itself; an unknown schema is walked for its texts, CPV codes and lots.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, BinaryIO

from matcher import domain
from matcher.reading.sources import _facts as facts
from matcher.reading.sources import _tabular
from matcher.reading.sources import _tree as tree
from matcher.reading.sources import _ubl as ubl
from matcher.reading.sources._json import Json, listed, text
from matcher.reading.sources._national import National
from matcher.reading.sources._places import located
from matcher.reference.tables import code_list
from matcher.reference.text import clean

YIELDS = "tender"

#: Keys that only a BOAMP record holds; two of them suffice.
_MARKS = b'"idweb" "nomacheteur" "dateparution" "source_schema" "code_departement" "url_avis"'.split()
#: What a record of another shape than any known may raise.
UNREADABLE = (ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError, RecursionError)

NATURES: dict[str, domain.Nature] = code_list("boamp natures")


def recognises(name: str, head: bytes) -> bool:
    """True for JSON that holds the keys of BOAMP records."""
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    return start[:1] in (b"{", b"[") and sum(mark in head for mark in _MARKS) >= 2


def read(stream: BinaryIO, name: str) -> Iterator[domain.Tender | domain.Rejected]:
    """The notices of the file, one record at a time; a file that is cut gives those before the cut.

    Raises BadInput when the file is empty or holds no BOAMP record.
    """
    seen = 0
    for place, record in _tabular.rows(stream, name, lists=("results", "records")):
        if isinstance(record, str):
            if not seen:
                raise domain.BadInput(f"{name}: {record}")
            yield _tabular.rejected(name, place, record)
            continue
        seen += 1
        record = _flat(record)
        label = str(record.get("idweb") or record.get("id") or place)[:80]
        try:
            published = json.dumps(record, sort_keys=True, default=str).encode()
            yield replace(tender(record), source_hash=hashlib.sha256(published).hexdigest())
        except domain.BadInput as error:
            yield _tabular.rejected(name, label, str(error))
        except UNREADABLE as error:
            reason = f"unreadable record ({type(error).__name__}: {str(error)[:120]}); compare it with its page on BOAMP"
            yield _tabular.rejected(name, label, reason)
    if not seen:
        raise domain.BadInput(
            f"{name}: holds no record; expected a page, an export or saved records of the BOAMP API"
        )


def _flat(record: Json) -> Json:
    """The fields of a record, out of the wrappers of the older API and of clients, which add fields of their own."""
    for wrapper in ("raw_fields", "fields", "record"):
        inner = record.get(wrapper)
        if isinstance(inner, dict):
            return _flat(inner)
    return record


def opened(field: Any) -> Json:
    """A field that is JSON inside a string, or an object already; {} for anything else."""
    if isinstance(field, str) and field.lstrip()[:1] == "{":
        try:
            field = json.loads(field)
        except ValueError as error:
            raise domain.BadInput(
                f"the field donnees is not JSON ({str(error)[:80]}); the record may be cut"
            ) from None
        except RecursionError:
            raise domain.BadInput("the field donnees nests deeper than any notice") from None
    return field if isinstance(field, dict) else {}


# ------------------------------------------------------------------------------------------ one record


def tender(record: Json) -> domain.Tender:
    """The tender of a BOAMP record.  Raises BadInput, saying what is missing."""
    idweb = text(record.get("idweb")) or text(record.get("id")).replace("_", "-")
    if not idweb:
        raise domain.BadInput("no identifier: idweb and id are missing")
    content = opened(record.get("donnees"))
    managed = tree.grow("gestion", opened(record.get("gestion")))
    if "EFORMS" in content:
        made = _from_ubl(content["EFORMS"], idweb)
    else:
        made = National(record, content, idweb).tender()
    return _with_record(made, record, managed, idweb)


def _from_ubl(content: Any, idweb: str) -> domain.Tender:
    keys = content if isinstance(content, dict) else ()
    root_name = next((key for key in keys if tree.local(key) in ubl.ROOTS), None)
    if root_name is None:
        raise domain.BadInput(f"donnees.EFORMS holds none of {', '.join(ubl.ROOTS)}")
    return ubl.notice(tree.grow(root_name, content[root_name]), id=idweb, strict=False)


def _with_record(made: domain.Tender, record: Json, managed: tree.Element, idweb: str) -> domain.Tender:
    """The tender, completed by the record's fields outside the notice; the record gives its nature."""
    title = made.title if made.title and made.title != f"Avis {idweb}" else ""
    stated = (text(record.get("objet")), tree.value(managed, "INDEXATION/RESUME_OBJET"))
    title = title or next(filter(None, map(clean, stated)), "")
    if not title:
        raise domain.BadInput("no title: objet is missing, and so is the title of the notice")
    deadline = made.deadline or facts.moment(text(record.get("datelimitereponse")))
    where = made.buyer.place
    departments = [text(code).zfill(2) for code in listed(record.get("code_departement")) if text(code)]
    if not where.label and not where.department and len(departments) == 1:
        where = located(replace(where, department=departments[0]))
    name = made.buyer.name or clean(text(record.get("nomacheteur")), 500)
    buyer = replace(made.buyer, name=name, place=where)
    # the department of the work is stated by the record, where the lot itself states no place
    area = next(filter(None, map(text, listed(record.get("code_departement_prestation")))), "").zfill(2)
    there = located(domain.Place(department=area)) if area != "00" else None

    def completed(lot: domain.Lot) -> domain.Lot:
        called = "" if len(made.lots) == 1 and lot.title == f"Avis {idweb}" else lot.title
        lot = replace(lot, title=called or title, deadline=lot.deadline or deadline)
        elsewhere = "places" in lot.inferred and there and lot.places[0].department != there.department
        if there is None or (lot.places and not elsewhere):
            return lot
        return replace(lot, places=(there,), inferred=tuple(f for f in lot.inferred if f != "places"))

    lots = facts.placed(tuple(map(completed, made.lots)), where)
    earlier = [text(i) for key in ("annonce_lie", "annonces_anterieures") for i in listed(record.get(key))]
    earlier += map(tree.words, managed.iter("IDWEB"))
    ids = (part for one in (*made.related, *earlier) for part in re.split(r"[\s,;]+", one.strip("[]' ")))
    related = [one for one in dict.fromkeys(ids) if one not in ("", idweb)]
    nature = _nature(record, managed, made.nature)
    awards = made.awards
    holders = tuple(facts.holder("", text(name)) for name in listed(record.get("titulaire")) if text(name))
    if nature == "award" and holders and not awards:
        about: dict[str, Any] = {"title": title, "buyer": buyer, "source": f"boamp:{idweb}"}
        awards = (facts.award("boamp", idweb, 1, facts.only(lots), holders, **about),)
    return replace(
        made,
        format="boamp",
        title=title,
        buyer=buyer,
        lots=lots,
        nature=nature,
        awards=awards,
        family=text(record.get("famille")) or made.family,
        procedure=clean(text(record.get("procedure_libelle")), 200) or made.procedure,
        published=facts.day(text(record.get("dateparution"))) or made.published,
        deadline=deadline,
        url=text(record.get("url_avis")) or f"https://www.boamp.fr/pages/avis/?q=idweb:{idweb}",
        related=tuple(related),
        folder=made.folder or text(record.get("contractfolderid")),
    )


def _nature(record: Json, managed: tree.Element, read: domain.Nature) -> domain.Nature:
    status = tree.kids(managed, "REFERENCE/TYPE_AVIS/STATUT/*")
    states = {text(record.get("etat")).upper(), *(one.tag.upper() for one in status)}
    if any(one.startswith("ANNUL") for one in states):
        return "cancellation"
    if any(one.startswith(("RECTIF", "MODIF")) for one in states) and read not in ("award", "modification"):
        return "correction"
    named = NATURES.get(text(record.get("nature")).upper().replace(" ", "_"))
    return read if named is None or (named == "call" and read != "other") else named
