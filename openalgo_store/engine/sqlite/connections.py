"""The connections of a SQLite file: opened, prepared, kept idle, none carried over a fork.

Nothing here depends on code that runs after another step: each takes a connection out of one place
before it is in the next, so that one which is lost between the two is closed by the collector.
"""

import sqlite3
from contextlib import suppress
from typing import Any

from sqlalchemy import PoolProxiedConnection

from ...errors import SessionMisuse
from ..forks import abandon, register_fork_hooks
from .locks import ForkGate, InUse

GATE = ForkGate()
"""The one of this process."""

register_fork_hooks(GATE)


class Connection(sqlite3.Connection):
    """A connection that is counted as in use until it is idle or closed."""

    in_use: InUse | None = None
    is_prepared = False
    """Whether nobody who listens to the Engine's connections can have changed its settings."""
    is_closed = False
    query_only = False

    def close(self) -> None:
        self.is_closed = True
        super().close()
        if self.in_use is not None:
            GATE.leave(self.in_use)


class Lease(InUse, PoolProxiedConnection):
    """A connection for the time of a transaction; SQLAlchemy's Connection takes it too."""

    driver_connection: Connection | None = None
    is_shown = False
    """Whether somebody else had the connection, who may have changed what it is set to."""
    is_detached = False
    record_info = None

    def __init__(self, connections: "Connections") -> None:
        super().__init__(connections.file)
        self._connections = connections
        self.info: dict[str, Any] = {}

    @property
    def dbapi_connection(self) -> Any:  # type: ignore[override]
        """What SQLAlchemy calls the driver's connection."""
        return self.driver_connection

    @property
    def is_valid(self) -> bool:
        """Whether the connection is still there."""
        return self.driver_connection is not None and not self.driver_connection.is_closed

    def cursor(self, *args: Any, **options: Any) -> Any:
        """A cursor of the driver."""
        return self.dbapi_connection.cursor(*args, **options)

    def commit(self) -> None:
        """COMMIT, if a transaction is open."""
        self.dbapi_connection.commit()

    def rollback(self) -> None:
        """ROLLBACK, if a transaction is open."""
        self.dbapi_connection.rollback()

    def close(self) -> None:
        """Give the connection back; again does no harm."""
        self._connections.give_back(self)

    def invalidate(self, e: BaseException | None = None, soft: bool = False) -> None:
        """Close the connection for good."""
        if self.driver_connection is not None:
            self.driver_connection.close()


class Connections:
    """All connections of one file."""

    def __init__(self, file: str, busy_timeout: float, synchronous: str, most_idle: int) -> None:
        self.file = file
        self.arguments = {
            "isolation_level": None,  # BEGIN is ours alone: DDL rolls back too
            "timeout": busy_timeout,
            "check_same_thread": False,
            "cached_statements": 512,  # more than there are
            "factory": Connection,
        }
        self._synchronous = synchronous
        self._busy_timeout = busy_timeout
        self._most_idle = most_idle
        self._is_closed = False
        self._was_open_at_fork = False
        self._idle: list[Connection] = []

    def check_out(self) -> Lease:
        """An idle connection, or a new one; after any fork under way."""
        self._refuse_if_open_at_fork()
        lease = Lease(self)
        try:
            GATE.enter(lease)
            try:
                connection = self._idle.pop()
            except IndexError:
                connection = self._opened()
            connection.in_use = lease
            lease.driver_connection = connection
        except BaseException:
            GATE.leave(lease)
            raise
        return lease

    def give_back(self, lease: Lease) -> None:
        """Make its connection idle, or close it; no effect if that was done."""
        connection = lease.driver_connection
        if connection is not None and connection.in_use is lease:
            if lease.is_shown or connection.is_closed or connection.in_transaction:
                self._keep_one_open()
                connection.close()
            connection.in_use = None  # from here on it is not this lease's any more
            if not connection.is_closed:
                self._idle.append(connection)
                if self._is_closed or len(self._idle) > self._most_idle:
                    self._close_one()
        GATE.leave(lease)

    def open(self, dialect: Any, record: Any, args: Any, kwargs: Any) -> Connection:
        """Open one for somebody who uses the Engine; after any fork under way."""
        self._refuse_if_open_at_fork()
        in_use = InUse(self.file)
        try:
            GATE.enter(in_use)
            self._keep_one_open()
            connection = self._opened()
            connection.is_prepared = False
            connection.in_use = in_use
            return connection
        except BaseException:
            GATE.leave(in_use)
            raise

    def prepare(self, connection: Connection) -> None:
        """The one place where a connection gets its settings.

        When it is opened, and where an Engine has opened it when its first transaction begins:
        between the two an application's own listener to new connections may have changed them.
        """
        connection.isolation_level = None
        connection.row_factory = None
        connection.execute(f"PRAGMA busy_timeout = {round(self._busy_timeout * 1000)}")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA synchronous = {self._synchronous}")
        connection.is_prepared = True

    def close(self) -> None:
        """Close what is idle, and from now on what is given back."""
        self._is_closed = True
        self.close_idle()

    def close_idle(self) -> None:
        """Close the idle connections, until others are."""
        while self._idle:
            self._close_one()

    def after_fork_in_child(self) -> None:
        """Start anew; a file that was in use at the fork cannot be used here."""
        was_in_use = self.file in GATE.open_at_fork or bool(self._idle)
        self._was_open_at_fork = self._was_open_at_fork or was_in_use
        for idle in self._idle:
            abandon(idle)
        self._idle = []

    def _refuse_if_open_at_fork(self) -> None:
        if self._was_open_at_fork:
            raise SessionMisuse(
                f"{self.file}: this process was forked while a transaction was open, which "
                "SQLite does not survive: end transactions before forking, or start a new process"
            )

    def _opened(self) -> Connection:
        connection: Connection = sqlite3.connect(self.file, **self.arguments)  # type: ignore[call-overload]
        try:
            if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
                connection.execute("PRAGMA journal_mode = WAL")
            self.prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _keep_one_open(self) -> None:
        """Have an idle connection: a last close would checkpoint and delete the log each time.

        It must have run a statement, or it protects nothing; preparing it has run some.
        """
        if self._most_idle and not (self._idle or self._is_closed or GATE.is_closed()):
            with suppress(sqlite3.Error):
                self._idle.append(self._opened())

    def _close_one(self) -> None:
        with suppress(IndexError):  # another thread has taken it
            self._idle.pop().close()
