"""The connections of a SQLite file: opened, prepared, one kept idle, none carried over a fork."""

import sqlite3
import threading
from typing import Any

from ...errors import SessionMisuse
from ..forks import abandon, register_fork_hooks
from .locks import ForkGate, InUse

GATE = ForkGate()
"""The one of this process."""

register_fork_hooks(GATE)


class Connection(sqlite3.Connection):
    """A connection that is counted until it is really closed (the pool's event comes before)."""

    in_use: InUse | None = None
    has_begun = False
    """Whether it was prepared once more, after whatever listens to new connections."""

    def close(self) -> None:
        super().close()
        if self.in_use is not None:
            GATE.leave(self.in_use)


class Connections:
    """All connections of one file."""

    def __init__(self, file: str, busy_timeout: float, synchronous: str) -> None:
        self.file = file
        self.arguments = {
            "isolation_level": None,  # BEGIN is ours alone: DDL rolls back too
            "timeout": busy_timeout,
            "check_same_thread": False,
            "factory": Connection,
        }
        self._synchronous = synchronous
        self._busy_timeout = busy_timeout
        self._was_open_at_fork = False
        self._idle: Connection | None = None
        self._idle_lock = threading.Lock()

    def open(self, dialect: Any, record: Any, args: Any, kwargs: Any) -> Connection:
        """Open one, as an Engine asks for it; after any fork under way."""
        if self._was_open_at_fork:
            raise SessionMisuse(
                f"{self.file}: this process was forked while a transaction was open, which "
                "SQLite does not survive: end transactions before forking, or start a new process"
            )
        in_use = InUse(self.file)
        try:
            GATE.enter(in_use)
            self._hold_idle_connection(args, kwargs)
            connection = self._opened(args, kwargs)
            connection.in_use = in_use
            return connection
        except BaseException:
            GATE.leave(in_use)
            raise

    def prepare(self, connection: Connection) -> None:
        """The one place where a connection gets its settings.

        When it is opened, and when its first transaction begins: between the two an application's
        own listener to new connections may have changed them.
        """
        connection.isolation_level = None
        connection.row_factory = None
        connection.execute(f"PRAGMA busy_timeout = {round(self._busy_timeout * 1000)}")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA synchronous = {self._synchronous}")

    def close_idle(self) -> None:
        """Close the idle connection, until another one is opened."""
        with self._idle_lock:
            idle, self._idle = self._idle, None
            if idle is not None:
                idle.close()

    def after_fork_in_child(self) -> None:
        """Start anew; a file that was in use at the fork cannot be used here."""
        was_in_use = self.file in GATE.open_at_fork or self._idle is not None
        self._was_open_at_fork = self._was_open_at_fork or was_in_use
        abandon(self._idle)
        self._idle = None
        self._idle_lock = threading.Lock()

    def _opened(self, args: Any, kwargs: Any) -> Connection:
        connection: Connection = sqlite3.connect(*args, **kwargs)
        try:
            if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
                connection.execute("PRAGMA journal_mode = WAL")
            self.prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _hold_idle_connection(self, args: Any, kwargs: Any) -> None:
        """Keep one idle connection: a last close would checkpoint and delete the log each time.

        It must have run a statement, or it protects nothing; preparing it has run some.
        """
        with self._idle_lock:
            if self._idle is None and not GATE.is_closed():
                self._idle = self._opened(args, kwargs)
