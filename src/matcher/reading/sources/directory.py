"""A user-supplied list of structures: CSV, XLSX, JSON lines or a JSON list, its columns guessed by their headings.

Several offers a structure: repeat its SIRET, number the columns (`offre_1`, `offre_2`), or nest `offers`.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import Any, BinaryIO

from matcher.console import counted, say
from matcher.domain import KINDS, BadInput, Offer, OfferNature, Place, Rejected, Structure, Zone
from matcher.reading.sources import Columns, _columns, _structure, _tabular, _zones
from matcher.reading.sources._columns import Cells
from matcher.reading.sources._facts import cpvs
from matcher.reading.sources._places import loosely, place_of
from matcher.reference import identifiers, places, toponyms, trades
from matcher.reference.identifiers import name_words, without_brackets
from matcher.reference.text import clean, fold, shorten

YIELDS = "structure"
Row = dict[str, Any]

#: Field -> the headings it is known by (accents, case, underscores and plurals do not matter).
ALIASES: _columns.Aliases = {**_columns.TEXTS, **_columns.HEADINGS["structures"]}
#: Keys of a JSON row that hold nested offers; in a table they are headings of offers.
NESTED = ("offers", "offres", "activites", "activities", "prestations", "ateliers", "jobs", "postes")
NUMBERED = frozenset({"offer", "offer_text", "rome", "cpv", "sectors"})
#: Fields of which a further column adds to the first, or stands in for it where it is empty.
SEVERAL = NUMBERED | {"phone", "email", "website", "address", "description", "zone"}
FIELDS = tuple(ALIASES)
#: Words of headings of a list of notices; two of them make one.
_OF_NOTICES = frozenset(
    "acheteur buyer deadline procedure lot consultation marche cloture avi publication lancement montant objet".split()
)
LISTS = ("structures", "siaes", "data", "results", "records", "items")
#: Keys that belong to another format, which its own source reads better.
_FOREIGN = frozenset(
    "marches titulaires acheteur donnees nom_complet presta_types presta_type bloque_candidatures"
    " asked provenance score_qualite finess_et nofinesset numero_rna adrs_codepostal opened titulaire_id".split()
)


_VOCABULARY = _columns.Vocabulary(ALIASES, SEVERAL)


def mapping(headings: Sequence[str], cells: Cells | None = None, fixed: Columns = None) -> dict[str, str]:
    """Field -> heading, guessed; a numbered field ("offer.2") stands for a further column."""
    own = [h for h in headings if not re.search(_PRIVATE, fold(h))]
    cells = cells or {}
    # a heading of nested offers above texts is one of offers
    columns = _VOCABULARY.guess([h for h in own if not _nested_name(h) or cells.get(h)], cells, fixed)
    # of a list of jobs, or of offers alone, the description is theirs
    jobs = "rome" in columns and not {"offer", "offer.1"} & columns.keys()
    alone = "offer" in columns and not {"offer_text", "name"} & columns.keys()
    if "description" in columns and (jobs or alone):
        columns["offer_text"] = columns.pop("description")
    listed = [len(_structure.departments_of(cell)) for cell in cells.get(columns.get("department", ""), ())]
    if "zone_departments" not in columns and sum(count > 1 for count in listed) > 0.2 * len(listed):
        columns["zone_departments"] = columns.pop("department")
    return columns | _ticked(own, columns, cells)


_FAX = re.compile(r"\b(?:fax|t[ée]l[ée]copie)\W{0,5}[\d\s.+-]*", re.I)
_AT = re.compile(r"\s{0,3}[\[({]\s{0,3}(?:at|arobase|@)\s{0,3}[\])}]\s{0,3}", re.I)
_SITE = re.compile(
    r"(?:https?://|www\.)[^\s,;|]+|(?<![\w@.-])(?:[a-z\d-]{2,}\.)+(?:fr|com|org|net|coop|eu|re|bzh|info|pro)\b(?![@\w.-])",
    re.I,
)
#: "oui : www.nom.fr", but not "en construction".
_DOTTED = re.compile(r"(?<![^\s;,|])[^\s;,|.]+\.[^\W\d_]{2}[^\s;,|]*")
#: Numbers within a cell of other things: "Atelier du Pont, 3 rue Haute, SIRET 123 …".
_LABELLED = {
    "siret": re.compile(r"(?<=\bsiret)\W{0,6}(?:\d[\s.]?){13}\d(?!\d)", re.I),
    "finess": re.compile(r"(?<=\bfiness)\W{0,6}(?:\d[\s.]?){8}\d(?!\d)", re.I),
}
_PRIVATE = r"\bnon publi|\bne pas (?:publier|diffuser)"  # headings of what is not to be shown
_NOT_FOR_ALL = re.compile(rf"fax|{_PRIVATE}")
_OTHER_NUMBER = re.compile(r"\+?\(?\d[\d\s().-]{3,}")  # a number of another country, or a short one
_NUMBER = re.compile(r"(?:\+33|(?<!\d)0)[\s.]?[1-9](?:[\s.-]?\d{2}){4}(?!\d)")
_ADDRESS = re.compile(r"(?<![^\s@<>;,/|()])[^\s@<>;,/|()]+@[^\s@<>;,/|()]+\.\w+")
_REACHES = re.compile(f"{_NUMBER.pattern}|{_ADDRESS.pattern}|{_SITE.pattern}|{_AT.pattern}", re.I)
#: "33100 BORDEAUX" at the end of an address, or before the other means of contact that stand below it.
_CODE_AND_TOWN = re.compile(
    r"(?<!\d)(\d{5})[\s,-]+([^\W\d][^\d,;:\n]*?)(?=\s*(?:$|\n|,|\b(?:t[ée]l|m[ée]l|e-?mail|courriel|fax|port)\b|\S+@|0[1-9]|\+33))",
    re.I,
)


def reaches(heading: str, cells: Sequence[str]) -> bool:
    """Do most of these cells hold a number, an address or a site, that is for all to see?"""
    return not _NOT_FOR_ALL.search(fold(heading)) and 2 * sum(map(bool, map(_REACHES.search, cells))) > len(
        cells
    )


_THOUSANDS, _MILLIONS = re.compile(r"\bk ?€|\bk ?euro|millier", re.I), re.compile(r"\bm ?€|million", re.I)


def _ticked(headings: Sequence[str], found: Mapping[str, str], cells: _columns.Cells) -> dict[str, str]:
    """The columns headed by a trade, a kind or a department whose cells are ticked or empty, and those alike beside them."""
    block: list[str] = []
    marked: list[str] = []
    for heading in [*headings, ""]:
        seen = cells.get(heading, ())
        if 2 * sum(map(_columns.is_mark, seen)) > len(seen) and heading not in found.values():
            block.append(heading)
        else:
            marked += block if any(_tells(one) for one in block if cells.get(one)) else ()
            block = []
    return {f"ticked.{number}": heading for number, heading in enumerate(marked, 1)}


def _tells(heading: str) -> str:
    """What a tick below this heading says: "kind", "zone", "offer" or nothing known."""
    if _structure.kind_of(heading) and not trades.named(heading):
        return "kind"
    if _columns.LOOKS["department"](heading):
        return "zone"
    return "offer" if trades.named(heading) else ""


def _nested_name(heading: str) -> bool:
    return fold(heading) in NESTED


def _of_notices(headings: Iterable[str]) -> bool:
    """Are these the headings of a list of notices, which has SIRETs of buyers?"""
    said = {word for h in headings if not _columns.asks(h) for word in _columns.words(h).split()}
    return len(_OF_NOTICES & said) > 1


def recognises(name: str, head: bytes) -> bool:
    """True for a table, or JSON rows, whose headings hold a SIRET and something of a structure."""
    if _tabular.is_workbook(name, head):
        return True
    headings = _tabular.headings_of(head)
    if {"lots", "buyer"} <= set(headings or ()):  # a list of notices in our own form
        return False
    if not headings or any(heading in _FOREIGN for heading in headings):
        return False
    if any(h.lower().startswith(("titulaire", "acheteur", "codecpv")) for h in headings):
        return False
    rows = _tabular.peek(head, _VOCABULARY.score)
    keys = tuple(rows[0]) if rows else headings
    if _of_notices(keys):
        return False
    columns = mapping(keys, _columns.cells_of(rows))
    if not rows:
        columns = {name: h for name, h in columns.items() if not _nested_name(h)}
    return {"name", "kind"} <= set(columns) or identifies(columns)


#: What `identifies` asks of a table.
NEEDED = "a column of SIRETs, or names with two of these: a place, a type, what they do, a phone or mail"


def identifies(columns: Collection[str]) -> bool:
    """Do these fields tell structures apart, and something of each: by SIRET, or by name and place?"""
    fields = {name.partition(".")[0] for name in columns}
    if fields & {"siret", "siren", "finess"}:
        return bool({"name", "kind", "brand", "town", "offer", "ticked"} & fields)
    about = sum(bool(group & fields) for group in _columns.ABOUT_SOMEONE)
    return bool({"name", "brand"} & fields) and about + ("ticked" in fields) > 1


def read(stream: BinaryIO, name: str, columns: Columns = None) -> Iterator[Structure | Rejected]:
    """One Structure for each SIRET and kind, in the order of their first rows, then its offers in file order.

    `columns` corrects the guessed mapping (field -> heading).  Raises BadInput where neither SIRETs nor names and places
    tell structures apart.
    """

    def check(found: Mapping[str, str], keys: Sequence[str]) -> None:
        if (
            not _columns.typed(columns)
            and (not _tells_apart(found) or _of_notices(keys))
            and not name.endswith(JSON)
        ):
            raise BadInput(
                f"{name} needs {NEEDED}; its columns are {', '.join(keys[:12])}: name those with --map siret=COLUMN "
                "(or name=COLUMN, town=COLUMN and offer=COLUMN), or give the notices' own format"
            )

    drafts: dict[tuple[str, str], Structure] = {}
    first_of: dict[str, tuple[str, str]] = {}  # the first key of each SIRET
    beside: list[tuple[str, Row, dict[str, str]]] = []  # rows of sheets that only name whom they tell of
    sheet = _Sheet(columns or {}, _tabular.source_of(name))
    rows = _tabular.rows(stream, name, _VOCABULARY.score, LISTS)
    for place, row, found in _columns.mapped(name, rows, mapping, check, columns, FIELDS):
        if isinstance(row, dict) and row.get("record") in _OTHER_RECORDS:
            continue
        row = row if isinstance(row, str) else sheet.whole(row, found)
        if isinstance(row, dict) and sheet.title and not _tells_apart(found):
            beside.append((place, row, found))
            continue
        outcome = _drafts(row, found, sheet)
        if isinstance(outcome, str):
            yield _tabular.rejected(name, place, outcome)
            continue
        for draft in outcome:
            key = (draft.siret, draft.kind)
            if not draft.kind and key not in drafts:
                # A row that states no kind belongs to the structure of that SIRET, whatever its kind.
                key = first_of.get(key[0], key)
            first_of.setdefault(key[0], key)
            drafts[key] = _joined(drafts[key], draft) if key in drafts else draft
    named: dict[str, dict[tuple[str, str], None]] = {}
    for key, draft in drafts.items():
        for words in map(name_words, (draft.name, without_brackets(draft.name))):
            named.setdefault(words, {})[key] = None
    joined = 0
    for place, row, found in beside:
        name_told = clean(str(row.get(found["name"]) or ""), 300)
        keys = named.get(name_words(name_told)) or named.get(name_words(without_brackets(name_told)), {})
        # who it is the other sheet says, and the row needs a number only to be read
        more = _drafts({**row, _NUMBER_OF_ROW: 1}, {**found, "own_id": _NUMBER_OF_ROW}, sheet)
        if isinstance(more, str) or len({siret for siret, _ in keys}) != 1:
            yield _tabular.rejected(
                name,
                f"{place} ({name_told})",
                f"no structure of the other sheets is called so, or several are; to be read by itself {_lacks(found)}",
            )
            continue
        drafts |= {key: _joined(drafts[key], more[0]) for key in keys}
        joined += 1
    if beside:
        apart = f"{len(beside) - joined} could not be" if joined < len(beside) else "none was left"
        say(f"{name}: {counted(joined, 'row')} of other sheets joined to structures by their names, {apart}")
    yield from map(_finished, drafts.values())


def _tells_apart(columns: Collection[str]) -> bool:
    return "siret" in columns or identifies(columns)


def _lacks(found: Collection[str]) -> str:
    return f"it needs {NEEDED}; it has {', '.join(f for f in found if '.' not in f)}"


_NUMBER_OF_ROW = "row"
_OTHER_RECORDS = ("tender", "award")  # of `matcher read` over a folder
JSON = (".jsonl", ".json", ".ndjson")


@dataclass
class _Sheet:
    """What a row owes to what stands above it: the titles of the sheet and of its sections, the cells of merged rows."""

    columns: Mapping[str, str]  # the user's corrections, those of kinds among them
    file: str  # its own name
    title: str = ""
    #: "kind" or "place" -> the title that says it.
    sections: dict[str, str] = field(default_factory=dict)
    last: Row = field(default_factory=dict)

    def whole(self, row: Row, found: Mapping[str, str]) -> Row | str:
        """The row with what it continues; a str where it is a title, a total or a note, which tell of no structure."""
        if row.get("", "") != self.title:
            self.title, self.sections, self.last = row.get("", ""), {}, {}
        if self.title and "name" not in found and not _tells_apart(found):
            return f"the sheet is not read: {_lacks(found)}"
        filled = {
            heading: str(cell).strip()
            for heading, cell in row.items()
            if heading and not (cell is None or cell != cell or str(cell).strip() == "")
        }
        who = [found[key] for key in _IDENTITY if key in found]
        same = all(h not in filled or row[h] == self.last.get(h) for h in who)
        words = " ".join(filled.values())
        total = bool(_TOTAL.match(words)) and len(words) < 60
        if (
            same
            and not total
            and self.last
            and "name" in found
            and any(found[key] in filled for key in found if key not in _IDENTITY)
        ):
            return {**row, **{heading: self.last.get(heading) for heading in who}}
        alone = len(filled) == 1 < len(found) and found.get("siret") not in filled
        if total or ("name" in found and alone):
            # sections of kinds part the places, or the places the kinds
            says = "kind" if _structure.kind_of(words) else "place" if _named_place(words) else ""
            self.sections = self.sections | {says: words} if says and not total else {}
            self.last = {}
            return "a title, a total or a note of the sheet: it tells of no structure"
        # the cells that this row has of the ones above: of columns before the name
        before = list(takewhile(lambda heading: heading != found.get("name"), row))
        groups = [found[key] for key in _GROUPED if found.get(key) in before]
        merged = {h: self.last[h] for h in groups if h not in filled and h in self.last}
        self.last = row = row | merged
        return row

    def place(self, town: object, **stated: Any) -> Place:
        """The place that a row states, else that of its section, or the department of its sheet."""
        own = place_of(town=town, **stated)
        if own.commune and (commune := places.commune(own.commune)) and _shortens(own.label, commune.name):
            own = replace(own, label=commune.name)
        areas = _structure.departments_of(re.sub(r"\d", " ", self.title))  # that the title names in words
        section = self.sections.get("place") or (areas[0] if len(areas) == 1 else None)
        return own if own != Place() or section is None else next(iter(_named_place(section)), own)

    def kinds(
        self, stated: str, found: Mapping[str, str], name: str, form: str
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """(kinds, flags): as stated or as the user says, else by the name, the section, the sheet, the legal form or the file."""
        corrected = self.columns.get(_columns.VALUE + stated)
        if corrected is None and (kind := _structure.kind_of(form)) in _COOPERATIVE:
            stated = form if _structure.kind_of(stated) in _LESS else stated  # an approval is no form
        if kinds := _structure.kinds_of(corrected if corrected is not None else stated):
            doubtful = corrected is None and "verifier" in fold(stated)  # "EA (à vérifier)"
            return kinds, ("kind-unsure",) if doubtful else ()
        if kind := _structure.kind_in_name(name):
            return (kind,), ("kind-inferred",)
        if not stated:
            bracket = re.search(r"\(([^()]+)\)\s*$", name)
            own = bracket.group(1) if bracket else name.partition(" ")[0]
            own = own if own in KINDS or (bracket and _structure.is_kind(own)) else ""
            titles = (self.title, found.get("name", ""), re.sub(r"[\W_\d]+", " ", self.file))
            named = (_structure.kind_in_name(text) or "" for text in titles)
            around = (own, self.sections.get("kind", ""), *named, form, self.title)
            if kind := next((kind for text in around if (kind := _structure.kind_of(text))), None):
                return (kind,), ("kind-inferred",)
        kind, flags = _structure.kind_stated(stated)
        return (kind,), flags


def _shortens(label: str, name: str) -> bool:
    """Does a label leave letters of a name out ("La Roche s/ Yon", "Clermont-Fd")?"""
    short, whole = (re.sub(r"[^a-z]", "", fold(text)) for text in (label, name))
    letters = iter(whole)
    return 3 < len(short) < len(whole) and all(letter in letters for letter in short)


def _named_place(words: str) -> Sequence[Place]:
    """The place, or the area, that a title is called after; none where it says more than that."""
    town = place_of(town=words)
    return [town] if town.commune else [place for place in loosely(words) or () if place != Place()]


_GROUPED = ("kind", "town", "department", "postcode", "sectors")
_COOPERATIVE = ("SCOP", "SCIC")
_LESS = (None, "", "ESUS", "ESS")
_IDENTITY = ("siret", "siren", "name", "kind", "town", "postcode", "address")
_TOTAL = re.compile(r"\s*(?:(?:sous[ -]?)?total|nombre de|effectif total|source ?:|nb|\d{1,3} \w+$)\b", re.I)


_FILLED = tuple(
    "name brand naf address website phone email zone turnover headcount networks labels active"
    " convention updated".split()
)


def _joined(draft: Structure, more: Structure) -> Structure:
    """A further row of the same structure: its offers and texts are added, its fields fill what was empty."""
    empty = {
        name: getattr(more, name) for name in _FILLED if getattr(more, name) and not getattr(draft, name)
    }
    texts = "\n".join(filter(None, (draft.description, more.description)))
    return replace(draft, **empty, offers=draft.offers + more.offers, description=texts)


def _finished(draft: Structure) -> Structure:
    """The description first, then the distinct offers, each with an id of its own."""
    texts = list(dict.fromkeys(filter(None, draft.description.split("\n"))))
    zones = list(dict.fromkeys(zone for zone in (*(o.zone for o in draft.offers), draft.zone) if zone))
    # a sheet without a zone may tell in a sentence how far its structure goes
    zone = _together(zones) if zones else _radius_told(draft.description)
    offers: Sequence[Offer] = draft.offers
    if len(zones) == 1:  # one zone is that of all it offers; of several, each activity reaches its own
        offers = [replace(offer, zone=zone) for offer in offers]
    numbered = _structure.numbered_offers(replace(draft, zone=zone), texts, offers)
    flags = draft.flags if draft.name else (*draft.flags, "offers-only")
    return replace(draft, description="\n".join(texts), offers=numbered, zone=zone, flags=flags)


def _radius_told(text: str) -> Zone | None:
    told = _zones.stated(text)
    return Zone(radius_km=told.radius_km) if told and told.radius_km else None


def _together(zones: Sequence[Zone]) -> Zone:
    """What several zones reach together: that of a structure whose activities reach each its own."""
    return Zone(
        radius_km=max((zone.radius_km for zone in zones if zone.radius_km is not None), default=None),
        groupings=tuple(dict.fromkeys(g for zone in zones for g in zone.groupings)),
        departments=tuple(dict.fromkeys(d for zone in zones for d in zone.departments)),
        regions=tuple(dict.fromkeys(r for zone in zones for r in zone.regions)),
        country=any(zone.country for zone in zones),
        communes=tuple(dict.fromkeys(c for zone in zones for c in zone.communes)),
    )


def _drafts(row: Row | str, columns: Mapping[str, str], sheet: _Sheet) -> list[Structure] | str:
    """The structure of one row, once for each kind that it states, or the reason why there is none; further rows may follow."""
    if isinstance(row, str):
        return row

    def cell(name: str) -> Any:
        # a field without a column has no cell: under "" stands the title of the sheet
        if name in columns or name not in _LABELLED:
            return row.get(columns[name]) if name in columns else None
        return _found(_LABELLED[name], (each for each in row.values() if isinstance(each, str))) or None

    def text(name: str, limit: int = 300) -> str:
        value = cell(name)
        if isinstance(value, list | tuple):
            value = " ; ".join(_structure.several(value))
        cleaned = clean(str(value), limit)
        return "" if cleaned.lower() in ("nan", "none", "null", "[nd]", "n/a", "nc") else cleaned

    def all_of(name: str, limit: int = 300) -> list[str]:
        texts = (text(key, limit) for key in columns if key.partition(".")[0] == name)
        return [told for told in texts if told]

    def reached(name: str) -> list[str]:
        """What may hold a means of contact: its own columns first, the clearest before all, then those of any."""
        if "" in (sheet.columns.get(name), sheet.columns.get(_columns.SAVED + name)):
            return []  # --map FIELD=none: nowhere else either
        texts = [text(name), *(each for key in (name, "phone", "email", "website") for each in all_of(key))]
        texts += [
            clean(str(each), 300)
            for h, each in row.items()
            if each and h not in numbered and not _NOT_FOR_ALL.search(fold(h))
        ]
        return [_AT.sub("@", _FAX.sub(" ", each)) for each in dict.fromkeys(texts)]

    first_line, _, below = str(cell("name") or "").strip().partition("\n")
    numbered = {columns.get(key) for key in ("siret", "siren", "finess", "own_id")} | {""}
    name = clean(first_line) if _CODE_AND_TOWN.search(below) or _REACHES.search(below) else text("name")
    name, brand, flags = _FOOTNOTE.sub("", name), text("brand"), tuple[str, ...]()
    department = next(iter(_structure.departments_of(cell("department"))), None)
    region = next(iter(_structure.regions_of(cell("region"))), None)
    address = " ".join(all_of("address"))
    town = text("town") or address
    named, code = text("town"), None
    if with_code := _CODE_AND_TOWN.search(town):
        code, named = with_code.groups()
    elif code_after := re.fullmatch(r"(\D+)(\d{5})\)?", town):  # "Nancy (54000)", "Orvault, 44700"
        named, code = code_after[1].rstrip(" ,(–-\u00a0"), code_after[2]
    elif in_brackets := re.fullmatch(r"(.+?)(?:\(|,\s?)(\w{2,3})\)?", town):
        named = in_brackets.group(1).strip()
        department = department or next(iter(_structure.departments_of(in_brackets.group(2))), None)
    stands = bool(town or department or code or any(cell(key) for key in ("postcode", "commune", "latitude")))
    if not stands and (
        with_code := next(filter(None, map(_CODE_AND_TOWN.search, map(str, row.values()))), None)
    ):
        code, named = with_code.groups()
    place = sheet.place(
        town=named,
        postcode=code or cell("postcode"),
        commune=cell("commune"),
        department=department,
        region=region,
        latitude=cell("latitude"),
        longitude=cell("longitude"),
    )
    if town and place.commune is None and place.latitude is None:
        near = _nearer(town, place)
        place = near or place
        flags = flags if near else (f"town-unread: {shorten(town, 60)}",)
    who, where = name or brand, place.commune or place.department or place.region
    siren = next(
        filter(identifiers.siren_valid, (re.sub(r"\D", "", text(key)) for key in ("siren", "siret"))), ""
    )
    rna = cell("rna") or next(iter(re.findall(r"\bW\d{9}\b", text("siret"))), None)
    siret, of_siret, refused = identifiers.identified(
        _siret(cell),
        cell("finess"),
        rna,
        cell("own_id"),
        identifiers.name_identity(who, where),
        identifiers.siren_identity(siren, who, where),
    )
    if siren and siret.startswith("F"):  # numbers that identify it less well are kept beside
        of_siret = (*of_siret, f"siren: {siren}")
    elif finess := identifiers.finess_identity(cell("finess")):
        of_siret = (*of_siret, f"finess: {finess[1:]}")
    if refused:
        several = len([*toponyms.named(fold(town))]) > 1
        why = "is the name of several places: add its postcode" if several else "is no place known"
        return f"{refused} ({town!r} {why})" if flags and refused == identifiers.UNSTATED else refused
    flags = (*of_siret, *flags)
    # the title of a page is no offer, and what a page of others tells is no word of its own
    titles = ("title", "titre") if "page" in fold(columns.get("website", "")) else ()
    listed = {key: heading for key, heading in columns.items() if fold(heading) not in titles}
    offers = [*_offers(row, listed, cell, text)]
    foreign = _PAGE.match(text("website")) if _structure.yes_no(cell("own_page")) is False else None
    if foreign:
        offers = [replace(one, source=foreign[1], inferred=True) for one in offers]
    if not name and not brand and not offers:
        return "no name: fill in the name of the structure, or point to its column with --map name=COLUMN"
    ticked = [(heading, _tells(heading)) for heading in _ticks(row, columns)]
    stated, marked = text("kind"), " / ".join(heading for heading, tells in ticked if tells == "kind")
    stated = marked if marked and _structure.kind_of(stated) in (*_LESS, "ASSO") else stated
    kinds, told = sheet.kinds(stated, columns, name, text("legal_form"))
    flags = (*flags, *told)
    provenance = {"kind": "from the name or its surroundings"} if "kind-inferred" in told else {}
    if place.department is None and place.latitude is None:
        flags = (*flags, "place-unknown")
    in_words = [told for told in all_of("radius") if not re.search(r"\d", told)]
    in_words += [heading for heading, tells in ticked if tells == "zone"]
    zone_words = " ; ".join(all_of("zone", 2_000) + in_words)
    around = cell("radius"), cell("zone_departments"), cell("zone_regions")
    zone, guessed = _zones.zone_of(zone_words, *around, home=place)
    if zone_words and zone is None:
        flags = (*flags, f"zone-unread: {zone_words[:80]}")
    elif guessed:
        flags = (*flags, f"zone-guessed: {zone_words[:80]}")
    updated = identifiers.clean_date(cell("updated"))
    turnover = identifiers.clean_amount(_structure.bare_figure(cell("turnover")))
    unit = columns.get("turnover", "")
    people, posts = (_structure.headcount_of(cell(each)) for each in ("headcount", "places"))
    figures = (("turnover", turnover), ("headcount", people), ("places", posts))
    if "ESAT" in kinds and people is not None and "etp" in fold(columns.get("headcount", "")):
        people, flags = None, (*flags, f"staff-of-esat: {text('headcount')}")  # posts of its staff, no places
    flags += tuple(
        f"figure-unread: {text(f)}" for f, number in figures if number is None and text(f).strip("0 -?€")
    )
    structure = Structure(
        siret=siret,
        name=name or brand,
        kind=kinds[0],
        brand=brand,
        naf=identifiers.clean_naf(cell("naf")),
        address=address or " ".join(filter(None, (text("street_number"), text("street")))),
        place=place,
        zone=zone,
        website="" if foreign else _found(_DOTTED, all_of("website")) or _found(_SITE, reached("website")),
        phone=_structure.phone_of(*all_of("phone"))
        or _structure.phone_of(_found(_NUMBER, reached("phone")))
        or _found(_OTHER_NUMBER, all_of("phone")),
        email=_found(_ADDRESS, reached("email")),
        networks=_structure.several(cell("networks")),
        labels=_structure.several(cell("labels")),
        turnover=turnover
        and turnover * (1e3 if _THOUSANDS.search(unit) else 1e6 if _MILLIONS.search(unit) else 1),
        # as the register of ESAT counts them
        headcount=(posts or people if "ESAT" in kinds else people or posts)
        or _structure.headcount_of_band(cell("headcount_band")),
        active=_structure.yes_no(cell("active")),
        checked=updated if _structure.yes_no(cell("active")) is not None else None,
        convention=text("convention", 100),
        source=sheet.file,
        updated=updated,
        rna=identifiers.rna_identity(rna),
        predecessors=tuple(
            number
            for number in (_structure.siret_of(part)[0] for part in _structure.several(cell("predecessors")))
            if number
        ),
        flags=flags,
        provenance=provenance,
        # a row's zone is that of the activities it states
        offers=tuple(offer if offer.zone else replace(offer, zone=zone) for offer in offers),
        description="\n".join(all_of("description", 20_000)),
    )
    return [replace(structure, kind=kind) for kind in kinds]


_FOOTNOTE = re.compile(r"\s{0,3}\(?\*{1,9}\)?$")
_PAGE = re.compile(r"https?://(?:www\.)?([^/\s]+)/[^/\s]", re.I)  # at the root of a site stands whose it is


def _found(pattern: re.Pattern[str], texts: Iterable[str]) -> str:
    """The first that a pattern finds; "" for none."""
    return next((hit.group() for each in texts if (hit := pattern.search(each))), "")


def _nearer(words: str, place: Place) -> Place | None:
    """The place with the town, or the area, that loose words name; None where they name none, or one elsewhere than is stated."""
    for one in loosely(words) or ():
        if None in (place.department, one.department) or place.department == one.department:
            return replace(
                one if places.precise(one) or not place.department else place, label=words, inferred=False
            )
    return None


def _siret(cell: Callable[[str], Any]) -> tuple[str, tuple[str, ...], str]:
    """As `siret_of`, the SIREN and the NIC of a row in two columns joined."""
    if str(cell("nic") or "") and not cell("siret"):
        nic = re.sub(r"\.0$", "", str(cell("nic"))).zfill(5)
        return _structure.siret_of(f"{re.sub(r'[^0-9]', '', str(cell('siren') or '')).zfill(9)}{nic}")
    return _structure.siret_of(cell("siret"), cell("siren"))


def _offers(row: Row, columns: Mapping[str, str], cell: Any, text: Any) -> Iterator[Offer]:
    """The offers of a row: plain columns, numbered columns, nested lists."""
    numbers = {key.partition(".")[2] for key in columns if key.partition(".")[0] in NUMBERED}
    alone = not any(key.partition(".")[0] in ("offer", "offer_text", "ticked") for key in columns)
    shared_sectors = tuple(
        sector
        for key, heading in columns.items()
        if key == "sectors" or (alone and key.startswith("sectors."))
        for sector in _structure.several(row.get(heading))
    )
    service_types = _structure.service_types_of(cell("service_types"))

    def rank(number: str) -> tuple[bool, int]:
        of = (columns.get(f"{field}.{number}".rstrip("."), "") for field in NUMBERED)
        return any(map(_FURTHER.search, map(fold, of))), int(number or 0)

    for number in sorted(numbers, key=rank):
        suffix = f".{number}" if number else ""
        # Without a text of their own, titles parted by ; or newlines in one cell are several offers.
        heading = columns.get(f"offer{suffix}", "")
        raw = cell(f"offer{suffix}")
        nested = _nested_name(heading) and isinstance(raw, list)  # read below
        titles: Sequence[str] = ("" if nested else text(f"offer{suffix}", 2_000),)
        body = text(f"offer_text{suffix}", 20_000)
        parted = isinstance(raw, list) or any(re.search(sign, str(raw or "")) for sign in _structure.PARTS)
        if parted and not nested and not body:
            titles = _structure.several(raw)
            slashed = isinstance(raw, str) and not re.search(_structure.PARTS[0], raw)
            titles = _with_neighbours(titles) if slashed else titles
        label = text("rome_label") if not number else ""
        for title in titles:
            yield from _offer(
                title or label,
                body,
                _rome(cell(f"rome{suffix}")),
                cpv=cpvs(_structure.several(cell(f"cpv{suffix}"))),
                sectors=_structure.several(cell(f"sectors{suffix}")) or shared_sectors,
                service_types=service_types,
            )
    for heading in _ticks(row, columns):
        if _tells(heading) in ("offer", ""):
            yield Offer(id="", title=heading)
    if alone:
        for sector in shared_sectors:
            yield Offer(id="", title=sector, sectors=(sector,), service_types=service_types)
    for key in row:
        if _nested_name(key) and isinstance(row[key], list):
            for item in row[key][:500]:
                yield from _nested(item, shared_sectors, service_types)


#: A heading of what is done beside the main trade, wherever its column stands.
_FURTHER = re.compile(r"\b(?:autres?|secondaires?|complementaires?|annexes?|accessoires?)\b")


def _with_neighbours(titles: Iterable[str]) -> list[str]:
    """Titles parted by slashes, a lone word that names no trade with its neighbour: "Tri / réemploi" is réemploi."""
    made: list[str] = []
    for title in titles:
        if made and any(" " not in one and not trades.named(one) for one in (made[-1], title)):
            made[-1] += f" / {title}"
        else:
            made.append(title)
    return made


def _ticks(row: Row, columns: Mapping[str, str]) -> Iterator[str]:
    """The headings that a row ticks."""
    for key, heading in columns.items():
        if (
            key.startswith("ticked")
            and fold(str(row.get(heading) or "")).strip(" ()") not in _columns.UNTICKED
        ):
            yield heading


def _nested(item: Any, sectors: tuple[str, ...], service_types: tuple[str, ...]) -> Iterator[Offer]:
    if isinstance(item, str):
        item = {"title": item}
    if not isinstance(item, Mapping):
        return

    def first(*keys: str) -> Any:
        return next((item[key] for key in keys if item.get(key)), None)

    def plain(value: Any, limit: int) -> str:
        return clean(str(value), limit) if isinstance(value, str | int | float) else ""

    zone = first("zone", "perimeter", "perimeters", "perimetre")
    around = first("radius", "rayon", "radius_km"), first("departments", "departements"), first("regions")
    yield from _offer(
        plain(first("title", "titre", "name", "nom", "intitule", "offre", "activite"), 2_000),
        plain(first("description", "text", "texte", "detail"), 20_000),
        _rome(first("rome", "code_rome")),
        cpv=cpvs(_structure.several(first("cpv", "code_cpv"))),
        sectors=_structure.several(first("sectors", "secteurs", "sector", "secteur")) or sectors,
        service_types=_structure.service_types_of(first("presta_types", "presta_type", "service_types"))
        or service_types,
        zone=_zones.zone_of(zone, *around)[0],
        since=identifiers.clean_date(first("since", "depuis", "date")),
    )


def _offer(title: str, body: str, rome: tuple[str, ...], **stated: Any) -> Iterator[Offer]:
    """An offer, or a job where all there is is a job's name and its ROME code; none for an empty row."""
    if title or body:
        nature: OfferNature = "job" if rome and not body else "offer"
        yield Offer(id="", title=title or shorten(body, 120), text=body, nature=nature, rome=rome, **stated)


def _rome(raw: object) -> tuple[str, ...]:
    codes = (code.strip().upper()[:5] for code in _structure.several(raw))
    return tuple(
        dict.fromkeys(code for code in codes if len(code) == 5 and code[0].isalpha() and code[1:].isdigit())
    )
