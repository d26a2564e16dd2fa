"""Identifiers and values, cleaned and validated: SIRET, SIREN, CPV, NAF, dates, amounts."""

from __future__ import annotations

import re
from datetime import date, datetime

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


def clean_cpv(raw: object) -> str | None:
    """A CPV code as its 8 digits, or None where none can be read with certainty.

    Accepts a check digit after a dash or glued on (9 digits), spaces and dots.  A code of 7 digits
    has lost its leading zero (divisions 03 and 09) when that makes a known division, else is refused.
    """
    text = str(raw or "").strip()
    match = re.match(r"^\s*([0-9][0-9 .]*[0-9])\s*(?:-\s*[0-9])?\s*$", text)
    if not match:
        return None
    code = re.sub(r"[ .]", "", match.group(1))
    if len(code) == 9:
        code = code[:8]
    if len(code) == 7 and code[0] in "39" and ("0" + code)[:2] in CPV_DIVISIONS:
        code = "0" + code
    if len(code) != 8 or code[:2] not in CPV_DIVISIONS:
        return None
    return code


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
    if not text:
        return None
    match = re.match(r"^(\d{4})-?(\d{2})-?(\d{2})(?!\d)", text)
    parts = match.groups() if match else None
    if parts is None:
        match = re.match(r"^(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})(?!\d)", text)
        parts = match.groups()[::-1] if match else None
    if parts is None:
        return None
    try:
        day = date(*map(int, parts))
    except ValueError:
        return None
    return day if EARLIEST <= day <= LATEST else None


def clean_amount(raw: object) -> float | None:
    """Euros from a number or French notation ("12 500,50 €", "1.250.000"), or None; 0 and below are None."""
    if isinstance(raw, bool) or raw is None or raw == "":
        return None
    if isinstance(raw, int | float):
        value = float(raw)
    else:
        text = re.sub(r"[\s\u00a0\u202f€]|EUR|HT|TTC", "", str(raw))
        if re.fullmatch(r"\d{1,3}(\.\d{3})+(,\d+)?", text):
            text = text.replace(".", "")
        text = text.replace(",", ".") if text.count(",") == 1 and "." not in text else text.replace(",", "")
        try:
            value = float(text)
        except ValueError:
            return None
    return value if 0 < value < 1e12 else None
