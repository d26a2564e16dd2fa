"""Published facts as domain values: holders, buyers, places, durations, moments; shared by the notices."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import Any, Literal

from matcher import domain
from matcher.reading import criteria
from matcher.reading.sources._objet import lots_named
from matcher.reading.sources._places import located
from matcher.reference import places
from matcher.reference.french import OVERSEAS, PARIS, counted
from matcher.reference.identifiers import clean_cpv, clean_date, digits, siren_valid, siret_valid
from matcher.reference.tables import code_list
from matcher.reference.text import clean

ADAPTED = "adaptée"
BELOW = "adaptée (hors champ des directives)"  # a procedure on a form made for those of the directives
#: Days in a month (Gregorian mean), for durations given in days or weeks.
MONTH_DAYS = 30.436875
ROUNDED = 0.07  # of a month, two days
MOST_MONTHS = 1_200.0

#: ISO 3166-1 alpha-3 to alpha-2 for the countries that French notices name; the overseas departments are FR.
COUNTRIES: dict[str, str] = code_list("countries")
_OVERSEAS = {"GLP": "971", "MTQ": "972", "GUF": "973", "REU": "974", "MYT": "976"}


def country(code: str) -> str | None:
    """ISO alpha-2 from alpha-2, alpha-3 or the codes of TED (UK, EL); None where nothing is stated."""
    code = code.strip().upper()
    if not code:
        return None
    return COUNTRIES.get(code, {"UK": "GB", "EL": "GR"}.get(code, code[:2]))


@lru_cache(maxsize=4096)
def identifier(raw: str) -> tuple[str, tuple[str, ...]]:
    """(id, flags) of a published identifier: SIRET, SIREN, the SIREN inside a French VAT number, or as is."""
    text = clean(raw, 200)
    number = digits(text)
    vat = re.fullmatch(r"FR[0-9A-Z]{2}([0-9]{9})", re.sub(r"[\s.-]", "", text.upper()))
    if vat:
        return vat.group(1), ("tva",) if siren_valid(vat.group(1)) else ("tva", "siren-checksum")
    sound = siret_valid(number) and siren_valid(number[:9])  # "RCS Nanterre", and the number
    if not sound and re.search(r"[A-Za-z]{3}", re.sub(r"(?i)siret|siren|rcs|n°|num[eé]ro", "", text)):
        return text, ()
    if len(number) == 14:
        return number, () if siret_valid(number) else ("siret-checksum",)
    if len(number) == 9:
        return number, () if siren_valid(number) else ("siren-checksum",)
    return text, ()


_FOR = r"(?:de la |de l['’]|du |des |de |d['’](?:autre\(s\) pouvoir\(s\) adjudicateur\(s\) ?: ?)?)"
_END = r" représent| dans le cadre|[;.(:—–\n]| - |$"
#: "SPL d'une ville, agissant au nom et pour le compte de la commune d'un autre nom"
_AGENT = re.compile(rf"pour le compte {_FOR}([^,;.(:—–\n]{{3,90}}?)(?=,|{_END})")
#: "Avis émis au nom et pour le compte de l'une, de l'autre et de la troisième"
_AGENT_IN_TEXT = re.compile(
    rf"(?:au nom et |adjudicateur (?:agit )?|\b[Nn]ous agissons )pour le compte {_FOR}(?=[A-ZÀ-Ý]|(?<=: ))(?!pouvoirs? )"
    rf"([^;.(:—–\n]{{3,120}}?)(?=,(?! [A-ZÀ-Ý])|{_END})"
)
#: "un groupement de commandes constitué entre les communes d'un nom, d'un autre et d'un troisième pour ..."
_TOGETHER = re.compile(
    r"[Gg]roupements? de commandes?(?: publiques?)? (?:\w+ )?entre (?:l[ae] |l['’])?([^.;\n]{3,200}?)"
    r"(?= conform| pour | en vue | afin |[.;\n]|$)"
)


def principals(address: str, text: str = "") -> list[str]:
    """The names of those for whom a buyer says that it acts, in its own name and address, or that buy with it."""
    named = [*_AGENT.findall(address), *_AGENT_IN_TEXT.findall(text)] if "compte" in address + text else []
    apart = rf",? et {_FOR}|, "
    lists = ((one, f"{apart}| et (?=[A-ZÀ-Ý])" if ", " in one else apart) for one in named)
    parts = [part.strip() for one, ends in lists for part in re.split(ends, one)]
    for members in _TOGETHER.findall(text) if "roupement" in text else ():
        each, shared = re.sub(r" \([^()]*\)", "", members), ""
        if each.startswith("les communes de "):
            each, shared = each.removeprefix("les communes de "), "Commune de "
        parts += [
            shared + one for one in re.split(r", (?:et )?(?:l[ae] |l['’])?| et (?:l[ae] |l['’])?", each)
        ]
    return list(dict.fromkeys(part[:1].upper() + part[1:] for part in parts if re.search("[A-ZÀ-Ý]", part)))


#: "Jugement des prestations : les critères suivants :", after the criteria by which those who take part are chosen.
_PROJECTS = re.compile(r"[Jj]ugement des (?:prestations|projets|offres)\s*:(?:[^:]*critères suivants\s*:)?")


def told(fields: tuple[domain.Criterion, ...]) -> tuple[domain.Criterion, ...]:
    """The criteria of a form's fields; those that one text lists, where it is all that is said of each."""
    alike = len({(one.name, one.weight) for one in fields}) == 1 and fields[0].weight is None
    return (judged(fields[0].name) if alike else ()) or fields


def judged(text: str, only: bool = False) -> tuple[domain.Criterion, ...]:
    """The award criteria that a text lists after those by which candidates are chosen, `only` these, or with weights."""
    *before, text = _PROJECTS.split(text)
    items = criteria.listed(text)
    return items if before or only or all(one.weight for one in items) else ()


def holder(raw_id: str, name: str, place: domain.Place | None = None) -> domain.Holder:
    """A winner as published; an identifier that fails its check sum is kept and flagged."""
    id_, flags = identifier(raw_id)
    return domain.Holder(id=id_, name=clean(name, 500), flags=flags, place=place or domain.Place())


def reserved(workshop: bool, mission: bool, passage: str = "") -> domain.Reservation | None:
    """The reservation of the boxes ticked: to sheltered workshops and insertion, or by article L2113-15 to a mission."""
    who = ("ESAT/EA", "SIAE") if workshop else ()
    articles = ("L2113-15",) if mission and not workshop else ()
    every = (*who, "ESS") if mission else who
    return domain.Reservation(articles=articles, who=every, passage=passage) if every else None


#: Legal bases as notices cite them -> flags of the tender.
UTILITIES = "32014L0025"
BASES = {"32009L0081": "defence", "32014L0023": "concession"}


def basis_flags(basis: str, outside: bool = False) -> tuple[str, ...]:
    """The flags of a tender by its legal basis: other thresholds and duties apply there, unless it lies `outside` the directives."""
    flag = BASES.get(basis, "")
    return (flag,) if flag and not (outside and flag == "defence") else ()


#: The first letters of the word of a form -> the nature of the contract.
CONTRACTS: dict[str, domain.ContractType] = {
    **dict.fromkeys(("wor", "tra"), "works"),
    **dict.fromkeys(("sup", "fou"), "supplies"),
    "ser": "services",
}


def contract_type(code: str) -> domain.ContractType:
    """The nature of a contract by the word of its form, French or English, whatever its number and case."""
    return CONTRACTS.get(code.strip().lower()[:3], "")


def buyer(raw_id: str, name: str, place: domain.Place, type: domain.AuthorityType = "") -> domain.Buyer:
    """A buyer as published, with its SIRET or SIREN in digits; any other number of a French one is left out."""
    number = identifier(raw_id)[0]
    if place.country == "FR":
        number = figures if len(figures := digits(number) or "") in (9, 14) else ""
    return domain.Buyer(id=number, name=clean(name, 500), place=place, type=type)


@lru_cache(maxsize=16384)
def place(
    label: str = "", *, postcode: str = "", city: str = "", nuts: str = "", nation: str = ""
) -> domain.Place:
    """A place as stated; `located` infers its other fields."""
    postcode = re.sub(r"(?i)\s{0,9}c[eé]dex\b.*$", "", postcode)  # "44036 cédex 01"
    code = re.sub(r"\s", "", postcode)
    french = country(nation) in ("FR", None)
    postal = code if french and re.fullmatch(r"[0-9]{5}", code) else None
    where = clean(label or " ".join(filter(None, (postcode if city else "", city))), 300)
    nuts = nuts.strip().upper()
    abroad = bool(nuts) and nuts[:2] != "FR" and re.fullmatch(r"[A-Z]{2}[0-9A-Z]{0,3}", nuts) is not None
    nation2 = country(nuts[:2]) if abroad else country(nation) or ("ZZ" if nuts == "00" else "FR")
    return located(
        domain.Place(
            label=where,
            postcode=postal,
            department=_OVERSEAS.get(nation.strip().upper()),
            nuts=nuts or None,
            country=nation2,
        )
    )


def cpvs(raw: Iterable[str]) -> tuple[str, ...]:
    """Distinct CPV codes in their order, cleaned; those that cannot be read are left out."""
    return tuple(dict.fromkeys(code for code in map(_cpv, raw) if code))


_cpv = lru_cache(maxsize=16384)(clean_cpv)


#: Months in a unit of time, by the first letters of its names.
_MONTHS = {"MON": 1.0, "MOI": 1.0, "QUA": 3.0} | dict.fromkeys(("YEA", "ANN", "AN", "ANS"), 12.0)
_MONTHS |= dict.fromkeys(("DAY", "JOU"), 1 / MONTH_DAYS) | dict.fromkeys(("WEE", "SEM"), 7 / MONTH_DAYS)


def months(number: str, unit: str) -> float | None:
    """A duration in months from a number and MONTH, YEAR, WEEK, DAY or QUARTER (any spelling of these)."""
    try:
        amount = float(number.replace(",", ".").strip())
    except ValueError:
        return None
    lasting = amount * _MONTHS.get(unit.strip().upper()[:3], 0.0)
    return _rounded(lasting) if 0 < lasting <= MOST_MONTHS else None


def _rounded(amount: float) -> float:
    """Months with two decimals; whole ones where a day or so is left: 365 days are 12 months."""
    whole = float(round(amount))
    return whole if whole and abs(amount - whole) < ROUNDED else round(amount, 2)


def link(text: str) -> str:
    """A published address with its scheme, "https" where none is written; "" for what is no address."""
    text = text.strip()
    if re.match(r"(?i)https?://\S+$", text):
        return text
    return f"https://{text}" if re.match(r"(?i)(?:[a-z0-9-]+\.)+[a-z]{2,}(?:[/?#]\S*)?$", text) else ""


def weight(text: str) -> tuple[float | None, Literal["%", "points", ""]]:
    """The weight of a criterion with its unit, "" for a bare number; (None, "") where none can be read."""
    match = re.match(r"\s*(\d{1,4}(?:[.,]\d{1,4})?)\s?(%|pour ?cent|po?in?ts?)?", text, re.I)
    if not match:
        return None, ""
    unit = (match.group(2) or "").lower()
    kind: Literal["%", "points", ""] = "" if not unit else "%" if unit == "%" or "cent" in unit else "points"
    return float(match.group(1).replace(",", ".")), kind


def span(start: str, end: str) -> float | None:
    """Months between two published days, None unless both are sound and in order."""
    if not (start and end):
        return None
    first, last = clean_date(start), clean_date(end)
    if first is None or last is None or last <= first:
        return None
    after = last + timedelta(days=1)  # the last day is one of the contract
    whole = 12 * (after.year - first.year) + after.month - first.month
    return _rounded(whole + (after.day - first.day) / MONTH_DAYS)


def moment(day: str, hour: str = "", department: str | None = None) -> datetime | None:
    """The datetime of a published date and time.

    A stated offset is kept, else the hour is that of the buyer's `department`; without a time it is the last
    microsecond of the day in Paris.
    """
    match = re.match(r"^\s*(\d{4}-\d{2}-\d{2}|\d{8}|\d{1,2}[/.-]\d{1,2}[/.-]\d{4})(.*)$", day.strip(), re.S)
    when = clean_date(match.group(1)) if match else None
    if match is None or when is None:
        return None
    rest = match.group(2).strip().lstrip("T")
    clock, zone = _clock(hour if hour.strip() else rest)
    local = OVERSEAS.get(department or "", PARIS) if clock else PARIS
    return datetime.combine(when, clock or time.max, zone or _clock(rest)[1] or local)


_CLOCK = re.compile(
    r"\s*(?:[àa]\s*)?(?:([01]?\d|2[0-3])\s*[:hH]\s*([0-5]\d)?(?!\d)(?::([0-5]\d))?(?:\.\d+)?)?\s*(Z|[+-](?:[01]\d|2[0-3]):?[0-5]\d)?"
)


def _clock(text: str) -> tuple[time | None, tzinfo | None]:
    match = _CLOCK.match(text)
    hour, minute, second, offset = match.groups() if match else (None,) * 4
    clock = time(int(hour), int(minute or 0), int(second or 0)) if hour else None
    return clock, datetime.strptime(offset, "%z").tzinfo if offset else None


def day(text: str) -> date | None:
    """The day of a published date, with or without an hour or an offset after it."""
    return clean_date(text.strip()[:10])


def divided(whole: domain.Lot) -> tuple[domain.Lot, ...]:
    """The lots that the title of a whole names, at least two distinct ones, each with what they have in common; else the whole."""
    common, named = lots_named(whole.title)
    notice = whole.id.removesuffix("/1")
    return tuple(
        replace(whole, id=f"{notice}/{place}", number=number, title=title, description=common, amount=None)
        for place, (number, title) in enumerate(named, 1)
    ) or (whole,)


@lru_cache(20_000)
def home(buyer_id: str) -> domain.Place:
    """Where a buyer sits, by its SIREN or SIRET; an empty place for any other number."""
    sound = re.fullmatch(r"[0-9]{9}(?:[0-9]{5})?", buyer_id)
    return places.locate(domain.Place(), buyer_id) if sound else domain.Place()


def award(
    format: str,
    notice: str,
    number: int,
    lot: domain.Lot | None,
    holders: tuple[domain.Holder, ...],
    together: bool | None = None,
    **stated: Any,
) -> domain.Award:
    """An award of a notice: what is `stated`, and of its lot, where it is known, what award and lot have in common.

    Several holders answered `together`, as where one is named the mandataire, or else each for itself; None if untold.
    """
    if sum("mandataire" in one.name.lower() for one in holders) == 1:
        together = True
    several = "unknown" if together is None or not holders else "group" if together else "framework"
    of_lot: dict[str, Any] = {"relation": "single" if len(holders) == 1 and not together else several}
    of_lot["source"] = f"{format}:{lot.id if lot else notice}"
    if lot is not None:
        place = next(iter(lot.places), domain.Place())
        of_lot |= {"title": lot.title, "cpv": next(iter(lot.cpv), None), "place": place}
        of_lot["duration_months"] = lot.duration_months
    return domain.Award(uid=f"{notice}/award-{number}", holders=holders, **of_lot | stated)


def awarded(tender: domain.Tender) -> domain.Tender:
    """A notice; the lots of a result have the amounts that they were awarded for, not their estimates.

    One amount told twice of a lot is that of a framework with several holders, unless the total of the lot is their
    sum; different ones are added.  What a contract was before its modification is told first, and does not count.
    """
    if tender.nature not in domain.AWARDED:
        return tender
    lots = []
    for lot in tender.lots:
        its = [one.amount for one in tender.awards if one.amount and one.source.endswith(f":{lot.id}")]
        its = its[-1:] if tender.nature == "modification" else its
        total = lot.amount if len(its) > 1 and len(tender.lots) == 1 else None
        amount = total or sum(its if sum(its) == lot.amount else set(its)) or None
        lots.append(replace(lot, amount=amount, amount_period="total" if amount else ""))
    return replace(tender, lots=tuple(lots))


def only(lots: tuple[domain.Lot, ...]) -> domain.Lot | None:
    """The lot of a notice that has one alone."""
    return lots[0] if len(lots) == 1 else None


def count(raw: object) -> int | None:
    """A number of at most six digits, "3" or a spreadsheet's 3.0; None for anything else."""
    number = re.fullmatch(r"(\d{1,6})(?:\.0*)?", str(raw))
    return int(number[1]) if number else None


def group_form(text: str) -> Iterator[domain.Condition]:
    """The condition on the legal form of a group, where a notice states one."""
    if re.search(r"(?i)group|solidaire|conjoint|cotrait|mandataire|candidats? indiv|unique|legal form", text):
        yield domain.Condition(code="group-form", label="Forme du groupement", passage=clean(text, 600))


#: The heading of the form, before what is said or alone.
_REFERENCES = re.compile(r"^\W*r[ée]f[ée]rences? des dispositions [^.:;]{3,70} applicables\s*[:.]?", re.I)


def profession(text: str) -> Iterator[domain.Condition]:
    """The condition of a profession to which the law reserves the services, where a notice names one."""
    said = clean(_REFERENCES.sub("", text), 600)
    if re.search(r"[^\W\d]{4}", said):
        yield domain.Condition(code="profession", label="Profession réservée", passage=said)


#: "Tél. : +33 299000000"; "0825 ..." is the number of a platform
_PHONE = re.compile(r"\bt[ée]l(?:[ée]phone)?s?\b[^\d+\n]{0,4}(?!(?:0|\+33 ?)8)(\+?\d[\d .]{7,16}\d)", re.I)


def phone(text: str) -> str:
    """The only telephone number that a text names as one; "" for none, or several."""
    numbers = {re.sub(r"\D", "", one)[-9:]: one for one in _PHONE.findall(text)}
    return next(iter(numbers.values())) if len(numbers) == 1 else ""


def contact(*blocks: Iterable[str]) -> domain.Contact:
    """Whom to ask: (name, e-mail, telephone) of those who inform for the buyer, else its own."""
    stated = [["" if "://" in text else clean(text, 200) for text in block] for block in blocks]
    for other in stated:
        nobody = r"\S+@\S+$" if other is stated[-1] else r".*[@\d]"  # how to ask
        other[0] = "" if re.match(nobody, other[0]) else other[0]
    name, email, phone = (next(filter(None, each), "") for each in zip(*stated, strict=True))
    return domain.Contact(name=name, email=email.partition(" ")[0].rstrip(",;"), phone=phone)


def notice_number(text: str) -> str:
    """A notice number of the Official Journal, "2019/S 120-293189", as a TED number, "293189-2019"."""
    match = re.match(r"^\s*(\d{4})/S[\s/]*\d+-0*(\d+)\s*$", text, re.I)
    return f"{match.group(2)}-{match.group(1)}" if match else text.strip()


#: "paru au JOUE sous la référence 2026/S 012-034567", "avis BOAMP du 2.3.2026 n° 26-1234", "avis n° 123456-2026"
_EARLIER = re.compile(
    r"(?i)\b(?:BOAMP|avis|annonce)\b(?:(?!\bloi|d[ée]cret|ordonnance|/s )[^\n;]){0,45}?(?<![\d-])(?:\d\d-)?(\d\d-\d{4,6}|\d{5,6}-20\d\d)(?![\d-])"
    r"|(?<!\d)(\d{4}/s[ /]?\d{3}-\d{6})"
)


def earlier(text: str) -> Iterator[str]:
    """The numbers of the notices that a text names."""
    return (notice_number("".join(numbers)) for numbers in _EARLIER.findall(text))


def lot_limits(awarded: str, tendered: str) -> Iterator[domain.Condition]:
    """The conditions that limit how many lots one may be awarded, and tender for, by the numbers stated."""
    if awarded:
        yield domain.Condition(
            code="lots-limit", label=f"{counted(awarded, 'lot attribué')} au plus par candidat"
        )
    if tendered:
        yield domain.Condition(code="lots-limit", label=f"Offre pour {counted(tendered, 'lot')} au plus")


def placed(lots: tuple[domain.Lot, ...], buyer_place: domain.Place) -> tuple[domain.Lot, ...]:
    """The lots, those without a place given the buyer's, marked inferred."""
    if not (buyer_place.label or buyer_place.department or buyer_place.nuts):
        return lots
    there = replace(buyer_place, inferred=True)
    return tuple(
        lot if lot.places else replace(lot, places=(there,), inferred=(*lot.inferred, "places"))
        for lot in lots
    )
