"""Sources: from bytes to domain objects.  One file per format; the file name is the key.

To add one, write a file with these three names (see `Source`)::

    YIELDS = "tender"                       # or "structure", "award"
    def recognises(name: str, head: bytes) -> bool: ...
    def read(stream: BinaryIO, name: str) -> Iterator[Tender | Rejected]: ...
"""

from collections.abc import Iterator, Mapping
from typing import BinaryIO, Protocol

from matcher.domain import Award, Rejected, Structure, Tender

Record = Tender | Structure | Award | Rejected
#: Field -> heading: the user's corrections of what a table's reader guesses.
Columns = Mapping[str, str] | None


class Source(Protocol):
    """A format.  `read` yields one record per source record, lots nested, never raises on a bad record:
    it yields `Rejected` with the reason and goes on.  A file that is not of the format at all raises BadInput.
    """

    YIELDS: str

    def recognises(self, name: str, head: bytes) -> bool:
        """True when the first bytes (up to 64 KiB) of a file called `name` are of this format."""

    def read(self, stream: BinaryIO, name: str) -> Iterator[Record]:
        """The records of a seekable binary stream, in file order; `name` is for messages only."""
