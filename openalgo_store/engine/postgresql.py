"""PostgreSQL: pooled connections in autocommit that send their own BEGIN, COPY for many rows."""

import select
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import count
from math import ceil, inf
from pathlib import Path
from time import monotonic
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from psycopg import errors, sql
from psycopg.pq import ExecStatus, TransactionStatus
from sqlalchemy import Connection, PoolProxiedConnection, Table, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ..errors import StoreError, Unavailable
from ..records import Row
from ..settings import Settings
from ..settings.url_options import HIDDEN
from ..settings.urls import place_of
from ..threads import poll, refuse_late_patch
from .dialect import Holder, PoolUse, Replication, Sent, Size, Step, build_engine
from .living import Living
from .postgresql_errors import is_out_of_step, translate
from .postgresql_optimizing import vacuum
from .postgresql_rows import continue_after, last_number, odd_values, storage_faults

_LONGEST_IDLE = 600.0
"""Seconds for which a session may do nothing inside its transaction, which may hold locks."""

_CONNECTION = {
    "application_name": "openalgo_store",
    "client_encoding": "utf8",
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
"""What each connection is made with: a server that vanished is given up within a minute."""

_RECENT = 30.0
"""Seconds for which a connection that was given back needs no question to the server."""
_BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED"
_BEGIN_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_WITHOUT_BEGIN = r"-c default_transaction_isolation=read\ committed"
"""Whatever the server is set to: at a stricter level writers that meet would fail, not wait."""
_numbers = count(1)

_REPLICATION = """
SELECT origin, is_standby,
       -- Behind a whole page the place of the next record is past the next page's header, which
       -- nobody replays before that record: no record ends within 40 bytes, unless it began before.
       position - CASE WHEN position % page <= 40 THEN position % page ELSE 0 END,
       extract(epoch FROM now() - pg_last_xact_replay_timestamp())::float
FROM (
    SELECT system_identifier || '/' || current_database() AS origin,
           pg_is_in_recovery() AS is_standby,
           (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()
                 ELSE pg_current_wal_insert_lsn() END - '0/0')::bigint AS position,
           current_setting('wal_block_size')::int AS page
    FROM pg_control_system()
) AS server
"""
"""Not the place that is flushed: with synchronous_commit off a commit does not wait for that."""
_SERVER = "SELECT coalesce(host(inet_server_addr()), '') || ':' || current_setting('port')"
_INSTANCE = "SELECT current_database() || ' ' || pg_postmaster_start_time()"
"""Which of all databases this is, as long as its server runs: hosts and ports have many names."""
_DO_NOT_TELL = (errors.FeatureNotSupported, errors.InsufficientPrivilege, errors.UndefinedFunction)
"""How servers that somebody else runs refuse some of these functions."""


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
        self.identity = place_of(parsed)
        self.single_needs_begin = pooled = settings.db_pooler != "none"
        chosen, options, local = _session_settings(settings).items(), "", ""
        if pooled:
            local = "".join(f"; SET LOCAL {name} = '{value}'" for name, value in chosen)
        else:
            options = " ".join([_WITHOUT_BEGIN, *(f"-c {name}={value}" for name, value in chosen)])
        self._begin, self._begin_read = (
            f"{_BEGIN}{local}".encode(),
            f"{_BEGIN_READ}{local}".encode(),
        )
        arguments = {**_CONNECTION, "prepare_threshold": None if pooled else 5, **parsed.query}
        arguments["options"] = f"{options} {parsed.query.get('options', '')}".strip()
        self.engine = build_engine(
            parsed.difference_update_query(HIDDEN),  # which its repr would show
            self,
            **self.pool_options(settings),
            isolation_level="AUTOCOMMIT",  # BEGIN is ours: psycopg sends none of its own
            connect_args=arguments,
            use_native_hstore=False,  # a query at the first connection, for what no table has
        )
        self._ping = self.engine.dialect.do_ping
        self.engine.dialect.do_ping = self._is_alive  # type: ignore[assignment, method-assign]
        self._used: WeakKeyDictionary[Any, float] = WeakKeyDictionary()
        self._servers: WeakKeyDictionary[Any, str] = WeakKeyDictionary()
        self._in_use: Living[PoolProxiedConnection] = Living()
        event.listen(self.engine, "do_connect", lambda *_: refuse_late_patch())
        if not pooled:
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
        begin = self._begin_read if readonly else self._begin
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

    odd_values = staticmethod(odd_values)
    storage_faults = staticmethod(storage_faults)
    last_number = staticmethod(last_number)
    continue_after = staticmethod(continue_after)

    def optimize(self, tables: Sequence[str]) -> list[Step]:
        held = self.check_out()
        try:
            return [vacuum(held.driver_connection, tables, self.translate)]
        finally:
            self.give_back(held)

    def save_to(self, path: Path) -> bool:
        return False

    def own_connection(self) -> AbstractContextManager[None]:
        return nullcontext()

    def server_version(self, driver: Any) -> str:
        return str(driver.execute("SHOW server_version").fetchone()[0])

    def connection_limit(self, connection: Connection) -> int | None:
        if self.single_needs_begin:  # behind a pooler, whose limit is another
            return None
        return int(connection.exec_driver_sql("SHOW max_connections").scalar_one())

    def pool_use(self) -> PoolUse:
        pool: Any = self.engine.pool
        return PoolUse(pool.checkedout(), pool.checkedin(), self._most_connections)

    def size(self, driver: Any) -> Size:
        data = driver.execute("SELECT pg_database_size(current_database())").fetchone()[0]
        return Size(data, None, None)

    def is_that_of(self, other: Any) -> bool:
        return isinstance(other, PostgreSQL) and self._instance() == other._instance()

    def _instance(self) -> str:
        with self.engine.connect() as connection:
            return str(connection.exec_driver_sql(_INSTANCE).scalar_one())

    def has_answered(self, error: BaseException | None) -> bool:
        """An error without a SQLSTATE is libpq's own, unless it quotes what the server said."""
        return bool(getattr(error, "sqlstate", None)) or "FATAL:" in str(error)

    def is_read_only(self, driver: Any) -> bool:
        return bool(driver.execute("SHOW transaction_read_only").fetchone()[0] == "on")

    def replication(self) -> Replication:
        try:
            held = self.check_out()
            try:
                driver: Any = held.driver_connection
                found = Replication(*driver.execute(_REPLICATION).fetchone())
                return found._replace(server=self.server_of(driver))
            except _DO_NOT_TELL:
                return Replication()
            except BaseException:
                held.invalidate()
                raise
            finally:
                self.give_back(held)
        except PoolTimeout as error:
            raise Unavailable(f"every connection to {self.identity} is in use") from error
        except psycopg.Error as error:
            raise self.translate(error, None) from error

    def server_of(self, driver: Any) -> str | None:
        found = self._servers.get(driver)
        if found is None:
            found = self._servers[driver] = str(driver.execute(_SERVER).fetchone()[0])
        return found

    def translate(self, error: Exception, sent: Sent | None) -> StoreError:
        if sent is not None and is_out_of_step(error):
            sent.driver.close()
        return translate(self.identity, error, sent)


def _session_settings(settings: Settings) -> dict[str, str | int]:
    """What each session begins with (the URL's own options come later and win).

    Through a pooler each transaction does: there it is not known who had the session before.
    """
    return {
        "timezone": "UTC",
        "datestyle": "ISO",
        "lock_timeout": _milliseconds(settings.db_lock_timeout),
        "statement_timeout": _milliseconds(settings.db_statement_timeout),
        "idle_in_transaction_session_timeout": _milliseconds(_LONGEST_IDLE),
    }


def _set_date_style(driver: Any, record: Any) -> None:
    """Dates as the driver reads them: PGDATESTYLE wins over the options, which poolers may drop."""
    style = driver.pgconn.parameter_status(b"DateStyle") or b""  # some poolers do not tell
    if not style.startswith(b"ISO"):
        driver.execute("SET datestyle TO ISO")


def _has_input(driver: Any) -> bool:
    """Whether the socket of a connection has something to read, or has ended."""
    if poll is None:
        return bool(select.select([driver.fileno()], (), (), 0)[0])
    look = poll()
    look.register(driver.fileno(), select.POLLIN)
    return bool(look.poll(0))


def _milliseconds(seconds: float) -> int:
    return min(ceil(seconds * 1000), 2**31 - 1)  # 0 would be no limit at all
