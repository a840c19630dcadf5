"""SQLite: one connection a transaction, writers in a fair queue."""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Table, event
from sqlalchemy.engine import make_url
from sqlalchemy.engine.interfaces import ExceptionContext
from sqlalchemy.pool import NullPool

from ...errors import StoreError, Unavailable
from ...records import Row
from ...settings import Settings
from ..dialect import Holder, build_engine
from ..living import Living
from .bulk_insert import insert_rows
from .connections import Connections
from .errors import translate
from .locks import WriterLock


class SQLite:
    """One database file."""

    name = "sqlite"
    driver_error = sqlite3.Error

    def __init__(self, url: str, settings: Settings) -> None:
        self.identity = str(make_url(url).database)
        self.closed = False
        self.slow_statement = settings.db_slow_statement
        self.transactions: Living[Holder] = Living()
        self._timeout = settings.db_sqlite_busy_timeout
        self._writer_lock = WriterLock()
        self._connections = Connections(
            self.identity, self._timeout, settings.db_sqlite_synchronous
        )
        self.engine = build_engine(
            url,
            self,
            **self.pool_options(settings),
            connect_args=self._connections.arguments,
        )
        event.listen(self.engine, "do_connect", self._connections.open)

    @staticmethod
    def pool_options(settings: Settings) -> dict[str, Any]:
        """No pool: a connection lives as long as its transaction, so none can leak."""
        return {"poolclass": NullPool}

    def close(self) -> None:
        self.closed = True
        for transaction in self.transactions.all():
            transaction.close_with_store()
        self._connections.close_idle()
        self.engine.dispose()

    def before_fork(self) -> None:
        """Connections do not survive a fork, not even unused: those in use have ended by now."""
        self._connections.close_idle()

    def after_fork_in_child(self) -> None:
        self._connections.after_fork_in_child()
        self._writer_lock = WriterLock()

    # Transactions

    def acquire_writer_lock(self, holder: Holder) -> None:
        if not self._writer_lock.acquire(holder, self._timeout):
            raise Unavailable(
                f"{self.identity} is busy: other transactions of this process held it for "
                f"{self._timeout:g} s (DB_SQLITE_BUSY_TIMEOUT): make them shorter"
            )

    def release_writer_lock(self, holder: Holder) -> None:
        self._writer_lock.release(holder)

    def begin(self, connection: Connection, *, readonly: bool, single: bool) -> None:
        driver: Any = connection.connection.dbapi_connection
        if not driver.has_begun:
            self._connections.prepare(driver)
            driver.has_begun = True
        if readonly:
            connection.exec_driver_sql("PRAGMA query_only = ON")
        # A deferred transaction that writes after it has read fails at once, whatever the timeout.
        connection.exec_driver_sql("BEGIN" if readonly else "BEGIN IMMEDIATE")

    def end_connection(self, driver: Any) -> None:
        """Close it, which the pool should have done: again does no harm."""
        if driver is not None:
            driver.close()

    def is_failed(self, connection: Connection) -> bool:
        driver: Any = connection.connection.driver_connection
        return not driver.in_transaction  # a full disk rolls back the whole transaction by itself

    def lock(self, connection: Connection, name: str) -> None:
        """Nothing to do: BEGIN IMMEDIATE lets one writer in at a time."""

    def insert_rows(
        self, connection: Connection, table: Table, columns: Sequence[str], rows: Iterable[Row]
    ) -> int:
        driver: Any = connection.connection.driver_connection
        return insert_rows(driver, connection.dialect, table, columns, rows)

    def translate(self, error: Exception, context: ExceptionContext | None) -> StoreError:
        return translate(self.identity, error, context)

    # Facts

    def server_version(self, connection: Connection) -> str:
        return sqlite3.sqlite_version

    def connection_limit(self, connection: Connection) -> int | None:
        return None
