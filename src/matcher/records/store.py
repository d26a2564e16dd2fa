"""Persistent storage in SQLite (WAL) by default or PostgreSQL by URL, behind one small interface.

Every write is one short transaction and every natural key is unique: concurrent writers, or a process
killed at any point and started again, leave the state that one undisturbed writer would have left.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import threading
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from contextvars import ContextVar
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVarTuple

import sqlalchemy as sa
from pydantic_core import PydanticSerializationError, to_json
from sqlalchemy import Connection, Engine, delete, event, exc, func, insert, inspect, select
from sqlalchemy.engine import make_url
from sqlalchemy.sql.selectable import TypedReturnsRows

from matcher import plugins
from matcher.domain import BadInput, MatcherError, StaleArtefact, StoreUnavailable
from matcher.records.tables import ANONYMOUS, ANONYMOUS_DAYS, RETENTION, Audit, Base, Unsubscription, UtcTime
from matcher.reference import deadline
from matcher.reference.paths import locked
from matcher.reference.tables import user_dir

Row = TypeVarTuple("Row")
HEAD = "0013"  # the newest migration: a store at this version is opened without loading alembic
WRITER = 0x6D61696F  # the PostgreSQL advisory lock of who writes; `ROLES` are beside it
BUSY_SECONDS = 30

#: The transaction that every `reading` and `writing` of this engine joins (`Store.writing`).
_joined: ContextVar[tuple[Engine, Connection] | None] = ContextVar("maillage_transaction", default=None)


def default_url() -> str:
    """`MATCHER_STORE`, else a SQLite file under `MATCHER_HOME` (by default ~/.local/share/maillage)."""
    return os.environ.get("MATCHER_STORE") or f"sqlite:///{user_dir() / 'store.sqlite'}"


def now() -> datetime:
    """The current time, UTC."""
    return datetime.now(UTC)


class Store:
    """A database at the newest migration.  `Store.open(url)` creates or migrates it first."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._writes = engine.execution_options(maillage_writes=True)
        # an unclosed store releases its connections when garbage-collected
        weakref.finalize(self, engine.dispose)
        event.listen(engine, "before_cursor_execute", _fit)
        self._closed = closed = threading.Event()

        @event.listens_for(engine, "checkin")
        def _close_late(_: Any, record: Any) -> None:
            """Close a connection that was in use when its store closed: its pool is given up."""
            if closed.is_set():
                record.invalidate()

    @classmethod
    def open(cls, url: str | None = None) -> Store:
        """Open, creating or migrating as needed.

        Raises BadInput on an invalid URL, StoreUnavailable, which names the store to its operator, where it does not open.
        """
        engine = _engine(url)
        shown = engine.url.render_as_string(hide_password=True)
        remedy = "correct MATCHER_STORE or start the server"
        try:
            file = engine.url.database if engine.url.get_backend_name() == "sqlite" else None
            if file not in (None, "", ":memory:"):
                path = Path(str(file))
                path.parent.mkdir(parents=True, exist_ok=True)
                # its owner alone reads it, and its journals; another user's file, or a read-only disk, is reported at the first access
                with suppress(OSError):
                    path.touch(mode=0o600)
                    path.chmod(0o600)
            store = cls(engine)
            if store.version() != HEAD:
                store.migrate()
        except StoreUnavailable as error:
            why = str(getattr(error.__cause__, "orig", None) or error).strip().splitlines()[0]
            raise StoreUnavailable(f"cannot open the store {shown}: {why}; {remedy}") from None
        except OSError as error:
            raise StoreUnavailable(f"cannot open the store {shown}: {error.strerror}; {remedy}") from None
        return store

    def close(self) -> None:
        self._closed.set()
        self.engine.dispose()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def reading(self) -> AbstractContextManager[Connection]:
        """A consistent snapshot, read-only."""
        return self._transaction(self.engine)

    def ask(self, query: TypedReturnsRows[*Row]) -> sa.Result[*Row]:
        """The rows of one query, in a snapshot of their own, held whole."""
        with self.reading() as connection:
            return connection.execute(query).freeze()()

    @contextmanager
    def writing(self, actor: str = "", action: str = "", *of: Any, **said: Any) -> Iterator[Connection]:
        """One atomic transaction, the only one that writes: what it reads is so until it ends.

        Every `reading` and `writing` of this thread joins it until it ends, a `writing` as a savepoint: all or nothing.
        Where an action is named it ends with its line of the audit trail, see `audit`.  Raises TooLong, with nothing
        written, past the deadline.
        """
        with self._transaction(self._writes, writes=True) as connection:
            yield connection
            if action:
                self.audit(connection, actor, action, *of, **said)

    @contextmanager
    def _transaction(self, engine: Engine, *, writes: bool = False) -> Iterator[Connection]:
        if joined := self._joined():
            with joined.begin_nested() if writes else nullcontext():
                yield joined
        else:
            with _available(), engine.begin() as connection:
                if writes and engine.dialect.name == "postgresql":  # one writer at a time, as on SQLite
                    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{BUSY_SECONDS}s'")
                    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITER})")
                token = _joined.set((self.engine, connection) if writes else _joined.get())
                try:
                    yield connection
                finally:
                    _joined.reset(token)
                if writes:  # else who asked has been, or will be, told that nothing was
                    deadline.check(deadline.UNWRITTEN)

    def _joined(self) -> Connection | None:
        held = _joined.get()
        return held[1] if held and held[0] is self.engine else None

    # -------------------------------------------------------------------------------------- migrations

    def version(self) -> str | None:
        """The migration of the database, None when it is new."""
        with self.reading() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return None
            return connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()

    def migrate(self) -> None:
        """Create a new database as its tables are, or bring one to the newest migration; concurrent processes do it once."""
        from alembic import command
        from alembic.config import Config
        from alembic.util import CommandError

        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        try:
            with self.writing() as connection:
                config.attributes["connection"] = connection
                if self.version() is None:
                    Base.metadata.create_all(connection)
                    command.stamp(config, "head")
                else:
                    command.upgrade(config, "head")
        except CommandError as error:
            raise StaleArtefact(
                f"the store was written by a newer version of maillage, or by one before 0.2.0 ({error}): upgrade maillage, "
                "open an old store with 0.2.0 first, or point MATCHER_STORE at another store"
            ) from None

    # ------------------------------------------------------------------------------------------- verbs

    def put(
        self,
        connection: Connection,
        table: type[Base],
        rows: Sequence[Mapping[str, Any]],
        *,
        key: Sequence[str] | None = None,
        keep: Sequence[str] = (),
    ) -> int:
        """Insert or update by `key` (by default the primary key); columns of `keep` stay as first written.

        With every other column in `keep` an existing row is not changed.  Returns the rows written.
        """
        if not rows:
            return 0
        target = table.__table__
        by = list(key or [column.name for column in target.primary_key])
        given = {name for row in rows for name in row}
        # the dialect of this store alone: the other takes a start 40 ms
        dialect = import_module(f"sqlalchemy.dialects.{self.engine.dialect.name}")
        # rows of one key in one statement would be refused by PostgreSQL: the last one wins
        latest = list({tuple(row[name] for name in by): dict(row) for row in rows}.values())
        statement = dialect.insert(target)
        changed = {name: statement.excluded[name] for name in given if name not in by and name not in keep}
        if changed:
            statement = statement.on_conflict_do_update(index_elements=by, set_=changed)
        else:
            statement = statement.on_conflict_do_nothing(index_elements=by)
        # without the option psycopg's count of an INSERT is not kept: every row would look written
        return connection.execute(statement.execution_options(preserve_rowcount=True), latest).rowcount

    def audit(
        self,
        connection: Connection,
        actor: str,
        action: str,
        subject: str = "",
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        """Record who did what; never secrets or contents."""
        said = {"actor": actor, "action": action, "subject": subject, "detail": dict(detail or {})}
        connection.execute(insert(Audit.__table__), {"at": now(), **said})  # type: ignore[arg-type]

    def counts(self) -> dict[str, int]:
        """Rows of each table."""
        with self.reading() as connection:
            return {
                table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
                for table in Base.metadata.sorted_tables
            }

    def prune(self, at: datetime | None = None, retention: Mapping[str, int] | None = None) -> dict[str, int]:
        """Delete what is older than its retention (days by table); returns rows deleted by table."""
        moment = at or now()
        gone: dict[str, int] = {}
        with self.writing() as connection:
            for table in reversed(Base.metadata.sorted_tables):
                if table.name in RETENTION:
                    column, days = RETENTION[table.name]
                    days = (retention or {}).get(table.name, days)
                    old = table.c[column] < moment - timedelta(days=days)
                    if table.name == "sourcing":
                        nobodys = table.c.owner.startswith(ANONYMOUS)
                        old |= nobodys & (table.c[column] < moment - timedelta(days=ANONYMOUS_DAYS))
                    gone[table.name] = connection.execute(delete(table).where(old)).rowcount
            self.audit(connection, "operator", "prune", detail=gone)
        return gone

    def unsubscribe(self, connection: Connection, subject: str, cause: str) -> None:
        """No more mail to a SIRET, or to `address_subject(address)`."""
        self.put(connection, Unsubscription, [{"subject": subject, "cause": cause, "at": now()}])

    # ------------------------------------------------------------------------------- backup and restore

    def backup(self, path: str | Path) -> int:
        """Write every row to a gzip of JSON lines, read from one consistent snapshot; returns the rows written.

        The file appears whole or not at all.  It holds hashes of keys and contact addresses: guard it.
        """
        target = Path(path)
        part = target.with_name(target.name + ".part")
        rows = 0
        with self.engine.connect() as opened:
            snapshot = self.engine.dialect.name == "postgresql"
            connection = opened.execution_options(isolation_level="REPEATABLE READ") if snapshot else opened
            with connection.begin(), gzip.open(part, "wt", encoding="utf-8") as out:
                part.chmod(0o600)
                out.write(json.dumps({"maillage": "store", "version": HEAD}) + "\n")
                for table in Base.metadata.sorted_tables:
                    for row in connection.execute(select(table)):
                        line = {"table": table.name, "row": plain(row._mapping)}
                        out.write(json.dumps(line, ensure_ascii=False) + "\n")
                        rows += 1
        part.replace(target)
        return rows

    def restore(self, path: str | Path) -> int:
        """Fill an empty store from a backup, all or nothing; returns the rows read.

        Raises BadInput when the file is no backup or the store is not empty.
        """
        if any(count for count in self.counts().values()):
            raise BadInput("the store is not empty: restore into a new one (set MATCHER_STORE)")
        tables = {table.name: table for table in Base.metadata.sorted_tables}
        rows = 0
        try:
            with gzip.open(path, "rt", encoding="utf-8") as lines, self.writing() as connection:
                head = json.loads(next(lines))
                if head.get("maillage") != "store":
                    raise BadInput(f"{path} is no backup: give a file that `matcher store backup` wrote")
                if head["version"] != HEAD:
                    raise StaleArtefact(
                        f"{path} is a backup of version {head['version']}, this is {HEAD}: restore it with the "
                        "version that wrote it, then migrate"
                    )
                for line in lines:
                    item = json.loads(line)
                    table = tables[item["table"]]
                    connection.execute(insert(table), _typed(table, item["row"]))
                    rows += 1
                if self.engine.dialect.name == "postgresql":
                    connection.exec_driver_sql(
                        "SELECT setval(pg_get_serial_sequence('audit', 'id'), "
                        "COALESCE((SELECT MAX(id) FROM audit), 0) + 1, false)"
                    )
        except (OSError, EOFError, ValueError, KeyError, StopIteration) as error:
            raise BadInput(f"{path} cannot be read as a backup ({error!s:.80}): give a whole file") from None
        return rows


_HALVES = re.compile("[\ud800-\udfff]")  # surrogates, which no encoding holds
#: What a database says -> why, and what the operator does about it.
CAUSES: dict[str, str] = {
    "disk is full": "the disk of the store is full: free some space",
    "no space left": "the disk of the store is full: free some space",
    "readonly": "the store is read-only: mount its disk for writing, or give the file back to the service's user",
    "read-only": "the store is read-only: mount its disk for writing, or let the server accept writes",
    "unable to open": "the file of the store cannot be opened: check its folder and its owner",
    "disk i/o": "the disk of the store fails: check it, and restore the last backup elsewhere",
    "locked": "another process has held the store for too long: try again",
}


MISFITS = (PydanticSerializationError, OverflowError)  # of a JSON column, of a number
UNFIT = "a text or a number cannot be kept: shorten it, and take out what is not plain text"


class Unfit(BadInput):
    """A value that no column of the store holds."""


def _fit(connection: Any, cursor: Any, statement: str, given: Any, context: Any, many: bool) -> None:
    """What every database is asked alike: texts as long as their columns, without NUL or half a character.  Raises Unfit."""
    compiled: Any = context.compiled if context else None
    for values in context.compiled_parameters if compiled else ():
        for name, value in values.items():
            if not isinstance(value, str):
                continue
            bind = compiled.binds.get(name)  # none for one of the values of an IN, which is not written
            written = bind is not None and (compiled.isinsert or compiled.isupdate)
            most = getattr(bind.type, "length", None) if written else None
            if most and len(value) > most:
                raise Unfit(f"a text of {len(value)} characters is too long: {most} at most")
            if "\0" in value or _HALVES.search(value):
                raise Unfit("a text holds a null character or half of one: take it out")


@contextmanager
def _available() -> Iterator[None]:
    """Raises StoreUnavailable, in one sentence without a path, where the database itself fails: nothing is half done.

    Raises BadInput for a value that no column holds.
    """
    try:
        yield
    except (exc.StatementError, *MISFITS) as error:
        if isinstance(error, exc.DataError) or isinstance(getattr(error, "orig", error), MISFITS):
            raise Unfit(UNFIT) from None
        operational = isinstance(error, exc.OperationalError | exc.InternalError)
        if not operational and type(error) is not exc.DatabaseError:
            raise
        # what the database said first: a full disk ends the transaction, and its savepoint then fails too
        found, each = error, error.__context__
        while each is not None:
            if isinstance(each, exc.OperationalError | exc.InternalError):
                found = each
            each = each.__context__
        original = getattr(found, "orig", found)
        message = next(iter(str(original).strip().splitlines()), type(original).__name__)
        why = next((text for word, text in CAUSES.items() if word in message.lower()), "")
        raise StoreUnavailable(
            f"nothing was recorded: {why or 'the store does not answer: ' + message[:120]}"
        ) from error


def address_subject(address: str) -> str:
    """The key of an address in the list of unsubscriptions: hashed, never in clear text."""
    return "address:" + hashlib.sha256(address.strip().lower().encode()).hexdigest()


def plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    """A row as JSON takes it: times and days in ISO 8601."""
    return {str(k): v.isoformat() if isinstance(v, date | datetime) else v for k, v in row.items()}


def _typed(table: Any, row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of a backup with its timestamps parsed."""
    result: dict[str, Any] = {}
    for name, value in row.items():
        kind = table.c[name].type
        if value is not None and isinstance(kind, UtcTime | sa.Date):
            value = (datetime if isinstance(kind, UtcTime) else date).fromisoformat(value)
        result[name] = value
    return result


# ------------------------------------------------------------------------------------------------ engines


def address_of(address: str | None = None) -> sa.URL:
    """An address of a store, that of `default_url` unless given, read.  Raises BadInput."""
    address = address or default_url()
    try:
        return make_url(address)
    except exc.ArgumentError:
        raise BadInput(
            f"{address.split('@')[-1]!r} is no address of a store: give sqlite:///FILE or postgresql://USER@HOST/BASE"
        ) from None


def _engine(address: str | None) -> Engine:
    url = address_of(address)
    backend = url.get_backend_name()
    if backend in ("postgres", "postgresql"):
        with plugins.optional("postgres", "a PostgreSQL store"):
            import psycopg  # noqa: F401
        url = url.set(drivername="postgresql+psycopg")
        return sa.create_engine(url, pool_pre_ping=True, json_serializer=_json, hide_parameters=True)
    if backend != "sqlite":
        raise BadInput(f"no store on {backend}: give sqlite:///FILE or postgresql://USER@HOST/BASE")
    waiting = {"timeout": BUSY_SECONDS}
    engine = sa.create_engine(url, connect_args=waiting, json_serializer=_json, hide_parameters=True)
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _on_begin)
    return engine


def _json(value: Any) -> str:
    """A value of a JSON column as text: these dominate the writes of a nightly run."""
    return to_json(value, inf_nan_mode="constants").decode()


def _on_connect(raw: Any, record: Any) -> None:
    """WAL lets readers read while one writes; FULL makes a commit survive a power cut."""
    raw.isolation_level = None  # no implicit transactions: BEGIN is issued below
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        raw.execute(f"PRAGMA {pragma}")


def _on_begin(connection: Connection) -> None:
    """A writer takes the lock first: upgrading a reader would fail immediately, without waiting."""
    writes = connection.get_execution_options().get("maillage_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


#: Roles, each with its PostgreSQL advisory lock.
ROLES = {"batch": WRITER - 2, "mail": WRITER - 1, "webhooks": WRITER + 1}


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
    name = store.engine.url.database
    if not name or name == ":memory:":
        yield
        return
    with ExitStack() as held:
        try:
            held.enter_context(locked(Path(f"{name}.{role}")))
        except OSError:
            raise busy from None
        yield
