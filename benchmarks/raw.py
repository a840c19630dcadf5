"""The raw drivers: as fast as the engines go from Python, without a check or a layer."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from functools import cached_property
from typing import Any, NamedTuple

import psycopg
from psycopg_pool import ConnectionPool
from sqlalchemy.engine import make_url

Row = tuple[Any, ...]


class Table(NamedTuple):
    """How rows get into a table: its columns and PostgreSQL's names of their types."""

    name: str
    columns: dict[str, str]

    @property
    def insert(self) -> str:
        """For executemany."""
        marks = ", ".join("?" for _ in self.columns)
        return f"INSERT INTO {self.name} ({', '.join(self.columns)}) VALUES ({marks})"  # noqa: S608

    @property
    def copy(self) -> str:
        """For rows in binary."""
        return f"COPY {self.name} ({', '.join(self.columns)}) FROM STDIN (FORMAT BINARY)"


def open_sqlite(url: str) -> sqlite3.Connection:
    """A connection with our PRAGMAs, which any one thread at a time may use."""
    connection = sqlite3.connect(
        str(make_url(url).database), isolation_level=None, check_same_thread=False
    )
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA busy_timeout = 30000")
    return connection


class RawSQLite:
    """The sqlite3 module on one held connection, which is the fastest way to get one."""

    name = "SQLite"

    def __init__(self, url: str) -> None:
        self.connection: Any = open_sqlite(url)

    def one(self, sql: str, params: Row) -> Row | None:
        """The first row of one statement, which commits itself."""
        found: Row | None = self.connection.execute(sql, params).fetchone()
        return found

    def all(self, sql: str, params: Row) -> list[Row]:
        """The rows of one statement."""
        found: list[Row] = self.connection.execute(sql, params).fetchall()
        return found

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        """The connection between BEGIN IMMEDIATE and COMMIT."""
        self.connection.execute("BEGIN IMMEDIATE")
        yield self.connection
        self.connection.execute("COMMIT")

    def empty(self) -> None:
        """No symbols, and no room left over from earlier ones."""
        self.connection.execute("DELETE FROM symbols")
        self.settle()

    def settle(self) -> None:
        """As the next morning finds it: compact, and the log written back."""
        self.connection.execute("VACUUM")
        self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def analyse(self) -> None:
        """Let the planner know every table, and write the log back."""
        self.connection.execute("ANALYZE")
        self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def storable(self, row: Row) -> Row:
        """The row as the engine keeps it."""
        return tuple(_as_text(value) if isinstance(value, date) else value for value in row)

    def statement(self, sql: str) -> str:
        """The statement with this driver's place holders."""
        return sql

    def locking(self, sql: str) -> str:
        """The same, for a row that is about to be changed: BEGIN IMMEDIATE has locked the file."""
        return sql

    def begin(self) -> None:
        """Start to write."""
        self.connection.execute("BEGIN IMMEDIATE")

    def insert(self, rows: Iterable[Row], table: Table) -> None:
        """executemany of tuples."""
        self.connection.executemany(table.insert, rows)

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()


class RawPostgreSQL:
    """psycopg: verbs on a connection of its pool, which does not ping; one that is held besides."""

    name = "PostgreSQL"

    def __init__(self, url: str) -> None:
        conninfo = make_url(url).set(drivername="postgresql")
        self._conninfo = conninfo.render_as_string(hide_password=False)
        self.connection: Any = psycopg.connect(self._conninfo, autocommit=True)

    @cached_property
    def pool(self) -> Any:
        """Opened when first asked for."""
        return ConnectionPool(
            self._conninfo, min_size=1, max_size=8, kwargs={"autocommit": True}, open=True
        )

    def one(self, sql: str, params: Row) -> Row | None:
        """The first row of one statement, which commits itself."""
        with self.pool.connection() as connection:
            found: Row | None = connection.execute(sql, params).fetchone()
        return found

    def all(self, sql: str, params: Row) -> list[Row]:
        """The rows of one statement."""
        with self.pool.connection() as connection:
            found: list[Row] = connection.execute(sql, params).fetchall()
        return found

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        """A connection between BEGIN and COMMIT."""
        with self.pool.connection() as connection:
            connection.execute("BEGIN")
            yield connection
            connection.execute("COMMIT")

    def empty(self) -> None:
        """No symbols, and no room left over from earlier ones."""
        self.connection.execute("TRUNCATE symbols")

    def settle(self) -> None:
        """As the next morning finds it: vacuumed and analysed, the log written back."""
        self.connection.execute("VACUUM ANALYZE symbols")
        self.connection.execute("CHECKPOINT")

    def analyse(self) -> None:
        """Let the planner know every table and what is visible in it, and write the log back."""
        self.connection.execute("VACUUM ANALYZE")
        self.connection.execute("CHECKPOINT")

    def storable(self, row: Row) -> Row:
        """The row as the engine keeps it."""
        return row

    def statement(self, sql: str) -> str:
        """The statement with this driver's place holders."""
        return sql.replace("?", "%s")

    def locking(self, sql: str) -> str:
        """The same, for a row that is about to be changed."""
        return f"{self.statement(sql)} FOR NO KEY UPDATE"

    def begin(self) -> None:
        """Start to write."""
        self.connection.execute("BEGIN")

    def insert(self, rows: Iterable[Row], table: Table) -> None:
        """Binary COPY."""
        with self.connection.cursor().copy(table.copy) as copy:
            copy.set_types(list(table.columns.values()))
            for row in rows:
                copy.write_row(row)

    def close(self) -> None:
        """Close every connection."""
        if "pool" in self.__dict__:
            self.pool.close()
        self.connection.close()


Raw = RawSQLite | RawPostgreSQL


def connect(url: str) -> Raw:
    """The raw driver of a URL."""
    return RawSQLite(url) if url.startswith("sqlite") else RawPostgreSQL(url)


def load(raw: Raw, rows: Iterable[Row], table: Table) -> None:
    """Insert all rows in one transaction."""
    raw.begin()
    raw.insert(rows, table)
    raw.connection.execute("COMMIT")


def _as_text(day: date) -> str:
    return day.strftime("%Y-%m-%d %H:%M:%S.%f") if isinstance(day, datetime) else day.isoformat()
