"""Connections where green threads run: they wait for another process by trying again.

SQLite would wait itself, and no green thread could run until the other process is done.
"""

import sqlite3
from functools import partial
from typing import Any

from ...threads.mixed import try_until
from .connections import Connection


class PatientCursor(sqlite3.Cursor):
    """A cursor that sends again what has found the file locked."""

    connection: "PatientConnection"

    def execute(self, *arguments: Any) -> "PatientCursor":
        locked: list[sqlite3.Error] = []
        if not try_until(partial(self._is_executed, arguments, locked), self.connection.patience):
            raise locked[-1]
        return self

    def _is_executed(self, arguments: Any, locked: list[sqlite3.Error]) -> bool:
        try:
            super().execute(*arguments)
        except sqlite3.OperationalError as error:
            code = error.sqlite_errorcode
            if code & 0xFF != sqlite3.SQLITE_BUSY or code == sqlite3.SQLITE_BUSY_SNAPSHOT:
                raise
            locked.append(error)
            return False
        return True


class PatientConnection(Connection):
    """Its cursors, and thereby it too, wait for at most DB_SQLITE_BUSY_TIMEOUT seconds."""

    def __init__(self, file: str, *, timeout: float, **options: Any) -> None:
        self.patience = timeout
        super().__init__(file, timeout=0, **options)

    def cursor(self, factory: Any = PatientCursor) -> Any:
        return super().cursor(factory)

    def execute(self, *arguments: Any) -> Any:  # which makes its cursor without asking `cursor`
        return self.cursor().execute(*arguments)
