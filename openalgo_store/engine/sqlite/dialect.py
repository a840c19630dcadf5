"""SQLite: a connection for each transaction, writers in a fair queue."""

import os
import shutil
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any

from sqlalchemy import Connection as CoreConnection
from sqlalchemy import Table, event
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from ...errors import StoreError, Unavailable
from ...records import Row
from ...settings import Settings
from ...threads import IS_GREEN
from ..dialect import Holder, PoolUse, Replication, Sent, Size, Step, build_engine
from ..living import Living
from .bulk_insert import insert_rows
from .connections import Connection, Connections, Lease
from .errors import translate
from .locks import WriterLock
from .optimizing import optimize
from .stored_rows import continue_after, last_number, odd_values, storage_faults


class SQLite:
    """One database file."""

    name = "sqlite"
    lease = 0.01
    driver_error = sqlite3.Error
    single_needs_begin = False

    def __init__(self, url: str, settings: Settings) -> None:
        self.identity = str(make_url(url).database)
        self.closed = False
        self.slow_statement = settings.db_slow_statement
        self.transactions: Living[Holder] = Living()
        self._timeout = settings.db_sqlite_busy_timeout
        self._writer_lock = WriterLock()
        self._connections = Connections(
            self.identity,
            self._timeout,
            settings.db_sqlite_synchronous,
            settings.db_sqlite_idle,
            _kind_of_connections(),
        )
        self.engine = build_engine(
            url,
            self,
            **self.pool_options(settings),
            connect_args=self._connections.arguments,
            paramstyle="named",
        )
        event.listen(self.engine, "do_connect", self._connections.open)

    @staticmethod
    def pool_options(settings: Settings) -> dict[str, Any]:
        """No pool: what an Engine opens is closed at once when it is given back."""
        return {"poolclass": NullPool}

    def close(self) -> None:
        self.closed = True
        for transaction in self.transactions.all():
            transaction.close_with_store()
        self._connections.close()
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

    def check_out(self) -> Lease:
        return self._connections.check_out()

    def show(self, held: Any) -> None:
        held.is_shown = True

    def give_back(self, held: Any) -> None:
        self._connections.give_back(held)

    def begin(self, driver: Connection, *, readonly: bool) -> None:
        if not driver.is_prepared:
            self._connections.prepare(driver)
        _set_query_only(driver, readonly)
        # A deferred transaction that writes after it has read fails at once, whatever the timeout.
        driver.execute("BEGIN" if readonly else "BEGIN IMMEDIATE")

    def prepare_single(self, driver: Connection, *, readonly: bool) -> None:
        """The engine itself begins and commits where no transaction is open."""
        if not readonly:
            _set_query_only(driver, False)

    def in_transaction(self, driver: Connection) -> bool:
        # a full disk rolls back the whole transaction by itself
        return not driver.is_closed and driver.in_transaction

    def is_lost(self, driver: Connection) -> bool:
        return driver.is_closed

    def was_idle(self, driver: Connection) -> bool:
        return False  # nobody ends the connections of a file

    def open_stream(self, driver: Connection) -> Any:
        return driver.cursor()

    def lock(self, driver: Connection, name: str) -> None:
        """Nothing to do: BEGIN IMMEDIATE lets one writer in at a time."""

    def insert_rows(
        self, driver: Connection, table: Table, columns: Sequence[str], rows: Iterable[Row]
    ) -> int:
        return insert_rows(driver, self.engine.dialect, table, columns, rows)

    odd_values = staticmethod(odd_values)
    storage_faults = staticmethod(storage_faults)
    last_number = staticmethod(last_number)
    continue_after = staticmethod(continue_after)

    def translate(self, error: Exception, sent: Sent | None) -> StoreError:
        return translate(self.identity, error, sent)

    def optimize(self, tables: Sequence[str]) -> list[Step]:
        held = self.check_out()
        try:
            return list(optimize(held.dbapi_connection, tables, self.translate))
        finally:
            self.give_back(held)

    # Facts

    def save_to(self, path: Path) -> bool:
        """At one moment: readers and writers go on."""
        held = self.check_out()
        try:
            with closing(sqlite3.connect(path)) as file:
                held.dbapi_connection.backup(file)
        except sqlite3.Error as error:
            raise self.translate(error, None) from error
        finally:
            self.give_back(held)
        return True

    def own_connection(self) -> AbstractContextManager[None]:
        return self._connections.opened_by_others()

    def server_version(self, driver: Any) -> str:
        return sqlite3.sqlite_version

    def connection_limit(self, connection: CoreConnection) -> int | None:
        return None

    def pool_use(self) -> PoolUse:
        return PoolUse(self._connections.in_use(), self._connections.idle(), None)

    def size(self, driver: Any) -> Size:
        file, log = Path(self.identity), Path(f"{self.identity}-wal")
        free = shutil.disk_usage(file.parent).free
        return Size(file.stat().st_size, log.stat().st_size if log.exists() else 0, free)

    def is_that_of(self, other: Any) -> bool:
        """A file has several names where it is linked."""
        try:
            return Path(self.identity).samefile(other.identity)
        except OSError:
            return False

    def has_answered(self, error: BaseException | None) -> bool:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        return code not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_IOERR)

    def is_read_only(self, driver: Any) -> bool:
        return not os.access(self.identity, os.W_OK)

    def replication(self) -> Replication:
        """Nothing but that the file is there and opens: who keeps a copy of it does not tell."""
        if not Path(self.identity).exists():  # opening would make an empty one
            raise Unavailable(f"{self.identity} does not exist")
        try:
            self.give_back(self.check_out())
        except sqlite3.Error as error:
            raise self.translate(error, None) from error
        return Replication()

    def server_of(self, driver: Any) -> str | None:
        """There is none."""
        return None


def _kind_of_connections() -> type[Connection]:
    if not IS_GREEN:
        return Connection
    from .patience import PatientConnection

    return PatientConnection


def _set_query_only(driver: Connection, query_only: bool) -> None:
    if driver.query_only is not query_only:
        driver.query_only = None  # unknown, should a signal handler raise between the two
        driver.execute(f"PRAGMA query_only = {query_only:d}")
        driver.query_only = query_only
