"""Identifiers and values, cleaned and validated: SIRET, SIREN, CPV, NAF, dates, amounts."""

import re
from datetime import date, datetime
from functools import lru_cache
from hashlib import blake2b

from matcher.reference.text import fold

LA_POSTE = "356000000"  # its establishments follow a sum rule of their own (INSEE)
EARLIEST, LATEST = date(1990, 1, 1), date(2100, 1, 1)


def luhn(digits: str) -> bool:
    """True when the digits pass the Luhn checksum (ISO/IEC 7812-1)."""
    total = 0
    for position, char in enumerate(reversed(digits)):
        value = int(char) * (2 if position % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def digits(raw: object) -> str:
    """Only the digits of an identifier that may hold spaces, dots, or a spreadsheet's trailing `.0`."""
    text = str(raw or "").strip()
    text = re.sub(r"\.0+$", "", text)
    return re.sub(r"[^0-9]", "", text)


def siret_valid(siret: str) -> bool:
    """True for 14 ASCII digits that pass the check sum; La Poste's establishments sum to a multiple of 5."""
    if not re.fullmatch(r"[0-9]{14}", siret):
        return False
    if siret.startswith(LA_POSTE):
        return luhn(siret) or sum(map(int, siret)) % 5 == 0
    return luhn(siret)


def siren_valid(siren: str) -> bool:
    """True for 9 ASCII digits that pass the Luhn check sum."""
    return bool(re.fullmatch(r"[0-9]{9}", siren)) and luhn(siren)


#: What identifies a structure: its SIRET; else its FINESS number, its SIREN with what it is called and where, its RNA
#: number, an id of whoever lists it; else what it is called and where (a list of members rarely holds a number).
BY_SIREN = "[0-9]{9}-[0-9a-f]{4}"
IDENTITY = rf"[0-9]{{14}}|{BY_SIREN}|F[0-9][0-9AB][0-9]{{7}}|W[0-9A-Z][0-9]{{8}}|ID-[0-9A-Za-z_-]{{1,11}}|NOM-[0-9a-f]{{10}}"
NO_SIRET = "no-siret"  # flag of a structure that is known by another identity
LONGEST_ID = 11
BY_NAME = "NOM-"  # begins the identity by a name and a place
UNSTATED = "no SIRET: fill in the 14 digits of the establishment, or a name and its town"  # of a row without a number


def is_siret(identity: str) -> bool:
    """Is an identity a SIRET?"""
    return len(identity) == 14 and identity.isdecimal()


def finess_identity(raw: object) -> str:
    """The identity by a FINESS number of nine signs; "" where it is none."""
    text = re.sub(r"\s", "", re.sub(r"\.0+$", "", str(raw or ""))).upper()
    text = text.zfill(9) if text.isdecimal() and len(text) == 8 else text
    return f"F{text}" if re.fullmatch(r"[0-9][0-9AB][0-9]{7}", text) else ""


def rna_identity(raw: object) -> str:
    """The identity by a number of the register of associations, W and nine signs; "" where it is none."""
    text = re.sub(r"\s", "", str(raw or "")).upper()
    return text if re.fullmatch(r"W[0-9A-Z][0-9]{8}", text) else ""


def own_identity(raw: object) -> str:
    """The identity by an id of whoever lists the structure; a long one is shortened to a hash of it."""
    text = re.sub(r"\s+", "", str(raw if raw is not None else ""))
    if not text or text.lower() in ("nan", "none", "null", "-"):
        return ""
    short = re.fullmatch(rf"[0-9A-Za-z_-]{{1,{LONGEST_ID}}}", text)
    return f"ID-{text if short else blake2b(text.encode(), digest_size=5).hexdigest()}"


def name_identity(name: str, where: str | None) -> str:
    """The identity by a name and where it stands (the code of a commune or department); "" where one is unknown."""
    words = bare_name(name)
    hashed = blake2b(f"{words}|{where}".encode(), digest_size=5).hexdigest()
    return f"{BY_NAME}{hashed}" if words and where else ""


def siren_identity(siren: str, name: str, where: str | None) -> str:
    """The identity by a SIREN: one bidder may have several structures, told apart by name and place; "" for an invalid one."""
    told = blake2b(f"{bare_name(name)}|{where or ''}".encode(), digest_size=2).hexdigest()
    return f"{siren}-{told}" if siren_valid(siren) else ""


#: Words of a name that lists write or leave out.
_LEGAL_FORM = re.compile(r"\b(?:ass(?:oc?|ociation)?|sarl|sasu?|eurl|sci[cp]|scop|sa|ste|societe|et)\b")


def bare_name(name: str) -> str:
    """A name as different lists share it: small letters without accents, signs and legal form."""
    return " ".join(_LEGAL_FORM.sub(" ", re.sub(r"[^a-z0-9]+", " ", fold(name))).split())


_ARTICLES = re.compile(r"\b(?:d[eu]s?|l(?:es?|a)?|d) ")  # that lists of names write or leave out


_IN_BRACKETS = re.compile(r"\([^()]*\)")


def without_brackets(name: str) -> str:
    """A name without what stands in brackets, which another list leaves out."""
    return _IN_BRACKETS.sub("", name)


def name_words(name: str) -> str:
    """The words of a name, which lists write in any order."""
    return " ".join(sorted(set(_ARTICLES.sub("", f"{bare_name(name)} ").split())))


def identified(
    read: tuple[str, tuple[str, ...], str],
    finess: object = None,
    rna: object = None,
    own: object = None,
    named: str = "",
    by_siren: str = "",
) -> tuple[str, tuple[str, ...], str]:
    """(identity, flags, reason it is refused or ""): as read from a SIRET, else by another number, else by name and place.

    A number that was mistyped is flagged, since its owner can correct it.
    """
    siret, flags, refused = read
    others = (finess_identity(finess), by_siren, rna_identity(rna), own_identity(own), named)
    other = next(filter(None, others), "") if refused else ""
    if refused not in ("", UNSTATED) and not by_siren:
        flags = (*flags, f"number-unread: {refused}")
    return (other, (*flags, NO_SIRET), "") if other else (siret, flags, refused)


def identity_in_words(identity: str) -> str:
    """An identity for display, in French: "SIRET 123 456 789 00012", "FINESS 020004495"."""
    if is_siret(identity):
        return f"SIRET\u00a0{identity[:3]}\u00a0{identity[3:6]}\u00a0{identity[6:9]}\u00a0{identity[9:]}"
    if identity.startswith(BY_NAME):
        return "SIRET inconnu"
    if identity[:9].isdecimal():
        return f"SIREN\u00a0{identity[:3]}\u00a0{identity[3:6]}\u00a0{identity[6:9]}, SIRET inconnu"
    if identity.startswith("ID-"):
        return f"identifiant\u00a0{identity[3:]}, SIRET inconnu"
    name, number = ("FINESS", identity[1:]) if identity.startswith("F") else ("RNA", identity)
    return f"{name}\u00a0{number}, SIRET inconnu"


def clean_cpv(raw: object) -> str | None:
    """A CPV code as its 8 digits, or None where none can be read with certainty.

    Accepts a check digit after a dash or glued on (9 digits), spaces and dots.  A code of 7 digits
    has lost its leading zero (divisions 03 and 09) when that makes a known division, else is refused.
    """
    match = re.fullmatch(r"([0-9][0-9 .]*[0-9])\s*(?:-\s*[0-9])?", str(raw or "").strip())
    if not match:
        return None
    code = re.sub(r"[ .]", "", match.group(1))
    code = f"0{code}" if len(code) == 7 and code[0] in "39" else code
    return code[:8] if len(code) in (8, 9) and code[:2] in CPV_DIVISIONS else None


#: The 45 divisions of the CPV (regulation EC 213/2008).
CPV_DIVISIONS = frozenset(
    "03 09 14 15 16 18 19 22 24 30 31 32 33 34 35 37 38 39 41 42 43 44 45 48 50 51 55 60 63 64 65 66 70 71 72 "
    "73 75 76 77 79 80 85 90 92 98".split()
)


def clean_naf(raw: object) -> str | None:
    """A NAF rev. 2 code as 4 digits and a letter ("8899B"), or None."""
    text = re.sub(r"[^0-9A-Za-z]", "", str(raw or "")).upper()
    return text if re.fullmatch(r"[0-9]{4}[A-Z]", text) else None


def clean_date(raw: object) -> date | None:
    """A day between 1990 and 2100 from ISO or French notation, else None (year 0218, 31 February)."""
    if isinstance(raw, datetime):
        raw = raw.date()
    if isinstance(raw, date):
        return raw if EARLIEST <= raw <= LATEST else None
    text = str(raw or "").strip()
    iso = re.match(r"(\d{4})-?(\d{2})-?(\d{2})(?!\d)", text)
    french = None if iso else re.match(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})(?!\d)", text)
    try:
        day = date(*map(int, iso.groups() if iso else french.groups()[::-1] if french else ()))
    except (ValueError, TypeError):  # no such day, or no date
        return None
    return day if EARLIEST <= day <= LATEST else None


def number_of(raw: object) -> float | None:
    """A finite number in French or English notation, else None."""
    text = re.sub(r"[\s\u00a0\u202f€]", "", str(raw)).replace(",", ".")
    try:
        value = float(text)
    except ValueError:
        return None
    return value if abs(value) < 1e15 else None


def clean_amount(raw: object) -> float | None:
    """Euros from a number or French notation ("12 500,50 €", "1.250.000"), or None; 0 and below are None."""
    if isinstance(raw, bool) or raw is None or raw == "":
        return None
    if isinstance(raw, int | float):
        value = float(raw)
    else:
        text = re.sub(r"[\s\u00a0\u202f€]|(?i:euros?|eur|ht|ttc)", "", str(raw))
        if large := re.fullmatch(r"(.*\d)(k|K|M|millions?)", text):
            number = clean_amount(large[1])
            return None if number is None else number * (1e3 if large[2] in "kK" else 1e6)
        if re.fullmatch(r"\d{1,3}(\.\d{3})+(,\d+)?", text):
            text = text.replace(".", "")
        text = text.replace(",", ".") if text.count(",") == 1 and "." not in text else text.replace(",", "")
        value = number_of(text) or 0.0
    return value if 0 < value < 1e12 else None


@lru_cache(maxsize=10_000)
def mailbox(address: str) -> str:
    """The address as a mail server takes it (ASCII, no spaces around), "" where it is none."""
    from email_validator import EmailNotValidError, validate_email  # its tables take a start 40 ms

    try:
        checked = validate_email(address.strip(), allow_smtputf8=False, check_deliverability=False)
    except EmailNotValidError:
        return ""
    return checked.ascii_email or ""


def is_address(address: str) -> bool:
    """Is it a syntactically valid mail address?"""
    return bool(mailbox(address))
