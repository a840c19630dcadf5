"""PostgreSQL: pooled connections in autocommit that send their own BEGIN, COPY for many rows."""

import select
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import count
from math import ceil, inf
from time import monotonic
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from psycopg import sql
from psycopg.pq import ExecStatus, TransactionStatus
from sqlalchemy import Connection, PoolProxiedConnection, Table, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ..errors import InvalidInput, SessionMisuse, StoreError, Unavailable
from ..records import Row
from ..settings import Settings
from . import constraints
from .dialect import Holder, PoolUse, Sent, Size, build_engine
from .living import Living

_UNAVAILABLE = {
    "08": "cannot be reached",
    "28": "refused the user or the password",
    "3D": "does not exist on the server",
    "40": "ended the transaction to resolve a deadlock or a conflict: run it again",
    "53": "has no room for it (connections, memory or disk)",
    "55": "is locked by another transaction: try again",
    "57": "ended the statement or is restarting: try again",
    "58": "cannot read or write its files: check the server",
}
"""SQLSTATE classes in which nothing is wrong with the statement."""

_UNAVAILABLE_STATES = {
    "55P03": "is locked by another transaction for longer than DB_LOCK_TIMEOUT: try again",
    "57014": "was not done with the statement within DB_STATEMENT_TIMEOUT: ask for less",
    "25P03": "ended a session that was idle inside its transaction: make sessions shorter",
}
"""Single states of them, and of others, that say more."""

_LONGEST_IDLE = 600.0
"""Seconds for which a session may do nothing inside its transaction, which may hold locks."""

_RECENT = 30.0
"""Seconds for which a connection that was given back needs no question to the server."""
_BEGIN, _BEGIN_READ = b"BEGIN", b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_numbers = count(1)

_LAG = """
SELECT CASE WHEN NOT pg_is_in_recovery() THEN NULL
            WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
            ELSE extract(epoch FROM now() - pg_last_xact_replay_timestamp())::float END
"""


class PostgreSQL:
    """One database of a server."""

    name = "postgresql"
    lease = 0.025
    driver_error = psycopg.Error

    def __init__(self, url: str, settings: Settings) -> None:
        parsed = make_url(url)
        self.closed = False
        self.slow_statement = settings.db_slow_statement
        self.transactions: Living[Holder] = Living()
        self._most_connections = settings.db_pool_size + settings.db_max_overflow
        self.identity = f"{parsed.host}:{parsed.port or 5432}/{parsed.database}"
        options = f"{_options(settings)} {parsed.query.get('options', '')}".strip()
        arguments = {
            "connect_timeout": 10,
            "application_name": "openalgo_store",
            "client_encoding": "utf8",
        }
        self.engine = build_engine(
            url,
            self,
            **self.pool_options(settings),
            isolation_level="AUTOCOMMIT",  # BEGIN is ours: psycopg sends none of its own
            connect_args=arguments | dict(parsed.query) | {"options": options},
        )
        self._ping = self.engine.dialect.do_ping
        self.engine.dialect.do_ping = self._is_alive  # type: ignore[assignment, method-assign]
        self._used: WeakKeyDictionary[Any, float] = WeakKeyDictionary()
        self._in_use: Living[PoolProxiedConnection] = Living()
        event.listen(self.engine, "connect", _set_date_style)
        event.listen(self.engine, "checkout", lambda _, __, held: self._in_use.add(held))

    @staticmethod
    def pool_options(settings: Settings) -> dict[str, Any]:
        """A pool that opens connections on demand and tests each before it is used."""
        return {
            "pool_size": settings.db_pool_size,
            "max_overflow": settings.db_max_overflow,
            "pool_timeout": settings.db_pool_timeout,
            "pool_recycle": settings.db_pool_recycle,
            "pool_pre_ping": True,
        }

    def close(self) -> None:
        self.closed = True
        for transaction in self.transactions.all():
            transaction.close_with_store()
        self.engine.pool.dispose()  # and keep it: it will be given what is in use now

    def before_fork(self) -> None:
        """Nothing to do: the parent's connections stay the parent's."""

    def after_fork_in_child(self) -> None:
        self.engine.dispose(close=False)

    def acquire_writer_lock(self, holder: object) -> None:
        """Nothing to do: the server lets writers work side by side."""

    def release_writer_lock(self, holder: object) -> None:
        """Nothing to do."""

    def check_out(self) -> PoolProxiedConnection:
        """Where the pool has lost count, as a signal handler that raises can make it, a new pool.

        A connection that nobody has can not be given back: waiting for it would never end.
        """
        try:
            return self.engine.raw_connection()
        except PoolTimeout:
            pool: Any = self.engine.pool
            if pool.checkedout() <= len(self._in_use.all()):
                raise
            self.engine.dispose(close=False)
            return self.engine.raw_connection()

    def show(self, held: PoolProxiedConnection) -> None:
        """Nothing to do: the pool gives each connection to one after the other as it is."""

    def give_back(self, held: PoolProxiedConnection) -> None:
        if held.is_valid:
            self._used[held.driver_connection] = monotonic()
        held.close()
        if self.closed:  # meanwhile: nobody else would close what lies in the pool
            self.engine.pool.dispose()

    def begin(self, driver: Any, *, readonly: bool) -> None:
        """In a third of the time of `execute`, which readies itself for parameters and rows."""
        begin = _BEGIN_READ if readonly else _BEGIN
        try:
            if driver.pgconn.exec_(begin).status == ExecStatus.COMMAND_OK:
                return
        except MemoryError:  # as it says where libpq has no result: the connection is lost
            pass
        driver.execute(begin)  # tells why

    def prepare_single(self, driver: Any, *, readonly: bool) -> None:
        """Nothing to do: in autocommit a statement is a transaction."""

    def in_transaction(self, driver: Any) -> bool:
        return bool(driver.pgconn.transaction_status == TransactionStatus.INTRANS)

    def is_lost(self, driver: Any) -> bool:
        return bool(driver.closed)

    def was_idle(self, driver: Any) -> bool:
        return driver in self._used

    def open_stream(self, driver: Any) -> Any:
        return driver.cursor(f"stream_{next(_numbers)}")

    def lock(self, driver: Any, name: str) -> None:
        driver.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", (name,))

    def _is_alive(self, driver: Any) -> bool:
        """Whether a pooled connection may be used: asked of the server only after a pause.

        One that the server has ended meanwhile has something to read.
        """
        is_recent = monotonic() - self._used.get(driver, -inf) < _RECENT
        return (is_recent and not driver.closed and not _has_input(driver)) or self._ping(driver)

    def insert_rows(
        self, driver: Any, table: Table, columns: Sequence[str], rows: Iterable[Row]
    ) -> int:
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
            sql.Identifier(table.name), names
        )
        types = [self._type_name(table, name) for name in columns]
        with driver.cursor() as cursor:
            with cursor.copy(statement) as copy:
                copy.set_types(types)
                write_row = copy.write_row
                for row in rows:
                    write_row(row)
            return int(cursor.rowcount)

    def _type_name(self, table: Table, column: str) -> str:
        declared: str = table.c[column].type.compile(self.engine.dialect)
        return declared.partition("(")[0].lower()

    def own_connection(self) -> AbstractContextManager[None]:
        return nullcontext()

    def server_version(self, driver: Any) -> str:
        return str(driver.execute("SHOW server_version").fetchone()[0])

    def connection_limit(self, connection: Connection) -> int | None:
        return int(connection.exec_driver_sql("SHOW max_connections").scalar_one())

    def pool_use(self) -> PoolUse:
        pool: Any = self.engine.pool
        return PoolUse(pool.checkedout(), pool.checkedin(), self._most_connections)

    def size(self, driver: Any) -> Size:
        data = driver.execute("SELECT pg_database_size(current_database())").fetchone()[0]
        return Size(data, None, None)

    def replica_lag(self, driver: Any) -> float | None:
        lag: float | None = driver.execute(_LAG).fetchone()[0]
        return lag

    def has_answered(self, error: BaseException | None) -> bool:
        """An error without a SQLSTATE is libpq's own, unless it quotes what the server said."""
        return bool(getattr(error, "sqlstate", None)) or "FATAL:" in str(error)

    def translate(self, error: Exception, sent: Sent | None) -> StoreError:
        state = getattr(error, "sqlstate", None) or ("08000" if _is_lost(error) else "")
        diag = getattr(error, "diag", None)
        constraint = getattr(diag, "constraint_name", None)
        message = getattr(diag, "message_primary", None) or type(error).__name__
        error.args = (message,)  # the rest may hold whole rows, and with them what is secret
        if state == "23505":
            return constraints.not_unique(constraint)
        if state == "23503":
            return constraints.not_referenced(constraint)
        if state == "23514":
            return constraints.not_allowed(constraint)
        if state == "23502":
            return constraints.missing(
                getattr(diag, "table_name", None), getattr(diag, "column_name", None)
            )
        if state == "25006":
            return SessionMisuse("a read session cannot write: use get_write_session")
        if state == "22003":
            return constraints.too_large()
        if state[:2] == "22":
            return InvalidInput("a value does not fit its column: check its size and its form")
        reason = _UNAVAILABLE_STATES.get(state) or _UNAVAILABLE.get(state[:2])
        if reason is not None:
            return Unavailable(f"PostgreSQL {self.identity} {reason} ({message})")
        return StoreError(f"PostgreSQL {self.identity}: {message}")


def _options(settings: Settings) -> str:
    """What each session of the server begins with; the URL's own options come later and win."""
    chosen = {
        "timezone": "UTC",
        "lock_timeout": _milliseconds(settings.db_lock_timeout),
        "statement_timeout": _milliseconds(settings.db_statement_timeout),
        "idle_in_transaction_session_timeout": _milliseconds(_LONGEST_IDLE),
    }
    return " ".join(f"-c {name}={value}" for name, value in chosen.items())


def _set_date_style(driver: Any, record: Any) -> None:
    """Dates as the driver reads them: PGDATESTYLE wins over the options, which poolers may drop."""
    style = driver.pgconn.parameter_status(b"DateStyle") or b""  # some poolers do not tell
    if not style.startswith(b"ISO"):
        driver.execute("SET datestyle TO ISO")


def _has_input(driver: Any) -> bool:
    """Whether the socket of a connection has something to read, or has ended."""
    if not hasattr(select, "poll"):
        return bool(select.select([driver.fileno()], (), (), 0)[0])
    look = select.poll()
    look.register(driver.fileno(), select.POLLIN)
    return bool(look.poll(0))


def _milliseconds(seconds: float) -> int:
    return ceil(seconds * 1000)  # 0 would be no limit at all


def _is_lost(error: Exception) -> bool:
    """Whether the connection could not be made or broke: such errors carry no SQLSTATE."""
    return isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError))
