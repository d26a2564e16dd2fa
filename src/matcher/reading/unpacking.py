"""The members of archives, within the bounds of what these may unpack to: archives of records and of documents alike."""

import gzip
import io
import lzma
import struct
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import IO, BinaryIO

from matcher.domain import BadInput
from matcher.reading.limits import in_force

IN_MEMORY = 16 << 20  # bytes of a member held in memory before it goes to a temporary file
FREE_RATIO = 32 << 20  # bytes unpacked before the ratio is checked
MAX_RATIO = 200  # unpacked to packed: JSON and XML stay below 40, bombs go to 1,000 and beyond
MAX_NESTING = 3  # archives within archives
#: What the standard library raises on a damaged archive.
_PACKING = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error)
DAMAGED = (*_PACKING, OSError, EOFError, ValueError, NotImplementedError, OverflowError)
#: How the members of a ZIP may be packed: LZMA takes as much memory as the file asks for.
PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2)
#: A member's name within its archive, and what unpacks it, which raises Unreadable, or BadInput for a bomb.
Member = tuple[str, Callable[[], BinaryIO]]


class Unreadable(BadInput):
    """One member is damaged, locked or packed by a rare method; the others may be sound."""


def visible(member: str) -> bool:
    """Is a member neither hidden nor one of the system that packed it?"""
    parts = member.replace("\\", "/").split("/")
    hidden = any(part.startswith(".") for part in parts if part not in (".", ".."))
    return not hidden and parts[0] != "__MACOSX" and not parts[-1].startswith("~$")


class Unpacker:
    """Unpacks archives and those in them, and counts what all of them have unpacked to."""

    def __init__(self) -> None:
        self.unpacked = 0

    def zip(
        self, stream: BinaryIO, name: str, wanted: Callable[[str], bool] = lambda member: True
    ) -> Iterator[Member]:
        """The visible members of a ZIP that are wanted.  Raises BadInput for a damaged archive or too many members."""
        try:
            with zipfile.ZipFile(stream) as archive:
                files = (m for m in archive.infolist() if not m.is_dir() and visible(m.filename))
                members = [member for member in files if wanted(member.filename)]
                _bound(len(members), name)
                # members that share packed bytes (an overlap bomb) unpack to far more than the archive holds
                if sum(member.compress_size for member in members) > stream.seek(0, io.SEEK_END):
                    raise BadInput(f"{name}: members that overlap: refused, as a bomb would")
                for member in members:
                    yield member.filename, partial(self._member, archive, member, name)
        except DAMAGED as error:
            raise BadInput(f"{name}: damaged ZIP archive: {error}; download it again") from None

    def _member(self, archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str) -> BinaryIO:
        if member.compress_type not in PACKED:
            raise Unreadable("packed by a rare method: pack it as an ordinary ZIP")
        if member.flag_bits & 1:
            raise Unreadable("protected by a password: unpack it first")
        return self._sound(lambda: archive.open(member), member.compress_size, f"{name}:{member.filename}")

    def _sound(self, opened: Callable[[], IO[bytes] | None], size: int, name: str) -> BinaryIO:
        try:
            with opened() or io.BytesIO() as packed:
                return self.copy(packed, max(size, 1), name)
        except (tarfile.TarError, *DAMAGED) as error:
            raise Unreadable(f"damaged archive member: {error}; download it again") from None

    def tar(self, stream: BinaryIO, name: str) -> Iterator[Member]:
        """The visible files of a tar.  Raises BadInput for a damaged archive or too many members."""
        try:
            with tarfile.open(fileobj=stream, mode="r:") as archive:
                count = 0
                for member in archive:
                    if member.isreg() and visible(member.name):
                        count += 1
                        _bound(count, name)
                        inner = f"{name}:{member.name}"
                        yield (
                            member.name,
                            partial(self._sound, partial(archive.extractfile, member), member.size, inner),
                        )
        except (tarfile.TarError, *DAMAGED) as error:
            raise BadInput(f"{name}: damaged tar archive: {error}; download it again") from None

    def gzip(self, stream: BinaryIO, name: str) -> BinaryIO:
        """The content of a gzip.  Raises BadInput."""
        size = stream.seek(0, io.SEEK_END)
        stream.seek(0)
        with gzip.GzipFile(fileobj=stream, mode="rb") as packed:
            return self.copy(packed, size, name)  # type: ignore[arg-type]

    def copy(self, packed: IO[bytes], size: int, name: str) -> BinaryIO:
        """The unpacked stream, in memory or in a temporary file.  Raises BadInput for a decompression bomb."""
        spool: BinaryIO = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # type: ignore[assignment]  # noqa: SIM115
        count, limits = 0, in_force()
        try:
            while block := packed.read(1 << 18):
                count += len(block)
                self.unpacked += len(block)
                if count > FREE_RATIO and count > MAX_RATIO * size:
                    raise BadInput(
                        f"{name}: unpacks to over {MAX_RATIO} times its size: refused, as a bomb would"
                    )
                if count > limits.member or self.unpacked > limits.total:
                    raise BadInput(f"{name}: unpacks to over {limits.member >> 20} MB; unpack it first")
                spool.write(block)
        except (zlib.error, EOFError, gzip.BadGzipFile, struct.error) as error:
            if not count or not isinstance(error, EOFError):
                spool.close()
                raise BadInput(f"{name}: damaged gzip: {error}; download it again") from None
            # a cut gzip still gives what came before the cut: the source says that the content is cut
        except BaseException:
            spool.close()
            raise
        spool.seek(0)
        return spool


def _bound(members: int, name: str) -> None:
    if members > in_force().members:
        raise BadInput(f"{name}: more than {in_force().members:,} members; split the archive")
