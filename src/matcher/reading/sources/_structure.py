"""Normalisation of structure lists: kinds, SIRETs, zones, booleans, places."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache

from matcher.domain import KINDS, Offer, Structure, Zone
from matcher.reading.sources._places import department_names, region_names
from matcher.reference.identifiers import siren_valid, siret_valid
from matcher.reference.text import clean, fold, shorten

#: Ways to write a kind, accents and punctuation folded; the codes of KINDS are known by themselves.
_KIND_WORDS: tuple[tuple[str, str], ...] = (
    # the longer name first: the temp agency of a kind before the kind
    (r"entreprises? adaptees? de travail temporaire|eatt", "EATT"),
    (r"entreprises? de travail temporaire d ?insertion|etti", "ETTI"),
    (r"entreprises? d ?insertion par le travail independant|eiti", "EITI"),
    (r"entreprises? d ?insertion|ei", "EI"),
    (r"ateliers?( et)? chantiers? d ?insertion|chantiers? d ?insertion|aci|aciphc", "ACI"),
    (r"associations? intermediaires?|ai", "AI"),
    (r"entreprises? adaptees?|ea", "EA"),
    (r"etablissements?( et| ou)? services? d ?(aide|accompagnement) par le travail|e ?s ?a ?t|cat", "ESAT"),
    (r"centres? d ?aide par le travail", "ESAT"),
    (r"groupements? d ?employeurs? pour l ?insertion et la qualification|geiq", "GEIQ"),
    (
        r"(structures?|ateliers?|entreprises?) .*penitentiaires?|sep|regie industrielle .*penitentiaires?",
        "SEP",
    ),
    (r"entreprises? solidaires? d ?utilite sociale|esus", "ESUS"),
    (r"societes? cooperatives? d ?interet collectif|scic", "SCIC"),
    (r"societes? cooperatives?( ouvrieres?)?( et participatives?)?( de production)?|scop", "SCOP"),
    (r"associations?( (loi|declarees?).*)?|asso", "ASSO"),
    (r"mutuelles?", "MUTUELLE"),
    (r"fondations?", "FONDATION"),
    (r"(entreprises? de l )?economie sociale( et solidaire)?|ess|cooperatives?", "ESS"),
)


def kind_of(raw: object) -> str | None:
    """The kind's code of domain.KINDS, from a code, its name in words or both; None where it is not known."""
    text = " ".join(re.sub(r"[^a-z0-9]+", " ", fold(str(raw or ""))).split())
    if not text:
        return None
    if text.upper() in KINDS:
        return text.upper()
    for pattern, kind in _KIND_WORDS:
        if re.fullmatch(rf"(?:{pattern})", text):
            return kind
    # "ESAT - établissement et service ...", "Entreprise adaptée (EA)": a code or a name and something more
    for pattern, kind in _KIND_WORDS:
        if re.match(rf"(?:{pattern})\b", text) or re.search(rf"\b(?:{pattern})$", text):
            return kind
    return None


def kind_in_name(name: str) -> str | None:
    """The kind that a structure's own name states ("GEIQ BTP ..."), only for unambiguous words."""
    text = " " + re.sub(r"[^a-z0-9]+", " ", fold(name)) + " "
    for word, kind in (
        (" geiq ", "GEIQ"),
        (" esat ", "ESAT"),
        (" etti ", "ETTI"),
        (" eatt ", "EATT"),
        (" entreprise adaptee ", "EA"),
        (" association intermediaire ", "AI"),
        (" chantier d insertion ", "ACI"),
        (" entreprise d insertion ", "EI"),
    ):
        if word in text:
            return kind
    return None


def siret_of(raw: object, siren: object = None) -> tuple[str, tuple[str, ...], str]:
    """(14 digits or "", flags, reason it is refused or "").

    A failed check sum is flagged and kept.  A leading zero lost by a spreadsheet is given back only where the
    check sums of both SIRET and SIREN prove it.
    """
    text = str(raw if raw is not None else "").strip().lstrip("'")
    if not text or text.lower() in ("nan", "none", "null", "-", "nd", "n/a"):
        return "", (), "no SIRET: fill in the 14 digits of the establishment"
    if re.fullmatch(r"\d+(?:[.,]\d+)?[eE]\+?\d+", text):
        return (
            "",
            (),
            f"SIRET {text} was rounded by the spreadsheet: format the column as text and type it again",
        )
    if isinstance(raw, float) and raw.is_integer() and raw < 1e15:
        text = str(int(raw))
    text = re.sub(r"\.0+$", "", text)
    number = re.sub(r"[\s.\u00a0\u202f_-]", "", text)
    if not re.fullmatch(r"[0-9]+", number):
        return "", (), f"SIRET {clean(text, 40)!r} holds other signs than digits: write its 14 digits"
    if len(number) == 13:
        padded = "0" + number
        same = re.sub(r"\D", "", str(siren or "")).zfill(9) == padded[:9] and bool(siren)
        if siret_valid(padded) and (same or siren_valid(padded[:9])):
            return padded, ("siret-padded",), ""
    if len(number) == 9:
        return (
            "",
            (),
            f"SIRET {number} is a SIREN (9 digits): give the 14 digits of the establishment that serves",
        )
    if len(number) != 14:
        return (
            "",
            (),
            f"SIRET {clean(text, 40)} has {len(number)} digits: write all 14 (format the column as text)",
        )
    return number, (() if siret_valid(number) else ("siret-checksum",)), ""


_YES = frozenset(
    (
        "1",
        "true",
        "vrai",
        "oui",
        "o",
        "yes",
        "y",
        "x",
        "a",
        "actif",
        "active",
        "ouvert",
        "ouverte",
        "en activite",
    )
)
_NO = frozenset(
    (
        "0",
        "false",
        "faux",
        "non",
        "n",
        "no",
        "f",
        "c",
        "ferme",
        "fermee",
        "cesse",
        "cessee",
        "inactif",
        "radiee",
    )
)


def yes_no(raw: object) -> bool | None:
    """True, False or unknown, from the words and letters in use (A and F or C of the national register too)."""
    if isinstance(raw, bool):
        return raw
    text = fold(str(raw if raw is not None else "")).strip().removesuffix(".0")
    return True if text in _YES else False if text in _NO else None


def several(raw: object) -> tuple[str, ...]:
    """A list, or a cell that holds several values parted by ; | newline or, failing these, commas."""
    if raw is None:
        return ()
    if isinstance(raw, list | tuple | set):
        items: Iterable[object] = raw
    else:
        text = str(raw)
        items = re.split(r"[;|\n•]", text) if re.search(r"[;|\n•]", text) else text.split(",")
    names = [_named(item) for item in items]
    return tuple(dict.fromkeys(name for name in names if name))


def _named(item: object) -> str:
    if isinstance(item, dict):
        item = next((item[key] for key in ("name", "nom", "label", "libelle", "slug") if item.get(key)), "")
    return clean(str(item if item is not None else ""), 300)


_COUNTRY = re.compile(
    r"\b(france entiere|toute la france|country|national(e|es)?|nationwide|france metropolitaine)\b"
)
_RADIUS = re.compile(r"(?<![\d.,])(\d{1,4}(?:[.,]\d+)?)\s*(?:km|kms|kilometres?)\b")


def zone_of(
    raw: object, radius: object = None, departments: object = None, regions: object = None
) -> Zone | None:
    """A zone from free text ("rayon 30 km", "75, 92", "France entière", names) and from columns of its own."""
    text = (
        fold(" ; ".join(several(raw))) if isinstance(raw, list | tuple) else fold(clean(str(raw or ""), 5000))
    )
    text = text.replace("’", "'")
    plain = re.sub(r"[^a-z0-9,.;|/ ]+", " ", text)
    country = bool(_COUNTRY.search(plain)) or plain.strip() == "france"
    km = _number(radius)
    if km is None and (found := _RADIUS.search(plain)):
        km = _number(found.group(1))
    found_departments = list(departments_of(departments))
    found_regions = list(regions_of(regions))
    if plain and not country:
        rest = _RADIUS.sub(" ", plain)
        found_departments += departments_of(rest)
        found_regions += regions_of(rest)
    if km is None and not country and not found_departments and re.fullmatch(r"\s*\d{1,3}\s*", plain):
        km = None
    if not (country or km or found_departments or found_regions):
        return None
    return Zone(
        radius_km=km,
        departments=tuple(dict.fromkeys(found_departments)),
        regions=tuple(dict.fromkeys(found_regions)),
        country=country,
    )


def _number(raw: object) -> float | None:
    if raw is None or isinstance(raw, bool):
        return None
    match = re.search(r"\d+(?:[.,]\d+)?", str(raw))
    value = float(match.group().replace(",", ".")) if match else 0.0
    return value if 0 < value <= 20_000 else None


def number_of(raw: object) -> float | None:
    """A finite number in French or English notation, else None."""
    if raw is None or isinstance(raw, bool):
        return None
    text = re.sub(r"[\s\u00a0\u202f€]", "", str(raw)).replace(",", ".")
    try:
        value = float(text)
    except ValueError:
        return None
    return value if abs(value) < 1e15 else None


def departments_of(raw: object) -> tuple[str, ...]:
    """Department codes named by code ("75, 2A, 974", "59L") or by name."""
    if raw is None:
        return ()
    text = " ; ".join(several(raw)) if isinstance(raw, list | tuple) else str(raw)
    return _departments(fold(text).removesuffix(".0")[:20_000])


@lru_cache(10_000)
def _departments(text: str) -> tuple[str, ...]:
    known = department_names()
    tokens = re.findall(r"(?<!\w)(?:2[ab]|97\d|\d{1,2})[a-z]?(?!\w)", text)
    codes = [code for code in map(_department_code, tokens) if code in known]
    if re.search(r"[a-z]{3}", text):
        plain = f" {_plain(text)} "
        names = sorted(
            ((f" {_plain(name)} ", code) for code, name in known.items()), key=lambda pair: -len(pair[0])
        )
        for name, code in names:  # the longest first: "Alpes-de-Haute-Provence" before "Alpes"
            if name in plain:
                codes.append(code)
                plain = plain.replace(name, "  ")
    return tuple(dict.fromkeys(codes))


def _department_code(token: str) -> str:
    token = token.upper()
    if not token.startswith(("2A", "2B")):
        token = re.sub(r"[A-Z]$", "", token)
    return token[:2] if token[:2] in ("2A", "2B") else token.zfill(2)


def regions_of(raw: object) -> tuple[str, ...]:
    """INSEE region codes named by name; a bare number is no region here (it would be a department)."""
    if raw is None:
        return ()
    text = " ; ".join(several(raw)) if isinstance(raw, list | tuple) else str(raw)
    return _regions(text) if re.search(r"[A-Za-z]{4}", text) else ()


@lru_cache(10_000)
def _regions(text: str) -> tuple[str, ...]:
    plain = f" {_plain(text)} "
    return tuple(code for code, label in region_names().items() if f" {_plain_label(label)} " in plain)


@lru_cache(100)
def _plain_label(label: str) -> str:
    return _plain(label)


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[^a-z0-9]+", " ", fold(text)).split())


#: Bands of headcount of the national register (INSEE, tranche d'effectifs): code -> lowest and highest number.
_BANDS = {
    "00": (0, 0), "01": (1, 2), "02": (3, 5), "03": (6, 9), "11": (10, 19), "12": (20, 49), "21": (50, 99),
    "22": (100, 199), "31": (200, 249), "32": (250, 499), "41": (500, 999), "42": (1000, 1999), "51": (2000, 4999),
    "52": (5000, 9999), "53": (10000, 10000),
}  # fmt: skip


def headcount_of_band(raw: object) -> float | None:
    """The middle of an INSEE band of headcount ("12" is 20 to 49 persons: 34.5), or None ("NN", unknown)."""
    text = str(raw if raw is not None else "").strip().removesuffix(".0")
    band = _BANDS.get(text.zfill(2)) if text else None
    return sum(band) / 2 if band else None


def service_types_of(raw: object) -> tuple[str, ...]:
    """DISP (staff), PREST (services), BUILD (goods), from Le Marché's codes or French words."""
    found = []
    for word in several(raw):
        plain = fold(word)
        if plain == "disp" or "mise a disposition" in plain:
            found.append("DISP")
        elif plain == "prest" or "prestation" in plain:
            found.append("PREST")
        elif plain == "build" or "fabrication" in plain or "bien" in plain:
            found.append("BUILD")
    return tuple(dict.fromkeys(found))


def plain(raw: object) -> str:
    """A short text, "" where the value is none."""
    return clean(raw, 300) if isinstance(raw, str) else ""


def numbered_offers(
    structure: Structure, descriptions: Iterable[str], offers: Iterable[Offer]
) -> tuple[Offer, ...]:
    """The structure's own descriptions as first offers, then its distinct offers, each with an id and a day."""
    listed = [
        Offer(
            id="",
            title=shorten(text, 120),
            text=text,
            nature="description",
            zone=structure.zone,
            source=structure.source,
        )
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
    return tuple(
        replace(offer, id=f"{structure.siret}{kind}#{number}", since=offer.since or structure.updated)
        for number, offer in enumerate(listed)
    )
