"""PostgreSQL: pooled connections in autocommit that send their own BEGIN, COPY for many rows."""

from collections.abc import Iterable, Sequence
from typing import Any

import psycopg
from psycopg import sql
from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, Table, text
from sqlalchemy.engine import make_url
from sqlalchemy.engine.interfaces import ExceptionContext

from ..errors import InvalidInput, SessionMisuse, StoreError, Unavailable
from ..records import Row
from ..settings import Settings
from . import constraints
from .dialect import Holder, build_engine
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


class PostgreSQL:
    """One database of a server."""

    name = "postgresql"
    driver_error = psycopg.Error

    def __init__(self, url: str, settings: Settings) -> None:
        parsed = make_url(url)
        self.closed = False
        self.slow_statement = settings.db_slow_statement
        self.transactions: Living[Holder] = Living()
        self.identity = f"{parsed.host}:{parsed.port or 5432}/{parsed.database}"
        options = f"{_options(settings)} {parsed.query.get('options', '')}".strip()
        arguments = {"connect_timeout": 10, "application_name": "openalgo_store"}
        self.engine = build_engine(
            url,
            self,
            **self.pool_options(settings),
            isolation_level="AUTOCOMMIT",  # BEGIN is ours: psycopg sends none of its own
            connect_args=arguments | dict(parsed.query) | {"options": options},
        )

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
        self.engine.dispose()

    def before_fork(self) -> None:
        """Nothing to do: the parent's connections stay the parent's."""

    def after_fork_in_child(self) -> None:
        self.engine.dispose(close=False)

    def acquire_writer_lock(self, holder: object) -> None:
        """Nothing to do: the server lets writers work side by side."""

    def release_writer_lock(self, holder: object) -> None:
        """Nothing to do."""

    def begin(self, connection: Connection, *, readonly: bool, single: bool) -> None:
        if single:
            return
        connection.exec_driver_sql(
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY" if readonly else "BEGIN"
        )

    def end_connection(self, driver: Any) -> None:
        """Nothing to do: the pool drops what was not given back whole."""

    def is_failed(self, connection: Connection) -> bool:
        driver: Any = connection.connection.driver_connection
        return bool(driver.info.transaction_status != TransactionStatus.INTRANS)

    def lock(self, connection: Connection, name: str) -> None:
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": name})

    def insert_rows(
        self, connection: Connection, table: Table, columns: Sequence[str], rows: Iterable[Row]
    ) -> int:
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
            sql.Identifier(table.name), names
        )
        types = [self._type_name(table, name) for name in columns]
        driver: Any = connection.connection.driver_connection
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

    def server_version(self, connection: Connection) -> str:
        return str(connection.exec_driver_sql("SHOW server_version").scalar())

    def connection_limit(self, connection: Connection) -> int | None:
        return int(connection.exec_driver_sql("SHOW max_connections").scalar_one())

    def translate(self, error: Exception, context: ExceptionContext | None) -> StoreError:
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


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def _is_lost(error: Exception) -> bool:
    """Whether the connection could not be made or broke: such errors carry no SQLSTATE."""
    return isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError))
