"""One process at a time for a role on a store: the nightly run, the sender of mails."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from matcher.domain import MatcherError
from matcher.records.store import LOCK, Store

#: Roles, each with its PostgreSQL advisory lock.
ROLES = {"batch": LOCK + 1, "mail": LOCK + 2}


class Busy(MatcherError):
    """Another process has the role on this store."""


@contextmanager
def alone(store: Store, role: str, what: str) -> Iterator[None]:
    """Hold a role on this store; it is free again when the process dies.  Raises Busy; `what` describes the caller, for the message of Busy."""
    busy = Busy(f"{what} on this store: try again when it has ended")
    if store.engine.dialect.name == "postgresql":
        with store.engine.connect() as connection:
            if not connection.exec_driver_sql(f"SELECT pg_try_advisory_lock({ROLES[role]})").scalar():
                raise busy
            connection.commit()
            try:
                yield
            finally:
                connection.exec_driver_sql(f"SELECT pg_advisory_unlock({ROLES[role]})")
                connection.commit()
        return
    import fcntl

    name = store.engine.url.database
    if not name or name == ":memory:":
        yield
        return
    path = Path(f"{name}.{role}")
    with open(path, "w", opener=lambda given, flags: os.open(given, flags, 0o600)) as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise busy from None
        yield
