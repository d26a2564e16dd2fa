"""Awards of public contracts (DECP): 2019 and 2024 JSON, flat CSV, consolidated CSV or Parquet.

One record gives one Award, as published; `reading.contracts` then makes them one a contract.  `tender_of` reads a
record without winners as a notice.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from hashlib import blake2b
from itertools import chain
from typing import Any, BinaryIO

from matcher.domain import Award, BadInput, Buyer, Clause, Holder, Lot, Place, Rejected, Reservation, Tender
from matcher.reading import clauses
from matcher.reading.contracts import among
from matcher.reading.sources import _facts, _json, _tabular
from matcher.reading.sources._places import located, place_of_decp
from matcher.reference import places
from matcher.reference.identifiers import clean_amount, clean_cpv, clean_date, siret_valid
from matcher.reference.text import REPLACEMENT, clean, fold

YIELDS = "award"

Record = Mapping[str, Any]
GROUP_FORMS = {"solidaire": "solidaire", "conjoint": "conjoint", "pas de groupement": "none"}

#: Amounts at or below are fillers (0, 0.01, 1), at or above are typing errors: kept and flagged.
FILLER, HUGE = 1.0, 500_000_000.0
MAX_HOLDERS = 60  # of one record of a flat CSV
MAX_PARQUET_GROUP = 1 << 30  # bytes of an unpacked row group
_KEYS = frozenset({"objet", "codecpv", "titulaires", "acheteur", "lieuexecution", "concessionnaires"})
#: Where a JSON file holds its records; "data" is that of a page of the tabular API.
LISTS = ("marches", "data", "marches.marche marches.contrat-concession")


# ------------------------------------------------------------------------------------------- the file


def recognises(name: str, head: bytes) -> bool:
    """True for JSON with `marches` or DECP records, CSV with DECP columns, and Parquet files."""
    shape = _tabular.shape_of(head)
    if shape == "parquet":
        return True
    headings = _tabular.headings_of(head)
    lowered = {re.split(r"[._]", heading)[0].lower() for heading in headings}
    if shape in ("json", "jsonl"):
        if "marches" in headings[:3] or {"uid", "titulaire_id"} <= set(headings):
            return True
        if {"idweb", "donnees"} & set(headings):
            return False
        return "objet" in lowered and bool(lowered & (_KEYS - {"objet"}))
    if shape == "csv":
        return "objet" in lowered and len(lowered & (_KEYS | {"titulaire"})) >= 3
    return False


def read(stream: BinaryIO, name: str) -> Iterator[Award | Rejected]:
    """One Award for each record or row, streamed.  Raises BadInput when the file is no DECP at all."""
    source = _tabular.source_of(name)
    for place, record in _records(stream, name):
        if isinstance(record, str):
            yield Rejected(path=name, record=place, reason=record)
            continue
        award = award_of(record, source)
        if isinstance(award, Rejected):
            yield replace(award, path=name, record=award.record or place)
            continue
        yield award
        names = {holder.id or holder.name for holder in award.holders}
        changes = _members(_unwrapped(record).get("modifications"), "modification")
        for change in (one for one in changes if isinstance(one, dict)):
            others = _without_buyer(award.buyer, _holders(change))
            if new := tuple(one for one in others if (one.id or one.name) not in names):
                names |= {holder.id or holder.name for holder in new}
                day = clean_date(_text(change, "dateNotificationModification", "dateSignatureModification"))
                yield replace(award, holders=new, notified=day or award.notified, relation="modification")


def _records(stream: BinaryIO, name: str) -> Iterator[tuple[str, Record | str]]:
    """(place in the file, record) of every shape; a str is the reason why there is no record."""
    stream.seek(0)
    if _tabular.shape_of(stream.read(65_536)) == "parquet":
        yield from _parquet(stream, name)
    else:
        yield from _tabular.rows(stream, name, _score, LISTS)


def _score(headings: Sequence[str]) -> int:
    return len({heading.lower().split(".")[0] for heading in headings} & _KEYS)


def _parquet(stream: BinaryIO, name: str) -> Iterator[tuple[str, Record | str]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(stream)
        columns = file.schema_arrow.names
        sizes = [file.metadata.row_group(i).total_byte_size for i in range(file.metadata.num_row_groups)]
    except (pa.ArrowException, OSError, ValueError) as error:
        raise BadInput(
            f"{name} is a damaged Parquet file ({type(error).__name__}): download it again"
        ) from None
    if not {re.split(r"[._]", column)[0].lower() for column in columns} & _KEYS:
        raise BadInput(f"{name} is a Parquet file without DECP columns (objet, codeCPV, titulaire_id ...)")
    if sizes and max(sizes) > MAX_PARQUET_GROUP:
        raise BadInput(f"{name} has a row group of {max(sizes) >> 20} MB: write it with smaller row groups")
    number = 0
    try:
        records = (record for batch in file.iter_batches(batch_size=2_000) for record in batch.to_pylist())
        for number, record in enumerate(records, 1):
            yield f"row {number}", record
    except (pa.ArrowException, OSError, ValueError) as error:
        yield f"row {number + 1}", f"damaged from here on ({type(error).__name__}): download the file again"


# ------------------------------------------------------------------------------------------ one record


def award_of(record: Record, source: str = "decp") -> Award | Rejected:
    """The award of one DECP record of any generation, flat or nested; Rejected where it says nothing or is a test.

    Flags: "cpv", "date", "amount" (a filler or a typing error), "damaged-text" (U+FFFD), "no-holder",
    "modified", "concession", "no-social" and "no-environment" (stated to have none); a holder's own: "siret-checksum", "not-siret", "tva" (its SIREN was taken out
    of a VAT number), "buyer-id" (published under the buyer's own number, which is left out).
    """
    record = _unwrapped(record)
    title, cpv = clean(_text(record, "objet"), 5_000), clean_cpv(_code(record))
    buyer, holders, number = _buyer(record), _holders(record), _text(record, "id")
    reason = _no_award(title, cpv, buyer, holders)
    if reason:
        return Rejected(path=source, record=_text(record, "uid") or number, reason=reason)
    holders = _without_buyer(buyer, holders)
    raw = _raw(record, "montant", "valeurGlobale")
    amount, filled = (None, False) if _blank(raw) else (clean_amount(raw), True)
    form = fold(_text(record, "typeGroupementOperateurs", "typeGroupement"))
    group_form = next((name for words, name in GROUP_FORMS.items() if words in form), None)
    raw_date = _text(record, "dateNotification", "dateSignature")
    notified = clean_date(raw_date)
    # a consolidated row is of a modification where it states the number of one
    is_version = bool(_facts.count(_text(record, "modification_id", "modification.id")))
    framework = _is_framework(record)
    texts = (title, buyer.name, *(holder.name for holder in holders))
    social = _considerations(record, "considerationsSociales", "considerationSociale")
    environment = _considerations(record, "considerationsEnvironnementales", "considerationEnvironnementale")
    flags = {
        "cpv": _code(record) and cpv is None,
        "date": raw_date and notified is None,
        "amount": filled and (amount is None or amount <= FILLER or amount >= HUGE),
        "damaged-text": any(REPLACEMENT in text for text in texts),
        "no-holder": not holders,
        # modifications follow, or the row is one
        "modified": _members(record.get("modifications"), "modification") or is_version,
        "concession": not {"concessionnaires", "autoriteConcedante"}.isdisjoint(record)
        or fold(_text(record, "_type")).startswith("contrat"),
        "no-social": bool(social) and not _some(social),
        "no-environment": bool(environment) and not _some(environment),
    }
    return Award(
        uid=_text(record, "uid") or (buyer.id + number if number else "") or _mark(record),
        title=title,
        buyer=buyer,
        holders=holders,
        cpv=cpv,
        place=_place(record, buyer.id),
        amount=amount,
        notified=notified,
        duration_months=_facts.months(_text(record, "dureeMois"), "MONTH"),
        nature="accord-cadre" if framework else clean(_text(record, "nature"), 80).lower(),
        procedure=clean(_text(record, "procedure"), 200),
        group_form=group_form,
        social=_some(social),
        environment=_some(environment),
        offers_received=_facts.count(_raw(record, "offresRecues", "nbOffresRecues")),
        relation="modification" if is_version else among(holders, group_form, framework),
        source=source,
        flags=tuple(name for name, raised in flags.items() if raised),
    )


def _code(record: Record) -> str:
    return _text(record, "codeCPV", "codeCPV_principal", "cpv")


def _no_award(title: str, cpv: str | None, buyer: Buyer, holders: tuple[Holder, ...]) -> str:
    """Why a record is no award; "" where it is one."""
    if not title and not cpv:
        return "neither objet nor codeCPV: an award must say what was bought"
    own = bool(buyer.id) and any(holder.siren == buyer.id[:9] for holder in holders)
    if bool(_TEST_TITLE.fullmatch(title)) or (own and bool(_MACHINE_TITLE.fullmatch(title))):
        return "a platform's test of itself, no contract: its title is a machine's, or its winner the buyer"
    return ""


#: "TSI_2024_Objet - Lot 1", "Test_envoi - lot 2", "TEST": no words of a purchase.
_MACHINE_TITLE = re.compile(r"[^\s_]+_\S+(?: - lot \d+)?", re.I)
_TEST_TITLE = re.compile(r"test(?:_.*)?", re.I)


def _without_buyer(buyer: Buyer, holders: tuple[Holder, ...]) -> tuple[Holder, ...]:
    """The winners, those published under the buyer's own number without it: a buyer does not award to itself."""
    winners = (
        replace(holder, id="", flags=("buyer-id",)) if buyer.id and holder.id == buyer.id else holder
        for holder in holders
    )
    return tuple(holder for holder in winners if holder.id or holder.name)


def tender_of(record: Record) -> Tender:
    """A DECP record read as a notice; it may lack anything but `objet`.

    One lot, or one for each lot that `objet` names (at least two distinct numbers), each with its own
    title and, as description, what the lots have in common.  Raises BadInput when there is no objet.
    """
    record = _unwrapped(record)
    title = clean(_text(record, "objet"), 200_000)
    if not title:
        raise BadInput("a notice must have an objet: fill in what is asked")
    buyer = _buyer(record)
    uid = _text(record, "uid") or (buyer.id + _text(record, "id")) or _mark(record)
    code = clean_cpv(_code(record))
    place = _place(record, buyer.id)
    is_placed = bool(place.department or place.commune or place.region or place.nuts or place.label)
    social = _some(_considerations(record, "considerationsSociales", "considerationSociale"))
    reserved = [value for value in social if "reserve" in fold(value)]
    reservations = [Reservation(origin="field", who=clauses.who(fold(v)), passage=v) for v in reserved[:1]]
    natures: dict[str, Any] = {
        v: "criterion" if "critere" in fold(v) else "execution" for v in social if v not in reserved
    }
    whole = Lot(
        id=f"{uid}/1",
        title=title,
        cpv=(code,) if code else (),
        places=(place,) if is_placed else (),
        amount=clean_amount(_raw(record, "montant")),
        duration_months=_facts.months(_text(record, "dureeMois"), "MONTH"),
        reservation=next(iter(reservations), None),
        clauses=tuple(Clause(nature=kind, origin="field", passage=v) for v, kind in natures.items()),
        inferred=("places",) if is_placed and place != _place(record, "") else (),
    )
    tender = Tender(
        id=uid,
        format="decp",
        title=title,
        buyer=buyer,
        lots=_facts.divided(whole),
        reference=_text(record, "id"),
        procedure=clean(_text(record, "procedure"), 200),
        published=clean_date(_text(record, "dateNotification", "dateSignature")),
        flags=("damaged-text",) if REPLACEMENT in title else (),
    )
    return clauses.complete(tender)


def _unwrapped(record: Record) -> Record:
    """The record itself, where a query or a list wraps it."""
    for key in ("notice", "marche", "contrat-concession"):
        inner = record.get(key)
        if isinstance(inner, dict) and "objet" not in record:
            return inner
    return record


_NOTHING = frozenset({"", "nan", "none", "null", "nc", "n/a", "[]", "{}", "nat", "inx none"})


def _blank(value: Any) -> bool:
    if value.__class__ is str:
        return len(value) < 9 and value.strip().lower() in _NOTHING
    return value is None or value != value


def _raw(record: Record, *names: str) -> Any:
    """The first value that is not blank, under one of the names."""
    for name in names:
        value = record.get(name)
        if value is not None and not _blank(value):
            return value
    return None


def _text(record: Record, *names: str) -> str:
    """The first value that is not blank, as text; nested values are none."""
    value = _raw(record, *names)
    text = "" if isinstance(value, dict | list) else _json.text(value)
    if text[:1] == "[" and len(text) > 4 and text[:2] in ("['", '["') and text[-2:] in ("']", '"]'):
        return text[2:-2].strip()  # a flat CSV of 2019 holds Python lists of one: "['SIRET']"
    return text


def _inside(record: Record, outer: str, *names: str) -> str:
    """A value nested in `outer`, or flattened as `outer.name`, `outer_name` or `outerName`."""
    nested = record.get(outer)
    if isinstance(nested, str) and nested.strip().startswith("{"):
        nested = _loads(nested)
    if isinstance(nested, dict):
        return _text(nested, *names)
    return _text(
        record,
        *chain.from_iterable((f"{outer}.{n}", f"{outer}_{n}", outer + n[:1].upper() + n[1:]) for n in names),
    )


def _loads(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _members(value: Any, inner: str) -> list[Any]:
    """A list that may be wrapped (`{"technique": [...]}`, `[{"titulaire": {...}}]`) or JSON inside a string."""
    if value is None or value == []:
        return []
    if isinstance(value, str) and value.strip()[:1] in ("[", "{"):
        value = _loads(value)
    if isinstance(value, dict):
        value = value.get(inner, [value] if inner not in value and "id" in value else [])
    listed = value if isinstance(value, list | tuple) else [] if _blank(value) else [value]
    within = (item.get(inner, item) if isinstance(item, dict) else item for item in listed)
    flat = (one for item in within for one in (item if isinstance(item, list) else [item]))
    return [one for one in flat if not _blank(one)]


def _buyer(record: Record) -> Buyer:
    outer = "acheteur" if any(key.startswith("acheteur") for key in record) else "autoriteConcedante"
    id_ = re.sub(r"[\s\u00a0]", "", _inside(record, outer, "id", "siret"))
    name = clean(_inside(record, outer, "nom", "denominationSociale"), 300)
    return Buyer(id=id_[:60], name=name, place=_facts.home(id_))


def _holders(record: Record) -> tuple[Holder, ...]:
    """The winners, each once; nested, wrapped, numbered in columns, or one a row."""
    kinds = ("titulaire", "concessionnaire")
    listed = (one for kind in kinds for one in _members(record.get(f"{kind}s"), kind))
    members = [one for one in listed if isinstance(one, dict)]
    fields = ("id", "denominationSociale", "typeIdentifiant", "commune")
    numbered = ("titulaires.1.id", "titulaire_id_1", "titulaires_1_id")
    if not members and not record.keys().isdisjoint(numbered):
        for n in range(1, MAX_HOLDERS + 1):
            forms = ((f, f"titulaires.{n}.{f}", f"titulaire_{f}_{n}", f"titulaires_{n}_{f}") for f in fields)
            member = {field: _text(record, *names) for field, *names in forms}
            if not (member["id"] or member["denominationSociale"]):
                break
            members.append(member)
    if not members:
        names = ("nom", "denominationSociale", "denomination")
        stated = (("id", "siret"), names, ("typeIdentifiant",), ("commune_code",))
        members = [dict(zip(fields, (_inside(record, "titulaire", *one) for one in stated), strict=True))]
    holders = [
        _holder(
            _text(one, "id", "siret")[:80],
            _text(one, "denominationSociale", "nom", "denomination")[:500],
            _text(one, "typeIdentifiant")[:40],
            _text(one, "commune")[:5],
        )
        for one in members
    ]
    holders = [holder for holder in holders if holder.id or holder.name]
    return tuple({(holder.id, "" if holder.id else holder.name): holder for holder in holders}.values())


#: A French VAT number, its SIREN after a key of two; some publishers write the NIC of the SIRET after it.
_VAT = re.compile(r"FR[0-9A-Z]{2}([0-9]{9})(?:[0-9]{5})?")


@lru_cache(20_000)
def _holder(id_: str, name: str, id_type: str, commune: str) -> Holder:
    """A winner; the tables that gather all publishers add the INSEE code of its commune."""
    known = places.commune(commune) if commune else None
    place = located(Place(label=known.name, commune=commune)) if known else Place()
    bare = re.sub(r"[\s\u00a0.]", "", id_)
    kind = id_type.upper() or "SIRET"
    vat = _VAT.fullmatch(bare.upper())
    if vat is not None:
        return Holder(id=vat[1], name=clean(name), flags=("tva",), place=place)
    flags: tuple[str, ...] = ()
    if re.fullmatch(r"[0-9]{14}", bare):
        if not siret_valid(bare):
            flags = ("siret-checksum",)
    elif kind == "SIRET" or not bare:
        flags = ("not-siret",)
    number = bare if re.fullmatch(r"[0-9]+", bare) else id_
    return Holder(id=number, name=clean(name), flags=flags, place=place)


def _place(record: Record, buyer_id: str) -> Place:
    outer = "lieuExecution"
    return _located(
        _inside(record, outer, "code")[:60],
        _inside(record, outer, "typeCode")[:60],
        clean(_inside(record, outer, "nom"), 200),
        buyer_id if re.fullmatch(r"[0-9]{9}(?:[0-9]{5})?", buyer_id) else "",
        clean(f"{_text(record, 'objet')} {_buyer(record).name}", 2000)
        if places.is_twofold(_inside(record, outer, "code"))
        else "",
    )


_located = lru_cache(20_000)(place_of_decp)


def _considerations(record: Record, outer: str, inner: str) -> tuple[str, ...]:
    """What a record states of its considerations, "Pas de considération ..." too; nothing where it is silent."""
    values: list[str] = []
    raw = _raw(record, outer, inner)
    for member in _members(raw, inner):
        values += re.split(r"[,;|]", member) if isinstance(member, str) else []
    return tuple(dict.fromkeys(value for each in values if (value := clean(each, 100))))


def _some(considerations: tuple[str, ...]) -> tuple[str, ...]:
    """Those that are any."""
    return tuple(
        v for v in considerations if "pas de consideration" not in fold(v) and fold(v) != "sans objet"
    )


def _is_framework(record: Record) -> bool:
    """Schema 2.x has no such nature: a framework is a "marché" whose techniques say so."""
    listed = _members(record.get("techniques"), "technique")
    techniques = " ".join(one for one in listed if isinstance(one, str))
    return "accord-cadre" in fold(f"{_text(record, 'nature')} {techniques}")


def _mark(record: Record) -> str:
    """A stable id for a record that has none."""
    try:
        text = json.dumps(record, sort_keys=True, default=str, ensure_ascii=True)
    except (RecursionError, ValueError, TypeError):
        text = f"{_text(record, 'objet')} {_text(record, 'codeCPV')} {sorted(map(str, record))}"
    return "x" + blake2b(text.encode(), digest_size=8).hexdigest()
