"""Missing fields of a notice, inferred from its text and marked as inferred: the likeliest CPV codes of a lot.

A step after `read`; the model is loaded when the first lot without a code passes.  Places are given from the
buyer's by the sources themselves; an amount that is not stated stays unknown.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

from matcher.domain import Tender
from matcher.learned.cpv import Suggester, shipped
from matcher.reading.sources import Record

LEVEL = "class"  # four digits; accuracy in models/cpv/card.md
TOP = 5
SURE = 0.05  # codes of lower probability are not shown
BATCH = 64  # records coded together


def likeliest(
    texts: Sequence[str], k: int = TOP, model: Suggester | None = None
) -> list[list[tuple[str, float]]]:
    """For each text, up to k (CPV code, calibrated probability), best first; none for a text without a known word."""
    codes = (model or shipped()).likeliest(texts, k, LEVEL)
    kept = [[(code, round(chance, 3)) for code, chance in row] for row in codes]
    return [[one for i, one in enumerate(row) if i == 0 or one[1] >= SURE] for row in kept]


def coded(records: Iterable[Record], k: int = TOP, model: Suggester | None = None) -> Iterator[Record]:
    """The records in order; lots of notices without a CPV code get the k likeliest, marked inferred.

    `lot.inferred` then holds "cpv", and a flag of the tender gives the probabilities: "cpv inferred, lot 1: 77310000
    (0.95)".  What is stated is never touched.
    """
    stream = iter(records)
    while together := list(islice(stream, BATCH)):
        yield from _with_codes(together, k, model)


def _with_codes(held: list[Record], k: int, model: Suggester | None) -> Iterator[Record]:
    texts = [
        f"{lot.title}. {lot.description}"
        if lot.title != record.title
        else f"{lot.title}. {record.description} {lot.description}"
        for record in held
        if isinstance(record, Tender)
        for lot in record.lots
        if not lot.cpv
    ]
    found = iter(likeliest(texts, k, model) if texts else [])
    for record in held:
        if not isinstance(record, Tender) or all(lot.cpv for lot in record.lots):
            yield record
            continue
        lots, flags = [], []
        for lot in record.lots:
            codes = [] if lot.cpv else next(found)
            if codes:
                listed = ", ".join(f"{code} ({chance:.2f})" for code, chance in codes)
                flags.append(f"cpv inferred, lot {lot.number}: {listed}")
                lot = replace(lot, cpv=tuple(code for code, _ in codes), inferred=(*lot.inferred, "cpv"))
            lots.append(lot)
        yield replace(record, lots=tuple(lots), flags=(*record.flags, *flags))


def tender(value: Tender) -> Tender:
    """One tender, with the likeliest codes for lots without one."""
    (made,) = coded([value])
    assert isinstance(made, Tender)
    return made
