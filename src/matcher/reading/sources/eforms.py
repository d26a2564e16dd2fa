"""eForms notices (UBL 2.3 XML, from October 2023): contract, prior-information and award notices.

Multilingual notices are read in French where it is present.  An invalid notice is set aside with what it lacks.
"""

from collections.abc import Iterator
from typing import BinaryIO

from matcher.domain import BadInput, Rejected, Tender
from matcher.reading.sources import _tree as tree
from matcher.reading.sources import _ubl as ubl

YIELDS = "tender"
_ROOTS = tuple(root.encode() for root in (*ubl.ROOTS, "BusinessRegistrationInformationNotice"))


def recognises(name: str, head: bytes) -> bool:
    """True for XML whose root is one of the UBL notices."""
    start = head[:8192].replace(b"\x00", b"")
    return b"<" in start and any(b"<" + root in start or b":" + root in start for root in _ROOTS)


def read(stream: BinaryIO, name: str) -> Iterator[Tender | Rejected]:
    """The notice of the file.  Raises BadInput when it is not sound XML or another document."""
    root = tree.parse(tree.slurp(stream, name), name)
    record = tree.value(root, "ID") or name
    if root.tag == "BusinessRegistrationInformationNotice":
        yield Rejected(
            path=name,
            record=record,
            reason="a business registration notice (X01, X02), which announces no contract",
        )
        return
    if root.tag not in ubl.ROOTS:
        raise BadInput(
            f"{name}: not an eForms notice: its root is {root.tag}; expected one of {', '.join(ubl.ROOTS)}"
        )
    try:
        yield ubl.notice(root)
    except BadInput as error:
        yield Rejected(path=name, record=record, reason=str(error))
