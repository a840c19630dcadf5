"""The connections of a SQLite file: opened, prepared, kept idle, none carried over a fork.

Nothing here depends on code that runs after another step: each takes a connection out of one place
before it is in the next, so that one which is lost between the two is closed by the collector.
"""

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from weakref import ref

from sqlalchemy import PoolProxiedConnection

from ...errors import SessionMisuse
from ...threads import refuse_late_patch
from ..forks import abandon, register_fork_hooks
from ..living import Living
from .locks import ForkGate, InUse, wait_until

GATE = ForkGate()
"""The one of this process."""


class Connection(sqlite3.Connection):
    """A connection that is known from its first moment until it is closed."""

    counted: InUse | None = None
    """That somebody who uses the Engine has it."""
    lease: "ref[Lease] | None" = None
    """What has it for the time of a transaction."""
    is_prepared = False
    """Whether nobody who listens to the Engine's connections can have changed its settings."""
    is_closed = False
    """Whether it is being closed, or was."""
    is_gone = False
    """Whether that is over, so that no descriptor of it can go through a fork."""
    query_only: bool | None = False

    def __init__(self, file: str, *, timeout: float, **options: Any) -> None:
        _OPEN.add(self)
        self.busy_timeout = timeout
        super().__init__(file, timeout=timeout, **options)

    def close(self) -> None:
        """Roll back first: while somebody keeps a cursor the file itself stays open, and locked."""
        self.is_closed = True
        try:
            with suppress(sqlite3.Error):
                self.rollback()
            super().close()
        finally:
            self.is_gone = True
        if self.counted is not None:
            GATE.leave(self.counted)

    def is_unused(self) -> bool:
        """Whether it is idle, or was lost between two steps."""
        return self.counted is None and (self.lease is None or self.lease() is None)


_OPEN: Living[Connection] = Living()
"""Every connection of this process: the collector may find a lost one only after a fork."""


class _LostAtFork:
    """No connection that nobody has goes through a fork, and none is closed in a child."""

    def before_fork(self) -> None:
        """Another thread that forks may be closing some of them: that must be over, too."""
        for connection in _OPEN.all():
            if connection.is_unused() and not connection.is_closed:
                connection.close()
        wait_until(lambda: all(each.is_gone for each in _OPEN.all() if each.is_closed))

    def after_fork_in_parent(self) -> None:
        """Nothing to do."""

    def after_fork_in_child(self) -> None:
        for connection in _OPEN.all():
            if not connection.is_closed:
                abandon(connection)


_LOST = _LostAtFork()
register_fork_hooks(GATE)
register_fork_hooks(_LOST)


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

    def __del__(self) -> None:
        """Of a lease that was lost: the collector would find its connection late."""
        if self.driver_connection is not None and not sys.is_finalizing():
            self.invalidate()

    @property
    def info(self) -> dict[str, Any]:
        """Nothing is kept here."""
        return {}

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

    def __init__(
        self,
        file: str,
        busy_timeout: float,
        synchronous: str,
        most_idle: int,
        kind: type[Connection] = Connection,
    ) -> None:
        self.file = file
        self.arguments = {
            "isolation_level": None,  # BEGIN is ours alone: DDL rolls back too
            "timeout": busy_timeout,
            "check_same_thread": False,
            "cached_statements": 512,  # more than there are
            "factory": kind,
        }
        self._synchronous = synchronous
        self._most_idle = most_idle
        self._is_closed = False
        self._was_open_at_fork = False
        self._idle: list[Connection] = []

    def check_out(self) -> Lease:
        """An idle connection, or a new one; after any fork under way.

        SessionMisuse for a file that was in use at the fork that made this process.
        """
        if self._was_open_at_fork:
            raise self._refusal()
        lease = Lease(self)
        try:
            GATE.enter(lease)
            connection = self._idle_one() or self._opened()
            connection.lease = ref(lease)
            lease.driver_connection = connection
        except BaseException:
            GATE.leave(lease)
            raise
        return lease

    def give_back(self, lease: Lease) -> None:
        """Make its connection idle, or close it; no effect if that was done."""
        connection = lease.driver_connection
        if connection is not None:
            if lease.is_shown or connection.is_closed or connection.in_transaction:
                self._keep_one_open()
                connection.close()
            lease.driver_connection = None  # lost, should a signal handler raise from here on
            connection.lease = None
            if not connection.is_closed:
                self._idle.append(connection)
                if self._is_closed or len(self._idle) > self._most_idle:
                    self._close_one()
        GATE.leave(lease)

    def open(self, dialect: Any, record: Any, args: Any, kwargs: Any) -> Connection:
        """Open one for somebody who uses the Engine; after any fork under way.

        SessionMisuse as in check_out.
        """
        if self._was_open_at_fork:
            raise self._refusal()
        in_use = InUse(self.file)
        try:
            GATE.enter(in_use)
            self._keep_one_open()
            connection = self._opened()
            connection.is_prepared = False
            connection.counted = in_use
            return connection
        except BaseException:
            GATE.leave(in_use)
            raise

    @contextmanager
    def opened_by_others(self) -> Iterator[None]:
        """Count a connection that is not made here, for the time of the block.

        SessionMisuse as in check_out.
        """
        if self._was_open_at_fork:
            raise self._refusal()
        in_use = InUse(self.file)
        try:
            GATE.enter(in_use)
            yield
        finally:
            GATE.leave(in_use)

    def prepare(self, connection: Connection) -> None:
        """The one place where a connection gets its settings.

        When it is opened, and where an Engine has opened it when its first transaction begins:
        between the two an application's own listener to new connections may have changed them.
        """
        connection.isolation_level = None
        connection.row_factory = None
        connection.execute(f"PRAGMA busy_timeout = {round(connection.busy_timeout * 1000)}")
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

    def in_use(self) -> int:
        """How many somebody has now."""
        return GATE.in_use().count(self.file)

    def idle(self) -> int:
        """How many nobody has."""
        return len(self._idle)

    def after_fork_in_child(self) -> None:
        """Start anew; a file that was in use at the fork cannot be used here."""
        was_in_use = self.file in GATE.open_at_fork or bool(self._idle)
        self._was_open_at_fork = self._was_open_at_fork or was_in_use
        for idle in self._idle:
            abandon(idle)
        self._idle = []

    def _refusal(self) -> SessionMisuse:
        return SessionMisuse(
            f"{self.file}: this process was forked while a transaction was open, which SQLite "
            "does not survive: end transactions before forking, or start a new process"
        )

    def _opened(self) -> Connection:
        refuse_late_patch()
        connection: Connection = sqlite3.connect(self.file, **self.arguments)  # type: ignore[call-overload]
        try:
            if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
                connection.execute("PRAGMA journal_mode = WAL")
            self.prepare(connection)
        except UnicodeDecodeError:  # the driver cannot read what SQLite says of a damaged schema
            connection.close()
            error = sqlite3.DatabaseError("the schema is damaged")
            error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
            raise error from None
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

    def _idle_one(self) -> Connection | None:
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:  # another thread has taken it
                return None
            if not connection.is_closed:
                return connection
        return None

    def _close_one(self) -> None:
        with suppress(IndexError):  # another thread has taken it
            self._idle.pop().close()
