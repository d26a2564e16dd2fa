"""Normalisation of structure lists: kinds, SIRETs, zones, booleans, places."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cache, lru_cache
from itertools import islice
from typing import Any

from matcher.domain import DISABILITY_KINDS, KINDS, SIAE_KINDS, Offer, Structure
from matcher.reading.sources._json import first
from matcher.reading.sources._places import department_names, place_of
from matcher.reference import identifiers, places, toponyms
from matcher.reference.tables import code_list
from matcher.reference.text import clean, fold, shorten

#: Further names of the kinds, beside their code and label of KINDS; of several that a text holds the longest counts.
_KIND_NAMES: dict[str, list[str]] = code_list("names of kinds")
_ABBREVIATED = code_list("abbreviations in kinds")
_SMALL_WORDS = frozenset("un une de du d des la le les l par pour et ou en a au".split())


def stems(text: str) -> tuple[str, ...]:
    """The words that count of a folded text, without plural, cut after seven letters."""
    kept = (w[:-1] if len(w) > 3 and w[-1] in "sx" else w for w in text.split() if w not in _SMALL_WORDS)
    return tuple(word[:7] for word in kept)


@cache
def _names_of_kinds() -> list[tuple[frozenset[str], str]]:
    """(stems, kind), the name of the most words first; a code counts more than a name of one word."""
    names = [(frozenset(stems(_plain(name))), kind) for kind, more in _KIND_NAMES.items() for name in more]
    names += [(frozenset(stems(_plain(label))), kind) for kind, label in KINDS.items()]
    return sorted(names, key=lambda pair: -len(pair[0]))


@lru_cache(10_000)
def _kind(text: str, whole: bool = False) -> str | None:
    """The kind that words name; `whole` where they may say nothing else."""
    text = re.sub(
        r"(?<!\w)(?:[a-z][. ] ?){1,5}[a-z]\b\.?", lambda m: re.sub(r"[. ]", "", m.group()), fold(text)
    )
    tokens = [part for word in _plain(text).split() for part in _ABBREVIATED.get(word, word).split()]
    if not tokens:
        return None
    words = stems(" ".join(tokens))
    # a code of two or three letters is a word elsewhere ("ai"), one of four is none
    told = [tokens[0], tokens[-1], *(word for word in tokens if len(word) > 3)]
    codes = [word.upper() for word in told if word.upper() in KINDS]
    # "insertion (EI)": before a kind in brackets words of kinds say no more
    begun = tuple({stem[:5] for name, _ in _names_of_kinds() for stem in name}) if "(" in text else ()
    rest = frozenset(word for word in words if not word.startswith(begun))
    for name, kind in _names_of_kinds():
        if len(name) == 1 and codes:
            break
        if name <= frozenset(words) and not (whole and rest - name - {code.lower() for code in codes}):
            return kind
    return codes[0] if codes and not (whole and rest - {codes[0].lower()}) else None


def kinds_of(raw: object) -> tuple[str, ...]:
    """The codes of domain.KINDS that a text names ("AI/ACI" names two), "" an ordinary firm; () where it is not known."""
    text = clean(str(raw or ""), 300)
    parts = [part for part in re.split(r"[/,;+&|]|\b(?:et|ou)\b", text) if part.strip()]
    several_kinds = [_kind(part, whole=True) for part in parts]
    if len(parts) > 1 and all(kind in _AGREED for kind in several_kinds):
        return tuple(dict.fromkeys(kind for kind in several_kinds if kind))
    kind = _kind(text)
    return () if kind is None else (kind,)


_AGREED = SIAE_KINDS | DISABILITY_KINDS | {"GEIQ"}  # one structure may hold two of these agreements


def kind_of(raw: object) -> str | None:
    """The first of `kinds_of`; None where it is not known."""
    return next(iter(kinds_of(raw)), None)


def is_kind(raw: str) -> bool:
    """Does a text name a kind, and nothing else?"""
    return len(kinds_of(raw)) > 1 or _kind(raw, whole=True) is not None


def kind_stated(raw: object) -> tuple[str, tuple[str, ...]]:
    """(kind, flags): a kind that is not known stays as it is written, and is flagged: it makes no ordinary firm."""
    kind, text = kind_of(raw), clean(str(raw or ""), 60)
    words = frozenset(stems(_plain(text)))
    # the one kind among whose words all of these are: "Chantier", "Intermédiaire"
    begun = {kind for name, kind in _names_of_kinds() if words and words <= name}
    if kind is not None or len(begun) == 1:
        return kind if kind is not None else begun.pop(), ()
    return text, ("kind-unknown" if text else "kind-missing",)


#: Unambiguous words of the names of structures.
_IN_NAMES = {kind.lower(): kind for kind in ("GEIQ", "ESAT", "ETTI", "EATT", "ESUS")}
_IN_NAMES |= {"entreprise adaptee": "EA", "association intermediaire": "AI", "chantier d insertion": "ACI"}
_IN_NAMES |= {"entreprise d insertion": "EI"}


def kind_in_name(name: str) -> str | None:
    """The kind that a structure's own name states ("GEIQ BTP ..."), only for unambiguous words."""
    text = " " + re.sub(r"[^a-z0-9]+", " ", fold(name)) + " "
    return next((kind for words, kind in _IN_NAMES.items() if f" {words} " in text), None)


def siret_of(raw: object, siren: object = None) -> tuple[str, tuple[str, ...], str]:
    """(14 digits or "", flags, reason it is refused or "").

    A failed check sum is flagged and kept.  A leading zero lost by a spreadsheet is given back only where the
    check sums of both SIRET and SIREN prove it.
    """
    text = str(raw if raw is not None else "").strip().lstrip("'")
    if not re.search(r"\d", text) and len(text) < 40:  # "à demander", "?", "en cours"
        return "", (), identifiers.UNSTATED
    if re.fullmatch(r"\d+(?:[.,]\d+)?[eE]\+?\d+", text):
        why = f"SIRET {text} was rounded by the spreadsheet: format the column as text and type it again"
        return "", (), why
    text = re.sub(r"\.0+$|^(?:n°\s*)?sire[tn]\W*", "", text, flags=re.I)
    number = re.sub(r"[\s.\u00a0\u202f_-]", "", text)
    if not re.fullmatch(r"[0-9]+", number):
        return "", (), f"SIRET {clean(text, 40)!r} holds other signs than digits: write its 14 digits"
    if len(number) == 13:
        padded = "0" + number
        same = re.sub(r"\D", "", str(siren or "")).zfill(9) == padded[:9] and bool(siren)
        if identifiers.siret_valid(padded) and (same or identifiers.siren_valid(padded[:9])):
            return padded, ("siret-padded",), ""
    if len(number) == 9:
        why = f"SIRET {number} is a SIREN (9 digits): give the 14 digits of the establishment that serves"
        return "", (), why
    if len(number) != 14:
        why = f"SIRET {clean(text, 40)} has {len(number)} digits: write all 14 (format the column as text)"
        return "", (), why
    return number, (() if identifiers.siret_valid(number) else ("siret-checksum",)), ""


_YES = frozenset("1 true vrai oui o yes y x a actif active ouvert ouverte".split()) | {"en activite"}
_NO = frozenset("0 false faux non n no f c ferme fermee cesse cessee inactif radiee".split())


def yes_no(raw: object) -> bool | None:
    """True, False or unknown, from the words and letters in use (A and F or C of the national register too)."""
    text = fold(str(raw if raw is not None else "")).strip().removesuffix(".0")
    return True if text in _YES else False if text in _NO else None


PARTS = (r"[;|\n•]", " / ")  # what parts the values of a cell, the clearest first


def several(raw: object) -> tuple[str, ...]:
    """A list, or a cell that holds several values parted by ; | newline or, failing these, " / ", or commas."""
    if raw is None:
        return ()
    if isinstance(raw, list | tuple | set):
        items: Iterable[object] = raw
    else:
        text = str(raw)
        items = next((re.split(sign, text) for sign in PARTS if re.search(sign, text)), text.split(","))
    names = [_named(item) for item in items]
    return tuple(dict.fromkeys(name for name in names if name))


def _named(item: object) -> str:
    if isinstance(item, dict):
        item = next((item[key] for key in ("name", "nom", "label", "libelle", "slug") if item.get(key)), "")
    return clean(str(item if item is not None else ""), 300)


#: What hedges or remarks on a figure: "env. 20", "~ 1,2 M€ (2024)", "12 dont 4 en CDI"; and the two ends of "10 à 19".
_HEDGE = re.compile(
    r"\b(?:env(?:iron)?\b\.?|approx\w*\.?|entre\b)|(?:^\W*\+|\bplus|\bpr[eè]s|\bmoins) de\b|^\s*[~≈+]|\([^)]*\)|\bdont\b.*",
    re.I,
)
_ENDS = re.compile(r"(?<![\d.,])(\d+(?:[.,]\d+)?)\s?(?:-|–|/|à|et)\s?(\d+(?:[.,]\d+)?)(?![\d.,])")


def bare_figure(raw: object) -> object:
    """A figure as people write it, without the words that hedge it; of a range the middle."""
    if not isinstance(raw, str):
        return raw

    def middle(ends: re.Match[str]) -> str:
        return str(sum(float(end.replace(",", ".")) for end in ends.groups()) / 2)

    return _ENDS.sub(middle, _HEDGE.sub(" ", raw)).strip()


def headcount_of(raw: object) -> float | None:
    """A number of people, or of full-time posts, hedged or with its unit ("env. 20", "10 à 19 ETP")."""
    return identifiers.number_of(re.sub(r"(?<=\d)\s*[^\W\d][^\d,]*$", "", str(bare_figure(raw))))


def departments_of(raw: object, reached: bool = False) -> tuple[str, ...]:
    """Department codes named by code ("75, 2A, 974", "59L") or by name.

    `reached`, of where someone goes: by that of a region before 2016 too, and not by a name within a longer one.
    """
    text = _listed(raw).removesuffix(".0")
    tokens = re.findall(r"(?<!\w)(2[ab]|97\d|\d{1,2})[a-z]?(?!\w)", text)
    codes = [code for token in tokens if (code := token.upper().zfill(2)) in department_names()]
    plain = f" {_plain(text)} "
    for start, _, departments, _ in areas_in(plain):
        if not _LONGER.search(plain[: start + 1]) if reached else len(departments) == 1:
            codes += departments
    return tuple(dict.fromkeys(codes))


def regions_of(raw: object) -> tuple[str, ...]:
    """INSEE region codes named by name; a bare number is no region here (it would be a department)."""
    return tuple(dict.fromkeys(region for *_, region in areas_in(f" {_plain(_listed(raw))} ") if region))


def _listed(raw: object) -> str:
    """A cell, or a list, as one folded text."""
    text = " ; ".join(several(raw)) if isinstance(raw, list | tuple) else str("" if raw is None else raw)
    return fold(text)[:20_000]


#: Before the name of a department, what makes it the river's, or a part: "val d'Allier", "Pont du Gard", "Haut-Doubs".
_LONGER = re.compile(
    r"\b(?:haute?|bas(?:se)?|moyenne?|petite?) $|\b(?!(?:dep(?:t|artements?)?|regions?|ensemble|totalite|tout|reste|partie|moitie|quart"
    r"|nord|sud|est|ouest|centre|secteurs?|zones?|territoires?|perimetres?|communes?|villes?|sein|niveau|echelle|limites?|pres|autour"
    r"|proximite|interieur|confins|partir)\b)[a-z]{3,} (?:du |des |de la |de l |de |d )$"
)


@lru_cache(10_000)
def areas_in(plain: str) -> tuple[tuple[int, int, tuple[str, ...], str], ...]:
    """(start, end, departments, region) of each area named between spaces, left to right; of "pays de la loire" no part is the Loire."""
    found = []
    for name, area in _area_names():
        while (start := plain.find(name)) >= 0:
            found.append((start, start + len(name), *area))
            plain = plain.replace(name, " " * len(name), 1)
    return tuple(sorted(found))


@cache
def _area_names() -> tuple[tuple[str, tuple[tuple[str, ...], str]], ...]:
    """Names of departments and of regions of now and before, the longest first: "Alpes-de-Haute-Provence" before "Alpes"."""
    names: dict[str, tuple[tuple[str, ...], str]] = {
        name: (codes, "") for name, codes in places.former_regions().items()
    }
    names |= {name: ((), code) for code, name in places.regions().items()}
    names |= {name: ((), code) for name, code in toponyms.ACRONYMS.items()}
    for code, name in department_names().items():
        names[name] = (code,), names.get(name, ((), ""))[1]
    return tuple(
        sorted(((f" {_plain(name)} ", area) for name, area in names.items()), key=lambda pair: -len(pair[0]))
    )


@lru_cache(10_000)
def _plain(text: str) -> str:
    return " ".join(re.sub(r"[^a-z0-9]+", " ", fold(text)).split())


#: Bands of headcount of the national register (INSEE, tranche d'effectifs): code -> lowest and highest number.
_BANDS: dict[str, list[int]] = code_list("headcount bands")


def headcount_of_band(raw: object) -> float | None:
    """The middle of an INSEE band of headcount ("12" is 20 to 49 persons: 34.5), or None ("NN", unknown)."""
    text = str(raw if raw is not None else "").strip().removesuffix(".0")
    band = _BANDS.get(text.zfill(2)) if text else None
    return sum(band) / 2 if band else None


_SERVICES = {"mise a disposition": "DISP", "prestation": "PREST", "fabrication": "BUILD", "bien": "BUILD"}


def service_types_of(raw: object) -> tuple[str, ...]:
    """DISP (staff), PREST (services), BUILD (goods), from Le Marché's codes or French words."""
    types: dict[str, None] = {}
    for plain in map(fold, several(raw)):
        named = (code for word, code in _SERVICES.items() if plain == code.lower() or word in plain)
        types |= dict.fromkeys(islice(named, 1))
    return tuple(types)


_PHONE = re.compile(
    r"(?<![\w,])(?:(?:\+|00)33[\s.]?(?:\(0\))?[\s.]?|0)?([1-9](?:[\s.\u00a0\u202f/-]?\d{2}){4})(?!\d)"
)


def phone_of(*raw: object) -> str:
    """The first French number of texts as five pairs, that of a desk before a mobile one; "" for none.

    The zero that a spreadsheet dropped is given back.
    """
    texts = (re.sub(r"\.0$", "", str(each if each is not None else "")) for each in raw)
    numbers = ["0" + re.sub(r"\D", "", match.group(1)) for text in texts for match in _PHONE.finditer(text)]
    digits = min(numbers, key=lambda number: number[1] in "67", default="")
    return " ".join(digits[i : i + 2] for i in range(0, len(digits), 2))


def plain(raw: object) -> str:
    """A short text, "" where the value is none."""
    return clean(raw, 300) if isinstance(raw, str) else ""


#: How each field of a publisher's row is read; its keys are in the table "fields of structures".
_READ: Mapping[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("name", "brand", "rna", "website", "phone", "email"), plain),
    **dict.fromkeys(("networks", "labels"), several),
    **{
        "naf": identifiers.clean_naf,
        "turnover": identifiers.clean_amount,
        "headcount": identifiers.number_of,
        "updated": identifiers.clean_date,
    },
}
Identity = tuple[str, tuple[str, ...], str]  # as `siret_of`


def published(
    row: Mapping[str, Any],
    publisher: str,
    source: str,
    identity: Identity | None = None,
    kind: str | None = None,
    *,
    told: Iterable[str] = (),
    offers: Iterable[Offer] = (),
    **more: Any,
) -> Structure | str:
    """The structure of a publisher's row; a str is the reason why it is rejected.

    `identity` and `kind` (in words) are those found otherwise than by the keys of the fields, as `more` fields are; `told`
    are the texts in which it describes itself.
    """
    keys = code_list("fields of structures")[publisher]
    cells = {field: [row.get(key) for key in names.split()] for field, names in keys.items()}

    def cell(field: str) -> Any:
        return first(*cells.get(field, ()))

    siret, flags, refused = identity or siret_of(cell("siret"))
    if refused:
        return refused
    facts = {field: read(cell(field)) for field, read in _READ.items() if field in keys}
    brand = facts.pop("brand", "")
    name = facts.pop("name") or brand
    if not name:
        return "no name: its publisher gives one to each structure"
    kind, doubts = kind_stated(cell("kind") if kind is None else kind)
    place = place_of(
        department=next(iter(departments_of(cell("department"))), None),
        region=next(iter(regions_of(cell("region"))), None),
        **{part: cell(part) for part in ("town", "postcode", "commune", "latitude", "longitude")},
    )
    facts |= {"address": " ".join(filter(None, map(plain, cells["address"]))), "source": source, **more}
    facts |= {"brand": brand if brand != name else "", "description": "\n".join(filter(None, told))}
    made = Structure(siret=siret, name=name, kind=kind, place=place, flags=(*flags, *doubts), **facts)
    return replace(made, offers=numbered_offers(made, told, offers))


def numbered_offers(
    structure: Structure, descriptions: Iterable[str], offers: Iterable[Offer]
) -> tuple[Offer, ...]:
    """The structure's own descriptions as first offers, then its distinct offers, each with an id, a day and a source."""
    listed = [
        Offer(id="", title=shorten(text, 120), text=text, nature="description", zone=structure.zone)
        for text in dict.fromkeys(descriptions)
        if text
    ]
    seen: set[tuple[object, ...]] = set()
    for offer in offers:
        mark = (fold(offer.title), fold(offer.text), offer.rome, offer.zone, offer.service_types)
        if mark not in seen:
            seen.add(mark)
            listed.append(offer)
    kind = f"/{structure.kind}" if structure.kind else ""
    day, source = structure.updated, structure.source
    return tuple(
        replace(
            offer,
            id=f"{structure.siret}{kind}#{number}",
            since=offer.since or day,
            source=offer.source or source,
        )
        for number, offer in enumerate(listed)
    )
