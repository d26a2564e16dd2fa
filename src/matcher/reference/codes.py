"""CPV, NAF and ROME codes and their labels."""

from collections.abc import Mapping
from types import MappingProxyType

from matcher.reference.places import communes, departments
from matcher.reference.tables import OFFICIAL_CPV, OFFICIAL_NAF, _column, _own_rows, _rows, remembered
from matcher.reference.text import plain_words


@remembered()
def _naf() -> dict[str, str]:
    return {row[0]: row[1] for table in (_rows("naf.csv"), _own_rows(OFFICIAL_NAF)) for row in table}


@remembered()
def cpv_labels() -> Mapping[str, str]:
    """CPV labels by significant digits ("45", "4544"): the user's imports take precedence over the shipped ones."""
    labels = {row[0]: row[1] for row in _rows("cpv.csv")}
    # 45000000 is the division 45: a group or division keeps at least its two digits.
    labels.update((row[0].rstrip("0").ljust(2, "0"), row[1]) for row in _own_rows(OFFICIAL_CPV))
    return MappingProxyType(labels)


@remembered(16384)
def cpv_label(code: str) -> str:
    """The label of a CPV code, of its longest known prefix where it has none itself, or ""."""
    labels = cpv_labels()
    stem = code.rstrip("0").ljust(2, "0")
    return next((labels[stem[:n]] for n in range(len(stem), 1, -1) if stem[:n] in labels), "")


def naf_label(code: str) -> str:
    """The label of a NAF rev. 2 code, with or without its dot; of its class or group where unknown, or ""."""
    stem = code.replace(".", "").upper()
    labels = _naf()
    return next((labels[stem[:n]] for n in range(len(stem), 0, -1) if stem[:n] in labels), "")


def naf_codes() -> tuple[str, ...]:
    """Every NAF rev. 2 code of a trade (four digits and a letter), without its dot, sorted."""
    return tuple(sorted(code for code in _naf() if len(code) == 5))


def naf_words(code: str) -> str:
    """Our own description of the trades that an activity code covers, or ""."""
    return _column("naf_words.csv", 1).get(code.replace(".", "").upper(), "")


@remembered()
def everyday_words() -> frozenset[str]:
    """Folded words of the nomenclatures and of the names of places: none of them identifies a firm."""
    labels = [*_naf().values()]
    labels += (row[1] for name in ("naf_words.csv", "rome.csv", "cpv.csv") for row in _rows(name))
    names = [*(town.name for town in communes()), *(area.name for area in departments())]
    return frozenset(word for text in (*labels, *names) for word in plain_words(text))
