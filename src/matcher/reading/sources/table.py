"""User-supplied notices in a table: CSV, XLSX, JSON lines or a JSON list, its columns guessed by their headings.

Most small contracts appear on a buyer's profile alone, and purchases announced ahead in a spreadsheet.
Several lots a notice: repeat its reference, one row a lot, or nest `lots`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from hashlib import blake2b
from typing import Any, BinaryIO, Literal

from matcher import domain
from matcher.reading import clauses
from matcher.reading.sources import Columns, _columns, _facts, _tabular
from matcher.reading.sources._columns import Cells
from matcher.reading.sources._places import place_of
from matcher.reading.sources._structure import departments_of, several, yes_no
from matcher.reference.identifiers import clean_amount, clean_date, number_of
from matcher.reference.text import clean, fold

YIELDS = "tender"

#: Field -> the headings it is known by (accents, case, underscores and plurals do not matter).
ALIASES: _columns.Aliases = _columns.HEADINGS["notices"]
FIELDS = tuple(ALIASES)
LISTS = ("notices", "avis", "tenders", "projets", "consultations", "marches", "data", "records", "items")
#: What distinguishes a list of notices from any other table with a title.
STRONG = frozenset(
    "reference buyer buyer_id cpv deadline planned lot_number lot_title amount procedure reserved".split()
)
#: Headings of a list of firms or places, which a list of notices does not have.
_OF_PLACES = frozenset({"lat", "lon", "latitude", "longitude", "website", "site web", "categories"})
MAX_LOTS = 1_000


_VOCABULARY = _columns.Vocabulary(ALIASES)


def mapping(headings: Sequence[str], cells: Cells | None = None, fixed: Columns = None) -> dict[str, str]:
    """Field -> heading, guessed."""
    return _VOCABULARY.guess([h for h in headings if h.lower() not in ("lots", "lot_list")], cells, fixed)


def recognises(name: str, head: bytes) -> bool:
    """True for a table, or JSON rows, with a title and something that only a notice has."""
    if _tabular.is_workbook(name, head):
        return True
    headings = _tabular.headings_of(head)
    if not headings or {"donnees", "titulaires", "siege"} & set(headings):
        return False
    columns = mapping(headings)
    strong = STRONG & set(columns)
    seen = {heading.lower() for heading in headings}
    if columns.get("reference", "").lower() == "id" and _OF_PLACES & seen and not {"lots", "buyer"} & seen:
        strong = strong - {"reference"}  # a list of places or firms numbers its rows too
    return bool({"title", "lot_title"} & set(columns)) and bool(strong)


#: A notice under construction, which further rows may follow, and the lots that these are; none where a row is a whole notice.
Draft = tuple[domain.Tender, list[domain.Lot]]


def read(stream: BinaryIO, name: str, columns: Columns = None) -> Iterator[domain.Tender | domain.Rejected]:
    """One Tender for each reference (or row, where there is none), its lots nested, in file order.

    `columns` corrects the guessed mapping (field -> heading).  Raises BadInput when no column holds a title.
    """

    def check(found: Mapping[str, str], keys: Sequence[str]) -> None:
        if not _columns.typed(columns) and not (STRONG & set(found) and {"title", "lot_title"} & set(found)):
            raise domain.BadInput(
                f"{name} has no column of titles, or none that only a notice has, among {', '.join(keys[:12])}: "
                "name it with --map title=COLUMN (notices), or --map name=COLUMN and --map town=COLUMN (structures)"
            )

    drafts: dict[str, Draft] = {}
    for place, row, found in _columns.mapped(
        name, _tabular.rows(stream, name, _VOCABULARY.score, LISTS), mapping, check, columns, FIELDS
    ):
        refuse = partial(_tabular.rejected, name, place)
        draft = row if isinstance(row, str) else _draft(row, found)
        if isinstance(draft, str):
            yield refuse(draft)
            continue
        tender, more = draft
        _, lots = drafts.setdefault(tender.id, draft)
        if lots is more:
            continue
        if not more:
            why = f"reference {tender.reference} stands twice: number the lots, or give each notice its own"
            yield refuse(why)
        elif not tender.reference:
            drafts[tender.id] = draft
        elif len(lots) < MAX_LOTS:
            lots += more
    for tender, lots in drafts.values():
        numbered = tuple(
            replace(lot, id=f"{tender.id}/{position}", number=lot.number or str(position))
            for position, lot in enumerate(lots, 1)
        )
        tender = replace(tender, lots=numbered or _facts.divided(tender.lots[0]))
        yield clauses.complete(tender, tender.description)


def _draft(row: Mapping[str, Any], columns: Mapping[str, str]) -> Draft | str:
    """The notice of one row, with its lot when the row is one; a str is the reason why there is none."""

    def raw(name: str) -> Any:
        value = row.get(columns[name]) if name in columns else None
        return None if value != value else value

    def text(name: str, limit: int = 500) -> str:
        value = raw(name)
        if isinstance(value, list | tuple):
            value = " ; ".join(several(value))
        return clean(str(value), limit) if value is not None and not isinstance(value, Mapping) else ""

    title = text("title", 5_000) or text("lot_title", 5_000)
    if not title:
        return "no title: fill in what is asked, or point to its column with --map title=COLUMN"
    number = text("reference", 100).removesuffix(".0")
    buyer_id = re.sub(r"[\s.]", "", text("buyer_id", 40))
    cells = repr(sorted(((k, v) for k, v in row.items() if k), key=str)).encode()
    mark = number or blake2b(cells, digest_size=6).hexdigest()
    identifier = f"{buyer_id}-{mark}" if buyer_id and number else mark
    place = _place(text, raw, buyer_id)
    planned = text("planned", 100)
    stated = fold(text("nature", 100))
    natures = (nature for nature, words in _NATURES.items() if re.search(words, stated))
    # a project when all it has is a day of publication to come
    nature = next(natures, "project" if planned and not raw("deadline") else "call")
    # a spreadsheet's day is one at midnight
    deadline = _facts.moment(re.sub(r"[ T]0?0:00(?::00)?$", "", str(raw("deadline") or "").strip()))
    yearly = clean_amount(raw("amount_year"))
    amount = clean_amount(raw("amount"))
    day = clean_date(planned)
    when = f"Publication prévue : {f'{day:%d/%m/%Y}' if day else clean(planned, 60)}"  # "1er trimestre 2026"
    conditions = (domain.Condition(code="planned", label=when, passage=planned),) if planned else ()
    whole = domain.Lot(
        id=f"{identifier}/1",
        title=title,
        description=text("description", 20_000),
        cpv=_facts.cpvs(several(raw("cpv"))),
        places=(place,) if place.label or place.department or place.commune else (),
        amount=amount if amount is not None else yearly,
        amount_period="total" if amount is not None else "year" if yearly is not None else "",
        duration_months=_months(raw("duration")),
        deadline=deadline,
        reservation=_reservation(text("reserved", 300)),
        clauses=_clauses(text("clause", 300), raw("hours")),
        conditions=conditions,
        inferred=("places",) if place != _place(text, raw, "") else (),
    )
    tender = domain.Tender(
        id=identifier,
        format="table",
        title=title,
        description=text("description", 20_000),
        buyer=domain.Buyer(id=buyer_id, name=text("buyer", 300), place=_facts.home(buyer_id)),
        lots=(whole,),
        nature=nature,
        reference=number,
        procedure=text("procedure", 200),
        published=clean_date(raw("published")),
        deadline=deadline,
        url=_facts.link(text("url", 1_000)),
        documents_url=_facts.link(text("documents", 1_000)),
    )
    return tender, _lots(row, whole, text, raw)


def _lots(row: Mapping[str, Any], whole: domain.Lot, text: Any, raw: Any) -> list[domain.Lot]:
    """The lot that the row is, or those that it nests; none where the row is a whole notice."""
    nested = next((row[key] for key in row if fold(key) == "lots" and isinstance(row[key], list)), None)
    if nested is not None:
        return [lot for item in nested[:MAX_LOTS] if (lot := _nested(item, whole))]
    number, title = text("lot_number", 40).removesuffix(".0"), text("lot_title", 5_000)
    match = re.match(
        r"^(?:lot\s*)?(?:n\s*[°ºo]\s*)?([0-9]{1,3}[a-z]?|[a-z])\s*(?:[:\-–—.]\s*(.+))?$", number, re.I
    )
    if match and match.group(2):
        number, title = match.group(1), title or clean(match.group(2))
    elif match:
        number = match.group(1)
    if not number and not title:
        return []
    described = "\n".join(filter(None, (text("lot_description", 20_000), whole.description)))
    return [replace(whole, number=number, title=title or whole.title, description=described)]


def _nested(item: Any, whole: domain.Lot) -> domain.Lot | None:
    if isinstance(item, str):
        item = {"title": item}
    if not isinstance(item, Mapping):
        return None
    columns = mapping([str(key) for key in item])

    def get(*names: str) -> Any:
        stated = (item.get(columns[name]) for name in names if name in columns)
        return next((one for one in stated if one is not None), None)

    title = clean(str(get("lot_title", "title") or ""), 5_000)
    if not title:
        return None
    amount, reserved = clean_amount(get("amount")), get("reserved")
    number = get("lot_number", "reference") or item.get("number") or item.get("numero")
    return replace(
        whole,
        number=clean(str(number or ""), 40),
        title=title,
        description=clean(str(get("lot_description", "description") or ""), 20_000),
        cpv=_facts.cpvs(several(get("cpv"))) or whole.cpv,
        amount=amount,
        amount_period="total" if amount is not None else "",
        reservation=_reservation(str("" if reserved is None else reserved)) or whole.reservation,
    )


def _place(text: Any, raw: Any, buyer_id: str) -> domain.Place:
    department = next(iter(departments_of(raw("department"))), None)
    town = text("town", 200)
    if not department and not raw("postcode") and (codes := departments_of(town)) and re.search(r"\d", town):
        department = codes[0]
    place = place_of(town=town, postcode=raw("postcode"), department=department)
    return place if place.label or place.department or place.postcode else _facts.home(buyer_id)


_NATURES: dict[domain.Nature, str] = {
    "project": r"projet|program|previsionnel|intention|a venir|planned|sourcing",
    "cancellation": r"annul|cancel|sans suite",
    "correction": r"rectif|correct",
    "award": r"attribu|award",
    "prior": r"preinformation|prior",
}


def _months(raw: Any) -> float | None:
    """Months of a cell, whose number is of months where it names no other unit."""
    stated = re.search(r"([\d.,]+)\s*(an|year|jour|day|sem|week)?", fold(str(raw)))
    return _facts.months(stated[1], stated[2] or "mois") if stated else None


def _denied(stated: str) -> bool:
    """Is nothing stated, or that there is none?"""
    plain = fold(stated).strip()
    return not plain or yes_no(stated) is False or plain.startswith(("non", "aucun", "pas ", "sans"))


def _reservation(stated: str) -> domain.Reservation | None:
    """A lot said to be reserved: yes, or the beneficiaries named; an article only where stated."""
    if _denied(stated):
        return None
    who, articles = clauses.who(fold(stated)), clauses.articles(stated)
    passage = "Réservé : oui" if yes_no(stated) else stated
    return domain.Reservation(articles=articles, who=who, origin="field", passage=passage)


def _clauses(stated: str, hours: Any) -> tuple[domain.Clause, ...]:
    number = number_of(hours) or 0.0
    if _denied(stated) and number <= 0:
        return ()
    nature: Literal["criterion", "execution"] = "criterion" if "critere" in fold(stated) else "execution"
    passage, known = stated or f"{number:g} heures d'insertion", number if number > 0 else None
    return (domain.Clause(nature=nature, hours=known, origin="field", passage=passage),)
