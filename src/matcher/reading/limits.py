"""Resource limits of one reading: time, memory, bytes, members; small for uploads, larger for files of the operator."""

from contextvars import ContextVar
from dataclasses import dataclass

MB = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits of one reading; the reading process is killed when it exceeds time or memory."""

    cpu: int  # seconds of processor
    wall: float  # seconds of clock
    memory: int  # bytes of address space beyond those of an idle reader
    member: int  # bytes that one member of an archive may unpack to
    total: int  # bytes that one archive may unpack to
    members: int  # of one archive
    #: Seconds for the pages of the PDF files; what is read until then is kept, and said to be cut.
    pages: float
    answer: int  # bytes of records that one reading may give


#: Uploads of visitors.
UPLOAD = Limits(
    cpu=3, wall=12.0, memory=160 * MB, member=32 * MB, total=64 * MB, members=500, pages=1.5, answer=16 * MB
)
#: Files named on the command line.
FILE = Limits(
    cpu=120,
    wall=600.0,
    memory=1024 * MB,
    member=4096 * MB,
    total=8192 * MB,
    members=100_000,
    pages=30.0,
    answer=1 << 40,
)

_IN_FORCE: ContextVar[Limits] = ContextVar("limits", default=FILE)


def in_force() -> Limits:
    """The limits of the current reading."""
    return _IN_FORCE.get()


def enforce(limits: Limits) -> None:
    """Apply these limits from here on."""
    _IN_FORCE.set(limits)
