"""Random keys kept in files of this machine: made once by whoever needs one first, read by all others."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress

from matcher.domain import BadInput
from matcher.reference.tables import user_dir


def stated_or_made(variable: str, least: int, name: str) -> bytes:
    """The key of a variable of the environment, else the one of the file of this name.  Raises BadInput for one that is too short."""
    given = os.environ.get(variable, "")
    if given and len(given) < least:
        raise BadInput(f"{variable} is too short: give {least} random characters or more")
    return given.encode() or made_once(name)


def made_once(name: str) -> bytes:
    """The key in the file of this name under `MATCHER_HOME`: 64 hexadecimal digits, of which none ever reads a part."""
    path = user_dir() / name
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        # a name of its own: two threads that make it at once must not write one file
        part = path.with_name(f"{name}.{secrets.token_hex(6)}")
        with os.fdopen(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as sink:
            sink.write(secrets.token_hex(32))
            sink.flush()
            os.fsync(sink.fileno())
        with suppress(FileExistsError):  # another made it first: theirs is used
            os.link(part, path)
        part.unlink()
    return path.read_bytes().strip()
