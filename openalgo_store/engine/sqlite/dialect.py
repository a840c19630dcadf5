"""SQLite: one connection a transaction, one idle beside it, writers in a fair queue."""

import re
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Date, Table, column, event, literal, select
from sqlalchemy import table as lightweight_table
from sqlalchemy.engine import make_url
from sqlalchemy.engine.interfaces import ExceptionContext
from sqlalchemy.pool import NullPool

from ...errors import SessionMisuse, StoreError, Unavailable
from ...records import Row
from ...settings import Settings
from ...tables.types import StrictJson, UTCDateTime
from .. import constraints
from ..dialect import build_engine
from .locks import ForkGate, WriterLock

_UNAVAILABLE = {
    sqlite3.SQLITE_BUSY: "is locked by another process: its transaction took too long, try again",
    sqlite3.SQLITE_LOCKED: "is locked: try again",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened: check that its folder exists and may be written",
    sqlite3.SQLITE_FULL: "cannot grow: the disk is full, make room and try again",
    sqlite3.SQLITE_IOERR: "cannot be read or written: check the disk",
    sqlite3.SQLITE_READONLY: "is read-only: check the rights of the file and of its folder",
    sqlite3.SQLITE_CORRUPT: "is damaged: restore it from a backup",
    sqlite3.SQLITE_NOTADB: "is not a SQLite database: check the URL",
}


class _Connection(sqlite3.Connection):
    """A connection that says when it is really closed (the pool's event comes before)."""

    after_close: Callable[[], None] | None = None

    def close(self) -> None:
        super().close()
        if self.after_close is not None:
            leave, self.after_close = self.after_close, None
            leave()


class SQLite:
    """One database file."""

    name = "sqlite"
    driver_error = sqlite3.Error

    def __init__(self, url: str, settings: Settings) -> None:
        self.identity = str(make_url(url).database)
        self._timeout = settings.db_sqlite_busy_timeout
        self._synchronous = settings.db_sqlite_synchronous
        self._forked_open = False
        self.closed = False
        self._start_afresh()
        self.engine = build_engine(
            url,
            self,
            **self.pool_options(settings),
            connect_args={
                "isolation_level": None,  # BEGIN is ours alone: DDL rolls back too
                "timeout": self._timeout,
                "check_same_thread": False,
                "factory": _Connection,
            },
        )
        event.listen(self.engine, "do_connect", self._connect)

    @staticmethod
    def pool_options(settings: Settings) -> dict[str, Any]:
        """No pool: a connection lives as long as its transaction, so none can leak."""
        return {"poolclass": NullPool}

    def _start_afresh(self) -> None:
        self._writer_lock = WriterLock()
        self._gate = ForkGate()
        self._idle: sqlite3.Connection | None = None
        self._idle_lock = threading.Lock()

    # Connections

    def _connect(self, dialect: Any, record: Any, args: Any, kwargs: Any) -> sqlite3.Connection:
        if self._forked_open:
            raise SessionMisuse(
                f"{self.identity}: this process was forked while a transaction was open, which "
                "SQLite does not survive: end transactions before forking, or start a new process"
            )
        leave = self._gate.enter()
        try:
            self._hold_idle_connection(dialect, args, kwargs)
            connection = self._prepared(dialect, args, kwargs)
        except BaseException:
            leave()
            raise
        connection.after_close = leave
        return connection

    def _prepared(self, dialect: Any, args: Any, kwargs: Any) -> _Connection:
        """The one place where a connection gets its settings."""
        connection: _Connection = dialect.connect(*args, **kwargs)
        try:
            if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
                connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute(f"PRAGMA synchronous = {self._synchronous}")
        except BaseException:
            connection.close()
            raise
        return connection

    def _hold_idle_connection(self, dialect: Any, args: Any, kwargs: Any) -> None:
        """Keep one idle connection: a last close would checkpoint and delete the log each time.

        It must have run a statement, or it protects nothing; _prepared has run some.
        """
        with self._idle_lock:
            if self._idle is None:
                self._idle = self._prepared(dialect, args, kwargs)

    def close(self) -> None:
        self.closed = True
        self._close_idle_connection()
        self.engine.dispose()

    def _close_idle_connection(self) -> None:
        with self._idle_lock:
            if self._idle is not None:
                self._idle.close()
                self._idle = None

    # Forks: connections of SQLite do not survive one, not even unused

    def before_fork(self, wait: float) -> None:
        self._none_open = self._gate.close(wait)
        self._close_idle_connection()

    def after_fork_in_parent(self) -> None:
        self._gate.reopen()

    def after_fork_in_child(self) -> None:
        self._forked_open = self._forked_open or not self._none_open
        self._start_afresh()

    # Transactions

    def acquire_writer_lock(self) -> None:
        if not self._writer_lock.acquire(self._timeout):
            raise Unavailable(
                f"{self.identity} is busy: other transactions of this process held it for "
                f"{self._timeout:g} s (DB_SQLITE_BUSY_TIMEOUT): make them shorter"
            )

    def release_writer_lock(self) -> None:
        self._writer_lock.release()

    def begin(self, connection: Connection, *, readonly: bool, single: bool) -> None:
        if readonly:
            connection.exec_driver_sql("PRAGMA query_only = ON")
        # A deferred transaction that writes after it has read fails at once, whatever the timeout.
        connection.exec_driver_sql("BEGIN" if readonly else "BEGIN IMMEDIATE")

    def is_failed(self, connection: Connection) -> bool:
        driver: Any = connection.connection.driver_connection
        return not driver.in_transaction  # a full disk rolls back the whole transaction by itself

    def lock(self, connection: Connection, name: str) -> None:
        """Nothing to do: BEGIN IMMEDIATE lets one writer in at a time."""

    def insert_rows(
        self, connection: Connection, table: Table, columns: Sequence[str], rows: Iterable[Row]
    ) -> int:
        in_this_order = lightweight_table(table.name, *map(column, columns))
        statement = str(in_this_order.insert().compile(connection))
        driver: Any = connection.connection.driver_connection
        return int(driver.executemany(statement, self._stored(table, columns, rows)).rowcount)

    def _stored(self, table: Table, columns: Sequence[str], rows: Iterable[Row]) -> Iterator[Any]:
        """The rows as SQLite keeps them: dates, moments and JSON as text.

        Moments are written out here, as UTCDateTime does several times slower.
        """
        kinds = list(enumerate(table.c[name].type for name in columns))
        moments = [place for place, kind in kinds if isinstance(kind, UTCDateTime)]
        others = [
            (place, self._writer(kind))
            for place, kind in kinds
            if isinstance(kind, (Date, StrictJson))
        ]
        last: datetime | None = None  # many rows may share one
        text: str | None = None
        for row in rows:
            values = list(row)
            for place in moments:
                if (moment := values[place]) is not last:
                    last = moment
                    text = moment and moment.astimezone(UTC).isoformat(" ", "microseconds")[:26]
                values[place] = text
            for place, write in others:
                values[place] = write(values[place])
            yield values

    def _writer(self, kind: Any) -> Callable[[Any], Any]:
        process = kind.dialect_impl(self.engine.dialect).bind_processor(self.engine.dialect)
        return process if isinstance(kind, StrictJson) else lru_cache(4096)(process)

    # Facts

    def server_version(self, connection: Connection) -> str:
        return sqlite3.sqlite_version

    def connection_limit(self, connection: Connection) -> int | None:
        return None

    # Errors

    def translate(self, error: Exception, context: ExceptionContext | None) -> StoreError:
        code = getattr(error, "sqlite_errorcode", 0)
        if code & 0xFF == sqlite3.SQLITE_CONSTRAINT:
            return self._violation(code, str(error), context)
        connection = context.connection if context else None
        if code == sqlite3.SQLITE_READONLY and connection is not None and _is_readonly(connection):
            return SessionMisuse("a read session cannot write: use get_write_session")
        if code & 0xFF in _UNAVAILABLE:
            return Unavailable(f"{self.identity} {_UNAVAILABLE[code & 0xFF]}")
        if str(error) == "integer overflow":  # of a SUM
            return constraints.too_large()
        return StoreError(f"{self.identity}: {error}")

    def _violation(self, code: int, message: str, context: ExceptionContext | None) -> StoreError:
        detail = message.partition(": ")[2]
        if code in (sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY):
            table, columns = _table_and_columns(detail)
            return constraints.not_unique(constraints.unique_constraint(table, columns))
        if code == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
            return constraints.not_referenced(_broken_reference(context) if context else None)
        if code == sqlite3.SQLITE_CONSTRAINT_NOTNULL:
            return constraints.missing(*detail.split(".", 1))
        return constraints.not_allowed(detail)


def _is_readonly(connection: Connection) -> bool:
    return bool(connection.exec_driver_sql("PRAGMA query_only").scalar())


def _table_and_columns(detail: str) -> tuple[str, list[str]]:
    """'orders.id, orders.day' -> ('orders', ['id', 'day'])."""
    parts = [part.strip().partition(".") for part in detail.split(",")]
    return parts[0][0], [column for _, _, column in parts]


def _broken_reference(context: ExceptionContext) -> str | None:
    """The name of the foreign key that failed, which SQLite does not tell."""
    return _reference_to_nothing(context) or _reference_left_behind(context)


def _reference_to_nothing(context: ExceptionContext) -> str | None:
    """Of the row that was to be written: look for its parents."""
    found = re.match(
        r"\s*(?:INSERT(?: OR \w+)? INTO|UPDATE)\s+(\w+)", context.statement or "", re.I
    )
    rules = constraints.references_of(found[1]) if found else []
    if context.execution_context is None or context.connection is None:
        return None
    executed: Any = context.execution_context
    for row in executed.compiled_parameters:
        for rule in rules:
            keys = {each.column: row.get(each.parent.key) for each in rule.elements}
            if None in keys.values():
                continue
            parent = select(literal(1)).where(*(column == key for column, key in keys.items()))
            if context.connection.execute(parent).first() is None:
                return str(rule.name)
    return None


def _reference_left_behind(context: ExceptionContext) -> str | None:
    """To the row that was to go: let it go for a moment, and ask which rows then have no parent."""
    if context.connection is None or context.execution_context is None:
        return None
    driver: Any = context.connection.connection.driver_connection
    driver.execute("SAVEPOINT broken_reference")
    try:
        driver.execute("PRAGMA defer_foreign_keys = ON")
        driver.execute(context.statement, context.parameters)
        orphan = driver.execute("PRAGMA foreign_key_check").fetchone()
        if orphan is None:
            return None
        child, _, _, number = orphan
        keys = driver.execute("SELECT * FROM pragma_foreign_key_list(?)", (child,)).fetchall()
        columns = [row[3] for row in keys if row[0] == number]
        rules = constraints.references_of(child)
        return next((str(rule.name) for rule in rules if rule.column_keys == columns), None)
    except sqlite3.Error:
        return None
    finally:
        driver.execute("ROLLBACK TO broken_reference")
        driver.execute("RELEASE broken_reference")
        driver.execute("PRAGMA defer_foreign_keys = OFF")
